"""The use cases of one provider in one sandbox and transaction: submit, create, look up, plant, push.

Whatever is refused is refused before anything is written, charged or numbered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from mockserver.domain import account as accounts
from mockserver.domain import lifecycle, rules, tasks, uploads, words
from mockserver.domain.credits import shown
from mockserver.domain.ids import is_brought, uuid4
from mockserver.domain.lifecycle import part_of
from mockserver.domain.model import (
    Account,
    BalanceView,
    Caller,
    CreatePersona,
    Due,
    Failure,
    OpenUpload,
    Persona,
    PersonaUse,
    PersonaView,
    Refusal,
    Song,
    SongView,
    SourceUse,
    Submit,
    Task,
    TaskView,
    UploadView,
)
from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import FailureKind, Kind, Policy, Stage
from mockserver.domain.ports import Ids, Tx
from mockserver.domain.records import micros, seconds, whole_seconds
from mockserver.domain.rules import Check, Facts, Named
from mockserver.domain.uploads import Upload
from mockserver.domain.versions import Model

# In seconds: what takes longer on a slow clock would end beyond the calendar.
LONGEST = 1_000_000_000


class Forms(NamedTuple):
    """How a provider writes its ids: from material and the second of the making."""

    task: Callable[[bytes, int], str]
    song: Callable[[bytes, int], str]
    persona: Callable[[bytes, int], str]


class House(NamedTuple):
    """What does not change while a server runs: a provider's own values, and how time is taken."""

    provider: str
    policy: Policy
    models: tuple[Model, ...]
    forms: Forms
    ids: Ids
    # Provider seconds per second of the clock; infinite where a task is final at once.
    pace: float = 1.0
    # How many polls show each state of a task; 0 where time moves it on.
    polls: int = 0

    def length(self, kind: Kind, seconds: float | None = None) -> int:
        """How long a task of a kind, or of so many provider seconds, takes on the clock, in microseconds."""
        return 0 if math.isinf(self.pace) else micros(min(LONGEST, (seconds or kind.seconds) / self.pace))


class Wish(NamedTuple):
    """What goes beyond the state: a success asked for, a task that is to fail, a rule kept for last."""

    skips_credits: bool = False
    failure: FailureKind | None = None
    # How many of the provider's seconds a task is to take instead of the usual ones.
    seconds: float | None = None
    # What the document has against the model of a song with a persona; judged when the persona is known.
    model_refusal: Refusal | None = None


