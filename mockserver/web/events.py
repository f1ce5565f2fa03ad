"""What happens in a sandbox, kept in a bounded log and told to those who listen as server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from random import Random
from typing import Any, NamedTuple, Protocol, cast

from mockserver.domain.ports import Line, Record, Store
from mockserver.openapi.source import Json

LOG = "events"
KEEP_ALIVE_SECONDS = 15.0
# Another process may write into the same store, and cannot wake the streams of this one.
LOOK_SECONDS = 1.0

_PAGE = 100
_MARKS = 2**20
# An entry may stand for so many events; the last digits of their marks say which of them one is.
_TOGETHER = 16
_LOST = b": some events are not kept any more; what is still kept follows\n\n"


class Kept(Protocol):
    """What is kept of something that happened."""

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""


class Telling(Kept, Protocol):
    """What an event says, written only where somebody follows: mostly nobody does."""

    def brief(self) -> dict[str, Json]:
        """What is said of it."""


Event = tuple[int, str, Any]
"""The mark of an entry, and what it tells: a kind of event with a `Telling`, or several at once."""

Many = Callable[[Any], list[tuple[str, Telling]]]
"""What reads an entry that tells of several events at once: each with its kind."""


class Position(NamedTuple):
    """A place in a log: behind the entry of this number, which carries this mark; all is ahead of 0.

    A log that was dropped counts from 1 again, and its marks then differ: so no stream takes an entry for
    one that it has told already.
    """

    number: int = 0
    mark: int = 0

    @property
    def place(self) -> int:
        """Which of the events that its entry stands for was the last."""
        return self.mark % _TOGETHER

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
        self._random = Random()
        self._readers: dict[str, Many] = {}

    def read_many(self, kind: str, read: Many) -> None:
        """Say how entries of a kind are read that tell of several events at once."""
        self._readers[kind] = read

    def add(self, sandbox: str, kind: str, data: Kept) -> None:
        """Add an event to the log and wake the sandbox's streams; may be called from any thread."""
        self._store.extend(sandbox, (self.line(kind, data, data.weight),))
        self.wake(sandbox)

    def line(self, kind: str, data: Kept | tuple[Kept, ...], weight: int) -> Line:
        """An event as a line for the store; whoever puts it there wakes the sandbox's streams."""
        return LOG, (self._random.getrandbits(16) * _TOGETHER, kind, data), weight

    def wake(self, sandbox: str) -> None:
        """Have the sandbox's streams look at its log; may be called from any thread."""
        if sandbox in self._wakers:
            with self._guard:
                wakers = list(self._wakers.get(sandbox, ()))
            for waker in wakers:
                waker.wake()

    def latest(self, sandbox: str) -> Position:
        """The place behind everything that has happened by now."""
        newest = self._read(self._store.newest(sandbox, LOG, 1))
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
        entries, told, is_whole = self._behind(sandbox, position)
        written = [list(self._written(number, event)) for number, event in entries]
        # Of the first some may be told already.
        text = b"".join((*[*chain.from_iterable(written[:1])][told:], *chain.from_iterable(written[1:])))
        if not text:
            return Told(b"", position)
        return Told(text if is_whole else _LOST + text, _position(*entries[-1]))

    def _written(self, number: int, event: Event) -> Iterator[bytes]:
        mark, kind, data = event
        read = self._readers.get(kind)
        for at, (name, telling) in enumerate(read(data) if read else [(kind, data)]):
            line = json.dumps(telling.brief(), separators=(",", ":")).encode()
            yield b"id: %d\nevent: %b\ndata: %b\n\n" % (number * _MARKS + mark + at, name.encode(), line)

    def _read(self, kept: list[tuple[int, Record]]) -> list[tuple[int, Event]]:
        return [(number, cast(Event, event)) for number, event in kept]

    def _behind(self, sandbox: str, position: Position) -> tuple[list[tuple[int, Event]], int, bool]:
        """The entries from a place on, how many events of the first are told, and whether none is lost.

        Some may have stood between that are not kept any more.
        """
        number = position.number
        entries = self._read(self._store.read(sandbox, LOG, max(number - 1, 0), _PAGE))
        if entries and entries[0][0] == number and entries[0][1][0] == position.mark - position.place:
            return entries, position.place + 1, True
        if entries and entries[0][0] > number:
            return entries, 0, entries[0][0] == number + 1
        # The log is another one by now: all of it is new.
        return self._read(self._store.read(sandbox, LOG, 0, _PAGE)), 0, False

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


def _position(number: int, event: Event) -> Position:
    """The place behind an entry, however many events it stands for."""
    return Position(number, event[0] + _TOGETHER - 1)
