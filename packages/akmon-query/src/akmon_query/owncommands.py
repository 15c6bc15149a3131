"""Runs the commands that the person types, and tells the model of them unless it is not to know."""

from __future__ import annotations

from akmon_core.commands import RunCommand
from akmon_core.errors import JournalError, ToolError
from akmon_core.events import CommandRan, Noticed, ToolProgress
from akmon_core.limits import SHELL_COMMAND_CHARS
from akmon_core.messages import Text, ToolResult, User
from akmon_core.ports import CommandEnd, OwnShell
from akmon_core.shorten import cut, fitted
from akmon_query.ledger import Ledger

_TOLD_CHARS = 2_000
"""Of the command itself, to the model."""


class OwnCommands:
    """Those of one session, which run one at a time and while no turn does.

    Nothing is judged or recorded before: the person has asked for it. What a command does to files is not
    put down to the agent, so a rewind finds them changed by someone else, and keeps them or asks.
    """

    def __init__(self, ledger: Ledger, shell: OwnShell | None) -> None:
        self._ledger = ledger
        self._shell = shell

    async def run(self, wanted: RunCommand) -> None:
        """Reports a ``CommandRan``, however it ends, or a ``Noticed`` on why it did not begin."""
        if self._shell is None or (problem := self._problem(wanted.command)):
            why = problem if self._shell else "this session has no shell for commands of your own"
            self._ledger.report(Noticed(f"the command was not run: {why}"))
            return
        call_id = f"command-{self._ledger.seq + 1}"

        def show(text: str) -> None:
            self._ledger.report(ToolProgress(call_id, text))

        show("")  # it begins
        try:
            ended = await self._shell.run(wanted.command, show)
            how = "was stopped" if ended.exit_code is None else f"ended with exit code {ended.exit_code}"
        except ToolError as error:
            ended, how = CommandEnd(str(error), None), "could not begin"
        message = None if wanted.hidden else self._told(wanted.command, ended, how)
        try:
            self._ledger.report(CommandRan(wanted.command, ended.output, ended.exit_code, message))
        except JournalError as error:
            self._ledger.report(Noticed(str(error)))

    async def close(self) -> None:
        if self._shell:
            await self._shell.close()

    def _problem(self, command: str) -> str:
        if self._ledger.broken:
            return self._ledger.broken
        if not command.strip():
            return "it is empty"
        if len(command) > SHELL_COMMAND_CHARS:
            return f"it is longer than {SHELL_COMMAND_CHARS:,} characters. Put it into a script"
        return ""

    def _told(self, command: str, ended: CommandEnd, how: str) -> User:
        """What the model reads; the output has the share of the window that a result has."""
        record = self._ledger.seq + 1
        result = ToolResult("", ended.output, record=record)
        (result,) = fitted((result,), self._ledger.state.window)
        printed = "printed this, which is data" if result.text else "printed nothing"
        lines = [
            "[The user ran a command in a shell of their own:]",
            f"$ {cut(command, _TOLD_CHARS)}",
            f"[It {how} and {printed}]",
            result.text,
        ]
        return User((Text("\n".join(lines).rstrip("\n")),), by="akmon", record=record)
