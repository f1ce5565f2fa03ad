"""The state as one document: out of a sandbox, into another, and everything that must not get in."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from mockserver.domain.ports import Store
from tests.conftest import Client, MakeClient
from tests.store.table import STORES
from tests.web.calls import credential, in_sandbox, send, shared_app
from tests.web.steering import Control
from tests.web.stories import KIE_SONG, PERSONA, Story, poll

START = 1767225600
UPLOAD = "/api/v1/client/files/upload-url?content_type=audio%2Fmpeg&ext=.mp3"
LATER = ("songs_take_their_time", "songs_are_heard", "personas_are_made", "personas_sing")


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


def exported(client: Client) -> bytes:
    reply = client.get("/_mock/state")
    assert reply.status_code == 200, reply.text
    return reply.content


def brought(client: Client, state: bytes) -> Any:
    reply = client.request("PUT", "/_mock/state", content=state)
    assert reply.status_code == 200, reply.text
    return reply.json()["imported"]


def put_upload(client: Client, content: bytes) -> str:
    """Open a place at crun and put bytes there; the URL under which they are served."""
    opened = client.get(UPLOAD, headers=credential("crun", "k")).json()["data"]
    where = opened["presigned_url"].partition(":4010")[2]
    reply = client.request("PUT", where, content=content, headers={"content-type": "audio/mpeg"})
    assert reply.status_code == 200
    served: str = opened["file_url"].partition(":4010")[2]
    return served


# --- out and in again ---------------------------------------------------------------------------------------


def test_an_export_says_what_there_is(client: Client, control: Control) -> None:
    send(client, "kie", "generateMusic", json=KIE_SONG)
    control.post("/clock/advance", {"seconds": 5})

    state = json.loads(exported(client))

    assert exported(client).startswith(b'{"format":1,')
    assert (state["now"], state["seed"], state["outcomes"], state["uploads"]) == (START + 5, 0, [], [])
    (account,), (task,) = state["accounts"], state["tasks"]
    assert (account["credits"], account["used"]) == (988, 12)
    assert (task["provider"], task["kind"], task["model"], task["charged"]) == ("kie", "generate", "V5", 12)
    assert (task["created"], task["starts"], task["length"]) == (START, START, 120)
    assert (task["account"], task["request"]) == (account["id"], KIE_SONG)


@pytest.mark.parametrize("cut", range(len(LATER) + 1))
@pytest.mark.parametrize("kind", sorted(STORES))
def test_a_state_that_was_brought_goes_on_as_the_one_that_ran_through(
    make_client: MakeClient, kind: str, cut: int
) -> None:
    straight, other = make_client(store=STORES[kind]()), make_client(store=STORES[kind](), seed=99)
    through, moved = Story(straight.request), Story(straight.request)

    through.songs_are_ordered()
    for chapter in LATER[:cut]:
        getattr(through, chapter)()
    state, before = exported(straight), len(through.bodies)
    counts = brought(other, state)
    moved._request, moved.ids = other.request, dict(through.ids)
    for chapter in LATER[cut:]:
        getattr(through, chapter)()
        getattr(moved, chapter)()

    assert counts["tasks"] >= 5
    assert moved.bodies == through.bodies[before:]
    # What is counted of calls alone is no part of a story.
    assert told(exported(other)) == told(exported(straight))


def told(state: bytes) -> Any:
    whole = json.loads(state)
    return {**whole, "ids": {name: n for name, n in whole["ids"].items() if name != "request"}}


def test_an_import_is_exported_byte_for_byte(make_client: MakeClient, store: Store) -> None:
    straight, other = make_client(), make_client(store=store, seed=5)
    Story(straight.request).tell()
    put_upload(straight, b"\x00\xffID3")
    control = Control(straight)
    control.post("/outcomes", {"provider": "kie", "outcome": "maintenance", "times": None, "delay": 0.5})
    control.post("/outcomes", {"provider": "kie", "outcome": "task-failed", "error": "408", "times": 3})

    state = exported(straight)
    counts = brought(other, state)

    whole = json.loads(state)
    sizes = {kind: len(whole[kind]) for kind in ("accounts", "tasks", "personas")}
    assert exported(other) == state
    assert counts == {"sandbox": "default", **sizes}
    assert min(sizes.values()) > 0


def test_an_import_takes_the_place_of_what_was(client: Client, control: Control) -> None:
    empty = exported(client)
    task = control.post("/tasks", {"provider": "kie", "key": "k"})["source_task"]
    file = put_upload(client, b"bytes")
    control.post("/outcomes", {"provider": "kie", "outcome": "maintenance", "times": None})
    control.call("PATCH", "/accounts/k", json={"credits": 3})
    control.post("/clock/advance", {"seconds": 1000})

    brought(client, empty)

    assert exported(client) == empty
    assert poll(client, "kie", task, "k").headers["x-mock-outcome"] == "not-found"
    assert client.get(file).status_code == 404
    assert control.get("/accounts/k")["credits"] == 1000
    assert control.get("/clock")["epoch"] == START


def test_journal_and_coverage_outlive_an_import(client: Client, control: Control) -> None:
    empty = exported(client)
    send(client, "kie", "generateMusic")
    first = control.requests()
    covered = control.get("/coverage")["covered"]

    brought(client, empty)

    assert (control.requests(), control.get("/coverage")["covered"]) == (first, covered)
    send(client, "crun", "createTask")
    old, new = control.requests()
    assert (old, new["provider"]) == (first[0], "crun")
    assert control.get(f"/requests/{new['id']}")["provider"] == "crun"


def test_a_state_moves_between_sandboxes_and_touches_no_other(app: Any, client: Client) -> None:
    Control(client).post("/tasks", {"provider": "kie"})
    state = exported(client)
    one, two = in_sandbox(app, "state-one"), in_sandbox(app, "state-two")
    before = exported(two)

    counts = brought(one, state)

    assert counts["sandbox"] == one._headers["x-mock-sandbox"]
    assert (exported(one), exported(two)) == (state, before)


def test_ids_that_were_brought_are_not_drawn_again(app: Any, client: Client, control: Control) -> None:
    task = control.post("/tasks", {"provider": "kie"})["source_task"]
    state = json.loads(exported(client))
    brought(client, json.dumps({**state, "ids": {}}).encode())

    again = control.post("/tasks", {"provider": "kie"})["source_task"]

    assert again != task
    assert len(control.get("/tasks")["tasks"]) == 2


def test_outcomes_go_on_where_they_stood(app: Any, client: Client, control: Control) -> None:
    match = {"model": "V5"}
    control.post("/outcomes", {"provider": "kie", "outcome": "maintenance", "times": 2, "match": match})
    control.post(
        "/outcomes", {"provider": "kie", "operation": "getCredits", "outcome": "server-error", "times": None}
    )
    other = in_sandbox(app, "outcomes-elsewhere")
    send(client, "kie", "generateMusic", json=KIE_SONG)

    brought(other, exported(client))
    songs = [send(other, "kie", "generateMusic", json=KIE_SONG).headers["x-mock-outcome"] for _ in range(2)]
    credits = [send(other, "kie", "getCredits").headers["x-mock-outcome"] for _ in range(2)]

    assert (songs, credits) == (["maintenance", "success"], ["server-error", "server-error"])
    waiting = Control(other).get("/outcomes")["outcomes"]
    assert [(item["outcome"], item["left"]) for item in waiting] == [("server-error", None)]
    assert control.call("DELETE", f"/outcomes/{waiting[0]['id']}").status_code == 200


def test_uploads_are_part_of_the_state(app: Any, client: Client) -> None:
    content = bytes(range(256))
    file = put_upload(client, content)
    client.get(UPLOAD, headers=credential("crun", "k"))
    other = in_sandbox(app, "uploads-elsewhere")

    brought(other, exported(client))

    uploads = json.loads(exported(other))["uploads"]
    assert sorted(upload["size"] or 0 for upload in uploads) == [0, 256]
    path = file[file.index("/_mock/media") :]
    served = other.get(path)
    assert (served.content, served.headers["content-type"]) == (content, "audio/mpeg")


@pytest.mark.parametrize("moment", [0, 59, 60, 500])
def test_a_refund_is_paid_once_wherever_the_state_moves(
    app: Any, client: Client, control: Control, moment: int
) -> None:
    send(client, "kie", "generateMusic", prefer="outcome=task-failed")
    other = in_sandbox(app, f"refund-{moment}")
    balances = []

    control.post("/clock/advance", {"seconds": moment})
    for _ in range(2):
        brought(other, exported(client))
        brought(client, exported(other))
    for one in (client, other):
        Control(one).post("/clock/advance", {"seconds": 1000})
        balances.append(Control(one).get("/accounts/k")["credits"])
        brought(one, exported(one))
        balances.append(send(one, "kie", "getCredits").json()["data"])

    assert balances == [1000] * 4


def test_a_state_may_be_larger_than_any_request(make_client: MakeClient) -> None:
    client = make_client(max_body=20_000)
    Control(client).post("/tasks", {"provider": "kie", "count": 100})
    state = exported(client)

    counts = brought(client, state)

    assert (counts["tasks"], len(state) > 60_000) == (100, True)
    too_large = client.post("/_mock/tasks", content=b" " * 30_000)
    assert too_large.status_code == 413


@pytest.mark.parametrize("words", ["mock:slow=10000000", "mock:slow=10000000 mock:fail"])
def test_a_song_that_takes_for_ever_can_be_moved(make_client: MakeClient, words: str) -> None:
    source = make_client(clock="real", pace=0.000001)
    made = send(source, "kie", "generateMusic", json={**KIE_SONG, "prompt": words})
    state = exported(source)

    target = make_client(clock="real", pace=0.000001)
    counts = [brought(one, state) for one in (source, target)]

    task = made.json()["data"]["taskId"]
    assert [count["tasks"] for count in counts] == [1, 1]
    assert json.loads(exported(target))["tasks"] == json.loads(state)["tasks"]
    assert poll(target, "kie", task, "k").json() == poll(source, "kie", task, "k").json()
    assert poll(target, "kie", task, "k").json()["data"]["status"] == "PENDING"


def test_a_virtual_state_goes_on_under_a_real_clock(make_client: MakeClient) -> None:
    virtual, real = make_client(), make_client(clock="real")
    task = send(virtual, "kie", "generateMusic", prefer="outcome=task-failed").json()["data"]["taskId"]

    brought(real, exported(virtual))

    assert poll(real, "kie", task, "k").json()["data"]["status"] == "GENERATE_AUDIO_FAILED"
    assert Control(real).get("/accounts/k")["credits"] == 1000


# --- what must not get in -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(app: Any) -> bytes:
    """A state with something of everything."""
    client = in_sandbox(app, "whole")
    control = Control(client)
    planted = control.post("/tasks", {"provider": "kie", "key": "k"})
    body = {"taskId": planted["source_task"], "audioId": planted["songs"][0], **PERSONA}
    assert send(client, "kie", "generatePersona", json=body).json()["code"] == 200
    extend = {"defaultParamFlag": False, "audioId": planted["songs"][0], "model": "V5"}
    callback = {"callBackUrl": "https://example.com/callback"}
    send(client, "kie", "extendMusic", json=extend | callback, prefer="outcome=task-failed")
    for what in (
        {"provider": "crun", "status": "failed"},
        {"provider": "evolink", "kind": "persona"},
        {"provider": "yuto"},
    ):
        control.post("/tasks", {**what, "key": "k"})
    put_upload(client, b"bytes")
    client.get(UPLOAD, headers=credential("crun", "k"))
    queued = {"provider": "kie", "outcome": "task-failed", "error": {"code": 408, "message": "slow"}}
    control.post("/outcomes", {**queued, "times": 3, "match": {"model": "V5"}, "delay": 0.5})
    control.post(
        "/outcomes",
        {"provider": "kie", "operation": "getCredits", "outcome": "invalid-", "times": None}
        | {"outcome": "maintenance"},
    )
    return exported(client)


@pytest.fixture
def target(app: Any, whole: bytes) -> Client:
    """Where every damaged state is sent; it holds a sound one."""
    client = in_sandbox(app, "target")
    brought(client, whole)
    return client


def refused(target: Client, whole: bytes, body: bytes) -> Any:
    """The problem of a state that is refused and has changed nothing."""
    reply = target.request("PUT", "/_mock/state", content=body)
    assert (reply.status_code, reply.headers["x-mock-error"]) == (422, "bad-control-request"), reply.text
    assert exported(target) == whole
    return reply.json()


def test_the_sound_state_is_taken(target: Client, whole: bytes) -> None:
    assert brought(target, whole) == {
        "sandbox": target._headers["x-mock-sandbox"],
        "accounts": 1,
        "tasks": 6,
        "personas": 2,
    }


@pytest.mark.parametrize(
    ("damage", "field", "reason"),
    [
        (lambda state: {**state, "format": 2}, "format", "1"),
        (lambda state: {**state, "format": "1"}, "format", "1"),
        (lambda state: {"format": 0}, "format", "1"),
        (lambda state: {name: state[name] for name in state if name != "format"}, "format", "required"),
        (lambda state: {}, "format", "required"),
        (lambda state: [state], "body", "object"),
        (lambda state: None, "body", "object"),
        (lambda state: {**state, "now": 10**30}, "now", "at most"),
        (lambda state: {**state, "now": -1}, "now", "at least"),
        (lambda state: {**state, "seed": -1}, "seed", "at least"),
        (lambda state: {**state, "ids": {"a b": 1}}, "ids", "a b"),
        (lambda state: {**state, "ids": {"kie/task": 10**30}}, "ids/kie~1task", "at most"),
    ],
)
def test_a_foreign_state_is_refused_by_its_place(
    target: Client, whole: bytes, damage: Callable[[Any], Any], field: str, reason: str
) -> None:
    problem = refused(target, whole, json.dumps(damage(json.loads(whole))).encode())

    assert problem["field"] == field
    assert reason in problem["detail"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: b"state",
        lambda body: body[:-1],
        lambda body: body[: len(body) // 2],
        lambda body: body + b"}",
        lambda body: b"\xff" + body,
        lambda body: body.replace(b'"now":', b'"now":NaN,"was":', 1),
        lambda body: body.replace(b'"now":', b'"now":Infinity,"was":', 1),
        lambda body: body.replace(b'"now":', b'"now":1e999,"was":', 1),
        lambda body: body.replace(b'"title":"', b'"title":"\\ud800', 1),
        lambda body: body.replace(
            b'"request":{', b'"request":{"deep":' + b"[" * 3000 + b"]" * 3000 + b",", 1
        ),
        lambda body: b"[" * 100_000,
    ],
    ids=range(12),
)
def test_what_is_no_json_is_refused(target: Client, whole: bytes, spoil: Callable[[bytes], bytes]) -> None:
    assert spoil(whole) != whole

    assert refused(target, whole, spoil(whole))["field"] == "body"


Path = tuple[str | int, ...]


@pytest.mark.parametrize(("format_", "said"), [("1", 'got "1"'), (None, "got null"), (2, "got 2")])
def test_a_format_that_is_none_is_told_as_json(control: Control, format_: Any, said: str) -> None:
    status, _, problem = control.refused("PUT", "/state", json={"format": format_})

    assert (status, problem["field"]) == (422, "format")
    assert said in problem["detail"]
    assert "None" not in problem["detail"]


def changed(state: Any, path: Path, value: Any) -> Any:
    """A copy of the state with another value at a place."""
    damaged = copy.deepcopy(state)
    at = damaged
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return damaged


def places(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of the state, but what is a client's own: a request, a match."""
    yield path, node
    if path and path[-1] in ("request", "match", "ids"):
        return
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in items:
        yield from places(value, (*path, step))


