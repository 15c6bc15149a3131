"""The pictures in docs/screens show what the program shows."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.tmux import needs_tmux
from tests.screens.__main__ import SCREENS
from tests.screens.capture import Look, read, replaced, svg
from tests.screens.shoot import shoot
from tests.screens.takes import TAKES, Take
from tests.tools.sandbox.held import CHOICES

needs_bubblewrap = pytest.mark.skipif("bubblewrap" not in CHOICES, reason="they show bubblewrap")


@needs_tmux
@needs_bubblewrap
@pytest.mark.parametrize("name", ["streaming", "cards", "permission", "files", "small"])
def test_a_picture_is_what_the_program_shows(name: str, tmp_path: Path) -> None:
    (take,) = (each for each in TAKES if each.name == name)
    kept = (SCREENS / f"{name}.txt").read_text(encoding="utf-8")
    assert shoot(take, tmp_path).text == kept, "the screen has changed: run make screenshots"


def test_every_picture_is_there_and_shown_in_the_documentation() -> None:
    page = (SCREENS.parent / "terminal.md").read_text(encoding="utf-8")
    names = [take.name for take in TAKES]
    assert sorted(set(re.findall(r"screens/(\w+)\.svg", page))) == sorted(names)
    assert {path.name for path in SCREENS.iterdir()} == {
        f"{n}.{kind}" for n in names for kind in ("svg", "txt")
    }


@pytest.mark.parametrize("take", TAKES, ids=lambda take: take.name)
def test_a_picture_has_the_text_of_the_screen_and_nothing_of_the_machine(take: Take) -> None:
    text = (SCREENS / f"{take.name}.txt").read_text(encoding="utf-8")
    root = ET.fromstring((SCREENS / f"{take.name}.svg").read_text(encoding="utf-8"))
    drawn = "".join(found.text or "" for found in root.iter("{http://www.w3.org/2000/svg}text"))
    assert "".join(drawn.split()) == "".join(text.split())
    assert not re.search(r"/tmp|/home|\d+\.\d+\.\d+", text)
    assert max(map(len, text.splitlines())) <= take.columns


def test_colours_and_marks_are_read_across_lines_and_end_where_they_end() -> None:
    shot = read("\x1b[1m\x1b[38;2;255;0;16mred\nstill\x1b[0m \x1b[7;32mx\x1b[27;39m.", 80)
    red = Look("#ff0010", "", frozenset({1}))
    assert [cell.look for cell in shot.rows[1]] == [
        *[red] * 5,
        Look(),
        Look("#7ee787", "", frozenset({7})),
        Look(),
    ]
    assert shot.text == "red\nstill x.\n"


def test_what_varies_is_replaced_in_the_look_that_it_has() -> None:
    shot = replaced(read("\x1b[2mtook 17 s\x1b[0m!", 80), [(r"\d+ s", "2 s")])
    assert shot.text == "took 2 s!\n"
    assert [len(cell.look.marks) for cell in shot.rows[0]] == [1] * 8 + [0]


def test_a_picture_has_its_text_where_the_terminal_has_it() -> None:
    root = ET.fromstring(svg(read("a\n  \x1b[48;2;1;2;3m日本 <&", 10, (0, 1)), "two lines"))
    texts = root.findall("{http://www.w3.org/2000/svg}text")
    assert [(each.text, each.get("x"), each.get("y")) for each in texts] == [
        ("a", "14", "28"),
        ("日本 <&", "30.8", "47"),
    ]
    assert texts[1].get("textLength") == "58.8"
    backgrounds = [each.get("fill") for each in root.findall("{http://www.w3.org/2000/svg}rect")]
    assert backgrounds == ["#0d1117", "#010203", None]
