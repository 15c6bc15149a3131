"""Times commands in each sandbox that works: ``python boxes.py FOLDER ROUNDS``; prints seconds as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from akmon_core.permissions import SandboxChoice
from akmon_tools.processes import Launch
from akmon_tools.sandbox.box import Sandbox
from akmon_tools.sandbox.ladder import open_sandbox, rungs


def main() -> None:
    folder, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    work = folder / "work"
    for path in (".git/hooks", ".git/info", ".vscode", *(f"src/part{number}" for number in range(50))):
        (work / path).mkdir(parents=True)
    for path in (".git/HEAD", ".git/config"):
        (work / path).touch()
    ways: dict[str, Sandbox | None] = {"plain": None}
    working = {rung.name for rung in rungs([work]) if not rung.problem}
    choices: tuple[SandboxChoice, ...] = ("bubblewrap", "landlock", "seatbelt")
    ways |= {choice: open_sandbox(choice, [work]) for choice in choices if choice in working}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, sandbox in ways.items():
            seconds[name].append(_once(sandbox, work))
    print(json.dumps(seconds))


def _once(sandbox: Sandbox | None, work: Path) -> float:
    """All that akmon does around the command is counted, too."""
    began = time.perf_counter()
    launch = Launch(
        argv=("/bin/bash", "--noprofile", "--norc", "-c", "true"), cwd=work, env={"PATH": os.defpath}
    )
    if sandbox:
        launch = sandbox.wrapped(launch)
    subprocess.run(launch.argv, cwd=launch.cwd, env=launch.env, pass_fds=launch.descriptors, check=True)
    for descriptor in launch.handed:
        os.close(descriptor)
    if sandbox:
        sandbox.settle()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
