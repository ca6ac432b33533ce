"""A tuned recipe for tests that need one without a search."""

from lnlbench.results.tuning import Tuning


def make_tuning(**changes) -> Tuning:
    document = {
        "method": "gce",
        "track": "digits",
        "recipe": "tuned",
        "base": "matched",
        "params": {"q": 0.4},
        "objective": "validation_accuracy",
        "score": 0.5,
        "default_score": 0.45,
        "validation": 0.1,
        "validation_samples": 140,
        "seeds": [100],
        "trials": 30,
        "pruned": 4,
        "failed": 1,
        "wall_seconds": 5400.0,
        "search": {"q": {"low": 0.1, "high": 1.0}},
        "sampler": "TPE",
        "sampler_seed": 0,
        "pruner": "median",
        "versions": {"lnlbench": "0.1.0"},
        "created": "2026-01-02T03:04:05+00:00",
    }
    return Tuning.model_validate({**document, **changes})
