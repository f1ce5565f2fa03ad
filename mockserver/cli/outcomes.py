"""`persona-mock outcomes`: what every operation can answer, as the documents have it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.cli.documents import add_document_options, documents_of
from mockserver.cli.table import columns

if TYPE_CHECKING:
    from mockserver.openapi.compiled import Answer, Document
    from mockserver.openapi.source import Json

EXAMPLE = "Example: persona-mock outcomes --provider kie"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "outcomes",
        help="list every outcome that an operation documents",
        description="List every outcome of every operation with its HTTP status, body code and message, the"
        " quirk in force, and how sure it is: recorded live, read on a page, reported, our choice, or known"
        " to differ.",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    add_document_options(parser, "status", "quirk")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from mockserver.web.living import values_of

    settings, quirks, documents = documents_of(args)
    rows = [
        row
        for document in documents
        for row in _rows(document, settings.status, values_of(document.name, quirks))
    ]
    marks = _marks(documents)
    rows = [row | {"mark": marks.get((row["provider"], row["operation"], row["outcome"]))} for row in rows]
    if args.json:
        print(json.dumps({"outcomes": rows}, indent=2))
    else:
        head = ("provider", "operation", "outcome", "status", "code", "message", "quirk", "mark")
        cells = ([_cell(row[name]) for name in head] for row in rows)
        print(columns([head, *cells], cut=head.index("message")))
    return 0


def _rows(document: Document, mode: str, values: Mapping[str, str]) -> Iterator[dict[str, Json]]:
    quirks = _quirks(document, values)
    for operation in document.operations():
        for outcome, answer in operation.answers.items():
            status, code, message = _facts(document, answer, mode)
            yield {
                "provider": document.name,
                "operation": operation.name,
                "outcome": outcome,
                "status": status,
                "code": code,
                "message": message,
                "quirk": quirks.get((operation.name, outcome)),
            }


def _marks(documents: Iterable[Document]) -> dict[tuple[Json, Json, Json], str]:
    """How sure each answer is, where a contract case shows it; a document of one's own may have none."""
    from contracts.casefile import packaged
    from contracts.marks import marks

    # Cases of ours may not fit a document that somebody else wrote for the same provider.
    files = filter(None, map(packaged, documents))
    return {key: str(mark) for file in files for key, mark in marks(file.cases).items()}


def _quirks(document: Document, values: Mapping[str, str]) -> dict[tuple[str, str | None], str]:
    """The quirk in force, by the answer in which it shows: as the adapter says, or an example's mark."""
    from mockserver.providers import adapter_of

    adapter = adapter_of(document.name) if document.marked else None
    quirks = adapter.quirks if adapter else ()
    shown = [(quirk.operation, str(quirk.outcome), quirk.name) for quirk in quirks]
    marked = [
        (operation.name, example.outcome, example.quirk.partition("=")[0])
        for operation in document.operations()
        for example in operation.examples()
        if example.quirk
    ]
    return {
        (operation, outcome): f"{document.name}.{name}={values[name]}"
        for operation, outcome, name in (*shown, *marked)
        if name in values
    }


def _facts(document: Document, answer: Answer, mode: str) -> tuple[int, Json, Json]:
    from mockserver.web.status import http_status

    body = answer.examples[0].value if answer.examples else None
    code, message = document.envelope.read(body)
    return http_status(document.envelope, answer.status, code, mode), code, message


def _cell(value: Json) -> str:
    return "" if value is None else str(value)
