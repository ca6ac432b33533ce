"""`lnlbench.testing`: what is right passes every check, and each mistake is caught by its own."""

from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from pydantic import Field
from torch.nn.functional import cross_entropy

import lnlbench
from lnlbench.testing import Finding, Report, check_method, examine_method
from lnlbench.testing.behavior import (
    ShortRuns,
    check_global_state,
    check_resume,
    check_runs,
    check_seeds,
)
from lnlbench.testing.declarations import check_metadata, check_parameters
from lnlbench.testing.edges import check_belief, check_edges, check_predictions
from lnlbench.testing.privacy import check_privacy, secrets_in
from lnlbench.testing.small_runs import make_run
from lnlbench.testing.trials import Trials, digits


class Good(lnlbench.Method):
    """Remember each sample's loss, and believe in the small ones."""

    name = "good"
    reference = "Nobody, Nowhere 2026"

    class Params(lnlbench.Params):
        """Bounded and described."""

        scale: float = Field(1.0, gt=0, description="Of the belief.")

    def fit(self, run):
        self.prepare(run)
        for epoch in run.epochs():
            for batch in run.batches(views=1):
                run.step(self.learn(batch, epoch), self.optimizer)
        self.finish(run)

    def prepare(self, run):
        self.network = run.network()
        self.optimizer = run.optimizer(self.network)
        self.losses = torch.zeros(run.num_samples)

    def learn(self, batch, epoch):
        losses = cross_entropy(self.network(batch.views[0]), batch.labels, reduction="none")
        self.losses[batch.index] = losses.detach()
        return losses.mean()

    def finish(self, run):
        pass

    def clean_probability(self):
        return torch.exp(-self.params.scale * self.losses)


def trials(**attributes):
    """Trials of `Good` with some of its parts replaced by wrong ones."""
    return Trials(type("Broken", (Good,), {"__doc__": "Broken.", **attributes}), {})


def test_a_right_method_passes_every_check():
    report = check_method(Good)
    assert report.passed
    names = [finding.check for finding in report.findings]
    assert len(names) == len(set(names)) == 13
    assert all(finding.status == "passed" for finding in report.findings), str(report)
    assert "times cross-entropy" in report.finding("cost").found


def test_a_failed_check_is_an_assertion_error_that_says_what_to_do():
    nameless = type("Nameless", (Good,), {"reference": "Nobody", "__doc__": "Nameless."})
    with pytest.raises(AssertionError, match=r"FAILED\s+metadata(.|\n)*What to do: The reference"):
        check_method(nameless)
    assert not examine_method(nameless).passed


def test_a_report_shows_nothing_that_a_terminal_would_obey():
    text = str(Report("method \x1b[2J", [Finding("runs", "failed", "\x1b[31m" * 30, "a " * 99)]))
    assert "\x1b" not in text
    assert "1 failed" in text
    assert max(len(line) for line in text.splitlines()) <= 100


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"reference": "Nobody, Nowhere"}, "no year"),
        ({"__doc__": None}, "no docstring"),
        ({"name": "Not Kebab"}, "lower-case"),
        ({"__init__": lambda self: None}, "its __init__ does not fit"),
        ({"fit": lambda self: None}, "calls fit(run), and its fit does not fit: too many"),
        (
            {"predict": lambda self, x, y: x},
            "missing a required argument: 'y' (test_check_method.py",
        ),
    ],
)
def test_metadata(attributes, found):
    finding = check_metadata(trials(**attributes).method)
    assert finding.status == "failed"
    assert found in finding.found


@pytest.mark.parametrize(
    ("field", "found"),
    [
        (Field(1.0, description="Unbounded."), "Without bounds: broken"),
        (Field(1.0, gt=0), "Without a description: broken"),
    ],
)
def test_parameters(field, found):
    params = type(
        "Params", (lnlbench.Params,), {"__annotations__": {"broken": float}, "broken": field}
    )
    finding = check_parameters(trials(Params=params).method)
    assert finding.status == "failed"
    assert found in finding.found


