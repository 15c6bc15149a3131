"""Works out in memory what a patch makes of the files of a workspace, and refuses what does not fit."""

from __future__ import annotations

import codecs
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import PATCHED_BYTES, WRITE_BYTES
from akmon_tools.nearest import not_found
from akmon_tools.patches.applying import Applied, apply_hunks
from akmon_tools.patches.hunks import Entry
from akmon_tools.textfile import NEW, TextFile, decode, hash_of
from akmon_tools.together import FileWrite
from akmon_tools.workspace import Workspace


class Patched(msgspec.Struct, frozen=True):
    """What becomes of one file."""

    entry: Entry
    name: str
    """As people and models call it."""
    source: Path
    target: Path
    """Where the content is afterwards; of a file that goes, the same as ``source``."""
    before: str
    after: str
    """The texts; both are empty where they are not looked at."""
    applied: Applied
    writes: tuple[FileWrite, ...]


class _Found(msgspec.Struct, frozen=True):
    """A file as it is."""

    data: bytes
    was: os.stat_result


def plan_patch(
    workspace: Workspace, entries: Sequence[Entry], seen: Mapping[str, str]
) -> tuple[Patched, ...]:
    """What all ``entries`` together make of the files. Touches nothing.

    ``seen`` are the SHA-256 by canonical path of what the session knows of files: one that has another
    content now is refused. Raises ``ToolError``, naming the file and the hunk.
    """
    places = [(entry, *_resolve(workspace, entry)) for entry in entries]
    _refuse_collisions(workspace, places)
    patched = []
    size = 0
    for entry, source, target in places:
        one = _patched(workspace, entry, source, target, seen)
        size += sum(len(data) for write in one.writes for data in (write.before, write.after) if data)
        if size > PATCHED_BYTES:
            raise ToolError(
                f"the files of the patch together exceed {PATCHED_BYTES:,} bytes: use several patches."
            )
        patched.append(one)
    if all(
        write.before == write.after and write.executable is None for one in patched for write in one.writes
    ):
        raise ToolError("nothing would change: the files are already as the patch would make them.")
    return tuple(patched)


def written(patched: Sequence[Patched]) -> tuple[FileWrite, ...]:
    """All that is to be done, each file once: one that goes and is made anew is replaced."""
    writes: dict[Path, FileWrite] = {}
    for write in (write for one in patched for write in one.writes):
        other = writes.get(write.path)
        if other is None:
            writes[write.path] = write
        else:  # of two, one removes what is there and one makes something new
            gone, new = (write, other) if write.after is None else (other, write)
            writes[write.path] = msgspec.structs.replace(
                new, before=gone.before, was=gone.was, like=new.like or gone.was
            )
    return tuple(writes.values())


# --- where ------------------------------------------------------------------------------------------


def _resolve(workspace: Workspace, entry: Entry) -> tuple[Path, Path]:
    source = workspace.resolve(entry.path)
    target = workspace.resolve(entry.target) if entry.target else source
    if entry.action in ("delete", "move") and Path(workspace.cwd, entry.path).expanduser().is_symlink():
        raise ToolError(
            f"{entry.path} is a link to {workspace.show(source)}: name the file itself, or use a command."
        )
    return source, target


def _refuse_collisions(workspace: Workspace, places: Sequence[tuple[Entry, Path, Path]]) -> None:
    """Each file is written at most once and removed at most once, and nothing that stays is overwritten."""
    removed: dict[Path, str] = {}
    made: dict[Path, str] = {}
    for entry, source, target in places:
        if entry.action in ("delete", "move"):
            _claim(workspace, removed, source, entry)
        if entry.action != "delete":
            _claim(workspace, made, target, entry)
    for entry, source, target in places:
        if entry.action == "update" and target in removed:
            raise _twice(workspace, target)
        if (
            entry.action == "delete"
            and made.get(source) in ("add", "update", "copy")
            and _made_first(places, source)
        ):
            raise _twice(workspace, source)
        if entry.action in ("add", "move", "copy"):
            _refuse_taken(workspace, source, target, removed, moves=entry.action == "move")
            _refuse_folders(workspace, target, made)


def _claim(workspace: Workspace, claimed: dict[Path, str], path: Path, entry: Entry) -> None:
    if path in claimed:
        raise _twice(workspace, path)
    claimed[path] = entry.action


def _twice(workspace: Workspace, path: Path) -> ToolError:
    return ToolError(
        f"{workspace.show(path)} occurs twice in the patch: put all that is said of it in one place."
    )


def _made_first(places: Sequence[tuple[Entry, Path, Path]], path: Path) -> bool:
    first = next(entry for entry, source, target in places if path in (source, target))
    return first.action != "delete"


