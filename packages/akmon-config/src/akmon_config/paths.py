"""Where akmon keeps its files, and where a project begins. Computes paths only: creates and runs nothing."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from akmon_core.errors import SettingsError


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The home folder: ``$HOME``, or the one of the user database where that is unset, empty or relative.

    Raises ``SettingsError`` if neither knows one, as in a container that runs under a bare user number.
    """
    if folder := _absolute(environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")):
        return folder
    if sys.platform != "win32":
        import pwd

        try:
            if folder := _absolute(pwd.getpwuid(os.getuid()).pw_dir):
                return folder
        except KeyError:
            pass
    raise SettingsError("no home folder is known. Set HOME to an absolute path.")


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's settings file, which need not exist.

    Raises ``SettingsError`` if there is no place for it.
    """
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_config_path("akmon", appauthor=False, roaming=True) / "config.toml"
    return _xdg("XDG_CONFIG_HOME", ".config", environ) / "akmon" / "config.toml"


def state_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for sessions, which need not exist: ``$AKMON_STATE_DIR``, else in the XDG state folder.

    Raises ``SettingsError`` if there is no place for it.
    """
    if folder := _chosen("AKMON_STATE_DIR", environ):
        return folder
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_state_path("akmon", appauthor=False)
    try:
        return _xdg("XDG_STATE_HOME", ".local/state", environ) / "akmon"
    except SettingsError as error:
        raise SettingsError(f"{error} Or set AKMON_STATE_DIR to the folder that sessions go to.") from None


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for checkpoints, which need not exist: ``$AKMON_CACHE_DIR``, else in the XDG cache folder.

    Raises ``SettingsError`` if there is no place for it.
    """
    if folder := _chosen("AKMON_CACHE_DIR", environ):
        return folder
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_cache_path("akmon", appauthor=False)
    try:
        return _xdg("XDG_CACHE_HOME", ".cache", environ) / "akmon"
    except SettingsError as error:
        raise SettingsError(f"{error} Or set AKMON_CACHE_DIR to the folder that checkpoints go to.") from None


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for what the user keeps, such as notes, which need not exist.

    Raises ``SettingsError`` if there is no place for it.
    """
    if sys.platform == "win32":
        import platformdirs

        return platformdirs.user_data_path("akmon", appauthor=False)
    return _xdg("XDG_DATA_HOME", ".local/share", environ) / "akmon"


def project_root(cwd: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """The nearest folder from ``cwd`` upwards that has a ``.git`` entry, else ``cwd``; links resolved.

    The home folder and what is above it are never a project, unless ``cwd`` is that folder.
    """
    start = cwd.resolve()
    try:
        own = home(environ).resolve()
    except SettingsError:
        own = Path(start.anchor)
    for folder in (start, *start.parents):
        if folder != start and own.is_relative_to(folder):
            break
        if os.path.lexists(folder / ".git"):
            return folder
    return start


def is_wide(root: Path) -> bool:
    """Whether ``root`` is the home folder, or one with all homes in it: no project."""
    try:
        own = home().resolve()
    except SettingsError:
        own = Path(root.anchor)
    return own.is_relative_to(root)


def sessions_dir(state: Path, root: Path) -> Path:
    """The folder of one project's sessions inside ``state``: readable, and unlike that of any other root."""
    return state / "sessions" / _name_of(root)


def checkpoints_file(cache: Path, root: Path) -> Path:
    """Where one project's checkpoints are kept inside ``cache``, named as the folder of its sessions is."""
    return cache / "checkpoints" / f"{_name_of(root)}.db"


def _name_of(root: Path) -> str:
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name)[:40].strip("-.") or "root"
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()
    return f"{slug}-{digest[:8]}"


def _chosen(variable: str, environ: Mapping[str, str]) -> Path | None:
    """What a variable of ours names. Raises ``SettingsError`` unless that is absolute."""
    text = environ.get(variable)
    if text and not _absolute(text):
        raise SettingsError(f"{variable} must be an absolute path, and {text!r} is not.")
    return _absolute(text)


def _xdg(variable: str, below_home: str, environ: Mapping[str, str]) -> Path:
    """The standard lets a relative path in the variable count as unset."""
    return _absolute(environ.get(variable)) or home(environ) / below_home


def _absolute(text: str | None) -> Path | None:
    path = Path(text) if text else None
    return path if path and path.is_absolute() else None
