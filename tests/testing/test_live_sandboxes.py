"""One server, many sandboxes: scopes of one's own, settings side by side, coverage of all, late calls."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from mockserver.settings import UsageError
from mockserver.testing import ContractBroken, PersonaMock, Server
from tests.testing.songs import NO_TLS, client_of, look, make_persona, order, threads_of_mocks
from tests.web.calls import credential
from tests.web.receiver import Receiver
from tests.web.stories import KIE_SONG, state_of

Json = Any


@pytest.fixture(scope="module")
def world() -> Iterator[Server]:
    """One server for the tests of this module that do not count what it met."""
    with Server() as server:
        yield server


@pytest.fixture
def fresh() -> Iterator[Server]:
    """A server of this test alone."""
    with Server() as server:
        yield server


def balance(client: httpx2.Client, **headers: str) -> httpx2.Response:
    """The cheapest call."""
    return client.get("/api/v1/chat/credit", headers={**credential("kie", "k"), **headers})


def root_of(server: Server) -> httpx2.Client:
    """A client of the server's root."""
    return httpx2.Client(base_url=server.url, timeout=10, verify=NO_TLS)


# --- scopes -------------------------------------------------------------------------------------------------


def test_a_sandbox_is_a_scope_with_a_handle(world: Server) -> None:
    with world.sandbox("alice") as mock:
        assert isinstance(mock, PersonaMock)
        assert mock.sandbox == "alice"
        assert mock.url == f"{world.url}/_sandbox/alice"
        assert look(mock, "kie", mock.kie.completed_song().task_id)["code"] == 200


def test_what_is_made_in_one_is_not_in_another(world: Server) -> None:
    with world.sandbox("alice") as alice, world.sandbox("bob") as bob:
        song = alice.kie.completed_song()

        assert make_persona(bob, "kie", song.task_id, song.audio_id).json()["code"] == 422
        assert make_persona(alice, "kie", song.task_id, song.audio_id).json()["code"] == 200
        alice.clock.advance(60)
        alice.kie.always("maintenance")
        assert (bob.clock.now, bob.kie.completed_song().key) == ("2026-01-01T00:00:00Z", "mock-key")
        with client_of(bob) as client:
            assert balance(client).json()["code"] == 200


def test_a_sandbox_in_use_is_not_given_twice(world: Server) -> None:
    with world.sandbox("alice") as alice:
        song = alice.kie.completed_song()
        with (
            pytest.raises(UsageError, match=r"sandbox 'alice' is in use\. Give this one another name"),
            world.sandbox("alice"),
        ):
            pass

        assert alice.task(song.task_id).status == "finished"


def test_a_name_may_be_used_again_and_is_empty_and_the_same(world: Server) -> None:
    songs = []
    for _ in range(3):
        with world.sandbox("alice") as mock:
            assert mock.requests == []
            assert mock.coverage.covered == 0
            songs.append(mock.kie.completed_song())
            order(mock, "kie")

    assert songs[0] == songs[1] == songs[2]


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 64, "default"])
def test_names_that_may_be(world: Server, name: str) -> None:
    with world.sandbox(name) as mock:
        song = mock.kie.completed_song()

        assert make_persona(mock, "kie", song.task_id, song.audio_id).json()["code"] == 200
        assert mock.requests[-1].sandbox == name


def test_the_root_is_the_sandbox_default(world: Server) -> None:
    with world.sandbox("default") as mock, root_of(world) as client:
        balance(client)

        assert mock.url == world.url
        assert len(mock.requests) == 1


def test_a_header_reaches_the_sandbox_too(world: Server) -> None:
    with world.sandbox("alice") as mock, root_of(world) as client:
        balance(client, **{"X-Mock-Sandbox": "alice"})

        assert [one.path for one in mock.requests] == ["/api/v1/chat/credit"]


def test_the_path_wins_over_the_header(world: Server) -> None:
    with world.sandbox("alice") as alice, world.sandbox("bob") as bob, client_of(alice) as client:
        balance(client, **{"X-Mock-Sandbox": "bob"})

        assert (len(alice.requests), len(bob.requests)) == (1, 0)


