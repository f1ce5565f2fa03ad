"""What changed between two documents: pairs with a verdict beside each, and what holds for all of them."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contracts.drift import compare
from contracts.finding import Checked
from mockserver.cli.main import main
from mockserver.openapi.library import packaged_folder
from mockserver.openapi.schemas import Schemas
from mockserver.openapi.source import DocumentError, Source

PAIRS = yaml.safe_load(Path(__file__).with_name("drift").joinpath("pairs.yaml").read_text("utf-8"))
OURS = ("crun", "evolink", "kie", "yuto")
LEVELS = ("request", "response", "operation", "item", "document")

Compare = Callable[[Any, Any], Checked]


@pytest.fixture
def drift(tmp_path: Path) -> Compare:
    """The comparison of two documents given as values."""
    return lambda old, new: compared(tmp_path, old, new)


def compared(folder: Path, old: Any, new: Any) -> Checked:
    for name, value in (("old", old), ("new", new)):
        folder.joinpath(f"{name}.json").write_text(json.dumps(value, indent=1), "utf-8")
    return compare(folder / "old.json", folder / "new.json")


def document(level: str = "request", part: Any = None, version: str = "3.1.0") -> dict[str, Any]:
    """A whole document around a part of it."""
    wrapped = part
    if level == "request":
        wrapped = {"requestBody": {"content": {"application/json": {"schema": part}}}, "responses": {}}
    elif level == "response":
        wrapped = {
            "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": part}}}}
        }
    if level in ("request", "response", "operation"):
        wrapped = {"post": wrapped}
    laid_over = wrapped if level == "document" else {"paths": {"/songs": wrapped}}
    schemes = {
        "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "SameKey": {"type": "apiKey", "in": "header", "name": "x-key"},
        "Token": {"type": "http", "scheme": "bearer"},
        "Login": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
    }
    whole: dict[str, Any] = {
        "openapi": version,
        "info": {"title": "Songs", "version": "1"},
        "paths": {},
        **laid_over,
    }
    whole["components"] = {"securitySchemes": schemes, **whole.get("components", {})}
    return whole


def both(pair: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    level = next(level for level in LEVELS if level in pair)
    versions = pair.get("openapi", ["3.1.0", "3.1.0"])
    return (
        document(level, pair[level]["old"], versions[0]),
        document(level, pair[level]["new"], versions[1]),
    )


def found(checked: Checked) -> list[str]:
    return sorted(f"{one.severity} {one.rule} {one.pointer}" for one in checked.findings)


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair['why']}")
def pair(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each pair of the table."""
    value: dict[str, Any] = request.param
    return value


def test_each_pair_has_the_verdict_written_beside_it(pair: dict[str, Any], drift: Compare) -> None:
    checked = drift(*both(pair))

    told = [finding.message for finding in checked.findings] + [*checked.notes]
    # YAML 1.1 or not, `none` is a word.
    assert (checked.verdict, found(checked)) == (pair["verdict"], sorted(pair.get("finds", []))), told


def test_each_document_of_the_table_is_none_against_itself(pair: dict[str, Any], drift: Compare) -> None:
    for one in both(pair):
        checked = drift(one, copy.deepcopy(one))

        assert (checked.verdict, checked.findings, checked.notes) == ("none", [], [])


def test_the_table_has_at_least_thirty_pairs_of_every_kind() -> None:
    verdicts = [pair["verdict"] for pair in PAIRS]

    assert len(PAIRS) >= 30
    assert set(verdicts) == {"breaking", "compatible", "documentation", "none"}


# --- what is told -------------------------------------------------------------------------------------------


def test_a_finding_tells_all_that_it_knows(tmp_path: Path) -> None:
    text = """openapi: 3.1.0
info: {title: Songs, version: '1'}
paths:
  /songs:
    post:
      operationId: makeSong
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                title:
                  type: string
                  maxLength: 80
      responses: {'200': {description: ok}}
"""
    tmp_path.joinpath("old.yaml").write_text(text)
    tmp_path.joinpath("songs.yaml").write_text(text.replace("80", "50"))

    checked = compare(tmp_path / "old.yaml", tmp_path / "songs.yaml")

    (finding,) = checked.findings
    assert (checked.command, checked.checked, checked.passed) == ("check drift", 1, 0)
    assert (finding.document, finding.operation, finding.pointer) == ("songs", "makeSong", "/body/title")
    assert (finding.wanted, finding.got) == (80, 50)
    assert finding.where.file == str(tmp_path / "songs.yaml")
    assert (finding.where.line, finding.where.side) == (13, "request")
    assert "maxLength was 80, now it is 50" in finding.message
    assert "refused" in finding.message


