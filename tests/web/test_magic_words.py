"""Words in a song request that say how its task goes: `mock:fail`, `mock:fail=…`, `mock:slow=…`."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import httpx2
import pytest

from mockserver.domain.ports import Tx
from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.conftest import Client, MakeClient
from tests.store.table import STORES
from tests.web.calls import CALLS, PROVIDERS, about, in_sandbox, planted, send, shared_app
from tests.web.steering import Control
from tests.web.stories import poll, state_of

# An address that nobody may be called at: nothing leaves this machine.
NOBODY = "https://192.0.2.1/callback"
NO_PERSONA = "0" * 32
START = 1767225600

KIE: dict[str, Any] = {
    "prompt": "[Verse]\nNeon rain on empty streets",
    "customMode": True,
    "instrumental": False,
    "model": "V5",
    "style": "Electronic Pop",
    "title": "Neon Rain",
    "callBackUrl": NOBODY,
}
CRUN_INPUT: dict[str, Any] = {
    "mode": "custom",
    "model": "v5",
    "instrumental": False,
    "prompt": "A calm song about the first snow",
    "lyrics": "[Verse]\nNeon on the water",
    "title": "Midnight Neon",
    "tags": "moody, intimate",
}
EVOLINK: dict[str, Any] = {
    "model": "suno-v5-beta",
    "custom_mode": True,
    "instrumental": False,
    "prompt": "[Verse]\nWindows down and nowhere to be",
    "title": "Summer Dreams",
    "style": "pop, upbeat",
}
YUTO: dict[str, Any] = {
    "mv": "chirp-v4",
    "prompt": "[Verse]\nSalt on the window",
    "gpt_description_prompt": "a slow song about the sea at night",
    "title": "Salt",
    "tags": "dream pop",
}
OPERATIONS = {
    "kie": "generateMusic",
    "crun": "createTask",
    "evolink": "generateMusic",
    "yuto": "submitMusic",
}
# The fields that are read, first one first.
FIELDS = {
    "kie": ("prompt", "title", "style"),
    "crun": ("prompt", "lyrics", "title", "tags"),
    "evolink": ("prompt", "title", "style"),
    "yuto": ("prompt", "gpt_description_prompt", "title", "tags"),
}
EACH_FIELD = [(provider, field) for provider, fields in FIELDS.items() for field in fields]
PRICES = {"kie": 12, "crun": 12, "evolink": 10, "yuto": 10}
# When a song is ready and when a failing one fails, and both states.
SECONDS = {"kie": (120, 60), "crun": (86, 43), "evolink": (120, 60), "yuto": (90, 45)}
ENDS = {
    "kie": ("SUCCESS", "GENERATE_AUDIO_FAILED"),
    "crun": ("success", "failed"),
    "evolink": ("completed", "failed"),
    "yuto": ("SUCCESS", "FAILURE"),
}
JUST = 0.001

EVOLINK_CODES = (
    "content_policy_violation", "invalid_parameters", "image_processing_error", "image_dimension_mismatch",
    "request_cancelled", "generation_failed_no_content", "service_error", "generation_timeout",
    "quota_exceeded", "resource_exhausted", "service_unavailable", "resource_not_found", "unknown_error",
)  # fmt: skip


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


def song(provider: str, **texts: str) -> Any:
    """The body of a song request with some of its texts replaced."""
    if provider == "crun":
        return {"model": "suno/music-generate", "callback_url": None, "input": {**CRUN_INPUT, **texts}}
    return {**{"kie": KIE, "evolink": EVOLINK, "yuto": YUTO}[provider], **texts}


def sung(client: Client, provider: str, key: str = "k", prefer: str | None = None, **texts: str) -> Any:
    """The reply to a song request."""
    headers = {} if prefer is None else {"prefer": prefer}
    body = song(provider, **texts)
    return send(client, provider, OPERATIONS[provider], key=key, json=body, **headers)


class Accepted(NamedTuple):
    """A submission that went well: its outcome, its task, and how the journal explains it."""

    outcome: str
    task: str
    because: str


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


def accepted(client: Client, provider: str, key: str = "k", **texts: str) -> Accepted:
    """A song request that is accepted."""
    reply = sung(client, provider, key, **texts)
    assert reply.status_code == 200, reply.text
    outcome = reply.headers["x-mock-outcome"]
    assert outcome in ("success", "task-failed"), reply.text
    return Accepted(outcome, task_of(provider, reply.json()), newest(client)["because"])


def newest(client: Client) -> Any:
    """The newest entry of the journal."""
    return client.get("/_mock/requests?limit=1").json()["requests"][0]


def looked(client: Client, provider: str, task: str) -> Any:
    """What a poll shows."""
    return poll(client, provider, task, "k").json()


def state(client: Client, provider: str, task: str) -> str:
    return state_of(provider, looked(client, provider, task))


def advance(client: Client, seconds: float) -> None:
    reply = client.post("/_mock/clock/advance", json={"seconds": seconds})
    assert reply.status_code == 200, reply.text


def states_at(client: Client, provider: str, task: str, *moments: float) -> list[str]:
    """The state just before and at each of these moments since the submission."""
    seen, now = [], 0.0
    for moment in moments:
        for then in (moment - JUST, moment):
            advance(client, then - now)
            now = then
            seen.append(state(client, provider, task))
    return seen


def credits(client: Client, key: str = "k") -> Any:
    return client.get(f"/_mock/accounts/{key}").json()["credits"]


def tasks(client: Client) -> Any:
    return client.get("/_mock/tasks").json()["tasks"]


# --- mock:fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "field"), EACH_FIELD)
def test_mock_fail_in_any_text_lets_the_task_fail_half_way(client: Client, provider: str, field: str) -> None:
    made = accepted(client, provider, **{field: "mock:fail"})
    charged = credits(client)

    seen = states_at(client, provider, made.task, SECONDS[provider][1])

    assert (made.outcome, made.because) == ("task-failed", "magic-prompt")
    assert charged == 1000 - PRICES[provider]
    assert seen[0] not in ENDS[provider]
    assert seen[1] == ENDS[provider][1]
    assert credits(client) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "mock:fail",
        "a song mock:fail please",
        "[Verse]\nmock:fail\n[Chorus]\nOh",
        "\tmock:fail ",
        "mock:fail mock:fail",
        "xmock:slow=1 mock:fail",
    ],
)
def test_a_word_stands_between_spaces(client: Client, text: str) -> None:
    made = accepted(client, "kie", prompt=text)
    advance(client, 60)

    assert (made.outcome, state(client, "kie", made.task)) == ("task-failed", "GENERATE_AUDIO_FAILED")


@pytest.mark.parametrize(
    "text", ["xmock:fail", "a-mock:fail", "(mock:fail=400", "mock :fail", "fail", "mock"]
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_word_inside_a_word_is_none(client: Client, provider: str, text: str) -> None:
    made = accepted(client, provider, prompt=text)
    advance(client, SECONDS[provider][0])

    assert (made.outcome, made.because) == ("success", "state")
    assert state(client, provider, made.task) == ENDS[provider][0]


@pytest.mark.parametrize(
    ("name", "status", "code", "seconds"),
    [
        ("CREATE_TASK_FAILED", "CREATE_TASK_FAILED", None, 12),
        ("GENERATE_AUDIO_FAILED", "GENERATE_AUDIO_FAILED", None, 60),
        ("CALLBACK_EXCEPTION", "CALLBACK_EXCEPTION", None, 60),
        ("SENSITIVE_WORD_ERROR", "SENSITIVE_WORD_ERROR", 400, 12),
        ("400", "SENSITIVE_WORD_ERROR", 400, 12),
        ("408", "GENERATE_AUDIO_FAILED", 408, 60),
        ("413", "CREATE_TASK_FAILED", 413, 12),
        # Codes that only a callback carries.
        ("500", "GENERATE_AUDIO_FAILED", None, 60),
        ("501", "GENERATE_AUDIO_FAILED", None, 60),
        ("531", "GENERATE_AUDIO_FAILED", None, 60),
    ],
)
def test_each_failure_of_kie_can_be_asked_for(
    client: Client, name: str, status: str, code: int | None, seconds: int
) -> None:
    made = accepted(client, "kie", title=f"mock:fail={name}")

    seen = states_at(client, "kie", made.task, seconds)

    data = looked(client, "kie", made.task)["data"]
    assert seen == ["PENDING" if seconds == 12 else "TEXT_SUCCESS", status]
    assert (data["errorCode"], data["response"]) == (code, None)
    assert data["errorMessage"]
    assert (made.outcome, made.because, credits(client)) == ("task-failed", "magic-prompt", 1000)


@pytest.mark.parametrize("code", EVOLINK_CODES)
def test_each_error_of_evolink_can_be_asked_for(client: Client, code: str) -> None:
    made = accepted(client, "evolink", style=f"pop mock:fail={code}")
    advance(client, 60)

    body = looked(client, "evolink", made.task)
    assert (body["status"], body["error"]["code"], body["error"]["type"]) == ("failed", code, "task_error")
    assert body["error"]["message"]
    assert "result_data" not in body
    assert (made.outcome, made.because, credits(client)) == ("task-failed", "magic-prompt", 1000)


@pytest.mark.parametrize(
    ("provider", "name"),
    [("crun", "failed"), ("crun", "501"), ("yuto", "FAILURE"), ("yuto", "generation_failed")],
)
def test_the_failure_of_crun_and_of_yuto_can_be_asked_for_by_name(
    client: Client, provider: str, name: str
) -> None:
    made = accepted(client, provider, title=f"mock:fail={name}")
    advance(client, SECONDS[provider][1])

    data = looked(client, provider, made.task)["data"]
    reason = data["result"]["message"] if provider == "crun" else data["fail_reason"]
    assert data["status"] == ENDS[provider][1]
    assert reason
    assert (made.outcome, made.because, credits(client)) == ("task-failed", "magic-prompt", 1000)


def test_the_clips_of_yuto_say_why_they_failed(client: Client) -> None:
    made = accepted(client, "yuto", prompt="mock:fail=FAILURE")
    advance(client, 45)

    data = looked(client, "yuto", made.task)["data"]

    for clip in data["data"]:
        assert (clip["status"], clip["audio_url"]) == ("error", "")
        assert clip["metadata"]["refund_credits"] is True
        assert clip["metadata"]["error_message"] == data["fail_reason"]
    assert len(data["data"]) == 2


# --- mock:slow ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("provider", "field"), EACH_FIELD)
def test_mock_slow_in_any_text_says_how_long_the_task_takes(
    client: Client, provider: str, field: str
) -> None:
    made = accepted(client, provider, **{field: "mock:slow=500"})

    seen = states_at(client, provider, made.task, 500)

    assert made.outcome == "success"
    assert seen[0] not in ENDS[provider]
    assert seen[1] == ENDS[provider][0]
    assert credits(client) == 1000 - PRICES[provider]


def test_ten_seconds_of_kie(client: Client) -> None:
    made = accepted(client, "kie", prompt="mock:slow=10")

    seen = states_at(client, "kie", made.task, 2.5, 6, 10)

    assert seen == [
        "PENDING",
        "TEXT_SUCCESS",
        "TEXT_SUCCESS",
        "FIRST_SUCCESS",
        "FIRST_SUCCESS",
        "SUCCESS",
    ]


def test_a_thousand_seconds_of_crun(client: Client) -> None:
    made = accepted(client, "crun", lyrics="mock:slow=1000")

    seen = states_at(client, "crun", made.task, 100, 1000)

    data = looked(client, "crun", made.task)["data"]
    assert seen == ["pending", "running", "running", "success"]
    assert (data["duration_s"], data["complete_at"]) == (1000, START + 1000)


def test_forty_seconds_of_evolink(client: Client) -> None:
    made = accepted(client, "evolink", title="mock:slow=40")
    progress = []

    for seconds in (4 - JUST, JUST, 12 - JUST, JUST, 16 - JUST, JUST, 8 - JUST, JUST):
        advance(client, seconds)
        progress.append(looked(client, "evolink", made.task)["progress"])

    assert progress == [0, 30, 30, 60, 60, 90, 90, 100]


def test_twenty_seconds_of_yuto(client: Client) -> None:
    made = accepted(client, "yuto", gpt_description_prompt="mock:slow=20")

    seen = states_at(client, "yuto", made.task, 1, 2, 5, 20)

    assert seen == [
        "NOT_START",
        "SUBMITTED",
        "SUBMITTED",
        "QUEUED",
        "QUEUED",
        "IN_PROGRESS",
        "IN_PROGRESS",
        "SUCCESS",
    ]


def test_seconds_may_have_a_fraction(client: Client) -> None:
    made = accepted(client, "crun", title="mock:slow=2.5")

    assert states_at(client, "crun", made.task, 0.25, 2.5) == ["pending", "running", "running", "success"]


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


def test_the_seconds_are_the_providers_and_pace_divides_them() -> None:
    clock = Stopwatch()
    client = Client(create_app(Settings(seed=0, pace=20), clock=clock))
    made = accepted(client, "kie", prompt="mock:slow=200")

    seen = []
    for seconds in (2.5, 6, 9.9, 10.1):
        clock.time = 1_800_000_000.0 + seconds
        seen.append(state(client, "kie", made.task))

    assert seen == ["TEXT_SUCCESS", "FIRST_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]


def test_where_polls_set_the_pace_slow_changes_nothing(make_client: MakeClient) -> None:
    client = make_client(pace="polls:1")
    made = accepted(client, "kie", prompt="mock:slow=1000000")

    seen = [state(client, "kie", made.task) for _ in range(4)]

    assert seen == ["PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "SUCCESS"]


# --- both, and which text counts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["mock:fail mock:slow=10", "mock:slow=10 mock:fail", "mock:slow=10\nand then\nmock:fail"]
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_words_may_be_combined(client: Client, provider: str, text: str) -> None:
    made = accepted(client, provider, prompt=text)

    seen = states_at(client, provider, made.task, 5)

    assert made.outcome == "task-failed"
    assert seen[0] not in ENDS[provider]
    assert seen[1] == ENDS[provider][1]


def test_a_named_failure_and_a_time_of_its_own(client: Client) -> None:
    made = accepted(client, "kie", prompt="mock:slow=10 mock:fail=SENSITIVE_WORD_ERROR")

    assert states_at(client, "kie", made.task, 1) == ["PENDING", "SENSITIVE_WORD_ERROR"]


@pytest.mark.parametrize(
    ("provider", "first", "second"),
    [(name, *pair) for name, fields in FIELDS.items() for pair in pairwise(fields)],
)
def test_the_first_text_that_has_a_word_counts_alone(
    client: Client, provider: str, first: str, second: str
) -> None:
    made = accepted(client, provider, **{first: "mock:slow=10", second: "mock:fail"})
    other = accepted(client, provider, **{first: "mock:fail", second: "mock:slow=10"})

    advance(client, 10)
    early = (state(client, provider, made.task), state(client, provider, other.task))
    advance(client, SECONDS[provider][1] - 10)

    assert (made.outcome, other.outcome) == ("success", "task-failed")
    assert early[0] == ENDS[provider][0]
    assert early[1] not in ENDS[provider]
    assert state(client, provider, other.task) == ENDS[provider][1]


# --- song requests only ------------------------------------------------------------------------------------


SONG_CALLS = [
    ("kie", "generateMusic"),
    ("kie", "extendMusic"),
    ("kie", "uploadCover"),
    ("kie", "uploadExtend"),
    ("yuto", "submitMusic"),
    ("yuto", "generateLegacy"),
    ("evolink", "generateMusic"),
]


@pytest.mark.parametrize(("provider", "operation"), SONG_CALLS)
def test_every_song_request_is_read(client: Client, provider: str, operation: str) -> None:
    ids = planted(client, provider)
    body = {**CALLS[provider, operation].json, "title": "mock:fail"}
    if provider == "kie":
        body["callBackUrl"] = NOBODY

    reply = send(client, provider, operation, json=body, ids=ids)

    assert reply.headers["x-mock-outcome"] == "task-failed", reply.text
    assert newest(client)["because"] == "magic-prompt"
    client.post("/_mock/clock/advance", json={"until": "idle"})
    assert [task["status"] for task in tasks(client)] == ["finished", "failed"]


AUDIO = "https://example.com/audio/tape.mp3"
CRUN_MORE = {
    "suno/music-generate": {},
    "suno/music-extend": {"task_id": "task_12345678", "suno_id": "suno_abc123", "continue_at": 20},
    "suno/music-extend-upload": {"audio_url": AUDIO, "continue_at": 20},
    "suno/music-cover": {"audio_url": AUDIO},
}


@pytest.mark.parametrize("model", CRUN_MORE)
def test_every_song_model_of_crun_is_read(client: Client, model: str) -> None:
    ids = planted(client, "crun")
    given = {**CRUN_INPUT, **about(CRUN_MORE[model], ids), "tags": "moody mock:fail"}

    reply = send(client, "crun", "createTask", json={"model": model, "input": given})

    assert reply.headers["x-mock-outcome"] == "task-failed", reply.text
    assert newest(client)["because"] == "magic-prompt"


def test_a_simple_song_is_read_as_well(client: Client) -> None:
    simple = {"mode": "simple", "model": "v5", "instrumental": True, "prompt": "mock:fail"}
    bodies = {
        "kie": {**KIE, "customMode": False, "prompt": "mock:fail"},
        "crun": {"model": "suno/music-generate", "input": simple},
        "evolink": {"model": "suno-v5-beta", "prompt": "mock:fail"},
        "yuto": {"gpt_description_prompt": "mock:fail"},
    }

    for provider, body in bodies.items():
        reply = send(client, provider, OPERATIONS[provider], json=body)
        assert reply.headers["x-mock-outcome"] == "task-failed", reply.text


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("text", ["mock:fail", "mock:fial"])
def test_a_persona_is_no_song(client: Client, provider: str, text: str) -> None:
    ids = planted(client, provider)
    body = about(CALLS[provider, "generatePersona"].json, ids)
    named = {"name": text, "description": text}
    whole = {**body, "model_params": {**body["model_params"], **named}} if provider == "evolink" else {}

    reply = send(client, provider, "generatePersona", json=whole or {**body, **named})
    client.post("/_mock/clock/advance", json={"until": "idle"})

    assert (reply.headers["x-mock-outcome"], newest(client)["because"]) == ("success", "state")
    assert {task["status"] for task in tasks(client)} == {"finished"}


@pytest.mark.parametrize("text", ["mock:fail", "mock:fial"])
def test_lyrics_and_estimates_are_no_songs(client: Client, text: str) -> None:
    lyrics = send(client, "yuto", "submitLyrics", json={"prompt": text})
    client.post("/_mock/clock/advance", json={"until": "idle"})
    body = song("crun", prompt=text)
    estimates = [send(client, "crun", name, json=body) for name in ("estimateTask", "estimateCredits")]

    outcomes = [reply.headers["x-mock-outcome"] for reply in (lyrics, *estimates)]
    assert outcomes == ["success"] * 3
    assert [task["status"] for task in tasks(client)] == ["finished"]


def test_other_texts_are_not_read(client: Client) -> None:
    made = accepted(client, "kie", negativeTags="mock:fail")
    upload = {**song("kie"), "uploadUrl": "https://example.com/mock:fail"}
    cover = send(client, "kie", "uploadCover", json=upload)

    assert (made.outcome, cover.headers["x-mock-outcome"]) == ("success", "success")


# --- words that say nothing --------------------------------------------------------------------------------


def refused(reply: httpx2.Response) -> Any:
    """The problem of a request whose word says nothing."""
    assert (reply.status_code, reply.headers.get("x-mock-error")) == (422, "bad-magic-word"), reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == 422
    return problem


@pytest.mark.parametrize(
    ("provider", "wanted"),
    [
        (
            "kie",
            (
                "CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "CALLBACK_EXCEPTION", "SENSITIVE_WORD_ERROR",
                "400", "408", "413",
            ),
        ),
        ("crun", ("failed", "501")),
        ("evolink", EVOLINK_CODES),
        ("yuto", ("generation_failed",)),
    ],
)  # fmt: skip
def test_a_failure_that_the_provider_does_not_have_is_refused_with_those_it_has(
    client: Client, provider: str, wanted: tuple[str, ...]
) -> None:
    reply = sung(client, provider, title="mock:fail=NOPE")

    problem = refused(reply)
    assert "mock:fail=NOPE" in problem["detail"]
    assert [name for name in wanted if name not in reply.text] == []
    assert (credits(client), tasks(client)) == (1000, [])


@pytest.mark.parametrize(("provider", "code"), [("crun", "408"), ("crun", "413"), ("yuto", "501")])
def test_a_code_of_another_provider_is_refused(client: Client, provider: str, code: str) -> None:
    problem = refused(sung(client, provider, title=f"mock:fail={code}"))

    assert f"mock:fail={code}" in problem["detail"]
    assert (credits(client), tasks(client)) == (1000, [])


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("mock:fial", ("mock:fail", "mock:slow")),
        ("mock:failed", ("mock:fail", "mock:slow")),
        ("mock:slow", ("mock:slow=",)),
        ("mock:slow=", ("mock:slow=",)),
        ("mock:slow=abc", ("mock:slow=", "seconds")),
        ("mock:slow=-1", ("mock:slow=", "seconds")),
        ("mock:slow=nan", ("mock:slow=", "seconds")),
        ("mock:slow=inf", ("mock:slow=", "seconds")),
        ("mock:slow=1e999", ("mock:slow=", "seconds")),
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_word_that_is_none_of_them_is_refused_with_what_is_wanted(
    client: Client, provider: str, word: str, wanted: tuple[str, ...]
) -> None:
    reply = sung(client, provider, title=f"Neon {word}")

    problem = refused(reply)
    assert word in problem["detail"]
    assert [part for part in wanted if part not in reply.text] == []
    assert (credits(client), tasks(client)) == (1000, [])


def test_a_bad_word_beside_a_good_one_is_refused(client: Client) -> None:
    refused(sung(client, "kie", prompt="mock:slow=10 mock:fial"))

    assert (credits(client), tasks(client)) == (1000, [])


def test_a_bad_word_does_not_use_up_the_rate_limit(make_client: MakeClient) -> None:
    client = make_client()

    for _ in range(20):
        refused(sung(client, "kie", prompt="mock:fial"))
    outcomes = [sung(client, "kie", prompt="mock:fail").headers["x-mock-outcome"] for _ in range(21)]

    assert outcomes == ["task-failed"] * 20 + ["rate-limited"]


# --- what comes before the words ---------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_that_cannot_be_paid_for_is_refused_as_ever(client: Client, provider: str) -> None:
    reply = sung(client, provider, key="mock-poor", prompt="mock:fail")

    entry = newest(client)
    assert reply.headers["x-mock-outcome"] == entry["outcome"] == "insufficient-credits"
    assert (entry["because"], tasks(client)) == ("state", [])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_without_a_key_is_refused_as_ever(client: Client, provider: str) -> None:
    path = CALLS[provider, OPERATIONS[provider]].path

    reply = client.post(path, json=song(provider, prompt="mock:fail"))

    assert (reply.headers["x-mock-outcome"], newest(client)["because"]) == ("unauthorized", "state")


@pytest.mark.parametrize(
    ("provider", "spoilt"),
    [
        ("kie", {**KIE, "prompt": "mock:fail", "model": "V9"}),
        ("crun", {"model": "suno/music-generate", "input": {"prompt": "mock:fail"}}),
        ("evolink", {**EVOLINK, "prompt": "mock:fail", "instrumental": "no"}),
        ("yuto", {**YUTO, "prompt": "mock:fail", "mv": "chirp-v9"}),
    ],
)
def test_a_request_that_breaks_the_document_is_refused_as_ever(
    client: Client, provider: str, spoilt: Any
) -> None:
    reply = send(client, provider, OPERATIONS[provider], json=spoilt)

    assert (reply.headers["x-mock-outcome"], newest(client)["because"]) == ("invalid", "state")
    assert (credits(client), tasks(client)) == (1000, [])


@pytest.mark.parametrize(
    ("provider", "field"), [("kie", "personaId"), ("crun", "persona_id"), ("evolink", "persona_id")]
)
def test_a_request_with_an_unknown_persona_is_refused_as_ever(
    client: Client, provider: str, field: str
) -> None:
    reply = sung(client, provider, prompt="mock:fail", **{field: NO_PERSONA})

    assert (reply.headers["x-mock-outcome"], newest(client)["because"]) == ("persona-not-found", "state")
    assert (credits(client), tasks(client)) == (1000, [])


def test_a_submission_over_the_limit_is_refused_as_ever(make_client: MakeClient) -> None:
    client = make_client()
    for _ in range(20):
        assert accepted(client, "kie").outcome == "success"

    reply = sung(client, "kie", prompt="mock:fail")

    assert (reply.status_code, reply.headers["x-mock-outcome"]) == (429, "rate-limited")
    assert newest(client)["because"] == "state"


@pytest.mark.parametrize("word", ["mock:fail", "mock:fial"])
def test_an_outcome_that_was_asked_for_wins_over_words(client: Client, word: str) -> None:
    reply = sung(client, "kie", prefer="outcome=maintenance", prompt=word)

    assert (reply.headers["x-mock-outcome"], newest(client)["because"]) == ("maintenance", "asked")
    assert tasks(client) == []


def test_a_success_that_was_asked_for_does_not_fail(client: Client) -> None:
    reply = sung(client, "kie", prefer="outcome=success", prompt="mock:fail")
    because = newest(client)["because"]
    advance(client, 120)

    assert (reply.headers["x-mock-outcome"], because) == ("success", "asked")
    assert state(client, "kie", reply.json()["data"]["taskId"]) == "SUCCESS"


@pytest.mark.parametrize(("times", "because"), [(1, "queued"), (None, "standing")])
def test_a_queued_and_a_standing_outcome_win_over_words(
    client: Client, control: Control, times: int | None, because: str
) -> None:
    wanted = {"provider": "kie", "outcome": "task-failed", "error": "CALLBACK_EXCEPTION", "times": times}
    control.post("/outcomes", wanted)

    made = accepted(client, "kie", prompt="mock:fail=SENSITIVE_WORD_ERROR")
    advance(client, 60)

    assert (made.outcome, made.because) == ("task-failed", because)
    assert state(client, "kie", made.task) == "CALLBACK_EXCEPTION"


def test_a_magic_key_wins_over_words(client: Client) -> None:
    reply = sung(client, "kie", key="mock-maintenance", prompt="mock:fail")

    assert (reply.headers["x-mock-outcome"], newest(client)["because"]) == ("maintenance", "magic-key")


@pytest.mark.parametrize("word", ["mock:fail", "mock:slow=10"])
def test_the_words_are_sung_as_they_stand(client: Client, word: str) -> None:
    lyrics = f"[Verse]\nNeon rain {word}"
    made = accepted(client, "kie", prompt=lyrics)

    shown = looked(client, "kie", made.task)["data"]

    assert lyrics.replace("\n", "\\n") in shown["param"]


def test_an_instant_task_fails_at_once_too(make_client: MakeClient) -> None:
    client = make_client(pace="instant")

    made = accepted(client, "kie", prompt="mock:fail=408 mock:slow=1000")

    data = looked(client, "kie", made.task)["data"]
    assert (data["status"], data["errorCode"]) == ("GENERATE_AUDIO_FAILED", 408)
    assert credits(client) == 1000


def test_a_task_with_words_is_moved_as_it_is(make_client: MakeClient) -> None:
    source, target = make_client(), make_client()
    made = accepted(source, "kie", prompt="mock:fail=413 mock:slow=1000")
    advance(source, 50)

    target.request("PUT", "/_mock/state", json=source.get("/_mock/state").json())
    seen = states_at(target, "kie", made.task, 50)

    assert seen == ["PENDING", "CREATE_TASK_FAILED"]
    assert credits(target) == 1000


def test_the_same_words_answer_the_same_bytes(make_client: MakeClient) -> None:
    def story() -> list[bytes]:
        client = make_client()
        bodies = []
        for provider in PROVIDERS:
            reply = sung(client, provider, prompt="mock:fail mock:slow=10")
            advance(client, 7)
            bodies += [reply.content, poll(client, provider, task_of(provider, reply.json()), "k").content]
        return bodies

    assert story() == story()
