"""`check specs`: each rule on a small document that breaks it, at the line that a comment in it marks."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from contracts.documents import RULES, check
from contracts.finding import Checked, Finding
from mockserver.openapi.source import DocumentError, at, parse

PETSTORE = Path(__file__).parent / "documents" / "petstore.yaml"

HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\n"
OLD = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"
OK = "responses: {'200': {description: ok}}"
GET = f"paths: {{/a: {{get: {{{OK}}}}}}}\n"

# Each line that ends in `#! RULE …` is to be found, by these rules, and no other line.
BROKEN = {
    "an unknown type": HEAD
    + GET
    + """
components:
  schemas:
    A: {type: strnig}  #! meta-schema
""",
    "a response without a description": HEAD
    + """
paths:
  /a:
    get:
      responses:
        '200': {content: {}}  #! meta-schema
""",
    "a title that is no text": "openapi: 3.1.0\ninfo: {title: 1, version: '1'}  #! meta-schema\n" + GET,
    "no paths": OLD.replace("openapi: 3.0.3", "openapi: 3.0.3  #! meta-schema"),
    "a path parameter that is not required": HEAD
    + f"""
paths:
  /a/{{x}}:
    get:
      parameters:
        - {{name: x, in: path, schema: {{}}}}  #! meta-schema
      {OK}
""",
    "parameters by schema and content at once, by neither, and in an odd style": HEAD
    + f"""
paths:
  /a:
    get:
      parameters:
        - name: x
          in: query
          schema: {{}}
          content: {{text/plain: {{}}}}  #! meta-schema
        - {{name: y, in: query}}  #! meta-schema
        - {{name: z, in: header, schema: {{}}, style: form}}  #! meta-schema
        - name: both
          in: query
          schema: {{}}
          example: 1
          examples: {{one: {{value: 1}}}}  #! meta-schema
      {OK}
""",
    "security schemes that lack what their type needs": HEAD
    + GET
    + """
components:
  securitySchemes:
    a: {type: apiKey, name: key}  #! meta-schema
    b: {type: http}  #! meta-schema
    c:
      type: oauth2
      flows:
        password: {scopes: {}}  #! meta-schema
""",
    "odd names, tags, links, licenses and requirements": """
openapi: 3.1.0
info:
  title: t
  version: '1'
  license: {url: x}  #! meta-schema
  contact:
    name: 5  #! meta-schema
tags:
  - {description: nameless}  #! meta-schema
servers:
  - url: https://{host}.example
    variables:
      host: {enum: [a]}  #! meta-schema
paths:
  /a:
    get:
      security:
        - key: all  #! meta-schema
      responses:
        '200':
          description: ok
          links:
            next: {}  #! meta-schema
components:
  securitySchemes:
    key: {type: http, scheme: basic}
  schemas:
    a b: {}  #! meta-schema
""",
    "lists that are empty": OLD
    + GET
    + """
components:
  schemas:
    A:
      allOf: []  #! meta-schema
    B:
      required: []  #! meta-schema
    C:
      required: [a, a]  #! meta-schema
    D:
      type: 'null'  #! meta-schema
""",
    "references to nothing": HEAD
    + """
paths:
  /a:
    get:
      responses:
        '200':
          $ref: '#/components/responses/No'  #! unresolved-ref
        '400':
          description: no
          content:
            application/json:
              schema:
                $ref: gone.yaml#/A  #! unresolved-ref
        '404':
          description: no
          content:
            application/json:
              schema:
                $ref: https://far.example/a.yaml  #! unresolved-ref
              example: 1
              exampel: 2  #! unknown-keyword
""",
    "circles": HEAD
    + GET
    + """
components:
  schemas:
    A:
      allOf:
        - $ref: '#/components/schemas/B'  #! circular-ref
    B:
      $ref: '#/components/schemas/A'
""",
    "schemas without an end": HEAD
    + GET
    + """
