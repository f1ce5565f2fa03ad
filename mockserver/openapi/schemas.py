"""The validators of one document: each schema is checked where it stands, in the document's own dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from mockserver.openapi.pattern import matches
from mockserver.openapi.source import Json, Source
from mockserver.openapi.violation import Violation, explain

Direction = Literal["request", "response"]


class Place(NamedTuple):
    """A schema and the pointer where it stands; equal pointers are one schema."""

    pointer: str
    node: Json


class Schemas:
    """Checks values against the schemas of one document; a validator is built once, at its first use."""

    def __init__(self, source: Source, allowed_hosts: frozenset[str] = frozenset()) -> None:
        self.source = source
        self._allowed_hosts = allowed_hosts
        self._validators: dict[tuple[str, Direction], Any] = {}

    def place(self, pointer: str) -> Place:
        """The schema at a pointer."""
        return Place(pointer, self.source.follow(pointer)[0])

    def violations(
        self, place: Place, value: Json, *, where: str, pointer: str, direction: Direction = "request"
    ) -> Iterator[Violation]:
        """Every way in which the value breaks the schema."""
        errors = self._validator(place.pointer, direction).iter_errors(value)
        try:
            yield from explain(errors, document=self.source.name, where=where, pointer=pointer)
        except RecursionError:
            text = "nested too deeply for its schema"
            yield Violation(where, self.source.name, pointer, "depth", "fewer levels", "too many", text)

    def allows(self, place: Place, value: Json, direction: Direction = "response") -> bool:
        """True when the value keeps the schema; one nested too deeply to tell does not."""
        try:
            return bool(self._validator(place.pointer, direction).is_valid(value))
        except RecursionError:
            return False

    def accepts(self, node: Json, value: Json, direction: Direction = "response") -> bool:
        """True when the value keeps a schema that stands nowhere; RecursionError where nobody can tell."""
        return bool(self._dialect.loose(node, direction).is_valid(value))

    def _validator(self, pointer: str, direction: Direction) -> Any:
        known = self._validators.get((pointer, direction))
        if known is None:
            known = self._validators[pointer, direction] = self._dialect.validator(pointer, direction)
        return known

    @cached_property
    def _dialect(self) -> _Dialect:
        return _Dialect(self.source, self._allowed_hosts)


class _Dialect:
    """jsonschema, told what OpenAPI adds. Made at the first validation, for the import alone costs 40 ms."""

    def __init__(self, source: Source, allowed_hosts: frozenset[str]) -> None:
        from referencing import Registry, Resource

        self._source = source
        self._uri = f"urn:document:{quote(source.name)}"
        resource: Any = Resource.opaque(source.data)
        registry: Any = Registry()
        self._registry = registry.with_resource(self._uri, resource)
        directions: tuple[Direction, ...] = ("request", "response")
        self._classes = {direction: self._class(direction, allowed_hosts) for direction in directions}

    def validator(self, pointer: str, direction: Direction) -> Any:
        from mockserver.openapi.formats import FORMATS

        schema = {"$ref": f"{self._uri}#{quote(pointer, safe='/~')}"}
        return self._classes[direction](schema, registry=self._registry, format_checker=FORMATS)

    def loose(self, node: Json, direction: Direction) -> Any:
        """The validator of a schema that stands nowhere, its references read as the document's."""
        from mockserver.openapi.formats import FORMATS

        # No public argument says what `#/…` is relative to: this is the reason for our bound on jsonschema.
        resolver = self._registry.resolver(base_uri=self._uri)
        return self._classes[direction](
            node, registry=self._registry, _resolver=resolver, format_checker=FORMATS
        )

    def _class(self, direction: Direction, allowed_hosts: frozenset[str]) -> Any:
        from jsonschema.validators import Draft4Validator, Draft202012Validator, create

        from mockserver.openapi import rules

        old = self._source.version == "3.0"
        base = Draft4Validator if old else Draft202012Validator
        ours: dict[str, Any] = {
            "required": self._required(direction),
            "allOf": self._all_of(base.VALIDATORS["allOf"], direction),
            "dependentRequired": _dependent_required,
            "multipleOf": _multiple_of,
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties(base.VALIDATORS["additionalProperties"]),
            "oneOf": _chosen(base.VALIDATORS["oneOf"]),
            "anyOf": _chosen(base.VALIDATORS["anyOf"]),
            "x-rules": rules.check(allowed_hosts),
        }
        if old:
            ours["type"] = _nullable(base.VALIDATORS["type"])
            ours["enum"] = _nullable(base.VALIDATORS["enum"])
            for keyword in ("allOf", "oneOf", "anyOf"):
                ours[keyword] = _nullable(ours.get(keyword, base.VALIDATORS[keyword]))
        return create(
            meta_schema={},
            validators={**base.VALIDATORS, **ours},
            version=f"OpenAPI {self._source.version} {direction}",
            type_checker=Draft202012Validator.TYPE_CHECKER,
            id_of=_nameless,
            applicable_validators=_without_siblings if old else _all_keywords,
        )

    def _required(self, direction: Direction) -> Any:
        """`required`, but for what the other direction alone carries, its error at the missing field."""
        from jsonschema import ValidationError

        exempt = _HIDDEN[direction]

        def required(validator: Any, names: Json, instance: Json, schema: Any) -> Iterator[Any]:
            if isinstance(instance, dict):
                for name in names:
                    if name not in instance and not self._marked(schema, name, exempt):
                        yield ValidationError(f"{name!r} is required", path=(name,))

        return required

    def _all_of(self, keyword: Any, direction: Direction) -> Any:
        """`allOf`, one part of which may require what another part marks as the other direction's."""
        exempt = _HIDDEN[direction]

        def all_of(validator: Any, branches: Json, instance: Json, schema: Any) -> Iterator[Any]:
            for error in keyword(validator, branches, instance, schema) or ():
                own = error.validator == "required" and len(error.path) == 1
                if not (own and self._marked(schema, error.path[0], exempt)):
                    yield error

        return all_of

    def _marked(self, schema: Any, name: str, mark: str) -> bool:
        """Does the schema, or one that applies beside it, mark the property?"""
        properties = (part.get("properties", {}).get(name) for part in parts(self._source, schema))
        return any(part.get(mark) is True for node in properties for part in parts(self._source, node))


