"""What a schema means, whichever way it is written: $ref followed, allOf merged, 3.0 and 3.1 alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeGuard

from contracts.drift.change import canonical, listing, mapping
from mockserver.openapi.source import Json, Source, join

# "number" stands for the numbers that are no integers, so that `number` is the two together.
TYPES = frozenset(("null", "boolean", "object", "array", "number", "string", "integer"))
# Keywords that say nothing of a value.
PROSE = frozenset(
    (
        *("title", "description", "summary", "example", "examples", "deprecated", "externalDocs"),
        *("$comment", "$defs", "definitions", "$schema", "$vocabulary", "$id", "$anchor", "$dynamicAnchor"),
    )
)
_STRUCTURE = frozenset(
    (
        *("$ref", "allOf", "anyOf", "oneOf", "type", "nullable", "enum", "const", "format", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        *("required", "properties", "additionalProperties", "unevaluatedProperties", "items", "default"),
        *("readOnly", "writeOnly", "discriminator", "x-rules", "x-outcomes"),
        *("if", "then", "else", "minContains", "maxContains", "contains"),
    )
)
_COUNTS = ("Length", "Items", "Properties")


# Of which types a demand says something; it lets every value of the others through.
_NUMBERS = frozenset(("number", "integer"))
_CONCERNS = {
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), _NUMBERS),
    **dict.fromkeys(("minLength", "maxLength"), frozenset(("string",))),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems"), frozenset(("array",))),
    **dict.fromkeys(("minProperties", "maxProperties"), frozenset(("object",))),
}
FORMATTED = _NUMBERS | {"string"}


def _concerned(name: str) -> frozenset[str]:
    return _CONCERNS.get(name, TYPES)


class Place(NamedTuple):
    """A schema and where it stands."""

    node: Json
    pointer: str


# Schemas that hold together; none at all is anything.
Group = tuple[Place, ...]


class Bound(NamedTuple):
    """An end of a range: upper or lower, and whether the number itself lies within."""

    value: float
    is_upper: bool
    is_open: bool = False

    def is_tighter_than(self, other: Bound) -> bool:
        """True where this one lets fewer values through."""
        if self.value != other.value:
            return (self.value < other.value) == self.is_upper
        return self.is_open and not other.is_open


@dataclass
class Shape:
    """Everything a schema demands of a value."""

    types: frozenset[str] = TYPES
    # By their canonical text; None where any value will do.
    values: dict[str, Json] | None = None
    bounds: dict[str, Bound] = field(default_factory=dict)
    formats: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    properties: dict[str, Group] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    is_closed: bool = False
    extra: Group = ()
    items: Group = ()
    choices: list[tuple[Place, ...]] = field(default_factory=list)
    # What holds under a condition, by the condition's text: then, and else.
    conditions: dict[str, tuple[Group, Group]] = field(default_factory=dict)
    # Demands that are only compared for being the same: (keyword, canonical text).
    others: frozenset[tuple[str, str]] = frozenset()
    default: tuple[Json, ...] = ()
    # By which value of its discriminator an alternative is known: (alternative, value).
    tags: frozenset[tuple[str, str]] = frozenset()
    # Fields that only one side writes.
    read_only: frozenset[str] = frozenset()
    write_only: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()
    prose: frozenset[tuple[str, str]] = frozenset()

    def keep_values(self, values: Iterable[Json]) -> None:
        """Let only these through."""
        given = {canonical(value): value for value in values}
        self.values = (
            given
            if self.values is None
            else {text: value for text, value in self.values.items() if text in given}
        )

    def keep_bound(self, name: str, bound: Bound) -> None:
        """Let the range end here, if it did not end before."""
        if name not in self.bounds or bound.is_tighter_than(self.bounds[name]):
            self.bounds[name] = bound

    def keep_condition(self, text: str, then: Group, otherwise: Group) -> None:
        """Demand something where the condition is met, and something else where it is not."""
        known = self.conditions.get(text, ((), ()))
        self.conditions[text] = (known[0] + then, known[1] + otherwise)

    def meet(self, other: Shape) -> None:
        """Demand also what the other demands."""
        self.types &= other.types
        if other.values is not None:
            self.keep_values(other.values.values())
        for name, bound in other.bounds.items():
            self.keep_bound(name, bound)
        for prop, group in other.properties.items():
            self.properties[prop] = self.properties.get(prop, ()) + group
        self.formats |= other.formats
        self.patterns |= other.patterns
        self.required |= other.required
        self.is_closed |= other.is_closed
        self.extra += other.extra
        self.items += other.items
        self.choices += other.choices
        for text, (then, otherwise) in other.conditions.items():
            self.keep_condition(text, then, otherwise)
        self.others |= other.others
        self.tags |= other.tags
        self.default = self.default or other.default
        self.read_only |= other.read_only
        self.write_only |= other.write_only
        self.outcomes |= other.outcomes
        self.prose |= other.prose

    @property
    def is_types_only(self) -> bool:
        """True where nothing but types and prose is said."""
        return self == Shape(types=self.types, prose=self.prose)

    @property
    def is_object(self) -> bool:
        """True where something is said of fields."""
        return bool(self.properties or self.required or self.is_closed or self.extra)

    def said_of(self, types: frozenset[str]) -> Shape:
        """The same without the demands that say nothing of a value of these types."""
        kept = replace(
            self,
            bounds={name: bound for name, bound in self.bounds.items() if _concerned(name) & types},
            others=frozenset(one for one in self.others if _concerned(one[0]) & types),
        )
        if "string" not in types:
            kept.patterns = frozenset()
        if not types & FORMATTED:
            kept.formats = frozenset()
        if "array" not in types:
            kept.items = ()
        if "object" not in types:
            kept.properties, kept.required, kept.is_closed, kept.extra = {}, frozenset(), False, ()
        return kept

    @property
    def is_bare(self) -> bool:
        """True where nothing but types, alternatives and prose is said."""
        bare = Shape(types=self.types, choices=self.choices, prose=self.prose, others=self.others)
        return self == replace(bare, tags=self.tags)

    @property
    def is_list_of_values(self) -> bool:
        """True for `enum` or `const` and no further demand."""
        return self.values is not None and self == Shape(
            types=self.types, values=self.values, prose=self.prose
        )


class Reader:
    """Reads the schemas of one document as shapes."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._shapes: dict[tuple[str, ...], Shape] = {}

    def shape(self, group: Group) -> Shape:
        """What these schemas demand together."""
        key = tuple(place.pointer for place in group)
        if key not in self._shapes:
            self._shapes[key] = self._whole(group, set())
        return self._shapes[key]

    def led(self, group: Group) -> Group:
        """The same schemas, where they stand and not where they are referred to."""
        return tuple(map(self._led, group))

    def _led(self, place: Place) -> Place:
        node = place.node
        if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
            return place
        if len(node) > 1 and self.source.version != "3.0":
            return place
        try:
            return Place(*self.source.through(node, place.pointer))
        except LookupError:
            return place

    def _whole(self, group: Sequence[Place], seen: set[str]) -> Shape:
        shape = Shape()
        for place in group:
            self._take(shape, place, seen)
        if shape.values is not None:
            _settle(shape, shape.values)
        _settle_integers(shape)
        return shape

    def _take(self, shape: Shape, place: Place, seen: set[str]) -> None:
        node, pointer = place
        if node is False:
            shape.types = frozenset()
        if not isinstance(node, dict) or pointer in seen:
            return
        seen.add(pointer)
        ref = node.get("$ref")
        if isinstance(ref, str):
            self._refer(shape, ref, place, seen)
            if self.source.version == "3.0":
                return
        if self.source.version == "3.0" and node.get("nullable") is True:
            shape.meet(self._nullable(place, seen))
        else:
            self._take_node(shape, node, pointer, seen)

    def _nullable(self, place: Place, seen: set[str]) -> Shape:
        """A schema of 3.0 that takes null too, whatever its type, enum and alternatives say.

        By the letter of 3.0.3 an enum must list null, and `nullable` counts beside a `type` only. Hardly
        anybody writes it so, and our validator is as lenient: `nullable: true` beside `enum: [a]` is compared
        as what 3.1 writes as `type: [string, 'null'], enum: [a, null]`. In 3.1 there is no `nullable`, and an
        enum without null takes none.
        """
        shape = Shape()
        self._take_node(shape, place.node, place.pointer, seen)
        shape.types |= {"null"}
        if shape.values is not None:
            shape.values = {**shape.values, "null": None}
        return shape

    def _take_node(self, shape: Shape, node: dict[str, Json], pointer: str, seen: set[str]) -> None:
        for index, item in enumerate(listing(node.get("allOf"))):
            self._take(shape, Place(item, join(pointer, "allOf", index)), seen)
        for keyword in ("oneOf", "anyOf"):
            if listing(node.get(keyword)):
                self._choose(shape, node, keyword, pointer, seen)
        self._own(shape, node, pointer)

    def _refer(self, shape: Shape, ref: str, place: Place, seen: set[str]) -> None:
        try:
            self._take(shape, Place(*self.source.through({"$ref": ref}, place.pointer)), seen)
        except LookupError:
            # A fault of the document, told elsewhere; the same dead reference is still the same.
            shape.others |= {("$ref", ref)}

    def _choose(
        self, shape: Shape, node: dict[str, Json], keyword: str, pointer: str, seen: set[str]
    ) -> None:
        places = [Place(item, join(pointer, keyword, index)) for index, item in enumerate(node[keyword])]
        shapes = [(place, self._whole([place], set(seen))) for place in places]
        rest = [(place, one) for place, one in shapes if one.types != {"null"}]
        null = frozenset(("null",)) if len(rest) < len(shapes) else frozenset()
        if len(rest) == 1:
            one = rest[0][1]
            one.types |= null
            if null and one.values is not None:
                one.values = {**one.values, "null": None}
            shape.meet(one)
        elif rest and all(one.is_list_of_values for _, one in rest):
            shape.keep_values(
                [value for _, one in shapes for value in (one.values or {"null": None}).values()]
            )
            shape.prose |= frozenset().union(*(one.prose for _, one in shapes))
        elif rest and _are_one([one for _, one in rest], keyword):
            shape.meet(_as_one([one for _, one in shapes]))
        else:
            shape.types &= frozenset(null).union(*(one.types for _, one in rest))
            shape.choices.append(tuple(place for place, _ in rest))

    def _own(self, shape: Shape, node: dict[str, Json], pointer: str) -> None:
        shape.types &= _types(node)
        _take_values(shape, node)
        _take_bounds(shape, node)
        _take_texts(shape, node)
        self._take_object(shape, node, pointer)
        if "items" in node:
            shape.items += (Place(node["items"], join(pointer, "items")),)
        _take_rules(shape, node)
        self._take_others(shape, node)
        self._take_condition(shape, node, pointer)
        if "default" in node and not shape.default:
            shape.default = (node["default"],)
        outcomes = mapping(node.get("x-outcomes")).items()
        shape.outcomes |= {canonical([key, value]) for key, value in outcomes}

    def _take_object(self, shape: Shape, node: dict[str, Json], pointer: str) -> None:
        for name, item in mapping(node.get("properties")).items():
            place = Place(item, join(pointer, "properties", name))
            shape.properties[name] = (*shape.properties.get(name, ()), place)
            marks = {**mapping(self._led(place).node), **mapping(item)}
            shape.read_only |= {name} if marks.get("readOnly") is True else set()
            shape.write_only |= {name} if marks.get("writeOnly") is True else set()
        shape.required |= {name for name in listing(node.get("required")) if isinstance(name, str)}
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            extra = node.get(keyword)
            shape.is_closed |= extra is False
            if isinstance(extra, dict) and extra:
                shape.extra += (Place(extra, join(pointer, keyword)),)

    def _take_condition(self, shape: Shape, node: dict[str, Json], pointer: str) -> None:
        if "if" in node:
            text = canonical(self.spelled_out(node["if"]))
            then, otherwise = (
                (Place(node[key], join(pointer, key)),) if key in node else () for key in ("then", "else")
            )
            shape.keep_condition(text, then, otherwise)

    def _take_others(self, shape: Shape, node: dict[str, Json]) -> None:
        found = [
            (key, item)
            for key, item in node.items()
            if key not in PROSE and key not in _STRUCTURE and not key.startswith("x-")
            if not any((key, item) == one[1:] for one in _CONTENT)
        ]
        together = ("contains", "minContains", "maxContains")
        if "contains" in node:
            found.append(("contains", {key: node[key] for key in together if key in node}))
        tag = mapping(node.get("discriminator")).get("propertyName")
        if tag is not None:
            found.append(("discriminator", tag))
            shape.tags |= _tags(node)
        shape.others |= {(key, canonical(self.spelled_out(item))) for key, item in found}
        shape.prose |= {
            (key, canonical(item))
            for key, item in node.items()
            if (key in PROSE and key not in ("$defs", "definitions")) or _is_mark(key)
        }

    def spelled_out(self, value: Json, trail: tuple[str, ...] = ()) -> Json:
        """A schema without its prose and with its references replaced, to be compared as a text."""
        if isinstance(value, list):
            return [self.spelled_out(item, trail) for item in value]
        if not isinstance(value, dict):
            return value
        ref = value.get("$ref")
        if isinstance(ref, str):
            return self._spelled_reference(ref, trail)
        return {
            key: self.spelled_out(item, trail)
            for key, item in value.items()
            if (key not in PROSE or isinstance(item, dict)) and not key.startswith("x-")
        }

    def _spelled_reference(self, ref: str, trail: tuple[str, ...]) -> Json:
        if ref in trail:
            return {"$ref": len(trail) - trail.index(ref)}
        try:
            return self.spelled_out(self.source.resolve(ref), (*trail, ref))
        except LookupError:
            return {"$ref": ref}


