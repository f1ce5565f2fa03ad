"""evolink: how long links live, the quirks, asked outcomes, and who sees what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.providers.evolink_calls import (
    CUSTOM,
    NO_CREDITS,
    NO_PERSONA,
    NO_SONG,
    NO_TASK,
    SERVER_ERROR,
    SIMPLE,
    UNAUTHORIZED,
    finished_persona,
    finished_song,
    invalid_request,
    order,
    persona,
    persona_body,
    plant,
    poll,
    refused,
)
from tests.providers.plain import ALICE, BOB, POOR, accepted, advance, balance, bearer, tasks, without

HOUR = 3600


# --- how long a link lives ---------------------------------------------------------------------------------


def links_of(client: Client, task: str) -> list[str]:
    """Every link a finished song shows."""
    shown = accepted(poll(client, task))
    songs = shown["result_data"]["songs"]
    return [
        *shown["results"],
        *(song[link] for song in songs for link in ("audio_url", "stream_audio_url", "image_url")),
    ]


@pytest.mark.parametrize(
    ("settings", "hours"),
    [
        ({}, 72),
        ({"quirk": ("evolink.link_hours=72",)}, 72),
        ({"quirk": ("evolink.link_hours=24",)}, 24),
    ],
)
def test_links_are_gone_after_their_hours(
    make_client: MakeClient, settings: dict[str, Any], hours: int
) -> None:
    client = make_client(**settings)
    task, *_ = finished_song(client)
    links = links_of(client, task)

    advance(client, hours * HOUR - 1)
    before = [client.get(url).status_code for url in links]
    advance(client, 1)
    after = [client.get(url).status_code for url in links]

    assert before == [200] * len(links)
    assert after == [410] * len(links)


def test_a_task_whose_links_are_gone_can_still_be_looked_at(fresh: Client) -> None:
    task, *_ = finished_song(fresh)
    shown = accepted(poll(fresh, task))

    advance(fresh, 100 * HOUR)

    assert accepted(poll(fresh, task)) == shown


def test_a_link_to_nothing_is_unknown(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    link = links_of(fresh, task)[0]

    assert fresh.get(link.replace(song, NO_SONG)).status_code == 404


# --- the credits page's own form of an error ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "unauthorized", "broken"),
    [
        ({}, "unauthorized", "internal_error"),
        ({"quirk": ("evolink.credits_error=string",)}, "unauthorized", "internal_error"),
        ({"quirk": ("evolink.credits_error=integer",)}, 401, 500),
    ],
)
def test_the_credits_page_shows_an_error_code_as_the_quirk_says(
    make_client: MakeClient, settings: dict[str, Any], unauthorized: Any, broken: Any
) -> None:
    client = make_client(**settings)

    keyless = client.get("/v1/credits")
    by_key = client.get("/v1/credits", headers=bearer("mock-unauthorized"))
    asked = client.get("/v1/credits", headers={**bearer(ALICE), "prefer": "outcome=server-error"})
    server_error = client.get("/v1/credits", headers=bearer("mock-server-error"))

    refused(keyless, 401, "unauthorized", {**UNAUTHORIZED, "code": unauthorized})
    refused(by_key, 401, "unauthorized", {**UNAUTHORIZED, "code": unauthorized})
    refused(asked, 500, "server-error", {**SERVER_ERROR, "code": broken})
    refused(server_error, 500, "server-error", {**SERVER_ERROR, "code": broken})


def test_no_other_page_shows_a_number(make_client: MakeClient) -> None:
    client = make_client(quirk=("evolink.credits_error=integer",))

    ordered = client.post("/v1/audios/generations", json=SIMPLE)
    polled = client.get(f"/v1/tasks/{NO_TASK}")

    refused(ordered, 401, "unauthorized", UNAUTHORIZED)
    refused(polled, 401, "unauthorized", {**UNAUTHORIZED, "message": "Authentication required"})


# --- a refusal leaves nothing behind -----------------------------------------------------------------------


def test_refused_and_broken_orders_change_nothing(client: Client, make_client: MakeClient) -> None:
    twin = make_client()
    mine, theirs = finished_song(client), finished_song(twin)
    assert mine == theirs
    task, song, _ = mine

    broken: list[Any] = [
        {},
        [],
        without(SIMPLE, "prompt"),
        {**SIMPLE, "model": "suno-v3"},
        {**CUSTOM, "persona_id": NO_PERSONA},
        {"model": "suno-persona"},
        persona_body(NO_TASK, song),
        persona_body(task, NO_SONG),
        persona_body(task, song, name=" "),
        persona_body(task, song, vocal_start=1),
        persona_body(task, song, vocal_start=0, vocal_end=9),
    ]
    for body in broken:
        assert order(client, body).status_code == 400
    assert order(client, persona_body(task, song), BOB).status_code == 400
    assert order(client, SIMPLE, POOR).status_code == 402
    assert client.post("/v1/audios/generations", json=SIMPLE).status_code == 401
    assert client.post("/v1/audios/generations", content=b"\xff{", headers=bearer(ALICE)).status_code == 400

    assert (balance(client, ALICE), balance(client, BOB), balance(client, POOR)) == (990, 1000, 0)
    assert len(tasks(client)) == 1
    assert accepted(order(client, SIMPLE)) == accepted(order(twin, SIMPLE))
    assert accepted(persona(client, task, song)) == accepted(persona(twin, task, song))


REFUSALS_OF_SONGS = [
    ("unauthorized", 401),
    ("insufficient-credits", 402),
    ("invalid", 400),
    ("rate-limited", 429),
    ("server-error", 500),
    ("persona-not-found", 400),
]
REFUSALS_OF_PERSONAS = [
    *REFUSALS_OF_SONGS[:5],
    ("source-not-found", 400),
    ("source-unfinished", 400),
    ("source-failed", 400),
    ("source-model-unsupported", 400),
    ("source-is-persona", 400),
    ("source-not-owned", 400),
    ("duplicate", 400),
    ("vocal-window", 400),
]


def test_refusals_that_are_asked_for_change_nothing(make_client: MakeClient) -> None:
    client, twin = make_client(), make_client()
    task, song, _ = finished_song(client)
    finished_song(twin)

    for outcome, status in REFUSALS_OF_SONGS:
        reply = order(client, CUSTOM, prefer=f"outcome={outcome}")
        assert (reply.status_code, reply.headers["x-mock-outcome"]) == (status, outcome)
    for outcome, status in REFUSALS_OF_PERSONAS:
        reply = order(client, persona_body(task, song), prefer=f"outcome={outcome}")
        assert (reply.status_code, reply.headers["x-mock-outcome"]) == (status, outcome)

    assert balance(client) == 990
    assert len(tasks(client)) == 1
    assert accepted(order(client, CUSTOM)) == accepted(order(twin, CUSTOM))
    assert accepted(persona(client, task, song)) == accepted(persona(twin, task, song))


def test_queued_and_magic_refusals_change_nothing(make_client: MakeClient) -> None:
    client, twin = make_client(), make_client()
    client.post("/_mock/outcomes", json={"provider": "evolink", "outcome": "server-error"})

    queued = order(client, SIMPLE)
    magic = order(client, SIMPLE, "mock-server-error")
    poor = order(client, SIMPLE, "mock-insufficient-credits")

    refused(queued, 500, "server-error", SERVER_ERROR)
    refused(magic, 500, "server-error", SERVER_ERROR)
    refused(poor, 402, "insufficient-credits", NO_CREDITS)
    assert tasks(client) == []
    assert (balance(client), balance(client, "mock-server-error")) == (1000, 1000)
    assert accepted(order(client, SIMPLE)) == accepted(order(twin, SIMPLE))


# --- a success that is asked for ---------------------------------------------------------------------------


def test_a_success_asked_for_makes_the_task_without_credits(fresh: Client) -> None:
    ordered = accepted(order(fresh, SIMPLE, POOR, prefer="outcome=success"))
    advance(fresh, 120)

    assert accepted(poll(fresh, ordered["id"], POOR))["status"] == "completed"
    assert balance(fresh, POOR) == 0


def test_a_success_asked_for_an_unknown_source_is_the_documents_example(make_client: MakeClient) -> None:
    client, twin = make_client(), make_client()

    example = accepted(order(client, persona_body(NO_TASK, NO_SONG), prefer="outcome=success"))

    assert example == {
        "created": 1774170584,
        "id": "task-unified-1774170584-su75smg7",
        "model": "suno-persona",
        "object": "audio.generation.task",
        "progress": 0,
        "status": "pending",
        "task_info": {"can_cancel": False, "estimated_time": 15},
        "type": "audio",
        "usage": {"billing_rule": "per_call", "credits_reserved": 1, "user_group": "default"},
    }
    assert poll(client, example["id"]).status_code == 404
    assert tasks(client) == []
    assert balance(client) == 1000
    assert accepted(order(client, SIMPLE)) == accepted(order(twin, SIMPLE))


def test_a_success_asked_for_a_song_that_has_its_persona_makes_no_second(fresh: Client) -> None:
    task, song, _ = finished_song(fresh)
    finished_persona(fresh, task, song)

    example = accepted(order(fresh, persona_body(task, song), prefer="outcome=success"))

    assert example["id"] == "task-unified-1774170584-su75smg7"
    assert len(tasks(fresh)) == 2
    assert balance(fresh) == 989


# --- planted tasks -----------------------------------------------------------------------------------------


def test_a_planted_song_is_polled_and_becomes_a_persona(fresh: Client) -> None:
    planted = fresh.post("/_mock/tasks", json={"provider": "evolink"}).json()

    shown = accepted(poll(fresh, planted["source_task"], "mock-key"))

    assert planted["view"] == shown
    assert shown["status"] == "completed"
    assert planted["songs"] == [song["result_id"] for song in shown["result_data"]["songs"]]
    accepted(persona(fresh, planted["source_task"], planted["songs"][0], "mock-key"))


@pytest.mark.parametrize("status", ["running", "processing"])
def test_a_planted_running_song_goes_on_from_there(fresh: Client, status: str) -> None:
    task, _ = plant(fresh, status=status)
    begun = accepted(poll(fresh, task))
    advance(fresh, 107.75)
    nearly = accepted(poll(fresh, task))

    advance(fresh, 0.25)

    assert (begun["status"], begun["progress"]) == ("processing", 30)
    assert (nearly["status"], nearly["progress"]) == ("processing", 90)
    assert accepted(poll(fresh, task))["status"] == "completed"


@pytest.mark.parametrize("status", ["finished", "completed"])
def test_a_song_that_is_pushed_to_its_end_becomes_a_persona(fresh: Client, status: str) -> None:
    task = accepted(order(fresh, SIMPLE))["id"]

    push(fresh, task, status=status)

    done = accepted(poll(fresh, task))
    assert (done["status"], done["progress"]) == ("completed", 100)
    accepted(persona(fresh, task, done["result_data"]["songs"][0]["result_id"]))


def test_a_song_that_is_pushed_into_failing_gives_its_credits_back(fresh: Client) -> None:
    task = accepted(order(fresh, SIMPLE))["id"]

    push(fresh, task, status="failed", error="content_policy_violation")

    assert accepted(poll(fresh, task))["error"]["code"] == "content_policy_violation"
    assert balance(fresh) == 1000


def test_a_progress_that_is_pushed_is_shown(fresh: Client) -> None:
    task = accepted(order(fresh, SIMPLE))["id"]

    push(fresh, task, status="running", progress=42)

    shown = accepted(poll(fresh, task))
    assert (shown["status"], shown["progress"]) == ("processing", 42)


def push(client: Client, task: str, **to: Any) -> None:
    """Push a task to a state."""
    reply = client.request("PATCH", f"/_mock/tasks/{task}", json=to)
    assert reply.status_code == 200, reply.text


def test_at_an_instant_pace_a_song_is_there_at_once(make_client: MakeClient) -> None:
    client = make_client(pace="instant")
    task = accepted(order(client, SIMPLE))["id"]

    done = accepted(poll(client, task))
    made = accepted(persona(client, task, done["result_data"]["songs"][0]["result_id"]))["id"]

    assert done["status"] == "completed"
    assert accepted(poll(client, made))["result_data"]["persona_id"]


def test_a_planted_task_costs_nothing(fresh: Client) -> None:
    plant(fresh)
    plant(fresh, kind="persona")

    assert balance(fresh) == 1000


# --- sandboxes ---------------------------------------------------------------------------------------------


def test_two_sandboxes_do_not_see_each_other(client: Client) -> None:
    alice, bob = Client(client.app, {"x-mock-sandbox": "a"}), Client(client.app, {"x-mock-sandbox": "b"})
    task, song, _ = finished_song(alice)
    made = finished_persona(alice, task, song)

    polled = poll(bob, task)
    copied = persona(bob, task, song)
    sung = order(bob, {**CUSTOM, "persona_id": made})

    assert (polled.status_code, polled.headers["x-mock-outcome"]) == (404, "not-found")
    assert copied.headers["x-mock-outcome"] == "source-not-found"
    message = f"Persona does not exist or does not belong to the current user: {made}"
    refused(sung, 400, "persona-not-found", invalid_request(message))
    assert (balance(alice), balance(bob), balance(client)) == (989, 1000, 1000)
    assert (len(tasks(alice)), tasks(bob), tasks(client)) == (2, [], [])


def test_two_sandboxes_never_share_an_id(make_client: MakeClient) -> None:
    client = make_client()
    alice = Client(client.app, {"x-mock-sandbox": "a"})

    ids = {accepted(order(where, SIMPLE))["id"] for where in (client, alice)}

    assert len(ids) == 2


def test_links_of_a_sandbox_lead_into_it(make_client: MakeClient) -> None:
    client = make_client()
    inside = Client(client.app, {"x-mock-sandbox": "a"})
    task, *_ = finished_song(inside)

    links = links_of(inside, task)

    assert {link.split("/_mock/")[0] for link in links} == {"http://127.0.0.1:4010/_sandbox/a"}
    assert [client.get(link).status_code for link in links] == [200] * len(links)
    assert client.get(links[0].replace("/_sandbox/a", "")).status_code == 404


def test_links_begin_with_the_public_url(make_client: MakeClient) -> None:
    client = make_client(public_url="https://mock.example.test/suno")
    task, *_ = finished_song(client)

    for link in links_of(client, task):
        assert link.startswith("https://mock.example.test/suno/_mock/media/evolink/")
