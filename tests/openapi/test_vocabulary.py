"""Documents that say something we do not know, or not as it is said: what is fatal, and what is a warning."""

from __future__ import annotations

import time

import pytest

from mockserver.domain.outcome import NAMES
from mockserver.openapi.source import Source, parse
from mockserver.openapi.vocabulary import Walk
from tests.openapi.conftest import Faults, Read, warnings

HEAD = 'openapi: 3.1.0\ninfo: {title: t, version: "1"}\n'
OLD = 'openapi: 3.0.3\ninfo: {title: t, version: "1"}\n'
OK = "responses: {'200': {description: ok}}"
PATHS = f"paths: {{/a: {{get: {{{OK}}}}}}}\n"


def paths(text: str, head: str = HEAD) -> str:
    """A document whose paths begin in line 4."""
    return f"{head}paths:\n" + "".join(f"  {line}\n" for line in text.splitlines())


def operation(text: str, head: str = HEAD) -> str:
    """A document whose one operation begins in line 6, its keys in line 6 too where there is one."""
    return paths("/a:\n  post:\n" + "".join(f"    {line}\n" for line in text.splitlines()), head)


def component(kind: str, text: str, head: str = HEAD) -> str:
    """A document whose components of a kind begin in line 6."""
    indented = "".join(f"    {line}\n" for line in text.splitlines())
    return f"{head}{PATHS}components:\n  {kind}:\n{indented}"


def schema(text: str, head: str = HEAD) -> str:
    """A document with one schema, whose keywords begin in line 7."""
    return component("schemas", "A:\n" + "".join(f"  {line}\n" for line in text.splitlines()), head)


# --- the frame of a document -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("openapi: 3.1.0\npaths: {}\n", "1: a document needs `info`"),
        ("openapi: 3.1.0\ninfo: {title: t}\npaths: {}\n", "2: an info needs `version`"),
        ("openapi: 3.1.0\ninfo: []\npaths: {}\n", "2: wanted an info, got a list"),
        (HEAD, "1: no `paths`: OpenAPI 3.1 wants paths or webhooks or components"),
        (OLD + "webhooks: {}\n", "1: no `paths`: OpenAPI 3.0 wants paths"),
        (HEAD + "paths: []\n", "3: wanted a mapping of paths, got a list"),
        (HEAD + "paths:\n", "3: wanted a mapping of paths, got null"),
        (HEAD + "servers: {url: /v1}\n" + PATHS, "3: wanted a list, got a mapping"),
        (HEAD + "servers:\n- description: d\n" + PATHS, "4: a server needs `url`"),
        (HEAD + "components: []\n", "3: wanted a components, got a list"),
        (HEAD + "security: {key: []}\n" + PATHS, "3: wanted a list, got a mapping"),
        (HEAD + "security: [[]]\n" + PATHS, "3: wanted a mapping of security schemes, got a list"),
        (HEAD + "security:\n- key: []\n" + PATHS, "4: no security scheme is named 'key'; known: none"),
        (paths("a: {}"), "4: the path 'a' does not begin with /"),
        (paths('"": {}'), "4: the path '' does not begin with /"),
        (paths("1: {}"), "4: the path '1' does not begin with /"),
        (paths("/a: []"), "4: wanted a path item, got a list"),
        (paths("/a:"), "4: wanted a path item, got null"),
        (paths("/a:\n  get: hello"), "5: wanted an operation, got 'hello'"),
        (paths("/a:\n  parameters: {name: x}"), "5: wanted a list, got a mapping"),
        (paths("/a:\n  x-trailing-slash: yes"), "5: wanted `optional`, got 'yes'"),
        (HEAD + "x-envelope: {code: 7}\n" + PATHS, "3: wanted a JSON pointer or a list of them, got 7"),
    ],
)
def test_a_frame_that_is_not_openapi_is_fatal(faults: Faults, text: str, told: str) -> None:
    assert faults(text) == [f"doc.yaml:{told}"]


