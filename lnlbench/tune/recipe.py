"""Turn a finished search into a recipe file, which says where its parameters come from."""

import math
from datetime import UTC, datetime
from pathlib import Path

import optuna
from optuna.trial import TrialState

from lnlbench.errors import RunError
from lnlbench.results.tuning import Tuning
from lnlbench.system.atomic import write_atomically
from lnlbench.tune.search import SAMPLES, VERSIONS
from lnlbench.tune.study import PRUNER, SAMPLER, Study, seconds_of, values_of

FILE_NAME = "recipe.json"


def found_recipe(study: Study) -> Tuning:
    """The recipe of the best trial; its versions and device are those of that trial.

    Trials that an older lnlbench began do not record their versions and device.

    Raises:
        RunError: no trial finished.
    """
    best = study.best()
    if best is None:
        raise RunError(
            f"No trial finished: see the logs in {study.folder}, and run more with --trials."
        )
    definition = study.definition
    ended = study.ended()
    first = ended[0]
    return Tuning(
        method=definition.method,
        track=definition.track,
        recipe=definition.recipe,
        base=definition.base,
        params={**definition.fixed, **values_of(best)},
        objective=definition.objective,
        direction=definition.direction,
        score=float(best.value or 0.0),
        default_score=first.value if first.state == TrialState.COMPLETE else None,
        validation=definition.validation,
        validation_samples=best.user_attrs[SAMPLES],
        seeds=definition.seeds,
        trials=len(ended),
        pruned=sum(trial.state == TrialState.PRUNED for trial in ended),
        failed=sum(trial.state == TrialState.FAIL for trial in ended),
        wall_seconds=sum(map(seconds_of, ended)),
        search=definition.search,
        fixed=definition.fixed,
        overrides=definition.shortening.overrides(),
        sampler=SAMPLER,
        sampler_seed=definition.sampler_seed,
        pruner=PRUNER if definition.pruning else "none",
        versions={**best.user_attrs.get(VERSIONS, {}), "optuna": optuna.__version__},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def write_recipe(tuning: Tuning, folder: Path) -> Path:
    """Write the recipe file of a search; returns it."""
    file = folder / FILE_NAME
    write_atomically(file, (tuning.model_dump_json(indent=2) + "\n").encode())
    return file


def standard_error(tuning: Tuning) -> float | None:
    """Standard error of a difference of two held-out accuracies; None for another objective."""
    if not tuning.objective.endswith("accuracy"):
        return None
    return math.sqrt(2 * tuning.score * (1 - tuning.score) / tuning.validation_samples)
