"""Documents that have an adapter: their requests act on the state, and the state decides the answer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple
from urllib.parse import quote

from mockserver.domain import credits, lifecycle, magic, tasks
from mockserver.domain import fault as faults
from mockserver.domain import media as files
from mockserver.domain.lifecycle import Step
from mockserver.domain.magic import BadWord
from mockserver.domain.media import EXAMPLE, EXAMPLE_FILE
from mockserver.domain.model import (
    Caller,
    Command,
    CreatePersona,
    Estimate,
    Fault,
    LookUp,
    Moment,
    OpenUpload,
    Refusal,
    ShowBalance,
    ShowSongs,
    ShowTask,
    ShowTasks,
    Submit,
    Task,
    TaskView,
    View,
)
from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import FailureKind
from mockserver.domain.ports import Clock, Ids, Tx
from mockserver.domain.records import micros
from mockserver.domain.rules import Check
from mockserver.domain.service import House, Service, Wish
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.payload import write_plain
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.providers import BUILT_IN, adapter_of
from mockserver.providers.base import Call, Context, Provider
from mockserver.providers.quirks import QuirkError, Quirks, read_quirks
from mockserver.settings import Settings, UsageError
from mockserver.web import choice as choices
from mockserver.web.choice import Choice
from mockserver.web.locate import DEFAULT_SANDBOX, SANDBOX
from mockserver.web.newest import LARGEST, Newest
from mockserver.web.redact import digest, redacted
from mockserver.web.verdict import Verdict

POOR = "mock-poor"
# The commands that make a task, or may. (A union in the place of the tuple takes 1 µs.)
_MAKING = (Submit, CreatePersona)

# Where a document has no word for an outcome, it goes by the nearest one that it has.
_NEAREST = {
    Outcome.SOURCE_EXPIRED: Outcome.ACCESS_DENIED,
    Outcome.SOURCE_NOT_OWNED: Outcome.SOURCE_NOT_FOUND,
}


class Acted(NamedTuple):
    """What came of a request: the answer, and whether it refuses."""

    choice: Choice
    refused: bool
    # The task that was made, and whether its first callback comes before the answer.
    made: Task | None = None
    early: bool = False


class _Final(NamedTuple):
    """A task at its end, by which operation it was looked at, where and how it stood, and the answer."""

    task: Task
    of: tuple[str, str, Moment]
    answer: Choice


@dataclass(frozen=True)
class Living:
    """One document, its adapter, and what the two need to act on a sandbox's state."""

    document: Document
    adapter: Provider
    house: House
    clock: Clock
    settings: Settings
    # By the identity of a task that is unpacked and at its end.
    finals: Newest[int, _Final] = field(default_factory=Newest, compare=False, repr=False)

    def knows(self, operation: Operation) -> bool:
        """True for an operation whose answers are this adapter's."""
        return operation.marked and operation.answers.get("success") is not None

    def caller(self, credential: str) -> Caller:
        """The account behind a credential."""
        return caller_of(self.settings, credential)

    def service(self, tx: Tx, sandbox: str, moment: int | None = None) -> Service:
        """The use cases of this provider, at the sandbox's moment or at another."""
        now = micros(self.clock.now(tx)) if moment is None else moment
        return Service(tx, sandbox, now, self.house)

    # --- answering ------------------------------------------------------------------------------------------

    def act(
        self,
        tx: Tx,
        sandbox: str,
        verdict: Verdict,
        call: Call,
        command: Command | Refusal,
        caller: Caller,
        wish: Wish,
        checks: list[Check],
    ) -> Acted:
        """What comes of a valid request, read as a command; a refused one has changed nothing.

        What is looked at on the way is added to the checks.
        """
        service = self.service(tx, sandbox)
        service.checks = checks
        # Whoever asked looks after the steps of what is made: mostly they can be settled at once.
        service.counts_polls = service.leaves_steps = True
        if verdict.violations:
            wish = wish._replace(model_refusal=self._model_refusal(call, verdict))
        try:
            if isinstance(command, Refusal):
                # The same one each time, which would else go on keeping all that it was raised through.
                raise command.with_traceback(None)
            view = carry_out(service, command, caller, wish)
            if type(command) is ShowTask and view.tasks[0].moment.is_final:
                # A poll of a task at its end: it stays as it is, and tells of nothing else.
                answer = self._of_final(view, verdict.operation, call, sandbox)
                return Acted(answer, answer.outcome == Outcome.NOT_FOUND)
            written = self.adapter.write(call, view, self.context(sandbox))
        except Refusal as refusal:
            return Acted(self.refused(verdict.operation, call, refusal), refused=True)
        outcome = written.outcome
        if outcome is Outcome.SUCCESS and wish.failure is not None:
            outcome = Outcome.TASK_FAILED
        answer = choices.by_outcome(verdict.operation, outcome).showing(written.body, written.states)
        # A look-up that found nothing refuses as well, where the provider answers it with an empty list.
        made = view.tasks[0].task if isinstance(command, _MAKING) and view.tasks else None
        early = made is not None and self._tells_early(tx, sandbox, made)
        if made is not None and early:
            tasks.put_due(tx, made, service.first_step(made))
            service.hurry(made)
        return Acted(answer, outcome is Outcome.NOT_FOUND, made, early)

    def _tells_early(self, tx: Tx, sandbox: str, made: Task) -> bool:
        """True where a fault makes the first callback of a task come before the answer."""
        if not made.callback or faults.callbacks_are_spared(tx):
            return False
        return self._met(tx, sandbox, made, faults.EARLY) is not None

    def _of_final(self, view: View, operation: Operation, call: Call, sandbox: str) -> Choice:
        """What a poll shows of a task that will not change; written once for the newest, as polls repeat."""
        task, moment = view.tasks[0]
        known = self.finals.find(id(task))
        if known is not None and known.task is task and known.of == (operation.name, sandbox, moment):
            return known.answer
        written = self.adapter.write(call, view, self.context(sandbox))
        answer = choices.by_outcome(operation, written.outcome).showing(written.body, written.states)
        raw = write_plain(written.body)
        if len(raw) > LARGEST:
            return answer
        answer = answer._replace(raw=raw)
        self.finals.keep(id(task), _Final(task, (operation.name, sandbox, moment), answer))
        return answer

    def command(self, call: Call) -> Command:
        """The command that a valid request means; what makes a task knows by which operation."""
        command = self.adapter.read(call)
        if isinstance(command, _MAKING):
            return command._replace(operation=call.operation)
        return command

    def spoken(self, call: Call) -> Wish | None:
        """What the magic words of a song request ask for; BadWord for one that means nothing here."""
        spoken = magic.listen(self.adapter.wording(call))
        if spoken is None:
            return None
        return Wish(failure=self._named(spoken.failure) if spoken.fails else None, seconds=spoken.seconds)

    def _named(self, name: str) -> FailureKind:
        """The failure of a name or a code; the usual one for none."""
        policy = self.house.policy
        found = policy.failure(name or None)
        if found is None:
            known = dict.fromkeys(str(n) for f in policy.failures for n in (f.name, f.code) if n is not None)
            raise BadWord(f"mock:fail={name}", f"{self.house.provider} has no such failure, {_wanted(known)}")
        return found

    def _model_refusal(self, call: Call, verdict: Verdict) -> Refusal | None:
        late = next((v for v in verdict.violations if self.is_late(call, v)), None)
        return Refusal(Outcome.INVALID, fault=_fault(late)) if late else None

    def is_late(self, call: Call, violation: Violation) -> bool:
        """True for what is judged once the persona of a song is known, and not with the body."""
        return violation.outcome == "invalid" and self.adapter.is_model_rule(call, _fault(violation))

    def refused(self, operation: Operation, call: Call, refusal: Refusal) -> Choice:
        """The documented answer to a refusal, in the words of what happened."""
        outcome = refusal.outcome
        if outcome not in operation.answers:
            outcome = _NEAREST.get(outcome, Outcome.INVALID)
        if outcome not in operation.answers:
            outcome = Outcome.INVALID
        answer = choices.by_outcome(operation, outcome)
        assert answer.example is not None
        sample = answer.example.value
        body = self.adapter.refuse(call, refusal, sample)
        return answer.showing(body, ()) if body is not sample else _documented(operation, outcome)

    def faulty(self, operation: Operation, call: Call, outcome: str, violation: Violation) -> Choice:
        """The documented answer to a request that breaks the document."""
        return self.refused(operation, call, Refusal(Outcome(outcome), fault=_fault(violation)))

    def context(self, sandbox: str) -> Context:
        """What bodies written for a sandbox may need."""
        if sandbox == DEFAULT_SANDBOX:
            return self._usual_context
        return _Context(self, f"{self._base}{SANDBOX}{sandbox}/_mock/media")

    @cached_property
    def _usual_context(self) -> Context:
        return _Context(self, f"{self._base}/_mock/media")

    @cached_property
    def _base(self) -> str:
        return self.settings.base_url

    def sample(self, operation: str) -> Json:
        """The first success that the document shows of an operation."""
        found = self.document.operation(operation)
        assert found is not None
        return found.answers["success"].examples[0].value

    def call(self, verdict: Verdict) -> Call:
        """A request as the adapter reads it; a parameter that is missing or unreadable is left out."""
        return Call(verdict.operation.name, verdict.body, verdict.given["path"], verdict.given["query"])

    def failure(self, error: Json) -> FailureKind | None:
        """A failure by its name or code, or by a code with words of one's own; the usual one for None."""
        if isinstance(error, dict):
            return self.adapter.failure(error.get("code"), error.get("message", ""))
        return self.house.policy.failure(error)

    # --- what the control API asks --------------------------------------------------------------------------

    def view(self, tx: Tx, sandbox: str, task: Task, moment: int | None = None) -> Json:
        """The body that the provider's poll gives a task's owner, now or at another moment."""
        call, owner = self.adapter.poll(task.id), Caller(task.account, "", 0)
        view = carry_out(self.service(tx, sandbox, moment), self.adapter.read(call), owner, Wish())
        return self.adapter.write(call, view, self.context(sandbox)).body

    # --- what the agenda asks -------------------------------------------------------------------------------

    def told_of(self, task: Task) -> int:
        """How many callbacks a task has, if it has any."""
        if task.failure is None:
            return self._told[task.kind]
        return sum(bool(step.tells) for step in lifecycle.steps(task, self.house.policy))

    @cached_property
    def _told(self) -> Mapping[str, int]:
        """The same of a task that does not fail, by its kind."""
        policy = self.house.policy
        return {name: lifecycle.told_of(kind, policy) for name, kind in policy.kinds.items()}

    def heard(self, sandbox: str, task: Task, step: Step) -> Json:
        """The body of the callback that tells of a step."""
        return self.adapter.heard(step.tells, TaskView(task, step.moment), self.context(sandbox))

    def callback_faults(self, tx: Tx, sandbox: str, task: Task, names: Iterable[str]) -> dict[str, float]:
        """Those faults that the next callback of a task meets, each used up by one, with their seconds."""
        found = {name: self._met(tx, sandbox, task, name) for name in names}
        return {name: float(fault.seconds or 0) for name, fault in found.items() if fault is not None}

    def _met(self, tx: Tx, sandbox: str, task: Task, name: str) -> faults.Fault | None:
        def draw() -> float:
            return faults.fraction(self.house.ids.next(tx, sandbox, "fault-draw"))

        return faults.take_named(tx, name, task.provider, task.operation, task.request, draw)

    # --- files ----------------------------------------------------------------------------------------------

    def media(
        self, tx: Tx, sandbox: str, song: str, role: str
    ) -> files.Found | files.Expired | files.Unknown:
        """What has become of the file of a song."""
        return files.find(self.service(tx, sandbox), song, role)

    def offline(self, sandbox: str, value: Json, name: str = "") -> Json:
        """A body of the document's, or one made up, with the mock's own files behind its URLs."""
        if isinstance(value, dict):
            return {
                key: item if key in _ECHOED else self.offline(sandbox, item, key)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.offline(sandbox, item, name) for item in value]
        if not isinstance(value, str) or not value.startswith(("http://", "https://")):
            return value
        url, _, query = value.partition("?")
        context = self.context(sandbox)
        if name in _UPLOADS:
            return context.upload(EXAMPLE, EXAMPLE_FILE) + (f"?{query}" if query else "")
        return context.media(EXAMPLE, _role(url, name))


