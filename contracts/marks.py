"""How sure cases are of what they say: marks, their age, and the mark of an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from contracts.case import Case, Mark
from contracts.finding import Finding, Where

# Which of several marks speaks for an outcome: what is known to differ is to be seen, then what was recorded.
_RANK = {"differs": 0, "recorded": 1, "page": 2}


def stale(cases: Iterable[Case], today: str, days: int) -> Iterator[Finding]:
    """A warning for each mark that is older than so many days."""
    for case in cases:
        age = (date.fromisoformat(today) - date.fromisoformat(case.mark.day)).days
        if age > days:
            yield Finding(
                severity="warning",
                rule="stale-mark",
                message=f"its mark is {age} days old ({case.mark}); `check live` renews it",
                document=case.provider,
                operation=case.steps[0].operation,
                case=case.name,
                wanted=f"a mark of the last {days} days",
                got=str(case.mark),
                where=Where(case.source.file, case.line()),
            )


def marks(cases: Iterable[Case]) -> dict[tuple[str, str, str], Mark]:
    """The mark of each (provider, operation, outcome) shown by cases: the surest, of those the newest."""
    found: dict[tuple[str, str, str], Mark] = {}
    for case in cases:
        for operation, outcome in case.pairs():
            key = (case.provider, operation, outcome)
            known = found.get(key)
            if known is None or _better(case.mark, known):
                found[key] = case.mark
    return found


def _better(mark: Mark, known: Mark) -> bool:
    if _RANK[mark.kind] != _RANK[known.kind]:
        return _RANK[mark.kind] < _RANK[known.kind]
    return mark.day > known.day
