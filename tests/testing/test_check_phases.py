"""The check of phases: it names the lines of a method that no check has run."""

import importlib
import sys
import textwrap

import pytest
from small_method import Small

import lnlbench
from lnlbench.testing.phases import Reached, check_phases
from lnlbench.testing.trials import Trials, digits

PACKAGE = {
    "__init__.py": "",
    "base.py": '''\
        import lnlbench
        from torch.nn.functional import cross_entropy

        class Base(lnlbench.LossMethod):
            def begin(self, run):
                if run.num_samples < 0:
                    self.never = 1

            def loss(self, network, batch, epoch):
                losses = cross_entropy(network(batch.views[0]), batch.labels, reduction="none")
                return self.chosen(losses, epoch).mean()

            def chosen(self, losses, epoch):
                raise NotImplementedError  # replaced, so it can never run

        def of_another_method():
            return 1
        ''',
    "tools.py": '''\
        from typing import NamedTuple

        class Kept(NamedTuple):
            losses: object

        def late(losses):
            kept = losses.topk(2, largest=False).values

            return Kept(kept).losses
        ''',
    "method.py": '''\
        import lnlbench
        import torch
        from PACKAGE import base, tools

        class Phased(base.Base):
            """Cross-entropy, later of the small losses."""

            name = "phased"
            reference = "Nobody, Nowhere 2026"

            class Params(lnlbench.Params):
                """The length of the warm-up."""

                warmup_epochs: int = 20

            def begin(self, run):
                super().begin(run)

            @torch.enable_grad()
            def chosen(self, losses, epoch):
                if epoch >= self.params.warmup_epochs:
                    return tools.late(losses)
                return losses
        ''',
}  # fmt: skip


@pytest.fixture
def phased(tmp_path, monkeypatch):
    """A method in a package of several modules, with a phase that begins in epoch 20."""
    name = f"package_of_{tmp_path.name}"
    folder = tmp_path / name
    folder.mkdir()
    for file, text in PACKAGE.items():
        (folder / file).write_text(textwrap.dedent(text).replace("PACKAGE", name))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(f"{name}.method").Phased
    for module in [each for each in sys.modules if each.partition(".")[0] == name]:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("warmup", "found"),
    [
        (20, "6 lines of its own code ran. These did not run, so no check covers them: "
         "Phased.chosen 22; Base.begin 7 of base.py; late 7-9 of tools.py. Declare"),
        (1, "9 lines of its own code ran. These did not run, so no check covers them: "
         "Base.begin 7 of base.py. Declare"),
    ],
)  # fmt: skip
def test_lines_that_no_check_has_run_are_named(phased, warmup, found):
    trials = Trials(phased, {"warmup_epochs": warmup})
    trials.run(digits(64))
    finding = check_phases(trials.reached)
    assert finding.status == "skipped"
    assert finding.found.startswith(found), finding.found


def test_a_method_whose_lines_all_ran_passes():
    trials = Trials(Small, {})
    trials.run(digits(64))
    finding = check_phases(trials.reached)
    assert finding.status == "passed"
    assert finding.found == "All 2 lines of its own code ran."


@pytest.mark.parametrize(
    ("base", "name", "found"),
    [
        (Small, "begin_epochs", "begin_epochs never ran: lnlbench calls begin_epoch"),
        (Small, "clean_probabilities", "lnlbench calls clean_probability"),
        (lnlbench.Method, "end_epoch", "lnlbench calls it only for a LossMethod"),
    ],
)
def test_a_function_that_is_nearly_named_like_a_hook_is_a_fault(base, name, found):
    def never(self, run):
        raise AssertionError

    reached = Reached(type("Misspelt", (base,), {name: never, "__module__": __name__}))
    finding = check_phases(reached)
    assert finding.status == "failed"
    assert found in finding.found


def test_a_function_with_a_name_of_its_own_is_no_fault():
    def losses(self):
        raise AssertionError

    reached = Reached(type("Own", (Small,), {"losses": losses, "__module__": __name__}))
    assert check_phases(reached).status == "skipped"


def test_a_timed_run_is_not_traced():
    trials = Trials(Small, {})
    trials.run(digits(64), timed=True)
    assert trials.reached.lines()[0] == 0


def test_another_tracer_is_left_alone():
    reached, before = Reached(Small), sys.gettrace()
    ours = lambda *event: None  # noqa: E731
    sys.settrace(ours)
    try:
        with reached.watching():
            assert sys.gettrace() is ours
    finally:
        sys.settrace(before)
    assert check_phases(reached).status == "skipped"
