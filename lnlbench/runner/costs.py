"""What recorded runs cost: the time and memory that such a run should take again."""

from statistics import median
from typing import Any

from lnlbench.results import Result
from lnlbench.results.fingerprint import canonical_json
from lnlbench.spec.run_spec import RunSpec


class Costs:
    """Seconds per epoch and peak memory of recorded runs, by method and protocol."""

    def __init__(self, results: list[Result]) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._peaks: dict[str, int] = {}
        for result in results:
            epochs = max(map(len, result.curves.values()), default=0)
            protocol = result.spec.get("protocol")
            if result.status != "done" or not epochs or not isinstance(protocol, dict):
                continue
            key = _key(result.method.name, protocol)
            self._seconds.setdefault(key, []).append(result.cost.wall_seconds / epochs)
            peak = result.cost.peak_memory_bytes or 0
            self._peaks[key] = max(peak, self._peaks.get(key, 0))

    def seconds(self, spec: RunSpec) -> float | None:
        """The expected duration of a run: the recorded median per epoch, times its epochs."""
        recorded = self._seconds.get(_key(spec.method, spec.document()["protocol"]))
        return median(recorded) * spec.protocol.epochs if recorded else None

    def peak(self, spec: RunSpec) -> int:
        """The largest recorded memory of such a run, in bytes; 0 if unknown."""
        return self._peaks.get(_key(spec.method, spec.document()["protocol"]), 0)


def _key(method: str, protocol: dict[str, Any]) -> str:
    # The time is proportional to the epochs, so they are left out of the key.
    return canonical_json([method, {k: v for k, v in protocol.items() if k != "epochs"}])
