"""Many documents at once, and one that is very large: the start stays quick, the answers stay right."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from mockserver.settings import Settings
from mockserver.web.app import create_app
from tests.bench.documents import OPERATIONS, large_document, write_large, write_many
from tests.conftest import Client

# Generous: the largest takes one second on one idle core.
SECONDS = 20
LAST = OPERATIONS - 1


def opened(folder: Path) -> tuple[Client, float]:
    """A client of a folder's documents, and how long it took to open them."""
    began = time.monotonic()
    app = create_app(Settings(seed=0, clock="virtual", verify_responses=True, specs=(str(folder),)))
    return Client(app), time.monotonic() - began


# --- thirty documents --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Client, float]:
    folder = tmp_path_factory.mktemp("many")
    write_many(folder, 30)
    return opened(folder)


def test_thirty_documents_open_soon(many: tuple[Client, float]) -> None:
    client, seconds = many

    assert len(client.get("/_mock/health").json()["providers"]) == 30
    assert seconds < 5


@pytest.mark.parametrize("number", [0, 1, 14, 29])
def test_each_of_thirty_documents_answers_at_the_root_and_under_its_prefix(
    many: tuple[Client, float], number: int
) -> None:
    client, _ = many

    for way in ("", f"/document{number}"):
        answer = client.get(f"{way}/only{number}")

        assert answer.json() == {"only": number}
        assert answer.headers["x-mock-provider"] == f"document{number}"


def test_a_path_that_all_of_them_claim_names_every_prefix(many: tuple[Client, float]) -> None:
    client, _ = many

    answer = client.get("/shared")

    prefixes = [f"/document{number}/shared" for number in range(30)]
    assert (answer.status_code, answer.headers["x-mock-error"]) == (409, "ambiguous-route")
    assert sorted(answer.json()["prefixes"]) == sorted(prefixes)
    assert [client.get(prefix).json() for prefix in prefixes] == [{"document": n} for n in range(30)]


def test_a_path_of_none_of_them_names_the_nearest(many: tuple[Client, float]) -> None:
    client, _ = many

    answer = client.get("/only17/")

    assert answer.status_code == 404
    assert "GET /document17/only17" in answer.json()["closest"]


def test_the_packaged_documents_stand_beside_thirty_others(tmp_path: Path) -> None:
    write_many(tmp_path, 30)

    app = create_app(Settings(seed=0, specs=("packaged", str(tmp_path))))

    client = Client(app, {"authorization": "Bearer k"})
    assert client.get("/api/v1/chat/credit").headers["x-mock-provider"] == "kie"
    assert client.get("/only29").json() == {"only": 29}


def test_a_documents_own_path_may_begin_with_the_name_of_another(tmp_path: Path) -> None:
    write_many(tmp_path, 3)
    path = {"/document1/only1": {"get": {"responses": {"204": {"description": "mine"}}}}}
    other = {"openapi": "3.0.0", "info": {"title": "t", "version": "1"}, "paths": path}
    (tmp_path / "other.json").write_text(json.dumps(other))

    client, _ = opened(tmp_path)

    assert client.get("/document1/only1").json() == {"only": 1}
    assert client.get("/other/document1/only1").status_code == 204


# --- one document of five megabytes ------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[".yaml", ".json"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Client, float]:
    folder = tmp_path_factory.mktemp("large")
    file = write_large(folder, request.param)
    assert file.stat().st_size > 5_000_000
    return opened(folder)


def test_a_document_of_five_megabytes_opens_soon(large: tuple[Client, float]) -> None:
    client, seconds = large

    assert client.get("/_mock/health").json()["providers"] == ["large"]
    assert seconds < SECONDS


@pytest.mark.parametrize("number", [0, OPERATIONS // 2, LAST])
def test_the_first_the_middle_and_the_last_operation_are_answered(
    large: tuple[Client, float], number: int
) -> None:
    client, _ = large

    began = time.monotonic()
    good = client.get(f"/groups/a/part{number}?limit=100")
    bad = client.get(f"/large/groups/a/part{number}?limit=101")
    asked = client.get(f"/groups/a/part{number}", headers={"prefer": "code=404"})
    seconds = time.monotonic() - began

    assert good.json() == {"id": number, "name": f"part {number}"}
    assert good.headers["x-mock-operation"] == f"getPart{number}"
    assert bad.headers["x-mock-violation"] == "/query/limit: maximum"
    assert (asked.status_code, asked.json()) == (404, {"message": "no such part"})
    assert seconds < 5


@pytest.mark.parametrize(
    ("path", "closest"),
    [
        (f"/groups/a/part{OPERATIONS}", "/groups/{group}/part"),
        ("/groups/a/parts1500", "/groups/{group}/part1500"),
        (f"/large/group/a/part{LAST}", f"/groups/{{group}}/part{LAST}"),
        ("/" + "x" * 50_000, "/groups/{group}/part"),
        ("/a" * 20_000, "/groups/{group}/part"),
        ("/", "/groups/{group}/part"),
    ],
)
def test_a_near_miss_names_near_paths_soon(large: tuple[Client, float], path: str, closest: str) -> None:
    client, _ = large

    began = time.monotonic()
    answer = client.get(path)
    seconds = time.monotonic() - began

    assert (answer.status_code, answer.headers["x-mock-error"]) == (404, "no-route")
    assert answer.json()["closest"][0].startswith(f"GET /large{closest}")
    assert seconds < 5


def test_a_wrong_method_names_the_right_one(large: tuple[Client, float]) -> None:
    client, _ = large

    answer = client.post(f"/groups/a/part{LAST}")

    assert (answer.status_code, answer.json()["allowed"]) == (405, ["GET", "HEAD"])


def test_the_control_api_lists_all_of_it_soon(large: tuple[Client, float]) -> None:
    client, _ = large

    began = time.monotonic()
    coverage = client.get("/_mock/coverage").json()
    document: Any = client.get("/_mock/specs/large").json()
    seconds = time.monotonic() - began

    assert len(coverage["providers"]["large"]["operations"]) == OPERATIONS
    assert document == large_document()
    assert seconds < SECONDS


def test_a_fault_at_the_end_of_a_large_document_is_told_soon_with_its_line(tmp_path: Path) -> None:
    from mockserver.openapi.source import DocumentError

    file = write_large(tmp_path, ".yaml")
    lines = file.read_text("utf-8").count("\n")
    with file.open("a", encoding="utf-8") as end:
        end.write("    Bad:\n      type: strin\n")

    began = time.monotonic()
    with pytest.raises(DocumentError) as caught:
        opened(tmp_path)
    seconds = time.monotonic() - began

    assert [problem.line for problem in caught.value.problems] == [lines + 2]
    assert seconds < SECONDS
