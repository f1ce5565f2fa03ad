"""`persona-mock routes`: every operation, and where it stands."""

from __future__ import annotations

import argparse
import json
from typing import Any

from mockserver.cli.documents import add_document_options, documents_of
from mockserver.cli.table import columns

EXAMPLE = "Example: persona-mock routes --provider kie --json"


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "routes",
        help="list every operation with its method and path",
        description="List every operation of the documents with its method and path.",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    add_document_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    rows = [
        {
            "provider": document.name,
            "operation": operation.name,
            "method": operation.method,
            "path": operation.full_path,
        }
        for document in documents_of(args).documents
        for operation in document.operations()
    ]
    if args.json:
        print(json.dumps({"routes": rows}, indent=2))
    else:
        head = ("provider", "operation", "method", "path")
        print(columns([head, *([row[name] for name in head] for row in rows)]))
    return 0
