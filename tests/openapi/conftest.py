"""Documents written by a test into a folder of its own, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from mockserver.openapi.source import DocumentError

Read: TypeAlias = Callable[..., Document]
Faults: TypeAlias = Callable[..., list[str]]


def write(folder: Path, files: dict[str, str]) -> None:
    """Each text under its name; folders in a name are made."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(TEXT)`: the document of `doc.yaml`; more files by name: `read(TEXT, {"part.yaml": TEXT})`."""

    def load(text: str, beside: dict[str, str] | None = None, name: str = "doc.yaml") -> Document:
        write(tmp_path, {name: text, **(beside or {})})
        return load_documents((str(tmp_path),), NAMES)[Path(name).stem]

    return load


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """`faults(TEXT)`: what is wrong with `doc.yaml`, each as `doc.yaml:LINE: REASON`."""

    def told(text: str, beside: dict[str, str] | None = None, name: str = "doc.yaml") -> list[str]:
        write(tmp_path, {name: text, **(beside or {})})
        with pytest.raises(DocumentError) as caught:
            load_documents((str(tmp_path),), NAMES)
        return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]

    return told


def warnings(document: Document) -> list[str]:
    """What is odd in a document, as `doc.yaml:LINE: REASON`."""
    return [str(warning).rpartition("/doc.")[2].partition(":")[2] for warning in document.warnings]
