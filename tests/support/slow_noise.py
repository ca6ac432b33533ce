"""The published noise generators, one sample at a time, written from the papers.

Labels are lists of ints. `random` is Python's random.Random.
"""

import math

import numpy as np

STD = 0.1


def redrawn(clean, classes, rate, random):
    """Symmetric noise of DivideMix: exactly int(rate * N) labels are redrawn among all classes."""
    noisy = list(clean)
    for index in random.sample(range(len(clean)), int(rate * len(clean))):
        noisy[index] = random.randrange(classes)
    return noisy


def to_another(clean, classes, rate, random):
    """Symmetric noise of Co-teaching: each label moves, with probability `rate`, to another one."""
    others = {each: [other for other in range(classes) if other != each] for each in range(classes)}
    return [random.choice(others[label]) if random.random() < rate else label for label in clean]


def mapped(clean, targets, rate, random):
    """Each label moves, with probability `rate`, to the target of its class, if it has one."""
    return [
        targets[label] if label in targets and random.random() < rate else label for label in clean
    ]


def instance(pixels, clean, classes, rate, random):
    """Algorithm 2 of Xia et al. 2020, on raw pixels, float [N, D].

    Each sample has a flip rate from a truncated normal; each class has a projection of the pixels
    to scores of all classes; the true class is masked before the softmax.
    """
    normal = np.random.default_rng(random.randrange(2**32))
    projections = {}
    noisy = []
    for pixel_vector, label in zip(pixels, clean, strict=True):
        if label not in projections:
            projections[label] = normal.normal(size=(len(pixel_vector), classes))
        flip_rate = _truncated_normal(rate, random)
        scores = (pixel_vector @ projections[label]).tolist()
        largest = max(score for other, score in enumerate(scores) if other != label)
        weights = [math.exp(score - largest) if other != label else 0.0
                   for other, score in enumerate(scores)]  # fmt: skip
        flipped = random.choices(range(classes), weights)[0]
        noisy.append(flipped if random.random() < flip_rate else label)
    return noisy


def _truncated_normal(mean, random):
    while True:
        value = random.gauss(mean, STD)
        if 0 <= value <= 1:
            return value


def statistics(clean, noisy):
    """Share of wrong labels; the commonest wrong class's share of the errors of a class, mean over
    the classes; and the effective number of wrong classes of a class, exp(entropy), likewise."""
    errors = {}
    for true, given in zip(clean, noisy, strict=True):
        if true != given:
            counts = errors.setdefault(true, {})
            counts[given] = counts.get(given, 0) + 1
    wrong = sum(sum(counts.values()) for counts in errors.values())
    shares, numbers = [], []
    for counts in errors.values():
        total = sum(counts.values())
        shares.append(max(counts.values()) / total)
        numbers.append(math.exp(-sum(n / total * math.log(n / total) for n in counts.values())))
    return wrong / len(clean), sum(shares) / len(shares), sum(numbers) / len(numbers)


def distance(first, second):
    """Between the means of two lists of statistics, in standard errors; 0 where nothing varies."""
    first, second = np.array(first), np.array(second)
    difference = np.abs(first.mean(0) - second.mean(0))
    error = np.sqrt(first.var(0, ddof=1) / len(first) + second.var(0, ddof=1) / len(second))
    return np.where(difference < 1e-9, 0, difference / np.maximum(error, 1e-9))
