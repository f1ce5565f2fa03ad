"""A document compiled: immutable operations, each with what it takes, what it answers and what that means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from mockserver.openapi.hosts import is_loopback
from mockserver.openapi.negotiation import is_json
from mockserver.openapi.parameters import Parameter, Readers, compile_parameter
from mockserver.openapi.paths import Paths
from mockserver.openapi.schemas import Place, Schemas
from mockserver.openapi.security import Security, compile_security
from mockserver.openapi.source import DocumentError, Json, Problem, Source, at, join, nested_too_deeply
from mockserver.openapi.vocabulary import METHODS, Note, Walk

SUCCESS, UNAUTHORIZED, INVALID = "success", "unauthorized", "invalid"


class Example(NamedTuple):
    """A body that a document shows, with its marks."""

    name: str
    pointer: str
    value: Json
    status: str
    media: str
    outcome: str | None = None
    state: str | None = None
    operation: str | None = None
    quirk: str | None = None


class Media(NamedTuple):
    """One representation of a body."""

    type: str
    pointer: str
    place: Place | None
    examples: tuple[Example, ...] = ()
    encoding: Mapping[str, Json] = MappingProxyType({})


class Header(NamedTuple):
    """A documented response header."""

    name: str
    required: bool
    pointer: str
    place: Place | None
    example: Json = None
    explode: bool = False
    as_json: bool = False


class Response(NamedTuple):
    """One documented response; its status is a number, a range such as 4XX, or `default`."""

    status: str
    media: Mapping[str, Media]
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestBody:
    """What an operation takes as its body."""

    required: bool
    media: Mapping[str, Media]


class Answer(NamedTuple):
    """How an outcome is answered: the response that documents it, the status, and its marked examples."""

    status: int
    response: Response | None
    examples: tuple[Example, ...] = ()


# Two are never alike: what is worked out for one once can be kept by it.
@dataclass(frozen=True, eq=False)
class Operation:
    """One operation by the name it has in headers, journal, coverage and the control API."""

    provider: str
    name: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: RequestBody | None
    responses: tuple[Response, ...]
    security: Security
    answers: Mapping[str, Answer]
    states: tuple[str, ...]
    marked: bool
    readers: Readers = field(compare=False, repr=False)
    base: str = ""

    @property
    def full_path(self) -> str:
        """The path under the base path of the operation's own first server."""
        return self.base + self.path

    @property
    def usual(self) -> str | None:
        """The outcome of a call with nothing wrong: success, else that of the first response there is."""
        if SUCCESS in self.answers:
            return SUCCESS
        order = {response.status: index for index, response in enumerate(self.responses)}
        known = ((order[a.response.status], name) for name, a in self.answers.items() if a.response)
        return min(known, default=(0, None))[1]

    def response(self, status: int) -> Response | None:
        """The response that documents a status: itself, its range, or `default`."""
        known = {response.status.upper(): response for response in self.responses}
        return known.get(str(status)) or known.get(f"{status // 100}XX") or known.get("DEFAULT")

    def examples(self) -> Iterator[Example]:
        """Every example of every response that this operation name may show."""
        for response in self.responses:
            for media in response.media.values():
                yield from (example for example in media.examples if example.operation in (None, self.name))


class Route(NamedTuple):
    """What stands at one path and method: an operation, or several that the body tells apart."""

    method: str
    path: str
    operation: Operation
    variants: tuple[tuple[Operation, Place], ...] = ()

    def operations(self) -> tuple[Operation, ...]:
        """Every operation here, the one for any other body first."""
        return (self.operation, *(operation for operation, _ in self.variants))


class Envelope(NamedTuple):
    """Where a body holds its code and its message, and whether a success has a number for its code."""

    code: tuple[str, ...] = ()
    message: tuple[str, ...] = ()
    is_numeric: bool = False

    def code_of(self, body: Json) -> Json:
        """The code of a body, None where it has none."""
        return _first(body, self.code)

    def read(self, body: Json) -> tuple[Json, Json]:
        """The code and the message of a body, None where it has none."""
        return _first(body, self.code), _first(body, self.message)


def _is_numeric(envelope: Envelope, routes: Sequence[Route]) -> bool:
    """True where success has a number as well as refusal: then a code may stand in for the HTTP status."""
    answers = (o.answers.get(SUCCESS) for route in routes for o in route.operations())
    shown = (example for answer in answers if answer for example in answer.examples[:1])
    return any(type(envelope.read(example.value)[0]) is int for example in shown)


