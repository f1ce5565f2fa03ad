"""The clock for tests that run on an event loop, with a webhook on the very same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from mockserver.testing import PersonaMock, Server
from tests.web.calls import credential
from tests.web.stories import KIE_SONG

STAGES = ["text", "first", "complete"]


@pytest.fixture(scope="module")
def world() -> Iterator[Server]:
    """One server for all tests of this module."""
    with Server(callback_timeout=0.1) as server:
        yield server


@asynccontextmanager
async def webhook() -> AsyncIterator[tuple[str, list[Any]]]:
    """A webhook on the running event loop: its URL, and the bodies that came."""
    came: list[Any] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            came.append(json.loads(await reader.readexactly(length)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            # Of a caller who has given up.
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", came


async def submit(mock: PersonaMock, url: str) -> None:
    """Order a song that is told of there."""
    async with httpx2.AsyncClient(transport=mock.async_transport()) as client:
        body = {**KIE_SONG, "callBackUrl": url}
        reply = await client.post(
            f"{mock.kie.url}/api/v1/generate", json=body, headers=credential("kie", "k")
        )
    assert reply.json()["code"] == 200


@pytest.mark.parametrize(
    "wait",
    [
        lambda mock: mock.clock.sleep_until_idle(),
        lambda mock: mock.clock.sleep(120),
        lambda mock: mock.clock.sleep(timedelta(minutes=2)),
    ],
    ids=["until idle", "seconds", "timedelta"],
)
def test_who_awaits_the_clock_can_answer_callbacks(
    mock: PersonaMock, wait: Callable[[PersonaMock], Awaitable[Any]]
) -> None:
    async def program() -> None:
        async with webhook() as (url, came):
            await submit(mock, url)

            walked = await wait(mock)

            assert [one["data"]["callbackType"] for one in came] == STAGES
            assert (walked.delivered, walked.gave_up) == (3, 0)

    asyncio.run(program())


@pytest.mark.parametrize(
    ("move", "name"),
    [
        (lambda mock: mock.clock.finish_all(), "clock.finish_all"),
        (lambda mock: mock.clock.advance(10**6), "clock.advance"),
    ],
)
def test_who_blocks_the_loop_is_told_what_to_await(
    mock: PersonaMock, move: Callable[[PersonaMock], Any], name: str
) -> None:
    async def program() -> None:
        async with webhook() as (url, _):
            await submit(mock, url)

            with pytest.warns(UserWarning, match=f"{name} was called on an event loop") as caught:
                walked = move(mock)

            assert walked.gave_up > 0
            assert f"{walked.gave_up} were given up" in str(caught[0].message)
            assert "await clock.sleep_until_idle()" in str(caught[0].message)
            # The line of the test, not one of ours.
            assert caught[0].filename == __file__

    asyncio.run(program())


def test_nobody_is_warned_where_nothing_was_given_up(mock: PersonaMock) -> None:
    async def program() -> None:
        await submit(mock, mock.callbacks.url)
        assert mock.clock.finish_all().delivered == 3

    asyncio.run(program())


def test_nobody_is_warned_without_a_loop(mock: PersonaMock) -> None:
    async def program() -> None:
        await submit(mock, "http://127.0.0.1:9/nobody")

    asyncio.run(program())

    assert mock.clock.finish_all().gave_up > 0
