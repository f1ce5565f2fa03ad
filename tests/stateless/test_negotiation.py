"""Which of several media types an answer comes in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("negotiation.yaml")


async def call(client: Client, path: str, headers: list[tuple[bytes, bytes]]) -> list[dict[str, Any]]:
    """A call with headers that a client library would not send."""
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await client.app(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("accept", "came"),
    [
        ("application/json", "application/json"),
        ("application/xml", "application/xml"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("application/vnd.reports.v2+json", "application/vnd.reports.v2+json"),
        ("*/*", "application/json"),
        ("*", "application/json"),
        ("text/*", "text/csv"),
        ("application/xml;q=0.4, text/csv;q=0.8", "text/csv"),
        ("application/xml; q=.4, text/csv; q=.3, */*; q=.2", "application/xml"),
        ("application/json;q=0, */*;q=0.5", "application/vnd.reports.v2+json"),
        ("application/json;q=0.1, application/xml;q=0.9, */*;q=0.5", "application/xml"),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", "application/xml"),
        ("*/*, text/csv", "text/csv"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("", "application/json"),
    ],
)
def test_the_media_type_is_the_one_the_caller_likes_best(client: Client, accept: str, came: str) -> None:
    reply = client.get("/report", headers={"accept": accept})

    assert reply.status_code == 200
    assert reply.headers["content-type"] == came


def test_several_accept_headers_are_read_as_one(client: Client) -> None:
    several = [(b"accept", b"text/html"), (b"accept", b"text/csv")]

    sent = asyncio.run(call(client, "/report", several))

    assert (sent[0]["status"], sent[1]["body"]) == (200, b"as,csv")


def test_each_media_type_has_its_own_example(client: Client) -> None:
    assert client.get("/report").json() == {"as": "json"}
    assert client.get("/report", headers={"accept": "text/csv"}).text == "as,csv"
    assert client.get("/report", headers={"accept": "application/xml"}).text == "<report>xml</report>"


def test_no_media_type_that_fits_is_406_with_the_types_on_offer(client: Client) -> None:
    reply = client.get("/vendor-only", headers={"accept": "text/csv, application/json;q=0"})

    assert reply.status_code == 406
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["offered"] == ["application/vnd.reports.v2+json"]


def test_json_takes_a_vendors_json_and_the_other_way_round(client: Client) -> None:
    vendor = client.get("/vendor-only", headers={"accept": "application/json"})
    plain = client.get("/strict?limit=1", headers={"accept": "application/hal+json"})
    stranger = client.get("/vendor-only", headers={"accept": "application/hal+json"})

    assert (vendor.status_code, vendor.json()) == (200, {"as": "vendor json"})
    assert plain.status_code == 200
    assert stranger.status_code == 406


def test_a_documented_range_is_answered_with_the_type_asked_for(client: Client) -> None:
    assert client.get("/report", headers={"accept": "image/webp"}).headers["content-type"] == "image/webp"
    assert client.get("/report", headers={"accept": "image/*"}).headers["content-type"] == "image/png"


def test_a_documented_anything_is_written_as_what_is_asked_for(client: Client) -> None:
    plain = client.get("/anything", headers={"accept": "text/plain"})
    default = client.get("/anything")

    assert (plain.headers["content-type"], plain.text) == ("text/plain", "any")
    assert (default.headers["content-type"], default.json()) == ("application/json", "any")


def test_media_types_that_differ_in_a_parameter_are_told_apart(client: Client) -> None:
    second = client.get("/versions", headers={"accept": "application/json; version=2"})
    any_one = client.get("/versions", headers={"accept": "application/json"})

    assert second.json() == {"version": 2}
    assert any_one.json() == {"version": 1}


def test_where_no_content_is_documented_nothing_has_to_be_acceptable(client: Client) -> None:
    reply = client.get("/nothing", headers={"accept": "text/csv"})

    assert (reply.status_code, reply.content) == (200, b"")
    assert "content-type" not in reply.headers


def test_a_refusal_is_said_even_to_a_caller_who_takes_none_of_its_media_types(client: Client) -> None:
    reply = client.get("/strict", headers={"accept": "text/csv"})

    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json() == {"title": "no"}


def test_an_odd_accept_header_is_no_reason_to_fail(client: Client) -> None:
    for accept in (";;;", ",,,", "/", "a/b/c;q=x", "text/csv;q=9", "é", "*/csv"):
        assert client.get("/report", headers={"accept": accept.encode()}).status_code in (200, 406)
