"""What subcommands print, as text: their code runs in a thread of this process, and its words are kept."""

from __future__ import annotations

import argparse
import io
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TextIO

from akmon_cli.args import MODEL, RUN, Option
from akmon_tui.services import Report

_ALONE = threading.Lock()
"""One report at a time, as there is only one standard output."""


def report_text(what: Report, session: str, options: argparse.Namespace) -> str:
    """What ``akmon WHAT`` prints here, with the ``options`` that akmon was started with.

    To be called in a thread of its own. Raises ``AkmonError``.
    """
    from importlib import import_module

    command = import_module(f"akmon_cli.commands.{what}")
    said = io.StringIO()
    with _ALONE, _caught(said):
        command.run(_arguments(what, command, session, options))
    return said.getvalue().rstrip("\n")


def _arguments(what: Report, command: ModuleType, session: str, options: argparse.Namespace) -> list[str]:
    match what:
        case "stats":
            return [session]
        case "audit":
            return ["show", session]
        case "doctor":
            return typed(options, MODEL)
        case "policy":
            return typed(options, [option for option in RUN if option[0][0] in command.POLICY_OPTIONS])
        case _:
            return []


def typed(options: argparse.Namespace, table: Sequence[Option]) -> list[str]:
    """Those of ``table`` that ``options`` have, as they would be typed."""
    found: list[str] = []
    for flags, keywords in table:
        name = flags[-1]
        value = getattr(options, keywords.get("dest", name.lstrip("-").replace("-", "_")), None)
        match value:
            case None | False:
                continue
            case list():
                found += [part for each in value for part in (name, str(each))]
            case _ if "action" in keywords:
                found.append(name)
            case _:
                found += [name, str(value)]
    return found


class _Shared(io.StringIO):
    """Standard output or error, of which one thread's words go elsewhere."""

    encoding = "utf-8"

    def __init__(self, real: TextIO, said: io.StringIO) -> None:
        super().__init__()
        self.encoding = real.encoding
        self._real = real
        self._said = said
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        return (self._said if threading.get_ident() == self._thread else self._real).write(text)

    def flush(self) -> None:
        if threading.get_ident() != self._thread:
            self._real.flush()

    def isatty(self) -> bool:
        return threading.get_ident() != self._thread and self._real.isatty()

    def fileno(self) -> int:
        return self._real.fileno()


@contextmanager
def _caught(said: io.StringIO) -> Iterator[None]:
    """What this thread prints goes to ``said``; that of others, such as the screen, where it always went."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Shared(out, said), _Shared(err, said)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
