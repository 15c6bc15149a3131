"""``akmon demo``: a scripted model repairs a failing test, offline, by everything that a real run uses."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from akmon_cli import exitcodes
from akmon_cli.args import Parser
from akmon_cli.folders import change_folder, project_sessions
from akmon_cli.headless import run_headless
from akmon_core.commands import Prompt
from akmon_core.errors import SettingsError
from akmon_core.permissions import Policy, parse_rule
from akmon_query.assembly import open_session
from akmon_query.store import find_session

_TASK = "The test in this project fails. Find out why, fix it, and check that it passes."
_TEST = "python3 -m unittest"
_PROJECT = ("leap.py", "test_leap.py")


def parser() -> Parser:
    parser = Parser(
        prog="akmon demo",
        description="Watch a scripted model repair a failing test: no key, no network, a few seconds.",
    )
    parser.add_argument("--keep", metavar="DIR", help="work in this new folder, and leave it there")
    return parser


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.keep:
        return _demo(_new_folder(options.keep))
    with tempfile.TemporaryDirectory(prefix="akmon-demo-") as folder:
        code = _demo(Path(folder).resolve())
        change_folder("/")
        return code


def _new_folder(path: str) -> Path:
    folder = Path(path).resolve()
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise SettingsError(f"cannot make the folder {folder}: {error.strerror}. Name a new one.") from None
    return folder


def _demo(folder: Path) -> int:
    material = files("akmon_cli") / "demo"
    for name in _PROJECT:
        (folder / name).write_text((material / f"{name}.txt").read_text())
    change_folder(str(folder))
    # The shell of the run finds the interpreter that runs akmon as python3.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    _say(
        "akmon demo: the model is scripted; its words and calls are read from a file.",
        "Everything else is real: the loop, the tools, the permissions, the journal.",
        f"project: {folder} ({', '.join(_PROJECT)})",
        f"prompt:  {_TASK}",
        f"may do:  edit files (accept-edits mode), and run {_TEST} (a rule)",
        "",
    )
    code = asyncio.run(_run(str(material / "repair.script")))
    tests = subprocess.run([sys.executable, "-m", "unittest"], check=False, capture_output=True).returncode
    _say("", _verdict(code, tests))
    info = find_session(project_sessions())
    _say(
        f"journal: {info.path}",
        "",
        "With a real model, in a project of yours:",
        "  export ANTHROPIC_API_KEY=...     or OPENAI_API_KEY=...",
        '  akmon "fix the failing test"     it asks before it changes anything',
        "A model on this machine: akmon --openai-compatible-url http://localhost:8080/v1 --model NAME",
    )
    return code or (exitcodes.ERROR if tests else exitcodes.OK)


async def _run(script: str) -> int:
    session = open_session(
        f"scripted:{script}",
        mode="accept-edits",
        policy=Policy(rules=(parse_rule(f"shell({_TEST} *)"),), unattended=True),
        sessions=project_sessions(),
        name="demo",
    )
    async with session:
        return await run_headless(session, Prompt(_TASK), "text", partial=False)


def _verdict(code: int, tests: int) -> str:
    if code == exitcodes.OK and tests == 0:
        return "The test failed before and passes now, checked outside of akmon as well."
    return f"The demo did not work (akmon {code}, tests {tests}). Please run: akmon doctor"


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)
