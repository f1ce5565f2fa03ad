"""What a check found, written for a reader or for a machine: one module per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from contracts.finding import Checked
from contracts.report import as_json, github, junit, markdown, sarif, text

# Each report is whole, ends with one newline, can be encoded as UTF-8 whatever was found, and is the same for
# the same findings.
FORMATS: Mapping[str, Callable[[Checked], str]] = MappingProxyType(
    {
        "text": text.render,
        "json": as_json.render,
        "junit": junit.render,
        "github": github.render,
        "sarif": sarif.render,
        "markdown": markdown.render,
    }
)
