"""GET /_mock/events: what happens, told as it happens, to whoever comes back too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx2
import pytest

from mockserver.settings import Settings
from mockserver.store.memory import MemoryStore
from mockserver.web import events as module
from mockserver.web.app import create_app
from mockserver.web.events import Events
from tests.conftest import MakeClient
from tests.web.test_blocking_store import BlockingStore

EVENTS = "/_mock/events"
CREDIT = "/kie/api/v1/chat/credit"
KEY = {"Authorization": "Bearer demo"}
SECONDS = 20

Live = Callable[..., str]


class Said(NamedTuple):
    """An event with these data."""

    data: dict[str, Any]
    weight: int = 100

    def brief(self) -> dict[str, Any]:
        return self.data


class Event(NamedTuple):
    """One event as a client reads it."""

    id: str
    event: str
    data: Any


class Stream:
    """An open stream of events, read line by line."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.comments: list[str] = []
        self._blocks = self._read()

    def take(self, count: int) -> list[Event]:
        """The next events; waits for them."""
        return [next(self._blocks) for _ in range(count)]

    def rest(self) -> list[Event]:
        """All that comes until the stream ends."""
        return list(self._blocks)

    def _read(self) -> Iterator[Event]:
        fields: dict[str, str] = {}
        for line in self.response.iter_lines():
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                self.comments.append(line[2:])
                assert value != "nothing new", "what was waited for does not come"
            elif line:
                assert name not in fields, "one line each"
                fields[name] = value
            elif fields:
                yield Event(**{**fields, "data": json.loads(fields["data"])})
                fields = {}


