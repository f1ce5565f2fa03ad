"""GET and HEAD of some bytes: conditions and ranges, as RFC 9110 has them in its sections 13 and 14."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from hashlib import blake2b
from typing import NamedTuple

from mockserver.web.reply import Headers, Reply, problem
from mockserver.web.request import Incoming

# A player asks for one range, a reader of documents for a handful; whoever asks for more gets the whole.
MOST_RANGES = 50

_RANGE = re.compile(r"([0-9]+)-([0-9]*)|-([0-9]+)")
_TAG = re.compile(r'(W/)?("[!\x23-\x7e\x80-\xff]*")')


class Span(NamedTuple):
    """Bytes from `start` on, up to and without `end`."""

    start: int
    end: int

    def of(self, size: int) -> str:
        """The span as Content-Range has it."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


class Content(NamedTuple):
    """What is served, and what tells one state of it from another."""

    body: bytes
    content_type: str
    etag: str
    last_modified: float | None

    @property
    def headers(self) -> Headers:
        """The headers of every answer that shows it, in part or not at all."""
        dated = [("last-modified", self.date)] if self.date else []
        # A cache may keep it and has to ask each time: expiry and reset come by our clock, not by its own.
        return [("accept-ranges", "bytes"), ("etag", self.etag), *dated, ("cache-control", "no-cache")]

    @property
    def date(self) -> str | None:
        """The moment of its last change, as headers write it."""
        return None if self.last_modified is None else formatdate(self.last_modified, usegmt=True)


def answer_with(
    incoming: Incoming, body: bytes, content_type: str, etag: str, last_modified: float | None
) -> Reply:
    """The answer to a GET or HEAD: whole, a part, several parts, unchanged, or why none of these."""
    content = Content(body, content_type, etag, last_modified)
    if not _is_as_wanted(incoming, content):
        text = f"If-Match or If-Unmodified-Since does not hold: the entity tag is {etag}. Fetch it anew"
        return _with(problem("precondition-failed", 412, text), content.headers)
    if _is_known(incoming, content):
        return Reply(304, headers=content.headers)
    spans = _asked(incoming, content)
    if spans is None:
        return Reply(200, body, content_type, content.headers)
    return _partial(content, spans) if spans else _unsatisfiable(content)


# --- conditions ---------------------------------------------------------------------------------------------


def _is_as_wanted(incoming: Incoming, content: Content) -> bool:
    if wanted := _listed(incoming, "if-match"):
        return wanted == "*" or ("", content.etag) in _TAG.findall(wanted)
    before = _moment(incoming.header("if-unmodified-since"))
    return before is None or content.last_modified is None or int(content.last_modified) <= before


def _is_known(incoming: Incoming, content: Content) -> bool:
    if known := _listed(incoming, "if-none-match"):
        return known == "*" or content.etag in (tag for _, tag in _TAG.findall(known))
    since = _moment(incoming.header("if-modified-since"))
    return since is not None and content.last_modified is not None and int(content.last_modified) <= since


def _is_same(incoming: Incoming, content: Content) -> bool:
    """True where the range would continue what the client has; a date counts only as the very one we gave."""
    known = incoming.header("if-range")
    return known is None or known in (content.etag, content.date)


def _moment(text: str | None) -> float | None:
    """A date of HTTP in any of its three forms; None for what is none."""
    try:
        moment = parsedate_to_datetime(text or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _listed(incoming: Incoming, name: str) -> str:
    return ", ".join(incoming.all(name)).strip()


# --- ranges -------------------------------------------------------------------------------------------------


def _asked(incoming: Incoming, content: Content) -> list[Span] | None:
    """The spans to send, none where the content has none of them; None where it is to be sent whole."""
    # Nothing has no part: clients that ask for `bytes=0-` of everything get what there is.
    if incoming.method != "GET" or not content.body or not _is_same(incoming, content):
        return None
    pairs = _read(_listed(incoming, "range"))
    if pairs is None:
        return None
    spans = (_span(first, last, len(content.body)) for first, last in pairs)
    return _merged([span for span in spans if span])


def _read(text: str) -> list[tuple[int | None, int | None]] | None:
    """First and last byte of each range; None for another unit, bad syntax, or too many of them."""
    unit, _, ranges = text.partition("=")
    parts = [part for part in (piece.strip(" \t") for piece in ranges.split(",")) if part]
    if unit.strip().lower() != "bytes" or not 0 < len(parts) <= MOST_RANGES:
        return None
    found = [_RANGE.fullmatch(part) for part in parts]
    pairs = [(_number(one[1]), _number(one[2] or one[3])) for one in found if one]
    wrong = any(first is not None and last is not None and last < first for first, last in pairs)
    return None if wrong or len(pairs) < len(parts) else pairs


def _number(digits: str | None) -> int | None:
    # Twenty digits are beyond any size already; int() itself refuses to read thousands of them.
    return int(digits.lstrip("0")[:20] or "0") if digits else None


def _span(first: int | None, last: int | None, size: int) -> Span | None:
    """The span that a range has in a content of this size; None where it has none."""
    if first is None:
        span = Span(max(size - (last or 0), 0), size)
    else:
        span = Span(first, size if last is None else min(last + 1, size))
    return span if span.start < span.end else None


def _merged(spans: Sequence[Span]) -> list[Span]:
    """The spans, those that touch as one, in the order they were asked for: no byte is sent twice."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return sorted(merged, key=lambda whole: _first_in(whole, spans))


def _first_in(whole: Span, spans: Sequence[Span]) -> int:
    return next(at for at, span in enumerate(spans) if whole.start <= span.start < whole.end)


# --- replies ------------------------------------------------------------------------------------------------


def _partial(content: Content, spans: Sequence[Span]) -> Reply:
    size = len(content.body)
    if len(spans) > 1:
        boundary = _boundary(content, spans)
        kind = f"multipart/byteranges; boundary={boundary}"
        return Reply(206, _parts(content, spans, boundary), kind, content.headers)
    span = spans[0]
    headers = [*content.headers, ("content-range", span.of(size))]
    return Reply(206, content.body[span.start : span.end], content.content_type, headers)


def _parts(content: Content, spans: Sequence[Span], boundary: str) -> bytes:
    size, pieces = len(content.body), []
    for span in spans:
        head = (
            f"--{boundary}\r\nContent-Type: {content.content_type}\r\nContent-Range: {span.of(size)}\r\n\r\n"
        )
        pieces += [head.encode("latin-1"), content.body[span.start : span.end], b"\r\n"]
    return b"".join((*pieces, f"--{boundary}--\r\n".encode()))


def _boundary(content: Content, spans: Sequence[Span]) -> str:
    """A line that stands nowhere in the content, and is the same for the same question."""
    return blake2b(f"{content.etag} {spans}".encode(), digest_size=16).hexdigest()


def _unsatisfiable(content: Content) -> Reply:
    size = len(content.body)
    text = f"No range asked for lies in the {size} bytes there are. Ask for bytes 0 to {size - 1}"
    refused = problem("range-not-satisfiable", 416, text, size=size)
    return _with(refused, [*content.headers, ("content-range", f"bytes */{size}")])


def _with(reply: Reply, headers: Headers) -> Reply:
    reply.headers.extend(headers)
    return reply
