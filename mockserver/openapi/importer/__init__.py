"""Documentation pages into one clean OpenAPI 3.1 document, and a list of what could not be carried."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from mockserver.openapi.compiled import compile_document
from mockserver.openapi.importer.clean import Cleaner, with_info
from mockserver.openapi.importer.expanded import is_expanded, standard
from mockserver.openapi.importer.merge import Merge
from mockserver.openapi.importer.page import Block, blocks_of
from mockserver.openapi.importer.page import NoBlock as NoBlock
from mockserver.openapi.importer.written import as_json, as_yaml
from mockserver.openapi.problem import DocumentError, Json, Problem
from mockserver.openapi.source import NAME, Source, load
from mockserver.openapi.vocabulary import Walk


class Page(NamedTuple):
    """A page as it lies on the disk, and how its file is shown."""

    file: str
    content: bytes


class Faulty(DocumentError):
    """A page was read, and its document cannot be served: each fault with the line it has in the page."""


@dataclass(frozen=True)
class Imported:
    """A document that can be served, what it was named, and what of the pages is not in it."""

    document: dict[str, Json]
    name: str
    notes: tuple[Problem, ...]

    def text(self, *, json: bool = False) -> bytes:
        """The document as a file; the same document always gives the same bytes."""
        return as_json(self.document) if json else as_yaml(self.document)


def import_pages(pages: Sequence[Page], name: str | None = None, outcomes: Sequence[str] = ()) -> Imported:
    """One document of all pages; NoBlock, DocumentError (cannot be read) or Faulty (cannot be served)."""
    blocks = [block for page in pages for block in blocks_of(page.file, page.content)]
    try:
        merge = Merge()
        for block in blocks:
            merge.add(*_cleaned(block, outcomes))
        document = with_info(merge.document)
        notes = [*merge.notes, *_put_in(merge.document, blocks[0])]
        imported = Imported(document, name or name_of(document, blocks[0]), tuple(notes))
        _check(imported, pages[0].file, outcomes)
    except RecursionError:
        raise DocumentError([Problem(pages[0].file, None, "nested too deeply")]) from None
    return imported


def _put_in(document: dict[str, Json], block: Block) -> list[Problem]:
    missing = [key for key in ("title", "version") if key not in document.get("info", {})]
    if not missing:
        return []
    return [block.problem("/info", f"/info: no {' and no '.join(missing)} in it, so they were put in")]


def _cleaned(block: Block, outcomes: Sequence[str]) -> tuple[dict[str, Json], list[Problem], Block]:
    notes: list[Problem] = []
    places: dict[str, str] = {}

    def tell(pointer: str, reason: str) -> None:
        place = _origin(pointer, places)
        notes.append(block.problem(place, f"{place or '/'}: {reason}"))

    data = block.data
    if is_expanded(data):
        data, places = standard(
            block, lambda place, why: notes.append(block.problem(place, f"{place}: {why}"))
        )
    document = Cleaner(data, tell).document()
    faults = [note for note in _notes(with_info(document), block, outcomes) if note[2]]
    if faults:
        told = [(_origin(pointer, places), reason) for pointer, reason, _ in faults]
        raise Faulty([block.problem(place, f"{place or '/'}: {reason}") for place, reason in told])
    return document, sorted(dict.fromkeys(notes), key=lambda note: note.line or 0), block


def _notes(document: dict[str, Json], block: Block, outcomes: Sequence[str]) -> list[tuple[str, str, bool]]:
    """What is odd in one page's document; one that names schemas by `$id` is judged by the whole only."""
    if any(word in block.text for word in ("$id", "nchor")):
        return []
    walk = Walk(Source("page", block.file, document, block.text), frozenset(outcomes))
    return [(note.pointer, note.reason, note.fatal) for note in walk.run()]


def _origin(pointer: str, places: dict[str, str]) -> str:
    """Where in the page something stands that stands at a pointer of the document."""
    head, rest = pointer, ""
    while head and head not in places:
        head, _, last = head.rpartition("/")
        rest = f"/{last}{rest}"
    return places[head] + rest if head else pointer


def _check(imported: Imported, file: str, outcomes: Sequence[str]) -> None:
    """Read the very bytes that come out as `serve` reads them."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"{imported.name}.yaml"
        place.write_bytes(imported.text())
        try:
            source = load(place, f"{file} (as imported)")
            if source.data != imported.document and not any(word in source.text for word in ("$id", "nchor")):
                raise Faulty([Problem(file, None, "cannot be written as YAML without a change")])
            compile_document(source, outcomes)
        except DocumentError as error:
            raise Faulty(error.problems) from None


# --- names --------------------------------------------------------------------------------------------------

# Words of a host or a title that tell nothing about whose it is.
_COMMON = frozenset(("api", "apis", "www", "docs", "developer", "developers", "dev", "v1", "v2", "v3"))


def name_of(document: dict[str, Json], block: Block) -> str:
    """A provider's name from its server's host, else from the title, else from the page's file."""
    for text in (_owner(document), _slug(document["info"]["title"]), _slug(Path(block.file).stem)):
        if NAME.fullmatch(text):
            return text
    return "imported"


def _owner(document: dict[str, Json]) -> str:
    for server in document.get("servers", ()):
        host = _host(server.get("url"))
        labels = host.split(".")
        if "{" not in host and host and not host.replace(".", "").isdecimal():
            # The last label says the country or the kind, the one before it whose the host is.
            wanted = [label for label in labels[:-1] if label not in _COMMON] or labels[:1]
            return _slug(wanted[-1])
    return ""


def _host(url: Json) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-")


__all__ = ["Faulty", "Imported", "NoBlock", "Page", "import_pages", "name_of"]
