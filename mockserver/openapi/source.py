"""Find and parse a document; resolve `$ref`; know the line of everything in it."""

from __future__ import annotations

import json
import marshal
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from importlib.util import cache_from_source
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag

from mockserver.openapi.problem import DocumentError as DocumentError
from mockserver.openapi.problem import Json as Json
from mockserver.openapi.problem import Problem as Problem
from mockserver.openapi.problem import at as at
from mockserver.openapi.problem import escape as escape
from mockserver.openapi.problem import join as join
from mockserver.openapi.problem import unescape as unescape

SUFFIXES = (".yaml", ".yml", ".json")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
BUNDLED = "x-files"


# --- texts --------------------------------------------------------------------------------------------------


def parse(text: str, file: str) -> Json:
    """The value of a YAML or JSON text; DocumentError with the line where it is neither."""
    # Imported here: a start that finds every document kept needs no YAML reader, which would cost 10 ms.
    from mockserver.openapi.text import parse

    return parse(text, file)


def _lines(text: str) -> dict[str, int]:
    from mockserver.openapi.text import lines_of

    return lines_of(text)


def kept(file: Path, text: str, shown: str) -> Json:
    """The value of a text, kept beside its file as Python keeps byte code; 4 ms where reading YAML takes 35.

    Where nothing can be written, or Python is told to write no byte code, it is read anew each time.
    """
    digest = blake2b(text.encode(), digest_size=_DIGEST).digest()
    place = Path(cache_from_source(str(file))).with_suffix(".document")
    with suppress(OSError, ValueError, EOFError, TypeError):
        raw = place.read_bytes()
        if raw[:_DIGEST] == digest:
            return marshal.loads(raw[_DIGEST:])
    value = parse(text, shown)
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            _keep(place, digest + marshal.dumps(value))
    return value


_DIGEST = 32


def _keep(place: Path, data: bytes) -> None:
    place.parent.mkdir(exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(place)


# --- documents ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """One parsed document, complete in itself: references into other files have been carried in."""

    name: str
    file: str
    data: dict[str, Json]
    text: str = field(repr=False)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    lines: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)

    @cached_property
    def version(self) -> str:
        """The dialect of its schemas: "3.0" or "3.1"."""
        return "3.0" if str(self.data["openapi"]).startswith("3.0") else "3.1"

    def resolve(self, ref: str) -> Json:
        """What `#/…` refers to; LookupError when it refers to nothing."""
        return at(self.data, pointer_of(ref))

    def follow(self, pointer: str) -> tuple[Json, str]:
        """The node at a pointer, through any `$ref` it consists of, and the pointer where it stands."""
        return self.through(at(self.data, pointer), pointer)

    def through(self, node: Json, pointer: str) -> tuple[Json, str]:
        """A node at its pointer, or what it refers to; what `follow` does for a node at hand."""
        for _ in range(_MOST_REFERENCES):
            if not (isinstance(node, dict) and isinstance(node.get("$ref"), str)):
                return node, pointer
            pointer = pointer_of(node["$ref"])
            node = at(self.data, pointer)
        raise LookupError(pointer)

    def problem(self, pointer: str, reason: str) -> Problem:
        """A problem at a pointer, with the file and line where its author will find it."""
        file, text, inner = self.file, self.text, pointer
        if pointer.startswith(f"/{BUNDLED}/"):
            segment = pointer.split("/")[2]
            key = unescape(segment)
            file, text = _beside(self.file, key), self.texts[key]
            inner = pointer[len(f"/{BUNDLED}/{segment}") :]
        if file not in self.lines:
            self.lines[file] = _lines(text)
        lines = self.lines[file]
        while inner and inner not in lines:
            inner = inner.rpartition("/")[0]
        return Problem(file, lines.get(inner), reason)


def _beside(shown: str, part: str) -> str:
    """How a file is shown that a document refers to: in the way in which the document is."""
    return str(Path(shown).parent / part)


# Circles were refused before; this only keeps one that was overlooked from taking for ever.
_MOST_REFERENCES = 100_000


def nested_too_deeply(source: Source) -> Problem:
    """What to say of a document that cannot be gone through for its depth."""
    from mockserver.openapi.text import fault_in

    fault = fault_in(source.text)
    return Problem(source.file, *((fault.line, fault.reason) if fault else (None, "nested too deeply")))


def pointer_of(ref: str) -> str:
    """The JSON pointer in a local reference; KeyError for any other reference."""
    if ref != "#" and not ref.startswith("#/"):
        raise KeyError(ref)
    return unquote(ref[1:])


