"""Parameters of every place and style: what fits passes, what does not is named."""

from __future__ import annotations

import pytest

from tests.conftest import Client
from tests.stateless.conftest import Serve


@pytest.fixture
def path(serve: Serve) -> Client:
    return serve("path-parameters.yaml")


@pytest.fixture
def query(serve: Serve) -> Client:
    return serve("query-parameters.yaml")


@pytest.fixture
def headers(serve: Serve) -> Client:
    return serve("header-parameters.yaml")


def violation(client: Client, url: str, **options: object) -> str | None:
    """What is wrong with a request in the mock's eyes; a wrong one is refused, a right one is not."""
    reply = client.get(url, **options)
    found = reply.headers.get("x-mock-violation")
    assert reply.status_code == (422 if found else 200), reply.text
    return found


@pytest.mark.parametrize(
    "url",
    [
        "/simple/42",
        "/simple-array/1,2,3",
        "/simple-array/1%2C2%2C3",
        "/simple-words/a%2Cb,c%2Fd",
        "/simple-object/x,1,y,2",
        "/simple-object-exploded/x=1,y=2",
        "/label/.42",
        "/label-array/.1,2,3",
        "/label-array-exploded/.1.2.3",
        "/label-object/.x,1,y,2",
        "/label-object-exploded/.x=1.y=2",
        "/matrix/;v=42",
        "/matrix/%3Bv=42",
        "/matrix-array/;v=1,2,3",
        "/matrix-array-exploded/;v=1;v=2;v=3",
        "/matrix-object/;v=x,1,y,2",
        "/matrix-object-exploded/;x=1;y=2",
        '/json/{"x":1,"y":2}',
        "/json/%7B%22x%22%3A1%2C%22y%22%3A2%7D",
    ],
)
def test_a_path_parameter_is_read_in_its_style(path: Client, url: str) -> None:
    assert violation(path, url) is None


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("/simple/ten", "/path/v: type"),
        ("/simple/1.5", "/path/v: type"),
        ("/simple/100", "/path/v: maximum"),
        ("/simple-array/1,2", "/path/v: minItems"),
        ("/simple-array/1,two,3", "/path/v/1: type"),
        ("/simple-words/a,b,c", "/path/v: maxItems"),
        ("/simple-object/x,1,y,two", "/path/v/y: type"),
        ("/simple-object/x,1", "/path/v/y: required"),
        ("/simple-object/x,1,y", "/path/v: style"),
        ("/simple-object-exploded/x=1,z=2,y=3", "/path/v/z: additionalProperties"),
        ("/label/42", "/path/v: style"),
        ("/label-array-exploded/.1.2", "/path/v: minItems"),
        ("/matrix/v=42", "/path/v: style"),
        ("/matrix/;v=x", "/path/v: type"),
        ("/matrix-array/;v=1,2", "/path/v: minItems"),
        ("/json/{x", "/path/v: style"),
        ('/json/{"x":1}', "/path/v/y: required"),
    ],
)
def test_a_wrong_path_parameter_is_named(path: Client, url: str, wrong: str) -> None:
    assert violation(path, url) == wrong


