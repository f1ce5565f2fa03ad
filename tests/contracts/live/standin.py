"""A provider that is none: our mock in this process, bent where a test wants it, its time in our hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from contracts import live
from contracts.case import CaseFile
from contracts.casefile import PACKAGED, load
from contracts.finding import Checked, Finding
from contracts.inside import Inside
from contracts.live.ledger import Ledger, account
from contracts.live.plan import Plan, Prices, plan
from contracts.remote import Remote
from contracts.target import Call, Reply, Target
from mockserver.openapi.compiled import Document
from mockserver.settings import Settings
from mockserver.testing import Server
from mockserver.web.app import create_app
from mockserver.web.world import open_documents

Json = Any
Status = Literal["envelope", "http", "auto"]

KEY = "sk-live/Qz9Wx4 a1\"7c'e0"
TODAY = "2026-11-30"
URL = "http://127.0.0.1:4010"
CREDITS = 10_000

# Small, with a case of every kind: free, looking at a song, costly, using songs up, with a persona.
SMALL = """
provider: kie
pages: {page: {source: 'docs.example.com, personas', read: 2026-11-21}}
live:
  gap: 1
  submissions: {count: 3, seconds: 10}
  song:
    request: song
    cost: 12
    task: /body/data/taskId
    poll: {operation: getMusicDetails, query: {taskId: '${song.task}'}}
    every: 30
    at-most: 300
    until: {body: {data: {status: SUCCESS}}}
    failed: {body: {data: {status: {$one-of: [CREATE_TASK_FAILED, GENERATE_AUDIO_FAILED]}}}}
    ids: /body/data/response/sunoData/*/id
  persona: {request: persona, cost: 1, id: /body/data/personaId}
requests:
  song:
    operation: generateMusic
    body:
      {prompt: Calm piano, customMode: false, instrumental: true, model: V4_5, callBackUrl: '${callback.url}'}
  persona:
    operation: generatePersona
    body: {taskId: '${song.task}', audioId: '${song.id}', name: Neon, description: Warm night voice}
cases:
  balance-is-a-number:
    fact: The balance is a number.
    page: page
    where: [mock, live]
    request: {operation: getCredits}
    expect: {status: 200, code: 200, outcome: success, body: {data: {$type: number}}}
  name-is-required:
    fact: A persona has a name.
    page: page
    where: [mock, live]
    request:
      {operation: generatePersona, body: {taskId: 5c79be8e5c79be8e5c79be8e5c79be, audioId: e, description: a}}
    expect: {status: 200, code: 422, outcome: invalid, body: {data: null}}
  key-is-required:
    fact: Nobody comes in without a key.
    page: page
    where: [mock, live]
    request: {operation: getCredits, key: none}
    expect: {status: 200, code: 401, outcome: unauthorized}
  finished-song-is-shown:
    fact: A finished song is a success.
    page: page
    where: [mock, live]
    given: {song: finished}
    request: {operation: getMusicDetails, query: {taskId: '${song.task}'}}
    expect:
      {status: 200, code: 200, outcome: success, body: {data: {taskId: '${song.task}', status: SUCCESS}}}
  song-becomes-a-persona:
    fact: A song becomes a persona.
    page: page
    where: [mock, live]
    cost: 1
    given: {song: {state: finished, spent: true}}
    request: persona
    expect: {status: 200, code: 200, outcome: success, body: {data: {personaId: {$type: string}, name: Neon}}}
  second-persona-is-refused:
    fact: A song becomes a persona once.
    page: page
    where: [mock, live]
    cost: 1
    given: {song: {state: finished, spent: true}}
    request: persona
    expect: {status: 200, code: 200, outcome: success}
    then:
    - {request: persona, expect: {status: 200, code: 409, outcome: duplicate, body: {data: null}}}
  persona-sings:
    fact: A persona sings further songs.
    page: page
    where: [mock, live]
    cost: 12
    given: {song: finished, persona: made}
    request: {use: song, set: {/body/personaId: '${persona.id}'}}
    expect: {status: 200, code: 200, outcome: success}
  maintenance-is-told:
    fact: Maintenance has a code of its own.
    page: page
    where: [mock, live]
    given: {outcome: maintenance}
    request: song
    expect: {status: 200, code: 455, outcome: maintenance}
  limit-is-kept:
    fact: Twenty calls in ten seconds are let in.
    page: page
    where: [mock]
    request: {operation: getCredits}
    times: 2
    expect: {status: 200, outcome: success}
"""
# By hand: two songs for the three personas (of four tracks), the persona that is shared, three cases.
COST = 2 * 12 + 1 + 1 + 1 + 12
RUN = 7


class Outcome(NamedTuple):
    """What a run came to."""

    checked: Checked
    ledger: Ledger
    plan: Plan

    @property
    def found(self) -> dict[str, Finding]:
        """The first finding of each case."""
        return {finding.case or "": finding for finding in reversed(self.checked.findings)}

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        """Severity, rule and case of each finding."""
        return sorted((one.severity, one.rule, one.case or "") for one in self.checked.findings)


Bend = Callable[[Call, Callable[[Call], Reply]], Reply]


class StandIn:
    """The provider, as a target; it counts what it is asked, and time passes when somebody sleeps."""

    def __init__(self, mock: Target, provider: str, documents: dict[str, Document]) -> None:
        self.url = URL
        self.provider, self.document = provider, documents[provider]
        self.calls: list[Call] = []
        self.sent_at: list[float] = []
        self.slept: list[float] = []
        self.now = 0.0
        # What a bent provider has taken beside what the mock has.
        self.charged = 0.0
        self.bend: Bend = lambda call, answer: answer(call)
        self.on_sleep: Callable[[float], None] = lambda _: None
        self._mock = mock

    def send(self, call: Call) -> Reply:
        """The answer, or what a test has put in its place."""
        self.calls.append(call)
        self.sent_at.append(self.now)
        return self.bend(call, self._answer)

    def _answer(self, call: Call) -> Reply:
        return self._mock.send(call._replace(target=f"/{self.provider}{call.target}"))

    def sleep(self, seconds: float) -> None:
        """Time passes, here and at the provider."""
        self.slept.append(seconds)
        self.on_sleep(seconds)
        self.now += seconds
        self.control("POST", "clock/advance", {"seconds": seconds})

    def control(self, method: str, path: str, body: Json = None) -> Json:
        """A call to the mock's control API."""
        sent = None if body is None else json.dumps(body).encode()
        reply = self._mock.send(Call(method, f"/_mock/{path}", [("content-type", "application/json")], sent))
        assert reply.status < 300, reply
        return reply.json

    def always(self, operation: str, outcome: str, **more: Json) -> None:
        """An operation meets an outcome whenever it is called."""
        body = {"provider": self.provider, "operation": operation, "outcome": outcome, "times": None}
        self.control("POST", "outcomes", {**body, **more})

    def fault(self, operation: str, fault: str, **more: Json) -> None:
        """An operation has a fault whenever it is called."""
        body = {"provider": self.provider, "operation": operation, "fault": fault, "times": None}
        self.control("POST", "faults", {**body, **more})

    @property
    def spent(self) -> float:
        """What the account has paid, by the provider's own book."""
        accounts = self.control("GET", "state")["accounts"]
        left = [one["credits"] for one in accounts if one["credits"] != CREDITS]
        assert len(left) <= 1, accounts
        return CREDITS - (left[0] if left else CREDITS) + self.charged

    def posts(self, operation: str) -> int:
        """How often it was called by that name, by the provider's own journal."""
        told = self.control("GET", f"requests?operation={operation}&limit=1000")["requests"]
        return len(told)

    # --- runs -----------------------------------------------------------------------------------------------

    def ledger(self, *, budget: float | None = None, file: Path | None = None, key: str = KEY) -> Ledger:
        """A book of this target; it goes on where the file ends, if there is one."""
        run = {"provider": self.provider, "address": self.url, "account": account(key)}
        ledger = Ledger(run, budget, file, live.hider(key))
        if file is not None and file.exists():
            ledger.go_on(file.read_text("utf-8"))
        return ledger

    def run(
        self,
        cases: CaseFile,
        *,
        ledger: Ledger | None = None,
        budget: float | None = None,
        key: str = KEY,
        is_near: bool = False,
        **options: Any,
    ) -> Outcome:
        """One run of `check live`, as the command makes it."""
        ledger = ledger or self.ledger(budget=budget, key=key)
        left = None if ledger.budget is None else ledger.budget - ledger.spent
        planned = plan(
            cases,
            prices=Prices(cases, self.document),
            is_near=is_near,
            budget=left,
            stock=ledger.stock,
            done=frozenset(case.name for case in cases.cases if ledger.known(case)),
        )
        given = live.Options(
            key=key,
            clock=lambda: self.now,
            sleep=self.sleep,
            today=options.pop("today", TODAY),
            is_provider=options.pop("is_provider", False),
            is_near=is_near,
            **options,
        )
        return Outcome(live.check(planned, self, self.document, cases, ledger, given), ledger, planned)


@cache
def documents(status: Status = "auto") -> dict[str, Document]:
    """The packaged documents, read once."""
    return open_documents(Settings(status=status))


@cache
def packaged(provider: str) -> CaseFile:
    """The packaged cases of a provider, read once."""
    return load(PACKAGED, {provider: documents()[provider]})[provider]


def small(folder: Path, *changes: tuple[str, str]) -> CaseFile:
    """The small file, with texts in it replaced."""
    text = SMALL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "kie.yaml").write_text(text, "utf-8")
    return load(folder, {"kie": documents()["kie"]})["kie"]


@contextmanager
def on_socket(provider: str = "kie") -> Iterator[StandIn]:
    """One that listens, for faults that break a connection."""
    known = documents()
    with Server(clock="virtual", seed=0, credits=CREDITS, rate_limits="documented") as server:
        yield StandIn(Remote(server.url), provider, known)


@contextmanager
def standing(provider: str = "kie", **settings: Any) -> Iterator[StandIn]:
    """A provider that stands in for another, with settings of its own."""
    given = Settings(clock="virtual", seed=0, credits=CREDITS, **settings)
    known = documents(given.status)
    with Inside(create_app(given, documents=dict(known)), URL) as inside:
        yield StandIn(inside, provider, known)
