"""A call that an application answers without a socket, for whoever writes its request and reads its reply."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from mockserver.web.request import WIRE

T = TypeVar("T")
App = Callable[[Any, Any, Any], Awaitable[None]]
Tasks = set["asyncio.Task[None]"]

# So many bytes of a body may wait for a slow reader, before its writer waits too.
_WAITING = 128 * 1024
_NO_BODY = (204, 304)


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


def _timed_out(name: str = "ReadTimeout") -> Lost:
    return Lost(name, "timed out")


def closed() -> Lost:
    """What a client meets whose transport is gone."""
    return Lost("ReadError", "the transport was closed while it was in use")


class Pipe(Generic[T]):
    """Parts on their way from one task to another; a writer who is far ahead waits for the reader."""

    def __init__(self) -> None:
        self._parts: deque[T] = deque()
        self._waiting = 0
        self._changed = asyncio.Event()
        self._error: Exception | None = None
        self.is_ended = False

    def put(self, part: T) -> None:
        """Hand over a part; behind the end it is dropped."""
        if not self.is_ended:
            self._parts.append(part)
            self._waiting += _size(part)
            self._changed.set()

    async def room(self) -> None:
        """Wait until the reader has caught up, or wants no more."""
        while self._waiting >= _WAITING and not self.is_ended:
            await self._change()

    def take(self) -> T | None:
        """The next part; behind the last one the error that ended it, else None."""
        if self._parts:
            part = self._parts.popleft()
            self._waiting -= _size(part)
            self._changed.set()
            return part
        if self._error is not None:
            raise self._error
        return None

    @property
    def is_ready(self) -> bool:
        """Whether there is a part, or the end."""
        return bool(self._parts) or self.is_ended

    async def ready(self) -> None:
        """Wait until there is a part, or the end."""
        while not self.is_ready:
            await self._change()

    @property
    def is_whole(self) -> bool:
        """Whether all was taken, and no error follows; known on any thread."""
        return self.is_ended and not self._parts and self._error is None

    def end(self, error: Exception | None = None) -> None:
        """Let nothing follow; the first end counts."""
        if not self.is_ended:
            self._error = error
            self.is_ended = True
            self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _size(part: object) -> int:
    return len(part) if isinstance(part, bytes) else 0


class Conversation:
    """A call that the app answers: its body goes in piece by piece, and so its reply comes out.

    It may be made anywhere; all else happens on the event loop on which it is begun.
    """

    def __init__(self, app: App, request: Any, tasks: Tasks) -> None:
        timeout = request.extensions.get("timeout") or {}
        self.patience: float | None = timeout.get("read")
        self._writing_patience: float | None = timeout.get("write")
        self._app = app
        self._scope = {**_scope(request), "extensions": {WIRE: self}}
        self._tasks = tasks
        self._asked: Pipe[bytes] = Pipe()
        self._replied: Pipe[Head | bytes] = Pipe()
        self._gone = asyncio.Event()
        self._is_asked = False
        self._given = 0
        # The body's bytes that the reply announces, once it has begun; None where nobody knows.
        self._announced: int | None = None
        self._sent = 0
        self._has_begun = False
        self._has_body = request.method != "HEAD"

    # --- the client's side

    def begin(self) -> None:
        """Let the app begin."""
        self._task = asyncio.ensure_future(self._answer())
        # Held, for a loop does not hold its tasks.
        self._tasks.add(self._task)
        self._task.add_done_callback(self._tasks.discard)

    def feed(self, piece: bytes) -> None:
        """Give the app a piece of the body."""
        if piece:
            self._asked.put(piece)

    def fills_up(self, piece: bytes) -> bool:
        """Count a piece; whether the app is to catch up before the next. For the client's own thread only."""
        self._given += len(piece)
        is_full = self._given >= _WAITING
        self._given = 0 if is_full else self._given
        return is_full

    async def room(self) -> None:
        """Wait for the app to catch up, for as long as the client would wait to write."""
        await self._no_longer_than(self._writing_patience, "WriteTimeout", self._asked.room)

    def fed(self) -> None:
        """Tell the app that the body is whole."""
        self._asked.end()

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
        if not self._asked.is_ended or (self._has_begun and not self._replied.is_ended):
            # Soon and not now: an app that was called does begin.
            cancel(self._task)
        self._gone.set()
        self._replied.end()

    @property
    def is_whole(self) -> bool:
        """Whether the client has all of the reply; known on any thread."""
        return self._replied.is_whole

    async def _next(self) -> Head | bytes | None:
        if not self._replied.is_ready:
            await self._no_longer_than(self.patience, "ReadTimeout", self._replied.ready)
        return self._replied.take()

    async def _no_longer_than(
        self, seconds: float | None, name: str, wait: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                await wait()
        except TimeoutError:
            self.end()
            raise _timed_out(name) from None

    # --- the app's side

    async def _answer(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._send)
            await self.close()
        except Exception as error:
            self._replied.end(error)
        except SystemExit as error:
            # Not raised on: it would end the event loop, and every other call with it.
            self._replied.end(Lost("ReadError", f"the app ended by {error!r}"))
        finally:
            # Of an app that was stopped nobody expects more.
            self._replied.end(closed())
            self._asked.end()

    async def _receive(self) -> dict[str, Any]:
        if self._is_asked:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        await self._asked.ready()
        piece = self._asked.take()
        self._is_asked = piece is None
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            head = Head(message["status"], list(message.get("headers", ())))
            self._has_begun, self._announced = True, head.length
            self._has_body = self._has_body and head.status not in _NO_BODY
            await self._tell(head)
            return
        if self._has_body and (piece := bytes(message.get("body", b""))):
            self._sent += len(piece)
            await self._tell(piece)
        if not message.get("more_body", False):
            await self.close()

    async def _tell(self, part: Head | bytes) -> None:
        await self._replied.room()
        self._replied.put(part)
        if self._gone.is_set():
            # An app that talks on to nobody lets others have their turn.
            await asyncio.sleep(0)

    # --- the wire, for faults

    async def reset(self) -> None:
        """The client meets a reset."""
        reset = ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        self._replied.end(Lost("ReadError", str(reset)))

    async def close(self) -> None:
        """The client meets the end of the connection: before its time, unless the reply is whole."""
        self._replied.end(self._what_is_missing())

    @property
    def is_gone(self) -> bool:
        """Whether the client waits for nothing more."""
        return self._gone.is_set()

    async def rest(self, seconds: float) -> None:
        """Wait for so long, or until the client has gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._gone.wait()

    async def give_up(self) -> None:
        """The client meets its own timeout."""
        self._replied.end(_timed_out())

    def _what_is_missing(self) -> Lost | None:
        if not self._has_begun:
            return Lost("RemoteProtocolError", "Server disconnected without sending a response.")
        if self._has_body and self._announced is not None and self._sent < self._announced:
            text = (
                "peer closed connection without sending complete message body "
                f"(received {self._sent} bytes, expected {self._announced})"
            )
            return Lost("RemoteProtocolError", text)
        return None


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


def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task from any thread."""
    # A loop that is closed has nothing left to cancel.
    with suppress(RuntimeError):
        task.get_loop().call_soon_threadsafe(task.cancel)
