"""`persona-mock import`: a provider's documentation pages into one clean OpenAPI document."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.cli.failure import DOES_NOT_HOLD, Failure
from mockserver.cli.files import write_whole
from mockserver.settings import UsageError

if TYPE_CHECKING:
    from mockserver.openapi.importer import Imported, Page

EXAMPLE = "Example: persona-mock import create-song.md song-details.md -o specs/melody.yaml"
STREAM = "-"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "import",
        help="turn a documentation page into an OpenAPI document",
        description="Turn documentation pages (Markdown with an OpenAPI block, the form in which a "
        "documentation tool writes one operation out, or plain OpenAPI 3.0 and 3.1 files) into one clean "
        "OpenAPI 3.1 document. What could not be carried is listed on stderr.",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    parser.add_argument("pages", metavar="PAGE", nargs="+", help="a page as a file; - reads stdin")
    parser.add_argument(
        "--name", metavar="P", help="the provider's name (default: from -o, else from the page)"
    )
    where = "write here, as JSON where it ends in .json; a folder takes P.yaml (default stdout)"
    parser.add_argument("-o", "--output", metavar="FILE", default=STREAM, help=where)
    parser.add_argument("--force", action="store_true", help="write over a file that exists")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Import the pages, write the document, and list what it does not have."""
    from mockserver.domain.outcome import NAMES
    from mockserver.openapi.importer import Faulty, NoBlock, import_pages

    name = _name(args.name, args.output)
    if args.output != STREAM and not Path(args.output).is_dir():
        _refuse_existing(Path(args.output), args.force)
    pages = [_read(page) for page in args.pages]
    try:
        imported = import_pages(pages, name, NAMES)
    except (NoBlock, Faulty) as error:
        raise Failure(DOES_NOT_HOLD, str(error)) from None
    place = _write(args, imported)
    for note in imported.notes:
        print(note, file=sys.stderr)
    print(_told(imported, place), file=sys.stderr)
    return 0


def _name(asked: str | None, output: str) -> str | None:
    from mockserver.openapi.source import NAME, SUFFIXES

    path = Path(output)
    stem = None
    if output != STREAM and not path.is_dir():
        if path.suffix not in SUFFIXES:
            raise UsageError(
                where="--output", got=repr(output), wanted=f"a file that ends in {', '.join(SUFFIXES)}"
            )
        stem = path.stem
    for where, name in (("--name", asked), ("--output", stem)):
        if name is not None and not NAME.fullmatch(name):
            wanted = "a provider's name: letters and digits, and . _ - inside it"
            raise UsageError(where=where, got=repr(name), wanted=wanted)
    if asked is not None and stem is not None and asked != stem:
        fix = "A document is served under the name of its file"
        raise UsageError(where="--name", got=repr(asked), wanted=f"{stem}, as --output has it", fix=fix)
    return asked or stem


def _refuse_existing(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise UsageError(
            f"{path} exists", where="--output", fix="Say --force to write over it, or name another"
        )


def _read(name: str) -> Page:
    from mockserver.openapi.importer import Page

    try:
        if name == STREAM:
            return Page("stdin", sys.stdin.buffer.read())
        return Page(name, Path(name).read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{name} cannot be read ({reason})", where="import", fix="Name a page that is a file"
        ) from None


def _write(args: argparse.Namespace, imported: Imported) -> str:
    if args.output == STREAM:
        sys.stdout.buffer.write(imported.text())
        sys.stdout.buffer.flush()
        return "stdout"
    path = Path(args.output)
    if path.is_dir():
        path /= f"{imported.name}.yaml"
        _refuse_existing(path, args.force)
    try:
        write_whole(path, imported.text(json=path.suffix == ".json"))
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"{path} cannot be written ({reason})", where="--output", fix="Name a file that can be written"
        ) from None
    return str(path)


def _told(imported: Imported, place: str) -> str:
    paths = imported.document.get("paths", {})
    noted = f"{len(imported.notes)} to note, listed above" if imported.notes else "all of it carried"
    return f"Imported {imported.name} to {place}: {_count(len(paths), 'path')}; {noted}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
