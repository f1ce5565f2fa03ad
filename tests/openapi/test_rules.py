"""The x- rules, by what a provider answers."""

from __future__ import annotations

import httpx2
import pytest

from tests.conftest import Client, MakeClient

PERSONA = "/kie/api/v1/generate/generate-persona"
KEY = {"authorization": "Bearer some-key"}
BODY = {"name": "Neon", "description": "Warm night voice"}


def persona(client: Client, **window: float) -> httpx2.Response:
    """A persona of a song that nobody has made one of yet."""
    song = client.post("/_mock/tasks", json={"provider": "kie", "key": "some-key"}).json()
    body = {**BODY, "taskId": song["source_task"], "audioId": song["songs"][0], **window}
    return client.post(PERSONA, headers=KEY, json=body)


@pytest.mark.parametrize(
    ("start", "end"), [(0, 10), (0, 30), (2.3, 12.3), (12.1, 42.1), (2.02, 32.02), (0.7, 10.7), (100, 130.0)]
)
def test_a_window_of_just_the_right_length_passes(make_client: MakeClient, start: float, end: float) -> None:
    client = make_client()

    reply = persona(client, vocalStart=start, vocalEnd=end)

    assert reply.headers["x-mock-outcome"] == "success"


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 9.99), (0, 30.01), (12.1, 42.11), (2.3, 12.29), (20, 10), (0, 1e300), (10**300, 0)],
    ids=str,
)
def test_a_window_just_off_is_refused_with_its_length(
    make_client: MakeClient, start: float, end: float
) -> None:
    client = make_client()

    reply = persona(client, vocalStart=start, vocalEnd=end)

    assert reply.headers["x-mock-outcome"] == "vocal-window"
    assert reply.headers["x-mock-violation"] == "/body/vocalEnd: difference"


def test_a_lone_end_is_measured_from_the_default_start(make_client: MakeClient) -> None:
    client = make_client()

    fine = persona(client, vocalEnd=20)
    short = persona(client, vocalEnd=9)

    assert fine.headers["x-mock-outcome"] == "success"
    assert short.headers["x-mock-outcome"] == "vocal-window"
