"""Small real files that stand for every song, picture and video.

They are our own: a two-second chord of four sine tones and colour gradients, all computed, then written once
with PyAV (LAME's mp3; H.264 and AAC in the mp4, its index in front) and Pillow (jpeg and webp).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

_ASSETS = Path(__file__).with_name("assets")

# What stands for a role, by how its name ends: a longer ending first.
_ENDINGS = {
    "-large.jpeg": ("cover-large.jpeg", "image/jpeg"),
    ".jpeg": ("cover.jpeg", "image/jpeg"),
    ".mp3": ("song.mp3", "audio/mpeg"),
    ".mp4": ("video.mp4", "video/mp4"),
    ".webp": ("avatar.webp", "image/webp"),
}


@dataclass(frozen=True)
class Asset:
    """A file that ships with us: its name, its media type and what it holds."""

    name: str
    content_type: str

    @property
    def content(self) -> bytes:
        """The whole file, read at its first use."""
        return _read(self.name)

    @property
    def etag(self) -> str:
        """The entity tag of the file: another content has another one."""
        return _tag(self.name)


def asset_for(role: str) -> Asset | None:
    """The file for a role, which is the last part of a media URL such as `cover-large.jpeg`, or None."""
    return next((Asset(*made) for end, made in _ENDINGS.items() if role.endswith(end) and role != end), None)


def tag_of(content: bytes) -> str:
    """A strong entity tag, quoted as it travels: a function of the bytes alone."""
    return f'"{blake2b(content, digest_size=16).hexdigest()}"'


@cache
def _read(name: str) -> bytes:
    return (_ASSETS / name).read_bytes()


@cache
def _tag(name: str) -> str:
    return tag_of(_read(name))