def test_an_operation_without_its_name_of_old_is_still_counted_as_broken(drift: Compare) -> None:
    old = document("operation", {"operationId": "makeSong", "responses": {"200": {}}})
    new = document("operation", {"responses": {"201": {}}})

    checked = drift(old, new)

    assert (checked.checked, checked.passed) == (1, 0)
    assert [finding.operation for finding in checked.findings] == ["makeSong"]


def test_one_and_true_are_two_values(drift: Compare) -> None:
    checked = drift(document("request", {"enum": [1, "a"]}), document("request", {"enum": [True, "a"]}))

    assert checked.verdict == "breaking"


def test_operations_are_counted_and_only_the_broken_ones_do_not_pass(drift: Compare) -> None:
    old = document("item", {"get": {"responses": {}}, "post": {"responses": {}}})
    new = document("item", {"get": {"responses": {}}, "put": {"responses": {}}})

    checked = drift(old, new)

    assert (checked.checked, checked.passed, checked.is_fine) == (3, 2, False)
    assert [finding.operation for finding in checked.findings] == ["POST /songs"]
    assert checked.notes == ["compatible: PUT /songs /path: PUT /songs is new: clients notice nothing"]


def test_an_operation_that_is_gone_is_named_with_its_base_path_where_that_moved(drift: Compare) -> None:
    paths: dict[str, Any] = {"/songs": {"get": {"responses": {}}}, "/credits": {"get": {"responses": {}}}}
    old = document("document", {"servers": [{"url": "/v1"}], "paths": paths})
    new = document("document", {"paths": {"/v1/songs": paths["/songs"], "/credits": paths["/credits"]}})

    checked = drift(old, new)

    assert [finding.message for finding in checked.findings] == [
        "GET /v1/credits is gone: clients that call it find nothing"
    ]
    assert "compatible: GET /credits /path: GET /credits is new: clients notice nothing" in checked.notes


def test_a_status_that_another_key_tells_of_says_what_a_client_notices(drift: Compare) -> None:
    def told(old: str, new: str) -> str:
        checked = drift(
            document("operation", {"responses": {old: {}}}), document("operation", {"responses": {new: {}}})
        )
        return "; ".join([*(finding.message for finding in checked.findings), *checked.notes])

    assert "clients that know 200 see nothing new" in told("200", "2XX")
    assert "answer 200 is gone, only default may still stand for it" in told("200", "default")
    assert "one that waits for 200 never sees it" in told("2XX", "201")
    assert "clients that take all of the range notice nothing" in told("2XX", "200")
    assert "nothing describes an answer with another status" in told("default", "200")


def test_a_change_of_a_shared_schema_is_told_of_every_operation(drift: Compare) -> None:
    def songs(kind: str) -> dict[str, Any]:
        body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Song"}}}}
        item = {"requestBody": body, "responses": {}}
        shared = {"schemas": {"Song": {"properties": {"a": {"type": kind}}}}}
        return document(
            "document", {"paths": {"/a": {"put": item}, "/b": {"put": item}}, "components": shared}
        )

    checked = drift(songs("string"), songs("boolean"))

    assert [finding.operation for finding in checked.findings] == ["PUT /a", "PUT /b"]


def test_references_into_files_beside_are_followed(tmp_path: Path) -> None:
    for name, kind in (("old", "string"), ("new", "integer")):
        folder = tmp_path / name
        folder.mkdir()
        folder.joinpath("parts.yaml").write_text(f"Song: {{properties: {{id: {{type: {kind}}}}}}}")
        whole = document("response", {"$ref": "parts.yaml#/Song"})
        folder.joinpath("songs.json").write_text(json.dumps(whole))

    checked = compare(tmp_path / "old" / "songs.json", tmp_path / "new" / "songs.json")

    assert found(checked) == ["error response-type-changed /body/id"]
    assert checked.findings[0].where.file == str(tmp_path / "new" / "parts.yaml")


