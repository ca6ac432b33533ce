"""Slow versions of what the methods compute: plain loops over lists, written from the papers."""

import math
from collections import Counter


def softmax(row):
    top = max(row)
    powers = [math.exp(value - top) for value in row]
    return [power / sum(powers) for power in powers]


def cross_entropy(row, label):
    return -math.log(softmax(row)[label])


def soft_cross_entropy(row, target):
    return -sum(t * math.log(p) for t, p in zip(target, softmax(row), strict=True))


def one_hot(label, classes):
    return [float(label == k) for k in range(classes)]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def mixed(rows, share, partners):
    return [
        [share * a + (1 - share) * b for a, b in zip(row, rows[j], strict=True)]
        for row, j in zip(rows, partners, strict=True)
    ]


def cosine(a, b):
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))


def balanced_vote(neighbors, labels, classes):
    """SSR, equation 2: votes of the neighbors, each class by its frequency, normalized."""
    frequency = Counter(labels)
    votes = [
        sum(labels[j] == k for j in neighbors) / frequency[k] if frequency[k] else 0.0
        for k in range(classes)
    ]
    return [vote / sum(votes) for vote in votes]


def generalized_cross_entropy(row, label, q):
    return (1 - softmax(row)[label] ** q) / q


def disc_division(weak, strong, weak_threshold, strong_threshold, label, gap):
    """DISC for one sample: what it counts as, and the label that it is mixed with."""
    confirmed = [weak[label] > weak_threshold, strong[label] > strong_threshold]
    average = [(a + b) / 2 for a, b in zip(weak, strong, strict=True)]
    needed = min((weak_threshold + strong_threshold) / 2 + gap, 0.99)
    if all(confirmed):
        return "clean", label
    if any(confirmed):
        return "hard", label
    if max(average) > needed:
        return "purified", average.index(max(average))
    return "left out", label


def jensen_shannon(p, q):
    """The divergence of two distributions, in nats."""
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]

    def from_middle(row):
        return sum(a * math.log(a / b) for a, b in zip(row, middle, strict=True) if a > 0)

    return (from_middle(p) + from_middle(q)) / 2


def smallest_of_each_class(values, labels, quota):
    chosen = set()
    for label in set(labels):
        members = sorted((value, i) for i, value in enumerate(values) if labels[i] == label)
        chosen |= {i for _, i in members[:quota]}
    return chosen


def simclr(first, second, temperature):
    """Mean over all views of the negative logarithm of a softmax over all other views."""
    views, losses = first + second, []
    for i, anchor in enumerate(views):
        partner = (i + len(first)) % len(views)
        powers = {
            j: math.exp(cosine(anchor, other) / temperature)
            for j, other in enumerate(views)
            if j != i
        }
        losses.append(-math.log(powers[partner] / sum(powers.values())))
    return mean(losses)
