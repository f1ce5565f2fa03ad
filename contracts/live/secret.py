"""The key of an account, taken out of whatever is said or kept."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from shlex import quote as shell_quote
from typing import Any
from urllib.parse import quote, quote_plus

from contracts.finding import Checked
from contracts.live.ledger import without

Json = Any
SHOWN = "***"


def hider(key: str) -> Callable[[Json], Json]:
    """Takes a credential out of any value, however deep it stands, and however it is spelled there."""
    spelled = sorted(_spellings(key), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, spelled)), re.IGNORECASE)

    def hide(value: Json) -> Json:
        if isinstance(value, str):
            return pattern.sub(SHOWN, value)
        if isinstance(value, dict):
            return {hide(name): hide(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [hide(item) for item in value]
        return value

    return hide


def _spellings(key: str) -> set[str]:
    """A key as it may stand in an address, in JSON, in HTML and in a shell."""
    escaped = json.dumps(key)[1:-1]
    percent = {quote(key), quote(key, safe=""), quote_plus(key)}
    spelled = {key, escaped, escaped.replace("/", "\\/"), repr(key)[1:-1], shell_quote(key), html.escape(key)}
    return {*spelled, *percent, "".join(f"\\u{ord(char):04x}" for char in key)}


def scrubbed(checked: Checked, key: str) -> Checked:
    """What was found, without the key anywhere."""
    hide = hider(key)
    findings = tuple(without(finding, hide) for finding in checked.findings)
    told = tuple(one._replace(skipped=hide(one.skipped)) for one in checked.told)
    return replace(checked, findings=findings, notes=tuple(hide(list(checked.notes))), told=told)
