"""Browsers: provider routes answer pages of any origin; the control API never does."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.web.steering import Control

PAGE = "https://page.test"
KEY = {"Authorization": "Bearer key"}
PERSONA = "/kie/api/v1/generate/generate-persona"

OWN = """
openapi: 3.1.0
info: {title: Own, version: '1'}
paths:
  /things:
    get:
      operationId: listThings
      responses:
        '200':
          description: all
          headers: {X-Total: {schema: {type: integer}, example: 7}, Retry-After: {example: 3}}
    options:
      operationId: askThings
      responses:
        '200': {description: what may be done, headers: {X-Own: {example: ours}}}
  /closed:
    get:
      operationId: listClosed
      responses:
        '200':
          description: for one page only
          headers: {Access-Control-Allow-Origin: {example: 'https://only.test'}}
"""


@pytest.fixture
def own(make_client: MakeClient, folder: Callable[..., str]) -> Client:
    """A client of a document with OPTIONS and CORS headers of its own."""
    return make_client(specs=(folder(own=OWN),))


def preflight(client: Client, path: str, method: str = "POST", **headers: str) -> httpx2.Response:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": method, **headers}
    return client.request("OPTIONS", path, headers=asked)


def of_cors(reply: httpx2.Response) -> list[str]:
    return [name for name in reply.headers if name.startswith("access-control-")]


def listed(reply: httpx2.Response, name: str) -> set[str]:
    return set(reply.headers[name].lower().replace(" ", "").split(","))


# --- simple calls ------------------------------------------------------------------------------------------


def test_a_page_of_any_origin_may_read_an_answer(shared: Client) -> None:
    reply = shared.get("/kie/api/v1/chat/credit", headers={**KEY, "Origin": PAGE})

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-credentials" not in reply.headers


def test_a_page_may_read_the_mocks_headers(shared: Client) -> None:
    reply = shared.post(PERSONA, json={}, headers={**KEY, "Origin": PAGE})

    names = {"provider", "operation", "outcome", "request-id", "violation"}
    assert {f"x-mock-{name}" for name in names} <= listed(reply, "access-control-expose-headers")


def test_a_page_may_read_documented_headers(own: Client) -> None:
    reply = own.get("/things", headers={"Origin": PAGE})

    assert (reply.headers["x-total"], reply.headers["retry-after"]) == ("7", "3")
    assert {"x-total", "retry-after"} <= listed(reply, "access-control-expose-headers")


@pytest.mark.parametrize("origin", ["null", "http://localhost:3000"])
def test_an_odd_origin_may_read_it_too(shared: Client, origin: str) -> None:
    reply = shared.get("/kie/api/v1/chat/credit", headers={**KEY, "Origin": origin})

    assert reply.headers["access-control-allow-origin"] == "*"


def test_without_an_origin_nothing_is_added(shared: Client) -> None:
    assert of_cors(shared.get("/kie/api/v1/chat/credit", headers=KEY)) == []


@pytest.mark.parametrize(
    ("method", "path", "headers", "slug"),
    [
        ("GET", "/no/such/path", {}, "no-route"),
        ("DELETE", PERSONA, {}, "wrong-method"),
        ("POST", PERSONA, {"Prefer": "code=418"}, "outcome-undocumented"),
        ("GET", "/_sandbox/a%2Fb/kie/api/v1/chat/credit", {}, "bad-control-request"),
        ("GET", "/kie/api/v1/chat/credit", {"X-Mock-Sandbox": "a/b"}, "bad-control-request"),
    ],
)
def test_a_page_may_read_why_the_mock_refuses(
    shared: Client, method: str, path: str, headers: dict[str, str], slug: str
) -> None:
    reply = shared.request(method, path, headers={**KEY, "Origin": PAGE, **headers})

    assert reply.headers["x-mock-error"] == slug
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "x-mock-error" in listed(reply, "access-control-expose-headers")


def test_a_page_may_read_that_its_body_is_too_large(make_client: MakeClient) -> None:
    reply = make_client(max_body=10).post(PERSONA, json={"name": "x" * 10}, headers={"Origin": PAGE})

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (413, "*")


def test_a_page_may_read_that_two_documents_claim_its_path(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(one=OWN, two=OWN),))

    reply = client.get("/things", headers={"Origin": PAGE})

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (409, "*")


def test_a_documents_own_header_is_not_doubled(own: Client) -> None:
    reply = own.get("/closed", headers={"Origin": PAGE})

    assert reply.headers.get_list("access-control-allow-origin") == ["https://only.test"]


# --- preflights --------------------------------------------------------------------------------------------


def test_a_preflight_allows_the_methods_and_the_headers_asked_for(shared: Client) -> None:
    wanted = "authorization, content-type, x-mock-sandbox, prefer"

    reply = preflight(shared, PERSONA, **{"Access-Control-Request-Headers": wanted})

    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "post" in listed(reply, "access-control-allow-methods")
    assert reply.headers["access-control-allow-headers"] == wanted
    assert int(reply.headers["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in reply.headers


def test_a_preflight_allows_documented_methods_only(shared: Client) -> None:
    reply = preflight(shared, PERSONA, "DELETE")

    assert listed(reply, "access-control-allow-methods") == {"post", "options"}


def test_a_preflight_needs_no_credential_and_no_body(shared: Client) -> None:
    reply = preflight(shared, PERSONA)

    assert reply.status_code == 204
    assert "x-mock-violation" not in reply.headers


@pytest.mark.parametrize("path", ["/api/v1/generate/generate-persona", f"/_sandbox/alice{PERSONA}"])
def test_a_preflight_takes_every_way_in(shared: Client, path: str) -> None:
    assert preflight(shared, path).headers["access-control-allow-origin"] == "*"


def test_a_page_in_a_private_network_is_let_in(shared: Client) -> None:
    reply = preflight(shared, PERSONA, **{"Access-Control-Request-Private-Network": "true"})

    assert reply.headers["access-control-allow-private-network"] == "true"


def test_a_preflight_to_an_unknown_path_lets_the_page_learn_of_it(shared: Client) -> None:
    before = preflight(shared, "/no/such/path", "PATCH", **{"Access-Control-Request-Headers": "x-a"})

    reply = shared.request("PATCH", "/no/such/path", headers={"Origin": PAGE})

    assert before.status_code == 204
    assert "patch" in listed(before, "access-control-allow-methods")
    assert before.headers["access-control-allow-headers"] == "x-a"
    assert (reply.headers["x-mock-error"], reply.headers["access-control-allow-origin"]) == ("no-route", "*")


@pytest.mark.parametrize("path", [PERSONA, "/no/such/path"])
def test_a_preflight_is_no_call_of_the_journal(client: Client, path: str) -> None:
    preflight(client, path)

    assert Control(client).requests() == []
    assert Control(client).get("/sandboxes")["sandboxes"] == []


def test_options_without_a_preflight_says_what_the_path_takes(shared: Client) -> None:
    reply = shared.request("OPTIONS", "/kie/api/v1/chat/credit")

    assert (reply.status_code, of_cors(reply)) == (204, [])
    assert listed(reply, "allow") == {"get", "head", "options"}


def test_options_at_an_unknown_path_is_no_route(shared: Client) -> None:
    reply = shared.request("OPTIONS", "/no/such/path")

    assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "no-route")


def test_a_documents_own_options_wins(own: Client) -> None:
    reply = preflight(own, "/things", "GET")

    assert (reply.status_code, reply.headers["x-own"]) == (200, "ours")
    assert reply.headers["x-mock-operation"] == "askThings"
    assert [entry["operation"] for entry in Control(own).requests()] == ["askThings"]


# --- turned off --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/kie/api/v1/chat/credit", "/no/such/path"])
def test_turned_off_no_page_may_read_anything(make_client: MakeClient, path: str) -> None:
    client = make_client(cors=False)

    assert of_cors(client.get(path, headers={**KEY, "Origin": PAGE})) == []
    assert of_cors(preflight(client, path, "GET")) == []


# --- the control API ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [PAGE, "http://127.0.0.1:4010", "null"])
@pytest.mark.parametrize("path", ["/_mock/health", "/_mock/no-such-call", "/_sandbox/a%2Fb/_mock/health"])
def test_the_control_api_never_answers_cors(shared: Client, path: str, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}

    assert of_cors(shared.get(path, headers={"Origin": origin})) == []
    assert of_cors(shared.request("OPTIONS", path, headers=asked)) == []
