"""Where an application runs that knows asyncio only: its caller's loop, or one on a thread of its own."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from mockserver.testing.conversation import closed

T = TypeVar("T")

_CLOSING_SECONDS = 5.0


class Place(Protocol):
    """An event loop of asyncio, on which conversations are held."""

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function there, before anything that is asked for later."""


class Here:
    """The event loop of the caller."""

    async def run(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """What the work comes to."""
        return await work(*args)

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function, at once."""
        function(*args)


class LoopThread:
    """An event loop on a thread of its own; any other thread may use it."""

    def __init__(self) -> None:
        self.ended: Future[None] = Future()
        # So nobody who waits for it can cancel it.
        self.ended.set_running_or_notify_cancel()
        self._guard = threading.Lock()
        self._is_halted = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="persona-mock transport", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it takes work; in the child of a fork it does not."""
        return not self._is_halted and self._thread.is_alive()

    def begin(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> Future[T]:
        """Begin a piece of work."""
        with self._guard:
            if not self.is_running:
                raise closed()
            return asyncio.run_coroutine_threadsafe(work(*args), self._loop)

    def run(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """What the work comes to; this thread waits for it."""
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "The app calls itself through the transport that waits for it. Give it a transport of its own"
            )
        future = self.begin(work, *args)
        try:
            return future.result()
        except CancelledError:
            raise closed() from None
        finally:
            future.cancel()

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function on the loop, soon; where none runs there is nobody to be told."""
        with self._guard:
            if self.is_running:
                self._loop.call_soon_threadsafe(function, *args)

    def halt(self) -> None:
        """Let it end, and whatever still runs on it."""
        with self._guard:
            if self.is_running:
                self._loop.call_soon_threadsafe(self._loop.stop)
            # Said at once: what is asked for behind the stop would never be done.
            self._is_halted = True

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not threading.current_thread():
            self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop):
                self._loop.run_forever()
        finally:
            self.ended.set_result(None)


class FromTrio:
    """A loop thread, for tasks of trio: whoever is cancelled waits no longer."""

    def __init__(self, trio: Any, thread: LoopThread) -> None:
        self._trio = trio
        self._thread = thread

    async def run(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """What the work comes to."""
        future = self._thread.begin(work, *args)
        try:
            await _wait_in_trio(self._trio, future)
            return future.result()
        except CancelledError:
            raise closed() from None
        finally:
            future.cancel()

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function on the loop, soon."""
        self._thread.call(function, *args)


class LoopThreads:
    """One loop thread after another, each begun when something is to run."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._thread: LoopThread | None = None

    def running(self) -> LoopThread:
        """The one that runs."""
        with self._guard:
            if self._thread is None or not self._thread.is_running:
                self._thread = LoopThread()
            return self._thread

    def halt(self) -> LoopThread | None:
        """Let it end; which one that was."""
        with self._guard:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.halt()
        return thread


def running_trio() -> Any:
    """The module, where a task of trio runs; it is loaded then."""
    trio = sys.modules.get("trio")
    return trio if trio is not None and trio.lowlevel.in_trio_task() else None


def is_in_loop() -> bool:
    """Whether the caller runs on an event loop, which it then keeps from everything else."""
    if running_trio() is not None:
        return True
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return True
    return False


async def wait_for(future: Future[Any]) -> None:
    trio = running_trio()
    await (asyncio.wrap_future(future) if trio is None else _wait_in_trio(trio, future))


async def _wait_in_trio(trio: Any, future: Future[Any]) -> None:
    done, token = trio.Event(), trio.lowlevel.current_trio_token()

    def tell(_: Future[Any]) -> None:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(done.set)

    future.add_done_callback(tell)
    await done.wait()
