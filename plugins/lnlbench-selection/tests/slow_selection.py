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


def shifted(row, prior, strength):
    return [value + strength * math.log(p) for value, p in zip(row, prior, strict=True)]


def sharpened(row, temperature):
    powers = [p ** (1 / temperature) for p in row]
    return [power / sum(powers) for power in powers]


def agreed_on(selected, first, second, threshold, fill):
    """ProMix: which samples agreement adds to those that one network has selected."""
    room = int(fill * len(selected)) - sum(selected)
    sure = [
        (-(max(a) + max(b)), i)
        for i, (a, b) in enumerate(zip(first, second, strict=True))
        if not selected[i]
        and min(max(a), max(b)) > threshold
        and a.index(max(a)) == b.index(max(b))
    ]
    return {i for _, i in sorted(sure)[: max(room, 0)]}


def inverse_transform(spectrum, height, width):
    """The real image [height][width] whose half spectrum begins with these rows and columns."""
    image = [[0.0] * width for _ in range(height)]
    for y in range(height):
        for x in range(width):
            for a, row in enumerate(spectrum):
                for b, value in enumerate(row):
                    angle = 2 * math.pi * (a * y / height + b * x / width)
                    wave = value * complex(math.cos(angle), math.sin(angle))
                    image[y][x] += (1 if b == 0 else 2) * wave.real / (height * width)
    return image
