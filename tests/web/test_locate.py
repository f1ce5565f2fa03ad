"""The ways in: root, prefix, sandbox; two documents that claim one path; and what stands nowhere."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.conftest import Client, MakeClient
from tests.web.steering import Control

KEY = {"Authorization": "Bearer key", "x-api-key": "key"}

# A call of each provider that needs no body.
CALLS = {
    "kie": ("/api/v1/chat/credit", "getCredits"),
    "crun": ("/api/v1/client/account/balance", "getBalance"),
    "evolink": ("/v1/credits", "getCredits"),
    "yuto": ("/suno/feed/1", "getFeed"),
}

PETS = """
openapi: 3.1.0
info: {title: Pets, version: '1'}
paths:
  /pets:
    get: {operationId: listPets, responses: {'200': {description: all}}}
    post: {operationId: addPet, responses: {'201': {description: added}}}
  /pets/{id}:
    get:
      operationId: getPet
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: one}}
"""

ZOO = """
openapi: 3.1.0
info: {title: Zoo, version: '1'}
paths:
  /pets:
    get: {operationId: listAnimals, responses: {'200': {description: all}}}
    put: {operationId: moveAnimals, responses: {'200': {description: moved}}}
  /pets/oldest:
    get: {operationId: oldestAnimal, responses: {'200': {description: one}}}
  /{kind}/{id}:
    get:
      operationId: anyAnimal
      parameters:
        - {name: kind, in: path, required: true, schema: {type: string}}
        - {name: id, in: path, required: true, schema: {type: string}}
      responses: {'200': {description: one}}
  /cages/{cage}:
    get:
      operationId: getCage
      parameters: [{name: cage, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: one}}
