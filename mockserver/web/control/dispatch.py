"""Control calls: guarded, held against their own document, handed to the module of their noun."""

from __future__ import annotations

import asyncio
import hmac
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from mockserver.openapi.compiled import Document, Operation, compile_document
from mockserver.openapi.parameters import values
from mockserver.openapi.source import Json, load
from mockserver.openapi.violation import Violation
from mockserver.web.control import (
    accounts,
    callbacks,
    clock,
    coverage,
    events,
    faults,
    health,
    outcomes,
    requests,
    sandboxes,
    specs,
    state,
    tasks,
)
from mockserver.web.control.call import BadControl, Conflict, ControlCall, Missing
from mockserver.web.courier import CALLBACK_MARK
from mockserver.web.locate import CONTROL, Found, Target, WrongMethod, find_in
from mockserver.web.redact import without_key
from mockserver.web.reply import Reply, json_reply, problem, wrong_method
from mockserver.web.request import Incoming, Receive, TooLarge, read_body, too_large
from mockserver.web.verdict import judge
from mockserver.web.world import World, is_own_host

HANDLERS: Mapping[str, Callable[[ControlCall], Json]] = {
    "showHealth": health.show,
    "exportState": state.show,
    "importState": state.bring,
    "resetSandbox": sandboxes.reset,
    "listSandboxes": sandboxes.listed,
    "deleteSandbox": sandboxes.delete,
    "plantTask": tasks.plant,
    "listTasks": tasks.listed,
    "showTask": tasks.show,
    "pushTask": tasks.push,
    "showAccount": accounts.show,
    "changeAccount": accounts.change,
    "listOutcomes": outcomes.listed,
    "addOutcome": outcomes.add,
    "clearOutcomes": outcomes.clear,
    "deleteOutcome": outcomes.delete,
    "listFaults": faults.listed,
    "addFault": faults.add,
    "clearFaults": faults.clear,
    "deleteFault": faults.delete,
    "listRequests": requests.listed,
    "clearRequests": requests.clear,
    "showRequest": requests.show,
    "followEvents": events.follow,
    "listCallbacks": callbacks.listed,
    "redeliverCallback": callbacks.redeliver,
    "showClock": clock.show,
    "advanceClock": clock.advance,
    "setClock": clock.move,
    "showCoverage": coverage.show,
    "listSpecs": specs.listed,
    "showSpec": specs.show,
}

# Calls about many tasks at once.
_LONG = frozenset(
    (
        "changeAccount",
        "deleteSandbox",
        "exportState",
        "importState",
        "listCallbacks",
        "listTasks",
        "plantTask",
        "resetSandbox",
        "showAccount",
    )
)
# Calls that wait for receivers of callbacks: on threads of their own, so that they keep no others waiting.
_WAITING = frozenset(("advanceClock", "redeliverCallback", "setClock"))
_MOST_WAITING = 100


@cache
def control_document() -> Document:
    """The document of the control API, read at its first use: serving providers does not need it."""
    return compile_document(load(Path(__file__).with_name("openapi.yaml"), "control.yaml", keep=True), ())


def carry_out(
    world: World, sandbox: str, name: str, body: Json = None, path: Mapping[str, Json] | None = None
) -> Json:
    """Make a control call from Python; it is held against the same document as one that comes over HTTP."""
    operation = control_document().operation(name)
    assert operation is not None, name
    broken = next(iter(_broken(operation, body)), None)
    if broken is not None:
        allowed = _allowed(broken, operation)
        raise BadControl(_field(broken), broken.message, allowed if isinstance(allowed, list) else None)
    return HANDLERS[name](ControlCall(world, sandbox, dict(path or {}), {}, body))


def _broken(operation: Operation, body: Json) -> Iterable[Violation]:
    place = operation.body.media["application/json"].place if operation.body else None
    return control_document().schemas.violations(place, body, where="body", pointer="/body") if place else ()


