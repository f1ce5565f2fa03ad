"""The same seed and the same requests give the same bytes; another seed, sandbox or order does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.conftest import Client, MakeClient
from tests.web.calls import in_sandbox, send, shared_app
from tests.web.stories import KIE_SONG, PERSONA, Story, poll

PUBLIC = "https://mock.test"
ID = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    rb"|\b[0-9a-f]{32}\b|task-unified-[0-9]{10}-[0-9a-z]{8}|persona_[0-9a-f]{12}"
)
# Whose clip it is, is said by the key alone.
USER = re.compile(rb'"user_id":"[^"]*"')
# What the documents' own examples and the persona of nobody say is no id that was drawn.
GIVEN = {b"00000000-0000-4000-8000-000000000000", b"0" * 32}


@pytest.fixture
def told(live: Callable[..., str]) -> Iterator[Callable[..., list[bytes]]]:
    """The bodies of the story, told to a fresh server over a socket."""
    clients: list[httpx2.Client] = []

    def tell(**settings: Any) -> list[bytes]:
        url = live(**{"clock": "virtual", "seed": 7, "public_url": PUBLIC, **settings})
        client = httpx2.Client(base_url=url, timeout=30)
        clients.append(client)
        return Story(client.request).tell()

    yield tell
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def app() -> Any:
    return shared_app()


def drawn(bodies: list[bytes]) -> list[bytes]:
    """Every id of a story, in the order of its first mention."""
    found = dict.fromkeys(id for body in bodies for id in ID.findall(USER.sub(b"", body)))
    return [id for id in found if id not in GIVEN]


def test_two_servers_of_one_seed_tell_one_story_and_one_of_another_seed_another(
    told: Callable[..., list[bytes]],
) -> None:
    first, second, other = told(), told(), told(seed=8)

    assert first == second
    assert len(first) == len(other) > 50
    assert len(drawn(first)) == len(drawn(other)) > 20
    assert set(drawn(first)) & set(drawn(other)) == set()


def test_two_sandboxes_share_no_id(make_client: MakeClient) -> None:
    client = make_client()
    first = Story(client.request).tell()

    second = Story(Client(client.app, {"x-mock-sandbox": "other"}).request).tell()

    assert set(drawn(first)) & set(drawn(second)) == set()
    assert len(drawn(first)) == len(drawn(second))


def test_a_story_told_again_after_a_reset_is_the_same(make_client: MakeClient) -> None:
    client = make_client()
    first = Story(client.request).tell()

    client.post("/_mock/reset")

    assert Story(client.request).tell() == first


def test_the_store_makes_no_difference(client: Client, make_client: MakeClient) -> None:
    assert Story(client.request).tell() == Story(make_client().request).tell()


def task_ids(client: Client, between: Callable[[], Any]) -> list[str]:
    made = []
    for _ in range(3):
        made.append(send(client, "kie", "generateMusic").json()["data"]["taskId"])
        made.append(send(client, "evolink", "generateMusic").json()["id"])
        made.append(send(client, "yuto", "submitMusic").json()["data"])
        made.append(send(client, "crun", "createTask").json()["data"]["task_id"])
        between()
    return made


def test_polls_and_refusals_shift_no_id(make_client: MakeClient) -> None:
    plain, busy = make_client(), make_client()

    def in_between() -> None:
        """Looks, refusals of every sort, and control calls."""
        for task in [task["id"] for task in busy.get("/_mock/tasks").json()["tasks"]]:
            busy.get(f"/_mock/tasks/{task}")
        poll(busy, "kie", "unknown", "k")
        for headers in ({}, {"prefer": "outcome=server-error"}, {"prefer": "outcome=invalid"}):
            send(busy, "kie", "generateMusic", json={"model": "V4"}, **headers)
            send(busy, "crun", "generatePersona", **headers)
            send(busy, "evolink", "generatePersona", **headers)
            send(busy, "yuto", "generatePersona", **headers)
            send(busy, "yuto", "submitMusic", key="mock-poor", **headers)
        busy.post("/_mock/tasks", json={"provider": "kie", "kind": "nope"})
        busy.request("PUT", "/_mock/state", content=b"{}")
        busy.get("/_mock/state")
        busy.get("/_mock/accounts/somebody")

    assert task_ids(busy, in_between) == task_ids(plain, lambda: None)


def invented(client: Client) -> list[Any]:
    """What a song and a persona are made of, but for the stamps."""
    task = send(client, "kie", "generateMusic", json={**KIE_SONG, "title": "T"}).json()["data"]["taskId"]
    tracks = poll(client, "kie", task, "k").json()["data"]["response"]["sunoData"]
    root = tracks[0]["id"]
    body = {"taskId": task, "audioId": root, **PERSONA}
    persona = send(client, "kie", "generatePersona", json=body).json()["data"]["personaId"]
    evolink = send(client, "evolink", "generateMusic").json()["id"]
    yuto = send(client, "yuto", "submitMusic").json()["data"]
    clips = poll(client, "yuto", yuto, "k").json()["data"]["data"]
    words = [[clip["id"], clip["title"], clip["metadata"]["prompt"], clip["duration"]] for clip in clips]
    stampless = [{**track, "createTime": 0} for track in tracks]
    return [task, stampless, persona, re.sub(r"[0-9]{10}", "", evolink, count=1), yuto, words]


def test_ids_and_contents_repeat_under_a_real_clock_too(make_client: MakeClient) -> None:
    first, second, other = (
        invented(make_client(clock="real", pace="instant", seed=seed)) for seed in (7, 7, 8)
    )

    assert first == second
    assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


def test_a_sandbox_by_its_path_is_the_one_by_its_header(app: Any) -> None:
    by_header = in_sandbox(app, "one")
    name = by_header._headers["x-mock-sandbox"]

    made = send(by_header, "kie", "generateMusic").json()["data"]["taskId"]
    reply = Client(app).get(
        f"/_sandbox/{name}/api/v1/generate/record-info?taskId={made}",
        headers={"authorization": "Bearer k"},
    )

    assert reply.json()["data"]["taskId"] == made
