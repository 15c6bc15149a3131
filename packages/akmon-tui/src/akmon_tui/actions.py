"""What keys do: send what was typed, stop, go back, open dialogs."""

from __future__ import annotations

import asyncio
from pathlib import PurePath

from akmon_core.commands import Interrupt, SetMode
from akmon_core.errors import AkmonError
from akmon_core.permissions import MODES
from akmon_tui.cards import whole
from akmon_tui.composer.external import edit_externally
from akmon_tui.composer.searching import HistorySearch
from akmon_tui.dialogs.pager import Pager
from akmon_tui.replying import carry_out, enter
from akmon_tui.screen import Screen
from akmon_tui.services import Leave
from akmon_tui.slash import run_slash
from akmon_tui.slash.replies import Ask

_CYCLED = ("default", "accept-edits", "plan")
"""The modes that a key goes through; full-auto has to be chosen by name."""


class Actions:
    """Implements ``akmon_tui.composer.keys.Actions`` for a ``Screen``."""

    def __init__(self, app: Screen) -> None:
        self._app = app
        self._warned = False
        """That Ctrl+C was pressed on an empty line, and once more ends."""
        app.composer.buffer.on_text_changed += lambda _: self._unwarn()

    def _unwarn(self) -> None:
        self._warned = False

    def send(self) -> None:
        """Enter."""
        app = self._app
        if app.completing.enter():
            return
        text = app.composer.text
        if not text.strip() and not app.composer.images:
            return
        if text.strip() in ("!", "!!"):
            return
        sent = app.composer.take()
        if app.is_open or run_slash(text, app.view, app.table):
            app.start(enter(sent, app))
        else:
            app.follow_ups.append(sent)

    def queue(self) -> None:
        """What is typed is said when the turn is over."""
        app = self._app
        if app.composer.text.strip() or app.composer.images:
            app.follow_ups.append(app.composer.take())
            app.start(app.next_follow_up())

    def unqueue(self) -> bool:
        """Takes the last of what waits back into the line; whether there was any."""
        app = self._app
        if not app.follow_ups:
            return False
        sent = app.follow_ups.pop()
        app.composer.stage(sent.text, sent.images)
        return True

    def interrupt(self) -> bool:
        """Escape: closes the menu, or stops what runs; whether there was any of that."""
        app = self._app
        if app.completing.close():
            return True
        if app.is_busy or app.own_commands or app.view.compacting:
            app.start(app.send(Interrupt()))
            return True
        return False

    def complete(self) -> bool:
        """Tab; whether there was something to complete, or nothing that could be said."""
        app = self._app
        return app.completing.accept() or app.composer.is_empty

    def choose(self, step: int) -> bool:
        return self._app.completing.move(step)

    def clear(self) -> None:
        """Ctrl+C: stops the turn, or clears the line; twice on an empty one ends."""
        app = self._app
        if not app.composer.is_empty:
            app.composer.clear()
        elif self.interrupt():
            self._warned = False
        elif self._warned:
            app.leave(Leave())
        else:
            self._warned = True
            app.say("Press Ctrl+C again to end.")

    def quit(self) -> None:
        """Ctrl+D on an empty line."""
        self._app.leave(Leave())

    def rewind(self) -> None:
        """Escape twice on an empty line, while nothing runs."""
        self._open(Ask("rewind"))

    def cycle_mode(self) -> None:
        now = self._app.view.mode
        following = _CYCLED[(_CYCLED.index(now) + 1) % len(_CYCLED)] if now in _CYCLED else "default"
        for mode in MODES:
            if mode == following:
                self._app.start(self._app.send(SetMode(mode)))

    def history_search(self) -> None:
        """Opened at once: what is looked for is often typed in one go with the key."""
        app = self._app
        app.start(self._search(app.focus.open(HistorySearch(app.composer.history.entries()))))

    async def _search(self, opened: asyncio.Future[object]) -> None:
        chosen = await opened
        if isinstance(chosen, str):
            self._app.composer.stage(chosen)

    def expand(self) -> None:
        """Shows the last output whole."""
        self._app.start(self._expand())

    async def _expand(self) -> None:
        app = self._app
        outputs = app.transcript.outputs
        if not outputs:
            app.say("No call has ended yet.")
            return
        columns, _ = app.size()
        await app.focus.ask(Pager("The last output", whole(outputs[-1].event, columns, outputs[-1].call)))

    def todos(self) -> None:
        self._app.shows_todos = not self._app.shows_todos
        self._app.changed()

    def external_editor(self) -> None:
        self._app.start(self._edit())

    async def _edit(self) -> None:
        app = self._app
        text = await app.stage.outside(lambda: edit_externally(app.composer.text))
        if text is not None:
            app.composer.stage(text)

    def paste_image(self) -> None:
        self._app.start(self._paste_image())

    async def _paste_image(self) -> None:
        app = self._app
        image = await app.services.clipboard_image()
        if image is None:
            app.say("There is no picture in the clipboard, or no program that can read it.")
        else:
            app.composer.add_image(image, "clipboard")
            app.changed()

    def paste_path(self, path: str, text: str) -> None:
        self._app.start(self._paste_path(path, text))

    async def _paste_path(self, path: str, text: str) -> None:
        app = self._app
        try:
            image = await app.services.image(path)
        except AkmonError:
            app.composer.paste(text)
        else:
            app.composer.add_image(image, PurePath(path).name)
        app.changed()

    def redraw(self) -> None:
        self._app.stage.redraw()

    def say(self, text: str) -> None:
        self._app.say(text)

    def suspend(self) -> None:
        self._app.stage.app.suspend_to_background()

    def help(self) -> None:
        self._open(Ask("keys"))

    def _open(self, ask: Ask) -> None:
        self._app.start(carry_out(ask, self._app))
