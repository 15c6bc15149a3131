"""Someone at a terminal, who has a screen with dialogs or a conversation line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager

from tests.adversarial.arena import Arena
from tests.e2e.terminal import Window, opened

SIZE = (100, 60)
_TITLE = re.compile(rb"\x1b\]2;[^\x00-\x1f\x7f]*\x07")


class Person:
    def __init__(self, arena: Arena, *, plain: bool) -> None:
        self._arena = arena
        self._plain = plain

    def starts(self, *arguments: str, env: Mapping[str, str] | None = None) -> AbstractContextManager[Window]:
        """Starts ``akmon ARGUMENTS`` in a terminal of its own; it is killed at the end if it still runs."""
        environ = {**self._arena.env, **(env or {})}
        return opened(arguments, self._arena.project, environ, plain=self._plain, size=SIZE)


def obeyed(window: Window) -> bytes:
    """All that the terminal got, but for titles that are nothing else."""
    return _TITLE.sub(b"", window.raw)
