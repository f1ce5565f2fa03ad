"""Who may steer the mock: no foreign Host, no page of another site, nobody without the token it asks for."""

from __future__ import annotations

import pytest

from tests.conftest import Client, MakeClient

HEALTH = "/_mock/health"
HOST = "127.0.0.1:4010"


def said(client: Client, path: str = HEALTH, method: str = "GET", **headers: str) -> tuple[int, str | None]:
    """Status and slug of a control call with these headers."""
    reply = client.request(
        method, path, headers={key.replace("_", "-"): text for key, text in headers.items()}
    )
    return reply.status_code, reply.headers.get("x-mock-error")


FORBIDDEN = (403, "forbidden-host")
CROSS_SITE = (403, "cross-site")
FINE = (200, None)


# --- Host --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:9",
        "127.9.9.9",
        "localhost",
        "LOCALHOST:4010",
        "localhost.",
        "mock.localhost:80",
        "[::1]",
        "[::1]:4010",
        "[::ffff:127.0.0.1]:4010",
    ],
)
def test_a_loopback_host_is_let_in(shared: Client, host: str) -> None:
    assert said(shared, Host=host) == FINE


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:4010",
        "127.0.0.1.evil.test",
        "localhost.evil.test",
        "evil.test#localhost",
        "localhost@evil.test",
        "[::1]evil.test",
        "[::1].evil.test",
        "[::2]",
        "192.168.0.7:4010",
        "0.0.0.0",
        "::1:evil",
        "127.0.0.1:80:80",
        "127.0.0.1 evil.test",
        "api.kie.ai",
        "api.kie.ai:443",
        "",
    ],
)
def test_any_other_host_is_kept_out(shared: Client, host: str) -> None:
    assert said(shared, Host=host) == FORBIDDEN


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_mock/requests"),
        ("POST", "/_mock/reset"),
        ("GET", "/_mock/openapi.json"),
        ("DELETE", "/_mock/sandboxes/x"),
        ("GET", "/_sandbox/alice/_mock/health"),
        ("GET", "/_mock"),
        ("GET", "/_mock/no-such-call"),
    ],
)
def test_every_control_path_is_guarded(shared: Client, method: str, path: str) -> None:
    assert said(shared, path, method, Host="evil.test") == FORBIDDEN


def test_a_host_kept_out_is_named_with_the_way_in(shared: Client) -> None:
    reply = shared.get(HEALTH, headers={"Host": "evil.test"})

    assert reply.headers["content-type"] == "application/problem+json"
    assert "evil.test" in reply.json()["detail"]
    assert "--allow-host" in reply.json()["detail"]


def test_a_host_kept_out_changes_nothing(make_client: MakeClient) -> None:
    client = make_client()
    client.get("/kie/api/v1/chat/credit", headers={"Authorization": "Bearer key"})

    client.post("/_mock/reset", headers={"Host": "evil.test"})

    assert len(client.get("/_mock/requests").json()["requests"]) == 1


@pytest.mark.parametrize("host", ["mock", "MOCK:4010", "10.0.0.7:4010", "[fd00::7]:4010"])
def test_an_allowed_host_is_let_in(make_client: MakeClient, host: str) -> None:
    client = make_client(allow_host=("mock", "10.0.0.7", "fd00::7"))

    assert said(client, Host=host) == FINE
    assert said(client, Host="evil.test") == FORBIDDEN


@pytest.mark.parametrize("host", ["mock.example.test", "mock.example.test:8443"])
def test_the_host_of_the_public_url_is_let_in(make_client: MakeClient, host: str) -> None:
    client = make_client(public_url="https://Mock.Example.test/base")

    assert said(client, Host=host) == FINE
    assert said(client, Host="example.test") == FORBIDDEN


# --- pages of other sites ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.test",
        "http://127.0.0.1:3000",
        "http://127.0.0.1",
        "http://localhost:4010",
        "http://127.0.0.1:4010.evil.test",
        "null",
        "",
        "file://",
        "http://[::1",
        "127.0.0.1:4010",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", HEALTH), ("POST", "/_mock/reset")])
def test_a_page_of_another_origin_is_kept_out(shared: Client, method: str, path: str, origin: str) -> None:
    assert said(shared, path, method, Host=HOST, Origin=origin) == CROSS_SITE


