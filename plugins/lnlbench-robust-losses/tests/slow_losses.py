"""The losses in plain float64 Python, from the equations: one sample, one class at a time."""

import math


def softmax(row):
    largest = max(row)
    powers = [math.exp(value - largest) for value in row]
    return [power / sum(powers) for power in powers]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def cross_entropy(row, label):
    return -math.log(softmax(row)[label])


def soft_cross_entropy(row, target):
    return -sum(t * math.log(p) for t, p in zip(target, softmax(row), strict=True))


def one_hot(label, classes):
    return [1.0 if k == label else 0.0 for k in range(classes)]


def reverse_cross_entropy(row, label, floor):
    given = [max(value, floor) for value in one_hot(label, len(row))]
    return -sum(p * math.log(q) for p, q in zip(softmax(row), given, strict=True))


def smoothed(row, label, r):
    target = [(1 - r) * value + r / len(row) for value in one_hot(label, len(row))]
    return soft_cross_entropy(row, target)


def bootstrapped(row, label, kind, share):
    p = softmax(row)
    own = one_hot(p.index(max(p)), len(row)) if kind == "hard" else p
    given = one_hot(label, len(row))
    return soft_cross_entropy(
        row, [share * g + (1 - share) * o for g, o in zip(given, own, strict=True)]
    )


def epsilon_softmax(row, m):
    p = softmax(row)
    top = p.index(max(p))
    return [(value + (m if k == top else 0)) / (1 + m) for k, value in enumerate(p)]


def epsilon_cross_entropy(row, label, m, floor):
    return -math.log(max(epsilon_softmax(row, m)[label], floor))


def absolute_error(row, label):
    return sum(abs(p - g) for p, g in zip(softmax(row), one_hot(label, len(row)), strict=True))


def truncated(row, label, kept, q, threshold):
    p = softmax(row)[label] if kept else threshold
    return (1 - p**q) / q


def stable(row, label, stability):
    return -math.log(softmax(row)[label] + stability)


def f_of(divergence, u):
    """The convex function f of a divergence: what its name means, with f(1) = 0."""
    return {
        "total-variation": lambda: abs(u - 1) / 2,
        "jensen-shannon": lambda: u * math.log(u) - (u + 1) * math.log((1 + u) / 2),
        "pearson": lambda: (u - 1) ** 2,
        "kullback-leibler": lambda: u * math.log(u),
        "jeffreys": lambda: (u - 1) * math.log(u),
    }[divergence]()


def conjugate(divergence, t):
    """f*(t) = sup over u of u * t - f(u), by trying many u."""
    return max(u * t - f_of(divergence, u) for u in (0.0005 * step for step in range(1, 40_000)))


def normalized_cross_entropy(row, label):
    return cross_entropy(row, label) / sum(cross_entropy(row, k) for k in range(len(row)))


def negative_normalized(row, label, floor):
    scores = [math.log(max(p, floor) / floor) for p in softmax(row)]
    return 1 - scores[label] / sum(scores)


def kullback_leibler(q, m):
    logarithms = ([math.log(max(value, 1e-7)) for value in each] for each in (q, m))
    return sum(a * (b - c) for a, b, c in zip(q, *logarithms, strict=True) if a > 0)


def jensen_shannon(views, label, label_weight):
    """Of one sample: `views` are its rows of logits."""
    rest = 1 - label_weight
    parts = [(label_weight, one_hot(label, len(views[0])))]
    parts += [(rest / len(views), softmax(row)) for row in views]
    m = [sum(w * q[k] for w, q in parts) for k in range(len(views[0]))]
    return sum(w * kullback_leibler(q, m) for w, q in parts) / -(rest * math.log(rest))