class _Context:
    """What bodies written for a sandbox may need: URLs below a root, and the document's examples."""

    __slots__ = ("_living", "_root")

    def __init__(self, living: Living, root: str) -> None:
        self._living = living
        self._root = root

    def media(self, song: str, role: str) -> str:
        return f"{self.folder(song)}{role}"

    def folder(self, song: str) -> str:
        # Ids need no quoting, but for those of a state that was brought; to ask takes a third of the time.
        part = song if _PLAIN.fullmatch(song) else quote(song, safe="")
        return f"{self._root}/{self._living.document.name}/{part}/"

    def upload(self, id: str, name: str) -> str:
        return f"{self._root}/uploads/{id}/{quote(name, safe='')}"

    def sample(self, operation: str) -> Json:
        return self._living.sample(operation)


# A refusal in the document's own words is one and the same each time.
@lru_cache(maxsize=1024)
def _documented(operation: Operation, outcome: str) -> Choice:
    answer = choices.by_outcome(operation, outcome)
    assert answer.example is not None
    return answer.showing(answer.example.value, ())


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")


def _wanted(known: Iterable[str]) -> str:
    return f"wanted one of {', '.join(known)}"


def caller_of(settings: Settings, credential: str) -> Caller:
    """The account behind a credential, and what it starts with; `mock-poor` begins with nothing."""
    return _caller(settings.credits, credential)


