"""What a test is shown: calls of the journal, violations, callbacks, tasks, songs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Record(dict[str, Any]):
    """A JSON object whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no {name!r} here; there are {', '.join(self) or 'none'}") from None


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a request broke its document."""

    in_: str
    document: str
    pointer: str
    rule: str
    wanted: Any
    got: Any
    message: str

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> Violation:
        """The violation that an entry of the journal holds."""
        return cls(**{("in_" if name == "in" else name): value for name, value in shown.items()})


class Message(Record):
    """A request or a response: its headers as pairs, its body as its value."""

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self["headers"] if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Request:
    """One call that a client made, as the journal has it, credentials hidden."""

    id: str
    at: str
    sandbox: str
    provider: str | None
    operation: str | None
    method: str
    path: str
    status: int | None
    code: Any
    outcome: str | None
    because: str | None
    violations: list[Violation]
    duration_ms: float
    request: Message = field(repr=False)
    response: Message = field(repr=False)
    checks: list[Record] = field(repr=False)
    state: str | None = None
    fault: str | None = None

    @classmethod
    def of(cls, whole: Mapping[str, Any]) -> Request:
        """The call that a whole entry of the journal tells of."""
        made = {
            "violations": [Violation.of(one) for one in whole["violations"]],
            "request": Message(whole["request"]),
            "response": Message(whole["response"]),
            "checks": [Record(check) for check in whole["checks"]],
        }
        return cls(**{**whole, **made})

    @property
    def faults_of_client(self) -> list[Violation]:
        """The violations that are the client's, and not of an answer of ours."""
        return [violation for violation in self.violations if violation.in_ != "response"]


@dataclass(frozen=True, slots=True)
class Song:
    """A finished song to make a persona of, or a task in whatever state was asked for."""

    provider: str
    task_id: str
    audio_ids: list[str]
    key: str
    view: Any = field(repr=False)

    @property
    def audio_id(self) -> str:
        """The first of its songs."""
        if not self.audio_ids:
            raise LookupError(f"the {self.provider} task {self.task_id} has no songs")
        return self.audio_ids[0]


@dataclass(frozen=True, slots=True)
class Walked:
    """Where a clock stands after a move, and how many callbacks ended on the way."""

    now: str
    delivered: int
    gave_up: int


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their lower-case names."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}
