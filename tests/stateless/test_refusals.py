"""How an invalid request is refused: as documented, else by a problem; the reason is always in a header."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("refusals.yaml")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [("/both", 422, {"refused": 422}), ("/bad-request", 400, {"refused": 400})],
)
def test_an_invalid_request_meets_the_documented_422_or_400(
    client: Client, path: str, status: int, body: object
) -> None:
    reply = client.post(path, json={"name": "A"})

    assert (reply.status_code, reply.json()) == (status, body)
    assert reply.headers["x-mock-outcome"] == "invalid"
    assert reply.headers["x-mock-violation"] == "/body/name: pattern"


def test_without_one_a_problem_says_what_is_wrong(client: Client) -> None:
    reply = client.post("/neither", json={"name": "A"})

    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert (reply.headers["x-mock-outcome"], reply.headers["x-mock-error"]) == ("invalid", "invalid-request")
    assert reply.headers["x-mock-violation"] == "/body/name: pattern"
    assert reply.json()["violation"]["got"] == "A"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "/body/name: required"),
        ([], "/body: type"),
        ("text", "/body: type"),
        ({"name": 5}, "/body/name: type"),
        ({"name": "a"}, "/body/name: minLength"),
        ({"name": "abcdefghi"}, "/body/name: maxLength"),
        ({"name": "ab", "size": 0}, "/body/size: minimum"),
        ({"name": "ab", "size": 6}, "/body/size: maximum"),
        ({"name": "ab", "size": 1.5}, "/body/size: type"),
        ({"name": "ab", "size": True}, "/body/size: type"),
        ({"name": "ab", "kind": "c"}, "/body/kind: enum"),
        ({"name": "ab", "when": "tomorrow"}, "/body/when: format"),
        ({"name": "ab", "tags": ["x", "x"]}, "/body/tags: uniqueItems"),
        ({"name": "ab", "tags": ["x", 5]}, "/body/tags/1: type"),
        ({"name": "ab", "more": 1}, "/body/more: additionalProperties"),
    ],
)
def test_the_rule_and_the_place_are_named(client: Client, body: Any, wrong: str) -> None:
    reply = client.post("/both", json=body)

    assert (reply.status_code, reply.headers["x-mock-violation"]) == (422, wrong)


def test_a_good_request_passes(client: Client) -> None:
    body = {"name": "ab", "size": 5, "kind": "a", "when": "2026-01-01T00:00:00Z", "tags": ["x", "y"]}

    reply = client.post("/both", json=body)

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (201, "success")
    assert "x-mock-violation" not in reply.headers


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b"\xff",
        b'"\\ud800"',
        b"[" * 65 + b"]" * 65,
        b"[" * 100_000,
        b"1e999",
        b"{'name': 'ab'}",
        b'{"name": "ab"} trailing',
        b"\xef\xbb\xbf{}",
    ],
)
def test_a_body_that_is_not_json_is_invalid(client: Client, content: bytes) -> None:
    reply = client.post("/both", content=content, headers={"content-type": "application/json"})

    assert (reply.status_code, reply.headers["x-mock-violation"]) == (422, "/body: wellFormed")


def test_a_required_body_may_not_be_missing(client: Client) -> None:
    missing, optional = client.post("/both"), client.post("/optional")

    assert (missing.status_code, missing.headers["x-mock-violation"]) == (422, "/body: required")
    assert optional.status_code == 201


def test_an_optional_body_that_is_sent_has_to_be_right(client: Client) -> None:
    reply = client.post("/optional", json={})

    assert reply.headers["x-mock-violation"] == "/body/name: required"


@pytest.mark.parametrize(
    ("path", "status"), [("/media-type", 415), ("/both", 422), ("/bad-request", 400), ("/neither", 415)]
)
def test_a_content_type_nobody_documented_is_refused(client: Client, path: str, status: int) -> None:
    reply = client.post(path, content=b"name: ab", headers={"content-type": "application/yaml"})

    assert reply.status_code == status
    assert reply.headers["x-mock-violation"] == "/header/content-type: contentType"


def test_the_documented_415_is_the_one_answered(client: Client) -> None:
    reply = client.post("/media-type", content=b"ab", headers={"content-type": "text/plain"})

    assert reply.json() == {"refused": 415}
    assert client.post("/media-type", json={}).json() == {"refused": 400}


def test_a_missing_content_type_is_read_as_json(client: Client) -> None:
    right = client.post("/both", content=b'{"name": "ab"}')
    wrong = client.post("/both", content=b'{"name": "a"}')

    assert right.status_code == 201
    assert wrong.headers["x-mock-violation"] == "/body/name: minLength"


def test_of_a_key_that_stands_twice_the_last_counts_and_a_violation_is_noted(client: Client) -> None:
    reply = client.post("/both", content=b'{"name": 5, "name": "ab"}')

    assert (reply.status_code, reply.headers["x-mock-violation"]) == (201, "/body/name: duplicateKey")
