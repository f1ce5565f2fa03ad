"""The keywords of one schema, without what it refers to, read into a shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mockserver.openapi.sample.shape import Bound, Choice, Shape, exactly, tighter
from mockserver.openapi.source import Json

_HINTS: Mapping[str, tuple[str, ...]] = {
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "minProperties",
        "maxProperties",
        "propertyNames",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
    ),
    "array": ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems"),
    "string": ("pattern", "minLength", "maxLength", "format", "contentEncoding", "contentMediaType"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_NUMBER_FORMATS = ("int32", "int64", "float", "double")


def read(schema: Json, old: bool) -> Shape:
    """The shape that the schema's own keywords describe; `old` stands for OpenAPI 3.0."""
    words: dict[str, Json] = {}
    for part in (_values, _numbers, _texts, _objects, _arrays):
        words.update(part(schema))
    if old and schema.get("nullable") is True:
        words["types"] = (*words["types"], "null") if words["types"] else None
        words["marks"] |= {"nullable"}
    if isinstance(schema.get("discriminator"), dict):
        words["discriminators"] = (schema["discriminator"],)
    return Shape(choices=tuple(_choices(schema)), **words)


def _values(schema: Json) -> dict[str, Json]:
    words: dict[str, Json] = {"types": _declared_types(schema), "hints": _hints(schema)}
    if "enum" in schema:
        words["enum"] = tuple(schema["enum"])
    if "const" in schema:
        words["enum"] = (schema["const"],)
    words["examples"] = tuple(_own_examples(schema))
    words["marks"] = frozenset(mark for mark in ("readOnly", "writeOnly") if schema.get(mark) is True)
    words["hard"] = any(key in schema for key in ("if", "oneOf", "anyOf", "dependentSchemas"))
    return words


def _declared_types(schema: Json) -> tuple[str, ...] | None:
    declared = schema.get("type")
    if declared is None:
        return None
    return tuple(declared) if isinstance(declared, list) else (declared,)


def _hints(schema: Json) -> tuple[str, ...]:
    hints = [kind for kind, keys in _HINTS.items() if any(key in schema for key in keys)]
    if schema.get("format") in _NUMBER_FORMATS:
        hints = ["number", *(hint for hint in hints if hint not in ("string", "number"))]
    return tuple(hints)


def _own_examples(schema: Json) -> Iterable[Json]:
    if "example" in schema:
        yield schema["example"]
    examples = schema.get("examples")
    yield from examples if isinstance(examples, list) else ()
    if "default" in schema:
        yield schema["default"]


def _numbers(schema: Json) -> dict[str, Json]:
    words: dict[str, Json] = {
        "low": _bound(schema, "minimum", "exclusiveMinimum", 1),
        "high": _bound(schema, "maximum", "exclusiveMaximum", -1),
    }
    step = schema.get("multipleOf")
    if _is_number(step) and step > 0:
        words["step"] = exactly(step)
    return words


def _bound(schema: Json, key: str, exclusive_key: str, sign: int) -> Bound | None:
    """Both spellings of an exclusive bound: a flag beside the bound (3.0) and a bound of its own (3.1)."""
    plain, exclusive = schema.get(key), schema.get(exclusive_key)
    bound = Bound(exactly(plain), exclusive is True) if _is_number(plain) else None
    if _is_number(exclusive):
        bound = tighter(bound, Bound(exactly(exclusive), True), sign)
    return bound


def _is_number(value: Json) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or -1.8e308 < value < 1.8e308


def _texts(schema: Json) -> dict[str, Json]:
    words: dict[str, Json] = {
        "min_length": int(schema.get("minLength", 0)),
        "max_length": _count(schema, "maxLength"),
    }
    if isinstance(schema.get("pattern"), str):
        words["patterns"] = (schema["pattern"],)
    if isinstance(schema.get("format"), str):
        words["formats"] = (schema["format"],)
    elif schema.get("contentEncoding") == "base64":
        words["formats"] = ("byte",)
    return words


def _count(schema: Json, key: str) -> int | None:
    return int(schema[key]) if key in schema else None


def _objects(schema: Json) -> dict[str, Json]:
    required = schema.get("required", ())
    dependents = schema.get("dependentRequired", {})
    return {
        "properties": schema.get("properties", {}),
        "pattern_properties": schema.get("patternProperties", {}),
        "additional": schema.get("additionalProperties", True),
        "unevaluated": schema.get("unevaluatedProperties", True),
        "property_names": schema.get("propertyNames", True),
        "required": tuple(dict.fromkeys(required)) if isinstance(required, list) else (),
        "dependents": tuple((name, other) for name, others in dependents.items() for other in others),
        "min_properties": int(schema.get("minProperties", 0)),
        "max_properties": _count(schema, "maxProperties"),
    }


def _arrays(schema: Json) -> dict[str, Json]:
    words: dict[str, Json] = {
        "prefix": tuple(schema.get("prefixItems", ())),
        "items": schema.get("items", True),
        "unevaluated_items": schema.get("unevaluatedItems", True),
        "unique": schema.get("uniqueItems") is True,
        "min_items": int(schema.get("minItems", 0)),
        "max_items": _count(schema, "maxItems"),
    }
    if "contains" in schema:
        words["contains"] = (
            (schema["contains"], int(schema.get("minContains", 1)), _count(schema, "maxContains")),
        )
    return words


def _choices(schema: Json) -> Iterable[Choice]:
    for key in ("oneOf", "anyOf"):
        if isinstance(schema.get(key), list):
            yield Choice(tuple(schema[key]), exclusive=key == "oneOf")
    if "if" in schema:
        yield Choice(tuple(_conditions(schema)))
    asked = [other for others in schema.get("dependentRequired", {}).values() for other in others]
    for name, part in schema.get("dependentSchemas", {}).items():
        absent, present = {"properties": {name: False}}, {"allOf": [{"required": [name]}, part]}
        wanted = name in schema.get("properties", {}) or name in schema.get("required", ()) or name in asked
        yield Choice((present, absent) if wanted else (absent, present))


def _conditions(schema: Json) -> Iterable[Json]:
    yield {"allOf": [schema["if"], schema.get("then", True)]}
    yield {"allOf": [{"not": schema["if"]}, schema.get("else", True)]}
