"""What cannot be: one clear UsageError that says where, and what is allowed instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockserver.openapi.source import DocumentError
from mockserver.settings import UsageError
from mockserver.testing import PersonaMock, Server, outcomes
from tests.testing.songs import order

Use = Callable[[PersonaMock], Any]


@pytest.fixture(scope="module")
def world() -> Iterator[Server]:
    """One server for all tests of this module."""
    with Server() as server:
        yield server


@pytest.fixture
def mock(world: Server) -> Iterator[PersonaMock]:
    """A sandbox of this test alone."""
    with world.sandbox("here") as mock:
        yield mock


def text_of(use: Use, mock: PersonaMock) -> str:
    """What it says; a chain of exceptions would bury it."""
    with pytest.raises(UsageError) as caught:
        use(mock)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


UNKNOWN: dict[str, tuple[Use, list[str]]] = {
    "provider": (lambda m: m.provider("suno"), ["'suno'", "kie", "crun", "evolink", "yuto"]),
    "operation": (lambda m: m.kie.outcomes("getFeed"), ["kie", "'getFeed'", "generatePersona"]),
    "operation of next": (
        lambda m: m.kie.next("duplicate", operation="getFeed"),
        ["kie.next(operation=…)", "'getFeed'", "generatePersona"],
    ),
    "outcome": (lambda m: m.kie.next("dupe"), ["kie.next(outcome=…)", "'dupe'", "duplicate"]),
    "outcome of always": (lambda m: m.crun.always("dupe"), ["crun.always(outcome=…)", "duplicate"]),
    "outcome of another provider": (
        lambda m: m.yuto.next("duplicate"),
        ["yuto.next(outcome=…)", "'duplicate'", "source-uploaded"],
    ),
    "outcome of another operation": (
        lambda m: m.kie.next("duplicate", operation="getCredits"),
        ["kie.next(outcome=…)", "getCredits", "maintenance"],
    ),
    "error without task-failed": (
        lambda m: m.kie.next("duplicate", error="SENSITIVE_WORD_ERROR"),
        ["kie.next(error=…)", "task-failed"],
    ),
    "error of next": (
        lambda m: m.kie.next("task-failed", error="WRONG_WORD"),
        ["kie.next(error=…)", "'WRONG_WORD'", "SENSITIVE_WORD_ERROR"],
    ),
    "model": (
        lambda m: m.kie.completed_song(model="V9"),
        ["kie.completed_song(model=…)", "'V9'", "V4_5", "3.5"],
    ),
    "model of another provider": (
        lambda m: m.evolink.completed_song(model="V6"),
        ["evolink.completed_song(model=…)", "suno-v5-beta"],
    ),
    "status": (
        lambda m: m.kie.completed_song(status="done"),
        ["kie.completed_song(status=…)", "'done'", "finished", "TEXT_SUCCESS"],
    ),
    "status of another provider": (
        lambda m: m.crun.completed_song(status="TEXT_SUCCESS"),
        ["crun.completed_song(status=…)", "running", "success"],
    ),
    "kind": (
        lambda m: m.kie.completed_song(kind="lyrics"),
        ["kie.completed_song(kind=…)", "'lyrics'", "upload-cover"],
    ),
    "error": (
        lambda m: m.kie.completed_song(error="WRONG_WORD"),
        ["kie.completed_song(error=…)", "'WRONG_WORD'", "SENSITIVE_WORD_ERROR"],
    ),
    "error of what did not fail": (
        lambda m: m.kie.completed_song(status="finished", error="SENSITIVE_WORD_ERROR"),
        ["kie.completed_song(error=…)", "failed"],
    ),
    "task": (lambda m: m.task("4711"), ["task", "'4711'", "'here'"]),
    "task of a provider": (lambda m: m.kie.task("4711"), ["kie.task", "'4711'"]),
    "task of another provider": (
        lambda m: m.kie.task(m.crun.completed_song().task_id),
        ["kie.task", "is a task of crun"],
    ),
    "status of push": (
        lambda m: m.task(order(m, "kie")).push("done"),
        ["task.push(status=…)", "'done'", "finished", "SUCCESS"],
    ),
    "error of fail": (
        lambda m: m.task(order(m, "kie")).fail("WRONG_WORD"),
        ["task.fail(error=…)", "'WRONG_WORD'", "SENSITIVE_WORD_ERROR"],
    ),
    "fault": (lambda m: m.fault("lag"), ["fault(fault=…)", "lag", "latency", "callback-drop"]),
    "field of a fault": (
        lambda m: m.fault("latency", minutes=1),
        ["fault(minutes=…)", "seconds", "probability"],
    ),
    "missing field of a fault": (lambda m: m.fault("latency"), ["fault(seconds=…)", "needs it"]),
    "field of another fault": (lambda m: m.fault("empty", seconds=1), ["fault(seconds=…)", "'empty'"]),
    "status of a gateway": (lambda m: m.fault("gateway", status=500), ["fault(status=…)", "502", "504"]),
    "provider of a fault": (lambda m: m.fault("empty", provider="suno"), ["fault(provider=…)", "kie"]),
    "operation of a fault": (
        lambda m: m.fault("empty", operation="nope"),
        ["fault(operation=…)", "'nope'", "generatePersona"],
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_unknown_is_named_with_what_is_known(mock: PersonaMock, name: str) -> None:
    use, parts = UNKNOWN[name]

    text = text_of(use, mock)

    assert [part for part in parts if part not in text] == [], text


WRONG: dict[str, tuple[Any, str]] = {
    "model": (lambda m: m.kie.completed_song(model=["V4"]), "kie.completed_song(model=…)"),
    "status": (lambda m: m.kie.completed_song(status=3), "kie.completed_song(status=…)"),
    "key": (lambda m: m.kie.completed_song(key=3), "kie.completed_song(key=…)"),
    "empty key": (lambda m: m.kie.completed_song(key=""), "kie.completed_song(key=…)"),
    "kind": (lambda m: m.kie.completed_song(kind=True), "kie.completed_song(kind=…)"),
    "error": (lambda m: m.kie.completed_song(error=7), "kie.completed_song(error=…)"),
    "error without a message": (
        lambda m: m.kie.completed_song(error={"code": 7}),
        "kie.completed_song(error",
    ),
    "outcome": (lambda m: m.kie.next(None), "kie.next(outcome=…)"),
    "times": (lambda m: m.kie.next("duplicate", times="2"), "kie.next(times=…)"),
    "no times": (lambda m: m.kie.next("duplicate", times=0), "kie.next(times=…)"),
    "half times": (lambda m: m.kie.next("duplicate", times=1.5), "kie.next(times=…)"),
    "delay": (lambda m: m.kie.next("duplicate", delay="1"), "kie.next(delay=…)"),
    "negative delay": (lambda m: m.kie.always("duplicate", delay=-1), "kie.always(delay=…)"),
    "operation": (lambda m: m.kie.next("duplicate", operation=5), "kie.next(operation=…)"),
    "seconds": (lambda m: m.clock.advance("5"), "clock.advance(seconds=…)"),
    "seconds back": (lambda m: m.clock.advance(-5), "clock.advance(seconds=…)"),
    "no moment": (lambda m: m.clock.set("tomorrow"), "clock.set(now=…)"),
    "moment before": (lambda m: m.clock.set(5), "clock.set(now=…)"),
    "moment of no type": (lambda m: m.clock.set(None), "clock.set(now=…)"),
    "seconds of a fault": (lambda m: m.fault("latency", seconds="5"), "fault(seconds=…)"),
    "fault": (lambda m: m.fault(None), "fault(fault=…)"),
    "probability": (lambda m: m.fault("empty", probability=2), "fault(probability=…)"),
    "credits": (lambda m: m.account("k").change(credits="1"), "account.change(credits=…)"),
    "negative credits": (lambda m: m.account("k").change(credits=-1), "account.change(credits=…)"),
    "rate limit": (lambda m: m.account("k").change(rate_limit=5), "account.change(rate_limit=…)"),
    "hmac key": (lambda m: m.account("k").change(webhook_hmac_key=5), "account.change(webhook"),
    "account": (lambda m: m.account(5).credits, "account(key=…)"),
    "empty account": (lambda m: m.account("").credits, "account(key=…)"),
    "provider": (lambda m: m.provider(5), "there is no provider 5"),
    "outcomes": (lambda m: m.kie.outcomes(5), "kie has no operation 5"),
    "task": (lambda m: m.task(5), "task"),
    "progress": (lambda m: m.task(order(m, "kie")).push("running", "half"), "task.push(progress=…)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_type_or_range_is_told_where_it_stands(mock: PersonaMock, name: str) -> None:
    use, place = WRONG[name]

    assert place in text_of(use, mock)


@pytest.mark.parametrize("name", sorted({*UNKNOWN, *WRONG} - {"task of another provider"}))
def test_what_is_refused_changes_nothing(mock: PersonaMock, name: str) -> None:
    text_of({**UNKNOWN, **WRONG}[name][0], mock)

    assert (mock.clock.now, mock.complaint()) == ("2026-01-01T00:00:00Z", None)
    assert [one for one in mock.requests if one.status != 200] == []
    assert mock.account("k").credits == 1000


# --- options ------------------------------------------------------------------------------------------------

OPTIONS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "misspelt": ({"pase": "instant"}, ["PersonaMock: pase is no option", "Did you mean pace?"]),
    "unknown": ({"zzz": "blue"}, ["PersonaMock: zzz is no option", "pace", "strict_outcomes"]),
    "pace": ({"pace": "fast"}, ["PersonaMock(pace=…)", "'fast'", "instant", "polls:N"]),
    "polls": ({"pace": "polls:0"}, ["PersonaMock(pace=…)", "polls:N"]),
    "clock": ({"clock": "sundial"}, ["PersonaMock(clock=…)", "real, virtual"]),
    "status": ({"status": 200}, ["PersonaMock(status=…)", "envelope, http, auto"]),
    "seed": ({"seed": "abc"}, ["PersonaMock(seed=…)", "'abc'", "whole number"]),
    "negative seed": ({"seed": -1}, ["PersonaMock(seed=…)"]),
    "rate limits": ({"rate_limits": "some"}, ["PersonaMock(rate_limits=…)", "documented, off"]),
    "credits": ({"credits": -1}, ["PersonaMock(credits=…)"]),
    "strict": ({"strict": "yes"}, ["PersonaMock(strict=…)", "'yes'", "True or False"]),
    "strict outcomes": ({"strict_outcomes": 1}, ["PersonaMock(strict_outcomes=…)", "True or False"]),
    "quirks": ({"quirks": 5}, ["PersonaMock(quirks=…)"]),
    "specs": ({"specs": 5}, ["PersonaMock(specs=…)"]),
    "callback_allow": ({"callback_allow": 5}, ["PersonaMock(callback_allow=…)"]),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_that_cannot_be_is_told_at_once(name: str) -> None:
    options, parts = OPTIONS[name]

    with pytest.raises(UsageError) as caught:
        PersonaMock(**options)

    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_a_sandbox_is_refused_likewise(world: Server, name: str) -> None:
    with pytest.raises(UsageError), world.sandbox("mine", **OPTIONS[name][0]):
        pass

    with world.sandbox("mine"):
        """The name is free."""


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"quirks": {"kie.colour": "blue"}}, ["kie.colour", "kie.duplicate=refuse or overwrite"]),
        ({"quirks": {"kie.duplicate": "maybe"}}, ["kie.duplicate", "maybe", "refuse", "overwrite"]),
        ({"quirks": ["kie.duplicate"]}, ["kie.duplicate"]),
        ({"scenario": "no-such-file.yaml"}, ["no-such-file.yaml", "a-bad-day"]),
        ({"sandbox": "no blanks"}, ["sandbox", "'no blanks'", "letters, digits"]),
        ({"sandbox": "x" * 65}, ["sandbox", "1 to 64"]),
        ({"sandbox": ""}, ["sandbox", "1 to 64"]),
        ({"sandbox": 5}, ["sandbox", "1 to 64"]),
    ],
)
def test_what_turns_out_at_the_start_is_told_then(options: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        PersonaMock(**options).start()

    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


def test_a_folder_without_documents_is_named() -> None:
    with pytest.raises(DocumentError, match=r"nowhere: no such folder"):
        PersonaMock(specs=["nowhere"]).start()


def test_the_outcomes_of_nobody_are_told_likewise() -> None:
    with pytest.raises(UsageError, match=r"no provider 'suno'.*kie"):
        outcomes("suno", "generatePersona")
    with pytest.raises(UsageError, match=r"kie has no operation 'nope'.*generatePersona"):
        outcomes("kie", "nope")


# --- a server -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda server: server.url,
        lambda server: server.address,
        lambda server: server.sandbox("x").__enter__(),
        lambda server: PersonaMock(server=server).start(),
    ],
)
def test_a_server_that_does_not_run_says_so(use: Any) -> None:
    never, ended = Server(), Server()
    with ended:
        assert ended.is_running

    for server in (never, ended):
        assert not server.is_running
        with pytest.raises(UsageError, match=r"server is not started, or has ended. Use it in a `with`"):
            use(server)


def test_a_server_is_not_started_twice(world: Server) -> None:
    with pytest.raises(UsageError, match=r"started already"):
        world.start()

    assert world.is_running


def test_an_option_of_a_server_that_cannot_be_is_told() -> None:
    with pytest.raises(UsageError, match=r"Server\(pace=…\)"):
        Server(pace="fast")
    with pytest.raises(UsageError, match=r"Server: pase is no option. Did you mean pace?"):
        Server(pase="fast")  # type: ignore[call-arg]
