"""The receiver of a handle: what comes to its URL, in which order, how it answers, and what `wait` says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from mockserver.settings import UsageError
from mockserver.testing import PersonaMock, Server
from tests.testing.songs import PROVIDERS, client_of, look, make_persona, order
from tests.web.calls import credential
from tests.web.receiver import Receiver
from tests.web.stories import KIE_SONG, state_of

Json = Any

STAGES = {
    "kie": ["text", "first", "complete"],
    "crun": ["complete"],
    "evolink": ["text", "first", "complete"],
    "yuto": ["complete"],
}
# Of the final payload: the state of the task, and its id.
ENDS: dict[str, Callable[[Json], tuple[str, str]]] = {
    "kie": lambda body: (
        "SUCCESS" if body["data"]["callbackType"] == "complete" else "",
        body["data"]["task_id"],
    ),
    "crun": lambda body: ("success", body["data"]["task_id"]),
    "evolink": lambda body: (body["status"], body["id"]),
    "yuto": lambda body: (body["status"], body["task_id"]),
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A callback server of the user's own."""
    with Receiver() as listening:
        yield listening


def types(mock: PersonaMock) -> list[str]:
    """Which of kie's stages came."""
    return [one["data"]["callbackType"] for one in mock.callbacks]


# --- what comes ---------------------------------------------------------------------------------------------


def test_its_url_is_of_this_machine_and_of_this_sandbox(mock: PersonaMock) -> None:
    assert mock.callbacks.url.startswith(mock.url + "/")
    assert mock.callbacks.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_stage_comes_in_order(mock: PersonaMock, provider: str) -> None:
    task = order(mock, provider, mock.callbacks.url)

    walked = mock.clock.finish_all()

    sent = mock.callbacks.deliveries
    assert [one.stage for one in sent] == STAGES[provider]
    assert [one.state for one in sent] == ["delivered"] * len(sent)
    assert [callback.body for callback in mock.callbacks] == [one.payload for one in sent]
    assert (walked.delivered, walked.gave_up) == (len(sent), 0)
    assert ENDS[provider](mock.callbacks[-1]) == (state_of(provider, look(mock, provider, task)), task)
    assert mock.violations == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_comes_before_its_time(mock: PersonaMock, provider: str) -> None:
    order(mock, provider, mock.callbacks.url)

    assert len(mock.callbacks) == 0
    mock.clock.advance(5)
    assert list(mock.callbacks) == []
    mock.clock.advance(115)
    assert len(mock.callbacks) == len(STAGES[provider])


def test_stages_come_when_the_clock_reaches_them(mock: PersonaMock) -> None:
    order(mock, "kie", mock.callbacks.url)

    told = []
    for seconds in (30, 42, 48):
        mock.clock.advance(seconds)
        told.append(types(mock))

    assert told == [["text"], ["text", "first"], ["text", "first", "complete"]]


def test_a_failing_song_tells_of_its_failure(mock: PersonaMock) -> None:
    mock.kie.next("task-failed")
    order(mock, "kie", mock.callbacks.url)

    mock.clock.finish_all()

    assert types(mock) == ["text", "error"]
    assert mock.callbacks[-1]["code"] == 501


def test_a_task_that_is_finished_by_hand_tells_of_it(mock: PersonaMock) -> None:
    task = mock.kie.task(order(mock, "kie", mock.callbacks.url))

    task.finish()

    assert mock.callbacks.wait(1)
    mock.clock.finish_all()
    assert types(mock)[-1] == "complete"


def test_a_callback_tells_how_it_came(mock: PersonaMock) -> None:
    order(mock, "crun", f"{mock.callbacks.url}/songs/7?tag=blue")

    mock.clock.finish_all()

    (callback,) = mock.callbacks
    assert callback.method == "POST"
    assert callback.path.endswith("/songs/7")
    assert callback.query == "tag=blue"
    assert callback.headers["content-type"] == "application/json"
    assert json.loads(callback.raw) == callback.body == dict(callback)
    assert int(callback.headers["content-length"]) == len(callback.raw)
    assert callback["code"] == callback.code == 200


