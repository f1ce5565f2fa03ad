"""What comes of a call, and why: asked for, queued, standing, a magic key, or the state."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from mockserver.domain import account as accounts
from mockserver.domain import limits, override
from mockserver.domain.clock import iso
from mockserver.domain.limits import Window
from mockserver.domain.magic import BadWord
from mockserver.domain.model import Caller, Command, Refusal, ShowTask, Task
from mockserver.domain.outcome import NAMES, Outcome
from mockserver.domain.ports import Tx
from mockserver.domain.records import micros, seconds, write_limit
from mockserver.domain.rules import Check
from mockserver.domain.service import Wish
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.providers.base import Call
from mockserver.web import choice as choices
from mockserver.web.choice import Choice, Undocumented
from mockserver.web.living import Acted, Living
from mockserver.web.prefer import Preferences
from mockserver.web.redact import digest
from mockserver.web.reply import Reply, problem
from mockserver.web.verdict import UNSUPPORTED, Verdict

MAGIC = "mock-"


class Decision(NamedTuple):
    """The answer to give: a documented one, or a problem of the mock's own where there is none."""

    outcome: str | None
    because: str
    choice: Choice | None = None
    problem: Reply | None = None
    delay: float = 0.0
    checks: Sequence[Check] = ()
    # The task that the call made, if it made one, and whether its first callback comes before the answer.
    made: Task | None = None
    early: bool = False


class Reading(NamedTuple):
    """A request as the adapter of its document reads it."""

    living: Living
    call: Call


class Case:
    """All that a decision is about: a request, its verdict and wish, its sandbox, its adapter if any.

    And whatever follows from these alone, worked out once: a request that comes again is the same case.
    """

    __slots__ = (
        "caller",
        "checks",
        "command",
        "document",
        "fixed",
        "is_fit",
        "is_limited",
        "magic",
        "passed",
        "reading",
        "refused",
        "sandbox",
        "sign",
        "spoken",
        "verdict",
        "wish",
    )

    def __init__(
        self, document: Document, verdict: Verdict, wish: Preferences, sandbox: str, reading: Reading | None
    ) -> None:
        self.document, self.verdict, self.wish = document, verdict, wish
        self.sandbox, self.reading = sandbox, reading
        self.refused = _refusal_of(verdict, reading)
        # Whether an adapter can read the request, and its answer is not to be made up.
        let_in = verdict.let_in and verdict.credential is not None and verdict.fault is None
        self.is_fit = let_in and self.refused is None and reading is not None and not wish.dynamic
        self.magic = _magic(verdict.operation, verdict.credential)
        self.is_limited = _may_be_limited(verdict, reading)
        account = digest(verdict.credential) if verdict.credential else None
        self.checks: tuple[Check, ...] = (("credentials", verdict.let_in, {"account": account}),)
        # The same and those behind it, where all is well with the request itself.
        self.passed = (*self.checks, _WELL_FORMED, _VALID)
        # The record that is there while any outcome waits for calls to this provider.
        self.sign = override.sign(verdict.operation.provider)
        # What the adapter reads of it, who calls, and what the magic words in it ask for.
        self.command: Command | Refusal | None = None
        self.caller: Caller | None = None
        self.spoken: Wish | BadWord | None = None
        if self.is_fit and reading is not None and verdict.credential is not None:
            self.command, self.caller, self.spoken = _read(reading, verdict.credential)
        # What comes of it where the state is not asked.
        self.fixed = _by_itself(self)


def decide(tx: Tx, case: Case) -> Decision:
    """Asked for, queued, standing, magic key or state: the first that applies. A queued one is used up."""
    decision = _decided(tx, case)
    choice = decision.choice
    if choice is None or not case.wish.dynamic:
        return decision
    return decision._replace(choice=choice.to_be_invented())


def _decided(tx: Tx, case: Case) -> Decision:
    operation, wish = case.verdict.operation, case.wish
    if wish.asks:
        return _asked(tx, case)
    waits = tx.get(case.sign) is not None
    held = override.take(tx, operation.provider, operation.name, case.verdict.body) if waits else None
    if held is not None:
        found = choices.by_outcome(operation, held.outcome)
        because = "standing" if held.stands else "queued"
        return _wished(tx, case, found, because, max(held.delay or 0.0, wish.delay), held.error)
    if case.magic is not None:
        return _wished(tx, case, choices.by_outcome(operation, case.magic), "magic-key", wish.delay)
    return case.fixed or _by_state(tx, case)


def read_as_asked(document: Document, verdict: Verdict, wish: Preferences) -> Verdict:
    """The verdict on the operation that documents the wish, where the body does not tell which is meant."""
    for operation in (verdict.operation, *verdict.others) if wish.asks and verdict.others else ():
        with suppress(Undocumented):
            choices.asked(document, operation, wish)
            return verdict._replace(operation=operation)
    return verdict


