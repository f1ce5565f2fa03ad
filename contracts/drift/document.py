"""A document as it is compared: its operations under names that do not depend on how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from pathlib import Path
from urllib.parse import urlsplit

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

    @property
    def servers(self) -> Json:
        """The servers that it or its path names for itself; None where the document's hold."""
        return self.node.get("servers", self.item.get("servers"))

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


# What is compared with what: both of them, or one where the other document has none.
Pairs = list[tuple[Operation | None, Operation | None]]


def paired(old: Side, new: Side) -> Pairs:
    """The operations of two documents by what clients call, the base path of their servers with them.

    Where no base path went into the paths or came out of them, the paths alone decide: what a new base path
    breaks is then told once, and not of every operation.
    """
    before, after = operations_of(old), operations_of(new)
    reached = _by_address(new, after.values())
    whole = [(one, _found_at(_addresses(old, one), reached)) for one in before.values()]
    if any(other is not None and other.key != one.key for one, other in whole):
        kept = {other.key for _, other in whole if other is not None}
        return [*whole, *((None, other) for key, other in after.items() if key not in kept)]
    return [(before.get(key), after.get(key)) for key in dict.fromkeys((*before, *after))]


def is_moved(pairs: Pairs) -> bool:
    """True where a base path went into the paths or came out of them."""
    return any(old and new and old.key != new.key for old, new in pairs)


def in_full(side: Side, operation: Operation) -> Operation:
    """An operation under the whole path that clients call."""
    return replace(operation, path=base(urls(_servers(side, operation))[0]) + operation.path)


def _by_address(side: Side, operations: Iterable[Operation]) -> dict[tuple[str, str], Operation]:
    return {address: one for one in operations for address in _addresses(side, one)}


def _addresses(side: Side, operation: Operation) -> list[tuple[str, str]]:
    return [
        (operation.method, template(base(url) + operation.path)) for url in urls(_servers(side, operation))
    ]


def _servers(side: Side, operation: Operation) -> Json:
    return side.source.data.get("servers") if operation.servers is None else operation.servers


def _found_at(
    addresses: list[tuple[str, str]], reached: dict[tuple[str, str], Operation]
) -> Operation | None:
    """The operation that all of the addresses lead to; None where one leads to nothing or to another."""
    found = [reached.get(address) for address in addresses]
    return found[0] if all(one is found[0] for one in found) else None


def base(url: str) -> str:
    """The path that a server's address has of its own."""
    return urlsplit(url).path.rstrip("/")


def is_same(old: Side, new: Side, keys: tuple[str, ...]) -> bool:
    """True where the two documents say the same under these keys."""
    return all(canonical(old.source.data.get(key)) == canonical(new.source.data.get(key)) for key in keys)


def urls(servers: Json) -> list[str]:
    """The addresses of servers, with each value of their variables; the root where none is given."""
    found = (url for server in listing(servers) for url in _urls(mapping(server)))
    return list(dict.fromkeys(found)) or [""]


def _urls(server: dict[str, Json]) -> Iterator[str]:
    url = server.get("url")
    if isinstance(url, str):
        variables = mapping(server.get("variables"))
        # Beyond a few hundred addresses nobody has a list of them.
        for values in islice(product(*map(_values, variables.values())), 500):
            whole = url
            for name, value in zip(variables, values, strict=True):
                whole = whole.replace("{" + name + "}", value)
            yield whole.rstrip("/")


def _values(variable: Json) -> list[str]:
    node = mapping(variable)
    values = [node.get("default", ""), *listing(node.get("enum"))]
    return list(dict.fromkeys(map(str, values)))
