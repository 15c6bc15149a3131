"""A question of the model, or of akmon at a rewind: options to choose from, and words of one's own."""

from __future__ import annotations

from akmon_core.commands import Respond
from akmon_core.events import QuestionAsked
from akmon_core.text import exposed
from akmon_tui.asking import answer_text, how_to_answer, is_of_a_rewind, on_one_line
from akmon_tui.dialogs.base import Done, Press
from akmon_tui.dialogs.field import Field
from akmon_tui.dialogs.pane import Key, Scroll, block, key_lines, key_of, key_rows, labelled, stacked
from akmon_tui.lines import Frame, Line


class Choice:
    """Its value is a ``Respond``, or None where the person left, which answers nothing."""

    def __init__(self, asked: QuestionAsked, agent: str = "") -> None:
        self._agent = agent
        self._asked = asked
        self._field = Field()
        self._chosen: int | None = None
        self._moved = False
        """The option chosen is to be brought into sight."""
        self._scroll = Scroll()

    def frame(self, width: int, height: int) -> Frame:
        body, spans = self._body(width)
        shown, column = self._field.line(max(1, width - 2))
        answer, column = labelled("> ", shown, column)
        how = block(how_to_answer(self._asked), width, "dim") if height > 8 else []
        keys = [Key("enter", "answers"), *self._arrows(), Key("esc", "interrupts")]
        foot = [*how, answer, *key_lines(keys, width, key_rows(height))]
        keep = spans[self._chosen] if self._moved and self._chosen is not None else None
        self._moved = False
        return stacked(self._title(), body, foot, width, height, self._scroll, (len(how), column), keep)

    def press(self, press: Press) -> Done | None:
        key = key_of(press)
        match key:
            case "c-c" | "escape":
                return Done(None)
            case "enter":
                return Done(Respond(self._asked.call_id, self._answer(), self._agent))
            case "up" | "down" if self._asked.options:
                self._move(-1 if key == "up" else 1)
            case "pageup" | "pagedown" | "up" | "down":
                self._scroll.press(key)
            case _:
                self._type(press)
        return None

    def _answer(self) -> str:
        if self._field.text.strip():
            return answer_text(self._asked, self._field.text)
        return "" if self._chosen is None else self._asked.options[self._chosen]

    def _move(self, by: int) -> None:
        """Between the options, and none of them above the first one."""
        at = -1 if self._chosen is None else self._chosen
        at = max(-1, min(at + by, len(self._asked.options) - 1))
        self._chosen = at if at >= 0 else None
        self._field = Field()
        self._moved = True

    def _type(self, press: Press) -> None:
        if not self._field.press(press):
            return
        number = self._field.text.strip().rstrip(".")
        listed = {str(at + 1): at for at in range(len(self._asked.options))}
        self._chosen = listed.get(number)
        self._moved = True

    def _title(self) -> str:
        if is_of_a_rewind(self._asked):
            return "Going back"
        if self._asked.server:
            return f"{on_one_line(self._asked.server)} asks"
        return f"{on_one_line(self._agent)} asks" if self._agent else "The model asks"

    def _arrows(self) -> list[Key]:
        return [Key("↑ ↓", "choose")] if self._asked.options else []

    def _body(self, width: int) -> tuple[list[Line], list[tuple[int, int]]]:
        """The question and its options, and which lines each option takes."""
        rows = block(exposed(self._asked.question), width, "bold")
        spans: list[tuple[int, int]] = []
        for at, option in enumerate(self._asked.options):
            chosen = at == self._chosen
            text = f"{'▸' if chosen else ' '} {at + 1}  {exposed(option)}".replace("\n", "\n     ")
            lines = block(text, width, "selected" if chosen else "")
            spans.append((len(rows), len(rows) + len(lines)))
            rows += lines
        return rows, spans
