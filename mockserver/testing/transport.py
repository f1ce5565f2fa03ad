"""httpx transports that need no socket: a client talks to the app, and meets what a socket would give it."""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from types import TracebackType
from typing import Any, Self

from mockserver.testing.conversation import App, Conversation, Head, Lost, Tasks, cancel
from mockserver.testing.loops import FromTrio, Here, LoopThread, LoopThreads, Place, running_trio, wait_for

# Whose clients we serve. Neither is imported here: a request is there only where its module is loaded.
MODULES = ("httpx", "httpx2")


def async_transport(app: App) -> Any:
    """A transport for any AsyncClient of httpx and httpx2, under asyncio and under trio."""
    return _class(AsyncTransport, *_loaded("AsyncBaseTransport"))(app)


def sync_transport(app: App) -> Any:
    """A transport for any Client of httpx and httpx2; any number of threads may use it."""
    return _class(SyncTransport, *_loaded("BaseTransport"))(app)


class Transport:
    """What both kinds are: an app, its calls, and a thread for it if one is needed."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: Tasks = set()
        self._threads = LoopThreads()
        # A client that nobody closes leaves no thread behind. It is not waited for: garbage is collected on
        # any thread, that of another loop among them. Nor is it ended with the process: whoever waits for a
        # reply then would complain that it is lost.
        weakref.finalize(self, self._threads.halt).atexit = False

    def halt(self) -> None:
        """Give up the calls that the app is still at, and end the thread; a next call begins another."""
        thread = self._give_up()
        if thread is not None:
            thread.join()

    def _give_up(self) -> LoopThread | None:
        for task in tuple(self._tasks):
            cancel(task)
        return self._threads.halt()


class AsyncTransport(Transport):
    """What becomes an AsyncBaseTransport of the modules that are loaded."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def handle_async_request(self, request: Any) -> Any:
        """One call of the app; its body and its reply may both be streams."""
        httpx, place = _module_of(request), self._place()
        conversation = Conversation(self._app, request, self._tasks)
        with _in_words_of(httpx, request), _leaving(place, conversation):
            place.call(conversation.begin)
            async with _pieces(request) as pieces:
                async for piece in pieces:
                    place.call(conversation.feed, bytes(piece))
                    if conversation.fills_up(piece):
                        await place.run(conversation.room)
            place.call(conversation.fed)
            head = await place.run(conversation.head)
        kind = _class(AsyncStream, httpx.AsyncByteStream)
        return _response(httpx, head, kind(self, place, conversation, request))

    async def aclose(self) -> None:
        """The same as `halt`, but other tasks go on meanwhile."""
        thread = self._give_up()
        if thread is not None:
            await wait_for(thread.ended)
            thread.join()

    def _place(self) -> Here | FromTrio:
        """Where the app is to run: it knows asyncio only."""
        trio = running_trio()
        return Here() if trio is None else FromTrio(trio, self._threads.running())


class AsyncStream:
    """What becomes an AsyncByteStream of the request's module: a reply's body."""

    def __init__(
        self, transport: AsyncTransport, place: Here | FromTrio, conversation: Conversation, request: Any
    ) -> None:
        # Held, so that its thread runs for as long as the reply is read.
        self._transport = transport
        self._place = place
        self._conversation = conversation
        self._request = request

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._conversation.is_whole:
            raise StopAsyncIteration
        with _in_words_of(_module_of(self._request), self._request):
            piece = await self._place.run(self._conversation.piece)
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Let the app know that nobody reads on."""
        self._place.call(self._conversation.end)


class SyncTransport(Transport):
    """What becomes a BaseTransport of the modules that are loaded; the app runs on a thread of its own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def handle_request(self, request: Any) -> Any:
        """One call of the app; its body and its reply may both be streams."""
        httpx, thread = _module_of(request), self._threads.running()
        conversation = Conversation(self._app, request, self._tasks)
        with _in_words_of(httpx, request), _leaving(thread, conversation):
            thread.call(conversation.begin)
            # Here and not on the loop: what makes a body may take its time, and belongs to this thread.
            for piece in request.stream:
                thread.call(conversation.feed, bytes(piece))
                if conversation.fills_up(piece):
                    thread.run(conversation.room)
            thread.call(conversation.fed)
            head = thread.run(conversation.head)
        kind = _class(SyncStream, httpx.SyncByteStream)
        return _response(httpx, head, kind(self, thread, conversation, request))

    def close(self) -> None:
        """The same as `halt`."""
        self.halt()


class SyncStream:
    """What becomes a SyncByteStream of the request's module: a reply's body."""

    def __init__(
        self, transport: SyncTransport, thread: LoopThread, conversation: Conversation, request: Any
    ) -> None:
        # Held, so that its thread runs for as long as the reply is read.
        self._transport = transport
        self._thread = thread
        self._conversation = conversation
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        # Most replies are whole by now, and spare their reader another wait.
        if self._conversation.is_whole:
            raise StopIteration
        with _in_words_of(_module_of(self._request), self._request):
            piece = self._thread.run(self._conversation.piece)
        if not piece:
            raise StopIteration
        return piece

    def close(self) -> None:
        """Let the app know that nobody reads on."""
        self._thread.call(self._conversation.end)


def _loaded(name: str) -> list[type]:
    """The classes of that name, of those of our modules that are loaded."""
    modules = (sys.modules.get(module) for module in MODULES)
    return [getattr(module, name) for module in modules if hasattr(module, name)]


@cache
def _class(kind: type, *bases: type) -> Any:
    return type(kind.__name__, (kind, *bases), {})


def _module_of(request: Any) -> Any:
    """The module whose request that is, or a subclass of it."""
    for kind in type(request).__mro__:
        name = kind.__module__.partition(".")[0]
        if name in MODULES:
            return sys.modules[name]
    raise TypeError(f"This transport answers requests of {' and '.join(MODULES)}, got {type(request)!r}")


@contextmanager
def _in_words_of(httpx: Any, request: Any) -> Iterator[None]:
    """A reply that is lost raises the module's own error."""
    try:
        yield
    except Lost as lost:
        raise getattr(httpx, lost.name)(str(lost), request=request) from None


@contextmanager
def _leaving(place: Place, conversation: Conversation) -> Iterator[None]:
    """Whatever keeps a call from its reply, the app is told that the client has gone."""
    try:
        yield
    except BaseException:
        place.call(conversation.end)
        raise


@asynccontextmanager
async def _pieces(request: Any) -> AsyncIterator[AsyncIterator[bytes]]:
    """The pieces of a body; a generator that is left early is closed, which trio insists on."""
    pieces = aiter(request.stream)
    try:
        yield pieces
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def _response(httpx: Any, head: Head, stream: Any) -> Any:
    extensions = {"http_version": b"HTTP/1.1"}
    return httpx.Response(head.status, headers=head.headers, stream=stream, extensions=extensions)
