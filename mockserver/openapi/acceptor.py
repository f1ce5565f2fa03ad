"""Schemas read once into plain functions that tell of a value only whether it keeps its schema.

They agree with the validators of dialect.py on every value, in a hundredth of the time. What they cannot do
surely they refuse to do: there is no function then, and jsonschema decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from mockserver.openapi import checks
from mockserver.openapi.applicable import HIDDEN, Direction, alternatives, marked
from mockserver.openapi.checks import Accepts, anything, every, nothing
from mockserver.openapi.formats import of_numbers, of_texts
from mockserver.openapi.pattern import compiled
from mockserver.openapi.rules import Rules
from mockserver.openapi.source import Json, Source, at
from mockserver.openapi.vocabulary import RULES

UNDECIDED = (RecursionError, ValueError, ArithmeticError)
"""What an acceptor may raise of a value; then jsonschema has to tell, which may well raise the same."""

# What jsonschema knows and we leave to it.
REFUSED: Mapping[str, frozenset[str]] = {
    "3.0": frozenset(("$schema", "dependencies", "additionalItems")),
    "3.1": frozenset(("$schema", "$dynamicRef", "unevaluatedItems", "unevaluatedProperties")),
}
_UNREADABLE = (LookupError, TypeError, AttributeError, ValueError, RecursionError, OverflowError, re.error)
_NONE: frozenset[str] = frozenset()
_MOST_LOOSE = 512

Node: TypeAlias = dict[str, Any]
Make: TypeAlias = Callable[[Accepts | None], Accepts]

# What `\S` finds needs no minLength of 1.
_NOT_BLANK = r"\S"
_OF_TEXTS = frozenset(("enum", "minLength", "maxLength", "pattern", "format"))


class Unknown(ValueError):
    """The schema holds what no acceptor can tell of."""


class Acceptors:
    """The acceptors of one document for one direction, each made when it is first asked for."""

    def __init__(self, source: Source, direction: Direction, allowed_hosts: frozenset[str]) -> None:
        self.source = source
        self.mark = HIDDEN[direction]
        self.rules = Rules(allowed_hosts)
        # By the identity of nodes, which live as long as their document.
        self.known: dict[int, Accepts | None] = {}
        self._loose: dict[int, tuple[Json, Accepts | None]] = {}

    def at(self, pointer: str) -> Accepts | None:
        """The acceptor of the schema at a pointer; None where jsonschema has to decide."""
        try:
            return self.of(at(self.source.data, pointer))
        except LookupError:
            return None

    def of(self, node: Json) -> Accepts | None:
        """The acceptor of a schema that stands in the document."""
        if id(node) in self.known and isinstance(node, dict):
            return self.known[id(node)]
        reader = _Reader(self)
        accepts = _read(reader, node)
        if accepts is not None:
            # All or nothing: where schemas refer to each other, one may hold another that could not be read.
            self.known.update(reader.drafts)
        elif isinstance(node, dict):
            self.known[id(node)] = None
        return accepts

    def loose(self, node: Json) -> Accepts | None:
        """The acceptor of a schema that may stand nowhere, its references read as the document's."""
        if id(node) in self.known:
            return self.known[id(node)]
        kept = self._loose.get(id(node))
        if kept is None or kept[0] is not node:
            kept = node, _read(_Reader(self, is_loose=True), node)
            if len(self._loose) >= _MOST_LOOSE:
                self._loose.clear()
            self._loose[id(node)] = kept
        return kept[1]


def _read(reader: _Reader, node: Json) -> Accepts | None:
    try:
        return reader.schema(node)
    except _UNREADABLE:
        return None


