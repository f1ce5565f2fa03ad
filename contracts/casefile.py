"""Case files, read: named requests put in place, `for-each` written out, every slip told with its line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from contracts import filling, matching
from contracts.case import Case, CaseFile, Json, Mark, Page, Step
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.problem import DocumentError, Problem, at, join, unescape
from mockserver.openapi.schemas import Place, Schemas
from mockserver.openapi.source import Source, kept
from mockserver.openapi.violation import Violation

PACKAGED = Path(__file__).with_name("cases")
_SCHEMA = PACKAGED / "schema.json"
# What states of songs are called everywhere; a document has names of its own beside these.
_STATES = ("finished", "unfinished", "failed", "waiting", "running")
_PARTS = ("body", "query", "path", "headers")
# What a step's request and its expectation are called in a file, where they are not called so.
_PARTS_OF_STEPS = {"poll": ("poll", "until"), "callback": ("callback", "callback")}


def load(place: Path, documents: Mapping[str, Document]) -> dict[str, CaseFile]:
    """The cases of a folder or file by provider, of the documents there; DocumentError with every slip."""
    found: dict[str, CaseFile] = {}
    problems: list[Problem] = []
    for file in _files(place):
        try:
            read = _Reader(_source(file), documents).file()
        except DocumentError as error:
            problems.extend(error.problems)
            continue
        if read is None:
            continue
        if read.provider in found:
            first = found[read.provider].source.file
            problems.append(read.source.problem("/provider", f"{read.provider} has its cases in {first}"))
        found[read.provider] = read
    if problems:
        raise DocumentError(sorted(problems, key=lambda problem: (problem.file, problem.line or 0)))
    return found


def unused(place: Path, known: Iterable[str]) -> Iterator[str]:
    """Each file that `load` passes over, with the reason: its provider is none that is known."""
    for file in _files(place):
        data: Json = _source(file).data
        provider = data.get("provider") if isinstance(data, dict) else None
        if isinstance(provider, str) and provider not in known:
            yield f"{file} is not used: {_unknown(provider, 'provider that is served', known)}"


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted(file for file in place.iterdir() if file.suffix in (".yaml", ".yml") and file.is_file())


def packaged(document: Document) -> CaseFile | None:
    """Our own cases of a provider; None where there are none, or they are not about this document."""
    file = PACKAGED / f"{document.name}.yaml"
    if not file.is_file():
        return None
    try:
        return _Reader(_source(file), {document.name: document}, knows_shape=True).file()
    except DocumentError:
        return None


def _source(file: Path) -> Source:
    shown = str(file) if file.parent != PACKAGED else _placed(file)
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DocumentError([Problem(shown, None, f"cannot be read: {reason}")]) from None
    return Source(file.stem, shown, kept(file, text, shown), text)


def _placed(file: Path) -> str:
    """Where one of our own files is: below the current folder, or on this machine."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


@cache
def _schemas() -> Schemas:
    data = {**json.loads(_SCHEMA.read_text("utf-8")), "openapi": "3.1.0"}
    # A dialect of its own would put plain JSON Schema in place of what names the field that is wrong.
    del data["$schema"]
    return Schemas(Source("cases", _SCHEMA.name, data, ""))


