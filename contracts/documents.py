"""`check specs`: are the documents valid OpenAPI, are their examples true, is every operation reachable?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from contracts.finding import Checked, Finding, Where
from contracts.grammar import Fault, Thing, Written, demands, things, written
from contracts.reach import unreachable
from contracts.shown import Claim, broken, claims, endless, unmarked
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document, compile_document
from mockserver.openapi.library import packaged_folder
from mockserver.openapi.schemas import Schemas
from mockserver.openapi.source import (
    BUNDLED,
    NAME,
    SUFFIXES,
    DocumentError,
    Json,
    Problem,
    Source,
    at,
    load,
    nested_too_deeply,
    parse,
)
from mockserver.openapi.vocabulary import Note, Walk

COMMAND = "check specs"


def check(folder: Path | None = None) -> Checked:
    """What is wrong with the documents of a folder, of one file, or without either with the packaged ones.

    DocumentError where there is nothing to look at.
    """
    files = _files(packaged_folder() if folder is None else folder)
    read = _read(files)
    looks = [_Look(draft) for draft in read.drafts]
    for look in looks:
        look.run()
    findings = [*read.findings, *(f for look in looks for f in look.findings), *_shadowed(looks)]
    return _checked(_in_order(findings), looks, read.refused)


def _checked(findings: list[Finding], looks: Sequence[_Look], refused: int) -> Checked:
    counts = {
        "document": len(looks) + refused,
        "operation": sum(look.operations for look in looks),
        "example": sum(look.examples for look in looks),
    }
    told = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
    unjudged = [look for look in looks if look.unjudged]
    return Checked(
        COMMAND,
        checked=sum(counts.values()),
        passed=sum(look.passed for look in looks),
        findings=findings,
        skipped=sum(look.unjudged for look in unjudged),
        notes=(f"looked at {told}", *map(_unjudged, unjudged)),
    )


def _unjudged(look: _Look) -> str:
    return f"{look.source.file}: {look.unjudged} examples not judged, for their schemas are broken"


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By file and line, each said once."""
    said = {(f.where.file, f.where.line, f.rule, f.pointer, f.message): f for f in findings}
    return sorted(said.values(), key=lambda f: (f.where.file or "", f.where.line or 0, f.rule, f.message))


# --- files --------------------------------------------------------------------------------------------------


class _Draft(NamedTuple):
    """A document that can be read, and the files it refers to in vain."""

    source: Source
    lost: Sequence[Problem] = ()


@dataclass
class _Read:
    """What a folder holds: documents, what is wrong with the other files, and how many of those there are."""

    drafts: list[_Draft] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refused: int = 0

    def refuse(self, file: Path, problems: Iterable[Problem]) -> None:
        self.refused += 1
        self.findings.extend(_of_problem(problem, file.stem) for problem in problems)


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.exists():
        raise DocumentError(
            [Problem(str(place), None, "no such folder; name a folder of OpenAPI documents, or one document")]
        )
    try:
        found = sorted(file for file in place.iterdir() if file.suffix in SUFFIXES and file.name[0] != ".")
    except OSError as error:
        raise DocumentError([Problem(str(place), None, f"cannot be read: {error.strerror}")]) from None
    if not found:
        reason = f"no document in it; wanted files that end in {', '.join(SUFFIXES)}"
        raise DocumentError([Problem(str(place), None, reason)])
    return found


def _shown(file: Path) -> str:
    """How a file is named in a report: from here, where it is below."""
    with suppress(ValueError):
        return str(file.absolute().relative_to(Path.cwd()))
    return str(file)


def _read(files: Sequence[Path]) -> _Read:
    read = _Read()
    odd: list[tuple[Path, DocumentError]] = []
    parts: set[str] = set()
    for file in files:
        try:
            source = load(file, _shown(file))
            _take(read, file, _Draft(source))
            parts.update(source.texts)
        except DocumentError as error:
            odd.append((file, error))
            parts.update(error.parts)
    for file, fault in odd:
        draft = _without_parts(file, fault)
        if draft is not None:
            _take(read, file, draft)
        elif file.name not in parts:  # a file that another refers to is a part of that one, and no document
            read.refuse(file, fault.problems)
    return read


