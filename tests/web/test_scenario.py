"""Scenario files: what every sandbox begins with, and what is wrong in a file that cannot be."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockserver.domain.ports import Store
from mockserver.settings import Settings, UsageError
from mockserver.store.memory import MemoryStore
from mockserver.web.app import create_app
from mockserver.web.scenario import Begun
from tests.conftest import Client, MakeClient
from tests.web.calls import CALLS, CRUN_SONG, EVOLINK_SONG, KIE_SONG, YUTO_SONG, credential, send
from tests.web.receiver import Receiver as Listening
from tests.web.receiver import song

CREDIT = "/kie/api/v1/chat/credit"
DEMO = {"Authorization": "Bearer demo"}
SHIPPED = ("a-bad-day", "a-poor-account", "flaky-callbacks")
SONGS: dict[str, tuple[str, dict[str, Any]]] = {
    "kie": ("generateMusic", KIE_SONG),
    "crun": ("createTask", CRUN_SONG),
    "evolink": ("generateMusic", EVOLINK_SONG),
    "yuto": ("submitMusic", YUTO_SONG),
}
POLLS = {"kie": "getMusicDetails", "crun": "getTaskInfo", "evolink": "getTask", "yuto": "fetchTask"}

DAY = """
description: All that a scenario may say.
clock: {now: '2026-03-01T12:00:00Z'}
accounts:
  - {key: demo, credits: 25, rate_limit: {count: 2, seconds: 60}, webhookHmacKey: s3cret}
  - {key: other, credits: 0.5}
tasks:
  - {provider: kie, key: demo, model: V4_5}
  - {provider: evolink, status: failed, error: generation_timeout}
outcomes:
  - {provider: kie, operation: getCredits, outcome: maintenance, times: 2}
faults:
  - {fault: gateway, provider: yuto, status: 504, times: null}
"""
# The same, as somebody would make it by hand.
BY_HAND: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/_mock/clock/set", {"now": "2026-03-01T12:00:00Z"}),
    (
        "PATCH",
        "/_mock/accounts/demo",
        {"credits": 25, "rate_limit": {"count": 2, "seconds": 60}, "webhookHmacKey": "s3cret"},
    ),
    ("PATCH", "/_mock/accounts/other", {"credits": 0.5}),
    ("POST", "/_mock/tasks", {"provider": "kie", "key": "demo", "model": "V4_5"}),
    ("POST", "/_mock/tasks", {"provider": "evolink", "status": "failed", "error": "generation_timeout"}),
    (
        "POST",
        "/_mock/outcomes",
        {"provider": "kie", "operation": "getCredits", "outcome": "maintenance", "times": 2},
    ),
    ("POST", "/_mock/faults", {"fault": "gateway", "provider": "yuto", "status": 504, "times": None}),
)
LISTS = ("clock", "accounts/demo", "accounts/other", "tasks", "outcomes", "faults", "state")

Write = Callable[..., Path]
Live = Callable[..., str]


POOR = "accounts: [{key: demo, credits: 25}]"


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Writes a scenario file and gives its path."""

    def write(text: str, name: str = "day.yaml") -> Path:
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path / name

    return write


def look(client: Client, sandbox: str = "") -> dict[str, Any]:
    """All that a sandbox holds, as the control API shows it."""
    return {name: client.get(f"{sandbox}/_mock/{name}").json() for name in LISTS}


def by_hand(client: Client, sandbox: str = "") -> None:
    """Make what DAY describes, call by call."""
    for method, path, body in BY_HAND:
        reply = client.request(method, sandbox + path, json=body)
        assert reply.status_code == 200, reply.text


# --- what a sandbox begins with ----------------------------------------------------------------------------


