"""The painter in a real terminal that wraps anew what it shows when its size changes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tui.painting import FINISHED
from tests.tui.terminal import PATIENCE

ROOT = Path(__file__).parents[2]
PROGRAM = f"{shlex.quote(sys.executable)} -m tests.tui.painting; echo what comes after; exec cat"

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


class Pane:
    """A terminal with a tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-S", "tmux.sock", "-f", "/dev/null", *arguments],  # a whole path might be too long
            check=True,
            capture_output=True,
            text=True,
            cwd=self._folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        ).stdout

    def types(self, text: str) -> None:
        self.tmux("send-keys", "-l", "--", text)

    def resize(self, columns: int, rows: int) -> None:
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def everything(self) -> str:
        """What is visible, and what has scrolled away. Lines that the terminal has wrapped are joined."""
        return self.tmux("capture-pane", "-p", "-J", "-S", "-")

    def sees(self, pattern: str) -> str:
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, shown := self.everything):
            assert time.monotonic() < end, f"waited in vain for {pattern!r}; the screen shows:\n{shown}"
            time.sleep(0.02)
        return shown


@contextmanager
def painting(folder: Path, columns: int, rows: int) -> Iterator[Pane]:
    pane = Pane(folder)
    pane.tmux(
        *("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(ROOT), "cat"),
        *(";", "set-option", "-g", "status", "off"),
        *(";", "new-window", "-k", "-t", ":0", "-c", str(ROOT), PROGRAM),
    )
    try:
        pane.sees(f"painted .* at {columns}x{rows}")
        yield pane
    finally:
        pane.tmux("kill-server")


def check(pane: Pane, count: int, *after: str) -> None:
    """Every finished line is there once and whole, below them the live area once, and then ``after``."""
    rows = [row for row in pane.everything.splitlines() if row]
    words = "lorem ipsum "
    assert rows[:count] == [f"finished {number} {words * (number % 5)}END" for number in range(count)]
    tail, work, over, typed, under, status, *rest = rows[count:]
    assert tail.startswith("tail")
    assert re.fullmatch("⠋ 👩\u200d?👩\u200d?👧 ❤\ufe0f? e\u0301 (\\d) at work (\\d+)", work) or "…" in work
    assert (over, under) == (over[0] * len(over),) * 2
    assert typed == "> what is typed"
    assert status.startswith("painted")
    assert tuple(rest) == after


def test_no_size_leaves_old_rows_behind_or_takes_finished_ones_away(tmp_path: Path) -> None:
    with painting(tmp_path, 80, 24) as pane:
        for size in ("40x12", "120x40", "80x24", "30x20", "79x30", "41x12"):
            columns, rows = map(int, size.split("x"))
            pane.resize(columns, rows)
            pane.sees(f"painted \\d+ at {size}")
            check(pane, FINISHED)
        for columns, rows in ((30, 20), (100, 30), (40, 12), (120, 40), (39, 13)):
            pane.resize(columns, rows)
        pane.sees("painted \\d+ at 39x13")
        check(pane, FINISHED)


def test_lines_that_come_after_a_new_size_stand_below_the_others(tmp_path: Path) -> None:
    with painting(tmp_path, 80, 24) as pane:
        for each in range(5):
            pane.types("f")
            pane.sees(f"finished {FINISHED + each} ")
        check(pane, FINISHED + 5)


def test_characters_of_several_codes_are_not_torn_when_their_line_changes(tmp_path: Path) -> None:
    with painting(tmp_path, 100, 24) as pane:
        for each in range(1, 12):
            pane.types("f")
            shown = pane.sees(f"painted {each} at")
            assert re.search(f"e\u0301 {each % 7} at work {each}$", shown, re.MULTILINE), shown


def test_the_cursor_ends_below_all(tmp_path: Path) -> None:
    with painting(tmp_path, 80, 24) as pane:
        pane.types("q")
        pane.sees("what comes after")
        check(pane, FINISHED, "what comes after")
