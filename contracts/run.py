"""One case, run: each step taken in turn, the first that does not hold told with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

from contracts.case import Case, Step
from contracts.filling import Unfilled, fill
from contracts.finding import Finding, Told, Where
from contracts.matching import NOTHING, Matching, Mismatch
from contracts.states import Skipped, Unprepared, World
from contracts.states_shown import Places, places
from contracts.target import Call, Reply, Unanswered
from contracts.traffic import curl
from contracts.traffic.exchange import Body, Exchange, Message
from contracts.traffic.judge import Scribe, judge_answer
from contracts.traffic.locate import Found, Locator
from contracts.traffic.secrets import Secrets
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.problem import at, join

Json = Any

_MOST_SHOWN = 5
_LONGEST = 400


class Ran(NamedTuple):
    """What came of a case: what it found, or why it did not run."""

    case: Case
    findings: tuple[Finding, ...] = ()
    skipped: str | None = None

    @property
    def holds(self) -> bool:
        """True where it ran, and nothing was wrong."""
        return self.skipped is None and not any(finding.severity == "error" for finding in self.findings)

    @property
    def told(self) -> Told:
        """The case as reports list it."""
        return Told(self.case.provider, self.case.steps[0].operation, self.case.name, self.skipped)


class Runner:
    """Runs cases of one provider against worlds that are handed in."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._locator = Locator({document.name: document})
        self._places = document.secrets()
        self._states: dict[str, Places] = {}
        # What stands at these places has a word of its own in expectations.
        self.rules = {f"/body{pointer}": "code" for pointer in document.envelope.code}
        self.rules |= {f"/body{pointer}": "message" for pointer in document.envelope.message}
        self.rules["/header/x-mock-outcome"] = "outcome"

    def run(self, case: Case, world: World) -> Ran:
        """The case in a world; what is wrong with the target is found, never raised."""
        evidence = _Evidence(self, case, world)
        try:
            world.begin(case)
            for step in case.steps:
                self._take(step, evidence)
        except Skipped as reason:
            return Ran(case, skipped=str(reason))
        except Unprepared as error:
            given = evidence.step or join(case.pointer, "given")
            text = f"what is given could not be brought about: {error}"
            evidence.tell("given", given, text, reproduce=error.reproduce)
        except Unanswered as error:
            evidence.tell("unanswered", evidence.step or case.pointer, f"no answer came: {error}")
        except Unfilled as error:
            evidence.tell("unknown-name", evidence.step or case.pointer, f"${{{error}}} stands for nothing")
        except _Broken:
            pass
        return Ran(case, tuple(evidence.findings))

    def _take(self, step: Step, evidence: _Evidence) -> None:
        world = evidence.world
        evidence.step = step.pointer
        if step.after:
            world.pause(step.after)
        if step.kind == "call":
            for _ in range(step.times):
                evidence.check(step, self._asked(step, evidence))
            evidence.capture(step)
        elif step.kind == "poll":
            self._poll(step, evidence)
        elif step.kind in ("callback", "silence"):
            world.settle()
            self._hear(step, evidence)

    def _asked(self, step: Step, evidence: _Evidence) -> list[Mismatch]:
        """Make the call of a step; how its answer differs from what the step wants."""
        call, reply = evidence.world.call(step)
        evidence.met(step, call, reply)
        wanted = fill(step.expect, evidence.world.scope)
        return list(self._mismatches(wanted, reply, self._operation(step), evidence.world.claims))

    def _poll(self, step: Step, evidence: _Evidence) -> None:
        waited = 0.0
        while found := self._asked(step, evidence):
            if waited >= step.at_most:
                evidence.check(step, found, f"{waited:g} s later still ")
            evidence.world.pause(step.every)
            waited += max(step.every, 1)
        evidence.capture(step)

    def _hear(self, step: Step, evidence: _Evidence) -> None:
        world = evidence.world
        assert world.box is not None
        heard = world.box.next(world.patience if step.kind == "callback" else world.silence)
        if step.kind == "silence":
            came = [] if heard is None else [Mismatch("/callback", "no further callback", heard.as_message())]
            evidence.check(step, came)
            return
        if heard is None:
            evidence.check(step, [Mismatch("/callback", "a callback", NOTHING)])
            return
        message = heard.as_message()
        wanted = fill(step.expect, world.scope)
        evidence.check(step, list(self._parts(wanted, message, "/callback")))

    def _operation(self, step: Step) -> Operation | None:
        return self.document.operation(step.operation) if step.operation else None

    # --- what came against what was wanted ------------------------------------------------------------------

    def _mismatches(
        self, wanted: Mapping[str, Json], reply: Reply, operation: Operation | None, claims: bool
    ) -> Iterator[Mismatch]:
        message = reply.as_message()
        matching = Matching(self._accepts, message)
        code, text = self.document.envelope.read(message["body"])
        envelope = self.document.envelope
        told = {
            "status": (reply.status, "/status"),
            "code": (code, f"/body{next(iter(envelope.code), '')}"),
            "message": (text, f"/body{next(iter(envelope.message), '')}"),
        }
        for name, (got, pointer) in told.items():
            if name in wanted:
                yield from matching.mismatches(wanted[name], got, pointer)
        if "outcome" in wanted and claims:
            claim = reply.header("x-mock-outcome")
            yield from matching.mismatches(wanted["outcome"], claim, "/header/x-mock-outcome")
        if "state" in wanted and operation is not None:
            found = self._states_of(operation)
            shown = found.shown(message["body"])
            if wanted["state"] not in shown:
                got = shown[0] if len(shown) == 1 else list(shown) or NOTHING
                yield Mismatch(f"/body{found.pointer}", wanted["state"], got, "state")
        yield from self._parts(wanted, message, "")

    def _parts(self, wanted: Mapping[str, Json], message: dict[str, Json], above: str) -> Iterator[Mismatch]:
        """Headers and body of a message."""
        matching = Matching(self._accepts, message)
        for name, value in wanted.get("headers", {}).items():
            got = message["header"].get(name.lower(), NOTHING)
            yield from matching.mismatches(value, got, join(f"{above}/header", name.lower()))
        if "body" in wanted:
            yield from matching.mismatches(wanted["body"], message["body"], f"{above}/body")

    def _accepts(self, schema: Json, value: Json) -> bool:
        node = {"$ref": schema} if isinstance(schema, str) else schema
        return self.document.schemas.accepts(node, value)

    def _states_of(self, operation: Operation) -> Places:
        if operation.name not in self._states:
            self._states[operation.name] = places(operation)
        return self._states[operation.name]

    # --- what came against the document ---------------------------------------------------------------------

    def judged(self, call: Call, reply: Reply, prefix: str, url: str) -> tuple[Exchange, list[Finding]]:
        """An exchange as it is shown, and what its answer breaks of the document, whoever asked for it."""
        name, path = self.document.name, call.target.removeprefix(prefix)
        exchange = Exchange(
            index=0,
            line=None,
            method=call.method,
            url=f"/{name}{path}",
            request=Message(call.headers, Body(raw=call.body or b"")),
            status=reply.status,
            response=Message(reply.headers, Body(raw=reply.body)),
            provider=name,
            is_ours=True,
        )
        shown = replace(exchange, url=url + call.target, is_ours=False)
        found = self._locator.find(exchange)
        if not isinstance(found, Found):
            return shown, []
        scribe = Scribe(name, shown, self._places, self.document)
        return shown, judge_answer(found, scribe)

    def fits(self, wanted: Mapping[str, Json], reply: Reply) -> bool:
        """True where an answer is as wanted."""
        return next(self._mismatches(wanted, reply, None, False), None) is None

    def secrets(self, exchange: Exchange) -> Secrets:
        """What of a call is not to be shown."""
        return Secrets(exchange, self._places)