def _take(read: _Read, file: Path, draft: _Draft) -> None:
    name = draft.source.name
    other = next((known.source.file for known in read.drafts if known.source.name == name), None)
    if not NAME.fullmatch(name):
        reason = "a document's file name is its provider's name: letters and digits, and . _ - inside it"
        read.refuse(file, [Problem(_shown(file), None, reason)])
    elif other is not None:
        read.refuse(file, [Problem(_shown(file), 1, f"{other} is named {name!r} too")])
    else:
        read.drafts.append(draft)


def _without_parts(file: Path, error: DocumentError) -> _Draft | None:
    """A document whose only fault so far is in what it refers to; the rest of it can be looked at."""
    if not any(_rule_of(problem.reason) == "unresolved-ref" for problem in error.problems):
        return None
    text = file.read_text("utf-8-sig")
    data = parse(text, str(file))
    return _Draft(Source(file.stem, _shown(file), data, text), error.problems)


# --- one document -------------------------------------------------------------------------------------------


@dataclass
class _Look:
    """A look at one document, part by part; what is wrong in one part keeps no other from being looked at."""

    draft: _Draft
    findings: list[Finding] = field(default_factory=list)
    examples: int = 0
    broken: int = 0
    unjudged: int = 0
    compiled: Document | None = None

    @property
    def source(self) -> Source:
        return self.draft.source

    @property
    def written(self) -> list[Written]:
        return written(self.source)

    @property
    def operations(self) -> int:
        return sum(len(operation.names) for operation in self.written)

    @property
    def passed(self) -> int:
        """How many of the document, its operations and its examples are without error."""
        errors = [finding for finding in self.findings if finding.severity == "error"]
        faulty = {finding.operation for finding in errors}
        sound = sum(len(o.names) for o in self.written if o.names[0] not in faulty)
        return (not errors) + sound + self.examples - self.broken

    def run(self) -> None:
        """Look at everything."""
        try:
            self._look()
        except RecursionError:
            self.findings.append(_of_problem(nested_too_deeply(self.source), self.source.name))

    def _look(self) -> None:
        walk = Walk(self.source, frozenset(NAMES))
        notes = walk.run()
        in_vain = [note for note in notes if self._is_foreign(note)]
        self._tell_lost(in_vain)
        notes = [note for note in notes if note not in in_vain]
        faults = list(map(self._of_note, notes))
        found = list(things(self.source))
        for thing in found:
            faults.extend(demands(thing, self.source.version))
        if not any(fault.rule == "circular-ref" for fault in faults):
            faults.extend(endless(self.source, found))
        faults.extend(unreachable(self.source, found))
        faults.extend(unmarked(self.source, found) if walk.marked else ())
        for fault in faults:
            is_strict = walk.marked and fault.rule == "unknown-keyword"
            self._tell(fault._replace(is_error=True) if is_strict else fault)
        is_sound = not self.draft.lost and not any(note.fatal for note in notes)
        self._judge_examples(found, is_sound=is_sound)
        if is_sound:
            self._compile()

    def _tell(self, fault: Fault) -> None:
        self.findings.append(_finding(self.source, fault, self.written))

    def _is_foreign(self, note: Note) -> bool:
        """Is it a reference into a file, in a document that none could be carried into?"""
        ref = _value(self.source, note.pointer)
        is_ref = note.rule == "unresolved-ref" and isinstance(ref, str)
        return bool(self.draft.lost) and is_ref and not re.match(r"#|[a-z][a-z0-9+.-]*:", ref)

    def _tell_lost(self, notes: Sequence[Note]) -> None:
        """What is wrong with the references into files; the walk knows where those stand."""
        places = {self.source.problem(note.pointer, "").line: note.pointer for note in notes}
        for problem in self.draft.lost:
            pointer = places.get(problem.line) if problem.file == self.source.file else None
            if pointer is None or _rule_of(problem.reason) != "unresolved-ref":
                self.findings.append(_of_problem(problem, self.source.name))
            else:
                got = _value(self.source, pointer)
                self._tell(Fault("unresolved-ref", pointer, problem.reason, "a file that exists", got))

    def _of_note(self, note: Note) -> Fault:
        got = _value(self.source, note.pointer)
        if note.rule == "unknown-keyword":
            got = note.pointer.rpartition("/")[2]
        return Fault(
            note.rule,
            note.pointer,
            note.reason,
            wanted=note.wanted,
            got=f"a {type(got).__name__}" if isinstance(got, (dict, list)) else got,
            is_error=note.fatal or note.rule != "unknown-keyword",
        )

    def _judge_examples(self, found: Sequence[Thing], *, is_sound: bool) -> None:
        schemas = Schemas(self.source)
        for claim in claims(self.source, found):
            faults = _judged(schemas, claim, is_sound=is_sound)
            self.examples += faults is not None
            self.unjudged += faults is None
            self.broken += bool(faults)
            for fault in faults or ():
                self._tell(fault)

    def _compile(self) -> None:
        """What the server would still refuse it for, and nothing here has told of."""
        told = {finding.rule for finding in self.findings if finding.severity == "error"}
        try:
            self.compiled = compile_document(self.source, NAMES)
        except DocumentError as error:
            for problem in error.problems:
                if _rule_of(problem.reason) not in told:
                    self.findings.append(_of_problem(problem, self.source.name))


