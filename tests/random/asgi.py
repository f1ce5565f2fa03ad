"""One call of an ASGI application, as quick as it can be: thousands of them make a random test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def at_once(call: Coroutine[Any, Any, None]) -> None:
    """Run a call that waits for nothing: without an event loop, which would cost more than the call."""
    try:
        call.send(None)
    except StopIteration:
        return
    raise AssertionError("the call waits for something")


def call(
    app: Any,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    run: Callable[[Coroutine[Any, Any, None]], None] = at_once,
) -> Answer:
    """Send one request, the target percent-encoded as it travels, and collect the answer."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            *((n.encode("latin-1"), v.encode("latin-1")) for n, v in headers),
        ],
        "server": ("127.0.0.1", 4010),
        "client": ("127.0.0.1", 50000),
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    run(app(scope, receive, send))
    start = sent[0]
    answered = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))
