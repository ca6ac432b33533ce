"""Co-teaching, Co-teaching+ and JoCoR: schedule, selection and steps, against slow versions."""

import pytest
import slow_methods as slow
import torch
from planted import planted_run

from lnlbench.errors import UsageError
from lnlbench.interface.batch import Batch
from lnlbench.interface.params import validate_params
from lnlbench.methods.co_teaching import CoTeaching, CoTeachingOracle
from lnlbench.methods.co_teaching_plus import CoTeachingPlus
from lnlbench.methods.jocor import JoCoR, joint_losses
from lnlbench.pieces.small_loss import (
    ScheduleParams,
    enter_late_phase,
    estimate_noise_rate,
    forget_rate_at,
    small_loss_selection,
)
from lnlbench.testing.small_runs import make_run


class RecordingRun:
    """Stands in for a Run: keeps what would have been stepped."""

    def __init__(self, epoch=0):
        self.epoch = epoch
        self.steps = []
        self.logged = {}

    def step(self, loss, optimizer):
        self.steps.append((loss.item(), optimizer))

    def log(self, **scalars):
        self.logged.update(scalars)


class Echo(torch.nn.Module):
    """A network that answers fixed logits, whatever it sees."""

    def __init__(self, logits):
        super().__init__()
        self.logits = torch.nn.Parameter(logits)

    def forward(self, images):
        return self.logits


def draw(samples=16, classes=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = [3 * torch.randn(samples, classes, generator=generator) for _ in range(2)]
    labels = torch.randint(classes, (samples,), generator=generator)
    return *logits, labels


def step_once(method, logits, peer_logits, labels, forget_rate, epoch=0, number=0):
    """One update of a method whose networks answer the given logits."""
    method.network, method.peer = Echo(logits), Echo(peer_logits)
    method.optimizers = ["own", "peer's"]
    method.kept = torch.full((2, 100), 0.25)
    index = torch.arange(len(labels)) + 50
    run = RecordingRun(epoch)
    batch = Batch(index=index, views=[torch.zeros(len(labels), 1)], labels=labels)
    method._update(run, batch, number, forget_rate)
    assert (method.kept[:, :50] == 0.25).all(), "other samples are left alone"
    return run, method.kept[:, index]


def cross_entropies(logits, labels):
    return [slow.cross_entropy(row, int(y)) for row, y in zip(logits.tolist(), labels, strict=True)]


def mean(values):
    return sum(values) / len(values)


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.45, 0.9])
@pytest.mark.parametrize("ramp_up", [0, 1, 2, 10, 50])
@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_forget_rate_of_every_epoch(rate, ramp_up, exponent):
    measured = [forget_rate_at(epoch, rate, ramp_up, exponent) for epoch in range(40)]
    assert measured == pytest.approx(slow.forget_rates(40, rate, ramp_up, exponent))


def test_the_authors_schedule_by_hand():
    measured = [forget_rate_at(epoch, 0.45, 10, 1.0) for epoch in (0, 3, 8, 9, 199)]
    assert measured == pytest.approx([0.05, 0.2, 0.45, 0.45, 0.45])


@pytest.mark.parametrize("forget_rate", [0.0, 0.1, 0.2, 0.5, 0.77])
@pytest.mark.parametrize("samples", [2, 7, 64, 128])
def test_the_smallest_losses_are_kept(forget_rate, samples):
    losses = torch.rand(samples, generator=torch.Generator().manual_seed(samples))
    measured = set(small_loss_selection(losses, forget_rate).tolist())
    assert measured == (slow.small_loss(losses.tolist(), forget_rate) or {int(losses.argmin())})


def test_one_sample_is_always_kept_and_nan_is_forgotten_first():
    assert small_loss_selection(torch.tensor([3.0, 1.0]), 0.99).tolist() == [1]
    assert small_loss_selection(torch.tensor([torch.nan, 1.0, 2.0]), 0.4).tolist() == [1]


