"""Whatever happens to tasks and receivers, callbacks go out as a small model says: which, when, how often."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import count
from math import inf
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mockserver.settings import Settings
from mockserver.web import agenda
from mockserver.web.app import create_app
from mockserver.web.courier import Answer as Answered
from tests.random import asgi
from tests.random.callback_model import (
    DROP,
    DUPLICATE,
    EARLY,
    PROVIDERS,
    REORDER,
    SECOND,
    START_CREDITS,
    Answer,
    Callback,
    Sandbox,
    State,
    Task,
)
from tests.random.model import PersonaCall, SongCall
from tests.random.wire import WIRES, Request

ALICE, BOB = "alice-key", "bob-key"
CONTROL = {"default": "/_mock", "twin": "/_sandbox/twin/_mock"}
PREFIXES = {"default": "", "twin": "/_sandbox/twin/{provider}"}
START = 1_767_225_600
FOREIGN = "https://example.com/callback"
FIELDS = {"kie": "callBackUrl", "crun": "callback_url", "evolink": "callback_url", "yuto": "notify_hook"}
MODELS = {"kie": "V5", "crun": "v5", "evolink": "suno-v5-beta", "yuto": "chirp-v4"}

CREDITS = {"be poor": 5, "be rich": 1000}
DEEDS = ["save"] * 3 + ["bring"] * 5 + ["reset", *CREDITS]

SETTINGS = settings(max_examples=20, stateful_step_count=35, suppress_health_check=list(HealthCheck))

# What is likely comes often: a random walk in which nothing is ever delivered shows little.
PLACES = st.sampled_from(["default"] * 4 + ["twin"])
NAMES = st.sampled_from(["kie"] * 3 + ["evolink"] * 3 + ["crun", "yuto"])
WHICH = st.sampled_from([0] * 6 + [1, 1, 1, 2, 3])
KEYS = st.sampled_from([ALICE, ALICE, BOB])
SCRIPTS = st.one_of(
    st.lists(st.sampled_from([200, 201, 500, 500, None]), max_size=8).map(tuple),
    # A receiver that is down for a while: what comes meanwhile has to wait in line.
    st.sampled_from([(500, 500, 500), (None, 201, 500, 500, 500)]),
)
SPOILT = st.tuples(
    st.sampled_from([DUPLICATE, DROP, REORDER, REORDER, EARLY]),
    st.sampled_from([None, None, "kie", "evolink"]),
    st.sampled_from([1, 1, 2, 2, None]),
)
SECONDS = st.sampled_from([0, 0.001, 0.5, 1, 1, 2, 3.25, 4, 7, 8.6, 12, 30, 42, 60, 120])


# --- receivers ---------------------------------------------------------------------------------------------


class Received(NamedTuple):
    """What a receiver was sent."""

    url: str
    body: Any


class Receivers:
    """Stands where connections are made: every URL has its script, and answers 200 once that is over."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._scripts: dict[str, list[Answer]] = {}
        self._numbers = count(1)

    def open(self, script: list[Answer]) -> str:
        """The URL of a new receiver."""
        url = f"http://127.0.0.1:9/{next(self._numbers)}"
        self._scripts[url] = list(script)
        return url

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, **_: Any) -> Answered:
        """What the sender calls."""
        self.received.append(Received(url, json.loads(body)))
        script = self._scripts[url]
        answer = script.pop(0) if script else 200
        return Answered(answer, None if answer else "the connection was closed without an answer")


def stage_of(provider: str, body: Any) -> tuple[str, int]:
    """Which stage a body tells of, and how many songs are in it."""
    if provider == "kie":
        return body["data"]["callbackType"], len(body["data"]["data"] or ())
    if provider == "crun":
        result = body["data"]["result"]
        stage = {"success": "complete", "failed": "error"}[body["data"]["status"]]
        return stage, len(result.get("suno_data") or ())
    if provider == "evolink":
        songs = (body.get("result_data") or {}).get("songs") or ()
        stages = {"completed": "complete", "failed": "error"}
        early = {30: "text", 60: "first"}
        return stages.get(body["status"]) or early[body["progress"]], len(songs)
    stage = {"SUCCESS": "complete", "FAILURE": "error"}[body["status"]]
    return stage, len(body["data"]) if stage == "complete" else 0


# --- stories -----------------------------------------------------------------------------------------------


