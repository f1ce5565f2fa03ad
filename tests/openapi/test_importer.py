"""Pages of every form into one clean document: what is carried, what is told, and that it can be served."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from openapi_spec_validator import validate

from mockserver.domain.outcome import NAMES
from mockserver.openapi.importer import Faulty, Imported, NoBlock, Page, import_pages
from mockserver.openapi.importer.page import blocks_of
from mockserver.openapi.library import load_documents
from mockserver.openapi.source import DocumentError

PAGES = Path(__file__).parent / "pages"
FORMS = ("fenced.md", "expanded.md", "upload.md", "plain.yaml", "plain.json")

Import: TypeAlias = Callable[..., Imported]


def taken(*names: str) -> Imported:
    """Some of our pages, imported."""
    return import_pages([Page(name, (PAGES / name).read_bytes()) for name in names], None, NAMES)


def of(text: str | bytes, file: str = "page.md", name: str | None = None) -> Imported:
    """A page that a test writes out, imported."""
    content = text if isinstance(text, bytes) else text.encode()
    return import_pages([Page(file, content)], name, NAMES)


def fenced(block: str, before: str = "# A page\n\n") -> str:
    return f"{before}```yaml\n{block}```\n"


def document(schema: str = "{}", version: str = "3.0.3") -> str:
    """A small document with one schema, by itself in its line."""
    return (
        f"openapi: {version}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\n"
        f"components:\n  schemas:\n    One: {schema}\n"
    )


def schema_of(written: str, version: str = "3.0.3") -> Any:
    return of(document(written, version), "page.yaml").document["components"]["schemas"]["One"]


def notes(imported: Imported) -> list[str]:
    return [str(note) for note in imported.notes]


# --- what comes out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [*((name,) for name in FORMS), FORMS])
def test_what_comes_out_is_valid_openapi_that_can_be_served(tmp_path: Path, names: tuple[str, ...]) -> None:
    imported = taken(*names)

    (tmp_path / "harbor.yaml").write_bytes(imported.text())
    served = load_documents((str(tmp_path),), NAMES)["harbor"]

    validate(imported.document)
    assert imported.document["openapi"] == "3.1.0"
    assert served.warnings == ()
    assert served.source.data == imported.document


@pytest.mark.parametrize("names", [*((name,) for name in FORMS), FORMS])
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_document_imported_again_is_the_same_bytes_and_nothing_to_note(
    names: tuple[str, ...], suffix: str
) -> None:
    once = taken(*names).text(json=suffix == "json")

    again = of(once, f"harbor.{suffix}")

    assert again.text(json=suffix == "json") == once
    assert again.notes == ()


def test_the_expanded_form_becomes_parameters_bodies_and_security() -> None:
    operation = taken("expanded.md").document["paths"]["/v1/tracks/{track}/stems"]["get"]

    assert operation["summary"] == "List stems"
    assert operation["description"] == "Every stem of a track."
    assert operation["security"] == [{"Harbor_key": []}]
    assert operation["parameters"] == [
        {
            "name": "track",
            "in": "path",
            "required": True,
            "description": "The track that was cut.",
            "schema": {"type": "string", "examples": ["t-7"]},
        },
        {
            "name": "kind",
            "in": "query",
            "explode": True,
            "schema": {"type": "string", "enum": ["voice", "drums"], "default": "voice"},
        },
        {
            "name": "tags",
            "in": "query",
            "description": "Any of these.",
            "schema": {"type": "array", "items": {"type": "string"}},
        },
    ]
    assert list(operation["responses"]["200"]["content"]["application/json"]["examples"]) == ["example"]
    assert operation["responses"]["500"] == {"description": "Broken"}


def test_a_schema_that_says_which_component_it_was_becomes_that_component() -> None:
    imported = taken("expanded.md").document

    content = imported["paths"]["/v1/tracks/{track}/stems"]["get"]["responses"]["200"]["content"]
    components = imported["components"]["schemas"]

    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/StemList"}
    assert components["StemList"]["required"] == ["stems"]
    assert components["StemList"]["properties"]["banner"] == {"type": ["string", "null"], "format": "uri"}
    assert list(components) == ["Stem", "StemList"]


def test_a_body_with_a_file_and_a_deprecated_operation_are_carried() -> None:
    operation = taken("upload.md").document["paths"]["/v1/stems"]["post"]

    assert operation["deprecated"] is True
    assert operation["requestBody"] == {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "track": {"type": "string"},
                    },
                }
            }
        },
    }


def test_a_webhook_page_becomes_a_webhook() -> None:
    page = (
        (PAGES / "upload.md").read_text().replace("type: path", "type: webhook").replace("/v1/stems", "done")
    )

    imported = of(page)

    validate(imported.document)
    assert list(imported.document["webhooks"]) == ["done"]
    assert "paths" not in imported.document


# --- OpenAPI 3.0 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("{type: string, nullable: true}", {"type": ["string", "null"]}),
        ("{type: string, nullable: false}", {"type": "string"}),
        ("{type: string, nullable: true, enum: [a]}", {"type": ["string", "null"], "enum": ["a", None]}),
        ("{minimum: 3, exclusiveMinimum: true}", {"exclusiveMinimum": 3}),
        ("{maximum: 3, exclusiveMaximum: false}", {"maximum": 3}),
        ("{type: integer, example: 4}", {"type": "integer", "examples": [4]}),
        (
            "{properties: {example: {example: {nullable: true}}}}",
            {"properties": {"example": {"examples": [{"nullable": True}]}}},
        ),
        (
            "{title: x, nullable: true, oneOf: [{type: string}]}",
            {"title": "x", "anyOf": [{"oneOf": [{"type": "string"}]}, {"type": "null"}]},
        ),
    ],
)
def test_forms_of_openapi_3_0_become_those_of_3_1(written: str, wanted: Any) -> None:
    assert schema_of(written) == wanted


@pytest.mark.parametrize("value", [None, "a", "b", 1, 3, 4])
@pytest.mark.parametrize(
    "written",
    [
        "{type: string, nullable: true, enum: [a]}",
        "{nullable: true, oneOf: [{type: string}, {type: integer, minimum: 3, exclusiveMinimum: true}]}",
        "{nullable: true, allOf: [{type: string}]}",
    ],
)
def test_the_new_form_takes_what_the_old_one_took(tmp_path: Path, written: str, value: Any) -> None:
    old = document(written)
    (tmp_path / "old.yaml").write_text(old)
    (tmp_path / "new.yaml").write_bytes(of(old, "page.yaml").text())

    documents = load_documents((str(tmp_path),), NAMES)
    ref = {"$ref": "#/components/schemas/One"}

    assert documents["old"].schemas.accepts(ref, value) == documents["new"].schemas.accepts(ref, value)


# --- nothing is lost silently ------------------------------------------------------------------------------


def test_what_could_not_be_carried_is_told_with_its_line_and_place() -> None:
    assert notes(taken("fenced.md")) == [
        "fenced.md:19: /info/x-logo: left out, an extension that nothing here acts on",
        (
            "fenced.md:29: /paths/~1v1~1mixes/post/x-codeSamples: "
            "left out, an extension that nothing here acts on"
        ),
        "fenced.md:66: /paths/~1v1~1mixes~1{mix}/get: the path's {mix} was no parameter, and is one now",
        (
            "fenced.md:111: /components/schemas/Mix/properties/parent/readOnly: "
            "left out: beside a $ref it says nothing in OpenAPI 3.0"
        ),
    ]


def test_what_the_expanded_form_could_not_carry_is_told_where_it_stands_in_the_page() -> None:
    assert notes(taken("expanded.md")) == [
        "expanded.md:51: /paths/request/codeSamples: left out, for it belongs to the documentation tool",
        (
            "expanded.md:84: /paths/response/200/application~1json/examples/bare: "
            "left out, for the tool made it up: it says <string>"
        ),
        (
            "expanded.md:102: /paths/response/500/_mintlify~1placeholder: "
            "left out, for it stands for a body that the page does not describe"
        ),
        "expanded.md:8: /info: no title and no version in it, so they were put in",
    ]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{type: any}", None),
        ("{type: text}", "/type: 'text' left out, for it is no type"),
        ("{foo: 1}", "/foo: left out, for OpenAPI 3.1 has no such key in a schema"),
        ("{required: true}", "/required: left out: `required: true` in a schema says nothing"),
        ("{exclusiveMinimum: true}", "/exclusiveMinimum: left out: true says nothing without `minimum`"),
        ("{minimum: '3'}", "/minimum: left out, for it is '3' and not a number"),
        (
            "{$ref: '#/components/schemas/Two'}",
            "/$ref: '#/components/schemas/Two' left out: it leads nowhere",
        ),
        ("{$ref: 'two.yaml#/Two'}", "/$ref: 'two.yaml#/Two' left out: it leads to another file"),
        ("{pattern: '(['}", "/pattern: left out: "),
    ],
)
def test_a_schema_loses_what_it_cannot_hold_and_says_so(written: str, told: str | None) -> None:
    imported = of(document(written), "page.yaml")

    assert imported.document["components"]["schemas"]["One"] == {}
    assert [
        note.partition(": /components/schemas/One")[2].startswith(told or "") for note in notes(imported)
    ] == ([True] if told else [])


def mappings(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every mapping of a value."""
    if isinstance(value, dict):
        yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, (dict, list)) and key not in ("codeSamples", "x-codeSamples", "x-logo", "bare"):
            yield from mappings(item, (*path, key))