def _first(body: Json, pointers: Sequence[str]) -> Json:
    for pointer in pointers:
        # Every reply is asked for its code, which mostly stands at the top.
        if isinstance(body, dict) and pointer[1:] in body and "/" not in pointer[1:]:
            return body[pointer[1:]]
        try:
            return at(body, pointer)
        except KeyError:
            continue
    return None


@dataclass(frozen=True)
class Document:
    """A provider's document, ready to be served."""

    name: str
    source: Source
    schemas: Schemas
    routes: tuple[Route, ...]
    paths: Paths[Route]
    aliases: Paths[Route]
    base: str
    hosts: frozenset[str]
    envelope: Envelope
    marked: bool
    warnings: tuple[Problem, ...] = ()

    def operations(self) -> Iterator[Operation]:
        """Every operation, in the order of the document."""
        for route in self.routes:
            yield from route.operations()

    def operation(self, name: str) -> Operation | None:
        """The operation of that name."""
        return next((operation for operation in self.operations() if operation.name == name), None)

    def secrets(self) -> frozenset[tuple[str, str]]:
        """Each place in which this document's credentials may stand."""
        return frozenset().union(*(operation.security.keys() for operation in self.operations()))


def compile_document(
    source: Source,
    outcomes: Sequence[str],
    allowed_hosts: frozenset[str] = frozenset(),
    quirks: Callable[[str], frozenset[str]] = lambda _: frozenset(),
) -> Document:
    """The compiled document, its outcomes in the order given; DocumentError with every problem it has.

    `quirks` gives the x-quirk marks in force for a document's name: their examples stand for their outcomes,
    before any other. It is asked by documents that have such marks only.
    """
    walk = Walk(source, frozenset(outcomes))
    try:
        notes = walk.run()
    except RecursionError:
        raise DocumentError([nested_too_deeply(source)]) from None
    fatal = [note for note in notes if note.fatal]
    if fatal:
        raise DocumentError(_problems(source, fatal))
    compiler = _Compiler(source, walk.marked, tuple(outcomes), Schemas(source, allowed_hosts), quirks)
    document = compiler.document(tuple(_problems(source, notes)))
    if compiler.problems:
        raise DocumentError(compiler.problems)
    return document


def _problems(source: Source, notes: Sequence[Note]) -> list[Problem]:
    found = dict.fromkeys(source.problem(note.pointer, note.reason) for note in notes)
    return sorted(found, key=lambda problem: (problem.file, problem.line or 0))


