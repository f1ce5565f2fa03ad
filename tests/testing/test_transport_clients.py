"""What clients of httpx and httpx2 do of themselves, through transports without sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import httpx
import httpx2
import pytest
import trio

from mockserver.testing.transport import async_transport, sync_transport

MODULES = (httpx, httpx2)
KINDS = ("sync", "asyncio", "trio")


class Caller(NamedTuple):
    """A client of one module, in one of the three ways that clients are used."""

    module: ModuleType
    kind: str

    def calls(self, app: Any, *calls: dict[str, Any], **options: Any) -> list[Any]:
        """The answers to some calls of one client, read to their end."""
        if self.kind == "sync":
            with self.module.Client(transport=sync_transport(app), **options) as client:
                return [client.request(**call) for call in calls]

        async def run() -> list[Any]:
            transport = async_transport(app)
            async with self.module.AsyncClient(transport=transport, **options) as client:
                return [await client.request(**call) for call in calls]

        found: list[Any] = self.run(run)
        return found

    def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """What an async function comes to."""
        return trio.run(work) if self.kind == "trio" else asyncio.run(_awaited(work))


async def _awaited(work: Callable[[], Awaitable[Any]]) -> Any:
    return await work()


@pytest.fixture(
    params=[(module, kind) for module in MODULES for kind in KINDS], ids=lambda p: f"{p[0].__name__}-{p[1]}"
)
def caller(request: pytest.FixtureRequest) -> Caller:
    return Caller(*request.param)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it was asked."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    asked = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "scheme": scope["scheme"],
        "server": scope["server"],
        "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
        "body": body.decode(),
    }
    await answer(send, 200, json.dumps(asked).encode(), (b"content-type", b"application/json"))


async def answer(send: Any, status: int, body: bytes = b"", *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})


def get(url: str = "http://api.test/", **more: Any) -> dict[str, Any]:
    return {"method": "GET", "url": url, **more}


def test_a_base_url_and_params_make_the_address(caller: Caller) -> None:
    (answered,) = caller.calls(
        echo, get("a b/ü", params={"q": "x y", "n": 1}), base_url="https://api.test:8443/v1"
    )

    asked = answered.json()
    assert (asked["path"], asked["raw_path"]) == ("/v1/a b/ü", "/v1/a%20b/%C3%BC")
    assert asked["query"] in ("q=x+y&n=1", "q=x%20y&n=1")
    assert (asked["scheme"], asked["server"]) == ("https", ["api.test", 8443])
    assert asked["headers"]["host"] == "api.test:8443"


def test_a_cookie_that_is_set_is_sent_again(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        sent = dict(scope["headers"]).get(b"cookie", b"none")
        await answer(send, 200, sent, (b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; Path=/"))

    first, second = caller.calls(app, get(), get())

    assert (first.text, second.text) == ("none", "a=1; b=2")


def test_a_redirect_is_followed(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/old":
            await answer(send, 307, b"moved", (b"location", b"/new"))
        else:
            await echo(scope, receive, send)

    call = {"method": "POST", "url": "http://api.test/old", "content": b"kept"}
    (answered,) = caller.calls(app, call, follow_redirects=True)

    assert (answered.json()["path"], answered.json()["body"]) == ("/new", "kept")
    assert [passed.status_code for passed in answered.history] == [307]


def test_hooks_see_the_request_and_the_answer(caller: Caller) -> None:
    seen: list[str] = []

    def note(thing: Any) -> None:
        seen.append(type(thing).__name__)

    async def note_later(thing: Any) -> None:
        note(thing)

    hook = note if caller.kind == "sync" else note_later
    caller.calls(echo, get(), event_hooks={"request": [hook], "response": [hook]})

    assert seen == ["Request", "Response"]


def test_an_auth_flow_may_ask_twice(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        allowed = dict(scope["headers"]).get(b"authorization") == b"Bearer fresh"
        await answer(send, 200 if allowed else 401, b"secret" if allowed else b"stale")

    class Auth(caller.module.Auth):  # type: ignore[name-defined, misc]
        requires_response_body = True

        def auth_flow(self, request: Any) -> Any:
            refused = yield request
            assert refused.text == "stale"
            request.headers["authorization"] = "Bearer fresh"
            yield request

    (answered,) = caller.calls(app, get(auth=Auth()))

    assert (answered.status_code, answered.text) == (200, "secret")


def test_a_password_in_the_address_is_sent_as_a_header_only(caller: Caller) -> None:
    (answered,) = caller.calls(echo, get("http://user:pass@api.test/path"))

    asked = answered.json()
    assert asked["headers"]["authorization"] == "Basic dXNlcjpwYXNz"
    assert (asked["raw_path"], asked["headers"]["host"]) == ("/path", "api.test")


def test_a_form_with_a_file_is_sent_whole(caller: Caller) -> None:
    call = {
        "method": "POST",
        "url": "http://api.test/",
        "data": {"title": "Neon"},
        "files": {"file": ("a.mp3", b"x" * 200_000, "audio/mpeg")},
    }

    (answered,) = caller.calls(echo, call)

    asked = answered.json()
    assert asked["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert int(asked["headers"]["content-length"]) == len(asked["body"]) > 200_000
    assert 'name="title"\r\n\r\nNeon\r\n' in asked["body"]


@pytest.mark.parametrize("status", [200, 204, 304])
def test_an_answer_may_be_empty(caller: Caller, status: int) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        # A 304 may name the length that the whole would have.
        named = [] if status == 204 else [(b"content-length", b"0" if status == 200 else b"40")]
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": b""})

    (answered,) = caller.calls(app, get())

    assert (answered.status_code, answered.content) == (status, b"")


def test_an_answer_to_head_has_its_headers_only(caller: Caller) -> None:
    (answered,) = caller.calls(echo, {"method": "HEAD", "url": "http://api.test/"})

    assert answered.content == b""
    assert int(answered.headers["content-length"]) > 100


def test_an_answer_without_a_status_is_none(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    with pytest.raises(caller.module.RemoteProtocolError, match="without sending a response"):
        caller.calls(app, get())


def test_an_answer_that_is_shorter_than_announced_is_not_taken_for_whole(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"short"})

    with pytest.raises(caller.module.RemoteProtocolError, match="received 5 bytes, expected 10"):
        caller.calls(app, get())


@pytest.mark.parametrize("error", [LookupError("in the app"), TimeoutError("in the app")], ids=repr)
def test_an_error_of_the_app_is_raised_as_it_is(caller: Caller, error: Exception) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise error

    with pytest.raises(type(error), match="in the app"):
        caller.calls(app, get())


def test_an_error_behind_the_beginning_of_an_answer_is_raised_too(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise LookupError("in the app")

    with pytest.raises(LookupError, match="in the app"):
        caller.calls(app, get())


def test_big_bodies_pass_both_ways(caller: Caller) -> None:
    body = bytes(range(256)) * 20_000

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"][::-1], "more_body": more})

    (answered,) = caller.calls(app, {"method": "POST", "url": "http://api.test/", "content": body})

    assert answered.content == body[::-1]


def test_a_connect_or_pool_timeout_is_of_no_account(caller: Caller) -> None:
    timeout = caller.module.Timeout(None, connect=1e-9, pool=1e-9)

    (answered,) = caller.calls(echo, get(), timeout=timeout)

    assert answered.status_code == 200


# --- the module is that of the request ----------------------------------------------------------------------


def test_one_transport_serves_both_modules() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    transport = sync_transport(app)
    ends = []

    for module in MODULES:
        client = module.Client(transport=transport)
        with pytest.raises(module.RemoteProtocolError) as caught:
            client.get("http://api.test/")
        ends.append((type(caught.value), caught.value.request.url.host))
    transport.close()

    assert ends == [(module.RemoteProtocolError, "api.test") for module in MODULES]


def test_one_async_transport_serves_both_modules_under_both_libraries() -> None:
    transport = async_transport(echo)

    async def run() -> list[int]:
        clients = [module.AsyncClient(transport=transport) for module in MODULES]
        return [(await client.get("http://api.test/")).status_code for client in clients]

    found = [asyncio.run(run()), trio.run(run), asyncio.run(run())]
    trio.run(transport.aclose)

    assert found == [[200, 200]] * 3


def test_a_request_may_be_of_a_subclass() -> None:
    class Request(httpx.Request):
        pass

    with sync_transport(echo) as transport:
        answered = transport.handle_request(Request("GET", "http://api.test/"))

        assert isinstance(answered, httpx.Response)
        assert json.loads(answered.read())["path"] == "/"


def test_a_request_of_another_library_is_named() -> None:
    with sync_transport(echo) as transport, pytest.raises(TypeError, match=r"httpx and httpx2, got .*object"):
        transport.handle_request(object())


@pytest.mark.parametrize("loaded", [(), (httpx,), (httpx2,), MODULES], ids=str)
def test_a_transport_is_one_of_every_module_that_is_loaded(
    monkeypatch: pytest.MonkeyPatch, loaded: tuple[ModuleType, ...]
) -> None:
    for module in MODULES:
        if module not in loaded:
            monkeypatch.delitem(sys.modules, module.__name__)
    made, made_async = sync_transport(echo), async_transport(echo)
    monkeypatch.undo()

    for module in MODULES:
        assert isinstance(made, module.BaseTransport) is (module in loaded)
        assert isinstance(made_async, module.AsyncBaseTransport) is (module in loaded)
        # One that was loaded later is served all the same.
        with module.Client(transport=made) as client:
            assert client.get("http://api.test/").status_code == 200


def test_a_transport_is_a_context_manager() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, 204)

    async def run() -> int:
        async with async_transport(app) as transport:
            return int((await transport.handle_async_request(httpx.Request("GET", "http://a/"))).status_code)

    with sync_transport(app) as transport:
        assert transport.handle_request(httpx.Request("GET", "http://a/")).status_code == 204
    assert (asyncio.run(run()), trio.run(run)) == (204, 204)


# --- streams ------------------------------------------------------------------------------------------------


def test_pieces_go_in_and_come_out_as_they_are_made(caller: Caller) -> None:
    """Each piece is answered before the next is made: nothing is gathered first."""
    taken: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(5):
            taken.append((await receive())["body"])
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    read = _streamed(caller, app, [b"a", b"b", b"c", b"d", b""])

    assert (taken, b"".join(read)) == ([b"a", b"b", b"c", b"d", b""], b"01234")


def _streamed(caller: Caller, app: Any, pieces: list[bytes]) -> list[bytes]:
    async def one_by_one() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    if caller.kind == "sync":
        with (
            caller.module.Client(transport=sync_transport(app)) as client,
            client.stream("POST", "http://api.test/", content=iter(pieces)) as answered,
        ):
            return list(answered.iter_raw())

    async def run() -> list[bytes]:
        async with (
            caller.module.AsyncClient(transport=async_transport(app)) as client,
            client.stream("POST", "http://api.test/", content=one_by_one()) as answered,
        ):
            return [piece async for piece in answered.aiter_raw()]

    return list(caller.run(run))


def test_a_writer_does_not_run_far_ahead_of_the_app(caller: Caller) -> None:
    """A body of any length passes through little memory; what the app does not want is not kept."""
    made, ahead = 0, []

    def pieces() -> Iterator[bytes]:
        nonlocal made
        for _ in range(100):
            made += 1
            yield b"x" * 65536

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for number in range(20):
            for _ in range(10):
                await asyncio.sleep(0)
            await receive()
            ahead.append(made - number)
        await answer(send, 413)

    async def pieces_later() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    content = pieces() if caller.kind == "sync" else pieces_later()
    (answered,) = caller.calls(app, {"method": "POST", "url": "http://api.test/", "content": content})

    assert (answered.status_code, made) == (413, 100)
    assert max(ahead) <= 8


def test_an_app_does_not_run_far_ahead_of_its_reader() -> None:
    sent = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            sent += 1

    with (
        httpx2.Client(transport=sync_transport(app)) as client,
        client.stream("GET", "http://api.test/") as answered,
    ):
        pieces = answered.iter_raw()
        for _ in range(20):
            next(pieces)
        ahead = sent - 20

    assert ahead <= 8


def test_an_app_that_takes_no_more_is_a_write_timeout(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    timeout = caller.module.Timeout(None, write=0.05)
    call = {"method": "POST", "url": "http://api.test/", "content": _endless(caller.kind)}

    with pytest.raises(caller.module.WriteTimeout):
        caller.calls(app, call, timeout=timeout)


def _endless(kind: str) -> Any:
    def pieces() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    async def pieces_later() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    return pieces() if kind == "sync" else pieces_later()


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_what_makes_a_body_is_closed_when_its_call_is_lost(kind: str) -> None:
    """It is not left to the garbage collector, about which trio warns."""
    closed = []

    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 65536
            finally:
                closed.append(True)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(60)

    async def work() -> list[bool]:
        timeout = httpx2.Timeout(None, write=0.01)
        async with httpx2.AsyncClient(transport=async_transport(app), timeout=timeout) as client:
            try:
                await client.send(client.build_request("POST", "http://api.test/", content=Body()))
            except httpx2.WriteTimeout:
                return list(closed)
        return []

    assert Caller(httpx2, kind).run(work) == [True]


def test_what_is_in_a_buffer_may_change_behind_its_piece(caller: Caller) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        buffer = bytearray((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": buffer, "more_body": True})
        buffer[:] = b"other"
        await send({"type": "http.response.body", "body": b""})

    assert _streamed(caller, app, [b"piece"]) == [b"piece"]


def test_a_body_that_is_over_stays_over() -> None:
    with sync_transport(echo) as transport:
        stream = transport.handle_request(httpx.Request("GET", "http://api.test/")).stream

        assert (len(list(stream)), list(stream)) == (1, [])
