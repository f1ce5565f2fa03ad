"""Accounts: one balance for all providers, known by a digest and never by the key itself."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import Client, MakeClient
from tests.web.calls import credential, in_sandbox, send, shared_app
from tests.web.steering import Control
from tests.web.stories import KIE_SONG

SECRET = "sk-live-0123456789abcdef"
ODD = ["a/b", "a%2Fb", "a b", "#?&=", "..%", "%", '"quoted"', "a\\b", "a" * 3000]


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


def path(key: str) -> str:
    return f"/accounts/{quote(key, safe='')}"


def set_credits(control: Control, key: str, credits: Any) -> Any:
    reply = control.call("PATCH", path(key), json={"credits": credits})
    assert reply.status_code == 200, reply.text
    return reply.json()["credits"]


def kie_credits(client: Client, key: str) -> Any:
    return send(client, "kie", "getCredits", key=key).json()["data"]


def test_an_account_that_nobody_used_has_its_start_balance_and_is_not_made(
    client: Client, control: Control
) -> None:
    before = control.get("/state")

    account = control.get(path("somebody"))

    assert account == {
        "key": f"…({sha256(b'somebody').hexdigest()[:16]})",
        "credits": 1000,
        "rate_limit": None,
        "webhookHmacKey": None,
        "tasks": [],
        "personas": [],
    }
    assert control.get("/state") == before
    assert before["accounts"] == []


def test_start_balances_are_the_settings_and_nothing_for_the_poor(make_client: MakeClient) -> None:
    control = Control(make_client(credits=0.4))

    balances = [control.get(path(key))["credits"] for key in ("k", "mock-poor")]

    assert balances == [0.4, 0]


def test_all_providers_draw_on_one_balance(client: Client, control: Control) -> None:
    set_credits(control, "k", 50)

    for provider, operation in (
        ("kie", "generateMusic"),
        ("crun", "createTask"),
        ("evolink", "generateMusic"),
        ("yuto", "submitMusic"),
    ):
        assert send(client, provider, operation).headers["x-mock-outcome"] == "success"

    crun = send(client, "crun", "getBalance").json()["data"]["balance"]
    evolink = send(client, "evolink", "getCredits").json()["data"]["user"]["remaining_credits"]
    assert [control.get(path("k"))["credits"], kie_credits(client, "k"), crun, evolink] == [6, 6, 6, 6]
    assert len(control.get(path("k"))["tasks"]) == 4


@pytest.mark.parametrize("credits", [0, 0.4, 12, 35.95, 0.000001, 10**12])
def test_a_balance_is_set_exactly(client: Client, control: Control, credits: Any) -> None:
    told = set_credits(control, "k", credits)

    assert (told, control.get(path("k"))["credits"], kie_credits(client, "k")) == (credits,) * 3


def test_a_balance_that_was_set_decides_what_can_be_bought(client: Client, control: Control) -> None:
    outcomes = []
    for credits in (0, 11.999999, 12, 12.4):
        set_credits(control, "k", credits)
        outcomes.append(send(client, "kie", "generateMusic").headers["x-mock-outcome"])

    assert outcomes == ["insufficient-credits", "insufficient-credits", "success", "success"]
    assert control.get(path("k"))["credits"] == 0.4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"credits": -1}', "credits"),
        ('{"credits": -0.000001}', "credits"),
        ('{"credits": 0.0000001}', "credits"),
        ('{"credits": 1000000000001}', "credits"),
        ('{"credits": 1e300}', "credits"),
        ('{"credits": true}', "credits"),
        ('{"credits": "5"}', "credits"),
        ('{"credits": null}', "credits"),
        ('{"credits": NaN}', "body"),
        ('{"credits": Infinity}', "body"),
        ('{"credits": 1e400}', "body"),
        ('{"credits": 5, "balance": 5}', "balance"),
        ("{}", "body"),
        ("[]", "body"),
        ("5", "body"),
        ("", "body"),
    ],
)
def test_what_is_no_balance_is_refused_and_makes_no_account(control: Control, body: str, field: str) -> None:
    status, slug, problem = control.refused("PATCH", path("k"), content=body)

    assert (status, slug, problem["field"]) == (422, "bad-control-request", field)
    assert control.get("/state")["accounts"] == []


@pytest.mark.parametrize("key", ODD, ids=range(len(ODD)))
def test_a_key_of_any_characters_is_the_one_its_client_sends(
    client: Client, control: Control, key: str
) -> None:
    set_credits(control, key, 12)
    header = {"authorization": f"Bearer {key}".encode()}

    reply = client.post("/api/v1/generate", json=KIE_SONG, headers=header)

    account = control.get(path(key))
    assert (reply.json()["code"], account["credits"]) == (200, 0)
    assert account["tasks"] == [reply.json()["data"]["taskId"]]
    assert len(control.get("/state")["accounts"]) == 1


def test_a_key_beyond_ascii_is_sent_as_utf_8(client: Client, control: Control) -> None:
    set_credits(control, "schlüssel", 12)

    reply = client.get("/api/v1/chat/credit", headers={"authorization": "Bearer schlüssel".encode()})

    assert reply.json()["data"] == 12


def test_a_planted_task_belongs_to_a_key_of_any_characters(control: Control) -> None:
    tasks = [control.post("/tasks", {"provider": "kie", "key": key})["source_task"] for key in ODD]

    assert [control.get(path(key))["tasks"] for key in ODD] == [[task] for task in tasks]


def test_many_tasks_of_an_account_are_listed_all_and_in_their_order(control: Control) -> None:
    control.post("/tasks", {"provider": "kie", "key": "many", "count": 1100})
    one = planted(control, "one")

    listed = control.get(path("many"))["tasks"]

    assert (len(listed), len(set(listed))) == (1100, 1100)
    assert listed == [task["id"] for task in control.get("/state")["tasks"]][:1100]
    assert control.get(path("one"))["tasks"] == [one]


def test_a_limit_is_written_as_it_was_set_whatever_another_sandbox_has(app: Any) -> None:
    written = []
    for sandbox, seconds in (("limit-int", "60"), ("limit-float", "60.0")):
        there = in_sandbox(app, sandbox)
        sent = b'{"rate_limit": {"count": 5, "seconds": %b}}' % seconds.encode()
        headers = {"content-type": "application/json"}
        there.request("PATCH", f"/_mock{path('ada')}", content=sent, headers=headers)
        written.append(there.get(f"/_mock{path('ada')}").text.partition('"seconds":')[2].partition("}")[0])

    assert written == ["60", "60.0"]


def planted(control: Control, key: str, provider: str = "kie") -> str:
    source: str = control.post("/tasks", {"provider": provider, "key": key})["source_task"]
    return source


def test_the_tasks_of_an_account_are_listed_as_they_were_made_however_often_one_asks(
    control: Control,
) -> None:
    made = [planted(control, "mine")]
    assert control.get(path("mine"))["tasks"] == made
    assert control.get(path("another"))["tasks"] == []
    others = [planted(control, "another", "yuto")]
    made += [planted(control, "mine", "evolink"), planted(control, "mine", "crun")]
    assert control.get(path("mine"))["tasks"] == control.get(path("mine"))["tasks"] == made
    assert control.get(path("another"))["tasks"] == others

    state = control.get("/state")
    control.post("/reset", {})
    assert control.get(path("mine"))["tasks"] == []
    assert control.call("PUT", "/state", json=state).status_code == 200

    assert control.get("/state") == state
    assert control.get(path("mine"))["tasks"] == made
    made.append(planted(control, "mine"))
    assert control.get(path("mine"))["tasks"] == made


def test_refunds_that_are_due_are_in_the_balance_before_anybody_looks(
    client: Client, control: Control
) -> None:
    send(client, "kie", "generateMusic", prefer="outcome=task-failed")

    balances = []
    for seconds in (59, 1, 1000):
        control.post("/clock/advance", {"seconds": seconds})
        balances.append(control.get(path("k"))["credits"])
    export = control.get("/state")["accounts"][0]

    assert balances == [988, 1000, 1000]
    assert (export["credits"], export["used"]) == (1000, 0)


def test_a_balance_that_was_set_is_not_topped_up_by_what_was_due_before(
    client: Client, control: Control
) -> None:
    send(client, "kie", "generateMusic", prefer="outcome=task-failed")
    control.post("/clock/advance", {"seconds": 60})

    set_credits(control, "k", 5)

    assert control.get(path("k"))["credits"] == 5


def test_a_refund_to_come_is_paid_on_top_of_a_balance_that_was_set(client: Client, control: Control) -> None:
    send(client, "kie", "generateMusic", prefer="outcome=task-failed")

    set_credits(control, "k", 5)
    control.post("/clock/advance", {"seconds": 60})

    assert control.get(path("k"))["credits"] == 17


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_key_itself_stands_nowhere(
    make_client: MakeClient, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    client = make_client(access_log=True, log_format=log_format)
    secret, hidden = SECRET, path(SECRET)
    said = []

    for provider, operation in (("kie", "generateMusic"), ("crun", "createTask"), ("evolink", "getCredits")):
        said.append(send(client, provider, operation, key=secret).text)
    said.append(client.get("/api/v1/chat/credit", headers=credential("crun", secret)).text)
    for method, where, body in (
        ("GET", hidden, None),
        ("PATCH", hidden, {"credits": 5}),
        ("PATCH", hidden, {"credits": -5}),
        ("DELETE", hidden, None),
        ("POST", hidden, {}),
        ("GET", f"{hidden}/tasks", None),
        ("GET", f"/Accounts/{secret}", None),
        ("GET", f"/account/{secret}", None),
        ("GET", f"//accounts/{secret}", None),
        ("GET", f"/%61ccounts/{secret}", None),
        ("DELETE", f"/%61ccounts/{secret}", None),
        ("GET", "/state", None),
        ("GET", "/tasks", None),
        ("GET", "/outcomes", None),
        ("GET", "/requests?full=true", None),
        ("GET", "/sandboxes", None),
        ("GET", "/coverage", None),
    ):
        options = {} if body is None else {"json": body}
        said.append(client.request(method, f"/_mock{where}", **options).text)
        said.append(client.request(method, f"/_sandbox/box/_mock{where}", **options).text)
    near = ("//_mock", "/_MOCK", "//_Mock/")
    said += [client.get(f"http://127.0.0.1:4010{path}/accounts/{secret}").text for path in near]
    said.append(client.get("/_mock/requests?full=true").text)
    printed = capsys.readouterr()

    assert [text for text in said if secret in text] == []
    assert secret not in printed.out + printed.err
    assert len(printed.out.splitlines()) == len(said)


def test_a_planting_tells_its_key_to_who_planted_and_to_nobody_else(control: Control) -> None:
    planted = control.post("/tasks", {"provider": "yuto", "key": SECRET})

    shown = control.get(f"/tasks/{planted['source_task']}")
    assert planted["key"] == SECRET
    assert SECRET not in json.dumps([shown, control.get("/tasks"), control.get("/state")])
    assert (
        shown["key"]
        == control.get(path(SECRET))["key"]
        == f"sk-l…({sha256(SECRET.encode()).hexdigest()[:16]})"
    )