@pytest.mark.parametrize("forget_rate", [0.0, 0.3, 0.75])
def test_each_network_learns_the_plain_mean_of_what_its_peer_keeps(forget_rate):
    logits, peer_logits, labels = draw()
    run, kept = step_once(CoTeaching(CoTeaching.Params()), logits, peer_logits, labels, forget_rate)
    own, peers = (cross_entropies(each, labels) for each in (logits, peer_logits))
    own_kept, peers_kept = (slow.small_loss(each, forget_rate) for each in (own, peers))
    assert [optimizer for _, optimizer in run.steps] == ["own", "peer's"]
    assert run.steps[0][0] == pytest.approx(mean([own[i] for i in peers_kept]), rel=1e-5)
    assert run.steps[1][0] == pytest.approx(mean([peers[i] for i in own_kept]), rel=1e-5)
    assert set(kept[0].nonzero().flatten().tolist()) == own_kept
    assert set(kept[1].nonzero().flatten().tolist()) == peers_kept


def test_belief_is_the_share_of_networks_that_kept_a_sample():
    method = CoTeaching(CoTeaching.Params())
    method.kept = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert method.clean_probability().tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("forget_rate", [0.0, 0.5])
def test_co_teaching_plus_exchanges_only_what_is_disagreed_on(forget_rate):
    logits, peer_logits, labels = draw()
    peer_logits[::2] = logits[::2]
    method = CoTeachingPlus(CoTeachingPlus.Params(warmup_epochs=3))
    run, kept = step_once(method, logits, peer_logits, labels, forget_rate, epoch=3)
    pairs = zip(logits.tolist(), peer_logits.tolist(), strict=True)
    disagreed = [i for i, (a, b) in enumerate(pairs) if a.index(max(a)) != b.index(max(b))]
    own, peers = (
        [cross_entropies(each, labels)[i] for i in disagreed] for each in (logits, peer_logits)
    )
    own_kept, peers_kept = (slow.small_loss(each, forget_rate) for each in (own, peers))
    assert 0 < len(disagreed) <= 8
    assert run.logged["disagreement"] == len(disagreed) / 16
    assert run.steps[0][0] == pytest.approx(mean([own[i] for i in peers_kept]), rel=1e-5)
    assert run.steps[1][0] == pytest.approx(mean([peers[i] for i in own_kept]), rel=1e-5)
    trusted = slow.small_loss(cross_entropies(logits, labels), forget_rate)
    assert set(kept[0].nonzero().flatten().tolist()) == trusted, "whether disagreed on or not"


def test_co_teaching_plus_warms_up_as_co_teaching():
    case = (*draw(), 0.25)
    plus, plus_kept = step_once(CoTeachingPlus(CoTeachingPlus.Params()), *case, epoch=4)
    plain, plain_kept = step_once(CoTeaching(CoTeaching.Params()), *case, epoch=4)
    assert plus.steps == plain.steps
    assert torch.equal(plus_kept, plain_kept)


@pytest.mark.parametrize(("number", "learned"), [(0, True), (499, True), (500, False)])
def test_a_batch_of_full_agreement_is_learned_whole_early_and_skipped_later(number, learned):
    logits, _, labels = draw()
    method = CoTeachingPlus(CoTeachingPlus.Params())
    run, kept = step_once(method, logits, logits, labels, 0.5, epoch=9, number=number)
    assert len(run.steps) == (2 if learned else 0)
    assert (kept.sum(1) == 8).all()
    for loss, _ in run.steps:
        assert loss == pytest.approx(mean(cross_entropies(logits, labels)), rel=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.85, 1.0])
def test_the_joint_loss_of_every_sample(weight):
    logits, peer_logits, labels = draw()
    reference = [
        slow.jocor(a, b, int(y), weight)
        for a, b, y in zip(logits.tolist(), peer_logits.tolist(), labels, strict=True)
    ]
    measured = joint_losses(logits, peer_logits, labels, weight)
    assert measured.tolist() == pytest.approx(reference, rel=1e-4, abs=1e-5)


