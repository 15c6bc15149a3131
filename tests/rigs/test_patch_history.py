"""What changed between releases of real projects, replayed by the patch tool from what git says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from akmon_core.limits import PATCH_BYTES, PATCH_FILES
from tests.rigs import history
from tests.tools.patches.trees import apply, git_diff, same, tree

pytestmark = pytest.mark.skipif(bool(history.missing()), reason=history.missing())


@pytest.mark.parametrize("options", [(), ("-M",)], ids=["plain", "renames"])
@pytest.mark.parametrize(
    ("older", "newer"),
    history.steps(),
    ids=[newer.name.removesuffix(".tar.gz") for _, newer in history.steps()],
)
def test_a_release_is_made_of_the_one_before_byte_for_byte_and_back(
    older: Path, newer: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    trees = []
    for archive, name in ((older, "older"), (newer, "newer")):
        project, left_out = history.unpack(archive, tmp_path / name)
        trees.append(project)
        print(f"{archive.name}: {len(tree(project))} files, {left_out} left out")
    old, new = trees
    there, back = git_diff(old, new, *options), git_diff(new, old, *options)
    assert there
    hunks = [len(re.findall("^@@ ", patch, re.MULTILINE)) for patch in (there, back)]
    calls = [patches(old, there)]
    assert same(old, new)
    calls.append(patches(new, back))
    calls.append(patches(old, back))
    assert same(old, new)
    print(
        f"{len(there):,} bytes, {len(files(there))} files, {sum(hunks)} hunks there and back, {calls} calls"
    )


def files(patch: str) -> list[str]:
    return re.split("^(?=diff --git )", patch, flags=re.MULTILINE)[1:]


def patches(folder: Path, patch: str) -> int:
    """Applies ``patch`` in as few calls as the limits allow, and gives their number."""
    calls: list[list[str]] = [[]]
    for part in files(patch):
        size = sum(len(one.encode()) for one in (*calls[-1], part))
        if size > PATCH_BYTES or len(calls[-1]) == PATCH_FILES:
            calls.append([])
        calls[-1].append(part)
    for parts in calls:
        apply(folder, "".join(parts))
    return len(calls)
