"""Which documented response is meant, asked for or not."""

from __future__ import annotations

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("responses.yaml")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/lowest", 201, {"made": True}),
        ("/range", 200, {"fine": True}),
        ("/exact-before-range", 202, {"exact": True}),
        ("/default-only", 200, {"all": True}),
        ("/errors-only", 404, {"gone": True}),
    ],
)
def test_without_a_wish_the_success_is_answered(client: Client, path: str, status: int, body: object) -> None:
    reply = client.get(path)

    assert (reply.status_code, reply.json()) == (status, body)
    assert reply.headers["x-mock-outcome"] == "success"


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("200", {"fine": True}),
        ("404", {"status": "exactly 404"}),
        ("418", {"status": "some 4XX"}),
        ("502", {"status": "some 5XX"}),
        ("302", {"status": "rest"}),
        ("206", {"status": "rest"}),
    ],
)
def test_a_code_is_answered_by_its_response_its_range_or_the_default(
    client: Client, code: str, body: object
) -> None:
    reply = client.get("/errors", headers={"prefer": f"code={code}"})

    assert (reply.status_code, reply.json()) == (int(code), body)
    assert reply.headers["x-mock-outcome"] == ("success" if code == "200" else f"http-{code}")


def test_a_code_in_the_query_does_as_well(client: Client) -> None:
    assert client.get("/errors?__code=503").json() == {"status": "some 5XX"}


@pytest.mark.parametrize("code", ["500", "404", "abc", "99", "600", "1000000000000"])
def test_a_code_that_nothing_documents_is_501_with_what_there_is(client: Client, code: str) -> None:
    reply = client.get("/plain", headers={"prefer": f"code={code}"})

    assert reply.status_code == 501
    assert reply.headers["x-mock-error"] == "outcome-undocumented"
    assert reply.json()["outcomes"] == ["success"]


def test_a_default_response_serves_any_code(client: Client) -> None:
    reply = client.get("/default-only", headers={"prefer": "code=503"})

    assert (reply.status_code, reply.json()) == (503, {"all": True})


@pytest.mark.parametrize("path", ["/default-only", "/range"])
def test_the_code_of_the_success_asks_for_the_success(client: Client, path: str) -> None:
    reply = client.get(path, headers={"prefer": "code=200"})

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (200, "success")


def test_an_outcome_is_asked_for_by_its_name(client: Client) -> None:
    exact = client.get("/errors", headers={"prefer": "outcome=http-404"})
    ranged = client.get("/errors", headers={"prefer": "outcome=http-5XX"})

    assert (exact.status_code, exact.json()) == (404, {"status": "exactly 404"})
    assert (ranged.status_code, ranged.json()) == (500, {"status": "some 5XX"})


@pytest.mark.parametrize(
    ("path", "body"),
    [("/errors-by-default", {"status": "rest"}), ("/errors-by-range", {"status": "some 4XX"})],
)
def test_a_refusal_without_a_response_of_its_own_takes_the_range_or_the_default(
    client: Client, path: str, body: object
) -> None:
    reply = client.get(path + "?n=one")

    assert (reply.status_code, reply.json()) == (422, body)
    assert reply.headers["x-mock-outcome"] == "invalid"
    assert reply.headers["x-mock-violation"] == "/query/n: type"


def test_a_default_that_is_the_success_refuses_nothing(client: Client) -> None:
    reply = client.get("/default-only?n=one")

    assert reply.status_code == 422
    assert reply.headers["x-mock-error"] == "invalid-request"


def test_a_redirect_says_where_to(client: Client) -> None:
    reply = client.get("/moved", follow_redirects=False)

    assert (reply.status_code, reply.headers["location"]) == (301, "https://example.com/new")


def test_no_content_has_no_content(client: Client) -> None:
    empty = client.get("/lowest", headers={"prefer": "code=204"})
    unmodified = client.get("/not-modified", headers={"prefer": "code=304"})

    assert (empty.status_code, empty.content) == (204, b"")
    assert (unmodified.status_code, unmodified.content, unmodified.headers["etag"]) == (304, b"", '"abc"')
    assert "content-type" not in unmodified.headers
