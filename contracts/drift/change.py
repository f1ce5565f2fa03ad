"""One difference between two documents, and what it means to a client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, NamedTuple

from contracts.finding import Side
from mockserver.openapi.source import Json

# Careless: a client that keeps to the document goes on; one that took today's answers for all may not.
Effect = Literal["breaking", "careless", "compatible", "documentation"]


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, what a client notices of it, and where: in a message and in the new document."""

    effect: Effect
    rule: str
    reason: str
    # From the message on: /body/model, /query/taskId, /status.
    pointer: str = ""
    old: Json = None
    new: Json = None
    # The pointer into the new document, or into the nearest thing that is left there.
    place: str = ""
    operation: str | None = None
    side: Side | None = None


class Voice(NamedTuple):
    """Who says a part of an exchange: what a client sends may only widen, what it receives only narrow."""

    # The first word of the rules: request, response, callback.
    prefix: str
    is_sent: bool
    side: Side
    # How the text names the message: "request", "answer 200".
    message: str
    # In a path, a query or a header every value is written as a text.
    is_text: bool = False

    @property
    def narrowed(self) -> Effect:
        """What it means that fewer values are documented than before."""
        return "breaking" if self.is_sent else "compatible"

    @property
    def widened(self) -> Effect:
        """What it means that more values are documented than before."""
        return "compatible" if self.is_sent else "careless"


def canonical(value: Json) -> str:
    """A text that two JSON values share where they are equal: 1 and 1.0 are, 1 and true are not."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, default=str)


def _plain(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def mapping(value: Json) -> dict[str, Json]:
    """The value if it is a mapping, else an empty one: a faulty document is compared as far as it goes."""
    return value if isinstance(value, dict) else {}


def listing(value: Json) -> list[Json]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def shown(value: Json) -> str:
    """A value as a message tells it, in one line of bearable length."""
    text = canonical(value)
    return text if len(text) <= 80 else text[:79] + "…"
