"""What a path under /_mock/media/ names, and what is said where nothing stands."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from mockserver.web.reply import Reply, problem

MEDIA = "/_mock/media"
UPLOADS = "uploads"

READS = ("GET", "HEAD")
_LONGEST_PART = 200


class Place(NamedTuple):
    """A file of a provider's song, or of an upload."""

    folder: str
    id: str
    name: str

    @property
    def is_upload(self) -> bool:
        """True for a place that a client may upload to."""
        return self.folder == UPLOADS

    @property
    def methods(self) -> tuple[str, ...]:
        """What may be done there, besides OPTIONS."""
        return (*READS, "PUT") if self.is_upload else READS


def is_media(path: str) -> bool:
    """True for a path, inside its sandbox, that media are served under."""
    return path == MEDIA or path.startswith(MEDIA + "/")


def place_of(path: str) -> Place | None:
    """The three parts behind /_mock/media/; None where there are more, fewer, or odd ones."""
    try:
        parts = [unquote(part, errors="strict") for part in path[len(MEDIA) + 1 :].split("/")]
    except UnicodeDecodeError:
        return None
    return Place(*parts) if len(parts) == 3 and all(map(_is_plain, parts)) else None


def _is_plain(part: str) -> bool:
    return 0 < len(part) <= _LONGEST_PART and part not in (".", "..") and not set(part) & set("/\\\0")


def not_found(text: str) -> Reply:
    """The answer where no file stands."""
    return fleeting(problem("media-not-found", 404, text))


def fleeting(reply: Reply) -> Reply:
    """The reply, which no cache may keep: what is missing now may be there after the next call."""
    reply.headers.append(("cache-control", "no-store"))
    return reply
