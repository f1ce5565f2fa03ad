"""The facts about the four providers told once more, and briefly: what each call must come to.

A second reading, made from the provider facts alone: a slip in it or in the server shows as a difference.
Moments are milliseconds since the clock's start, credits are hundredths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

DAY = 86_400_000
START_CREDITS = 1000_00

Window = tuple[float | None, float | None]
Verdict = tuple[int, int | str | None]


# --- what differs between providers ------------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """One provider: names are its own, stages are percents of a task's time."""

    models: tuple[str, ...]
    singing_models: tuple[str, ...]
    stages: tuple[tuple[int, str], ...]
    done: str
    failed: str
    waiting: int
    lengths: dict[str, int]
    prices: dict[str, int]
    verdicts: dict[str, dict[str, Verdict]]
    window_holds: Callable[[float | None, float | None], bool]
    too_old: tuple[str, ...] = ()
    # Those whose songs no persona can sing.
    mute: tuple[str, ...] = ()
    voices: tuple[str, ...] | None = None
    kept: int | None = None
    has_one_persona_per_song: bool = True
    has_public_personas: bool = False
    hides_foreign_tasks: bool = True


def _at_200(**codes: int) -> dict[str, Verdict]:
    """kie and crun: the code stands in the body, HTTP says 200."""
    return {outcome.replace("_", "-"): (200, code) for outcome, code in codes.items()}


def _kie_window(start: float | None, end: float | None) -> bool:
    low, high = 0 if start is None else start, 30 if end is None else end
    return 10 <= high - low <= 30


def _crun_window(start: float | None, end: float | None) -> bool:
    return start is None or end is None or end > start


def _evolink_window(start: float | None, end: float | None) -> bool:
    if start is None or end is None:
        return start is end
    return 10 <= end - start <= 30


_KIE = {"success": 200, "task_failed": 200, "unauthorized": 401, "insufficient_credits": 402, "invalid": 422}
_BAD = "invalid_request"
_EVOLINK: dict[str, Verdict] = {
    "success": (200, None),
    "task-failed": (200, None),
    "unauthorized": (401, "unauthorized"),
    "insufficient-credits": (402, "insufficient_quota"),
    "invalid": (400, _BAD),
}
_YUTO: dict[str, Verdict] = {
    "success": (200, "success"),
    "task-failed": (200, "success"),
    "unauthorized": (401, ""),
    "insufficient-credits": (403, "insufficient_user_quota"),
    "invalid": (400, _BAD),
}

