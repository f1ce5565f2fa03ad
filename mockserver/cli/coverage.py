"""`persona-mock coverage`: which documented outcomes and task states were met, at a mock or in recordings."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mockserver.cli.address import add_target_options, target_of
from mockserver.cli.files import write_output
from mockserver.cli.options import add_options, settings_of
from mockserver.settings import UsageError

ENOUGH, TOO_LITTLE = 0, 1
FORMATS = ("term", "html", "json")
Report = Mapping[str, Any]
# How a coverage report begins, and no recording does: a key of it.
_REPORT = re.compile(r'\s*\{\s*"(covered|total|percent|providers)"\s*:')
_HEAD = 4096
_KINDS = ("outcomes", "states")
# contracts.covering.Covering, which this module meets in functions only.
Counter = Any


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "coverage",
        help="tell which documented outcomes and task states were met",
        description="Of all documented outcomes and task states, which has a client met? A running mock "
        "knows, or recorded traffic tells (HAR, VCR.py cassette, Pact file, journal export). A coverage "
        "report in JSON (`pytest --persona-mock-coverage=json`, GET /_mock/coverage) is counted as well.",
        epilog="Example: persona-mock coverage recorded.har --fail-under 80",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="what was recorded, or a coverage report"
    )
    add_target_options(
        parser,
        "a mock that is asked (default without a FILE: where `persona-mock serve` listens with the settings "
        "at hand); what it and the files met is put together",
    )
    parser.add_argument("--provider", metavar="P", help="this provider only")
    add_options(parser, frozenset(("specs",)))
    parser.add_argument(
        "--fail-under", type=_share, metavar="N", help="exit with 1 if less than N percent were met"
    )
    parser.add_argument("--format", choices=FORMATS, default="term", help="how it is told (default term)")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="--format json")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it to a file")
    parser.set_defaults(run=run)


def _share(text: str) -> float:
    from mockserver.coverage.required import read_share

    try:
        return read_share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(args: argparse.Namespace) -> int:
    """Count, tell, and say whether it is enough."""
    from mockserver.coverage.required import is_reached, verdict

    report, notes = _counted(args)
    _tell(args, report)
    for note in notes:
        print(note, file=sys.stderr)
    if args.fail_under is not None:
        print(verdict(report, args.fail_under), file=sys.stderr)
    return ENOUGH if is_reached(report, args.fail_under) else TOO_LITTLE


# --- what was met ------------------------------------------------------------------------------------------


def _counted(args: argparse.Namespace) -> tuple[Report, list[str]]:
    """The coverage of all that was named, and what is to be said beside it."""
    from mockserver import coverage

    reports = [_asked(args)] if args.url is not None or not args.files else []
    if not args.files:
        return _of_provider(coverage.merged(reports), args.provider), []
    _check_alone(args)
    covering = _covering(args)
    # A provider that nobody has is told before much is read.
    _of_provider(coverage.merged([*reports, covering.report()]), args.provider)
    for file in args.files:
        if _is_stored(file):
            reports.append(_stored(file))
        else:
            _read(covering, file)
    report = coverage.merged([*reports, covering.report()])
    return _of_provider(report, args.provider), list(_notes(covering))


def _asked(args: argparse.Namespace) -> Report:
    report: Report = json.loads(target_of(args).call("GET", "coverage", holds=_is_report))
    return report


def _is_report(content: bytes) -> bool:
    from mockserver.cli.control import read_object

    return _holds_counts(read_object(content) or {})


def _holds_counts(report: Report) -> bool:
    """True where counts stand in all the places in which they are looked for."""
    try:
        operations = [one for part in report["providers"].values() for one in part["operations"].values()]
        counts = [count for one in operations for kind in _KINDS for count in one[kind].values()]
    except (KeyError, TypeError, AttributeError):
        return False
    return all(type(count) is int and count >= 0 for count in counts)


def _is_stored(file: Path) -> bool:
    """True for a coverage report, broken or not; what cannot be read at all is told as a recording."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    return _REPORT.match(head.decode(json.detect_encoding(head), "ignore")) is not None


def _stored(file: Path) -> Report:
    try:
        report: Report = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _no_report(file, f"it is no JSON ({error})") from None
    if not _holds_counts(report):
        raise _no_report(file, "no counts of each provider's outcomes and states are in it")
    return report


def _no_report(file: Path, reason: str) -> UsageError:
    text = f"{file} begins as a coverage report, but {reason}"
    fix = "Write it with `pytest --persona-mock-coverage=json:FILE`, or save GET /_mock/coverage"
    return UsageError(text, where="FILE", fix=fix)


def _check_alone(args: argparse.Namespace) -> None:
    """Files have no sandbox and no token."""
    for flag, given in (("--sandbox", args.sandbox), ("--control-token", args.control_token)):
        if args.url is None and given is not None:
            text = "files are read, and no mock is asked"
            raise UsageError(text, where=flag, fix="Say --url too, or leave it out")


def _covering(args: argparse.Namespace) -> Counter:
    from contracts.covering import Covering
    from mockserver.web.world import open_documents

    return Covering(open_documents(settings_of(args)))


def _read(covering: Counter, file: Path) -> None:
    from contracts.covering import NoTraffic

    try:
        covering.read(file)
    except NoTraffic as error:
        place = f"{file}:{error.flaw.line}" if error.flaw.line else str(file)
        text = f"{place}: {error.flaw.message}"
        raise UsageError(text, where="FILE", wanted=error.flaw.wanted) from None


def _notes(covering: Counter) -> Iterator[str]:
    """Where a file broke off, and what was not counted."""
    for file, flaw in covering.flaws:
        place = f"{file}:{flaw.line}" if flaw.line else str(file)
        yield f"{place}: {flaw.message}; what stands before it is counted"
    if covering.missed:
        count = covering.missed.total()
        reasons = ", ".join(f"{one} {reason}" for reason, one in covering.missed.most_common())
        yield f"Not counted: {count} {'exchange' if count == 1 else 'exchanges'}: {reasons}"


def _of_provider(report: Report, provider: str | None) -> Report:
    from mockserver import coverage

    known = report["providers"]
    if provider is None:
        return report
    if provider not in known:
        raise UsageError(where="--provider", got=repr(provider), wanted=f"one of {', '.join(known)}")
    return coverage.merged([{"providers": {provider: known[provider]}}])


# --- how it is told ----------------------------------------------------------------------------------------


def _tell(args: argparse.Namespace, report: Report) -> None:
    text = _text(args, report)
    if args.output is not None:
        write_output(args.output, text)
    elif args.format == "html":
        # The page says that it is UTF-8, whatever the terminal is.
        sys.stdout.buffer.write(text.encode())
    else:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        print(text, end="")


def _text(args: argparse.Namespace, report: Report) -> str:
    import shutil

    from mockserver import __version__, coverage
    from mockserver.coverage.page import page
    from mockserver.coverage.table import table

    if args.format == "html":
        return page(report, version=__version__)
    if args.format == "json":
        return coverage.as_json(report)
    width = shutil.get_terminal_size().columns if args.output is None else None
    return table(report, width=width) + "\n"
