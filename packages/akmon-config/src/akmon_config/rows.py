"""The setting ``models``: rows of the user's own about models, as a catalog has them."""

from __future__ import annotations

import re
from math import inf
from typing import Annotated, get_args

import msgspec
from pydantic import PlainValidator

from akmon_config.values import PROVIDERS, near
from akmon_core.models import Effort, ModelRow
from akmon_core.text import one_line

_ROW = {
    "match": "an id or a pattern such as qwen*",
    "provider": f"one of {', '.join(PROVIDERS[:-1])}",
    "window": "a whole number of tokens, at least 1",
    "output": "a whole number of tokens, at least 1",
    "price": "[input, output, cache read, cache write] in US dollars per million tokens, none below 0",
    "images": "true or false",
    "api": '"chat" or "responses"',
    "thinking": '"none", "budget", "adaptive" or "effort"',
    "efforts": f"a list of some of {', '.join(get_args(Effort))}",
    "output_name": '"max_tokens" or "max_completion_tokens"',
    "edit": '"replace" or "patch"',
}
"""The fields of a row, and what each should be."""


def _rows(value: object) -> tuple[ModelRow, ...]:
    match value:
        case tuple():  # checked before
            return value
        case list():
            return tuple(_row(number, each) for number, each in enumerate(value, 1))
        case _:
            raise ValueError("it should be a list of tables, each one [[models]]")


def _row(number: int, value: object) -> ModelRow:
    match value:
        case dict(fields):
            pattern = fields.get("match")
            name = (
                f"row {number} ({one_line(pattern, 60)!r})" if isinstance(pattern, str) else f"row {number}"
            )
        case _:
            raise ValueError(f"row {number} should be a table")
    for field in fields:
        if field not in _ROW:
            word = one_line(str(field), 40)
            raise ValueError(
                f"{name} has no field {word!r}.{near(word, tuple(_ROW))} The fields are: {', '.join(_ROW)}."
            )
    try:
        row = msgspec.convert(value, ModelRow)
    except msgspec.ValidationError as error:
        found = re.search(r"\$\.([a-z_]+)", str(error))
        raise _wrong(name, found[1] if found else "match") from None
    if field := _impossible(row):
        raise _wrong(name, field)
    return row


def _wrong(name: str, field: str) -> ValueError:
    return ValueError(f"{name}, {field}: it should be {_ROW[field]}")


def _impossible(row: ModelRow) -> str:
    """The field that no model could have, empty if there is none."""
    if not row.match.strip():
        return "match"
    if row.provider is not None and row.provider not in PROVIDERS:
        return "provider"
    if row.window is not None and row.window < 1:
        return "window"
    if row.output is not None and row.output < 1:
        return "output"
    return "" if all(0 <= each < inf for each in row.price or ()) else "price"


Rows = Annotated[tuple[ModelRow, ...], PlainValidator(_rows)]
