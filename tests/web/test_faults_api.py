"""Faults by the control API: which calls meet them, what is left of them, and what is no fault at all."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.conftest import Client
from tests.store.table import STORES
from tests.web.calls import in_sandbox, send, shared_app

CREDITS = "/api/v1/chat/credit"
KEY = {"authorization": "Bearer k"}
AUDIO = "/_mock/media/kie/example/audio.mp3"
GATEWAY = {"fault": "gateway"}


@pytest.fixture(scope="module", params=sorted(STORES))
def app(request: pytest.FixtureRequest) -> Any:
    return shared_app(STORES[request.param](log_size=1000))


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


def post(client: Client, **fault: Any) -> dict[str, Any]:
    answer = client.post("/_mock/faults", json={"fault": "gateway", **fault})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def listed(client: Client) -> list[Any]:
    return [(item["fault"], item["left"]) for item in client.get("/_mock/faults").json()["faults"]]


def hit(answer: httpx2.Response) -> bool:
    """Whether a call met the gateway that these tests post."""
    assert answer.status_code in (200, 206, 404, 502, 503)
    return answer.status_code in (502, 503)


def met(client: Client, *paths: str) -> list[bool]:
    return [hit(client.get(path, headers=KEY)) for path in paths]


# --- the queue ----------------------------------------------------------------------------------------------


def test_a_fault_is_told_whole_with_what_was_left_out(client: Client) -> None:
    made = [
        post(client, provider="kie", operation="getCredits", match=None),
        post(client, status=504, when="after", times=None, probability=0.5),
        post(client, fault="latency", seconds=[0, 1.5], path="/v1/*"),
        post(client, fault="slow-body", seconds=2, match={"model": "V5"}, times=2.0),
        post(client, fault="callback-delay", seconds=3, provider="kie", operation="generateMusic"),
    ]

    assert client.get("/_mock/faults").json() == {"faults": made}
    assert all(item["id"].startswith("flt_") for item in made)
    anyone = {"provider": None, "operation": None, "path": None}
    once = {"times": 1, "left": 1}
    assert [{key: value for key, value in item.items() if key != "id"} for item in made] == [
        {
            "fault": "gateway",
            **anyone,
            **once,
            "provider": "kie",
            "operation": "getCredits",
            "when": "before",
            "status": 502,
        },
        {
            "fault": "gateway",
            **anyone,
            "times": None,
            "left": None,
            "probability": 0.5,
            "when": "after",
            "status": 504,
        },
        {"fault": "latency", **anyone, **once, "path": "/v1/*", "seconds": [0, 1.5]},
        {
            "fault": "slow-body",
            **anyone,
            "times": 2,
            "left": 2,
            "match": {"model": "V5"},
            "when": "after",
            "seconds": 2,
        },
        {
            "fault": "callback-delay",
            **anyone,
            **once,
            "provider": "kie",
            "operation": "generateMusic",
            "seconds": 3,
        },
    ]


def test_a_fault_is_met_so_many_times(client: Client) -> None:
    post(client, times=2)

    seen = met(client, CREDITS)
    left = listed(client)
    seen += met(client, CREDITS, CREDITS)

    assert (seen, left) == ([True, True, False], [("gateway", 1)])
    assert listed(client) == []


def test_queued_ones_come_before_the_newest_that_stands(client: Client) -> None:
    post(client, status=503, times=None, provider="kie")
    post(client, status=504, times=None)
    post(client, status=502, operation="getCredits")

    answers = [client.get(CREDITS, headers=KEY).status_code for _ in range(3)]

    assert answers == [502, 504, 504]
    assert listed(client) == [("gateway", None), ("gateway", None)]


def test_queued_ones_are_met_as_they_came_whomever_they_are_for(client: Client) -> None:
    post(client, status=503, provider="kie", operation="getCredits")
    post(client, status=504)
    post(client, status=503, operation="getCredits")
    post(client, status=502, provider="kie")

    answers = [client.get(CREDITS, headers=KEY).status_code for _ in range(5)]

    assert answers == [503, 504, 503, 502, 200]


def test_one_and_all_are_deleted(client: Client) -> None:
    first, second = post(client), post(client, times=None)
    post(client, fault="callback-drop")

    one = client.delete(f"/_mock/faults/{first['id']}")
    again = client.delete(f"/_mock/faults/{first['id']}")
    rest = [item["id"] for item in client.get("/_mock/faults").json()["faults"]]
    others = client.delete("/_mock/faults")

    assert (one.json(), again.status_code, others.json()) == ({"deleted": 1}, 404, {"deleted": 2})
    assert rest[0] == second["id"]
    assert met(client, CREDITS) == [False]


def test_a_sandbox_has_its_own_faults(client: Client, app: Any) -> None:
    post(client, times=None)

    assert met(in_sandbox(app, "another sandbox"), CREDITS) == [False]
    assert met(client, CREDITS) == [True]


def test_latency_goes_with_one_other(client: Client) -> None:
    post(client, fault="latency", seconds=0)
    post(client, status=503)
    post(client, fault="latency", seconds=0)
    post(client, status=502)

    answers = [client.get(CREDITS, headers=KEY).status_code for _ in range(3)]

    assert answers == [503, 502, 200]
    entries = client.get("/_mock/requests").json()["requests"]
    assert [entry.get("fault") for entry in entries] == ["gateway", "gateway", None]
    assert listed(client) == []


def test_a_latency_alone_stands_in_the_journal(client: Client) -> None:
    post(client, fault="latency", seconds=0)

    met(client, CREDITS)

    entry = client.get("/_mock/requests").json()["requests"][0]
    assert (entry["fault"], entry["status"], entry["outcome"]) == ("latency", 200, "success")


# --- which calls --------------------------------------------------------------------------------------------


def test_provider_and_operation_choose(client: Client) -> None:
    post(client, provider="kie", operation="getCredits", times=None)

    assert hit(send(client, "kie", "getCredits"))
    assert not hit(send(client, "evolink", "getCredits"))
    assert not hit(send(client, "kie", "getMusicDetails"))


def test_an_operation_of_several_providers_is_met_at_each(client: Client) -> None:
    post(client, operation="getCredits", times=None)

    assert hit(send(client, "kie", "getCredits"))
    assert hit(send(client, "evolink", "getCredits"))
    assert not hit(send(client, "crun", "getBalance"))


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        (CREDITS, CREDITS, True),
        (CREDITS, f"/kie{CREDITS}", True),
        (CREDITS, f"/_sandbox/globs{CREDITS}", True),
        ("/api/v?/chat/*", CREDITS, True),
        ("*credit", CREDITS, True),
        ("/api/*", CREDITS, True),
        ("/api/v1/chat/credit/", CREDITS, True),
        ("/api/v1/chat/credit/*", CREDITS, False),
        ("/api/v1/chat", CREDITS, False),
        ("/api/v1/chat/cre[d]it", CREDITS, False),
        ("/API/v1/chat/credit", CREDITS, False),
        ("/v1/credits", CREDITS, False),
        ("/no/such/*", "/no/such/path", True),
        ("/no/such/*", "/evolink/no/such/path", True),
        ("/_mock/media/*", CREDITS, False),
        ("/_mock/media/*", AUDIO, True),
        ("/_mock/media/kie/*", AUDIO, True),
        ("/_mock/media/crun/*", AUDIO, False),
        ("*.mp3", AUDIO, True),
        ("*.mp3", f"/_sandbox/globs{AUDIO}", True),
    ],
)
def test_a_path_is_a_glob_without_prefix_and_sandbox(app: Any, glob: str, path: str, expected: bool) -> None:
    client = Client(app, {"x-mock-sandbox": "globs"})
    client.delete("/_mock/faults")
    post(client, path=glob)

    assert met(client, path) == [expected]


def test_media_are_met_by_a_path_alone(client: Client) -> None:
    post(client, times=None, status=503)

    assert met(client, AUDIO, CREDITS) == [False, True]


def test_a_provider_beside_a_path_of_media_is_the_one_they_name(client: Client) -> None:
    post(client, path="/_mock/media/*", provider="kie", times=None)

    assert met(client, AUDIO.replace("kie", "yuto"), AUDIO) == [False, True]


def test_match_is_a_part_of_the_body(client: Client) -> None:
    post(client, match={"input": {"mode": "simple"}}, times=None)

    assert hit(send(client, "crun", "createTask"))
    assert not hit(send(client, "yuto", "submitMusic"))
    assert met(client, CREDITS, "/nowhere") == [False, False]


def test_unknown_routes_meet_what_asks_for_no_operation(client: Client) -> None:
    post(client, times=None, operation="getCredits")
    seen = met(client, "/nowhere")
    post(client)
    seen += met(client, "/nowhere")
    post(client, path="/now*")
    seen += met(client, "/nowhere")

    assert seen == [False, True, True]
    entries = client.get("/_mock/requests").json()["requests"]
    assert [(entry["status"], entry.get("fault")) for entry in entries] == [
        (404, None),
        (502, "gateway"),
        (502, "gateway"),
    ]


def test_control_calls_and_preflights_meet_none(client: Client) -> None:
    post(client, path="*", times=None)
    asks = {"origin": "https://a.test", "access-control-request-method": "GET"}

    preflights = [client.request("OPTIONS", path, headers=asks).status_code for path in (CREDITS, AUDIO)]

    assert preflights == [204, 204]
    assert client.get("/_mock/clock").status_code == 200
    assert met(client, CREDITS, AUDIO) == [True, True]


def test_callback_faults_meet_no_call(client: Client) -> None:
    for name in ("duplicate", "reorder", "drop", "early", "bad-signature"):
        post(client, fault=f"callback-{name}")

    assert met(client, CREDITS, AUDIO) == [False, False]
    assert len(listed(client)) == 5


def test_chance_is_drawn_from_the_seed(app: Any) -> None:
    def pattern(sandbox: str) -> list[bool]:
        client = Client(app, {"x-mock-sandbox": sandbox})
        client.post("/_mock/reset")
        post(client, probability=0.3, times=None)
        return met(client, *[CREDITS] * 40)

    first, again, other = pattern("chance"), pattern("chance"), pattern("otherwise")

    assert first == again != other
    assert 4 <= sum(first) <= 22


def test_who_is_spared_by_chance_uses_nothing_up(app: Any) -> None:
    client = Client(app, {"x-mock-sandbox": "spared"})
    post(client, probability=0.1)

    seen = met(client, *[CREDITS] * 60)

    # With this seed the first call is spared.
    assert (seen[0], sum(seen)) == (False, 1)


def test_what_is_sure_or_out_of_the_question_draws_nothing(client: Client) -> None:
    post(client, probability=0, status=503, times=None)
    post(client, probability=1)

    assert [client.get(CREDITS, headers=KEY).status_code for _ in range(2)] == [502, 200]


# --- spoilt bodies ------------------------------------------------------------------------------------------


def test_a_gateway_knows_nothing_of_the_mock_but_the_calls_id(client: Client) -> None:
    post(client, status=503)

    answer = client.get(CREDITS, headers=KEY)

    labels = {name: value for name, value in answer.headers.items() if name.startswith("x-mock")}
    entry = client.get("/_mock/requests").json()["requests"][0]
    assert labels == {"x-mock-request-id": entry["id"]}
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html")
    assert "<h1>503 Service Unavailable</h1>" in answer.text


PETS = """
openapi: 3.1.0
info: {title: pets, version: '1'}
paths:
"""
BODIES = [
    "1000",
    "-1.5e3",
    "{}",
    "[]",
    "true",
    "null",
    '"a"',
    '"äöü"',
    '{"ä": "ö"}',
    "[1, 2]",
    '{"a": {"b": []}}',
]


@pytest.mark.parametrize("text", BODIES)
def test_a_malformed_body_never_parses(make_client: Any, folder: Any, text: str) -> None:
    described = (
        f"{PETS}  /one:\n    get:\n      operationId: one\n      responses:\n        '200':\n"
        f"          description: ok\n          content: {{application/json: {{example: {text}}}}}\n"
    )
    client = make_client(specs=(folder(pets=described),))
    assert client.get("/one").json() is not Ellipsis
    post(client, fault="malformed-json")

    answer = client.get("/one")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.content
    answer.content.decode("utf-8")
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        answer.json()


# --- what is no fault ---------------------------------------------------------------------------------------

NETWORK = [
    "latency",
    "reset",
    "truncate",
    "malformed-json",
    "slow-body",
    "empty",
    "wrong-content-type",
    "gateway",
]
CALLBACK = [
    "callback-duplicate",
    "callback-reorder",
    "callback-drop",
    "callback-delay",
    "callback-early",
    "callback-bad-signature",
]
COMMON = ["fault", "provider", "operation", "match", "probability", "times"]


@pytest.mark.parametrize(
    ("fault", "field", "allowed"),
    [
        ({"fault": "fire"}, "fault", [*NETWORK, *CALLBACK]),
        ({"provider": "nobody"}, "provider", ["crun", "evolink", "kie", "yuto"]),
        ({"operation": "getNothing"}, "operation", ...),
        ({"provider": "crun", "operation": "getCredits"}, "operation", ...),
        ({"when": "later"}, "when", ["before", "after", None]),
        ({"at": "body"}, "at", [*COMMON, "path", "when", "status"]),
        ({"seconds": 1}, "seconds", [*COMMON, "path", "when", "status"]),
        ({"status": 500}, "status", [502, 503, 504, None]),
        ({"times": 0}, "times", {"minimum": 1}),
        ({"probability": 1.1}, "probability", {"maximum": 1}),
        ({"probability": -0.1}, "probability", {"minimum": 0}),
        ({"path": "api/*"}, "path", ...),
        ({"path": "/_mock/tasks"}, "path", ["a provider's path", "/_mock/media/*"]),
        ({"path": "/_mock/r*"}, "path", ["a provider's path", "/_mock/media/*"]),
        ({"path": "/_sandbox/alice/*"}, "path", None),
        ({"path": "/kie/api/*"}, "path", None),
        ({"path": "/_mock/media/*", "operation": "getCredits"}, "operation", None),
        ({"path": "/_mock/media/*", "match": {"a": 1}}, "match", None),
        ({"fault": "latency"}, "seconds", ["seconds", "[least seconds, most seconds]"]),
        ({"fault": "latency", "seconds": [2, 1]}, "seconds", ["seconds", "[least seconds, most seconds]"]),
        ({"fault": "latency", "seconds": [1]}, "seconds", ...),
        ({"fault": "latency", "seconds": [1, 2, 3]}, "seconds", ...),
        ({"fault": "latency", "seconds": [1, 4000]}, "seconds/1", ...),
        ({"fault": "latency", "seconds": -1}, "seconds", {"minimum": 0}),
        ({"fault": "latency", "seconds": 4000}, "seconds", {"maximum": 3600}),
        ({"fault": "latency", "seconds": "1"}, "seconds", ...),
        ({"fault": "latency", "seconds": 1, "when": "before"}, "when", [*COMMON, "path", "seconds"]),
        ({"fault": "slow-body"}, "seconds", ["seconds"]),
        ({"fault": "slow-body", "seconds": [1, 2]}, "seconds", ["seconds"]),
        ({"fault": "slow-body", "seconds": 1, "when": "before"}, "when", ["after"]),
        ({"fault": "malformed-json", "when": "before"}, "when", ["after"]),
        ({"fault": "wrong-content-type", "when": "before"}, "when", ["after"]),
        ({"fault": "malformed-json", "status": 502}, "status", [*COMMON, "path", "when"]),
        ({"fault": "callback-delay"}, "seconds", ["seconds"]),
        ({"fault": "callback-delay", "seconds": [1, 2]}, "seconds", ["seconds"]),
        ({"fault": "callback-drop", "seconds": 1}, "seconds", COMMON),
        ({"fault": "callback-drop", "path": "/api/*"}, "path", COMMON),
        ({"fault": "callback-drop", "when": "after"}, "when", COMMON),
        ({"fault": "callback-bad-signature", "provider": "crun"}, "provider", ["kie"]),
        ({"fault": "callback-bad-signature", "operation": "createTask"}, "operation", ["kie"]),
        ({"colour": "red"}, "colour", ...),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(client: Client, fault: dict[str, Any], field: str, allowed: Any) -> None:
    answer = client.post("/_mock/faults", json={"fault": "gateway", **fault})

    told = answer.json()
    assert (answer.status_code, answer.headers["x-mock-error"]) == (422, "bad-control-request")
    assert told["field"] == field
    assert allowed is ... or told.get("allowed") == allowed
    assert listed(client) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": "gateway", "status": "502"}, 'got "502". Allowed: 502, 503, 504'),
        ({"fault": "gateway", "status": True}, "got true. Allowed: 502, 503, 504"),
        ({"fault": "latency", "seconds": "3"}, 'got "3"'),
        ({"fault": "gateway", "times": "1"}, 'got "1"'),
        ({"fault": None}, "got null"),
    ],
    ids=str,
)
def test_what_came_is_told_as_json(client: Client, fault: dict[str, Any], said: str) -> None:
    answer = client.post("/_mock/faults", json=fault)

    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert [word for word in ("None", "True", "'") if word in answer.json()["detail"]] == []


@pytest.mark.parametrize("name", [name for name in CALLBACK if name != "callback-delay"])
@pytest.mark.parametrize(
    ("provider", "operation", "makers"),
    [
        ("kie", "getMusicDetails", ["generateMusic", "extendMusic", "uploadCover", "uploadExtend"]),
        ("kie", "generatePersona", ["generateMusic", "extendMusic", "uploadCover", "uploadExtend"]),
        ("kie", "getCredits", ["generateMusic", "extendMusic", "uploadCover", "uploadExtend"]),
    ],
)
def test_a_fault_of_callbacks_is_for_what_makes_tasks(
    client: Client, name: str, provider: str, operation: str, makers: list[str]
) -> None:
    answer = client.post("/_mock/faults", json={"fault": name, "provider": provider, "operation": operation})

    told = answer.json()
    assert (answer.status_code, answer.headers["x-mock-error"]) == (422, "bad-control-request")
    assert (told["field"], told["allowed"], listed(client)) == ("operation", makers, [])
    for maker in makers:
        post(client, fault=name, provider=provider, operation=maker)


@pytest.mark.parametrize("more", [{"fault": "truncate"}, {"fault": "reset", "at": "body"}], ids=str)
def test_what_breaks_in_the_middle_of_a_reply_is_after_the_work(live: Any, more: dict[str, Any]) -> None:
    url = live()

    answer = httpx2.post(f"{url}/_mock/faults", json={**more, "when": "before"})

    assert answer.status_code == 422
    assert (answer.json()["field"], answer.json()["allowed"]) == ("when", ["after"])


@pytest.mark.parametrize("name", ["reset", "truncate", "empty"])
def test_another_server_is_told_what_it_cannot_do(client: Client, name: str) -> None:
    answer = client.post("/_mock/faults", json={"fault": name})

    told = answer.json()
    assert (answer.status_code, told["field"]) == (422, "fault")
    assert "persona-mock serve" in told["detail"]
    assert told["allowed"] == [
        other for other in [*NETWORK, *CALLBACK] if other not in ("reset", "truncate", "empty")
    ]


@pytest.mark.parametrize("name", ["reset", "truncate", "empty"])
def test_a_break_that_another_server_cannot_do_is_answered_loudly(live: Any, name: str) -> None:
    store = STORES["memory"](log_size=1000)
    ours = live(store=store)
    httpx2.post(f"{ours}/_mock/faults", json={"fault": name}).raise_for_status()

    answer = Client(shared_app(store)).get(CREDITS, headers=KEY)

    assert (answer.status_code, answer.headers["x-mock-error"]) == (500, "no-wire")
    assert "persona-mock serve" in answer.json()["detail"]
