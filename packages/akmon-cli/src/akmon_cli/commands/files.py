"""What ``init``, ``import`` and ``export`` share: the project they work in, and writing its files."""

from __future__ import annotations

import argparse
from pathlib import Path

from akmon_cli.folders import change_folder, working_folder
from akmon_config.paths import project_root
from akmon_config.textfile import Refused, TextRead, read_text
from akmon_core.errors import AkmonError, SettingsError
from akmon_core.limits import EDITABLE_BYTES
from akmon_core.text import one_line
from akmon_tools.anchored import replace_file
from akmon_tools.oserrors import reason


def enter(options: argparse.Namespace) -> Path:
    """Goes to the folder that was asked for, and gives the canonical root of its project."""
    if options.cwd:
        change_folder(options.cwd)
    return project_root(working_folder())


def existing(root: Path, name: str) -> str:
    """The text of a file that is to be changed; empty if there is none.

    Raises ``SettingsError`` if it cannot be changed without a loss.
    """
    read = _read(root, name)
    if read is None:
        return ""
    if read.foreign or read.cut:
        why = "is not UTF-8 text" if read.foreign else f"is larger than {EDITABLE_BYTES:,} bytes"
        raise SettingsError(f"{root / name} {why}, so it is left alone. Repair it, or move it away.")
    return read.text


def write(root: Path, name: str, text: str) -> None:
    """Puts ``text`` in the place of the file ``name``, all of it or nothing, with the line ends that it had.

    Raises ``AkmonError``, also for a link: what it leads to is not meant.
    """
    path = root / name
    try:
        before = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if b"\r\n" in before:
            text = text.replace("\n", "\r\n")
        replace_file(root, tuple(name.split("/")), text.encode(errors="replace"))
    except OSError as error:
        raise AkmonError(f"cannot write {one_line(str(path), 300)}: {reason(error)}.") from None


def _read(root: Path, name: str) -> TextRead | None:
    try:
        return read_text(root / name, EDITABLE_BYTES, (root,))
    except FileNotFoundError:
        return None
    except Refused as error:
        raise SettingsError(f"{root / name} {error}, so it is left alone. Move it away.") from None
