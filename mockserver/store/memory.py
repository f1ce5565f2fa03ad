"""The store that lives in this process and ends with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from mockserver.domain.ports import Line, Record, Tx
from mockserver.store.log import Log
from mockserver.store.transaction import MemoryTx, Records

T = TypeVar("T")

LOG_BYTES = 64 * 1024 * 1024


class MemoryStore:
    """Records and logs in memory, safe across threads, quick enough to run on an event loop."""

    name = "memory"
    may_block = False

    def __init__(self, log_size: int = 1000, log_bytes: int = LOG_BYTES) -> None:
        _check_bound("log_size", log_size)
        _check_bound("log_bytes", log_bytes)
        self._log_size = log_size
        self._log_bytes = log_bytes
        self._held: dict[str, _Held] = {}
        # One that its holder gets again: with the flag it tells a call from inside work. A gate written in
        # Python, in the place of the two, takes another 0.4 µs a call.
        self._lock = threading.RLock()
        self._works = False

    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Call `work` with every other thread kept out; what it wrote is taken back where it fails."""
        with self._lock:
            if self._works:
                raise _used_inside_work()
            held = self._held.get(sandbox) or _Held()
            tx = MemoryTx(held.records)
            self._works = True
            try:
                result = work(tx)
                if tx.commit():
                    self._remember(sandbox, held)
                return result
            except BaseException:
                tx.undo()
                raise
            finally:
                self._works = False
                tx.end()

    def append(self, sandbox: str, log: str, entry: Record, weight: int | None = None) -> int:
        """Add an entry to a log and return its number."""
        if weight is None:
            weight = len(entry) if isinstance(entry, bytes) else 0
        return self._extend(sandbox, ((log, entry, weight),))

    def extend(self, sandbox: str, lines: Iterable[Line]) -> None:
        """Add entries to several logs at once."""
        self._extend(sandbox, lines)

    def _extend(self, sandbox: str, lines: Iterable[Line]) -> int:
        """Add entries and return the number of the last."""
        number = 0
        with self._lock:
            if self._works:
                raise _used_inside_work()
            logs = (self._held.get(sandbox) or _NONE).logs
            for log, entry, weight in lines:
                if not isinstance(entry, _ENTRIES):
                    raise _no_entry(log, entry)
                number = (logs.get(log) or self._begun(sandbox, log)).append(entry, weight)
        return number

    def read(self, sandbox: str, log: str, after: int = 0, limit: int = 100) -> list[tuple[int, Record]]:
        """Return the first `limit` entries still kept whose number is above `after`, oldest first."""
        with self._lock:
            lines = self._log(sandbox, log)
            return lines.after(after, limit) if lines else []

    def newest(self, sandbox: str, log: str, limit: int) -> list[tuple[int, Record]]:
        """Return the newest `limit` entries, oldest first."""
        with self._lock:
            lines = self._log(sandbox, log)
            return lines.newest(limit) if lines else []

    def clear(self, sandbox: str, log: str) -> None:
        """Remove the entries of a log and go on counting where it was."""
        with self._lock:
            lines = self._log(sandbox, log)
            if lines:
                lines.clear()

    def sandboxes(self) -> list[str]:
        """Return, sorted, the sandboxes that hold a record or have a log."""
        with self._lock:
            self._check_outside_work()
            return sorted(self._held)

    def drop(self, sandbox: str) -> None:
        """Forget a sandbox: its records, its logs and their numbering."""
        with self._lock:
            self._check_outside_work()
            self._held.pop(sandbox, None)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._check_outside_work()
            self._held.clear()

    def _log(self, sandbox: str, log: str) -> Log | None:
        self._check_outside_work()
        held = self._held.get(sandbox)
        return held.logs.get(log) if held else None

    def _begun(self, sandbox: str, log: str) -> Log:
        held = self._held.setdefault(sandbox, _Held())
        return held.logs.setdefault(log, Log(self._log_size, self._log_bytes))

    def _remember(self, sandbox: str, held: _Held) -> None:
        # A made-up name that was only read leaves no trace, nor does one whose last record is gone.
        if held.records.values or held.logs:
            self._held[sandbox] = held
        else:
            self._held.pop(sandbox, None)

    def _check_outside_work(self) -> None:
        # Others are kept out while work lasts, so whoever is in here then comes from the work itself.
        if self._works:
            raise _used_inside_work()


class _Held:
    """What one sandbox holds."""

    __slots__ = ("logs", "records")

    def __init__(self) -> None:
        self.records = Records()
        self.logs: dict[str, Log] = {}


# In the place of a sandbox that holds nothing yet.
_NONE = _Held()
# What may be an entry; a union takes 0.4 µs more.
_ENTRIES = (tuple, bytes)


def _used_inside_work() -> RuntimeError:
    return RuntimeError(
        "The store was used inside work, which may be called again and so touches nothing but tx. "
        "Return from work what is needed, then call the store"
    )


def _no_entry(log: str, entry: object) -> TypeError:
    return TypeError(f"entry of log {log!r} must be bytes or a tuple, got {type(entry).__name__}")


def _check_bound(name: str, bound: int) -> None:
    if bound < 0:
        raise ValueError(f"{name} must be 0 or more, got {bound}")
