"""Knows files by their names: those that make other programs run something, and those that hold secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase, translate
from functools import cache
from pathlib import PurePosixPath

from akmon_core.tables import names

PROTECTED = names(
    ".git .gitmodules .gitattributes .githooks .gitconfig .akmon .vscode .idea .cursor .claude .mcp.json "
    ".envrc .devcontainer .husky .pre-commit-config.yaml .npmrc .yarnrc .yarnrc.yml .yarn .pnpmfile.cjs "
    ".pnpmfile.mjs .gitlab-ci.yml .venv venv pyvenv.cfg sitecustomize.py usercustomize.py .bashrc "
    ".bash_profile .bash_login .bash_logout .profile .zshrc .zshenv .zprofile .zlogin .inputrc .ripgreprc "
    ".netrc .ssh agents.md claude.md akmon.md agents.override.md"
)
"""Names of files and folders that make other programs run something, or tell agents what to do: writing
there is asked, at any depth and whether they exist or not."""

_PROTECTED_PLACES = (
    (".github", "workflows"),
    (".github", "actions"),
    (".config", "fish"),
    (".config", "git"),
)
_PROTECTED_NAMES = ("*.pth", "activate", "activate.*")
_NEVER_BY_RULE = frozenset((".git", ".akmon"))
"""Writing there is asked whatever rules say."""

SENSITIVE = (
    ".env",
    ".env.*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".pgpass",
    "credentials*",
)
"""Names of files that usually hold secrets: reading them is asked."""
_NOT_SENSITIVE = (".env.example", ".env.sample", ".env.template", "*.pub")

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Characters that some file systems leave out when they compare names."""
_SHORT_NAME = re.compile(r"([^~]{1,6})~[0-9]+(?:\.|\Z)")
"""What NTFS calls a file besides: ``GIT~1``."""


def may_hold_secrets(path: str) -> bool:
    """Whether reading a file is asked because of its name, so that nothing else shows its content either."""
    name = _plain(PurePosixPath(path).name)
    return bool(_any_of(SENSITIVE).match(name)) and not _any_of(_NOT_SENSITIVE).match(name)


@cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Tens of thousands of names are asked about at once."""
    return re.compile("|".join(map(translate, patterns)))


def protected(relative: str) -> str:
    """The first part of a path for which writing there is asked; empty if there is none."""
    return next(iter(_places(relative)), "")


def named_by(pattern: str, relative: str) -> bool:
    """Whether the pattern of a rule names in full what of ``relative`` is protected, and so may allow it."""
    if any(_plain(part) in _NEVER_BY_RULE or _is_short_name(_plain(part)) for part in _parts(relative)):
        return False
    named = {_plain(part) for part in _parts(pattern)}
    return all(_plain(part) in named for place in _places(relative) for part in _parts(place))


def _places(relative: str) -> Iterator[str]:
    parts = _parts(relative)
    plain = tuple(map(_plain, parts))
    for at, (part, name) in enumerate(zip(parts, plain, strict=True)):
        if (
            name in PROTECTED
            or _is_short_name(name)
            or any(fnmatchcase(name, pattern) for pattern in _PROTECTED_NAMES)
        ):
            yield part
        elif plain[at : at + 2] in _PROTECTED_PLACES or (
            name in ("bin", "scripts") and plain[at + 1 : at + 2] and plain[at + 1].startswith("python")
        ):
            yield "/".join(parts[at : at + 2])


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.replace("\\", "/").split("/") if part)


def _plain(part: str) -> str:
    """A name as the most forgiving file system compares it: no case, no stream, no dots or blanks behind."""
    name = _INVISIBLE.sub("", part).partition(":")[0].rstrip(". ").casefold()
    return name or part


def _is_short_name(name: str) -> bool:
    found = _SHORT_NAME.match(name)
    return found is not None and found[1] in _SHORT


_SHORT = frozenset(name.lstrip(".").partition(".")[0][:6] for name in PROTECTED)
"""How the short names of protected files begin."""
