"""The store that lives in this process and ends with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import islice
from typing import TypeVar

from sortedcontainers import SortedDict, SortedList

from mockserver.domain.ports import Tx

T = TypeVar("T")


class MemoryStore:
    """Records and logs in memory, safe across threads, quick enough to run on an event loop."""

    name = "memory"
    may_block = False

    def __init__(self, log_size: int = 1000) -> None:
        if log_size < 0:
            raise ValueError(f"log_size must be 0 or more, got {log_size}")
        self._log_size = log_size
        self._held: dict[str, _Held] = {}
        self._gate = _Gate()

    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Call `work` with every other thread kept out, and apply its writes once it has returned."""
        with self._gate:
            held = self._of(sandbox)
            tx = _MemoryTx(held.records)
            try:
                result = work(tx)
            finally:
                writes = tx.end()
            held.apply(writes)
            self._remember(sandbox, held)
            return result

    def append(self, sandbox: str, log: str, entry: bytes) -> int:
        """Add an entry to a log and return its number."""
        _check_bytes("entry of log", log, entry)
        with self._gate:
            held = self._of(sandbox)
            lines = held.logs.setdefault(log, _Log(self._log_size))
            self._remember(sandbox, held)
            return lines.append(entry)

    def read(self, sandbox: str, log: str, after: int = 0, limit: int = 100) -> list[tuple[int, bytes]]:
        """Return the first `limit` entries still kept whose number is above `after`, oldest first."""
        with self._gate:
            lines = self._of(sandbox).logs.get(log)
            return lines.after(after, limit) if lines else []

    def newest(self, sandbox: str, log: str, limit: int) -> list[tuple[int, bytes]]:
        """Return the newest `limit` entries, oldest first."""
        with self._gate:
            lines = self._of(sandbox).logs.get(log)
            return lines.newest(limit) if lines else []

    def clear(self, sandbox: str, log: str) -> None:
        """Remove the entries of a log and go on counting where it was."""
        with self._gate:
            lines = self._of(sandbox).logs.get(log)
            if lines:
                lines.clear()

    def sandboxes(self) -> list[str]:
        """Return, sorted, the sandboxes that hold a record or have a log."""
        with self._gate:
            return sorted(self._held)

    def drop(self, sandbox: str) -> None:
        """Forget a sandbox: its records, its logs and their numbering."""
        with self._gate:
            self._held.pop(sandbox, None)

    def close(self) -> None:
        """Forget everything."""
        with self._gate:
            self._held.clear()

    def _of(self, sandbox: str) -> _Held:
        return self._held.get(sandbox) or _Held()

    def _remember(self, sandbox: str, held: _Held) -> None:
        # A made-up name that was only read leaves no trace, nor does one whose last record is gone.
        if held.records or held.logs:
            self._held[sandbox] = held
        else:
            self._held.pop(sandbox, None)


class _Held:
    """What one sandbox holds."""

    __slots__ = ("logs", "records")

    def __init__(self) -> None:
        self.records = SortedDict()
        self.logs: dict[str, _Log] = {}

    def apply(self, writes: dict[str, bytes | None]) -> None:
        for key, value in writes.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value


class _MemoryTx:
    """Writes lie over the records until they are applied; None marks a key as deleted."""

    __slots__ = ("_added", "_ended", "_records", "_writes")

    def __init__(self, records: SortedDict) -> None:
        self._records = records
        self._writes: dict[str, bytes | None] = {}
        # The written keys that the records lack, in order: kept from the first scan on, as few works scan.
        self._added: SortedList | None = None
        self._ended = False

    def get(self, key: str) -> bytes | None:
        self._check_open()
        value: bytes | None = self._writes[key] if key in self._writes else self._records.get(key)
        return value

    def put(self, key: str, value: bytes) -> None:
        self._check_open()
        _check_bytes("value of", key, value)
        self._write(key, value)

    def delete(self, key: str) -> None:
        self._check_open()
        self._write(key, None)

    def scan(self, prefix: str, after: str = "", limit: int = 100) -> list[tuple[str, bytes]]:
        self._check_open()
        return list(islice(self._from(prefix, after), limit))

    def end(self) -> dict[str, bytes | None]:
        self._ended = True
        return self._writes

    def _write(self, key: str, value: bytes | None) -> None:
        _check_key(key)
        if self._added is not None and key not in self._writes and key not in self._records:
            self._added.add(key)
        self._writes[key] = value

    def _from(self, prefix: str, after: str) -> Iterator[tuple[str, bytes]]:
        start, inclusive = (after, (False, True)) if after >= prefix else (prefix, (True, True))
        written = self._keys_added().irange(start, None, inclusive)
        for key in merge(self._records.irange(start, None, inclusive), written):
            if not key.startswith(prefix):
                return
            value = self._writes[key] if key in self._writes else self._records[key]
            if value is not None:
                yield key, value

    def _keys_added(self) -> SortedList:
        if self._added is None:
            self._added = SortedList(key for key in self._writes if key not in self._records)
        return self._added

    def _check_open(self) -> None:
        if self._ended:
            raise RuntimeError("tx was used after its work had returned: what is written then would be lost")


class _Log:
    """The newest entries of a log by their number, and the number of the last one ever added."""

    __slots__ = ("_entries", "_last", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        # Numbers have no gaps, so any page is found without walking to it, as it would be in a deque.
        self._entries: dict[int, bytes] = {}
        self._last = 0

    def append(self, entry: bytes) -> int:
        self._last += 1
        self._entries[self._last] = entry
        self._entries.pop(self._last - self._size, None)
        return self._last

    def after(self, number: int, limit: int) -> list[tuple[int, bytes]]:
        first = max(number, self._last - len(self._entries)) + 1
        return [(n, self._entries[n]) for n in range(first, min(first + limit, self._last + 1))]

    def newest(self, limit: int) -> list[tuple[int, bytes]]:
        return self.after(self._last - limit, limit)

    def clear(self) -> None:
        self._entries.clear()


class _Gate:
    """A lock that tells its own holder off, where a plain one would wait for itself for ever."""

    __slots__ = ("_holder", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        if self._holder == threading.get_ident():
            raise RuntimeError(
                "The store was used inside work, which may be called again and so touches nothing but tx. "
                "Return from work what is needed, then call the store"
            )
        self._lock.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not key:
        raise TypeError(f"a key must be a text of at least one character, got {key!r}")


def _check_bytes(what: str, name: str, value: object) -> None:
    if not isinstance(value, bytes):
        raise TypeError(f"{what} {name!r} must be bytes, got {type(value).__name__}")
