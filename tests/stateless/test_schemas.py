"""Schemas in both dialects: what a request may hold, and what an answer holds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.stateless.conftest import Serve


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"note": None}, None),
        ({"note": "words"}, None),
        ({"note": 5}, "/body/note: type"),
        ({"size": None}, None),
        ({"size": "m"}, "/body/size: enum"),
        ({"word": None}, "/body/word: type"),
        ({"owner": None}, None),
        ({"owner": "Ann"}, None),
        ({"owner": "A"}, "/body/owner: minLength"),
        ({"price": 0.01}, None),
        ({"price": 0}, "/body/price: minimum"),
        ({"price": 10}, "/body/price: maximum"),
        ({"rating": 0}, None),
        ({"label": "longer than three"}, None),
        ({"label": "x"}, "/body/label: minLength"),
        ({"label": None}, "/body/label: type"),
    ],
)
def test_a_request_is_held_against_a_schema_of_3_0(serve: Serve, body: Any, wrong: str | None) -> None:
    reply = serve("nullable.yaml").post("/things", json=body)

    assert reply.headers.get("x-mock-violation") == wrong
    assert reply.status_code == (422 if wrong else 201)


def test_in_3_0_the_siblings_of_a_reference_do_not_count_for_a_parameter_either(serve: Serve) -> None:
    client = serve("nullable.yaml")

    assert client.get("/things?word=12").status_code == 204
    assert client.get("/things?word=1").headers["x-mock-violation"] == "/query/word: minLength"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"note": None}, None),
        ({"note": 5}, "/body/note: type"),
        ({"word": None}, "/body/word: type"),
        ({"price": 0}, "/body/price: exclusiveMinimum"),
        ({"price": 10}, "/body/price: exclusiveMaximum"),
        ({"label": "abc"}, None),
        ({"label": "longer than three"}, "/body/label: maxLength"),
        ({"label": "x"}, "/body/label: minLength"),
        ({"fixed": {"a": [1]}}, None),
        ({"fixed": {"a": [2]}}, "/body/fixed: const"),
        ({"card": "1"}, "/body/address: dependentRequired"),
        ({"card": "1", "address": "x"}, None),
        ({"country": "NL", "postcode": "1234 AB"}, None),
        ({"country": "NL", "postcode": "12345"}, "/body/postcode: pattern"),
        ({"country": "NL"}, "/body/postcode: required"),
        ({"country": "DE", "postcode": "1234 AB"}, "/body/postcode: pattern"),
        ({"pair": [1, "a"]}, None),
        ({"pair": ["a", 1]}, "/body/pair/0: type"),
        ({"bag": ["silver"]}, "/body/bag: contains"),
        ({"bag": ["gold", "gold", "gold"]}, "/body/bag: maxContains"),
        ({"map": {"n1": 1}}, "/body/map: pattern"),
        ({"map": {"na": "x"}}, "/body/map/na: type"),
        ({"closed": {"a": 1, "b": 2}}, None),
        ({"closed": {"a": 1, "c": 2}}, "/body/closed: unevaluatedProperties"),
    ],
)
def test_a_request_is_held_against_a_schema_of_3_1(serve: Serve, body: Any, wrong: str | None) -> None:
    reply = serve("modern.yaml").post("/things", json=body)

    assert reply.headers.get("x-mock-violation", "") == (wrong or "")
    assert reply.status_code == (422 if wrong else 201)


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("/one", 3, None),
        ("/one", 15, "/body: oneOf"),
        ("/one", 4, "/body: multipleOf"),
        ("/any", 15, None),
        ("/any", 4, "/body: multipleOf"),
        ("/all", {"name": "Rex", "age": 3}, None),
        ("/all", {"name": "Rex"}, "/body/age: required"),
        ("/all", {"age": 3}, "/body/name: required"),
        ("/not", 5, None),
        ("/not", "five", "/body: not"),
        ("/pets", {"petType": "kitty", "lives": 9}, None),
        ("/pets", {"petType": "puppy", "bark": True}, None),
        ("/pets", {"petType": "Lizard"}, None),
        ("/pets", {"petType": "kitty", "lives": 10}, "/body/lives: maximum"),
        ("/pets", {"petType": "kitty", "bark": True}, "/body/lives: required"),
        ("/pets", {"petType": "puppy"}, "/body/bark: required"),
        ("/pets", {"petType": "Cat", "lives": 9}, "/body/petType: discriminator"),
        ("/pets", {"petType": 5}, "/body/petType: discriminator"),
        ("/pets", {"lives": 9}, "/body/petType: required"),
        ("/pets", 5, "/body: oneOf"),
    ],
)
def test_one_of_several_shapes_is_meant(serve: Serve, path: str, body: Any, wrong: str | None) -> None:
    reply = serve("shapes.yaml").post(path, json=body)

    assert reply.headers.get("x-mock-violation") == wrong
    assert reply.status_code == (422 if wrong else 201)


def test_a_made_up_alternative_names_itself_in_its_discriminator(serve: Serve) -> None:
    client = serve("shapes.yaml")

    pet = client.post("/pets", json={"petType": "Lizard"}).json()

    assert pet["petType"] == "kitty"
    assert isinstance(pet["lives"], int)


def test_null_is_made_up_where_it_is_allowed_only(serve: Serve) -> None:
    old, new = serve("nullable.yaml"), serve("modern.yaml")

    for client in (old, new):
        bodies = [client.post("/things?__dynamic=true", json={}).json() for _ in range(10)]
        assert all(body.get("word") is not None for body in bodies if "word" in body)


def test_a_request_need_not_hold_what_only_an_answer_carries(serve: Serve) -> None:
    client = serve("directions.yaml")

    without = client.post("/users", json={"name": "Ann", "password": "long enough"})
    with_it = client.post("/users", json={"id": 5, "name": "Ann", "password": "long enough"})
    apart = client.post("/apart", json={"name": "Ann"})
    branches = client.post("/branches", json={"name": "Ann"})

    assert (without.status_code, with_it.status_code) == (201, 201)
    assert (apart.status_code, branches.status_code) == (201, 201)


def test_a_request_has_to_hold_what_it_alone_carries(serve: Serve) -> None:
    client = serve("directions.yaml")

    missing = client.post("/users", json={"name": "Ann"})
    short = client.post("/users", json={"name": "Ann", "password": "short"})
    apart, branches = client.post("/apart", json={"id": 5}), client.post("/branches", json={"id": 5})

    assert missing.headers["x-mock-violation"] == "/body/password: required"
    assert short.headers["x-mock-violation"] == "/body/password: minLength"
    assert apart.headers["x-mock-violation"] == "/body/name: required"
    assert branches.headers["x-mock-violation"] == "/body/name: required"


def test_an_answer_does_not_hold_what_only_a_request_carries(serve: Serve) -> None:
    client = serve("directions.yaml")

    made = client.post("/users", json={"name": "Ann", "password": "long enough"}).json()
    shown = client.get("/shown")

    assert made.keys() == {"id", "name"}
    assert (shown.status_code, shown.json()) == (200, {"id": 5, "name": "Ann"})


def test_a_schema_that_holds_itself_checks_every_level(serve: Serve) -> None:
    client = serve("recursive.yaml")
    deep = {"name": "a", "children": [{"name": "b", "children": [{"name": 5, "children": []}]}]}

    reply = client.post("/tree", json=deep)

    assert reply.headers["x-mock-violation"] == "/body/children/0/children/0/name: type"


def test_a_schema_that_holds_itself_is_made_up_and_ends(serve: Serve) -> None:
    client = serve("recursive.yaml")

    tree, person = client.get("/tree").json(), client.get("/person").json()

    assert isinstance(tree["name"], str)
    assert isinstance(tree["children"], list)
    assert isinstance(person["employer"]["title"], str)
