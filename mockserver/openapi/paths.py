"""Which paths are known: concrete before templated, templates inside a segment, rests with slashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import quote, unquote

T = TypeVar("T")

_NAME = re.compile(r"\{([^{}]*)\}")


class Match(NamedTuple, Generic[T]):
    """A known path that fits: what stands at it by method, and its parameters' values in order, as sent."""

    methods: dict[str, tuple[T, tuple[str, ...]]]
    values: tuple[str, ...]
    specificity: tuple[int, ...]

    def parameters(self, method: str) -> dict[str, str]:
        """The path parameters by name, as that method's template spells them."""
        return dict(zip(self.methods[method][1], self.values, strict=True))


@dataclass
class _Node(Generic[T]):
    literal: dict[str, _Node[T]] = field(default_factory=dict)
    mixed: dict[str, tuple[re.Pattern[str], _Node[T]]] = field(default_factory=dict)
    any: _Node[T] | None = None
    rest: _Node[T] | None = None
    methods: dict[str, tuple[T, tuple[str, ...]]] = field(default_factory=dict)


# How a segment was matched, best first.
_LITERAL, _MIXED, ANY, REST = 0, 1, 2, 3


class Paths(Generic[T]):
    """Templates and what stands at them; looking one up costs as many steps as the path has segments."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()
        self.templates: dict[str, None] = {}
        # What a path is told by, besides how many segments it has: whoever keeps answers by these needs both.
        self.words: set[str] = set()
        self.has_mixtures = False

    def add(self, method: str, template: str, item: T, *, rest: str | None = None) -> T | None:
        """Put an item at a template; where that method is taken, the item that is there and stays."""
        node = self._root
        for segment in template.split("/")[1:]:
            node = self._step(node, segment, rest)
        self.templates[template] = None
        if method in node.methods:
            return node.methods[method][0]
        node.methods[method] = (item, tuple(_NAME.findall(template)))
        return None

    def _step(self, node: _Node[T], segment: str, rest: str | None) -> _Node[T]:
        names = _NAME.findall(segment)
        if not names:
            self.words.add(unquote(segment))
            return node.literal.setdefault(unquote(segment), _Node())
        if _NAME.fullmatch(segment) is None:
            self.has_mixtures = True
            pattern = "(.+)".join(re.escape(part) for part in _NAME.split(segment)[::2])
            known = node.mixed.setdefault(pattern, (re.compile(pattern, re.DOTALL), _Node()))
            node.mixed = dict(sorted(node.mixed.items(), key=lambda item: -len(item[0])))
            return known[1]
        if names[0] == rest:
            node.rest = node.rest or _Node()
            return node.rest
        node.any = node.any or _Node()
        return node.any

    def find(self, raw_path: str) -> Iterator[Match[T]]:
        """Every template that fits a path (percent-encoded as sent), the most specific first."""
        yield from self._walk(self._root, raw_path.split("/")[1:], 0, (), ())

    def _walk(
        self, node: _Node[T], segments: list[str], index: int, values: tuple[str, ...], how: tuple[int, ...]
    ) -> Iterator[Match[T]]:
        if index == len(segments):
            if node.methods:
                yield Match(node.methods, values, how)
            return
        sent = segments[index]
        segment = unquote(sent)
        if segment in node.literal:
            yield from self._walk(node.literal[segment], segments, index + 1, values, (*how, _LITERAL))
        for pattern, child in node.mixed.values():
            if found := pattern.fullmatch(segment):
                inner = map(quote, found.groups())
                yield from self._walk(child, segments, index + 1, (*values, *inner), (*how, _MIXED))
        if node.any is not None and segment:
            yield from self._walk(node.any, segments, index + 1, (*values, sent), (*how, ANY))
        if node.rest is not None and segment:
            yield Match(node.rest.methods, (*values, "/".join(segments[index:])), (*how, REST))