@pytest.mark.parametrize("sandbox", ["", "/_sandbox/alice"])
def test_every_sandbox_begins_as_the_same_control_calls_would_make_it(
    make_client: MakeClient, store: Store, written: Write, sandbox: str
) -> None:
    begun = make_client(scenario=written(DAY), store=store)
    plain = make_client()
    by_hand(plain, sandbox)

    found = look(begun, sandbox)

    assert found == look(plain, sandbox)
    assert found["clock"]["now"] == "2026-03-01T12:00:00Z"
    assert found["accounts/demo"]["credits"] == 25
    assert found["accounts/demo"]["webhookHmacKey"] == "set"
    assert len(found["tasks"]["tasks"]) == 2
    assert [item["left"] for item in found["outcomes"]["outcomes"]] == [2]
    assert [item["status"] for item in found["faults"]["faults"]] == [504]


def test_its_first_use_may_be_a_call_of_a_client(make_client: MakeClient, written: Write) -> None:
    client = make_client(scenario=written(DAY))

    codes = [client.get(CREDIT, headers=DEMO).json()["code"] for _ in range(3)]
    credits = client.get(CREDIT, headers=DEMO).json()["data"]

    assert codes == [455, 455, 200]
    assert credits == 25


def test_every_sandbox_has_its_own(make_client: MakeClient, written: Write) -> None:
    client = make_client(scenario=written(DAY))
    for _ in range(2):
        client.get(CREDIT, headers=DEMO)

    elsewhere = client.get(f"/_sandbox/bob{CREDIT}", headers=DEMO)

    assert elsewhere.json()["code"] == 455


@pytest.mark.parametrize("end", [("POST", "/_mock/reset"), ("DELETE", "/_mock/sandboxes/default")])
def test_an_emptied_sandbox_begins_with_it_again(
    make_client: MakeClient, store: Store, written: Write, end: tuple[str, str]
) -> None:
    client = make_client(scenario=written(DAY), store=store)
    before = look(client)
    for _ in range(3):
        client.get(CREDIT, headers=DEMO)
    client.delete("/_mock/faults")

    assert client.request(*end).status_code == 200

    assert look(client) == before


def test_a_state_that_is_brought_replaces_it_for_good(
    make_client: MakeClient, store: Store, written: Write
) -> None:
    empty = make_client().get("/_mock/state").json()
    client = make_client(scenario=written(DAY), store=store)

    assert client.request("PUT", "/_mock/state", json=empty).status_code == 200

    assert client.get("/_mock/tasks").json() == {"tasks": []}
    assert client.get(CREDIT, headers=DEMO).json()["code"] == 200
    assert client.get("/_mock/state").json()["accounts"] == []


def test_what_was_used_up_stays_so(make_client: MakeClient, written: Write) -> None:
    client = make_client(scenario=written(DAY))

    for listed in ("outcomes", "faults"):
        client.delete(f"/_mock/{listed}")

    assert client.get("/_mock/outcomes").json() == {"outcomes": []}
    assert client.get("/_mock/faults").json() == {"faults": []}


def test_a_server_that_starts_anew_on_a_kept_store_goes_on_where_it_was(
    make_client: MakeClient, written: Write
) -> None:
    store = MemoryStore()
    make_client(scenario=written(DAY), store=store).delete("/_mock/outcomes")

    again = make_client(scenario=written(DAY), store=store)

    assert again.get("/_mock/outcomes").json() == {"outcomes": []}
    assert len(again.get("/_mock/tasks").json()["tasks"]) == 2


def test_many_first_calls_at_once_begin_one_sandbox(live: Live, written: Write) -> None:
    base = live(scenario=written(DAY), clock="virtual")

    with httpx2.Client(base_url=base, headers=DEMO) as client, ThreadPoolExecutor(8) as pool:
        codes = [reply.json()["code"] for reply in pool.map(lambda _: client.get(CREDIT), range(16))]
        tasks = client.get("/_mock/tasks").json()["tasks"]

    assert sorted(codes) == [200] * 14 + [455] * 2
    assert len(tasks) == 2


