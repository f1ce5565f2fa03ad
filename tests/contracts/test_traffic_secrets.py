"""What is never shown of recorded traffic, whatever is found in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.report import FORMATS
from contracts.traffic import check
from mockserver.domain.outcome import NAMES
from mockserver.openapi.library import PACKAGED, load_documents

DOCUMENTS = load_documents((PACKAGED,), NAMES)


def har(url: str, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """A recorded POST, answered with something no document knows."""
    sent = {"authorization": "Bearer a-key-of-mine", "content-type": "application/json", **(headers or {})}
    text = body if isinstance(body, str) else json.dumps(body)
    return {
        "request": {
            "method": "POST",
            "url": url,
            "headers": [{"name": name, "value": value} for name, value in sent.items()],
            "postData": {"mimeType": sent["content-type"], "text": text},
        },
        "response": {
            "status": 418,
            "headers": [{"name": "content-type", "value": "application/json"}],
            "content": {"mimeType": "application/json", "text": "{}"},
        },
    }


def told(folder: Path, entry: dict[str, Any]) -> str:
    """Everything that any format says of it."""
    file = folder / "one.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": [entry]}}), "utf-8")
    checked = check([file], DOCUMENTS)
    assert checked.errors
    return "\n".join(write(checked) for write in FORMATS.values())


SONG = "https://api.kie.ai/api/v1/generate"


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (SONG, {"callBackUrl": "https://user:LEAK-12345@me.example/hook"}),
        (SONG, {"callBackUrl": "https://me.example/hook?token=LEAK-12345"}),
        (SONG, {"callBackUrl": "https://me.example/hook?a=b&key=LEAK-12345"}),
        (SONG, {"callBackUrl": "ht!tp://me.example/x?token=LEAK-12345"}),
        (SONG, {"customMode": "Bearer LEAK-12345"}),
        (SONG, "authorization: Bearer LEAK-12345"),
        (f"{SONG}?key=LEAK-12345", {}),
        (f"{SONG}?sig=LEAK-12345&jwt=LEAK-12345&session=LEAK-12345", {}),
        ("https://api.kie.ai/hook/token=LEAK-12345", {}),
    ],
)
def test_a_secret_is_in_no_report(tmp_path: Path, url: str, body: Any) -> None:
    assert "LEAK-12345" not in told(tmp_path, har(url, body))


@pytest.mark.parametrize("credential", ["Basic ***", "Token <redacted>", "Basic [REDACTED]"])
def test_a_blanked_credential_of_another_scheme_is_none(tmp_path: Path, credential: str) -> None:
    text = told(tmp_path, har(SONG, {}, {"authorization": credential}))

    assert "/header/authorization" in text


@pytest.mark.parametrize(
    "credential", ["DUMMY", "XXXXX", "REMOVED", "Bearer <API_KEY>", "Bearer DUMMY", "<token>", "Bearer ***"]
)
def test_what_a_recorder_puts_in_its_place_counts_as_present(tmp_path: Path, credential: str) -> None:
    text = told(tmp_path, har(SONG, {}, {"authorization": credential}))

    assert "/header/authorization" not in text
