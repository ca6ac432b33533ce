"""The cheap baselines: losses, targets, matrices and averages, against slow versions."""

import pytest
import slow_methods as slow
import torch
from planted import planted_run
from torch import nn

from lnlbench.errors import UsageError
from lnlbench.interface.batch import Batch
from lnlbench.interface.run import Run
from lnlbench.methods.ce_ema import CrossEntropyEMA
from lnlbench.methods.cross_entropy import CrossEntropySelected
from lnlbench.methods.elr import (
    EarlyLearningRegularization,
)
from lnlbench.methods.forward_correction import (
    ForwardCorrection,
)
from lnlbench.methods.label_smoothing import LabelSmoothing
from lnlbench.methods.mixmatch_oracle import MixMatchOracle
from lnlbench.methods.mixup import Mixup
from lnlbench.pieces import mixmatch
from lnlbench.testing.small_runs import make_run


def draw(samples=12, classes=5, seed=0, scale=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(samples, classes, generator=generator)
    return logits, torch.randint(classes, (samples,), generator=generator)


def rows(logits, labels):
    return [(row, int(label)) for row, label in zip(logits.tolist(), labels, strict=True)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_label_smoothing_spreads_over_all_classes(smoothing):
    logits, labels = draw()
    method = LabelSmoothing(LabelSmoothing.Params(smoothing=smoothing))
    batch = Batch(index=torch.arange(12), views=[logits], labels=labels)
    reference = [slow.smoothed(row, label, smoothing) for row, label in rows(logits, labels)]
    measured = method.loss(nn.Identity(), batch, 0)
    assert measured.item() == pytest.approx(sum(reference) / 12, rel=1e-5)


def test_mixup_is_the_weighted_sum_of_both_partners_losses():
    run = make_run()
    next(run.epochs())
    seen = {}

    class Echo(nn.Module):
        def forward(self, images):
            seen["images"] = images
            return images.flatten(1)[:, :4] * 2

    method = Mixup(Mixup.Params(mixup_alpha=1.0))
    method.network = Echo()
    batch = next(run.batches(views=1))
    measured = method._loss(run, batch).item()
    images, labels = batch.views[0].double(), batch.labels
    # One sample that is not its own partner tells the share; every other sample then the same.
    matches = {}
    for i, image in enumerate(seen["images"].double()):
        for j in range(len(images)):
            if i == j or torch.allclose(image, images[i], atol=1e-5):
                continue
            difference = images[i] - images[j]
            share = ((image - images[j]) * difference).sum() / difference.square().sum()
            if torch.allclose(share * images[i] + (1 - share) * images[j], image, atol=1e-4):
                matches[i] = (j, share.item())
    shares = [share for _, share in matches.values()]
    share = shares[0]
    assert len(matches) >= 10
    assert shares == pytest.approx([share] * len(shares), abs=1e-4)
    assert 0.5 <= share <= 1
    partners = [matches.get(i, (i, share))[0] for i in range(len(images))]
    assert sorted(partners) == list(range(len(images))), "a permutation"
    total = 0.0
    for i, j in enumerate(partners):
        row = (2 * seen["images"][i].flatten()[:4]).tolist()
        total += share * slow.cross_entropy(row, int(labels[i]))
        total += (1 - share) * slow.cross_entropy(row, int(labels[j]))
    assert measured == pytest.approx(total / len(images), rel=1e-3)


def test_elrs_loss_and_its_targets_through_a_run(monkeypatch):
    logits_seen, losses = [], []

    class Recorded(nn.Linear):
        def forward(self, images):
            logits = super().forward(images.flatten(1))
            logits_seen.append(logits.tolist())
            return logits

    original = Run.step

    def step(self, loss, optimizer):
        losses.append(loss.item())
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    run = make_run(samples=8, batch_size=8, max_epochs=3, network=lambda: Recorded(3072, 4))
    orders, batches = [], run.batches

    def recorded(**settings):
        for batch in batches(**settings):
            orders.append(batch.index.tolist())
            yield batch

    run.batches = recorded
    method = EarlyLearningRegularization(EarlyLearningRegularization.Params(regularization=7.0))
    method.fit(run)
    targets = [[0.0] * 4] * 8
    for order, logits, loss in zip(orders, logits_seen, losses, strict=True):
        total = 0.0
        for i, row in zip(order, logits, strict=True):
            targets[i] = slow.elr_target(targets[i], row, 0.9)
            total += slow.elr_loss(targets[i], row, int(run.labels[i]), 7.0)
        assert loss == pytest.approx(total / 8, rel=1e-3)
    assert torch.allclose(method.targets, torch.tensor(targets), atol=1e-5)
    belief = [targets[i][int(run.labels[i])] / sum(targets[i]) for i in range(8)]
    assert method.clean_probability().tolist() == pytest.approx(belief, abs=1e-4)


def test_forward_correction_has_two_stages_and_predicts_by_the_one_that_runs():
    run, _, _ = planted_run(0.4, max_epochs=6)
    method = ForwardCorrection(ForwardCorrection.Params())
    stages = []
    run._host.control.epoch_finished = lambda epoch: stages.append(method.trained_networks())
    method.fit(run)
    assert stages == [[method.estimator]] * 2 + [[method.network]] * 4
    assert method.transition_matrix.shape == (4, 4)


@pytest.mark.parametrize(
    ("params", "rank"),
    [({}, 0), (ForwardCorrection.recipes["cifar10"].params, 15), ({"discarded": 0.5}, 250)],
)
def test_anchors_leave_out_as_many_samples_as_are_said(params, rank):
    probabilities = torch.linspace(0, 1, 500)[:, None].repeat(1, 4)
    probabilities[:, 1:] = (1 - probabilities[:, :1]) / 3
    run = make_run(samples=500, network=nn.Identity, num_classes=4)
    run.logits = lambda network: probabilities.log().clamp(min=-1e4)
    method = ForwardCorrection(ForwardCorrection.Params(**params))
    method.estimator = nn.Identity()
    matrix = method._estimate(run)
    assert matrix[0, 0].item() == pytest.approx(probabilities[499 - rank, 0].item(), abs=1e-5)


def test_the_average_predicts_and_is_no_alias_of_the_network():
    run, images, _ = planted_run(0.4, max_epochs=2)
    method = CrossEntropyEMA(CrossEntropyEMA.Params())
    method.fit(run)
    [average] = method.trained_networks()
    assert average is method.average
    pairs = zip(average.parameters(), method.network.parameters(), strict=True)
    assert any(not torch.equal(mine, theirs) for mine, theirs in pairs)
    average.eval()
    assert torch.equal(method.predict(images), average(images))
    assert method.averaged == 2 * 15


def test_only_rightly_labeled_samples_are_trained_on():
    run, _, clean = planted_run(0.4, max_epochs=2, method=CrossEntropySelected)
    seen, original = [], run.batches

    def batches(*arguments, **settings):
        for batch in original(*arguments, **settings):
            seen.append(batch.index)
            yield batch

    run.batches = batches
    CrossEntropySelected(CrossEntropySelected.Params()).fit(run)
    right = (run.labels == clean).nonzero().flatten()
    assert torch.equal(torch.cat(seen).sort().values, right.repeat_interleave(2))


@pytest.mark.parametrize("method", [CrossEntropySelected, MixMatchOracle])
def test_no_right_label_is_an_error_that_says_so(method):
    labels = torch.zeros(50, dtype=torch.int64)
    run = make_run(labels=labels, oracle={"clean_labels": labels + 1})
    with pytest.raises(UsageError, match="fewer than two among 50"):
        method(method.Params()).fit(run)


def test_one_wrong_label_leaves_nothing_to_guess():
    labels = torch.zeros(50, dtype=torch.int64)
    clean = labels.clone()
    clean[7] = 1
    run = make_run(
        labels=labels,
        oracle={"clean_labels": clean},
        network=lambda: nn.Sequential(nn.Flatten(), nn.BatchNorm1d(3072), nn.Linear(3072, 4)),
    )
    MixMatchOracle(MixMatchOracle.Params()).fit(run)
    assert run.logged.losses_were_finite()


@pytest.mark.parametrize("noise_rate", [0.0, 0.4])
def test_mixmatch_knows_labels_of_right_samples_only(noise_rate, monkeypatch):
    run, _, clean = planted_run(noise_rate, max_epochs=1, method=MixMatchOracle)
    seen, original = [], mixmatch.mixed_loss

    def mixed_loss(network, inputs, targets, num_labeled, **settings):
        seen.append((targets, num_labeled, settings["unlabeled_weight"]))
        return original(network, inputs, targets, num_labeled, **settings)

    monkeypatch.setattr(mixmatch, "mixed_loss", mixed_loss)
    MixMatchOracle(MixMatchOracle.Params(rampup_epochs=1)).fit(run)
    labeled = int((run.labels == clean).sum())
    assert len(seen) == labeled / 16
    assert sum(count for _, count, _ in seen) == 2 * labeled
    for number, (targets, count, weight) in enumerate(seen):
        assert weight == pytest.approx(25 * number / len(seen))
        assert set(targets[:count].flatten().tolist()) == {0.0, 1.0}
        assert len(targets) == (64 if noise_rate else 32)
        assert torch.allclose(targets.sum(1), torch.ones(len(targets)), atol=1e-5)
        assert torch.equal(targets[count : count + 16], targets[count + 16 :])
