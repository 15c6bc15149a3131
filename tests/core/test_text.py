"""Text for people: nothing in it steers a terminal, hides, or is wider than asked for."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from akmon_core.messages import ToolCall
from akmon_core.text import describe_call, exposed, json_escaped, neutralise, one_line, reveal

SOME = (
    "\x1b[31m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x1bP1\x1b\\",
    "\x1b",
    "\x9b31m",
    "\r",
    "\n",
)
texts = st.lists(
    st.one_of(
        st.text(st.characters(), max_size=5),
        st.sampled_from(
            [*SOME, "\t", "\x00", "\x07", "\x08", "\x7f", "\u202e", "\u200b", "\u00ad", "\ufeff"]
        ),
        st.sampled_from(["\r\n", "\ud800", "\U000e0041", "\u2028", "\u200d", "plain", "é", "字"]),
    ),
    max_size=10,
).map("".join)


def hidden(text: str) -> set[str]:
    """The characters in ``text`` that control something or cannot be seen, but for what may stay."""
    kept = "\n\t\u200c\u200d"
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in kept}


@given(texts)
@example("soft\u00adhyphen")
@example("\x1b\x1b[0m[31m")
def test_neutral_text_has_no_control_or_invisible_characters(text: str) -> None:
    assert hidden(neutralise(text)) == set()
    assert hidden(reveal(text)) == set()


@given(texts)
def test_neutralising_twice_changes_nothing_more(text: str) -> None:
    once = neutralise(text)
    assert neutralise(once) == once
    assert reveal(reveal(text)) == reveal(text)
    assert exposed(exposed(text)) == exposed(text)


@given(texts, st.integers(1, 40))
def test_one_line_is_one_line_and_no_wider_than_asked_for(text: str, width: int) -> None:
    line = one_line(text, width)
    assert len(line) <= width
    assert hidden(line) == set()
    assert "\n" not in line
    assert "\t" not in line
    assert one_line(line, width) == line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text\n\twith é and 字", "plain text\n\twith é and 字"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shown", "shown"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;cm0=\x07x", "x"),
        ("10%\r50%\r100%\n", "100%\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("a\x00b\x08", "a<U+0000>b<U+0008>"),
        ("a\u202eb", "a<U+202E>b"),
        ("\x9b31m", "<U+009B>31m"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_escapes_go_and_what_is_invisible_is_shown(text: str, expected: str) -> None:
    assert neutralise(text) == expected


@given(st.text("abcж\u0430\u3000 \t\n", max_size=200))
def test_what_a_model_reads_keeps_letters_and_blanks_as_they_are(text: str) -> None:
    assert reveal(text) == text


def test_reveal_leaves_nothing_out() -> None:
    assert reveal("\x1b[31mred\r") == "<U+001B>[31mred<U+000D>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ls" + "\u3000" * 94 + "rm -rf ~", "ls<U+3000 x 94>rm -rf ~"),
        ("rm\xa0-rf", "rm<U+00A0>-rf"),
        ("ls" + " " * 300 + "&& rm", "ls<300 spaces>&& rm"),
        ("ls" + "\t" * 50 + "&& rm", "ls<50 tabs>&& rm"),
        ("ls" + "\n" * 200 + "rm", "ls\n<199 empty lines>\nrm"),
        ("p\u0430ypal", "p<U+0430>ypal"),
        ("curl https://\u0430pple.com/x", "curl https://<U+0430>pple.com<xn--pple-43d.com>/x"),
        ("https://\u0440\u0444.example/", "https://\u0440\u0444.example<xn--p1ai.example>/"),
        ("git@host \uff52\uff4d x\uff52", "git@host \uff52\uff4d x<U+FF52>"),
        (
            "\u043f\u0440\u0438\u0432\u0435\u0442 world, caf\u00e9, \u5b57",
            "\u043f\u0440\u0438\u0432\u0435\u0442 world, caf\u00e9, \u5b57",
        ),
        ("x\U000e0041\U000e0042", "x<U+E0041><U+E0042>"),
        ("x\u3164\u115f\u2028\u2800", "x<U+3164><U+115F><U+2028><U+2800>"),
        ("x\ufe0f\u200d", "x<U+FE0F><U+200D>"),
        ("x\U000e0101" * 2, "x<U+E0101>x<U+E0101>"),
        ("\ud800", "<U+D800>"),
        ("    indented " + " " * 40 + "code", "    indented " + " " * 40 + "code"),
    ],
)
def test_what_is_to_be_allowed_hides_nothing_and_can_be_counted(text: str, expected: str) -> None:
    assert exposed(text) == expected


def test_however_long_it_is_the_end_of_what_is_to_be_allowed_is_there() -> None:
    assert exposed("true " + "a" * 200_000 + "; rm -rf ~").endswith("a; rm -rf ~")


@given(texts)
def test_escaped_json_says_the_same_and_hides_nothing(text: str) -> None:
    try:
        raw = json.dumps({"a": text}, ensure_ascii=False)
    except UnicodeError:
        return
    escaped = json_escaped(raw)
    assert json.loads(escaped) == json.loads(raw)
    assert not (hidden(escaped) | set(escaped)) & set(
        "\x1b\x9b\x7f\r\u202e\u200b\u2028\ufeff\ud800\U000e0041"
    )


def test_every_hidden_character_is_escaped_in_json() -> None:
    every = "".join(map(chr, range(0x20, 0x110000)))
    assert hidden(json_escaped(every)) == set()


def test_a_line_that_was_cut_says_so() -> None:
    assert one_line("one two\nthree", 100) == "one two three"
    assert one_line("one two three", 8) == "one two…"
    assert one_line("a" + " " * 100 + "b", 10) == "a…"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"command": "pytest -q"}', "shell pytest -q"),
        ('{"timeout": 3, "command": "ls\\nrm x"}', "shell ls rm x"),
        ('{"timeout": 3}', "shell"),
        ("", "shell"),
        ("{broken", "shell {broken"),
        ('"text"', "shell text"),
        ('{"command": "\\u001b[31mx\\u202e"}', "shell x<U+202E>"),
        ('{"x":' + "[" * 100_000, "shell"),
    ],
)
def test_a_call_is_described_by_its_tool_and_first_text(arguments: str, expected: str) -> None:
    assert describe_call(ToolCall("1", "shell", arguments)).startswith(expected)


@given(texts, texts)
def test_whatever_a_model_calls_its_description_is_one_harmless_line(name: str, arguments: str) -> None:
    line = describe_call(ToolCall("1", name, arguments), 60)
    assert len(line) <= 60
    assert hidden(line) == set()
    assert "\n" not in line


def test_a_long_word_is_exposed_in_the_time_of_its_length() -> None:
    """With the square of it, this would take minutes."""
    word = "日本" * 100_000
    assert exposed(word) == word
    assert exposed(f"{word}p\u0430y") == f"{word}p<U+0430>y"
