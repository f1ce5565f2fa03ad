"""What comes due: steps of tasks are noted, and callbacks are sent, on a thread of their own.

Whoever changes something stirs its sandbox. Under a real clock the agenda then wakes by itself for whatever
comes due later; a virtual clock is walked from one due moment to the next by whoever moves it.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from functools import lru_cache, partial
from typing import NamedTuple, TypeVar, cast

from mockserver.domain import account as accounts
from mockserver.domain import callbacks, lifecycle, tasks
from mockserver.domain.callbacks import Attempt, Callback
from mockserver.domain.clock import iso
from mockserver.domain.fault import DELAY, DROP, DUPLICATE, REORDER, SIGNATURE, callbacks_are_spared
from mockserver.domain.lifecycle import Step
from mockserver.domain.model import Task
from mockserver.domain.pages import walk
from mockserver.domain.ports import Clock, Ids, Line, Store, Tx
from mockserver.domain.records import micros, seconds, whole_seconds
from mockserver.openapi.payload import write_json
from mockserver.openapi.source import Json
from mockserver.settings import Settings
from mockserver.web.courier import Allowed, Answer, post, receiver_of, refusal
from mockserver.web.events import Events, Telling
from mockserver.web.living import Living
from mockserver.web.sender import Sender

T = TypeVar("T")

# Done in one transaction; more is done in several, so that requests come in between.
_AT_ONCE = 100
# Of what comes due a moment apart much is done together: many songs are cheap then.
_NAP_SECONDS = 0.02


class TaskTold(NamedTuple):
    """A task entered a state, as the event says it."""

    provider: str
    id: str
    state: str
    status: str
    progress: int
    at: int

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return 400

    def brief(self) -> dict[str, Json]:
        """What is said of it."""
        return {**self._asdict(), "at": iso(seconds(self.at))}


class CallbackTold(NamedTuple):
    """Something became of a callback, as the event says it."""

    id: str
    task: str
    provider: str
    stage: str
    state: str
    attempt: Attempt | None = None

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return 500

    def brief(self) -> dict[str, Json]:
        """What is said of it."""
        attempt = callbacks.attempt_as_json(self.attempt) if self.attempt else None
        return {**self._asdict(), "attempt": attempt}


Told = TaskTold | CallbackTold
"""What happened, as it is told to those who follow."""


class Way(NamedTuple):
    """A task that was at its end when it was made, and its callbacks, if it has any: they are refused.

    Under load most tasks are such: a client's own address stands in its requests, and is none to call from
    here. Steps and callbacks are told apart only where somebody reads of them: apart they took 60 µs of a
    submission, together they take 6.
    """

    sandbox: str
    task: Task
    # The number of its first callback, how many there are, and why they are refused.
    number: int = 0
    many: int = 0
    reason: str = ""
    # About how many bytes it takes.
    weight: int = 0


_WAY = "way"
# The log of those with callbacks, and the records of those that are kept there no longer.
_REFUSED, _APART = "refused", "callback-apart/"


class Happened(NamedTuple):
    """What a transaction found due: what is to be told, and what is to be sent."""

    told: list[Told]
    callbacks: list[Callback]
    more: bool


class Made(NamedTuple):
    """A new callback, and whether it changes places with the next one of its task."""

    callback: Callback
    swaps: bool


class Walked(NamedTuple):
    """What came of the callbacks while a clock was moved."""

    delivered: int
    gave_up: int


class Cut(Exception):
    """The sandbox was dropped, and this belongs to what it was."""


class Place:
    """What is under way in one sandbox, from its first use to its drop."""

    def __init__(self) -> None:
        # Held for one transaction and what is handed on from it, so that nobody sees that in neither place.
        self.guard = threading.RLock()
        # Two who move one clock at once do so one after the other.
        self.walk = threading.Lock()
        self.flying: dict[Future[None], Callback] = {}
        self.alarm: tuple[float, Future[None] | None] = (math.inf, None)
        self.ended: Counter[str] = Counter()
        self.is_cut = False

    def of_task(self, task: Task) -> list[Future[None]]:
        """The attempts that are under way for a task."""
        with self.guard:
            flying = list(self.flying.items())
        return [flight for flight, one in flying if (one.provider, one.task) == (task.provider, task.id)]

    def of_callback(self, id: str) -> list[Future[None]]:
        """The attempts that are under way of a callback."""
        with self.guard:
            return [flight for flight, one in self.flying.items() if one.id == id]

    def cut(self) -> None:
        """Nothing of it goes on."""
        with self.guard:
            self.is_cut = True
            under_way = [*self.flying, *filter(None, (self.alarm[1],))]
        for future in under_way:
            future.cancel()


class Agenda:
    """Notes the steps of tasks and sends callbacks, for every sandbox of a store."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        living: Mapping[str, Living],
        events: Events,
        settings: Settings,
    ) -> None:
        self._store, self._clock, self._ids = store, clock, ids
        self._living, self._events, self._settings = living, events, settings
        events.read_many(_WAY, self._told_of)
        self._allowed = Allowed(settings.callback_allow)
        # A client names one receiver in all its calls; to read its URL takes 8 µs.
        self._refusal = lru_cache(maxsize=256)(partial(refusal, allowed=self._allowed))
        self._sender = Sender()
        self._guard = threading.Lock()
        self._places: dict[str, Place] = {}

    def _place(self, sandbox: str) -> Place:
        with self._guard:
            return self._places.setdefault(sandbox, Place())

    def _run(self, place: Place, sandbox: str, work: Callable[[Tx], T]) -> T:
        """Do some work in a sandbox, unless it is not the one any more that it is meant for."""
        with place.guard:
            if place.is_cut:
                raise Cut
            return self._store.run(sandbox, work)

    def open(self) -> None:
        """Go on with every sandbox that the store holds, from where the last server left it."""
        self._sender.open()
        for sandbox in self._store.sandboxes():
            self._store.run(sandbox, lambda tx: callbacks.take_back(tx, micros(self._clock.now(tx))))
            self.stir(sandbox)

    def stop(self) -> None:
        """Cut everything that is under way; whoever waits for it waits no more."""
        self._sender.stop()

    def close(self) -> None:
        """Cut everything that is under way, and see it end."""
        self._sender.close()

    def drop(self, sandbox: str) -> None:
        """Forget a sandbox; nothing that was under way of it reaches the next one of its name."""
        with self._guard:
            place = self._places.pop(sandbox, Place())
        place.cut()
        with place.walk, place.guard:
            self._store.drop(sandbox)

    # --- what is due now ------------------------------------------------------------------------------------

    def stir(self, sandbox: str) -> None:
        """Note and send whatever is due in a sandbox, and wake again when more will be."""
        self._stir(self._place(sandbox), sandbox)

    def _stir(self, place: Place, sandbox: str) -> None:
        more = True
        while more:
            with place.guard:
                if place.is_cut or self._sender.closed:
                    return
                happened = self._store.run(sandbox, lambda tx: self._taken(tx, sandbox))
                self._hand_on(place, sandbox, happened)
            more = happened.more
        if self._clock.mode == "real":
            self._set_alarm(place, sandbox)

    def _hand_on(self, place: Place, sandbox: str, happened: Happened) -> None:
        for told in happened.told:
            self._tell(place, sandbox, told)
        for callback in happened.callbacks:
            flight = self._sender.start(self._sent(place, sandbox, callback))
            place.flying[flight] = callback
            flight.add_done_callback(partial(_landed, place))

    def _tell(self, place: Place, sandbox: str, told: Told) -> None:
        self._say(sandbox, told)
        if isinstance(told, CallbackTold):
            place.ended[told.state] += 1

    def _say(self, sandbox: str, told: Told) -> None:
        self._events.add(sandbox, "task" if isinstance(told, TaskTold) else "callback", told)

    def _taken(self, tx: Tx, sandbox: str) -> Happened:
        now = micros(self._clock.now(tx))
        told: list[Told] = []
        due = tasks.due_by(tx, now, _AT_ONCE)
        for task, step in due:
            told.extend(self._noted(tx, sandbox, task, step, now))
        _give_back(tx, [task for task, _ in due if task.failure], now)
        to_send = callbacks.take_due(tx, now, _AT_ONCE)
        return Happened(told, to_send, more=bool(due or to_send) and _first_due(tx) <= now)

    # --- steps ----------------------------------------------------------------------------------------------

    def _noted(self, tx: Tx, sandbox: str, task: Task, place: int, now: int) -> Iterator[Told]:
        living = self._living.get(task.provider)
        if living is None:
            tasks.put_due(tx, task, None)
            return
        policy = living.house.policy
        steps = lifecycle.steps(task, policy)
        tasks.put_due(tx, task, lifecycle.upcoming(task, policy, place + 1))
        yield _task_told(task, steps[place])
        if task.callback and steps[place].tells:
            is_last = not any(step.tells for step in steps[place + 1 :])
            made = self._made(tx, sandbox, task, steps[place], is_last=is_last)
            yield _callback_told(self._kept(tx, made, now), None)

    def settle_at_once(self, tx: Tx, sandbox: str, task: Task, at: float, weight: int) -> Way | None:
        """What is to be told of a new task that has its whole way behind it, where nobody is to be called.

        `weight` is about how many bytes its request takes.

        All of it is noted then, in the transaction that made the task. None where more is to be done: that
        is left to `stir`, which takes a transaction of its own for each step, and 100 µs.
        """
        reason = self._refusal(task.callback) if task.callback else ""
        if reason is None or task.ends > micros(at) or not callbacks_are_spared(tx):
            return None
        many = self._living[task.provider].told_of(task) if reason else 0
        number = callbacks.number(tx, many) if many else 0
        return Way(sandbox, task, number, many, reason, 1000 + 3 * weight)

    def expect(self, tx: Tx, task: Task) -> None:
        """Note what a new task has before it, for `stir` to look after."""
        tasks.put_due(tx, task, lifecycle.upcoming(task, self._living[task.provider].house.policy, 0))

    def lines(self, way: Way, call: Telling) -> list[Line]:
        """What tells of a call and of all that was noted at once with it, and keeps the callbacks."""
        told = self._events.line(_WAY, (call, way), call.weight + way.weight)
        return [told, (_REFUSED, way, way.weight)] if way.many else [told]

    def _told_of(self, called: tuple[Telling, Way]) -> list[tuple[str, Telling]]:
        """The call, each step of its task, and behind each that has one its callback, which is refused."""
        call, way = called
        task, living = way.task, self._living.get(way.task.provider)
        told: list[tuple[str, Telling]] = [("request", call)]
        number = way.number
        for step in lifecycle.steps(task, living.house.policy) if living else ():
            told.append(("task", _task_told(task, step)))
            if step.tells and number:
                id = self._id(way.sandbox, number)
                told.append(("callback", CallbackTold(id, task.id, task.provider, step.tells, "refused")))
                number += 1
        return told

    def _id(self, sandbox: str, number: int) -> str:
        return "cb_" + self._ids.draw(sandbox, "callback", number)[:10].hex()

    def _of_way(self, way: Way) -> list[Callback]:
        """The callbacks of a task that were refused, as they would have been sent."""
        task, living = way.task, self._living.get(way.task.provider)
        if living is None:
            return []
        telling = [step for step in lifecycle.steps(task, living.house.policy) if step.tells]
        return [
            Callback(
                id=self._id(way.sandbox, number),
                number=number,
                provider=task.provider,
                task=task.id,
                account=task.account,
                stage=step.tells,
                url=task.callback,
                payload=self._payload(way.sandbox, task, step),
                state="refused",
                reason=way.reason,
            )
            for number, step in enumerate(telling, way.number)
        ]

    def callbacks(self, sandbox: str) -> list[Callback]:
        """Every callback still kept, oldest first; of those that have ended as many as the journal keeps."""
        last, apart, kept = self._store.run(sandbox, _kept)
        for way in reversed(self._ways(sandbox)):
            # One of a call that a reset has overtaken does not count, nor does an older of the same number.
            if way.number not in apart and way.number + way.many - 1 <= last:
                apart.add(way.number)
                kept += self._of_way(way)
        kept.sort(key=lambda callback: callback.number)
        over = sum(not callback.is_due for callback in kept) - self._settings.journal_size
        old = {callback.number for callback in [one for one in kept if not one.is_due][: max(0, over)]}
        return [callback for callback in kept if callback.number not in old]

    def callback(self, sandbox: str, id: str) -> Callback | None:
        """The callback of that id; one that was refused is kept by itself from now on."""
        found = self._store.run(sandbox, lambda tx: callbacks.find(tx, id))
        if found is None:
            found = next((one for one in self.callbacks(sandbox) if one.id == id), None)
            if found is not None:
                self._part(sandbox, found)
        return found

    def _ways(self, sandbox: str) -> list[Way]:
        kept = self._store.newest(sandbox, _REFUSED, self._settings.journal_size)
        return [cast(Way, way) for _, way in kept]

    def _part(self, sandbox: str, refused: Callback) -> None:
        """Keep the callbacks of a task one by one, of which one is to be sent after all."""
        ways, number = self._ways(sandbox), refused.number
        way = next(way for way in reversed(ways) if way.number <= number < way.number + way.many)

        def work(tx: Tx) -> None:
            # Of what has fallen out of the log nobody asks any more.
            for key, _ in list(walk(tx, _APART)):
                if int(key[len(_APART) :]) < ways[0].number:
                    tx.delete(key)
            tx.put(f"{_APART}{way.number:012d}", b"")
            for callback in self._of_way(way):
                callbacks.keep_ended(tx, callback)
            callbacks.forget(tx, self._settings.journal_size)

        self._store.run(sandbox, work)

    def _made(self, tx: Tx, sandbox: str, task: Task, step: Step, *, is_last: bool) -> Made:
        """A callback for a step, as whatever is done to it on purpose leaves it."""
        swaps = not is_last and not callbacks.holds(tx, task.provider, task.id)
        faults = self._drawn(tx, sandbox, task, swaps=swaps)
        callback = Callback(
            id=self._id(sandbox, callbacks.next_number(tx)),
            number=0,
            provider=task.provider,
            task=task.id,
            account=task.account,
            stage=step.tells,
            url=task.callback,
            payload=self._payload(sandbox, task, step),
            twice=DUPLICATE in faults,
            badly_signed=SIGNATURE in faults,
            delay=faults.get(DELAY, 0.0),
        )
        return Made(self._judged(callback, dropped=DROP in faults), REORDER in faults)

    def _drawn(self, tx: Tx, sandbox: str, task: Task, *, swaps: bool) -> dict[str, float]:
        """The faults that a callback meets, with their seconds; one that is never sent meets no other."""
        living = self._living[task.provider]
        signs = living.house.policy.webhook.signs
        names = (DUPLICATE, DELAY, *((SIGNATURE,) if signs else ()), *((REORDER,) if swaps else ()))
        dropped = living.callback_faults(tx, sandbox, task, (DROP,))
        return dropped or living.callback_faults(tx, sandbox, task, names)

    def _judged(self, callback: Callback, *, dropped: bool) -> Callback:
        """A callback that has ended before it began, where it is not to be sent."""
        if dropped:
            return callback._replace(state="gave-up", reason=f"never sent: the fault {DROP}")
        if callback.payload is None:
            return callback._replace(state="gave-up", reason=f"{callback.provider} cannot tell of this task")
        why = self._refusal(callback.url)
        return callback._replace(state="refused", reason=why) if why else callback

    def _kept(self, tx: Tx, made: Made, now: int) -> Callback:
        """A new callback in its place among those of its task."""
        kept = callbacks.keep(tx, made.callback)
        callbacks.forget(tx, self._settings.journal_size)
        if not kept.is_due:
            callbacks.let_go(tx, kept, now)
        elif made.swaps:
            callbacks.hold(tx, kept)
        else:
            callbacks.line_up(tx, kept, now)
        return kept

    def _payload(self, sandbox: str, task: Task, step: Step) -> Json:
        """What a callback says; None for a task, brought from elsewhere, that its provider cannot write."""
        try:
            return self._living[task.provider].heard(sandbox, task, step)
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, AssertionError):
            return None

    # --- sending --------------------------------------------------------------------------------------------

    async def _sent(self, place: Place, sandbox: str, callback: Callback) -> None:
        """One attempt, and whatever follows from it."""
        if callback.delay and not callback.tries:
            await asyncio.sleep(callback.delay)
        try:
            at, key = await self._stored(lambda: self._run(place, sandbox, partial(self._asked, callback)))
            answer = await self._posted(callback, key, at)
            await self._stored(lambda: self._answered(place, sandbox, callback, at, answer))
        except Cut:
            return

    def _asked(self, callback: Callback, tx: Tx) -> tuple[int, str | None]:
        """The moment of an attempt, and the key that signs it."""
        key = accounts.hmac_key(tx, callback.account)
        return micros(self._clock.now(tx)), f"not {key}" if callback.badly_signed else key

    async def _posted(self, callback: Callback, key: str | None, at: int) -> Answer:
        try:
            headers = {"content-type": "application/json", **self._signature(callback, key, at)}
            body, patience = write_json(callback.payload), self._patience(callback)
            async with self._sender.slot(receiver_of(callback.url)):
                return await post(callback.url, headers, body, timeout=patience, allowed=self._allowed)
        except Exception as error:  # a fault of ours is told like any other, and stops nothing
            return Answer(None, f"it could not be sent ({type(error).__name__})")

    def _signature(self, callback: Callback, key: str | None, at: int) -> dict[str, str]:
        living = self._living.get(callback.provider)
        if living is None or key is None:
            return {}
        return living.adapter.signature(callback.payload, key, whole_seconds(at))

    def _patience(self, callback: Callback) -> float:
        """How many real seconds a receiver is waited for."""
        living = self._living.get(callback.provider)
        if self._clock.mode == "virtual" or living is None:
            return self._settings.callback_timeout
        return living.house.policy.webhook.timeout

    def _answered(self, place: Place, sandbox: str, callback: Callback, at: int, answer: Answer) -> None:
        def work(tx: Tx) -> Callback | None:
            kept = callbacks.find(tx, callback.id)
            if kept is None or not kept.is_due:
                return None
            after = self._after(tx, kept, Attempt(at, answer.status, answer.error), answer.refused)
            callbacks.forget(tx, self._settings.journal_size)
            return after

        with place.guard:
            after = self._run(place, sandbox, work)
            if after is not None:
                attempt = after.attempts[-1] if answer.refused is None else None
                self._tell(place, sandbox, _callback_told(after, attempt))
            self._stir(place, sandbox)

    def _after(self, tx: Tx, callback: Callback, attempt: Attempt, refused: str | None) -> Callback:
        now = micros(self._clock.now(tx))
        living = self._living.get(callback.provider)
        if refused is not None:
            return callbacks.end(tx, callback, "refused", refused, now)
        if living is None:
            return callbacks.end(tx, callback, "gave-up", f"{callback.provider} is not served any more", now)
        return callbacks.answered(tx, callback, attempt, living.house.policy.webhook, now)

    async def _stored(self, use: Callable[[], T]) -> T:
        return await asyncio.to_thread(use) if self._store.may_block else use()

    # --- waiting for it -------------------------------------------------------------------------------------

    def settle(self, place: Place, sandbox: str) -> None:
        """Wait until nothing of a sandbox is due now and every attempt under way has ended."""
        while True:
            self._stir(place, sandbox)
            with place.guard:
                flying = list(place.flying)
            if not flying:
                return
            wait(flying, return_when="FIRST_COMPLETED")

    def is_ahead(self, sandbox: str) -> bool:
        """True where something of a sandbox is to come yet."""
        return self._store.run(sandbox, _first_due) < math.inf

    def attempts(self, sandbox: str, task: Task) -> list[Future[None]]:
        """The attempts that are under way for a task."""
        return self._place(sandbox).of_task(task)

    def send_again(self, sandbox: str, id: str) -> Callback | None:
        """Send an ended callback once more and wait for the answer; None where there is no such one."""
        place = self._place(sandbox)

        def work(tx: Tx) -> Callback | None:
            found = callbacks.find(tx, id)
            if found is None or found.is_due:
                return found
            return callbacks.send_again(tx, found, micros(self._clock.now(tx)))

        found = self._store.run(sandbox, work) if self.callback(sandbox, id) else None
        if found is None:
            return None
        self._stir(place, sandbox)
        wait(place.of_callback(id))
        return self._store.run(sandbox, lambda tx: callbacks.find(tx, id))

    # --- moving a clock -------------------------------------------------------------------------------------

    def walk(self, sandbox: str, aim: Callable[[Tx], int | None]) -> Walked:
        """Move a virtual clock through every due moment to the one aimed at; None stands for idleness."""
        place = self._place(sandbox)
        with place.walk:
            before = Counter(place.ended)
            with suppress(Cut):
                # Asked first: a clock that cannot be moved keeps nobody waiting for receivers.
                target = self._run(place, sandbox, aim)
                # What was due before is no part of it, however far it has come by now.
                self.settle(place, sandbox)
                before = Counter(place.ended)
                self._walk_to(place, sandbox, target)
            ended = Counter(place.ended) - before
            return Walked(ended["delivered"], ended["gave-up"])

    def _walk_to(self, place: Place, sandbox: str, target: int | None) -> None:
        if target is None:
            self._end_polled(place, sandbox)
        while (due := self._next(place, sandbox)) <= (math.inf if target is None else target):
            if due == math.inf:
                break
            self._move(place, sandbox, int(due))
        if target is not None and not self._sender.closed:
            self._move(place, sandbox, target)

    def _next(self, place: Place, sandbox: str) -> float:
        """The next moment to walk to; none where nothing is sent any more."""
        return math.inf if self._sender.closed else self._run(place, sandbox, _first_due)

    def _move(self, place: Place, sandbox: str, moment: int) -> None:
        self._run(place, sandbox, lambda tx: self._clock.move(tx, moment))
        self.settle(place, sandbox)

    def _end_polled(self, place: Place, sandbox: str) -> None:
        """Take every task that only polls move on to its end, stage by stage."""
        while self._step_polled(place, sandbox):
            self.settle(place, sandbox)

    def _step_polled(self, place: Place, sandbox: str) -> bool:
        """One step for each of them; False where there is none left."""
        after, walked = 0, False
        while page := self._run(place, sandbox, partial(self._page_walked, sandbox, after)):
            after, walked = page[-1].number, True
        return walked

    def _page_walked(self, sandbox: str, after: int, tx: Tx) -> list[Task]:
        page = tasks.waiting_for_polls(tx, after, _AT_ONCE)
        for task in page:
            if task.provider in self._living:
                self._living[task.provider].service(tx, sandbox).walk(task)
            else:
                tasks.put_due(tx, task, None)
        return page

    # --- waking by itself -----------------------------------------------------------------------------------

    def _set_alarm(self, place: Place, sandbox: str) -> None:
        with place.guard:
            if place.is_cut:
                return
            due = self._store.run(sandbox, _first_due)
            set_for, alarm = place.alarm
            if due >= set_for:
                return
            if alarm is not None:
                alarm.cancel()
            place.alarm = (due, self._sender.start(self._alarmed(place, sandbox, due)))

    async def _alarmed(self, place: Place, sandbox: str, due: float) -> None:
        try:
            now = await self._stored(lambda: self._run(place, sandbox, self._clock.now))
        except Cut:
            return
        await asyncio.sleep(max(_NAP_SECONDS, due / 1_000_000 - now))
        with place.guard:
            place.alarm = (math.inf, None)
        await self._stored(lambda: self._stir(place, sandbox))


