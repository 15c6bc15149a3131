"""Releases of other people's projects, one after the other, as they are on PyPI."""

from __future__ import annotations

import re
import tarfile
from itertools import pairwise
from pathlib import Path

from tests.rigs.places import RIGS

FOLDER = RIGS / "history"
_NAME = re.compile(r"(.+)-(\d[\d.]*)\.tar\.gz")


def missing() -> str:
    """Why there are no releases; empty if there are."""
    return "" if (FOLDER / ".installed").exists() else "the releases are not here: make rig-history"


def steps() -> list[tuple[Path, Path]]:
    """The archives of each two neighbouring releases of each project."""
    projects: dict[str, list[tuple[tuple[int, ...], Path]]] = {}
    for path in FOLDER.glob("*.tar.gz"):
        if found := _NAME.fullmatch(path.name):
            version = tuple(int(part) for part in found[2].split("."))
            projects.setdefault(found[1], []).append((version, path))
    return [
        (older, newer)
        for name in sorted(projects)
        for (_, older), (_, newer) in pairwise(sorted(projects[name]))
    ]


def unpack(archive: Path, folder: Path) -> tuple[Path, int]:
    """All text files of a release in ``folder``, and how many others were left out: patches have none."""
    with tarfile.open(archive) as release:
        release.extractall(folder, filter="data")
    (project,) = folder.iterdir()
    left_out = 0
    for path in project.rglob("*"):
        if path.is_symlink() or (path.is_file() and not _is_text(path)):
            path.unlink()
            left_out += 1
    return project, left_out


def _is_text(path: Path) -> bool:
    data = path.read_bytes()
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data