# What stands for the wrong type at a value of each type.
WRONG: dict[type, tuple[Any, ...]] = {
    str: (7, True, ["x"], {"x": 1}),
    int: ("7", True, [7], {}, 1.5, 1e300, 10**30, -(10**13)),
    float: ("7", True, [7], {}, 1e300, 10**30, -(10**13)),
    bool: (1, "true", [], {}),
    type(None): (True, [], {}, 1.5),
    list: (None, {}, "x", 7),
    dict: (None, [], "x", 7),
}
# Amounts may have decimals, a task need not fail, crun shows no code, and a match is any JSON.
HARMLESS = {
    ("accounts/*/credits", "1.5"),
    ("accounts/*/used", "1.5"),
    ("tasks/*/charged", "1.5"),
    ("tasks/*/failure", "None"),
    *(("tasks/*/failure/code", str(code)) for code in ("7", 1e300, 10**30, -(10**13))),
    *(("outcomes/*/match", match) for match in ("None", "[]", "x", "7")),
}


def as_told(path: Path) -> str:
    return "/".join(map(str, path))


def test_every_wrong_type_is_refused_by_its_place(target: Client, whole: bytes) -> None:
    state = json.loads(whole)
    taken, misplaced = [], []
    for path, value in places(state):
        for wrong in WRONG[type(value)] if path else ():
            body = json.dumps(changed(state, path, wrong)).encode()
            reply = target.request("PUT", "/_mock/state", content=body)
            if reply.status_code == 200:
                taken.append((as_told(path), wrong))
                assert_alive(target)
                brought(target, whole)
            elif not is_told(reply, as_told(path)):
                misplaced.append((as_told(path), wrong, reply.text))
        assert exported(target) == whole, path

    assert misplaced == []
    assert {(generic(place), str(wrong)) for place, wrong in taken} == HARMLESS


