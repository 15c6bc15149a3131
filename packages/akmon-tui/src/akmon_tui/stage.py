"""Joins prompt_toolkit's keys and editing with our painting: an application whose renderer paints lines."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import TypeVar

from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindingsBase
from prompt_toolkit.layout import BufferControl, Layout, Window
from prompt_toolkit.output import Output
from prompt_toolkit.renderer import Renderer
from prompt_toolkit.styles import DummyStyle

from akmon_tui.lines import Frame, Line
from akmon_tui.painter import Painter

T = TypeVar("T")

FRAME_SECONDS = 1 / 15
"""The least time between two paints that no key has asked for: calm, and few bytes over ssh."""
_ESCAPE_SECONDS = 0.03
"""How long an Escape waits for the rest of an escape sequence; terminals send these in one piece."""
_POLL_SECONDS = 0.5
"""How often the size of the terminal is asked for where it does not say when it changes."""


class Stage:
    """Paints what ``scene`` gives whenever a key was pressed, and soon after ``changed`` was called."""

    def __init__(
        self,
        scene: Callable[[int, int], tuple[list[Line], Frame]],
        painter: Painter,
        buffer: Buffer,
        bindings: KeyBindingsBase,
        terminal_input: Input,
        output: Output,
    ) -> None:
        """``scene`` takes columns and rows; it gives finished lines, each but once, and the live area."""
        self.painter = painter
        self._scene = scene
        self._output = output
        self._timer: asyncio.TimerHandle | None = None
        self._painted = 0.0
        self._over = False
        self.app: Application[object] = Application(
            layout=Layout(Window(BufferControl(buffer))),
            key_bindings=bindings,
            input=terminal_input,
            output=output,
            terminal_size_polling_interval=_POLL_SECONDS if sys.platform == "win32" else None,
            max_render_postpone_time=0.0,
            erase_when_done=True,
        )
        self.app.ttimeoutlen = _ESCAPE_SECONDS
        self.app.renderer = _LineRenderer(self, output)

    async def run(self) -> object:
        """Shows the scene until ``leave`` is called. Raises ``EOFError`` if the terminal goes away."""
        try:
            return await self.app.run_async(handle_sigint=False, set_exception_handler=False)
        finally:
            self._over = True
            self._stop_timer()

    def leave(self, result: object = None) -> None:
        if self.app.is_running and not self.app.is_done:
            self.app.exit(result=result)

    def changed(self, within: float = FRAME_SECONDS) -> None:
        """Has the scene painted within that many seconds, together with what else happens until then."""
        if self._over:
            return
        loop = asyncio.get_running_loop()
        due = max(loop.time(), min(loop.time() + within, self._painted + within))
        if self._timer and self._timer.when() <= due:
            return
        self._stop_timer()
        self._timer = loop.call_at(due, self.app.invalidate)

    def edit_as(self, *, vim: bool) -> None:
        self.app.editing_mode = EditingMode.VI if vim else EditingMode.EMACS

    async def outside(self, work: Callable[[], T]) -> T:
        """Does ``work`` in a thread while the terminal is its own."""
        return await run_in_terminal(work, in_executor=True)

    def redraw(self) -> None:
        """Paints the live area anew, whatever others have written into it."""
        self.painter.erase()
        self.app.invalidate()

    def paint(self) -> None:
        self._stop_timer()
        self._painted = asyncio.get_running_loop().time()
        size = self._output.get_size()
        finished, live = self._scene(size.columns, size.rows)
        self.painter.paint(finished, live)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class _LineRenderer(Renderer):
    """Takes the place of the one that draws prompt_toolkit's own layout."""

    def __init__(self, stage: Stage, output: Output) -> None:
        self._stage = stage
        self._pastes_marked = False
        super().__init__(DummyStyle(), output)

    def render(self, app: Application[object], layout: Layout, is_done: bool = False) -> None:
        if not self._pastes_marked:
            self.output.enable_bracketed_paste()
            self.output.flush()
            self._pastes_marked = True
        if is_done:
            self._stage.painter.leave()
        else:
            self._stage.paint()

    def erase(self, leave_alternate_screen: bool = True) -> None:
        self._stage.painter.erase()

    def clear(self) -> None:
        self._stage.painter.erase()

    def reset(self, _scroll: bool = False, leave_alternate_screen: bool = True) -> None:
        if self._pastes_marked:
            self.output.disable_bracketed_paste()
            self._pastes_marked = False
        super().reset(_scroll, leave_alternate_screen)

    def request_absolute_cursor_position(self) -> None:
        """It need not be known: all that is painted is relative to the live area."""
