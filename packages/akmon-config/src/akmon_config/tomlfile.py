"""Reads a settings file as TOML, within bounds, and tells where in it a key stands."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from akmon_core.errors import SettingsError
from akmon_core.limits import SETTINGS_BYTES
from akmon_core.text import one_line


@dataclass(frozen=True)
class TomlFile:
    """A settings file that could be read."""

    name: str
    """Its path, fit to be shown: a file's name may hold anything, also what steers a terminal."""
    text: str
    table: dict[str, object]

    def place(self, key: str, number: int = 1) -> str:
        """The file, the line of a top-level ``key`` where it can be told, and the key.

        Of a list of tables, the line of the one with that ``number``.
        """
        pattern = rf"^[ \t]*(?:\[+[ \t]*)?[\"']?{re.escape(key)}[\"']?[ \t]*[=.\]]"
        starts = re.finditer(pattern, self.text, re.MULTILINE)
        found = next(islice(starts, number - 1, None), None)
        line = f", line {self.text.count(chr(10), 0, found.start()) + 1}" if found else ""
        return f"{self.name}{line}, {one_line(key, 60)}"


def read_toml(path: Path) -> TomlFile | None:
    """None if there is no such file.

    Raises ``SettingsError`` if it cannot be read, is no ordinary file, is too large, or is not TOML in UTF-8.
    """
    name = one_line(str(path), 300)
    content = _read(path, name)
    if content is None:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{name}, line {line}: this is not UTF-8 text. Save the file as UTF-8.") from None
    try:
        return TomlFile(name, text, tomllib.loads(text))
    except RecursionError:
        raise SettingsError(f"{name} is nested too deeply.") from None
    except ValueError as error:
        raise SettingsError(f"{name} is not valid TOML: {one_line(str(error), 200)}.") from None


def _read(path: Path, name: str) -> bytes | None:
    """Opening must not wait: a pipe would keep akmon from starting."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            ordinary = stat.S_ISREG(os.fstat(descriptor).st_mode)
            content = file.read(SETTINGS_BYTES + 1) if ordinary else b""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}.") from None
    if not ordinary:
        raise SettingsError(f"{name} cannot be read: it is not an ordinary file.")
    if len(content) > SETTINGS_BYTES:
        raise SettingsError(f"{name} is larger than {SETTINGS_BYTES} bytes, too large for a settings file.")
    return content