STYLES = "matrix, label, simple, form, spaceDelimited, pipeDelimited, deepObject"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("operationId: 7", "6: wanted a text, got 7"),
        ("deprecated: yes", "6: wanted true or false, got 'yes'"),
        ("responses: []", "6: wanted a mapping of responses, got a list"),
        ("responses:\n  2xx: {description: d}", "7: '2xx' is no status: wanted 200, 4XX or default"),
        ("responses:\n  2OO: {description: d}", "7: '2OO' is no status: wanted 200, 4XX or default"),
        ("responses:\n  600: {description: d}", "7: '600' is no status: wanted 200, 4XX or default"),
        ("responses:\n  99: {description: d}", "7: '99' is no status: wanted 200, 4XX or default"),
        ("responses:\n  200:", "7: wanted a response, got null"),
        ("responses: {'200': {headers: []}}", "6: wanted a mapping, got a list"),
        ('responses: {"200": {headers: {"a b": {}}}}', "6: 'a b' cannot be the name of a header"),
        ('responses: {"200": {headers: {"a\\n": {}}}}', "6: 'a\\n' cannot be the name of a header"),
        ("requestBody: {}", "6: a request body needs `content`"),
        ("requestBody:\n  content: []", "7: wanted a mapping, got a list"),
        ("requestBody:\n  content:\n    text/plain: {schema: }", "8: wanted a schema, got null"),
        ("parameters: [{in: query}]", "6: a parameter needs `name`"),
        ("parameters: [{name: x}]", "6: a parameter needs `in`"),
        ("parameters:\n- {name: x, in: body}", "7: wanted one of query, header, path, cookie, got 'body'"),
        (
            "parameters:\n- {name: x, in: query, style: curly}",
            f"7: wanted one of {STYLES}, got 'curly'",
        ),
        ("parameters:\n- name: x\n  in: path\n  x-slashes: true", "9: wanted `allowed`, got true"),
        ("x-operations:\n  other: {}", "7: a variant needs `when`"),
    ],
)
def test_an_operation_that_is_not_openapi_is_fatal(faults: Faults, text: str, told: str) -> None:
    assert faults(operation(text)) == [f"doc.yaml:{told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("K: {name: k}", "6: a security scheme needs `type`"),
        ("K: {type: magic}", "6: wanted one of apiKey, http, mutualTLS, oauth2, openIdConnect, got 'magic'"),
        ("K:\n  type: apiKey\n  in: body", "8: wanted one of query, header, path, cookie, got 'body'"),
        ("[]", "5: wanted a mapping, got a list"),
    ],
)
def test_a_security_scheme_that_is_none_is_fatal(faults: Faults, text: str, told: str) -> None:
    assert faults(component("securitySchemes", text)) == [f"doc.yaml:{told}"]


def test_an_unknown_security_scheme_names_the_known_ones(faults: Faults) -> None:
    text = operation("security:\n- bearrer: []")
    schemes = "components: {securitySchemes: {bearer: {type: http}, key: {type: apiKey}}}\n"

    assert faults(text + schemes) == [
        "doc.yaml:7: no security scheme is named 'bearrer' (did you mean `bearer`?); known: bearer, key"
    ]


# --- schemas -----------------------------------------------------------------------------------------------

