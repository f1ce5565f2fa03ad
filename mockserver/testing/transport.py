"""httpx transports that need no socket: a client talks to the app, and meets what a socket would give it."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, MutableMapping
from concurrent.futures import wait
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from mockserver.web.request import WIRE

T = TypeVar("T")
App = Callable[[Any, Any, Any], Awaitable[None]]
Tasks = set["asyncio.Task[None]"]

# The pieces of a reply that may wait for a slow reader.
_WAITING = 16
_CLOSING_SECONDS = 5.0


def async_transport(app: App, httpx: ModuleType) -> Any:
    """A transport for the AsyncClient of that module, httpx or httpx2; its event loop is asyncio's."""
    kind: Any = type("Transport", (AsyncTransport, httpx.AsyncBaseTransport), {})
    return kind(app, httpx, type("Stream", (AsyncStream, httpx.AsyncByteStream), {}))


def sync_transport(app: App, httpx: ModuleType) -> Any:
    """A transport for the Client of that module, httpx or httpx2; any number of threads may use it."""
    kind: Any = type("Transport", (SyncTransport, httpx.BaseTransport), {})
    return kind(app, httpx, type("Stream", (SyncStream, httpx.SyncByteStream), {}))


class AsyncTransport:
    """What makes an AsyncBaseTransport of this one's module."""

    def __init__(self, app: App, httpx: ModuleType, stream: Any) -> None:
        self._app = app
        self._httpx = httpx
        self._stream = stream
        self._tasks: Tasks = set()

    async def handle_async_request(self, request: Any) -> Any:
        """One call of the app; its body and its reply may both be streams."""
        conversation = Conversation(self._app, request, self._tasks)
        with _in_words_of(self._httpx, request), _leaving(conversation.end):
            async for piece in request.stream:
                conversation.feed(piece)
            conversation.feed(None)
            head = await conversation.head()
        return _response(self._httpx, head, self._stream(self._httpx, conversation, request))

    async def aclose(self) -> None:
        """Give up the calls that the app is still at."""
        for task in self._tasks:
            task.cancel()


class AsyncStream:
    """What makes an AsyncByteStream of a reply's body."""

    def __init__(self, httpx: ModuleType, conversation: Conversation, request: Any) -> None:
        self._httpx = httpx
        self._conversation = conversation
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _in_words_of(self._httpx, self._request):
            while piece := await self._conversation.piece():
                yield piece

    async def aclose(self) -> None:
        """Let the app know that nobody reads on."""
        self._conversation.end()


class SyncTransport:
    """What makes a BaseTransport of this one's module; the app runs on a thread of its own."""

    def __init__(self, app: App, httpx: ModuleType, stream: Any) -> None:
        self._app = app
        self._httpx = httpx
        self._stream = stream
        self._tasks: Tasks = set()
        self.loop = LoopThread()
        # A client that nobody closes leaves no thread behind. It is not waited for: garbage is collected on
        # any thread, that of another loop among them.
        weakref.finalize(self, self.loop.halt)

    def handle_request(self, request: Any) -> Any:
        """One call of the app; its body and its reply may both be streams."""
        conversation = self.loop.run(_begin, self._app, request, self._tasks)
        with _in_words_of(self._httpx, request), _leaving(lambda: self.loop.call(conversation.end)):
            # Here and not on the loop: what makes a body may take its time, and belongs to this thread.
            for piece in request.stream:
                self.loop.call(conversation.feed, piece)
            self.loop.call(conversation.feed, None)
            head = self.loop.run(conversation.head)
        return _response(self._httpx, head, self._stream(self, self._httpx, conversation, request))

    def close(self) -> None:
        """Give up the calls that the app is still at, and end the thread; a next call begins another."""
        thread = self.loop.halt()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSING_SECONDS)


class SyncStream:
    """What makes a SyncByteStream of a reply's body."""

    def __init__(
        self, transport: SyncTransport, httpx: ModuleType, conversation: Conversation, request: Any
    ) -> None:
        # Held, so that its loop runs for as long as the reply is read.
        self._transport = transport
        self._httpx = httpx
        self._conversation = conversation
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _in_words_of(self._httpx, self._request):
            while piece := self._transport.loop.run(self._conversation.piece):
                yield piece

    def close(self) -> None:
        """Let the app know that nobody reads on."""
        self._transport.loop.call(self._conversation.end)


@contextmanager
def _in_words_of(httpx: ModuleType, request: Any) -> Iterator[None]:
    """A reply that is lost raises the module's own error."""
    try:
        yield
    except Lost as lost:
        raise getattr(httpx, lost.name)(str(lost), request=request) from None


@contextmanager
def _leaving(end: Callable[[], None]) -> Iterator[None]:
    """Whatever keeps a call from its reply, the app is told that the client has gone."""
    try:
        yield
    except BaseException:
        end()
        raise


def _response(httpx: ModuleType, head: Head, stream: Any) -> Any:
    extensions = {"http_version": b"HTTP/1.1"}
    return httpx.Response(head.status, headers=head.headers, stream=stream, extensions=extensions)


# --- one call and its reply ---------------------------------------------------------------------------------


class Head(NamedTuple):
    """Status and headers of a reply."""

    status: int
    headers: list[tuple[bytes, bytes]]

    @property
    def length(self) -> int | None:
        """The bytes of body that it announces."""
        found = dict(self.headers).get(b"content-length")
        return None if found is None else int(found)


