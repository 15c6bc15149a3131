"""What the tools that replace text in one file share: from the edits that a model sent to a changed file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from akmon_core.errors import ToolError
from akmon_core.tools import DiffView, FileSeen, ToolContext, ToolOutput
from akmon_tools.diff import diff_view
from akmon_tools.matching import PLACES, SHOWN, find
from akmon_tools.nearest import nearest_lines, not_found, number_lines
from akmon_tools.placeholders import has_placeholder, refuse_placeholder
from akmon_tools.replace import LineText, apart, line_at
from akmon_tools.textfile import TextFile
from akmon_tools.workspace import Workspace

_CONTEXT = 3
_SHOWN_LINES = 40
_DIFF_SHOWN = 80
_LISTED = 10


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    old: str
    new: str
    replace_all: bool = False


class Plan(msgspec.Struct, frozen=True):
    """Edits that would succeed."""

    path: Path
    name: str
    before: TextFile
    after: str
    spans: tuple[tuple[int, int], ...]
    """The first and last line of what the last edit put in, counted from 1."""
    notes: tuple[str, ...]
    """Which edits were matched approximately, and how."""

    @property
    def view(self) -> DiffView:
        return diff_view(self.name, self.before.text, self.after)


class _Edited(msgspec.Struct, frozen=True):
    text: str
    spans: tuple[tuple[int, int], ...]
    how: str


def plan_edits(workspace: Workspace, path: str, edits: Sequence[Edit], context: ToolContext) -> Plan:
    """Everything but the writing: each edit applied to the result of the one before. Raises ``ToolError``."""
    resolved = workspace.resolve(path)
    name = workspace.show(resolved)
    if not resolved.exists():
        raise not_found(workspace, resolved)
    before = workspace.read_text(resolved)
    if context.files.get(str(resolved), before.sha256) != before.sha256:
        raise ToolError(f"{name} was changed since it was read: read it again before editing it.")
    text, notes = before.text, list[str]()
    spans: tuple[tuple[int, int], ...] = ()
    for number, edit in enumerate(edits, 1):
        which = f"edit {number} of {len(edits)}: " if len(edits) > 1 else ""
        try:
            edited = _apply(edit, text, name, before.newline)
        except ToolError as error:
            raise ToolError(f"{which}{error}{' No edit was made.' * (len(edits) > 1)}") from None
        if edited.how:
            notes.append(f"{which}old was matched approximately: {edited.how}")
        text, spans = edited.text, edited.spans
    if text == before.text:
        raise ToolError(f"the edits leave {name} as it is: nothing would change.")
    return Plan(resolved, name, before, text, spans, tuple(notes))


def carry_out(plan: Plan, workspace: Workspace, context: ToolContext, text: str) -> ToolOutput:
    """Writes what was planned; ``text`` is what the model reads. Raises ``ToolError``."""
    context.changing({str(plan.path): workspace.hash_of(plan.path, plan.after, like=plan.before)})
    sha256 = workspace.write_text(plan.path, plan.after, like=plan.before)
    view = plan.view
    return ToolOutput(
        text,
        view=view,
        summary=f"+{view.added} -{view.removed} lines",
        files=(FileSeen(str(plan.path), sha256, written=True),),
    )


def show_diff(plan: Plan) -> str:
    """What an edit that was not quite exact, or several, changed: notes and the diff."""
    lines = plan.view.diff.split("\n")
    more = [f"[... {len(lines) - _DIFF_SHOWN:,} more lines ...]"] * (len(lines) > _DIFF_SHOWN)
    notes = [f"{note}." for note in plan.notes]
    return "\n".join([*notes, "What changed:", *lines[:_DIFF_SHOWN], *more])


def show_place(plan: Plan) -> str:
    """The first changed region with its neighbours, numbered."""
    start, end = plan.spans[0]
    first = max(start - 1 - _CONTEXT, 0)
    lines = plan.after.removesuffix("\n").split("\n")[first : end + _CONTEXT]
    shown = number_lines(lines[:_SHOWN_LINES], first + 1)
    more = len(lines) - _SHOWN_LINES
    return f"{shown}\n[... {more} more lines ...]" if more > 0 else shown


def listed(lines: Sequence[int]) -> str:
    return ", ".join(map(str, lines[:_LISTED])) + ", …" * (len(lines) > _LISTED)


def _apply(edit: Edit, text: str, name: str, newline: str) -> _Edited:
    old, new = (piece.replace("\r\n", "\n") for piece in (edit.old, edit.new))
    if not old:
        raise ToolError("old is empty: give the text to replace, or use write for a new file.")
    if old == new:
        raise ToolError("old and new are the same: nothing would change.")
    seen = LineText(text)
    refuse_placeholder(name, new, old, seen.text)
    found = find(seen.text, old, new, many=edit.replace_all)
    if not found.places:
        raise _missing(seen.text, old, name)
    if len(found.places) > PLACES:
        raise ToolError(f"old occurs more than {PLACES:,} times in {name}: use a command instead.")
    if len(found.places) > 1 and not edit.replace_all:
        lines = listed([line_at(seen.text, place.start) for place in found.places[:SHOWN]])
        near = f", though not exactly ({found.how})" if found.how else ""
        count = f"{len(found.places)}{' or more' * bool(found.how and len(found.places) == SHOWN)}"
        raise ToolError(
            f"old occurs {count} times in {name}{near}, at lines {lines}. "
            "Add lines around it until it is unique, or set replace_all."
        )
    edited = seen.replace(apart(found.places), newline)
    return _Edited(edited.text, edited.spans, found.how)


def _missing(text: str, old: str, name: str) -> ToolError:
    if has_placeholder(old):
        return ToolError(
            f"old was not found in {name}: a line of it stands for text left out. Give the text itself."
        )
    near = nearest_lines(text, old)
    hint = f" The nearest text is:\n{near}" if near else " Nothing in it is similar: read the file again."
    return ToolError(f"old was not found in {name}. It must match exactly, indentation included.{hint}")
