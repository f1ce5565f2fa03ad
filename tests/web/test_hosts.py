"""A provider's own host name, sent here by a proxy, DNS or an interceptor."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.conftest import Client, MakeClient
from tests.web.steering import Control

KEY = {"Authorization": "Bearer key", "x-api-key": "key"}

HOSTS = {
    "api.kie.ai": ("kie", "/api/v1/chat/credit"),
    "api.crun.ai": ("crun", "/api/v1/client/account/balance"),
    "api.crunai.com": ("crun", "/api/v1/client/account/balance"),
    "api.evolink.ai": ("evolink", "/v1/credits"),
    "api.yutoai.net": ("yuto", "/suno/feed/1"),
}

SHOP = """
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: 'https://SHOP.test/v2'}, {url: 'http://localhost:3000'}]
paths:
  /items:
    get: {operationId: listItems, responses: {'200': {description: all}}}
"""
STORE = SHOP.replace("SHOP.test", "store.test").replace("listItems", "listGoods")


def reached(client: Client, host: str, path: str) -> str:
    reply = client.get(path, headers={**KEY, "Host": host})
    assert reply.status_code == 200, reply.text
    return str(reply.headers["x-mock-provider"])


@pytest.mark.parametrize("host", HOSTS)
def test_each_documented_host_leads_to_its_provider(shared: Client, host: str) -> None:
    provider, path = HOSTS[host]

    assert reached(shared, host, path) == provider


@pytest.mark.parametrize("written", ["api.kie.ai:443", "API.KIE.AI", "Api.Kie.Ai:4010", "api.kie.ai."])
def test_a_host_counts_however_it_is_written(shared: Client, written: str) -> None:
    reply = shared.get("/v1/credits", headers={**KEY, "Host": written})

    # evolink's path: at kie's host it is unknown, so kie's host was recognised.
    assert (reply.status_code, reply.headers["x-mock-provider"]) == (404, "kie")
    assert reached(shared, written, "/api/v1/chat/credit") == "kie"


@pytest.mark.parametrize("host", HOSTS)
def test_a_providers_host_reaches_no_other_providers_root(shared: Client, host: str) -> None:
    provider, _ = HOSTS[host]
    foreign = "/v1/credits" if provider != "evolink" else "/api/v1/chat/credit"

    reply = shared.get(foreign, headers={**KEY, "Host": host})

    assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "no-route")
    assert {line.split(" ")[1].split("/")[1] for line in reply.json()["closest"]} == {provider}


@pytest.mark.parametrize("path", ["/_mock/health", "/_sandbox/alice/_mock/requests"])
@pytest.mark.parametrize("host", HOSTS)
def test_a_providers_host_does_not_reach_the_control_api(shared: Client, host: str, path: str) -> None:
    reply = shared.get(path, headers={"Host": host})

    assert (reply.status_code, reply.headers["x-mock-error"]) == (403, "forbidden-host")


@pytest.mark.parametrize(
    "host", ["example.test", "192.0.2.7:8080", "[2001:db8::7]", "host.docker.internal", "?"]
)
def test_any_other_host_is_fine_on_provider_routes(shared: Client, host: str) -> None:
    assert reached(shared, host, "/api/v1/chat/credit") == "kie"


def test_no_host_at_all_is_fine_on_provider_routes(served: tuple[str, int]) -> None:
    with closing(socket.create_connection(served, timeout=10)) as client:
        client.sendall(b"GET /api/v1/chat/credit HTTP/1.0\r\nAuthorization: Bearer key\r\n\r\n")
        answer = client.recv(65536)

    assert b" 200 " in answer.splitlines()[0]


def test_a_host_goes_with_prefix_and_sandbox(client: Client) -> None:
    assert reached(client, "api.kie.ai", "/_sandbox/alice/kie/api/v1/chat/credit") == "kie"
    assert reached(client, "api.kie.ai", "/_sandbox/alice/api/v1/chat/credit") == "kie"

    assert len(Control(client, "alice").requests()) == 2


def test_the_host_settles_a_path_that_two_documents_claim(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(shop=SHOP, store=STORE),))

    assert client.get("/v2/items").status_code == 409
    assert reached(client, "shop.test", "/v2/items") == "shop"
    assert reached(client, "store.test", "/v2/items") == "store"


def test_a_loopback_server_of_a_document_claims_no_host(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=("packaged", folder(shop=SHOP)))

    assert reached(client, "localhost:3000", "/api/v1/chat/credit") == "kie"
    assert client.get("/_mock/health", headers={"Host": "localhost:3000"}).status_code == 200


def test_a_documented_host_that_is_allowed_stays_the_mocks_own(make_client: MakeClient) -> None:
    client = make_client(allow_host=("api.kie.ai",))

    assert client.get("/_mock/health", headers={"Host": "api.kie.ai"}).status_code == 200
    assert reached(client, "api.kie.ai", "/v1/credits") == "evolink"