def test_a_wrong_number_of_networks():
    finding, _ = check_runs(trials(networks=2))
    assert finding.status == "failed"
    assert "declares networks = 2, and predict averages 1" in finding.found


def test_a_method_that_raises_is_reported_with_its_line():
    def learn(self, batch, epoch):
        raise KeyError("oops")

    report = examine_method(trials(learn=learn).method)
    assert [finding.check for finding in report.findings][-1] == "runs"
    assert "KeyError" in report.finding("runs").found
    assert "test_check_method.py" in report.finding("runs").found


class Looped(Good):
    """Trains in a loop that the tests below replace by wrong ones."""

    def fit(self, run):
        self.prepare(run)
        for epoch in self.chosen(run):
            for batch in run.batches(views=1):
                run.step(self.learn(batch, epoch), self.optimizer)


def _first_epochs(self, run):
    for epoch in run.epochs():
        yield epoch
        return


def _twice(self, run):
    yield from run.epochs()
    yield from run.epochs()


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (lambda self, run: range(run.max_epochs), "calls run.step before run.epochs()"),
        (lambda self, run: (), "returned after 0 of 2 epochs"),
        (_first_epochs, "returned after 0 of 2 epochs"),
        (_twice, "asks for run.epochs() a second time"),
    ],
)
def test_a_loop_that_is_not_one_pass_over_the_epochs(chosen, found):
    method = type("Broken", (Looped,), {"__doc__": "Broken.", "chosen": chosen})
    trial = Trials(method, {}).run(digits(64))
    assert trial.result.status == "failed"
    assert found in trial.problem


def _in_a_dict(self):
    return [each for each in vars(self).values() if isinstance(each, str)]


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"trained_networks": _in_a_dict}, "finds no network. Keep each as an attribute"),
        ({"trained_networks": lambda self: [torch.nn.Linear(3, 3)]}, "through run.helper"),
        ({"predict": lambda self, images: None}, "it returned None"),
        (
            {"predict": lambda self, images: self.network(images).argmax(1)},
            "must return logits [B, C], here for 100 images; it returned a tensor of shape (100,)",
        ),
        ({"clean_probability": lambda self: [1.0] * 64}, "it returned a list"),
    ],
)
def test_an_answer_that_evaluation_cannot_use(attributes, found):
    trial = trials(**attributes).run(digits(64))
    assert trial.result.status == "failed"
    assert found in trial.problem


def test_a_wrong_answer_names_the_function_and_not_the_loop():
    @torch.no_grad()
    def predict(self, images):
        return None

    trial = trials(predict=predict).run(digits(64))
    line = predict.__wrapped__.__code__.co_firstlineno
    assert trial.result.error.endswith(f"None. [test_check_method.py, line {line}, in predict]")


@pytest.mark.parametrize("name", ["test_accuracy", "test_accuracy_best", "clean_auroc"])
def test_a_method_cannot_log_a_score(name):
    def learn(self, batch, epoch):
        self.run.log(**{name: 0.99})
        return Good.learn(self, batch, epoch)

    def prepare(self, run):
        self.run = run
        Good.prepare(self, run)

    trial = trials(learn=learn, prepare=prepare).run(digits(64))
    assert trial.result.status == "failed"
    assert f"logs {name!r}, and lnlbench measures a score of this name" in trial.problem


def test_a_method_cannot_change_a_list_among_its_parameters():
    class Listed(lnlbench.Params):
        widths: list[int] = Field([8, 16], description="Of the layers.")

    def learn(self, batch, epoch):
        self.params.widths.append(32)
        return Good.learn(self, batch, epoch)

    trial = trials(Params=Listed, learn=learn).run(digits(64))
    assert trial.result.status == "failed"
    assert "has changed self.params.widths from [8, 16] to [8, 16, 32" in trial.problem


def test_the_reason_of_a_failure_names_the_line_of_the_method():
    def learn(self, batch, epoch):
        return self.network(batch.views[7])

    trial = trials(learn=learn).run(digits(64))
    line = learn.__code__.co_firstlineno + 1
    assert f"[test_check_method.py, line {line}, in learn]" in trial.result.error