"""


@pytest.fixture
def two(make_client: MakeClient, folder: Callable[..., str]) -> Client:
    """A client of two documents that share paths."""
    return make_client(specs=(folder(pets=PETS, zoo=ZOO),))


def reached(client: Client, method: str, path: str, **headers: str) -> tuple[str, str]:
    reply = client.request(method, path, headers={**KEY, **headers})
    assert reply.status_code < 300, reply.text
    return reply.headers["x-mock-provider"], reply.headers["x-mock-operation"]


# --- ways in -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", CALLS)
def test_each_provider_answers_at_the_root(shared: Client, provider: str) -> None:
    path, operation = CALLS[provider]

    assert reached(shared, "GET", path) == (provider, operation)


@pytest.mark.parametrize("provider", CALLS)
def test_each_provider_answers_under_its_prefix(shared: Client, provider: str) -> None:
    path, operation = CALLS[provider]

    assert reached(shared, "GET", f"/{provider}{path}") == (provider, operation)


@pytest.mark.parametrize("way", ["/_sandbox/alice", "/_sandbox/alice/kie"])
def test_a_sandbox_path_leads_to_that_sandbox(client: Client, way: str) -> None:
    reached(client, "GET", f"{way}/api/v1/chat/credit")

    assert [entry["sandbox"] for entry in Control(client, "alice").requests()] == ["alice"]
    assert Control(client).requests() == []


@pytest.mark.parametrize("prefix", ["", "/kie"])
def test_a_sandbox_header_leads_to_that_sandbox(client: Client, prefix: str) -> None:
    reached(client, "GET", f"{prefix}/api/v1/chat/credit", **{"X-Mock-Sandbox": "alice"})

    assert len(Control(client, "alice").requests()) == 1
    assert Control(client).requests() == []


def test_of_sandbox_path_and_header_the_path_wins(client: Client) -> None:
    reached(client, "GET", "/_sandbox/alice/api/v1/chat/credit", **{"X-Mock-Sandbox": "bob"})

    assert len(Control(client, "alice").requests()) == 1
    assert Control(client, "bob").requests() == []


def test_a_percent_encoded_path_is_the_same_path(shared: Client) -> None:
    assert reached(shared, "GET", "/k%69e/api/v1/ch%61t/credit") == ("kie", "getCredits")


def test_an_encoded_slash_separates_nothing(shared: Client) -> None:
    reply = shared.get("/api/v1%2Fchat/credit", headers=KEY)

    assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "no-route")


def test_head_is_answered_as_get_without_a_body(shared: Client) -> None:
    get = shared.get("/kie/api/v1/chat/credit", headers=KEY)

    head = shared.request("HEAD", "/kie/api/v1/chat/credit", headers=KEY)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["x-mock-operation"] == "getCredits"


def raw(served: tuple[str, int], sent: bytes) -> bytes:
    """What a server answers on one connection until it closes it."""
    with closing(socket.create_connection(served, timeout=10)) as client:
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize("host", [b"api.kie.ai", b"127.0.0.1:4010", b"api.crun.ai"])
def test_an_absolute_target_is_located_by_the_host_in_it(served: tuple[str, int], host: bytes) -> None:
    answer = raw(
        served,
        b"GET http://api.kie.ai/api/v1/chat/credit?x=1 HTTP/1.1\r\nHost: %b\r\n" % host
        + b"Authorization: Bearer key\r\nConnection: close\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nx-mock-provider: kie\r\n" in answer


def test_an_absolute_target_without_a_path_is_the_root(served: tuple[str, int]) -> None:
    answer = raw(served, b"GET http://api.kie.ai HTTP/1.1\r\nHost: api.kie.ai\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"\r\nx-mock-error: no-route\r\n" in answer


def test_an_absolute_target_of_a_foreign_host_does_not_reach_the_control_api(
    served: tuple[str, int],
) -> None:
    answer = raw(
        served,
        b"GET http://evil.test/_mock/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    )

    assert b"\r\nx-mock-error: forbidden-host\r\n" in answer


def test_an_absolute_target_of_an_ipv6_loopback_reaches_the_control_api(served: tuple[str, int]) -> None:
    answer = raw(
        served, b"GET http://[::1]:4010/_mock/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 200 ")


# --- two documents that claim one path ---------------------------------------------------------------------


def test_a_path_of_two_documents_is_ambiguous_and_names_the_prefixes(two: Client) -> None:
    reply = two.get("/pets")

    assert (reply.status_code, reply.headers["x-mock-error"]) == (409, "ambiguous-route")
    assert reply.json()["prefixes"] == ["/pets/pets", "/zoo/pets"]
    assert "/pets/pets or /zoo/pets" in reply.json()["detail"]


@pytest.mark.parametrize(("prefix", "operation"), [("pets", "listPets"), ("zoo", "listAnimals")])
def test_each_prefix_named_works(two: Client, prefix: str, operation: str) -> None:
    assert reached(two, "GET", f"/{prefix}/pets") == (prefix, operation)


def test_a_method_that_one_of_them_has_is_not_ambiguous(two: Client) -> None:
    assert reached(two, "POST", "/pets") == ("pets", "addPet")
    assert reached(two, "PUT", "/pets") == ("zoo", "moveAnimals")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/pets/oldest", ("zoo", "oldestAnimal")),
        ("/pets/7", ("pets", "getPet")),
        ("/birds/7", ("zoo", "anyAnimal")),
    ],
)
def test_the_more_specific_template_wins_across_documents(
    two: Client, path: str, found: tuple[str, str]
) -> None:
    assert reached(two, "GET", path) == found


def test_a_method_that_neither_has_names_those_of_both(two: Client) -> None:
    reply = two.delete("/pets")

    assert reply.status_code == 405
    assert {"GET", "POST", "PUT"} <= set(reply.headers["allow"].split(", "))


def test_a_path_that_begins_with_another_documents_name_is_found(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    client = make_client(specs=(folder(cages=PETS, zoo=ZOO),))

    assert reached(client, "GET", "/cages/7") == ("zoo", "getCage")
    assert reached(client, "GET", "/cages/pets/7") == ("cages", "getPet")


def test_a_method_missing_under_a_prefix_is_found_at_the_path_itself(
    make_client: MakeClient, folder: Callable[..., str]
) -> None:
    other = ZOO.replace("/cages/{cage}:\n    get:", "/cages/{cage}:\n    delete:")
    client = make_client(specs=(folder(cages=PETS, zoo=other),))

    assert reached(client, "DELETE", "/cages/pets") == ("zoo", "getCage")
    assert reached(client, "GET", "/cages/pets") == ("cages", "listPets")


# --- what stands nowhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/generate/persona", "/kie/api/v1/generate/persona"])
def test_an_unknown_path_names_the_nearest_known_ones(shared: Client, path: str) -> None:
    reply = shared.post(path, headers=KEY)

    nearest = "POST /kie/api/v1/generate/generate-persona"
    assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "no-route")
    assert nearest in reply.json()["closest"]
    assert f"POST {path}" in reply.json()["detail"]
    assert nearest in reply.json()["detail"]


def test_under_a_prefix_only_that_provider_is_named(shared: Client) -> None:
    reply = shared.get("/evolink/api/v1/chat/credit", headers=KEY)

    assert reply.headers["x-mock-provider"] == "evolink"
    assert {line.split(" ")[1].split("/")[1] for line in reply.json()["closest"]} == {"evolink"}


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/zzzz/qqqq", "//", "/kie", "/kie/"])
def test_however_odd_the_path_some_known_ones_are_named(shared: Client, path: str) -> None:
    reply = shared.get(path)

    assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "no-route")
    assert reply.json()["closest"]


def test_the_nearest_of_very_many_paths_is_named(make_client: MakeClient, folder: Callable[..., str]) -> None:
    paths = "".join(
        f"  /things/{n}/parts:\n    get: {{responses: {{'200': {{description: fine}}}}}}\n"
        for n in range(900)
    )
    text = f"openapi: 3.1.0\ninfo: {{title: Many, version: '1'}}\npaths:\n{paths}"
    client = make_client(specs=(folder(many=text),))

    reply = client.get("/things/777/part")

    assert reply.json()["closest"][0] == "GET /many/things/777/parts"


def test_a_known_path_with_another_method_says_which_it_takes(shared: Client) -> None:
    reply = shared.get("/kie/api/v1/generate/generate-persona", headers=KEY)

    assert (reply.status_code, reply.headers["x-mock-error"]) == (405, "wrong-method")
    assert reply.headers["allow"] == "POST"
    assert reply.json()["allowed"] == ["POST"]
    assert reply.headers["x-mock-provider"] == "kie"


def test_where_get_is_known_head_is_allowed_too(shared: Client) -> None:
    reply = shared.delete("/kie/api/v1/chat/credit", headers=KEY)

    assert reply.headers["allow"] == "GET, HEAD"


def test_an_unheard_of_method_is_a_wrong_method(shared: Client) -> None:
    reply = shared.request("BREW", "/kie/api/v1/chat/credit", headers=KEY)

    assert (reply.status_code, reply.headers["x-mock-error"]) == (405, "wrong-method")
