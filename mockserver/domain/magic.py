"""Magic words in a song request: `mock:fail`, `mock:fail=NAME` and `mock:slow=SECONDS`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

WORDS: Final = ("mock:fail", "mock:fail=NAME", "mock:slow=SECONDS")
_LONGEST: Final = 10_000_000
_WORD = re.compile(r"(?<!\S)mock:(\S+)")
_SECONDS = re.compile(r"[0-9]{1,8}(\.[0-9]{1,6})?", re.ASCII)


class BadWord(ValueError):
    """A magic word that means nothing: the word, and what is wrong with it."""

    def __init__(self, word: str, reason: str) -> None:
        self.word = word
        self.reason = reason
        super().__init__(f"{word}: {reason}")


class Spoken(NamedTuple):
    """What the magic words of a request ask for. `failure` is "" for the usual one."""

    fails: bool = False
    failure: str = ""
    seconds: float | None = None


def listen(texts: Iterable[str]) -> Spoken | None:
    """What the first text with magic words in it asks for; BadWord for one that cannot be."""
    for text in texts:
        if "mock:" in text and (words := _WORD.findall(text)):
            return _understood(words)
    return None


def _understood(words: list[str]) -> Spoken:
    spoken = Spoken()
    for word in words:
        name, equals, value = word.partition("=")
        if name == "fail" and (value or not equals):
            spoken = spoken._replace(fails=True, failure=value)
        elif name == "slow" and equals:
            spoken = spoken._replace(seconds=_read_seconds(word, value))
        else:
            raise BadWord(f"mock:{word}", f"no such word, wanted {' or '.join(WORDS)}")
    return spoken


def _read_seconds(word: str, value: str) -> float:
    if not _SECONDS.fullmatch(value) or not 0 < float(value) <= _LONGEST:
        raise BadWord(f"mock:{word}", f"wanted seconds above 0, at most {_LONGEST}, as in mock:slow=30")
    return float(value)
