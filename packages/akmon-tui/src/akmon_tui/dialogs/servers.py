"""The MCP servers: a list of them, and all that is known of one, with the keys to do something about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from akmon_core.commands import ManageServer
from akmon_core.servers import ServerStatus, ServerTool
from akmon_core.text import exposed
from akmon_tui import servers
from akmon_tui.asking import on_one_line
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.pane import Key, Scroll, block, key_lines, key_of, key_rows, remark, stacked
from akmon_tui.dialogs.picker import Picker, Row
from akmon_tui.lines import Frame, Line, Piece, columns, cut, line

_DIFF_STYLES = {"+": "added", "-": "removed", "@": "dim"}
_LABEL = 8
_STATE = 11
_NARROW = 50
"""Columns below which what is said of something stands below its name."""


class Managed(NamedTuple):
    """What is to be done about a server."""

    command: ManageServer


class ServersDialog:
    """Its value is a ``Managed``, or None where the person left. Asked again, it goes on where it was.

    ``statuses`` gives the servers as they are now.
    """

    def __init__(self, statuses: Callable[[], Sequence[ServerStatus]], look_at: str = "") -> None:
        self._statuses = statuses
        self._known: Sequence[ServerStatus] = statuses()
        self._list = Picker("MCP servers", _rows(self._known), chooses="looks at it", empty=servers.NONE)
        self._pane: ServerPane | None = None
        self._look_at(look_at)

    def frame(self, width: int, height: int) -> Frame:
        self._renew()
        return (self._pane or self._list).frame(width, height)

    def press(self, press: Press) -> Done | None:
        if self._pane is None:
            done = self._list.press(press)
            if done is None or done.value is None:
                return done
            self._look_at(done.value)
            return None
        done = self._pane.press(press)
        if done is None or done.value is not None or press.key == "c-c":
            return done
        self._pane = None
        return None

    def _look_at(self, name: object) -> None:
        found = next((status for status in self._known if status.name == name), None)
        self._pane = ServerPane(found) if found else None

    def _renew(self) -> None:
        now = self._statuses()
        if now is self._known:
            return
        self._known = now
        self._list.renew(_rows(now))
        if self._pane:
            if found := servers.named(now, self._pane.server):
                self._pane.renew(found)
            else:
                self._pane = None


def _rows(statuses: Sequence[ServerStatus]) -> list[Row]:
    return [_row(status) for status in statuses]


def _row(status: ServerStatus) -> Row:
    said = (servers.waits(status), servers.counts(status), status.detail or status.where)
    detail = " · ".join(part for part in said if part)
    tone = "warning" if servers.waiting(status) else servers.STYLES[status.state]
    return Row(status.name, status.name, detail, state=f"{servers.state_of(status):<{_STATE}}", tone=tone)


class ServerPane:
    """One server. What waits for approval can be approved once all of it has been on the screen."""

    def __init__(self, status: ServerStatus) -> None:
        self._status = status
        self._scroll = Scroll()
        self._note = ""
        self._body: list[Line] = []
        self._vital = 0
        """Lines of the body up to the end of what waits for approval."""
        self._width = 0

    @property
    def server(self) -> str:
        return self._status.name

    def renew(self, status: ServerStatus) -> None:
        """What is known of the server now. What waits has to be seen anew, as it may stand elsewhere."""
        if status == self._status:
            return
        if servers.waiting(status):
            self._scroll = Scroll()
        self._status, self._width, self._note = status, 0, ""

    def frame(self, width: int, height: int) -> Frame:
        self._lay_out(width)
        foot = remark(self._note, width, height)
        foot += key_lines(self._keys(), width, key_rows(height))
        status = self._status
        shown = stacked(on_one_line(status.name), self._body, foot, width, height, self._scroll)
        if shown.lines:
            state = Piece(f"  {servers.state_of(status)}", servers.STYLES[status.state])
            shown.lines[0] = cut((*shown.lines[0], state), width)
        return shown

    def press(self, press: Press) -> Done | None:
        key = key_of(press)
        self._note = ""
        match key:
            case "escape" | "c-c":
                return Done(None)
            case "c":
                return Done(Managed(ManageServer(self.server, "connect")))
            case "s":
                return Done(Managed(ManageServer(self.server, "stop")))
            case "a":
                return self._approve()
            case _:
                self._scroll.press(key)
        return None

    def _approve(self) -> Done | None:
        waiting = servers.waiting(self._status)
        unseen = self._vital - self._scroll.seen
        if not waiting:
            self._note = "Nothing waits for approval."
        elif not self._width or unseen > 0:
            lines = f"{max(unseen, 1):,} line{'s' * (unseen > 1)}"
            self._note = f"{lines} of what waits for approval were not on the screen yet: PgDn."
        else:
            return Done(Managed(ManageServer(self.server, "approve", self._status.unapproved)))
        return None

    def _keys(self) -> list[Key]:
        approves = [Key("a", "approve", "approves what is new")] if servers.waiting(self._status) else []
        stops = [Key("s", "stop", "stops it")] if self._status.state in ("starting", "ready") else []
        return [*approves, Key("c", "connect", "connects anew"), *stops, Key("esc", "back")]

    def _lay_out(self, width: int) -> None:
        if width == self._width:
            return
        status = self._status
        self._body = []
        if status.detail:
            style = "error" if status.state == "failed" else "dim"
            self._body += block(exposed(status.detail), width, style)
        for word, text in servers.facts(status):
            self._body += _fact(word, text, width)
        for tool in servers.waiting(status):
            self._body += [(), *_change(tool, width)]
        self._vital = len(self._body)
        for heading, rows in servers.offered(status):
            self._body += [(), line(heading, "heading")]
            names = min(max(columns(name) for name, _ in rows), width // 2)
            self._body += [each for name, about in rows for each in _offered(name, about, names, width)]
        self._width = width


def _fact(word: str, text: str, width: int) -> list[Line]:
    """A fact behind the word for it."""
    label = f"{word:<{_LABEL}}" if width > 3 * _LABEL else f"{word} "
    first, *more = block(text, max(1, width - len(label))) or [()]
    rest = [(Piece(" " * len(label)), *each) for each in more]
    return [(Piece(label, "dim"), *first), *rest]


def _change(tool: ServerTool, width: int) -> list[Line]:
    """What a tool says that waits: all of it, with nothing that hides."""
    what = "is new" if tool.state == "new" else "says something else now"
    rows = block(f"{on_one_line(tool.name)} {what}, and waits for approval:", width, "warning")
    for row in exposed(tool.change).removesuffix("\n").split("\n"):
        rows += block(row, width, _DIFF_STYLES.get(row[:1], ""), 2)
    return rows


def _offered(name: str, about: str, names: int, width: int) -> list[Line]:
    """What is offered, and a line about it: behind the ``names`` columns for names, or below where there is
    little room."""
    if width < _NARROW:
        below = [cut(line(f"    {about}", "dim"), width)] if about else []
        return [cut(line(f"  {name}"), width), *below]
    gap = " " * max(2, names + 2 - columns(name))
    return [cut((Piece(f"  {name}"), Piece(f"{gap}{about}" if about else "", "dim")), width)]