@pytest.mark.parametrize(
    "url",
    [
        "/primitives",
        "/primitives?count=10&ratio=1.5e3&flag=true&word=a+b%20c",
        "/primitives?kind=1",
        "/primitives?kind=two",
        "/primitives?kind=true",
        "/primitives?maybe=",
        "/primitives?unknown=1&&=",
        "/required?q=",
        "/empty?may=&list=",
        "/empty?may",
        "/arrays?form=1&form=2",
        "/arrays?comma=1,2",
        "/arrays?comma=1%2C2",
        "/arrays?words=a%2Cb,c",
        "/arrays?space=1%202%203",
        "/arrays?space=1+2",
        "/arrays?pipe=1|2",
        "/arrays?pipe=1%7C2",
        "/object-exploded?x=1&y=2",
        "/objects?comma=x,1,y,2",
        "/objects?space=x%201%20y%202",
        "/objects?pipe=x|1|y|2",
        "/objects?deep[level]=1&deep[inner][x]=1&deep[inner][y]=2",
        "/objects?deep%5Blevel%5D=1",
        "/objects?deep[tags]=1&deep[tags]=2",
        "/objects?deep[tags][]=1&deep[tags][]=2",
        "/objects?deep[tags][0]=1&deep[tags][1]=2",
        '/json?filter={"x":1,"y":2}',
        "/json?filter=%7B%22x%22%3A1%2C%22y%22%3A2%7D",
    ],
)
def test_a_query_parameter_is_read_in_its_style(query: Client, url: str) -> None:
    assert violation(query, url) is None


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("/primitives?count=ten", "/query/count: type"),
        ("/primitives?count=0", "/query/count: minimum"),
        ("/primitives?count=11", "/query/count: maximum"),
        ("/primitives?count=", "/query/count: type"),
        ("/primitives?count=1e1", "/query/count: type"),
        ("/primitives?ratio=NaN", "/query/ratio: type"),
        ("/primitives?ratio=1e999", "/query/ratio: type"),
        ("/primitives?flag=yes", "/query/flag: type"),
        ("/primitives?flag=True", "/query/flag: type"),
        ("/primitives?word=A", "/query/word: pattern"),
        ("/primitives?word=abcdefghijk", "/query/word: maxLength"),
        ("/primitives?kind=three", "/query/kind: enum"),
        ("/required", "/query/q: required"),
        ("/empty?not=", "/query/not: type"),
        ("/arrays?form=1", "/query/form: minItems"),
        ("/arrays?form=1&form=x", "/query/form/1: type"),
        ("/arrays?comma=1,x", "/query/comma/1: type"),
        ("/arrays?words=a,b,c", "/query/words: maxItems"),
        ("/arrays?space=1", "/query/space: minItems"),
        ("/arrays?pipe=1|x", "/query/pipe/1: type"),
        ("/object-exploded", "/query/point: required"),
        ("/object-exploded?x=1", "/query/point/y: required"),
        ("/object-exploded?x=1&y=two", "/query/point/y: type"),
        ("/objects?comma=x,1,y", "/query/comma: style"),
        ("/objects?deep[level]=deep", "/query/deep/level: type"),
        ("/objects?deep[other]=1", "/query/deep/other: additionalProperties"),
        ("/objects?deep[inner][x]=1", "/query/deep/inner/y: required"),
        ("/objects?deep[inner]=1&deep[inner][x]=1", "/query/deep: style"),
        ("/objects?deep[tags][a]=1&deep[tags]=2", "/query/deep: style"),
        ("/objects?deep[=1", "/query/deep: style"),
        ("/json?filter={x", "/query/filter: style"),
        ('/json?filter={"x":1}', "/query/filter/y: required"),
    ],
)
def test_a_wrong_query_parameter_is_named(query: Client, url: str, wrong: str) -> None:
    assert violation(query, url) == wrong


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({}, "/header/x-count: required"),
        ({"x-count": "1"}, None),
        ({"X-COUNT": "1"}, None),
        ({"x-count": "0"}, "/header/x-count: minimum"),
        ({"x-count": "one"}, "/header/x-count: type"),
        ({"x-count": "1", "x-numbers": "1, 2,3"}, None),
        ({"x-count": "1", "x-numbers": "1"}, "/header/x-numbers: minItems"),
        ({"x-count": "1", "x-numbers": "1,b"}, "/header/x-numbers/1: type"),
        ({"x-count": "1", "x-point": "x,1,y,2"}, None),
        ({"x-count": "1", "x-point": "x,1,y,b"}, "/header/x-point/y: type"),
        ({"x-count": "1", "x-point-exploded": "x=1, y=2"}, None),
        ({"x-count": "1", "x-point-exploded": "x=1"}, "/header/x-point-exploded/y: required"),
        ({"x-count": "1", "x-json": '{"x": 1, "y": 2}'}, None),
        ({"x-count": "1", "x-json": "{"}, "/header/x-json: style"),
    ],
)
def test_a_header_is_read_in_its_style(headers: Client, sent: dict[str, str], wrong: str | None) -> None:
    assert violation(headers, "/headers", headers=sent) == wrong


@pytest.mark.parametrize(
    ("cookie", "wrong"),
    [
        (None, "/header/cookie/session: required"),
        ("session=abcd", None),
        ("a=b; session=abcd;limit=5", None),
        ("session=abc", "/header/cookie/session: minLength"),
        ("session=abcd; limit=five", "/header/cookie/limit: type"),
        ("session=abcd; numbers=1,2", None),
        ("session=abcd; numbers=1", "/header/cookie/numbers: minItems"),
        ("session=abcd; prefs=%7B%22x%22:1,%22y%22:2%7D", None),
        ("session=abcd; prefs=%7B%22x%22:1%7D", "/header/cookie/prefs/y: required"),
        (";;=;session", "/header/cookie/session: minLength"),
    ],
)
def test_a_cookie_is_read_in_its_style(headers: Client, cookie: str | None, wrong: str | None) -> None:
    assert violation(headers, "/cookies", headers={"cookie": cookie} if cookie else {}) == wrong


def test_an_operation_inherits_the_parameters_of_its_path(headers: Client) -> None:
    assert violation(headers, "/levels/a?limit=5", headers={"x-trace": "1"}) is None
    assert violation(headers, "/levels/a", headers={"x-trace": "1"}) == "/query/limit: required"
    assert violation(headers, "/levels/a?limit=few", headers={"x-trace": "1"}) == "/query/limit: type"


def test_an_operation_overrides_the_parameters_of_its_path(headers: Client) -> None:
    free = headers.request("PUT", "/levels/a", headers={"x-trace": "any"})
    few = headers.request("PUT", "/levels/a?limit=few")
    number = headers.request("PUT", "/levels/a?limit=5")

    assert (free.status_code, few.status_code) == (200, 200)
    assert (number.status_code, number.headers["x-mock-violation"]) == (422, "/query/limit: enum")


def test_a_client_that_encodes_a_list_as_a_whole_is_understood(query: Client) -> None:
    reply = query.get("/arrays", params={"comma": "1,2", "pipe": "1|2", "space": "1 2"})

    assert reply.status_code == 200


def test_every_violation_is_in_the_journal_with_what_was_wanted_and_got(query: Client) -> None:
    query.get("/primitives?count=11&flag=yes")

    entry = query.get("/_mock/requests").json()["requests"][-1]

    assert [(v["in"], v["pointer"], v["rule"], v["wanted"], v["got"]) for v in entry["violations"]] == [
        ("query", "/query/count", "maximum", 10, 11),
        ("query", "/query/flag", "type", "boolean", "yes"),
    ]
