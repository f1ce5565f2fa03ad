"""A look at the documents' own examples while the server runs: thorough, and in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain

from mockserver.openapi.compiled import Document
from mockserver.openapi.examples import example_problems
from mockserver.openapi.library import PACKAGED, packaged_folder
from mockserver.openapi.source import Problem
from mockserver.web.world import World

Warn = Callable[[str], None]

# First answers come first; then a slice of work on another thread, and a rest four times as long.
_FIRST = 0.2
_SLICE = 0.005
_REST = 0.02


async def examine(world: World, warn: Warn) -> None:
    """Warn of each example that breaks its own schema, in every document but the packaged ones."""
    await asyncio.sleep(_FIRST)
    steps = chain.from_iterable(map(example_problems, _foreign(world)))
    try:
        while (found := await asyncio.to_thread(_slice, world, steps)) is not None:
            for problem in found:
                warn(str(problem))
            await asyncio.sleep(_REST)
    except Exception as error:  # a fault of this look must not end the server
        warn(f"the look at the examples failed ({type(error).__name__}). This is a bug: please report it")


def _foreign(world: World) -> list[Document]:
    """The documents that are not ours; our own are proven by our tests."""
    ours = {file.name for file in packaged_folder().iterdir()} if PACKAGED in world.settings.specs else set()
    return [document for document in world.documents.values() if document.source.file not in ours]


def _slice(world: World, steps: Iterator[Problem | None]) -> list[Problem] | None:
    """What some milliseconds of work bring to light; None when there is no work left."""
    end = world.clock.elapsed() + _SLICE
    found: list[Problem] = []
    for problem in steps:
        if problem is not None:
            found.append(problem)
        if world.clock.elapsed() > end:
            return found
    return found or None
