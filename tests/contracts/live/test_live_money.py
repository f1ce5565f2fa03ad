"""What a run may cost: the plan says it before, the budget holds whatever the provider does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from contracts.live.plan import Prices, Stock, plan
from contracts.target import Call, Reply, Unanswered
from tests.contracts.live.standin import COST, Bend, StandIn, documents, packaged, small, standing

PLAN = """\
kie: 7 cases, 39 credits
  more only where a song fails or a refusal is none; --max-credits N is a limit
  25 credits: 2 songs and 1 persona to work with
  12 credits: persona-sings
  1 credit: song-becomes-a-persona
  1 credit: second-persona-is-refused
  not run, 1 case: nobody can bring about maintenance on demand
  not run, 1 case: it is for a mock alone"""
ORDER = [
    "balance-is-a-number",
    "name-is-required",
    "key-is-required",
    "finished-song-is-shown",
    "song-becomes-a-persona",
    "second-persona-is-refused",
    "persona-sings",
]


def planned(
    folder: Path, budget: float | None, stock: Stock | None = None
) -> tuple[list[str], float, list[str]]:
    """The names of what is run, its cost, and the plan as it is read."""
    file = small(folder)
    prices = Prices(file, documents()["kie"])
    made = plan(file, prices=prices, is_near=False, budget=budget, stock=stock or Stock())
    return [case.name for case in made.cases], made.cost, list(made.lines())


def test_a_plan_tells_cases_costs_and_what_is_not_run(tmp_path: Path) -> None:
    names, cost, lines = planned(tmp_path, None)

    assert sorted(lines) == sorted(PLAN.split("\n"))
    assert lines[0] == PLAN.split("\n")[0]
    assert (names, cost) == (ORDER, COST)


class Budget(NamedTuple):
    """A budget, and what a plan for it comes to, by hand."""

    allowed: float
    last: str
    cost: float
    cases: int


@pytest.mark.parametrize(
    "budget",
    [
        # A persona call that is to be refused may cost 1 where it is not.
        Budget(0, "key-is-required", 0, 2),
        Budget(1, "key-is-required", 0, 3),
        Budget(11, "key-is-required", 0, 3),
        Budget(12, "finished-song-is-shown", 12, 4),
        Budget(13, "song-becomes-a-persona", 13, 5),
        # The second persona costs 14 with the song, and one more were it made.
        Budget(14, "song-becomes-a-persona", 13, 5),
        Budget(15, "second-persona-is-refused", 14, 6),
        Budget(38, "second-persona-is-refused", 14, 6),
        Budget(39, "persona-sings", 39, 7),
    ],
    ids=str,
)
def test_a_plan_keeps_to_its_budget(tmp_path: Path, budget: Budget) -> None:
    names, cost, lines = planned(tmp_path, budget.allowed)

    assert (names[-1], cost, len(names)) == (budget.last, budget.cost, budget.cases)
    assert lines[1] == f"  never more than {budget.allowed:g}, whatever the answers"


def test_a_plan_counts_on_what_is_there(tmp_path: Path) -> None:
    names, cost, _ = planned(tmp_path, 14, Stock(fresh=3, songs=2, personas=1))
    begun = planned(tmp_path, 28, Stock(songs=2, begun=2))

    # One and one for the two personas, twelve for the song that is sung.
    assert (names, cost) == (ORDER, 14)
    assert begun[:2] == (ORDER, 15)


UNFINISHED = """  unfinished-song-is-shown:
    fact: A song is shown while it is made.
    page: page
    where: [mock, live]
    cost: 1
    given: {song: unfinished}
    request: {operation: getMusicDetails, query: {taskId: '${song.task}'}}
    expect: {status: 200, code: 200, outcome: success, body: {data: {status: TEXT_SUCCESS}}}
    then:
    - request: {operation: getMusicDetails, query: {taskId: '${song.task}'}}
      expect: {status: 200, body: {data: {response: {sunoData: [{id: '${song.id}'}, {id: '${song.ids.1}'}]}}}}