_HIDDEN: Mapping[Direction, str] = {"request": "readOnly", "response": "writeOnly"}


def parts(source: Source, node: Json) -> Iterator[dict[str, Any]]:
    """A schema and every one that applies, or may apply, beside it to the same value."""
    waiting: list[Json] = [node]
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.get("$ref"), str):
            waiting.append(source.resolve(node["$ref"]))
            if source.version == "3.0":
                continue  # beside a reference nothing else counts
        yield node
        for keyword in ("anyOf", "oneOf", "allOf"):
            waiting.extend(reversed(node.get(keyword, ())))


def _nameless(schema: Any) -> Any:
    """No schema has an id: references were made plain when the document was read."""
    return None


def _all_keywords(schema: Any) -> Any:
    return schema.items()


def _without_siblings(schema: Any) -> Any:
    """OpenAPI 3.0: beside `$ref` nothing else counts."""
    return [("$ref", schema["$ref"])] if "$ref" in schema else schema.items()


def _nullable(keyword: Any) -> Any:
    """OpenAPI 3.0: `nullable: true` lets null through whatever else its schema says."""

    def nullable(validator: Any, value: Json, instance: Json, schema: Any) -> Iterator[Any]:
        if instance is None and schema.get("nullable") is True:
            return iter(())
        return iter(keyword(validator, value, instance, schema) or ())

    return nullable


def _dependent_required(validator: Any, dependent: Json, instance: Json, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, dict):
        for name, others in dependent.items():
            for other in others if name in instance else ():
                if other not in instance:
                    yield ValidationError(f"{other!r} is required beside {name!r}", path=(other,))


def _additional_properties(keyword: Any) -> Any:
    """One error for each extra field, pointing at it."""
    from jsonschema import ValidationError

    def additional_properties(validator: Any, allowed: Json, instance: Json, schema: Any) -> Iterator[Any]:
        if allowed is not False:
            yield from keyword(validator, allowed, instance, schema) or ()
        elif isinstance(instance, dict):
            for name in instance:
                if name not in schema.get("properties", {}) and not _is_patterned(schema, name):
                    yield ValidationError(f"{name!r} is not a documented field", path=(name,))

    return additional_properties


def _is_patterned(schema: Any, name: str) -> bool:
    return any(matches(pattern, name) for pattern in schema.get("patternProperties", {}))


def _pattern(validator: Any, pattern: Json, instance: Json, schema: Any) -> Iterator[Any]:
    """`pattern`, which is ECMAScript's, as Python's `re` alone would not read it."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Json, instance: Json, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, inner in patterns.items():
            for name, value in instance.items():
                if matches(pattern, name):
                    yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _multiple_of(validator: Any, step: Json, instance: Json, schema: Any) -> Iterator[Any]:
    """`multipleOf` by the numbers as they are written: 0.57 is a multiple of 0.01, which floats deny."""
    from jsonschema import ValidationError

    from mockserver.openapi.sample.shape import exactly

    if isinstance(instance, bool) or not isinstance(instance, (int, float)):
        return
    if (exactly(instance) / exactly(step)).denominator != 1:
        yield ValidationError(f"{instance!r} is not a multiple of {step}")


def _chosen(keyword: Any) -> Any:
    """`oneOf` and `anyOf`, but where a discriminator names the alternative, that one alone is checked."""
    from jsonschema import ValidationError

    def chosen(validator: Any, branches: Json, instance: Json, schema: Any) -> Iterator[Any]:
        discriminator = schema.get("discriminator")
        if not isinstance(discriminator, dict) or not isinstance(instance, dict):
            yield from keyword(validator, branches, instance, schema) or ()
            return
        name = discriminator["propertyName"]
        known = alternatives(discriminator, branches)
        if name not in instance:
            yield ValidationError(f"{name!r} is required", validator="required", path=(name,))
        elif instance[name] in known if isinstance(instance[name], str) else False:
            yield from validator.descend(instance, known[instance[name]])
        else:
            text = f"{instance[name]!r} names no alternative; known: {', '.join(known)}"
            yield ValidationError(
                text,
                validator="discriminator",
                validator_value=list(known),
                instance=instance[name],
                path=(name,),
            )

    return chosen


def alternatives(discriminator: Mapping[str, Json], branches: list[Json]) -> dict[str, Json]:
    """The discriminating property's value for each alternative: mapped names first, then implicit ones."""
    known: dict[str, Json] = {}
    mapped: set[str] = set()
    for value, target in discriminator.get("mapping", {}).items():
        ref = target if "/" in target else f"#/components/schemas/{target}"
        known[value] = {"$ref": ref}
        mapped.add(ref)
    for branch in branches:
        ref = branch.get("$ref") if isinstance(branch, dict) else None
        if ref and ref not in mapped:
            known.setdefault(ref.rpartition("/")[2], branch)
    return known