components:
  schemas:
    Node:  #! endless-schema
      type: object
      required: [next]
      properties:
        next: {$ref: '#/components/schemas/Node'}
    Ring:  #! endless-schema
      type: array
      minItems: 1
      items: {anyOf: [{$ref: '#/components/schemas/Ring'}]}
    Tree:
      type: object
      required: [children]
      properties:
        children: {type: array, items: {$ref: '#/components/schemas/Tree'}}
        parent: {$ref: '#/components/schemas/Tree'}
        other: {oneOf: [{type: 'null'}, {$ref: '#/components/schemas/Tree'}]}
""",
    "schemas that null ends": OLD
    + GET
    + """
components:
  schemas:
    Node:
      type: object
      nullable: true
      required: [next]
      properties:
        next: {$ref: '#/components/schemas/Node'}
    Beside:
      $ref: '#/components/schemas/Node'
      properties: {a: {default: 1, type: string}}
""",
    "what stands beside a reference in 3.1": HEAD
    + GET
    + """
components:
  schemas:
    A: {}
    B:
      $ref: '#/components/schemas/A'
      properties:
        a: {default: 1, type: string}  #! broken-default
  examples:
    one: {externalValue: a.json, value: 1}  #! meta-schema
""",
    "operationIds twice": HEAD
    + f"""
paths:
  /a:
    get:
      operationId: same
      {OK}
    post:
      operationId: same  #! duplicate-operation-id
      callbacks:
        done:
          '{{$request.body#/url}}':
            post:
              operationId: same  #! duplicate-operation-id
              {OK}
      {OK}
""",
    "paths that are one": HEAD
    + f"""
paths:
  /a/{{x}}:
    parameters:
      - {{name: x, in: path, required: true, schema: {{}}}}
    get: {{{OK}}}
  /a/{{y}}:  #! ambiguous-path
    parameters:
      - {{name: y, in: path, required: true, schema: {{}}}}
    get: {{{OK}}}
  /a/b:
    get: {{{OK}}}
  /a/{{z}}:  #! ambiguous-path
    parameters:
      - {{name: z, in: path, required: true, schema: {{}}}}
    put: {{{OK}}}
""",
    "paths that optional slashes make one": HEAD
    + f"""
paths:
  /a:
    x-trailing-slash: optional
    get: {{{OK}}}
  /a/:
    get: {{{OK}}}  #! ambiguous-path
""",
    "paths that cannot be": HEAD
    + f"""
