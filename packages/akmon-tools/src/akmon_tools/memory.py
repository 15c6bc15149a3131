"""The tool that keeps notes which outlive the session, and finds them again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from akmon_core.errors import ToolError
from akmon_core.limits import LINE_CHARS, NOTE_LINES, NOTES_FOUND, READ_BYTES, SEARCH_COLUMNS
from akmon_core.text import one_line, reveal
from akmon_core.tools import DiffView, Effect, ToolContext, ToolOutput
from akmon_tools.diff import diff_view
from akmon_tools.notes import Note, Notes, Scope, clean_title
from akmon_tools.ranking import lines_with, query_terms, rank
from akmon_tools.truncate import truncate


class MemoryArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    action: Literal["save", "search", "delete", "list"]
    title: Annotated[str, Meta(description="For save and delete.")] = ""
    text: Annotated[str, Meta(description="For save, in Markdown.")] = ""
    query: Annotated[str, Meta(description="For search: a few words, or an exact title.")] = ""
    scope: Scope = "project"

    def __post_init__(self) -> None:
        missing = [name for name in _NEEDED[self.action] if not getattr(self, name).strip()]
        if missing:
            raise ValueError(f"{self.action} needs {' and '.join(missing)}")


_NEEDED = {"save": ("title", "text"), "search": ("query",), "delete": ("title",), "list": ()}


class MemoryTool:
    name = "memory"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = MemoryArguments

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def effects(self, arguments: MemoryArguments) -> tuple[Effect, ...]:
        if arguments.action in ("search", "list"):
            return ()
        return (Effect("remember", f"{arguments.scope}: {clean_title(arguments.title)}"),)

    def preview(self, arguments: MemoryArguments, context: ToolContext) -> DiffView | None:
        try:
            if arguments.action == "delete":
                note = self._notes.find(arguments.scope, arguments.title)
                return diff_view(self._notes.path(note), note.content, "")
            if arguments.action == "save":
                return self._view(*self._notes.draft(arguments.scope, arguments.title, arguments.text))
        except ToolError:
            pass
        return None

    async def run(self, arguments: MemoryArguments, context: ToolContext) -> ToolOutput:
        match arguments.action:
            case "save":
                return self._save(arguments)
            case "delete":
                note = self._notes.delete(arguments.scope, arguments.title)
                view = diff_view(self._notes.path(note), note.content, "")
                return _output(f"deleted {_name(note)}", view)
            case "search":
                import asyncio

                return await asyncio.to_thread(self._search, arguments.query)
            case "list":
                rows = [_name(note) for note in self._notes.all()]
                text = truncate("\n".join(rows), READ_BYTES) or "There are no notes."
                return ToolOutput(text, summary=_notes(len(rows)))

    def _save(self, arguments: MemoryArguments) -> ToolOutput:
        note, before = self._notes.draft(arguments.scope, arguments.title, arguments.text)
        self._notes.save(note)
        return _output(f"{'replaced' if before else 'kept'} {_name(note)}", self._view(note, before))

    def _search(self, query: str) -> ToolOutput:
        found = search(self._notes.all(), query)
        if not found:
            return ToolOutput("No note has any of these words.", summary=_notes(0))
        return ToolOutput("\n\n".join(_shown(note, query) for note in found), summary=_notes(len(found)))

    def _view(self, note: Note, before: Note | None) -> DiffView:
        return diff_view(self._notes.path(note), before.content if before else "", note.content)


def search(notes: list[Note], query: str) -> list[Note]:
    """At most ``NOTES_FOUND`` notes that fit ``query``: those of that very title first, then the best."""
    named = [note for note in notes if note.title == clean_title(query)]
    others = [note for note in notes if note not in named]
    best = [others[at] for at in rank(query, [(note.title, note.text) for note in others])]
    return [*named, *best][:NOTES_FOUND]


def matching_lines(note: Note, query: str) -> list[str]:
    """The first lines of ``note`` that have a word of ``query``, or its first ones if only its title does."""
    lines = list(lines_with(query_terms(query), note.text)) or note.text.split("\n")
    return [one_line(line, SEARCH_COLUMNS) for line in lines if line.strip()][:NOTE_LINES]


def _shown(note: Note, query: str) -> str:
    """A note whose title was asked for is shown whole."""
    if note.title == clean_title(query):
        lines = [reveal(line[:LINE_CHARS]) for line in note.text.split("\n")]
        return "\n".join([f"## {_name(note)}", *lines])
    return "\n".join([f"## {_name(note)} (in part)", *matching_lines(note, query)])


def _name(note: Note) -> str:
    return f"{note.scope}: {note.title}"


def _notes(number: int) -> str:
    return f"{number} note{'s' * (number != 1)}"


def _output(did: str, view: DiffView) -> ToolOutput:
    return ToolOutput(f"{did[0].upper()}{did[1:]}.", view=view, summary=did)
