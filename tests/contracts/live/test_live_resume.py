"""A run that was interrupted, anywhere, and another that goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from contracts.live.ledger import Ledger, UnfitFile, Unkept
from contracts.target import Call, Reply, Unanswered
from tests.contracts.live.standin import COST, KEY, RUN, Bend, Outcome, StandIn, packaged, small, standing


def stops_at(at: StandIn, count: int, *, answered: bool) -> Bend:
    """Ctrl-C at the n-th call, before it is answered or after."""

    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        if len(at.calls) != count:
            return answer(call)
        if answered:
            answer(call)
        raise KeyboardInterrupt

    return bend


def resumed(at: StandIn, folder: Path, file: Path) -> Outcome:
    """Another run, on the same file; nobody interrupts it."""
    at.bend = lambda call, answer: answer(call)
    at.on_sleep = lambda _: None
    return at.run(small(folder), ledger=at.ledger(file=file))


def whole(folder: Path, prepare: Callable[[StandIn], None]) -> tuple[Outcome, int]:
    """A run that nobody interrupts, and how many calls it makes."""
    with standing() as provided:
        prepare(provided)
        return provided.run(small(folder)), len(provided.calls)


def is_bent(at: StandIn) -> None:
    # In its second case, in the song that all look at, and in the last one.
    at.fault("getCredits", "gateway", status=502, match=None)
    at.fault("generateMusic", "wrong-content-type")


@pytest.mark.parametrize("answered", [False, True])
def test_a_run_interrupted_at_any_call_is_gone_on_with(tmp_path: Path, answered: bool) -> None:
    expected, count = whole(tmp_path, is_bent)
    assert len(expected.told) > 3

    for number in range(1, count + 1):
        file = tmp_path / f"{number}-{answered}.json"
        with standing() as provided:
            is_bent(provided)
            provided.bend = stops_at(provided, number, answered=answered)
            first = provided.run(small(tmp_path), ledger=provided.ledger(file=file))
            done = set(json.loads(file.read_text())["cases"]) if file.exists() else set()
            second = resumed(provided, tmp_path, file)

            assert not first.checked.is_fine
            assert done == set(first.ledger.done)
            assert not done & {case.name for case in second.plan.cases}
            assert second.told == expected.told
            assert second.checked.checked == RUN
            # At most the song or the call under way is paid twice.
            assert provided.spent <= second.ledger.spent <= COST + 12


def test_a_run_interrupted_while_it_waits_keeps_its_song(tmp_path: Path) -> None:
    for number in range(1, 16):
        file = tmp_path / f"{number}.json"
        with standing() as provided:
            provided.on_sleep = interrupter(provided, number)
            first = provided.run(small(tmp_path), ledger=provided.ledger(file=file))
            second = resumed(provided, tmp_path, file)

            assert first.checked.errors == 1
            assert second.told == []
            assert second.checked.passed == RUN
            # Sleeping is before a call or between two: nothing is under way that would be paid twice.
            assert provided.spent <= COST + 1
            assert provided.posts("generateMusic") == 3


def interrupter(at: StandIn, number: int) -> Callable[[float], None]:
    def on_sleep(_: float) -> None:
        if len(at.slept) == number:
            raise KeyboardInterrupt

    return on_sleep


def test_an_interrupted_run_tells_what_it_has_and_how_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    with standing() as provided:
        provided.bend = stops_at(provided, 3, answered=True)
        kept = provided.run(small(tmp_path), ledger=provided.ledger(file=file))
        provided.calls.clear()
        lost = provided.run(small(tmp_path))

    (finding,) = kept.checked.findings
    assert (finding.severity, finding.rule, kept.checked.checked) == ("error", "unfinished-run", 2)
    assert finding.message == f"interrupted: 5 cases of the plan not run; --resume {file} goes on from there"
    assert "run with --resume FILE" in lost.checked.findings[0].message


def test_personas_that_are_tasks_are_gone_on_with(tmp_path: Path) -> None:
    with standing("evolink") as provided:
        provided.run(packaged("evolink"))
        count = len(provided.calls)

    # Far at the end is the persona that further songs are made with.
    for number in (count - 12, count - 8, count):
        file = tmp_path / f"{number}.json"
        with standing("evolink") as provided:
            provided.bend = stops_at(provided, number, answered=True)
            provided.run(packaged("evolink"), ledger=provided.ledger(file=file))
            provided.bend = lambda call, answer: answer(call)
            second = provided.run(packaged("evolink"), ledger=provided.ledger(file=file))

            assert second.told == []
            # A persona that is on its way is waited for; one whose answer was lost takes its song with it.
            assert provided.spent <= second.ledger.spent <= 54 + 11


def test_what_was_not_answered_is_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"

    def falls_silent(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        if len(provided.calls) > 4:
            raise Unanswered("connection refused")
        return answer(call)

    with standing() as provided:
        provided.bend = falls_silent
        first = provided.run(small(tmp_path), ledger=provided.ledger(file=file))
        second = resumed(provided, tmp_path, file)

    assert "unanswered" in {one[1] for one in first.told}
    assert second.told == []
    assert second.checked.passed == RUN


def test_a_key_that_was_refused_is_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    with standing() as provided:
        provided.control(
            "POST", "outcomes", {"provider": "kie", "operation": "getCredits", "outcome": "unauthorized"}
        )
        first = provided.run(small(tmp_path), ledger=provided.ledger(file=file))
        second = resumed(provided, tmp_path, file)

    assert [one[1] for one in first.told] == ["unauthorized"]
    assert (second.told, second.checked.passed) == ([], RUN)


def test_a_case_that_was_changed_runs_again(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    with standing() as provided:
        provided.run(small(tmp_path), ledger=provided.ledger(file=file))
        changed = small(
            tmp_path,
            (
                "where: [mock, live]\n    given: {song: finished}\n    request: {op",
                "where: [live]\n    times: 2\n    given: {song: finished}\n    request: {op",
            ),
        )
        calls = len(provided.calls)
        again = provided.run(changed, ledger=provided.ledger(file=file))

        assert [case.name for case in again.plan.cases] == ["finished-song-is-shown"]
        assert len(provided.calls) == calls + 2
        assert again.checked.passed == RUN


def test_a_mark_that_was_changed_is_not_paid_for_again(tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    with standing() as provided:
        provided.always("getCredits", "server-error")
        first = provided.run(small(tmp_path), ledger=provided.ledger(file=file))
        mark = "    mark: {differs: 'it is a text', seen: 2026-11-22}\n"
        marked = small(
            tmp_path,
            ("    fact: The balance is a number.\n", f"    fact: The balance is a number.\n{mark}"),
        )
        again = provided.run(marked, ledger=provided.ledger(file=file))

    assert ("error", "code", "balance-is-a-number") in first.told
    assert ("warning", "code", "balance-is-a-number") in again.told
    assert again.plan.cases == ()


# --- the file -----------------------------------------------------------------------------------------------


def kept(folder: Path) -> dict[str, Any]:
    """What a whole run leaves."""
    file = folder / "kept.json"
    with standing() as provided:
        provided.run(small(folder), ledger=provided.ledger(file=file))
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def test_the_file_holds_the_book_and_never_the_key(tmp_path: Path) -> None:
    found = kept(tmp_path)

    assert (found["format"], found["run"]["provider"], found["spent"]) == (1, "kie", COST)
    assert [len(song["fresh"]) for song in found["songs"]] == [0, 1]
    assert len(found["cases"]) == RUN
    assert KEY not in json.dumps(found)
    assert [file.name for file in tmp_path.iterdir() if "kept" in file.name] == ["kept.json"]


@pytest.mark.parametrize(
    ("pointer", "value", "reason"),
    [
        ("format", 2, "its format is 2, wanted 1"),
        ("run/provider", "crun", "it is of another provider"),
        ("run/address", "https://api.kie.ai", "it is of another address"),
        ("run/account", "0000000000000000", "it is of another account"),
        ("run", [], "it is not what an interrupted check wrote"),
        ("spent", -1, "it is not what an interrupted check wrote"),
        ("spent", float("nan"), "it is not what an interrupted check wrote"),
        ("spent", True, "it is not what an interrupted check wrote"),
        ("songs", [{"task": "t", "ids": "ids", "fresh": []}], "it is not what an interrupted check wrote"),
        ("songs", [{"task": 1, "ids": [], "fresh": []}], "it is not what an interrupted check wrote"),
        ("songs", [{"name": "t"}], "it is not what an interrupted check wrote"),
        ("persona", {"song": {"id": "x"}}, "it is not what an interrupted check wrote"),
        ("persona", "p", "it is not what an interrupted check wrote"),
        ("cases", {"key-is-required": {}}, "it is not what an interrupted check wrote"),
        ("cases", {"key-is-required": {"case": "x", "skipped": None, "findings": [{}]}}, "it is not what"),
        ("cases", [], "it is not what an interrupted check wrote"),
        ("seen", [1], "it is not what an interrupted check wrote"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, pointer: str, value: Any, reason: str
) -> None:
    data = kept(tmp_path)
    *above, last = pointer.split("/")
    node = data[above[0]] if above else data
    node[last] = value

    with standing() as provided, pytest.raises(UnfitFile, match=reason):
        provided.ledger().go_on(json.dumps(data))


def test_two_runs_do_not_share_a_file(tmp_path: Path) -> None:
    run, file = {"provider": "kie"}, tmp_path / "kept.json"

    with (
        Ledger(run, file=file).alone(),
        pytest.raises(UnfitFile, match="another run is using it"),
        Ledger(run, file=file).alone(),
    ):
        pass
    with Ledger(run, file=file).alone():
        assert [one.name for one in tmp_path.iterdir()] == ["kept.json.lock"]

    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_one_to_begin_with() -> None:
    ledger = Ledger({"provider": "kie"})

    ledger.go_on("\n")

    assert (ledger.spent, ledger.done) == (0, {})


@pytest.mark.parametrize("text", ["{", "[]", "null", "[" * 100_000, '{"format": 1}'])
def test_what_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(UnfitFile, match="it is not what an interrupted check wrote"):
        Ledger({"provider": "kie"}).go_on(text)


def test_a_file_that_cannot_be_written_any_more_ends_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with standing() as provided:
        ledger = provided.ledger(file=folder / "kept.json")
        provided.on_sleep = lambda _: _gone(folder)

        outcome = provided.run(small(tmp_path), ledger=ledger)

        assert outcome.told == [("error", "unfinished-run", "")]
        assert "cannot be put down any more" in outcome.checked.findings[0].message
        assert provided.spent == 0
        with pytest.raises(Unkept, match="No such file or directory"):
            ledger.keep()


def _gone(folder: Path) -> None:
    if folder.exists():
        rmtree(folder)
