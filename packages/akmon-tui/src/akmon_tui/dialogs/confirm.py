"""A question that is answered by yes or no, with all that there is to know before."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.text import exposed
from akmon_tui.asking import on_one_line
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.pane import Key, Scroll, block, key_lines, key_of, key_rows, stacked
from akmon_tui.lines import Frame, columns


class Confirm:
    """Its value is True after ``y`` alone, False after ``n`` or Enter, None where the person left.

    ``yes`` and ``no`` say in a few words what they do.
    """

    def __init__(self, title: str, body: Sequence[str], yes: str = "yes", no: str = "no") -> None:
        self._title = on_one_line(title)
        self._body = exposed("\n".join(body))
        self._yes = on_one_line(yes)
        self._no = on_one_line(no)
        self._scroll = Scroll()

    def frame(self, width: int, height: int) -> Frame:
        keys = [Key("y", self._yes), Key("n or enter", self._no)]
        foot = key_lines(keys, width, key_rows(height))
        whole = block(self._title, width, "bold") if columns(self._title) > width else []
        body = [*whole, *block(self._body, width)]
        return stacked(self._title, body, foot, width, height, self._scroll)

    def press(self, press: Press) -> Done | None:
        match key_of(press):
            case "y" | "Y":
                return Done(True)
            case "n" | "N" | "enter":
                return Done(False)
            case "escape" | "c-c":
                return Done(None)
            case key:
                self._scroll.press(key)
        return None


def trust_dialog(folder: str, claims: str) -> Confirm:
    """Whether the files of a project that have akmon do something may: ``claims`` says what they would."""
    return Confirm(f"Do you trust {folder}?", [claims], "trusts this folder", "goes on without them")
