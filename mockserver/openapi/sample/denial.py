"""What holds where a schema does not: `not`, said the other way round."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockserver.openapi.sample.shape import TYPES
from mockserver.openapi.source import Json

# What cannot be said the other way round: a sample is made, and checked.
_UNSAID = {
    "pattern",
    "format",
    "multipleOf",
    "uniqueItems",
    "propertyNames",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "prefixItems",
    "unevaluatedItems",
    "dependentRequired",
    "dependentSchemas",
}
_DEEPEST = 20


def denials(schema: Json, target: Callable[[str], Json], old: bool, depth: int = 0) -> list[Json]:
    """Schemas of which one holds where this one does not, as far as that can be said."""
    if not isinstance(schema, dict):
        return [True] if schema is False else []
    branches: list[Json] = []
    if "$ref" in schema and depth < _DEEPEST:
        branches = denials(target(schema["$ref"]), target, old, depth + 1)
    if old and "$ref" in schema:
        return branches
    # What takes a search comes after what can be said straight away.
    words = sorted(
        schema.items(), key=lambda word: word[0] in _UNSAID or word[0] in ("items", "contains", "not")
    )
    return branches + [branch for key, value in words for branch in _denial(key, value, schema)]


def _denial(key: str, value: Json, schema: Json) -> list[Json]:
    """What holds where one keyword of a schema does not; nothing for a keyword that says nothing."""
    if key in _DENIALS:
        return _DENIALS[key](value)
    if key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        return _number_denial(key, value, schema)
    if key == "if":
        return [
            {"allOf": [value, {"not": schema.get("then", True)}]},
            {"allOf": [{"not": value}, {"not": schema.get("else", True)}]},
        ]
    return [{"not": {key: value}}] if key in _UNSAID else []


def _number_denial(key: str, value: Json, schema: Json) -> list[Json]:
    """The other side of a bound, without the bound itself where that was inside."""
    if isinstance(value, bool):
        return []
    low = key in ("minimum", "exclusiveMinimum")
    flag = schema.get("exclusiveMinimum" if low else "exclusiveMaximum")
    outside = key.startswith("exclusive") or flag is True
    side = "Maximum" if low else "Minimum"
    return [{"type": "number", side.lower() if outside else f"exclusive{side}": value}]


def _deny_types(value: Json) -> list[Json]:
    denied = value if isinstance(value, list) else [value]
    kinds = [kind for kind in TYPES if kind not in denied]
    if "number" in denied:
        kinds = [kind for kind in kinds if kind != "integer"]
    return [{"type": kinds}] if kinds else []


def _deny_properties(value: Json) -> list[Json]:
    return [
        {"type": "object", "required": [name], "properties": {name: {"not": part}}}
        for name, part in value.items()
    ]


def _deny_required(value: Json) -> list[Json]:
    return [{"type": "object", "properties": {name: False}} for name in value]


_DENIALS: Mapping[str, Callable[[Json], list[Json]]] = {
    "enum": lambda value: [{"not": {"enum": value}}],
    "const": lambda value: [{"not": {"enum": [value]}}],
    "type": _deny_types,
    "properties": _deny_properties,
    "required": _deny_required,
    "allOf": lambda value: [{"not": part} for part in value],
    "anyOf": lambda value: [{"allOf": [{"not": part} for part in value]}],
    "oneOf": lambda value: [{"allOf": [{"not": part} for part in value]}, {"allOf": value[:2]}],
    "not": lambda value: [value],
    "minLength": lambda value: [{"type": "string", "maxLength": value - 1}] if value else [],
    "maxLength": lambda value: [{"type": "string", "minLength": value + 1}],
    "minItems": lambda value: [{"type": "array", "maxItems": value - 1}] if value else [],
    "maxItems": lambda value: [{"type": "array", "minItems": value + 1}],
    "minProperties": lambda value: [{"type": "object", "maxProperties": value - 1}] if value else [],
    "maxProperties": lambda value: [{"type": "object", "minProperties": value + 1}],
    "items": lambda value: [{"type": "array", "contains": {"not": value}}],
    "contains": lambda value: [{"type": "array", "items": {"not": value}}],
}
