"""A note of where a session stopped, for the next one in the same project: mechanical, no model writes it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from akmon_core.limits import HANDOFF_CHARS
from akmon_core.messages import Assistant, User
from akmon_core.state import State
from akmon_core.text import one_line
from akmon_query.private import make_private

_FILES = 20


class Handoff:
    """The note in the file ``path``; without a path there is none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> str:
        """The last session's note; empty if there is none."""
        if self._path is None:
            return ""
        try:
            with self._path.open("rb") as file:
                return file.read(4 * HANDOFF_CHARS).decode(errors="replace")[:HANDOFF_CHARS]
        except OSError:
            return ""

    def leave(self, session: str, state: State) -> None:
        """Leaves a note if there is something to say. One that cannot be written is left unwritten."""
        note = handoff_note(session, state)
        if self._path is None or not note:
            return
        with suppress(OSError):
            make_private(self._path.parent)
            new = self._path.with_suffix(f".{os.getpid()}.new")
            new.touch(mode=0o600)
            new.write_text(note, "utf-8", errors="replace")
            new.replace(self._path)


def handoff_note(session: str, state: State) -> str:
    """Where ``session`` stands; empty for one that was a single question, answered."""
    if not state.turn or (state.turn < 2 and state.outcome == "completed"):
        return ""
    asked = [each.text for each in state.history if isinstance(each, User) and each.by == "person"]
    said = [each.text for each in state.history if isinstance(each, Assistant) and each.text]
    lines = [f"Session {session}, {state.turn} turn{'s' * (state.turn != 1)}, the last one {state.outcome}."]
    lines += [f"Asked last: {one_line(asked[-1], 300)}"] if asked else []
    if files := state.changes.files:
        more = f" and {len(files) - _FILES} more" if len(files) > _FILES else ""
        lines.append(f"Files written: {', '.join(files[-_FILES:])}{more}")
    lines += [f"Plan: {state.plan}"] if state.plan else []
    lines += [f"To do:\n{state.pins['todos']}"] if "todos" in state.pins else []
    lines += [f"Said last: {said[-1]}"] if said else []
    return "\n".join(lines)[:HANDOFF_CHARS]
