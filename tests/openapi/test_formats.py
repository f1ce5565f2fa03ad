from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.openapi.formats import FORMATS

VALID: dict[str, list[Any]] = {
    "date-time": [
        "2026-02-28T23:59:59Z",
        "2024-02-29t00:00:00.123456789z",
        "1998-12-31T23:59:60Z",
        "1998-12-31T15:59:60.5-08:00",
        "0000-01-01T00:00:00+23:59",
    ],
    "date": ["2024-02-29", "2000-02-29", "0001-01-01"],
    "time": ["08:30:06Z", "08:30:06.283185+05:30", "23:59:60Z", "01:29:60+01:30"],
    "duration": ["P1Y", "P3Y6M4DT12H30M5S", "PT36H", "P4W", "P1DT12H", "PT0S"],
    "email": [
        "joe.bloggs@example.com",
        "te~st+x@localhost",
        '"joe bloggs"@example.com',
        "me@[127.0.0.1]",
        "a@[IPv6:::1]",
    ],
    "idn-email": ["실례@실례.테스트", "joe@example.com"],
    "hostname": ["www.example.com", "xn--4gbwdl.xn--wgbh1c", "a", "1host", "h.1", "a" * 63],
    "idn-hostname": ["실례.테스트", "bücher.example", "example.com"],
    "ipv4": ["192.0.2.1", "0.0.0.0", "255.255.255.255"],
    "ipv6": ["::", "::1", "2001:db8::ff", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8"],
    "uri": [
        "http://foo.bar/?baz=qux#quux",
        "http://foo.bar/?q=Test%20URL-encoded",
        "http://[2001:db8::7]:8080/c=GB",
        "mailto:me@example.com",
        "urn:oasis:names:1.2",
        "https://user:pass@example.com:443/a;b=c",
        "tel:+1-816-555-1212",
    ],
    "uri-reference": ["http://foo.bar/", "//foo.bar/x", "/abc", "abc", "#fragment", "", "?q=1", "./a:b"],
    "iri": ["http://ƒøø.ßår/?∂éœ=πîx#πîüx", "http://例え.jp/パス", "http://foo.bar/"],
    "iri-reference": ["/âππ", "#ƒrägmênt", "http://ƒøø.com/"],
    "uri-template": ["http://example.com/{term:1}/{+path}{?q,r*}", "/plain", "/a{b.c}"],
    "uuid": [
        "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
        "2EB8AA08-AA98-11EA-B4AA-73B441D16380",
        "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
    ],
    "json-pointer": ["", "/", "/foo/0", "/a~1b/m~0n", "/ "],
    "relative-json-pointer": ["0", "1/foo", "0#", "120/foo/bar"],
    "regex": ["^a+$", r"\d{2,}", r"\p{L}+", "(?<year>[0-9]{4})", "[^]", ""],
    "byte": ["", "aGVsbG8=", "aGk=", "QQ==", "AAAA"],
    "base64": ["+/8="],
    "int32": [0, -(2**31), 2**31 - 1, 3.0, True, "99999999999"],
    "int64": [2**63 - 1, -(2**63), 3.0],
    "float": [1.5, -3.4e38, 7],
    "double": [1.7e308, 10**300],
    "password": ["anything", 1],
    "binary": ["\x00"],
    "unheard-of": ["anything"],
}

INVALID: dict[str, list[Any]] = {
    "date-time": [
        "2026-02-29T00:00:00Z",
        "2026-02-28 00:00:00Z",
        "2026-02-28T00:00:00",
        "2026-02-28T24:00:00Z",
        "1998-12-31T22:59:60Z",
        "2026-13-01T00:00:00Z",
        "2026-02-28T00:00:00+24:00",
        "2026-02-28T00:00:00.Z",
        "2026-02-28T00:00:00Z\n",
        "1963-06-1\u0663T08:30:06Z",
        "",
    ],
    "date": [
        "2026-02-29",
        "1900-02-29",
        "2026-2-1",
        "26-02-01",
        "2026-04-31",
        "2026-01-01T00:00:00Z",
        "2026-00-10",
    ],
    "time": ["08:30:06", "8:30:06Z", "24:00:00Z", "12:60:00Z", "12:00:61Z", "22:59:60Z", "08:30:06 PST"],
    "duration": ["P", "PT", "P1", "4DT", "P1YT", "PT1D", "P1D2H", "P2S", "P1W2D", "P1Y1W", "p1d", "P1.5D"],
    "email": [
        "2962",
        "@example.com",
        "joe@",
        ".a@example.com",
        "a..b@example.com",
        "a b@example.com",
        "a@b@c",
        "a@-b.com",
    ],
    "idn-email": ["실례", "@실례.테스트", "실 례@실례.테스트"],
    "hostname": [
        "",
        "-a.com",
        "a-.com",
        "a..b",
        "not_valid",
        "a" * 64,
        ".".join(["a" * 50] * 6),
        "example.com.",
        "é.com",
        "a b",
    ],
    "idn-hostname": ["", "a..b", "bücher_x.example", " a", "〮a\x00"],
    "ipv4": ["127.0.0.0.1", "256.1.1.1", "1.2.3", "01.2.3.4", "1.2.3.4/24", "0x7f.1.1.1", "\u0661.2.3.4", ""],
    "ipv6": ["12345::", ":::", "1::2::3", "::1%eth0", "1:2:3:4:5:6:7", "::abcg", ""],
    "uri": [
        "//foo.bar/x",
        "/abc",
        "abc",
        "http:// shouldfail.com",
        "http://foo.bar/a b",
        "http://foo.bar/\\x",
        "http://foo.bar/%zz",
        "http://foo.bar/<>",
        "http://foo.bar/{x}",
        "http://ƒøø.ßår/",
        "http://",
        "https:///path",
        ":// should fail",
        "http://a:b8080/",
        "http://foo.bar/\n",
        "http://[::1",
        "1http://x",
        "",
    ],
    "uri-reference": ["\\\\WINDOWS\\share", "a b", "#frag\\ment", "1a:b", "%x"],
    "iri": ["/abc", "âππ", "http://a b", "http://example.com/\ud800"],
    "iri-reference": ["\\\\WINDOWS", "#ƒräg\\mênt"],
    "uri-template": ["http://example.com/{term", "/a}b", "/{a b}", "/{}"],
    "uuid": [
        "2eb8aa08-aa98-11ea-b4aa-73b441d1638",
        "2eb8aa08aa9811eab4aa73b441d16380",
        "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
        "",
    ],
    "json-pointer": ["a", "/a~", "/a~2", "#/a"],
    "relative-json-pointer": ["-1/foo", "01/a", "/foo", "0##", ""],
    "regex": ["^(abc", "[a", "a{2,1}", r"\Z", "(?<a", "*"],
    "byte": ["aGVsbG8", "a===", "a-_=", "aGk=\n", "a", "===="],
    "base64": ["%"],
    "int32": [2**31, -(2**31) - 1, 1.5, 1e20],
    "int64": [2**63, 0.1],
    "float": [1e39, float("inf"), float("nan")],
    "double": [10**400, float("inf")],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in VALID.items() for value in values]
)
def test_value_of_the_format_is_accepted(name: str, value: Any) -> None:
    assert FORMATS.conforms(value, name)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in INVALID.items() for value in values]
)
def test_value_that_breaks_the_format_is_refused(name: str, value: Any) -> None:
    assert not FORMATS.conforms(value, name)


@pytest.mark.parametrize(
    "name", [name for name in INVALID if name not in ("int32", "int64", "float", "double")]
)
def test_formats_of_text_say_nothing_about_other_values(name: str) -> None:
    values: list[Any] = [12, 1.5, None, True, [], {}]

    for value in values:
        assert FORMATS.conforms(value, name)


@pytest.mark.parametrize("name", ["int32", "int64", "float", "double"])
def test_formats_of_numbers_say_nothing_about_other_values(name: str) -> None:
    values: list[Any] = ["text", None, [], {}]

    for value in values:
        assert FORMATS.conforms(value, name)


@given(st.datetimes(), st.integers(-23 * 60, 23 * 60))
def test_every_moment_is_a_date_time(moment: Any, offset: int) -> None:
    sign = "-" if offset < 0 else "+"
    zone = f"{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"

    assert FORMATS.conforms(f"{moment.isoformat()}{zone}", "date-time")


@given(st.text(), st.sampled_from(sorted(INVALID)))
def test_no_text_breaks_a_check(text: str, name: str) -> None:
    assert FORMATS.conforms(text, name) in (True, False)
