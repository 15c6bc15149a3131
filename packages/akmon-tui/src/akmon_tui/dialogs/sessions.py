"""Which earlier session goes on."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.text import neutralise, one_line
from akmon_tui.dialogs.pane import block
from akmon_tui.dialogs.picker import Picker, Row
from akmon_tui.lines import Line, line
from akmon_tui.services import SessionChoice

_LABEL = 60


class SessionPicker(Picker):
    """Its value is the ``id`` of a session. What was said in it is shown as soon as it is there."""

    def __init__(self, sessions: Sequence[SessionChoice], now: float) -> None:
        """``now`` is in seconds since 1970-01-01 UTC."""
        rows = [_row(session, now) for session in sessions]
        empty = "There is no earlier session in this project."
        super().__init__("Resume", rows, empty=empty, chooses="resumes", preview=self._said)
        self._previews: dict[str, str] = {}

    @property
    def wants(self) -> str | None:
        """The ``id`` of the session whose preview is to be seen and is not known yet."""
        row = self.selected
        session = row.value if row else None
        return session if isinstance(session, str) and session not in self._previews else None

    def set_preview(self, session: str, text: str) -> None:
        """What was said in ``session``; an empty text is nothing."""
        self._previews[session] = text

    def _said(self, row: Row, width: int) -> list[Line]:
        text = self._previews.get(row.value) if isinstance(row.value, str) else None
        if text is None:
            return [line("…", "dim")]
        return block(neutralise(text), width) if text.strip() else [line("Nothing was said.", "dim")]


def _row(session: SessionChoice, now: float) -> Row:
    prompt = one_line(session.prompt, 400)
    named = session.name or prompt or "(no prompt)"
    detail = (ago(now - session.changed), session.model, prompt if session.name else "")
    shown = " · ".join(part for part in detail if part)
    return Row(one_line(named, _LABEL), session.id, shown, words=f"{session.name} {prompt} {session.id}")


def ago(seconds: float) -> str:
    """How long it is that something happened, such as ``3 h ago``."""
    for size, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count:,} {unit}{'s' * (unit == 'day' and count != 1)} ago"
    return "just now"
