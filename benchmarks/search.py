"""How long the search tool takes on a large tree, against ripgrep alone with the same query."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.program import Program, middle
from benchmarks.table import Figure

FILES = 50_000
_IN_A_FOLDER = 25
_WORDS = tuple(
    f"{first}{last}" for first in ("load", "make", "read", "find") for last in ("File", "Item", "Page")
)
_RARE = 10
"""Files with the rare word."""
QUERIES: dict[str, dict[str, str]] = {
    "a rare word": {"pattern": "Quetzalcoatl"},
    "no match": {"pattern": "never_written_anywhere"},
    "a common word": {"pattern": "return"},
    "a regular expression": {"pattern": r"def \w+Item\(self, \d{3}"},
    "files with a common word": {"pattern": "return", "output": "files"},
    "files with a rare word": {"pattern": "Quetzalcoatl", "output": "files"},
}
"""Arguments of the tool, by what they stand for."""


def figures(program: Program, rounds: int) -> Iterator[Figure]:
    with TemporaryDirectory() as folder:
        make(Path(folder), FILES)
        script = str(Path(__file__).with_name("search_akmon.py"))
        output = program.python(script, folder, str(rounds), json.dumps(QUERIES)).output
    times: dict[str, tuple[list[float], list[float]]] = json.loads(output)
    for name, (ours, bare) in times.items():
        yield Figure(
            f"search in {FILES:,} files, {name} / ripgrep alone", middle(ours) / middle(bare), "x", 1.3
        )
    for name, (ours, _) in times.items():
        yield Figure(f"search in {FILES:,} files, {name}", middle(ours) * 1000, "ms")


def make(root: Path, files: int) -> None:
    """A repository of ``files`` sources of some 40 lines each, always the same."""
    dice = random.Random(1)
    (root / ".git").mkdir()
    (root / ".gitignore").write_text("*.o\n/build/\n__pycache__/\n")
    for number in range(files // _IN_A_FOLDER):
        folder = root / f"part{number % 20}" / f"area{number % 400}" / f"unit{number}"
        folder.mkdir(parents=True)
        for at in range(_IN_A_FOLDER):
            (folder / f"module{at}.py").write_text(_source(dice))
    for path in dice.sample(sorted(root.glob("part*/*/*/*.py")), _RARE):
        with path.open("a") as file:
            file.write("# Quetzalcoatl\n")


def _source(dice: random.Random) -> str:
    names = [dice.choice(_WORDS) for _ in range(10)]
    return "".join(
        f"def {name}(self, {dice.randrange(10_000)}):\n    value = {name}(1)\n    return value\n\n"
        for name in names
    )