def test_it_is_a_sequence(mock: PersonaMock) -> None:
    order(mock, "kie", mock.callbacks.url)
    mock.clock.finish_all()

    callbacks = mock.callbacks
    assert len(callbacks) == 3
    assert callbacks
    assert [one["data"]["callbackType"] for one in callbacks] == STAGES["kie"]
    assert callbacks[0]["data"]["callbackType"] == "text"
    assert callbacks[-1]["data"]["callbackType"] == "complete"
    assert [one["data"]["callbackType"] for one in callbacks[:2]] == ["text", "first"]
    assert callbacks[0] in callbacks
    with pytest.raises(IndexError):
        _ = callbacks[3]
    assert repr(callbacks) == f"<3 callbacks at {callbacks.url}>"


def test_callbacks_of_one_sandbox_do_not_come_to_another(world: Server, mock: PersonaMock) -> None:
    with world.sandbox("other") as other:
        order(mock, "kie", mock.callbacks.url)
        order(other, "crun", other.callbacks.url)
        mock.clock.finish_all()
        other.clock.finish_all()

        assert (len(mock.callbacks), len(other.callbacks)) == (3, 1)


def test_callbacks_are_no_requests_of_a_client(mock: PersonaMock) -> None:
    order(mock, "kie", mock.callbacks.url)
    mock.clock.finish_all()

    assert len(mock.requests) == 1


def test_anybody_may_post_to_it(mock: PersonaMock) -> None:
    with client_of(mock) as client:
        client.post(mock.callbacks.url, content=b"no json \xff")
        client.post(mock.callbacks.url, json=[1, 2])
        client.get(mock.callbacks.url)

    first, second, third = mock.callbacks.wait(3)
    assert first.body == "no json �"
    assert (second.body, dict(second)) == ([1, 2], {})
    assert (third.method, third.raw) == ("GET", b"")


def test_evolink_wants_https_but_for_this_machine(mock: PersonaMock) -> None:
    with client_of(mock) as client:
        body = {"model": "suno-v5-beta", "prompt": "x", "callback_url": "http://example.com/hook"}
        refused = client.post("/v1/audios/generations", json=body, headers=credential("evolink", "k"))
    order(mock, "evolink", mock.callbacks.url)

    assert refused.status_code == 400
    assert [one.outcome for one in mock.requests] == ["invalid", "success"]
    assert mock.requests[-1].violations == []


@pytest.mark.parametrize("pace", ["instant", "polls:1"])
def test_every_stage_comes_at_every_pace(world: Server, pace: str) -> None:
    with world.sandbox("mine", pace=pace) as mock:
        task = order(mock, "kie", mock.callbacks.url)
        if pace == "polls:1":
            for _ in range(4):
                look(mock, "kie", task)

        mock.callbacks.wait(3)

        assert types(mock) == STAGES["kie"]


# --- waiting ------------------------------------------------------------------------------------------------


def test_wait_gives_all_that_came(mock: PersonaMock) -> None:
    order(mock, "kie", mock.callbacks.url)
    mock.clock.finish_all()

    assert mock.callbacks.wait(3) == list(mock.callbacks)
    assert len(mock.callbacks.wait(1)) == len(mock.callbacks.wait()) == 3
    assert mock.callbacks.wait(0, timeout=0) == list(mock.callbacks)


def test_wait_waits_for_what_another_thread_brings_about(mock: PersonaMock) -> None:
    order(mock, "kie", mock.callbacks.url)
    later = threading.Timer(0.05, mock.clock.finish_all)
    later.start()

    came = mock.callbacks.wait(3, timeout=10)

    later.join()
    assert len(came) == 3


def text_of(mock: PersonaMock, n: int = 1) -> str:
    """What it says when there are too few."""
    with pytest.raises(AssertionError) as caught:
        mock.callbacks.wait(n, timeout=0.01)
    return str(caught.value)


def test_too_few_are_counted_and_the_url_is_named(mock: PersonaMock) -> None:
    order(mock, "crun", mock.callbacks.url)
    mock.clock.finish_all()

    text = text_of(mock, 3)

    assert f"waited 0.01 s for 3 callbacks at {mock.callbacks.url}, 1 came" in text


def test_a_clock_that_nobody_moved_is_named(mock: PersonaMock) -> None:
    order(mock, "kie", mock.callbacks.url)

    text = text_of(mock)

    assert "0 came" in text
    assert "time stands still: call clock.advance(seconds) or clock.finish_all()" in text


