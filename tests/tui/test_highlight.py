"""Code in colours: what is a keyword and what a comment, also over several lines, and in any language."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.limits import HIGHLIGHT_CHARS, HIGHLIGHT_LINE_CHARS
from akmon_tui.highlight import Highlighter, highlight, highlight_line, language_of
from akmon_tui.lines import Line, Piece, text_of


def style_in(shown: Line, text: str) -> str:
    """The style of the piece in which ``text`` is."""
    return next(piece.style for piece in shown if text in piece.text)


def test_the_kinds_of_words_have_styles() -> None:
    assert highlight("def f(x):  # why\n    return 'a' + 1\n", "python") == [
        (
            Piece("def", "keyword"),
            Piece(" "),
            Piece("f", "name"),
            Piece("(x):  "),
            Piece("# why", "comment"),
        ),
        (
            Piece("    "),
            Piece("return", "keyword"),
            Piece(" "),
            Piece("'a'", "string"),
            Piece(" "),
            Piece("+", "operator"),
            Piece(" "),
            Piece("1", "literal"),
        ),
    ]


def test_additions_and_removals_of_a_diff_have_styles() -> None:
    assert highlight("+a\n-b\n c", "diff") == [
        (Piece("+a", "added"),),
        (Piece("-b", "removed"),),
        (Piece(" c"),),
    ]


@pytest.mark.parametrize(
    ("language", "code", "inside"),
    [
        ("python", 'x = """a\ninside\n""" + len(y)', "string"),
        ("python", "x = f'''a\ninside {y}\n''' + len(y)", "string"),
        ("c", "int x; /* a\ninside\n*/ int y;", "comment"),
        ("javascript", "let x; /* a\ninside\n*/ let y", "comment"),
        ("typescript", "const x = `a\ninside ${y}\n`; let y", "string"),
        ("go", "x := `a\ninside\n` + y", "string"),
        ("rust", "let x; /* a\ninside\n*/ let y;", "comment"),
        ("java", "int x; /* a\ninside\n*/ int y;", "comment"),
        ("css", "a { } /* a\ninside\n*/ b { }", "comment"),
        ("html", "<a> <!-- a\ninside\n--> <b>", "comment"),
        ("php", "$x = 1; /* a\ninside\n*/ $y = 2;", "comment"),
        ("lua", "x = 1 --[[ a\ninside\n]] y = 2", "comment"),
        ("bash", 'x="a\ninside\n"; echo y', "string"),
        ("sql", "select 1 /* a\ninside\n*/ from y", "comment"),
    ],
)
def test_what_a_line_leaves_open_goes_on_in_the_next_one(language: str, code: str, inside: str) -> None:
    first, second, third = highlight(code, language)
    assert first[0].style != inside
    assert style_in(second, "inside") == inside
    assert third[-1].style != inside


def test_what_is_closed_in_its_line_does_not_go_on() -> None:
    for language, code in [
        ("python", 'x = """a""" + y\ny'),
        ("c", "int a; /* b */\ny"),
        ("c", 'char *a = "/*";\ny'),
        ("c", "// a /* b\ny"),
        ("sql", "select '''' || x\ny"),
        ("bash", "ls /tmp/*\ny"),
        ("go", "x := `a` + 'b'\ny"),
    ]:
        assert style_in(highlight(code, language)[1], "y") not in ("comment", "string"), language


@pytest.mark.parametrize("language", ["", "text", "no-such-language", "\x1b[31m", "pythön", "."])
def test_an_unknown_language_is_plain(language: str) -> None:
    assert highlight("if x:\n\n  y", language) == [(Piece("if x:"),), (), (Piece("  y"),)]
    assert not Highlighter(language).known


def test_one_line_stands_for_itself() -> None:
    assert highlight_line("return x", "py")[0] == Piece("return", "keyword")
    assert highlight_line("a\nb", "") == (Piece("a b"),)
    assert highlight_line("", "py") == ()


def test_tabs_are_blanks_and_control_characters_are_named() -> None:
    assert [text_of(line) for line in highlight("a\tb\n\t\x1b[1mc\u202e\r\n", "python")] == [
        "a   b",
        "    c<U+202E>",
    ]


def test_long_lines_and_texts_are_plain() -> None:
    highlighter = Highlighter("python")
    assert highlighter.line("if " * HIGHLIGHT_LINE_CHARS)[0].style == ""
    assert highlighter.line("if x")[0].style == "keyword"
    for _ in range(HIGHLIGHT_CHARS // HIGHLIGHT_LINE_CHARS):
        highlighter.line("#" * HIGHLIGHT_LINE_CHARS)
    assert highlighter.line("if x") == (Piece("if x"),)


def test_a_copy_goes_on_by_itself() -> None:
    highlighter = Highlighter("python")
    highlighter.line('x = """')
    other = highlighter.copy()
    assert other.line('"""') == (Piece('"""', "string"),)
    assert highlighter.line("inside") == (Piece("inside", "string"),)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("src/a.py", "python"),
        ("C:\\x\\main.rs", "rust"),
        ("Dockerfile", "docker"),
        ("a/Makefile", "make"),
        ("notes.txt", ""),
        ("data.nothing", ""),
        ("", ""),
    ],
)
def test_a_file_has_the_language_of_its_name(path: str, language: str) -> None:
    assert language_of(path) == language


LANGUAGES = [
    "python",
    "c",
    "js",
    "html",
    "yaml",
    "ruby",
    "php",
    "bash",
    "json",
    "console",
    "perl",
    "jinja",
    "diff",
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(["/*", "*/", '"""', "`", "<<A", "{{", "<!--", "<?php", "'", "\\"]),
        ),
        max_size=20,
    ).map("".join),
    st.sampled_from(LANGUAGES),
)
def test_no_code_raises_and_none_is_lost(code: str, language: str) -> None:
    plain = [text_of(line) for line in highlight(code, "")]
    assert [text_of(line) for line in highlight(code, language)] == plain


def test_importing_loads_no_lexers_and_no_parser() -> None:
    script = (
        "import sys; import akmon_tui.markdown; "
        "print([name for name in ('pygments', 'markdown_it', 'prompt_toolkit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
