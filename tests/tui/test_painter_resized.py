"""The painter in a real terminal that wraps anew what it shows when its size changes."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.tmux import Pane, needs_tmux
from tests.tui.painting import FINISHED

ROOT = Path(__file__).parents[2]

pytestmark = needs_tmux


@contextmanager
def painting(folder: Path, columns: int, rows: int) -> Iterator[Pane]:
    pane = Pane(folder / "tmux.sock")
    line = shlex.join([sys.executable, "-m", "tests.tui.painting"])
    pane.tmux(
        *("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(ROOT), "cat"),
        *(";", "set-option", "-g", "remain-on-exit", "on"),
        *(";", "set-option", "-g", "status", "off"),
        *(";", "new-window", "-k", "-t", ":0", "-c", str(ROOT), f"exec env LC_ALL=C.UTF-8 {line}"),
    )
    try:
        pane.sees(f"painted .* at {columns}x{rows}")
        yield pane
    finally:
        pane.tmux("kill-server")


def check(pane: Pane, count: int) -> None:
    """Every finished line is there once and whole, and below them the live area, once."""
    rows = [row for row in pane.everything.splitlines() if row]
    words = "lorem ipsum "
    assert rows[:count] == [f"finished {number} {words * (number % 5)}END" for number in range(count)]
    tail, work, over, typed, under, status = rows[count:]
    assert tail.startswith("tail")
    assert re.fullmatch("⠋ 👩\u200d?👩\u200d?👧 ❤\ufe0f? e\u0301 (\\d) at work (\\d+)", work) or "…" in work
    assert (over, under) == (over[0] * len(over),) * 2
    assert typed == "> what is typed"
    assert status.startswith("painted")


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
        pane.ends()
        check(pane, FINISHED)
