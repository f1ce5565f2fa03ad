from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.openapi.pattern import PatternError, compiled, matches, string_for


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\d$", "7"),
        (r"^[\w.-]+$", "a-b.c_9"),
        (r"^\p{L}+$", "añ語"),
        (r"^[\p{Lu}_]$", "É"),
        (r"^\p{Script=Greek}$", "λ"),
        (r"^\P{L}$", "1"),
        (r"^(?<year>\d{4})-\k<year>$", "2026-2026"),
        (r"^[^]$", "\n"),
        (r"^\u{1F600}\x41\u0042$", "😀AB"),
        (r"^\/path\/$", "/path/"),
        (r"^[[a]$", "["),
        (r"^[a&&b]+$", "&a"),
        (r"^[+--]$", ","),
        (r"^\cJ$", "\n"),
        (r"^[\]\\^-]+$", r"]\^-"),
        ("b", "abc"),
    ],
)
def test_pattern_has_its_ecmascript_meaning(pattern: str, text: str) -> None:
    assert matches(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\d$", "\u0667"),
        (r"^\w$", "é"),
        ("^a$", "a\n"),
        (r"^\p{Lu}$", "a"),
        ("[]", "a"),
        (r"^\D$", "1"),
        (r"^[\P{L}]$", "a"),
    ],
)
def test_pattern_matches_no_more_than_in_ecmascript(pattern: str, text: str) -> None:
    assert not matches(pattern, text)


@pytest.mark.parametrize("pattern", ["(", "[a", "a{2,1}", r"\p{Nonsense}", r"\p{L", "*"])
def test_what_is_no_pattern_is_named(pattern: str) -> None:
    with pytest.raises(PatternError, match="is no regular expression"):
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "low", "high"),
    [
        ("^[a-z]+$", 5, 8),
        ("^a*$", 5000, 5000),
        (r"^([0-9A-F]{2}:){5}[0-9A-F]{2}$", 0, None),
        (r"^[^\s@]+@[^\s@]+\.[a-z]{2,}$", 30, 40),
        ("^(ab|cde|f){2,}$", 7, 7),
        (r"(\d)-\1", 0, None),
        ("abc", 10, 20),
        (r"^\S{3}$", 3, 3),
        (r"[^a-zA-Z0-9 ]", 0, 1),
        ("^$", 0, 0),
        (r"^\W\D\s$", 0, None),
        (r"^[^\d\W]{4}$", 0, None),
    ],
)
def test_string_for_a_pattern_matches_and_keeps_its_length(pattern: str, low: int, high: int | None) -> None:
    made = [string_for(pattern, Random(seed), low, high) for seed in range(20)]

    assert None not in made
    for text in made:
        assert text is not None
        assert matches(pattern, text)
        assert low <= len(text) <= (high if high is not None else 1000)


@pytest.mark.parametrize(
    ("pattern", "low", "high"), [("^a{5}$", 6, None), ("^a{5}$", 0, 4), ("^(?!x)x$", 0, None)]
)
def test_no_string_is_made_where_there_is_none(pattern: str, low: int, high: int | None) -> None:
    assert string_for(pattern, Random(1), low, high) is None


@given(st.from_regex(r"\A[a-c\[\](){}|*+?.^$\\d-]{0,12}\Z"))
def test_no_text_breaks_the_reader(pattern: str) -> None:
    try:
        compiled(pattern)
    except PatternError:
        return

    text = string_for(pattern, Random(1))

    assert text is None or matches(pattern, text)
