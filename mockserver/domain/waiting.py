"""What waits in a sandbox for the calls it is for: which one a call meets, and what that leaves of it.

Each waits at every place it is for, under one of its marks: a plain value that a call has to have. A call
looks under the marks that it has itself: what waits for other values costs it nothing, however many wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar
from urllib.parse import quote

from mockserver.domain.marks import ANY, Leads, Mark
from mockserver.domain.pages import walk
from mockserver.domain.ports import Tx

_LAST = 10**12
# So many marks of one are looked at to choose from; one that asks for more values is rare enough by these.
_CHOICE = 16


class Item(Protocol):
    """A NamedTuple that can wait."""

    @property
    def id(self) -> str:
        """What it is deleted by."""

    @property
    def left(self) -> int | None:
        """How often it can still be met; None for one that stands."""

    @property
    def stands(self) -> bool:
        """True for one that holds until it is deleted."""

    def _replace(self, *, left: int) -> Self: ...

    def _asdict(self) -> dict[str, Any]: ...


T = TypeVar("T", bound=Item)


class _Held(NamedTuple, Generic[T]):
    """One that waits: its number, the mark that it waits under, and itself."""

    number: int
    mark: Mark
    item: T


class Waiting(NamedTuple, Generic[T]):
    """Those of one noun: each waits at every place it is for; `read` makes one of its fields in JSON.

    `asks` gives the marks that a call has to have, each of them, for it to be met.
    """

    noun: str
    places: Callable[[T], Iterable[str]]
    asks: Callable[[T], Iterable[Mark]]
    read: Callable[..., T]

    def add(self, tx: Tx, item: T) -> None:
        """Queue it, or let it stand, at each of its places."""
        held = _Held(self._counted(tx, "count", 1), self._rarest(tx, item), item)
        self._tally(tx, held, 1)
        self._write(tx, held)
        for key in self._pointers(held):
            tx.put(key, b"%d" % held.number)

    def sign(self, first: str) -> str:
        """The record that is there while something waits at any place of this first name."""
        return _waiting(self.noun, first)

    def is_empty(self, tx: Tx, first: str) -> bool:
        """True where nothing waits at any place of this first name, as mostly: one look tells."""
        return tx.get(_waiting(self.noun, first)) is None

    def take(
        self,
        tx: Tx,
        first: str,
        places: Iterable[str],
        marks: Callable[[Leads], Iterable[Mark]],
        suits: Callable[[T], bool],
    ) -> T | None:
        """The one that suits at these places, used up by one: queued ones, then the newest that stands.

        `marks` gives those of a call, at least those to which a way leads.
        """
        if self.is_empty(tx, first):
            return None
        names = self._met(tx, marks)
        walks = [walk(tx, self._folder(at, name)) for at in places for name in names]
        for _, number in merge(*walks, key=lambda pointer: pointer[0].rsplit("/", 2)[1:]):
            held = self._present(tx, int(number))
            if suits(held.item):
                return self._use(tx, held)
        return None

    def listed(self, tx: Tx) -> list[T]:
        """Every one of the sandbox, oldest first."""
        return [held.item for held in self._all(tx)]

    def remove(self, tx: Tx, id: str) -> bool:
        """Delete the one of that id; False when there is none."""
        found = tx.get(f"{self.noun}-id/{id}")
        if found is None:
            return False
        self._forget(tx, self._present(tx, int(found)))
        return True

    def clear(self, tx: Tx) -> int:
        """Delete them all, and say how many there were."""
        waiting = list(self._all(tx))
        for held in waiting:
            self._forget(tx, held)
        return len(waiting)

    def _use(self, tx: Tx, held: _Held[T]) -> T:
        if held.item.left is None:
            return held.item
        used = held.item._replace(left=held.item.left - 1)
        if used.left:
            self._write(tx, held._replace(item=used))
        else:
            self._forget(tx, held)
        return used

    def _forget(self, tx: Tx, held: _Held[T]) -> None:
        for key in (*self._pointers(held), self._record(held.number)):
            tx.delete(key)
        self._tally(tx, held, -1)

    # --- counts ---------------------------------------------------------------------------------------------

    def _tally(self, tx: Tx, held: _Held[T], more: int) -> None:
        for at in self.places(held.item):
            self._counted(tx, f"waiting/{at.partition('/')[0]}", more)
        if held.mark == ANY:
            # Most are such, and every call looks there anyway: uncounted, add and take cost 45 µs, not 55.
            return
        self._counted(tx, f"mark/{held.mark.name}", more)
        for path in held.mark.way:
            self._counted(tx, f"path/{path}", more)

    def _counted(self, tx: Tx, what: str, more: int) -> int:
        count = tx.count(f"{self.noun}-{what}", more)
        if not count:
            tx.delete(f"{self.noun}-{what}")
        return count

    def _count(self, tx: Tx, what: str) -> int:
        return int(tx.get(f"{self.noun}-{what}") or b"0")

    def _rarest(self, tx: Tx, item: T) -> Mark:
        """The mark under which the fewest wait yet: where all ask for one model, it is not the model."""
        marks = islice(self.asks(item), _CHOICE)
        return min(marks, key=lambda mark: self._count(tx, f"mark/{mark.name}"), default=ANY)

    def _met(self, tx: Tx, marks: Callable[[Leads], Iterable[Mark]]) -> list[str]:
        """The names of those marks under which any wait, each once."""
        ways, names = f"{self.noun}-path/", f"{self.noun}-mark/"
        found = marks(lambda path: tx.get(ways + path) is not None)
        present = (one.name for one in found if one is ANY or tx.get(names + one.name) is not None)
        return list(dict.fromkeys(present))

    # --- keys -----------------------------------------------------------------------------------------------

    def _record(self, number: int) -> str:
        return f"{self.noun}/{number:012d}"

    def _folder(self, at: str, name: str) -> str:
        return f"{self.noun}-at/{at}/{name}/"

    def _pointers(self, held: _Held[T]) -> Iterator[str]:
        """The keys that lead to it: its id, and one at each place, so that a call looks at its own only."""
        number, mark, item = held
        yield f"{self.noun}-id/{item.id}"
        # In key order the queued come before the standing; these are numbered backwards, the newest first.
        turn = f"standing/{_LAST - number:012d}" if item.stands else f"queued/{number:012d}"
        for at in self.places(item):
            yield self._folder(at, mark.name) + turn

    # --- records --------------------------------------------------------------------------------------------

    def _all(self, tx: Tx) -> Iterator[_Held[T]]:
        for key, record in walk(tx, f"{self.noun}/"):
            yield self._unpacked(int(key.rpartition("/")[2]), record)

    def _present(self, tx: Tx, number: int) -> _Held[T]:
        record = tx.get(self._record(number))
        if record is None:
            raise LookupError(f"the {self.noun} {number} is pointed at and not there")
        return self._unpacked(number, record)

    def _unpacked(self, number: int, record: bytes) -> _Held[T]:
        mark, fields = json.loads(record)
        return _Held(number, Mark(*mark), self.read(**fields))

    def _write(self, tx: Tx, held: _Held[T]) -> None:
        record = json.dumps((held.mark, held.item._asdict()), separators=(",", ":"))
        tx.put(self._record(held.number), record.encode())


@lru_cache(maxsize=256)
def _waiting(noun: str, first: str) -> str:
    return f"{noun}-waiting/{place(first)}"


def place(*names: str | None) -> str:
    """Where those wait that are for these names; None means any."""
    # No quoted name is a star.
    return "/".join("*" if name is None else quote(name, safe="") for name in names)
