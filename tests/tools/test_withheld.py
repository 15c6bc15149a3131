"""What rules deny reading is shown by no tool, and is hidden from commands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core import limits
from akmon_core.errors import SettingsError
from akmon_core.pathglobs import is_met, is_met_below, matches_path, parts_of, within
from akmon_core.permissions import Policy, Rule, judge, parse_rule
from akmon_core.tools import Effect
from akmon_tools.edit import EditTool
from akmon_tools.list import ListTool
from akmon_tools.query import Query
from akmon_tools.read import ReadTool
from akmon_tools.ripgrep import gather, stand_in
from akmon_tools.search import SearchTool
from akmon_tools.withheld import globs_below, withheld_places
from akmon_tools.workspace import Workspace
from tests.tools.conftest import Hands
from tests.tools.sandbox.held import CHOICES, held, in_a_sandbox

DENY = parse_rule("read(secrets/**)", "deny")
HIDING = [choice for choice in CHOICES if choice == "bubblewrap"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in (
        "a.py",
        "secrets/plan.md",
        "secrets/deep/plan.md",
        "src/b.py",
        "src/note.txt",
        "src/key.txt",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("needle\n")
    return root.resolve()


def using(root: Path, *rules: Rule) -> Hands:
    hands = Hands(root)
    workspace = Workspace([root], rules=rules)
    tools = (SearchTool(workspace), ListTool(workspace), ReadTool(workspace), EditTool(workspace))
    hands.tools.update({tool.name: tool for tool in tools})
    return hands


# --- search and list --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", ["read(secrets/**)", "r*(secrets/**)", "*(SECRETS/**)", "search(secrets/**)"]
)
def test_a_search_shows_nothing_of_what_may_not_be_read(tree: Path, rule: str) -> None:
    hands = using(tree, parse_rule(rule, "deny"))
    lines = hands("search", pattern="needle")
    assert "secrets" not in lines.text
    assert lines.summary == "4 matches in 4 files"
    assert sorted(hands("search", pattern="needle", output="files").text.splitlines()) == [
        "a.py",
        "src/b.py",
        "src/key.txt",
        "src/note.txt",
    ]
    assert hands("search", pattern="needle", output="count").summary == "4 files"
    for path in ("secrets", "secrets/deep"):
        assert hands("search", pattern="needle", path=path).text == "[no matches]"


def test_neither_does_a_search_that_is_told_where_to_look_by_a_glob(tree: Path) -> None:
    hands = using(tree, DENY)
    for glob in ("*.md", "**/*.md", "secrets/**/*.md"):
        assert hands("search", pattern="needle", glob=glob).text == "[no matches]"
        assert hands("list", glob=glob).text == f"[no file matches {glob}]"


def test_a_rule_for_single_files_leaves_the_others(tree: Path) -> None:
    hands = using(tree, parse_rule("read(**/k*.txt)", "deny"))
    assert hands("search", pattern="needle", path="src", output="files").text.count("\n") == 1
    assert [row.split()[0] for row in hands("list", path="src").text.splitlines()] == ["b.py", "note.txt"]
    assert hands("list", glob="*.txt").text == "src/note.txt"


def test_a_list_leaves_out_what_may_not_be_read_and_links_to_it(tree: Path) -> None:
    (tree / "way").symlink_to("secrets")
    (tree / "file").symlink_to("secrets/plan.md")
    (tree / "fine").symlink_to("src")
    hands = using(tree, DENY)
    for tool in ("list", "read"):
        output = hands(tool, path=".")
        assert [row.split()[0] for row in output.text.splitlines()] == ["src/", "a.py", "fine"]
        assert output.summary == "3 entries"


def test_rules_for_one_tool_that_lists_hold_for_that_one(tree: Path) -> None:
    hands = using(tree, parse_rule("list(secrets/**)", "deny"))
    assert "secrets" not in hands("list").text
    assert "secrets/plan.md" in hands("search", pattern="needle").text


def test_what_would_be_asked_about_is_shown_only_where_it_was_asked_for(tree: Path) -> None:
    hands = using(tree, parse_rule("read(secrets/**)", "ask"))
    assert "secrets" not in hands("search", pattern="needle").text + hands("list").text
    assert "secrets/plan.md" in hands("search", pattern="needle", path="secrets").text
    assert "plan.md" in hands("list", path="secrets").text
    assert "1: needle" in hands("search", pattern="needle", path="secrets/plan.md").text


def test_a_name_that_is_not_there_brings_up_no_name_that_may_not_be_read(tree: Path) -> None:
    assert "secrets" in using(tree).refused("read", path="secret")
    assert "Similar" not in using(tree, DENY).refused("read", path="secret")


def test_so_many_matches_there_do_not_crowd_out_the_others(tree: Path) -> None:
    (tree / "secrets" / "long.txt").write_text("needle\n" * (limits.SEARCH_GATHERED + 1))
    hands = using(tree, DENY)
    for output in ("lines", "files", "count"):
        shown = hands("search", pattern="needle", output=output)
        assert "src/key.txt" in shown.text
        assert "only" not in shown.text


def test_the_search_without_ripgrep_does_not_go_there_either(tree: Path) -> None:
    for folder, glob in ((tree, "secrets/**"), (tree / "secrets", "**"), (tree / "secrets/deep", "**")):
        relative = folder.relative_to(tree).parts
        query = Query(answer="files", without=globs_below([DENY.pattern], relative))
        assert query.without == (glob,)
        found = asyncio.run(gather(stand_in(query), folder, query))
        expected = {b"a.py", b"src/b.py", b"src/note.txt", b"src/key.txt"} if folder == tree else set()
        assert {name for name in found.files if not name.startswith(b"p")} == expected


@pytest.mark.parametrize("glob", ["se{c,x}rets/**", "[s]ecrets/**", "**/[/**", "a\\b/**", "!x/**"])
def test_no_rule_breaks_a_search(tree: Path, glob: str) -> None:
    hands = using(tree, Rule("read", glob, "deny"))
    assert "a.py" in hands("search", pattern="needle").text


# --- the judgement ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "kind", "path", "rule", "decision"),
    [
        ("search", "read", "secrets/plan.md", "read(secrets/**)", "deny"),
        ("list", "read", "secrets", "read(secrets/**)", "deny"),
        ("mine", "read", "secrets/plan.md", "read(secrets/**)", "deny"),
        ("edit", "write", "secrets/plan.md", "read(secrets/**)", "deny"),
        ("patch", "write", "secrets/plan.md", "read(secrets/**)", "deny"),
        ("write", "write", "secrets/new.md", "read(secrets/**)", "allow"),
        ("search", "read", "src", "read(secrets/**)", "allow"),
        ("search", "read", "src", "read", "allow"),
        ("read", "read", "src/b.py", "search(src/**)", "allow"),
    ],
)
def test_rules_about_reading_hold_for_every_tool_that_shows_what_is_in_a_file(
    tree: Path, tool: str, kind: Any, path: str, rule: str, decision: str
) -> None:
    targets = Workspace([tree]).locate((Effect(kind, path),))
    policy = Policy(rules=(parse_rule(rule, "deny"),))
    assert judge(tool, targets, "accept-edits", policy).decision == decision


@pytest.mark.parametrize(
    "line", ["grep -r needle .", "rg needle", "cat secrets/plan.md", "cat src/../secrets/plan.md"]
)
def test_a_command_that_names_it_or_reads_all_around_it_is_denied(tree: Path, line: str) -> None:
    targets = Workspace([tree], rules=[DENY]).locate((Effect("run", line),))
    for sandbox in ("off", "bubblewrap"):
        policy = Policy(rules=(DENY, parse_rule("shell")), sandbox=sandbox)
        assert judge("shell", targets, "default", policy).decision == "deny"


def test_a_command_that_reads_all_of_another_folder_is_not(tree: Path) -> None:
    targets = Workspace([tree], rules=[DENY]).locate((Effect("run", "grep -r needle src"),))
    assert judge("shell", targets, "default", Policy(rules=(DENY,))).decision == "allow"


# --- commands ---------------------------------------------------------------------------------------


def test_the_places_are_those_that_the_globs_match(tree: Path) -> None:
    (tree / "link").symlink_to("secrets")

    def places(*globs: str) -> list[str]:
        return sorted(str(place.relative_to(tree)) for place in withheld_places([tree], globs))

    assert places("secrets/**") == places("SEcrets/**") == ["secrets"]
    assert places("secrets/*") == ["secrets/plan.md"]
    assert places("**/*.md") == ["secrets/deep/plan.md", "secrets/plan.md"]
    assert places("**/deep/**", "src/k?y.txt") == ["secrets/deep", "src/key.txt"]
    assert places("**") == places("missing/**") == places() == []


def test_a_whole_disk_is_not_looked_through() -> None:
    assert withheld_places([Path("/")], ["**/passwd"]) == ()


def test_too_much_to_hide_is_said_and_not_left_open(tree: Path) -> None:
    for number in range(limits.WITHHELD_PLACES + 1):
        (tree / f"{number}.key").touch()
    with pytest.raises(SettingsError, match=r"rules deny reading .* begin with a folder"):
        withheld_places([tree], ["*.key"])


@in_a_sandbox
@pytest.mark.parametrize("choice", HIDING)
def test_commands_cannot_read_it_move_it_or_bring_it_back(tree: Path, choice: str) -> None:
    places = withheld_places([tree], ["secrets/deep/**", "src/key.txt"])
    with held(choice, tree, unreadable=places) as box:
        assert "needle" not in box("cat secrets/deep/plan.md src/key.txt; ls -A secrets/deep")
        assert "plan.md" not in box("mv secrets moved; cp -r secrets copy; cat copy/deep/* moved/deep/*")
        assert "needle" in box("cat secrets/plan.md && echo new > src/new.txt")
        assert "needle" not in box(
            "ln src/key.txt src/other; mv src elsewhere; cat elsewhere/key.txt src/other"
        )
    assert (tree / "secrets/deep/plan.md").read_text() == (tree / "src/key.txt").read_text() == "needle\n"


@in_a_sandbox
@pytest.mark.parametrize("choice", HIDING)
def test_what_has_gone_meanwhile_is_in_nobodys_way(tree: Path, choice: str) -> None:
    places = withheld_places([tree], ["secrets/**", "src/key.txt"])
    with held(choice, tree, unreadable=places) as box:
        assert "here" in box("echo here")
        (tree / "src/key.txt").unlink()
        (tree / "secrets").rename(tree.parent / "gone")
        assert "here" in box("echo here")
    assert not (tree / "secrets").exists()
    assert not (tree / "src/key.txt").exists()


# --- laws -------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "ab", "A", "é"])
GLOBS = st.lists(st.sampled_from(["*", "**", "a", "a*", "?", "[ab]", "É"]), min_size=1, max_size=4)


@given(GLOBS, st.lists(NAMES, min_size=1, max_size=4))
def test_going_down_folder_by_folder_finds_what_the_whole_path_matches(
    glob: list[str], path: list[str]
) -> None:
    pattern = "/".join(glob)
    left = frozenset([parts_of(pattern)])
    for name in path:
        left = within(left, name)
    assert is_met(left) == matches_path(pattern.casefold(), "/".join(path).casefold())
    if is_met_below(left):
        assert matches_path(pattern.casefold(), "/".join([*path, "x", "y"]).casefold())