def is_told(reply: httpx2.Response, place: str) -> bool:
    """A refusal names the place, or what an object there is in want of."""
    field = reply.json().get("field") or "nowhere"
    return reply.status_code == 422 and (f"{place}/".startswith(f"{field}/") or field.startswith(f"{place}/"))


def generic(place: str) -> str:
    return "/".join("*" if step.isdigit() else step for step in place.split("/"))


def assert_alive(client: Client) -> None:
    """Polls, lists and exports of whatever was taken in are no fault of the mock."""
    control = Control(client)
    for seconds in (0, 1000):
        # Near the year 9999 there is no later.
        assert control.call("POST", "/clock/advance", json={"seconds": seconds}).status_code in (200, 422)
        for task in control.get("/tasks")["tasks"]:
            assert poll(client, task["provider"], task["id"], "k").status_code < 500
    control.get("/state")
    control.get("/accounts/k")


def test_every_missing_and_every_unknown_field_is_refused(target: Client, whole: bytes) -> None:
    state = json.loads(whole)
    taken = []
    for path, value in places(state):
        if not isinstance(value, dict) or path[-1:] in (("request",), ("match",), ("ids",)):
            continue
        for damaged in (
            *({n: v for n, v in value.items() if n != name} for name in value),
            {**value, "zz": 1},
        ):
            body = changed(state, path, damaged) if path else damaged
            reply = target.request("PUT", "/_mock/state", content=json.dumps(body).encode())
            if reply.status_code != 422:
                taken.append((as_told(path), set(value) ^ set(damaged), reply.status_code))
                brought(target, whole)
        assert exported(target) == whole, path

    # An outcome may do without what it need not have, and an older export without what came later.
    later = {"faults", "operation", "callback", "polls", "begun", "after", "rate_limit"}
    optional = {"match", "delay", "error", "message", *later}
    assert [(place, names) for place, names, _ in taken if not names <= optional] == []
    assert len(taken) == 32


