"""`check live` against a provider that differs from its cases: every difference is found, and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.finding import Finding
from tests.contracts.live.standin import (
    COST,
    KEY,
    RUN,
    Outcome,
    StandIn,
    on_socket,
    packaged,
    small,
    standing,
)

Bend = Callable[[StandIn], None]


@pytest.mark.parametrize("provider", ["kie", "crun", "evolink", "yuto"])
def test_a_provider_that_keeps_its_cases_is_fine(provider: str) -> None:
    with standing(provider) as provided:
        outcome = provided.run(packaged(provider))

        assert outcome.told == []
        assert outcome.checked.is_fine
        assert outcome.checked.checked == outcome.checked.passed > 40
        assert provided.spent <= outcome.ledger.spent <= outcome.plan.cost


def test_the_small_file_holds_too_and_costs_what_its_plan_says(tmp_path: Path) -> None:
    with standing() as provided:
        outcome = provided.run(small(tmp_path))

        assert (outcome.told, outcome.checked.checked, outcome.checked.skipped) == ([], RUN, 2)
        assert provided.spent == outcome.ledger.spent == outcome.plan.cost == COST


# --- of the packaged files ----------------------------------------------------------------------------------


def wrong(operation: str, outcome: str) -> Bend:
    return lambda at: at.always(operation, outcome)


def fault(operation: str, name: str, **more: object) -> Bend:
    return lambda at: at.fault(operation, name, **more)


def of(outcome: Outcome, case: str, rule: str) -> Finding:
    """The error of one case, by one rule."""
    found = [
        one for one in outcome.checked.findings if (one.case, one.rule, one.severity) == (case, rule, "error")
    ]
    assert found, outcome.told
    return found[0]


def seen(finding: Finding, text: str) -> None:
    """What was found says what came, where the case stands, and how to see it again; the key is not in it."""
    assert text in finding.message
    assert (finding.reproduce or "").startswith("curl ")
    assert (finding.where.line or 0) > 1
    assert KEY not in str(finding)


@pytest.mark.parametrize(
    ("provider", "bend", "case", "rule", "text"),
    [
        ("kie", wrong("generatePersona", "maintenance"), "persona-of-a-finished-song", "code", '"code":455'),
        (
            "crun",
            wrong("generatePersona", "server-error"),
            "bearer-key-does-not-count/generatePersona",
            "code",
            '"code":500',
        ),
        ("yuto", fault("fetchTask", "wrong-content-type"), "clip-is-no-task", "contentType", "text/html"),
        ("evolink", wrong("getCredits", "rate-limited"), "balance-of-key-and-user", "status", "429"),
        ("crun", fault("getBalance", "malformed-json"), "balance-is-a-number", "wellFormed", "not JSON"),
    ],
    ids=["maintenance", "server-error", "wrong-content-type", "rate-limited", "malformed-json"],
)
def test_what_bends_a_provider_is_found_by_its_packaged_cases(
    provider: str, bend: Bend, case: str, rule: str, text: str
) -> None:
    with standing(provider) as provided:
        bend(provided)

        outcome = provided.run(packaged(provider))

        assert not outcome.checked.is_fine
        finding = of(outcome, case, rule)
        seen(finding, text)
        assert (finding.document, finding.where.file) == (provider, f"contracts/cases/{provider}.yaml")
        assert provided.spent <= outcome.ledger.spent


def test_a_difference_that_is_known_is_a_warning() -> None:
    with standing("kie", quirk=("kie.duplicate=overwrite",)) as provided:
        outcome = provided.run(packaged("kie"))

        (finding,) = outcome.checked.findings
        assert (finding.severity, finding.rule) == ("warning", "code")
        assert finding.case == "second-persona-for-one-song-is-refused"
        assert (finding.wanted, finding.got) == (409, 200)
        assert "known to differ 2026-09-22" in finding.message
        assert outcome.checked.is_fine
        # What was accepted against expectation has cost something too.
        assert provided.spent <= outcome.ledger.spent


def test_refusals_that_travel_in_other_statuses_are_found() -> None:
    with standing("kie", status="http") as provided:
        outcome = provided.run(packaged("kie"))

        finding = of(outcome, "call-without-a-key-is-refused/generateMusic", "status")
        assert (finding.wanted, finding.got, finding.pointer) == (200, 401, "/status")
        seen(finding, "wanted 200, got 401")


# --- of a small file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bend", "case", "rule", "text"),
    [
        (wrong("generatePersona", "duplicate"), "song-becomes-a-persona", "code", "wanted 200, got 409"),
        (
            wrong("getMusicDetails", "not-found"),
            "finished-song-is-shown",
            "given",
            "not finished after 300 s",
        ),
        (wrong("generateMusic", "task-failed"), "finished-song-is-shown", "given", "two songs failed"),
        (wrong("generateMusic", "insufficient-credits"), "finished-song-is-shown", "given", '"code":402'),
        (
            fault("getCredits", "gateway", status=502),
            "balance-is-a-number",
            "status",
            "502 is not documented",
        ),
    ],
    ids=["duplicate", "unknown-task", "task-failed", "no-credits", "gateway"],
)
def test_what_bends_a_provider_is_found(tmp_path: Path, bend: Bend, case: str, rule: str, text: str) -> None:
    with standing() as provided:
        bend(provided)

        outcome = provided.run(small(tmp_path))

        seen(of(outcome, case, rule), text)
        assert provided.spent <= outcome.ledger.spent <= COST


@pytest.mark.parametrize(
    ("bend", "rule", "text"),
    [
        (fault("getCredits", "truncate"), "unanswered", "its answer breaks off"),
        (fault("getCredits", "empty"), "unanswered", "no answer came"),
        (fault("getCredits", "reset", at="body"), "unanswered", "no answer came"),
    ],
    ids=["truncate", "empty", "reset"],
)
def test_a_connection_that_breaks_is_found(tmp_path: Path, bend: Bend, rule: str, text: str) -> None:
    with on_socket() as provided:
        bend(provided)

        outcome = provided.run(small(tmp_path))

        assert text in of(outcome, "balance-is-a-number", rule).message
        assert outcome.checked.checked == RUN
        again = any(note.startswith("made again, 4 calls: no answer came") for note in outcome.checked.notes)
        assert again == (rule == "unanswered")


# --- on the way to a song -----------------------------------------------------------------------------------


def test_a_song_that_is_refused_is_told_once_and_costs_once(tmp_path: Path) -> None:
    with standing() as provided:
        provided.always("generateMusic", "server-error")

        outcome = provided.run(small(tmp_path))

        assert [one[2] for one in outcome.told if one[1] == "given"] == ["finished-song-is-shown"]
        assert "not run, 3 cases: no song could be made to work with" in outcome.checked.notes
        assert (provided.spent, outcome.ledger.spent, provided.posts("generateMusic")) == (0, 12, 1)


def test_a_song_that_never_ends_is_waited_for_once(tmp_path: Path) -> None:
    with standing() as provided:
        provided.bend = lambda call, answer: (
            answer(call._replace(target=f"{call.target}0")) if "record-info" in call.target else answer(call)
        )

        outcome = provided.run(small(tmp_path))

        assert [one[1:] for one in outcome.told] == [("given", "finished-song-is-shown")]
        assert 300 <= provided.now < 400
        assert (provided.spent, outcome.ledger.spent) == (12, 12)


def test_a_finished_song_without_songs_is_told(tmp_path: Path) -> None:
    cases = small(tmp_path, ("sunoData/*/id", "noData/*/id"))
    with standing() as provided:
        outcome = provided.run(cases)

        finding = of(outcome, "finished-song-is-shown", "given")
        assert "names none at /body/data/response/noData/*/id" in finding.message
        assert provided.spent == 12


def test_a_persona_that_is_refused_is_told_once_and_tried_for_once(tmp_path: Path) -> None:
    twice = SING.replace("persona-sings:", "persona-sings-again:")
    with standing() as provided:
        provided.always("generatePersona", "server-error")

        outcome = provided.run(small(tmp_path, (SING, SING + twice)))

        assert [one[2] for one in outcome.told if one[1] == "given"] == ["persona-sings"]
        assert "not run, 1 case: no persona could be made to work with" in outcome.checked.notes


SING = """  persona-sings:
    fact: A persona sings further songs.
    page: page
    where: [mock, live]
    cost: 12
    given: {song: finished, persona: made}
    request: {use: song, set: {/body/personaId: '${persona.id}'}}
    expect: {status: 200, code: 200, outcome: success}
