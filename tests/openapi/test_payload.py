"""JSON as it comes in: what is read, what is not and why, and where keys stand twice."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.openapi.payload import MAX_DEPTH, read_json, write_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
# Characters of which JSON is made, and some that break it.
SCRAPS = st.lists(st.sampled_from([*'{}[],:"\\ \n0123456789.eE+-truefalsn', "\\u", "d8", "\ud800", "é"]))


@given(VALUES)
def test_what_json_writes_is_read_as_it_was(value: Any) -> None:
    payload = read_json(write_json(value))

    assert (payload.value, payload.fault, payload.duplicates) == (value, None, ())


@given(st.binary(max_size=200) | SCRAPS.map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_told_and_what_is_read_can_be_written(raw: bytes) -> None:
    payload = read_json(raw)

    if payload.fault is None:
        assert read_json(write_json(payload.value)).value == payload.value
    else:
        assert payload.value is None


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "not JSON: Expecting value at line 1 column 1"),
        (b"{\n]", "not JSON: Expecting property name enclosed in double quotes at line 2 column 1"),
        (b"[1] 2", "not JSON: Extra data at line 1 column 5"),
        (b"\xef\xbb\xbf{}", "not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at line 1 column 1"),
        (b"[nan]", "not JSON: Expecting value at line 1 column 2"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[1e400]", "1e400 is beyond the range of numbers"),
        (b"[-1" + b"0" * 400 + b".5]", "-1" + "0" * 38 + " is beyond the range of numbers"),
        (b"[" + b"7" * 5000 + b"]", "a number with too many digits"),
        (b'"\xff"', "invalid UTF-8 at byte 1"),
        (b'["\xed\xa0\x80"]', "invalid UTF-8 at byte 2"),
        (rb'["\uD800"]', "a lone surrogate, which is half a character"),
        (rb'{"\udfff": 1}', "a lone surrogate, which is half a character"),
        (rb'["\ud800\u0041"]', "a lone surrogate, which is half a character"),
    ],
)
def test_what_is_not_json_is_told_why(raw: bytes, fault: str) -> None:
    assert read_json(raw).fault == fault


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b" \r\n\t7 ", 7),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\\ud800"', "\\ud800"),
        (b"1e-400", 0.0),
        (b"-0", 0),
        (b"1" + b"0" * 400, 10**400),
        (b'"NaN"', "NaN"),
        (b'"\x7f"', "\x7f"),
    ],
)
def test_what_only_looks_odd_is_read(raw: bytes, value: Any) -> None:
    assert read_json(raw).value == value


@pytest.mark.parametrize(("begin", "end"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_a_value_may_be_64_levels_deep_and_no_more(begin: bytes, end: bytes) -> None:
    step = begin.count(b"[") + begin.count(b"{")
    inner = b"[]" if step == 1 else b"1"

    def nested(levels: int) -> bytes:
        times = levels // step - (step == 1)
        return begin * times + inner + end * times

    assert read_json(nested(MAX_DEPTH)).fault is None
    assert read_json(nested(MAX_DEPTH + step)).fault == "nested deeper than 64 levels"


def test_brackets_in_texts_are_no_levels() -> None:
    assert read_json(json.dumps(["[{" * 1000] * 70).encode()).fault is None


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_very_deep_nesting_is_told_at_once(raw: bytes) -> None:
    began = time.monotonic()

    assert read_json(raw).fault == "nested deeper than 64 levels"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("raw", "value", "twice"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}, ["/a"]),
        (b'{"a": 1, "a": 2, "a": 3}', {"a": 3}, ["/a"]),
        (rb'{"a": 1, "\u0061": 2}', {"a": 2}, ["/a"]),
        (b'{"b": [0, {"x/y": 1, "x/y": 2}], "a": {"~": 1, "~": 2}}', None, ["/a/~0", "/b/1/x~1y"]),
        (b'{"a": {"b": 1, "b": 2}, "a": {"c": 1}}', {"a": {"c": 1}}, ["/a"]),
        (b'[{"a": 1}, {"a": 1}]', [{"a": 1}, {"a": 1}], []),
        (b'{"": 1, "": 2}', {"": 2}, ["/"]),
    ],
)
def test_of_keys_that_stand_twice_the_last_counts_and_its_pointer_is_told(
    raw: bytes, value: Any, twice: list[str]
) -> None:
    payload = read_json(raw)

    assert list(payload.duplicates) == twice
    assert value is None or payload.value == value


def test_of_very_many_keys_that_stand_twice_the_first_are_told() -> None:
    objects = b"[" + b",".join([b'{"a":1,"a":2}'] * 100_000) + b"]"
    keys = b"{" + b",".join(b'"%d":1,"%d":2' % (n, n) for n in range(50_000)) + b"}"

    began = time.monotonic()
    found = [read_json(raw).duplicates for raw in (objects, keys)]

    assert [len(duplicates) for duplicates in found] == [100, 100]
    assert set(found[0]) == {f"/{number}/a" for number in range(100)}
    assert time.monotonic() - began < 5


def test_what_is_written_is_compact_and_keeps_its_order() -> None:
    assert write_json({"b": [1, 2.5, None], "a": "größe"}) == '{"b":[1,2.5,null],"a":"größe"}'.encode()