class _Reader:
    """Reads one schema and all that it refers to; raises where any of it is malformed or beyond us."""

    def __init__(self, owner: Acceptors, *, is_loose: bool = False) -> None:
        self._owner = owner
        self._source = owner.source
        self._is_old = owner.source.version == "3.0"
        self._is_loose = is_loose
        self.drafts: dict[int, Accepts] = {}
        self._exempting: dict[tuple[int, frozenset[str]], Accepts] = {}

    def schema(self, node: Json, exempt: frozenset[str] = _NONE) -> Accepts:
        """The acceptor of a node that need not have the exempt fields: an `allOf` around it says so."""
        if node is True or node is False:
            return anything if node else nothing
        if not isinstance(node, dict):
            raise Unknown(repr(node))
        plain = self._plain(node)
        return self._exempted(node, exempt) if exempt else plain

    def _plain(self, node: Node) -> Accepts:
        key = id(node)
        known = self._owner.known
        if key in known:
            return _sure(known[key])
        if key not in self.drafts:
            later, settle = _later()
            self.drafts[key] = later
            self.drafts[key] = settle(self._node(node, _NONE))
        return self.drafts[key]

    def _exempted(self, node: Node, exempt: frozenset[str]) -> Accepts:
        key = id(node), exempt
        if key not in self._exempting:
            later, settle = _later()
            self._exempting[key] = later
            self._exempting[key] = settle(self._node(node, exempt))
        return self._exempting[key]

    def _node(self, node: Node, exempt: frozenset[str]) -> Accepts:
        if self._is_old and "$ref" in node:
            return self._referred(node["$ref"], exempt)
        if not REFUSED[self._source.version].isdisjoint(node):
            raise Unknown(", ".join(node))
        denied = [checks.denied(self.schema(node["not"]))] if "not" in node else []
        general = [*self._general(node, exempt), *denied, *self._rules(node)]
        accepts = self._typed(node, exempt, general)
        # Of null, `type`, `enum` and the branches say nothing then; `not` goes on saying it.
        is_nullable = self._is_old and node.get("nullable") is True
        return checks.or_null(accepts, every(denied)) if is_nullable else accepts

    # --- by kind --------------------------------------------------------------------------------------------

    def _typed(self, node: Node, exempt: frozenset[str], general: list[Accepts]) -> Accepts:
        """All that a node says: its type first, then what it asks of that type, then of any value."""
        parts = self._parts(node, exempt)
        if "type" not in node:
            return every([*(make(None) for make in parts.values()), *general])
        kinds = _kinds(node["type"])
        if kinds == ["string"] and set(node) & _OF_TEXTS == {"enum"} and all(map(_is_text, node["enum"])):
            return every(general)  # no other value is among texts
        named = [name for name in kinds if name != "null"]
        own = [every([self._own(name, parts), *general]) for name in named]
        if len(own) == 1 and len(kinds) == 2:
            return checks.or_null(own[0], every(general))
        null = [every([checks.is_null, *general])] if "null" in kinds else []
        return checks.either([*own, *null])

    def _own(self, name: str, parts: Mapping[str, Make]) -> Accepts:
        part = parts.get("number" if name == "integer" else name)
        return part(checks.TYPES[name]) if part is not None else checks.TYPES[name]

    def _parts(self, node: Node, exempt: frozenset[str]) -> Mapping[str, Make]:
        """For each kind what makes its check: for that kind alone, or letting all others through."""
        low, high, texts = self._text(node)
        (least, numbers), array, objects = self._number(node), self._array(node), self._object(node)
        required, fields = self._required(node, exempt), self._fields(node)
        return {
            "string": lambda kind: checks.text(low, high, texts, other=kind is None),
            "number": lambda kind: checks.number(kind, least, numbers),
            "array": lambda kind: _of_kind(kind, checks.is_array, array),
            "object": lambda kind: _of_objects(
                checks.fields(required, fields, other=kind is None), kind, objects
            ),
        }

    def _text(self, node: Node) -> tuple[float | None, float | None, list[Accepts]]:
        found: list[Accepts] = []
        pattern = node.get("pattern")
        if "pattern" in node:
            found.append(_found(pattern))
        if "format" in node:
            fits = of_texts(_a_text(node["format"]))
            found.extend([fits] if fits else [])
        low = _bound(node, "minLength")
        # A text that is more than white space has a character.
        low = None if pattern == _NOT_BLANK and low is not None and low <= 1 else low
        return low, _bound(node, "maxLength"), found

    def _number(self, node: Node) -> tuple[float | None, list[Accepts]]:
        """The lowest number that is allowed, and what else is asked of numbers."""
        low, found = _bound(node, "minimum"), list(self._bounds(node))
        step = _bound(node, "multipleOf")
        if step is not None:
            found.append(checks.multiple(step))
        fits = of_numbers(node.get("format", ""))
        is_exclusive = self._is_old and node.get("exclusiveMinimum")
        return None if is_exclusive else low, [*found, fits] if fits else found

    def _bounds(self, node: Node) -> Iterable[Accepts]:
        """Every bound of numbers but for `minimum`, where that is a number which is allowed."""
        low, high = _bound(node, "minimum"), _bound(node, "maximum")
        if self._is_old:
            # Here the exclusive ones are flags.
            over, under = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
            limits = (None if under else high, low if over else None, high if under else None)
        else:
            limits = (high, _bound(node, "exclusiveMinimum"), _bound(node, "exclusiveMaximum"))
        for make, limit in zip((checks.at_most, checks.above, checks.below), limits, strict=True):
            if limit is not None:
                yield make(limit)

    def _array(self, node: Node) -> list[Accepts]:
        found = [checks.count(_bound(node, "minItems"), _bound(node, "maxItems"))]
        if self._is_old and not isinstance(node.get("items", {}), dict):
            raise Unknown("items")
        first = [] if self._is_old else [self.schema(one) for one in _a_list(node.get("prefixItems", []))]
        found.append(checks.items(first, self.schema(node.get("items", True))))
        if not self._is_old and "contains" in node:
            low, high = _bound(node, "minContains"), _bound(node, "maxContains")
            found.append(checks.containing(self.schema(node["contains"]), 1 if low is None else low, high))
        if node.get("uniqueItems"):
            found.append(checks.is_unique)
        return found

    # --- objects --------------------------------------------------------------------------------------------

    def _required(self, node: Node, exempt: frozenset[str]) -> list[str]:
        names = list(map(_a_text, _a_list(node.get("required", []))))
        hidden = marked(self._source, node, self._owner.mark) if names else _NONE
        return [name for name in names if name not in exempt and name not in hidden]

    def _fields(self, node: Node) -> dict[str, Accepts]:
        """The checks of single fields, where not one pass over all fields looks at them, too."""
        if _is_closed(node):
            return {}
        return {name: self.schema(inner) for name, inner in _a_dict(node.get("properties", {})).items()}

    def _object(self, node: Node) -> list[Accepts]:
        """What a node asks of objects besides its required fields and its properties."""
        found = [checks.count(_bound(node, "minProperties"), _bound(node, "maxProperties"))]
        if "patternProperties" in node:
            patterns = _a_dict(node["patternProperties"]).items()
            found.append(checks.patterned([(_found(one), self.schema(inner)) for one, inner in patterns]))
        if node.get("additionalProperties", True) is not True:
            found.append(self._additional(node, list(node.get("patternProperties", {}))))
        if "dependentRequired" in node:
            dependent = _a_dict(node["dependentRequired"])
            found.append(checks.together({k: list(map(_a_text, _a_list(v))) for k, v in dependent.items()}))
        if not self._is_old and "propertyNames" in node:
            found.append(checks.names(self.schema(node["propertyNames"])))
        return found

    def _additional(self, node: Node, patterns: list[str]) -> Accepts:
        extra = self.schema(node["additionalProperties"])
        known = _a_dict(node.get("properties", {}))
        if _is_closed(node):
            return checks.closed({name: self.schema(inner) for name, inner in known.items()}, extra)
        if extra is nothing:
            return checks.others(frozenset(known), checks.either(list(map(_found, patterns))), extra)
        # Where extra fields have a schema, jsonschema reads the patterns itself, as Python's.
        return checks.others(frozenset(known), _searched(re.compile("|".join(patterns))), extra)

    # --- any value ------------------------------------------------------------------------------------------

    def _general(self, node: Node, exempt: frozenset[str]) -> list[Accepts]:
        """What a node asks of a value of any kind."""
        found: list[Accepts] = []
        if "enum" in node:
            found.append(checks.among(_a_list(node["enum"])))
        found.extend(self._branches(node, exempt))
        if self._is_old:
            return found
        if "$ref" in node:
            found.append(self._referred(node["$ref"], exempt))
        if "const" in node:
            found.append(checks.same(node["const"]))
        if "if" in node:
            found.append(self._conditional(node, exempt))
        if "dependentSchemas" in node:
            dependent = _a_dict(node["dependentSchemas"])
            beside = checks.beside({name: self.schema(inner, exempt) for name, inner in dependent.items()})
            found.append(checks.when(checks.is_object, beside))
        return found

    def _branches(self, node: Node, exempt: frozenset[str]) -> Iterable[Accepts]:
        if "allOf" in node:
            around = exempt | marked(self._source, node, self._owner.mark)
            yield from [self.schema(branch, around) for branch in _a_list(node["allOf"])]
        for keyword, join in (("anyOf", checks.either), ("oneOf", checks.one_of)):
            if keyword in node:
                branches = _a_list(node[keyword])
                accepts = join([self.schema(branch) for branch in branches])
                told = node.get("discriminator")
                yield self._chosen(told, branches, accepts, exempt) if isinstance(told, dict) else accepts

    def _chosen(self, told: Node, branches: list[Json], plain: Accepts, exempt: frozenset[str]) -> Accepts:
        name = _a_text(told["propertyName"])
        # A mapped one is an object made for the moment, and no place to remember anything at.
        known = {
            value: self._referred(one["$ref"], exempt) if [*one] == ["$ref"] else self.schema(one, exempt)
            for value, one in alternatives(told, branches).items()
        }
        return checks.chosen(name, known, plain, absent=name in exempt)

    def _conditional(self, node: Node, exempt: frozenset[str]) -> Accepts:
        then, otherwise = (self.schema(node.get(key, True), exempt) for key in ("then", "else"))
        return checks.conditional(self.schema(node["if"]), then, otherwise)

    def _rules(self, node: Node) -> Iterable[Accepts]:
        for rule in _a_list(node.get("x-rules", [])):
            if rule["rule"] not in RULES:
                raise Unknown(rule["rule"])
            yield self._owner.rules.check(rule, node)

    def _referred(self, ref: Json, exempt: frozenset[str]) -> Accepts:
        node = self._source.resolve(_a_text(ref))
        # A loose schema is not kept, but what it refers to is, and has to be whole in itself.
        if self._is_loose and not exempt:
            return _sure(self._owner.of(node))
        return self.schema(node, exempt)