class Service:
    """The use cases at one moment. `checks` collects what was looked at, in order."""

    def __init__(self, tx: Tx, sandbox: str, now: int, house: House) -> None:
        self.tx = tx
        self.sandbox = sandbox
        self.now = now
        self.house = house
        self.checks: list[Check] = []
        # Whether looking at a task counts as a poll of it.
        self.counts_polls = False
        # Whether what a new task has before it is left to whoever calls.
        self.leaves_steps = False
        # The caller's account, once it was looked at for a price.
        self._account: Account | None = None
        self._policy: Policy = house.policy

    # --- looking --------------------------------------------------------------------------------------------

    def view(self, task: Task) -> TaskView:
        """A task and how it stands now."""
        return TaskView(task, lifecycle.moment(task, self._policy, self.now))

    def show_task(self, id: str, caller: Caller) -> TaskView:
        """The caller's own task; a refusal for an unknown one and for somebody else's."""
        task = tasks.find(self.tx, self.house.provider, id)
        if task is None:
            raise Refusal(Outcome.NOT_FOUND, task=id)
        if task.account != caller.account:
            hidden = self._policy.hides_foreign
            raise Refusal(Outcome.NOT_FOUND if hidden else Outcome.ACCESS_DENIED, task=id)
        return self.view(self._polled(task))

    def _polled(self, task: Task) -> Task:
        """The task after this look at it, which moves it on where polls do."""
        if not self.counts_polls or not self.house.polls:
            return task
        moved = lifecycle.polled(task, self._policy, self.house.polls, self.now)
        return self._stepped(task, moved) if moved != task else task

    def _stepped(self, old: Task, new: Task) -> Task:
        """A task moved on to a later step; those in between have come with it."""
        due = tasks.due_of(self.tx, old)
        return tasks.put(self.tx, old, new, lifecycle.upcoming(new, self._policy, due.step) if due else None)

    def show_tasks(
        self, ids: Sequence[str], kinds: frozenset[str] | None, caller: Caller
    ) -> tuple[TaskView, ...]:
        """Those of the caller's own tasks that are known, each once."""
        found = (tasks.find(self.tx, self.house.provider, id) for id in dict.fromkeys(ids))
        own = (task for task in found if task is not None and task.account == caller.account)
        return tuple(self.view(self._polled(task)) for task in own if kinds is None or task.kind in kinds)

    def show_songs(self, ids: Sequence[str], caller: Caller) -> tuple[SongView, ...]:
        """Those of the caller's own songs that are known, each once."""
        found = [self.song(id) for id in dict.fromkeys(ids)]
        own = [view for view in found if view and view.of.task.account == caller.account]
        # The songs of a task are polled together.
        seen = {view.of.task.id: view.of.task for view in own}
        polled = {id: self.view(self._polled(task)) for id, task in seen.items()}
        return tuple(replace(view, of=polled[view.of.task.id]) for view in own)

    def song(self, id: str | None) -> SongView | None:
        """A song of this provider, with its task."""
        task = tasks.of_song(self.tx, self.house.provider, id) if id else None
        return self._song_of(task, id) if task else None

    def _song_of(self, task: Task, id: str | None) -> SongView | None:
        # A task that is named alone stands for its first song.
        for index, song in enumerate(task.songs):
            if id is None or song.id == id:
                return SongView(song, index, self.view(task))
        return None

    def balance(self, caller: Caller, kind: str | None = None) -> BalanceView:
        """What the caller has, and what a kind of task would cost."""
        # Settled and not just added up, so that no look walks again through what an earlier one has seen: of
        # 100,000 refunds due, that took each 57,000 µs, where a look at none takes 6.
        held = accounts.settle(self.tx, accounts.of(self.tx, caller), self.now)
        return BalanceView(held.credits, held.used, self._policy.kinds[kind].price if kind else 0)

    # --- submitting -----------------------------------------------------------------------------------------

    def submit(self, command: Submit, caller: Caller, wish: Wish) -> TaskView:
        """A new task, charged; a refusal where the account, the source or the persona does not allow it."""
        kind = self._policy.kinds[command.kind]
        price = self._afford(caller, kind.price, wish)
        source = self._works_on(command.source, caller) if command.source else None
        if command.persona:
            self._sings_with(command.persona, caller)
        if wish.model_refusal is not None:
            raise wish.model_refusal
        account = self._charge(caller, price)
        if source and command.source and command.source.inherits:
            command = _inherited(command, source)
        parent = source.song.id if source else ""
        task = self._new_task(command, kind, account.id, wish.seconds, price, parent, kind.songs)
        return self.view(self._begin(task, wish))

    def _afford(self, caller: Caller, price: int, wish: Wish) -> int:
        """What the caller will be charged: the price, or what there is where a success was asked for."""
        self._account = accounts.settle(self.tx, accounts.of(self.tx, caller), self.now)
        held = self._account.credits
        short = held < price or (self._policy.refuses_empty and not held)
        self._note("credits", not short or wish.skips_credits, price=shown(price), held=shown(held))
        if short and not wish.skips_credits:
            raise Refusal(Outcome.INSUFFICIENT_CREDITS, price=price, credits=held)
        return min(price, held)

    def _charge(self, caller: Caller, price: int) -> Account:
        """The account that was found to have enough, without the price; a new one is kept from now on."""
        account = self._account or accounts.settle(self.tx, accounts.of(self.tx, caller), self.now)
        charged = accounts.take(self.tx, account, price)
        return accounts.known(self.tx, caller) if charged is account else charged

    def _works_on(self, use: SourceUse, caller: Caller) -> SongView:
        facts = self._facts(use.task, use.song, caller)
        self._hold(rules.TO_WORK_ON, facts)
        assert facts.song is not None
        if use.model is not None and use.model != facts.song.of.task.model:
            raise Refusal(Outcome.INVALID, reason="other-model", model=facts.song.of.task.model)
        if use.continue_at is not None and not 0 < use.continue_at < facts.song.song.duration:
            raise Refusal(Outcome.INVALID, reason="continue-outside", duration=facts.song.song.duration)
        return facts.song

    def _sings_with(self, use: PersonaUse, caller: Caller) -> None:
        persona = tasks.find_persona(self.tx, self.house.provider, use.id)
        usable = persona is not None and self._may_use(persona, caller)
        self._note("persona-is-known", usable, persona=use.id)
        if not usable:
            raise Refusal(Outcome.PERSONA_NOT_FOUND, persona=use.id)
        assert persona is not None
        if use.song is not None and use.song != persona.song:
            raise Refusal(Outcome.PERSONA_NOT_FOUND, persona=use.id, reason="other-root", song=use.song)

    def _may_use(self, persona: Persona, caller: Caller) -> bool:
        shared = self._policy.shares_public and persona.is_public
        return (persona.account == caller.account or shared) and self.is_made(persona)

    def is_made(self, persona: Persona) -> bool:
        """True once a persona can be used."""
        return self._stands(persona, finished=True)

    def _stands(self, persona: Persona, *, finished: bool) -> bool:
        """True unless the task that makes it has failed, or has not finished where that is asked."""
        task = tasks.find(self.tx, persona.provider, persona.made_by) if persona.made_by else None
        if task is None:
            return True
        status = self.view(task).moment.status
        return status == "finished" if finished else status != "failed"

    def _begin(self, task: Task, wish: Wish) -> Task:
        """A new task as it is kept, its whole way before it."""
        if wish.failure:
            task = task._replace(failure=fails(task, wish.failure))
        if self.house.polls:
            task = lifecycle.by_polls(task, self._policy, self.house.polls, self.now)
        return tasks.put(self.tx, None, task, None if self.leaves_steps else self.first_step(task))

    def first_step(self, task: Task) -> Due | None:
        """What comes first of all that a new task has before it."""
        return lifecycle.upcoming(task, self._policy, 0)

    def hurry(self, task: Task) -> Task:
        """A new task, moved on to the first step that a callback tells of."""
        step = next(step for step in lifecycle.steps(task, self._policy) if step.tells)
        if task.begun is not None:
            moved = lifecycle.walked_through(task, self._policy, step, self.now)
            return self._stepped(task, lifecycle.counted(moved, self._policy, self.house.polls, self.now))
        ahead = step.at - self.now
        failure = task.failure._replace(at=task.failure.at - ahead) if task.failure else None
        return self._stepped(task, task._replace(starts=task.starts - ahead, failure=failure))

    def _new_task(
        self,
        command: Submit,
        kind: Kind,
        account: str,
        seconds: float | None = None,
        charged: int = 0,
        parent: str = "",
        songs: int = 0,
    ) -> Task:
        house, now = self.house, self.now
        return Task(
            house.provider,
            self._id("task", house.forms.task),
            tasks.next_number(self.tx),
            kind.name,
            account,
            command.model,
            command.request,
            created=now,
            starts=now,
            length=house.length(kind, seconds),
            songs=self._songs(command, songs),
            charged=charged,
            parent=parent,
            operation=command.operation,
            callback=command.callback,
        )

    def _songs(self, command: Submit, count: int) -> tuple[Song, ...]:
        if not count:
            return ()
        provider, form, second = self.house.provider, self.house.forms.song, whole_seconds(self.now)
        drawn: list[tuple[str, bytes]] = []
        while len(drawn) < count:
            left = count - len(drawn)
            several = self.house.ids.several(self.tx, self.sandbox, f"{provider}/song", left)
            drawn += [(form(material, second), material) for material in several]
            if is_brought(self.tx):
                drawn = [one for one in drawn if self._is_free("song", one[0])]
        return words.compose(drawn, title=command.title, tags=command.tags, text=command.text)

    def _id(self, kind: str, form: Callable[[bytes, int], str]) -> str:
        while True:
            id = form(self._material(kind), whole_seconds(self.now))
            if not is_brought(self.tx) or self._is_free(kind, id):
                return id

    def _material(self, kind: str) -> bytes:
        return self.house.ids.next(self.tx, self.sandbox, f"{self.house.provider}/{kind}")

    def _is_free(self, kind: str, id: str) -> bool:
        """False for one that is taken: only where a state was brought whose counters stood behind its ids."""
        return not tasks.is_taken(self.tx, kind, self.house.provider, id)

    # --- personas -------------------------------------------------------------------------------------------

    def create_persona(self, command: CreatePersona, caller: Caller, wish: Wish) -> PersonaView:
        """A new persona of a song, or the task that makes it."""
        price = self._afford(caller, self._persona_price(), wish)
        facts = self._facts(command.task, command.song, caller, command.beside)
        self._hold(rules.FOR_A_PERSONA, facts)
        assert facts.song is not None
        if facts.persona is not None and self._policy.once_per_song:
            return self._again(facts.persona, facts.song, command)
        account = self._charge(caller, price)
        made = self._create(command, facts.song, account.id, price, wish)
        return made._replace(beside=tuple(view for id in command.beside if (view := self.song(id))))

    def _persona_price(self) -> int:
        task = self._policy.persona_task
        return self._policy.kinds[task].price if task else self._policy.persona_price

    def _again(self, persona: Persona, root: SongView, command: CreatePersona) -> PersonaView:
        # The two observed ways of answering a second persona: as it was, or under its new name.
        if self._policy.duplicate == "overwrite":
            persona = persona._replace(name=command.name, description=command.description)
            tasks.put_persona(self.tx, persona)
        return PersonaView(persona, root, repeated=True)

    def _create(
        self, command: CreatePersona, root: SongView, account: str, price: int, wish: Wish
    ) -> PersonaView:
        task = self._persona_task(command, root, account, price, wish)
        persona = Persona(
            provider=self.house.provider,
            id=self._id("persona", self.house.forms.persona),
            number=tasks.next_number(self.tx),
            account=account,
            task=root.of.task.id,
            song=root.song.id,
            name=command.name,
            description=command.description,
            created=self.now,
            style=command.style,
            is_public=command.is_public,
            made_by=task.id if task else None,
        )
        tasks.put_persona(self.tx, persona)
        if task is None:
            return PersonaView(persona, root)
        made = self._begin(task._replace(persona=persona.id), wish)
        return PersonaView(persona, root, self.view(made))

    def _persona_task(
        self, command: CreatePersona, root: SongView, account: str, price: int, wish: Wish
    ) -> Task | None:
        if self._policy.persona_task is None:
            return None
        kind = self._policy.kinds[self._policy.persona_task]
        submitted = Submit(
            kind.name,
            kind.model or kind.name,
            command.request,
            callback=command.callback,
            operation=command.operation,
        )
        return self._new_task(submitted, kind, account, charged=price, parent=root.song.id)

    # --- sources --------------------------------------------------------------------------------------------

    def _facts(
        self, task_id: str | None, song_id: str | None, caller: Caller, beside: Sequence[str] = ()
    ) -> Facts:
        song = None
        if task_id is None:
            song = self.song(song_id)
            task = song.of.task if song else None
        else:
            task = tasks.find(self.tx, self.house.provider, task_id)
            song = self._song_of(task, song_id) if task else None
        view = song.of if song else self.view(task) if task else None
        house, persona = self.house, self._persona_of(song)
        owners = self._owners(beside) if beside else ()
        return Facts(
            caller.account,
            house.policy,
            house.models,
            self.now,
            task_id,
            song_id,
            view,
            song,
            persona,
            owners,
        )

    def _owners(self, songs: Sequence[str]) -> tuple[str | None, ...]:
        found = [self.song(id) for id in songs]
        return tuple([song.of.task.account if song else None for song in found])

    def _persona_of(self, song: SongView | None) -> Persona | None:
        persona = tasks.persona_of(self.tx, self.house.provider, song.song.id) if song else None
        return persona if persona and self._stands(persona, finished=False) else None

    def files(self, task: Task) -> tuple[str, ...]:
        """The files that are made of each song of a task."""
        return self._policy.kinds[task.kind].files

    def knows_file(self, role: str) -> bool:
        """True for a file that some task of this provider makes."""
        return any(role in kind.files for kind in self._policy.kinds.values())

    def is_expired(self, view: TaskView) -> bool:
        """True once the provider has deleted what a task made."""
        return lifecycle.is_expired(view, self._policy, self.now)

    def kept_until(self, task: Task) -> int | None:
        """The moment at which the provider deletes what a task made, if it ever does."""
        return lifecycle.kept_until(task, self._policy)

    def _hold(self, order: Sequence[Named], facts: Facts) -> None:
        checks = self.checks
        try:
            for reached in order:
                reached.rule(facts)
                checks.append(reached.held)
        except Refusal:
            self._note(reached.name, False, task=facts.task_id, song=facts.song_id)
            raise

    def _note(self, check: str, ok: bool, **facts: Any) -> None:
        self.checks.append((check, ok, facts))

    # --- uploads --------------------------------------------------------------------------------------------

    def open_upload(self, command: OpenUpload) -> UploadView:
        """A place to upload a file to; it is read from there again."""
        material = self._material("upload")
        id = uuid4(material)
        name = f"{id}.{command.extension}"
        uploads.put(self.tx, Upload(id, name, command.content_type, seconds(self.now)))
        return UploadView(id, name, material[16:24].hex())

    # --- planting and pushing -------------------------------------------------------------------------------

    def plant(
        self, command: Submit, caller: Caller, stage: Stage | None = None, failure: FailureKind | None = None
    ) -> Task:
        """A task without charge or question: finished, at the beginning of a stage, or just failed."""
        kind = self._policy.kinds[command.kind]
        account = accounts.known(self.tx, caller).id
        then, length = self._back_then(kind, stage, failure)
        task = then._new_task(command, kind, account)
        songs = then._songs(command, kind.songs)
        return self._settled_in(None, self._aged(task._replace(songs=songs), length, failure))

    def _settled_in(self, old: Task | None, task: Task) -> Task:
        """A planted task as it is kept: nobody is told of what it has behind it."""
        if self.house.polls:
            task = lifecycle.by_polls(task, self._policy, self.house.polls, self.now)
        behind = lifecycle.entered(task, self._policy, self.now)
        return tasks.put(self.tx, old, task, lifecycle.upcoming(task, self._policy, behind))

    def plant_persona(
        self,
        command: CreatePersona,
        caller: Caller,
        stage: Stage | None = None,
        failure: FailureKind | None = None,
    ) -> Task | None:
        """The task of a persona of a planted song, free of charge; None where making one needs no task."""
        root = self.song(command.song)
        assert root is not None
        assert self._policy.persona_task is not None
        account = accounts.known(self.tx, caller).id
        then, length = self._back_then(self._policy.kinds[self._policy.persona_task], stage, failure)
        made = then._create(command, root, account, 0, Wish()).task
        return self._settled_in(made.task, self._aged(made.task, length, failure)) if made else None

    def _back_then(self, kind: Kind, stage: Stage | None, failure: FailureKind | None) -> tuple[Service, int]:
        """The moment at which a task began that is at this point now, and its whole length."""
        part = failure.after if failure else stage.begins if stage else 100
        length = self.house.length(kind)
        if part < 100:
            # What is planted in its middle has one, also where tasks end at once.
            length = length or micros(kind.seconds)
        return Service(self.tx, self.sandbox, self.now - part_of(length, part, 100), self.house), length

    def _aged(self, task: Task, length: int, failure: FailureKind | None) -> Task:
        failed = _failed(failure, self.now) if failure else None
        return task._replace(length=length, failure=failed, polls=0, begun=None)

    def push(self, task: Task, stage: Stage) -> Task:
        """A task moved to the beginning of a stage; from there it goes on as time passes, or polls come."""
        if stage.status == "finished":
            moved = task._replace(
                failure=None, starts=self.now - task.length, progress=None, begun=None, polls=0
            )
        else:
            moved = self._at(task, stage.begins, 100)
        return self._undone(task, moved)

    def advance(self, task: Task, progress: int) -> Task:
        """A task moved to a progress, in percent."""
        if progress >= 100:
            return self.push(task, self._policy.stages[-1])
        share = lifecycle.share_of(self._policy, progress)
        moved = self._at(task, *share)._replace(progress=progress)
        return self._undone(task, moved)

    def _at(self, task: Task, part: int, whole: int) -> Task:
        length = task.length or micros(self._policy.kinds[task.kind].seconds)
        starts = self.now - part_of(length, part, whole)
        return task._replace(failure=None, length=length, starts=starts, progress=None, begun=None, polls=0)

    def fail(self, task: Task, kind: FailureKind) -> Task:
        """A task failed now, in whatever state it is; one that has failed already has done so in this way."""
        failed = task.failure is not None and task.failure.at <= self.now
        at = task.failure.at if task.failure and failed else self.now
        return self._changed(task, task._replace(failure=_failed(kind, at)))

    def walk(self, task: Task) -> Task:
        """An unfinished task that polls move on, moved to its next step."""
        place = lifecycle.next_place(task, self._policy, self.now)
        return self._stepped(task, lifecycle.walked_to(task, place, self.now))

    def rival(self, task: Task) -> Persona | None:
        """The persona that a song has got since the task of another one failed."""
        own = self._own_persona(task)
        other = tasks.persona_of(self.tx, own.provider, own.song) if own else None
        return other if other and other != own and self._stands(other, finished=False) else None

    def _own_persona(self, task: Task) -> Persona | None:
        return tasks.find_persona(self.tx, task.provider, task.persona) if task.persona else None

    def _undone(self, old: Task, new: Task) -> Task:
        """A task that has not failed, whatever it had; its persona is its song's again."""
        if own := self._own_persona(old):
            tasks.put_persona(self.tx, own)
        return self._changed(old, new)

    def _changed(self, old: Task, new: Task) -> Task:
        # What is due back is paid first, so that it is there to be charged again.
        account = accounts.find(self.tx, old.account)
        assert account is not None
        accounts.settle(self.tx, account, self.now)
        if self.house.polls:
            new = lifecycle.by_polls(new, self._policy, self.house.polls, self.now)
        step = self._step_after(old, new)
        return tasks.put(self.tx, old, new, lifecycle.upcoming(new, self._policy, step))

    def _step_after(self, old: Task, new: Task) -> int:
        """The first step to be told of a changed task: one it has come through, or that it went back to."""
        due, stood = tasks.due_of(self.tx, old), lifecycle.entered(old, self._policy, self.now)
        known, coming = lifecycle.steps(old, self._policy), lifecycle.steps(new, self._policy)
        told = due.step if due else stood
        stands = lifecycle.entered(new, self._policy, self.now)
        before, after = known[stood - 1].moment, coming[stands - 1].moment
        if stood == stands and (before.name, before.status) == (after.name, after.status):
            return min(told, stands)
        # That it failed is no state on the way to another; it is undone, or was another failure.
        passed = len(known) - 1 if before.status == "failed" else told
        return min(told, passed, stands - 1)


def fails(task: Task, kind: FailureKind) -> Failure:
    """How a task fails when its moment has come."""
    return _failed(kind, lifecycle.fails_at(task, kind.after))


def _failed(kind: FailureKind, at: int) -> Failure:
    return Failure(kind.name, kind.state, kind.code, kind.message, at, kind.after)


def _inherited(command: Submit, source: SongView) -> Submit:
    """The submission with what it leaves open taken from the song it works on."""
    song = source.song
    return command._replace(
        model=command.model or source.of.task.model,
        title=command.title or song.title,
        tags=command.tags or song.tags,
        text=command.text or song.text,
    )