TYPES = "known: null, boolean, object, array, number, string, integer"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("type: strin", f"7: 'strin' is no type (did you mean `string`?); {TYPES}"),
        ("type: file", f"7: 'file' is no type; {TYPES}"),
        ("type: [string, nil]", f"7: 'nil' is no type; {TYPES}"),
        ("type: {}", f"7: a mapping is no type; {TYPES}"),
        ("type:", f"7: null is no type; {TYPES}"),
        ("pattern: '[a'", "7: '[a' is no regular expression: a character class is not closed"),
        (
            "pattern: '(a'",
            "7: '(a' is no regular expression: missing ), unterminated subpattern at position 0",
        ),
        ("pattern: 7", "7: wanted a pattern, got 7"),
        ("patternProperties:\n  '*': {}", "8: '*' is no regular expression: nothing to repeat at position 0"),
        ("patternProperties: []", "7: wanted a mapping, got a list"),
        ("required: name", "7: wanted a list, got 'name'"),
        ("required: true", "7: wanted a list, got true"),
        ("required:\n- 7", "8: wanted a text, got 7"),
        ("enum: a", "7: wanted a list, got 'a'"),
        ("properties: []", "7: wanted a mapping, got a list"),
        ("properties:\n  a:", "8: wanted a schema, got null"),
        ("items: [{}]", "7: wanted a schema, got a list"),
        ("allOf: {}", "7: wanted a list, got a mapping"),
        ("anyOf:\n- string", "8: wanted a schema, got 'string'"),
        ("minLength: -1", "7: wanted a whole number from 0, got -1"),
        ("maxItems: 1.5", "7: wanted a whole number from 0, got 1.5"),
        ("maxItems: '3'", "7: wanted a whole number from 0, got '3'"),
        ("minimum: a", "7: wanted a number, got 'a'"),
        ("exclusiveMinimum: true", "7: wanted a number, got true"),
        ("multipleOf: 0", "7: wanted a number above 0, got 0"),
        ("multipleOf: -2", "7: wanted a number above 0, got -2"),
        ("uniqueItems: 1", "7: wanted true or false, got 1"),
        ("dependentRequired: [a]", "7: wanted a mapping, got a list"),
        ("dependentRequired:\n  a: b", "8: wanted a list, got 'b'"),
        ("discriminator: {mapping: {}}", "7: a discriminator needs `propertyName`"),
        (
            "discriminator:\n  propertyName: p\n  mapping: {a: [x]}",
            "9: wanted the name of a schema, got a list",
        ),
        (
            "discriminator:\n  propertyName: p\n  mapping:\n    a: Nope",
            "10: $ref 'Nope' refers to nothing in this document",
        ),
        ("$dynamicRef: '#nope'", "7: $ref '#nope' refers to nothing in this document"),
        ("not: 7", "7: wanted a schema, got 7"),
        ("x-rules: {rule: https}", "7: wanted a list, got a mapping"),
    ],
)
def test_a_schema_that_is_none_is_fatal(faults: Faults, text: str, told: str) -> None:
    assert faults(schema(text)) == [f"doc.yaml:{told}"]


def test_the_old_dialect_has_its_own_words(faults: Faults) -> None:
    found = faults(schema("exclusiveMinimum: 1\ntype: [string]\nnullable: yes", OLD))

    assert [fault.partition(";")[0] for fault in found] == [
        "doc.yaml:7: wanted true or false, got 1",
        "doc.yaml:8: a list is no type",
        "doc.yaml:9: wanted true or false, got 'yes'",
    ]


@pytest.mark.parametrize(
    "text",
    [
        r"pattern: '^\p{Lu}+$'",
        r"pattern: '^[\w-]{1,3}\/\d$'",
        "type: [string, 'null']",
        "exclusiveMaximum: 1.5\nminimum: -1e3",
        "properties: {a: true, $ref: {type: string}, type: {type: string}}",
        "required: []\nenum: [null, {}]\nconst:",
        "additionalProperties: false\nunevaluatedProperties: {type: string}",
        "example: {$ref: '#/nope'}\ndefault: {$ref: 7}\nenum: [{$ref: no.yaml}]",
        "description: |\n  $ref in words",
    ],
)
def test_what_a_schema_may_say_is_fine(read: Read, text: str) -> None:
    assert warnings(read(schema(text))) == []


@pytest.mark.parametrize(
    "where", ["items", "properties", "additionalProperties", "contains", "propertyNames"]
)
def test_a_schema_may_come_back_to_itself_through_a_part_of_its_value(read: Read, where: str) -> None:
    inner = (
        "{next: {$ref: '#/components/schemas/A'}}"
        if where == "properties"
        else "{$ref: '#/components/schemas/A'}"
    )

    assert warnings(read(schema(f"{where}: {inner}"))) == []


# --- references --------------------------------------------------------------------------------------------

