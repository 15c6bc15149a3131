"""The message of an automatic commit: what was asked, what was answered, nothing that git acts on."""

from __future__ import annotations

import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.commitmessage import BODY_LINES, WIDTH, message_for

TRAILER = "Co-authored-by: akmon (openai/gpt-5) <akmon@localhost>"


def made(prompt: str, answer: str = "", files: tuple[str, ...] = ("src/a.py",)) -> list[str]:
    message = message_for(prompt, answer, files, "openai/gpt-5")
    assert message.endswith(f"\n\n{TRAILER}\n")
    return message.removesuffix(f"\n\n{TRAILER}\n").split("\n")


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("fix the crash in a.py", "fix the crash in a.py"),
        ("Fix the crash.", "Fix the crash"),
        ("Fix the crash. It happens at start.", "Fix the crash"),
        ("Why does it crash? Fix it.", "Why does it crash?"),
        ("use version 1.2.3 of it", "use version 1.2.3 of it"),
        ("and so on...", "and so on..."),
        ("\n\n  Fix it\nand then more", "Fix it"),
        ("## Fix it\n\ntext", "Fix it"),
        ("- fix a\n- fix b", "fix a"),
        ("---\nFix it", "Fix it"),
        ("#12 is still there", "akmon: #12 is still there"),
        ("fixup! the last one", "fixup!"),
        ("Fix\tthe   \x07crash\x1b[31m now\x1b[0m\u202e", "Fix the crash now"),
        ("один два", "один два"),
        ("", "Change src/a.py"),
        (" \n!?\n", "Change src/a.py"),
    ],
)
def test_the_subject_is_the_first_sentence_of_the_prompt(prompt: str, subject: str) -> None:
    assert made(prompt) == [subject]


def test_a_long_subject_is_cut_at_a_word() -> None:
    (subject,) = made("word " * 40)
    assert subject == "word " * 13 + "word…"
    (subject,) = made("x" * 200)
    assert subject == "x" * (WIDTH - 1) + "…"


def test_without_words_the_files_are_named() -> None:
    assert made("", files=("a", "b", "c")) == ["Change a and 2 more"]
    assert made("", files=("a\nb\x1b[0m",)) == ["Change a b"]
    assert made("", files=()) == ["Change files"]
    (subject,) = made("", files=("d/" * 100, "b"))
    assert len(subject) <= WIDTH
    assert subject.endswith("… and 1 more")


def test_the_body_is_the_first_paragraph_of_the_answer() -> None:
    answer = "## Done\n\nI fixed it: " + "one two three " * 10 + "\n\nMore.\n"
    subject, blank, *body = made("fix", answer)
    assert (subject, blank) == ("fix", "")
    assert " ".join(body) == answer.split("\n\n")[1].strip()
    assert max(len(line) for line in body) <= WIDTH


def test_lists_stay_lists_and_broken_lines_are_joined() -> None:
    _, _, *body = made("fix", "I did\nthis:\n- one\n  and more\n- two\n1. three")
    assert body == ["I did this:", "- one and more", "- two", "1. three"]


def test_a_long_paragraph_is_cut() -> None:
    _, _, *body = made("fix", "word " * 2_000)
    assert len(body) == BODY_LINES
    assert body[-1] == "…"


def test_code_and_headings_alone_are_no_body() -> None:
    assert made("fix", "```\ncode\n```\n\ntext") == ["fix"]
    assert made("fix", "# Done") == ["fix"]
    assert made("fix", " \n\n--\n\n!") == ["fix"]


@pytest.mark.parametrize(
    "line",
    [
        "Signed-off-by: Eve <eve@example.com>",
        "Co-authored-by : Eve <eve@example.com>",
        "#comment",
        "--- a/file",
        "diff --git a b",
        "Index: file",
        "(cherry picked from commit 1234)",
    ],
)
def test_what_looks_like_a_trailer_a_patch_or_a_comment_is_indented(line: str) -> None:
    _, _, *body = made("fix", f"Text {'x ' * 30}\n- item\n{line}\n\n{line}")
    assert not any(each.startswith(line[:6]) for each in body)
    _, _, *body = made("fix", f"{line}\nmore") if not line.startswith("#") else ("", "", "")
    assert not any(each.startswith(line[:6]) for each in body)


def test_the_model_cannot_end_the_trailer() -> None:
    message = message_for("x", "", (), "a/b)> <eve@example.com>\nSigned-off-by: Eve")
    assert message.split("\n")[2:] == [
        "Co-authored-by: akmon (a/b eve@example.com Signed-off-by: Eve) <akmon@localhost>",
        "",
    ]
    assert message_for("x", "", (), "").endswith("\nCo-authored-by: akmon <akmon@localhost>\n")


TEXTS = st.text(max_size=300) | st.lists(
    st.sampled_from(
        [
            "Signed-off-by: E <e@x>",
            "---",
            "# x",
            "a: b",
            "word",
            "\n",
            "\n\n",
            " ",
            "- ",
            "fixup! ",
            "\x1b[1m",
            ".",
        ]
    ),
    max_size=30,
).map("".join)


@given(prompt=TEXTS, answer=TEXTS, files=st.lists(TEXTS, max_size=3), model=TEXTS)
def test_every_message_has_one_subject_and_one_trailer(
    prompt: str, answer: str, files: list[str], model: str
) -> None:
    message = message_for(prompt, answer, files, model)
    lines = message.split("\n")
    message.encode()
    assert lines[0].strip()
    assert lines[1] == ""
    assert len(lines) <= BODY_LINES + 6
    assert all(len(line) <= WIDTH for line in lines[:-2])
    assert not any(line.startswith("#") for line in lines)
    assert [line for line in lines if re.match(r"[A-Za-z0-9-]+:\s", line)][-1] == lines[-2]
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in message.replace("\n", ""))


@pytest.mark.parametrize(
    "answer", ["", "Signed-off-by: Eve <eve@example.com>", "Text.\n\nAcked-by: Eve <e@x>"]
)
def test_git_finds_exactly_one_trailer(answer: str) -> None:
    message = message_for("Signed-off-by: Eve <eve@example.com>", answer, (), "openai/gpt-5")
    command = ["git", "interpret-trailers", "--parse"]
    found = subprocess.run(command, input=message, capture_output=True, text=True, check=True).stdout
    assert found == f"{TRAILER}\n"
