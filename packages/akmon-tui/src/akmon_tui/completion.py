"""Completes what stands before the cursor: files after ``@``, slash commands and their arguments."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import wcwidth

from akmon_core.limits import COMPLETED_CHARS, COMPLETIONS
from akmon_core.servers import ServerResource, ServerStatus
from akmon_core.text import one_line
from akmon_tui.fuzzy import Finder, Match, match_of
from akmon_tui.lines import Line, Piece, columns, cut, line, merged, width_of
from akmon_tui.servers import mention
from akmon_tui.slash.table import NAME, Slash, Table, named
from akmon_tui.view import View

_FILE = re.compile(r"(?<![^\s(\[{])@(?:\"([^\"\n]*)|([^\s\"]*))\Z")
_COMMAND = re.compile(r"/([a-z0-9_:-]*|[A-Za-z0-9_-]+:?[A-Za-z0-9_.-]*)\Z")
_ARGUMENT = re.compile(rf"/({NAME}) +(\S[^\n]*)?\Z")
_MENTION = re.compile(r"(?<![^\s(\[{])@(?:\"([^\"\n]+)\"|([^\s\"]+))")
_ABOUT = 100
_OFFERED = 10
"""Resources that are offered before anything of them is typed."""
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_AFTER = ".,;:!?)]}'"
"""Ends a sentence rather than a path."""
_HINT = "↑↓ choose · tab or enter take · esc close"


class Completion(NamedTuple):
    """What stands before the cursor, from ``start`` on, and is to be completed."""

    kind: Literal["file", "command", "argument"]
    start: int
    query: str
    """What was typed of it, without ``@``, ``/`` or quotes."""
    command: str = ""
    """Whose argument it is."""


class Item(NamedTuple):
    """Something to choose."""

    text: str
    """The path, the command's name, or the argument."""
    label: str
    positions: tuple[int, ...] = ()
    """Characters of the label that were typed."""
    about: str = ""
    goes_on: bool = False
    """What is chosen is the beginning of something."""


def found(text: str, cursor: int) -> Completion | None:
    """What can be completed at ``cursor``: only at the end of a word, and a command only at the start."""
    after = text[cursor : cursor + 1]
    begin = max(text.rfind("\n", 0, cursor) + 1, cursor - COMPLETED_CHARS)
    before = text[begin:cursor]
    if match := _FILE.search(before):
        quoted = match[1] is not None
        ends = not after or after.isspace() or (after == '"' and quoted)
        query = match[1] if quoted else match[2]
        return Completion("file", begin + match.start(), query) if ends else None
    if begin or (after and not after.isspace()):
        return None
    if match := _COMMAND.match(before):
        return Completion("command", 0, match[1])
    if match := _ARGUMENT.match(before):
        query = match[2] or ""
        return Completion("argument", cursor - len(query), query, match[1])
    return None


def file_finder(files: Sequence[str]) -> Finder:
    """Finds ``files`` and the folders that they are in. Takes some 100 ms for 50,000, so better do it aside.

    A path with a quote in it cannot be said in a prompt, and is left out.
    """
    files = [path for path in files if '"' not in path]
    folders: dict[str, None] = {}
    for path in files:
        end = path.rfind("/") + 1
        while end and path[:end] not in folders:
            folders[path[:end]] = None
            end = path.rfind("/", 0, end - 1) + 1
    return Finder([*files, *folders])


class Resources:
    """Finds what servers that are ready offer to read: by ``server:uri``, or by its name."""

    def __init__(self, statuses: Sequence[ServerStatus] = ()) -> None:
        self._known: dict[str, ServerResource] = {}
        self._named: dict[str, list[str]] = {}
        for status in statuses:
            for resource in status.resources if status.state == "ready" else ():
                if text := mention(status.name, resource):
                    self._known.setdefault(text, resource)
                    self._named.setdefault(resource.name, []).append(text)
        self._uris = Finder([*self._known])
        self._names = Finder([name for name in self._named if name])

    def best(self, query: str, count: int) -> list[tuple[int, Item]]:
        """The ``count`` best, each with its score, best first."""
        found: dict[str, tuple[int, Item]] = {}
        for match in self._uris.best(query, count):
            found[match.text] = match.score, self._item(match.text, match.positions)
        for match in self._names.best(query, count) if query else ():
            for text in self._named[match.text]:
                if text not in found:
                    found[text] = match.score, self._item(text, ())
        return sorted(found.values(), key=lambda each: -each[0])[:count]

    def _item(self, text: str, positions: tuple[int, ...]) -> Item:
        resource = self._known[text]
        said = (resource.name if resource.name not in text else "", resource.about)
        about = one_line(" · ".join(part for part in said if part), _ABOUT)
        variables = "".join(resource.uri.partition("{")[1:]) if resource.template else ""
        return Item(text, text + variables, positions, about, resource.template)


