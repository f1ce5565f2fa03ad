"""How sure cases are of what they say: marks, their age, and the mark of an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from contracts.case import Case, Mark, Page
from contracts.counted import counted
from contracts.finding import Finding, Where
from mockserver.openapi.problem import join

# Which of several marks speaks for an outcome: what is known to differ is to be seen, then the surest.
_RANK = {"differs": 0, "recorded": 1, "page": 2, "report": 3, "choice": 4}


def stale(cases: Iterable[Case], today: str, days: int) -> Iterator[Finding]:
    """A warning for each page that was read, and each mark that was set, more than so many days ago."""
    rests: dict[tuple[str, Page], list[Case]] = {}
    marked: dict[tuple[str, str], Case] = {}
    for case in cases:
        if case.mark != case.page.mark:
            # One entry of a file, whatever it is written out to.
            marked.setdefault((case.provider, case.pointer), case)
        elif case.mark.kind != "choice":  # our own choices are as true as they were
            rests.setdefault((case.provider, case.page), []).append(case)
    for (_, page), resting in rests.items():
        if (age := _age(page.read, today)) > days:
            yield _old_page(page, resting, age, days)
    for case in marked.values():
        if (age := _age(case.mark.day, today)) > days:
            yield _old_mark(case, age, days)


def _old_page(page: Page, resting: list[Case], age: int, days: int) -> Finding:
    first, number = resting[0], len(resting)
    renews = _renews(sum("live" in case.where for case in resting), number)
    return Finding(
        severity="warning",
        rule="stale-mark",
        message=f"{page.source}, was read {counted(age, 'day')} ago;"
        f" {number} case{' rests' if number == 1 else 's rest'} on it{renews}",
        document=first.provider,
        wanted=f"a page read within the last {counted(days, 'day')}",
        got=str(page.mark),
        where=Where(first.source.file, _line(first)),
    )


def _old_mark(case: Case, age: int, days: int) -> Finding:
    renews = "; `check live` renews it" if "live" in case.where else ""
    return Finding(
        severity="warning",
        rule="stale-mark",
        message=f"its mark is {counted(age, 'day')} old ({case.mark}){renews}",
        document=case.provider,
        operation=case.steps[0].operation,
        case=case.name.partition("/")[0],
        wanted=f"a mark of the last {counted(days, 'day')}",
        got=str(case.mark),
        where=Where(case.source.file, case.line()),
    )


def _renews(live: int, number: int) -> str:
    if not live:
        return ""
    which = f"{live} of them" if live < number else "it" if number == 1 else "them"
    return f"; `check live` can see {which} again"


def _line(case: Case) -> int | None:
    """The line of its file where the page stands that it rests on."""
    pages = case.source.data.get("pages", {})
    for name, page in pages.items():
        if (page["source"], page["read"]) == (case.page.source, case.page.read):
            return case.line(join("/pages", name))
    return None


def _age(day: str, today: str) -> int:
    return (date.fromisoformat(today) - date.fromisoformat(day)).days


def marks(cases: Iterable[Case]) -> dict[tuple[str, str, str], Mark]:
    """The mark of each (provider, operation, outcome) shown by cases: the surest, of those the newest."""
    found: dict[tuple[str, str, str], Mark] = {}
    for case in cases:
        for pair, mark in _marked(case):
            key = (case.provider, *pair)
            known = found.get(key)
            if known is None or _better(mark, known):
                found[key] = mark
    return found


def _marked(case: Case) -> Iterator[tuple[tuple[str, str], Mark]]:
    """Each outcome that it shows: a mark of its own is about the last one, the steps before lead there."""
    pairs = list(case.pairs())
    yield from ((pair, case.page.mark) for pair in pairs[:-1])
    yield from ((pair, case.mark) for pair in pairs[-1:])


def _better(mark: Mark, known: Mark) -> bool:
    if _RANK[mark.kind] != _RANK[known.kind]:
        return _RANK[mark.kind] < _RANK[known.kind]
    return mark.day > known.day
