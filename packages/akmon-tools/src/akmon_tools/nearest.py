"""What somebody probably meant: the names and lines closest to one that was not found."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_core.text import one_line, reveal
from akmon_tools.workspace import Workspace

_NAMES = 2_000
_LINES = 5_000


def not_found(workspace: Workspace, path: Path) -> ToolError:
    """That ``path`` does not exist, with similar names from its folder."""
    import difflib

    folder = path.parent
    if not folder.is_dir():
        return ToolError(f"{workspace.show(path)} does not exist, nor does its folder.")
    names: dict[str, str] = {}
    with suppress(PermissionError), os.scandir(folder) as entries:
        names = {entry.name.lower(): entry.name for entry in islice(entries, _NAMES)}
    close = difflib.get_close_matches(path.name.lower(), names, n=3, cutoff=0.5)
    near = ", ".join(reveal(workspace.show(folder / names[name])) for name in close)
    meant = f" Similar names: {near}." if near else " Use list or search to find it."
    return ToolError(f"{reveal(workspace.show(path))} does not exist.{meant}")


def nearest_lines(text: str, wanted: str, context: int = 3) -> str:
    """The lines of ``text`` most like the longest line of ``wanted``, numbered; empty if none is."""
    import difflib

    wanted_lines = wanted.split("\n")
    longest = max(wanted_lines, key=lambda line: len(line.strip())).strip()
    if not longest:
        return ""
    lines = text.split("\n")[:_LINES]
    stripped = [line.strip()[: 2 * len(longest) + 20] for line in lines]
    if longest in stripped:
        at = stripped.index(longest)
    else:
        close = difflib.get_close_matches(longest, set(stripped), n=1, cutoff=0.6)
        if not close:
            return ""
        at = stripped.index(close[0])
    first = max(at - context, 0)
    return number_lines(lines[first : at + context + 1], first + 1)


def number_lines(lines: list[str], first: int, width: int = 300) -> str:
    """Lines with their numbers, like ``cat -n``, each cut to ``width`` characters."""
    return "\n".join(
        f"{number:>6}\t{one_line(line, width) if len(line) > width else reveal(line.removesuffix(chr(13)))}"
        for number, line in enumerate(lines, first)
    )
