"""`persona-mock check live`: the contract cases against a provider, for credits that somebody pays."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver.cli.check_mock import cases_of
from mockserver.cli.failure import DOES_NOT_ANSWER, Failure
from mockserver.cli.options import settings_of
from mockserver.cli.progress import Progress
from mockserver.settings import PUBLIC_URL, UsageError, is_loopback

if TYPE_CHECKING:
    from contracts.live.ledger import Ledger
    from contracts.live.plan import Plan
    from mockserver.openapi.compiled import Document


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


def check_live(args: argparse.Namespace) -> Any:
    """What the provider does otherwise than the cases say; None where nobody wants to know."""
    from contracts import live
    from contracts.live.plan import Prices, plan
    from contracts.target import Remote
    from mockserver.domain.clock import today

    documents, files = cases_of(args, settings_of(args))
    document, file = documents[args.provider], files[args.provider]
    url, key = _url(args.base_url, document), _key(args.key_env)
    host = urlsplit(url).hostname or ""
    ledger = _ledger(args, url, key)
    planned = plan(
        file,
        prices=Prices(file, document),
        is_near=is_loopback(host),
        budget=None if args.max_credits is None else args.max_credits - ledger.spent,
        stock=ledger.stock,
        done=frozenset(case.name for case in file.cases if ledger.known(case)),
    )
    if not _agreed(args, planned, ledger, url):
        return None
    with Progress() as progress:
        options = live.Options(
            key=key,
            clock=time.monotonic,
            sleep=time.sleep,
            today=today(),
            is_provider=host in document.hosts,
            is_near=is_loopback(host),
            max_age=args.max_age,
            progress=progress.show,
        )
        try:
            return live.check(planned, Remote(url), document, file, ledger, options)
        except live.Silent:
            text = f"{url} does not answer. Say where {args.provider} is with --base-url"
            raise Failure(DOES_NOT_ANSWER, text) from None


# --- what is asked for --------------------------------------------------------------------------------------


def _url(text: str | None, document: Document) -> str:
    if text is None:
        return f"https://{min(document.hosts)}" if document.hosts else _nowhere(document)
    try:
        url: str = PUBLIC_URL.from_text(text)
    except ValueError:
        raise UsageError(where="--base-url", got=repr(text), wanted=PUBLIC_URL.wanted) from None
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        fix = "Use https, or a target on this machine"
        raise UsageError("a key does not travel over plain HTTP", where="--base-url", fix=fix)
    return url


def _nowhere(document: Document) -> str:
    fix = "Say where it is with --base-url"
    raise UsageError(f"the document of {document.name} names no server", where="--provider", fix=fix)


def _key(name: str) -> str:
    key = os.environ.get(name, "").strip()
    if not key:
        fix = f"export {name}=… in the shell that runs this"
        raise UsageError(f"the environment variable {name} is not set", where="--key-env", fix=fix)
    if not key.isascii() or not key.isprintable():
        fix = "A key is printable ASCII on one line"
        raise UsageError(f"what {name} holds cannot travel in a header", where="--key-env", fix=fix)
    return key


def _ledger(args: argparse.Namespace, url: str, key: str) -> Ledger:
    from contracts.live import hider
    from contracts.live.ledger import Ledger, UnfitFile, Unkept, account

    run = {"provider": args.provider, "address": url, "account": account(key)}
    ledger = Ledger(run, args.max_credits, args.resume, hider(key))
    if args.resume is None:
        return ledger
    try:
        if args.resume.exists():
            ledger.go_on(args.resume.read_text("utf-8"))
        ledger.keep()
    except UnfitFile as error:
        fix = "Name another file, and a new run is kept there"
        raise UsageError(f"{args.resume} cannot be resumed: {error}", where="--resume", fix=fix) from None
    except (OSError, UnicodeDecodeError, Unkept) as error:
        reason = str(error) if isinstance(error, Unkept) else f"{args.resume}: {_reason(error)}"
        fix = "Name a file that can be read and written"
        raise UsageError(reason, where="--resume", fix=fix) from None
    return ledger


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8"


# --- before anything is sent --------------------------------------------------------------------------------


def _agreed(args: argparse.Namespace, planned: Plan, ledger: Ledger, url: str) -> bool:
    """Show the plan, and ask where somebody is there to ask."""
    asks = not args.yes and bool(planned.cases)
    # A report in another form is not to have anything else in it; who is asked has to see what about.
    is_read = args.format == "text" and args.output is None and not (asks and not sys.stdout.isatty())
    out = sys.stdout if is_read else sys.stderr
    print(f"Plan for {url}", file=out)
    for line in planned.lines():
        print(line, file=out)
    if ledger.done:
        done = "1 case" if len(ledger.done) == 1 else f"{len(ledger.done)} cases"
        print(f"  done before: {done}, {ledger.spent:g} credits", file=out)
    out.flush()
    if not asks:
        return True
    # A program that is started with its standard input closed has none.
    if sys.stdin is None or not sys.stdin.isatty():
        fix = "Add --yes, and --max-credits N for a limit"
        raise UsageError("nobody is there to be asked", where="check live", fix=fix)
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except UnicodeDecodeError:
        return False