# Words that a person reads and no rule looks at, and ids that nothing else speaks of.
WORDS = {
    "tasks/*/failure/code",
    "tasks/*/failure/message",
    "tasks/*/failure/name",
    "tasks/*/parent",
    "tasks/*/operation",
    "tasks/*/callback",
    "tasks/*/songs/*/id",
    "tasks/*/id",
    "personas/*/id",
    "uploads/*/id",
    "tasks/*/songs/*/tags",
    "tasks/*/songs/*/text",
    "tasks/*/songs/*/title",
    "personas/*/name",
    "personas/*/description",
    "personas/*/style",
    "uploads/*/content_type",
    "uploads/*/name",
    "uploads/*/content",
    "outcomes/*/id",
    "outcomes/*/error/message",
}


@pytest.mark.parametrize("word", ["nope", "", "../\u0000\u2028\U0001f600" + "x" * 5000], ids=range(3))
def test_names_that_mean_nothing_are_refused_and_free_words_do_no_harm(
    target: Client, whole: bytes, word: str
) -> None:
    state = json.loads(whole)
    taken = set()
    for path, value in places(state):
        if isinstance(value, str):
            body = json.dumps(changed(state, path, word)).encode()
            reply = target.request("PUT", "/_mock/state", content=body)
            # Where an id is no longer the one that others speak of, they are told of.
            assert reply.status_code == 200 or (reply.status_code, "/" in reply.json()["field"]) == (
                422,
                True,
            )
            if reply.status_code == 200:
                taken.add(generic(as_told(path)))
                assert_alive(target)
                brought(target, whole)

    assert taken <= WORDS


