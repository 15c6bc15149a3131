"""The fields that a server wants to have filled in: what is asked about each, and which answers fit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from akmon_core.limits import OPTIONS, QUESTION_CHARS
from akmon_core.text import exposed, one_line

Value: TypeAlias = str | int | float | bool | list[str]
_Kind: TypeAlias = Literal["string", "number", "integer", "boolean", "choice", "choices"]
_TITLE_CHARS = 200
_CHOICES = 200
_YES, _NO = ("yes", "y", "true"), ("no", "n", "false")


class Wrong(Exception):
    """An answer that does not fit, or a field that a person cannot be asked for; the message says why."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    about: str
    kind: _Kind
    required: bool
    choices: dict[str, str] = {}
    """The values that may be chosen, by what is shown of them."""
    schema: Mapping[str, Any] = {}

    @property
    def default(self) -> Value | None:
        """None if there is none, or one that does not fit."""
        given = self.schema.get("default")
        try:
            return _checked(self, given)
        except Wrong:
            return None


def fields_of(schema: Mapping[str, Any]) -> list[Field]:
    """Raises ``Wrong`` if a person cannot be asked for one that has to be there."""
    properties = schema.get("properties")
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    fields: list[Field] = []
    for name, each in properties.items() if isinstance(properties, dict) else ():
        field = _field(str(name), each, required=name in needed) if isinstance(each, Mapping) else None
        if field is not None:
            fields.append(field)
        elif name in needed:
            raise Wrong(f"there is no asking for {one_line(str(name), 100)}")
    return fields


def _field(name: str, schema: Mapping[str, Any], *, required: bool) -> Field | None:
    title, about = schema.get("title"), schema.get("description")
    items = schema.get("items")
    kind: _Kind
    choices: dict[str, str] = {}
    match schema.get("type"):
        case "array" if isinstance(items, Mapping):
            kind, choices = "choices", _choices(items)
        case "string" | None if values := _choices(schema):
            kind, choices = "choice", values
        case "string" | "number" | "integer" | "boolean" as simple:
            kind = simple
        case _:
            return None
    if kind == "choices" and not choices:
        return None
    return Field(
        name=name,
        title=one_line(exposed((title if isinstance(title, str) and title else name)[:1_000]), _TITLE_CHARS),
        about=one_line(exposed(about[:QUESTION_CHARS]), QUESTION_CHARS) if isinstance(about, str) else "",
        kind=kind,
        required=required,
        choices=choices,
        schema=schema,
    )