def image_mentions(text: str, servers: Collection[str] = ()) -> list[str]:
    """The pictures that ``text`` names with ``@``, by their suffix; whether they exist is not known. What
    ``servers`` offer is no file."""
    paths = [path.rstrip(_AFTER) for path in _mentioned(text) if path.partition(":")[0] not in servers]
    return [path for path in dict.fromkeys(paths) if path.lower().endswith(_IMAGES)]


def _mentioned(text: str) -> list[str]:
    return [match[1] or match[2] for match in _MENTION.finditer(text)]


class Menu:
    """What is offered for the text before the cursor. Closed if there is nothing."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.items: list[Item] = []
        self.selected = 0
        self._files: Finder | None = None
        self._resources = Resources()
        self._text = ""
        self._cursor = 0
        self._view = View()
        self._completion: Completion | None = None
        self._moved = False
        self._dismissed = ""
        """The text for which the person does not want it."""

    @property
    def files(self) -> Finder | None:
        """Those of the project (``file_finder``); None as long as they are not known."""
        return self._files

    @files.setter
    def files(self, files: Finder | None) -> None:
        self._files = files
        if self._completion and self._completion.kind == "file":
            self._look()

    @property
    def resources(self) -> Resources:
        """What servers offer to read."""
        return self._resources

    @resources.setter
    def resources(self, resources: Resources) -> None:
        self._resources = resources
        if self._completion and self._completion.kind == "file" and not self._moved:
            self._look()

    @property
    def is_open(self) -> bool:
        return bool(self.items) or self.is_loading

    @property
    def is_loading(self) -> bool:
        """Whether files are asked for that are not known yet."""
        completion = self._completion
        return completion is not None and completion.kind == "file" and self._files is None

    @property
    def is_settled(self) -> bool:
        """Whether nothing was chosen, or it is typed already: then Enter may send instead of taking it."""
        if self._completion is None or not self.items:
            return True
        kind, _, query, _ = self._completion
        if not self._moved and (not query or (kind == "command" and named(self.table, query))):
            return True
        text, _ = self.accept()
        return text.rstrip() == self._text.rstrip()

    def update(self, text: str, cursor: int, view: View | None = None) -> None:
        """Follows what was typed. Cheap if nothing has changed."""
        if (text, cursor) == (self._text, self._cursor):
            return
        self._text, self._cursor, self._view = text, cursor, view or self._view
        if text != self._dismissed:
            self._dismissed = ""
        self._completion = None if self._dismissed else found(text, cursor)
        self._look()

    def close(self) -> None:
        """Until something else is typed."""
        self._dismissed = self._text
        self._completion = None
        self.items, self.selected = [], 0

    def up(self) -> None:
        self._move(-1)

    def down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        self.selected = (self.selected + by) % max(1, len(self.items))
        self._moved = True

    def accept(self) -> tuple[str, int]:
        """The text with the choice in it, and where the cursor is then. A folder can be completed on."""
        completion = self._completion
        if completion is None or not self.items:
            return self._text, self._cursor
        item = self.items[self.selected]
        chosen = item.text
        rest = self._text[self._cursor :]
        match completion.kind:
            case "file":
                quoted = self._text.startswith('@"', completion.start)
                word = _as_mention(chosen, quoted=quoted)
                rest = rest.removeprefix('"') if quoted else rest
                goes_on = item.goes_on or chosen.endswith("/")
            case "command":
                word = f"/{chosen}"
                slash = self.table.get(chosen)
                goes_on = slash is None or not takes_argument(slash)
            case _:
                word, goes_on = chosen, True
        before = self._text[: completion.start] + word
        if goes_on:
            return before + rest, len(before)
        return f"{before} {rest.removeprefix(' ')}", len(before) + 1

    def lines(self, width: int, height: int) -> list[Line]:
        """At most ``height`` lines of at most ``width`` columns; the last one says how to choose."""
        if width < 1 or height < 1:
            return []
        if not self.items:
            return [cut(line("  …", "dim"), width)] if self.is_loading else []
        room = height - 1 if height > 2 else height
        first = max(0, min(self.selected - room // 2, len(self.items) - room))
        shown = self.items[first : first + room]
        column = _column([item.label for item in shown], width)
        rows = [_row(item, column, width, chosen=at == self.selected) for at, item in enumerate(shown, first)]
        count = f"  {self.selected + 1}/{len(self.items)}  {_HINT}"
        return rows if room == height else [*rows, cut(line(count, "dim"), width)]

    def _look(self) -> None:
        self.selected, self._moved = 0, False
        completion = self._completion
        match completion and completion.kind:
            case "file" if completion:
                quoted = self._text.startswith('@"', completion.start)
                self.items = self._mentionable(completion.query, quoted=quoted)
            case "command" if completion:
                self.items = commands(self.table, completion.query)
            case "argument" if completion:
                self.items = arguments(named(self.table, completion.command), completion.query, self._view)
            case _:
                self.items = []

    def _mentionable(self, query: str, *, quoted: bool) -> list[Item]:
        """Files, and what servers offer to read, whose names have no blanks and so no quotes."""
        matches = self._files.best(query.removeprefix("./"), COMPLETIONS) if self._files else []
        found = [] if quoted else self._resources.best(query, COMPLETIONS if query else _OFFERED)
        if not query:
            matches = matches[: COMPLETIONS - len(found)]
        both = [*((each.score, _file(each)) for each in matches), *found]
        if found and query:
            both.sort(key=lambda each: -each[0])
        return [item for _, item in both[:COMPLETIONS]]


def takes_argument(slash: Slash) -> bool:
    return " " in slash.usage


def commands(table: Table, query: str) -> list[Item]:
    """The rows that ``query`` means: by the whole name, an alias, a beginning, a part, some letters."""
    ranked = [(*found, slash) for slash in table.values() if (found := _best_name(query, slash))]
    return [_command(slash, match) for _, match, slash in sorted(ranked, key=lambda each: each[0])]


def _best_name(query: str, slash: Slash) -> tuple[int, Match] | None:
    matches = [match for name in (slash.name, *slash.aliases) if (match := match_of(query, name))]
    ranks = [(_rank(query, match.text) + (match.text != slash.name), match) for match in matches]
    return min(ranks, key=lambda each: each[0], default=None)


def _rank(query: str, name: str) -> int:
    """The lower the better; an alias is one worse than a name."""
    if not query or query == name:
        return 0
    if name.startswith(query):
        return 2
    return 4 if query in name else 6


def _command(slash: Slash, match: Match) -> Item:
    if match.text == slash.name:
        return Item(slash.name, slash.usage, tuple(at + 1 for at in match.positions), slash.about)
    head = f"{slash.usage} (/"
    positions = tuple(at + len(head) for at in match.positions)
    return Item(slash.name, f"{head}{match.text})", positions, slash.about)


def arguments(slash: Slash | None, query: str, view: View) -> list[Item]:
    """What the command's argument can be, as far as that is known."""
    if slash is None or slash.complete is None:
        return []
    values = [(value, match_of(query, value.text)) for value in slash.complete(view)]
    items = [
        (match, Item(value.text, value.text, match.positions, value.about))
        for value, match in values
        if match
    ]
    return [item for _, item in sorted(items, key=lambda each: _rank(query, each[0].text))]