"""


def test_two_songs_of_a_case_are_of_two_tasks(tmp_path: Path) -> None:
    cases = small(
        tmp_path,
        ("    given: {song: finished}\n", "    given: {song: finished, songs: {other: finished}}\n"),
        ("{data: {taskId: '${song.task}', status: SUCCESS}}", "{data: {taskId: {$not: '${other.task}'}}}"),
    )
    with standing() as provided:
        outcome = provided.run(cases)

        assert outcome.told == []
        assert (provided.spent, outcome.plan.needs.songs) == (COST, 2)


def test_what_the_answers_on_the_way_to_a_song_break_is_told_once(tmp_path: Path) -> None:
    with standing() as provided:
        provided.fault("generateMusic", "wrong-content-type")

        outcome = provided.run(small(tmp_path))

        finding = of(outcome, "making a song", "contentType")
        assert finding.operation == "generateMusic"
        assert (finding.reproduce or "").startswith("curl -X POST ")
        assert [one[2] for one in outcome.told].count("making a song") == 1


def test_a_poll_that_never_ends_is_a_finding_of_its_case(tmp_path: Path) -> None:
    then = "    then: [{poll: {operation: getCredits}, every: 10, at-most: 60, until: {body: {data: -1}}}]\n"
    cases = small(tmp_path, ("  name-is-required:\n", then + "  name-is-required:\n"))
    with standing() as provided:
        outcome = provided.run(cases)

        assert "60 s later still /body/data: wanted -1" in of(outcome, "balance-is-a-number", "body").message
        assert [one[2] for one in outcome.told] == ["balance-is-a-number"]


def test_a_key_that_is_refused_ends_the_run_with_one_finding(tmp_path: Path) -> None:
    with standing() as provided:
        for operation in ("getCredits", "generatePersona", "generateMusic", "getMusicDetails"):
            provided.always(operation, "unauthorized")

        outcome = provided.run(small(tmp_path))

        (finding,) = outcome.checked.findings
        assert (finding.rule, finding.case) == ("unauthorized", "balance-is-a-number")
        assert "kie does not take the key" in finding.message
        assert len(provided.calls) == 1
        assert any(
            note.startswith("kie does not take the key: 6 cases of the plan not run")
            for note in outcome.checked.notes
        )
        assert outcome.ledger.done == {}
