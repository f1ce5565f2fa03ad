"""A path found before is found again as the walk through the documents finds it, whatever came in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from mockserver.domain.outcome import NAMES
from mockserver.openapi.compiled import Document
from mockserver.openapi.library import load_documents
from mockserver.web import locate
from mockserver.web.locate import Ambiguous, BadSandbox, Found, Locator
from mockserver.web.request import Incoming

HEAD = "openapi: 3.1.0\ninfo: {title: X, version: '1'}\n"
ZOO = """
servers: [{url: 'https://zoo.test/v2'}, {url: 'https://other.test'}]
paths:
  /: {get: {responses: {'200': {description: all}}}}
  /pets: {get: {responses: {'200': {description: all}}}}
  /pets/{id}: {get: {parameters: [&id {name: id, in: path, required: true}], responses: {}}}
  /pets/oldest: {post: {responses: {}}, head: {responses: {}}}
  /pets/{id}/toys/{id2}:
    get: {parameters: [*id, {name: id2, in: path, required: true}], responses: {}}
  /pets/{one}/{two}:
    put:
      parameters: [{name: one, in: path, required: true}, {name: two, in: path, required: true}]
      responses: {}
  /kie/{id}: {delete: {parameters: [*id], responses: {}}}
  /{kind}/{id}/: {get: {parameters: [*id, {name: kind, in: path, required: true}], responses: {}}}
  /%7B%7D/{id}: {get: {parameters: [*id], responses: {}}}
"""
SHOP = """
servers: [{url: 'https://shop.test/v2'}]
paths:
  /pets: {get: {responses: {}}, options: {responses: {}}}
  /pets/{pet}: {get: {parameters: [{name: pet, in: path, required: true}], responses: {}}}
  /files/{rest}:
    get: {parameters: [{name: rest, in: path, required: true, x-slashes: allowed}], responses: {}}
  /files/new: {get: {responses: {}}, post: {responses: {}}}
  /a%2Fb/{pet}: {get: {parameters: [{name: pet, in: path, required: true}], responses: {}}}
"""
MIXED = """
paths:
  /pets/{id}.json: {get: {parameters: [{name: id, in: path, required: true}], responses: {}}}
  /pets/{id}: {patch: {parameters: [{name: id, in: path, required: true}], responses: {}}}
  /plain: {get: {responses: {}}}