@pytest.mark.parametrize("name", FORMS)
def test_a_key_that_nobody_knows_is_carried_or_told_wherever_it_stands(name: str) -> None:
    data = blocks_of(name, (PAGES / name).read_bytes())[0].data
    lost = []

    for path in mappings(data):
        page = json.loads(json.dumps(data))
        reduce(getitem, path, page)["odd-one"] = {"odd-one": 1}
        try:
            imported = of(json.dumps(page), "page.json")
        except DocumentError:
            continue
        if "odd-one" not in imported.text().decode() + "".join(notes(imported)):
            lost.append(path)

    assert lost == []


def test_our_own_marks_are_kept() -> None:
    specs = Path(__file__).parent.parent.parent / "specs"

    imported = of((specs / "kie.yaml").read_bytes(), "kie.yaml")

    assert imported.notes == ()
    assert imported.document["x-envelope"] == {"code": "/code", "message": "/msg"}
    assert b"x-outcome: duplicate" in imported.text()


def test_a_component_whose_name_cannot_be_one_is_renamed_with_its_references() -> None:
    text = document("{$ref: '#/components/schemas/Page«Song»'}") + "    Page«Song»: {type: string}\n"

    imported = of(text, "page.yaml")

    validate(imported.document)
    assert imported.document["components"]["schemas"] == {
        "One": {"$ref": "#/components/schemas/Page_Song"},
        "Page_Song": {"type": "string"},
    }
    assert "renamed Page_Song" in notes(imported)[0]