class Control:
    """Answers the calls under /_mock/."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiters = ThreadPoolExecutor(_MOST_WAITING, "control")

    def close(self) -> None:
        """Let go of the threads of calls that wait."""
        self._waiters.shutdown(wait=False, cancel_futures=True)

    async def answer(self, target: Target, incoming: Incoming, receive: Receive) -> Reply:
        """The reply to a control call."""
        refused = self._guard(incoming)
        if refused is not None:
            return refused
        found = find_in(control_document(), target.path, incoming.method)
        if not isinstance(found, Found):
            return self._lost(found, target, incoming)
        try:
            raw = await read_body(receive, incoming, self._limit(found))
        except TooLarge as error:
            return too_large(incoming, error, self._world.settings.max_body)
        reply = partial(self._reply, found, target, incoming, raw)
        # What may take long, or wait for a store, is done beside the event loop.
        if found.route.operation.name in _WAITING:
            return await asyncio.get_running_loop().run_in_executor(self._waiters, reply)
        if self._world.store.may_block or found.route.operation.name in _LONG:
            from starlette.concurrency import run_in_threadpool

            return await run_in_threadpool(reply)
        return reply()

    def _reply(self, found: Found, target: Target, incoming: Incoming, raw: bytes) -> Reply:
        verdict = judge(control_document(), found.route, found.parameters, _as_json(incoming), raw)
        if verdict.violations:
            shown = self._world.redactor.violation(verdict.violations[0])
            return _refused(shown, found.route.operation)
        if unknown := _unknown_query(found.route.operation, incoming):
            return unknown
        return self._handled(found, target, incoming, verdict.body)

    def _limit(self, found: Found) -> int:
        """The largest body: a state may be larger than any request of a client."""
        return sys.maxsize if found.route.operation.name == "importState" else self._world.settings.max_body

    def _handled(self, found: Found, target: Target, incoming: Incoming, body: Json) -> Reply:
        operation = found.route.operation
        if operation.name == "showOpenapi":
            return json_reply(control_document().source.data)
        sent = values(operation.parameters, incoming.sent(found.parameters), control_document().source)
        headers = sent.get("header", {})
        has_wire = incoming.wire is not None
        call = ControlCall(self._world, target.sandbox, sent["path"], sent["query"], body, headers, has_wire)
        try:
            answer = HANDLERS[operation.name](call)
            return answer if isinstance(answer, Reply) else json_reply(answer)
        except BadControl as error:
            return _bad_request(error.field, error.reason, error.allowed)
        except Missing as error:
            return problem("not-found", 404, str(error))
        except Conflict as error:
            return problem(error.slug, 409, str(error))

    # --- who may call ---------------------------------------------------------------------------------------

    def _guard(self, incoming: Incoming) -> Reply | None:
        """A DNS name somebody else controls and a page of another site must not steer the mock."""
        if not is_own_host(self._world, incoming.host):
            text = f"The control API does not answer to the Host {incoming.host[:100]!r}; see --allow-host"
            return problem("forbidden-host", 403, text)
        if self._is_cross_site(incoming):
            return problem("cross-site", 403, "The control API does not answer pages of another site")
        if incoming.header(CALLBACK_MARK) is not None:
            # Whoever may submit a song could else steer the mock through its own callback.
            return problem(
                "callback-to-control", 403, "The control API does not answer callbacks of the mock"
            )
        token = self._world.settings.control_token
        if token and not hmac.compare_digest(
            (incoming.header("x-mock-token") or "").encode("utf-8", "replace"), token.encode()
        ):
            text = "Control calls need the token that the server printed at its start: X-Mock-Token: <token>"
            return problem("control-token", 401, text)
        return None

    def _is_cross_site(self, incoming: Incoming) -> bool:
        if incoming.header("sec-fetch-site") not in (None, "same-origin", "none"):
            return True
        origin = incoming.header("origin")
        # The same page: its origin is the very Host that the call came under, or our own public one.
        ours = ((incoming.header("host") or "").lower(), _authority(self._world.settings.public_url or ""))
        return origin is not None and (_authority(origin) or None) not in ours

    def _lost(self, found: object, target: Target, incoming: Incoming) -> Reply:
        path = without_key(target.path)[:200]
        if isinstance(found, WrongMethod):
            return wrong_method(f"{path} takes", found.allowed)
        known = [f"{route.method} {CONTROL}{route.path}" for route in control_document().routes]
        text = f"No control call {incoming.method} {path}. Known: {'; '.join(known)}"
        return problem("no-route", 404, text, known=known)


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _as_json(incoming: Incoming) -> Incoming:
    """The request without its content type: `curl -d` calls JSON a form, and nothing else is taken here."""
    headers = [pair for pair in incoming.headers if pair[0] != "content-type"]
    return Incoming(incoming.method, incoming.raw_path, incoming.query, headers, incoming.wire)


def _unknown_query(operation: Operation, incoming: Incoming) -> Reply | None:
    """The refusal of a misspelt filter, which must not pass for none."""
    known = [parameter.name for parameter in operation.parameters if parameter.location == "query"]
    for name, _ in incoming.pairs if known else ():
        if name not in known:
            return _bad_request(name, "is not a documented parameter", known)
    return None


def _refused(violation: Violation, operation: Operation) -> Reply:
    return _bad_request(_field(violation), violation.message, _allowed(violation, operation))


def _field(violation: Violation) -> str:
    return violation.pointer.split("/", 2)[-1] or violation.where


_LIMITS = ("type", "minimum", "maximum", "minLength", "maxLength")


def _allowed(violation: Violation, operation: Operation) -> Json:
    """What would have been right there: values, names of fields, or the rule as JSON Schema says it."""
    if violation.rule in ("enum", "pattern"):
        return violation.wanted
    if violation.rule in _LIMITS:
        return {violation.rule: violation.wanted}
    if violation.pointer.count("/") > 2:
        # The fields that are known there are not those of the body.
        return None
    media = operation.body.media["application/json"] if operation.body else None
    fields = media.place.node.get("properties") if media and media.place else None
    return list(fields) if fields else None


def _bad_request(field: str, reason: str, allowed: Json) -> Reply:
    shown = ("null" if item is None else str(item) for item in allowed) if isinstance(allowed, list) else ()
    named = f". Allowed: {', '.join(shown)}" if isinstance(allowed, list) else ""
    facts = {} if allowed is None else {"allowed": allowed}
    return problem("bad-control-request", 422, f"{field}: {reason}{named}", field=field, **facts)
