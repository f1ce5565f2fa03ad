"""jsonschema, told what OpenAPI adds: it explains what a value breaks, and decides where no acceptor can.

Imported at the first value that is not plainly accepted, for jsonschema's import alone costs 40 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from jsonschema import ValidationError
from jsonschema.validators import Draft4Validator, Draft202012Validator, create
from referencing import Registry, Resource

from mockserver.openapi import checks
from mockserver.openapi.acceptor import Acceptors
from mockserver.openapi.applicable import HIDDEN, Direction, alternatives, marked
from mockserver.openapi.formats import FORMATS
from mockserver.openapi.pattern import matches
from mockserver.openapi.rules import Rules
from mockserver.openapi.sample.shape import exactly
from mockserver.openapi.source import Json, Source, at

# What jsonschema's errors hold where nothing was said yet.
_UNSET = ValidationError("").schema


class Dialect:
    """The validators of one document for one direction."""

    def __init__(
        self, source: Source, direction: Direction, allowed_hosts: frozenset[str], acceptors: Acceptors
    ) -> None:
        self._source = source
        self._mark = HIDDEN[direction]
        self._uri = f"urn:document:{quote(source.name)}"
        resource: Any = Resource.opaque(source.data)
        registry: Any = Registry()
        self._registry = registry.with_resource(self._uri, resource)
        self._is_old = source.version == "3.0"
        self._class = self._created(direction, allowed_hosts)
        self._walk = _Walk(source, self._class.VALIDATORS, acceptors)
        self._nodes: dict[str, Json] = {}
        self._validators: dict[str, Any] = {}
        # By the identity of nodes of the document, which live as long as it does.
        self._marks: dict[int, tuple[Json, frozenset[str]]] = {}

    def validator(self, pointer: str) -> Any:
        """jsonschema's validator of the schema at a pointer; built once."""
        known = self._validators.get(pointer)
        if known is None:
            schema = {"$ref": f"{self._uri}#{quote(pointer, safe='/~')}"}
            known = self._class(schema, registry=self._registry, format_checker=FORMATS)
            self._validators[pointer] = known
        return known

    def loose(self, node: Json) -> Any:
        """The validator of a schema that stands nowhere, its references read as the document's."""
        # No public argument says what `#/…` is relative to: this is the reason for our bound on jsonschema.
        resolver = self._registry.resolver(base_uri=self._uri)
        return self._class(node, registry=self._registry, _resolver=resolver, format_checker=FORMATS)

    def errors(self, pointer: str, value: Json) -> Iterator[Any]:
        """What `validator` tells of a value, but sooner; for schemas that have an acceptor."""
        node = self._nodes.get(pointer, _UNSET)
        if node is _UNSET:
            node = self._nodes[pointer] = at(self._source.data, pointer)
        return self._walk.descend(value, node)

    def _created(self, direction: Direction, allowed_hosts: frozenset[str]) -> Any:
        base = Draft4Validator if self._is_old else Draft202012Validator
        ours: dict[str, Any] = {
            "required": self._required,
            "allOf": self._all_of(base.VALIDATORS["allOf"]),
            "dependentRequired": _dependent_required,
            "multipleOf": _multiple_of,
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties(base.VALIDATORS["additionalProperties"]),
            "oneOf": _chosen(base.VALIDATORS["oneOf"]),
            "anyOf": _chosen(base.VALIDATORS["anyOf"]),
            "x-rules": _x_rules(Rules(allowed_hosts)),
        }
        if self._is_old:
            ours["type"] = _nullable(base.VALIDATORS["type"])
            ours["enum"] = _nullable(base.VALIDATORS["enum"])
            for keyword in ("allOf", "oneOf", "anyOf"):
                ours[keyword] = _nullable(ours[keyword])
        return create(
            meta_schema={},
            validators={**base.VALIDATORS, **ours},
            version=f"OpenAPI {self._source.version} {direction}",
            type_checker=Draft202012Validator.TYPE_CHECKER,
            id_of=_nameless,
            applicable_validators=_without_siblings if self._is_old else _all_keywords,
        )

    def _required(self, validator: Any, names: Json, instance: Json, schema: Any) -> Iterator[Any]:
        """`required`, but for what the other direction alone carries, its error at the missing field."""
        if isinstance(instance, dict):
            for name in names:
                if name not in instance and name not in self._marked(schema):
                    yield ValidationError(f"{name!r} is required", path=(name,))

    def _all_of(self, keyword: Any) -> Any:
        """`allOf`, one part of which may require what another part marks as the other direction's."""

        def all_of(validator: Any, branches: Json, instance: Json, schema: Any) -> Iterator[Any]:
            for error in keyword(validator, branches, instance, schema) or ():
                own = error.validator == "required" and len(error.path) == 1
                if not (own and error.path[0] in self._marked(schema)):
                    yield error

        return all_of

    def _marked(self, schema: Any) -> frozenset[str]:
        """The properties that the schema, or one that applies beside it, marks as the other direction's."""
        known = self._marks.get(id(schema))
        if known is None or known[0] is not schema:
            known = schema, marked(self._source, schema, self._mark)
            # Loose schemas come and go; those of the document are far fewer.
            if len(self._marks) > _MOST_MARKS:
                self._marks.clear()
            self._marks[id(schema)] = known
        return known[1]


