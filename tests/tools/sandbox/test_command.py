"""``akmon sandbox``, as a person calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.sandbox.held import CHOICES, in_a_sandbox

pytestmark = in_a_sandbox


def akmon(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True, exist_ok=True)
    (folder / "project").mkdir(exist_ok=True)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "API_TOKEN": "CANARY"}
    command = [sys.executable, "-m", "akmon_cli", "sandbox", *arguments]
    return subprocess.run(
        command, cwd=folder / "project", env=environ, capture_output=True, text=True, check=False
    )


def test_the_status_says_what_holds_what_is_hidden_and_what_is_protected(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    found = json.loads(akmon(folder, "status", "--json").stdout)
    assert found["level"] == CHOICES[0]
    assert [rung["name"] for rung in found["rungs"]][-1] == "landlock"
    assert str(folder / "home" / ".ssh") in found["hidden"]
    assert str(folder / "project" / ".git") in found["protected"]
    assert f"hidden     {folder}/home/.ssh\n" in akmon(folder).stdout


@pytest.mark.parametrize("choice", CHOICES)
def test_a_command_is_held_in_and_its_exit_code_is_given(tmp_path: Path, choice: str) -> None:
    folder = tmp_path.resolve()
    line = f'echo "<$API_TOKEN>"; echo x >new; echo x >{folder}/home/new; echo x >.envrc; exit 7'
    done = akmon(folder, "--sandbox", choice, "--", "bash", "-c", line)
    assert done.returncode == 7
    assert done.stdout == "<>\n"
    assert ".envrc is protected: what the command put there was moved to" in done.stderr
    assert sorted(os.listdir(folder / "project")) == ["new"]  # noqa: PTH208
    assert not (folder / "home" / "new").exists()


def test_without_a_sandbox_nothing_is_run(tmp_path: Path) -> None:
    done = akmon(tmp_path, "--sandbox", "off", "--", "touch", "new")
    assert done.returncode == 2
    assert "Nothing was run" in done.stderr
    assert not (tmp_path / "project" / "new").exists()
