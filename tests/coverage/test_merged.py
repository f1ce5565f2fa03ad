"""Several reports as one: of the workers of a run, of worlds with different quirks."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.coverage import as_json, merged
from mockserver.domain.outcome import NAMES
from tests.coverage.reports import kinds, report_of

NOTHING = {"covered": 0, "total": 0, "percent": 100.0, "providers": {}}

outcomes = st.dictionaries(st.sampled_from([*NAMES[:6], "http-404", "http-5XX"]), st.integers(0, 3))
states = st.dictionaries(st.sampled_from(["PENDING", "SUCCESS"]), st.integers(0, 3))
operations = st.dictionaries(st.sampled_from(["one", "two"]), st.builds(kinds, outcomes, states), min_size=1)
providers = st.dictionaries(st.sampled_from(["kie", "own"]), operations)
reports = providers.map(lambda found: report_of(**found))


def pairs(shown: dict[str, Any]) -> dict[tuple[str, ...], int]:
    """The counts of a report, without any order."""
    return {
        (provider, operation, kind, name): count
        for provider, part in shown["providers"].items()
        for operation, found in part["operations"].items()
        for kind, counted in found.items()
        for name, count in counted.items()
    }


def test_counts_of_the_same_pair_are_added() -> None:
    one = report_of(kie={"getCredits": kinds({"success": 2, "unauthorized": 0}, {"PENDING": 1})})
    other = report_of(kie={"getCredits": kinds({"success": 3, "unauthorized": 1}, {"PENDING": 4})})

    assert merged([one, other]) == {
        "covered": 3,
        "total": 3,
        "percent": 100.0,
        "providers": {
            "kie": {
                "operations": {
                    "getCredits": {"outcomes": {"success": 5, "unauthorized": 1}, "states": {"PENDING": 5}}
                }
            }
        },
    }


def test_what_only_one_report_documents_is_kept() -> None:
    one = report_of(kie={"getCredits": kinds({"success": 1})})
    other = report_of(
        kie={"getCredits": kinds({"invalid": 0}, {"PENDING": 0}), "getTask": kinds({"success": 0})},
        own={"add": kinds({"http-404": 2})},
    )

    shown = merged([one, other])

    assert (shown["covered"], shown["total"], shown["percent"]) == (2, 5, 40.0)
    assert shown["providers"] == {
        "kie": {
            "operations": {
                "getCredits": kinds({"success": 1, "invalid": 0}, {"PENDING": 0}),
                "getTask": kinds({"success": 0}),
            }
        },
        "own": {"operations": {"add": kinds({"http-404": 2})}},
    }


def test_outcomes_stay_in_the_order_of_the_vocabulary() -> None:
    one = report_of(own={"add": kinds({"success": 0, "duplicate": 0, "http-404": 0}, {"B": 0})})
    other = report_of(own={"add": kinds({"unauthorized": 0, "duplicate": 0, "http-403": 0}, {"A": 0})})

    found = merged([one, other])["providers"]["own"]["operations"]["add"]

    assert list(found["outcomes"]) == ["success", "unauthorized", "duplicate", "http-404", "http-403"]
    assert list(found["states"]) == ["B", "A"]


def test_providers_and_operations_come_as_first_met() -> None:
    some = kinds({"success": 0})
    one = report_of(yuto={"b": some, "a": some})
    other = report_of(kie={"z": some}, yuto={"c": some, "a": some})

    shown = merged([one, other])["providers"]

    assert {name: list(part["operations"]) for name, part in shown.items()} == {
        "yuto": ["b", "a", "c"],
        "kie": ["z"],
    }
    assert list(shown) == ["yuto", "kie"]


def test_all_of_nothing_is_a_hundred_percent() -> None:
    assert merged([]) == NOTHING
    assert merged([NOTHING, NOTHING]) == NOTHING


def test_nearly_all_is_not_a_hundred_percent() -> None:
    met = report_of(own={"add": kinds({f"http-{number}": 1 for number in range(5000)})})
    unmet = report_of(own={"add": kinds({"success": 0})})

    assert merged([met, unmet])["percent"] == 99.9


def test_the_reports_are_left_as_they_are(real: Any) -> None:
    before = copy.deepcopy(real)

    shown = merged([real, real])
    shown["providers"]["kie"]["operations"]["getCredits"]["outcomes"]["success"] = 1000

    assert real == before


def test_a_real_report_merged_with_nothing_is_itself(real: Any) -> None:
    assert json.dumps(merged([real])) == json.dumps(real)


def test_a_world_merged_with_itself_covers_no_more(real: Any) -> None:
    shown = merged([real, real])

    assert [shown[key] for key in ("covered", "total", "percent")] == [
        real[key] for key in ("covered", "total", "percent")
    ]
    assert pairs(shown) == {pair: 2 * count for pair, count in pairs(real).items()}


@given(reports, reports)
def test_the_order_of_reports_changes_no_number(one: Any, other: Any) -> None:
    assert merged([one, other]) == merged([other, one])


@given(reports, reports, reports)
def test_reports_may_be_merged_by_and_by(one: Any, two: Any, three: Any) -> None:
    together = merged([one, two, three])

    assert json.dumps(merged([merged([one, two]), three])) == json.dumps(together)
    assert merged([one, merged([two, three])]) == together


@given(st.lists(reports))
def test_every_pair_is_the_sum_of_its_counts(several: list[Any]) -> None:
    shown = merged(several)

    found = pairs(shown)
    assert set(found) == {pair for one in several for pair in pairs(one)}
    assert all(count == sum(pairs(one).get(pair, 0) for one in several) for pair, count in found.items())
    assert shown["total"] == len(found)
    assert shown["covered"] == sum(1 for count in found.values() if count)


@pytest.mark.parametrize("name", ["grüße", "道", "\ud800"])
def test_as_json_reads_back_as_the_same_report(name: str) -> None:
    shown = report_of(**{name: {"add": kinds({"success": 1, "http-404": 0})}})

    text = as_json(shown)

    assert json.loads(text.encode("utf-8")) == shown
    assert text.startswith('{\n  "covered": 1,\n')
    assert text.endswith("}\n")
