"""VCR.py cassettes, in YAML and in JSON."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import yaml

from contracts.traffic.exchange import (
    EMPTY_BODY,
    UNKNOWN_BODY,
    Body,
    Exchange,
    Json,
    Message,
    Pairs,
    Unreadable,
    sides,
)

_INTERACTION = "an interaction with request and response, as VCR.py records it"
# A small body may unpack to one that fills the memory.
_LARGEST = 64 << 20

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader, for which Python's own tags are plain texts, lists and mappings."""


def _plain(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


# Older cassettes hold !!python/unicode and the like.
_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _plain)


def interactions(text: str) -> Iterator[tuple[int, Json]] | None:
    """Each interaction and its line; None where the text is no cassette; yaml.YAMLError for bad YAML."""
    loader: Any = _Loader(text)
    try:
        root = loader.get_single_node()
        data = loader.construct_document(root) if isinstance(root, yaml.MappingNode) else None
    finally:
        loader.dispose()
    if not isinstance(data, dict) or not isinstance(data.get("interactions"), list):
        return None
    listed = next(node for key, node in root.value if key.value == "interactions")
    lines = [node.start_mark.line + 1 for node in listed.value]
    return iter(list(zip(lines, data["interactions"], strict=True)))


def exchange(interaction: Json, index: int, line: int | None) -> Exchange:
    """The exchange of one interaction; Unreadable where it lacks a part."""
    request, response = sides(interaction, "interaction", _INTERACTION)
    url = request.get("uri", request.get("url"))
    if not isinstance(request.get("method"), str) or not isinstance(url, str):
        raise Unreadable("the request has no method or no uri", _INTERACTION)
    status = response.get("status", response.get("status_code"))
    code = status.get("code") if isinstance(status, dict) else status
    if type(code) is not int:
        raise Unreadable("the response has no status code", _INTERACTION)
    sent, received = _pairs(request.get("headers")), _pairs(response.get("headers"))
    return Exchange(
        index=index,
        line=line,
        method=request["method"].upper(),
        url=url,
        request=Message(sent, _body(request.get("body"), sent)),
        status=code,
        response=Message(received, _body(response.get("body", response.get("content")), received)),
    )


def _pairs(headers: Json) -> Pairs:
    if not isinstance(headers, dict):
        return []
    found: list[tuple[str, str]] = []
    for name, values in headers.items():
        listed = values if isinstance(values, list) else [values]
        found.extend((_text(name).lower(), _text(value)) for value in listed)
    return found


def _text(value: Json) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _body(body: Json, headers: Pairs) -> Body:
    if isinstance(body, dict) and "string" in body:
        body = body["string"]
    if body is None:
        return EMPTY_BODY
    if isinstance(body, str | bytes):
        raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        return unpacked(raw, next((value for name, value in headers if name == "content-encoding"), ""))
    return Body(value=body) if body else EMPTY_BODY


def unpacked(raw: bytes, encoding: str) -> Body:
    """A body as it was before it was packed; one that was recorded unpacked is left as it is."""
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        if name in ("gzip", "x-gzip") and raw.startswith(b"\x1f\x8b"):
            window = 31
        elif name == "deflate" and raw[:1] not in (b"{", b"["):
            window = 15 if raw[:1] == b"\x78" else -15
        elif name in ("br", "zstd", "compress") and not _is_text(raw):
            return UNKNOWN_BODY  # the standard library has no reader for these
        else:
            continue
        try:
            unpacker = zlib.decompressobj(window)
            raw = unpacker.decompress(raw, _LARGEST)
        except zlib.error:
            return Body(raw=raw, fault=f"not {name}, though content-encoding says so")
        if not unpacker.eof:
            is_large = len(raw) >= _LARGEST
            return UNKNOWN_BODY if is_large else Body(raw=raw, fault=f"the {name} data breaks off")
    return Body(raw=raw)


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
