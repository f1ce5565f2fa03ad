"""crun: what each model's input needs, continuations, prices, the catalogue and uploads."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.crun_calls import COVER, CUSTOM, NO_TASK, SIMPLE, UPLOAD_EXTEND, Crun, refused, task_of
from tests.providers.envelope import NO_SONG, Answer, edited
from tests.providers.plain import Body

POOR = refused("insufficient-credits", 402, "Insufficient Credits")
EXTEND: Body = {**CUSTOM, "task_id": NO_TASK, "suno_id": "suno_abc123", "continue_at": 20}


def is_invalid(answer: Answer, *words: str) -> bool:
    """Is this a body 422 whose message holds all the words?"""
    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None), (
        answer.body
    )
    return all(word in answer.body["message"] for word in words)


# --- what an input needs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "whole", "field"),
    [
        *[("suno/music-generate", SIMPLE, field) for field in ("mode", "model", "prompt")],
        *[("suno/music-generate", CUSTOM, field) for field in ("mode", "model", "title", "tags", "lyrics")],
        *[
            ("suno/music-extend", EXTEND, field)
            for field in ("task_id", "suno_id", "mode", "model", "title", "tags", "lyrics", "continue_at")
        ],
        *[
            ("suno/music-cover", COVER, field)
            for field in ("audio_url", "mode", "model", "title", "tags", "lyrics")
        ],
        *[
            ("suno/music-extend-upload", UPLOAD_EXTEND, field)
            for field in ("audio_url", "mode", "model", "title", "tags", "lyrics", "continue_at")
        ],
    ],
)
def test_a_missing_field_of_an_input_is_named(crun: Crun, model: str, whole: Body, field: str) -> None:
    answer = crun.create(model, edited(whole, (field,), {}))

    assert is_invalid(answer)
    assert answer.body["message"] == f"input.{field} is required"
    assert crun.credits() == 1000
    assert crun.tasks() == []


@pytest.mark.parametrize("field", ["model", "input"])
@pytest.mark.parametrize("path", ["CreateTask", "EstimateTask", "estimate-credits"])
def test_a_missing_field_of_the_request_is_named(crun: Crun, path: str, field: str) -> None:
    body = edited({"model": "suno/music-generate", "input": CUSTOM}, (field,), {})

    answer = crun.job(path, body)

    assert is_invalid(answer)
    assert answer.body["message"] == f"{field} is required"


@pytest.mark.parametrize("model", ["suno/music", "suno/vocal-separation", "", "music-generate"])
def test_an_unknown_model_is_answered_with_the_known_ones(crun: Crun, model: str) -> None:
    answer = crun.create(model, CUSTOM)

    assert is_invalid(answer)
    assert answer.body["message"] == (
        "model must be one of suno/music-generate, suno/music-extend, suno/music-extend-upload, "
        "suno/music-cover, suno/music-video, suno/sounds-generate, suno/vocal-separatio"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "expert"),
        ("mode", 1),
        ("model", "v3.5"),
        ("model", "V5"),
        ("instrumental", "no"),
        ("title", 5),
        ("tags", ["pop"]),
        ("lyrics", None),
        ("vocal_gender", "x"),
        ("style_weight", 1.01),
        ("style_weight", "0.5"),
        ("weirdness_constraint", -0.01),
        ("negative_tags", 5),
        ("persona_id", 5),
    ],
)
def test_a_wrong_value_of_an_input_is_named(crun: Crun, field: str, value: Any) -> None:
    assert is_invalid(crun.generate(**{field: value}), f"input.{field}")
    assert crun.credits() == 1000


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model": 5, "input": CUSTOM}, "model"),
        ({"model": "suno/music-generate", "input": []}, "input"),
        ({"model": "suno/music-generate", "input": None}, "input"),
        ({"model": "suno/music-generate", "input": CUSTOM, "callback_url": 5}, "callback_url"),
        ({"model": "suno/music-generate", "input": CUSTOM, "callback_url": "nowhere"}, "callback_url"),
    ],
)
def test_a_wrong_value_of_the_request_is_named(crun: Crun, body: Body, field: str) -> None:
    assert is_invalid(crun.job("CreateTask", body), field)


@pytest.mark.parametrize(("field", "limit"), [("title", 100), ("tags", 1000), ("lyrics", 5000)])
def test_a_text_has_a_limit_in_custom_mode(crun: Crun, field: str, limit: int) -> None:
    source = crun.finished().source
    for call in (
        crun.generate,
        crun.cover,
        crun.upload_extend,
        lambda **changes: crun.extend(*source, **changes),
    ):
        task_of(call(**{field: "ü" * limit}))
        assert is_invalid(call(**{field: "ü" * (limit + 1)}), f"input.{field}", str(limit))


def test_texts_that_do_not_count_have_no_limit(crun: Crun) -> None:
    task_of(crun.generate(SIMPLE, title="t" * 101, tags="t" * 1001, lyrics="l" * 5001))
    task_of(crun.generate(instrumental=True, lyrics="l" * 5001))


def test_an_instrumental_needs_no_lyrics(crun: Crun) -> None:
    task_of(crun.generate(instrumental=True, without=("lyrics",)))
    task_of(crun.cover(instrumental=True, without=("lyrics",)))
    task_of(crun.upload_extend(instrumental=True, without=("lyrics",)))


def test_vocals_are_meant_where_nothing_is_said(crun: Crun) -> None:
    answer = crun.generate(without=("instrumental", "lyrics"))

    assert is_invalid(answer)
    assert answer.body["message"] == "input.lyrics is required"


def test_the_moment_of_a_continuation_is_needed_in_custom_mode_only(crun: Crun) -> None:
    source = crun.finished().source
    simple = {"mode": "simple", "prompt": "Let it grow"}

    task_of(crun.extend(*source, without=("continue_at",), **simple))
    task_of(crun.upload_extend(without=("continue_at",), **simple))
    task_of(crun.extend(*source, continue_at=0))
    assert is_invalid(crun.extend(*source, continue_at=-0.5), "input.continue_at")
    assert is_invalid(crun.upload_extend(continue_at="30"), "input.continue_at")


# --- a continuation and its source -------------------------------------------------------------------------


def test_a_finished_song_can_be_continued(crun: Crun) -> None:
    source = crun.finished()

    sequel = crun.finish(task_of(crun.extend(*source.source)))
    again = crun.finish(task_of(crun.extend(sequel.task, sequel.tracks[1])))

    assert len({*source.tracks, *sequel.tracks, *again.tracks}) == 6
    assert crun.info(again.task).data["param"]["input"]["suno_id"] == sequel.tracks[1]


def test_a_song_with_a_persona_can_be_continued(crun: Crun) -> None:
    song = crun.finished()
    persona = crun.made_persona(song)

    task_of(crun.extend(*song.source, persona_id=persona))


def test_an_unknown_source_cannot_be_continued(client: Client) -> None:
    crun = Crun(client)
    one, other = crun.finished(), crun.finished()

    no_task = crun.extend(NO_TASK, "suno_abc123")
    no_song = [crun.extend(one.task, song) for song in ("suno_abc123", other.tracks[0])]

    assert no_task.verdict == refused("source-not-found", 422, "task_id not found")
    assert [answer.verdict for answer in no_song] == [
        refused("source-not-found", 422, "suno_id not found")
    ] * 2
    assert crun.credits() == 976


def test_a_foreign_source_cannot_be_continued(crun: Crun) -> None:
    song = Crun(crun.client, "owner").finished()

    answer = Crun(crun.client, "stranger").extend(*song.source)

    assert answer.verdict == refused("source-not-owned", 422, "task_id not found")


def test_an_unfinished_source_cannot_be_continued(crun: Crun) -> None:
    task = crun.started()

    for seconds in (0, 10, 75.75):
        if seconds:
            crun.advance(seconds)
        answer = crun.extend(task, NO_SONG)
        assert answer.verdict == refused("source-unfinished", 422, "task not completed")
    crun.advance(0.25)
    task_of(crun.extend(*crun.song(task).source))


def test_a_failed_source_cannot_be_continued(crun: Crun) -> None:
    answer = crun.extend(crun.failed(), NO_SONG)

    assert answer.verdict == refused("source-failed", 422, "task failed")


# --- credits -----------------------------------------------------------------------------------------------


def test_a_new_account_has_a_thousand_credits(crun: Crun) -> None:
    answer = crun.send("GET", "/api/v1/client/account/balance")

    assert answer.verdict == (200, "success", {"code": 200, "message": "success", "data": {"balance": 1000}})


def test_each_song_costs_12_at_its_submission(crun: Crun) -> None:
    source = crun.finished().source

    tasks = [task_of(answer) for answer in (crun.extend(*source), crun.cover(), crun.upload_extend())]

    assert crun.credits() == 1000 - 4 * 12
    assert [crun.info(task).data["credits"] for task in tasks] == [12, 12, 12]


def test_a_failed_song_gives_its_credits_back_when_it_fails(client: Client) -> None:
    crun = Crun(client)
    task = crun.started(prefer="outcome=task-failed")
    seen = [(crun.credits(), crun.info(task).data["credits"])]

    for seconds in (42.75, 0.25, 1000):
        crun.advance(seconds)
        seen.append((crun.credits(), crun.info(task).data["credits"]))

    assert seen == [(988, 12), (988, 12), (1000, 0), (1000, 0)]


def test_an_account_runs_down_by_songs_of_12(make_client: MakeClient) -> None:
    crun = Crun(make_client(credits=30))

    answers = [crun.generate() for _ in range(4)]

    assert [answer.accepted for answer in answers] == [True, True, False, False]
    assert answers[2].verdict == answers[3].verdict == POOR
    assert crun.credits() == 6


def test_a_persona_is_free_but_not_for_an_empty_account(crun: Crun) -> None:
    crun.set_credits(12)
    song = crun.finished()
    empty = crun.persona(*song.source)

    crun.set_credits(0.5)

    assert empty.verdict == POOR
    assert crun.persona(*song.source).accepted
    assert crun.credits() == 0.5


def test_the_poor_key_can_pay_nothing(crun: Crun) -> None:
    crun = Crun(crun.client, "mock-poor")

    answers = [crun.generate(), crun.cover(), crun.extend(NO_TASK, "s"), crun.persona(NO_TASK, "s")]

    assert crun.credits() == 0
    assert [answer.verdict for answer in answers] == [POOR] * 4
    assert crun.tasks() == []


@pytest.mark.parametrize(
    ("balance", "affordable"), [(1000, True), (12, True), (11.99, False), (5, False), (0, False)]
)
def test_an_estimate_tells_price_balance_and_whether_it_is_enough(
    crun: Crun, balance: float, affordable: bool
) -> None:
    crun.set_credits(balance)

    answer = crun.job("EstimateTask", {"model": "suno/music-generate", "callback_url": None, "input": CUSTOM})

    assert answer.verdict == (
        200,
        "success",
        {
            "code": 200,
            "message": "success",
            "data": {"estimated_credits": 12, "balance": balance, "affordable": affordable},
        },
    )
    assert crun.credits() == balance
    assert crun.tasks() == []


@pytest.mark.parametrize("balance", [1000, 0])
def test_the_other_estimate_tells_the_price_alone(crun: Crun, balance: int) -> None:
    crun.set_credits(balance)

    answer = crun.job("estimate-credits", {"model": "suno/music-cover", "callback_url": None, "input": COVER})

    assert answer.verdict == (
        200,
        "success",
        {"code": 200, "message": "success", "data": {"credits": 12, "estimated": True}},
    )
    assert crun.credits() == balance
    assert crun.tasks() == []


def test_an_estimate_follows_what_was_spent(crun: Crun) -> None:
    crun.generate()

    answer = crun.job("EstimateTask", {"model": "suno/music-generate", "input": CUSTOM})

    assert answer.data == {"estimated_credits": 12, "balance": 988, "affordable": True}


def test_estimates_take_no_ids(make_client: MakeClient) -> None:
    crun, twin = Crun(make_client()), Crun(make_client())
    for path in ("EstimateTask", "estimate-credits"):
        crun.job(path, {"model": "suno/music-generate", "input": CUSTOM})

    assert crun.finished() == twin.finished()


# --- the catalogue -----------------------------------------------------------------------------------------

NAMES = [
    "suno/music-generate",
    "suno/music-extend",
    "suno/music-extend-upload",
    "suno/music-cover",
    "suno/music-video",
    "suno/sounds-generate",
    "suno/vocal-separatio",
]
GENERATE = {
    "model": "suno/music-generate",
    "name": "Suno Music Generate",
    "modality": "audio",
    "operations": ["music-generate", "text-to-music"],
    "input_schema": {
        "type": "object",
        "required": ["mode", "model"],
        "properties": {
            "mode": {"type": "string", "enum": ["simple", "custom"]},
            "model": {"type": "string", "enum": ["v4", "v4.5", "v4.5-plus", "v4.5-all", "v5", "v5.5"]},
            "instrumental": {"type": "boolean"},
            "prompt": {"type": "string"},
            "title": {"type": "string", "maxLength": 100},
            "tags": {"type": "string", "maxLength": 1000},
            "lyrics": {"type": "string", "maxLength": 5000},
            "vocal_gender": {"type": "string", "enum": ["m", "f"]},
            "style_weight": {"type": "number", "minimum": 0, "maximum": 1},
            "weirdness_constraint": {"type": "number", "minimum": 0, "maximum": 1},
            "negative_tags": {"type": "string"},
            "persona_id": {"type": "string"},
        },
    },
}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", NAMES),
        ("?modality=audio", [name for name in NAMES if name != "suno/music-video"]),
        ("?modality=video", ["suno/music-video"]),
        ("?modality=image", []),
        ("?operation=text-to-music", ["suno/music-generate"]),
        ("?operation=music-extend", ["suno/music-extend", "suno/music-extend-upload"]),
        ("?operation=music-generate", NAMES[:4]),
        ("?operation=vocal-separation", ["suno/vocal-separatio"]),
        ("?modality=audio&operation=music-cover", ["suno/music-cover"]),
        ("?modality=video&operation=music-cover", []),
    ],
)
def test_the_catalogue_is_narrowed_by_modality_and_operation(
    crun: Crun, query: str, names: list[str]
) -> None:
    answer = crun.send("GET", f"/api/v1/client/job/Models{query}")

    assert (answer.status, answer.outcome) == (200, "success")
    assert [model["model"] for model in answer.data["models"]] == names
    assert answer.data["total"] == len(names)
    assert set(answer.data) == {"total", "models"}


@pytest.mark.parametrize("path", ["suno/music-generate", "suno%2Fmusic-generate", "suno%2fmusic-generate"])
def test_a_model_is_found_with_its_slash_plain_or_encoded(crun: Crun, path: str) -> None:
    answer = crun.send("GET", f"/api/v1/client/job/Models/{path}")

    assert answer.verdict == (200, "success", {"code": 200, "message": "success", "data": GENERATE})


@pytest.mark.parametrize("name", NAMES)
def test_each_model_of_the_catalogue_can_be_read_by_itself(crun: Crun, name: str) -> None:
    listed = crun.send("GET", "/api/v1/client/job/Models").data["models"]

    answer = crun.send("GET", f"/api/v1/client/job/Models/{name}")

    assert answer.data in listed
    assert answer.data["model"] == name


@pytest.mark.parametrize(
    "name", ["suno", "suno/music", "suno/music-generate/x", "music-generate", "a%20b", "SUNO/music-generate"]
)
def test_an_unknown_model_is_not_found(crun: Crun, name: str) -> None:
    answer = crun.send("GET", f"/api/v1/client/job/Models/{name}")

    assert answer.verdict == refused("not-found", 404, "Model not found")


# --- uploads -----------------------------------------------------------------------------------------------

UPLOAD_PATH = "/api/v1/client/files/upload-url"
PLACE = f"{UPLOAD_PATH}?content_type=audio%2Fmpeg&ext=.mp3"


def path_of(url: str) -> str:
    """The path of a URL of the mock's media."""
    base = "http://127.0.0.1:4010"
    assert url.startswith((f"{base}/_mock/media/", f"{base}/_sandbox/alice/_mock/media/")), url
    return url.removeprefix(base)


