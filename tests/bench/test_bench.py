"""The floor replays exactly the passes that a method made; times go where they belong."""

import mmap
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from benched import ONCE, PROTOCOL, bench
from cli import call

from lnlbench.bench import epoch_timer, sections
from lnlbench.bench.division import with_labeled_share
from lnlbench.bench.floor import Floor, NetworkKind, Pass, view_by_view
from lnlbench.bench.sections import SECTIONS
from lnlbench.bench.timing import bench_method
from lnlbench.methods import dividemix
from lnlbench.methods.co_teaching import CoTeaching
from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.methods.dividemix import DivideMix
from lnlbench.methods.jocor import JoCoR
from lnlbench.methods.knn import KNearest
from lnlbench.pieces.selection import split_by_belief
from lnlbench.testing.small_runs import CPU
from lnlbench.tracks import load_track


@pytest.fixture
def replayed(monkeypatch):
    """The passes of each replay beside an epoch, which still happens."""
    seen = []
    monkeypatch.setattr(epoch_timer, "measure", lambda *given: None)
    original = Floor.replay

    def replay(self, passes):
        seen.append(list(passes))
        return original(self, passes)

    monkeypatch.setattr(Floor, "replay", replay)
    return seen


def test_cross_entropy_is_one_pass_and_one_step_a_batch(replayed):
    timing = bench(CrossEntropy, replace(ONCE, repeats=2))
    step = Pass(None)
    epoch = [Pass(0, size, training=True, gradients=True) for size in (16, 16, 8)]
    # One replay warms the floor up, two are timed, and the epoch of the shares has none.
    assert replayed == [[item for each in epoch for item in (each, step)]] * 3
    assert timing.ratio_to_floor > 0
    assert timing.images_per_second == pytest.approx(40 / timing.seconds_per_epoch)
    assert len(timing.epochs) == 2


def test_dividemix_passes_are_told_apart_by_network_mode_and_gradient(replayed):
    bench(DivideMix, warmup_epochs=2)
    warmup, divided = replayed
    assert {each.network for each in warmup} == {0, 1, None}
    assert [each for each in divided if each.large] == [
        Pass(0, 40, large=True),
        Pass(1, 40, large=True),
    ]
    steps = divided.count(Pass(None))
    trained = [each for each in divided if each.gradients]
    assert len(trained) == steps > 0
    assert all(each.training for each in trained)
    peers = [each for each in divided if not each.training and each.network is not None]
    assert len(peers) > 2, "the peer guesses in eval mode"
    assert not any(each.gradients for each in peers)


def test_references_guess_one_view_at_a_time_and_nothing_else_differs():
    guess = Pass(1, batch=21)
    kept = [Pass(0, 8, training=True), Pass(0, 32, True, True), Pass(None), Pass(0, 40, large=True)]
    assert view_by_view([*kept, guess], 8) == [*kept, Pass(1, 7), Pass(1, 7), Pass(1, 7)]
    assert view_by_view([Pass(1, 16)], 8) == [Pass(1, 8)] * 2


def test_the_reference_is_float32_and_contiguous():
    network = NetworkKind(PROTOCOL, "fp32", CPU, channels_last=False).build()
    assert all(weight.is_contiguous() for weight in network.parameters())
    timing = bench(CrossEntropy, replace(ONCE, reference=True))
    assert timing.reference_seconds > 0
    assert timing.ratio_to_reference > 0
    assert bench(CrossEntropy).reference_seconds is None


def test_the_callers_random_stream_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    bench(CrossEntropy)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("steps", [1, 2])
def test_two_passes_are_learned_from_in_one_step_or_in_two(steps):
    floor = Floor(NetworkKind(PROTOCOL, "fp32", CPU))
    passes = [Pass(number, 8, training=True, gradients=True) for number in (0, 1)]
    floor.prepare(passes)
    before = [[p.clone() for p in net.parameters()] for net, _ in floor._networks.values()]
    floor.replay([*passes, *[Pass(None)] * steps])
    for (network, _), weights in zip(floor._networks.values(), before, strict=True):
        pairs = zip(network.parameters(), weights, strict=True)
        assert any(not torch.equal(new, old) for new, old in pairs)


