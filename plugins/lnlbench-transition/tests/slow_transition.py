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
