"""The losses in plain float64 Python, from the equations: one sample, one class at a time."""

import math


def softmax(row):
    largest = max(row)
    powers = [math.exp(value - largest) for value in row]
    return [power / sum(powers) for power in powers]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def cross_entropy(row, label, floor=0.0):
    return -math.log(softmax(row)[label] + floor)


def product(left, right):
    classes = range(len(right))
    return [[sum(row[k] * right[k][j] for k in classes) for j in classes] for row in left]


def backward(row, label, inverse):
    probabilities = [min(max(p, 1e-7), 1 - 1e-7) for p in softmax(row)]
    losses = [-math.log(p) for p in probabilities]
    return sum(inverse[label][j] * loss for j, loss in enumerate(losses))


def transition_matrix(weights):
    rows = []
    for i, row in enumerate(weights):
        entries = [1.0 if i == j else 1 / (1 + math.exp(-w)) for j, w in enumerate(row)]
        rows.append([entry / sum(entries) for entry in entries])
    return rows


def log_volume(matrix):
    """Logarithm of the determinant's size, by elimination with pivots."""
    rows, total = [list(row) for row in matrix], 0.0
    for k in range(len(rows)):
        pivot = max(range(k, len(rows)), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        total += math.log(abs(rows[k][k]))
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return total


def forward(row, label, matrix):
    return -math.log(sum(p * matrix[i][label] for i, p in enumerate(softmax(row))))


def importance(row, label, matrix):
    probabilities = softmax(row)
    return probabilities[label] / sum(p * matrix[i][label] for i, p in enumerate(probabilities))


def losses_of_all_labels(row, floor):
    return [-math.log(p + floor) for p in softmax(row)]


def distilled(row, label, threshold):
    losses = losses_of_all_labels(row, 1e-8)
    return label if losses[label] - mean(losses) < threshold else row.index(max(row))


def covariance(rows, labels, classes, every_label, every_class, mean_losses):
    """Class by class: rows, labels and classes of a batch; `every_...` are those of all samples."""
    total, count = 0.0, len(rows[0])
    for i in set(classes):
        of_class = [label for label, c in zip(every_label, every_class, strict=True) if c == i]
        given = [of_class.count(j) / len(of_class) for j in range(count)]
        terms = [
            (float(label == j) - given[j])
            * (losses_of_all_labels(row, 1e-5)[j] - mean_losses[i][j])
            for row, label, c in zip(rows, labels, classes, strict=True)
            if c == i
            for j in range(count)
        ]
        total += len(of_class) / len(every_label) * sum(terms) / classes.count(i)
    return total
