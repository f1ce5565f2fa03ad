"""The shape of a value: all that the schemas for one place say of it, each alternative an open choice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from mockserver.openapi.pattern import PatternError, matches
from mockserver.openapi.source import Json

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


class Dead(Exception):
    """Nothing can satisfy this part of the schema; where it stands is noted as the exception passes by."""

    place = ""


class Exhausted(Exception):
    """An attempt has done all the work it may."""


@dataclass(frozen=True)
class Choice:
    """Alternatives of which one has to be taken; with `exclusive`, no second one may hold as well."""

    branches: tuple[Json, ...]
    exclusive: bool = False


@dataclass(frozen=True)
class Bound:
    """One end of a range of numbers."""

    value: Fraction
    exclusive: bool = False


@dataclass(frozen=True)
class Shape:
    """What a value has to look like, all schemas for its place taken together."""

    types: tuple[str, ...] | None = None
    hints: tuple[str, ...] = ()
    enum: tuple[Json, ...] | None = None
    excluded: tuple[Json, ...] = ()
    low: Bound | None = None
    high: Bound | None = None
    step: Fraction | None = None
    patterns: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    min_length: int = 0
    max_length: int | None = None
    properties: Mapping[str, Json] = field(default_factory=dict)
    pattern_properties: Mapping[str, Json] = field(default_factory=dict)
    additional: Json = True
    unevaluated: Json = True
    property_names: Json = True
    required: tuple[str, ...] = ()
    dependents: tuple[tuple[str, str], ...] = ()
    min_properties: int = 0
    max_properties: int | None = None
    prefix: tuple[Json, ...] = ()
    items: Json = True
    unevaluated_items: Json = True
    contains: tuple[tuple[Json, int, int | None], ...] = ()
    unique: bool = False
    min_items: int = 0
    max_items: int | None = None
    choices: tuple[Choice, ...] = ()
    discriminators: tuple[Json, ...] = ()
    examples: tuple[Json, ...] = ()
    marks: frozenset[str] = frozenset()
    refs: tuple[str, ...] = ()
    hard: bool = False

    def under(self, name: str) -> Json:
        """The schema that a property of this name has to keep."""
        parts = [self.properties[name]] if name in self.properties else []
        parts += [part for pattern, part in self.pattern_properties.items() if found(pattern, name)]
        return conjunction(parts) if parts else self.closed

    @property
    def closed(self) -> Json:
        """The schema for properties that nothing names."""
        return self.unevaluated if self.additional is True else self.additional

    @property
    def rest(self) -> Json:
        """The schema for items after the prefix."""
        return self.unevaluated_items if self.items is True else self.items


ANYTHING = Shape()


def found(pattern: str, text: str) -> bool:
    """True when the pattern is found in the text; a pattern that cannot be read is found nowhere."""
    try:
        return matches(pattern, text)
    except PatternError:
        return False


def conjunction(parts: Iterable[Json]) -> Json:
    """One schema that says what all the parts say."""
    kept: list[Json] = []
    for part in parts:
        if part is False:
            return False
        if isinstance(part, dict) and part and not any(_repeats(part, other) for other in kept):
            kept.append(part)
    return {"allOf": kept} if len(kept) > 1 else kept[0] if kept else True


def _repeats(one: Json, other: Json) -> bool:
    return one is other or ("$ref" in one and one == other)


def same(one: Json, other: Json) -> bool:
    """Equality as JSON Schema means it: 1 is 1.0, but neither is true."""
    return bool(key_of(one) == key_of(other))


def key_of(value: Json) -> Json:
    """A hashable key that is the same for values that are the same in JSON."""
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(part)) for name, part in value.items()))
    if isinstance(value, list):
        return ("array", tuple(key_of(part) for part in value))
    return (isinstance(value, bool), value)


def type_of(value: Json) -> str:
    """The JSON type of a value; a whole float is an integer."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) or value.is_integer() else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def is_of(value: Json, types: tuple[str, ...] | None) -> bool:
    """True when the value is of one of the types; None stands for all of them."""
    kind = type_of(value)
    return types is None or kind in types or (kind == "integer" and "number" in types)


def fits(value: Json, shape: Shape) -> bool:
    """True when the value is fine as far as a glance tells; containers are not looked into."""
    listed = shape.enum is None or any(same(value, other) for other in shape.enum)
    return listed and suits(value, shape)


def suits(value: Json, shape: Shape) -> bool:
    """As `fits`, but for the enum."""
    if not is_of(value, shape.types) or any(same(value, other) for other in shape.excluded):
        return False
    if isinstance(value, str):
        return _fits_text(value, shape)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _fits_number(value, shape)
    return True


def _fits_text(value: str, shape: Shape) -> bool:
    if len(value) < shape.min_length or (shape.max_length is not None and len(value) > shape.max_length):
        return False
    return all(found(pattern, value) for pattern in shape.patterns)


def _fits_number(value: Json, shape: Shape) -> bool:
    if isinstance(value, float) and not -1.8e308 < value < 1.8e308:
        return False
    exact = exactly(value)
    if shape.low and (exact < shape.low.value or (shape.low.exclusive and exact == shape.low.value)):
        return False
    if shape.high and (exact > shape.high.value or (shape.high.exclusive and exact == shape.high.value)):
        return False
    return shape.step is None or (exact / shape.step).denominator == 1


def exactly(value: Json) -> Fraction:
    """The number as it is written: 0.1 is a tenth."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def tighter(one: Bound | None, other: Bound | None, sign: int) -> Bound | None:
    """The narrower of two bounds; the sign is 1 for lower ones and -1 for upper ones."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other, key=lambda bound: (sign * bound.value, bound.exclusive))