"""


def test_a_song_is_looked_at_in_the_making_and_then_serves_the_others(tmp_path: Path) -> None:
    cases = small(tmp_path, ("  song-becomes-a-persona:\n", f"{UNFINISHED}  song-becomes-a-persona:\n"))
    with standing() as provided:
        outcome = provided.run(cases)

        names = [case.name for case in outcome.plan.cases]
        assert names == [*ORDER[:3], "unfinished-song-is-shown", *ORDER[3:]]
        assert outcome.told == []
        assert (outcome.plan.cost, outcome.ledger.spent, provided.spent) == (COST + 1, COST + 1, COST)


def test_a_song_whose_task_alone_is_spoken_of_is_looked_at_at_once(tmp_path: Path) -> None:
    alone = UNFINISHED.partition("    then:")[0].replace("TEXT_SUCCESS", "PENDING")
    cases = small(tmp_path, ("  song-becomes-a-persona:\n", f"{alone}  song-becomes-a-persona:\n"))
    with standing() as provided:
        assert provided.run(cases).told == []


def test_an_overdrawn_budget_leaves_what_is_free(tmp_path: Path) -> None:
    names, cost, lines = planned(tmp_path, -5)

    assert (names, cost) == (["balance-is-a-number", "key-is-required"], 0)
    assert any("more than the 0 allowed" in line for line in lines)


# --- the budget, by the provider's own book -----------------------------------------------------------------


def takes_everything(at: StandIn) -> Bend:
    """A provider that makes a persona of whatever it is given, and is paid for each."""

    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        reply = answer(call)
        if not call.target.endswith("generate-persona") or reply.json["code"] == 200:
            return reply
        at.charged += 1
        return reply._replace(body=b'{"code": 200, "msg": "success", "data": {"personaId": "p"}}')

    return bend


def loses_answers(call: Call, answer: Callable[[Call], Reply]) -> Reply:
    """A provider that does what it is asked to, and whose answer is lost on the way."""
    reply = answer(call)
    if call.method == "POST":
        raise Unanswered("connection lost")
    return reply


def spoils_answers(call: Call, answer: Callable[[Call], Reply]) -> Reply:
    """One behind a gateway that knows nothing of what was done."""
    reply = answer(call)
    return reply._replace(status=504, body=b"<html>") if call.method == "POST" else reply


def after(first: Bend, then: Bend, call: Call, answer: Callable[[Call], Reply]) -> Reply:
    """Both bends, one upon the other."""
    return then(call, lambda asked: first(asked, answer))


def fails_songs(at: StandIn) -> None:
    at.always("generateMusic", "task-failed")


def overwrites(at: StandIn) -> None:
    at.always("generatePersona", "success")


BUDGETS = [0, 1, 2, 11, 12, 13, 14, 15, 23, 24, 25, 26, 27, 30, 37, 38, 39, 40, 45]


@pytest.mark.parametrize("bend", [None, loses_answers, spoils_answers])
def test_never_more_than_the_budget_is_spent(tmp_path: Path, bend: Bend | None) -> None:
    cases = small(tmp_path)

    for budget in BUDGETS:
        with standing() as provided:
            provided.bend = bend or provided.bend

            outcome = provided.run(cases, budget=budget)

            assert provided.spent <= outcome.ledger.spent <= budget


@pytest.mark.parametrize("spoils", [None, loses_answers, spoils_answers])
def test_never_more_than_the_budget_where_everything_is_accepted(tmp_path: Path, spoils: Bend | None) -> None:
    cases = small(tmp_path)

    for budget in BUDGETS:
        with standing() as provided:
            provided.bend = takes = takes_everything(provided)
            if spoils:
                provided.bend = partial(after, takes, spoils)

            outcome = provided.run(cases, budget=budget)

            assert provided.spent <= outcome.ledger.spent <= budget
            # Free as a refusal is, it is not even tried where there is nothing to pay a persona with.
            assert bool(provided.charged) == (budget >= 1)


@pytest.mark.parametrize("bend", [fails_songs, overwrites])
def test_never_more_than_the_budget_where_outcomes_stand(
    tmp_path: Path, bend: Callable[[StandIn], None]
) -> None:
    cases = small(tmp_path)

    for budget in BUDGETS:
        with standing(quirk=("kie.duplicate=overwrite",)) as provided:
            bend(provided)

            outcome = provided.run(cases, budget=budget)

            assert provided.spent <= outcome.ledger.spent <= budget


def says(code: str, at: StandIn) -> Bend:
    """A provider that takes everything, and says so in a code of its own."""

    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        if call.method != "POST" or "/generate" not in call.target:
            return answer(call)
        at.charged += 1 if call.target.endswith("generate-persona") else 12
        return Reply(200, [("content-type", "application/json")], b'{"code": %s, "data": {}}' % code.encode())

    return bend


@pytest.mark.parametrize("code", ['"200"', "0", "500", "501", "true", "null", '{"is": 200}', "200.5"])
def test_only_a_clear_refusal_costs_nothing(tmp_path: Path, code: str) -> None:
    cases = small(tmp_path)

    for budget in (1, 12, 13, 14, 24, 25, 39):
        with standing() as provided:
            provided.bend = says(code, provided)

            outcome = provided.run(cases, budget=budget)

            assert provided.spent <= outcome.ledger.spent <= budget


FREE_BY_ITS_WORDS = (
    "    cost: 12\n    given: {song: finished, persona: made}\n",
    "    given: {song: finished, persona: made}\n",
)


def test_a_case_that_says_no_cost_costs_what_its_calls_do(tmp_path: Path) -> None:
    cases = small(tmp_path, FREE_BY_ITS_WORDS)

    for budget in BUDGETS:
        with standing() as provided:
            outcome = provided.run(cases, budget=budget)

            assert provided.spent <= outcome.ledger.spent <= budget
            assert outcome.plan.cost <= budget


@pytest.mark.parametrize("name", ["kie", "crun", "evolink", "yuto"])
def test_every_packaged_file_says_what_each_call_costs(name: str) -> None:
    document, file = documents()[name], packaged(name)

    changing = {one.name for one in document.operations() if one.method not in ("GET", "HEAD")}
    assert set(file.live["prices"]) == changing


def test_a_call_without_a_price_is_taken_for_the_dearest(tmp_path: Path) -> None:
    extends = """  extend-needs-a-model:
    fact: A track is extended with a model.
    page: page
    where: [mock, live]
    request: {operation: extendMusic, body: {defaultParamFlag: false}}
    expect: {status: 200, code: 422, outcome: invalid}