Damage = Callable[[Any], object]
TASKS = {"kie": 0, "extended": 1, "crun": 2, "source": 3, "maker": 4, "yuto": 5}


def task(state: Any, name: str) -> Any:
    return state["tasks"][TASKS[name]]


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda s: task(s, "kie").update(account="0" * 16), "tasks/0/account"),
        (lambda s: task(s, "kie").update(provider="suno"), "tasks/0/provider"),
        (lambda s: task(s, "kie").update(kind="persona"), "tasks/0/kind"),
        (lambda s: task(s, "kie").update(model="5"), "tasks/0/model"),
        (lambda s: task(s, "kie").update(model="suno-v5-beta"), "tasks/0/model"),
        (lambda s: task(s, "maker").update(model="suno-v5-beta"), "tasks/4/model"),
        (lambda s: task(s, "maker").update(persona="0" * 32), "personas/1/made_by"),
        (lambda s: task(s, "maker").update(persona=None), "tasks/4/persona"),
        (lambda s: task(s, "yuto").update(persona=s["personas"][1]["id"]), "tasks/5/persona"),
        (lambda s: task(s, "extended").update(parent="unknown"), "tasks/1/parent"),
        (lambda s: task(s, "extended").update(parent=task(s, "yuto")["songs"][0]["id"]), "tasks/1/parent"),
        (lambda s: task(s, "yuto")["songs"].pop(), "tasks/5/songs"),
        (
            lambda s: task(s, "yuto")["songs"].reverse() or task(s, "yuto")["songs"].append(1),
            "tasks/5/songs/2",
        ),
        (lambda s: task(s, "yuto").update(songs=2 * task(s, "yuto")["songs"][:1]), "tasks/5/songs/1/id"),
        (lambda s: task(s, "yuto").update(length=-1), "tasks/5/length"),
        (lambda s: task(s, "yuto").update(length=1e300), "tasks/5/length"),
        (lambda s: task(s, "yuto").update(created=-1e11), "tasks/5/created"),
        (lambda s: task(s, "yuto").update(starts=1e300), "tasks/5/starts"),
        (lambda s: task(s, "yuto").update(charged=-12), "tasks/5/charged"),
        (lambda s: task(s, "yuto").update(charged=0.0000001), "tasks/5"),
        (lambda s: task(s, "yuto").update(progress=101), "tasks/5/progress"),
        (lambda s: task(s, "yuto").update(number=task(s, "kie")["number"]), "tasks/5/number"),
        (lambda s: task(s, "yuto").update(number=0), "tasks/5/number"),
        (lambda s: task(s, "yuto").update(number=10**12), "tasks/5/number"),
        (lambda s: task(s, "crun")["failure"].update(state="SENSITIVE_WORD_ERROR"), "tasks/2/failure/state"),
        (lambda s: task(s, "extended")["failure"].update(at=None), "tasks/1/failure/at"),
        (lambda s: task(s, "extended")["failure"].update(after=101), "tasks/1/failure/after"),
        (lambda s: task(s, "yuto").update(begun=[0, 1]), "tasks/5/begun"),
        (lambda s: task(s, "yuto").update(begun=[None] * 6), "tasks/5/begun"),
        (lambda s: task(s, "yuto").update(begun=[0, 2, 1, None, None, None]), "tasks/5/begun"),
        (lambda s: task(s, "yuto").update(begun=[0, None, 1, None, None, None]), "tasks/5/begun"),
        (lambda s: task(s, "crun").update(request={}), "tasks/2"),
        (lambda s: task(s, "crun")["request"].update(input=None), "tasks/2"),
        (lambda s: task(s, "crun")["request"].update(model=5), "tasks/2"),
        (lambda s: task(s, "crun")["request"].update(callback_url=["x"]), "tasks/2"),
        (lambda s: s["tasks"].append({**task(s, "yuto"), "number": 99}), "tasks/6/id"),
        (lambda s: s["tasks"].append({**task(s, "yuto"), "number": 99, "id": "other"}), "tasks/6/songs/0/id"),
        (lambda s: s["tasks"].append({**task(s, "maker"), "number": 99, "id": "o"}), "tasks/6/persona"),
        (lambda s: s["tasks"].clear(), "personas/0/task"),
        (lambda s: s["accounts"].clear(), "tasks/0/account"),
        (lambda s: s["accounts"].append(s["accounts"][0]), "accounts/1/id"),
        (lambda s: s["accounts"][0].update(key="plain"), "accounts/0/key"),
        (lambda s: s["accounts"][0].update(id="0" * 16), "accounts/0/key"),
        (lambda s: s["accounts"][0].update(credits=-1), "accounts/0/credits"),
        (lambda s: s["accounts"][0].update(credits=1e300), "accounts/0/credits"),
        (lambda s: s["accounts"][0].update(used=10**30), "accounts/0/used"),
        (lambda s: s["accounts"][0].update(credits=0.0000001), "accounts/0"),
        (lambda s: s["personas"].append({**s["personas"][0], "number": 99}), "personas/2/id"),
        (lambda s: s["personas"].append({**s["personas"][0], "number": 99, "id": "o"}), "personas/2/song"),
        (lambda s: s["personas"][0].update(number=1), "personas/0/number"),
        (lambda s: s["personas"][0].update(account="0" * 16), "personas/0/account"),
        (lambda s: s["personas"][0].update(provider="crun"), "personas/0/task"),
        (lambda s: s["personas"][0].update(task="unknown"), "personas/0/task"),
        (lambda s: s["personas"][0].update(song="unknown"), "personas/0/song"),
        (lambda s: s["personas"][0].update(song=task(s, "source")["songs"][0]["id"]), "personas/0/song"),
        (lambda s: s["personas"][0].update(made_by="unknown"), "personas/0/made_by"),
        (lambda s: s["personas"][0].update(made_by=task(s, "extended")["id"]), "personas/0/made_by"),
        (lambda s: s["personas"][1].update(made_by=None), "personas/1/made_by"),
        (lambda s: s["personas"].pop(), "tasks/4/persona"),
        (lambda s: s["uploads"].append(s["uploads"][0]), "uploads/2/id"),
        (lambda s: s["uploads"][0].update(content="no base64!", size=5), "uploads/0/content"),
        (lambda s: s["uploads"][0].update(content="Ynl0ZXM", size=5), "uploads/0/content"),
        (lambda s: s["uploads"][0].update(content="Ynl0ZXM=", size=6), "uploads/0/size"),
        (lambda s: s["uploads"][0].update(content="Ynl0ZXM=", size=None), "uploads/0/size"),
        (lambda s: s["uploads"][0].update(content=None, size=0), "uploads/0/size"),
        (lambda s: s["uploads"][0].update(id="../etc"), "uploads/0/id"),
        (lambda s: s["tasks"][0].update(created=s["now"] + 1), "tasks/0/created"),
        (lambda s: s["personas"][0].update(created=s["now"] + 1), "personas/0/created"),
        (lambda s: s["ids"].update({"kie/nonsense": 1}), "ids/kie/nonsense"),
        (lambda s: s["ids"].update({"suno/task": 1}), "ids/suno/task"),
        (lambda s: s["outcomes"].append(s["outcomes"][0]), "outcomes/2/id"),
        (lambda s: s["outcomes"][0].update(provider="suno"), "outcomes/0/provider"),
        (lambda s: s["outcomes"][0].update(operation="nope"), "outcomes/0/operation"),
        (lambda s: s["outcomes"][0].update(outcome="nope"), "outcomes/0/outcome"),
        (lambda s: s["outcomes"][1].update(outcome="duplicate"), "outcomes/1/outcome"),
        (lambda s: s["outcomes"][0].update(error="service_error"), "outcomes/0/error"),
        (lambda s: s["outcomes"][1].update(error="408"), "outcomes/1/error"),
        (lambda s: s["outcomes"][0].update(left=4), "outcomes/0/left"),
        (lambda s: s["outcomes"][0].update(left=None), "outcomes/0/left"),
        (lambda s: s["outcomes"][0].update(times=None), "outcomes/0/left"),
        (lambda s: s["outcomes"][0].update(delay=1e300), "outcomes/0/delay"),
    ],
)
def test_a_state_that_cannot_be_is_refused_by_its_place(
    target: Client, whole: bytes, damage: Damage, field: str
) -> None:
    state = json.loads(whole)
    damage(state)
    assert json.dumps(state) != json.dumps(json.loads(whole))

    assert refused(target, whole, json.dumps(state).encode())["field"] == field


