from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockserver.domain.clock import ClockError, ClockIsReal, RealClock, VirtualClock, iso, parse_instant
from mockserver.domain.ports import Clock, Store, Tx
from tests.store.table import STORES

NEW_YEAR = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    return STORES[request.param]()


def now(store: Store, clock: Clock, sandbox: str = "alice") -> float:
    return store.run(sandbox, clock.now)


def advance(store: Store, seconds: Any, sandbox: str = "alice") -> float:
    clock = VirtualClock()

    def work(tx: Tx) -> float:
        clock.move(tx, clock.ahead(tx, seconds))
        return clock.now(tx)

    return store.run(sandbox, work)


def set_to(store: Store, epoch: Any) -> float:
    clock = VirtualClock()

    def work(tx: Tx) -> float:
        clock.move(tx, clock.until(tx, epoch))
        return clock.now(tx)

    return store.run("alice", work)


# Virtual


def test_virtual_time_starts_with_2026_and_stands_still(store: Store) -> None:
    clock = VirtualClock()

    assert clock.mode == "virtual"
    assert [now(store, clock), now(store, clock)] == [NEW_YEAR, NEW_YEAR]
    assert store.sandboxes() == []


def test_advance_moves_on_and_says_where_to(store: Store) -> None:
    assert advance(store, 90) == NEW_YEAR + 90
    assert advance(store, 0.5) == NEW_YEAR + 90.5
    assert advance(store, 0) == NEW_YEAR + 90.5

    assert now(store, VirtualClock()) == NEW_YEAR + 90.5


def test_ten_tenths_are_exactly_one_second(store: Store) -> None:
    for _ in range(10):
        advance(store, 0.1)

    assert now(store, VirtualClock()) == NEW_YEAR + 1


def test_step_is_rounded_to_the_nearest_microsecond(store: Store) -> None:
    assert 2.01 * 1_000_000 < 2_010_000  # cut instead of rounded, the step would be too short

    assert advance(store, 2.01) == NEW_YEAR + 2.01


def test_every_sandbox_has_a_time_of_its_own(store: Store) -> None:
    advance(store, 90, "alice")

    assert now(store, VirtualClock(), "bob") == NEW_YEAR


def test_dropped_sandbox_is_back_at_the_start(store: Store) -> None:
    advance(store, 90)

    store.drop("alice")

    assert now(store, VirtualClock()) == NEW_YEAR


def test_two_clocks_over_one_store_agree(store: Store) -> None:
    advance(store, 90)

    assert [now(store, VirtualClock()), now(store, VirtualClock())] == [NEW_YEAR + 90] * 2


def test_clock_moved_in_a_work_that_fails_has_not_moved(store: Store) -> None:
    def work(tx: Any) -> None:
        VirtualClock().move(tx, VirtualClock().ahead(tx, 90))
        raise LookupError

    with pytest.raises(LookupError):
        store.run("alice", work)

    assert now(store, VirtualClock()) == NEW_YEAR


def test_set_goes_to_a_moment(store: Store) -> None:
    assert set_to(store, NEW_YEAR + 3600.25) == NEW_YEAR + 3600.25
    assert now(store, VirtualClock()) == NEW_YEAR + 3600.25


@pytest.mark.parametrize(
    ("second", "fraction"),
    # The second one cannot be told in a float: read, and rounded to a microsecond again, it would be earlier.
    [(NEW_YEAR, 0.1), (4_315_893_136, 0.169905), (253_402_300_798, 0.123457)],
)
def test_setting_the_clock_to_its_own_now_changes_nothing(
    store: Store, second: float, fraction: float
) -> None:
    set_to(store, second)
    before = advance(store, fraction)

    assert set_to(store, before) == before
    assert now(store, VirtualClock()) == before


def test_set_backwards_is_refused_and_says_where_the_clock_stands(store: Store) -> None:
    advance(store, 90)

    with pytest.raises(ClockError) as caught:
        set_to(store, NEW_YEAR + 89)

    assert caught.value.facts == {
        "field": "now",
        "reason": "the clock stands at 2026-01-01T00:01:30Z and never moves backwards",
    }
    assert str(caught.value) == "now: the clock stands at 2026-01-01T00:01:30Z and never moves backwards"
    assert now(store, VirtualClock()) == NEW_YEAR + 90


FAR = "leads beyond the year 9999"
BAD = [
    (-1, "must be 0 or more: the clock never moves backwards"),
    (-1e-9, "must be 0 or more: the clock never moves backwards"),
    (math.nan, "must be a finite number of seconds"),
    (math.inf, "must be a finite number of seconds"),
    (-math.inf, "must be a finite number of seconds"),
    (253_402_300_800, FAR),
    (1e308, FAR),
    pytest.param(10**5000, FAR, id="huge"),
    (True, "must be a number of seconds"),
    ("90", "must be a number of seconds"),
    (None, "must be a number of seconds"),
]


@pytest.mark.parametrize(("seconds", "reason"), BAD)
def test_impossible_step_is_refused(store: Store, seconds: Any, reason: str) -> None:
    with pytest.raises(ClockError) as caught:
        advance(store, seconds)

    assert (caught.value.field, caught.value.reason) == ("seconds", reason)
    assert now(store, VirtualClock()) == NEW_YEAR


@pytest.mark.parametrize(("epoch", "reason"), BAD)
def test_impossible_moment_is_refused(store: Store, epoch: Any, reason: str) -> None:
    with pytest.raises(ClockError) as caught:
        set_to(store, epoch)

    assert (caught.value.field, caught.value.reason) == ("now", reason)
    assert now(store, VirtualClock()) == NEW_YEAR


