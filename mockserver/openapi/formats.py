"""The formats we check, each by a small function of our own; `FORMATS` is jsonschema's way to ask them."""

from __future__ import annotations

import ipaddress
import math
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver.openapi.pattern import PatternError, compiled

if TYPE_CHECKING:
    from jsonschema import FormatChecker

    FORMATS: FormatChecker

# Spelled as text: `re` compiles each at its first use and keeps it, so importing this module stays cheap.
_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
_DURATION = (
    r"P(?!\Z)(?:[0-9]+W|(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?)"
)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LOCAL = rf'(?:{_ATOM}+(?:\.{_ATOM}+)*|"(?:[^"\\\r\n]|\\.)*")'
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = rf"{_LABEL}(?:\.{_LABEL})*"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=:@/?\-"
_ENCODED = r"%[0-9A-Fa-f]{2}"
_FOREIGN = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000effff"
_VARIABLE = rf"(?:[A-Za-z0-9_.]|{_ENCODED})+(?:\*|:[1-9][0-9]{{0,3}})?"
_TEMPLATE = (
    rf"(?:[^\x00-\x20\"'%<>\\^`{{|}}\x7f]|{_ENCODED}|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*"
)
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_POINTER = r"(?:/(?:[^~/]|~[01])*)*"
_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_LARGEST_FLOAT = 3.4028234663852886e38


def _full(pattern: str, text: str) -> re.Match[str] | None:
    return _expression(pattern).fullmatch(text)


# `re` has a memory of its own, but asking it takes 0.4 µs where this takes 0.1.
@lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _is_date(text: str) -> bool:
    found = _full(_DATE, text)
    if not found:
        return False
    year, month, day = map(int, found.groups())
    # The year 0000 is fine by RFC 3339, though not by datetime; it was a leap year as 2000 was.
    return 1 <= month <= 12 and 1 <= day <= monthrange(year or 2000, month)[1]


def _is_time(text: str) -> bool:
    found = _full(_TIME, text)
    if not found:
        return False
    hour, minute, second, away, ahead = (int(found[i] or 0) for i in (1, 2, 3, 5, 6))
    if hour > 23 or minute > 59 or second > 60 or away > 23 or ahead > 59:
        return False
    return second < 60 or _ends_the_day(hour, minute, away * 60 + ahead, found[4] or "+")


def _ends_the_day(hour: int, minute: int, offset: int, sign: str) -> bool:
    """A leap second comes at the end of a UTC day only."""
    local = hour * 60 + minute
    return (local - offset if sign == "+" else local + offset) % 1440 == 1439


def _is_date_time(text: str) -> bool:
    return text[10:11] in ("T", "t") and _is_date(text[:10]) and _is_time(text[11:])


def _is_duration(text: str) -> bool:
    return _full(_DURATION, text) is not None


def _is_hostname(text: str) -> bool:
    return len(text) <= 253 and _full(_HOSTNAME, text) is not None


def _is_idn_hostname(text: str) -> bool:
    if not text or text != text.strip() or re.search(r"[\x00-,/:-@\[-`{-\x9f]", text):
        return False
    try:
        return _is_hostname(text.encode("idna").decode("ascii"))
    except UnicodeError:
        return False


def _is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return (
        len(local) <= 64
        and _full(_LOCAL, local) is not None
        and (_is_hostname(domain) or _is_literal(domain))
    )


def _is_idn_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    plain = "".join("x" if ord(char) > 0xA0 else char for char in local)
    return _full(_LOCAL, plain) is not None and (_is_idn_hostname(domain) or _is_literal(domain))


