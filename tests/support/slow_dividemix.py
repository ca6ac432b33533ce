"""DivideMix in float64 with explicit loops, from the equations of the papers: slow and plain.

Li, Socher, Hoi, ICLR 2020 (arXiv 2002.07394), and MixMatch (arXiv 1905.02249). Nothing here uses
lnlbench, PyTorch or scikit-learn. A batch is an array whose first axis runs over samples; a network
is a function from images to logits.
"""

import math

import numpy as np


def softmax(logits):
    result = np.zeros(np.shape(logits))
    for i, row in enumerate(np.asarray(logits, dtype=np.float64)):
        exponentials = [math.exp(value - max(row)) for value in row]
        for c, value in enumerate(exponentials):
            result[i, c] = value / sum(exponentials)
    return result


def log_softmax(logits):
    result = np.zeros(np.shape(logits))
    for i, row in enumerate(np.asarray(logits, dtype=np.float64)):
        shift = max(row)
        total = shift + math.log(sum(math.exp(value - shift) for value in row))
        for c, value in enumerate(row):
            result[i, c] = value - total
    return result


def sharpen(probabilities, temperature):
    result = np.zeros(np.shape(probabilities))
    for i, row in enumerate(np.asarray(probabilities, dtype=np.float64)):
        powers = [value ** (1 / temperature) for value in row]
        for c, value in enumerate(powers):
            result[i, c] = value / sum(powers)
    return result


def co_refine(labels, clean_probability, view_logits, temperature):
    """w * label + (1 - w) * the mean prediction of one network over its views, sharpened."""
    views = [softmax(logits) for logits in view_logits]
    refined = np.zeros(views[0].shape)
    for i, label in enumerate(labels):
        weight = float(clean_probability[i])
        for c in range(refined.shape[1]):
            given = 1.0 if c == label else 0.0
            predicted = sum(view[i, c] for view in views) / len(views)
            refined[i, c] = weight * given + (1 - weight) * predicted
    return sharpen(refined, temperature)


def co_guess(view_logits, peer_view_logits, temperature):
    """The mean prediction over both networks and all views, sharpened."""
    predictions = [softmax(logits) for logits in [*view_logits, *peer_view_logits]]
    guessed = np.zeros(predictions[0].shape)
    for i in range(guessed.shape[0]):
        for c in range(guessed.shape[1]):
            guessed[i, c] = sum(each[i, c] for each in predictions) / len(predictions)
    return sharpen(guessed, temperature)


def mix(values, share, permutation):
    values = np.asarray(values, dtype=np.float64)
    result = np.zeros(values.shape)
    for i in range(len(values)):
        result[i] = share * values[i] + (1 - share) * values[int(permutation[i])]
    return result


def labeled_loss(logits, soft_labels):
    """Cross-entropy with soft labels, mean over samples (equation 9)."""
    log_probabilities = log_softmax(logits)
    total = 0.0
    for i, row in enumerate(log_probabilities):
        for c, value in enumerate(row):
            total -= float(soft_labels[i][c]) * value
    return total / len(log_probabilities)


def unlabeled_loss(logits, soft_labels):
    """Squared error, mean over samples and over classes (equation 10)."""
    probabilities = softmax(logits)
    total = 0.0
    for i, row in enumerate(probabilities):
        for c, value in enumerate(row):
            total += (float(soft_labels[i][c]) - value) ** 2
    return total / probabilities.size


def prior_penalty(logits):
    """Sum over classes of prior * log(prior / mean prediction), prior 1 / C (equation 11)."""
    probabilities = softmax(logits)
    samples, classes = probabilities.shape
    total = 0.0
    for c in range(classes):
        mean = sum(probabilities[i, c] for i in range(samples)) / samples
        total += 1 / classes * math.log(1 / classes / mean)
    return total


def confidence_penalty(logits):
    """Negative entropy of each prediction, mean over samples."""
    probabilities, log_probabilities = softmax(logits), log_softmax(logits)
    total = 0.0
    for i, row in enumerate(probabilities):
        for c, value in enumerate(row):
            total += value * log_probabilities[i, c]
    return total / len(probabilities)


def ramp(epoch, iteration, iterations, warmup_epochs, rampup_epochs):
    position = (epoch + iteration / iterations - warmup_epochs) / rampup_epochs
    return max(0.0, min(1.0, position))


