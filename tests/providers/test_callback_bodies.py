"""The body of every callback, stage by stage, written out and held to the document of its provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mockserver.domain.policy import Webhook
from mockserver.providers import adapter_of
from mockserver.providers.base import Call, Provider
from tests.conftest import Client, MakeClient
from tests.providers import crun_calls, evolink_calls, kie_calls, yuto_calls
from tests.providers.envelope import CALLBACK
from tests.providers.plain import ALICE, START, Body, advance, bearer
from tests.specs import reading
from tests.web.calls import credential

MEDIA = "http://127.0.0.1:4010/_mock/media"
# Nobody listens there: what is sent is read from the list of callbacks.
URL = "http://127.0.0.1:9/callback"
PATHS = {
    "kie": "/api/v1/generate",
    "crun": "/api/v1/client/job/CreateTask",
    "evolink": "/v1/audios/generations",
    "yuto": "/suno/submit/music",
}
OPERATIONS = {"kie": "generateMusic", "crun": "createTask", "evolink": "generateMusic", "yuto": "submitMusic"}
KIE_CUSTOM: Body = {**kie_calls.CUSTOM, "callBackUrl": URL}
CRUN_CUSTOM: Body = {
    "model": "suno/music-generate",
    "callback_url": URL,
    "input": crun_calls.CUSTOM,
}
EVOLINK_CUSTOM: Body = {**evolink_calls.CUSTOM, "callback_url": URL}
YUTO_CUSTOM: Body = {**yuto_calls.CUSTOM, "notify_hook": URL}
SONGS = {"crun": CRUN_CUSTOM, "evolink": EVOLINK_CUSTOM, "yuto": YUTO_CUSTOM}


class World:
    """The four providers, and one client of theirs."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def submit(self, provider: str, body: Any, *, path: str | None = None, prefer: str = "") -> Any:
        """The body of an accepted submission of alice's."""
        headers = {**credential(provider, ALICE), **({"prefer": prefer} if prefer else {})}
        reply = self.client.post(path or PATHS[provider], json=body, headers=headers)
        assert reply.headers["x-mock-outcome"] in ("success", "task-failed"), reply.text
        return reply.json()

    def fails(self, provider: str, error: Any) -> None:
        """Let the next task of a provider fail in this way."""
        asked = {"provider": provider, "outcome": "task-failed", "error": error}
        assert self.client.post("/_mock/outcomes", json=asked).is_success

    def callback(self) -> Any:
        """Where news of the task that was made last are sent."""
        return self.client.get("/_mock/state").json()["tasks"][-1]["callback"]

    def told(self) -> dict[str, Any]:
        """What was told of the one task with a callback: a body for each stage, in their order."""
        sent = self.client.get("/_mock/callbacks").json()["callbacks"]
        told = {one["stage"]: one["payload"] for one in sent}
        assert len(told) == len(sent)
        return told


@pytest.fixture
def world(make_client: MakeClient) -> World:
    """Nobody has called yet."""
    return World(make_client())


def adapter(provider: str) -> Provider:
    """An adapter with the usual quirks."""
    kind = adapter_of(provider)
    assert kind is not None
    return kind({quirk.name: quirk.default for quirk in kind.quirks})


def complaints(provider: str, body: Any, operation: str = "") -> list[str]:
    """What the document has against the body of a callback."""
    named = reading.operations(provider)[operation or OPERATIONS[provider]]
    (media,) = reading.contents(named, "callback")
    return [error.message for error in reading.validator(named.document, media["schema"]).iter_errors(body)]


def assert_documented(provider: str, told: Mapping[str, Any]) -> None:
    """Fail unless every body keeps the schema of the document's callback."""
    assert {stage: complaints(provider, body) for stage, body in told.items()} == {
        stage: [] for stage in told
    }


# --- kie ---------------------------------------------------------------------------------------------------


