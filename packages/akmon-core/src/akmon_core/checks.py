"""Which files a turn changed, and whether the project's check ran after that. Pure."""

from __future__ import annotations

import re

import msgspec

from akmon_core.events import ToolFinished
from akmon_core.messages import ToolCall

_COMMANDS = 20
"""Commands since the last change that are remembered."""

_CHECKERS = re.compile(
    r"\b(?:pytest|unittest|tox|nox|jest|vitest|mocha|phpunit|rspec|ctest|mypy|pyright|ruff|eslint|tsc|clippy"
    r"|(?:npm|pnpm|yarn|bun|deno|cargo|go|make|just|mvn|mvnw|gradle|gradlew|dotnet|mix|swift|zig|dart|flutter|uv)\b"
    r"[^;&|\n]*\b(?:test|tests|check|lint|verify|vet|build|compile|analyze))\b"
)
"""Commands by which projects are checked."""


class Changes(msgspec.Struct, frozen=True):
    """What was written."""

    files: tuple[str, ...] = ()
    """Canonical paths of the files that the session has written, each once."""
    unchecked: bool = False
    """Whether this turn wrote any."""
    commands: tuple[str, ...] = ()
    """Command lines that this turn ran after that."""

    def and_also(self, call: ToolCall, finished: ToolFinished) -> Changes:
        """The changes after one more call has ended."""
        changes = self.written(finished)
        if changes is not self:
            return changes
        command = _command(call) if finished.tool == "shell" else ""
        if not command:
            return self
        return msgspec.structs.replace(self, commands=(*self.commands, command)[-_COMMANDS:])

    def written(self, finished: ToolFinished) -> Changes:
        """The changes with the files that a call, of whichever agent, has written."""
        paths = [file.path for file in finished.files if file.written]
        if not paths:
            return self
        return Changes(tuple(dict.fromkeys((*self.files, *paths))), unchecked=True)

    def need(self, check: str) -> bool:
        """Whether files were changed, and neither ``check`` nor anything like it has run since."""
        if not (self.unchecked and check):
            return False
        return not any(check in command or _CHECKERS.search(command) for command in self.commands)


def _command(call: ToolCall) -> str:
    try:
        arguments = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    command = arguments.get("command") if isinstance(arguments, dict) else None
    return command if isinstance(command, str) else ""
