"""What waits in a sandbox for the calls it is for: which one a call meets, and what that leaves of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar
from urllib.parse import quote

from mockserver.domain.pages import walk
from mockserver.domain.ports import Tx

_LAST = 10**12


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


class Waiting(NamedTuple, Generic[T]):
    """Those of one noun: each waits at every place it is for; `read` makes one of its fields in JSON."""

    noun: str
    places: Callable[[T], Iterable[str]]
    read: Callable[..., T]

    def add(self, tx: Tx, item: T) -> None:
        """Queue it, or let it stand, at each of its places."""
        number = self._counted(tx, "count", 1)
        self._tally(tx, item, 1)
        self._write(tx, number, item)
        for key in self._pointers(item, number):
            tx.put(key, b"%d" % number)

    def take(self, tx: Tx, first: str, places: Iterable[str], suits: Callable[[T], bool]) -> T | None:
        """The one that suits at these places, used up by one: queued ones, then the newest that stands."""
        # Mostly nothing waits at any place of this first name, and one look tells.
        if tx.get(f"{self.noun}-waiting/{place(first)}") is None:
            return None
        walks = [walk(tx, self._folder(at)) for at in places]
        for _, number in merge(*walks, key=lambda pointer: pointer[0].rsplit("/", 2)[1:]):
            item = self._present(tx, int(number))
            if suits(item):
                return self._use(tx, int(number), item)
        return None

    def listed(self, tx: Tx) -> list[T]:
        """Every one of the sandbox, oldest first."""
        return [item for _, item in self._all(tx)]

    def remove(self, tx: Tx, id: str) -> bool:
        """Delete the one of that id; False when there is none."""
        found = tx.get(f"{self.noun}-id/{id}")
        if found is None:
            return False
        self._forget(tx, int(found), self._present(tx, int(found)))
        return True

    def clear(self, tx: Tx) -> int:
        """Delete them all, and say how many there were."""
        waiting = list(self._all(tx))
        for number, item in waiting:
            self._forget(tx, number, item)
        return len(waiting)

    def _use(self, tx: Tx, number: int, item: T) -> T:
        if item.left is None:
            return item
        used = item._replace(left=item.left - 1)
        if used.left:
            self._write(tx, number, used)
        else:
            self._forget(tx, number, item)
        return used

    def _forget(self, tx: Tx, number: int, item: T) -> None:
        for key in (*self._pointers(item, number), self._record(number)):
            tx.delete(key)
        self._tally(tx, item, -1)

    def _tally(self, tx: Tx, item: T, more: int) -> None:
        for at in self.places(item):
            self._counted(tx, f"waiting/{at.partition('/')[0]}", more)

    def _counted(self, tx: Tx, what: str, more: int) -> int:
        key = f"{self.noun}-{what}"
        count = int(tx.get(key) or b"0") + more
        if count:
            tx.put(key, b"%d" % count)
        else:
            tx.delete(key)
        return count

    def _record(self, number: int) -> str:
        return f"{self.noun}/{number:012d}"

    def _folder(self, at: str) -> str:
        return f"{self.noun}-at/{at}/"

    def _pointers(self, item: T, number: int) -> Iterator[str]:
        """The keys that lead to it: its id, and one at each place, so that a call looks at its own only."""
        yield f"{self.noun}-id/{item.id}"
        # In key order the queued come before the standing; these are numbered backwards, the newest first.
        turn = f"standing/{_LAST - number:012d}" if item.stands else f"queued/{number:012d}"
        for at in self.places(item):
            yield self._folder(at) + turn

    def _all(self, tx: Tx) -> Iterator[tuple[int, T]]:
        for key, record in walk(tx, f"{self.noun}/"):
            yield int(key.rpartition("/")[2]), self.read(**json.loads(record))

    def _present(self, tx: Tx, number: int) -> T:
        record = tx.get(self._record(number))
        if record is None:
            raise LookupError(f"the {self.noun} {number} is pointed at and not there")
        return self.read(**json.loads(record))

    def _write(self, tx: Tx, number: int, item: T) -> None:
        tx.put(self._record(number), json.dumps(item._asdict(), separators=(",", ":")).encode())


def place(*names: str | None) -> str:
    """Where those wait that are for these names; None means any."""
    # No quoted name is a star.
    return "/".join("*" if name is None else quote(name, safe="") for name in names)