KINDS = (
    "schemas",
    "responses",
    "parameters",
    "examples",
    "requestBodies",
    "headers",
    "securitySchemes",
    "links",
    "callbacks",
    "pathItems",
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_to_nowhere_is_fatal_for_every_kind_of_object(faults: Faults, kind: str) -> None:
    assert faults(component(kind, f"A:\n  $ref: '#/components/{kind}/B'")) == [
        f"doc.yaml:7: $ref '#/components/{kind}/B' refers to nothing in this document"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_circle_of_references_is_fatal_for_every_kind_of_object(faults: Faults, kind: str) -> None:
    here = f"#/components/{kind}"
    text = f"A: {{$ref: '{here}/B'}}\nB: {{$ref: '{here}/C'}}\nC: {{$ref: '{here}/A'}}"

    assert faults(component(kind, text)) == [
        f"doc.yaml:6: $ref in a circle: {here}/B → {here}/C → {here}/A → {here}/B"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_to_itself_is_fatal_for_every_kind_of_object(faults: Faults, kind: str) -> None:
    ref = f"#/components/{kind}/A"

    assert faults(component(kind, f"A: {{$ref: '{ref}'}}")) == [
        f"doc.yaml:6: $ref in a circle: {ref} → {ref}"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_that_is_no_text_is_fatal_for_every_kind_of_object(faults: Faults, kind: str) -> None:
    assert faults(component(kind, "A:\n  $ref: 7")) == ["doc.yaml:7: wanted a reference, got 7"]


@pytest.mark.parametrize(
    "text",
    [
        "A: {allOf: [{type: object}, {$ref: '#/components/schemas/A'}]}",
        "A: {anyOf: [{type: object}, {$ref: '#/components/schemas/A'}]}",
        "A: {oneOf: [{allOf: [{$ref: '#/components/schemas/A'}]}]}",
        "A: {not: {$ref: '#/components/schemas/A'}}",
        "A: {if: true, then: {$ref: '#/components/schemas/A'}}",
        "A: {dependentSchemas: {a: {$ref: '#/components/schemas/A'}}}",
    ],
)
def test_a_schema_that_applies_itself_to_the_very_same_value_is_fatal(faults: Faults, text: str) -> None:
    ref = "#/components/schemas/A"

    assert faults(component("schemas", text)) == [f"doc.yaml:6: $ref in a circle: {ref} → {ref}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            paths("/a: {$ref: '#/paths/~1b'}\n/b: {$ref: '#/paths/~1a'}"),
            "4: $ref in a circle: #/paths/~1b → ",
        ),
        (paths("/a: {$ref: '#/paths/~1a'}"), "4: $ref in a circle: #/paths/~1a → #/paths/~1a"),
        (
            paths("/a: {$ref: '#/components/pathItems/A'}"),
            "4: $ref '#/components/pathItems/A' refers to nothing",
        ),
        (
            operation("parameters:\n- $ref: '#/components/parameters/P'"),
            "7: $ref '#/components/parameters/P' re",
        ),
        (operation("requestBody:\n  $ref: '#/nope'"), "7: $ref '#/nope' refers to nothing in this document"),
        (operation("responses:\n  200: {$ref: '#/info/title'}"), "2: wanted a response, got 't'"),
        (schema("items: {$ref: '#/info/0'}"), "7: $ref '#/info/0' refers to nothing in this document"),
        (schema("items: {$ref: '#pet'}"), "7: $ref '#pet' refers to nothing in this document"),
        (schema("enum: [a]\nitems: {$ref: '#/components/schemas/A/enum'}"), "7: wanted a schema, got a list"),
        (
            schema("allOf: [{}]\nitems: {$ref: '#/components/schemas/A/allOf/1'}"),
            "8: $ref '#/components/schemas/",
        ),
    ],
)
def test_a_reference_that_leads_wrong_is_fatal(faults: Faults, text: str, told: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(f"doc.yaml:{told}")


def test_a_reference_to_an_object_of_another_kind_is_fatal_where_that_lacks_what_is_needed(
    faults: Faults,
) -> None:
    text = operation("parameters: [{$ref: '#/components/schemas/S'}]")

    assert faults(f"{text}components:\n  schemas:\n    S: {{type: string}}\n") == [
        "doc.yaml:9: a parameter needs `name`",
        "doc.yaml:9: a parameter needs `in`",
    ]


def test_each_place_of_a_reference_to_nowhere_is_told(faults: Faults) -> None:
    found = faults(schema("items: {$ref: '#/no'}\ncontains: {$ref: '#/no'}"))

    assert [fault.partition(": ")[0] for fault in found] == ["doc.yaml:7", "doc.yaml:8"]


def test_a_circle_of_very_many_references_is_found_soon(faults: Faults) -> None:
    here = "#/components/schemas"
    chain = "".join(f"A{n}: {{$ref: '{here}/A{(n + 1) % 5000}'}}\n" for n in range(5000))

    began = time.monotonic()
    (fault,) = faults(component("schemas", chain))

    assert fault.startswith(f"doc.yaml:6: $ref in a circle: {here}/A1 → {here}/A2 → ")
    assert time.monotonic() - began < 5


# --- unknown keywords, and the marks -----------------------------------------------------------------------

MARKED = (
    "responses: {'200': {description: d, content: {application/json: {examples: {e: {x-outcome: success}}}}}}"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "pathz: {}\n" + PATHS, ["3: unknown keyword `pathz` in a document (did you mean `paths`?)"]),
        (schema("typ: string"), ["7: unknown keyword `typ` in a schema (did you mean `type`?)"]),
        (schema("maxLenght: 3"), ["7: unknown keyword `maxLenght` in a schema (did you mean `maxLength`?)"]),
        (schema("const: 1", OLD), ["7: unknown keyword `const` in a schema"]),
        (schema("nullable: true"), ["7: unknown keyword `nullable` in a schema"]),
        (
            operation("sumary: s\ntag: t\n" + OK),
            [
                "6: unknown keyword `sumary` in an operation (did you mean `summary`?)",
                "7: unknown keyword `tag` in an operation (did you mean `tags`?)",
            ],
        ),
        (operation("$ref: '#/nope'\n" + OK), ["6: unknown keyword `$ref` in an operation"]),
        (
            operation("description: 7\nsummary:\n" + OK),
            ["6: wanted a text, got 7", "7: wanted a text, got null"],
        ),
        ("openapi: 3.1.0\ninfo: {title: t, version: 1.0}\n" + PATHS, ["2: wanted a text, got 1.0"]),
    ],
)
def test_what_is_odd_and_harmless_is_a_warning(read: Read, text: str, told: list[str]) -> None:
    assert warnings(read(text)) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sumary: s", "6: unknown keyword `sumary` in an operation (did you mean `summary`?)"),
        ("description: 7", "6: wanted a text, got 7"),
    ],
)
def test_what_is_odd_is_fatal_in_a_document_with_marks(faults: Faults, text: str, told: str) -> None:
    assert faults(operation(f"{text}\noperationId: o\n{MARKED}")) == [f"doc.yaml:{told}"]


