"""What the domain speaks of: tasks, songs, personas, accounts; the commands it takes; how it says no.

Moments and lengths are whole microseconds, credits whole millionths: what is added up here adds up exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import Heard, Limit, Status

NOTHING: Mapping[str, Any] = MappingProxyType({})
NEVER: Final = 253_402_300_800_000_000
"""A moment that no clock of ours reaches: the end of the year 9999."""


class Refusal(Exception):
    """The mock says no as the provider would: an outcome with its facts."""

    def __init__(self, outcome: Outcome, **facts: Any) -> None:
        self.outcome = outcome
        self.facts = facts
        super().__init__(str(outcome))


class Fault(NamedTuple):
    """A rule of the document that a request breaks: where, which one, what it wants and what came."""

    where: str
    # The names that lead to the field, from the message's part on.
    path: tuple[str, ...]
    rule: str
    wanted: Any
    got: Any
    message: str

    @property
    def field(self) -> str:
        """The field as it is spelled on the wire."""
        return self.path[-1] if self.path else self.where


class Song(NamedTuple):
    """One song of a task."""

    id: str
    title: str
    tags: str
    text: str
    duration: float


class Failure(NamedTuple):
    """How and when a task fails."""

    name: str
    state: str
    code: int | str | None
    message: str
    at: int
    # The share of the task's time at which it comes, in percent.
    after: int = 50


class Task(NamedTuple):
    """A source task or a persona task. What it shows at a moment is the business of lifecycle.py."""

    provider: str
    id: str
    number: int
    kind: str
    account: str
    model: str
    request: Mapping[str, Any]
    created: int
    starts: int
    length: int
    songs: tuple[Song, ...] = ()
    charged: int = 0
    failure: Failure | None = None
    parent: str = ""
    persona: str | None = None
    # The progress that somebody pushed it to; shown until the task's own is further.
    progress: int | None = None
    # The operation that made it, and where its news are sent; "" for nowhere.
    operation: str = ""
    callback: str = ""
    # Where polls move it on: how often it was polled, and the moment at which each stage began.
    polls: int = 0
    begun: tuple[int, ...] | None = None

    @property
    def ends(self) -> int:
        """The moment at which it is final; NEVER while only a poll can take it there."""
        if self.failure:
            return self.failure.at
        return self.starts + self.length if self.begun is None else self.begun[-1]

    def song(self, id: str) -> Song | None:
        """Its song of that id."""
        return next((song for song in self.songs if song.id == id), None)


class Due(NamedTuple):
    """The next step of a task: when, and its place among the steps."""

    at: int
    step: int


class Persona(NamedTuple):
    """A reusable voice, made from one song."""

    provider: str
    id: str
    number: int
    account: str
    task: str
    song: str
    name: str
    description: str
    created: int
    style: str = ""
    is_public: bool = False
    # The task that makes it, where making one takes time.
    made_by: str | None = None


class Account(NamedTuple):
    """One credential in one sandbox: known by its digest, shown redacted."""

    id: str
    key: str
    credits: int
    used: int = 0
    # Its own limit of submissions, in the place of each provider's.
    rate_limit: Limit | None = None


class Caller(NamedTuple):
    """Who calls, and what a new account of theirs starts with, in millionths."""

    account: str
    key: str
    starts_with: int


# --- commands -----------------------------------------------------------------------------------------------


class SourceUse(NamedTuple):
    """An earlier song that a new task works on, by itself or through its task."""

    # None for the first song of the task.
    song: str | None
    task: str | None = None
    # What has to agree with the source, where the provider asks for that.
    model: str | None = None
    # Whether what the request leaves open is taken from the source.
    inherits: bool = False
    continue_at: float | None = None


class PersonaUse(NamedTuple):
    """A persona that a new song is sung with; `song` where the caller has to name its root too."""

    id: str
    song: str | None = None


class Submit(NamedTuple):
    """Make a task."""

    kind: str
    model: str
    request: Mapping[str, Any]
    title: str = ""
    tags: str = ""
    # The words that are sung; None where the provider writes them.
    text: str | None = ""
    source: SourceUse | None = None
    persona: PersonaUse | None = None
    # Where news of the task are to be sent; "" for nowhere.
    callback: str = ""
    operation: str = ""


class CreatePersona(NamedTuple):
    """Make a persona of a song. Without a task the song stands for both."""

    song: str
    name: str
    description: str
    task: str | None = None
    style: str = ""
    is_public: bool = False
    # Further songs that have to exist.
    beside: tuple[str, ...] = ()
    request: Mapping[str, Any] = NOTHING
    callback: str = ""
    operation: str = ""


class ShowTask(NamedTuple):
    """Look at one task."""

    id: str


class ShowTasks(NamedTuple):
    """Look at several tasks; unknown ones are left out."""

    ids: tuple[str, ...]
    kinds: frozenset[str] | None = None


class ShowSongs(NamedTuple):
    """Look at several songs; unknown ones are left out."""

    ids: tuple[str, ...]


class ShowBalance(NamedTuple):
    """Look at the account."""


class Estimate(NamedTuple):
    """What would a task of this kind cost?"""

    kind: str


class OpenUpload(NamedTuple):
    """A place to upload a file to."""

    content_type: str
    extension: str


class LookUp(NamedTuple):
    """What the document itself says, such as a catalogue: the state has no part in it."""


Command = (
    Submit | CreatePersona | ShowTask | ShowTasks | ShowSongs | ShowBalance | Estimate | OpenUpload | LookUp
)


# --- views --------------------------------------------------------------------------------------------------


class Moment(NamedTuple):
    """A task as it stands: the state's name, since when, its progress, and what can be heard."""

    name: str
    status: Status
    since: int
    progress: int
    heard: Heard
    failure: Failure | None = None

    @property
    def is_final(self) -> bool:
        """True when nothing more will come."""
        return self.status in ("finished", "failed")


class TaskView(NamedTuple):
    """A task and how it stands."""

    task: Task
    moment: Moment


# No NamedTuple: `index` is a method of every tuple. Nor frozen, for that takes 0.6 µs more to make.
@dataclass(slots=True)
class SongView:
    """A song, its place in its task, and that task."""

    song: Song
    index: int
    of: TaskView


class PersonaView(NamedTuple):
    """A persona, the song it was made of, and the task that makes it if there is one."""

    persona: Persona
    root: SongView
    task: TaskView | None = None
    repeated: bool = False
    # The further songs that the caller named.
    beside: tuple[SongView, ...] = ()


class BalanceView(NamedTuple):
    """What is left and what was used, in millionths; the price of what is asked about."""

    credits: int
    used: int
    price: int = 0


class UploadView(NamedTuple):
    """A place to upload to."""

    id: str
    name: str
    signature: str


class View(NamedTuple):
    """What a command came to: just the parts that it has."""

    tasks: tuple[TaskView, ...] = ()
    songs: tuple[SongView, ...] = ()
    persona: PersonaView | None = None
    balance: BalanceView | None = None
    upload: UploadView | None = None
