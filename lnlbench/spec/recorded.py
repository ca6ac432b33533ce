"""Check a result against its spec, as far as the installed code allows."""

from collections.abc import Iterator

from pydantic import ValidationError

from lnlbench.errors import UsageError, first_problem
from lnlbench.interface.declared import Declared
from lnlbench.plugins import Catalogue
from lnlbench.results.schema import Result
from lnlbench.spec.run_spec import RunSpec, deviations


def denied_by_code(result: Result, plugins: Catalogue) -> list[str]:
    """What is wrong with a result by the installed code; empty if its method is not installed."""
    try:
        spec = RunSpec.model_validate(result.spec)
    except ValidationError as error:
        return [f"its spec is not a run spec: {first_problem(error)}"]
    if spec.method not in plugins.methods:
        return []
    return list(_denied(result, spec, plugins.method(spec.method)))


def _denied(result: Result, spec: RunSpec, method: Declared) -> Iterator[str]:
    oracle = sorted(method.oracle | spec.protocol.oracle)
    if sorted(result.method.oracle) != oracle:
        yield f"its oracle is {sorted(result.method.oracle)}, but the installed method's {oracle}"
    if result.method.networks != method.networks:
        yield f"it has {result.method.networks} networks, but the method {method.networks}"
    if result.off_track is not None:
        return
    try:
        changed = deviations(spec, method)
    except UsageError as error:
        yield str(error)
        return
    if changed:
        yield f"it stands in its track's table, but its spec overrides {', '.join(sorted(changed))}"