def _is_literal(domain: str) -> bool:
    """An address in brackets, as in `me@[127.0.0.1]`."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return False
    inner = domain[1:-1]
    return _is_ipv6(inner[5:]) if inner.startswith("IPv6:") else _is_ipv4(inner)


def _is_ipv4(text: str) -> bool:
    try:
        return text.isascii() and bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def _is_ipv6(text: str) -> bool:
    try:
        return text.isascii() and "%" not in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def _is_reference(text: str, foreign: str = "") -> bool:
    """A URI or a relative one; the characters of `foreign` are allowed too."""
    allowed = rf"(?:[{_PLAIN}{foreign}]|{_ENCODED})*"
    authority = rf"//(?:[{_PLAIN.replace('/?', '')}{foreign}]|{_ENCODED}|\[[0-9A-Fa-f:.vV]+\])*(?=[/?#]|\Z)"
    if not _full(rf"(?:{_SCHEME})?(?:{authority})?{allowed}(?:#{allowed})?", text):
        return False
    if not _full(rf"{_SCHEME}.*", text) and ":" in re.split("[/?#]", text, maxsplit=1)[0]:
        return False
    return _has_good_authority(text)


def _has_good_authority(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.port is None or parts.port >= 0
    except ValueError:
        return False


def _is_uri(text: str, foreign: str = "") -> bool:
    if not _full(rf"{_SCHEME}.+", text) or not _is_reference(text, foreign):
        return False
    return urlsplit(text).scheme not in ("http", "https") or bool(urlsplit(text).hostname)


def _is_iri(text: str) -> bool:
    return _is_uri(text, _FOREIGN)


def _is_iri_reference(text: str) -> bool:
    return _is_reference(text, _FOREIGN)


def _is_uri_template(text: str) -> bool:
    return _full(_TEMPLATE, text) is not None


def _is_uuid(text: str) -> bool:
    return _full(_UUID, text) is not None


def _is_pointer(text: str) -> bool:
    return _full(_POINTER, text) is not None


def _is_relative_pointer(text: str) -> bool:
    return _full(rf"(?:0|[1-9][0-9]*)(?:#|{_POINTER})", text) is not None


def _is_regex(text: str) -> bool:
    # \A, \Z and \a are Python's, not ECMAScript's.
    if re.search(r"(?<!\\)(?:\\\\)*\\[AZa]", text):
        return False
    try:
        return bool(compiled(text)) or True
    except PatternError:
        return False


def _is_base64(text: str) -> bool:
    return _full(_BASE64, text) is not None


def _fits_bits(bits: int) -> Callable[[object], bool]:
    def fits(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        whole = isinstance(value, int) or value.is_integer()
        return whole and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)

    return fits


def _is_float(value: object) -> bool:
    return _is_finite(value, _LARGEST_FLOAT)


def _is_double(value: object) -> bool:
    return _is_finite(value, 1.7976931348623157e308)


def _is_finite(value: object, largest: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    return not (isinstance(value, float) and math.isnan(value)) and -largest <= value <= largest


def _of_text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


_TEXT: Mapping[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "date": _is_date,
    "time": _is_time,
    "duration": _is_duration,
    "email": _is_email,
    "idn-email": _is_idn_email,
    "hostname": _is_hostname,
    "idn-hostname": _is_idn_hostname,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "uri": _is_uri,
    "uri-reference": _is_reference,
    "iri": _is_iri,
    "iri-reference": _is_iri_reference,
    "uri-template": _is_uri_template,
    "uuid": _is_uuid,
    "json-pointer": _is_pointer,
    "relative-json-pointer": _is_relative_pointer,
    "regex": _is_regex,
    "byte": _is_base64,
    "base64": _is_base64,
}
_NUMBERS: Mapping[str, Callable[[object], bool]] = {
    "int32": _fits_bits(32),
    "int64": _fits_bits(64),
    "float": _is_float,
    "double": _is_double,
}


# Addresses are sent again and again, and reading one takes 6 µs; a long text is not kept.
_ADDRESSES = frozenset(("uri", "uri-reference", "iri", "iri-reference"))
_LONG = 300


def of_texts(name: str) -> Callable[[str], bool] | None:
    """The check of a text by a format; None where the format says nothing of texts."""
    check = _TEXT.get(name)
    if check is _is_uuid:
        # Nearly every id is one: read by its pattern at once it takes 0.3 µs, by the function 0.45.
        match = _expression(_UUID).fullmatch
        return lambda text: match(text) is not None
    if check is None or name not in _ADDRESSES:
        return check
    return lambda text: _is_address(name, text) if len(text) < _LONG else check(text)


@lru_cache(maxsize=512)
def _is_address(name: str, text: str) -> bool:
    return _TEXT[name](text)


def of_numbers(name: str) -> Callable[[object], bool] | None:
    """The check of a number by a format; None where the format says nothing of numbers."""
    return _NUMBERS.get(name)


@lru_cache(maxsize=1)
def _checker() -> FormatChecker:
    # Imported here: whoever only asks the functions above does not pay 40 ms for jsonschema.
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, check in _TEXT.items():
        checker.checks(name)(_of_text(check))
    for name, fits in _NUMBERS.items():
        checker.checks(name)(fits)
    return checker


def __getattr__(name: str) -> Any:
    """`FORMATS`, made when it is first asked for."""
    if name != "FORMATS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _checker()
