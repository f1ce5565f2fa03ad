"""A store that keeps its promises to the letter and is otherwise as unhelpful as it may be.

It shares no code with any real store. `work` runs on a snapshot, without a lock, and is called again when
the sandbox has changed meanwhile; once or twice it is also called for a made-up conflict and then sees the
sandbox as it was one commit ago. Records are kept encoded, every value handed out is a copy, and scans run
in pages of awkward sizes.
"""

from __future__ import annotations

import base64
import itertools
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from mockserver.domain.ports import Line, Record, Tx

T = TypeVar("T")

Records = dict[bytes, bytes]


class HostileStore:
    name = "memory"
    may_block = False

    def __init__(self, log_size: int = 1000, log_bytes: int = 64 * 1024 * 1024) -> None:
        self._log_size = log_size
        self._log_bytes = log_bytes
        self._lock = threading.Lock()
        self._working = threading.local()
        self._conflicts = itertools.cycle((1, 2))
        self._boxes: dict[str, _Box] = {}

    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        self._refuse_inside_work()
        with self._lock:
            conflicts = next(self._conflicts)
            before = self._boxes.get(sandbox, _Box()).before
        for _ in range(conflicts):
            with suppress(Exception):
                self._attempt(work, before)
        while True:
            with self._lock:
                seen = self._boxes.get(sandbox, _Box()).records
            result, records = self._attempt(work, seen)
            if self._commit(sandbox, seen, records):
                return result

    def _attempt(self, work: Callable[[Tx], T], records: Records) -> tuple[T, Records]:
        tx = _HostileTx(records)
        self._working.here = True
        try:
            return work(tx), tx.records
        finally:
            self._working.here = False
            tx.ended = True

    def _commit(self, sandbox: str, seen: Records, records: Records) -> bool:
        with self._box(sandbox) as box:
            # Records are replaced as a whole, never changed in place: the same contents means no conflict.
            if box.records is not seen and box.records != seen:
                return False
            if records != box.records:
                box.before, box.records = box.records, records
            return True

    def append(self, sandbox: str, log: str, entry: Record, weight: int | None = None) -> int:
        if not isinstance(entry, (bytes, tuple)):
            raise TypeError(f"entry of log {log!r} must be bytes or a tuple, got {type(entry).__name__}")
        if weight is None:
            weight = len(entry) if isinstance(entry, bytes) else 0
        self._refuse_inside_work()
        with self._box(sandbox) as box:
            number, entries = box.logs.get(log, (0, []))
            kept = [*entries, (number + 1, _frozen(entry), weight)]
            kept = kept[max(0, len(kept) - self._log_size) :]
            while len(kept) > 1 and sum(weight for _, _, weight in kept) > self._log_bytes:
                kept = kept[1:]
            box.logs[log] = (number + 1, kept)
            return number + 1

    def extend(self, sandbox: str, lines: Iterable[Line]) -> None:
        for log, entry, weight in lines:
            self.append(sandbox, log, entry, weight)

    def read(self, sandbox: str, log: str, after: int = 0, limit: int = 100) -> list[tuple[int, Record]]:
        return [pair for pair in self._entries(sandbox, log) if pair[0] > after][:limit]

    def newest(self, sandbox: str, log: str, limit: int) -> list[tuple[int, Record]]:
        entries = self._entries(sandbox, log)
        return entries[max(0, len(entries) - limit) :]

    def clear(self, sandbox: str, log: str) -> None:
        self._refuse_inside_work()
        with self._box(sandbox) as box:
            if log in box.logs:
                box.logs[log] = (box.logs[log][0], [])

    def sandboxes(self) -> list[str]:
        self._refuse_inside_work()
        with self._lock:
            return sorted(self._boxes)

    def drop(self, sandbox: str) -> None:
        self._refuse_inside_work()
        with self._lock:
            self._boxes.pop(sandbox, None)

    def close(self) -> None:
        self._refuse_inside_work()
        with self._lock:
            self._boxes = {}

    def _entries(self, sandbox: str, log: str) -> list[tuple[int, Record]]:
        self._refuse_inside_work()
        with self._lock:
            _, entries = self._boxes.get(sandbox, _Box()).logs.get(log, (0, []))
            return [(number, _thawed(entry)) for number, entry, _ in entries]

    @contextmanager
    def _box(self, sandbox: str) -> Iterator[_Box]:
        with self._lock:
            box = self._boxes.setdefault(sandbox, _Box())
            try:
                yield box
            finally:
                if not box.records and not box.logs:
                    del self._boxes[sandbox]

    def _refuse_inside_work(self) -> None:
        if getattr(self._working, "here", False):
            raise RuntimeError("The store was used inside work, which touches nothing but tx")


class _Box:
    def __init__(self) -> None:
        self.records: Records = {}
        self.before: Records = {}
        self.logs: dict[str, tuple[int, list[tuple[int, Record, int]]]] = {}


class _HostileTx:
    def __init__(self, records: Records) -> None:
        self.records = dict(records)
        self.ended = False
        self._sorted: list[bytes] | None = None
        self._page_sizes = itertools.cycle((1, 2, 7, 3))

    def get(self, key: str) -> bytes | None:
        self._check_open()
        kept = self.records.get(key.encode())
        return None if kept is None else _decode(kept)

    def put(self, key: str, value: bytes) -> None:
        self._check_open()
        if not isinstance(value, bytes):
            raise TypeError(f"value of {key!r} must be bytes, got {type(value).__name__}")
        self.records[_key(key)] = _encode(value)
        self._sorted = None

    def count(self, key: str, more: int = 1) -> int:
        self._check_open()
        kept = self.records.get(_key(key))
        number = int(_decode(kept)) + more if kept else more
        self.put(key, str(number).encode())
        return number

    def delete(self, key: str) -> None:
        self._check_open()
        self.records.pop(_key(key), None)
        self._sorted = None

    def scan(self, prefix: str, after: str = "", limit: int = 100) -> list[tuple[str, bytes]]:
        self._check_open()
        found: list[tuple[str, bytes]] = []
        last = after.encode()
        while len(found) < limit:
            page = self._page(prefix.encode(), last, min(next(self._page_sizes), limit - len(found)))
            if not page:
                break
            found += [(key.decode(), _decode(self.records[key])) for key in page]
            last = page[-1]
        return found

    def _page(self, prefix: bytes, after: bytes, size: int) -> list[bytes]:
        if self._sorted is None:
            self._sorted = sorted(self.records)
        start = max(bisect_left(self._sorted, prefix), bisect_right(self._sorted, after))
        return [key for key in self._sorted[start : start + size] if key.startswith(prefix)]

    def _check_open(self) -> None:
        if self.ended:
            raise RuntimeError("tx was used after its work had returned")


def _key(key: object) -> bytes:
    if not isinstance(key, str) or not key:
        raise TypeError(f"a key must be a text of at least one character, got {key!r}")
    return key.encode()


def _frozen(entry: Record) -> Record:
    return _encode(entry) if isinstance(entry, bytes) else entry


def _thawed(kept: Record) -> Record:
    return _decode(kept) if isinstance(kept, bytes) else kept


def _encode(value: bytes) -> bytes:
    return base64.b64encode(value)


def _decode(kept: bytes) -> bytes:
    return base64.b64decode(kept)
