"""Queued and standing outcomes: which of them wins over the state, and what taking one does to the queue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from mockserver.domain import marks
from mockserver.domain.marks import Leads, Mark
from mockserver.domain.ports import Tx
from mockserver.domain.waiting import Waiting, place


class Override(NamedTuple):
    """An outcome that was asked for ahead of the call it is for. `times` is None for one that stands."""

    id: str
    outcome: str
    provider: str | None
    operation: str | None
    times: int | None
    left: int | None
    match: Any = None
    delay: float | None = None
    targets: tuple[tuple[str, str], ...] = ()
    # How the task of a `task-failed` fails: a failure's name, or a code with words.
    error: Any = None

    @property
    def stands(self) -> bool:
        """True for an outcome that holds until it is deleted."""
        return self.times is None

    def as_json(self) -> dict[str, Any]:
        """The override as the control API lists it."""
        shown = {"match": self.match, "delay": self.delay, "error": self.error}
        return {
            "id": self.id,
            "provider": self.provider,
            "operation": self.operation,
            "outcome": self.outcome,
            "times": self.times,
            "left": self.left,
            **{key: value for key, value in shown.items() if value is not None},
        }


def _places(override: Override) -> Iterator[str]:
    return (place(*target) for target in override.targets)


def _asks(override: Override) -> Iterator[Mark]:
    return wanted(override.match)


def wanted(match: Any) -> Iterator[Mark]:
    """The marks of every body that such a `match` fits; None fits them all."""
    return iter(()) if match is None else marks.of(match)


def _read(targets: list[Any], **fields: Any) -> Override:
    return Override(**fields, targets=tuple((str(one), str(other)) for one, other in targets))


_OVERRIDES: Final = Waiting("override", _places, _asks, _read)
add, listed, remove, clear = _OVERRIDES.add, _OVERRIDES.listed, _OVERRIDES.remove, _OVERRIDES.clear


# The record that is there while something waits for an operation of a provider: mostly there is none.
sign = _OVERRIDES.sign


def take(tx: Tx, provider: str, operation: str, body: Any) -> Override | None:
    """The override that this call meets, used up by one; queued ones first, then the newest that stands."""

    def suits(override: Override) -> bool:
        return override.match is None or is_subset(override.match, body)

    def met(leads: Leads) -> Iterator[Mark]:
        yield marks.ANY
        yield from marks.of(body, leads)

    return _OVERRIDES.take(tx, provider, [place(provider, operation)], met, suits)


def is_subset(wanted: Any, got: Any) -> bool:
    """True when everything in `wanted` is in `got`: fields by name, lists item by item, the rest by value."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            key in got and is_subset(item, got[key]) for key, item in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(got, list) and len(wanted) == len(got) and all(map(is_subset, wanted, got))
    return (type(wanted) is type(got) and bool(wanted == got)) or _same_number(wanted, got)


def _same_number(one: Any, other: Any) -> bool:
    numbers = (int, float)
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return isinstance(one, numbers) and isinstance(other, numbers) and one == other