_MOST_MARKS = 10_000


class _Walk:
    """A validator for jsonschema's keyword functions that is led past every part which an acceptor accepts.

    It has what those functions ask of a validator, and builds none: jsonschema makes one for every part,
    which with the look for its references takes 10 µs.
    """

    format_checker = FORMATS

    def __init__(self, source: Source, keywords: Mapping[str, Any], acceptors: Acceptors) -> None:
        self._source = source
        self._keywords = keywords
        self._acceptors = acceptors
        self._is_old = source.version == "3.0"
        # By the identity of nodes of the document, which live as long as it does.
        self._steps: dict[int, list[_Step]] = {}

    def is_type(self, instance: Json, name: str) -> bool:
        return checks.TYPES[name](instance)

    def evolve(self, schema: Json) -> _Part:
        return _Part(self._accepting(schema))

    def descend(
        self,
        instance: Json,
        schema: Json,
        path: str | int | None = None,
        schema_path: str | int | None = None,
    ) -> Iterator[Any]:
        """The errors of a part, in jsonschema's order; none at all where the acceptor has none."""
        if self._accepting(schema)(instance):
            return iter(())
        return self._errors(instance, schema, path, schema_path)

    def _accepting(self, schema: Json) -> checks.Accepts:
        accepts = self._acceptors.known.get(id(schema)) or self._acceptors.loose(schema)
        assert accepts is not None, "every part of a schema with an acceptor has one"
        return accepts

    def _errors(
        self, instance: Json, schema: Json, path: str | int | None, schema_path: str | int | None
    ) -> Iterator[Any]:
        if schema is False:
            yield _refused(instance)
            return
        for keyword, value, function, is_named in self._steps.get(id(schema)) or self._steps_of(schema):
            for error in function(self, value, instance, schema) or ():
                if error.schema is _UNSET:
                    _settle(error, keyword, value, instance, schema)
                if is_named:
                    error.schema_path.appendleft(keyword)
                if path is not None:
                    error.path.appendleft(path)
                if schema_path is not None:
                    error.schema_path.appendleft(schema_path)
                yield error

    def _steps_of(self, schema: Any) -> list[_Step]:
        """The keywords of a schema that say something, in its order; kept for schemas of the document."""
        found = _without_siblings(schema) if self._is_old else schema.items()
        steps = [self._step(keyword, value) for keyword, value in found if keyword in self._keywords]
        if id(schema) in self._acceptors.known:
            self._steps[id(schema)] = steps
        return steps

    def _step(self, keyword: str, value: Json) -> _Step:
        if keyword != "$ref":
            return _Step(keyword, value, self._keywords[keyword], keyword != "if")
        # Every reference is a plain `#/…`: looked up once, where jsonschema takes 8 µs each time.
        return _Step(keyword, value, _follow(self._source.resolve(value)), False)


