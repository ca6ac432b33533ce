"""What the methods do over a run: warm-ups, peers, samples left out."""

import pytest
import slow_losses as slow
import torch
from lnlbench_robust_losses import register_methods
from lnlbench_robust_losses.contrast import ContrastiveMethod
from lnlbench_robust_losses.epsilon_softmax import EpsilonSoftmax
from lnlbench_robust_losses.gls import GeneralizedLabelSmoothing
from lnlbench_robust_losses.peer_loss import PeerLoss
from lnlbench_robust_losses.truncated_gce import TruncatedGCE
from torch import nn

from lnlbench.interface.run import Run
from lnlbench.pieces.warmup import warmup_length
from lnlbench.spec.run_spec import build_spec
from lnlbench.testing import check_method
from lnlbench.testing.small_runs import make_embedding_run, make_run
from lnlbench.tracks.schedule import learning_rate_factor

METHODS = register_methods()


@pytest.fixture
def steps(monkeypatch):
    """What every step of a run was given: its epoch, loss, and the optimizer's learning rate."""
    seen, original = [], Run.step

    def step(self, loss, optimizer):
        seen.append((self.epoch, loss.item(), optimizer.param_groups[0]["lr"]))
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    return seen


class Recorded(nn.Linear):
    """A linear network that remembers what it said."""

    def __init__(self):
        super().__init__(3072, 4)
        self.said = []

    def forward(self, images):
        logits = super().forward(images.flatten(1))
        self.said.append(logits.tolist())
        return logits


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_check_passes(method):
    check_method(method)


@pytest.mark.parametrize(
    "method",
    [method for method in METHODS if not method(method.Params()).augmentations()],
    ids=lambda method: method.name,
)
def test_every_method_without_strong_views_trains_a_head_on_frozen_features(method, steps):
    method(method.Params()).fit(make_embedding_run())
    assert {epoch for epoch, _, _ in steps} == {0, 1, 2}


def test_a_warmup_is_a_share_of_the_run_unless_its_length_is_given():
    assert warmup_length(None, 0.4, 15) == 6
    assert warmup_length(None, 0.4, 1) == 1
    assert warmup_length(0, 0.4, 15) == 0
    assert warmup_length(7, 0.4, 15) == 7


def test_gls_smooths_after_the_warmup(steps):
    run = make_run(samples=8, batch_size=8, max_epochs=2, network=Recorded)
    method = GeneralizedLabelSmoothing(GeneralizedLabelSmoothing.Params(smoothing=-1.0))
    orders, batches = [], run.batches

    def recorded(**settings):
        for batch in batches(**settings):
            orders.append(batch.labels.tolist())
            yield batch

    run.batches = recorded
    method.fit(run)
    expected = [
        slow.mean(slow.smoothed(row, y, r) for row, y in zip(said, labels, strict=True))
        for said, labels, r in zip(method.network.said, orders, (0.0, -1.0), strict=True)
    ]
    assert [loss for _, loss, _ in steps] == pytest.approx(expected, rel=1e-4)


class Watched(ContrastiveMethod):
    """Keeps what `contrast` is given."""

    name = "watched"
    warmup_share = 0.5
    Params = PeerLoss.Params

    def contrast(self, logits, labels, peer_logits, peer_labels):
        self.seen = [*getattr(self, "seen", []), (logits, labels, peer_logits, peer_labels)]
        return logits.sum() * 0


def test_peers_are_other_images_with_labels_of_yet_others():
    run = make_run(samples=400, batch_size=100, max_epochs=2, network=Recorded)
    method, streams, batches = Watched(Watched.Params()), [], run.batches

    def recorded(**settings):
        streams.append([])
        seen = streams[-1]
        for batch in batches(**settings):
            seen.extend(batch.index.tolist())
            yield batch

    run.batches = recorded
    method.fit(run)
    warmup, own, peers = streams
    assert sorted(own) == sorted(peers) == sorted(warmup) == list(range(400))
    assert sum(a == b for a, b in zip(own, peers, strict=True)) < 10
    assert len(method.seen) == 4  # of the second epoch alone
    assert not any(torch.allclose(logits, peers) for logits, _, peers, _ in method.seen)
    labels, peer_labels = (torch.cat([each[part] for each in method.seen]) for part in (1, 3))
    assert torch.equal(labels, run.labels[own])
    # Labels of peers are those of neither image: they agree by chance alone.
    for order in (own, peers):
        agreement = (run.labels[order] == peer_labels).float().mean().item()
        assert agreement == pytest.approx(0.25, abs=0.08)
    assert (peer_labels.bincount() - run.labels.bincount()).abs().max() < 50


