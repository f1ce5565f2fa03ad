"""The documents a command is about, and the options that choose them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mockserver.cli.options import add_options, settings_of
from mockserver.settings import UsageError

if TYPE_CHECKING:
    from mockserver.openapi.compiled import Document


def add_document_options(parser: argparse.ArgumentParser, *more: str) -> None:
    """Give a command --provider, --specs, --json, and further options of the table by name."""
    parser.add_argument("--provider", metavar="P", help="this provider only")
    add_options(parser, frozenset(("specs", *more)))
    parser.add_argument("--json", action="store_true", help="print JSON")


def documents_of(args: argparse.Namespace) -> list[Document]:
    """The documents that the options choose; UsageError for a provider that none of them describes."""
    from mockserver.domain.outcome import NAMES
    from mockserver.openapi.library import load_documents
    from mockserver.web.living import marks_in_force, quirks_in_force

    settings = settings_of(args)
    marks = marks_in_force(quirks_in_force(settings.quirk))
    documents = load_documents(settings.specs, NAMES, quirks=marks)
    if args.provider is None:
        return list(documents.values())
    if args.provider not in documents:
        raise UsageError(where="--provider", got=repr(args.provider), wanted=f"one of {', '.join(documents)}")
    return [documents[args.provider]]
