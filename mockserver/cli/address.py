"""Which running mock a command is about, and the options that say so."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mockserver.cli.options import settings_of
from mockserver.settings import PUBLIC_URL, Settings, UsageError

if TYPE_CHECKING:
    from mockserver.cli.control import Target

DEFAULT_SANDBOX = "default"
SERVED = "the mock's address (default: where `persona-mock serve` listens with the settings at hand)"


def add_target_options(parser: argparse.ArgumentParser, url: str = SERVED) -> None:
    """Give a command --url, --sandbox and --control-token."""
    parser.add_argument("--url", metavar="URL", help=url)
    parser.add_argument(
        "--sandbox", metavar="NAME", help=f"the sandbox that is meant (default {DEFAULT_SANDBOX})"
    )
    parser.add_argument("--control-token", metavar="TOKEN", help="what the mock wants as X-Mock-Token")


def target_of(args: argparse.Namespace) -> Target:
    """The mock, the sandbox and the token that the options name."""
    from mockserver.cli.control import Target

    settings = settings_of(args)
    url, named = _split(url_of(args.url) if args.url is not None else _served(settings))
    # One that was drawn here, for a server that we do not start, opens nothing.
    token = None if settings.sources["control_token"] == "drawn" else settings.control_token
    return Target(url, _sandbox(args.sandbox, named), token)


def url_of(text: str) -> str:
    """The address of a mock as --url has it; UsageError for what is none."""
    try:
        url: str = PUBLIC_URL.from_text(text)
    except ValueError:
        fix = "`persona-mock serve` prints its address"
        raise UsageError(where="--url", got=repr(text), wanted=PUBLIC_URL.wanted, fix=fix) from None
    return url


def _served(settings: Settings) -> str:
    """Where `serve` with these settings is reached: here, if it listens everywhere."""
    if settings.port == 0:
        what = "port 0 says where no mock listens"
        raise UsageError(what, where="--url", fix="Say the address that `persona-mock serve` printed")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host)
    return f"http://{host}:{settings.port}" if host else settings.url


def _split(url: str) -> tuple[str, str | None]:
    """An address and the sandbox at its end, if there is one."""
    match = re.fullmatch(r"(.+?)/_sandbox/([^/]+)", url)
    return (match[1], unquote(match[2])) if match else (url, None)


def _sandbox(asked: str | None, named: str | None) -> str:
    from mockserver.web.locate import SANDBOX_NAME

    for where, name in (("--sandbox", asked), ("--url", named)):
        if name is not None and not SANDBOX_NAME.fullmatch(name):
            wanted = "a sandbox's name: 1 to 64 letters, digits, '.', '_' and '-'"
            raise UsageError(
                where=where, got=repr(name), wanted=wanted, fix=f"Without it, {DEFAULT_SANDBOX} is meant"
            )
    if asked is not None and named is not None and asked != named:
        raise UsageError(
            where="--sandbox", got=repr(asked), wanted=f"{named}, as --url has it", fix="Keep one of the two"
        )
    return asked or named or DEFAULT_SANDBOX
