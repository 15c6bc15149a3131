"""What an answer needs beside its key: the reason of a denial, the rule to save, the words for the model."""

from __future__ import annotations

from collections.abc import Awaitable

from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead

from akmon_core.events import PermissionAsked
from akmon_core.savable import rule_problem
from akmon_core.text import neutralise
from akmon_tui.plain.keys import Watch
from akmon_tui.plain.output import Screen
from akmon_tui.plain.prompt import ask_line, edit_line
from akmon_tui.plain.spans import Span


class Lines:
    """Reads lines in the middle of a turn, while ``Watch`` reads nothing."""

    def __init__(self, terminal: Input, screen: Screen) -> None:
        self._input = terminal
        self._screen = screen

    async def why_not(self, watching: Watch) -> str | None:
        """What to tell the model; None is an interrupt."""
        return await self._read(ask_line("  Why not? (Enter to say nothing) "), watching)

    async def words(self, watching: Watch) -> str | None:
        """What answers a question of the model; None is an interrupt."""
        return await self._read(ask_line("> "), watching)

    async def rule(self, asked: PermissionAsked, watching: Watch) -> str | None:
        """The rule to save, empty for the proposed one; None to save none and go back to the question."""
        text = asked.rule
        self._note("Enter saves this rule and allows the call. Escape goes back.")
        while True:
            line = await self._read(edit_line("  Rule: ", text), watching)
            if line is None:
                self._note("Nothing is saved.")
                return None
            problem = rule_problem(asked, line)
            if not problem:
                return "" if line.strip() == asked.rule else line.strip()
            self._note(neutralise(problem))
            text = line

    async def _read(self, reading: Awaitable[str | None], watching: Watch) -> str | None:
        """What is read. What was typed behind a line is not taken for the next one: it waits."""
        watching.keep(tuple(get_typeahead(self._input)))
        line = await reading
        watching.keep(tuple(get_typeahead(self._input)))
        return line

    def _note(self, text: str) -> None:
        self._screen.write([Span(f"  {text}")])
