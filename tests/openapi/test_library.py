"""Folders of documents: which are found, what they are called, how a broken one ends a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.domain.outcome import NAMES
from mockserver.openapi.library import load_documents, packaged_folder
from mockserver.openapi.source import DocumentError
from tests.openapi.conftest import write

ROOT = Path(__file__).parent.parent.parent
GOOD = """
openapi: 3.1.0
info: {title: t, version: "1"}
paths: {/a: {get: {responses: {"200": {description: ok}}}}}
"""
BROKEN = GOOD.replace('"200"', '"2OO"')
WORSE = "openapi: 3.1.0\ninfo: ["


def told(*folders: Path | str) -> list[str]:
    """What is said of folders that cannot be served."""
    with pytest.raises(DocumentError) as caught:
        load_documents(map(str, folders), NAMES)
    return str(caught.value).splitlines()


def names(*folders: Path | str) -> list[str]:
    return list(load_documents(map(str, folders), NAMES))


# --- what is found -----------------------------------------------------------------------------------------


def test_every_yaml_and_json_file_of_a_folder_is_a_document(tmp_path: Path) -> None:
    json = '{"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {}}'
    write(tmp_path, {"b.yaml": GOOD, "c.yml": GOOD, "a.json": json, "notes.txt": "x", ".hidden.yaml": "x"})
    write(tmp_path, {"deeper/d.yaml": "x", "README.md": "x"})

    assert names(tmp_path) == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["my-api.v2", "2nd", "A", "x" * 100])
def test_a_document_goes_by_the_name_of_its_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, {f"{name}.yaml": GOOD})

    assert names(tmp_path) == [name]


def test_several_folders_and_single_files_are_taken_together(tmp_path: Path) -> None:
    write(tmp_path, {"one/a.yaml": GOOD, "two/b.yaml": GOOD, "two/c.yaml": GOOD})

    assert names(tmp_path / "one", tmp_path / "two" / "c.yaml") == ["a", "c"]


def test_the_packaged_documents_may_stand_beside_ones_own(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": GOOD})

    assert names("packaged", tmp_path) == ["crun", "evolink", "kie", "yuto", "a"]
    assert {file.stem for file in packaged_folder().glob("*.yaml")} == {"crun", "evolink", "kie", "yuto"}


# --- what is not -------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    place = tmp_path / "nowhere"

    assert told(place) == [
        f"{place}: no such folder; --specs wants a folder of OpenAPI documents, or the word `packaged`"
    ]


def test_a_folder_without_documents_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"notes.txt": "x", "deeper/a.yaml": GOOD})

    assert told(tmp_path) == [f"{tmp_path}: no document in it; wanted files that end in .yaml, .yml, .json"]


@pytest.mark.parametrize("name", ["my api", "_mock", "-a", "größe", "a+b", "a@b"])
def test_a_file_name_that_cannot_be_a_providers_is_told(tmp_path: Path, name: str) -> None:
    write(tmp_path, {f"{name}.yaml": GOOD})

    (fault,) = told(tmp_path)

    reason = "a document's file name is its provider's name: letters and digits, and . _ - inside it"
    assert fault.startswith(f"{tmp_path}/{name}.yaml")
    assert fault.endswith(reason)


def test_two_files_of_one_name_in_a_folder_are_told(tmp_path: Path) -> None:
    json = '{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}'
    write(tmp_path, {"kie.yaml": GOOD, "kie.json": json})

    assert told(tmp_path) == [
        f"{tmp_path}/kie.yaml:1: {tmp_path}/kie.json is named 'kie' too; rename one of the two",
        "These documents are fine: kie",
    ]


def test_two_files_of_one_name_in_two_folders_are_told(tmp_path: Path) -> None:
    write(tmp_path, {"one/a.yaml": GOOD, "two/a.yml": GOOD})

    assert told(tmp_path / "one", tmp_path / "two")[0] == (
        f"{tmp_path}/two/a.yml:1: {tmp_path}/one/a.yaml is named 'a' too; rename one of the two"
    )


def test_a_name_that_a_packaged_document_has_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"kie.yaml": GOOD})

    (fault, fine) = told("packaged", tmp_path)

    assert fault.startswith(f"{tmp_path}/kie.yaml:1: the packaged kie.yaml is named 'kie' too")
    assert fine == "These documents are fine: crun, evolink, kie, yuto"


def test_a_folder_named_like_a_document_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()

    assert told(tmp_path) == [f"{tmp_path}/a.yaml: cannot be read: Is a directory"]


def test_a_link_to_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "nowhere.yaml")

    assert told(tmp_path) == [f"{tmp_path}/a.yaml: cannot be read: No such file or directory"]


def test_every_fault_of_every_document_is_told_and_the_others_are_named_as_fine(tmp_path: Path) -> None:
    twice = BROKEN.replace("description: ok", "descriptoin: ok, content: []")
    write(tmp_path, {"a.yaml": GOOD, "b.yaml": twice, "c.yaml": WORSE, "d.yaml": GOOD, "e.json": "{"})

    lines = told(tmp_path, tmp_path / "nowhere")

    assert [line.removeprefix(f"{tmp_path}/").partition(";")[0] for line in lines] == [
        "nowhere: no such folder",
        "c.yaml:2: not YAML: did not find expected node content, while parsing a flow node",
        "e.json:1: not JSON: Expecting property name enclosed in double quotes",
        "b.yaml:4: '2OO' is no status: wanted 200, 4XX or default",
        "b.yaml:4: wanted a mapping, got a list",
        "These documents are fine: a, d",
    ]


# --- on the command line -----------------------------------------------------------------------------------

CASES = {
    "not YAML": ({"a.yaml": WORSE}, "docs/a.yaml:2: not YAML: "),
    "not JSON": ({"a.json": "{"}, "docs/a.json:1: not JSON: "),
    "empty": ({"a.yaml": ""}, "docs/a.yaml:1: the file is empty"),
    "wrong version": ({"a.yaml": 'swagger: "2.0"\n'}, 'docs/a.yaml:1: `swagger: "2.0"`; wanted '),
    "to nowhere": (
        {"a.yaml": GOOD + "components: {schemas: {A: {$ref: '#/no'}}}"},
        "docs/a.yaml:5: $ref '#/no' ",
    ),
    "in a circle": (
        {"a.yaml": GOOD + "components: {headers: {A: {$ref: '#/components/headers/A'}}}"},
        "docs/a.yaml:5: $ref in a circle: ",
    ),
    "one name twice": ({"a.yaml": GOOD, "a.yml": GOOD}, "docs/a.yml:1: docs/a.yaml is named 'a' too; "),
    "unknown outcome": (
        {"a.yaml": GOOD + "components: {examples: {e: {x-outcome: nope}}}"},
        "docs/a.yaml:5: 'nope' is no outcome; known: access-denied, ",
    ),
    "no documents": ({"a.txt": ""}, "docs: no document in it; "),
}


@pytest.mark.parametrize("command", ["serve", "routes", "outcomes"])
@pytest.mark.parametrize("name", CASES)
def test_a_broken_document_ends_each_command_with_code_2_and_one_plain_word(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    command: str,
    name: str,
) -> None:
    from mockserver.cli.main import main

    files, reason = CASES[name]
    write(tmp_path / "docs", files)
    monkeypatch.chdir(tmp_path)

    code = main([command, "--specs", "docs", *(["--port", "0"] if command == "serve" else [])])

    shown = capfd.readouterr()
    assert (code, shown.out) == (2, "")
    assert shown.err.startswith(f"persona-mock: {reason}")
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("command", ["serve", "routes"])
def test_as_a_process_too_a_broken_document_is_code_2_without_a_traceback(
    tmp_path: Path, command: str
) -> None:
    write(tmp_path / "docs", {"a.yaml": BROKEN, "b.yaml": GOOD})

    done = subprocess.run(
        [sys.executable, "-m", "mockserver", command, "--specs", "docs"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "persona-mock: docs/a.yaml:4: '2OO' is no status: wanted 200, 4XX or default\n"
        "These documents are fine: b\n"
    )