@contextmanager
def listening(base: str, last: str | None = None, sandbox: str = "") -> Iterator[Stream]:
    """A stream that has begun: what happens from now on is in it."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with httpx2.stream("GET", f"{base}{sandbox}{EVENTS}", headers=headers, timeout=SECONDS) as response:
        assert response.status_code == 200
        yield Stream(response)


def call(base: str, sandbox: str = "", count: int = 1) -> list[str]:
    """Some calls, one after another; the ids that they were given."""
    with httpx2.Client(base_url=base + sandbox, headers=KEY, timeout=SECONDS) as client:
        return [client.get(CREDIT).headers["x-mock-request-id"] for _ in range(count)]


def ids(events: list[Event]) -> list[Any]:
    """The ids of what events tell of."""
    return [event.data["id"] for event in events]


# --- what is told ------------------------------------------------------------------------------------------


def test_a_call_is_told_at_once_as_the_journal_lists_it(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 1000)
    base = live()

    with listening(base) as stream:
        call(base)
        (event,) = stream.take(1)

    assert event.event == "request"
    assert httpx2.get(f"{base}/_mock/requests").json() == {"requests": [event.data]}
    assert event.data["operation"] == "getCredits"
    assert stream.response.headers["content-type"] == "text/event-stream"


def test_a_call_that_finds_no_route_is_told_too(live: Live) -> None:
    base = live()

    with listening(base) as stream:
        httpx2.get(f"{base}/kie/nowhere\u2028?key=secret")
        (event,) = stream.take(1)

    assert (event.data["status"], event.data["operation"]) == (404, None)


def test_no_secret_is_told(live: Live) -> None:
    base = live()

    with listening(base) as stream:
        httpx2.get(f"{base}{CREDIT}", headers={"Authorization": "Bearer s3cret-of-mine"})
        told = stream.take(1)

    assert "s3cret-of-mine" not in json.dumps(told)


def test_a_stream_begins_with_what_happens_from_now_on(live: Live) -> None:
    base = live()
    call(base, count=3)

    with listening(base) as stream:
        later = call(base)
        told = stream.take(1)

    assert ids(told) == later


def test_every_stream_is_told_everything(live: Live) -> None:
    base = live()

    with listening(base) as one, listening(base) as other:
        made = call(base, count=2)
        told = one.take(2), other.take(2)

    assert told[0] == told[1]
    assert ids(told[0]) == made


def test_two_sandboxes_are_apart(live: Live) -> None:
    base = live()

    with listening(base, sandbox="/_sandbox/a") as a, listening(base, sandbox="/_sandbox/b") as b:
        in_a = call(base, "/_sandbox/a", count=2)
        in_b = call(base, "/_sandbox/b", count=2)
        told_a, told_b = a.take(2), b.take(2)

    assert (ids(told_a), ids(told_b)) == (in_a, in_b)
    assert {event.data["sandbox"] for event in told_a} == {"a"}


def test_to_listen_to_a_sandbox_does_not_make_it(live: Live) -> None:
    base = live()

    with listening(base, sandbox="/_sandbox/quiet"):
        known = httpx2.get(f"{base}/_mock/sandboxes").json()

    assert known == {"sandboxes": []}


def test_concurrent_calls_are_told_once_each_in_the_order_of_their_ids(live: Live) -> None:
    base = live()

    with listening(base) as stream, ThreadPoolExecutor(10) as pool:
        made = [made for some in pool.map(lambda _: call(base, count=5), range(10)) for made in some]
        told = stream.take(50)

    numbers = [int(event.id) for event in told]
    assert numbers == sorted(set(numbers))
    assert sorted(ids(told)) == sorted(made)


def test_a_long_log_is_told_whole(live: Live) -> None:
    store = MemoryStore()
    base = live(store=store)
    for number in range(1000):
        Events(store).add("default", "task", Said({"id": number}))

    with listening(base, last="0") as stream:
        told = stream.take(1000)

    assert ids(told) == list(range(1000))


# --- coming back -------------------------------------------------------------------------------------------


def test_a_client_that_comes_back_misses_nothing_and_gets_nothing_twice(live: Live) -> None:
    base = live()
    with listening(base) as stream:
        made = call(base, count=4)
        before = stream.take(2)
    made += call(base, count=2)

    with listening(base, last=before[-1].id) as stream:
        made += call(base)
        after = stream.take(5)

    assert ids(before + after) == made
    assert stream.comments == ["events of the sandbox default"]


@pytest.mark.parametrize("last", ["0", ""])
def test_an_id_of_nothing_asks_for_everything_or_says_nothing(live: Live, last: str) -> None:
    base = live()
    made = call(base, count=2)

    with listening(base, last=last) as stream:
        made += call(base)
        told = stream.take(1)

    assert ids(told) == [made[0] if last else made[2]]


def test_what_fell_out_of_the_log_is_said_to_be_missing(live: Live) -> None:
    base = live(journal_size=3)
    with listening(base) as stream:
        call(base)
        (first,) = stream.take(1)
    made = call(base, count=5)

    with listening(base, last=first.id) as stream:
        told = stream.take(3)

    assert ids(told) == made[-3:]
    assert stream.comments[1:] == ["some events are not kept any more; what is still kept follows"]


def test_nothing_is_missing_where_only_the_last_one_had_fell_out(live: Live) -> None:
    base = live(journal_size=2)
    with listening(base) as stream:
        call(base)
        (first,) = stream.take(1)
    made = call(base, count=2)

    with listening(base, last=first.id) as stream:
        told = stream.take(2)

    assert ids(told) == made
    assert len(stream.comments) == 1


def test_a_stream_goes_on_after_a_reset(live: Live) -> None:
    base = live()

    with listening(base) as stream:
        call(base, count=3)
        stream.take(3)
        httpx2.post(f"{base}/_mock/reset")
        made = call(base, count=5)
        told = stream.take(5)

    assert ids(told) == made


def test_a_client_that_comes_back_after_a_reset_gets_all_that_is_new(live: Live) -> None:
    base = live()
    with listening(base) as stream:
        call(base, count=2)
        old = stream.take(2)
    httpx2.delete(f"{base}/_mock/sandboxes/default")
    made = call(base, count=4)

    with listening(base, last=old[-1].id) as stream:
        told = stream.take(4)

    assert ids(told) == made
    assert "some events are not kept any more" in stream.comments[1]


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "1e3", "1" * 21, "1, 2", "\u0661"])
def test_an_id_that_was_never_given_is_refused(make_client: MakeClient, last: str) -> None:
    client = make_client()

    refused = client.get(EVENTS, headers={"Last-Event-ID": last.encode()})

    assert (refused.status_code, refused.headers["x-mock-error"]) == (422, "bad-control-request")
    assert refused.json()["field"] == "last-event-id"


# --- who may listen ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.test"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, 401),
    ],
)
def test_only_those_who_may_steer_may_listen(
    make_client: MakeClient, headers: dict[str, str], status: int
) -> None:
    client = make_client(control_token="s3cret")

    refused = client.get(EVENTS, headers=headers)

    assert refused.status_code == status
    assert "access-control-allow-origin" not in refused.headers


def test_with_the_token_one_may_listen(live: Live) -> None:
    base = live(control_token="s3cret")

    with httpx2.stream("GET", base + EVENTS, headers={"X-Mock-Token": "s3cret"}) as response:
        assert response.status_code == 200
        assert "access-control-allow-origin" not in response.headers


def test_head_tells_what_a_stream_is_and_opens_none(make_client: MakeClient) -> None:
    reply = make_client().request("HEAD", EVENTS)

    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream")
    assert reply.content == b""


# --- its end -----------------------------------------------------------------------------------------------


class Wire:
    """One call of the app, whose client listens until it is let go."""

    def __init__(self, app: Any, path: str = EVENTS) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.gone = asyncio.Event()
        headers = [(b"host", b"127.0.0.1:4010")]
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
        scope |= {"query_string": b"", "headers": headers, "http_version": "1.1"}
        self._first = True
        self.answered = asyncio.ensure_future(app(scope, self.receive, self.sent.put))

    async def receive(self) -> dict[str, Any]:
        if self._first:
            self._first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}


def test_a_stream_ends_when_its_client_has_gone() -> None:
    async def listened() -> None:
        wire = Wire(create_app(Settings(seed=0)))
        assert (await wire.sent.get())["status"] == 200
        wire.gone.set()
        await asyncio.wait_for(wire.answered, SECONDS)

    asyncio.run(listened())


def test_streams_end_at_once_when_the_app_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 1000)

    async def listened() -> list[bool]:
        app = create_app(Settings(seed=0))
        async with app.router.lifespan_context(app):
            wire = Wire(app)
            await wire.sent.get()
        late = Wire(app)
        for each in (wire, late):
            await asyncio.wait_for(each.answered, SECONDS)
        return [_is_whole(each) for each in (wire, late)]

    assert asyncio.run(listened()) == [True, True]


def _is_whole(wire: Wire) -> bool:
    """True for an answer that was brought to its proper end."""
    last: dict[str, Any] = {}
    while not wire.sent.empty():
        last = wire.sent.get_nowait()
    return last["type"] == "http.response.body" and not last.get("more_body", False)


def test_a_quiet_stream_shows_that_it_lives(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_ALIVE_SECONDS", 0.0)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    base = live()

    with httpx2.stream("GET", base + EVENTS, timeout=SECONDS) as response:
        lines = response.iter_lines()
        begun = [next(lines) for _ in range(6)]

    assert begun == [": events of the sandbox default", "", ": nothing new", "", ": nothing new", ""]


# --- stores ------------------------------------------------------------------------------------------------


def test_what_another_process_writes_into_the_store_is_told(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    store = MemoryStore()
    base = live(store=store)

    with listening(base) as stream:
        Events(store).add("default", "task", Said({"id": "t1"}))
        told = stream.take(1)

    assert (told[0].event, told[0].data) == ("task", {"id": "t1"})


def test_a_store_that_may_block_is_not_asked_on_the_event_loop(live: Live) -> None:
    base = live(store=BlockingStore())

    with listening(base) as stream:
        made = call(base, count=2)
        told = stream.take(2)

    assert ids(told) == made
