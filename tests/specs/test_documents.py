"""The four packaged documents as documents: valid, true to themselves, complete, walkable by links."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import openapi_spec_validator
import pytest

from tests.specs import reading
from tests.specs.reading import PROVIDERS, Json, Operation

NAMES = {
    "kie": "generateMusic extendMusic uploadCover uploadExtend getMusicDetails generatePersona getCredits",
    "crun": """createTask getTaskInfo generatePersona estimateTask estimateCredits getBalance listModels
               getModel getUploadUrl""",
    "evolink": "generateMusic generatePersona getTask getCredits",
    "yuto": """submitMusic fetchTask fetchTasks generatePersona uploadAudioUrl submitConcat submitLyrics
               generateLegacy getFeed""",
}

VOCABULARY = """
    success unauthorized insufficient-credits not-found invalid rate-limited access-denied maintenance
    generation-failed feature-disabled server-error
    source-not-found source-unfinished source-failed source-expired source-model-unsupported source-is-persona
    source-not-owned source-uploaded duplicate vocal-window persona-not-found task-failed
"""

# Which outcomes each operation has, written from the pages' code lists and the rules of each provider.
KIE_SONG = """
    success unauthorized insufficient-credits not-found invalid rate-limited access-denied maintenance
    generation-failed feature-disabled server-error persona-not-found task-failed
"""
CRUN = """
    success unauthorized insufficient-credits not-found invalid rate-limited maintenance generation-failed
    feature-disabled server-error