def kie_track(song: str, duration: Any) -> Body:
    """A track of the custom song, as a callback spells it."""
    return {
        "id": song,
        "audio_url": f"{MEDIA}/kie/{song}/audio.mp3",
        "source_audio_url": f"{MEDIA}/kie/{song}/source.mp3",
        "stream_audio_url": f"{MEDIA}/kie/{song}/stream.mp3",
        "source_stream_audio_url": f"{MEDIA}/kie/{song}/source-stream.mp3",
        "image_url": f"{MEDIA}/kie/{song}/cover.jpeg",
        "source_image_url": f"{MEDIA}/kie/{song}/source.jpeg",
        "prompt": "[Verse]\nNeon rain on empty streets",
        "model_name": "chirp-auk",
        "title": "Neon Rain",
        "tags": "Electronic Pop",
        "createTime": START * 1000,
        "duration": duration,
    }


def kie_error(task: str, code: int, message: str) -> Body:
    """The callback of a failure."""
    return {
        "code": code,
        "msg": message,
        "data": {"callbackType": "error", "task_id": task, "data": None},
    }


TEXT = "Text generated successfully."


def kie_text(task: str) -> Body:
    """The callback of the words."""
    return {"code": 200, "msg": TEXT, "data": {"callbackType": "text", "task_id": task, "data": []}}


def test_kie_tells_of_the_words_of_the_first_track_and_of_both(world: World) -> None:
    task = world.submit("kie", KIE_CUSTOM)["data"]["taskId"]
    advance(world.client, 120)
    poll = world.client.get(f"/api/v1/generate/record-info?taskId={task}", headers=bearer(ALICE)).json()
    first, second = [(track["id"], track["duration"]) for track in poll["data"]["response"]["sunoData"]]

    told = world.told()

    assert list(told) == ["text", "first", "complete"]
    assert told["text"] == kie_text(task)
    assert told["first"] == {
        "code": 200,
        "msg": "First track generated successfully.",
        "data": {"callbackType": "first", "task_id": task, "data": [kie_track(*first)]},
    }
    assert told["complete"] == {
        "code": 200,
        "msg": "All generated successfully.",
        "data": {
            "callbackType": "complete",
            "task_id": task,
            "data": [kie_track(*first), kie_track(*second)],
        },
    }
    assert_documented("kie", told)


def test_kie_tells_the_same_under_an_instant_pace(make_client: MakeClient) -> None:
    world = World(make_client(pace="instant"))
    world.submit("kie", KIE_CUSTOM)
    assert world.client.post("/_mock/clock/advance", json={"until": "idle"}).is_success

    told = world.told()

    assert [len(body["data"]["data"]) for body in told.values()] == [0, 1, 2]
    assert all(track["duration"] for body in told.values() for track in body["data"]["data"])
    assert_documented("kie", told)


KIE_FAILURES = [
    # asked for, state, errorCode and errorMessage of record-info, code and msg of the callback, text before
    (None, "GENERATE_AUDIO_FAILED", None, "Audio generation failed", 501, "Audio generation failed", True),
    (
        "GENERATE_AUDIO_FAILED",
        "GENERATE_AUDIO_FAILED",
        None,
        "Audio generation failed",
        501,
        "Audio generation failed",
        True,
    ),
    (
        "CREATE_TASK_FAILED",
        "CREATE_TASK_FAILED",
        None,
        "The task could not be created",
        501,
        "Audio generation failed",
        False,
    ),
    (
        "CALLBACK_EXCEPTION",
        "CALLBACK_EXCEPTION",
        None,
        "Callback failed",
        501,
        "Audio generation failed",
        True,
    ),
    (
        "SENSITIVE_WORD_ERROR",
        "SENSITIVE_WORD_ERROR",
        400,
        "The lyrics contain copyrighted material",
        400,
        "The lyrics contain copyrighted material",
        False,
    ),
    (
        "400",
        "SENSITIVE_WORD_ERROR",
        400,
        "The lyrics contain copyrighted material",
        400,
        "The lyrics contain copyrighted material",
        False,
    ),
    (
        "408",
        "GENERATE_AUDIO_FAILED",
        408,
        "Audio generation timed out",
        408,
        "Audio generation timed out",
        True,
    ),
    (
        "413",
        "CREATE_TASK_FAILED",
        413,
        "Uploaded audio matches an existing work",
        413,
        "Uploaded audio matches an existing work",
        False,
    ),
    ("500", "GENERATE_AUDIO_FAILED", None, "Server Error", 500, "Server Error", True),
    ("501", "GENERATE_AUDIO_FAILED", None, "Audio generation failed", 501, "Audio generation failed", True),
    (
        "531",
        "GENERATE_AUDIO_FAILED",
        None,
        "Audio generation failed, the credits were refunded",
        531,
        "Audio generation failed, the credits were refunded",
        True,
    ),
    (
        {"code": 531, "message": "back they go"},
        "GENERATE_AUDIO_FAILED",
        None,
        "back they go",
        531,
        "back they go",
        True,
    ),
    ({"code": 408, "message": "too slow"}, "GENERATE_AUDIO_FAILED", 408, "too slow", 408, "too slow", True),
    ({"code": None, "message": "no luck"}, "GENERATE_AUDIO_FAILED", None, "no luck", 501, "no luck", True),
]


