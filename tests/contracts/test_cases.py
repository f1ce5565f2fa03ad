"""The packaged cases: nothing that the documents promise is without one, and each says what it rests on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.case import Case, CaseFile
from contracts.casefile import PACKAGED, load
from contracts.marks import marks
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from mockserver.openapi.problem import DocumentError

PROVIDERS = ("crun", "evolink", "kie", "yuto")


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(("packaged",), NAMES)


@pytest.fixture(scope="module")
def files(documents: dict[str, Document]) -> dict[str, CaseFile]:
    return load(PACKAGED, documents)


def everything(files: dict[str, CaseFile]) -> list[Case]:
    return [case for file in files.values() for case in file.cases]


def test_each_provider_has_a_file(files: dict[str, CaseFile]) -> None:
    assert tuple(files) == PROVIDERS


def test_there_are_enough_of_them(files: dict[str, CaseFile]) -> None:
    written = {name: len(file.source.data["cases"]) for name, file in files.items()}

    assert sum(written.values()) >= 150
    assert all(len(files[name].cases) >= written[name] for name in PROVIDERS)


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_documented_outcome_of_every_operation_has_a_case(
    name: str, documents: dict[str, Document], files: dict[str, CaseFile]
) -> None:
    shown = {pair for case in files[name].cases for pair in case.pairs()}

    documented = {
        (operation.name, outcome)
        for operation in documents[name].operations()
        for outcome in operation.answers
    }
    assert documented - shown == set()


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_task_state_of_every_poll_has_a_case(
    name: str, documents: dict[str, Document], files: dict[str, CaseFile]
) -> None:
    shown = {pair for case in files[name].cases for pair in case.states()}

    documented = {
        (operation.name, state) for operation in documents[name].operations() for state in operation.states
    }
    assert documented - shown == set()


def test_every_outcome_has_a_mark(documents: dict[str, Document], files: dict[str, CaseFile]) -> None:
    found = marks(everything(files))

    documented = {
        (document.name, operation.name, outcome)
        for document in documents.values()
        for operation in document.operations()
        for outcome in operation.answers
    }
    assert documented - found.keys() == set()


def test_marks_of_all_kinds_are_there(files: dict[str, CaseFile]) -> None:
    kinds = Counter(case.mark.kind for case in everything(files))

    assert kinds.keys() == {"recorded", "page", "report", "choice", "differs"}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", case.mark.day) for case in everything(files))


def pages(file: CaseFile) -> dict[str, dict[str, str]]:
    """The pages of a file as they stand there."""
    found: dict[str, dict[str, str]] = file.source.data["pages"]
    return found


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_choice_names_its_section_and_nothing_else_is_called_so(
    name: str, files: dict[str, CaseFile]
) -> None:
    chosen = {key: page for key, page in pages(files[name]).items() if page.get("kind") == "choice"}

    assert {key: page["source"] for key, page in chosen.items()} == {
        "choices": f"specs/README.md, {name}.yaml and All four"
    }


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_source_leads_somewhere_and_is_used(name: str, files: dict[str, CaseFile]) -> None:
    used = {case.page.source for case in files[name].cases}

    assert {page["source"] for page in pages(files[name]).values()} - used == set()
    for page in pages(files[name]).values():
        if page.get("kind", "page") == "page":
            assert re.match(r"docs\.(kie|crun|evolink|yutoai)\.|github\.com/", page["source"])


@pytest.mark.parametrize("name", PROVIDERS)
def test_what_is_recorded_was_seen_on_a_day_before_it_was_read(name: str, files: dict[str, CaseFile]) -> None:
    own = [case for case in files[name].cases if case.mark != case.page.mark]

    assert all(case.page.kind in ("report", "page") and case.mark.day < case.page.read for case in own)


@pytest.mark.parametrize("name", PROVIDERS)
def test_requests_have_names_without_spaces(name: str, files: dict[str, CaseFile]) -> None:
    named = files[name].source.data["requests"]

    assert [request for request in named if not re.fullmatch(r"[a-z][A-Za-z]*", request)] == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_each_provider_has_cases_for_the_real_one(name: str, files: dict[str, CaseFile]) -> None:
    live = [case for case in files[name].cases if "live" in case.where]

    assert len(live) >= 20
    assert {"song", "persona", "gap"} <= files[name].live.keys()


def test_every_case_states_its_fact_as_a_sentence(files: dict[str, CaseFile]) -> None:
    odd = [case.name for case in everything(files) if not re.fullmatch(r"\S.*[^,;:\s]\.?", case.fact)]

    assert odd == []
    assert all(case.page.source for case in everything(files))


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_operation_can_be_asked_of_the_real_provider(
    name: str, documents: dict[str, Document], files: dict[str, CaseFile]
) -> None:
    asked = {step.operation for case in files[name].cases if "live" in case.where for step in case.steps}

    assert {operation.name for operation in documents[name].operations()} - asked == set()


def moments(node: object) -> Iterator[int]:
    """Each moment of the virtual clock's first day that is expected to the second."""
    if isinstance(node, dict):
        yield from (moment for key, value in node.items() if key != "$between" for moment in moments(value))
    elif isinstance(node, list):
        yield from (moment for value in node for moment in moments(value))
    elif isinstance(node, int) and 1767225600 <= node < 1767312000:
        yield node


def test_no_case_that_takes_no_time_asks_what_time_it_is(files: dict[str, CaseFile]) -> None:
    # It would run under a clock that is real, too.
    fixed = [
        case.name
        for case in everything(files)
        if not case.takes_time and any(any(moments(step.expect)) for step in case.steps)
    ]

    assert fixed == []


ONE = """
provider: kie
pages: {{it: {{source: somebody, read: 2026-11-21{kind}}}}}
cases:
  balance-is-a-number:
    fact: The balance is a number.
    page: it
    where: [mock]
    request: {{operation: getCredits}}
    expect: {{status: 200, outcome: success}}
"""


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("", "page only 2026-11-21"),
        (", kind: page", "page only 2026-11-21"),
        (", kind: report", "reported 2026-11-21"),
        (", kind: choice", "our choice 2026-11-21"),
    ],
)
def test_without_a_mark_a_case_is_as_sure_as_its_page(
    kind: str, shown: str, documents: dict[str, Document], tmp_path: Path
) -> None:
    (tmp_path / "kie.yaml").write_text(ONE.format(kind=kind))

    (case,) = load(tmp_path, documents)["kie"].cases

    assert str(case.mark) == shown


def test_an_unknown_kind_of_page_is_told(documents: dict[str, Document], tmp_path: Path) -> None:
    (tmp_path / "kie.yaml").write_text(ONE.format(kind=", kind: rumour"))

    with pytest.raises(DocumentError) as raised:
        load(tmp_path, documents)

    (problem,) = raised.value.problems
    assert problem.line == 3
    assert 'pages.it.kind: wanted one of ["page", "report", "choice"], got rumour' in str(problem)