def test_a_sandbox_that_nobody_asked_for_works_all_the_same(fresh: Server) -> None:
    with root_of(fresh) as client:
        for headers in ({"X-Mock-Sandbox": "carol"}, {}):
            assert balance(client, **headers).json() == {"code": 200, "msg": "success", "data": 1000}
        assert client.get("/_sandbox/dave/api/v1/chat/credit", headers=credential("kie", "k")).json()["data"]
        assert client.get("/_sandbox/carol/_mock/requests").json()["requests"][0]["sandbox"] == "carol"


def test_a_name_that_cannot_be_is_refused_as_ever(world: Server) -> None:
    with root_of(world) as client:
        answer = balance(client, **{"X-Mock-Sandbox": "no blanks"})

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


# --- late calls ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["path", "header"])
def test_a_call_that_comes_too_late_is_told_so(world: Server, way: str) -> None:
    with world.sandbox("alice") as mock:
        url = mock.kie.url

    with root_of(world) as client:
        if way == "path":
            answer = client.get(f"{url}/api/v1/chat/credit", headers=credential("kie", "k"))
        else:
            answer = balance(client, **{"X-Mock-Sandbox": "alice"})

    assert answer.status_code == 410
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-mock-error"] == "sandbox-closed"
    assert "The sandbox 'alice' is closed: the test it was made for is over" in answer.json()["detail"]


def test_a_callback_and_a_control_call_that_come_too_late_are_told_so(world: Server) -> None:
    with world.sandbox("alice") as mock:
        urls = [mock.callbacks.url, f"{mock.url}/_mock/tasks", f"{mock.url}/_mock/reset"]

    with root_of(world) as client:
        assert [client.post(url, json={}).status_code for url in urls] == [410] * 3


def test_late_calls_leave_nothing_in_the_next_sandbox_of_that_name(world: Server) -> None:
    with world.sandbox("alice") as mock:
        url = mock.url
    with root_of(world) as client:
        client.get(f"{url}/api/v1/chat/credit", headers=credential("kie", "k"))

    with world.sandbox("alice") as mock:
        assert mock.requests == []
        with client_of(mock) as client:
            assert balance(client).status_code == 200


def test_an_application_that_is_held_too_long_answers_likewise(world: Server) -> None:
    with world.sandbox("alice") as mock:
        app = mock.asgi

    async def call() -> int:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mock") as client:
            return (await client.get("/api/v1/chat/credit")).status_code

    assert asyncio.run(call()) == 410


def hung_up(client: httpx2.Client) -> str:
    """How a call ends that gets no answer."""
    with pytest.raises(httpx2.TransportError) as caught:
        balance(client)
    return type(caught.value).__name__


def test_a_call_that_is_under_way_when_its_sandbox_closes_ends_there(world: Server) -> None:
    with world.sandbox("alice") as mock, client_of(mock) as client, ThreadPoolExecutor(1) as pool:
        fault = mock.fault("latency", seconds=20)
        late = pool.submit(hung_up, client)
        while fault.left:
            time.sleep(0.005)
        began = time.monotonic()
        mock.close()

        assert late.result(10) == "RemoteProtocolError"
        assert time.monotonic() - began < 2


def test_a_call_that_nobody_waits_for_any_more_does_not_come_to_the_next_test(world: Server) -> None:
    with world.sandbox("alice") as mock, client_of(mock, timeout=0.05) as client:
        mock.fault("latency", seconds=0.2)
        assert hung_up(client) == "ReadTimeout"

    with world.sandbox("alice") as mock:
        time.sleep(0.25)
        assert (mock.requests, mock.coverage.covered) == ([], 0)


# --- settings side by side ----------------------------------------------------------------------------------


