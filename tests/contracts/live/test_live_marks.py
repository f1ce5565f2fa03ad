"""Which marks a run renews, and which it tells to be old; and how far it is, while it runs."""

from __future__ import annotations

from pathlib import Path

from tests.contracts.live.standin import RUN, TODAY, small, standing

# One entry of the file that stands for two cases.
TWO = (
    "    where: [mock, live]\n    request: {operation: getCredits}\n",
    "    where: [live]\n    for-each: [a, b]\n    request: {operation: getCredits, query: {q: '${each}'}}\n",
)
DIFFERS = (
    "    fact: A song becomes a persona once.\n",
    "    fact: A song becomes a persona once.\n    mark: {differs: 'the same id', seen: 2026-08-01}\n",
)
OLD = (
    "    fact: Nobody comes in without a key.\n",
    "    fact: Nobody comes in without a key.\n    mark: {recorded: 2026-08-23}\n",
)


def test_the_provider_itself_renews_the_marks_of_what_holds(tmp_path: Path) -> None:
    with standing() as provided:
        provided.always("getCredits", "server-error", match={"no": "body"})
        outcome = provided.run(small(tmp_path, TWO), is_provider=True)

    assert outcome.told == []
    note = next(note for note in outcome.checked.notes if note.startswith("marks renewed"))
    assert note == (
        f"marks renewed, {{recorded: {TODAY}}}: balance-is-a-number, name-is-required, key-is-required,"
        " finished-song-is-shown, song-becomes-a-persona, second-persona-is-refused, persona-sings"
    )


def test_what_held_in_a_run_before_is_marked_with_the_day_of_that_run(tmp_path: Path) -> None:
    cases, file = small(tmp_path), tmp_path / "kept.json"
    with standing() as provided:
        provided.run(cases, ledger=provided.ledger(file=file), today="2026-03-01", is_provider=True)
        later = provided.run(cases, ledger=provided.ledger(file=file), is_provider=True, max_age=30)

    renewed = [note for note in later.checked.notes if note.startswith("marks renewed")]
    assert [note.partition(":  ")[0].partition("}")[0] for note in renewed] == [
        "marks renewed, {recorded: 2026-03-01"
    ]
    assert {one[1] for one in later.told} == {"stale-mark"}


def test_a_mark_of_several_cases_is_renewed_where_all_hold(tmp_path: Path) -> None:
    with standing() as provided:
        # The second of the two is the third call at most.
        provided.bend = lambda call, answer: (
            answer(call)._replace(status=201) if call.target.endswith("q=b") else answer(call)
        )
        outcome = provided.run(small(tmp_path, TWO), is_provider=True)

    note = next(note for note in outcome.checked.notes if note.startswith("marks renewed"))
    assert "balance-is-a-number" not in note
    assert "key-is-required" in note


def test_what_was_not_run_is_not_renewed(tmp_path: Path) -> None:
    with standing() as provided:
        outcome = provided.run(small(tmp_path), budget=0, is_provider=True)

    note = next(note for note in outcome.checked.notes if note.startswith("marks renewed"))
    assert note.endswith(": balance-is-a-number, key-is-required")


def test_another_address_renews_nothing(tmp_path: Path) -> None:
    with standing() as provided:
        outcome = provided.run(small(tmp_path))

    assert "no mark is renewed, for this is not kie itself; 7 cases of its file hold" in outcome.checked.notes
    assert not any(note.startswith("marks renewed") for note in outcome.checked.notes)


def test_what_is_known_to_differ_and_does_is_told_as_seen_again(tmp_path: Path) -> None:
    with standing(quirk=("kie.duplicate=overwrite",)) as provided:
        differs = provided.run(small(tmp_path, DIFFERS), is_provider=True, max_age=90)
    with standing() as provided:
        holds = provided.run(small(tmp_path, DIFFERS), is_provider=True)

    assert differs.told == [("warning", "code", "second-persona-is-refused")]
    assert f"known to differ, seen again {TODAY}: second-persona-is-refused" in differs.checked.notes
    assert holds.told == []
    assert "known to differ until today, and it holds: second-persona-is-refused" in holds.checked.notes


def test_a_difference_excuses_no_silence(tmp_path: Path) -> None:
    with standing() as provided:
        provided.always("generateMusic", "server-error")
        cases = small(
            tmp_path,
            (
                DIFFERS[0]
                .replace("becomes a persona once", "is a success")
                .replace("A song", "A finished song"),
                "    fact: A finished song is a success.\n    mark: {differs: 'none', seen: 2026-08-01}\n",
            ),
        )
        outcome = provided.run(cases)

    assert outcome.told == [("error", "given", "finished-song-is-shown")]


def test_old_marks_are_warnings_where_they_are_not_renewed(tmp_path: Path) -> None:
    limit = "    fact: Twenty calls in ten seconds are let in.\n"
    told = "    fact: Maintenance has a code of its own.\n"
    old = "    mark: {recorded: 2026-08-23}\n"
    cases = small(tmp_path, OLD, (limit, limit + old), (told, told + old))
    with standing() as provided:
        elsewhere = provided.run(cases, max_age=90)
    with standing() as provided:
        younger = provided.run(cases, max_age=99)
    with standing() as provided:
        renewed = provided.run(cases, max_age=90, is_provider=True)
    with standing() as provided:
        provided.always("getCredits", "server-error")
        broken = provided.run(cases, max_age=90, is_provider=True)

    # Marks of what is for a mock alone, or nobody can bring about, are as old, and no run could renew them.
    assert elsewhere.told == [("warning", "stale-mark", "key-is-required")]
    assert elsewhere.checked.is_fine
    assert "99 days old (recorded 2026-08-23)" in elsewhere.checked.findings[0].message
    assert (younger.told, renewed.told) == ([], [])
    assert ("warning", "stale-mark", "key-is-required") in broken.told


def test_it_is_told_how_far_it_is_and_what_is_waited_for(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    with standing() as provided:
        provided.run(small(tmp_path), progress=lambda *line: told.append(line))

    assert told[0] == (0, RUN, "balance-is-a-number")
    assert told[-1] == (RUN, RUN, "")
    assert (3, RUN, "waiting for a song, 30 s of at most 300") in told
    assert [line[0] for line in told] == sorted(line[0] for line in told)
