"""Who imports whom, and who reads the wall clock, read from the source itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("mockserver", "contracts")

OPENAPI = {"mockserver.openapi", "jsonschema", "orjson", "referencing", "yaml"}
DOMAIN = {"mockserver.domain"}
STORE = DOMAIN | {"mockserver.store"}
PROVIDERS = DOMAIN | {"mockserver.providers"}
COVERAGE = {"mockserver.coverage", "mockserver.domain.outcome"}
SETTINGS = {"mockserver.settings"}
WEB = (
    {"mockserver.web", "mockserver.openapi", "mockserver.domain", "mockserver.store", "mockserver.providers"}
    | {"mockserver.coverage", "mockserver.settings", "mockserver.__version__"}
    | {"starlette", "uvicorn", "httptools", "python_multipart"}
)
BELOW_CLI = WEB | {"mockserver.testing"}
CHECKS = {
    "contracts",
    "mockserver.openapi",
    "mockserver.coverage",
    "mockserver.domain.outcome",
    "yaml",
}

# The longest name that a module's name begins with decides; every list also allows the standard library.
MAY_IMPORT = {
    "mockserver.domain": DOMAIN,
    # Of the domain it alone speaks of bytes.
    "mockserver.domain.records": DOMAIN | {"orjson"},
    "mockserver.openapi": OPENAPI,
    "mockserver.coverage": COVERAGE,
    "mockserver.settings": SETTINGS,
    "mockserver.store": STORE,
    "mockserver.providers": PROVIDERS,
    "mockserver.web": WEB,
    "mockserver.testing": BELOW_CLI,
    "mockserver.pytest_plugin": BELOW_CLI | {"pytest"},
    "mockserver.cli": BELOW_CLI | {"mockserver.cli", "contracts"},
    "mockserver": {"mockserver.cli", "mockserver.settings", "mockserver.domain.clock", "mockserver.web.app"},
    "contracts": CHECKS,
}
CLOCK = "mockserver.domain.clock"
WALL_CLOCK = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in OURS:
        for file in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), ast.parse(file.read_text(), str(file))


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported name, whole: `from a.b import c` is a.b.c."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide where a name lives"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def allowed_for(module: str) -> set[str]:
    return MAY_IMPORT[max((key for key in MAY_IMPORT if within(module, key)), key=len)]


def strays(module: str, tree: ast.AST) -> list[str]:
    allowed = allowed_for(module)
    return [
        f"{module}:{line} imports {name}"
        for name, line in imports(tree)
        if name.split(".")[0] not in sys.stdlib_module_names and not any(within(name, one) for one in allowed)
    ]


def clock_reads(module: str, tree: ast.AST) -> list[str]:
    """Calls and imports that read the wall clock."""
    found = [
        f"{module}:{node.lineno} reads {node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in WALL_CLOCK.get(node.value.id, ())
    ]
    nested = [
        f"{module}:{node.lineno} reads {node.value.attr}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.attr in WALL_CLOCK.get(node.value.attr, ())
    ]
    taken = [
        f"{module}:{line} imports {name}"
        for name, line in imports(tree)
        if name in {f"time.{function}" for function in WALL_CLOCK["time"]}
    ]
    return found + nested + taken


def test_every_package_imports_only_what_the_map_allows() -> None:
    found = [stray for module, tree in modules() for stray in strays(module, tree)]

    assert found == []


def test_only_the_clock_reads_the_wall_clock() -> None:
    found = [read for module, tree in modules() if module != CLOCK for read in clock_reads(module, tree)]

    assert found == []


def test_the_mock_meets_the_checks_only_inside_functions_of_the_command_line() -> None:
    found = [
        f"{module}:{line}"
        for module, tree in modules()
        if within(module, "mockserver")
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and not for_types(statement)
        for name, line in imports(statement)
        if within(name, "contracts")
    ]

    assert found == []


def for_types(statement: ast.stmt) -> bool:
    """True for imports that a type checker alone follows."""
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
    )


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("mockserver.domain.rules", "import yaml"),
        ("mockserver.domain.rules", "from mockserver.openapi import compiled"),
        ("mockserver.openapi.source", "from mockserver.domain.outcome import Outcome"),
        ("mockserver.store.memory", "from mockserver.providers import kie"),
        ("mockserver.providers.kie", "import starlette.requests"),
        ("mockserver.settings", "import yaml"),
        ("mockserver.web.app", "from mockserver.cli import main"),
        ("mockserver.web.app", "import httpx"),
        ("mockserver.web.app", "import contracts"),
        ("contracts.case", "from mockserver.domain.rules import duplicate"),
        ("contracts.case", "from mockserver.providers import kie"),
    ],
)
def test_an_import_against_the_map_is_found(module: str, line: str) -> None:
    assert strays(module, ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "time.time()",
        "from time import time_ns",
    ],
)
def test_a_look_at_the_wall_clock_is_found(line: str) -> None:
    assert clock_reads("mockserver.web.app", ast.parse(line))