@pytest.mark.parametrize(
    ("error", "state", "shown_code", "shown", "code", "message", "has_text"),
    KIE_FAILURES,
    ids=lambda value: str(value)[:24],
)
def test_kie_tells_why_a_task_failed(
    world: World, error: Any, state: str, shown_code: Any, shown: str, code: int, message: str, has_text: bool
) -> None:
    if error is not None:
        world.fails("kie", error)
    prefer = "" if error is not None else "outcome=task-failed"
    task = world.submit("kie", KIE_CUSTOM, prefer=prefer)["data"]["taskId"]
    advance(world.client, 60)

    told = world.told()

    poll = world.client.get(f"/api/v1/generate/record-info?taskId={task}", headers=bearer(ALICE)).json()[
        "data"
    ]
    assert (poll["status"], poll["errorCode"], poll["errorMessage"]) == (state, shown_code, shown)
    text = {"text": kie_text(task)} if has_text else {}
    assert told == {**text, "error": kie_error(task, code, message)}
    assert list(told)[-1] == "error"
    assert_documented("kie", told)


@pytest.mark.parametrize(
    ("moment", "fits"), [(1767225600000, True), ("2026-01-01 00:00:00", True), (None, False)]
)
def test_kies_document_takes_both_forms_of_a_tracks_moment(moment: Any, fits: bool) -> None:
    track = {**kie_track("e2317fd0-5c1e-4a6e-9a55-6f2b8cadc7dc", 60.5), "createTime": moment}
    data = {"callbackType": "first", "task_id": "5c79be8e5c79be8e5c79be8e5c79be8e", "data": [track]}

    found = complaints("kie", {"code": 200, "msg": "First track generated successfully.", "data": data})

    assert (found == []) == fits


def test_kie_signs_the_task_and_the_moment_with_the_accounts_key() -> None:
    body = kie_error("5c79be8e5c79be8e5c79be8e5c79be8e", 501, "Audio generation failed")

    signed = adapter("kie").signature(body, "s3cret", START)

    # printf 5c79be8e5c79be8e5c79be8e5c79be8e.1767225600 | openssl dgst -sha256 -hmac s3cret -binary | base64
    assert signed == {
        "X-Webhook-Timestamp": "1767225600",
        "X-Webhook-Signature": "U5OT7rhLee1ZzisP3Pg67ME2ELrKWLy4tEN3yxifdBI=",
    }


@pytest.mark.parametrize("provider", ["crun", "evolink", "yuto"])
def test_the_others_sign_nothing(world: World, provider: str) -> None:
    world.submit(provider, SONGS[provider])
    advance(world.client, 120)
    bodies = world.told().values()

    assert bodies
    assert [adapter(provider).signature(body, "s3cret", START) for body in bodies] == [{} for _ in bodies]


# --- crun --------------------------------------------------------------------------------------------------


def crun_track(song: str, duration: Any) -> Body:
    """A track of the custom song."""
    return {
        "suno_id": song,
        "title": "Midnight Neon",
        "duration": duration,
        "suno_audio_url": f"{MEDIA}/crun/{song}/audio.mp3",
        "suno_image_url": f"{MEDIA}/crun/{song}/cover.jpeg",
        "suno_image_large_url": f"{MEDIA}/crun/{song}/cover-large.jpeg",
    }


