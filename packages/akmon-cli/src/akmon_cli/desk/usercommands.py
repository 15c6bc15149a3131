"""Slash commands of the person's own and of the project: Markdown files that become prompts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from akmon_core.errors import SettingsError
from akmon_core.limits import COMMAND_FILE_BYTES, COMMAND_FILES
from akmon_core.text import neutralise, one_line
from akmon_tui.services import UserCommand

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PROJECT = (".akmon/commands", ".agents/commands", ".claude/commands")
"""Below the root of a project, the first ones first."""


def user_commands(root: Path, environ: Mapping[str, str] = os.environ) -> list[UserCommand]:
    """The commands in force in the project at ``root``, by name. They run nothing: their text is a prompt.

    Of one name the person's own goes first, so that a project cannot put another one in its place. Files that
    cannot be read, are larger than 64 kB or have no usable name are left out, as are links out of the
    project.
    """
    found: dict[str, UserCommand] = {}
    for folder, origin, inside in _folders(root, environ):
        for path in _files(folder, inside):
            if path.stem not in found and (command := _command(path, origin)):
                found[path.stem] = command
    return [found[name] for name in sorted(found)]


def _folders(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, str, Path | None]]:
    """Folders with commands, what people call them, and where their files must lie."""
    from akmon_config.paths import config_file

    try:
        own = config_file(environ).parent / "commands"
    except SettingsError:
        pass
    else:
        yield own, str(own), None
    for name in _PROJECT:
        yield root / name, name, root.resolve()


def _files(folder: Path, inside: Path | None) -> list[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".md")[:COMMAND_FILES]
        return [path for path in paths if inside is None or path.resolve().is_relative_to(inside)]
    except (OSError, RuntimeError):  # none there, not readable, or links in a circle
        return []


def _command(path: Path, origin: str) -> UserCommand | None:
    from akmon_config.frontmatter import split

    if not _NAME.fullmatch(path.stem):
        return None
    fields, body = split(_text(path))
    body = neutralise(body.strip())
    if not body:
        return None
    return UserCommand(
        name=path.stem,
        about=_line(fields.get("description", ""), 100) or one_line(body.partition("\n")[0], 100),
        hint=_line(fields.get("argument-hint", ""), 60),
        text=body,
        origin=one_line(f"{origin}/{path.name}", 300),
    )


def _line(value: str | list[str], width: int) -> str:
    """A field of front matter without quotes around it; ``[FILE]`` looks like a list there."""
    text = f"[{','.join(value)}]" if isinstance(value, list) else value
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1]
    return one_line(text, width)


def _text(path: Path) -> str:
    """What is in a file; nothing if it is none, is too large or is no text in UTF-8."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            data = file.read(COMMAND_FILE_BYTES + 1)
        return data.decode("utf-8-sig") if len(data) <= COMMAND_FILE_BYTES else ""
    except (OSError, UnicodeDecodeError):
        return ""