def load(file: Path, shown: str | None = None, *, keep: bool = False) -> Source:
    """Read one document and what it refers to in files beside it; DocumentError when it cannot be read.

    `keep` is for documents of our own, whose folder is ours to write in.
    """
    shown = shown or str(file)
    text = _read(file, shown)
    data = kept(file, text, shown) if keep else parse(text, shown)
    if not isinstance(data, dict):
        raise DocumentError(
            [Problem(shown, 1, "an OpenAPI document is a mapping that begins with `openapi:`")]
        )
    _check_version(data, text, shown)
    texts = _bundle(_Part(data, file, shown, text, "")) if _is_foreign(text) else {}
    if any(word in text for word in ("$id", "nchor", "$schema")):
        _unname(data)
    return Source(file.stem, shown, data, text, texts)


def _read(file: Path, shown: str) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DocumentError([Problem(shown, line, f"not UTF-8: byte {error.start}")]) from None
    except OSError as error:
        raise DocumentError([Problem(shown, None, f"cannot be read: {error.strerror}")]) from None


def _check_version(data: dict[str, Json], text: str, shown: str) -> None:
    version = data.get("openapi")
    if isinstance(version, str) and re.match(r"3\.[01](\.|$)", version):
        return
    key = "swagger" if "swagger" in data else "openapi"
    got = f"`{key}: {json.dumps(data[key])[:60]}`" if key in data else "no `openapi:`"
    reason = f"{got}; wanted a version of OpenAPI that can be served, as 'openapi: 3.1.0' or 'openapi: 3.0.3'"
    raise DocumentError([Problem(shown, _lines(text).get("/" + key, 1), reason)])


# --- references beyond `#/…` --------------------------------------------------------------------------------

# A document with none of these refers to no other file, and need not be searched. They are two, for a pattern
# that does not begin with a fixed word takes many times as long.
_FOREIGN = re.compile(r"""\$ref["']?\s*:\s*["']?[^#"'\s]""")
_MAPPING = re.compile(r"""mapping["']?\s*:""")


# Under these keys stand names of the author's own, and under these, data that only looks like a document.
_NAMES = frozenset(
    (
        *("paths", "webhooks", "schemas", "responses", "parameters", "requestBodies", "headers", "examples"),
        *("securitySchemes", "links", "callbacks", "pathItems", "content", "encoding", "x-operations"),
        *("properties", "patternProperties", "dependentSchemas", "$defs", "definitions", BUNDLED),
    )
)
_DATA = frozenset(("example", "examples", "default", "const", "enum", "value", "mapping"))
# A file beside the document may be one of its objects, or a map of several under names of their own.
_OBJECT_KEYS = frozenset(("$ref", "type", "properties", "items", "allOf", "anyOf", "oneOf", "openapi"))


def _is_foreign(text: str) -> bool:
    return _FOREIGN.search(text) is not None or _MAPPING.search(text) is not None


class _Live(NamedTuple):
    """An object of a document, where it stands, and the pointer of the schema with an `$id` around it."""

    node: dict[str, Json]
    pointer: str
    home: str


def _live(value: Json) -> Iterator[_Live]:
    """Every object of a document that keywords are keywords in: no examples, no extensions."""
    named = isinstance(value, dict) and not value.keys() & _OBJECT_KEYS
    stack: list[tuple[Json, str, str, bool]] = [(value, "", "", named)]
    seen: set[int] = set()
    while stack:
        node, pointer, home, named = stack.pop()
        if isinstance(node, list):
            stack.extend((item, join(pointer, index), home, False) for index, item in enumerate(node))
        elif isinstance(node, dict) and id(node) not in seen:
            seen.add(id(node))
            if not named:
                home = pointer if isinstance(node.get("$id"), str) else home
                yield _Live(node, pointer, home)
            for key, item in node.items():
                if named or not _is_data(key, item):
                    is_map = not named and key in _NAMES and isinstance(item, dict)
                    stack.append((item, join(pointer, key), home, is_map))


def _is_data(key: str, item: Json) -> bool:
    if key == "examples" and isinstance(item, dict):
        return False
    return key in _DATA or (key.startswith("x-") and key not in _NAMES)


class _Reference(NamedTuple):
    """Where a reference stands: a `$ref`, or a value of a discriminator's mapping that is one."""

    holder: dict[str, Json]
    name: str
    pointer: str


def _references(part: Json) -> Iterator[_Reference]:
    for node, pointer, _ in _live(part):
        if isinstance(node.get("$ref"), str):
            yield _Reference(node, "$ref", join(pointer, "$ref"))
        mapping = node.get("mapping") if "propertyName" in node else None
        if isinstance(mapping, dict):
            for name, target in mapping.items():
                if _is_reference(target):
                    yield _Reference(mapping, name, join(pointer, "mapping", name))


def _is_reference(target: Json) -> bool:
    """In a mapping: a reference, and not the name of a schema."""
    return isinstance(target, str) and ("/" in target or target.endswith(SUFFIXES))