def crun_info(task: str, status: str, result: Body, seconds: int, credits: int) -> Body:
    """The envelope around a final task, submitted when the virtual clock starts."""
    return {
        "code": 200,
        "message": "success",
        "data": {
            "task_id": task,
            "provider": "Suno",
            "model_version": "sunov5",
            "status": status,
            "param": {
                "model": "suno/music-generate",
                "callback_url": URL,
                "input": {
                    "mode": "custom",
                    "model": "v5",
                    "instrumental": False,
                    "title": "Midnight Neon",
                    "tags": "Western R&B, moody, intimate",
                    "lyrics": "[Verse]\nNeon on the water, slow and low",
                },
            },
            "create_at": START,
            "result": result,
            "duration_s": seconds,
            "complete_at": START + seconds,
            "credits": credits,
            "source": "api",
        },
    }


def crun_poll(world: World, task: str) -> Any:
    """What a poll answers now."""
    path = f"/api/v1/client/job/TaskInfo?task_id={task}"
    return world.client.get(path, headers=credential("crun", ALICE)).json()


def test_crun_tells_of_the_finished_task_as_a_poll_does(world: World) -> None:
    task = world.submit("crun", CRUN_CUSTOM)["data"]["task_id"]
    advance(world.client, 86)
    poll = crun_poll(world, task)
    first, second = [(t["suno_id"], t["duration"]) for t in poll["data"]["result"]["suno_data"]]

    told = world.told()

    result = {
        "media_urls": [
            f"{MEDIA}/crun/{first[0]}/audio.mp3",
            f"{MEDIA}/crun/{second[0]}/audio.mp3",
            f"{MEDIA}/crun/{first[0]}/cover.jpeg",
        ],
        "media_info": {},
        "suno_data": [crun_track(*first), crun_track(*second)],
    }
    assert told == {"complete": crun_info(task, "success", result, 86, 12)}
    assert told["complete"] == poll
    assert_documented("crun", told)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("failed", "Generation Failed"),
        ("501", "Generation Failed"),
        ({"code": 505, "message": "not today"}, "not today"),
        ({"code": "odd", "message": ""}, "Generation Failed"),
    ],
)
def test_crun_tells_why_a_task_failed(world: World, error: Any, message: str) -> None:
    world.fails("crun", error)
    task = world.submit("crun", CRUN_CUSTOM)["data"]["task_id"]
    advance(world.client, 43)

    told = world.told()

    assert told == {"error": crun_info(task, "failed", {"message": message}, 43, 0)}
    assert told["error"] == crun_poll(world, task)
    assert_documented("crun", told)


@pytest.mark.parametrize("model", ["suno/music-video", "suno/sounds-generate", "suno/vocal-separatio"])
def test_crun_tells_of_what_is_no_song_as_well(world: World, model: str) -> None:
    body = {"model": model, "callback_url": URL, "input": {}}
    task = world.submit("crun", body)["data"]["task_id"]
    advance(world.client, 86)

    told = world.told()

    assert list(told) == ["complete"]
    assert told["complete"] == crun_poll(world, task)
    assert told["complete"]["data"]["status"] == "success"
    assert_documented("crun", told)


# --- evolink -----------------------------------------------------------------------------------------------


def evolink_song(song: str, duration: Any) -> Body:
    """A song of the custom order."""
    return {
        "result_id": song,
        "title": "Summer Dreams",
        "tags": "pop, electronic, upbeat, female vocals",
        "duration": duration,
        "audio_url": f"{MEDIA}/evolink/{song}/audio.mp3",
        "stream_audio_url": f"{MEDIA}/evolink/{song}/stream.mp3",
        "image_url": f"{MEDIA}/evolink/{song}/cover.jpeg",
    }


def evolink_task(task: str, status: str, progress: int, **more: Any) -> Body:
    """A song task, ordered when the virtual clock starts."""
    is_final = status in ("completed", "failed")
    return {
        "created": START,
        "id": task,
        "model": "suno-v5-beta",
        "object": "audio.generation.task",
        "progress": progress,
        "status": status,
        "task_info": {"can_cancel": False} if is_final else {"can_cancel": True, "estimated_time": 120},
        "type": "audio",
        "usage": {"billing_rule": "per_call", "credits_reserved": 10, "user_group": "default"},
        **more,
    }