class Draft(NamedTuple):
    """A song to be submitted."""

    provider: str = "kie"
    key: str = ALICE
    script: tuple[Answer, ...] = ()
    hears: str = "receiver"
    failure: int | None = None
    seconds: int | None = None
    wish: bool = False


DRAFTS = st.builds(
    Draft,
    provider=NAMES,
    key=KEYS,
    script=SCRIPTS,
    hears=st.sampled_from(["receiver"] * 8 + ["foreign", "nobody"]),
    failure=st.sampled_from([None] * 4 + [0, 1, 2, 3]),
    seconds=st.sampled_from([None] * 3 + [1, 10, 40]),
    wish=st.sampled_from([False] * 5 + [True]),
)


class Walks(RuleBasedStateMachine):
    """The server and the model side by side."""

    app: Any
    receivers: Receivers
    # So many polls show each state of a task; 0 where time moves it on.
    every: int

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.scripts: dict[str, list[Answer]] = {}
        self.worlds = {name: Sandbox(self.scripts, self.every) for name in CONTROL}
        self.saved: list[tuple[Any, State]] = []
        self.touched: set[str] = set()
        # So much of what the receivers got has been looked at.
        self.heard = len(self.receivers.received)
        self.personas: set[str] = set()
        self.requests = dict.fromkeys(CONTROL, 0)
        for name in CONTROL:
            self.control(name, "POST", "/reset")

    def teardown(self) -> None:
        """See that everything was told, and close what was opened."""
        try:
            for at in CONTROL:
                self._events_are_told_once(at)
        finally:
            self.runner.close()

    # --- calls

    def ask(
        self, at: str, provider: str, request: Request, key: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> asgi.Answer:
        """A provider call."""
        self.touched.add(at)
        self.requests[at] += 1
        credential = ("x-api-key", key) if provider == "crun" else ("authorization", f"Bearer {key}")
        body = b"" if request.body is None else json.dumps(request.body).encode()
        path = PREFIXES[at].format(provider=provider) + request.path
        sent = [("content-type", "application/json"), credential, *headers]
        answer = asgi.call(self.app, request.method, path, sent, body, self.runner.run)
        assert "x-mock-error" not in answer.headers, answer
        return answer

    def control(self, at: str, method: str, path: str, body: Any = None) -> Any:
        """The body of a control call, which goes well."""
        if method != "GET":
            self.touched.add(at)
        sent = b"" if body is None else json.dumps(body).encode()
        answer = asgi.call(self.app, method, CONTROL[at] + path, (), sent, self.runner.run)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def advance(self, at: str, body: dict[str, Any]) -> tuple[int, int]:
        """Move the clock; how many callbacks were delivered and given up on the way."""
        told = self.control(at, "POST", "/clock/advance", body)
        return told["delivered"], told["gave_up"]

    def settle(self, at: str) -> None:
        """Wait for the answers to what a call has set going: no time passes."""
        self.advance(at, {"seconds": 0})

    def task(self, at: str, which: int) -> Task:
        """One of a sandbox's tasks, the newest first."""
        made = list(self.worlds[at].tasks.values())
        return made[-1 - which % len(made)]

    # --- submitting

    @initialize(
        drafts=st.lists(DRAFTS, min_size=1, max_size=3), spoilt=st.lists(SPOILT, min_size=1, max_size=2)
    )
    def begin(self, drafts: list[Draft], spoilt: list[tuple[Any, ...]]) -> None:
        """A world with something in it."""
        for fault in spoilt:
            self.spoil("default", fault)
        for draft in drafts:
            self.submit("default", draft)
        self.submit("twin", drafts[0])

    @rule(at=PLACES, draft=DRAFTS)
    def submit(self, at: str, draft: Draft) -> None:
        """Submit a song."""
        facts, world = PROVIDERS[draft.provider], self.worlds[at]
        request = WIRES[draft.provider].song(
            SongCall(draft.provider, draft.key, model=MODELS[draft.provider])
        )
        assert request.body is not None
        url = self._url(draft)
        request.body[FIELDS[draft.provider]] = url
        if not url:
            del request.body[FIELDS[draft.provider]]
        failure = None if draft.failure is None else list(facts.failures)[draft.failure % len(facts.failures)]
        if draft.wish:
            failure = next(iter(facts.failures))
        words = self._words(draft, None if draft.wish else failure)
        where = request.body["input"] if draft.provider == "crun" else request.body
        where["prompt"] += words
        price = facts.prices["song"]

        headers = (("prefer", "outcome=task-failed"),) if draft.wish else ()
        answer = self.ask(at, draft.provider, request, draft.key, headers)

        if world.balance(draft.key) < price and not draft.wish:
            assert answer.headers["x-mock-outcome"] == "insufficient-credits"
            return
        assert answer.headers["x-mock-outcome"] == ("task-failed" if failure else "success"), answer
        length = facts.lengths["song"] if draft.wish else draft.seconds or facts.lengths["song"]
        self._keep(at, draft.provider, "song", draft.key, answer, length * SECOND, url, failure)

    def _url(self, draft: Draft) -> str:
        # kie wants a URL; the others may do without.
        if draft.hears == "foreign" or (draft.hears == "nobody" and draft.provider == "kie"):
            return FOREIGN
        return self._receiver(draft.script) if draft.hears == "receiver" else ""

    def _receiver(self, script: tuple[Answer, ...]) -> str:
        url = self.receivers.open(list(script))
        self.scripts[url] = list(script)
        return url

    def _words(self, draft: Draft, failure: str | None) -> str:
        if draft.wish:
            return ""
        fails = f" mock:fail={_error(draft.provider, failure)}" if failure else ""
        return fails + (f" mock:slow={draft.seconds}" if draft.seconds else "")

    def _keep(
        self,
        at: str,
        provider: str,
        kind: str,
        key: str,
        answer: asgi.Answer,
        length: int,
        url: str,
        failure: str | None,
    ) -> None:
        world, id = self.worlds[at], WIRES[provider].task_of(json.loads(answer.body))
        price = min(PROVIDERS[provider].prices[kind], world.balance(key))
        before = len(world.callbacks)
        is_early = bool(url) and any(
            fault.name == EARLY and fault.provider in (None, provider) for fault in world.state.faults
        )
        heard = len(self.receivers.received)
        world.submit(Task(id, provider, kind, key, length, world.now, price, url, url == FOREIGN, failure))
        # An early callback has arrived before the answer to the submission.
        if is_early and any(made.attempts for made in world.callbacks[before:]):
            assert any(one.url == url for one in self.receivers.received[self.heard : heard])

    @rule(at=PLACES, which=WHICH, script=SCRIPTS, fails=st.booleans())
    def make_persona(self, at: str, which: int, script: tuple[Answer, ...], fails: bool) -> None:
        """Make an evolink persona of a finished song: a task of its own, which tells its end alone."""
        world = self.worlds[at]
        songs = [
            task
            for task in world.tasks.values()
            if (task.provider, task.kind, task.is_taken) == ("evolink", "song", False)
            and task.is_final
            and not task.has_failed
            and world.balance(task.key)
        ]
        if not songs:
            return
        source = songs[-1 - which % len(songs)]
        song = self.control(at, "GET", f"/tasks/{source.id}")["songs"][0]
        url = self._receiver(script)
        request = WIRES["evolink"].persona(PersonaCall("evolink", source.key, source.id, song))
        assert request.body is not None
        request.body["callback_url"] = url

        headers = (("prefer", "outcome=task-failed"),) if fails else ()
        answer = self.ask(at, "evolink", request, source.key, headers)

        assert answer.headers["x-mock-outcome"] == ("task-failed" if fails else "success"), answer
        source.is_taken = True
        self.personas.add(WIRES["evolink"].task_of(json.loads(answer.body)))
        failure = "failed" if fails else None
        self._keep(at, "evolink", "persona", source.key, answer, 15 * SECOND, url, failure)

    @rule(at=PLACES, provider=NAMES, status=st.sampled_from(["waiting", "running", "finished", "failed"]))
    def plant(self, at: str, provider: str, status: str) -> None:
        """Plant a task: it calls nobody."""
        facts = PROVIDERS[provider]
        shown = self.control(at, "POST", "/tasks", {"provider": provider, "status": status, "key": BOB})
        failure = next(iter(facts.failures)) if status == "failed" else None
        share = next((stage.share for stage in facts.way if stage.status == status), None)
        length = facts.lengths["song"] * SECOND
        task = Task(shown["source_task"], provider, "song", BOB, length, 0, 0, failure=failure)
        self.worlds[at].plant(task, facts.failures[failure] if failure else share or 0)

    # --- pushing

    @rule(at=PLACES, which=WHICH, to=st.sampled_from([0, 1, 2, 3, 4, 5, -1, -1]), neutral=st.booleans())
    def push(self, at: str, which: int, to: int, neutral: bool) -> None:
        """Put a task to a state."""
        if not self.worlds[at].tasks:
            return
        task = self.task(at, which)
        way = task.facts.way
        stage = way[to % len(way)]
        name = stage.status if neutral else stage.name
        place = next(i for i, one in enumerate(way) if name in (one.name, one.status))

        shown = self.control(at, "PATCH", f"/tasks/{task.id}", {"status": name})

        self.worlds[at].push(task, place)
        assert (shown["state"], shown["status"]) == task.state

    @rule(at=PLACES, which=WHICH, percent=st.sampled_from([0, 5, 20, 35, 50, 60, 75, 95, 100]))
    def push_to_progress(self, at: str, which: int, percent: int) -> None:
        """Put a task to a progress, which is a share of its time, a step, or what climbs while it runs."""
        if not self.worlds[at].tasks:
            return
        task = self.task(at, which)
        facts = task.facts
        share: float = facts.climbs_from + (100 - facts.climbs_from) * percent / 100
        if facts.has_steps:
            share = [stage.share for stage in facts.way if stage.progress <= percent][-1]
        place = max(i for i, stage in enumerate(facts.way) if stage.share <= share)

        self.control(at, "PATCH", f"/tasks/{task.id}", {"progress": percent})

        self.worlds[at].push(task, place, share, percent if facts.has_steps and percent < 100 else 0)

    @rule(at=PLACES, which=WHICH, failure=st.sampled_from([0, 0, 1, 2]), named=st.booleans())
    def fail(self, at: str, which: int, failure: int, named: bool) -> None:
        """Let a task fail now."""
        if not self.worlds[at].tasks:
            return
        task = self.task(at, which)
        known = list(task.facts.failures)
        state = known[failure % len(known)] if named else known[0]
        body = {"error": _error(task.provider, state)} if named else {"status": "failed"}

        self.control(at, "PATCH", f"/tasks/{task.id}", body)

        self.worlds[at].fail(task, state)

    # --- looking

    @rule(
        at=PLACES, which=WHICH, times=st.integers(1, 5), is_owner=st.sampled_from([True, True, True, False])
    )
    def poll(self, at: str, which: int, times: int, is_owner: bool) -> None:
        """Look at a task, as its owner or as another, whose looks do not count."""
        if not self.worlds[at].tasks:
            return
        task = self.task(at, which)
        wire, other = WIRES[task.provider], BOB if task.key == ALICE else ALICE
        for _ in range(times):
            answer = self.ask(at, task.provider, wire.poll(task.id), task.key if is_owner else other)
            if is_owner:
                self.worlds[at].poll(task)
                assert wire.seen(json.loads(answer.body)).state == task.shown

    # --- faults

    @rule(at=PLACES, fault=st.one_of(SPOILT, SPOILT, SPOILT, SPOILT, st.none()))
    def spoil(self, at: str, fault: tuple[str, str | None, int | None] | None) -> None:
        """Have something done to callbacks, or nothing any more."""
        if fault is None:
            self.control(at, "DELETE", "/faults")
            self.worlds[at].state.faults.clear()
            return
        name, provider, times = fault
        body = {"fault": name, "times": times, **({"provider": provider} if provider else {})}
        self.control(at, "POST", "/faults", body)
        self.worlds[at].add_fault(name, provider, times)

    # --- time

    @rule(at=PLACES, seconds=SECONDS)
    def wait(self, at: str, seconds: float) -> None:
        """Let a while pass."""
        self._go_to(at, self.worlds[at].now + round(seconds * SECOND))

    @rule(at=PLACES, which=st.sampled_from([0, 0, 0, 1, 3]), nudge=st.sampled_from([0, 0, 0, -1, 1]))
    def go_to_a_moment(self, at: str, which: int, nudge: int) -> None:
        """Go to when something is due, or a microsecond beside it."""
        world = self.worlds[at]
        moments = world.moments()
        if moments:
            self._go_to(at, max(world.now, moments[which % len(moments)] + nudge))

    @rule(at=PLACES, times=st.integers(1, 6))
    def go_from_moment_to_moment(self, at: str, times: int) -> None:
        """Go to when something is due, and to the next such moments."""
        for _ in range(times):
            self.go_to_a_moment(at, 0, 0)

    def _go_to(self, at: str, moment: int) -> None:
        world = self.worlds[at]
        told = self.advance(at, {"seconds": (moment - world.now) / SECOND})
        assert told == world.advance(moment)

    @rule(at=PLACES)
    def go_on_until_idle(self, at: str) -> None:
        """Let everything end."""
        told = self.advance(at, {"until": "idle"})
        assert told == self.worlds[at].advance(inf)
        assert all(task.is_final for task in self.worlds[at].tasks.values())

    @rule(at=PLACES, name=st.sampled_from([DROP, DROP, DUPLICATE]))
    def spoil_what_comes_next(self, at: str, name: str) -> None:
        """Have something done to the next callback, in whose place another one may wait, and go there."""
        self.spoil(at, (name, None, 1))
        self.go_from_moment_to_moment(at, 2)

    # --- again

    @rule(at=PLACES, which=WHICH)
    def redeliver(self, at: str, which: int) -> None:
        """Have a callback sent again."""
        world = self.worlds[at]
        ended = [
            (place, callback)
            for place, callback in enumerate(world.callbacks)
            if callback.state in ("delivered", "gave-up")
            and callback.url != FOREIGN
            and not world.waits_again(callback)
        ]
        if ended:
            place, callback = ended[-1 - which % len(ended)]
            id = self.control(at, "GET", "/callbacks")["callbacks"][place]["id"]
            self.control(at, "POST", f"/callbacks/{id}/redeliver")
            world.redeliver(callback)

    @rule(at=PLACES, deed=st.sampled_from(DEEDS), which=WHICH)
    def whole_state(self, at: str, deed: str, which: int) -> None:
        """Export a state, import one (also the other sandbox's), forget everything, change a balance."""
        if deed == "save":
            self.saved.append((self.control(at, "GET", "/state"), self.worlds[at].export()))
        elif deed == "reset":
            self._events_are_told_once(at)
            self.control(at, "POST", "/reset")
            self.worlds[at] = Sandbox(self.scripts, self.every)
            self.requests[at] = 0
        elif deed in CREDITS:
            key = (ALICE, BOB)[which % 2]
            self.control(at, "PATCH", f"/accounts/{key}", {"credits": CREDITS[deed]})
            self.worlds[at].state.credits[key] = CREDITS[deed]
        elif self.saved:
            state, kept = self.saved[-1 - which % len(self.saved)]
            self.control(at, "PUT", "/state", state)
            self.worlds[at].bring(kept)

    # --- what always holds

    @invariant()
    def all_is_as_predicted(self) -> None:
        """Clock, tasks, accounts and callbacks of every sandbox where anything may have changed."""
        for at in sorted(self.touched):
            world = self.worlds[at]
            self.settle(at)
            assert round((self.control(at, "GET", "/clock")["epoch"] - START) * SECOND) == world.now
            self._tasks_are_as_predicted(at, world)
            self._callbacks_are_as_predicted(at, world)
            faults = self.control(at, "GET", "/faults")["faults"]
            left = [(fault["fault"], fault["provider"], fault["left"]) for fault in faults]
            assert left == [tuple(vars(fault).values()) for fault in world.state.faults]
            for key in (ALICE, BOB):
                assert self.control(at, "GET", f"/accounts/{key}")["credits"] == world.balance(key), key
        self.touched.clear()

    def _tasks_are_as_predicted(self, at: str, world: Sandbox) -> None:
        listed = self.control(at, "GET", "/tasks?limit=1000")["tasks"]
        shown = [(task["id"], task["state"], task["status"], task["charged"]) for task in listed]
        assert shown == [
            (task.id, *task.state, 0 if task.has_failed else task.charged) for task in world.tasks.values()
        ]

    def _callbacks_are_as_predicted(self, at: str, world: Sandbox) -> None:
        """Every delivery in the order of making, with the attempts that were due, and what was received."""
        listed = self.control(at, "GET", "/callbacks")["callbacks"]
        assert [_shown(callback) for callback in listed] == [_expected(one) for one in world.callbacks]
        assert len({callback["id"] for callback in listed}) == len(listed)
        for callback in listed:
            stage, songs = stage_of(callback["provider"], callback["payload"])
            assert stage == callback["stage"]
            is_persona = callback["task"] in self.personas
            wanted = {"complete": 2, "first": 1}.get(stage, 0)
            assert songs == (0 if is_persona else wanted), callback
            assert (callback["reason"] is None) == (callback["state"] in ("due", "delivered"))
        self._receivers_heard(world, listed)

    def _receivers_heard(self, world: Sandbox, listed: list[Any]) -> None:
        """What came is what was to be sent, each receiver's in order."""
        came = self.receivers.received[self.heard :]
        self.heard = len(self.receivers.received)
        heard: dict[str, list[str]] = defaultdict(list)
        for one in came:
            told = [callback for callback in listed if callback["url"] == one.url]
            assert one.body in [callback["payload"] for callback in told], one
            heard[one.url].append(stage_of(told[0]["provider"], one.body)[0])
        assert heard == world.sent
        world.sent.clear()

    # --- events

    def _events_are_told_once(self, at: str) -> None:
        """The log tells each step of a task once and in order, and whatever became of each callback."""
        world = self.worlds[at]
        self.ask(at, "kie", Request("GET", "/api/v1/chat/credit"), ALICE)
        told = list(self._events(at, self.requests[at]))
        steps: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        callbacks: dict[str, list[tuple[str, Answer]]] = {}
        for kind, data in told:
            if kind == "task":
                steps[data["id"]].append((data["state"], data["status"], _moment(data["at"])))
            elif kind == "callback":
                status = data["attempt"]["status"] if data["attempt"] else None
                callbacks.setdefault(data["id"], []).append((data["state"], status))
        assert set(steps) == set(world.steps)
        for id, wanted in world.steps.items():
            assert [step[:2] for step in steps[id]] == [step[:2] for step in wanted]
            for told_of, due in zip(steps[id], wanted, strict=True):
                assert due[2] is None or told_of[2] == due[2] // 1000
        assert list(callbacks.values()) == [callback.told for callback in world.callbacks]

    def _events(self, at: str, requests: int) -> Iterator[tuple[str, Any]]:
        """All that the log holds, up to the last of so many requests."""
        text = self.runner.run(_streamed(self.app, f"{CONTROL[at]}/events", requests)).decode()
        for event in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in event.splitlines() if not line.startswith(":"))
            if fields:
                yield fields["event"], json.loads(fields["data"])


