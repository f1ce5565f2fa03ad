"""How deep the smallest value of a schema is, which shows the way out where schemas refer to themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

from mockserver.openapi.source import Json


class Heights:
    """The heights of schemas, found for all that one schema refers to when the first is asked for."""

    def __init__(self, target: Callable[[str], Json]) -> None:
        self._target = target
        self._by_ref: dict[str, float] = {}

    def of(self, schema: Json) -> float:
        """0 for what needs no parts, infinity for what can never end."""
        unknown = [ref for ref in _refs(schema) if ref not in self._by_ref]
        if unknown:
            self._explore(unknown)
        return _Measure(self._by_ref).of(schema)

    def _explore(self, waiting: list[str]) -> None:
        """Begin with infinity everywhere and lower each height until nothing changes."""
        found: dict[str, Json] = {}
        while waiting:
            ref = waiting.pop()
            if ref not in found:
                found[ref] = self._target(ref)
                waiting.extend(_refs(found[ref]))
        self._by_ref.update({ref: inf for ref in found if ref not in self._by_ref})
        while self._lowered(found):
            pass

    def _lowered(self, found: dict[str, Json]) -> bool:
        measure = _Measure(dict(self._by_ref))
        lower = {ref: measure.of(schema) for ref, schema in found.items()}
        changed = any(lower[ref] < self._by_ref[ref] for ref in found)
        self._by_ref.update(lower)
        return changed


def _refs(schema: Json) -> Iterator[str]:
    waiting, seen = [schema], set[int]()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict | list) or id(node) in seen:
            continue
        seen.add(id(node))
        waiting.extend(node.values() if isinstance(node, dict) else node)
        ref = node.get("$ref", node.get("$dynamicRef")) if isinstance(node, dict) else None
        if isinstance(ref, str):
            yield ref


class _Measure:
    """One round of measuring, with the heights of references as they are known so far."""

    def __init__(self, by_ref: dict[str, float]) -> None:
        self._by_ref = by_ref
        self._known: dict[int, float] = {}

    def of(self, schema: Json) -> float:
        if not isinstance(schema, dict):
            return inf if schema is False else 0
        if id(schema) not in self._known:
            self._known[id(schema)] = self._measured(schema)
        return self._known[id(schema)]

    def _measured(self, schema: dict[str, Json]) -> float:
        if "enum" in schema or "const" in schema or schema.get("nullable") is True:
            return 0
        heights = [self._of_parts(schema), *map(self.of, schema.get("allOf", ()))]
        ref = schema.get("$ref", schema.get("$dynamicRef"))
        if isinstance(ref, str):
            heights.append(self._by_ref.get(ref, inf))
        choices = [schema[key] for key in ("oneOf", "anyOf") if schema.get(key)]
        heights += [min(map(self.of, branches)) for branches in choices]
        return max(heights)

    def _of_parts(self, schema: dict[str, Json]) -> float:
        """What the schema's own parts ask for; nothing where a plain value will do."""
        declared = schema.get("type", ["object", "array"])
        types = declared if isinstance(declared, list) else [declared]
        if any(kind not in ("object", "array") for kind in types):
            return 0
        heights = []
        if "object" in types:
            parts = [schema.get("properties", {}).get(name, True) for name in schema.get("required", ())]
            heights.append(max((1 + self.of(part) for part in parts), default=0))
        if "array" in types:
            heights.append(1 + self.of(schema.get("items", True)) if schema.get("minItems", 0) > 0 else 0)
        return max(heights) if "type" not in schema else min(heights)
