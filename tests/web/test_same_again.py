"""The same request again, byte for byte: read once, answered each time by what the state has become."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest

Live = Callable[..., str]

SONG = {
    "prompt": "A calm piano piece",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Line:
    """One kept connection on which bytes are sent as they are."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._socket = socket.create_connection(("127.0.0.1", urlsplit(base).port or 0), timeout=10)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, *pieces: bytes) -> Answer:
        for piece in pieces:
            self._socket.sendall(piece)
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name] = value
        return Answer(status, headers, self._file.read(int(headers["content-length"])))


def wire(method: str, path: str, body: Any = None, *lines: str, key: str = "a-key-of-mine") -> bytes:
    """A whole request as one piece."""
    raw = b"" if body is None else json.dumps(body).encode()
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", *lines]
    if raw:
        head += ["Content-Type: application/json", f"Content-Length: {len(raw)}"]
    return "\r\n".join([*head, "", ""]).encode() + raw


@pytest.fixture
def base(live: Live) -> str:
    return live(clock="virtual", rate_limits="off", verify_responses=False)


@pytest.fixture
def line(base: str) -> Iterator[Line]:
    with closing(Line(base)) as line:
        yield line


def control(base: str, method: str, path: str, body: Any = None) -> Any:
    reply = httpx2.request(method, f"{base}/_mock/{path}", json=body)
    assert reply.status_code < 300, reply.text
    return reply.json() if reply.content else None


def submitted(line: Line, **lines: str) -> str:
    return str(line.send(wire("POST", "/api/v1/generate", SONG)).json["data"]["taskId"])


def poll(task: str) -> bytes:
    return wire("GET", f"/api/v1/generate/record-info?taskId={task}")


def test_the_same_poll_shows_what_has_become_of_its_task(base: str, line: Line) -> None:
    ask = poll(submitted(line))

    first = line.send(ask).json["data"]["status"]
    control(base, "POST", "clock/advance", {"seconds": 60})
    second = line.send(ask).json["data"]["status"]
    control(base, "POST", "clock/advance", {"seconds": 600})
    third, fourth = line.send(ask), line.send(ask)

    assert [first, second] == ["PENDING", "TEXT_SUCCESS"]
    assert third.json["data"]["status"] == "SUCCESS"
    assert third.body == fourth.body
    assert third.headers["x-mock-request-id"] != fourth.headers["x-mock-request-id"]


def test_the_same_poll_of_a_finished_task_shows_that_it_was_pushed(base: str, line: Line) -> None:
    task = submitted(line)
    control(base, "POST", "clock/advance", {"seconds": 600})
    done = [line.send(poll(task)).json["data"]["status"] for _ in range(3)]

    control(base, "PATCH", f"tasks/{task}", {"status": "failed"})
    failed = line.send(poll(task)).json["data"]["status"]

    assert done == ["SUCCESS"] * 3
    assert failed == "GENERATE_AUDIO_FAILED"


def test_the_same_submission_makes_another_task_and_costs_again(base: str, line: Line) -> None:
    ask = wire("POST", "/api/v1/generate", SONG)

    tasks = [line.send(ask).json["data"]["taskId"] for _ in range(3)]

    assert len(set(tasks)) == 3
    assert line.send(wire("GET", "/api/v1/chat/credit")).json["data"] == 1000 - 36


def test_the_same_persona_is_made_once(base: str, line: Line) -> None:
    task = submitted(line)
    control(base, "POST", "clock/advance", {"seconds": 600})
    song = line.send(poll(task)).json["data"]["response"]["sunoData"][0]["id"]
    body = {"taskId": task, "audioId": song, "name": "Neon", "description": "Warm"}
    ask = wire("POST", "/api/v1/generate/generate-persona", body)

    codes = [line.send(ask).json["code"] for _ in range(4)]

    assert codes == [200, 409, 409, 409]


def test_nothing_of_it_outlives_a_reset_or_another_state(base: str, line: Line) -> None:
    task = submitted(line)
    control(base, "POST", "clock/advance", {"seconds": 600})
    before = line.send(poll(task))
    state = control(base, "GET", "state")
    control(base, "POST", "reset")
    gone = line.send(poll(task))
    control(base, "PUT", "state", state)
    back = line.send(poll(task))

    assert (gone.json["data"], gone.headers["x-mock-outcome"]) == (None, "not-found")
    assert back.body == before.body


def test_a_state_of_an_earlier_moment_is_shown_as_it_stood(base: str, line: Line) -> None:
    task = submitted(line)
    control(base, "POST", "clock/advance", {"seconds": 1000})
    before = control(base, "GET", "clock")["epoch"]
    control(base, "POST", "clock/advance", {"seconds": 1000})
    control(base, "PATCH", f"tasks/{task}", {"status": "failed"})
    failed = line.send(poll(task)).json["data"]["status"]

    control(base, "PUT", "state", {**control(base, "GET", "state"), "now": before})
    then = line.send(poll(task)).json["data"]["status"]

    assert (failed, then) == ("GENERATE_AUDIO_FAILED", "SUCCESS")


