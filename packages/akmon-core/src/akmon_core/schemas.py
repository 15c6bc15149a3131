"""JSON schemas of strangers are made into ones that every provider takes.

Providers refuse different things. What is left here all of them take: no references, no combinators but
``anyOf``, one ``type`` each, lists with ``items``, ``enum`` of strings only (Gemini), property names as
Anthropic wants them, and at the top a plain object. Everything else goes into a description, as words for
the model, or is left to the server, which judges the arguments anyway.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import msgspec

from akmon_core.limits import (
    MCP_DESCRIPTION_CHARS,
    MCP_SCHEMA_CHARS,
    MCP_SCHEMA_DEPTH,
    MCP_SCHEMA_PARTS,
)
from akmon_core.text import neutralise

Schema: TypeAlias = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
"""Of a property, as Anthropic takes it."""
_PLAIN_PATTERN = re.compile(
    r"[^\\(){}]{1,200}|[^\\(){}]*(?:\\[dws.\-][^\\(){}]*|\{\d{1,3}(?:,\d{0,3})?\}[^\\(){}]*){1,20}"
)
"""Regular expressions that every dialect has: no groups, no look-around, no escapes but the common."""
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_DEPTHS = (MCP_SCHEMA_DEPTH, 1, 0)
"""Of a schema that is too large as a whole less is shown, at last the arguments without what is in them."""
_HOPS = 32
"""References and combinators on the way to a value, before it may be anything."""
_ENUM = 200
_NOTE_CHARS = 300
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_SIGNS = {"properties": "object", "required": "object", "additionalProperties": "object", "items": "array"}
"""What a schema that does not say its type is about."""
_ANY_ITEM: Schema = {"anyOf": [{"type": each} for each in ("string", "number", "boolean", "object")]}
"""For lists of anything: Gemini wants to know what is in a list."""
_ANY_OBJECT: Schema = {
    "type": "object",
    "description": "Its schema is too large to be shown: any arguments are passed on.",
    "properties": {},
    "additionalProperties": True,
}


class _TooLarge(Exception):
    """There is more in a schema than may be looked at."""


def sanitised(schema: object) -> Schema:
    """A JSON schema of type object that every provider takes, whatever ``schema`` is: to tell models, not to
    check by. At most ``MCP_SCHEMA_CHARS`` as JSON; its own result gives itself."""
    for depth in _DEPTHS:
        with suppress(_TooLarge):
            made = _Cleaner(schema, depth).top()
            small = len(msgspec.json.encode(made).decode()) <= MCP_SCHEMA_CHARS
            if small and _Cleaner(made, MCP_SCHEMA_DEPTH).top() == made:
                return made
    return {**_ANY_OBJECT, "properties": {}}


class _Place(msgspec.Struct, frozen=True):
    """Where in a schema a part of it is."""

    depth: int = 0
    hops: int = 0
    refs: tuple[str, ...] = ()
    """References that it is within: one of them again would not end."""

    def below(self) -> _Place:
        return msgspec.structs.replace(self, depth=self.depth + 1)

    def beside(self, *refs: str) -> _Place:
        return _Place(self.depth, self.hops + 1, (*self.refs, *refs))


class _Cleaner:
    """Makes one schema into its normal form. A part has a ``type``, or ``anyOf``, or may be anything."""

    def __init__(self, root: object, depth: int) -> None:
        self._root = root
        self._depth = depth
        self._parts = 0

    def top(self) -> Schema:
        """Raises ``_TooLarge``."""
        made = self._part(self._root, _Place())
        branches = [each for each in made.get("anyOf", ()) if each.get("type") == "object"]
        if branches:
            made = _described(_merged(branches), made.get("description"))
        elif made.get("type") != "object":
            made = _described({}, made.get("description"))
        return {"type": "object", **made, "properties": made.get("properties", {})}

    def _part(self, schema: object, place: _Place) -> Schema:
        """``schema`` in its normal form: without false ones, which the caller leaves out."""
        self._parts += 1
        if self._parts > MCP_SCHEMA_PARTS:
            raise _TooLarge
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(schema.get("$ref"), str):
            schema, place = self._referred(schema, place)
        if place.depth > self._depth or place.hops > _HOPS:
            return _outline(schema)
        made = self._own(schema, place)
        for key in ("anyOf", "oneOf"):
            made = _both(made, self._either(schema.get(key), place))
        for each in _list(schema.get("allOf")):
            made = _both(made, self._part(each, place.beside()))
        return made

    def _referred(self, schema: Mapping[str, Any], place: _Place) -> tuple[Mapping[str, Any], _Place]:
        """The schema that is meant, with what stands beside the reference; an outline where it recurs."""
        while isinstance(ref := schema.get("$ref"), str):
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            target = self._target(ref)
            if not isinstance(target, Mapping):
                return beside, place
            schema = {**target, **beside}
            if ref in place.refs or place.hops > _HOPS:
                return _outline(schema), place
            if "$ref" in target:
                schema["$ref"] = target["$ref"]
            place = place.beside(ref)
        return schema, place

    def _target(self, ref: str) -> object:
        """What a local reference leads to; None if to nothing, or elsewhere."""
        if not (ref == "#" or ref.startswith("#/")) or len(ref) > 1_000:
            return None
        found = self._root
        for step in ref.split("/")[1:]:
            step = _PERCENT.sub(_decoded, step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isascii() and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        return found

    def _either(self, branches: object, place: _Place) -> Schema:
        made = [self._part(each, place.beside()) for each in _list(branches) if each is not False]
        return _any(made) if made else {}

    def _own(self, schema: Mapping[str, Any], place: _Place) -> Schema:
        """By its own keywords, without combinators."""
        notes: list[str] = []
        allowed = _allowed(schema)
        types = _types(schema, allowed)
        typed = [self._typed(each, schema, allowed, place, notes) for each in types]
        made = _any(typed) if typed else {}
        default = schema.get("default")
        if "default" in schema and _is_small(default):
            made = {**made, "default": default}
        return _described(made, schema.get("description"), *notes)

    def _typed(
        self,
        kind: str,
        schema: Mapping[str, Any],
        allowed: list[Any] | None,
        place: _Place,
        notes: list[str],
    ) -> Schema:
        self._parts += 1
        match kind:
            case "string":
                return {"type": kind, **_of_string(schema, allowed, notes)}
            case "integer" | "number":
                return {"type": kind, **_of_number(schema, allowed, notes)}
            case "array":
                return {"type": kind, **self._of_array(schema, place)}
            case "object":
                return {"type": kind, **self._of_object(schema, place, notes)}
            case _:
                if kind == "boolean" and allowed is not None:
                    _note_values([each for each in allowed if isinstance(each, bool)], notes)
                return {"type": kind}

    def _of_array(self, schema: Mapping[str, Any], place: _Place) -> Schema:
        listed = [*_list(schema.get("prefixItems")), *_list(schema.get("items"))]
        if isinstance(schema.get("items"), Mapping):
            listed.append(schema["items"])
        made = [self._part(each, place.below()) for each in listed]
        items = _any(made) if made else {}
        if _is_open(items):
            items = _described(_ANY_ITEM, items.get("description"))
        return {"items": items, **_counts(schema, "minItems", "maxItems")}

    def _of_object(self, schema: Mapping[str, Any], place: _Place, notes: list[str]) -> Schema:
        given = schema.get("properties")
        required = [each for each in _list(schema.get("required")) if isinstance(each, str)]
        properties: Schema = {}
        unnamable = []
        for name, each in given.items() if isinstance(given, Mapping) else ():
            if each is False:
                continue
            if isinstance(name, str) and _NAME.fullmatch(name):
                properties[name] = self._part(each, place.below())
            else:
                unnamable.append(_in_words(str(name), each, str(name) in required))
        made: Schema = {}
        if properties:
            made["properties"] = properties
        if listed := [each for each in dict.fromkeys(required) if each in properties]:
            made["required"] = listed
        others = schema.get("additionalProperties")
        if isinstance(others, Mapping):
            others = self._part(others, place.below())
            made["additionalProperties"] = True if _is_open(others) else others
        elif isinstance(others, bool) and not (unnamable or "patternProperties" in schema):
            made["additionalProperties"] = others
        if unnamable:
            notes.append(_cut("It also takes " + ", ".join(unnamable) + ".", _NOTE_CHARS))
        return made


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _decoded(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode(errors="replace")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _clean(text: str) -> str:
    """As a model may read it. Only as much is looked at as can be of use."""
    return _cut(neutralise(text[: 2 * MCP_DESCRIPTION_CHARS]).strip(), MCP_DESCRIPTION_CHARS)


def _described(schema: Schema, description: object, *notes: str) -> Schema:
    """``schema`` with ``description`` in front of its own, and ``notes`` behind."""
    told = _clean(description) if isinstance(description, str) else ""
    own = schema.get("description", "")
    parts = [told, own if own not in told else "", *notes]
    text = _cut(" ".join(filter(None, parts)), MCP_DESCRIPTION_CHARS)
    rest = {key: value for key, value in schema.items() if key != "description"}
    if not text:
        return rest
    kind = {"type": rest.pop("type")} if "type" in rest else {}
    return {**kind, "description": text, **rest}


def _outline(schema: Mapping[str, Any]) -> Schema:
    """What a schema is about, without what is in it."""
    types = _types(schema, _allowed(schema))
    made: Schema = {"type": types[0]} if len(types) == 1 else {}
    if made.get("type") == "array":
        made["items"] = _ANY_ITEM
    return _described(made, schema.get("description"))


def _is_open(schema: Schema) -> bool:
    """It may be anything."""
    return "type" not in schema and "anyOf" not in schema


def _allowed(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values that are allowed, if only some are."""
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) and 0 < len(values) <= _ENUM else None


