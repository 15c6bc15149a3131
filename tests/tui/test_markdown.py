"""Markdown on the screen: what it looks like, what is final when, and that no text gets the better of it.

The documents in ``snapshots/markdown`` are compared with the text files beside them. To write these anew, and
then look at the difference: ``AKMON_SNAPSHOTS=write pytest tests/tui/test_markdown.py``.
"""

from __future__ import annotations

import os
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from akmon_core.limits import MARKDOWN_LINE_CHARS, MARKDOWN_PARAGRAPH_CHARS, MARKDOWN_TABLE_ROWS
from akmon_tui.lines import Line, Piece, text_of, width_of
from akmon_tui.markdown import Stream, prose

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots" / "markdown"
DOCUMENTS = sorted(SNAPSHOTS.glob("*.md"))


def texts(text: str, width: int = 80) -> list[str]:
    return [text_of(line) for line in prose(text, width)]


def styled(text: str, width: int = 80) -> list[tuple[str, str]]:
    return [(piece.text, piece.style) for line in prose(text, width) for piece in line]


def streamed(parts: list[str], width: int = 80, height: int = 20) -> list[Line]:
    """The lines of a reply that comes in ``parts``, with a look at it after each one."""
    stream, lines = Stream(), []
    for part in parts:
        stream.feed(part)
        lines += stream.finished(width)
        tail = stream.tail(width, height)
        assert len(tail) <= height
        assert all(width_of(line) <= width for line in tail)
        check(tail)
    return [*lines, *stream.end(width)]


