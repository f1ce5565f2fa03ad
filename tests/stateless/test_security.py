"""Credentials of every kind, as a document combines them."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve

BASIC = "Basic " + b64encode(b"me:secret").decode()


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("security.yaml")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/bearer", {"authorization": "Bearer anything"}),
        ("/bearer", {"authorization": "bearer anything"}),
        ("/basic", {"authorization": BASIC}),
        ("/digest", {"authorization": 'Digest username="me"'}),
        ("/header-key", {"x-api-key": "anything"}),
        ("/query-key?api_key=anything", {}),
        ("/cookie-key", {"cookie": "other=1; session=anything"}),
        ("/oauth", {"authorization": "Bearer token"}),
        ("/openid", {"authorization": "Bearer token"}),
        ("/certificate", {}),
        ("/both", {"authorization": "Bearer token", "x-api-key": "anything"}),
        ("/either", {"x-api-key": "anything"}),
        ("/either?api_key=anything", {}),
        ("/optional", {}),
        ("/optional", {"x-api-key": "anything"}),
        ("/open", {}),
    ],
)
def test_any_credential_of_the_right_kind_is_let_in(
    client: Client, path: str, headers: dict[str, str]
) -> None:
    reply = client.get(path, headers=headers)

    assert reply.status_code == 200
    assert "x-mock-violation" not in reply.headers


@pytest.mark.parametrize(
    ("path", "headers", "pointer"),
    [
        ("/bearer", {}, "/header/authorization"),
        ("/bearer", {"authorization": "Bearer"}, "/header/authorization"),
        ("/bearer", {"authorization": BASIC}, "/header/authorization"),
        ("/bearer", {"x-api-key": "anything"}, "/header/authorization"),
        ("/basic", {"authorization": "Bearer token"}, "/header/authorization"),
        ("/basic", {"authorization": "Basic no-base64!"}, "/header/authorization"),
        ("/basic", {"authorization": "Basic " + b64encode(b"no colon").decode()}, "/header/authorization"),
        ("/header-key", {"x-api-key": "  "}, "/header/x-api-key"),
        ("/query-key", {"api_key": "in the wrong place"}, "/query/api_key"),
        ("/query-key?api_key=", {}, "/query/api_key"),
        ("/cookie-key", {"cookie": "session="}, "/header/cookie/session"),
        ("/oauth", {}, "/header/authorization"),
        ("/openid", {}, "/header/authorization"),
        ("/both", {"authorization": "Bearer token"}, "/header/x-api-key"),
        ("/both", {"x-api-key": "anything"}, "/header/authorization"),
        ("/either", {"authorization": "Bearer token"}, "/header/x-api-key"),
    ],
)
def test_without_the_right_credential_the_answer_is_401(
    client: Client, path: str, headers: dict[str, str], pointer: str
) -> None:
    reply = client.get(path, headers=headers)

    assert reply.status_code == 401
    assert reply.headers["x-mock-outcome"] == "unauthorized"
    assert reply.headers["x-mock-violation"] == f"{pointer}: security"


def test_the_documented_401_is_the_one_answered(client: Client) -> None:
    reply = client.get("/documented")

    assert (reply.status_code, reply.json()) == (401, {"error": "who are you"})
    assert reply.headers["www-authenticate"] == 'Bearer realm="pets"'
    assert "x-mock-error" not in reply.headers


@pytest.mark.parametrize(
    ("path", "challenge"),
    [("/bearer", "Bearer"), ("/basic", 'Basic realm="*"'), ("/digest", "Digest"), ("/header-key", None)],
)
def test_without_a_documented_401_a_problem_names_what_to_send(
    client: Client, path: str, challenge: str | None
) -> None:
    reply = client.get(path)

    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-mock-error"] == "unauthorized"
    assert reply.headers.get("www-authenticate") == challenge


def test_credentials_are_asked_for_before_the_request_is_judged(client: Client) -> None:
    stranger = client.get("/strict")
    known = client.get("/strict", headers={"authorization": "Bearer token"})

    assert stranger.status_code == 401
    assert known.status_code == 400


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {"authorization": "Basic " + b64encode(b"mock-http-409:").decode()}),
        ("", {"x-api-key": "mock-http-409"}),
        ("?api_key=mock%2Dhttp%2D409", {}),
    ],
)
def test_a_magic_key_is_magic_in_any_place(client: Client, query: str, headers: dict[str, str]) -> None:
    reply = client.get("/magic" + query, headers=headers)

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (409, "http-409")