def cross_entropies(logits, labels):
    return np.array([-row[label] for row, label in zip(log_softmax(logits), labels, strict=True)])


def normalize_losses(losses):
    low, high = min(losses), max(losses)
    return np.array([(value - low) / (high - low) for value in losses], dtype=np.float64)


def mean_of_last(history, length):
    """The mean of the last `length` loss vectors, or of all where there are fewer."""
    last = history[-length:]
    return np.array([sum(losses[i] for losses in last) / len(last) for i in range(len(last[0]))])


def density(value, mean, variance):
    return math.exp(-((value - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)


def posterior(values, weights, means, variances):
    """Bayes' rule: the probability that each value is of the component of lower mean."""
    low = 0 if means[0] < means[1] else 1
    result = []
    for value in values:
        joint = [weights[k] * density(value, means[k], variances[k]) for k in range(2)]
        result.append(joint[low] / (joint[0] + joint[1]))
    return np.array(result)


def two_means(values):
    """Memberships of the upper of two clusters: the cut of least squared distance to the means."""
    ordered = sorted(float(value) for value in values)
    best, threshold = math.inf, 0.0
    for cut in range(1, len(ordered)):
        parts = ordered[:cut], ordered[cut:]
        cost = 0.0
        for part in parts:
            mean = sum(part) / len(part)
            cost += sum((value - mean) ** 2 for value in part)
        if cost < best:
            best, threshold = cost, ordered[cut]
    return [float(value >= threshold) for value in values]


def fit_mixture(values, upper, max_iterations, tolerance, regularization):
    """Expectation maximization from the memberships `upper`: weights, means and variances.

    It stops when the mean log-likelihood of an expectation step changes by less than `tolerance`.
    """
    values = [float(value) for value in values]
    parameters = _maximize(values, upper, regularization)
    before = -math.inf
    for _ in range(max_iterations):
        likelihood, upper = 0.0, []
        for value in values:
            joint = [w * density(value, m, v) for w, m, v in zip(*parameters, strict=True)]
            likelihood += math.log(sum(joint)) / len(values)
            upper.append(joint[1] / sum(joint))
        parameters = _maximize(values, upper, regularization)
        if abs(likelihood - before) < tolerance:
            break
        before = likelihood
    return parameters


def _maximize(values, upper, regularization):
    weights, means, variances = [], [], []
    for memberships in ([1 - each for each in upper], upper):
        count = sum(memberships)
        mean = sum(m * v for m, v in zip(memberships, values, strict=True)) / count
        squares = sum(m * (v - mean) ** 2 for m, v in zip(memberships, values, strict=True))
        weights.append(count / len(values))
        means.append(mean)
        variances.append(squares / count + regularization)
    return weights, means, variances


def mixed_batch(
    network,
    peer,
    views,
    labels,
    clean_probability,
    other_views,
    temperature,
    pairing,
    queries=None,
    other_queries=None,
):
    """Mixed inputs and soft labels of one step; `other_views` is empty without unlabeled samples.

    `pairing` is the share of the first partner and the permutation that names the second. Soft
    labels come from `queries` and `other_queries`: the mixed views themselves, unless given.
    """
    queries = views if queries is None else queries
    other_queries = other_views if other_queries is None else other_queries
    refined = co_refine(labels, clean_probability, [network(v) for v in queries], temperature)
    inputs, targets = [*views], [refined] * len(views)
    if len(other_views):
        own, peers = [network(v) for v in other_queries], [peer(v) for v in other_queries]
        inputs += [*other_views]
        targets += [co_guess(own, peers, temperature)] * len(other_views)
    share, permutation = pairing
    mixed_inputs = mix(np.concatenate(inputs), share, permutation)
    return mixed_inputs, mix(np.concatenate(targets), share, permutation)


def step_loss(logits, targets, num_labeled, lambda_u, prior_weight):
    """The sum of the losses of mixed samples; the first `num_labeled` count as labeled."""
    loss = labeled_loss(logits[:num_labeled], targets[:num_labeled])
    loss += prior_weight * prior_penalty(logits)
    if len(logits) > num_labeled:
        loss += lambda_u * unlabeled_loss(logits[num_labeled:], targets[num_labeled:])
    return loss
