"""What a file has recorded: its format is told by its contents, and a broken file gives what it can."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

import yaml

from contracts.traffic import har, journal, pact, vcr
from contracts.traffic.exchange import Exchange, Flaw, Json, Unreadable
from contracts.traffic.stream import Broken, Reader

KNOWN = (
    "HAR 1.2, VCR.py cassette (YAML or JSON), Pact file V2 to V4, "
    "or journal export (GET /_mock/requests?full=true)"
)

Item = Exchange | Flaw
_Read = Callable[[Json, int, int | None], Exchange]


def items(file: Path) -> Iterator[Item]:
    """Every exchange of a file in its order, and a flaw for what cannot be read."""
    try:
        with file.open("rb") as raw, _text(raw) as text:
            yield from _items(text)
    except OSError as error:
        yield Flaw("readable", f"cannot be read: {error.strerror}", KNOWN)
    except UnicodeDecodeError:
        yield _unknown("bytes that are no text")


def _text(raw: BinaryIO) -> TextIOWrapper:
    """The file as text: UTF-8, but for the UTF-16 that some shells save a download as."""
    start = raw.read(2)
    raw.seek(0)
    is_wide = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return TextIOWrapper(raw, "utf-16" if is_wide else "utf-8-sig", newline="")


def _items(text: TextIO) -> Iterator[Item]:
    reader = Reader(text)
    try:
        first = reader.peek()
    except Broken as error:
        yield _unknown(error.reason)
        return
    if first == "{":
        yield from _json(reader)
    elif not first:
        yield _unknown("an empty file")
    elif first == "[":
        yield _unknown("a JSON list")
    else:
        text.seek(0)
        yield from _yaml(text.read())


def _unknown(got: str) -> Flaw:
    return Flaw("fileFormat", f"none of the known formats: {got}", KNOWN, got)


# --- JSON ---------------------------------------------------------------------------------------------------


class _Plain:
    """A JSON file as it is read: the streamed formats at once, the others when all of it is known."""

    def __init__(self) -> None:
        self.is_known = False
        self.interactions: list[tuple[int, Json]] | None = None
        self.facts: dict[str, Json] = {}


# Beside their interactions a Pact file and a cassette hold these, which may come later in the file.
_FACTS = ("consumer", "provider", "metadata", "version", "messages")


def _json(reader: Reader) -> Iterator[Item]:
    plain = _Plain()
    broken = None
    try:
        yield from _members(reader, plain)
        reader.end()
    except Broken as error:
        broken = error
    yield from _whole(plain)
    if broken is not None:
        yield Flaw("wellFormed", broken.reason, f"JSON of one of: {KNOWN}", line=broken.line)
    elif not plain.is_known:
        yield _unknown("a JSON object with no log, interactions or requests")


def _members(reader: Reader, plain: _Plain) -> Iterator[Item]:
    for name in reader.members():
        opening = reader.peek()
        if name == "log" and opening == "{":
            yield from _log(reader, plain)
        elif name == "requests" and opening == "[":
            plain.is_known = True
            yield from _streamed(reader, journal.exchange)
        elif name == "interactions" and opening == "[":
            plain.interactions = []
            for line in reader.items():
                plain.interactions.append((line, reader.value()))
        else:
            value = reader.value()
            if name in _FACTS:
                plain.facts[name] = value


def _log(reader: Reader, plain: _Plain) -> Iterator[Item]:
    for name in reader.members():
        if name == "entries" and reader.peek() == "[":
            plain.is_known = True
            yield from _streamed(reader, har.exchange)
        else:
            reader.value()


def _streamed(reader: Reader, read: _Read) -> Iterator[Item]:
    for index, line in enumerate(reader.items()):
        yield _item(read, reader.value(), index, line)


def _item(read: _Read, value: Json, index: int, line: int | None) -> Item:
    try:
        return read(value, index, line)
    except Unreadable as error:
        return Flaw("wellFormed", error.message, error.wanted, line=line, exchange=index)


def _whole(plain: _Plain) -> Iterator[Item]:
    """The exchanges of a Pact file or a cassette; a Pact file of messages alone has none."""
    facts = plain.facts
    is_pact = "provider" in facts or "consumer" in facts or "pactSpecification" in str(facts.get("metadata"))
    read: _Read = vcr.exchange
    if is_pact:
        name = _provider(facts.get("provider"))
        plain.is_known = plain.is_known or "messages" in facts

        def read(value: Json, index: int, line: int | None) -> Exchange:
            return pact.exchange(value, index, line, name)

    for index, (line, value) in enumerate(plain.interactions or ()):
        yield _item(read, value, index, line)
    plain.is_known = plain.is_known or plain.interactions is not None


def _provider(node: Json) -> str:
    name = node.get("name") if isinstance(node, dict) else node
    return name if isinstance(name, str) else ""


# --- YAML ---------------------------------------------------------------------------------------------------


def _yaml(text: str) -> Iterator[Item]:
    try:
        found = vcr.interactions(text)
    except yaml.YAMLError as error:
        yield _bad_yaml(error, text)
        return
    except (RecursionError, ValueError) as error:
        yield Flaw("wellFormed", f"YAML that cannot be read ({type(error).__name__})", KNOWN)
        return
    if found is None:
        yield _unknown("a text with no interactions")
        return
    for index, (line, value) in enumerate(found):
        yield _item(vcr.exchange, value, index, line)


def _bad_yaml(error: yaml.YAMLError, text: str) -> Flaw:
    if "interactions:" not in text:
        return _unknown("a text that is neither JSON nor YAML")
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else None
    # The problem quotes no text of the file, as the whole message would.
    reason = getattr(error, "problem", None) or "cannot be read"
    return Flaw("wellFormed", f"not YAML: {reason}", "a VCR.py cassette", line=line)