"""
YUTO = "success unauthorized invalid insufficient-credits server-error"
OUTCOMES = {
    "kie generateMusic": KIE_SONG,
    "kie extendMusic": f"{KIE_SONG} source-not-found source-not-owned",
    "kie uploadCover": KIE_SONG,
    "kie uploadExtend": KIE_SONG,
    "kie generatePersona": """
        success unauthorized insufficient-credits not-found invalid rate-limited access-denied maintenance
        server-error source-not-found source-not-owned source-unfinished source-failed source-expired
        source-model-unsupported duplicate vocal-window
    """,
    "kie getMusicDetails": """
        success unauthorized not-found invalid rate-limited access-denied maintenance server-error
    """,
    "kie getCredits": "success unauthorized maintenance server-error",
    "crun createTask": f"""
        {CRUN} persona-not-found source-not-found source-not-owned source-unfinished source-failed task-failed
    """,
    "crun getTaskInfo": CRUN,
    "crun generatePersona": f"""
        {CRUN} source-not-found source-not-owned source-unfinished source-failed duplicate vocal-window
    """,
    "crun estimateTask": CRUN,
    "crun estimateCredits": CRUN,
    "crun getBalance": CRUN,
    "crun listModels": CRUN,
    "crun getModel": CRUN,
    "crun getUploadUrl": CRUN,
    "evolink generateMusic": """
        success unauthorized insufficient-credits invalid rate-limited server-error persona-not-found
        task-failed
    """,
    "evolink generatePersona": """
        success unauthorized insufficient-credits invalid rate-limited server-error source-not-found
        source-not-owned source-unfinished source-failed source-is-persona source-model-unsupported duplicate
        vocal-window task-failed
    """,
    "evolink getTask": """
        success unauthorized insufficient-credits invalid access-denied not-found rate-limited server-error
    """,
    "evolink getCredits": "success unauthorized rate-limited server-error",
    "yuto submitMusic": f"{YUTO} persona-not-found source-not-found source-not-owned task-failed",
    "yuto generateLegacy": f"{YUTO} persona-not-found source-not-found source-not-owned task-failed",
    "yuto generatePersona": f"""
        {YUTO} source-not-found source-not-owned source-unfinished source-failed source-uploaded
    """,
    "yuto fetchTask": "success unauthorized not-found server-error",
    "yuto fetchTasks": "success unauthorized invalid server-error",
    "yuto uploadAudioUrl": f"{YUTO} task-failed",
    "yuto submitLyrics": f"{YUTO} task-failed",
    "yuto submitConcat": f"{YUTO} source-not-found source-not-owned source-unfinished task-failed",
    "yuto getFeed": "success unauthorized server-error",
}
# Nothing printed speaks for these, and nothing against them.
OPTIONAL = {
    "yuto fetchTask": "invalid",
    "yuto getFeed": "invalid not-found source-not-found source-not-owned",
}
# Accepted as a success is.
ACCEPTED = ("success", "task-failed")
# Unknown clips are simply absent from a feed, so this refusal is an empty list.
EMPTY = ("yuto getFeed", "not-found")

# The states a poll shows, the final success first.
STATES = {
    "kie getMusicDetails": """
        SUCCESS PENDING TEXT_SUCCESS FIRST_SUCCESS CREATE_TASK_FAILED GENERATE_AUDIO_FAILED CALLBACK_EXCEPTION
        SENSITIVE_WORD_ERROR
    """,
    "crun getTaskInfo": "success pending running failed",
    "evolink getTask": "completed pending processing failed",
    "yuto fetchTask": "SUCCESS NOT_START SUBMITTED QUEUED IN_PROGRESS FAILURE",
}

# A persona's life: each operation links to the next.
LIVES = {
    "kie": "generateMusic getMusicDetails generatePersona generateMusic",
    "crun": "createTask getTaskInfo generatePersona createTask",
    "evolink": "generateMusic getTask generatePersona getTask generateMusic",
    "yuto": "submitMusic fetchTask generatePersona submitMusic",
}

MARKS = {
    "x-envelope",
    "x-trailing-slash",
    "x-slashes",
    "x-operations",
    "x-outcome",
    "x-state",
    "x-operation",
    "x-quirk",
    "x-outcomes",
    "x-rules",
}
QUIRKS = {
    "kie": {
        "duplicate=overwrite",
        "unknown_source=404",
        "unknown_task=422",
        "unknown_task=404",
        "poll_limit=on",
    },
    "crun": {"duplicate=same"},
    "evolink": {"credits_error=integer", "link_hours=24"},
    "yuto": set(),
}
RULES = {
    "difference": {"rule", "of", "minimum", "maximum", "exclusiveMinimum", "defaults", "outcome"},
    "https": {"rule", "outcome"},
    "member": {"rule", "of", "outcome"},
}
# Not blank, a chirp name, a percentage, and the one prefix whose absence has a documented refusal.
PATTERNS = {r"\S", "^chirp-", "^(100|[1-9]?[0-9])%$", "^task-unified-"}
# Under these a key is a name the document gives, not a keyword.
NAMED = {
    "properties",
    "patternProperties",
    "headers",
    "schemas",
    "responses",
    "parameters",
    "requestBodies",
    "securitySchemes",
    "examples",
    "links",
    "callbacks",
    "$defs",
}
# Under these stands plain data.
DATA = {"value", "example", "default", "const", "enum", "security"}
SCHEMAS = ("items", "contains", "not", "if", "then", "else", "additionalProperties", "propertyNames")
SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs")

PAIRS = [(name, outcome) for name, outcomes in OUTCOMES.items() for outcome in outcomes.split()]


def operation(name: str) -> Operation:
    provider, operation_id = name.split()
    return reading.operations(provider)[operation_id]


def walk(node: Json, way: str = "#", named: bool = False) -> Iterator[tuple[str, str, Json]]:
    """Yield (where, key, value) of every keyword; names a document gives and plain data are passed over."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from walk(item, f"{way}/{index}")
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if not named:
            yield way, key, value
        # Named examples are an object, samples of a schema a list.
        if named or not (key in DATA or (key == "examples" and isinstance(value, list))):
            yield from walk(value, f"{way}/{escaped(key)}", named=not named and key in NAMED)


def escaped(key: str) -> str:
    """Return a key as a step of a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def marks(provider: str, key: str) -> list[tuple[str, Json]]:
    """Return where a mark stands in a provider's document, and its value."""
    return [(way, value) for way, found, value in walk(reading.document(provider)) if found == key]