def test_clock_ends_with_the_year_9999(store: Store) -> None:
    assert iso(set_to(store, 253_402_300_799)) == "9999-12-31T23:59:59Z"

    with pytest.raises(ClockError, match="seconds: leads beyond the year 9999"):
        advance(store, 1)

    assert now(store, VirtualClock()) == 253_402_300_799


# Real


def test_real_time_is_the_machines(store: Store) -> None:
    clock = RealClock()

    before, met, after = time.time(), now(store, clock), time.time()

    assert clock.mode == "real"
    assert before <= met <= after


@pytest.mark.parametrize(
    "move",
    [
        lambda tx: RealClock().ahead(tx, 1),
        lambda tx: RealClock().until(tx, 4e9),
        lambda tx: RealClock().move(tx, 4_000_000_000_000_000),
    ],
    ids=["ahead", "until", "move"],
)
def test_real_clock_cannot_be_moved(store: Store, move: Callable[[Any], float]) -> None:
    with pytest.raises(ClockIsReal, match="Run with --clock virtual to move it"):
        store.run("alice", move)

    assert store.sandboxes() == []


@pytest.mark.parametrize("clock", [RealClock(), VirtualClock()], ids=["real", "virtual"])
def test_elapsed_really_passes_under_either_clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    before, met, after = time.monotonic(), clock.elapsed(), time.monotonic()

    assert before <= met <= after
    monkeypatch.setattr(time, "time", lambda: 0.0)  # a wall clock put back moves no duration
    assert clock.elapsed() >= met


# Writing and reading moments


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (NEW_YEAR, "2026-01-01T00:00:00Z"),
        (NEW_YEAR + 0.1, "2026-01-01T00:00:00.100Z"),
        (NEW_YEAR + 0.007, "2026-01-01T00:00:00.007Z"),
        (NEW_YEAR + 59.9999, "2026-01-01T00:00:59.999Z"),
        (NEW_YEAR + 0.0009, "2026-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ],
)
def test_moment_is_written_with_milliseconds_only_when_it_has_some(epoch: float, text: str) -> None:
    assert iso(epoch) == text


@pytest.mark.parametrize(
    ("value", "epoch"),
    [
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01t00:00:00z", NEW_YEAR),
        ("2026-01-01T00:00:00", NEW_YEAR),
        ("2026-01-01 00:00", NEW_YEAR),
        ("2026-01-01", NEW_YEAR),
        ("2026-01-01T02:00:00+02:00", NEW_YEAR),
        ("2025-12-31T18:30:00-0530", NEW_YEAR),
        ("2026-01-01T00:00:00.1Z", NEW_YEAR + 0.1),
        ("2026-01-01T00:00:00,250Z", NEW_YEAR + 0.25),
        ("2026-01-01T00:00:00.123456789Z", NEW_YEAR + 0.123456),
        ("1969-12-31T23:59:59Z", -1.0),
        ("9999-12-31T23:59:59-12:00", 253_402_343_999.0),
        (1_767_225_600, NEW_YEAR),
        (1_767_225_600.5, NEW_YEAR + 0.5),
        (0, 0.0),
        (-1, -1.0),
    ],
)
def test_moment_is_read(value: str | float, epoch: float) -> None:
    met = parse_instant(value)

    assert met == epoch
    assert type(met) is float


@pytest.fixture
def far_from_greenwich() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "XYZ-05:30")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system cannot change its time zone")
@pytest.mark.usefixtures("far_from_greenwich")
def test_moment_without_an_offset_is_utc_on_any_machine() -> None:
    assert parse_instant("2026-01-01T00:00:00") == NEW_YEAR
    assert iso(NEW_YEAR) == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("", "''"),
        ("now", "'now'"),
        ("1767225600", "'1767225600'"),
        ("20260101012", "'20260101012'"),
        ("2026-W01-1", "'2026-W01-1'"),
        ("2026-13-01", "'2026-13-01' (month must be in 1..12)"),
        ("2026-02-29T00:00:00Z", "'2026-02-29T00:00:00Z' (day is out of range for month)"),
        ("2026-01-01T24:01:00Z", "'2026-01-01T24:01:00Z' ("),
        ("2026-01-01T00:00:60Z", "'2026-01-01T00:00:60Z' ("),
        ("2026-01-01T00:00:00+99:00", "'2026-01-01T00:00:00+99:00' ("),
        ("0000-01-01", "'0000-01-01' ("),
        (" 2026-01-01", "' 2026-01-01'"),
        ("2026-01-01_10:00", "'2026-01-01_10:00'"),
        ("2026-01-01\n", "'2026-01-01\\n'"),
        ("٢٠٢٦-01-01", "'٢٠٢٦-01-01'"),
        pytest.param("9" * 10_000, "'" + "9" * 40 + "…'", id="long"),
        (True, "a bool"),
        (None, "a NoneType"),
        ([], "a list"),
        (math.nan, "a number that is NaN"),
        (math.inf, "a number that is NaN, infinite"),
        (1e300, "or beyond the year 9999"),
        pytest.param(10**5000, "or beyond the year 9999", id="huge"),
    ],
)
def test_what_is_no_moment_is_refused_and_told_what_one_is(value: Any, named: str) -> None:
    with pytest.raises(ValueError, match=r"^not a moment: ") as caught:
        parse_instant(value)

    assert named in str(caught.value)
    assert str(caught.value).endswith("; wanted ISO 8601, as 2026-01-01T00:00:00Z, or seconds since 1970")
