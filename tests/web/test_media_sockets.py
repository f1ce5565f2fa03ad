"""Media over a real socket: plain HTTP clients download, go on where they stopped, and upload."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.request
from collections.abc import Iterator

import av
import httpx2
import pytest

from mockserver.settings import Settings
from mockserver.web.app import create_app
from mockserver.web.listen import listen, port_of
from mockserver.web.media.files import asset_for
from mockserver.web.media.uploads import UPLOAD_BYTES
from mockserver.web.server import Server

AUDIO = "/_mock/media/kie/example/audio.mp3"
PLACE = "/_mock/media/uploads/3f0c/3f0c.mp3"
RECORD = {"id": "3f0c", "name": "3f0c.mp3", "content_type": "audio/mpeg", "opened_at": 0.0, "size": None}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a real server, with a place for an upload; the song is the examples'."""
    sockets = listen("127.0.0.1", 0)
    app = create_app(Settings(seed=0, port=port_of(sockets[0])))
    app.state.mock.store.run("default", lambda tx: tx.put("upload/3f0c", json.dumps(RECORD).encode()))
    listening = threading.Event()
    server = Server(app, sockets, direct=app.state.direct, on_listening=listening.set)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert listening.wait(10), "the server did not start"
    yield port_of(sockets[0])
    server.stop()
    thread.join(10)
    for opened in sockets:
        opened.close()


@pytest.fixture
def line(port: int) -> Iterator[http.client.HTTPConnection]:
    """One connection, which every call of a test goes over."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    yield connection
    connection.close()


def song() -> bytes:
    asset = asset_for("audio.mp3")
    assert asset is not None
    return asset.content


def test_a_download_goes_on_where_it_stopped(port: int) -> None:
    url = f"http://127.0.0.1:{port}{AUDIO}"
    with urllib.request.urlopen(url, timeout=10) as whole:
        begun, tag = whole.read(5000), whole.headers["etag"]

    rest = urllib.request.Request(url, headers={"Range": f"bytes={len(begun)}-", "If-Range": tag})
    with urllib.request.urlopen(rest, timeout=10) as reply:
        status, ended = reply.status, reply.read()

    assert (status, begun + ended) == (206, song())


def test_a_decoder_plays_a_url(port: int) -> None:
    with av.open(f"http://127.0.0.1:{port}/_mock/media/yuto/example/video.mp4", "r") as container:
        shown = sum(1 for _ in container.decode(video=0))

    assert shown == 24


def test_one_connection_takes_answers_with_and_without_bodies(line: http.client.HTTPConnection) -> None:
    seen = []
    calls = [
        ("HEAD", {}),
        ("GET", {"If-None-Match": "*"}),
        ("GET", {"Range": "bytes=0-1,5-6"}),
        ("HEAD", {"Range": "bytes=0-1"}),
        ("GET", {"Range": "bytes=99999-"}),
        ("OPTIONS", {}),
        ("GET", {}),
    ]
    for method, headers in calls:
        line.request(method, AUDIO, headers=headers)
        reply = line.getresponse()
        seen.append((reply.status, reply.headers["content-length"], len(reply.read())))

    size = str(len(song()))
    assert seen[0] == seen[3] == (200, size, 0)
    assert (seen[1], seen[5]) == ((304, None, 0), (204, None, 0))
    assert [status for status, _, _ in seen] == [200, 304, 206, 200, 416, 204, 200]
    assert all(length == str(read) for _, length, read in (seen[2], seen[4], seen[6]))


@pytest.mark.parametrize("chunked", [True, False])
def test_an_upload_larger_than_any_call_comes_back(port: int, chunked: bool) -> None:
    content = bytes(range(256)) * 8192
    sent = (content[at : at + 65536] for at in range(0, len(content), 65536)) if chunked else content

    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        put = client.put(PLACE, content=sent, params={"signature": "4d1e"})
        got = client.get(PLACE)

    assert (put.status_code, put.content) == (200, b"")
    assert (got.status_code, got.content == content) == (200, True)


def test_an_upload_that_is_too_large_is_told_so_before_it_is_sent(line: http.client.HTTPConnection) -> None:
    line.putrequest("PUT", PLACE)
    line.putheader("Content-Length", str(UPLOAD_BYTES + 1))
    line.putheader("Expect", "100-continue")
    line.endheaders()

    reply = line.getresponse()

    assert (reply.status, reply.headers["x-mock-error"]) == (413, "too-large")
    assert reply.headers["connection"] == "close"


def test_an_upload_that_breaks_off_keeps_nothing(port: int, line: http.client.HTTPConnection) -> None:
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.put(PLACE, content=b"before")
        line.putrequest("PUT", PLACE)
        line.putheader("Content-Length", "100")
        line.endheaders(b"half of it")
        line.close()

        assert client.get(PLACE).content == b"before"
