"""Notes that outlive a session: a Markdown file each, in a folder of the project and in one of the user."""

from __future__ import annotations

import os
import re
import unicodedata
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import NOTE_BYTES, NOTE_INDEX_BYTES, NOTES, TITLE_CHARS
from akmon_core.text import one_line
from akmon_tools.anchored import list_folder, open_file, remove_file, replace_file
from akmon_tools.oserrors import tool_error
from akmon_tools.workspace import Workspace

Scope: TypeAlias = Literal["project", "user"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_BELOW_PROJECT = (".akmon", "memory")
_SUFFIX = ".md"
_SLUG_CHARS = 50
_READ = 10 * NOTES
"""Files that are read of a folder, which may have been filled by others."""
_RESERVED = re.compile(r"(?:aux|con|nul|prn|(?:com|lpt)[0-9])\Z")
"""Names that are devices on Windows, whatever follows after a dot."""


class Note(msgspec.Struct, frozen=True):
    scope: Scope
    title: str
    text: str
    file: str
    """Its name in the folder."""
    changed: float = 0.0
    """Seconds since 1970-01-01 UTC."""

    @property
    def content(self) -> str:
        """What the file holds."""
        return f"# {self.title}\n\n{self.text}\n"


class Notes:
    """The notes in ``.akmon/memory`` of the folder ``project`` and those in the folder ``user``.

    Only Markdown files of these folders themselves count; links are not followed. The title is what tells
    notes of one scope apart.
    """

    def __init__(self, project: Path, user: Path | None = None) -> None:
        self._project = project
        self._user = user

    def all(self) -> list[Note]:
        """Every note, the last changed first. Raises ``ToolError``."""
        notes = [note for scope in SCOPES for note in self.of(scope)]
        return sorted(notes, key=lambda note: (-note.changed, note.title))

    def of(self, scope: Scope) -> list[Note]:
        """The notes of one scope. Raises ``ToolError``."""
        if scope == "user" and self._user is None:
            return []
        place = self._place(scope)
        notes = (_read(scope, place, name) for name in self._names(scope)[:_READ])
        return [note for note in notes if note]

    def find(self, scope: Scope, title: str) -> Note:
        """Raises ``ToolError`` with similar titles if there is none."""
        notes = self.of(scope)
        if note := _titled(notes, clean_title(title)):
            return note
        raise missing(f"{scope} note", title, notes)

    def draft(self, scope: Scope, title: str, text: str) -> tuple[Note, Note | None]:
        """A note as ``save`` would keep it, and the one that it would replace. Raises ``ToolError``."""
        note = Note(scope, clean_title(title), _lines(text), "")
        size = len(note.content.encode(errors="replace"))
        if size > NOTE_BYTES:
            raise ToolError(
                f"the note has {size:,} bytes, and {NOTE_BYTES:,} are the most. "
                "Keep what matters, or split it into several notes."
            )
        names = self._names(scope)
        before = _titled(self.of(scope), note.title)
        if before is None and len(names) >= NOTES:
            raise ToolError(f"there are {len(names)} {scope} notes already. Delete some that are outdated.")
        name = before.file if before else _free_name(note.title, names)
        return msgspec.structs.replace(note, file=name), before

    def save(self, note: Note) -> None:
        """Writes a note as ``draft`` gave it, all of it or nothing. Raises ``ToolError``."""
        try:
            if note.scope == "user" and self._user:
                self._user.mkdir(parents=True, exist_ok=True)
            root, parts = self._place(note.scope)
            replace_file(root, (*parts, note.file), note.content.encode(errors="replace"))
        except OSError as error:
            raise tool_error(f"cannot write the note {self.path(note)}", error) from None

    def delete(self, scope: Scope, title: str) -> Note:
        """Raises ``ToolError``."""
        note = self.find(scope, title)
        root, parts = self._place(scope)
        try:
            remove_file(root, (*parts, note.file))
        except OSError as error:
            raise tool_error(f"cannot delete the note {self.path(note)}", error) from None
        return note

    def path(self, note: Note) -> str:
        """The file of ``note`` for people: from the project, or in full."""
        if note.scope == "project" or self._user is None:
            return "/".join((*_BELOW_PROJECT, note.file))
        return str(self._user / note.file)

    def _place(self, scope: Scope) -> tuple[Path, tuple[str, ...]]:
        """A trusted folder, and the way from there, on which no link is followed."""
        if scope == "project":
            return self._project, _BELOW_PROJECT
        if self._user is None:
            raise ToolError("there is no place for notes of the user here: use the scope project.")
        return Path(os.path.realpath(self._user)), ()

    def _names(self, scope: Scope) -> list[str]:
        try:
            names = list_folder(*self._place(scope))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise tool_error(f"cannot read the {scope} notes", error) from None
        return [name for name in names if name.endswith(_SUFFIX) and not name.startswith(".")]


def notes_of(workspace: Workspace, user: Path | None = None) -> Notes:
    """The notes for work in ``workspace``, and those in the folder ``user``."""
    return Notes(workspace.project, user)


def index(notes: Notes, cap: int = NOTE_INDEX_BYTES) -> str:
    """The titles of the notes that there are, last changed first, a line each, in about ``cap`` bytes."""
    try:
        rows = [f"{note.scope}: {note.title}" for note in notes.all()]
    except ToolError as error:
        return str(error)
    shown: list[str] = []
    size = 0
    for row in rows:
        size += len(row.encode(errors="replace")) + 1
        if size > cap:
            return "\n".join([*shown, f"and {len(rows) - len(shown)} more"])
        shown.append(row)
    return "\n".join(shown)


def missing(kind: str, title: str, notes: list[Note]) -> ToolError:
    """That there is no note of that title, with similar titles among ``notes``."""
    import difflib

    wanted = clean_title(title)
    close = difflib.get_close_matches(wanted, [note.title for note in notes], cutoff=0.4)
    meant = f" Similar titles: {'; '.join(close)}." if close else ""
    return ToolError(f"there is no {kind} called {wanted!r}.{meant}")


def clean_title(title: str) -> str:
    """``title`` on one line, with nothing invisible, in one spelling; empty if nothing is left."""
    return one_line(unicodedata.normalize("NFC", title), TITLE_CHARS)


def _read(scope: Scope, place: tuple[Path, tuple[str, ...]], name: str) -> Note | None:
    """None for what is no file, is a link or may not be read."""
    root, parts = place
    try:
        with os.fdopen(open_file(root, (*parts, name)), "rb") as file:
            changed = os.fstat(file.fileno()).st_mtime
            data = file.read(NOTE_BYTES)
    except OSError:
        return None
    content = _lines(data.decode("utf-8-sig", "replace"))
    first, _, rest = content.partition("\n")
    title = clean_title(first[2:]) if first.startswith("# ") else ""
    text = _lines(rest if title else content)
    return Note(scope, title or clean_title(name.removesuffix(_SUFFIX)) or "note", text, name, changed)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _titled(notes: list[Note], title: str) -> Note | None:
    return next((note for note in notes if note.title == title), None)


def _free_name(title: str, names: list[str]) -> str:
    taken = {name.casefold() for name in names}
    slug = "-".join(re.findall(r"\w+", unicodedata.normalize("NFKC", title).lower()))
    slug = slug[:_SLUG_CHARS].strip("-_") or "note"
    if _RESERVED.match(slug):
        slug = f"note-{slug}"
    candidates = (slug if number == 1 else f"{slug}-{number}" for number in count(1))
    return next(f"{name}{_SUFFIX}" for name in candidates if f"{name}{_SUFFIX}".casefold() not in taken)