def test_evolink_tells_of_the_songs_that_are_known_so_far(world: World) -> None:
    task = world.submit("evolink", EVOLINK_CUSTOM)["id"]
    advance(world.client, 120)
    poll = evolink_calls.poll(world.client, task).json()
    first, second = [(song["result_id"], song["duration"]) for song in poll["result_data"]["songs"]]

    told = world.told()

    urls = [f"{MEDIA}/evolink/{song}/audio.mp3" for song, _ in (first, second)]
    both = [evolink_song(*first), evolink_song(*second)]
    assert list(told) == ["text", "first", "complete"]
    assert told["text"] == evolink_task(task, "processing", 30, results=[], result_data={"songs": []})
    assert told["first"] == evolink_task(
        task, "processing", 60, results=urls[:1], result_data={"songs": both[:1]}
    )
    assert told["complete"] == evolink_task(task, "completed", 100, results=urls, result_data={"songs": both})
    assert told["complete"] == poll
    assert_documented("evolink", told)


def test_evolink_tells_the_same_under_an_instant_pace(make_client: MakeClient) -> None:
    world = World(make_client(pace="instant"))
    world.submit("evolink", EVOLINK_CUSTOM)
    assert world.client.post("/_mock/clock/advance", json={"until": "idle"}).is_success

    told = world.told()

    seen = [(body["status"], body["progress"], len(body["results"])) for body in told.values()]
    assert seen == [("processing", 30, 0), ("processing", 60, 1), ("completed", 100, 2)]
    assert_documented("evolink", told)


EVOLINK_CODES = (
    "content_policy_violation invalid_parameters image_processing_error image_dimension_mismatch "
    "request_cancelled generation_failed_no_content service_error generation_timeout quota_exceeded "
    "resource_exhausted service_unavailable resource_not_found unknown_error"
)


@pytest.mark.parametrize("code", EVOLINK_CODES.split())
def test_evolink_tells_why_a_task_failed(world: World, code: str) -> None:
    world.fails("evolink", code)
    task = world.submit("evolink", EVOLINK_CUSTOM)["id"]
    advance(world.client, 60)
    poll = evolink_calls.poll(world.client, task).json()

    told = world.told()

    error = {"code": code, "message": poll["error"]["message"], "type": "task_error"}
    assert list(told) == ["text", "first", "error"]
    assert told["error"] == poll == evolink_task(task, "failed", 60, error=error)
    assert_documented("evolink", told)


@pytest.mark.parametrize("fails", [False, True])
def test_evolink_tells_of_a_persona_at_its_end_alone(world: World, fails: bool) -> None:
    song = evolink_calls.plant(world.client)
    body = {**evolink_calls.persona_body(*song), "callback_url": URL}
    task = world.submit("evolink", body, prefer="outcome=task-failed" if fails else "")["id"]
    advance(world.client, 15)
    poll = evolink_calls.poll(world.client, task).json()

    told = world.told()

    expected = {
        "created": START,
        "id": task,
        "model": "suno-persona",
        "object": "audio.generation.task",
        "progress": 60 if fails else 100,
        "status": "failed" if fails else "completed",
        "task_info": {"can_cancel": False},
        "type": "audio",
        "usage": {"billing_rule": "per_call", "credits_reserved": 1, "user_group": "default"},
    }
    message = "The music service is temporarily unavailable. Please try again later."
    if fails:
        expected["error"] = {"code": "service_error", "message": message, "type": "task_error"}
    else:
        expected |= {"results": [], "result_data": {"persona_id": poll["result_data"]["persona_id"]}}
    assert told == {"error" if fails else "complete": expected}
    assert complaints("evolink", expected, "generatePersona") == []


def test_evolinks_polls_show_no_song_before_the_end_whatever_was_told(world: World) -> None:
    task = world.submit("evolink", EVOLINK_CUSTOM)["id"]

    for seconds, progress in ((12, 30), (36, 60), (48, 90)):
        advance(world.client, seconds)
        shown = evolink_calls.poll(world.client, task).json()
        assert shown == evolink_task(task, "processing", progress)


@pytest.mark.parametrize(
    ("url", "seconds", "first", "second"),
    [
        (URL, 12, 404, 404),
        (URL, 47.75, 404, 404),
        (URL, 48, 200, 404),
        (URL, 96, 200, 404),
        (URL, 120, 200, 200),
        (None, 48, 404, 404),
        (None, 119.75, 404, 404),
        (None, 120, 200, 200),
    ],
)
def test_evolinks_files_are_there_once_a_callback_has_told_of_them(
    world: World, url: str | None, seconds: float, first: int, second: int
) -> None:
    body = {**evolink_calls.CUSTOM, **({"callback_url": url} if url else {})}
    task = world.submit("evolink", body)["id"]
    songs = world.client.get(f"/_mock/tasks/{task}").json()["songs"]

    advance(world.client, seconds)

    for file in ("audio.mp3", "stream.mp3", "cover.jpeg"):
        found = [world.client.get(f"/_mock/media/evolink/{song}/{file}").status_code for song in songs]
        assert found == [first, second], file