async def _streamed(app: Any, path: str, requests: int) -> bytes:
    """A stream of events from the beginning, left when so many requests were told of."""
    enough = asyncio.Event()
    sent: list[bytes] = []
    body = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if body:
            return body.pop()
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        if b"".join(sent).count(b"event: request\n") >= requests:
            enough.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"last-event-id", b"0")],
        "server": ("127.0.0.1", 4010),
        "client": ("127.0.0.1", 50000),
    }
    await asyncio.wait_for(app(scope, receive, send), 10)
    return b"".join(sent)


def _shown(callback: Any) -> tuple[Any, ...]:
    attempts = [(_moment(attempt["at"]), attempt["status"]) for attempt in callback["attempts"]]
    return (
        callback["task"],
        callback["provider"],
        callback["stage"],
        callback["url"],
        callback["state"],
        attempts,
    )


def _expected(callback: Callback) -> tuple[Any, ...]:
    # Moments are shown in milliseconds, cut.
    attempts = [(at // 1000, answer) for at, answer in callback.attempts]
    return callback.task, callback.provider, callback.stage, callback.url, callback.state, attempts


def _moment(text: str) -> int:
    return round((datetime.fromisoformat(text).timestamp() - START) * 1000)


def _error(provider: str, state: str | None) -> str | None:
    """The failure that leads to a state, by a name that the provider has for it."""
    return {"evolink": "generation_timeout", "yuto": "generation_failed"}.get(provider, state)


def _walks(world: Any, town: Receivers, polls: int) -> type[Walks]:
    class Here(Walks):
        app, receivers, every = world, town, polls

    return Here


@pytest.mark.parametrize("every", [0, 1, 3], ids=["time", "every-poll", "every-third-poll"])
def test_any_walk_tells_what_the_facts_say(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    receivers = Receivers()
    monkeypatch.setattr(agenda, "post", receivers.post)
    given: dict[str, Any] = {"pace": f"polls:{every}"} if every else {}
    given |= {"seed": 0, "clock": "virtual", "rate_limits": "off", "credits": START_CREDITS}
    app = create_app(Settings(**given, journal_size=3000))

    try:
        run_state_machine_as_test(_walks(app, receivers, every), settings=SETTINGS)
    finally:
        app.state.mock.agenda.close()
