"""The formulas of the methods in float64 with explicit loops, from papers and reference code.

Nothing here uses lnlbench or PyTorch. A batch is a list whose first axis runs over samples.
"""

import math


def softmax(row):
    exponentials = [math.exp(value - max(row)) for value in row]
    return [value / sum(exponentials) for value in exponentials]


def cross_entropy(row, label):
    return -math.log(softmax(row)[label])


def forget_rates(epochs, rate, ramp_up, exponent):
    """Co-teaching's table of max_epochs + 1 rates, of which the first is never trained."""
    table = [rate] * (epochs + 1)
    for position in range(min(ramp_up, epochs + 1)):
        steps = max(ramp_up - 1, 1)
        table[position] = rate**exponent * position / steps
    return table[1:]


def small_loss(losses, forget_rate):
    order = sorted(range(len(losses)), key=lambda i: losses[i])
    return set(order[: int((1 - forget_rate) * len(losses))])


def kl(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def jocor(row, peer_row, label, weight):
    p, q = softmax(row), softmax(peer_row)
    supervised = -math.log(p[label]) - math.log(q[label])
    return (1 - weight) * supervised + weight * (kl(p, q) + kl(q, p))


def percentile(losses, share):
    """Nearest rank: of the sorted losses, the one whose position is nearest to share * (n - 1)."""
    ordered = sorted(losses)
    position = share * (len(ordered) - 1)
    return min(ordered, key=lambda value: abs(ordered.index(value) - position))


def thresholds(batches, share, decay):
    """The running mean after each batch, from zero and never corrected for it."""
    mean, means = 0.0, []
    for losses in batches:
        mean = decay * mean + (1 - decay) * percentile(losses, share)
        means.append(mean)
    return means


def weight(rule, loss, threshold, percent, burn_in=0, gamma=1.0, focal=2.0):
    if percent < burn_in - 1 or rule == "baseline":
        return 1.0
    difference = loss - threshold
    linear = min(max(1 - difference / gamma, 0.0), 1.0)
    if rule == "predefined":
        if percent <= 18:
            return 1.0
        return (1.0 if difference <= 0 else 0.0) if percent < 90 else linear
    return {
        "self-paced": 1.0 if difference <= 0 else 0.0,
        "spcl-linear": linear,
        "hard-mining": 1.0 if difference >= 0 else 0.0,
        "focal": (1 - math.exp(-loss)) ** focal,
    }[rule]


def dropout_table(pairs):
    table = []
    for rate, percent in pairs:
        table += [rate] * percent
    return table


def partner_probabilities(weights):
    return softmax(weights)


def mentored_share(share, sample_weight):
    larger = max(share, 1 - share)
    return 1 - larger if sample_weight < 0.5 else larger


def gce(row, label, q):
    return (1 - softmax(row)[label] ** q) / q


def smoothed(row, label, smoothing):
    log_probabilities = [math.log(value) for value in softmax(row)]
    uniform = sum(log_probabilities) / len(row)
    return -(1 - smoothing) * log_probabilities[label] - smoothing * uniform


def elr_target(target, row, momentum):
    clamped = [min(max(value, 1e-4), 1 - 1e-4) for value in softmax(row)]
    return [
        momentum * old + (1 - momentum) * new / sum(clamped)
        for old, new in zip(target, clamped, strict=True)
    ]


def elr_loss(target, row, label, regularization):
    clamped = [min(max(value, 1e-4), 1 - 1e-4) for value in softmax(row)]
    agreement = sum(a * b for a, b in zip(target, clamped, strict=True))
    return cross_entropy(row, label) + regularization * math.log(1 - agreement)


def anchor_matrix(probabilities, discarded):
    """Row i: the prediction for the sample most surely of class i, the surest ones left out."""
    classes = range(len(probabilities[0]))
    matrix = []
    for i in classes:
        order = sorted(probabilities, key=lambda row, i=i: -row[i])
        anchor = order[int(discarded * len(order))]
        matrix.append([value / sum(anchor) for value in anchor])
    return matrix


def forward(row, label, matrix):
    p = softmax(row)
    return -math.log(sum(p[i] * matrix[i][label] for i in range(len(p))))


def averaged(values, decay):
    """Each next value of a weight moves the mean, which starts at the first value."""
    mean = values[0]
    for step, value in enumerate(values[1:], start=1):
        rate = min(decay, (1 + step) / (10 + step))
        mean = rate * mean + (1 - rate) * value
    return mean