def test_an_extension_is_always_fine(read: Read) -> None:
    text = operation(f"x-note: 1\noperationId: o\nx-y: {{$ref: '#/nope'}}\n{MARKED}").replace(
        "info: {", "x-a: [1]\ninfo: {x-b: null, "
    )

    assert warnings(read(text + "components: {schemas: {A: {x-c: 1, properties: {x-d: {x-e: 2}}}}}\n")) == []


VOCABULARY = (
    "known: access-denied, duplicate, feature-disabled, generation-failed, insufficient-credits, invalid, "
    "maintenance, not-found, persona-not-found, rate-limited, server-error, source-expired, source-failed, "
    "source-is-persona, source-model-unsupported, source-not-found, source-not-owned, source-unfinished, "
    "source-uploaded, success, task-failed, unauthorized, vocal-window"
)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("duplicat", f"'duplicat' is no outcome (did you mean `duplicate`?); {VOCABULARY}"),
        ("Success", f"'Success' is no outcome (did you mean `success`?); {VOCABULARY}"),
        ("teapot", f"'teapot' is no outcome; {VOCABULARY}"),
        ("409", f"409 is no outcome; {VOCABULARY}"),
        ("[duplicate]", f"a list is no outcome; {VOCABULARY}"),
        ("", f"null is no outcome; {VOCABULARY}"),
    ],
)
def test_an_unknown_outcome_names_the_known_ones(faults: Faults, written: str, told: str) -> None:
    text = "operationId: o\nresponses:\n  200:\n    content:\n      application/json:\n        examples:\n"

    found = faults(operation(f"{text}          again:\n            x-outcome: {written}"))

    assert found == [f"doc.yaml:13: {told}"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("x-outcomes: {required: vocal-windo}", "'vocal-windo' is no outcome (did you mean `vocal-window`?)"),
        ("x-outcomes: [required]", "wanted a mapping, got a list"),
        ("x-rules: [{rule: diference}]", "'diference' is no rule (did you mean `difference`?)"),
        ("x-rules: [{of: [a, b]}]", "null is no rule"),
        ("x-rules: [difference]", "null is no rule"),
        ("x-rules: [{rule: difference}]", "the rule 'difference' needs `of`: two field names"),
        ("x-rules: [{rule: member, of: [a]}]", "wanted two field names, got a list"),
        ("x-rules: [{rule: member, of: ab}]", "wanted two field names, got 'ab'"),
        ("x-rules: [{rule: difference, of: [a, b], minimum: ten}]", "wanted a number, got 'ten'"),
        ("x-rules: [{rule: difference, of: [a, b], defaults: 1}]", "wanted true or false, got 1"),
        ("x-rules: [{rule: https, host: x}]", "the rule 'https' has no `host`"),
        ("x-rules: [{rule: https, outcome: nope}]", "'nope' is no outcome"),
    ],
)
def test_a_mark_on_a_schema_that_is_not_known_is_fatal(faults: Faults, written: str, told: str) -> None:
    (fault,) = faults(schema(written))

    assert fault.partition("; known")[0] == f"doc.yaml:7: {told}"


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    found = faults(
        """openapi: 3.1.0
info: {title: t}
paths:
  a:
    get:
      tags: x
      responses:
        999: {}
components:
  schemas:
    A: {type: strin}
    B: {$ref: '#/components/schemas/B'}
    C: {$ref: '#/nope'}
"""
    )

    assert [fault.partition(";")[0] for fault in found] == [
        "doc.yaml:2: an info needs `version`",
        "doc.yaml:4: the path 'a' does not begin with /",
        "doc.yaml:6: wanted a list, got 'x'",
        "doc.yaml:8: '999' is no status: wanted 200, 4XX or default",
        "doc.yaml:11: 'strin' is no type (did you mean `string`?)",
        "doc.yaml:12: $ref in a circle: #/components/schemas/B → #/components/schemas/B",
        "doc.yaml:13: $ref '#/nope' refers to nothing in this document",
    ]


