"""Documents are read once, and again where they are not what they were."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from mockserver.openapi.source import DocumentError
from mockserver.settings import Settings
from mockserver.testing import PersonaMock, UsageError, outcomes
from mockserver.testing.documents import documents_of
from tests.testing.songs import NO_TLS

Write = Callable[..., Path]


def text_of(operation: str) -> str:
    """A document with one operation."""
    answers = "{'200': {description: Done, content: {application/json: {schema: {type: object}}}}}"
    return (
        "openapi: 3.1.0\n"
        "info: {title: Pets, version: '1'}\n"
        f"paths: {{/pets: {{get: {{operationId: {operation}, responses: {answers}}}}}}}\n"
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a document with one operation below a folder; the folder."""

    def written(folder: str, operation: str, project: str = "") -> Path:
        specs = tmp_path / folder / "specs"
        specs.mkdir(parents=True, exist_ok=True)
        (specs / "pets.yaml").write_text(text_of(operation), "utf-8")
        (tmp_path / folder / "pyproject.toml").write_text(project, "utf-8")
        return tmp_path / folder

    return written


def test_the_same_name_means_the_folder_where_one_stands(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, operation in (("one", "listCats"), ("two", "listDogs"), ("one", "listCats")):
        monkeypatch.chdir(write(folder, operation))

        assert outcomes("pets", operation, specs=["specs"]) == ["success"]
        with PersonaMock(specs="specs") as mock:
            httpx2.get(f"{mock.provider('pets').url}/pets", verify=NO_TLS)
            assert mock.requests[-1].operation == operation


def test_a_file_that_was_rewritten_is_read_anew(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write("one", "listCats"))
    assert outcomes("pets", "listCats", specs=["specs"])

    # As long as before, and in the same moment of a coarse clock but one.
    file = write("one", "listDogs") / "specs" / "pets.yaml"
    os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 1))

    assert outcomes("pets", "listDogs", specs=["specs"])
    with pytest.raises(UsageError, match="listCats"):
        outcomes("pets", "listCats", specs=["specs"])


def test_a_file_more_is_found(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write("one", "listCats")
    monkeypatch.chdir(folder)
    outcomes("pets", "listCats", specs=["specs"])

    (folder / "specs" / "shops.yaml").write_text(text_of("listShops"), "utf-8")

    assert outcomes("shops", "listShops", specs=["specs"])


def test_a_document_that_was_broken_and_is_mended_is_read_anew(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write("one", "listCats")
    monkeypatch.chdir(folder)
    (folder / "specs" / "pets.yaml").write_text("openapi: 3.1.0\npaths: {\n", "utf-8")
    with pytest.raises(DocumentError, match=r"pets\.yaml"):
        outcomes("pets", "listCats", specs=["specs"])

    write("one", "listCats")

    assert outcomes("pets", "listCats", specs=["specs"])


def test_what_did_not_change_is_not_read_twice(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write("one", "listCats"))
    settings = Settings(specs=("packaged", "specs"), seed=0)

    first, second = documents_of(settings), documents_of(Settings(specs=("packaged", "specs"), seed=9))

    assert [first[name] is second[name] for name in first] == [True] * 5


def test_the_current_project_says_which_documents_there_are(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = '[tool.persona-mock]\nspecs = ["packaged", "specs"]\ncredits = 7\n'
    monkeypatch.chdir(write("one", "listCats", said))

    assert outcomes("pets", "listCats") == ["success"]
    with PersonaMock() as mock:
        assert mock.provider("pets").outcomes("listCats") == ["success"]
        assert mock.account().credits == 7

    monkeypatch.chdir(write("two", "listDogs"))
    with pytest.raises(UsageError, match="no provider 'pets'"):
        outcomes("pets", "listCats")
