"""DivideMix: one step against the slow implementation, who runs when and in which mode, guards."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import slow_dividemix as slow
import torch
from torch import nn

from lnlbench.augment.views import ImageViews
from lnlbench.interface.batch import Batch
from lnlbench.interface.host import RunHost
from lnlbench.interface.run import Run
from lnlbench.methods import dividemix as module
from lnlbench.methods.dividemix import DivideMix
from lnlbench.networks.resnet import PreActBlock, preact_resnet18
from lnlbench.pieces import mixup
from lnlbench.pieces.mixture import Division, divide

CLASSES = 4
SIDE = 6
BATCH = 16  # half of it labeled, half unlabeled
HALF = BATCH // 2
EVERY = 25  # evaluation batch


@dataclass
class Call:
    """One forward pass, or one step of an optimizer."""

    network: str
    kind: str
    training: bool = False
    grad: bool = False
    size: int = 0


class Recorder(nn.Module):
    """A small network with batch normalization that notes how it is called."""

    def __init__(self, name: str, calls: list[Call], normalize: bool = True) -> None:
        super().__init__()
        width = SIDE * SIDE
        self.name, self.calls = name, calls
        self.normalization = nn.BatchNorm1d(width) if normalize else nn.Identity()
        self.linear = nn.Linear(width, CLASSES)

    def forward(self, images):
        grad = torch.is_grad_enabled()
        self.calls.append(Call(self.name, "forward", self.training, grad, len(images)))
        return self.linear(self.normalization(images.flatten(1)))


class SpyRun(Run):
    """A Run that notes steps, the indices of each pass of two views, and training-set logits."""

    def __init__(self, host: RunHost, calls: list[Call]) -> None:
        super().__init__(host)
        self.calls = calls
        self.owners: dict[int, str] = {}
        self.passes: list[list[torch.Tensor]] = []
        self.training_logits: list[torch.Tensor] = []

    def optimizer(self, network):
        optimizer = super().optimizer(network)
        self.owners[id(optimizer)] = network.name
        return optimizer

    def batches(self, indices=None, views=None, **options):
        if views is None:
            self.passes.append([])
            seen = self.passes[-1]
        for batch in super().batches(indices, views=views, **options):
            if views is None:
                seen.append(batch.index)
            yield batch

    def logits(self, network):
        self.training_logits.append(super().logits(network))
        return self.training_logits[-1]

    def step(self, loss, optimizer):
        self.calls.append(Call(self.owners[id(optimizer)], "step"))
        super().step(loss, optimizer)


class SpyDivideMix(DivideMix):
    """DivideMix that keeps what it believes after each epoch and what each step is given."""

    def __init__(self, **params: Any) -> None:
        super().__init__(DivideMix.Params(**params))
        self.given: list[tuple[str, Batch, Batch | None, torch.Tensor, float]] = []

    def _loss(self, run, network, peer, batch, other, clean_probability, ramp):
        assert network is not peer
        self.given.append((network.name, batch, other, clean_probability, ramp))
        return super()._loss(run, network, peer, batch, other, clean_probability, ramp)


@dataclass
class Trained:
    """A finished fit and everything that was noted on the way."""

    method: SpyDivideMix
    run: SpyRun
    calls: list[Call]
    by_epoch: list[list[Call]]
    beliefs: list[torch.Tensor | None]

    def events(self, name):
        return [event for event in self.run.events if event.event == name]

    def given_to(self, network):
        return [given for given in self.method.given if given[0] == network]


def images_and_labels(count, wrong=0.2, seed=0):
    """Images whose bright quadrant is their class, and labels of which some are wrong."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.arange(count) % CLASSES
    images = torch.randint(0, 90, (count, 1, SIDE, SIDE), generator=generator)
    half = SIDE // 2
    for image, label in zip(images, clean.tolist(), strict=True):
        top, left = half * (label // 2), half * (label % 2)
        image[:, top : top + half, left : left + half] += 140
    labels = clean.clone()
    flipped = torch.randperm(count, generator=generator)[: round(wrong * count)]
    labels[flipped] = (labels[flipped] + 1) % CLASSES
    return images.to(torch.uint8), labels, clean


def make_run(count=60, epochs=1, seed=0, normalize=True, lr=0.05, policy="crop-flip"):
    """A real Run over small random images, and the list that all calls are noted in."""
    images, labels, _ = images_and_labels(count)
    calls: list[Call] = []
    names = iter(["network", "peer"])
    host = RunHost(
        views=ImageViews(images, (0.4,), (0.3,), policy, torch.device("cpu")),
        labels=labels,
        num_classes=CLASSES,
        max_epochs=epochs,
        batch_size=BATCH,
        eval_batch_size=EVERY,
        seed=seed,
        device=torch.device("cpu"),
        build_network=lambda: Recorder(next(names), calls, normalize),
        build_optimizer=lambda network: torch.optim.SGD(network.parameters(), lr, 0.9),
        learning_rate_factor=lambda epoch: 1.0,
    )
    return SpyRun(host, calls)


def train(count=60, epochs=1, run_options=None, **params):
    """Fit and note; whatever comes of it, every parameter of both networks must be finite."""
    run = make_run(count, epochs, **(run_options or {}))
    method = SpyDivideMix(**{"warmup_epochs": 0, **params})
    by_epoch: list[list[Call]] = []
    beliefs: list[torch.Tensor | None] = []

    def note(epoch):
        by_epoch.append(run.calls[sum(map(len, by_epoch)) :])
        beliefs.append(method.clean_probability())
        assert run.logged.losses_were_finite()

    run._host.control.epoch_finished = note
    method.fit(run)
    for network in (method.network, method.peer):
        assert all(torch.isfinite(parameter).all() for parameter in network.parameters())
    return Trained(method, run, run.calls, by_epoch, beliefs)


@pytest.fixture
def plan(monkeypatch):
    """Replaces the mixture by given beliefs: first the network's, then the peer's, in turn."""

    def planned(own, peers):
        turns = [own, peers]
        seen = []

        def stand_in(losses, seed, params):
            seen.append(losses)
            return Division(turns[(len(seen) - 1) % 2].clone())

        monkeypatch.setattr(module, "divide", stand_in)

    return planned


def belief_of(count, labeled, high=0.9, low=0.1):
    """Beliefs that are all different, above one half for the samples `labeled`."""
    belief = low + 0.05 * torch.rand(count, generator=torch.Generator().manual_seed(count))
    belief[labeled] += high - low
    return belief


# One step, whole


def linear(network):
    weight, bias = network.linear.weight, network.linear.bias
    weight, bias = (part.detach().double().numpy() for part in (weight, bias))

    def logits(images):
        rows = np.asarray(images, dtype=np.float64).reshape(len(images), -1)
        return np.array(
            [[float(w @ row) + b for w, b in zip(weight, bias, strict=True)] for row in rows]
        )

    return logits


@dataclass
class Step:
    """The inputs of one step without batch normalization, for the two implementations."""

    run: SpyRun
    method: DivideMix
    networks: tuple[Recorder, Recorder]
    batch: Batch
    other: Batch | None
    belief: torch.Tensor

    def loss(self, ramp):
        # The draws of the step come from the run's generator: every call starts from the same.
        self.run.generator = torch.Generator().manual_seed(17)
        return self.method._loss(
            self.run, *self.networks, self.batch, self.other, self.belief, ramp
        )

    def mixed(self):
        """Inputs and soft labels by the slow implementation, given the draws of the step."""
        generator = torch.Generator().manual_seed(17)
        alpha = self.method.params.mixup_alpha
        share = mixup.draw_share(alpha, generator)
        rows = 2 * len(self.batch.index)
        rows += 0 if self.other is None else 2 * len(self.other.index)
        permutation = torch.randperm(rows, generator=generator).tolist()
        return slow.mixed_batch(
            linear(self.networks[0]),
            linear(self.networks[1]),
            [view.numpy() for view in self.batch.views],
            self.batch.labels.tolist(),
            self.belief.tolist(),
            [] if self.other is None else [view.numpy() for view in self.other.views],
            self.method.params.temperature,
            (share, permutation),
        )

    def slow_loss(self, ramp, mixed):
        params, (inputs, targets) = self.method.params, mixed
        logits = linear(self.networks[0])(inputs)
        lambda_u = params.lambda_u * ramp
        return slow.step_loss(
            logits, targets, 2 * len(self.batch.index), lambda_u, params.prior_penalty
        )


def make_step(unlabeled=True, sizes=(5, 7), **params):
    run = make_run(normalize=False)
    networks = run.network(), run.network()
    networks[0].train()
    networks[1].eval()
    indices = torch.arange(run.num_samples)
    batch = next(run.batches(indices[:20], batch_size=sizes[0]))
    other = next(run.batches(indices[20:], batch_size=sizes[1])) if unlabeled else None
    belief = torch.rand(sizes[0], generator=torch.Generator().manual_seed(3))
    method = DivideMix(DivideMix.Params(**params))
    return Step(run, method, networks, batch, other, belief)


@pytest.mark.parametrize("ramp", [0.0, 0.37, 1.0])
@pytest.mark.parametrize("unlabeled", [True, False], ids=["both", "labeled alone"])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"lambda_u": 0.0},
        {"lambda_u": 150.0, "temperature": 1.0, "mixup_alpha": 0.75, "prior_penalty": 0.3},
        {"guess_together": True},
    ],
    ids=["defaults", "no unlabeled loss", "others", "one pass of guessing"],
)
def test_a_step_is_the_slow_one(params, unlabeled, ramp):
    step = make_step(unlabeled, **params)
    reference = step.slow_loss(ramp, step.mixed())
    assert step.loss(ramp).item() == pytest.approx(reference, rel=1e-5)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("sizes", [(8, 8), (1, 8), (8, 1), (3, 8)])
