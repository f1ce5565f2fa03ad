"""The documents that tests use, read once for all servers of a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from mockserver.openapi.compiled import Document
from mockserver.openapi.library import PACKAGED
from mockserver.settings import Settings
from mockserver.web.world import open_documents

# Sets that are kept: what differs from one to the next is specs, quirks or allowed hosts.
_SETS = 8

Stamp = tuple[str, tuple[tuple[str, int, int], ...]]
"""A folder, and what tells that a file in it is not what it was."""


def documents_of(settings: Settings) -> dict[str, Document]:
    """The documents as some settings have them read; DocumentError where they cannot be served."""
    stamps = tuple(_stamp(folder) for folder in settings.specs)
    return _opened(settings.specs, stamps, settings.callback_allow, settings.quirk)


# A document does not change once it is compiled, and its checks are built at their first use: whoever has the
# same one has them too.
@lru_cache(maxsize=_SETS)
def _opened(
    specs: tuple[str, ...], stamps: tuple[Stamp, ...], callback_allow: tuple[str, ...], quirk: tuple[str, ...]
) -> dict[str, Document]:
    return open_documents(Settings(specs=specs, callback_allow=callback_allow, quirk=quirk, seed=0))


def _stamp(folder: str) -> Stamp:
    if folder == PACKAGED:
        return folder, ()
    place = Path(folder).resolve()
    files = [place] if place.is_file() else sorted(place.iterdir()) if place.is_dir() else []
    states = [(file.name, file.stat()) for file in files if file.is_file()]
    return str(place), tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)