# --- alternatives that are one schema -----------------------------------------------------------------------


def _are_one(shapes: list[Shape], keyword: str) -> bool:
    """True where `oneOf: [{type: string}, {type: integer}]` could be written as `type: [string, integer]`."""
    if keyword == "anyOf" and all(one.is_types_only for one in shapes):
        return True
    types = [name for one in shapes for name in one.types]
    are_apart = len(types) == len(set(types))
    formats = sum(1 for one in shapes if one.formats)
    return are_apart and formats <= 1 and all(map(_concerns_its_own_types_only, shapes))


def _concerns_its_own_types_only(shape: Shape) -> bool:
    if shape.values is not None or any(
        (shape.choices, shape.conditions, shape.default, shape.outcomes, shape.tags)
    ):
        return False
    names = (*shape.bounds, *(name for name, _ in shape.others))
    concerned = [_CONCERNS.get(name, frozenset()) for name in names]
    concerned += [frozenset(("string",))] * bool(shape.patterns)
    concerned += [FORMATTED] * bool(shape.formats)
    concerned += [frozenset(("array",))] * bool(shape.items)
    concerned += [frozenset(("object",))] * shape.is_object
    return all(types & shape.types for types in concerned)


def _as_one(shapes: list[Shape]) -> Shape:
    """Alternatives of different types in one: what one of them demands is no matter of the others."""
    types = frozenset[str]().union(*(one.types for one in shapes))
    whole = Shape()
    for one in shapes:
        one.types = TYPES
        whole.meet(one)
    whole.types = types
    return whole


