"""Parameters read in one pass: the same values and violations as one by one; and what a request holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document, Operation
from mockserver.openapi.library import load_documents
from mockserver.openapi.parameters import Readers, Sent, joined, split_query, values, violations
from tests.openapi.conftest import Read

STATELESS = Path(__file__).parent.parent / "stateless" / "documents"
FILES = ["path-parameters.yaml", "query-parameters.yaml", "header-parameters.yaml", "odd.json"]
TEXTS = [
    "",
    "a",
    "7",
    "-1.5",
    "true",
    "null",
    "a%20b",
    "a+b",
    "%2C",
    "a,b",
    "a%2Cb,c",
    "%FF",
    "größe",
    "[1]",
    "{}",
]
TEXTS += [
    "task-unified-1",
    ".a",
    ";x=1",
    "a|b",
    "x" * 300,
    "%7B%22a%22:1}",
    "audio/mpeg",
    "mp3",
    "a=1",
    "1,2",
]

DOC = """
openapi: 3.1.0
info: {title: Doc, version: '1'}
paths:
  /a/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: string, minLength: 2, maxLength: 9}}
        - {name: word, in: query, required: true, schema: {type: string, pattern: '^a[0-9]$', examples: [a1]}}
        - name: maybe
          in: query
          schema: {type: string, x-outcomes: {minLength: unauthorized}, minLength: 3}
        - {name: empty, in: query, allowEmptyValue: true, schema: {type: string, minLength: 3}}
        - {name: X-Word, in: header, required: true, schema: {type: string, maxLength: 3}}
        - {name: open, in: query}
        - {name: kind, in: query, schema: {type: string, enum: [a, b]}}
        - {name: number, in: query, schema: {type: integer}}
        - {name: json, in: query, content: {application/json: {schema: {type: object}}}}
        - {name: crumb, in: cookie, schema: {type: string, minLength: 2}}
      responses: {'200': {description: fine}}
"""


@pytest.fixture(scope="module")
def operations() -> list[tuple[Document, Operation]]:
    """Every operation with parameters, of our own documents and those of the stateless tests."""
    folders = ("packaged", *(str(STATELESS / file) for file in FILES))
    documents = load_documents(folders, NAMES).values()
    return [(document, o) for document in documents for o in document.operations() if o.parameters]


def requests(operation: Operation, chance: Random) -> Iterator[Sent]:
    """Requests that hold some of an operation's parameters, some twice, in texts of every kind."""

    def texts(place: str) -> list[tuple[str, str]]:
        names = [one.name for one in operation.parameters if one.location == place] or ["x"]
        names += [f"{name}[{key}]" for name in names for key in ("", "a", "0")]
        return [(chance.choice(names), chance.choice(TEXTS)) for _ in range(chance.randrange(5))]

    while True:
        path = {one.name: chance.choice(TEXTS) for one in operation.parameters if one.location == "path"}
        cookies = "; ".join(f"{name}={text}" for name, text in texts("cookie"))
        headers = [(name.lower(), text) for name, text in texts("header")] + [("cookie", cookies)]
        yield Sent(path, texts("query"), headers, joined(headers) if chance.random() < 0.5 else None)


def one_by_one(document: Document, operation: Operation, sent: Sent) -> tuple[Any, Any]:
    broken = tuple(violations(operation.parameters, sent, document.schemas))
    return broken, values(operation.parameters, sent, document.source)


def test_one_pass_reads_what_one_by_one_reads(operations: list[tuple[Document, Operation]]) -> None:
    chance, refused = Random(3), 0
    for document, operation in operations:
        made = requests(operation, chance)
        for sent in (next(made) for _ in range(60)):
            broken, found = operation.readers.read(sent)

            assert repr((broken, found)) == repr(one_by_one(document, operation, sent))
            refused += bool(broken)
    assert refused > 500


