"""Twenty seeded mutations of our own documents: `check specs` finds each, and its message names it."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from contracts.documents import check
from mockserver.openapi.library import packaged_folder


class Mutation(NamedTuple):
    """What is replaced by what, the rule that breaks, and what the message has to name."""

    what: str
    by: str
    rule: str
    names: str


# A seeded choice among all places of the four documents that a pattern fits; what stands around it in the
# pattern keeps to places where the change means something. `names` is a template as `by` is one.
MUTATIONS = {
    "a title is gone": Mutation(r"\n  title: .+", "", "meta-schema", "needs `title`"),
    "a version is gone": Mutation(r"\n  version: .+", "", "meta-schema", "needs `version`"),
    "another version of OpenAPI": Mutation(r"openapi: 3\.1\.0", "openapi: 4.1.0", "not-openapi", "4.1.0"),
    "a description of a response is gone": Mutation(
        r"(?<=\n        '200':)\n          description: [^>|\n]+(?=\n          content)",
        "",
        "meta-schema",
        "needs `description`",
    ),
    "a reference is broken": Mutation(
        r"#/components/schemas/(\w+)'\}", r"#/components/schemas/\1x'}", "unresolved-ref", r"\1x"
    ),
    "an example that is referred to is renamed": Mutation(
        r"(?<=#/components/examples/)(\w+)", r"\1Gone", "unresolved-ref", r"\1Gone"
    ),
    "a file is referred to": Mutation(
        r"'#(/components/schemas/\w+)'\}", r"'gone.yaml#\1'}", "unresolved-ref", r"gone.yaml#\1"
    ),
    "an operationId is another's": Mutation(
        r"(\n      operationId: (\w+)\n(?:(?!      operationId).*\n)*      operationId: )\w+",
        r"\1\2",
        "duplicate-operation-id",
        r"'\2'",
    ),
    "a keyword is misspelt": Mutation(
        r"(?<=\n      )summary(?=: )", "sumary", "unknown-keyword", "did you mean `summary`?"
    ),
    "a keyword of a schema is misspelt": Mutation(
        r"(\n +|\w: \{)maxLength(?=: \d)", r"\1maxLenght", "unknown-keyword", "did you mean `maxLength`?"
    ),
    "a type is misspelt": Mutation(
        r"type: string\b(?=, description)", "type: strnig", "meta-schema", "did you mean `string`?"
    ),
    "a length is negative": Mutation(
        r"(\n +|\w: \{)maxLength: (\d+)", r"\1maxLength: -\2", "meta-schema", r"-\2"
    ),
    "a pattern is none": Mutation(r"pattern: .*(?=\n)", "pattern: '['", "meta-schema", "["),
    "an outcome is misspelt": Mutation(
        r"x-outcome: (\w+d)\b", r"x-outcome: \1d", "unknown-outcome", r"'\1d'"
    ),
    # Where two examples have the mark, one may go.
    "a mark is gone": Mutation(
        r"x-outcome: unauthorized(?!\n +x-quirk|\n +value:\n.*\n +# The page)",
        "x-mine: unauthorized",
        "outcome-without-example",
        "unauthorized",
    ),
    "an example has a text for its code": Mutation(
        r"(?<=value: \{code: )(\d+)(?=, m)", r"no number", "broken-example", "/code"
    ),
    "a default is of another type": Mutation(
        r"(?<=\n          default: )(?:false|\d+)(?=\n)", "maybe", "broken-default", "maybe"
    ),
    "security names no scheme": Mutation(
        r"(?<=\nsecurity:\n  - )\w+(?=: \[\])", "nobody", "unknown-security-scheme", "'nobody'"
    ),
    "a key stands twice": Mutation(r"\ntags:\n", "\ninfo: {}\ntags:\n", "duplicate-key", "'info'"),
    "a path gets a parameter nobody declares": Mutation(
        r"(?<=\n  )(/[\w/-]+)(?=:\n    (?:get|post):\n)", r"\1/{odd}", "undeclared-path-parameter", "'odd'"
    ),
}


def places(mutation: Mutation) -> list[tuple[Path, re.Match[str]]]:
    files = sorted(packaged_folder().glob("*.yaml"))
    return [(file, found) for file in files for found in re.finditer(mutation.what, file.read_text("utf-8"))]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_is_found_and_named(tmp_path: Path, name: str, seed: int) -> None:
    mutation = MUTATIONS[name]
    file, place = Random(f"{name} {seed}").choice(places(mutation))
    text = file.read_text("utf-8")
    changed = text[: place.start()] + place.expand(mutation.by) + text[place.end() :]
    (tmp_path / file.name).write_text(changed, "utf-8")

    checked = check(tmp_path)

    found = [finding for finding in checked.findings if finding.rule == mutation.rule]
    names = place.expand(mutation.names)
    assert any(names in finding.message for finding in found), [f.message for f in checked.findings]
    assert not checked.is_fine
    assert {finding.document for finding in checked.findings} == {file.stem}
