"""Finds the text that an edit means, exactly if possible, else by rungs of ever more tolerance.

What a rung finds is used if it is one place. A wrong edit is far worse than a refused one, so where something
could mean two things nothing is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate, islice

import msgspec

from akmon_core.errors import ToolError
from akmon_core.limits import SIMILAR_PLACES
from akmon_tools.decoding import decoded
from akmon_tools.folding import (
    Fold,
    Folded,
    as_plain_as,
    close,
    fold_blanks,
    fold_spacing,
    fold_unicode,
)
from akmon_tools.fuzzy import Window, similar_windows
from akmon_tools.indents import indent_of, observe
from akmon_tools.merging import Change, changes_between, merge
from akmon_tools.replace import Replacement, ends_in_common, find_all, line_at

PLACES = 100_000
"""More replacements at once are refused."""
SHOWN = 11
"""Of one place that is wanted, this many are found at most where ``old`` is not there exactly."""
_WORD = re.compile(r"[^\W\u0e00-\U0010ffff]")
"""Of a script that puts blanks between words."""


class Found(msgspec.Struct, frozen=True):
    """What one rung found."""

    places: tuple[Replacement, ...] = ()
    how: str = ""
    """In what ``old`` differs from the file; empty where it does not."""


def find(text: str, old: str, new: str, *, many: bool = False) -> Found:
    r"""Where ``old`` is in ``text``, and what takes its place there; all with ``\n`` at every line end.

    ``many`` asks for every occurrence. Raises ``ToolError`` if ``old`` is there only as a part of a word or
    number, which would become another.
    """
    for how, found in _rungs(_Sought(text, old, new), many):
        if places := tuple(found if many or not how else islice(found, SHOWN)):
            return Found(places, how)
    return Found()


class _Sought:
    """A text, and what is to be replaced in it by what."""

    def __init__(self, text: str, old: str, new: str) -> None:
        self.text, self.old, self.new = text, old, new

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins, and where one after the last would."""
        return list(accumulate((len(line) + 1 for line in self.lines), initial=0))

    @property
    def whole_lines(self) -> bool:
        return self.old.endswith("\n")

    @cached_property
    def old_lines(self) -> list[str]:
        return self.old.removesuffix("\n").split("\n")

    @cached_property
    def new_lines(self) -> list[str]:
        if self.whole_lines:
            return self.new.removesuffix("\n").split("\n") if self.new else []
        return self.new.split("\n")

    @cached_property
    def changes(self) -> list[Change]:
        return changes_between(self.old_lines, self.new_lines)

    @cached_property
    def changes_of_pieces(self) -> list[Change]:
        return changes_between(self.old.split("\n"), self.new.split("\n"))


def _rungs(sought: _Sought, many: bool) -> Iterator[tuple[str, Iterable[Replacement]]]:
    text, old, new = sought.text, sought.old, sought.new
    yield "the indentation differs", _deeper(sought)
    yield "", _exact(sought, many)
    folded = close(fold_blanks(text))
    yield "blanks at the end of lines differ", _folded(sought, folded, fold_blanks)
    yield "the indentation differs", _indented(sought, folded, fold_blanks, many)
    if not (text.isascii() and old.isascii()):
        folded = close(fold_unicode(text))
        plainer = _Sought(text, as_plain_as(text, old, old), as_plain_as(text, old, new))
        how = "quotes, dashes, blanks or accents are other characters"
        yield how, _folded(plainer, folded, fold_unicode)
        yield f"{how}, and the indentation differs", _indented(plainer, folded, fold_unicode, many)
    for meant, instead, how in decoded(old, new):
        yield how, _exact(_Sought(text, meant, instead), many)
    if not many:
        yield "spacing, empty lines, quotes or words of comments differ", _similar(sought, folded)


def _exact(sought: _Sought, many: bool) -> Iterator[Replacement]:
    size = len(sought.old)
    places = find_all(sought.text, sought.old, PLACES + 1)
    if len(places) == 1 and not many:
        _refuse_part(sought, places[0])
    return (Replacement(place, place + size, sought.new) for place in places)


def _deeper(sought: _Sought) -> Iterator[Replacement]:
    """One line that is indented more in the file than in ``old``, for several, which are to be so too."""
    text, old = sought.text, sought.old
    if "\n" in old or "\n" not in sought.new or not old[:1].isspace():
        return
    places = find_all(text, old, PLACES + 1)
    more = [text[text.rfind("\n", 0, place) + 1 : place] for place in places]
    cut = any(_splits(text, place + len(old)) for place in places)
    if cut or any(indent.strip(" \t") or not indent for indent in more):
        return
    for place, indent in zip(places, more, strict=True):
        first, *others = sought.new.split("\n")
        new = "\n".join([first, *(indent + line if line.strip() else line for line in others)])
        yield Replacement(place, place + len(old), new)


