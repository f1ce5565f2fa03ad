"""The receiver that comes with every sandbox: callbacks to its URL are kept, and can be waited for."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from mockserver.openapi.hosts import is_loopback
from mockserver.settings import UsageError
from mockserver.testing.records import Record, headers_of
from mockserver.web.reply import Reply, problem
from mockserver.web.request import (
    Gone,
    Incoming,
    Receive,
    Scope,
    Send,
    TooLarge,
    read_body,
    send_reply,
    too_large,
)

RECEIVER = "/_receiver"
PATIENCE = 5.0
_LARGEST = 16 * 1024**2


class Callback(Record):
    """A callback that came: the object in its body, and beside it how it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    raw: bytes
    body: Any

    @classmethod
    def of(cls, scope: Scope, path: str, raw: bytes) -> Callback:
        """The callback that a request is."""
        body = _read(raw)
        made = cls(body if isinstance(body, dict) else {})
        made.method, made.path = scope["method"], path
        made.query = scope.get("query_string", b"").decode("latin-1")
        made.headers = headers_of(scope["headers"])
        made.raw, made.body = raw, body
        return made


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _check_status(status: object, where: str) -> None:
    if type(status) is not int or not 200 <= status <= 599:
        wanted = "an HTTP status from 200 to 599"
        raise UsageError(where=f"callbacks.{where}(…)", got=repr(status), wanted=wanted)


def _guard(incoming: Incoming) -> Reply | None:
    """Refuse a page, and a name that somebody else controls: callbacks come from programs on this machine."""
    if not is_loopback(incoming.host):
        return problem("forbidden-host", 403, f"The receiver does not answer to {incoming.host[:100]!r}")
    if incoming.header("origin") is not None or incoming.header("sec-fetch-site") is not None:
        return problem("cross-site", 403, "The receiver does not answer pages")
    return None


class Receiver(Sequence[Callback]):
    """What came to this sandbox's own callback URL, oldest first."""

    def __init__(self, url: str, deliveries: Callable[[], list[Record]]) -> None:
        self.url = url
        # What to do about callbacks that do not come.
        self.hint: Callable[[], str] = str
        self._deliveries = deliveries
        self._news = threading.Condition()
        self._came: list[Callback] = []
        self._answers: deque[int] = deque()
        self._usual = 200

    @property
    def deliveries(self) -> list[Record]:
        """What the mock sent or was to send, to whatever URL, with each attempt and its answer."""
        return self._deliveries()

    def wait(self, n: int = 1, timeout: float = PATIENCE) -> list[Callback]:
        """All that came, once it is `n` or more; an AssertionError after `timeout` real seconds."""
        if type(n) is not int or n < 0:
            raise UsageError(where="callbacks.wait(n=…)", got=repr(n), wanted="how many callbacks")
        with self._news:
            enough = self._news.wait_for(lambda: len(self._came) >= n, timeout)
            came = list(self._came)
        if not enough:
            raise AssertionError(
                f"waited {timeout:g} s for {n} callbacks at {self.url}, {len(came)} came. {self.hint()}"
            )
        return came

    def respond(self, *statuses: int) -> None:
        """Answer the next callbacks with these statuses, one each."""
        for status in statuses:
            _check_status(status, "respond")
        with self._news:
            self._answers.extend(statuses)

    def respond_always(self, status: int) -> None:
        """Answer with this status whatever `respond` is not for; 200 otherwise."""
        _check_status(status, "respond_always")
        self._usual = status

    def clear(self) -> None:
        """Forget what came, and answer with 200 again."""
        with self._news:
            self._came.clear()
            self._answers.clear()
            self._usual = 200

    async def receive(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        """Keep a call, and answer it as was asked for."""
        incoming = Incoming.of(scope)
        if refused := _guard(incoming):
            await send_reply(send, incoming, refused)
            return
        try:
            raw = await read_body(receive, incoming, _LARGEST)
        except Gone:
            return
        except TooLarge as error:
            await send_reply(send, incoming, too_large(incoming, error, _LARGEST))
            return
        with self._news:
            self._came.append(Callback.of(scope, path, raw))
            status = self._answers.popleft() if self._answers else self._usual
            self._news.notify_all()
        await send_reply(send, incoming, Reply(status))

    def __len__(self) -> int:
        return len(self._came)

    def __iter__(self) -> Iterator[Callback]:
        return iter(list(self._came))

    @overload
    def __getitem__(self, at: int) -> Callback: ...
    @overload
    def __getitem__(self, at: slice) -> list[Callback]: ...
    def __getitem__(self, at: int | slice) -> Callback | list[Callback]:
        return self._came[at]

    def __repr__(self) -> str:
        return f"<{len(self)} callbacks at {self.url}>"
