"""Calls under /_mock/media/: files of songs that are there, gone or unknown, and uploads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from mockserver.domain.clock import VirtualClock
from mockserver.domain.media import Expired, Found, Unknown
from mockserver.domain.ports import Tx
from mockserver.web.media import answer
from mockserver.web.media.files import asset_for
from mockserver.web.media.place import place_of
from mockserver.web.media.uploads import UPLOAD_BYTES
from mockserver.web.request import Incoming, Receive, Scope, Send, send_reply
from mockserver.web.world import World
from tests.conftest import Client, MakeClient
from tests.web.steering import Control

PAGE = "https://page.test"
MADE = 1_767_225_600.0
AUDIO = "/_mock/media/kie/fresh/audio.mp3"
PLACE = "/_mock/media/uploads/3f0c/3f0c.mp3"
RECORD = {"id": "3f0c", "name": "3f0c.mp3", "content_type": "audio/mpeg", "opened_at": MADE, "size": None}


class TwoSongs(World):
    """A world in which kie has a fresh song, which lives for an hour, and an old one, which is gone."""

    def media(self, tx: Tx, sandbox: str, provider: str, song: str, role: str) -> Found | Expired | Unknown:
        """What has become of a file."""
        assert sandbox
        if provider != "kie" or role == "vocals.mp3":
            return Unknown()
        lifetimes = {"fresh": (MADE, MADE + 3600), "old": (MADE - 90, MADE - 30)}
        if song not in lifetimes:
            return Unknown()
        created, gone = lifetimes[song]
        return Found(created) if VirtualClock().now(tx) < gone else Expired(gone)


class Media:
    """Answers media calls alone, in the world of a whole application."""

    def __init__(self, world: World) -> None:
        self.world = TwoSongs(**{field.name: getattr(world, field.name) for field in fields(world)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call."""
        incoming = Incoming.of(scope)
        target = self.world.locator.target(incoming)
        await send_reply(send, incoming, await answer(self.world, target, incoming, receive))


class Files(Client):
    """A client of media in a sandbox of its own."""

    def __init__(self, app: Any, **headers: str) -> None:
        self.world: World = app.state.mock
        self.sandbox = uuid4().hex
        super().__init__(Media(self.world), {"X-Mock-Sandbox": self.sandbox, **headers})
        self.control = Control(Client(app), self.sandbox)

    def open(self, name: str = "3f0c", **record: Any) -> None:
        """Open a place, as crun's answer does."""
        value = json.dumps({**RECORD, "id": name, **record}).encode()
        self.world.store.run(self.sandbox, lambda tx: tx.put(f"upload/{name}", value))

    def kept(self, name: str = "3f0c") -> tuple[Any, bytes | None]:
        """What the store holds of a place."""
        read = self.world.store.run(
            self.sandbox, lambda tx: (tx.get(f"upload/{name}"), tx.get(f"upload-bytes/{name}"))
        )
        return json.loads(read[0] or b"null"), read[1]


@pytest.fixture
def files(stored: Any) -> Files:
    """A client of media, on each store."""
    return Files(stored)


def slug(reply: httpx2.Response) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json"
    return reply.status_code, reply.headers["x-mock-error"]