def test_evolinks_first_song_stays_where_its_task_failed_later(world: World) -> None:
    task = world.submit("evolink", EVOLINK_CUSTOM, prefer="outcome=task-failed")["id"]
    songs = world.client.get(f"/_mock/tasks/{task}").json()["songs"]

    advance(world.client, 60)

    found = [world.client.get(f"/_mock/media/evolink/{song}/audio.mp3").status_code for song in songs]
    assert found == [200, 404]


# --- yuto --------------------------------------------------------------------------------------------------


def yuto_task(task: str, status: str, **more: Any) -> Body:
    """A song task, submitted when the virtual clock starts."""
    return {
        "task_id": task,
        "notify_hook": URL,
        "action": "MUSIC",
        "status": status,
        "fail_reason": "",
        "submit_time": START,
        "start_time": START + 22,
        "progress": "100%",
        **more,
    }


def yuto_clip(clip: str, status: str, duration: Any) -> Body:
    """The fields of a clip that a callback's reader needs."""
    is_there = status == "complete"
    return {
        "id": clip,
        "title": "noks noko wane",
        "status": status,
        "audio_url": f"{MEDIA}/yuto/{clip}/audio.mp3" if is_there else "",
        "video_url": f"{MEDIA}/yuto/{clip}/video.mp4" if is_there else "",
        "image_url": f"{MEDIA}/yuto/{clip}/cover.jpeg" if is_there else "",
        "image_large_url": f"{MEDIA}/yuto/{clip}/cover-large.jpeg" if is_there else "",
        "model_name": "chirp-v4",
        "major_model_version": "v4",
        "metadata": {
            "tags": "electronic pop, tropical house fusion",
            "prompt": "[Verse]\nSalt on the window\nLights on the bay",
            "gpt_description_prompt": None,
            "type": "gen",
            "duration": duration,
            "refund_credits": not is_there,
            "stream": True,
            "error_type": None if is_there else "moderated",
            "error_message": None if is_there else "not this one",
        },
    }


def test_yuto_tells_of_the_bare_finished_task(world: World) -> None:
    task = world.submit("yuto", YUTO_CUSTOM)["data"]
    advance(world.client, 90)
    poll = yuto_calls.fetch(world.client, task).json()["data"]

    told = world.told()

    assert told == {"complete": poll}
    body = dict(told["complete"])
    clips = body.pop("data")
    assert body == yuto_task(task, "SUCCESS", finish_time=START + 90)
    for clip in clips:
        expected = yuto_clip(clip["id"], "complete", clip["duration"])
        assert {name: clip[name] for name in expected} == expected
    assert len(clips) == 2
    assert_documented("yuto", told)


def test_yuto_tells_why_a_task_failed(world: World) -> None:
    world.fails("yuto", {"code": "moderated", "message": "not this one"})
    task = world.submit("yuto", YUTO_CUSTOM)["data"]
    advance(world.client, 45)
    poll = yuto_calls.fetch(world.client, task).json()["data"]

    told = world.told()

    clips = [yuto_clip(clip["id"], "error", None) for clip in poll["data"]]
    failed = yuto_task(task, "FAILURE", finish_time=START + 45, fail_reason="not this one", data=clips)
    assert told == {"error": failed}
    assert poll == failed
    assert len(clips) == 2
    assert_documented("yuto", told)


@pytest.mark.parametrize("fails", [False, True])
def test_yuto_tells_of_lyrics_as_well(world: World, fails: bool) -> None:
    prefer = "outcome=task-failed" if fails else ""
    body = {"prompt": "dance", "notify_hook": URL}
    task = world.submit("yuto", body, path="/suno/submit/lyrics", prefer=prefer)["data"]
    advance(world.client, 20)

    told = world.told()

    assert told == {"error" if fails else "complete": yuto_calls.fetch(world.client, task).json()["data"]}
    (heard,) = told.values()
    assert (heard["action"], heard["status"]) == ("LYRICS", "FAILURE" if fails else "SUCCESS")
    assert len(heard["data"]) == (0 if fails else 1)
    assert complaints("yuto", heard, "submitLyrics") == []


