"""The bench itself: that it measures, says what it measured, and makes the documents it says it makes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mockserver.openapi.source import load
from tests.bench import __main__, profiler
from tests.bench.__main__ import Figures, main
from tests.bench.contest import Contest, Result, Side
from tests.bench.documents import large_document, write_large
from tests.bench.measure import Case, first_answer
from tests.bench.memory import Held
from tests.bench.server import Server
from tests.bench.workloads import Workload
from tests.bench.wrk import Run

# One short round, on whatever core there is.
SHORT = ["--rounds", "1", "--seconds", "1", "--warm-up", "0", "--calls", "20", "--no-pin"]


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


def test_a_load_is_measured_beside_a_bare_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"

    main([*SHORT, "--only", "load: kie poll", "--json", str(file)])

    figures = json.loads(file.read_text())
    (poll,) = figures["load"]
    base, rival = poll["base"][0], poll["rival"][0]
    assert poll["name"] == "load: kie poll"
    assert poll["refused"] == []
    assert base["requests"] > 100
    assert rival["requests"] > 100
    assert poll["ratio"] == pytest.approx(rival["per_second"] / base["per_second"], abs=0.001)
    assert (poll["floor"], poll["bound"]) == (0.75, 2.5)
    assert min(rival["cpu"], base["cpu"]) > 1
    assert figures["cases"] == figures["scale"] == []
    assert figures["memory"][0]["ours"][0] > figures["memory"][0]["bare"][0] > 10_000_000
    assert "load: kie poll" in capsys.readouterr().out


def test_a_full_store_is_measured_beside_a_small_one(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"

    main([*SHORT, "--only", "1200 tasks: evolink inv", "--tasks", "1200", "--json", str(file)])

    (invalid,) = json.loads(file.read_text())["scale"]
    assert invalid["name"] == "scale, 1200 tasks: evolink invalid body"
    assert invalid["floor"] == 0.9
    # Each answer was a refusal, as it is to be.
    assert [run["refused"] for run in (*invalid["base"], *invalid["rival"])] == [
        run["requests"] for run in (*invalid["base"], *invalid["rival"])
    ]


def test_memory_is_measured_after_one_answer(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"

    main(["--only", "memory: idle", "--rounds", "1", "--json", str(file)])

    (idle,) = json.loads(file.read_text())["memory"]
    assert idle["bound"] == 2
    assert all(10_000_000 < held < 1_000_000_000 for held in (*idle["bare"], *idle["ours"]))


def test_quick_is_short_and_what_is_said_beside_it_holds() -> None:
    options = __main__._options(["--quick", "--seconds", "9"])

    assert (options.rounds, options.seconds, options.tasks, options.runs) == (1, 9, 100_000, 3)


def test_what_was_missed_is_told_and_what_could_not_be_measured() -> None:
    side = Side(Server("http://127.0.0.1:1", 1), Workload("poll", ()))
    contest = Contest("load: poll", side, side, floor=0.75, bound=2.5)
    base = [Run(1000, 1, 2, 100, 0), Run(1000, 1, 2, 100, 0), Run(10, 1, 2, 100, 0)]
    slow = [Run(700, 1, 6, 100, 0), Run(740, 1, 6, 100, 0), Run(10, 1, 2, 100, 0)]
    held = Held("memory: idle", [10], [21], 2.0)
    cold = {"case": "ours, GET credits", "times_bare": 2.1, "median": 1.0, "least": 1.0, "most": 1.0}

    figures = Figures([Result(contest, base, slow, [])], [Result(contest, [], [], ["why"])], [cold], [held])

    # The middle of the rounds decides, so one that was lucky does not.
    assert figures.missed() == [
        "load: poll: 0.740 of the requests a second, floor 0.75",
        "load: poll: 3.00 times the p99, bound 2.5",
        "cold start: 2.1 times the bare one's, bound 2.0",
        "memory: idle: 2.10 times the bare one's, bound 2.0",
    ]
    assert figures.refused() == ["load: poll: why"]
    assert "load: poll" in __main__._shown(figures)[0]
    assert "REFUSED: why" in __main__._shown(figures)[1]


@pytest.mark.parametrize(("refused", "check", "code"), [(0, 0, 0), (0, 1, 1), (1, 0, 1)])
def test_the_exit_code_tells_of_a_refused_run_and_of_a_miss_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: int, check: int, code: int
) -> None:
    side = Side(Server("http://127.0.0.1:1", 1), Workload("poll", ()))
    figures = Figures(
        load=[Result(Contest("load: poll", side, side), [], [], ["why"] * refused)],
        memory=[Held("memory: idle", [10], [21], 2.0)],
    )
    if not refused:
        figures.load.clear()
    monkeypatch.setattr(__main__, "_measured", lambda options, folder: figures)

    assert main(["--json", str(tmp_path / "figures.json"), *(["--check"] if check else [])]) == code


def test_the_profile_of_a_workload_shows_its_functions(capsys: pytest.CaptureFixture[str]) -> None:
    profiler.main(["--workload", "kie poll", "--calls", "20", "--tasks", "8"])

    printed = capsys.readouterr().out
    assert "=== kie poll: " in printed
    assert "µs a call without the profiler, then 20 calls with it" in printed
    assert "due to restriction <25>" in printed
    assert "=== evolink" not in printed


def test_the_profile_of_a_server_holds_what_wrk_asked_alone(capsys: pytest.CaptureFixture[str]) -> None:
    profiler.main(["--server", "--workload", "kie poll", "--seconds", "1", "--tasks", "8", "--no-pin"])

    printed = capsys.readouterr().out
    assert "=== kie poll: " in printed
    assert "tottime" in printed
    # Which is how a start reads its modules.
    assert "marshal.loads" not in printed


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
