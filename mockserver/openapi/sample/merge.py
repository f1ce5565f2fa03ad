"""Schemas merged into shapes: `$ref` followed, `allOf` laid together, contradictions noticed early."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import gcd, lcm
from typing import TypeVar

from mockserver.openapi.sample.denial import denials
from mockserver.openapi.sample.keywords import read
from mockserver.openapi.sample.shape import (
    ANYTHING,
    Choice,
    Dead,
    Exhausted,
    Shape,
    conjunction,
    found,
    key_of,
    suits,
    tighter,
)
from mockserver.openapi.source import Json

# One generation merges no more schemas than this: `allOf` within `allOf` can ask for endless work.
_MERGES = 24_000
_HEAVIEST = 10**6

_T = TypeVar("_T")


class Shapes:
    """Makes shapes of schemas; what was made of a schema is kept for the length of one generation."""

    def __init__(self, resolve: Callable[[str], Json], dialect: str) -> None:
        self._resolve = resolve
        self._old = dialect.startswith("3.0")
        # The schema is kept beside what is known of it, so that its id cannot pass to another one.
        self._known: dict[int, tuple[Json, Shape | Dead]] = {}
        self._weights: dict[int, tuple[Json, int]] = {}
        self._targets: dict[str, Json] = {}
        self._merges = 0
        self._granted = _MERGES

    def begin(self) -> None:
        """Grant the next attempt its share of work: half of what is left."""
        self._granted = (self._merges + _MERGES) // 2

    def of(self, schema: Json) -> Shape:
        """The shape of a schema that stands alone; Dead when it contradicts itself."""
        known = self._known.get(id(schema))
        if known is None:
            known = self._known[id(schema)] = (schema, self._attempt(schema))
        if isinstance(known[1], Dead):
            raise Dead(*known[1].args)
        return known[1]

    def _attempt(self, schema: Json) -> Shape | Dead:
        try:
            return self.within(schema, ANYTHING)
        except Dead as dead:
            return dead

    def within(self, schema: Json, shape: Shape, watch: bool = True) -> Shape:
        """The shape narrowed by one more schema; `watch` looks for contradictions one level further down."""
        self._merges += 1
        if self._merges > self._granted:
            raise Exhausted
        if not isinstance(schema, dict):
            if schema is False:
                raise Dead("the schema is false")
            return shape
        ref = schema.get("$ref", schema.get("$dynamicRef"))
        if isinstance(ref, str):
            shape = self._referred(ref, shape, watch)
            if self._old:
                return shape
        shape = self._both(shape, read(schema, self._old), watch)
        for part in schema.get("allOf", ()):
            shape = self.within(part, shape, watch)
        return self._denied(schema["not"], shape) if "not" in schema else shape

    def _referred(self, ref: str, shape: Shape, watch: bool) -> Shape:
        # A schema that this place already keeps adds nothing, which also ends circles of references.
        if ref in shape.refs:
            return shape
        return self.within(self.target(ref), replace(shape, refs=(*shape.refs, ref)), watch)

    def target(self, ref: str) -> Json:
        """The schema a reference leads to, looked up once."""
        if ref not in self._targets:
            self._targets[ref] = self._resolve(ref)
        return self._targets[ref]

    def _denied(self, denied: Json, shape: Shape) -> Shape:
        if isinstance(denied, dict) and len(denied) == 1 and ("enum" in denied or "const" in denied):
            values = denied["enum"] if "enum" in denied else [denied["const"]]
            return _alive(replace(shape, excluded=(*shape.excluded, *values)))
        branches = denials(denied, self.target, self._old)
        if branches == [{"not": denied}]:
            return replace(shape, hard=True)
        return replace(shape, choices=(*shape.choices, Choice(tuple(branches))), hard=True)

    def weight(self, schema: Json) -> int:
        """How many schemas a validator has to try for one value of this one, its parts left aside."""
        if not isinstance(schema, dict):
            return 1
        if id(schema) not in self._weights:
            # Counted as nothing while it is being counted, which ends circles of references.
            self._weights[id(schema)] = (schema, 0)
            inner = sum(self.weight(part) for part in self._in_place(schema))
            inner += max((self.weight(part) for part in schema.get("anyOf", ())), default=0)
            self._weights[id(schema)] = (schema, min(1 + inner, _HEAVIEST))
        return self._weights[id(schema)][1]

    def _in_place(self, schema: Json) -> Iterable[Json]:
        yield from (*schema.get("allOf", ()), *schema.get("oneOf", ()))
        yield from (schema[key] for key in ("not", "if", "then", "else") if key in schema)
        if isinstance(schema.get("$ref"), str):
            yield self.target(schema["$ref"])

    def _both(self, one: Shape, other: Shape, watch: bool) -> Shape:
        if one is ANYTHING or one == replace(ANYTHING, refs=one.refs):
            return _alive(replace(other, refs=one.refs))
        words = {word: rule(getattr(one, word), getattr(other, word)) for word, rule in _RULES.items()}
        return _alive(
            Shape(
                properties=self._properties(one, other, watch),
                pattern_properties=_pattern_properties(one, other),
                prefix=_prefix(one, other),
                **words,
            )
        )

    def _properties(self, one: Shape, other: Shape, watch: bool) -> Mapping[str, Json]:
        if not one.properties and one.additional is True and not one.pattern_properties:
            return other.properties
        merged: dict[str, Json] = {}
        for name in (*one.properties, *(name for name in other.properties if name not in one.properties)):
            parts = [_own(shape, name) for shape in (one, other)]
            both = conjunction(parts)
            made = not any(both is part for part in parts)
            merged[name] = False if watch and made and self._clash(*parts) else both
        return merged

    def _clash(self, one: Json, other: Json) -> bool:
        """True when two schemas for one property plainly leave nothing over."""
        try:
            self.within(other, self.within(one, ANYTHING, watch=False), watch=False)
        except Dead:
            return True
        return False


def _own(shape: Shape, name: str) -> Json:
    """What a shape says of a name, but for its patterns, which stay where they are."""
    if name in shape.properties:
        return shape.properties[name]
    return True if any(found(pattern, name) for pattern in shape.pattern_properties) else shape.additional


def _alive(shape: Shape) -> Shape:
    """The shape itself, its enum cut down to what suits the rest; Dead when it plainly contradicts itself."""
    if shape.types == ():
        raise Dead("no type is left")
    if shape.types == ("object",) and any(shape.properties.get(name) is False for name in shape.required):
        raise Dead("a required property is not allowed")
    if shape.enum is None:
        return shape
    left = tuple(value for value in shape.enum if suits(value, shape))
    if not left:
        raise Dead("no value of the enum is left")
    return shape if len(left) == len(shape.enum) else replace(shape, enum=left)


def _pattern_properties(one: Shape, other: Shape) -> Mapping[str, Json]:
    if not one.pattern_properties and one.additional is True:
        return other.pattern_properties
    merged = {pattern: _beside(part, pattern, other) for pattern, part in one.pattern_properties.items()}
    for pattern, part in other.pattern_properties.items():
        if pattern not in merged:
            merged[pattern] = _beside(part, pattern, one)
    return merged


def _beside(part: Json, pattern: str, other: Shape) -> Json:
    if pattern in other.pattern_properties:
        return conjunction((part, other.pattern_properties[pattern]))
    # Names of this pattern that the other side lists by name are judged there; the rest is extra to it.
    return part if other.properties else conjunction((part, other.additional))


def _prefix(one: Shape, other: Shape) -> tuple[Json, ...]:
    length = max(len(one.prefix), len(other.prefix))
    return tuple(
        conjunction(shape.prefix[i] if i < len(shape.prefix) else shape.items for shape in (one, other))
        for i in range(length)
    )


def _types(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The types of both, where an integer is a number too."""
    wide = {*other, "integer"} if "number" in other else {*other}
    kept = [kind for kind in one if kind in wide]
    if "number" in one and "integer" in other and "integer" not in kept:
        kept.append("integer")
    return tuple(kept)


