"""Calls under /_mock/media/: the files of songs, and the places that clients upload to."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from mockserver.domain.clock import iso
from mockserver.domain.media import Expired, Found
from mockserver.web import cors, faults
from mockserver.web.locate import Target
from mockserver.web.media import uploads
from mockserver.web.media.files import asset_for
from mockserver.web.media.place import MEDIA, READS, Place, fleeting, not_found, place_of
from mockserver.web.media.ranges import answer_with
from mockserver.web.reply import Reply, problem, wrong_method
from mockserver.web.request import Incoming, Receive, TooLarge, read_body
from mockserver.web.world import World


async def answer(world: World, target: Target, incoming: Incoming, receive: Receive) -> Reply:
    """The reply to a call under /_mock/media/, readable by any page where CORS is on."""
    reply = await _answered(world, target, incoming, receive)
    return cors.allow(incoming, reply) if world.settings.cors else reply


async def _answered(world: World, target: Target, incoming: Incoming, receive: Receive) -> Reply:
    place = place_of(target.path)
    methods = place.methods if place else READS
    if incoming.method == "OPTIONS":
        return cors.preflight(incoming, methods, answers=world.settings.cors)
    provider = place.folder if place and place.folder in world.documents else None
    meet = partial(faults.meet, ids=world.ids, target=target, provider=provider, operation=None)
    met = await world.run(target.sandbox, lambda tx: meet(tx, is_media=True))
    in_time = await faults.pause(incoming.wire, met.seconds)
    reply = await (
        _refrain(incoming, receive) if met.undone else _served(world, target, place, incoming, receive)
    )
    laid = faults.lay(met, reply, incoming)
    return laid.reply if in_time else faults.too_late(laid.reply)


async def _refrain(incoming: Incoming, receive: Receive) -> Reply:
    """Do nothing with a call but hear it out: a client that still sends would not see how it ends."""
    with suppress(TooLarge):
        await read_body(receive, incoming, uploads.UPLOAD_BYTES)
    return faults.NOTHING


async def _served(
    world: World, target: Target, place: Place | None, incoming: Incoming, receive: Receive
) -> Reply:
    methods = place.methods if place else READS
    if place is None:
        return not_found(
            f"{target.path[:300]} names no file. Files stand at {MEDIA}/<provider>/<song>/<file>"
        )
    if incoming.method not in methods:
        return _wrong_method(target, methods)
    if not place.is_upload:
        return await _file(world, target.sandbox, place, incoming)
    if incoming.method == "PUT":
        return await uploads.keep(world, target.sandbox, place, incoming, receive)
    return await uploads.serve(world, target.sandbox, place, incoming)


def _wrong_method(target: Target, methods: tuple[str, ...]) -> Reply:
    wanted = [*methods, "OPTIONS"]
    return wrong_method(f"{target.path[:300]} takes", wanted, allowed=wanted)


async def _file(world: World, sandbox: str, place: Place, incoming: Incoming) -> Reply:
    asset = asset_for(place.name)
    if asset is None:
        return not_found(
            f"No file is called {place.name!r} here. Take its URL from an answer of the provider"
        )
    found = await world.run(sandbox, lambda tx: world.media(tx, sandbox, *place))
    if isinstance(found, Found):
        return answer_with(incoming, asset.content, asset.content_type, asset.etag, found.created_at)
    return _expired(place, found) if isinstance(found, Expired) else _unknown(place, sandbox)


def _expired(place: Place, found: Expired) -> Reply:
    text = (
        f"{place.name} of the {place.folder} song {place.id} expired at {iso(found.at)}: {place.folder} "
        "keeps media for a limited time. Make a fresh song, and download its files before they expire"
    )
    return fleeting(problem("media-expired", 410, text, expired_at=iso(found.at)))


def _unknown(place: Place, sandbox: str) -> Reply:
    return not_found(
        f"The sandbox {sandbox} has no {place.name} of a {place.folder} song {place.id}. "
        "Make a song there, and take the URL from its task"
    )