def test_each_answer_has_its_own_id_and_length(base: str, line: Line) -> None:
    credit, lost = wire("GET", "/api/v1/chat/credit"), wire("GET", "/api/v1/generate/record-info?taskId=x")
    answers = [line.send(ask) for ask in (credit, lost, credit, lost, credit, lost)]

    assert len({answer.headers["x-mock-request-id"] for answer in answers}) == 6
    assert all(int(answer.headers["content-length"]) == len(answer.body) for answer in answers)
    assert [list(answer.headers) for answer in answers[2:]] == [
        list(answer.headers) for answer in answers[:4]
    ]


@pytest.mark.parametrize("again", [1, 3])
def test_the_same_call_meets_an_outcome_that_was_queued_since(base: str, line: Line, again: int) -> None:
    ask = wire("GET", "/api/v1/chat/credit")
    for _ in range(again):
        assert line.send(ask).json["code"] == 200

    control(base, "POST", "outcomes", {"provider": "kie", "outcome": "maintenance"})
    met, after = line.send(ask), line.send(ask)

    assert (met.json["code"], met.headers["x-mock-outcome"]) == (455, "maintenance")
    assert after.json["code"] == 200


def test_the_same_call_meets_a_fault_that_stands_since(base: str, line: Line) -> None:
    ask = wire("GET", "/api/v1/chat/credit")
    line.send(ask), line.send(ask)
    [fault] = [control(base, "POST", "faults", {"fault": "gateway", "status": 503, "times": None})]

    met = [line.send(ask).status for _ in range(2)]
    control(base, "DELETE", f"faults/{fault['id']}")

    assert met == [503, 503]
    assert line.send(ask).status == 200


def test_on_another_connection_too_it_waits_where_an_outcome_delays_it(base: str, line: Line) -> None:
    ask = wire("GET", "/api/v1/chat/credit")
    line.send(ask)
    outcome = {"provider": "kie", "outcome": "success", "delay": 0.05, "times": 3}
    control(base, "POST", "outcomes", outcome)

    # A connection that has not parsed anything yet, and one whose last request was another.
    with closing(Line(base)) as fresh:
        assert fresh.send(ask).json["code"] == 200
        assert fresh.send(ask).json["code"] == 200
    line.send(wire("GET", "/api/v1/generate/record-info?taskId=nobody"))
    assert line.send(ask).json["code"] == 200

    entries = control(base, "GET", "requests?limit=4")["requests"]
    assert [entry["operation"] for entry in entries] == [
        "getCredits",
        "getCredits",
        "getMusicDetails",
        "getCredits",
    ]


def test_it_is_the_same_in_two_pieces(base: str, line: Line) -> None:
    ask = wire("POST", "/api/v1/generate", SONG)
    whole = line.send(ask)

    halves = line.send(ask[:70], ask[70:])
    whole_again = line.send(ask)

    assert [answer.json["code"] for answer in (whole, halves, whole_again)] == [200] * 3
    assert len({answer.json["data"]["taskId"] for answer in (whole, halves, whole_again)}) == 3


def test_the_same_bytes_of_another_key_are_another_account(base: str, line: Line) -> None:
    mine, theirs = (wire("GET", "/api/v1/chat/credit", key=key) for key in ("key-one-111", "key-two-222"))
    line.send(wire("POST", "/api/v1/generate", SONG, key="key-one-111"))

    balances = [line.send(ask).json["data"] for ask in (mine, theirs, mine, theirs)]

    assert balances == [988, 1000, 988, 1000]


def test_what_is_made_up_differs_with_each_call(base: str, line: Line) -> None:
    ask = wire(
        "GET", "/api/v1/generate/record-info?taskId=nobody", None, "Prefer: outcome=success, dynamic=true"
    )

    bodies = {line.send(ask).body for _ in range(4)}

    assert len(bodies) == 4


def test_a_page_of_another_origin_may_read_each_answer(base: str, line: Line) -> None:
    ask = wire("GET", "/api/v1/chat/credit", None, "Origin: https://page.example")

    answers = [line.send(ask) for _ in range(3)]

    assert {answer.headers["access-control-allow-origin"] for answer in answers} == {"*"}


def test_the_same_broken_body_is_told_each_time(base: str, line: Line) -> None:
    ask = wire("POST", "/api/v1/generate", {**SONG, "model": "V9"})

    answers = [line.send(ask) for _ in range(3)]

    assert {answer.headers["x-mock-violation"] for answer in answers} == {"/body/model: enum"}
    assert len({answer.body for answer in answers}) == 1
    entries = control(base, "GET", "requests?violations=true&full=true")["requests"]
    assert [entry["violations"][0]["pointer"] for entry in entries] == ["/body/model"] * 3
    assert all("a-key-of-mine" not in json.dumps(entry) for entry in entries)


def test_of_more_requests_than_are_remembered_each_is_answered(base: str, line: Line) -> None:
    asks = [wire("GET", f"/api/v1/generate/record-info?taskId=nobody-{n}") for n in range(1500)]
    first = [line.send(ask) for ask in asks]

    again = [line.send(ask) for ask in (asks[0], asks[-1], asks[700])]

    assert {answer.headers["x-mock-outcome"] for answer in (*first, *again)} == {"not-found"}
    assert control(base, "GET", "requests?limit=1")["requests"][0]["path"].endswith("record-info")
