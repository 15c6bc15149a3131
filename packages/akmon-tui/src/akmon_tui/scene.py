"""The live area, put together: what is being said and done, what waits, where the person types or answers."""

from __future__ import annotations

from akmon_core.text import one_line
from akmon_tui.lines import Frame, Line, cut, line
from akmon_tui.live import live, todo_lines
from akmon_tui.screen import Screen
from akmon_tui.status import status

TICK_SECONDS = 0.25
"""How often a picture changes that only time changes."""
_TODO_ROWS = 8
_WAITING_ROWS = 3
_MENU_ROWS = 8


def scene(screen: Screen, columns: int, height: int) -> Frame:
    """At most ``height`` lines of at most ``columns``."""
    below = _below(screen, columns, height)
    above = _above(screen, columns, height - len(below.lines))
    cursor = below.cursor and (below.cursor[0] + len(above), below.cursor[1])
    return Frame([*above, *below.lines], cursor)


def _above(screen: Screen, columns: int, height: int) -> list[Line]:
    """What is being said and done."""
    now = screen.clock()
    working = live(screen.view, now, columns, height, frame=int(now / TICK_SECONDS))
    if screen.shows_todos:
        working += todo_lines(screen.view, columns, max(0, min(_TODO_ROWS, height - len(working))))
    working += _waiting(screen, columns)
    tail = screen.transcript.tail(columns, max(0, height - len(working) - 2))
    if working:
        tail = [*tail, (), *working] if tail else working
    return [*tail, ()][-height:] if tail and height > 0 else []


def _waiting(screen: Screen, columns: int) -> list[Line]:
    """What waits: the person's own commands, and what they want to say when the turn is over."""
    said = [f"waits: {one_line(sent.text, columns)}" for sent in screen.follow_ups]
    run = [f"! {one_line(command, columns)}" for command in screen.own_commands]
    return [cut(line(f"  {row}", "dim"), columns) for row in (*run, *said)[-_WAITING_ROWS:]]


def _below(screen: Screen, columns: int, height: int) -> Frame:
    """Where the person answers or types, and the status line."""
    bar = [status(screen.view, screen.facts, columns, screen.look.status_line)] if height > 1 else []
    room = height - len(bar)
    dialog = screen.focus.dialog
    if dialog and screen.focus.takes_keys:
        whole = dialog.frame(columns, room)
        return Frame([*whole.lines, *bar], whole.cursor)
    typed = screen.composer.frame(columns, max(1, min(room, height // 3)))
    menu = screen.completing.lines(screen.view, columns, max(0, min(_MENU_ROWS, room - len(typed.lines))))
    left = room - len(typed.lines)
    asked = dialog.frame(columns, left).lines if dialog and left > 0 else []
    cursor = typed.cursor and (typed.cursor[0] + len(asked), typed.cursor[1])
    return Frame([*asked, *typed.lines, *menu, *bar], cursor)
