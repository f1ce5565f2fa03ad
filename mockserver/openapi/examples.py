"""Examples held against their own schemas: an answer before it leaves, and a whole document step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote

from mockserver.openapi.compiled import Document, Header
from mockserver.openapi.negotiation import is_json
from mockserver.openapi.parameters import coerce_text, meant
from mockserver.openapi.payload import OPAQUE
from mockserver.openapi.schemas import Direction, Place
from mockserver.openapi.source import Json, Problem, Source, join, pointer_of, unescape
from mockserver.openapi.violation import Violation
from mockserver.openapi.vocabulary import KINDS, SCHEMAS

# --- one answer ---------------------------------------------------------------------------------------------


def body_violations(document: Document, place: Place, media: str, value: Json) -> Iterator[Violation]:
    """Every way in which the body of an answer breaks its schema."""
    said = _said(document.source, place, media, value)
    if said is not OPAQUE:
        yield from document.schemas.violations(
            place, said, where="response", pointer="/body", direction="response"
        )


def header_violations(document: Document, header: Header, value: Json) -> Iterator[Violation]:
    """Every way in which a header of an answer breaks its schema."""
    if header.place is None or document.schemas.allows(header.place, value):
        return
    said = meant(value, header.place, document.source, explode=header.explode, as_json=header.as_json)
    pointer = f"/header/{header.name.lower()}"
    yield from document.schemas.violations(
        header.place, said, where="response", pointer=pointer, direction="response"
    )


def _said(source: Source, place: Place, media: str, value: Json) -> Json:
    """What the schema speaks of: the value, but for a text that stands for one, as XML does for an object."""
    if is_json(media) or not isinstance(value, str):
        return value
    return coerce_text(value, place.node, source)


# --- a whole document ---------------------------------------------------------------------------------------


def example_problems(document: Document) -> Iterator[Problem | None]:
    """A problem for each example that breaks its own schema, None for each that keeps it.

    It covers the examples of bodies, parameters, headers and schemas, each where it stands. One step is
    the check of one example: whoever asks may pause between two of them.
    """
    for claim in _claims(document.source):
        yield _problem(document, claim)


class _Claim(NamedTuple):
    """An example that says it keeps a schema."""

    name: str
    pointer: str
    value: Json
    place: Place
    holder: str
    media: str


class _Step(NamedTuple):
    """A place in the document: the kind of thing that stands there, and what holds it."""

    kind: str
    node: Json
    pointer: str
    holder: str


# What an example is part of decides whether readOnly or writeOnly is left out; a schema's own may do either.
_DIRECTIONS: Mapping[str, tuple[Direction, ...]] = {
    "response": ("response",),
    "header": ("response",),
    "request body": ("request",),
    "parameter": ("request",),
    "schema": ("response", "request"),
}
_MAPS = {"paths": "path item", "responses": "response", "callback": "path item"}
_GO_ON = ("schema", "path item")


def _claims(source: Source) -> Iterator[_Claim]:
    """Every example of a document and the schema beside it, found by the grammar of OpenAPI."""
    waiting = [_Step("document", source.data, "", "")]
    seen: set[tuple[int, str]] = set()
    while waiting:
        step = waiting.pop()
        if isinstance(step.node, (dict, list)) and (id(step.node), step.holder) not in seen:
            seen.add((id(step.node), step.holder))
            yield from _own_claims(source, step)
            waiting.extend(reversed(list(_below(source, step))))


def _below(source: Source, step: _Step) -> Iterator[_Step]:
    kind, node, pointer, holder = step
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield _step(kind[1:-1], item, join(pointer, index), holder)
        return
    if isinstance(ref := node.get("$ref"), str) and kind[0] not in "[{":
        yield _step(kind, source.resolve(ref), pointer_of(ref), holder)
        if kind not in _GO_ON or (kind == "schema" and source.version == "3.0"):
            return
    for key, item in node.items():
        inner = _kind_of(kind, key, source.version)
        if inner is not None:
            yield _step(inner, item, join(pointer, key), holder)


def _step(kind: str, node: Json, pointer: str, holder: str) -> _Step:
    return _Step(kind, node, pointer, kind if kind in _DIRECTIONS else holder)


def _kind_of(kind: str, key: str, version: str) -> str | None:
    """What stands under a key of a thing of some kind; None where no example can be below it."""
    if kind.startswith("{"):
        return kind[1:-1]
    if kind == "headers":
        return "header"  # a header may be named x-…
    if kind in _MAPS:
        return None if key.startswith("x-") else _MAPS[kind]
    inner = (SCHEMAS[version] if kind == "schema" else KINDS.get(kind, {})).get(key)
    return None if inner in (None, "any", "text", "flag") else inner


def _own_claims(source: Source, step: _Step) -> Iterator[_Claim]:
    kind, node, pointer, holder = step
    if kind == "schema" and not ("$ref" in node and source.version == "3.0"):
        place = Place(pointer, node)
        for name, where, value in _shown_by_schema(node, pointer):
            yield _Claim(name, where, value, place, "schema", "")
    elif kind in ("media type", "parameter", "header") and "schema" in node:
        place = Place(join(pointer, "schema"), node["schema"])
        media = unescape(pointer.rpartition("/")[2]) if kind == "media type" else ""
        for name, where, value in _shown(source, node, pointer):
            yield _Claim(name, where, value, place, holder, media)


def _shown_by_schema(node: Json, pointer: str) -> Iterator[tuple[str, str, Json]]:
    if "example" in node:
        yield "example", join(pointer, "example"), node["example"]
    for index, value in enumerate(node.get("examples", ())):
        yield f"examples/{index}", join(pointer, "examples", index), value


def _shown(source: Source, node: Json, pointer: str) -> Iterator[tuple[str, str, Json]]:
    if "example" in node:
        yield "example", join(pointer, "example"), node["example"]
    for name in node.get("examples", {}):
        inner, place = source.follow(join(pointer, "examples", name))
        if "value" in inner:
            yield name, join(place, "value"), inner["value"]


def _problem(document: Document, claim: _Claim) -> Problem | None:
    value = claim.value
    if claim.media and claim.holder not in ("parameter", "header"):
        value = _said(document.source, claim.place, claim.media, value)
    if value is OPAQUE or _holds(document, claim, value):
        return None
    reason = f"the example {claim.name!r} breaks its own schema"
    broken = next(_broken(document, claim, value), None)
    return document.source.problem(claim.pointer, f"{reason}: {broken}" if broken else reason)


def _holds(document: Document, claim: _Claim, value: Json) -> bool:
    # A validator that is thrown away: most places are looked at this once only.
    schema = {"$ref": "#" + quote(claim.place.pointer, safe="/~")}
    readings = [value]
    if claim.holder in ("parameter", "header") and isinstance(value, str):
        readings.append(meant(value, claim.place, document.source, as_json=is_json(claim.media)))
    try:
        return any(
            document.schemas.accepts(schema, reading, direction)
            for direction in _DIRECTIONS[claim.holder]
            for reading in readings
        )
    except RecursionError:
        return True  # nested too deeply to tell


def _broken(document: Document, claim: _Claim, value: Json) -> Iterator[str]:
    direction = _DIRECTIONS[claim.holder][0]
    for violation in document.schemas.violations(
        claim.place, value, where="response", pointer="", direction=direction
    ):
        yield f"{violation.pointer} {violation.message}".strip()