"""
    cases = small(tmp_path, ("  persona-sings:\n", f"{extends}  persona-sings:\n"))

    made = {
        budget: plan(cases, prices=Prices(cases, documents()["kie"]), is_near=False, budget=budget)
        for budget in (11, 12)
    }

    names = {budget: [case.name for case in one.cases] for budget, one in made.items()}
    assert "extend-needs-a-model" not in names[11]
    assert "extend-needs-a-model" in names[12]


def test_what_is_accepted_against_expectation_is_counted(tmp_path: Path) -> None:
    with standing() as provided:
        provided.bend = takes_everything(provided)

        outcome = provided.run(small(tmp_path))

        accepted = [one[2] for one in outcome.told if one[1] == "code"]
        assert accepted == ["name-is-required", "second-persona-is-refused"]
        assert provided.spent == outcome.ledger.spent == COST + 2


def test_a_case_that_comes_to_cost_too_much_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    with standing() as provided:
        # The first song fails, so one more is bought, and too little is left.
        provided.control(
            "POST", "outcomes", {"provider": "kie", "operation": "generateMusic", "outcome": "task-failed"}
        )

        outcome = provided.run(small(tmp_path), budget=39)

        assert outcome.told == []
        assert outcome.ledger.spent <= 39
        assert any("credits, and " in note and "of 39 are left" in note for note in outcome.checked.notes)


@pytest.mark.parametrize("budget", [13, 15, 20, 27, 39])
def test_a_budget_holds_over_an_interruption(tmp_path: Path, budget: float) -> None:
    cases, file = small(tmp_path), tmp_path / "kept.json"

    with standing() as provided:
        for stop in range(1, 25, 4):
            provided.calls.clear()
            provided.bend = stops_after(provided, stop)
            provided.run(cases, ledger=provided.ledger(budget=budget, file=file))

        assert provided.spent <= provided.ledger(file=file).spent <= budget


def stops_after(at: StandIn, count: int) -> Bend:
    """Somebody presses Ctrl-C when the n-th call has been answered."""

    def bend(call: Call, answer: Callable[[Call], Reply]) -> Reply:
        reply = answer(call)
        if len(at.calls) == count:
            raise KeyboardInterrupt
        return reply

    return bend


def test_an_answer_that_is_lost_is_counted_as_spent(tmp_path: Path) -> None:
    with standing() as provided:
        provided.bend = loses_answers

        outcome = provided.run(small(tmp_path))

        # The persona without a name is refused, and nobody hears it; a song is made, and nobody knows it.
        assert (provided.spent, outcome.ledger.spent) == (12, 1 + 12)
        assert provided.posts("generateMusic") == 1
        assert ("error", "unanswered", "finished-song-is-shown") in outcome.told