class _Compiler:
    def __init__(
        self,
        source: Source,
        marked: bool,
        order: tuple[str, ...],
        schemas: Schemas,
        quirks: Callable[[str], frozenset[str]],
    ) -> None:
        self._source = source
        self._data = source.data
        self._marked = marked
        self._order = order
        self._schemas = schemas
        self._quirks = quirks
        self._paths: Paths[Route] = Paths()
        self._aliases: Paths[Route] = Paths()
        self._ids: dict[str, str] = {}
        self.problems: list[Problem] = []

    def document(self, warnings: tuple[Problem, ...]) -> Document:
        routes = tuple(self._routes())
        marks = self._data.get("x-envelope", {})
        envelope = Envelope(_listed(marks.get("code")), _listed(marks.get("message")))
        return Document(
            name=self._source.name,
            source=self._source,
            schemas=self._schemas,
            routes=routes,
            paths=self._paths,
            aliases=self._aliases,
            base=next(iter(_bases(self._data.get("servers"))), ""),
            hosts=_hosts(self._data.get("servers", [])),
            envelope=envelope._replace(is_numeric=_is_numeric(envelope, routes)),
            marked=self._marked,
            warnings=warnings,
        )

    def _problem(self, pointer: str, reason: str) -> None:
        self.problems.append(self._source.problem(pointer, reason))

    # --- routes ---------------------------------------------------------------------------------------------

    def _routes(self) -> Iterator[Route]:
        for path in self._data.get("paths", {}):
            if path.startswith("x-"):
                continue
            pointer = join("/paths", path)
            beside = at(self._data, pointer)
            item, inner = self._source.follow(pointer)
            item = {**item, **{key: value for key, value in beside.items() if key != "$ref"}}
            homes = {key: join(pointer if key in beside else inner, key) for key in item}
            for method in METHODS:
                if method in item:
                    yield self._route(path, method.upper(), item, homes)

    def _route(self, path: str, method: str, item: Json, homes: Mapping[str, str]) -> Route:
        pointer, node = homes[method.lower()], item[method.lower()]
        bases = _bases(node.get("servers") or item.get("servers") or self._data.get("servers"))
        operation = self._operation(path, method, pointer, homes.get("parameters", ""), node, bases)
        variants = tuple(
            (self._named(operation, name), self._schemas.place(join(pointer, "x-operations", name, "when")))
            for name in node.get("x-operations", {})
        )
        for name in (operation.name, *(variant.name for variant, _ in variants)):
            if name in self._ids:
                self._problem(pointer, f"the operationId {name!r} stands at {self._ids[name]} already")
            self._ids[name] = f"{method} {path}"
        route = Route(method, path, operation, variants)
        self._place(route, item, bases, pointer)
        return route

    def _place(self, route: Route, item: Json, bases: list[str], pointer: str) -> None:
        rest = next((p.name for p in route.operation.parameters if p.takes_slashes), None)
        templates = [route.path]
        if item.get("x-trailing-slash") == "optional":
            templates.append(route.path.rstrip("/") if route.path.endswith("/") else route.path + "/")
        for template in templates:
            for base in bases:
                taken = self._paths.add(route.method, base + template, route, rest=rest)
                if taken is not None:
                    name = f"{route.method} {base + template}"
                    self._problem(pointer, f"{name} fits the same paths as {taken.path}")
            self._aliases.add(route.method, template, route, rest=rest)

    def _operation(
        self, path: str, method: str, pointer: str, shared: str, node: Json, bases: list[str]
    ) -> Operation:
        name = node.get("operationId") or f"{method} {path}"
        responses = tuple(self._responses(pointer, node))
        parameters = tuple(self._parameters(path, shared, pointer))
        schemes = self._data.get("components", {}).get("securitySchemes", {})
        resolved = {key: self._source.follow(join("/components/securitySchemes", key))[0] for key in schemes}
        security = compile_security(node.get("security", self._data.get("security", [])), resolved)
        blank = Operation(
            provider=self._source.name,
            name=name,
            method=method,
            path=path,
            parameters=parameters,
            body=self._body(pointer, node),
            responses=responses,
            security=security,
            answers={},
            states=(),
            marked=self._marked,
            readers=Readers(parameters, self._schemas),
            base=bases[0],
        )
        return self._named(blank, name)

    def _named(self, operation: Operation, name: str) -> Operation:
        """The operation under a name, with the outcomes that are this name's."""
        renamed = replace(operation, name=name)
        examples = [e for e in renamed.examples() if e.quirk is None or e.quirk in self._in_force()]
        examples.sort(key=lambda example: example.quirk is None)
        marked = any(example.outcome for example in examples)
        return replace(
            renamed,
            answers=_marked_answers(renamed, examples, self._order)
            if marked
            else _stateless_answers(renamed),
            states=tuple(dict.fromkeys(example.state for example in examples if example.state)),
            marked=marked,
        )

    def _in_force(self) -> frozenset[str]:
        """The x-quirk marks in force for this document."""
        return self._quirks(self._source.name)

    # --- parts ----------------------------------------------------------------------------------------------

    def _parameters(self, path: str, shared: str, pointer: str) -> Iterator[Parameter]:
        """The path's parameters, each but where the operation has one of that name and place."""
        found: dict[str, Parameter] = {}
        for home in (shared, join(pointer, "parameters")):
            for index, node in enumerate(self._listed(home)):
                inner, place = self._source.through(node, join(home, index))
                parameter = compile_parameter(place, inner)
                if parameter is not None:
                    found[parameter.pointer] = parameter
        for parameter in found.values():
            if parameter.location == "path" and f"{{{parameter.name}}}" not in path:
                self._problem(pointer, f"the path {path} has no {{{parameter.name}}} for its path parameter")
            else:
                yield parameter

    def _listed(self, pointer: str) -> Sequence[Json]:
        """The list at a pointer, if there is one."""
        try:
            found: Sequence[Json] = at(self._data, pointer) if pointer else ()
        except KeyError:
            return ()
        return found

    def _body(self, pointer: str, node: Json) -> RequestBody | None:
        if "requestBody" not in node:
            return None
        inner, place = self._source.through(node["requestBody"], join(pointer, "requestBody"))
        return RequestBody(inner.get("required") is True, self._content(place, inner, ""))

    def _responses(self, pointer: str, node: Json) -> Iterator[Response]:
        for status, response in node.get("responses", {}).items():
            if status.startswith("x-"):
                continue
            inner, place = self._source.through(response, join(pointer, "responses", status))
            headers = tuple(
                self._header(join(place, "headers", name), header, name)
                for name, header in inner.get("headers", {}).items()
                if name.lower() != "content-type"
            )
            yield Response(status, self._content(place, inner, status), headers)

    def _header(self, pointer: str, node: Json, name: str) -> Header:
        inner, place = self._source.through(node, pointer)
        required, explode = inner.get("required") is True, inner.get("explode") is True
        media = next(iter(inner.get("content", {})), None)
        if media is not None:
            place = join(place, "content", media)
            inner = inner["content"][media]
        examples = self._examples(place, inner, media or "", "")
        shown = next((example.value for example in examples), None)
        return Header(name, required, place, _schema(inner, place), shown, explode, is_json(media or ""))

    def _content(self, pointer: str, node: Json, status: str) -> dict[str, Media]:
        """Every representation that a body or a response has."""
        return {
            name: self._media(join(pointer, "content", name), media, name, status)
            for name, media in node.get("content", {}).items()
        }

    def _media(self, pointer: str, node: Json, name: str, status: str) -> Media:
        examples = tuple(self._examples(pointer, node, name, status))
        return Media(name, pointer, _schema(node, pointer), examples, node.get("encoding", {}))

    def _examples(self, pointer: str, node: Json, media: str, status: str) -> Iterator[Example]:
        if "example" in node:
            yield Example("example", join(pointer, "example"), node["example"], status, media)
        for name, example in node.get("examples", {}).items():
            inner, place = self._source.through(example, join(pointer, "examples", name))
            if "value" in inner:
                yield Example(
                    name,
                    join(place, "value"),
                    inner["value"],
                    status,
                    media,
                    outcome=inner.get("x-outcome"),
                    state=inner.get("x-state"),
                    operation=inner.get("x-operation"),
                    quirk=inner.get("x-quirk"),
                )


