"""The reader of command lines, checked against what bash itself runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import tree_sitter_bash
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from akmon_core.commandline import Command, Redirect, Words, read_command_line

BASH = shutil.which("bash") or ""
needs_bash = pytest.mark.skipif(not BASH, reason="bash is not installed")

# No builtin but those that the recorder needs, and every other command is recorded, with the files that its
# descriptors are, and gives $status. Each line is run in a folder of its own with some files in it.
RECORDER = """
for name in $(compgen -b); do
  case $name in builtin|enable|eval|exit|printf|read|return) ;; *) enable -n "$name" ;; esac
done
command_not_found_handle() {
  local_files=()
  for name in ./* ./.[!.]*; do
    for number in 0 1 2; do
      [[ -f $name && /proc/self/fd/$number -ef $name ]] && local_files+=("${name#./}")
    done
  done
  builtin printf '%s\\0' "$at" "${#local_files[@]}" "${local_files[@]}" "$#" "$@" >> "$RECORD"
  builtin return "$status"
}
at=0
while IFS= builtin read -r -d '' line; do
  for status in 0 1; do
    ( enable cd; cd "$FOLDERS/$at" && enable -n cd && eval -- "$line" ) < /dev/null > /dev/null 2>&1
  done
  at=$((at + 1))
done < "$LINES_FILE"
"""
FILES = ("in", "a b", "it's")


class Ran(NamedTuple):
    """A command that bash has run."""

    words: Words
    files: frozenset[str]
    """Files that its input, output and errors were."""


def run_by_bash(lines: list[str]) -> list[tuple[set[Ran], set[str]]]:
    """For each line, what bash runs over all commands failing and all succeeding, and the files made."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for at in range(len(lines)):
            (base / str(at)).mkdir()
            for file in FILES:
                (base / str(at) / file).touch()
        (base / "lines").write_bytes(b"".join(line.encode() + b"\0" for line in lines))
        subprocess.run(
            [BASH, "--noprofile", "--norc", "-c", RECORDER],
            env={
                "PATH": "/nowhere",
                "RECORD": str(base / "record"),
                "FOLDERS": name,
                "LINES_FILE": str(base / "lines"),
                "LC_ALL": "C.UTF-8",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        record = (base / "record").read_bytes() if (base / "record").exists() else b""
        ran: list[set[Ran]] = [set() for _ in lines]
        for at, one in _recorded(record):
            ran[at].add(one)
        return [
            (ran[at], {path.name for path in (base / str(at)).iterdir()} - set(FILES))
            for at in range(len(lines))
        ]


def _recorded(data: bytes) -> Iterator[tuple[int, Ran]]:
    fields = iter(data.decode().split("\0")[:-1])
    for at in fields:
        files = [next(fields) for _ in range(int(next(fields)))]
        words = tuple(next(fields) for _ in range(int(next(fields))))
        yield int(at), Ran(words, frozenset(files))


def words_of(line: str) -> list[Words] | None:
    return None if (read := read_command_line(line)) is None else [command.words for command in read]


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
            "> out",
            ">>'a b'",
            "2> err",
            "&>both",
            "&>>both",
            ">|out",
            "< in",
            "<in",
            ">&2",
            "1>&2",
            ">&out",
            "3>out",
            "<>in",
            ">(a)",
            "HEAD~1",
            "a=~",
            "a:~",
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
simple_words = st.one_of(
    words, st.sampled_from(["'a b'", '"c; d"', "'$x'", '"it\'s"', "''", "HEAD~1", "x'~'", "2", "12"])
)
redirections = st.sampled_from(
    ["", " > out", " >>'a b'", " 2> err", " &>both", " >|out", " < in", " <in", " 2>&1", " >&2", ' 2>"x y"']
)
simple_commands = st.builds(
    lambda front, some, behind: f"{front} {' '.join(some)}{behind}",
    redirections,
    st.lists(simple_words, min_size=1, max_size=3).filter(lambda some: some[0] != "''"),
    redirections,
)
readable_lines = st.lists(simple_commands, min_size=1, max_size=4).flatmap(
    lambda commands: st.lists(
        st.sampled_from([" && ", "||", " | ", ";", "; ", " 2>&1 | ", " >/dev/null; "]),
        min_size=len(commands) - 1,
        max_size=len(commands) - 1,
    ).map(lambda operators: "".join(a + b for a, b in zip(commands, (*operators, ""), strict=True)))
)


@st.composite
def mutated_lines(draw: st.DrawFn) -> str:
    """A line that can be read, with something put into it or taken out."""
    line = draw(readable_lines)
    at = draw(st.integers(0, len(line)))
    cut = draw(st.integers(0, 2))
    return line[:at] + draw(pieces) + line[at + cut :]


READ_AS_BASH_DOES = [
    "time a",
    "-0 a",
    "a\x0b",
    "a\u00a0",
    "if a; then b; fi",
    "coproc a",
    "a 2>&1 b",
    "a'b'\"c\"d",
    "a\r",
    "%1",
    "a2>out",
    "a 2>out",
    "a 12>out",
    "a '2'>out",
    "a 1 >out",
    "a>out<in",
    ">out a",
    "a &>out",
    "a&>out",
    "a >|out",
    "a =~ b",
    "a~ b~c",
    "a a=~",
    'a ""~',
    "a > out > err",
    "a |& b",
    "a ''",
    "a >&2 | b",
]


@needs_bash
@settings(max_examples=10, deadline=None)
@given(st.lists(st.one_of(lines, readable_lines, mutated_lines()), min_size=20, max_size=40))
@example(READ_AS_BASH_DOES)
def test_bash_runs_exactly_the_commands_of_lines_that_can_be_read(some: list[str]) -> None:
    read = {line: commands for line in some if (commands := _recordable(line))}
    for (line, commands), (ran, files) in zip(read.items(), run_by_bash(list(read)), strict=True):
        assert {one.words for one in ran} == {command.words for command in commands}, line
        allowed = {command.words: set[str]() for command in commands}
        for command in commands:
            allowed[command.words] |= {one.path for one in command.redirects}
        assert all(one.files <= allowed[one.words] for one in ran), line
        assert files == {one.path for command in commands for one in command.redirects if one.writes} - {
            *FILES
        }, line


def _recordable(line: str) -> tuple[Command, ...] | None:
    commands = read_command_line(line)
    paths = [one.path for command in commands or () for one in command.redirects]
    if commands is None or any("/" in command.words[0] for command in commands):
        return None  # a path is run without asking the recorder
    missing = any(
        not one.writes and one.path not in FILES for command in commands for one in command.redirects
    )
    return None if missing or any("/" in path or path in (".", "..") for path in paths) else commands


@settings(max_examples=300, deadline=None)
@given(st.one_of(lines, readable_lines, mutated_lines()))
def test_another_reader_of_bash_finds_the_same_words(line: str) -> None:
    commands = read_command_line(line)
    tree = Parser(Language(tree_sitter_bash.language())).parse(line.encode())
    if commands is None or tree.root_node.has_error or _has_redirect(tree.root_node):
        return  # it takes the words behind a redirection as more of its targets
    found = [_words(node) for node in _commands(tree.root_node)]
    assert found == [command.words for command in commands]


def _commands(node: Node) -> Iterator[Node]:
    if node.type == "command":
        yield node
        return
    for child in node.children:
        yield from _commands(child)


def _words(node: Node) -> Words:
    return tuple(_text(part) for part in node.children)


def _has_redirect(node: Node) -> bool:
    return node.type == "file_redirect" or any(map(_has_redirect, node.children))


def _text(node: Node) -> str:
    raw = (node.text or b"").decode()
    match node.type:
        case "raw_string" | "string":
            return raw[1:-1]
        case "concatenation" | "command_name":
            return "".join(map(_text, node.children))
    return raw


@given(readable_lines)
def test_plain_words_quotes_and_operators_can_be_read(line: str) -> None:
    assert read_command_line(line) is not None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ls HEAD~1", (("ls", "HEAD~1"),)),
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
    assert words_of(line) == list(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ls > out", [Redirect(True, "out")]),
        ("ls >> out", [Redirect(True, "out")]),
        ("ls>|out", [Redirect(True, "out")]),
        ("ls 2> 'a b'", [Redirect(True, "a b")]),
        ("ls &> out", [Redirect(True, "out")]),
        ("ls &>>out", [Redirect(True, "out")]),
        ("cat < in", [Redirect(False, "in")]),
        ("cat 0<in >out", [Redirect(False, "in"), Redirect(True, "out")]),
        ("> out ls", [Redirect(True, "out")]),
        ("ls > /dev/null 2>&1", []),
        ("ls 2>/dev/null", []),
    ],
)
def test_a_redirection_names_the_file_that_is_read_or_written(line: str, expected: list[Redirect]) -> None:
    commands = read_command_line(line)
    assert commands is not None
    assert list(commands[0].redirects) == expected


def test_each_command_knows_the_operator_before_it() -> None:
    commands = read_command_line("a && b || c | d; e")
    assert commands is not None
    assert [command.operator for command in commands] == ["", "&&", "||", "|", ";"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "'' x",
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
        "> out",
        "ls >",
        "ls > ''",
        "ls 3>/dev/null",
        "ls 3>out",
        "ls 22>out",
        "ls >&out",
        "ls >&3",
        "ls 2>&-",
        "ls <> in",
        "cat << x",
        "ls >(id)",
        "ls > $x",
        "ls > *",
        "ls > ~/x",
        "ls > /dev/tcp/127.0.0.1/80",
        "ls >/dev/nullable",
        "ls > /dev/stdout",
        "ls a=~",
        "ls a:~",
        "pushd /",
        "popd",
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
        command.words and all(isinstance(word, str) for word in command.words) for command in commands
    )


def test_a_line_that_takes_too_long_to_read_is_not_read() -> None:
    assert read_command_line("echo " + "a" * 60_000)
    assert read_command_line("echo " + "a" * 70_000) is None
