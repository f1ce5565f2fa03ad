"""evolink: songs, their models and limits, songs with a persona, and what they cost."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.providers.evolink_calls import (
    CUSTOM,
    NO_CREDITS,
    NO_PERSONA,
    SIMPLE,
    UNAUTHORIZED,
    finished_persona,
    finished_song,
    invalid_request,
    order,
    persona,
    poll,
    refused,
    refused_as_invalid,
)
from tests.providers.plain import ALICE, BOB, POOR, accepted, advance, balance, bearer, tasks, without

OTHER_MODELS = ["suno-v4.5plus-beta", "suno-v4.5all-beta", "suno-v4.5-beta", "suno-v4-beta"]


# --- models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["suno-v5", "suno-v4.5plus", "suno-v4.5all", "suno-v4.5", "suno-v4"])
def test_a_former_name_is_shown_as_the_name_it_was_mapped_to(fresh: Client, model: str) -> None:
    ordered = accepted(order(fresh, {**SIMPLE, "model": model}))

    assert ordered["model"] == f"{model}-beta"
    assert accepted(poll(fresh, ordered["id"]))["model"] == f"{model}-beta"


@pytest.mark.parametrize("model", ["suno-v5-beta", *OTHER_MODELS])
def test_a_model_on_sale_keeps_its_name(fresh: Client, model: str) -> None:
    assert accepted(order(fresh, {**SIMPLE, "model": model}))["model"] == model


@pytest.mark.parametrize("model", ["suno-v3.5-beta", "suno-v3.5", "suno-v6-beta", "SUNO-V5", "", 5, None])
def test_an_unknown_model_is_refused(fresh: Client, model: Any) -> None:
    refused_as_invalid(order(fresh, {**SIMPLE, "model": model}), "model")


def test_the_models_on_sale_are_told(fresh: Client) -> None:
    reply = order(fresh, {**SIMPLE, "model": "suno-v3.5-beta"})

    refused_as_invalid(reply, "model", "suno-v5-beta", "suno-v4.5plus-beta", "suno-v4")


# --- required fields ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (without(SIMPLE, "model"), "model"),
        (without(SIMPLE, "prompt"), "prompt"),
        ({**without(SIMPLE, "prompt"), "custom_mode": False, "instrumental": True}, "prompt"),
        (without(CUSTOM, "prompt"), "prompt"),
        (without(without(CUSTOM, "prompt"), "instrumental"), "prompt"),
        (without(CUSTOM, "style"), "style"),
        (without(CUSTOM, "title"), "title"),
    ],
)
def test_a_missing_field_is_named(fresh: Client, body: Any, field: str) -> None:
    reply = order(fresh, body)

    refused(reply, 400, "invalid", invalid_request(f"{field} is required"))


def test_a_custom_instrumental_needs_no_prompt(fresh: Client) -> None:
    body = {**without(CUSTOM, "prompt"), "instrumental": True}

    accepted(order(fresh, body))


# --- limits ------------------------------------------------------------------------------------------------

V4, LATER = ["suno-v4-beta", "suno-v4"], ["suno-v5-beta", "suno-v4.5", "suno-v4.5all-beta", "suno-v4.5plus"]
LIMITS = [
    *(({**SIMPLE, "model": model}, "prompt", 500) for model in (*V4, *LATER)),
    *(({**CUSTOM, "model": model}, "prompt", 3000) for model in V4),
    *(({**CUSTOM, "model": model}, "style", 200) for model in V4),
    *(({**CUSTOM, "model": model}, "prompt", 5000) for model in LATER),
    *(({**CUSTOM, "model": model}, "style", 1000) for model in LATER),
    *(({**CUSTOM, "model": model}, "title", 80) for model in (*V4, *LATER)),
    (SIMPLE, "title", 80),
]


@pytest.mark.parametrize(("body", "field", "limit"), LIMITS)
def test_a_text_may_be_as_long_as_its_limit_and_no_longer(
    fresh: Client, body: Any, field: str, limit: int
) -> None:
    accepted(order(fresh, {**body, field: "é" * limit}))
    reply = order(fresh, {**body, field: "é" * (limit + 1)})

    refused_as_invalid(reply, field, str(limit))


@pytest.mark.parametrize(
    ("model", "lowest", "highest"),
    [("suno-v5-beta", 30, 240), ("suno-v4", 30, 120), ("suno-v4-beta", 30, 120)],
)
def test_a_duration_has_its_bounds(fresh: Client, model: str, lowest: int, highest: int) -> None:
    for seconds in (lowest, highest):
        accepted(order(fresh, {**SIMPLE, "model": model, "duration": seconds}))
    for seconds in (lowest - 1, highest + 1):
        refused_as_invalid(order(fresh, {**SIMPLE, "model": model, "duration": seconds}), "duration")


@pytest.mark.parametrize("field", ["style_weight", "weirdness_constraint", "audio_weight"])
def test_a_weight_is_a_number_from_zero_to_one(fresh: Client, field: str) -> None:
    for value in (0, 0.7, 1):
        accepted(order(fresh, {**CUSTOM, field: value}))
    for wrong in (-0.1, 1.1, "0.5", True, None):
        refused_as_invalid(order(fresh, {**CUSTOM, field: wrong}), field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("custom_mode", "true"),
        ("custom_mode", 1),
        ("instrumental", "no"),
        ("prompt", ["Summer"]),
        ("prompt", None),
        ("style", 5),
        ("title", {"en": "Summer Dreams"}),
        ("negative_tags", ["metal"]),
        ("vocal_gender", "x"),
        ("vocal_gender", True),
        ("persona_id", 5),
        ("persona_model", "choir_persona"),
        ("callback_url", 5),
        ("callback_url", "your-domain"),
        ("duration", 60.5),
        ("duration", "60"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(fresh: Client, field: str, value: Any) -> None:
    refused_as_invalid(order(fresh, {**CUSTOM, field: value}), field)


@pytest.mark.parametrize(
    "url", ["http://example.com/hook", "https://10.0.0.7/hook", "ftp://example.com/hook"]
)
def test_a_callback_goes_to_a_public_https_address(fresh: Client, url: str) -> None:
    refused_as_invalid(order(fresh, {**SIMPLE, "callback_url": url}), "callback_url")


def test_a_callback_url_has_its_length(fresh: Client) -> None:
    longest = "https://example.com/" + "h" * (2048 - len("https://example.com/"))

    accepted(order(fresh, {**SIMPLE, "callback_url": longest}))

    refused_as_invalid(order(fresh, {**SIMPLE, "callback_url": longest + "h"}), "callback_url", "2048")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '"song"', '{"model": NaN}', '{"model": "\\ud800"}']
)
def test_a_body_that_is_no_order_is_refused(fresh: Client, content: str) -> None:
    headers = {**bearer(ALICE), "content-type": "application/json"}

    reply = fresh.post("/v1/audios/generations", content=content, headers=headers)

    refused_as_invalid(reply)


# --- the key -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer "}, {"x-api-key": "key-of-alice"}])
def test_a_song_and_the_balance_need_a_key(fresh: Client, headers: dict[str, str]) -> None:
    song = fresh.post("/v1/audios/generations", json=SIMPLE, headers=headers)
    credits_left = fresh.get("/v1/credits", headers=headers)

    refused(song, 401, "unauthorized", UNAUTHORIZED)
    refused(credits_left, 401, "unauthorized", UNAUTHORIZED)


# --- credits -----------------------------------------------------------------------------------------------


def credits_of(client: Client, key: str = ALICE) -> Any:
    """What the credits page says."""
    return accepted(client.get("/v1/credits", headers=bearer(key)))


def the_balance(remaining: int, used: int) -> dict[str, Any]:
    """The body of the credits page."""
    return {
        "data": {
            "token": {"remaining_credits": remaining, "unlimited_credits": False, "used_credits": used},
            "user": {"remaining_credits": remaining, "used_credits": used},
        },
        "message": "",
        "success": True,
    }


def test_a_song_costs_ten_credits_and_a_persona_one(client: Client) -> None:
    fresh = credits_of(client)
    task, song, _ = finished_song(client)
    after_song = credits_of(client)
    persona(client, task, song)

    assert fresh == the_balance(1000, 0)
    assert after_song == the_balance(990, 10)
    assert credits_of(client) == the_balance(989, 11)
    assert balance(client) == 989


def test_credits_are_taken_when_the_song_is_ordered(fresh: Client) -> None:
    accepted(order(fresh, SIMPLE))

    assert credits_of(fresh) == the_balance(990, 10)


def test_a_failed_song_gives_its_credits_back_when_it_fails(client: Client) -> None:
    order(client, SIMPLE, prefer="outcome=task-failed")
    advance(client, 59.75)
    before = credits_of(client)
    advance(client, 0.25)

    assert before == the_balance(990, 10)
    assert credits_of(client) == the_balance(1000, 0)
    assert balance(client) == 1000


def test_a_failed_persona_gives_its_credit_back_when_it_fails(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    body = {"source_task_id": task, "result_id": song, "name": "Jazz Vocalist", "description": "Smooth jazz"}
    order(fresh, {"model": "suno-persona", "model_params": body}, prefer="outcome=task-failed")
    advance(fresh, 7.25)
    before = credits_of(fresh)
    advance(fresh, 0.25)

    assert before == the_balance(989, 11)
    assert credits_of(fresh) == the_balance(990, 10)


def test_what_came_back_can_be_spent_again(make_client: MakeClient) -> None:
    client = make_client(credits=10)
    order(client, SIMPLE, prefer="outcome=task-failed")
    refused(order(client, SIMPLE), 402, "insufficient-credits", NO_CREDITS)
    advance(client, 60)

    accepted(order(client, SIMPLE))

    assert balance(client) == 0


def test_a_song_needs_its_whole_price(make_client: MakeClient) -> None:
    client = make_client(credits=19)

    accepted(order(client, SIMPLE))
    reply = order(client, SIMPLE)

    refused(reply, 402, "insufficient-credits", NO_CREDITS)
    assert credits_of(client) == the_balance(9, 10)


def test_the_poor_key_can_order_nothing_and_may_look(fresh: Client) -> None:
    refused(order(fresh, SIMPLE, POOR), 402, "insufficient-credits", NO_CREDITS)
    assert credits_of(fresh, POOR) == the_balance(0, 0)


def test_each_key_has_credits_of_its_own(fresh: Client) -> None:
    accepted(order(fresh, SIMPLE, ALICE))

    assert (balance(fresh, ALICE), balance(fresh, BOB)) == (990, 1000)
    assert credits_of(fresh, BOB) == the_balance(1000, 0)


def test_a_balance_that_is_filled_up_buys_again(fresh: Client) -> None:
    fresh.request("PATCH", f"/_mock/accounts/{POOR}", json={"credits": 10})

    accepted(order(fresh, SIMPLE, POOR))

    assert balance(fresh, POOR) == 0


# --- a song with a persona ---------------------------------------------------------------------------------


def no_persona(sent: str) -> Any:
    """What is said of a persona that the caller does not have."""
    return invalid_request(f"Persona does not exist or does not belong to the current user: {sent}")


def with_a_persona(client: Client, key: str = ALICE) -> str:
    """A persona of this key."""
    task, song, _ = finished_song(client, key=key)
    return finished_persona(client, task, song, key)


@pytest.mark.parametrize("sent", [NO_PERSONA, "nobody"])
def test_an_unknown_persona_is_refused(fresh: Client, sent: str) -> None:
    reply = order(fresh, {**CUSTOM, "persona_id": sent})

    refused(reply, 400, "persona-not-found", no_persona(sent))


def test_another_keys_persona_is_refused_as_an_unknown_one_is(fresh: Client) -> None:
    made = with_a_persona(fresh, ALICE)

    reply = order(fresh, {**CUSTOM, "persona_id": made}, BOB)

    refused(reply, 400, "persona-not-found", no_persona(made))


def test_a_persona_sings_any_number_of_songs(fresh: Client) -> None:
    made = with_a_persona(fresh)

    first = order(fresh, {**CUSTOM, "persona_id": made})
    second = order(fresh, {**CUSTOM, "persona_id": made, "persona_model": "style_persona"})

    assert accepted(first)["id"] != accepted(second)["id"]


@pytest.mark.parametrize("model", OTHER_MODELS)
def test_every_model_sings_in_the_style_of_a_persona(fresh: Client, model: str) -> None:
    made = with_a_persona(fresh)

    body = {**CUSTOM, "model": model, "persona_id": made, "persona_model": "style_persona"}

    accepted(order(fresh, body))


@pytest.mark.parametrize("model", ["suno-v5-beta", "suno-v5"])
def test_the_newest_model_sings_in_the_voice_of_a_persona(fresh: Client, model: str) -> None:
    made = with_a_persona(fresh)

    body = {**CUSTOM, "model": model, "persona_id": made, "persona_model": "voice_persona"}

    accepted(order(fresh, body))


@pytest.mark.parametrize("model", [*OTHER_MODELS, "suno-v4"])
def test_no_other_model_has_the_voice_of_a_persona(fresh: Client, model: str) -> None:
    made = with_a_persona(fresh)

    reply = order(fresh, {**CUSTOM, "model": model, "persona_id": made, "persona_model": "voice_persona"})

    message = "persona_model voice_persona requires model suno-v5-beta"
    refused(reply, 400, "invalid", invalid_request(message))


def test_simple_mode_ignores_a_persona(fresh: Client) -> None:
    fields = {"persona_id": NO_PERSONA, "persona_model": "voice_persona", "model": "suno-v4"}

    accepted(order(fresh, {**SIMPLE, **fields}))
    accepted(order(fresh, {**SIMPLE, **fields, "custom_mode": False}))
    accepted(order(fresh, {**SIMPLE, "persona_model": "choir_persona", "vocal_gender": "x"}))


def test_a_persona_model_without_a_persona_is_ignored(fresh: Client) -> None:
    accepted(order(fresh, {**CUSTOM, "model": "suno-v4", "persona_model": "voice_persona"}))


# --- two faults at once ------------------------------------------------------------------------------------


def send(client: Client, key: str | None, content: Any) -> httpx2.Response:
    """An order with or without a key; text is sent as it stands."""
    headers = {"content-type": "application/json", **(bearer(key) if key else {})}
    if isinstance(content, str):
        return client.post("/v1/audios/generations", content=content, headers=headers)
    return client.post("/v1/audios/generations", json=content, headers=headers)


# Which model sings with a persona is a rule of its use: told after the balance, and after an unknown persona.
NO_VOICE = {**CUSTOM, "model": "suno-v4", "persona_id": NO_PERSONA, "persona_model": "voice_persona"}


@pytest.mark.parametrize(
    ("key", "content", "status", "outcome"),
    [
        (None, '{"model": ', 401, "unauthorized"),
        (None, without(SIMPLE, "prompt"), 401, "unauthorized"),
        (None, {**CUSTOM, "persona_id": NO_PERSONA}, 401, "unauthorized"),
        (POOR, '{"model": ', 400, "invalid"),
        (POOR, without(SIMPLE, "prompt"), 400, "invalid"),
        (POOR, NO_VOICE, 402, "insufficient-credits"),
        (POOR, {**CUSTOM, "persona_id": NO_PERSONA}, 402, "insufficient-credits"),
        (ALICE, {**CUSTOM, "title": "t" * 81, "persona_id": NO_PERSONA}, 400, "invalid"),
        (ALICE, NO_VOICE, 400, "persona-not-found"),
    ],
)
def test_of_two_faults_of_an_order_the_first_is_told(
    fresh: Client, key: str | None, content: Any, status: int, outcome: str
) -> None:
    reply = send(fresh, key, content)

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (status, outcome)
    assert tasks(fresh) == []
