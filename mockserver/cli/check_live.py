"""`persona-mock check live`: the contract cases against a provider, for credits that somebody pays."""

from __future__ import annotations

import argparse
import os
import re
import select
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO
from urllib.parse import urlsplit

from mockserver.cli.check_mock import cases_of
from mockserver.cli.failure import DOES_NOT_ANSWER, Failure
from mockserver.cli.files import see_writable
from mockserver.cli.options import settings_of
from mockserver.cli.progress import Progress
from mockserver.settings import PUBLIC_URL, UsageError, is_loopback

if TYPE_CHECKING:
    from contracts.case import CaseFile
    from contracts.live import Options
    from contracts.live.ledger import Ledger
    from contracts.live.plan import Plan
    from mockserver.openapi.compiled import Document


class _Asked(NamedTuple):
    """What is to be checked where, and the book of it."""

    document: Document
    file: CaseFile
    url: str
    key: str
    ledger: Ledger

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def check_live(args: argparse.Namespace) -> Any:
    """What the provider does otherwise than the cases say; None where nobody wants to know."""
    asked = _asked(args)
    with ExitStack() as held:
        _take_up(asked.ledger, held)
        planned = _planned(args, asked)
        if not _agreed(args, planned, asked):
            print("Nothing was sent.", file=sys.stderr)
            return None
        _keep(asked.ledger)
        return _checked(args, planned, asked)


def _asked(args: argparse.Namespace) -> _Asked:
    documents, files = cases_of(args, settings_of(args))
    document = documents[args.provider]
    url, key = _url(args.base_url, document), _key(args.key_env)
    return _Asked(document, files[args.provider], url, key, _ledger(args, url, key))


def _planned(args: argparse.Namespace, asked: _Asked) -> Plan:
    from contracts.live.plan import Prices, plan

    file, ledger = asked.file, asked.ledger
    return plan(
        file,
        prices=Prices(file, asked.document),
        is_near=is_loopback(asked.host),
        budget=None if args.max_credits is None else args.max_credits - ledger.spent,
        stock=ledger.stock,
        done=frozenset(case.name for case in file.cases if ledger.known(case)),
        spent=ledger.spent,
    )


def _checked(args: argparse.Namespace, planned: Plan, asked: _Asked) -> Any:
    from contracts import live
    from contracts.remote import Remote

    with Progress() as progress:
        options = _options(args, asked, progress)
        target = Remote(asked.url)
        try:
            return live.check(planned, target, asked.document, asked.file, asked.ledger, options)
        except live.Silent as error:
            raise _silent(args, asked.url, str(error)) from None


def _options(args: argparse.Namespace, asked: _Asked, progress: Progress) -> Options:
    from contracts.live import Options
    from mockserver.domain.clock import today

    return Options(
        key=asked.key,
        clock=time.monotonic,
        sleep=time.sleep,
        today=today(),
        is_provider=asked.host in asked.document.hosts,
        is_near=is_loopback(asked.host),
        max_age=args.max_age,
        progress=progress.show,
    )


def _silent(args: argparse.Namespace, url: str, reason: str) -> Failure:
    from contracts.remote import NOBODY_THERE

    fix = f". Say where {args.provider} is with --base-url" if reason.startswith(NOBODY_THERE) else ""
    return Failure(DOES_NOT_ANSWER, f"{url} does not answer ({reason}){fix}")


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
        raise _unset(name)
    if not key.isascii() or not key.isprintable():
        fix = "A key is printable ASCII on one line"
        raise UsageError(f"what {name} holds cannot travel in a header", where="--key-env", fix=fix)
    return key


def _unset(name: str) -> UsageError:
    # Whoever gives the key itself is not to find it in a log.
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", name):
        what = "wanted the NAME of a variable such as KIE_KEY; what was given is not shown"
        return UsageError(what, where="--key-env")
    fix = f"export {name}=… in the shell that runs this"
    return UsageError(f"the environment variable {name} is not set", where="--key-env", fix=fix)


def _ledger(args: argparse.Namespace, url: str, key: str) -> Ledger:
    from contracts.live import hider
    from contracts.live.ledger import Ledger, account

    run = {"provider": args.provider, "address": url, "account": account(key)}
    return Ledger(run, args.max_credits, args.resume, hider(key))


def _take_up(ledger: Ledger, held: ExitStack) -> None:
    """Have the book of the run to ourselves, and go on from what stands in it."""
    from contracts.live.ledger import UnfitFile

    if (file := ledger.file) is None:
        return
    see_writable(file, "--resume")
    try:
        held.enter_context(ledger.alone())
        if file.exists():
            ledger.go_on(file.read_text("utf-8"))
    except UnfitFile as error:
        fix = "Name another file, and a new run is kept there"
        raise UsageError(f"{file} cannot be resumed: {error}", where="--resume", fix=fix) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise _unkept(f"{file}: {reason}") from None


def _keep(ledger: Ledger) -> None:
    from contracts.live.ledger import Unkept

    try:
        ledger.keep()
    except Unkept as error:
        raise _unkept(str(error)) from None


def _unkept(reason: str) -> UsageError:
    return UsageError(reason, where="--resume", fix="Name a file that can be read and written")


# --- before anything is sent --------------------------------------------------------------------------------


def _agreed(args: argparse.Namespace, planned: Plan, asked: _Asked) -> bool:
    """Show the plan, and ask where somebody is there to ask."""
    asks = not args.yes and bool(planned.cases)
    # A report in another form is not to have anything else in it; who is asked has to see what about.
    is_read = args.format == "text" and args.output is None and not (asks and not sys.stdout.isatty())
    _show(planned, asked, sys.stdout if is_read else sys.stderr)
    return not asks or _confirmed()


def _show(planned: Plan, asked: _Asked, out: TextIO) -> None:
    print(f"Plan for {asked.url}", file=out)
    for line in planned.lines():
        print(line, file=out)
    done = len(asked.ledger.done)
    if done:
        cases = "1 case" if done == 1 else f"{done} cases"
        print(f"  done before: {cases}, {asked.ledger.spent:g} credits", file=out)
    out.flush()


def _confirmed() -> bool:
    # A program that is started with its standard input closed has none.
    if sys.stdin is None or not sys.stdin.isatty():
        fix = "Add --yes, and --max-credits N for a limit"
        raise UsageError("nobody is there to be asked", where="check live", fix=fix)
    answer = ""
    try:
        print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
        answer = _typed()
    except UnicodeDecodeError:
        return False
    finally:
        if not answer.endswith("\n"):
            # What is said next is not to stand behind the question.
            print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def _typed() -> str:
    """A line from the terminal; a signal that comes just before the wait begins is seen soon after."""
    while os.name == "posix" and not select.select([sys.stdin], [], [], 0.2)[0]:
        pass
    return sys.stdin.readline()
