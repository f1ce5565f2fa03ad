"""A page read back as a tree; one that is not well nested is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "img", "link", "col", "area", "base", "embed", "source", "track", "wbr"}


@dataclass
class Element:
    """An element with its attributes, texts and children."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    inside: list[Element | str] = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        """The elements inside."""
        return [child for child in self.inside if isinstance(child, Element)]

    @property
    def marks(self) -> list[str]:
        """The classes."""
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """All text inside."""
        return "".join(child if isinstance(child, str) else child.text for child in self.inside)

    def all(self, *tags: str) -> Iterator[Element]:
        """Every element of these names within, in order; of all names if none is given."""
        for child in self.children:
            if not tags or child.tag in tags:
                yield child
            yield from child.all(*tags)

    def one(self, tag: str) -> Element:
        """The only element of this name within."""
        (found,) = self.all(tag)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("")]
        self.declarations: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> within <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(text: str) -> Element:
    """The root element of a page."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.declarations == ["DOCTYPE html"]
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is left open"
    (root,) = reader.open[0].children
    return root
