"""The journal of our own mock, exported and held against the documents: two readings of one exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.finding import Checked
from contracts.traffic import check
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from tests.conftest import Client, MakeClient
from tests.web.stories import KIE_SONG, Story


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


def exported(client: Client, tmp_path: Path, documents: dict[str, Document]) -> tuple[list[Any], Checked]:
    reply = client.get("/_mock/requests?full=true")
    file = tmp_path / "journal.json"
    file.write_bytes(reply.content)
    return reply.json()["requests"], check([file], documents)


def mistakes(entries: list[Any]) -> set[tuple[int, str]]:
    return {(i, one["pointer"]) for i, entry in enumerate(entries) for one in entry["violations"]}


def found(checked: Checked) -> set[tuple[int | None, str | None]]:
    return {(finding.where.exchange, finding.pointer) for finding in checked.findings}


def test_a_story_at_four_providers_has_the_findings_of_its_one_mistake(
    make_client: MakeClient, tmp_path: Path, documents: dict[str, Document]
) -> None:
    client = make_client()
    Story(client.request).tell()

    entries, checked = exported(client, tmp_path, documents)

    assert {entry["provider"] for entry in entries} == {"kie", "crun", "evolink", "yuto"}
    (wrong,) = {i for i, entry in enumerate(entries) if entry["violations"]}
    assert entries[wrong]["request"]["body"] == {"prompt": "no model"}
    assert found(checked) == mistakes(entries)
    assert (checked.checked, checked.passed) == (len(entries), len(entries) - 1)


@pytest.mark.parametrize("status", ["auto", "http", "envelope"])
def test_a_valid_story_has_no_finding(
    make_client: MakeClient, tmp_path: Path, documents: dict[str, Document], status: str
) -> None:
    client = make_client(status=status)
    story = Story(client.request)
    for chapter in ("songs_are_ordered", "songs_take_their_time", "songs_are_heard", "personas_are_made"):
        getattr(story, chapter)()

    entries, checked = exported(client, tmp_path, documents)

    assert checked.findings == ()
    assert checked.passed == len(entries) > 30


def test_a_broken_story_has_exactly_the_clients_violations(
    make_client: MakeClient, tmp_path: Path, documents: dict[str, Document]
) -> None:
    client = make_client(headers={"authorization": "Bearer key-of-alice", "x-api-key": "key-of-alice"})
    client.post("/kie/api/v1/generate", json={**KIE_SONG, "style": 5, "callBackUrl": "nowhere"})
    client.post("/kie/api/v1/generate", content=b"{oops", headers={"content-type": "application/json"})
    client.post("/kie/api/v1/generate", content=b"a=b", headers={"content-type": "text/plain"})
    client.post("/kie/api/v1/generate")
    client.get("/kie/api/v1/generate/record-info")
    client.post("/crun/api/v1/client/job/CreateTask", json={"model": "suno/music-generate", "input": {}})
    client.get("/crun/api/v1/client/job/CreateTask")
    client.get("/evolink/v1/nowhere")
    client.post("/evolink/v1/audios/generations", json={"model": "suno-persona", "model_params": {"name": 1}})
    client.post("/yuto/suno/submit/music", json={"mv": "chirp-v9"})

    entries, checked = exported(client, tmp_path, documents)

    assert all(entry["violations"] for entry in entries)
    assert found(checked) == mistakes(entries)
    assert {finding.where.side for finding in checked.findings} == {"request"}


@pytest.mark.parametrize("fault", ["gateway", "malformed-json", "wrong-content-type"])
def test_a_fault_that_was_asked_for_is_no_breach(
    make_client: MakeClient, tmp_path: Path, documents: dict[str, Document], fault: str
) -> None:
    client = make_client()
    client.post("/_mock/faults", json={"fault": fault}).raise_for_status()
    client.get("/kie/api/v1/chat/credit", headers={"authorization": "Bearer key-of-alice"})

    entries, checked = exported(client, tmp_path, documents)

    assert [entry["fault"] for entry in entries] == [fault]
    assert checked.findings == ()
    assert any("a fault that was asked for" in note for note in checked.notes)