class _Step(NamedTuple):
    """A keyword of a schema: its value, its function, and whether errors name it in their path."""

    keyword: str
    value: Json
    function: Callable[..., Any]
    is_named: bool


def _follow(node: Json) -> Callable[..., Iterator[Any]]:
    """The keyword function of a `$ref` to this node."""

    def ref(validator: Any, value: Json, instance: Json, schema: Any) -> Iterator[Any]:
        found: Iterator[Any] = validator.descend(instance, node)
        return found

    return ref


class _Part:
    """What jsonschema's keyword functions ask of a validator that they evolved: is a value valid?"""

    def __init__(self, accepts: checks.Accepts) -> None:
        self.is_valid = accepts


def _settle(error: Any, keyword: str, value: Json, instance: Json, schema: Json) -> None:
    """Say of a fresh error what its keyword function did not."""
    error.schema = schema
    if error.validator is _UNSET:
        error.validator = keyword
    if error.validator_value is _UNSET:
        error.validator_value = value
    if error.instance is _UNSET:
        error.instance = instance


def _refused(instance: Json) -> ValidationError:
    """The error of the schema `false`, in jsonschema's words."""
    text = f"False schema does not allow {instance!r}"
    whole: Any = {"validator": None, "validator_value": None, "instance": instance, "schema": False}
    return ValidationError(text, **whole)


# --- keywords -----------------------------------------------------------------------------------------------


def _nameless(schema: Any) -> Any:
    """No schema has an id: references were made plain when the document was read."""
    return None


def _all_keywords(schema: Any) -> Any:
    return schema.items()


def _without_siblings(schema: Any) -> Any:
    """OpenAPI 3.0: beside `$ref` nothing else counts."""
    return [("$ref", schema["$ref"])] if "$ref" in schema else schema.items()


def _x_rules(rules: Rules) -> Callable[..., Iterator[Any]]:
    """The keyword function of `x-rules`: an error with the outcome that the rule leads to."""

    def x_rules(validator: Any, listed: Json, instance: Json, schema: Any) -> Iterator[Any]:
        for rule in listed:
            broken = rules.broken(rule, instance, schema)
            if broken is not None:
                error: Any = ValidationError(
                    broken.message, validator=rule["rule"], validator_value=broken.wanted, path=broken.path
                )
                error.outcome = rule.get("outcome", "invalid")
                yield error

    return x_rules


def _nullable(keyword: Any) -> Any:
    """OpenAPI 3.0: `nullable: true` lets null through whatever else its schema says."""

    def nullable(validator: Any, value: Json, instance: Json, schema: Any) -> Iterator[Any]:
        if instance is None and schema.get("nullable") is True:
            return iter(())
        return iter(keyword(validator, value, instance, schema) or ())

    return nullable


def _dependent_required(validator: Any, dependent: Json, instance: Json, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for name, others in dependent.items():
            for other in others if name in instance else ():
                if other not in instance:
                    yield ValidationError(f"{other!r} is required beside {name!r}", path=(other,))


def _additional_properties(keyword: Any) -> Any:
    """One error for each extra field, pointing at it."""

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
    if isinstance(instance, bool) or not isinstance(instance, (int, float)):
        return
    if (exactly(instance) / exactly(step)).denominator != 1:
        yield ValidationError(f"{instance!r} is not a multiple of {step}")


def _chosen(keyword: Any) -> Any:
    """`oneOf` and `anyOf`, but where a discriminator names the alternative, that one alone is checked."""

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
