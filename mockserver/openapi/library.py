"""The documents of some folders: found, read, compiled, each under the name of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mockserver.openapi.compiled import Document, compile_document
from mockserver.openapi.source import NAME, SUFFIXES, DocumentError, Problem, Source, load

PACKAGED = "packaged"


def packaged_folder() -> Path:
    """Where our own documents lie: inside the wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent.parent / "_specs"
    return inside if inside.is_dir() else Path(__file__).parent.parent.parent / "specs"


def load_documents(
    folders: Iterable[str],
    outcomes: Sequence[str],
    allowed_hosts: frozenset[str] = frozenset(),
    quirks: Callable[[str], frozenset[str]] = lambda _: frozenset(),
) -> dict[str, Document]:
    """Every document of the folders by name; DocumentError tells all that is wrong with any of them.

    `quirks` gives, for a document's name, the x-quirk marks in force.
    """
    problems: list[Problem] = []
    sources = _sources(_files(folders, problems), problems)
    documents: dict[str, Document] = {}
    for source in sources:
        try:
            documents[source.name] = compile_document(source, outcomes, allowed_hosts, quirks)
        except DocumentError as error:
            problems.extend(error.problems)
    if problems:
        raise DocumentError(problems, fine=sorted(documents))
    return documents


def _files(folders: Iterable[str], problems: list[Problem]) -> list[tuple[Path, str]]:
    files: list[tuple[Path, str]] = []
    for folder in folders:
        place = packaged_folder() if folder == PACKAGED else Path(folder)
        found = _in_folder(place)
        if not found:
            problems.append(Problem(folder, None, _nothing(place)))
        files.extend((file, file.name if folder == PACKAGED else str(file)) for file in found)
    return files


def _in_folder(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        return []
    return sorted(file for file in place.iterdir() if file.suffix in SUFFIXES and file.name[0] != ".")


def _nothing(place: Path) -> str:
    if not place.exists():
        return "no such folder; --specs wants a folder of OpenAPI documents, or the word `packaged`"
    return f"no document in it; wanted files that end in {', '.join(SUFFIXES)}"


def _sources(files: list[tuple[Path, str]], problems: list[Problem]) -> list[Source]:
    sources: dict[str, Source] = {}
    odd: list[tuple[str, DocumentError]] = []
    for file, shown in files:
        try:
            source = load(file, shown, keep=file.parent == packaged_folder())
        except DocumentError as error:
            odd.append((file.name, error))
            continue
        if not NAME.fullmatch(source.name):
            reason = "a document's file name is its provider's name: letters and digits, and . _ - inside it"
            problems.append(Problem(shown, None, reason))
        elif source.name in sources:
            other = sources[source.name].file
            other = f"the packaged {other}" if other == Path(other).name else other
            problems.append(Problem(shown, 1, f"{other} is named {source.name!r} too; rename one of the two"))
        else:
            sources[source.name] = source
    # A file without `openapi:` that another document refers to is a part of that one, and no fault.
    parts = {name for source in sources.values() for name in source.texts}
    parts.update(name for _, error in odd for name in error.parts)
    problems.extend(problem for name, error in odd if name not in parts for problem in error.problems)
    return list(sources.values())
