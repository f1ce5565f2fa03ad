"""Callbacks as each provider documents them: which, when, with what body, how often, and signed how."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from mockserver.domain.ports import Store
from mockserver.providers.kie import Kie
from mockserver.settings import Settings
from mockserver.web.app import create_app
from mockserver.web.listen import listen, port_of
from mockserver.web.server import Server
from tests.conftest import Client
from tests.web.calls import PROVIDERS, in_sandbox, sandbox_of, send, shared_app
from tests.web.receiver import SILENCE, Received, Receiver, advance, callbacks, idle, ordered, song, told
from tests.web.steering import Control
from tests.web.stories import poll, state_of

Json = Any
Live = Callable[..., str]

FOREIGN = "https://page.test/callback"
START = "2026-01-01T00:00:00Z"
EPOCH = 1767225600
ENDS = {"kie": 120, "crun": 86, "evolink": 120, "yuto": 90}
STEPS = {
    "kie": ["text", "first", "complete"],
    "crun": ["complete"],
    "evolink": ["text", "first", "complete"],
    "yuto": ["complete"],
}


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture(scope="module")
def instant_app() -> Any:
    return shared_app(pace="instant")


@pytest.fixture(scope="module")
def impatient_app() -> Any:
    return shared_app(callback_timeout=0.2)


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def instant(instant_app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(instant_app, request.node.nodeid)


@pytest.fixture
def impatient(impatient_app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(impatient_app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


def pushed(control: Control, task: str, **what: Json) -> None:
    reply = control.call("PATCH", f"/tasks/{task}", json=what)
    assert reply.status_code == 200, reply.text


def changed(control: Control, key: str, **what: Json) -> Json:
    reply = control.call("PATCH", f"/accounts/{key}", json=what)
    assert reply.status_code == 200, reply.text
    return reply.json()


def moments(callback: Json) -> list[str]:
    return [attempt["at"] for attempt in callback["attempts"]]


def kie_items(client: Client, task: str) -> list[Json]:
    """The tracks of record-info as a callback spells them."""
    return [
        {
            "id": track["id"],
            "audio_url": track["audioUrl"],
            "source_audio_url": track["sourceAudioUrl"],
            "stream_audio_url": track["streamAudioUrl"],
            "source_stream_audio_url": track["sourceStreamAudioUrl"],
            "image_url": track["imageUrl"],
            "source_image_url": track["sourceImageUrl"],
            "prompt": track["prompt"],
            "model_name": track["modelName"],
            "title": track["title"],
            "tags": track["tags"],
            "createTime": track["createTime"],
            "duration": track["duration"],
        }
        for track in poll(client, "kie", task, "k").json()["data"]["response"]["sunoData"]
    ]


# --- kie: text, first, complete ----------------------------------------------------------------------------


def test_a_kie_song_is_told_in_three_stages_each_at_its_moment(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)

    came = []
    for seconds in (0, 29, 1, 41, 1, 47, 1, 3600):
        advance(control, seconds)
        came.append(len(receiver.received))

    assert came == [0, 0, 1, 1, 2, 2, 3, 3]
    assert receiver.stages() == ["text", "first", "complete"]
    assert {body["data"]["task_id"] for body in receiver.bodies()} == {task}
    assert [moments(one) for one in callbacks(control)] == [
        ["2026-01-01T00:00:30Z"],
        ["2026-01-01T00:01:12Z"],
        ["2026-01-01T00:02:00Z"],
    ]


def test_the_text_callback_of_kie_has_an_empty_array(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)

    advance(control, 30)

    assert receiver.bodies() == [
        {
            "code": 200,
            "msg": "Text generated successfully.",
            "data": {"callbackType": "text", "task_id": task, "data": []},
        }
    ]
    assert state_of("kie", poll(client, "kie", task, "k").json()) == "TEXT_SUCCESS"


def test_the_first_callback_of_kie_has_the_track_that_record_info_shows_ready(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)

    advance(control, 72)

    body = receiver.bodies()[-1]
    ready = kie_items(client, task)[0]
    assert body == {
        "code": 200,
        "msg": "First track generated successfully.",
        "data": {"callbackType": "first", "task_id": task, "data": [ready]},
    }
    assert ready["audio_url"].startswith("http://127.0.0.1:4010/")
    assert (ready["prompt"], ready["title"], ready["tags"]) == (
        "[Verse]\nNeon on the water",
        "Neon",
        "dream pop",
    )
    assert (ready["model_name"], 36 <= ready["duration"] <= 200) == ("chirp-crow", True)
    assert client.get(ready["audio_url"]).status_code == 200


def test_the_complete_callback_of_kie_has_both_tracks(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)

    advance(control, 120)

    both = kie_items(client, task)
    assert receiver.bodies()[-1] == {
        "code": 200,
        "msg": "All generated successfully.",
        "data": {"callbackType": "complete", "task_id": task, "data": both},
    }
    assert len(both) == 2
    assert receiver.bodies()[1]["data"]["data"] == both[:1]
    assert all(client.get(track["audio_url"]).status_code == 200 for track in both)


def test_a_callback_is_a_json_post(client: Client, control: Control, receiver: Receiver) -> None:
    song(client, "kie", f"http://127.0.0.1:{receiver.port}/a%20b/c?token=1&x=%2F")

    advance(control, 30)

    one = receiver.received[0]
    assert one.path == "/a%20b/c?token=1&x=%2F"
    assert one.headers["content-type"].partition(";")[0] == "application/json"
    assert one.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert "authorization" not in one.headers


@pytest.mark.parametrize(
    ("error", "came"),
    [
        (None, [(30, "text", 200), (60, "error", 501)]),
        ("GENERATE_AUDIO_FAILED", [(30, "text", 200), (60, "error", 501)]),
        ("CALLBACK_EXCEPTION", [(30, "text", 200), (60, "error", 501)]),
        ("CREATE_TASK_FAILED", [(12, "error", 501)]),
        ("SENSITIVE_WORD_ERROR", [(12, "error", 400)]),
        ({"code": 400, "message": "These words are somebody's"}, [(12, "error", 400)]),
        ({"code": 408, "message": "Nothing came of it"}, [(30, "text", 200), (60, "error", 408)]),
        ({"code": 413, "message": "This is an old song"}, [(12, "error", 413)]),
        ({"code": 500, "message": "Something broke"}, [(30, "text", 200), (60, "error", 500)]),
        ({"code": 501, "message": "It did not work"}, [(30, "text", 200), (60, "error", 501)]),
        ({"code": 531, "message": "You have your credits back"}, [(30, "text", 200), (60, "error", 531)]),
    ],
)
def test_a_failing_kie_song_tells_the_error_and_its_code(
    client: Client, control: Control, receiver: Receiver, error: Json, came: list[tuple[int, str, int]]
) -> None:
    control.post("/outcomes", {"outcome": "task-failed", **({"error": error} if error else {})})
    task = song(client, "kie", receiver.url)

    for moment in (11, 12, 29, 30, 59, 60, 200):
        advance(control, moment - control.get("/clock")["epoch"] + EPOCH)
        assert len(receiver.received) == len([one for one in came if one[0] <= moment]), moment

    assert [(body["data"]["callbackType"], body["code"]) for body in receiver.bodies()] == [
        (stage, code) for _, stage, code in came
    ]
    body = receiver.bodies()[-1]
    assert body["data"] == {"callbackType": "error", "task_id": task, "data": None}
    if isinstance(error, dict):
        assert body["msg"] == error["message"]
    elif body["code"] == 501:
        assert body["msg"] == "Audio generation failed"
    else:
        shown = poll(client, "kie", task, "k").json()["data"]
        assert (shown["errorCode"], shown["errorMessage"]) == (400, body["msg"])
    assert control.get("/accounts/k")["credits"] == 1000


# --- crun and yuto: the end alone --------------------------------------------------------------------------


def test_a_crun_song_is_told_once_with_what_task_info_answers(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "crun", receiver.url)

    advance(control, 85)
    early = list(receiver.received)
    advance(control, 1)

    body = poll(client, "crun", task, "k").json()
    result = body["data"]["result"]
    assert early == []
    assert receiver.bodies() == [
        {
            "code": 200,
            "message": "success",
            "data": {
                "task_id": task,
                "provider": "Suno",
                "model_version": "sunov5",
                "status": "success",
                "param": {
                    "model": "suno/music-generate",
                    "callback_url": receiver.url,
                    "input": {
                        "mode": "custom",
                        "model": "v5",
                        "instrumental": False,
                        "title": "Midnight Neon",
                        "tags": "Western R&B, moody",
                        "lyrics": "[Verse]\nNeon on the water, slow and low",
                    },
                },
                "create_at": EPOCH,
                "result": result,
                "duration_s": 86,
                "complete_at": EPOCH + 86,
                "credits": 12,
                "source": "api",
            },
        }
    ]
    assert len(result["suno_data"]) == 2
    assert (advance(control, 1000)["delivered"], len(receiver.received)) == (0, 1)


def test_a_failed_crun_song_is_told_once(client: Client, control: Control, receiver: Receiver) -> None:
    control.post("/outcomes", {"outcome": "task-failed", "error": {"code": 501, "message": "no luck today"}})
    task = song(client, "crun", receiver.url)

    advance(control, 42)
    early = list(receiver.received)
    idle(control)

    (body,) = receiver.bodies()
    assert early == []
    assert body == poll(client, "crun", task, "k").json()
    assert (body["data"]["task_id"], body["data"]["status"]) == (task, "failed")
    assert body["data"]["result"]["message"] == "no luck today"
    assert told(callbacks(control)) == [("error", "delivered")]
    assert moments(callbacks(control)[0]) == ["2026-01-01T00:00:43Z"]


def test_a_yuto_song_is_told_once_with_the_bare_task(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "yuto", receiver.url)

    advance(control, 89)
    early = list(receiver.received)
    advance(control, 1)

    shown = poll(client, "yuto", task, "k").json()["data"]
    assert early == []
    assert receiver.bodies() == [
        {
            "task_id": task,
            "notify_hook": receiver.url,
            "action": "MUSIC",
            "status": "SUCCESS",
            "fail_reason": "",
            "submit_time": EPOCH,
            "start_time": shown["start_time"],
            "finish_time": EPOCH + 90,
            "progress": "100%",
            "data": shown["data"],
        }
    ]
    assert [clip["status"] for clip in shown["data"]] == ["complete", "complete"]
    assert (advance(control, 1000)["delivered"], len(receiver.received)) == (0, 1)


def test_a_failed_yuto_song_is_told_once(client: Client, control: Control, receiver: Receiver) -> None:
    control.post("/outcomes", {"outcome": "task-failed", "error": {"code": "x", "message": "no luck today"}})
    task = song(client, "yuto", receiver.url)

    advance(control, 44)
    early = list(receiver.received)
    idle(control)

    (body,) = receiver.bodies()
    assert early == []
    assert body == poll(client, "yuto", task, "k").json()["data"]
    assert (body["task_id"], body["status"]) == (task, "FAILURE")
    assert "no luck today" in body["fail_reason"]
    assert told(callbacks(control)) == [("error", "delivered")]
    assert moments(callbacks(control)[0]) == ["2026-01-01T00:00:45Z"]


def test_lyrics_of_yuto_are_told_too(client: Client, control: Control, receiver: Receiver) -> None:
    body = {"prompt": "dance", "notify_hook": receiver.url}
    task = send(client, "yuto", "submitLyrics", json=body).json()["data"]

    advance(control, 20)

    (body,) = receiver.bodies()
    assert (body["task_id"], body["action"], body["status"]) == (task, "LYRICS", "SUCCESS")
    assert body["notify_hook"] == receiver.url


# --- evolink: three stages of a song, one of a persona -----------------------------------------------------


def test_an_evolink_song_is_told_in_three_stages(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "evolink", receiver.url)
    waiting = {
        "created": EPOCH,
        "id": task,
        "model": "suno-v5-beta",
        "object": "audio.generation.task",
        "status": "processing",
        "task_info": {"can_cancel": True, "estimated_time": 120},
        "type": "audio",
        "usage": {"billing_rule": "per_call", "credits_reserved": 10, "user_group": "default"},
    }

    came = []
    for seconds in (11, 1, 35, 1, 71, 1, 3600):
        advance(control, seconds)
        came.append(len(receiver.received))

    final = poll(client, "evolink", task, "k").json()
    songs = final["result_data"]["songs"]
    assert came == [0, 1, 1, 2, 2, 3, 3]
    assert receiver.bodies() == [
        {**waiting, "progress": 30, "results": [], "result_data": {"songs": []}},
        {
            **waiting,
            "progress": 60,
            "results": [songs[0]["audio_url"]],
            "result_data": {"songs": [songs[0]]},
        },
        {
            **waiting,
            "progress": 100,
            "status": "completed",
            "results": [songs[0]["audio_url"], songs[1]["audio_url"]],
            "result_data": {"songs": songs},
            "task_info": {"can_cancel": False},
        },
    ]
    assert final == receiver.bodies()[2]


def test_the_song_of_an_evolink_first_callback_is_there_to_be_heard(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "evolink", receiver.url)

    advance(control, 48)

    (url,) = receiver.bodies()[-1]["results"]
    assert client.get(url).status_code == 200
    assert "results" not in poll(client, "evolink", task, "k").json()


def test_a_failed_evolink_song_is_told_after_what_it_had_reached(
    client: Client, control: Control, receiver: Receiver
) -> None:
    error = {"code": "content_policy_violation", "message": "not these words"}
    control.post("/outcomes", {"outcome": "task-failed", "error": error})
    task = song(client, "evolink", receiver.url)

    advance(control, 59)
    early = len(receiver.received)
    idle(control)

    assert early == 2
    assert told(callbacks(control)) == [("text", "delivered"), ("first", "delivered"), ("error", "delivered")]
    assert receiver.bodies()[-1] == {
        "created": EPOCH,
        "id": task,
        "model": "suno-v5-beta",
        "object": "audio.generation.task",
        "progress": 60,
        "status": "failed",
        "error": {
            "code": "content_policy_violation",
            "message": "not these words",
            "type": "task_error",
        },
        "task_info": {"can_cancel": False},
        "type": "audio",
        "usage": {"billing_rule": "per_call", "credits_reserved": 10, "user_group": "default"},
    }


def persona(client: Client, control: Control, url: str, **headers: str) -> str:
    """Order a persona of a planted song at evolink, with a callback; the task's id."""
    source = control.post("/tasks", {"provider": "evolink", "key": "k"})
    params = {
        "source_task_id": source["source_task"],
        "result_id": source["songs"][0],
        "name": "Neon Siren",
        "description": "A smoky late-night vocalist",
    }
    body = {"model": "suno-persona", "model_params": params, "callback_url": url}
    reply = send(client, "evolink", "generatePersona", json=body, **headers)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