class _Part(NamedTuple):
    """A file of a document, and the pointer at which it is carried in."""

    data: Json
    path: Path
    shown: str
    text: str
    base: str

    def lost(self, pointers: Iterable[str]) -> Iterator[Problem]:
        """A problem for each reference of this file that names a file which is not there."""
        lines = _lines(self.text)
        for pointer in sorted(pointers, key=lambda pointer: lines.get(pointer, 0)):
            reason = f"$ref {at(self.data, pointer)!r} names a file that does not exist"
            yield Problem(self.shown, lines.get(pointer), reason)


def _bundle(main: _Part) -> dict[str, str]:
    """Make a document complete in itself; the texts of the other files that it took in, by name."""
    bundler = _Bundler(main)
    bundler.run()
    if bundler.problems:
        raise DocumentError(bundler.problems, parts=bundler.texts)
    if bundler.fragments:
        main.data[BUNDLED] = bundler.fragments
    return bundler.texts


class _Bundler:
    """Carries other files' content in under `x-files`, and points the references there."""

    def __init__(self, main: _Part) -> None:
        self._main = main
        self._waiting = [main]
        self.fragments: dict[str, Json] = {}
        self.texts: dict[str, str] = {}
        self.problems: list[Problem] = []

    def run(self) -> None:
        while self._waiting:
            part = self._waiting.pop()
            lost = [ref.pointer for ref in list(_references(part.data)) if not self._settled(part, ref)]
            self.problems.extend(part.lost(lost) if lost else ())

    def _settled(self, part: _Part, reference: _Reference) -> bool:
        """Point one reference to where it leads in the bundle; False where its file does not exist."""
        ref = reference.holder[reference.name]
        target, fragment = urldefrag(ref)
        base = part.base
        if target and not re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
            file = _file(part.path.parent / unquote(target))
            if file is None:
                return False
            reference.holder[reference.name] = f"#{self._base(file)}{fragment}"
        elif base and ref.startswith("#") and not ref.startswith(f"#/{BUNDLED}/"):
            reference.holder[reference.name] = f"#{base}{ref[1:]}"
        return True

    def _base(self, path: Path) -> str:
        """The pointer at which a file's content stands, now that it has been carried in."""
        if path == self._main.path.resolve():
            return ""
        key = path.name if path.parent == self._main.path.parent.resolve() else str(path)
        base = f"/{BUNDLED}/{escape(key)}"
        if key not in self.fragments:
            self._take(key, path, base)
        return base

    def _take(self, key: str, path: Path, base: str) -> None:
        shown = _beside(self._main.shown, key)
        self.fragments[key] = self.texts[key] = ""
        try:
            self.texts[key] = _read(path, shown)
            self.fragments[key] = parse(self.texts[key], shown)
        except DocumentError as error:
            self.problems.extend(error.problems)
        self._waiting.append(_Part(self.fragments[key], path, shown, self.texts[key], base))


def _file(place: Path) -> Path | None:
    """The file that a reference names; None where there is none, whatever the name."""
    try:
        path = place.resolve()
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None


def _unname(data: dict[str, Json]) -> None:
    """Turn `$id` and `$anchor` names into pointers, so that every reference left is a plain `#/…`.

    A `$schema` goes too: the dialect is the document's, and no schema may leave it.
    """
    names: dict[str, str] = {}
    live = list(_live(data))
    for node, pointer, _ in live:
        _take_names(node, pointer, names)
    for node, _, home in live:
        for keyword in ("$ref", "$dynamicRef"):
            ref = node.get(keyword)
            target = _named(data, ref, names, home) if isinstance(ref, str) else None
            if target is not None:
                del node[keyword]
                node["$ref"] = "#" + target


def _named(data: Json, ref: str, names: Mapping[str, str], home: str) -> str | None:
    """The pointer that a reference means by a name; None where it means none."""
    if ref in names:
        return names[ref]
    base, fragment = urldefrag(ref)
    if not base and home:
        # Inside a schema with an `$id`, `#` is that schema; authors who mean the document get the document.
        return home + fragment if fragment[:1] in ("", "/") and _stands(data, home + fragment) else None
    if base in names and fragment[:1] in ("", "/"):
        return names[base] + fragment
    return names.get("#" + fragment) if base in names else None


def _stands(data: Json, pointer: str) -> bool:
    try:
        at(data, unquote(pointer))
    except KeyError:
        return False
    return True


def _take_names(node: dict[str, Json], pointer: str, names: dict[str, str]) -> None:
    if isinstance(node.get("$id"), str):
        names.setdefault(node.pop("$id"), pointer)
    if isinstance(node.get("$schema"), str):
        del node["$schema"]
    for keyword in ("$anchor", "$dynamicAnchor"):
        if isinstance(node.get(keyword), str):
            names.setdefault("#" + node.pop(keyword), pointer)
