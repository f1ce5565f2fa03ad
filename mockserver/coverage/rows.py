"""A report as rows: what table and page both show, names made fit to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mockserver.coverage.counting import percent


class Row(NamedTuple):
    """One operation: how often each documented outcome and state was met."""

    operation: str
    outcomes: dict[str, int]
    states: dict[str, int]

    @property
    def counts(self) -> list[int]:
        """Of every pair, how often it was met."""
        return [*self.outcomes.values(), *self.states.values()]


class Section(NamedTuple):
    """One provider with its operations."""

    provider: str
    rows: list[Row]


class Share(NamedTuple):
    """So many of so many pairs were met."""

    covered: int
    total: int

    @property
    def missing(self) -> int:
        """How many were not met."""
        return self.total - self.covered

    @property
    def percent(self) -> float:
        """Rounded, but never up to all of it."""
        return percent(self.covered, self.total)

    @property
    def text(self) -> str:
        """The percentage as it is read."""
        return f"{self.percent:g}%"


def sections(report: Mapping[str, Any]) -> list[Section]:
    """The providers of a report that have operations, in its order."""
    return [
        Section(printable(provider), [_row(name, kinds) for name, kinds in part["operations"].items()])
        for provider, part in report["providers"].items()
        if part["operations"]
    ]


def share(*rows: Row) -> Share:
    """How much of these operations was met."""
    counts = [count for row in rows for count in row.counts]
    return Share(sum(1 for count in counts if count), len(counts))


def unmet(counts: Mapping[str, int]) -> list[str]:
    """The names that were not met."""
    return [name for name, count in counts.items() if not count]


def printable(text: str) -> str:
    """The text with what a terminal would obey, or a page may not hold, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _row(operation: str, kinds: Mapping[str, Mapping[str, int]]) -> Row:
    outcomes, states = (
        {printable(name): count for name, count in kinds[kind].items()} for kind in ("outcomes", "states")
    )
    return Row(printable(operation), outcomes, states)
