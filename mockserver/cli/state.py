"""`persona-mock state`: the state of a mock that runs, taken out, put in and cleared."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mockserver.cli.address import DEFAULT_SANDBOX, add_target_options, target_of
from mockserver.cli.files import write_whole
from mockserver.settings import UsageError

EXAMPLE = "Example: persona-mock state export -o state.json"
STREAM = "-"


def add_parser(subparsers: Any) -> None:
    """Register the command and what it can do."""
    parser = subparsers.add_parser(
        "state",
        help="export, import or reset the state of a running mock",
        description="Export, import or reset the state of a running mock.",
        epilog=EXAMPLE,
        allow_abbrev=False,
    )
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_export(parts)
    _add_import(parts)
    _add_reset(parts)


def _add_export(parts: Any) -> None:
    parser = _added(parts, "export", run_export, "write the state of a sandbox as JSON", EXAMPLE)
    parser.add_argument(
        "-o", "--output", metavar="FILE", default=STREAM, help="write to this file (default stdout)"
    )
    _add_common(parser, "print JSON, as an export always does")


def _add_import(parts: Any) -> None:
    example = "Example: persona-mock state import state.json --sandbox alice"
    parser = _added(parts, "import", run_import, "put an exported state in place of a sandbox's own", example)
    parser.add_argument("file", metavar="FILE", help="what `state export` wrote; - reads stdin")
    _add_common(parser, "print the server's reply as JSON")


def _add_reset(parts: Any) -> None:
    example = "Example: persona-mock state reset --url http://127.0.0.1:4010"
    parser = _added(parts, "reset", run_reset, "empty a sandbox", example)
    _add_common(parser, "print the server's reply as JSON")


def _added(
    parts: Any, name: str, run: Callable[..., int], does: str, example: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = parts.add_parser(
        name, help=does, description=f"{does[0].upper()}{does[1:]}.", epilog=example, allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _add_common(parser: argparse.ArgumentParser, as_json: str) -> None:
    add_target_options(parser)
    parser.add_argument("--json", action="store_true", help=as_json)


# --- what each does ----------------------------------------------------------------------------------------


def run_export(args: argparse.Namespace) -> int:
    """Write the state, bytes as they came."""
    content = target_of(args).call("GET", "state", holds=_is_export)
    _write(args.output, content)
    return 0


def run_import(args: argparse.Namespace) -> int:
    """Send a file, and say what was taken in."""
    state, target = _read(args.file), target_of(args)
    # A refusal that comes while a large file is under way would break the connection: first see who is there.
    target.call("GET", "health", holds=lambda reply: _told(reply, "status", str))
    content = target.call("PUT", "state", state, holds=lambda reply: _told(reply, "imported", dict))
    _tell(args, content, _imported)
    return 0


def run_reset(args: argparse.Namespace) -> int:
    """Empty the sandbox, and say so."""
    content = target_of(args).call("POST", "reset", b"", holds=lambda reply: _told(reply, "reset", str))
    _tell(args, content, lambda reply: f"Reset sandbox {reply['reset']}")
    return 0


def _is_export(content: bytes) -> bool:
    return re.match(rb'\s*\{\s*"format"\s*:', content) is not None


def _told(content: bytes, name: str, kind: type) -> bool:
    from mockserver.cli.control import read_object

    return isinstance((read_object(content) or {}).get(name), kind)


def _tell(args: argparse.Namespace, content: bytes, line: Callable[[dict[str, Any]], str]) -> None:
    reply = json.loads(content)
    print(json.dumps(reply, indent=2) if args.json else line(reply))


def _imported(reply: dict[str, Any]) -> str:
    counts = dict(reply["imported"])
    sandbox = counts.pop("sandbox", DEFAULT_SANDBOX)
    told = [f"{count} {name.removesuffix('s') if count == 1 else name}" for name, count in counts.items()]
    return f"Imported into sandbox {sandbox}: {', '.join(told)}"


# --- files -------------------------------------------------------------------------------------------------


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == STREAM else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        raise _unusable("state import", name, "read", error) from None


def _write(name: str, content: bytes) -> None:
    try:
        if name == STREAM:
            _print(content)
        else:
            write_whole(Path(name), content)
    except (OSError, ValueError) as error:
        if name == STREAM and isinstance(error, BrokenPipeError):
            raise
        raise _unusable("--output", "stdout" if name == STREAM else name, "written", error) from None


def _print(content: bytes) -> None:
    sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
    sys.stdout.buffer.flush()


def _unusable(where: str, name: str, done: str, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or error
    return UsageError(
        f"{name} cannot be {done} ({reason})", where=where, fix=f"Name a file that can be {done}"
    )
