"""Which results belong to one row of a table, and which claim to be the same run."""

from lnlbench.results.fingerprint import canonical_json
from lnlbench.results.schema import Result


def row_identity(result: Result) -> str:
    """A key that results of one row share: track, overrides, method, recipe, parameters, search.

    A row's runs may differ in their seeds, and in what changes no result, such as the hardware.
    """
    overrides = result.off_track.overrides if result.off_track else None
    method = result.method
    return canonical_json(
        [
            *(result.track, overrides, method.name, method.recipe, method.params),
            result.spec.get("tuning"),
        ]
    )


def run_identity(result: Result) -> tuple[str, int]:
    """A key that results share when they claim the same run; a row can show only one of them."""
    return row_identity(result), result.seed
