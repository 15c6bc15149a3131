"""What .gitignore leaves out, compared with git itself."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_tools.gitignore import Ignored


def kept(ignored: Ignored, base: str = "") -> set[str]:
    """The files that a walk finds, from the folder that it begins in."""
    found: set[str] = set()
    with os.scandir(ignored.path) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name == ".git" or ignored.ignores(entry.name, is_folder):
                continue
            path = f"{base}{entry.name}"
            found |= kept(ignored.folder((entry.name,)), f"{path}/") if is_folder else {path}
    return found


def by_git(root: Path) -> set[str]:
    argv = ["git", "-c", "core.excludesFile=/dev/null", "ls-files", "-o", "--exclude-standard", "-z"]
    out = subprocess.run(argv, cwd=root, check=True, capture_output=True).stdout
    return {os.fsdecode(path) for path in out.split(b"\0") if path}


def make(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def repository(root: Path, files: dict[str, str]) -> Path:
    subprocess.run(["git", "init", "-q", "--template=", str(root)], check=True)
    make(root, files)
    return root


TREE = dict.fromkeys(
    (
        "a", "b", "a.o", "b.py", ".a", "a b", "[a]", "é",
        "s/a", "s/b", "s/a.o", "s/t/a", "s/t/b.py", "s/t/u/a.o", "s/t/u/b",
        "build/a", "build/b.py", "build/s/a", "s/build/a", "s/build/t/b", "t/s/a", "t/s/b.o",
    ),
    "x",
)  # fmt: skip

PARTS = st.sampled_from(
    ["a", "b", "s", "t", "u", "build", "*", "**", "?", "*.o", "*.py", "b*", "*a*", "[ab]", "[!a]", "[a-s]*",
     "[[:alpha:]]", "[]a]", "\\a", "\\[a]", ".*", "a b", "é", "[b-a]", "*.?*", "[^a]", "a\\"]
)  # fmt: skip
LINES = st.one_of(
    st.builds(
        lambda negated, slash, parts, end: negated + slash + "/".join(parts) + end,
        st.sampled_from(["", "", "!"]),
        st.sampled_from(["", "", "/"]),
        st.lists(PARTS, min_size=1, max_size=4),
        st.sampled_from(["", "", "/", " ", "\r"]),
    ),
    st.sampled_from(
        ["", "# a", "\\#a", "!", "/", "//", "\\!a", "a\\ ", "***", "!*/", "*", "/*", "s/", "!s/"]
    ),
)
RULES = st.lists(LINES, max_size=6).map("\n".join)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["", "s/", "s/t/", "build/", "s/build/"]), RULES, min_size=1))
def test_a_walk_finds_the_files_that_git_finds(rules: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = repository(Path(folder), TREE)
        make(root, {f"{where}.gitignore": text for where, text in rules.items()})
        assert kept(Ignored(root)) == by_git(root)


def test_a_rule_about_a_folder_does_not_speak_for_what_lies_in_it(tmp_path: Path) -> None:
    root = repository(tmp_path, {".gitignore": "build/\n*.o\n", "sub/.gitignore": "!build/\n"})
    make(root, {"sub/build/x.o": "", "sub/build/x.c": "", "build/x.c": ""})
    assert kept(Ignored(root)) == by_git(root) == {".gitignore", "sub/.gitignore", "sub/build/x.c"}


def test_a_folder_of_a_repository_obeys_the_rules_above_it_and_its_exclude_file(tmp_path: Path) -> None:
    root = repository(tmp_path, {".gitignore": "*.o\n/s/t/b\n", ".git/info/exclude": "*.log\n!x.o\n"})
    make(root, {f"s/t/{name}": "" for name in ("a", "b", "x.o", "a.log")} | {"s/.gitignore": "!keep.log\n"})
    make(root, {"s/t/keep.log": ""})
    assert kept(Ignored(root / "s" / "t")) == {"a", "keep.log"}
    assert kept(Ignored(root).folder(("s", "t"))) == {"a", "keep.log"}


def test_a_repository_inside_another_has_only_its_own_rules(tmp_path: Path) -> None:
    root = repository(tmp_path, {".gitignore": "*.o\n", "a.o": ""})
    repository(root / "inner", {".gitignore": "*.log\n", "a.o": "", "a.log": ""})
    assert kept(Ignored(root)) == {".gitignore", "inner/.gitignore", "inner/a.o"}
    assert kept(Ignored(root / "inner")) == {".gitignore", "a.o"}


def test_outside_a_repository_rules_count_from_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    make(tmp_path, {".gitignore": "*\n", "sub/.gitignore": "*.o\n", "sub/a.o": "", "sub/a.c": ""})
    assert kept(Ignored(tmp_path / "sub")) == {".gitignore", "a.c"}


def test_several_files_of_rules_are_read_and_the_first_wins(tmp_path: Path) -> None:
    make(tmp_path, {".gitignore": "*.log\n*.o\n", ".ignore": "!a.log\n*.c\n"})
    make(tmp_path, dict.fromkeys(("a.log", "b.log", "a.o", "a.c", "a"), ""))
    assert kept(Ignored(tmp_path, (".ignore", ".gitignore"))) == {".gitignore", ".ignore", "a", "a.log"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes of that kind")
def test_rules_that_are_a_link_or_a_pipe_or_a_folder_are_none(tmp_path: Path) -> None:
    make(tmp_path, {"rules": "*\n", "s/a": "", "t/a": "", "u/.gitignore/a": ""})
    (tmp_path / ".gitignore").symlink_to("rules")
    os.mkfifo(tmp_path / "s" / ".gitignore")
    assert {"s/a", "t/a", "u/.gitignore/a", "rules"} <= kept(Ignored(tmp_path))


def test_names_and_rules_that_are_not_utf8_match_byte_for_byte(tmp_path: Path) -> None:
    root = repository(tmp_path, {})
    (root / ".gitignore").write_bytes(b"\xef\xbb\xbfa\xff*\n")
    for name in (b"a\xff1", b"a\xfe1"):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).touch()
    assert kept(Ignored(root)) == by_git(root) == {".gitignore", os.fsdecode(b"a\xfe1")}


@pytest.mark.parametrize(
    "rule", ["*a" * 60 + "b", "/" + "**/a/" * 40 + "b", "/" + "*a" * 60 + "/b", "**/" * 60 + "*a" * 30 + "b"]
)
def test_a_rule_cannot_make_a_walk_endless(tmp_path: Path, rule: str) -> None:
    make(tmp_path, {".gitignore": rule + "\n", "/".join(["a"] * 60) + "/c": "", "a" * 200: ""})
    deep = Ignored(tmp_path).folder(("a",) * 59)
    assert not deep.ignores("c", False)
    assert not deep.ignores("a" * 250, True)
    assert len(kept(Ignored(tmp_path))) == 3