@pytest.mark.parametrize("schemes", ["null", "5"])
def test_security_schemes_that_are_none_are_told_like_any_other_fault(faults: Faults, schemes: str) -> None:
    found = faults(f"{HEAD}security: [{{a: []}}]\n{PATHS}components: {{securitySchemes: {schemes}}}\n")

    assert "doc.yaml:3: no security scheme is named 'a'; known: none" in found
    assert any(fault.startswith("doc.yaml:5: wanted a mapping") for fault in found)


# --- the rule of a note ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule", "wanted"),
    [
        (HEAD + "paths: []\n", "meta-schema", "a mapping of paths"),
        (HEAD + PATHS.replace("'200'", "'20'"), "meta-schema", "200, 4XX or default"),
        (schema("type: song"), "meta-schema", None),
        (schema("typ: string"), "unknown-keyword", None),
        (schema("$ref: '#/components/schemas/B'"), "unresolved-ref", None),
        (schema("$ref: 7"), "unresolved-ref", "a reference"),
        (schema("$ref: '#/components/schemas/A'"), "circular-ref", None),
        (HEAD + "security: [{key: []}]\n" + PATHS, "unknown-security-scheme", None),
        (schema("x-outcomes: {type: duplicat}"), "unknown-outcome", None),
        (schema("x-rules: [{rule: httpz}]"), "unknown-rule", None),
        (schema("x-rules: [{rule: difference}]"), "unknown-rule", None),
    ],
)
def test_a_note_names_the_rule_that_is_broken(text: str, rule: str, wanted: str | None) -> None:
    notes = Walk(Source("doc", "doc.yaml", parse(text, "doc.yaml"), text), frozenset(NAMES)).run()

    assert [(note.rule, note.wanted) for note in notes] == [(rule, wanted)]
