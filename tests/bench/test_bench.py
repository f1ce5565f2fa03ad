"""The bench itself: that it measures, says what it measured, and makes the documents it says it makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mockserver.openapi.source import load
from tests.bench.__main__ import main
from tests.bench.documents import large_document, write_large
from tests.bench.measure import Case, first_answer


def test_bench_prints_a_table_and_writes_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"

    code = main(["--runs", "1", "--only", "GET", "--json", str(file)])

    cases = json.loads(file.read_text())["cases"]
    assert code == 0
    assert [case["case"] for case in cases] == ["bare Starlette + uvicorn, GET", "ours, GET credits"]
    assert all(0 < case["median"] == case["seconds"][0] < 60 for case in cases)
    assert cases[0]["times_bare"] == 1
    assert cases[1]["case"] in capsys.readouterr().out


def test_a_server_that_ends_before_it_answers_is_told() -> None:
    case = Case("ends", ("-c", "import sys; sys.exit(3)"), "/")

    with pytest.raises(RuntimeError, match=f"ends: no answer from {sys.executable} -c"):
        first_answer(case)


def test_an_answer_that_is_not_the_one_meant_is_told() -> None:
    case = Case("wrong", ("-m", "mockserver", "serve", "--port", "PORT"), "/api/v1/chat/credit")

    with pytest.raises(RuntimeError, match=r"wrong: answered 200 .*unauthorized"):
        first_answer(case)


def test_the_large_document_is_the_same_in_yaml_and_json(tmp_path: Path) -> None:
    files = [write_large(tmp_path, suffix) for suffix in (".yaml", ".json")]

    assert all(file.stat().st_size > 5_000_000 for file in files)
    assert load(files[0]).data == load(files[1]).data == large_document()
