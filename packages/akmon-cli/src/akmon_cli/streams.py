"""Standard input, output and error as the caller left them, made fit for use."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO

import msgspec

from akmon_core.text import json_escaped, neutralise


class GuardedStream(io.TextIOWrapper):
    """Text for people: nothing that is written to it steers a terminal or shows a key.

    It is the last door, for whatever else was forgotten, and for the tracebacks of crashes.
    """

    below: TextIO | None = None
    """The stream that has the same bytes below it; without a reference to it these would be closed."""
    by_form = False
    """Whether all goes that looks like a secret, too, and not only known keys."""

    def write(self, text: str) -> int:
        super().write(self._redacted(neutralise(text)))
        return len(text)

    def _redacted(self, text: str) -> str:
        from akmon_cli.redaction import redactor

        return redactor()(text) if self.by_form else redactor().known(text)


def prepare_streams() -> None:
    """Opens what the caller closed, lets no character be too much for the terminal's encoding, and none
    steer it.

    A closed descriptor would otherwise be taken by the next file that is opened, such as a journal.
    """
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stdout = _guarded(sys.stdout or open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    sys.stderr = _guarded(sys.stderr or open(os.devnull, "w", encoding="utf-8"), by_form=True)  # noqa: PTH123, SIM115


def _guarded(stream: TextIO, *, by_form: bool = False) -> TextIO:
    """``stream`` behind the guard; a stand-in that has no bytes below it, as tests have, stays."""
    if not isinstance(stream, io.TextIOWrapper) or isinstance(stream, GuardedStream):
        return stream
    stream.flush()
    guarded = GuardedStream(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    guarded.below = stream
    guarded.by_form = by_form
    return guarded


def print_json(value: object) -> None:
    """``value`` as a line on stdout: JSON in UTF-8 that a terminal can show, without known keys."""
    from akmon_cli.redaction import redactor

    text = json_escaped(redactor().known(msgspec.json.encode(value).decode()))
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode() + b"\n")
    sys.stdout.buffer.flush()


def abandon_streams() -> None:
    """Keeps the interpreter from failing at exit to write what the output would not take."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
            with suppress(OSError):
                stream.flush()