def _file(match: Match) -> Item:
    return Item(match.text, match.text, match.positions)


def _as_mention(path: str, *, quoted: bool) -> str:
    if not quoted and not re.search(r"[\s\"]", path):
        return f"@{path}"
    return f'@"{path}' if path.endswith("/") else f'@"{path}"'


def _column(labels: Sequence[str], width: int) -> int:
    """Columns for the labels: at most two thirds where something stands behind them."""
    return min(max((columns(_seen(label)) for label in labels), default=0), width - 2)


def _row(item: Item, column: int, width: int, *, chosen: bool) -> Line:
    base = "selected" if chosen else ""
    label = _shortened(_marked(item, base), column if item.about else width - 2, keep_end=not item.about)
    pieces = [Piece("› " if chosen else "  ", base), *label]
    if item.about:
        pieces.append(Piece(" " * (column - width_of(tuple(label)) + 2), base))
        pieces.append(Piece(_seen(item.about), f"{base} dim".strip()))
    return cut(merged(pieces), width)


def _marked(item: Item, base: str) -> list[Piece]:
    """A piece for each character as people see it, those that were typed in bold."""
    typed = frozenset(item.positions)
    pieces: list[Piece] = []
    at = 0
    for cluster in wcwidth.iter_graphemes(_seen(item.label)):
        hit = not typed.isdisjoint(range(at, at + len(cluster)))
        pieces.append(Piece(cluster, f"{base} bold".strip() if hit else base))
        at += len(cluster)
    return pieces


def _shortened(pieces: list[Piece], room: int, *, keep_end: bool) -> Line:
    """Of a path the end says more than the beginning."""
    if not keep_end or width_of(tuple(pieces)) <= room:
        return cut(tuple(pieces), room)
    left = room - 1
    kept: list[Piece] = []
    for piece in reversed(pieces):
        left -= columns(piece.text)
        if left < 0:
            break
        kept.append(piece)
    return (Piece("…", pieces[0].style), *reversed(kept)) if room > 0 else ()


def _seen(text: str) -> str:
    """``text`` with as many characters, and none that steers a terminal or hides."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)
