"""Packages that join by entry point: their tools, and the names of their subcommands."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_cli.redaction import redactor
from akmon_config.paths import cache_dir, config_file
from akmon_core.errors import SettingsError
from akmon_core.plugins import Workplace
from akmon_core.rules import Rule, withholding
from akmon_core.tools import AnyTool

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

TOOLS, COMMANDS = "akmon.tools", "akmon.commands"


def workplace(root: Path, rules: Sequence[Rule]) -> Workplace:
    """What packages are told of the project at the canonical ``root``."""
    return Workplace(
        root=str(root),
        cache=_folder(lambda: cache_dir(os.environ)),
        config=_folder(lambda: config_file(os.environ).parent),
        withheld=withholding(rules),
        learn=redactor().add,
    )


def plugin_tools(place: Workplace) -> tuple[list[AnyTool], list[str]]:
    """Tools of other installed packages, and what is wrong with those that cannot be used."""
    tools: list[AnyTool] = []
    problems: list[str] = []
    for entry in _entries(TOOLS):
        try:
            tools += entry.load()(place)
        except Exception as error:  # noqa: BLE001 - a broken package of others must not keep akmon from working
            problems.append(
                f"the tools of {entry.value} are left out: {type(error).__name__}: {error}. "
                "Repair or uninstall that package."
            )
    return tools, problems


def plugin_commands() -> dict[str, EntryPoint]:
    """Subcommands of other installed packages, by name."""
    return {entry.name: entry for entry in _entries(COMMANDS)}


def _entries(group: str) -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return [*entry_points(group=group)]


def _folder(find: Callable[[], Path]) -> str:
    with suppress(SettingsError):
        return str(find())
    return ""
