"""A sandbox that is in use: what answers in it, until it is left."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar, cast

from mockserver.domain.ports import Line, Tx
from mockserver.domain.ports import Record as Kept
from mockserver.store.memory import MemoryStore
from mockserver.testing.options import Options
from mockserver.testing.receiver import RECEIVER, Receiver
from mockserver.testing.records import Record, Request
from mockserver.web.control.dispatch import carry_out
from mockserver.web.endpoint import Endpoint
from mockserver.web.journal import LOG, Entry
from mockserver.web.locate import Target
from mockserver.web.media import is_media
from mockserver.web.reply import problem
from mockserver.web.request import Gone, Incoming, Receive, Scope, Send, send_reply
from mockserver.web.world import World, read_counts

T = TypeVar("T")
Counts = Counter[tuple[str, str, str, str]]

# How long a look at the journal waits for calls that are as good as over.
_SETTLE_SECONDS = 0.02
# The broken requests that are kept to be told of; more would tell nobody more.
_MOST_BROKEN = 100


class Left(Gone):
    """The sandbox is left, and nothing is done in it any more."""

    def __init__(self, name: str) -> None:
        self.name = name
        Exception.__init__(self, f"the sandbox {name!r} is closed: the test it was made for is over")


class Call(NamedTuple):
    """A call on its way: what ASGI hands over, and what was read of it."""

    scope: Scope
    receive: Receive
    send: Send
    incoming: Incoming
    target: Target

    @property
    def is_provider(self) -> bool:
        """True for what the journal has in the end."""
        return not (self.target.is_control or is_media(self.target.path) or self.is_callback)

    @property
    def is_callback(self) -> bool:
        """True for a call of the sandbox's own receiver."""
        return self.target.path == RECEIVER or self.target.path.startswith(f"{RECEIVER}/")


class CountingStore(MemoryStore):
    """A store that keeps what was met in a sandbox when the sandbox is forgotten."""

    def __init__(self, log_size: int) -> None:
        super().__init__(log_size)
        self._counts: Counts = Counter()

    def drop(self, sandbox: str) -> None:
        """Forget a sandbox, but for what was met in it."""
        self._counts.update(super().run(sandbox, read_counts))
        super().drop(sandbox)

    def all_counts(self) -> Counts:
        """What was met, in all sandboxes together, forgotten ones included."""
        counts = Counter(self._counts)
        for sandbox in self.sandboxes():
            counts.update(super().run(sandbox, read_counts))
        return counts


class RoomStore(CountingStore):
    """The store of one room: nothing is done in it any more once the room is left."""

    def __init__(self, name: str, log_size: int) -> None:
        super().__init__(log_size)
        self._name = name
        self.is_left = False
        # Told of each entry of the journal, which may be emptied and is bounded.
        self.noted: Callable[[Entry], None] | None = None

    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Call `work` atomically; Left where that is past."""
        self._check()
        return super().run(sandbox, work)

    def append(self, sandbox: str, log: str, entry: Kept, weight: int | None = None) -> int:
        """Add an entry to a log; Left where that is past."""
        self._check()
        return super().append(sandbox, log, entry, weight)

    def extend(self, sandbox: str, lines: Iterable[Line]) -> None:
        """Add entries to several logs; Left where that is past."""
        self._check()
        added = list(lines)
        for log, entry, _ in added:
            if log == LOG and self.noted is not None:
                self.noted(cast(Entry, entry))
        super().extend(sandbox, added)

    def _check(self) -> None:
        if self.is_left:
            raise Left(self._name)


class Room:
    """One sandbox with its world, its own store and its own receiver."""

    def __init__(self, name: str, url: str, options: Options, world: World, store: RoomStore) -> None:
        self.name, self.url, self.options, self.world = name, url, options, world
        self.receiver = Receiver(url + RECEIVER, self._deliveries)
        self._store = store
        self._endpoint = Endpoint(world)
        self._guard = threading.Lock()
        # Of a strict room: the calls that broke their document and were told to nobody yet.
        self._broken: list[Entry] = []
        # The calls under way over the port, and whether the journal waits for them.
        self._calls: dict[asyncio.Task[Any], bool] = {}
        # Every call that was noted, also those that the journal has lost since.
        self.calls_noted = 0
        store.noted = self._note

    @property
    def is_left(self) -> bool:
        """True once nothing is done in it any more."""
        return self._store.is_left

    def counts(self) -> Counts:
        """What was met in it."""
        return self._store.all_counts()

    def settle(self) -> None:
        """Let calls be noted that are as good as over: their clients wait no more."""
        end = time.monotonic() + _SETTLE_SECONDS
        while any(tuple(self._calls.values())) and time.monotonic() < end:
            time.sleep(0.0005)

    def take_broken(self) -> list[Request]:
        """The calls that broke their document since the last time; none of a room that is not strict."""
        self.settle()
        with self._guard:
            taken, self._broken = self._broken, []
        return [Request.of(self.world.journal.whole(entry)) for entry in taken]

    def leave(self) -> None:
        """End everything that is under way; whoever waits for an answer is hung up on."""
        self.world.agenda.drop(self.name)
        self._store.is_left = True
        self._endpoint.close()
        self.world.stop()
        for task in tuple(self._calls):
            task.get_loop().call_soon_threadsafe(self._cut, task)

    def _cut(self, task: asyncio.Task[Any]) -> None:
        if task in self._calls:
            task.cancel()

    def _note(self, entry: Entry) -> None:
        self.calls_noted += 1
        if not self.options.strict or len(self._broken) >= _MOST_BROKEN:
            return
        if any(violation["in"] != "response" for violation in entry.violations):
            with self._guard:
                self._broken.append(entry)

    def _deliveries(self) -> list[Record]:
        return [Record(one) for one in carry_out(self.world, self.name, "listCallbacks")["callbacks"]]

    # --- answering ------------------------------------------------------------------------------------------

    async def answer(self, call: Call, *, over_port: bool) -> None:
        """Answer a call; one over the port is hung up on when the room is left."""
        task = asyncio.current_task()
        if not over_port or task is None:
            await self._answered(call, call.send)
            return
        self._calls[task] = call.is_provider
        try:
            await self._answered(call, _telling(call.send, lambda: self._calls.pop(task, None)))
        except asyncio.CancelledError:
            if not self.is_left or call.incoming.wire is None:
                raise
            task.uncancel()
            await call.incoming.wire.close()
        finally:
            self._calls.pop(task, None)

    async def _answered(self, call: Call, send: Send) -> None:
        begun: list[bool] = []

        async def sending(message: Any) -> None:
            begun.append(True)
            await send(message)

        if call.is_callback:
            await self.receiver.receive(call.scope, call.target.path, call.receive, sending)
            return
        with suppress(Left):
            await self._endpoint(call.scope, call.receive, sending)
        if self.is_left and not begun:
            await say_closed(self.name, call.incoming, send)


def _telling(send: Send, answered: Callable[[], object]) -> Send:
    """The same, telling when the last of a reply was handed over: what follows keeps nobody waiting."""

    async def telling(message: Any) -> None:
        await send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered()

    return telling


async def say_closed(name: str, incoming: Incoming, send: Send) -> None:
    """Answer a call that comes too late for its sandbox."""
    text = (
        f"The sandbox {name!r} is closed: the test it was made for is over. "
        "Something that test started still calls; end it with the test"
    )
    await send_reply(send, incoming, problem("sandbox-closed", 410, text))
