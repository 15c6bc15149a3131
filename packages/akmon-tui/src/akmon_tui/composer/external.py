"""Writing a prompt in the person's own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from akmon_core.errors import AkmonError
from akmon_tui.cells import whole

_USUAL = ("notepad",) if sys.platform == "win32" else ("nano", "vim", "vi")


def edit_externally(text: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """What the person makes of ``text`` in their editor, which has the terminal meanwhile.

    None if the editor ends with a failure, by which it says that nothing is to change. Raises ``AkmonError``
    if there is no editor, or if it cannot be started.
    """
    command = _editor(environment)
    descriptor, name = tempfile.mkstemp(prefix="akmon-", suffix=".md")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(whole(text).encode())
        if subprocess.run([*command, name], check=False).returncode:
            return None
        edited = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
    except OSError as error:
        raise AkmonError(
            f"The editor {command[0]} could not be used: {error.strerror}. "
            "Set VISUAL or EDITOR to one that is installed."
        ) from error
    finally:
        path.unlink(missing_ok=True)
    return edited if text.endswith("\n") else edited.removesuffix("\n")


def _editor(environment: Mapping[str, str]) -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        if value := environment.get(name, "").strip():
            return _words(name, value)
    for usual in _USUAL:
        if found := shutil.which(usual, path=environment.get("PATH")):
            return [found]
    raise AkmonError("There is no editor. Set VISUAL or EDITOR to the one that you use, such as EDITOR=nano.")


def _words(name: str, value: str) -> list[str]:
    """The program and its arguments. Windows paths have backslashes, which quote nothing."""
    try:
        return shlex.split(value, posix=sys.platform != "win32")
    except ValueError as error:
        raise AkmonError(f"{name} cannot be read as a command: {error}. Correct it: {value}") from error
