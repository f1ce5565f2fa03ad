"""Two operations side by side: parameters, bodies, answers, callbacks, marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from contracts.drift.address import own_servers, security, servers, ways
from contracts.drift.change import Change, Effect, Voice, canonical, listing, mapping, shown
from contracts.drift.document import Operation, Side, within
from contracts.drift.outcomes import outcomes
from contracts.drift.schemas import Schemas
from contracts.drift.shape import Group, Place, Shape
from contracts.drift.statuses import breadth, status_changes, told_by
from mockserver.openapi.source import Json, join

REQUEST = Voice("request", True, "request", "request")
_PARAMETER = REQUEST._replace(is_text=True)
CALLBACK = Voice("callback", False, "request", "callback")
_TEXTS = ("summary", "description", "tags", "operationId", "deprecated", "externalDocs")
# Headers of which OpenAPI says that a parameter of that name is to be ignored.
_IGNORED = frozenset(("accept", "content-type", "authorization"))
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


def answer(status: str) -> Voice:
    """How the answer with a status is told."""
    return Voice("response", False, "response", f"answer {status}")


class _Found(NamedTuple):
    """A node that is no reference any more, and where it stands."""

    node: dict[str, Json]
    pointer: str


@dataclass(frozen=True)
class Comparison:
    """Compares operations of two documents."""

    old: Side
    new: Side
    schemas: Schemas

    def operation(self, old: Operation, new: Operation) -> Iterator[Change]:
        """Every change of one operation that is in both documents."""
        label = new.name if "operationId" in new.node else old.name
        for change in chain(
            self._parameters(old, new),
            self._body(old, new, REQUEST),
            self._answers(old, new),
            security(ways(self.old, old), ways(self.new, new), new.pointer),
            self._servers(old, new),
            self._callbacks(old, new),
            _marks(old, new),
            outcomes(self.old, self.new, old, new),
            _texts(old.node, new.node, new.pointer, "operation"),
            _texts(old.item, new.item, new.item_pointer, "path"),
        ):
            yield change if change.operation else replace(change, operation=label)

    def webhook(self, old: Operation, new: Operation) -> Iterator[Change]:
        """Every change of what the provider sends of itself."""
        found = chain(self._body(old, new, CALLBACK), _texts(old.node, new.node, new.pointer, "webhook"))
        return (replace(change, operation=new.name) for change in found)

    def _schema(
        self, old: Json, new: Json, places: tuple[str, str], voice: Voice, at: str
    ) -> Iterator[Change]:
        before: Group = () if old is None else (Place(old, places[0]),)
        after: Group = () if new is None else (Place(new, places[1]),)
        for change in self.schemas.changes(before, after, voice, at):
            reason = f"{voice.message}: {change.reason}"
            yield replace(change, reason=reason, place=change.place or places[1].rpartition("/")[0])

    # --- parameters -----------------------------------------------------------------------------------------

    def _parameters(self, old: Operation, new: Operation) -> Iterator[Change]:
        before, after = _parameters(self.old, old), _parameters(self.new, new)
        for key, found in before.items():
            if key not in after:
                at = _at(found.node)
                text = "the parameter is gone: what clients say with it is no longer heard"
                yield _told("careless", "parameter-removed", text, at, True, None, new.pointer)
        for key, found in after.items():
            if key not in before:
                yield _new_parameter(found)
            else:
                yield from self._parameter(before[key], found)

    def _parameter(self, old: _Found, new: _Found) -> Iterator[Change]:
        at, place = _at(new.node), new.pointer
        if _needs(new.node) and not _needs(old.node):
            text = "the parameter was optional and is now required: clients that leave it out are refused"
            yield _told("breaking", "parameter-required", text, at, "optional", "required", place)
        elif _needs(old.node) and not _needs(new.node):
            text = "the parameter is now optional: clients notice nothing"
            yield _told("compatible", "parameter-optional", text, at, "required", "optional", place)
        styles = _style(old.node), _style(new.node)
        if styles[0] != styles[1] and not (_is_style_kept(old, new) and self._is_scalar(old, new)):
            text = f"it was written as {styles[0]}, now as {styles[1]}: what clients send is not understood"
            yield _told("breaking", "parameter-style-changed", text, at, *styles, place)
        if old.node.get("allowEmptyValue") is True and new.node.get("allowEmptyValue") is not True:
            text = "it may no longer be empty: clients that send it so are refused"
            yield _told("breaking", "parameter-empty-refused", text, at, True, False, place)
        if old.node.get("name") != new.node.get("name") and new.node.get("in") == "path":
            text = f"{old.node.get('name')} is now called {new.node.get('name')} in the path"
            yield _told(
                "documentation", "parameter-renamed", text, at, old.node["name"], new.node["name"], place
            )
        yield from _texts(old.node, new.node, place, f"parameter {new.node.get('name')}")
        if "content" in old.node or "content" in new.node:
            yield from self._said(old, new, REQUEST, at)
        elif self._is_listed_now(old, new):
            text = "it may be said more than once now: clients that say it once notice nothing"
            yield _told("compatible", "parameter-listed", text, at, None, None, place)
            items = self._shape(self.new, new).items
            yield from self.schemas.changes(_schema_of(old), items, _PARAMETER, at)
        else:
            yield from self._said(old, new, _PARAMETER, at)

    def _is_listed_now(self, old: _Found, new: _Found) -> bool:
        before, after = self._shape(self.old, old), self._shape(self.new, new)
        is_one = not before.types & {"array", "object"} and "minItems" not in after.bounds
        return is_one and after.types == {"array"} and not after.choices and new.node.get("in") == "query"

    def _shape(self, side: Side, one: _Found) -> Shape:
        return side.reader.shape(_schema_of(one))

    def _is_scalar(self, old: _Found, new: _Found) -> bool:
        """True where neither takes a list or an object: how those are spread does not matter then."""
        shapes = self._shape(self.old, old), self._shape(self.new, new)
        return not any(shape.types & {"array", "object"} for shape in shapes)

    def _said(self, old: _Found, new: _Found, voice: Voice, at: str) -> Iterator[Change]:
        """The schema of a parameter or header, however it is given."""
        before, after = old.node.get("schema"), new.node.get("schema")
        if "content" in old.node or "content" in new.node:
            yield from self._content(old, new, voice, at)
        else:
            places = join(old.pointer, "schema"), join(new.pointer, "schema")
            yield from self._schema(before, after, places, voice, at)

    # --- bodies ---------------------------------------------------------------------------------------------

    def _body(self, old: Operation, new: Operation, voice: Voice) -> Iterator[Change]:
        before = _found(self.old, old.node.get("requestBody"), join(old.pointer, "requestBody"))
        after = _found(self.new, new.node.get("requestBody"), join(new.pointer, "requestBody"))
        if before is None and after is None:
            return
        was, must = _needs(before.node) if before else False, _needs(after.node) if after else False
        if voice.is_sent and must and not was:
            text = "request: a body is now required: clients that send none are refused"
            yield _told("breaking", "request-body-required", text, "/body", was, must, new.pointer)
        elif voice.is_sent and was and not must and after:
            text = "request: the body is now optional: clients notice nothing"
            yield _told("compatible", "request-body-optional", text, "/body", was, must, new.pointer)
        if before and after:
            yield from _texts(before.node, after.node, after.pointer, "request body")
            yield from self._content(before, after, voice, "/body")
        elif before:
            effect: Effect = "breaking" if mapping(before.node.get("content")) else "compatible"
            text = f"{voice.message}: there is no body any more: what was said with it is lost"
            yield _told(effect, f"{voice.prefix}-body-removed", text, "/body", True, False, new.pointer)
        elif not must:
            text = f"{voice.message}: there may be a body now: clients notice nothing"
            yield _told("compatible", f"{voice.prefix}-body-added", text, "/body", False, True, new.pointer)

    def _content(self, old: _Found, new: _Found, voice: Voice, at: str) -> Iterator[Change]:
        before, after = _media(old), _media(new)
        for kind, found in before.items():
            others = _covering(kind, after)
            if not others:
                yield _media_type_removed(voice, kind, at, [*after], new.pointer)
            elif kind not in others:
                yield _media_type_in_other_words(voice, kind, at, others, new.pointer)
            for other in others:
                yield from self._media_type(found, after[other], voice, at)
        for kind in after:
            if not _covering(kind, before):
                text = f"{voice.message}: {kind} is a new media type: clients notice nothing"
                rule = f"{voice.prefix}-media-type-added"
                yield Change("compatible", rule, text, at, None, kind, after[kind].pointer, None, voice.side)

    def _media_type(self, old: _Found, new: _Found, voice: Voice, at: str) -> Iterator[Change]:
        if canonical(_bare(old.node.get("encoding"))) != canonical(_bare(new.node.get("encoding"))):
            effect: Effect = "breaking" if voice.is_sent else "careless"
            text = f"{voice.message}: how parts of the body are written changed"
            values = old.node.get("encoding"), new.node.get("encoding")
            rule = f"{voice.prefix}-encoding-changed"
            yield Change(effect, rule, text, at, *values, new.pointer, None, voice.side)
        yield from _examples(old.node, new.node, new.pointer, voice.message)
        places = join(old.pointer, "schema"), join(new.pointer, "schema")
        yield from self._schema(old.node.get("schema"), new.node.get("schema"), places, voice, at)

    # --- answers --------------------------------------------------------------------------------------------

    def _answers(self, old: Operation, new: Operation) -> Iterator[Change]:
        before, after = _answers(self.old, old), _answers(self.new, new)
        told = {status: told_by(status, before, after) for status in before}
        for status, others in told.items():
            place = join(new.pointer, "responses")
            yield from status_changes(status, others, before, after, place)
            for other in others:
                name = min(status, other, key=breadth)
                yield from self._answer(name, before[status], after[other])
        for status in after:
            if not any(status in others for others in told.values()):
                text = f"answer {status} is new: a client that knows what it got goes on"
                rule, place = "response-status-added", after[status].pointer
                yield Change("compatible", rule, text, "/status", None, status, place, None, "response")

    def _answer(self, status: str, old: _Found, new: _Found) -> Iterator[Change]:
        voice = answer(status)
        yield from _texts(old.node, new.node, new.pointer, voice.message)
        if canonical(old.node.get("links")) != canonical(new.node.get("links")):
            yield Change(
                "documentation", "text-changed", f"{voice.message}: links changed", place=new.pointer
            )
        yield from self._content(old, new, voice, "/body")
        yield from self._headers(old, new, voice)

    def _headers(self, old: _Found, new: _Found, voice: Voice) -> Iterator[Change]:
        before, after = _headers(self.old, old), _headers(self.new, new)
        for name, found in before.items():
            at = join("/header", name)
            if name not in after:
                effect: Effect = "breaking" if _needs(found.node) else "careless"
                text = f"{voice.message}: the header is gone: clients that read it find nothing"
                rule = "response-header-removed"
                yield Change(effect, rule, text, at, name, None, new.pointer, None, "response")
                continue
            other = after[name]
            if _needs(found.node) and not _needs(other.node):
                text = (
                    f"{voice.message}: the header is now optional: clients that rely on it may find nothing"
                )
                values = "required", "optional", other.pointer
                yield Change("breaking", "response-header-optional", text, at, *values, None, "response")
            elif _needs(other.node) and not _needs(found.node):
                text = f"{voice.message}: the header is now always there: clients notice nothing"
                values = "optional", "required", other.pointer
                yield Change("compatible", "response-header-required", text, at, *values, None, "response")
            yield from _texts(found.node, other.node, other.pointer, f"{voice.message}: header {name}")
            yield from self._said(found, other, voice, at)
        for name in after.keys() - before.keys():
            text = f"{voice.message}: {name} is a new header: clients notice nothing"
            rule, place = "response-header-added", after[name].pointer
            yield Change("compatible", rule, text, join("/header", name), None, name, place, None, "response")

    # --- the rest -------------------------------------------------------------------------------------------

    def _servers(self, old: Operation, new: Operation) -> Iterator[Change]:
        before, after = own_servers(self.old, old), own_servers(self.new, new)
        if before is None and after is None:
            return
        roots = [side.source.data.get("servers") for side in (self.old, self.new)]
        yield from servers(
            roots[0] if before is None else before,
            roots[1] if after is None else after,
            new.pointer,
            is_moved=old.key != new.key,
        )

    def _callbacks(self, old: Operation, new: Operation) -> Iterator[Change]:
        before, after = _callbacks(self.old, old), _callbacks(self.new, new)
        names = _same_callbacks([*before], [*after])
        for key, one in before.items():
            if key not in names:
                label = f"{new.name} callback {key[0]}"
                text = "the callback is gone: clients that wait for it wait for ever"
                yield Change("breaking", "callback-removed", text, "/body", label, None, new.pointer, label)
                continue
            other = after[names[key]]
            label = f"{new.name} callback {names[key][0]}"
            if names[key] != key:
                text = f"the callback {key[0]} is now called {names[key][0]}"
                yield Change("documentation", "callback-renamed", text, place=other.pointer, operation=label)
            for change in chain(
                self._body(one, other, CALLBACK), _texts(one.node, other.node, other.pointer, "callback")
            ):
                yield replace(change, operation=label)
        for key in [key for key in after if key not in names.values()]:
            text = f"the callback {key[0]} is new: clients that ask for none notice nothing"
            yield Change("compatible", "callback-added", text, "/body", None, key[0], after[key].pointer)


# --- reading ------------------------------------------------------------------------------------------------


def _found(side: Side, node: Json, pointer: str) -> _Found | None:
    if not isinstance(node, dict):
        return None
    found, place = side.through(node, pointer)
    return _Found(found, place)


def _parameters(side: Side, operation: Operation) -> dict[tuple[str, str], _Found]:
    """The parameters of an operation, those of its path among them, by where and what clients write."""
    found: dict[tuple[str, str], _Found] = {}
    names = _names(operation.path)
    for node, pointer in ((operation.item, operation.item_pointer), (operation.node, operation.pointer)):
        for index, item in enumerate(listing(node.get("parameters"))):
            one = _found(side, item, join(pointer, "parameters", index))
            if one is None or not isinstance(one.node.get("name"), str):
                continue
            key = _parameter_key(one.node, names)
            if key[0] != "header" or key[1] not in _IGNORED:
                found[key] = one
    return found


def _names(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("{")[1:]]


def _parameter_key(node: dict[str, Json], names: list[str]) -> tuple[str, str]:
    place, name = str(node.get("in")), node["name"]
    if place == "path" and name in names:
        return place, str(names.index(name))
    return place, name.lower() if place == "header" else name


def _media(found: _Found) -> dict[str, _Found]:
    kinds = mapping(found.node.get("content")).items()
    return {
        _media_name(kind): _Found(mapping(item), join(found.pointer, "content", kind)) for kind, item in kinds
    }


def _media_name(kind: str) -> str:
    """A media type as it is compared: its charset is no matter, its other parameters are, in no order."""
    name, *parameters = (part.strip() for part in kind.split(";"))
    kept = sorted(one.lower() for one in parameters if one and not one.lower().startswith("charset="))
    return "; ".join((name.lower(), *kept))


def _covering(kind: str, known: Mapping[str, _Found]) -> list[str]:
    """Which of the known media types a media type is, or lies within, or holds."""
    if kind in known:
        return [kind]
    wider = [other for other in (kind.partition("/")[0] + "/*", "*/*") if other in known]
    if wider or not kind.endswith("/*"):
        return wider[:1]
    return [other for other in known if kind == "*/*" or other.startswith(kind[:-1])]


def _media_type_removed(voice: Voice, kind: str, at: str, left: list[str], place: str) -> Change:
    why = "clients that send it are refused" if voice.is_sent else "clients cannot read what they get instead"
    text = f"{voice.message}: {kind} is no longer a media type of it: {why}"
    rule = f"{voice.prefix}-media-type-removed"
    return Change("breaking", rule, text, at, kind, left, place, None, voice.side)


def _media_type_in_other_words(voice: Voice, kind: str, at: str, others: list[str], place: str) -> Change:
    is_narrower = kind.endswith("/*") and not any(other == "*/*" for other in others)
    effect = voice.narrowed if is_narrower else voice.widened
    why = {
        "breaking": "clients that send another of them are refused",
        "careless": "clients may get what they never got before",
    }.get(effect, "clients notice nothing")
    text = f"{voice.message}: the media type {kind} is now {' or '.join(others)}: {why}"
    rule = f"{voice.prefix}-media-type-{'narrowed' if is_narrower else 'widened'}"
    return Change(effect, rule, text, at, kind, others, place, None, voice.side)


def _answers(side: Side, operation: Operation) -> dict[str, _Found]:
    pointer = join(operation.pointer, "responses")
    found = {
        status: _found(side, node, join(pointer, status))
        for status, node in mapping(operation.node.get("responses")).items()
        if not status.startswith("x-")
    }
    return {status: one for status, one in found.items() if one}


def _headers(side: Side, found: _Found) -> dict[str, _Found]:
    given = mapping(found.node.get("headers")).items()
    read = {name.lower(): _found(side, node, join(found.pointer, "headers", name)) for name, node in given}
    return {name: one for name, one in read.items() if one and name != "content-type"}


# A callback: its name, where it is sent to, and by which method.
_Key = tuple[str, str, str]


def _same_callbacks(old: list[_Key], new: list[_Key]) -> dict[_Key, _Key]:
    """Which callback of the new document each is: that of its name, else one of another name sent alike."""
    found = {key: key for key in old if key in new}
    for key in old:
        alike = (other for other in new if other[1:] == key[1:] and other not in found.values())
        if key not in found and (other := next(alike, None)):
            found[key] = other
    return found


def _callbacks(side: Side, operation: Operation) -> dict[tuple[str, str, str], Operation]:
    found: dict[tuple[str, str, str], Operation] = {}
    for name, node in mapping(operation.node.get("callbacks")).items():
        paths, pointer = side.through(node, join(operation.pointer, "callbacks", name))
        for path, item in paths.items():
            for one in within(side, path, item, join(pointer, path)):
                found[name, path, one.method] = one
    return found


# --- changes ------------------------------------------------------------------------------------------------


def _told(effect: Effect, rule: str, text: str, at: str, old: Json, new: Json, place: str) -> Change:
    return Change(effect, rule, text, at, old, new, place, None, "request")


def _at(node: dict[str, Json]) -> str:
    name = str(node.get("name"))
    place = str(node.get("in"))
    return join("", place, name.lower() if place == "header" else name)


def _needs(node: dict[str, Json]) -> bool:
    return node.get("required") is True


def _style(node: dict[str, Json]) -> str:
    style = node.get("style", _STYLES.get(str(node.get("in")), "form"))
    explode = node.get("explode", style == "form")
    return f"{style}, {'exploded' if explode else 'not exploded'}"


def _schema_of(one: _Found) -> Group:
    return (Place(one.node.get("schema"), join(one.pointer, "schema")),)


def _is_style_kept(old: _Found, new: _Found) -> bool:
    return _style(old.node).partition(",")[0] == _style(new.node).partition(",")[0]


def _new_parameter(found: _Found) -> Change:
    at = _at(found.node)
    if _needs(found.node):
        text = "a new required parameter: clients that do not know it are refused"
        return _told("breaking", "parameter-required", text, at, None, "required", found.pointer)
    text = "a new optional parameter: clients notice nothing"
    return _told("compatible", "parameter-added", text, at, None, "optional", found.pointer)


def _bare(encoding: Json) -> Json:
    return {
        name: {key: item for key, item in mapping(one).items() if key != "headers"}
        for name, one in mapping(encoding).items()
    }


def _texts(old: dict[str, Json], new: dict[str, Json], place: str, what: str) -> Iterator[Change]:
    """Everything beside an operation, a parameter or an answer that only people read."""
    keys = [
        key
        for key in dict.fromkeys((*old, *new))
        if key in _TEXTS or (key.startswith("x-") and key not in _OWN_MARKS)
    ]
    for key in keys:
        if canonical(old.get(key)) != canonical(new.get(key)):
            values = old.get(key), new.get(key)
            text = f"{what}: `{key}` changed"
            yield Change("documentation", "text-changed", text, "", *values, place)
    yield from _examples(old, new, place, what)


def _examples(old: dict[str, Json], new: dict[str, Json], place: str, what: str) -> Iterator[Change]:
    for key in ("example", "examples"):
        if canonical(old.get(key)) != canonical(new.get(key)):
            yield Change("documentation", "example-changed", f"{what}: `{key}` changed", place=place)


_OWN_MARKS = frozenset(("x-operations", "x-trailing-slash", "x-slashes"))


def _marks(old: Operation, new: Operation) -> Iterator[Change]:
    """Our marks that decide which requests are taken."""
    slash = old.item.get("x-trailing-slash"), new.item.get("x-trailing-slash")
    if slash[0] == "optional" != slash[1]:
        text = "the slash at the end is no longer optional: clients that write it find nothing"
        yield _told("breaking", "trailing-slash-refused", text, "/path", *slash, new.item_pointer)
    elif slash[0] != slash[1]:
        text = "the slash at the end is now optional: clients notice nothing"
        yield _told("compatible", "trailing-slash-optional", text, "/path", *slash, new.item_pointer)
    before, after = (mapping(one.node.get("x-operations")) for one in (old, new))
    for name, variant in before.items():
        if name not in after:
            text = f"the variant {name} is gone: clients that ask for it are refused"
            yield _told("breaking", "variant-removed", text, "/body", name, [*after], new.pointer)
        elif canonical(mapping(variant).get("when")) != canonical(mapping(after[name]).get("when")):
            values = mapping(variant).get("when"), mapping(after[name]).get("when")
            text = f"the variant {name} is chosen by another condition: {shown(values[1])}"
            yield _told("careless", "variant-changed", text, "/body", *values, new.pointer)
    for name in after:
        if name not in before:
            text = f"the variant {name} is new: clients notice nothing"
            yield _told("compatible", "variant-added", text, "/body", None, name, new.pointer)
