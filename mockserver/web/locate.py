"""Path, prefix, sandbox or host: which sandbox and which operation a request is for."""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from mockserver.openapi.compiled import Document, Route
from mockserver.openapi.paths import Match
from mockserver.web.request import Incoming

DEFAULT_SANDBOX = "default"
SANDBOX_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
CONTROL, SANDBOX = "/_mock", "/_sandbox/"
_CONTROL = re.compile(r"/+_mock(?:/|$)", re.IGNORECASE)


class BadSandbox(ValueError):
    """A sandbox name that cannot be one."""

    def __init__(self, name: str, *, is_control: bool) -> None:
        self.name = name
        self.is_control = is_control
        super().__init__(name)


class Target(NamedTuple):
    """Where a request points: a sandbox, the documents that may serve it, and the path inside them."""

    sandbox: str
    path: str
    is_control: bool
    documents: tuple[Document, ...]


class Found(NamedTuple):
    """The one operation (or several told apart by their bodies) that a request is for."""

    document: Document
    route: Route
    parameters: dict[str, str]


class NoRoute(NamedTuple):
    """Nothing stands at the path; these known ones are close to it."""

    closest: tuple[str, ...]
    provider: str | None


class WrongMethod(NamedTuple):
    """The path is known, with other methods."""

    allowed: tuple[str, ...]
    provider: str | None


class Ambiguous(NamedTuple):
    """Two documents claim the path."""

    providers: tuple[str, ...]
    path: str


class Locator:
    """Finds what a request is for among all documents."""

    def __init__(self, documents: Mapping[str, Document], own_hosts: frozenset[str] = frozenset()) -> None:
        self._documents = documents
        self._all = tuple(documents.values())
        self._hosts: dict[str, tuple[Document, ...]] = {}
        for document in self._all:
            for host in document.hosts - own_hosts:
                self._hosts[host] = (*self._hosts.get(host, ()), document)

    @property
    def hosts(self) -> frozenset[str]:
        """The documented hosts: a call to one of them is for the provider that has it."""
        return frozenset(self._hosts)

    def target(self, incoming: Incoming) -> Target:
        """The sandbox and the documents that a request points at; BadSandbox for a name that is none."""
        path, sandbox = incoming.raw_path, incoming.header("x-mock-sandbox")
        if path.startswith(SANDBOX):
            name, _, rest = path[len(SANDBOX) :].partition("/")
            path, sandbox = "/" + rest, unquote(name)
        sandbox = DEFAULT_SANDBOX if sandbox is None else sandbox
        # What is spelled almost so is no provider's either: the journal would keep a key that stands in it.
        is_control = _CONTROL.match(path) is not None
        if not SANDBOX_NAME.fullmatch(sandbox):
            raise BadSandbox(sandbox, is_control=is_control)
        documents = () if is_control else self._hosts.get(incoming.host, self._all)
        return Target(sandbox, path, is_control, documents)

    def find(self, target: Target, method: str) -> Found | NoRoute | WrongMethod | Ambiguous:
        """What stands at a target's path for a method."""
        first, _, rest = target.path[1:].partition("/")
        prefixed = self._documents.get(unquote(first))
        if prefixed is None:
            return _find(target.documents, target.path, method)
        found = _find((prefixed,), "/" + rest, method)
        if isinstance(found, Found):
            return found
        # A document may have paths of its own that begin with the name of another.
        elsewhere = _find(target.documents, target.path, method)
        if isinstance(found, NoRoute):
            return found if isinstance(elsewhere, NoRoute) else elsewhere
        return elsewhere if isinstance(elsewhere, Found | Ambiguous) else found


def find_in(document: Document, path: str, method: str) -> Found | NoRoute | WrongMethod | Ambiguous:
    """What stands at a path of one document."""
    return _find((document,), path, method)


def _find(
    documents: tuple[Document, ...], path: str, method: str
) -> Found | NoRoute | WrongMethod | Ambiguous:
    allowed: dict[str, None] = {}
    owners: dict[str, None] = {}
    # A path as it stands under its servers' base path comes before the bare one.
    for bare in (False, True):
        claims = _claims(documents, path, method, bare, allowed, owners)
        if claims:
            best = min(claims, key=lambda claim: claim[0].specificity)[0].specificity
            equal = [claim for claim in claims if claim[0].specificity == best]
            if len(equal) > 1:
                return Ambiguous(tuple(document.name for _, document in equal), path)
            match, document = equal[0]
            return Found(
                document, match.methods[_known(match, method)][0], match.parameters(_known(match, method))
            )
    if allowed:
        return WrongMethod(tuple(allowed), next(iter(owners)) if len(owners) == 1 else None)
    provider = documents[0].name if len(documents) == 1 else None
    return NoRoute(_closest(documents, path), provider)


def _claims(
    documents: Iterable[Document],
    path: str,
    method: str,
    bare: bool,
    allowed: dict[str, None],
    owners: dict[str, None],
) -> list[tuple[Match[Route], Document]]:
    claims = []
    for document in documents:
        for match in (document.aliases if bare else document.paths).find(path):
            allowed.update(dict.fromkeys(_answered(match)))
            owners[document.name] = None
            if _known(match, method) in match.methods:
                claims.append((match, document))
                break
    return claims


def _known(match: Match[Route], method: str) -> str:
    """HEAD is answered as GET where the document has no HEAD of its own."""
    return "GET" if method == "HEAD" and "HEAD" not in match.methods else method


def _answered(match: Match[Route]) -> Iterator[str]:
    for method in match.methods:
        yield method
        if method == "GET":
            yield "HEAD"


def _closest(documents: tuple[Document, ...], path: str) -> tuple[str, ...]:
    known: dict[str, str] = {}
    for document in documents:
        for route in document.routes:
            full = route.operation.full_path
            known.setdefault(full, f"{route.method} /{document.name}{full}")
    wanted = path[:200]
    # difflib alone would take a quarter of a second for 5000 paths: it ranks those that share the most parts.
    parts = {wanted[at : at + 3] for at in range(len(wanted) - 2)}
    near = heapq.nlargest(50, known, key=lambda full: sum(part in full for part in parts))
    return tuple(known[full] for full in difflib.get_close_matches(wanted, near, n=3, cutoff=0.0))
