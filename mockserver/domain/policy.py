"""Policy: every value in which providers differ. What holds for all of them is in rules.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mockserver.domain.credits import CREDIT

Status = Literal["waiting", "running", "finished", "failed"]
Heard = Literal["nothing", "streams", "first", "all"]
"""What of a task's songs can be heard: nothing, streams of both, the first as a file, both as files."""

DAY = 86_400


class Stage(NamedTuple):
    """A state that a task passes through: its name, when it begins, and what it shows."""

    name: str
    status: Status
    begins: int  # percent of the task's whole time
    progress: int = 0
    heard: Heard = "nothing"
    # The callback that tells of it: `text`, `first` or `complete`; "" for none.
    tells: str = ""


# No NamedTuple: `count` is a method of every tuple.
@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls in any so many seconds."""

    count: int
    seconds: float


class Webhook(NamedTuple):
    """How callbacks are sent: how long an answer is waited for, and when a failed attempt is made again."""

    timeout: float = 15
    # Seconds after each failed attempt; then the sender gives up.
    retries: tuple[float, ...] = (1, 2, 4)
    # Whether 200 alone counts as received, or any 2xx.
    only_200: bool = False
    signs: bool = False


class FailureKind(NamedTuple):
    """One way in which a task fails: its name, the state it ends in, the provider's code and words."""

    name: str
    state: str
    code: int | str | None
    message: str
    after: int = 50  # percent of the task's whole time


class Kind(NamedTuple):
    """A sort of task: how long it takes, what it costs and what becomes of it."""

    name: str
    seconds: float
    price: int = 0  # in millionths of a credit
    songs: int = 2
    suits_persona: bool = True
    is_upload: bool = False
    is_persona: bool = False
    # What its tasks are of where no model sings.
    model: str = ""
    retention: float | None = None
    # The files that are made of each of its songs, by the last part of their URLs.
    files: tuple[str, ...] = ()
    # Whether its callbacks tell of its end alone.
    tells_end: bool = False


class Policy(NamedTuple):
    """What a provider does its own way."""

    stages: tuple[Stage, ...]
    kinds: Mapping[str, Kind]
    failures: tuple[FailureKind, ...]
    # How progress is shown: as the stage's step, climbing within the running stage, or not at all.
    progress: Literal["steps", "climbs", "time"] = "time"
    oldest_source: tuple[int, ...] | None = None
    persona_price: int = CREDIT
    # A persona call that makes a task names its kind here; else the persona is there at once.
    persona_task: str | None = None
    once_per_song: bool = True
    # What a second persona of a song meets: a refusal, the first one again, or the first one renamed.
    duplicate: Literal["refuse", "same", "overwrite"] = "refuse"
    expires_sources: bool = False
    shares_public: bool = False
    # Whether a task of another account looks like none at all.
    hides_foreign: bool = True
    # Whether polls show no song before the end, so that only a callback may have.
    hides_songs: bool = False
    # Whether an empty account is refused where nothing is charged too.
    refuses_empty: bool = False
    webhook: Webhook = Webhook()
    # Accepted submissions, personas among them, of one account; None for as many as one likes.
    submissions: Limit | None = None
    # Polls of one task.
    polls: Limit | None = None

    def stage(self, name: str) -> Stage | None:
        """The stage of that name, the provider's own or the first of a neutral status."""
        named = (stage for stage in self.stages if stage.name == name)
        neutral = (stage for stage in self.stages if stage.status == name)
        return next(named, None) or next(neutral, None)

    def failure(self, name: str | None = None) -> FailureKind | None:
        """The failure of that name, code or state; the usual one where none is said."""
        if name is None:
            return self.failures[0]
        named = (failure for failure in self.failures if failure.name == name)
        coded = (f for f in self.failures if f.code is not None and str(f.code) == name)
        stated = (failure for failure in self.failures if failure.state == name)
        return next(named, None) or next(coded, None) or next(stated, None)
