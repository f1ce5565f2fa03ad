"""What the domain asks of the world around it: a store with transactions and logs, a clock, ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

# An entry of a log: bytes, or a frozen record, a (named) tuple of plain values that nobody can change.
Record = bytes | tuple[Any, ...]
# A log, an entry for it, and how many bytes that counts for.
Line = tuple[str, Record, int]


class Tx(Protocol):
    """The records of one sandbox as one transaction sees them, its own writes included."""

    # Its argument has no name to be given by, so that a store may hand out a built-in method.
    def get(self, key: str, /) -> bytes | None:
        """Return the value under this key, or None."""

    def put(self, key: str, value: bytes) -> None:
        """Set the value, always bytes, under this key, a text of at least one character; else a TypeError."""

    def count(self, key: str, more: int = 1) -> int:
        """Add to the number under this key, 0 where there is none, and return what it comes to."""

    def delete(self, key: str) -> None:
        """Remove this key, which need not exist."""

    def scan(self, prefix: str, after: str = "", limit: int = 100) -> list[tuple[str, bytes]]:
        """Return up to `limit` records with this prefix, in code point order, strictly after a key."""


class Store(Protocol):
    """Records and logs, kept apart by sandbox; none of its methods may be called inside `work`."""

    name: str
    may_block: bool

    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Call `work` atomically and return its result; an exception leaves everything as it was.

        After a conflict `work` is called again and only its last call counts, so it touches nothing but `tx`.
        """

    def append(self, sandbox: str, log: str, entry: Record, weight: int | None = None) -> int:
        """Add an entry and return its number: from 1, growing, never used again until the drop.

        The oldest entries fall out of a full log. `weight` is how many bytes the entry counts for; unless
        told, bytes count for their length and a frozen record for none.
        """

    def extend(self, sandbox: str, lines: Iterable[Line]) -> None:
        """Add entries to several logs, with nobody in between."""

    def read(self, sandbox: str, log: str, after: int = 0, limit: int = 100) -> list[tuple[int, Record]]:
        """Return the first `limit` entries still kept whose number is above `after`, oldest first."""

    def newest(self, sandbox: str, log: str, limit: int) -> list[tuple[int, Record]]:
        """Return the newest `limit` entries, oldest first."""

    def clear(self, sandbox: str, log: str) -> None:
        """Remove the entries of a log and go on counting where it was."""

    def sandboxes(self) -> list[str]:
        """Return, sorted, the sandboxes that hold a record or have a log, be it a cleared one."""

    def drop(self, sandbox: str) -> None:
        """Forget a sandbox: its records, its logs and their numbering."""

    def close(self) -> None:
        """Let go of what the store holds open; it is not used afterwards."""


class Clock(Protocol):
    """What time it is for a sandbox."""

    mode: str

    def now(self, tx: Tx) -> float:
        """Return the seconds since 1970."""

    def ahead(self, tx: Tx, seconds: float) -> int:
        """Return the moment so many seconds from now, in microseconds."""

    def until(self, tx: Tx, epoch: float) -> int:
        """Return this moment, which is not past, in microseconds."""

    def move(self, tx: Tx, micros: int) -> None:
        """Move a virtual clock on to a moment."""

    def bring(self, tx: Tx, epoch: float) -> None:
        """Stand where a brought state stood, be that earlier; a real clock stays what it is."""

    def elapsed(self) -> float:
        """Return seconds that only ever grow and really pass, for measuring durations."""


class Ids(Protocol):
    """Material for ids: the same for the same seed, sandbox, kind and number."""

    def draw(self, sandbox: str, kind: str, n: int) -> bytes:
        """Return the 32 bytes that belong to the n-th of a kind."""

    def seed_of(self, tx: Tx) -> int:
        """Return the seed that the ids of this sandbox come from."""

    def next(self, tx: Tx, sandbox: str, kind: str) -> bytes:
        """Count one more of a kind in this transaction and return its 32 bytes."""

    def several(self, tx: Tx, sandbox: str, kind: str, many: int) -> list[bytes]:
        """Count so many more of a kind in this transaction and return the 32 bytes of each."""
