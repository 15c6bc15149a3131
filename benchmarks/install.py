"""Installs the program as users get it: wheels, put by plain pip into an environment of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".rigs/bench"
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def install() -> Path:
    """Builds the wheels of the sources as they are, installs them, and gives the environment's ``bin``.

    What they depend on is fetched only if it is not there yet.
    """
    binaries = VENV / "bin"
    with tempfile.TemporaryDirectory() as folder:
        build = (str(ROOT / ".tools/bin/uv"), "build", "--all-packages", "--wheel", "--quiet")
        _run(*build, "--out-dir", folder, "--python", sys.executable)
        wheels = [str(path) for path in Path(folder).glob("*.whl")]
        if not (binaries / "akmon").exists():
            _run(sys.executable, "-m", "venv", "--clear", str(VENV))
        python = str(binaries / "python")
        _run(python, *_PIP, "--no-index", "--no-deps", "--force-reinstall", *wheels)
        _run(python, *_PIP, "akmon[bedrock]")
    return binaries


def _run(*command: str) -> None:
    """Shows what a command says only if it fails; then raises ``SystemExit``."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}\nThe program could not be installed.")
