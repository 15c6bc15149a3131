"""The git branch of a folder, and what differs there from the last commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_core.limits import DIFF_CHARS
from akmon_core.text import one_line

if TYPE_CHECKING:
    from akmon_tools.git import Git

_READ_BYTES = 4_096
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_DIFF = (
    *("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--submodule=short"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)


def branch_of(root: Path) -> str:
    """The branch at ``root``, the start of the commit's id if there is none, or nothing outside of git.

    Reads two small files and starts no process, also in a working tree beside the repository.
    """
    place = root / ".git"
    if pointer := _line_of(place):  # a file, in a submodule and in a further working tree
        place = root / pointer.removeprefix("gitdir:").strip()
    head = _line_of(place / "HEAD")
    if head.startswith("ref:"):
        return one_line(head.removeprefix("ref:").strip().removeprefix("refs/heads/"), 200)
    return head[:7] if _COMMIT.fullmatch(head) else ""


def _line_of(path: Path) -> str:
    try:
        if not path.is_file():  # nor one that would wait for somebody to write into it
            return ""
        with path.open("rb") as file:
            return file.read(_READ_BYTES).split(b"\n", 1)[0].decode(errors="replace").strip()
    except (OSError, ValueError):
        return ""


def diff_of(root: Path) -> str:
    """What the files below ``root`` that git knows differ in from the last commit, as a unified diff.

    Starts no program that the repository names. Raises ``ToolError``.
    """
    from akmon_tools.git import Git

    git = Git(root)
    last = git.head() or git("hash-object", "-t", "tree", "--stdin").decode().strip()  # without any files
    output = git(*_no_filters(git), *_DIFF, last, "--").decode(errors="replace")
    if len(output) <= DIFF_CHARS:
        return output
    end = output.rfind("\n", 0, DIFF_CHARS) + 1
    return f"{output[:end]}[the rest is left out: {len(output) - end:,} characters; see git diff HEAD]\n"


def _no_filters(git: Git) -> Iterator[str]:
    """Options that keep the filters of the settings from being run."""
    asked = git("config", "-z", "--name-only", "--get-regexp", r"^filter\.", fine=(0, 1))
    for name in asked.decode(errors="replace").split("\0"):
        match name.rpartition(".")[2]:
            case "clean" | "smudge" | "process":
                yield from ("-c", f"{name}=")
            case "required":
                yield from ("-c", f"{name}=false")
