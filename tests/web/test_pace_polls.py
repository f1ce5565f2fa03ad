"""`--pace polls:N`: a task goes on because it is looked at, whatever the clock says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.store.table import STORES
from tests.web.calls import PROVIDERS, credential, in_sandbox, send, shared_app
from tests.web.steering import Control
from tests.web.stories import CRUN_SONG, EVOLINK_SONG, KIE_SONG, PERSONA, POLLS, YUTO_SONG, poll, state_of

ROOT = Path(__file__).parent.parent.parent
HOUR = 3600
START = 1767225600

# An address that nobody may be called at: nothing leaves this machine.
NOBODY = "https://192.0.2.1/callback"
SONGS: dict[str, tuple[str, Any]] = {
    "kie": ("generateMusic", {**KIE_SONG, "callBackUrl": NOBODY}),
    "crun": ("createTask", {"model": "suno/music-generate", "input": CRUN_SONG}),
    "evolink": ("generateMusic", EVOLINK_SONG),
    "yuto": ("submitMusic", YUTO_SONG),
}
PRICES = {"kie": 12, "crun": 12, "evolink": 10, "yuto": 10}
WAY = {
    "kie": ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"],
    "crun": ["pending", "running", "success"],
    "evolink": ["pending", "processing", "completed"],
    "yuto": ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS"],
}
# How a task goes that fails: kie has two ways.
FAILING = {
    "kie": ["PENDING", "TEXT_SUCCESS", "GENERATE_AUDIO_FAILED"],
    "crun": ["pending", "running", "failed"],
    "evolink": ["pending", "processing", "failed"],
    "yuto": ["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "FAILURE"],
}
KIE_FAILING = {
    "GENERATE_AUDIO_FAILED": ["PENDING", "TEXT_SUCCESS", "GENERATE_AUDIO_FAILED"],
    "CALLBACK_EXCEPTION": ["PENDING", "TEXT_SUCCESS", "CALLBACK_EXCEPTION"],
    "CREATE_TASK_FAILED": ["PENDING", "CREATE_TASK_FAILED"],
    "SENSITIVE_WORD_ERROR": ["PENDING", "SENSITIVE_WORD_ERROR"],
}
ENDS = {way[-1] for way in (*WAY.values(), *FAILING.values(), *KIE_FAILING.values())}
CALLBACK_FIELD = {
    "kie": "callBackUrl",
    "crun": "callback_url",
    "evolink": "callback_url",
    "yuto": "notify_hook",
}


@pytest.fixture(scope="module", params=sorted(STORES))
def app(request: pytest.FixtureRequest) -> Any:
    return shared_app(STORES[request.param](log_size=1000), pace="polls:1", rate_limits="off")


@pytest.fixture(scope="module")
def slow_app() -> Any:
    """Three polls for each state."""
    return shared_app(pace="polls:3")


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def slow(slow_app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(slow_app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


# --- calls -------------------------------------------------------------------------------------------------


def submission(client: Client, provider: str, key: str = "k", **headers: str) -> httpx2.Response:
    """The submission of a song; `prefer="…"` adds a header."""
    operation, body = SONGS[provider]
    return send(client, provider, operation, key=key, json=body, **headers)


def task_of(provider: str, body: Any) -> str:
    """The id of the task that a submission made."""
    read = {
        "kie": lambda: body["data"]["taskId"],
        "crun": lambda: body["data"]["task_id"],
        "evolink": lambda: body["id"],
        "yuto": lambda: body["data"],
    }
    task: str = read[provider]()
    return task


def ordered(client: Client, provider: str, key: str = "k", **headers: str) -> str:
    """The id of a song task that has just been accepted."""
    reply = submission(client, provider, key, **headers)
    assert reply.headers["x-mock-outcome"] in ("success", "task-failed"), reply.text
    return task_of(provider, reply.json())


def heard(client: Client, provider: str, url: str, **headers: str) -> str:
    """As `ordered`, with a URL that is to be called."""
    operation, body = SONGS[provider]
    reply = send(client, provider, operation, json={**body, CALLBACK_FIELD[provider]: url}, **headers)
    assert reply.headers["x-mock-outcome"] in ("success", "task-failed"), reply.text
    return task_of(provider, reply.json())


def looked(client: Client, provider: str, task: str, key: str = "k") -> Any:
    """The body of a poll."""
    reply = poll(client, provider, task, key)
    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (200, "success"), reply.text
    return reply.json()


def state(client: Client, provider: str, task: str, key: str = "k") -> str:
    """The state that a poll shows."""
    return state_of(provider, looked(client, provider, task, key))


def watched(client: Client, provider: str, task: str, key: str = "k") -> list[str]:
    """The states that a polling loop sees, which ends with the first that is final."""
    seen: list[str] = []
    while not ENDS & set(seen):
        seen.append(state(client, provider, task, key))
        assert len(seen) < 40, seen
    return seen


def credits(client: Client, key: str = "k") -> Any:
    return client.get(f"/_mock/accounts/{key}").json()["credits"]


def songs_of(provider: str, body: Any) -> list[str]:
    """The songs that a poll of a finished task shows."""
    read = {
        "kie": lambda: [song["id"] for song in body["data"]["response"]["sunoData"]],
        "crun": lambda: [song["suno_id"] for song in body["data"]["result"]["suno_data"]],
        "evolink": lambda: [song["result_id"] for song in body["result_data"]["songs"]],
        "yuto": lambda: [clip["id"] for clip in body["data"]["data"]],
    }
    return read[provider]()


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


def stages(client: Client, task: str) -> list[str]:
    """The callbacks of a task, in the order of their coming."""
    entries = client.get("/_mock/callbacks").json()["callbacks"]
    return [entry["stage"] for entry in entries if entry["task"] == task]


class Receiver:
    """Answers every callback with 200 and keeps its body."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self._came = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                outer.keep(json.loads(self.rfile.read(length)))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def keep(self, body: Any) -> None:
        with self._came:
            self.bodies.append(body)
            self._came.notify_all()

    def wait(self, count: int) -> list[Any]:
        """The bodies, once so many have come."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.bodies) >= count, 10), self.bodies
            return list(self.bodies)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


# --- every state once --------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_polling_loop_sees_every_state_once_and_ends(client: Client, provider: str) -> None:
    task = ordered(client, provider)

    assert watched(client, provider, task) == WAY[provider]
    assert [state(client, provider, task) for _ in range(3)] == [WAY[provider][-1]] * 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_polling_loop_sees_a_task_fail_and_ends(client: Client, provider: str) -> None:
    task = ordered(client, provider, prefer="outcome=task-failed")

    assert watched(client, provider, task) == FAILING[provider]
    assert state(client, provider, task) == FAILING[provider][-1]


@pytest.mark.parametrize("failure", KIE_FAILING)
def test_each_failure_of_kie_comes_after_the_states_before_it(
    client: Client, control: Control, failure: str
) -> None:
    control.post("/outcomes", {"provider": "kie", "outcome": "task-failed", "error": failure})

    task = ordered(client, "kie")

    assert watched(client, "kie", task) == KIE_FAILING[failure]


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_three_polls_show_each_state_three_times(slow: Client, provider: str, failing: bool) -> None:
    task = ordered(slow, provider, **({"prefer": "outcome=task-failed"} if failing else {}))
    way = (FAILING if failing else WAY)[provider]

    assert watched(slow, provider, task) == [name for name in way[:-1] for _ in range(3)] + way[-1:]


def test_three_polls_show_the_three_steps_of_evolink(slow: Client) -> None:
    task = ordered(slow, "evolink")

    progress = [looked(slow, "evolink", task)["progress"] for _ in range(8)]

    assert progress == [0, 0, 0, 30, 60, 90, 100, 100]


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_failing_task_of_evolink_keeps_the_progress_it_was_seen_to_reach(
    make_client: MakeClient, count: int, seconds: float
) -> None:
    client = make_client(pace=f"polls:{count}")
    task = ordered(client, "evolink", prefer="outcome=task-failed")
    bodies = []

    for _ in range(2 * count + 1):
        bodies.append(looked(client, "evolink", task))
        client.post("/_mock/clock/advance", json={"seconds": seconds})

    assert [body["status"] for body in bodies] == [*["pending"] * count, *["processing"] * count, "failed"]
    progress = [body["progress"] for body in bodies]
    assert set(progress[:count]) == {0}
    assert set(progress[count:]) <= {30, 60}
    assert progress == sorted(progress)
    assert progress[-1] == progress[-2]


@pytest.mark.parametrize("failing", [False, True])
def test_a_persona_of_evolink_is_a_task_like_a_song(client: Client, failing: bool) -> None:
    task = ordered(client, "evolink")
    watched(client, "evolink", task)
    song = songs_of("evolink", looked(client, "evolink", task))[0]
    if failing:
        client.post("/_mock/outcomes", json={"provider": "evolink", "outcome": "task-failed"})

    made = persona(client, "evolink", task, song).json()["id"]
    seen = watched(client, "evolink", made)
    last = looked(client, "evolink", made)

    assert seen == (FAILING if failing else WAY)["evolink"]
    assert ("persona_id" in last.get("result_data", {})) is not failing
    again = persona(client, "evolink", task, song)
    assert again.headers["x-mock-outcome"] == ("success" if failing else "duplicate")


@pytest.mark.parametrize("failing", [False, True])
def test_a_fetch_of_several_is_a_poll_of_each(client: Client, failing: bool) -> None:
    headers = {"prefer": "outcome=task-failed"} if failing else {}
    tasks = [ordered(client, "yuto", **headers) for _ in range(2)]

    def fetched(*ids: str) -> dict[str, str]:
        body = {"ids": list(ids), "action": "MUSIC"}
        found = send(client, "yuto", "fetchTasks", json=body).json()["data"]
        return {task["task_id"]: task["status"] for task in found}

    together = [fetched(*tasks) for _ in range(4)]
    alone = [fetched(tasks[0]), fetched(tasks[0])]
    late = state(client, "yuto", tasks[1])

    way = (FAILING if failing else WAY)["yuto"]
    assert together == [dict.fromkeys(tasks, name) for name in way[:4]]
    assert alone == [{tasks[0]: way[4]}, {tasks[0]: way[4]}]
    assert late == way[4]


@pytest.mark.parametrize(
    ("failing", "way"),
    [
        (False, ["submitted", "submitted", "queued", "streaming", "complete", "complete"]),
        (True, ["submitted", "submitted", "queued", "IN_PROGRESS", "error", "error"]),
    ],
)
def test_two_clips_of_one_task_in_a_feed_are_one_poll(client: Client, failing: bool, way: list[str]) -> None:
    headers = {"prefer": "outcome=task-failed"} if failing else {}
    clips = [clip["id"] for clip in send(client, "yuto", "generateLegacy", **headers).json()]
    path = f"/suno/feed/{','.join(clips)}"

    seen = []
    for _ in way:
        reply = client.get(path, headers=credential("yuto", "k"))
        assert [clip["id"] for clip in reply.json()] == clips
        (shown,) = {clip["status"] for clip in reply.json()}
        seen.append(shown)

    # Whether a clip that is going to fail streams before is not said.
    shown_in_progress = {"IN_PROGRESS": seen[3]} if seen[3] in ("queued", "streaming") else {}
    assert seen == [shown_in_progress.get(name, name) for name in way]


def test_clips_of_one_task_in_two_feeds_are_two_polls(client: Client) -> None:
    clips = [clip["id"] for clip in send(client, "yuto", "generateLegacy").json()]

    seen = []
    for clip in (*clips, *clips, *clips):
        (shown,) = client.get(f"/suno/feed/{clip}", headers=credential("yuto", "k")).json()
        seen.append(shown["status"])

    assert seen == ["submitted", "submitted", "queued", "streaming", "complete", "complete"]


def test_of_many_polls_at_once_each_counts_once(live: Any) -> None:
    url = live(pace="polls:1", clock="real")
    with httpx2.Client(base_url=url, timeout=20) as client:
        order: dict[str, Any] = {"headers": credential("kie", "k"), "json": SONGS["kie"][1]}
        task = client.post("/api/v1/generate", **order).json()["data"]["taskId"]
        gate = threading.Barrier(12)

        def look(_: int) -> str:
            gate.wait(20)
            return state_of("kie", poll(client, "kie", task, "k").json())

        with ThreadPoolExecutor(12) as pool:
            seen = Counter(pool.map(look, range(12)))

    assert seen == {"PENDING": 1, "TEXT_SUCCESS": 1, "FIRST_SUCCESS": 1, "SUCCESS": 9}


# --- what does not move a task -----------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_time_moves_nothing(client: Client, control: Control, provider: str) -> None:
    task = ordered(client, provider)
    seen = []

    for name in WAY[provider]:
        control.post("/clock/advance", {"seconds": HOUR})
        first = control.get("/tasks")["tasks"][0]["state"]
        seen.append((first, state(client, provider, task)))
        control.post("/clock/advance", {"seconds": HOUR})
        assert control.get(f"/tasks/{task}")["state"] == name

    # Before the first poll a task stands where it begins; then where it was last seen.
    before = [WAY[provider][0], *WAY[provider][:-1]]
    assert seen == list(zip(before, WAY[provider], strict=True))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_real_clock_moves_nothing_either(make_client: MakeClient, provider: str) -> None:
    client = make_client(pace="polls:2", clock="real")
    task = ordered(client, provider)

    assert watched(client, provider, task) == [
        *(name for name in WAY[provider][:-1] for _ in range(2)),
        WAY[provider][-1],
    ]


EXAMPLES = {"kie": "success", "crun": "success", "evolink": "completed", "yuto": "SUCCESS"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_poll_that_shows_nothing_of_the_task_does_not_count(
    client: Client, control: Control, provider: str
) -> None:
    task = ordered(client, provider)
    path = POLLS[provider].format(task)
    own = credential(provider, "k")
    for name in WAY[provider]:
        client.get(path, headers=credential(provider, "somebody-else"))
        client.get(path)
        client.get(path, headers={**own, "prefer": f"example={EXAMPLES[provider]}"})
        client.get(path, headers={**own, "prefer": "outcome=server-error"})
        client.get(path, headers={**own, "prefer": "code=401"})
        control.post("/outcomes", {"provider": provider, "outcome": "server-error"})
        refused = client.get(path, headers=own)
        assert refused.headers["x-mock-outcome"] == "server-error"

        assert state(client, provider, task) == name


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_look_from_outside_does_not_count(client: Client, control: Control, provider: str) -> None:
    task = ordered(client, provider)

    for name in WAY[provider]:
        for path in ("/tasks", f"/tasks/{task}", "/state", "/accounts/k", "/callbacks", "/requests"):
            control.get(path)
        assert state(client, provider, task) == name
        viewed = control.get(f"/tasks/{task}")
        assert (viewed["state"], state_of(provider, viewed["view"])) == (name, name)


def test_a_poll_over_the_limit_does_not_count(make_client: MakeClient) -> None:
    client = make_client(pace="polls:2", quirk=("kie.poll_limit=on",))
    task = ordered(client, "kie")

    first = [poll(client, "kie", task, "k").json() for _ in range(9)]
    client.post("/_mock/clock/advance", json={"seconds": 1})
    then = state(client, "kie", task)

    assert [body["code"] for body in first] == [200] * 3 + [429] * 6
    assert [state_of("kie", body) for body in first[:3]] == ["PENDING", "PENDING", "TEXT_SUCCESS"]
    assert then == "TEXT_SUCCESS"


def test_polls_of_one_task_move_no_other(client: Client) -> None:
    first, second = ordered(client, "kie"), ordered(client, "kie")

    watched(client, "kie", first)

    assert watched(client, "kie", second) == WAY["kie"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_submission_is_answered_as_ever(make_client: MakeClient, provider: str) -> None:
    bodies = [
        submission(make_client(**settings), provider).content
        for settings in ({}, {"pace": "polls:1"}, {"pace": "polls:3"})
    ]

    assert len(set(bodies)) == 1


def test_the_older_generate_is_answered_as_ever(make_client: MakeClient) -> None:
    bodies = [
        send(make_client(**settings), "yuto", "generateLegacy").content
        for settings in ({}, {"pace": "polls:1"})
    ]

    assert bodies[0] == bodies[1]


def test_a_final_task_stays_as_it_was_first_shown(client: Client, control: Control) -> None:
    task = ordered(client, "crun")
    states = []
    for _ in range(3):
        control.post("/clock/advance", {"seconds": 500})
        states.append(looked(client, "crun", task)["data"])

    control.post("/clock/advance", {"seconds": HOUR})
    later = looked(client, "crun", task)["data"]

    assert [data["status"] for data in states] == WAY["crun"]
    assert (states[2]["create_at"], states[2]["complete_at"]) == (START, START + 1500)
    assert later == states[2]


def test_a_song_that_is_shown_can_be_heard(client: Client) -> None:
    task = ordered(client, "kie")
    shown = []

    for _ in WAY["kie"]:
        response = looked(client, "kie", task)["data"]["response"]
        urls = [song["audioUrl"] for song in (response or {}).get("sunoData", [])]
        shown.append([client.get(url).status_code for url in urls if url])

    assert shown == [[], [], [200], [200, 200]]


# --- what hangs on it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_credits_come_back_when_the_failure_is_first_shown(
    client: Client, control: Control, provider: str
) -> None:
    task = ordered(client, provider, prefer="outcome=task-failed")
    balances = []

    for _ in FAILING[provider]:
        control.post("/clock/advance", {"seconds": HOUR})
        balances.append(credits(client))
        state(client, provider, task)

    assert balances == [1000 - PRICES[provider]] * len(FAILING[provider])
    assert credits(client) == 1000
    assert state(client, provider, task) == FAILING[provider][-1]
    assert credits(client) == 1000


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_song_becomes_a_persona_right_after_its_last_poll(client: Client, provider: str) -> None:
    other = ordered(client, provider)
    watched(client, provider, other)
    known = songs_of(provider, looked(client, provider, other))
    task = ordered(client, provider)
    outcomes = []
    song = "00000000-0000-4000-8000-000000000000"

    for name in WAY[provider][:-1]:
        body = looked(client, provider, task)
        assert state_of(provider, body) == name
        if provider != "yuto":
            outcomes.append(persona(client, provider, task, song).headers["x-mock-outcome"])
    songs = songs_of(provider, looked(client, provider, task))
    made = persona(client, provider, task, songs[0])

    # yuto is told a clip only, which nobody knows before it is shown.
    assert set(outcomes) <= {"source-unfinished"}
    assert made.headers["x-mock-outcome"] == "success", made.text
    assert not set(songs) & set(known)


def test_a_streaming_clip_is_no_source_before_the_last_poll(client: Client) -> None:
    clip = send(client, "yuto", "generateLegacy").json()[0]["id"]
    outcomes = []

    for _ in range(5):
        outcomes.append(persona(client, "yuto", "", clip).headers["x-mock-outcome"])
        client.get(f"/suno/feed/{clip}", headers=credential("yuto", "k"))

    assert outcomes == ["source-unfinished"] * 5
    assert persona(client, "yuto", "", clip).headers["x-mock-outcome"] == "success"


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("kie", [[], ["text"], ["text", "first"], ["text", "first", "complete"]]),
        ("crun", [[], [], ["complete"]]),
        ("yuto", [[], [], [], [], ["complete"]]),
    ],
)
def test_a_callback_is_due_when_its_state_is_first_shown(
    client: Client, control: Control, receiver: Receiver, provider: str, told: list[list[str]]
) -> None:
    task = heard(client, provider, receiver.url)
    control.post("/clock/advance", {"seconds": HOUR})
    assert stages(client, task) == []

    for expected in told:
        state(client, provider, task)
        assert stages(client, task) == expected
        assert len(receiver.wait(len(expected))) == len(expected)
    state(client, provider, task)

    assert stages(client, task) == told[-1]


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("kie", [[], ["text"], ["text", "error"]]),
        ("crun", [[], [], ["error"]]),
        ("yuto", [[], [], [], [], ["error"]]),
    ],
)
def test_an_error_is_told_when_the_failure_is_first_shown(
    client: Client, receiver: Receiver, provider: str, told: list[list[str]], seconds: float
) -> None:
    task = heard(client, provider, receiver.url, prefer="outcome=task-failed")

    for expected in told:
        state(client, provider, task)
        assert stages(client, task) == expected
        client.post("/_mock/clock/advance", json={"seconds": seconds})
    assert len(receiver.wait(len(told[-1]))) == len(told[-1])


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ("GENERATE_AUDIO_FAILED", ["text", "error"]),
        ("CALLBACK_EXCEPTION", ["text", "error"]),
        ("CREATE_TASK_FAILED", ["error"]),
        ("SENSITIVE_WORD_ERROR", ["error"]),
    ],
)
def test_each_failure_of_kie_is_told_with_what_came_before(
    client: Client, control: Control, receiver: Receiver, failure: str, told: list[str], seconds: float
) -> None:
    control.post("/outcomes", {"provider": "kie", "outcome": "task-failed", "error": failure})
    task = heard(client, "kie", receiver.url)

    while state(client, "kie", task) not in ENDS:
        control.post("/clock/advance", {"seconds": seconds})

    assert stages(client, task) == told
    assert [body["data"]["callbackType"] for body in receiver.wait(len(told))] == told


def test_kie_delivers_in_order_while_it_is_polled(client: Client, receiver: Receiver) -> None:
    heard(client, "kie", receiver.url)
    task = heard(client, "kie", NOBODY)
    watched(client, "kie", task)
    other = client.get("/_mock/tasks").json()["tasks"][0]["id"]

    watched(client, "kie", other)
    bodies = receiver.wait(3)

    assert [body["data"]["callbackType"] for body in bodies] == ["text", "first", "complete"]
    assert {body["data"]["task_id"] for body in bodies} == {other}
    assert [len(body["data"]["data"]) for body in bodies] == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_all_three_callbacks_of_evolink_come_however_few_the_polls(
    make_client: MakeClient, receiver: Receiver, count: int
) -> None:
    client = make_client(pace=f"polls:{count}")
    task = heard(client, "evolink", receiver.url)
    seen = []

    for _ in range(2 * count + 1):
        status = state(client, "evolink", task)
        seen.append((status, stages(client, task)))
    bodies = receiver.wait(3)

    assert seen[-1] == ("completed", ["text", "first", "complete"])
    assert {tuple(told) for status, told in seen if status == "pending"} == {()}
    running = [told for status, told in seen if status == "processing"]
    assert running[0][:1] == ["text"]
    assert running[-1] == ["text", "first"]
    assert [body["status"] for body in bodies] == ["processing", "processing", "completed"]
    assert [body["progress"] for body in bodies] == [30, 60, 100]
    songs = [len((body.get("result_data") or {}).get("songs", [])) for body in bodies]
    assert songs == [0, 1, 2]


def test_callbacks_come_by_themselves_from_a_real_server(live: Any, receiver: Receiver) -> None:
    url = live(pace="polls:1", clock="real")
    with httpx2.Client(base_url=url, timeout=20) as client:
        body = {**KIE_SONG, "callBackUrl": receiver.url}
        order: dict[str, Any] = {"headers": credential("kie", "k"), "json": body}
        task = client.post("/api/v1/generate", **order).json()["data"]["taskId"]
        for count, name in enumerate(WAY["kie"]):
            assert state_of("kie", poll(client, "kie", task, "k").json()) == name
            bodies = receiver.wait(count)

    assert [body["data"]["callbackType"] for body in bodies] == ["text", "first", "complete"]


# --- to the end --------------------------------------------------------------------------------------------


def test_idle_takes_every_task_to_its_end_stage_by_stage(
    client: Client, control: Control, receiver: Receiver
) -> None:
    tasks = {provider: heard(client, provider, receiver.url) for provider in PROVIDERS}
    state(client, "kie", tasks["kie"])
    state(client, "kie", tasks["kie"])
    failing = heard(client, "kie", receiver.url, prefer="outcome=task-failed")
    receiver.wait(1)

    answer = control.post("/clock/advance", {"until": "idle"})

    told = {task: stages(client, task) for task in (*tasks.values(), failing)}
    assert told == {
        tasks["kie"]: ["text", "first", "complete"],
        tasks["crun"]: ["complete"],
        tasks["evolink"]: ["text", "first", "complete"],
        tasks["yuto"]: ["complete"],
        failing: ["text", "error"],
    }
    assert (answer["delivered"], answer["gave_up"]) == (9, 0)
    assert len(receiver.bodies) == 10
    shown = {task["id"]: task["state"] for task in control.get("/tasks")["tasks"]}
    assert shown == {task: WAY[name][-1] for name, task in tasks.items()} | {failing: "GENERATE_AUDIO_FAILED"}
    assert {name: state(client, name, task) for name, task in tasks.items()} == {
        name: way[-1] for name, way in WAY.items()
    }
    assert credits(client) == 1000 - 12 - 12 - 10 - 10
    assert control.post("/clock/advance", {"until": "idle"})["delivered"] == 0


def test_idle_takes_planted_tasks_to_their_end_too(client: Client, control: Control) -> None:
    for provider in PROVIDERS:
        control.post("/tasks", {"provider": provider, "status": "waiting"})
    control.post("/tasks", {"provider": "evolink", "kind": "persona", "status": "running"})

    control.post("/clock/advance", {"until": "idle"})

    assert {task["status"] for task in control.get("/tasks")["tasks"]} == {"finished"}


def test_idle_needs_a_virtual_clock_under_this_pace_as_well(make_client: MakeClient) -> None:
    control = Control(make_client(pace="polls:1", clock="real"))

    status, slug, _ = control.refused("POST", "/clock/advance", json={"until": "idle"})

    assert (status, slug) == (409, "clock-is-real")


# --- pushed, planted, moved --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "asked", "rest"),
    [
        ("kie", "TEXT_SUCCESS", ["TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]),
        ("kie", "running", ["TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]),
        ("kie", "FIRST_SUCCESS", ["FIRST_SUCCESS", "SUCCESS"]),
        ("kie", "finished", ["SUCCESS"]),
        ("kie", "CALLBACK_EXCEPTION", ["CALLBACK_EXCEPTION"]),
        ("crun", "running", ["running", "success"]),
        ("crun", "failed", ["failed"]),
        ("evolink", "processing", ["processing", "completed"]),
        ("evolink", "completed", ["completed"]),
        ("yuto", "QUEUED", ["QUEUED", "IN_PROGRESS", "SUCCESS"]),
        ("yuto", "FAILURE", ["FAILURE"]),
    ],
)
def test_a_pushed_task_goes_on_from_there_by_polls(
    client: Client, control: Control, provider: str, asked: str, rest: list[str]
) -> None:
    task = ordered(client, provider)
    state(client, provider, task)

    pushed = control.call("PATCH", f"/tasks/{task}", json={"status": asked}).json()
    control.post("/clock/advance", {"seconds": HOUR})

    assert pushed["state"] == control.get(f"/tasks/{task}")["state"] == rest[0]
    assert watched(client, provider, task) == rest


@pytest.mark.parametrize("end", ["finished", "failed"])
def test_a_task_pushed_back_walks_again(client: Client, control: Control, end: str) -> None:
    task = ordered(client, "kie")
    watched(client, "kie", task)
    control.call("PATCH", f"/tasks/{task}", json={"status": end})

    pushed = control.call("PATCH", f"/tasks/{task}", json={"status": "PENDING"})

    assert pushed.json()["state"] == "PENDING"
    assert watched(client, "kie", task) == WAY["kie"]


@pytest.mark.parametrize("seconds", [0, 1])
@pytest.mark.parametrize("polls", [1, 2])
def test_a_task_pushed_to_its_failure_keeps_the_progress_it_was_seen_to_reach(
    client: Client, control: Control, polls: int, seconds: float
) -> None:
    task = ordered(client, "evolink")
    for _ in range(polls):
        shown = looked(client, "evolink", task)["progress"]
    control.post("/clock/advance", {"seconds": seconds})

    pushed = control.call("PATCH", f"/tasks/{task}", json={"status": "failed"}).json()

    assert pushed["view"]["progress"] == looked(client, "evolink", task)["progress"] == shown


def test_a_pushed_state_is_shown_as_often_as_any(slow: Client) -> None:
    task = ordered(slow, "kie")
    state(slow, "kie", task)

    slow.request("PATCH", f"/_mock/tasks/{task}", json={"status": "TEXT_SUCCESS"})

    assert watched(slow, "kie", task) == ["TEXT_SUCCESS"] * 3 + ["FIRST_SUCCESS"] * 3 + ["SUCCESS"]


def test_a_pushed_progress_is_gone_on_from(client: Client, control: Control) -> None:
    kie, evolink = ordered(client, "kie"), ordered(client, "evolink")

    first = control.call("PATCH", f"/tasks/{kie}", json={"progress": 70}).json()["state"]
    second = control.call("PATCH", f"/tasks/{evolink}", json={"progress": 90}).json()["view"]["progress"]

    assert (first, second) == ("FIRST_SUCCESS", 90)
    assert watched(client, "kie", kie) == ["FIRST_SUCCESS", "SUCCESS"]
    assert watched(client, "evolink", evolink) == ["processing", "completed"]


@pytest.mark.parametrize(
    ("provider", "status", "way"),
    [
        *((provider, "waiting", WAY[provider]) for provider in PROVIDERS),
        ("kie", "running", ["TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]),
        ("kie", "FIRST_SUCCESS", ["FIRST_SUCCESS", "SUCCESS"]),
        ("crun", "running", ["running", "success"]),
        ("evolink", "running", ["processing", "completed"]),
        ("yuto", "QUEUED", ["QUEUED", "IN_PROGRESS", "SUCCESS"]),
        ("yuto", "running", ["IN_PROGRESS", "SUCCESS"]),
    ],
)
def test_a_planted_task_goes_on_by_polls(
    client: Client, control: Control, provider: str, status: str, way: list[str]
) -> None:
    planted = control.post("/tasks", {"provider": provider, "status": status, "key": "k"})
    control.post("/clock/advance", {"seconds": HOUR})

    assert state_of(provider, planted["view"]) == way[0]
    assert watched(client, provider, planted["source_task"]) == way
    assert credits(client) == 1000


@pytest.mark.parametrize("kind", ["upload", "lyrics"])
def test_other_tasks_go_by_polls_as_songs_do(client: Client, control: Control, kind: str) -> None:
    planted = control.post("/tasks", {"provider": "yuto", "kind": kind, "status": "waiting", "key": "k"})

    assert watched(client, "yuto", planted["source_task"]) == WAY["yuto"]


def moved(source: Client, target: Client) -> None:
    """Carry a sandbox from one server to another."""
    reply = target.request("PUT", "/_mock/state", json=source.get("/_mock/state").json())
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_seen_half_way_goes_on_by_time_at_another_server(
    make_client: MakeClient, provider: str
) -> None:
    source, target = make_client(pace="polls:1"), make_client()
    task = ordered(source, provider)
    for name in WAY[provider][:2]:
        assert state(source, provider, task) == name

    moved(source, target)
    seen = [state(target, provider, task) for _ in range(3)]
    while seen[-1] != WAY[provider][-1]:
        target.post("/_mock/clock/advance", json={"seconds": 2})
        seen.append(state(target, provider, task))
        assert len(seen) < 100

    # Looking does not move it there, and no state that is still to come is left out.
    assert seen[:3] == [WAY[provider][1]] * 3
    assert list(dict.fromkeys(seen)) == WAY[provider][1:]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_half_way_in_time_goes_on_by_polls_at_another_server(
    make_client: MakeClient, provider: str
) -> None:
    source, target = make_client(), make_client(pace="polls:1")
    task = ordered(source, provider)
    while state(source, provider, task) != WAY[provider][-2]:
        source.post("/_mock/clock/advance", json={"seconds": 2})

    moved(source, target)
    target.post("/_mock/clock/advance", json={"seconds": HOUR})

    assert watched(target, provider, task) == WAY[provider][-2:]


def test_a_task_seen_half_way_goes_on_at_a_server_of_other_polls(make_client: MakeClient) -> None:
    source, target = make_client(pace="polls:1"), make_client(pace="polls:2")
    task = ordered(source, "kie")
    for name in WAY["kie"][:2]:
        assert state(source, "kie", task) == name

    moved(source, target)
    seen = watched(target, "kie", task)

    assert "PENDING" not in seen
    assert seen[-3:] == ["FIRST_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]


def test_a_failing_task_that_is_moved_gives_its_credits_back_once(make_client: MakeClient) -> None:
    source, target = make_client(pace="polls:1"), make_client()
    task = ordered(source, "kie", prefer="outcome=task-failed")
    state(source, "kie", task)

    moved(source, target)
    before = credits(target)
    target.post("/_mock/clock/advance", json={"until": "idle"})
    after = credits(target)
    back = make_client(pace="polls:1")
    moved(target, back)

    assert (before, after, credits(back)) == (988, 1000, 1000)
    assert state(back, "kie", task) == "GENERATE_AUDIO_FAILED"
    assert credits(back) == 1000


# --- the same bytes, the journal, the command --------------------------------------------------------------


def told(client: Client) -> list[bytes]:
    """A story of four songs and their personas; every body of it."""
    bodies = []
    for provider in PROVIDERS:
        answers = [submission(client, provider), submission(client, provider, prefer="outcome=task-failed")]
        bodies += [answer.content for answer in answers]
        for answer in answers:
            task = task_of(provider, answer.json())
            while True:
                reply = poll(client, provider, task, "k")
                bodies.append(reply.content)
                if state_of(provider, reply.json()) in ENDS:
                    break
            if answer is answers[0]:
                song = songs_of(provider, reply.json())[0]
                bodies.append(persona(client, provider, task, song).content)
    return bodies


def test_the_same_calls_answer_the_same_bytes(make_client: MakeClient) -> None:
    first, second = told(make_client(pace="polls:1")), told(make_client(pace="polls:1"))

    assert first == second
    assert len(set(first)) > len(first) // 2


def test_the_journal_and_the_coverage_know_each_state_that_was_shown(
    client: Client, control: Control
) -> None:
    task = ordered(client, "kie")

    watched(client, "kie", task)

    entries = control.requests(operation="getMusicDetails")
    met = control.get("/coverage")["providers"]["kie"]["operations"]["getMusicDetails"]["states"]
    assert [entry["state"] for entry in entries] == WAY["kie"]
    assert {name for name, count in met.items() if count == 1} == set(WAY["kie"])


def persona_mock(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PERSONA_MOCK_")}
    return subprocess.run(
        [sys.executable, "-m", "mockserver", "serve", *arguments],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "pace", ["polls:0", "polls:", "polls:x", "polls:1.5", "polls:-1", "polls", "polls: 1"]
)
def test_a_number_of_polls_that_is_none_is_wrong_usage(tmp_path: Path, pace: str) -> None:
    done = persona_mock(tmp_path, "--port", "0", "--pace", pace)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"persona-mock: --pace: got '{pace}', wanted ")
    assert "polls:N" in done.stderr


def test_the_command_takes_a_number_of_polls(tmp_path: Path) -> None:
    done = persona_mock(tmp_path, "--pace", "polls:2", "--print-config")

    assert done.returncode == 0
    assert "polls:2" in done.stdout
