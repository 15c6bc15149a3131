"""Rules as tables ``[[rules]]``: a decision, words for the model, and examples that are checked when read."""

from __future__ import annotations

from typing import Annotated, get_args

import msgspec
from pydantic import PlainValidator

from akmon_config.values import near
from akmon_core.errors import SettingsError
from akmon_core.limits import RULE_MESSAGE_CHARS
from akmon_core.permissions import Decision, Rule, check_examples, parse_rule
from akmon_core.text import neutralise, one_line


class RuleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One table as it is written, checked."""

    rule: str
    decision: Decision
    """Never left out: a rule that was meant to deny must not allow because a word is missing."""
    message: str = ""
    matches: tuple[str, ...] = ()
    """Commands, paths or addresses that the rule must concern, or it is an error."""
    not_matches: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.decision} {self.rule}"


class WrongTable(ValueError):
    """What is wrong with a table, and which one it is, counted from 1."""

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(problem)
        self.number = number


_SHAPES = {
    "rule": "a tool or tool(pattern), such as shell(git push *)",
    "decision": " or ".join(f'"{each}"' for each in get_args(Decision)),
    "message": f"text on one line, at most {RULE_MESSAGE_CHARS} characters",
    "matches": "a list of commands, paths or addresses",
    "not_matches": "a list of commands, paths or addresses",
}


def rule_table(number: int, value: object) -> RuleTable:
    """The ``number``-th table. Raises ``WrongTable``."""
    if isinstance(value, RuleTable):  # checked before
        return value
    if not isinstance(value, dict):
        raise WrongTable(number, "it should be a table, written [[rules]]")
    for field in value:
        if field not in _SHAPES:
            name = one_line(str(field), 40)
            raise WrongTable(
                number,
                f"a rule has no field {name!r}.{near(name, tuple(_SHAPES))} "
                f"The fields are: {', '.join(_SHAPES)}.",
            )
    try:
        table = msgspec.convert(value, RuleTable)
    except msgspec.ValidationError as error:
        said = str(error)
        field = next((each for each in _SHAPES if f"$.{each}" in said or f"`{each}`" in said), "rule")
        raise WrongTable(number, f"{field}: it should be {_SHAPES[field]}") from None
    _check(number, table)
    return table


def as_rule(table: RuleTable, origin: str = "") -> Rule:
    return made_rule(table.rule, table.decision, message=table.message, origin=origin)


def made_rule(text: str, decision: Decision, *, message: str = "", origin: str = "") -> Rule:
    return parse_rule(text, decision, message=message, origin=origin)


def _check(number: int, table: RuleTable) -> None:
    message = table.message
    if len(message) > RULE_MESSAGE_CHARS or "\n" in message or neutralise(message) != message:
        raise WrongTable(number, f"message: it should be {_SHAPES['message']}")
    try:
        check_examples(as_rule(table), table.matches, table.not_matches)
    except SettingsError as error:
        raise WrongTable(number, str(error)) from None


def _tables(value: object) -> list[RuleTable]:
    match value:
        case list():
            return [rule_table(number, each) for number, each in enumerate(value, 1)]
        case _:
            raise ValueError("it should be a list of tables, each one [[rules]]")


RuleTables = Annotated[list[RuleTable], PlainValidator(_tables)]
