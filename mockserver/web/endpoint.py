"""The one path that every request takes: locate, read, judge, decide, write, verify, note.

For a provider's call all of it is plain work without waiting, and `begin` does it in one go: over ASGI, and
directly for a server that has the whole request in its hands. What has to wait, for a delay, a fault or an
early callback, goes on in `Rest`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from mockserver.domain.fault import Met
from mockserver.domain.ports import Tx
from mockserver.web import access_log, cors, faults, journal, media, problems, sending
from mockserver.web.agenda import Way
from mockserver.web.control import Control
from mockserver.web.decision import Case, Decision, Reading, decide, read_as_asked
from mockserver.web.direct import Begun
from mockserver.web.exchange import Asked, Exchange, count_in, labelled, mismatched, write
from mockserver.web.faults import SPARED, Laid
from mockserver.web.journal import Entry
from mockserver.web.known import Known
from mockserver.web.locate import Ambiguous, BadSandbox, Found, NoRoute, Target, WrongMethod
from mockserver.web.prefer import read_preferences
from mockserver.web.problems import Lost
from mockserver.web.reply import Reply
from mockserver.web.request import (
    Gone,
    Incoming,
    Receive,
    Scope,
    Send,
    TooLarge,
    read_body,
)
from mockserver.web.verdict import judge
from mockserver.web.world import World


class Done:
    """What one transaction came to: a call with its number, its exchange, and what is to be told of its task.

    A plain object that fills as the work goes on: in tuples made of tuples it took 2 µs more.
    """

    __slots__ = ("at", "decision", "due", "exchange", "id", "met", "told", "waits")

    def __init__(self, id: str, at: float, met: Met, decision: Decision | None, exchange: Exchange) -> None:
        self.id, self.at = id, at
        self.met, self.decision = met, decision
        self.exchange = exchange
        # What is to be told of the task that it made, and whether more is to be done about that.
        self.told: Way | None = None
        self.due = False
        # Whether the reply cannot leave at once, or not as it is.
        self.waits = met is not SPARED and bool(met.seconds or met.fault)
        if decision is not None and (decision.delay > 0 or decision.early):
            self.waits = True


class Endpoint:
    """The ASGI application under Starlette, and what answers a server directly."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._control = Control(world)
        self._known = Known()
        self._polls = world.settings.polls > 0

    def close(self) -> None:
        """Let go of the threads of control calls that wait."""
        self._control.close()

    # --- directly -------------------------------------------------------------------------------------------

    def begin(self, incoming: Incoming, raw: bytes) -> Begun | Rest | None:
        """Answer a provider's call at once; None, and nothing is done, for others and where it may block."""
        if self._world.store.may_block:
            return None
        started = self._world.clock.elapsed()
        try:
            answer = self._at_once(incoming, raw, started)
        except Gone:
            raise
        except Exception as error:  # a fault of ours must not look like one of the provider
            answer = Begun(self.shared(incoming, problems.our_fault(error)), None)
        if self._world.settings.access_log and isinstance(answer, Begun):
            access_log.write(self._world, incoming, answer.reply, started)
        return answer

    def _at_once(self, incoming: Incoming, raw: bytes, started: float) -> Begun | Rest | None:
        asked = self._known.of(incoming, raw)
        if asked is not None:
            answer = self._answered(asked, started)
            if not asked.crosses:
                return answer
        else:
            # 1. Locate the sandbox, and whose request it is.
            try:
                target = self._world.locator.target(incoming)
            except BadSandbox:
                return None
            if target.is_control:
                return None
            answer = self._provider(target, incoming, raw, started)
        if isinstance(answer, Begun):
            return Begun(self.shared(incoming, answer.reply), answer.due)
        return answer

    def stir(self, sandbox: str) -> None:
        """Begin what a call has made due, once its reply is written."""
        self._world.agenda.stir(sandbox)

    def shared(self, incoming: Incoming, reply: Reply) -> Reply:
        """A reply as a page of another origin may read it."""
        return cors.allow(incoming, reply) if self._world.settings.cors else reply

    # --- over ASGI ------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, the server lives on."""
        incoming = Incoming.of(scope)
        started = self._world.clock.elapsed()
        try:
            begun = await self._answer(incoming, receive, started)
        except Gone:
            return
        if self._world.settings.access_log:
            access_log.write(self._world, incoming, begun.reply, started)
        try:
            await sending.send(send, receive, incoming, begun.reply)
        finally:
            if begun.due is not None:
                await self._stir(begun.due)

    async def _answer(self, incoming: Incoming, receive: Receive, started: float) -> Begun:
        # 1. Locate the sandbox, and whose request it is.
        try:
            target = self._world.locator.target(incoming)
        except BadSandbox as error:
            refused = problems.bad_sandbox(error.name)
            return Begun(refused if error.is_control else self.shared(incoming, refused), None)
        try:
            if media.is_media(target.path):
                return Begun(await media.answer(self._world, target, incoming, receive), None)
            if target.is_control:
                return Begun(await self._control.answer(target, incoming, receive), None)
            begun = await self._called(target, incoming, receive, started)
        except Gone:
            raise
        except Exception as error:  # a fault of ours must not look like one of the provider
            begun = Begun(problems.our_fault(error), None)
            if target.is_control:
                return begun
        return Begun(self.shared(incoming, begun.reply), begun.due)

    async def _called(self, target: Target, incoming: Incoming, receive: Receive, started: float) -> Begun:
        """A provider's call, its body read only where something stands at its path."""
        found, raw = self._world.locator.find(target, incoming.method), b""
        try:
            if isinstance(found, Found):
                raw = await read_body(receive, incoming, self._world.settings.max_body)
            work = partial(self._found, target, found, incoming, raw, started)
        except TooLarge as error:
            work = partial(self._oversized, target, found, incoming, error, started)
        answer = await self._world.stored(work)
        if isinstance(answer, Begun):
            return answer
        return Begun(await answer.reply(incoming), answer.due)

    async def _stir(self, sandbox: str) -> None:
        await self._world.stored(lambda: self.stir(sandbox))

    # --- a provider's call ----------------------------------------------------------------------------------

    def _provider(self, target: Target, incoming: Incoming, raw: bytes, started: float) -> Begun | Rest:
        found = self._world.locator.find(target, incoming.method)
        if len(raw) > self._world.settings.max_body and isinstance(found, Found):
            return self._oversized(target, found, incoming, TooLarge(unread=False), started)
        return self._found(target, found, incoming, raw, started)

    def _found(
        self,
        target: Target,
        found: Found | NoRoute | WrongMethod | Ambiguous,
        incoming: Incoming,
        raw: bytes,
        started: float,
    ) -> Begun | Rest:
        # 2. Locate the operation. A preflight is the browser's own question and no call.
        if not isinstance(found, Found):
            if incoming.method == "OPTIONS" and (preflight := self._preflight(incoming, found)):
                return Begun(preflight, None)
            return self._lost(target, incoming, problems.unlocated(found, incoming), started)
        # 3. The body is here. 4. Hold the request against its document; the verdict is kept in any case.
        case = self._case(target, found, incoming, raw)
        heard = journal.hear(self._world.redactor, incoming, raw, case.verdict.violations)
        asked = Asked(target, case, heard, _accepted(incoming), incoming.header("origin") is not None, [], {})
        self._known.keep(incoming, raw, asked)
        return self._answered(asked, started)

    def _answered(self, asked: Asked, started: float) -> Begun | Rest:
        # 5. Decide, count and number it, in one transaction; a fault may come before all of that.
        done = self._world.store.run(asked.target.sandbox, partial(self._done, asked))
        return self._ended(asked.target, done, started)

    def _case(self, target: Target, found: Found, incoming: Incoming, raw: bytes) -> Case:
        document = found.document
        wish = read_preferences(incoming)
        verdict = judge(document, found.route, found.parameters, incoming, raw)
        if verdict.violations:
            shown = tuple([self._world.redactor.violation(violation) for violation in verdict.violations])
            verdict = verdict._replace(violations=shown)
        if wish.asks:
            verdict = read_as_asked(document, verdict, wish)
        # The request as its adapter reads it, where the document has one.
        living = self._world.living.get(document.name)
        if living is None or not living.knows(verdict.operation):
            return Case(document, verdict, wish, target.sandbox, None)
        return Case(document, verdict, wish, target.sandbox, Reading(living, living.call(verdict)))

    def _lost(self, target: Target, incoming: Incoming, lost: Lost, started: float) -> Begun | Rest:
        """A call that found no operation, or was not read."""

        heard = journal.hear(self._world.redactor, incoming, b"", (lost.violation,))

        def work(tx: Tx) -> Done:
            met = faults.meet(tx, self._world.ids, target, lost.provider, lost.operation)
            id = self._number(tx, target.sandbox)
            reply = faults.NOTHING if met.undone else lost.reply
            exchange = Exchange(reply, lost.provider, lost.operation, (lost.violation,), heard)
            return self._counted(tx, target, Done(id, self._world.clock.now(tx), met, None, exchange))

        return self._ended(target, self._world.store.run(target.sandbox, work), started)

    def _oversized(
        self, target: Target, found: object, incoming: Incoming, error: TooLarge, started: float
    ) -> Begun | Rest:
        assert isinstance(found, Found)
        lost = problems.oversized(found, incoming, error, self._world.settings.max_body)
        return self._lost(target, incoming, lost, started)

    def _preflight(self, incoming: Incoming, found: NoRoute | WrongMethod | Ambiguous) -> Reply | None:
        answers = self._world.settings.cors
        if isinstance(found, WrongMethod):
            return cors.preflight(incoming, found.allowed, answers=answers)
        # A page is to see why its call finds nothing, which a refused preflight would keep from it.
        asked = incoming.header("access-control-request-method")
        return cors.preflight(incoming, (asked,), answers=True) if answers and asked else None

    # --- deciding -------------------------------------------------------------------------------------------

    def _done(self, asked: Asked, tx: Tx) -> Done:
        target, case = asked.target, asked.case
        operation, body = case.verdict.operation, case.verdict.body
        world = self._world
        met = faults.meet(tx, world.ids, target, operation.provider, operation.name, body)
        decision = None if met is not SPARED and met.undone else decide(tx, case)
        id = self._number(tx, case.sandbox)
        # 6. Write the reply, and hold it against the document in its turn.
        exchange = write(world, asked, decision, id)
        return self._counted(tx, target, Done(id, world.clock.now(tx), met, decision, exchange))

    def _number(self, tx: Tx, sandbox: str) -> str:
        return "req_" + self._world.ids.next(tx, sandbox, "request")[:10].hex()

    def _counted(self, tx: Tx, target: Target, done: Done) -> Done:
        """The call counted, unless its reply has to wait; what it made noted, if that is all to be done."""
        decision, agenda = done.decision, self._world.agenda
        if decision is not None:
            made = decision.made
            if made is not None and not decision.early:
                if not done.waits and not self._polls:
                    done.told = agenda.settle_at_once(
                        tx, target.sandbox, made, done.at, len(done.exchange.heard.body)
                    )
                if done.told is None:
                    agenda.expect(tx, made)
            # Something is to be done for a new task, and after a poll where polls move tasks on.
            done.due = done.told is None and (made is not None or self._polls)
        if not done.waits:
            count_in(tx, done.exchange, done.met, arrives=True)
        return done

    # --- ending ---------------------------------------------------------------------------------------------

    def _ended(self, target: Target, done: Done, started: float) -> Begun | Rest:
        # 7. Wait where a delay was asked for; 8. label the reply, lay a fault over it, note both.
        due = target.sandbox if done.due else None
        if done.waits:
            return Rest(self, self._world, target, done, due, started)
        reply = labelled(done.exchange, done.id)
        self.note(target, done, reply.status, reply, started)
        return Begun(reply, due)

    def note(self, target: Target, done: Done, seen: int | None, reply: Reply | None, started: float) -> None:
        """Put a call into the journal, and tell of it; who is told of it finds it there.

        `seen` is the status that the client saw, `reply` what it was to get, if one was made.
        """
        world, exchange, decision = self._world, done.exchange, done.decision
        shape, heard = exchange.shape, exchange.heard
        checks = decision.checks if decision else ()
        # A fault may have put another reply in the place of this one.
        shown = shape.shown if shape is not None and not done.waits else None
        status, headers, body, checks = journal.say(world.redactor, heard, reply, checks, shown)
        # In order and not by name, which takes 2 µs more.
        entry = Entry(
            done.id,
            done.at,
            target.sandbox,
            exchange.provider,
            exchange.operation,
            heard.method,
            heard.path,
            heard.query,
            seen,
            exchange.code,
            exchange.outcome,
            shape.state if shape is not None else None,
            decision.because if decision else None,
            # A rule that our answer breaks is added where all is told of it.
            heard.violations + mismatched(exchange),
            checks,
            round((world.clock.elapsed() - started) * 1000, 3),
            heard.headers,
            headers,
            heard.body,
            body,
            status,
            done.met.name,
            heard.weight + len(body),
        )
        # Told of together, for to go to the store for each takes 1 µs more.
        if done.told is not None:
            lines = world.agenda.lines(done.told, entry)
        else:
            lines = [world.events.line("request", entry, entry.weight)]
        world.store.extend(target.sandbox, [world.journal.line(entry), *lines])
        world.events.wake(target.sandbox)


