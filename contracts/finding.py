"""A broken promise with its evidence, and what a check found in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning"]
Side = Literal["request", "response"]
Verdict = Literal["breaking", "compatible", "documentation", "none"]


@dataclass(frozen=True, slots=True)
class Where:
    """Where it was seen: a file and a line, an exchange in it (from 0), and which side of that."""

    file: str | None = None
    line: int | None = None
    exchange: int | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise that is not kept: by which rule, of which document, what was wanted and what came."""

    severity: Severity
    rule: str
    message: str
    document: str | None = None
    operation: str | None = None
    case: str | None = None
    # From the message on: /body/model_params/vocal_end, /query/taskId, /status, /path.
    pointer: str | None = None
    wanted: Any = None
    got: Any = None
    where: Where = field(default_factory=Where)
    # A curl that shows it, the secret left out.
    reproduce: str | None = None


class Told(NamedTuple):
    """A case that was there to be checked: it ran, or it was skipped for a reason."""

    document: str
    # The first that it calls.
    operation: str | None
    case: str
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check came to: how much it looked at, and what it found."""

    command: str
    checked: int
    passed: int
    findings: Sequence[Finding] = ()
    skipped: int = 0
    # Only of a comparison.
    verdict: Verdict | None = None
    # What is said beside the findings: what was skipped and why, what was counted and not judged.
    notes: Sequence[str] = ()
    # Of a check of cases, every one of them, that reports may list what passed too.
    told: Sequence[Told] = ()

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(1 for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> int:
        """How many are warnings."""
        return len(self.findings) - self.errors

    @property
    def is_fine(self) -> bool:
        """True where nothing checked did not hold; warnings and skipped cases do not count."""
        return self.errors == 0 and self.verdict != "breaking"
