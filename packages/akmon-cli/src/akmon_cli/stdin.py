"""What a run is asked to do: the words of the command line, and what is piped in."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Sequence

from akmon_core.errors import SettingsError
from akmon_core.limits import STDIN_BYTES

_PATIENCE = 3.0
"""Seconds for the first byte of a pipe, when the command line alone already says what to do."""


def read_prompt(words: Sequence[str], *, headless: bool) -> str:
    """The prompt; what is piped in is its context, or the prompt itself if there are no words.

    Raises ``SettingsError`` if what is piped in is too much or no text.
    """
    prompt = " ".join(words)
    piped = _piped(wait_for_ever=not prompt) if headless else ""
    if not piped.strip():
        return prompt
    return f"{prompt}\n\n<stdin>\n{piped}\n</stdin>" if prompt else piped


def _piped(*, wait_for_ever: bool) -> str:
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return ""
    fd = sys.stdin.fileno()
    if not wait_for_ever and not _ready(fd):
        print("akmon: nothing came through the pipe on stdin; going on without it", file=sys.stderr)
        return ""
    data = sys.stdin.buffer.read(STDIN_BYTES + 1)
    if len(data) > STDIN_BYTES:
        raise SettingsError(
            f"stdin holds more than {STDIN_BYTES} bytes. Put it into a file and name the file in the prompt."
        )
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise SettingsError(
            "what is piped in is not UTF-8 text. Put it into a file and name the file in the prompt."
        ) from None


def _ready(fd: int) -> bool:
    """Whether reading would not wait long: a pipe that nobody ever writes to must not hang the run."""
    mode = os.fstat(fd).st_mode
    if os.name == "nt" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return True
    return bool(select.select((fd,), (), (), _PATIENCE)[0])
