"""Any sequence of calls by two accounts in two sandboxes comes to what a small model says it must."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
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

from mockserver.openapi.library import packaged_folder
from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.random.asgi import Answer, call
from tests.random.judge import complaint
from tests.random.model import DAY, PROVIDERS, Persona, PersonaCall, Sandbox, SongCall, Task, Window
from tests.random.wire import WIRES, Request, Seen

ALICE, BOB = "alice-key", "bob-key"
# Each place with the prefix its provider calls take: the root, and a sandbox by way of the provider's name.
PREFIXES = {"default": "", "twin": "/_sandbox/twin/{provider}"}
CONTROL = {"default": "/_mock", "twin": "/_sandbox/twin/_mock"}
START = 1_767_225_600

NO_TASK = {
    "kie": "0" * 32,
    "crun": "task_12345678",
    "evolink": "task-unified-1774169216-ocqaqde7",
    "yuto": "736a6f88-bd29-4b1e-b110-37132a5325ac",
}
NO_SONG = "4fcc4507-a7ae-4441-ad8a-465c2f61d5bb"
NO_PERSONA = "5c57d49ef834110496fae5aa14fec441"


class Draft(NamedTuple):
    """A call in terms of what is there when it is made: the newest task, its owner, its first song."""

    # The provider that the example is mostly about, or one of the others.
    whose: int = 0
    caller: str = "owner"
    # Newest first; the last of every list is unknown, the one before it may be the other sandbox's.
    which: int = 0
    song: str = "first"
    window: Window = (None, None)
    model: int = 0
    is_custom: bool = True
    has_voice: bool = False
    is_public: bool = False
    has_other_root: bool = False
    flaw: str | None = None
    wish: str | None = None


def _drafts(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Draft]:
    return st.fixed_dictionaries(fields).map(lambda drawn: Draft(**drawn))


COINS = st.booleans()
# What is likely comes often: a random walk that only meets locked doors shows little.
PLACES = st.sampled_from(["default"] * 5 + ["twin"])
WHICH = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, -1, -2])
WINDOWS = st.sampled_from(
    [(None, None)] * 8
    + [(5, 15), (0, 30), (12.5, 42.5), (20, None), (None, 12)]
    + [(5.5, 15), (0, 30.5), (12.5, 64), (25, None), (None, 9.5), (30, 10), (20, 20)]
)
BALANCES = st.sampled_from([0] * 4 + [0.5, 0.99, 1, 9.99, 10, 11.99, 12, 13.5, 99.99, 100, 112] + [1000] * 5)
WELL = _drafts(
    whose=st.sampled_from([0] * 8 + [1, 2, 3]),
    which=st.integers(0, 9),
    is_public=COINS,
    wish=st.sampled_from([None] * 4 + ["task-failed"]),
)
ANYHOW = _drafts(
    whose=st.sampled_from([0] * 6 + [1, 2, 3]),
    caller=st.sampled_from(["owner"] * 8 + ["other"] * 3 + ["nobody"]),
    which=WHICH,
    song=st.sampled_from(["first"] * 5 + ["second"] * 3 + ["of another", "unknown"]),
    window=WINDOWS,
    model=st.integers(0, 4),
    is_custom=st.sampled_from([True, True, True, False]),
    has_voice=COINS,
    is_public=COINS,
    has_other_root=st.sampled_from([False, False, False, True]),
    flaw=st.sampled_from([None] * 12 + ["missing", "wrong", "misfit"]),
    wish=st.sampled_from([None] * 8 + ["task-failed"] * 3 + ["success"]),
)


SETTINGS = settings(max_examples=40, stateful_step_count=50, suppress_health_check=list(HealthCheck))


class Place(NamedTuple):
    """A task that can be named, a song that can be named with it, and whose they are."""

    task: str
    songs: tuple[str, ...]
    key: str


@cache
def _app() -> Any:
    return create_app(
        Settings(seed=0, clock="virtual", rate_limits="off", verify_responses=True, journal_size=10)
    )


def _hundredths(credits: Any) -> Decimal:
    """Credits as they are printed: 11.989999 is not 11.99."""
    return Decimal(str(credits)) * 100


class Lifecycles(RuleBasedStateMachine):
    """The server and the model side by side."""

    # The one that a story is mostly about.
    provider: str

    def __init__(self) -> None:
        super().__init__()
        # Control calls about many tasks are answered beside the event loop, so there must be one.
        self.runner = asyncio.Runner()
        self.providers = [self.provider, *(name for name in PROVIDERS if name != self.provider)]
        self.worlds = {name: Sandbox() for name in PREFIXES}
        self.saved: list[tuple[Any, Sandbox]] = []
        # The sandboxes in which something may have changed since the last look.
        self.touched: set[str] = set()
        # The last export of each, as long as nothing may have changed since.
        self.last: dict[str, Any] = {}
        # Which sandbox an id was made in: no other may ever make it.
        self.minted: dict[str, str] = {}
        for name in PREFIXES:
            self.control(name, "POST", "/reset")

    def teardown(self) -> None:
        """Close what was opened."""
        self.runner.close()

    # --- calls

    def ask(
        self, at: str, provider: str, request: Request, key: str | None, wish: str | None = None
    ) -> Answer:
        """One provider call; its answer keeps the document."""
        headers = [("content-type", "application/json")]
        if key is not None:
            headers.append(("x-api-key", key) if provider == "crun" else ("authorization", f"Bearer {key}"))
        if wish is not None:
            headers.append(("prefer", f"outcome={wish}"))
        body = b"" if request.body is None else json.dumps(request.body).encode()
        path = PREFIXES[at].format(provider=provider) + request.path
        answer = call(_app(), request.method, path, headers, body)
        assert "x-mock-error" not in answer.headers, answer
        file = packaged_folder() / f"{provider}.yaml"
        assert complaint(file, request.template, request.method, answer) is None, answer
        return answer

    def control(self, at: str, method: str, path: str, body: Any = None) -> Any:
        """The body of a control call, which goes well."""
        if method != "GET":
            self._touch(at)
        sent = b"" if body is None else json.dumps(body).encode()
        headers = [("content-type", "application/json")]
        answer = call(_app(), method, CONTROL[at] + path, headers, sent, self.runner.run)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def _touch(self, at: str) -> None:
        self.touched.add(at)
        self.last.pop(at, None)

    def state(self, at: str) -> Any:
        """All that later answers depend on, but for the number of calls there have been."""
        state = self.control(at, "GET", "/state")
        state["ids"].pop("request", None)
        self.last[at] = state
        return state

    def judged(
        self,
        at: str,
        provider: str,
        operation: str,
        request: Request,
        key: str | None,
        outcome: str,
        wish: str | None = None,
    ) -> Any:
        """The body of an answer that is as the model says; None, and nothing changed, if it is a refusal."""
        is_done = outcome == "success" and operation != "poll"
        before = None if is_done else self.last.get(at) or self.state(at)

        answer = self.ask(at, provider, request, key, wish)

        body = json.loads(answer.body)
        named = wish or outcome
        met = (answer.headers["x-mock-outcome"], answer.status, WIRES[provider].code(body))
        assert met == (named, *PROVIDERS[provider].verdicts[operation][named]), (outcome, request, body)
        if is_done:
            self._touch(at)
        else:
            assert self.state(at) == before, (request, body)
        return body if outcome == "success" else None

    # --- what can be named

    def sources(self, at: str, provider: str) -> list[Place]:
        """Tasks of this sandbox, newest first, then one of the other, then one that never was."""
        here, there = (
            [task for task in reversed(world.tasks.values()) if task.provider == provider]
            for world in (self.worlds[at], self.worlds[_other(at)])
        )
        return [
            *(Place(task.id, task.songs, task.key) for task in [*here, *there[:1]]),
            Place(NO_TASK[provider], (NO_SONG,), ALICE),
        ]

    def personas(self, at: str, provider: str) -> list[Persona]:
        """Personas likewise, those that are not finished or never will be among them."""
        tasks = [task for task in self.worlds[at].tasks.values() if task.provider == provider]
        known = self.known_personas(at, provider)
        finished = {persona.id for persona in known}
        return [
            *known,
            *(
                Persona(task.persona, provider, task.key, task.root, False)
                for task in tasks
                if task.persona and task.root and task.persona not in finished
            ),
            *self.known_personas(_other(at), provider)[:1],
            Persona(NO_PERSONA, provider, ALICE, NO_SONG, False),
        ]

    def known_personas(self, at: str, provider: str) -> list[Persona]:
        """Those that exist in this sandbox, newest first."""
        world = self.worlds[at]
        known = (world.persona(provider, id) for key in (ALICE, BOB) for id in world.personas_of(key))
        return [one for one in known if one is not None][::-1]

    # --- songs and personas

    @initialize(is_late=st.sampled_from([True] * 3 + [False]))
    def begin(self, is_late: bool) -> None:
        """A world with something in it: finished songs, one that failed, a persona, a song that has begun."""
        facts, song = PROVIDERS[self.provider], SongCall(self.provider, ALICE, is_custom=True)
        for at in PREFIXES:
            self._submit(at, song._replace(model=facts.models[-1]))
        self._submit("default", song._replace(model=facts.models[0]))
        self._submit("default", song._replace(model=facts.models[1], wish="task-failed"))
        self._submit("default", song._replace(model=facts.models[1], key=BOB))
        self.upload("default", Draft(model=2))
        if is_late:
            for at, world in self.worlds.items():
                self._go_to(at, world.idle())
        self.create("default", Draft(is_public=True), 0)
        if is_late:
            self._go_to("default", self.worlds["default"].idle())
        self.create("default", Draft(wish="task-failed"), 0)
        self._submit("default", song._replace(model=facts.models[-1]))

    @rule(at=PLACES, draft=ANYHOW)
    def submit(self, at: str, draft: Draft) -> None:
        """Submit a song."""
        self._submit(at, self._song(draft, draft.which % 2, PROVIDERS[self._provider(draft)].models))

    @rule(at=PLACES, draft=ANYHOW)
    def upload(self, at: str, draft: Draft) -> None:
        """Bring a recording to yuto; elsewhere another song."""
        song = self._song(draft, 0, PROVIDERS[self._provider(draft)].models)
        is_upload = "upload" in PROVIDERS[song.provider].lengths
        self._submit(at, song._replace(kind="upload", model="chirp-v4-upload") if is_upload else song)

    @rule(at=PLACES, draft=WELL, what=st.integers(0, 11))
    def use(self, at: str, draft: Draft, what: int) -> None:
        """Let a persona sing: of all that can be named, what comes to one of the possible outcomes."""
        world, provider = self.worlds[at], self._provider(draft)
        owners = {persona.id: persona.key for persona in self.personas(at, provider)[:-1]}
        possible = _grouped(
            (world.judge_song(named), _relation(named.key, owners.get(named.persona or "")), named)
            for named in self._persona_uses(at, provider)
        )
        made: SongCall = _pick(_pick(possible, what), draft.which)
        self._submit(at, made._replace(wish=draft.wish))

    def _persona_uses(self, at: str, provider: str) -> Iterator[SongCall]:
        """Every persona in every model, sung for either account; whether there are credits is left open."""
        for model in PROVIDERS[provider].singing_models:
            for persona in self.personas(at, provider):
                for key, has_voice in itertools.product((ALICE, BOB), (False, True)):
                    yield SongCall(
                        provider,
                        key,
                        model=model,
                        is_custom=True,
                        persona=persona.id,
                        has_voice=has_voice,
                        root=persona.root,
                        wish="success",
                    )

    @rule(at=PLACES, draft=ANYHOW)
    def use_anyhow(self, at: str, draft: Draft) -> None:
        """Submit a song that is to be sung by a persona, rightly or wrongly."""
        persona = _pick(self.personas(at, self._provider(draft)), draft.which)
        models = PROVIDERS[persona.provider].singing_models
        song = self._song(draft, (ALICE, BOB).index(persona.key), models)
        root = NO_SONG if draft.has_other_root else persona.root
        self._submit(at, song._replace(persona=persona.id, root=root))

    def _provider(self, draft: Draft) -> str:
        return self.providers[draft.whose]

    def _song(self, draft: Draft, owner: int, models: tuple[str, ...]) -> SongCall:
        key = _key(draft.caller, (ALICE, BOB)[owner])
        return SongCall(
            self._provider(draft),
            key,
            model=_pick(models, draft.model),
            is_custom=draft.is_custom,
            has_voice=draft.has_voice,
            flaw=draft.flaw,
            wish=draft.wish if key else None,
        )

    def _submit(self, at: str, made: SongCall) -> None:
        world, wire = self.worlds[at], WIRES[made.provider]
        outcome = world.judge_song(made)

        body = self.judged(at, made.provider, made.kind, wire.song(made), made.key, outcome, made.wish)

        if body is not None:
            assert made.key is not None
            self._record(at, made.provider, made.key, made.kind, made.model, wire.task_of(body), made.wish)

    @rule(at=PLACES, draft=WELL, what=st.integers(0, 11))
    def create(self, at: str, draft: Draft, what: int) -> None:
        """Make a persona: of all that can be named, what comes to one of the possible outcomes."""
        world, provider = self.worlds[at], self._provider(draft)
        calls = self._persona_calls(at, provider)
        tried = world.roots()
        possible = _grouped(
            (world.judge_persona(named), "tried" if named.song in tried else "new", named) for named in calls
        )
        made: PersonaCall = _pick(_pick(possible, what), draft.which)
        self._order(at, made._replace(is_public=draft.is_public, wish=self._wish(draft, made.key)))

    def _persona_calls(self, at: str, provider: str) -> Iterator[PersonaCall]:
        """Every task with every song, by either account; whether there are credits for it is left open."""
        sources = self.sources(at, provider)
        songs = dict.fromkeys(song for source in sources for song in source.songs)
        for source in sources:
            for song in (*source.songs, *songs):
                for key in (source.key, _key("other", source.key)):
                    yield PersonaCall(provider, key, source.task, song, wish="success")

    @rule(at=PLACES, draft=ANYHOW)
    def create_anyhow(self, at: str, draft: Draft) -> None:
        """Make a persona, rightly or wrongly."""
        sources = self.sources(at, self._provider(draft))
        provider, source = self._provider(draft), _pick(sources, draft.which)
        key = _key(draft.caller, source.key)
        made = PersonaCall(
            provider,
            key,
            source.task,
            _song(draft.song, source, _pick(sources, draft.which + 1)),
            (None, None) if draft.flaw else draft.window,
            draft.is_public,
            draft.flaw,
            self._wish(draft, key),
        )
        self._order(at, made)

    def _wish(self, draft: Draft, key: str | None) -> str | None:
        # Only where making a persona is a task can it fail later.
        can_fail = "persona" in PROVIDERS[self._provider(draft)].lengths
        return draft.wish if key and (can_fail or draft.wish == "success") else None

    def _order(self, at: str, made: PersonaCall) -> None:
        world, wire = self.worlds[at], WIRES[made.provider]
        outcome = world.judge_persona(made)

        body = self.judged(at, made.provider, "persona", wire.persona(made), made.key, outcome, made.wish)

        if body is None or made.key is None:
            return
        if "persona" in PROVIDERS[made.provider].lengths:
            task = wire.task_of(body)
            self._record(at, made.provider, made.key, "persona", "suno-persona", task, made.wish, made.song)
        else:
            world.charge(made.provider, made.key, "persona")
            self._keep(at, wire.persona_of(body), made)

    def _keep(self, at: str, id: str, made: PersonaCall) -> None:
        assert made.key is not None
        self._mint(at, id)
        self.worlds[at].keep(id, made.provider, made.key, made.song, made.is_public)

    def _record(
        self,
        at: str,
        provider: str,
        key: str,
        kind: str,
        model: str,
        id: str,
        wish: str | None,
        root: str | None = None,
    ) -> None:
        """Keep what was accepted; its songs' ids are there before they are shown."""
        world, shown = self.worlds[at], self.control(at, "GET", f"/tasks/{id}")
        charged = world.charge(provider, key, kind)
        songs, fails = tuple(shown["songs"]), wish == "task-failed"
        assert len(songs) == {"song": 2, "upload": 1, "persona": 0}[kind]
        for new in (id, *songs, *filter(None, [shown["persona"]])):
            self._mint(at, new)
        world.add(
            Task(id, provider, kind, key, model, world.now, fails, charged, songs, shown["persona"], root)
        )

    def _mint(self, at: str, id: str) -> None:
        assert self.minted.setdefault(id, at) == at, f"{id} was made in both sandboxes"
        assert id not in self.worlds[at].ids(), f"{id} was made twice"

    @rule(at=PLACES, provider=st.sampled_from(["kie", "evolink", "yuto"]), key=st.sampled_from([ALICE, BOB]))
    def plant(self, at: str, provider: str, key: str) -> None:
        """Plant a finished song of a model that is out of use: nobody pays for it."""
        world = self.worlds[at]
        model = {"kie": "V3_5", "evolink": "suno-v3.5-beta", "yuto": "chirp-v3-5"}[provider]
        shown = self.control(at, "POST", "/tasks", {"provider": provider, "model": model, "key": key})
        for new in (shown["source_task"], *shown["songs"]):
            self._mint(at, new)
        began = world.now - PROVIDERS[provider].lengths["song"]
        songs = tuple(shown["songs"])
        world.add(Task(shown["source_task"], provider, "song", key, model, began, False, 0, songs))

    @rule(at=PLACES, draft=ANYHOW)
    def poll(self, at: str, draft: Draft) -> None:
        """Look at a task."""
        provider = self._provider(draft)
        world, wire = self.worlds[at], WIRES[provider]
        source = _pick(self.sources(at, provider), draft.which)
        key = _key(draft.caller, source.key)
        outcome = world.poll(provider, key, source.task)

        body = self.judged(at, provider, "poll", wire.poll(source.task), key, outcome)

        if body is not None:
            task = world.tasks[source.task]
            assert wire.seen(body) == Seen(*task.shows(world.now)), body

    @rule(at=PLACES, draft=WELL, operation=st.sampled_from(["song", "persona"]), refusal=st.integers(0, 9))
    def ask_for_a_refusal(self, at: str, draft: Draft, operation: str, refusal: int) -> None:
        """A refusal that was asked for changes nothing, good as the call may be."""
        provider = self._provider(draft)
        facts, wire = PROVIDERS[provider], WIRES[provider]
        source = _pick(self.sources(at, provider), draft.which)
        song = wire.song(SongCall(provider, source.key, model=facts.models[0]))
        persona = wire.persona(PersonaCall(provider, source.key, source.task, (*source.songs, NO_SONG)[0]))
        refusals = sorted(set(facts.verdicts[operation]) - {"success", "task-failed", "unauthorized"})
        wish = _pick(refusals, refusal)

        self.judged(at, provider, operation, song if operation == "song" else persona, source.key, wish, wish)

    # --- time

    @rule(at=PLACES, seconds=st.sampled_from([0, 0.001, 1.5, 8.6, 15, 43, 60, 86, 90, 120, 200]))
    def wait(self, at: str, seconds: float) -> None:
        """Let a while pass."""
        self._go_to(at, self.worlds[at].now + round(seconds * 1000))

    @rule(at=PLACES, which=WHICH, moment=st.integers(0, 4), nudge=st.sampled_from([0, 0, 0, -1, 1]))
    def go_to_a_moment(self, at: str, which: int, moment: int, nudge: int) -> None:
        """Go to just when a task's state changes, or a millisecond beside it."""
        world = self.worlds[at]
        tasks = [task for task in reversed(world.tasks.values()) if not task.is_final(world.now)]
        if tasks:
            moments = [when for when in _pick(tasks, which).moments() if when + nudge >= world.now]
            self._go_to(at, _pick(moments, moment) + nudge if moments else world.now)

    @rule(at=PLACES, which=WHICH, nudge=st.sampled_from([None, None, -1, 1, 1]))
    def go_far(self, at: str, which: int, nudge: int | None) -> None:
        """Let every task end; or go to where kie is about to forget a song, or just has, and ask for it."""
        world = self.worlds[at]
        kept = [task for task in reversed(world.tasks.values()) if task.provider == "kie"]
        if nudge is not None and kept:
            task: Task = _pick(kept, which)
            self._go_to(at, max(world.now, task.ends + 14 * DAY + nudge))
            self._order(at, PersonaCall("kie", task.key, task.id, task.songs[0]))
        else:
            self.control(at, "POST", "/clock/advance", {"until": "idle"})
            world.now = max(world.now, world.idle())

    def _go_to(self, at: str, moment: int) -> None:
        world = self.worlds[at]
        self.control(at, "POST", "/clock/advance", {"seconds": (moment - world.now) / 1000})
        world.now = moment

    # --- accounts and whole states

    @rule(at=PLACES, key=st.sampled_from([ALICE, ALICE, BOB]), credits=BALANCES)
    def patch(self, at: str, key: str, credits: float) -> None:
        """Make an account poor, or rich."""
        self.control(at, "PATCH", f"/accounts/{key}", {"credits": credits})
        self.worlds[at].set_balance(key, round(credits * 100))

    @rule(at=PLACES, key=st.sampled_from([ALICE, BOB]))
    def ask_for_the_balance(self, at: str, key: str) -> None:
        """Every provider that tells a balance tells the same."""
        before = self.last.get(at) or self.state(at)
        for provider, wire in WIRES.items():
            if wire.balance is not None and wire.balance_of is not None:
                body = json.loads(self.ask(at, provider, wire.balance, key).body)
                assert _hundredths(wire.balance_of(body)) == self.worlds[at].balance(key), (provider, body)
        assert self.state(at) == before

    @rule(at=PLACES, deed=st.sampled_from(["save", "save", "bring", "bring", "bring", "reset"]), which=WHICH)
    def whole_state(self, at: str, deed: str, which: int) -> None:
        """Export a state, import one (also the other sandbox's) and go on from there, forget everything."""
        if deed == "save":
            self.saved.append((self.control(at, "GET", "/state"), self.worlds[at].copy()))
        elif deed == "reset":
            self.control(at, "POST", "/reset")
            self.worlds[at] = Sandbox()
        elif self.saved:
            state, world = _pick(self.saved[::-1], which)
            self.control(at, "PUT", "/state", state)
            self.worlds[at] = world.copy()
            assert self.control(at, "GET", "/state") == state

    # --- what always holds

    @invariant()
    def all_is_as_predicted(self) -> None:
        """Clock, tasks and accounts of every sandbox where anything may have changed."""
        for at in sorted(self.touched):
            world = self.worlds[at]
            assert self.control(at, "GET", "/clock")["epoch"] == START + world.now / 1000
            self._tasks_are_as_predicted(at, world)
            self._credits_add_up(at, world)
        self.touched.clear()

    def _tasks_are_as_predicted(self, at: str, world: Sandbox) -> None:
        """All tasks, and no others, in the order of their making, each in its state."""
        shown = [
            (task["id"], task["provider"], task["model"], task["status"], task["state"])
            for task in self.control(at, "GET", "/tasks?limit=1000")["tasks"]
        ]
        assert shown == [
            (task.id, task.provider, task.model, *task.listed(world.now)) for task in world.tasks.values()
        ]

    def _credits_add_up(self, at: str, world: Sandbox) -> None:
        """The balance is start, patches, charges and due refunds, and never negative."""
        for key in (ALICE, BOB):
            shown, balance = self.control(at, "GET", f"/accounts/{key}"), world.balance(key)
            assert _hundredths(shown["credits"]) == balance >= 0, (at, key)
            assert shown["tasks"] == [task.id for task in world.tasks.values() if task.key == key]
            assert set(shown["personas"]) == set(world.personas_of(key))