def test_who_begins_a_sandbox_second_brings_back_nothing(store: Store) -> None:
    turns: list[str] = []

    def made(sandbox: str) -> list[tuple[str, bytes]]:
        turns.append(sandbox)
        if len(turns) == 1:
            # While the first still makes his, another begins the sandbox and uses something up.
            begun.run(sandbox, lambda tx: tx.delete("fault"))
        return [("fault", b"1"), ("task", b"2")]

    begun = Begun(store, made, lambda sandbox: None)
    left = begun.run("a", lambda tx: (tx.get("fault"), tx.get("task")))

    assert turns == ["a", "a"]
    assert left == (None, b"2")


@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_a_planted_task_under_way_goes_on_and_is_told(live: Live, written: Write, clock: str) -> None:
    scenario = written("tasks: [{provider: kie, status: PENDING}]")
    base = live(scenario=scenario, clock=clock, pace=500)

    httpx2.get(f"{base}/_mock/tasks")
    if clock == "virtual":
        httpx2.post(f"{base}/_mock/clock/advance", json={"until": "idle"})
    headers = {"Last-Event-ID": "0"}
    with httpx2.stream("GET", f"{base}/_mock/events", headers=headers, timeout=20) as response:
        told: list[str] = []
        for line in response.iter_lines():
            assert line != ": nothing new", told
            if line.startswith("data: "):
                told.append(json.loads(line[6:])["state"])
            if told[-1:] == ["SUCCESS"]:
                break

    assert told[-3:] == ["TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]


def test_a_deleted_sandbox_does_not_come_back_by_itself(live: Live, written: Write) -> None:
    url = live(scenario=written(POOR), pace="instant", rate_limits="off", verify_responses=False)

    with Listening() as receiver, httpx2.Client(base_url=url, timeout=20) as client:
        for number in range(40):
            came = len(receiver.received)
            for _ in range(3):
                song(client, "kie", receiver.url, key="mock-success", **{"x-mock-sandbox": f"s{number}"})
            receiver.wait(came + number % 4)
            assert client.delete(f"/_mock/sandboxes/s{number}").status_code == 200
        came = len(receiver.received)
        song(client, "kie", receiver.url, key="mock-success", **{"x-mock-sandbox": "last"})
        receiver.wait(came + 3)
        names = [one["name"] for one in client.get("/_mock/sandboxes").json()["sandboxes"]]

    assert [name for name in names if name.startswith("s")] == []


def test_a_state_of_another_file_comes_first(make_client: MakeClient, written: Write, tmp_path: Path) -> None:
    source = make_client()
    by_hand(source)
    exported = source.get("/_mock/state").json()
    (tmp_path / "states").mkdir()
    (tmp_path / "states/begin.json").write_text(json.dumps(exported), "utf-8")
    scenario = written("state: states/begin.json\naccounts: [{key: demo, credits: 7}]\n")

    client = make_client(scenario=scenario)

    assert client.get("/_mock/tasks").json() == source.get("/_mock/tasks").json()
    assert client.get("/_mock/clock").json()["now"] == "2026-03-01T12:00:00Z"
    assert client.get("/_mock/accounts/demo").json()["credits"] == 7


def test_an_empty_scenario_is_none(make_client: MakeClient, written: Write) -> None:
    client = make_client(scenario=written("description: Nothing yet."))

    assert look(client) == look(make_client())


def test_under_a_real_clock_a_scenario_begins_at_its_own_moment(
    make_client: MakeClient, written: Write
) -> None:
    client = make_client(scenario=written("tasks: [{provider: kie}]"), clock="real")

    (task,) = client.get("/_mock/tasks").json()["tasks"]

    assert (task["status"], task["provider"]) == ("finished", "kie")


# --- what cannot be ----------------------------------------------------------------------------------------


def fault(scenario: Path, folder: Path, **settings: Any) -> str:
    """What is said of a scenario that cannot be; the folder of its file left out."""
    given: dict[str, Any] = {"seed": 0, "clock": "virtual", **settings}
    with pytest.raises(UsageError) as caught:
        create_app(Settings(**given, scenario=scenario))
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # As a whole.
        ("", "day.yaml:1: the file is empty"),
        ("- kie", "day.yaml:1: a scenario is a mapping with the keys description, state, clock, accounts, "),
        ("tasks: [", "day.yaml:1: not YAML: "),
        ("tasks: []\ntasks: []", "day.yaml:2: the key 'tasks' stands here a second time"),
        ("\noutcome: []", "day.yaml:2 outcome: is no key of a scenario. Did you mean outcomes?"),
        ("\nzzz: []", "day.yaml:2 zzz: is no key of a scenario. Allowed: description, state, clock, "),
        ("description: 7", "day.yaml:1 description: wanted a text"),
        ("tasks: {provider: kie}", "day.yaml:1 tasks: wanted a list"),
        ("tasks:", "day.yaml:1 tasks: wanted a list"),
        # Against the schemas of the control API.
        ("tasks:\n- kie", 'day.yaml:2 tasks[0]: wanted object, got "kie"'),
        ("tasks:\n- model: V4", "day.yaml:2 tasks[0].provider: is required"),
        (
            "tasks:\n- provider: kie\n  modle: V4",
            "day.yaml:3 tasks[0].modle: is not a documented field. Did you mean model?",
        ),
        (
            "outcomes:\n- outcome: maintenance\n- outcome: invalid\n  times: 0",
            "day.yaml:4 outcomes[1].times: wanted at least 1, got 0",
        ),
        (
            "outcomes:\n- outcome: task-failed\n  error: {code: 1, massage: x}",
            "day.yaml:3 outcomes[0].error.massage: is not a documented field",
        ),
        ("clock: now", 'day.yaml:1 clock: wanted object, got "now"'),
        ("accounts:\n- {credits: 5}", "day.yaml:2 accounts[0].key: wanted the credential, a text"),
        ("accounts:\n- {key: 5}", "day.yaml:2 accounts[0].key: wanted the credential, a text"),
        ("accounts:\n- {key: a}", "day.yaml:2 accounts[0]: wanted at least 1 of its fields, got {}"),
        (
            "accounts:\n- key: a\n  credit: 1",
            "day.yaml:3 accounts[0].credit: is not a documented field. Did you mean credits?",
        ),
        (
            "accounts:\n- {key: a, credits: 1}\n- {key: a, credits: 2}",
            "day.yaml:3 accounts[1].key: this account stands there a second time",
        ),
        # Of several, the first in the file.
        (
            "tasks:\n- {count: 0,\n   provider: 3}\n- {}",
            "day.yaml:2 tasks[0].count: wanted at least 1, got 0",
        ),
        # By their handlers.
        (
            "tasks:\n- {provider: kia}",
            "day.yaml:2 tasks[0].provider: 'kia' has no tasks. Did you mean kie?",
        ),
        (
            "tasks:\n- provider: kie\n  status: done",
            "day.yaml:3 tasks[0].status: 'done' is no status of kie. Allowed: waiting, ",
        ),
        (
            "outcomes:\n- outcome: duplicat",
            "day.yaml:2 outcomes[0].outcome: 'duplicat': no operation here documents it. Did you mean dupli",
        ),
        ("faults:\n- fault: latency", "day.yaml:2 faults[0].seconds: the fault 'latency' needs it"),
        ("\nclock: {now: yesterday}", "day.yaml:2 clock.now: "),
        ("\nclock: {now: '2025-01-01'}", "day.yaml:2 clock.now: "),
        # Another file.
        ("\nstate: 7", "day.yaml:2 state: wanted the path of an exported state"),
        ("\nstate: lost.json", "day.yaml:2 state: lost.json cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_is_named_by_file_line_and_key(
    written: Write, tmp_path: Path, text: str, said: str
) -> None:
    assert fault(written(text), tmp_path).startswith(said)


def test_a_clock_is_moved_under_a_virtual_one_only(written: Write, tmp_path: Path) -> None:
    scenario = written("clock: {now: '2027-01-01T00:00:00Z'}")

    said = fault(scenario, tmp_path, clock="real")

    assert said == (
        "day.yaml:1 clock: The clock is real and cannot be moved. Run with --clock virtual to move it"
    )


def test_a_rate_limit_needs_rate_limits(written: Write, tmp_path: Path) -> None:
    scenario = written("accounts: [{key: demo, rate_limit: {count: 1, seconds: 1}}]")

    said = fault(scenario, tmp_path, rate_limits="off")

    assert said.startswith("day.yaml:1 accounts[0]: Rate limits are off here")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "begin.json:2 format: wanted 1, got 2"),
        ({"seed": -1}, "begin.json:4 seed: wanted at least 0, got -1"),
        ({"ids": {"kie/song": 1, "nobody/task": 1}}, "begin.json:5 ids.nobody.task: no such kind of id"),
    ],
)
def test_a_broken_state_is_named_by_its_own_file(
    make_client: MakeClient, written: Write, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    state = {**make_client().get("/_mock/state").json(), **change}
    (tmp_path / "begin.json").write_text(json.dumps(state, indent=1), "utf-8")

    assert fault(written("state: begin.json"), tmp_path).startswith(said)


def test_a_text_that_is_no_utf_8_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "day.yaml").write_bytes(b"tasks: []\n# \xff\n")

    assert fault(tmp_path / "day.yaml", tmp_path) == "day.yaml:2: not UTF-8: byte 12"