# --- what stands in a schema --------------------------------------------------------------------------------


def _later() -> tuple[Accepts, Callable[[Accepts], Accepts]]:
    """An acceptor that is known only when it is settled, for schemas that lead back to themselves."""
    cell: list[Accepts] = []

    def settle(accepts: Accepts) -> Accepts:
        cell.append(accepts)
        return accepts

    return lambda value: cell[0](value), settle


def _sure(accepts: Accepts | None) -> Accepts:
    if accepts is None:
        raise Unknown("a part of it")
    return accepts


def _of_kind(kind: Accepts | None, any_kind: Accepts, found: list[Accepts]) -> Accepts:
    """The checks for values of a kind alone; without one, for all that are, whatever the rest may be."""
    return checks.when(any_kind, every(found)) if kind is None else every([kind, *found])


def _of_objects(fields: Accepts, kind: Accepts | None, found: list[Accepts]) -> Accepts:
    more = every(found)
    return every([fields, checks.when(checks.is_object, more) if kind is None else more])


def _is_closed(node: Node) -> bool:
    return node.get("additionalProperties", True) is not True and not node.get("patternProperties")


def _kinds(given: Json) -> list[str]:
    names = [given] if isinstance(given, str) else _a_list(given)
    if not set(names) <= set(checks.TYPES):
        raise Unknown("type")
    return list(dict.fromkeys(names))


def _found(pattern: Json) -> Accepts:
    return checks.not_blank if pattern == _NOT_BLANK else _searched(compiled(_a_text(pattern)))


def _searched(pattern: re.Pattern[str]) -> Accepts:
    search = pattern.search
    return lambda text: search(text) is not None


def _bound(node: Node, keyword: str) -> float | None:
    value = node.get(keyword)
    if keyword in node and value.__class__ not in (int, float):
        raise Unknown(keyword)
    return value


def _a_text(value: Json) -> str:
    if not isinstance(value, str):
        raise Unknown(repr(value))
    return value


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _a_list(value: Json) -> list[Any]:
    if not isinstance(value, list):
        raise Unknown(repr(value))
    return value


def _a_dict(value: Json) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unknown(repr(value))
    return value
