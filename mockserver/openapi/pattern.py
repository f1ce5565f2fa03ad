"""Patterns of JSON Schema, which are ECMAScript's: read by Python's `re`, and strings that match them."""

from __future__ import annotations

import importlib
import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from random import Random
from typing import Any

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_"}
_NAMES = {"n": "\n", "r": "\r", "t": "\t", "v": "\x0b", "f": "\x0c", "b": "\b", "0": "\0"}
_LONG_NAMES = {"Letter": "L", "Mark": "M", "Number": "N", "Punctuation": "P", "Symbol": "S", "Separator": "Z"}
_LONG_NAMES |= {"Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Decimal_Number": "Nd", "Alphabetic": "L"}
_LONG_NAMES |= {"Uppercase": "Lu", "Lowercase": "Ll", "White_Space": "Z", "Other": "C", "Control": "Cc"}
_SCRIPTS = {"Han": "CJK UNIFIED"}

# A star or a plus repeats a few times unless a length asks for more: long tails make samples unreadable.
_NATURAL_REPEATS = 6
_NO_MATCH = "(?!)"


class PatternError(ValueError):
    """The pattern cannot be read as a regular expression."""


@lru_cache(maxsize=1024)
def python_pattern(pattern: str) -> str:
    """The same pattern for `re.search`, with ECMAScript's meaning of `\\d`, `\\w`, `$`, `\\p{…}`."""
    return _Reader(pattern).outside()


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to search with; PatternError when it is none."""
    try:
        return re.compile(python_pattern(pattern))
    except (re.error, OverflowError, RecursionError, ValueError, IndexError) as error:
        raise PatternError(f"{pattern!r} is no regular expression: {error}") from None


def matches(pattern: str, text: str) -> bool:
    """True when the pattern is found somewhere in the text."""
    return compiled(pattern).search(text) is not None


class _Reader:
    """Walks an ECMAScript pattern from left to right and writes Python's spelling of it."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def outside(self) -> str:
        out: list[str] = []
        while self._at < len(self._text):
            out.append(self._step())
        return "".join(out)

    def _step(self) -> str:
        char = self._take()
        if char == "\\":
            return self._escape_outside()
        if char == "[":
            return self._class()
        if char == "$":
            return r"\Z"
        if char == "(" and re.match(r"\?<[^=!]", self._text[self._at :]):
            self._at += 2
            return "(?P<"
        return char

    def _take(self) -> str:
        if self._at >= len(self._text):
            raise ValueError("it ends in the middle")
        self._at += 1
        return self._text[self._at - 1]

    def _escape_outside(self) -> str:
        char = self._take()
        if char in ("d", "w"):
            return f"[{_CLASSES[char]}]"
        if char in ("D", "W"):
            return f"[^{_CLASSES[char.lower()]}]"
        if char in ("p", "P") and self._text[self._at : self._at + 1] == "{":
            return f"[{'^' if char == 'P' else ''}{self._property()}]"
        if char == "k" and self._text[self._at : self._at + 1] == "<":
            return f"(?P={self._until('>')[1:]})"
        if char in "bBsSAZ" or (char.isdigit() and char != "0"):
            return "\\" + char
        return re.escape(self._character(char))

    def _character(self, char: str) -> str:
        """The one character that an escape stands for; the backslash and `char` have been taken."""
        if char == "u" and self._text[self._at : self._at + 1] == "{":
            return chr(int(self._until("}")[1:], 16))
        if char in ("u", "x"):
            digits = self._text[self._at : self._at + (4 if char == "u" else 2)]
            if re.fullmatch("[0-9A-Fa-f]{2}([0-9A-Fa-f]{2})?", digits):
                self._at += len(digits)
                return chr(int(digits, 16))
        if char == "c":
            return chr(ord(self._take()) % 32)
        return _NAMES.get(char, char)

    def _until(self, end: str) -> str:
        stop = self._text.find(end, self._at)
        if stop < 0:
            raise ValueError(f"no {end} after an escape")
        taken, self._at = self._text[self._at : stop], stop + 1
        return taken

    def _property(self) -> str:
        return _ranges(self._until("}")[1:])

    def _class(self) -> str:
        negated = self._text[self._at : self._at + 1] == "^"
        self._at += negated
        members: list[str] = []
        while self._text[self._at : self._at + 1] != "]":
            if self._at >= len(self._text):
                raise ValueError("a character class is not closed")
            members.append(self._member())
        self._at += 1
        if not members:
            return r"[\s\S]" if negated else _NO_MATCH
        return f"[{'^' if negated else ''}{''.join(members)}]"

    def _member(self) -> str:
        first, single = self._atom()
        following = self._text[self._at : self._at + 2]
        if single and len(following) == 2 and following[0] == "-" and following[1] != "]":
            start = self._at
            self._at += 1
            last, also_single = self._atom()
            if also_single:
                return f"{first}-{last}"
            self._at = start
        return first

    def _atom(self) -> tuple[str, bool]:
        """One member of a class, and whether it is a single character, which may begin or end a range."""
        char = self._take()
        if char != "\\":
            return _literal(char), True
        char = self._take()
        if char in ("d", "w"):
            return _CLASSES[char], False
        if char in ("s", "S", "D", "W"):
            return "\\" + char, False
        if char in ("p", "P") and self._text[self._at : self._at + 1] == "{":
            inner = self._property()
            return (inner if char == "p" else _complement(inner)), False
        return _literal(self._character(char)), True


