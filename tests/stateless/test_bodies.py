"""Bodies that are not JSON, both ways."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(serve: Serve) -> Client:
    return serve("bodies.yaml")


def violation(client: Client, path: str, content: bytes, content_type: str | None) -> str | None:
    """What is wrong with a body in the mock's eyes; a wrong one is refused, a right one is not."""
    headers = {"content-type": content_type} if content_type else {}
    method = "PUT" if path in ("/raw", "/image") else "POST"
    reply = client.request(method, path, content=content, headers=headers)
    found = reply.headers.get("x-mock-violation")
    assert reply.status_code == (422 if found else 204), reply.text
    return found


# --- answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/text", "text/plain", "plain words"),
        ("/number", "text/plain", "42"),
        ("/page", "text/html", "<h1>é</h1>"),
        ("/lines", "application/x-ndjson", '{"a":1}'),
        ("/form", FORM, "a=1&b=x+y&b=z&c=true"),
    ],
)
def test_a_text_comes_as_it_is(client: Client, path: str, kind: str, text: str) -> None:
    reply = client.get(path)

    assert (reply.status_code, reply.headers["content-type"]) == (200, kind)
    assert reply.content.decode() == text


def test_binary_answers_are_bytes_of_their_type_and_never_json(client: Client) -> None:
    raw, image, blob = client.get("/raw"), client.get("/image"), client.get("/blob")

    assert len(blob.content) >= 4
    assert blob.content[:1] not in (b"{", b'"')
    assert (raw.status_code, raw.headers["content-type"]) == (200, "application/octet-stream")
    assert raw.content
    assert raw.content[:1] not in (b"{", b'"')
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")


# --- requests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "content", "kind", "wrong"),
    [
        ("/text", b"short", "text/plain", None),
        ("/text", "ééééé".encode(), "text/plain; charset=utf-8", None),
        ("/text", "ééééé".encode("latin-1"), "text/plain; charset=ISO-8859-1", None),
        ("/text", b"longer", "text/plain", "/body: maxLength"),
        ("/text", b"\xff", "text/plain", "/body: wellFormed"),
        ("/text", b"short", "text/plain; charset=zip", "/body: wellFormed"),
        ("/text", b"short", None, None),
        ("/raw", b"\x00\xff\x00", "application/octet-stream", None),
        ("/raw", b"\x00\xff\x00", None, None),
        ("/raw", b"", "application/octet-stream", "/body: required"),
        ("/image", b"\x89PNG", "image/png", None),
        ("/image", b"\x89PNG", "text/plain", "/header/content-type: contentType"),
        ("/several", b'{"json": 1}', "application/json; charset=utf-8", None),
        ("/several", b'{"form": 1}', "application/json", "/body/json: required"),
        ("/several", b"form=1", FORM, None),
        ("/several", b"json=1", FORM, "/body/form: required"),
        ("/several", b"<any><xml>", "application/xml", None),
        ("/several", b"a,b", "text/csv", None),
        ("/several", b'{"json": 1}', None, None),
        ("/several", b"form=1", None, "/body: wellFormed"),
        ("/several", b"x", "text/plain", "/header/content-type: contentType"),
        ("/several", b"x", "garbage", "/header/content-type: contentType"),
        ("/vendor", b'{"name": 1}', "application/vnd.pets.v1+json", None),
        ("/vendor", b'{"name": 1}', "application/json", None),
        ("/vendor", b"{}", "application/json", "/body/name: required"),
        ("/vendor", b"{}", None, "/body/name: required"),
        ("/anything", b'{"name": 1}', None, None),
        ("/anything", b"{}", None, "/body/name: required"),
        ("/anything", b"{}", "application/json", "/body/name: required"),
        ("/anything", b"\xff\x00", "application/pdf", None),
        ("/form-only", b"name=Rex", None, None),
        ("/form-only", b"age=5", None, "/body/name: required"),
    ],
)
def test_a_body_is_read_by_its_media_type(
    client: Client, path: str, content: bytes, kind: str | None, wrong: str | None
) -> None:
    assert violation(client, path, content, kind) == wrong


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("name=Rex", None),
        ("name=Rex+%26+Co&age=5&ok=true", None),
        ("name=R", "/body/name: minLength"),
        ("age=5", "/body/name: required"),
        ("name=Rex&age=five", "/body/age: type"),
        ("name=Rex&age=-1", "/body/age: minimum"),
        ("name=Rex&ok=yes", "/body/ok: type"),
        ("name=Rex&tags=a", None),
        ("name=Rex&tags=a&tags=b", None),
        ("name=Rex&tags=a&tags=b&tags=c", "/body/tags: maxItems"),
        ("name=Rex&name=Max", "/body/name: type"),
        ("name=Rex&other=1", "/body/other: additionalProperties"),
        ("name=Rex&ids=1,2", None),
        ("name=Rex&ids=1%2C2", None),
        ("name=Rex&ids=1", "/body/ids: minItems"),
        ("name=Rex&pipes=1|2", None),
        ("name=Rex&pipes=1|b", "/body/pipes/1: type"),
        ("name=Rex&where[x]=1", None),
        ("name=Rex&where%5Bx%5D=1", None),
        ("name=Rex&where[x]=one", "/body/where/x: type"),
        ("name=Rex&where[y]=1", "/body/where/y: additionalProperties"),
        ("name=Rex&where[=1", "/body: wellFormed"),
        ("name=Rex&meta=%7B%22a%22:1%7D", None),
        ("name=Rex&meta=%7B%7D", "/body/meta/a: required"),
        ("name=Rex&meta=text", "/body/meta: type"),
        ("name=%FF%FF", None),
    ],
)
def test_a_form_is_read_field_by_field(client: Client, content: str, wrong: str | None) -> None:
    assert violation(client, "/form", content.encode(), FORM) == wrong