def test_jocor_takes_one_step_on_the_smallest_joint_losses():
    logits, peer_logits, labels = draw()
    run, kept = step_once(JoCoR(JoCoR.Params(agreement=0.3)), logits, peer_logits, labels, 0.4)
    rows = zip(logits.tolist(), peer_logits.tolist(), labels, strict=True)
    losses = [slow.jocor(a, b, int(y), 0.3) for a, b, y in rows]
    selected = slow.small_loss(losses, 0.4)
    assert len(run.steps) == 1
    assert run.steps[0][0] == pytest.approx(mean([losses[i] for i in selected]), rel=1e-5)
    assert set(kept[0].nonzero().flatten().tolist()) == selected
    assert torch.equal(kept[0], kept[1])


def test_jocors_one_optimizer_moves_both_networks():
    run = make_run(max_epochs=1)
    method = JoCoR(JoCoR.Params(forget_rate=0.2))
    method.fit(run)
    [optimizer] = method.optimizers
    held = {id(each) for group in optimizer.param_groups for each in group["params"]}
    for network in (method.network, method.peer):
        assert {id(each) for each in network.parameters()} <= held
        assert all(each.grad is not None for each in network.parameters())


def test_the_noise_rate_is_estimated_from_the_losses_during_ramp_up():
    run, _, _ = planted_run(0.3)
    method = CoTeaching(CoTeaching.Params(ramp_up=6))
    rates = []
    run._host.control.epoch_finished = lambda epoch: rates.append(method.final_rate)
    method.fit(run)
    assert rates[0] == 0, "an untrained network tells nothing"
    assert rates[6] == pytest.approx(0.3, abs=0.1)
    assert set(rates[6:]) == {rates[6]}, "kept after ramp-up"


def test_constant_losses_estimate_no_noise_and_say_so():
    run = make_run(network=lambda: Echo(torch.zeros(50, 4)), eval_batch_size=50)
    assert estimate_noise_rate(run, [run.network()]) == 0
    assert [event.event for event in run.events] == ["noise rate estimate"]


def test_only_the_oracle_is_told_the_noise_rate():
    run, _, _ = planted_run(0.4, max_epochs=2, method=CoTeachingOracle)
    method = CoTeachingOracle(CoTeachingOracle.Params())
    method.fit(run)
    assert method.final_rate == pytest.approx(0.4)
    assert CoTeaching.oracle == frozenset()
    with pytest.raises(UsageError, match="forget_rate"):
        validate_params("co-teaching", CoTeaching.Params, {"forget_rate": "oracle"})


@pytest.mark.parametrize("value", [-0.1, 1.0, 3])
def test_a_forget_rate_is_a_share(value):
    with pytest.raises(UsageError, match=r"forget_rate.*estimate"):
        validate_params("co-teaching", CoTeaching.Params, {"forget_rate": value})


@pytest.mark.parametrize(
    ("epoch", "factor", "beta1"),
    [(0, 1.0, 0.9), (99, 1.0, 0.9), (100, 1.0, 0.1), (150, 0.5, 0.1), (199, 0.01, 0.1)],
)
def test_the_late_phase_by_hand(epoch, factor, beta1):
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=0.001)
    enter_late_phase(optimizer, epoch, 200, ScheduleParams(late_from=0.5))
    [group] = optimizer.param_groups
    assert group["lr"] == pytest.approx(0.001 * factor)
    assert group["betas"] == (beta1, 0.999)


def test_the_late_phase_is_off_by_default_and_for_adam_only():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    enter_late_phase(optimizer, 9, 10, ScheduleParams())
    assert optimizer.param_groups[0]["lr"] == 0.1
    with pytest.raises(UsageError, match="--recipe native"):
        enter_late_phase(optimizer, 9, 10, ScheduleParams(late_from=0.5))