_CONTENT = (
    ("byte", "contentEncoding", "base64"),
    ("binary", "contentMediaType", "application/octet-stream"),
)


def _tags(node: dict[str, Json]) -> frozenset[tuple[str, str]]:
    """Those that the mapping gives, and for an alternative that has none there its own name."""
    given = mapping(mapping(node["discriminator"]).get("mapping"))
    found = {(str(ref).rpartition("/")[2], str(tag)) for tag, ref in given.items()}
    refs = [mapping(one).get("$ref") for key in ("oneOf", "anyOf") for one in listing(node.get(key))]
    names = {ref.rpartition("/")[2] for ref in refs if isinstance(ref, str)}
    return frozenset(found | {(name, name) for name in names - {name for name, _ in found}})


def _is_mark(key: str) -> bool:
    return key.startswith("x-") and key not in ("x-rules", "x-outcomes")


def _settle(shape: Shape, values: dict[str, Json]) -> None:
    """Values of other types than the schema's cannot occur, nor types of which it has no value."""
    shape.values = {text: value for text, value in values.items() if _type(value) in shape.types}
    shape.types = frozenset(map(_type, shape.values.values()))


def _settle_integers(shape: Shape) -> None:
    """Between whole numbers, "above 0" and "from 1" are the same."""
    if "number" in shape.types:
        return
    for name in ("minimum", "maximum"):
        bound = shape.bounds.get(name)
        if bound and bound.is_open and float(bound.value).is_integer():
            shape.bounds[name] = Bound(bound.value + (-1 if bound.is_upper else 1), bound.is_upper)


