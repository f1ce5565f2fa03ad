"""A document as bytes: YAML that people read, or JSON; always the same for the same document."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from mockserver.openapi.problem import Json

_WIDTH = 110
# Texts that this YAML writer takes for words, and readers of YAML 1.2 for numbers.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+")
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]  # which of the two it is, is known when it runs
    def ignore_aliases(self, data: Any) -> bool:
        """Each value is written out where it stands."""
        return True


def _text(dumper: Any, text: str) -> Any:
    style = None
    if "\n" in text.rstrip("\n"):
        style = "|"
    elif _NUMBER.fullmatch(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(document: dict[str, Json]) -> bytes:
    """The document in block style, its keys as they stand."""
    written: bytes = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, encoding="utf-8"
    )
    return written


def as_json(document: dict[str, Json]) -> bytes:
    """The document with two spaces a level."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
