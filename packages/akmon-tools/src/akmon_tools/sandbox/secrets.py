"""Where people keep what commands have no business to read: keys, tokens, browsers' profiles, histories."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

_IN_HOME = (
    # keys and logins
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".git-credentials",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".my.cnf",
    ".boto",
    ".s3cfg",
    ".vault-token",
    ".terraform.d",
    ".terraformrc",
    ".password-store",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".composer/auth.json",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
    ".config/gcloud",
    ".config/git/credentials",
    ".config/rclone",
    ".config/op",
    ".config/sops",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".Xauthority",
    ".ICEauthority",
    # other agents, and this one
    ".claude",
    ".claude.json",
    ".codex",
    ".gemini",
    ".config/akmon",
    ".local/state/akmon",
    ".local/share/akmon",
    ".cache/akmon",
    # browsers and mail
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".config/vivaldi",
    "snap/firefox",
    "Library/Keychains",
    "Library/Cookies",
    "Library/Mail",
    "Library/Application Support/Google/Chrome",
    "Library/Application Support/Firefox",
    "Library/Application Support/akmon",
    # what was typed
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    ".mysql_history",
    ".sqlite_history",
    ".lesshst",
    ".local/share/fish/fish_history",
)
_OF_AKMON = ("AKMON_STATE_DIR", "AKMON_CACHE_DIR")
_XDG = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
_OF_ROOT = ("/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/gshadow-")


def secret_places(environ: Mapping[str, str], more: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The files and folders that are there, links resolved; those inside another one are left out."""
    places = [home / name for home in _homes(environ) for name in _IN_HOME]
    places += [Path(environ[name]) for name in _OF_AKMON if environ.get(name)]
    places += [Path(environ[name], "akmon") for name in _XDG if environ.get(name)]
    if sys.platform != "win32" and os.geteuid() == 0:
        places += map(Path, _OF_ROOT)
    found = {real for place in (*places, *more) if place.is_absolute() and (real := _real(place))}
    return tuple(sorted(place for place in found if found.isdisjoint(place.parents)))


def _homes(environ: Mapping[str, str]) -> set[Path]:
    """What ``HOME`` says, and what the user database does, as under sudo the two differ."""
    homes = {Path(environ["HOME"])} if environ.get("HOME") else set()
    if sys.platform != "win32":
        import pwd

        with suppress(KeyError):
            homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return {home for home in homes if home.is_absolute() and home != Path("/")}


def _real(place: Path) -> Path | None:
    try:
        return place.resolve(strict=True)
    except (OSError, RuntimeError):
        return None
