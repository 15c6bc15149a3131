"""The reader of command lines, checked against what bash itself runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from akmon_core.commandline import Words, read_command_line

BASH = shutil.which("bash") or ""
needs_bash = pytest.mark.skipif(not BASH, reason="bash is not installed")

# No builtin but those that the recorder needs, and every other command is recorded and gives $STATUS.
RECORDER = """
for name in $(compgen -b); do
  case $name in builtin|enable|printf|return) ;; *) enable -n "$name" ;; esac
done
command_not_found_handle() {
  builtin printf '%s\\0' "$#" "$@" >> "$RECORD"
  builtin return "$STATUS"
}
"""


def run_by_bash(line: str) -> Counter[Words]:
    """The commands that bash runs for ``line``, over all of them failing and all of them succeeding."""
    seen: Counter[Words] = Counter()
    for status in ("0", "1"):
        with tempfile.TemporaryDirectory() as folder:
            record, setup, empty = Path(folder, "record"), Path(folder, "setup"), Path(folder, "empty")
            setup.write_text(RECORDER)
            empty.mkdir()
            subprocess.run(
                [BASH, "-c", "--", line],
                cwd=empty,
                env={
                    "PATH": "/nowhere",
                    "BASH_ENV": str(setup),
                    "RECORD": str(record),
                    "STATUS": status,
                    "LC_ALL": "C.UTF-8",
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            assert list(empty.iterdir()) == []
            seen |= Counter(_recorded(record.read_bytes() if record.exists() else b""))
    return seen


def _recorded(data: bytes) -> list[Words]:
    fields = iter(data.decode().split("\0")[:-1])
    return [tuple(next(fields) for _ in range(int(count))) for count in fields]


words = st.text(st.sampled_from("abcAB01-._,:@%+é字☃"), min_size=1, max_size=4).filter(
    lambda word: word != "." and word[0] != "%"
)
pieces = st.one_of(
    words,
    st.sampled_from(
        [
            "&&",
            "||",
            ";",
            "|",
            "&",
            " ",
            "  ",
            "\t",
            "\n",
            "'",
            '"',
            "\\",
            "$x",
            "$(a)",
            "`a`",
            ">",
            "<",
            ">>",
            "2>&1",
            ">/dev/null",
            "2>/dev/null",
            "&>/dev/null",
            "</dev/null",
            "2>&12",
            ">/dev/nullx",
            "(",
            ")",
            "{",
            "}",
            "{a,b}",
            "*",
            "?",
            "[",
            "]",
            "~",
            "!",
            "#",
            "=",
            "a=b",
            "\r",
            "\x0b",
            "\x0c",
            "\xa0",
            "\u2003",
            "\u200b",
            "\u2028",
            "\x1b",
            "time ",
            "if ",
            "then ",
            "do ",
            "coproc ",
            "function ",
            "'a b'",
            '"a b"',
            "'a\nb'",
            "''",
            '"a;b"',
            "'$x'",
            '"a|b"',
            "eval ",
            "exec ",
            "-p",
            "--",
            "echo ",
        ]
    ),
)
lines = st.lists(pieces, max_size=12).map("".join)
simple_words = st.one_of(words, st.sampled_from(["'a b'", '"c; d"', "'$x'", '"it\'s"', "''"]))
readable_lines = st.lists(
    st.lists(simple_words, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=4
).flatmap(
    lambda commands: st.lists(
        st.sampled_from([" && ", "||", " | ", ";", "; ", " 2>&1 | ", " >/dev/null; "]),
        min_size=len(commands) - 1,
        max_size=len(commands) - 1,
    ).map(lambda operators: "".join(a + b for a, b in zip(commands, (*operators, ""), strict=True)))
)


@needs_bash
@settings(max_examples=150, deadline=None)
@given(st.one_of(lines, readable_lines))
@example("time a")
@example("a\x0b")
@example("a\u00a0")
@example("if a; then b; fi")
@example("coproc a")
@example("a 2>&1 b")
@example("a'b'\"c\"d")
@example("a\r")
@example("%1")
def test_bash_runs_exactly_the_commands_of_a_line_that_can_be_read(line: str) -> None:
    commands = read_command_line(line)
    assume(commands is not None)
    assert commands is not None
    assume(not any("/" in words[0] for words in commands))  # a path is run without asking the recorder
    run = run_by_bash(line)
    assert set(run) == set(commands)
    assert run <= Counter(commands)


@given(readable_lines)
def test_plain_words_quotes_and_operators_can_be_read(line: str) -> None:
    assert read_command_line(line) is not None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ls", (("ls",),)),
        ("  ls \n", (("ls",),)),
        ("cd src && pytest -k 'a b'", (("cd", "src"), ("pytest", "-k", "a b"))),
        ("a|b||c;d", (("a",), ("b",), ("c",), ("d",))),
        ('git commit -m "fix: a > b; drop c"', (("git", "commit", "-m", "fix: a > b; drop c"),)),
        ("git commit -m 'one\ntwo'", (("git", "commit", "-m", "one\ntwo"),)),
        ("to'u'ch x", (("touch", "x"),)),
        ("sed -n '1,20p' README.md", (("sed", "-n", "1,20p", "README.md"),)),
        ("make test 2>&1", (("make", "test"),)),
        ("ls 2>/dev/null | head", (("ls",), ("head",))),
        ("echo ''", (("echo", ""),)),
    ],
)
def test_a_line_is_read_as_its_simple_commands(line: str, expected: tuple[Words, ...]) -> None:
    assert read_command_line(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        ";",
        "ls;",
        "ls &&",
        "&& ls",
        "a ;; b",
        "echo $HOME",
        'echo "$HOME"',
        "echo $(id)",
        "echo `id`",
        "cat <(id)",
        "cat <<< x",
        "ls > out",
        "ls >> out",
        "cat < in",
        "ls 3>/dev/null",
        "ls >/dev/nullable",
        "ls & id",
        "ls |& id",
        "(ls)",
        "{ ls; }",
        "ls *.py",
        "ls ?",
        "ls [ab]",
        "ls {a,b}",
        "ls ~",
        "! ls",
        "ls # comment",
        "ls\nid",
        "ls\r\nid",
        "\\ls",
        "echo a\\ b",
        "A=1 ls",
        "A=1",
        "echo 'open",
        'echo "open',
        'echo "a\\"; id; echo "b"',
        "time ls",
        "if a; then b; fi",
        "while a; do b; done",
        "for i in a; do b; done",
        "coproc ls",
        "eval 'touch x'",
        "exec ls",
        "builtin eval id",
        "command ls",
        ". ./script",
        "source script",
        "trap 'touch x' EXIT",
        "let 'a[$(id)0]=1'",
        "printf -v 'a[$(id)0]' x",
        "test -v 'a[$(id)0]'",
        "unset 'a[$(id)0]'",
        "read 'a[$(id)0]'",
        "export 'a[$(id)0]=1'",
        "getopts a 'b[$(id)0]'",
        "declare 'a[$(id)0]=1'",
        "readonly 'a[$(id)0]=1'",
        "mapfile -C 'id #' -c 1 a",
        "compgen -C id",
        "%1",
        "ls\x00",
        "ls\x1b[0m",
        "ls \u200b",
        "ls\x0b",
        "\u00a0ls",
    ],
)
def test_whatever_could_run_something_else_is_not_read(line: str) -> None:
    assert read_command_line(line) is None


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_never_an_error(line: str) -> None:
    commands = read_command_line(line)
    assert commands is None or all(
        words and all(isinstance(word, str) for word in words) for words in commands
    )
