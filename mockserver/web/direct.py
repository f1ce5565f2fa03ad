"""What answers a call at once: while its request is read, without a task of its own."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from mockserver.web.reply import Reply
from mockserver.web.request import Incoming


class Begun(NamedTuple):
    """A call that is answered; `due` is a sandbox in which it has made something due."""

    reply: Reply
    due: str | None = None


class Held(Protocol):
    """A call whose answer has to wait for something: it goes on in a task."""

    @property
    def due(self) -> str | None:
        """A sandbox in which the call has made something due; read once its reply is sent."""

    async def finish(self, incoming: Incoming) -> Reply:
        """The reply; the request is the one that was begun, now with its wire."""


class Direct(Protocol):
    """Answers whole requests, on the server's own thread; what it does not raise cannot go wrong."""

    def begin(self, incoming: Incoming, raw: bytes) -> Begun | Held | None:
        """The answer to a request and its body; None sends it the long way, and nothing was done yet."""

    def stir(self, sandbox: str) -> None:
        """Begin what is due in a sandbox; called once the reply that made it due was written."""
