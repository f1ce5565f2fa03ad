"""What `check mock` and `check live` take; apart from them, for every start of any command reads this."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_case_options(parser: argparse.ArgumentParser) -> None:
    """What `check mock` and `check live` both take."""
    parser.add_argument("--max-age", type=_days, metavar="DAYS", help="warn of older marks: 90d")
    parser.add_argument("--cases", type=Path, metavar="DIR", help="case files (default: the packaged ones)")


def _days(text: str) -> int:
    number = text.removesuffix("d")
    if not number.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a number of days such as 90d, got {text!r}")
    return int(number)


def add_live_options(parser: argparse.ArgumentParser) -> None:
    """What `check live` takes beside what all checks do."""
    parser.add_argument("--provider", metavar="P", required=True, help="the provider whose cases are run")
    env = "the environment variable that holds the key; it is never printed"
    parser.add_argument("--key-env", metavar="VAR", required=True, help=env)
    parser.add_argument("--base-url", metavar="U", help="where it is (default: the address of its document)")
    parser.add_argument("--max-credits", type=_credits, metavar="N", help="never spend more than this")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep the run there, and go on from it")
    parser.add_argument("--yes", action="store_true", help="do not ask before credits are spent")


def _credits(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e12:
        raise argparse.ArgumentTypeError(f"wanted a number of credits, 0 or more, got {text!r}")
    return number