def test_a_step_pairs_batches_of_any_sizes(sizes, together):
    step = make_step(sizes=sizes, guess_together=together)
    assert step.loss(0.5).item() == pytest.approx(step.slow_loss(0.5, step.mixed()), rel=1e-5)


@pytest.mark.parametrize("unlabeled", [True, False], ids=["both", "labeled alone"])
def test_gradients_are_of_the_mixed_loss_alone_with_soft_labels_held_fixed(unlabeled):
    step = make_step(unlabeled)
    network, peer = step.networks
    mixed = step.mixed()
    step.loss(0.5).backward()
    assert all(parameter.grad is None for parameter in peer.parameters())
    measured, reference = [], []
    for row, column in [(0, 0), (1, 7), (2, 20), (3, 35), (1, 14)]:
        measured.append(network.linear.weight.grad[row, column].item())
        weight, width = network.linear.weight.data, 2**-7
        losses = []
        for shift in (width, -width):
            before = weight[row, column].item()
            weight[row, column] = before + shift
            losses.append(step.slow_loss(0.5, mixed))
            weight[row, column] = before
        reference.append((losses[0] - losses[1]) / (2 * width))
    assert np.linalg.norm(np.subtract(measured, reference)) < 1e-3 * np.linalg.norm(reference)


@pytest.mark.parametrize("weight", [0.0, 1.0, 0.4])
def test_the_warm_up_loss_is_cross_entropy_with_the_confidence_penalty(monkeypatch, weight):
    run = make_run(normalize=False)
    network = run.network()
    optimizer = run.optimizer(network)
    logits, losses = [], []
    network.register_forward_hook(lambda *given: logits.append(given[2].detach().double().numpy()))
    monkeypatch.setattr(run, "step", lambda loss, optimizer: losses.append(loss.item()))
    method = DivideMix(DivideMix.Params(confidence_penalty=weight))
    method._warm_up(run, network, optimizer)
    labels = [batch.labels.tolist() for batch in make_run().batches(views=1)]  # the same order
    assert len(losses) == len(labels) == 4
    for loss, predicted, given in zip(losses, logits, labels, strict=True):
        reference = slow.cross_entropies(predicted, given).mean()
        reference += weight * slow.confidence_penalty(predicted)
        assert loss == pytest.approx(reference, rel=1e-5)


