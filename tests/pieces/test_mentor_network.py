"""The network of the learned MentorNet: its graph, its start, and how it learns."""

import math

import pytest
import slow_mentornet as slow
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_mentornet import plain

from lnlbench.errors import Interrupted
from lnlbench.pieces.mentor_network import MentorNetwork, _endless, learn, mentor_loss


def network(seed=0):
    mentor = MentorNetwork(torch.Generator().manual_seed(seed))
    with torch.no_grad():  # biases that are not zero, so that each one counts
        for parameter in mentor.lstm.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator(seed)))
    return mentor


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 20),
    samples=st.lists(
        st.tuples(st.floats(0, 30), st.floats(-20, 20), st.integers(0, 1), st.integers(0, 120)),
        min_size=1,
        max_size=5,
    ),
)
def test_the_network_is_the_authors_graph(seed, samples):
    mentor = network(seed)
    losses, differences, codes, percents = zip(*samples, strict=True)
    logits = mentor(
        torch.tensor(losses, dtype=torch.float32),
        torch.tensor(differences, dtype=torch.float32),
        torch.tensor(codes),
        torch.tensor(percents),
    )
    expected = [slow.logit(plain(mentor), *sample) for sample in samples]
    assert logits.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_weights_are_of_the_label_code_zero():
    mentor = network()
    losses, differences = torch.tensor([0.1, 4.0]), torch.tensor([-1.0, 2.5])
    expected = [slow.weight(plain(mentor), a, b, 37) for a, b in ((0.1, -1.0), (4.0, 2.5))]
    assert mentor.weights(losses, differences, 37).tolist() == pytest.approx(expected, rel=1e-4)


def test_the_start_is_the_authors():
    mentors = [MentorNetwork(generator(seed)) for seed in range(40)]

    def values(name):
        return torch.stack([mentor.state_dict()[name] for mentor in mentors])

    for name, limit in {
        "label_embedding.weight": math.sqrt(6 / 4),
        "epoch_embedding.weight": math.sqrt(6 / 105),
        "lstm.weight_ih_l0": math.sqrt(6 / 7),
        "lstm.weight_hh_l0_reverse": math.sqrt(6 / 7),
    }.items():
        assert 0.9 * limit < values(name).abs().max() <= limit
    assert (values("lstm.bias_ih_l0") == 0).all()
    for name in ("hidden.weight", "hidden.bias"):
        assert values(name).std().item() == pytest.approx(1, abs=0.1)
    assert values("output.bias").std().item() == pytest.approx(1, abs=0.4)


@pytest.mark.parametrize("targets", [[1.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
def test_targets_of_one_kind_are_fitted_by_squares(targets):
    logits = [0.3, -1.2, 2.0]
    measured = mentor_loss(torch.tensor(logits), torch.tensor(targets), len(set(targets)) == 2)
    assert measured.item() == pytest.approx(slow.mentor_loss(logits, targets), rel=1e-5)


@pytest.mark.parametrize(("count", "size"), [(2, 2), (32, 32), (70, 32)])
def test_rows_are_learned_from_in_whole_batches_of_changing_order(count, size):
    batches = _endless(count, generator())
    per_order = count // size
    orders = [torch.cat([next(batches) for _ in range(per_order)]) for _ in range(3)]
    for order in orders:
        assert len(order) == per_order * size == len(order.unique())
    assert count == 2 or not torch.equal(orders[0], orders[1])


def separable_rows():
    losses = torch.cat([torch.linspace(0, 1, 64), torch.linspace(3, 6, 64)])
    targets = (losses < 2).float()
    return torch.stack([losses, losses - 2, torch.full_like(losses, 17), targets], 1)


def test_a_mentor_learns_what_tells_right_from_wrong_and_leaves_the_frozen_alone():
    mentor = MentorNetwork(generator())
    before = plain(mentor)
    loss = learn(mentor, separable_rows(), 300, generator())
    after = plain(mentor)
    assert loss < 0.1
    frozen = ("epoch_embedding.weight", "lstm.bias_hh_l0", "lstm.bias_hh_l0_reverse")
    assert {name for name in before if before[name] == after[name]} >= set(frozen)
    assert before["label_embedding.weight"] != after["label_embedding.weight"]
    weights = mentor.weights(torch.tensor([0.5, 5.0]), torch.tensor([-1.5, 3.0]), 17)
    assert weights[0] > 0.9
    assert weights[1] < 0.1


def test_the_first_step_of_learning_is_adams_by_hand():
    mentor = MentorNetwork(generator())
    before = mentor.state_dict()["hidden.bias"].clone()
    learn(mentor, separable_rows(), 1, generator())
    moved = (mentor.state_dict()["hidden.bias"] - before).abs()
    # Adam's first step is the learning rate itself, whatever the gradient.
    assert moved.tolist() == pytest.approx([0.1] * 20, rel=1e-2)


def test_the_learning_rate_falls_by_a_tenth_each_thousand_steps(monkeypatch):
    rates = []

    class Recorded(torch.optim.Adam):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])

    monkeypatch.setattr(torch.optim, "Adam", Recorded)
    learn(MentorNetwork(generator()), separable_rows(), 1001, generator())
    assert rates == pytest.approx([0.1] * 1000 + [0.09])


def test_learning_a_mentor_is_told_and_can_be_stopped():
    rows = torch.rand(64, 4)
    rows[:, 3] = (rows[:, 3] > 0.5).float()
    heard = []

    def stop(done, steps):
        heard.append((done, steps))
        if done == 3:
            raise Interrupted("stopped by SIGTERM")

    with pytest.raises(Interrupted):
        learn(
            MentorNetwork(torch.Generator().manual_seed(0)),
            rows,
            1000,
            torch.Generator().manual_seed(0),
            stop,
        )
    assert heard == [(0, 1000), (1, 1000), (2, 1000), (3, 1000)]
