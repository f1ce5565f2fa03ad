"""The application asked in this process, as an ASGI server would ask it and with nothing of one around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, islice
from time import perf_counter
from typing import Any, NamedTuple

from tests.bench.workloads import Answer, Ask, headers_of
from tests.bench.wrk import Call

Message = MutableMapping[str, Any]
App = Callable[[Any, Any, Any], Awaitable[None]]


class Request(NamedTuple):
    """A call as an ASGI server hands it over; the scope is copied for each time it is made."""

    scope: dict[str, Any]
    body: Message

    @classmethod
    def of(cls, call: Call, headers: Mapping[str, str] | None = None) -> Request:
        """The call with the headers that any call has, and some more."""
        path, _, query = call.path.partition("?")
        named = {"Host": "127.0.0.1:4010", **headers_of(call), **(headers or {})}
        if call.body is not None:
            named["Content-Length"] = str(len(call.body))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "server": ("127.0.0.1", 4010),
            "client": ("127.0.0.1", 50000),
            "scheme": "http",
            "method": call.method,
            "root_path": "",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        }
        return cls(scope, {"type": "http.request", "body": call.body or b"", "more_body": False})


async def send_all(app: App, requests: Sequence[Request], count: int) -> float:
    """Make that many calls, one after the other, the answers thrown away; the seconds it took."""

    async def forget(message: Message) -> None:
        pass

    began = perf_counter()
    for scope, body in islice(cycle(requests), count):

        async def receive(body: Message = body) -> Message:
            return body

        await app(dict(scope), receive, forget)
    return perf_counter() - began


def asked(runner: asyncio.Runner, app: App) -> Ask:
    """The application as something that answers calls."""

    def ask(call: Call, headers: Mapping[str, str]) -> Answer:
        return runner.run(_answer(app, Request.of(call, headers)))

    return ask


async def _answer(app: App, request: Request) -> Answer:
    sent: list[Message] = []

    async def receive() -> Message:
        return request.body

    async def send(message: Message) -> None:
        sent.append(message)

    await app(dict(request.scope), receive, send)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


@asynccontextmanager
async def alive(app: App) -> AsyncIterator[None]:
    """The application's lifespan: begun, and ended behind."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    task = asyncio.ensure_future(app({"type": "lifespan"}, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    await from_app.get()
    yield
    await to_app.put({"type": "lifespan.shutdown"})
    await task