# Who runs when, and in which mode


def test_an_epoch_after_warm_up_call_by_call(plan):
    plan(belief_of(60, torch.arange(0, 20)), belief_of(60, torch.arange(40, 53)))
    calls = train(60).calls
    evaluated = [
        Call(name, "forward", False, False, size)
        for name in ("network", "peer")
        for size in (EVERY, EVERY, 60 % EVERY)
    ]
    assert calls[:6] == evaluated
    expected = []
    # The network learns from the peer's 13 labeled samples, then the peer from the network's 20.
    # The 47 (40) others fill every unlabeled batch.
    for name, other, sizes in [("network", "peer", [8, 5]), ("peer", "network", [8, 8, 4])]:
        for size in sizes:
            expected += [Call(name, "forward", True, False, HALF)] * 2  # guessing, a view each
            expected += [Call(name, "forward", True, False, size)] * 2  # refining
            expected += [Call(other, "forward", False, False, 2 * HALF)]  # the peer's two views
            expected += [Call(name, "forward", True, True, 2 * size + 2 * HALF)]
            expected += [Call(name, "step")]
    assert calls[6:] == expected


def test_each_network_learns_from_the_others_division(plan):
    own, peers = belief_of(60, torch.arange(0, 20)), belief_of(60, torch.arange(40, 53))
    plan(own, peers)
    trained = train(60)
    for name, belief in [("network", peers), ("peer", own)]:
        given = trained.given_to(name)
        labeled = torch.cat([batch.index for _, batch, _, _, _ in given])
        assert sorted(labeled.tolist()) == (belief > 0.5).nonzero().squeeze(1).tolist()
        for _, batch, other, clean_probability, _ in given:
            assert torch.equal(clean_probability, belief[batch.index])
            assert torch.equal(batch.labels, trained.run.labels[batch.index])
            assert (belief[other.index] <= 0.5).all()


