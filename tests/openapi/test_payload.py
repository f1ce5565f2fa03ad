"""JSON as it comes in: what is read, what is not and why, and where keys stand twice."""

from __future__ import annotations

import json
import sys
import time
from collections import OrderedDict
from datetime import date
from enum import Enum, IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.openapi import payload
from mockserver.openapi.payload import MAX_DEPTH, read_json, read_strictly, write_json, write_strictly

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


# --- what is read and written quickly -----------------------------------------------------------------------

# Written out in many ways: spaced, escaped, with keys that stand twice and numbers at every edge.
NUMBERS = [
    "0",
    "-0",
    "-0.0",
    "1e5",
    "1E+5",
    "5e-324",
    "1e-400",
    "1e400",
    "0.1",
    "1.0",
    "1e16",
    "123456.789e3",
]
NUMBERS += [str(2**63 + step) for step in (-1, 0, 1)] + [str(2**64 + step) for step in (-1, 0, 1)]
NUMBERS += [
    str(-(2**63) - 1),
    "9" * 30,
    "9" * 400,
    "9" * 5000,
    "0." + "3" * 5000,
    "9007199254740993.0",
    "01",
    "1.",
]
TEXTS = [
    '"a"',
    '"b"',
    '""',
    '":"',
    '"\\u003a"',
    '"a:b"',
    '"\\\\u003a"',
    '"\\ud83d\\ude00"',
    '"\\ud83d"',
    '"é"',
]
TEXTS += ['"\\":"', '"{["', '"\x7f"', '"\x1f"', '"\\u0000"', '"http://x:1/"']
LEAVES = st.sampled_from([*NUMBERS, *TEXTS, "true", "false", "null", "NaN", "-Infinity", "nul"])
SPACE = st.sampled_from(["", "", "", " ", "\n", "\t\r"])
WRITTEN = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(st.tuples(SPACE, inner).map("".join), max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(st.sampled_from(TEXTS), SPACE, st.just(":"), SPACE, inner).map("".join)).map(
            lambda items: "{" + ",".join(items) + "}"
        )
    ),
    max_leaves=12,
)


@given(WRITTEN | SCRAPS.map("".join))
def test_a_body_is_read_as_pythons_own_reader_reads_it(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")

    assert repr(read_json(raw)) == repr(read_strictly(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":2}',
        rb'{"a":1,"a":2,"b":"\u003a"}',
        rb'{"a":1,"a":2,"b":"x\u003Ay"}',
        b'{"a":{"b":1,"b":2},"c":":"}',
        b'{"a":":","a":""}',
        b'[18446744073709551616]',
        b'{"a":[{"b":-9223372036854775809}]}',
        b'[10000000000000000000,1.0e5]',
        b'[' * 65 + b']' * 65,
        b'[' * 300 + b']' * 300,
    ],
)  # fmt: skip
def test_what_the_quick_reader_would_misread_is_read_strictly(raw: bytes) -> None:
    assert repr(read_json(raw)) == repr(read_strictly(raw))


def test_a_plain_body_is_read_and_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for strict in ("read_strictly", "write_strictly"):
        monkeypatch.setattr(payload, strict, lambda _: pytest.fail("took the slow way"))
    value = {
        "url": "http://127.0.0.1:9000/x",
        "weight": 0.65,
        "tags": ["größe", None, True, {"n": 2**63 - 1}],
    }

    for raw in (json.dumps(value), json.dumps(value, indent=2), json.dumps(value, separators=(",", ":"))):
        assert read_json(raw.encode()) == (value, None, ())
    assert read_json(write_json(value)).value == value


class Word(StrEnum):
    YES = "ja"


class Number(IntEnum):
    ONE = 1


class Plain(Enum):
    ONE = 1


class Text(str):
    pass


class Pair(NamedTuple):
    left: int
    right: int


def written(write: Any, value: Any) -> tuple[Any, str]:
    """The bytes, or the kind of error and what it says."""
    try:
        return write(value), ""
    except Exception as error:
        return type(error), str(error)


EDGES = [0.0001, 9.999999e-5, 1e-5, 1e-7, 1e15, 9999999999999998.0, 1e16, 1.5e16, 1e17, 1e22, 1.7e308, 5e-324]
CIRCLE: list[Any] = []
CIRCLE.append({"a": CIRCLE})
DEEP: list[Any] = []
for _ in range(400):
    DEEP = [DEEP]
VERY_DEEP: list[Any] = []
for _ in range(sys.getrecursionlimit() * 2):
    VERY_DEEP = [VERY_DEEP]


@pytest.mark.parametrize(
    "value",
    [
        *EDGES,
        *(-edge for edge in EDGES),
        -0.0,
        float("nan"),
        float("inf"),
        2**63,
        2**64,
        -(2**63) - 1,
        10**400,
        "".join(map(chr, range(0x300))),
        "\ud800",
        {"\ud800": 1},
        {1: 2, 1.5: 3, False: 4, None: 5},
        {(1, 2): 3},
        {Word.YES: Word.YES, Text("a"): Text("b")},
        [Number.ONE, True],
        Plain.ONE,
        {Plain.ONE: 1},
        (1, (2,)),
        Pair(1, 2),
        OrderedDict(b=1, a=2),
        {1, 2},
        b"a",
        date(2026, 1, 1),
        UUID(int=1),
        DEEP,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_value_is_written_as_pythons_own_writer_writes_it(value: Any) -> None:
    for held in (value, [value], {"a": {"b": [value]}}):
        assert written(write_json, held) == written(write_strictly, held)


@given(VALUES)
def test_any_value_is_written_as_pythons_own_writer_writes_it(value: Any) -> None:
    assert write_json(value) == write_strictly(value)


@pytest.mark.parametrize("value", [CIRCLE, VERY_DEEP], ids=["circle", "deep"])
def test_what_cannot_be_written_is_refused_as_ever(value: Any) -> None:
    refused, _ = written(write_json, value)

    assert refused in (ValueError, RecursionError)
    assert refused is written(write_strictly, value)[0]
