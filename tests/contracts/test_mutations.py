"""Slips of our own mock, one at a time: `check mock` finds each, and names the rule that is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from contracts import mock
from contracts.case import Case, CaseFile
from contracts.casefile import PACKAGED, load
from contracts.finding import Checked, Finding
from contracts.inside import Inside
from mockserver.cli.main import main
from mockserver.openapi.compiled import Document
from mockserver.settings import Settings
from mockserver.web.app import create_app
from mockserver.web.world import open_documents
from tests.contracts.mutations import MUTATIONS, Misprint, Mutation

PROVIDERS = ("kie", "crun", "evolink", "yuto")
SETTINGS = Settings(clock="virtual", seed=0)
URL = "http://127.0.0.1:4010"


class Promised(NamedTuple):
    """The documents as they are, and every case."""

    documents: Mapping[str, Document]
    files: Mapping[str, CaseFile]

    def at(self, provider: str, operations: Sequence[str]) -> CaseFile:
        """The cases in which one of these operations is called."""
        file = self.files[provider]
        cases = tuple(case for case in file.cases if any(s.operation in operations for s in case.steps))
        assert cases, f"{provider} has no case of {', '.join(operations)}"
        return replace(file, cases=cases)

    def case(self, finding: Finding) -> Case:
        """The case that a finding is of."""
        file = self.files[finding.document or ""]
        return next(case for case in file.cases if case.name == finding.case)


@pytest.fixture(scope="module")
def promised() -> Promised:
    documents = open_documents(SETTINGS)
    return Promised(documents, load(PACKAGED, documents))


def checked(promised: Promised, file: CaseFile, served: Mapping[str, Document] | None = None) -> Checked:
    """What is found in some cases, at a mock that serves its provider as it is now, or another document."""
    provider = file.provider
    app = create_app(SETTINGS, documents=dict(served or {provider: promised.documents[provider]}))
    with Inside(app, URL) as target:
        return mock.check(target, promised.documents, {provider: file}, mock.Options(is_shared=False))


def misprinted(mutation: Mutation, folder: Path) -> Mapping[str, Document] | None:
    """The document with a slip in it, compiled; None for a slip that is not the document's."""
    if not isinstance(mutation.by, Misprint):
        return None
    (folder / f"{mutation.provider}.yaml").write_text(mutation.by.printed(mutation.provider), "utf-8")
    return open_documents(Settings(specs=(str(folder),)))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_is_found_without_a_slip(promised: Promised, provider: str) -> None:
    operations = {name for one in MUTATIONS.values() if one.provider == provider for name in one.operations}

    found = checked(promised, promised.at(provider, sorted(operations)))

    assert found.is_fine
    assert not found.findings
    assert not found.skipped


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_slip_is_found_by_its_rule(
    promised: Promised,
    mutation: Mutation,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    served = misprinted(mutation, tmp_path)
    if not isinstance(mutation.by, Misprint):
        mutation.by(monkeypatch)

    found = checked(promised, promised.at(mutation.provider, mutation.operations), served)

    assert not found.is_fine
    # What the mock itself failed of would be found as well; it tells of that there.
    assert capsys.readouterr().err == ""
    assert all(f"The rule: {promised.case(one).fact} (" in one.message for one in found.findings)
    facts = {promised.case(one).fact for one in found.findings if one.pointer == mutation.at}
    assert any(mutation.rule in fact for fact in facts), "\n".join(sorted(facts))


def test_the_command_names_rule_case_and_line(
    promised: Promised, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mutation = MUTATIONS["evolink: missing credits are a 400"]
    assert not isinstance(mutation.by, Misprint)
    mutation.by(monkeypatch)

    code = main(["check", "mock", "--provider", "evolink"])

    told = capsys.readouterr()
    case = next(one for one in promised.files["evolink"].cases if mutation.rule in one.fact)
    assert code == 1
    assert told.err == ""
    assert f"The rule: {case.fact} ({case.page.source}, read {case.page.read})" in told.out
    assert f"contracts/cases/evolink.yaml:{case.line()}" in told.out
    assert case.name in told.out
    assert "/status: wanted 402, got 400" in told.out


def test_a_slip_that_changes_nothing_any_more_is_told() -> None:
    misprint = Misprint("a text that stands nowhere", "")

    with pytest.raises(AssertionError, match="kie: 'a text that stands nowhere' is another text by now"):
        misprint.printed("kie")


def test_there_are_slips_of_every_provider() -> None:
    providers = [mutation.provider for mutation in MUTATIONS.values()]

    assert len(providers) >= 24
    assert {provider for provider in providers if providers.count(provider) >= 5} == set(PROVIDERS)
