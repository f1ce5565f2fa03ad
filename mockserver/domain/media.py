"""Whether a file behind a URL is there: made already, and not yet deleted."""

from __future__ import annotations

from typing import Final, NamedTuple

from mockserver.domain.clock import START
from mockserver.domain.lifecycle import is_there
from mockserver.domain.model import SongView
from mockserver.domain.policy import Policy
from mockserver.domain.records import seconds
from mockserver.domain.service import Service

# The song and the upload that a document's examples are about: always there, whatever the state.
EXAMPLE: Final = "example"
EXAMPLE_FILE: Final = f"{EXAMPLE}.mp3"


class Found(NamedTuple):
    """The file is there since a moment."""

    created_at: float


class Expired(NamedTuple):
    """The provider has deleted it at a moment."""

    at: float


class Unknown(NamedTuple):
    """There is no such file, or not yet."""


def find(service: Service, song: str, role: str) -> Found | Expired | Unknown:
    """What has become of a song's file at the service's moment."""
    if song == EXAMPLE:
        return Found(START) if service.knows_file(role) else Unknown()
    view = service.song(song)
    if view is None or role not in service.files(view.of.task):
        return Unknown()
    if not is_there(view.of.moment, view.index, role) or not _was_shown(view, service.house.policy):
        return Unknown()
    if service.is_expired(view.of):
        until = service.kept_until(view.of.task)
        assert until is not None
        return Expired(seconds(until))
    return Found(seconds(view.of.task.created))


def _was_shown(view: SongView, policy: Policy) -> bool:
    """True unless polls show no song so far, and no callback has told of this one."""
    if not policy.hides_songs or view.of.moment.status == "finished":
        return True
    return view.index == 0 and view.of.task.callback != ""
