"""A request held against its document: its credentials, its body's value, and every rule it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mockserver.openapi import parameters
from mockserver.openapi.compiled import Document, Media, Operation, Route
from mockserver.openapi.parameters import Sent
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
    others: tuple[Operation, ...] = ()

    @property
    def first(self) -> Violation | None:
        """The violation to show where there is room for one."""
        return next(iter(self.violations), None)

    def refusal(self, but: Callable[[Violation], bool] = lambda _: False) -> Violation | None:
        """What refuses a well-formed request, `but` some; a plain violation comes before a vocal window."""
        refusing = [v for v in self.violations if v.outcome not in (None, "unauthorized") and not but(v)]
        return next((v for v in refusing if v.outcome == "invalid"), next(iter(refusing), None))


def judge(document: Document, route: Route, path: dict[str, str], incoming: Incoming, raw: bytes) -> Verdict:
    """The verdict on a request for a route."""
    sent = incoming.sent(path)
    read = _Body(document, route.operation, raw, incoming.header("content-type"))
    operation = _meant(document, route, read.payload)
    let_in, credential = operation.security.caller(sent)
    credential = _as_meant(credential)
    found = [
        *(() if let_in else _unauthorized(document, operation, sent)),
        *parameters.violations(operation.parameters, sent, document.schemas),
        *read.violations(),
    ]
    value = None if read.payload.value is OPAQUE else read.payload.value
    tells = isinstance(value, dict) and value
    others = () if tells else tuple(other for other, _ in route.variants)
    return Verdict(operation, credential, let_in, value, read.fault, tuple(found), others)


def _as_meant(credential: str | None) -> str | None:
    """A key as its owner wrote it: headers are read as Latin-1, and keys beyond ASCII are sent as UTF-8."""
    try:
        return credential.encode("latin-1").decode("utf-8") if credential else credential
    except UnicodeError:
        return credential


def _meant(document: Document, route: Route, payload: Payload) -> Operation:
    """The operation that a body means, where several share a path and method."""
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


class _Body:
    """The body of a request, read by what the operation documents."""

    def __init__(
        self, document: Document, operation: Operation, raw: bytes, content_type: str | None
    ) -> None:
        self._document = document
        self._operation = operation
        self._is_missing = not raw
        self._media: Media | None = None
        self.payload = Payload()
        self.fault: str | None = None
        if raw and operation.body is not None:
            self._read(raw, content_type)

    def _read(self, raw: bytes, content_type: str | None) -> None:
        try:
            self._media = documented_media(self._operation, content_type)
        except UnsupportedMedia as error:
            self.fault = f"the content type {error} is not documented"
            self.payload = Payload(fault=UNSUPPORTED)
            return
        assert self._media is not None
        self.payload = read_payload(raw, content_type, self._media, self._document.source)
        self.fault = self.payload.fault

    def violations(self) -> Iterator[Violation]:
        body = self._operation.body
        if body is None:
            return
        if self._is_missing:
            if body.required:
                yield self._violation("body", "/body", "required", "a body", "nothing", "a body is required")
        elif self.payload.fault == UNSUPPORTED:
            known = list(body.media)
            yield self._violation(
                "header", "/header/content-type", "contentType", known, "another", self.fault or ""
            )
        elif self.fault is not None:
            wanted = self._media.type if self._media else "a body"
            yield self._violation("body", "/body", "wellFormed", wanted, self.fault, self.fault)
        else:
            yield from self._invalid()

    def _invalid(self) -> Iterator[Violation]:
        for pointer in self.payload.duplicates:
            text = "stands twice in one object; the last one counts"
            violation = self._violation(
                "body", f"/body{pointer}", "duplicateKey", "one value", "several", text
            )
            yield violation._replace(outcome=None)
        if self._media is not None and self._media.place is not None and self.payload.value is not OPAQUE:
            yield from self._document.schemas.violations(
                self._media.place, self.payload.value, where="body", pointer="/body"
            )

    def _violation(
        self, where: str, pointer: str, rule: str, wanted: Json, got: Json, text: str
    ) -> Violation:
        return Violation(where, self._document.name, pointer, rule, wanted, got, text)
