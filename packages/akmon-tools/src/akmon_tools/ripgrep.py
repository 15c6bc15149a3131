"""Asks ripgrep for the lines or the names that match, below one folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import ERROR_CHARS, SEARCH_COLUMNS, SEARCH_SECONDS
from akmon_core.text import neutralise
from akmon_tools.processes import Enough, Finished, run
from akmon_tools.programs import find_ripgrep
from akmon_tools.workspace import Workspace

_COMMON = ("--no-config", "--hidden", "--no-require-git", "--no-follow", "--color=never", "--no-messages")
_NO_GIT = "--glob=!.git"  # the last glob wins, so this comes after any other
_ERROR_BYTES = 10_000


class Line(msgspec.Struct, frozen=True):
    """A line that matches. ``name`` is its file, from the folder that was searched."""

    name: str
    number: int
    text: str


class Where(msgspec.Struct, frozen=True):
    """A folder to search, or one file in it, and which of its files."""

    folder: Path
    name: str = ""
    glob: str = ""


async def find_lines(
    workspace: Workspace, where: Where, pattern: str, limit: int, wanted: Callable[[str], bool]
) -> tuple[list[Line], bool]:
    """Up to ``limit`` matching lines of ``wanted`` files, by path, and whether there are more.

    Raises ``ToolError`` for a pattern that cannot be used and for a search that takes too long.
    """
    options = [
        "--sort=path",
        "--with-filename",
        "--line-number",
        "--no-heading",
        "--null",
        f"--max-columns={SEARCH_COLUMNS}",
        "--max-columns-preview",
        *(("--multiline",) if "\n" in pattern or "\\n" in pattern else ()),
        f"--regexp={pattern}",
    ]
    found: list[Line] = []

    def on_line(raw: bytes) -> None:
        line = _parse(raw)
        if line is None or not wanted(line.name):
            return
        if len(found) == limit:
            raise Enough
        found.append(line)

    options += [*_globs(where.glob), "--", f"./{where.name}"]
    finished = await _ripgrep(workspace, where.folder, options, on_line, b"\n")
    return found, finished.stopped


async def find_files(workspace: Workspace, folder: Path, glob: str, limit: int) -> tuple[list[str], bool]:
    """Up to ``limit`` names of matching files, newest first, and whether there are more."""
    found: list[str] = []

    def on_name(raw: bytes) -> None:
        if len(found) == limit:
            raise Enough
        found.append(os.fsdecode(raw.removeprefix(b"./")))

    options = ["--files", "--null", "--sortr=modified", *_globs(glob), "--", "./"]
    finished = await _ripgrep(workspace, folder, options, on_name, b"\0")
    return found, finished.stopped


def _globs(glob: str) -> list[str]:
    """A glob over names goes in as a file type, as ripgrep lets ``--glob`` override .gitignore."""
    name = glob.removeprefix("**/")
    if not glob:
        return [_NO_GIT]
    if "/" in name or ":" in name or name.startswith("!"):
        return [f"--glob={glob}", _NO_GIT]
    return [f"--type-add=wanted:{name}", "--type=wanted", _NO_GIT]


async def _ripgrep(
    workspace: Workspace, folder: Path, options: list[str], on_record: Callable[[bytes], None], end: bytes
) -> Finished:
    rest = bytearray()

    def on_output(chunk: bytes) -> None:
        rest.extend(chunk)
        *records, last = bytes(rest).split(end)
        rest[:] = last
        for record in records:
            on_record(record)

    finished = await run(
        [find_ripgrep(workspace), *_COMMON, *options],
        cwd=folder,
        env=os.environ,
        timeout=SEARCH_SECONDS,
        keep=_ERROR_BYTES,
        on_output=on_output,
    )
    if finished.timed_out:
        raise ToolError(f"the search took longer than {SEARCH_SECONDS:g} s: narrow the path or the glob.")
    message = finished.output.text(ERROR_CHARS, neutralise).strip()
    if finished.exit_code == 2 and message and b"\0" not in finished.output.head:
        raise ToolError(message)
    return finished


def _parse(raw: bytes) -> Line | None:
    name, separator, rest = raw.partition(b"\0")
    number, colon, text = rest.partition(b":")
    if not (separator and colon and number.isdigit()):
        return None
    return Line(os.fsdecode(name.removeprefix(b"./")), int(number), text.decode(errors="replace"))