@pytest.mark.parametrize(
    "oddity",
    [
        lambda s: task(s, "yuto").update(number=99.0, progress=50.0, created=0),
        lambda s: task(s, "kie").update(starts=253402300799, length=1e9),
        lambda s: task(s, "source").update(starts=-62135596800, length=0),
        lambda s: task(s, "crun")["failure"].update(at=-62135596800),
        lambda s: task(s, "kie").update(request={"a": {"b": [None] * 9}, "customMode": "x", "": 1}),
        lambda s: task(s, "yuto").update(request={"notify_hook": 5, "gpt_description_prompt": []}),
        lambda s: s["accounts"][0].update(credits=10**12, used=10**12),
        lambda s: s.update(seed=2**63 - 1, ids={"kie/task": 10**11}),
        lambda s: s.update(now=253402300799),
        lambda s: s["outcomes"][0].update(times=2.0, left=1.0, match={"deep": [[[{}]]]}),
        lambda s: s["uploads"][0].update(size=0.0, content=""),
        lambda s: s["tasks"].reverse(),
    ],
    ids=range(12),
)
def test_an_odd_state_that_is_taken_does_no_harm(target: Client, whole: bytes, oddity: Damage) -> None:
    state = json.loads(whole)
    oddity(state)

    brought(target, json.dumps(state).encode())

    again = exported(target)
    assert brought(target, again)["tasks"] == 6
    assert exported(target) == again
    assert_alive(target)
    for provider, operation in (("kie", "generateMusic"), ("evolink", "generateMusic")):
        assert send(target, provider, operation).status_code < 500
    brought(target, exported(target))