# --- files of songs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind", "file"),
    [
        ("audio.mp3", "audio/mpeg", "audio.mp3"),
        ("source-stream.mp3", "audio/mpeg", "audio.mp3"),
        ("cover.jpeg", "image/jpeg", "cover.jpeg"),
        ("cover-large.jpeg", "image/jpeg", "cover-large.jpeg"),
        ("avatar.webp", "image/webp", "avatar.webp"),
        ("video.mp4", "video/mp4", "video.mp4"),
        ("%61udio%2Emp3", "audio/mpeg", "audio.mp3"),
    ],
)
def test_a_file_of_a_song_downloads(files: Files, name: str, kind: str, file: str) -> None:
    reply = files.get(f"/_mock/media/kie/fresh/{name}")

    asset = asset_for(file)
    assert asset is not None
    assert (reply.status_code, reply.headers["content-type"]) == (200, kind)
    assert reply.content == asset.content
    assert reply.headers["content-length"] == str(len(asset.content))
    assert (reply.headers["etag"], reply.headers["accept-ranges"]) == (asset.etag, "bytes")
    assert reply.headers["last-modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"


def test_a_head_tells_the_same_and_sends_nothing(files: Files) -> None:
    whole, head = files.get(AUDIO), files.request("HEAD", AUDIO, headers={"Range": "bytes=0-3"})

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


def test_a_part_downloads(files: Files) -> None:
    whole = files.get(AUDIO).content

    part = files.get(AUDIO, headers={"Range": "bytes=100-199"})
    beyond = files.get(AUDIO, headers={"Range": f"bytes={len(whole)}-"})

    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert part.headers["content-length"] == "100"
    assert slug(beyond) == (416, "range-not-satisfiable")
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"


def test_a_file_that_the_client_has_is_not_sent_again(files: Files) -> None:
    first = files.get(AUDIO)

    again = files.get(AUDIO, headers={"If-None-Match": first.headers["etag"]})
    since = files.get(AUDIO, headers={"If-Modified-Since": first.headers["last-modified"]})

    assert [(reply.status_code, reply.content) for reply in (again, since)] == [(304, b"")] * 2
    assert "content-type" not in again.headers


def test_a_file_expires_by_the_clock_of_its_sandbox(files: Files) -> None:
    before = files.get(AUDIO)
    files.control.post("/clock/advance", {"seconds": 3600})

    gone = files.get(AUDIO, headers={"If-None-Match": before.headers["etag"]})

    assert before.status_code == 200
    assert slug(gone) == (410, "media-expired")
    assert gone.json()["expired_at"] == "2026-01-01T01:00:00Z"
    assert "2026-01-01T01:00:00Z" in gone.json()["detail"]
    assert "Make a fresh song" in gone.json()["detail"]
    assert gone.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_that_is_gone_is_gone_for_every_way_to_ask(files: Files, method: str) -> None:
    reply = files.request(method, "/_mock/media/kie/old/audio.mp3", headers={"Range": "bytes=0-1"})

    assert slug(reply) == (410, "media-expired")


@pytest.mark.parametrize(
    "path",
    [
        "/kie/nobody/audio.mp3",
        "/yuto/fresh/audio.mp3",
        "/nobody/fresh/audio.mp3",
        "/kie/fresh/vocals.mp3",
        "/kie/fresh/audio.wav",
        "/kie/fresh/audio",
        "",
        "/",
        "/kie",
        "/kie/fresh",
        "/kie/fresh/",
        "/kie//audio.mp3",
        "//fresh/audio.mp3",
        "/kie/fresh/audio.mp3/",
        "/kie/fresh/more/audio.mp3",
        "/kie/../audio.mp3",
        "/kie/%2e%2e/audio.mp3",
        "/kie/./audio.mp3",
        "/kie/fresh/..%2faudio.mp3",
        "/kie/fresh/..%5caudio.mp3",
        "/kie/fresh%2faudio.mp3",
        "/kie/fresh/audio%00.mp3",
        "/kie/%00/audio.mp3",
        "/kie/%ed%a0%80/audio.mp3",
        "/kie/%ff/audio.mp3",
        "/kie/%/audio.mp3",
        "/kie/%zz/audio.mp3",
        "/kie/%0d%0aset-cookie:a/audio.mp3",
        "/kie/\u4e2d/audio.mp3",
        f"/kie/{'a' * 201}/audio.mp3",
        f"/{'a' * 5000}",
        "/uploads/3f0c/3f0c.mp3",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_there_is_not_found(files: Files, method: str, path: str) -> None:
    # httpx would tidy the path away: it is sent as it stands.
    reply = sent_raw(files, method, ("/_mock/media" + path).encode())

    assert (reply[0], reply[1]["x-mock-error"]) == (404, "media-not-found")
    assert reply[1]["cache-control"] == "no-store"
    assert reply[2] or method == "HEAD"


@pytest.mark.parametrize(
    "odd", ["", ".", "..", "%2e%2e", "a%2fb", "a%5cb", "a%00", "%ff", "%ed%a0%80", "a" * 201]
)
def test_a_part_that_is_no_name_leads_nowhere(odd: str) -> None:
    for path in (f"{odd}/song/a.mp3", f"kie/{odd}/a.mp3", f"kie/song/{odd}"):
        assert place_of(f"/_mock/media/{path}") is None


def test_the_parts_of_a_path_are_read_as_they_were_meant() -> None:
    assert place_of("/_mock/media/k%20e/%E4%B8%AD/a%2Emp3") == ("k e", "\u4e2d", "a.mp3")


def sent_raw(
    files: Files,
    method: str,
    path: bytes,
    *,
    headers: dict[str, str] | None = None,
    body: tuple[bytes, ...] = (),
) -> tuple[int, dict[str, str], bytes]:
    """A call as ASGI, its path and the chunks of its body as they stand."""
    given = {"x-mock-sandbox": files.sandbox, **(headers or {})}
    lines = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {
        "type": "http",
        "method": method,
        "raw_path": path,
        "path": "/",
        "query_string": b"",
        "headers": lines,
    }
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in body]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(files.app(scope, receive, send))
    start, end = sent
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, end["body"]


def test_a_refusal_names_what_was_asked_for_and_the_next_step(files: Files) -> None:
    told = files.get("/_mock/media/kie/nobody/audio.mp3").json()

    assert told["status"] == 404
    assert "no audio.mp3 of a kie song nobody" in told["detail"]
    assert files.sandbox in told["detail"]
    assert "take the URL from its task" in told["detail"]


# --- methods and pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "methods", "allowed"),
    [
        (AUDIO, ("POST", "PUT", "DELETE", "PATCH", "TRACE", "PURGE"), "GET, HEAD, OPTIONS"),
        (PLACE, ("POST", "DELETE", "PATCH"), "GET, HEAD, PUT, OPTIONS"),
    ],
)
def test_another_method_is_refused_with_those_that_work(
    files: Files, path: str, methods: tuple[str, ...], allowed: str
) -> None:
    for method in methods:
        reply = files.request(method, path)

        assert slug(reply) == (405, "wrong-method")
        assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("path", "allowed"), [(AUDIO, "GET, HEAD, OPTIONS"), (PLACE, "GET, HEAD, PUT, OPTIONS")]
)
def test_options_says_what_may_be_done(files: Files, path: str, allowed: str) -> None:
    reply = files.request("OPTIONS", path)

    assert (reply.status_code, reply.headers["allow"], reply.content) == (204, allowed, b"")


