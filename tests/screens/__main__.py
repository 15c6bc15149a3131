"""Writes the pictures of the screen: ``python -m tests.screens [NAME ...]``, all of them without names."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.screens.capture import svg
from tests.screens.shoot import shoot
from tests.screens.takes import TAKES

SCREENS = Path(__file__).parents[2] / "docs" / "screens"


def main(names: list[str]) -> int:
    if unknown := set(names) - {take.name for take in TAKES}:
        print(
            f"There is no picture {', '.join(unknown)}. There are: {', '.join(each.name for each in TAKES)}."
        )
        return 2
    SCREENS.mkdir(exist_ok=True)
    for take in TAKES:
        if names and take.name not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="akmon-screen-") as folder:  # of the same length each time
            shot = shoot(take, Path(folder))
        (SCREENS / f"{take.name}.txt").write_text(shot.text, encoding="utf-8")
        (SCREENS / f"{take.name}.svg").write_text(svg(shot, f"akmon: {take.about}"), encoding="utf-8")
        print(take.name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
