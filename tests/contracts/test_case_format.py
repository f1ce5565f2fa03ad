"""What the schema of case files shows of its matchers and requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.filling import fill
from contracts.matching import Matching, faults

SCHEMA = json.loads((Path(__file__).parents[2] / "contracts/cases/schema.json").read_text("utf-8"))
EXAMPLES = SCHEMA["$defs"]["match"]["examples"]
MATCHERS = [
    "$type",
    "$pattern",
    "$contains",
    "$one-of",
    "$not",
    "$is",
    "$schema",
    "$absent",
    "$size",
    "$each",
    "$between",
    "$hmac-sha256",
]


@pytest.mark.parametrize("name", MATCHERS)
def test_each_matcher_is_explained_and_has_an_example(name: str) -> None:
    assert f"{name} (" in SCHEMA["$defs"]["match"]["description"]
    assert [example for example in EXAMPLES if name in example] != []


@pytest.mark.parametrize("example", EXAMPLES, ids=json.dumps)
def test_an_example_is_one(example: Any) -> None:
    assert list(faults(example, "", lambda _: True)) == []
    assert example.keys() <= {*MATCHERS}


def test_a_matcher_without_an_example_would_be_missed() -> None:
    ((_, reason),) = faults({"$like": 1}, "", lambda _: True)

    assert reason == f"$like is no matcher; known: {', '.join(MATCHERS)}"


def test_an_example_of_several_matchers_wants_all_of_them() -> None:
    matching = Matching(lambda *_: True, {})

    def holds(got: Any) -> bool:
        return not list(matching.mismatches({"$size": 2, "$each": {"id": {"$type": "string"}}}, got, ""))

    assert {"$size": 2, "$each": {"id": {"$type": "string"}}} in EXAMPLES
    assert holds([{"id": "a"}, {"id": "b"}])
    assert not holds([{"id": "a"}])
    assert not holds([{"id": "a"}, {"id": 1}])


def test_a_repeated_text_is_explained() -> None:
    request = SCHEMA["$defs"]["request"]
    (example,) = [one for one in request["examples"] if "$repeat" in json.dumps(one)]

    assert "{$repeat: [x, 1001]}" in request["description"]
    assert fill(example, {})["set"]["/body/description"] == "x" * 1001