def test_a_persona_task_of_evolink_is_told_once(client: Client, control: Control, receiver: Receiver) -> None:
    task = persona(client, control, receiver.url)

    advance(control, 14)
    early = list(receiver.received)
    advance(control, 1)
    idle(control)

    (body,) = receiver.bodies()
    assert early == []
    assert body == {
        "created": EPOCH,
        "id": task,
        "model": "suno-persona",
        "object": "audio.generation.task",
        "progress": 100,
        "status": "completed",
        "results": [],
        "result_data": {"persona_id": body["result_data"]["persona_id"]},
        "task_info": {"can_cancel": False},
        "type": "audio",
        "usage": {"billing_rule": "per_call", "credits_reserved": 1, "user_group": "default"},
    }
    assert body == poll(client, "evolink", task, "k").json()
    assert told(callbacks(control)) == [("complete", "delivered")]


def test_a_failed_persona_task_of_evolink_is_told_once(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = persona(client, control, receiver.url, prefer="outcome=task-failed")

    idle(control)

    (body,) = receiver.bodies()
    assert (body["id"], body["status"], body["error"]["code"]) == (task, "failed", "service_error")
    assert told(callbacks(control)) == [("error", "delivered")]


# --- nobody to tell ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "operation", "body"),
    [
        ("crun", "createTask", {"callback_url": ""}),
        ("crun", "createTask", {"callback_url": None}),
        ("crun", "createTask", {}),
        ("evolink", "generateMusic", {}),
        ("yuto", "submitMusic", {"notify_hook": ""}),
        ("yuto", "submitMusic", {}),
    ],
)
def test_without_a_url_nobody_is_told(
    client: Client, control: Control, provider: str, operation: str, body: Json
) -> None:
    whole: Json = {
        "crun": {
            "model": "suno/music-generate",
            "input": {"mode": "simple", "model": "v5", "prompt": "First snow"},
        },
        "evolink": {"model": "suno-v5-beta", "prompt": "A road trip"},
        "yuto": {"gpt_description_prompt": "the sea at night", "mv": "chirp-v4"},
    }[provider]

    reply = send(client, provider, operation, json={**whole, **body})
    counts = idle(control)

    assert reply.headers["x-mock-outcome"] == "success"
    assert (counts["delivered"], counts["gave_up"], callbacks(control)) == (0, 0, [])
    assert control.get("/tasks")["tasks"][0]["status"] == "finished"


