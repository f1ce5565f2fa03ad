"""A sandbox while it is in use and after: who reaches it, and that nothing outlives it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2
import pytest

from mockserver.testing import ContractBroken, PersonaMock, Server
from tests.testing.songs import NO_TLS, client_of
from tests.web.calls import credential

BALANCE = "/kie/api/v1/chat/credit"


@pytest.fixture(scope="module")
def world() -> Iterator[Server]:
    """One server for all tests of this module."""
    with Server() as server:
        yield server


def balance_at(url: str, **headers: str) -> httpx2.Response:
    """The cheapest call, to a whole URL."""
    return httpx2.get(url, headers={**credential("kie", "k"), **headers}, verify=NO_TLS)


def break_document(mock: PersonaMock) -> None:
    """A call that its document does not allow."""
    with client_of(mock) as client:
        client.get("/kie/api/v1/generate/record-info", headers=credential("kie", "k"))


# --- the one in front ---------------------------------------------------------------------------------------


@pytest.fixture
def fresh() -> Iterator[Server]:
    """A server of this test alone: who had its sandbox `default` leaves a closed one behind."""
    with Server() as server:
        yield server


@pytest.fixture
def front(fresh: Server) -> Iterator[PersonaMock]:
    """A sandbox that stands in front, as that of the fixture does."""
    mock = PersonaMock(server=fresh, sandbox="front").start(in_front=True)
    yield mock
    mock.close()


def test_who_drops_the_path_of_the_base_url_reaches_the_one_in_front(
    fresh: Server, front: PersonaMock
) -> None:
    front.kie.next("maintenance")

    answer = balance_at(urljoin(front.kie.url, BALANCE))

    assert answer.url == f"{fresh.url}{BALANCE}"
    assert answer.json()["code"] == 455
    assert [(one.sandbox, one.outcome) for one in front.requests] == [("front", "maintenance")]


def test_control_calls_at_the_root_reach_it_too(fresh: Server, front: PersonaMock) -> None:
    made = httpx2.post(f"{fresh.url}/_mock/tasks", json={"provider": "kie"}, verify=NO_TLS).json()

    assert front.task(made["source_task"]).status == "finished"


@pytest.mark.parametrize("way", ["header", "path"])
def test_who_names_the_sandbox_default_reaches_that(fresh: Server, front: PersonaMock, way: str) -> None:
    if way == "header":
        answer = balance_at(f"{fresh.url}{BALANCE}", **{"X-Mock-Sandbox": "default"})
    else:
        answer = balance_at(f"{fresh.url}/_sandbox/default{BALANCE}")

    assert answer.status_code == 200
    assert front.requests == []
    # Nor is it in the front one's store, under whatever name.
    front.close()
    listed = httpx2.get(f"{fresh.url}/_mock/requests", verify=NO_TLS).json()["requests"]
    assert [one["sandbox"] for one in listed] == ["default"]


def test_the_root_is_of_who_asked_for_the_sandbox_default(fresh: Server, front: PersonaMock) -> None:
    with fresh.sandbox("default") as mock:
        assert balance_at(f"{mock.url}{BALANCE}").status_code == 200

        assert (len(mock.requests), len(front.requests)) == (1, 0)


def test_without_one_in_front_the_root_is_the_sandbox_default(fresh: Server) -> None:
    PersonaMock(server=fresh, sandbox="was").start(in_front=True).close()

    with fresh.sandbox("beside") as mock, httpx2.Client(base_url=fresh.url, verify=NO_TLS) as client:
        client.post("/_mock/reset")
        assert balance_at(f"{fresh.url}{BALANCE}").status_code == 200

        listed = client.get("/_mock/requests").json()["requests"]
        assert [one["sandbox"] for one in listed] == ["default"]
        assert mock.requests == []


# --- strictness ---------------------------------------------------------------------------------------------


def told_at_the_end(story: Callable[[PersonaMock], object], **options: Any) -> str:
    """What a strict mock says at its end."""
    with pytest.raises(ContractBroken) as caught, PersonaMock(strict=True, **options) as mock:
        story(mock)
    return str(caught.value)


def call_twice(mock: PersonaMock) -> None:
    break_document(mock)
    balance_at(f"{mock.url}{BALANCE}")
    assert len(mock.requests) == 1


def reset(mock: PersonaMock) -> None:
    break_document(mock)
    assert httpx2.post(f"{mock.url}/_mock/reset", verify=NO_TLS).is_success
    assert mock.requests == []


def empty(mock: PersonaMock) -> None:
    break_document(mock)
    assert httpx2.delete(f"{mock.url}/_mock/requests", verify=NO_TLS).is_success
    assert mock.requests == []


@pytest.mark.parametrize("story", [call_twice, reset, empty])
def test_a_broken_request_is_told_though_the_journal_has_lost_it(
    story: Callable[[PersonaMock], None],
) -> None:
    told = told_at_the_end(story, journal_size=1)

    assert "1 request of this test broke" in told
    assert "GET /kie/api/v1/generate/record-info" in told
    assert "/query/taskId" in told


def test_a_second_start_begins_without_what_the_first_saw() -> None:
    mock = PersonaMock(strict=True).start()
    break_document(mock)
    mock.close()

    with mock:
        assert mock.requests == []
        assert mock.complaint() is None


# --- what is under way when it closes -----------------------------------------------------------------------


def traces(world: Server, name: str) -> dict[str, Any]:
    """What the next sandbox of that name has of the one before."""
    with world.sandbox(name) as mock, client_of(mock) as client:
        tasks = client.get("/_mock/tasks").json()["tasks"]
        accounts = [mock.account().tasks, mock.account().credits]
        return {
            "requests": len(mock.requests),
            "tasks": tasks,
            "accounts": accounts,
            "met": mock.coverage.covered,
        }


NOTHING = {"requests": 0, "tasks": [], "accounts": [[], 1000], "met": 0}


def test_planting_that_is_under_way_plants_nothing_in_the_next(world: Server) -> None:
    ended: list[object] = []

    def plant(url: str) -> None:
        try:
            body = {"provider": "kie", "count": 100_000}
            ended.append(httpx2.post(f"{url}/_mock/tasks", json=body, timeout=60, verify=NO_TLS).status_code)
        except httpx2.TransportError as error:
            ended.append(error)

    with world.sandbox("planted") as mock:
        thread = threading.Thread(target=plant, args=(mock.url,))
        thread.start()
        _wait_until(lambda: httpx2.get(f"{mock.url}/_mock/tasks", verify=NO_TLS).json()["tasks"])
    first = traces(world, "planted")
    thread.join()

    assert (first, traces(world, "planted")) == (NOTHING, NOTHING)
    assert len(ended) == 1


def _wait_until(is_so: Callable[[], object], patience: float = 10) -> None:
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_call_that_is_held_up_does_nothing_in_the_next(world: Server) -> None:
    def call(url: str) -> object:
        try:
            return balance_at(f"{url}{BALANCE}").status_code
        except httpx2.TransportError:
            return None

    with ThreadPoolExecutor(1) as pool:
        with world.sandbox("slow") as mock:
            fault = mock.fault("latency", seconds=0.2)
            late = pool.submit(call, mock.url)
            _wait_until(lambda: fault.left == 0)
        with world.sandbox("slow") as again:
            assert late.result(10) is None
            time.sleep(0.25)
            assert (again.requests, again.coverage.covered) == ([], 0)


def test_a_call_on_the_loop_of_another_does_nothing_in_the_next(world: Server) -> None:
    async def call(mock: PersonaMock) -> int:
        transport = httpx2.ASGITransport(app=mock.asgi)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mock") as client:
            return (await client.get(BALANCE, headers=credential("kie", "k"))).status_code

    with ThreadPoolExecutor(1) as pool:
        with world.sandbox("held") as mock:
            fault = mock.fault("latency", seconds=0.2)
            late = pool.submit(asyncio.run, call(mock))
            _wait_until(lambda: fault.left == 0)
        with world.sandbox("held") as again:
            assert late.result(10) == 410
            assert (again.requests, again.coverage.covered) == ([], 0)


def test_a_sandbox_with_a_scenario_does_not_come_back(world: Server, tmp_path: Path) -> None:
    scenario = tmp_path / "poor.yaml"
    scenario.write_text("accounts: [{key: k, credits: 5}]\n", "utf-8")
    with world.sandbox("story", scenario=scenario) as mock:
        url = mock.url
        assert balance_at(f"{url}{BALANCE}").json()["data"] == 5

    assert balance_at(f"{url}{BALANCE}").status_code == 410
    listed = httpx2.get(f"{world.url}/_mock/sandboxes", verify=NO_TLS).json()["sandboxes"]
    assert "story" not in str(listed)
    with world.sandbox("story") as again:
        assert balance_at(f"{again.url}{BALANCE}").json()["data"] == 1000