# --- several pages -----------------------------------------------------------------------------------------


def test_pages_of_one_service_become_one_document() -> None:
    imported = taken(*FORMS)

    assert list(imported.document["paths"]) == [
        "/v1/mixes",
        "/v1/mixes/{mix}",
        "/v1/tracks/{track}/stems",
        "/v1/stems",
        "/v1/credits",
        "/voices",
    ]
    assert imported.document["info"] == {"title": "Harbor Mix", "version": "1.2"}
    assert imported.document["servers"] == [{"url": "https://api.harbor-mix.example"}]


def test_what_a_document_says_for_all_its_operations_does_not_reach_those_of_another() -> None:
    paths = taken(*FORMS).document["paths"]

    assert "security" not in paths["/v1/mixes"]["post"]
    assert paths["/v1/credits"]["get"]["security"] == []
    assert paths["/voices"]["get"]["servers"] == [{"url": "https://api.harbor-mix.example/v1"}]


def test_two_schemas_of_one_name_that_differ_are_both_kept() -> None:
    imported = taken("expanded.md", "upload.md", "upload.md")

    schemas = imported.document["components"]["schemas"]
    reply = imported.document["paths"]["/v1/stems"]["post"]["responses"]["201"]["content"]

    assert list(schemas) == ["Stem", "StemList", "Stem2"]
    assert reply["application/json"]["schema"] == {"$ref": "#/components/schemas/Stem2"}
    assert any("upload.md:61: /components/schemas/Stem: differs" in note for note in notes(imported))


def test_a_page_given_twice_changes_nothing() -> None:
    assert taken("fenced.md", "fenced.md").text() == taken("fenced.md").text()