def test_a_page_of_any_origin_may_play_a_file(files: Files) -> None:
    reply = files.get(AUDIO, headers={"Origin": PAGE, "Range": "bytes=0-9", "Sec-Fetch-Site": "cross-site"})

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (206, "*")
    exposed = set(reply.headers["access-control-expose-headers"].split(", "))
    assert {"content-range", "accept-ranges", "etag"} <= exposed


def test_a_page_of_any_origin_may_upload(files: Files) -> None:
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }

    reply = files.request("OPTIONS", PLACE, headers=asked)

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, "*")
    assert "PUT" in reply.headers["access-control-allow-methods"]
    assert reply.headers["access-control-allow-headers"] == "content-type"


@pytest.mark.parametrize("path", [AUDIO, "/_mock/media/kie/old/audio.mp3", "/_mock/media/kie"])
def test_a_page_may_read_why_it_gets_no_file(files: Files, path: str) -> None:
    reply = files.get(path, headers={"Origin": PAGE})

    assert reply.headers["access-control-allow-origin"] == "*"


def test_turned_off_no_page_may_read_anything(make_client: MakeClient) -> None:
    files = Files(make_client(cors=False).app, Origin=PAGE)

    replies = [
        files.get(AUDIO),
        files.request("OPTIONS", AUDIO, headers={"Access-Control-Request-Method": "GET"}),
    ]

    assert [reply.status_code for reply in replies] == [200, 204]
    assert not [name for reply in replies for name in reply.headers if name.startswith("access-control-")]


