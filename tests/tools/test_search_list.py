"""Searching and listing: what is found, in which order, and what stays out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import ToolError
from akmon_core.limits import LIST_ENTRIES, SEARCH_GATHERED, SEARCH_MATCHES
from akmon_tools.outputs import Outputs
from akmon_tools.programs import find_bash, find_ripgrep
from akmon_tools.search import SearchTool
from akmon_tools.workspace import Workspace


@pytest.fixture
def tree(hands: Any) -> Any:
    for name, text in {
        "b.py": "import os\nneedle = 1\n",
        "a/z.py": "x\nneedle 2\nneedle 3\n",
        "a/note.txt": "a needle in text\n",
        ".hidden/h.py": "needle hidden\n",
        ".git/config": "needle git\n",
        ".gitignore": "ignored.py\nbuild/\n",
        "ignored.py": "needle ignored\n",
        "build/out.py": "needle built\n",
        ".env": "needle=secret\n",
        "bin.dat": "needle\0\n",
    }.items():
        path = hands.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (hands.root / "way-out").symlink_to(hands.out)
    (hands.root / "file-out.txt").symlink_to(hands.out / "secret.txt")
    return hands


def ages(tree: Any, *newest_first: str) -> None:
    for age, name in enumerate(newest_first):
        os.utime(tree.root / name, (10_000 - age, 10_000 - age))


# --- search -----------------------------------------------------------------------------------------


def test_matches_are_grouped_by_file_and_what_changed_last_comes_first(tree: Any) -> None:
    ages(tree, "b.py", "a/note.txt", "a/z.py", ".hidden/h.py")
    output = tree("search", pattern=r"needle")
    assert output.text == (
        "b.py\n     2: needle = 1\n"
        "a/note.txt\n     1: a needle in text\n"
        "a/z.py\n     2: needle 2\n     3: needle 3\n"
        ".hidden/h.py\n     1: needle hidden\n"
        "[not shown, as these may hold secrets: .env]"
    )
    assert output.summary == "5 matches in 4 files"
    assert not output.error


def test_files_of_one_age_come_by_name(tree: Any) -> None:
    for path in tree.root.rglob("*"):
        os.utime(path, (1_000, 1_000), follow_symlinks=False)
    first = tree("search", pattern="needle", output="files").text
    assert first.splitlines()[:4] == [".hidden/h.py", "a/note.txt", "a/z.py", "b.py"]
    assert all(tree("search", pattern="needle", output="files").text == first for _ in range(5))


def test_only_files_and_only_counts(tree: Any) -> None:
    ages(tree, "a/z.py", "b.py", ".hidden/h.py", "a/note.txt")
    note = "[not shown, as these may hold secrets: .env]"
    output = tree("search", pattern="needle", output="files")
    assert output.text.splitlines() == ["a/z.py", "b.py", ".hidden/h.py", "a/note.txt", note]
    assert output.summary == "4 files"
    assert tree("search", pattern="needle", path="a", output="count").text == "a/z.py: 2\na/note.txt: 1"
    assert tree("search", pattern="needle", path="a/z.py", output="count").text == "a/z.py: 2"
    assert tree("search", pattern="nowhere", output="count").text == "[no matches]"


def test_a_literal_pattern_means_what_it_says(hands: Any) -> None:
    (hands.root / "a.txt").write_text("f(x)\nfx\nf(x)\\n\n")
    assert hands("search", pattern="f(x)", literal=True).text == "a.txt\n     1: f(x)\n     3: f(x)\\n"
    assert hands("search", pattern="f(x)\\n", literal=True).text == "a.txt\n     3: f(x)\\n"


def test_lines_around_a_match_are_shown_and_gaps_are_marked(hands: Any) -> None:
    (hands.root / "a.txt").write_text("".join(f"{number}\n" for number in range(1, 21)))
    assert hands("search", pattern="^(4|5|15)$", context=1).text.splitlines() == [
        "a.txt",
        "     3- 3",
        "     4: 4",
        "     5: 5",
        "     6- 6",
        "    --",
        "    14- 14",
        "    15: 15",
        "    16- 16",
    ]
    assert hands("search", pattern="^(4|5|15)$", context=1).summary == "3 matches in 1 files"


def test_a_type_of_file_can_be_given_instead_of_a_glob(tree: Any) -> None:
    assert tree("search", pattern="needle", type="txt", output="files").text == "a/note.txt"
    assert "unrecognized file type" in tree.refused("search", pattern="needle", type="nothing")
    assert "not both" in tree.refused("search", pattern="needle", type="py", glob="*.py")


def test_a_dot_matches_a_line_end_if_asked(tree: Any) -> None:
    assert "[no matches]" in tree("search", pattern="import.*needle").text
    text = tree("search", pattern="import.*needle", multiline=True).text
    assert text == "b.py\n     1: import os\n     2: needle = 1"


def test_an_output_of_a_command_is_searched(hands: Any) -> None:
    outputs = Outputs(hands.out / "outputs")
    number, file = outputs.open_new()
    with file:
        file.write(b"x\nneedle\n")
    tool = hands.tools["search"] = SearchTool(hands.workspace, outputs)
    assert number == 1
    assert hands("search", pattern="needle", path="output:1").text == "output:1\n     2: needle"
    assert tool.effects(hands.parsed("search", {"pattern": "x", "path": "output:1"})) == ()
    assert "no output 9" in hands.refused("search", pattern="x", path="output:9")


def test_gitignore_holds_also_in_a_folder_of_a_repository_and_not_above_it(tree: Any) -> None:
    (tree.root.parent / ".gitignore").write_text("*\n")
    (tree.root / ".gitignore").write_text("/a/z.py\n")
    assert tree("search", pattern="needle", path="a", output="files").text == "a/note.txt"
    (tree.root / ".git" / "config").unlink()
    (tree.root / ".git").rmdir()
    assert "a/note.txt" in tree("search", pattern="needle", path="a", output="files").text


def test_a_file_that_turns_out_to_be_binary_spoils_no_other(hands: Any) -> None:
    (hands.root / "a.dat").write_bytes(b"needle\n" * 100_000 + b"\0" * 100_000)
    (hands.root / "b\nc.txt").write_text("needle\n")
    (hands.root / "d.txt").write_text("needle\n")
    text = hands("search", pattern="needle", output="files").text
    assert {"b<U+000A>c.txt", "d.txt"} <= set(text.splitlines())
    lines = hands("search", pattern="needle", glob="*.txt").text.splitlines()
    assert sorted(lines) == ["     1: needle"] * 2 + ["b<U+000A>c.txt", "d.txt"]


def test_a_file_that_is_named_is_searched_whatever_it_is(tree: Any) -> None:
    assert "needle=secret" in tree("search", pattern="needle", path=".env").text
    assert "needle ignored" in tree("search", pattern="needle", path="ignored.py").text


def test_paths_are_shown_from_the_cwd_also_for_a_folder_below(tree: Any) -> None:
    assert tree("search", pattern="needle 2", path="a").text == "a/z.py\n     2: needle 2"


@pytest.mark.parametrize(
    ("glob", "files"),
    [
        ("*.py", [".hidden/h.py", "a/z.py", "b.py"]),
        ("**/*.py", [".hidden/h.py", "a/z.py", "b.py"]),
        ("a/*.py", ["a/z.py"]),
        ("a/**", ["a/note.txt", "a/z.py"]),
        ("*.{txt,md}", ["a/note.txt"]),
        ("!*.py", ["a/note.txt"]),
        ("[ab].py", ["b.py"]),
        (".git/**", []),
        ("/etc/**", []),
    ],
)
def test_a_glob_limits_the_files_and_gitignore_still_holds(tree: Any, glob: str, files: list[str]) -> None:
    text = tree("search", pattern="needle", glob=glob).text
    assert [line for line in text.splitlines() if not line.startswith((" ", "["))] == files


def test_no_match_is_an_ordinary_answer(tree: Any) -> None:
    output = tree("search", pattern="nothing like it")
    assert (output.text, output.error) == ("[no matches]", False)


def test_links_that_lead_out_are_not_followed(tree: Any) -> None:
    assert "CANARY" not in tree("search", pattern="CANARY").text
    assert "CANARY" not in tree("search", pattern="CANARY", glob="way-out/**").text
    assert "CANARY" not in tree("search", pattern="CANARY", glob="../out/*").text


@pytest.mark.parametrize("pattern", ["-needle", "--pre=./p.sh", "-e", "--files", "-"])
def test_a_pattern_that_looks_like_an_option_is_a_pattern(hands: Any, pattern: str) -> None:
    (hands.root / "p.sh").write_text("#!/bin/sh\ntouch pwned\n")
    (hands.root / "p.sh").chmod(0o755)
    (hands.root / "a.txt").write_text(f"{pattern}\n")
    assert f"     1: {pattern}" in hands("search", pattern=pattern, path="a.txt").text
    assert not (hands.root / "pwned").exists()


@pytest.mark.parametrize(
    "glob", ["-x", "--pre=./p.sh", "a:b", "wanted:*.py", "{a,b}" * 2_000, "[", "{", "\\"]
)
def test_a_strange_glob_gives_an_answer_or_an_error(tree: Any, glob: str) -> None:
    for name, arguments in (("search", {"pattern": "needle"}), ("list", {})):
        try:
            output = tree(name, glob=glob, **arguments)
        except ToolError:
            continue
        assert output.text.startswith("[no ")


def test_an_invalid_pattern_is_explained_by_ripgrep(tree: Any) -> None:
    assert "unclosed group" in tree.refused("search", pattern="(needle")
    assert "NUL" in tree.refused("search", pattern="a\0b") or "null" in tree.refused("search", pattern="a\0b")


def test_a_pattern_may_span_lines(tree: Any) -> None:
    assert "     2: needle = 1" in tree("search", pattern=r"import os\nneedle").text


def test_an_expensive_pattern_ends(hands: Any) -> None:
    (hands.root / "redos.txt").write_text("x" * 40 + "!\n")
    assert hands("search", pattern="(x+)+$").text == "[no matches]"


def test_many_matches_are_capped_and_the_search_stops(hands: Any) -> None:
    (hands.root / "a.txt").write_text("needle\n" * 3_000_000)
    output = hands("search", pattern="needle")
    assert output.text.count("needle") == SEARCH_MATCHES
    assert output.text.endswith(
        f"[only {SEARCH_MATCHES} of at least {SEARCH_MATCHES + 1} matches are shown; "
        "narrow the pattern, path or glob]"
    )
    assert output.summary == f"{SEARCH_MATCHES}+ matches in 1 files"


def test_how_many_were_found_is_said_where_it_is_known(hands: Any) -> None:
    for number in range(10):
        (hands.root / f"{number}.txt").write_text("needle\n" * 100)
    output = hands("search", pattern="needle")
    assert f"only {SEARCH_MATCHES} of 1,000 matches" in output.text
    assert output.summary == f"{SEARCH_MATCHES}+ matches in 2 files"


def test_many_more_files_than_can_be_shown_are_not_all_gathered(hands: Any) -> None:
    (hands.root / "a").mkdir()
    for number in range(SEARCH_GATHERED + 500):
        (hands.root / "a" / f"{number}.txt").write_text("needle\n")
    output = hands("search", pattern="needle", output="files")
    assert len(output.text.splitlines()) == LIST_ENTRIES + 1
    assert f"only {LIST_ENTRIES} of at least 20," in output.text
    assert output.summary == f"{LIST_ENTRIES}+ files"


def test_exactly_the_cap_is_not_called_more(hands: Any) -> None:
    (hands.root / "a.txt").write_text("needle\n" * SEARCH_MATCHES)
    assert "only" not in hands("search", pattern="needle").text


def test_long_lines_and_control_characters_are_tamed(hands: Any) -> None:
    (hands.root / "a.txt").write_text("needle \x1b[31m\u202e" + "x" * 100_000 + "\n")
    text = hands("search", pattern="needle").text
    assert "needle <U+001B>[31m<U+202E>xxx" in text
    assert len(text) < 1_000


def test_a_missing_place_and_an_empty_pattern_are_refused(tree: Any) -> None:
    assert "does not exist" in tree.refused("search", pattern="x", path="nowhere")
    assert "length >= 1" in tree.refused("search", pattern="")


def test_the_persons_ripgrep_configuration_is_not_used(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree.root / "rc").write_text("--glob=!*.py\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(tree.root / "rc"))
    assert "b.py" in tree("search", pattern="needle").text


def test_programs_in_the_project_are_never_started(hands: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rg", "bash"):
        (hands.root / name).write_text("#!/bin/sh\ntouch pwned\n")
        (hands.root / name).chmod(0o755)
    (hands.out / "bash").symlink_to(hands.root / "bash")
    path = f".{os.pathsep}{hands.root}{os.pathsep}{hands.out}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    for program in (find_ripgrep(hands.workspace), find_bash(hands.workspace)):
        assert Path(program).is_absolute()
        assert not os.path.realpath(program).startswith(str(hands.root))
    assert find_bash(Workspace(["/"])).endswith("/bash")


# --- list -------------------------------------------------------------------------------------------


def test_a_folder_is_listed_with_folders_first_sizes_and_link_targets(tree: Any) -> None:
    (tree.root / "big.txt").write_text("x" * 12_345)
    output = tree("list")
    assert output.text.splitlines() == [
        ".git/",
        ".hidden/",
        "a/",
        "build/",
        ".env  14 B",
        ".gitignore  18 B",
        "b.py  21 B",
        "big.txt  12.3 kB",
        "bin.dat  8 B",
        f"file-out.txt -> {tree.out}/secret.txt",
        "ignored.py  15 B",
        f"way-out -> {tree.out}",
    ]
    assert output.summary == "12 entries"


def test_a_glob_lists_files_at_any_depth_newest_first(tree: Any) -> None:
    for number, name in enumerate(("a/z.py", "b.py", ".hidden/h.py")):
        os.utime(tree.root / name, (1_000 + number, 1_000 + number))
    assert tree("list", glob="*.py").text.splitlines() == [".hidden/h.py", "b.py", "a/z.py"]
    assert tree("list", path="a", glob="*.py").text == "a/z.py"


@pytest.mark.parametrize("glob", ["/etc/**", "../**", "way-out/*", "**/secret.txt", ".git/*", "*.nothing"])
def test_a_glob_finds_nothing_outside_nor_behind_links(tree: Any, glob: str) -> None:
    output = tree("list", glob=glob)
    assert output.text == f"[no file matches {glob}]"


def test_an_empty_folder_a_file_and_a_missing_folder(hands: Any) -> None:
    assert hands("list").text == "[the folder is empty]"
    (hands.root / "file").write_text("")
    assert "use read" in hands.refused("list", path="file")
    assert "does not exist" in hands.refused("list", path="nowhere")


def test_many_entries_are_capped(hands: Any) -> None:
    for number in range(LIST_ENTRIES + 20):
        (hands.root / f"f{number:04}.py").touch()
    for arguments in ({}, {"glob": "*.py"}):
        output = hands("list", **arguments)
        assert len(output.text.splitlines()) == LIST_ENTRIES + 1
        assert "narrow" in output.text
        assert output.summary.startswith(f"{LIST_ENTRIES}+ ")


def test_strange_names_are_shown_escaped_and_break_nothing(hands: Any) -> None:
    for name in (
        b"bad\xff.bin",
        b"esc\x1b[2J",
        b"new\nline",
        "rtl\u202etxt".encode(),
        b"e\xcc\x81.txt",
        "é.txt".encode(),
    ):
        with open(os.fsencode(hands.root) + b"/" + name, "wb") as file:  # noqa: PTH123
            file.write(b"needle\n")
    os.mkfifo(hands.root / "pipe")
    text = hands("list").text
    for shown in (
        "bad<U+DCFF>.bin",
        "esc<U+001B>[2J",
        "new<U+000A>line",
        "rtl<U+202E>txt",
        "pipe  special file",
    ):
        assert shown in text
    assert len(text.splitlines()) == 7
    assert "bad<U+DCFF>.bin" in hands("search", pattern="needle").text
    assert "bad<U+DCFF>.bin" in hands("list", glob="*").text
    (hands.root / "é.txt").write_text("one\n")
    hands("edit", path="e\u0301.txt", old="needle", new="other")
    assert (hands.root / "é.txt").read_text() == "one\n"
