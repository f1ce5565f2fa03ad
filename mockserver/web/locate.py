"""Path, prefix, sandbox or host: which sandbox and which operation a request is for."""

from __future__ import annotations

import difflib
import heapq
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote

from mockserver.openapi.compiled import Document, Route
from mockserver.openapi.paths import ANY, REST, Match
from mockserver.web.request import Incoming, host_of

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
    documents: Scope


class Found(NamedTuple):
    """The one operation (or several told apart by their bodies) that a request is for.

    The parameters are to be read only: calls of a path that has none share theirs.
    """

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


Missed: TypeAlias = NoRoute | WrongMethod | Ambiguous


class Locator:
    """Finds what a request is for among all documents."""

    def __init__(self, documents: Mapping[str, Document], own_hosts: frozenset[str] = frozenset()) -> None:
        hosts: dict[str, tuple[Document, ...]] = {}
        for document in documents.values():
            for host in document.hosts - own_hosts:
                hosts[host] = (*hosts.get(host, ()), document)
        self._all = Scope(tuple(documents.values()), documents)
        self._none = Scope((), documents)
        self._hosts = {host: Scope(owners, documents) for host, owners in hosts.items()}

    @property
    def hosts(self) -> frozenset[str]:
        """The documented hosts: a call to one of them is for the provider that has it."""
        return frozenset(self._hosts)

    def target(self, incoming: Incoming) -> Target:
        """The sandbox and the documents that a request points at; BadSandbox for a name that is none."""
        return self._target(incoming.raw_path, incoming.header("host"), incoming.header("x-mock-sandbox"))

    def find(self, target: Target, method: str) -> Found | Missed:
        """What stands at a target's path for a method."""
        return target.documents.known(target.path, method) or target.documents.learn(target.path, method)

    def locate(
        self, raw_path: str, method: str, host: str | None, sandbox: str | None
    ) -> tuple[Target, Found | None]:
        """The target of a call by its path and two of its headers, and its operation if that is known by now.

        None says nothing yet: `find` has the last word. BadSandbox as of `target`.
        """
        target = self._target(raw_path, host, sandbox)
        return target, target.documents.known(target.path, method)

    def _target(self, path: str, host: str | None, sandbox: str | None) -> Target:
        if path.startswith(SANDBOX):
            name, _, rest = path[len(SANDBOX) :].partition("/")
            path, sandbox = "/" + rest, unquote(name)
        # What is spelled almost so is no provider's either: the journal would keep a key that stands in it.
        # Its second character tells nearly every path from it, which spares 0.3 µs.
        is_control = path[1:2] in ("_", "/") and _CONTROL.match(path) is not None
        if sandbox is None:
            sandbox = DEFAULT_SANDBOX
        elif not SANDBOX_NAME.fullmatch(sandbox):
            raise BadSandbox(sandbox, is_control=is_control)
        scope = self._none if is_control else self._hosts.get(_host(host or ""), self._all)
        return Target(sandbox, path, is_control, scope)


# The same few hosts stand in every call; reading one anew takes 0.9 µs.
_host = lru_cache(maxsize=128)(host_of)

# So many kinds of paths with parameters are kept, of so many segments: `suno/generate/x` is one kind more.
_MOST, _DEEPEST = 4096, 32
# No segment of a path that has a shape is this: one with an escape has none.
_UNKNOWN = "%"


