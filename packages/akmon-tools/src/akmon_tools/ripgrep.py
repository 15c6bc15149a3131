"""Has ripgrep, or its stand-in where there is none, look for what matches below one folder."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import (
    ERROR_CHARS,
    SEARCH_COLUMNS,
    SEARCH_GATHERED,
    SEARCH_GATHERED_BYTES,
    SEARCH_MATCHES,
    SEARCH_SECONDS,
)
from akmon_core.text import neutralise
from akmon_tools.found import Files, parse
from akmon_tools.processes import Enough, run
from akmon_tools.programs import find_ripgrep
from akmon_tools.query import Query
from akmon_tools.withheld import globs_below
from akmon_tools.workspace import Workspace

_COMMON = ("--no-config", "--hidden", "--no-follow", "--color=never", "--no-messages", "--null")
_NO_GIT = "--glob=!.git"  # the last glob wins, so this comes after any other
_ERROR_BYTES = 10_000
_SPECIAL = re.compile(r"[][{}\\]")
"""Means something else in globs of ripgrep, or may do."""


class Found(msgspec.Struct, frozen=True):
    """The files that match, with their rows, in no order."""

    files: Files
    more: bool = False
    """There are others: the search was ended early."""


async def find(workspace: Workspace, folder: Path, query: Query, tool: str) -> Found:
    """Searches ``folder`` for what ``tool`` may show. Ends early when there is far more than can be shown.

    Raises ``ToolError`` for a pattern, glob or type that cannot be used and for a search that takes too long.
    """
    query = msgspec.structs.replace(query, without=_without(workspace, folder))
    try:
        argv = ripgrep(find_ripgrep(workspace), folder, query)
    except ToolError:
        argv = stand_in(query)
    found = await gather(argv, folder, query)
    asked = folder / query.name
    base = str(folder)
    files = {
        name: rows
        for name, rows in found.files.items()
        if not workspace.withholds(tool, os.path.join(base, os.fsdecode(name)), asked)  # noqa: PTH118
    }
    return msgspec.structs.replace(found, files=files)


def _without(workspace: Workspace, folder: Path) -> tuple[str, ...]:
    """So that what may not be shown takes no room from what may; what is found is looked at all the same."""
    globs = workspace.unreadable
    if not globs or not any(folder.is_relative_to(root) for root in workspace.roots):
        return ()
    return globs_below(globs, workspace.anchor(folder)[1])


async def gather(argv: list[str], folder: Path, query: Query) -> Found:
    """What the command ``argv``, which searches, finds in ``folder``."""
    end = b"\0" if query.answer == "files" else b"\n"
    output = bytearray()
    records = 0

    def take(chunk: bytes) -> None:
        nonlocal records
        output.extend(chunk)
        records += chunk.count(end)
        if records >= SEARCH_GATHERED or len(output) >= SEARCH_GATHERED_BYTES:
            raise Enough

    finished = await run(
        argv,
        cwd=folder,
        env=os.environ,
        timeout=SEARCH_SECONDS,
        keep=_ERROR_BYTES,
        on_output=take,
    )
    if finished.timed_out:
        raise ToolError(
            f"the search took longer than {SEARCH_SECONDS:g} s: narrow the path or the glob, "
            "or use a simpler pattern."
        )
    if finished.exit_code == 2 and output and b"\0" not in output:
        raise ToolError(finished.output.text(ERROR_CHARS, neutralise).strip())
    del output[output.rfind(end) + 1 :]
    return Found(parse(bytes(output), query.answer), finished.stopped)


def ripgrep(program: str, folder: Path, query: Query) -> list[str]:
    """The command line of ripgrep, to be run in ``folder``."""
    return [program, *_COMMON, *_rules(folder), *_options(query), "--", f"./{query.name}"]


def stand_in(query: Query) -> list[str]:
    """The command line of what searches where there is no ripgrep."""
    # An interpreter of its own would also look for modules in the folder that is searched.
    path = [folder for folder in sys.path if os.path.isabs(folder)]  # noqa: PTH117
    script = f"import sys; sys.path[:] = {path!r}; from akmon_tools.standin import main; main()"
    return [sys.executable, "-I", "-c", script, msgspec.json.encode(query).decode()]


def _rules(folder: Path) -> tuple[str, ...]:
    """Outside a repository .gitignore holds too, but none from above: there is no top to begin at."""
    if any(os.path.lexists(above / ".git") for above in (folder, *folder.parents)):
        return ()
    return ("--no-require-git", "--no-ignore-parent")


def _options(query: Query) -> list[str]:
    options = [*_answer(query), *_files(query)]
    if query.literal:
        options.append("--fixed-strings")
    if query.across_lines:
        options.append("--multiline")
    if query.multiline:
        options.append("--multiline-dotall")
    if query.pattern:
        options.append(f"--regexp={query.pattern}")
    plain = (glob for glob in query.without if not _SPECIAL.search(glob))
    return [*options, *(f"--iglob=!/{glob}" for glob in plain)]


def _answer(query: Query) -> tuple[str, ...]:
    match query.answer:
        case "files":
            return ("--files-with-matches" if query.pattern else "--files",)
        case "count":
            return ("--count", "--with-filename")
        case "lines":
            return (
                "--with-filename",
                "--line-number",
                "--no-heading",
                f"--max-count={SEARCH_MATCHES + 1}",
                f"--max-columns={SEARCH_COLUMNS}",
                "--max-columns-preview",
                f"--context={query.context}",
            )


def _files(query: Query) -> list[str]:
    """A glob over names goes in as a file type, as ripgrep lets ``--glob`` override .gitignore."""
    if query.type:
        return [f"--type={query.type}", _NO_GIT]
    name = query.glob.removeprefix("**/")
    if not query.glob:
        return [_NO_GIT]
    if "/" in name or ":" in name or name.startswith("!"):
        return [f"--glob={query.glob}", _NO_GIT]
    return [f"--type-add=wanted:{name}", "--type=wanted", _NO_GIT]
