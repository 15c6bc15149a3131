"""What developers do all day works in full-auto mode inside the sandbox, without a question."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tests.adversarial.arena import Arena
from tests.adversarial.cases import FOLDER
from tests.adversarial.mechanisms import needs_both

EVERYDAY: dict[str, str] = {
    name: line.replace("{PYTHON}", sys.executable)
    for name, line in tomllib.loads((FOLDER / "everyday.toml").read_text("utf-8")).items()
}


@needs_both
@pytest.mark.parametrize("name", EVERYDAY)
def test_it_works_in_the_sandbox_without_a_question(arena: Arena, name: str) -> None:
    (arena.home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n")
    calls = [("shell", {"command": EVERYDAY[name]})]
    played = arena.obey(calls, "--permission-mode=full-auto", "--sandbox=bubblewrap")
    (call,) = played.calls
    assert (call.decision, call.error) == ("allow", False), call.text
    assert played.ran.code == 0


@pytest.mark.parametrize("name", EVERYDAY)
def test_it_works_without_a_sandbox_too(arena: Arena, name: str, tmp_path: Path) -> None:
    """A command that fails here would say nothing of the sandbox."""
    ran = arena.bash(EVERYDAY[name], TMPDIR=str(tmp_path))  # pytest would tidy up after other sessions, too
    assert ran.returncode == 0, ran.stderr
