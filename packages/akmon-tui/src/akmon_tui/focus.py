"""Which dialog is on the screen, and when keys go to it rather than to the line that is being typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

from akmon_tui.dialogs.base import Dialog, Done, Press
from akmon_tui.dialogs.questions import question_dialog
from akmon_tui.view import View, Waiting

Answered = Callable[[Waiting, object], None]


class Focus:
    """A dialog that the person has opened takes keys at once. A question of the session takes them when the
    person has typed nothing for a while: keys that were meant for the line must not answer it.
    """

    def __init__(self, changed: Callable[[], None], answered: Answered, quiet: float) -> None:
        """``changed`` is called when the screen looks different, ``answered`` with what a question's dialog
        gives. ``quiet`` counts seconds."""
        self._changed = changed
        self._answered = answered
        self._quiet = quiet
        self._opened: list[tuple[Dialog, asyncio.Future[object]]] = []
        self._question: tuple[Waiting, Dialog] | None = None
        self._given = False
        self._since = 0.0
        """When a key went to the line last, or the question came, by the loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def dialog(self) -> Dialog | None:
        """What is on the screen."""
        if self._opened:
            return self._opened[-1][0]
        return self._question[1] if self._question else None

    @property
    def takes_keys(self) -> bool:
        return bool(self._opened) or (self._question is not None and self._given)

    def open(self, dialog: Dialog) -> asyncio.Future[object]:
        """Has ``dialog`` take the keys from the next one on; gives what the person will choose in it."""
        chosen: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._opened.append((dialog, chosen))
        chosen.add_done_callback(self._closed)
        self._changed()
        return chosen

    async def ask(self, dialog: Dialog) -> object:
        """What the person chooses in ``dialog``."""
        chosen = self.open(dialog)
        try:
            return await chosen
        finally:
            self._closed(chosen)

    def _closed(self, chosen: asyncio.Future[object]) -> None:
        left = [entry for entry in self._opened if entry[1] is not chosen]
        if len(left) < len(self._opened):
            self._opened = left
            self._restart()
            self._changed()

    def follow(self, view: View) -> None:
        """Shows the question of ``view``, if it is another one."""
        asked = view.question
        shown = self._question[0] if self._question else None
        if asked is shown:
            return
        self._question = (asked, question_dialog(asked, view)) if asked else None
        self._restart()
        self._changed()

    def typed(self) -> None:
        """A key went to the line."""
        if self._question and not self._given:
            self._restart()

    def close(self) -> None:
        """Nothing is asked any more."""
        self._question = None
        self._restart()
        for _, chosen in self._opened:
            chosen.cancel()

    def bindings(self) -> KeyBindings:
        """Gives every key to the dialog, as long as it takes them."""
        bindings = KeyBindings()

        @bindings.add(Keys.Any, filter=Condition(lambda: self.takes_keys), eager=True)
        def _press(event: KeyPressEvent) -> None:
            for press in event.key_sequence:
                self._press(_named(press.key, press.data))

        return bindings

    def _press(self, press: Press) -> None:
        dialog = self.dialog
        if dialog is None or not self.takes_keys:
            return
        done = dialog.press(press)
        if isinstance(done, Done):
            self._done(done)

    def _done(self, done: Done) -> None:
        if self._opened:
            _, chosen = self._opened[-1]
            self._closed(chosen)  # now, as the next key may have come already
            if not chosen.done():
                chosen.set_result(done.value)
        elif self._question:
            waiting, _ = self._question
            self._restart()  # in case that it stays
            self._answered(waiting, done.value)

    def _restart(self) -> None:
        """The question waits anew for quiet."""
        self._given = False
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._question and not self._opened:
            self._timer = asyncio.get_running_loop().call_later(self._quiet, self._give)

    def _give(self) -> None:
        self._timer = None
        self._given = True
        self._changed()


def _named(key: str, data: str) -> Press:
    """A key as dialogs know it. prompt_toolkit has the same code for some pairs, such as Enter and Ctrl+M."""
    name = key.value if isinstance(key, Keys) else key
    return Press(_NAMES.get(name, name), data)


_NAMES = {"c-m": "enter", "c-i": "tab", "c-h": "backspace", "c-@": "c-space"}
