"""What must not be shown of recorded traffic, and what was blanked before it was recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote_plus, urlsplit, urlunsplit

from contracts.traffic.exchange import NO_VALUE, Exchange, Json, Pairs
from mockserver.openapi.payload import read_json
from mockserver.openapi.security import Scheme, Security

SHOWN = "***"
_BLANKED = re.compile(
    r"\*{3,}|x{4,}|dummy|removed|[<\[({]*redacted[>\])}]*|[<\[({]+filtered[>\])}]+|redacted-[0-9a-f]{16}"
    r"|.{0,4}…\([0-9a-f]{16}\)|[<\[({]+[a-z0-9 _-]*(?:key|token|secret|credentials?)[a-z0-9 _-]*[>\])}]+",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = re.compile(
    r"authorization|cookie|token|secret|passw|passphrase|credential|signature|hmac"
    r"|(api|access|auth|private)[-_]?key",
    re.IGNORECASE,
)
_FIELD = re.compile(r"([\w.%~-]+)([\"']?\s*[:=]\s*[\"']?)([^\s&\"'<>,;}]+)")
# In an address some names say so that are words elsewhere.
_IN_ADDRESS = re.compile(r"key|sig|jwt|session|sid|auth|pwd?", re.IGNORECASE)
_PAIR = re.compile(r"([?&;/])([\w.%~\[\]-]+)=([^&;#\s\"'<>/]+)")
_USER = re.compile(r"(?<=://)[^/?#\s\"'<>@]+@")
_SCHEMED = re.compile(
    r"\b(bearer|basic|token|digest|apikey|negotiate)(\s+)(?!\*{3}|…)([^\s\"',;]{4,})", re.IGNORECASE
)
# A shorter text is no secret, and hiding it would blank every word that has it inside.
_LEAST = 6


def is_blanked(value: Json) -> bool:
    """True for what a recorder or the journal puts in place of a secret."""
    return isinstance(value, str) and _BLANKED.fullmatch(value.strip()) is not None


def is_present(scheme: Scheme, exchange: Exchange, sent: Json) -> bool:
    """True where the credential of a scheme was sent, or stood there before it was blanked."""
    if scheme.credential(sent) is not None:
        return True
    text = next(_texts(scheme, exchange, sent), None)
    return text is not None and (not text.strip() or is_blanked(text) or _is_blanked_behind(scheme, text))


def _is_blanked_behind(scheme: Scheme, text: str) -> bool:
    """True where only the word of the scheme was kept, and it is the right one."""
    word, _, rest = text.strip().partition(" ")
    return word.lower() == scheme.kind and is_blanked(rest)


def _texts(scheme: Scheme, exchange: Exchange, sent: Json) -> Iterator[str]:
    if scheme.location == "header":
        # Some recorders keep a blanked header as its scheme alone.
        values = (value for name, value in exchange.request.headers if name == scheme.key)
        yield from ("" if value.strip().lower() == scheme.kind else value for value in values)
    elif scheme.location == "query":
        yield from (unquote_plus(value) for name, value in sent.query if name == scheme.key)
    else:
        yield from (value for name, value in sent.cookies() if name == scheme.key)


def missing(security: Security, exchange: Exchange, sent: Json) -> Scheme | None:
    """The first scheme that a call lacks, where the document would not let it in."""
    if not security.alternatives:
        return None
    lacking = None
    for schemes in security.alternatives:
        found = next((scheme for scheme in schemes if not is_present(scheme, exchange, sent)), None)
        if found is None:
            return None
        lacking = lacking or found
    return lacking


def carries_credential(exchange: Exchange, places: frozenset[tuple[str, str]]) -> bool:
    """True where anything stands in a place of credentials, blanked or not."""
    headers = {name for name, _ in exchange.request.headers}
    if headers & {key for location, key in places if location == "header"} or "authorization" in headers:
        return True
    queries = {key for location, key in places if location == "query"}
    if queries and queries & {name for name, _ in _query(exchange.url)}:
        return True
    cookies = {key for location, key in places if location == "cookie"}
    return bool(cookies) and any(f"{key}=" in value for key in cookies for value in _cookies(exchange))


def _cookies(exchange: Exchange) -> Iterator[str]:
    return (value for name, value in exchange.request.headers if name == "cookie")


def _query(url: str) -> Pairs:
    pairs = [part.partition("=") for part in url.partition("?")[2].partition("#")[0].split("&") if part]
    return [(unquote_plus(name), value) for name, _, value in pairs]


def _spelled(text: str) -> Iterator[str]:
    yield quote(text, "", errors="replace")
    yield quote_plus(text, errors="replace")


def _is_secret_there(name: str) -> bool:
    return _IN_ADDRESS.fullmatch(name) is not None


def _pair(found: re.Match[str]) -> str:
    """A pair of an address, without its value where the name says that it is a secret."""
    name = unquote_plus(found[2])
    hides = _NAMES.search(name) is not None or _is_secret_there(name)
    return f"{found[1]}{found[2]}={SHOWN}" if hides and not found[3].startswith("$") else found[0]


class Secrets:
    """The credentials of one call, hidden wherever they stand in what is said of it."""

    def __init__(self, exchange: Exchange, places: frozenset[tuple[str, str]]) -> None:
        self._places = places
        found = [text for text in self._sent(exchange) if len(text) >= _LEAST and not is_blanked(text)]
        spelled = {spelling for text in found for spelling in (text, *_spelled(text))}
        spelled |= {json.dumps(text)[1:-1] for text in found}
        self._pattern = re.compile("|".join(map(re.escape, sorted(spelled, key=len, reverse=True))))
        self._has_any = bool(spelled)

    def _sent(self, exchange: Exchange) -> Iterator[str]:
        for name, value in (*exchange.request.headers, *exchange.response.headers):
            if self.is_secret("header", name):
                value = value.strip()
                yield value
                yield value.partition(" ")[2].strip()
                yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
        for name, value in _query(exchange.url):
            if self.is_secret("query", name):
                yield from (value, unquote_plus(value))

    def is_secret(self, place: str, name: str) -> bool:
        """True for a place that holds a credential, by the documents or by its name."""
        known = (place, name.lower() if place == "header" else name) in self._places
        return known or _NAMES.search(name) is not None or (place == "query" and _is_secret_there(name))

    def hide(self, text: str) -> str:
        """A text without them, and without what plainly is one: a user in a URL, a word behind Bearer."""
        text = self._pattern.sub(SHOWN, text) if self._has_any else text
        text = _SCHEMED.sub(rf"\1\2{SHOWN}", _USER.sub("", text))
        return _PAIR.sub(_pair, text)

    def hide_in(self, value: Json, *, is_secret: bool = False) -> Json:
        """A JSON value without them, and without what stands under a name that is plainly secret."""
        if isinstance(value, dict):
            return {
                self.hide(str(name)): self.hide_in(
                    item, is_secret=is_secret or bool(_NAMES.search(str(name)))
                )
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.hide_in(item, is_secret=is_secret) for item in value]
        if isinstance(value, str):
            return SHOWN if is_secret and value else self.hide(value)
        return value

    def body(self, exchange: Exchange) -> str | None:
        """The request's body as it may be shown; None where it is no text."""
        body = exchange.request.body
        if body.value is not NO_VALUE:
            try:
                return json.dumps(self.hide_in(body.value), ensure_ascii=False)
            except (ValueError, TypeError, RecursionError):
                return None
        try:
            text = body.raw.decode("utf-8")
        except UnicodeDecodeError:
            return None
        payload = read_json(body.raw)
        if payload.fault is None and isinstance(payload.value, dict | list):
            hidden = self.hide_in(payload.value)
            return text if hidden == payload.value else json.dumps(hidden, ensure_ascii=False)
        return _FIELD.sub(self._field, self.hide(text))

    def _field(self, found: re.Match[str]) -> str:
        return found[1] + found[2] + SHOWN if _NAMES.search(found[1]) else found[0]

    def url(self, url: str) -> str:
        """An address without user, and with `$KEY` for each secret of its query."""
        parts = urlsplit(url)
        pairs = [part.partition("=") for part in parts.query.split("&") if part]
        query = "&".join(
            name + equals + ("$KEY" if self.is_secret("query", unquote_plus(name)) else value)
            for name, equals, value in pairs
        )
        host = parts.netloc.rpartition("@")[2]
        return self.hide(urlunsplit((parts.scheme, host, parts.path, query, "")))
