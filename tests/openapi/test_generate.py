from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import jsonschema_rs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from mockserver.openapi.formats import FORMATS
from mockserver.openapi.pattern import matches
from mockserver.openapi.sample import Unsatisfiable, generate
from mockserver.openapi.sample.shape import exactly


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not matches(pattern, value):
        yield ValidationError("does not match")


def _multiple_of(validator: Any, step: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, int | float) and (exactly(value) / exactly(step)).denominator != 1:
        yield ValidationError("not a multiple")


_extend: Any = validators.extend
Validator = _extend(Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of})


def twin(schema: Any) -> Any:
    """The 2020-12 schema that says what an OpenAPI 3.0 schema says."""
    if isinstance(schema, list):
        return [twin(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    new = {key: twin(part) for key, part in schema.items() if key != "nullable"}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if new.pop(exclusive, False):
            new[exclusive] = new.pop(bound)
    return {"anyOf": [{"type": "null"}, new]} if schema.get("nullable") is True else new


def root(schema: Any, components: Any, dialect: str) -> Any:
    if dialect == "3.0":
        schema, components = twin(schema), twin(components)
    return {"components": {"schemas": components}, "allOf": [schema]}


class Refusals:
    """An `accepts` for `generate` that counts how often it was asked."""

    def __init__(self, components: Any, dialect: str) -> None:
        self.components = components
        self.dialect = dialect
        self.calls = 0

    def __call__(self, schema: Any, value: Any) -> bool:
        self.calls += 1
        whole = root(schema, self.components, self.dialect)
        return bool(Validator(whole, format_checker=FORMATS).is_valid(value))


def sample(
    schema: Any, components: Any = None, *, dialect: str = "3.1", seed: bytes = b"1", **options: Any
) -> Any:
    """A value for the schema; components are those that `#/components/schemas/…` refers to."""
    known = components or {}
    accepts: Callable[[Any, Any], bool] = options.pop("accepts", None) or Refusals(known, dialect)
    return generate(
        schema,
        resolve=lambda ref: known[ref.removeprefix("#/components/schemas/")],
        accepts=accepts,
        seed=seed,
        dialect=dialect,
        **options,
    )


def is_valid(schema: Any, value: Any, components: Any = None, dialect: str = "3.1") -> bool:
    """What a validator of other people's making says."""
    whole = root(schema, components or {}, dialect)
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value)


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


COMPONENTS: dict[str, Any] = {
    "Node": an_object(
        "value", "next", value={"type": "integer"}, next={"anyOf": [ref("Node"), {"type": "null"}]}
    ),
    "Tree": an_object("children", name={"type": "string"}, children={"type": "array", "items": ref("Tree")}),
    "Expression": {"oneOf": [ref("Sum"), ref("Literal")]},
    "Sum": an_object("left", "right", left=ref("Expression"), right=ref("Expression")),
    "Literal": an_object("value", value={"type": "number"}),
    "Pet": {
        **an_object("kind", "name", kind={"type": "string"}, name={"type": "string"}),
        "discriminator": {"propertyName": "kind"},
    },
    "Cat": {"allOf": [ref("Pet"), an_object("lives", lives={"type": "integer", "minimum": 1, "maximum": 9})]},
    "Dog": {
        "allOf": [ref("Pet"), an_object("tricks", tricks={"type": "array", "items": {"type": "string"}})]
    },
    "Song": an_object(
        "id", id={"type": "string", "format": "uuid"}, plays={"type": "integer", "format": "int64"}
    ),
}

SCHEMAS: dict[str, Any] = {
    "nothing said": {},
    "true": True,
    "several types": {"type": ["null", "integer", "string"]},
    "an enum": {"type": "string", "enum": ["one", "two"]},
    "a const of an object": {"const": {"a": [1, {"b": None}]}},
    "a plain record": an_object("id", id={"type": "integer"}, email={"type": "string", "format": "email"}),
    "allOf with ranges and enums": {
        "allOf": [
            an_object("size", size={"type": "integer", "minimum": 3}, color={"enum": ["red", "blue"]}),
            an_object("color", size={"maximum": 4}, color={"enum": ["blue", "green"]}),
        ]
    },
    "allOf of integer and number": {
        "allOf": [{"type": "number", "minimum": 1.5}, {"type": "integer", "maximum": 2}]
    },
    "allOf with two steps": {
        "allOf": [{"type": "integer", "multipleOf": 22}, {"multipleOf": 14, "minimum": 1}]
    },
    "allOf with a closed part": {
        "allOf": [
            {**an_object("a", a={}), "additionalProperties": False},
            an_object(a={"type": "string"}, b={}),
        ]
    },
    "oneOf by required": {
        **an_object(a={"type": "string"}, b={"type": "string"}),
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "oneOf that overlaps": {
        "oneOf": [{"type": "integer", "minimum": 5}, {"type": "integer", "maximum": 900}]
    },
    "oneOf whose first branch is impossible": {
        "type": "string",
        "oneOf": [{"type": "integer"}, {"minLength": 30}],
    },
    "anyOf beside a type": {"anyOf": [{"type": "string"}, {"type": "integer"}], "type": "integer"},
    "not a type": {"not": {"type": ["object", "string"]}},
    "not a value": {"type": "integer", "minimum": 1, "maximum": 2, "not": {"const": 1}},
    "not required": {**an_object(a={"type": "string"}, b={"type": "string"}), "not": {"required": ["a"]}},
    "not of a property": {**an_object("a", a={"enum": ["x", "y"]}), "not": an_object(a={"const": "x"})},
    "not of a range": {"type": "integer", "minimum": 0, "not": {"minimum": 10}},
    "not a short list": {"type": "array", "items": {"type": "integer"}, "not": {"maxItems": 3}},
    "if and then": {
        **an_object("kind", kind={"enum": ["long", "short"]}, text={"type": "string"}),
        "if": {"properties": {"kind": {"const": "long"}}},
        "then": {"required": ["text"], "properties": {"text": {"minLength": 80}}},
        "else": {"properties": {"text": False}},
    },
    "only else is possible": {
        **an_object("kind", kind={"const": "short"}, text={"type": "string"}),
        "if": an_object(kind={"const": "long"}),
        "then": {"required": ["text"]},
        "else": {"properties": {"text": {"maxLength": 2}}, "required": ["text"]},
    },
    "many conditions": {
        **an_object("model", model={"enum": list("abcdefgh")}, text={"type": "string"}),
        "allOf": [
            {
                "if": {"properties": {"model": {"const": name}}},
                "then": {"properties": {"text": {"maxLength": size}}},
            }
            for size, name in enumerate("abcdefgh")
        ],
    },
    "dependentRequired in a chain": {
        **an_object("a", a={"type": "string"}),
        "dependentRequired": {"a": ["b"], "b": ["c"]},
    },
    "dependentRequired that cannot be met": {
        **an_object(a={"type": "string"}, b=False),
        "dependentRequired": {"a": ["b"]},
    },
    "dependentSchemas": {
        **an_object("card", card={"type": "string"}),
        "dependentSchemas": {"card": an_object("zip", zip={"type": "string", "pattern": "^[0-9]{5}$"})},
    },
    "required but not declared": {
        "type": "object",
        "required": ["x", "y"],
        "additionalProperties": {"type": "integer"},
    },
    "a map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 3},
    "patternProperties": {
        "type": "object",
        "patternProperties": {"^s_": {"type": "string"}, "^n_": {"type": "number"}},
        "additionalProperties": False,
        "minProperties": 4,
    },
    "a property that meets a pattern too": {
        **an_object("s_a", s_a={"minLength": 4}),
        "patternProperties": {"^s_": {"type": "string", "maxLength": 4}},
    },
    "propertyNames": {
        "type": "object",
        "propertyNames": {"pattern": "^[A-Z]{3}$"},
        "additionalProperties": {"type": "number"},
        "minProperties": 2,
    },
    "propertyNames that refuse an optional one": {
        **an_object(toolong={}, ok={}),
        "propertyNames": {"maxLength": 3},
    },
    "maxProperties": {**an_object("c", a={}, b={}, c={}, d={}), "maxProperties": 2},
    "minProperties over what is declared": {**an_object(a={"type": "string"}), "minProperties": 3},
    "prefixItems, closed": {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "items": False,
    },
    "prefixItems in two parts": {
        "allOf": [
            {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
            {"prefixItems": [{"minimum": 5}, {}], "minItems": 3},
        ]
    },
    "contains": {
        "type": "array",
        "items": {"type": "integer"},
        "contains": {"minimum": 5000},
        "minContains": 2,
        "maxContains": 2,
        "minItems": 4,
    },
    "contains in a full prefix": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "contains": {"type": "integer", "minimum": 7000},
        "maxItems": 2,
    },
    "unique integers, all of them": {
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": 10},
        "uniqueItems": True,
        "minItems": 10,
    },
    "unique enums": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
    "unique pairs": {
        "type": "array",
        "items": an_object("a", "b", a={"type": "boolean"}, b={"type": "boolean"}),
        "uniqueItems": True,
        "minItems": 4,
    },
    "unique letters": {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": 1},
        "uniqueItems": True,
        "minItems": 30,
    },
    "an empty list": {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    "a list of many": {"type": "array", "items": {"type": "string"}, "minItems": 300},
    "a long text": {"type": "string", "minLength": 5000, "maxLength": 5001},
    "a short text": {"type": "string", "maxLength": 3},
    "no text": {"type": "string", "maxLength": 0},
    "a pattern": {"type": "string", "pattern": r"^\d{3}-\w{2}$"},
    "an open pattern": {"type": "string", "pattern": "[A-Z]{2}", "minLength": 12, "maxLength": 12},
    "a pattern with a length": {"type": "string", "pattern": "^[a-z]+$", "minLength": 300, "maxLength": 300},
    "two patterns": {"allOf": [{"type": "string", "pattern": "^[a-f]{4}"}, {"pattern": "[0-9]{4}$"}]},
    "a pattern that looks ahead": {"type": "string", "pattern": "^(?=.*[A-Z])(?=.*[0-9]).{8,20}$"},
    "a pattern of any script": {"type": "string", "pattern": r"^\p{Lu}\p{Ll}{3}$"},
    "cents": {"type": "number", "multipleOf": 0.01, "minimum": 0.005, "maximum": 0.02},
    "cents of a price": {"type": "number", "multipleOf": 0.01},
    "a narrow range": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "one number": {"type": "number", "minimum": 2.5, "maximum": 2.5},
    "a negative range": {"type": "integer", "exclusiveMaximum": -5},
    "huge integers": {"type": "integer", "minimum": 10**25},
    "a step within a range": {"type": "integer", "multipleOf": 7, "minimum": 100, "maximum": 106},
    "a half step of an integer": {"type": "integer", "multipleOf": 2.5, "minimum": 1, "maximum": 9},
    "int32 and a bound": {"type": "integer", "format": "int32", "minimum": 2**31 - 2},
    "unevaluatedProperties": {
        "allOf": [an_object("a", a={"type": "string"}), an_object("b", b={"type": "string"})],
        "unevaluatedProperties": False,
    },
    "unevaluatedProperties and oneOf": {
        **an_object(a={"type": "string"}),
        "oneOf": [an_object("b", b={"type": "string"}), an_object("c", c={"type": "integer"})],
        "unevaluatedProperties": False,
    },
    "unevaluatedItems": {"type": "array", "prefixItems": [{"type": "integer"}], "unevaluatedItems": False},
    "a $ref with siblings": {
        **ref("Song"),
        "required": ["plays"],
        "properties": {"plays": {"minimum": 10**6}},
    },
    "a list that ends in null": ref("Node"),
    "a tree": ref("Tree"),
    "a recursive choice": ref("Expression"),
    "a child of a parent with a discriminator": ref("Cat"),
    "a choice with a discriminator": {
        "oneOf": [ref("Cat"), ref("Dog")],
        "discriminator": {"propertyName": "kind", "mapping": {"hound": "#/components/schemas/Dog"}},
    },
}

OLD_SCHEMAS: dict[str, Any] = {
    "nullable": an_object("a", a={"type": "string", "nullable": True}),
    "exclusive flags": {
        "type": "integer",
        "minimum": 4,
        "exclusiveMinimum": True,
        "maximum": 6,
        "exclusiveMaximum": True,
    },
    "flags that are off": {"type": "integer", "minimum": 5, "exclusiveMinimum": False, "maximum": 5},
    "not over an exclusive flag": {
        "type": "integer",
        "minimum": 3,
        "not": {"minimum": 3, "exclusiveMinimum": True, "type": "integer"},
    },
    "a $ref whose siblings do not count": {**ref("Song"), "type": "string", "minLength": 900},
    "nullable over allOf ends a circle": an_object("next", next={"nullable": True, "allOf": [ref("Chain")]}),
}
OLD_COMPONENTS: dict[str, Any] = {
    "Song": COMPONENTS["Song"],
    "Chain": an_object("next", next={"nullable": True, "allOf": [ref("Chain")]}),
}

FORMAT_NAMES = [
    *(
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
    ),
    *("uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "json-pointer", "regex"),
    "relative-json-pointer",
]


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("seed", [b"1", b"another seed"])
def test_sample_is_valid_by_an_independent_validator(name: str, seed: bytes) -> None:
    value = sample(SCHEMAS[name], COMPONENTS, seed=seed)

    assert is_valid(SCHEMAS[name], value, COMPONENTS), value


@pytest.mark.parametrize("name", OLD_SCHEMAS)
def test_sample_of_an_older_schema_is_valid(name: str) -> None:
    value = sample(OLD_SCHEMAS[name], OLD_COMPONENTS, dialect="3.0")

    assert is_valid(OLD_SCHEMAS[name], value, OLD_COMPONENTS, "3.0"), value


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_sample_of_a_format_is_valid_and_not_empty(name: str) -> None:
    schema = {"type": "string", "format": name}

    value = sample(schema)

    assert value
    assert is_valid(schema, value), value


@pytest.mark.parametrize(
    "name", ["email", "hostname", "uri", "uri-reference", "iri", "date-time", "regex", "byte"]
)
def test_sample_of_a_format_keeps_its_length(name: str) -> None:
    schema = {"type": "string", "format": name, "minLength": 90, "maxLength": 96}

    value = sample(schema)

    assert 90 <= len(value) <= 96
    assert is_valid(schema, value), value


@pytest.mark.parametrize(
    ("name", "length"),
    [("email", 5), ("hostname", 3), ("uri", 5), ("ipv4", 7), ("time", 9), ("duration", 3), ("byte", 4)],
)
def test_sample_of_a_format_may_be_short(name: str, length: int) -> None:
    schema = {"type": "string", "format": name, "maxLength": length}

    value = sample(schema)

    assert is_valid(schema, value), value


FIRST_TRY = [
    "a plain record",
    "allOf with ranges and enums",
    "allOf of integer and number",
    "allOf with two steps",
    "allOf with a closed part",
    "dependentRequired in a chain",
    "dependentRequired that cannot be met",
    "a map",
    "patternProperties",
    "maxProperties",
    "prefixItems in two parts",
    "unique pairs",
    "unique letters",
    "two patterns",
    "cents",
    "a narrow range",
    "a half step of an integer",
    "unevaluatedProperties",
    "a tree",
]


@pytest.mark.parametrize("name", FIRST_TRY)
def test_what_is_said_straight_is_right_at_the_first_try(name: str) -> None:
    accepts = Refusals(COMPONENTS, "3.1")

    sample(SCHEMAS[name], COMPONENTS, accepts=accepts)

    assert accepts.calls == 1


def test_exclusive_flags_are_right_at_the_first_try() -> None:
    accepts = Refusals(OLD_COMPONENTS, "3.0")

    value = sample(OLD_SCHEMAS["exclusive flags"], OLD_COMPONENTS, dialect="3.0", accepts=accepts)

    assert value == 5
    assert accepts.calls == 1


def test_optional_properties_are_shown() -> None:
    value = sample(an_object("a", a={"type": "integer"}, b={"type": "string"}, c={"type": "boolean"}))

    assert list(value) == ["a", "b", "c"]


def test_optional_property_that_cannot_be_made_is_left_out() -> None:
    impossible = {"type": "string", "minLength": 3, "maxLength": 2}

    value = sample(an_object("a", a={"type": "integer"}, b=impossible, c=False))

    assert list(value) == ["a"]


def test_only_what_is_in_the_way_is_left_out() -> None:
    any_text = {"type": "string"}
    fields = dict.fromkeys("abc", any_text)

    assert set(sample({**an_object(**fields), "oneOf": [{"required": ["a"]}, {"required": ["b"]}]})) == {
        "a",
        "c",
    }
    assert set(sample({**an_object(**fields, d=False), "dependentRequired": {"b": ["d"]}})) == {"a", "c"}
    assert set(sample({**an_object(**fields, longer=any_text), "propertyNames": {"maxLength": 1}})) == set(
        "abc"
    )
    assert set(sample({**an_object("c", **fields), "maxProperties": 2})) == {"a", "c"}
    assert set(sample({**an_object(**fields), "not": {"required": ["a"]}})) == {"b", "c"}


def test_maxcontains_keeps_the_other_items_out() -> None:
    items = {"enum": ["a", 1]}
    schema = {
        "type": "array",
        "items": items,
        "minItems": 3,
        "contains": {"type": "string"},
        "maxContains": 1,
    }

    assert sorted(map(str, sample(schema))) == ["1", "1", "a"]


def test_recursion_is_shown_once_and_then_cut() -> None:
    value = sample(ref("Tree"), COMPONENTS)

    assert [child["children"] for child in value["children"]] == [[], []]


def test_circle_of_allof_adds_nothing() -> None:
    circle = {"Circle": {"allOf": [ref("Circle"), an_object("a", a={"type": "integer"})]}}

    assert list(sample(ref("Circle"), circle, accepts=lambda schema, value: True)) == ["a"]


def test_names_and_formats_make_plausible_values() -> None:
    fields = {
        name: {"type": "string"} for name in ("email", "imageUrl", "created_at", "city", "phone", "taskId")
    }

    value = sample(
        an_object(*fields, **fields, year={"type": "integer"}, uid={"type": "string", "format": "uuid"})
    )

    assert "@example.com" in value["email"]
    assert value["imageUrl"].startswith("https://example.com/")
    assert value["created_at"].endswith("Z")
    assert value["city"].isalpha()
    assert value["phone"].startswith("+")
    assert int(value["taskId"], 16)
    assert 2024 <= value["year"] <= 2026
    assert len(value["uid"]) == 36


def test_the_name_handed_in_counts_for_the_whole() -> None:
    assert "@" in sample({"type": "string"}, name="contactEmail")


def test_examples_and_defaults_come_first() -> None:
    schema = an_object(
        old={"type": "string", "example": "from example"},
        new={"type": "string", "examples": ["from examples", "second"]},
        usual={"type": "integer", "default": 7},
        whole={**an_object("x", x={"type": "integer"}), "example": {"x": 41}},
    )

    value = sample(schema)

    assert value == {"old": "from example", "new": "from examples", "usual": 7, "whole": {"x": 41}}


def test_wrong_example_is_replaced_and_the_others_stay() -> None:
    schema = an_object(
        a={"type": "string", "format": "date", "example": "yesterday"},
        b={"type": "string", "example": "kept"},
        c={"type": "integer", "example": "seven"},
    )

    value = sample(schema)

    assert value["a"] != "yesterday"
    assert value["b"] == "kept"
    assert isinstance(value["c"], int)
    assert is_valid(schema, value)


def test_examples_are_ignored_when_asked() -> None:
    schema = an_object("a", a={"type": "string", "example": "mine", "default": "mine too"})

    assert sample(schema, use_examples=False)["a"] not in ("mine", "mine too")


def test_examples_of_the_parts_of_an_allof_are_laid_together() -> None:
    one = {**an_object("a", a={"type": "integer"}), "example": {"a": 1}}
    two = {**an_object("b", b={"type": "integer"}), "example": {"b": 2}}

    assert sample({"allOf": [one, two]}) == {"a": 1, "b": 2}


def test_an_example_is_copied() -> None:
    schema = {"type": "array", "items": {}, "example": [{"a": [1]}]}

    sample(schema)[0]["a"].append(2)

    assert schema["example"] == [{"a": [1]}]


@pytest.mark.parametrize(
    ("direction", "kept"), [("request", ["both", "secret"]), ("response", ["both", "id"])]
)
def test_what_the_direction_does_not_carry_is_left_out(direction: str, kept: list[str]) -> None:
    schema = an_object(
        both={"type": "string"}, id={"$ref": "#/components/schemas/Id"}, secret={"writeOnly": True}
    )
    components = {"Id": {"type": "string", "readOnly": True}}

    value = sample(schema, components, direction=direction)

    assert sorted(value) == kept


def test_required_property_of_the_other_direction_is_left_out_where_the_validator_agrees() -> None:
    schema = an_object("name", "id", name={"type": "string"}, id={"type": "string", "readOnly": True})

    value = sample(schema, direction="request", accepts=lambda schema, value: True)

    assert list(value) == ["name"]


def test_example_of_an_object_loses_what_the_direction_does_not_carry() -> None:
    schema = an_object(a={"type": "string"}, secret={"type": "string", "writeOnly": True})
    schema["example"] = {"a": "x", "secret": "y"}

    assert sample(schema, direction="response") == {"a": "x"}
    assert sample(schema, direction="request") == {"a": "x", "secret": "y"}


def test_discriminator_holds_the_mapped_or_the_implicit_name() -> None:
    mapping = {"kitty": "#/components/schemas/Cat"}
    choice = {
        "oneOf": [ref("Cat"), ref("Dog")],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }
    second = {
        "oneOf": [ref("Dog"), ref("Cat")],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }

    assert sample(choice, COMPONENTS)["kind"] == "kitty"
    assert sample(second, COMPONENTS)["kind"] == "Dog"
    assert sample(ref("Dog"), COMPONENTS)["kind"] == "Dog"


def test_null_is_the_last_choice() -> None:
    assert sample({"type": ["null", "string"]}) is not None
    assert sample({"enum": [None, "a"]}) == "a"
    assert sample({"type": "string", "nullable": True}, dialect="3.0") is not None


def test_nullable_is_no_keyword_of_31() -> None:
    chain = {"Chain": an_object("next", next={"type": "object", "nullable": True, "allOf": [ref("Chain")]})}

    with pytest.raises(Unsatisfiable):
        sample(ref("Chain"), chain, accepts=lambda schema, value: True)
    assert "None" in str(sample(ref("Chain"), chain, accepts=lambda schema, value: True, dialect="3.0"))


def test_integers_are_ints_and_numbers_are_never_nan() -> None:
    value = sample({"type": "array", "minItems": 40, "items": {"type": "integer"}})

    assert {type(item) for item in value} == {int}
    assert sample({"type": "number"}) == sample({"type": "number"})


def test_same_seed_gives_the_same_value_and_another_seed_another() -> None:
    schema = SCHEMAS["a plain record"]

    assert sample(schema, seed=b"a") == sample(schema, seed=b"a")
    assert sample(schema, seed=b"a") != sample(schema, seed=b"b")


_ROOT = Path(__file__).parents[2]
_IN_A_PROCESS = """
import json
from mockserver.openapi.sample import generate
schema = {"type": "object", "properties": {
    "a": {"type": "string", "pattern": "^[^x]{8}[^0-9a-f]$"}, "b": {"type": "array", "uniqueItems": True,
    "minItems": 6, "items": {"type": "string", "maxLength": 2}},
    "c": {"type": "string", "format": "uuid"}, "d": {"anyOf": [{"type": "number"}, {"type": "string"}]}},
    "patternProperties": {"^p": {"type": "integer"}}, "minProperties": 6}
value = generate(schema, resolve=dict().get, accepts=lambda schema, value: True, seed=b"s")
print(json.dumps(value))
"""


def test_value_is_the_same_in_another_process() -> None:
    def output(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", _IN_A_PROCESS]
        done = subprocess.run(command, env=environment, cwd=_ROOT, capture_output=True, text=True, check=True)
        return done.stdout

    assert output("1") == output("2")


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string", "minLength": 5, "maxLength": 3},
        {"type": "integer", "minimum": 5, "exclusiveMaximum": 5},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"type": "string", "pattern": "^(?!x)x$"},
        {"type": "string", "minLength": 10**12},
        {"type": "array", "minItems": 10**12, "items": {"type": "null"}},
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
        {"type": "object", "minProperties": 10**9},
        an_object("a", a=False),
        ref("Forever"),
        ref("Circle"),
    ],
    ids=str,
)
def test_schema_that_nothing_keeps_is_unsatisfiable(schema: Any) -> None:
    components = {"Forever": an_object("more", more=ref("Forever")), "Circle": {"allOf": [ref("Circle")]}}

    def accepts(schema: Any, value: Any) -> bool:
        return schema != ref("Circle") and Refusals(components, "3.1")(schema, value)

    with pytest.raises(Unsatisfiable):
        sample(schema, components, accepts=accepts)


def test_reason_names_the_place() -> None:
    schema = an_object(
        "data", data=an_object("text", text={"type": "string", "minLength": 5, "maxLength": 3})
    )

    with pytest.raises(Unsatisfiable, match=r"no string of 5 to 3 characters .*/data/text"):
        sample(schema)


def nested(depth: int, around: Callable[[Any], Any]) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = around(schema)
    return schema


def test_two_thousand_properties_take_less_than_a_second() -> None:
    schema = an_object(**{f"p{i}": {"type": ["string", "integer"][i % 2]} for i in range(2000)})
    start = time.process_time()

    value = sample(schema)

    assert len(value) == 2000
    assert time.process_time() - start < 1


def test_required_depth_is_reached_and_optional_depth_is_cut() -> None:
    needed = nested(30, lambda schema: an_object("a", a=schema))
    offered = nested(30, lambda schema: an_object(a=schema))
    accepts = Refusals({}, "3.1")

    assert str(sample(needed, accepts=accepts)).count("{") == 30
    assert 2 < str(sample(offered, accepts=accepts)).count("{") < 10
    assert accepts.calls == 2


def test_search_ends_soon_where_choices_multiply() -> None:
    letters = "ABCDEFGH"
    parts = {name: ref(name) for name in letters}
    wide = {name: {"oneOf": [an_object(*letters, **parts), {"type": "null"}]} for name in letters}
    hopeless = {
        "type": "object",
        "allOf": [{"anyOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(12)],
        "maxProperties": 11,
    }
    letter = {"oneOf": [{"const": name} for name in letters]}
    asked = Refusals(wide, "3.1")
    refused = Refusals({}, "3.1")
    never = Mock(return_value=False)

    value = sample(ref("A"), wide, accepts=asked)
    with pytest.raises(Unsatisfiable):
        sample(hopeless, accepts=refused)
    with pytest.raises(Unsatisfiable):
        sample(an_object(*letters, **dict.fromkeys(letters, letter)), accepts=never)

    assert is_valid(ref("A"), value, wide)
    assert asked.calls < 1000
    assert refused.calls < 1000
    assert never.call_count < 10_000


def test_wide_recursion_stays_small() -> None:
    letters = "ABCDEFGH"
    wide = {name: an_object(**{other: ref(other) for other in letters}) for name in letters}

    value = sample(ref("A"), wide)

    assert set(value) == set(letters)
    assert len(str(value)) < 60_000


# Schemas made around a value that keeps them, so that "nothing found" is a failure too.
_Known = tuple[dict[str, Any], Any]
_PATTERNS = [("^[a-z]{2,5}$", "abc"), (r"^\d+$", "12"), ("[A-Z]", "xA"), (r"^(foo|bar)-\w+$", "foo-x")]


@st.composite
def _texts(draw: st.DrawFn) -> _Known:
    text = draw(st.text("abcxyz ", max_size=12))
    slack = draw(st.integers(0, 3))
    return {"type": "string", "minLength": max(0, len(text) - slack), "maxLength": len(text) + slack}, text


@st.composite
def _integers(draw: st.DrawFn) -> _Known:
    number = draw(st.integers(-50, 50))
    step = draw(st.sampled_from([size for size in (1, 2, 3, 7) if number % size == 0]))
    slack = draw(st.integers(0, 5))
    return {
        "type": "integer",
        "minimum": number - slack,
        "maximum": number + slack,
        "multipleOf": step,
    }, number


_LEAVES: st.SearchStrategy[_Known] = st.one_of(
    _texts(),
    _integers(),
    st.sampled_from(_PATTERNS).map(lambda known: ({"type": "string", "pattern": known[0]}, known[1])),
    st.sampled_from(["x", 1, None, True, [1], {"a": 1}]).map(lambda value: ({"const": value}, value)),
    st.sampled_from(
        [({"type": "boolean"}, True), ({"type": ["null", "integer"]}, None), ({"enum": ["a", 2]}, "a")]
    ),
)


@st.composite
def _objects(draw: st.DrawFn, parts: st.SearchStrategy[_Known]) -> _Known:
    made = draw(st.dictionaries(st.sampled_from("abcdef"), parts, max_size=4))
    schema = an_object(**{name: part for name, (part, _) in made.items()})
    schema["required"] = [name for name in made if draw(st.booleans())]
    if draw(st.booleans()):
        schema["additionalProperties"] = False
    elif draw(st.booleans()):
        schema |= {"minProperties": len(made), "maxProperties": max(1, len(made))}
    return schema, {name: value for name, (_, value) in made.items()}


@st.composite
def _lists(draw: st.DrawFn, parts: st.SearchStrategy[_Known]) -> _Known:
    part, value = draw(parts)
    size = draw(st.integers(0, 3))
    schema = {"type": "array", "items": part, "minItems": size, "maxItems": size + draw(st.integers(0, 2))}
    if draw(st.booleans()):
        schema |= {"uniqueItems": True}
    return schema, [value] * size


@st.composite
def _combined(draw: st.DrawFn, parts: st.SearchStrategy[_Known]) -> _Known:
    (one, value), (other, _) = draw(parts), draw(parts)
    branches = draw(st.permutations([one, other]))
    return draw(
        st.sampled_from(
            [
                {"oneOf": branches},
                {"anyOf": branches},
                {"allOf": [one, {"not": other}]},
                {
                    **one,
                    "if": other,
                    "then": {"title": "both"},
                    "else": {"type": ["string", "object", "null"]},
                },
                {
                    "allOf": [
                        {key: one[key]} for key in one if key not in ("properties", "additionalProperties")
                    ]
                },
            ]
        )
    ), value


_SCHEMAS = st.recursive(
    _LEAVES, lambda parts: st.one_of(_objects(parts), _lists(parts), _combined(parts)), max_leaves=8
)


@given(_SCHEMAS, st.binary(max_size=4))
def test_every_schema_that_something_keeps_gets_a_valid_sample(known: _Known, seed: bytes) -> None:
    schema, witness = known
    assume(is_valid(schema, witness))

    value = sample(schema, seed=seed)

    assert is_valid(schema, value), value
