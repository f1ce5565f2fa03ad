"""What is wrong in a document, and where: pointers into it, and the problems told of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

Json: TypeAlias = Any


class Problem(NamedTuple):
    """What is wrong in a document, and where."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class DocumentError(ValueError):
    """Documents that cannot be served, each with file, line and reason; `parts` are files they refer to."""

    def __init__(
        self, problems: Iterable[Problem], fine: Iterable[str] = (), parts: Iterable[str] = ()
    ) -> None:
        self.problems = list(dict.fromkeys(problems))
        self.fine = list(fine)
        self.parts = list(parts)
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if self.fine:
            lines.append(f"These documents are fine: {', '.join(self.fine)}")
        return "\n".join(lines)


# --- pointers -----------------------------------------------------------------------------------------------


def escape(key: str) -> str:
    """One segment of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1") if "/" in key or "~" in key else key


def unescape(segment: str) -> str:
    """The key that a segment of a JSON pointer stands for."""
    return segment.replace("~1", "/").replace("~0", "~") if "~" in segment else segment


def join(pointer: str, *keys: str | int) -> str:
    """A pointer some keys further down."""
    for key in keys:
        pointer = f"{pointer}/{escape(str(key))}"
    return pointer


def at(value: Json, pointer: str) -> Json:
    """What stands at a pointer; KeyError names the segment that is missing."""
    for segment in pointer.split("/")[1:]:
        key = unescape(segment)
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            raise KeyError(key)
    return value
