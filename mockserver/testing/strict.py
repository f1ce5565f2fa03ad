"""What fails a test besides its own checks: requests that break their document, outcomes nobody met."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mockserver.testing.records import Record, Request, Violation

# What a text quotes of a value, and how many requests and how many faults of each it tells.
_QUOTED = 200
_MOST_REQUESTS = 20
_MOST_FAULTS = 10
_FIX = (
    "Mend the client; or, where a test breaks the document on purpose, say so: strict=False, "
    "with pytest @pytest.mark.persona_mock(strict=False)"
)


class ContractBroken(AssertionError):
    """A strict sandbox saw what it was not to see."""


def broken(requests: Sequence[Request]) -> str | None:
    """The requests that break their document, and how; None where there are none."""
    odd = [request for request in requests if request.faults_of_client]
    if not odd:
        return None
    lines = [f"{_counted(len(odd), 'request')} of this test broke the provider's document:"]
    for request in odd[:_MOST_REQUESTS]:
        lines += ["", f"  {named(request)}", *faults(request, "    ")]
    if len(odd) > _MOST_REQUESTS:
        lines += ["", f"  … and {len(odd) - _MOST_REQUESTS} more requests"]
    return "\n".join([*lines, "", _FIX])


def unused(outcomes: Iterable[Record]) -> str | None:
    """The queued outcomes that were not all used up; None where there are none."""
    left = [one for one in outcomes if one["times"] is not None and one["left"]]
    if not left:
        return None
    lines = [f"{_counted(len(left), 'queued outcome')} of this test {_was(len(left))} not used:"]
    return "\n".join([*lines, *(f"  {_queued(one)}" for one in left)])


def named(request: Request, query: str = "") -> str:
    """A request in one line: its method and path, and the operation it reached."""
    operation = " ".join(filter(None, (request.provider, request.operation))) or "no operation"
    return f"{request.method} {cut(_path(request))}{query} ({operation})"


def _path(request: Request) -> str:
    """The path as it is inside the sandbox."""
    return request.path.removeprefix(_home(request))


def _home(request: Request) -> str:
    return f"/_sandbox/{request.sandbox}"


def faults(request: Request, indent: str) -> Iterator[str]:
    """How a request breaks its document, a line each."""
    found = request.faults_of_client
    for violation in found[:_MOST_FAULTS]:
        yield indent + _fault(violation, request)
    if len(found) > _MOST_FAULTS:
        yield f"{indent}… and {len(found) - _MOST_FAULTS} more"


def _fault(violation: Violation, request: Request) -> str:
    if violation.in_ == "path" and violation.pointer == "/path":
        return f"/path: {cut(violation.message.replace(_home(request), '', 1))}"
    wanted, got = _quoted(violation.wanted), _quoted(violation.got)
    return f"{violation.pointer}: {violation.rule}: wanted {wanted}, got {got}"


def _queued(one: Record) -> str:
    where = " ".join(filter(None, (one["provider"], one["operation"]))) or "any operation"
    match = f", match {_quoted(one['match'])}" if one.get("match") is not None else ""
    return f"{one['outcome']} for {where}{match}: {one['left']} of {one['times']} left"


def _quoted(value: Any) -> str:
    return cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def cut(text: str, limit: int = _QUOTED) -> str:
    """A text, or its beginning where it is long."""
    return text if len(text) <= limit else text[:limit] + "…"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