def _relation(key: str | None, owner: str | None) -> str:
    return "unknown" if owner is None else "own" if owner == key else "foreign"


def _grouped(judged: Iterable[tuple[str, str, Any]]) -> list[list[Any]]:
    """The calls of one outcome and one sort each, those that go well first."""
    groups: dict[tuple[bool, str, str], list[Any]] = {}
    for outcome, sort, named in judged:
        groups.setdefault((outcome != "success", outcome, sort), []).append(named)
    return [groups[key] for key in sorted(groups)]


def _other(at: str) -> str:
    return "twin" if at == "default" else "default"


def _pick(items: Any, which: int) -> Any:
    return items[which % len(items)]


def _key(caller: str, owner: str) -> str | None:
    return {"owner": owner, "other": BOB if owner == ALICE else ALICE, "nobody": None}[caller]


def _song(which: str, source: Place, other: Place) -> str:
    songs = (*source.songs, NO_SONG, NO_SONG)
    named = {"first": songs[0], "second": songs[1], "of another": (*other.songs, NO_SONG)[0]}
    return named.get(which, NO_SONG)


class Kie(Lifecycles):
    """Stories of kie."""

    provider = "kie"


class Crun(Lifecycles):
    """Stories of crun."""

    provider = "crun"


class Evolink(Lifecycles):
    """Stories of evolink."""

    provider = "evolink"


class Yuto(Lifecycles):
    """Stories of yuto."""

    provider = "yuto"


@pytest.mark.parametrize("stories", [Kie, Crun, Evolink, Yuto])
def test_any_story_goes_as_the_facts_say(stories: type[Lifecycles]) -> None:
    run_state_machine_as_test(stories, settings=SETTINGS)
