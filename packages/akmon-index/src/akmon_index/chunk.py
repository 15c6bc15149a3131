"""Cuts a file into chunks by what it defines, by its headings, or by its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from akmon_index.languages import is_parsed, language_of
from akmon_index.limits import (
    INDEX_CHUNK_CHARS,
    INDEX_CHUNK_LINES,
    INDEX_NESTING,
    INDEX_OVERLAP_LINES,
    INDEX_SYMBOL_CHARS,
)
from akmon_index.values import Chunk, ChunkKind

if TYPE_CHECKING:
    from tree_sitter import Node

    from akmon_index.syntax import Definition, Loose

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\Z")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SMALL = INDEX_CHUNK_CHARS // 4
"""Characters below which the rest of something long is left with what comes before it."""


def chunks_of(path: str, text: str) -> list[Chunk]:
    """The chunks of a file, by their first lines. Each line that is not blank is in at least one of them.

    A line ends with a line feed only, as everywhere else in the project.
    """
    language = language_of(path)
    lines = text.replace("\r\n", "\n").split("\n")
    file = _File(path, language, lines)
    if language == "markdown":
        chunks = _sections(file)
    elif is_parsed(language) and (root := _root(language, "\n".join(lines))):
        chunks = list(_of_file(file, root))
    else:
        chunks = [
            file.chunk(first, last, _Scope(), "lines") for first, last in _windows(lines, 0, len(lines) - 1)
        ]
    return sorted((one for one in chunks if one.text.strip()), key=lambda one: (one.first, -one.last))


def words(text: str) -> list[str]:
    """The words of ``text`` in lower case, and the parts of names such as ``parseHTTPHeader``.

    >>> words("parseHTTPHeader, read_line")
    ['parsehttpheader', 'parse', 'http', 'header', 'read', 'line']
    """
    found: list[str] = []
    for word in _WORD.findall(text):
        parts = _HUMP.split(word)
        found.append(word.lower())
        if len(parts) > 1:
            found.extend(part.lower() for part in parts)
    return found


class _Scope(msgspec.Struct, frozen=True):
    """What a chunk stands in."""

    name: str = ""
    signatures: tuple[str, ...] = ()
    depth: int = 0

    def within(self, name: str, signature: str) -> _Scope:
        symbol = f"{self.name}.{name}" if self.name else name
        return _Scope(symbol[-INDEX_SYMBOL_CHARS:], (*self.signatures, signature)[-4:], self.depth + 1)


class _File:
    def __init__(self, path: str, language: str, lines: Sequence[str]) -> None:
        self.path = path
        self.language = language
        self.lines = lines
        self._starts = list(accumulate((len(line) + 1 for line in lines), initial=0))

    def size(self, first: int, last: int) -> int:
        """Characters of the rows from ``first`` to ``last``."""
        return self._starts[last + 1] - self._starts[first] - 1

    def trimmed(self, first: int, last: int) -> int:
        """The last row that is not blank."""
        while last > first and not self.lines[last].strip():
            last -= 1
        return last

    def is_blank(self, first: int, last: int) -> bool:
        return not any(line.strip() for line in self.lines[first : last + 1])

    def chunk(self, first: int, last: int, scope: _Scope, kind: ChunkKind) -> Chunk:
        """Of rows from 0, without blank ones at either end."""
        while first < last and not self.lines[first].strip():
            first += 1
        last = self.trimmed(first, last)
        return self.chosen(range(first, last + 1), last, scope, kind)

    def chosen(self, rows: Sequence[int], last: int, scope: _Scope, kind: ChunkKind) -> Chunk:
        return Chunk(
            path=self.path,
            first=rows[0] + 1,
            last=last + 1,
            text="\n".join([self.lines[row] for row in rows]),
            symbol=scope.name,
            kind=kind,
            language=self.language,
            context="\n".join((self.path, *scope.signatures)),
        )


def _root(language: str, text: str) -> Node | None:
    from akmon_index.syntax import parse

    tree = parse(language, text)
    return tree.root_node if tree else None


def _of_file(file: _File, root: Node) -> Iterator[Chunk]:
    """Its definitions, and what stands between them."""
    from akmon_index.syntax import Definition, parts

    found = parts(root)
    definitions = [one for one in found if isinstance(one, Definition)]
    loose = [one for one in found if not isinstance(one, Definition)]
    before = [*(one.first - 1 for one in definitions[1:]), len(file.lines) - 1]
    start = 0
    for one, end in zip(definitions, before, strict=False):
        end = max(end, one.last)  # they may share a row
        yield from _of_gap(file, loose, start, one.first - 1)
        last = one.last if _says_something(file, one.last + 1, end) else file.trimmed(one.last, end)
        yield from _of_definition(file, one, _Scope(), last)
        start = max(start, last + 1)
    yield from _of_gap(file, loose, start, len(file.lines) - 1)


def _says_something(file: _File, first: int, last: int) -> bool:
    return any(_LETTERS.search(line) for line in file.lines[first : last + 1])


def _of_gap(file: _File, loose: Sequence[Loose], first: int, last: int) -> Iterator[Chunk]:
    if first <= last and not file.is_blank(first, last):
        nodes = [one.node for one in loose if first <= one.first <= last]
        yield from _pieces(file, nodes, _Scope(), "module", first, last)


def _of_definition(file: _File, one: Definition, scope: _Scope, last: int) -> Iterator[Chunk]:
    inner = scope.within(one.name, one.signature)
    if one.kind == "class":
        yield from _of_class(file, one, scope, inner, last)
    elif file.size(one.first, last) <= INDEX_CHUNK_CHARS:
        yield file.chunk(one.first, last, msgspec.structs.replace(scope, name=inner.name), "function")
    else:
        yield from _pieces(file, [one.node], inner, "function", one.first, last)


def _of_class(file: _File, one: Definition, scope: _Scope, inner: _Scope, last: int) -> Iterator[Chunk]:
    """Its lines without those of its members, of which only the first stays; and its members."""
    from akmon_index.syntax import Definition, parts

    within = parts(one.body) if one.body and inner.depth < INDEX_NESTING else []
    members = [part for part in within if isinstance(part, Definition)]
    hidden: set[int] = set()
    for member in members:
        hidden.update(range(member.first, member.last + 1))
    hidden -= {member.row for member in members}
    hidden -= set(range(one.first, one.row + 1))
    rows = [row for row in range(one.first, last + 1) if row not in hidden and file.lines[row].strip()]
    named = msgspec.structs.replace(scope, name=inner.name)
    groups = list(_by_size(file, rows))
    for number, group in enumerate(groups):
        whole = number == 0 and len(groups) == 1
        yield file.chosen(group, last if whole else group[-1], inner if number else named, "class")
    for member in members:
        yield from _of_definition(file, member, inner, member.last)


def _by_size(file: _File, rows: Sequence[int]) -> Iterator[list[int]]:
    """``rows`` in order, in groups of at most ``INDEX_CHUNK_CHARS`` characters."""
    group: list[int] = []
    size = 0
    for row in rows:
        length = len(file.lines[row]) + 1
        if group and size + length > INDEX_CHUNK_CHARS:
            yield group
            group, size = [], 0
        group.append(row)
        size += length
    if group:
        yield group


class _Segment(msgspec.Struct):
    """Rows that are not cut but within ``node``."""

    first: int
    last: int
    node: Node | None = None


def _pieces(
    file: _File, nodes: Sequence[Node], scope: _Scope, kind: ChunkKind, first: int, last: int
) -> Iterator[Chunk]:
    """The rows from ``first`` to ``last``, cut between ``nodes``, and within those that are too large.

    What is large enough and defines something is a chunk by itself.
    """
    start, end = first, first - 1
    for piece in _cut(file, nodes, first, last, 0 if kind == "module" else -1):
        if isinstance(piece, _Segment):
            yield from _rows(file, start, end, scope, kind)
            yield from _of_segment(file, piece, scope)
            start, end = piece.last + 1, piece.last
        elif piece[0] == end + 1 and file.size(start, piece[1]) <= INDEX_CHUNK_CHARS:
            end = piece[1]
        else:
            yield from _rows(file, start, end, scope, kind)
            start, end = piece
    yield from _rows(file, start, end, scope, kind)


def _of_segment(file: _File, segment: _Segment, scope: _Scope) -> Iterator[Chunk]:
    if nested := _nested(segment):
        nested = msgspec.structs.replace(nested, first=segment.first, last=segment.last)
        yield from _of_definition(file, nested, scope, segment.last)


def _rows(file: _File, first: int, last: int, scope: _Scope, kind: ChunkKind) -> Iterator[Chunk]:
    if first <= last and not file.is_blank(first, last):
        yield file.chunk(first, last, scope, kind)


def _cut(
    file: _File, nodes: Sequence[Node], first: int, last: int, depth: int
) -> Iterator[tuple[int, int] | _Segment]:
    """First and last rows of what fits into a chunk, and what is to be one by itself, in order."""
    for segment in _segments(nodes, first, last):
        if 0 <= depth < INDEX_NESTING and _nested(segment):
            yield segment
        elif file.size(segment.first, segment.last) <= INDEX_CHUNK_CHARS:
            yield segment.first, segment.last
        elif segment.node is None or depth >= INDEX_NESTING or not segment.node.named_child_count:
            yield from _windows(file.lines, segment.first, segment.last)
        else:
            within = segment.node.named_children
            yield from _cut(file, within, segment.first, segment.last, depth + 1)


def _segments(nodes: Sequence[Node], first: int, last: int) -> list[_Segment]:
    """All rows from ``first`` to ``last``: each node with what stands above it since the one before."""
    from akmon_index.syntax import is_above, last_row

    found: list[_Segment] = []
    for node in nodes:
        begins, ends = max(node.start_point.row, first), min(last_row(node), last)
        if ends < begins or is_above(node):
            continue
        before = found[-1] if found else _Segment(first, first - 1)
        if begins > before.last or not found:
            found.append(_Segment(before.last + 1, ends, node))
        elif ends > before.last:  # they share a row
            before.last, before.node = ends, node
    if not found:
        return [_Segment(first, last)]
    found[-1].last = last
    return found


def _nested(segment: _Segment) -> Definition | None:
    from akmon_index.syntax import define

    if segment.node is None or segment.last - segment.first < 2:
        return None
    return define(segment.node)


def _windows(lines: Sequence[str], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Of ``INDEX_CHUNK_LINES`` rows, or as many as fit; each shares some with the one before."""
    start, needed = first, first
    while start <= last:
        end, size = start, len(lines[start]) + 1
        while end < last and end - start + 1 < INDEX_CHUNK_LINES:
            size += len(lines[end + 1]) + 1
            if size > INDEX_CHUNK_CHARS and end >= needed:
                break
            end += 1
        yield start, end
        needed = end + 1
        if needed > last:
            return
        shared = 0
        while needed - shared - 1 > start and shared < INDEX_OVERLAP_LINES:
            if sum(map(len, lines[needed - shared - 1 : needed])) > _SMALL:
                break
            shared += 1
        start = needed - shared


