"""The findings of checks, and their report as text."""

import textwrap
from dataclasses import dataclass, field
from typing import Any, Literal

from lnlbench.system.text import printable

Status = Literal["passed", "failed", "skipped"]
_SHOWN = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}
_WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """One check's outcome: what it found, and what to do if it failed."""

    check: str
    status: Status
    found: str
    advice: str = ""


@dataclass
class Report:
    """The findings on one method, backbone or data set of a plugin."""

    subject: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(finding.status != "failed" for finding in self.findings)

    def finding(self, check: str) -> Finding:
        """The finding of one check; KeyError if this check did not run."""
        for finding in self.findings:
            if finding.check == check:
                return finding
        raise KeyError(check)

    def document(self) -> dict[str, Any]:
        """The report as plain values."""
        findings = [vars(finding) for finding in self.findings]
        return {"subject": self.subject, "passed": self.passed, "findings": findings}

    def __str__(self) -> str:
        """One line for each check; below a failed check, what to do."""
        lines = [printable(self.subject)]
        for each in self.findings:
            lines += _indented(f"  {_SHOWN[each.status]:<8} {each.check:<18} ", each.found)
            if each.status == "failed":
                lines += _indented(" " * 11 + "What to do: ", each.advice)
        counts = dict.fromkeys(_SHOWN, 0)
        for each in self.findings:
            counts[each.status] += 1
        summary = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return "\n".join([*lines, f"  {summary}."])


def _indented(start: str, text: str) -> list[str]:
    # Names and messages come from plugins and must not move the cursor.
    return textwrap.wrap(
        printable(text), _WIDTH, initial_indent=start, subsequent_indent=" " * 30
    ) or [start.rstrip()]
