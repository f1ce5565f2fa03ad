"""The x- rules: what JSON Schema cannot say of a value, checked beside it as one more keyword."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from mockserver.openapi.hosts import HostAndPort, host_and_port, is_internal, is_loopback
from mockserver.openapi.source import Json

Rule = Mapping[str, Json]
Field = tuple[str, ...]


class Broken(NamedTuple):
    """How a value breaks an x- rule: in words, what was wanted, and at which field."""

    message: str
    wanted: Json
    path: Field = ()


class Rules:
    """The x- rules for one set of hosts that plain http may reach."""

    def __init__(self, allowed_hosts: frozenset[str]) -> None:
        self._allowed = frozenset(map(host_and_port, allowed_hosts))

    def broken(self, rule: Rule, instance: Json, schema: Json) -> Broken | None:
        """How the value breaks the rule; None where it does not."""
        if rule["rule"] == "https":
            return _https(instance, self._allowed)
        return (
            _difference(rule, instance, schema) if rule["rule"] == "difference" else _member(rule, instance)
        )

    def check(self, rule: Rule, schema: Json) -> Callable[[Json], bool]:
        """A function of one value: does it keep the rule, which stands in this schema?"""
        if rule["rule"] == "https":
            allowed = self._allowed
            return lambda value: _https(value, allowed) is None
        if rule["rule"] == "difference":
            return _Window(rule, schema).keeps
        return lambda value: _member(rule, value) is None


# --- difference ---------------------------------------------------------------------------------------------


def _difference(rule: Rule, instance: Json, schema: Json) -> Broken | None:
    low, high = rule["of"]
    first, second = _number(rule, instance, schema, low), _number(rule, instance, schema, high)
    if first is None or second is None or _within(difference := second - first, rule):
        return None
    wanted = _range(rule)
    message = f"{high} - {low} is {_plain(difference)}, wanted {wanted}"
    return Broken(message, wanted, (high,) if high in instance else (low,))


def _number(rule: Rule, instance: Json, schema: Json, name: str) -> Decimal | None:
    """A field's number; its documented default stands in where the rule says that defaults count."""
    if not isinstance(instance, dict):
        return None
    value = instance.get(name, _default(rule, schema, name))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # As it was written: in binary fractions 32.02 - 2.02 is more than 30.
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def _default(rule: Rule, schema: Json, name: str) -> Json:
    return schema.get("properties", {}).get(name, {}).get("default") if rule.get("defaults") else None


# So far from a bound, and with numbers so small, no rounding of a float changes on which side it is.
_CLEAR = 1e-6
_SMALL = 10**6
_NUMBERS: frozenset[Json] = frozenset((int, float))


class _Window:
    """A `difference`, told by plain numbers where they leave no doubt: 0.3 µs where decimals take 3."""

    def __init__(self, rule: Rule, schema: Json) -> None:
        self._rule, self._schema = rule, schema
        self._low, self._high = rule["of"]
        self._defaults: list[Json] = [_default(rule, schema, name) for name in rule["of"]]
        far = 3 * _SMALL
        self._least = max(rule.get("minimum", -far), rule.get("exclusiveMinimum", -far)) + _CLEAR
        self._most = rule.get("maximum", far) - _CLEAR

    def keeps(self, value: Json) -> bool:
        """True when the value keeps the rule."""
        if not isinstance(value, dict):
            return True
        first: Json = value.get(self._low, self._defaults[0])
        second: Json = value.get(self._high, self._defaults[1])
        if not (first.__class__ in _NUMBERS and second.__class__ in _NUMBERS):
            return True
        if -_SMALL < first < _SMALL and -_SMALL < second < _SMALL:
            difference = second - first
            if self._least < difference < self._most:
                return True
            if difference.__class__ is int:
                return _within(difference, self._rule)
        return _difference(self._rule, value, self._schema) is None


def _within(value: Decimal | int, rule: Rule) -> bool:
    return (
        value >= rule.get("minimum", value)
        and value <= rule.get("maximum", value)
        and ("exclusiveMinimum" not in rule or value > rule["exclusiveMinimum"])
    )


def _range(rule: Rule) -> str:
    if "minimum" in rule and "maximum" in rule:
        return f"{rule['minimum']} to {rule['maximum']}"
    names = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}
    return " and ".join(f"{words} {rule[key]}" for key, words in names.items() if key in rule)


def _plain(value: Decimal) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 10**15 else str(value)


# --- member, https ------------------------------------------------------------------------------------------


def _member(rule: Rule, instance: Json) -> Broken | None:
    one, many = rule["of"]
    if not isinstance(instance, dict) or one not in instance or not isinstance(instance.get(many), list):
        return None
    if instance[one] in instance[many]:
        return None
    return Broken(f"{many} does not hold the value of {one}", f"{many} that hold {one}", (many,))


_HTTPS = "an https URL of a public host"
_PORTS = {"http": 80, "https": 443}


def _https(instance: Json, allowed: frozenset[HostAndPort]) -> Broken | None:
    if not isinstance(instance, str) or not instance:
        return None
    # A client sends the same address again and again: 0.2 µs where reading it takes 6. No long one is kept.
    return _read_https(instance, allowed) if len(instance) < _LONG else _look(instance, allowed)


_LONG = 300


def _look(text: str, allowed: frozenset[HostAndPort]) -> Broken | None:
    try:
        url = urlsplit(text)
        host, port = (url.hostname or "").rstrip("."), url.port or _PORTS.get(url.scheme)
    except ValueError:
        return None  # a broken URL is the business of `format: uri`
    known = is_loopback(host) or (host, None) in allowed or (host, port) in allowed
    if not host or url.scheme not in (_PORTS if known else ("https",)):
        return Broken(f"wanted https, got {url.scheme or 'no scheme'}", _HTTPS)
    return Broken(f"{host} is an internal address", _HTTPS) if not known and is_internal(host) else None


_read_https = lru_cache(maxsize=256)(_look)