def test_an_operation_that_two_pages_describe_differently_is_a_conflict_and_the_first_stands() -> None:
    first = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {summary: one}}}\n"
    second = first.replace("summary: one", "summary: two").replace("/a: {", "/a: {put: {summary: three}, ")

    imported = import_pages([Page("a.yaml", first.encode()), Page("b.yaml", second.encode())], None, NAMES)

    assert imported.document["paths"] == {"/a": {"get": {"summary": "one"}, "put": {"summary": "three"}}}
    assert notes(imported) == [
        "b.yaml:3: /paths/~1a/get: conflict: an earlier page describes it differently, and stands"
    ]


def test_an_operation_id_that_comes_again_is_left_out() -> None:
    first = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {operationId: one}}}\n"

    imported = import_pages(
        [Page("a.yaml", first.encode()), Page("b.yaml", first.replace("/a", "/b").encode())], None, NAMES
    )

    assert imported.document["paths"] == {"/a": {"get": {"operationId": "one"}}, "/b": {"get": {}}}
    assert "'one' left out, for another operation has it" in notes(imported)[0]


# --- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "title", "name"),
    [
        ("https://api.harbor-mix.example/v1", "x", "harbor-mix"),
        ("https://harbor.co", "x", "harbor"),
        ("/v1", "Harbor Mix: the API!", "harbor-mix-the-api"),
        ("https://{region}.harbor.example", "Harbor", "harbor"),
        ("http://127.0.0.1:80", "Harbor", "harbor"),
        ("/", "„“", "page"),
    ],
)
def test_the_name_is_of_the_host_or_the_title_or_the_file(url: str, title: str, name: str) -> None:
    info = f"{{title: '{title}', version: '1'}}"
    text = f"openapi: 3.1.0\ninfo: {info}\nservers: [{{url: '{url}'}}]\npaths: {{}}\n"

    assert of(text, "page.yaml").name == name


# --- hostile input -----------------------------------------------------------------------------------------

SMALL = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {summary: one}}}\n"
READ = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/a": {"get": {"summary": "one"}}},
}


@pytest.mark.parametrize(
    "page",
    [
        fenced(SMALL).encode(),
        fenced(SMALL).replace("\n", "\r\n").encode(),
        fenced(SMALL).replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + fenced(SMALL, before="").encode(),
        fenced(SMALL).encode("utf-16"),
        f"- An item:\n\n    ```yaml\n{re.sub('(?m)^', '    ', SMALL).rstrip()}\n    ```\n".encode(),
        f"> ```yaml\n{re.sub('(?m)^', '> ', SMALL).rstrip()}\n> ```\n".encode(),
        f"1. ~~~~yml\n{re.sub('(?m)^', '   ', SMALL).rstrip()}\n   ~~~~\n".encode(),
        f"---\nopenapi: get /a\n---\n{fenced(SMALL)}".encode(),
        fenced(SMALL.replace("'", "&#39;").replace("summary: one", "summary: &quot;one&quot;")).encode(),
        SMALL.encode(),
        b"```\n" + json.dumps(READ).encode() + b"\n```",
    ],
)
def test_a_block_is_found_however_it_stands_in_the_page(page: bytes) -> None:
    assert of(page).document == READ


def test_a_fence_deep_inside_the_block_does_not_close_it() -> None:
    text = "      description: |-\n        ```\n        a + b\n        ```\n"

    imported = of(
        fenced(f"openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths:\n  /a:\n    get:\n{text}")
    )

    assert imported.document["paths"]["/a"]["get"] == {"description": "```\na + b\n```"}


def test_what_stands_beside_a_reference_in_openapi_3_0_does_not_begin_to_count() -> None:
    schemas = taken("fenced.md").document["components"]["schemas"]

    assert schemas["Mix"]["properties"]["parent"] == {"$ref": "#/components/schemas/Mix"}


def test_a_fence_that_is_never_closed_is_read_and_told() -> None:
    imported = of(f"# A page\n\n```yaml\n{SMALL}")

    assert notes(imported) == ["page.md:4: the fence of this block is never closed"]


def test_several_blocks_of_a_page_become_one_document() -> None:
    imported = of(fenced(SMALL) + "\nAnd:\n\n" + fenced(SMALL.replace("/a", "/b")))

    assert list(imported.document["paths"]) == ["/a", "/b"]