class Rest:
    """The rest of a call whose reply has to wait, or does not arrive as it is."""

    def __init__(
        self, endpoint: Endpoint, world: World, target: Target, done: Done, due: str | None, started: float
    ) -> None:
        self._endpoint, self._world, self._target = endpoint, world, target
        self._done, self._started = done, started
        # The sandbox in which the call has made something due.
        self.due = due

    async def finish(self, incoming: Incoming) -> Reply:
        """The reply for a server that began the call itself, and expects nothing but a reply."""
        try:
            reply = await self.reply(incoming)
        except Exception as error:  # a fault of ours must not look like one of the provider
            reply = problems.our_fault(error)
        reply = self._endpoint.shared(incoming, reply)
        if self._world.settings.access_log:
            access_log.write(self._world, incoming, reply, self._started)
        return reply

    async def reply(self, incoming: Incoming) -> Reply:
        """Wait, lay the fault over the reply, and note both."""
        if self.due is not None:
            await self._let_happen(self.due)
        done = self._done
        # 7. Wait where a delay was asked for: real seconds under any clock.
        delay = done.met.seconds + (done.decision.delay if done.decision else 0.0)
        in_time = await faults.pause(incoming.wire, delay)
        # 8. Label the reply, lay the fault over it that the call meets, and note both in the journal.
        laid = faults.lay(done.met, replace(labelled(done.exchange, done.id), heads=None), incoming)
        if not in_time:
            laid = laid._replace(reply=faults.too_late(laid.reply))
        await self._world.stored(lambda: self._note(laid))
        return laid.reply

    async def _let_happen(self, sandbox: str) -> None:
        """Begin before the reply what does not wait for it: because that is late, or a callback early."""
        decision, agenda = self._done.decision, self._world.agenda
        assert decision is not None
        await self._world.stored(lambda: agenda.stir(sandbox))
        if decision.early and decision.made is not None:
            attempts = agenda.attempts(sandbox, decision.made)
            if attempts:
                await asyncio.wait([asyncio.wrap_future(attempt) for attempt in attempts])

    def _note(self, laid: Laid) -> None:
        exchange, met, arrives = self._done.exchange, self._done.met, laid.status is not None
        self._world.store.run(self._target.sandbox, lambda tx: count_in(tx, exchange, met, arrives=arrives))
        self._endpoint.note(self._target, self._done, laid.status, laid.noted, self._started)


def _accepted(incoming: Incoming) -> str | None:
    return ", ".join(incoming.all("accept")) or None
