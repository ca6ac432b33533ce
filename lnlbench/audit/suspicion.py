"""From a judge's logits to the probability that a label is wrong, by noisy labels alone.

The judge's logits, divided by a temperature, say which class a sample has: q(y | x). A transition
matrix T says which label a sample of class y gets. Both are fitted by maximum likelihood of the
given labels, which the judge has not seen for these samples: EM for T, and a search over the
temperature. The posterior is then p(y | x, label) in proportion to q(y | x) T[y, label].

This takes wrong labels for rarer than they are: people's mistakes look plausible, the judge learns
them from other samples, and then such labels look right. Confident learning counts too many,
because it takes the judge's own errors for wrong labels. The noise rate is taken to be in the
middle, and the odds of all labels are raised by one factor that gives this rate.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# T is pulled towards labels of which this share stays, as if by so many samples of each class: a
# share of those that there are, but not too few.
_KEPT = 0.8
_PULL, _LEAST_PULL = 0.3, 5.0
_STEPS = 60
_TOLERANCE = 1e-6
_TEMPERATURES = (0.25, 8.0)
_SEARCHES = 12
_HALVINGS = 40
# No posterior is to be believed beyond odds of e^12: fits on noisy labels do not reach so far.
_MOST_LOG_ODDS = 12.0


@dataclass(frozen=True)
class Posterior:
    """What is believed of the samples' true classes, after the given labels.

    `probabilities` float32 [N, C]; `log_odds` float64 [N] that the given label is wrong;
    `transition` float64 [C, C], from true class to given label; `temperature` of the logits.
    `noise_rates` are the two estimates between which the mean of the wrong labels' probability
    lies: by maximum likelihood, and by confident learning.
    """

    probabilities: Tensor
    log_odds: Tensor
    transition: Tensor
    temperature: float
    noise_rates: tuple[float, float]


def fit_posterior(logits: Tensor, labels: Tensor) -> Posterior:
    """The posterior for out-of-sample logits float32 [N, C] and the given labels int64 [N]."""
    prior = _prior(labels, logits.shape[1])
    temperature = _likeliest_temperature(logits, labels, prior)
    soft = torch.log_softmax(logits / temperature, 1)
    transition = _fit_transition(soft, labels, prior)[1]
    joint = soft + transition.log().float().T[labels]
    log_odds = _log_odds(torch.log_softmax(joint, 1), labels)
    rates = (float(torch.sigmoid(log_odds).mean()), confident_noise_rate(soft.exp(), labels))
    raised = _raised_to(sum(rates) / 2, log_odds)
    # The given label's probability against that of every other class.
    joint.scatter_add_(1, labels.unsqueeze(1), torch.full((len(labels), 1), -raised))
    probabilities = torch.softmax(joint, 1)
    return Posterior(probabilities, log_odds + raised, transition, temperature, rates)


def confident_noise_rate(probabilities: Tensor, labels: Tensor) -> float:
    """The share of wrong labels that confident learning counts (Northcutt et al., JAIR 2021).

    A sample counts for its most probable class among those whose probability (float32 [N, C])
    reaches the mean of that class over the samples labeled so. Of each label (int64 [N]), the
    counts say which share is right.
    """
    classes = probabilities.shape[1]
    own = probabilities.gather(1, labels.unsqueeze(1)).squeeze(1)
    sizes = labels.bincount(minlength=classes)
    sums = torch.zeros(classes).index_add_(0, labels, own)
    reached = probabilities >= sums / sizes.clamp(min=1)
    counted = reached.any(1)
    best = torch.where(reached, probabilities, -1.0).argmax(1)
    seen = labels[counted].bincount(minlength=classes)
    right = labels[counted & (best == labels)].bincount(minlength=classes)
    # A label of which no sample counts has nothing against it.
    shares = torch.where(seen > 0, right / seen.clamp(min=1), 1.0)
    return 1 - float((shares * sizes).sum() / len(labels))


def _raised_to(rate: float, log_odds: Tensor) -> float:
    """What added to the log odds float64 [N] makes the mean of their probabilities this rate."""
    low, high = -_MOST_LOG_ODDS, _MOST_LOG_ODDS
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(torch.sigmoid(log_odds + middle).mean()) < rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _likeliest_temperature(logits: Tensor, labels: Tensor, prior: Tensor) -> float:
    """The temperature at which the given labels are most likely: a golden-section search."""
    golden = (5**0.5 - 1) / 2
    known: dict[float, float] = {}

    def loss(log_temperature: float) -> float:
        if log_temperature not in known:
            soft = torch.log_softmax(logits / float(np.exp(log_temperature)), 1)
            known[log_temperature] = -_fit_transition(soft, labels, prior)[0]
        return known[log_temperature]

    low, high = (float(np.log(bound)) for bound in _TEMPERATURES)
    left, right = high - golden * (high - low), low + golden * (high - low)
    for _ in range(_SEARCHES):
        if loss(left) < loss(right):
            high, right = right, left
            left = high - golden * (high - low)
        else:
            low, left = left, right
            right = low + golden * (high - low)
    return float(np.exp(min(known, key=loss)))


def _prior(labels: Tensor, classes: int) -> Tensor:
    """Counts float64 [C, C] of samples that pull the transition matrix."""
    others = (1 - _KEPT) / max(1, classes - 1)
    matrix = torch.full((classes, classes), others, dtype=torch.float64).fill_diagonal_(_KEPT)
    return matrix * max(_LEAST_PULL, _PULL * len(labels) / classes)


def _fit_transition(soft: Tensor, labels: Tensor, prior: Tensor) -> tuple[float, Tensor]:
    """The mean log likelihood of the labels, and the transition matrix, after EM."""
    probabilities = soft.exp()
    transition, before = prior / prior.sum(1, keepdim=True), -np.inf
    for _ in range(_STEPS):
        joint = probabilities * transition.float().T[labels]
        evidence = joint.sum(1, keepdim=True).clamp(min=1e-30)
        likelihood = float(evidence.double().log().mean())
        counts = torch.zeros(len(prior), len(prior))
        counts.index_add_(0, labels, joint / evidence)
        counted = counts.T.double() + prior
        transition = counted / counted.sum(1, keepdim=True)
        if likelihood - before < _TOLERANCE:
            break
        before = likelihood
    return likelihood, transition


def _log_odds(log_posterior: Tensor, labels: Tensor) -> Tensor:
    """That the given label is wrong, float64 [N]."""
    given = labels.unsqueeze(1)
    right = log_posterior.gather(1, given).squeeze(1).double()
    # Summed over the other classes: 1 - p would round to the same number for very many samples.
    wrong = log_posterior.scatter(1, given, -torch.inf).double().logsumexp(1)
    return wrong - right


def suspicion(log_odds: Tensor) -> NDArray[np.float64]:
    """The probability [N] that a label is wrong, strictly between 0 and 1 and without ties.

    Log odds [N] are bent towards a bound that they never reach, which changes those below 4 by
    little and keeps the order of all.
    """
    odds = log_odds.numpy().astype(np.float64)
    bent = odds / np.sqrt(1 + (odds / _MOST_LOG_ODDS) ** 2)
    return np.asarray(1 / (1 + np.exp(-bent)), np.float64)
