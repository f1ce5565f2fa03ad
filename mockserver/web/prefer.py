"""The Prefer header (RFC 7240), and its twins in the query."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote_plus

from mockserver.web.request import Incoming

_PREFERENCE = re.compile(
    r"""\s*([A-Za-z0-9_!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?\s*"""
)
_TWINS = {"__code": "code", "__example": "example", "__dynamic": "dynamic"}
_LONGEST_DELAY = 3600.0


class Preferences(NamedTuple):
    """What a request asks of the mock for itself."""

    code: str | None = None
    outcome: str | None = None
    example: str | None = None
    dynamic: bool = False
    delay: float = 0.0

    @property
    def asks(self) -> bool:
        """True when the answer itself is asked for, not only its delay or its making."""
        return bool(self.code or self.outcome or self.example)

    def as_text(self) -> str:
        """The wish in one line."""
        named = (("code", self.code), ("outcome", self.outcome), ("example", self.example))
        return ", ".join(f"{name}={value}" for name, value in named if value)


_NONE = Preferences()


def read_preferences(incoming: Incoming) -> Preferences:
    """The preferences of a request; unknown ones and unusable values are passed over."""
    # Nearly no call has any, and to ask for the first one spares a walk over all headers: 0.6 µs.
    if incoming.header("prefer") is None and b"__" not in incoming.query:
        return _NONE
    headers = incoming.all("prefer")
    found: dict[str, str] = {}
    for name, value in (*_listed(", ".join(headers)), *_twins(incoming)):
        found.setdefault(name, value)
    return Preferences(
        code=found.get("code") or None,
        outcome=found.get("outcome") or None,
        example=found.get("example") or None,
        dynamic=found.get("dynamic", "false").lower() == "true",
        delay=_seconds(found.get("delay", "0")),
    )


def _twins(incoming: Incoming) -> Iterator[tuple[str, str]]:
    for name, value in incoming.pairs:
        if name in _TWINS:
            yield _TWINS[name], unquote_plus(value)


def _listed(text: str) -> Iterator[tuple[str, str]]:
    for part in re.findall(r"""(?:[^,;"]|"(?:[^"\\]|\\.)*")+""", text):
        found = _PREFERENCE.fullmatch(part)
        if found:
            quoted, plain = found.group(2), found.group(3)
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain or ""
            yield found.group(1).lower(), value


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return min(seconds, _LONGEST_DELAY) if math.isfinite(seconds) and seconds > 0 else 0.0
