"""Callbacks that misbehave on purpose: twice, in another order, never, late, too early, wrongly signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.conftest import Client
from tests.web.calls import PROVIDERS, in_sandbox, send, shared_app
from tests.web.receiver import SILENCE, Received, Receiver, advance, callbacks, idle, song, told
from tests.web.steering import Control
from tests.web.stories import poll, state_of

Json = Any
Live = Callable[..., str]

EPOCH = 1767225600


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


@pytest.fixture
def client(app: Any, request: pytest.FixtureRequest) -> Client:
    return in_sandbox(app, request.node.nodeid)


@pytest.fixture
def control(client: Client) -> Control:
    return Control(client)


def fault(control: Control, name: str, **what: Json) -> str:
    added = control.post("/faults", {"fault": name, **what})
    return str(added["id"])


def left(control: Control) -> list[Json]:
    return [one["left"] for one in control.get("/faults")["faults"]]


def counts(control: Control) -> tuple[int, int]:
    reply = idle(control)
    return reply["delivered"], reply["gave_up"]


# --- duplicate ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_duplicated_callback_arrives_twice(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    fault(control, "callback-duplicate")
    song(client, provider, receiver.url)

    idle(control)

    bodies = receiver.bodies()
    assert len(bodies) == len(callbacks(control)) + 1
    assert bodies[0] == bodies[1]
    assert bodies[1:] == [one["payload"] for one in callbacks(control)]
    assert left(control) == []


def test_a_standing_duplicate_doubles_every_stage(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-duplicate", times=None)
    song(client, "kie", receiver.url)

    idle(control)

    assert receiver.stages() == ["text", "text", "first", "first", "complete", "complete"]
    assert {state for _, state in told(callbacks(control))} == {"delivered"}


def test_a_duplicate_is_used_up(client: Client, control: Control, receiver: Receiver) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    fault(control, "callback-duplicate", times=2)

    for number in range(3):
        song(client, "crun", f"{base}/{number}")
        idle(control)

    assert [len(receiver.bodies(f"/{number}")) for number in range(3)] == [2, 2, 1]


# --- reorder -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["kie", "evolink"])
def test_reordered_callbacks_come_the_first_before_the_text(
    client: Client, control: Control, receiver: Receiver, provider: str
) -> None:
    fault(control, "callback-reorder")
    song(client, provider, receiver.url)

    delivered = counts(control)

    came = [
        one["stage"] for body in receiver.bodies() for one in callbacks(control) if one["payload"] == body
    ]
    assert came == ["first", "text", "complete"]
    assert delivered == (3, 0)


def test_a_text_that_comes_after_the_first_still_says_what_was_so_then(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-reorder")
    task = song(client, "kie", receiver.url)

    advance(control, 71)
    before = receiver.stages()
    advance(control, 1)

    assert before == []
    assert receiver.stages() == ["first", "text"]
    assert receiver.bodies()[1] == {
        "code": 200,
        "msg": "Text generated successfully.",
        "data": {"callbackType": "text", "task_id": task, "data": []},
    }


def test_reordering_the_only_callback_changes_nothing(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-reorder", times=None)
    song(client, "crun", receiver.url)

    delivered = counts(control)

    assert (delivered, len(receiver.received)) == ((1, 0), 1)


def test_a_reordered_text_whose_song_fails_still_comes(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-reorder")
    song(client, "kie", receiver.url, prefer="outcome=task-failed")

    idle(control)

    assert sorted(receiver.stages()) == ["error", "text"]
    assert {state for _, state in told(callbacks(control))} == {"delivered"}


def test_a_reordered_text_never_waits_for_a_first_that_is_dropped(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-reorder")
    song(client, "kie", receiver.url)
    advance(control, 30)
    fault(control, "callback-drop")

    idle(control)

    assert receiver.stages() == ["text", "complete"]


def test_a_reordered_text_never_waits_for_an_error_that_is_dropped(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-reorder")
    song(client, "kie", receiver.url, prefer="outcome=task-failed")
    advance(control, 30)
    fault(control, "callback-drop")

    idle(control)

    assert told(callbacks(control)) == [("text", "delivered"), ("error", "gave-up")]


@pytest.mark.parametrize("stays", [True, False])
def test_a_reordered_text_is_sent_when_a_state_that_is_brought_replaces_its_task(
    client: Client, control: Control, receiver: Receiver, stays: bool
) -> None:
    fault(control, "callback-reorder")
    song(client, "kie", receiver.url)
    advance(control, 31)
    held = receiver.stages()
    state = control.get("/state")

    reply = control.call("PUT", "/state", json=state if stays else {**state, "tasks": []})
    idle(control)

    assert (reply.status_code, held) == (200, [])
    assert receiver.stages() == (["text", "first", "complete"] if stays else ["text"])
    assert {state for _, state in told(callbacks(control))} == {"delivered"}


# --- drop --------------------------------------------------------------------------------------------------


def test_a_dropped_callback_never_comes_and_the_later_ones_do(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-drop")
    task = song(client, "kie", receiver.url)

    delivered = counts(control)

    assert receiver.stages() == ["first", "complete"]
    assert delivered == (2, 1)
    found = callbacks(control)
    assert told(found) == [("text", "gave-up"), ("first", "delivered"), ("complete", "delivered")]
    assert (found[0]["attempts"], "callback-drop" in found[0]["reason"]) == ([], True)
    assert state_of("kie", poll(client, "kie", task, "k").json()) == "SUCCESS"


@pytest.mark.parametrize("order", [("drop", "duplicate"), ("duplicate", "drop")])
def test_a_dropped_callback_leaves_other_faults_to_the_next(
    client: Client, control: Control, receiver: Receiver, order: tuple[str, str]
) -> None:
    for name in order:
        fault(control, f"callback-{name}")
    song(client, "kie", receiver.url)

    advance(control, 30)
    still = left(control)
    idle(control)

    assert (still, left(control)) == ([1], [])
    assert receiver.stages() == ["first", "first", "complete"]
    assert [state for _, state in told(callbacks(control))] == ["gave-up", "delivered", "delivered"]


def test_a_dropped_callback_can_be_sent_again(client: Client, control: Control, receiver: Receiver) -> None:
    fault(control, "callback-drop")
    song(client, "crun", receiver.url)
    idle(control)
    (dropped,) = callbacks(control)

    again = control.post(f"/callbacks/{dropped['id']}/redeliver")

    assert (dropped["state"], again["state"]) == ("gave-up", "delivered")
    assert receiver.bodies() == [dropped["payload"]]


# --- delay -------------------------------------------------------------------------------------------------


def test_a_delayed_callback_comes_real_seconds_later(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-delay", seconds=0.3)
    song(client, "crun", receiver.url)

    began = time.monotonic()
    delivered = counts(control)
    took = time.monotonic() - began

    assert (delivered, len(receiver.received)) == ((1, 0), 1)
    assert 0.3 <= took < 10
    # Delays are real seconds; a virtual clock does not see them.
    assert callbacks(control)[0]["attempts"][0]["at"] == "2026-01-01T00:01:26Z"
    assert control.get("/clock")["now"] == "2026-01-01T00:01:26Z"


def test_a_delay_holds_up_no_other_task(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    client = connect(live(clock="real", pace=6000))
    base = f"http://127.0.0.1:{receiver.port}"
    control = Control(client)  # type: ignore[arg-type]
    fault(control, "callback-delay", seconds=30, match={"callback_url": f"{base}/late"})

    song(client, "crun", f"{base}/late")
    began = time.monotonic()
    song(client, "crun", f"{base}/other")
    receiver.wait(1)
    took = time.monotonic() - began

    assert ([one.path for one in receiver.received], took < 15) == (["/other"], True)


def test_a_delay_needs_its_seconds(control: Control) -> None:
    status, slug, problem = control.refused("POST", "/faults", json={"fault": "callback-delay"})

    assert (status, slug, problem["field"]) == (422, "bad-control-request", "seconds")


# --- early -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "state"),
    [("kie", "TEXT_SUCCESS"), ("crun", "success"), ("evolink", "processing"), ("yuto", "SUCCESS")],
)
def test_an_early_callback_is_there_before_the_reply_to_the_submission(
    client: Client, control: Control, receiver: Receiver, provider: str, state: str
) -> None:
    fault(control, "callback-early")

    task = song(client, provider, receiver.url)
    came = list(receiver.received)
    shown = poll(client, provider, task, "k").json()

    assert len(came) == 1
    assert state_of(provider, shown) == state
    assert callbacks(control)[0]["payload"] == came[0].json
    assert control.get("/clock")["now"] == "2026-01-01T00:00:00Z"


def test_after_an_early_text_the_others_come_in_order(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-early")
    task = song(client, "kie", receiver.url)

    idle(control)

    assert receiver.stages() == ["text", "first", "complete"]
    assert told(callbacks(control)) == [
        ("text", "delivered"),
        ("first", "delivered"),
        ("complete", "delivered"),
    ]
    assert state_of("kie", poll(client, "kie", task, "k").json()) == "SUCCESS"


def test_an_early_callback_comes_first_over_a_socket_too(
    live: Live, connect: Callable[[str], httpx2.Client], receiver: Receiver
) -> None:
    client = connect(live(clock="real", pace="real"))
    fault(Control(client), "callback-early")  # type: ignore[arg-type]

    task = song(client, "kie", receiver.url)

    assert receiver.stages() == ["text"]
    assert receiver.bodies()[0]["data"]["task_id"] == task


def test_a_silent_receiver_of_an_early_callback_does_not_keep_the_reply_for_long(receiver: Receiver) -> None:
    client = Client(shared_app(callback_timeout=0.2))
    fault(Control(client), "callback-early")
    receiver.script(SILENCE)

    began = time.monotonic()
    song(client, "kie", receiver.url)
    took = time.monotonic() - began

    assert (len(receiver.received), took < 10) == (1, True)


def test_an_early_callback_is_for_the_submissions_it_names_and_is_used_up(
    client: Client, control: Control, receiver: Receiver
) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    fault(control, "callback-early", provider="crun", match={"input": {"title": "Now"}})

    song(client, "kie", f"{base}/kie")
    song(client, "crun", f"{base}/other")
    before = list(receiver.received)
    song(client, "crun", f"{base}/first", fields={"title": "Now"})
    song(client, "crun", f"{base}/second", fields={"title": "Now"})

    assert (before, [one.path for one in receiver.received]) == ([], ["/first"])
    assert left(control) == []


@pytest.mark.parametrize("polls", [1, 2, 3])
def test_after_an_early_text_polls_show_each_state_as_often_as_ever(receiver: Receiver, polls: int) -> None:
    client = Client(shared_app(pace=f"polls:{polls}"))
    fault(Control(client), "callback-early")
    task = song(client, "kie", receiver.url)
    early = receiver.stages()

    shown = [state_of("kie", poll(client, "kie", task, "k").json()) for _ in range(3 * polls)]

    assert early == ["text"]
    assert shown == ["TEXT_SUCCESS"] * polls + ["FIRST_SUCCESS"] * polls + ["SUCCESS"] * polls
    receiver.wait(3)
    assert receiver.stages() == ["text", "first", "complete"]


# --- bad signature -----------------------------------------------------------------------------------------


def verified(one: Received, key: str) -> bool:
    text = f"{one.json['data']['task_id']}.{one.headers['x-webhook-timestamp']}"
    wanted = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
    return hmac.compare_digest(one.headers["x-webhook-signature"], wanted)


def test_a_bad_signature_looks_like_one_and_does_not_verify(
    client: Client, control: Control, receiver: Receiver
) -> None:
    control.call("PATCH", "/accounts/k", json={"webhookHmacKey": "secret"})
    fault(control, "callback-bad-signature")
    task = song(client, "kie", receiver.url)

    delivered = counts(control)

    assert [verified(one, "secret") for one in receiver.received] == [False, True, True]
    bad = receiver.received[0]
    assert bad.headers["x-webhook-timestamp"] == str(EPOCH + 30)
    assert len(base64.b64decode(bad.headers["x-webhook-signature"], validate=True)) == 32
    assert (bad.json["data"]["task_id"], delivered) == (task, (3, 0))


def test_every_attempt_of_a_badly_signed_callback_is_badly_signed(
    client: Client, control: Control, receiver: Receiver
) -> None:
    control.call("PATCH", "/accounts/k", json={"webhookHmacKey": "secret"})
    fault(control, "callback-bad-signature")
    receiver.script(401, 401, 401, 401)
    song(client, "kie", receiver.url)

    advance(control, 40)

    assert [verified(one, "secret") for one in receiver.received] == [False] * 4


def test_without_a_key_a_bad_signature_is_there_all_the_same(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-bad-signature")
    song(client, "kie", receiver.url)

    idle(control)

    signed = [{name for name in one.headers if name.startswith("x-webhook")} for one in receiver.received]
    assert signed == [{"x-webhook-timestamp", "x-webhook-signature"}, set(), set()]
    assert not verified(receiver.received[0], "")


@pytest.mark.parametrize("provider", ["crun", "evolink", "yuto"])
def test_what_a_provider_does_not_sign_cannot_be_signed_badly(control: Control, provider: str) -> None:
    body = {"fault": "callback-bad-signature", "provider": provider}

    status, slug, problem = control.refused("POST", "/faults", json=body)

    assert (status, slug, problem["field"]) == (422, "bad-control-request", "provider")


def test_a_bad_signature_of_no_provider_leaves_the_unsigned_alone(
    client: Client, control: Control, receiver: Receiver
) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    fault(control, "callback-bad-signature")
    song(client, "crun", f"{base}/crun")
    idle(control)
    song(client, "kie", f"{base}/kie")
    idle(control)

    signed = {one.path for one in receiver.received if "x-webhook-signature" in one.headers}
    assert signed == {"/kie"}


# --- which callbacks ---------------------------------------------------------------------------------------


def test_a_fault_keeps_to_its_provider(client: Client, control: Control, receiver: Receiver) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    fault(control, "callback-drop", provider="yuto", times=None)

    for provider in PROVIDERS:
        song(client, provider, f"{base}/{provider}")
    idle(control)

    assert {one.path for one in receiver.received} == {"/kie", "/crun", "/evolink"}


def test_a_fault_keeps_to_the_operation_of_the_submission(
    client: Client, control: Control, receiver: Receiver
) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    fault(control, "callback-drop", provider="yuto", operation="submitLyrics", times=None)
    song(client, "yuto", f"{base}/song")
    send(client, "yuto", "submitLyrics", json={"prompt": "dance", "notify_hook": f"{base}/lyrics"})

    idle(control)

    assert [one.path for one in receiver.received] == ["/song"]


def test_a_fault_matches_the_body_of_the_submission(
    client: Client, control: Control, receiver: Receiver
) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    fault(control, "callback-drop", match={"title": "Neon Two"}, times=None)
    song(client, "kie", f"{base}/one", fields={"title": "Neon One"})
    song(client, "kie", f"{base}/two", fields={"title": "Neon Two"})

    idle(control)

    assert [one.path for one in receiver.received] == ["/one"] * 3


def test_a_fault_matches_inside_the_body(client: Client, control: Control, receiver: Receiver) -> None:
    base = f"http://127.0.0.1:{receiver.port}"
    fault(control, "callback-drop", match={"input": {"title": "Second"}}, times=None)
    song(client, "crun", f"{base}/one", fields={"title": "First"})
    song(client, "crun", f"{base}/two", fields={"title": "Second"})

    idle(control)

    assert [one.path for one in receiver.received] == ["/one"]


@pytest.mark.parametrize(("times", "came"), [(1, 2), (2, 1), (3, 0), (None, 0)])
def test_times_count_callbacks(
    client: Client, control: Control, receiver: Receiver, times: int | None, came: int
) -> None:
    fault(control, "callback-drop", times=times)
    song(client, "kie", receiver.url)

    idle(control)

    assert receiver.stages() == ["text", "first", "complete"][3 - came :]
    assert left(control) == ([None] if times is None else [])


def test_a_fault_waits_for_a_callback_that_it_is_for(
    client: Client, control: Control, receiver: Receiver
) -> None:
    fault(control, "callback-drop", provider="kie")

    for provider in ("crun", "evolink", "yuto"):
        song(client, provider, receiver.url)
    idle(control)

    assert left(control) == [1]
    assert {state for _, state in told(callbacks(control))} == {"delivered"}


def test_no_call_uses_up_a_fault_of_callbacks(client: Client, control: Control) -> None:
    fault(control, "callback-drop")

    song(client, "crun", None)
    idle(control)

    assert left(control) == [1]


def test_a_probability_spares_some_and_the_seed_says_which(app: Any, receiver: Receiver) -> None:
    # The same sandbox twice, so that its seed is the same.
    client = in_sandbox(app, "callback probabilities")
    control = Control(client)
    base = f"http://127.0.0.1:{receiver.port}"

    patterns = []
    for turn in range(2):
        control.post("/reset")
        fault(control, "callback-drop", probability=0.3, times=None)
        for number in range(20):
            song(client, "crun", f"{base}/{turn}/{number}", key=f"k{number}")
        idle(control)
        patterns.append([state for _, state in told(callbacks(control))])

    assert patterns[0] == patterns[1]
    assert len(patterns[0]) == 20
    assert 0 < patterns[0].count("gave-up") < 20


@pytest.mark.parametrize(("probability", "came"), [(0, 1), (1, 0)])
def test_probabilities_of_never_and_always(
    client: Client, control: Control, receiver: Receiver, probability: int, came: int
) -> None:
    fault(control, "callback-drop", probability=probability)
    song(client, "crun", receiver.url)

    idle(control)

    assert (len(receiver.received), left(control)) == (came, [1] if came else [])


def test_a_deleted_fault_is_met_no_more(client: Client, control: Control, receiver: Receiver) -> None:
    song(client, "kie", receiver.url)
    made = fault(control, "callback-drop", times=None)
    advance(control, 30)

    control.delete(f"/faults/{made}")
    idle(control)

    assert receiver.stages() == ["first", "complete"]


def test_a_fault_of_another_sandbox_is_not_met(app: Any, receiver: Receiver) -> None:
    mine, other = in_sandbox(app, "without faults"), in_sandbox(app, "with a fault")
    fault(Control(other), "callback-drop", times=None)
    song(mine, "crun", receiver.url)

    idle(Control(mine))

    assert len(receiver.received) == 1


def test_faults_combine_with_a_failing_receiver(client: Client, control: Control, receiver: Receiver) -> None:
    fault(control, "callback-duplicate")
    receiver.script(500)
    song(client, "crun", receiver.url)

    idle(control)

    (one,) = callbacks(control)
    assert one["state"] == "delivered"
    assert len(receiver.received) == len(one["attempts"]) >= 2
    assert [attempt["status"] for attempt in one["attempts"]].count(200) >= 1
