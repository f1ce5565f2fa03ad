"""Model names: each provider spells the same versions its own way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class Model(NamedTuple):
    """A model: its name on the wire, its neutral version such as `4.5plus`, and how task views show it."""

    name: str
    version: str
    shown: str
    retired: bool = False

    @property
    def number(self) -> tuple[int, ...]:
        """Its version as an ordered number."""
        found = re.match(r"[0-9.]+", self.version)
        return tuple(int(part) for part in (found[0] if found else "0").split("."))


def find(models: Iterable[Model], text: str) -> Model | None:
    """The model of that wire name, or of that neutral version (`3.5`, `v4`, `5.5`)."""
    known = tuple(models)
    for model in known:
        if text == model.name or text == model.shown:
            return model
    neutral = (model for model in known if _key(model.version) == _key(text))
    return next(neutral, None)


def _key(text: str) -> str:
    dotted = re.sub(r"(?<=[0-9])_(?=[0-9])", ".", text.strip().lower().removeprefix("v"))
    return re.sub(r"[^0-9a-z.]", "", re.sub(r"\.0$", "", dotted).replace("+", "plus"))
