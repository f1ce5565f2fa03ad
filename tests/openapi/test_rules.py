"""The x- rules, by what a provider answers."""

from __future__ import annotations

import pytest

from tests.conftest import MakeClient

PERSONA = "/kie/api/v1/generate/generate-persona"
KEY = {"authorization": "Bearer some-key"}
BODY = {"taskId": "5c79", "audioId": "e231", "name": "Neon", "description": "Warm night voice"}


@pytest.mark.parametrize(
    ("start", "end"), [(0, 10), (0, 30), (2.3, 12.3), (12.1, 42.1), (2.02, 32.02), (0.7, 10.7), (100, 130.0)]
)
def test_a_window_of_just_the_right_length_passes(make_client: MakeClient, start: float, end: float) -> None:
    client = make_client()

    reply = client.post(PERSONA, headers=KEY, json={**BODY, "vocalStart": start, "vocalEnd": end})

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

    reply = client.post(PERSONA, headers=KEY, json={**BODY, "vocalStart": start, "vocalEnd": end})

    assert reply.headers["x-mock-outcome"] == "vocal-window"
    assert reply.headers["x-mock-violation"] == "/body/vocalEnd: difference"


def test_a_lone_end_is_measured_from_the_default_start(make_client: MakeClient) -> None:
    client = make_client()

    fine = client.post(PERSONA, headers=KEY, json={**BODY, "vocalEnd": 20})
    short = client.post(PERSONA, headers=KEY, json={**BODY, "vocalEnd": 9})

    assert fine.headers["x-mock-outcome"] == "success"
    assert short.headers["x-mock-outcome"] == "vocal-window"