def test_peer_loss_is_the_difference_of_two_stable_cross_entropies(steps):
    params = PeerLoss.Params(peer_weight=0.5, warmup_epochs=1, stability=0.01)
    method = PeerLoss(params)
    run = make_run(samples=8, batch_size=8, max_epochs=2, network=Recorded)
    labels = []
    original = PeerLoss.contrast

    def contrast(self, logits, given, peer_logits, peer_labels):
        labels.append((given, peer_labels))
        return original(self, logits, given, peer_logits, peer_labels)

    PeerLoss.contrast = contrast
    try:
        method.fit(run)
    finally:
        PeerLoss.contrast = original
    [(given, drawn)] = labels
    own, peers = method.network.said[1:]
    terms = [
        slow.mean(slow.stable(row, int(y), 0.01) for row, y in zip(said, ys, strict=True))
        for said, ys in ((own, given), (peers, drawn))
    ]
    [(_, _, warmup_rate), (_, loss, rate)] = steps
    assert loss == pytest.approx(terms[0] - 0.5 * terms[1], rel=1e-4)
    # The run halves its rate every epoch.
    assert rate == pytest.approx(warmup_rate / 2 / 1.5)


def test_truncated_gce_leaves_out_what_the_network_finds_unlikely():
    params = TruncatedGCE.Params(warmup_epochs=1, prune_every=2, threshold=0.3)
    method, beliefs, logits = TruncatedGCE(params), [], []
    run = make_run(
        samples=60,
        max_epochs=4,
        epoch_finished=lambda epoch: beliefs.append(method.clean_probability()),
    )
    plain = run.logits

    def recorded(network):
        logits.append(plain(network))
        return logits[-1]

    run.logits = recorded
    method.fit(run)
    assert beliefs[0] is None
    assert len(logits) == 2  # before the second epoch and before the fourth
    for made, belief in zip(logits, (beliefs[1], beliefs[3]), strict=True):
        expected = [
            float(slow.softmax(row)[int(y)] > 0.3)
            for row, y in zip(made.tolist(), run.labels, strict=True)
        ]
        assert belief.tolist() == expected
        assert 0 < sum(expected) < 60
    assert torch.equal(beliefs[1], beliefs[2])


def test_truncated_gce_goes_on_where_it_would_keep_nothing():
    params = TruncatedGCE.Params(warmup_epochs=0, threshold=0.999)
    method, run = TruncatedGCE(params), make_run(max_epochs=1, network=Recorded)
    method.fit(run)
    assert method.kept.all()
    assert [event.event for event in run.events] == ["nothing kept"]


def test_epsilon_softmax_cuts_gradients_down():
    lengths = []

    class Kept(torch.optim.SGD):
        def step(self, *arguments, **settings):
            gradients = [each.grad.norm() for each in self.param_groups[0]["params"]]
            lengths.append(torch.stack(gradients).norm().item())
            return super().step(*arguments, **settings)

    def fitted(limit):
        lengths.clear()
        run = make_run(
            max_epochs=1,
            network=Recorded,
            build_optimizer=lambda network: Kept(network.parameters(), lr=0.01),
        )
        EpsilonSoftmax(EpsilonSoftmax.Params(max_gradient_norm=limit)).fit(run)
        return list(lengths)

    assert max(fitted(1e6)) > 0.5
    assert max(fitted(0.5)) == pytest.approx(0.5, rel=1e-4)


def test_native_schedules_have_the_authors_cosine_and_nesterov_momentum():
    protocol = build_spec(EpsilonSoftmax, "cifar100n-resnet34", "native").protocol
    rates = [protocol.optimizer.lr * learning_rate_factor(protocol, e) for e in (0, 100, 200)]
    assert rates == pytest.approx([0.1, 0.05, 0.0])
    assert (protocol.optimizer.weight_decay, protocol.optimizer.nesterov) == (1e-5, False)
    protocol = build_spec(GeneralizedLabelSmoothing, "cifar100n-resnet34", "native").protocol
    rates = [protocol.optimizer.lr * learning_rate_factor(protocol, e) for e in (99, 100, 199)]
    assert rates == pytest.approx([0.1, 0.01, 0.001])
    assert (protocol.optimizer.weight_decay, protocol.optimizer.nesterov) == (1e-4, True)
