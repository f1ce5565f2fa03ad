"""The x- rules: what JSON Schema cannot say of a value, checked beside it as one more keyword."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from jsonschema import ValidationError

from mockserver.openapi.hosts import HostAndPort, host_and_port, is_internal, is_loopback
from mockserver.openapi.source import Json

Rule = Mapping[str, Json]
Field = tuple[str, ...]


class RuleError(ValidationError):
    """A broken x- rule, with the outcome it leads to."""

    def __init__(self, message: str, rule: Rule, wanted: Json, path: Field = ()) -> None:
        super().__init__(message, validator=rule["rule"], validator_value=wanted, path=path)
        self.outcome = rule.get("outcome", "invalid")


def check(allowed_hosts: frozenset[str]) -> Callable[[Any, Json, Json, Any], Iterator[ValidationError]]:
    """The keyword function of `x-rules` for one set of hosts that plain http may reach."""

    allowed = frozenset(map(host_and_port, allowed_hosts))

    def x_rules(validator: Any, rules: Json, instance: Json, schema: Any) -> Iterator[ValidationError]:
        for rule in rules:
            if rule["rule"] == "https":
                yield from _https(rule, instance, allowed)
            elif rule["rule"] == "difference":
                yield from _difference(rule, instance, schema)
            else:
                yield from _member(rule, instance)

    return x_rules


def _difference(rule: Rule, instance: Json, schema: Any) -> Iterator[ValidationError]:
    low, high = rule["of"]
    first, second = _number(rule, instance, schema, low), _number(rule, instance, schema, high)
    if first is None or second is None:
        return
    difference = second - first
    if _within(difference, rule):
        return
    wanted = _range(rule)
    message = f"{high} - {low} is {_plain(difference)}, wanted {wanted}"
    yield RuleError(message, rule, wanted, (high,) if high in instance else (low,))


def _number(rule: Rule, instance: Json, schema: Any, name: str) -> Decimal | None:
    """A field's number; its documented default stands in where the rule says that defaults count."""
    if not isinstance(instance, dict):
        return None
    default = schema.get("properties", {}).get(name, {}).get("default") if rule.get("defaults") else None
    value = instance.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # As it was written: in binary fractions 32.02 - 2.02 is more than 30.
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def _within(value: Decimal, rule: Rule) -> bool:
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


def _member(rule: Rule, instance: Json) -> Iterator[ValidationError]:
    one, many = rule["of"]
    if not isinstance(instance, dict) or one not in instance or not isinstance(instance.get(many), list):
        return
    if instance[one] not in instance[many]:
        yield RuleError(f"{many} does not hold the value of {one}", rule, f"{many} that hold {one}", (many,))


_HTTPS = "an https URL of a public host"
_PORTS = {"http": 80, "https": 443}


def _https(rule: Rule, instance: Json, allowed: frozenset[HostAndPort]) -> Iterator[ValidationError]:
    if not isinstance(instance, str) or not instance:
        return
    try:
        url = urlsplit(instance)
        host, port = (url.hostname or "").rstrip("."), url.port or _PORTS.get(url.scheme)
    except ValueError:
        return  # a broken URL is the business of `format: uri`
    known = is_loopback(host) or (host, None) in allowed or (host, port) in allowed
    if not host or url.scheme not in (_PORTS if known else ("https",)):
        yield RuleError(f"wanted https, got {url.scheme or 'no scheme'}", rule, _HTTPS)
    elif not known and is_internal(host):
        yield RuleError(f"{host} is an internal address", rule, _HTTPS)