def test_a_request_that_named_no_url_is_guessed(mock: PersonaMock) -> None:
    order(mock, "crun")
    mock.clock.finish_all()

    assert "did the request name the URL?" in text_of(mock)


def test_callbacks_that_went_elsewhere_can_be_looked_up(mock: PersonaMock, receiver: Receiver) -> None:
    order(mock, "crun", receiver.url)
    mock.clock.finish_all()

    assert "callbacks.deliveries" in text_of(mock)
    assert [(one.url, one.state) for one in mock.callbacks.deliveries] == [(receiver.url, "delivered")]


def test_a_refused_url_is_named_with_the_reason(mock: PersonaMock) -> None:
    order(mock, "kie", "https://example.com/hook")
    mock.clock.finish_all()

    text = text_of(mock)

    assert "The mock refused to call back: example.com is no loopback host" in text
    assert 'callback_allow=["example.com"]' in text


def test_a_task_that_is_not_final_is_counted_under_real_time(world: Server) -> None:
    with world.sandbox("mine", clock="real", pace="real") as mock:
        order(mock, "kie", mock.callbacks.url)

        assert "1 task is not final yet" in text_of(mock)


def test_nothing_at_all_is_told_too(mock: PersonaMock) -> None:
    assert "did the request name the URL?" in text_of(mock)


# --- answers ------------------------------------------------------------------------------------------------


def test_a_refusal_is_retried_as_time_passes(mock: PersonaMock) -> None:
    mock.callbacks.respond(500, 500)
    order(mock, "crun", mock.callbacks.url)

    mock.clock.advance(86)
    at_first = len(mock.callbacks)
    mock.clock.advance(1)
    after_one = len(mock.callbacks)
    mock.clock.advance(2)

    assert (at_first, after_one, len(mock.callbacks)) == (1, 2, 3)
    (sent,) = mock.callbacks.deliveries
    assert sent.state == "delivered"
    assert [one["status"] for one in sent.attempts] == [500, 500, 200]
    assert len({callback.raw for callback in mock.callbacks}) == 1


def test_who_always_refuses_is_given_up(mock: PersonaMock) -> None:
    mock.callbacks.respond_always(503)
    order(mock, "crun", mock.callbacks.url)

    walked = mock.clock.finish_all()

    assert (walked.delivered, walked.gave_up, len(mock.callbacks)) == (0, 1, 4)
    assert mock.callbacks.deliveries[0].state == "gave-up"


def test_a_stage_that_is_given_up_does_not_hinder_the_next(mock: PersonaMock) -> None:
    mock.callbacks.respond(500, 500, 500, 500)
    order(mock, "kie", mock.callbacks.url)

    mock.clock.finish_all()

    assert [one.state for one in mock.callbacks.deliveries] == ["gave-up", "delivered", "delivered"]


def test_answers_that_were_given_come_before_the_usual_one(mock: PersonaMock) -> None:
    mock.callbacks.respond_always(204)
    mock.callbacks.respond(500)
    mock.callbacks.respond(404)

    with client_of(mock) as client:
        codes = [client.post(mock.callbacks.url, json={}).status_code for _ in range(4)]

    assert codes == [500, 404, 204, 204]


@pytest.mark.parametrize("status", [99, 100, 600, "500", True, None])
def test_a_status_that_cannot_be_is_told_at_once(mock: PersonaMock, status: Any) -> None:
    for respond in (mock.callbacks.respond, mock.callbacks.respond_always):
        with pytest.raises(UsageError, match="wanted an HTTP status from 200 to 599"):
            respond(status)

    with client_of(mock) as client:
        assert client.post(mock.callbacks.url, json={}).status_code == 200


@pytest.mark.parametrize("count", ["1", 1.5, -1, None])
def test_a_number_that_cannot_be_waited_for_is_told_at_once(mock: PersonaMock, count: Any) -> None:
    with pytest.raises(UsageError, match="wanted how many callbacks"):
        mock.callbacks.wait(count)


def test_clear_forgets_what_came_and_answers_as_usual(mock: PersonaMock) -> None:
    mock.callbacks.respond_always(500)
    mock.callbacks.respond(501)
    with client_of(mock) as client:
        client.post(mock.callbacks.url, json={})
        mock.callbacks.respond(502)

        mock.callbacks.clear()

        assert len(mock.callbacks) == 0
        assert client.post(mock.callbacks.url, json={}).status_code == 200


