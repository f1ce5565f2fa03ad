"""The journal of provider calls."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.openapi.source import Json
from mockserver.web.control.call import BadControl, ControlCall, Missing
from mockserver.web.journal import Entry


def listed(call: ControlCall) -> Json:
    """The calls that the query asks for, newest last."""
    found = list(_matching(call))
    limit = call.query.get("limit")
    kept = found[-limit:] if limit else found
    journal = call.world.journal
    if call.query.get("full"):
        return {"requests": [journal.whole(entry) for entry in kept]}
    return {"requests": [entry.brief() for entry in kept]}


def _matching(call: ControlCall) -> Iterator[Entry]:
    query = call.query
    provider = call.provider(query.get("provider"))
    if "operation" in query:
        call.operations(provider, query["operation"])
    if "outcome" in query:
        _check_outcome(call, query["outcome"])
    for entry in call.world.journal.entries(call.sandbox):
        if (
            provider in (None, entry.provider)
            and query.get("operation") in (None, entry.operation)
            and query.get("outcome") in (None, entry.outcome)
            and query.get("violations") in (None, bool(entry.violations))
        ):
            yield entry


def _check_outcome(call: ControlCall, outcome: str) -> None:
    known = dict.fromkeys(name for operation in call.world.operations() for name in operation.answers)
    if outcome not in known and not re.fullmatch("http-[2-5][0-9]{2}", outcome):
        raise BadControl("outcome", f"{outcome!r} is no outcome", known)


def show(call: ControlCall) -> Json:
    """One call, whole."""
    wanted = call.path["id"]
    # The newest: an import sets the ids back, and the journal stays.
    found = [entry for entry in call.world.journal.entries(call.sandbox) if entry.id == wanted]
    if found:
        return call.world.journal.whole(found[-1])
    raise Missing(
        f"No request {wanted!r} in the journal of the sandbox {call.sandbox!r}; old ones fall out of it"
    )


def clear(call: ControlCall) -> Json:
    """Empty the journal."""
    count = len(call.world.journal.entries(call.sandbox))
    call.world.journal.clear(call.sandbox)
    return {"deleted": count}
