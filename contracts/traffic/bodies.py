"""Recorded bodies read into the value that their schema speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.parser import BytesParser
from email.policy import HTTP

from contracts.traffic.exchange import NO_VALUE, Body
from mockserver.openapi.compiled import Media
from mockserver.openapi.negotiation import essence, is_json, is_xml
from mockserver.openapi.parameters import coerce_fields, coerce_form, coerce_text, split_query
from mockserver.openapi.payload import OPAQUE, Payload, read_json, write_json
from mockserver.openapi.source import Json, Source

_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]+)""", re.IGNORECASE)


def read(body: Body, content_type: str, media: Media, source: Source) -> Payload:
    """The value of a body, or why it cannot be read."""
    if body.fault is not None:
        return Payload(fault=body.fault)
    if body.value is not NO_VALUE:
        return _written(body.value)
    schema: Json = media.place.node if media.place else True
    if body.fields:
        return Payload(coerce_fields(body.fields, schema, source, media.encoding))
    kind = essence(content_type)
    if is_json(kind):
        return read_json(body.raw.removeprefix(b"\xef\xbb\xbf"))
    if kind == "application/x-www-form-urlencoded":
        return _form(body.raw, media, schema, source)
    if kind == "multipart/form-data":
        return _multipart(body.raw, content_type, media, schema, source)
    if kind.startswith("text/") and not is_xml(kind):
        return _text(body.raw, content_type, schema, source)
    return Payload(OPAQUE)


def usual_type(documented: Iterable[str]) -> str:
    """What a body without a content type is: JSON, unless something else only is documented."""
    names = list(documented)
    if any(is_json(name) or "*" in name for name in names):
        return "application/json"
    return next(iter(names), "application/json")


def _written(value: Json) -> Payload:
    """A value that its format has read already, held to what JSON may be: YAML has loops, and more types."""
    try:
        return read_json(write_json(value))
    except (ValueError, TypeError, RecursionError):
        return Payload(fault="not a JSON value")


def _form(raw: bytes, media: Media, schema: Json, source: Source) -> Payload:
    try:
        return Payload(coerce_form(split_query(raw), schema, source, media.encoding))
    except ValueError as error:
        return Payload(fault=f"not in the style of its form: {error}")


def _multipart(raw: bytes, content_type: str, media: Media, schema: Json, source: Source) -> Payload:
    parsed = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + raw
    )
    if not parsed.is_multipart() or parsed.defects:
        return Payload(fault="not multipart/form-data: its boundaries cannot be found")
    fields = list(_fields(parsed.iter_parts()))
    return Payload(coerce_fields(fields, schema, source, media.encoding))


def _fields(parts: Iterator[Json]) -> Iterator[tuple[str, str]]:
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True) or b""
        if isinstance(name, str):
            yield name, content.decode("utf-8", "replace")


def _text(raw: bytes, content_type: str, schema: Json, source: Source) -> Payload:
    found = _CHARSET.search(content_type)
    try:
        text = raw.decode(found[1] if found else "utf-8")
    except (UnicodeDecodeError, LookupError):
        return Payload(OPAQUE)
    return Payload(coerce_text(text, schema, source))
