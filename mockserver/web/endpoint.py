"""The one path that every request takes: locate, read, judge, decide, write, verify, note."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from mockserver.domain.fault import SLOW, Met
from mockserver.domain.ports import Tx
from mockserver.openapi.examples import body_violations, header_violations
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.web import access_log, cors, faults, journal, media, problems
from mockserver.web.choice import Choice
from mockserver.web.control import Control
from mockserver.web.decision import Case, Decision, Reading, decide, read_as_asked
from mockserver.web.faults import Broken, Laid
from mockserver.web.journal import Entry
from mockserver.web.locate import Ambiguous, BadSandbox, Found, NoRoute, Target, WrongMethod
from mockserver.web.prefer import read_preferences
from mockserver.web.problems import Lost
from mockserver.web.reply import Reply, header_text
from mockserver.web.request import (
    Gone,
    Incoming,
    Receive,
    Scope,
    Send,
    TooLarge,
    read_body,
    send_reply,
    send_stream,
)
from mockserver.web.stateless import Body, NotAcceptable, Unmade
from mockserver.web.status import http_status
from mockserver.web.verdict import Verdict, judge
from mockserver.web.world import World, count, tally


class Noted(NamedTuple):
    """The id and the moment that a call was given, the faults it met, and the decision if one was made."""

    id: str
    at: float
    decision: Decision | None = None
    met: Met = Met()


class Exchange(NamedTuple):
    """A call and its reply, as headers and journal tell of them."""

    reply: Reply
    provider: str | None
    operation: str | None
    violations: tuple[Violation, ...]
    raw: bytes = b""
    code: Json = None
    outcome: str | None = None
    met: Choice | None = None

    @property
    def violated(self) -> Violation | None:
        """The first rule that the request broke; one that our answer breaks is no fault of the client."""
        return next((violation for violation in self.violations if violation.where != "response"), None)


class Endpoint:
    """The ASGI application under Starlette."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._control = Control(world)

    def close(self) -> None:
        """Let go of the threads of control calls that wait."""
        self._control.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, the server lives on."""
        incoming = Incoming.of(scope)
        started = self._world.clock.elapsed()
        # The sandboxes in which the call has made something due: that comes after its reply.
        due: list[str] = []
        try:
            reply = await self._answer(incoming, receive, started, due)
        except Gone:
            return
        if self._world.settings.access_log:
            access_log.write(self._world, incoming, reply, started)
        try:
            await self._send(send, receive, incoming, reply)
        finally:
            for sandbox in due:
                await self._stir(sandbox)

    async def _send(self, send: Send, receive: Receive, incoming: Incoming, reply: Reply) -> None:
        if isinstance(reply, Broken):
            await faults.send_broken(send, incoming, reply)
        elif reply.stream is not None:
            await send_stream(send, receive, incoming, reply)
        else:
            await send_reply(send, incoming, reply)

    async def _answer(self, incoming: Incoming, receive: Receive, started: float, due: list[str]) -> Reply:
        # 1. Locate the sandbox, and whose request it is.
        try:
            target = self._world.locator.target(incoming)
        except BadSandbox as error:
            refused = problems.bad_sandbox(error.name)
            return refused if error.is_control else self._shared(incoming, refused)
        if media.is_media(target.path):
            return await _safely(media.answer(self._world, target, incoming, receive))
        if target.is_control:
            return await _safely(self._control.answer(target, incoming, receive))
        return self._shared(incoming, await _safely(self._provider(target, incoming, receive, started, due)))

    def _shared(self, incoming: Incoming, reply: Reply) -> Reply:
        return cors.allow(incoming, reply) if self._world.settings.cors else reply

    async def _provider(
        self, target: Target, incoming: Incoming, receive: Receive, started: float, due: list[str]
    ) -> Reply:
        # 2. Locate the operation. A preflight is the browser's own question and no call.
        found = self._world.locator.find(target, incoming.method)
        if not isinstance(found, Found):
            if incoming.method == "OPTIONS" and (preflight := self._preflight(incoming, found)):
                return preflight
            return await self._lost(target, incoming, problems.unlocated(found, incoming), started)
        # 3. Read the body.
        limit = self._world.settings.max_body
        try:
            raw = await read_body(receive, incoming, limit)
        except TooLarge as error:
            lost = problems.oversized(found, incoming, error, limit)
            return await self._lost(target, incoming, lost, started)
        # 4. Hold the request against its document; the verdict is kept, whatever decides.
        wish = read_preferences(incoming)
        verdict = read_as_asked(found.document, self._judged(found, incoming, raw), wish)
        reading = self._reading(found, verdict, incoming)
        case = Case(found.document, verdict, wish, target.sandbox, reading)
        # 5. Decide, count and number it, in one transaction; a fault may come before all of that.
        noted = await self._world.run(target.sandbox, lambda tx: self._decided(tx, case, target))
        # 6. Write the reply, and hold it against the document in its turn.
        exchange = self._exchange(case, noted.decision, incoming, raw, variety=noted.id.encode())
        # 7. Wait where a delay was asked for; 8. label the reply, lay a fault over it, note both.
        if self._makes_due(noted.decision):
            due.append(target.sandbox)
            await self._let_happen(target, noted)
        return await self._finished(target, incoming, exchange, noted, started)

    def _makes_due(self, decision: Decision | None) -> bool:
        """True for a new task, and for a poll where polls move tasks on."""
        return decision is not None and (decision.made is not None or self._world.settings.polls > 0)

    async def _let_happen(self, target: Target, noted: Noted) -> None:
        """Begin before the reply what does not wait for it: because that is late, or a callback early."""
        decision = noted.decision
        assert decision is not None
        if decision.early or decision.delay or noted.met.seconds or noted.met.fault:
            await self._stir(target.sandbox)
        if decision.early and decision.made is not None:
            attempts = self._world.agenda.attempts(target.sandbox, decision.made)
            if attempts:
                await asyncio.wait([asyncio.wrap_future(attempt) for attempt in attempts])

    async def _stir(self, sandbox: str) -> None:
        await self._world.stored(lambda: self._world.agenda.stir(sandbox))

    async def _lost(self, target: Target, incoming: Incoming, lost: Lost, started: float) -> Reply:
        noted = await self._world.run(target.sandbox, lambda tx: self._unlocated(tx, target, lost))
        reply = faults.NOTHING if noted.met.undone else lost.reply
        exchange = Exchange(reply, lost.provider, lost.operation, (lost.violation,))
        return await self._finished(target, incoming, exchange, noted, started)

    def _preflight(self, incoming: Incoming, found: NoRoute | WrongMethod | Ambiguous) -> Reply | None:
        answers = self._world.settings.cors
        if isinstance(found, WrongMethod):
            return cors.preflight(incoming, found.allowed, answers=answers)
        # A page is to see why its call finds nothing, which a refused preflight would keep from it.
        asked = incoming.header("access-control-request-method")
        return cors.preflight(incoming, (asked,), answers=True) if answers and asked else None

    def _judged(self, found: Found, incoming: Incoming, raw: bytes) -> Verdict:
        verdict = judge(found.document, found.route, found.parameters, incoming, raw)
        shown = tuple(self._world.redactor.violation(violation) for violation in verdict.violations)
        return verdict._replace(violations=shown) if shown else verdict

    def _reading(self, found: Found, verdict: Verdict, incoming: Incoming) -> Reading | None:
        """The request as its adapter reads it, where the document has one."""
        living = self._world.living.get(found.document.name)
        if living is None or not living.knows(verdict.operation):
            return None
        return Reading(living, living.call(verdict.operation, verdict.body, incoming, found.parameters))

    # --- deciding -------------------------------------------------------------------------------------------

    def _decided(self, tx: Tx, case: Case, target: Target) -> Noted:
        operation, body = case.verdict.operation, case.verdict.body
        met = faults.meet(tx, self._world.ids, target, operation.provider, operation.name, body)
        return self._numbered(tx, case.sandbox, met, None if met.undone else decide(tx, case))

    def _unlocated(self, tx: Tx, target: Target, lost: Lost) -> Noted:
        met = faults.meet(tx, self._world.ids, target, lost.provider, lost.operation)
        return self._numbered(tx, target.sandbox, met)

    def _numbered(self, tx: Tx, sandbox: str, met: Met, decision: Decision | None = None) -> Noted:
        material = self._world.ids.next(tx, sandbox, "request")
        return Noted("req_" + material[:10].hex(), self._world.clock.now(tx), decision, met)

    # --- writing --------------------------------------------------------------------------------------------

    def _exchange(
        self, case: Case, decision: Decision | None, incoming: Incoming, raw: bytes, *, variety: bytes
    ) -> Exchange:
        """The documented reply; a problem, and no outcome, where there is none to be had."""
        verdict, settings = case.verdict, self._world.settings
        operation, broken = verdict.operation, verdict.violations
        tell = partial(Exchange, provider=operation.provider, operation=operation.name, raw=raw)
        if decision is None:
            return tell(faults.NOTHING, violations=broken)
        choice = decision.choice
        if choice is None:
            assert decision.problem is not None
            return tell(decision.problem, violations=broken, outcome=decision.outcome)
        try:
            reply, body = self._world.stateless.write(
                case.document,
                operation,
                choice,
                accept=_accepted(incoming),
                variety=variety if choice.invented else b"",
                shown=_offline(case, choice),
            )
        except NotAcceptable as error:
            return tell(problems.not_acceptable(operation, error.offered), violations=broken)
        except Unmade as error:
            return tell(problems.unmade(operation, choice.outcome, str(error)), violations=broken)
        if settings.verify_responses and (found := next(_mismatches(case, body), None)):
            reply = problems.response_mismatch(operation, choice.outcome, found)
            return tell(reply, violations=(*broken, found))
        code = case.document.envelope.read(body.value)[0]
        status = http_status(case.document.envelope, reply.status, code, settings.status)
        return tell(
            replace(reply, status=status), violations=broken, code=code, outcome=choice.outcome, met=choice
        )

    # --- noting ---------------------------------------------------------------------------------------------

    async def _finished(
        self, target: Target, incoming: Incoming, exchange: Exchange, noted: Noted, started: float
    ) -> Reply:
        # 7. Wait where a delay was asked for: real seconds under any clock.
        delay = noted.met.seconds + (noted.decision.delay if noted.decision else 0.0)
        in_time = await faults.pause(incoming.wire, delay)
        # 8. Label the reply, lay the fault over it that the call meets, and note both in the journal.
        laid = faults.lay(noted.met, _labelled(exchange, noted), incoming)
        if not in_time:
            laid = laid._replace(reply=faults.too_late(laid.reply))
        await self._noted(target, incoming, exchange, noted, laid, started)
        return laid.reply

    async def _noted(
        self,
        target: Target,
        incoming: Incoming,
        exchange: Exchange,
        noted: Noted,
        laid: Laid,
        started: float,
    ) -> None:
        arrives = laid.status is not None
        await self._world.run(target.sandbox, lambda tx: _count(tx, exchange, noted.met, arrives=arrives))
        decision = noted.decision
        entry = journal.entry(
            redactor=self._world.redactor,
            incoming=incoming,
            reply=laid.noted,
            raw=exchange.raw,
            violations=list(exchange.violations),
            id=noted.id,
            at=noted.at,
            sandbox=target.sandbox,
            provider=exchange.provider,
            operation=exchange.operation,
            status=laid.status,
            code=exchange.code,
            outcome=exchange.outcome,
            state=next(iter(exchange.met.states), None) if exchange.met else None,
            because=decision.because if decision else None,
            checks=decision.checks if decision else [],
            duration_ms=round((self._world.clock.elapsed() - started) * 1000, 3),
            fault=noted.met.name,
        )
        await self._world.stored(lambda: self._keep(entry))

    def _keep(self, entry: Entry) -> None:
        # Who is told of a call finds it in the journal.
        self._world.journal.write(entry)
        self._world.events.add(entry.sandbox, "request", self._world.journal.brief(entry))


def _labelled(exchange: Exchange, noted: Noted) -> Reply:
    """The reply, saying what it is."""
    first = exchange.violated
    labels = {
        "x-mock-provider": exchange.provider,
        "x-mock-operation": exchange.operation,
        "x-mock-request-id": noted.id,
        "x-mock-outcome": exchange.outcome,
        "x-mock-violation": f"{first.pointer}: {first.rule}" if first else None,
    }
    said = [(name, header_text(text)) for name, text in labels.items() if text is not None]
    return replace(exchange.reply, headers=[*exchange.reply.headers, *said])


def _count(tx: Tx, exchange: Exchange, fault: Met, *, arrives: bool) -> None:
    tally(tx, violated=exchange.violated is not None)
    met, provider, operation = exchange.met, exchange.provider, exchange.operation
    if met is None or provider is None or operation is None:
        return
    # What a fault keeps from a client, or comes when it waits no more, it has not met.
    if not arrives or (fault.fault is not None and fault.fault.fault != SLOW):
        return
    count(tx, "outcomes", provider, operation, met.counted or met.outcome)
    for state in met.states:
        count(tx, "states", provider, operation, state)


def _offline(case: Case, choice: Choice) -> Callable[[Json], Json] | None:
    """What makes a body that is not the state's one whose files are here too."""
    # Of an example that was asked for by its name not a letter is changed.
    is_wanted_so = choice.living is not None or case.wish.example is not None
    if case.reading is None or (is_wanted_so and not choice.invented):
        return None
    return partial(case.reading.living.offline, case.sandbox)


def _accepted(incoming: Incoming) -> str | None:
    return ", ".join(incoming.all("accept")) or None


def _mismatches(case: Case, body: Body) -> Iterator[Violation]:
    """Every way in which an answer of ours breaks its document."""
    if body.media is not None and body.media.place is not None:
        yield from body_violations(case.document, body.media.place, body.media.type, body.value)
    for header, value in body.headers:
        yield from header_violations(case.document, header, value)


async def _safely(answer: Awaitable[Reply]) -> Reply:
    try:
        return await answer
    except Gone:
        raise
    except Exception as error:  # a fault of ours must not look like one of the provider
        return problems.our_fault(error)