@pytest.mark.parametrize(
    ("old", "code"), [("new.json", 0), ("old.json", 1), ("odd.json", 2), ("none.json", 2)]
)
def test_the_command_ends_with_a_code_that_tells_the_verdict(old: str, code: int, tmp_path: Path) -> None:
    tmp_path.joinpath("old.json").write_text(json.dumps(document("item", {"get": {}, "post": {}})))
    tmp_path.joinpath("new.json").write_text(json.dumps(document("item", {"post": {}})))
    tmp_path.joinpath("odd.json").write_text("[]")

    assert main(["check", "drift", str(tmp_path / old), str(tmp_path / "new.json")]) == code


# --- documents with faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["#/components/schemas/Lost", "lost.yaml#/Song"])
def test_a_document_with_a_dead_reference_is_compared_as_far_as_it_goes(ref: str, drift: Compare) -> None:
    old = document("request", {"properties": {"a": {"$ref": ref}, "b": {"type": "string"}}})
    new = document("request", {"properties": {"a": {"$ref": ref}, "b": {"type": "array"}}})

    checked = drift(old, new)

    faults = [finding for finding in checked.findings if finding.rule == "document-fault"]
    assert "error request-type-changed /body/b" in found(checked)
    assert [finding.document for finding in faults] == ["old", "new"]
    assert all(ref.partition("#")[0] in finding.message and finding.where.line for finding in faults)
    assert drift(old, old).verdict == "none"


@pytest.mark.parametrize(
    "odd",
    [
        {"paths": []},
        {"paths": {"/songs": None}},
        {"paths": {"/songs": {"post": []}}},
        {"paths": {"/songs": {"post": {"parameters": {}, "responses": [], "requestBody": 1}}}},
        {"paths": {"/songs": {"post": {"parameters": [1, {}], "responses": {"200": 7}, "security": {}}}}},
        {
            "paths": {
                "/songs": {"post": {"requestBody": {"content": {"a/b": {"schema": {"type": 1, "enum": 2}}}}}}
            }
        },
        {
            "paths": {
                "/songs": {"post": {"requestBody": {"content": {"a/b": {"schema": {"properties": []}}}}}}
            }
        },
        {"servers": {}, "components": {"securitySchemes": {}}},
        {"paths": {"/songs": {"$ref": "#/paths/~1songs"}}},
    ],
    ids=str,
)
def test_no_fault_stops_the_comparison(odd: dict[str, Any], drift: Compare) -> None:
    fine, faulty = document("request", {"type": "string"}), document("document", odd)

    for old, new in ((fine, faulty), (faulty, fine), (faulty, faulty)):
        assert drift(old, new).verdict is not None


@pytest.mark.parametrize("text", ["[]", "swagger: '2.0'", "openapi: 4.0.0", "a: [", "", "\xff"])
def test_what_is_no_openapi_document_is_refused(text: str, tmp_path: Path) -> None:
    tmp_path.joinpath("fine.json").write_text(json.dumps(document()))
    tmp_path.joinpath("odd.yaml").write_bytes(text.encode("latin-1"))

    for old, new in (("fine.json", "odd.yaml"), ("odd.yaml", "fine.json"), ("fine.json", "none.yaml")):
        with pytest.raises(DocumentError):
            compare(tmp_path / old, tmp_path / new)


