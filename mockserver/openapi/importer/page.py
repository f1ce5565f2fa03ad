"""The machine-readable blocks of a page: found, read, and each with the lines it has in its file."""

from __future__ import annotations

import codecs
import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from mockserver.openapi.problem import DocumentError, Json, Problem
from mockserver.openapi.source import SUFFIXES
from mockserver.openapi.text import lines_of, parse

WANTED = (
    "looked for a fenced block (```yaml or ```json) with `openapi: 3.0` or `3.1`, or with `paths:` whose "
    "`path` and `method` name one operation"
)


class NoBlock(Exception):
    """A page has nothing that a machine can read as OpenAPI; says what was looked for and what was found."""

    def __init__(self, file: str, found: str) -> None:
        self.file, self.found = file, found
        super().__init__(f"{file}: no machine-readable block; {WANTED}; found {found}")


@dataclass(frozen=True)
class Block:
    """One OpenAPI block: its value, and what the page says of it in its heading."""

    file: str
    text: str
    data: dict[str, Json]
    first: int = 1
    heading: str = ""
    lead: str = ""
    is_open: bool = False
    indents: int = field(default=0, repr=False)

    @cached_property
    def _lines(self) -> dict[str, int]:
        return lines_of(self.text)

    def problem(self, pointer: str, reason: str) -> Problem:
        """Something to say of a place in the block, with its line in the page."""
        while pointer and pointer not in self._lines:
            pointer = pointer.rpartition("/")[0]
        return Problem(self.file, self.first + self._lines.get(pointer, 1) - 1, reason)


def blocks_of(file: str, content: bytes) -> list[Block]:
    """Every OpenAPI block of a page; NoBlock where there is none, DocumentError where one cannot be read."""
    text = decoded(file, content)
    if file.lower().endswith(SUFFIXES):
        return [_whole(file, text, is_json=file.lower().endswith(".json"))]
    fences = list(fences_of(text))
    blocks = [block for fence in fences if (block := _block(file, text, fence))]
    if not blocks and _BEGINS.match(text):
        blocks = [_whole(file, text, is_json=text.lstrip().startswith("{"))]
    if not blocks:
        raise NoBlock(file, _found(text, fences))
    return blocks


def decoded(file: str, content: bytes) -> str:
    """The text of a page with plain line ends; DocumentError with the line of the first odd byte."""
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"not {encoding[:6].rstrip('-').upper()}: byte {error.start}; save the page as UTF-8"
        raise DocumentError([Problem(file, line, reason)]) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


# A file of another suffix that is a document from its first line on.
_BEGINS = re.compile(
    r"""\s*(\#.*\s+)*(---\s+)?(\{\s*)?["']?(openapi["']?\s*:\s*["']?\d|swagger|paths["']?\s*:)"""
)


def _whole(file: str, text: str, *, is_json: bool) -> Block:
    data = _value(file, text, 1, is_json=is_json)
    if not _is_openapi(data):
        if isinstance(data, dict) and "openapi" not in data and "swagger" not in data:
            raise NoBlock(file, "a file without `openapi:`")
        if not isinstance(data, dict):
            raise NoBlock(file, "a file that is no mapping")
    return _versioned(Block(file, text, data))


# --- fences -------------------------------------------------------------------------------------------------


class Fence(NamedTuple):
    """A fenced block as it stands: its language, its text without the indentation, and its first line."""

    language: str
    text: str
    first: int
    is_closed: bool


# In a list or a quotation a fence is indented, or stands behind the mark of its item.
_OPEN = re.compile(
    r"(?P<before>[ \t]*(?:>[ \t]?)*[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)(?P<fence>`{3,}|~{3,})(?P<info>.*)"
)


def fences_of(text: str) -> Iterator[Fence]:
    """Every fenced block; one that is never closed runs to the end of the page."""
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        found = _OPEN.match(lines[index])
        index += 1
        if found is None or (found["fence"][0] == "`" and "`" in found["info"]):
            continue
        begun = index
        while index < len(lines) and not _closes(lines[index], found):
            index += 1
        info = found["info"].split()
        inside = "\n".join(_dedented(line, found["before"]) for line in lines[begun:index])
        yield Fence(info[0].lower() if info else "", inside + "\n", begun + 1, index < len(lines))
        index += 1


def _closes(line: str, found: re.Match[str]) -> bool:
    mark, least = found["fence"][0], len(found["fence"])
    inner = _dedented(line, found["before"])
    # Deeper than three more it belongs to a text inside the block.
    indent = len(inner) - len(inner.lstrip(" \t"))
    inner = inner.strip()
    return len(inner) >= least and set(inner) == {mark} and indent <= 3


