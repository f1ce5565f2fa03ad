"""The application as one sandbox sees it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from mockserver.testing.conversation import App


class Bound:
    """The application as one sandbox sees it; it may be served or called like any other."""

    def __init__(self, app: App, sandbox: str) -> None:
        self._app = app
        self._sandbox = sandbox.encode("ascii")

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer a call in this sandbox, unless its path names another."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        others = [pair for pair in scope["headers"] if pair[0].lower() != b"x-mock-sandbox"]
        await self._app({**scope, "headers": [*others, (b"x-mock-sandbox", self._sandbox)]}, receive, send)


async def _live(receive: Any, send: Any) -> None:
    """Take part in the lifespan of whoever serves it; the mock's own does not depend on it."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
