"""Coverage in a browser: one file without scripts that asks the network for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from mockserver.coverage.counting import in_order
from mockserver.coverage.rows import Section, Share, printable, sections, share, unmet

_STYLE: Final = Path(__file__).with_name("page.css")

_Counted = tuple[str, Mapping[str, int]]
"""An operation, and how often each of its outcomes, or of its states, was met."""


def page(report: Mapping[str, Any], *, title: str = "Response coverage", version: str = "") -> str:
    """The report as one HTML file; it holds no date, so the same report gives the same text."""
    found = sections(report)
    total = Share(report["covered"], report["total"])
    overview = [_overview(found)] if found else []
    body = "\n".join((*_filter(total), *overview, *(_section(*one) for one in enumerate(found))))
    name = escape(printable(title))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}: {total.text}</title>
<style>
{_STYLE.read_text("utf-8")}</style>
</head>
<body>
<main>
<header>
<h1>{name}</h1>
{_summary(total)}
</header>
{body}
</main>
{_footer(version)}
</body>
</html>
"""


def _summary(total: Share) -> str:
    return (
        f'<p class="percent">{total.text}</p>\n'
        f"<p>{total.covered} of {total.total} documented outcomes and task states were met, "
        f"{total.missing} were not.</p>"
    )


def _filter(total: Share) -> tuple[str, ...]:
    """A box that the style sheet reads: it stands before all that it hides."""
    if not total.total:
        return ('<p class="note">Nothing is documented.</p>',)
    if not total.missing:
        return ()
    return (
        '<input type="checkbox" id="gaps"><label for="gaps" class="switch">Only what was not met</label>',
        '<p class="note when-gaps">Hidden: providers, operations, outcomes and states without a gap.</p>',
    )


def _overview(found: Sequence[Section]) -> str:
    rows = (_overview_row(*one) for one in enumerate(found))
    heads = (
        '<th scope="col">Provider</th><th scope="col" class="number">Met</th>'
        '<th scope="col" class="number">Not met</th><th scope="col">Coverage</th>'
    )
    return _section_of("overview", "Providers", _table(' aria-labelledby="overview"', "", heads, rows))


def _overview_row(number: int, section: Section) -> str:
    met = share(*section.rows)
    return (
        f'<tr{_full(met)}><th scope="row"><a href="#p{number}">{escape(section.provider)}</a></th>'
        f'<td class="number">{met.covered}</td><td class="number">{met.missing}</td>'
        f'<td><span class="bar" aria-hidden="true"><i style="width:{met.percent}%"></i></span> '
        f"{met.text}</td></tr>"
    )


def _section(number: int, section: Section) -> str:
    met, provider = share(*section.rows), escape(section.provider)
    outcomes: list[_Counted] = [(row.operation, row.outcomes) for row in section.rows if row.outcomes]
    states: list[_Counted] = [(row.operation, row.states) for row in section.rows if row.states]
    body = _pairs(f"Outcomes of {provider}", outcomes, in_order(_names(outcomes)))
    body += _pairs(f"Task states of {provider}", states, _names(states))
    head = f'{provider} <span class="soft">{met.covered} of {met.total}</span>'
    return _section_of(f"p{number}", head, body, _full(met))


def _section_of(anchor: str, head: str, body: str, marks: str = "") -> str:
    return f'<section aria-labelledby="{anchor}"{marks}>\n<h2 id="{anchor}">{head}</h2>\n{body}</section>'


def _names(rows: Iterable[_Counted]) -> list[str]:
    return list(dict.fromkeys(name for _, counts in rows for name in counts))


def _pairs(caption: str, rows: Sequence[_Counted], names: Sequence[str]) -> str:
    """Operations down, names across; what has no gap, in a row or in a column, is marked so."""
    if not rows:
        return ""
    gaps = {name for _, counts in rows for name in unmet(counts)}
    heads = "".join(
        f'<th scope="col" class="{_marks("name", name not in gaps)}"><span>{escape(name)}</span></th>'
        for name in names
    )
    return _table(
        f' class="{_marks("pairs", not gaps)}"',
        f"<caption>{caption}</caption>\n",
        f'<th scope="col">Operation</th><th scope="col" class="number">Met</th>{heads}',
        (_pairs_row(operation, counts, names, gaps) for operation, counts in rows),
    )


def _pairs_row(operation: str, counts: Mapping[str, int], names: Iterable[str], gaps: set[str]) -> str:
    missing = len(unmet(counts))
    met = Share(len(counts) - missing, len(counts))
    cells = "".join(_cell(counts.get(name), name not in gaps) for name in names)
    return (
        f'<tr{_full(met)}><th scope="row">{escape(operation)}</th>'
        f'<td class="number">{met.covered} of {met.total}</td>{cells}</tr>'
    )


def _cell(count: int | None, full: bool) -> str:
    if count is None:
        return f'<td class="{_marks("none", full)}">\N{EN DASH}</td>'
    if not count:
        return '<td class="gap">not met</td>'
    return f'<td class="{_marks("met", full)}"><b>{count}</b></td>'


def _table(marks: str, caption: str, heads: str, rows: Iterable[str]) -> str:
    body = "\n".join(rows)
    return f"<table{marks}>\n{caption}<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"


def _full(met: Share) -> str:
    return "" if met.missing else ' class="full"'


def _marks(first: str, full: bool) -> str:
    return f"{first} full" if full else first


def _footer(version: str) -> str:
    by = f" Written by persona-mock {escape(printable(version))}." if version else ""
    return (
        "<footer>A number says how often an operation gave that answer. "
        f"\N{EN DASH} stands where none is documented.{by}</footer>"
    )
