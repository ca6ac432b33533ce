"""The suspicion: fitted on noisy labels, right on simulated data, and fit to sort by."""

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from lnlbench.audit.posterior import _fit_transition, _prior, fit_posterior, suspicion

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
    assert np.abs(found.transition.numpy() - transition).max() < 0.06
    values = suspicion(found.log_odds)
    wrong = clean != labels.numpy()
    assert abs(values.mean() - wrong.mean()) < 0.02
    for low in (0.1, 0.4, 0.7):
        chosen = (values > low) & (values < low + 0.2)
        assert abs(values[chosen].mean() - wrong[chosen].mean()) < 0.08
    margin = (
        logits.scatter(1, labels[:, None], -99).amax(1) - logits.gather(1, labels[:, None])[:, 0]
    )
    assert roc_auc_score(wrong, values) > roc_auc_score(wrong, margin)


def test_em_agrees_with_plain_loops():
    logits, _, labels, _ = simulated(60)
    prior = torch.log_softmax(logits, 1)
    found = _fit_transition(prior, labels, _prior(CLASSES))[1].numpy()
    start = slow = _prior(CLASSES).numpy()
    for _ in range(300):
        counts = 5.0 * start
        for row, label in zip(prior.exp().double().numpy(), labels.tolist(), strict=True):
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