def part(name: str, content: bytes, more: str = "") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


TITLE = part("title", b"Song")
FILE = part("file", b"\x00\xff\xfe", '; filename="a.bin"\r\nContent-Type: application/octet-stream')
END = b"--b--\r\n"


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (TITLE + FILE, None),
        (TITLE + part("file", b"\xff", ""), None),
        (TITLE, "/body/file: required"),
        (FILE, "/body/title: required"),
        (part("title", b"S") + FILE, "/body/title: minLength"),
        (TITLE + FILE + part("count", b"5"), None),
        (TITLE + FILE + part("count", b"five"), "/body/count: type"),
        (TITLE + FILE + part("more", b"1", '; filename="1"') + part("more", b"2", '; filename="2"'), None),
        (TITLE + FILE + part("more", b"1", '; filename="1"'), None),
        (TITLE + FILE + part("more", b"x") * 3, "/body/more: maxItems"),
        (TITLE + FILE + part("meta", b'{"a": 1}'), None),
        (TITLE + FILE + part("meta", b"{}"), "/body/meta/a: required"),
        (TITLE + FILE + part("points", b'{"x": 1}') + part("points", b'{"x": 2}'), None),
        (TITLE + FILE + part("points", b'[{"x": 1}, {}]'), "/body/points/1/x: required"),
        (TITLE + FILE + part("other", b"1"), "/body/other: additionalProperties"),
    ],
)
def test_a_multipart_body_is_read_part_by_part(client: Client, content: bytes, wrong: str | None) -> None:
    assert violation(client, "/upload", content + END, "multipart/form-data; boundary=b") == wrong


def test_a_client_librarys_own_multipart_body_is_understood(client: Client) -> None:
    files: Any = [("file", ("a.mp3", b"\xff\xfb\x90", "audio/mpeg")), ("more", ("b", b"b"))]

    reply = client.post("/upload", data={"title": "Söng", "count": "3"}, files=files)

    assert reply.status_code == 204


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (TITLE + FILE + END, "multipart/form-data"),
        (TITLE + FILE + END, "multipart/form-data; boundary="),
        (TITLE + FILE + END, "multipart/form-data; boundary=other"),
        (TITLE + FILE, "multipart/form-data; boundary=b"),
        (TITLE[:-12], "multipart/form-data; boundary=b"),
        (b"garbage", "multipart/form-data; boundary=b"),
        (b"--b\r\nno header\r\n\r\nx\r\n" + END, "multipart/form-data; boundary=b"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END, "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n' + END,
            "multipart/form-data; boundary=b",
        ),
        (b"--b\r\n\r\nx\r\n" + END, "multipart/form-data; boundary=b"),
        (TITLE + FILE + END, "multipart/form-data; boundary=" + "b" * 5000),
        (b"\x00" * 100, "multipart/form-data; boundary=b"),
    ],
)
def test_a_broken_multipart_body_is_invalid(client: Client, content: bytes, kind: str) -> None:
    assert violation(client, "/upload", content, kind) == "/body: wellFormed"
