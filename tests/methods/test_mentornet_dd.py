"""The learned MentorNet: its network, what it learns from, how it weighs, and where it is kept."""

import math

import pytest
import slow_mentornet as slow
import slow_methods
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lnlbench.data import load_dataset
from lnlbench.errors import Interrupted, UsageError
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.params import validate_params
from lnlbench.interface.run import Run
from lnlbench.methods import mentornet_dd
from lnlbench.methods.mentornet_dd import MentorNetDD
from lnlbench.noise import apply_noise
from lnlbench.pieces.mentor_network import MentorNetwork, _endless, learn, mentor_loss
from lnlbench.runner.split import clean_subset, split_dataset
from lnlbench.testing.small_runs import make_run
from lnlbench.tracks import load_track

NO_DROPOUT = ((0.0, 100),)


def network(seed=0):
    mentor = MentorNetwork(torch.Generator().manual_seed(seed))
    with torch.no_grad():  # biases that are not zero, so that each one counts
        for parameter in mentor.lstm.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator(seed)))
    return mentor


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def plain(mentor):
    return {name: value.double().tolist() for name, value in mentor.state_dict().items()}


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


class Linear(torch.nn.Linear):
    """A network that keeps the logits of its training passes."""

    seen: list[list[list[float]]]

    def forward(self, images):
        logits = super().forward(images.flatten(1))
        if self.training:
            self.seen.append(logits.tolist())
        return logits


@pytest.fixture
def recorded(monkeypatch):
    """Runs a method; returns what it saw: batches of (index, losses), rows, and stepped losses."""

    def run_and_record(params, known=range(0, 50, 3), **changes):
        seen, steps, rows = [], [], []

        def build():
            module = Linear(3 * 32 * 32, 4)
            module.seen = seen
            return module

        clean = torch.zeros(50, dtype=torch.int64)
        index = torch.tensor(list(known))
        oracle = {"clean_subset": CleanSubset(index, clean[index])}
        settings = {
            "network": build,
            "oracle": oracle,
            "learning_rate_factor": lambda epoch: 1e-3,
            "max_epochs": 5,
            **changes,
        }
        run = make_run(**settings)
        original_batches, original_step, original_learn = run.batches, Run.step, mentornet_dd.learn
        batches = []

        def batches_seen(**options):
            for batch in original_batches(**options):
                batches.append((batch.index.tolist(), batch.labels.tolist()))
                yield batch

        def step(self, loss, optimizer):
            steps.append(loss.item())
            original_step(self, loss, optimizer)

        def learning(mentor, given, count, source, told):
            rows.append(given.tolist())
            return original_learn(mentor, given, count, source)

        run.batches = batches_seen
        monkeypatch.setattr(Run, "step", step)
        monkeypatch.setattr(mentornet_dd, "learn", learning)
        method = MentorNetDD(params)
        method.fit(run)
        losses = [
            [slow_methods.cross_entropy(row, label) for row, label in zip(*pair, strict=True)]
            for pair in zip(seen, [labels for _, labels in batches], strict=True)
        ]
        return method, run, [index for index, _ in batches], losses, rows, steps

    return run_and_record


