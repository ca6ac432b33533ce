"""From a judge's logits to the probability that a label is wrong, by noisy labels alone.

The judge's logits, divided by a temperature, say which class a sample has: q(y | x). A transition
matrix T says which label a sample of class y gets. Both are fitted by maximum likelihood of the
given labels, which the judge has not seen for these samples: EM for T, and a search over the
temperature. The posterior is then p(y | x, label) in proportion to q(y | x) T[y, label].
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The transition matrix begins as, and is pulled towards, this share of labels that stay.
_PRIOR_KEPT = 0.8
# Samples that the pull towards the prior counts as, for each class.
_PRIOR_WEIGHT = 5.0
_STEPS = 60
_TOLERANCE = 1e-6
_TEMPERATURES = (0.25, 8.0)
_SEARCHES = 12
# No posterior is to be believed beyond odds of e^12: fits on noisy labels do not reach so far.
_MOST_LOG_ODDS = 12.0


@dataclass(frozen=True)
class Posterior:
    """What is believed of the samples' true classes, after the given labels.

    `probabilities` float32 [N, C]; `log_odds` float64 [N] that the given label is wrong;
    `transition` float64 [C, C], from true class to given label; `temperature` of the logits.
    """

    probabilities: Tensor
    log_odds: Tensor
    transition: Tensor
    temperature: float


def fit_posterior(logits: Tensor, labels: Tensor) -> Posterior:
    """The posterior for out-of-sample logits float32 [N, C] and the given labels int64 [N]."""
    low, high = (float(np.log(bound)) for bound in _TEMPERATURES)
    transition = _prior(logits.shape[1])
    golden = (5**0.5 - 1) / 2
    fits: dict[float, tuple[float, Tensor]] = {}

    def loss(log_temperature: float) -> float:
        if log_temperature not in fits:
            prior = torch.log_softmax(logits / float(np.exp(log_temperature)), 1)
            fits[log_temperature] = _fit_transition(prior, labels, transition)
        return -fits[log_temperature][0]

    left, right = high - golden * (high - low), low + golden * (high - low)
    for _ in range(_SEARCHES):
        if loss(left) < loss(right):
            high, right = right, left
            left = high - golden * (high - low)
        else:
            low, left = left, right
            right = low + golden * (high - low)
    best = min(fits, key=loss)
    temperature = float(np.exp(best))
    return _posterior(logits, labels, fits[best][1], temperature)


def _prior(classes: int) -> Tensor:
    others = (1 - _PRIOR_KEPT) / max(1, classes - 1)
    matrix = torch.full((classes, classes), others, dtype=torch.float64)
    return matrix.fill_diagonal_(_PRIOR_KEPT)


def _fit_transition(prior: Tensor, labels: Tensor, start: Tensor) -> tuple[float, Tensor]:
    """The mean log likelihood of the labels, and the transition matrix, after EM."""
    probabilities = prior.exp()
    transition, before = start, -np.inf
    for _ in range(_STEPS):
        joint = probabilities * transition.float().T[labels]
        evidence = joint.sum(1, keepdim=True).clamp(min=1e-30)
        likelihood = float(evidence.double().log().mean())
        counts = torch.zeros(len(start), len(start))
        counts.index_add_(0, labels, joint / evidence)
        counted = counts.T.double() + _PRIOR_WEIGHT * start
        transition = counted / counted.sum(1, keepdim=True)
        if likelihood - before < _TOLERANCE:
            break
        before = likelihood
    return likelihood, transition


def _posterior(logits: Tensor, labels: Tensor, transition: Tensor, temperature: float) -> Posterior:
    joint = torch.log_softmax(logits / temperature, 1) + transition.log().float().T[labels]
    log_posterior = torch.log_softmax(joint, 1)
    given = labels.unsqueeze(1)
    right = log_posterior.gather(1, given).squeeze(1).double()
    # Summed over the other classes: 1 - p would round to the same number for very many samples.
    wrong = log_posterior.scatter(1, given, -torch.inf).double().logsumexp(1)
    return Posterior(log_posterior.exp(), wrong - right, transition, temperature)


def suspicion(log_odds: Tensor) -> NDArray[np.float64]:
    """The probability [N] that a label is wrong, strictly between 0 and 1 and without ties.

    Log odds [N] are bent towards a bound that they never reach, which changes those below 4 by
    little and keeps the order of all.
    """
    odds = log_odds.numpy().astype(np.float64)
    bent = odds / np.sqrt(1 + (odds / _MOST_LOG_ODDS) ** 2)
    return np.asarray(1 / (1 + np.exp(-bent)), np.float64)