def test_no_secret_is_repeated(written: Write, tmp_path: Path) -> None:
    scenario = written(f"accounts: [{{key: demo, webhookHmacKey: {'s3cret' * 200}}}]")

    said = fault(scenario, tmp_path)

    assert said == "day.yaml:1 accounts[0].webhookHmacKey: breaks the rule maxLength: 1000"


def test_an_unknown_scenario_names_the_shipped_ones(tmp_path: Path) -> None:
    said = fault(Path("a-good-day"), tmp_path)

    assert said.startswith("--scenario: a-good-day cannot be read (No such file or directory)")
    assert said.endswith(f"Name a file, or one of the shipped ones: {', '.join(SHIPPED)}")


# --- the shipped ones --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_a_shipped_one_is_there_by_its_name(make_client: MakeClient, name: str, clock: str) -> None:
    client = make_client(scenario=Path(name), clock=clock)

    assert client.get("/_mock/health").status_code == 200


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("provider", ["kie", "crun", "evolink", "yuto", None])
def test_a_shipped_one_serves_whichever_providers_there_are(
    make_client: MakeClient, folder: Callable[..., str], name: str, provider: str | None
) -> None:
    specs = Path(__file__).parent.parent.parent / "specs"
    petstore = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"
    documents = {provider: (specs / f"{provider}.yaml").read_text("utf-8")} if provider else {"x": petstore}

    client = make_client(scenario=Path(name), specs=(folder(**documents),))

    assert client.get("/_mock/tasks").status_code == 200


