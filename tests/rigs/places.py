"""Where the rigs lie that ``make rigs`` fetches, and the program under test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

ROOT = Path(__file__).parents[2]
RIGS = ROOT / ".rigs"
AIMOCK = RIGS / "aimock" / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
TOOLZ = RIGS / "projects" / "toolz-1.0.0.tar.gz"

PATIENCE = 120.0
"""Seconds after which a process that should have ended long ago counts as hanging."""


class Ran(msgspec.Struct, frozen=True):
    """A run of the program that has ended."""

    exit_code: int
    out: str
    err: str


def environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Only what a program needs: the tests' own interpreter as ``python3``, an empty home, and ``more``."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    home.mkdir(exist_ok=True)
    return {"PATH": path, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", **more}


def akmon(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Ran:
    """Runs the program as a person would start it, without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "akmon_cli", *arguments],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def answers(url: str, process: subprocess.Popen[bytes]) -> None:
    """Waits until a server that was started answers at ``url``."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            urlopen(url, timeout=PATIENCE).close()
        except URLError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"nothing answers at {url}")
