"""Planting source tasks, looking at them, and pushing them to where a test wants them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client, MakeClient
from tests.web.calls import PROVIDERS, in_sandbox, send, shared_app
from tests.web.steering import Control
from tests.web.stories import KIE_SONG, KINDS, NEUTRAL, PERSONA, STATES, poll, state_of

NO_TASK = "00000000-0000-4000-8000-000000000000"
KIE_FAILURES = ["GENERATE_AUDIO_FAILED", "CREATE_TASK_FAILED", "CALLBACK_EXCEPTION", "SENSITIVE_WORD_ERROR"]
START, HALF = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture(scope="module")
def instant_app() -> Any:
    return shared_app(pace="instant")


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


def plant(control: Control, provider: str, **what: Any) -> Any:
    return control.post("/tasks", {"provider": provider, **what})


def patched(control: Control, task: str, **what: Any) -> Any:
    reply = control.call("PATCH", f"/tasks/{task}", json=what)
    assert reply.status_code == 200, reply.text
    return reply.json()


def standing(task: Any) -> tuple[str, str, int]:
    return task["status"], task["state"], task["progress"]


def refusal(control: Control, method: str, path: str, **what: Any) -> tuple[str, str, Any]:
    status, slug, problem = control.refused(method, path, json=what)
    assert (status, slug) == (422, "bad-control-request")
    return problem["field"], problem["detail"], problem.get("allowed")


def credits(control: Control, key: str) -> Any:
    return control.get(f"/accounts/{key}")["credits"]


def song(client: Client, key: str = "payer", **headers: str) -> str:
    """Submit a song to kie, for 12 credits."""
    task: str = send(client, "kie", "generateMusic", key=key, json=KIE_SONG, **headers).json()["data"][
        "taskId"
    ]
    return task


# --- planting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pace", ["20", "instant"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_kind_can_be_planted_in_every_state(
    app: Any, instant_app: Any, request: pytest.FixtureRequest, provider: str, pace: str
) -> None:
    client = in_sandbox(instant_app if pace == "instant" else app, request.node.nodeid)
    control = Control(client)
    wanted = [(kind, status) for kind in KINDS[provider] for status in (*NEUTRAL, *STATES[provider])]

    for kind, status in wanted:
        planted = plant(control, provider, kind=kind, status=status)
        view, shown = (
            poll(client, provider, planted["source_task"]),
            control.get(f"/tasks/{planted['source_task']}"),
        )

        assert (planted["provider"], planted["key"]) == (provider, "mock-key")
        assert (view.status_code, view.json(), shown["view"]) == (200, planted["view"], planted["view"])
        state = state_of(provider, planted["view"])
        assert (shown["kind"], shown["state"], shown["status"]) == (kind, state, STATES[provider][state])
        assert status in (state, STATES[provider][state])
        assert shown["songs"] == planted["songs"]
    control.post("/clock/advance", {"until": "idle"})
    rest = {task["status"] for task in control.get("/tasks", params={"limit": 500})["tasks"]}
    assert rest == {"finished", "failed"}


def test_a_planted_task_needs_a_provider_and_nothing_else(client: Client, control: Control) -> None:
    planted = plant(control, "kie")

    shown = control.get(f"/tasks/{planted['source_task']}")
    assert standing(shown) == ("finished", "SUCCESS", 100)
    assert (shown["kind"], shown["model"], shown["charged"], shown["error"]) == ("generate", "V5", 0, None)
    assert (shown["created"], shown["final"]) == ("2025-12-31T23:58:00Z", START)
    assert len(planted["songs"]) == 2
    assert credits(control, "mock-key") == 1000


def test_a_planted_song_becomes_a_persona(client: Client, control: Control) -> None:
    songs = {provider: plant(control, provider, key="k") for provider in PROVIDERS}

    def made(provider: str, body: Any) -> Any:
        return send(client, provider, "generatePersona", json=body)

    def source(provider: str) -> tuple[str, str]:
        return songs[provider]["source_task"], songs[provider]["songs"][0]

    kie = made("kie", dict(zip(("taskId", "audioId"), source("kie"), strict=True)) | PERSONA)
    crun = made("crun", dict(zip(("task_id", "suno_id"), source("crun"), strict=True)) | PERSONA)
    names = ("source_task_id", "result_id")
    params = dict(zip(names, source("evolink"), strict=True)) | PERSONA
    evolink = made("evolink", {"model": "suno-persona", "model_params": params})
    root = source("yuto")[1]
    yuto = made("yuto", {"root_clip_id": root, "clips": [root], "is_public": False, **PERSONA})

    replies = (kie, crun, evolink, yuto)
    assert [reply.headers["x-mock-outcome"] for reply in replies] == ["success"] * 4
    assert control.get("/accounts/k")["personas"][:2] == [
        kie.json()["data"]["personaId"],
        crun.json()["data"]["persona_id"],
    ]


def test_a_planted_persona_task_has_a_song_and_a_persona_that_sings(client: Client, control: Control) -> None:
    planted = plant(control, "evolink", kind="persona", key="k")

    persona = planted["view"]["result_data"]["persona_id"]
    body = {"model": "suno-v5-beta", "custom_mode": True, "instrumental": False, "persona_id": persona}
    words = {"prompt": "[Verse]\nOh", "style": "pop", "title": "Oh"}
    sung = send(client, "evolink", "generateMusic", json={**body, **words})
    assert (sung.headers["x-mock-outcome"], planted["songs"]) == ("success", [])
    assert [task["kind"] for task in control.get("/tasks")["tasks"]] == ["generate", "persona", "generate"]
    assert control.get("/accounts/k")["personas"] == [persona]


@pytest.mark.parametrize(
    ("provider", "asked", "shown"),
    [
        ("kie", "V4_5PLUS", "V4_5PLUS"),
        ("kie", "3.5", "V3_5"),
        ("kie", "V4.5", "V4_5"),
        ("kie", "5.5", "V5_5"),
        ("kie", "5.0", "V5"),
        ("kie", "4.5+", "V4_5PLUS"),
        ("crun", "v4.5-all", "v4.5-all"),
        ("crun", "4.5+", "v4.5-plus"),
        ("crun", "V5.5", "v5.5"),
        ("evolink", "suno-v4.5plus", "suno-v4.5plus-beta"),
        ("evolink", "suno-v3.5-beta", "suno-v3.5-beta"),
        ("evolink", "3.5", "suno-v3.5-beta"),
        ("evolink", "4", "suno-v4-beta"),
        ("yuto", "chirp-v4-tau", "chirp-v4-tau"),
        ("yuto", "3.5", "chirp-v3-5"),
        ("yuto", "4.5+", "chirp-bluejay"),
    ],
)
def test_models_go_by_their_own_names_and_by_neutral_versions(
    control: Control, provider: str, asked: str, shown: str
) -> None:
    planted = plant(control, provider, model=asked)

    assert control.get(f"/tasks/{planted['source_task']}")["model"] == shown


def test_a_planted_persona_is_of_a_song_of_that_model(control: Control) -> None:
    plant(control, "evolink", kind="persona", model="4.5")

    tasks = control.get("/tasks")["tasks"]
    assert [task["model"] for task in tasks] == ["suno-v4.5-beta", "suno-persona"]


@pytest.mark.parametrize(("provider", "model"), [("crun", "3.5"), ("evolink", "5.5"), ("kie", "v5-5-5")])
def test_a_version_that_a_provider_does_not_have_is_refused(
    control: Control, provider: str, model: str
) -> None:
    field, detail, allowed = refusal(control, "POST", "/tasks", provider=provider, model=model)

    assert (field, model in detail, "5" in allowed, model in allowed) == ("model", True, True, False)
    assert control.get("/tasks") == {"tasks": []}


@pytest.mark.parametrize(
    ("what", "field", "allowed"),
    [
        ({"provider": "suno"}, "provider", ["crun", "evolink", "kie", "yuto"]),
        ({"provider": "kie", "kind": "persona"}, "kind", list(KINDS["kie"])),
        ({"provider": "crun", "kind": "persona"}, "kind", None),
        ({"provider": "yuto", "kind": "persona"}, "kind", None),
        ({"provider": "kie", "status": "completed"}, "status", None),
        ({"provider": "crun", "status": "SUCCESS"}, "status", [*NEUTRAL, "pending", "success"]),
        ({"provider": "kie", "error": "NOPE"}, "error", KIE_FAILURES),
        ({"provider": "kie", "error": {"code": 409}}, "error", [408, 413, 400]),
        ({"provider": "evolink", "error": {"code": 5}}, "error", None),
        ({"provider": "kie", "error": {"message": "why"}}, "error/code", None),
        ({"provider": "kie", "error": {"code": None, "why": 1}}, "error/why", None),
        ({"provider": "kie", "error": None}, "error", None),
        ({"provider": "kie", "status": "SUCCESS", "error": "CALLBACK_EXCEPTION"}, "error", ["failed"]),
        (
            {"provider": "kie", "status": "GENERATE_AUDIO_FAILED", "error": "CALLBACK_EXCEPTION"},
            "error",
            ["GENERATE_AUDIO_FAILED"],
        ),
        ({"provider": "kie", "key": ""}, "key", None),
        ({"provider": "kie", "count": 0}, "count", {"minimum": 1}),
        ({"provider": "kie", "count": True}, "count", {"type": "integer"}),
        ({"provider": "kie", "owner": "me"}, "owner", None),
        ({}, "provider", None),
    ],
)
def test_a_wrong_planting_is_refused_by_field_and_allowed_values(
    control: Control, what: Any, field: str, allowed: Any
) -> None:
    told, _, offered = refusal(control, "POST", "/tasks", **what)

    assert told == field
    assert allowed is None or set(allowed) <= set(offered)
    assert control.get("/tasks") == {"tasks": []}


@pytest.mark.parametrize(
    ("provider", "error", "name", "code", "message"),
    [
        (
            "kie",
            "SENSITIVE_WORD_ERROR",
            "SENSITIVE_WORD_ERROR",
            400,
            "The lyrics contain copyrighted material",
        ),
        ("kie", "408", "GENERATE_AUDIO_FAILED", 408, "Audio generation timed out"),
        ("kie", {"code": 413, "message": "known work"}, "CREATE_TASK_FAILED", 413, "known work"),
        ("kie", {"code": None, "message": "odd"}, "GENERATE_AUDIO_FAILED", None, "odd"),
        ("crun", {"code": 501, "message": "no luck"}, "failed", 501, "no luck"),
        ("evolink", "generation_timeout", "generation_timeout", "generation_timeout", None),
        ("evolink", {"code": "quota_exceeded", "message": "m"}, "quota_exceeded", "quota_exceeded", "m"),
        ("yuto", {"code": "moderation", "message": "not this"}, "moderation", "moderation", "not this"),
    ],
)
def test_an_error_says_how_a_planted_task_has_failed(
    control: Control, provider: str, error: Any, name: str, code: Any, message: str | None
) -> None:
    planted = plant(control, provider, error=error)

    shown = control.get(f"/tasks/{planted['source_task']}")
    assert (shown["status"], shown["error"]["name"], shown["error"]["code"]) == ("failed", name, code)
    assert message in (None, shown["error"]["message"])
    told = {
        "kie": lambda view: (view["data"]["errorCode"], view["data"]["errorMessage"]),
        "crun": lambda view: (code, view["data"]["result"]["message"]),
        "evolink": lambda view: (view["error"]["code"], view["error"]["message"]),
        "yuto": lambda view: (code, view["data"]["fail_reason"]),
    }[provider](planted["view"])
    assert told == (code, shown["error"]["message"])


def test_of_many_only_the_number_is_told(control: Control) -> None:
    answer = plant(control, "crun", count=1201, status="running", key="load")

    assert answer == {"planted": 1201}
    assert len(control.get("/accounts/load")["tasks"]) == 1201


def test_a_key_owns_what_is_planted_for_it(client: Client, control: Control) -> None:
    task = plant(control, "evolink", key="bob")["source_task"]

    assert poll(client, "evolink", task, "bob").status_code == 200
    assert poll(client, "evolink", task).headers["x-mock-outcome"] == "access-denied"
    assert control.get("/accounts/bob")["tasks"] == [task]


# --- looking ------------------------------------------------------------------------------------------------


@pytest.fixture
def planted(control: Control) -> list[str]:
    wanted = [("kie", "finished"), ("crun", "failed"), ("yuto", "running"), ("kie", "failed")]
    return [plant(control, provider, status=status)["source_task"] for provider, status in wanted]


def ids(control: Control, **query: Any) -> list[str]:
    return [task["id"] for task in control.get("/tasks", params=query)["tasks"]]


def test_tasks_are_listed_in_the_order_of_their_making(control: Control, planted: list[str]) -> None:
    assert ids(control) == planted
    assert ids(control, limit=3) == planted[:3]
    assert ids(control, after=planted[1]) == planted[2:]
    assert ids(control, after=planted[1], limit=1) == planted[2:3]
    assert ids(control, after=planted[3]) == []


def test_tasks_are_picked_by_provider_and_by_either_name_of_a_status(
    control: Control, planted: list[str]
) -> None:
    kie, crun, yuto, failed = planted

    assert ids(control, provider="kie") == [kie, failed]
    assert ids(control, status="failed") == [crun, failed]
    assert ids(control, status="GENERATE_AUDIO_FAILED") == [failed]
    assert ids(control, status="running", provider="kie") == []
    assert ids(control, status="running") == [yuto]
    assert ids(control, provider="kie", status="failed", after=kie, limit=1) == [failed]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"provider": "suno"}, "provider"),
        ({"status": "done"}, "status"),
        ({"provider": "kie", "status": "completed"}, "status"),
        ({"after": NO_TASK}, "after"),
        ({"limit": 0}, "limit"),
        ({"limit": 10001}, "limit"),
        ({"limit": "all"}, "limit"),
        ({"state": "failed"}, "state"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(control: Control, query: Any, field: str) -> None:
    status, _, problem = control.refused("GET", "/tasks", params=query)

    assert (status, problem["field"]) == (422, field)


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"status": "failed"})])
def test_an_unknown_task_is_not_found(control: Control, method: str, body: Any) -> None:
    status, slug, problem = control.refused(method, f"/tasks/{NO_TASK}", json=body)

    assert (status, slug, NO_TASK in problem["detail"]) == (404, "not-found", True)


# --- pushing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_can_be_pushed_from_any_state_to_any_other(
    client: Client, control: Control, provider: str
) -> None:
    task = plant(control, provider)["source_task"]
    steps = [step for name in (*NEUTRAL, *STATES[provider]) for step in (name, "finished", name, "waiting")]

    for status in steps:
        shown = patched(control, task, status=status)

        assert status in (shown["status"], shown["state"])
        assert poll(client, provider, task).json() == shown["view"]
    control.post("/clock/advance", {"until": "idle"})
    assert control.get(f"/tasks/{task}")["status"] == "finished"


def test_a_pushed_task_stands_at_the_beginning_of_its_state_and_goes_on(control: Control) -> None:
    task = plant(control, "kie")["source_task"]

    pushed = patched(control, task, status="TEXT_SUCCESS")
    control.post("/clock/advance", {"seconds": 41})
    before = control.get(f"/tasks/{task}")
    control.post("/clock/advance", {"seconds": 1})

    assert standing(pushed) == ("running", "TEXT_SUCCESS", 25)
    assert (before["state"], control.get(f"/tasks/{task}")["state"]) == ("TEXT_SUCCESS", "FIRST_SUCCESS")
    assert control.post("/clock/advance", {"until": "idle"})["now"] == "2026-01-01T00:01:30Z"


@pytest.mark.parametrize(
    ("provider", "shows"),
    [
        ("evolink", {0: "pending", 5: "pending", 37: "processing", 95: "processing", 100: "completed"}),
        ("yuto", {0: "IN_PROGRESS", 1: "IN_PROGRESS", 37: "IN_PROGRESS", 99: "IN_PROGRESS", 100: "SUCCESS"}),
        ("kie", {0: "PENDING", 24: "PENDING", 25: "TEXT_SUCCESS", 60: "FIRST_SUCCESS", 100: "SUCCESS"}),
        ("crun", {0: "pending", 9: "pending", 10: "running", 99: "running", 100: "success"}),
    ],
)
def test_progress_is_shown_or_is_the_share_of_the_time(
    control: Control, provider: str, shows: dict[int, str]
) -> None:
    task = plant(control, provider)["source_task"]

    for progress, state in shows.items():
        pushed = patched(control, task, progress=progress)

        assert (pushed["state"], pushed["progress"]) == (state, progress)
        view = pushed["view"]
        if provider == "evolink":
            assert view["progress"] == progress
        if provider == "yuto":
            assert view["data"]["progress"] == f"{progress}%"


def test_progress_never_falls_while_time_passes(control: Control) -> None:
    task = plant(control, "evolink")["source_task"]
    patched(control, task, progress=50)

    shown = [50]
    for _ in range(12):
        control.post("/clock/advance", {"seconds": 10})
        shown.append(control.get(f"/tasks/{task}")["view"]["progress"])

    assert (shown, shown[-1]) == (sorted(shown), 100)


@pytest.mark.parametrize(
    ("provider", "what", "wanted"),
    [
        ("kie", {"status": "TEXT_SUCCESS", "progress": 30}, ("running", "TEXT_SUCCESS", 30)),
        ("kie", {"status": "running", "progress": 70}, ("running", "FIRST_SUCCESS", 70)),
        ("kie", {"status": "SUCCESS", "progress": 100}, ("finished", "SUCCESS", 100)),
        ("yuto", {"status": "QUEUED", "progress": 0}, ("waiting", "QUEUED", 0)),
        ("yuto", {"status": "waiting", "progress": 0}, ("waiting", "NOT_START", 0)),
        ("evolink", {"status": "processing", "progress": 61}, ("running", "processing", 61)),
    ],
)
def test_a_status_and_a_progress_within_it_go_together(
    control: Control, provider: str, what: Any, wanted: tuple[str, str, int]
) -> None:
    task = plant(control, provider)["source_task"]

    assert standing(patched(control, task, **what)) == wanted


@pytest.mark.parametrize(
    ("provider", "what", "field"),
    [
        ("kie", {"status": "TEXT_SUCCESS", "progress": 70}, "progress"),
        ("kie", {"status": "waiting", "progress": 25}, "progress"),
        ("kie", {"status": "finished", "progress": 99}, "progress"),
        ("yuto", {"status": "QUEUED", "progress": 5}, "progress"),
        ("evolink", {"status": "processing", "progress": 100}, "progress"),
        ("crun", {"status": "failed", "progress": 50}, "progress"),
        ("crun", {"error": "failed", "progress": 50}, "progress"),
        ("kie", {"status": "running", "error": "CALLBACK_EXCEPTION"}, "error"),
        ("kie", {"status": "GENERATE_AUDIO_FAILED", "error": "CALLBACK_EXCEPTION"}, "error"),
        ("kie", {"status": "CALLBACK_EXCEPTION", "error": "GENERATE_AUDIO_FAILED"}, "error"),
        ("kie", {"status": "completed"}, "status"),
        ("kie", {"error": "NOPE"}, "error"),
        ("kie", {"progress": 101}, "progress"),
        ("kie", {"progress": -1}, "progress"),
        ("kie", {"progress": 1.5}, "progress"),
        ("kie", {"progress": "50"}, "progress"),
        ("kie", {"state": "SUCCESS"}, "state"),
        ("kie", {}, "body"),
    ],
)
def test_a_contradictory_or_wrong_push_changes_nothing(
    control: Control, provider: str, what: Any, field: str
) -> None:
    task = plant(control, provider, status="running")["source_task"]
    before = control.get("/state")

    told, _, _ = refusal(control, "PATCH", f"/tasks/{task}", **what)

    assert told == field
    assert control.get("/state") == before


def test_any_error_fits_the_neutral_status(control: Control) -> None:
    task = plant(control, "kie")["source_task"]

    shown = patched(control, task, status="failed", error="SENSITIVE_WORD_ERROR")

    assert (shown["state"], shown["final"]) == ("SENSITIVE_WORD_ERROR", START)


# --- credits ------------------------------------------------------------------------------------------------


def test_failing_a_finished_task_gives_its_credits_back_once(client: Client, control: Control) -> None:
    task = song(client)
    control.post("/clock/advance", {"until": "idle"})

    balances = [credits(control, "payer")]
    for what in ({"status": "failed"}, {"error": "CALLBACK_EXCEPTION"}, {"status": "failed"}):
        assert patched(control, task, **what)["charged"] == 0
        balances.append(credits(control, "payer"))
        control.post("/clock/advance", {"seconds": 500})
        control.call("PUT", "/state", json=control.get("/state"))
        balances.append(credits(control, "payer"))

    assert balances == [988] + 6 * [1000]


def test_pushing_a_failed_task_on_charges_it_again(client: Client, control: Control) -> None:
    task = song(client, prefer="outcome=task-failed")
    control.post("/clock/advance", {"until": "idle"})
    refunded = credits(control, "payer")

    pushed = patched(control, task, status="running")

    assert (refunded, pushed["charged"], credits(control, "payer")) == (1000, 12, 988)
    assert patched(control, task, status="failed")["charged"] == 0
    assert credits(control, "payer") == 1000


def test_what_is_charged_again_includes_refunds_that_are_due(client: Client, control: Control) -> None:
    first, second = song(client), song(client)
    control.call("PATCH", "/accounts/payer", json={"credits": 0})
    patched(control, first, status="failed")
    song(client)
    patched(control, second, status="failed")
    before = credits(control, "payer")

    shown = patched(control, first, status="finished")

    assert (before, shown["charged"], credits(control, "payer")) == (12, 12, 0)


def test_a_task_pushed_on_never_takes_more_than_there_is(client: Client, control: Control) -> None:
    task = song(client)
    patched(control, task, status="failed")
    control.call("PATCH", "/accounts/payer", json={"credits": 5})

    shown = patched(control, task, status="finished")

    assert (shown["charged"], credits(control, "payer")) == (5, 0)
    patched(control, task, status="failed")
    assert credits(control, "payer") == 5


def test_a_refund_never_lifts_a_balance_over_the_highest(client: Client, control: Control) -> None:
    task = song(client)
    control.call("PATCH", "/accounts/payer", json={"credits": 10**12})

    patched(control, task, status="failed")

    assert credits(control, "payer") == 10**12
    assert send(client, "kie", "generateMusic", key="payer", json=KIE_SONG).status_code == 200
    assert control.call("PUT", "/state", json=control.get("/state")).status_code == 200


def test_a_failed_persona_is_not_brought_back_once_its_song_has_another(
    client: Client, control: Control
) -> None:
    first = plant(control, "evolink", kind="persona", status="failed", key="k")["source_task"]
    source = control.get("/tasks")["tasks"][0]
    params = {"source_task_id": source["id"], "result_id": source["songs"][0], **PERSONA}
    order = {"model": "suno-persona", "model_params": params}

    second = send(client, "evolink", "generatePersona", json=order).json()["id"]
    refused = refusal(control, "PATCH", f"/tasks/{first}", status="finished")
    patched(control, second, status="failed")
    brought_back = patched(control, first, status="finished")
    again = send(client, "evolink", "generatePersona", json=order)

    assert (refused[0], brought_back["state"]) == ("status", "completed")
    assert again.headers["x-mock-outcome"] == "duplicate"
    assert control.call("PUT", "/state", json=control.get("/state")).status_code == 200
    assert send(client, "evolink", "generatePersona", json=order).headers["x-mock-outcome"] == "duplicate"


# --- the clock ----------------------------------------------------------------------------------------------


def test_idle_is_the_end_of_the_last_task(client: Client, control: Control) -> None:
    plant(control, "yuto", status="waiting")
    plant(control, "evolink", kind="persona", status="waiting")
    song(client, prefer="outcome=task-failed")

    answer = control.post("/clock/advance", {"until": "idle"})

    assert answer == {"now": "2026-01-01T00:01:30Z", "delivered": 0, "gave_up": 0}
    assert control.post("/clock/advance", {"until": "idle"}) == answer


def test_idle_is_the_moment_of_the_failure_of_a_task_that_fails(client: Client, control: Control) -> None:
    task = song(client, prefer="outcome=task-failed")

    answer = control.post("/clock/advance", {"until": "idle"})

    assert answer["now"] == control.get(f"/tasks/{task}")["final"] == HALF


def test_with_nothing_to_wait_for_the_clock_stays(control: Control) -> None:
    plant(control, "kie")

    assert control.post("/clock/advance", {"until": "idle"}) == {"now": START, "delivered": 0, "gave_up": 0}


def test_nothing_waits_for_a_task_that_was_pushed_to_its_end(control: Control) -> None:
    for status in ("finished", "failed"):
        task = plant(control, "kie", status="waiting")["source_task"]
        patched(control, task, status=status)

    assert control.post("/clock/advance", {"until": "idle"})["now"] == START


def test_a_real_clock_is_not_moved(make_client: MakeClient) -> None:
    control = Control(make_client(clock="real"))
    plant(control, "kie", status="running")

    status, slug, _ = control.refused("POST", "/clock/advance", json={"until": "idle"})

    assert (status, slug) == (409, "clock-is-real")


# --- how a task of a queued outcome fails -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        ("SENSITIVE_WORD_ERROR", ("SENSITIVE_WORD_ERROR", 400, "2026-01-01T00:00:12Z")),
        ({"code": 408, "message": "slow"}, ("GENERATE_AUDIO_FAILED", 408, HALF)),
        (None, ("GENERATE_AUDIO_FAILED", None, HALF)),
    ],
)
def test_a_queued_failure_says_how_the_task_fails(
    client: Client, control: Control, error: Any, wanted: Any
) -> None:
    given = {} if error is None else {"error": error}
    control.post("/outcomes", {"provider": "kie", "outcome": "task-failed", **given})

    task = song(client)
    control.post("/clock/advance", {"until": "idle"})

    shown = control.get(f"/tasks/{task}")
    assert (shown["state"], shown["error"]["code"], shown["final"]) == wanted


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"outcome": "task-failed", "provider": "kie", "error": "NOPE"}, "error"),
        ({"outcome": "task-failed", "provider": "kie", "error": {"code": 999}}, "error"),
        ({"outcome": "task-failed", "provider": "evolink", "error": {"code": None}}, "error"),
        ({"outcome": "task-failed", "provider": "yuto", "error": {"code": 7}}, "error"),
        ({"outcome": "task-failed", "error": "NOPE"}, "error"),
        ({"outcome": "task-failed", "provider": "crun", "error": {"message": "m"}}, "error/code"),
        ({"outcome": "invalid", "provider": "kie", "error": "CALLBACK_EXCEPTION"}, "error"),
        ({"outcome": "task-failed", "provider": "kie", "operation": "getCredits"}, "outcome"),
    ],
)
def test_a_failure_that_its_provider_does_not_have_is_not_queued(
    control: Control, what: Any, field: str
) -> None:
    assert refusal(control, "POST", "/outcomes", **what)[0] == field
    assert control.get("/outcomes") == {"outcomes": []}


@pytest.mark.parametrize(("model", "shown"), [(3.5, "V3_5"), (4, "V4"), (5.5, "V5_5"), (4.0, "V4")])
def test_a_neutral_version_may_be_a_number(control: Control, model: float, shown: str) -> None:
    task = plant(control, "kie", model=model)["source_task"]

    assert control.get(f"/tasks/{task}")["model"] == shown


def test_without_a_provider_a_failure_waits_for_one_that_knows_it(client: Client, control: Control) -> None:
    control.post("/outcomes", {"outcome": "task-failed", "error": "SENSITIVE_WORD_ERROR"})
    headers = {"x-api-key": "mock-key"}
    body = {"model": "suno/sounds-generate", "input": {}}

    other = client.post("/api/v1/client/job/CreateTask", json=body, headers=headers)
    task = song(client)
    control.post("/clock/advance", {"until": "idle"})

    assert other.headers["x-mock-outcome"] == "success"
    assert control.get(f"/tasks/{task}")["state"] == "SENSITIVE_WORD_ERROR"


@pytest.mark.parametrize(
    ("provider", "error"),
    [
        *(("kie", name) for name in KIE_FAILURES),
        *(("kie", {"code": code, "message": "m"}) for code in (None, 400, 408, 413)),
        ("crun", "failed"),
        ("crun", {"code": 451, "message": "m"}),
        *(("evolink", name) for name in ("service_error", "request_cancelled", "unknown_error")),
        ("yuto", "generation_failed"),
        ("yuto", {"code": "anything", "message": "m"}),
    ],
)
def test_each_failure_of_a_provider_can_be_queued(control: Control, provider: str, error: Any) -> None:
    kept = control.post("/outcomes", {"provider": provider, "outcome": "task-failed", "error": error})

    assert kept["error"] == error