PROVIDERS = {
    "kie": Facts(
        models=("V3_5", "V4", "V4_5ALL", "V5", "V6_WILD"),
        singing_models=("V3_5", "V4", "V5", "V5_5"),
        stages=((0, "PENDING"), (25, "TEXT_SUCCESS"), (60, "FIRST_SUCCESS")),
        done="SUCCESS",
        failed="GENERATE_AUDIO_FAILED",
        waiting=1,
        lengths={"song": 120_000},
        prices={"song": 12_00, "persona": 1_00},
        verdicts={
            "song": _at_200(**_KIE, persona_not_found=404, maintenance=455, generation_failed=501),
            "persona": _at_200(
                **_KIE,
                source_not_found=422,
                source_not_owned=422,
                source_failed=422,
                source_unfinished=422,
                duplicate=409,
                source_expired=451,
                source_model_unsupported=422,
                vocal_window=422,
            ),
            # What it does not know it shows as nothing.
            "poll": _at_200(success=200, unauthorized=401, not_found=200),
        },
        window_holds=_kie_window,
        too_old=("V3_5",),
        voices=("V5", "V5_5"),
        kept=14 * DAY,
    ),
    "crun": Facts(
        models=("v4", "v4.5-plus", "v5", "v5.5"),
        singing_models=("v4", "v5.5"),
        stages=((0, "pending"), (10, "running")),
        done="success",
        failed="failed",
        waiting=1,
        lengths={"song": 86_000},
        prices={"song": 12_00, "persona": 0},
        verdicts={
            "song": _at_200(**_KIE, persona_not_found=422, feature_disabled=505, server_error=500),
            "persona": _at_200(
                **_KIE,
                source_not_found=422,
                source_not_owned=422,
                source_failed=422,
                source_unfinished=422,
                duplicate=422,
                vocal_window=422,
            ),
            "poll": _at_200(success=200, unauthorized=401, not_found=404),
        },
        window_holds=_crun_window,
    ),
    "evolink": Facts(
        models=("suno-v4-beta", "suno-v4.5plus-beta", "suno-v5-beta"),
        singing_models=("suno-v4-beta", "suno-v5-beta"),
        stages=((0, "pending 0"), (10, "processing 30"), (40, "processing 60"), (80, "processing 90")),
        done="completed 100",
        failed="failed 60",
        waiting=1,
        lengths={"song": 120_000, "persona": 15_000},
        prices={"song": 10_00, "persona": 1_00},
        verdicts={
            "song": {**_EVOLINK, "persona-not-found": (400, _BAD), "server-error": (500, "internal_error")},
            "persona": {
                **_EVOLINK,
                "source-not-found": (400, _BAD),
                "source-not-owned": (400, _BAD),
                "source-is-persona": (400, _BAD),
                "source-failed": (400, _BAD),
                "source-unfinished": (400, _BAD),
                "duplicate": (400, _BAD),
                "source-model-unsupported": (400, _BAD),
                "vocal-window": (400, _BAD),
            },
            "poll": {
                "success": (200, None),
                "unauthorized": (401, "unauthorized"),
                "not-found": (404, "task_not_found"),
                "access-denied": (403, "permission_denied"),
            },
        },
        window_holds=_evolink_window,
        too_old=("suno-v3.5-beta",),
        voices=("suno-v5-beta",),
        hides_foreign_tasks=False,
    ),
    "yuto": Facts(
        models=("chirp-v3-5", "chirp-v4", "chirp-crow"),
        singing_models=("chirp-v3-5-tau", "chirp-v4-tau", "chirp-crow", "chirp-v4"),
        stages=(
            (0, "NOT_START"),
            (5, "SUBMITTED"),
            (10, "QUEUED"),
            (25, "IN_PROGRESS"),
            (60, "IN_PROGRESS streaming"),
        ),
        done="SUCCESS",
        failed="FAILURE",
        waiting=3,
        lengths={"song": 90_000, "upload": 20_000},
        prices={"song": 10_00, "persona": 100_00, "upload": 0},
        verdicts={
            "song": {
                **_YUTO,
                "persona-not-found": (400, _BAD),
                "server-error": (500, "fail_to_fetch_task"),
            },
            "upload": _YUTO,
            "persona": {
                **_YUTO,
                "success": (200, None),
                "source-not-found": (400, "clip_not_found"),
                "source-not-owned": (400, "clip_not_found"),
                "source-uploaded": (400, _BAD),
                "source-failed": (400, _BAD),
                "source-unfinished": (400, _BAD),
            },
            "poll": {
                "success": (200, "success"),
                "unauthorized": (401, ""),
                "not-found": (400, "task_not_exist"),
            },
        },
        # It has no such fields.
        window_holds=lambda start, end: True,
        mute=("chirp-v4",),
        has_one_persona_per_song=False,
        has_public_personas=True,
    ),
}


# --- calls -------------------------------------------------------------------------------------------------


class SongCall(NamedTuple):
    """A submission; an `upload` has none of the further fields."""

    provider: str
    key: str | None
    kind: str = "song"
    model: str = ""
    is_custom: bool = False
    persona: str | None = None
    has_voice: bool = False
    # yuto: the clip that the persona is said to be made from.
    root: str | None = None
    flaw: str | None = None
    wish: str | None = None


class PersonaCall(NamedTuple):
    """The creation of a persona."""

    provider: str
    key: str | None
    task: str
    song: str
    window: Window = (None, None)
    is_public: bool = False
    flaw: str | None = None
    wish: str | None = None