def test_a_refusal_of_the_run_names_the_line_of_the_method():
    def learn(self, batch, epoch):
        return self.run.clean_labels

    def prepare(self, run):
        self.run = run
        Good.prepare(self, run)

    trial = trials(learn=learn, prepare=prepare).run(digits(64))
    line = learn.__code__.co_firstlineno + 1
    assert "privileged knowledge" in trial.result.error
    assert trial.result.error.endswith(f"[test_check_method.py, line {line}, in learn]")


def test_training_without_a_step_of_the_run():
    def fit(self, run):
        self.prepare(run)
        for epoch in run.epochs():
            for batch in run.batches(views=1):
                self.optimizer.zero_grad()
                self.learn(batch, epoch).backward()
                self.optimizer.step()

    finding = check_seeds(ShortRuns(trials(fit=fit)))
    assert finding.status == "failed"
    assert "never calls run.step" in finding.found


def test_draws_from_the_clock():
    def learn(self, batch, epoch):
        random = torch.Generator()
        random.seed()
        return Good.learn(self, batch, epoch) * torch.rand((), generator=random)

    finding = check_seeds(ShortRuns(trials(learn=learn)))
    assert finding.status == "failed"
    assert "Two runs of one seed differ" in finding.found


def test_a_seed_that_decides_nothing():
    def fit(self, run):
        self.prepare(run)
        for parameter in self.network.parameters():
            torch.nn.init.constant_(parameter, 0.01)
        for epoch in run.epochs():
            for batch in run.batches(views=1, augment="none", shuffle=False):
                run.step(self.learn(batch, epoch), self.optimizer)

    finding = check_seeds(ShortRuns(trials(fit=fit)))
    assert finding.status == "failed"
    assert "Seeds 0 and 1 give the same numbers" in finding.found


def test_state_that_a_checkpoint_does_not_see():
    def fit(self, run):
        self.prepare(run)
        weight = 1.0
        for epoch in run.epochs():
            for batch in run.batches(views=1):
                run.step(weight * self.learn(batch, epoch), self.optimizer)
            weight *= 0.5

    finding = check_resume(ShortRuns(trials(fit=fit)))
    assert finding.status == "failed"
    assert "in epoch 2" in finding.found
    assert "local variables" in finding.advice


@pytest.mark.parametrize("stream", ["torch", "NumPy", "random"])
def test_a_global_stream_that_is_seeded(stream):
    import random

    import numpy as np

    seed = {"torch": torch.manual_seed, "NumPy": np.random.seed, "random": random.seed}[stream]

    def learn(self, batch, epoch):
        seed(0)
        return Good.learn(self, batch, epoch)

    finding = check_global_state(ShortRuns(trials(learn=learn)))
    assert finding.status == "failed"
    assert f"random stream of {stream} is the same" in finding.found


def test_a_default_that_is_changed_is_named_and_put_back():
    broken = trials(finish=lambda self, run: torch.set_default_dtype(torch.float64))
    finding = check_global_state(ShortRuns(broken))
    assert finding.status == "failed"
    assert "torch's default dtype: torch.float32 became torch.float64" in finding.found
    assert torch.get_default_dtype() == torch.float32


def test_a_method_that_reads_the_data_set_itself():
    def prepare(self, run):
        from lnlbench.data import load_dataset

        Good.prepare(self, run)
        self.truth = load_dataset("digits").train_labels

    finding = check_privacy(trials(prepare=prepare))
    assert finding.status == "failed"
    assert "reads a data set itself: digits" in finding.found


def test_a_method_that_breaks_into_the_runner():
    def learn(self, batch, epoch):
        from lnlbench.runner.control import in_progress

        truth = in_progress.get().prepared.split.clean_labels
        return cross_entropy(self.network(batch.views[0]), truth[batch.index])

    finding = check_privacy(trials(learn=learn))
    assert finding.status == "failed"
    assert "learns something else" in finding.found


