"""Runs of wrk, and which of them count."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.bench import scale
from tests.bench.contest import Contest, Pace, Side, compete, run
from tests.bench.in_process import asked
from tests.bench.server import Server
from tests.bench.workloads import (
    Answer,
    Ask,
    Expected,
    Workload,
    check_answers,
    check_journal,
    control,
    give,
    plant,
    stateless,
    workloads,
    write_document,
)
from tests.bench.wrk import ADVICE, Call, drive, ensure, pinned, read

PACE = Pace(rounds=1, seconds=1, warm_up=0)


class Listener:
    """A server that notes what came, and answers with a status for each call of its path."""

    def __init__(self) -> None:
        self.met: list[tuple[str, str, bytes, str | None]] = []
        self.statuses = [200]
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                listener.met.append((self.command, self.path, body, self.headers["Authorization"]))
                status = listener.statuses[min(len(listener.met), len(listener.statuses)) - 1]
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *what: Any) -> None:
                pass

        return Handler


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """The application, with the document that has no adapter."""
    write_document(tmp_path / "shop")
    specs = ("packaged", str(tmp_path / "shop"))
    with asyncio.Runner() as runner:
        yield asked(runner, create_app(Settings(specs=specs, seed=0, pace="instant", rate_limits="off")))


def test_calls_arrive_as_they_are_meant_one_after_the_other(listener: Listener) -> None:
    body = 'a "quoted"\\ text,\n]] %d {0} Füße 7\x00'.encode()
    calls = (Call("POST", "/a?x=1", body), Call("GET", "/b"))

    came = drive(listener.url, calls, {"Authorization": "Bearer x"}, 1)

    assert {one[:3] for one in listener.met} == {("POST", "/a?x=1", body), ("GET", "/b", b"")}
    assert {one[3] for one in listener.met} == {"Bearer x"}
    assert abs(sum(one[0] == "GET" for one in listener.met) * 2 - len(listener.met)) <= 32
    assert 0 < came.requests <= len(listener.met)
    assert 0 < came.p50 <= came.p99
    assert came.per_second == pytest.approx(came.requests, rel=0.5)


def test_a_run_with_lost_calls_is_refused() -> None:
    with pytest.raises(RuntimeError, match="3 socket errors and 10 answers"):
        read("Running\nbench 1000000 10 3 0 100.0 200.0\n")


def test_a_run_without_answers_or_figures_is_refused() -> None:
    with pytest.raises(RuntimeError, match="0 socket errors and 0 answers"):
        read("bench 1000000 0 0 0 0.0 0.0\n")
    with pytest.raises(RuntimeError, match="no figures:\nunable to connect"):
        read("unable to connect")


def test_the_figures_are_a_second_and_milliseconds() -> None:
    assert read("bench 2000000 10 0 4 1500.0 2500.0\n") == (5.0, 1.5, 2.5, 10, 4, 0.0)


def test_a_run_whose_answers_turn_into_errors_is_refused(listener: Listener) -> None:
    listener.statuses = [200] * 5 + [500]
    workload = Workload("turning", (Call("GET", "/"),), Expected(outcome=None))

    with pytest.raises(RuntimeError, match=r"turning: [0-9]+ of [0-9]+ answers were over 399"):
        run(Side(Server(listener.url, 1), workload, is_ours=False), PACE)


def test_a_run_whose_refusals_turn_into_successes_is_refused(listener: Listener) -> None:
    listener.statuses = [400] * 5 + [200]
    workload = Workload("turning", (Call("GET", "/"),), Expected(400, None))

    with pytest.raises(RuntimeError, match=r"turning: [0-9]+ of [0-9]+ answers were over 399"):
        run(Side(Server(listener.url, 1), workload, is_ours=False), PACE)


def test_a_refused_contest_keeps_no_other_from_being_measured(listener: Listener) -> None:
    good = Side(Server(listener.url, 1), Workload("good", (Call("GET", "/"),), Expected(outcome=None)), False)
    bad = Side(Server(listener.url, 1), Workload("bad", (Call("GET", "/"),), Expected(404)), False)

    refused, measured = compete([Contest("bad", good, bad), Contest("good", good, good)], PACE)

    assert "bad: " in refused.refused[0]
    assert (refused.base, refused.rival) == ([], [])
    assert measured.refused == []
    assert len(measured.base) == len(measured.rival) == 1


def test_where_wrk_cannot_be_had_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RuntimeError) as caught:
        ensure()

    assert str(caught.value) == ADVICE


def test_a_command_is_pinned_to_cores_that_are_named() -> None:
    assert pinned((0, 2)) == ["taskset", "--cpu-list", "0,2"]
    assert pinned(()) == []


# --- what is asked ------------------------------------------------------------------------------------------


def test_every_workload_is_answered_as_it_is_to_be(ask: Ask) -> None:
    kinds = [*workloads(give(ask, 20, 5)), stateless(5)]

    for kind in kinds:
        check_answers(ask, kind)
        control(ask, "DELETE", "/_mock/requests")
        ask(kind.calls[0], {})
        check_journal(ask, kind)
    assert [len(kind.calls) for kind in kinds] == [1, 5, 5, 1, 5, 5]


def test_an_answer_of_another_kind_is_refused(ask: Ask) -> None:
    workload = Workload("lost", (Call("GET", "/v1/tasks/nobody"),))

    with pytest.raises(RuntimeError, match=r"lost: Call\(method='GET', path='/v1/tasks/nobody'"):
        check_answers(ask, workload)


def test_another_outcome_in_the_journal_is_refused(ask: Ask) -> None:
    ask(Call("GET", "/v1/tasks/nobody"), {})

    with pytest.raises(RuntimeError, match=r"the journal holds answers of \[\(400, 'invalid'\)\]"):
        check_journal(ask, Workload("poll", ()))


def test_the_tasks_that_are_known_are_spread_over_all(ask: Ask) -> None:
    known = plant(ask, "kie", 20, 4)

    listed = [task["id"] for task in control(ask, "GET", "/_mock/tasks")["tasks"]]
    assert len(listed) == 20
    assert [listed.index(task) for task, _ in known] == [4, 9, 14, 19]


def test_an_outcome_is_queued_so_often_and_a_sandbox_made_for_each(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "SANDBOXES", 3)

    scale._queue(2, {"operation": "getCredits"}, ask)
    scale._sandboxes(ask)

    assert len(control(ask, "GET", "/_mock/outcomes")["outcomes"]) == 2
    names = [one["name"] for one in control(ask, "GET", "/_mock/sandboxes")["sandboxes"]]
    assert names == ["default", "extra0", "extra1", "extra2"]


def test_a_control_call_that_is_refused_is_told() -> None:
    def refuse(call: Call, headers: Mapping[str, str]) -> Answer:
        return Answer(400, {}, json.dumps("no").encode())

    with pytest.raises(RuntimeError, match="POST /_mock/tasks: answered 400"):
        control(refuse, "POST", "/_mock/tasks", {})
