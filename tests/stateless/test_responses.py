"""Which documented response is meant, asked for or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Client, MakeClient
from tests.stateless.conftest import Serve

RANGES = """
openapi: 3.1.0
info: {title: Ranges, version: '1'}
paths:
  /pets:
    get:
      operationId: listPets
      responses:
        '200': {description: fine}
        4XX: {description: refused}
        default: {description: anything else}
"""

UNTRUE = """
openapi: 3.1.0
info: {title: Untrue, version: '1'}
paths:
  /pets:
    get:
      responses:
        '200':
          description: said to be an object
          content: {application/json: {schema: {type: object}, example: 7}}
"""


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
    ],
)
def test_without_a_wish_the_success_is_answered(client: Client, path: str, status: int, body: object) -> None:
    reply = client.get(path)

    assert (reply.status_code, reply.json()) == (status, body)
    assert reply.headers["x-mock-outcome"] == "success"


def test_without_any_success_the_first_response_answers_under_its_own_name(client: Client) -> None:
    reply = client.get("/errors-only")

    assert (reply.status_code, reply.json()) == (404, {"gone": True})
    assert reply.headers["x-mock-outcome"] == "http-404"


@pytest.mark.parametrize(
    ("outcome", "status", "label"),
    [("http-4XX", 400, "http-400"), ("http-418", 418, "http-418"), ("http-default", 500, "http-500")],
)
def test_a_range_and_a_default_can_be_asked_for_and_answer_under_a_status(
    folder: Callable[..., str], make_client: MakeClient, outcome: str, status: int, label: str
) -> None:
    client = make_client(specs=(folder(ranges=RANGES),))
    queued = {"outcome": outcome}

    asked = client.get("/pets", headers={"prefer": f"outcome={outcome}"})
    client.post("/_mock/outcomes", json=queued)
    met = client.get("/pets")

    assert (asked.status_code, asked.headers["x-mock-outcome"]) == (status, label)
    assert (met.status_code, met.headers["x-mock-outcome"]) == (status, label)


def test_a_range_and_a_default_are_counted_under_their_names(
    folder: Callable[..., str], make_client: MakeClient
) -> None:
    client = make_client(specs=(folder(ranges=RANGES),))
    client.get("/pets", headers={"prefer": "code=404"})
    client.get("/pets", headers={"prefer": "code=503"})

    report = client.get("/_mock/coverage").json()

    outcomes = report["providers"]["ranges"]["operations"]["listPets"]["outcomes"]
    assert outcomes == {"success": 0, "http-4XX": 1, "http-default": 1}


def test_an_answer_that_breaks_its_document_is_no_outcome_and_is_noted_as_ours(
    folder: Callable[..., str], make_client: MakeClient
) -> None:
    client = make_client(specs=(folder(untrue=UNTRUE),))

    reply = client.get("/pets")

    entry = client.get("/_mock/requests").json()["requests"][-1]
    coverage = client.get("/_mock/coverage").json()
    sandbox = client.get("/_mock/sandboxes").json()["sandboxes"][0]
    assert (reply.status_code, reply.headers["x-mock-error"]) == (500, "response-mismatch")
    assert "x-mock-outcome" not in reply.headers
    assert "x-mock-violation" not in reply.headers
    assert (entry["outcome"], [v["in"] for v in entry["violations"]]) == (None, ["response"])
    assert coverage["covered"] == 0
    assert sandbox["violations"] == 0


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
