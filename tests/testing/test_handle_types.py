"""Annotations that help: a file that uses the handle, held against them by mypy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mockserver import testing

PROGRAM = """
from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from mockserver.testing import ContractBroken, PersonaMock, RealCall, Server, outcomes
from mockserver.testing.provider import Account, Planned, Provider, Task
from mockserver.testing.receiver import Callback, Receiver
from mockserver.testing.records import Message, Record, Request, Song, Violation, Walked


def use(mock: PersonaMock) -> None:
    assert_type(mock.kie, Provider)
    assert_type(mock.provider("petstore"), Provider)
    assert_type(mock.url, str)
    assert_type(mock.kie.url, str)
    assert_type(mock.kie.key, str)
    assert_type(mock.seed, int)
    assert_type(mock.sandbox, str)

    song = mock.kie.completed_song(model=4.5, key="alice", status="finished", kind="generate")
    assert_type(song, Song)
    assert_type(song.task_id, str)
    assert_type(song.audio_id, str)
    assert_type(song.audio_ids, list[str])
    assert_type(song.key, str)
    mock.kie.completed_song(error={"code": 413, "message": "known"})

    task = mock.kie.task(song.task_id)
    assert_type(task, Task)
    assert_type(task.status, str)
    assert_type(task.progress, int)
    assert_type(task.finish(), Task)
    assert_type(task.fail("SENSITIVE_WORD_ERROR"), Task)
    assert_type(mock.task(task.id), Task)

    planned = mock.kie.next("duplicate", times=2, operation="generatePersona", match={"name": "x"}, delay=0.5)
    assert_type(planned, Planned)
    assert_type(planned.left, int | None)
    mock.crun.always("maintenance").remove()
    assert_type(mock.fault("latency", seconds=1), Planned)
    assert_type(mock.kie.outcomes("generatePersona"), list[str])
    assert_type(outcomes("kie", "generatePersona"), list[str])

    request = mock.requests[-1]
    assert_type(request, Request)
    assert_type(mock.requests[1:], Sequence[Request])
    assert_type(request.outcome, str | None)
    assert_type(request.provider, str | None)
    assert_type(request.status, int | None)
    assert_type(request.state, str | None)
    assert_type(request.duration_ms, float)
    assert_type(request.violations, list[Violation])
    assert_type(request.request, Message)
    assert_type(request.request.header("authorization"), str | None)
    assert_type(request.checks, list[Record])
    assert_type(mock.violations, list[Violation])
    assert_type(mock.violations[0].pointer, str)

    assert_type(mock.clock.advance(30), Walked)
    assert_type(mock.clock.finish_all().delivered, int)
    assert_type(mock.clock.now, str)
    assert_type(mock.clock.epoch, float)
    mock.clock.set("2026-01-02T00:00:00Z")
    mock.clock.set(datetime(2026, 1, 2, tzinfo=UTC))
    mock.clock.advance(timedelta(minutes=1))
    assert_type(asyncio.run(mock.clock.sleep(1)), Walked)
    assert_type(asyncio.run(mock.clock.sleep_until_idle()), Walked)

    assert_type(mock.callbacks, Receiver)
    assert_type(mock.callbacks.url, str)
    assert_type(mock.callbacks.wait(3, timeout=1), list[Callback])
    assert_type(mock.callbacks[0], Callback)
    assert_type(mock.callbacks[:1], list[Callback])
    assert_type(mock.callbacks[0].headers, dict[str, str])
    assert_type([one.raw for one in mock.callbacks], list[bytes])
    assert_type(mock.callbacks.deliveries, list[Record])
    mock.callbacks.respond(500, 500)
    several: Sequence[Callback] = mock.callbacks
    len(several)

    account = mock.account("alice").change(credits=5, rate_limit={"count": 1, "seconds": 2})
    assert_type(account, Account)
    assert_type(account.credits, float)
    mock.reset()
    with mock.intercept(allow=["localhost"]):
        pass


def test_with_the_fixtures(persona_mock: PersonaMock, persona_mock_server: Server) -> None:
    use(persona_mock)
    with persona_mock_server.sandbox("mine", pace="instant") as mock:
        assert_type(mock, PersonaMock)
    assert_type(persona_mock_server.coverage(), dict[str, Any])


with PersonaMock(pace="instant", strict=True) as alone:
    assert_type(alone, PersonaMock)
    use(alone)
assert_type(PersonaMock().start(), PersonaMock)
assert issubclass(ContractBroken, AssertionError)
assert issubclass(RealCall, BaseException)
"""
# What `__all__` promises, for a checker to find.
NAMES = "".join(f"from mockserver.testing import {name} as {name}\n" for name in testing.__all__)
MISTAKES = {
    "from mockserver.testing import PersonaMok": 'has no attribute "PersonaMok"',
    "PersonaMock(pase=1)": 'Unexpected keyword argument "pase"',
    'PersonaMock(clock="sundial")': "incompatible type",
    'mock.kie.completed_song("V4_5")': "Too many positional arguments",
    "mock.kie.completed_song(modell=4)": "Unexpected keyword argument",
    "mock.kie.next(outcome=5)": "incompatible type",
    "mock.suno": "has no attribute",
    "mock.requests[-1].outcom": "has no attribute",
    'mock.clock.advance("90")': "incompatible type",
    "mock.callbacks.wait(n=1.5)": "incompatible type",
    "mock.requests[-1].outcome.upper()": 'Item "None" of',
}


def test_the_annotations_say_what_there_is_and_find_mistakes(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, "utf-8")
    lines = "".join(f"    {mistake}\n" for mistake in MISTAKES)
    head = "from mockserver.testing import PersonaMock\n\n\ndef use(mock: PersonaMock) -> None:\n"
    (tmp_path / "names.py").write_text(NAMES, "utf-8")
    (tmp_path / "mistakes.py").write_text(head + lines, "utf-8")

    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache"]
    checked = subprocess.run(
        [*command, "program.py", "names.py", "mistakes.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    found = [line for line in checked.stdout.splitlines() if ": error: " in line]
    assert [line for line in found if not line.startswith("mistakes.py")] == [], checked.stdout
    assert len(found) == len(MISTAKES), checked.stdout
    for number, (line, wanted) in enumerate(zip(found, MISTAKES.values(), strict=True), start=5):
        assert line.startswith(f"mistakes.py:{number}: ")
        assert wanted in line