def test_divisions_are_made_from_the_networks_as_they_were_before_the_epoch():
    """The peer's update follows the network's, but its division does not depend on it."""
    trained = train(60, epochs=2, run_options={"lr": 0.5})
    for epoch in trained.by_epoch:
        first = next(i for i, call in enumerate(epoch) if call.kind == "step")
        evaluations = [i for i, call in enumerate(epoch) if call.size in (EVERY, 60 % EVERY)]
        evaluations = [i for i in evaluations if not epoch[i].training]
        assert [epoch[i].network for i in evaluations[:6]] == ["network"] * 3 + ["peer"] * 3
        assert evaluations[5] < first


def test_warm_up_trains_both_networks_on_all_samples():
    trained = train(60, epochs=1, warmup_epochs=1)
    sizes = [16, 16, 16, 12]
    expected = []
    for name in ("network", "peer"):
        for size in sizes:
            expected += [Call(name, "forward", True, True, size), Call(name, "step")]
    assert trained.calls == expected
    assert trained.method.given == []


@pytest.mark.parametrize(
    ("labeled", "sizes"),
    [(8, [8]), (9, [9]), (16, [8, 8]), (17, [8, 9]), (21, [8, 8, 5]), (40, [8] * 5)],
)
def test_the_epochs_length_follows_the_labeled_set(plan, labeled, sizes):
    belief = belief_of(60, torch.arange(labeled))
    plan(belief, belief)
    trained = train(60)
    for name in ("network", "peer"):
        assert [len(batch.index) for _, batch, _, _, _ in trained.given_to(name)] == sizes
    # A trailing batch of one sample joins the one before it.
    assert len(sizes) == math.ceil(labeled / HALF) - (labeled % HALF == 1 and labeled > HALF)


