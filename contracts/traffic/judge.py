"""One recorded exchange held against its operation: the request, then the response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from contracts.finding import Finding, Severity, Side, Where
from contracts.traffic import bodies, curl, extra, partial
from contracts.traffic.asked import Asked
from contracts.traffic.exchange import NO_VALUE, Body, Exchange, Json
from contracts.traffic.locate import Found, Lost
from contracts.traffic.secrets import SHOWN, Secrets, is_blanked, missing
from mockserver.openapi import parameters
from mockserver.openapi.compiled import SUCCESS, Document, Media, Operation, Response
from mockserver.openapi.examples import body_violations, header_violations
from mockserver.openapi.negotiation import essence, find_media, is_json, is_xml
from mockserver.openapi.parameters import Parameter, Sent, split_query, types_of
from mockserver.openapi.payload import OPAQUE
from mockserver.openapi.schemas import Place
from mockserver.openapi.violation import Violation

SECURITY = "security"
# What these say they got are our own words, never the sender's.
_WORDED = ("required", "dependentRequired", SECURITY, "style")
_EXTRA = ("additionalProperties", "unevaluatedProperties")
_MOVED = (301, 302, 303, 307, 308)
_WITHOUT_BODY = (204, 205, 304)


@dataclass(frozen=True)
class Scribe:
    """Writes findings about one exchange; no secret of it gets into them."""

    file: str
    exchange: Exchange
    places: frozenset[tuple[str, str]]
    document: Document | None = None
    operation: Operation | None = None

    @cached_property
    def _secrets(self) -> Secrets:
        return Secrets(self.exchange, self.places)

    @cached_property
    def _curl(self) -> str:
        return curl.command(self.exchange, self.document, self.operation, self._secrets)

    def finding(
        self,
        side: Side,
        rule: str,
        pointer: str,
        wanted: Json,
        got: Json,
        text: str,
        severity: Severity = "error",
    ) -> Finding:
        """The finding that something is wrong at a pointer."""
        shown = got if rule in _WORDED else self._shown(pointer, got)
        if shown != got:
            text = f"breaks the rule {rule}, got {shown}"
        return Finding(
            severity=severity,
            rule=rule,
            message=self._secrets.hide(f"{pointer}: {text}"),
            document=self.document.name if self.document else None,
            operation=self.operation.name if self.operation else None,
            pointer=self._secrets.hide(pointer),
            wanted=wanted,
            got=shown,
            where=Where(self.file, self.exchange.line, self.exchange.index, side),
            reproduce=self._curl,
        )

    def _shown(self, pointer: str, got: Json) -> Json:
        _, place, *names = pointer.split("/") if pointer.count("/") else ("", "", "")
        if (
            got != "nothing"
            and isinstance(got, str)
            and any(self._secrets.is_secret(place, n) for n in names)
        ):
            return SHOWN
        return self._secrets.hide_in(got)

    def broken(self, side: Side, violation: Violation) -> Finding:
        """The finding of a rule of the document that was broken."""
        light = violation.rule in _EXTRA or violation.outcome is None
        return self.finding(
            side,
            violation.rule,
            violation.pointer,
            violation.wanted,
            violation.got,
            violation.message,
            "warning" if light else "error",
        )

    def extra(self, side: Side, pointer: str) -> Finding:
        """The finding of something that the document does not mention."""
        text = "is not documented"
        return self.finding(side, "undocumented", pointer, "a documented field", "another", text, "warning")


def lost(scribe: Scribe, miss: Lost, severity: Severity) -> Finding:
    """The finding of a call to a route that nobody documents."""
    if miss.rule == "method":
        wanted: Json = list(miss.wanted)
        text = f"{miss.got} is not documented for this path, {', '.join(wanted)} is"
    else:
        whose = f"in {miss.document.name}'s document" if miss.document else "in any document"
        wanted, text = "a documented path", f"no operation {scribe.exchange.method} {miss.got} {whose}"
    return scribe.finding("request", miss.rule, f"/{miss.rule}", wanted, miss.got, text, severity)


def judge(found: Found, scribe: Scribe) -> tuple[list[Finding], str | None]:
    """What an exchange breaks, and why its answer was not judged where it was not."""
    request = _Request(found, scribe)
    told, aside = request.answer()
    return [*request.findings(), *told], aside


def judge_answer(found: Found, scribe: Scribe) -> list[Finding]:
    """What the answer of an exchange breaks, whatever its request was."""
    return _Request(found, scribe).answer()[0]


class _Request:
    def __init__(self, found: Found, scribe: Scribe) -> None:
        self.document, self._exchange = found.document, scribe.exchange
        query = split_query(found.url.query.encode("utf-8", "replace"))
        self._sent = Sent(found.parameters, query, scribe.exchange.request.headers)
        self._asked = Asked(found, scribe.exchange)
        self.operation = self._asked.operation
        self.scribe = Scribe(scribe.file, scribe.exchange, scribe.places, found.document, self.operation)

    def answer(self) -> tuple[list[Finding], str | None]:
        """What the answer breaks, and why it was not judged where it was not."""
        response = _Answer(self.document, self.operation, self.scribe)
        aside = response.aside()
        return ([] if aside else list(response.findings())), aside

    def findings(self) -> Iterator[Finding]:
        """What the request breaks."""
        schemas, told = self.document.schemas, self.scribe
        if (scheme := missing(self.operation.security, self._exchange, self._sent)) is not None:
            text, got = f"no credential: send {scheme.wanted}", "nothing of the kind"
            yield told.finding("request", SECURITY, scheme.pointer, scheme.wanted, got, text)
        for violation in _plain(parameters.violations(self.operation.parameters, self._sent, schemas)):
            yield told.broken("request", violation)
        yield from (told.extra("request", pointer) for pointer in self._extra_query())
        if self.operation.body is not None and self._exchange.request.body.is_kept:
            yield from self._body()

    def _extra_query(self) -> Iterator[str]:
        documented = [one for one in self.operation.parameters if one.location == "query"]
        if any(self._takes_many(parameter) for parameter in documented):
            return
        known = {one.name for one in documented}
        known |= {key for location, key in self.document.secrets() if location == "query"}
        for name in dict.fromkeys(name for name, _ in self._sent.query):
            if name not in known:
                yield f"/query/{name.replace('~', '~0').replace('/', '~1')}"

    def _takes_many(self, parameter: Parameter) -> bool:
        """True for an object that is spread over names of its own."""
        if parameter.style == "deepObject" or parameter.place is None:
            return parameter.style == "deepObject"
        return parameter.explode and "object" in types_of(parameter.place.node, self.document.source)

    def _body(self) -> Iterator[Finding]:
        told, body = self.scribe, self.operation.body
        assert body is not None
        if self._exchange.request.body.is_empty:
            if body.required:
                text = "a body is required"
                yield told.finding("request", "required", "/body", "a body", "nothing", text)
        elif self._asked.media is None:
            sent = essence(self._asked.content_type(self.operation))
            text = f"the content type {sent} is not documented"
            yield told.finding("request", "contentType", "/header/content-type", list(body.media), sent, text)
        elif (fault := self._asked.payload.fault) is not None:
            yield told.finding(
                "request", "wellFormed", "/body", self._asked.media.type, "something else", fault
            )
        else:
            yield from self._value(self._asked.media)

    def _value(self, media: Media) -> Iterator[Finding]:
        payload = self._asked.payload
        for pointer in payload.duplicates:
            text = "stands twice in one object; the last one counts"
            yield self.scribe.finding(
                "request", "duplicateKey", f"/body{pointer}", "one value", "several", text, "warning"
            )
        if media.place is None or payload.value is OPAQUE:
            return
        schemas = self.document.schemas
        for violation in _plain(
            schemas.violations(media.place, payload.value, where="body", pointer="/body")
        ):
            yield self.scribe.broken("request", violation)
        for pointer in extra.undocumented(self.document.source, media.place.node, payload.value, "/body"):
            yield self.scribe.extra("request", pointer)


class _Answer:
    def __init__(self, document: Document, operation: Operation, scribe: Scribe) -> None:
        self._document, self._operation, self._scribe = document, operation, scribe
        self._exchange = scribe.exchange

    def aside(self) -> str | None:
        """Why the answer is none of the operation's, if it is none."""
        exchange = self._exchange
        if exchange.answer_aside is not None or exchange.status is None:
            return exchange.answer_aside or "no answer was recorded"
        if any(response.status == str(exchange.status) for response in self._operation.responses):
            return None
        if exchange.status in _MOVED and exchange.response.header("location") is not None:
            return "a redirect"
        return "not modified" if exchange.status == 304 else None

    def findings(self) -> Iterator[Finding]:
        status = self._exchange.status
        assert status is not None
        response = self._operation.response(status) or self._by_code(status)
        if response is None:
            known = [response.status for response in self._operation.responses]
            text = f"{status} is not documented, {', '.join(known)} are"
            yield self._scribe.finding("response", "status", "/status", known, status, text)
            return
        yield from self._headers(response)
        if self._exchange.method != "HEAD" and status not in _WITHOUT_BODY:
            yield from self._body(response)

    def _by_code(self, status: int) -> Response | None:
        """Where refusals travel under a success's status, one that had its own is told by the body's code."""
        success = self._operation.answers.get(SUCCESS)
        if not self._document.envelope.is_numeric or success is None:
            return None
        body = self._exchange.response.body
        value = body.value
        if value is NO_VALUE:
            value = bodies.read(body, "application/json", _ANY, self._document.source).value
        return success.response if self._document.envelope.read(value)[0] == status else None

    def _headers(self, response: Response) -> Iterator[Finding]:
        for header in response.headers:
            value = self._exchange.response.header(header.name.lower())
            pointer = f"/header/{header.name.lower()}"
            if value is None:
                if header.required and not self._exchange.is_partial:
                    yield self._scribe.finding(
                        "response", "required", pointer, "a value", "nothing", "is required"
                    )
            elif not is_blanked(value):
                for violation in header_violations(self._document, header, value):
                    yield self._scribe.broken("response", violation)

    def _body(self, response: Response) -> Iterator[Finding]:
        body = self._exchange.response.body
        if not response.media:
            return
        if body.is_empty and not self._exchange.is_partial:
            wanted, text = list(response.media), "a body is documented, and none came"
            yield self._scribe.finding("response", "required", "/body", wanted, "nothing", text)
            return
        if body.is_empty:
            return
        content_type = self._content_type(response)
        name = find_media(content_type, response.media)
        if name is None:
            sent, wanted = essence(content_type), list(response.media)
            text = f"the content type {sent} is not documented"
            yield self._scribe.finding("response", "contentType", "/header/content-type", wanted, sent, text)
        elif body.is_kept:
            yield from self._read(body, content_type, response.media[name])

    def _content_type(self, response: Response) -> str:
        message = self._exchange.response
        told = message.header("content-type") or message.body.media
        # Chrome's word for an answer without a type.
        return told if told and told != "x-unknown" else bodies.usual_type(response.media)

    def _read(self, body: Body, content_type: str, media: Media) -> Iterator[Finding]:
        payload = bodies.read(body, content_type, media, self._document.source)
        if payload.fault is not None:
            yield self._scribe.finding(
                "response", "wellFormed", "/body", media.type, "something else", payload.fault
            )
        elif media.place is not None and payload.value is not OPAQUE and not is_xml(content_type):
            for violation in _plain(self._violations(payload.value, content_type, media, media.place)):
                yield self._scribe.broken("response", violation)
            for pointer in extra.undocumented(
                self._document.source, media.place.node, payload.value, "/body"
            ):
                yield self._scribe.extra("response", pointer)

    def _violations(self, value: Json, content_type: str, media: Media, place: Place) -> Iterable[Violation]:
        kind = media.type if is_json(content_type) else essence(content_type)

        def check(said: Json) -> Iterator[Violation]:
            return body_violations(self._document, place, kind, said)

        return partial.violations(value, media.examples, check) if self._exchange.is_partial else check(value)


def _plain(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Each mistake once: what was blanked is none, and a value of another type is in no enum either."""
    # Two parts of a schema may say the same of one field.
    found = {(one.pointer, one.rule): one for one in violations if not is_blanked(one.got)}
    for (pointer, rule), violation in found.items():
        if rule not in ("enum", "const") or (pointer, "type") not in found:
            yield violation


_ANY = Media("application/json", "", None)
