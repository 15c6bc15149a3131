"""The question whether a call may run: all that it would do, and the keys that allow or deny it."""

from __future__ import annotations

from typing import Literal

from akmon_core.commands import Answer, Answered
from akmon_core.events import PermissionAsked
from akmon_core.savable import rule_problem
from akmon_core.text import exposed
from akmon_core.tools import DiffView, TextView
from akmon_tui.asking import (
    arguments_of,
    held_by,
    is_held,
    is_of_a_server,
    led_elsewhere,
    may_allow_writes,
    on_one_line,
    who_asks,
)
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.field import Field
from akmon_tui.dialogs.pane import Key, Scroll, block, key_lines, key_of, key_rows, labelled, remark, stacked
from akmon_tui.diffs import diff_lines
from akmon_tui.lines import Frame, Line, columns
from akmon_tui.standing import REMOVE
from akmon_tui.view import View

_ALLOWS: dict[str, Answered] = {"y": "once", "s": "session", "a": "writes"}


class Permission:
    """May a call run? Its value is an ``Answer``, or None where the person left, which answers nothing."""

    def __init__(self, asked: PermissionAsked, view: View, agent: str = "") -> None:
        self._agent = agent
        self._asked = asked
        self._view = view
        self._scroll = Scroll()
        self._step: Literal["", "rule", "message"] = ""
        """What is being written."""
        self._field = Field()
        self._note = ""
        self._warned = False
        """The person knows that not all of what would happen has been on the screen."""
        self._body: list[Line] = []
        self._body_width = 0
        self._vital = 0
        """Lines of the body before the change in detail: they say what would happen, and on what terms. What
        a server is asked to do is in the detail."""

    def frame(self, width: int, height: int) -> Frame:
        self._lay_out(width)
        foot = remark(self._note, width, height)
        cursor = None
        if self._step:
            shown, column = self._written(width)
            cursor = (len(foot), column)
            foot.append(shown)
        foot += key_lines(self._keys(), width, key_rows(height))
        return stacked(self._title(), self._body, foot, width, height, self._scroll, cursor)

    def press(self, press: Press) -> Done | None:
        key = key_of(press)
        if key == "c-c":
            return Done(None)
        return self._write(press, key) if self._step else self._answer(key)

    def _answer(self, key: str) -> Done | None:
        answers = _ALLOWS.get(key.lower())
        if answers and (answers != "writes" or may_allow_writes(self._asked)):
            return self._allow(answers)
        if key in ("m", "M", "N", "tab"):
            self._begin("message", "")
        elif key == "n":
            return self._done("deny")
        elif key.lower() in ("r", "e") and self._asked.rule:
            self._begin("rule", self._asked.rule)
        elif key == "escape":
            return Done(None)
        else:
            self._scroll.press(key)
        return None

    def _allow(self, answer: Answered) -> Done | None:
        """Says first, once, that some of what would happen has not been on the screen."""
        if self._unseen and not self._warned:
            self._warned = True
            self._note = (
                f"{self._unseen:,} lines were not on the screen yet: PgDn. The same key again allows."
            )
            return None
        return self._done(answer)

    @property
    def _unseen(self) -> int:
        return max(0, self._vital - self._scroll.seen)

    def _write(self, press: Press, key: str) -> Done | None:
        match key:
            case "escape":
                self._step, self._note = "", ""
            case "enter":
                return self._written_down()
            case "pageup" | "pagedown" | "up" | "down":
                self._scroll.press(key)
            case _:
                self._field.press(press)
        return None

    def _written_down(self) -> Done | None:
        text = self._field.text.strip()
        if self._step == "message":
            if text:
                return self._done("deny", message=text)
            self._note = "Nothing is said yet. Escape goes back to the keys."
        elif problem := rule_problem(self._asked, text):
            self._note = problem
        elif self._unseen and not self._warned:
            return self._allow("always")
        else:
            return self._done("always", rule="" if text == self._asked.rule else text)
        return None

    def _begin(self, step: Literal["rule", "message"], text: str) -> None:
        self._step, self._field, self._note = step, Field(text), ""

    def _done(self, answer: Answered, *, message: str = "", rule: str = "") -> Done:
        return Done(Answer(self._asked.call.id, answer, message, rule, self._agent))

    def _written(self, width: int) -> tuple[Line, int]:
        label = "Rule: " if self._step == "rule" else "Why not: "
        label = label if width > 3 * len(label) else ""
        shown, column = self._field.line(max(1, width - len(label)))
        return labelled(label, shown, column)

    def _title(self) -> str:
        asker = f"{on_one_line(self._agent)}: " if self._agent else ""
        return f"{asker}{who_asks(self._asked)} asks for permission"

    def _keys(self) -> list[Key]:
        match self._step:
            case "rule":
                return [Key("enter", "save", "saves this rule and allows the call"), Key("esc", "back")]
            case "message":
                return [Key("enter", "deny", "denies and tells the model"), Key("esc", "back")]
        keys = [Key("y", "once"), Key("s", "session", "this for the session")]
        if may_allow_writes(self._asked):
            keys.append(Key("a", "all writes"))
        if rule := self._asked.rule:
            keys.append(Key("r", "always…", f"always: {on_one_line(rule)}…"))
        return [*keys, Key("n", "no"), Key("m", "no, because…"), Key("esc", "interrupt")]

    def _lay_out(self, width: int) -> None:
        if width == self._body_width:
            return
        before, change = self._what_happens(width), self._change(width)
        self._body = [*before, *change]
        self._vital = len(self._body if is_of_a_server(self._asked) else before)
        self._body_width = width

    def _what_happens(self, width: int) -> list[Line]:
        asked, title = self._asked, self._title()
        rows = block(title, width, "bold") if columns(title) > width else []
        for effect in asked.effects:
            rows += block(f"{effect.kind} {exposed(effect.target)}", width, "bold", 2)
        if arguments := arguments_of(asked):
            rows += block(exposed(arguments), width, "bold", 2)
        for leads in led_elsewhere(asked, self._view.folder):
            rows += block(leads, width, "bold warning", 2)
        if held := held_by(asked, self._view):
            rows += block(held, width, "dim" if is_held(asked, self._view) else "warning")
        rows += block(f"Asked because {exposed(asked.reason)}.", width, "dim")
        if asked.rule:
            saved = f"always saves {exposed(asked.rule)} in your settings, for this project"
            rows += block(f"{saved}; {REMOVE} takes it back.", width, "dim")
        return rows

    def _change(self, width: int) -> list[Line]:
        match self._asked.view:
            case DiffView() as diff:
                return diff_lines(diff, width, None, clean=exposed)
            case TextView(text):
                return block(exposed(text), width, "", 2)
            case None:
                return []
