"""A JSON value as XML, the way the `xml` keywords of its schema say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from mockserver.openapi.source import Json

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# The letters that readers of any edition of XML 1.0 allow in names, or most of them.
_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u038e-\u03a1\u03a3-\u03ce\u0410-\u044f"
    "\u3041-\u3094\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
)
_NOT_IN_A_NAME = re.compile(f"[^{_START}0-9.\u00b7-]")
_UNBINDABLE = ("", "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/")
_DEEPEST = 20
_MOST_VIEWS = 300

Resolve = Callable[[str], Json]


def to_xml(value: Json, schema: Json, resolve: Resolve, root: str) -> bytes:
    """The value as a UTF-8 XML document; its root is named by the schema, its component, or else `root`."""
    place = _Place(schema, resolve)
    element = _Element(_name(place.xml.get("name") or place.component or root))
    _qualify(element, place, {})
    _fill(element, value, place, item=None)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + element.text().encode("utf-8")


@dataclass
class _Element:
    """An element while it is being filled."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Element] = field(default_factory=list)
    content: str = ""
    prefixes: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        attributes = "".join(f" {name}={_quoted(value)}" for name, value in self.attributes.items())
        inner = escape(self.content, {"\r": "&#13;"}) + "".join(child.text() for child in self.children)
        return f"<{self.name}{attributes}>{inner}</{self.name}>" if inner else f"<{self.name}{attributes}/>"


class _Place:
    """A schema as the writer asks it: its `xml` keyword, its component's name, its properties and items."""

    def __init__(self, schema: Json, resolve: Resolve) -> None:
        self._resolve = resolve
        self._views = list(islice(self._seen(schema, set()), _MOST_VIEWS))
        self.component = _component(schema)
        words = [view["xml"] for view in reversed(self._views) if isinstance(view.get("xml"), dict)]
        # What stands nearer to the place wins over what it refers to.
        self.xml: dict[str, Json] = {key: value for word in words for key, value in word.items()}

    def _seen(self, schema: Json, refs: set[str]) -> Iterator[dict[str, Json]]:
        """The schema and all that speak about the same value, nearest first."""
        if not isinstance(schema, dict):
            return
        yield schema
        ref = schema.get("$ref")
        if isinstance(ref, str) and ref not in refs:
            yield from self._seen(self._resolve(ref), refs | {ref})
        for key in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(key, ()) if len(refs) < _DEEPEST else ():
                yield from (self._apart(view, key) for view in self._seen(part, refs))

    def _apart(self, view: dict[str, Json], key: str) -> dict[str, Json]:
        # An alternative's name is not the name of the place that offers it.
        return view if key == "allOf" else {word: part for word, part in view.items() if word != "xml"}

    def under(self, name: str) -> _Place:
        """The place of a property."""
        for view in self._views:
            if name in view.get("properties", {}):
                return _Place(view["properties"][name], self._resolve)
        extra = (view["additionalProperties"] for view in self._views if "additionalProperties" in view)
        return _Place(next(extra, {}), self._resolve)

    def item(self) -> _Place:
        """The place of a list's items."""
        return _Place(next((view["items"] for view in self._views if "items" in view), {}), self._resolve)


def _component(schema: Json) -> str | None:
    """The name a schema has as a component, when it is referred to."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, dict):
            return None
        ref = schema.get("$ref")
        if isinstance(ref, str):
            return ref.rpartition("/")[2] or None
        parts = schema.get("allOf", ())
        schema = parts[0] if len(parts) == 1 else None
    return None


def _fill(element: _Element, value: Json, place: _Place, item: str | None) -> None:
    """Put a value inside an element that has its name already."""
    if isinstance(value, dict):
        for name, part in value.items():
            _add_property(element, str(name), part, place.under(str(name)))
    elif isinstance(value, list):
        _add_items(element, value, place.item(), item)
    else:
        element.content = _plain(value)


def _add_property(element: _Element, name: str, value: Json, place: _Place) -> None:
    if place.xml.get("attribute") is True and not isinstance(value, dict):
        _add_attribute(element, name, value, place)
    elif not isinstance(value, list):
        _fill(_child(element, place.xml.get("name") or name, place), value, place, item=None)
    elif place.xml.get("wrapped") is True:
        outer = place.xml.get("name") or name
        _fill(_child(element, outer, place), value, place, item=outer)
    else:
        # An unwrapped list has no element of its own, so its own xml name counts for nothing.
        _add_items(element, value, place.item(), name)


def _add_items(element: _Element, values: list[Json], place: _Place, name: str | None) -> None:
    """One element per item, named by the items' schema, else by the list, else by the component."""
    known = place.xml.get("name") or name or place.component or "item"
    for value in values:
        _fill(_child(element, known, place), value, place, item=known)


def _add_attribute(element: _Element, name: str, value: Json, place: _Place) -> None:
    if value is None:
        return
    inner = _Element(_name(place.xml.get("name") or name))
    _qualify(inner, place, element.prefixes)
    for declared, uri in inner.attributes.items():
        # Only a prefix can qualify an attribute; a default namespace does not reach it.
        if declared != "xmlns":
            element.attributes.setdefault(declared, uri)
    element.prefixes.update(inner.prefixes)
    text = " ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
    element.attributes.setdefault(inner.name, text)


def _child(parent: _Element, name: Json, place: _Place) -> _Element:
    child = _Element(_name(name))
    _qualify(child, place, parent.prefixes)
    parent.children.append(child)
    return child


def _qualify(element: _Element, place: _Place, known: dict[str, str]) -> None:
    """Give an element its namespace and prefix; a prefix that nothing declares would break readers."""
    element.prefixes = dict(known)
    prefix, namespace = place.xml.get("prefix"), _uri(place.xml.get("namespace"))
    prefix = _name(prefix) if prefix and prefix != "xmlns" else None
    if namespace not in _UNBINDABLE and known.get(prefix or "") != namespace and prefix != "xml":
        element.attributes[f"xmlns:{prefix}" if prefix else "xmlns"] = namespace
        element.prefixes[prefix or ""] = namespace
    if prefix and (prefix in element.prefixes or prefix == "xml"):
        element.name = f"{prefix}:{element.name}"


def _name(name: Json) -> str:
    """The name with what XML forbids in names replaced."""
    valid = _NOT_IN_A_NAME.sub("_", str(name)) or "_"
    return valid if re.match(f"[{_START}]", valid) else f"_{valid}"


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else _FORBIDDEN.sub("", str(value))


def _uri(namespace: Json) -> str:
    """The namespace with what no URI holds encoded; readers refuse some of it."""
    return re.sub(r'[\s<>"{}|\\^`]', lambda found: quote(found[0]), _plain(namespace))


def _quoted(value: str) -> str:
    return quoteattr(_FORBIDDEN.sub("", value), {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})