def test_sandboxes_with_different_settings_live_on_one_server(world: Server) -> None:
    with (
        world.sandbox("usual") as usual,
        world.sandbox("instant", pace="instant") as instant,
        world.sandbox("polls", pace="polls:1") as polls,
        world.sandbox("real", clock="real", pace="real") as real,
        world.sandbox("poor", credits=5, status="http") as poor,
        world.sandbox("odd", quirks={"kie.duplicate": "overwrite"}, seed=8) as odd,
    ):
        mocks = (usual, instant, polls, real, odd)
        tasks = [order(mock, "kie") for mock in mocks]
        states = [
            [state_of("kie", look(mock, "kie", task)) for _ in range(2)]
            for mock, task in zip(mocks, tasks, strict=True)
        ]
        with client_of(poor) as client:
            refused = client.post("/api/v1/generate", json=KIE_SONG, headers=credential("kie", "k"))

        assert states == [
            ["PENDING", "PENDING"],
            ["SUCCESS", "SUCCESS"],
            ["PENDING", "TEXT_SUCCESS"],
            ["PENDING", "PENDING"],
            ["PENDING", "PENDING"],
        ]
        assert refused.status_code == 402
        assert {mock.url.partition("/_")[0] for mock in mocks} == {world.url}
        assert [mock.seed for mock in (usual, odd)] == [0, 8]
        assert [mock.clock.mode for mock in (usual, real)] == ["virtual", "real"]


def test_settings_of_the_server_hold_in_its_sandboxes_unless_they_say_otherwise() -> None:
    with Server(credits=5, pace="instant") as server:
        with server.sandbox("a") as mock:
            assert mock.account("k").credits == 5
        with server.sandbox("a", credits=7) as mock:
            assert mock.account("k").credits == 7
            mock.account("k").change(credits=100)
            assert state_of("kie", look(mock, "kie", order(mock, "kie", key="k"), key="k")) == "SUCCESS"
        with root_of(server) as client:
            assert balance(client).json()["data"] == 5


def test_a_strict_server_has_strict_sandboxes_but_for_those_that_are_not() -> None:
    def misbehave(mock: PersonaMock) -> None:
        with client_of(mock) as client:
            client.post("/api/v1/generate", json={}, headers=credential("kie", "k"))

    with Server(strict=True) as server:
        with pytest.raises(ContractBroken), server.sandbox("a") as mock:
            misbehave(mock)
        with server.sandbox("a", strict=False) as mock:
            misbehave(mock)


def test_callbacks_come_in_sandboxes_with_settings_of_their_own(world: Server) -> None:
    with world.sandbox("a", credits=50) as one, world.sandbox("b", clock="real", pace="instant") as other:
        order(one, "kie", one.callbacks.url)
        one.clock.finish_all()
        order(other, "kie", other.callbacks.url)

        assert (len(one.callbacks.wait(3)), len(other.callbacks.wait(3))) == (3, 3)


def test_ids_do_not_depend_on_the_settings_beside(world: Server) -> None:
    with world.sandbox("a", credits=50) as mock:
        one = mock.kie.completed_song().task_id
    with world.sandbox("a") as mock:
        other = mock.kie.completed_song().task_id

    assert one == other


def test_the_same_settings_said_again_are_the_server_s_own(world: Server) -> None:
    with world.sandbox("a", pace="20", clock="virtual", seed=0) as mock:
        assert look(mock, "kie", mock.kie.completed_song().task_id)["code"] == 200


# --- coverage -----------------------------------------------------------------------------------------------


def met(report: Json) -> dict[str, int]:
    """Of kie's personas: which outcomes were met, and how often."""
    counts = report["providers"]["kie"]["operations"]["generatePersona"]["outcomes"]
    return {outcome: count for outcome, count in counts.items() if count}