def test_a_file_of_that_name_comes_before_the_shipped_one(
    make_client: MakeClient, written: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written("accounts: [{key: demo, credits: 3}]", "a-bad-day")
    monkeypatch.chdir(tmp_path)

    client = make_client(scenario=Path("a-bad-day"))

    assert client.get("/_mock/outcomes").json() == {"outcomes": []}
    assert client.get("/_mock/accounts/demo").json()["credits"] == 3


@pytest.mark.parametrize("provider", SONGS)
def test_a_bad_day_goes_as_its_file_says(make_client: MakeClient, provider: str) -> None:
    client = make_client(scenario=Path("a-bad-day"), rate_limits="off")
    operation = SONGS[provider][0]
    refusals = {
        "kie": ["maintenance", "maintenance", "rate-limited", "server-error"],
        "crun": ["maintenance", "maintenance", "rate-limited", "server-error"],
        "evolink": ["server-error", "server-error", "rate-limited", "server-error"],
        "yuto": ["server-error", "server-error", "server-error"],
    }[provider]

    met = [send(client, provider, operation).headers["x-mock-outcome"] for _ in range(len(refusals) + 1)]
    polls = [send(client, provider, POLLS[provider]) for _ in range(2)]
    tasks = client.get("/_mock/tasks").json()["tasks"]

    assert met == [*refusals, "success"]
    assert [poll.status_code == 502 for poll in polls] == [True, False]
    assert polls[0].headers["content-type"].startswith("text/html")
    assert "x-mock-outcome" in polls[1].headers
    assert len(tasks) == 1


@pytest.mark.parametrize(("provider", "left"), [("kie", 1), ("crun", 1), ("evolink", 5), ("yuto", 5)])
def test_a_poor_account_pays_two_songs_and_no_third(
    make_client: MakeClient, provider: str, left: int
) -> None:
    client = make_client(scenario=Path("a-poor-account"))
    operation = SONGS[provider][0]

    met = [send(client, provider, operation, key="demo").headers["x-mock-outcome"] for _ in range(3)]
    rich = send(client, provider, operation, key="another").headers["x-mock-outcome"]

    assert met == ["success", "success", "insufficient-credits"]
    assert client.get("/_mock/accounts/demo").json()["credits"] == left
    assert rich == "success"


def test_a_poor_account_has_songs_to_make_personas_of(make_client: MakeClient) -> None:
    client = make_client(scenario=Path("a-poor-account"))
    tasks = client.get("/_mock/tasks").json()["tasks"]
    songs = {task["provider"]: task for task in tasks}
    source = songs["kie"]

    made = client.post(
        CALLS["kie", "generatePersona"].path,
        headers=credential("kie", "demo"),
        json={
            "taskId": source["id"],
            "audioId": source["songs"][0],
            "name": "Neon",
            "description": "Warm night voice",
        },
    )

    assert sorted(songs) == sorted(SONGS)
    assert {task["status"] for task in tasks} == {"finished"}
    assert made.json()["code"] == 200


class Receiver(ThreadingHTTPServer):
    """Takes callbacks and answers 200; keeps what came, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], Any]] = []
        super().__init__(("127.0.0.1", 0), _Hook)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append(({k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of callbacks on a free port."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def flaky(client: Client, receiver: Receiver, songs: int) -> dict[str, list[Any]]:
    """What becomes of the callbacks of some kie songs: given up, come twice, and wrongly signed."""
    receiver.heard.clear()
    for _ in range(songs):
        body = {**KIE_SONG, "callBackUrl": receiver.url}
        assert send(client, "kie", "generateMusic", key="demo", json=body).json()["code"] == 200
    client.post("/_mock/clock/advance", json={"until": "idle"})
    kept = client.get("/_mock/callbacks").json()["callbacks"]
    heard = [(body["data"]["task_id"], body["data"]["callbackType"]) for _, body in receiver.heard]
    tasks = client.get("/_mock/tasks").json()["tasks"]
    assert [task["status"] for task in tasks] == ["finished"] * songs
    assert len(kept) == 3 * songs
    return {
        "dropped": [item["id"] for item in kept if item["state"] == "gave-up"],
        "delivered": [item["id"] for item in kept if item["state"] == "delivered"],
        "twice": sorted({pair for pair in heard if heard.count(pair) == 2}),
        "unsigned": sorted(
            (body["data"]["task_id"], body["data"]["callbackType"])
            for headers, body in receiver.heard
            if not verifies(headers, body["data"]["task_id"])
        ),
    }


def verifies(headers: dict[str, str], task: str) -> bool:
    """Whether a signature is the documented one."""
    text = f"{task}.{headers['x-webhook-timestamp']}".encode()
    wanted = base64.b64encode(hmac.digest(b"flaky-secret", text, "sha256")).decode()
    return hmac.compare_digest(wanted, headers["x-webhook-signature"])


def test_flaky_callbacks_come_twice_never_and_wrongly_signed_as_the_seed_has_it(
    make_client: MakeClient, receiver: Receiver
) -> None:
    given: dict[str, Any] = {"scenario": Path("flaky-callbacks"), "seed": 7}

    first = flaky(make_client(**given), receiver, 6)
    again = flaky(make_client(**given), receiver, 6)
    other = flaky(make_client(**{**given, "seed": 8}), receiver, 6)

    assert first == again
    assert first != other
    assert all(first.values()), first
    assert len(first["dropped"]) + len(first["delivered"]) == 18