def _schema(node: Json, pointer: str) -> Place | None:
    return Place(join(pointer, "schema"), node["schema"]) if "schema" in node else None


def _listed(value: Json) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


# --- what the answers mean ----------------------------------------------------------------------------------


def _marked_answers(
    operation: Operation, examples: Sequence[Example], order: tuple[str, ...]
) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for example in examples:
        if example.outcome:
            status = _number(example.status)
            known = answers.get(example.outcome)
            if known is None:
                answers[example.outcome] = Answer(status, operation.response(status), (example,))
            elif known.status == status:
                answers[example.outcome] = known._replace(examples=(*known.examples, example))
    return {outcome: answers[outcome] for outcome in order if outcome in answers}


def _stateless_answers(operation: Operation) -> dict[str, Answer]:
    """What an unmarked operation can answer, by the words for documents without an adapter."""
    answers: dict[str, Answer] = {}
    success = _success(operation.responses)
    if success is not None:
        answers[SUCCESS] = Answer(200 if success.status == "default" else _number(success.status), success)
    numbers = {response.status: response for response in operation.responses}
    if "401" in numbers:
        answers[UNAUTHORIZED] = Answer(401, numbers["401"])
    invalid = numbers.get("422") or numbers.get("400")
    if invalid is not None:
        answers[INVALID] = Answer(int(invalid.status), invalid)
    taken = {answer.response.status for answer in answers.values() if answer.response}
    for response in operation.responses:
        if response.status not in taken and response.status[0] in "2345d":
            answers[f"http-{response.status}"] = Answer(_number(response.status), response)
    return answers


def _success(responses: Sequence[Response]) -> Response | None:
    numbers = sorted((r for r in responses if r.status.isdecimal()), key=lambda r: r.status)
    ranges = {response.status.upper(): response for response in responses}
    return (
        next((response for response in numbers if response.status.startswith("2")), None)
        or ranges.get("2XX")
        or ranges.get("DEFAULT")
    )


def _number(status: str) -> int:
    if status.isdecimal():
        return int(status)
    return 500 if status == "default" else int(status[0]) * 100


# --- servers ------------------------------------------------------------------------------------------------


def _bases(servers: Json) -> list[str]:
    """The paths that the servers' URLs put before every path of the document."""
    urls = [_expanded(server) for server in servers or [{"url": "/"}]]
    return list(dict.fromkeys(_path(url).rstrip("/") for url in urls))


def _path(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return path if path.startswith("/") else f"/{path}" if path and "://" not in url else path


def _hosts(servers: Sequence[Json]) -> frozenset[str]:
    found = set()
    for server in servers:
        try:
            host = urlsplit(_expanded(server)).hostname
        except ValueError:
            continue
        if host and not is_loopback(host):
            found.add(host)
    return frozenset(found)


def _expanded(server: Json) -> str:
    url = str(server["url"])
    for name, variable in server.get("variables", {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return url
