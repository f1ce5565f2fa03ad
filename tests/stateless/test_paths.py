"""Where operations stand: base paths, templates, encoded slashes, methods."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import Client
from tests.stateless.conftest import DOCUMENTS, Serve


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("paths.yaml")


def operation(client: Client, method: str, path: str) -> str | None:
    return client.request(method, path).headers.get("x-mock-operation")


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/", "root"),
        ("GET", "/paths/", "root"),
        ("GET", "/paths", "root"),
        ("GET", "/pets/rex", "getPet"),
        ("GET", "/pets/mine", "getMine"),
        ("GET", "/pets/newest", "getPet"),
        ("GET", "/houses/newest", "getNewest"),
        ("GET", "/pets/a%2Fb", "getPet"),
        ("GET", "/pets/%6Dine", "getMine"),
        ("GET", "/files/readme.txt", "getFile"),
        ("POST", "/jobs/5", "startJob"),
        ("POST", "/jobs/5:cancel", "cancelJob"),
        ("POST", "/jobs/5%3Acancel", "cancelJob"),
        ("GET", "/slashed/", "slashed"),
        ("GET", "/bare", "bare"),
        ("GET", "/x-looks-like/an-extension", "looksLike"),
    ],
)
def test_a_path_leads_to_its_operation(client: Client, method: str, path: str, name: str) -> None:
    reply = client.request(method, path)

    assert (reply.status_code, reply.headers["x-mock-operation"]) == (200, name)


@pytest.mark.parametrize(
    "path", ["/slashed", "/bare/", "/pets/", "/pets/a/b", "/pets//", "/files/readme", "/x"]
)
def test_a_path_that_is_not_written_so_is_no_route(client: Client, path: str) -> None:
    reply = client.get(path)

    assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "no-route")


def test_parts_of_a_segment_are_parameters_of_their_own(client: Client) -> None:
    assert client.get("/files/a.b.txt").status_code == 200
    assert client.get("/files/readme.exe").headers["x-mock-violation"] == "/path/ext: enum"
    assert client.post("/jobs/five:cancel").headers["x-mock-violation"] == "/path/job: type"


def test_a_path_parameter_is_judged_decoded(client: Client) -> None:
    twelve = client.get("/pets/" + "%C3%A9" * 12)
    thirteen = client.get("/pets/" + "%C3%A9" * 13)

    assert client.get("/files/once%2541.txt").status_code == 200
    assert client.get("/files/once%41.txt").headers["x-mock-violation"] == "/path/name: pattern"
    assert twelve.status_code == 200
    assert thirteen.headers["x-mock-violation"] == "/path/id: maxLength"


def test_another_method_is_405_with_those_there_are(client: Client) -> None:
    reply = client.delete("/pets/rex")

    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v3/pets", "listPets"),
        ("/relative/pets", "listPets"),
        ("/pets", "listPets"),
        ("/bases/v3/pets", "listPets"),
        ("/bases/pets", "listPets"),
        ("/upload/own", "ownServer"),
        ("/only/here/operation", "operationServer"),
    ],
)
def test_a_base_path_and_the_bare_path_both_work(serve: Serve, path: str, name: str) -> None:
    assert operation(serve("bases.yaml"), "GET", path) == name


@pytest.mark.parametrize("path", ["/v4/pets", "/v3/own", "/v3/operation"])
def test_a_base_path_of_another_server_is_no_route(serve: Serve, path: str) -> None:
    assert serve("bases.yaml").get(path).status_code == 404


def test_two_documents_are_told_apart_by_their_base_paths(serve: Serve) -> None:
    client = serve("bases.yaml", "other-bases.yaml")

    assert client.get("/v3/pets").json() == {"from": "bases"}
    assert client.get("/v9/pets").json() == {"from": "other-bases"}
    assert client.get("/other-bases/v9/pets").json() == {"from": "other-bases"}


def test_a_bare_path_that_two_documents_claim_is_409_with_the_prefixes(serve: Serve) -> None:
    reply = serve("bases.yaml", "other-bases.yaml").get("/pets")

    assert (reply.status_code, reply.headers["x-mock-error"]) == (409, "ambiguous-route")
    assert reply.json()["prefixes"] == ["/bases/pets", "/other-bases/pets"]


def test_the_command_routes_shows_every_operation_under_its_base_path() -> None:
    command = [sys.executable, "-m", "mockserver", "routes", "--specs"]

    shown = subprocess.run([*command, str(DOCUMENTS / "bases.yaml")], capture_output=True, text=True)

    assert shown.returncode == 0
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert ["bases", "listPets", "GET", "/v3/pets"] in rows
    assert ["bases", "ownServer", "GET", "/upload/own"] in rows
    assert ["bases", "operationServer", "GET", "/only/here/operation"] in rows


# --- methods ------------------------------------------------------------------------------------------------


@pytest.fixture
def methods(serve: Serve) -> Client:
    return serve("methods.yaml")


def test_head_is_get_without_its_body(methods: Client) -> None:
    head, get = methods.request("HEAD", "/read"), methods.get("/read")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["x-total"] == "12"
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    ("method", "status"),
    [
        *(("GET", 200), ("HEAD", 204), ("OPTIONS", 200), ("TRACE", 200)),
        *(("PUT", 202), ("PATCH", 202), ("DELETE", 204), ("POST", 201)),
    ],
)
def test_every_documented_method_is_served(methods: Client, method: str, status: int) -> None:
    reply = methods.request(method, "/own")

    assert (reply.status_code, reply.headers["x-mock-operation"]) == (status, f"own{method.title()}")


def test_a_documents_own_options_beats_the_preflight(methods: Client) -> None:
    asking = {"origin": "https://page.example", "access-control-request-method": "PUT"}

    own = methods.request("OPTIONS", "/own", headers=asking)
    ours = methods.request("OPTIONS", "/read", headers=asking)

    assert (own.status_code, own.headers["allow"]) == (200, "GET, HEAD")
    assert "access-control-allow-methods" not in own.headers
    assert (ours.status_code, ours.headers["access-control-allow-methods"]) == (204, "GET, HEAD, OPTIONS")


def test_a_document_that_allows_an_origin_itself_is_not_contradicted(methods: Client) -> None:
    own = methods.get("/shared", headers={"origin": "https://page.example"})
    ours = methods.get("/read", headers={"origin": "https://page.example"})

    assert own.headers.get_list("access-control-allow-origin") == ["https://example.com"]
    assert ours.headers["access-control-allow-origin"] == "*"
