"""The packaged cases: nothing that the documents promise is without one, and each says what it rests on."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from contracts.case import Case, CaseFile
from contracts.casefile import PACKAGED, load
from contracts.marks import marks
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents

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


def test_marks_of_all_three_kinds_are_there(files: dict[str, CaseFile]) -> None:
    kinds = Counter(case.mark.kind for case in everything(files))

    assert kinds.keys() == {"recorded", "page", "differs"}
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", case.mark.day) for case in everything(files))


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
