"""Short searches of parameters, whose trials a test ends itself or really runs."""

import json

from rich.console import Console

from lnlbench.plugins import load_plugins
from lnlbench.sweep.executor import Ended
from lnlbench.sweep.process import Exit
from lnlbench.tracks import load_track
from lnlbench.tune.definition import Shortening, define_search
from lnlbench.tune.search import Search
from lnlbench.tune.study import Study, values_of
from lnlbench.tune.trial import TrialOutcome, run_trial

PLUGINS = load_plugins(strict=True)


def define(method="gce", track="digits", fixed=None, search=(), **settings):
    settings = {"shortening": Shortening(epochs=2, limit_train=100), **settings}
    return define_search(
        PLUGINS.method(method), load_track(track), "matched", fixed or {}, list(search), **settings
    )


class Inline:
    """An executor whose jobs end as `end` says: real trials in this process, or pretended ones."""

    def __init__(self, end, slots=1):
        self.end, self.slots, self.running, self.killed = end, slots, [], False

    def start(self, job):
        self.running.append(job)

    def wait(self):
        job = self.running.pop(0)
        outcome = self.end(job)
        if isinstance(outcome, int):
            return [Ended(job, Exit(outcome, "", ("first", "Error: the last line"), 1.0))]
        return [Ended(job, Exit(0, outcome.model_dump_json(), (), 1.0))]

    def stop(self):
        pass

    def kill(self):
        self.killed = True


def really(job):
    return run_trial(job.directory.path, PLUGINS, "cpu", None, None)


def value_of(job, name="q"):
    return json.loads((job.directory.path / "trial.json").read_text())["specs"][0]["params"][name]


def parabola(job):
    """Best at q = 0.3."""
    return TrialOutcome(status="done", score=1 - (value_of(job) - 0.3) ** 2, samples=50)


def search(folder, definition, end, trials, retries=1):
    study = Study(definition, folder, 2)
    executor = Inline(end)
    console = Console(quiet=True)
    method = PLUGINS.method(definition.method)
    finished = Search(study, method, executor, (), {}, console, retries).run(trials)
    assert executor.killed
    return study, finished


def history(study):
    return [(each.number, each.state, each.value, values_of(each)) for each in study.trials()]