def _dedented(line: str, before: str) -> str:
    for _ in range(before.count(">")):
        line = re.sub(r"^[ \t]*>[ \t]?", "", line, count=1)
    width = len(before.rpartition(">")[2].lstrip(" \t") if ">" in before else before)
    return line[min(width, len(line) - len(line.lstrip(" \t"))) :]


# --- which of them are OpenAPI ------------------------------------------------------------------------------

_MAYBE = re.compile(r"""(?:^|[{,])\s*["']?(?:openapi|swagger|paths)["']?\s*:""", re.MULTILINE)
_SURELY = re.compile(
    r"""^\s*\{?\s*["']?(?:openapi|swagger)["']?\s*:\s*["']?\d|schemaArray["']?\s*:""", re.MULTILINE
)
_LANGUAGES = frozenset(("", "yaml", "yml", "json", "jsonc", "json5", "openapi", "text", "txt", "plaintext"))
_ENTITY = re.compile(r"&(?:quot|lt|gt|amp|apos|nbsp|#\d+|#x[0-9a-fA-F]+);")


def _block(file: str, page: str, fence: Fence) -> Block | None:
    if fence.language not in _LANGUAGES or not _MAYBE.search(fence.text):
        return None
    text = fence.text
    try:
        data = _read(file, fence, text)
    except DocumentError as error:
        if not _SURELY.search(text):
            return None
        if not _ENTITY.search(text):
            raise DocumentError([_unclosed(problem, fence) for problem in error.problems]) from None
        text = html.unescape(text).replace("\xa0", " ")
        data = _read(file, fence, text)
    if not _is_openapi(data):
        return None
    heading, lead = _spoken(page, fence.first)
    return _versioned(Block(file, text, data, fence.first, heading, lead, not fence.is_closed))


def _read(file: str, fence: Fence, text: str) -> Json:
    is_json = fence.language.startswith("json") or (not fence.language and text.lstrip().startswith("{"))
    return _value(file, text, fence.first, is_json=is_json)


def _value(file: str, text: str, first: int, *, is_json: bool) -> Json:
    try:
        value = parse(text, "block.json" if is_json else "block.yaml")
    except DocumentError as error:
        moved = [Problem(file, (line or 1) + first - 1, reason) for _, line, reason in error.problems]
        raise DocumentError(moved) from None
    if is_json and (half := _HALF.search(text)):
        _refuse_halves(value, file, first + text.count("\n", 0, half.start()))
    return value


_HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _refuse_halves(value: Json, file: str, line: int) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        reason = "half a character (a \\u escape from D800 to DFFF by itself)"
        raise DocumentError([Problem(file, line, reason)]) from None


def _unclosed(problem: Problem, fence: Fence) -> Problem:
    if fence.is_closed:
        return problem
    return problem._replace(reason=f"{problem.reason}; the fence in line {fence.first - 1} is never closed")


def _is_openapi(data: Json) -> bool:
    if not isinstance(data, dict):
        return False
    paths = data.get("paths")
    return "openapi" in data or "swagger" in data or (isinstance(paths, dict) and "path" in paths)


def _versioned(block: Block) -> Block:
    """The block, if its version is one we read."""
    data = block.data
    key = next((key for key in ("swagger", "openapi") if key in data), None)
    if key is None or (key == "openapi" and re.match(r"3\.[01](\.|$)", str(data[key]))):
        return block
    reason = f"`{key}: {json.dumps(data[key])[:60]}`; wanted OpenAPI 3.0 or 3.1"
    raise DocumentError([block.problem("/" + key, reason)])


def _spoken(page: str, first: int) -> tuple[str, str]:
    """The page's heading and the quotation below it: what a block without `info` is about."""
    heading, lead = "", []
    for line in page.split("\n")[: first - 2]:
        if re.match(r"#\s", line) and not heading:
            heading = line[1:].strip().rstrip("#").strip()
        elif heading and line.startswith(">"):
            lead.append(line[1:].strip())
        elif heading and (lead or line.strip()):
            break
    return html.unescape(heading), html.unescape("\n".join(lead).strip())


def _found(text: str, fences: list[Fence]) -> str:
    if fences:
        counts = Counter(fence.language or "without a language" for fence in fences)
        kinds = ", ".join(f"{count} {language}" for language, count in counts.items())
        return f"fenced blocks, none of them OpenAPI: {kinds}"
    if not text.strip():
        return "an empty file"
    if re.search(r"<(!doctype|html|body|div|pre)\b", text[:20_000], re.IGNORECASE):
        return "HTML and no fenced block; save the page's Markdown instead"
    return "prose and no fenced block"
