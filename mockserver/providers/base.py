"""What an adapter is, and what two or more of them share.

An adapter translates: a request into a command of the domain, a view or a refusal into the provider's
body. It sees plain values, never a request object, a store or the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol

from mockserver.domain.model import (
    NOTHING,
    Command,
    CreatePersona,
    Fault,
    Refusal,
    Submit,
    TaskView,
    View,
)
from mockserver.domain.outcome import Outcome
from mockserver.domain.policy import FailureKind, Policy
from mockserver.domain.service import Forms
from mockserver.domain.versions import Model
from mockserver.providers.quirks import Quirk


class Call(NamedTuple):
    """A request as an adapter reads it: its operation's name, and the values it came with."""

    operation: str
    body: Any = None
    path: Mapping[str, Any] = NOTHING
    query: Mapping[str, Any] = NOTHING


class Context(Protocol):
    """What a body may need beside the view: URLs of files, and what the document shows as an example."""

    def media(self, song: str, role: str) -> str:
        """The URL that serves a file of a song, by its role, such as `audio.mp3`."""

    def folder(self, song: str) -> str:
        """What those URLs begin with, up to the role: for who writes many of them."""

    def upload(self, id: str, name: str) -> str:
        """The URL under which an upload is put and read."""

    def sample(self, operation: str) -> Any:
        """The body of an operation's first documented success."""


class Written(NamedTuple):
    """A body, the outcome it stands for, and the task states that it shows."""

    body: Any
    outcome: Outcome = Outcome.SUCCESS
    states: tuple[str, ...] = ()


class Provider(Protocol):
    """One provider's wire: built with the values of its quirks that are in force."""

    name: ClassVar[str]
    quirks: ClassVar[tuple[Quirk, ...]]
    policy: Policy
    models: tuple[Model, ...]
    forms: Forms

    def __init__(self, quirks: Mapping[str, str]) -> None: ...

    def read(self, call: Call) -> Command:
        """The command that a valid request means."""

    def write(self, call: Call, view: View, context: Context) -> Written:
        """The answer that tells of a view."""

    def refuse(self, call: Call, refusal: Refusal, sample: Any) -> Any:
        """The body of a refusal, made from the one that the document shows for its outcome."""

    def is_model_rule(self, call: Call, fault: Fault) -> bool:
        """True for a fault about the model of a song with a persona: judged when the persona is known."""

    def plant(self, kind: str, model: Model) -> Submit:
        """The submission behind a planted task of a kind."""

    def poll(self, task: str) -> Call:
        """The call that shows a task to its client."""

    def failure(self, code: Any, message: str) -> FailureKind | None:
        """A failure with this code and text; None for a code that the provider does not have."""

    def wording(self, call: Call) -> tuple[str, ...]:
        """The texts of a song request in which magic words are looked for, the first of them first."""

    def heard(self, stage: str, view: TaskView, context: Context) -> Any:
        """The body of the callback that tells of a stage: `text`, `first`, `complete` or `error`."""

    def signature(self, body: Any, key: str, timestamp: int) -> dict[str, str]:
        """The headers that sign a callback's body with an account's key, where the provider signs."""


def persona_of(fields: Mapping[str, Any], task: str, song: str, request: Mapping[str, Any]) -> CreatePersona:
    """The persona that a request asks for, of the song and the task that stand under these names."""
    return CreatePersona(
        task=fields[task],
        song=fields[song],
        name=fields["name"],
        description=fields["description"],
        style=texts(fields, "style"),
        request=request,
    )


def with_message(sample: Any, pointer: tuple[str, ...], message: str) -> Any:
    """The body with another text at a place in it."""
    # Copied is what leads to the place; a deep copy takes 20 µs.
    body = at = dict(sample)
    for name in pointer[:-1]:
        at[name] = dict(at[name])
        at = at[name]
    at[pointer[-1]] = message
    return body


def complaint(fault: Fault, field_name: str) -> str:
    """What is wrong with a field: its name, the rule, and what is allowed."""
    words = _WORDS.get(fault.rule)
    if fault.rule == "type":
        return f"{field_name} must be {_article(fault.wanted)}"
    if fault.rule == "enum":
        return f"{field_name} must be one of {_listed(fault.wanted)}"
    if words is not None:
        return f"{field_name} {words.format(_listed(fault.wanted))}"
    return f"{field_name} is not valid: {fault.rule}"


_WORDS: Mapping[str, str] = {
    "required": "is required",
    "maxLength": "cannot exceed {} characters",
    "minLength": "must have at least {} characters",
    "pattern": "must match {}",
    "format": "must be in the format {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be greater than {}",
    "exclusiveMaximum": "must be less than {}",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "const": "must be {}",
    "https": "must be {}",
    "wellFormed": "must be well-formed: {}",
    "contentType": "must be one of {}",
    "dependentRequired": "is required",
}
_ARTICLES = {"array": "an array", "object": "an object", "integer": "an integer", "null": "null"}


def _article(wanted: Any) -> str:
    kinds = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(_ARTICLES.get(kind, f"a {kind}") for kind in kinds)


def _listed(wanted: Any) -> str:
    return ", ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)


def is_blank(fault: Fault) -> bool:
    """True for a text that is there and says nothing."""
    # By the rule, not by what came: a fault tells of a long text only how it begins.
    return (fault.rule, fault.wanted) in (("minLength", 1), ("pattern", r"\S"))


def all_texts(body: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """Those of these fields that are texts, in the order of the names."""
    return tuple(text for name in names if isinstance(text := body.get(name), str))


def texts(body: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that is a text and says something."""
    return next((str(body[name]) for name in names if isinstance(body.get(name), str) and body[name]), "")
