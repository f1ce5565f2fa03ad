"""What comes of a call, and why: asked for, queued, standing, a magic key, or the state."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from mockserver.domain import override
from mockserver.domain.ports import Tx
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.source import Json
from mockserver.web import choice as choices
from mockserver.web.choice import Choice, Undocumented
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


def decide(tx: Tx, document: Document, verdict: Verdict, wish: Preferences) -> Decision:
    """The first of the reasons of interface.md 4 that applies; a queued outcome is used up by being met."""
    decision = _decided(tx, document, verdict, wish)
    choice = decision.choice
    if choice is None or not wish.dynamic:
        return decision
    return replace(decision, choice=choice._replace(invented=True))


def _decided(tx: Tx, document: Document, verdict: Verdict, wish: Preferences) -> Decision:
    operation = verdict.operation
    if wish.asks:
        return _asked(document, operation, wish)
    held = override.take(tx, operation.provider, operation.name, verdict.body)
    if held is not None:
        found = choices.by_outcome(operation, held.outcome)
        because = "standing" if held.stands else "queued"
        return Decision(found.outcome, because, found, delay=max(held.delay or 0.0, wish.delay))
    if magic := _magic(operation, verdict.credential):
        found = choices.by_outcome(operation, magic)
        return Decision(found.outcome, "magic-key", found, delay=wish.delay)
    return _by_state(operation, verdict, wish.delay)


def read_as_asked(document: Document, verdict: Verdict, wish: Preferences) -> Verdict:
    """The verdict on the operation that documents the wish, where the body does not tell which is meant."""
    for operation in (verdict.operation, *verdict.others) if wish.asks and verdict.others else ():
        with suppress(Undocumented):
            choices.asked(document, operation, wish)
            return verdict._replace(operation=operation)
    return verdict


def _asked(document: Document, operation: Operation, wish: Preferences) -> Decision:
    try:
        found = choices.asked(document, operation, wish)
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
    return Decision(found.outcome, "asked", found, delay=wish.delay)


def _magic(operation: Operation, credential: str | None) -> str | None:
    if credential is None or not credential.startswith(MAGIC):
        return None
    outcome = credential[len(MAGIC) :]
    return outcome if choices.documents(operation, outcome) else None


# --- the state ----------------------------------------------------------------------------------------------


def _by_state(operation: Operation, verdict: Verdict, delay: float) -> Decision:
    checks: list[dict[str, Json]] = []

    def passes(check: str, ok: bool, **facts: Json) -> bool:
        checks.append({"check": check, "ok": ok, "facts": facts})
        return ok

    first = verdict.first
    account = digest(verdict.credential) if verdict.credential else None
    if not passes("credentials", verdict.let_in, account=account):
        return _refusal(operation, "unauthorized", 401, checks, delay, first.message if first else "")
    if not passes("well-formed", verdict.fault is None, reason=verdict.fault):
        return _malformed(operation, verdict, checks, delay)
    refused = verdict.refusal
    if not passes("valid", refused is None, violation=refused.as_json() if refused else None):
        assert refused is not None
        text = f"{refused.pointer}: {refused.message}"
        outcome = refused.outcome if refused.outcome in operation.answers else "invalid"
        return _refusal(operation, outcome or "invalid", 422, checks, delay, text, refused.as_json())
    if operation.usual is not None:
        found = choices.by_outcome(operation, operation.usual)
        return Decision(found.outcome, "state", found, delay=delay, checks=checks)
    text = f"{operation.provider} {operation.name} documents no response that can be sent"
    reply = problem("no-response", 501, text)
    return Decision(None, "state", problem=reply, delay=delay, checks=checks)


def _malformed(
    operation: Operation, verdict: Verdict, checks: list[dict[str, Json]], delay: float
) -> Decision:
    first = verdict.first
    unsupported = any(violation.rule == "contentType" for violation in verdict.violations)
    text = f"{first.pointer}: {first.message}" if first else UNSUPPORTED
    outcome = "http-415" if unsupported and "http-415" in operation.answers else "invalid"
    return _refusal(operation, outcome, 415 if unsupported else 422, checks, delay, text)


_SLUGS = {401: "unauthorized", 415: "unsupported-media-type", 422: "invalid-request"}


def _refusal(
    operation: Operation,
    outcome: str,
    status: int,
    checks: list[dict[str, Json]],
    delay: float,
    text: str,
    violation: Json = None,
) -> Decision:
    """The documented refusal; where a document has none, a problem of that status."""
    if outcome in operation.answers:
        return Decision(outcome, "state", choices.by_outcome(operation, outcome), delay=delay, checks=checks)
    if (found := choices.refusal(operation, outcome, status)) is not None:
        return Decision(outcome, "state", found, delay=delay, checks=checks)
    facts = {"violation": violation} if violation else {}
    detail = (
        f"{text}. {operation.provider} {operation.name} documents no answer for this; this one is the mock's"
    )
    reply = problem(_SLUGS[status], status, detail, **facts)
    if status == 401 and (challenge := operation.security.challenge()):
        reply.headers.append(("www-authenticate", challenge))
    return Decision(outcome, "state", problem=reply, delay=delay, checks=checks)