class _Broken(Exception):
    """A step did not hold, so those after it mean nothing."""


class _Evidence:
    """What a case met so far, and what is found by it."""

    def __init__(self, runner: Runner, case: Case, world: World) -> None:
        self._runner, self._case, self.world = runner, case, world
        self.findings: list[Finding] = []
        self.step: str | None = None
        self._told: set[tuple[str, str | None]] = set()
        self._exchange: Exchange | None = None
        self._operation: Operation | None = None
        self._reply: Reply | None = None

    def met(self, step: Step, call: Call, reply: Reply) -> None:
        """Keep an exchange, and hold its answer against the document."""
        world, document = self.world, self._runner.document
        self._exchange, findings = self._runner.judged(call, reply, world.prefix, world.target.url)
        self._operation = document.operation(step.operation) if step.operation else None
        self._reply = reply
        for finding in findings:
            self._keep(step, finding)

    def _keep(self, step: Step, finding: Finding) -> None:
        # A poll that is made often breaks a rule once.
        if (finding.rule, finding.pointer) in self._told:
            return
        self._told.add((finding.rule, finding.pointer))
        text = f"{finding.message}. {self._rests}"
        self.findings.append(
            replace(finding, case=self._case.name, message=text, where=self._where(step.pointer))
        )

    def check(self, step: Step, mismatches: list[Mismatch], before: str = "") -> None:
        """Tell of what differs, all of it in one finding, and leave the case."""
        if not mismatches:
            return
        first, *rest = mismatches
        lines = [f"{before}{'; '.join(map(str, mismatches[:_MOST_SHOWN]))}"]
        if len(rest) >= _MOST_SHOWN:
            lines[0] += f"; and {len(mismatches) - _MOST_SHOWN} more"
        if self._reply is not None and step.kind in ("call", "poll"):
            text = self._reply.body.decode("utf-8", "replace")
            lines.append(
                f"It answered {self._reply.status} {text[:_LONGEST]}{'…' if text[_LONGEST:] else ''}"
            )
        rule = first.rule or self._runner.rules.get(first.pointer) or first.pointer.split("/")[1]
        got = None if first.got is NOTHING else first.got
        self.tell(rule, step.pointer, "\n".join(lines), first.pointer, first.wanted, got)
        raise _Broken

    def tell(
        self,
        rule: str,
        place: str,
        text: str,
        pointer: str | None = None,
        wanted: Json = None,
        got: Json = None,
        reproduce: str | None = None,
    ) -> None:
        """Add a finding about the case."""
        hide = self._runner.secrets(self._exchange) if self._exchange else None
        whole = f"{text}\n{self._rests}"
        self.findings.append(
            Finding(
                severity="error",
                rule=rule,
                message=hide.hide(whole) if hide else whole,
                document=self._case.provider,
                operation=self._operation.name if self._operation else self._case.steps[0].operation,
                case=self._case.name,
                pointer=pointer,
                wanted=wanted,
                got=hide.hide_in(got) if hide else got,
                where=self._where(place),
                reproduce=reproduce or self._curl,
            )
        )

    def capture(self, step: Step) -> None:
        """Put what later steps name in scope."""
        assert self._reply is not None
        message = self._reply.as_message()
        for name, pointer in (step.capture or {}).items():
            try:
                self.world.scope[name] = at(message, pointer)
            except KeyError:
                self.check(step, [Mismatch(pointer, "a value", NOTHING)])

    def _where(self, pointer: str) -> Where:
        return Where(self._case.source.file, self._case.line(pointer))

    @cached_property
    def _rests(self) -> str:
        page = self._case.page
        return f"The rule: {self._case.fact} ({page.source}, read {page.read})"

    @property
    def _curl(self) -> str | None:
        if self._exchange is None:
            return None
        hide = self._runner.secrets(self._exchange)
        return curl.command(self._exchange, self._runner.document, self._operation, hide)
