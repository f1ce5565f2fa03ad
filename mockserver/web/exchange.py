"""A call and its reply: written as the document has it, counted, and labelled with what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from mockserver.domain.fault import SLOW, Met
from mockserver.domain.ports import Tx
from mockserver.openapi.compiled import Operation
from mockserver.openapi.examples import body_violations, header_violations
from mockserver.openapi.payload import write_plain
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.web import faults, problems
from mockserver.web.choice import Choice
from mockserver.web.decision import Case, Decision
from mockserver.web.journal import Heard, said_headers
from mockserver.web.locate import Target
from mockserver.web.newest import LARGEST
from mockserver.web.reply import JSON, Headers, Reply, header_text
from mockserver.web.stateless import Body, NotAcceptable, Unmade
from mockserver.web.status import http_status
from mockserver.web.world import Counted, World, count_key, count_states


class Asked(NamedTuple):
    """A request to an operation, and all that the documents alone decide of it."""

    target: Target
    case: Case
    heard: Heard
    accept: str | None
    # Whether a page of another origin asks.
    crosses: bool
    # The reply that it got last: what is answered with the same choice is the same once more.
    written: list[Exchange]
    # What its answers have in common, by their kind.
    shapes: dict[tuple[object, ...], Shape]


class Shape(NamedTuple):
    """What the answers of one kind to one request have in common, whatever their bodies say."""

    # The headers, as they are sent and as the journal keeps them, but for the call's id.
    labels: Headers
    shown: Headers
    # How they stand on the wire, by the length of the body.
    heads: dict[int, bytes]
    # The task state that it shows, the record that counts it where the client sees it, and further states.
    state: str | None
    counted: str
    further: tuple[str, ...]
    is_json: bool


class Exchange(NamedTuple):
    """A call and its reply, as headers and journal tell of them."""

    reply: Reply
    provider: str | None
    operation: str | None
    violations: tuple[Violation, ...]
    heard: Heard
    code: Json = None
    outcome: str | None = None
    met: Choice | None = None
    # Of one that is as documented.
    shape: Shape | None = None

    @property
    def violated(self) -> Violation | None:
        """The first rule that the request broke."""
        return _violated(self.violations)


def _violated(violations: tuple[Violation, ...]) -> Violation | None:
    """The first rule that a request broke; one that our answer breaks is no fault of the client."""
    for violation in violations:
        if violation.where != "response":
            return violation
    return None


# --- writing ------------------------------------------------------------------------------------------------


def write(world: World, asked: Asked, decision: Decision | None, id: str) -> Exchange:
    """The documented reply to a call; a problem, and no outcome, where there is none to be had."""
    choice = decision.choice if decision else None
    if choice is None:
        operation, broken = asked.case.verdict.operation, asked.case.verdict.violations
        reply, outcome = faults.NOTHING, None
        if decision is not None and decision.problem is not None:
            reply, outcome = decision.problem, decision.outcome
        return Exchange(reply, operation.provider, operation.name, broken, asked.heard, outcome=outcome)
    if asked.written and asked.written[0].met is choice:
        return asked.written[0]
    written = _like_before(world, asked, choice, id) or _written(world, asked, choice, id)
    if _may_come_again(choice) and written.shape is not None and len(written.reply.body) <= LARGEST:
        asked.written[:] = [written]
    return written


def _like_before(world: World, asked: Asked, choice: Choice, id: str) -> Exchange | None:
    """An answer of the state's that differs from an earlier one in its body alone, as each song's does.

    The rest is known: it takes 2 µs, and 5 where all is written.
    """
    shape = asked.shapes.get((choice.outcome, choice.status, choice.living))
    if shape is None or choice.living is None or not shape.is_json or choice.invented:
        return None
    case, settings = asked.case, world.settings
    if settings.verify_responses:
        return None
    operation, envelope = case.verdict.operation, case.document.envelope
    code = envelope.code_of(choice.body)
    status = http_status(envelope, choice.status, code, settings.status)
    raw = choice.raw or write_plain(choice.body)
    return Exchange(
        Reply(status, raw, JSON, shape.labels, None, id, shape.heads),
        operation.provider,
        operation.name,
        case.verdict.violations,
        asked.heard,
        code,
        choice.outcome,
        choice,
        shape,
    )


def _written(world: World, asked: Asked, choice: Choice, id: str) -> Exchange:
    case, heard, settings = asked.case, asked.heard, world.settings
    operation, broken = case.verdict.operation, case.verdict.violations
    provider, name = operation.provider, operation.name
    try:
        reply, body = world.stateless.write(
            case.document,
            operation,
            choice,
            accept=asked.accept,
            variety=id.encode() if choice.invented else b"",
            shown=_offline(case, choice),
        )
    except NotAcceptable as error:
        refused = problems.not_acceptable(operation, error.offered)
        return Exchange(refused, provider, name, broken, heard)
    except Unmade as error:
        unmade = problems.unmade(operation, choice.outcome, str(error))
        return Exchange(unmade, provider, name, broken, heard)
    if settings.verify_responses and (found := next(_mismatches(case, body), None)):
        mismatch = problems.response_mismatch(operation, choice.outcome, found)
        return Exchange(mismatch, provider, name, (*broken, found), heard)
    code = case.document.envelope.code_of(body.value)
    status = http_status(case.document.envelope, reply.status, code, settings.status)
    if status != reply.status:
        reply = replace(reply, status=status)
    shape = _shape(world, asked, choice, reply)
    return Exchange(reply, provider, name, broken, heard, code, choice.outcome, choice, shape)


def _shape(world: World, asked: Asked, choice: Choice, reply: Reply) -> Shape:
    """What an answer has in common with others of its kind: to make it takes 6 µs, to find it 0.3."""
    kind: tuple[object, ...] = (choice.outcome, choice.status, choice.living)
    if choice.living is None:
        kind = (*kind, choice.states, reply.content_type)
    known = None if choice.invented else asked.shapes.get(kind)
    if known is not None:
        return known
    operation, broken = asked.case.verdict.operation, asked.case.verdict.violations
    labels = _labels(operation.provider, operation.name, choice.outcome, _violated(broken))
    named = replace(reply, headers=[*reply.headers, *labels])
    counted = _counter(operation, choice, violated=bool(broken))
    is_json = reply.content_type == JSON
    state, further = next(iter(choice.states), None), choice.states[1:]
    shown = said_headers(world.redactor, named)
    shape = Shape(named.headers, shown, {}, state, counted, further, is_json)
    if not choice.invented:
        asked.shapes[kind] = shape
    return shape


def _may_come_again(choice: Choice) -> bool:
    """True for an answer that is one and the same each time: the document's, or a final task's."""
    if choice.living is None:
        return not choice.invented
    in_own_words = choice.example is not None and choice.body is choice.example.value
    return choice.raw is not None or in_own_words


def _offline(case: Case, choice: Choice) -> Callable[[Json], Json] | None:
    """What makes a body that is not the state's one whose files are here too."""
    # Of an example that was asked for by its name not a letter is changed.
    is_wanted_so = choice.living is not None or case.wish.example is not None
    if case.reading is None or (is_wanted_so and not choice.invented):
        return None
    return partial(case.reading.living.offline, case.sandbox)


