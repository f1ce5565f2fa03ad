"""A document as it is compared: its operations under names that do not depend on how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.drift.change import canonical, listing, mapping
from contracts.drift.shape import Reader
from mockserver.domain.outcome import NAMES
from mockserver.openapi.source import (
    DocumentError,
    Json,
    Problem,
    Source,
    at,
    join,
    load,
    nested_too_deeply,
    parse,
)
from mockserver.openapi.vocabulary import METHODS, Walk

_REFERENCE = re.compile(r"\{[^{}/]*\}")


@dataclass(frozen=True)
class Operation:
    """One operation: its node, the path item it stands in, and where."""

    method: str
    path: str
    node: dict[str, Json]
    pointer: str
    item: dict[str, Json]
    item_pointer: str

    @property
    def name(self) -> str:
        """How findings call it: its operationId, or its method and path."""
        given = self.node.get("operationId")
        return given if isinstance(given, str) else f"{self.method.upper()} {self.path}"

    @property
    def key(self) -> tuple[str, str]:
        """The same for two operations that a client cannot tell apart by their address."""
        return self.method, template(self.path)

    def is_written_as(self, other: Operation) -> bool:
        """True where both documents have the same words for it and for all of its path."""
        return self.path == other.path and canonical(self.item) == canonical(other.item)


@dataclass
class Side:
    """One of the two documents: its source, its schemas, and what is wrong with it."""

    source: Source
    reader: Reader
    problems: list[Problem]

    def through(self, node: Json, pointer: str) -> tuple[dict[str, Json], str]:
        """A node or what it refers to; an empty one where it refers to nothing."""
        try:
            found, place = self.source.through(node, pointer)
        except LookupError:
            return {}, pointer
        return mapping(found), place


def template(path: str) -> str:
    """A path without the names of its parameters."""
    return _REFERENCE.sub("{}", path)


def read(file: Path) -> Side:
    """A document and its faults; DocumentError where it is no OpenAPI document at all."""
    source, problems = _read(file)
    try:
        notes = Walk(source, frozenset(NAMES)).run()
        told = [note for note in notes if note.fatal and not (problems and _leads_away(source, note.pointer))]
        faults = [source.problem(note.pointer, note.reason) for note in told]
    except RecursionError:
        raise DocumentError([nested_too_deeply(source)]) from None
    return Side(source, Reader(source), list(dict.fromkeys([*problems, *faults])))


def _read(file: Path) -> tuple[Source, list[Problem]]:
    try:
        return load(file), []
    except DocumentError as error:
        # A file beside it is at fault: the document itself can still be compared.
        if not error.parts and not any("names a file" in problem.reason for problem in error.problems):
            raise
        text = file.read_text("utf-8-sig")
        return Source(file.stem, str(file), parse(text, str(file)), text), error.problems


def _leads_away(source: Source, pointer: str) -> bool:
    """True for a reference into another file."""
    if not pointer.endswith("/$ref"):
        return False
    ref = at(source.data, pointer)
    return isinstance(ref, str) and not ref.startswith("#")


def operations_of(side: Side) -> dict[tuple[str, str], Operation]:
    """The operations of the paths, each once."""
    return _operations(side, "/paths")


def webhooks_of(side: Side) -> dict[tuple[str, str], Operation]:
    """What the provider sends of itself."""
    return _operations(side, "/webhooks")


def _operations(side: Side, base: str) -> dict[tuple[str, str], Operation]:
    items = mapping(side.source.data.get(base[1:]))
    found = (one for path, item in items.items() for one in within(side, path, item, join(base, path)))
    return {one.key: one for one in found}


def within(side: Side, path: str, item: Json, pointer: str) -> Iterator[Operation]:
    """The operations of one path item."""
    if path.startswith("x-"):
        return
    own, place = mapping(item), pointer
    node, pointer = side.through(item, pointer)
    for method in METHODS:
        # A path item's own keys count beside its $ref.
        for holder, where in ((node, pointer), (own, place)):
            if isinstance(holder.get(method), dict):
                yield Operation(method, path, holder[method], f"{where}/{method}", node, pointer)
                break


def is_same(old: Side, new: Side, keys: tuple[str, ...]) -> bool:
    """True where the two documents say the same under these keys."""
    return all(canonical(old.source.data.get(key)) == canonical(new.source.data.get(key)) for key in keys)


def urls(servers: Json) -> list[str]:
    """The addresses of servers, their variables replaced; the root where none is given."""
    found = [_url(mapping(server)) for server in listing(servers)]
    return list(dict.fromkeys(url for url in found if url is not None)) or [""]


def _url(server: dict[str, Json]) -> str | None:
    url = server.get("url")
    if not isinstance(url, str):
        return None
    for name, variable in mapping(server.get("variables")).items():
        url = url.replace("{" + name + "}", str(mapping(variable).get("default", "")))
    return url.rstrip("/")