@lru_cache(maxsize=256)
def _caller(starts_with: float, credential: str) -> Caller:
    held = 0 if credential == POOR else credits.counted(starts_with)
    return Caller(digest(credential), redacted(credential), held)


def carry_out(service: Service, command: Command, caller: Caller, wish: Wish) -> View:
    """What a command comes to."""
    match command:
        # Most calls are polls, and to go through all cases takes 0.5 µs.
        case ShowTask():
            return View(tasks=(service.show_task(command.id, caller),))
        case Submit():
            return View(tasks=(service.submit(command, caller, wish),))
        case CreatePersona():
            persona = service.create_persona(command, caller, wish)
            return View(tasks=(persona.task,) if persona.task else (), persona=persona)
        case ShowTasks():
            return View(tasks=service.show_tasks(command.ids, command.kinds, caller))
        case ShowSongs():
            return View(songs=service.show_songs(command.ids, caller))
        case ShowBalance():
            return View(balance=service.balance(caller))
        case Estimate():
            return View(balance=service.balance(caller, command.kind))
        case OpenUpload():
            return View(upload=service.open_upload(command))
        case LookUp():
            return View()


# What a body tells of the request is the client's own.
_ECHOED = ("param", "notify_hook", "callback_url")
_UPLOADS = ("presigned_url", "file_url")
_ENDINGS = {".mp3": "audio.mp3", ".jpeg": "cover.jpeg", ".mp4": "video.mp4", ".webp": "avatar.webp"}


