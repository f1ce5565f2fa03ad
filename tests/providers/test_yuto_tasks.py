"""yuto: the other tasks, the older twin, fields and limits, credits, asked outcomes, sandboxes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.plain import (
    ALICE,
    BOB,
    POOR,
    START,
    UUID,
    accepted,
    advance,
    balance,
    bearer,
    refused,
    tasks,
    without,
)
from tests.providers.yuto_calls import (
    ABOUT,
    CLIP_NOT_FOUND,
    COVER,
    CUSTOM,
    EXTEND,
    INFILL,
    NO_CLIP,
    NO_PERSONA,
    NO_QUOTA,
    NO_TASK,
    STEM,
    SUNG,
    TASK_NOT_EXIST,
    UPSTREAM,
    failing_clip,
    feed,
    fetch,
    fetch_all,
    finished_clip,
    finished_song,
    generate,
    invalid_request,
    persona,
    persona_body,
    plant,
    post,
    refused_as_invalid,
    refused_without_a_key,
    submit,
    upload,
)

LYRICS_CALL, UPLOAD_CALL, CONCAT_CALL = (
    "/suno/submit/lyrics",
    "/suno/uploads/audio-url",
    "/suno/submit/concat",
)
TAPE = {"url": "https://example.com/audio/tape.mp3"}


# --- several tasks at once ---------------------------------------------------------------------------------


def shown_ids(reply: Any) -> list[str]:
    """The tasks an answer shows, in its order."""
    body = accepted(reply)
    assert body == {"code": "success", "message": "", "data": body["data"]}
    return [task["task_id"] for task in body["data"]]


def test_several_tasks_are_shown_as_each_alone_is(client: Client) -> None:
    first = accepted(submit(client, CUSTOM))["data"]
    advance(client, 60)
    second = accepted(submit(client, ABOUT))["data"]

    both = accepted(fetch_all(client, [second, first]))["data"]

    assert both == [accepted(fetch(client, task))["data"] for task in (second, first)]
    assert [task["status"] for task in both] == ["NOT_START", "IN_PROGRESS"]


def test_unknown_and_foreign_tasks_are_left_out(fresh: Client) -> None:
    mine, theirs = accepted(submit(fresh, CUSTOM))["data"], accepted(submit(fresh, CUSTOM, BOB))["data"]

    assert shown_ids(fetch_all(fresh, [NO_TASK, theirs, mine, "1"])) == [mine]
    assert shown_ids(fetch_all(fresh, [NO_TASK, theirs])) == []
    assert shown_ids(fetch_all(fresh, [])) == []


def test_a_task_asked_for_twice_is_shown_once(fresh: Client) -> None:
    first, second = (accepted(submit(fresh, CUSTOM))["data"] for _ in range(2))

    assert shown_ids(fetch_all(fresh, [second, first, second])) == [second, first]


def test_tasks_of_one_kind_only(fresh: Client) -> None:
    song = accepted(submit(fresh, CUSTOM))["data"]
    lyrics = accepted(post(fresh, LYRICS_CALL, {"prompt": "dance"}))["data"]

    assert shown_ids(fetch_all(fresh, [song, lyrics])) == [song, lyrics]
    assert shown_ids(fetch_all(fresh, [song, lyrics], action="MUSIC")) == [song]
    assert shown_ids(fetch_all(fresh, [song, lyrics], action="LYRICS")) == [lyrics]


@pytest.mark.parametrize(
    ("body", "message"),
    [({}, "ids is required"), ({"action": "MUSIC"}, "ids is required")],
)
def test_a_fetch_of_several_needs_their_ids(fresh: Client, body: Any, message: str) -> None:
    refused(post(fresh, "/suno/fetch", body), 400, "invalid", invalid_request(message))


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"ids": NO_TASK}, ["ids"]),
        ({"ids": None}, ["ids"]),
        ({"ids": [5]}, []),
        ({"ids": [NO_TASK], "action": "VIDEO"}, ["action", "MUSIC", "LYRICS"]),
        ({"ids": [NO_TASK], "action": 5}, ["action"]),
    ],
)
def test_a_fetch_of_several_names_a_wrong_value(fresh: Client, body: Any, named: list[str]) -> None:
    refused_as_invalid(post(fresh, "/suno/fetch", body), *named)


# --- the older twin ----------------------------------------------------------------------------------------


def test_the_older_twin_answers_two_bare_clips_at_their_beginning(client: Client) -> None:
    clips = accepted(generate(client, CUSTOM))

    assert len({clip["id"] for clip in clips}) == len(clips) == 2
    for clip in clips:
        told = {"title": "noks noko wane", "status": "submitted", "audio_url": "", "video_url": ""}
        assert {name: clip[name] for name in told} == told
        assert (clip["model_name"], clip["major_model_version"]) == ("chirp-v4", "v4")
        assert clip["metadata"]["tags"] == CUSTOM["tags"]
        assert clip["metadata"]["duration"] is None
        assert re.fullmatch(UUID, clip["id"])


@pytest.mark.parametrize(
    ("seconds", "status"),
    [
        (0, "submitted"),
        (8.75, "submitted"),
        (9, "queued"),
        (53.75, "queued"),
        (54, "streaming"),
        (89.75, "streaming"),
        (90, "complete"),
    ],
)
def test_a_clip_is_seen_through_its_states(fresh: Client, seconds: float, status: str) -> None:
    ids = [clip["id"] for clip in accepted(generate(fresh, CUSTOM))]
    advance(fresh, seconds)

    shown = accepted(feed(fresh, *ids))

    assert [(clip["id"], clip["status"]) for clip in shown] == [(clip, status) for clip in ids]
    assert all(bool(clip["audio_url"]) == (status in ("streaming", "complete")) for clip in shown)


def test_a_failed_clip_is_seen_as_an_error(fresh: Client) -> None:
    clip = failing_clip(fresh)
    advance(fresh, 44.75)
    (before,) = accepted(feed(fresh, clip))
    advance(fresh, 0.25)

    (after,) = accepted(feed(fresh, clip))

    assert (before["status"], after["status"], after["audio_url"]) == ("queued", "error", "")
    assert after["metadata"]["error_message"]


def test_the_older_twin_leads_to_a_persona_as_well(client: Client) -> None:
    first, second = (clip["id"] for clip in accepted(generate(client, CUSTOM)))
    advance(client, 90)
    (clip,) = accepted(feed(client, first))

    made = accepted(persona(client, first))
    sung = accepted(generate(client, {**SUNG, "persona_id": made["id"], "artist_clip_id": first}))

    assert made["clip"] == clip
    assert not {clip["id"] for clip in sung} & {first, second}


def test_the_feed_shows_clips_of_tasks_too(fresh: Client) -> None:
    _, *clips = finished_song(fresh)

    assert accepted(feed(fresh, clips[1]["id"], clips[0]["id"])) == [clips[1], clips[0]]


def test_the_feed_leaves_out_what_is_unknown_or_foreign(fresh: Client) -> None:
    mine, theirs = finished_clip(fresh, ALICE), finished_clip(fresh, BOB)

    shown = accepted(feed(fresh, NO_CLIP, theirs, mine))

    assert [clip["id"] for clip in shown] == [mine]


def test_a_feed_of_nothing_known_is_empty(fresh: Client) -> None:
    theirs = finished_clip(fresh, BOB)

    for clips in ([NO_CLIP], [NO_CLIP, "1"], [theirs]):
        reply = feed(fresh, *clips)
        assert (reply.status_code, reply.headers["x-mock-outcome"], reply.json()) == (200, "not-found", [])


@pytest.mark.parametrize("clips", [(NO_CLIP, ""), ("", NO_CLIP), (NO_CLIP, "", NO_CLIP)])
def test_a_feed_holds_no_empty_id(fresh: Client, clips: tuple[str, ...]) -> None:
    reply = feed(fresh, *clips)

    refused(reply, 400, "invalid", invalid_request("clip_ids must not hold an empty id"))


# --- work on a clip that exists ----------------------------------------------------------------------------

AFTER_A_CLIP = [EXTEND, {**EXTEND, "task": "upload_extend"}, INFILL, STEM]


@pytest.mark.parametrize("work", AFTER_A_CLIP, ids=lambda work: work["task"])
def test_work_on_a_clip_makes_new_ones(fresh: Client, work: Any) -> None:
    task, clip, _ = finished_song(fresh)

    _, made, _ = finished_song(fresh, {**work, "task_id": task, "continue_clip_id": clip["id"]})

    assert made["id"] != clip["id"]
    assert (made["status"], made["model_name"]) == ("complete", work["mv"])


@pytest.mark.parametrize("work", AFTER_A_CLIP, ids=lambda work: work["task"])
def test_work_on_a_clip_needs_a_known_task_of_ones_own(fresh: Client, work: Any) -> None:
    task, clip, _ = finished_song(fresh, key=BOB)

    unknown = submit(fresh, {**work, "task_id": NO_TASK, "continue_clip_id": clip["id"]})
    foreign = submit(fresh, {**work, "task_id": task, "continue_clip_id": clip["id"]})

    refused(unknown, 400, "source-not-found", TASK_NOT_EXIST)
    refused(foreign, 400, "source-not-owned", TASK_NOT_EXIST)


@pytest.mark.parametrize("work", AFTER_A_CLIP, ids=lambda work: work["task"])
def test_work_on_a_clip_needs_a_clip_of_that_task(fresh: Client, work: Any) -> None:
    task, *_ = finished_song(fresh)
    elsewhere, theirs = finished_clip(fresh), finished_clip(fresh, BOB)

    for clip in (NO_CLIP, elsewhere, theirs):
        reply = submit(fresh, {**work, "task_id": task, "continue_clip_id": clip})
        assert (reply.status_code, reply.json()) == (400, CLIP_NOT_FOUND)


@pytest.mark.parametrize("work", AFTER_A_CLIP, ids=lambda work: work["task"])
def test_a_clip_is_worked_on_with_its_task_only(fresh: Client, work: Any) -> None:
    clip = finished_clip(fresh)

    for more in ({}, {"task_id": ""}):
        reply = submit(fresh, {**work, "continue_clip_id": clip, **more})
        refused(reply, 400, "invalid", invalid_request("task id is empty"))


def test_the_older_twin_needs_no_task_to_work_on_a_clip(fresh: Client) -> None:
    mine, theirs = finished_clip(fresh, ALICE), finished_clip(fresh, BOB)

    accepted(generate(fresh, {**EXTEND, "continue_clip_id": mine}))
    unknown = generate(fresh, {**EXTEND, "continue_clip_id": NO_CLIP})
    foreign = generate(fresh, {**EXTEND, "continue_clip_id": theirs})

    refused(unknown, 400, "source-not-found", CLIP_NOT_FOUND)
    refused(foreign, 400, "source-not-owned", CLIP_NOT_FOUND)


def test_the_older_twin_knows_a_task_that_is_named_all_the_same(fresh: Client) -> None:
    task, clip, _ = finished_song(fresh, key=BOB)
    body = {**EXTEND, "continue_clip_id": clip["id"]}

    refused(generate(fresh, {**body, "task_id": NO_TASK}), 400, "source-not-found", TASK_NOT_EXIST)
    refused(generate(fresh, {**body, "task_id": task}), 400, "source-not-owned", TASK_NOT_EXIST)


def test_an_uploaded_clip_is_extended_and_covered(fresh: Client) -> None:
    task, clip = upload(fresh)

    extended = {**EXTEND, "task": "upload_extend", "task_id": task, "continue_clip_id": clip}

    accepted(submit(fresh, extended))
    accepted(submit(fresh, {**COVER, "cover_clip_id": clip}))


@pytest.mark.parametrize("call", [submit, generate])
def test_a_cover_needs_a_clip_of_ones_own(fresh: Client, call: Any) -> None:
    mine, theirs = finished_clip(fresh, ALICE), finished_clip(fresh, BOB)

    accepted(call(fresh, {**COVER, "cover_clip_id": mine}))
    unknown = call(fresh, {**COVER, "cover_clip_id": NO_CLIP})
    foreign = call(fresh, {**COVER, "cover_clip_id": theirs})

    refused(unknown, 400, "source-not-found", CLIP_NOT_FOUND)
    refused(foreign, 400, "source-not-owned", CLIP_NOT_FOUND)


def test_an_unknown_task_is_told_before_an_unknown_clip(fresh: Client) -> None:
    reply = submit(fresh, {**EXTEND, "task_id": NO_TASK, "continue_clip_id": NO_CLIP})

    refused(reply, 400, "source-not-found", TASK_NOT_EXIST)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (without({**EXTEND, "task_id": NO_TASK, "continue_clip_id": NO_CLIP}, "continue_at"), "continue_at"),
        (EXTEND, "continue_clip_id"),
        ({**EXTEND, "task": "upload_extend"}, "continue_clip_id"),
        (COVER, "cover_clip_id"),
        (without(INFILL, "infill_start_s"), "infill_start_s"),
        (without(INFILL, "infill_end_s"), "infill_end_s"),
        ({**INFILL, "infill_end_s": None}, "infill_end_s"),
    ],
)
def test_what_a_kind_of_work_needs_is_named(fresh: Client, body: Any, field: str) -> None:
    refused_as_invalid(submit(fresh, body), field)


# --- uploads, whole songs, lyrics --------------------------------------------------------------------------


def test_an_upload_ends_with_one_clip(client: Client) -> None:
    task = accepted(post(client, UPLOAD_CALL, TAPE))["data"]
    advance(client, 19.75)
    before = accepted(fetch(client, task))["data"]
    advance(client, 0.25)

    after = accepted(fetch(client, task))["data"]

    assert before["status"] == "IN_PROGRESS"
    assert (after["status"], after["action"], after["finish_time"]) == ("SUCCESS", "MUSIC", START + 20)
    (clip,) = after["data"]
    assert (clip["status"], clip["metadata"]["type"]) == ("complete", "upload")


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, "NOT_START"), (1, "SUBMITTED"), (2, "QUEUED"), (5, "IN_PROGRESS"), (20, "SUCCESS")],
)
@pytest.mark.parametrize(("path", "body"), [(UPLOAD_CALL, TAPE), (LYRICS_CALL, {"prompt": "dance"})])
def test_the_other_tasks_take_twenty_seconds(
    fresh: Client, path: str, body: Any, seconds: float, status: str
) -> None:
    task = accepted(post(fresh, path, body))["data"]
    if seconds:
        advance(fresh, seconds - 0.25)
        assert accepted(fetch(fresh, task))["data"]["status"] != status
        advance(fresh, 0.25)

    assert accepted(fetch(fresh, task))["data"]["status"] == status


@pytest.mark.parametrize("body", [{}, {"url": ""}])
def test_an_upload_needs_its_url(fresh: Client, body: Any) -> None:
    refused(post(fresh, UPLOAD_CALL, body), 400, "invalid", invalid_request("url is required"))


@pytest.mark.parametrize("url", [5, None, "tape", ["https://example.com/audio/tape.mp3"]])
def test_an_uploads_url_must_be_one(fresh: Client, url: Any) -> None:
    refused_as_invalid(post(fresh, UPLOAD_CALL, {"url": url}), "url")


def test_an_extended_clip_is_joined_with_what_it_extends(fresh: Client) -> None:
    task, clip, _ = finished_song(fresh)
    _, extended, _ = finished_song(fresh, {**EXTEND, "task_id": task, "continue_clip_id": clip["id"]})

    whole = accepted(post(fresh, CONCAT_CALL, {"clip_id": extended["id"], "is_infill": False}))["data"]
    advance(fresh, 20)

    shown = accepted(fetch(fresh, whole))["data"]
    assert (shown["status"], shown["action"], len(shown["data"])) == ("SUCCESS", "MUSIC", 1)
    assert shown["data"][0]["status"] == "complete"
    accepted(persona(fresh, shown["data"][0]["id"]))


def test_a_clip_that_is_joined_must_be_known_and_ones_own(fresh: Client) -> None:
    theirs = finished_clip(fresh, BOB)

    refused(post(fresh, CONCAT_CALL, {"clip_id": NO_CLIP}), 400, "source-not-found", CLIP_NOT_FOUND)
    refused(post(fresh, CONCAT_CALL, {"clip_id": theirs}), 400, "source-not-owned", CLIP_NOT_FOUND)


@pytest.mark.parametrize(("seconds", "status"), [(0, "submitted"), (9, "queued"), (54, "streaming")])
def test_a_clip_that_is_joined_must_be_finished(fresh: Client, seconds: float, status: str) -> None:
    clip = accepted(generate(fresh, CUSTOM))[0]["id"]
    advance(fresh, seconds)

    reply = post(fresh, CONCAT_CALL, {"clip_id": clip})

    refused(reply, 400, "source-unfinished", invalid_request(f"clip_id is not complete: {status}"))


@pytest.mark.parametrize("body", [{}, {"is_infill": False}, {"clip_id": ""}])
def test_joining_needs_a_clip(fresh: Client, body: Any) -> None:
    refused(post(fresh, CONCAT_CALL, body), 400, "invalid", invalid_request("clip_id is required"))


def test_lyrics_are_a_task_of_their_own_kind(client: Client) -> None:
    task = accepted(post(client, LYRICS_CALL, {"prompt": "dance"}))["data"]
    before = accepted(fetch(client, task))["data"]
    advance(client, 20)

    shown = accepted(fetch(client, task))["data"]

    assert (before["action"], before["status"], before["data"]) == ("LYRICS", "NOT_START", [])
    assert (shown["action"], shown["status"], shown["progress"]) == ("LYRICS", "SUCCESS", "100%")
    (lyrics,) = shown["data"]
    assert lyrics == {**lyrics, "status": "complete"}
    assert set(lyrics) == {"id", "status", "title", "text"}
    assert lyrics["title"].strip()
    assert lyrics["text"].strip()


@pytest.mark.parametrize("body", [{}, {"prompt": ""}])
def test_lyrics_need_a_prompt(fresh: Client, body: Any) -> None:
    refused(post(fresh, LYRICS_CALL, body), 400, "invalid", invalid_request("prompt_empty"))


def test_lyrics_are_no_clip(fresh: Client) -> None:
    task = accepted(post(fresh, LYRICS_CALL, {"prompt": "dance"}))["data"]
    advance(fresh, 20)
    (lyrics,) = accepted(fetch(fresh, task))["data"]["data"]

    refused(persona(fresh, lyrics["id"]), 400, "source-not-found", CLIP_NOT_FOUND)


def test_a_failing_task_of_another_kind_fails_at_half_its_time(fresh: Client) -> None:
    task = post(fresh, LYRICS_CALL, {"prompt": "dance"}, prefer="outcome=task-failed").json()["data"]
    advance(fresh, 9.75)
    before = accepted(fetch(fresh, task))["data"]["status"]
    advance(fresh, 0.25)

    after = accepted(fetch(fresh, task))["data"]

    assert (before, after["status"]) == ("IN_PROGRESS", "FAILURE")
    assert after["fail_reason"]


# --- fields and limits of a song ---------------------------------------------------------------------------

OLD = ["chirp-v3-0", "chirp-v3-5", "chirp-v4", "chirp-v3-5-tau", "chirp-v4-tau", "chirp-v4-upload"]
NEW = ["chirp-auk", "chirp-auk-turbo", "chirp-bluejay", "chirp-crow", "chirp-fenix"]
LIMITS = [
    *((mv, "prompt", 3000) for mv in (None, *OLD)),
    *((mv, "tags", 200) for mv in (None, *OLD)),
    *((mv, "prompt", 5000) for mv in NEW),
    *((mv, "tags", 1000) for mv in NEW),
]


@pytest.mark.parametrize(("mv", "field", "limit"), LIMITS)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(
    fresh: Client, mv: str | None, field: str, limit: int
) -> None:
    body = {**without(CUSTOM, "mv"), **({"mv": mv} if mv else {})}

    accepted(submit(fresh, {**body, field: "é" * limit}))

    for call in (submit, generate):
        refused_as_invalid(call(fresh, {**body, field: "é" * (limit + 1)}), field, str(limit))


@pytest.mark.parametrize("call", [submit, generate])
@pytest.mark.parametrize("mv", ["chirp-v9", "suno-v5-beta", "chirp-v4 ", 5, None])
def test_an_unknown_model_is_refused(fresh: Client, call: Any, mv: Any) -> None:
    refused_as_invalid(call(fresh, {**CUSTOM, "mv": mv}), "mv")


def test_the_models_are_told(fresh: Client) -> None:
    message = (
        "mv must be one of chirp-v3-0, chirp-v3-5, chirp-v4, chirp-auk, chirp-auk-turbo, chirp-bluejay, "
        "chirp-crow, chirp-fenix, chirp-v3-5-tau, chirp-v4-tau, chirp-v3-5-upload, chirp-v4-upload"
    )

    refused(submit(fresh, {**CUSTOM, "mv": "chirp-v9"}), 400, "invalid", invalid_request(message))


@pytest.mark.parametrize("call", [submit, generate])
@pytest.mark.parametrize(
    "body", [{}, {"mv": "chirp-v4"}, {"title": "Harbour"}, {"gpt_description_prompt": ""}]
)
def test_a_song_needs_lyrics_or_a_description(fresh: Client, call: Any, body: Any) -> None:
    refused(call(fresh, body), 400, "invalid", invalid_request("prompt_empty"))


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": ""},
        {"mv": "chirp-v3-5", "prompt": "", "title": "Harbour", "tags": "heavy metal"},
        {
            "prompt": "",
            "continue_clip_id": None,
            "continue_at": None,
            "infill_start_s": None,
            "infill_end_s": None,
        },
        {"gpt_description_prompt": "an anthem for dancing all night", "make_instrumental": True},
        {**CUSTOM, "generation_type": "text"},
        {
            **CUSTOM,
            "metadata": {"control_sliders": {"style_weight": 0, "audio_weight": 1}, "vocal_gender": "f"},
        },
        {**CUSTOM, "notify_hook": ""},
    ],
)
def test_a_song_as_the_family_sends_it_is_taken(fresh: Client, body: Any) -> None:
    accepted(submit(fresh, body))
    accepted(generate(fresh, body))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"prompt": 5}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"title": 5}, "title"),
        ({"tags": ["pop"]}, "tags"),
        ({"negative_tags": 5}, "negative_tags"),
        ({"generation_type": "AUDIO"}, "generation_type"),
        ({"make_instrumental": "false"}, "make_instrumental"),
        ({"task": "remaster"}, "task"),
        ({"task": 5}, "task"),
        ({"continue_at": -1}, "continue_at"),
        ({"continue_at": "80"}, "continue_at"),
        ({"task_id": 5}, "task_id"),
        ({"cover_clip_id": 5}, "cover_clip_id"),
        ({"infill_start_s": -1}, "infill_start_s"),
        ({"persona_id": 5}, "persona_id"),
        ({"artist_clip_id": 5}, "artist_clip_id"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"control_sliders": {"style_weight": 1.1}}}, "style_weight"),
        ({"metadata": {"control_sliders": {"weirdness_constraint": -0.1}}}, "weirdness_constraint"),
        ({"metadata": {"control_sliders": {"audio_weight": "1"}}}, "audio_weight"),
        ({"metadata": {"vocal_gender": "x"}}, "vocal_gender"),
        ({"notify_hook": 5}, "notify_hook"),
        ({"notify_hook": "not a url"}, "notify_hook"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(fresh: Client, more: Any, field: str) -> None:
    refused_as_invalid(submit(fresh, {**CUSTOM, **more}), field)


# --- the key -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/suno/submit/music", CUSTOM),
        ("/suno/generate", CUSTOM),
        (UPLOAD_CALL, TAPE),
        (CONCAT_CALL, {"clip_id": NO_CLIP}),
        (LYRICS_CALL, {"prompt": "dance"}),
    ],
)
def test_a_submission_needs_a_key(fresh: Client, path: str, body: Any) -> None:
    refused_without_a_key(fresh.post(path, json=body))
    refused_without_a_key(fresh.post(path, json=body, headers={"authorization": "Basic a2V5"}))
    assert tasks(fresh) == []


def test_the_feed_needs_a_key(fresh: Client) -> None:
    refused_without_a_key(fresh.get(f"/suno/feed/{NO_CLIP}"))


# --- credits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [submit, generate])
def test_a_song_costs_ten_when_it_is_submitted(client: Client, call: Any) -> None:
    accepted(call(client, CUSTOM))

    assert balance(client) == 990


@pytest.mark.parametrize("call", [submit, generate])
def test_a_failed_song_gives_its_credits_back_when_it_fails(client: Client, call: Any) -> None:
    call(client, CUSTOM, prefer="outcome=task-failed")
    advance(client, 44.75)
    before = balance(client)
    advance(client, 0.25)

    assert (before, balance(client)) == (990, 1000)


@pytest.mark.parametrize("quirk", ["yuto.song_price=10", "yuto.song_price=7"])
def test_what_comes_back_is_what_was_paid(make_client: MakeClient, quirk: str) -> None:
    client = make_client(quirk=(quirk,))
    submit(client, CUSTOM, prefer="outcome=task-failed")

    advance(client, 90)

    assert balance(client) == 1000


def test_every_kind_of_song_costs_the_same(fresh: Client) -> None:
    task, clip, _ = finished_song(fresh)

    for work in AFTER_A_CLIP:
        accepted(submit(fresh, {**work, "task_id": task, "continue_clip_id": clip["id"]}))
    accepted(submit(fresh, {**COVER, "cover_clip_id": clip["id"]}))

    assert balance(fresh) == 1000 - 6 * 10


def test_an_upload_and_lyrics_cost_nothing(fresh: Client) -> None:
    accepted(post(fresh, UPLOAD_CALL, TAPE))
    accepted(post(fresh, LYRICS_CALL, {"prompt": "dance"}))

    assert balance(fresh) == 1000


@pytest.mark.parametrize("call", [submit, generate])
def test_a_song_needs_its_whole_price(make_client: MakeClient, call: Any) -> None:
    client = make_client(credits=19)

    accepted(call(client, CUSTOM))

    refused(call(client, CUSTOM), 403, "insufficient-credits", NO_QUOTA)
    assert balance(client) == 9


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/suno/submit/music", CUSTOM),
        ("/suno/generate", CUSTOM),
        (UPLOAD_CALL, TAPE),
        (LYRICS_CALL, {"prompt": "dance"}),
        (CONCAT_CALL, {"clip_id": NO_CLIP}),
        ("/suno/submit/music", {**COVER, "cover_clip_id": NO_CLIP}),
        ("/suno/submit/music", {**EXTEND, "task_id": NO_TASK, "continue_clip_id": NO_CLIP}),
    ],
)
def test_the_poor_key_can_submit_nothing(fresh: Client, path: str, body: Any) -> None:
    refused(post(fresh, path, body, POOR), 403, "insufficient-credits", NO_QUOTA)
    assert (balance(fresh, POOR), tasks(fresh)) == (0, [])


def test_the_poor_key_may_look(fresh: Client) -> None:
    task, clip = plant(fresh, key=POOR)

    accepted(fetch(fresh, task, POOR))
    accepted(feed(fresh, clip, key=POOR))


# --- a refusal leaves nothing behind -----------------------------------------------------------------------


def test_refused_and_broken_calls_change_nothing(client: Client, make_client: MakeClient) -> None:
    twin = make_client()
    mine, theirs = finished_song(client), finished_song(twin)
    assert mine == theirs
    task, clip, _ = mine

    broken: list[tuple[str, Any]] = [
        ("/suno/submit/music", {}),
        ("/suno/submit/music", []),
        ("/suno/submit/music", {**CUSTOM, "mv": "chirp-v9"}),
        ("/suno/submit/music", {**EXTEND, "task_id": NO_TASK, "continue_clip_id": clip["id"]}),
        ("/suno/submit/music", {**EXTEND, "task_id": task, "continue_clip_id": NO_CLIP}),
        ("/suno/submit/music", {**SUNG, "persona_id": NO_PERSONA, "artist_clip_id": clip["id"]}),
        ("/suno/generate", {**COVER, "cover_clip_id": NO_CLIP}),
        ("/suno/persona/create/", {}),
        ("/suno/persona/create/", persona_body(NO_CLIP)),
        ("/suno/persona/create/", persona_body(clip["id"], name=" ")),
        ("/suno/persona/create/", persona_body(clip["id"], clips=[NO_CLIP])),
        ("/suno/persona/create/", persona_body(clip["id"], clips=[clip["id"], NO_CLIP])),
        (UPLOAD_CALL, {}),
        (LYRICS_CALL, {}),
        (CONCAT_CALL, {"clip_id": NO_CLIP}),
    ]
    for path, body in broken:
        assert post(client, path, body).status_code == 400
    assert persona(client, clip["id"], BOB).status_code == 400
    assert submit(client, CUSTOM, POOR).status_code == 403
    assert client.post("/suno/submit/music", json=CUSTOM).status_code == 401
    assert client.post("/suno/submit/music", content=b"\xff{", headers=bearer(ALICE)).status_code == 400

    assert (balance(client), balance(client, BOB), balance(client, POOR)) == (990, 1000, 0)
    assert len(tasks(client)) == 1
    assert accepted(persona(client, clip["id"])) == accepted(persona(twin, clip["id"]))
    assert finished_song(client) == finished_song(twin)


@pytest.mark.parametrize(
    ("path", "outcomes"),
    [
        (
            "/suno/submit/music",
            {
                "unauthorized": 401,
                "insufficient-credits": 403,
                "invalid": 400,
                "server-error": 500,
                "source-not-found": 400,
                "source-not-owned": 400,
                "persona-not-found": 400,
            },
        ),
        (
            "/suno/persona/create/",
            {
                "unauthorized": 401,
                "insufficient-credits": 403,
                "invalid": 400,
                "server-error": 500,
                "source-not-found": 400,
                "source-unfinished": 400,
                "source-failed": 400,
                "source-not-owned": 400,
                "source-uploaded": 400,
            },
        ),
    ],
)
def test_refusals_that_are_asked_for_change_nothing(
    make_client: MakeClient, path: str, outcomes: dict[str, int]
) -> None:
    client, twin = make_client(), make_client()
    _, clip, _ = finished_song(client)
    finished_song(twin)
    body = CUSTOM if path == "/suno/submit/music" else persona_body(clip["id"])

    for outcome, status in outcomes.items():
        reply = post(client, path, body, prefer=f"outcome={outcome}")
        assert (reply.status_code, reply.headers["x-mock-outcome"]) == (status, outcome)

    assert (balance(client), len(tasks(client))) == (990, 1)
    assert accepted(post(client, path, body)) == accepted(post(twin, path, body))


def test_queued_and_magic_refusals_change_nothing(make_client: MakeClient) -> None:
    client, twin = make_client(), make_client()
    client.post("/_mock/outcomes", json={"provider": "yuto", "outcome": "server-error"})

    queued = submit(client, CUSTOM)
    magic = submit(client, CUSTOM, "mock-server-error")
    poor = submit(client, CUSTOM, "mock-insufficient-credits")

    refused(queued, 500, "server-error", UPSTREAM)
    refused(magic, 500, "server-error", UPSTREAM)
    refused(poor, 403, "insufficient-credits", NO_QUOTA)
    assert (tasks(client), balance(client)) == ([], 1000)
    assert accepted(submit(client, CUSTOM)) == accepted(submit(twin, CUSTOM))


# --- a success that is asked for ---------------------------------------------------------------------------


def test_a_success_asked_for_makes_the_task_without_credits(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM, POOR, prefer="outcome=success"))["data"]
    advance(fresh, 90)

    clip = accepted(fetch(fresh, task, POOR))["data"]["data"][0]
    made = accepted(post(fresh, "/suno/persona/create/", persona_body(clip["id"]), POOR, prefer="code=200"))
    assert made["clip"] == clip
    assert balance(fresh, POOR) == 0


def test_a_success_asked_for_an_unknown_clip_is_the_documents_example(make_client: MakeClient) -> None:
    client, twin = make_client(), make_client()

    reply = post(client, "/suno/persona/create/", persona_body(NO_CLIP), prefer="outcome=success")
    example = accepted(reply)

    told = (example["id"], example["name"], example["description"], example["persona_clips"][0]["id"])
    assert told == (NO_PERSONA, "food", "123", 11288925)
    used = submit(client, {**SUNG, "persona_id": NO_PERSONA, "artist_clip_id": NO_CLIP})
    assert used.headers["x-mock-outcome"] == "persona-not-found"
    assert balance(client) == 1000
    assert finished_song(client) == finished_song(twin)


# --- planted tasks -----------------------------------------------------------------------------------------


def test_a_planted_song_is_fetched_and_becomes_a_persona(fresh: Client) -> None:
    planted = fresh.post("/_mock/tasks", json={"provider": "yuto"}).json()

    shown = accepted(fetch(fresh, planted["source_task"], "mock-key"))

    assert planted["view"] == shown
    assert shown["data"]["status"] == "SUCCESS"
    assert planted["songs"] == [clip["id"] for clip in shown["data"]["data"]]
    accepted(persona(fresh, planted["songs"][0], "mock-key"))
    assert balance(fresh, "mock-key") == 900


def test_planted_lyrics_and_uploads_are_what_they_are_called(fresh: Client) -> None:
    lyrics = fresh.post("/_mock/tasks", json={"provider": "yuto", "kind": "lyrics"}).json()
    tape = fresh.post("/_mock/tasks", json={"provider": "yuto", "kind": "upload"}).json()

    assert lyrics["view"]["data"]["action"] == "LYRICS"
    assert tape["view"]["data"]["data"][0]["metadata"]["type"] == "upload"


@pytest.mark.parametrize(("status", "seconds"), [("SUBMITTED", 85.5), ("QUEUED", 81), ("IN_PROGRESS", 67.5)])
def test_a_planted_unfinished_song_goes_on_from_there(fresh: Client, status: str, seconds: float) -> None:
    task, _ = plant(fresh, status=status)
    begun = accepted(fetch(fresh, task))["data"]["status"]
    advance(fresh, seconds - 0.25)
    nearly = accepted(fetch(fresh, task))["data"]["status"]

    advance(fresh, 0.25)

    assert (begun, nearly) == (status, "IN_PROGRESS")
    assert accepted(fetch(fresh, task))["data"]["status"] == "SUCCESS"


@pytest.mark.parametrize("status", ["finished", "SUCCESS"])
def test_a_song_that_is_pushed_to_its_end_becomes_a_persona(fresh: Client, status: str) -> None:
    task = accepted(submit(fresh, CUSTOM))["data"]

    push(fresh, task, status=status)

    shown = accepted(fetch(fresh, task))["data"]
    assert (shown["status"], shown["progress"]) == ("SUCCESS", "100%")
    accepted(persona(fresh, shown["data"][0]["id"]))


def test_a_song_that_is_pushed_into_failing_gives_its_credits_back(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM))["data"]

    push(fresh, task, status="FAILURE", error={"code": "moderated", "message": "the lyrics were refused"})

    assert accepted(fetch(fresh, task))["data"]["fail_reason"] == "the lyrics were refused"
    assert balance(fresh) == 1000


def test_a_progress_that_is_pushed_is_shown(fresh: Client) -> None:
    task = accepted(submit(fresh, CUSTOM))["data"]

    push(fresh, task, status="IN_PROGRESS", progress=42)

    shown = accepted(fetch(fresh, task))["data"]
    assert (shown["status"], shown["progress"]) == ("IN_PROGRESS", "42%")


def push(client: Client, task: str, **to: Any) -> None:
    """Push a task to a state."""
    reply = client.request("PATCH", f"/_mock/tasks/{task}", json=to)
    assert reply.status_code == 200, reply.text


def test_at_an_instant_pace_a_song_is_there_at_once(make_client: MakeClient) -> None:
    client = make_client(pace="instant")
    task = accepted(submit(client, CUSTOM))["data"]

    shown = accepted(fetch(client, task))["data"]

    assert (shown["status"], shown["progress"]) == ("SUCCESS", "100%")
    accepted(persona(client, shown["data"][0]["id"]))


def test_there_is_no_page_for_the_balance(fresh: Client) -> None:
    for path in ("/yuto/v1/credits", "/yuto/suno/credits"):
        reply = fresh.get(path, headers=bearer(ALICE))
        assert (reply.status_code, reply.headers["x-mock-error"]) == (404, "no-route")


# --- sandboxes ---------------------------------------------------------------------------------------------


def test_two_sandboxes_do_not_see_each_other(client: Client) -> None:
    alice, bob = Client(client.app, {"x-mock-sandbox": "a"}), Client(client.app, {"x-mock-sandbox": "b"})
    task, clip, _ = finished_song(alice)
    made = accepted(persona(alice, clip["id"]))["id"]

    refused(fetch(bob, task), 400, "not-found", TASK_NOT_EXIST)
    refused(persona(bob, clip["id"]), 400, "source-not-found", CLIP_NOT_FOUND)
    sung = submit(bob, {**SUNG, "persona_id": made, "artist_clip_id": clip["id"]})
    refused(sung, 400, "persona-not-found", invalid_request("persona_id does not exist"))
    assert feed(bob, clip["id"]).json() == []
    assert (balance(alice), balance(bob), balance(client)) == (890, 1000, 1000)
    assert (len(tasks(alice)), tasks(bob), tasks(client)) == (1, [], [])


def test_links_of_a_sandbox_lead_into_it(make_client: MakeClient) -> None:
    client = make_client()
    _, clip, _ = finished_song(Client(client.app, {"x-mock-sandbox": "a"}))

    for name in ("audio_url", "video_url", "image_url", "image_large_url", "avatar_image_url"):
        assert clip[name].startswith("http://127.0.0.1:4010/_sandbox/a/_mock/media/yuto/")
        assert client.get(clip[name]).status_code == 200
