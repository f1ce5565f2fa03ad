"""Can every operation of a document be called and told from the others? Paths, ids, parameters, bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from contracts.grammar import Fault, Thing, Written, followed, written
from mockserver.openapi.source import Json, Source, join

_NAME = re.compile(r"\{([^{}]*)\}")


def unreachable(source: Source, found: Sequence[Thing]) -> Iterator[Fault]:
    """What keeps an operation from being called, or from being told from another."""
    operations = written(source)
    yield from _ids(operations, found)
    yield from _paths(source, operations)
    for operation in operations:
        yield from _path_parameters(source, operation)
        yield from _answers(source, operation)
        yield from _body(source, operation)
    for home in {id(node): (node, place) for node, place in _lists(operations)}.values():
        yield from _repeated_parameters(source, *home)


def _ids(operations: Sequence[Written], found: Sequence[Thing]) -> Iterator[Fault]:
    taken: dict[str, str] = {}
    known = {operation.pointer for operation in operations}
    claims = [(name, o.pointer, f"{o.method} {o.path}") for o in operations for name in o.names]
    for thing in found:
        name = thing.node.get("operationId") if thing.kind == "operation" else None
        if isinstance(name, str) and thing.pointer not in known:
            claims.append((name, thing.pointer, thing.pointer))
    for name, pointer, label in claims:
        if name in taken:
            reason = f"the operationId {name!r} stands at {taken[name]} already"
            place = join(pointer, "operationId")
            yield Fault("duplicate-operation-id", place, reason, "a name of its own", name)
        taken.setdefault(name, label)


# --- paths --------------------------------------------------------------------------------------------------


class _Known(NamedTuple):
    path: str
    methods: frozenset[str]


def _paths(source: Source, operations: Sequence[Written]) -> Iterator[Fault]:
    yield from _odd_paths(source)
    known: dict[tuple[str, str], _Known] = {}
    for path, methods, servers in _by_path(source, operations):
        # `/a/{x}` and `/a/{y}` are one path to whoever has to serve it.
        key = (_NAME.sub("{}", path), servers)
        if key not in known:
            known[key] = _Known(path, methods)
            continue
        shared = sorted(known[key].methods & methods)
        other = known[key].path
        reason = f"the path {path} fits the same calls as {other}"
        reason += f": {', '.join(shared)} cannot be told apart" if shared else ""
        yield Fault(
            "ambiguous-path", join("/paths", path), reason, "a path of its own", other, is_error=bool(shared)
        )


def _by_path(source: Source, operations: Sequence[Written]) -> Iterator[tuple[str, frozenset[str], str]]:
    paths: dict[str, list[Written]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    for path, here in paths.items():
        servers = here[0].item.get("servers", source.data.get("servers"))
        yield path, frozenset(operation.method for operation in here), json.dumps(servers)


def _odd_paths(source: Source) -> Iterator[Fault]:
    paths = source.data.get("paths")
    for path in paths if isinstance(paths, dict) else ():
        pointer = join("/paths", path)
        names = _NAME.findall(path)
        if not path.startswith("x-") and re.search(r"[?#]", _NAME.sub("", path)):
            reason = f"no call can have the path {path}: a path ends before ? and #"
            yield Fault("unreachable-operation", pointer, reason, "a path without ? and #", path)
        if re.search(r"[{}]", _NAME.sub("", path)) or "" in names:
            reason = f"the path {path} has a brace without its partner, or a parameter without a name"
            yield Fault("malformed-path", pointer, reason, "{name}", path)
        for name in sorted({name for name in names if names.count(name) > 1}):
            reason = f"the path {path} has {{{name}}} twice"
            yield Fault("malformed-path", pointer, reason, "each name once", name)


# --- parameters ---------------------------------------------------------------------------------------------


def _lists(operations: Sequence[Written]) -> Iterator[tuple[list[Json], str]]:
    """The lists of parameters: the path item's and the operation's own."""
    for operation in operations:
        for node, home in ((operation.item, operation.item_pointer), (operation.node, operation.pointer)):
            if isinstance(node.get("parameters"), list):
                yield node["parameters"], join(home, "parameters")


def _path_parameters(source: Source, operation: Written) -> Iterator[Fault]:
    names = _NAME.findall(operation.path)
    declared: set[Json] = set()
    for listed, home in _lists([operation]):
        for index, node in enumerate(listed):
            inner, _ = followed(source, node, join(home, index))
            name = inner.get("name")
            if inner.get("in") != "path" or not isinstance(name, str):
                continue
            declared.add(name)
            if name not in names:
                reason = f"the path {operation.path} has no {{{name}}} for its path parameter"
                yield Fault("unknown-path-parameter", join(home, index), reason, names, name)
    for name in names:
        if name and name not in declared and not _is_lost(source, operation):
            reason = f"{operation.method} {operation.path} declares no path parameter {name!r}"
            yield Fault(
                "undeclared-path-parameter", operation.pointer, reason, f"{name} in path", sorted(declared)
            )


def _is_lost(source: Source, operation: Written) -> bool:
    """Does a parameter lead nowhere? It may be the one that is missed, and is told of already."""
    return any(
        not followed(source, node, join(home, index))[0]
        for listed, home in _lists([operation])
        for index, node in enumerate(listed)
    )


def _repeated_parameters(source: Source, listed: list[Json], home: str) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for index, node in enumerate(listed):
        inner, _ = followed(source, node, join(home, index))
        name, location = inner.get("name"), inner.get("in")
        if isinstance(name, str) and isinstance(location, str):
            if (name, location) in seen:
                reason = f"the {location} parameter {name!r} is declared twice in one list"
                yield Fault("duplicate-parameter", join(home, index), reason, "each once", name)
            seen.add((name, location))


# --- answers and bodies -------------------------------------------------------------------------------------


def _answers(source: Source, operation: Written) -> Iterator[Fault]:
    if "responses" not in operation.node:
        # OpenAPI 3.1 lets them go, and the server then has nothing to say.
        reason = f"no response is documented for {operation.method} {operation.path}"
        is_error = source.version == "3.0"
        yield Fault("no-response", operation.pointer, reason, "`responses`", "nothing", is_error=is_error)


_MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+\s*(;.*)?")


def _body(source: Source, operation: Written) -> Iterator[Fault]:
    pointer = join(operation.pointer, "requestBody")
    body, place = followed(source, operation.node.get("requestBody", {}), pointer)
    content, home = body.get("content"), join(place, "content")
    if not isinstance(content, dict):
        return
    if not content:
        reason = f"no body can be sent to {operation.method} {operation.path}: `content` names no media type"
        yield Fault("no-media-type", home, reason, "a media type", "none")
    for media in content:
        if not _MEDIA.fullmatch(media):
            reason = f"{media!r} is no media type: no Content-Type can name it"
            yield Fault("no-media-type", join(home, media), reason, "type/subtype", media)