def test_a_page_of_the_mock_itself_is_let_in(shared: Client) -> None:
    assert said(shared, Host=HOST, Origin=f"http://{HOST}") == FINE
    assert said(shared, Host="[::1]:4010", Origin="http://[::1]:4010") == FINE


def test_a_page_under_the_public_url_is_let_in_through_a_proxy(make_client: MakeClient) -> None:
    client = make_client(public_url="https://mock.example.test")

    assert said(client, Host=HOST, Origin="https://mock.example.test") == FINE
    assert said(client, Host=HOST, Origin="https://example.test") == CROSS_SITE


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything-new"])
def test_a_browser_that_says_cross_site_is_kept_out(shared: Client, site: str) -> None:
    assert said(shared, Sec_Fetch_Site=site) == CROSS_SITE
    assert said(shared, Sec_Fetch_Site=site, Host=HOST, Origin=f"http://{HOST}") == CROSS_SITE


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_a_browser_that_says_otherwise_is_let_in(shared: Client, site: str) -> None:
    assert said(shared, Sec_Fetch_Site=site) == FINE


def test_a_page_of_another_site_changes_nothing(make_client: MakeClient) -> None:
    client = make_client()

    client.post("/_mock/outcomes", json={"outcome": "maintenance"}, headers={"Origin": "https://evil.test"})

    assert client.get("/_mock/outcomes").json() == {"outcomes": []}


def test_provider_routes_ask_for_neither(shared: Client) -> None:
    foreign = {"Host": "evil.test", "Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}

    reply = shared.get("/kie/api/v1/chat/credit", headers={**foreign, "Authorization": "Bearer key"})

    assert reply.status_code == 200


# --- the token ---------------------------------------------------------------------------------------------

TOKEN = "t0ken-of-the-house"


@pytest.fixture
def locked(make_client: MakeClient) -> Client:
    """A client of a mock with a control token."""
    return make_client(control_token=TOKEN)


@pytest.mark.parametrize(
    "headers", [{}, {"X_Mock_Token": ""}, {"X_Mock_Token": TOKEN[:-1]}, {"Authorization": TOKEN}]
)
@pytest.mark.parametrize(
    "path", [HEALTH, "/_mock/openapi.json", "/_sandbox/alice/_mock/requests", "/_mock/none"]
)
def test_without_the_token_a_control_call_is_refused(
    locked: Client, path: str, headers: dict[str, str]
) -> None:
    assert said(locked, path, **headers) == (401, "control-token")


def test_with_the_token_a_control_call_is_answered(locked: Client) -> None:
    assert said(locked, X_Mock_Token=TOKEN) == FINE


def test_a_token_of_odd_characters_is_refused_and_no_fault(locked: Client) -> None:
    reply = locked.get(HEALTH, headers={"X-Mock-Token": "tökén".encode()})

    assert reply.status_code == 401


def test_the_token_does_not_open_the_door_to_a_foreign_host(locked: Client) -> None:
    assert said(locked, Host="evil.test", X_Mock_Token=TOKEN) == FORBIDDEN


def test_no_refusal_tells_the_token(locked: Client) -> None:
    replies = [
        locked.get(HEALTH),
        locked.get(HEALTH, headers={"X-Mock-Token": "wrong"}),
        locked.get(HEALTH, headers={"X-Mock-Token": TOKEN, "Host": "evil.test"}),
        locked.get("/_mock/none", headers={"X-Mock-Token": TOKEN}),
        locked.post("/_mock/outcomes", json={}, headers={"X-Mock-Token": TOKEN}),
    ]

    assert [reply.status_code for reply in replies] == [401, 401, 403, 404, 422]
    assert [reply for reply in replies if TOKEN in reply.text or TOKEN in str(reply.headers)] == []


def test_provider_routes_need_no_token(locked: Client) -> None:
    assert locked.get("/kie/api/v1/chat/credit", headers={"Authorization": "Bearer key"}).status_code == 200


def test_beyond_loopback_a_token_is_needed_unless_none_is_asked_for(make_client: MakeClient) -> None:
    assert said(make_client(host="0.0.0.0")) == (401, "control-token")
    assert said(make_client(host="0.0.0.0", control_token="none")) == FINE
