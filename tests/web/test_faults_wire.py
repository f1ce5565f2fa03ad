"""Network faults as real clients meet them: httpx2, Node's fetch, curl and a plain socket."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from mockserver.settings import Settings
from mockserver.web.app import create_app
from mockserver.web.listen import listen, port_of
from mockserver.web.server import Server
from tests.parts import require

KEY = {"authorization": "Bearer k"}
CREDITS = "/api/v1/chat/credit"
SONG = {
    "prompt": "A calm piano piece for a rainy evening",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://10.0.0.1/nobody",
}
AUDIO = "/_mock/media/kie/example/audio.mp3"

RESET = {"fault": "reset"}
RESET_AFTER = {"fault": "reset", "when": "after"}
RESET_IN_BODY = {"fault": "reset", "at": "body"}
EMPTY = {"fault": "empty"}
EMPTY_AFTER = {"fault": "empty", "when": "after"}
TRUNCATE = {"fault": "truncate"}
MALFORMED = {"fault": "malformed-json"}
MISTYPED = {"fault": "wrong-content-type"}
SLOW = {"fault": "slow-body", "seconds": 0.2}
GATEWAY = {"fault": "gateway", "status": 504}

# Each fault, and what httpx2, Node's fetch and curl make of it.
CASES: tuple[tuple[dict[str, Any], str, str, tuple[int, str]], ...] = (
    (RESET, "ReadError", "ECONNRESET", (56, "000")),
    (RESET_AFTER, "ReadError", "ECONNRESET", (56, "000")),
    (RESET_IN_BODY, "ReadError", "200 application/json ECONNRESET", (56, "200")),
    (EMPTY, "RemoteProtocolError", "UND_ERR_SOCKET", (52, "000")),
    (EMPTY_AFTER, "RemoteProtocolError", "UND_ERR_SOCKET", (52, "000")),
    (TRUNCATE, "RemoteProtocolError", "200 application/json UND_ERR_SOCKET", (18, "200")),
    (MALFORMED, "JSONDecodeError", "200 application/json SyntaxError", (0, "200")),
    (MISTYPED, "200 text/html 10000", "200 text/html 10000", (0, "200")),
    (SLOW, "200 application/json 10000", "200 application/json 10000", (0, "200")),
    (GATEWAY, "JSONDecodeError", "504 text/html SyntaxError", (0, "504")),
)

NODE = """
const [base, sandbox, cases] = JSON.parse(process.argv[1]);
const headers = {"x-mock-sandbox": sandbox, authorization: "Bearer k"};
const seen = [];
for (const fault of cases) {
  await fetch(base + "/_mock/faults", {method: "POST", headers, body: JSON.stringify(fault)});
  let told = "";
  try {
    const reply = await fetch(base + "/api/v1/chat/credit", {headers});
    told = `${reply.status} ${reply.headers.get("content-type")} `;
    told += (await reply.json()).data;
  } catch (error) {
    told += error.cause?.code ?? error.name;
  }
  seen.push(told);
}
console.log(JSON.stringify(seen));
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A real server of the four providers, where nothing is limited."""
    sockets = listen("127.0.0.1", 0)
    settings = Settings(
        seed=0,
        verify_responses=True,
        port=port_of(sockets[0]),
        rate_limits="off",
        clock="virtual",
        credits=10000,
    )
    listening = threading.Event()
    app = create_app(settings)
    server = Server(app, sockets, direct=app.state.direct, on_listening=listening.set)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert listening.wait(10), "the server did not start"
    yield settings.url
    server.stop()
    thread.join(10)
    for opened in sockets:
        opened.close()


@pytest.fixture
def sandbox() -> str:
    return uuid4().hex


@pytest.fixture
def client(url: str, sandbox: str) -> Iterator[httpx2.Client]:
    """A client with one connection, in a sandbox of its own."""
    with httpx2.Client(base_url=url, headers={**KEY, "x-mock-sandbox": sandbox}, timeout=20) as opened:
        yield opened


def post(client: httpx2.Client, fault: dict[str, Any]) -> str:
    answer = client.post("/_mock/faults", json=fault)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def told(client: httpx2.Client, method: str = "GET", path: str = CREDITS, **options: Any) -> str:
    """What a client makes of a call: the answer's status, type and data, or the name of the error."""
    try:
        answer = client.request(method, path, **options)
        return f"{answer.status_code} {answer.headers['content-type']} {answer.json()['data']}"
    except (httpx2.TransportError, json.JSONDecodeError) as error:
        return type(error).__name__