def _literal(char: str) -> str:
    if char.isalnum() or ord(char) > 0x7F:
        return char
    return "\\" + char if char.isprintable() else f"\\x{ord(char):02x}"


def _complement(ranges: str) -> str:
    inside = re.compile(f"[{ranges}]")
    return _joined(code for code in range(sys.maxunicode + 1) if not inside.match(chr(code)))


@lru_cache(maxsize=64)
def _ranges(name: str) -> str:
    """The members of a Unicode property, as the inside of a character class."""
    key, _, value = name.rpartition("=")
    if key in ("Script", "sc", "Script_Extensions", "scx"):
        begin = _SCRIPTS.get(value, value.upper().replace("_", " ")) + " "
        return _joined(c for c in range(sys.maxunicode + 1) if unicodedata.name(chr(c), "").startswith(begin))
    if name in ("Any", "ASCII"):
        return "\\x00-\\x7f" if name == "ASCII" else "\\x00-\\U0010ffff"
    category = _LONG_NAMES.get(value, value)
    if not re.fullmatch("[LMNPSZC][a-z]?", category):
        raise ValueError(f"unknown Unicode property {name}")
    return _joined(c for c in _codes(category) if unicodedata.category(chr(c)).startswith(category))


def _codes(category: str) -> Iterable[int]:
    """Where to look for a category: all but the unassigned planes, which hold nothing but C and cost most."""
    if category.startswith("C"):
        return range(sys.maxunicode + 1)
    return chain(range(0x33480), range(0xE0000, 0xE0200))


def _joined(codes: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    if not runs:
        raise ValueError("a Unicode property without members")
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in runs)


def string_for(pattern: str, rng: Random, low: int = 0, high: int | None = None) -> str | None:
    """A string of low to high characters in which the pattern is found; None when this try found none.

    Lengths are led through the pattern; what looks around itself is left to luck, so a caller tries again.
    """
    expression = compiled(pattern)
    tree = _tree(expression.pattern)
    limit = high if high is not None else max(low, int(tree.getwidth()[0])) + 200
    text = _Writer(rng).sequence(list(tree), low, limit)
    if text is None:
        # No full match is long enough, but an open pattern may stand in a longer text.
        text = _Writer(rng).sequence(list(tree), 0, limit)
    if text is None:
        return None
    missing = low - len(text)
    for padding in ("", "a", "0", " ") if missing > 0 else ("",):
        for candidate in (text + padding * missing, padding * missing + text):
            if low <= len(candidate) <= limit and expression.search(candidate):
                return candidate
    return None


@lru_cache(maxsize=256)
def _tree(pattern: str) -> Any:
    return importlib.import_module("re._parser").parse(pattern)