class _Reader:
    """One file on its way to cases; what is wrong in it is gathered, and told at once."""

    def __init__(
        self, source: Source, documents: Mapping[str, Document], *, knows_shape: bool = False
    ) -> None:
        self._source, self._documents = source, documents
        # Our own files keep their schema, which takes most of the time to see.
        self._knows_shape = knows_shape
        self._problems: list[Problem] = []

    def file(self) -> CaseFile | None:
        """The file read, or None where its provider is not served."""
        data: Json = self._source.data
        provider = data.get("provider") if isinstance(data, dict) else None
        if isinstance(provider, str) and provider not in self._documents:
            return None
        self._check_shape(data, "", "")
        self._end()
        self._document, self._requests = self._documents[data["provider"]], data.get("requests", {})
        live = {key: self._live(key, node) for key, node in data.get("live", {}).items()}
        cases = tuple(case for name in data["cases"] for case in self._cases(name))
        self._end()
        return CaseFile(self._document.name, self._source, live, cases)

    def _check_shape(self, node: Json, place: str, pointer: str, item: str = "") -> bool:
        """See that a part keeps its schema; what `${each}` stands for is seen when it stands there."""
        if self._knows_shape:
            return True
        fits = True
        for violation in _schemas().violations(Place(place, True), node, where="body", pointer=pointer):
            if not item and self._waits_for_item(violation):
                continue
            self._wrong(violation.pointer, f"{violation.message}{item}")
            fits = False
        return fits

    def _is_filled(self, node: Json, each: Json, pointer: str, suffix: str) -> bool:
        """See that what an item put in place keeps the schema; the rest was looked at before."""
        changed = [key for key, value in each.items() if value != node[key]]
        fits = [
            self._check_shape(
                each[key], join("/$defs/case/properties", key), join(pointer, key), f" (for-each {suffix})"
            )
            for key in changed
        ]
        return all(fits)

    def _waits_for_item(self, violation: Violation) -> bool:
        """True for `${each}` in a case that is written out later, and seen then."""
        steps = violation.pointer.split("/")[1:3]
        if not isinstance(violation.got, str) or "${each" not in violation.got or steps[:1] != ["cases"]:
            return False
        case = at(self._source.data, join("", *steps))
        return isinstance(case, dict) and "for-each" in case

    def _wrong(self, pointer: str, reason: str) -> None:
        problem = self._source.problem(pointer, reason)
        self._problems.append(problem._replace(reason=f"{_path(pointer)}: {reason}" if pointer else reason))

    def _end(self) -> None:
        if self._problems:
            raise DocumentError(self._problems)

    # --- cases ----------------------------------------------------------------------------------------------

    def _cases(self, name: str) -> Iterator[Case]:
        pointer, node = join("/cases", name), self._source.data["cases"][name]
        if "for-each" not in node:
            yield self._case(name, pointer, node)
            return
        names: set[str] = set()
        for index, item in enumerate(node["for-each"]):
            suffix = str(item["name"] if isinstance(item, dict) else item)
            if suffix in names:
                self._wrong(join(pointer, "for-each", index), f"{suffix} stands there already")
            names.add(suffix)
            try:
                each = filling.fill(node, {"each": item}, only="each")
            except filling.Unfilled as error:
                self._wrong(join(pointer, "for-each", index), f"there is no ${{{error}}}")
                continue
            if self._is_filled(node, each, pointer, suffix):
                yield self._case(f"{name}/{suffix}", pointer, each)

    def _case(self, name: str, pointer: str, node: Json) -> Case:
        pages = self._source.data["pages"]
        if node["page"] not in pages:
            self._wrong(join(pointer, "page"), _unknown(node["page"], "page", pages))
        page = Page(**pages.get(node["page"], {"source": "", "read": ""}))
        case = Case(
            name=name,
            provider=self._document.name,
            fact=node["fact"],
            page=page,
            mark=_mark(node.get("mark", "page"), page),
            where=frozenset(node["where"]),
            cost=node.get("cost", 0),
            given=node.get("given", {}),
            steps=tuple(self._steps(node, pointer)),
            pointer=pointer,
            source=self._source,
        )
        self._check_names(case)
        self._check_given(case)
        return case

    def _steps(self, node: Json, pointer: str) -> Iterator[Step]:
        yield self._step(node, pointer)
        for index, step in enumerate(node.get("then", ())):
            yield self._step(step, join(pointer, "then", index))

    def _step(self, node: Json, pointer: str) -> Step:
        after = node.get("after", 0)
        if "callback" in node:
            self._check_matches(node["callback"], join(pointer, "callback"))
            return Step("callback", pointer, expect=node["callback"], after=after)
        if "no-callback" in node:
            return Step("silence", pointer, after=after)
        if "poll" in node:
            request, expect = self._request(node["poll"], join(pointer, "poll")), node["until"]
            self._check_expect(expect, request, join(pointer, "until"))
            return Step(
                "poll",
                pointer,
                request,
                expect,
                node.get("capture"),
                after,
                every=node["every"],
                at_most=node["at-most"],
            )
        if "request" not in node:
            return Step("wait", pointer, after=after)
        request = self._request(node["request"], join(pointer, "request"))
        self._check_expect(node["expect"], request, join(pointer, "expect"))
        return Step(
            "call", pointer, request, node["expect"], node.get("capture"), after, node.get("times", 1)
        )

    def _live(self, key: str, node: Json) -> Json:
        """A part of `live`, its requests put in place."""
        pointer = join("/live", key)
        if not isinstance(node, dict):
            return node
        whole = dict(node)
        for name in ("request", "poll"):
            if name in node:
                whole[name] = self._request(node[name], join(pointer, name))
        for name in ("until", "failed"):
            if name in node:
                self._check_expect(node[name], whole.get("poll", {}), join(pointer, name))
        for name, value in whole.items():
            self._check_known(value, {"callback", "song", "persona"}, join(pointer, name))
        return whole

    # --- requests -------------------------------------------------------------------------------------------

    def _request(self, node: Json, pointer: str, using: tuple[str, ...] = ()) -> dict[str, Json]:
        """A request written out: what it uses, with what it changes."""
        changes: dict[str, Json] = {"use": node} if isinstance(node, str) else node
        before = len(self._problems)
        request = self._used(changes, pointer, using) if "use" in changes else {}
        request |= {key: value for key, value in changes.items() if key not in ("use", "set", "without")}
        for target, value in changes.get("set", {}).items():
            self._set(request, target, value, join(pointer, "set", target))
        for index, target in enumerate(changes.get("without", ())):
            self._unset(request, target, join(pointer, "without", index))
        # One slip is told once: where a part is missing, more would seem to be.
        if not using and len(self._problems) == before:
            self._check_target(request, pointer)
        return request

    def _used(self, changes: Json, pointer: str, using: tuple[str, ...]) -> dict[str, Json]:
        name = changes["use"]
        if name in using:
            self._wrong(pointer, f"{name} uses itself")
            return {}
        if name not in self._requests:
            self._wrong(pointer, _unknown(name, "name of `requests`", self._requests))
            return {}
        place = join("/requests", name)
        return deepcopy(self._request(self._requests[name], place, (*using, name)))

    def _set(self, request: dict[str, Json], target: str, value: Json, pointer: str) -> None:
        part, *keys = _keys(target)
        if part not in _PARTS:
            self._wrong(pointer, f"{target} begins with none of /body, /query, /path, /header")
        elif not keys and part != "body" and not isinstance(value, dict):
            self._wrong(pointer, f"{target} is an object of names and values")
        elif not keys:
            request[part] = value
        else:
            node = request.setdefault(part, {})
            for key in keys[:-1]:
                node = _inside(node, key)
            if not _put(node, keys[-1], value):
                self._wrong(pointer, f"{target} is no place in the request")

    def _unset(self, request: dict[str, Json], target: str, pointer: str) -> None:
        part, *keys = _keys(target)
        if not keys:
            request.pop(part, None)
            return
        node: Json = request.get(part)
        for key in keys[:-1]:
            node = _inside(node, key)
        if not isinstance(node, dict) or node.pop(keys[-1], self) is self:
            self._wrong(pointer, f"{target} is not there to be left out")

    def _check_target(self, request: dict[str, Json], pointer: str) -> None:
        name = request.get("operation")
        if "url" in request:
            if "method" not in request:
                self._wrong(pointer, "a request with a url of its own names its method")
        elif name is None:
            self._wrong(pointer, "names no operation, and no method and url")
        elif self._operation(name) is None:
            known = [operation.name for operation in self._document.operations()]
            self._wrong(pointer, _unknown(name, f"operation of {self._document.name}", known))
        else:
            self._check_path(request, self._document.operation(name), pointer)

    def _check_path(self, request: dict[str, Json], operation: Operation | None, pointer: str) -> None:
        for parameter in operation.parameters if operation else ():
            if parameter.location == "path" and parameter.name not in request.get("path", {}):
                self._wrong(pointer, f"the operation has {parameter.name} in its path, which is not said")

    def _operation(self, name: Json) -> Operation | None:
        return self._document.operation(name) if isinstance(name, str) else None

    # --- expectations ---------------------------------------------------------------------------------------

    def _check_expect(self, expect: Json, request: Mapping[str, Json], pointer: str) -> None:
        self._check_matches(expect, pointer)
        if "status" in expect and not _may_be_status(expect["status"]):
            shown = json.dumps(expect["status"], ensure_ascii=False)
            self._wrong(join(pointer, "status"), f"wanted a number such as 200, or a matcher, got {shown}")
        operation = self._operation(request.get("operation"))
        if operation is None:
            return
        if "outcome" in expect and expect["outcome"] not in operation.answers:
            reason = _unknown(expect["outcome"], f"outcome of {operation.name}", operation.answers)
            self._wrong(join(pointer, "outcome"), reason)
        if "state" in expect and not operation.states:
            self._wrong(join(pointer, "state"), f"{operation.name} shows no task states")
        elif "state" in expect and expect["state"] not in operation.states:
            reason = _unknown(expect["state"], f"task state of {operation.name}", operation.states)
            self._wrong(join(pointer, "state"), reason)

    def _check_matches(self, expect: Json, pointer: str) -> None:
        for key, wanted in expect.items():
            if key not in ("outcome", "state"):
                for place, reason in matching.faults(wanted, join(pointer, key), self._is_schema):
                    self._wrong(place, reason)

    def _is_schema(self, node: Json) -> bool:
        """True for what values can be held against: a reference that leads somewhere, or a schema."""
        try:
            self._document.schemas.accepts({"$ref": node} if isinstance(node, str) else node, None)
        except Exception:
            return False
        return True

    def _check_names(self, case: Case) -> None:
        """See that every name stands for something when it is used."""
        known = {"callback", *case.songs} | ({"persona"} if "persona" in case.given else set())
        self._check_known(case.given, set(), join(case.pointer, "given"))
        for step in case.steps:
            asked, wanted = _PARTS_OF_STEPS.get(step.kind, ("request", "expect"))
            self._check_known(step.request, known, join(step.pointer, asked))
            self._check_known(step.expect, known, join(step.pointer, wanted))
            known |= set(step.capture or ())
        asks = any(one.startswith("callback.") for step in case.steps for one in filling.names(step.request))
        awaited = next((step for step in case.steps if step.kind == "callback"), None)
        if awaited and not asks:
            self._wrong(join(awaited.pointer, "callback"), "no request of the case gives ${callback.url}")

    def _check_known(self, value: Json, known: set[str], pointer: str) -> None:
        for name in filling.names(value):
            if name.partition(".")[0] not in known:
                self._wrong(pointer, f"uses ${{{name}}}, which nothing gives or captures before it")
        for text in filling.odd(value):
            self._wrong(pointer, f"has a ${{ that begins no name: {text}")
        for repeated in filling.misrepeated(value):
            shown = json.dumps(repeated, ensure_ascii=False)
            self._wrong(pointer, f"{filling.REPEAT} wants a text and how often, got {shown}")

    def _check_given(self, case: Case) -> None:
        given, pointer = case.given, join(case.pointer, "given")
        self._check_songs(case, pointer)
        if "persona" in given and "song" not in given:
            self._wrong(join(pointer, "persona"), "a persona is made of `song`, which is not given")
        if "persona" in given and "persona" not in self._source.data.get("live", {}):
            self._wrong(join(pointer, "persona"), "/live/persona does not say how one is made")
        if "error" in given and given.get("outcome") != "task-failed":
            self._wrong(join(pointer, "error"), "belongs to `outcome: task-failed`")
        first = self._operation(case.steps[0].operation)
        if first and "outcome" in given and given["outcome"] not in first.answers:
            reason = _unknown(given["outcome"], f"outcome of {first.name}", first.answers)
            self._wrong(join(pointer, "outcome"), reason)

    def _check_songs(self, case: Case, pointer: str) -> None:
        own = (state for operation in self._document.operations() for state in operation.states)
        known = dict.fromkeys((*_STATES, *own))
        for name, song in case.songs.items():
            if song["state"] not in known:
                place = join(pointer, "song") if name == "song" else join(pointer, "songs", name)
                self._wrong(place, _unknown(song["state"], f"state of a song of {case.provider}", known))


