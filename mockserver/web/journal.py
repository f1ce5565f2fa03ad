"""The journal: what came in and went out, kept as bytes and rendered when somebody reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from mockserver.domain.clock import iso
from mockserver.domain.ports import Store
from mockserver.openapi.negotiation import is_json
from mockserver.openapi.payload import read_json
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.web.redact import Redactor
from mockserver.web.reply import Headers, Reply
from mockserver.web.request import Incoming

LOG = "journal"


class Entry(NamedTuple):
    """One exchange, its bodies as they travelled."""

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
    violations: list[dict[str, Json]]
    checks: list[dict[str, Json]]
    duration_ms: float
    request_headers: Headers
    response_headers: Headers
    request_body: bytes
    response_body: bytes
    # Of the reply that the client was to get, if one was made.
    response_status: int | None
    # What the call met on the way.
    fault: str | None = None


_BODIES = ("request_body", "response_body")


def encode(entry: Entry) -> bytes:
    """The entry as bytes: a line of JSON, then the two bodies as they are."""
    fields = {name: value for name, value in entry._asdict().items() if name not in _BODIES}
    fields["split"] = len(entry.request_body)
    head = json.dumps(fields, separators=(",", ":")).encode()
    return head + b"\n" + entry.request_body + entry.response_body


def decode(data: bytes) -> Entry:
    """The entry that some bytes hold."""
    head, _, bodies = data.partition(b"\n")
    fields = json.loads(head)
    split = fields.pop("split")
    fields["request_headers"] = [(name, value) for name, value in fields["request_headers"]]
    fields["response_headers"] = [(name, value) for name, value in fields["response_headers"]]
    return Entry(**fields, request_body=bodies[:split], response_body=bodies[split:])


class Journal:
    """Writes exchanges into the store's log, credentials left out, and reads them back."""

    def __init__(self, store: Store, redactor: Redactor, size: int) -> None:
        self._store = store
        self._redactor = redactor
        self._size = size

    def write(self, entry: Entry) -> None:
        """Add an entry; the oldest falls out where the log is full."""
        self._store.append(entry.sandbox, LOG, encode(entry))

    def entries(self, sandbox: str) -> Iterator[Entry]:
        """Every entry still kept, oldest first."""
        return map(decode, self.kept(sandbox))

    def kept(self, sandbox: str) -> list[bytes]:
        """Every entry still kept, oldest first, for `decode` to read when somebody wants it."""
        return [data for _, data in self._store.newest(sandbox, LOG, self._size)]

    def clear(self, sandbox: str) -> None:
        """Forget every entry of a sandbox."""
        self._store.clear(sandbox, LOG)

    def brief(self, entry: Entry) -> dict[str, Json]:
        """An entry as a line of the list."""
        shown: dict[str, Json] = {
            "id": entry.id,
            "at": iso(entry.at),
            "sandbox": entry.sandbox,
            "provider": entry.provider,
            "operation": entry.operation,
            "method": entry.method,
            "path": entry.path,
            "status": entry.status,
            "code": entry.code,
            "outcome": entry.outcome,
        }
        if entry.state is not None:
            shown["state"] = entry.state
        if entry.fault is not None:
            shown["fault"] = entry.fault
        return {
            **shown,
            "because": entry.because,
            "violations": entry.violations,
            "duration_ms": entry.duration_ms,
        }

    def whole(self, entry: Entry) -> dict[str, Json]:
        """An entry with its request, its response and the checks that led from one to the other."""
        return {
            **self.brief(entry),
            "request": {
                "method": entry.method,
                "path": entry.path,
                "query": entry.query,
                "headers": [list(pair) for pair in entry.request_headers],
                "body": self._body(entry.request_body, entry.request_headers),
            },
            "response": {
                "status": entry.response_status,
                "headers": [list(pair) for pair in entry.response_headers],
                "body": self._body(entry.response_body, entry.response_headers),
            },
            "checks": entry.checks,
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


def entry(
    *,
    redactor: Redactor,
    incoming: Incoming,
    reply: Reply | None,
    raw: bytes,
    violations: list[Violation],
    checks: list[dict[str, Json]],
    **facts: Any,
) -> Entry:
    """The entry of an exchange, credentials hidden before anything is stored."""
    response_headers = list(reply.headers) if reply else []
    if reply and reply.content_type:
        response_headers.append(("content-type", reply.content_type))
    # A credential may stand in its own place, and by mistake in any other.
    credentials = redactor.credentials(incoming.headers, incoming.pairs)
    return Entry(
        method=incoming.method,
        path=credentials.hide(incoming.raw_path),
        query=credentials.hide(redactor.query(incoming.query.decode("latin-1"))),
        violations=[credentials.hide_in_value(violation.as_json()) for violation in violations],
        checks=[credentials.hide_in_value(check) for check in checks],
        request_headers=credentials.hide_in_headers(redactor.headers(incoming.headers)),
        response_headers=credentials.hide_in_headers(redactor.headers(response_headers)),
        request_body=credentials.hide_in_body(raw, _kind(incoming.headers)),
        response_body=credentials.hide_in_body(reply.body if reply else b"", _kind(response_headers)),
        response_status=reply.status if reply else None,
        **facts,
    )


def _kind(headers: Headers) -> str:
    return next((value for name, value in headers if name == "content-type"), "application/json")
