"""Files as they come: broken, cut off, of another kind, in another encoding, very large."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.traffic import MOST, check
from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents

FILES = Path(__file__).parent / "traffic"


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return load_documents(["packaged"], NAMES)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("empty.har", "", "fileFormat"),
        ("page.html", "<!doctype html><p>Sign in: please</p>", "fileFormat"),
        ("list.json", "[1, 2]", "fileFormat"),
        ("other.json", '{"openapi": "3.1.0"}', "fileFormat"),
        ("other.yaml", "openapi: 3.1.0\n", "fileFormat"),
        ("log.json", '{"log": {"version": "1.2"}}', "fileFormat"),
        ("broken.har", '{"log": {"entries": [\n{"request": oops}]}}', "wellFormed"),
        ("cut.har", '{"log": {"entries": [\n{"request": {"method": "GE', "wellFormed"),
        ("comma.har", '{"log": {"version": "1.2",}}', "wellFormed"),
        ("more.har", '{"log": {"entries": []}} {', "wellFormed"),
        ("nan.har", '{"log": {"entries": [NaN]}}', "wellFormed"),
        ("deep.har", '{"log": {"entries": [' + "[" * 200_000, "wellFormed"),
        ("lacking.har", '{"log": {"entries": [{"request": {}, "response": {}}]}}', "wellFormed"),
        ("entry.har", '{"log": {"entries": [5]}}', "wellFormed"),
        ("short.json", '{"requests": [{"id": "req_1", "method": "GET"}]}', "wellFormed"),
        ("cassette.yaml", "interactions:\n- request: [\n", "wellFormed"),
        ("pact.json", '{"provider": {"name": "kie"}, "interactions": [{"request": {}}]}', "wellFormed"),
    ],
)
def test_a_broken_file_is_one_error_and_the_others_are_checked(
    tmp_path: Path, documents: dict[str, Document], name: str, text: str, rule: str
) -> None:
    file = tmp_path / name
    file.write_text(text, "utf-8")

    checked = check([file, FILES / "clean.har"], documents)

    errors = [finding for finding in checked.findings if finding.rule == rule]
    assert len(errors) == 1
    assert str(file) in errors[0].message
    assert errors[0].where.file == str(file)
    assert "HAR" in errors[0].message or "as " in errors[0].message or "cassette" in errors[0].message
    assert checked.passed == 7


def test_an_unknown_format_names_the_known_ones(tmp_path: Path, documents: dict[str, Document]) -> None:
    file = tmp_path / "song.mp3"
    file.write_bytes(b"ID3\xff\xfb\x90\x00" * 40)

    (finding,) = check([file], documents).findings

    for known in ("HAR 1.2", "VCR.py", "Pact", "journal export"):
        assert known in finding.message


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, documents: dict[str, Document]) -> None:
    (finding,) = check([tmp_path / "nowhere.har"], documents).findings

    assert finding.rule == "readable"


def test_what_came_before_the_break_is_judged(tmp_path: Path, documents: dict[str, Document]) -> None:
    text = (FILES / "broken.har").read_text("utf-8")
    file = tmp_path / "cut.har"
    file.write_text(text[: int(len(text) * 0.5)], "utf-8")

    rules = [finding.rule for finding in check([file], documents).findings]

    assert rules[0] == "required"
    assert rules[-1] == "wellFormed"


def test_a_broken_line_is_named(tmp_path: Path, documents: dict[str, Document]) -> None:
    file = tmp_path / "broken.har"
    file.write_text('{\n"log": {\n"entries": [\n{"request": oops}\n]}}', "utf-8")

    (finding,) = check([file], documents).findings

    assert (finding.where.line, f"{file}:4:" in finding.message) == (4, True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings_are_read(tmp_path: Path, documents: dict[str, Document], encoding: str) -> None:
    file = tmp_path / "journal.json"
    file.write_text((FILES / "broken_journal.json").read_text("utf-8"), encoding)

    assert len(check([file], documents).findings) == 3


# --- VCR's bodies -------------------------------------------------------------------------------------------

CREDIT = {"code": 200, "msg": "success", "data": "many"}


def cassette(body: Any, encoding: str | None = None) -> dict[str, Any]:
    headers = {"Content-Type": ["application/json"], **({"Content-Encoding": [encoding]} if encoding else {})}
    request: dict[str, Any] = {"method": "GET", "uri": "https://api.kie.ai/api/v1/chat/credit"}
    request |= {"body": None, "headers": {"authorization": ["***"]}}
    response = {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": body}}
    return {"version": 1, "interactions": [{"request": request, "response": response}]}


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (json.dumps(CREDIT), None),
        (json.dumps(CREDIT).encode(), None),
        (zlib.compress(json.dumps(CREDIT).encode(), wbits=31), "gzip"),
        (zlib.compress(json.dumps(CREDIT).encode()), "deflate"),
        (zlib.compress(json.dumps(CREDIT).encode(), wbits=-15), "deflate"),
        (json.dumps(CREDIT), "gzip"),
        (json.dumps(CREDIT), "br"),
    ],
)
def test_packed_bodies_are_unpacked(
    tmp_path: Path, documents: dict[str, Document], body: Any, encoding: str | None
) -> None:
    file = tmp_path / "cassette.yaml"
    file.write_text(yaml.safe_dump(cassette(body, encoding)), "utf-8")

    assert [finding.pointer for finding in check([file], documents).findings] == ["/body/data"]


def test_what_cannot_be_unpacked_is_not_judged(tmp_path: Path, documents: dict[str, Document]) -> None:
    file = tmp_path / "cassette.yaml"
    file.write_text(yaml.safe_dump(cassette(b"\x8b\x07\x80\xff\xfe", "br")), "utf-8")

    assert check([file], documents).findings == ()


def test_packed_data_that_breaks_off_is_an_error(tmp_path: Path, documents: dict[str, Document]) -> None:
    file = tmp_path / "cassette.yaml"
    packed = zlib.compress(json.dumps(CREDIT).encode(), wbits=31)
    file.write_text(yaml.safe_dump(cassette(packed[:-12], "gzip")), "utf-8")

    assert [finding.rule for finding in check([file], documents).findings] == ["wellFormed"]


def test_an_old_cassettes_python_tags_are_plain_values(
    tmp_path: Path, documents: dict[str, Document]
) -> None:
    file = tmp_path / "cassette.yaml"
    text = yaml.safe_dump(cassette("@"))
    file.write_text(text.replace("'@'", f"!!python/unicode '{json.dumps(CREDIT)}'"), "utf-8")

    assert [finding.pointer for finding in check([file], documents).findings] == ["/body/data"]


def test_a_base64_body_of_a_har_is_read(tmp_path: Path, documents: dict[str, Document]) -> None:
    text = base64.b64encode(json.dumps(CREDIT).encode()).decode()
    content = {"mimeType": "application/json", "text": text, "encoding": "base64"}
    request = {"method": "GET", "url": "https://api.kie.ai/api/v1/chat/credit", "headers": []}
    entry = {"request": request, "response": {"status": 200, "headers": [], "content": content}}
    file = tmp_path / "recorded.har"
    file.write_text(json.dumps({"log": {"entries": [entry]}}), "utf-8")

    assert [finding.pointer for finding in check([file], documents).findings] == [None, "/body/data"]


# --- hostile and odd files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["&a {code: *a}", "{code: 2026-01-01}", "!!set {a: null}"])
def test_a_yaml_body_that_no_json_can_be_is_an_error(
    tmp_path: Path, documents: dict[str, Document], body: str
) -> None:
    file = tmp_path / "cassette.yaml"
    file.write_text(yaml.safe_dump(cassette("@")).replace("string: '@'", f"string: {body}"), "utf-8")

    assert {finding.pointer for finding in check([file], documents).findings} == {"/body"}


def test_a_body_nested_too_deeply_is_an_error(tmp_path: Path, documents: dict[str, Document]) -> None:
    file = tmp_path / "journal.json"
    deep = "[" * 500 + "]" * 500
    request = '{"method": "GET", "path": "/kie/api/v1/chat/credit", "headers": [["authorization", "***"]]}'
    response = f'{{"status": 200, "headers": [], "body": {deep}}}'
    entry = f'{{"provider": "kie", "status": 200, "request": {request}, "response": {response}}}'
    file.write_text(f'{{"requests": [{entry}]}}', "utf-8")

    assert [finding.rule for finding in check([file], documents).findings] == ["wellFormed"]


OWN = """
openapi: 3.1.0
info: {title: forms, version: '1'}
servers: [{url: https://forms.example.com/v2}]
paths:
  /form:
    post:
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded: &body
            schema:
              type: object
              required: [count]
              properties: {count: {type: integer, maximum: 5}, note: {type: string}}
          multipart/form-data: *body
      responses:
        2XX: {description: done, headers: {X-Left: {required: true, schema: {type: integer}}}}
"""


@pytest.mark.parametrize(
    ("media", "text"),
    [
        ("application/x-www-form-urlencoded", "count=9&note=a+b"),
        ("multipart/form-data", None),
        (
            "multipart/form-data; boundary=x",
            '--x\r\nContent-Disposition: form-data; name="count"\r\n\r\n9\r\n--x--\r\n',
        ),
    ],
)
def test_forms_headers_ranges_and_base_paths(
    tmp_path: Path, folder: Any, media: str, text: str | None
) -> None:
    own = load_documents([folder(forms=OWN)], NAMES)
    data = {"mimeType": media, "params": [{"name": "count", "value": "9"}]}
    data |= {} if text is None else {"text": text}
    request = {"method": "POST", "url": "https://forms.example.com/v2/form", "headers": [], "postData": data}
    response = {"status": 204, "headers": [{"name": "x-left", "value": "many"}], "content": {"size": 0}}
    bare = {**request, "url": "https://forms.example.com/form"}
    file = tmp_path / "recorded.har"
    entries = [{"request": one, "response": response} for one in (request, bare)]
    file.write_text(json.dumps({"log": {"entries": entries}}), "utf-8")

    found = [(one.rule, one.pointer) for one in check([file], own).findings]

    assert found == [("maximum", "/body/count"), ("type", "/header/x-left"), ("path", "/path")]


# --- size ---------------------------------------------------------------------------------------------------

_MEASURE = """
import resource, sys
from pathlib import Path
from contracts.traffic import check
from mockserver.domain.outcome import NAMES
from mockserver.openapi.library import load_documents

documents = load_documents(["packaged"], NAMES)
check([Path(sys.argv[1])], documents)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
checked = check([Path(sys.argv[2])], documents)
print(checked.checked, len(checked.findings), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_har_of_sixty_megabytes_is_read_in_bounded_memory(tmp_path: Path) -> None:
    file = tmp_path / "large.har"
    content = {"mimeType": "audio/mpeg", "size": 30_000, "encoding": "base64", "text": "QUJD" * 7_500}
    song: dict[str, Any] = {
        "request": {"method": "GET", "url": "https://cdn.example.com/a.mp3", "headers": []}
    }
    song |= {"response": {"status": 200, "headers": [], "content": content}}
    lost: dict[str, Any] = {"request": {"method": "GET", "url": "https://api.kie.ai/nope", "headers": []}}
    lost |= {"response": {"status": 404, "headers": [], "content": {"mimeType": "", "size": 0}}}
    pair = json.dumps(song) + ",\n" + json.dumps(lost)
    with file.open("w") as har:
        har.write('{"log": {"entries": [' + pair)
        for _ in range(2000):
            har.write(",\n" + pair)
        har.write("]}}")
    assert file.stat().st_size > 60_000_000

    command = [sys.executable, "-c", _MEASURE, str(FILES / "broken.har"), str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)

    checked, findings, kilobytes = map(int, told.stdout.split())
    assert (checked, findings) == (2001, MOST)
    assert kilobytes < 12_000
