"""The journal: what came in and went out, kept as bytes and rendered when somebody reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from mockserver.domain.clock import iso
from mockserver.domain.ports import Line, Store
from mockserver.domain.rules import Check
from mockserver.openapi.negotiation import is_json
from mockserver.openapi.payload import read_json
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.web.redact import Credentials, Redactor
from mockserver.web.reply import ID, Headers, Reply
from mockserver.web.request import Incoming

LOG = "journal"

# What an entry takes beside its texts and bodies, about: a tuple of 25, and what hangs on it.
_ENTRY_BYTES = 1500


class Entry(NamedTuple):
    """One exchange, its bodies as they travelled; nothing in it changes, and it is kept as it is.

    It is rendered when somebody reads it: encoding one as JSON took 40 µs, a fifth of a call.
    """

    id: str
    at: float
    sandbox: str
    provider: str | None
    operation: str | None
    method: str
    path: str
    query: str
    # As the client saw it; None where it saw none.
    status: int | None
    code: Json
    outcome: str | None
    state: str | None
    because: str | None
    violations: tuple[dict[str, Json], ...]
    checks: tuple[Check, ...]
    duration_ms: float
    request_headers: Headers
    # All but the call's id, which is the entry's.
    response_headers: Headers
    request_body: bytes
    response_body: bytes
    # Of the reply that the client was to get, if one was made.
    response_status: int | None
    # What the call met on the way.
    fault: str | None = None

    # About how many bytes it takes.
    weight: int = 0

    def brief(self) -> dict[str, Json]:
        """The entry as a line of the list."""
        shown: dict[str, Json] = {
            "id": self.id,
            "at": iso(self.at),
            "sandbox": self.sandbox,
            "provider": self.provider,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "code": self.code,
            # A word like any other, also where Python shows it: `repr` of an Outcome is another text.
            "outcome": self.outcome and str(self.outcome),
        }
        if self.state is not None:
            shown["state"] = self.state
        if self.fault is not None:
            shown["fault"] = self.fault
        return {
            **shown,
            "because": self.because,
            "violations": [dict(violation) for violation in self.violations],
            "duration_ms": self.duration_ms,
        }


class Journal:
    """Writes exchanges into the store's log, credentials left out, and reads them back."""

    def __init__(self, store: Store, redactor: Redactor, size: int) -> None:
        self._store = store
        self._redactor = redactor
        self._size = size

    def line(self, entry: Entry) -> Line:
        """The entry as a line for the store; the oldest falls out where the log is full."""
        return LOG, entry, entry.weight

    def entries(self, sandbox: str) -> list[Entry]:
        """Every entry still kept, oldest first."""
        return [cast(Entry, entry) for _, entry in self._store.newest(sandbox, LOG, self._size)]

    def clear(self, sandbox: str) -> None:
        """Forget every entry of a sandbox."""
        self._store.clear(sandbox, LOG)

    def whole(self, entry: Entry) -> dict[str, Json]:
        """An entry with its request, its response and the checks that led from one to the other."""
        answered = entry.response_status is not None
        sent = [*entry.response_headers, (ID, entry.id)] if answered else entry.response_headers
        return {
            **entry.brief(),
            "request": {
                "method": entry.method,
                "path": entry.path,
                "query": entry.query,
                "headers": [list(pair) for pair in entry.request_headers],
                "body": self._body(entry.request_body, entry.request_headers),
            },
            "response": {
                "status": entry.response_status,
                "headers": [list(pair) for pair in sent],
                "body": self._body(entry.response_body, entry.response_headers),
            },
            "checks": [{"check": check, "ok": ok, "facts": {**facts}} for check, ok, facts in entry.checks],
        }

    def _body(self, raw: bytes, headers: Headers) -> Json:
        """A JSON body as its value, a text as text, anything else by its size; secrets hidden in each."""
        if not raw:
            return None
        kind = _kind(headers)
        if is_json(kind):
            payload = read_json(raw)
            if payload.fault is None:
                return self._redactor.body(payload.value)
        try:
            return self._redactor.text(raw.decode("utf-8"))
        except UnicodeDecodeError:
            return f"{len(raw)} bytes of {kind}"


class Heard(NamedTuple):
    """The request's part of an entry, every credential in it hidden; the same for the same request."""

    credentials: Credentials
    # Whether one of them stands in the request beside its proper place, and so maybe in what follows from it.
    strays: bool
    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    violations: tuple[dict[str, Json], ...]
    weight: int


def hear(redactor: Redactor, incoming: Incoming, raw: bytes, violations: Iterable[Violation]) -> Heard:
    """A request as the journal keeps it: credentials are hidden before anything is stored."""
    path, query = incoming.raw_path, incoming.query.decode("latin-1")
    # A credential may stand in its own place, and by mistake in any other.
    credentials = redactor.credentials(incoming.headers, incoming.pairs)
    # A violation quotes what a body means, which may be written otherwise: in base64, or in UTF-16.
    told = [violation.as_json() for violation in violations]
    shown = [credentials.hide_in_value(violation) for violation in told]
    redacted = redactor.headers(incoming.headers)
    headers = credentials.hide_in_headers(redacted)
    query = redactor.query(query) if query else query
    # What is no JSON may be written in any way, and is not looked through for all of them.
    strays = shown != told or headers is not redacted or bool(raw and not is_json(_kind(incoming.headers)))
    if strays or credentials.may_be_in(path, query) or credentials.may_be_in_body(raw):
        strays = True
        path, query = credentials.hide(path), credentials.hide(query)
        raw = credentials.hide_in_body(raw, _kind(incoming.headers))
    texts = sum([len(value) for _, value in headers]) + len(path) + len(query)
    weight = _ENTRY_BYTES + texts + len(raw)
    return Heard(credentials, strays, incoming.method, path, query, headers, raw, tuple(shown), weight)


Said = tuple[int | None, Headers, bytes, tuple[Check, ...]]
"""The reply's part of an entry, status, headers and body, and the checks that led to it."""


def say(
    redactor: Redactor,
    heard: Heard,
    reply: Reply | None,
    checks: Sequence[Check],
    shown: Headers | None = None,
) -> Said:
    """A reply as the journal keeps it; what is nowhere in a request is in no check of it either.

    `shown` are its headers as they are kept, where that is known.
    """
    if reply is None:
        return None, [], b"", _hidden(heard, checks)
    headers = said_headers(redactor, reply) if shown is None else shown
    credentials, body = heard.credentials, reply.body
    if not heard.strays and not credentials.may_be_in_body(body):
        return reply.status, headers, body, tuple(checks)
    hidden = credentials.hide_in_body(body, _kind(headers))
    return reply.status, credentials.hide_in_headers(headers), hidden, _hidden(heard, checks)


def said_headers(redactor: Redactor, reply: Reply) -> Headers:
    """The headers of a reply as the journal keeps them, without the call's id."""
    headers = redactor.headers(reply.headers, ours=True)
    return [*headers, ("content-type", reply.content_type)] if reply.content_type else headers


def _hidden(heard: Heard, checks: Sequence[Check]) -> tuple[Check, ...]:
    hide = heard.credentials.hide_in_value
    return tuple([(check, ok, hide(facts)) for check, ok, facts in checks])


def _kind(headers: Headers) -> str:
    return next((value for name, value in headers if name == "content-type"), "application/json")