def _enum(one: tuple[Json, ...], other: tuple[Json, ...]) -> tuple[Json, ...]:
    kept = {key_of(value) for value in other}
    return tuple(value for value in one if key_of(value) in kept)


def _step(one: Fraction, other: Fraction) -> Fraction:
    return Fraction(lcm(one.numerator, other.numerator), gcd(one.denominator, other.denominator))


def _union(one: tuple[_T, ...], other: tuple[_T, ...]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(one + other)) if one and other else one or other


def _joined(one: tuple[Json, ...], other: tuple[Json, ...]) -> tuple[Json, ...]:
    return one + other


def _examples(one: tuple[Json, ...], other: tuple[Json, ...]) -> tuple[Json, ...]:
    """Examples of both; two objects from two parts of an allOf also make one together, and it goes first."""
    if one and other and isinstance(one[0], dict) and isinstance(other[0], dict):
        return ({**other[0], **one[0]}, *one, *other)
    return one + other


def _given(rule: Callable[[Json, Json], Json]) -> Callable[[Json, Json], Json]:
    """The rule for what either side may leave out."""

    def merged(one: Json, other: Json) -> Json:
        return other if one is None else one if other is None else rule(one, other)

    return merged


def _all_of(one: Json, other: Json) -> Json:
    return conjunction((one, other))


def _either(one: bool, other: bool) -> bool:
    return one or other


# How each word of two shapes becomes one; what needs more than the two words stands in `_both`.
_RULES: Mapping[str, Callable[[Json, Json], Json]] = {
    "types": _given(_types),
    "enum": _given(_enum),
    "low": lambda one, other: tighter(one, other, 1),
    "high": lambda one, other: tighter(one, other, -1),
    "step": _given(_step),
    **dict.fromkeys(("hints", "patterns", "formats", "required", "dependents", "refs"), _union),
    **dict.fromkeys(("excluded", "contains", "choices", "discriminators"), _joined),
    **dict.fromkeys(("additional", "unevaluated", "property_names", "items", "unevaluated_items"), _all_of),
    **dict.fromkeys(("min_length", "min_properties", "min_items"), max),
    **dict.fromkeys(("max_length", "max_properties", "max_items"), _given(min)),
    **dict.fromkeys(("unique", "hard"), _either),
    "marks": frozenset.union,
    "examples": _examples,
}
