"""The composer: what the person is about to say, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from prompt_toolkit.application.current import get_app_or_none
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.key_binding.vi_state import InputMode

from akmon_core.limits import HISTORY_CHARS, PASTE_CHARS
from akmon_core.messages import Image
from akmon_tui.cells import whole
from akmon_tui.composer.history import History
from akmon_tui.composer.pastes import Pastes, cleaned
from akmon_tui.composer.text import Layout, Row, first_shown
from akmon_tui.lines import Frame, Line, Piece, columns, cut, line, width_of

_UNSEEN = "the model does not see it"
_SHELL = {"!": "a shell command", "!!": f"a shell command; {_UNSEEN}"}


class Sent(NamedTuple):
    """What the person says."""

    text: str
    images: tuple[Image, ...] = ()


class Composer:
    """Holds what is typed until it is sent. ``buffer`` is what prompt_toolkit's keys edit."""

    def __init__(self, history: Path | None = None, placeholder: str = "") -> None:
        self.history = History(history)
        self.buffer = _Buffer(self.history)
        self.placeholder = placeholder
        """Shown while nothing is typed."""
        self._pastes = Pastes()
        self._width = 80
        self._top = 0
        """Where the first row that is shown begins, as an index into the buffer's text."""
        self._goal = (-1, 0)
        """After a move up or down: where the cursor went, and the column that it came from."""

    @property
    def text(self) -> str:
        """All that would be sent."""
        return whole(self._pastes.expanded(self.buffer.text))

    @property
    def images(self) -> tuple[Image, ...]:
        return self._pastes.images(self.buffer.text)

    @property
    def is_empty(self) -> bool:
        return not self.buffer.text

    def take(self) -> Sent:
        """What is sent now. It enters the history, and the composer is empty again."""
        sent = Sent(self.text, self.images)
        if sent.text.strip():
            short = len(sent.text) <= HISTORY_CHARS
            kept = sent.text if short else self._pastes.labelled(self.buffer.text)[:HISTORY_CHARS]
            self.history.append_string(kept)
        self.buffer.reset()
        self._pastes = Pastes()
        return sent

    def stage(self, text: str, images: Sequence[Image] = ()) -> None:
        """Puts ``text`` in place of what is typed, which undo brings back.

        ``images`` are those that it was sent with; without them, its labels stand for those there are.
        """
        text = cleaned(text)
        text = self._pastes.restored(text, images) if images else self._pastes.marked(text)
        self.buffer.save_to_undo_stack()
        self.buffer.document = Document(text, len(text))

    def clear(self) -> None:
        """Takes back what is typed; undo brings it back."""
        self.stage("")

    def paste(self, text: str) -> str:
        """Puts a paste where the cursor is: a long one as one character that stands for it.

        The same one pasted right behind that character takes its place in full. Gives what to say if it is
        too long.
        """
        if len(text) > PASTE_CHARS:
            return f"That is too long to paste: {len(text):,} characters. Name a file that has it instead."
        text = cleaned(text)
        if self._pastes.pasted(self.buffer.document.char_before_cursor) == text:
            self.buffer.delete_before_cursor()
            self.buffer.insert_text(text)
        elif text:
            self.buffer.insert_text(self._pastes.fold(text))
        return ""

    def add_image(self, image: Image, name: str) -> None:
        """Puts an image where the cursor is; it goes when the character that stands for it is deleted."""
        self.buffer.save_to_undo_stack()
        self.buffer.insert_text(self._pastes.picture(image, name) + " ")

    def up(self) -> None:
        """A row up, or an earlier prompt."""
        if not self._move(-1) and not self.buffer.selection_state:
            self.buffer.history_backward()

    def down(self) -> None:
        """A row down, or a later prompt."""
        if not self._move(1) and not self.buffer.selection_state:
            self.buffer.history_forward()

    def frame(self, width: int, height: int) -> Frame:
        """What is typed, around the cursor."""
        if width < 1 or height < 1:
            return Frame([])
        self._width = width
        layout, cursor = self._layout(), self.buffer.cursor_position
        rows, at = layout.rows_around(cursor, height)
        first = first_shown(rows, at, self._top, height)
        self._top = rows[first].start
        seen = rows[first : first + height]
        indent = self._indent(width)
        selected = list(self.buffer.document.selection_ranges())
        lines = [self._line(layout, row, indent, selected) for row in seen]
        self._tell_hidden(layout, seen, lines)
        column = columns(indent) + layout.column(rows[at], cursor) if cursor >= layout.hidden else cursor
        return Frame([cut(each, width) for each in lines], (at - first, min(column, width - 1)))

    def _layout(self) -> Layout:
        room = max(1, self._width - columns(self._indent(self._width)))
        return Layout(self.buffer.text, room, self._pastes.labels, len(self._shell))

    @property
    def _shell(self) -> str:
        text = self.buffer.text
        return "!!" if text.startswith("!!") else text[:1] if text.startswith("!") else ""

    def _indent(self, width: int) -> str:
        """What stands before the first row; none where there is hardly room for text."""
        sign = f"{self._shell or ('' if takes_commands() else '>')}{':' * takes_commands()} "
        return sign if width > 2 * len(sign) else ""

    def _line(self, layout: Layout, row: Row, indent: str, selected: Sequence[tuple[int, int]]) -> Line:
        first = row.start == layout.hidden
        before = line(indent, "accent") if first else line(" " * len(indent))
        shown = layout.shown(row, selected)
        note = self._note(layout, width_of(shown)) if row.end == len(layout.text) else ""
        return (*before, *shown, *line(note, "dim"))

    def _note(self, layout: Layout, used: int) -> str:
        """What is said behind the text."""
        if not layout.text:
            return self.placeholder
        if layout.text in _SHELL:
            return _SHELL[layout.text]
        fits = layout.room >= used + len(_UNSEEN) + 3
        return f"   {_UNSEEN}" if self._shell == "!!" and fits else ""

    def _tell_hidden(self, layout: Layout, seen: Sequence[Row], lines: list[Line]) -> None:
        """Says on the first and on the last row how much there is above and below."""
        if len(lines) < 3:
            return
        indent = Piece(" " * len(self._indent(self._width)))
        if seen[0].start > layout.hidden:
            count = max(1, layout.text.count("\n", 0, seen[1].start))
            lines[0] = (indent, Piece(f"↑ {count:,} more", "dim"))
        if seen[-1].end < len(layout.text):
            count = max(1, layout.text.count("\n", seen[-2].end))
            lines[-1] = (indent, Piece(f"↓ {count:,} more", "dim"))

    def _move(self, step: int) -> bool:
        layout, cursor = self._layout(), self.buffer.cursor_position
        rows, at = layout.rows_around(cursor, 1)
        if not 0 <= at + step < len(rows):
            return False
        column = self._goal[1] if self._goal[0] == cursor else layout.column(rows[at], cursor)
        self.buffer.cursor_position = layout.at_column(rows[at + step], column)
        self._goal = (self.buffer.cursor_position, column)
        return True


def takes_commands() -> bool:
    """Whether keys are vi's commands now."""
    app = get_app_or_none()
    return (
        app is not None
        and app.editing_mode == EditingMode.VI
        and app.vi_state.input_mode == InputMode.NAVIGATION
    )


class _Buffer(Buffer):
    """One whose history is read when it is first looked at, and not copied for each prompt."""

    def __init__(self, history: History) -> None:
        self._prompts = history
        super().__init__(history=history, multiline=True)

    def reset(self, document: Document | None = None, append_to_history: bool = False) -> None:
        super().reset(document, append_to_history)
        self._entry = -1
        """Which prompt is shown, counted back from the last one; -1 is the new one."""
        self._edited: dict[int, str] = {}

    def history_backward(self, count: int = 1) -> None:
        self._go(self._entry + count)

    def history_forward(self, count: int = 1) -> None:
        self._go(self._entry - count)

    def _go(self, entry: int) -> None:
        entries = self._prompts.entries()
        entry = max(-1, min(entry, len(entries) - 1))
        if entry == self._entry:
            return
        self._edited[self._entry] = self.text
        self._entry = entry
        text = self._edited.get(entry, entries[entry] if entry >= 0 else "")
        self.document = Document(text, len(text))