def _may_be_status(status: Json) -> bool:
    return type(status) is int or matching.is_matcher(status) or (isinstance(status, str) and "${" in status)


def _mark(node: Json, page: Page) -> Mark:
    if node == "page":
        return page.mark
    if "recorded" in node:
        return Mark("recorded", node["recorded"])
    return Mark("differs", node["seen"], node["differs"])


def _keys(target: str) -> list[str]:
    part, *keys = target.split("/")[1:] or [target]
    return ["headers" if part == "header" else part, *map(unescape, keys)]


def _inside(node: Json, key: str) -> Json:
    if isinstance(node, list):
        return node[int(key)] if key.isdecimal() and int(key) < len(node) else None
    return node.setdefault(key, {}) if isinstance(node, dict) else None


def _put(node: Json, key: str, value: Json) -> bool:
    """Put a value in its place; False where there is none."""
    if isinstance(node, list) and key.isdecimal() and int(key) < len(node):
        node[int(key)] = value
    elif isinstance(node, dict):
        node[key] = value
    else:
        return False
    return True


def _unknown(got: Json, what: str, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(str(got), names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
    return f"{got} is no {what}; {hint}"


def _path(pointer: str) -> str:
    """A pointer as a path of keys: cases.one.then[0].expect."""
    path = ""
    for part in pointer.split("/")[1:]:
        path += f"[{part}]" if part.isdecimal() else f".{unescape(part)}"
    return path.removeprefix(".")