def _sections(file: _File) -> list[Chunk]:
    """Of Markdown: by headings, and within long sections by paragraphs."""
    chunks: list[Chunk] = []
    path: list[tuple[int, str]] = []
    headings = list(_headings(file.lines))
    starts = [row for row, _, _ in headings] + [len(file.lines)]
    if starts[0] > 0:
        chunks.extend(_paragraphs(file, 0, starts[0] - 1, _Scope()))
    first = None
    for (row, level, title), after in zip(headings, starts[1:], strict=True):
        path = [*((depth, name) for depth, name in path if depth < level), (level, title)]
        first = row if first is None else first
        if after < len(file.lines) and file.is_blank(row + 1, after - 1):
            continue  # a heading alone belongs to what follows
        symbol = " > ".join(name for _, name in path if name)[-INDEX_SYMBOL_CHARS:]
        chunks.extend(_paragraphs(file, first, after - 1, _Scope(symbol, (symbol,) if symbol else ())))
        first = None
    return chunks


def _paragraphs(file: _File, first: int, last: int, scope: _Scope) -> Iterator[Chunk]:
    start = first
    for row in range(first, last + 1):
        ends = row == last or not file.lines[row].strip()
        if not ends or file.size(start, row) < INDEX_CHUNK_CHARS // 2:
            continue
        for window in _windows(file.lines, start, row):
            yield from _rows(file, *window, scope, "section")
        start = row + 1
    if start <= last:
        yield from _rows(file, start, last, scope, "section")


def _headings(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Row, level from 1 and title of each, outside of code."""
    fence = ""
    begin = _after_front_matter(lines)
    for row in range(begin, len(lines)):
        line = lines[row]
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark[1]
            elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif fence:
            continue
        elif heading := _HEADING.match(line[:1000]):
            yield row, len(heading[1]), (heading[2] or "").strip()
        elif row + 1 < len(lines) and _is_title(lines, begin, row):
            yield row, 1 if lines[row + 1].lstrip().startswith("=") else 2, line.strip()


def _is_title(lines: Sequence[str], begin: int, row: int) -> bool:
    """Whether a line stands by itself and is underlined."""
    line, before = lines[row], lines[row - 1] if row > begin else ""
    return bool(
        line.strip()
        and not before.strip()
        and not line.startswith(("    ", "\t", ">", "-", "*", "|", "<"))
        and _UNDERLINE.match(lines[row + 1][:1000])
    )


def _after_front_matter(lines: Sequence[str]) -> int:
    if lines[0].rstrip() != "---":
        return 0
    end = next((row for row in range(1, min(len(lines), 200)) if lines[row].rstrip() == "---"), -1)
    return end + 1
