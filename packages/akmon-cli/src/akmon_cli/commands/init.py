"""``akmon init``: writes a short AGENTS.md for the project, of what can be found out without a model."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.commands.files import enter, write
from akmon_config.detect import Project, detect
from akmon_config.draft import draft
from akmon_config.foreign import scan
from akmon_config.formats import TARGET
from akmon_config.instructionfiles import NAMES
from akmon_config.paths import home
from akmon_core.errors import SettingsError
from akmon_core.text import one_line

_NAMED = 5


def parser() -> Parser:
    parser = Parser(
        prog="akmon init",
        description="Write an AGENTS.md with the commands, layout and house rules that this project has.",
    ).add(COMMON)
    parser.add_argument("--dry-run", action="store_true", help="only print what would be written")
    parser.add_argument("--force", action="store_true", help="write it although there is one already")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    root = enter(options)
    project = detect(root)
    text = draft(root, project)
    if options.dry_run:
        print(text, end="")
        return exitcodes.OK
    if not options.force:
        _check(root)
    others = [source.name for source in scan(root).sources]
    write(root, TARGET, text)
    print(f"wrote {root / TARGET} ({len(text.splitlines())} lines). Read it, and add what akmon cannot see.")
    _say_more(project, others)
    return exitcodes.OK


def _check(root: Path) -> None:
    for name in NAMES:
        if os.path.lexists(root / name):
            raise SettingsError(
                f"{root / name} is there already, and akmon reads it. See what would be written with "
                f"--dry-run, or write {TARGET} anew with --force."
            )
    if root in (home().resolve(), Path(root.anchor)):
        raise SettingsError(f"{root} is no project. Go to one (-C DIR), or insist with --force.")


def _say_more(project: Project, others: list[str]) -> None:
    if project == Project():
        _say("nothing that akmon knows is here yet. Once there is code: akmon init --force")
    if others:
        names = ", ".join(one_line(name, 100) for name in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        _say(
            f"there are instructions of other tools, which do not count beside {TARGET}: {names}{more}. "
            "Take them over with: akmon import"
        )


def _say(line: str) -> None:
    print(f"akmon: {line}", file=sys.stderr)
