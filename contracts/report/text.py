"""The report for a terminal: the first screen tells everything."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from contracts.finding import Checked, Finding
from contracts.report.wording import claim, cut, headline, place, remarks, safe, shown, subject, value

MESSAGE = 1000
LINES = 20
# A curl that is cut is of no use, one longer than the screen is of less.
REPRODUCE = 4000


def render(checked: Checked) -> str:
    """How it ended, the findings by document and operation, errors first, then what else is to be said."""
    told, rest = shown(checked.findings)
    blocks = [[headline(checked)], *_groups(told)]
    if rest:
        blocks.append([rest])
    if checked.notes:
        blocks.append([f"note: {note}" for note in remarks(checked)])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _groups(findings: list[Finding]) -> Iterator[list[str]]:
    for _, group in groupby(findings, key=lambda one: (one.severity, one.document, one.operation)):
        yield [line for finding in group for line in _lines(finding)]


def _lines(finding: Finding) -> Iterator[str]:
    columns = (subject(finding), value(finding.pointer or ""), claim(finding))
    yield f"{finding.severity:7}  " + "  ".join(column for column in columns if column)
    reproduce = cut(safe(finding.reproduce or ""), REPRODUCE)
    for detail in (cut(safe(finding.message), MESSAGE), _at(finding), reproduce):
        yield from (f"    {line}" for line in _few(detail))


def _few(text: str) -> list[str]:
    lines = [line for line in text.split("\n") if line.strip()]
    left = len(lines) - LINES
    return [*lines[:LINES], f"… ({left} more lines)"] if left > 0 else lines


def _at(finding: Finding) -> str:
    seen = place(finding.where)
    return f"at {seen}" if seen else ""
