"""Uploads: a client puts bytes in a place that a provider opened for it, and they are served again."""

from __future__ import annotations

from dataclasses import replace

from mockserver.domain import uploads
from mockserver.domain.clock import START
from mockserver.domain.media import EXAMPLE, EXAMPLE_FILE
from mockserver.domain.ports import Tx
from mockserver.domain.uploads import Upload
from mockserver.web.media.files import asset_for, tag_of
from mockserver.web.media.place import Place, not_found
from mockserver.web.media.ranges import answer_with
from mockserver.web.reply import Reply, header_text, problem
from mockserver.web.request import Incoming, Receive, TooLarge, read_body, too_large
from mockserver.web.world import World

UPLOAD_BYTES = 64 * 1024 * 1024

# What a client uploads may be a page; it must not act as one of our own and steer the control API.
_GUARDS = [("content-security-policy", "sandbox"), ("x-content-type-options", "nosniff")]


# Open without anybody's asking: a document's example leads there.
_EXAMPLE = Upload(EXAMPLE, EXAMPLE_FILE, "audio/mpeg", START)


async def serve(world: World, sandbox: str, place: Place, incoming: Incoming) -> Reply:
    """The bytes that were uploaded to a place."""
    upload, content = await world.run(sandbox, lambda tx: (_opened(tx, place), uploads.content(tx, place.id)))
    if upload is None:
        return _unopened(place)
    if content is None and upload == _EXAMPLE:
        asset = asset_for(EXAMPLE_FILE)
        content = asset.content if asset else None
    if content is None:
        return not_found(
            f"The upload {place.id} was opened, but nothing was sent to it yet. PUT its bytes here"
        )
    # A client named the type, so it is made safe for a header.
    kind = header_text(upload.content_type) or "application/octet-stream"
    # Without a date: under a clock that stands still a second upload would have that of the first.
    reply = answer_with(incoming, content, kind, tag_of(content), None)
    return replace(reply, headers=[*reply.headers, *_GUARDS])


async def keep(world: World, sandbox: str, place: Place, incoming: Incoming, receive: Receive) -> Reply:
    """Take the bytes of a PUT, over those of an earlier one; the type is the one the place was opened for."""
    # Clients name all sorts of types here, curl a form's and fetch a text's: none of them is asked.
    if await world.run(sandbox, lambda tx: _opened(tx, place)) is None:
        return _unopened(place)
    try:
        raw = await read_body(receive, incoming, UPLOAD_BYTES)
    except TooLarge as error:
        return _too_large(incoming, error)
    kept = await world.run(sandbox, lambda tx: _fill(tx, place, raw))
    return Reply(200, headers=[("etag", tag_of(raw))]) if kept else _unopened(place)


def _opened(tx: Tx, place: Place) -> Upload | None:
    upload = uploads.find(tx, place.id) or (_EXAMPLE if place.id == EXAMPLE else None)
    return upload if upload and upload.name == place.name else None


def _fill(tx: Tx, place: Place, content: bytes) -> bool:
    """Put the bytes in their place; False where it is gone, as after a reset while they came in."""
    upload = _opened(tx, place)
    if upload is not None:
        uploads.fill(tx, upload, content)
    return upload is not None


def _unopened(place: Place) -> Reply:
    return not_found(
        f"No upload {place.id}/{place.name} was opened. Ask crun's getUploadUrl for a place first"
    )


def _too_large(incoming: Incoming, error: TooLarge) -> Reply:
    text = f"An upload may have {UPLOAD_BYTES} bytes, whatever --max-body says. Send a smaller file"
    told = problem("too-large", 413, text, limit=UPLOAD_BYTES)
    return replace(too_large(incoming, error, UPLOAD_BYTES), body=told.body)
