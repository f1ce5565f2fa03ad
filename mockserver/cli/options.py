"""The table of options as command-line flags."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from mockserver.settings import OPTIONS, Option, Settings, default_of


def add_options(parser: argparse.ArgumentParser, only: frozenset[str] | None = None) -> None:
    """Give a command the table's options, or those named; their text is left for Settings to read."""
    for option in OPTIONS if only is None else (option for option in OPTIONS if option.name in only):
        parser.add_argument(option.flag, dest=option.field, default=None, **_argument(option))


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings that these flags, the environment and the current folder's pyproject.toml give."""
    return Settings.load(vars(arguments), os.environ, Path.cwd())


def _argument(option: Option) -> dict[str, Any]:
    text = f"{option.help} {_default(option)}".strip().replace("%", "%%")
    if option.is_flag:
        return {"action": argparse.BooleanOptionalAction, "help": text}
    action = "append" if option.repeatable else "store"
    return {"action": action, "metavar": option.metavar, "help": text}


def _default(option: Option) -> str:
    default = default_of(option)
    if option.is_flag:
        return f"(default {'on' if default else 'off'})"
    if option.repeatable:
        return f"(default {','.join(default)})" if default else ""
    return "" if default is None else f"(default {default})"
