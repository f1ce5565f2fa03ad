"""CORS for provider routes: any origin, no credentials. The control API never answers it."""

from __future__ import annotations

from dataclasses import replace

from mockserver.web.reply import Reply
from mockserver.web.request import Incoming


def allow(incoming: Incoming, reply: Reply) -> Reply:
    """The reply, readable by a page of any origin."""
    if incoming.header("origin") is None:
        return reply
    names = dict.fromkeys(name.lower() for name, _ in reply.lines)
    # A document that has such headers of its own knows better.
    if "access-control-allow-origin" in names:
        return reply
    headers = [*reply.headers, ("access-control-allow-origin", "*")]
    exposed = [name for name in names if not name.startswith("access-control-")]
    if exposed:
        headers.append(("access-control-expose-headers", ", ".join(exposed)))
    return replace(reply, headers=headers, heads=None)


def preflight(incoming: Incoming, allowed: tuple[str, ...], *, answers: bool) -> Reply:
    """The answer to OPTIONS where the document has none of its own."""
    methods = ", ".join(dict.fromkeys((*allowed, "OPTIONS")))
    if not answers or incoming.header("access-control-request-method") is None:
        return Reply(204, headers=[("allow", methods)])
    wanted = incoming.header("access-control-request-headers")
    headers = [
        ("access-control-allow-methods", methods),
        ("access-control-max-age", "600"),
        ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    ]
    if wanted:
        headers.append(("access-control-allow-headers", wanted))
    if incoming.header("access-control-request-private-network"):
        headers.append(("access-control-allow-private-network", "true"))
    return Reply(204, headers=headers)
