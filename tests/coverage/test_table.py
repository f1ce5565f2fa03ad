"""Coverage in a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.coverage import merged
from mockserver.coverage.table import table
from tests.coverage.reports import kinds, report_of

MUSIC = kinds({"success": 3, "unauthorized": 0, "invalid": 0, "http-404": 0}, {"PENDING": 1, "TEXT": 0})
MANY = {f"http-{number}": 0 for number in range(400, 430)}


def columns(text: str) -> int:
    """What a terminal makes of the few wide characters of these tests."""
    return sum(2 if character in "道具屋" else 0 if character == "\u0308" else 1 for character in text)


def names_in(text: str) -> list[str]:
    """The words of a list, whatever line they are in."""
    return text.replace(",", " ").split()


def test_a_table_reads_like_that_of_pytest_cov() -> None:
    report = report_of(
        kie={"generateMusic": MUSIC, "getCredits": kinds({"success": 1, "unauthorized": 12})},
        yuto={"getFeed": kinds({"success": 0, "not-found": 1}, {"complete": 1})},
    )

    assert table(report).split("\n") == [
        "Operation           Pairs   Miss   Cover   Missing",
        "--------------------------------------------------",
        "kie generateMusic       6      4     33%   unauthorized, invalid, http-404 | states: TEXT",
        "kie getCredits          2      0    100%",
        "",
        "yuto getFeed            3      1     66%   success",
        "--------------------------------------------------",
        "TOTAL                  11      5   54.5%",
    ]


def test_states_alone_are_named_as_states() -> None:
    report = report_of(kie={"getTask": kinds({"success": 1}, {"PENDING": 0, "DONE": 0})})

    assert table(report).split("\n")[2].endswith("   states: PENDING, DONE")


def test_nothing_documented_is_an_empty_table() -> None:
    assert table(report_of()).split("\n")[2:] == [
        "------------------------------------------",
        "TOTAL           0      0    100%",
    ]


def test_what_is_all_but_met_does_not_read_a_hundred_percent() -> None:
    met = {f"http-{number}": 1 for number in range(3000)}
    report = report_of(own={"add": kinds({**met, "success": 0})})

    lines = table(report, width=80).split("\n")

    assert lines[2].split()[2:5] == ["3001", "1", "99%"]
    assert lines[-1].split()[1:] == ["3001", "1", "99.9%"]


def test_without_a_width_every_row_is_one_whole_line(real: Any) -> None:
    lines = table(real).split("\n")

    for provider, part in real["providers"].items():
        for operation, found in part["operations"].items():
            (line,) = [line for line in lines if line.startswith(f"{provider} {operation} ")]
            missing = [n for shown in found.values() for n, count in shown.items() if not count]
            assert [name for name in names_in(line)[5:] if name not in ("|", "states:")] == missing


@pytest.mark.parametrize("width", [None, 40, 60, 80, 120, 300])
def test_numbers_stand_in_columns_and_add_up(real: Any, width: int | None) -> None:
    head, _, *body, _, total = table(real, width=width).split("\n")

    rows = [line for line in body if line.startswith(tuple(f"{name} " for name in real["providers"]))]
    ends = [head.index(name) + len(name) for name in ("Pairs", "Miss", "Cover")]
    assert len(rows) == sum(len(part["operations"]) for part in real["providers"].values())
    for row in (*rows, total):
        assert all(row[end - 1].isalnum() or row[end - 1] == "%" for end in ends)
        assert all(row[end : end + 3].strip() == "" for end in ends)
    for place, key in ((0, "total"), (1, "missing")):
        sums = {**real, "missing": real["total"] - real["covered"]}
        assert sum(int(row[: ends[place]].split()[-1]) for row in rows) == sums[key]
        assert int(total[: ends[place]].split()[-1]) == sums[key]
    assert total.split()[-1] == f"{real['percent']}%"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_width(real: Any, width: int) -> None:
    assert max(map(len, table(real, width=width).split("\n"))) <= width


@pytest.mark.parametrize("width", [50, 70, 90, 200])
def test_a_long_list_goes_on_in_the_next_line(width: int) -> None:
    report = report_of(own={"add": kinds({"success": 1, **MANY}, {"DONE": 0})})

    _, _, *body, _, _ = table(report, width=width).split("\n")

    assert len(body) > 1
    assert all(len(line) <= width and line == line.rstrip() for line in body)
    assert names_in(" ".join(body))[5:] == [*MANY, "|", "states:", "DONE"]


def test_a_list_goes_on_under_its_own_column() -> None:
    report = report_of(own={"add": kinds({"success": 1, **MANY})})

    head, _, first, *more, _, _ = table(report, width=80).split("\n")

    place = head.index("Missing")
    assert first[place:].startswith("http-400, http-401,")
    assert more
    assert all(line[:place].strip() == "" and line[place:].startswith("http-") for line in more)


def test_a_list_without_room_beside_the_numbers_stands_beneath_them() -> None:
    name = "a" * 60
    report = report_of(own={name: kinds({"success": 1, **MANY})})

    _, _, first, *more, _, _ = table(report, width=80).split("\n")

    assert first.split()[:2] == ["own", name]
    assert len(first.split()) == 5
    assert all(line.startswith("    http-") and len(line) <= 80 for line in more)
    assert names_in(" ".join(more)) == list(MANY)


def test_what_met_nothing_at_all_says_so_instead_of_a_long_list() -> None:
    report = report_of(own={"add": kinds(MANY), "get": kinds({"success": 0, "invalid": 0})})

    long, short = table(report, width=80).split("\n")[2:4]

    assert long.split()[2:] == ["30", "30", "0%", "everything"]
    assert short.endswith("0%   success, invalid")
    assert "everything" not in table(report)


def test_what_is_met_whole_is_one_line_however_narrow() -> None:
    report = report_of(own={"a" * 60: kinds({"success": 1})})

    assert table(report, width=40).split("\n")[2].split() == ["own", "a" * 60, "1", "0", "100%"]


def test_what_documents_nothing_is_a_line_too() -> None:
    report = report_of(own={"a" * 60: kinds({})})

    assert table(report, width=40).split("\n")[2].split() == ["own", "a" * 60, "0", "0", "100%"]


def test_a_provider_without_operations_is_left_out() -> None:
    report = report_of(kie={"getCredits": kinds({"success": 1})})

    assert table(merged([report, {"providers": {"bare": {"operations": {}}}}])) == table(report)


def test_names_of_any_script_keep_the_columns() -> None:
    report = report_of(
        **{
            "道具屋": {"道": kinds({"success": 0})},
            "gru\u0308ße": {"add": kinds({"success": 0, "道": 1})},
            "a-document-with-a-rather-long-name": {"add": kinds({"http-404": 0})},
        }
    )

    lines = [line for line in table(report).split("\n") if "%" in line]

    assert len({columns(line[: line.index("%")]) for line in lines}) == 1


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "a\tb", "\u202eback", "\ud800"])
def test_names_that_a_terminal_would_obey_are_written_out(name: str) -> None:
    report = report_of(**{name: {name: kinds({name: 0}, {name: 0})}})

    lines = table(report).split("\n")

    assert len(lines) == 5
    assert all(line.isprintable() and line.encode("utf-8") for line in lines)
    assert lines[2].count("\\") == 4