def test_anchors_and_merge_keys_are_written_out() -> None:
    block = (
        document("&one {type: string, maxLength: 3}") + "    Two: {<<: *one, maxLength: 4}\n    Six: *one\n"
    )

    imported = of(fenced(block))

    assert imported.document["components"]["schemas"]["Two"] == {"type": "string", "maxLength": 4}
    assert imported.document["components"]["schemas"]["Six"] == {"type": "string", "maxLength": 3}
    assert b"&" not in imported.text()


def test_a_schema_that_holds_itself_stays_a_reference() -> None:
    written = "{properties: {next: {$ref: '#/components/schemas/One'}}}"

    assert schema_of(written) == {"properties": {"next": {"$ref": "#/components/schemas/One"}}}


@pytest.mark.parametrize(
    "text",
    [
        "1e5",
        "0x1F",
        "1.",
        ".5",
        "no",
        "~",
        "",
        "12:30",
        "2020-01-01",
        "<<",
        "=",
        "- a",
        "a: b",
        " a ",
        "a \nb",
        "\x00",
        "\u2028",
        "\U0001f600",
        "# a",
        "a\r\nb",
        "null",
        "\ufeff",
        "1_000",
        "&a",
        "*a",
        "a\n\n",
        "\n a",
        "%",
        "\t",
    ],
)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    page = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {},
        "components": {"schemas": {"One": {"enum": [text, {text: 1}], "description": text}}},
    }

    imported = of(json.dumps(page), "page.json")

    assert imported.document["components"]["schemas"]["One"] == {
        "description": text,
        "enum": [text, {text: 1}],
    }
    assert of(imported.text(), "again.yaml").document == imported.document


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (fenced("openapi: 3.1.0\npaths:\n\t/a: {}\n"), "page.md:6: not YAML: found character"),
        (fenced("openapi: 3.1.0\npaths: [\n"), "page.md:5: not YAML: "),
        (fenced("swagger: '2.0'\npaths: {}\n"), 'page.md:4: `swagger: "2.0"`; wanted OpenAPI 3.0 or 3.1'),
        (fenced("openapi: 3.2.0\npaths: {}\n"), 'page.md:4: `openapi: "3.2.0"`; wanted'),
        (fenced("openapi: 3.1.0\npaths: &a {/a: *a}\n"), "page.md:5: the alias *a names no finished anchor"),
        (
            fenced("openapi: 3.1.0\nx: " + "[" * 300 + "]" * 300 + "\n"),
            "page.md:5: nested more than 200 levels deep",
        ),
        (b"# A page\n\xff\xfe\n", "page.md:2: not UTF-8: byte 9; save the page as UTF-8"),
        ('```json\n{"openapi": "3.1.0",\n "info": {"title": "\\ud800"}}\n```', "page.md:3: half a character"),
        ("```yaml\nopenapi: 3.1.0\npaths: [\n", "; the fence in line 1 is never closed"),
    ],
)
def test_a_page_that_cannot_be_read_says_where(page: str | bytes, told: str) -> None:
    with pytest.raises(DocumentError) as caught:
        of(page)

    assert told in str(caught.value)


def test_a_document_that_cannot_be_served_says_where_in_the_page() -> None:
    with pytest.raises(Faulty) as caught:
        of(fenced(SMALL.replace("summary: one", "responses: {'2OO': {description: ok}}")))

    assert str(caught.value) == (
        "page.md:6: /paths/~1a/get/responses/2OO: '2OO' is no status: wanted 200, 4XX or default"
    )


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("", "an empty file"),
        ("# A page\n\nPost it.\n", "prose and no fenced block"),
        (
            "<!doctype html><body><pre>openapi</pre>",
            "HTML and no fenced block; save the page's Markdown instead",
        ),
        (
            "```bash\ncurl\n```\n\n```json\n{}\n```\n```\nx\n```\n",
            "none of them OpenAPI: 1 bash, 1 json, 1 without a language",
        ),
        ('```json\n{"paths": ["a"]}\n```\n', "fenced blocks, none of them OpenAPI: 1 json"),
    ],
)
def test_a_page_without_a_block_says_what_was_looked_for_and_found(page: str, found: str) -> None:
    with pytest.raises(NoBlock) as caught:
        of(page)

    assert str(caught.value).startswith("page.md: no machine-readable block; looked for a fenced block")
    assert str(caught.value).partition("; found ")[2].endswith(found)
