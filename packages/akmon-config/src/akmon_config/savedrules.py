"""The rules that a person saved while working: ``permissions.toml`` beside the user's settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from akmon_config.privatefile import locked, refuse_changeable, write_private
from akmon_config.ruletables import RuleTable, WrongTable, as_rule, rule_table
from akmon_config.tomlfile import TomlFile, read_toml
from akmon_core.errors import SettingsError
from akmon_core.permissions import Rule
from akmon_core.text import one_line

_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*[\"']?rules[\"']?[ \t]*\]\]", re.MULTILINE)
_START = """\
# Rules that were saved with `akmon permissions add` or by an answer "always". `project` is where one holds;
# without it, it holds everywhere. `akmon permissions list` shows all that are in force.
"""


class Saved(msgspec.Struct, frozen=True):
    table: RuleTable
    project: str = ""
    """The canonical root of the only project that it holds in; empty: everywhere."""


class SavedRules:
    """Implements ``akmon_core.ports.RuleStore`` for the project at the canonical ``root``."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self._root = str(root)

    def rules(self) -> tuple[Rule, ...]:
        """Those that hold in this project. Raises ``SettingsError`` for anything wrong in the file."""
        origin = f"saved in {one_line(str(self.path), 300)}"
        return tuple(as_rule(saved.table, origin) for saved in self._all() if self._here(saved))

    def save(self, rule: Rule) -> str:
        return self.add(rule)

    def add(self, rule: Rule, *, everywhere: bool = False) -> str:
        """Keeps ``rule``; gives where, in words. One that is there stays. Raises ``SettingsError``."""
        # What is written is what will be read: a rule that cannot be read again is not kept.
        table = _readable(rule)
        saved = Saved(table, "" if everywhere else self._root)
        where = f"{one_line(str(self.path), 300)} ({'everywhere' if everywhere else 'this project'})"
        with locked(self.path):
            file = self._read()
            before = _checked(file)
            if saved not in before:
                text = file.text if file else _START
                text += "\n" * (not text.endswith("\n")) + _block(saved)
                self._write(text, (*before, saved))
        return where

    def remove(self, text: str) -> int:
        """Takes away the rules that are written so and hold here; gives how many there were."""
        with locked(self.path):
            file = self._read()
            before = _checked(file)
            gone = [at for at, saved in enumerate(before) if saved.table.rule == text and self._here(saved)]
            if file and gone:
                kept = tuple(saved for at, saved in enumerate(before) if at not in gone)
                self._write(_without(file.text, gone), kept)
        return len(gone)

    def _all(self) -> tuple[Saved, ...]:
        return _checked(self._read())

    def _here(self, saved: Saved) -> bool:
        return saved.project in ("", self._root)

    def _read(self) -> TomlFile | None:
        refuse_changeable(self.path)
        return read_toml(self.path)

    def _write(self, text: str, meant: tuple[Saved, ...]) -> None:
        """Only if it says what is ``meant``: a file edited by hand may be written in a way not foreseen."""
        import tomllib

        try:
            said = _checked(TomlFile(str(self.path), text, tomllib.loads(text)))
        except (ValueError, SettingsError):
            said = None
        if said != meant:
            raise SettingsError(
                f"{one_line(str(self.path), 300)} is written in a way that akmon cannot change. "
                "Change it in an editor: each rule is a table [[rules]]."
            )
        write_private(self.path, text.encode())


def _readable(rule: Rule) -> RuleTable:
    try:
        str(rule).encode()
        return rule_table(1, {"rule": str(rule), "decision": rule.decision, "message": rule.message})
    except ValueError as error:  # a ``WrongTable``, or what is no text
        why = "it is not UTF-8 text" if isinstance(error, UnicodeEncodeError) else str(error)
        raise SettingsError(f"the rule {one_line(str(rule), 200)} cannot be saved: {why}.") from None


def _checked(file: TomlFile | None) -> tuple[Saved, ...]:
    if file is None:
        return ()
    for key in file.table:
        if key != "rules":
            raise SettingsError(f"{file.place(key)}: this file has only tables [[rules]].")
    tables = file.table.get("rules", [])
    if not isinstance(tables, list):
        raise SettingsError(f"{file.place('rules')}: it should be a list of tables, each one [[rules]].")
    return tuple(_saved(number, table, file) for number, table in enumerate(tables, 1))


def _saved(number: int, value: object, file: TomlFile) -> Saved:
    try:
        if not isinstance(value, dict):
            return Saved(rule_table(number, value))
        project = value.get("project", "")
        if not isinstance(project, str) or (project and not Path(project).is_absolute()):
            raise WrongTable(number, "project: it should be the absolute path of a project")
        if "project" in value and not project:
            raise WrongTable(number, "project: it is empty; leave it out to mean everywhere")
        fields = {key: each for key, each in value.items() if key != "project"}
        return Saved(rule_table(number, fields), project)
    except WrongTable as error:
        raise SettingsError(f"{file.place('rules', error.number)}: {error}") from None


def _block(saved: Saved) -> str:
    fields = {"rule": saved.table.rule, "decision": saved.table.decision, "message": saved.table.message}
    fields["project"] = saved.project
    lines = [f"{key} = {_quoted(value)}" for key, value in fields.items() if value]
    return "\n".join(["", "[[rules]]", *lines, ""])


def _quoted(text: str) -> str:
    """A basic string of TOML, which is one of JSON but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _without(text: str, gone: list[int]) -> str:
    """``text`` without some of its tables; comments before the next table stay."""
    starts = [found.start() for found in _HEADER.finditer(text)]
    for at in reversed(gone):
        if at >= len(starts):
            continue
        end = starts[at + 1] if at + 1 < len(starts) else len(text)
        lines = text[starts[at] : end].splitlines(keepends=True)
        last = max(number for number, line in enumerate(lines) if line.strip() and line.lstrip()[0] != "#")
        text = text[: starts[at]].rstrip("\n") + "\n" + "".join(lines[last + 1 :]) + text[end:]
    return text