@pytest.mark.parametrize("provider", ["evolink", "yuto"])
@pytest.mark.parametrize("nothing", ["", None])
def test_nothing_as_a_url_is_no_url(
    client: Client, control: Control, provider: str, nothing: str | None
) -> None:
    field = {"evolink": "callback_url", "yuto": "notify_hook"}[provider]

    ordered(client, provider, None, fields={field: nothing})
    idle(control)

    assert callbacks(control) == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_planted_task_calls_nobody(client: Client, control: Control, provider: str) -> None:
    for status in ("waiting", "finished"):
        control.post("/tasks", {"provider": provider, "status": status})

    counts = idle(control)

    assert (counts["delivered"], counts["gave_up"], callbacks(control)) == (0, 0, [])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refused_submission_tells_nobody(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    reply = ordered(client, provider, receiver.url, key="mock-poor")

    idle(control)

    assert reply.headers["x-mock-outcome"] == "insufficient-credits"
    assert (callbacks(control), receiver.received) == ([], [])


# --- attempts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [500, 404, 201])
def test_kie_tries_again_after_one_and_two_seconds(
    client: Client, control: Control, receiver: Receiver, failing: int
) -> None:
    song(client, "kie", receiver.url)
    receiver.script(failing, failing, 200)

    came = []
    for seconds in (29, 1, 0, 1, 1, 1, 3, 34):
        advance(control, seconds)
        came.append(len(receiver.received))

    assert came == [0, 1, 1, 2, 2, 3, 3, 3]
    assert receiver.stages() == ["text", "text", "text"]
    assert receiver.bodies()[0] == receiver.bodies()[2]
    (one,) = callbacks(control)
    assert (one["state"], one["reason"]) == ("delivered", None)
    assert one["attempts"] == [
        {"at": "2026-01-01T00:00:30Z", "status": failing, "error": None},
        {"at": "2026-01-01T00:00:31Z", "status": failing, "error": None},
        {"at": "2026-01-01T00:00:33Z", "status": 200, "error": None},
    ]


def test_a_stage_that_is_given_up_does_not_cancel_the_later_ones(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)
    receiver.script(500, 500, 500, 500)

    counts = advance(control, 120)

    assert receiver.stages() == ["text"] * 4 + ["first", "complete"]
    assert counts == {"now": "2026-01-01T00:02:00Z", "delivered": 2, "gave_up": 1}
    found = callbacks(control)
    assert told(found) == [("text", "gave-up"), ("first", "delivered"), ("complete", "delivered")]
    assert moments(found[0]) == [f"2026-01-01T00:00:{second}Z" for second in (30, 31, 33, 37)]
    assert found[0]["reason"]
    assert state_of("kie", poll(client, "kie", task, "k").json()) == "SUCCESS"


@pytest.mark.parametrize(
    ("provider", "seconds"),
    [("kie", (0, 1, 3, 7)), ("crun", (0, 1, 3, 7)), ("evolink", (0, 1, 3, 7)), ("yuto", (0, 1))],
)
def test_a_receiver_that_always_fails_is_given_up_after_the_documented_attempts(
    client: Client, control: Control, receiver: Receiver, provider: str, seconds: tuple[int, ...]
) -> None:
    receiver.always(503)
    task = song(client, provider, receiver.url)
    before = control.get("/accounts/k")["credits"]

    counts = idle(control)

    steps, end = STEPS[provider], ENDS[provider]
    found = callbacks(control)
    assert told(found) == [(stage, "gave-up") for stage in steps]
    assert len(receiver.received) == len(steps) * len(seconds)
    begun = control.get("/clock")["epoch"] - EPOCH
    assert begun == end + seconds[-1]
    minutes = [divmod(end + second, 60) for second in seconds]
    assert moments(found[-1]) == [f"2026-01-01T00:{minute:02}:{second:02}Z" for minute, second in minutes]
    assert all({attempt["status"] for attempt in one["attempts"]} == {503} for one in found)
    assert all(one["reason"] for one in found)
    assert (counts["delivered"], counts["gave_up"]) == (0, len(steps))
    assert control.get(f"/tasks/{task}")["status"] == "finished"
    assert control.get("/accounts/k")["credits"] == before


@pytest.mark.parametrize("provider", PROVIDERS)
def test_which_answers_count_as_received(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    song(client, provider, receiver.url)
    receiver.script(204)

    idle(control)

    first = callbacks(control)[0]
    assert first["state"] == "delivered"
    assert [attempt["status"] for attempt in first["attempts"]] == (
        [204, 200] if provider == "kie" else [204]
    )


def test_an_attempt_that_failed_leaves_the_callback_due(
    client: Client, control: Control, receiver: Receiver
) -> None:
    song(client, "crun", receiver.url)
    receiver.script(500)

    before = callbacks(control)
    advance(control, 86)
    (due,) = callbacks(control)
    counts = advance(control, 1)
    (done,) = callbacks(control)

    assert before == []
    assert (due["state"], due["reason"], len(due["attempts"])) == ("due", None, 1)
    assert (done["state"], done["id"], done["payload"]) == ("delivered", due["id"], due["payload"])
    assert (counts["delivered"], counts["gave_up"]) == (1, 0)


@pytest.mark.parametrize(("provider", "attempts"), [("kie", 4), ("crun", 4), ("evolink", 4), ("yuto", 2)])
def test_a_silent_receiver_is_left_after_the_documented_number(
    impatient: Client, receiver: Receiver, provider: str, attempts: int
) -> None:
    control = Control(impatient)
    receiver.script(*[SILENCE] * attempts)
    task = song(impatient, provider, receiver.url)
    before = control.get("/accounts/k")["credits"]

    began = time.monotonic()
    idle(control)
    took = time.monotonic() - began

    first = callbacks(control)[0]
    assert (first["stage"], first["state"], len(first["attempts"])) == (
        STEPS[provider][0],
        "gave-up",
        attempts,
    )
    assert {attempt["status"] for attempt in first["attempts"]} == {None}
    assert all("0.2 s" in attempt["error"] for attempt in first["attempts"])
    assert "0.2 s" in first["reason"]
    assert attempts * 0.2 * 0.9 <= took < 20
    assert control.get(f"/tasks/{task}")["status"] == "finished"
    assert control.get("/accounts/k")["credits"] == before


def test_no_virtual_time_passes_while_a_receiver_is_waited_for(impatient: Client, receiver: Receiver) -> None:
    control = Control(impatient)
    receiver.always(SILENCE)
    song(impatient, "yuto", receiver.url)

    idle(control)

    (one,) = callbacks(control)
    assert moments(one) == ["2026-01-01T00:01:30Z", "2026-01-01T00:01:31Z"]
    assert control.get("/clock")["now"] == "2026-01-01T00:01:31Z"


def test_the_callbacks_of_a_task_wait_for_each_other_and_not_for_another_tasks(
    client: Client, control: Control, receiver: Receiver
) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    slow = {"prompt": "mock:slow=4"}
    receiver.script(500, 500, 500, path="/a")
    song(client, "kie", f"{base}/a", fields=slow)
    song(client, "kie", f"{base}/b", fields=slow)

    advance(control, 4)
    halfway = receiver.stages("/a"), receiver.stages("/b")
    advance(control, 3)
    late = receiver.stages("/a")
    advance(control, 1)

    assert halfway == (["text"] * 3, ["text", "first", "complete"])
    assert late == ["text"] * 3
    assert receiver.stages("/a") == ["text"] * 4 + ["first", "complete"]
    found = [one for one in callbacks(control) if one["url"] == f"{base}/a"]
    assert [one["state"] for one in found] == ["delivered"] * 3
    assert moments(found[0]) == [f"2026-01-01T00:00:{second:02}Z" for second in (1, 2, 4, 8)]
    assert [moments(one) for one in found[1:]] == [["2026-01-01T00:00:08Z"]] * 2


def test_one_song_is_told_quickly_under_a_virtual_clock(
    client: Client, control: Control, receiver: Receiver
) -> None:
    song(client, "kie", receiver.url)

    began = time.monotonic()
    counts = idle(control)
    took = time.monotonic() - began

    assert (counts["delivered"], receiver.stages()) == (3, ["text", "first", "complete"])
    assert took < 5


def test_many_songs_are_each_told_in_order(client: Client, control: Control, receiver: Receiver) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    for number in range(15):
        song(client, "kie", f"{base}/{number}")

    counts = idle(control)

    assert counts == {"now": "2026-01-01T00:02:00Z", "delivered": 45, "gave_up": 0}
    assert [receiver.stages(f"/{number}") for number in range(15)] == [["text", "first", "complete"]] * 15


def test_more_callbacks_than_one_transaction_takes_are_due_at_one_moment(
    client: Client, control: Control, receiver: Receiver
) -> None:
    tasks = {song(client, "crun", receiver.url, key=f"k{number % 20}") for number in range(130)}

    counts = advance(control, 86)

    assert (counts["delivered"], counts["gave_up"]) == (130, 0)
    assert {body["data"]["task_id"] for body in receiver.bodies()} == tasks
    assert len(receiver.received) == 130


def test_a_clock_that_is_set_passes_every_due_moment(
    client: Client, control: Control, receiver: Receiver
) -> None:
    receiver.script(500)
    song(client, "kie", receiver.url)

    control.post("/clock/set", {"now": "2026-01-01T00:02:00Z"})

    assert receiver.stages() == ["text", "text", "first", "complete"]
    assert [moments(one) for one in callbacks(control)] == [
        ["2026-01-01T00:00:30Z", "2026-01-01T00:00:31Z"],
        ["2026-01-01T00:01:12Z"],
        ["2026-01-01T00:02:00Z"],
    ]


# --- stores and workers ------------------------------------------------------------------------------------


def test_every_store_tells_the_same(fresh: Client, receiver: Receiver) -> None:
    control = Control(fresh)
    receiver.script(500)
    song(fresh, "kie", receiver.url)

    counts = idle(control)

    assert counts == {"now": "2026-01-01T00:02:00Z", "delivered": 3, "gave_up": 0}
    assert receiver.stages() == ["text", "text", "first", "complete"]
    assert moments(callbacks(control)[0]) == ["2026-01-01T00:00:30Z", "2026-01-01T00:00:31Z"]


def test_two_workers_of_one_store_tell_it_once(store: Store, receiver: Receiver) -> None:
    one, other = Client(shared_app(store)), Client(shared_app(store))
    song(one, "kie", receiver.url)

    advance(Control(one), 30)
    advance(Control(other), 42)
    idle(Control(one))
    counts = idle(Control(other))

    assert receiver.stages() == ["text", "first", "complete"]
    assert counts["delivered"] == 0
    assert callbacks(Control(one)) == callbacks(Control(other))


@contextmanager
def served(store: Store) -> Iterator[str]:
    """A real server on a store, until the block ends; its URL."""
    with running(create_app(Settings(seed=0, pace=6000), store=store)) as url:
        yield url


@contextmanager
def running(app: Any) -> Iterator[str]:
    """A real server of an application, until the block ends; its URL."""
    sockets = listen("127.0.0.1", 0)
    ready = threading.Event()
    server = Server(
        app, sockets, direct=app.state.direct, on_listening=ready.set, on_stopping=app.state.mock.stop
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(10), "the server did not start"
    yield f"http://127.0.0.1:{port_of(sockets[0])}"
    server.stop()
    thread.join(20)
    for listening in sockets:
        listening.close()


def test_a_callback_that_was_under_way_when_a_server_ended_is_sent_by_the_next(
    store: Store, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    receiver.script(SILENCE)

    with served(store) as url:
        song(connect(url), "crun", receiver.url)
        receiver.wait(1)
    with served(store):
        first, again = receiver.wait(2)

    assert again.json == first.json


def test_what_comes_due_while_no_server_runs_is_told_by_the_next(
    store: Store, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    receiver.script(500)

    with served(store) as url:
        client = connect(url)
        song(client, "crun", receiver.url)
        receiver.wait(1)
        attempted(client)
    with served(store):
        receiver.wait(2)

    assert len(receiver.received) == 2


@contextmanager
def begun(app: Any) -> Iterator[Client]:
    """An application as another server runs it, until the block ends."""
    with asyncio.Runner() as loop:
        lifespan = app.router.lifespan_context(app)
        loop.run(lifespan.__aenter__())
        yield Client(app)
        loop.run(lifespan.__aexit__(None, None, None))


def test_an_application_that_begins_a_second_time_goes_on_sending(receiver: Receiver) -> None:
    app = shared_app()

    counts = []
    for _ in range(2):
        with begun(app) as client:
            song(client, "kie", receiver.url)
            counts.append(idle(Control(client)))

    assert [(each["delivered"], each["gave_up"]) for each in counts] == [(3, 0), (3, 0)]
    assert receiver.stages() == ["text", "first", "complete"] * 2


def test_an_application_that_ended_waits_with_its_callbacks_until_it_begins_again(receiver: Receiver) -> None:
    app = shared_app(pace="instant")

    with begun(app) as client:
        song(client, "crun", receiver.url)
        idle(Control(client))
    song(Client(app), "crun", receiver.url)
    between = len(receiver.received)
    with begun(app):
        receiver.wait(2)

    assert (between, len(receiver.received)) == (1, 2)


@pytest.mark.parametrize("pace", ["instant", "real"])
def test_a_second_server_of_one_application_goes_on_sending(
    connect: Callable[[str], httpx2.Client], receiver: Receiver, pace: str
) -> None:
    app = shared_app(pace=pace)

    for _ in range(2):
        with running(app) as url:
            client = connect(url)
            song(client, "kie", receiver.url)
            idle(Control(client))  # type: ignore[arg-type]

    assert receiver.stages() == ["text", "first", "complete"] * 2


def attempted(client: httpx2.Client) -> None:
    """Returns when the answer to an attempt has been noted."""
    with client.stream("GET", "/_mock/events", headers={"Last-Event-ID": "0"}) as stream:
        for line in stream.iter_lines():
            name, _, text = line.partition(": ")
            if name == "data" and json.loads(text).get("attempt"):
                return
    raise AssertionError("the answer was not noted")


# --- signatures --------------------------------------------------------------------------------------------


def verified(one: Received, key: str) -> bool:
    """A receiver's own check, by the documented formula."""
    text = f"{one.json['data']['task_id']}.{one.headers['x-webhook-timestamp']}"
    wanted = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
    return hmac.compare_digest(one.headers["x-webhook-signature"], wanted)


def signed(one: Received) -> list[str]:
    return sorted(name for name in one.headers if name.startswith("x-webhook"))


def test_kie_signs_for_an_account_that_has_a_key(
    client: Client, control: Control, receiver: Receiver
) -> None:
    account = changed(control, "k", webhookHmacKey="a sécret")
    song(client, "kie", receiver.url)

    idle(control)

    assert account["webhookHmacKey"] == "set"
    assert [verified(one, "a sécret") for one in receiver.received] == [True] * 3
    assert [verified(one, "another") for one in receiver.received] == [False] * 3
    stamps = [int(one.headers["x-webhook-timestamp"]) for one in receiver.received]
    assert stamps == [EPOCH + 30, EPOCH + 72, EPOCH + 120]


def test_a_retry_is_signed_anew(client: Client, control: Control, receiver: Receiver) -> None:
    changed(control, "k", webhookHmacKey="secret")
    receiver.script(500, 500)
    song(client, "kie", receiver.url)

    advance(control, 40)

    stamps = [int(one.headers["x-webhook-timestamp"]) for one in receiver.received]
    assert stamps == [EPOCH + 30, EPOCH + 31, EPOCH + 33]
    assert all(verified(one, "secret") for one in receiver.received)


def test_an_account_without_a_key_is_not_signed_for(
    client: Client, control: Control, receiver: Receiver
) -> None:
    changed(control, "somebody-else", webhookHmacKey="secret")
    song(client, "kie", receiver.url)

    idle(control)

    assert [signed(one) for one in receiver.received] == [[], [], []]


def test_each_account_has_its_own_key(client: Client, control: Control, receiver: Receiver) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    for key in ("alice", "bob"):
        changed(control, key, webhookHmacKey=f"of {key}")
        song(client, "kie", f"{base}/{key}", key=key)

    idle(control)

    found = {one.path: (verified(one, "of alice"), verified(one, "of bob")) for one in receiver.received}
    assert found == {"/alice": (True, False), "/bob": (False, True)}


def test_a_key_that_is_set_or_taken_away_counts_from_then_on(
    client: Client, control: Control, receiver: Receiver
) -> None:
    song(client, "kie", receiver.url)

    changed(control, "k", webhookHmacKey="first")
    advance(control, 30)
    changed(control, "k", webhookHmacKey="second")
    advance(control, 42)
    account = changed(control, "k", webhookHmacKey=None)
    advance(control, 48)

    text, first, complete = receiver.received
    assert (verified(text, "first"), verified(first, "second"), verified(first, "first")) == (
        True,
        True,
        False,
    )
    assert (signed(complete), account["webhookHmacKey"]) == ([], None)


@pytest.mark.parametrize("provider", ["crun", "evolink", "yuto"])
def test_other_providers_sign_nothing(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    changed(control, "k", webhookHmacKey="secret")
    song(client, provider, receiver.url)

    idle(control)

    assert [signed(one) for one in receiver.received] == [[] for _ in STEPS[provider]]


def test_the_key_of_one_sandbox_is_not_used_in_another(app: Any, receiver: Receiver) -> None:
    with_key, without = in_sandbox(app, "hmac-one"), in_sandbox(app, "hmac-other")
    changed(Control(with_key), "k", webhookHmacKey="secret")
    song(without, "kie", receiver.url)

    idle(Control(without))

    assert [signed(one) for one in receiver.received] == [[], [], []]


def test_a_signature_that_cannot_be_made_is_a_failed_attempt(
    client: Client, control: Control, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(control, "k", webhookHmacKey="secret")
    right, failing = Kie.signature, [5]

    def signature(adapter: Kie, *about: Any) -> Any:
        failing[0] -= 1
        if failing[0] >= 0:
            raise ValueError("secret")
        return right(adapter, *about)

    monkeypatch.setattr(Kie, "signature", signature)
    song(client, "kie", receiver.url)

    counts = idle(control)

    text, first, complete = callbacks(control)
    assert (counts["delivered"], counts["gave_up"]) == (2, 1)
    assert (text["state"], [attempt["status"] for attempt in text["attempts"]]) == ("gave-up", [None] * 4)
    assert moments(text) == [f"2026-01-01T00:00:{second}Z" for second in (30, 31, 33, 37)]
    assert all(attempt["error"] for attempt in text["attempts"])
    assert text["reason"]
    assert [attempt["status"] for attempt in first["attempts"]] == [None, 200]
    assert [attempt["status"] for attempt in complete["attempts"]] == [200]
    assert "secret" not in json.dumps(callbacks(control))
    assert receiver.stages() == ["first", "complete"]
    assert all(verified(one, "secret") for one in receiver.received)


# --- pace and the real clock -------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_instant_task_tells_all_its_stages_in_order(
    instant: Client, receiver: Receiver, provider: str
) -> None:
    control = Control(instant)

    task = song(instant, provider, receiver.url)
    came = receiver.wait(len(STEPS[provider]))
    idle(control)

    assert told(callbacks(control)) == [(stage, "delivered") for stage in STEPS[provider]]
    assert len(receiver.received) == len(came)
    assert control.get("/clock")["now"] == START
    assert control.get(f"/tasks/{task}")["status"] == "finished"
    if provider == "kie":
        assert receiver.stages() == ["text", "first", "complete"]
        assert [len(body["data"]["data"]) for body in receiver.bodies()] == [0, 1, 2]
    if provider == "evolink":
        assert [body["progress"] for body in receiver.bodies()] == [30, 60, 100]


def test_an_instant_task_that_fails_tells_the_error(instant: Client, receiver: Receiver) -> None:
    control = Control(instant)

    song(instant, "kie", receiver.url, prefer="outcome=task-failed")
    receiver.wait(2)
    idle(control)

    assert receiver.stages() == ["text", "error"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_under_a_real_clock_callbacks_come_by_themselves(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver, provider: str
) -> None:
    client = connect(live(clock="real", pace=600))

    song(client, provider, receiver.url)
    receiver.wait(len(STEPS[provider]))

    control = Control(client)  # type: ignore[arg-type]
    assert [one["stage"] for one in callbacks(control)] == STEPS[provider]
    if provider == "kie":
        assert receiver.stages() == ["text", "first", "complete"]
        assert [len(body["data"]["data"]) for body in receiver.bodies()] == [0, 1, 2]


def test_retries_are_not_scaled_by_the_pace(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    client = connect(live(clock="real", pace=6000))
    receiver.script(500)

    song(client, "crun", receiver.url)
    receiver.wait(1)
    began = time.monotonic()
    receiver.wait(2)
    took = time.monotonic() - began

    assert 0.7 < took < 10


def test_the_api_answers_while_a_receiver_is_silent(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    client = connect(live(clock="real", pace=6000))
    base = f"http://127.0.0.1:{receiver.port}"
    receiver.script(SILENCE, path="/silent")
    task = song(client, "kie", f"{base}/silent")
    receiver.wait(1)

    began = time.monotonic()
    shown = poll(client, "kie", task, "k")
    song(client, "crun", f"{base}/other")
    receiver.wait(2)
    took = time.monotonic() - began

    assert (shown.status_code, took < 5) == (200, True)
    assert len(receiver.bodies("/other")) == 1
    assert receiver.stages("/silent") == ["text"]
    receiver.release()
    receiver.wait(4)
    assert receiver.stages("/silent") == ["text", "first", "complete"]


def test_the_api_answers_while_advance_waits_for_a_receiver(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    url = live(clock="virtual", callback_timeout=15)
    client, other = connect(url), connect(url)
    receiver.script(SILENCE)
    task = song(client, "crun", receiver.url)
    replies: list[httpx2.Response] = []

    def walk() -> None:
        replies.append(other.post("/_mock/clock/advance", json={"until": "idle"}))

    walking = threading.Thread(target=walk)
    walking.start()
    receiver.wait(1)
    began = time.monotonic()
    shown = poll(client, "crun", task, "k")
    took = time.monotonic() - began
    unanswered = list(replies)
    receiver.release()
    walking.join(20)

    assert (state_of("crun", shown.json()), took < 5, unanswered) == ("success", True, [])
    assert (replies[0].json()["delivered"], len(receiver.received)) == (1, 1)


def test_submissions_do_not_wait_for_their_callbacks(instant_app: Any, receiver: Receiver) -> None:
    client = in_sandbox(instant_app, "silent while submitting")
    receiver.script(SILENCE)

    began = time.monotonic()
    song(client, "crun", receiver.url)
    took = time.monotonic() - began

    assert took < 1.5
    receiver.wait(1)
    receiver.release()


def test_many_silent_calls_to_one_receiver_do_not_keep_another_waiting(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    client = connect(live(clock="real", pace="instant", rate_limits="off", credits=100_000))
    with Receiver() as silent:
        silent.always(SILENCE)
        for _ in range(120):
            song(client, "crun", silent.url)

        began = time.monotonic()
        song(client, "crun", receiver.url)
        receiver.wait(1)
        took = time.monotonic() - began

        silent.release()
        silent.wait(120)

    assert took < 3


# --- GET callbacks, redeliver ------------------------------------------------------------------------------


def test_a_callback_is_listed_with_all_that_is_known_of_it(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)

    advance(control, 30)

    (one,) = callbacks(control)
    assert one == {
        "id": one["id"],
        "task": task,
        "provider": "kie",
        "stage": "text",
        "url": receiver.url,
        "state": "delivered",
        "reason": None,
        "attempts": [{"at": "2026-01-01T00:00:30Z", "status": 200, "error": None}],
        "payload": {
            "code": 200,
            "msg": "Text generated successfully.",
            "data": {"callbackType": "text", "task_id": task, "data": []},
        },
    }
    assert one["id"].startswith("cb_")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_payload_shown_is_what_was_received(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    song(client, provider, receiver.url)

    idle(control)

    assert [one["payload"] for one in callbacks(control)] == receiver.bodies()
    assert len(receiver.received) == len(STEPS[provider])


def test_ids_of_callbacks_are_distinct_and_stay(client: Client, control: Control, receiver: Receiver) -> None:
    song(client, "kie", receiver.url)
    advance(control, 72)
    before = [one["id"] for one in callbacks(control)]
    advance(control, 48)
    after = [one["id"] for one in callbacks(control)]

    assert (after[:2], len(set(after))) == (before, 3)


def test_callbacks_of_several_tasks_are_listed_oldest_first(
    client: Client, control: Control, receiver: Receiver
) -> None:
    crun = song(client, "crun", receiver.url)
    kie = song(client, "kie", receiver.url)

    idle(control)

    assert [(one["task"], one["stage"]) for one in callbacks(control)] == [
        (kie, "text"),
        (kie, "first"),
        (crun, "complete"),
        (kie, "complete"),
    ]


def redelivered(control: Control, callback: str) -> Json:
    return control.post(f"/callbacks/{callback}/redeliver")


def test_a_delivered_callback_can_be_sent_again(client: Client, control: Control, receiver: Receiver) -> None:
    changed(control, "k", webhookHmacKey="secret")
    song(client, "kie", receiver.url)
    idle(control)
    text = callbacks(control)[0]

    again = redelivered(control, text["id"])

    assert receiver.stages() == ["text", "first", "complete", "text"]
    assert receiver.bodies()[3] == receiver.bodies()[0]
    assert verified(receiver.received[3], "secret")
    assert int(receiver.received[3].headers["x-webhook-timestamp"]) == EPOCH + 120
    assert (again["id"], again["state"], again["payload"]) == (text["id"], "delivered", text["payload"])
    assert moments(again) == ["2026-01-01T00:00:30Z", "2026-01-01T00:02:00Z"]
    assert callbacks(control)[0] == again
    assert len(callbacks(control)) == 3


def test_a_callback_that_was_given_up_can_be_sent_again(
    client: Client, control: Control, receiver: Receiver
) -> None:
    receiver.script(500, 500)
    song(client, "yuto", receiver.url)
    idle(control)
    (before,) = callbacks(control)

    again = redelivered(control, before["id"])

    assert (before["state"], again["state"], again["reason"]) == ("gave-up", "delivered", None)
    assert [attempt["status"] for attempt in again["attempts"]] == [500, 500, 200]


def test_a_callback_sent_again_is_tried_again_as_the_first_time(
    client: Client, control: Control, receiver: Receiver
) -> None:
    song(client, "yuto", receiver.url)
    idle(control)
    receiver.script(500, 500)

    again = redelivered(control, callbacks(control)[0]["id"])
    counts = idle(control)

    assert (again["state"], len(again["attempts"])) == ("due", 2)
    (one,) = callbacks(control)
    assert (one["state"], moments(one)) == (
        "gave-up",
        ["2026-01-01T00:01:30Z", "2026-01-01T00:01:30Z", "2026-01-01T00:01:31Z"],
    )
    assert (counts["delivered"], counts["gave_up"], len(receiver.received)) == (0, 1, 3)


def test_callbacks_of_one_task_are_sent_again_in_the_order_asked(
    client: Client, control: Control, receiver: Receiver
) -> None:
    song(client, "kie", receiver.url)
    idle(control)
    text, first, complete = (one["id"] for one in callbacks(control))
    receiver.script(500)

    states = [redelivered(control, one)["state"] for one in (complete, first, text)]
    halfway = receiver.stages()[3:]
    advance(control, 1)

    assert states == ["due"] * 3
    assert halfway == ["complete"]
    assert receiver.stages()[3:] == ["complete", "complete", "first", "text"]
    assert told(callbacks(control)) == [
        ("text", "delivered"),
        ("first", "delivered"),
        ("complete", "delivered"),
    ]


def test_an_unknown_callback_cannot_be_sent_again(control: Control) -> None:
    status, _, _ = control.refused("POST", "/callbacks/cb_0000000000/redeliver")

    assert status == 404


def test_a_callback_that_is_due_is_not_sent_again(
    client: Client, control: Control, receiver: Receiver
) -> None:
    receiver.script(500)
    song(client, "crun", receiver.url)
    advance(control, 86)
    (one,) = callbacks(control)

    status, _, _ = control.refused("POST", f"/callbacks/{one['id']}/redeliver")

    assert (one["state"], status, len(receiver.received)) == ("due", 409, 1)


# --- state -------------------------------------------------------------------------------------------------


def test_a_reset_forgets_what_was_and_what_was_to_be_told(
    client: Client, control: Control, receiver: Receiver
) -> None:
    song(client, "kie", receiver.url)
    advance(control, 30)

    control.post("/reset")
    counts = advance(control, 500)

    assert (counts["delivered"], callbacks(control), len(receiver.received)) == (0, [], 1)


def test_a_sandbox_that_is_deleted_tells_nothing_more(app: Any, receiver: Receiver) -> None:
    client = in_sandbox(app, "deleted with callbacks")
    control = Control(client)
    song(client, "kie", receiver.url)
    advance(control, 30)

    control.delete(f"/sandboxes/{sandbox_of('deleted with callbacks')}")
    counts = advance(control, 500)

    assert (counts["delivered"], callbacks(control), len(receiver.received)) == (0, [], 1)


def test_a_reset_does_not_wait_for_a_silent_receiver(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    client = connect(live(clock="real", pace=6000))
    control = Control(client)  # type: ignore[arg-type]
    receiver.script(SILENCE)
    song(client, "kie", receiver.url)
    receiver.wait(1)

    began = time.monotonic()
    control.post("/reset")
    took = time.monotonic() - began
    receiver.release()
    song(client, "crun", f"http://127.0.0.1:{receiver.port}/next")
    receiver.wait(2)

    assert took < 5
    assert [one.path for one in receiver.received] == ["/hook", "/next"]
    assert [one["provider"] for one in callbacks(control)] == ["crun"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/_sandbox/walked/_mock/reset"), ("DELETE", "/_mock/sandboxes/walked")],
)
def test_a_reset_ends_a_walk_of_the_clock_that_waits_for_a_receiver(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver, method: str, path: str
) -> None:
    url = live(clock="virtual", callback_timeout=15)
    client, other = connect(url), connect(url)
    control = Control(client, "walked")  # type: ignore[arg-type]
    receiver.always(SILENCE)
    song(client, "kie", receiver.url, **{"x-mock-sandbox": "walked"})
    replies: list[httpx2.Response] = []

    def walk() -> None:
        replies.append(other.post("/_sandbox/walked/_mock/clock/advance", json={"seconds": 90}))

    walking = threading.Thread(target=walk)
    walking.start()
    receiver.wait(1)
    began = time.monotonic()
    reply = client.request(method, path)
    walking.join(10)
    took = time.monotonic() - began

    assert (reply.status_code, [one.status_code for one in replies], took < 5) == (200, [200], True)
    assert control.get("/clock")["now"] == START
    receiver.release()
    counts = idle(control)
    assert counts == {"now": START, "delivered": 0, "gave_up": 0}
    assert (callbacks(control), len(receiver.received)) == ([], 1)


def test_an_answer_to_what_was_sent_before_a_reset_counts_for_nothing_after_it(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    # A reset begins the ids anew, so the next callback has the id of the one that is under way.
    client = connect(live(clock="real", pace=6000))
    control = Control(client)  # type: ignore[arg-type]
    receiver.script(SILENCE, 500)
    song(client, "kie", receiver.url)
    receiver.wait(1)
    control.post("/reset")

    song(client, "kie", receiver.url)
    receiver.wait(2)
    receiver.release()
    receiver.wait(5)

    assert receiver.stages() == ["text", "text", "text", "first", "complete"]
    assert [attempt["status"] for attempt in callbacks(control)[0]["attempts"]] == [500, 200]


def test_no_more_callbacks_are_kept_than_the_journal_holds(receiver: Receiver) -> None:
    client = Client(shared_app(journal_size=2))
    control = Control(client)
    song(client, "kie", receiver.url)
    advance(control, 30)
    (text,) = callbacks(control)

    idle(control)

    assert receiver.stages() == ["text", "first", "complete"]
    assert told(callbacks(control)) == [("first", "delivered"), ("complete", "delivered")]
    assert control.refused("POST", f"/callbacks/{text['id']}/redeliver")[0] == 404


def test_of_refused_callbacks_no_more_are_kept_than_the_journal_holds() -> None:
    client = Client(shared_app(pace="instant", journal_size=3))
    control = Control(client)
    song(client, "kie", FOREIGN)
    first, *_ = callbacks(control)

    song(client, "yuto", FOREIGN)

    assert told(callbacks(control)) == [
        ("first", "refused"),
        ("complete", "refused"),
        ("complete", "refused"),
    ]
    status, _, problem = control.refused("POST", f"/callbacks/{first['id']}/redeliver")
    assert (status, problem["detail"][:11]) == (404, "No callback")


def test_what_is_still_to_be_sent_is_kept_until_it_was(receiver: Receiver) -> None:
    client = Client(shared_app(journal_size=1))
    control = Control(client)
    receiver.script(500, 500, 500)
    song(client, "kie", receiver.url, fields={"prompt": "mock:slow=4"})

    advance(control, 4)
    waiting = told(callbacks(control))
    idle(control)

    assert waiting == [("text", "due"), ("first", "due"), ("complete", "due")]
    assert receiver.stages() == ["text"] * 4 + ["first", "complete"]
    assert told(callbacks(control)) == [("complete", "delivered")]


def test_however_many_are_still_to_be_sent_the_others_are_no_more_than_the_journal_holds(
    receiver: Receiver,
) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    client = Client(shared_app(journal_size=10, pace="instant", rate_limits="off", credits=100_000))
    control = Control(client)
    receiver.script(*[500] * 60, path="/bad")
    due = [song(client, "crun", f"{base}/bad") for _ in range(60)]
    advance(control, 0)

    ended = [song(client, "crun", f"{base}/good") for _ in range(25)]
    advance(control, 0)

    found = callbacks(control)
    assert [one["task"] for one in found if one["state"] == "due"] == due
    kept = [one for one in found if one["state"] != "due"]
    assert [one["state"] for one in kept] == ["delivered"] * 10
    assert {one["task"] for one in kept} <= set(ended)
    assert advance(control, 1)["delivered"] == 60
    assert len(receiver.bodies("/bad")) == 120


def test_two_sandboxes_know_nothing_of_each_others_callbacks(app: Any, receiver: Receiver) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    alice, bob = in_sandbox(app, "callbacks of alice"), in_sandbox(app, "callbacks of bob")
    of_alice, of_bob = song(alice, "kie", f"{base}/alice"), song(bob, "crun", f"{base}/bob")

    counts = idle(Control(alice))
    halfway = receiver.bodies("/bob")
    idle(Control(bob))

    assert (counts["delivered"], halfway) == (3, [])
    assert {one["task"] for one in callbacks(Control(alice))} == {of_alice}
    assert [one["task"] for one in callbacks(Control(bob))] == [of_bob]
    callback = callbacks(Control(alice))[0]["id"]
    assert Control(bob).refused("POST", f"/callbacks/{callback}/redeliver")[0] == 404


def test_what_was_told_before_an_export_is_not_told_again_after_the_import(
    client: Client, control: Control, app: Any, receiver: Receiver, request: pytest.FixtureRequest
) -> None:
    song(client, "kie", receiver.url)
    advance(control, 30)
    export = control.get("/state")

    target = in_sandbox(app, request.node.nodeid + " brought")
    reply = Control(target).call("PUT", "/state", json=export)
    idle(Control(target))

    assert reply.status_code == 200
    assert receiver.stages() == ["text", "first", "complete"]
    control.post("/reset")


def test_importing_a_state_where_it_came_from_tells_nothing_twice(
    client: Client, control: Control, receiver: Receiver
) -> None:
    song(client, "kie", receiver.url)
    idle(control)

    reply = control.call("PUT", "/state", json=control.get("/state"))
    counts = idle(control)

    assert (reply.status_code, counts["delivered"]) == (200, 0)
    assert receiver.stages() == ["text", "first", "complete"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_pushed_to_its_end_tells_the_stages_it_passes(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    task = song(client, provider, receiver.url)

    pushed(control, task, status="finished")
    receiver.wait(len(STEPS[provider]))
    idle(control)

    assert told(callbacks(control)) == [(stage, "delivered") for stage in STEPS[provider]]
    assert len(receiver.received) == len(STEPS[provider])
    assert control.get("/clock")["now"] == START


def test_a_task_pushed_to_a_stage_tells_it_and_goes_on_from_there(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)

    pushed(control, task, status="FIRST_SUCCESS")
    receiver.wait(2)
    advance(control, 47)
    early = receiver.stages()
    advance(control, 1)

    assert early == ["text", "first"]
    assert receiver.stages() == ["text", "first", "complete"]


def test_a_task_pushed_to_a_failure_tells_the_error_last(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)
    advance(control, 30)

    pushed(control, task, status="GENERATE_AUDIO_FAILED")
    receiver.wait(2)
    idle(control)

    assert receiver.stages() == ["text", "error"]
    assert receiver.bodies()[1] == {
        "code": 501,
        "msg": "Audio generation failed",
        "data": {"callbackType": "error", "task_id": task, "data": None},
    }


def test_a_task_pushed_back_tells_again_what_it_comes_to_again(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)
    advance(control, 72)

    pushed(control, task, status="PENDING")
    advance(control, 29)
    early = receiver.stages()
    idle(control)

    assert early == ["text", "first"]
    assert receiver.stages() == ["text", "first", "text", "first", "complete"]


def test_a_failed_task_pushed_to_its_end_tells_every_stage_after_the_error(
    client: Client, control: Control, receiver: Receiver
) -> None:
    task = song(client, "kie", receiver.url)

    pushed(control, task, status="failed")
    idle(control)
    pushed(control, task, status="finished")
    idle(control)

    assert receiver.stages() == ["error", "text", "first", "complete"]
    assert [len(body["data"]["data"] or []) for body in receiver.bodies()] == [0, 0, 1, 2]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_failed_task_that_is_failed_again_stays_as_it_was(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    task = song(client, provider, receiver.url)
    advance(control, 40)
    pushed(control, task, status="failed")
    idle(control)
    before, told_before = control.get(f"/tasks/{task}"), callbacks(control)
    advance(control, 600)

    pushed(control, task, status="failed")
    counts = idle(control)

    after = control.get(f"/tasks/{task}")
    assert counts["delivered"] == 0
    assert callbacks(control) == told_before
    assert [one["stage"] for one in told_before][-1:] == ["error"]
    assert (after["progress"], after["charged"]) == (before["progress"], before["charged"])
    assert control.get("/accounts/k")["credits"] == 1000


def test_a_real_clock_refuses_to_move_without_waiting_for_receivers(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    client = connect(live(clock="real", pace="instant"))
    receiver.always(SILENCE)
    song(client, "kie", receiver.url)
    receiver.wait(1)

    # Well before the 15 s for which the receiver is waited for.
    reply = client.post("/_mock/clock/advance", json={"until": "idle"}, timeout=5)
    receiver.release()

    assert (reply.status_code, reply.headers["x-mock-error"]) == (409, "clock-is-real")
