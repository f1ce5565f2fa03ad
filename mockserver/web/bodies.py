"""Request bodies of every media type, read into the value that their schema speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.openapi.compiled import Media, Operation
from mockserver.openapi.negotiation import essence, find_media, is_json, is_xml
from mockserver.openapi.parameters import coerce_fields, coerce_form, coerce_text, split_query
from mockserver.openapi.payload import OPAQUE, Payload, read_json
from mockserver.openapi.source import Json, Source


class UnsupportedMedia(Exception):
    """The body is of a media type that the operation does not take."""


def documented_media(operation: Operation, content_type: str | None) -> Media | None:
    """The documented representation a body is sent in; a missing content type is read as JSON."""
    if operation.body is None:
        return None
    sent = content_type or _default(operation.body.media)
    name = find_media(sent, operation.body.media)
    if name is None:
        raise UnsupportedMedia(essence(sent))
    return operation.body.media[name]


def _default(documented: Mapping[str, Media]) -> str:
    """What a body without a content type is: JSON, unless the operation takes something else only."""
    if any(is_json(name) or "*" in name for name in documented):
        return "application/json"
    return next(iter(documented), "application/json")


def read_payload(raw: bytes, content_type: str | None, media: Media, source: Source) -> Payload:
    """The body's value, or why it cannot be read."""
    sent = content_type or _default({media.type: media})
    kind = essence(sent)
    if is_json(kind):
        return read_json(raw)
    if kind == "application/x-www-form-urlencoded":
        return _form(raw, media, source)
    if kind == "multipart/form-data":
        return _multipart(raw, sent, media, source)
    if kind.startswith("text/") and not is_xml(kind):
        return _text(raw, _charset(sent), media, source)
    return Payload(OPAQUE)


_CHARSETS = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252", "utf-16")


def _charset(content_type: str) -> str:
    found = re.search(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]+)""", content_type, re.IGNORECASE)
    return found.group(1).lower() if found else "utf-8"


def _text(raw: bytes, charset: str, media: Media, source: Source) -> Payload:
    if charset not in _CHARSETS:
        return Payload(fault=f"the charset {charset} is none of {', '.join(_CHARSETS)}")
    try:
        return Payload(coerce_text(raw.decode(charset), _schema(media), source))
    except UnicodeDecodeError as error:
        return Payload(fault=f"invalid {charset.upper()} at byte {error.start}")


def _schema(media: Media) -> Json:
    return media.place.node if media.place else True


def _form(raw: bytes, media: Media, source: Source) -> Payload:
    try:
        return Payload(coerce_form(split_query(raw), _schema(media), source, media.encoding))
    except ValueError as error:
        return Payload(fault=f"not in the style of its form: {error}")


def _multipart(raw: bytes, content_type: str, media: Media, source: Source) -> Payload:
    from python_multipart.exceptions import FormParserError

    try:
        fields = list(_parts(raw, content_type))
    except (FormParserError, ValueError) as error:
        return Payload(fault=f"not multipart/form-data: {error}")
    return Payload(coerce_fields(fields, _schema(media), source, media.encoding))


def _parts(raw: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    """The fields of a form by name; bytes that are no text, as of a file, are shown as far as they are."""
    from python_multipart import FormParser
    from python_multipart.multipart import parse_options_header

    _, options = parse_options_header(content_type)
    if b"boundary" not in options:
        raise ValueError("the content type names no boundary")
    fields: list[tuple[str, str]] = []
    ended: list[bool] = []

    def on_field(field: Any) -> None:
        fields.append((field.field_name.decode("utf-8"), (field.value or b"").decode("utf-8", "replace")))

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        fields.append((file.field_name.decode("utf-8"), file.file_object.read().decode("utf-8", "replace")))

    parser = FormParser(
        "multipart/form-data",
        on_field,
        on_file,
        on_end=lambda: ended.append(True),
        boundary=options[b"boundary"],
        config={"MAX_MEMORY_FILE_SIZE": len(raw) + 1},
    )
    parser.write(raw)
    parser.finalize()
    if not ended:
        raise ValueError("the last boundary is missing")
    return iter(fields)
