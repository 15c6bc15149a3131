"""Any operations: the changes that surveys tell add up to the tree, and taken back give an earlier one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.files import FileChange, FileState, same
from akmon_core.rewinding import changed_paths
from akmon_tools.snapshots import Snapshots
from akmon_tools.textfile import hash_of
from tests.tools.snapshots.conftest import Rig, Tree, rig_in, tree

Operation: TypeAlias = tuple[Callable[[Path, Path, int], None], str, str, int]


def _write(path: Path, _other: Path, number: int) -> None:
    path.write_bytes(b"%d" % number)


def _append(path: Path, _other: Path, number: int) -> None:
    with path.open("ab") as file:
        file.write(b"+%d" % number)


def _delete(path: Path, _other: Path, _number: int) -> None:
    path.unlink()


def _rename(path: Path, other: Path, _number: int) -> None:
    path.rename(other)


def _chmod(path: Path, _other: Path, number: int) -> None:
    if not path.is_symlink():
        path.chmod((0o600, 0o644, 0o755, 0o700, 0o444, 0o555)[number % 6])


def _symlink(path: Path, other: Path, _number: int) -> None:
    path.symlink_to(other.name)


def _link(path: Path, other: Path, _number: int) -> None:
    if path.is_file() and not path.is_symlink():
        os.link(path, other)


def _mkdir(path: Path, _other: Path, _number: int) -> None:
    path.mkdir()


def _rmdir(path: Path, _other: Path, _number: int) -> None:
    path.rmdir()


def _rmtree(path: Path, _other: Path, _number: int) -> None:
    if not path.is_symlink():
        shutil.rmtree(path)


_PATHS = st.lists(st.sampled_from(["a", "b", "c", "A"]), min_size=1, max_size=3).map("/".join)
_KINDS = (_write, _write, _append, _delete, _rename, _chmod, _symlink, _link, _mkdir, _mkdir, _rmdir, _rmtree)
_OPERATIONS = st.lists(st.tuples(st.sampled_from(_KINDS), _PATHS, _PATHS, st.integers(0, 6)), max_size=12)


def _apply(root: Path, operations: Iterable[Operation]) -> None:
    for operation, path, other, number in operations:
        with suppress(OSError):
            operation(root / path, root / other, number)


def _states(tree: Tree, root: Path) -> dict[str, FileState]:
    found = {}
    for path, (kind, mode, content) in tree.items():
        if kind == "file":
            found[str(root / path)] = FileState("file", hash_of(content), mode)
        elif kind == "link":
            found[str(root / path)] = FileState("link", content.decode())
        else:
            found[str(root / path)] = FileState("folder", mode=mode)
    return found


def _fold(model: dict[str, FileState], changes: Iterable[FileChange]) -> None:
    for change in changes:
        assert same(model.get(change.path), change.before), change
        if change.after is None:
            del model[change.path]
        else:
            model[change.path] = change.after


@settings(max_examples=40, deadline=None)
@given(st.lists(_OPERATIONS, min_size=1, max_size=6), st.integers(0, 5), st.booleans())
def test_changes_add_up_to_the_tree_and_taken_back_give_an_earlier_one(
    batches: list[list[Operation]], back_to: int, restart: bool
) -> None:
    with tempfile.TemporaryDirectory() as place:
        rig = rig_in(Path(place).resolve())
        rig.survey()
        model: dict[str, FileState] = {}
        trees, told = [tree(rig.root)], list[tuple[FileChange, ...]]()
        for batch in batches:
            _apply(rig.root, batch)
            if restart:
                rig = _restarted(rig)
            told.append(rig.survey())
            trees.append(tree(rig.root))
            _fold(model, told[-1])
            assert model == _states(trees[-1], rig.root)
            assert all(change.before != change.after for change in told[-1])
            assert len(changed_paths(told[-1])) == len(told[-1])
        back_to = min(back_to, len(told) - 1)
        undone = rig.undo(change for changes in told[back_to:] for change in changes)
        assert tree(rig.root) == trees[back_to]
        assert rig.survey() == ()
        rig.undo(undone)
        assert tree(rig.root) == trees[-1]
        rig.snapshots.close()


def _restarted(rig: Rig) -> Rig:
    rig.snapshots.close()
    store = rig.root.parent / "kept" / "store"
    return Rig(rig.root, rig.outside, Snapshots((rig.root,), store))
