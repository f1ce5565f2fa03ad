"""What the formats for readers share: safe text, short values, and which findings come first."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from contracts.finding import Checked, Finding, Where
from contracts.report.as_json import carried, encodable

# Controls, line separators, changes of direction and what XML cannot carry: traffic may hold any of them, and
# none is to act on a terminal, a log or a parser.
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")
# A build server may read a line that starts like this as a command, and what was recorded is not to give any.
COMMAND = re.compile(r"^([ \t]*)(::|##\[)", re.MULTILINE)
# Where a list is cut that a person reads.
SHOWN = 20


def safe(text: str) -> str:
    """The text with what is not to act shown as an escape: `\\x1b`; line ends are `\\n`."""
    harmless = UNSAFE.sub(_escaped, encodable(text).replace("\r\n", "\n"))
    return COMMAND.sub(r"\1\\\2", harmless)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def cut(text: str, length: int) -> str:
    """At most about so many characters of it, saying how many are left out."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length} more characters)"


def value(found: object, length: int = 120) -> str:
    """Any value on one short line: text as it is, all else as JSON."""
    line = found if isinstance(found, str) else json.dumps(carried(found), ensure_ascii=False)
    return cut(safe(line).replace("\n", "\\n"), length)


def fact(found: object) -> str:
    """What was wanted or what came, so that an empty text is seen as well."""
    return value(found) or '""'


def difference(finding: Finding) -> str:
    """`wanted 409, got 200`, or as much of it as applies."""
    pairs = (("wanted", finding.wanted), ("got", finding.got))
    return ", ".join(f"{word} {fact(found)}" for word, found in pairs if found is not None)


def claim(finding: Finding) -> str:
    """The rule and how it was broken: `status: wanted 409, got 200`."""
    return ": ".join(part for part in (value(finding.rule), difference(finding)) if part)


def subject(finding: Finding) -> str:
    """What it is about: document, operation and case, or nothing."""
    parts = (finding.document, finding.operation, finding.case)
    return " ".join(value(part) for part in parts if part)


def place(where: Where) -> str:
    """Where it was seen: `client.har:12, exchange 3, response`, or nothing."""
    file = None if where.file is None else safe(where.file).replace("\n", "\\n")
    if file and where.line is not None:
        file = f"{file}:{where.line}"
    exchange = None if where.exchange is None else f"exchange {where.exchange}"
    return ", ".join(part for part in (file, exchange, where.side) if part)


def ending(checked: Checked) -> str:
    """How it ended: `check drift: breaking`, `check traffic: failed`."""
    end = checked.verdict if checked.verdict is not None else "fine" if checked.is_fine else "failed"
    return f"{value(checked.command)}: {end}"


def headline(checked: Checked) -> str:
    """How it ended and the numbers, on one line."""
    counts = [
        _count(checked.errors, "error"),
        _count(checked.warnings, "warning"),
        f"{checked.checked} checked",
        f"{checked.passed} passed",
        f"{checked.skipped} skipped",
    ]
    return f"{ending(checked)}: {', '.join(counts)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Errors before warnings, and in each those of one document and operation together."""
    return sorted(findings, key=_group)


def _group(finding: Finding) -> tuple[bool, str, str]:
    return finding.severity != "error", finding.document or "", finding.operation or ""


def telling(findings: Iterable[Finding]) -> list[Finding]:
    """Errors before warnings, and in each one of every kind before a second of any: a list to be cut."""
    met: Counter[tuple[object, ...]] = Counter()
    turns = []
    for finding in ordered(findings):
        kind = (*_group(finding), finding.rule)
        turns.append((finding.severity != "error", met[kind]))
        met[kind] += 1
    ranked = sorted(zip(turns, ordered(findings), strict=True), key=lambda pair: pair[0])
    return [finding for _, finding in ranked]


def shown(findings: Sequence[Finding], limit: int = SHOWN) -> tuple[list[Finding], str]:
    """The most telling findings in reading order, and what is said of the rest, if any is left."""
    told = telling(findings)[:limit]
    left = len(findings) - len(told)
    return ordered(told), f"… and {left} more, see --format json" if left else ""


def remarks(checked: Checked, length: int = 1000) -> list[str]:
    """The notes, a line each, cut, and so is the list."""
    told = [cut(" ".join(safe(note).split("\n")).strip(), length) for note in checked.notes[:SHOWN]]
    left = len(checked.notes) - len(told)
    return [*told, f"… and {left} more notes"] if left else told