def test_coverage_is_of_all_sandboxes_together_the_closed_ones_too(fresh: Server) -> None:
    def meet(mock: PersonaMock, outcome: str) -> None:
        mock.kie.next(outcome, operation="generatePersona")
        make_persona(mock, "kie", "x", "y")

    with fresh.sandbox("a") as one:
        meet(one, "duplicate")
        with fresh.sandbox("b", credits=5) as other:
            meet(other, "duplicate")
            meet(other, "maintenance")
            assert met(fresh.coverage()) == {"duplicate": 2, "maintenance": 1}
            assert met(other.coverage) == {"duplicate": 1, "maintenance": 1}
        assert met(fresh.coverage()) == {"duplicate": 2, "maintenance": 1}
        one.reset()
        assert met(one.coverage) == {}
        assert met(fresh.coverage()) == {"duplicate": 2, "maintenance": 1}
        meet(one, "unauthorized")
    with fresh.sandbox("a") as again:
        assert met(again.coverage) == {}
        meet(again, "unauthorized")

    assert met(fresh.coverage()) == {"duplicate": 2, "maintenance": 1, "unauthorized": 2}
    assert fresh.coverage()["covered"] == 3


def test_coverage_counts_calls_at_the_root_and_in_sandboxes_nobody_asked_for(fresh: Server) -> None:
    with root_of(fresh) as client:
        balance(client)
        balance(client, **{"X-Mock-Sandbox": "carol"})

    operations = fresh.coverage()["providers"]["kie"]["operations"]
    assert operations["getCredits"]["outcomes"]["success"] == 2


def test_coverage_of_nothing_shows_every_documented_pair() -> None:
    never = Server()

    assert never.coverage()["covered"] == 0
    assert never.coverage()["total"] > 300


def test_coverage_is_told_after_the_server_s_end_too() -> None:
    with Server() as server, server.sandbox("a") as mock:
        make_persona(mock, "kie", "x", "y")

    assert met(server.coverage()) == {"source-not-found": 1}


# --- beginning and end of a server --------------------------------------------------------------------------


def test_the_end_of_a_server_gives_back_port_and_threads() -> None:
    before = threads_of_mocks()
    server = Server()

    with server:
        address = server.address
        with server.sandbox("a", clock="real", pace="instant") as mock:
            order(mock, "kie", mock.callbacks.url)
            mock.callbacks.wait(3)

    with socket.socket() as asking:
        assert asking.connect_ex(address) != 0
    assert threads_of_mocks() - before == set()


def test_a_server_ends_while_clients_keep_their_connections() -> None:
    before = threads_of_mocks()
    server = Server().start()
    with root_of(server) as client:
        balance(client)
        began = time.monotonic()
        server.stop()

    assert time.monotonic() - began < 3
    assert threads_of_mocks() - before == set()


def test_a_server_ends_while_answers_are_under_way() -> None:
    server = Server().start()
    with server.sandbox("a") as mock, client_of(mock, timeout=30) as client:
        mock.fault("latency", seconds=20)
        ended: list[Any] = []

        def ask() -> None:
            try:
                ended.append(balance(client).status_code)
            except httpx2.TransportError as error:
                ended.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.1)
        began = time.monotonic()
        server.stop()
        asking.join(10)

    assert ended
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("own", [{}, {"credits": 50}])
def test_a_server_ends_while_a_receiver_keeps_silent(own: dict[str, Any]) -> None:
    before = threads_of_mocks()
    with Receiver() as receiver:
        receiver.always("silence")
        server = Server(clock="real", pace="instant").start()
        with server.sandbox("a", **own) as mock:
            order(mock, "crun", receiver.url)
            receiver.wait(1)
            began = time.monotonic()
            server.stop()
            for thread in threads_of_mocks() - before:
                thread.join(3)
            assert threads_of_mocks() - before == set()

        assert time.monotonic() - began < 3
    assert threads_of_mocks() - before == set()


def test_it_listens_on_loopback_only(world: Server) -> None:
    assert world.address[0] == "127.0.0.1"
    assert urlsplit(world.url).netloc == f"127.0.0.1:{world.address[1]}"


def test_sandboxes_may_be_opened_by_many_threads_at_once(fresh: Server) -> None:
    def story(number: int) -> int:
        with fresh.sandbox(f"s{number}", credits=100 + number % 3) as mock:
            song = mock.kie.completed_song()
            return int(make_persona(mock, "kie", song.task_id, song.audio_id).json()["code"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(story, range(40))) == [200] * 40
    assert met(fresh.coverage()) == {"success": 40}