def exemplified(root: Json, node: Json, way: str = "#") -> Iterator[tuple[str, Json, Json]]:
    """Yield (where, schema, example) of media types, parameters, headers and schemas under a node."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from exemplified(root, item, f"{way}/{index}")
    if not isinstance(node, dict):
        return
    if "schema" in node:
        for name, example in reading.media_examples(root, node):
            yield f"{way} {name}", node["schema"], example["value"]
        yield from sampled(node["schema"], f"{way}/schema")
    for key in node.keys() - {"schema", "value", "example", "examples"}:
        below = node[key]
        if way == "#/components" and key == "schemas":
            for name, schema in below.items():
                yield from sampled(schema, f"{way}/schemas/{name}")
        else:
            yield from exemplified(root, below, f"{way}/{key}")


def sampled(schema: Json, way: str) -> Iterator[tuple[str, Json, Json]]:
    """Yield (where, schema, sample) of a schema and the schemas in it."""
    if not isinstance(schema, dict):
        return
    own = [*schema.get("examples", []), *([schema["example"]] if "example" in schema else [])]
    own += [schema["default"]] if "default" in schema else []
    yield from ((f"{way} sample {value!r}", schema, value) for value in own)
    inner = [(key, schema[key]) for key in SCHEMAS if key in schema]
    inner += [(key, part) for key in SCHEMA_LISTS for part in schema.get(key, [])]
    inner += [(f"{key}/{name}", part) for key in SCHEMA_MAPS for name, part in schema.get(key, {}).items()]
    for key, part in inner:
        yield from sampled(part, f"{way}/{key}")


def outcomes(name: str) -> list[str]:
    """Return the outcomes that an operation's examples are marked with, in the document's order."""
    found = [example.marks.get("x-outcome") for example in reading.reply_examples(operation(name))]
    return [outcome for outcome in found if outcome]


def links(described: Operation) -> Iterator[tuple[str, Json]]:
    """Yield (name, link) of all replies of an operation."""
    for response in described.node["responses"].values():
        for name, link in reading.resolved(described.document, response).get("links", {}).items():
            yield name, reading.resolved(described.document, link)


def leads_to(described: Operation, link: Json) -> set[str]:
    """Return the operation names a link may mean."""
    if "operationId" in link:
        return {link["operationId"]}
    node = reading.pointed(described.document, link["operationRef"])
    return set(reading.names(node))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_document_is_valid_openapi(provider: str) -> None:
    root = reading.document(provider)

    openapi_spec_validator.validate(root)

    assert root["openapi"].startswith("3.1.")
    assert root["info"]["version"] == "2026-11-21"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_document_is_plain_json(provider: str) -> None:
    root = reading.document(provider)

    again = json.loads(json.dumps(root, allow_nan=False))

    # A date, or a number as a key, would come back as something else.
    assert again == root


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_example_satisfies_its_schema(provider: str) -> None:
    root = reading.document(provider)
    found = list(exemplified(root, root))

    wrong = [
        f"{way}: {error.json_path}: {error.message[:200]}"
        for way, schema, value in found
        for error in reading.validator(root, schema).iter_errors(value)
    ]

    assert len(found) > 100
    assert not wrong


def test_formats_of_the_documents_are_really_checked() -> None:
    known = set(reading.validator({"paths": {}}, {}).FORMAT_CHECKER.checkers)

    used = {value for provider in PROVIDERS for _, value in marks(provider, "format")}

    assert used <= known


@pytest.mark.parametrize("provider", PROVIDERS)
def test_shapes_of_ids_and_steps_of_numbers_are_left_to_descriptions(provider: str) -> None:
    # The pages' own samples (`5c79****be8e`) and binary fractions would break them.
    patterns = {value for _, value in marks(provider, "pattern")}

    assert patterns <= PATTERNS
    assert not marks(provider, "multipleOf")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_operations_have_the_public_names(provider: str) -> None:
    assert sorted(reading.operations(provider)) == sorted(NAMES[provider].split())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_only_known_marks_occur(provider: str) -> None:
    used = {(key, way) for way, key, _ in walk(reading.document(provider)) if key.startswith("x-")}

    assert {(key, way) for key, way in used if key not in MARKS} == set()
    assert {key for key, _ in used} >= {"x-envelope", "x-outcome", "x-state"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_marked_outcome_is_in_the_vocabulary(provider: str) -> None:
    examples = marked_examples(provider)
    said = [example["x-outcome"] for example in examples if "x-outcome" in example]
    said += [entry["outcome"] for _, rules in marks(provider, "x-rules") for entry in rules]
    said += [outcome for _, table in marks(provider, "x-outcomes") for outcome in table.values()]

    assert said
    assert set(said) <= set(VOCABULARY.split())


def marked_examples(provider: str) -> list[Json]:
    """Return the Example Objects of all replies of a provider."""
    described = reading.operations(provider).values()
    return [example.marks for one in described for example in reading.reply_examples(one)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_marks_of_examples_go_together(provider: str) -> None:
    for example in marked_examples(provider):
        if "x-state" in example:
            assert example["x-outcome"] == "success"
        if "x-quirk" in example:
            assert "x-outcome" in example
            assert example["x-quirk"] in QUIRKS[provider]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_examples_name_operations_that_exist(provider: str) -> None:
    root = reading.document(provider)

    for item in root["paths"].values():
        for method in reading.METHODS:
            node = item.get(method, {"operationId": "", "responses": {}})
            used = {value for _, key, value in walk(node["responses"]) if key == "x-operation"}
            used |= {
                example["x-operation"]
                for response in node["responses"].values()
                for media in reading.resolved(root, response).get("content", {}).values()
                for _, example in reading.media_examples(root, media)
                if "x-operation" in example
            }
            assert used <= set(reading.names(node))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_rules_are_of_the_known_kinds(provider: str) -> None:
    root = reading.document(provider)

    for way, rules in marks(provider, "x-rules"):
        properties = reading.pointed(root, way).get("properties", {})
        for rule in rules:
            assert rule.keys() <= RULES[rule["rule"]]
            assert set(rule.get("of", [])) <= properties.keys()
    for way, table in marks(provider, "x-outcomes"):
        assert table.keys() <= reading.pointed(root, way).keys()


@pytest.mark.parametrize(("name", "outcome"), PAIRS)
def test_operation_documents_an_outcome(name: str, outcome: str) -> None:
    assert outcome in outcomes(name)


@pytest.mark.parametrize("name", OUTCOMES)
def test_operation_documents_no_other_outcome(name: str) -> None:
    allowed = set(OUTCOMES[name].split()) | set(OPTIONAL.get(name, "").split())

    assert set(outcomes(name)) <= allowed


@pytest.mark.parametrize("name", OUTCOMES)
def test_first_example_of_an_outcome_depends_on_no_quirk(name: str) -> None:
    examples = [e for e in reading.reply_examples(operation(name)) if "x-outcome" in e.marks]
    plain = {example.marks["x-outcome"] for example in examples if "x-quirk" not in example.marks}

    assert {example.marks["x-outcome"] for example in examples} == plain


@pytest.mark.parametrize("name", OUTCOMES)
def test_success_stands_under_http_200_and_refusals_show_code_and_message(name: str) -> None:
    described = operation(name)
    envelope = described.document["x-envelope"]

    for example in reading.reply_examples(described):
        if example.marks.get("x-outcome") in ACCEPTED:
            assert example.status == "200"
        elif (name, example.marks.get("x-outcome")) != EMPTY and "x-outcome" in example.marks:
            assert told(example.value, envelope["code"])
            assert told(example.value, envelope["message"])


def told(value: Json, pointers: Json) -> bool:
    """Tell whether one of the pointers leads somewhere in a body."""
    for pointer in [pointers] if isinstance(pointers, str) else pointers:
        held = value
        for step in pointer.strip("/").split("/"):
            held = held.get(step) if isinstance(held, dict) else None
        if held is not None:
            return True
    return False


@pytest.mark.parametrize("name", STATES)
def test_poll_shows_each_state_and_the_final_success_first(name: str) -> None:
    states = STATES[name].split()
    examples = [e for e in reading.reply_examples(operation(name)) if e.marks.get("x-outcome") == "success"]

    shown = [example.marks.get("x-state") for example in examples]

    assert shown[0] == states[0]
    assert set(shown) == set(states)


@pytest.mark.parametrize("name", STATES)
def test_state_of_a_poll_is_that_of_its_body(name: str) -> None:
    examples = [e for e in reading.reply_examples(operation(name)) if "x-state" in e.marks]

    told = [example.value.get("status") or example.value["data"]["status"] for example in examples]

    assert told
    assert told == [example.marks["x-state"] for example in examples]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_links_lead_to_operations_of_the_document(provider: str) -> None:
    known = set(reading.operations(provider))
    ids = {described.node["operationId"] for described in reading.operations(provider).values()}

    for described in reading.operations(provider).values():
        for _, link in links(described):
            assert leads_to(described, link) <= known
            assert link.get("operationId") in ids | {None}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_links_lead_through_a_personas_life(provider: str) -> None:
    life = LIVES[provider].split()

    for name, following in pairwise(life):
        described = reading.operations(provider)[name]
        reached = [leads_to(described, link) for _, link in links(described)]
        assert any(following in names for names in reached), (name, following, reached)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_operation_says_who_may_call(provider: str) -> None:
    root = reading.document(provider)
    schemes = root["components"]["securitySchemes"]

    for described in reading.operations(provider).values():
        wanted = described.node.get("security", root.get("security", []))
        assert wanted
        assert all(requirement and requirement.keys() <= schemes.keys() for requirement in wanted)