def _asked(tx: Tx, case: Case) -> Decision:
    operation, wish = case.verdict.operation, case.wish
    try:
        found = choices.asked(case.document, operation, wish)
    except Undocumented as error:
        reply = problem(
            "outcome-undocumented",
            501,
            f"{operation.provider} {operation.name} documents nothing for {error.wish}. "
            f"Ask for one of its outcomes: {', '.join(error.documented)}",
            outcomes=error.documented,
            examples=error.examples,
        )
        return Decision(None, "asked", problem=reply, delay=wish.delay)
    if wish.example:
        # Who names an example wants just that body.
        return Decision(found.outcome, "asked", found, delay=wish.delay)
    return _wished(tx, case, found, "asked", wish.delay)


def _wished(tx: Tx, case: Case, found: Choice, because: str, delay: float, error: Json = None) -> Decision:
    """An outcome from beyond the state. One that lets the call pass does its work, credits or not."""
    if found.outcome in (Outcome.SUCCESS, Outcome.TASK_FAILED) and case.is_fit:
        assert case.reading is not None
        living = case.reading.living
        fails = living.failure(error) if found.outcome == Outcome.TASK_FAILED else None
        # How long a task is asked to take; whether it fails was decided by who asked for the outcome.
        seconds = case.spoken.seconds if isinstance(case.spoken, Wish) else None
        acted = _act(tx, case, Wish(skips_credits=True, failure=fails, seconds=seconds), [])
        if not acted.refused:
            if case.is_limited:
                _accept(tx, case, _window(tx, case))
            made, early = acted.made, acted.early
            return Decision(acted.choice.outcome, because, acted.choice, delay=delay, made=made, early=early)
    return Decision(found.outcome, because, found, delay=delay)


_NO_WISH = Wish()


def _read(reading: Reading, credential: str) -> tuple[Command | Refusal, Caller, Wish | BadWord | None]:
    """A fit request as its adapter reads it, or refuses it for what it says; who calls; its magic words."""
    living, call = reading
    command: Command | Refusal
    try:
        command = living.command(call)
    except Refusal as refusal:
        command = refusal
    try:
        return command, living.caller(credential), living.spoken(call)
    except BadWord as error:
        return command, living.caller(credential), error


def _act(tx: Tx, case: Case, wish: Wish, checks: list[Check]) -> Acted:
    assert case.reading is not None
    assert case.command is not None
    assert case.caller is not None
    living, call = case.reading
    return living.act(tx, case.sandbox, case.verdict, call, case.command, case.caller, wish, checks)


def _magic(operation: Operation, credential: str | None) -> str | None:
    if credential is None or not credential.startswith(MAGIC):
        return None
    outcome = credential[len(MAGIC) :]
    return outcome if choices.documents(operation, outcome) else None


# --- the state ----------------------------------------------------------------------------------------------


def _by_itself(case: Case) -> Decision | None:
    """What comes of a request that no state can change; None for one that has to look at it."""
    if not case.verdict.let_in:
        return _refusal(case, "unauthorized", 401, case.checks, case.verdict.first)
    return None if case.is_fit or case.is_limited else _unfit(case, [*case.checks])


def _unfit(case: Case, checks: list[Check]) -> Decision:
    """What comes of a request that no adapter carries out: it is refused, or its document has none."""
    operation, verdict, refused = case.verdict.operation, case.verdict, case.refused
    checks.append(("well-formed", verdict.fault is None, {"reason": verdict.fault}))
    if verdict.fault is not None:
        return _malformed(case, checks)
    checks.append(("valid", refused is None, {"violation": refused.as_json() if refused else None}))
    if refused is None:
        return _usual(case, checks)
    outcome = refused.outcome if refused.outcome in operation.answers else "invalid"
    return _refusal(case, outcome or "invalid", 422, checks, refused)


_WELL_FORMED: Check = ("well-formed", True, {"reason": None})
_VALID: Check = ("valid", True, {"violation": None})


def _by_state(tx: Tx, case: Case) -> Decision:
    if case.is_fit and not case.is_limited:
        return _carried_out(tx, case, None, [*case.passed])
    checks, window = [*case.checks], None
    if case.is_limited and (window := _window(tx, case)) is not None:
        has_room, facts = _standing(tx, case, window)
        checks.append(("rate-limit", has_room, facts))
        if not has_room:
            return _refusal(case, Outcome.RATE_LIMITED, 429, checks, None)
    if not case.is_fit:
        return _unfit(case, checks)
    checks += (_WELL_FORMED, _VALID)
    return _carried_out(tx, case, window, checks)


def _carried_out(tx: Tx, case: Case, window: Window | None, checks: list[Check]) -> Decision:
    """What comes of a request with nothing wrong in itself, as its magic words wish if it has any."""
    delay, wish = case.wish.delay, case.spoken
    if isinstance(wish, BadWord):
        reply = problem("bad-magic-word", 422, f"{wish}. Without the word the request is an ordinary one")
        return Decision(None, "magic-prompt", problem=reply, delay=delay, checks=checks)
    acted = _act(tx, case, wish or _NO_WISH, checks)
    if window is not None and not acted.refused:
        _accept(tx, case, window)
    because = "state" if wish is None or acted.refused else "magic-prompt"
    choice = acted.choice
    return Decision(choice.outcome, because, choice, None, delay, checks, acted.made, acted.early)


