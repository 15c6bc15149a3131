"""Writes one simple setting into the user's file, and leaves all else in it as it is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from akmon_config.privatefile import locked, write_private
from akmon_config.settings import check
from akmon_config.tomlfile import TomlFile, read_toml
from akmon_core.errors import SettingsError
from akmon_core.text import one_line

SIMPLE = ("theme", "vim", "model", "effort", "notify", "plain")
"""Settings of one word, which may be saved from within a session."""
_SWITCHES = ("vim", "plain")
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def save_value(path: Path, key: str, text: str) -> None:
    """Sets ``key`` in the file at ``path`` to the value that ``text`` says; an empty one takes it out.

    Comments and the order of the file stay. Raises ``SettingsError`` for a key that is not ``SIMPLE``, for a
    value that does not fit, and for a file that is wrong or written in a way not foreseen.
    """
    if key not in SIMPLE:
        raise SettingsError(
            f"{one_line(key, 60)} cannot be set from here. Set it in {one_line(str(path), 300)}."
        )
    meant = _meant(key, text) if text else None
    with locked(path):
        file = read_toml(path) or TomlFile(one_line(str(path), 300), "", {})
        written = _with(file.text, key, meant)
        wanted = {name: value for name, value in file.table.items() if name != key}
        if meant is not None:
            wanted[key] = meant
        if _read(written) != wanted:
            raise SettingsError(
                f"{file.place(key)}: this is written in a way that akmon cannot change. Use an editor."
            )
        check(wanted, file.place)
        write_private(path, written.encode())


def _meant(key: str, text: str) -> object:
    value: object = text
    if key in _SWITCHES:
        value = {"true": True, "on": True, "false": False, "off": False}.get(text.lower(), text)
    check({key: value}, lambda name, _=1: name)
    return value


def _with(text: str, key: str, value: object) -> str:
    """``text`` with the line of ``key`` changed, added above the first table, or taken out."""
    table = _TABLE.search(text)
    end = table.start() if table else len(text)
    head, rest = text[:end], text[end:]
    line = None if value is None else f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "")
    pattern = re.compile(
        rf"""^(?P<key>[ \t]*["']?{re.escape(key)}["']?[ \t]*=)[ \t]*"""
        r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^#"'\n\[{]*?)(?P<comment>[ \t]*(?:\#[^\n]*)?)(?:\r?\n|\Z)""",
        re.MULTILINE,
    )
    if found := pattern.search(head):
        new = "" if line is None else f"{line}{found['comment'].rstrip()}\n"
        return head[: found.start()] + new + head[found.end() :] + rest
    if line is None:
        return text
    above = head.rstrip("\n")
    return (f"{above}\n" if above else "") + f"{line}\n" + ("\n" if rest else "") + rest


def _read(text: str) -> dict[str, object] | None:
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError:
        return None