@pytest.mark.parametrize(
    ("path", "query", "headers", "broken"),
    [
        ("ab", b"word=a1", [("x-word", "abc")], []),
        ("a%20", b"word=a%31", [("x-word", "abc")], []),
        ("a", b"word=a1", [("x-word", "abc")], ["/path/id: minLength"]),
        ("a" * 10, b"word=b1", [("x-word", "abc")], ["/path/id: maxLength", "/query/word: pattern"]),
        ("ab", b"", [], ["/query/word: required", "/header/x-word: required"]),
        ("ab", b"word=a1&word=b1", [("x-word", "a")], ["/query/word: pattern"]),
        ("ab", b"word=b1&word=a1", [("x-word", "a"), ("x-word", "b")], ["/header/x-word: maxLength"]),
        ("ab", b"word=a1&maybe=1", [("x-word", "a")], ["/query/maybe: minLength"]),
        ("ab", b"word=a1&empty=1", [("x-word", "a")], ["/query/empty: minLength"]),
        ("ab", b"word=a1&empty=", [("x-word", "a")], []),
        ("ab", b"word=a1&kind=c", [("x-word", "a")], ["/query/kind: enum"]),
        ("ab", b"word=a1&number=c", [("x-word", "a")], ["/query/number: type"]),
        ("ab", b"word=a1&json=c", [("x-word", "a")], ["/query/json: style"]),
        ("ab", b"word=a1", [("x-word", "a"), ("cookie", "crumb=1")], ["/header/cookie/crumb: minLength"]),
    ],
)  # fmt: skip
def test_a_parameter_that_breaks_its_limits_is_told(
    read: Read, path: str, query: bytes, headers: list[tuple[str, str]], broken: list[str]
) -> None:
    document = read(DOC)
    (operation,) = document.operations()
    sent = Sent({"id": path}, split_query(query), headers)
    found = operation.readers.read(sent)

    assert [f"{one.pointer}: {one.rule}" for one in found[0]] == broken
    assert repr(found) == repr(one_by_one(document, operation, sent))


def test_what_a_request_gives_is_read_by_place_and_name(read: Read) -> None:
    (operation,) = read(DOC).operations()
    query = split_query(b"word=a1&number=7&json=%7B%7D&open=x%2By&maybe=a+b")
    sent = Sent({"id": "a%20b"}, query, [("x-word", "%41"), ("cookie", "crumb=%41b")])

    assert operation.readers.read(sent) == (
        (),
        {
            "path": {"id": "a b"},
            "query": {"word": "a1", "number": 7, "json": {}, "open": "x+y", "maybe": "a b"},
            "header": {"X-Word": "%41"},
            "cookie": {"crumb": "Ab"},
        },
    )


def test_a_text_in_a_style_of_its_own_is_read_in_that(read: Read) -> None:
    styled = """
openapi: 3.1.0
info: {title: Doc, version: '1'}
paths:
  /b/{one}/{two}:
    get:
      parameters:
        - {name: one, in: path, required: true, style: label, schema: {type: string}}
        - {name: two, in: path, required: true, style: matrix, schema: {type: string}}
      responses: {'200': {description: fine}}
"""
    (operation,) = read(styled).operations()

    assert operation.readers.read(Sent({"one": ".a", "two": ";two=b"}, [], [])) == (
        (),
        {"path": {"one": "a", "two": "b"}, "query": {}},
    )


def test_without_parameters_nothing_is_read_and_nothing_can_be_changed(read: Read) -> None:
    broken, found = Readers((), read(DOC).schemas).read(Sent({"a": "b"}, [("c", "d")], []))

    assert (broken, {place: dict(values) for place, values in found.items()}) == (
        (),
        {"path": {}, "query": {}},
    )
    with pytest.raises(TypeError):
        found["path"]["x"] = 1  # type: ignore[index]


@pytest.mark.parametrize(
    "node", [{"type": "string"}, {"type": ["string", "null"]}, {"minLength": 1}, True, False]
)
def test_a_schema_of_any_form_is_held_against_a_text(read: Read, node: Any) -> None:
    schema = f"{{name: open, in: query, schema: {json.dumps(node)}}}"
    document = read(DOC.replace("{name: open, in: query}", schema))
    (operation,) = document.operations()
    for text in ("", "null", "x"):
        sent = Sent({"id": "ab"}, [("word", "a1"), ("open", text)], [("x-word", "a")])
        assert repr(operation.readers.read(sent)) == repr(one_by_one(document, operation, sent))


def test_headers_by_name_are_those_found_one_by_one() -> None:
    headers = [("a", "1"), ("b", ""), ("a", "2"), ("c", "3, 4"), ("a", "")]
    sent = Sent({}, [], headers)

    for name in ("a", "b", "c", "d"):
        assert sent._replace(by_name=joined(headers)).header(name) == sent.header(name)
    assert joined(headers)["a"] == "1, 2, "


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (b"", []),
        (b"&", []),
        (b"a", [("a", "")]),
        (b"=", [("", "")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a=b&&c=d&a", [("a", "b"), ("c", "d"), ("a", "")]),
        (b"a+b=c+d", [("a b", "c+d")]),
        (b"a%20b=c%20d&e=f", [("a b", "c%20d"), ("e", "f")]),
        (b"%C3%A9=\xc3\xa9", [("é", "Ã©")]),
        (b"\xc3\xa9=1", [("Ã©", "1")]),
    ],
)
def test_the_names_of_a_query_are_decoded_and_its_values_are_not(
    query: bytes, pairs: list[tuple[str, str]]
) -> None:
    assert split_query(query) == pairs