"""
ODD = [
    "",
    "x",
    "7",
    "a.json",
    ".json",
    "k%69e",
    "%2F",
    "a%2Fb",
    "%",
    "{}",
    "{id}",
    "oldest",
    "v2",
    "größe",
    "..",
]
METHODS = ["GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"]
HOSTS = [None, "127.0.0.1:4010", "zoo.test", "SHOP.test:80", "api.kie.ai", "nobody.test", "[::1]:80", "!"]


@pytest.fixture(params=["packaged", "awkward", "mixed", "all"])
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Document]:
    texts = {"awkward": {"zoo": ZOO, "pets": SHOP}, "mixed": {"zoo": ZOO, "mixed": MIXED}, "packaged": {}}
    texts["all"] = {"zoo": ZOO, "pets": SHOP, "shop": SHOP}
    for name, text in texts[request.param].items():
        (tmp_path / f"{name}.yaml").write_text(HEAD + text, "utf-8")
    folders = {"packaged": ("packaged",), "all": ("packaged", str(tmp_path))}
    return load_documents(folders.get(request.param, (str(tmp_path),)), NAMES)


@pytest.fixture
def locator(documents: dict[str, Document], monkeypatch: pytest.MonkeyPatch) -> Locator:
    # What is close to a path that stands nowhere is not asked here, and would take most of the time.
    monkeypatch.setattr(locate, "_closest", lambda documents, path: ())
    return Locator(documents)


def incoming(path: str, method: str = "GET", host: str | None = None, sandbox: str | None = None) -> Incoming:
    named = {"host": host, "x-mock-sandbox": sandbox}
    return Incoming(method, path, b"", [(name, text) for name, text in named.items() if text is not None])


def paths(documents: dict[str, Document], chance: Random) -> Iterator[str]:
    """Known paths, and what becomes of them when their segments are changed, dropped, doubled and mixed."""
    known = [t for d in documents.values() for paths in (d.paths, d.aliases) for t in paths.templates]
    words = [*ODD, *documents, *{word for template in known for word in template.split("/")}]
    while True:
        segments = chance.choice(known).split("/")[1:]
        segments = [chance.choice(["x", "y%20z", *words]) if "{" in s else s for s in segments]
        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            at = chance.randrange(len(segments) + 1)
            segments[at : at + chance.randrange(2)] = [chance.choice(words)] * chance.randrange(3)
        prefix = chance.choice(["", "", "", "/_sandbox/a", "/" + chance.choice(list(documents)), "*", "x"])
        yield prefix + "/" + "/".join(segments)


def test_what_is_found_again_is_what_the_walk_finds(documents: dict[str, Document], locator: Locator) -> None:
    chance = Random(7)
    met: dict[str, int] = {}
    made = paths(documents, chance)
    for _ in range(4000):
        path, method, host = next(made), chance.choice(METHODS), chance.choice(HOSTS)
        target, known = locator.locate(path, method, host, None)
        walked = target.documents.walk(target.path, method)

        assert target == locator.target(incoming(path, method, host))
        assert known is None or known == walked, (path, method, host)
        assert locator.find(target, method) == walked, (path, method, host)
        assert locator.find(target, method) == walked, (path, method, host)
        met[type(walked).__name__] = met.get(type(walked).__name__, 0) + 1
        met["known"] = met.get("known", 0) + (known is not None)
    assert min(met["Found"], met["NoRoute"], met["WrongMethod"], met["known"]) > 60


def located(locator: Locator, path: str, method: str = "GET") -> Found | None:
    return locator.locate(path, method, None, None)[1]


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/v1/tasks/{}", {"task_id": "b"}),
        ("/evolink/v1/tasks/{}", {"task_id": "b"}),
        ("/_sandbox/bob/v1/tasks/{}", {"task_id": "b"}),
        ("/api/v1/client/job/Models/suno/{}", {"model": "suno/b"}),
        ("/api/v1/chat/credit", {}),
    ],
)
def test_one_path_found_makes_known_all_that_differ_from_it_in_their_ids(
    path: str, parameters: dict[str, str]
) -> None:
    locator = Locator(load_documents(("packaged",), NAMES))

    assert located(locator, path.format("a")) is None
    found = locator.find(locator.target(incoming(path.format("a"))), "GET")
    known = located(locator, path.format("b"))

    assert isinstance(found, Found)
    assert known is not None
    assert (known.document, known.route, known.parameters) == (found.document, found.route, parameters)


def test_where_texts_may_be_mixtures_only_whole_paths_are_known(folder: Callable[..., str]) -> None:
    locator = Locator(load_documents((folder(mixed=HEAD + MIXED),), NAMES))
    for path in ("/pets/7.json", "/plain"):
        locator.find(locator.target(incoming(path)), "GET")

    assert located(locator, "/pets/7.json") is None
    assert located(locator, "/plain") is not None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/v2/{}/7", "/v2/x/7"),
        ("/v2/x/7/", "/v2/x//"),
        ("/v2/x/7/", "/v2//7/"),
        ("/v2/pets/7", "/v2/pets/oldest"),
        ("/v2/files/7", "/v2/files/new"),
        ("/v2/files/7/8", "/v2/files/7/"),
        ("xzoo/v2/pets/7", "xbar/v2/pets/7"),
        ("/zoo/7/", "/bar/7/"),
    ],
)
def test_paths_that_look_alike_are_told_apart(folder: Callable[..., str], first: str, second: str) -> None:
    locator = Locator(load_documents((folder(zoo=HEAD + ZOO, shop=HEAD + SHOP),), NAMES))
    scope = locator.target(incoming("/")).documents
    walked = [scope.walk(path, "GET") for path in (first, second, first)]

    assert [scope.known(path, "GET") or scope.learn(path, "GET") for path in (first, second, first)] == walked
    assert walked[0] != walked[1]


def test_a_segment_that_is_empty_is_no_id(folder: Callable[..., str]) -> None:
    locator = Locator(load_documents((folder(shop=HEAD + SHOP),), NAMES))

    for id, found in (("7", True), ("", False), ("8", True)):
        target = locator.target(incoming(f"/v2/pets/{id}"))
        assert isinstance(locator.find(target, "GET"), Found) == found


def test_what_is_ambiguous_stays_so(folder: Callable[..., str]) -> None:
    locator = Locator(load_documents((folder(zoo=HEAD + ZOO, shop=HEAD + SHOP),), NAMES))
    answers = [locator.find(locator.target(incoming("/v2/pets")), "GET") for _ in range(3)]

    assert answers == [Ambiguous(("shop", "zoo"), "/v2/pets")] * 3


def test_ids_and_escapes_leave_no_trace(locator: Locator) -> None:
    target = locator.target(incoming("/"))
    for number in range(200):
        for path in (
            "/v1/tasks/{}",
            "/pets/{}",
            "/pets/{}/x{}",
            "/x{}",
            "/pets?{}",
            "/%70ets/{}",
            "/p{}%65ts",
        ):
            locator.find(target._replace(path=path.format(number, number)), "GET")

    assert target.documents.kept < 10


@pytest.mark.parametrize(
    "path", ["/_mock/x", "/_MOCK", "//_mock/", "/_sandbox/a/_mock/x", "/_sandbox/a//_mock"]
)
def test_a_control_path_is_no_documents(path: str) -> None:
    target = Locator({}).target(incoming(path))

    assert (target.is_control, target.documents.documents) == (True, ())


@pytest.mark.parametrize("path", ["/_mocks", "/mock", "/", "", "*", "x_mock", "/a/_mock", "/__mock"])
def test_any_other_path_is_none_of_the_control_apis(path: str) -> None:
    assert not Locator({}).target(incoming(path)).is_control


@pytest.mark.parametrize(
    ("path", "sandbox", "found"),
    [
        ("/x", None, ("default", "/x")),
        ("/x", "alice", ("alice", "/x")),
        ("/_sandbox/bob/x", "alice", ("bob", "/x")),
        ("/_sandbox/b%6Fb", None, ("bob", "/")),
    ],
)
def test_a_target_is_the_same_by_request_and_by_parts(
    path: str, sandbox: str | None, found: tuple[str, str]
) -> None:
    locator = Locator({})
    target = locator.target(incoming(path, sandbox=sandbox))

    assert target[:2] == found
    assert locator.locate(path, "GET", None, sandbox) == (target, None)


@pytest.mark.parametrize(
    ("path", "sandbox"), [("/x", ""), ("/x", "a b"), ("/_sandbox//x", None), ("/x", "a" * 65)]
)
def test_a_name_that_is_no_sandboxes_is_refused(path: str, sandbox: str | None) -> None:
    with pytest.raises(BadSandbox):
        Locator({}).locate(path, "GET", None, sandbox)
