"""What `check mock` and `check live` both take."""

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
