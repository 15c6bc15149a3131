"""``akmon export``: writes the project's instructions in the formats of other tools."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, Parser
from akmon_cli.commands.files import enter, existing, write
from akmon_config.banner import is_generated
from akmon_config.formats import FORMATS, IN_A_FOLDER, OUTDATED, exported
from akmon_config.instructionfiles import NAMES
from akmon_core.errors import SettingsError
from akmon_core.text import neutralise


def parser() -> Parser:
    parser = Parser(
        prog="akmon export",
        description="Write AGENTS.md and AKMON.md in the formats of other tools. What is written says so, "
        "and only such files are written again.",
    ).add(COMMON)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--tool", nargs="+", metavar="TOOL", action="extend", choices=FORMATS, help=", ".join(FORMATS)
    )
    which.add_argument("--all", action="store_true", help=f"every tool but {', '.join(OUTDATED)}")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be written")
    parser.add_argument("--force", action="store_true", help="replace files that akmon export did not write")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    root = enter(options)
    sources = _sources(root)
    tools = [tool for tool in FORMATS if tool not in OUTDATED] if options.all else dict.fromkeys(options.tool)
    kept: list[str] = []
    for tool in tools:
        name = _file(root, tool)
        if name in sources:
            if not options.all:
                print(f"akmon: {tool} reads {name} itself", file=sys.stderr)
        elif options.dry_run:
            print(f"--- {name}\n{neutralise(exported(tool, sources))}")
        elif problem := _exported(root, name, exported(tool, sources), force=options.force):
            kept.append(problem)
    for problem in kept:
        print(f"akmon: {neutralise(problem)}", file=sys.stderr)
    return exitcodes.ERROR if kept else exitcodes.OK


def _sources(root: Path) -> dict[str, str]:
    texts = {name: existing(root, name) for name in NAMES}
    sources = {name: text for name, text in texts.items() if text.strip() and not is_generated(text)}
    if not sources:
        raise SettingsError(f"there is no {' or '.join(NAMES)} in {root} to export. Write one: akmon init")
    return sources


def _file(root: Path, tool: str) -> str:
    name = FORMATS[tool].writes
    return IN_A_FOLDER[name] if name in IN_A_FOLDER and (root / name).is_dir() else name


def _exported(root: Path, name: str, text: str, *, force: bool) -> str:
    """Writes one file; gives what kept it from being written."""
    try:
        before = existing(root, name)
    except SettingsError as error:
        return str(error)
    if before == text:
        print(f"{name} is up to date")
        return ""
    if before.strip() and not is_generated(before) and not force:
        return f"{name} was not written by akmon export, so it is left alone. Replace it with --force."
    write(root, name, text)
    print(f"wrote {root / name}")
    return ""