class Lost(Exception):
    """The reply does not come, or not whole: the name of the error that httpx raises then, and its words."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        super().__init__(text)


def _timed_out() -> Lost:
    return Lost("ReadTimeout", "timed out")


class Conversation:
    """A call that the app answers: its body goes in piece by piece, and so its reply comes out."""

    def __init__(self, app: App, request: Any, tasks: Tasks) -> None:
        self.patience: float | None = request.extensions.get("timeout", {}).get("read")
        self._asked: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._replied: asyncio.Queue[Head | bytes | Exception | None] = asyncio.Queue(_WAITING)
        self._gone = asyncio.Event()
        self._is_fed = self._is_asked = self._is_over = False
        # The body's bytes that the app has yet to send, once its reply has begun; None where nobody knows.
        self._announced: int | None = None
        self._sent = 0
        self._has_begun = False
        self._has_body = request.method != "HEAD"
        self._task = asyncio.ensure_future(self._answer(app, {**_scope(request), "extensions": {WIRE: self}}))
        tasks.add(self._task)
        self._task.add_done_callback(tasks.discard)

    # --- the client's side

    def feed(self, piece: bytes | None) -> None:
        """Give the app a piece of the body, and None behind the last."""
        self._is_fed = piece is None
        self._asked.put_nowait(piece)

    async def head(self) -> Head:
        """The head of the reply."""
        head = await self._next()
        assert isinstance(head, Head), "the app answered without a status"
        return head

    async def piece(self) -> bytes:
        """The next bytes of the reply; none where it is over."""
        piece = await self._next()
        assert not isinstance(piece, Head)
        return piece or b""

    def end(self) -> None:
        """The client goes away: a call that is not whole is none, a reply that has begun goes no further."""
        self._gone.set()
        if not self._is_fed or (self._has_begun and not self._is_over):
            self._task.cancel()

    async def _next(self) -> Head | bytes | None:
        try:
            async with asyncio.timeout(self.patience):
                found = await self._replied.get()
        except TimeoutError:
            self.end()
            raise _timed_out() from None
        if isinstance(found, Exception):
            raise found
        return found

    # --- the app's side

    async def _answer(self, app: App, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            await self._put(error)
        else:
            await self.close()

    async def _receive(self) -> dict[str, Any]:
        if self._is_asked:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        piece = await self._asked.get()
        self._is_asked = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            head = Head(message["status"], list(message.get("headers", ())))
            self._has_begun, self._announced = True, head.length
            await self._put(head)
            return
        if self._has_body and (piece := message.get("body", b"")):
            self._sent += len(piece)
            await self._put(piece)
        if not message.get("more_body", False):
            await self._put(None)

    async def _put(self, part: Head | bytes | Exception | None) -> None:
        if self._is_over or self._gone.is_set():
            return
        # Nothing follows the end, nor what is told in its place.
        self._is_over = part is None or isinstance(part, Exception)
        await self._replied.put(part)

    # --- the wire, for faults

    async def reset(self) -> None:
        """The client meets a reset."""
        reset = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        await self._put(Lost("ReadError", str(reset)))

    async def close(self) -> None:
        """The client meets the end of the connection: before its time, unless the reply is whole."""
        if not self._has_begun:
            await self._put(Lost("RemoteProtocolError", "Server disconnected without sending a response."))
        elif self._has_body and self._announced is not None and self._sent < self._announced:
            text = (
                "peer closed connection without sending complete message body "
                f"(received {self._sent} bytes, expected {self._announced})"
            )
            await self._put(Lost("RemoteProtocolError", text))
        else:
            await self._put(None)

    async def rest(self, seconds: float) -> None:
        """Wait for so long."""
        await asyncio.sleep(seconds)

    async def give_up(self) -> None:
        """The client meets its own timeout."""
        await self._put(_timed_out())


async def _begin(app: App, request: Any, tasks: Tasks) -> Conversation:
    return Conversation(app, request, tasks)


def _scope(request: Any) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
    }


# --- an event loop for those who have none ------------------------------------------------------------------


class LoopThread:
    """An event loop on a thread of its own, begun when something is to run; for use by any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[..., Coroutine[Any, Any, T]], *args: Any) -> T:
        """What the work comes to."""
        loop = self._running()
        future = asyncio.run_coroutine_threadsafe(work(*args), loop)
        while True:
            wait([future], timeout=_CLOSING_SECONDS)
            if future.done():
                return future.result()
            if loop.is_closed():
                raise RuntimeError("the transport was closed while it was in use")

    def call(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function on the loop, soon; where none runs there is nobody to be told."""
        with self._guard:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function, *args)

    def halt(self) -> threading.Thread | None:
        """Let the loop end, and whatever still runs on it; the thread that then ends."""
        with self._guard:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if loop is not None:
                loop.call_soon_threadsafe(loop.stop)
        return thread

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None:
                began: list[asyncio.AbstractEventLoop] = []
                listening = threading.Event()
                self._thread = threading.Thread(target=_run_loop, args=(began, listening), daemon=True)
                self._thread.start()
                listening.wait()
                self._loop = began[0]
            return self._loop


def _run_loop(began: list[asyncio.AbstractEventLoop], listening: threading.Event) -> None:
    with asyncio.Runner() as runner:
        began.append(runner.get_loop())
        listening.set()
        runner.get_loop().run_forever()
