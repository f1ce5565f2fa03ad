"""Fields that a message has and its document does not mention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockserver.openapi.source import Json, Source, join

# Schemas that apply, or may apply, beside one to the same value.
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("then", "else")


def undocumented(source: Source, schema: Json, value: Json, pointer: str) -> Iterator[str]:
    """The pointer of each field that no part of the schema names; an open object takes any."""
    yield from _walk(source, [schema], value, pointer)


def _walk(source: Source, schemas: list[Json], value: Json, pointer: str) -> Iterator[str]:
    if isinstance(value, dict):
        parts = list(_applicable(source, schemas))
        known = {name for part in parts for name in part.get("properties", {})}
        for name, item in value.items():
            inner = list(_below(parts, str(name)))
            if inner:
                yield from _walk(source, inner, item, join(pointer, name))
            elif known and not _takes_any(parts):
                yield join(pointer, name)
    elif isinstance(value, list):
        parts = list(_applicable(source, schemas))
        for index, item in enumerate(value):
            yield from _walk(source, list(_items(parts, index)), item, join(pointer, index))


def _applicable(source: Source, schemas: Iterable[Json]) -> Iterator[dict[str, Json]]:
    waiting = list(schemas)
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.get("$ref"), str):
            waiting.append(source.resolve(node["$ref"]))
        yield node
        waiting.extend(part for keyword in _LISTS for part in node.get(keyword, ()))
        waiting.extend(node[keyword] for keyword in _SINGLE if keyword in node)
        waiting.extend(node.get("dependentSchemas", {}).values())


def _below(parts: list[dict[str, Json]], name: str) -> Iterator[Json]:
    for part in parts:
        if name in part.get("properties", {}):
            yield part["properties"][name]
        elif isinstance(part.get("additionalProperties"), dict):
            yield part["additionalProperties"]


def _takes_any(parts: list[dict[str, Json]]) -> bool:
    """True where a part says that more fields may come: then they are documented, in a way."""
    # What a schema forbids, its own check tells; a pattern's fields are left to that too.
    words = ("additionalProperties", "unevaluatedProperties", "patternProperties")
    return any(word in part for part in parts for word in words)


def _items(parts: list[dict[str, Json]], index: int) -> Iterator[Json]:
    for part in parts:
        prefix = part.get("prefixItems", ())
        if index < len(prefix):
            yield prefix[index]
        elif "items" in part:
            yield part["items"]
