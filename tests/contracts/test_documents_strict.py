"""`check specs` is as strict as the meta-schema: what a validator of its own finds broken, ours does too."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from contracts.documents import check
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import compile_document
from mockserver.openapi.examples import example_problems
from mockserver.openapi.library import packaged_folder
from mockserver.openapi.source import load

STATELESS = Path(__file__).parents[1] / "stateless" / "documents"
PETSTORE = Path(__file__).parent / "documents" / "petstore.yaml"

OK = {"200": {"description": "ok"}}
PATH = {"name": "x", "in": "path", "required": True, "schema": {}}
QUERY = {"name": "q", "in": "query", "schema": {}}


def of_info(**info: Any) -> Any:
    return {"info": {"title": "t", "version": "1", **info}}


def of_operation(**operation: Any) -> Any:
    return {"paths": {"/a": {"get": {"responses": OK, **operation}}}}


def of_parameter(**parameter: Any) -> Any:
    return of_operation(parameters=[{**QUERY, **parameter}])


def of_schema(schema: Any) -> Any:
    return of_components(schemas={"A": schema})


def of_components(**components: Any) -> Any:
    return {"components": components}


def of_scheme(**scheme: Any) -> Any:
    return of_components(securitySchemes={"key": scheme})


def of_media(**media: Any) -> Any:
    return of_operation(responses={"200": {"description": "ok", "content": {"text/plain": media}}})


# What each puts into a good document, in both versions of OpenAPI unless the name says which.
BROKEN: dict[str, Any] = {
    "info is a list": {"info": []},
    "a title is missing": {"info": {"version": "1"}},
    "a version is missing": {"info": {"title": "t"}},
    "a title is a number": of_info(title=5),
    "a license has no name": of_info(license={"url": "https://a.example"}),
    "a contact is a text": of_info(contact="me"),
    "a contact has a number for its name": of_info(contact={"name": 5}),
    "paths are a list": {"paths": []},
    "a path without a slash": {"paths": {"a": {}}},
    "servers are a mapping": {"servers": {"url": "/"}},
    "a server without url": {"servers": [{"description": "here"}]},
    "a server variable without default": {"servers": [{"url": "/{v}", "variables": {"v": {}}}]},
    "a tag without name": {"tags": [{"description": "d"}]},
    "external docs without url": {"externalDocs": {"description": "d"}},
    "an operation is a list": {"paths": {"/a": {"get": []}}},
    "an operation is deprecated by a text": of_operation(deprecated="yes"),
    "tags are a text": of_operation(tags="a"),
    "an operationId is a number": of_operation(operationId=5),
    "an operationId twice": {
        "paths": {
            "/a": {"get": {"operationId": "a", "responses": OK}, "put": {"operationId": "a", "responses": OK}}
        }
    },
    "a path parameter is not declared": {"paths": {"/a/{x}": {"get": {"responses": OK}}}},
    "3.0: no responses": {"paths": {"/a": {"get": {}}}},
    "responses are empty": of_operation(responses={}),
    "a status that is none": of_operation(responses={"2000": {"description": "ok"}}),
    "a response without description": of_operation(responses={"200": {}}),
    "a request body without content": of_operation(requestBody={}),
    "a request body is required by a text": of_operation(requestBody={"content": {}, "required": "yes"}),
    "a parameter without name": of_operation(parameters=[{"in": "query", "schema": {}}]),
    "a parameter nowhere": of_operation(parameters=[{"name": "q", "schema": {}}]),
    "a parameter in the body": of_parameter(**{"in": "body"}),
    "a parameter without schema or content": of_operation(parameters=[{"name": "q", "in": "query"}]),
    "a parameter with schema and content": of_parameter(content={"text/plain": {}}),
    "a parameter with two contents": of_operation(
        parameters=[{"name": "q", "in": "query", "content": {"text/plain": {}, "text/html": {}}}]
    ),
    "a parameter of odd style": of_parameter(style="odd"),
    "a path parameter in query style": {
        "paths": {"/a/{x}": {"get": {"responses": OK, "parameters": [{**PATH, "style": "form"}]}}}
    },
    "a path parameter that is optional": {
        "paths": {"/a/{x}": {"get": {"responses": OK, "parameters": [{**PATH, "required": False}]}}}
    },
    "a parameter with example and examples": of_parameter(example=1, examples={"a": {"value": 1}}),
    "a media type with example and examples": of_media(example=1, examples={"a": {"value": 1}}),
    "examples are a list": of_media(examples=[1]),
    "a component of odd name": of_components(schemas={"a b": {}}),
    "components are a list": {"components": []},
    "schemas are a list": of_components(schemas=[]),
    "a security scheme without type": of_scheme(),
    "a security scheme of odd type": of_scheme(type="magic"),
    "an API key without name": of_scheme(type="apiKey", **{"in": "header"}),
    "an API key nowhere": of_scheme(type="apiKey", name="k"),
    "http without scheme": of_scheme(type="http"),
    "oauth2 without flows": of_scheme(type="oauth2"),
    "a flow without its url": of_scheme(type="oauth2", flows={"implicit": {"scopes": {}}}),
    "openIdConnect without url": of_scheme(type="openIdConnect"),
    "scopes are a text": {
        **of_scheme(type="http", scheme="basic"),
        **of_operation(security=[{"key": "all"}]),
    },
    "a type nobody knows": of_schema({"type": "strnig"}),
    "a length is negative": of_schema({"type": "string", "maxLength": -1}),
    "a length is a text": of_schema({"type": "string", "maxLength": "5"}),
    "a step of nothing": of_schema({"type": "number", "multipleOf": 0}),
    "properties are a list": of_schema({"properties": []}),
    "required is a flag": of_schema({"required": True}),
    "required names a field twice": of_schema({"required": ["a", "a"]}),
    "allOf is empty": of_schema({"allOf": []}),
    "anyOf is a mapping": of_schema({"anyOf": {}}),
    "an enum is a text": of_schema({"enum": "a"}),
    "a schema is a text": of_schema("string"),
    "items are a text": of_schema({"items": "string"}),
    "3.0: required is empty": of_schema({"required": []}),
    "3.0: an enum is empty": of_schema({"enum": []}),
    "3.0: a type null": of_schema({"type": "null"}),
    "3.0: types are a list": of_schema({"type": ["string", "null"]}),
    "3.0: a limit is a number": of_schema({"exclusiveMinimum": 5}),
    "3.1: a limit is a flag": of_schema({"exclusiveMinimum": True}),
    "a reference to nothing": of_schema({"$ref": "#/components/schemas/No"}),
    "a default of another type": of_schema({"type": "integer", "default": "one"}),
    "a keyword nobody knows": of_operation(sumary="s"),
    "a section nobody knows": {"componets": {}},
    "a word in a header that is a parameter's": of_operation(
        responses={
            "200": {"description": "ok", "headers": {"X-A": {"schema": {}, "in": "header", "name": "X-A"}}}
        }
    ),
    "a header without schema": of_operation(responses={"200": {"description": "ok", "headers": {"X-A": {}}}}),
    "3.0: webhooks": {"webhooks": {}},
    "3.0: a summary of it all": of_info(summary="s"),
    "3.0: pathItems": of_components(pathItems={}),
    "an xml name is a number": of_schema({"xml": {"name": 5}}),
    "a discriminator without property": of_schema({"discriminator": {}}),
}
VALIDATORS = {"3.0": ("3.0.3", OpenAPIV30SpecValidator), "3.1": ("3.1.0", OpenAPIV31SpecValidator)}
CASES = [
    (version, name)
    for name in BROKEN
    for version in VALIDATORS
    if not name.startswith("3.") or name.startswith(version)
]


# The specification's text has these; its meta-schema of that version has not.
ONLY_OURS = {
    ("3.0", "a component of odd name"),
    ("3.1", "a parameter with example and examples"),
    ("3.1", "a media type with example and examples"),
}


def good(version: str) -> dict[str, Any]:
    return {"openapi": VALIDATORS[version][0], **of_info(), **of_operation()}


def theirs(version: str, document: Any) -> bool:
    """Does the other validator find a fault?"""
    try:
        return next(iter(VALIDATORS[version][1](document).iter_errors()), None) is not None
    except Exception:  # it falls over some of what is broken, which is a way of finding it
        return True


@pytest.mark.parametrize("version", VALIDATORS)
def test_both_take_a_good_document(tmp_path: Path, version: str) -> None:
    (tmp_path / "doc.yaml").write_text(yaml.safe_dump(good(version)))

    assert check(tmp_path).findings == []
    assert not theirs(version, good(version))


@pytest.mark.parametrize(("version", "name"), CASES)
def test_what_breaks_the_meta_schema_is_found(tmp_path: Path, version: str, name: str) -> None:
    document = {**good(version), **BROKEN[name]}
    (tmp_path / "doc.yaml").write_text(yaml.safe_dump(document))

    checked = check(tmp_path)

    assert checked.findings != [], "ours takes it"


@pytest.mark.parametrize(("version", "name"), CASES)
def test_the_other_validator_finds_it_as_well(version: str, name: str) -> None:
    if (version, name) in ONLY_OURS:
        assert not theirs(version, {**good(version), **BROKEN[name]})
    else:
        assert theirs(version, {**good(version), **BROKEN[name]})


@pytest.mark.parametrize("file", [PETSTORE, *sorted(packaged_folder().glob("*.yaml"))], ids=lambda f: f.stem)
def test_a_good_document_is_taken_by_both(file: Path) -> None:
    document = yaml.safe_load(file.read_text("utf-8"))

    assert check(file).findings == []
    assert not theirs("3.0" if file == PETSTORE else "3.1", document)


@pytest.mark.parametrize(
    "file", [*STATELESS.glob("*.*"), *(STATELESS / "untrue").glob("*.*")], ids=lambda file: file.stem
)
def test_what_the_server_warns_of_is_found(file: Path) -> None:
    document = compile_document(load(file), NAMES)
    warned = {problem.line for problem in (*document.warnings, *example_problems(document)) if problem}

    assert warned <= {finding.where.line for finding in check(file).findings}


# --- at random ----------------------------------------------------------------------------------------------

GONE = object()


def nodes(value: Any, trail: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keyed = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in keyed:
        yield (*trail, key)
        yield from nodes(inner, (*trail, key))


def spoiled(document: Any, trail: tuple[Any, ...], value: Any) -> Any:
    """The document with another value, or none, at one place."""
    changed = holder = copy.deepcopy(document)
    for key in trail[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[trail[-1]]
    else:
        holder[trail[-1]] = value
    return changed


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_spoiled_ours_finds_what_the_other_validator_finds(tmp_path: Path, seed: int) -> None:
    document = yaml.safe_load(PETSTORE.read_text("utf-8"))
    chance = Random(seed)
    trails = list(nodes(document))
    found = 0
    for _ in range(40):
        trail, value = chance.choice(trails), chance.choice([GONE, 5, "x", [], {}, None])
        changed = spoiled(document, trail, value)
        (tmp_path / "doc.json").write_text(json.dumps(changed))

        ours = check(tmp_path).findings

        if theirs("3.0", changed):
            found += 1
            assert ours != [], (trail, value)
    assert found > 20