def _types(schema: Mapping[str, Any], allowed: list[Any] | None) -> list[str]:
    """The types that a value may have; empty is any."""
    given = schema.get("type")
    named = [given] if isinstance(given, str) else _list(given)
    types = [each for each in _TYPES if each in named]
    of_values = {_type_of(each) for each in allowed or ()}
    if allowed is None or "" in of_values:
        return types or [*dict.fromkeys(kind for key, kind in _SIGNS.items() if key in schema)][:1]
    if not types:
        return [each for each in _TYPES if each in of_values]
    return [
        each for each in types if each in of_values or (each == "number" and "integer" in of_values)
    ] or types


def _type_of(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
        case None:
            return "null"
        case _:
            return ""


def _of_string(schema: Mapping[str, Any], allowed: list[Any] | None, notes: list[str]) -> Schema:
    made = _counts(schema, "minLength", "maxLength")
    pattern, form = schema.get("pattern"), schema.get("format")
    if isinstance(pattern, str) and len(pattern) <= 200 and _PLAIN_PATTERN.fullmatch(pattern):
        with suppress(re.error):
            re.compile(pattern)
            made |= {"pattern": pattern} if neutralise(pattern) == pattern else {}
    if isinstance(form, str) and _NAME.fullmatch(form):
        notes.append(f"Format: {form}.")
    values = [each for each in allowed or () if isinstance(each, str)]
    if values and all(_is_small(each) and each for each in values):
        made = {"enum": [*dict.fromkeys(values)]}
    elif values:  # Gemini refuses an empty one, and none may steer a terminal
        _note_values(values, notes)
    return made


def _of_number(schema: Mapping[str, Any], allowed: list[Any] | None, notes: list[str]) -> Schema:
    made = {key: schema[key] for key in ("minimum", "maximum") if _is_number(schema.get(key))}
    for key, words in (("exclusiveMinimum", "More than"), ("exclusiveMaximum", "Less than")):
        if _is_number(schema.get(key)):
            notes.append(f"{words} {schema[key]}.")
    _note_values([each for each in allowed or () if _is_number(each)], notes)
    return made


def _note_values(values: list[Any], notes: list[str]) -> None:
    if not values:
        return
    shown = ", ".join(json.dumps(each, ensure_ascii=False) for each in values)
    notes.append(_cut(neutralise(f"One of: {shown}."[: 2 * _NOTE_CHARS]), _NOTE_CHARS))


def _is_number(value: object) -> bool:
    """One that every JSON reader takes."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) < 2**53 if isinstance(value, float) else abs(value) < 2**53


def _is_small(value: object) -> bool:
    """A value that may be repeated as it is."""
    match value:
        case str():
            return len(value) <= 200 and neutralise(value) == value
        case None | bool():
            return True
        case int() | float():
            return _is_number(value)
        case _:
            return value in ([], {})


def _counts(schema: Mapping[str, Any], *keys: str) -> Schema:
    given = ((key, schema.get(key)) for key in keys)
    return {
        key: value
        for key, value in given
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    }


def _in_words(name: str, schema: object, required: bool) -> str:
    """A property whose name providers do not take."""
    told = schema if isinstance(schema, Mapping) else {}
    types = " or ".join(_types(told, _allowed(told)))
    said = ", ".join(filter(None, (types, "required" if required else "")))
    return neutralise(json.dumps(name[:100], ensure_ascii=False)) + (f" ({said})" if said else "")


def _any(branches: Sequence[Schema]) -> Schema:
    """What fits one of ``branches``; of several that are one, the one."""
    flat: list[Schema] = []
    for each in branches:
        if _is_open(each):
            return _described({}, each.get("description"))
        flat.extend(inner for inner in each.get("anyOf", [each]) if inner not in flat)
    if len(flat) > 1:
        return {"anyOf": flat}
    outer = branches[0]
    return outer if "anyOf" not in outer else _described(flat[0], outer.get("description"))


def _both(one: Schema, other: Schema) -> Schema:
    """What fits both as far as that can be told; else what fits ``one``."""
    if _is_open(other):
        return _described(one, None, *_own_words(other, one))
    if _is_open(one):
        rest = {key: value for key, value in one.items() if key not in other}
        return _described({**rest, **other}, one.get("description"))
    branches = other.get("anyOf", [other])
    if one.get("type") == "object" and all(each.get("type") == "object" for each in branches):
        return _joined(one, _merged(branches))
    if one.get("type") == other.get("type") != "array":
        return {**other, **one}
    return one


def _own_words(schema: Schema, beside: Schema) -> tuple[str, ...]:
    text = schema.get("description", "")
    return (text,) if text and text not in beside.get("description", "") else ()


def _joined(one: Schema, other: Schema) -> Schema:
    """An object that is both."""
    properties = dict(one.get("properties", {}))
    for name, each in other.get("properties", {}).items():
        properties[name] = _both(properties[name], each) if name in properties else each
    required = [*dict.fromkeys((*one.get("required", ()), *other.get("required", ())))]
    made = {**one, **({"properties": properties} if properties else {})}
    made.pop("additionalProperties", None)
    if listed := [each for each in required if each in properties]:
        made["required"] = listed
    return _described(made, None, *_own_words(other, one))


def _merged(branches: Sequence[Schema]) -> Schema:
    """An object that can be any of these objects."""
    if len(branches) == 1:
        return branches[0]
    variants: dict[str, list[Schema]] = {}
    for branch in branches:
        for name, each in branch.get("properties", {}).items():
            variants.setdefault(name, []).append(each)
    properties = {name: _varied(each) for name, each in variants.items()}
    first, *rest = (branch.get("required", ()) for branch in branches)
    made: Schema = {"type": "object"}
    if properties:
        made["properties"] = properties
    if required := [each for each in first if all(each in others for others in rest)]:
        made["required"] = required
    return made


def _varied(variants: list[Schema]) -> Schema:
    """A property that differs between the kinds of an object, such as the one that names the kind."""
    if all(each.get("type") == "string" and "enum" in each for each in variants):
        values = dict.fromkeys(value for each in variants for value in each["enum"])
        return {**variants[0], "enum": [*values]}
    return _any(variants)
