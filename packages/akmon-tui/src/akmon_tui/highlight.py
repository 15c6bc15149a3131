"""Code in colours: the lexers of pygments, line by line, so that code may be shown while it is written."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from akmon_core.limits import HIGHLIGHT_CHARS, HIGHLIGHT_LINE_CHARS
from akmon_core.text import neutralise
from akmon_tui.lines import Line, Piece, line, merged

if TYPE_CHECKING:
    from pygments.lexer import Lexer

TAB = 4
"""Columns between the stops of tabs, which are shown as blanks."""

_STYLES = {
    "Token.Comment": "comment",
    "Token.Comment.Preproc": "keyword",
    "Token.Comment.PreprocFile": "string",
    "Token.Keyword": "keyword",
    "Token.Keyword.Constant": "literal",
    "Token.Name.Attribute": "name",
    "Token.Name.Builtin": "name",
    "Token.Name.Class": "name",
    "Token.Name.Decorator": "name",
    "Token.Name.Exception": "name",
    "Token.Name.Function": "name",
    "Token.Name.Tag": "name",
    "Token.Literal": "literal",
    "Token.Literal.String": "string",
    "Token.Operator": "operator",
    "Token.Operator.Word": "keyword",
    "Token.Generic.Deleted": "removed",
    "Token.Generic.Heading": "heading",
    "Token.Generic.Inserted": "added",
    "Token.Generic.Prompt": "operator",
    "Token.Generic.Subheading": "heading",
}
"""By what pygments calls a piece of code, or the nearest more general name."""
_ALIASES = {
    "json5": "json",
    "jsonl": "json",
    "kt": "kotlin",
    "patch": "diff",
    "svelte": "html",
    "text": "",
    "yml": "yaml",
}
"""Names in use that pygments does not have, or that stand for no language."""
_BEGIN = {"PHP": ["root", "php"]}
"""States to begin in, other than ``root``: code in PHP is mostly shown without the mark before it."""
_PAIRS = (
    ("/*", "*/"),
    ("<!--", "-->"),
    ('"""', '"""'),
    ("'''", "'''"),
    ("`", "`"),
    ("--[[", "]]"),
    ("{-", "-}"),
    ("(*", "*)"),
)
"""What comments and strings of several lines begin and end with."""
_STEPS = 50
"""Empty steps that a lexer may take in a line, for each character, before it is taken to go in circles."""
_STATES = 200


class Highlighter:
    """One text in ``language``, shown line by line: what a line leaves open goes on in the next one.

    A language that is not known is shown plain, as is what is beyond the caps on lines and texts.
    """

    def __init__(self, language: str) -> None:
        self._lexer = lexer_of(language)
        self._stack = _first_states(self._lexer) if self._lexer else []
        self._until = ""
        self._style = ""
        self._room = HIGHLIGHT_CHARS

    def copy(self) -> Highlighter:
        """The same, to go on with apart from this one."""
        highlighter = copy.copy(self)
        highlighter._stack = self._stack[:]
        return highlighter

    @property
    def known(self) -> bool:
        """Whether there are colours for the language."""
        return self._lexer is not None

    def line(self, text: str) -> Line:
        """The next line, without its end."""
        text = code_text(text)
        self._room -= len(text) + 1
        if self._lexer is None or self._room < 0 or len(text) > HIGHLIGHT_LINE_CHARS or not text:
            return line(text)
        if not self._until:
            return merged(self._lexed(text))
        end = text.find(self._until)
        if end < 0:
            return line(text, self._style)
        end += len(self._until)
        self._until = ""
        return merged([Piece(text[:end], self._style), *self._lexed(text[end:])])

    def _lexed(self, text: str) -> list[Piece]:
        before = self._stack[:]
        pieces = self._pieces(text)
        at, mark, until = _opened(self._lexer, pieces)
        if not mark:
            return pieces
        self._until, self._style = until, _pair_style(self._lexer, mark, until)
        self._stack = before
        return [*self._pieces(text[:at]), Piece(text[at:], self._style)]

    def _pieces(self, text: str) -> list[Piece]:
        if self._lexer is None or not text:
            return [Piece(text)]
        try:
            found = list(_tokens(self._lexer, text + "\n", self._stack))
        except Exception:  # noqa: BLE001  # hundreds of lexers of others, on text of whoever wrote it
            self._lexer = None
            return [Piece(text)]
        pieces = [Piece(value.replace("\n", ""), style_of(str(kind))) for kind, value in found]
        return pieces if "".join(piece.text for piece in pieces) == text else [Piece(text)]


def _opened(lexer: Lexer | None, pieces: list[Piece]) -> tuple[int, str, str]:
    """Where a comment or string begins that goes on in the next line, and its marks; empty if none does."""
    whole = "".join(piece.text for piece in pieces)
    for mark, until in _multi_line(lexer) if lexer and whole else ():
        if mark not in whole:
            continue
        at, kind = 0, _pair_style(lexer, mark, until)
        for text, style, _ in pieces:
            if style not in ("comment", "string"):
                found = whole.find(mark, at)
                if at <= found < at + len(text):
                    return found, mark, until
            elif style == kind and text.startswith(mark) and until not in whole[at + len(mark) :]:
                return at, mark, until
            at += len(text)
    return 0, "", ""


def highlight(code: str, language: str) -> list[Line]:
    """The lines of ``code``. ``language`` is a name as in Markdown, such as ``python`` or ``c++``."""
    highlighter = Highlighter(language)
    return [highlighter.line(text) for text in neutralise(code).removesuffix("\n").split("\n")]


def highlight_line(text: str, language: str) -> Line:
    """One line of code that is shown without those around it."""
    return Highlighter(language).line(text)


@lru_cache(maxsize=1024)
def language_of(path: str) -> str:
    """The language of a file by its name; empty if it has none that is known."""
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(path.replace("\\", "/").rpartition("/")[2])
    except ClassNotFound:
        return ""
    return lexer.aliases[0] if lexer.aliases and lexer.name != "Text only" else ""


def code_text(text: str) -> str:
    """A line of code as it is shown: tabs as blanks, and nothing that steers a terminal."""
    text = neutralise(text)
    return (text.replace("\n", " ") if "\n" in text else text).expandtabs(TAB)


@lru_cache(maxsize=256)
def lexer_of(language: str) -> Lexer | None:
    """The lexer by a name of Markdown. None if there is none, and for plain text."""
    name = language.lower()
    name = _ALIASES.get(name, name)
    found = _names().get(name) if name else None
    if found is None:
        return None
    from pygments.lexers import find_lexer_class

    lexer = find_lexer_class(found)
    return None if lexer is None else lexer()


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Lexers of pygments by their short names. Those that other packages bring are left out."""
    from pygments.lexers import get_all_lexers

    return {alias: name for name, aliases, _, _ in get_all_lexers(plugins=False) for alias in aliases}


