"""Documents of one service united; where two of them disagree, the first stands and the conflict is told."""

from __future__ import annotations

from typing import Any

from mockserver.openapi.importer.clean import Cleaner, free, ordered
from mockserver.openapi.importer.page import Block
from mockserver.openapi.problem import Json, Problem, join
from mockserver.openapi.vocabulary import METHODS


class Merge:
    """A document that grows page by page, and what is to be said of it."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self.notes: list[Problem] = []

    def add(self, other: dict[str, Any], notes: list[Problem], block: Block) -> None:
        """Take in a clean document, with what was said of it."""
        self.notes.extend(notes)
        if block.is_open:
            self.notes.append(block.problem("", "the fence of this block is never closed"))
        if not self.document:
            self.document = ordered("document", other)
            _drop_repeated_ids(self.document, set(), self._teller(block))
            return
        _Union(self.document, other, self._teller(block)).run()
        self.document = ordered("document", self.document)
        self.document["components"] = ordered("components", self.document.get("components", {}))
        if not self.document["components"]:
            del self.document["components"]

    def _teller(self, block: Block) -> Any:
        def tell(pointer: str, reason: str) -> None:
            self.notes.append(block.problem(pointer, f"{pointer}: {reason}"))

        return tell


class _Union:
    def __init__(self, ours: dict[str, Any], theirs: dict[str, Any], tell: Any) -> None:
        self._ours, self._theirs, self._tell = ours, theirs, tell

    def run(self) -> None:
        self._rename()
        self._push_down("servers")
        self._push_down("security")
        for key in ("info", "externalDocs", "x-envelope", "jsonSchemaDialect"):
            self._first(key)
        self._tags()
        for section, components in self._theirs.get("components", {}).items():
            self._ours.setdefault("components", {}).setdefault(section, {}).update(components)
        ids = set(_ids(self._ours))
        _drop_repeated_ids(self._theirs, ids, self._tell, self._ours)
        for root in ("paths", "webhooks"):
            for path, item in self._theirs.get(root, {}).items():
                self._path(root, path, item)

    def _rename(self) -> None:
        """Give a new name to what has a name of ours and is something else."""
        renames: dict[str, str] = {}
        known = self._ours.get("components", {})
        while more := self._conflicts(known, renames):
            renames.update(more)
            for old, new in more.items():
                name = new.rpartition("/")[2]
                self._tell(old[1:], f"differs from the one of an earlier page, and is named {name}")
        if renames:
            silent = Cleaner(self._theirs, lambda _, __: None, renames)
            theirs = silent.document()
            self._theirs = theirs

    def _conflicts(self, known: dict[str, Any], renames: dict[str, str]) -> dict[str, str]:
        cleaned = Cleaner(self._theirs, lambda _, __: None, renames).document()
        parts = cleaned.get("components", {})
        found = {}
        for section, components in parts.items():
            ours = known.get(section, {})
            taken = {*ours, *components}
            for name, value in components.items():
                if name in ours and ours[name] != value:
                    new = self._same(ours, name, value) or free(name, taken)
                    taken.add(new)
                    found[f"#/components/{section}/{name}"] = f"#/components/{section}/{new}"
        return {old: new for old, new in found.items() if old not in renames}

    def _same(self, ours: dict[str, Any], name: str, value: Json) -> str | None:
        """Ours that an earlier page had under this name and that was renamed, if it is the same."""
        number = 2
        while f"{name}{number}" in ours:
            if ours[f"{name}{number}"] == value:
                return f"{name}{number}"
            number += 1
        return None

    def _push_down(self, key: str) -> None:
        """What a document says for all its operations, said by each of them where the documents differ."""
        ours, theirs = self._ours.get(key), self._theirs.get(key)
        if ours == theirs:
            return
        if key == "servers" and (theirs is None or ours is None):
            # Without any a document means the place it was found at, which a page of a service does not.
            self._ours[key] = theirs if ours is None else ours
            return
        for item in self._theirs.get("paths", {}).values():
            if key == "servers" and "servers" in item:
                continue
            for method in METHODS:
                if method in item and key not in item[method]:
                    item[method][key] = theirs if theirs is not None else []
                    item[method] = ordered("operation", item[method])
        if theirs is not None and ours is not None:
            self._tell(f"/{key}", "differ from those of an earlier page, and stand at the operations")

    def _first(self, key: str) -> None:
        ours, theirs = self._ours.get(key), self._theirs.get(key)
        if theirs is None or theirs == ours:
            return
        if ours is None:
            self._ours[key] = theirs
            return
        if isinstance(ours, dict) and isinstance(theirs, dict):
            for inner in theirs:
                if inner not in ours:
                    ours[inner] = theirs[inner]
                elif ours[inner] != theirs[inner]:
                    self._tell(join("", key, inner), "left out, for an earlier page has another")
        else:
            self._tell(f"/{key}", "left out, for an earlier page has another")

    def _tags(self) -> None:
        known = {tag.get("name"): tag for tag in self._ours.get("tags", ())}
        for index, tag in enumerate(self._theirs.get("tags", ())):
            if tag.get("name") not in known:
                self._ours.setdefault("tags", []).append(tag)
            elif known[tag.get("name")] != tag:
                self._tell(f"/tags/{index}", "left out, for an earlier page has another tag of this name")

    def _path(self, root: str, path: str, item: Json) -> None:
        paths = self._ours.setdefault(root, {})
        if path not in paths:
            paths[path] = item
            return
        ours, place = paths[path], join("", root, path)
        _lower(ours)
        _lower(item)
        for key, value in item.items():
            if key not in ours:
                ours[key] = value
            elif ours[key] != value:
                self._tell(join(place, key), "conflict: an earlier page describes it differently, and stands")
        paths[path] = ordered("path item", ours)


def _lower(item: dict[str, Json]) -> None:
    """Hand an item's parameters and servers to its operations, where another page's do not reach them."""
    parameters, servers = item.pop("parameters", []), item.pop("servers", None)
    for method in METHODS:
        operation = item.get(method)
        if not isinstance(operation, dict):
            continue
        own = operation.get("parameters", [])
        taken = {(one.get("name"), one.get("in"), one.get("$ref")) for one in own}
        both = [one for one in parameters if (one.get("name"), one.get("in"), one.get("$ref")) not in taken]
        if both:
            operation["parameters"] = [*both, *own]
        if servers is not None:
            operation.setdefault("servers", servers)
        item[method] = ordered("operation", operation)


def _ids(document: dict[str, Any]) -> list[str]:
    return [one["operationId"] for _, one in _operations(document) if "operationId" in one]


def _operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (join("", root, path, method), item[method])
        for root in ("paths", "webhooks")
        for path, item in document.get(root, {}).items()
        for method in METHODS
        if isinstance(item, dict) and isinstance(item.get(method), dict)
    ]


def _drop_repeated_ids(
    document: dict[str, Any], known: set[str], tell: Any, others: dict[str, Any] | None = None
) -> None:
    """An operationId is one operation's; one that comes again, and is not the same, is left out."""
    there = dict(_operations(others)) if others else {}
    for pointer, operation in _operations(document):
        name = operation.get("operationId")
        if name is not None and name in known and there.get(pointer, {}).get("operationId") != name:
            del operation["operationId"]
            tell(join(pointer, "operationId"), f"{name!r} left out, for another operation has it")
        elif name is not None:
            known.add(name)
