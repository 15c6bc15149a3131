"""Checks the arguments of a call by the schema of its server, so that a model learns what is wrong at once.

The schema is a stranger's: regular expressions in it are not used, as they may take for ever, nothing is
fetched, and there is an end to what is looked at. Where that is too little, the server judges.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from typing import Any, TypeAlias

from akmon_core.limits import MCP_SCHEMA_CHARS
from akmon_core.text import one_line

_Keyword: TypeAlias = Callable[[Any, Any, Any, Any], Any]
_STEPS = 50_000
_SHOWN = 3
_PROBLEM_CHARS = 300
_BY_PATTERN = ("pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems")


class _TooSlow(Exception):
    """More steps than it is worth."""


class Check:
    """Of one schema, which is looked at when it is first needed."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._validator: Any = None
        self._usable = True
        self._steps = 0

    def problems(self, values: object) -> list[str]:
        """What is wrong with ``values``, in words; nothing if that cannot be told."""
        if self._usable and self._validator is None:
            try:
                self._validator = self._made()
            except Exception:  # noqa: BLE001 - whatever a stranger's schema makes of a library
                self._usable = False
        if not self._usable:
            return []
        self._steps = 0
        try:
            return [_said(error) for error in islice(self._validator.iter_errors(values), _SHOWN)]
        except Exception:  # noqa: BLE001 - as above; it may also lead in circles, or elsewhere
            return []

    def _made(self) -> Any:
        """Raises whatever is wrong with the schema."""
        validators = import_module("jsonschema.validators")  # a tenth of a second, and the SDK has it already
        if len(json.dumps(self._schema)) > MCP_SCHEMA_CHARS:
            raise _TooSlow
        kind = validators.validator_for(self._schema, default=validators.Draft202012Validator)
        kind.check_schema(self._schema, format_checker=import_module("jsonschema").FormatChecker(formats=()))
        own = {name: self._counted(name, keyword) for name, keyword in kind.VALIDATORS.items()}
        registry = import_module("referencing").Registry()  # an empty one: the usual one fetches
        return validators.extend(kind, own)(self._schema, registry=registry)

    def _counted(self, name: str, keyword: _Keyword) -> _Keyword:
        def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            self._steps += 1 + (len(value) if isinstance(value, list | dict) else 0)
            if self._steps > _STEPS:
                raise _TooSlow
            if name in _BY_PATTERN or (name == "additionalProperties" and "patternProperties" in schema):
                return
            yield from keyword(validator, value, instance, schema) or ()

        return counted


def _said(error: Any) -> str:
    best = import_module("jsonschema.exceptions").best_match(iter([error])) or error
    where = best.json_path.removeprefix("$").removeprefix(".")
    message = one_line(best.message, _PROBLEM_CHARS)
    return f"{one_line(where, _PROBLEM_CHARS)}: {message}" if where else message
