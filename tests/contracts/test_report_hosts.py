"""The GitHub annotations and the Markdown summary: what is escaped, and how."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.finding import Checked, Finding, Where
from contracts.report import FORMATS


def github(*findings: Finding, notes: tuple[str, ...] = ()) -> list[str]:
    return FORMATS["github"](Checked("check traffic", 9, 7, findings, 1, None, notes)).splitlines()


def markdown(*findings: Finding) -> list[str]:
    return FORMATS["markdown"](Checked("check traffic", 9, 7, findings, 1)).splitlines()


def test_github_marks_the_line_that_is_at_fault() -> None:
    finding = Finding(
        "error",
        "code",
        "says 409",
        document="kie",
        operation="generatePersona",
        pointer="/body/code",
        wanted=409,
        got=200,
        where=Where("client.har", 12, 3, "response"),
        reproduce="curl x",
    )

    assert github(finding)[0] == (
        "::error file=client.har,line=12,title=kie generatePersona /body/code"
        "::code: wanted 409, got 200%0Asays 409%0Aclient.har:12, exchange 3, response%0Acurl x"
    )


def test_github_escapes_by_its_own_rules() -> None:
    finding = Finding("warning", "r", "100%0A\r\nb: c, d", "a:b,c%", where=Where("x,y:z%.har", 1))

    assert github(finding)[0] == (
        "::warning file=x%2Cy%3Az%25.har,line=1,title=a%3Ab%2Cc%25::r%0A100%250A%0Ab: c, d%0Ax,y:z%25.har:1"
    )


def test_github_needs_no_file() -> None:
    assert github(Finding("error", "r", "m", where=Where(line=4)))[0] == "::error title=r::r%0Am"


def test_github_ends_with_the_numbers_as_a_notice() -> None:
    lines = github(Finding("warning", "r", "m"), notes=("3 were skipped",))

    assert lines[-1] == (
        "::notice title=persona-mock check traffic"
        "::check traffic: fine: 0 errors, 1 warning, 9 checked, 7 passed, 1 skipped%0A3 were skipped"
    )
    assert sum(line.startswith("::notice") for line in lines) == 1


def test_github_says_one_of_every_kind_first() -> None:
    findings = [Finding("error", "a", "m") for _ in range(30)] + [Finding("error", "b", "m")]

    assert [line.rpartition("::")[2] for line in github(*findings)[:3]] == ["a%0Am", "b%0Am", "a%0Am"]


def test_github_keeps_one_annotation_under_its_limit() -> None:
    finding = Finding("error", "r", "x" * 100_000, reproduce="y" * 100_000)

    assert len(github(finding)[0]) < 20_000


def test_markdown_reads_as_two_tables() -> None:
    finding = Finding(
        "error",
        "code",
        "more",
        document="kie",
        operation="song",
        pointer="/body/model_params",
        wanted=409,
        got=200,
        where=Where("a.har", 12),
        reproduce="c x",
    )

    assert markdown(finding) == [
        "## check traffic: failed",
        "",
        "| checked | passed | skipped | errors | warnings |",
        "| --- | --- | --- | --- | --- |",
        "| 9 | 7 | 1 | 1 | 0 |",
        "",
        "| severity | what | pointer | rule | wanted | got | message | where | reproduce |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| error | kie song | /body/model_params | code | 409 | 200 | more | a.har:12 | <code>c x</code> |",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "`c`",
        "```",
        "d\ne",
        "d\r\ne",
        "\\|",
        "<img src=x>",
        "&lt;",
        "![f](g)",
        "[h](i)",
        "*j*",
        "_k_",
        "$l$",
    ],
)
def test_nothing_in_a_cell_makes_structure(text: str) -> None:
    finding = Finding("error", text, text, text, text, text, text, text, text, Where(text), text)

    lines = markdown(finding)

    row = lines[-1].replace("<br>", "").replace("<code>", "").replace("</code>", "")
    assert len(lines) == 9
    assert Counter(row)["|"] == 10
    assert set(row[2:-2].replace(" | ", "")).isdisjoint("`<>[]*\\$_!|")


def test_zero_and_false_are_told_from_nothing() -> None:
    row = markdown(Finding("error", "r", "m", wanted=0, got=False))[-1]

    assert "| r | 0 | false | m |" in row


def test_a_table_without_findings_is_left_out() -> None:
    assert len(markdown()) == 5