# --- what each client sees ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "expected"), [(case[0], case[1]) for case in CASES], ids=str)
def test_httpx_meets_each_fault(client: httpx2.Client, fault: dict[str, Any], expected: str) -> None:
    post(client, fault)

    assert told(client) == expected
    assert told(client) == "200 application/json 10000"


def test_fetch_meets_each_fault(url: str, sandbox: str) -> None:
    require("node")
    handed = json.dumps([url, sandbox, [case[0] for case in CASES]])

    ran = subprocess.run(
        ["node", "--input-type=module", "-e", NODE, handed], capture_output=True, text=True, timeout=60
    )

    assert ran.stderr == ""
    assert json.loads(ran.stdout) == [case[2] for case in CASES]


def test_curl_meets_each_fault(url: str, sandbox: str, client: httpx2.Client) -> None:
    require("curl")
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer k"]
    seen = []

    for case in CASES:
        post(client, case[0])
        called = [*command, f"{url}/_sandbox/{sandbox}{CREDITS}"]
        ran = subprocess.run(called, capture_output=True, text=True, timeout=30)
        seen.append((ran.returncode, ran.stdout))

    assert seen == [case[3] for case in CASES]


# --- the bytes ----------------------------------------------------------------------------------------------


def raw(method: str, path: str, sandbox: str, *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"X-Mock-Sandbox: {sandbox}"]
    return "\r\n".join([*lines, "Authorization: Bearer k", *more, "", ""]).encode()