paths:
  /a/{{x:  #! malformed-path
    get: {{{OK}}}
  /b/{{y}}/{{y}}:  #! malformed-path
    parameters:
      - {{name: y, in: path, required: true, schema: {{}}}}
    get: {{{OK}}}
  /c?d=e:  #! unreachable-operation
    get: {{{OK}}}
""",
    "path parameters": HEAD
    + f"""
paths:
  /a/{{x}}:
    parameters:
      - {{name: gone, in: path, required: true, schema: {{}}}}  #! unknown-path-parameter
    get: {{{OK}}}  #! undeclared-path-parameter
""",
    "a parameter twice": HEAD
    + f"""
paths:
  /a:
    get:
      parameters:
        - {{name: x, in: query, schema: {{}}}}
        - {{name: x, in: header, schema: {{}}}}
        - $ref: '#/components/parameters/X'  #! duplicate-parameter
      {OK}
components: {{parameters: {{X: {{name: x, in: query, schema: {{}}}}}}}}
""",
    "examples of a body": HEAD
    + """
paths:
  /a:
    post:
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Pet'}
            example: {id: 1, secret: s}
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Pet'}
              examples:
                good: {value: {id: 1, name: Rex}}
                wrong:
                  value:
                    id: one  #! broken-example
                    name: 5  #! broken-example
                here: {$ref: '#/components/examples/Short'}
        '201':
          description: ok
          headers:
            X-Left:
              schema: {type: integer}
              example: many  #! broken-example
components:
  examples:
    Short:
      value: {name: Rex}  #! broken-example
  schemas:
    Pet:
      type: object
      required: [id, name, secret]
      properties:
        id: {type: integer}
        name: {type: string, readOnly: true}
        secret: {type: string, writeOnly: true}
""",
    "examples and defaults of parameters and schemas": HEAD
    + f"""
paths:
  /a:
    get:
      parameters:
        - name: x
          in: query
          schema: {{type: integer}}
          example: one  #! broken-example
        - name: y
          in: query
          schema:
            type: integer
            default: two  #! broken-default
          examples:
            good: {{value: 1}}
            bad:
              value: three  #! broken-example
      {OK}
components:
  schemas:
    A:
      type: string
      examples:
        - fine
        - 5  #! broken-example
    B:
      enum: [a, b]
      example: c  #! broken-example
    C:
      type: object
      patternProperties:
        ^x:
          type: string
          default: 1  #! broken-default
""",
    "examples of 3.0": OLD
    + GET
    + """
components:
  schemas:
    A: {type: string, nullable: true, default: null}
    B:
      type: string
      default: null  #! broken-default
    C:
      $ref: '#/components/schemas/A'
      default: 5
""",
    "words nobody knows": HEAD
    + f"""
paths:
  /a:
    get:
      x-mine: fine
      sumary: short  #! unknown-keyword
      {OK}
""",
    "words of another version": OLD
    + GET
    + """
webhooks: {}  #! unknown-keyword
components:
  schemas:
    A: {const: 1}  #! unknown-keyword
""",
    "no response": OLD
    + """
paths:
  /a:
    get: {summary: nothing}  #! no-response
  /b:
    get:
      responses: {}  #! no-response
""",
    "bodies that cannot be sent": HEAD
    + f"""
paths:
  /a:
    post:
      requestBody:
        content: {{}}  #! no-media-type
      {OK}
    put:
      requestBody:
        content:
          json: {{}}  #! no-media-type
          text/plain; charset=utf-8: {{}}
          '*/*': {{}}
      {OK}
""",
    "a scheme that is not defined": HEAD
    + f"""
paths:
  /a:
    get:
      security:
        - key: []  #! unknown-security-scheme
      {OK}
""",
    "an unknown rule": HEAD
    + GET
    + """
components:
  schemas:
    A:
      x-rules:
        - rule: odd  #! unknown-rule
""",
    "a key twice": HEAD + GET + "paths: {}  #! duplicate-key\n",
    "no YAML": HEAD + "paths: [  #! not-yaml-or-json",
    "two documents in one": HEAD + GET + "---  #! not-yaml-or-json\na: 1\n",
    "another version": "openapi: 2.0.0  #! not-openapi\n",
    "Swagger": "swagger: '2.0'  #! not-openapi\n",
    "no OpenAPI": "title: x  #! not-openapi\n",
    "a list": "- 1  #! not-openapi\n",
}

MARKED = {
    "outcomes without example": HEAD
    + """
security: [{key: []}]
paths:
  /a:
    post:  #! outcome-without-example outcome-without-example outcome-without-example
      operationId: make
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                name: {type: string, maxLength: 5, x-outcomes: {maxLength: vocal-window}}
      responses:
        '200':
          description: ok
          content:
            application/json:
              examples:
                good: {x-outcome: success, value: {}}
                odd: {x-outcome: duplicate}  #! outcome-without-example
        '409':  #! outcome-without-example
          description: no
          content: {application/json: {example: {}}}
  /b:
    get:  #! outcome-without-example
      security: []
      operationId: look
      responses: {'200': {description: ok}}
components: {securitySchemes: {key: {type: http, scheme: bearer}}}
""",
    "marks twice": HEAD
    + """
paths:
  /a:
    get:
      responses:
        '200':
          description: ok
          content:
            application/json:
              examples:
                good: {x-outcome: success, value: {a: 1}}
                more: {x-outcome: success, value: {a: 2}}
                same: {x-outcome: success, value: {a: 1}}  #! duplicate-outcome
        '201':
          description: ok
          content:
            application/json:
              examples:
                late: {x-outcome: success, value: {a: 3}}  #! duplicate-outcome
""",
    "outcomes and words nobody knows": HEAD
    + """
paths:
  /a:
    get:
      sumary: short  #! unknown-keyword
      responses:
        '200':
          summary: of OpenAPI 3.2  #! unknown-keyword
          description: ok
          content:
            application/json:
              examples:
                good: {x-outcome: success, value: {}}
                odd: {x-outcome: duplicat, value: {}}  #! unknown-outcome
""",
}


def planted(text: str) -> list[tuple[int, str]]:
    lines = enumerate(text.splitlines(), 1)
    return sorted(
        (number, rule) for number, line in lines for rule in line.partition("#! ")[2].split() if "#! " in line
    )


def told(checked: Checked) -> list[tuple[int | None, str]]:
    return sorted((finding.where.line, finding.rule) for finding in checked.findings)


def of(folder: Path, **texts: str) -> Checked:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return check(folder)


def one(checked: Checked) -> Finding:
    (finding,) = checked.findings
    return finding


# --- rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BROKEN, *MARKED])
def test_a_broken_document_is_told_of_by_rule_and_line(tmp_path: Path, name: str) -> None:
    text = {**BROKEN, **MARKED}[name]

    checked = of(tmp_path, doc=text)

    assert told(checked) == planted(text)
    for finding in checked.findings:
        assert finding.document == "doc"
        assert finding.where.file == str(tmp_path / "doc.yaml")
        assert re.search(r"\. [A-Z]", finding.message), "the next step is missing"


def test_every_rule_has_a_document_that_breaks_it() -> None:
    shown = {rule for text in (*BROKEN.values(), *MARKED.values()) for _, rule in planted(text)}

    # These are broken by files rather than by what stands in them: each has a test below.
    assert set(RULES) - shown == {"unreadable", "too-deep", "file-name", "shadowed-operation"}
    assert shown <= set(RULES)


@pytest.mark.parametrize("name", BROKEN)
def test_a_pointer_leads_to_where_the_fault_is(tmp_path: Path, name: str) -> None:
    text = BROKEN[name]
    missing = ("is required", "needs a value")

    for finding in of(tmp_path, doc=text).findings:
        if finding.pointer is not None and not any(word in finding.message for word in missing):
            at(parse(text, "doc.yaml"), finding.pointer.removesuffix("/operationId"))


def test_unknown_words_are_warnings_without_marks_and_errors_with_them(tmp_path: Path) -> None:
    plain = of(tmp_path, doc=BROKEN["words nobody knows"])
    marked = of(tmp_path, doc=MARKED["outcomes and words nobody knows"])

    assert (one(plain).severity, plain.is_fine) == ("warning", True)
    assert "did you mean `summary`?" in one(plain).message
    assert {finding.severity for finding in marked.findings} == {"error"}


def test_what_a_server_can_live_with_is_a_warning(tmp_path: Path) -> None:
    checked = of(tmp_path, doc=BROKEN["paths that are one"])

    assert [finding.severity for finding in checked.findings] == ["error", "warning"]


@pytest.mark.parametrize(("head", "severity"), [(HEAD, "warning"), (OLD, "error")])
def test_no_response_is_an_error_where_openapi_wants_one(tmp_path: Path, head: str, severity: str) -> None:
    checked = of(tmp_path, doc=head + "paths: {/a: {get: {summary: nothing}}}\n")

    assert (one(checked).rule, one(checked).severity) == ("no-response", severity)


# --- findings -----------------------------------------------------------------------------------------------


def test_a_finding_says_what_was_wanted_what_came_and_where(tmp_path: Path) -> None:
    checked = of(tmp_path, doc=BROKEN["examples of a body"])

    finding = next(finding for finding in checked.findings if finding.where.line == 22)

    assert finding.pointer == (
        "/paths/~1a/post/responses/200/content/application~1json/examples/wrong/value/id"
    )
    assert (finding.severity, finding.operation) == ("error", "POST /a")
    assert (finding.wanted, finding.got) == ("integer", "one")
    assert finding.message == (
        "POST /a: the example 'wrong' of the response breaks its own schema: "
        '/id wanted integer, got "one". '
        "Correct the example, or the schema if the example is what is sent"
    )


@pytest.mark.parametrize("written", ["x is no outcome", "x is no rule", "range of numbers", "cannot be read"])
def test_the_words_of_a_document_do_not_decide_which_rule_it_breaks(tmp_path: Path, written: str) -> None:
    parameter = f"{{name: n, schema: {{}}, in: {written}}}"
    text = f"{HEAD}paths: {{/a: {{get: {{parameters: [{parameter}], {OK}}}}}}}\n"

    found = of(tmp_path, doc=text).findings

    told = [(finding.rule, finding.pointer, finding.wanted, finding.got) for finding in found]
    place = "/paths/~1a/get/parameters/0/in"
    assert ("meta-schema", place, "one of query, header, path, cookie", written) in told
    assert {finding.rule for finding in found} == {"meta-schema"}


def test_a_key_that_reads_like_a_reason_is_an_unknown_keyword(tmp_path: Path) -> None:
    text = f"{HEAD}{GET}components:\n  schemas:\n    A: {{is wanted and is no outcome, got: 1}}\n"

    told = [(finding.rule, finding.wanted) for finding in of(tmp_path, doc=text).findings]

    assert told == [("unknown-keyword", None), ("unknown-keyword", None)]


def test_a_lost_reference_is_told_with_what_it_says(tmp_path: Path) -> None:
    checked = of(tmp_path, doc=BROKEN["references to nothing"])

    got = [finding.got for finding in checked.findings if finding.rule == "unresolved-ref"]
    assert got == ["#/components/responses/No", "gone.yaml#/A", "https://far.example/a.yaml"]
    # The example beside a lost schema cannot be judged, and it is said that it was not.
    assert checked.skipped == 1
    assert checked.notes[1].endswith("doc.yaml: 1 examples not judged, for their schemas are broken")


def test_all_faults_of_all_documents_are_told_in_one_run(tmp_path: Path) -> None:
    names = [name for name in {**BROKEN, **MARKED} if "optional slashes" not in name]
    texts = {f"doc{index:02}": {**BROKEN, **MARKED}[name] for index, name in enumerate(names)}

    checked = of(tmp_path, **texts)

    for name, text in texts.items():
        mine = [f for f in checked.findings if f.document == name and f.rule != "shadowed-operation"]
        assert sorted((f.where.line, f.rule) for f in mine) == planted(text)


def test_what_was_looked_at_and_what_of_it_is_sound_is_counted(tmp_path: Path) -> None:
    text = BROKEN["examples of a body"]

    checked = of(tmp_path, doc=text)

    # One document, one operation, five examples; the example of the request and the good one are sound.
    assert checked.notes == ("looked at 1 document, 1 operation, 5 examples",)
    assert (checked.command, checked.checked, checked.passed) == ("check specs", 7, 2)


# --- files --------------------------------------------------------------------------------------------------


def test_a_good_folder_is_silent(tmp_path: Path) -> None:
    checked = of(tmp_path, pets=PETSTORE.read_text(), other=HEAD + GET)

    assert checked.findings == []
    assert checked.checked == checked.passed == 2 + 4 + 6
    assert checked.notes == ("looked at 2 documents, 4 operations, 6 examples",)


def test_a_single_file_is_looked_at_alone(tmp_path: Path) -> None:
    of(tmp_path, bad="openapi: [")

    assert check(PETSTORE).findings == []
    assert [f.where.file for f in check(tmp_path / "bad.yaml").findings] == [str(tmp_path / "bad.yaml")]


def test_json_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"openapi": "3.1.0",\n"info": {"title": "t", "version": 1}}')
    (tmp_path / "b.json").write_text("{\n]")

    assert [(f.document, f.rule, f.where.line) for f in check(tmp_path).findings] == [
        ("a", "meta-schema", 1),
        ("a", "meta-schema", 2),
        ("b", "not-yaml-or-json", 2),
    ]


def test_a_fault_in_a_file_that_is_referred_to_is_told_there(tmp_path: Path) -> None:
    part = "Pet:\n  type: object\n  properties:\n    name: {type: strnig}\n"
    ref = HEAD + GET + "components: {schemas: {A: {$ref: 'part.yaml#/Pet'}}}\n"

    finding = one(of(tmp_path, doc=ref, part=part))

    assert (finding.where.file, finding.where.line) == (str(tmp_path / "part.yaml"), 4)
    assert finding.pointer == "/Pet/properties/name/type"


def test_a_reference_to_nothing_in_another_file_is_told_where_it_stands(tmp_path: Path) -> None:
    ref = HEAD + GET + "components:\n  schemas:\n    A: {$ref: 'part.yaml#/No'}\n"

    finding = one(of(tmp_path, doc=ref, part="Pet: {}\n"))

    assert (finding.rule, finding.where.line) == ("unresolved-ref", 6)
    assert finding.where.file == str(tmp_path / "doc.yaml")


def test_a_part_that_is_no_yaml_is_told_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    ref = HEAD + "paths: {/a: {get: {sumary: x, responses: {}}}}\n"
    ref += "components: {schemas: {A: {$ref: 'part.yaml#/A'}, B: {$ref: 'gone.yaml'}}}\n"

    checked = of(tmp_path, doc=ref, part="a: [")

    assert sorted((Path(f.where.file or "").name, f.rule) for f in checked.findings) == [
        ("doc.yaml", "no-response"),
        ("doc.yaml", "unknown-keyword"),
        ("doc.yaml", "unresolved-ref"),
        ("part.yaml", "not-yaml-or-json"),
    ]


def test_files_that_cannot_be_documents_are_told(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    (tmp_path / "my api.yaml").write_text(HEAD + GET)
    (tmp_path / "two.yaml").write_text(HEAD + GET)
    (tmp_path / "two.yml").write_text(HEAD + GET)
    (tmp_path / "deep.yaml").write_text("a: " + "[" * 5000 + "]" * 5000)

    checked = check(tmp_path)

    assert [(Path(f.where.file or "").name, f.rule) for f in checked.findings] == [
        ("deep.yaml", "too-deep"),
        ("folder.yaml", "unreadable"),
        ("latin.yaml", "unreadable"),
        ("my api.yaml", "file-name"),
        ("two.yml", "file-name"),
    ]
    assert (checked.checked, checked.passed) == (7, 2)


def test_a_call_that_two_documents_take_is_a_warning(tmp_path: Path) -> None:
    get = f"{{get: {{parameters: [{{name: N, in: path, required: true, schema: {{}}}}], {OK}}}}}"
    path = f"paths: {{'/pets/{{N}}': {get}}}"

    checked = of(tmp_path, a=HEAD + path.replace("N", "id"), b=HEAD + path.replace("N", "name"))

    finding = one(checked)
    assert (finding.severity, finding.rule, finding.where.line) == ("warning", "shadowed-operation", 3)
    assert "reached as /b/pets/{name}" in finding.message
    assert checked.is_fine


@pytest.mark.parametrize("make", [False, True])
def test_nothing_to_look_at_is_an_error_of_usage(tmp_path: Path, make: bool) -> None:
    place = tmp_path / "here"
    if make:
        place.mkdir()

    with pytest.raises(DocumentError, match="no document in it" if make else "no such folder"):
        check(place)


# --- our own ------------------------------------------------------------------------------------------------


def test_the_packaged_documents_have_no_fault_and_take_no_time() -> None:
    start = time.perf_counter()
    checked = check()
    spent = time.perf_counter() - start

    assert checked.findings == []
    assert checked.checked == checked.passed > 600
    assert spent < 3
