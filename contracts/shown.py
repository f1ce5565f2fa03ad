"""What a document shows: examples and defaults against their schemas, and the outcomes they stand for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from contracts.grammar import Fault, Thing, Written, followed, resolved, written
from mockserver.openapi.negotiation import is_json
from mockserver.openapi.parameters import coerce_text, meant
from mockserver.openapi.payload import OPAQUE
from mockserver.openapi.schemas import Direction, Place, Schemas
from mockserver.openapi.source import Json, Source, join, pointer_of
from mockserver.openapi.violation import Violation

# --- claims -------------------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """A value that says it keeps a schema."""

    rule: str
    name: str
    pointer: str
    value: Json
    place: Place
    holder: str
    media: str = ""


# What an example is part of decides whether readOnly or writeOnly is left out; a schema's own may do either.
_DIRECTIONS: Mapping[str, tuple[Direction, ...]] = {
    "response": ("response",),
    "header": ("response",),
    "request body": ("request",),
    "parameter": ("request",),
}
_EITHER: tuple[Direction, ...] = ("response", "request")


def claims(source: Source, found: Sequence[Thing]) -> Iterator[Claim]:
    """Every example and default of a document beside the schema it is to keep, each once."""
    seen: set[tuple[str, str, str]] = set()
    for thing in found:
        for claim in _claims(source, thing):
            mark = (claim.pointer, claim.place.pointer, claim.holder)
            if mark not in seen:
                seen.add(mark)
                yield claim


def _claims(source: Source, thing: Thing) -> Iterator[Claim]:
    node, pointer = thing.node, thing.pointer
    if thing.kind == "schema" and not ("$ref" in node and source.version == "3.0"):
        yield from _of_schema(node, Place(pointer, node))
    elif thing.kind in ("media type", "parameter", "header") and "schema" in node and "$ref" not in node:
        place = Place(join(pointer, "schema"), node["schema"])
        media = thing.key if thing.kind == "media type" else ""
        for name, where, value in _named(source, node, pointer):
            yield Claim("broken-example", name, where, value, place, thing.holder, media)


def _of_schema(node: Mapping[str, Json], place: Place) -> Iterator[Claim]:
    for key, rule in (("example", "broken-example"), ("default", "broken-default")):
        if key in node:
            yield Claim(rule, key, join(place.pointer, key), node[key], place, "schema")
    listed = node.get("examples")
    for index, value in enumerate(listed if isinstance(listed, list) else ()):
        where = join(place.pointer, "examples", index)
        yield Claim("broken-example", f"examples/{index}", where, value, place, "schema")


def _named(source: Source, node: Mapping[str, Json], pointer: str) -> Iterator[tuple[str, str, Json]]:
    if "example" in node:
        yield "example", join(pointer, "example"), node["example"]
    named = node.get("examples")
    for name, example in named.items() if isinstance(named, dict) else ():
        inner, place = followed(source, example, join(pointer, "examples", name))
        if "value" in inner:
            yield name, join(place, "value"), inner["value"]


# --- a claim against its schema -----------------------------------------------------------------------------

_MOST = 20


def broken(schemas: Schemas, claim: Claim) -> Iterator[Fault]:
    """Every way in which a claimed value breaks its schema, each where it does."""
    value = _said(schemas.source, claim)
    if value is OPAQUE or _holds(schemas, claim, value):
        return
    direction = _DIRECTIONS.get(claim.holder, _EITHER)[0]
    violations = schemas.violations(claim.place, value, where="response", pointer="", direction=direction)
    for _, violation in zip(range(_MOST), violations, strict=False):
        yield _fault(claim, violation, direction)


def _fault(claim: Claim, violation: Violation, direction: Direction) -> Fault:
    noun = "default" if claim.rule == "broken-default" else f"example {claim.name!r}"
    side = f" of the {direction}" if claim.holder in _DIRECTIONS else ""
    told = f"{violation.pointer} {violation.message}".strip()
    reason = f"the {noun}{side} breaks its own schema: {told}"
    return Fault(claim.rule, claim.pointer + violation.pointer, reason, violation.wanted, violation.got)


def _said(source: Source, claim: Claim) -> Json:
    """What the schema speaks of: the value, but for a text that stands for one, as XML does for an object."""
    is_body = claim.media and claim.holder not in ("parameter", "header") and not is_json(claim.media)
    if not is_body or not isinstance(claim.value, str):
        return claim.value
    return coerce_text(claim.value, claim.place.node, source)


def _holds(schemas: Schemas, claim: Claim, value: Json) -> bool:
    schema = {"$ref": "#" + quote(claim.place.pointer, safe="/~")}
    readings = [value]
    if claim.holder in ("parameter", "header") and isinstance(value, str):
        readings.append(meant(value, claim.place, schemas.source, as_json=is_json(claim.media)))
    try:
        return any(
            schemas.accepts(schema, reading, direction)
            for direction in _DIRECTIONS.get(claim.holder, _EITHER)
            for reading in readings
        )
    except RecursionError:
        return True  # nested too deeply to tell


# --- outcomes -----------------------------------------------------------------------------------------------

SUCCESS, INVALID, UNAUTHORIZED = "success", "invalid", "unauthorized"


class _Marked(NamedTuple):
    """A marked example of a response, and the status it stands under."""

    outcome: str
    status: str
    pointer: str
    example: dict[str, Json]

    def belongs_to(self, name: str) -> bool:
        return self.example.get("x-operation") in (None, name)


def unmarked(source: Source, found: Sequence[Thing]) -> Iterator[Fault]:
    """In a document with x-outcome marks: outcomes no example shows, and marks that count for nothing."""
    examples = (thing for thing in found if thing.kind == "example" and "x-outcome" in thing.node)
    if next(examples, None) is None:
        return
    for thing in found:
        if thing.kind == "example" and "x-outcome" in thing.node and "value" not in thing.node:
            outcome = thing.node["x-outcome"]
            reason = f"the example marked x-outcome: {outcome} shows no `value`"
            yield Fault("outcome-without-example", thing.pointer, reason, "`value`", "nothing")
    for operation in written(source):
        marks = list(_marks(source, operation))
        yield from _of_operation(source, operation, marks)
        yield from _repeated(operation, marks)


def _of_operation(source: Source, operation: Written, marks: Sequence[_Marked]) -> Iterator[Fault]:
    for name in operation.names:
        shown = {mark.outcome for mark in marks if mark.belongs_to(name)}
        for outcome, why in _expected(source, operation).items():
            if outcome not in shown:
                yield _unshown(operation, name, outcome, why, shown)
    anywhere = {mark.outcome for mark in marks}
    # The variants of an operation share one schema; which of them an outcome in it is for, nothing tells.
    for outcome in dict.fromkeys(_outcomes_of(source, operation.node.get("requestBody"))):
        if outcome not in anywhere:
            why = "the schema of its body leads to it"
            yield _unshown(operation, operation.names[0], outcome, why, anywhere)
    for status, response, place in _responses(source, operation):
        # A response that carries no word of the provider's, as a gateway's own 500, is no outcome.
        if status[0] in "234" and "content" in response and all(mark.status != status for mark in marks):
            reason = f"the response {status} of {operation.names[0]} has no example with an x-outcome mark"
            yield Fault("outcome-without-example", place, reason, "a marked example", "none")


def _unshown(operation: Written, name: str, outcome: str, why: str, shown: set[str]) -> Fault:
    reason = f"no example of {name} is marked x-outcome: {outcome}, though {why}"
    return Fault("outcome-without-example", operation.pointer, reason, outcome, sorted(shown))


def _expected(source: Source, operation: Written) -> dict[str, str]:
    """The outcomes that an operation can come to by what it asks for, each with what that is."""
    security = operation.node.get("security", source.data.get("security"))
    expected = {SUCCESS: "every call may succeed"}
    if isinstance(security, list) and security and {} not in security:
        expected[UNAUTHORIZED] = "it asks for a credential"
    if "requestBody" in operation.node:
        expected[INVALID] = "it takes a body that may be wrong"
    return expected


def _outcomes_of(source: Source, schema: Json) -> Iterator[str]:
    """Every outcome that `x-outcomes` and `x-rules` of a schema, or of one below it, lead to."""
    waiting, seen = [schema], set[int]()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, (dict, list)) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, list):
            waiting.extend(node)
            continue
        yield from _own_outcomes(node)
        ref = node.get("$ref")
        waiting.append(resolved(source, ref) if isinstance(ref, str) else None)
        waiting.extend(value for key, value in node.items() if key not in _DATA)


_DATA = frozenset(("example", "examples", "default", "const", "enum", "x-outcomes", "x-rules"))


def _own_outcomes(node: Mapping[str, Json]) -> Iterator[str]:
    by_keyword, by_rule = node.get("x-outcomes"), node.get("x-rules")
    named = list(by_keyword.values()) if isinstance(by_keyword, dict) else []
    rules = by_rule if isinstance(by_rule, list) else []
    named += [rule.get("outcome") for rule in rules if isinstance(rule, dict)]
    yield from (outcome for outcome in named if isinstance(outcome, str))


def _responses(source: Source, operation: Written) -> Iterator[tuple[str, dict[str, Json], str]]:
    responses = operation.node.get("responses")
    for status, node in responses.items() if isinstance(responses, dict) else ():
        if status and not status.startswith("x-"):
            response, _ = followed(source, node, join(operation.pointer, "responses", status))
            yield status, response, join(operation.pointer, "responses", status)


def _marks(source: Source, operation: Written) -> Iterator[_Marked]:
    for status, response, place in _responses(source, operation):
        content = response.get("content")
        for type_, media in content.items() if isinstance(content, dict) else ():
            named = media.get("examples") if isinstance(media, dict) else None
            for name, node in named.items() if isinstance(named, dict) else ():
                pointer = join(place, "content", type_, "examples", name)
                example, _ = followed(source, node, pointer)
                if isinstance(example.get("x-outcome"), str):
                    yield _Marked(example["x-outcome"], status, pointer, example)


def _repeated(operation: Written, marks: Sequence[_Marked]) -> Iterator[Fault]:
    """Marks of which one says nothing: under a second status, or with the very body of another."""
    statuses: dict[str, str] = {}
    bodies: set[str] = set()
    for mark in marks:
        kind = [mark.outcome, mark.example.get("x-operation"), mark.example.get("x-quirk")]
        name, first = operation.names[0], statuses.setdefault(json.dumps(kind), mark.status)
        shown = json.dumps([*kind, mark.example.get("x-state"), mark.example.get("value")])
        if first != mark.status:
            reason = f"{name} is marked x-outcome: {mark.outcome} under {first} already, and once more under "
            yield Fault("duplicate-outcome", mark.pointer, reason + mark.status, first, mark.status)
        elif shown in bodies:
            reason = f"{name} has the same example marked x-outcome: {mark.outcome} twice"
            yield Fault("duplicate-outcome", mark.pointer, reason, "each once", mark.outcome)
        bodies.add(shown)


# --- schemas without an end ---------------------------------------------------------------------------------


def endless(source: Source, found: Sequence[Thing]) -> Iterator[Fault]:
    """Schemas that no value of finite size can keep, for each holds another of its own."""
    refs = {
        ref: None
        for thing in found
        if thing.kind == "schema" and isinstance(ref := thing.node.get("$ref"), str)
    }
    targets = {ref: node for ref in refs if (node := resolved(source, ref)) is not None}
    ending: set[str] = set()
    while grown := {ref for ref in targets if ref not in ending and _ends(targets[ref], targets, ending)}:
        ending |= grown
    for ref in targets:
        if ref not in ending:
            reason = f"{ref} needs a value of {ref} inside itself, without end"
            yield Fault(
                "endless-schema", pointer_of(ref), reason, "a way to end: optional, nullable or empty", ref
            )


def _ends(node: Json, targets: Mapping[str, Json], ending: set[str]) -> bool:
    """Can a value keep the schema, if those that are known to end do? Where it is unclear, yes."""
    if not isinstance(node, dict) or node.get("nullable") is True:
        return True
    ref = node.get("$ref")
    if isinstance(ref, str) and ref in targets and ref not in ending:
        return False
    return all(_ends(part, targets, ending) for part in _musts(node)) and all(
        any(_ends(part, targets, ending) for part in node[key])
        for key in ("anyOf", "oneOf")
        if isinstance(node.get(key), list) and node[key]
    )


def _musts(node: Mapping[str, Json]) -> Iterator[Json]:
    """The schemas that something in every value of this one has to keep."""
    parts = node.get("allOf")
    yield from parts if isinstance(parts, list) else ()
    names, properties = node.get("required"), node.get("properties")
    if node.get("type") == "object" and isinstance(names, list) and isinstance(properties, dict):
        yield from (properties[name] for name in names if isinstance(name, str) and name in properties)
    least = node.get("minItems")
    if node.get("type") == "array" and isinstance(least, int) and least > 0:
        yield node.get("items")
