"""JSON read piece by piece: a file of any size, one value of it in memory at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

CHUNK = 1 << 16
# What may stand unfinished at the end of a piece without being a fault: `-Infinity`, `\ud83d\ude00`.
_LONGEST_WORD = 16
_SPACE = re.compile(r"[ \t\r\n]*")


class Broken(ValueError):
    """The file stops being JSON, or ends too early, at this line."""

    def __init__(self, line: int, reason: str) -> None:
        self.line, self.reason = line, reason
        super().__init__(f"line {line}: {reason}")


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


class Reader:
    """Steps through the objects and lists of a file; whoever asks takes each value as it comes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = json.JSONDecoder(strict=False, parse_constant=_refuse)
        self._text = ""
        self._at = 0
        self._ended = False
        self.line = 1

    def peek(self) -> str:
        """The next character that is no space; empty at the end of the file."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._go(found.end())
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._fill(CHUNK)

    def value(self) -> Any:
        """The value that stands next."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or not self._may_go_on(error):
                    raise self._broken(error) from None
            except RecursionError:
                raise Broken(self.line, "nested too deeply") from None
            except ValueError as error:
                raise Broken(self.line, str(error)[:80]) from None
            else:
                # A number may go on in the next piece.
                if end < len(self._text) or self._ended:
                    self._go(end)
                    return value
            # Twice as much each time, or a long value would be read anew for each piece of it.
            self._fill(max(CHUNK, len(self._text) - self._at))

    def members(self) -> Iterator[str]:
        """The names in the object that stands next; the caller takes the value after each."""
        self._take("{", "an object")
        while self.peek() != "}":
            name = self.value()
            if not isinstance(name, str):
                raise Broken(self.line, "a name was expected")
            self._take(":", "a colon after a name")
            yield name
            if not self._more("}"):
                return
        self._go(self._at + 1)

    def items(self) -> Iterator[int]:
        """The line of each item of the list that stands next; the caller takes the item."""
        self._take("[", "a list")
        while self.peek() != "]":
            yield self.line
            if not self._more("]"):
                return
        self._go(self._at + 1)

    def end(self) -> None:
        """Broken where anything but space follows."""
        if self.peek():
            raise Broken(self.line, "more text after the end of the JSON value")

    def _more(self, end: str) -> bool:
        """True after a comma, False after the end of the object or list."""
        found = self.peek()
        if found not in (",", end) or not found:
            reason = f"a comma or {end} was expected" if found else "the file breaks off"
            raise Broken(self.line, reason)
        self._go(self._at + 1)
        if found == "," and self.peek() == end:
            raise Broken(self.line, f"a comma before {end}")
        return found == ","

    def _take(self, wanted: str, noun: str) -> None:
        found = self.peek()
        if found != wanted:
            raise Broken(self.line, f"{noun} was expected" if found else "the file breaks off")
        self._go(self._at + 1)

    def _go(self, at: int) -> None:
        self.line += self._text.count("\n", self._at, at)
        self._at = at

    def _fill(self, size: int) -> None:
        try:
            piece = self._stream.read(size)
        except UnicodeDecodeError as error:
            raise Broken(self.line, f"not {error.encoding.upper()} text") from None
        self._ended = not piece
        self._text = self._text[self._at :] + piece
        self._at = 0

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """True where the value is only not all here yet."""
        return error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _LONGEST_WORD

    def _broken(self, error: json.JSONDecodeError) -> Broken:
        line = self.line + self._text.count("\n", self._at, error.pos)
        near_end = self._ended and not self._text[error.pos :].strip()
        cut = near_end or error.msg.startswith("Unterminated")
        return Broken(line, "the file breaks off" if cut else f"not JSON: {error.msg}")
