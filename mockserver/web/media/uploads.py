"""Uploads: a client puts bytes in a place that a provider opened for it, and they are served again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from mockserver.domain.clock import START
from mockserver.domain.media import EXAMPLE, EXAMPLE_FILE
from mockserver.domain.ports import Tx
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
_EXAMPLES: Mapping[str, dict[str, Any]] = {
    EXAMPLE: {"content_type": "audio/mpeg", "name": EXAMPLE_FILE, "opened_at": START, "size": None}
}


class _Upload(NamedTuple):
    """A place that was opened, and the bytes that stand there once they came."""

    record: dict[str, Any]
    content: bytes | None

    @property
    def content_type(self) -> str:
        # A client named it, so it is made safe for a header.
        return header_text(self.record["content_type"]) or "application/octet-stream"


async def serve(world: World, sandbox: str, place: Place, incoming: Incoming) -> Reply:
    """The bytes that were uploaded to a place."""
    upload = await world.run(sandbox, lambda tx: _read(tx, place))
    if upload is None:
        return _unopened(place)
    if upload.content is None and place.id == EXAMPLE:
        asset = asset_for(EXAMPLE_FILE)
        assert asset is not None
        upload = upload._replace(content=asset.content)
    if upload.content is None:
        return not_found(
            f"The upload {place.id} was opened, but nothing was sent to it yet. PUT its bytes here"
        )
    # Without a date: under a clock that stands still a second upload would have that of the first.
    reply = answer_with(incoming, upload.content, upload.content_type, tag_of(upload.content), None)
    return replace(reply, headers=[*reply.headers, *_GUARDS])


async def keep(world: World, sandbox: str, place: Place, incoming: Incoming, receive: Receive) -> Reply:
    """Take the bytes of a PUT, over those of an earlier one; the type is the one the place was opened for."""
    # Clients name all sorts of types here, curl a form's and fetch a text's: none of them is asked.
    if await world.run(sandbox, lambda tx: _read(tx, place)) is None:
        return _unopened(place)
    try:
        raw = await read_body(receive, incoming, UPLOAD_BYTES)
    except TooLarge as error:
        return _too_large(incoming, error)
    # Looked up again: the sandbox may have been reset while the bytes came in.
    kept = await world.run(sandbox, lambda tx: _write(tx, place, raw))
    return Reply(200, headers=[("etag", tag_of(raw))]) if kept else _unopened(place)


def _unopened(place: Place) -> Reply:
    return not_found(
        f"No upload {place.id}/{place.name} was opened. Ask crun's getUploadUrl for a place first"
    )


def _too_large(incoming: Incoming, error: TooLarge) -> Reply:
    text = f"An upload may have {UPLOAD_BYTES} bytes, whatever --max-body says. Send a smaller file"
    told = problem("too-large", 413, text, limit=UPLOAD_BYTES)
    return replace(too_large(incoming, error, UPLOAD_BYTES), body=told.body)


# --- records ------------------------------------------------------------------------------------------------


def _read(tx: Tx, place: Place) -> _Upload | None:
    raw = tx.get(f"upload/{place.id}")
    record = json.loads(raw) if raw else _EXAMPLES.get(place.id)
    if record is None or record["name"] != place.name:
        return None
    return _Upload(record, tx.get(f"upload-bytes/{place.id}"))


def _write(tx: Tx, place: Place, content: bytes) -> bool:
    """Put the bytes in their place; False where it is gone."""
    upload = _read(tx, place)
    if upload is None:
        return False
    record = {**upload.record, "size": len(content)}
    tx.put(f"upload/{place.id}", json.dumps(record, separators=(",", ":")).encode())
    tx.put(f"upload-bytes/{place.id}", content)
    return True
