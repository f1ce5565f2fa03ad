"""Coverage in a browser, read back as a browser reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockserver.coverage import merged
from mockserver.coverage.page import page
from tests.coverage.reports import kinds, report_of
from tests.coverage.tree import Element, read

MIXED = report_of(
    kie={
        "generateMusic": kinds({"success": 3, "unauthorized": 1, "invalid": 0}, {"PENDING": 1, "DONE": 0}),
        "getCredits": kinds({"success": 12, "unauthorized": 4}),
    },
    yuto={"getFeed": kinds({"success": 2, "not-found": 1}, {"complete": 1})},
)
FULL = report_of(kie={"getCredits": kinds({"success": 12, "unauthorized": 4}, {"DONE": 1})})
ABSENT = "\N{EN DASH}"
NASTY = ["<script>alert(1)</script>", '"><b onclick="x', "</style>", "a & b", "it's", "道具屋 <!--"]


def tables(root: Element) -> dict[str, list[list[str]]]:
    """The texts of every table by its caption, or by the heading that names it."""
    named = {element.attributes["id"]: element.text for element in root.all("h2")}
    found = {}
    for table in root.all("table"):
        captions = [caption.text for caption in table.all("caption")]
        (title,) = captions or [named[table.attributes["aria-labelledby"]]]
        found[title] = [[cell.text for cell in row.children] for row in table.all("tr")]
    return found


def without_the_met(root: Element) -> Element:
    """The page as it is with the box ticked: the style sheet hides what is marked `full`."""
    kept = [
        child if isinstance(child, str) else without_the_met(child)
        for child in root.inside
        if isinstance(child, str) or "full" not in child.marks
    ]
    return Element(root.tag, root.attributes, kept)


# --- what it says ------------------------------------------------------------------------------------------


def test_the_summary_stands_on_top() -> None:
    root = read(page(MIXED, title="Our tests"))

    header = root.one("main").children[0]
    assert header.tag == "header"
    assert [line for line in header.text.split("\n") if line] == [
        "Our tests",
        "80%",
        "8 of 10 documented outcomes and task states were met, 2 were not.",
    ]
    assert root.one("title").text == "Our tests: 80%"


def test_every_pair_is_in_a_table() -> None:
    assert tables(read(page(MIXED))) == {
        "Providers": [
            ["Provider", "Met", "Not met", "Coverage"],
            ["kie", "5", "2", " 71.4%"],
            ["yuto", "3", "0", " 100%"],
        ],
        "Outcomes of kie": [
            ["Operation", "Met", "success", "unauthorized", "invalid"],
            ["generateMusic", "2 of 3", "3", "1", "not met"],
            ["getCredits", "2 of 2", "12", "4", ABSENT],
        ],
        "Task states of kie": [
            ["Operation", "Met", "PENDING", "DONE"],
            ["generateMusic", "1 of 2", "1", "not met"],
        ],
        "Outcomes of yuto": [
            ["Operation", "Met", "success", "not-found"],
            ["getFeed", "2 of 2", "2", "1"],
        ],
        "Task states of yuto": [["Operation", "Met", "complete"], ["getFeed", "1 of 1", "1"]],
    }


def test_a_bar_is_as_long_as_the_coverage() -> None:
    root = read(page(MIXED))

    bars = [bar for bar in root.all("span") if "bar" in bar.marks]
    assert [bar.one("i").attributes["style"] for bar in bars] == ["width:71.4%", "width:100.0%"]
    assert all(bar.attributes["aria-hidden"] == "true" for bar in bars)


def test_outcomes_stand_in_the_order_of_the_vocabulary_and_states_as_documented() -> None:
    report = report_of(
        own={
            "a": kinds({"success": 0, "duplicate": 0, "http-404": 0}, {"waiting": 0, "success": 0}),
            "b": kinds({"invalid": 0, "http-4XX": 0}),
        }
    )

    found = tables(read(page(report)))

    names = ["success", "invalid", "duplicate", "http-404", "http-4XX"]
    assert found["Outcomes of own"][0] == ["Operation", "Met", *names]
    assert found["Task states of own"][0] == ["Operation", "Met", "waiting", "success"]


def test_a_real_report_is_in_it_whole(real: Any) -> None:
    found = tables(read(page(real)))

    cells = [cell for rows in found.values() for row in rows[1:] for cell in row]
    assert cells.count("not met") == real["total"] - real["covered"]
    for provider, part in real["providers"].items():
        head, *rows = found[f"Outcomes of {provider}"]
        for (name, _, *shown), (operation, found_kinds) in zip(rows, part["operations"].items(), strict=True):
            assert name == operation
            given = dict(zip(head[2:], shown, strict=True))
            assert {k: v for k, v in given.items() if v != ABSENT} == {
                outcome: str(count or "not met") for outcome, count in found_kinds["outcomes"].items()
            }


def test_nothing_documented_is_said() -> None:
    root = read(page(report_of()))

    assert "Nothing is documented." in root.text
    assert list(root.all("table", "input")) == []


def test_a_provider_without_operations_has_no_section() -> None:
    report = merged([MIXED, {"providers": {"bare": {"operations": {}}}}])

    assert page(report) == page(MIXED)


def test_version_is_named_if_given() -> None:
    assert "persona-mock 1.2.3" in read(page(MIXED, version="1.2.3")).one("footer").text
    assert "persona-mock" not in page(MIXED)


def test_the_same_report_gives_the_same_text(real: Any) -> None:
    assert page(real, title="Run", version="1") == page(real, title="Run", version="1")


# --- only what was not met ---------------------------------------------------------------------------------


def test_the_box_stands_before_all_that_it_hides() -> None:
    main = read(page(MIXED)).one("main")

    box = next(child for child in main.children if child.tag == "input")
    label = next(child for child in main.children if child.tag == "label")
    assert (box.attributes["type"], label.attributes["for"]) == ("checkbox", box.attributes["id"])
    after = main.children[main.children.index(box) :]
    assert all(element in after for element in main.all("section"))


def test_the_box_hides_what_is_marked_as_full() -> None:
    style = read(page(MIXED)).one("style").text

    assert "#gaps:checked ~ .full, #gaps:checked ~ * .full { display: none; }" in style


def test_only_what_was_not_met_is_left() -> None:
    shown = without_the_met(read(page(MIXED)))

    assert tables(shown) == {
        "Providers": [["Provider", "Met", "Not met", "Coverage"], ["kie", "5", "2", " 71.4%"]],
        "Outcomes of kie": [["Operation", "Met", "invalid"], ["generateMusic", "2 of 3", "not met"]],
        "Task states of kie": [["Operation", "Met", "DONE"], ["generateMusic", "1 of 2", "not met"]],
    }


def test_a_column_without_a_gap_goes_whole() -> None:
    report = report_of(own={"a": kinds({"success": 1, "invalid": 0}), "b": kinds({"invalid": 0})})

    shown = tables(without_the_met(read(page(report))))

    assert shown["Outcomes of own"] == [
        ["Operation", "Met", "invalid"],
        ["a", "1 of 2", "not met"],
        ["b", "0 of 1", "not met"],
    ]


def test_nothing_unmet_is_ever_hidden(real: Any) -> None:
    shown = tables(without_the_met(read(page(real))))

    rows = [row for name, found in shown.items() if name != "Providers" for row in found]
    assert [cell for row in rows for cell in row].count("not met") == real["total"] - real["covered"]
    assert all("not met" in row or row[0] == "Operation" for row in rows)
    assert all(len({len(row) for row in found}) == 1 for found in shown.values())


def test_what_is_met_whole_has_no_box() -> None:
    assert list(read(page(FULL)).all("input", "label")) == []


# --- one file, safe and readable ---------------------------------------------------------------------------


@pytest.mark.parametrize("report", [MIXED, FULL, report_of()])
def test_a_page_asks_the_network_for_nothing(report: Any) -> None:
    text = page(report)

    assert not re.search(r"https?:|src=|<link|@import|url\(|//", text)
    assert list(read(text).all("script", "img", "iframe", "link", "object")) == []


def test_a_real_page_asks_the_network_for_nothing(real: Any) -> None:
    assert not re.search(r"https?:|src=|<link|@import|url\(|//", page(real))


@pytest.mark.parametrize("name", NASTY)
def test_names_are_text_wherever_they_stand(name: str) -> None:
    report = report_of(**{name: {name: kinds({name: 0, "success": 1}, {name: 2})}})

    text = page(report, title=name, version=name)

    root = read(text)
    plain = page(report_of(n={"n": kinds({"n": 0, "success": 1}, {"n": 2})}), title="n", version="n")
    assert [e.tag for e in root.all()] == [e.tag for e in read(plain).all()]
    assert tables(root)[f"Outcomes of {name}"] == [
        ["Operation", "Met", "success", name],
        [name, "1 of 2", "1", "not met"],
    ]
    assert root.one("h1").text == name
    assert name in root.one("footer").text


@pytest.mark.parametrize("name", ["two\nlines", "\x00", "\x1b[31m", "\u202eback", "\ud800"])
def test_characters_that_no_page_may_hold_are_written_out(name: str) -> None:
    report = report_of(**{name: {name: kinds({name: 0}, {name: 0})}})

    text = page(report, title=name)

    assert text.encode("utf-8")
    assert all(character.isprintable() or character == "\n" for character in text)
    assert tables(read(text))["Providers"][1][0].count("\\") == 1


def test_every_cell_has_its_headings(real: Any) -> None:
    for table in read(page(real)).all("table"):
        head, body = (part for part in table.children if part.tag != "caption")
        assert (head.tag, body.tag) == ("thead", "tbody")
        (heads,) = head.children
        assert all((c.tag, c.attributes["scope"]) == ("th", "col") for c in heads.children)
        for row in body.children:
            first, *cells = row.children
            assert (first.tag, first.attributes["scope"]) == ("th", "row")
            assert {cell.tag for cell in cells} == {"td"}
            assert len(row.children) == len(heads.children)


def test_landmarks_and_names_are_in_order(real: Any) -> None:
    root = read(page(real))

    ids = [element.attributes["id"] for element in root.all() if "id" in element.attributes]
    wanted = [e.attributes[a] for e in root.all() for a in ("aria-labelledby", "for") if a in e.attributes]
    links = [link.attributes["href"].removeprefix("#") for link in root.all("a")]
    assert len(ids) == len(set(ids))
    assert {*wanted, *links} <= set(ids)
    assert len(links) == len(real["providers"])
    assert [element.tag for element in root.one("body").children] == ["main", "footer"]
    assert len(list(root.all("h1"))) == 1
    assert root.attributes["lang"] == "en"


def luminance(colour: str) -> float:
    """How bright a colour is, as the accessibility guidelines count it."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ("ink", "paper"),
        ("ink", "head"),
        ("soft", "paper"),
        ("link", "paper"),
        ("met", "paper"),
        ("met", "met-paper"),
        ("gap", "gap-paper"),
    ],
)
def test_letters_stand_out_from_their_paper(scheme: int, ink: str, paper: str) -> None:
    style = read(page(MIXED)).one("style").text
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", style.split(":root")[scheme + 1]))

    darker, lighter = sorted((luminance(colours[ink]), luminance(colours[paper])))
    assert (lighter + 0.05) / (darker + 0.05) >= 7


def test_met_and_not_met_differ_by_more_than_colour() -> None:
    root = read(page(MIXED))

    for cell in root.all("td"):
        if "gap" in cell.marks:
            assert cell.text == "not met"
        if "met" in cell.marks:
            assert cell.text.isdigit()
