"""What a failed test is told of the calls it made: short, and without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from mockserver.domain.clock import iso
from mockserver.testing.records import Record, Request
from mockserver.testing.requests import Requests
from mockserver.testing.room import Room
from mockserver.testing.strict import cut, faults, named, unused
from mockserver.web.control.dispatch import carry_out

_MOST = 30
_MOST_CALLBACKS = 5


def remembered(room: Room, refused: Sequence[str] = (), since: int = 0) -> Callable[[], str]:
    """What tells of the calls of now at any later time: it is written only where somebody asks for it."""
    room.settle()
    count = room.calls_noted - since
    kept = room.world.journal.entries(room.name)[-count:] if count > 0 else []
    return lambda: _shown(Requests(room.world.journal, kept), refused)


def told(room: Room, refused: Sequence[str] = (), since: int = 0) -> str:
    """The calls, and what in the sandbox explains them."""
    return "\n".join([remembered(room, refused, since)(), *_afterwords(room)])


def _shown(requests: Sequence[Request], refused: Sequence[str]) -> str:
    """The newest calls, a line or two each: what came, what was answered and why; then those not made."""
    if not requests and not refused:
        return "no call reached this test's mock"
    blocks = ["\n".join(_lines(request)) for request in requests[-_MOST:]]
    # A polling loop says the same many times.
    folded = [(block, sum(1 for _ in same)) for block, same in groupby(blocks)]
    lines = [block if count == 1 else f"{block}  ({count} times)" for block, count in folded]
    if len(requests) > _MOST:
        lines.insert(0, f"… {len(requests) - _MOST} earlier calls")
    return "\n".join([*lines, *refused[:_MOST]])


def _lines(request: Request) -> Iterator[str]:
    query = f"?{cut(request.request.query, 100)}" if request.request.query else ""
    yield f"{named(request, query)} -> {_answer(request)}"
    yield from faults(request, "    ")


def _answer(request: Request) -> str:
    status = "no answer" if request.status is None else str(request.status)
    code = f", code {request.code}" if request.code not in (None, request.status) else ""
    outcome = f" {request.outcome}" if request.outcome else ""
    because = f" ({request.because})" if request.because else ""
    state = f", task {request.state}" if request.state else ""
    fault = f", fault {request.fault}" if request.fault else ""
    return f"{status}{code}{outcome}{because}{state}{fault}"


def _afterwords(room: Room) -> Iterator[str]:
    """What a test may have forgotten: that time stands, that an outcome waits, that a callback failed."""
    world = room.world
    if world.clock.mode == "virtual" and world.agenda.is_ahead(room.name):
        now = iso(world.store.run(room.name, world.clock.now))
        yield f"the clock stands at {now}, and more is to come: clock.advance(), clock.finish_all() or pace="
    listed = carry_out(world, room.name, "listOutcomes")["outcomes"]
    if left := unused(Record(one) for one in listed):
        yield left
    ended = [one for one in room.receiver.deliveries if one.state in ("gave-up", "refused")]
    for one in ended[:_MOST_CALLBACKS]:
        yield f"the callback {one.stage} of {one.task}: {one.state}{_why(one)}"


def _why(callback: Record) -> str:
    last = callback.attempts[-1] if callback.attempts else {}
    why = callback.reason or last.get("error") or last.get("status")
    return f", {why}" if why else ""