class _Writer:
    """Writes strings for a parsed pattern; every part is told how long its share may be."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._groups: dict[int, str] = {}

    def sequence(self, parts: list[Any], low: int, high: int) -> str | None:
        widths = [self._width(part) for part in parts]
        rest_low, rest_high = sum(w[0] for w in widths), sum(w[1] for w in widths)
        out: list[str] = []
        for part, (least, most) in zip(parts, widths, strict=True):
            rest_low, rest_high = rest_low - least, rest_high - most
            piece = self._part(part, max(least, low - rest_high), min(most, high - rest_low))
            if piece is None:
                return None
            out.append(piece)
            low, high = low - len(piece), high - len(piece)
        return "".join(out)

    def _width(self, part: Any) -> tuple[int, int]:
        kind, value = str(part[0]), part[1]
        if kind in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            return 1, 1
        if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most = self._total(value[2])
            return int(value[0]) * least, int(value[1]) * most
        if kind == "BRANCH":
            widths = [self._total(option) for option in value[1]]
            return min(w[0] for w in widths), max(w[1] for w in widths)
        if kind in ("SUBPATTERN", "ATOMIC_GROUP"):
            return self._total(value[-1] if kind == "SUBPATTERN" else value)
        if kind == "GROUPREF":
            return len(self._groups.get(value, "")), 1 << 16
        return 0, 0

    def _total(self, parts: Any) -> tuple[int, int]:
        widths = [self._width(part) for part in parts]
        return sum(w[0] for w in widths), sum(w[1] for w in widths)

    def _part(self, part: Any, low: int, high: int) -> str | None:
        kind, value = str(part[0]), part[1]
        if low > high:
            return None
        if kind == "LITERAL":
            return chr(value)
        if kind in ("NOT_LITERAL", "ANY", "IN"):
            return self._character(part)
        if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(value, low, high)
        if kind == "BRANCH":
            return self._branch(value[1], low, high)
        if kind == "SUBPATTERN":
            return self._group(value, low, high)
        if kind == "ATOMIC_GROUP":
            return self.sequence(list(value), low, high)
        return self._groups.get(value, "") if kind == "GROUPREF" else ""

    def _group(self, value: Any, low: int, high: int) -> str | None:
        text = self.sequence(list(value[-1]), low, high)
        if value[0] is not None and text is not None:
            self._groups[value[0]] = text
        return text

    def _branch(self, options: Any, low: int, high: int) -> str | None:
        for option in self._rng.sample(list(options), len(options)):
            least, most = self._total(option)
            if least <= high and most >= low:
                text = self.sequence(list(option), max(low, least), high)
                if text is not None:
                    return text
        return None

    def _repeat(self, value: Any, low: int, high: int) -> str | None:
        least, most = int(value[0]), int(value[1])
        short, long = self._total(value[2])
        if short:
            most = min(most, high // short)
        if long and low:
            least = max(least, -(-low // long))
        if least > most:
            return None
        count = self._rng.randint(least, min(most, least + _NATURAL_REPEATS))
        return self.sequence(list(value[2]) * count, low, high)

    def _character(self, part: Any) -> str:
        kind, value = str(part[0]), part[1]
        if kind == "ANY":
            return self._rng.choice(_ALNUM)
        if kind == "NOT_LITERAL":
            return self._rng.choice([char for char in _ALNUM if ord(char) != value])
        if str(value[0][0]) == "NEGATE":
            return self._outside(value[1:])
        return self._inside(value)

    def _inside(self, members: Any) -> str:
        """A member of the class, drawn evenly over its plain characters if it has any."""
        choices = _plain_members(members)
        if choices:
            return self._rng.choice(choices)
        kind, value = members[self._rng.randrange(len(members))]
        if str(kind) == "RANGE":
            return chr(self._rng.randint(value[0], min(value[1], value[0] + 200)))
        return chr(value) if str(kind) == "LITERAL" else " "

    def _outside(self, members: Any) -> str:
        banned = set(_plain_members(members))
        for alphabet in (_ALNUM, _PRINTABLE, "\n\t", "éßΩж語"):
            left = [char for char in alphabet if char not in banned]
            if left:
                return self._rng.choice(left)
        return "a"


def _plain_members(members: Any) -> list[str]:
    """The printable ASCII characters of a class, letters and digits first."""
    found: list[str] = []
    for kind, value in members:
        if str(kind) == "LITERAL" and chr(value) in _PRINTABLE:
            found.append(chr(value))
        elif str(kind) == "RANGE":
            found.extend(map(chr, range(max(value[0], 0x20), min(value[1], 0x7E) + 1)))
        elif str(kind) == "CATEGORY":
            found.extend(_category(str(value)))
    return found


def _category(name: str) -> list[str]:
    test = re.compile(
        {"SPACE": r"\s", "NOT_SPACE": r"\S"}.get(name.removeprefix("CATEGORY_"), _inverse(name))
    )
    return [char for char in _PRINTABLE if test.match(char)]


def _inverse(name: str) -> str:
    return {"CATEGORY_NOT_DIGIT": "[^0-9]", "CATEGORY_NOT_WORD": "[^A-Za-z0-9_]"}.get(name, "[A-Za-z0-9_]")
