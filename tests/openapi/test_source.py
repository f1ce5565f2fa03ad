"""Files that cannot be read, and where their references lead: file, line and reason of each fault."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from mockserver.openapi.source import DocumentError, at, escape, join, load, parse, pointer_of
from tests.openapi.conftest import Faults, Read

HEAD = 'openapi: 3.1.0\ninfo: {title: t, version: "1"}\n'
PATHS = "paths: {/a: {get: {responses: {'200': {description: ok}}}}}\n"
JSON = '{\n"openapi": "3.1.0",\n"info": {"title": "t", "version": "1"},\n"paths": {},\n'


# --- pointers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "segment"), [("a", "a"), ("/a~b", "~1a~0b"), ("~1", "~01"), ("", "")])
def test_a_key_is_escaped_for_a_pointer(key: str, segment: str) -> None:
    assert escape(key) == segment
    assert at({key: 1}, join("", key)) == 1


def test_a_pointer_goes_through_objects_and_lists() -> None:
    value = {"paths": {"/a": {"get": [7, {"": "x"}]}}}

    assert at(value, join("/paths", "/a", "get", 0)) == 7
    assert at(value, "/paths/~1a/get/1/") == "x"
    assert at(value, "") is value


@pytest.mark.parametrize("pointer", ["/b", "/a/2", "/a/-1", "/a/x", "/a/0/b", "/a/01x", "/a/", "/"])
def test_a_pointer_to_nothing_names_the_segment_that_is_missing(pointer: str) -> None:
    with pytest.raises(KeyError) as caught:
        at({"a": [1, 2]}, pointer)

    assert caught.value.args == (pointer.split("/")[-1],)


@pytest.mark.parametrize(
    ("ref", "pointer"), [("#", ""), ("#/a/b", "/a/b"), ("#/a%20b/%7E1", "/a b/~1"), ("#/größe", "/größe")]
)
def test_a_reference_is_a_pointer(ref: str, pointer: str) -> None:
    assert pointer_of(ref) == pointer


@pytest.mark.parametrize("ref", ["", "a", "#a", "/a", "b.yaml#/a"])
def test_any_other_reference_is_no_pointer(ref: str) -> None:
    with pytest.raises(KeyError):
        pointer_of(ref)


# --- YAML --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("0x1F", 31),
        ("0xZZ", "0xZZ"),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".", "."),
        ("1e999", "1e999"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'7'", "7"),
        ('"true"', "true"),
        ("!!str 7", "7"),
        ("! 7", "7"),
        ("!!int '7'", 7),
        ("!!null ''", None),
        ("!!float 1", 1),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_words_of_yaml_are_read_as_openapi_asks(written: str, value: object) -> None:
    assert parse(f"a: {written}", "doc.yaml") == {"a": value}
    assert type(parse(f"a: {written}", "doc.yaml")["a"]) is type(value)


def test_keys_keep_their_spelling() -> None:
    assert list(parse("200: a\nno: b\nnull: c\n1.10: d\n'x': e", "doc.yaml")) == [
        "200",
        "no",
        "null",
        "1.10",
        "x",
    ]


def test_aliases_and_merges_stand_for_what_they_name() -> None:
    lines = [
        "a: &one {x: 1, y: 2}",
        "b: *one",
        "c: {<<: *one, y: 3}",
        "d: {<<: [{x: 0}, *one]}",
        "e: {'<<': 7}",
    ]

    value = parse("\n".join([*lines, "f: [&t tea, *t]"]), "doc.yaml")

    assert value["b"] == {"x": 1, "y": 2}
    assert value["c"] == {"x": 1, "y": 3}
    assert value["d"] == {"x": 0, "y": 2}
    assert value["e"] == {"<<": 7}
    assert value["f"] == ["tea", "tea"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: the file is empty"),
        ("# nothing but this\n\n", "1: the file is empty"),
        ("---\n", "1: an OpenAPI document is a mapping that begins with `openapi:`"),
        ("hello", "1: an OpenAPI document is a mapping that begins with `openapi:`"),
        ("- openapi: 3.1.0\n", "1: an OpenAPI document is a mapping that begins with `openapi:`"),
        (
            "openapi: 3.1.0\ninfo: {title: t\npaths: {}\n",
            "3: not YAML: did not find expected ',' or '}', while parsing a flow mapping that begins in ",
        ),
        (
            "openapi: 3.1.0\ninfo:\n\ttitle: t\n",
            "3: not YAML: found character that cannot start any token, while scanning for the next token",
        ),
        ("openapi: 3.1.0\n  info: {}\n", "2: not YAML: mapping values are not allowed in this context"),
        ("openapi: 3.1.0\ninfo: @t\n", "2: not YAML: found character that cannot start any token, "),
        (
            'openapi: "3.1.0\ninfo: {}\n',
            "2: not YAML: found unexpected end of stream, while scanning a quoted scalar that begins in",
        ),
        ("openapi: 3.1.0\ninfo: a\x07b\n", "2: not YAML: control characters are not allowed"),
        (HEAD + PATHS + "---\nopenapi: 3.1.0\n", "4: a second YAML document begins here; one file holds one"),
        (HEAD + PATHS + "paths: {}\n", "4: the key 'paths' stands here a second time"),
        (HEAD + "paths:\n  /a:\n    get: {}\n    get: {}\n", "6: the key 'get' stands here a second time"),
        (
            HEAD + "x-a: !!python/name:os.system {}\n",
            "3: the tag tag:yaml.org,2002:python/name:os.system is not ",
        ),
        (HEAD + "x-a:\n- !vault secret\n", "4: the tag !vault is not used in OpenAPI documents"),
        (
            HEAD + "x-a: !!binary aGk=\n",
            "3: the tag tag:yaml.org,2002:binary is not used in OpenAPI documents",
        ),
        (HEAD + "x-a: !!set {a, b}\n", "3: the tag tag:yaml.org,2002:set is not used in OpenAPI documents"),
        (HEAD + "x-a: &a\n  b: [*a]\n", "4: the alias *a names no finished anchor"),
        (HEAD + "x-a: *nowhere\n", "3: the alias *nowhere names no finished anchor"),
        (HEAD + "? [a, b]\n: 1\n", "3: a key must be a plain name"),
        (HEAD + "x-a: {<<: [1]}\n", "3: `<<` merges mappings only"),
        (HEAD + "x-a:\n  b: " + "9" * 5000 + "\n", "4: a number of 5000 digits"),
        (HEAD + "x-a: " + "[" * 300 + "]" * 300 + "\n", "3: nested more than 200 levels deep"),
        (HEAD + "x-a: " + "{a: " * 300 + "}" * 300 + "\n", "3: nested more than 200 levels deep"),
        (HEAD + "x-a: " + "[" * 100_000 + "\n", "3: nested more than 200 levels deep"),
        (HEAD + "".join(" " * n + "x-a:\n" for n in range(300)), "204: nested more than 200 levels deep"),
    ],
)
def test_a_file_that_is_not_yaml_is_told_with_line_and_reason(faults: Faults, text: str, told: str) -> None:
    (fault,) = faults(text)

    assert fault.startswith(f"doc.yaml:{told}")


@pytest.mark.parametrize("kind", ["lists", "objects", "schemas"])
def test_aliases_of_aliases_of_aliases_end_in_a_clear_word(faults: Faults, kind: str) -> None:
    shape = {"lists": "[{}]", "objects": "{{{}}}", "schemas": "{{allOf: [{}]}}"}[kind]
    name = "k{}: *l{}" if kind == "objects" else "*l{1}"
    text = HEAD + PATHS + "components:\n  schemas:\n    A0: &l0 {type: string}\n"
    for level in range(1, 11):
        ten = ", ".join(name.format(number, level - 1) for number in range(10))
        text += f"    A{level}: &l{level} {shape.format(ten)}\n"

    began = time.monotonic()
    (fault,) = faults(text)

    assert fault == "doc.yaml:12: aliases stand for more than 1000000 values"
    assert time.monotonic() - began < 5


def test_aliases_in_use_are_served(read: Read) -> None:
    schemas = "".join(f"    A{number}: *one\n" for number in range(2000))

    document = read(
        f"{HEAD}{PATHS}components:\n  schemas:\n    A: &one {{type: string, maxLength: 5}}\n{schemas}"
    )

    assert document.source.resolve("#/components/schemas/A1999") == {"type": "string", "maxLength": 5}


# --- JSON --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: not JSON: Expecting value"),
        ("openapi: 3.1.0\n", "1: not JSON: Expecting value"),
        ("[]", "1: an OpenAPI document is a mapping that begins with `openapi:`"),
        ("null", "1: an OpenAPI document is a mapping that begins with `openapi:`"),
        (
            '{\n"openapi": "3.1.0",\n"info": {',
            "3: not JSON: Expecting property name enclosed in double quotes",
        ),
        (JSON + "}", "5: not JSON: Expecting property name enclosed in double quotes"),
        (JSON + '"x-a": 1} x', "5: not JSON: Extra data"),
        (JSON + '"x-a": "two\nlines"}', "5: not JSON: Invalid control character at"),
        (JSON + '"x-a": 1,\n"paths": {}}', "6: the key 'paths' stands here a second time"),
        (JSON + '"x-a": [{"b": 1,\n"b": 2}]}', "6: the key 'b' stands here a second time"),
        (JSON + '"x-a": "NaN",\n"x-b": [NaN]}', "6: NaN is not JSON"),
        (JSON + '"x-a": "-Infinity \\" -Infinity",\n"x-b":-Infinity}', "6: -Infinity is not JSON"),
        (JSON + '"x-a": [1,\n1e999]}', "6: 1e999 is beyond the range of numbers"),
        (JSON + '"x-a": ' + "9" * 5000 + "}", "5: a number of 5000 digits"),
        (JSON + '"x-a": ' + "[" * 100_000 + "]" * 100_000 + "}", "5: nested more than 200 levels deep"),
        (JSON.replace("{},", "[],") + '"x-a": 1}', "4: wanted a mapping of paths, got a list"),
        (JSON.replace("\n", "\n\t") + '"tags": 1}', "5: wanted a list, got 1"),
        (JSON + '"x-a": "\\ud83d\\ude00",\n"tags": 1}', "6: wanted a list, got 1"),
    ],
)
def test_a_file_that_is_not_json_is_told_with_line_and_reason(faults: Faults, text: str, told: str) -> None:
    assert faults(text, name="doc.json") == [f"doc.json:{told}"]


def test_a_schema_too_deep_to_be_gone_through_is_told_with_its_line(faults: Faults) -> None:
    deep = '{"items": ' * 400 + "{}" + "}" * 400

    (fault,) = faults(JSON + f'"components": {{"schemas": {{"A":\n{deep}}}}}}}', name="doc.json")

    assert fault == "doc.json:6: nested more than 200 levels deep"


# --- bytes and versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".yaml", ".json"])
@pytest.mark.parametrize(
    ("encoding", "told"), [("utf-16", "1: not UTF-8: byte 0"), ("latin-1", "2: not UTF-8: byte 29")]
)
def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path, encoding: str, suffix: str, told: str) -> None:
    file = tmp_path / f"doc{suffix}"
    file.write_text('{"openapi": "3.1.0",\n"x-a": "ü"}', encoding)

    with pytest.raises(DocumentError) as caught:
        load(file, file.name)

    assert str(caught.value) == f"doc{suffix}:{told}"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "doc.yaml"
    file.write_text(HEAD + PATHS, "utf-8-sig")

    assert load(file).version == "3.1"


@pytest.mark.parametrize("version", ["3.0.0", "3.0.4", "3.1.0", "3.1.1", '"3.1"', "3.1.0-rc1", '"3.0"'])
def test_versions_that_are_served(read: Read, version: str) -> None:
    document = read(f"info: {{title: t, version: '1'}}\nopenapi: {version}\n{PATHS}")

    assert document.source.version == version.strip('"')[:3]


WANTED = "; wanted a version of OpenAPI that can be served, as 'openapi: 3.1.0' or 'openapi: 3.0.3'"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('info: {title: t}\nswagger: "2.0"\npaths: {}\n', '2: `swagger: "2.0"`'),
        ("info: {title: t}\n\nopenapi: 3.2.0\npaths: {}\n", '3: `openapi: "3.2.0"`'),
        ("openapi: 3.10.0\n", '1: `openapi: "3.10.0"`'),
        ("openapi: 4.0.0\n", '1: `openapi: "4.0.0"`'),
        ("openapi: 3.1\n", "1: `openapi: 3.1`"),
        ("openapi: 3\n", "1: `openapi: 3`"),
        ("openapi:\npaths: {}\n", "1: `openapi: null`"),
        ("openapi: [3.1.0]\n", '1: `openapi: ["3.1.0"]`'),
        ("openapi: three\n", '1: `openapi: "three"`'),
        ("info: {title: t}\npaths: {}\n", "1: no `openapi:`"),
        ("OpenAPI: 3.1.0\n", "1: no `openapi:`"),
    ],
)
def test_a_version_that_is_not_served_is_told(faults: Faults, text: str, told: str) -> None:
    assert faults(text) == [f"doc.yaml:{told}{WANTED}"]


# --- references into other files ---------------------------------------------------------------------------


def schemas(text: str) -> str:
    """A document whose schemas begin in line 6."""
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    return f"{HEAD}{PATHS}components:\n  schemas:\n{indented}"


@pytest.mark.parametrize(
    "ref",
    ["nowhere.yaml#/A", "./sub/nowhere.json", "../nowhere.yaml", "Pet", "sub", "a\\0b.yaml", "x" * 5000, "."],
)
def test_a_reference_to_a_file_that_is_not_there_is_told_with_its_line(faults: Faults, ref: str) -> None:
    found = faults(schemas(f'A: {{type: string}}\nB:\n  items: {{$ref: "{ref}"}}'), {"sub/part.txt": ""})

    assert found == [
        f"doc.yaml:8: $ref {ref.replace(chr(92) + '0', chr(0))!r} names a file that does not exist"
    ]


def test_all_missing_files_are_told_at_once(faults: Faults) -> None:
    text = schemas("A: {$ref: one.yaml}\nB: {$ref: 'parts/there.yaml#/C'}\nD: {$ref: two.yaml}")

    found = faults(text, {"parts/there.yaml": "B: {}\nC:\n  $ref: three.yaml\n"})

    assert [fault.rpartition("/")[2] for fault in found] == [
        "doc.yaml:6: $ref 'one.yaml' names a file that does not exist",
        "doc.yaml:8: $ref 'two.yaml' names a file that does not exist",
        "there.yaml:3: $ref 'three.yaml' names a file that does not exist",
    ]


def test_a_missing_file_of_a_discriminator_is_told_with_its_line(faults: Faults) -> None:
    text = schemas(
        "A:\n  oneOf: [{type: object}]\n  discriminator:\n    propertyName: p\n    mapping: {a: no.yaml}"
    )

    assert faults(text) == ["doc.yaml:10: $ref 'no.yaml' names a file that does not exist"]


@pytest.mark.parametrize(
    "ref", ["https://example.com/pets.yaml#/Pet", "HTTP://example.com/a", "file:///etc/passwd", "urn:pet"]
)
def test_nothing_is_fetched_from_elsewhere(faults: Faults, ref: str) -> None:
    found = faults(schemas(f'A: {{$ref: "{ref}"}}'))

    reason = "is outside this folder, and nothing is fetched; put a copy beside the document"
    assert found == [f"doc.yaml:6: $ref {ref!r} {reason}"]


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("A: [\n", "part.yaml:1: not YAML: did not find expected node content, while parsing a flow node"),
        ("", "part.yaml:1: the file is empty"),
        ("A: {minLength: -1}\n", "part.yaml:1: wanted a whole number from 0, got -1"),
        ("B: {}\n", "doc.yaml:6: $ref 'part.yaml#/A' refers to nothing in that file"),
        ("x: 1\nA:\n  $ref: '#/C'\n", "part.yaml:3: $ref 'part.yaml#/C' refers to nothing in that file"),
        ("x: 1\nA: {allOf: [{$ref: 'part.yaml#/A'}]}\n", "doc.yaml:6: $ref in a circle: "),
    ],
)
@pytest.mark.parametrize("place", ["", "parts/"])
def test_a_fault_in_a_file_beside_is_told_once_with_its_own_line(
    faults: Faults, part: str, told: str, place: str
) -> None:
    told = told.replace("part.yaml:", f"{place}part.yaml:")
    (fault,) = faults(schemas(f"A: {{$ref: '{place}part.yaml#/A'}}"), {f"{place}part.yaml": part})

    assert re.sub(r"'[^']*/part\.yaml#", "'part.yaml#", fault).startswith(told)


def test_a_part_of_a_broken_document_is_no_fault_of_its_own(faults: Faults) -> None:
    text = schemas("A: {$ref: 'part.yaml#/A'}\nB: {$ref: nowhere.yaml}")

    assert faults(text, {"part.yaml": "A: {type: string}\n"}) == [
        "doc.yaml:7: $ref 'nowhere.yaml' names a file that does not exist"
    ]


def test_files_may_refer_to_each_other_and_back(read: Read) -> None:
    whole = "z: {$ref: 'doc.yaml#/components/schemas/Z'}"
    part = f"B:\n  properties:\n    c: {{$ref: 'deeper/part.json#/C'}}\n    {whole}\n"
    deeper = {"C": {"properties": {"b": {"$ref": "../part.yaml#/B"}}}}
    document = read(
        schemas("A: {$ref: 'part.yaml#/B'}\nZ: {maxLength: 5}"),
        {"part.yaml": part, "deeper/part.json": json.dumps(deeper)},
    )

    node, _ = document.source.follow("/components/schemas/A")
    inner, _ = document.source.through(node["properties"]["c"], "")
    assert document.source.resolve(node["properties"]["z"]["$ref"]) == {"maxLength": 5}
    assert document.source.through(inner["properties"]["b"], "")[0] is node


def test_a_long_chain_of_references_is_followed_to_its_end(read: Read) -> None:
    chain = "".join(f"A{n}: {{$ref: '#/components/schemas/A{n + 1}'}}\n" for n in range(2000))

    document = read(schemas(chain + "A2000: {type: boolean}"))

    assert document.source.follow("/components/schemas/A0")[0] == {"type": "boolean"}