def _judged(schemas: Schemas, claim: Claim, *, is_sound: bool) -> list[Fault] | None:
    """What is wrong with an example; None where its schema is too broken to say."""
    try:
        return list(broken(schemas, claim))
    except Exception:
        if is_sound:
            raise
        # A broken schema may fail its validator in any way; that it is broken is told of already.
        return None


def _value(source: Source, pointer: str) -> Json:
    try:
        return at(source.data, pointer)
    except KeyError:
        return None


# --- several documents --------------------------------------------------------------------------------------


def _shadowed(looks: Sequence[_Look]) -> Iterator[Finding]:
    """Calls that two documents take: without a prefix nobody can tell which is meant."""
    taken: dict[tuple[str, str], str] = {}
    for look in looks:
        document = look.compiled
        places = {(operation.method, operation.path): operation.pointer for operation in look.written}
        for route in document.routes if document else ():
            path = route.operation.full_path
            key = (route.method, re.sub(r"\{[^{}]*\}", "{}", path))
            other = taken.setdefault(key, look.source.file)
            if other != look.source.file:
                reason = (
                    f"{route.method} {path} stands in {other} too; it is reached as /{look.source.name}{path}"
                )
                pointer = places[route.method, route.path]
                fault = Fault(
                    "shadowed-operation", pointer, reason, "a call of its own", path, is_error=False
                )
                yield _finding(look.source, fault, look.written)


# --- findings -----------------------------------------------------------------------------------------------

# What is said of a document when it is read and compiled, and the rule that is broken with it.
_RULES = (
    (r"cannot be read|^not UTF-8", "unreadable"),
    (r"wanted a version of OpenAPI|^an OpenAPI document is", "not-openapi"),
    (r"file name is its provider's name|^.+ is named '.+' too", "file-name"),
    (r"^\$ref '", "unresolved-ref"),
    (r"^the key .+ stands here a second time|stands twice in one object", "duplicate-key"),
    (r"^the operationId ", "duplicate-operation-id"),
    (r" fits the same paths as ", "ambiguous-path"),
    (r" for its path parameter$", "unknown-path-parameter"),
    (r"^nested ", "too-deep"),
    (r"^not (YAML|JSON)|the file is empty|is not JSON|range of numbers|^a number of", "not-yaml-or-json"),
    (r"^a second YAML|^the tag |^the alias |^aliases |^a key must|^`<<`", "not-yaml-or-json"),
)