# --- who is told, and how ----------------------------------------------------------------------------------

CRUN_NOTHING: Body = {"model": "suno/music-generate", "input": crun_calls.SIMPLE}
LEGACY, LYRICS = "/suno/generate", "/suno/submit/lyrics"


@pytest.mark.parametrize(
    ("provider", "path", "body", "callback"),
    [
        ("kie", None, kie_calls.CUSTOM, CALLBACK),
        ("kie", None, kie_calls.IDEA, CALLBACK),
        ("kie", "/api/v1/generate/upload-cover", kie_calls.COVER, CALLBACK),
        ("kie", "/api/v1/generate/upload-extend", kie_calls.UPLOAD_EXTEND, CALLBACK),
        ("crun", None, CRUN_CUSTOM, URL),
        ("crun", None, {**CRUN_NOTHING, "callback_url": URL}, URL),
        ("crun", None, {**CRUN_NOTHING, "callback_url": None}, ""),
        ("crun", None, {**CRUN_NOTHING, "callback_url": ""}, ""),
        ("crun", None, CRUN_NOTHING, ""),
        ("crun", None, {"model": "suno/sounds-generate", "input": {}, "callback_url": URL}, URL),
        ("evolink", None, EVOLINK_CUSTOM, URL),
        ("evolink", None, {**evolink_calls.SIMPLE, "callback_url": CALLBACK}, CALLBACK),
        ("evolink", None, evolink_calls.SIMPLE, ""),
        ("yuto", None, YUTO_CUSTOM, URL),
        ("yuto", None, {**yuto_calls.CUSTOM, "notify_hook": ""}, ""),
        ("yuto", None, yuto_calls.CUSTOM, ""),
        ("yuto", LYRICS, {"prompt": "dance", "notify_hook": URL}, URL),
        ("yuto", LYRICS, {"prompt": "dance", "notify_hook": ""}, ""),
        ("yuto", LYRICS, {"prompt": "dance"}, ""),
        # The older twin hands out no task, so it tells nobody of one.
        ("yuto", LEGACY, YUTO_CUSTOM, ""),
        # Not documented there.
        ("yuto", "/suno/uploads/audio-url", {"url": "https://example.com/a.mp3", "notify_hook": URL}, ""),
    ],
)
def test_a_task_is_told_of_where_its_request_says(
    world: World, provider: str, path: str | None, body: Body, callback: str
) -> None:
    world.submit(provider, body, path=path)

    assert world.callback() == callback


def test_an_extension_is_told_of_as_a_song_is(world: World) -> None:
    track = world.client.post("/_mock/tasks", json={"provider": "kie", "model": "V4_5", "key": ALICE}).json()
    body = {**kie_calls.EXTEND, "audioId": track["songs"][0]}

    world.submit("kie", body, path="/api/v1/generate/extend")

    assert world.callback() == CALLBACK


@pytest.mark.parametrize("url", ["", URL])
def test_a_persona_of_evolink_is_told_of_where_its_request_says(world: World, url: str) -> None:
    body = evolink_calls.persona_body(*evolink_calls.plant(world.client))

    world.submit("evolink", {**body, **({"callback_url": url} if url else {})})

    assert world.callback() == url


@pytest.mark.parametrize(
    "what", [(name, kind) for name in PATHS for kind in adapter(name).policy.kinds], ids=" ".join
)
def test_nobody_is_told_of_a_planted_task(world: World, what: tuple[str, str]) -> None:
    provider, kind = what

    world.client.post("/_mock/tasks", json={"provider": provider, "kind": kind, "status": "waiting"})

    assert world.callback() == ""


@pytest.mark.parametrize(
    ("provider", "webhook"),
    [
        ("kie", Webhook(timeout=15, retries=(1, 2, 4), only_200=True, signs=True)),
        ("crun", Webhook(timeout=15, retries=(1, 2, 4), only_200=False, signs=False)),
        ("evolink", Webhook(timeout=10, retries=(1, 2, 4), only_200=False, signs=False)),
        ("yuto", Webhook(timeout=15, retries=(1,), only_200=False, signs=False)),
    ],
)
def test_a_failed_attempt_is_made_again_as_the_provider_does(provider: str, webhook: Webhook) -> None:
    assert adapter(provider).policy.webhook == webhook


