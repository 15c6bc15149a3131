"""Run by the measured installation: surveys of trees of files, beside a Git repository that is kept apart.

``surveys.py FOLDER ROUNDS FILES...`` prints a line of JSON for each number of files, and
``surveys.py FOLDER turns COUNT`` one for so many turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from akmon_core.files import FileChange
from akmon_core.rewinding import changed_paths, plan_rewind
from akmon_tools.snapshots import Snapshots

WORDS = [f"word{number}" for number in range(500)]
CHANGED = 5


class Kept:
    """A tree, what akmon keeps of it, and what Git does."""

    def __init__(self, place: Path, files: int) -> None:
        self.root = place / "tree"
        self.store = place / "kept" / "store"
        self.git_folder = place / "git"
        self.chance = random.Random(1)
        self.files = [self._make(number) for number in range(files)]
        self.snapshots = Snapshots((self.root,), self.store)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(place),
            "GIT_DIR": str(self.git_folder),
            "GIT_WORK_TREE": str(self.root),
        }
        self._run("init", "-q")

    def _make(self, number: int) -> Path:
        path = (
            self.root
            / f"package{number // 1000}"
            / f"module{number // 100 % 10}"
            / f"part{number // 10 % 10}"
        )
        path.mkdir(parents=True, exist_ok=True)
        path /= f"file{number % 10}.txt"
        path.write_text(self.text())
        return path

    def text(self, size: int = 4_000) -> str:
        return "".join(f"{' '.join(self.chance.choices(WORDS, k=8))}\n" for _ in range(size // 64))

    def change(self) -> None:
        for path in self.chance.sample(self.files, CHANGED):
            lines = path.read_text().splitlines(keepends=True)
            lines[self.chance.randrange(len(lines))] = self.text(64)
            path.write_text("".join(lines))

    async def survey(self) -> tuple[FileChange, ...]:
        return await self.snapshots.survey(lambda _text: None)

    def git(self) -> None:
        self._run("add", "-A")
        self._run("write-tree")

    def _run(self, *arguments: str) -> None:
        subprocess.run(
            ["git", *arguments], env=self.environ, cwd=self.root, stdout=subprocess.DEVNULL, check=True
        )


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def surveys(place: Path, files: int, rounds: int) -> dict[str, list[float]]:
    """Seconds, by what was measured, each by turns with Git."""
    kept = Kept(place, files)
    found: dict[str, list[float]] = {}
    with asyncio.Runner() as runner:

        def both(name: str) -> None:
            found.setdefault(name, []).append(_timed(lambda: runner.run(kept.survey())))
            found.setdefault(f"git {name}", []).append(_timed(kept.git))

        both("first")
        time.sleep(0.1)  # what was made just now is read again
        for _ in range(2):
            runner.run(kept.survey())
        for _ in range(rounds):
            both("unchanged")
        for _ in range(rounds):
            kept.change()
            both("changed")
    return found


def turns(place: Path, count: int) -> dict[str, float]:
    """Bytes that so many turns add, each with a few changed files, and seconds to take 100 of them back."""
    kept = Kept(place, 500)
    with asyncio.Runner() as runner:
        runner.run(kept.survey())
        kept.git()
        before, git_before = _size(kept.store.parent), _size(kept.git_folder)
        told: list[FileChange] = []
        for number in range(count):
            kept.change()
            changes = runner.run(kept.survey())
            if number >= count - 100:
                told += changes
            kept.git()
        kept.snapshots.close()
        added, git_added = _size(kept.store.parent) - before, _size(kept.git_folder) - git_before
        kept.snapshots = Snapshots((kept.root,), kept.store)
        plan = plan_rewind(told, kept.snapshots.look(changed_paths(told)))
        began = time.perf_counter()
        for change in plan.changes:
            kept.snapshots.restore(change)
        seconds = time.perf_counter() - began
    return {"added": added, "git added": git_added, "restored": len(plan.changes), "seconds": seconds}


def _size(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def main() -> None:
    place = Path(sys.argv[1])
    if sys.argv[2] == "turns":
        print(json.dumps(turns(place / "turns", int(sys.argv[3]))))
        return
    for files in map(int, sys.argv[3:]):
        print(json.dumps(surveys(place / str(files), files, int(sys.argv[2]))), flush=True)
        shutil.rmtree(place / str(files))


if __name__ == "__main__":
    main()
