"""A recorded call as a command that makes it again, its credential left to the environment."""

from __future__ import annotations

import re
from shlex import quote

from contracts.traffic.exchange import Exchange
from contracts.traffic.secrets import Secrets
from mockserver.openapi.compiled import Document, Operation

_LONGEST = 1000


def command(exchange: Exchange, document: Document | None, operation: Operation | None, hide: Secrets) -> str:
    """The curl of a call; a long body is left to a file."""
    parts = ["curl"] if exchange.method == "GET" else ["curl", "-X", quote(exchange.method)]
    parts.append(_double(url) if "$KEY" in (url := _url(exchange, document, hide)) else quote(url))
    parts.extend(_credentials(exchange, operation))
    media = exchange.request.header("content-type") or exchange.request.body.media
    if media and not exchange.request.body.is_empty:
        parts.append(f"-H {quote(f'content-type: {hide.hide(media)}')}")
    if exchange.request.body.is_kept and not exchange.request.body.is_empty:
        text = hide.body(exchange)
        short = text is not None and len(text) <= _LONGEST
        parts.append(f"--data-raw {quote(text)}" if short and text is not None else "--data-binary @body")
    return " ".join(parts)


def _url(exchange: Exchange, document: Document | None, hide: Secrets) -> str:
    url = hide.url(exchange.url)
    if "://" in url:
        return url
    host = exchange.request.header("host")
    if host and exchange.is_ours:
        return f"http://{host}{url}"
    known = min(document.hosts, default="localhost") if document else "localhost"
    return f"https://{known}{url}"


def _credentials(exchange: Exchange, operation: Operation | None) -> list[str]:
    """The headers that held a credential, each with `$KEY`, which only double quotes let the shell read."""
    words = {"authorization": "Bearer"}
    if operation is not None:
        schemes = [scheme for alternative in operation.security.alternatives for scheme in alternative]
        words = {scheme.key: scheme.word or "" for scheme in schemes if scheme.location == "header"}
    return [
        f'-H "{name}: {word} $KEY"' if word else f'-H "{name}: $KEY"'
        for name, word in words.items()
        if exchange.request.header(name) is not None
    ]


def _double(text: str) -> str:
    return '"' + re.sub(r'([\\"`]|\$(?!KEY))', r"\\\1", text) + '"'
