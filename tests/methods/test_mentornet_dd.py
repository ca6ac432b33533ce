"""The learned MentorNet: what it learns from, how it weighs, and what it asks for."""

import pytest
import slow_mentornet as slow
import slow_methods
import torch
from slow_mentornet import plain

from lnlbench.data import load_dataset
from lnlbench.errors import UsageError
from lnlbench.interface.batch import CleanSubset
from lnlbench.interface.params import validate_params
from lnlbench.interface.run import Run
from lnlbench.methods import mentornet_dd
from lnlbench.methods.mentornet_dd import MentorNetDD
from lnlbench.noise import apply_noise
from lnlbench.pieces.mentor_network import MentorNetwork
from lnlbench.runner.split import clean_subset, split_dataset
from lnlbench.testing.small_runs import make_run
from lnlbench.tracks import load_track

NO_DROPOUT = ((0.0, 100),)


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
