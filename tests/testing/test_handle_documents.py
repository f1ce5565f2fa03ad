"""Documents of one's own beside the packaged ones: named by an option, or by the project's pyproject.toml."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mockserver.settings import UsageError
from mockserver.testing import PersonaMock, Server, outcomes
from tests.testing.songs import client_of

PETSTORE = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
paths:
  /pets/{petId}:
    get:
      operationId: showPet
      parameters: [{name: petId, in: path, required: true, schema: {type: integer}}]
      responses:
        "200":
          description: A pet.
          content:
            application/json: {example: {id: 7, name: Rex}}
        "404":
          description: No such pet.
          content:
            application/json: {example: {error: no such pet}}
"""


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder that holds one document."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "petstore.yaml").write_text(PETSTORE, "utf-8")
    return folder


def pet(mock: PersonaMock, path: str = "/pets/7", **headers: str) -> httpx2.Response:
    """A call of the petstore, at its own base URL."""
    with client_of(mock, base_url=mock.provider("petstore").url) as client:
        return client.get(path, headers=headers)


def test_a_folder_of_documents_is_served_and_its_provider_is_found_by_name(pets: Path) -> None:
    with PersonaMock(specs=[str(pets)]) as mock:
        answer = pet(mock)

        assert (answer.status_code, answer.json()) == (200, {"id": 7, "name": "Rex"})
        assert mock.provider("petstore").url == f"{mock.url}/petstore"
        assert (mock.requests[-1].provider, mock.requests[-1].operation) == ("petstore", "showPet")
        assert mock.requests[-1].outcome == "success"


@pytest.mark.parametrize("form", ["text", "path", "tuple"])
def test_the_folder_may_be_a_path_or_several(pets: Path, form: str) -> None:
    forms: dict[str, Any] = {"text": str(pets), "path": pets, "tuple": (pets, "packaged")}
    specs = forms[form]

    with PersonaMock(specs=specs) as mock:
        assert pet(mock).status_code == 200


def test_a_folder_replaces_the_packaged_documents(pets: Path) -> None:
    with PersonaMock(specs=[pets]) as mock, pytest.raises(UsageError, match=r"There are petstore$"):
        _ = mock.kie


def test_the_word_packaged_keeps_them(pets: Path) -> None:
    with PersonaMock(specs=["packaged", pets]) as mock:
        assert pet(mock).status_code == 200
        assert mock.kie.completed_song().audio_ids


def test_outcomes_and_errors_of_a_document_of_ones_own(pets: Path) -> None:
    with PersonaMock(specs=[pets]) as mock:
        store = mock.provider("petstore")
        store.next("http-404", operation="showPet")

        assert store.outcomes("showPet") == outcomes("petstore", "showPet", specs=[pets])
        assert pet(mock).json() == {"error": "no such pet"}
        assert mock.requests[-1].outcome == "http-404"
        assert pet(mock).status_code == 200


def test_requests_that_break_it_are_violations(pets: Path) -> None:
    with PersonaMock(specs=[pets]) as mock:
        pet(mock, "/pets/rex")

        assert [one.document for one in mock.violations] == ["petstore"]
        assert mock.requests[-1].outcome == "invalid"


def test_it_has_no_songs_and_says_so(pets: Path) -> None:
    with (
        PersonaMock(specs=["packaged", pets]) as mock,
        pytest.raises(UsageError, match=r"petstore.completed_song\(provider=…\): 'petstore' has no tasks"),
    ):
        mock.provider("petstore").completed_song()


def test_the_project_names_its_documents_from_its_own_folder(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    project = tmp_path / "pyproject.toml"
    project.write_text('[tool.persona-mock]\nspecs = ["packaged", "documents"]\n', "utf-8")

    with Server(project=tmp_path) as server, server.sandbox("mine") as mock:
        assert pet(mock).status_code == 200
        assert mock.kie.completed_song().audio_ids
        assert "petstore" in server.coverage()["providers"]


def test_other_settings_of_the_project_hold_too_and_those_of_a_test_come_before(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        textwrap.dedent(
            """
            [tool.persona-mock]
            credits = 5
            pace = "instant"
            clock = "real"
            seed = 9
            port = 1
            """
        ),
        "utf-8",
    )

    with Server(project=tmp_path) as server:
        with server.sandbox("mine") as mock:
            # Virtual time, seed 0 and a free port are the handle's own promise.
            assert (mock.account("k").credits, mock.clock.mode, mock.seed) == (5, "virtual", 0)
            assert not server.url.endswith(":1")
        with server.sandbox("mine", credits=7) as mock:
            assert mock.account("k").credits == 7


def test_a_mock_of_its_own_goes_by_the_file_of_the_folder_and_by_no_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.persona-mock]\ncredits = 5\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERSONA_MOCK_CREDITS", "6")

    with PersonaMock() as mock:
        assert mock.account("k").credits == 5


def test_a_project_that_is_set_up_wrongly_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.persona-mock]\ncredits = "many"\n', "utf-8")

    with pytest.raises(UsageError, match="credits"):
        Server(project=tmp_path)


def test_sandboxes_with_different_documents_live_side_by_side(pets: Path) -> None:
    with (
        Server() as server,
        server.sandbox("songs") as songs,
        server.sandbox("pets", specs=[pets]) as zoo,
    ):
        assert pet(zoo).status_code == 200
        assert songs.kie.completed_song().audio_ids
        with pytest.raises(UsageError):
            songs.provider("petstore")
        with pytest.raises(UsageError):
            _ = zoo.kie
        assert server.coverage()["providers"]["petstore"]["operations"]["showPet"]["outcomes"]["success"] == 1
