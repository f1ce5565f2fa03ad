"""The answer for a document without an adapter: an example of it, or a body generated from its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import urlencode

from mockserver.openapi.compiled import Document, Example, Header, Media, Operation, Response
from mockserver.openapi.negotiation import choose, concrete, essence, is_json, is_xml
from mockserver.openapi.parameters import types_of
from mockserver.openapi.payload import write_json, write_plain
from mockserver.openapi.schemas import Place
from mockserver.openapi.source import Json
from mockserver.web.choice import Choice
from mockserver.web.reply import JSON, Headers, Reply, header_text

# What belongs to the connection and not to a document.
_OURS = frozenset(
    ("content-type", "content-length", "transfer-encoding", "connection", "date", "trailer", "upgrade")
)
_FORM = "application/x-www-form-urlencoded"


# Why a request is refused is said in some media type, even to a caller who wants none of them.
_REFUSALS = ("unauthorized", "invalid", "http-415")


class NotAcceptable(Exception):
    """None of the documented media types is one that the caller accepts."""

    def __init__(self, offered: Iterable[str]) -> None:
        self.offered = list(offered)
        super().__init__(", ".join(self.offered))


class Unmade(Exception):
    """No value could be made for a documented schema."""


class Body(NamedTuple):
    """A body before it is written: its value, and how it is represented."""

    value: Json
    media: Media | None
    raw: bytes
    headers: tuple[tuple[Header, Json], ...] = ()


class Told(NamedTuple):
    """The documented headers of a response: as they travel, and as their values."""

    lines: Headers
    values: tuple[tuple[Header, Json], ...]


_MOST_KEPT = 1000
_LONGEST_ACCEPT = 200


class Stateless:
    """Writes documented answers; the same seed gives the same bodies."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: dict[tuple[str, str, str, str], Json] = {}
        # What the document alone decides is the same every time, and is written once.
        self._static: dict[tuple[str, str, str, int, str | None, str | None], tuple[Reply, Body]] = {}
        self._headers: dict[tuple[str, str, str], Told] = {}

    def write(
        self,
        document: Document,
        operation: Operation,
        choice: Choice,
        *,
        accept: str | None,
        variety: bytes = b"",
        shown: Callable[[Json], Json] | None = None,
    ) -> tuple[Reply, Body]:
        """The reply for a choice; NotAcceptable where the caller takes none of its media types.

        `shown` is given the body and gives the one to send.
        """
        if choice.living is not None and not variety:
            return self._of_state(document, operation, choice)
        if variety or shown is not None:
            return self._written(document, operation, choice, accept, variety, shown)
        example = choice.example.pointer if choice.example else None
        key = (document.name, operation.name, choice.outcome, choice.status, example, accept)
        known = self._static.get(key)
        if known is None:
            known = self._written(document, operation, choice, accept, variety, shown)
            # Callers may accept whatever they like, and what is theirs is not to fill the memory.
            if len(self._static) < _MOST_KEPT and len(accept or "") <= _LONGEST_ACCEPT:
                self._static[key] = known
        return known

    def _of_state(self, document: Document, operation: Operation, choice: Choice) -> tuple[Reply, Body]:
        """The reply whose body an adapter has made."""
        response, example = choice.response, choice.example
        assert response is not None
        assert example is not None
        media, headers = response.media[example.media], self._told(document, operation, response)
        if media.type == JSON:
            raw = choice.raw or write_plain(choice.body)
        else:
            maker = _Maker(document, operation, response, self._seed, b"", self._made)
            raw = maker.written(media, media.type, choice.body)
        body = Body(choice.body, media, raw, headers.values)
        return Reply(choice.status, raw, media.type, headers.lines), body

    def _told(self, document: Document, operation: Operation, response: Response) -> Told:
        """The documented headers of a response, made once."""
        key = (document.name, operation.name, response.status)
        known = self._headers.get(key)
        if known is None:
            maker = _Maker(document, operation, response, self._seed, b"", self._made)
            values = tuple(maker.headers())
            lines = [pair for header, value in values for pair in _lines(header, value)]
            known = self._headers[key] = Told(lines, values)
        return known

    def _written(
        self,
        document: Document,
        operation: Operation,
        choice: Choice,
        accept: str | None,
        variety: bytes,
        shown: Callable[[Json], Json] | None,
    ) -> tuple[Reply, Body]:
        response = choice.response
        if response is None:
            raise LookupError(f"{operation.name} documents no answer for {choice.outcome}")
        media = self._media(operation, response, choice, accept)
        maker = _Maker(document, operation, response, self._seed, variety, self._made)
        told = tuple(maker.headers())
        headers = [pair for header, value in told for pair in _lines(header, value)]
        if media is None or choice.status in (204, 205, 304):
            return Reply(choice.status, headers=headers), Body(None, None, b"", told)
        kind = media.type if operation.marked else concrete(accept, media.type)
        value = maker.value(media, kind, choice.example)
        value = shown(value) if shown else value
        raw = maker.written(media, kind, value)
        return Reply(choice.status, raw, kind, headers), Body(value, media, raw, told)

    def _media(
        self, operation: Operation, response: Response, choice: Choice, accept: str | None
    ) -> Media | None:
        if not response.media:
            return None
        if operation.marked:
            # A provider with a format of its own answers in it, whatever the caller says it accepts.
            return response.media[choice.example.media if choice.example else next(iter(response.media))]
        offered = _showing(choice.example, response.media)
        chosen = choose(accept, offered)
        if chosen is not None:
            return response.media[chosen]
        if choice.outcome in _REFUSALS:
            return next(iter(offered.values()))
        raise NotAcceptable(offered)