# --- failures by name --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "name", "state"),
    [
        *(
            ("kie", name, name)
            for name in ("CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "CALLBACK_EXCEPTION")
        ),
        ("kie", "SENSITIVE_WORD_ERROR", "SENSITIVE_WORD_ERROR"),
        ("kie", "531", "GENERATE_AUDIO_FAILED"),
        ("crun", "failed", "failed"),
        ("crun", "501", "failed"),
        ("evolink", "failed", "failed"),
        ("evolink", "generation_timeout", "failed"),
        ("yuto", "FAILURE", "FAILURE"),
        ("yuto", "generation_failed", "FAILURE"),
    ],
)
def test_a_failure_goes_by_its_name_its_code_and_its_state(
    world: World, provider: str, name: str, state: str
) -> None:
    planted = world.client.post("/_mock/tasks", json={"provider": provider, "error": name}).json()

    shown = world.client.get(f"/_mock/tasks/{planted['source_task']}").json()
    assert (shown["status"], shown["state"]) == ("failed", state)


@pytest.mark.parametrize(("provider", "name"), [("kie", "502"), ("kie", "failed"), ("yuto", "failed")])
def test_no_other_name_does(world: World, provider: str, name: str) -> None:
    reply = world.client.post("/_mock/tasks", json={"provider": provider, "error": name})

    assert reply.status_code == 422


# --- wording -----------------------------------------------------------------------------------------------

KIE_WORDS: Body = {"style": "s", "model": "V5", "title": "t", "prompt": "p", "personaId": "x"}
CRUN_WORDS: Body = {"tags": "g", "mode": "custom", "lyrics": "l", "title": "t", "prompt": "p", "model": "v5"}
YUTO_WORDS: Body = {"tags": "g", "title": "t", "gpt_description_prompt": "d", "prompt": "p", "mv": "chirp-v4"}


@pytest.mark.parametrize(
    ("provider", "operation", "body", "wording"),
    [
        *(
            ("kie", operation, KIE_WORDS, ("p", "t", "s"))
            for operation in ("generateMusic", "extendMusic", "uploadCover", "uploadExtend")
        ),
        ("kie", "generateMusic", {"prompt": "p"}, ("p",)),
        ("kie", "generateMusic", {"prompt": 7, "title": None, "style": "s"}, ("s",)),
        ("kie", "generatePersona", {"name": "n", "style": "s", "prompt": "p"}, ()),
        ("kie", "getMusicDetails", None, ()),
        ("crun", "createTask", {"model": "suno/music-cover", "input": CRUN_WORDS}, ("p", "l", "t", "g")),
        ("crun", "createTask", {"model": "suno/music-extend", "input": {"lyrics": "l"}}, ("l",)),
        ("crun", "createTask", {"model": "suno/sounds-generate", "input": CRUN_WORDS}, ()),
        ("crun", "estimateTask", {"model": "suno/music-cover", "input": CRUN_WORDS}, ()),
        ("crun", "generatePersona", {"name": "n", "style": "s"}, ()),
        ("crun", "getBalance", None, ()),
        ("evolink", "generateMusic", {**KIE_WORDS, "model": "suno-v5-beta"}, ("p", "t", "s")),
        ("evolink", "generatePersona", {"model": "suno-persona", "model_params": {"style": "s"}}, ()),
        ("evolink", "getCredits", None, ()),
        ("yuto", "submitMusic", YUTO_WORDS, ("p", "d", "t", "g")),
        ("yuto", "generateLegacy", {"gpt_description_prompt": "d", "prompt": None}, ("d",)),
        ("yuto", "submitLyrics", {"prompt": "p"}, ()),
        ("yuto", "generatePersona", {"name": "n", "description": "d"}, ()),
        ("yuto", "fetchTask", None, ()),
    ],
)
def test_the_words_of_a_song_request_are_read_in_one_order(
    provider: str, operation: str, body: Any, wording: tuple[str, ...]
) -> None:
    assert adapter(provider).wording(Call(operation, body)) == wording