def test_what_a_run_leads_to_is_found():
    dataset = digits(50)
    assert secrets_in(make_run(), dataset) == []
    told = make_run(oracle={"clean_labels": dataset.train_labels.clone()})
    assert secrets_in(told, dataset) == ["clean labels"]
    assert secrets_in(told, dataset, frozenset({"clean_labels"})) == []
    holder = SimpleNamespace(dataset=dataset)
    followed = make_run(build_optimizer=lambda network: holder.dataset)
    assert secrets_in(followed, dataset) == [
        "Dataset",
        "clean labels",
        "test images",
        "test labels",
    ]


def test_an_oracle_may_see_what_it_declares():
    def learn(self, batch, epoch):
        return cross_entropy(self.network(batch.views[0]), self.truth[batch.index])

    def prepare(self, run):
        Good.prepare(self, run)
        self.truth = run.clean_labels

    oracle = trials(learn=learn, prepare=prepare, oracle=frozenset({"clean_labels"}))
    finding = check_privacy(oracle)
    assert finding.status == "passed"
    assert "clean_labels" in finding.found


def test_a_class_without_samples():
    def prepare(self, run):
        Good.prepare(self, run)
        self.weight = 1 / run.labels.bincount(minlength=run.num_classes)

    def learn(self, batch, epoch):
        return (self.network(batch.views[0]) * self.weight).square().mean()

    finding = check_edges(trials(prepare=prepare, learn=learn))
    assert finding.status == "failed"
    assert "With a class without samples: A loss was infinite or NaN" in finding.found


@pytest.mark.parametrize(
    ("predict", "found"),
    [
        (lambda self, images: self.network(images) + torch.randn(len(images), 1), "two answers"),
        (lambda self, images: self.network(images) - self.network(images).mean(0), "differ from"),
        (lambda self, images: self.network(images) / 0, "infinite or NaN"),
    ],
)
def test_predictions(predict, found):
    trial = trials(predict=predict).run(digits(64))
    finding = check_predictions(trial)
    assert finding.status == "failed"
    assert found in finding.found


def test_predictions_that_are_probabilities():
    trial = trials().run(digits(64))

    def finding(answer):
        trial.method.predict = lambda images: answer(trial.method.network(images))
        return check_predictions(trial)

    wrong = finding(lambda logits: logits.softmax(1))
    assert wrong.status == "failed"
    assert "probabilities, not logits" in wrong.found
    for right in (lambda logits: logits.log_softmax(1), lambda logits: 2 * logits.softmax(1)):
        assert finding(right).status == "passed"


def test_a_belief_that_is_not_in_the_order_of_the_samples():
    broken = trials(clean_probability=lambda self: Good.clean_probability(self).roll(1))
    finding = check_belief(broken)
    assert finding.status == "failed"
    assert "batch.index" in finding.advice


@pytest.mark.parametrize(
    "belief", [lambda self: self.losses + 2, lambda self: torch.ones(3)], ids=["range", "shape"]
)
def test_a_belief_that_is_no_probability_of_each_sample(belief):
    finding, _ = check_runs(trials(clean_probability=belief))
    assert finding.status == "failed"
    assert "must be (1297,) values in [0, 1]" in finding.found


def test_a_belief_that_says_nothing_yet_is_no_mistake():
    finding = check_belief(trials(clean_probability=lambda self: torch.ones_like(self.losses)))
    assert finding.status == "skipped"


def test_a_warm_up_is_shortened_unless_its_length_is_given():
    class Warm(Good):
        class Params(lnlbench.Params):
            warmup_epochs: int = Field(10, ge=0, description="First epochs.")

        quick_params: ClassVar = {"warmup_epochs": 1}

    assert Trials(Warm, {}).params == {"warmup_epochs": 1}
    assert Trials(Warm, {"warmup_epochs": 5}).params == {"warmup_epochs": 5}
    assert Trials(Good, {"scale": 2.0}).params == {"scale": 2.0}
