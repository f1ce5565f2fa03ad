"""The list of requests: read where somebody looks, and what it was when it was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mockserver.testing import PersonaMock, Requests, Server
from mockserver.web.journal import Entry, Journal
from tests.web.calls import credential


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


@pytest.fixture
def client(mock: PersonaMock) -> Iterator[httpx.Client]:
    """A client of kie, without a socket."""
    headers = credential("kie", "k")
    with httpx.Client(transport=mock.transport(), base_url=mock.kie.url, headers=headers) as client:
        yield client


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """What was read of the journal by the list."""
    done: list[Entry] = []
    whole = Journal.whole

    def reading(journal: Journal, entry: Entry) -> dict[str, Any]:
        done.append(entry)
        return whole(journal, entry)

    monkeypatch.setattr(Journal, "whole", reading)
    return done


def call(client: httpx.Client, *names: str) -> None:
    for name in names:
        client.get(f"/api/v1/{name}")


def test_a_look_at_the_last_of_many_reads_one(
    mock: PersonaMock, client: httpx.Client, read: list[Entry]
) -> None:
    for n in range(1000):
        call(client, f"nowhere-{n}")
        assert mock.requests[-1].path.endswith(f"nowhere-{n}")

    assert len(read) == 1000


def test_counting_reads_nothing(mock: PersonaMock, client: httpx.Client, read: list[Entry]) -> None:
    call(client, "a", "b", "c")

    requests = mock.requests

    assert (len(requests), bool(requests), requests != []) == (3, True, True)
    assert read == []


def test_it_is_a_sequence(mock: PersonaMock, client: httpx.Client) -> None:
    call(client, "a", "b", "c")

    requests = mock.requests

    assert isinstance(requests, Requests)
    paths = [one.path.rpartition("/")[2] for one in requests]
    assert paths == ["a", "b", "c"]
    assert [one.path for one in requests[1:]] == [requests[1].path, requests[2].path]
    assert isinstance(requests[:1], list)
    assert [one.id for one in reversed(requests)] == [requests[n].id for n in (2, 1, 0)]
    assert requests[0] in requests
    assert requests == list(requests) == mock.requests
    assert requests != requests[:2]
    assert "method='GET'" in repr(requests)


def test_what_came_of_a_call_is_shown_as_the_word_it_is(mock: PersonaMock, client: httpx.Client) -> None:
    client.get("/api/v1/generate/record-info?taskId=unknown")

    assert "outcome='not-found'" in repr(mock.requests[0])


def test_nothing_came_equals_an_empty_list_and_says_so_where_one_is_wanted(mock: PersonaMock) -> None:
    assert mock.requests == []
    assert list(mock.requests) == mock.requests[:] == []
    with pytest.raises(IndexError, match="no call reached this mock"):
        _ = mock.requests[-1]


def test_one_that_is_not_there_is_an_index_error(mock: PersonaMock, client: httpx.Client) -> None:
    call(client, "a")

    with pytest.raises(IndexError):
        _ = mock.requests[1]


def test_what_came_later_is_not_in_a_list_that_was_taken_before(
    mock: PersonaMock, client: httpx.Client
) -> None:
    call(client, "a")
    before = mock.requests

    call(client, "b")
    assert (len(before), len(mock.requests)) == (1, 2)
    mock.reset()
    assert mock.requests == []
    assert [one.path.rpartition("/")[2] for one in before] == ["a"]