def test_the_unlabeled_batches_start_again_when_exhausted(plan):
    belief = belief_of(60, torch.arange(50))  # 7 labeled batches for 10 unlabeled samples
    plan(belief, belief)
    trained = train(60)
    given = trained.given_to("network")
    sizes = [len(other.index) for _, _, other, _, _ in given]
    assert sizes == [8, 2, 8, 2, 8, 2, 8]
    for start in range(0, 6, 2):
        once = torch.cat([given[start][2].index, given[start + 1][2].index])
        assert sorted(once.tolist()) == list(range(50, 60))
    orders = [torch.cat([given[i][2].index, given[i + 1][2].index]).tolist() for i in (0, 2, 4)]
    assert orders[0] != orders[1] or orders[1] != orders[2]  # reshuffled


def test_the_two_views_of_a_sample_differ(plan):
    belief = belief_of(60, torch.arange(30))
    plan(belief, belief)
    for _, batch, other, _, _ in train(60).given_to("network"):
        for views in (batch.views, other.views):
            assert len(views) == 2
            assert not torch.equal(*views)


def test_the_weight_of_the_unlabeled_loss_ramps_up_from_the_end_of_warm_up(plan):
    belief = belief_of(60, torch.arange(20))
    plan(belief, belief)
    trained = train(60, epochs=6, warmup_epochs=2, rampup_epochs=3)
    for name in ("network", "peer"):
        ramps = [ramp for *_, ramp in trained.given_to(name)]
        expected = [slow.ramp(epoch, step, 3, 2, 3) for epoch in range(2, 6) for step in range(3)]
        assert ramps == pytest.approx(expected)
        assert ramps[0] == 0
        assert ramps[-1] == 1


@pytest.mark.parametrize(("together", "moves"), [(False, 5), (True, 2)])
def test_running_statistics_move_with_every_pass_of_a_step(plan, together, moves):
    """Two passes of guessing and two of refining, or one for all, and the one with gradients."""
    belief = belief_of(60, torch.arange(24))
    plan(belief, belief)
    trained = train(60, guess_together=together)
    for network in (trained.method.network, trained.method.peer):
        assert int(network.normalization.num_batches_tracked) == 3 * moves


def test_guessing_together_is_left_out_of_a_spec_that_does_not_ask_for_it():
    assert "guess_together" not in DivideMix.Params().model_dump()
    assert DivideMix.Params(guess_together=True).model_dump()["guess_together"] is True


# The division


@pytest.mark.parametrize("length", [1, 5])
def test_losses_are_normalized_and_averaged_over_the_last_divisions(monkeypatch, length):
    seen = []

    def spy(losses, seed, params):
        seen.append(losses)
        return divide(losses, seed, params)

    monkeypatch.setattr(module, "divide", spy)
    trained = train(60, epochs=9, warmup_epochs=2, loss_history=length)
    assert len(seen) == len(trained.run.training_logits) == 2 * 7
    for row in range(2):
        history = []
        for turn in range(7):
            logits = trained.run.training_logits[2 * turn + row].double().numpy()
            losses = slow.cross_entropies(logits, trained.run.labels.tolist())
            history.append(slow.normalize_losses(losses))
            reference = slow.mean_of_last(history, length)
            measured = seen[2 * turn + row].double().numpy()
            assert np.linalg.norm(measured - reference) < 1e-5 * np.linalg.norm(reference)


def test_every_fit_has_the_methods_parameters_and_a_seed_of_its_own(monkeypatch):
    seeds = []

    def spy(losses, seed, params):
        seeds.append(seed)
        assert params.mixture_max_iterations == 3
        assert params.mixture_tolerance == 0.1
        assert params.mixture_regularization == 0.01
        return divide(losses, seed, params)

    monkeypatch.setattr(module, "divide", spy)
    values = {"max_iterations": 3, "tolerance": 0.1, "regularization": 0.01}
    train(60, epochs=2, **{f"mixture_{name}": value for name, value in values.items()})
    assert len(set(seeds)) == len(seeds) == 4


