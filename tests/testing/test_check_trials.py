"""A trial of a wrong method ends with a reason that names the mistake and its line."""

import pytest
import torch
from good_method import Good, trials
from pydantic import Field

import lnlbench
from lnlbench.testing.trials import Trials, digits


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
    assert trial.result.error.endswith(f"None. [test_check_trials.py, line {line}, in predict]")


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

    trial = trials(learn=learn, __module__=__name__).run(digits(64))
    line = learn.__code__.co_firstlineno + 1
    assert f"[test_check_trials.py, line {line}, in learn]" in trial.result.error


def test_a_refusal_of_the_run_names_the_line_of_the_method():
    def learn(self, batch, epoch):
        return self.run.clean_labels

    def prepare(self, run):
        self.run = run
        Good.prepare(self, run)

    trial = trials(learn=learn, prepare=prepare, __module__=__name__).run(digits(64))
    line = learn.__code__.co_firstlineno + 1
    assert "privileged knowledge" in trial.result.error
    assert trial.result.error.endswith(f"[test_check_trials.py, line {line}, in learn]")
