"""The report as Markdown, fit for a job summary or a comment."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contracts.finding import Checked, Finding
from contracts.report.wording import cut, ending, fact, place, remarks, safe, shown, subject, value

MESSAGE = 300
# Character references never make structure, whatever stands around them; a backslash would, in code.
SPECIAL = re.compile(r"[&<>|`*\[\]\\~$!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
FINDINGS = ("severity", "what", "pointer", "rule", "wanted", "got", "message", "where", "reproduce")


def render(checked: Checked) -> str:
    """A heading, the numbers as a table, then the findings as a table, errors first."""
    told, rest = shown(checked.findings)
    parts = [f"## {_cell(ending(checked))}", _numbers(checked)]
    if told:
        parts.append(_table(FINDINGS, map(_row, told)))
    if rest:
        parts.append(rest)
    if checked.notes:
        parts.append("\n".join(f"- {_cell(note)}" for note in remarks(checked, MESSAGE)))
    return "\n\n".join(parts) + "\n"


def _numbers(checked: Checked) -> str:
    names = ("checked", "passed", "skipped", "errors", "warnings")
    return _table(names, [[str(getattr(checked, name)) for name in names]])


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(names)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(finding: Finding) -> list[str]:
    code = _cell(cut(safe(finding.reproduce or ""), MESSAGE))
    return [
        finding.severity,
        _cell(subject(finding)),
        _cell(value(finding.pointer or "")),
        _cell(value(finding.rule)),
        *("" if one is None else _cell(fact(one)) for one in (finding.wanted, finding.got)),
        _cell(cut(safe(finding.message), MESSAGE)),
        _cell(place(finding.where)),
        f"<code>{code}</code>" if code else "",
    ]


def _cell(text: str) -> str:
    return SPECIAL.sub(lambda found: f"&#{ord(found[0])};", text).strip().replace("\n", "<br>")