# --- nouns -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """Something that takes its time: a song, an upload or (evolink) a persona."""

    id: str
    provider: str
    kind: str
    key: str
    model: str
    began: int
    fails: bool
    charged: int
    songs: tuple[str, ...]
    # Of a persona task: what it makes, and of which song.
    persona: str | None = None
    root: str | None = None

    @property
    def length(self) -> int:
        """Its time if nothing goes wrong."""
        return PROVIDERS[self.provider].lengths[self.kind]

    @property
    def ends(self) -> int:
        """When it is final: a failing one fails halfway."""
        return self.began + (self.length // 2 if self.fails else self.length)

    def moments(self) -> list[int]:
        """When its state changes."""
        starts = (self.began + self.length * share // 100 for share, _ in self._facts.stages)
        return [*(moment for moment in starts if self.began < moment < self.ends), self.ends]

    def state(self, now: int) -> str:
        """Its state in the provider's words."""
        if now >= self.ends:
            return self._facts.failed if self.fails else self._facts.done
        begun = (name for share, name in self._facts.stages if self.began + self.length * share // 100 <= now)
        return list(begun)[-1]

    def listed(self, now: int) -> tuple[str, str]:
        """Its neutral status, and the provider's own word for it."""
        own = self.state(now).split()[0]
        if self.is_final(now):
            return "failed" if self.fails else "finished", own
        waiting = {name.split()[0] for _, name in self._facts.stages[: self._facts.waiting]}
        return "waiting" if own in waiting else "running", own

    def shows(self, now: int) -> tuple[str, tuple[str, ...], str | None]:
        """What a poll shows: the state, the songs that are whole, the persona that was made."""
        state = self.state(now)
        if state == self._facts.done:
            return state, self.songs, self.persona
        return state, self.songs[:1] if state == "FIRST_SUCCESS" else (), None

    def is_final(self, now: int) -> bool:
        """Is nothing going to happen to it any more?"""
        return now >= self.ends

    @property
    def _facts(self) -> Facts:
        return PROVIDERS[self.provider]


@dataclass(frozen=True)
class Persona:
    """A voice made of a song."""

    id: str
    provider: str
    key: str
    root: str
    is_public: bool


@dataclass
class Sandbox:
    """One world: its time, its accounts' entries, and what was made in it."""

    now: int = 0
    entries: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    personas: dict[str, Persona] = field(default_factory=dict)

    # --- looking

    def balance(self, key: str) -> int:
        """Start, patches, charges, and those refunds that are due."""
        return START_CREDITS + sum(amount for due, amount in self.entries.get(key, []) if due <= self.now)

    def poll(self, provider: str, key: str | None, id: str) -> str:
        """The outcome of a look at a task."""
        if key is None:
            return "unauthorized"
        task = self.task(provider, id)
        if task is None or (task.key != key and PROVIDERS[provider].hides_foreign_tasks):
            return "not-found"
        return "success" if task.key == key else "access-denied"

    def task(self, provider: str, id: str) -> Task | None:
        """A task of a provider, whoever's."""
        task = self.tasks.get(id)
        return task if task is not None and task.provider == provider else None

    def persona(self, provider: str, id: str) -> Persona | None:
        """A persona that exists by now."""
        made = self.personas.get(id)
        if made is not None:
            return made if made.provider == provider else None
        for task in self.tasks.values():
            if task.provider == provider and task.persona == id and task.root is not None:
                is_made = task.is_final(self.now) and not task.fails
                return Persona(id, provider, task.key, task.root, False) if is_made else None
        return None

    def personas_of(self, key: str) -> list[str]:
        """Those that an account has made and that exist by now."""
        made = [one.id for one in self.personas.values() if one.key == key]
        grown = (task for task in self.tasks.values() if task.key == key and not task.fails)
        return [*(task.persona for task in grown if task.persona and task.is_final(self.now)), *made]

    def roots(self) -> set[str | None]:
        """The songs that somebody has made a persona of, or tried to."""
        made = {persona.root for persona in self.personas.values()}
        return made | {task.root for task in self.tasks.values()}

    # --- judging: the order is that of the checks

    def judge_song(self, call: SongCall) -> str:
        """The outcome of a submission."""
        return self._gate(call, call.kind) or self._judge_persona_use(call) or "success"

    def judge_persona(self, call: PersonaCall) -> str:
        """The outcome of the creation of a persona."""
        return self._gate(call, "persona") or self._judge_source(call) or "success"

    def _gate(self, call: SongCall | PersonaCall, kind: str) -> str | None:
        facts = PROVIDERS[call.provider]
        if call.key is None:
            return "unauthorized"
        if call.flaw is not None:
            return "invalid"
        if isinstance(call, PersonaCall) and not facts.window_holds(*call.window):
            return "vocal-window"
        # Even what costs nothing wants an account with something in it.
        if call.wish is None and self.balance(call.key) < max(facts.prices[kind], 1):
            return "insufficient-credits"
        return None

    def _judge_persona_use(self, call: SongCall) -> str | None:
        if call.persona is None or not call.is_custom:
            return None
        facts, persona = PROVIDERS[call.provider], self.persona(call.provider, call.persona)
        if persona is None or not (
            persona.key == call.key or (facts.has_public_personas and persona.is_public)
        ):
            return "persona-not-found"
        # At yuto the call names both: there is no such persona of another clip.
        if call.provider == "yuto" and call.root != persona.root:
            return "persona-not-found"
        if call.has_voice and facts.voices is not None and call.model not in facts.voices:
            return "invalid"
        return "invalid" if call.model in facts.mute else None

    def _judge_source(self, call: PersonaCall) -> str | None:
        source = self._source(call)
        if source is None:
            return "source-not-found"
        if source.key != call.key:
            return "source-not-owned"
        if source.kind == "persona":
            return "source-is-persona"
        if source.kind == "upload":
            return "source-uploaded"
        if self.now >= source.ends and source.fails:
            return "source-failed"
        if self.now < source.ends:
            return "source-unfinished"
        return "source-not-found" if call.song not in source.songs else self._judge_finished(source, call)

    def _judge_finished(self, source: Task, call: PersonaCall) -> str | None:
        facts = PROVIDERS[call.provider]
        if facts.has_one_persona_per_song and self._is_taken(call.provider, call.song):
            return "duplicate"
        if facts.kept is not None and self.now >= source.ends + facts.kept:
            return "source-expired"
        return "source-model-unsupported" if source.model in facts.too_old else None

    def _source(self, call: PersonaCall) -> Task | None:
        if call.provider != "yuto":
            return self.task(call.provider, call.task)
        # Only the clip is named there, so it stands for its task.
        songs = (task for task in self.tasks.values() if task.provider == "yuto" and call.song in task.songs)
        return next(songs, None)

    def _is_taken(self, provider: str, song: str) -> bool:
        made = any(one.provider == provider and one.root == song for one in self.personas.values())
        # A persona that is being made holds its song; one that failed has let go of it.
        alive = (one for one in self.tasks.values() if not (one.fails and one.is_final(self.now)))
        return made or any(one.provider == provider and one.root == song for one in alive)

    # --- doing

    def charge(self, provider: str, key: str, kind: str) -> int:
        """Take the price, or what is there where nobody looked; how much that was."""
        price = min(PROVIDERS[provider].prices[kind], self.balance(key))
        self._enter(key, self.now, -price)
        return price

    def set_balance(self, key: str, amount: int) -> None:
        """What a PATCH does: refunds that are still to come will come on top."""
        self._enter(key, self.now, amount - self.balance(key))

    def add(self, task: Task) -> None:
        """Keep a new task; what it cost comes back when it fails."""
        self.tasks[task.id] = task
        if task.fails:
            self._enter(task.key, task.ends, task.charged)

    def keep(self, id: str, provider: str, key: str, root: str, is_public: bool) -> None:
        """Keep a persona that was made at once."""
        self.personas[id] = Persona(id, provider, key, root, is_public)

    def ids(self) -> set[str]:
        """Every id in use."""
        tasks = self.tasks.values()
        made = {one for task in tasks for one in (task.id, *task.songs, task.persona) if one is not None}
        return made | set(self.personas)

    def idle(self) -> int:
        """The moment from which on every task is final."""
        return max((task.ends for task in self.tasks.values()), default=0)

    def _enter(self, key: str, due: int, amount: int) -> None:
        self.entries.setdefault(key, []).append((due, amount))

    def copy(self) -> Sandbox:
        """The same, on its own."""
        entries = {key: list(made) for key, made in self.entries.items()}
        return replace(self, entries=entries, tasks=dict(self.tasks), personas=dict(self.personas))
