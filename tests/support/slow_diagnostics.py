"""What runs record of themselves, counted sample by sample in Python."""

import math


def losses(logits, labels):
    """Cross-entropy of each sample, by the definition."""
    found = []
    for row, label in zip(logits, labels, strict=True):
        top = max(row)
        total = sum(math.exp(value - top) for value in row)
        found.append(math.log(total) - (row[label] - top))
    return found


def histogram(values, low, high, bins):
    """Counts by looking for each value's bin from below; what lies outside is in the nearest."""
    counts = [0] * bins
    width = (high - low) / bins
    for value in values:
        position = bins - 1
        if not math.isnan(value):
            position = 0
            while position < bins - 1 and value >= low + (position + 1) * width:
                position += 1
        counts[position] += 1
    return counts


def mistakes(true, given, classes, per_class):
    """(true, given, count) of the most frequent wrong labels of each class."""
    found = []
    for row in range(classes):
        counts = {}
        for t, g in zip(true, given, strict=True):
            if t == row and g != row:
                counts[g] = counts.get(g, 0) + 1
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        found += [(row, label, count) for label, count in ranked[:per_class]]
    return found


def share_by_class(hits, labels, classes):
    shares = []
    for row in range(classes):
        of_class = [hit for hit, label in zip(hits, labels, strict=True) if label == row]
        shares.append(sum(of_class) / len(of_class) if of_class else None)
    return shares
