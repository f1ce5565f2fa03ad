"""The answers that come from the mock itself, each with the violation it stands for."""

from __future__ import annotations

import sys
import traceback
from typing import NamedTuple

from mockserver.openapi.compiled import Operation
from mockserver.openapi.violation import Violation
from mockserver.web.locate import Ambiguous, Found, NoRoute, WrongMethod
from mockserver.web.reply import Reply, problem, wrong_method
from mockserver.web.request import Incoming, TooLarge, too_large


class Lost(NamedTuple):
    """Why a call found no operation, or was not read: the reply, whose call it was, and what was wrong."""

    reply: Reply
    violation: Violation
    provider: str | None = None
    operation: str | None = None


def unlocated(found: NoRoute | WrongMethod | Ambiguous, incoming: Incoming) -> Lost:
    """The answer to a call that finds no operation."""
    shown = f"{incoming.method} {incoming.raw_path[:300]}"
    if isinstance(found, Ambiguous):
        return _ambiguous(found, incoming, shown)
    if isinstance(found, WrongMethod):
        return _wrong_method(found, incoming, shown)
    return _no_route(found, incoming, shown)


def _ambiguous(found: Ambiguous, incoming: Incoming, shown: str) -> Lost:
    prefixes = [f"/{name}{found.path[:300]}" for name in found.providers]
    text = f"{shown} is claimed by {', '.join(found.providers)}. Say which: {' or '.join(prefixes)}"
    reply = problem("ambiguous-route", 409, text, prefixes=prefixes)
    got = incoming.raw_path[:300]
    return Lost(reply, Violation("path", "", "/path", "ambiguousRoute", prefixes, got, text))


def _wrong_method(found: WrongMethod, incoming: Incoming, shown: str) -> Lost:
    wanted, document = list(found.allowed), found.provider or ""
    text = f"{shown}: the path takes {', '.join(wanted)}"
    reply = wrong_method(f"{shown}: the path takes", wanted, allowed=wanted)
    violation = Violation("path", document, "/method", "wrongMethod", wanted, incoming.method, text)
    return Lost(reply, violation, found.provider)


def _no_route(found: NoRoute, incoming: Incoming, shown: str) -> Lost:
    wanted, document = list(found.closest), found.provider or ""
    text = f"No operation {shown}." + (f" Closest: {'; '.join(wanted)}" if wanted else "")
    reply = problem("no-route", 404, text, closest=wanted)
    violation = Violation("path", document, "/path", "noRoute", wanted, incoming.raw_path[:300], text)
    return Lost(reply, violation, found.provider)


def oversized(found: Found, incoming: Incoming, error: TooLarge, limit: int) -> Lost:
    """The answer to a body over the limit."""
    name, text = found.document.name, f"the body is over {limit} bytes"
    violation = Violation("body", name, "/body", "maxBody", f"at most {limit} bytes", "more", text)
    return Lost(too_large(incoming, error, limit), violation, name, found.route.operation.name)


def bad_sandbox(name: str) -> Reply:
    """The answer to a sandbox name that cannot be one."""
    text = f"{name[:100]!r} is no name for a sandbox: 1 to 64 letters, digits, dots, underscores and hyphens"
    return problem("bad-control-request", 422, text, field="sandbox", allowed="[A-Za-z0-9._-]{1,64}")


def not_acceptable(operation: Operation, offered: list[str]) -> Reply:
    """The answer where none of the documented media types is one that the caller takes."""
    named = f"{operation.provider} {operation.name}"
    text = f"{named} answers {', '.join(offered)}; the Accept header takes none of them"
    return problem("not-acceptable", 406, text, offered=offered)


def unmade(operation: Operation, outcome: str | None, reason: str) -> Reply:
    """The answer where no body can be made that keeps its schema."""
    text = f"{operation.provider} {operation.name}, {outcome}: {reason}. Give it an example"
    return problem("response-mismatch", 500, text, operation=operation.name)


def response_mismatch(operation: Operation, outcome: str | None, violation: Violation) -> Reply:
    """The loud answer in place of one that its document does not allow."""
    text = (
        f"{operation.provider} {operation.name}, {outcome}: {violation.pointer} breaks the "
        f"document, rule {violation.rule}: {violation.message}"
    )
    return problem(
        "response-mismatch",
        500,
        text,
        operation=operation.name,
        pointer=violation.pointer,
        rule=violation.rule,
        wanted=violation.wanted,
        got=violation.got,
    )


def our_fault(error: Exception) -> Reply:
    """The answer to a fault in the mock: its kind and place on stderr, no traceback anywhere."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.name}, {place.filename.rpartition('/')[2]}:{place.lineno}"
    sys.stderr.write(f"persona-mock: {type(error).__name__} in {where}\n")
    text = f"The mock itself failed ({type(error).__name__}). This is a bug: please report what you called"
    return problem("internal-error", 500, text)
