"""yuto close up: planted requests, progress over both halves of the work, spellings that are our choice."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.providers.yuto import Yuto as Adapter
from tests.conftest import MakeClient
from tests.providers.plain import accepted, advance, refused, tasks
from tests.providers.yuto_calls import (
    COVER,
    CUSTOM,
    EXTEND,
    INFILL,
    NO_CLIP,
    NO_TASK,
    SUNG,
    failing_clip,
    fetch,
    fetch_all,
    finished_clip,
    finished_song,
    generate,
    invalid_request,
    persona,
    plant,
    post,
    submit,
)
from tests.specs import reading

QUIRKS = {"song_price": "10", "persona_price": "100"}
PATHS = {
    "upload": "/suno/uploads/audio-url",
    "concat": "/suno/submit/concat",
    "lyrics": "/suno/submit/lyrics",
}


@pytest.fixture
def adapter() -> Adapter:
    return Adapter(QUIRKS)


# --- planted requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(Adapter(QUIRKS).policy.kinds))
@pytest.mark.parametrize("version", ["chirp-v3-0", "chirp-fenix"])
def test_a_planted_request_is_one_that_the_document_accepts(
    adapter: Adapter, kind: str, version: str
) -> None:
    model = next(model for model in adapter.models if model.name == version)
    root = reading.document("yuto")

    planted = adapter.plant(kind, model)

    call = root["paths"][PATHS.get(kind, "/suno/submit/music")]["post"]
    schema = call["requestBody"]["content"]["application/json"]["schema"]
    assert [error.message for error in reading.validator(root, schema).iter_errors(planted.request)] == []
    assert planted.kind == kind
    assert kind in PATHS or planted.model == planted.request["mv"] == version


@pytest.mark.parametrize(
    ("code", "known"), [("moderated", True), (None, True), ("", False), (408, False), (["x"], False)]
)
def test_a_failure_may_have_any_name(adapter: Adapter, code: Any, known: bool) -> None:
    failure = adapter.failure(code, "")

    assert (failure is not None) == known
    if failure is not None:
        expected = ("FAILURE", code or "generation_failed", "the music could not be generated")
        assert (failure.state, failure.code, failure.message) == expected


# --- how a task stands -------------------------------------------------------------------------------------


def test_progress_climbs_through_both_halves_of_the_work(make_client: MakeClient) -> None:
    client = make_client()
    task = accepted(submit(client, CUSTOM))["data"]
    advance(client, 22.5)

    shown = []
    for seconds in (27, 4.5, 35.99):
        advance(client, seconds)
        shown.append(accepted(fetch(client, task))["data"]["progress"])

    assert shown == ["40%", "46%", "99%"]


def test_a_task_that_fails_before_it_has_started_has_no_start(make_client: MakeClient) -> None:
    client = make_client()
    task = accepted(submit(client, CUSTOM))["data"]
    advance(client, 10)

    client.request("PATCH", f"/_mock/tasks/{task}", json={"status": "FAILURE"})

    shown = accepted(fetch(client, task))["data"]
    assert (shown["start_time"], shown["finish_time"] - shown["submit_time"]) == (0, 10)


def test_a_task_that_is_pushed_to_its_end_has_not_started_before_it_came(make_client: MakeClient) -> None:
    client = make_client()
    task = accepted(submit(client, CUSTOM))["data"]

    client.request("PATCH", f"/_mock/tasks/{task}", json={"status": "SUCCESS"})

    shown = accepted(fetch(client, task))["data"]
    assert shown["submit_time"] == shown["start_time"] == shown["finish_time"]


def test_the_states_of_many_tasks_are_counted_once_each(make_client: MakeClient) -> None:
    client = make_client()
    first, second = (accepted(submit(client, CUSTOM))["data"] for _ in range(2))

    fetch_all(client, [first, second])

    states = client.get("/_mock/coverage").json()["providers"]["yuto"]["operations"]["fetchTasks"]["states"]
    assert states["NOT_START"] == 1


# --- a source that will not do -----------------------------------------------------------------------------


def test_a_song_names_the_clip_that_is_not_complete(make_client: MakeClient) -> None:
    client = make_client()
    task = accepted(submit(client, CUSTOM))["data"]
    advance(client, 60)
    clip = accepted(fetch(client, task))["data"]["data"][0]["id"]

    extended = submit(client, {**EXTEND, "task_id": task, "continue_clip_id": clip})
    covered = generate(client, {**COVER, "cover_clip_id": clip})

    told = "{} is not complete: streaming"
    refused(extended, 400, "invalid", invalid_request(told.format("continue_clip_id")))
    refused(covered, 400, "invalid", invalid_request(told.format("cover_clip_id")))


def test_a_failed_clip_is_neither_covered_nor_joined(make_client: MakeClient) -> None:
    client = make_client()
    clip = failing_clip(client)
    advance(client, 45)

    covered = submit(client, {**COVER, "cover_clip_id": clip})
    joined = post(client, PATHS["concat"], {"clip_id": clip})

    refused(covered, 400, "invalid", invalid_request("cover_clip_id has failed: error"))
    refused(joined, 400, "invalid", invalid_request("clip_id has failed: error"))


def test_a_task_without_a_clip_is_not_looked_at(make_client: MakeClient) -> None:
    client = make_client()

    accepted(submit(client, {**INFILL, "task_id": NO_TASK, "continue_clip_id": None}))


@pytest.mark.parametrize("end", [30, 29.5])
def test_an_infill_ends_after_it_begins(make_client: MakeClient, end: float) -> None:
    client = make_client()

    reply = submit(client, {**INFILL, "infill_end_s": end})

    refused(reply, 400, "invalid", invalid_request("infill_end_s must be greater than infill_start_s"))
    accepted(submit(client, {**CUSTOM, "infill_start_s": 30, "infill_end_s": end}))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (EXTEND, "continue_clip_id is required when task is extend"),
        ({**COVER, "cover_clip_id": ""}, "cover_clip_id is required when task is cover"),
        ({**CUSTOM, "task": ["extend"]}, "task must be a string"),
        ({**SUNG, "persona_id": NO_TASK, "artist_clip_id": NO_CLIP, "mv": ["x"]}, "mv must be a string"),
    ],
)
def test_what_is_wrong_with_a_song_is_told_in_full(
    make_client: MakeClient, body: dict[str, Any], message: str
) -> None:
    refused(submit(make_client(), body), 400, "invalid", invalid_request(message))


def test_lyrics_about_nothing_are_not_written(make_client: MakeClient) -> None:
    client = make_client()

    refused(post(client, PATHS["lyrics"], {"prompt": " \n"}), 400, "invalid", invalid_request("prompt_empty"))


# --- what a clip takes from elsewhere ----------------------------------------------------------------------


def test_a_clip_named_twice_is_shown_once(make_client: MakeClient) -> None:
    client = make_client()
    clip = finished_clip(client)

    made = accepted(persona(client, clip, clips=[clip, clip]))

    assert [shown["clip"]["id"] for shown in made["persona_clips"]] == [clip]


def test_a_whole_song_is_called_and_sung_as_its_clip(make_client: MakeClient) -> None:
    client = make_client()
    clip = finished_clip(client)
    whole = accepted(post(client, PATHS["concat"], {"clip_id": clip}))["data"]
    advance(client, 20)

    (joined,) = accepted(fetch(client, whole))["data"]["data"]

    assert {name: joined[name] for name in ("title", "tags", "prompt")} == {
        name: CUSTOM[name] for name in ("title", "tags", "prompt")
    }


def test_an_extension_keeps_the_words_it_is_given(make_client: MakeClient) -> None:
    client = make_client()
    task, clip, _ = finished_song(client)
    body = {**EXTEND, "task_id": task, "continue_clip_id": clip["id"], "prompt": "", "title": "Part two"}

    _, extended, _ = finished_song(client, body)

    assert (extended["prompt"], extended["title"]) == ("", "Part two")


def test_an_upload_is_called_as_its_file(make_client: MakeClient) -> None:
    client = make_client()
    url = "https://example.com/audio/My%20tape.mp3?take=1/2"
    task = accepted(post(client, PATHS["upload"], {"url": url}))["data"]
    advance(client, 20)

    (clip,) = accepted(fetch(client, task))["data"]["data"]

    assert (clip["title"], clip["model_name"]) == ("My tape", "chirp-v4-upload")


def test_a_planted_upload_is_as_one_that_was_submitted(make_client: MakeClient) -> None:
    client = make_client()
    task, _ = plant(client, kind="upload")

    (clip,) = accepted(fetch(client, task))["data"]["data"]

    assert (clip["title"], clip["model_name"]) == ("tape", "chirp-v4-upload")


@pytest.mark.parametrize("kind", ["upload", "lyrics"])
def test_nobody_chooses_the_model_of_what_is_not_sung(make_client: MakeClient, kind: str) -> None:
    body = {"provider": "yuto", "kind": kind, "model": "chirp-fenix"}

    reply = make_client().post("/_mock/tasks", json=body)

    assert (reply.status_code, reply.json()["field"]) == (422, "model")


def test_a_whole_song_is_by_the_model_of_its_clip(make_client: MakeClient) -> None:
    client = make_client()
    _, clip = plant(client, model="5")
    joined = accepted(post(client, PATHS["concat"], {"clip_id": clip}))["data"]
    advance(client, 20)

    (whole,) = accepted(fetch(client, joined))["data"]["data"]

    assert (whole["model_name"], whole["major_model_version"]) == ("chirp-crow", "v5")


def test_the_older_twin_has_nobody_to_tell(make_client: MakeClient) -> None:
    client = make_client()
    generate(client, {**CUSTOM, "notify_hook": "https://example.com/hooks/suno"})

    (task,) = tasks(client)

    assert accepted(fetch(client, task["id"]))["data"]["notify_hook"] == ""
