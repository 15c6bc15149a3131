"""``akmon sandbox``: what holds commands in here, and running one in it."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec

from akmon_cli.args import COMMON, Parser
from akmon_cli.folders import change_folder, session_folders, working_folder
from akmon_cli.streams import print_json
from akmon_config.paths import cache_dir, state_dir
from akmon_core.errors import SettingsError
from akmon_core.permissions import SandboxChoice
from akmon_tools.environment import command_environment
from akmon_tools.processes import Launch
from akmon_tools.sandbox.box import Sandbox
from akmon_tools.sandbox.ladder import Rung, open_sandbox, rungs
from akmon_tools.sandbox.protected import Survey
from akmon_tools.sandbox.secrets import secret_places

_SIGNALLED = 128


class Status(msgspec.Struct, frozen=True):
    """What ``akmon sandbox status --json`` prints."""

    level: str
    why: str
    """Why it is not a better one; empty if it is the best."""
    system: str
    rungs: tuple[Rung, ...]
    writable: tuple[str, ...]
    protected: tuple[str, ...]
    hidden: tuple[str, ...]
    network: str


def parser() -> Parser:
    parser = Parser(
        prog="akmon sandbox",
        usage="akmon sandbox status [--json] | akmon sandbox -- COMMAND ...",
        description="Say what holds commands in here, or run one in it.",
    ).add(COMMON)
    parser.add_argument(
        "--sandbox", choices=get_args(SandboxChoice), default="auto", help="the mechanism to use (auto)"
    )
    parser.add_argument("--json", action="store_true", help="status as JSON")
    parser.add_argument("words", nargs="*", metavar="status | -- COMMAND", help="what to do (status)")
    return parser


def run(arguments: Sequence[str]) -> int:
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser().parse_args(arguments[:end])
    command = list(arguments[end + 1 :])
    if options.cwd:
        change_folder(options.cwd)
    if options.words not in ([], ["status"]) or (command and options.words):
        raise SettingsError("akmon sandbox takes status, or -- and a command. See: akmon sandbox --help")
    if command:
        return _run(options, command)
    _show(options)
    return 0


def roots() -> list[Path]:
    return [session_folders()[1]]


def hidden() -> list[Path]:
    """The folders of akmon's own that commands do not see."""
    return [state_dir(os.environ), cache_dir(os.environ)]


def opened(choice: SandboxChoice) -> Sandbox:
    """The sandbox that a session here would have, without network. Raises ``SettingsError``."""
    return open_sandbox(choice, roots(), unreadable=hidden(), cache=cache_dir(os.environ) / "sandbox")


def _run(options: argparse.Namespace, command: list[str]) -> int:
    sandbox = opened(options.sandbox)
    if sandbox.level in ("none", "off"):
        raise SettingsError(f"there is no sandbox: {sandbox.why}. Nothing was run.")
    limited = sandbox.prelude.decode() + 'exec -- "$@"'
    launch = sandbox.wrapped(
        Launch(
            argv=("/bin/bash", "--noprofile", "--norc", "-c", limited, "bash", *command),
            cwd=working_folder(),
            env=command_environment(os.environ) | dict(sandbox.environment),
        )
    )
    try:
        code = subprocess.run(
            launch.argv, cwd=launch.cwd, env=launch.env, pass_fds=launch.descriptors, check=False
        ).returncode
    finally:
        for note in sandbox.settle():
            print(f"akmon: {note}", file=sys.stderr)
        asyncio.run(sandbox.close())
    return code if code >= 0 else _SIGNALLED - code


def _show(options: argparse.Namespace) -> None:
    status = _status(options.sandbox)
    if options.json:
        print_json(status)
        return
    print(f"level      {status.level}{f' ({status.why})' if status.why else ''}")
    print(f"system     {status.system}")
    for rung in status.rungs:
        works = f"does not work: {rung.problem}" if rung.problem else "works"
        print(f"mechanism  {rung.name} ({rung.detail}) {works}")
    for title, places in (
        ("writable", status.writable),
        ("protected", status.protected),
        ("hidden", status.hidden),
    ):
        for place in places:
            print(f"{title:<10} {place}")
    print(f"network    {status.network}")


def _status(choice: SandboxChoice) -> Status:
    sandbox = opened(choice)
    found = Survey(roots()).look()
    asyncio.run(sandbox.close())
    held = sandbox.level not in ("none", "off")
    return Status(
        level=sandbox.level,
        why=sandbox.why,
        system=f"{platform.system()} {platform.release()}",
        rungs=tuple(rungs(roots())),
        writable=(*map(str, roots()), "/tmp (of its own)"),
        protected=tuple(map(str, sorted((*found.entries, *found.missing)))),
        hidden=tuple(map(str, secret_places(os.environ, hidden()))),
        network="none, unless rules for network open it" if held else "not restricted",
    )