# --- as our validator has it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old",
    [
        {"type": "string", "nullable": True, "enum": ["a"]},
        {"type": "string", "nullable": True, "enum": ["a", None]},
        {"type": "string", "enum": ["a", None]},
        {"type": "string", "enum": ["a"]},
        {"nullable": True, "enum": ["a"]},
        {"nullable": True, "allOf": [{"type": "string", "enum": ["a"]}]},
        {"nullable": True, "oneOf": [{"type": "string", "enum": ["a"]}]},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "new",
    [
        {"type": ["string", "null"], "enum": ["a", None]},
        {"type": ["string", "null"], "enum": ["a"]},
        {"type": "string", "nullable": True, "enum": ["a"]},
        {"anyOf": [{"enum": ["a"]}, {"type": "null"}]},
    ],
    ids=str,
)
def test_null_is_taken_where_our_validator_takes_it(old: Any, new: Any, drift: Compare) -> None:
    nullable = {"old": takes_null(old, "3.0.3"), "new": takes_null(new, "3.1.0")}

    checked = drift(document("request", old, "3.0.3"), document("request", new, "3.1.0"))

    lost = nullable["old"] and not nullable["new"]
    gained = nullable["new"] and not nullable["old"]
    assert checked.verdict == ("breaking" if lost else "compatible" if gained else "none")


def takes_null(schema: Any, version: str) -> bool:
    source = Source("songs", "songs.json", document("request", schema, version), "")
    place = "/paths/~1songs/post/requestBody/content/application~1json/schema"
    schemas = Schemas(source)
    return schemas.allows(schemas.place(place), None, "request")


# --- our own documents --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_our_document_against_itself_is_none(name: str) -> None:
    file = packaged_folder() / f"{name}.yaml"

    checked = compare(file, file)

    assert (checked.verdict, checked.findings, checked.notes) == ("none", [], [])
    assert checked.checked == checked.passed > 0


@pytest.mark.parametrize("name", OURS)
def test_our_document_in_other_words_is_documentation(name: str, tmp_path: Path) -> None:
    file = packaged_folder() / f"{name}.yaml"
    reworded = tmp_path / f"{name}.yaml"
    reworded.write_text(yaml.safe_dump(in_other_words(yaml.safe_load(file.read_text("utf-8")))), "utf-8")

    checked = compare(file, reworded)

    assert (checked.verdict, checked.findings) == ("documentation", [])
    assert checked.notes


def in_other_words(value: Any) -> Any:
    if isinstance(value, list):
        return [in_other_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: f"In other words: {item}"
        if key in ("description", "summary") and isinstance(item, str)
        else in_other_words(item)
        for key, item in value.items()
    }


@pytest.mark.parametrize(
    ("name", "old", "new", "rule"),
    [
        ("kie", "maxLength: 5000", "maxLength: 4000", "request-limit-narrowed"),
        ("kie", "  /api/v1/generate/extend:", "  /api/v1/generate/continue:", "operation-removed"),
        ("kie", "x-envelope: {code: /code, ", "x-envelope: {code: /status, ", "envelope-changed"),
        ("evolink", "minimum: 10, maximum: 30", "minimum: 10, maximum: 20", "request-limit-narrowed"),
    ],
)
def test_a_change_of_our_document_is_found(name: str, old: str, new: str, rule: str, tmp_path: Path) -> None:
    file = packaged_folder() / f"{name}.yaml"
    text = file.read_text("utf-8")
    assert old in text
    tmp_path.joinpath(f"{name}.yaml").write_text(text.replace(old, new), "utf-8")

    checked = compare(file, tmp_path / f"{name}.yaml")

    assert checked.verdict == "breaking"
    assert rule in {finding.rule for finding in checked.findings}


