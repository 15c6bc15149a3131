"""A choice that may need another one after it, and the way back to the first."""

from __future__ import annotations

from collections.abc import Callable

from akmon_tui.dialogs.base import Dialog, Done, Press
from akmon_tui.lines import Frame


class Steps:
    """Shows ``first``; ``then`` makes of its value what comes next: the end, or a second dialog.

    Where the person leaves the second one, the first is there again; Ctrl+C leaves both.
    """

    def __init__(self, first: Dialog, then: Callable[[object], Dialog | Done]) -> None:
        self._first = first
        self._then = then
        self._second: Dialog | None = None

    def frame(self, width: int, height: int) -> Frame:
        return (self._second or self._first).frame(width, height)

    def press(self, press: Press) -> Done | None:
        if self._second is not None:
            done = self._second.press(press)
            if done is None or done.value is not None or press.key == "c-c":
                return done
            self._second = None
            return None
        done = self._first.press(press)
        if done is None or done.value is None:
            return done
        match self._then(done.value):
            case Done() as end:
                return end
            case second:
                self._second = second
                return None