def test_there_is_no_belief_before_the_first_division_and_then_one_for_each_sample():
    trained = train(60, epochs=4, warmup_epochs=2)
    assert trained.beliefs[:2] == [None, None]
    for belief in trained.beliefs[2:]:
        assert belief.shape == (60,)
        assert ((belief >= 0) & (belief <= 1)).all()


def test_there_is_no_belief_before_fit():
    assert DivideMix(DivideMix.Params()).clean_probability() is None


def test_the_belief_is_the_mean_of_both_networks_in_the_order_of_the_samples(plan):
    own, peers = belief_of(60, torch.arange(0, 20)), belief_of(60, torch.arange(10, 33))
    plan(own, peers)
    assert torch.allclose(train(60).beliefs[0], (own + peers) / 2)


def test_the_belief_finds_the_wrong_labels():
    count = 120
    trained = train(count, epochs=8, warmup_epochs=3, run_options={"policy": "none"})
    _, labels, clean = images_and_labels(count)
    belief = trained.beliefs[-1]
    right, wrong = belief[labels == clean], belief[labels != clean]
    assert len(wrong) == 24
    pairs = right.unsqueeze(1) - wrong.unsqueeze(0)
    assert ((pairs > 0).float() + 0.5 * (pairs == 0).float()).mean() > 0.95


# Guards


def test_an_empty_labeled_set_is_replaced_by_the_most_credible_samples(plan):
    belief = belief_of(60, torch.arange(0))
    plan(belief, belief)
    trained = train(60, epochs=2)
    events = trained.events("empty labeled set")
    assert [event.epoch for event in events] == [0, 0, 1, 1]  # once for each network
    credible = belief.topk(HALF).indices.sort().values
    for _, batch, _, _, _ in trained.method.given:
        assert torch.equal(batch.index.sort().values, credible)


def test_a_threshold_near_one_still_trains():
    trained = train(60, epochs=3, clean_threshold=1 - 1e-9)
    assert trained.run.steps > 0
    assert all(len(batch.index) for _, batch, *_ in trained.method.given)


def test_the_threshold_is_strict(plan):
    belief = torch.full((60,), 0.5)
    belief[:20] = 0.75
    plan(belief, belief)
    trained = train(60, clean_threshold=0.5)
    labeled = torch.cat([batch.index for _, batch, *_ in trained.given_to("network")])
    assert sorted(labeled.tolist()) == list(range(20))


def test_an_empty_unlabeled_set_trains_on_labeled_samples_alone(plan):
    plan(torch.ones(60), torch.ones(60))
    trained = train(60)
    assert len(trained.events("empty unlabeled set")) == 2
    assert all(other is None for _, _, other, _, _ in trained.method.given)
    mixed = [call.size for call in trained.calls if call.grad]
    assert mixed == 2 * ([16] * 7 + [8])


def test_constant_losses_are_an_event_and_train_on_all_samples(monkeypatch):
    def same_for_every_label(self, images):
        return 0 * self.linear(images.flatten(1))

    monkeypatch.setattr(Recorder, "forward", same_for_every_label)
    trained = train(60)
    assert ["constant losses" in event.detail for event in trained.events("mixture")] == [True] * 2
    assert len(trained.events("empty unlabeled set")) == 2
    assert torch.equal(trained.beliefs[0], torch.ones(60))


def test_losses_that_are_not_finite_do_not_stop_a_division(monkeypatch):
    plain = SpyRun.logits

    def spoiled(self, network):
        logits = plain(self, network).clone()
        logits[7] = float("nan")
        logits[9, self.labels[9]] = -float("inf")
        return logits

    monkeypatch.setattr(SpyRun, "logits", spoiled)
    trained = train(60, epochs=4, warmup_epochs=3)
    belief = trained.beliefs[-1]
    assert torch.isfinite(belief).all()
    assert (belief[[7, 9]] <= belief.median()).all()


