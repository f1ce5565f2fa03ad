"""`persona-mock check`: does it keep its promises? One question a subcommand."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.cli.case_options import add_case_options, add_live_options
from mockserver.cli.failure import DOES_NOT_HOLD, Failure
from mockserver.cli.files import see_writable, write_output
from mockserver.cli.options import add_options, settings_of
from mockserver.settings import UsageError

if TYPE_CHECKING:
    from mockserver.cli.interrupts import Interrupts

FINE, FOUND = 0, 1
FORMATS = ("text", "json", "junit", "github", "sarif", "markdown")
# What came of it is contracts.finding.Checked, which this module meets in functions only.
Question = Callable[[argparse.Namespace], Any]


def add_parser(subparsers: Any) -> None:
    """Register the command and its questions."""
    parser = subparsers.add_parser(
        "check",
        help="ask whether documents, the mock, a provider and traffic keep their promises",
        description="Ask whether documents, the mock, a provider and recorded traffic keep their promises.",
        epilog="Example: persona-mock check drift old.yaml new.yaml --format markdown",
        allow_abbrev=False,
    )
    questions = parser.add_subparsers(title="questions", metavar="QUESTION", required=True)
    _add_specs(questions)
    _add_mock(questions)
    _add_live(questions)
    _add_drift(questions)
    _add_traffic(questions)


def _add(questions: Any, name: str, question: Question, text: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = questions.add_parser(
        name, help=text, description=text[0].upper() + text[1:], epilog=example, allow_abbrev=False
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="how findings are written")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="--format json")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write them to a file")
    parser.set_defaults(run=lambda args: _answered(question, args))
    return parser


def _answered(question: Question, args: argparse.Namespace) -> int:
    from mockserver.cli.interrupts import Interrupts

    if args.output is not None:
        # An answer may cost time and money: where it goes is looked at before.
        see_writable(args.output, "--output")
    with Interrupts() as interrupts:
        checked = _asked(question, args, interrupts)
        interrupts.end()
        if checked is None:
            return FINE
        _write(checked, args)
    return FINE if checked.is_fine else FOUND


def _asked(question: Question, args: argparse.Namespace, interrupts: Interrupts) -> Any:
    try:
        return question(args)
    except KeyboardInterrupt:
        lost = "there is no report" if interrupts.count > 1 else "nothing was run"
        raise Failure(DOES_NOT_HOLD, f"interrupted, {lost}") from None


def _write(checked: Any, args: argparse.Namespace) -> None:
    from contracts import report

    text = report.FORMATS[args.format](checked)
    if args.output is None:
        _print(text)
        return
    try:
        write_output(args.output, text)
    except UsageError:
        # It could be written when we asked; what was found is worth more than its place.
        _print(text)
        raise


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A report may hold whatever was recorded, and a terminal may know fewer characters.
        sys.stdout.reconfigure(errors="backslashreplace")
    print(text, end="", flush=True)


# --- the questions ------------------------------------------------------------------------------------------


def _add_specs(questions: Any) -> None:
    text = "are the documents valid OpenAPI, do their examples keep their schemas, is all of it reachable?"
    parser = _add(questions, "specs", _specs, text, "Example: persona-mock check specs ./specs")
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the packaged ones without it")


def _specs(args: argparse.Namespace) -> Any:
    from contracts.documents import check

    return check(args.folder)


def _add_mock(questions: Any) -> None:
    text = "does the mock keep every contract case?"
    parser = _add(questions, "mock", _mock, text, "Example: persona-mock check mock --provider kie")
    where = "a mock that runs there (default: one of our own, in this process)"
    parser.add_argument("--url", metavar="U", help=where)
    parser.add_argument("--provider", metavar="P", help="the cases of this provider only")
    case = "this case only, or all of a family such as `name` of name/item; may be repeated"
    parser.add_argument("--case", action="append", dest="only", metavar="NAME", help=case)
    parser.add_argument("--control-token", metavar="TOKEN", help="what the mock wants as X-Mock-Token")
    add_options(parser, frozenset(("specs",)))
    add_case_options(parser)


def _mock(args: argparse.Namespace) -> Any:
    from mockserver.cli.check_mock import check_mock

    return check_mock(args)


def _add_live(questions: Any) -> None:
    text = "does the real provider (or any URL) keep the same cases?"
    example = "Example: persona-mock check live --provider kie --key-env KIE_KEY --max-credits 30"
    parser = _add(questions, "live", _live, text, example)
    add_live_options(parser)
    add_options(parser, frozenset(("specs",)))
    add_case_options(parser)


def _live(args: argparse.Namespace) -> Any:
    from mockserver.cli.check_live import check_live

    return check_live(args)


def _add_drift(questions: Any) -> None:
    text = "what changed between two documents, and does it break clients?"
    parser = _add(questions, "drift", _drift, text, "Example: persona-mock check drift old.yaml new.yaml")
    parser.add_argument("old", type=Path, metavar="OLD", help="the document that clients were written for")
    parser.add_argument("new", type=Path, metavar="NEW", help="the document as it is now")


def _drift(args: argparse.Namespace) -> Any:
    from contracts.drift import compare

    return compare(args.old, args.new)


def _add_traffic(questions: Any) -> None:
    text = "does recorded traffic (HAR, VCR.py cassette, Pact file, journal export) keep the documents?"
    parser = _add(questions, "traffic", _traffic, text, "Example: persona-mock check traffic recorded.har")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="what was recorded")
    add_options(parser, frozenset(("specs",)))
    parser.add_argument("--allow-unknown", action="store_true", help="an unknown route is a warning")


def _traffic(args: argparse.Namespace) -> Any:
    from contracts.traffic import check
    from mockserver.web.world import open_documents

    for file in args.files:
        if not file.is_file():
            raise UsageError(
                f"{file} is no file that can be read", where="FILE", fix="Name what was recorded"
            )
    return check(args.files, open_documents(settings_of(args)), allow_unknown=args.allow_unknown)
