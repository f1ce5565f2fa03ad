"""Titles, styles and lyrics for songs whose request gives none: made up, and the same for the same song."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mockserver.domain.model import Song

_TITLES: Final = (
    "Neon Rain", "Harbour Lights", "Still Water", "Late Train", "Paper Moon", "Salt and Light", "First Snow",
    "Glass Garden", "Open Road", "Quiet Engine", "Velvet Hour", "Northern Line", "Ember", "Low Tide",
    "Second Light", "Midnight Orchard",
)  # fmt: skip
_STYLES: Final = (
    "electronic pop", "indie folk, acoustic", "jazz, piano, calm", "dream pop", "lo-fi, mellow", "synthwave",
    "bossa nova", "cinematic, strings",
)  # fmt: skip
_LINES: Final = (
    "Lamps go down along the bay", "Windows hum a second key", "Footsteps fall in time with rain",
    "Every street remembers you", "Hold the light a little longer", "Morning waits behind the hill",
    "Slow and low the river turns", "Nobody is counting now",
)  # fmt: skip

# In hundredths of a second: the shortest, and how many lengths there are.
_SHORTEST, _LENGTHS = 3600, 16401


def compose(
    drawn: Sequence[tuple[str, bytes]], *, title: str, tags: str, text: str | None
) -> tuple[Song, ...]:
    """The songs of a task, which share their words. What is not given is made up; no text is ""."""
    material = drawn[0][1]
    title = title or _TITLES[material[16] % len(_TITLES)]
    tags = tags or _STYLES[material[17] % len(_STYLES)]
    words = _lyrics(_number(material)) if text is None else text
    # Made as tuples: the way through the class's own `__new__` takes twice as long.
    songs = []
    for id, own in drawn:
        duration = (_SHORTEST + _number(own) % _LENGTHS) / 100
        songs.append(_new(Song, (id, title, tags, words, duration)))
    return tuple(songs)


_new = tuple.__new__


def _number(material: bytes) -> int:
    # The first half of the material is in the id.
    return int.from_bytes(material[16:], "big")


def _lyrics(number: int) -> str:
    """Two verses that a number picks."""
    chosen = []
    for _ in range(4):
        number, place = divmod(number, len(_LINES))
        chosen.append(_LINES[place])
    return f"[Verse]\n{chosen[0]}\n{chosen[1]}\n[Chorus]\n{chosen[2]}\n{chosen[3]}"
