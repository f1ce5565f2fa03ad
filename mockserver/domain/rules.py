"""What has to hold before something is made: a function each, and their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mockserver.domain import lifecycle
from mockserver.domain.model import Moment, Persona, SongView, TaskView
from mockserver.domain.model import Refusal as No
from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import Policy
from mockserver.domain.versions import Model, find


class Facts(NamedTuple):
    """What is known of a source when somebody wants to work on it."""

    caller: str
    policy: Policy
    models: Sequence[Model]
    now: int
    # What the request names; without a task the song stands for both.
    task_id: str | None
    song_id: str | None
    task: TaskView | None
    song: SongView | None
    persona: Persona | None = None
    # Further songs that the request names, and their owners; None for an unknown one.
    beside: tuple[str | None, ...] = ()

    @property
    def moment(self) -> Moment:
        """How the source stands."""
        assert self.task is not None
        return self.task.moment


Rule = Callable[[Facts], None]


def source_exists(facts: Facts) -> None:
    """The task is known, or the song where it stands for both."""
    if facts.task is None:
        raise No(Outcome.SOURCE_NOT_FOUND, task=facts.task_id, song=facts.song_id, missing=_name_of(facts))
    if None in facts.beside:
        raise No(Outcome.SOURCE_NOT_FOUND, task=facts.task_id, song=facts.song_id, missing="beside")


def _name_of(facts: Facts) -> str:
    return "song" if facts.task_id is None else "task"


def source_is_owned(facts: Facts) -> None:
    """The caller's own account made it."""
    assert facts.task is not None
    if any(owner != facts.caller for owner in (facts.task.task.account, *facts.beside)):
        raise No(Outcome.SOURCE_NOT_OWNED, task=facts.task_id, song=facts.song_id, missing=_name_of(facts))


def source_is_no_persona(facts: Facts) -> None:
    """It made songs, not a persona."""
    assert facts.task is not None
    if facts.policy.kinds[facts.task.task.kind].is_persona:
        raise No(Outcome.SOURCE_IS_PERSONA, task=facts.task_id)


def source_was_not_uploaded(facts: Facts) -> None:
    """It was made here."""
    assert facts.task is not None
    if facts.policy.kinds[facts.task.task.kind].is_upload:
        raise No(Outcome.SOURCE_UPLOADED, task=facts.task_id, song=facts.song_id)


def source_suits_a_persona(facts: Facts) -> None:
    """Its kind of task is one that personas are made from."""
    assert facts.task is not None
    if not facts.policy.kinds[facts.task.task.kind].suits_persona:
        raise No(Outcome.INVALID, reason="unfit-source", task=facts.task_id, song=facts.song_id)


def source_did_not_fail(facts: Facts) -> None:
    """It came to something."""
    if facts.moment.status == "failed":
        raise No(Outcome.SOURCE_FAILED, task=facts.task_id, state=facts.moment.name, moment=facts.moment)


def source_is_finished(facts: Facts) -> None:
    """It is final."""
    if not facts.moment.is_final:
        raise No(Outcome.SOURCE_UNFINISHED, task=facts.task_id, state=facts.moment.name, moment=facts.moment)


def song_is_of_that_task(facts: Facts) -> None:
    """The song is one of the task's."""
    if facts.song is None:
        raise No(Outcome.SOURCE_NOT_FOUND, task=facts.task_id, song=facts.song_id, missing="song")


def song_has_no_persona(facts: Facts) -> None:
    """No persona was made of it, nor is one being made."""
    if facts.persona is not None and facts.policy.once_per_song and facts.policy.duplicate == "refuse":
        raise No(Outcome.DUPLICATE, song=facts.song_id, persona=facts.persona.id)


def source_is_kept(facts: Facts) -> None:
    """Its audio is still there, where the provider needs it."""
    assert facts.task is not None
    if facts.policy.expires_sources and lifecycle.is_expired(facts.task, facts.policy, facts.now):
        raise No(Outcome.SOURCE_EXPIRED, task=facts.task_id, song=facts.song_id)


def model_may_become_a_persona(facts: Facts) -> None:
    """It was made by a model that is new enough."""
    assert facts.task is not None
    oldest = facts.policy.oldest_source
    model = find(facts.models, facts.task.task.model) if oldest is not None else None
    if oldest is not None and model is not None and model.number < oldest:
        raise No(Outcome.SOURCE_MODEL_UNSUPPORTED, task=facts.task_id, model=model.shown)


Check = tuple[str, bool, dict[str, Any]]
"""What was looked at, whether it held, and the facts."""


class Named(NamedTuple):
    """A rule, the name that a check of it goes by, and such a check where the rule held.

    That is one for all: every entry of the journal keeps a dozen of them, and to make and forget them anew
    took 12 µs of a call.
    """

    name: str
    rule: Rule
    held: Check


def _named(*rules: Rule) -> tuple[Named, ...]:
    names = [rule.__name__.replace("_", "-") for rule in rules]
    return tuple(Named(name, rule, (name, True, {})) for name, rule in zip(names, rules, strict=True))


FOR_A_PERSONA: Sequence[Named] = _named(
    source_exists,
    source_is_owned,
    source_is_no_persona,
    source_was_not_uploaded,
    source_suits_a_persona,
    source_did_not_fail,
    source_is_finished,
    song_is_of_that_task,
    song_has_no_persona,
    source_is_kept,
    model_may_become_a_persona,
)
TO_WORK_ON: Sequence[Named] = _named(
    source_exists,
    source_is_owned,
    source_did_not_fail,
    source_is_finished,
    song_is_of_that_task,
    source_is_kept,
)
