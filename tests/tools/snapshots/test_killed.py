"""A process that is killed at any moment leaves a whole store, which knows what it knows."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from akmon_core.files import FileState, same
from akmon_tools.snapshots.store import Store
from akmon_tools.snapshots.tree import state_of
from tests.tools.snapshots.conftest import Rig, tree
from tests.tools.snapshots.test_model import _states

_KILLS = 15
_CHILD = Path(__file__).with_name("victim.py")


def test_after_any_kill_what_is_known_and_what_is_told_make_the_tree(rig: Rig) -> None:
    chance = random.Random(5)
    for kill in range(_KILLS):
        _run_and_kill(rig, kill, chance.uniform(0, 0.15))
        _check(rig)


def _run_and_kill(rig: Rig, seed: int, seconds: float) -> None:
    store = rig.root.parent / "kept" / "store"
    child = subprocess.Popen(
        [sys.executable, str(_CHILD), str(rig.root), str(store), str(seed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout
    assert child.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    assert child.poll() is None, child.communicate()[1]
    child.kill()
    child.communicate()


def _check(rig: Rig) -> None:
    """What the store holds is whole, and the next survey tells exactly what it does not hold."""
    path = rig.root.parent / "kept" / "store"
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    other.close()
    store = Store(path)
    known = store.load(rig.root).tree
    planned = store.planned()
    states: dict[str, FileState] = {}
    for inner in known.below(""):
        entry = known.get(inner)
        assert entry
        if (state := state_of(entry)) is None:
            assert inner.endswith(".tmp")
            continue
        states[str(rig.root / inner)] = state
        if state.kind == "file":
            assert len(store.fetch(state.content)) == entry.stamp[1]
    store.close()
    later = Rig(rig.root, rig.outside, type(rig.snapshots)((rig.root,), path))
    for change in later.survey():
        assert not (change.path in planned and same(change.after, planned[change.path].before))
        if change.after is None:
            states.pop(change.path)
        else:
            states[change.path] = change.after
    later.snapshots.close()
    now = _states({k: v for k, v in tree(rig.root).items() if not k.endswith(".tmp")}, rig.root)
    for name in states.keys() | now.keys() | planned.keys():
        announced = planned.get(name)
        if announced and (same(now.get(name), announced.before) or same(now.get(name), announced.after)):
            continue  # it has or has not happened: either way it was told before
        assert states.get(name) == now.get(name), name
