"""How sure an outcome is, where several cases show it."""

from __future__ import annotations

import pytest
import yaml

from contracts.case import Case, Mark, Page, Place, Step
from contracts.marks import marks, stale
from mockserver.openapi.source import Source

OLD = Mark("recorded", "2026-03-04")
NEW = Mark("recorded", "2026-08-23")
READ = Mark("page", "2026-11-21")
TOLD = Mark("report", "2026-11-20")
CHOSEN = Mark("choice", "2026-11-22")
DIFFERS = Mark("differs", "2026-01-01", "it overwrites")

SONGBOOK = Page("choir.example, songbook", "2026-11-21")
GOSSIP = Page("a singer's diary", "2026-11-20", "report")
OURS = Page("specs/README.md, choir.yaml", "2026-11-22", "choice")

FILE = """pages:
  songbook: {source: 'choir.example, songbook', read: '2026-11-21'}
  gossip: {source: a singer's diary, read: '2026-11-20', kind: report}
cases:
  one: {}
"""


def shown(
    mark: Mark,
    *outcomes: str,
    page: Page = SONGBOOK,
    name: str = "one",
    where: frozenset[Place] = frozenset(),
) -> Case:
    """A case whose steps show these outcomes of one operation."""
    steps = tuple(Step("call", "", {"operation": "sing"}, {"outcome": outcome}) for outcome in outcomes)
    return Case(
        name=name,
        provider="choir",
        fact="",
        page=page,
        mark=mark,
        where=where,
        cost=0,
        given={},
        steps=steps,
        pointer=f"/cases/{name.partition('/')[0]}",
        source=Source("choir", "choir.yaml", yaml.safe_load(FILE), FILE),
    )


def rests(page: Page, name: str = "one", where: frozenset[Place] = frozenset()) -> Case:
    """A case that has no mark of its own."""
    return shown(page.mark, "success", page=page, name=name, where=where)


@pytest.mark.parametrize(
    ("several", "one"),
    [
        ([READ], READ),
        ([READ, OLD], OLD),
        ([OLD, NEW], NEW),
        ([NEW, OLD, READ], NEW),
        ([NEW, DIFFERS, READ], DIFFERS),
        ([TOLD, READ], READ),
        ([CHOSEN, TOLD], TOLD),
        ([CHOSEN], CHOSEN),
        ([CHOSEN, TOLD, READ, OLD], OLD),
    ],
)
def test_what_differs_is_told_first_then_what_is_surest(several: list[Mark], one: Mark) -> None:
    assert marks(shown(mark, "success") for mark in several) == {("choir", "sing", "success"): one}


@pytest.mark.parametrize(
    ("mark", "read"),
    [
        (NEW, "recorded 2026-08-23"),
        (READ, "page only 2026-11-21"),
        (TOLD, "reported 2026-11-20"),
        (CHOSEN, "our choice 2026-11-22"),
        (DIFFERS, "known to differ 2026-01-01"),
    ],
)
def test_a_mark_reads_as_what_it_is(mark: Mark, read: str) -> None:
    assert str(mark) == read


def test_a_case_speaks_for_every_outcome_that_it_shows() -> None:
    found = marks([shown(READ, "success", "duplicate"), shown(NEW, "success")])

    assert found == {("choir", "sing", "success"): NEW, ("choir", "sing", "duplicate"): READ}


@pytest.mark.parametrize("mark", [NEW, DIFFERS])
def test_a_mark_of_its_own_is_about_the_last_outcome_of_a_case(mark: Mark) -> None:
    found = marks([shown(mark, "success", "duplicate", page=GOSSIP)])

    assert found == {("choir", "sing", "success"): TOLD, ("choir", "sing", "duplicate"): mark}


# --- age ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "told"), [(89, 1), (90, 0), (91, 0)])
def test_a_mark_is_old_after_so_many_days(days: int, told: int) -> None:
    assert len(list(stale([shown(NEW, "success")], "2026-11-21", days))) == told


def test_our_choices_have_no_age() -> None:
    assert list(stale([rests(OURS)], "2036-11-21", 1)) == []


def test_an_old_page_is_told_once_for_all_that_rests_on_it() -> None:
    cases = [rests(SONGBOOK), rests(SONGBOOK, "two"), rests(GOSSIP, "three"), rests(SONGBOOK, "four/a")]

    first, second = stale(cases, "2026-11-23", 1)

    assert first.message == "choir.example, songbook, was read 2 days ago; 3 cases rest on it"
    assert second.message == "a singer's diary, was read 3 days ago; 1 case rests on it"
    assert (first.severity, first.rule, first.document, first.case) == (
        "warning",
        "stale-mark",
        "choir",
        None,
    )
    assert (first.wanted, first.got) == ("a page read within the last 1 day", "page only 2026-11-21")
    assert [(one.where.file, one.where.line) for one in (first, second)] == [
        ("choir.yaml", 2),
        ("choir.yaml", 3),
    ]


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (0, "; 3 cases rest on it"),
        (1, "; 3 cases rest on it; `check live` can see 1 of them again"),
        (3, "; 3 cases rest on it; `check live` can see them again"),
    ],
)
def test_live_checks_are_named_where_they_help_a_page(live: int, told: str) -> None:
    there: frozenset[Place] = frozenset({"mock", "live"})
    here: frozenset[Place] = frozenset({"mock"})
    cases = [rests(SONGBOOK, f"case-{number}", there if number < live else here) for number in range(3)]

    (finding,) = stale(cases, "2027-03-13", 90)

    assert finding.message == f"choir.example, songbook, was read 112 days ago{told}"


def test_an_old_mark_is_told_once_for_each_entry_of_a_file() -> None:
    cases = [shown(NEW, "success", name=name) for name in ("one/a", "one/b", "two")]

    found = list(stale(cases, "2026-11-21", 1))

    assert [finding.case for finding in found] == ["one", "two"]
    assert found[0].message == "its mark is 90 days old (recorded 2026-08-23)"
    assert (found[0].wanted, found[0].where.line) == ("a mark of the last 1 day", 5)


@pytest.mark.parametrize(("day", "age"), [("2026-08-24", "1 day"), ("2026-08-25", "2 days")])
def test_a_live_check_renews_the_mark_of_a_case_that_can_run_there(day: str, age: str) -> None:
    case = shown(NEW, "success", where=frozenset({"mock", "live"}))

    (finding,) = stale([case], day, 0)

    assert finding.message == f"its mark is {age} old (recorded 2026-08-23); `check live` renews it"
