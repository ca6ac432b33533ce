"""ProMix: its formulas against slow versions, its schedule, and what it does over a run."""

import pytest
import slow_selection as slow
import torch
from lnlbench_selection import two_heads
from lnlbench_selection.class_balance import smallest_of_each_class
from lnlbench_selection.promix import ProMix, agreed, moved_prior
from lnlbench_selection.two_heads import (
    HeadParams,
    Learner,
    Seen,
    Weights,
    guessed_losses,
    learner_loss,
    mixed_losses,
)
from planted import accuracy, planted_images
from torch import nn

from lnlbench.errors import UsageError
from lnlbench.testing.small_runs import make_embedding_run, make_run

exactly = {"rel": 1e-5, "abs": 1e-6}
PRIOR, REST = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])


def drawn(*shape, scale=3.0, seed=0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("fill", [0.9, 0.5, 0.1])
def test_agreement_adds_the_surest_samples_that_are_missing(fill):
    probabilities = drawn(2, 40, 4).softmax(2)
    probabilities[1, ::2] = probabilities[0, ::2]
    selected = torch.arange(40) % 5 == 0
    added = agreed(selected, probabilities, 0.6, fill).nonzero().squeeze(1).tolist()
    expected = slow.agreed_on(selected.tolist(), *probabilities.tolist(), 0.6, fill)
    assert set(added) == expected
    assert bool(expected) == (fill > 0.2)


def test_priors_follow_the_mean_prediction_and_survive_empty_sets():
    probabilities = drawn(6, 4).softmax(1)
    chosen = torch.tensor([True, False, True, True, False, False])
    rows = [row for row, keep in zip(probabilities.tolist(), chosen, strict=True) if keep]
    expected = [
        0.9 * old + 0.1 * slow.mean(column)
        for old, column in zip(PRIOR.tolist(), zip(*rows, strict=True), strict=True)
    ]
    assert moved_prior(PRIOR, probabilities, chosen, 0.9).tolist() == pytest.approx(expected)
    assert torch.equal(moved_prior(PRIOR, probabilities, chosen & False, 0.9), PRIOR)


def test_unselected_samples_have_labels_that_the_primary_head_guesses():
    params = HeadParams(debias=0.4, temperature=0.5)
    logits = drawn(2, 2, 6, 4)  # [view, head, B, C]
    unselected = torch.tensor([True, False, True, False, False, True])
    seen = Seen([], [tuple(view) for view in logits])
    losses = guessed_losses(params, seen, REST, unselected)
    prior = REST.tolist()
    for view, loss in enumerate(losses):
        expected = slow.mean(
            slow.soft_cross_entropy(
                slow.shifted(logits[view, 1, i].tolist(), prior, 0.4),
                slow.sharpened(
                    slow.softmax(slow.shifted(logits[0, 0, i].tolist(), prior, -0.4)), 0.5
                ),
            )
            for i in (0, 2, 5)
        )
        assert loss.item() == pytest.approx(expected, **exactly)
    nothing = guessed_losses(params, seen, REST, unselected & False)
    assert [loss.item() for loss in nothing] == [0, 0]


@pytest.mark.parametrize(
    "chosen", [[True] * 6, [False] * 6, [True, False, True, False, True, False]]
)
def test_both_heads_learn_all_views_of_the_chosen_samples(monkeypatch, chosen):
    monkeypatch.setattr(two_heads, "mixed_losses", lambda *arguments: torch.tensor(2.0))
    params, labels = HeadParams(debias=0.4), torch.tensor([0, 1, 2, 3, 0, 1])
    logits = drawn(2, 2, 6, 4)
    seen = Seen([torch.zeros(6, 1)] * 2, [tuple(view) for view in logits])
    mask = torch.tensor(chosen)
    weights, priors = Weights(ramp=0.3, unselected=0.05), torch.stack([PRIOR, REST])
    loss = learner_loss(
        make_run(),
        params,
        Learner(nn.Identity(), nn.Identity()),
        seen,
        labels,
        mask,
        priors,
        weights,
    )
    expected = 2 * 0.3 * 2.0 * any(chosen)
    for view, weight in enumerate((1, 0.3)):
        for head in range(2):
            losses = [
                slow.cross_entropy(
                    slow.shifted(logits[view, head, i].tolist(), PRIOR.tolist(), 0.4),
                    int(labels[i]),
                )
                for i in range(6)
                if chosen[i]
            ]
            expected += weight * slow.mean(losses) if losses else 0
    weak, strong = guessed_losses(params, seen, REST, ~mask)
    expected += 0.05 * (weak + 0.3 * strong).item()
    assert loss.item() == pytest.approx(expected, **exactly)


def test_images_are_mixed_in_two_ways():
    run, params = make_run(), HeadParams(debias=0.4)
    images, labels = drawn(6, 3, 8, 8), torch.tensor([0, 1, 2, 3, 0, 1])
    weights = drawn(192, 4, scale=0.05, seed=1)
    shown = []

    def say(mixed):
        shown.append(mixed)
        return mixed.flatten(1) @ weights

    state = run.generator.get_state()
    loss = mixed_losses(run, params, say, PRIOR, images, labels)
    run.generator.set_state(state)
    share = two_heads.mixup.draw_share(4.0, run.generator)
    first = two_heads.mixup.draw_partners(6, run.generator, run.device).tolist()
    mask = two_heads.fmix.draw_mask(1.0, 3.0, 8, 8, run.generator)
    second = two_heads.mixup.draw_partners(6, run.generator, run.device).tolist()
    blends = torch.stack([share * images[i] + (1 - share) * images[j] for i, j in enumerate(first)])
    patches = torch.stack(
        [torch.where(mask.pixels > 0, images[i], images[j]) for i, j in enumerate(second)]
    )
    assert torch.allclose(shown[0], blends, atol=1e-5)
    assert torch.equal(shown[1], patches)
    rows = [
        [slow.shifted(row, PRIOR.tolist(), 0.4) for row in (view.flatten(1) @ weights).tolist()]
        for view in (blends, patches)
    ]
    given = [slow.one_hot(y, 4) for y in labels.tolist()]
    expected = sum(
        slow.mean(
            slow.soft_cross_entropy(*pair)
            for pair in zip(said, slow.mixed(given, kept, partners), strict=True)
        )
        for said, kept, partners in zip(rows, (share, mask.share), (first, second), strict=True)
    )
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_every_class_gives_its_samples_of_smallest_loss():
    run = make_run(samples=50)
    method = ProMix(ProMix.Params(base_share=0.3))
    method.network, method.peer = run.network(), run.network()
    method._select(run)
    for losses, selected in zip(method.losses, method.selected, strict=True):
        expected = slow.smallest_of_each_class(losses.tolist(), run.labels.tolist(), 4)
        assert set(selected.nonzero().squeeze(1).tolist()) == expected
        assert torch.equal(selected, smallest_of_each_class(losses, run.labels, 4))


def test_weights_follow_the_authors_plan_of_600_epochs():
    method = ProMix(ProMix.Params())
    weights = {epoch: method._weights(epoch, 600) for epoch in (30, 50, 99, 100)}
    ramps = [each.ramp for each in weights.values()]
    assert ramps == pytest.approx([0.6, 1, 1, 1])
    assert [each.unselected for each in weights.values()] == pytest.approx([0.03, 0.05, 0.099, 0])


def test_confident_labels_are_selected_and_agreement_relabels_only_at_the_end():
    run = make_run(samples=8, batch_size=8)
    method = ProMix(ProMix.Params(confidence_threshold=0.9, expansion_fill=1.0, debias=0.0))
    method.priors = torch.full((2, 2, 4), 0.25)
    method.label_probability = torch.zeros(2, 8)
    batch = next(run.batches(views=1, shuffle=False))
    predicted = torch.where(torch.arange(8) < 4, batch.labels, (batch.labels + 1) % 4)
    plain = 9 * nn.functional.one_hot(predicted, 4).float().repeat(2, 1, 1)
    for expands in (False, True):
        method.selected = torch.zeros(2, 8, dtype=torch.bool)
        chosen, labels = method._choose(batch, plain, expands)
        assert method.selected.tolist() == [[True] * 4 + [False] * 4] * 2
        assert chosen.tolist() == [[True] * 4 + [expands] * 4] * 2
        assert torch.equal(labels, predicted.expand(2, 8))


def test_wrong_labels_are_found():
    run, right = planted_images(max_epochs=5, learning_rate_factor=lambda epoch: 1.0)
    params = {"warmup_epochs": 3, "expansion_epochs": 1, "strong_magnitude": 3}
    method = ProMix(ProMix.Params(**params))
    method.fit(run)
    clean = run.labels == right
    trusted = method.clean_probability() > method.clean_threshold()
    assert 0.6 < clean.float().mean() < 0.8
    assert clean[trusted].float().mean() > 0.95
    assert trusted[clean].float().mean() > 0.6
    assert accuracy(method, run, right) > 0.9
    assert method.trained_networks() == [method.network, method.peer]
    assert method.priors.sum(2).flatten().tolist() == pytest.approx([1] * 4)
    assert torch.equal(method.criterion().values, method.losses[0])


def test_embeddings_are_refused():
    with pytest.raises(UsageError, match="randaugment"):
        ProMix(ProMix.Params()).fit(make_embedding_run())
