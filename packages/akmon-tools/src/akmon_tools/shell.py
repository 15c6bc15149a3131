"""The tool that runs a bash command line."""

from __future__ import annotations

import codecs
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from akmon_core.limits import SHELL_OUTPUT_BYTES, SHELL_TIMEOUT, SHELL_TIMEOUT_MAX
from akmon_core.text import neutralise
from akmon_core.tools import Effect, ToolContext, ToolOutput
from akmon_tools.environment import command_environment
from akmon_tools.workspace import Workspace

if TYPE_CHECKING:
    from akmon_tools.processes import Finished

_PROGRESS_BYTES = 4_096
"""What is shown at most of one burst of output while a command runs."""


class ShellArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    command: Annotated[str, Meta(min_length=1)]
    timeout: Annotated[float, Meta(gt=0, le=SHELL_TIMEOUT_MAX, description="Seconds.")] = SHELL_TIMEOUT


class ShellTool:
    name = "shell"
    description = Path(__file__).with_suffix(".md").read_text("utf-8")
    arguments = ShellArguments

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def effects(self, arguments: ShellArguments) -> tuple[Effect, ...]:
        return (Effect("run", arguments.command),)

    async def run(self, arguments: ShellArguments, context: ToolContext) -> ToolOutput:
        from akmon_tools.processes import run
        from akmon_tools.programs import find_bash

        progress = Progress(context.progress)
        finished = await run(
            [find_bash(self._workspace), "-c", "--", arguments.command],
            cwd=self._workspace.cwd,
            env=command_environment(os.environ),
            timeout=arguments.timeout,
            keep=SHELL_OUTPUT_BYTES,
            on_output=progress.feed,
        )
        progress.close()
        ended = _how_it_ended(finished, arguments.timeout)
        output = finished.output.text(SHELL_OUTPUT_BYTES, neutralise).rstrip("\n")
        lines = f"{finished.output.lines} line{'s' * (finished.output.lines != 1)}"
        return ToolOutput(
            f"{output or '(no output)'}\n[{ended}]",
            error=finished.exit_code != 0 or finished.timed_out,
            summary=f"{ended}, {lines}",
        )


def _how_it_ended(finished: Finished, timeout: float) -> str:
    if finished.timed_out:
        return f"killed after {timeout:g} s"
    if finished.exit_code < 0:
        number = -finished.exit_code
        name = next((known.name for known in signal.Signals if known == number), f"signal {number}")
        return f"killed by {name}"
    return f"exit {finished.exit_code}"


class Progress:
    """Shows whole lines of output as they come; of a burst only its last ones, as nobody reads faster."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        text = self._rest + self._decoder.decode(chunk)
        lines, newline, self._rest = text.rpartition("\n")
        self._rest = self._rest[-_PROGRESS_BYTES:]
        if newline:
            self._show(neutralise(_last_lines(lines)) + "\n")

    def close(self) -> None:
        if rest := self._rest + self._decoder.decode(b"", final=True):
            self._show(neutralise(rest))


def _last_lines(text: str) -> str:
    if len(text) <= _PROGRESS_BYTES:
        return text
    return text[-_PROGRESS_BYTES:].partition("\n")[2] or text[-_PROGRESS_BYTES:]
