"""Coverage in a terminal, in the manner of pytest-cov: a line per operation, with what was not met."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mockserver.coverage.rows import Row, Section, Share, sections, share, unmet

_HEADS: Final = ("Operation", "Pairs", "Miss", "Cover")
_EVERYTHING: Final = "everything"
_INDENT: Final = "    "
_NARROWEST: Final = 30
"""A list that has less room than this beside the numbers stands beneath them."""


def table(report: Mapping[str, Any], *, width: int | None = None) -> str:
    """The report as text of this width, or with a line of any length per operation; no newline at its end.

    Given a width, a long list goes on in the next line, and the list of an operation that met nothing at all
    is left out where one line cannot hold it.
    """
    found = sections(report)
    met = Share(report["covered"], report["total"])
    total = ("TOTAL", str(met.total), str(met.missing), met.text)
    cells = [_cells(section.provider, row) for section in found for row in section.rows]
    widths = [max(map(_columns, column)) for column in zip(_HEADS, *cells, total, strict=True)]
    head = f"{_numbers(_HEADS, widths)}   Missing"
    rule = "-" * _columns(head)
    body = "\n\n".join(_part(section, widths, width) for section in found)
    return "\n".join(filter(None, (head, rule, body, rule, _numbers(total, widths))))


def _cells(provider: str, row: Row) -> tuple[str, ...]:
    met = share(row)
    # Cut, not rounded: what is all but met does not read 100%.
    return f"{provider} {row.operation}", str(met.total), str(met.missing), f"{int(met.percent)}%"


def _numbers(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = cells
    padded = name + " " * (widths[0] - _columns(name))
    return "   ".join((padded, *map(str.rjust, numbers, widths[1:])))


def _part(section: Section, widths: Sequence[int], width: int | None) -> str:
    lines = (
        text
        for row in section.rows
        for text in _written(row, _numbers(_cells(section.provider, row), widths), width)
    )
    return "\n".join(lines)


def _written(row: Row, numbers: str, width: int | None) -> Iterator[str]:
    """The row as one line, or as several of the width."""
    missing = _missing(row)
    whole = f"{numbers}   {' '.join(missing)}".rstrip()
    if width is None or _columns(whole) <= width or not missing:
        yield whole
    elif not any(row.counts):
        yield f"{numbers}   {_EVERYTHING}"
    else:
        yield from _wrapped(numbers, missing, width)


def _missing(row: Row) -> list[str]:
    """What was not met, in pieces that a line keeps together."""
    outcomes, states = unmet(row.outcomes), unmet(row.states)
    pieces = [*_listed(outcomes), *_listed(states)]
    if states:
        bar = "| " if outcomes else ""
        pieces[len(outcomes)] = f"{bar}states: {pieces[len(outcomes)]}"
    return pieces


def _listed(names: Sequence[str]) -> list[str]:
    return [*(f"{name}," for name in names[:-1]), *names[-1:]]


def _wrapped(numbers: str, missing: Sequence[str], width: int) -> Iterator[str]:
    beside = _columns(numbers) + 3
    if width - beside < _NARROWEST:
        yield numbers
        yield from (_INDENT + text for text in _lines(missing, width - len(_INDENT)))
    else:
        first, *more = _lines(missing, width - beside)
        yield f"{numbers}   {first}"
        yield from (" " * beside + text for text in more)


def _lines(pieces: Sequence[str], room: int) -> list[str]:
    lines = [pieces[0]]
    for piece in pieces[1:]:
        longer = f"{lines[-1]} {piece}"
        if _columns(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def _columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