def everything(connection: socket.socket) -> tuple[bytes, str]:
    """All that comes, and how it ends."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        return received, "reset"
    return received, "closed"


def exchange(url: str, sent: bytes) -> tuple[bytes, str]:
    host, _, port = url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=10)) as connection:
        connection.sendall(sent)
        return everything(connection)


@pytest.mark.parametrize(
    ("fault", "end"),
    [(RESET, "reset"), (RESET_AFTER, "reset"), (EMPTY, "closed"), (EMPTY_AFTER, "closed")],
    ids=str,
)
def test_not_a_byte_comes(
    url: str, client: httpx2.Client, sandbox: str, fault: dict[str, Any], end: str
) -> None:
    post(client, fault)

    assert exchange(url, raw("GET", CREDITS, sandbox)) == (b"", end)


@pytest.mark.parametrize(("fault", "end"), [(RESET_IN_BODY, "reset"), (TRUNCATE, "closed")], ids=str)
@pytest.mark.parametrize("path", [CREDITS, AUDIO])
def test_half_of_the_announced_body_comes(
    url: str, client: httpx2.Client, sandbox: str, fault: dict[str, Any], end: str, path: str
) -> None:
    whole = client.get(path).content
    post(client, {**fault, "path": path})

    received, ended = exchange(url, raw("GET", path, sandbox))

    head, _, body = received.partition(b"\r\n\r\n")
    assert ended == end
    assert f"content-length: {len(whole)}".encode() in head
    assert body == whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("fault", "end"), [(RESET, "reset"), (EMPTY, "closed"), (TRUNCATE, "closed")], ids=str
)
def test_answers_owed_before_on_the_connection_arrive(
    url: str, client: httpx2.Client, sandbox: str, fault: dict[str, Any], end: str
) -> None:
    post(client, {**fault, "path": AUDIO})
    first, second = raw("GET", CREDITS, sandbox), raw("GET", "/nowhere", sandbox)

    received, ended = exchange(url, first + second + raw("GET", AUDIO, sandbox) + first)

    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b'{"code":200,"msg":"success","data":10000}') == 1
    assert received.count(b"HTTP/1.1 404 ") == 1
    assert ended == end


@pytest.mark.parametrize(
    ("fault", "end", "sent"), [(RESET, "reset", 1000), (EMPTY, "closed", 1 << 20)], ids=str
)
def test_a_fault_meets_a_call_whose_body_was_not_read(
    url: str, client: httpx2.Client, sandbox: str, fault: dict[str, Any], end: str, sent: int
) -> None:
    post(client, {**fault, "path": "/api/v1/generate"})
    head = raw("POST", "/api/v1/generate", sandbox, f"Content-Length: {1 << 22}")

    # A close with bytes still unread would turn into a reset.
    assert exchange(url, head + b"x" * sent) == (b"", end)


@pytest.mark.parametrize("fault", [TRUNCATE, RESET_IN_BODY, SLOW, MALFORMED, MISTYPED, GATEWAY], ids=str)
def test_a_reply_without_a_body_keeps_its_head(
    url: str, client: httpx2.Client, sandbox: str, fault: dict[str, Any]
) -> None:
    post(client, fault)

    received, _ = exchange(url, raw("HEAD", CREDITS, sandbox, "Connection: close"))

    assert received.startswith(b"HTTP/1.1 504 " if fault == GATEWAY else b"HTTP/1.1 200 ")
    assert received.endswith(b"\r\n\r\n")


def test_a_slow_body_comes_in_pieces_and_whole(client: httpx2.Client) -> None:
    post(client, SLOW)

    begun = time.monotonic()
    with client.stream("GET", CREDITS) as answer:
        pieces = list(answer.iter_raw())
    took = time.monotonic() - begun

    assert len(pieces) > 1
    assert took >= 0.19
    assert b"".join(pieces) == b'{"code":200,"msg":"success","data":10000}'
    assert answer.headers["content-length"] == str(len(b"".join(pieces)))


def test_latency_passes_for_real_before_the_answer(client: httpx2.Client) -> None:
    post(client, {"fault": "latency", "seconds": 0.2})

    begun = time.monotonic()
    first = told(client)
    took = time.monotonic() - begun

    assert (first, took >= 0.19) == ("200 application/json 10000", True)


@pytest.mark.parametrize("fault", [MALFORMED, MISTYPED, SLOW, GATEWAY], ids=str)
def test_a_connection_stays_in_use_after_a_spoilt_reply(
    url: str, client: httpx2.Client, sandbox: str, fault: dict[str, Any]
) -> None:
    post(client, fault)

    received, ended = exchange(
        url, raw("GET", CREDITS, sandbox) + raw("GET", CREDITS, sandbox, "Connection: close")
    )

    assert received.count(b"HTTP/1.1 ") == 2
    assert received.endswith(b'{"code":200,"msg":"success","data":10000}')
    assert ended == "closed"


# --- was the work done? -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "reset", "when": "before"},
        {"fault": "reset", "when": "after"},
        {"fault": "reset", "at": "body"},
        {"fault": "empty", "when": "before"},
        {"fault": "empty", "when": "after"},
        {"fault": "gateway", "when": "before"},
        {"fault": "gateway", "when": "after"},
        {"fault": "truncate"},
    ],
    ids=str,
)
def test_tasks_and_credits_are_what_when_says(client: httpx2.Client, fault: dict[str, Any]) -> None:
    count = 200 if fault["fault"] == "reset" else 20
    works = fault.get("when") == "after" or fault.get("at") == "body" or fault["fault"] == "truncate"
    post(client, {**fault, "provider": "kie", "operation": "generateMusic", "times": count})
    before = client.get("/_mock/accounts/k").json()["credits"]

    lost = [told(client, "POST", "/api/v1/generate", json=SONG) for _ in range(count)]

    account = client.get("/_mock/accounts/k").json()
    assert all(name.endswith("Error") for name in lost), set(lost)
    assert len(account["tasks"]) == (count if works else 0)
    assert (account["credits"] < before) == works
    assert client.get("/_mock/faults").json() == {"faults": []}
    # The next one arrives, and cost what each of those cost whose work was done.
    price = price_of_a_song(client)
    assert before - account["credits"] == (price * count if works else 0)


def price_of_a_song(client: httpx2.Client) -> float:
    before = client.get("/_mock/accounts/k").json()["credits"]
    assert client.post("/api/v1/generate", json=SONG).json()["code"] == 200
    after: float = client.get("/_mock/accounts/k").json()["credits"]
    return float(before) - after


def test_a_queued_outcome_is_left_for_the_next_call_where_the_work_was_not_done(
    client: httpx2.Client,
) -> None:
    client.post("/_mock/outcomes", json={"provider": "kie", "outcome": "maintenance", "times": 2})
    post(client, RESET)
    post(client, RESET_AFTER)

    first, second = told(client), told(client)

    assert (first, second) == ("ReadError", "ReadError")
    assert [item["left"] for item in client.get("/_mock/outcomes").json()["outcomes"]] == [1]


# --- downloads ----------------------------------------------------------------------------------------------


def test_a_download_is_reset_by_its_path_alone(client: httpx2.Client) -> None:
    whole = client.get(AUDIO).content
    post(client, {"fault": "reset", "times": None})
    post(client, {"fault": "reset", "at": "body", "path": "/_mock/media/*", "provider": "kie"})

    with pytest.raises(httpx2.ReadError):
        client.get(AUDIO)

    assert client.get(AUDIO).content == whole


def test_an_upload_that_meets_a_reset_before_it_is_kept_is_not(client: httpx2.Client) -> None:
    place = "/_mock/media/uploads/example/example.mp3"
    before = client.get(place).content
    post(client, {"fault": "reset", "path": "/_mock/media/uploads/*"})

    with pytest.raises(httpx2.ReadError):
        client.put(place, content=b"lost")
    between = client.get(place).content
    client.put(place, content=b"kept")

    assert between == before
    assert client.get(place).content == b"kept"


# --- the journal --------------------------------------------------------------------------------------------


def test_the_journal_tells_what_was_to_come_and_what_did(client: httpx2.Client) -> None:
    for fault in (RESET, RESET_AFTER, RESET_IN_BODY, EMPTY, {"fault": "gateway"}, MALFORMED):
        post(client, fault)
        told(client)

    entries = client.get("/_mock/requests", params={"full": "true"}).json()["requests"]

    kept = {"code": 200, "msg": "success", "data": 10000}
    assert [
        (e["fault"], e["status"], e["outcome"], e["because"], e["response"]["status"], e["response"]["body"])
        for e in entries
        if e["fault"] != "gateway"
    ] == [
        ("reset", None, None, None, None, None),
        ("reset", None, "success", "state", 200, kept),
        ("reset", 200, "success", "state", 200, kept),
        ("empty", None, None, None, None, None),
        ("malformed-json", 200, "success", "state", 200, kept),
    ]
    page = entries[4]
    assert (page["fault"], page["status"], page["outcome"], page["because"]) == ("gateway", 502, None, None)
    assert "502 Bad Gateway" in page["response"]["body"]


def test_what_a_fault_keeps_from_a_client_is_not_covered(client: httpx2.Client) -> None:
    for fault in (RESET, RESET_AFTER, TRUNCATE, GATEWAY):
        post(client, fault)
        told(client)

    assert client.get("/_mock/coverage").json()["covered"] == 0


def test_the_log_of_the_server_stays_silent(
    url: str, client: httpx2.Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for fault in (RESET, RESET_IN_BODY, EMPTY, TRUNCATE):
        post(client, fault)
        told(client)

    assert told(client) == "200 application/json 10000"
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
