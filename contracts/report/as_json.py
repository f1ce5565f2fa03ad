"""The report as JSON, the whole of it; `schema.json` beside this file says its shape."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from contracts.finding import Checked, Finding

VERSION = 1
# A body may be nested deeper than Python recurses, and nobody reads it there.
DEPTH = 100


def render(checked: Checked) -> str:
    """The findings as one JSON document; every key is there, null where it does not apply."""
    report = {
        "version": VERSION,
        "command": checked.command,
        "verdict": checked.verdict,
        "summary": _summary(checked),
        "findings": [_finding(finding) for finding in checked.findings],
    }
    return write(report)


def write(document: Any) -> str:
    """Any value as indented JSON that every parser takes."""
    return json.dumps(carried(document), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def carried(value: Any, depth: int = 0) -> Any:
    """The value as JSON can carry it: no lone surrogates, no NaN, nothing that is Python's alone."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping | list | tuple):
        return _nested(value, depth)
    return encodable(str(value))


def encodable(text: str) -> str:
    """The text with each lone surrogate, which no encoding can carry, replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _nested(value: Any, depth: int) -> Any:
    if depth >= DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {encodable(str(key)): carried(item, depth + 1) for key, item in value.items()}
    return [carried(item, depth + 1) for item in value]


def _summary(checked: Checked) -> dict[str, int]:
    return {
        "checked": checked.checked,
        "passed": checked.passed,
        "skipped": checked.skipped,
        "errors": checked.errors,
        "warnings": checked.warnings,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "rule": finding.rule,
        "document": finding.document,
        "operation": finding.operation,
        "case": finding.case,
        "pointer": finding.pointer,
        "wanted": finding.wanted,
        "got": finding.got,
        "message": finding.message,
        "where": asdict(finding.where),
        "reproduce": finding.reproduce,
    }
