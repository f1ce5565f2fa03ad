"""A request held against its document: its credentials, its body's value, and every rule it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mockserver.openapi.compiled import Document, Media, Operation, RequestBody, Route
from mockserver.openapi.parameters import Sent, Values
from mockserver.openapi.payload import OPAQUE, Payload
from mockserver.openapi.source import Json
from mockserver.openapi.violation import Violation
from mockserver.web.bodies import UnsupportedMedia, documented_media, read_payload
from mockserver.web.request import Incoming

UNSUPPORTED = "unsupported-media"


class Verdict(NamedTuple):
    """What a request is, and all that is wrong with it: in the order in which it would be refused.

    `others` are the operations it might as well be, where a body that tells nothing would have to tell.
    """

    operation: Operation
    credential: str | None
    let_in: bool
    body: Json
    fault: str | None
    violations: tuple[Violation, ...]
    # The parameters that could be read, by place and name.
    given: Values
    others: tuple[Operation, ...] = ()

    @property
    def first(self) -> Violation | None:
        """The violation to show where there is room for one."""
        return self.violations[0] if self.violations else None

    def refusal(self, but: Callable[[Violation], bool] = lambda _: False) -> Violation | None:
        """What refuses a well-formed request, `but` some; a plain violation comes before a vocal window."""
        if not self.violations:
            return None
        refusing = [v for v in self.violations if v.outcome not in (None, "unauthorized") and not but(v)]
        return next((v for v in refusing if v.outcome == "invalid"), next(iter(refusing), None))


def judge(document: Document, route: Route, path: dict[str, str], incoming: Incoming, raw: bytes) -> Verdict:
    """The verdict on a request for a route."""
    sent = incoming.sent(path)
    read = _read(document, route.operation, raw, incoming.header("content-type"))
    operation = _meant(document, route, read.payload) if route.variants else route.operation
    let_in, credential = operation.security.caller(sent)
    if credential is not None and not credential.isascii():
        credential = _as_meant(credential)
    broken, given = operation.readers.read(sent)
    found: list[Violation] = [] if let_in else list(_unauthorized(document, operation, sent))
    found.extend(broken)
    if operation.body is not None:
        found.extend(_violations(document, operation.body, read))
    value = None if read.payload.value is OPAQUE else read.payload.value
    others: tuple[Operation, ...] = ()
    if route.variants and not (isinstance(value, dict) and value):
        others = tuple(other for other, _ in route.variants)
    return Verdict(operation, credential, let_in, value, read.payload.fault, tuple(found), given, others)


def _as_meant(credential: str) -> str:
    """A key as its owner wrote it: headers are read as Latin-1, and keys beyond ASCII are sent as UTF-8."""
    try:
        return credential.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return credential


def _meant(document: Document, route: Route, payload: Payload) -> Operation:
    """The operation that a body means, of several that share a path and method."""
    if payload.fault is None and payload.value is not OPAQUE:
        for operation, place in route.variants:
            if document.schemas.allows(place, payload.value, "request"):
                return operation
    return route.operation


def _unauthorized(document: Document, operation: Operation, sent: Sent) -> Iterator[Violation]:
    scheme = operation.security.missing(sent)
    if scheme is not None:
        text = f"no credential: send {scheme.wanted}"
        yield Violation(
            "query" if scheme.location == "query" else "header",
            document.name,
            scheme.pointer,
            "security",
            scheme.wanted,
            "nothing of the kind",
            text,
            "unauthorized",
        )


class _Read(NamedTuple):
    """A body as far as it was read: in which representation, and what came of that."""

    is_missing: bool
    media: Media | None = None
    payload: Payload = Payload()


_MISSING, _UNASKED = _Read(is_missing=True), _Read(is_missing=False)


def _read(document: Document, operation: Operation, raw: bytes, content_type: str | None) -> _Read:
    if not raw:
        return _MISSING
    if operation.body is None:
        return _UNASKED
    try:
        media = documented_media(operation, content_type)
    except UnsupportedMedia as error:
        return _Read(False, None, Payload(fault=f"the content type {error} is not documented"))
    assert media is not None
    return _Read(False, media, read_payload(raw, content_type, media, document.source))


def _violations(document: Document, body: RequestBody, read: _Read) -> Iterable[Violation]:
    """What is wrong with a body; a plain tuple where nothing is, for a generator takes longer to begin."""
    if read.is_missing:
        if not body.required:
            return ()
        return (_violation(document, "body", "/body", "required", "a body", "nothing", "a body is required"),)
    fault, media = read.payload.fault, read.media
    if media is None:
        where, known = "/header/content-type", list(body.media)
        return (_violation(document, "header", where, "contentType", known, "another", fault or ""),)
    if fault is not None:
        return (_violation(document, "body", "/body", "wellFormed", media.type, fault, fault),)
    twice = [_twice(document, pointer) for pointer in read.payload.duplicates]
    if media.place is None or read.payload.value is OPAQUE:
        return twice
    invalid = document.schemas.violations(media.place, read.payload.value, where="body", pointer="/body")
    return [*twice, *invalid] if twice else invalid


def _twice(document: Document, pointer: str) -> Violation:
    text = "stands twice in one object; the last one counts"
    pointer = f"/body{pointer}"
    found = _violation(document, "body", pointer, "duplicateKey", "one value", "several", text)
    return found._replace(outcome=None)


def _violation(
    document: Document, where: str, pointer: str, rule: str, wanted: Json, got: Json, text: str
) -> Violation:
    return Violation(where, document.name, pointer, rule, wanted, got, text)