# --- what holds for all -------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
PLAIN: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "boolean", "null"])}),
    st.fixed_dictionaries(
        {"enum": st.lists(st.sampled_from([1, "x", None, True]), min_size=1, unique_by=repr)}
    ),
    st.fixed_dictionaries({"type": st.just("string"), "maxLength": st.integers(0, 5)}),
    st.fixed_dictionaries({"type": st.just("number"), "minimum": st.integers(0, 5)}),
    st.fixed_dictionaries({"description": st.sampled_from(["one", "two"])}),
    st.just({"$ref": "#/components/schemas/Node"}),
    st.booleans(),
)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"properties": st.dictionaries(NAMES, inner)},
            optional={"required": st.lists(NAMES, unique=True), "additionalProperties": st.booleans()},
        ),
        st.fixed_dictionaries({"items": inner}),
        st.builds(
            lambda keyword, schemas: {keyword: schemas},
            st.sampled_from(["oneOf", "anyOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=8,
)


def whole(schema: Any, level: str = "request") -> dict[str, Any]:
    value = document(level, schema)
    node = {"properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    value["components"]["schemas"] = {"Node": node}
    return value


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all examples of a property share."""
    return tmp_path_factory.mktemp("drift")


@given(schema=SCHEMAS)
def test_a_document_is_the_same_as_itself(schema: Any, place: Path) -> None:
    for level in ("request", "response"):
        # A tag of one makes sure that nothing is taken from one short way for equal documents.
        new = {**whole(schema, level), "x-other": 1}

        assert compared(place, whole(schema, level), new).notes == ["documentation: `x-other` changed"]


@given(old=SCHEMAS, new=SCHEMAS)
def test_comparing_is_stable_and_there_is_a_way_back_for_every_way(old: Any, new: Any, place: Path) -> None:
    for level in ("request", "response"):
        there = compared(place, whole(old, level), whole(new, level))
        again = compared(place, whole(old, level), whole(new, level))
        back = compared(place, whole(new, level), whole(old, level))

        assert there == again
        assert (there.verdict in ("none", "documentation")) == (back.verdict in ("none", "documentation"))


@given(old=st.sets(NAMES), new=st.sets(NAMES))
def test_adding_and_removing_are_mirror_images(old: set[str], new: set[str], place: Path) -> None:
    def paths(names: set[str]) -> dict[str, Any]:
        return document(
            "document", {"paths": {f"/{name}": {"get": {"responses": {}}} for name in sorted(names)}}
        )

    there, back = compared(place, paths(old), paths(new)), compared(place, paths(new), paths(old))

    assert {finding.wanted for finding in there.findings} == {f"GET /{name}" for name in old - new}
    assert {finding.wanted for finding in back.findings} == {f"GET /{name}" for name in new - old}
    assert (len(there.notes), len(back.notes)) == (len(back.findings), len(there.findings))


@given(narrow=SCHEMAS, extra=st.sampled_from([{"maxLength": 3}, {"required": ["a"]}, {"enum": ["x"]}]))
def test_what_breaks_senders_does_not_break_receivers(narrow: Any, extra: Any, place: Path) -> None:
    wide, tight = narrow, {"allOf": [narrow, extra]}

    sent = compared(place, whole(wide), whole(tight))
    received = compared(place, whole(wide, "response"), whole(tight, "response"))

    assert received.verdict in ("compatible", "none")
    assert sent.verdict in ("breaking", "none")
    assert sent.verdict == ("none" if received.verdict == "none" else "breaking")


# --- size ---------------------------------------------------------------------------------------------------


def big(operations: int, kind: str = "string") -> dict[str, Any]:
    """Many operations over a web of schemas that refer to each other."""
    ref = "#/components/schemas/S{}".format
    schemas: dict[str, Any] = {
        f"S{number}": {
            "type": "object",
            "properties": {
                "next": {"$ref": ref((number + 1) % 200)},
                "far": {"$ref": ref((number * 7) % 200)},
                "name": {"type": "string"},
            },
        }
        for number in range(200)
    }
    schemas["S7"]["properties"]["name"] = {"type": kind}
    paths = {
        f"/things/{number}/{{id}}": {
            "post": {
                "operationId": f"make{number}",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": ref(number % 200)}}}},
                "responses": {"200": {"description": "ok"}},
            }
        }
        for number in range(operations)
    }
    return document("document", {"paths": paths, "components": {"schemas": schemas}})


def test_five_thousand_operations_take_seconds(drift: Compare) -> None:
    start = time.perf_counter()

    checked = drift(big(5000), big(5000))

    assert (checked.verdict, checked.checked) == ("none", 5000)
    assert time.perf_counter() - start < 10


def test_one_change_in_a_web_of_schemas_is_told_of_every_operation_that_reaches_it(drift: Compare) -> None:
    start = time.perf_counter()

    checked = drift(big(1000), big(1000, "integer"))

    assert len(checked.findings) == 1000
    assert time.perf_counter() - start < 10
    assert {finding.rule for finding in checked.findings} == {"request-type-changed"}
