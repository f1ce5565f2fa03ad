"""`persona-mock`: finds the command, and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

FINE, USAGE = 0, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nothing that goes wrong ends in a traceback."""
    from mockserver.cli.failure import Failure
    from mockserver.settings import UsageError

    try:
        arguments = _parser().parse_args(argv)
        code: int = arguments.run(arguments)
        return code
    except SystemExit as end:
        # argparse leaves this way, after help and after a wrong option.
        return end.code if isinstance(end.code, int) else USAGE
    except KeyboardInterrupt:
        return FINE
    except BrokenPipeError:
        return _unread()
    except Failure as failure:
        return _failed(failure, failure.code)
    except UsageError as error:
        return _failed(error)
    except _document_error() as error:
        return _failed(error)


def _failed(error: Exception, code: int = USAGE) -> int:
    print(f"persona-mock: {error}", file=sys.stderr)
    return code


def _unread() -> int:
    """Nobody reads our output any more (`… | head`); Python's own flush at exit must not say so again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FINE


def _document_error() -> type[Exception]:
    """Looked up only when something was raised: a fine command never loads the YAML reader for it."""
    from mockserver.openapi.source import DocumentError

    return DocumentError


def _parser() -> argparse.ArgumentParser:
    from mockserver import __version__
    from mockserver.cli import check, coverage, importing, outcomes, routes, serve, state

    parser = argparse.ArgumentParser(
        prog="persona-mock",
        description="A mock of song-persona APIs, and of any OpenAPI document.",
        epilog="Example: persona-mock serve --port 0",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"persona-mock {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (serve, routes, outcomes, state, check, coverage, importing):
        command.add_parser(commands)
    return parser
