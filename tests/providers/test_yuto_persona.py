"""yuto: what may become a persona, what may not, who may sing with it, and which of two faults is told."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.providers.plain import (
    ALICE,
    BOB,
    POOR,
    accepted,
    advance,
    balance,
    bearer,
    refused,
    tasks,
    without,
)
from tests.providers.yuto_calls import (
    CLIP_NOT_FOUND,
    CUSTOM,
    NO_CLIP,
    NO_PERSONA,
    NO_QUOTA,
    PERSONA,
    SUNG,
    TAU_ONLY,
    failing_clip,
    fetch,
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

NO_SUCH_PERSONA = invalid_request("persona_id does not exist")
ANOTHER_CLIP = invalid_request("artist_clip_id is not the clip that persona_id was made from")
FROM_AN_UPLOAD = invalid_request("root_clip_id comes from an upload")


# --- a clip that will not do -------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [NO_CLIP, "1"])
def test_an_unknown_clip_is_refused(fresh: Client, clip: str) -> None:
    refused(persona(fresh, clip), 400, "source-not-found", CLIP_NOT_FOUND)


def test_a_task_id_is_no_clip(fresh: Client) -> None:
    task, *_ = finished_song(fresh)

    refused(persona(fresh, task), 400, "source-not-found", CLIP_NOT_FOUND)


def test_another_keys_clip_is_refused_as_an_unknown_one_is(fresh: Client) -> None:
    clip = finished_clip(fresh, ALICE)

    refused(persona(fresh, clip, BOB), 400, "source-not-owned", CLIP_NOT_FOUND)


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, "submitted"), (9, "queued"), (53.75, "queued"), (54, "streaming"), (89.75, "streaming")],
)
def test_an_unfinished_clip_is_refused_with_its_status(fresh: Client, seconds: float, status: str) -> None:
    clip = accepted(generate(fresh, CUSTOM))[0]["id"]
    advance(fresh, seconds)

    reply = persona(fresh, clip)

    refused(reply, 400, "source-unfinished", invalid_request(f"root_clip_id is not complete: {status}"))


def test_a_failed_clip_is_refused(fresh: Client) -> None:
    clip = failing_clip(fresh)
    advance(fresh, 44.75)
    before = persona(fresh, clip)
    advance(fresh, 0.25)

    after = persona(fresh, clip)

    refused(before, 400, "source-unfinished", invalid_request("root_clip_id is not complete: queued"))
    refused(after, 400, "source-failed", invalid_request("root_clip_id has failed: error"))


def test_an_uploaded_clip_is_refused(client: Client) -> None:
    _, clip = upload(client)

    refused(persona(client, clip), 400, "source-uploaded", FROM_AN_UPLOAD)


def test_what_was_made_from_an_upload_is_no_upload(fresh: Client) -> None:
    task, clip = upload(fresh)
    body = {"task": "upload_extend", "mv": "chirp-auk", "prompt": "", "task_id": task, "continue_at": 10}
    _, extended, _ = finished_song(fresh, {**body, "continue_clip_id": clip})

    accepted(persona(fresh, extended["id"]))


@pytest.mark.parametrize("mv", ["chirp-v3-0", "chirp-v3-5", "chirp-v4", "chirp-fenix"])
def test_a_clip_of_any_model_will_do(fresh: Client, mv: str) -> None:
    _, clip, _ = finished_song(fresh, {**CUSTOM, "mv": mv})

    accepted(persona(fresh, clip["id"]))


def test_a_clip_sung_with_a_persona_will_do(fresh: Client) -> None:
    clip = finished_clip(fresh)
    made = accepted(persona(fresh, clip))["id"]
    _, sung, _ = finished_song(fresh, {**SUNG, "persona_id": made, "artist_clip_id": clip})

    accepted(persona(fresh, sung["id"]))


def test_the_second_clip_of_a_task_will_do(fresh: Client) -> None:
    _, _, clip = finished_song(fresh)

    assert accepted(persona(fresh, clip["id"]))["clip"] == clip


# --- the clips that show it --------------------------------------------------------------------------------


def test_every_clip_that_shows_the_persona_is_told(fresh: Client) -> None:
    _, first, second = finished_song(fresh)

    made = accepted(persona(fresh, first["id"], clips=[first["id"], second["id"]]))

    assert [shown["clip"] for shown in made["persona_clips"]] == [first, second]
    assert len({shown["id"] for shown in made["persona_clips"]}) == 2
    assert made["clip"] == first


def test_clips_without_the_root_are_refused(fresh: Client) -> None:
    _, first, second = finished_song(fresh)

    reply = persona(fresh, first["id"], clips=[second["id"]])

    refused(reply, 400, "invalid", invalid_request("clips must contain root_clip_id"))


def test_an_unknown_clip_among_the_clips_is_refused(fresh: Client) -> None:
    clip = finished_clip(fresh)

    refused(persona(fresh, clip, clips=[clip, NO_CLIP]), 400, "source-not-found", CLIP_NOT_FOUND)


def test_another_keys_clip_among_the_clips_is_refused(fresh: Client) -> None:
    mine, theirs = finished_clip(fresh, ALICE), finished_clip(fresh, BOB)

    reply = persona(fresh, mine, clips=[mine, theirs])

    assert (reply.status_code, reply.json()) == (400, CLIP_NOT_FOUND)


# --- fields ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["root_clip_id", "name", "description", "clips", "is_public"])
def test_a_missing_field_is_named(fresh: Client, field: str) -> None:
    body = without(persona_body(finished_clip(fresh)), field)

    reply = post(fresh, "/suno/persona/create/", body)

    refused(reply, 400, "invalid", invalid_request(f"{field} is required"))


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_text_counts_as_missing(fresh: Client, field: str, blank: str) -> None:
    reply = persona(fresh, finished_clip(fresh), **{field: blank})

    refused(reply, 400, "invalid", invalid_request(f"{field} is required"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("root_clip_id", 5),
        ("root_clip_id", None),
        ("name", 5),
        ("name", None),
        ("description", ["Persona Description"]),
        ("clips", NO_CLIP),
        ("clips", []),
        ("clips", {}),
        ("is_public", "true"),
        ("is_public", 1),
        ("is_public", None),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(fresh: Client, field: str, value: Any) -> None:
    body = {**persona_body(NO_CLIP), field: value}

    refused_as_invalid(post(fresh, "/suno/persona/create/", body), field)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"name": Infinity}'])
def test_a_body_that_is_no_request_is_refused(fresh: Client, content: str) -> None:
    headers = {**bearer(ALICE), "content-type": "application/json"}

    reply = fresh.post("/suno/persona/create/", content=content, headers=headers)

    refused_as_invalid(reply)


def test_no_length_of_name_and_description_is_too_long(fresh: Client) -> None:
    made = accepted(persona(fresh, finished_clip(fresh), name="n" * 5000, description="d" * 20000))

    assert (len(made["name"]), len(made["description"])) == (5000, 20000)


# --- the key and the balance -------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, {"x-api-key": ALICE}])
def test_a_persona_needs_a_key(fresh: Client, headers: dict[str, str]) -> None:
    body = persona_body(finished_clip(fresh))

    refused_without_a_key(fresh.post("/suno/persona/create/", json=body, headers=headers))


def test_a_persona_costs_a_hundred(fresh: Client) -> None:
    clip = finished_clip(fresh)

    accepted(persona(fresh, clip))
    accepted(persona(fresh, clip))

    assert balance(fresh) == 1000 - 10 - 100 - 100


def test_a_persona_needs_its_whole_price(make_client: MakeClient) -> None:
    client = make_client(credits=209)
    clip = finished_clip(client)

    accepted(persona(client, clip))
    reply = persona(client, clip)

    refused(reply, 403, "insufficient-credits", NO_QUOTA)
    assert balance(client) == 99


def test_the_poor_key_has_nothing_for_a_persona(fresh: Client) -> None:
    _, clip = plant(fresh, key=POOR)

    refused(persona(fresh, clip, POOR), 403, "insufficient-credits", NO_QUOTA)


@pytest.mark.parametrize(
    ("quirk", "left"),
    [
        ("yuto.song_price=10", 890),
        ("yuto.song_price=3", 897),
        ("yuto.song_price=0", 900),
        ("yuto.persona_price=100", 890),
        ("yuto.persona_price=5", 985),
        ("yuto.persona_price=0", 990),
    ],
)
def test_prices_are_as_the_quirks_say(make_client: MakeClient, quirk: str, left: int) -> None:
    client = make_client(quirk=(quirk,))

    accepted(persona(client, finished_clip(client)))

    assert balance(client) == left


def test_a_price_that_a_quirk_raised_must_be_there(make_client: MakeClient) -> None:
    client = make_client(quirk=("yuto.song_price=600", "yuto.persona_price=401"))
    clip = finished_clip(client)

    refused(persona(client, clip), 403, "insufficient-credits", NO_QUOTA)
    refused(submit(client, CUSTOM), 403, "insufficient-credits", NO_QUOTA)
    assert balance(client) == 400


# --- a song with a persona ---------------------------------------------------------------------------------


def sing(client: Client, made: str, clip: str, key: str = ALICE, **more: Any) -> httpx2.Response:
    """Submit a song with a persona."""
    return submit(client, {**SUNG, "persona_id": made, "artist_clip_id": clip, **more}, key)


@pytest.mark.parametrize("call", [submit, generate])
def test_an_unknown_persona_is_refused(fresh: Client, call: Any) -> None:
    clip = finished_clip(fresh)

    reply = call(fresh, {**SUNG, "persona_id": NO_PERSONA, "artist_clip_id": clip})

    refused(reply, 400, "persona-not-found", NO_SUCH_PERSONA)


@pytest.mark.parametrize("call", [submit, generate])
def test_a_public_persona_sings_for_another_key(fresh: Client, call: Any) -> None:
    clip = finished_clip(fresh, ALICE)
    made = accepted(persona(fresh, clip, ALICE, is_public=True))["id"]

    accepted(call(fresh, {**SUNG, "persona_id": made, "artist_clip_id": clip}, BOB))

    assert balance(fresh, BOB) == 990


@pytest.mark.parametrize("call", [submit, generate])
def test_a_private_persona_is_unknown_to_another_key(fresh: Client, call: Any) -> None:
    clip = finished_clip(fresh, ALICE)
    made = accepted(persona(fresh, clip, ALICE, is_public=False))["id"]
    body = {**SUNG, "persona_id": made, "artist_clip_id": clip}

    refused(call(fresh, body, BOB), 400, "persona-not-found", NO_SUCH_PERSONA)
    accepted(call(fresh, body, ALICE))


@pytest.mark.parametrize("call", [submit, generate])
def test_a_persona_is_sung_with_its_own_clip_only(fresh: Client, call: Any) -> None:
    _, first, second = finished_song(fresh)
    made = accepted(persona(fresh, first["id"], clips=[first["id"], second["id"]]))["id"]

    for clip in (second["id"], NO_CLIP):
        reply = call(fresh, {**SUNG, "persona_id": made, "artist_clip_id": clip})
        refused(reply, 400, "persona-not-found", ANOTHER_CLIP)


@pytest.mark.parametrize(
    "mv",
    [
        "chirp-v3-5-tau",
        "chirp-v4-tau",
        "chirp-auk",
        "chirp-auk-turbo",
        "chirp-bluejay",
        "chirp-crow",
        "chirp-fenix",
    ],
)
def test_a_tau_or_a_newer_model_sings_with_a_persona(fresh: Client, mv: str) -> None:
    clip = finished_clip(fresh)
    made = accepted(persona(fresh, clip))["id"]

    accepted(sing(fresh, made, clip, mv=mv))


@pytest.mark.parametrize("mv", ["chirp-v3-0", "chirp-v3-5", "chirp-v4", "chirp-v4-upload"])
def test_an_old_model_does_not_sing_with_a_persona(fresh: Client, mv: str) -> None:
    clip = finished_clip(fresh)
    made = accepted(persona(fresh, clip))["id"]

    refused(sing(fresh, made, clip, mv=mv), 400, "invalid", invalid_request(TAU_ONLY))


@pytest.mark.parametrize("call", [submit, generate])
@pytest.mark.parametrize("field", ["persona_id", "artist_clip_id", "mv"])
def test_what_a_song_with_a_persona_needs_is_named(fresh: Client, call: Any, field: str) -> None:
    body = {**SUNG, "persona_id": NO_PERSONA, "artist_clip_id": NO_CLIP}

    refused_as_invalid(call(fresh, without(body, field)), field)


@pytest.mark.parametrize("field", ["persona_id", "artist_clip_id"])
def test_a_missing_or_empty_persona_is_told_as_required(fresh: Client, field: str) -> None:
    body = {**SUNG, "persona_id": NO_PERSONA, "artist_clip_id": NO_CLIP}
    told = invalid_request(f"{field} is required when task is artist_consistency")

    refused(submit(fresh, without(body, field)), 400, "invalid", told)
    refused(submit(fresh, {**body, field: ""}), 400, "invalid", told)


def test_a_song_with_a_persona_makes_two_new_clips(fresh: Client) -> None:
    clip = finished_clip(fresh)
    made = accepted(persona(fresh, clip))["id"]
    task = accepted(sing(fresh, made, clip))["data"]
    advance(fresh, 90)

    clips = accepted(fetch(fresh, task))["data"]["data"]

    assert len({clip, *(made["id"] for made in clips)}) == 3


# --- two faults at once ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "outcome", "body"),
    [
        ({"key": BOB, "kind": "upload"}, "source-not-owned", CLIP_NOT_FOUND),
        ({"key": BOB, "status": "failed"}, "source-not-owned", CLIP_NOT_FOUND),
        ({"key": BOB, "status": "running"}, "source-not-owned", CLIP_NOT_FOUND),
        ({"kind": "upload", "status": "failed"}, "source-uploaded", FROM_AN_UPLOAD),
        ({"kind": "upload", "status": "running"}, "source-uploaded", FROM_AN_UPLOAD),
    ],
)
def test_of_two_faults_of_a_clip_the_first_is_told(
    fresh: Client, source: dict[str, Any], outcome: str, body: dict[str, Any]
) -> None:
    _, clip = plant(fresh, **source)

    refused(persona(fresh, clip), 400, outcome, body)


@pytest.mark.parametrize("source", [{}, {"kind": "upload"}, {"status": "failed"}, {"status": "running"}])
def test_an_empty_balance_is_told_before_the_clip(fresh: Client, source: dict[str, Any]) -> None:
    _, clip = plant(fresh, key=POOR, **source)

    refused(persona(fresh, clip, POOR), 403, "insufficient-credits", NO_QUOTA)


def test_an_empty_balance_is_told_before_an_unknown_or_a_foreign_clip(fresh: Client) -> None:
    clip = finished_clip(fresh)

    refused(persona(fresh, NO_CLIP, POOR), 403, "insufficient-credits", NO_QUOTA)
    refused(persona(fresh, clip, POOR), 403, "insufficient-credits", NO_QUOTA)


NAMELESS = {"root_clip_id": NO_CLIP, "clips": [NO_CLIP], **without(PERSONA, "name")}
ROOTLESS = {**persona_body(NO_CLIP), "clips": ["1"]}


@pytest.mark.parametrize(
    ("key", "content", "status", "outcome"),
    [
        (None, '{"name": ', 401, "unauthorized"),
        (None, NAMELESS, 401, "unauthorized"),
        (None, persona_body(NO_CLIP), 401, "unauthorized"),
        (POOR, '{"name": ', 400, "invalid"),
        (POOR, NAMELESS, 400, "invalid"),
        (POOR, ROOTLESS, 400, "invalid"),
        (POOR, persona_body(NO_CLIP), 403, "insufficient-credits"),
        (ALICE, NAMELESS, 400, "invalid"),
        (ALICE, ROOTLESS, 400, "invalid"),
    ],
)
def test_of_two_faults_of_a_call_the_first_is_told(
    fresh: Client, key: str | None, content: Any, status: int, outcome: str
) -> None:
    reply = send(fresh, "/suno/persona/create/", key, content)

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (status, outcome)


# Which model sings with a persona is a rule of its use: told after the balance, and after an unknown persona.
SUNG_BY_NOBODY = {**SUNG, "persona_id": NO_PERSONA, "artist_clip_id": NO_CLIP}


@pytest.mark.parametrize("path", ["/suno/submit/music", "/suno/generate"])
@pytest.mark.parametrize(
    ("key", "content", "status", "outcome"),
    [
        (None, '{"mv": ', 401, "unauthorized"),
        (None, {"mv": "chirp-v9", "prompt": ""}, 401, "unauthorized"),
        (None, SUNG_BY_NOBODY, 401, "unauthorized"),
        (POOR, '{"mv": ', 400, "invalid"),
        (POOR, {"mv": "chirp-v9", "prompt": ""}, 400, "invalid"),
        (POOR, {**SUNG_BY_NOBODY, "mv": "chirp-v4"}, 403, "insufficient-credits"),
        (POOR, SUNG_BY_NOBODY, 403, "insufficient-credits"),
        (ALICE, {**SUNG_BY_NOBODY, "mv": "chirp-v4"}, 400, "persona-not-found"),
        (ALICE, SUNG_BY_NOBODY, 400, "persona-not-found"),
    ],
)
def test_of_two_faults_of_a_song_the_first_is_told(
    fresh: Client, path: str, key: str | None, content: Any, status: int, outcome: str
) -> None:
    reply = send(fresh, path, key, content)

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (status, outcome)
    assert tasks(fresh) == []


def test_an_unknown_persona_is_told_before_its_clip(fresh: Client) -> None:
    clip = finished_clip(fresh, ALICE)
    made = accepted(persona(fresh, clip, ALICE, is_public=False))["id"]

    refused(sing(fresh, NO_PERSONA, NO_CLIP), 400, "persona-not-found", NO_SUCH_PERSONA)
    refused(sing(fresh, made, NO_CLIP, BOB), 400, "persona-not-found", NO_SUCH_PERSONA)


def send(client: Client, path: str, key: str | None, content: Any) -> httpx2.Response:
    """A call with or without a key; text is sent as it stands."""
    headers = {"content-type": "application/json", **(bearer(key) if key else {})}
    if isinstance(content, str):
        return client.post(path, content=content, headers=headers)
    return client.post(path, json=content, headers=headers)
