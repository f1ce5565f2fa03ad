"""Media through the whole application: a song's URLs download, in time, for anybody, until they expire."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.conftest import BASE_URL, Client, MakeClient
from tests.web.steering import Control
from tests.web.stories import KINDS

KEY = {"Authorization": "Bearer key"}
SONG = {
    "prompt": "A calm night",
    "customMode": False,
    "instrumental": False,
    "model": "V4_5",
    "callBackUrl": "http://127.0.0.1:9/heard",
}
TYPES = {"mp3": "audio/mpeg", "jpeg": "image/jpeg"}
DAY = 86_400


def submitted(client: Client, before: str = "") -> str:
    return str(client.post(f"{before}/kie/api/v1/generate", json=SONG, headers=KEY).json()["data"]["taskId"])


def polled(client: Client, task: str, before: str = "") -> Any:
    path = f"{before}/kie/api/v1/generate/record-info"
    return client.get(path, params={"taskId": task}, headers=KEY).json()["data"]


def urls(view: Any) -> list[str]:
    """Every URL of a file in a poll's answer."""
    return re.findall(r'"(http[^"]*/_mock/media/[^"]*)"', json.dumps(view))


def finished(client: Client, sandbox: str | None = None) -> list[str]:
    before = f"/_sandbox/{sandbox}" if sandbox else ""
    task = submitted(client, before)
    Control(client, sandbox).post("/clock/advance", {"seconds": 600})
    return urls(polled(client, task, before))


def test_every_url_of_a_finished_song_downloads(client: Client) -> None:
    found = finished(client)

    replies = {url: client.get(url) for url in found}

    assert len(set(found)) == len(found) == 12
    assert all(url.startswith(f"{BASE_URL}/_mock/media/kie/") for url in found)
    for url, reply in replies.items():
        kind = TYPES[url.rpartition(".")[2]]
        assert (reply.status_code, reply.headers["content-type"]) == (200, kind)
        assert int(reply.headers["content-length"]) == len(reply.content) > 500
    assert client.get(found[0], headers={"Range": "bytes=0-9"}).status_code == 206


def test_a_download_is_no_call_of_the_journal(client: Client) -> None:
    found = finished(client)
    before = Control(client).get("/requests")

    for url in found:
        client.get(url)

    assert Control(client).get("/requests") == before


def test_a_song_of_a_sandbox_has_urls_of_that_sandbox(client: Client) -> None:
    url = finished(client, "alice")[0]

    elsewhere = client.get(url.replace("/_sandbox/alice", ""))

    assert url.startswith(f"{BASE_URL}/_sandbox/alice/_mock/media/kie/")
    assert client.get(url).status_code == 200
    assert (elsewhere.status_code, elsewhere.headers["x-mock-error"]) == (404, "media-not-found")


def test_a_song_that_is_not_made_yet_is_not_there_yet(make_client: MakeClient) -> None:
    # The same seed gives the same ids: the other world knows the URLs beforehand.
    foreseen = finished(make_client())
    client = make_client()
    task = submitted(client)

    early = {client.get(url).status_code for url in foreseen}
    Control(client).post("/clock/advance", {"seconds": 600})
    late = {client.get(url).status_code for url in foreseen}

    assert (early, late) == ({404}, {200})
    assert urls(polled(client, task)) == foreseen


@pytest.mark.parametrize(
    "role", ["video.mp4", "avatar.webp", "vocals.mp3", "zz.mp3", "audio.mp4", "AUDIO.mp3"]
)
def test_a_file_that_nobody_was_told_of_is_not_there(client: Client, role: str) -> None:
    song = finished(client)[0].rpartition("/")[0]

    assert client.get(f"{song}/{role}").status_code == 404


def test_every_url_of_every_kind_of_task_downloads(client: Client) -> None:
    control = Control(client)
    kinds = [(provider, kind) for provider, known in KINDS.items() for kind in known]
    views = [control.post("/tasks", {"provider": provider, "kind": kind})["view"] for provider, kind in kinds]

    found = {url for view in views for url in urls(view)}

    assert len(found) > 60
    assert {url: client.get(url).status_code for url in found} == dict.fromkeys(found, 200)


def test_a_song_is_gone_after_its_days(client: Client) -> None:
    found = finished(client)
    Control(client).post("/clock/advance", {"seconds": 13 * DAY})
    kept = [client.get(url).status_code for url in found]
    Control(client).post("/clock/advance", {"seconds": 2 * DAY})

    gone = [client.get(url) for url in found]

    assert set(kept) == {200}
    assert {(reply.status_code, reply.headers["x-mock-error"]) for reply in gone} == {(410, "media-expired")}
    assert "2026-01-15T00:0" in gone[0].json()["expired_at"]


def test_a_reset_takes_the_files_along(client: Client) -> None:
    url = finished(client)[0]

    Control(client).post("/reset")

    assert client.get(url).status_code == 404


def test_a_file_needs_no_token_no_key_and_no_host_of_ours(make_client: MakeClient) -> None:
    client = make_client(control_token="secret")
    task = submitted(client)
    client.post("/_mock/clock/advance", json={"seconds": 600}, headers={"X-Mock-Token": "secret"})
    url = urls(polled(client, task))[0]
    page = {"Host": "elsewhere.test", "Origin": "https://page.test", "Sec-Fetch-Site": "cross-site"}

    reply = client.get(url, headers=page)

    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "*")
    assert client.get("/_mock/health", headers=page).status_code == 403


@pytest.mark.parametrize("path", ["/_mock/mediaother", "/_mock/Media/kie/a/a.mp3"])
def test_what_only_looks_like_media_is_of_the_control_api(client: Client, path: str) -> None:
    assert client.get(path).headers["x-mock-error"] == "no-route"


def test_a_song_downloads_from_a_real_server(live: Callable[..., str]) -> None:
    url = live(clock="virtual")
    with httpx2.Client(base_url=url, headers=KEY, timeout=30) as client:
        task = client.post("/kie/api/v1/generate", json=SONG).json()["data"]["taskId"]
        client.post("/_mock/clock/advance", json={"seconds": 600})
        view = client.get("/kie/api/v1/generate/record-info", params={"taskId": task}).json()
        first = urls(view)[0]

        whole, part, head = (
            client.get(first),
            client.get(first, headers={"Range": "bytes=-10"}),
            client.head(first),
        )

    assert first.startswith(url)
    assert (whole.status_code, part.content, head.headers["content-length"]) == (
        200,
        whole.content[-10:],
        str(len(whole.content)),
    )
