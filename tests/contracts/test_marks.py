"""How sure an outcome is, where several cases show it."""

from __future__ import annotations

import pytest

from contracts.case import Case, Mark, Page, Step
from contracts.marks import marks, stale
from mockserver.openapi.source import Source

OLD = Mark("recorded", "2026-03-04")
NEW = Mark("recorded", "2026-08-23")
READ = Mark("page", "2026-11-21")
DIFFERS = Mark("differs", "2026-01-01", "it overwrites")


def shown(mark: Mark, *outcomes: str) -> Case:
    """A case whose steps show these outcomes of one operation."""
    steps = tuple(Step("call", "", {"operation": "sing"}, {"outcome": outcome}) for outcome in outcomes)
    return Case(
        name="one",
        provider="choir",
        fact="",
        page=Page("", ""),
        mark=mark,
        where=frozenset(),
        cost=0,
        given={},
        steps=steps,
        pointer="/cases/one",
        source=Source("choir", "choir.yaml", {}, ""),
    )


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ([READ], READ),
        ([READ, OLD], OLD),
        ([OLD, NEW], NEW),
        ([NEW, OLD, READ], NEW),
        ([NEW, DIFFERS, READ], DIFFERS),
    ],
)
def test_what_differs_is_told_first_then_what_was_seen_last(several: list[Mark], one: Mark) -> None:
    assert marks(shown(mark, "success") for mark in several) == {("choir", "sing", "success"): one}


def test_a_case_speaks_for_every_outcome_that_it_shows() -> None:
    found = marks([shown(READ, "success", "duplicate"), shown(NEW, "success")])

    assert found == {("choir", "sing", "success"): NEW, ("choir", "sing", "duplicate"): READ}


@pytest.mark.parametrize(("days", "told"), [(89, 1), (90, 0), (91, 0)])
def test_a_mark_is_old_after_so_many_days(days: int, told: int) -> None:
    assert len(list(stale([shown(NEW, "success")], "2026-11-21", days))) == told
