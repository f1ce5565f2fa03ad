"""Answers of the mock itself: problems with a slug; and bodies over the limit, on real connections."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

import httpx2
import pytest

from mockserver.domain.ports import Tx
from mockserver.store.memory import MemoryStore
from tests.conftest import Client, MakeClient
from tests.web.conftest import LIMIT
from tests.web.steering import Control

T = TypeVar("T")
KEY = {"Authorization": "Bearer key"}
PERSONA = "/kie/api/v1/generate/generate-persona"

TWO = """
openapi: 3.1.0
info: {title: Two, version: '1'}
paths:
  /things:
    get: {operationId: NAMEThings, responses: {'200': {description: all}}}
  /plain:
    post:
      operationId: NAMEPlain
      security: [{key: []}]
      requestBody: {content: {application/json: {schema: {type: object, required: [a]}}}}
      responses: {'200': {description: fine, content: {application/json: {}}}}
components:
  securitySchemes: {key: {type: http, scheme: bearer}}
"""


@pytest.fixture
def two(make_client: MakeClient, folder: Callable[..., str]) -> Client:
    """A client of two documents that claim one path and document no refusal."""
    return make_client(specs=(folder(one=TWO.replace("NAME", "one"), two=TWO.replace("NAME", "two")),))


def problem(reply: httpx2.Response) -> tuple[int, str]:
    """Status and slug of a reply that is a problem in every respect."""
    body = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:persona-mock:{reply.headers['x-mock-error']}"
    assert body["status"] == reply.status_code
    assert body["title"]
    assert body["detail"]
    return reply.status_code, reply.headers["x-mock-error"]


# --- every slug --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "headers", "told"),
    [
        ("GET", "/kie/nothing", {}, (404, "no-route")),
        ("DELETE", PERSONA, {}, (405, "wrong-method")),
        ("POST", PERSONA, {"Prefer": "outcome=source-uploaded"}, (501, "outcome-undocumented")),
        ("GET", "/_mock/requests?limit=0", {}, (422, "bad-control-request")),
        ("GET", "/_mock/health", {"Host": "evil.test"}, (403, "forbidden-host")),
        ("GET", "/_mock/health", {"Origin": "null"}, (403, "cross-site")),
        ("GET", "/_mock/nothing", {}, (404, "no-route")),
        ("PUT", "/_mock/health", {}, (405, "wrong-method")),
    ],
)
def test_a_refusal_of_the_mock_is_a_problem(
    shared: Client, method: str, path: str, headers: dict[str, str], told: tuple[int, str]
) -> None:
    assert problem(shared.request(method, path, headers={**KEY, **headers})) == told


def test_an_ambiguous_route_is_a_problem(two: Client) -> None:
    assert problem(two.get("/things")) == (409, "ambiguous-route")


@pytest.mark.parametrize(
    ("headers", "body", "told"),
    [
        ({}, {"a": 1}, (401, "unauthorized")),
        (KEY, {}, (422, "invalid-request")),
        ({**KEY, "Content-Type": "text/csv"}, {"a": 1}, (415, "unsupported-media-type")),
        ({**KEY, "Accept": "image/png"}, {"a": 1}, (406, "not-acceptable")),
    ],
)
def test_a_refusal_that_no_document_words_is_a_problem(
    two: Client, headers: dict[str, str], body: Any, told: tuple[int, str]
) -> None:
    reply = two.post("/one/plain", content=json.dumps(body), headers=headers)

    assert problem(reply) == told
    assert reply.headers["x-mock-operation"] == "onePlain"


def test_a_wrong_method_of_the_control_api_says_which_it_takes(shared: Client) -> None:
    reply = shared.request("PUT", "/_mock/clock")

    assert reply.headers["allow"] == "GET, HEAD"


def test_an_unknown_control_call_lists_the_known_ones(shared: Client) -> None:
    reply = shared.get("/_mock/helth")

    assert "GET /_mock/health" in reply.json()["known"]


@pytest.mark.parametrize(
    "path", ["/_mock/_mock/health", "/_mock", "/_mock/", "/_mock//health", "/_mock/health/"]
)
def test_nothing_else_under_mock_is_a_control_call(shared: Client, path: str) -> None:
    reply = shared.get(path)

    assert problem(reply) == (404, "no-route")
    assert "GET /_mock/health" in reply.json()["known"]
    assert "x-mock-request-id" not in reply.headers


@pytest.mark.parametrize("path", ["/_mocking", "/%5Fmock/health", "/kie/_mock/health", "/_sandbox"])
def test_what_only_looks_like_one_is_a_providers_path(shared: Client, path: str) -> None:
    reply = shared.get(path)

    assert problem(reply) == (404, "no-route")
    assert "x-mock-request-id" in reply.headers


def test_a_very_long_path_is_not_thrown_back_whole(shared: Client) -> None:
    reply = shared.get("/kie/" + "x" * 50_000)

    assert problem(reply) == (404, "no-route")
    assert len(reply.text) < 3000


class Broken(MemoryStore):
    def run(self, sandbox: str, work: Callable[[Tx], T]) -> T:
        raise RuntimeError("a secret of the store")


@pytest.mark.parametrize("path", ["/kie/api/v1/chat/credit", "/_mock/clock"])
def test_a_fault_of_the_mock_is_a_problem_and_tells_no_more_than_its_place(
    make_client: MakeClient, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    client = make_client(store=Broken())

    reply = client.get(path, headers=KEY)

    printed = capsys.readouterr()
    assert problem(reply) == (500, "internal-error")
    assert "RuntimeError in run, test_problems.py" in printed.err
    assert "secret" not in reply.text + printed.out + printed.err
    assert client.get("/_mock/health").status_code == 200


def test_a_page_may_read_of_a_fault_of_the_mock(make_client: MakeClient) -> None:
    reply = make_client(store=Broken()).get("/kie/api/v1/chat/credit", headers={**KEY, "Origin": "null"})

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (500, "*")


# --- bodies over the limit ---------------------------------------------------------------------------------


def test_a_body_over_the_limit_is_refused_and_says_the_way_out(make_client: MakeClient) -> None:
    reply = make_client(max_body=100).post(PERSONA, content=b"x" * 101, headers=KEY)

    assert problem(reply) == (413, "too-large")
    assert "--max-body" in reply.json()["detail"]
    assert reply.json()["limit"] == 100
    assert reply.headers["x-mock-operation"] == "generatePersona"


def test_a_body_of_the_very_limit_is_taken(make_client: MakeClient) -> None:
    reply = make_client(max_body=100).post(PERSONA, content=b"{" + b" " * 98 + b"}", headers=KEY)

    assert "x-mock-error" not in reply.headers


def test_a_control_body_over_the_limit_is_refused(make_client: MakeClient) -> None:
    client = make_client(max_body=100)

    reply = client.post("/_mock/outcomes", json={"outcome": "maintenance", "match": "x" * 100})

    assert problem(reply) == (413, "too-large")
    assert Control(client).get("/outcomes")["outcomes"] == []


class Line:
    """One connection to a server, and the replies that come back on it."""

    def __init__(self, served: tuple[str, int]) -> None:
        self.socket = socket.create_connection(served, timeout=10)
        self._received = b""

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def reply(self) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON body of the next reply."""
        head = self._until(b"\r\n\r\n").decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = self._take(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, json.loads(body) if body else None

    def ended(self) -> bool:
        """Has the server closed it, with nothing left to read?"""
        return not self._received and self.socket.recv(1) == b""

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._more()
        return self._take(self._received.index(mark) + len(mark))

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._more()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _more(self) -> None:
        chunk = self.socket.recv(65536)
        assert chunk, f"closed after {self._received!r}"
        self._received += chunk


HEAD = f"POST {PERSONA} HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer key\r\n".encode()
NEXT = b"GET /kie/api/v1/chat/credit HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer key\r\n\r\n"


def announced(size: int) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * size


def chunked(size: int) -> bytes:
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, b"x" * size)


