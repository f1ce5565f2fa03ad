"""Documented response headers."""

from __future__ import annotations

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("response-headers.yaml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-example", "shown"),
        ("x-named", "first"),
        ("x-schema-example", "from the schema"),
        ("x-flag", "true"),
        ("x-list", "1,2,3"),
        ("x-object", "x,1,y,2"),
        ("x-exploded", "x=1,y=2"),
        ("x-json", '{"x":1}'),
        ("x-unicode", "%C3%A9%0D%0AEvil: 1"),
    ],
)
def test_a_documented_header_is_sent_with_its_example(client: Client, name: str, value: str) -> None:
    assert client.get("/all").headers[name] == value


def test_a_header_without_an_example_keeps_its_schema(client: Client) -> None:
    assert 5 <= int(client.get("/all").headers["x-number"]) <= 9


def test_every_cookie_has_a_header_of_its_own(client: Client) -> None:
    assert client.get("/all").headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]


def test_what_belongs_to_the_connection_is_never_the_documents(client: Client) -> None:
    reply = client.get("/all")

    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["content-length"] == str(len(reply.content))
    assert "transfer-encoding" not in reply.headers


def test_headers_of_an_error_are_sent_through_a_reference(client: Client) -> None:
    reply = client.get("/all", headers={"prefer": "code=429"})

    assert (reply.status_code, reply.headers["retry-after"], reply.content) == (429, "30", b"")
