"""The time of a sandbox, for a test to move."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mockserver.domain.clock import iso
from mockserver.testing.loops import is_in_loop, running_trio
from mockserver.testing.provider import Ask
from mockserver.testing.records import Walked
from mockserver.web.world import World


class Clock:
    """The time of one sandbox."""

    def __init__(self, world: World, sandbox: str, ask: Ask) -> None:
        self._world = world
        self._sandbox = sandbox
        self._ask = ask

    @property
    def mode(self) -> str:
        """virtual or real."""
        return self._world.clock.mode

    @property
    def epoch(self) -> float:
        """The moment in seconds since 1970."""
        return self._world.store.run(self._sandbox, self._world.clock.now)

    @property
    def now(self) -> str:
        """The moment as 2026-01-01T00:00:00Z."""
        return iso(self.epoch)

    @property
    def is_ahead(self) -> bool:
        """True where something is to come as time passes: a step of a task, a callback."""
        return self._world.agenda.is_ahead(self._sandbox)

    def advance(self, seconds: float | timedelta) -> Walked:
        """Move on, and let happen whatever comes due on the way; callbacks are waited for."""
        __tracebackhide__ = True
        step = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        return self._walked("clock.advance", {"seconds": step})

    def finish_all(self) -> Walked:
        """Move on until every task is final, and every callback answered or given up."""
        __tracebackhide__ = True
        return self._walked("clock.finish_all", {"until": "idle"})

    def set(self, now: str | float | datetime) -> None:
        """Move on to a moment: ISO 8601, a datetime (of UTC, if it says nothing), or seconds since 1970."""
        __tracebackhide__ = True
        self._ask("clock.set", "setClock", {"now": now.isoformat() if isinstance(now, datetime) else now})

    async def sleep(self, seconds: float | timedelta) -> Walked:
        """`advance` for who may not block: an asynchronous client's own sleep, or a test with a webhook."""
        return await _beside(lambda: self.advance(seconds))

    async def sleep_until_idle(self) -> Walked:
        """`finish_all` for who may not block: a test whose webhook runs on its own event loop."""
        return await _beside(self.finish_all)

    def _walked(self, where: str, body: dict[str, Any]) -> Walked:
        __tracebackhide__ = True
        walked = Walked(**self._ask(where, "advanceClock", body))
        if walked.gave_up and is_in_loop():
            warnings.warn(
                f"{where} was called on an event loop, which could not answer callbacks meanwhile, and "
                f"{walked.gave_up} were given up. Use `await clock.sleep(seconds)` or "
                "`await clock.sleep_until_idle()`",
                stacklevel=3,
            )
        return walked


async def _beside(work: Callable[[], Walked]) -> Walked:
    """What some work comes to, done on another thread."""
    trio = running_trio()
    walked: Walked = await (asyncio.to_thread(work) if trio is None else trio.to_thread.run_sync(work))
    return walked
