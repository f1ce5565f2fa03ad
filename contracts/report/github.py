"""The report as workflow commands, which GitHub shows beside the changed lines."""

from __future__ import annotations

from contracts.finding import Checked, Finding
from contracts.report.wording import claim, cut, headline, place, remarks, safe, subject, telling, value

# GitHub keeps 64 kB of one annotation.
MESSAGE = 8000


def render(checked: Checked) -> str:
    """An annotation per finding, one of every kind first, since GitHub shows ten; the numbers come last."""
    summary = "\n".join([headline(checked), *remarks(checked)])
    annotations = [_annotation(finding) for finding in telling(checked.findings)]
    closing = _command("notice", {"title": f"persona-mock {value(checked.command)}"}, summary)
    return "\n".join([*annotations, closing]) + "\n"


def _annotation(finding: Finding) -> str:
    where = finding.where
    title = " ".join(part for part in (subject(finding), value(finding.pointer or "")) if part)
    properties = {
        "file": safe(where.file) if where.file else None,
        "line": str(where.line) if where.file and where.line is not None else None,
        "title": title or value(finding.rule),
    }
    said, reproduce = (cut(safe(text or ""), MESSAGE) for text in (finding.message, finding.reproduce))
    parts = (claim(finding), said, place(where), reproduce)
    level = "error" if finding.severity == "error" else "warning"
    return _command(level, properties, "\n".join(part for part in parts if part))


def _command(name: str, properties: dict[str, str | None], message: str) -> str:
    given = ",".join(f"{key}={_property(text)}" for key, text in properties.items() if text)
    return f"::{name} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