def _refuse_taken(
    workspace: Workspace, source: Path, target: Path, removed: Mapping[Path, str], *, moves: bool
) -> None:
    name = workspace.show(target)
    if target.is_dir():
        raise ToolError(f"{name} is a folder.")
    if moves and source == target:
        raise ToolError(f"{name} would be moved to itself.")
    if not os.path.lexists(target) or target in removed:
        return
    if moves and str(source).casefold() == str(target).casefold() and target.samefile(source):
        return  # here names that differ in case mean the same file
    raise ToolError(f"{name} exists already: update it, delete it in the same patch, or choose another name.")


def _refuse_folders(workspace: Workspace, target: Path, made: Mapping[Path, str]) -> None:
    for folder in target.parents:
        if folder in made or (os.path.lexists(folder) and not folder.is_dir()):
            raise ToolError(
                f"{workspace.show(target)} cannot be made: {workspace.show(folder)} is a file, not a folder."
            )


# --- what -------------------------------------------------------------------------------------------


def _patched(
    workspace: Workspace, entry: Entry, source: Path, target: Path, seen: Mapping[str, str]
) -> Patched:
    name = workspace.show(target)
    if entry.action == "add":
        _refuse_signs(name, entry, " -", "an added file")
        return _added(entry, name, target)
    there = _find(workspace, source, seen)
    if entry.action == "delete":
        _refuse_signs(name, entry, " +", "a file that goes")
    if not entry.hunks:
        after, texts, applied = there.data, ("", ""), Applied("")
        if entry.action == "delete":
            texts = (_text_of(there.data), "")
    else:
        file = _text(there.data, workspace.show(source))
        applied = apply_hunks(workspace.show(source), file.text, entry.hunks)
        after, texts = _encode(name, file, applied.text), (file.text, applied.text)
    if entry.action == "delete" and entry.hunks and applied.text:
        raise ToolError(f"{name}: the patch removes the file, but not all of its lines.")
    return Patched(entry, name, source, target, *texts, applied, _writes(entry, source, target, there, after))


def _writes(entry: Entry, source: Path, target: Path, there: _Found, after: bytes) -> tuple[FileWrite, ...]:
    gone = FileWrite(path=source, before=there.data, was=there.was, after=None)
    new = FileWrite(path=target, before=None, after=after, like=there.was, executable=entry.executable)
    match entry.action:
        case "delete":
            return (gone,)
        case "move":
            return (gone, new)
        case "copy":
            return (new,)
        case _:
            return (msgspec.structs.replace(new, before=there.data, was=there.was),)


def _added(entry: Entry, name: str, target: Path) -> Patched:
    if len(entry.hunks) > 1:
        raise ToolError(f"{name}: an added file has one hunk with all of its lines.")
    hunks = tuple(msgspec.structs.replace(hunk, anchors=(), at_end=True) for hunk in entry.hunks)
    applied = apply_hunks(name, "", hunks)
    data = _encode(name, NEW, applied.text)
    write = FileWrite(path=target, before=None, after=data, executable=entry.executable)
    return Patched(entry, name, target, target, "", applied.text, applied, (write,))


def _refuse_signs(name: str, entry: Entry, signs: str, what: str) -> None:
    for hunk in entry.hunks:
        if any(sign in signs for sign, _ in hunk.lines):
            only = "+" if "-" in signs else "-"
            raise ToolError(f"{name}, hunk {hunk.number}: all lines of {what} begin with {only}.")


def _find(workspace: Workspace, path: Path, seen: Mapping[str, str]) -> _Found:
    name = workspace.show(path)
    if not path.exists():
        raise not_found(workspace, path)
    if path.is_dir():
        raise ToolError(f"{name} is a folder.")
    was = path.lstat()
    if not was.st_mode & 0o222:
        raise ToolError(f"{name} is marked read-only (mode {was.st_mode & 0o7777:04o}).")
    data = workspace.read_bytes(path)
    if seen.get(str(path), known := hash_of(data)) != known:
        raise ToolError(f"{name} was changed since it was read: read it again before patching it.")
    return _Found(data, was)


def _text(data: bytes, name: str) -> TextFile:
    """The text of a file, of UTF-8 with its mark as git sees it: as the first character."""
    file = decode(data, name)
    if file.bom == codecs.BOM_UTF8:
        return msgspec.structs.replace(file, text=f"\ufeff{file.text}", bom=b"")
    return file


def _text_of(data: bytes) -> str:
    """The text of a file for people; empty if it has none."""
    try:
        return decode(data, "").text
    except ToolError:
        return ""


def _encode(name: str, file: TextFile, text: str) -> bytes:
    try:
        data = file.encode(text)
    except ToolError as error:
        raise ToolError(f"{name}: {error}") from None
    if len(data) > WRITE_BYTES:
        raise ToolError(f"{name}: {len(data):,} bytes exceed {WRITE_BYTES:,}.")
    return data