# --- uploads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [None, "audio/mpeg", "application/x-www-form-urlencoded", "audio/wav", "", "?"]
)
def test_what_is_put_is_served_again_as_what_it_was_announced(files: Files, sent: str | None) -> None:
    headers = {} if sent is None else {"Content-Type": sent}
    files.open()

    put = files.request("PUT", PLACE, params={"signature": "4d1e"}, content=b"0123456789", headers=headers)
    got = files.get(PLACE)

    assert (put.status_code, put.content, put.headers["content-length"]) == (200, b"", "0")
    assert (got.status_code, got.content) == (200, b"0123456789")
    assert got.headers["content-type"] == "audio/mpeg"
    assert got.headers["etag"] == put.headers["etag"]
    assert files.kept() == ({**RECORD, "size": 10}, b"0123456789")


def test_an_upload_is_served_as_any_file_is(files: Files) -> None:
    files.open()
    tag = files.request("PUT", PLACE, content=b"0123456789").headers["etag"]

    head = files.request("HEAD", PLACE)
    part = files.get(PLACE, params={"signature": "other"}, headers={"Range": "bytes=-2", "If-Range": tag})
    known = files.get(PLACE, headers={"If-None-Match": tag})

    assert (head.status_code, head.headers["content-length"], head.content) == (200, "10", b"")
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"89", "bytes 8-9/10")
    assert known.status_code == 304


def test_a_second_put_takes_the_place_of_the_first(files: Files) -> None:
    files.open()
    first = files.request("PUT", PLACE, content=b"first")

    second = files.request("PUT", PLACE, content=b"second one")

    got = files.get(PLACE, headers={"If-None-Match": first.headers["etag"]})
    assert (got.status_code, got.content) == (200, b"second one")
    assert first.headers["etag"] != second.headers["etag"] == got.headers["etag"]
    assert files.kept()[0]["size"] == 10


def test_an_empty_upload_is_one(files: Files) -> None:
    files.open()
    files.request("PUT", PLACE, content=b"")

    got = files.get(PLACE, headers={"Range": "bytes=0-"})

    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")


def test_a_place_that_nothing_was_put_in_says_so(files: Files) -> None:
    files.open()

    reply = files.get(PLACE)

    assert slug(reply) == (404, "media-not-found")
    assert "was opened" in reply.json()["detail"]
    assert "PUT its bytes" in reply.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/_mock/media/uploads/other/3f0c.mp3", "/_mock/media/uploads/3f0c/other.mp3"]
)
def test_a_place_that_nobody_opened_takes_nothing(files: Files, path: str) -> None:
    files.open()

    put, got = files.request("PUT", path, content=b"bytes"), files.get(path)

    assert slug(put) == slug(got) == (404, "media-not-found")
    assert "getUploadUrl" in put.json()["detail"]
    assert files.kept() == (RECORD, None)
    assert files.kept("other") == (None, None)


def test_a_place_belongs_to_its_sandbox(stored: Any) -> None:
    mine, theirs = Files(stored), Files(stored)
    mine.open()
    mine.request("PUT", PLACE, content=b"mine")

    by_path = Files(stored).get(f"/_sandbox/{mine.sandbox}{PLACE}")

    assert by_path.content == b"mine"
    assert (
        slug(theirs.get(PLACE))
        == slug(theirs.request("PUT", PLACE, content=b"x"))
        == (404, "media-not-found")
    )


