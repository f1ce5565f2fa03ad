"""kie: what the four song calls need, how long their texts may be, and what a continuation goes on from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Client
from tests.providers.envelope import Answer
from tests.providers.kie_calls import (
    COVER,
    CUSTOM,
    EXTEND,
    IDEA,
    MODELS,
    UPLOAD_EXTEND,
    Kie,
    not_found,
    refused,
    task_of,
    tracks_of,
)
from tests.providers.plain import Body

SHORT = {"V3_5", "V4"}
SHORT_TITLE = {"V3_5", "V4", "V4_5ALL"}
OUTSIDE = refused(
    "invalid", 422, "continueAt must be greater than 0 and less than the duration of the source track"
)


Song = Callable[..., Answer]


@pytest.fixture(params=["generate", "extend", "cover", "upload_extend"])
def song(request: pytest.FixtureRequest, kie: Kie) -> Song:
    """Each of the four song calls; one that needs a track has one of the wished model."""

    def call(**fields: Any) -> Answer:
        if request.param != "extend":
            made: Answer = getattr(kie, request.param)(**fields)
            return made
        track = kie.finished(model=fields.get("model", "V4_5")).tracks[0]
        return kie.extend(track, **fields)

    return call


def is_invalid(answer: Answer, *words: str) -> bool:
    """Is this a body 422 whose message holds all the words?"""
    assert (answer.status, answer.outcome, answer.code, answer.data) == (200, "invalid", 422, None), (
        answer.body
    )
    return all(word in answer.body["msg"] for word in words)


def too_long(what: str, limit: int) -> Any:
    """The verdict on a text of more characters than its limit."""
    return refused("invalid", 422, f"{what} cannot exceed {limit} characters")


# --- what is missing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        *[("", IDEA, field) for field in ("customMode", "instrumental", "model", "prompt")],
        *[("", CUSTOM, field) for field in ("prompt", "style", "title")],
        *[
            ("/upload-cover", COVER, field)
            for field in ("uploadUrl", "customMode", "instrumental", "model", "prompt", "style", "title")
        ],
        *[
            ("/extend", {**EXTEND, "audioId": "a"}, field)
            for field in ("defaultParamFlag", "audioId", "model", "prompt", "style", "title", "continueAt")
        ],
        *[
            ("/upload-extend", UPLOAD_EXTEND, field)
            for field in (
                "uploadUrl",
                "defaultParamFlag",
                "instrumental",
                "continueAt",
                "model",
                "prompt",
                "style",
                "title",
            )
        ],
    ],
)
def test_a_missing_field_is_named(kie: Kie, path: str, body: Body, field: str) -> None:
    answer = kie.post(path, {name: value for name, value in body.items() if name != field})

    assert answer.verdict == refused("invalid", 422, f"{field} cannot be null")
    assert kie.credits() == 1000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", IDEA),
        ("/extend", {**EXTEND, "audioId": "a"}),
        ("/upload-cover", COVER),
        ("/upload-extend", UPLOAD_EXTEND),
    ],
)
def test_a_missing_callback_url_has_its_own_words(kie: Kie, path: str, body: Body) -> None:
    answer = kie.post(path, {name: value for name, value in body.items() if name != "callBackUrl"})

    assert answer.verdict == refused("invalid", 422, "Please enter callBackUrl.")
    assert kie.tasks() == []


def test_a_track_whose_file_is_gone_is_not_extended(kie: Kie) -> None:
    song = kie.finished()
    kie.advance(14 * 86_400)

    answer = kie.extend(song.tracks[0])

    assert answer.verdict == refused("access-denied", 451, "Failed to fetch the music data")


@pytest.mark.parametrize("given", ["", None])
def test_an_empty_callback_url_is_a_missing_one_in_words(kie: Kie, given: str | None) -> None:
    answer = kie.post("", {**IDEA, "callBackUrl": given})

    assert answer.verdict == refused("invalid", 422, "Please enter callBackUrl.")


@pytest.mark.parametrize("path", ["", "/extend", "/upload-cover", "/upload-extend"])
def test_of_several_missing_fields_the_first_violation_is_named(kie: Kie, path: str) -> None:
    answer = kie.post(path, {})

    assert answer.violation is not None
    field = answer.violation.removeprefix("/body/").partition(":")[0]
    assert is_invalid(answer, field)


def test_a_custom_instrumental_needs_no_prompt(kie: Kie) -> None:
    task_of(kie.generate(instrumental=True, without=("prompt",)))
    task_of(kie.cover(instrumental=True, without=("prompt",)))
    task_of(kie.upload_extend(instrumental=True, without=("prompt",)))


def test_an_idea_needs_its_prompt_even_without_a_voice(kie: Kie) -> None:
    wanted = refused("invalid", 422, "prompt cannot be null")

    assert kie.generate(IDEA, without=("prompt",)).verdict == wanted
    assert kie.cover(customMode=False, instrumental=True, without=("prompt",)).verdict == wanted
    assert kie.upload_extend(defaultParamFlag=False, instrumental=True, without=("prompt",)).verdict == wanted


def test_an_idea_needs_no_style_and_title(kie: Kie) -> None:
    task_of(kie.generate(customMode=False, without=("style", "title")))
    task_of(kie.cover(customMode=False, without=("style", "title")))
    task_of(kie.upload_extend(defaultParamFlag=False, without=("style", "title")))


def test_a_plain_continuation_needs_only_its_track(kie: Kie) -> None:
    track = kie.finished().tracks[0]

    task_of(kie.extend(track, defaultParamFlag=False, without=("prompt", "style", "title", "continueAt")))


# --- wrong values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", 5),
        ("customMode", "true"),
        ("customMode", None),
        ("instrumental", 1),
        ("model", 4),
        ("callBackUrl", "not a url"),
        ("callBackUrl", 5),
        ("callBackUrl", None),
        ("style", []),
        ("title", {}),
        ("negativeTags", ["metal"]),
        ("vocalGender", "x"),
        ("vocalGender", True),
        ("styleWeight", "0.5"),
        ("styleWeight", -0.01),
        ("weirdnessConstraint", 1.01),
        ("audioWeight", 2),
        ("personaId", 5),
        ("personaModel", 5),
        ("duration", "20"),
    ],
)
def test_a_wrong_value_is_named(kie: Kie, field: str, value: Any) -> None:
    answer = kie.generate(**{field: value})

    assert is_invalid(answer, field)
    assert kie.credits() == 1000
    assert kie.tasks() == []


@pytest.mark.parametrize("model", ["V3", "v4_5", "suno-v5", "", "V7"])
def test_an_unknown_model_is_answered_with_the_known_ones(kie: Kie, model: str) -> None:
    wanted = refused(
        "invalid",
        422,
        "model must be one of: V3_5, V4, V4_5, V4_5PLUS, V4_5ALL, V5, V5_5, V6, V6_MINI, V6_WILD",
    )

    assert kie.generate(model=model).verdict == wanted
    assert kie.extend("a", model=model).verdict == wanted
    assert kie.cover(model=model).verdict == wanted
    assert kie.upload_extend(model=model).verdict == wanted


@pytest.mark.parametrize("field", ["uploadUrl", "callBackUrl"])
@pytest.mark.parametrize("value", ["not a url", 5, None])
def test_a_wrong_url_is_named(kie: Kie, field: str, value: Any) -> None:
    assert is_invalid(kie.cover(**{field: value}), field)
    assert is_invalid(kie.upload_extend(**{field: value}), field)


@pytest.mark.parametrize(
    ("field", "value"),
    [("vocalGender", "x"), ("styleWeight", 7), ("weirdnessConstraint", -3), ("audioWeight", 1.5)],
)
def test_fields_that_do_not_count_may_hold_anything_of_their_type(kie: Kie, field: str, value: Any) -> None:
    track = kie.finished().tracks[0]

    answers = [
        kie.generate(IDEA, **{field: value}),
        kie.cover(customMode=False, **{field: value}),
        kie.extend(track, defaultParamFlag=False, **{field: value}),
        kie.upload_extend(defaultParamFlag=False, **{field: value}),
    ]

    for answer in answers:
        task_of(answer)


@pytest.mark.parametrize("field", ["styleWeight", "weirdnessConstraint", "audioWeight"])
@pytest.mark.parametrize("value", [0, 0.01, 0.65, 1])
def test_a_weight_lies_between_0_and_1(kie: Kie, field: str, value: float) -> None:
    task_of(kie.generate(**{field: value}))


@pytest.mark.parametrize(("value", "fits"), [(9.99, False), (10, True), (360, True), (361, False)])
def test_v5_5_takes_a_duration_of_10_to_360_seconds(kie: Kie, value: float, fits: bool) -> None:
    for answer in (
        kie.generate(model="V5_5", duration=value),
        kie.cover(model="V5_5", duration=value),
    ):
        assert answer.accepted if fits else is_invalid(answer, "duration")


def test_a_duration_is_ignored_with_other_models_and_without_custom_mode(kie: Kie) -> None:
    task_of(kie.generate(model="V5", duration=1))
    task_of(kie.generate(IDEA, model="V5_5", duration=1000))
    task_of(kie.cover(model="V4", duration=-5))


# --- lengths -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_a_prompt_has_a_limit_by_model(song: Song, model: str) -> None:
    limit = 3000 if model in SHORT else 5000

    task_of(song(model=model, prompt="p" * limit))
    assert song(model=model, prompt="p" * (limit + 1)).verdict == too_long("prompt", limit)


@pytest.mark.parametrize("model", MODELS)
def test_a_style_has_a_limit_by_model(song: Song, model: str) -> None:
    limit = 200 if model in SHORT else 1000

    task_of(song(model=model, style="s" * limit))
    assert song(model=model, style="s" * (limit + 1)).verdict == too_long("music style", limit)


@pytest.mark.parametrize("model", MODELS)
def test_a_title_has_a_limit_by_call_and_model(
    song: Song, model: str, request: pytest.FixtureRequest
) -> None:
    generates = request.node.callspec.params["song"] == "generate"
    limit = 80 if generates or model in SHORT_TITLE else 100

    task_of(song(model=model, title="t" * limit))
    assert song(model=model, title="t" * (limit + 1)).verdict == too_long("title", limit)


@pytest.mark.parametrize("model", ["V4", "V5", "V6"])
def test_an_idea_holds_500_characters(kie: Kie, model: str) -> None:
    for call in (kie.generate, kie.cover):
        task_of(call(customMode=False, model=model, prompt="p" * 500))
        answer = call(customMode=False, model=model, prompt="p" * 501)
        assert answer.verdict == too_long("prompt", 500)


def test_characters_are_counted_not_bytes(kie: Kie) -> None:
    task_of(kie.generate(IDEA, prompt="🎵" * 500))
    assert kie.generate(IDEA, prompt="🎵" * 501).verdict == too_long("prompt", 500)


def test_the_prompt_of_an_uploaded_continuation_has_its_limit_in_both_modes(kie: Kie) -> None:
    task_of(kie.upload_extend(defaultParamFlag=False, model="V4", prompt="p" * 3000))
    answer = kie.upload_extend(defaultParamFlag=False, model="V4", prompt="p" * 3001)

    assert answer.verdict == too_long("prompt", 3000)


def test_texts_that_do_not_count_have_no_limit(kie: Kie) -> None:
    track = kie.finished(model="V4").tracks[0]
    long = {"style": "s" * 2000, "title": "t" * 2000}

    task_of(kie.generate(IDEA, model="V4", **long))
    task_of(kie.cover(customMode=False, model="V4", **long))
    task_of(kie.extend(track, defaultParamFlag=False, model="V4", prompt="p" * 9000, **long))
    task_of(kie.upload_extend(defaultParamFlag=False, model="V4", **long))


# --- a continuation and its track --------------------------------------------------------------------------


def test_an_unknown_track_cannot_be_continued(kie: Kie) -> None:
    for flag in (True, False):
        answer = kie.extend("e231****-****-****-****-****8cadc7dc", defaultParamFlag=flag)
        assert answer.verdict == not_found("source-not-found")


def test_a_task_is_no_track(kie: Kie) -> None:
    assert kie.extend(kie.finished().task).verdict == not_found("source-not-found")


def test_a_foreign_track_cannot_be_continued(kie: Kie) -> None:
    owner, stranger = Kie(kie.client, "owner"), Kie(kie.client, "stranger")
    track = owner.finished().tracks[0]

    for flag in (True, False):
        answer = stranger.extend(track, defaultParamFlag=flag)
        assert answer.verdict == not_found("source-not-owned")


@pytest.mark.parametrize("flag", [True, False])
def test_a_track_is_continued_by_its_own_model_only(kie: Kie, flag: bool) -> None:
    track = kie.finished(model="V4_5").tracks[0]

    answer = kie.extend(track, model="V5", defaultParamFlag=flag)

    assert answer.verdict == refused("invalid", 422, "model must equal the model of the source track: V4_5")
    assert kie.credits() == 988
    task_of(kie.extend(track, model="V4_5", defaultParamFlag=flag))


def test_a_track_is_continued_within_its_length(client: Client) -> None:
    kie = Kie(client)
    song = kie.finished()
    length = tracks_of(kie.record(song.task))[0]["duration"]

    assert kie.extend(song.tracks[0], continueAt=length).verdict == OUTSIDE
    assert kie.extend(song.tracks[0], continueAt=length + 0.01).verdict == OUTSIDE
    assert kie.extend(song.tracks[0], continueAt=10**9).verdict == OUTSIDE
    assert kie.credits() == 988
    task_of(kie.extend(song.tracks[0], continueAt=length - 0.01))
    task_of(kie.extend(song.tracks[0], continueAt=0.01))


def test_each_track_is_measured_by_its_own_length(kie: Kie) -> None:
    song = kie.finished()
    tracks = tracks_of(kie.record(song.task))
    short, long = sorted(tracks, key=lambda track: float(track["duration"]))
    assert short["duration"] < long["duration"], "two lengths are needed here"

    assert kie.extend(short["id"], continueAt=short["duration"]).verdict == OUTSIDE
    task_of(kie.extend(long["id"], continueAt=short["duration"]))


@pytest.mark.parametrize("moment", [0, -0.01, -60])
def test_a_continuation_begins_after_the_start(kie: Kie, moment: float) -> None:
    track = kie.finished().tracks[0]

    assert is_invalid(kie.extend(track, continueAt=moment), "continueAt")
    assert is_invalid(kie.upload_extend(continueAt=moment), "continueAt")
    assert is_invalid(kie.upload_extend(continueAt=moment, defaultParamFlag=False), "continueAt")


def test_the_moment_does_not_count_where_parameters_are_inherited(kie: Kie) -> None:
    track = kie.finished().tracks[0]

    for moment in (-1, 0, 10**9):
        task_of(kie.extend(track, defaultParamFlag=False, continueAt=moment))


def test_a_continuation_can_be_continued(kie: Kie) -> None:
    first = kie.finished()
    second = kie.finish(task_of(kie.extend(first.tracks[0])))

    third = task_of(kie.extend(second.tracks[1]))

    assert kie.record(third).data["parentMusicId"] == second.tracks[1]


def test_a_track_of_v3_5_can_be_continued(kie: Kie) -> None:
    track = kie.finished(model="V3_5").tracks[0]

    task_of(kie.extend(track, model="V3_5"))
