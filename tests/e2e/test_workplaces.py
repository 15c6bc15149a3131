"""Folders that are no ordinary project: a whole home or disk, and one with modules that stand in for ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.program import PATIENCE, Place

WRITES = 'call write {"path": "new.txt", "content": "x"}\n---\nsay done'
PLANTED = (
    *("json", "httpx", "argparse", "msgspec", "asyncio", "logging", "typing", "tomllib"),
    *("sitecustomize", "usercustomize", "akmon_core", "akmon_query", "anthropic", "rich"),
)


def kept(place: Place) -> list[Path]:
    return list(place.home.glob(".cache/akmon/checkpoints/*.db"))


def test_a_whole_home_is_warned_about_and_nothing_of_it_is_kept(place: Place) -> None:
    ran = place.play(WRITES, "go", "--permission-mode", "accept-edits", cwd=place.home)
    assert ran.code == 0, ran.err
    assert (place.home / "new.txt").exists()
    assert f"akmon: {place.home} is worked in as if it were one project" in ran.err
    assert "nothing is kept for a rewind" in ran.err
    assert kept(place) == []


def test_so_is_a_whole_disk(place: Place) -> None:
    ran = place.play("call list {}\n---\nsay done", "go", cwd=Path("/"))
    assert ran.code == 0, ran.err
    assert "akmon: / is worked in as if it were one project" in ran.err
    assert kept(place) == []


def test_an_ordinary_project_is_kept_without_a_word(place: Place) -> None:
    ran = place.play(WRITES, "go", "--permission-mode", "accept-edits")
    assert ran.code == 0, ran.err
    assert "worked in as if" not in ran.err
    assert len(kept(place)) == 1


@pytest.fixture
def mark(place: Place) -> Path:
    mark = place.folder / "mark"
    for name in PLANTED:
        (place.project / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write({name!r})\n")
    return mark


def run_module(place: Place, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    start = ("-c", code) if code else ("-m", "akmon_cli")
    return subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=place.project,
        env=place.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


LOOKS = 'call list {}\ncall search {"pattern": "open"}\ncall shell {"command": "true"}\n---\nsay done'


def test_the_program_loads_no_module_of_the_project(place: Place, mark: Path) -> None:
    for arguments in (("-p", "go", "-m", place.script(LOOKS)), ("doctor",), ("--version",)):
        assert place.akmon(*arguments).code in (0, 1)
        assert not mark.exists(), mark.read_text()


def test_neither_does_it_when_python_starts_it_as_a_module(place: Place, mark: Path) -> None:
    ran = run_module(place, "-p", "go", "-m", place.script(LOOKS))
    assert ran.returncode == 0, ran.stderr
    assert "done" in ran.stdout
    assert not mark.exists(), mark.read_text()


def test_another_program_does_load_them(place: Place, mark: Path) -> None:
    assert run_module(place, code="import httpx").returncode == 0
    assert mark.read_text() == "httpx"