class Scope:
    """Documents that are searched together, and what has been found in them so far.

    Kept is only what the documents alone decide: the path that has no parameters, and of one that has some
    its shape, which is the path without every segment that is no word of any document. Two paths of one shape
    are one template's. So each is walked to once (10 µs), and found again in 0.3 µs, or 1.5 µs by its shape.
    """

    def __init__(self, documents: tuple[Document, ...], named: Mapping[str, Document]) -> None:
        self.documents = documents
        self._named = named
        self._whole: dict[tuple[str, str], Found] = {}
        self._shaped: dict[tuple[str, str], _Shape] = {}
        known = [paths for document in named.values() for paths in (document.paths, document.aliases)]
        self._words = frozenset(("", *named)).union(*(paths.words for paths in known))
        # Which of its texts a mixture such as {x}.json fits is told by the texts, not by their shape.
        self._has_shapes = not any(paths.has_mixtures for paths in known)

    @property
    def kept(self) -> int:
        """How many answers are kept."""
        return len(self._whole) + len(self._shaped)

    def known(self, path: str, method: str) -> Found | None:
        """What stands at a path, if such a one has been found before: the same as `walk` finds."""
        found = self._whole.get((path, method))
        if found is not None or not self._shaped or "%" in path:
            return found
        segments = path.split("/")
        shape = self._shaped.get((self._shape(segments), method))
        return shape.found(segments) if shape else None

    def learn(self, path: str, method: str) -> Found | Missed:
        """What `walk` finds, kept for the next one."""
        hit = self._hit(path, method)
        if not isinstance(hit, _Hit):
            return hit
        found = hit.found()
        if "%" not in path and path.startswith("/"):
            if not found.parameters:
                self._whole[path, method] = found
            elif self._has_shapes and len(self._shaped) < _MOST:
                self._keep_shape(path.split("/"), method, hit)
        return found

    def _keep_shape(self, segments: list[str], method: str, hit: _Hit) -> None:
        if len(segments) <= _DEEPEST:
            shape = _Shape(hit.document, hit.found().route, tuple(hit.spans()))
            self._shaped[self._shape(segments), method] = shape

    def walk(self, path: str, method: str) -> Found | Missed:
        """What stands at a path for a method, found in the documents themselves."""
        hit = self._hit(path, method)
        return hit.found() if isinstance(hit, _Hit) else hit

    def _shape(self, segments: list[str]) -> str:
        words = self._words
        return "/".join([segment if segment in words else _UNKNOWN for segment in segments])

    def _hit(self, path: str, method: str) -> _Hit | Missed:
        first, _, rest = path[1:].partition("/")
        prefixed = self._named.get(unquote(first))
        if prefixed is None:
            return _find(self.documents, path, method)
        hit = _find((prefixed,), "/" + rest, method)
        if isinstance(hit, _Hit):
            return hit._replace(begins=2)
        # A document may have paths of its own that begin with the name of another.
        elsewhere = _find(self.documents, path, method)
        if isinstance(hit, NoRoute):
            return hit if isinstance(elsewhere, NoRoute) else elsewhere
        return elsewhere if isinstance(elsewhere, _Hit | Ambiguous) else hit


class _Shape(NamedTuple):
    """What stands at all paths of a shape: a route, and from where to where in them its parameters stand."""

    document: Document
    route: Route
    spans: tuple[tuple[str, int, int | None], ...]

    def found(self, segments: list[str]) -> Found:
        parameters = {name: "/".join(segments[begin:end]) for name, begin, end in self.spans}
        return Found(self.document, self.route, parameters)


class _Hit(NamedTuple):
    """What was walked to, under the method that the document has it by, and where its own path begins."""

    document: Document
    match: Match[Route]
    method: str
    begins: int = 1

    def found(self) -> Found:
        route = self.match.methods[self.method][0]
        return Found(self.document, route, self.match.parameters(self.method))

    def spans(self) -> Iterator[tuple[str, int, int | None]]:
        """Each parameter with the segments that it stands in: one, or all that are left."""
        names = self.match.methods[self.method][1]
        segments = enumerate(self.match.specificity, self.begins)
        taken = ((at, how) for at, how in segments if how in (ANY, REST))
        for name, (at, how) in zip(names, taken, strict=True):
            yield name, at, at + 1 if how == ANY else None


def find_in(document: Document, path: str, method: str) -> Found | Missed:
    """What stands at a path of one document."""
    hit = _find((document,), path, method)
    return hit.found() if isinstance(hit, _Hit) else hit


def _find(documents: tuple[Document, ...], path: str, method: str) -> _Hit | Missed:
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
            return _Hit(document, match, _known(match, method))
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
