"""Functions of client libraries, ours in their places, and theirs put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from mockserver.settings import UsageError

if TYPE_CHECKING:
    from mockserver.testing.intercept.block import Interceptor

Function = Callable[..., Any]
Current = Callable[[], "Interceptor | None"]


class Seam(NamedTuple):
    """A function of a class that calls come through, and what makes ours of it.

    Ours asks which block is the current one each time, and is the function itself where there is none.
    """

    owner: type
    name: str
    ours: Callable[[Function, Current], Function]


class Seams:
    """The functions that stand in for others, and those they stand in for."""

    def __init__(self, current: Current) -> None:
        self._current = current
        self._placed: list[tuple[Seam, Function]] = []
        # Ours that were buried under somebody else's when we left, and may be met again.
        self._originals: WeakKeyDictionary[Function, Function] = WeakKeyDictionary()

    def place(self, seams: Iterable[Seam]) -> None:
        """Put ours in, where they are not yet."""
        for seam in seams:
            found = _function(seam)
            if found not in self._originals:
                ours = seam.ours(found, self._current)
                self._originals[ours] = found
                setattr(seam.owner, seam.name, ours)
                found = ours
            self._placed.append((seam, found))

    def put_back(self) -> None:
        """Put theirs back. A function that somebody has put over ours stays, with ours idle below it."""
        for seam, ours in self._placed:
            if seam.owner.__dict__.get(seam.name) is ours:
                setattr(seam.owner, seam.name, self._originals[ours])
        self._placed.clear()


def _function(seam: Seam) -> Function:
    found: Function | None = seam.owner.__dict__.get(seam.name)
    if found is None:
        what = f"{seam.owner.__module__}.{seam.owner.__name__} has no {seam.name}, so its calls would go out"
        raise UsageError(what, where="intercept()", fix="Use another version of that library")
    return found