@pytest.mark.parametrize("framed", [announced, chunked])
@pytest.mark.parametrize("size", [LIMIT + 1, 3_000_000])
def test_after_a_body_over_the_limit_the_connection_serves_on(
    served: tuple[str, int], framed: Callable[[int], bytes], size: int
) -> None:
    line = Line(served)
    with closing(line.socket):
        line.send(framed(size), NEXT)

        first, second = line.reply(), line.reply()

    assert (first[0], first[1]["x-mock-error"]) == (413, "too-large")
    assert (second[0], second[1]["x-mock-operation"]) == (200, "getcredits")


def test_a_body_that_is_announced_as_too_large_is_refused_before_it_comes(served: tuple[str, int]) -> None:
    line = Line(served)
    with closing(line.socket):
        line.send(HEAD + b"Content-Length: 1000000000\r\n\r\n")

        status, headers, _ = line.reply()

    assert (status, headers["x-mock-error"]) == (413, "too-large")


def test_a_client_that_asks_first_is_refused_and_the_connection_closed(served: tuple[str, int]) -> None:
    line = Line(served)
    with closing(line.socket):
        line.send(HEAD + b"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n")

        status, headers, _ = line.reply()

        assert (status, headers["connection"]) == (413, "close")
        assert line.ended()


def test_a_client_that_asks_first_is_told_to_go_on(served: tuple[str, int]) -> None:
    line = Line(served)
    with closing(line.socket):
        line.send(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        told = line.reply()[0]
        line.send(b"{}", NEXT)

        first, second = line.reply(), line.reply()

    assert (told, first[0], second[0]) == (100, 200, 200)
    assert first[1]["x-mock-outcome"] == "invalid"


def test_a_client_told_to_go_on_and_then_over_the_limit_keeps_its_connection(served: tuple[str, int]) -> None:
    line = Line(served)
    with closing(line.socket):
        line.send(HEAD + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
        told = line.reply()[0]
        line.send(b"%x\r\n%b\r\n0\r\n\r\n" % (LIMIT + 1, b"x" * (LIMIT + 1)), NEXT)

        first, second = line.reply(), line.reply()

    assert (told, first[0], second[0]) == (100, 413, 200)


def test_a_client_that_leaves_in_the_middle_of_its_body_hurts_nobody(served: tuple[str, int]) -> None:
    gone = Line(served)
    gone.send(HEAD + b"Content-Length: 500\r\n\r\nhalf")
    gone.socket.close()

    line = Line(served)
    with closing(line.socket):
        line.send(NEXT)

        assert line.reply()[0] == 200
