"""What comes of a call, and why: asked for, queued, standing, a magic key, or the state."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mockserver.domain import account as accounts
from mockserver.domain import limits, override
from mockserver.domain.clock import iso
from mockserver.domain.limits import Window
from mockserver.domain.magic import BadWord
from mockserver.domain.model import ShowTask, Task
from mockserver.domain.outcome import NAMES, Outcome
from mockserver.domain.ports import Tx
from mockserver.domain.records import micros, seconds, write_limit
from mockserver.domain.service import Wish
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.providers.base import Call
from mockserver.web import choice as choices
from mockserver.web.choice import Choice, Undocumented
from mockserver.web.living import Living
from mockserver.web.prefer import Preferences
from mockserver.web.redact import digest
from mockserver.web.reply import Reply, problem
from mockserver.web.verdict import UNSUPPORTED, Verdict

MAGIC = "mock-"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to give: a documented one, or a problem of the mock's own where there is none."""

    outcome: str | None
    because: str
    choice: Choice | None = None
    problem: Reply | None = None
    delay: float = 0.0
    checks: list[dict[str, Json]] = field(default_factory=list)
    # The task that the call made, if it made one, and whether its first callback comes before the answer.
    made: Task | None = None
    early: bool = False


class Reading(NamedTuple):
    """A request as the adapter of its document reads it."""

    living: Living
    call: Call


class Case(NamedTuple):
    """All that a decision is about: a request, its verdict and wish, its sandbox, its adapter if any."""

    document: Document
    verdict: Verdict
    wish: Preferences
    sandbox: str
    reading: Reading | None


def decide(tx: Tx, case: Case) -> Decision:
    """Asked for, queued, standing, magic key or state: the first that applies. A queued one is used up."""
    decision = _decided(tx, case)
    choice = decision.choice
    if choice is None or not case.wish.dynamic:
        return decision
    return replace(decision, choice=choice._replace(invented=True))


def _decided(tx: Tx, case: Case) -> Decision:
    operation, wish = case.verdict.operation, case.wish
    if wish.asks:
        return _asked(tx, case)
    held = override.take(tx, operation.provider, operation.name, case.verdict.body)
    if held is not None:
        found = choices.by_outcome(operation, held.outcome)
        because = "standing" if held.stands else "queued"
        return _wished(tx, case, found, because, max(held.delay or 0.0, wish.delay), held.error)
    if magic := _magic(operation, case.verdict.credential):
        return _wished(tx, case, choices.by_outcome(operation, magic), "magic-key", wish.delay)
    return _by_state(tx, case)


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
    if found.outcome in (Outcome.SUCCESS, Outcome.TASK_FAILED) and _is_fit(case, _refusal_of(case)):
        assert case.reading is not None
        living, call = case.reading
        fails = living.failure(error) if found.outcome == Outcome.TASK_FAILED else None
        wish = Wish(skips_credits=True, failure=fails, seconds=_slowness(living, call))
        acted = living.act(tx, case.sandbox, case.verdict, call, wish)
        if not acted.refused:
            _accept(tx, case, _window(tx, case))
            made, early = acted.made, acted.early
            return Decision(acted.choice.outcome, because, acted.choice, delay=delay, made=made, early=early)
    return Decision(found.outcome, because, found, delay=delay)


def _slowness(living: Living, call: Call) -> float | None:
    """How long a task is asked to take; whether it fails was decided by who asked for the outcome."""
    with suppress(BadWord):
        spoken = living.spoken(call)
        return spoken.seconds if spoken else None
    return None


def _is_fit(case: Case, refused: Violation | None) -> bool:
    """True for a request that an adapter can read, and whose answer is not to be made up."""
    verdict = case.verdict
    fit = verdict.let_in and verdict.credential is not None and verdict.fault is None
    return fit and refused is None and case.reading is not None and not case.wish.dynamic


def _magic(operation: Operation, credential: str | None) -> str | None:
    if credential is None or not credential.startswith(MAGIC):
        return None
    outcome = credential[len(MAGIC) :]
    return outcome if choices.documents(operation, outcome) else None


# --- the state ----------------------------------------------------------------------------------------------