def _kept(tx: Tx) -> tuple[int, set[int], list[Callback]]:
    """The last number of a callback; the first ones of tasks whose own are kept one by one; all such."""
    apart = {int(key[len(_APART) :]) for key, _ in walk(tx, _APART)}
    return callbacks.next_number(tx) - 1, apart, list(callbacks.listed(tx))


def _landed(place: Place, flight: Future[None]) -> None:
    with place.guard:
        place.flying.pop(flight, None)


def _give_back(tx: Tx, failing: list[Task], now: int) -> None:
    """Settle some of what is due back to the accounts of failing tasks: as many refunds as there are steps.

    A call that pays, or asks for the credits, would settle them all: 100,000 of them took it 300,000 µs.
    """
    for id in dict.fromkeys(task.account for task in failing):
        if account := accounts.find(tx, id):
            accounts.settle(tx, account, now, _AT_ONCE)


def _first_due(tx: Tx) -> float:
    """The moment at which something is due next; infinite where nothing is."""
    known = (tasks.first_due(tx), callbacks.first_due(tx))
    return min((at for at in known if at is not None), default=math.inf)


# --- what is told -------------------------------------------------------------------------------------------


def _task_told(task: Task, step: Step) -> TaskTold:
    moment = step.moment
    at = max(step.at, task.created)
    return TaskTold(task.provider, task.id, moment.name, moment.status, moment.progress, at)


def _callback_told(callback: Callback, attempt: Attempt | None) -> CallbackTold:
    return CallbackTold(
        callback.id, callback.task, callback.provider, callback.stage, callback.state, attempt
    )