def _choices(schema: Mapping[str, Any]) -> dict[str, str]:
    """By what is shown of them: ``enum`` with ``enumNames``, or ``oneOf`` or ``anyOf`` of constants."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(values := schema.get("enum"), list):
        names = schema.get("enumNames")
        titles = names if isinstance(names, list) and len(names) == len(values) else values
        pairs = [*zip(values, titles, strict=True)]
    for key in ("oneOf", "anyOf"):
        if isinstance(listed := schema.get(key), list):
            pairs += [(each.get("const"), each.get("title")) for each in listed if isinstance(each, Mapping)]
    choices: dict[str, str] = {}
    for value, title in pairs[:_CHOICES]:
        if isinstance(value, str):
            label = one_line(
                exposed((title if isinstance(title, str) and title else value)[:1_000]), _TITLE_CHARS
            )
            choices[label if label not in choices else f"{label} ({len(choices) + 1})"] = value
    return choices


def read_answer(field: Field, text: str) -> Value:
    """The answer ``text`` as a value. Raises ``Wrong``."""
    match field.kind:
        case "boolean":
            if folded(text) not in (*_YES, *_NO):
                raise Wrong("the answer is yes or no")
            return folded(text) in _YES
        case "choice":
            return _chosen(field, text)
        case "choices":
            whole = folded(text) in map(folded, field.choices)
            words = [text] if whole else text.replace("\n", ",").split(",")
            return _checked(field, [*dict.fromkeys(_chosen(field, word) for word in words if word.strip())])
        case "integer" | "number":
            return _checked(field, _number(text))
        case "string":
            return _checked(field, text)


def _chosen(field: Field, text: str) -> str:
    wanted = folded(text)
    for label, value in field.choices.items():
        if text.strip() == value or wanted == folded(label):
            return value
    raise Wrong(f"{one_line(text, 100)} is none of {one_line(_listed(field), 500)}")


def _number(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Wrong(f"{one_line(text, 100)} is no number") from None


def _checked(field: Field, value: object) -> Value:
    """``value`` if it fits the field; its regular expression is left to the server. Raises ``Wrong``."""
    match field.kind:
        case "boolean" if isinstance(value, bool):
            return value
        case "choice" if isinstance(value, str) and value in field.choices.values():
            return value
        case "choices" if isinstance(value, list) and all(each in field.choices.values() for each in value):
            _check_size(field, len(value), "Items", "answers")
            return value
        case "string" if isinstance(value, str):
            _check_size(field, len(value), "Length", "characters")
            _check_format(field.schema.get("format"), value)
            return value
        case "integer" | "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return _in_range(field, value)
    raise Wrong("the answer is of another kind")


def _in_range(field: Field, value: float) -> int | float:
    if not abs(value) < math.inf or (field.kind == "integer" and value % 1):
        raise Wrong(f"{value} is no {'whole ' * (field.kind == 'integer')}number")
    least, most = field.schema.get("minimum"), field.schema.get("maximum")
    if isinstance(least, int | float) and value < least:
        raise Wrong(f"{value} is less than {least}")
    if isinstance(most, int | float) and value > most:
        raise Wrong(f"{value} is more than {most}")
    return int(value) if field.kind == "integer" else value


def _check_size(field: Field, size: int, what: str, unit: str) -> None:
    least, most = field.schema.get(f"min{what}"), field.schema.get(f"max{what}")
    if isinstance(least, int) and size < least:
        raise Wrong(f"{size} {unit} are fewer than {least}")
    if isinstance(most, int) and size > most:
        raise Wrong(f"{size} {unit} are more than {most}")


def _check_format(form: object, text: str) -> None:
    try:
        match form:
            case "date":
                date.fromisoformat(text)
            case "date-time":
                datetime.fromisoformat(text)
            case "email" if "@" not in text.strip("@"):
                raise ValueError
            case "uri" if not urlsplit(text).scheme:
                raise ValueError
    except ValueError:
        raise Wrong(f"{one_line(text, 100)} is no {form}") from None


def question_of(field: Field, if_empty: str = "") -> str:
    about = f": {field.about}" if field.about else ""
    return f"{field.title}{about} ({_hint(field)}; {if_empty or _if_empty(field)})"


def _hint(field: Field) -> str:
    match field.kind:
        case "boolean":
            return "yes or no"
        case "choice":
            return f"one of {_listed(field)}" if not options_of(field) else "choose one"
        case "choices":
            return f"any of {_listed(field)}, with commas between them{_bounds(field, 'Items', ' of them')}"
        case "string":
            form = field.schema.get("format")
            return (one_line(form, 40) if isinstance(form, str) else "text") + _bounds(
                field, "Length", " characters"
            )
        case "integer":
            return f"a whole number{_range(field)}"
        case "number":
            return f"a number{_range(field)}"


def _if_empty(field: Field) -> str:
    default = field.default
    if default is None:
        return "leave it empty to decline" if field.required else "may be left empty"
    shown = {value: label for label, value in field.choices.items()}
    match default:
        case bool():
            text = "yes" if default else "no"
        case list():
            text = ", ".join(shown[value] for value in default) or "none"
        case str():
            text = shown.get(default, exposed(default[:_TITLE_CHARS]))
        case _:
            text = str(default)
    return f"leave it empty for {text}"


def _listed(field: Field) -> str:
    return one_line(", ".join(field.choices), QUESTION_CHARS)


def options_of(field: Field) -> tuple[str, ...]:
    match field.kind:
        case "boolean":
            return ("yes", "no")
        case "choice" if len(field.choices) <= OPTIONS:
            return tuple(field.choices)
        case _:
            return ()


def _bounds(field: Field, what: str, unit: str) -> str:
    least, most = field.schema.get(f"min{what}"), field.schema.get(f"max{what}")
    said = [
        f"at least {least}" if isinstance(least, int) and least else "",
        f"at most {most}" if isinstance(most, int) else "",
    ]
    text = " and ".join(filter(None, said))
    return f", {text}{unit}" if text else ""


def _range(field: Field) -> str:
    least, most = field.schema.get("minimum"), field.schema.get("maximum")
    low = f" from {least}" if isinstance(least, int | float) else ""
    return low + (f" up to {most}" if isinstance(most, int | float) else "")


def folded(text: str) -> str:
    return text.strip().casefold()


def is_yes(text: str, *more: str) -> bool:
    return folded(text) in (*_YES, *map(folded, more))