def _usual(case: Case, checks: list[Check]) -> Decision:
    """What a document without an adapter answers a call with nothing wrong."""
    operation, delay = case.verdict.operation, case.wish.delay
    if operation.usual is not None:
        found = choices.by_outcome(operation, operation.usual)
        return Decision(found.outcome, "state", found, delay=delay, checks=checks)
    text = f"{operation.provider} {operation.name} documents no response that can be sent"
    reply = problem("no-response", 501, text)
    return Decision(None, "state", problem=reply, delay=delay, checks=checks)


def _refusal_of(verdict: Verdict, reading: Reading | None) -> Violation | None:
    """The violation that refuses a request; what an adapter judges later is left to it."""
    if not verdict.violations or reading is None:
        return verdict.refusal()
    living, call = reading
    return verdict.refusal(but=lambda violation: living.is_late(call, violation))


def _malformed(case: Case, checks: list[Check]) -> Decision:
    operation, verdict = case.verdict.operation, case.verdict
    unsupported = any(violation.rule == "contentType" for violation in verdict.violations)
    outcome = "http-415" if unsupported and "http-415" in operation.answers else "invalid"
    return _refusal(case, outcome, 415 if unsupported else 422, checks, verdict.first)


_SLUGS = {401: "unauthorized", 415: "unsupported-media-type", 422: "invalid-request"}


def _refusal(
    case: Case, outcome: str, status: int, checks: Sequence[Check], violation: Violation | None
) -> Decision:
    """The documented refusal, in its adapter's words if it has one; else a problem of that status."""
    operation, delay = case.verdict.operation, case.wish.delay
    if outcome in operation.answers:
        found = choices.by_outcome(operation, outcome)
        if case.reading is not None and violation is not None:
            found = case.reading.living.faulty(operation, case.reading.call, outcome, violation)
        return Decision(outcome, "state", found, delay=delay, checks=checks)
    if (undocumented := choices.refusal(operation, outcome, status)) is not None:
        return Decision(outcome, "state", undocumented, delay=delay, checks=checks)
    reply = _own_refusal(operation, status, violation)
    return Decision(outcome, "state", problem=reply, delay=delay, checks=checks)


def _own_refusal(operation: Operation, status: int, violation: Violation | None) -> Reply:
    text = f"{violation.pointer}: {violation.message}" if violation else UNSUPPORTED
    if status == 401 and violation:
        text = violation.message
    facts = {"violation": violation.as_json()} if violation and status == 422 else {}
    named = f"{operation.provider} {operation.name}"
    detail = f"{text}. {named} documents no answer for this; this one is the mock's"
    reply = problem(_SLUGS[status], status, detail, **facts)
    if status == 401 and (challenge := operation.security.challenge()):
        reply.headers.append(("www-authenticate", challenge))
    return reply


# --- rate limits --------------------------------------------------------------------------------------------

# What only a call can come to that makes a task or a persona: from what is told of a source on.
_OF_SUBMISSIONS = frozenset(NAMES[NAMES.index(Outcome.SOURCE_NOT_FOUND) :])


def _may_be_limited(verdict: Verdict, reading: Reading | None) -> bool:
    """False for a call that no limit can be about, whatever its account."""
    if reading is None or verdict.credential is None or reading.living.settings.rate_limits == "off":
        return False
    return Outcome.RATE_LIMITED in verdict.operation.answers


def _window(tx: Tx, case: Case) -> Window | None:
    """Where a call is counted, if it is: a submission for its account, a poll for its task."""
    credential, answers = case.verdict.credential, case.verdict.operation.answers
    assert case.reading is not None
    assert credential is not None
    living = case.reading.living
    policy, caller = living.house.policy, living.caller(credential)
    if not _OF_SUBMISSIONS.isdisjoint(answers):
        return limits.of_submissions(living.house.provider, policy, accounts.of(tx, caller))
    # A call that cannot be read names no task to look at.
    command = case.command if policy.polls else None
    if not isinstance(command, ShowTask):
        return None
    return limits.of_polls(living.house.provider, policy, caller.account, command.id)


def _standing(tx: Tx, case: Case, window: Window) -> tuple[bool, dict[str, Json]]:
    """Whether a window has room for one more call, and the facts."""
    standing = limits.look(tx, window, _now(tx, case))
    free_at = None if standing.free_at is None else iso(seconds(standing.free_at))
    facts = {"limit": write_limit(window.limit), "accepted": standing.accepted}
    return free_at is None, {**facts, **({"free_at": free_at} if free_at else {})}


def _accept(tx: Tx, case: Case, window: Window | None) -> None:
    """Count a call that was accepted."""
    if window is not None:
        limits.accept(tx, window, _now(tx, case))


def _now(tx: Tx, case: Case) -> int:
    assert case.reading is not None
    return micros(case.reading.living.clock.now(tx))
