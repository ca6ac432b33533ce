"""T-Revision: its losses and their gradients against slow versions, and its three stages."""

import pytest
import slow_transition as slow
import torch
from lnlbench_transition.t_revision import TRevision, importance, revision_loss, reweighted_loss
from planted import belief_in_truth, flips, planted_run

from lnlbench.interface.run import Run
from lnlbench.spec.run_spec import build_spec
from lnlbench.testing.small_runs import make_run
from lnlbench.tracks.schedule import learning_rate_factor

CLASSES = 5
exactly = {"rel": 1e-10, "abs": 1e-10}


def draw():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(12, CLASSES, generator=generator, dtype=torch.float64)
    matrix = torch.randn(CLASSES, CLASSES, generator=generator, dtype=torch.float64).softmax(1)
    return logits, torch.randint(CLASSES, (12,), generator=generator), matrix


def slow_loss(rows, labels, matrix, weighing=None):
    """The mean over samples; the importance is that of the rows `weighing`, if they are given."""
    return slow.mean(
        slow.importance(other, int(y), matrix) * slow.cross_entropy(row, int(y))
        for row, other, y in zip(rows, weighing or rows, labels, strict=True)
    )


@pytest.mark.parametrize("loss", [reweighted_loss, revision_loss])
def test_cross_entropy_is_weighted_by_the_importance_of_a_sample(loss):
    logits, labels, matrix = draw()
    expected = slow_loss(logits.tolist(), labels, matrix.tolist())
    assert loss(logits, labels, matrix).item() == pytest.approx(expected, **exactly)
    plain = torch.nn.functional.cross_entropy(logits, labels)
    assert loss(logits, labels, torch.eye(CLASSES).double()).item() == pytest.approx(plain.item())


@pytest.mark.parametrize("revises", [False, True])
def test_gradients_flow_through_the_importance_in_the_last_stage_alone(revises):
    logits, labels, matrix = draw()
    logits.requires_grad_()
    matrix.requires_grad_()
    loss = (revision_loss if revises else reweighted_loss)(logits, labels, matrix)
    loss.backward()
    rows, moved = logits.tolist(), logits.tolist()
    for i, k in ((0, 1), (3, 4), (7, int(labels[7]))):
        sides = []
        for step in (1e-6, -1e-6):
            moved[i][k] = rows[i][k] + step
            sides.append(slow_loss(moved, labels, matrix.tolist(), None if revises else rows))
        moved[i][k] = rows[i][k]
        assert logits.grad[i, k].item() == pytest.approx((sides[0] - sides[1]) / 2e-6, abs=1e-7)
    assert (matrix.grad is not None) == revises


def test_the_revision_only_enlarges_the_matrix():
    logits, labels, matrix = draw()
    matrix.requires_grad_()
    revision_loss(logits, labels, matrix).backward()
    assert (matrix.grad <= 0).all()
    assert (matrix.grad[:, labels.unique()] < 0).all()


def test_three_stages_have_their_own_optimizers_and_rates(monkeypatch):
    steps, original = [], Run.step

    def step(self, loss, optimizer):
        group = optimizer.param_groups[0]
        steps.append((type(optimizer).__name__, group["lr"], group.get("momentum")))
        original(self, loss, optimizer)

    monkeypatch.setattr(Run, "step", step)
    run = make_run(  # whose rate is halved every epoch
        samples=16,
        max_epochs=6,
        build_optimizer=lambda module: torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9),
    )
    method = TRevision(TRevision.Params(revision_epochs=3, estimation_momentum=False))
    method.fit(run)
    adam = ("Adam", 5e-7, None)
    expected = [("SGD", 0.1, 0.0), ("SGD", 0.05, 0.0), ("SGD", 0.025, 0.9), adam, adam, adam]
    assert steps == expected
    assert method.trained_networks() == [method.network]
    largest = method.revision.weight.abs().max().item()
    assert 0 < largest < 3.1 * 5e-7


def test_planted_flips_are_undone():
    beliefs = []
    run, right = planted_run(
        0.4,
        max_epochs=18,
        epoch_finished=lambda epoch: beliefs.append(belief_in_truth(method.network, run, right)),
    )
    # The most confident samples of a linear head show too few flips.
    method = TRevision(TRevision.Params(discarded=0.1))
    method.fit(run)
    assert (method.transition_matrix - flips(0.4)).abs().max() < 0.15
    assert max(beliefs[:6]) < 0.65
    assert min(beliefs[9:]) > 0.8
    wrong = run.labels != right
    weights = importance(run.logits(method.network), run.labels, method.transition_matrix)
    assert weights[wrong].mean() < 0.5 < 1.2 < weights[~wrong].mean()


def test_the_native_recipe_has_the_authors_stages_and_schedule():
    spec = build_spec(TRevision, "cifar100n-resnet34", "native")
    rates = [learning_rate_factor(spec.protocol, e) for e in (54, 55, 94, 95)]
    assert rates == pytest.approx([1, 0.1, 0.1, 0.01])
    params = TRevision.Params(**TRevision.recipes["native"].params)
    assert spec.protocol.epochs == params.estimation_epochs + 200 + params.revision_epochs
