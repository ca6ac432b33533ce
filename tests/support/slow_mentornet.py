"""MentorNet's network in float64, one sample and one gate at a time, after the authors' graph.

Nothing here uses lnlbench or PyTorch; parameters are a dict of nested lists by name.
"""

import math


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def last_cell(parameters, direction, steps):
    """The cell state of a one-unit LSTM after its steps; gates in the order i, f, g, o."""
    inputs, states, *biases = (
        parameters[f"lstm.{kind}_{direction}"]
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    cell = state = 0.0
    for step in steps:
        gates = []
        for gate in range(4):
            total = sum(bias[gate] for bias in biases) + states[gate][0] * state
            for weight, value in zip(inputs[gate], step, strict=True):
                total += weight * value
            gates.append(total)
        entering, kept, candidate, leaving = gates
        cell = sigmoid(kept) * cell + sigmoid(entering) * math.tanh(candidate)
        state = sigmoid(leaving) * math.tanh(cell)
    return cell


def logit(parameters, loss, difference, code, percent):
    steps = [(loss, difference)]
    features = [
        *parameters["label_embedding.weight"][code],
        *parameters["epoch_embedding.weight"][min(percent, 99)],
        last_cell(parameters, "l0", steps),
        last_cell(parameters, "l0_reverse", steps[::-1]),
    ]
    hidden = []
    for row, bias in zip(parameters["hidden.weight"], parameters["hidden.bias"], strict=True):
        hidden.append(math.tanh(bias + sum(w * f for w, f in zip(row, features, strict=True))))
    [row], [bias] = parameters["output.weight"], parameters["output.bias"]
    return sum((weight + bias) * value for weight, value in zip(row, hidden, strict=True))


def weight(parameters, loss, difference, percent):
    return sigmoid(logit(parameters, loss, difference, 0, percent))


def mentor_loss(logits, targets):
    """Cross-entropy where both targets occur, else the mean squared error of the weights."""
    terms = []
    for value, target in zip(logits, targets, strict=True):
        given = sigmoid(value)
        if set(targets) == {0.0, 1.0}:
            terms.append(-math.log(given if target == 1 else 1 - given))
        else:
            terms.append((target - given) ** 2)
    return sum(terms) / len(terms)


def plain(mentor):
    """The parameters of a network as the functions above take them."""
    return {name: value.double().tolist() for name, value in mentor.state_dict().items()}