def _mismatches(case: Case, body: Body) -> Iterator[Violation]:
    """Every way in which an answer of ours breaks its document."""
    if body.media is not None and body.media.place is not None:
        yield from body_violations(case.document, body.media.place, body.media.type, body.value)
    for header, value in body.headers:
        yield from header_violations(case.document, header, value)


# --- counting -----------------------------------------------------------------------------------------------


def _counter(operation: Operation, choice: Choice, *, violated: bool) -> str:
    """The record that counts an answer with its first state; others are counted beside it."""
    state, met = next(iter(choice.states), ""), choice.counted or choice.outcome
    return count_key(Counted(violated, operation.provider, operation.name, met, state))


def count_in(tx: Tx, exchange: Exchange, fault: Met, *, arrives: bool) -> None:
    # What a fault keeps from a client, or comes when it waits no more, it has not met.
    kept = not arrives or (fault.fault is not None and fault.fault.fault != SLOW)
    if kept or exchange.shape is None:
        tx.count(count_key(Counted(exchange.violated is not None)))
        return
    tx.count(exchange.shape.counted)
    if exchange.shape.further:
        count_states(tx, exchange.provider or "", exchange.operation or "", exchange.shape.further)


# --- labels -------------------------------------------------------------------------------------------------


def labelled(exchange: Exchange, id: str) -> Reply:
    """The reply, saying what it is."""
    reply, shape = exchange.reply, exchange.shape
    if reply.id == id:
        return reply
    if shape is None:
        labels = _labels(exchange.provider, exchange.operation, exchange.outcome, exchange.violated)
        headers = [*reply.headers, *labels]
        return Reply(reply.status, reply.body, reply.content_type, headers, reply.stream, id)
    return Reply(reply.status, reply.body, reply.content_type, shape.labels, reply.stream, id, shape.heads)


def _labels(
    provider: str | None, operation: str | None, outcome: str | None, first: Violation | None
) -> Headers:
    named = (
        ("x-mock-provider", provider),
        ("x-mock-operation", operation),
        ("x-mock-outcome", outcome),
        ("x-mock-violation", None if first is None else f"{first.pointer}: {first.rule}"),
    )
    return [(name, header_text(text)) for name, text in named if text is not None]


def mismatched(exchange: Exchange) -> tuple[dict[str, Json], ...]:
    """Of the violations those of our own answer, which are not of the request."""
    if len(exchange.violations) == len(exchange.heard.violations):
        return ()
    hide = exchange.heard.credentials.hide_in_value
    return tuple([hide(one.as_json()) for one in exchange.violations if one.where == "response"])
