"""What an answer has to be: each matcher both ways, and where a difference is seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.matching import NOTHING, Matching, Mismatch, is_matcher

GOT: dict[str, Any] = {
    "code": 200,
    "rate": 1.0,
    "text": "song of the night",
    "yes": True,
    "none": None,
    "list": [1, 2, 3],
    "songs": [{"id": "a", "length": 36}, {"id": "b", "length": 200}],
    "a/b": {"~": 1},
}


def accepts(schema: Any, value: Any) -> bool:
    """In place of a document: one schema, and one that nobody can tell of."""
    if schema == "#/deep":
        raise RecursionError
    return (schema, value) == ("#/three", 3)


def found(wanted: Any, got: Any = GOT, **message: Any) -> list[Mismatch]:
    return list(Matching(accepts, message).mismatches(wanted, got, "/body"))


HOLDS = [
    {"code": 200},
    {"code": 200.0, "rate": 1},
    {"none": None},
    {"list": [1, 2.0, 3]},
    {"songs": [{"id": "a"}, {}]},
    {"a/b": {"~": 1}},
    {"text": {"$type": "string"}, "code": {"$type": "integer"}, "rate": {"$type": "integer"}},
    {"code": {"$type": ["null", "number"]}, "none": {"$type": ["null", "number"]}},
    {"yes": {"$type": "boolean"}, "list": {"$type": "array"}, "a/b": {"$type": "object"}},
    {"text": {"$pattern": "^song"}},
    {"text": {"$pattern": "the"}},
    {"text": {"$contains": "of the"}},
    {"code": {"$one-of": [404, 200]}, "songs": {"$one-of": [[], {"$size": 2}]}},
    {"missing": {"$one-of": [{"$absent": True}, None]}, "none": {"$one-of": [{"$absent": True}, None]}},
    {"code": {"$not": 404}, "text": {"$not": {"$pattern": "day"}}},
    {"a/b": {"$is": {"~": 1.0}}, "list": {"$is": [1, 2, 3]}},
    {"missing": {"$absent": True}, "none": {"$absent": False}},
    {"list": {"$size": 3}, "text": {"$size": 17}, "a/b": {"$size": 1}},
    {"songs": {"$each": {"id": {"$type": "string"}, "length": {"$between": [36, 200]}}}},
    {"code": {"$between": [200, 200]}},
    {"text": {"$type": "string", "$contains": "night", "$size": 17}},
]
DIFFERS = [
    ({"code": 201}, "/body/code: wanted 201, got 200"),
    ({"code": "200"}, '/body/code: wanted "200", got 200'),
    ({"rate": "1.0"}, '/body/rate: wanted "1.0", got 1.0'),
    ({"yes": "true"}, '/body/yes: wanted "true", got true'),
    ({"none": "null"}, '/body/none: wanted "null", got null'),
    ({"code": {"$is": "200"}}, '/body/code: wanted is "200", got 200'),
    (
        {"text": {"$not": "song of the night"}},
        '/body/text: wanted not "song of the night", got "song of the night"',
    ),
    ({"missing": "nothing"}, '/body/missing: wanted "nothing", got nothing'),
    ({"rate": True}, "/body/rate: wanted true, got 1.0"),
    ({"yes": 1}, "/body/yes: wanted 1, got true"),
    ({"none": False}, "/body/none: wanted false, got null"),
    ({"missing": None}, "/body/missing: wanted null, got nothing"),
    ({"missing": {"inner": 1}}, "/body/missing: wanted an object, got nothing"),
    ({"text": {"inner": 1}}, "/body/text: wanted an object, got song of the night"),
    ({"list": [1, 2]}, "/body/list: wanted 2 items, got 3 items"),
    ({"list": [1, 3, 3]}, "/body/list/1: wanted 3, got 2"),
    ({"code": [200]}, "/body/code: wanted a list, got 200"),
    ({"a/b": {"~": 2}}, "/body/a~1b/~0: wanted 2, got 1"),
    ({"songs": [{"id": "a"}, {"id": "c"}]}, "/body/songs/1/id: wanted c, got b"),
    ({"code": {"$type": "string"}}, "/body/code: wanted type string, got 200"),
    ({"yes": {"$type": "number"}}, "/body/yes: wanted type number, got true"),
    ({"yes": {"$type": ["integer", "null"]}}, '/body/yes: wanted type ["integer", "null"], got true'),
    ({"none": {"$type": "object"}}, "/body/none: wanted type object, got null"),
    ({"missing": {"$type": "null"}}, "/body/missing: wanted type null, got nothing"),
    ({"text": {"$pattern": "day"}}, "/body/text: wanted pattern day, got song of the night"),
    ({"code": {"$pattern": "2"}}, "/body/code: wanted pattern 2, got 200"),
    ({"text": {"$pattern": "["}}, "/body/text: wanted pattern [, got song of the night"),
    ({"text": {"$contains": "day"}}, "/body/text: wanted contains day, got song of the night"),
    ({"list": {"$contains": "1"}}, "/body/list: wanted contains 1, got [1, 2, 3]"),
    ({"code": {"$one-of": [404, 409]}}, "/body/code: wanted one-of [404, 409], got 200"),
    ({"missing": {"$one-of": [404]}}, "/body/missing: wanted one-of [404], got nothing"),
    ({"code": {"$not": 200}}, "/body/code: wanted not 200, got 200"),
    ({"missing": {"$not": 200}}, "/body/missing: wanted not 200, got nothing"),
    ({"songs": {"$is": [{"id": "a"}, {"id": "b"}]}}, None),
    ({"yes": {"$is": 1}}, "/body/yes: wanted is 1, got true"),
    ({"a/b": {"$is": {"$absent": True}}}, None),
    ({"none": {"$absent": True}}, "/body/none: wanted absent true, got null"),
    ({"missing": {"$absent": False}}, "/body/missing: wanted absent false, got nothing"),
    ({"list": {"$size": 2}}, "/body/list: wanted size 2, got [1, 2, 3]"),
    ({"code": {"$size": 3}}, "/body/code: wanted size 3, got 200"),
    ({"songs": {"$each": {"length": {"$between": [36, 199.9]}}}}, None),
    ({"code": {"$each": 1}}, "/body/code: wanted a list, got 200"),
    ({"code": {"$between": [200.1, 300]}}, "/body/code: wanted between [200.1, 300], got 200"),
    ({"yes": {"$between": [0, 1]}}, "/body/yes: wanted between [0, 1], got true"),
    ({"text": {"$type": "string", "$size": 3}}, "/body/text: wanted size 3, got song of the night"),
]


@pytest.mark.parametrize("wanted", HOLDS, ids=json.dumps)
def test_what_holds(wanted: Any) -> None:
    assert found(wanted) == []


@pytest.mark.parametrize(("wanted", "told"), DIFFERS, ids=[json.dumps(wanted) for wanted, _ in DIFFERS])
def test_what_differs_is_seen_at_one_place(wanted: Any, told: str | None) -> None:
    (mismatch,) = found(wanted)

    assert told is None or str(mismatch) == told


def test_every_difference_is_seen() -> None:
    differences = found(
        {"code": 201, "text": "x", "songs": {"$each": {"id": "a", "length": 36}}, "yes": True}
    )

    assert [one.pointer for one in differences] == [
        "/body/code",
        "/body/text",
        "/body/songs/1/id",
        "/body/songs/1/length",
    ]


def test_an_object_wants_an_object() -> None:
    assert found({}, []) == [Mismatch("/body", "an object", [])]
    assert found({}, None) == [Mismatch("/body", "an object", None)]
    assert found([], {}) == [Mismatch("/body", "a list", {})]


@pytest.mark.parametrize("got", [float("inf"), float("-inf"), float("nan"), 1.5])
def test_what_json_hardly_knows_is_no_integer(got: float) -> None:
    assert len(found({"$type": "integer"}, got)) == 1
    assert found({"$type": "number"}, got) == []


def test_a_number_too_large_for_a_float_is_one() -> None:
    assert found({"$type": "integer", "$between": [1, 10**401]}, 10**400) == []


def test_a_schema_is_the_documents() -> None:
    assert found({"$schema": "#/three"}, 3) == []
    assert len(found({"$schema": "#/three"}, 4)) == 1
    assert len(found({"$schema": "#/deep"}, 4)) == 1
    assert found({"$schema": "#/three"}, NOTHING) == [Mismatch("/body", {"$schema": "#/three"}, NOTHING)]


# HMAC-SHA256 of "task-1.1767225600" under "secret", in base64.
SIGNATURE = "UsotFP7hMau6Oi4ioiseYAnkdtghqzwjlbsUwBOwQSk="
OF = ["/body/data/task_id", ".", "/header/x-webhook-timestamp"]


@pytest.mark.parametrize(
    ("key", "of", "task", "holds"),
    [
        ("secret", OF, "task-1", True),
        ("secret", OF, "task-2", False),
        ("other", OF, "task-1", False),
        ("secret", OF[:2], "task-1", False),
        ("secret", [*OF, "/body/nothing"], "task-1", True),
    ],
)
def test_a_signature_over_parts_of_the_same_message(key: str, of: list[str], task: str, holds: bool) -> None:
    message = {"body": {"data": {"task_id": task}}, "header": {"x-webhook-timestamp": "1767225600"}}

    differences = found({"$hmac-sha256": {"key": key, "of": of}}, SIGNATURE, **message)

    assert (differences == []) is holds


@pytest.mark.parametrize("got", [5, None, "ü", ""])
def test_what_is_no_signature(got: Any) -> None:
    assert len(found({"$hmac-sha256": {"key": "k", "of": []}}, got)) == 1


def test_a_long_value_is_shown_by_its_beginning() -> None:
    assert str(Mismatch("/body", "", "x" * 300)) == f'/body: wanted "", got {"x" * 200}…'


@pytest.mark.parametrize(
    ("wanted", "is_one"),
    [({"$is": 1}, True), ({"$a": 1, "b": 2}, False), ({}, False), ([], False), ("$is", False)],
)
def test_a_matcher_is_an_object_of_such_keys_alone(wanted: Any, is_one: bool) -> None:
    assert is_matcher(wanted) is is_one