def _role(url: str, name: str) -> str:
    """The file that an example's URL is about, by how it ends or by its field."""
    if "large" in url or "large" in name:
        return "cover-large.jpeg"
    told = next((role for ending, role in _ENDINGS.items() if url.endswith(ending)), None)
    return told or ("cover.jpeg" if "image" in name.lower() else "stream.mp3")


def _fault(violation: Violation) -> Fault:
    where, *path = violation.pointer.split("/")[1:]
    names = tuple(name.replace("~1", "/").replace("~0", "~") for name in path)
    return Fault(where, names, violation.rule, violation.wanted, violation.got, violation.message)


# --- opening ------------------------------------------------------------------------------------------------


def quirks_in_force(given: tuple[str, ...]) -> Quirks:
    """The value of every quirk; UsageError, with the list of all, for one that cannot be."""
    names = dict.fromkeys((*BUILT_IN, *(text.partition(".")[0] for text in given)))
    adapters = {name: adapter_of(name) for name in names}
    known = {name: adapter.quirks for name, adapter in adapters.items() if adapter is not None}
    try:
        return read_quirks(given, known)
    except QuirkError as error:
        raise UsageError(str(error), where="--quirk") from None


def values_of(name: str, quirks: Quirks) -> Mapping[str, str]:
    """The values in force of an adapter's quirks: the defaults of one that is neither ours nor was set."""
    if name in quirks:
        return quirks[name]
    adapter = adapter_of(name)
    return {quirk.name: quirk.default for quirk in adapter.quirks} if adapter else {}


def marks_in_force(quirks: Quirks) -> Callable[[str], frozenset[str]]:
    """For the name of a document, the x-quirk marks whose examples stand for their outcome."""
    return lambda name: frozenset(f"{quirk}={value}" for quirk, value in values_of(name, quirks).items())


def open_living(
    documents: Mapping[str, Document], settings: Settings, quirks: Quirks, clock: Clock, ids: Ids
) -> dict[str, Living]:
    """Every document that has an adapter, brought to life."""
    found: dict[str, Living] = {}
    for name, document in documents.items():
        # A file of the same name that marks no outcome is somebody else's document.
        kind = adapter_of(name) if document.marked else None
        if kind is not None:
            adapter = kind(values_of(name, quirks))
            pace = _pace(settings, clock)
            house = House(
                name, adapter.policy, adapter.models, adapter.forms, ids, pace, polls=settings.polls
            )
            found[name] = Living(document, adapter, house, clock, settings)
    return found


def _pace(settings: Settings, clock: Clock) -> float:
    if settings.pace == "instant":
        return math.inf
    # Under a virtual clock a factor means nothing, nor where polls move tasks: durations are the provider's.
    return 1.0 if clock.mode == "virtual" or settings.polls else float(settings.pace)
