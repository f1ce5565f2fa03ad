"""Tasks and their callbacks told once more, and briefly: what must have been sent, when, and what came of it.

A second reading, made from the provider facts alone, which walks from one due moment to the next; the server
reckons a task's state from its record. Moments are microseconds since the clock's start, credits are whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from math import ceil, inf
from typing import NamedTuple

SECOND = 1_000_000
START_CREDITS = 100

DUPLICATE, DROP, REORDER = "callback-duplicate", "callback-drop", "callback-reorder"
EARLY = "callback-early"

# What a receiver answers; None closes the connection without a word.
Answer = int | None


class Stage(NamedTuple):
    """A state of a task: the share of its time at which it begins, and how it is called."""

    share: int
    name: str
    status: str
    tells: str = ""
    # Where a provider counts in steps.
    progress: int = 0
    # What a poll's body shows beyond the name.
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """One provider: the way of its tasks, its lengths and prices, and how it delivers callbacks."""

    way: tuple[Stage, ...]
    # The states in which a task fails, with the share of its time; the first is the usual one.
    failures: dict[str, int]
    lengths: dict[str, int]
    prices: dict[str, int]
    retries: tuple[int, ...]
    wants_200: bool = False
    # yuto's progress begins to climb with this share.
    climbs_from: int = 0
    has_steps: bool = False


_EVOLINK = (
    Stage(0, "pending", "waiting"),
    Stage(10, "processing", "running", "text", 30),
    Stage(40, "processing", "running", "first", 60),
    Stage(80, "processing", "running", progress=90),
    Stage(100, "completed", "finished", "complete", 100),
)

PROVIDERS = {
    "kie": Facts(
        way=(
            Stage(0, "PENDING", "waiting"),
            Stage(25, "TEXT_SUCCESS", "running", "text"),
            Stage(60, "FIRST_SUCCESS", "running", "first"),
            Stage(100, "SUCCESS", "finished", "complete"),
        ),
        failures={
            "GENERATE_AUDIO_FAILED": 50,
            "CALLBACK_EXCEPTION": 50,
            "CREATE_TASK_FAILED": 10,
            "SENSITIVE_WORD_ERROR": 10,
        },
        lengths={"song": 120},
        prices={"song": 12},
        retries=(1, 2, 4),
        wants_200=True,
    ),
    "crun": Facts(
        way=(
            Stage(0, "pending", "waiting"),
            Stage(10, "running", "running"),
            Stage(100, "success", "finished", "complete"),
        ),
        failures={"failed": 50},
        lengths={"song": 86},
        prices={"song": 12},
        retries=(1, 2, 4),
    ),
    "evolink": Facts(
        way=_EVOLINK,
        failures={"failed": 50},
        lengths={"song": 120, "persona": 15},
        prices={"song": 10, "persona": 1},
        retries=(1, 2, 4),
        has_steps=True,
    ),
    "yuto": Facts(
        way=(
            Stage(0, "NOT_START", "waiting"),
            Stage(5, "SUBMITTED", "waiting"),
            Stage(10, "QUEUED", "waiting"),
            Stage(25, "IN_PROGRESS", "running"),
            Stage(60, "IN_PROGRESS", "running", note=" streaming"),
            Stage(100, "SUCCESS", "finished", "complete"),
        ),
        failures={"FAILURE": 50},
        lengths={"song": 90},
        prices={"song": 10},
        retries=(1,),
        climbs_from=25,
    ),
}


@dataclass
class Task:
    """A song or a persona on its way."""

    id: str
    provider: str
    kind: str
    key: str
    length: int
    began: int
    charged: int
    # Where callbacks go, "" for nowhere; and whether anybody may be called there.
    url: str = ""
    is_foreign: bool = False
    # The failure it will come to, or has come to.
    failure: str | None = None
    has_failed: bool = False
    # The stage that it has reached, the last one before a failure.
    place: int = 0
    pushed_to: int = 0
    polls: int = 0
    # Of a persona: the song; of a song: whether one was made of it.
    is_taken: bool = False

    @property
    def facts(self) -> Facts:
        """Its provider's."""
        return PROVIDERS[self.provider]

    @property
    def stage(self) -> Stage:
        """The stage that it has reached."""
        return self.facts.way[self.place]

    @property
    def is_final(self) -> bool:
        """Is nothing going to happen to it any more?"""
        return self.has_failed or self.place == len(self.facts.way) - 1

    @property
    def state(self) -> tuple[str, str]:
        """Its state in the provider's word and in the neutral one."""
        if self.has_failed:
            assert self.failure is not None
            return self.failure, "failed"
        return self.stage.name, self.stage.status

    @property
    def shown(self) -> str:
        """What a poll's body shows."""
        name = self.state[0]
        if self.facts.has_steps:
            return f"{name} {self.progress}"
        return name if self.has_failed else name + self.stage.note

    @property
    def progress(self) -> int:
        """In steps, but for where it was pushed."""
        own = self.stage.progress
        return own if own == 100 else max(own, self.pushed_to)

    def goes_on(self) -> tuple[int, int | None] | None:
        """When it comes to its next stage, and which; None stands for its failure."""
        if self.is_final:
            return None
        following = self.facts.way[self.place + 1]
        at = self.began + self.length * following.share // 100
        if self.failure is None:
            return at, self.place + 1
        fails = self.began + self.length * self.facts.failures[self.failure] // 100
        return (fails, None) if fails < at else (at, self.place + 1)

    def groups(self) -> list[list[int]]:
        """Its stages, those of one name together, up to where it fails."""
        last = self.facts.failures[self.failure] if self.failure else 101
        found: list[list[int]] = []
        for place, stage in enumerate(self.facts.way):
            if stage.share < last:
                if found and self.facts.way[found[-1][-1]].name == stage.name:
                    found[-1].append(place)
                else:
                    found.append([place])
        return found

    def count_from_here(self, every: int) -> None:
        """Let the next poll be the first one that shows the state it is in."""
        reached = [place for place, group in enumerate(self.groups()) if group[0] <= self.place]
        self.polls = reached[-1] * every

    def polled(self, every: int) -> int | None:
        """The stage that the next poll shows; None where it shows the failure."""
        group, within = divmod(self.polls, every)
        groups = self.groups()
        self.polls += 1
        if group >= len(groups):
            return None
        reached = max(1, (within + 1) * len(groups[group]) // every)
        return max(self.place, groups[group][reached - 1])


@dataclass
class Fault:
    """Something that is done to callbacks on purpose; `left` is None for one that stands."""

    name: str
    provider: str | None
    left: int | None


@dataclass
class Callback:
    """One delivery."""

    task: str
    provider: str
    stage: str
    url: str
    state: str
    attempts: list[tuple[int, Answer]] = field(default_factory=list)
    due: float = inf
    tries: int = 0
    twice: bool = False
    is_received: bool = False
    is_again: bool = False
    # The states that were told of it, with the answers.
    told: list[tuple[str, Answer]] = field(default_factory=list)


@dataclass
class State:
    """What an export holds."""

    now: int = 0
    credits: dict[str, int] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class Sandbox:
    """One world: its state, and what was told and sent of it, which no import takes back."""

    def __init__(self, scripts: dict[str, list[Answer]], every: int = 0) -> None:
        self.state = State()
        self.callbacks: list[Callback] = []
        # The states each task came to, and when: None where it was pushed through or into the midst of one.
        self.steps: dict[str, list[tuple[str, str, int | None]]] = {}
        self.delivered = self.gave_up = 0
        # So many polls show each state; 0 where time moves tasks on.
        self.every = every
        # What was sent to each receiver since somebody looked.
        self.sent: dict[str, list[str]] = {}
        self._scripts = scripts
        self._lines: dict[tuple[str, str], list[Callback]] = {}
        self._held: dict[tuple[str, str], Callback] = {}

    # --- looking

    @property
    def now(self) -> int:
        """The moment at which it stands."""
        return self.state.now

    @property
    def tasks(self) -> dict[str, Task]:
        """By id, in the order of making."""
        return self.state.tasks

    def balance(self, key: str) -> int:
        """What an account has."""
        return self.state.credits.get(key, START_CREDITS)

    def moments(self) -> list[int]:
        """When something is due that time brings."""
        steps = [task.goes_on() for task in self.tasks.values()] if not self.every else []
        sendings = [line[0].due for line in self._lines.values() if line]
        return sorted({int(at) for at in (*(step[0] for step in steps if step), *sendings)})

    def add_fault(self, name: str, provider: str | None, times: int | None) -> None:
        """Have something done to so many callbacks."""
        self.state.faults.append(Fault(name, provider, times))

    # --- tasks

    def submit(self, task: Task) -> None:
        """Keep a new task, which is charged and begins now."""
        self._pay(task.key, -task.charged)
        self.tasks[task.id] = task
        self._note(task)
        if task.url and self._meets(EARLY, task.provider):
            self._hurry(task)
        self.settle()

    def plant(self, task: Task, share: int) -> None:
        """Keep a task that has so much of its time behind it; nobody is told of that."""
        task.began = self.now - task.length * share // 100
        passed = [place for place, stage in enumerate(task.facts.way) if stage.share <= share]
        task.place = passed[-1]
        task.has_failed = task.failure is not None
        if self.every and not task.is_final:
            task.count_from_here(self.every)
        self.tasks[task.id] = task

    def push(self, task: Task, place: int, share: float | None = None, progress: int = 0) -> None:
        """Put a task to a stage or within it; it tells of those it passes, or again of a former."""
        before, had_failed = task.place, task.has_failed
        if had_failed:
            task.charged = min(task.charged, self.balance(task.key))
            self._pay(task.key, -task.charged)
        task.failure, task.has_failed = None, False
        task.place, task.pushed_to = place, progress
        behind = task.facts.way[place].share if share is None else share
        task.began = self.now - ceil(task.length * behind / 100)
        if self.every and not task.is_final:
            task.count_from_here(self.every)
        for passed in range(before + 1, place + 1):
            task.place = passed
            self._note(task, is_pushed=True)
        if place < before or (place == before and had_failed):
            self._note(task, is_pushed=True)
        self.settle()

    def fail(self, task: Task, failure: str) -> None:
        """Let a task fail now; one that has failed in this way already stays as it is."""
        is_new, had_failed = not task.has_failed or task.failure != failure, task.has_failed
        if not task.has_failed:
            self._pay(task.key, task.charged)
        task.place = min(task.place, len(task.facts.way) - 2)
        task.failure, task.has_failed = failure, True
        if is_new:
            # Of another failure it is told when it had failed at first.
            self._note(task, is_pushed=had_failed)
        self.settle()

    def poll(self, task: Task) -> None:
        """A look of the owner's, which moves the task on where polls do."""
        if self.every and not task.is_final:
            self._go_to(task, task.polled(self.every))
        self.settle()

    def _hurry(self, task: Task) -> None:
        """Bring a task to the first step that it tells of."""
        ends = task.failure is not None
        first = 1
        while first < len(task.facts.way) and not self._tells(task, first):
            first += 1
        fails = task.began + task.length * task.facts.failures[task.failure] // 100 if task.failure else None
        at = task.began + task.length * task.facts.way[first].share // 100
        is_error = ends and fails is not None and fails <= at
        if self.every:
            self._go_to(task, None if is_error else first)
            if not task.is_final:
                task.count_from_here(self.every)
        else:
            task.began -= (fails if is_error and fails is not None else at) - self.now

    def _go_to(self, task: Task, place: int | None) -> None:
        last = task.groups()[-1][-1] if place is None else place
        while task.place < last:
            task.place += 1
            self._note(task)
        if place is None:
            self._break(task)

    def _break(self, task: Task) -> None:
        task.has_failed = True
        self._pay(task.key, task.charged)
        self._note(task)

    def _pay(self, key: str, amount: int) -> None:
        self.state.credits[key] = self.balance(key) + amount

    def _note(self, task: Task, *, is_pushed: bool = False) -> None:
        """A step of a task is told, and a callback made of it."""
        self.steps.setdefault(task.id, []).append((*task.state, None if is_pushed else self.now))
        stage = "error" if task.has_failed else self._tells(task, task.place)
        if stage and task.url:
            self._tell(task, stage)

    def _tells(self, task: Task, place: int) -> str:
        stage = task.facts.way[place]
        return stage.tells if task.kind == "song" or stage.status == "finished" else ""

    # --- callbacks

    def _tell(self, task: Task, stage: str) -> None:
        line = (task.provider, task.id)
        may_swap = stage not in ("complete", "error") and line not in self._held
        drops = self._meets(DROP, task.provider)
        # One that is never sent leaves the other faults to the next.
        doubles = not drops and self._meets(DUPLICATE, task.provider)
        swaps = not drops and may_swap and self._meets(REORDER, task.provider)
        state = "gave-up" if drops else "refused" if task.is_foreign else "due"
        made = Callback(task.id, task.provider, stage, task.url, state, twice=doubles)
        made.told.append((state, None))
        self.callbacks.append(made)
        self.gave_up += drops
        if state == "due" and swaps:
            self._held[line] = made
            return
        if state == "due":
            self._line_up(made)
        # It changes places with the next one; where that never comes, nothing is waited for.
        if line in self._held:
            self._line_up(self._held.pop(line))

    def _line_up(self, callback: Callback) -> None:
        line = self._lines.setdefault((callback.provider, callback.task), [])
        line.append(callback)
        if len(line) == 1:
            callback.due = self.now

    def _meets(self, name: str, provider: str) -> bool:
        fitting = [f for f in self.state.faults if f.name == name and f.provider in (None, provider)]
        queued = [fault for fault in fitting if fault.left is not None]
        if not queued:
            return bool(fitting)
        assert queued[0].left is not None
        queued[0].left -= 1
        if not queued[0].left:
            self.state.faults = [fault for fault in self.state.faults if fault is not queued[0]]
        return True

    def waits_again(self, callback: Callback) -> bool:
        """Is another one of its task in line that was sent again? Nothing says which of them goes first."""
        return any(other.is_again for other in self._lines.get((callback.provider, callback.task), ()))

    def redeliver(self, callback: Callback) -> None:
        """Send an ended one again, behind what its task has still to send."""
        callback.state, callback.tries, callback.twice, callback.is_received = "due", 0, False, False
        callback.is_again = True
        self._line_up(callback)
        self.settle()

    # --- time

    def settle(self) -> None:
        """Do all that is due by now."""
        while True:
            steps = sorted(self._steps_due(), key=lambda step: step[0])
            if steps:
                _, task, place = steps[0]
                self._go_to(task, place)
                continue
            sending = [line for line in self._lines.values() if line and line[0].due <= self.now]
            if not sending:
                return
            for line in sending:
                self._attempt(line)

    def _steps_due(self) -> Iterator[tuple[int, Task, int | None]]:
        # Sorting keeps those of one moment in the order of making.
        for task in self.tasks.values() if not self.every else ():
            step = task.goes_on()
            if step is not None and step[0] <= self.now:
                yield step[0], task, step[1]

    def _attempt(self, line: list[Callback]) -> None:
        callback, facts = line[0], PROVIDERS[line[0].provider]
        script = self._scripts[callback.url]
        answer = script.pop(0) if script else 200
        callback.attempts.append((self.now, answer))
        self.sent.setdefault(callback.url, []).append(callback.stage)
        callback.tries += 1
        is_received = answer is not None and (answer == 200 if facts.wants_200 else 200 <= answer < 300)
        if is_received and callback.twice and not callback.is_received:
            callback.is_received, callback.tries = True, 0
        elif is_received or callback.is_received:
            self._end(line, "delivered")
            self.delivered += 1
        elif callback.tries > len(facts.retries):
            self._end(line, "gave-up")
            self.gave_up += 1
        else:
            callback.due = self.now + facts.retries[callback.tries - 1] * SECOND
        callback.told.append((callback.state, answer))

    def _end(self, line: list[Callback], state: str) -> None:
        line[0].state, line[0].due, line[0].is_again = state, inf, False
        line.pop(0)
        if line:
            line[0].due = self.now

    def advance(self, target: float) -> tuple[int, int]:
        """Go from one due moment to the next up to one, or until nothing is due; what ended on the way."""
        self.delivered = self.gave_up = 0
        if self.every and target == inf:
            self._walk_to_the_ends()
        while (moments := self.moments()) and moments[0] <= target:
            self.state.now = max(self.now, moments[0])
            self.settle()
        if target < inf:
            self.state.now = int(target)
        self.settle()
        return self.delivered, self.gave_up

    def _walk_to_the_ends(self) -> None:
        while waiting := [task for task in self.tasks.values() if not task.is_final]:
            for task in waiting:
                last = task.groups()[-1][-1]
                self._go_to(task, task.place + 1 if task.place < last else None)
            self.settle()

    # --- whole states

    def export(self) -> State:
        """A copy of the state."""
        return deepcopy(self.state)

    def bring(self, state: State) -> None:
        """Go on with another state; what was to be sent still is, and none waits for another any more."""
        self.state = deepcopy(state)
        while self._held:
            self._line_up(self._held.popitem()[1])
        self.settle()