def _rule_of(reason: str) -> str:
    return next((rule for pattern, rule in _RULES if re.search(pattern, reason)), "meta-schema")


_NEXT = {
    "unreadable": "Make it a file that can be read, in UTF-8",
    "not-yaml-or-json": "Correct the syntax; nothing else of the file can be checked before",
    "duplicate-key": "Remove one of the two",
    "too-deep": "Nest less deeply",
    "not-openapi": "Begin it with `openapi: 3.1.0`, or move it out of the folder",
    "file-name": "Rename the file",
    "meta-schema": "Correct it as OpenAPI wants it",
    "unresolved-ref": "Correct the reference, or add what it refers to",
    "circular-ref": "Let one of them say something of its own",
    "endless-schema": "Make the inner one optional or nullable, or allow an empty list",
    "duplicate-operation-id": "Rename one of the two",
    "duplicate-parameter": "Remove one of the two",
    "ambiguous-path": "Merge the two paths, or tell them apart by a fixed segment",
    "malformed-path": "Write each parameter as {name}, each name once",
    "undeclared-path-parameter": "Declare it with `in: path` and `required: true`",
    "unknown-path-parameter": "Put it into the path, or remove the parameter",
    "unreachable-operation": "Declare what follows as query parameters",
    "no-response": "Document at least one response",
    "no-media-type": "Name the media type a client sends, as application/json",
    "unknown-security-scheme": "Define it under components/securitySchemes, or correct the name",
    "unknown-outcome": "Use one of the known words",
    "unknown-rule": "Use one of the known rules",
    "unknown-keyword": "Correct the word, or write it as `x-…`",
    "broken-example": "Correct the example, or the schema if the example is what is sent",
    "broken-default": "Correct the default, or the schema",
    "outcome-without-example": "Add an example with that mark, for the mock answers with it",
    "duplicate-outcome": "Remove one of the two marks",
    "shadowed-operation": "Call it with its prefix or host where both documents are served",
}

RULES = tuple(_NEXT)
"""Every rule a finding of this check may name."""


def _message(subject: str, reason: str, rule: str) -> str:
    return f"{subject}{reason}. {_NEXT[rule]}"


def _of_problem(problem: Problem, name: str) -> Finding:
    """A finding of what was said when a document was read: there is a line, and no pointer yet."""
    rule = _rule_of(problem.reason)
    wanted = re.search(r"wanted (.+?)(?:, got .*)?$", problem.reason)
    return Finding(
        "error",
        rule,
        _message("", problem.reason, rule),
        document=name,
        wanted=wanted[1] if wanted else None,
        where=Where(problem.file, problem.line),
    )


def _finding(source: Source, fault: Fault, operations: Sequence[Written]) -> Finding:
    problem = source.problem(fault.pointer, fault.reason)
    here = (o for o in operations if f"{fault.pointer}/".startswith(f"{o.pointer}/"))
    operation = next(here, None)
    name = operation.names[0] if operation else None
    subject = f"{name}: " if name and name not in fault.reason else ""
    return Finding(
        "error" if fault.is_error else "warning",
        fault.rule,
        _message(subject, fault.reason, fault.rule),
        document=source.name,
        operation=name,
        pointer=_inside(fault.pointer),
        wanted=fault.wanted,
        got=fault.got,
        where=Where(_shown(Path(problem.file)), problem.line),
    )


def _inside(pointer: str) -> str:
    """The pointer inside the file that the part was carried in from."""
    if pointer.startswith(f"/{BUNDLED}/"):
        return "".join(f"/{part}" for part in pointer.split("/")[3:])
    return pointer
