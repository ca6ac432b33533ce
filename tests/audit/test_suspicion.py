"""The suspicion: fitted on noisy labels, right on simulated data, and fit to sort by."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from lnlbench.audit.suspicion import (
    _fit_transition,
    _prior,
    confident_noise_rate,
    fit_posterior,
    suspicion,
)

CLASSES = 4


def simulated(count=20_000, seed=0):
    """Logits whose softmax is the true class's probability, and labels by a transition matrix."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2.5, (count, CLASSES))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    transition = np.full((CLASSES, CLASSES), 0.05) + 0.8 * np.eye(CLASSES)
    transition[0] = [0.6, 0.4, 0, 0]
    draw = lambda rows: (rows.cumsum(1) < random.random((count, 1))).sum(1)  # noqa: E731
    clean = draw(probabilities)
    return torch.tensor(logits).float(), clean, torch.tensor(draw(transition[clean])), transition


def test_temperature_transition_and_noise_rate_are_found():
    logits, clean, labels, transition = simulated()
    found = fit_posterior(3 * logits, labels)
    assert abs(found.temperature / 3 - 1) < 0.2
    # The fit is pulled towards labels that stay equally often in every class.
    assert np.abs(found.transition.numpy() - transition).max() < 0.12
    values = suspicion(found.log_odds)
    wrong = clean != labels.numpy()
    low, high = found.noise_rates
    assert abs(low - wrong.mean()) < 0.02  # nothing but the class decides these labels
    assert high > low + 0.1  # this judge errs often
    assert abs(values.mean() - (low + high) / 2) < 0.01
    margin = (
        logits.scatter(1, labels[:, None], -99).amax(1) - logits.gather(1, labels[:, None])[:, 0]
    )
    assert roc_auc_score(wrong, values) > roc_auc_score(wrong, margin)


def test_the_suggested_class_follows_from_the_same_odds():
    logits, _, labels, _ = simulated(200)
    found = fit_posterior(logits, labels)
    own = found.probabilities.gather(1, labels[:, None])[:, 0].double()
    np.testing.assert_allclose(1 - own, torch.sigmoid(found.log_odds), atol=1e-5)
    np.testing.assert_allclose(found.probabilities.sum(1), 1, atol=1e-5)


def test_confident_learning_counts_as_plain_loops_do():
    random = np.random.default_rng(1)
    for _ in range(20):
        probabilities = torch.tensor(random.dirichlet([0.5] * CLASSES, 50)).float()
        labels = torch.tensor(random.integers(0, CLASSES - 1, 50))  # one class has no label
        assert confident_noise_rate(probabilities, labels) == pytest.approx(
            slow_confident_noise_rate(probabilities.tolist(), labels.tolist()), abs=1e-6
        )


def slow_confident_noise_rate(probabilities, labels):
    means = []
    for name in range(CLASSES):
        own = [row[name] for row, label in zip(probabilities, labels, strict=True) if label == name]
        means.append(sum(own) / len(own) if own else 0)
    right = 0
    for name in set(labels):
        seen = []
        for row, label in zip(probabilities, labels, strict=True):
            reached = [each for each in range(CLASSES) if row[each] >= means[each]]
            if label == name and reached:
                seen.append(max(reached, key=row.__getitem__) == name)
        right += labels.count(name) * (sum(seen) / len(seen) if seen else 1)
    return 1 - right / len(labels)


def test_em_agrees_with_plain_loops():
    logits, _, labels, _ = simulated(60)
    soft = torch.log_softmax(logits, 1)
    prior = _prior(labels, CLASSES)
    found = _fit_transition(soft, labels, prior)[1].numpy()
    slow = (prior / prior.sum(1, keepdim=True)).numpy()
    for _ in range(300):
        counts = prior.numpy().copy()
        for row, label in zip(soft.exp().double().numpy(), labels.tolist(), strict=True):
            joint = [row[true] * slow[true][label] for true in range(CLASSES)]
            for true in range(CLASSES):
                counts[true, label] += joint[true] / sum(joint)
        slow = counts / counts.sum(1, keepdims=True)
    np.testing.assert_allclose(found, slow, atol=5e-3)


def test_the_suspicion_has_no_ties_and_never_reaches_its_ends():
    odds = (
        torch.cat([torch.linspace(-200, 200, 4001), torch.linspace(-1, 1, 101)]).double().unique()
    )
    values = suspicion(odds)
    assert values.min() > 0
    assert values.max() < 1
    assert (np.diff(values) > 0).all()
    middle = odds.abs() < 3
    plain = torch.sigmoid(odds[middle]).numpy()
    np.testing.assert_allclose(values[middle.numpy()], plain, atol=0.02)
