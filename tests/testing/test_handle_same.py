"""The same story under the same name gives the same bytes; under another name it shares nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockserver.testing import PersonaMock, Server
from tests.testing.songs import client_of
from tests.web.stories import Story

UUID_OR_HEX = rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\b[0-9a-f]{32}\b|task-unified-[0-9]+-[a-z0-9]{8}"


def tell(mock: PersonaMock) -> list[bytes]:
    """All bodies of a long story at four providers, without the port in their URLs."""
    with client_of(mock) as client:

        def send(method: str, path: str, **options: Any) -> Any:
            base = mock.url if path.startswith("/_sandbox/") else ""
            return client.request(
                method, path if not base else base.partition("/_sandbox/")[0] + path, **options
            )

        bodies = Story(send).tell()
    return [re.sub(rb"127\.0\.0\.1:[0-9]+", b"HOST", body) for body in bodies]


def ids_in(bodies: list[bytes]) -> set[bytes]:
    """Everything that looks like an id, but for those of the story itself."""
    # The user of an account is the same wherever its key is used.
    stripped = [re.sub(rb'"user_id":"[^"]*"', b"", body) for body in bodies]
    found = {one for body in stripped for one in re.findall(UUID_OR_HEX, body)}
    return {one for one in found if not re.fullmatch(rb"[0-]+4?0*-?8?0*-?0*", one)}


@pytest.fixture(scope="module")
def told() -> list[bytes]:
    """The story, in a sandbox of that name."""
    with Server() as server, server.sandbox("alice") as mock:
        return tell(mock)


def test_under_the_same_name_it_is_the_same_on_another_server(told: list[bytes]) -> None:
    with Server() as server, server.sandbox("bob") as other, server.sandbox("alice") as mock:
        other.kie.completed_song()

        assert tell(mock) == told


def test_under_the_same_name_it_is_the_same_again_and_after_a_reset(told: list[bytes]) -> None:
    with Server() as server:
        for _ in range(2):
            with server.sandbox("alice") as mock:
                assert tell(mock) == told
                mock.reset()
                assert tell(mock) == told


def test_settings_that_mean_nothing_for_it_change_nothing(told: list[bytes]) -> None:
    with Server() as server, server.sandbox("alice", callback_timeout=1, verify_responses=True) as mock:
        assert tell(mock) == told


def test_alone_it_is_the_same_each_time() -> None:
    stories = []
    for _ in range(2):
        with PersonaMock() as mock:
            stories.append(tell(mock))

    assert stories[0] == stories[1]


@pytest.mark.parametrize("options", [{"sandbox": "bob"}, {"sandbox": "alice", "seed": 1}])
def test_another_name_or_another_seed_shares_no_id(told: list[bytes], options: dict[str, Any]) -> None:
    with Server() as server, PersonaMock(server=server, **options) as mock:
        others = tell(mock)

    assert len(others) == len(told)
    assert len(ids_in(told)) > 20
    assert ids_in(told) & ids_in(others) == set()


def test_planted_songs_are_the_same_too() -> None:
    found = []
    for _ in range(2):
        with PersonaMock(sandbox="alice") as mock:
            songs = [mock.provider(name).completed_song() for name in ("kie", "crun", "evolink", "yuto") * 3]
            found.append([(song.task_id, song.audio_ids) for song in songs])

    assert found[0] == found[1]
    assert len({task for task, _ in found[0]}) == 12
