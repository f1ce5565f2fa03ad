"""crun close up: the three models that sing nothing, planted requests, spellings that are our choice."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockserver.providers.crun import Crun as Adapter
from tests.conftest import MakeClient
from tests.providers.crun_calls import CUSTOM, NO_TASK, Crun, refused, task_of
from tests.providers.envelope import NO_SONG
from tests.specs import reading

TRACK_MODELS = ("suno/music-video", "suno/vocal-separatio")
SONG_MODELS = ("suno/music-generate", "suno/music-extend", "suno/music-extend-upload", "suno/music-cover")


@pytest.fixture
def adapter() -> Adapter:
    return Adapter({"duplicate": "refuse"})


# --- planted requests --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(Adapter({"duplicate": "refuse"}).policy.kinds))
@pytest.mark.parametrize("version", ["v4.5-plus", "v5"])
def test_a_planted_request_is_one_that_the_document_accepts(
    adapter: Adapter, kind: str, version: str
) -> None:
    model = next(model for model in adapter.models if model.name == version)
    root = reading.document("crun")

    planted = adapter.plant(kind, model)

    task = {"$ref": "#/components/schemas/TaskRequest"}
    assert [error.message for error in reading.validator(root, task).iter_errors(planted.request)] == []
    assert (planted.kind, planted.model) == (kind, version)
    if planted.request["model"] in SONG_MODELS:
        assert planted.request["input"]["model"] == version


@pytest.mark.parametrize(
    ("code", "known"), [(None, True), (501, True), ("x", True), (["x"], False), ({}, False)]
)
def test_a_failure_may_have_any_code_that_is_one(adapter: Adapter, code: Any, known: bool) -> None:
    failure = adapter.failure(code, "Lyrics were refused")

    assert (failure is not None) == known
    if failure is not None:
        assert (failure.state, failure.code, failure.message) == ("failed", code, "Lyrics were refused")


def test_a_failure_without_words_has_the_usual_ones(adapter: Adapter) -> None:
    failure = adapter.failure(7, "")

    assert failure is not None
    assert failure.message == "Generation Failed"


# --- the models that sing nothing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "files"),
    [
        ("suno/music-video", ["video.mp4"]),
        ("suno/vocal-separatio", ["vocals.mp3", "instrumental.mp3"]),
        ("suno/sounds-generate", ["audio.mp3"]),
    ],
)
def test_what_is_no_song_is_a_list_of_files(crun: Crun, model: str, files: list[str]) -> None:
    song = crun.finished()
    task = task_of(crun.create(model, {"task_id": song.task, "suno_id": song.tracks[1]}))
    crun.advance(86)

    data = crun.info(task).data

    urls = data["result"]["media_urls"]
    assert data["result"] == {"media_urls": urls, "media_info": {}}
    assert (data["model_version"], data["duration_s"], data["credits"]) == ("sunov5", 86, 12)
    assert [url.rpartition("/")[2] for url in urls] == files
    assert [crun.download(url).status_code for url in urls] == [200] * len(files)
    assert crun.credits() == 1000 - 12 - 12


def test_an_input_may_tell_its_version(crun: Crun) -> None:
    tasks = [
        task_of(crun.create("suno/sounds-generate", {"prompt": "Rain", "model": model}))
        for model in ("v4.5-all", "v99", 5)
    ]

    assert [crun.info(task).data["model_version"] for task in tasks] == ["sunov4.5-all", "sunov5", "sunov5"]


@pytest.mark.parametrize("model", TRACK_MODELS)
def test_a_track_may_be_named_by_its_task_or_by_itself(crun: Crun, model: str) -> None:
    song = crun.finished()

    for input_ in ({"task_id": song.task}, {"suno_id": song.tracks[1]}, {}):
        task_of(crun.create(model, input_))


@pytest.mark.parametrize("model", TRACK_MODELS)
def test_a_track_that_is_not_there_is_named(crun: Crun, model: str) -> None:
    task = crun.finished().task
    wrong = {
        "task_id": [{"task_id": NO_TASK}, {"task_id": ""}, {"task_id": NO_TASK, "suno_id": NO_SONG}],
        "suno_id": [{"suno_id": NO_SONG}, {"task_id": task, "suno_id": NO_SONG}],
    }

    for field, inputs in wrong.items():
        for input_ in inputs:
            answer = crun.create(model, input_)
            assert answer.verdict == refused("source-not-found", 422, f"{field} not found")


@pytest.mark.parametrize("model", TRACK_MODELS)
def test_a_task_named_alone_has_to_be_finished_and_ones_own(crun: Crun, model: str) -> None:
    finished, failed, unfinished = crun.finished(), crun.failed(), crun.started()
    stranger = Crun(crun.client, "stranger")

    answers = [
        crun.create(model, {"task_id": unfinished}),
        crun.create(model, {"task_id": failed}),
        stranger.create(model, {"task_id": finished.task}),
        stranger.create(model, {"suno_id": finished.tracks[0]}),
    ]

    assert [answer.verdict for answer in answers] == [
        refused("source-unfinished", 422, "task not completed"),
        refused("source-failed", 422, "task failed"),
        refused("source-not-owned", 422, "task_id not found"),
        refused("source-not-owned", 422, "suno_id not found"),
    ]


# --- spellings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["v4", "v4.5", "v4.5-plus", "v4.5-all", "v5", "v5.5"])
def test_a_version_is_shown_behind_the_name_of_who_sings(crun: Crun, model: str) -> None:
    assert crun.info(crun.started(model=model)).data["model_version"] == f"suno{model}"


def test_a_persona_is_named_by_12_hexadecimal_digits(crun: Crun) -> None:
    assert re.fullmatch("persona_[0-9a-f]{12}", crun.made_persona(crun.finished()))


def test_the_files_of_a_song_are_its_tracks_and_one_cover(crun: Crun) -> None:
    song = crun.finished()

    urls = crun.info(song.task).data["result"]["media_urls"]

    assert [url.rsplit("/", 2)[1:] for url in urls] == [
        [song.tracks[0], "audio.mp3"],
        [song.tracks[1], "audio.mp3"],
        [song.tracks[0], "cover.jpeg"],
    ]


def test_an_address_that_was_not_given_is_shown_as_null(crun: Crun) -> None:
    body = {"model": "suno/music-generate", "input": CUSTOM}

    task = task_of(crun.job("CreateTask", body))

    assert crun.info(task).data["param"] == {**body, "callback_url": None}


def test_a_refusal_of_the_input_lists_its_reason(crun: Crun) -> None:
    answer = crun.generate(style_weight=2)

    message = "input.style_weight must be at most 1"
    assert answer.body == {"code": 422, "message": message, "data": None, "errors": [message]}


# --- uploads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ext", [".mp3", "mp3", "M4A", ".7z"])
def test_an_extension_may_have_its_dot_or_not(crun: Crun, ext: str) -> None:
    answer = crun.send("GET", f"/api/v1/client/files/upload-url?content_type=audio%2Fmpeg&ext={ext}")

    url = answer.data["file_url"]
    assert re.search(rf"/_mock/media/uploads/[0-9a-f-]{{36}}/[0-9a-f-]{{36}}\.{ext.lstrip('.')}$", url)
    assert re.fullmatch(re.escape(url) + r"\?signature=[0-9a-f]+", answer.data["presigned_url"])


@pytest.mark.parametrize(
    "ext", ["..", ".", "a/b", "..%2Fmp3", "mp3%0A", "%00", "m%20p", ".tar.gz", "x" * 17, "%C3%BC"]
)
def test_an_extension_is_letters_and_digits(make_client: MakeClient, ext: str) -> None:
    crun = Crun(make_client())

    answer = crun.send("GET", f"/api/v1/client/files/upload-url?content_type=audio%2Fmpeg&ext={ext}")

    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None)
    message = r"ext must match \.?[A-Za-z0-9]{1,16}"
    assert (answer.body["message"], answer.body["errors"]) == (message, [message])


@pytest.mark.parametrize(
    ("query", "field"), [("content_type=&ext=.mp3", "content_type"), ("content_type=a&ext=", "ext")]
)
def test_a_blank_word_on_an_upload_is_a_missing_one(crun: Crun, query: str, field: str) -> None:
    answer = crun.send("GET", f"/api/v1/client/files/upload-url?{query}")

    assert (answer.code, answer.body["message"]) == (422, f"{field} is required")
