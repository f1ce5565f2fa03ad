"""Values that a handle takes and refuses, and the names that it is imported by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mockserver import testing
from mockserver.testing import PersonaMock, Server, UsageError

NAN = float("nan")


@pytest.fixture(scope="module")
def world() -> Iterator[Server]:
    """One server for all tests of this module."""
    with Server() as server:
        yield server


@pytest.fixture
def mock(world: Server) -> Iterator[PersonaMock]:
    """A sandbox of this test alone."""
    with world.sandbox("here") as mock:
        yield mock


Use = Callable[[Any], object]
CANNOT: dict[str, tuple[Use, list[str]]] = {
    "not a number, as seconds": (lambda mock: mock.clock.advance(NAN), ["clock.advance"]),
    "infinite, as a moment": (lambda mock: mock.clock.set(float("inf")), ["clock.set"]),
    "not a number, as credits": (lambda mock: mock.account().change(credits=NAN), ["account.change"]),
    "not a number, as a delay": (lambda mock: mock.kie.next("duplicate", delay=NAN), ["kie.next"]),
    "an object, in a fault": (lambda mock: mock.fault("latency", seconds=object()), ["fault", "object"]),
    "a set, in a match": (lambda mock: mock.kie.next("duplicate", match={"a": {1}}), ["kie.next", "set"]),
    "a text, as a match": (
        lambda mock: mock.kie.next("duplicate", match="x"),
        ["kie.next(match=…)", "'x'", "dict"],
    ),
    "a list, as a match": (
        lambda mock: mock.crun.always("invalid", match=["x"]),
        ["crun.always(match=…)", "['x']", "dict"],
    ),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_no_json_can_hold_is_told_where_it_stands(mock: PersonaMock, name: str) -> None:
    use, words = CANNOT[name]

    with pytest.raises(UsageError) as caught:
        use(mock)

    assert [word for word in words if word not in str(caught.value)] == []
    assert mock.clock.now == "2026-01-01T00:00:00Z"


def test_time_moves_by_a_timedelta(mock: PersonaMock) -> None:
    assert mock.clock.advance(timedelta(minutes=1, seconds=30)).now == "2026-01-01T00:01:30Z"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        # One without a zone is of UTC.
        datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001
    ],
    ids=str,
)
def test_time_is_set_to_a_datetime(mock: PersonaMock, moment: datetime) -> None:
    mock.clock.set(moment)

    assert mock.clock.now == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("name", testing.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(testing, name)

    assert found.__name__ == name
    assert name in dir(testing)