def _by_state(tx: Tx, case: Case) -> Decision:
    operation, verdict = case.verdict.operation, case.verdict
    checks: list[dict[str, Json]] = []

    def passes(check: str, ok: bool, **facts: Json) -> bool:
        checks.append({"check": check, "ok": ok, "facts": facts})
        return ok

    account = digest(verdict.credential) if verdict.credential else None
    if not passes("credentials", verdict.let_in, account=account):
        return _refusal(case, "unauthorized", 401, checks, verdict.first)
    window = _window(tx, case)
    if window is not None and not passes("rate-limit", **_standing(tx, case, window)):
        return _refusal(case, Outcome.RATE_LIMITED, 429, checks, None)
    if not passes("well-formed", verdict.fault is None, reason=verdict.fault):
        return _malformed(case, checks)
    refused = _refusal_of(case)
    if not passes("valid", refused is None, violation=refused.as_json() if refused else None):
        assert refused is not None
        outcome = refused.outcome if refused.outcome in operation.answers else "invalid"
        return _refusal(case, outcome or "invalid", 422, checks, refused)
    return _carried_out(tx, case, window, checks) if _is_fit(case, refused) else _usual(case, checks)


def _carried_out(tx: Tx, case: Case, window: Window | None, checks: list[dict[str, Json]]) -> Decision:
    """What comes of a request with nothing wrong in itself, as its magic words wish if it has any."""
    assert case.reading is not None
    living, call = case.reading
    try:
        wish = living.spoken(call)
    except BadWord as error:
        reply = problem("bad-magic-word", 422, f"{error}. Without the word the request is an ordinary one")
        return Decision(None, "magic-prompt", problem=reply, delay=case.wish.delay, checks=checks)
    acted = living.act(tx, case.sandbox, case.verdict, call, wish or Wish())
    if not acted.refused:
        _accept(tx, case, window)
    because = "state" if wish is None or acted.refused else "magic-prompt"
    return Decision(
        acted.choice.outcome,
        because,
        acted.choice,
        delay=case.wish.delay,
        checks=[*checks, *acted.checks],
        made=acted.made,
        early=acted.early,
    )


def _usual(case: Case, checks: list[dict[str, Json]]) -> Decision:
    """What a document without an adapter answers a call with nothing wrong."""
    operation, delay = case.verdict.operation, case.wish.delay
    if operation.usual is not None:
        found = choices.by_outcome(operation, operation.usual)
        return Decision(found.outcome, "state", found, delay=delay, checks=checks)
    text = f"{operation.provider} {operation.name} documents no response that can be sent"
    reply = problem("no-response", 501, text)
    return Decision(None, "state", problem=reply, delay=delay, checks=checks)


def _refusal_of(case: Case) -> Violation | None:
    """The violation that refuses a request; what an adapter judges later is left to it."""
    if case.reading is None:
        return case.verdict.refusal()
    living, call = case.reading
    return case.verdict.refusal(but=lambda violation: living.is_late(call, violation))


def _malformed(case: Case, checks: list[dict[str, Json]]) -> Decision:
    operation, verdict = case.verdict.operation, case.verdict
    unsupported = any(violation.rule == "contentType" for violation in verdict.violations)
    outcome = "http-415" if unsupported and "http-415" in operation.answers else "invalid"
    return _refusal(case, outcome, 415 if unsupported else 422, checks, verdict.first)


_SLUGS = {401: "unauthorized", 415: "unsupported-media-type", 422: "invalid-request"}


def _refusal(
    case: Case, outcome: str, status: int, checks: list[dict[str, Json]], violation: Violation | None
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


def _window(tx: Tx, case: Case) -> Window | None:
    """Where a call is counted, if it is: a submission for its account, a poll for its task."""
    credential, answers = case.verdict.credential, case.verdict.operation.answers
    if case.reading is None or credential is None or Outcome.RATE_LIMITED not in answers:
        return None
    living, call = case.reading
    policy, caller = living.house.policy, living.caller(credential)
    if living.settings.rate_limits == "off":
        return None
    if not _OF_SUBMISSIONS.isdisjoint(answers):
        return limits.of_submissions(living.house.provider, policy, accounts.of(tx, caller))
    # A call that cannot be read names no task to look at.
    command = living.adapter.read(call) if policy.polls and _is_fit(case, _refusal_of(case)) else None
    if not isinstance(command, ShowTask):
        return None
    return limits.of_polls(living.house.provider, policy, caller.account, command.id)


def _standing(tx: Tx, case: Case, window: Window) -> dict[str, Json]:
    """Whether a window has room for one more call, and the facts."""
    standing = limits.look(tx, window, _now(tx, case))
    free_at = None if standing.free_at is None else iso(seconds(standing.free_at))
    facts = {"limit": write_limit(window.limit), "accepted": standing.accepted}
    return {"ok": free_at is None, **facts, **({"free_at": free_at} if free_at else {})}


def _accept(tx: Tx, case: Case, window: Window | None) -> None:
    """Count a call that was accepted."""
    if window is not None:
        limits.accept(tx, window, _now(tx, case))


def _now(tx: Tx, case: Case) -> int:
    assert case.reading is not None
    return micros(case.reading.living.clock.now(tx))
