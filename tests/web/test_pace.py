"""`--pace`: how fast a task goes, under either clock; the first tests hand in a clock of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.domain.ports import Tx
from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.conftest import Client, MakeClient

KIE = {"authorization": "Bearer key"}
CRUN = {"x-api-key": "key"}
KIE_SONG = {
    "prompt": "A calm piano piece",
    "customMode": False,
    "instrumental": True,
    "model": "V4_5",
    "callBackUrl": "https://example.com/callback",
}
CRUN_SONG = {
    "model": "suno/music-generate",
    "input": {"mode": "simple", "model": "v5", "prompt": "A calm song"},
}
EVOLINK_SONG = {"model": "suno-v5-beta", "prompt": "A calm song"}
YUTO_SONG = {"mv": "chirp-v4", "gpt_description_prompt": "a calm song"}


class Stopwatch:
    """A real clock, as far as the server can tell; it goes on when a test says so."""

    mode = "real"

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self, tx: Tx) -> float:
        return self.time

    def ahead(self, tx: Tx, seconds: float) -> int:
        raise NotImplementedError

    def until(self, tx: Tx, epoch: float) -> int:
        raise NotImplementedError

    def move(self, tx: Tx, micros: int) -> None:
        raise NotImplementedError

    def bring(self, tx: Tx, epoch: float) -> None:
        raise NotImplementedError

    def elapsed(self) -> float:
        return 0.0


def kie_state(client: Client, task: str) -> str:
    reply = client.get(f"/api/v1/generate/record-info?taskId={task}", headers=KIE)
    state: str = reply.json()["data"]["status"]
    return state


def submitted(client: Client) -> str:
    task: str = client.post("/api/v1/generate", json=KIE_SONG, headers=KIE).json()["data"]["taskId"]
    return task


@pytest.mark.parametrize(
    ("pace", "seconds"), [(20, 6.0), ("real", 120.0), (1, 120.0), (0.5, 240.0), (1000, 0.12)]
)
def test_a_factor_divides_the_providers_seconds_under_a_real_clock(
    pace: float | str, seconds: float, tmp_path: Path
) -> None:
    clock = Stopwatch()
    settings = Settings.load({"pace": str(pace), "seed": "0"}, {}, folder=tmp_path)
    client = Client(create_app(settings, clock=clock))
    task = submitted(client)
    states = []

    for share in (0.0, 0.24, 0.26, 0.59, 0.61, 0.99, 1.01):
        clock.time = 1_800_000_000.0 + seconds * share
        states.append(kie_state(client, task))

    assert states == [
        "PENDING",
        "PENDING",
        "TEXT_SUCCESS",
        "TEXT_SUCCESS",
        "FIRST_SUCCESS",
        "FIRST_SUCCESS",
        "SUCCESS",
    ]


def test_the_default_is_twenty_times_as_fast_as_the_provider() -> None:
    clock = Stopwatch()
    client = Client(create_app(Settings(seed=0), clock=clock))
    task = submitted(client)

    clock.time += 5.9
    before = kie_state(client, task)
    clock.time += 0.2
    after = kie_state(client, task)

    assert (before, after) == ("FIRST_SUCCESS", "SUCCESS")


def test_stamps_and_retention_are_not_scaled() -> None:
    clock = Stopwatch()
    client = Client(create_app(Settings(seed=0), clock=clock))
    task = submitted(client)
    clock.time += 6

    shown = client.get(f"/api/v1/generate/record-info?taskId={task}", headers=KIE).json()["data"]
    url = shown["response"]["sunoData"][0]["audioUrl"]
    clock.time += 14 * 86_400 - 1
    kept = client.get(url).status_code
    clock.time += 1
    gone = client.get(url).status_code

    assert shown["createTime"] == 1_800_000_000_000
    assert (kept, gone) == (200, 410)


def test_a_virtual_clock_knows_no_factor(make_client: MakeClient) -> None:
    client = make_client(pace=1000.0)
    task = submitted(client)

    client.post("/_mock/clock/advance", json={"seconds": 119})
    before = kie_state(client, task)
    client.post("/_mock/clock/advance", json={"seconds": 1})

    assert (before, kie_state(client, task)) == ("FIRST_SUCCESS", "SUCCESS")


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_instant_tasks_are_final_when_their_submission_is_answered(
    make_client: MakeClient, clock: str
) -> None:
    client = make_client(pace="instant", clock=clock)

    kie = submitted(client)
    crun = client.post("/api/v1/client/job/CreateTask", json=CRUN_SONG, headers=CRUN).json()["data"][
        "task_id"
    ]
    evolink = client.post("/v1/audios/generations", json=EVOLINK_SONG, headers=KIE).json()["id"]
    yuto = client.post("/suno/submit/music", json=YUTO_SONG, headers=KIE).json()["data"]

    assert kie_state(client, kie) == "SUCCESS"
    crun_task = client.get(f"/api/v1/client/job/TaskInfo?task_id={crun}", headers=CRUN).json()["data"]
    assert crun_task["status"] == "success"
    assert client.get(f"/v1/tasks/{evolink}", headers=KIE).json()["status"] == "completed"
    assert client.get(f"/suno/fetch/{yuto}", headers=KIE).json()["data"]["status"] == "SUCCESS"


def test_an_instant_task_that_fails_has_failed_at_once_and_cost_nothing(make_client: MakeClient) -> None:
    client = make_client(pace="instant")
    headers = {**KIE, "prefer": "outcome=task-failed"}

    task = client.post("/api/v1/generate", json=KIE_SONG, headers=headers).json()["data"]["taskId"]

    assert kie_state(client, task) == "GENERATE_AUDIO_FAILED"
    assert client.get("/api/v1/chat/credit", headers=KIE).json()["data"] == 1000


def test_a_persona_can_be_made_at_once_of_an_instant_song(make_client: MakeClient) -> None:
    client = make_client(pace="instant")
    order = client.post("/v1/audios/generations", json=EVOLINK_SONG, headers=KIE).json()
    songs = client.get(f"/v1/tasks/{order['id']}", headers=KIE).json()["result_data"]["songs"]
    params = {
        "source_task_id": order["id"],
        "result_id": songs[0]["result_id"],
        "name": "Jazz Vocalist",
        "description": "Smooth jazz vocal style",
    }

    made = client.post(
        "/v1/audios/generations", json={"model": "suno-persona", "model_params": params}, headers=KIE
    ).json()

    done = client.get(f"/v1/tasks/{made['id']}", headers=KIE).json()
    assert done["status"] == "completed"
    assert len(done["result_data"]["persona_id"]) == 32
