"""What happens in a sandbox, kept in a bounded log and told to those who listen as server-sent events."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from mockserver.domain.ports import Store
from mockserver.openapi.source import Json

LOG = "events"
KEEP_ALIVE_SECONDS = 15.0
# Another process may write into the same store, and cannot wake the streams of this one.
LOOK_SECONDS = 1.0

_PAGE = 100
_MARKS = 10**6
_LOST = b": some events are not kept any more; what is still kept follows\n\n"


class Position(NamedTuple):
    """A place in a log: behind the entry of this number, which carries this mark; all is ahead of 0.

    A log that was dropped counts from 1 again, and its marks then differ: so no stream takes an entry for
    one that it has told already.
    """

    number: int = 0
    mark: int = 0

    @classmethod
    def of(cls, id: str) -> Position:
        """The place behind the event that had this id."""
        return cls(*divmod(int(id), _MARKS))


class Told(NamedTuple):
    """What a look at the log gave: events as they are sent, and where to look next."""

    text: bytes
    position: Position


class Events:
    """The log of what happened in each sandbox, and the streams that are open on it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._wakers: dict[str, set[_Waker]] = {}
        self._closed = False

    def add(self, sandbox: str, kind: str, data: dict[str, Json]) -> None:
        """Add an event to the log and wake the sandbox's streams; may be called from any thread."""
        self._store.append(sandbox, LOG, _encode(kind, data))
        if sandbox in self._wakers:
            with self._guard:
                wakers = list(self._wakers.get(sandbox, ()))
            for waker in wakers:
                waker.wake()

    def latest(self, sandbox: str) -> Position:
        """The place behind everything that has happened by now."""
        newest = self._store.newest(sandbox, LOG, 1)
        return _position(*newest[-1]) if newest else Position()

    async def follow(self, sandbox: str, position: Position) -> AsyncGenerator[bytes]:
        """What happens behind a place, without end: until the server stops or nobody listens any more."""
        loop = asyncio.get_running_loop()
        with self._listening(sandbox) as waker:
            yield f": events of the sandbox {sandbox}\n\n".encode()
            told_at = loop.time()
            while True:
                # A call that comes from here on is not missed.
                waker.clear()
                if self._closed:
                    return
                text, position = await self._look(sandbox, position)
                if text or loop.time() - told_at >= KEEP_ALIVE_SECONDS:
                    yield text or b": nothing new\n\n"
                    told_at = loop.time()
                # A full page may have more behind it.
                if not text:
                    await waker.wait(LOOK_SECONDS)

    def open(self) -> None:
        """Let streams begin, be it after a close."""
        self._closed = False

    def close(self) -> None:
        """End every stream at once, and each that begins from now on; may be called from any thread."""
        self._closed = True
        with self._guard:
            wakers = [waker for some in self._wakers.values() for waker in some]
        for waker in wakers:
            waker.wake()

    # --- looking --------------------------------------------------------------------------------------------

    async def _look(self, sandbox: str, position: Position) -> Told:
        if self._store.may_block:
            return await asyncio.to_thread(self._told, sandbox, position)
        return self._told(sandbox, position)

    def _told(self, sandbox: str, position: Position) -> Told:
        entries, is_whole = self._behind(sandbox, position)
        if not entries:
            return Told(b"", position)
        text = b"".join(_written(number, entry) for number, entry in entries)
        return Told(text if is_whole else _LOST + text, _position(*entries[-1]))

    def _behind(self, sandbox: str, position: Position) -> tuple[list[tuple[int, bytes]], bool]:
        """The next entries behind a place, and False where some that stood between are not kept any more."""
        number = position.number
        entries = self._store.read(sandbox, LOG, max(number - 1, 0), _PAGE)
        if entries and entries[0][0] == number and _position(*entries[0]) == position:
            return entries[1:], True
        if entries and entries[0][0] > number:
            return entries, entries[0][0] == number + 1
        # The log is another one by now: all of it is new.
        return self._store.read(sandbox, LOG, 0, _PAGE), False

    @contextmanager
    def _listening(self, sandbox: str) -> Iterator[_Waker]:
        waker = _Waker()
        with self._guard:
            self._wakers.setdefault(sandbox, set()).add(waker)
        try:
            yield waker
        finally:
            with self._guard:
                self._wakers[sandbox].discard(waker)
                if not self._wakers[sandbox]:
                    del self._wakers[sandbox]


class _Waker:
    """Wakes one stream, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()

    def wake(self) -> None:
        # Already called and not yet at rest: its next look finds what was added meanwhile.
        if not self._called.is_set():
            # A loop that has ended took its streams along.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._called.set)

    def clear(self) -> None:
        """Forget the calls so far."""
        self._called.clear()

    async def wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._called.wait()


# --- entries ------------------------------------------------------------------------------------------------


def _encode(kind: str, data: dict[str, Any]) -> bytes:
    """The mark, the kind and a line of JSON."""
    mark = int.from_bytes(os.urandom(4)) % _MARKS
    return f"{mark} {kind} {json.dumps(data, separators=(',', ':'))}".encode()


def _position(number: int, entry: bytes) -> Position:
    return Position(number, int(entry.partition(b" ")[0]))


def _written(number: int, entry: bytes) -> bytes:
    mark, kind, line = entry.split(b" ", 2)
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (number * _MARKS + int(mark), kind, line)
