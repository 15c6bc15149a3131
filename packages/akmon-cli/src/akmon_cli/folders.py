"""The folder that akmon works in, and where the sessions of its project are kept."""

from __future__ import annotations

import os
from pathlib import Path

from akmon_config.paths import project_root, sessions_dir, state_dir
from akmon_core.errors import SettingsError


def change_folder(folder: str) -> None:
    """Works in ``folder`` from now on. Raises ``SettingsError`` if that is impossible."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise SettingsError(
            f"cannot work in {folder}: {error.strerror}. Give an existing folder to -C."
        ) from None


def working_folder() -> Path:
    try:
        cwd = Path.cwd()
    except OSError:
        raise SettingsError(
            "the current folder is gone. Change to an existing one, or give one to -C."
        ) from None
    try:
        str(cwd).encode()
    except UnicodeEncodeError:
        raise SettingsError(
            f"the path of this folder is not UTF-8, so no session in it could be recorded: {str(cwd)!a}. "
            "Rename the folder, or work in another one (-C)."
        ) from None
    return cwd


def session_folders() -> tuple[Path, Path]:
    """The folder that a session works in, and the root of its project."""
    cwd = working_folder()
    return cwd, project_root(cwd)


def project_sessions() -> Path:
    """The folder that holds this project's sessions."""
    return sessions_dir(state_dir(os.environ), project_root(working_folder()))
