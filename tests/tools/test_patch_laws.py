"""Laws of patches: what ``git diff`` and ``difflib`` say of two texts makes the one of the other."""

from __future__ import annotations

import difflib
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_tools.patch import read_patch
from akmon_tools.patches.applying import apply_hunks
from akmon_tools.patches.hunks import Hunk
from akmon_tools.patches.lines import occurrences
from tests.tools.patches.trees import apply, git_diff, same, write

LINE = st.sampled_from(
    ["a", "b", "  a", "", "- a", "+ b", "-- x", "@@ -1 +1 @@", "\\ x", "\tb ", "\u00e4", "x\x0cy"]
)
END = st.sampled_from(["\n", "\r\n"])


@st.composite
def texts(draw: st.DrawFn, ends: st.SearchStrategy[str] = END) -> str:
    text = "".join(line + draw(ends) for line in draw(st.lists(LINE, max_size=12)))
    return text if draw(st.booleans()) else text.removesuffix("\n").removesuffix("\r")


@st.composite
def pairs(draw: st.DrawFn, ends: st.SearchStrategy[str] = END) -> tuple[str, str]:
    """A text, and one that shares pieces with it or has nothing to do with it."""
    before = draw(texts(ends))
    if draw(st.booleans()):
        return before, draw(texts(ends))
    lines = before.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines)))
        gone = draw(st.integers(0, 2))
        lines[at : at + gone] = [draw(LINE) + draw(ends) for _ in range(draw(st.integers(0, 2)))]
    return before, "".join(lines)


def lines_of(text: str) -> list[str]:
    """As diff sees them, with its remark on a last line without an end."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()
    return [*lines, f"{last}\\ No newline at end of file\n"] if last != "\n" else lines


def by_difflib(before: str, after: str, context: int) -> str:
    return "".join(difflib.unified_diff(lines_of(before), lines_of(after), "a/f", "b/f", n=context))


def applied(patch: str, before: str) -> str:
    (entry,) = read_patch(patch)
    return apply_hunks("f", before, entry.hunks).text


@given(pairs(), st.integers(1, 4))
def test_the_diff_of_two_texts_makes_the_second_of_the_first_and_backwards(
    pair: tuple[str, str], context: int
) -> None:
    for before, after in (pair, pair[::-1]):
        if before != after:
            assert applied(by_difflib(before, after, context), before) == after


@given(pairs(st.just("\n")))
def test_a_diff_without_neighbours_does_so_too(pair: tuple[str, str]) -> None:
    for before, after in (pair, pair[::-1]):
        if before != after:
            assert applied(by_difflib(before, after, 0), before) == after


@given(pairs(), st.integers(-9, 9))
def test_wrong_line_numbers_make_the_right_text_or_none(pair: tuple[str, str], by: int) -> None:
    """With a mark on each line, so that no two places look alike, they always make the right one."""
    before, after = (number_of(text) for text in pair)
    if before == after:
        return
    (entry,) = read_patch(by_difflib(before, after, 2))
    hunks = [moved(hunk, by) for hunk in entry.hunks]
    try:
        text = apply_hunks("f", before, hunks).text
    except ToolError:
        assert any(not hunk.old for hunk in hunks)
    else:
        assert text == after or any(not hunk.old for hunk in hunks)


def number_of(text: str) -> str:
    return "".join(f"{number} {line}" for number, line in enumerate(text.splitlines(keepends=True)))


def moved(hunk: Hunk, by: int) -> Hunk:
    import msgspec

    return msgspec.structs.replace(hunk, start=max((hunk.start or 0) + by, 0))


@given(st.text("ab", max_size=30), st.text("ab", min_size=1, max_size=4))
def test_all_places_are_found_also_where_they_overlap(text: str, wanted: str) -> None:
    expected = [at for at in range(len(text)) if text.startswith(wanted, at)]
    assert occurrences(list(text), list(wanted)) == expected


SAID = [
    "*** Begin Patch",
    "*** Update File: f",
    "*** Add File: g",
    "*** Move to: h",
    "*** End of File",
    "*** End Patch",
    "@@",
    "@@ -1 +1 @@",
    "-a",
    "+b",
    " c",
    "",
    "--- a/f",
    "+++ b/f",
    "--- /dev/null",
    "diff --git a/f b/f",
    "rename from f",
    "rename to g",
    "new file mode 100644",
    "\\ No newline at end of file",
    "stray",
    "-- ",
    "```",
]


@given(st.lists(st.sampled_from(SAID), max_size=12))
def test_anything_is_either_read_or_refused(lines: list[str]) -> None:
    with suppress(ToolError):
        assert read_patch("\n".join(lines))


# --- whole trees, by git ----------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "sub/a", "sub/c d", "d\u00e4/e", "x/y/z"])
FILE = st.tuples(texts().map(str.encode), st.booleans())
TREES = st.dictionaries(NAMES, FILE, max_size=5)


@settings(max_examples=40, deadline=None)
@given(before=TREES, after=TREES, detect=st.sampled_from([(), ("-M",), ("-M", "-C", "--find-copies-harder")]))
def test_the_diff_of_two_trees_makes_the_second_of_the_first(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, tuple[bytes, bool]],
    after: dict[str, tuple[bytes, bool]],
    detect: tuple[str, ...],
) -> None:
    folder = tmp_path_factory.mktemp("trees")
    old, new = write(folder / "a", before), write(folder / "b", after)
    patch = git_diff(old, new, *detect)
    if patch:
        apply(old, patch)
    assert same(old, new)


# --- a real project ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("-M",), ("-U0",), ("-U1", "-M", "-C", "--patience"), ("-M", "-B")])
def test_the_history_of_a_real_project_is_replayed_byte_for_byte(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Some files of two releases of a library, forwards and backwards; see the README beside the archive."""
    with tarfile.open(Path(__file__).parent / "patches" / "toolz.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    old, new = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    there, back = git_diff(old, new, *options), git_diff(new, old, *options)
    apply(old, there)
    assert same(old, new)
    apply(old, back)
    apply(new, back)
    assert same(old, new)
    assert len(there) > 10_000
