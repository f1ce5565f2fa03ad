from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.openapi.xml import to_xml

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
COMPONENTS: dict[str, Any] = {
    "Pet": {
        "type": "object",
        "xml": {"name": "pet"},
        "properties": {"id": {"type": "integer", "xml": {"attribute": True}}},
    },
    "Tag": {"type": "object", "properties": {"label": {"type": "string"}}},
    "Odd": {
        "properties": {"next": {"$ref": "#/components/schemas/Odd"}},
        "allOf": [{"$ref": "#/components/schemas/Odd"}],
    },
}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def written(value: Any, schema: Any, root: str = "root") -> str:
    """The document after its declaration; it is checked to be well-formed, namespaces included."""
    raw = to_xml(value, schema, lambda target: COMPONENTS[target.rpartition("/")[2]], root)
    ElementTree.fromstring(raw)
    text = raw.decode("utf-8")
    assert text.startswith(DECLARATION)
    return text.removeprefix(DECLARATION)


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_properties_become_elements() -> None:
    value = {"a": 1, "b": True, "c": 1.5, "d": None, "e": {"f": "text"}}

    assert written(value, of()) == "<root><a>1</a><b>true</b><c>1.5</c><d/><e><f>text</f></e></root>"


def test_root_is_named_by_xml_name_then_component_then_caller() -> None:
    assert written({}, ref("Pet")) == "<pet/>"
    assert written({}, ref("Tag")) == "<Tag/>"
    assert written({}, {"allOf": [ref("Tag")]}) == "<Tag/>"
    assert written({}, {**ref("Pet"), "xml": {"name": "animal"}}) == "<animal/>"
    assert written({}, {}) == "<root/>"


def test_property_keeps_its_own_name_unless_xml_renames_it() -> None:
    schema = of(first=ref("Tag"), second=ref("Pet"), third={"xml": {"name": "renamed"}})

    text = written({"first": {}, "second": {}, "third": 3}, schema)

    assert text == "<root><first/><pet/><renamed>3</renamed></root>"


def test_attributes_stand_in_the_tag() -> None:
    schema = of(
        id={"xml": {"attribute": True}}, tags={"xml": {"attribute": True, "name": "of"}}, none=ref("Pet")
    )

    text = written({"id": 7, "tags": [1, True], "none": {"id": None}}, schema)

    assert text == '<root id="7" of="1 true"><pet/></root>'


def test_list_is_repeated_without_a_wrapper() -> None:
    schema = of(tags={"type": "array", "xml": {"name": "ignored"}, "items": {"type": "string"}})

    assert written({"tags": ["a", "b"]}, schema) == "<root><tags>a</tags><tags>b</tags></root>"


def test_items_may_name_themselves() -> None:
    schema = of(tags={"type": "array", "items": {"type": "string", "xml": {"name": "tag"}}})

    assert written({"tags": ["a"]}, schema) == "<root><tag>a</tag></root>"


def test_wrapped_list_has_an_element_of_its_own() -> None:
    plain = {"type": "array", "xml": {"wrapped": True}, "items": {"type": "string"}}
    named = {"type": "array", "xml": {"wrapped": True, "name": "aliens"}, "items": {"xml": {"name": "alien"}}}
    outer = {"type": "array", "xml": {"wrapped": True, "name": "aliens"}, "items": {}}

    assert written({"a": ["x"]}, of(a=plain)) == "<root><a><a>x</a></a></root>"
    assert written({"a": ["x"]}, of(a=named)) == "<root><aliens><alien>x</alien></aliens></root>"
    assert written({"a": ["x"]}, of(a=outer)) == "<root><aliens><aliens>x</aliens></aliens></root>"
    assert written({"a": []}, of(a=plain)) == "<root><a/></root>"


def test_list_at_the_root_names_its_items_by_their_component() -> None:
    assert written([{"label": "x"}], {"type": "array", "items": ref("Tag")}) == (
        "<root><Tag><label>x</label></Tag></root>"
    )
    assert written([{"id": 1}], {"type": "array", "items": ref("Pet")}) == '<root><pet id="1"/></root>'
    assert written([1, [2]], {}) == "<root><item>1</item><item><item>2</item></item></root>"


def test_prefix_and_namespace() -> None:
    schema = {
        **of(
            a={"xml": {"prefix": "s"}},
            b={"xml": {"prefix": "t", "namespace": "urn:t&u"}},
            c={"xml": {"prefix": "no"}},
        ),
        "xml": {"name": "r", "prefix": "s", "namespace": "urn:s"},
    }

    text = written({"a": 1, "b": 2, "c": 3}, schema)

    assert text == ('<s:r xmlns:s="urn:s"><s:a>1</s:a><t:b xmlns:t="urn:t&amp;u">2</t:b><c>3</c></s:r>')


def test_namespace_without_prefix_and_attribute_with_one() -> None:
    schema = {
        **of(a={"xml": {"attribute": True, "prefix": "x", "namespace": "urn:x"}}),
        "xml": {"namespace": "urn:d"},
    }

    assert written({"a": 1}, schema) == '<root xmlns="urn:d" xmlns:x="urn:x" x:a="1"/>'


def test_all_branches_are_looked_through_for_a_property() -> None:
    schema = {
        "allOf": [ref("Tag"), of(a={"xml": {"name": "A"}})],
        "oneOf": [of(b={"xml": {"attribute": True}})],
    }

    assert written({"a": 1, "b": 2, "label": 3}, schema, "r") == '<r b="2"><A>1</A><label>3</label></r>'


def test_alternatives_do_not_name_the_place_that_offers_them() -> None:
    assert (
        written({"animal": {"id": 1}}, of(animal={"oneOf": [ref("Pet")]})) == '<root><animal id="1"/></root>'
    )


def test_map_entries_take_the_schema_of_additional_properties() -> None:
    schema = {"type": "object", "additionalProperties": {"xml": {"attribute": True}}}

    assert written({"a": 1}, schema) == '<root a="1"/>'


def test_text_is_escaped_and_forbidden_characters_are_gone() -> None:
    schema = of(q={"xml": {"attribute": True}})

    text = written({"q": 'a"<&\n\x01', "t": "<&>\r\x00\ud800\ufffe"}, schema)

    assert text in (
        "<root q='a\"&lt;&amp;&#10;'><t>&lt;&amp;&gt;&#13;</t></root>",
        '<root q="a&quot;&lt;&amp;&#10;"><t>&lt;&amp;&gt;&#13;</t></root>',
    )


@pytest.mark.parametrize(
    ("name", "tag"), [("two words", "two_words"), ("1st", "_1st"), ("", "_"), ("a:b", "a_b"), ("é", "é")]
)
def test_names_are_made_valid(name: str, tag: str) -> None:
    assert written({name: "x"}, {}) == f"<root><{tag}>x</{tag}></root>"


def test_component_that_goes_round_in_circles_ends() -> None:
    assert written({"next": {"next": 1}}, ref("Odd")) == "<Odd><next><next>1</next></next></Odd>"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=12,
)


@given(
    _JSON, st.text(), st.dictionaries(st.sampled_from(["name", "prefix", "namespace"]), st.text(min_size=1))
)
def test_every_value_is_well_formed_xml(value: Any, root: str, words: dict[str, str]) -> None:
    schema = {"xml": words, "additionalProperties": {"xml": {"attribute": True}}, "items": {"xml": words}}

    assert written(value, schema, root)
