"""Random work of an agent and a person on the same files, with kills and rewinds anywhere, against a model.

The model knows who changed what, as it looks at all files after each step. Of a rewind it demands: what only
the agent has changed is exactly what it was; what the person has changed since is as the person left it;
everything else is not touched.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import pytest

SEEDS, STEPS = 8, 250
NAMES = ("a.txt", "b.py", "c", "d/a.txt", "d/b", "d/e/f.txt", "g/h.md", "ü m.txt")
FOLDERS = ("d", "d/e", "g", "k", "k/l")
State = str | None
Tree = dict[str, State]
Who = Literal["agent", "killed", "person", "person after a kill"]


def look(root: Path) -> Tree:
    """Everything below ``root``, each as one comparable text."""
    found: Tree = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                found[str(path)] = f"link {path.readlink()}"
            elif stat.S_ISDIR(mode):
                found[str(path)] = "folder"
            else:
                found[str(path)] = f"{stat.S_IMODE(mode):o} {path.read_bytes()!r}"
    return found


@dataclass
class Change:
    who: Who
    path: str
    before: State
    after: State


@dataclass
class Model:
    """Who did what, in order."""

    now: Tree
    changes: list[Change] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    """By record of a place to go back to: how many changes there were then."""

    def did(self, who: Who, now: Tree, touched: Collection[str] = ()) -> None:
        """``touched`` are files that may have been something else in between."""
        for path in sorted({*self.now, *now, *touched}):
            before, after = self.now.get(path), now.get(path)
            if before != after or path in touched:
                self.changes.append(Change(who, path, before, after))
        self.now = now

    def check(self, to: int, after: Tree, left: set[str], *, overwrite: bool) -> list[str]:
        """What is wrong with the files ``after`` a rewind."""
        since = self.changes[self.places[to] :]
        wrong: list[str] = []
        for path in sorted({*self.now, *after, *(change.path for change in since)}):
            chain = [change for change in since if change.path == path]
            wanted = self._wanted(chain, self.now.get(path), path in left, overwrite=overwrite)
            if after.get(path) not in (*wanted, _forced(path, after)):
                wrong.append(f"{path} is {after.get(path)}, not {wanted}; {chain}; left: {path in left}")
        return wrong

    def _wanted(self, chain: list[Change], now: State, left: bool, *, overwrite: bool) -> list[State]:
        """What a file may be after a rewind."""
        doubtful = any(change.who in ("killed", "person after a kill") for change in chain)
        first = next((at for at, each in enumerate(chain) if each.who in ("agent", "killed")), len(chain))
        saw_nobody = [change.before for change in chain[:first] if change.who == "person after a kill"]
        if first == len(chain):  # the person may say that what nobody saw being changed is to be overwritten
            return [now, *(saw_nobody if overwrite else ())]
        before = [chain[first].before, *saw_nobody]
        if overwrite:
            return before
        if _lost(chain[first:]):
            return [now]
        if left:  # nobody can tell what a command did that ran when akmon was killed
            return [now] if doubtful or _touched(chain) else []
        return before


def _touched(chain: list[Change]) -> bool:
    return any(change.who not in ("agent", "killed") for change in chain)


def _lost(chain: list[Change]) -> bool:
    """Whether going back to before ``chain`` would lose what the person has written.

    That a file was removed, or its mode changed, is a wish that a rewind may go back behind.
    """
    target = _content(chain[0].before)
    runs = groupby(chain, key=lambda change: change.who in ("agent", "killed"))
    theirs = [(run[0].before, run[-1].after) for run in (list(run) for own, run in runs if not own)]
    return any(_content(after) not in (None, target, _content(before)) for before, after in theirs)


def _content(state: State) -> State:
    return state if state is None or not state[0].isdigit() else state.split(" ", 1)[1]


def _forced(path: str, after: Tree) -> State:
    """What cannot be anything else: a folder with something in it, and what would lie below a file."""
    if any(other.startswith(f"{path}/") for other in after):
        return "folder"
    above = (after.get(str(folder)) for folder in Path(path).parents)
    return None if any(state not in (None, "folder") for state in above) else "nothing is forced"


class Actor:
    """The session's process, begun anew after each kill."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.start()

    def start(self) -> dict[str, Any]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.query.rewinds.actor", str(self._place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"AKMON_MODEL_TEST": str(self._place)},
            text=True,
        )
        return self.answer()

    def ask(self, **asked: object) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"the session's process ended with {self._process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        """Kills it, and waits for what it had started: that goes on for a moment."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdout.close()
        self._process.stdin.close()
        quiet = 0
        while quiet < 5:  # a process has no environment for the moment in which it becomes another program
            quiet = 0 if self._others() else quiet + 1
            time.sleep(0.005)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        assert self._process.wait(60) == 0
        self._process.stdout.close()

    def _others(self) -> list[int]:
        wanted = f"AKMON_MODEL_TEST={self._place}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                try:
                    if wanted in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found