def _showing(example: Example | None, media: Mapping[str, Media]) -> Mapping[str, Media]:
    """The representations that show an example of that name; all of them where none is meant."""
    if example is None:
        return media
    return {name: one for name, one in media.items() if any(e.name == example.name for e in one.examples)}


class _Maker:
    """Makes the parts of one reply."""

    def __init__(
        self,
        document: Document,
        operation: Operation,
        response: Response,
        seed: int,
        variety: bytes,
        made: dict[tuple[str, str, str, str], Json],
    ) -> None:
        self._document = document
        self._operation = operation
        self._response = response
        self._seed = seed
        self._variety = variety
        self._made = made

    def value(self, media: Media, kind: str, example: Example | None) -> Json:
        """The value to show: the example that is meant, the first one, or a generated one."""
        made_up = self._variety and (example is None or example.outcome in (None, "success"))
        if not made_up:
            if example is not None and example.media == media.type:
                return example.value
            shown = self._first(media, example)
            if shown is not None:
                return shown.value
        return self._generated(media, kind, example)

    def _first(self, media: Media, meant: Example | None) -> Example | None:
        """The example of that name in this media type, or its first."""
        fitting = [e for e in media.examples if e.operation in (None, self._operation.name)]
        named = (e for e in fitting if meant is not None and e.name == meant.name)
        return next(named, None) or next(iter(fitting), None)

    def _generated(self, media: Media, kind: str, example: Example | None) -> Json:
        if media.place is None:
            return {} if is_json(kind) else ""
        if self._variety and example is not None:
            return self._generate(self._pinned(media.place, example), media.type)
        structured = is_json(kind) or is_xml(kind) or essence(kind) == _FORM
        if structured or types_of(media.place.node, self._document.source):
            return self._kept(media.place, media.type)
        # What may be anything is a text where it travels as one.
        text = Place("", {"allOf": [media.place.node, {"type": "string"}]})
        with suppress(Unmade):
            return self._kept(text, f"{media.type} as text")
        return self._kept(media.place, media.type)

    def _kept(self, place: Place, part: str) -> Json:
        """A generated value; made once, but where every call is to get another."""
        key = (self._document.name, self._operation.name, self._response.status, part)
        if self._variety:
            return self._generate(place, part)
        if key not in self._made:
            self._made[key] = self._generate(place, part)
        return self._made[key]

    def _pinned(self, place: Place, example: Example | None) -> Place:
        """The schema, its code held to the example's: a made-up success is still a success."""
        code = self._document.envelope.read(example.value)[0] if example is not None else None
        if code is None:
            return place
        schema: Json = {"const": code}
        for name in reversed(self._document.envelope.code[0].split("/")[1:]):
            schema = {"type": "object", "required": [name], "properties": {name: schema}}
        return place._replace(node={"allOf": [place.node, schema]})

    def _generate(self, place: Place, part: str) -> Json:
        from mockserver.openapi.sample import Unsatisfiable, generate

        schemas = self._document.schemas
        parts = (self._document.name, self._operation.name, self._response.status, part)
        text = "\n".join((str(self._seed), *parts)).encode() + self._variety
        try:
            return generate(
                place.node,
                resolve=self._document.source.resolve,
                accepts=schemas.accepts,
                seed=blake2b(text, digest_size=16).digest(),
                dialect=self._document.source.version,
                use_examples=not self._variety,
                name=self._operation.name,
            )
        except Unsatisfiable as error:
            raise Unmade(str(error)) from None

    def written(self, media: Media, kind: str, value: Json) -> bytes:
        """A value in its representation."""
        if is_json(kind):
            return write_json(value)
        if isinstance(value, str):
            return value.encode("utf-8", "surrogatepass")
        if is_xml(kind):
            return self._xml(media, value)
        if essence(kind) == _FORM and isinstance(value, dict):
            return _form(value)
        return write_json(value)

    def _xml(self, media: Media, value: Json) -> bytes:
        from mockserver.openapi.xml import to_xml

        schema = media.place.node if media.place else {}
        return to_xml(value, schema, self._document.source.resolve, "response")

    def headers(self) -> Iterator[tuple[Header, Json]]:
        """The documented headers of the response, each with its example or a value of its schema."""
        for header in self._response.headers:
            if header.name.lower() not in _OURS:
                yield header, self._header(header)

    def _header(self, header: Header) -> Json:
        if header.example is not None:
            return header.example
        return "" if header.place is None else self._kept(header.place, f"header {header.name}")


def _lines(header: Header, value: Json) -> Iterator[tuple[str, str]]:
    """A header as it travels: on one line, but for cookies, each of which has its own."""
    values = value if header.name.lower() == "set-cookie" and isinstance(value, list) else [value]
    for item in values:
        text = item if not header.as_json or isinstance(item, str) else write_json(item).decode()
        yield header_text(header.name), header_text(_plain(text, "=" if header.explode else ","))


def _form(value: Mapping[str, Json]) -> bytes:
    fields = {
        name: [_plain(item) for item in (item if isinstance(item, list) else [item])]
        for name, item in value.items()
    }
    return urlencode(fields, doseq=True).encode()


def _plain(value: Json, equals: str = ",") -> str:
    """A value in the style `simple`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return ",".join(f"{name}{equals}{_plain(item)}" for name, item in value.items())
    return "" if value is None else str(value)
