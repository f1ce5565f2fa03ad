"""Calls without the port: the transports and the application of a handle, served and called by others."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2
import pytest
import uvicorn

from mockserver.testing import PersonaMock, Server
from tests.testing.songs import NO_TLS, client_of, make_persona, order, persona_body
from tests.web.calls import credential
from tests.web.stories import KIE_SONG

Json = Any
PERSONAS = "/api/v1/generate/generate-persona"
BALANCE = "/api/v1/chat/credit"


def refuse_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nobody connects to anything."""

    def connect(*_: Any) -> None:
        raise AssertionError("somebody opened a connection")

    monkeypatch.setattr("socket.socket.connect", connect)


# --- transports ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_client_with_the_transport_calls_this_sandbox_without_a_socket(
    mock: PersonaMock, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_sockets(monkeypatch)
    song = mock.kie.completed_song()
    body = persona_body("kie", song.task_id, song.audio_id)

    with library.Client(transport=mock.transport(), headers=credential("kie", song.key)) as client:
        first = client.post(mock.kie.url + PERSONAS, json=body)
        second = client.post(mock.kie.url + PERSONAS, json=body)

    assert [first.json()["code"], second.json()["code"]] == [200, 409]
    assert [one.outcome for one in mock.requests] == ["success", "duplicate"]


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_an_asynchronous_client_likewise(
    mock: PersonaMock, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def call() -> list[int]:
        async with library.AsyncClient(
            transport=mock.async_transport(), headers=credential("kie", "k"), base_url=mock.kie.url
        ) as client:
            answers = await asyncio.gather(*(client.get(BALANCE) for _ in range(5)))
            return [answer.json()["data"] for answer in answers]

    with asyncio.Runner() as runner:
        # The loop has a pair of sockets of its own.
        runner.get_loop()
        refuse_sockets(monkeypatch)
        assert runner.run(call()) == [1000] * 5
    assert len(mock.requests) == 5


@pytest.mark.parametrize("base", ["https://api.kie.ai", "http://mock.test", "http://mock.test/kie"])
def test_a_transport_stays_in_its_sandbox_whatever_host_is_called(mock: PersonaMock, base: str) -> None:
    with httpx2.Client(transport=mock.transport(), base_url=base, headers=credential("kie", "k")) as client:
        assert client.get(BALANCE).json()["data"] == 1000

    (request,) = mock.requests
    assert (request.sandbox, request.provider) == ("here", "kie")


def test_a_timeout_comes_at_once(mock: PersonaMock) -> None:
    mock.fault("latency", seconds=60)
    mock.kie.next("maintenance", delay=60, operation="generateMusic")
    began = time.monotonic()

    with httpx2.Client(transport=mock.transport(), timeout=30, base_url=mock.kie.url) as client:
        with pytest.raises(httpx2.ReadTimeout):
            client.get(BALANCE, headers=credential("kie", "k"))
        with pytest.raises(httpx2.ReadTimeout):
            client.post("/api/v1/generate", headers=credential("kie", "k"), json=KIE_SONG)

    assert time.monotonic() - began < 5


def test_callbacks_come_over_the_port_of_what_was_ordered_without_one(mock: PersonaMock) -> None:
    body = {**KIE_SONG, "callBackUrl": mock.callbacks.url}
    with httpx2.Client(transport=mock.transport(), base_url=mock.kie.url) as client:
        client.post("/api/v1/generate", headers=credential("kie", "k"), json=body)

    mock.clock.finish_all()

    assert len(mock.callbacks.wait(3)) == 3


def test_a_transport_that_is_held_too_long_is_told_so(world: Server) -> None:
    with world.sandbox("mine") as mock:
        held = mock.transport()

    with httpx2.Client(transport=held, base_url="http://mock/kie") as client:
        answer = client.get(BALANCE, headers=credential("kie", "k"))

    assert answer.status_code == 410
    assert "'mine' is closed" in answer.json()["detail"]


# --- the application ----------------------------------------------------------------------------------------


def test_the_application_is_called_by_a_transport_of_others(mock: PersonaMock) -> None:
    async def call() -> Json:
        transport = httpx2.ASGITransport(app=mock.asgi)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api.kie.ai") as client:
            return (await client.get(BALANCE, headers=credential("kie", "k"))).json()

    assert asyncio.run(call())["data"] == 1000
    assert [one.sandbox for one in mock.requests] == ["here"]


def test_the_application_takes_part_in_a_lifespan_and_outlives_it(mock: PersonaMock) -> None:
    from starlette.testclient import TestClient

    for _ in range(2):
        with TestClient(mock.asgi, base_url="http://testserver") as client:
            assert client.get(BALANCE, headers=credential("kie", "k")).json()["data"] == 1000

    order(mock, "kie", mock.callbacks.url)
    mock.clock.finish_all()
    assert len(mock.callbacks.wait(3)) == 3


def test_a_header_of_the_client_does_not_lead_out_of_the_sandbox(world: Server, mock: PersonaMock) -> None:
    with world.sandbox("other") as other, httpx2.Client(transport=mock.transport()) as client:
        client.get("http://mock/kie" + BALANCE, headers={"X-Mock-Sandbox": "other"})

        assert (len(mock.requests), len(other.requests)) == (1, 0)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Somebody else's uvicorn, with this application."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not server.started and time.monotonic() < end:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def test_a_uvicorn_of_the_user_s_own_may_serve_it_and_the_mock_lives_on(
    world: Server, mock: PersonaMock
) -> None:
    song = mock.kie.completed_song()
    body = persona_body("kie", song.task_id, song.audio_id)

    with served(mock.asgi) as url, httpx2.Client(verify=NO_TLS, base_url=url) as client:
        there = client.post(PERSONAS, json=body, headers=credential("kie", song.key))
        here = make_persona(mock, "kie", song.task_id, song.audio_id)
    after = make_persona(mock, "kie", song.task_id, song.audio_ids[1])

    assert [there.json()["code"], here.json()["code"], after.json()["code"]] == [200, 409, 200]
    assert [one.sandbox for one in mock.requests] == ["here"] * 3
    order(mock, "kie", mock.callbacks.url)
    mock.clock.finish_all()
    assert len(mock.callbacks.wait(3)) == 3
    with world.sandbox("other") as other, client_of(other) as client:
        assert client.get(BALANCE, headers=credential("kie", "k")).status_code == 200


def test_what_a_foreign_server_cannot_break_is_told(mock: PersonaMock) -> None:
    mock.fault("gateway", status=502)
    mock.fault("reset")

    with served(mock.asgi) as url, httpx2.Client(verify=NO_TLS, base_url=url) as client:
        answers = [client.get(BALANCE, headers=credential("kie", "k")) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [502, 500]
    assert answers[1].headers["x-mock-error"] == "no-wire"