def test_the_mentor_learns_from_the_known_samples_of_the_burn_in_and_weighs_the_rest(recorded):
    params = MentorNetDD.Params(
        burn_in=42, loss_percentile=0.7, example_dropout=NO_DROPOUT, mentor_steps=30
    )
    method, run, indices, losses, [rows], steps = recorded(params)
    thresholds = slow_methods.thresholds(losses, 0.7, 0.5)
    percents = [100 * (50 * (n // 4) + 16 * (n % 4)) // 250 for n in range(20)]
    labels = run.labels.tolist()
    expected = [
        [loss, loss - threshold, percent, 1.0 if labels[i] == 0 else 0.0]
        for index, batch, threshold, percent in zip(
            indices, losses, thresholds, percents, strict=True
        )
        if percent < 41
        for i, loss in zip(index, batch, strict=True)
        if i % 3 == 0
    ]
    assert rows == [pytest.approx(row, rel=1e-3, abs=1e-3) for row in expected]
    assert method.learned_until == max(percent for percent in percents if percent < 41) == 40
    parameters = plain(method.mentor)
    for number, (batch, threshold) in enumerate(zip(losses, thresholds, strict=True)):
        if percents[number] < 41:
            total = sum(batch)
        else:
            # Time stands still after the burn-in, at the last percent the mentor knows.
            total = sum(slow.weight(parameters, x, x - threshold, 40) * x for x in batch)
        assert steps[number] == pytest.approx(total / len(batch), rel=2e-3, abs=1e-4)
    last = dict(zip(indices[-1], losses[-1], strict=True))
    for i, loss in last.items():
        weight = slow.weight(parameters, loss, loss - thresholds[-1], 40)
        assert method.clean_probability()[i].item() == pytest.approx(weight, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(("fixed", "dropout"), [(True, {0.05}), (False, {0.05, 0.9})])
def test_a_fixed_epoch_stops_the_clock_of_the_mentor_and_of_the_dropout(
    recorded, monkeypatch, fixed, dropout
):
    asked, rates = [], []
    weights, rate = MentorNetwork.weights, mentornet_dd.dropout_rate

    def asking(self, losses, differences, percent):
        asked.append(percent)
        return weights(self, losses, differences, percent)

    def dropping(percent, params):
        rates.append(rate(percent, params))
        return rates[-1]

    monkeypatch.setattr(MentorNetwork, "weights", asking)
    monkeypatch.setattr(mentornet_dd, "dropout_rate", dropping)
    params = MentorNetDD.Params(fix_epoch=fixed, mentor_steps=5, burn_in=20)
    recorded(params, max_epochs=30)
    # However long it goes on, the mentor is not asked about a time that it has not seen.
    assert set(asked) == {18}
    assert set(rates[-len(asked) :]) == dropout
    assert rates[0] == 0.5


def test_until_every_sample_has_a_weight_there_is_no_belief(recorded):
    params = MentorNetDD.Params(burn_in=100, mentor_steps=5)
    method, run, _, _, [rows], _ = recorded(params, max_epochs=2)
    assert method.clean_probability() is None
    assert len(rows) == 2 * 17
    [event] = run.events
    assert event.event == "mentor learned"
    assert event.detail.startswith("from 34 losses until ")


def test_a_run_that_meets_no_known_sample_in_the_burn_in_goes_on_burning_in(recorded):
    params = MentorNetDD.Params(burn_in=2, mentor_steps=5)
    method, _, indices, _, [rows], _ = recorded(params, known=[7, 8], max_epochs=1)
    assert rows
    first = next(number for number, index in enumerate(indices) if {7, 8} & set(index))
    assert len(rows) == len({7, 8} & set(indices[first]))
    assert method.learned_until >= 0


def test_without_a_mentor_there_has_to_be_time_to_learn_one():
    with pytest.raises(UsageError, match="burn_in is at least 2"):
        validate_params("mentornet-dd", MentorNetDD.Params, {"burn_in": 1})
    given = validate_params("mentornet-dd", MentorNetDD.Params, {"burn_in": 0, "mentor": "a" * 64})
    assert given.burn_in == 0


def test_the_clean_subset_is_a_share_of_the_training_part_and_no_more():
    dataset = load_dataset("digits")
    protocol = load_track("digits").protocol.model_copy(update={"validation": 0.2})
    split = split_dataset(dataset, apply_noise("symmetric:0.4", dataset, 0), protocol)

    def subset(**changes):
        return clean_subset(split, MentorNetDD.Params(**changes))

    small, same, other = subset(), subset(mentor_steps=7), subset(clean_seed=1)
    assert len(small.index) == len(small.labels) == round(0.1 * len(split.clean_labels))
    assert torch.equal(small.labels, split.clean_labels[small.index])
    assert torch.equal(small.index, same.index)
    assert not torch.equal(small.index, other.index)
    assert len(subset(clean_share=1e-9).index) == 2
    assert len(subset(clean_share=1).index) == len(split.clean_labels)


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
