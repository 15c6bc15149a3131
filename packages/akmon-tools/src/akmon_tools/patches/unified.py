"""Reads unified diffs, as git, diff and models write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from akmon_core.errors import ToolError
from akmon_tools.patches.hunks import Action, Entry
from akmon_tools.patches.names import NOTHING, read_name, read_pair, without_prefixes
from akmon_tools.patches.unifiedhunks import BETWEEN, SIGNATURE, begins_file, read_hunks, stray

_GIT = "diff --git "
_NAMES = ("rename from ", "rename to ", "copy from ", "copy to ")
_MODES = ("old mode ", "new mode ", "deleted file mode ", "new file mode ")
_IGNORED = ("similarity index ", "dissimilarity index ")
_BINARY = ("Binary files ", "GIT binary patch")
_SPECIAL = {"120000": "symbolic link", "160000": "submodule"}


def parse_unified(lines: Sequence[str]) -> tuple[Entry, ...]:
    """What a diff says about each file. Raises ``ToolError`` with what is wrong where."""
    entries: list[Entry] = []
    at = _next_file(lines, 0)
    if at == len(lines):
        raise ToolError(
            "the patch names no file: write *** Begin Patch, then *** Update File: PATH (or Add, Delete), "
            "or --- a/PATH and +++ b/PATH before the first @@."
        )
    while at < len(lines):
        entry, at = _entry(lines, at)
        entries.append(entry)
        at = _between(lines, at, entry)
    return tuple(entries)


def _next_file(lines: Sequence[str], at: int) -> int:
    """Where the next file begins, past whatever a mail or a commit says before it."""
    return next((here for here in range(at, len(lines)) if begins_file(lines, here)), len(lines))


def _between(lines: Sequence[str], at: int, entry: Entry) -> int:
    """Where the next file begins, past what may stand between two."""
    while at < len(lines) and not begins_file(lines, at):
        line = lines[at]
        if line == SIGNATURE or line.startswith("From "):
            return _next_file(lines, at + 1)
        if line.strip() and not line.startswith(BETWEEN):
            raise stray(entry.target or entry.path, len(entry.hunks), line)
        at += 1
    return at


def _entry(lines: Sequence[str], at: int) -> tuple[Entry, int]:
    """What is said of the file whose part begins at a line, and the line after it."""
    said: dict[str, str] = {}
    pair = ("", "")
    if lines[at].startswith(_GIT):
        pair = read_pair(lines[at][len(_GIT) :])
        at = _headers(lines, at + 1, said)
    sides = ("", "")
    if at < len(lines) - 1 and lines[at].startswith("--- ") and lines[at + 1].startswith("+++ "):
        sides = read_name(lines[at][4:]), read_name(lines[at + 1][4:])
        at += 2
    old, new = _names(pair, sides, said)
    name = new or old
    if at < len(lines) and lines[at].startswith(_BINARY):
        raise ToolError(f"{name}: the patch of a binary file cannot be applied. Leave that file out.")
    action = _action(sides, said)
    if action in ("update", "add", "delete") and old != new:
        raise ToolError(
            f"--- and +++ name different files, {old} and {new}. Name the same one twice; "
            "for a move add the lines rename from PATH and rename to PATH."
        )
    executable = _executable(name, said)
    hunks, at = read_hunks(lines, at, name)
    if action == "update" and not hunks and executable is None:
        raise ToolError(f"{name}: the patch says no change of it.")
    target = new if action in ("move", "copy") else ""
    return Entry(action=action, path=old, target=target, hunks=hunks, executable=executable), at


def _headers(lines: Sequence[str], at: int, said: dict[str, str]) -> int:
    """Reads what git says of a file before its hunks into ``said``; gives the line after that."""
    while at < len(lines):
        line = lines[at]
        label = next((label for label in (*_NAMES, *_MODES) if line.startswith(label)), None)
        if label:
            said[label] = line[len(label) :]
        elif line.startswith("index "):
            said["index "] = line.split(" ")[2] if line.count(" ") == 2 else ""
        elif not line.startswith(_IGNORED):
            break
        at += 1
    return at


def _names(pair: tuple[str, str], sides: tuple[str, str], said: dict[str, str]) -> tuple[str, str]:
    """The old and the new name, the same where there is only one file. All that name them must agree."""
    if "" not in pair:  # where one side is nothing, only this tells whether there are prefixes
        sides = (
            pair[0] if sides[0] == NOTHING else sides[0],
            pair[1] if sides[1] == NOTHING else sides[1],
        )
    found = [_one(without_prefixes(*names)) for names in (pair, sides) if names != ("", "")]
    found += [
        (read_name(said.get(f"{kind} from ", "")), read_name(said.get(f"{kind} to ", "")))
        for kind in ("rename", "copy")
        if f"{kind} from " in said or f"{kind} to " in said
    ]
    if not found:
        raise ToolError("a file's part of the patch does not name it: write --- a/PATH and +++ b/PATH.")
    if any(names != found[-1] for names in found) or not all(found[-1]):
        named = ", ".join(dict.fromkeys(name for names in found for name in names if name))
        raise ToolError(f"the lines above a file's hunks do not agree on its name: {named}")
    return found[-1]


def _one(names: tuple[str, str]) -> tuple[str, str]:
    """The names with that of the one file where the other side is nothing."""
    old, new = names
    if old == new == NOTHING:
        raise ToolError(f"the patch names {NOTHING} on both sides.")
    return (new, new) if old == NOTHING else (old, old) if new == NOTHING else names


def _action(sides: tuple[str, str], said: dict[str, str]) -> Action:
    if "rename from " in said:
        return "move"
    if "copy from " in said:
        return "copy"
    if sides[0] == NOTHING or "new file mode " in said:
        return "add"
    if sides[1] == NOTHING or "deleted file mode " in said:
        return "delete"
    return "update"


def _executable(name: str, said: dict[str, str]) -> bool | None:
    """Whether the file shall be executable. Raises ``ToolError`` if it is no regular file."""
    for mode in (said.get(label) for label in (*_MODES, "index ")):
        if mode and not re.fullmatch("100[0-7]{3}", mode):
            kind = _SPECIAL.get(mode, f"mode {mode}")
            raise ToolError(f"{name}: only regular files can be patched, and this is a {kind}.")
    mode = said.get("new mode ") or said.get("new file mode ")
    return bool(int(mode, 8) & 0o111) if mode else None
