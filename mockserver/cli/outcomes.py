"""`persona-mock outcomes`: what every operation can answer, as the documents have it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mockserver.cli.documents import add_document_options, documents_of
from mockserver.cli.options import settings_of
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
        description="List every outcome of every operation with its HTTP status, body code and message.",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    add_document_options(parser, "status")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    mode = settings_of(args).status
    rows = [row for document in documents_of(args) for row in _rows(document, mode)]
    if args.json:
        print(json.dumps({"outcomes": rows}, indent=2))
    else:
        head = ("provider", "operation", "outcome", "status", "code", "message", "quirk")
        print(columns([head, *([_cell(row[name]) for name in head] for row in rows)]))
    return 0


def _rows(document: Document, mode: str) -> Iterator[dict[str, Json]]:
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
                "quirk": None,
            }


def _facts(document: Document, answer: Answer, mode: str) -> tuple[int, Json, Json]:
    from mockserver.web.status import http_status

    body = answer.examples[0].value if answer.examples else None
    code, message = document.envelope.read(body)
    return http_status(document.envelope, answer.status, code, mode), code, message


def _cell(value: Json) -> str:
    return "" if value is None else str(value)