def _type(value: Json) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, float) and value.is_integer():
        return "integer"
    names = {int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _types(node: dict[str, Json]) -> frozenset[str]:
    given = node.get("type")
    names = {name for name in (given if isinstance(given, list) else [given]) if isinstance(name, str)}
    if not names:
        return TYPES
    if "number" in names:
        names.add("integer")
    return frozenset(names)


def _take_values(shape: Shape, node: dict[str, Json]) -> None:
    if isinstance(node.get("enum"), list):
        shape.keep_values(node["enum"])
    if "const" in node:
        shape.keep_values([node["const"]])


def _take_bounds(shape: Shape, node: dict[str, Json]) -> None:
    for name, word, is_upper in (("minimum", "Minimum", False), ("maximum", "Maximum", True)):
        limit, exclusive = node.get(name), node.get("exclusive" + word)
        if _is_number(limit):
            shape.keep_bound(name, Bound(limit, is_upper, exclusive is True))
        if _is_number(exclusive):
            shape.keep_bound(name, Bound(exclusive, is_upper, True))
    for what in _COUNTS:
        least, most = node.get("min" + what), node.get("max" + what)
        if _is_number(least) and least > 0:
            shape.keep_bound("min" + what, Bound(least, False))
        if _is_number(most):
            shape.keep_bound("max" + what, Bound(most, True))


def _is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _take_texts(shape: Shape, node: dict[str, Json]) -> None:
    # A password is shown as dots, and is a text like any other.
    if isinstance(node.get("format"), str) and node["format"] != "password":
        shape.formats |= {node["format"]}
    # What 3.0 calls a format has a keyword of its own in 3.1.
    shape.formats |= {name for name, key, value in _CONTENT if node.get(key) == value}
    if isinstance(node.get("pattern"), str):
        shape.patterns |= {node["pattern"]}
    if node.get("uniqueItems") is True:
        shape.others |= {("uniqueItems", "true")}
    if _is_number(node.get("multipleOf")):
        shape.others |= {("multipleOf", canonical(node["multipleOf"]))}


def _take_rules(shape: Shape, node: dict[str, Json]) -> None:
    """The x- rules: a difference is a range like any other, the rest holds or does not."""
    for rule in listing(node.get("x-rules")):
        rule = mapping(rule)
        if rule.get("rule") == "difference":
            _take_difference(shape, rule)
        else:
            demand = {key: item for key, item in rule.items() if key != "outcome"}
            shape.others |= {("x-rules", canonical(demand))}


def _take_difference(shape: Shape, rule: dict[str, Json]) -> None:
    fields = " and ".join(map(str, listing(rule.get("of"))))
    for key in ("minimum", "maximum", "exclusiveMinimum"):
        if _is_number(rule.get(key)):
            is_upper = key == "maximum"
            name = f"{'greatest' if is_upper else 'least'} difference of {fields}"
            shape.keep_bound(name, Bound(rule[key], is_upper, key == "exclusiveMinimum"))
