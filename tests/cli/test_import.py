"""`persona-mock import` as a user runs it: files, names, exit codes, and a document that is served."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from mockserver.cli.main import main
from tests.conftest import MakeClient

PAGES = Path(__file__).parent.parent / "openapi" / "pages"
SMALL = "openapi: 3.1.0\ninfo: {title: Tiny, version: '1'}\npaths: {/a: {get: {summary: one}}}\n"

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PERSONA_MOCK_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def page(tmp_path: Path) -> str:
    """A small page in the folder where the command runs."""
    (tmp_path / "page.md").write_text(f"```yaml\n{SMALL}```\n")
    return "page.md"


# --- where the document goes -------------------------------------------------------------------------------


def test_without_output_the_document_goes_to_stdout_and_what_is_told_to_stderr(
    capsys: Shown, page: str
) -> None:
    assert main(["import", page]) == 0

    shown = capsys.readouterr()
    assert shown.out.startswith("openapi: 3.1.0\ninfo:\n  title: Tiny\n")
    assert shown.err == "Imported tiny to stdout: 1 path; all of it carried\n"


def test_what_could_not_be_carried_stands_on_stderr_a_line_each(capsys: Shown) -> None:
    place = str(PAGES / "fenced.md")

    assert main(["import", place, "-o", "harbor.yaml"]) == 0

    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert lines[0] == f"{place}:19: /info/x-logo: left out, an extension that nothing here acts on"
    assert lines[-1] == "Imported harbor to harbor.yaml: 2 paths; 4 to note, listed above"
    assert len(lines) == 5


def test_a_file_that_ends_in_json_is_json(page: str) -> None:
    assert main(["import", page, "-o", "tiny.json"]) == 0

    assert json.loads(Path("tiny.json").read_text())["paths"] == {"/a": {"get": {"summary": "one"}}}


def test_a_folder_takes_the_file_under_its_name(capsys: Shown, page: str) -> None:
    Path("specs").mkdir()

    assert main(["import", page, "-o", "specs"]) == 0
    assert main(["import", page, "-o", "specs", "--name", "other"]) == 0

    assert sorted(file.name for file in Path("specs").iterdir()) == ["other.yaml", "tiny.yaml"]


def test_a_dash_reads_stdin(capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SMALL.encode())))

    assert main(["import", "-"]) == 0

    assert "title: Tiny" in capsys.readouterr().out


def test_several_pages_are_served_as_one_provider(capsys: Shown, make_client: MakeClient) -> None:
    Path("specs").mkdir()
    pages = [str(PAGES / name) for name in ("fenced.md", "expanded.md", "upload.md", "plain.yaml")]

    assert main(["import", *pages, "-o", "specs/harbor.yaml"]) == 0
    client = make_client(specs=("specs",))

    mixed = client.post(
        "/harbor/v1/mixes", json={"left": "a", "right": "b"}, headers={"Authorization": "Bearer key"}
    )
    stems = client.get("/harbor/v1/tracks/t-7/stems", headers={"X-Harbor-Key": "key"})
    refused = client.post("/harbor/v1/mixes", json={"left": "a"}, headers={"Authorization": "Bearer key"})

    assert mixed.status_code == 201
    assert stems.json() == {"stems": [{"id": "s-1", "seconds": 12.5}], "cover": None}
    assert 400 <= refused.status_code < 500


# --- what is left alone ------------------------------------------------------------------------------------


def test_a_file_that_exists_is_left_alone_without_force(capsys: Shown, page: str) -> None:
    Path("tiny.yaml").write_text("mine")

    assert main(["import", page, "-o", "tiny.yaml"]) == 2
    assert Path("tiny.yaml").read_text() == "mine"
    assert "tiny.yaml exists. Say --force to write over it" in capsys.readouterr().err

    assert main(["import", page, "-o", "tiny.yaml", "--force"]) == 0
    assert Path("tiny.yaml").read_text().startswith("openapi: 3.1.0\n")


@pytest.mark.parametrize("content", ["# Prose\n", "```yaml\nopenapi: 3.1.0\npaths: [\n```\n"])
def test_a_page_that_fails_leaves_the_old_file_and_no_draft(capsys: Shown, content: str) -> None:
    Path("bad.md").write_text(content)
    Path("old.yaml").write_text("mine")

    assert main(["import", "bad.md", "-o", "old.yaml", "--force"]) != 0

    assert Path("old.yaml").read_text() == "mine"
    assert sorted(file.name for file in Path.cwd().iterdir()) == ["bad.md", "old.yaml"]


# --- exit codes --------------------------------------------------------------------------------------------


def test_a_page_without_a_block_is_exit_1_and_says_what_it_lacks(capsys: Shown) -> None:
    assert main(["import", str(PAGES / "prose.md")]) == 1

    told = capsys.readouterr().err
    assert "prose.md: no machine-readable block; looked for a fenced block (```yaml or ```json)" in told
    assert told.endswith("found fenced blocks, none of them OpenAPI: 1 bash, 1 json\n")


def test_a_document_that_cannot_be_served_is_exit_1_with_its_line(capsys: Shown) -> None:
    Path("page.yaml").write_text(SMALL.replace("/a", "a"))

    assert main(["import", "page.yaml"]) == 1

    assert capsys.readouterr().err.startswith(
        "persona-mock: page.yaml:3: /paths/a: the path 'a' does not begin"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.md"], "missing.md cannot be read (No such file or directory)"),
        (["."], ". cannot be read (Is a directory)"),
        (["page.md", "-o", "x.txt"], "--output: got 'x.txt', wanted a file that ends in .yaml, .yml, .json"),
        (["page.md", "-o", "no/x.yaml"], "no/x.yaml cannot be written (No such file or directory)"),
        (["page.md", "-o", "-x-.yaml"], "expected one argument"),
        (["page.md", "-o", "a b.yaml"], "--output: got 'a b', wanted a provider's name"),
        (["page.md", "--name", "../x"], "--name: got '../x', wanted a provider's name"),
        (["page.md", "--name", "x", "-o", "y.yaml"], "--name: got 'x', wanted y, as --output has it"),
        ([], "the following arguments are required: PAGE"),
    ],
)
def test_wrong_usage_is_exit_2(capsys: Shown, page: str, arguments: list[str], told: str) -> None:
    assert main(["import", *arguments]) == 2

    assert told in capsys.readouterr().err


def test_yaml_that_cannot_be_read_is_exit_2_with_file_and_line(capsys: Shown) -> None:
    Path("page.md").write_text("# A page\n\n```yaml\nopenapi: 3.1.0\npaths:\n\t/a: {}\n```\n")

    assert main(["import", "page.md"]) == 2

    assert "page.md:6: not YAML" in capsys.readouterr().err
