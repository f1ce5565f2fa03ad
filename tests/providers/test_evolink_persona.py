"""evolink: what may become a persona, what may not, and which of two faults is told."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.providers.evolink_calls import (
    BASIC,
    CUSTOM,
    NO_CREDITS,
    NO_SONG,
    NO_TASK,
    SIMPLE,
    UNAUTHORIZED,
    WINDOW,
    finished_persona,
    finished_song,
    invalid_request,
    order,
    persona,
    persona_body,
    plant,
    poll,
    refused,
    refused_as_invalid,
)
from tests.providers.plain import ALICE, BOB, POOR, accepted, advance, balance, bearer, tasks, without


def unknown(task: str) -> str:
    """What is said of a source task that the caller does not have."""
    return f"Source task does not exist or does not belong to the current user: {task}"


# --- a source that will not do -----------------------------------------------------------------------------


@pytest.mark.parametrize("task", [NO_TASK, "task-unified-xxx", "5c79be8e"])
def test_an_unknown_source_task_is_refused(fresh: Client, task: str) -> None:
    reply = persona(fresh, task, NO_SONG)

    refused(reply, 400, "source-not-found", invalid_request(unknown(task)))


def test_a_song_of_another_task_is_refused(fresh: Client) -> None:
    task, *_ = finished_song(fresh)
    _, elsewhere, _ = finished_song(fresh)

    reply = persona(fresh, task, elsewhere)

    message = f"Song does not exist in the source task {task}: {elsewhere}"
    refused(reply, 400, "source-not-found", invalid_request(message))


def test_another_keys_song_is_refused_as_an_unknown_one_is(fresh: Client) -> None:
    task, song, _ = finished_song(fresh, key=ALICE)

    reply = persona(fresh, task, song, BOB)

    refused(reply, 400, "source-not-owned", invalid_request(unknown(task)))


@pytest.mark.parametrize(("seconds", "status"), [(0, "pending"), (12, "processing"), (119.75, "processing")])
def test_an_unfinished_song_is_refused(fresh: Client, seconds: float, status: str) -> None:
    task = accepted(order(fresh, SIMPLE))["id"]
    advance(fresh, seconds)

    reply = persona(fresh, task, NO_SONG)

    message = f"Source task is not completed, its status is {status}: {task}"
    refused(reply, 400, "source-unfinished", invalid_request(message))


def test_a_failed_song_is_refused(fresh: Client) -> None:
    task = order(fresh, SIMPLE, prefer="outcome=task-failed").json()["id"]
    advance(fresh, 60)

    reply = persona(fresh, task, NO_SONG)

    message = f"Source task has failed and has no songs: {task}"
    refused(reply, 400, "source-failed", invalid_request(message))


def test_a_song_that_will_fail_is_unfinished_until_it_does(fresh: Client) -> None:
    task = order(fresh, SIMPLE, prefer="outcome=task-failed").json()["id"]
    advance(fresh, 59.75)

    reply = persona(fresh, task, NO_SONG)

    message = f"Source task is not completed, its status is processing: {task}"
    refused(reply, 400, "source-unfinished", invalid_request(message))


def test_no_persona_is_made_from_a_persona_task(fresh: Client) -> None:
    task, song, other = finished_song(fresh)
    ordered = accepted(persona(fresh, task, song))["id"]
    advance(fresh, 15)

    reply = persona(fresh, ordered, other)

    message = f"Source task must not be a suno-persona task: {ordered}"
    refused(reply, 400, "source-is-persona", invalid_request(message))


def test_a_song_of_an_old_model_is_refused(fresh: Client) -> None:
    task, song = plant(fresh, model="3.5")
    shown = accepted(poll(fresh, task))

    reply = persona(fresh, task, song)

    message = f"Source task model must be suno-v4 or above, not suno-v3.5-beta: {task}"
    assert (shown["model"], shown["status"]) == ("suno-v3.5-beta", "completed")
    refused(reply, 400, "source-model-unsupported", invalid_request(message))


@pytest.mark.parametrize(
    "model", ["suno-v4-beta", "suno-v4.5-beta", "suno-v4.5all-beta", "suno-v4.5plus-beta", "suno-v5-beta"]
)
def test_a_song_of_every_model_on_sale_becomes_a_persona(fresh: Client, model: str) -> None:
    task, song, _ = finished_song(fresh, {**SIMPLE, "model": model})

    accepted(persona(fresh, task, song))


def test_a_song_sung_with_a_persona_becomes_a_persona(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    first = finished_persona(fresh, task, song)
    sung, song, _ = finished_song(fresh, {**CUSTOM, "persona_id": first})

    second = finished_persona(fresh, sung, song)

    assert second != first


def test_a_song_whose_links_are_dead_still_becomes_a_persona(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    advance(fresh, 30 * 24 * 3600)

    made = finished_persona(fresh, task, song)

    assert made


# --- one persona a song ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 14.75, 15, 86400])
def test_a_second_persona_of_a_song_is_refused(fresh: Client, seconds: float) -> None:
    task, song, _ = finished_song(fresh)
    accepted(persona(fresh, task, song))
    advance(fresh, seconds)

    reply = persona(fresh, task, song, name="Another name")

    message = f"A Persona has already been created from this result_id: {song}"
    refused(reply, 400, "duplicate", invalid_request(message))


def test_a_refused_second_persona_leaves_the_first_as_it_was(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    ordered = accepted(persona(fresh, task, song))["id"]
    persona(fresh, task, song)
    advance(fresh, 15)

    assert accepted(poll(fresh, ordered))["status"] == "completed"
    assert balance(fresh) == 1000 - 10 - 1
    assert len(tasks(fresh)) == 2


def test_the_two_songs_of_a_task_become_a_persona_each(fresh: Client) -> None:
    task, first, second = finished_song(fresh)

    accepted(persona(fresh, task, first))

    accepted(persona(fresh, task, second))


def test_an_attempt_that_fails_frees_its_song(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    order(fresh, persona_body(task, song), prefer="outcome=task-failed")
    advance(fresh, 7.25)
    before = persona(fresh, task, song)
    advance(fresh, 0.25)

    after = persona(fresh, task, song)

    assert before.headers["x-mock-outcome"] == "duplicate"
    accepted(after)
    assert persona(fresh, task, song).headers["x-mock-outcome"] == "duplicate"


# --- the stretch of the song -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"), [(0, 10), (0, 30), (15, 35), (0.5, 10.5), (2.2, 32.2), (150, 180), (10.0, 40.0)]
)
def test_a_stretch_of_ten_to_thirty_seconds_is_taken(fresh: Client, start: float, end: float) -> None:
    task, song = plant(fresh)

    accepted(persona(fresh, task, song, vocal_start=start, vocal_end=end))


@pytest.mark.parametrize(
    "window",
    [
        {"vocal_start": 0, "vocal_end": 9.99},
        {"vocal_start": 0, "vocal_end": 30.01},
        {"vocal_start": 15, "vocal_end": 66.5},
        {"vocal_start": 35, "vocal_end": 15},
        {"vocal_start": 20, "vocal_end": 20},
        {"vocal_start": 0, "vocal_end": 0},
        {"vocal_start": 15},
        {"vocal_start": 0},
        {"vocal_end": 35},
        {"vocal_end": 0},
    ],
)
def test_any_other_stretch_is_refused_in_the_words_of_the_page(fresh: Client, window: dict[str, Any]) -> None:
    task, song = plant(fresh)

    reply = persona(fresh, task, song, **window)

    refused(reply, 400, "vocal-window", invalid_request(WINDOW))


def test_a_stretch_cannot_begin_before_the_song(fresh: Client) -> None:
    task, song = plant(fresh)

    reply = persona(fresh, task, song, vocal_start=-1, vocal_end=20)

    refused_as_invalid(reply, "model_params.vocal_start", "0")


# --- fields ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["source_task_id", "result_id", "name", "description"])
def test_a_missing_field_is_named(fresh: Client, field: str) -> None:
    body = persona_body(*plant(fresh))
    body["model_params"] = without(body["model_params"], field)

    reply = order(fresh, body)

    refused(reply, 400, "invalid", invalid_request(f"model_params.{field} is required"))


def test_of_many_missing_fields_the_first_is_named(fresh: Client) -> None:
    reply = order(fresh, {"model": "suno-persona", "model_params": {}})

    refused(reply, 400, "invalid", invalid_request("model_params.source_task_id is required"))


def test_missing_parameters_are_named(fresh: Client) -> None:
    reply = order(fresh, {"model": "suno-persona"})

    refused(reply, 400, "invalid", invalid_request("model_params is required"))


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_text_counts_as_missing(fresh: Client, field: str, blank: str) -> None:
    task, song = plant(fresh)

    reply = persona(fresh, task, song, **{field: blank})

    refused(reply, 400, "invalid", invalid_request(f"model_params.{field} is required"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source_task_id", 1774169216),
        ("result_id", 4),
        ("result_id", "the first one"),
        ("name", ["Electronic Pop Singer"]),
        ("name", None),
        ("description", {}),
        ("vocal_start", "15"),
        ("vocal_start", True),
        ("vocal_end", "35"),
        ("vocal_end", None),
        ("style", 5),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(fresh: Client, field: str, value: Any) -> None:
    body = persona_body(*plant(fresh), vocal_start=15, vocal_end=35)
    body["model_params"][field] = value

    refused_as_invalid(order(fresh, body), f"model_params.{field}")


@pytest.mark.parametrize("value", [[], "name", None, 5])
def test_parameters_must_be_an_object(fresh: Client, value: Any) -> None:
    reply = order(fresh, {"model": "suno-persona", "model_params": value})

    refused_as_invalid(reply, "model_params")


@pytest.mark.parametrize("style", ["", "electronic pop"])
def test_a_style_may_be_anything_and_nothing(fresh: Client, style: str) -> None:
    task, song = plant(fresh)

    accepted(persona(fresh, task, song, style=style))


def test_no_length_of_name_and_description_is_too_long(fresh: Client) -> None:
    task, song = plant(fresh)

    accepted(persona(fresh, task, song, name="n" * 5000, description="d" * 20000))


# --- the key and the balance -------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, {"authorization": "Basic a2V5"}])
def test_a_persona_needs_a_key(fresh: Client, headers: dict[str, str]) -> None:
    body = persona_body(*plant(fresh))

    reply = fresh.post("/v1/audios/generations", json=body, headers=headers)

    refused(reply, 401, "unauthorized", UNAUTHORIZED)


def test_a_persona_costs_a_credit_that_must_be_there(make_client: MakeClient) -> None:
    client = make_client(credits=11)
    task, first, second = finished_song(client)

    accepted(persona(client, task, first))
    reply = persona(client, task, second)

    refused(reply, 402, "insufficient-credits", NO_CREDITS)
    assert balance(client) == 0


def test_the_poor_key_has_nothing_for_a_persona(fresh: Client) -> None:
    task, song = plant(fresh, key=POOR)

    reply = persona(fresh, task, song, POOR)

    refused(reply, 402, "insufficient-credits", NO_CREDITS)


# --- two faults at once ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "known_song", "outcome"),
    [
        ({"key": BOB, "kind": "persona"}, True, "source-not-owned"),
        ({"key": BOB, "status": "failed"}, True, "source-not-owned"),
        ({"key": BOB, "status": "running"}, True, "source-not-owned"),
        ({"key": BOB}, False, "source-not-owned"),
        ({"key": BOB, "model": "3.5"}, True, "source-not-owned"),
        ({"kind": "persona", "status": "failed"}, True, "source-is-persona"),
        ({"kind": "persona", "status": "running"}, True, "source-is-persona"),
        ({"kind": "persona"}, False, "source-is-persona"),
        ({"status": "failed"}, False, "source-failed"),
        ({"status": "failed", "model": "3.5"}, True, "source-failed"),
        ({"status": "running"}, False, "source-unfinished"),
        ({"status": "waiting", "model": "3.5"}, True, "source-unfinished"),
        ({"model": "3.5"}, False, "source-not-found"),
    ],
)
def test_of_two_faults_of_a_source_the_first_is_told(
    fresh: Client, source: dict[str, Any], known_song: bool, outcome: str
) -> None:
    task, song = plant(fresh, **source)

    reply = persona(fresh, task, song if known_song else NO_SONG)

    message = reply.json()["error"]["message"]
    refused(reply, 400, outcome, invalid_request(message))
    assert message.endswith((task, f"{task}: {NO_SONG}"))


@pytest.mark.parametrize(
    "source", [{}, {"kind": "persona"}, {"status": "failed"}, {"status": "running"}, {"model": "3.5"}]
)
def test_an_empty_balance_is_told_before_the_source(fresh: Client, source: dict[str, Any]) -> None:
    task, song = plant(fresh, key=POOR, **source)

    refused(persona(fresh, task, song, POOR), 402, "insufficient-credits", NO_CREDITS)


def test_an_empty_balance_is_told_before_an_unknown_a_foreign_or_a_used_source(
    make_client: MakeClient,
) -> None:
    client = make_client(credits=11)
    task, song, _ = finished_song(client)
    accepted(persona(client, task, song))

    replies = [
        persona(client, NO_TASK, NO_SONG),
        persona(client, task, NO_SONG),
        persona(client, task, song),
        persona(client, task, song, POOR),
    ]

    for reply in replies:
        refused(reply, 402, "insufficient-credits", NO_CREDITS)


def send(client: Client, key: str | None, content: Any) -> httpx2.Response:
    """An order with or without a key; text is sent as it stands."""
    headers = {"content-type": "application/json", **(bearer(key) if key else {})}
    if isinstance(content, str):
        return client.post("/v1/audios/generations", content=content, headers=headers)
    return client.post("/v1/audios/generations", json=content, headers=headers)


TORN = '{"model": "suno-persona", "model_params": {"name": '
NAMELESS = {"model": "suno-persona", "model_params": without(BASIC, "name")}
SHORT = persona_body(NO_TASK, NO_SONG, vocal_start=0, vocal_end=5)


@pytest.mark.parametrize(
    ("key", "content", "status", "outcome"),
    [
        (None, TORN, 401, "unauthorized"),
        (None, NAMELESS, 401, "unauthorized"),
        (None, SHORT, 401, "unauthorized"),
        (None, persona_body(NO_TASK, NO_SONG), 401, "unauthorized"),
        (POOR, TORN, 400, "invalid"),
        (POOR, NAMELESS, 400, "invalid"),
        (POOR, SHORT, 400, "vocal-window"),
        (ALICE, NAMELESS, 400, "invalid"),
        (ALICE, SHORT, 400, "vocal-window"),
        (POOR, persona_body(NO_TASK, NO_SONG), 402, "insufficient-credits"),
    ],
)
def test_of_two_faults_of_an_order_the_first_is_told(
    fresh: Client, key: str | None, content: Any, status: int, outcome: str
) -> None:
    reply = send(fresh, key, content)

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (status, outcome)
    assert set(reply.json()["error"]) == {"code", "message", "type"}


def test_a_short_stretch_is_told_before_the_second_persona(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    accepted(persona(fresh, task, song))

    reply = persona(fresh, task, song, vocal_start=0, vocal_end=5)

    refused(reply, 400, "vocal-window", invalid_request(WINDOW))
