"""A whole search, from its definition to the recipe file: plan, trials, what was found."""

import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lnlbench.plugins import Plugins
from lnlbench.results.store import ResultStore
from lnlbench.runner.costs import Costs
from lnlbench.runner.directory import RunDirectory
from lnlbench.spec.check import check_spec
from lnlbench.spec.overrides import override_protocol
from lnlbench.sweep.placement import Placement
from lnlbench.sweep.process import Limits
from lnlbench.system.atomic import write_atomically
from lnlbench.system.console import Console
from lnlbench.tune.definition import SearchDefinition
from lnlbench.tune.display import print_found, print_search
from lnlbench.tune.recipe import found_recipe, write_recipe
from lnlbench.tune.search import Search
from lnlbench.tune.study import Study, mend_journal


@dataclass(frozen=True)
class SearchSetting:
    """How a search is conducted; `arguments` are what `lnlbench trial` is told besides its folder.

    `locations` says where the data of a plugin lie; it is empty for lnlbench's own data.
    None of it decides which search it is.
    """

    placement: Placement
    retries: int
    output: Path
    arguments: tuple[str, ...]
    trials: int
    locations: Mapping[str, str]
    as_json: bool = False


def conduct(
    definition: SearchDefinition, plugins: Plugins, setting: SearchSetting, dry_run: bool
) -> bool:
    """Show a search and run its missing trials; write and show the recipe that was found.

    Returns whether all trials have ended, or were only to be planned.

    Raises:
        UsageError: a run of the search cannot be executed here, or its folder is held.
        RunError: no trial came to its end, or the cluster cannot be reached.
        KeyboardInterrupt: a second signal came; nothing runs any more.
    """
    method = plugins.method(definition.method)
    [spec, *_] = definition.specs(method, {})
    check_spec(plugins, spec)
    store = ResultStore(setting.output / "leaderboards")
    costs = Costs(store.load_all(definition.track)[0])
    # Of the track's own runs, which hold nothing out.
    full = spec.model_copy(update={"protocol": override_protocol(spec.protocol, {"validation": 0})})
    slots = setting.placement.slots(costs.peak(full))
    console = Console(stderr=setting.as_json, highlight=False)
    folder = definition.folder(setting.output)
    print_search(definition, folder, setting.trials, slots, costs.seconds(full), console)
    if dry_run:
        if setting.as_json:
            meant = {"trials": setting.trials, "search": definition.model_dump(mode="json")}
            _print_json({"folder": str(folder), **meant})
        return True
    with RunDirectory(folder).locked():
        document = definition.model_dump_json(indent=2) + "\n"
        write_atomically(folder / "search.json", document.encode())
        mend_journal(folder)
        study = Study(definition, folder, spec.protocol.epochs)
        # Trials do not queue: each one's values depend on those that have ended.
        executor = setting.placement.start(slots, Limits(), queue=False)
        told = (setting.arguments, setting.locations)
        search = Search(study, method, executor, *told, console, setting.retries)
        # Ray prints what it notices, a lost node for example, to standard output.
        with redirect_stdout(sys.stderr) if setting.as_json else nullcontext():
            finished = search.run(setting.trials)
        if not finished:
            if setting.as_json:
                _print_json(_state(study, setting.trials) | {"recipe_file": None})
            return False
        tuning = found_recipe(study)
        file = write_recipe(tuning, folder)
    print_found(study, tuning, file, console)
    if setting.as_json:
        found = {"recipe_file": str(file), "recipe": tuning.model_dump(mode="json")}
        _print_json(_state(study, setting.trials) | found)
    return True


def _state(study: Study, trials: int) -> dict[str, Any]:
    return {"folder": str(study.folder), "trials": trials, "ended": len(study.ended())}


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
