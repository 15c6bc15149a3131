"""Finding an earlier prompt by a part of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from akmon_core.limits import HISTORY_CHARS
from akmon_core.text import one_line
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.field import Field
from akmon_tui.lines import Frame, Line, Piece, cut, line

_HELP = "Enter takes it · Ctrl+R older · Esc leaves"


class HistorySearch:
    """Asks for an earlier prompt out of ``entries``, which have the last one first.

    Its value is the prompt, to be edited or sent, or None.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self._field = Field()
        self._entries = list(dict.fromkeys(entries))
        self._lower = [entry[:HISTORY_CHARS].lower() for entry in self._entries]
        self._asked = ""
        self._near = list(range(len(self._entries)))
        """Entries that have all characters of what is asked for in its order."""
        self._found = self._near
        self._at = 0

    def frame(self, width: int, height: int) -> Frame:
        """What is looked for, the prompts that have it, the last one on top, and the keys."""
        if height < 1 or width < 1:
            return Frame([])
        label = cut(line("history: ", "accent"), max(0, width - 10), "")
        taken = sum(len(piece.text) for piece in label)
        typed, column = self._field.line(width - taken)
        room = max(0, height - 1 - (height > 3))
        first = max(0, min(self._at - room // 2, len(self._found) - room))
        rows = [self._row(at, width) for at in range(first, min(first + room, len(self._found)))]
        if not rows and room:
            rows = [cut(line("  no earlier prompt has that", "dim"), width)]
        count = f" · {len(self._found):,} of {len(self._entries):,}"
        foot = [cut(line(f"{_HELP}{count}", "dim"), width)] if height > 3 else []
        return Frame([(*label, *typed), *rows, *foot], (0, taken + column))

    def press(self, press: Press) -> Done | None:
        match press.key:
            case "enter" | "c-m" | "tab" | "c-i":
                return Done(self._entries[self._found[self._at]]) if self._found else None
            case "escape" | "c-c" | "c-g":
                return Done(None)
            case "down" | "c-r" | "c-n":
                self._at = min(self._at + 1, max(0, len(self._found) - 1))
            case "up" | "c-s" | "c-p":
                self._at = max(0, self._at - 1)
            case _ if self._field.press(press):
                self._search(self._field.text.strip().lower())
        return None

    def _row(self, at: int, width: int) -> Line:
        chosen = at == self._at
        text = one_line(self._entries[self._found[at]], max(1, width))
        return cut(
            (Piece("› " if chosen else "  ", "accent"), Piece(text, "selected" if chosen else "")), width
        )

    def _search(self, asked: str) -> None:
        """What has it as it is comes before what has its characters apart; each last one first."""
        if asked == self._asked:
            return
        among = self._near if asked.startswith(self._asked) else range(len(self._entries))
        apart = _characters_apart(asked)
        self._near = [at for at in among if apart.match(self._lower[at])]
        exact = [at for at in self._near if asked in self._lower[at]]
        taken = set(exact)
        self._found = [*exact, *(at for at in self._near if at not in taken)]
        self._asked, self._at = asked, 0


def _characters_apart(asked: str) -> re.Pattern[str]:
    """A pattern that tries each character of a text once."""
    return re.compile("".join(f"[^{re.escape(char)}]*{re.escape(char)}" for char in asked))