@pytest.mark.parametrize("method", [CoTeaching, JoCoR])
def test_methods_that_pass_two_networks_before_stepping_have_a_floor(method):
    assert bench(method).ratio_to_floor > 0


def test_a_method_that_takes_no_step_has_no_floor():
    assert bench(KNearest, replace(ONCE, samples=20)) is None


def test_a_section_pays_for_itself_alone(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(sections, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    timed = sections.Sections(CPU)
    timed.enter("training")  # off: it costs nothing, and counts nothing
    clock[0] += 100
    timed.start()
    clock[0] += 1
    with timed.section("no-grad passes"):
        clock[0] += 2
    timed.select_no_more()
    with timed.section("training"):
        clock[0] += 3
        with timed.section("augmentation"):
            clock[0] += 4
        clock[0] += 2
    clock[0] += 6
    timed.select_no_more()
    clock[0] += 2
    expected = {
        "augmentation": 4,
        "training": 5,
        "no-grad passes": 2,
        "selection": 1,
        "bookkeeping": 8,
    }
    assert timed.stop() == {name: seconds / 20 for name, seconds in expected.items()}
    assert tuple(expected) == SECTIONS


def test_every_kind_of_work_of_dividemix_has_its_share():
    shares = bench(DivideMix, warmup_epochs=1).shares
    assert sum(shares.values()) == pytest.approx(1)
    assert all(shares[name] > 0 for name in SECTIONS)
    assert shares["training"] > shares["augmentation"]


def test_plain_training_has_no_passes_without_gradients():
    timing = bench(CrossEntropy)
    assert timing.shares["no-grad passes"] == 0
    assert timing.evaluation_seconds > 0
    assert timing.peak_memory_bytes > 0


def test_new_pages_of_memory_are_counted_for_each_step():
    class Taking(CrossEntropy):
        def loss(self, network, batch, epoch):
            with mmap.mmap(-1, 1000 * mmap.PAGESIZE) as taken:
                taken[:: mmap.PAGESIZE] = bytes(1000)
            return super().loss(network, batch, epoch)

    more = bench(Taking).page_faults_per_step - bench(CrossEntropy).page_faults_per_step
    assert more == pytest.approx(1000, rel=0.3)


def test_heads_on_random_features_are_timed_on_a_track_of_embeddings():
    protocol = load_track("cifar100n-embedding").protocol
    method = DivideMix(DivideMix.Params(warmup_epochs=1))
    timing = bench_method(method, protocol, ONCE, CPU)
    assert timing.ratio_to_floor > 0
    assert timing.evaluation_seconds > 0


@pytest.mark.parametrize("share", [0.25, 0.6])
def test_the_labeled_share_is_what_was_asked_for(monkeypatch, share):
    seen = []

    def watched(run, belief, threshold):
        labeled, unlabeled = split_by_belief(run, belief, threshold)
        seen.append((len(labeled), len(labeled) + len(unlabeled)))
        return labeled, unlabeled

    monkeypatch.setattr(dividemix, "split_by_belief", watched)
    bench(with_labeled_share(DivideMix, share), warmup_epochs=1)
    assert set(seen) == {(round(share * 40), 40)}
    assert with_labeled_share(CrossEntropy, share) is CrossEntropy


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--method", "knn", "--samples", "20"), "no floor"),
        (("--method", "ce-clean"), "random images have no clean labels"),
        (("--method", "ce", "--track", "cifar100n-pretrained"), "starts from pretrained weights"),
        (("--in-turns",), "name the methods with --method"),
        (("--method", "ce", "--compare", "fp16"), "'fp16'. A setting is fp32, bf16, compile"),
        (("--method", "ce", "--compare", "fp32+bf16"), "'fp32+bf16'. A setting is"),
    ],
)
def test_what_cannot_be_timed_is_refused(arguments, words):
    outcome = call("bench", "--repeats", "1", *arguments)
    assert outcome.code == 2
    assert words in outcome.err
