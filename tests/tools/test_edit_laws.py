"""What holds for every edit: its reverse takes it back, it stays within its place, and exact comes first."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from akmon_core.errors import ToolError
from akmon_core.tools import ToolContext
from akmon_tools.edit import EditArguments, EditTool
from akmon_tools.folding import Fold, fold_blanks, fold_spacing, fold_unicode
from akmon_tools.matching import find
from akmon_tools.replace import ends_in_common
from akmon_tools.workspace import Workspace

WORD = st.sampled_from(["alpha", "beta", "gamma", "x = 1", "f(a, b)", "it’s", "}", "# note", "“q”", "…", ""])
INDENT = st.sampled_from(["", "  ", "    ", "        ", "\t", "\t\t"])
TAIL = st.sampled_from(["", "", "", " ", "\t"])
LINE = st.builds(lambda indent, word, tail: indent + word + tail, INDENT, WORD, TAIL)
LINES = st.lists(LINE, min_size=1, max_size=8)
END = st.sampled_from(["\n", "\r\n"])


def run(folder: Path, data: bytes, old: str, new: str) -> bytes | None:
    """The file after the edit; None if it is refused."""
    (folder / "f").write_bytes(data)
    tool = EditTool(Workspace([folder]))
    try:
        asyncio.run(
            tool.run(EditArguments("f", old, new), ToolContext(call_id="c", files={}, progress=print))
        )
    except ToolError:
        assert (folder / "f").read_bytes() == data
        return None
    return (folder / "f").read_bytes()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), lines=LINES, end=END, mark=st.booleans(), last=st.booleans())
def test_an_edit_and_its_reverse_restore_every_byte(
    data: st.DataObject, lines: list[str], end: str, mark: bool, last: bool
) -> None:
    text = "\n".join(lines) + "\n" * last
    first, after = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    old, new = text[first:after], "NEW\n" + data.draw(LINE) + "ONE"
    assume("\n" in text[:first] + text[after:] or "\n" not in text)  # some line end is left to tell the kind
    before = ("\ufeff" * mark + text.replace("\n", end)).encode()
    assume(old and exactly(text, old, new))
    with tempfile.TemporaryDirectory() as folder:
        there = run(Path(folder).resolve(), before, old, new)
        assert there is not None
        back = run(Path(folder).resolve(), there, new, old)
        assert back in (before, None)  # a reverse that would cut a word in two is refused


def exactly(text: str, old: str, new: str) -> bool:
    try:
        found = find(text, old, new)
    except ToolError:
        return False
    return len(found.places) == 1 and not found.how


@st.composite
def rough(draw: st.DrawFn) -> tuple[list[str], int, int, str, str]:
    """The lines of a file, which of them an edit is about, and the edit, which has them not quite right."""
    lines = draw(st.lists(LINE, min_size=2, max_size=10))
    first = draw(st.integers(0, len(lines) - 1))
    after = draw(st.integers(first + 1, len(lines)))
    old = lines[first:after]
    match draw(st.sampled_from(["tails", "shift", "plain", "empty"])):
        case "tails":
            old = [line.rstrip() + draw(TAIL) for line in old]
        case "shift":
            old = ["    " + line if line.strip() else line for line in old]
        case "plain":
            old = [fold_unicode(line).text for line in old]
        case "empty":
            old = [line for line in old if line.strip()]
    new = [*old]
    new[draw(st.integers(0, max(len(new) - 1, 0))) : draw(st.integers(0, len(new)))] = draw(LINES)
    return lines, first, after, "\n".join(old), "\n".join(new)


@settings(max_examples=400, deadline=None)
@given(rough())
def test_an_edit_that_matches_roughly_changes_only_its_lines(
    edit: tuple[list[str], int, int, str, str],
) -> None:
    lines, first, after, old, new = edit
    text = "\n".join(lines)
    assume(old.strip() and old != new and old not in text)
    try:
        found = find(text, old, new)
    except ToolError:
        return
    assume(len(found.places) == 1)
    (place,) = found.places
    assert bare(text[place.start : place.end]) == bare(old)
    if bare("\n".join(lines)).count(bare(old)) == 1:  # there is no other place that it could be about
        before, behind = "\n".join(lines[:first]), "\n".join(lines[after:])
        assert text[: place.start].rstrip().startswith(before.rstrip())
        assert text[place.end :].strip().endswith(behind.strip())


def bare(text: str) -> str:
    """Only what an approximate match must agree in."""
    return re.sub(r"\s", "", fold_unicode(text).text).replace("'", '"')


@given(lines=LINES, first=st.integers(0, 7), count=st.integers(1, 8), new=LINES)
def test_text_that_is_there_exactly_once_is_found_exactly(
    lines: list[str], first: int, count: int, new: list[str]
) -> None:
    text, old = "\n".join(lines), "\n".join(lines[first : first + count])
    assume(old and text.count(old) == 1)
    assume(text.find(old) == text.rfind(old))
    instead = "\n".join(new)
    assume(old != instead)
    try:
        found = find(text, old, instead)
    except ToolError:
        return  # it would cut a word in two
    assume(not found.how or not old[0].isspace())  # a line may be taken for a deeper one
    assert found.how == ""
    assert text.replace(old, instead) == text[: found.places[0].start] + instead + text[found.places[0].end :]


TEXT = st.text(st.sampled_from("ab \t\n'\"’…\u00a0\u200be\u0301"), max_size=30)


@given(TEXT, st.sampled_from([fold_blanks, fold_unicode, fold_spacing]))
def test_a_folded_text_knows_where_its_places_are(text: str, fold: Fold) -> None:
    folded = fold(text)
    for at in range(len(text) + 1):
        place = folded.place_of(at)
        if place is not None:
            places = folded.source_at(place, before=True), folded.source_at(place)
            assert None not in places
            assert (places[0] or 0) <= at <= (places[1] or 0)
    for place in range(len(folded.text) + 1):
        there = folded.source_at(place)
        assert there is None or folded.place_of(there) == place


@given(st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_what_two_texts_have_in_common_at_their_ends_does_not_overlap(one: str, other: str) -> None:
    head, tail = ends_in_common(one, other)
    assert one[:head] == other[:head]
    assert one[len(one) - tail :] == other[len(other) - tail :]
    assert head + tail <= min(len(one), len(other))
    assert one[head : head + 1] != other[head : head + 1] or head == min(len(one), len(other))