@lru_cache(maxsize=1024)
def style_of(kind: str) -> str:
    """The style for what pygments calls ``Token.Name.Function`` and the like."""
    while kind:
        if kind in _STYLES:
            return _STYLES[kind]
        kind = kind.rpartition(".")[0]
    return ""


def _first_states(lexer: Lexer) -> list[str]:
    return _BEGIN.get(lexer.name, ["root"])[:]


def _tokens(lexer: Lexer, text: str, stack: list[str]) -> Iterator[tuple[Any, str]]:
    """What ``text`` is made of. ``stack`` is what the lexer is in the middle of, before and afterwards."""
    from pygments.lexer import ExtendedRegexLexer, LexerContext, RegexLexer

    if isinstance(lexer, ExtendedRegexLexer):
        if type(lexer).get_tokens_unprocessed is not ExtendedRegexLexer.get_tokens_unprocessed:
            return _alone(lexer, text)
        context = LexerContext(text, 0, stack[:])
        found = [(kind, value) for _, kind, value in lexer.get_tokens_unprocessed(context=context)]
        stack[:] = context.stack[:_STATES]
        return iter(found)
    if isinstance(lexer, RegexLexer):
        return _regex_tokens(lexer, text, stack)
    return _alone(lexer, text)


def _alone(lexer: Lexer, text: str) -> Iterator[tuple[Any, str]]:
    return ((kind, value) for _, kind, value in lexer.get_tokens_unprocessed(text))


def _regex_tokens(lexer: Any, text: str, stack: list[str]) -> Iterator[tuple[Any, str]]:
    """``RegexLexer.get_tokens_unprocessed``, which keeps its stack to itself, with the stack handed in."""
    from pygments.token import Token, _TokenType

    states = lexer._tokens
    at, steps = 0, _STEPS * len(text)
    while at < len(text) and steps > 0:
        steps -= 1
        for matches, action, new_state in states[stack[-1]]:
            if found := matches(text, at):
                if type(action) is _TokenType:
                    yield action, found.group()
                elif action is not None:
                    for _, kind, value in action(lexer, found):
                        yield kind, value
                at = found.end()
                if new_state is not None:
                    _change(stack, new_state)
                break
        else:
            if text[at] == "\n":
                stack[:] = ["root"]
            yield Token.Error, text[at]
            at += 1
    yield Token.Error, text[at:]


def _change(stack: list[str], new_state: tuple[str, ...] | int | str) -> None:
    if isinstance(new_state, int):
        del stack[max(1, len(stack) + new_state) :]
        return
    for state in (new_state,) if isinstance(new_state, str) else new_state:
        if state == "#pop":
            del stack[max(1, len(stack) - 1) :]
        elif len(stack) < _STATES:
            stack.append(stack[-1] if state == "#push" else state)


@lru_cache(maxsize=256)
def _multi_line(lexer: Lexer) -> tuple[tuple[str, str], ...]:
    """Of ``_PAIRS`` those that the lexer knows, but only if it sees both ends at once."""
    return tuple(pair for pair in _PAIRS if _pair_style(lexer, *pair))


@lru_cache(maxsize=1024)
def _pair_style(lexer: Lexer | None, mark: str, until: str) -> str:
    """The style of such a comment or string; empty if the lexer does not take it for one as a whole."""
    sample = f"{mark}\n ' \" x\n{until}"
    for kind, value in _tokens(lexer, f"x = {sample}\n", _first_states(lexer)) if lexer else ():
        style = style_of(str(kind))
        if style in ("comment", "string") and value.startswith(sample):
            return style
    return ""
