"""What the page about the conversation says of keys and of the status line is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from akmon_tui.composer.keys import KEYS
from akmon_tui.status import DROPPED

PAGE = (Path(__file__).parents[2] / "docs" / "terminal.md").read_text(encoding="utf-8")


def test_the_table_of_keys_is_the_one_of_the_composer() -> None:
    section = PAGE.split("## Keys\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", section, flags=re.MULTILINE)
    assert rows == [("key", "what it does"), ("---", "---"), *KEYS]


def test_the_order_in_which_parts_of_the_status_line_go_is_the_real_one() -> None:
    section = " ".join(PAGE.split("## The status line\n", 1)[1].split("\n## ", 1)[0].split())
    order = section.split("in this order: ", 1)[1].split(". ", 1)[0]
    assert tuple(re.findall(r"`(\w+)`", order)) == DROPPED
