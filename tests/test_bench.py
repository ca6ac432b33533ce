"""The floor replays exactly the passes that a method made."""

import pytest
import torch
from cli import call
from tiny import CPU

from lnlbench.methods.co_teaching import CoTeaching
from lnlbench.methods.cross_entropy import CrossEntropy
from lnlbench.methods.dividemix import DivideMix
from lnlbench.methods.jocor import JoCoR
from lnlbench.methods.knn import KNearest
from lnlbench.runner.bench import Floor, Pass, bench_method
from lnlbench.tracks import load_track

PROTOCOL = load_track("digits").protocol.model_copy(update={"batch_size": 16})


@pytest.fixture
def replayed(monkeypatch):
    """The passes of each replay, which still happens."""
    seen = []
    original = Floor.replay

    def replay(self, passes):
        seen.append(list(passes))
        return original(self, passes)

    monkeypatch.setattr(Floor, "replay", replay)
    return seen


def test_cross_entropy_is_one_pass_and_one_step_a_batch(replayed):
    timing = bench_method(CrossEntropy(CrossEntropy.Params()), PROTOCOL, 40, 2, CPU)
    step = Pass(None)
    epoch = [Pass(0, size, training=True, gradients=True) for size in (16, 16, 8)]
    assert replayed == [[item for each in epoch for item in (each, step)]] * 4
    assert timing.ratio_to_floor > 0
    assert timing.images_per_second == pytest.approx(40 / timing.seconds_per_epoch)


def test_dividemix_passes_are_told_apart_by_network_mode_and_gradient(replayed):
    bench_method(DivideMix(DivideMix.Params(warmup_epochs=1)), PROTOCOL, 40, 1, CPU)
    warmup, *_, divided = replayed
    assert {each.network for each in warmup} == {0, 1, None}
    evaluations = [each for each in divided if each.batch == 40]
    assert evaluations == [Pass(0, 40), Pass(1, 40)]
    steps = divided.count(Pass(None))
    trained = [each for each in divided if each.gradients]
    assert len(trained) == steps > 0
    assert all(each.training for each in trained)
    peers = [each for each in divided if not each.training and each.batch != 40]
    assert peers, "the peer guesses in eval mode"
    assert not any(each.gradients for each in peers)


def test_the_callers_random_stream_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    bench_method(CrossEntropy(CrossEntropy.Params()), PROTOCOL, 20, 1, CPU)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("steps", [1, 2])
def test_two_passes_are_learned_from_in_one_step_or_in_two(steps):
    floor = Floor(PROTOCOL, "fp32", CPU)
    passes = [Pass(number, 8, training=True, gradients=True) for number in (0, 1)]
    floor.prepare(passes)
    before = [[p.clone() for p in net.parameters()] for net, _ in floor._networks.values()]
    floor.replay([*passes, *[Pass(None)] * steps])
    for (network, _), weights in zip(floor._networks.values(), before, strict=True):
        pairs = zip(network.parameters(), weights, strict=True)
        assert any(not torch.equal(new, old) for new, old in pairs)


@pytest.mark.parametrize("method", [CoTeaching, JoCoR])
def test_methods_that_pass_two_networks_before_stepping_have_a_floor(method):
    assert bench_method(method(method.Params()), PROTOCOL, 40, 1, CPU).ratio_to_floor > 0


def test_a_method_that_takes_no_step_has_no_floor():
    assert bench_method(KNearest(KNearest.Params()), PROTOCOL, 20, 1, CPU) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--method", "knn", "--samples", "20"), "no floor"),
        (("--method", "ce", "--track", "cifar100n-embedding"), "starts from pretrained weights"),
    ],
)
def test_what_cannot_be_timed_is_refused(arguments, words):
    outcome = call("bench", "--repeats", "1", *arguments)
    assert outcome.code == 2
    assert words in outcome.err