def test_a_class_without_labeled_samples_is_an_event(plan):
    labels = images_and_labels(60)[1]
    belief = belief_of(60, (labels != 2).nonzero().squeeze(1))
    plan(belief, belief)
    trained = train(60)
    assert len(trained.events("absent classes")) == 2
    assert trained.events("absent classes")[0].detail == "1 of 4 have no labeled sample"


def test_an_ordinary_division_has_no_events(plan):
    belief = belief_of(60, torch.arange(30))
    plan(belief, belief)
    assert train(60).run.events == []


@pytest.mark.parametrize("count", [33, 59, 61, 64, 65])
@pytest.mark.parametrize("warmup_epochs", [0, 1])
def test_any_number_of_samples_trains(plan, count, warmup_epochs):
    belief = belief_of(count, torch.arange(count // 2))
    plan(belief, belief)
    trained = train(count, epochs=3, warmup_epochs=warmup_epochs)
    assert trained.run.epoch == 2
    assert len(trained.beliefs[-1]) == count


@pytest.mark.parametrize("labeled", [1, 59], ids=["one labeled", "one unlabeled"])
def test_a_set_of_a_single_sample_trains(plan, labeled):
    belief = belief_of(60, torch.arange(labeled))
    plan(belief, belief)
    trained = train(60)
    assert trained.run.steps > 0


def test_a_warm_up_as_long_as_the_run_never_divides():
    trained = train(60, epochs=2, warmup_epochs=2)
    assert trained.beliefs == [None, None]
    assert trained.method.given == []


@pytest.mark.parametrize(("epochs", "warmup"), [(1, 1), (4, 1), (20, 2)])
def test_warm_up_is_a_tenth_of_the_run_by_default(monkeypatch, epochs, warmup):
    order = []
    monkeypatch.setattr(DivideMix, "_warm_up", lambda *given: order.append("warm up"))
    monkeypatch.setattr(DivideMix, "_divide_by_losses", lambda *given: order.append("divide"))
    monkeypatch.setattr(DivideMix, "_train", lambda *given: None)
    DivideMix(DivideMix.Params()).fit(make_run(60, epochs))
    assert order == ["warm up"] * 2 * warmup + ["divide"] * (epochs - warmup)


def test_equal_seeds_end_in_equal_networks_and_other_seeds_do_not():
    def weights(seed):
        trained = train(60, epochs=3, warmup_epochs=1, run_options={"seed": seed})
        return trained.method.network.linear.weight, trained.method.peer.linear.weight

    first, second, other = weights(0), weights(0), weights(1)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])
    assert not torch.equal(first[0], first[1])


def test_the_prediction_is_the_mean_of_both_networks_logits():
    trained = train(60)
    method = trained.method
    for network in (method.network, method.peer):
        network.eval()
    images = torch.randn(5, 1, SIDE, SIDE)
    logits = [network(images) for network in (method.network, method.peer)]
    assert torch.equal(method.predict(images), (logits[0] + logits[1]) / 2)
    assert torch.equal(method.predict(images).argmax(1), (logits[0] + logits[1]).argmax(1))


# The native recipe's network, against the authors' PreResNet.py


def test_the_native_network_normalizes_after_its_first_convolution():
    layers = list(preact_resnet18(10, 3).modules())
    first = next(i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d))
    assert isinstance(layers[first + 1], nn.BatchNorm2d)
    assert isinstance(layers[first + 2], nn.ReLU)


def test_the_native_networks_identity_shortcut_takes_the_activated_input():
    block = PreActBlock(3, 3, 1).eval()
    nn.init.zeros_(block.conv2.weight)  # leaves the shortcut alone
    images = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        assert torch.equal(block(images), torch.relu(block.bn1(images)))