def check(lines: list[Line]) -> None:
    """Nothing in there steers a terminal."""
    for line in lines:
        for piece in line:
            assert piece.text
            assert all(unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") for char in piece.text)
            assert all("!" <= char <= "~" for char in piece.link)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("width", [80, 40, 24])
def test_documents_look_as_in_the_text_files_beside_them(document: Path, width: int) -> None:
    shown = "".join(f"{line}\n" for line in texts(document.read_text(encoding="utf-8"), width))
    expected = document.with_suffix(f".{width}.txt")
    if os.environ.get("AKMON_SNAPSHOTS") == "write":
        expected.write_text(shown, encoding="utf-8")
    assert shown == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("size", [1, 7, 30])
def test_a_document_that_is_streamed_gives_the_same_lines(document: Path, size: int) -> None:
    text = document.read_text(encoding="utf-8")
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    assert streamed(parts) == prose(text, 80)


def test_text_within_a_line_has_styles_and_links() -> None:
    text = "**b** *i* ~~s~~ `c*d*` ***both*** [t](https://e.org/x) <https://e.org/> [p](a/b.py)"
    assert prose(text, 200) == [
        (
            Piece("b", "bold"),
            Piece(" "),
            Piece("i", "italic"),
            Piece(" "),
            Piece("s", "strike"),
            Piece(" "),
            Piece("c*d*", "code"),
            Piece(" "),
            Piece("both", "italic bold"),
            Piece(" "),
            Piece("t", "link", "https://e.org/x"),
            Piece(" (https://e.org/x)", "dim", "https://e.org/x"),
            Piece(" "),
            Piece("https://e.org/", "link", "https://e.org/"),
            Piece(" "),
            Piece("p", "link"),
            Piece(" (a/b.py)", "dim"),
        )
    ]


def test_headings_quotes_and_labels_of_code_have_styles() -> None:
    assert styled("# A *b*\n## C") == [
        ("A ", "heading underline"),
        ("b", "heading underline italic"),
        ("C", "heading"),
    ]
    assert styled("> a **b**") == [("│ a ", "quote"), ("b", "quote bold")]
    assert styled("```\nx = 1\n```") == [("x = 1", "code")]
    assert styled("```py\nx\n```") == [("py", "dim"), ("x", "")]


def test_code_is_copied_as_it_was_written() -> None:
    code = "if x:\n\n    y = '" + "a" * 200 + "'\n  # **not bold** [x](y)"
    assert texts(f"```\n{code}\n```", 20) == code.split("\n")


def test_code_in_a_list_item_has_nothing_before_it() -> None:
    assert texts("1. do\n   ```\n   a\n     b\n   ```\n   then") == ["1. do", "a", "  b", "   then"]


def test_a_fence_ends_only_with_one_like_it() -> None:
    assert texts("````\n```\n~~~\n````\nx") == ["```", "~~~", "", "x"]
    assert texts("~~~ py\na\n~~~~") == ["py", "a"]
    assert texts("``` not `code`") == ["``` not code"]
    assert texts("> ```\n> a\nb") == ["a", "", "b"]


def test_lists_count_and_keep_the_gaps_of_the_text() -> None:
    assert texts("3. a\n3. b\n\n9. c\n- d\n- e") == ["3. a", "4. b", "", "5. c", "• d", "• e"]
    assert texts("1. a\n\ntext\n\n7. b") == ["1. a", "", "text", "", "7. b"]
    assert texts("- a\n- \n- b") == ["• a", "•", "• b"]


def test_lines_that_only_go_on_with_a_paragraph_do_so() -> None:
    assert texts("- a\nb\n> c\nd") == ["• a b", "", "│ c d"]
    assert texts("In 2\n2019. was a year") == ["In 2 2019. was a year"]
    assert texts("a\n    b") == ["a b"]


def test_long_words_and_deep_indents_fit() -> None:
    shown = texts("- a\n  - b\n    - c\n      - " + "d" * 30, 12)
    assert max(map(len, shown)) <= 12
    assert sum(line.count("d") for line in shown) == 30


def test_a_table_too_narrow_for_columns_names_its_values() -> None:
    text = "|Name|Size|What it is|\n|-|-|-|\n|a|1|some words here|\n|b||other|"
    assert texts(text, 18) == [
        "Name: a",
        "Size: 1",
        "What it is: some",
        "  words here",
        "",
        "Name: b",
        "What it is: other",
    ]


def test_a_row_has_as_many_cells_as_the_head() -> None:
    shown = texts("a|b\n-|-\n1|2|3\n4\n5 \\| 6|7")
    assert shown == ["a     │ b", "──────┼──", "1     │ 2", "4     │", "5 | 6 │ 7"]


def test_what_is_no_table_is_text() -> None:
    assert texts("a | b\n--- | --- | ---") == ["a | b --- | --- | ---"]


def test_addresses_that_do_something_are_no_links() -> None:
    (shown,) = prose("[a](javascript:alert) [b](file:///etc/passwd) [c](data:x) [d](x.py)", 200)
    assert not any(piece.link for piece in shown)
    assert text_of(shown) == "[a](javascript:alert) [b](file:///etc/passwd) [c](data:x) d (x.py)"


def test_entities_name_no_character_that_is_not_seen() -> None:
    assert texts("a&#x202e;b&#10;c&#9;d `e` &amp;") == ["a<U+202E>b c d e &"]


def test_a_sequence_in_two_deltas_does_not_come_through() -> None:
    lines = streamed(["a \x1b", "[31", "m red \x1b]0;ti", "tle\x07 b\x1b", "[2J\n\n`\x1b[", "1mc`"])
    assert [text_of(line) for line in lines] == ["a  red  b", "", "c"]


def test_a_complete_line_of_code_is_final_at_once() -> None:
    stream = Stream()
    stream.feed('Text\n\n```python\nx = """a\n  b')
    assert [text_of(line) for line in stream.finished(80)] == ["Text", "", "python", 'x = """a']
    assert stream.tail(80, 5) == [(Piece("  b", "string"),)]
    stream.feed('"""\n')
    assert stream.finished(80) == [(Piece('  b"""', "string"),)]
    assert stream.tail(80, 5) == []


def test_an_item_is_final_when_the_next_one_begins() -> None:
    stream = Stream()
    stream.feed("- one\n- two")
    assert [text_of(line) for line in stream.finished(80)] == []
    stream.feed("\n- three")
    assert [text_of(line) for line in stream.finished(80)] == ["• one"]
    assert [text_of(line) for line in stream.tail(80, 5)] == ["• two", "• three"]


def test_the_lines_of_a_long_paragraph_are_final_before_its_end() -> None:
    stream = Stream()
    stream.feed("some *words* " * (MARKDOWN_PARAGRAPH_CHARS // 5))
    final = stream.finished(80)
    assert len(final) > 10
    assert all("*" not in text_of(line) for line in final)
    assert [*final, *stream.end(80)] == prose(stream.text, 80)


def test_a_long_paragraph_is_wrapped_as_if_it_were_short() -> None:
    words = [f"word{number}" for number in range(2_000)]
    shown = texts(" ".join(words))
    assert " ".join(shown).split() == words
    assert all(len(line) + 1 + len(after.split()[0]) > 80 for line, after in pairwise(shown))


def test_what_is_still_open_looks_as_it_will_when_it_is_closed() -> None:
    stream = Stream()
    stream.feed("a **bo")
    assert stream.tail(80, 5) == [(Piece("a "), Piece("bo", "bold"))]
    stream.feed("ld*")
    assert stream.tail(80, 5) == [(Piece("a "), Piece("bold", "bold"))]
    stream.feed("* and `co")
    assert stream.tail(80, 5)[0][-1] == Piece("co", "code")


@pytest.mark.parametrize("start", ["-", "##", "``", "1.", "> ", "| ", "==="])
def test_a_line_that_may_become_anything_is_not_shown_yet(start: str) -> None:
    stream = Stream()
    stream.feed(f"text\n{start}")
    assert stream.tail(80, 5) == [(Piece("text"),)]


def test_the_tail_is_the_end_of_what_is_open() -> None:
    stream = Stream()
    stream.feed("word " * 100)
    assert [text_of(line) for line in stream.tail(20, 2)] == ["word word word word"] * 2
    assert stream.tail(20, 0) == []
    stream.feed("\n\n```\n" + "x" * 1_000)
    stream.finished(20)
    assert [text_of(line) for line in stream.tail(20, 3)] == ["x" * 20] * 3


def test_looking_at_the_tail_changes_nothing() -> None:
    text = "1. a\n   - b *c\n\n[r]: http://r.org\n\n|a|b|\n|-|-|\n|1|2|\n\n> q\n\n```c\n/* x\ny */\n```\n[r]"
    one, other = Stream(), Stream()
    lines: tuple[list[Line], list[Line]] = ([], [])
    for char in text:
        one.feed(char)
        other.feed(char)
        one.tail(30, 4)
        lines[0].extend(one.finished(60))
        lines[1].extend(other.finished(60))
    assert [*lines[0], *one.end(60)] == [*lines[1], *other.end(60)]


def test_later_rows_of_a_long_table_are_final_one_by_one() -> None:
    stream = Stream()
    stream.feed("|a|b|\n|-|-|\n" + "|1|2|\n" * (MARKDOWN_TABLE_ROWS - 1))
    assert stream.finished(80) == []
    stream.feed("|1|2|\n")
    assert len(stream.finished(80)) == MARKDOWN_TABLE_ROWS + 2
    stream.feed("|333|4|\n")
    assert [text_of(line) for line in stream.finished(80)] == ["333 │ 4"]


def test_a_stream_knows_all_of_its_text() -> None:
    stream = Stream()
    assert stream.text == ""
    for part in ("a", "b\n", "c"):
        stream.feed(part)
    assert stream.text == "ab\nc"
    stream.feed("d")
    stream.finished(80)
    assert stream.text == "ab\ncd"
    assert [text_of(line) for line in stream.end(80)] == ["ab cd"]


@pytest.mark.parametrize(
    "document", ["README.md", "docs/architecture.md", "docs/settings.md", "CHANGELOG.md"]
)
def test_a_whole_document_has_the_blocks_that_commonmark_sees(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    shown = prose(text, 100_000)
    lines = [text_of(line) for line in shown]
    headings = [text_of(line) for line in shown if line and line[0].style.startswith("heading")]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inner = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings == ["".join(part.content for part in token.children or []) for token in inner]
    for token in tokens:
        if token.type == "fence":
            code = token.content.removesuffix("\n").expandtabs(4)
            assert f"\n{code}\n" in "\n".join(lines)
        elif token.type == "inline" and token.level != 4:
            parts = [part.content or " " for part in token.children or []]
            if all(part.type in ("text", "code_inline", "softbreak") for part in token.children or []):
                assert any("".join(parts).strip() in line for line in lines), token.content


PARTS = st.sampled_from(
    [
        *(
            "\n",
            "\n\n",
            " ",
            "    ",
            "\t",
            "- ",
            "1. ",
            "> ",
            "# ",
            "```",
            "```py\n",
            "~~~",
            "---",
            "===",
            "|",
            "|-|",
        ),
        *(
            "*",
            "**",
            "_",
            "`",
            "~~",
            "[",
            "](",
            "]",
            ")",
            "![",
            "<",
            "http://x.org",
            "&#27;",
            "&nbsp;",
            "\\",
            "[x] ",
        ),
        *(
            "word ",
            "漢字",
            "é",
            "e\u0301",
            "👩‍👧",
            "שלום",
            "\u202e",
            "\x1b[1m",
            "\x1b]",
            "\r",
            "\x00",
            "\u200d",
            "\ufe0f",
        ),
        *("[a]: /b\n", "a" * 50, "x y " * 300, '"""', "/*"),
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(PARTS, max_size=40).map("".join))


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.integers(4, 100))
def test_no_text_raises_or_is_wider_than_the_screen(text: str, width: int) -> None:
    without_code = "\n".join(
        line.replace("`", "'").replace("~~~", "").lstrip(" \t") for line in text.split("\n")
    )
    check(prose(text, width))
    for line in prose(without_code.replace("    ", " ").replace("\t", " "), width):
        assert width_of(line) <= width, line


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, max_size=12), st.integers(4, 60), st.integers(1, 12))
def test_the_lines_do_not_depend_on_how_the_text_came_in(parts: list[str], width: int, height: int) -> None:
    assert streamed(parts, width, height) == prose("".join(parts), width)


@pytest.mark.parametrize(
    "text",
    [
        "> " * 1_000 + "x",
        "- " * 1_000 + "x\n",
        "".join("  " * depth + "- x\n" for depth in range(200)),
        "[" * 5_000,
        "![" * 5_000,
        "*a **b " * 2_000,
        "|" * 5_000 + "\n" + "|-" * 2_000 + "\n" + "|x" * 3_000,
        "|" + "a|" * 900 + "\n|" + "-|" * 900 + "\n" + "|b" * 900,
        "```\n" * 999,
        "```py\n" + "x = 1; " * 20_000,
        "# " + " " * 1_900 + "#x",
        "x" * 50_000,
        "e" + "\u0301" * 5_000,
        "\x1b]0;" + "x\n" * 500,
        " " * 5_000 + "x",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_text_is_shown_and_streams_alike(text: str) -> None:
    size = max(1, len(text) // 9)
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    assert streamed(parts) == prose(text, 80)


@pytest.mark.parametrize("length", range(MARKDOWN_LINE_CHARS - 2, MARKDOWN_LINE_CHARS + 3))
def test_a_line_at_the_length_where_it_is_read_in_parts_loses_nothing(length: int) -> None:
    words = ("abcd " * length)[:length]
    assert "".join(texts(words)).replace(" ", "") == words.replace(" ", "")
    code = "".join(texts(f"```\n{words}\n```\nend"))
    assert code == f"{words}end"
