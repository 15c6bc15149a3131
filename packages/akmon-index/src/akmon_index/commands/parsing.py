"""What the subcommands share: a parser whose errors are those of the program, and data on standard output."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, NoReturn

import msgspec

from akmon_core.errors import SettingsError


class Parser(argparse.ArgumentParser):
    """Raises ``SettingsError`` instead of ending the process."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}. See: {self.prog} --help")


def print_json(value: object) -> None:
    """One line of ASCII, so that no terminal or encoding makes something else of it."""
    sys.stdout.write(f"{json.dumps(msgspec.to_builtins(value))}\n")
    sys.stdout.flush()
