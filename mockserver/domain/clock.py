"""Real or virtual time; the only module that reads the wall clock."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from mockserver.domain.ports import Tx

# Virtual time is counted in whole microseconds, so that ten steps of 0.1 s are exactly one second.
MICROS: Final = 1_000_000
START: Final = 1_767_225_600  # 2026-01-01T00:00:00Z
LATEST: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second that ISO 8601 and datetime can write
OFFSET_KEY: Final = "clock/offset"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE)


class ClockError(ValueError):
    """A moment or a step that a virtual clock cannot take."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    @property
    def facts(self) -> dict[str, str]:
        """The field at fault, and why."""
        return {"field": self.field, "reason": self.reason}


class ClockIsReal(Exception):
    """Somebody asked the real clock to move."""

    def __init__(self) -> None:
        super().__init__("The clock is real and cannot be moved. Run with --clock virtual to move it")


class RealClock:
    """The machine's own time, the same in every sandbox."""

    mode = "real"

    def now(self, tx: Tx) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def ahead(self, tx: Tx, seconds: float) -> int:
        """Refuse: only a virtual clock can be moved."""
        raise ClockIsReal

    def until(self, tx: Tx, epoch: float) -> int:
        """Refuse: only a virtual clock can be moved."""
        raise ClockIsReal

    def move(self, tx: Tx, micros: int) -> None:
        """Refuse: only a virtual clock can be moved."""
        raise ClockIsReal

    def bring(self, tx: Tx, epoch: float) -> None:
        """Do nothing: real time is the same for every state."""

    def elapsed(self) -> float:
        """Return seconds that only ever grow, for measuring durations."""
        return time.monotonic()


class VirtualClock:
    """Time that stands still until it is moved; each sandbox has its own, from 2026-01-01T00:00:00Z on."""

    mode = "virtual"

    def now(self, tx: Tx) -> float:
        """Return the seconds since 1970 at which this sandbox stands."""
        return _now_micros(tx) / MICROS

    def ahead(self, tx: Tx, seconds: float) -> int:
        """Return the moment so many seconds from this sandbox's now, in microseconds; ClockError for none."""
        return _possible("seconds", _now_micros(tx) + _micros("seconds", seconds))

    def until(self, tx: Tx, epoch: float) -> int:
        """Return this moment in microseconds; ClockError for one that is past."""
        target = _micros("now", epoch)
        if epoch < self.now(tx):
            raise ClockError("now", f"the clock stands at {iso(self.now(tx))} and never moves backwards")
        # Far from 1970 a float is coarser than a microsecond: a moment just read may round to before itself.
        return _possible("now", max(target, _now_micros(tx)))

    def move(self, tx: Tx, micros: int) -> None:
        """Stand at this moment, which `ahead` or `until` has found possible; never before now."""
        tx.put(OFFSET_KEY, b"%d" % (max(micros, _now_micros(tx)) - START * MICROS))

    def bring(self, tx: Tx, epoch: float) -> None:
        """Stand where a brought state stood, be that earlier than now."""
        tx.put(OFFSET_KEY, b"%d" % (_micros("now", epoch) - START * MICROS))

    def elapsed(self) -> float:
        """Return seconds that really pass and only ever grow, for measuring durations."""
        return time.monotonic()


def _now_micros(tx: Tx) -> int:
    return START * MICROS + int(tx.get(OFFSET_KEY) or b"0")


def _possible(field: str, target: int) -> int:
    if target > LATEST * MICROS:
        raise ClockError(field, "leads beyond the year 9999")
    return target


def _micros(field: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ClockError(field, "must be a number of seconds")
    if isinstance(value, float) and not math.isfinite(value):
        raise ClockError(field, "must be a finite number of seconds")
    if value < 0:
        raise ClockError(field, "must be 0 or more: the clock never moves backwards")
    if value > LATEST:
        raise ClockError(field, "leads beyond the year 9999")
    return round(value * MICROS)


def today() -> str:
    """Return the day that it is in UTC, as 2026-01-31."""
    return datetime.now(UTC).date().isoformat()


def iso(epoch: float) -> str:
    """Return a moment in UTC as 2026-01-01T00:00:00Z, with milliseconds when there are any."""
    moment = _EPOCH + timedelta(microseconds=round(epoch * MICROS))
    # Cut, not rounded: a moment is never shown before it is reached.
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def parse_instant(value: str | int | float) -> float:
    """Return a moment in seconds since 1970, as it is or from ISO 8601, where no offset means UTC."""
    if isinstance(value, str):
        return _parse_iso(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _not_an_instant(f"a {type(value).__name__}")
    if not abs(value) <= LATEST:  # true of NaN as well
        raise _not_an_instant("a number that is NaN, infinite or beyond the year 9999")
    return float(value)


def _parse_iso(text: str) -> float:
    shown = text if len(text) <= 40 else text[:40] + "…"
    if not _INSTANT.fullmatch(text):
        raise _not_an_instant(repr(shown))
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise _not_an_instant(f"{shown!r} ({error})") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1) / MICROS


def _not_an_instant(got: str) -> ValueError:
    return ValueError(f"not a moment: {got}; wanted ISO 8601, as 2026-01-01T00:00:00Z, or seconds since 1970")
