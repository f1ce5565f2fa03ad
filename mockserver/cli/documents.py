"""The documents a command is about, and the options that choose them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from mockserver.cli.options import add_options, settings_of
from mockserver.settings import Settings, UsageError

if TYPE_CHECKING:
    from mockserver.openapi.compiled import Document
    from mockserver.providers.quirks import Quirks


def add_document_options(parser: argparse.ArgumentParser, *more: str) -> None:
    """Give a command --provider, --specs, --json, and further options of the table by name."""
    parser.add_argument("--provider", metavar="P", help="this provider only")
    add_options(parser, frozenset(("specs", *more)))
    parser.add_argument("--json", action="store_true", help="print JSON")


class Chosen(NamedTuple):
    """The settings that the options make, the quirks in force with them, and the documents they choose."""

    settings: Settings
    quirks: Quirks
    documents: list[Document]


def documents_of(args: argparse.Namespace) -> Chosen:
    """What the options choose; UsageError for a provider that none of the documents describes."""
    from mockserver.domain.outcome import NAMES
    from mockserver.openapi.library import load_documents
    from mockserver.web.living import marks_in_force, quirks_in_force

    settings = settings_of(args)
    quirks = quirks_in_force(settings.quirk)
    documents = load_documents(settings.specs, NAMES, quirks=marks_in_force(quirks))
    if args.provider is None:
        return Chosen(settings, quirks, list(documents.values()))
    if args.provider not in documents:
        raise UsageError(where="--provider", got=repr(args.provider), wanted=f"one of {', '.join(documents)}")
    return Chosen(settings, quirks, [documents[args.provider]])
