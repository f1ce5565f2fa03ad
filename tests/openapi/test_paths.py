"""Which template a path fits, and which comes first where several do."""

from __future__ import annotations

import time

import pytest

from mockserver.openapi.paths import Paths


def known(*templates: str, rest: str | None = None) -> Paths[str]:
    """Templates, each of which stands for itself."""
    paths: Paths[str] = Paths()
    for template in templates:
        assert paths.add("GET", template, template, rest=rest) is None
    return paths


def found(paths: Paths[str], path: str) -> list[tuple[str, dict[str, str]]]:
    return [(match.methods["GET"][0], match.parameters("GET")) for match in paths.find(path)]


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("/", "/", {}),
        ("/a", "/a", {}),
        ("/a/", "/a/", {}),
        ("/größe", "/gr%C3%B6%C3%9Fe", {}),
        ("/gr%C3%B6%C3%9Fe", "/größe", {}),
        ("/a b", "/a%20b", {}),
        ("/{x}", "/1", {"x": "1"}),
        ("/{x}", "/a%2Fb", {"x": "a%2Fb"}),
        ("/{x}/b/{y}", "/1/b/2", {"x": "1", "y": "2"}),
        ("/{x}.json", "/a.json", {"x": "a"}),
        ("/{x}-{y}", "/a-b", {"x": "a", "y": "b"}),
        ("/v{x}", "/v1", {"x": "1"}),
        ("/a(b)", "/a(b)", {}),
        ("/a.b", "/a.b", {}),
        ("/{x y}", "/1", {"x y": "1"}),
    ],
)
def test_a_path_fits_its_template(template: str, path: str, parameters: dict[str, str]) -> None:
    assert found(known(template), path) == [(template, parameters)]


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/", ""),
        ("/", "//"),
        ("/a", "/a/"),
        ("/a/", "/a"),
        ("/a", "/A"),
        ("/a", "/a/b"),
        ("/a.b", "/axb"),
        ("/{x}", "/"),
        ("/{x}", "/a/b"),
        ("/{x}.json", "/.json"),
        ("/{x}-{y}", "/a-"),
        ("/a%2Fb", "/a/b"),
    ],
)
def test_a_path_does_not_fit_another(template: str, path: str) -> None:
    assert found(known(template), path) == []


def test_a_literal_comes_before_a_mixture_before_anything() -> None:
    paths = known("/{x}", "/{x}.json", "/a.json", "/{long}.part.json")

    assert [template for template, _ in found(paths, "/a.json")] == ["/a.json", "/{x}.json", "/{x}"]
    assert [template for template, _ in found(paths, "/b.part.json")] == [
        "/{long}.part.json",
        "/{x}.json",
        "/{x}",
    ]


def test_the_first_segment_decides_before_the_second() -> None:
    paths = known("/{x}/b", "/a/{y}")

    assert found(paths, "/a/b") == [("/a/{y}", {"y": "b"}), ("/{x}/b", {"x": "a"})]


def test_a_dead_end_leads_back_to_the_next_best_template() -> None:
    paths = known("/a/b/c", "/a/{x}/d")

    assert found(paths, "/a/b/d") == [("/a/{x}/d", {"x": "b"})]


def test_a_rest_takes_slashes_and_comes_last() -> None:
    paths = known("/m/{rest}", rest="rest")
    paths.add("GET", "/m/{one}", "one", rest=None)

    assert found(paths, "/m/a/b%2Fc") == [("/m/{rest}", {"rest": "a/b%2Fc"})]
    assert [name for name, _ in found(paths, "/m/a")] == ["one", "/m/{rest}"]
    assert found(paths, "/m/") == []


def test_each_method_keeps_its_own_names_for_parameters() -> None:
    paths: Paths[str] = Paths()
    paths.add("GET", "/a/{x}", "read")
    paths.add("PUT", "/a/{id}", "write")

    (match,) = paths.find("/a/1")

    assert match.parameters("GET") == {"x": "1"}
    assert match.parameters("PUT") == {"id": "1"}


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("/a/{x}", "/a/{y}", True),
        ("/a/{x}.json", "/a/{y}.json", True),
        ("/a b", "/a%20b", True),
        ("/a/{x}", "/a/x", False),
        ("/a/{x}", "/a/{x}/", False),
        ("/a/{x}", "/a/{x}.json", False),
    ],
)
def test_a_template_that_fits_the_same_paths_is_refused_with_the_one_that_is_there(
    first: str, second: str, clash: bool
) -> None:
    paths = known(first)

    assert paths.add("GET", second, second) == (first if clash else None)
    assert paths.add("POST", second, second) is None


def test_very_many_templates_and_very_long_paths_take_no_time() -> None:
    paths = known(*(f"/g{n // 100}/{{x}}/p{n}" for n in range(5000)), *(f"/m/{{x}}.{n}" for n in range(500)))

    began = time.monotonic()
    answers = [found(paths, "/g49/1/p4999"), found(paths, "/m/a.499"), found(paths, "/a" * 30_000)]

    assert [len(answer) for answer in answers] == [1, 1, 0]
    assert time.monotonic() - began < 5


def test_a_long_segment_against_a_mixture_takes_no_time() -> None:
    paths = known("/{a}-{b}-{c}-{d}")

    began = time.monotonic()
    assert found(paths, "/" + "x" * 60_000) == []
    assert found(paths, "/" + "-" * 3_000)
    assert time.monotonic() - began < 5