class Work:
    """Random things that agents and people do."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self._root = root
        self._chance = chance
        self._count = 0

    def _name(self) -> str:
        return self._chance.choice(NAMES)

    def _text(self) -> str:
        """Never the same twice, so that no state comes about in two ways."""
        self._count += 1
        lines = [f"{self._chance.choice(['one', 'two', 'three'])} {self._count}.{at}" for at in range(3)]
        return self._chance.choice(["\n", "\r\n"]).join(lines) + self._chance.choice(["", "\n"])

    def calls(self) -> list[tuple[str, dict[str, str]]]:
        return [self._call() for _ in range(self._chance.randint(1, 3))]

    def _call(self) -> tuple[str, dict[str, str]]:
        name, kind = self._name(), self._chance.randrange(4)
        if kind == 0:
            return "write", {"path": name, "content": self._text()}
        if kind == 1:
            return "edit", {"path": name, "old": "two", "new": f"two and {self._text()}"}
        return "shell", {"command": "; ".join(self._command() for _ in range(self._chance.randint(1, 3)))}

    def _command(self) -> str:
        one, other, folder = self._name(), self._name(), self._chance.choice(FOLDERS)
        self._count += 1
        return self._chance.choice(
            [
                f"echo {self._count} > '{one}'",
                f"mkdir -p d/e g; printf 'a\\r\\n{self._count}' > '{one}'",
                f"echo {self._count} >> '{one}'",
                f"rm -f '{one}'",
                f"mv '{one}' '{other}'",
                f"cp -r '{one}' '{other}'",
                f"chmod {self._chance.choice(['600', '755', '644'])} '{one}'",
                f"rm -f '{one}'; ln -s {self._count} '{one}'",
                f"mkdir -p {folder}",
                f"rm -rf {folder}",
                f"rmdir {folder}",
                f"mv {folder} m{self._count}",
                f"rm -rf '{one}'; mkdir -p '{one}'",
                f"rm -rf {folder}; echo {self._count} > {folder}",
                f"sed -i 's/one/ONE {self._count}/' '{one}'",
            ]
        )

    def by_hand(self) -> None:
        """What a person does to the files with other programs."""
        path = self._root / self._name()
        self._count += 1
        match self._chance.randrange(6):
            case 0 | 1 | 2 if path.parent.is_dir() and not path.is_dir() and not path.is_symlink():
                path.write_text(f"mine {self._text()}")
            case 3 if path.is_file() or path.is_symlink():
                path.unlink()
            case 4 if path.is_file() and not path.is_symlink():
                path.rename(path.with_name(f"moved{self._count}"))
            case 5 if path.is_file() and not path.is_symlink():
                path.chmod(self._chance.choice([0o600, 0o640, 0o700]))
            case _:
                (self._root / f"own{self._count}").write_text(self._text())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_rewind_differs_from_the_model_and_no_work_of_the_person_is_lost(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    root = tmp_path / "project"
    root.mkdir()
    model, work, actor = Model({}), Work(root, chance), Actor(tmp_path)
    marks: list[int] = []
    counts = {"turns": 0, "by hand": 0, "kills": 0, "rewinds": 0, "left": 0}
    for step in range(STEPS):
        kind = chance.random()
        if kind < 0.3:
            work.by_hand()
            model.did("person", look(root))
            counts["by hand"] += 1
        elif kind < 0.85 or not marks:
            began = len(model.changes)
            actor.ask(calls=work.calls())
            if chance.random() < 0.15:
                time.sleep(chance.random() * 0.1)
                actor.kill()
                model.did("killed", look(root))
                counts["kills"] += 1
                if chance.random() < 0.3:
                    work.by_hand()
                    model.did("person after a kill", look(root))
                answer = actor.start()
                model.did("killed", look(root), answer["touched"])  # what was being written then is gone
                assert not [path for path in model.now if "/.akmon-" in path]
            else:
                answer = actor.answer()
                model.did("agent", look(root), answer["touched"])
                counts["turns"] += 1
            _keep_places(model, marks, answer["marks"], began)
            marks = answer["marks"]
        else:
            to, overwrite = chance.choice(marks[-12:]), chance.random() < 0.2
            what = chance.choice(["files", "files", "both"])
            actor.ask(to=to, what=what, conflicts="overwrite" if overwrite else "keep")
            answer, after, began = actor.answer(), look(root), len(model.changes)
            problems = model.check(to, after, set(answer["left"]), overwrite=overwrite)
            assert problems == [], f"step {step}: back to {to}: {problems[0]} {answer['said']}"
            counts["rewinds"] += 1
            counts["left"] += len(answer["left"])
            model.did("agent", after)
            _keep_places(model, marks, answer["marks"], began)
            marks = answer["marks"]
    actor.close()
    print(f"seed {seed}: {counts}, 0 wrong")
    shutil.rmtree(tmp_path, ignore_errors=True)


def _keep_places(model: Model, before: list[int], marks: list[int], changes: int) -> None:
    for record in marks:
        if record not in before and record not in model.places:
            model.places[record] = changes
