"""Whose call it was: by the name the file gives, by host, or by path where the host is nobody's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from contracts.traffic.exchange import Exchange
from mockserver.openapi.compiled import Document, Route
from mockserver.openapi.hosts import is_internal, is_loopback
from mockserver.openapi.paths import Match

_SANDBOX = "/_sandbox/"
_LOCAL = (".localhost", ".local", ".internal", ".lan", ".test", ".home.arpa")


class Found(NamedTuple):
    """The route that a call was for."""

    document: Document
    route: Route
    parameters: dict[str, str]
    url: SplitResult


class Lost(NamedTuple):
    """A call for one that we know, to a path or with a method that nobody documents."""

    document: Document | None
    rule: str
    wanted: tuple[str, ...]
    got: str


class Elsewhere(NamedTuple):
    """A call that is no business of ours, and whom it was for."""

    whom: str


class _Place(NamedTuple):
    """Where to look: documents, whether their paths count without a base path too, and what a miss means."""

    documents: tuple[Document, ...]
    path: str
    is_known: bool
    may_be_bare: bool


class Locator:
    """Finds what a recorded call was for among all documents."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents
        self._all = tuple(documents.values())
        self._hosts: dict[str, tuple[Document, ...]] = {}
        for document in self._all:
            for host in document.hosts:
                self._hosts[host] = (*self._hosts.get(host, ()), document)

    def find(self, exchange: Exchange) -> Found | Lost | Elsewhere:
        """The route of a call, or why there is none."""
        try:
            url = urlsplit(exchange.url)
            host = _host(url, exchange)
        except ValueError:
            return Elsewhere("an address that is none")
        if url.scheme not in ("", "http", "https"):
            return Elsewhere(f"{url.scheme}: addresses")
        missed: Lost | None = None
        places = list(self._places(exchange, host, url.path or "/"))
        for place in places:
            found = _look(place, exchange.method, url)
            if isinstance(found, Found):
                return found
            if missed is None or (missed.rule == "path" and found is not None and found.rule == "method"):
                missed = found or missed
        return missed or Elsewhere(exchange.provider or host or "a host that the file does not tell")

    def _places(self, exchange: Exchange, host: str, path: str) -> Iterator[_Place]:
        if exchange.is_partial:
            yield from self._named(exchange.provider or "", path)
        elif exchange.is_ours:
            yield from self._ours(exchange.provider, path)
        elif host in self._hosts:
            yield _Place(self._hosts[host], path, is_known=True, may_be_bare=False)
        else:
            yield from self._by_path(path, is_local=_is_local(host))

    def _named(self, name: str, path: str) -> Iterator[_Place]:
        """Where a Pact file's provider is: a host, or a document by its name."""
        plain = name.strip().lower()
        plain = plain.partition("://")[2] or plain
        host = plain.partition("/")[0].partition(":")[0]
        named = tuple(document for document in self._all if document.name.lower() == plain)
        documents = self._hosts.get(host) or named
        if documents:
            yield from self._prefixed(path, documents)
            yield _Place(documents, path, is_known=True, may_be_bare=bool(named))

    def _ours(self, provider: str | None, path: str) -> Iterator[_Place]:
        if provider is not None and provider not in self._documents:
            return
        documents = self._all if provider is None else (self._documents[provider],)
        inner = _without_sandbox(path)
        yield from self._prefixed(inner, documents)
        yield _Place(documents, inner, is_known=True, may_be_bare=True)

    def _by_path(self, path: str, *, is_local: bool) -> Iterator[_Place]:
        """A mock's address tells nothing: its prefix does, or a path that only one document has."""
        inner = _without_sandbox(path)
        yield from (place._replace(is_known=is_local) for place in self._prefixed(inner, self._all))
        if is_local:
            yield _Place(self._all, inner, is_known=False, may_be_bare=True)

    def _prefixed(self, path: str, documents: tuple[Document, ...]) -> Iterator[_Place]:
        first, _, rest = path[1:].partition("/")
        document = self._documents.get(unquote(first))
        if document is not None and document in documents:
            yield _Place((document,), "/" + rest, is_known=True, may_be_bare=True)


def _look(place: _Place, method: str, url: SplitResult) -> Found | Lost | None:
    """The most specific route that fits; a path that is known with other methods comes before none."""
    allowed: dict[str, Document] = {}
    for bare in (False, True) if place.may_be_bare else (False,):
        claims: list[tuple[Match[Route], Document]] = []
        for document in place.documents:
            for match in (document.aliases if bare else document.paths).find(place.path):
                allowed.update((known, document) for known in match.methods if known not in allowed)
                if _as_documented(match, method) in match.methods:
                    claims.append((match, document))
                    break
        if claims:
            match, document = min(claims, key=lambda claim: claim[0].specificity)
            known = _as_documented(match, method)
            return Found(document, match.methods[known][0], match.parameters(known), url)
    if allowed:
        return Lost(next(iter(allowed.values())), "method", tuple(allowed), method)
    if not place.is_known:
        return None
    owner = place.documents[0] if len(place.documents) == 1 else None
    return Lost(owner, "path", (), place.path)


def _as_documented(match: Match[Route], method: str) -> str:
    """HEAD is asked of what GET is documented for."""
    return "GET" if method == "HEAD" and "HEAD" not in match.methods else method


def _host(url: SplitResult, exchange: Exchange) -> str:
    """The host of a call's address, else the one its headers name."""
    named = exchange.request.header(":authority") or exchange.request.header("host") or ""
    return (url.hostname or urlsplit(f"//{named}").hostname or "").rstrip(".").lower()


def _is_local(host: str) -> bool:
    """True where a mock may be: this machine, a private network, a name that no public network knows."""
    return is_loopback(host) or is_internal(host) or "." not in host or host.endswith(_LOCAL)


def _without_sandbox(path: str) -> str:
    if not path.startswith(_SANDBOX):
        return path
    return "/" + path[len(_SANDBOX) :].partition("/")[2]
