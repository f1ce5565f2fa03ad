"""An ASGI application called without a socket, on an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

from contracts.target import TIMEOUT, Call, Reply, Unanswered

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class Inside:
    """The application as a target, from its start-up to its end."""

    def __init__(self, application: Application, url: str, *, timeout: float = TIMEOUT) -> None:
        self.url = url
        self._application, self._timeout = application, timeout
        self._address = (urlsplit(url).hostname or "", urlsplit(url).port or 80)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="application", daemon=True)
        self._ends = asyncio.Event()

    def __enter__(self) -> Inside:
        self._thread.start()
        started = self._loop.create_future()
        self._life = asyncio.run_coroutine_threadsafe(self._live(started), self._loop)
        try:
            asyncio.run_coroutine_threadsafe(asyncio.wait_for(started, 60), self._loop).result()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ends.set)
        self._life.result(60)
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, call: Call) -> Reply:
        """The answer, or Unanswered where the application gives none."""
        answer = asyncio.run_coroutine_threadsafe(self._answered(call), self._loop)
        try:
            return answer.result(self._timeout)
        except UnicodeEncodeError as error:
            raise Unanswered(f"HTTP cannot carry {error.object!r} in a header") from None
        except TimeoutError:
            answer.cancel()
            raise Unanswered(f"nothing came for {self._timeout:g} s") from None

    async def _live(self, started: asyncio.Future[None]) -> None:
        """The lifespan of the application, in one task."""
        told = False

        async def receive() -> Message:
            nonlocal told
            if not told:
                told = True
                return {"type": "lifespan.startup"}
            await self._ends.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                started.set_result(None)
            elif message["type"] == "lifespan.startup.failed":
                started.set_exception(Unanswered(message.get("message") or "it does not start"))

        # An application that knows no lifespan raises, or returns at once; it is served all the same.
        with suppress(Exception):
            await self._application({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
        if not started.done():
            started.set_result(None)

    async def _answered(self, call: Call) -> Reply:
        status, headers, parts = 0, [], []
        gone = asyncio.Event()
        asked = whole = False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": call.body or b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            nonlocal status, headers, whole
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
                ]
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                whole = not message.get("more_body", False)

        reason, scope = "the application gave no answer", self._scope(call)
        try:
            await self._application(scope, receive, send)
        except Exception as error:
            # One that raises after its answer has answered; a server would only log it.
            reason = f"the application raised {type(error).__name__}: {error}"
        gone.set()
        if not whole:
            raise Unanswered(reason)
        return Reply(status, headers, b"".join(parts))

    def _scope(self, call: Call) -> Message:
        path, _, query = call.target.partition("?")
        headers = [("host", ":".join(map(str, self._address))), *call.headers]
        if call.body is not None:
            headers.append(("content-length", str(len(call.body))))
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": call.method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": ("127.0.0.1", 0),
            "server": self._address,
        }
