"""Calls begun at once by the server whose reply has to wait: told and kept like those over ASGI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from mockserver.settings import Settings
from mockserver.web import faults
from mockserver.web.app import create_app
from tests.web.serving import serving

CREDIT = "/kie/api/v1/chat/credit"
LATE = (
    f"GET {CREDIT} HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer key-of-mine\r\nOrigin: https://page.test\r\n"
    "Prefer: delay=0.01\r\nConnection: close\r\n\r\n"
).encode()


class Came(NamedTuple):
    """What came of one call: the whole answer, and what the server printed of it."""

    answer: bytes
    printed: str


Call = Callable[[], Came]


@pytest.fixture(params=[True, False], ids=["directly", "over ASGI"])
def call(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Sends one call to a server of its own, which prints a line per request as JSON."""
    app = create_app(Settings(seed=0, access_log=True, log_format="json", rate_limits="off"))
    with serving(app, direct=app.state.direct if request.param else None) as served:

        def sent() -> Came:
            answer = served.exchange(LATE)
            return Came(answer, capsys.readouterr().out)

        yield sent


def test_a_call_that_waits_is_printed_once(call: Call) -> None:
    came = call()

    assert came.answer.startswith(b"HTTP/1.1 200 ")
    (line,) = came.printed.splitlines()
    shown = json.loads(line)
    assert (shown["path"], shown["status"], shown["outcome"]) == (CREDIT, 200, "success")
    assert f"x-mock-request-id: {shown['id']}\r\n".encode() in came.answer


def test_what_goes_wrong_with_us_while_a_call_waits_is_told_as_our_fault(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(faults, "lay", fails)

    came = call()

    assert came.answer.startswith(b"HTTP/1.1 500 ")
    assert b"\r\nx-mock-error: internal-error\r\n" in came.answer
    assert b"\r\naccess-control-allow-origin: *\r\n" in came.answer
    assert json.loads(came.printed)["outcome"] == "internal-error"
