"""What the wheel carries, and that it works where no checkout is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

import mockserver

ROOT = Path(__file__).parent.parent
PROVIDERS = {"kie", "crun", "evolink", "yuto"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]

    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)

    return next(folder.glob("*.whl"))


def test_wheel_carries_code_documents_and_types(wheel: Path) -> None:
    files = set(ZipFile(wheel).namelist())

    assert {"mockserver/__main__.py", "mockserver/cli/main.py", "contracts/__init__.py"} <= files
    assert {"mockserver/py.typed", "contracts/py.typed"} <= files
    assert "mockserver/coverage/page.css" in files
    assert {f"mockserver/_specs/{name}.yaml" for name in PROVIDERS} <= files
    assert [name for name in files if name.startswith("mockserver/web/control/") and name.endswith(".yaml")]


def test_wheel_carries_the_media(wheel: Path) -> None:
    archive, folder = ZipFile(wheel), ROOT / "mockserver/web/media/assets"

    wanted = {str(file.relative_to(ROOT)): file.read_bytes() for file in folder.iterdir()}
    assert {Path(name).suffix for name in wanted} == {".jpeg", ".mp3", ".mp4", ".webp"}
    assert {name: archive.read(name) for name in wanted} == wanted


def test_wheel_carries_the_scenarios(wheel: Path) -> None:
    archive, folder = ZipFile(wheel), ROOT / "mockserver/scenarios"

    wanted = {str(file.relative_to(ROOT)): file.read_bytes() for file in folder.iterdir()}
    assert {Path(name).name for name in wanted} == {
        "a-bad-day.yaml",
        "a-poor-account.yaml",
        "flaky-callbacks.yaml",
    }
    assert {name: archive.read(name) for name in wanted} == wanted


def test_wheel_carries_the_contract_cases(wheel: Path) -> None:
    archive, folder = ZipFile(wheel), ROOT / "contracts/cases"

    wanted = {str(file.relative_to(ROOT)): file.read_bytes() for file in folder.iterdir() if file.is_file()}
    assert {Path(name).name for name in wanted} == {*(f"{name}.yaml" for name in PROVIDERS), "schema.json"}
    assert {name: archive.read(name) for name in wanted} == wanted


def test_wheel_carries_every_source_file_and_no_other_python(wheel: Path) -> None:
    files = {name for name in ZipFile(wheel).namelist() if name.endswith(".py")}

    sources = (file for package in ("mockserver", "contracts") for file in (ROOT / package).rglob("*.py"))
    assert files == {str(file.relative_to(ROOT)) for file in sources}


def test_wheel_carries_no_tests_and_names_the_licence_and_the_command(wheel: Path) -> None:
    archive = ZipFile(wheel)
    files = archive.namelist()

    assert {name.split("/")[0] for name in files if "dist-info" not in name} == {"mockserver", "contracts"}
    assert not [name for name in files if name.endswith(".pyc")]
    assert [name for name in files if name.endswith("licenses/LICENSE")]
    entry_points = next(name for name in files if name.endswith("entry_points.txt"))
    assert "persona-mock = mockserver.cli.main:main" in archive.read(entry_points).decode()


def test_the_unpacked_wheel_serves_its_own_documents_in_any_folder(wheel: Path, tmp_path: Path) -> None:
    ZipFile(wheel).extractall(tmp_path / "site")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    look = (
        "import mockserver, sys; from mockserver.cli.main import main;"
        "print(mockserver.__file__, file=sys.stderr); sys.exit(main(['routes', '--json']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=elsewhere,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert str(tmp_path / "site") in done.stderr
    assert done.returncode == 0, done.stderr
    assert {route["provider"] for route in json.loads(done.stdout)["routes"]} == PROVIDERS


def test_public_names_resolve_when_first_used() -> None:
    look = (
        "import sys, mockserver\n"
        "assert not {'starlette', 'uvicorn', 'yaml', 'jsonschema'} & set(sys.modules)\n"
        "from mockserver import Settings, VirtualClock, create_app\n"
        "assert callable(create_app) and callable(Settings) and callable(VirtualClock)\n"
    )

    subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True)


def test_public_names_are_listed_and_others_are_refused() -> None:
    assert {"Settings", "VirtualClock", "create_app", "__version__"} <= set(dir(mockserver))
    with pytest.raises(AttributeError, match="no attribute 'creat_app'"):
        _ = mockserver.creat_app


def test_dependencies_have_lower_bounds_and_an_upper_one_where_we_lean_on_internals() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {line.split(">=")[0]: line for line in project["dependencies"]}

    assert all(">=" in line for line in wanted.values())
    assert [name for name, line in wanted.items() if "<" in line] == ["jsonschema", "uvicorn"]
