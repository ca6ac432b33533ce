"""One JSON file per run: its schema, where it is kept, its statistics, and published figures."""

from lnlbench.results.fingerprint import fingerprint
from lnlbench.results.schema import Result, result_json_schema
from lnlbench.results.store import BadResult, ResultStore

__all__ = ["BadResult", "Result", "ResultStore", "fingerprint", "result_json_schema"]
