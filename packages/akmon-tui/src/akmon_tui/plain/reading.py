"""Reads lines on a terminal that is only written to: typed text is echoed, and nothing is ever moved."""

from __future__ import annotations

import asyncio
import select
import sys

from prompt_toolkit.application import Application, get_app_session
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, Layout, Window
from prompt_toolkit.output import DummyOutput, Output

from akmon_core.text import exposed

_CALM_SECONDS = 0.2
"""After the last change within a line, such as a Backspace that is held, the line is written anew."""


class LineReader:
    """Reads text, of several lines if it may be, with the keys of readline.

    Enter sends it. Where the text may have several lines, an Enter with more keys right behind it is one of
    a paste: the terminal is not asked to mark these, which would take an escape sequence.
    """

    def __init__(
        self,
        message: str,
        *,
        multiline: bool = False,
        history: History | None = None,
        escape_ends: bool = False,
    ) -> None:
        terminal = get_app_session()
        self._input: Input = terminal.input
        self._multiline = multiline
        self._ahead = 0
        """Times that Enter was pressed before the line was there."""
        self.buffer = Buffer(multiline=multiline, history=history or InMemoryHistory())
        self._echo = _Echo(message, self.buffer, terminal.output)
        self._app: Application[str] = Application(
            layout=Layout(Window(BufferControl(self.buffer))),
            key_bindings=self._bindings(escape_ends=escape_ends),
            input=terminal.input,
            output=DummyOutput(),
        )

    async def read(self, text: str = "") -> str:
        """What the person makes of ``text``.

        Raises ``KeyboardInterrupt`` if Ctrl+C was pressed, and ``EOFError`` if Ctrl+D on an empty line, or
        Escape where that ends, or if the terminal is gone.
        """
        typed = get_typeahead(self._input)
        store_typeahead(self._input, typed)
        self._ahead = sum(press.key == Keys.ControlM for press in typed)
        self.buffer.reset(Document(text))
        self._echo.begin()
        try:
            return await self._app.run_async()
        finally:
            self._echo.end()

    def _bindings(self, *, escape_ends: bool) -> KeyBindings:
        bindings = KeyBindings()

        @bindings.add("enter")
        def _enter(event: KeyPressEvent) -> None:
            ahead, self._ahead = self._ahead > 0, max(0, self._ahead - 1)
            if self._multiline and not ahead and self._more_follows():
                self.buffer.insert_text("\n")
                return
            self.buffer.append_to_history()
            event.app.exit(result=self.buffer.text)

        @bindings.add("escape", "enter")
        @bindings.add("c-j")
        def _new_line(event: KeyPressEvent) -> None:
            if self._multiline:
                event.current_buffer.insert_text("\n")

        @bindings.add("c-c")
        @bindings.add("<sigint>")
        def _stop(event: KeyPressEvent) -> None:
            event.app.exit(exception=KeyboardInterrupt)

        @bindings.add("c-d")
        def _end(event: KeyPressEvent) -> None:
            if self.buffer.text:
                self.buffer.delete()
            else:
                event.app.exit(exception=EOFError)

        if escape_ends:

            @bindings.add("escape", eager=True)
            def _back(event: KeyPressEvent) -> None:
                event.app.exit(exception=EOFError)

        return bindings

    def _more_follows(self) -> bool:
        if any(press.key != Keys.CPRResponse for press in self._app.key_processor.input_queue):
            return True
        return sys.platform != "win32" and bool(select.select([self._input.fileno()], [], [], 0)[0])


class _Echo:
    """Writes what is typed; all of it anew when it has changed elsewhere than at the end and is calm."""

    def __init__(self, message: str, buffer: Buffer, output: Output) -> None:
        self._message = message
        self._buffer = buffer
        self._output = output
        self._written = ""
        self._timer: asyncio.TimerHandle | None = None
        buffer.on_text_changed += lambda _: self._changed()

    def begin(self) -> None:
        self._written = self._buffer.text
        self._write(self._message + _shown(self._written))

    def end(self) -> None:
        """The line is left: all of it must have been seen."""
        if self._timer:
            self._anew()
        self._write("\n")

    def _changed(self) -> None:
        text = self._buffer.text
        if self._timer is None and text.startswith(self._written):
            self._write(_shown(text[len(self._written) :]))
            self._written = text
            return
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_CALM_SECONDS, self._anew)

    def _anew(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._buffer.text != self._written:
            self._written = self._buffer.text
            self._write(f"\n{self._message}{_shown(self._written)}")

    def _write(self, text: str) -> None:
        self._output.write(text.replace("\n", "\r\n"))
        self._output.flush()


def _shown(text: str) -> str:
    return exposed(text).replace("\n", "\n  ")