def test_an_upload_needs_no_token_and_minds_no_body_limit(make_client: MakeClient) -> None:
    files = Files(make_client(max_body=10, control_token="secret").app)
    files.open()

    put = files.request("PUT", PLACE, content=bytes(2_000_000), headers={"Host": "elsewhere.test"})

    assert put.status_code == 200
    assert files.get(PLACE).content == bytes(2_000_000)


def test_the_largest_upload_is_taken(files: Files) -> None:
    files.open()
    chunk = bytes(UPLOAD_BYTES // 16)

    status, _, _ = sent_raw(files, "PUT", PLACE.encode(), body=(chunk,) * 16)

    assert status == 200
    assert files.kept()[0]["size"] == UPLOAD_BYTES == 64 * 1024 * 1024


@pytest.mark.parametrize("announced", [True, False])
def test_a_larger_one_is_refused_and_nothing_of_it_kept(files: Files, announced: bool) -> None:
    files.open()
    chunk = bytes(UPLOAD_BYTES // 16)
    headers = {"content-length": str(UPLOAD_BYTES + 1)} if announced else {}

    status, told, body = sent_raw(files, "PUT", PLACE.encode(), headers=headers, body=(*(chunk,) * 16, b"x"))

    assert (status, told["x-mock-error"]) == (413, "too-large")
    assert json.loads(body)["limit"] == UPLOAD_BYTES
    assert "whatever --max-body" in json.loads(body)["detail"]
    assert files.kept() == (RECORD, None)


def test_a_place_that_goes_while_the_bytes_come_takes_nothing(files: Files) -> None:
    files.open()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"first half"
        files.world.store.drop(files.sandbox)
        yield b"second half"

    reply = files.request("PUT", PLACE, content=chunks())

    assert slug(reply) == (404, "media-not-found")
    assert files.kept() == (None, None)


def test_an_uploaded_page_cannot_act_as_one_of_ours(files: Files) -> None:
    files.open(content_type="text/html")
    files.request("PUT", PLACE, content=b"<script>fetch('/_mock/reset', {method: 'POST'})</script>")

    reply = files.get(PLACE)

    assert reply.headers["content-type"] == "text/html"
    assert reply.headers["content-security-policy"] == "sandbox"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("announced", "served"),
    [
        ("audio/mpeg\r\nset-cookie: a=b", "audio/mpeg%0D%0Aset-cookie: a=b"),
        ("audio/\u4e2d", "audio/%E4%B8%AD"),
        ("", "application/octet-stream"),
    ],
)
def test_an_odd_type_is_made_safe(files: Files, announced: str, served: str) -> None:
    files.open(content_type=announced)
    files.request("PUT", PLACE, content=b"bytes")

    reply = files.get(PLACE, headers={"Range": "bytes=0-1,4-4"})

    assert reply.status_code == 206
    assert f"Content-Type: {served}\r\n" in reply.text
    assert files.get(PLACE).headers["content-type"] == served
    assert "set-cookie" not in reply.headers


def test_media_calls_are_no_calls_of_a_provider(files: Files) -> None:
    files.open()

    for method, path in (
        ("GET", AUDIO),
        ("GET", "/_mock/media/kie/old/a.mp3"),
        ("PUT", PLACE),
        ("GET", PLACE),
    ):
        files.request(method, path, content=b"bytes")

    assert files.control.get("/requests")["requests"] == []
    mine = [one for one in files.control.get("/sandboxes")["sandboxes"] if one["name"] == files.sandbox]
    assert [(one["requests"], one["violations"]) for one in mine] == [(0, 0)]


def test_a_look_leaves_no_sandbox_behind(files: Files) -> None:
    files.get(AUDIO)
    files.get(PLACE)
    files.request("PUT", PLACE, content=b"bytes")

    assert files.sandbox not in [one["name"] for one in files.control.get("/sandboxes")["sandboxes"]]
