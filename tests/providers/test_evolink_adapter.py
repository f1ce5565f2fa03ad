"""evolink: what shows only close up, of planted requests, failures and texts that say nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.domain.versions import Model
from mockserver.providers.evolink import Evolink
from tests.conftest import MakeClient
from tests.providers.evolink_calls import (
    CUSTOM,
    NO_SONG,
    NO_TASK,
    SIMPLE,
    invalid_request,
    order,
    persona,
    refused,
)
from tests.providers.plain import ALICE, accepted, advance

CODES = """
    content_policy_violation invalid_parameters image_processing_error image_dimension_mismatch
    request_cancelled generation_failed_no_content service_error generation_timeout quota_exceeded
    resource_exhausted service_unavailable resource_not_found unknown_error
"""


def adapter() -> Evolink:
    """The adapter, with every quirk at its default."""
    return Evolink({quirk.name: quirk.default for quirk in Evolink.quirks})


MODELS = [model for model in adapter().models if not model.retired]


# --- planting ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_request_behind_a_planted_song_keeps_the_document(make_client: MakeClient, model: Model) -> None:
    planted = adapter().plant("generate", model)

    reply = order(make_client(), planted.request)

    assert accepted(reply)["model"] == planted.model == model.shown
    assert "x-mock-violation" not in reply.headers


def test_the_request_behind_a_planted_persona_keeps_the_document(make_client: MakeClient) -> None:
    planted = adapter().plant("persona", MODELS[0])

    reply = order(make_client(), planted.request)

    # Its source is nobody's, which only the state can tell.
    assert reply.headers["x-mock-outcome"] == "source-not-found"
    assert "x-mock-violation" not in reply.headers


def test_every_kind_of_task_can_be_planted() -> None:
    ours = adapter()

    kinds = [ours.plant(kind, MODELS[0]).kind for kind in ours.policy.kinds]

    assert kinds == ["generate", "persona"]


# --- failures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES.split())
def test_a_documented_error_code_fails_a_task(code: str) -> None:
    failure = adapter().failure(code, "in our words")
    usual = adapter().failure(code, "")

    assert failure is not None
    assert usual is not None
    assert (failure.state, failure.code, failure.message) == ("failed", code, "in our words")
    assert usual.message


@pytest.mark.parametrize("code", [None, "", "failed", "SERVICE_ERROR", 500, True, ["service_error"], {}])
def test_no_other_code_does(code: Any) -> None:
    assert adapter().failure(code, "in our words") is None


def test_every_failure_of_the_policy_is_documented() -> None:
    failures = adapter().policy.failures

    assert sorted(str(failure.code) for failure in failures) == sorted(CODES.split())
    assert failures[0].code == "service_error"


# --- texts that say nothing --------------------------------------------------------------------------------


def test_an_empty_persona_id_counts_as_none(make_client: MakeClient) -> None:
    client = make_client()
    body = {**CUSTOM, "model": "suno-v4", "persona_id": "", "persona_model": "voice_persona"}

    reply = order(client, body)

    accepted(reply)
    assert "x-mock-violation" not in reply.headers


@pytest.mark.parametrize("blank", ["", " ", " " * 1000, "\n\u2003"])
def test_a_blank_name_counts_as_missing_however_long(make_client: MakeClient, blank: str) -> None:
    reply = persona(make_client(), NO_TASK, NO_SONG, name=blank)

    refused(reply, 400, "invalid", invalid_request("model_params.name is required"))


@pytest.mark.parametrize("body", [SIMPLE, {**SIMPLE, "style": "jazz"}])
def test_simple_mode_uses_a_title_and_ignores_a_style(make_client: MakeClient, body: Any) -> None:
    client = make_client()
    task = accepted(order(client, {**body, "title": "Road Trip"}))["id"]
    advance(client, 120)

    reply = client.get(f"/v1/tasks/{task}", headers={"authorization": f"Bearer {ALICE}"})

    for song in accepted(reply)["result_data"]["songs"]:
        assert song["title"] == "Road Trip"
        assert song["tags"] not in ("", "jazz")


# --- before the end ----------------------------------------------------------------------------------------


def test_an_order_is_answered_as_waiting_however_soon_it_is_done(make_client: MakeClient) -> None:
    client = make_client(pace="instant")

    ordered = accepted(order(client, SIMPLE))

    assert (ordered["status"], ordered["progress"]) == ("pending", 0)
    assert ordered["task_info"] == {"can_cancel": True, "estimated_time": 120}


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, 404), (12, 404), (48, 404), (96, 404), (119.75, 404), (120, 200)]
)
def test_no_file_is_there_before_a_poll_shows_where(
    make_client: MakeClient, seconds: float, status: int
) -> None:
    client = make_client()
    task = accepted(order(client, SIMPLE))["id"]
    song = client.get(f"/_mock/tasks/{task}").json()["songs"][0]
    advance(client, seconds)

    for file in ("audio.mp3", "stream.mp3", "cover.jpeg"):
        assert client.get(f"/_mock/media/evolink/{song}/{file}").status_code == status
