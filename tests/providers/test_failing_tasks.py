"""Every documented way in which a task fails, asked for in every way; what it shows, and its credits."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Client
from tests.store.table import STORES
from tests.web.calls import PROVIDERS, in_sandbox, send, shared_app
from tests.web.steering import Control
from tests.web.stories import PERSONA, poll, state_of

START = 1767225600
JUST = 0.001
NO_SONG = "00000000-0000-4000-8000-000000000000"

SONGS: dict[str, tuple[str, Any]] = {
    "kie": (
        "generateMusic",
        {
            "prompt": "[Verse]\nNeon rain on empty streets",
            "customMode": True,
            "instrumental": False,
            "model": "V5",
            "style": "Electronic Pop",
            "title": "Neon Rain",
            # Nobody may be called there: nothing leaves this machine.
            "callBackUrl": "https://192.0.2.1/callback",
        },
    ),
    "crun": (
        "createTask",
        {
            "model": "suno/music-generate",
            "callback_url": None,
            "input": {
                "mode": "custom",
                "model": "v5",
                "instrumental": False,
                "title": "Midnight Neon",
                "tags": "moody",
                "lyrics": "[Verse]\nNeon on the water",
            },
        },
    ),
    "evolink": ("generateMusic", {"model": "suno-v5-beta", "prompt": "A cheerful summer pop song"}),
    "yuto": ("submitMusic", {"gpt_description_prompt": "a slow song about the sea", "mv": "chirp-v4"}),
}
PRICES = {"kie": 12, "crun": 12, "evolink": 10, "yuto": 10}

# What is asked for, the state it leads to, what the body says about it, and when it comes.
KIE = [
    ("CREATE_TASK_FAILED", "CREATE_TASK_FAILED", None, 12),
    ("GENERATE_AUDIO_FAILED", "GENERATE_AUDIO_FAILED", None, 60),
    ("CALLBACK_EXCEPTION", "CALLBACK_EXCEPTION", None, 60),
    ("SENSITIVE_WORD_ERROR", "SENSITIVE_WORD_ERROR", 400, 12),
    ("400", "SENSITIVE_WORD_ERROR", 400, 12),
    ("408", "GENERATE_AUDIO_FAILED", 408, 60),
    ("413", "CREATE_TASK_FAILED", 413, 12),
    ("500", "GENERATE_AUDIO_FAILED", None, 60),
    ("501", "GENERATE_AUDIO_FAILED", None, 60),
    ("531", "GENERATE_AUDIO_FAILED", None, 60),
]
EVOLINK = [
    "content_policy_violation",
    "invalid_parameters",
    "image_processing_error",
    "image_dimension_mismatch",
    "request_cancelled",
    "generation_failed_no_content",
    "service_error",
    "generation_timeout",
    "quota_exceeded",
    "resource_exhausted",
    "service_unavailable",
    "resource_not_found",
    "unknown_error",
]
FAILURES: list[tuple[str, str, str, Any, int]] = [
    *(("kie", *row) for row in KIE),
    ("crun", "failed", "failed", None, 43),
    ("crun", "501", "failed", None, 43),
    *(("evolink", code, "failed", code, 60) for code in EVOLINK),
    ("yuto", "FAILURE", "FAILURE", "generation_failed", 45),
    ("yuto", "generation_failed", "FAILURE", "generation_failed", 45),
]
FAILED = {"kie": "GENERATE_AUDIO_FAILED", "crun": "failed", "evolink": "failed", "yuto": "FAILURE"}
MOMENTS = {"kie": 60, "crun": 43, "evolink": 60, "yuto": 45}


@pytest.fixture(scope="module", params=sorted(STORES))
def app(request: pytest.FixtureRequest) -> Any:
    return shared_app(STORES[request.param](log_size=1000), rate_limits="off")


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


# --- calls -------------------------------------------------------------------------------------------------


def titled(provider: str, title: str) -> Any:
    """The song request with another title."""
    body = SONGS[provider][1]
    if provider == "crun":
        return {**body, "input": {**body["input"], "title": title}}
    return {**body, "title": title}


def submitted(client: Client, provider: str, key: str = "k", json: Any = None, **headers: str) -> str:
    """The id of a song task that has just been accepted."""
    operation, body = SONGS[provider]
    reply = send(client, provider, operation, key=key, json=body if json is None else json, **headers)
    assert reply.headers["x-mock-outcome"] in ("success", "task-failed"), reply.text
    answer = reply.json()
    read = {
        "kie": lambda: answer["data"]["taskId"],
        "crun": lambda: answer["data"]["task_id"],
        "evolink": lambda: answer["id"],
        "yuto": lambda: answer["data"],
    }
    task: str = read[provider]()
    return task


def advance(client: Client, seconds: float) -> None:
    reply = client.post("/_mock/clock/advance", json={"seconds": seconds})
    assert reply.status_code == 200, reply.text


def looked(client: Client, provider: str, task: str, key: str = "k") -> Any:
    """The body of a poll."""
    reply = poll(client, provider, task, key)
    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (200, "success"), reply.text
    return reply.json()


def state(client: Client, provider: str, task: str, key: str = "k") -> str:
    return state_of(provider, looked(client, provider, task, key))


def credits(client: Client, key: str = "k") -> Any:
    return client.get(f"/_mock/accounts/{key}").json()["credits"]


def said(provider: str, body: Any) -> tuple[str, Any, str]:
    """State, code and sentence of a failed task; what else it must say is checked here."""
    if provider == "evolink":
        assert body["error"]["type"] == "task_error"
        assert "results" not in body
        assert "result_data" not in body
        assert body["task_info"] == {"can_cancel": False}
        return body["status"], body["error"]["code"], body["error"]["message"]
    data = body["data"]
    if provider == "kie":
        assert data["response"] is None
        return data["status"], data["errorCode"], data["errorMessage"]
    if provider == "crun":
        assert data["result"] == {"message": data["result"]["message"]}
        assert data["credits"] == 0
        return data["status"], None, data["result"]["message"]
    metadata = [clip["metadata"] for clip in data["data"]]
    assert {clip["status"] for clip in data["data"]} == {"error"}
    assert {each["refund_credits"] for each in metadata} == {True}
    assert {each["error_message"] for each in metadata} == {data["fail_reason"]}
    assert data["progress"] == "100%"
    (code,) = {each["error_type"] for each in metadata}
    return data["status"], code, data["fail_reason"]


def watched_failing(
    client: Client, provider: str, task: str, moment: float, *, charged: int, key: str = "k"
) -> Any:
    """The poll at the moment of the failure: before it the task runs and is paid for, then it was free."""
    advance(client, moment - JUST)
    before, balance = client.get(f"/_mock/tasks/{task}").json()["status"], credits(client, key)
    advance(client, JUST)
    after = looked(client, provider, task, key)

    assert before in ("waiting", "running")
    assert (balance, credits(client, key)) == (1000 - charged, 1000)
    return after


# --- each failure, asked for in each way -------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "name", "status", "code", "moment"), FAILURES)
def test_queued(
    client: Client, control: Control, provider: str, name: str, status: str, code: Any, moment: int
) -> None:
    control.post("/outcomes", {"provider": provider, "outcome": "task-failed", "error": name})

    task = submitted(client, provider)
    body = watched_failing(client, provider, task, moment, charged=PRICES[provider])

    told = said(provider, body)
    assert told[:2] == (status, code)
    assert told[2]


@pytest.mark.parametrize(("provider", "name", "status", "code", "moment"), FAILURES)
def test_said_in_the_prompt(
    client: Client, provider: str, name: str, status: str, code: Any, moment: int
) -> None:
    task = submitted(client, provider, json=titled(provider, f"mock:fail={name}"))
    body = watched_failing(client, provider, task, moment, charged=PRICES[provider])

    assert said(provider, body)[:2] == (status, code)


@pytest.mark.parametrize(("provider", "name", "status", "code", "moment"), FAILURES)
def test_planted(
    client: Client, control: Control, provider: str, name: str, status: str, code: Any, moment: int
) -> None:
    made = control.post("/tasks", {"provider": provider, "key": "k", "error": name})

    shown = control.get(f"/tasks/{made['source_task']}")

    told = said(provider, looked(client, provider, made["source_task"]))
    assert told[:2] == (status, code)
    assert told[2]
    assert (shown["status"], shown["state"], shown["charged"]) == ("failed", status, 0)
    assert shown["view"] == made["view"] == looked(client, provider, made["source_task"])
    assert credits(client) == 1000


@pytest.mark.parametrize(("provider", "name", "status", "code", "moment"), FAILURES)
def test_pushed(
    client: Client, control: Control, provider: str, name: str, status: str, code: Any, moment: int
) -> None:
    task = submitted(client, provider)
    advance(client, moment / 2)

    pushed = control.call("PATCH", f"/tasks/{task}", json={"error": name}).json()

    told = said(provider, looked(client, provider, task))
    assert told[:2] == (status, code)
    assert told[2]
    assert (pushed["status"], pushed["state"], pushed["charged"]) == ("failed", status, 0)
    assert credits(client) == 1000


@pytest.mark.parametrize(
    ("provider", "status"),
    [
        *(("kie", row[0]) for row in KIE[:4]),
        ("crun", "failed"),
        ("evolink", "failed"),
        ("yuto", "FAILURE"),
    ],
)
def test_pushed_and_planted_by_the_name_of_the_state(
    client: Client, control: Control, provider: str, status: str
) -> None:
    task = submitted(client, provider)
    made = control.post("/tasks", {"provider": provider, "key": "k", "status": status})["source_task"]

    control.call("PATCH", f"/tasks/{task}", json={"status": status})

    assert said(provider, looked(client, provider, task)) == said(provider, looked(client, provider, made))
    assert state(client, provider, task) == status
    assert credits(client) == 1000


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("key", "prefer"), [("k", "outcome=task-failed"), ("mock-task-failed", None)])
def test_asked_for_in_a_header(client: Client, provider: str, key: str, prefer: str | None) -> None:
    headers = {} if prefer is None else {"prefer": prefer}

    task = submitted(client, provider, key, **headers)
    body = watched_failing(client, provider, task, MOMENTS[provider], charged=PRICES[provider], key=key)

    assert said(provider, body)[0] == FAILED[provider]


# --- a code with words of one's own ------------------------------------------------------------------------

WORDED: list[tuple[str, Any, str, Any]] = [
    ("kie", 400, "SENSITIVE_WORD_ERROR", 400),
    ("kie", 408, "GENERATE_AUDIO_FAILED", 408),
    ("kie", 413, "CREATE_TASK_FAILED", 413),
    ("kie", 500, "GENERATE_AUDIO_FAILED", None),
    ("kie", 501, "GENERATE_AUDIO_FAILED", None),
    ("kie", 531, "GENERATE_AUDIO_FAILED", None),
    ("kie", None, "GENERATE_AUDIO_FAILED", None),
    ("crun", 501, "failed", None),
    ("crun", "sensitive", "failed", None),
    *(("evolink", code, "failed", code) for code in EVOLINK),
    ("yuto", "moderation", "FAILURE", "moderation"),
]


@pytest.mark.parametrize(("provider", "code", "status", "shown"), WORDED)
@pytest.mark.parametrize("way", ["queued", "planted", "pushed"])
def test_a_code_may_come_with_words(
    client: Client, control: Control, way: str, provider: str, code: Any, status: str, shown: Any
) -> None:
    error = {"code": code, "message": "Not this one, please"}
    if way == "planted":
        task = control.post("/tasks", {"provider": provider, "key": "k", "error": error})["source_task"]
    else:
        if way == "queued":
            control.post("/outcomes", {"provider": provider, "outcome": "task-failed", "error": error})
        task = submitted(client, provider)
        if way == "pushed":
            control.call("PATCH", f"/tasks/{task}", json={"error": error})
        advance(client, 60)

    assert said(provider, looked(client, provider, task)) == (status, shown, "Not this one, please")
    assert credits(client) == 1000


# --- whole bodies ------------------------------------------------------------------------------------------


def test_a_failed_song_of_kie_whole(client: Client, control: Control) -> None:
    control.post("/outcomes", {"provider": "kie", "outcome": "task-failed", "error": "408"})
    task = submitted(client, "kie")
    advance(client, 60)

    body = looked(client, "kie", task)

    assert body == {
        "code": 200,
        "msg": "success",
        "data": {
            "taskId": task,
            "parentMusicId": "",
            "param": body["data"]["param"],
            "response": None,
            "status": "GENERATE_AUDIO_FAILED",
            "type": "chirp-crow",
            "operationType": "generate",
            "errorCode": 408,
            "errorMessage": body["data"]["errorMessage"],
            "createTime": START * 1000,
        },
    }


def test_a_failed_song_of_crun_whole(client: Client, control: Control) -> None:
    error = {"code": 501, "message": "Lyrics were refused"}
    control.post("/outcomes", {"provider": "crun", "outcome": "task-failed", "error": error})
    task = submitted(client, "crun")
    advance(client, 100)

    assert looked(client, "crun", task) == {
        "code": 200,
        "message": "success",
        "data": {
            "task_id": task,
            "provider": "Suno",
            "model_version": "sunov5",
            "status": "failed",
            "param": SONGS["crun"][1],
            "create_at": START,
            "result": {"message": "Lyrics were refused"},
            "duration_s": 43,
            "complete_at": START + 43,
            "credits": 0,
            "source": "api",
        },
    }


def test_a_failed_song_of_evolink_whole(client: Client, control: Control) -> None:
    error = {"code": "request_cancelled", "message": "Cancelled by its owner"}
    control.post("/outcomes", {"provider": "evolink", "outcome": "task-failed", "error": error})
    task = submitted(client, "evolink")
    advance(client, 60)

    assert looked(client, "evolink", task) == {
        "created": START,
        "id": task,
        "model": "suno-v5-beta",
        "object": "audio.generation.task",
        "progress": 60,
        "status": "failed",
        "task_info": {"can_cancel": False},
        "type": "audio",
        "usage": {"billing_rule": "per_call", "credits_reserved": 10, "user_group": "default"},
        "error": {"code": "request_cancelled", "message": "Cancelled by its owner", "type": "task_error"},
    }


def test_a_failed_song_of_yuto_whole(client: Client, control: Control) -> None:
    error = {"code": "moderation", "message": "the words were refused"}
    control.post("/outcomes", {"provider": "yuto", "outcome": "task-failed", "error": error})
    task = submitted(client, "yuto")
    advance(client, 90)

    data = looked(client, "yuto", task)["data"]

    assert {**data, "data": len(data["data"])} == {
        "task_id": task,
        "notify_hook": "",
        "action": "MUSIC",
        "status": "FAILURE",
        "fail_reason": "the words were refused",
        "submit_time": START,
        "start_time": START + 22,
        "finish_time": START + 45,
        "progress": "100%",
        "data": 2,
    }
    assert {clip["audio_url"] for clip in data["data"]} == {""}


@pytest.mark.parametrize("kind", ["lyrics", "upload"])
def test_other_tasks_of_yuto_fail_as_well(client: Client, kind: str) -> None:
    operation = {"lyrics": "submitLyrics", "upload": "uploadAudioUrl"}[kind]

    reply = send(client, "yuto", operation, prefer="outcome=task-failed")
    task = reply.json()["data"]
    seen = []
    for seconds in (10 - JUST, JUST):
        advance(client, seconds)
        seen.append(state(client, "yuto", task))

    assert reply.headers["x-mock-outcome"] == "task-failed"
    assert seen == ["IN_PROGRESS", "FAILURE"]


@pytest.mark.parametrize("code", ["service_error", "content_policy_violation"])
def test_a_persona_of_evolink_fails_and_its_song_is_free_again(
    client: Client, control: Control, code: str
) -> None:
    source = control.post("/tasks", {"provider": "evolink", "key": "k"})
    params = {"source_task_id": source["source_task"], "result_id": source["songs"][0], **PERSONA}
    order = {"model": "suno-persona", "model_params": params}
    wanted = {"provider": "evolink", "operation": "generatePersona", "outcome": "task-failed", "error": code}
    control.post("/outcomes", wanted)

    task = send(client, "evolink", "generatePersona", json=order).json()["id"]
    taken = send(client, "evolink", "generatePersona", json=order).headers["x-mock-outcome"]
    body = watched_failing(client, "evolink", task, 7.5, charged=1)
    again = send(client, "evolink", "generatePersona", json=order).headers["x-mock-outcome"]

    assert said("evolink", body)[:2] == ("failed", code)
    assert (taken, again, credits(client)) == ("duplicate", "success", 999)


# --- what a persona of it meets ----------------------------------------------------------------------------


def persona(client: Client, provider: str, task: str, song: str) -> httpx2.Response:
    """The creation of a persona."""
    named: dict[str, dict[str, Any]] = {
        "kie": {"taskId": task, "audioId": song},
        "crun": {"task_id": task, "suno_id": song},
        "evolink": {"source_task_id": task, "result_id": song},
        "yuto": {"root_clip_id": song, "clips": [song], "is_public": True},
    }
    body = {**named[provider], **PERSONA}
    whole = {"model": "suno-persona", "model_params": body} if provider == "evolink" else body
    return send(client, provider, "generatePersona", json=whole)


@pytest.mark.parametrize("name", [row[0] for row in KIE])
def test_a_failed_task_of_kie_is_no_source(client: Client, control: Control, name: str) -> None:
    status = {row[0]: row[1] for row in KIE}[name]
    task = control.post("/tasks", {"provider": "kie", "key": "k", "error": name})["source_task"]

    reply = persona(client, "kie", task, NO_SONG)

    body = {"code": 422, "msg": f"Music generation failed: {status}", "data": None}
    assert (reply.status_code, reply.headers["x-mock-outcome"], reply.json()) == (200, "source-failed", body)
    assert credits(client) == 1000


def test_a_failed_task_of_crun_is_no_source(client: Client) -> None:
    task = submitted(client, "crun", prefer="outcome=task-failed")
    advance(client, 43)

    reply = persona(client, "crun", task, NO_SONG)

    body = {"code": 422, "message": "task failed", "data": None}
    assert (reply.status_code, reply.headers["x-mock-outcome"], reply.json()) == (200, "source-failed", body)


@pytest.mark.parametrize("code", EVOLINK)
def test_a_failed_task_of_evolink_is_no_source(client: Client, control: Control, code: str) -> None:
    task = control.post("/tasks", {"provider": "evolink", "key": "k", "error": code})["source_task"]

    reply = persona(client, "evolink", task, NO_SONG)

    error = reply.json()["error"]
    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (400, "source-failed")
    assert (error["code"], error["type"]) == ("invalid_request", "invalid_request_error")
    assert task in error["message"]


def test_a_failed_clip_of_yuto_is_no_source(client: Client) -> None:
    task = submitted(client, "yuto", prefer="outcome=task-failed")
    advance(client, 45)
    clip = looked(client, "yuto", task)["data"]["data"][0]["id"]

    reply = persona(client, "yuto", task, clip)

    body = {"code": "invalid_request", "message": "root_clip_id has failed: error", "data": None}
    assert (reply.status_code, reply.headers["x-mock-outcome"], reply.json()) == (400, "source-failed", body)


# --- credits, wherever they show ---------------------------------------------------------------------------


def test_every_place_shows_what_a_failing_task_gives_back(client: Client, control: Control) -> None:
    control.call("PATCH", "/accounts/k", json={"credits": 44})
    tasks = {name: submitted(client, name, prefer="outcome=task-failed") for name in PROVIDERS}

    def everywhere() -> dict[str, Any]:
        estimate = send(client, "crun", "estimateTask", json=SONGS["crun"][1]).json()["data"]
        evolink = send(client, "evolink", "getCredits").json()["data"]
        return {
            "account": credits(client),
            "kie": send(client, "kie", "getCredits").json()["data"],
            "crun": send(client, "crun", "getBalance").json()["data"]["balance"],
            "estimate": (estimate["balance"], estimate["affordable"], estimate["estimated_credits"]),
            "token": evolink["token"]["remaining_credits"],
            "user": evolink["user"]["remaining_credits"],
            "charged": looked(client, "crun", tasks["crun"])["data"]["credits"],
        }

    def balance(left: int, charged: int) -> dict[str, Any]:
        places = dict.fromkeys(("account", "kie", "crun", "token", "user"), left)
        return {**places, "estimate": (left, left >= 12, 12), "charged": charged}

    moments = [everywhere()]
    for seconds in (43 - JUST, JUST, 2, 15):
        advance(client, seconds)
        moments.append(everywhere())

    # crun fails at 43 s, yuto at 45 s, kie and evolink at 60 s.
    assert moments == [balance(0, 12), balance(0, 12), balance(12, 0), balance(22, 0), balance(44, 0)]


def test_what_evolink_has_used_goes_back_too(client: Client) -> None:
    def used() -> list[Any]:
        shown = send(client, "evolink", "getCredits").json()["data"]
        return [shown[who]["used_credits"] for who in ("token", "user")]

    submitted(client, "evolink")
    failing = submitted(client, "evolink", prefer="outcome=task-failed")
    before = used()
    advance(client, 60 - JUST)
    still = used()
    advance(client, JUST)
    after = used()
    client.request("PATCH", f"/_mock/tasks/{failing}", json={"status": "failed"})

    assert (before, still, after, used()) == ([20, 20], [20, 20], [10, 10], [10, 10])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_came_back_can_be_spent(client: Client, provider: str) -> None:
    price = PRICES[provider]
    client.request("PATCH", "/_mock/accounts/k", json={"credits": price})
    submitted(client, provider, prefer="outcome=task-failed")
    operation, body = SONGS[provider]
    outcomes = []

    for seconds in (MOMENTS[provider] - JUST, JUST, 0.001):
        advance(client, seconds)
        outcomes.append(send(client, provider, operation, json=body).headers["x-mock-outcome"])

    assert outcomes == ["insufficient-credits", "success", "insufficient-credits"]
    assert credits(client) == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_another_key_gets_nothing_back(client: Client, provider: str) -> None:
    submitted(client, provider, "payer", prefer="outcome=task-failed")
    client.request("PATCH", "/_mock/accounts/other", json={"credits": 5})
    advance(client, 200)

    assert (credits(client, "payer"), credits(client, "other")) == (1000, 5)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_credits_come_back_whoever_looks_first(client: Client, provider: str) -> None:
    tasks = [submitted(client, provider, prefer="outcome=task-failed") for _ in range(3)]
    advance(client, 500)

    spent = send(client, provider, SONGS[provider][0], json=SONGS[provider][1])
    for task in tasks:
        looked(client, provider, task)

    assert spent.headers["x-mock-outcome"] == "success"
    assert credits(client) == 1000 - PRICES[provider]


# --- wrong names -------------------------------------------------------------------------------------------

WRONG: list[tuple[str, Any]] = [
    ("kie", "NOPE"),
    ("kie", "failed"),
    ("kie", "FAILURE"),
    ("kie", "409"),
    ("kie", {"code": 409}),
    ("kie", {"code": "400x", "message": "m"}),
    ("evolink", "NOPE"),
    ("evolink", "501"),
    ("evolink", {"code": "GENERATE_AUDIO_FAILED", "message": "m"}),
    ("evolink", {"code": 5, "message": "m"}),
    ("yuto", {"code": 5, "message": "m"}),
    ("yuto", "failed"),
    ("crun", "NOPE"),
    ("crun", {"message": "m"}),
    *((provider, None) for provider in PROVIDERS),
    *((provider, "") for provider in PROVIDERS),
    *((provider, 5) for provider in PROVIDERS),
    *((provider, ["failed"]) for provider in PROVIDERS),
]


@pytest.mark.parametrize(("provider", "error"), WRONG)
def test_a_failure_that_a_provider_does_not_have_is_refused_everywhere(
    client: Client, control: Control, provider: str, error: Any
) -> None:
    task = submitted(client, provider)
    before = control.get("/state")
    calls = [
        ("PATCH", f"/tasks/{task}", {"error": error}),
        ("POST", "/tasks", {"provider": provider, "error": error}),
        ("POST", "/outcomes", {"provider": provider, "outcome": "task-failed", "error": error}),
    ]

    for method, path, body in calls:
        if error is None and path == "/outcomes":
            # As none: the provider's usual failure.
            continue
        status, slug, problem = control.refused(method, path, json=body)
        assert (status, slug) == (422, "bad-control-request")
        assert problem["field"].partition("/")[0] == "error"

    assert control.get("/state") == before
