"""The methods' formulas in plain float64 Python, from the equations: one sample at a time."""

import math

FLOOR = 1e-4


def softmax(row):
    largest = max(row)
    powers = [math.exp(value - largest) for value in row]
    return [power / sum(powers) for power in powers]


def one_hot(label, classes):
    return [1.0 if k == label else 0.0 for k in range(classes)]


def clip(value, low, high):
    return min(max(value, low), high)


def target(old, row, momentum):
    return [momentum * t + (1 - momentum) * p for t, p in zip(old, softmax(row), strict=True)]


def mixed(rows, share, partners):
    return [
        [share * a + (1 - share) * b for a, b in zip(row, rows[j], strict=True)]
        for row, j in zip(rows, partners, strict=True)
    ]


def weighted(label, targets):
    products = [y * t for y, t in zip(label, targets, strict=True)]
    return [product / sum(products) for product in products]


def soft_cross_entropy(row, label):
    return -sum(y * math.log(p) for y, p in zip(label, softmax(row), strict=True))


def elr_penalty(row, targets):
    agreement = sum(
        t * clip(p, FLOOR, 1 - FLOOR) for t, p in zip(targets, softmax(row), strict=True)
    )
    return math.log(1 - agreement)


def ramp(x):
    return math.exp(-5 * (1 - clip(x, 0, 1)) ** 2)


def noise(u, v, label):
    """Signed noise s = u² on the label, -v² elsewhere, each square at most 1."""
    return [
        clip(u * u, 0, 1) if k == label else -clip(value * value, 0, 1) for k, value in enumerate(v)
    ]


def corrected(row, s):
    raised = [max(p + value, FLOOR) for p, value in zip(softmax(row), s, strict=True)]
    return [clip(value / sum(raised), FLOOR, 1) for value in raised]


def residual(row, label, s):
    predicted = one_hot(row.index(max(row)), len(row))
    given = one_hot(label, len(row))
    return sum((h + n - y) ** 2 for h, n, y in zip(predicted, s, given, strict=True))


def sop_loss(rows, labels, u, v):
    total = 0.0
    for row, label, one, many in zip(rows, labels, u, v, strict=True):
        s = noise(one, many, label)
        total += -math.log(corrected(row, s)[label]) + residual(row, label, s)
    return total / len(rows)


def balance(rows, labels, u, v):
    predictions = [
        corrected(row, noise(one, many, label))
        for row, label, one, many in zip(rows, labels, u, v, strict=True)
    ]
    classes = len(rows[0])
    means = [sum(each[k] for each in predictions) / len(rows) for k in range(classes)]
    return -sum(math.log(clip(mean, FLOOR, 1)) / classes for mean in means)


def divergence(weak, strong):
    p, q = softmax(weak), softmax(strong)
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