def _folded(sought: _Sought, here: Folded, fold: Fold) -> Iterator[Replacement]:
    """Wherever the folded ``old`` is in the folded text, also within lines."""
    wanted = fold(sought.old).text
    to_line_end = sought.old[-1:] in " \t"
    for place in find_all(here.text, wanted, PLACES + 1) if wanted.strip() else ():
        after = place + len(wanted)
        start, end = here.source_at(place), here.source_at(after, before=not to_line_end)
        if start is None or end is None or (to_line_end and here.text[after : after + 1] not in ("", "\n")):
            continue
        if _splits(sought.text, start) or _splits(sought.text, end):
            continue
        there = sought.text[start:end].split("\n")
        old, new, changes = sought.old.split("\n"), sought.new.split("\n"), sought.changes_of_pieces
        if len(there) < len(old):  # the last line of the file has no end
            old, new = old[:-1], new if new[-1].strip() else new[:-1]
            changes = changes_between(old, new)
        merged = merge(old, new, changes, [(line,) for line in there], fold)
        if merged is not None:
            yield Replacement(start, end, "\n".join(merged))


def _indented(sought: _Sought, here: Folded, fold: Fold, many: bool) -> list[Replacement]:
    """Whole lines that differ by a shift of their indentation."""
    wanted = [line.strip(" \t") for line in fold("\n".join(sought.old_lines)).text.split("\n")]
    anchor = max(range(len(wanted)), key=lambda n: len(wanted[n]))
    if not wanted[anchor]:
        return []
    lines = [line.strip(" \t") for line in here.text.split("\n")][: len(sought.lines)]
    places: list[Replacement] = []
    done = misfits = 0
    for n, line in enumerate(lines):
        first = n - anchor
        if line != wanted[anchor] or first < done or lines[first : first + len(wanted)] != wanted:
            continue
        there = tuple((line,) for line in sought.lines[first : first + len(wanted)])
        place = _of_window(sought, Window(first, first + len(wanted), there), fold)
        if place is not None:
            places.append(place)
            done = first + len(wanted) if many else 0
            continue
        misfits += 1
        if misfits > SIMILAR_PLACES:
            return []
    return places


def _similar(sought: _Sought, here: Folded) -> Iterator[Replacement]:
    windows = similar_windows(sought.lines, here.text, sought.old_lines)
    places = (_of_window(sought, window, fold_spacing) for window in windows)
    return (place for place in places if place is not None)


def _of_window(sought: _Sought, window: Window, fold: Fold) -> Replacement | None:
    """What takes the place of whole lines; None if their indentation cannot be made to fit."""
    old, new = sought.old_lines, sought.new_lines
    pairs = [
        (indent_of(line), indent_of(here[0]))
        for line, here in zip(old, window.there, strict=True)
        if here and line.strip()
    ]
    fit = observe(pairs, (indent_of(line) for line in new if line.strip()))
    merged = None if fit is None else merge(old, new, sought.changes, window.there, fold, fit, window.context)
    if merged is None:
        return None
    start, end = sought.starts[window.first], sought.starts[window.end] - 1
    if not sought.whole_lines or end == len(sought.text):
        return Replacement(start, end, "\n".join(merged))
    return Replacement(start, end + 1, "".join(f"{line}\n" for line in merged))


def _splits(text: str, at: int) -> bool:
    """Whether ``at`` is within a word or number."""
    if not 0 < at < len(text):
        return False
    if text[at - 1].isdigit() and re.match(r"\.\d", text[at : at + 2]):
        return True
    escape = text[max(at - 2, 0) : at].startswith("\\")
    return bool(_WORD.match(text[at - 1]) and _WORD.match(text[at])) and not escape


def _refuse_part(sought: _Sought, place: int) -> None:
    """Raises ``ToolError`` if a word or number would be changed of which ``old`` has only a part.

    A word alone may be a part: that must be meant.
    """
    text, old, new = sought.text, sought.old, sought.new
    end = place + len(old)
    head, tail = ends_in_common(old, new)
    starts, ends = re.match(r"\w*", old), re.search(r"(?<!\w)\w*$", old)
    cut = [
        at
        for at, kept, word in ((place, head, starts), (end, tail, ends))
        if word and kept < len(word[0]) and _splits(text, at)
    ]
    if re.fullmatch(r"\w+", old):
        cut = [at for at in cut if text[at - 1].isdigit() and text[at : at + 1].lstrip(".").isdigit()]
    if not cut:
        return
    before, after = (
        re.search(r"[\w.]*\Z", text[max(cut[0] - 40, 0) : cut[0]]),
        re.match(r"[\w.]*", text[cut[0] : cut[0] + 40]),
    )
    whole = "".join(part[0] for part in (before, after) if part)
    raise ToolError(
        f"old ends or begins within {whole} in line {line_at(text, place)}, and that would become another. "
        "Give whole words and numbers, or the whole line."
    )