# --- signature ----------------------------------------------------------------------------------------------


def signature(task: str, timestamp: str, key: str) -> str:
    """As the provider documents it."""
    digest = hmac.new(key.encode(), f"{task}.{timestamp}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def test_kie_signs_for_an_account_that_has_set_a_key(mock: PersonaMock) -> None:
    mock.account("alice").change(webhook_hmac_key="s3cret")
    task = order(mock, "kie", mock.callbacks.url, key="alice")

    mock.clock.finish_all()

    for callback in mock.callbacks.wait(3):
        timestamp = callback.headers["x-webhook-timestamp"]
        assert callback.headers["x-webhook-signature"] == signature(task, timestamp, "s3cret")
    assert mock.callbacks[0].headers["x-webhook-timestamp"] == str(1767225600 + 30)


def test_others_are_not_signed_for(mock: PersonaMock) -> None:
    mock.account("alice").change(webhook_hmac_key="s3cret")
    order(mock, "kie", mock.callbacks.url, key="bob")
    order(mock, "crun", mock.callbacks.url, key="alice")

    mock.clock.finish_all()

    assert len(mock.callbacks) == 4
    assert not any("x-webhook-signature" in callback.headers for callback in mock.callbacks)


def test_a_signature_can_be_made_wrong(mock: PersonaMock) -> None:
    mock.account("alice").change(webhook_hmac_key="s3cret")
    mock.fault("callback-bad-signature", times=None)
    task = order(mock, "kie", mock.callbacks.url, key="alice")

    mock.clock.finish_all()

    headers = mock.callbacks[0].headers
    assert headers["x-webhook-signature"] != signature(task, headers["x-webhook-timestamp"], "s3cret")


# --- faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "fields", "came"),
    [
        ("callback-duplicate", {}, ["text", "text", "first", "complete"]),
        ("callback-drop", {}, ["first", "complete"]),
        ("callback-reorder", {}, ["first", "text", "complete"]),
        ("callback-delay", {"seconds": 1}, ["text", "first", "complete"]),
        ("callback-early", {}, ["text", "first", "complete"]),
    ],
)
def test_callbacks_go_wrong_as_asked(
    mock: PersonaMock, fault: str, fields: dict[str, Any], came: list[str]
) -> None:
    planned = mock.fault(fault, **fields)
    order(mock, "kie", mock.callbacks.url)
    at_once = types(mock)

    mock.clock.finish_all()

    assert types(mock) == came
    assert planned.left == 0
    assert bool(at_once) == (fault == "callback-early")


# --- receivers of one's own ---------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_receiver_of_ones_own_on_this_machine_is_called(
    mock: PersonaMock, receiver: Receiver, provider: str
) -> None:
    order(mock, provider, receiver.url)

    walked = mock.clock.finish_all()

    assert walked.delivered == len(receiver.received) == len(STAGES[provider])
    assert list(mock.callbacks) == []
    assert [one.json for one in receiver.received] == [one.payload for one in mock.callbacks.deliveries]


def test_a_receiver_on_the_event_loop_of_the_program_is_called(mock: PersonaMock) -> None:
    came: list[Json] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2]) for line in head.split(b"\r\n") if b"content-length" in line.lower()
        )
        came.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def program() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            body = {**KIE_SONG, "callBackUrl": f"http://127.0.0.1:{port}/hook"}
            async with httpx2.AsyncClient(transport=mock.async_transport()) as client:
                url = f"{mock.kie.url}/api/v1/generate"
                accepted = await client.post(url, json=body, headers=credential("kie", "k"))
            assert accepted.json()["code"] == 200
            await mock.clock.sleep(120)

    asyncio.run(program())

    assert [one["data"]["callbackType"] for one in came] == STAGES["kie"]


def test_a_callback_that_is_under_way_ends_with_its_sandbox(world: Server, receiver: Receiver) -> None:
    receiver.always("silence")
    with world.sandbox("mine", clock="real", pace="instant") as mock:
        order(mock, "crun", receiver.url)
        receiver.wait(1)

    with world.sandbox("mine") as again:
        assert again.callbacks.deliveries == []
        song = again.kie.completed_song()
        assert make_persona(again, "kie", song.task_id, song.audio_id).json()["code"] == 200
