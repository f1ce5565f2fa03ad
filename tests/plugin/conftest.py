"""A project of somebody else, with the wheel of ours installed and nothing of the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.plugin.project import Project

ROOT = Path(__file__).parent.parent.parent
MakeProject = Callable[[str], Project]


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with our wheel; pytest and the clients are those of this run."""
    folder = tmp_path_factory.mktemp("environment")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / "venv", symlinks=os.name != "nt", with_pip=False)
    places = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    site = Path(sysconfig.get_path("purelib", "venv", places))
    ZipFile(next(folder.glob("*.whl"))).extractall(site)
    for place in map(Path, sys.path):
        if place.name in ("site-packages", "dist-packages") and place.is_dir():
            _borrow(place, site)
    return Path(sysconfig.get_path("scripts", "venv", places)) / Path(sys.executable).name


def _borrow(others: Path, site: Path) -> None:
    """Link what is installed there, but for this checkout's own install and whatever points elsewhere."""
    for entry in others.iterdir():
        ours = "persona_mockserver" in entry.name.replace("-", "_").lower()
        if not ours and entry.suffix != ".pth" and not (site / entry.name).exists():
            (site / entry.name).symlink_to(entry)


@pytest.fixture(scope="module")
def make_project(python: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeProject:
    """A project by its name, for runs that several tests look at."""
    return lambda name: Project(tmp_path_factory.mktemp(name), python)


@pytest.fixture
def project(python: Path, tmp_path: Path) -> Project:
    """An empty project."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, python)
