"""What of a git repository makes git run programs, and where its parts lie if it is in several places."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from akmon_core.limits import SANDBOX_PROTECTED

_PARTS = ("hooks", "config", "config.worktree", "info", "commondir", "gitdir")
"""The last two say where the rest of a repository is, hooks and settings among it."""
_FILE_BYTES = 200_000
_HOOKS_PATH = re.compile(r"^\s*hooksPath\s*=\s*\"?([^\"\n]+?)\"?\s*$", re.IGNORECASE | re.MULTILINE)
_WORKTREE = re.compile(r"^\s*worktree\s*=\s*\"?([^\"\n]+?)\"?\s*$", re.IGNORECASE | re.MULTILINE)
_HARMLESS = re.compile(
    r"\s*(?:[#;].*|\[(?:core|init|user|(?:remote|branch|submodule) \"[^\"\\]*\")\]|"
    r"(?:repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|active|"
    r"defaultbranch|name|email|fetch|merge|remote)\s*=[^\\]*|url\s*=\s*(?!-)(?:(?!::)[^\\])*|)",
    re.IGNORECASE,
)
"""A line of a git configuration that runs nothing."""


class Repository(msgspec.Struct, frozen=True):
    """The folders that git writes to for a working tree, and what in them it may not."""

    folders: tuple[Path, ...] = ()
    """They and what is on the way to ``parts`` may not be moved."""
    parts: tuple[Path, ...] = ()
    """Run programs; whether or not they are there."""


def repository(entry: Path, inside: tuple[Path, ...]) -> Repository:
    """What ``entry`` (``TREE/.git``), a folder or a file that names one, stands for.

    A folder that lies outside of ``inside`` counts only if it names this working tree in turn, as a file in a
    repository that came from anywhere may say anything.
    """
    if entry.is_dir():
        return _of(entry, entry.parent)
    folder = _named_folder(entry)
    if folder is None:
        return Repository()
    if any(folder.is_relative_to(root) for root in inside):
        return _of(folder, entry.parent)
    if _text(folder / "gitdir").strip() == str(entry) and folder.parent.name == "worktrees":
        return _of_worktree(folder, entry.parent)
    match = _WORKTREE.search(_text(folder / "config"))
    if match and _real(folder / match[1]) == entry.parent:
        return _of(folder, entry.parent)
    return Repository()


def innocent(part: Path) -> bool:
    """Whether what has appeared at ``part`` is what ``git init`` and ``git clone`` make."""
    try:
        return not part.is_symlink() and _is_innocent(part)
    except OSError:  # it may have been made so that nobody can look
        return False


def _is_innocent(part: Path) -> bool:
    match part.name:
        case "hooks":
            return part.is_dir() and all(map(_is_sample, part.iterdir()))
        case "config":
            lines = _text(part).splitlines()
            return part.is_file() and all(_HARMLESS.fullmatch(line) for line in lines)
        case "info":
            return part.is_dir() and {entry.name for entry in part.iterdir()} <= {"exclude", "refs"}
    return False


def _is_sample(hook: Path) -> bool:
    return hook.suffix == ".sample" and hook.is_file() and not hook.is_symlink()


def _of(folder: Path, tree: Path) -> Repository:
    parts = [folder / part for part in _PARTS]
    folders = [folder]
    for below in ("modules", "worktrees"):
        for module in _repositories(folder / below):
            folders += [*_between(folder, module), module]
            parts += [module / part for part in _PARTS]
    return Repository(tuple(dict.fromkeys(folders)), (*parts, *_hooks_elsewhere(folder, tree)))


def _of_worktree(folder: Path, tree: Path) -> Repository:
    """Of the other working trees nothing may be written."""
    shared = folder.parent.parent
    common = _of(shared, tree)
    others = tuple(other for other in _repositories(shared / "worktrees") if other != folder)
    parts = tuple(part for part in common.parts if part.parent not in others)
    return Repository((*common.folders, folder), (*parts, *others))


def _hooks_elsewhere(folder: Path, tree: Path) -> tuple[Path, ...]:
    found = _HOOKS_PATH.findall(_text(folder / "config"))
    places = (_real(tree / os.path.expanduser(place)) for place in found)  # noqa: PTH111
    return tuple(place for place in places if place and place != tree and place.is_relative_to(tree))


def _repositories(folder: Path, left: int = SANDBOX_PROTECTED) -> Iterator[Path]:
    """Those below ``folder``, whose names may have several parts."""
    if folder.is_symlink() or not folder.is_dir() or left <= 0:
        return
    below: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:
        below += [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    for each in below[:left]:
        if (each / "HEAD").exists():
            yield each
            yield from _repositories(each / "modules", left // 2)
        else:
            yield from _repositories(each, left // 2)


def _between(above: Path, below: Path) -> list[Path]:
    """The folders on the way, the highest first."""
    return [each for each in reversed(below.parents) if above in each.parents]


def _named_folder(entry: Path) -> Path | None:
    text = _text(entry)
    if not text.startswith("gitdir:"):
        return None
    folder = _real(entry.parent / text.removeprefix("gitdir:").strip())
    return folder if folder and folder.is_dir() else None


def _real(path: Path) -> Path | None:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None


def _text(path: Path) -> str:
    """The beginning of a small file; empty if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with open(descriptor, "rb") as file:  # noqa: PTH123
            return file.read(_FILE_BYTES).decode(errors="surrogateescape")
    except OSError:
        return ""