def test_an_upload_is_read_back_and_sung_from(client: Client) -> None:
    crun = Crun(client)
    place = crun.send("GET", PLACE)
    content = bytes(range(256)) * 20

    sent = client.request("PUT", path_of(place.data["presigned_url"]), content=content)
    got = client.get(path_of(place.data["file_url"]))
    song = crun.finish(task_of(crun.cover(audio_url=place.data["file_url"])))

    assert place.verdict == (200, "success", {"code": 200, "message": "success", "data": place.data})
    assert set(place.data) == {"presigned_url", "file_url"}
    assert sent.is_success
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, content, "audio/mpeg")
    assert crun.persona(*song.source).accepted
    task_of(crun.upload_extend(audio_url=place.data["file_url"]))


def test_an_upload_may_be_larger_than_a_request(make_client: MakeClient) -> None:
    client = make_client(max_body=2000)
    place = Crun(client).send("GET", PLACE).data

    sent = client.request("PUT", path_of(place["presigned_url"]), content=b"x" * 5000)

    assert sent.is_success
    assert client.get(path_of(place["file_url"])).content == b"x" * 5000


def test_there_is_no_file_before_it_was_uploaded(make_client: MakeClient) -> None:
    client = make_client()
    place = Crun(client).send("GET", PLACE).data

    assert client.get(path_of(place["file_url"])).status_code == 404


def test_each_upload_has_a_place_of_its_own(make_client: MakeClient) -> None:
    client = make_client()
    places = [Crun(client).send("GET", PLACE).data for _ in range(2)]

    for number, place in enumerate(places):
        client.request("PUT", path_of(place["presigned_url"]), content=b"%d" % number)

    assert [client.get(path_of(place["file_url"])).content for place in places] == [b"0", b"1"]


def test_uploads_of_a_sandbox_stay_there(make_client: MakeClient) -> None:
    client = make_client()
    place = Crun(client, sandbox="alice").send("GET", PLACE).data

    client.request("PUT", path_of(place["presigned_url"]), content=b"hers")

    assert "/_sandbox/alice/" in place["file_url"]
    assert client.get(path_of(place["file_url"])).content == b"hers"
    assert client.get(path_of(place["file_url"]).removeprefix("/_sandbox/alice")).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "content_type"), ("?ext=.mp3", "content_type"), ("?content_type=audio%2Fmpeg", "ext")],
)
def test_an_upload_tells_its_type_and_extension(crun: Crun, query: str, field: str) -> None:
    answer = crun.send("GET", f"{UPLOAD_PATH}{query}")

    assert is_invalid(answer)
    assert answer.body["message"] == f"{field} is required"
