"""Acceptors, and the walk that explains, agree with jsonschema on every value."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema.validators import Draft4Validator, Draft202012Validator

from mockserver.domain.outcome import NAMES
from mockserver.openapi import checks
from mockserver.openapi.acceptor import REFUSED, Acceptors
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from mockserver.openapi.pattern import matches
from mockserver.openapi.sample import Unsatisfiable, generate
from mockserver.openapi.schemas import Direction, Place, Schemas
from tests.openapi.agreement import ATOMS, DIRECTIONS, Judge, of_document, variants

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = load_documents((str(ROOT / "specs"),), NAMES)


# --- the packaged documents ---------------------------------------------------------------------------------


def places(document: Document) -> dict[str, tuple[Place, list[Any]]]:
    """The schemas of all bodies, parameters and components, by pointer, with the examples of each."""
    found: dict[str, tuple[Place, list[Any]]] = {}
    for operation in document.operations():
        bodies = [operation.body, *operation.responses]
        for media in (media for body in bodies if body is not None for media in body.media.values()):
            if media.place is not None:
                found[media.place.pointer] = media.place, [example.value for example in media.examples]
        for parameter in operation.parameters:
            if parameter.place is not None:
                found[parameter.place.pointer] = parameter.place, []
    for name, node in document.source.data["components"].get("schemas", {}).items():
        pointer = f"/components/schemas/{name}"
        found.setdefault(pointer, (Place(pointer, node), node.get("examples", [])))
    return found


def samples(schemas: Schemas, place: Place) -> Iterator[Any]:
    for way in DIRECTIONS:
        try:
            yield generate(
                place.node,
                resolve=schemas.source.resolve,
                accepts=lambda node, value: schemas.accepts(node, value, way),  # noqa: B023 - asked at once
                seed=place.pointer.encode(),
                direction=way,
            )
        except Unsatisfiable:
            continue


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=lambda document: document.name)
def test_packaged_documents_are_told_of_as_jsonschema_alone_tells(document: Document) -> None:
    rng, judge = Random(document.name), Judge(document.schemas)
    found = []

    for place, examples in places(document).values():
        values = [*examples, *samples(document.schemas, place)]
        for number, value in enumerate(variants(values, 60, rng)):
            found.append(judge.differs(place, value, DIRECTIONS[number % 2]))

    assert len(found) > 2000
    assert [one for one in found if one] == []


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=lambda document: document.name)
def test_every_packaged_schema_has_an_acceptor(document: Document) -> None:
    without = [
        pointer
        for pointer, (place, _) in places(document).items()
        if any(document.schemas.acceptor(place, way) is None for way in DIRECTIONS)
    ]

    assert without == []


# --- keyword by keyword -------------------------------------------------------------------------------------

A_TEXT = {"type": "string"}
COMPONENTS: dict[str, Any] = {
    "Cat": {
        "required": ["kind", "purrs"],
        "properties": {"kind": {"type": "string"}, "purrs": {"type": "boolean"}},
    },
    "Dog": {"required": ["kind"], "properties": {"barks": {"type": "integer"}}, "additionalProperties": True},
    "Node": {
        "type": "object",
        "properties": {"a": {"$ref": "#/components/schemas/Node"}, "b": {"type": "integer"}},
    },
    "Owned": {
        "required": ["a", "b"],
        "properties": {
            "a": {"type": "integer", "readOnly": True},
            "b": {"type": "integer", "writeOnly": True},
        },
    },
    "Needy": {"required": ["a", "b"]},
    "Hidden": {"readOnly": True},
    "Rule": {"type": "object", "x-outcomes": {"required": "not-found"}, "required": ["a"]},
}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def window(**rule: Any) -> dict[str, Any]:
    properties = {"a": {"default": 0}, "b": {"default": 30}}
    return {"properties": properties, "x-rules": [{"rule": "difference", "of": ["a", "b"], **rule}]}


KINDS = ("string", "number", "integer", "boolean", "null", "array", "object")
DISCRIMINATED = {"propertyName": "kind", "mapping": {"cat": "Cat", "hound": "#/components/schemas/Dog"}}
BOTH: list[Any] = [
    *({"type": kind} for kind in KINDS),
    *({"type": list(kinds)} for kinds in (("string", "null"), ("integer", "array"), ("null",), ())),
    *({"type": kind, "minLength": 1, "maxLength": 2, "minimum": 1, "maximum": 10} for kind in KINDS),
    {"minLength": 2},
    {"maxLength": 1},
    {"type": "string", "minLength": 1, "pattern": r"\S"},
    {"type": "string", "pattern": r"\S", "maxLength": 5},
    {"pattern": r"^[\w-]+$", "minLength": 0},
    {"pattern": r"\p{L}\d", "type": ["string", "integer"]},
    {"minimum": 1},
    {"maximum": 1.0},
    {"type": "number", "multipleOf": 0.01},
    {"multipleOf": 2},
    {"multipleOf": 1.5, "type": "integer"},
    *({"format": name} for name in ("uri", "date", "date-time", "email", "ipv4", "uuid", "byte", "odd")),
    *({"format": name} for name in ("int32", "int64", "float", "double", "iri", "uri-reference")),
    {"type": "string", "format": "uuid", "minLength": 5},
    {"type": "integer", "format": "int32", "minimum": 0},
    {"enum": ["a", "b"]},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "string", "enum": ["a", 1]},
    {"type": ["string", "null"], "enum": ["a", None]},
    {"enum": []},
    {"enum": [1, "a", None, [1], {"a": 1}]},
    {"enum": [True, 1.0]},
    {"enum": [False]},
    {"enum": [[True], {"a": True}]},
    {"enum": [200, 404, "200"]},
    {"minItems": 1, "maxItems": 2},
    {"type": "array", "items": {"type": "integer"}},
    {"items": {"type": "string", "minLength": 1}, "uniqueItems": True},
    {"uniqueItems": True},
    {"uniqueItems": False},
    {"required": ["a"]},
    {"type": "object", "required": ["a", "b"]},
    {"properties": {"a": {"type": "integer"}}},
    {"required": ["a"], "properties": {"a": {"enum": [True]}}},
    {"properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {}}, "required": ["c"]},
    {"properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {
        "type": "object",
        "properties": {"a": {}},
        "required": ["b"],
        "additionalProperties": {"type": "integer"},
    },
    {"additionalProperties": False, "patternProperties": {"^x-": {"type": "integer"}}},
    {
        "additionalProperties": {"type": "string"},
        "patternProperties": {"^x-": True},
        "properties": {"a": True},
    },
    {"additionalProperties": {"type": "string"}},
    {"additionalProperties": {}},
    {"minProperties": 1, "maxProperties": 1},
    {"dependentRequired": {"a": ["b"], "b": ["c", "d"]}},
    {"not": {"type": "string"}},
    {"not": {"required": ["a"]}},
    {"not": {}},
    {"allOf": [{"type": "object"}, {"required": ["a"]}]},
    {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 2}]},
    {"oneOf": [{"type": "number"}, {"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
    {"oneOf": [ref("Cat"), ref("Dog")]},
    {"oneOf": [ref("Cat"), ref("Dog")], "discriminator": DISCRIMINATED},
    {"anyOf": [ref("Cat"), ref("Dog"), A_TEXT], "discriminator": {"propertyName": "kind"}},
    {"allOf": [{"oneOf": [ref("Cat"), ref("Dog")], "discriminator": DISCRIMINATED}, {"minProperties": 2}]},
    {
        "properties": {"kind": {"readOnly": True}},
        "allOf": [{"oneOf": [ref("Cat")], "discriminator": DISCRIMINATED}],
    },
    ref("Node"),
    ref("Owned"),
    {"allOf": [ref("Owned"), ref("Needy")]},
    {"allOf": [ref("Needy")], "properties": {"a": {"readOnly": True}, "b": ref("Hidden")}},
    {"allOf": [{"allOf": [ref("Needy")]}, {"properties": {"b": {"allOf": [ref("Hidden")]}}}]},
    {"allOf": [{"not": ref("Needy")}], "properties": {"a": {"readOnly": True}}},
    {"allOf": [{"anyOf": [ref("Needy"), {"type": "string"}]}], "properties": {"a": {"readOnly": True}}},
    {"allOf": [{"properties": {"a": ref("Needy")}}], "properties": {"a": {"readOnly": True}}},
    ref("Rule"),
    {"x-rules": [{"rule": "https", "outcome": "invalid"}]},
    {"x-rules": [{"rule": "member", "of": ["a", "b"], "outcome": "not-found"}]},
    window(minimum=10, maximum=30, outcome="vocal-window"),
    window(minimum=10, maximum=30, defaults=True),
    window(exclusiveMinimum=0),
    window(minimum=0.57, maximum=0.57),
    {"x-outcomes": {"type": "not-found"}, "type": "string"},
]
OLD: list[Any] = [
    {"minimum": 1, "exclusiveMinimum": True},
    {"maximum": 10, "exclusiveMaximum": True},
    {"maximum": 10, "exclusiveMaximum": False},
    {"exclusiveMaximum": True},
    *({"type": kind, "nullable": True} for kind in KINDS),
    {"enum": ["a"], "nullable": True, "type": "string"},
    {"nullable": True, "allOf": [{"type": "object"}]},
    {"nullable": True, "oneOf": [{"type": "object"}], "not": {"type": "string"}},
    {"nullable": True, "type": "string", "not": {"enum": [None], "nullable": True}},
    {"nullable": True, "anyOf": [{"type": "object"}], "discriminator": {"propertyName": "kind"}},
    {"nullable": True, "minLength": 1},
    {**ref("Cat"), "type": "string"},
    {"const": 1, "if": {}, "then": False, "contains": False, "propertyNames": False, "prefixItems": [False]},
]
NEW: list[Any] = [
    True,
    False,
    {"properties": {"a": False, "b": True}},
    {"exclusiveMinimum": 1, "exclusiveMaximum": 10},
    {"type": "integer", "exclusiveMinimum": 0},
    *({"const": value} for value in (True, None, 1, 1.0, "a", [1, True], {"a": 1}, 0.5)),
    {"required": ["a"], "properties": {"a": {"const": True}}},
    {"required": ["a"], "properties": {"a": {"const": None}}},
    {"type": "object", "required": ["a"], "properties": {"a": {"const": False}}},
    {"properties": {"a": {"const": True}}},
    {**ref("Cat"), "minProperties": 3},
    {"prefixItems": [{"type": "integer"}, {"type": "string"}]},
    {"prefixItems": [{"type": "integer"}], "items": False},
    {"prefixItems": [{"type": "string"}, True], "items": {"type": "integer"}},
    {"items": False},
    {"contains": {"type": "integer"}},
    {"contains": {"type": "integer"}, "minContains": 2, "maxContains": 2},
    {"contains": True, "minContains": 0, "maxContains": 1},
    {"minContains": 5, "maxContains": 0},
    {"propertyNames": {"pattern": "^a"}},
    {"propertyNames": {"maxLength": 1}, "type": "object"},
    {"dependentSchemas": {"a": {"required": ["b"]}, "b": False}},
    {"allOf": [{"dependentSchemas": {"b": ref("Needy")}}], "properties": {"a": {"readOnly": True}}},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"type": "string"}},
    {"if": {"type": "string"}, "then": {"minLength": 2}},
    {"if": {"type": "string"}, "else": {"type": "integer"}},
    {"if": True, "then": False},
    {"then": False, "else": False},
    {"allOf": [{"if": True, "then": ref("Needy")}], "properties": {"a": {"readOnly": True}}},
    {"patternProperties": {r"^\w$": {"type": "integer"}, "b": True}, "propertyNames": {"minLength": 1}},
    {"type": ["object", "array"], "minItems": 1, "minProperties": 1, "enum": [[1], {"a": 1}]},
    {"unevaluatedProperties": False, "properties": {"a": True}},
    {"prefixItems": [True], "unevaluatedItems": False},
]
BODIES = [
    *(
        {"kind": "cat", "purrs": True},
        {"kind": "Dog", "barks": 1},
        {"kind": "hound", "barks": "no"},
        {"kind": 1},
    ),
    *(
        {"kind": "bird"},
        {"purrs": True},
        {"a": {"a": {"b": "x"}}},
        {"a": 1, "b": [1, 2]},
        {"a": True, "b": [1]},
    ),
    *(
        {"a": 0, "b": 30},
        {"a": 2.02, "b": 32.02},
        {"b": 9.99},
        {"a": 20},
        {"a": 1e300, "b": 10**300},
        {"b": None},
    ),
    *({"a": 12.1, "b": 42.1000000001}, {"b": 0.57}, {"a": 0.1, "b": 0.67}, {"a": 5, "b": 5}, {"x-a": "1"}),
    *([1, "a", 2], ["a", 1, 1], [[1, 2], [1, 2.0]], [{"a": 1}, {"a": True}], [1, True], ["a", None, "a"]),
    {"a": 1, "b": "x", "c": None, **{f"field{number}": number for number in range(9)}},
]


def written(version: str) -> Iterator[tuple[Any, Schemas, Place]]:
    nodes = [*BOTH, *(OLD if version == "3.0" else NEW)]
    schemas = of_document(
        {"openapi": f"{version}.0", "components": {"schemas": COMPONENTS}, "x-nodes": nodes}
    )
    for index, node in enumerate(nodes):
        yield node, schemas, Place(f"/x-nodes/{index}", node)


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_every_keyword_is_told_of_as_jsonschema_alone_tells(version: str) -> None:
    rng, judges, found = Random(version), dict[int, Judge](), []

    for _, schemas, place in written(version):
        judge = judges.setdefault(id(schemas), Judge(schemas))
        for number, value in enumerate(variants(BODIES, 25, rng)):
            found.append(judge.differs(place, value, DIRECTIONS[number % 2]))

    assert len(found) > 8000
    assert [one for one in found if one] == []


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_only_what_looks_at_other_keywords_is_left_to_jsonschema(version: str) -> None:
    without = [
        node for node, schemas, place in written(version) if schemas.acceptor(place, "request") is None
    ]

    assert without == [node for node in (OLD if version == "3.0" else NEW) if "unevaluated" in str(node)]


@pytest.mark.parametrize(("version", "base"), [("3.0", Draft4Validator), ("3.1", Draft202012Validator)])
def test_each_keyword_of_jsonschema_is_known_here(version: str, base: Any) -> None:
    """A keyword that a later jsonschema learns would otherwise be passed over."""
    told = {keyword for node in [*BOTH, *OLD, *NEW] if isinstance(node, dict) for keyword in node}

    assert set(base.VALIDATORS) - told - REFUSED[version] == {"$ref"} - told


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "node",
    [
        {"type": "text"},
        {"type": 1},
        {"minLength": "1"},
        {"maximum": True},
        {"pattern": "("},
        {"pattern": 1},
        {"required": "a"},
        {"required": [1]},
        {"properties": []},
        {"properties": {"a": 1}},
        {"items": []},
        {"allOf": {}},
        {"enum": "a"},
        {"$ref": "#/components/schemas/Nothing"},
        {"$ref": "other.yaml"},
        {"$ref": 1},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$dynamicRef": "#/components/schemas/Node"},
        {"x-rules": [{"rule": "odd"}]},
        {"x-rules": [{"rule": "difference"}]},
        {"oneOf": [A_TEXT], "discriminator": {"propertyName": "kind", "mapping": {"a": "Nothing"}}},
        {"additionalProperties": {"type": "odd"}, "patternProperties": {"a": True}},
        {"unevaluatedProperties": False},
        {"properties": {"a": {"allOf": [{"unevaluatedItems": False}]}}},
    ],
    ids=json.dumps,
)
def test_a_schema_that_is_malformed_or_beyond_us_has_no_acceptor(node: Any) -> None:
    schemas = of_document({"openapi": "3.1.0", "components": {"schemas": {**COMPONENTS, "One": node}}})
    acceptors = Acceptors(schemas.source, "request", frozenset())

    assert schemas.acceptor(Place("/components/schemas/One", node), "request") is None
    assert acceptors.loose(node) is None
    assert acceptors.loose({"not": node}) is None


def test_an_acceptor_is_made_once_however_it_is_reached() -> None:
    schemas = of_document({"openapi": "3.1.0", "components": {"schemas": COMPONENTS}})
    acceptors = Acceptors(schemas.source, "request", frozenset())

    first = acceptors.at("/components/schemas/Node")

    assert first is not None
    assert acceptors.loose(ref("Node")) is first
    assert acceptors.of(COMPONENTS["Node"]) is first


def test_a_place_that_does_not_exist_has_no_acceptor() -> None:
    schemas = of_document({"openapi": "3.1.0"})

    assert schemas.acceptor(Place("/components/schemas/One", {}), "request") is None


def test_what_refers_to_an_unknown_part_has_no_acceptor_and_what_stands_beside_it_has_one() -> None:
    parts: dict[str, Any] = {
        "Ring": {"properties": {"next": ref("Other")}, "anyOf": [ref("Fine"), ref("Odd")]},
        "Other": {"properties": {"next": ref("Ring")}},
        "Odd": {"unevaluatedItems": False},
        "Fine": {"type": "object", "properties": {"next": ref("Fine"), "name": A_TEXT}},
    }
    schemas = of_document({"openapi": "3.1.0", "components": {"schemas": parts}})

    def has_one(name: str) -> bool:
        return schemas.acceptor(schemas.place(f"/components/schemas/{name}"), "request") is not None

    assert [has_one(name) for name in ("Other", "Ring", "Odd", "Fine", "Other")] == [
        False,
        False,
        False,
        True,
        False,
    ]


def test_schemas_that_lead_back_to_themselves_are_followed_as_deep_as_the_value_goes() -> None:
    schemas = of_document({"openapi": "3.1.0", "components": {"schemas": COMPONENTS}})
    accepts = schemas.acceptor(schemas.place("/components/schemas/Node"), "request")
    assert accepts is not None

    assert accepts({"a": {"a": {"a": {"b": 1}}}})
    assert not accepts({"a": {"a": {"a": {"b": "1"}}}})


def test_a_value_too_deep_for_python_is_a_violation_and_is_not_allowed() -> None:
    schemas = of_document({"openapi": "3.1.0", "components": {"schemas": COMPONENTS}})
    place = schemas.place("/components/schemas/Node")
    value: dict[str, Any] = {}
    for _ in range(5000):
        value = {"a": value}

    (violation,) = schemas.violations(place, value, where="body", pointer="/body")

    assert violation.rule == "depth"
    assert not schemas.allows(place, value)
    with pytest.raises(RecursionError):
        schemas.accepts(place.node, value)


def test_a_value_that_cannot_be_reckoned_with_is_left_to_jsonschema() -> None:
    schemas = of_document({"openapi": "3.1.0", "x-node": {"multipleOf": 0.1}})
    place = schemas.place("/x-node")

    with pytest.raises(ValueError, match="inf"):
        list(schemas.violations(place, float("inf"), where="body", pointer="/body"))


# --- schemas that stand nowhere -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", DIRECTIONS)
def test_a_schema_that_stands_nowhere_has_its_references_read_as_the_documents(way: Direction) -> None:
    schemas = of_document({"openapi": "3.1.0", "components": {"schemas": COMPONENTS}})

    assert schemas.accepts({"$ref": "#/components/schemas/Node"}, {"a": {"b": 1}}, way)
    assert not schemas.accepts({"allOf": [ref("Node"), {"maxProperties": 0}]}, {"a": {"b": 1}}, way)
    assert schemas.accepts({"allOf": [ref("Owned")]}, {"b": 1} if way == "request" else {"a": 1}, way)


def test_schemas_that_come_and_go_are_not_taken_for_each_other() -> None:
    schemas = of_document({"openapi": "3.1.0", "components": {"schemas": COMPONENTS}})

    told = [schemas.accepts({"const": number}, number + number % 2) for number in range(500)]

    assert told == [number % 2 == 0 for number in range(500)]


# --- parts --------------------------------------------------------------------------------------------------


def test_not_blank_is_what_the_pattern_finds_for_every_character() -> None:
    characters = [chr(code) for code in range(sys.maxunicode + 1)]

    assert [char for char in characters if checks.not_blank(char) is not matches(r"\S", char)] == []
    assert not checks.not_blank("")


@pytest.mark.parametrize("name", checks.TYPES)
def test_types_are_told_as_jsonschema_tells_them(name: str) -> None:
    checker = Draft202012Validator.TYPE_CHECKER

    assert [checks.TYPES[name](value) for value in ATOMS] == [checker.is_type(value, name) for value in ATOMS]


def test_values_are_equal_as_jsonschema_has_it() -> None:
    def is_equal(one: Any, two: Any) -> bool:
        return bool(Draft202012Validator({"const": two}).is_valid(one))

    pairs = [(one, two) for one in ATOMS for two in ATOMS]

    assert [pair for pair in pairs if checks.equal(*pair) is not is_equal(*pair)] == []


# --- start-up -----------------------------------------------------------------------------------------------


def test_values_that_are_accepted_never_meet_jsonschema() -> None:
    look = (
        "import sys\n"
        "from mockserver.domain.outcome import NAMES\n"
        "from mockserver.openapi.library import load_documents\n"
        "document = load_documents(('specs',), NAMES)['evolink']\n"
        "seen = 0\n"
        "for operation in document.operations():\n"
        "    for media in (operation.body.media.values() if operation.body else ()):\n"
        "        for example in media.examples:\n"
        "            assert document.schemas.allows(media.place, example.value, 'request')\n"
        "            asked = {'where': 'body', 'pointer': '/body'}\n"
        "            assert not list(document.schemas.violations(media.place, example.value, **asked))\n"
        "            assert document.schemas.accepts(media.place.node, example.value, 'request')\n"
        "            seen += 1\n"
        "assert seen\n"
        "assert not {'jsonschema', 'referencing'} & set(sys.modules), 'imported'\n"
    )

    subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True)
