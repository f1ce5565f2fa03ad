"""A thread with an event loop of its own, there while it has something to do."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

# How long the thread stays when it has nothing to do, before it ends; the next work starts another.
IDLE_SECONDS = 1.0
END_SECONDS = 2.0
# So many answers are waited for at once, and so many of one receiver: silent ones must neither use up the
# connections of this process nor keep the others waiting.
AT_ONCE = 400
AT_ONE = 50


class Sender:
    """Runs coroutines beside whatever event loop, or none, the application runs on."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ending: asyncio.Event | None = None
        self._busy: set[Future[None]] = set()
        self.closed = False
        self._slots = _Slots()

    def start(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Run some work on the thread; once closed it is cancelled at once."""
        with self._guard:
            if self.closed:
                work.close()
                ended: Future[None] = Future()
                ended.cancel()
                return ended
            future = asyncio.run_coroutine_threadsafe(work, self._running())
            self._busy.add(future)
        future.add_done_callback(self._done)
        return future

    def open(self) -> None:
        """Start what is asked for, also after an end."""
        with self._guard:
            self.closed = False

    def slot(self, receiver: str) -> AbstractAsyncContextManager[None]:
        """A turn to call a receiver, for work that runs on the thread."""
        return self._slots.of(receiver)

    def close(self) -> None:
        """Cancel what is under way and see the thread end; nothing is started any more."""
        thread = self._thread
        self.stop()
        if thread is not None and thread is not threading.current_thread():
            thread.join(END_SECONDS)

    def stop(self) -> None:
        """Cancel what is under way; nothing is started any more."""
        with self._guard:
            self.closed = True
            busy = list(self._busy)
        # While the thread has something to do it stays; so its loop is there to be told of each.
        for future in busy:
            future.cancel()
        with self._guard:
            if self._loop is not None and self._ending is not None:
                self._loop.call_soon_threadsafe(self._ending.set)

    def _done(self, future: Future[None]) -> None:
        with self._guard:
            self._busy.discard(future)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._slots = _Slots()
            self._thread = threading.Thread(target=self._run, args=(self._loop,), name="agenda", daemon=True)
            self._thread.start()
        return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._until_idle())
            loop.run_until_complete(_cancelled(loop))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    async def _until_idle(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended(), IDLE_SECONDS)
            with self._guard:
                if self.closed or not self._busy:
                    self._loop = self._thread = self._ending = None
                    return

    async def _ended(self) -> None:
        with self._guard:
            self._ending = self._ending or asyncio.Event()
        if not self.closed:
            await self._ending.wait()


class _Slots:
    """Turns on one event loop: so many in all, and so many for each receiver."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._each: dict[str, asyncio.Semaphore] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def of(self, receiver: str) -> AsyncIterator[None]:
        """One turn, when there is one."""
        self._users[receiver] += 1
        own = self._each.setdefault(receiver, asyncio.Semaphore(AT_ONE))
        try:
            async with own, self._all:
                yield
        finally:
            self._users[receiver] -= 1
            if not self._users[receiver]:
                del self._users[receiver], self._each[receiver]


async def _cancelled(loop: asyncio.AbstractEventLoop) -> None:
    """Cut what is still under way, and wait until it has ended."""
    rest = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
