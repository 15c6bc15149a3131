"""Notes that outlive a session: kept, found, shown before they are kept, and hostile ones survived."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from akmon_core.errors import ArgumentsError, ToolError
from akmon_core.limits import NOTE_BYTES, NOTES, TITLE_CHARS
from akmon_core.tools import DiffView
from akmon_tools.notes import Note, Notes, Scope, clean_title, index, notes_of
from akmon_tools.registry import builtin_tools
from akmon_tools.workspace import Workspace


def save(hands: Any, title: str, text: str, scope: Scope = "project") -> Any:
    return hands("memory", action="save", title=title, text=text, scope=scope)


def folder(hands: Any) -> Path:
    path: Path = hands.root / ".akmon" / "memory"
    path.mkdir(parents=True, exist_ok=True)
    return path


def kept(hands: Any) -> list[str]:
    """The names of the project's notes."""
    return sorted(path.name for path in folder(hands).iterdir())


def test_a_note_is_a_markdown_file_named_after_its_title(hands: Any) -> None:
    output = save(hands, "How to  build: it!", "Run `make`.\n\n")
    assert output.text == "Kept project: How to build: it!."
    assert output.summary == "kept project: How to build: it!"
    assert output.view == DiffView(
        ".akmon/memory/how-to-build-it.md",
        "@@ -0,0 +1,3 @@\n+# How to build: it!\n+\n+Run `make`.",
        added=3,
        removed=0,
    )
    file = hands.root / ".akmon" / "memory" / "how-to-build-it.md"
    assert file.read_text() == "# How to build: it!\n\nRun `make`.\n"


def test_a_note_of_the_user_lies_in_the_users_folder(hands: Any) -> None:
    save(hands, "Style", "Tabs.", "user")
    assert (hands.user / "style.md").read_text() == "# Style\n\nTabs.\n"
    assert hands.names() == []
    assert hands("memory", action="list").text == "user: Style"


def test_saving_a_title_again_replaces_the_note_and_shows_the_difference_before(hands: Any) -> None:
    save(hands, "Build", "old\nsame")
    view = hands.preview("memory", action="save", title="Build", text="new\nsame")
    assert view is not None
    assert (view.path, view.added, view.removed) == (".akmon/memory/build.md", 1, 1)
    output = save(hands, "Build", "new\nsame")
    assert output.summary == "replaced project: Build"
    assert output.view == view
    assert kept(hands) == ["build.md"]
    assert (folder(hands) / "build.md").read_text() == "# Build\n\nnew\nsame\n"


def test_titles_that_make_the_same_file_name_are_notes_of_their_own(hands: Any) -> None:
    for title in ("a b", "A-b", "a  b?"):
        save(hands, title, title)
    assert kept(hands) == ["a-b-2.md", "a-b-3.md", "a-b.md"]
    save(hands, "A-b", "again")
    assert (folder(hands) / "a-b.md").read_text() == "# a b\n\na b\n"
    assert (folder(hands) / "a-b-2.md").read_text() == "# A-b\n\nagain\n"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc-passwd.md"),
        ("a/../b\\c", "a-b-c.md"),
        (".hidden", "hidden.md"),
        ("CON", "note-con.md"),
        ("com1", "note-com1.md"),
        ("!!!", "note.md"),
        ("部署", "部署.md"),
        ("x" * TITLE_CHARS, "x" * 50 + ".md"),
        ("a\x1b[31m\u202eb\nc", "a-u-202e-b-c.md"),
    ],
)
def test_no_title_makes_a_file_elsewhere_or_with_an_odd_name(hands: Any, title: str, name: str) -> None:
    save(hands, title, "x")
    assert hands.names() == [".akmon"]
    assert kept(hands) == [name]
    assert hands("memory", action="search", query=title).text.endswith("x")


def test_deleting_removes_the_file_and_shows_what_goes_before(hands: Any) -> None:
    save(hands, "Old", "x")
    view = hands.preview("memory", action="delete", title="Old")
    assert view is not None
    assert (view.added, view.removed) == (0, 3)
    assert hands("memory", action="delete", title="Old").text == "Deleted project: Old."
    assert kept(hands) == []


def test_a_title_that_there_is_not_is_answered_with_similar_ones(hands: Any) -> None:
    save(hands, "How to build", "x")
    save(hands, "Style", "x", "user")
    message = hands.refused("memory", action="delete", title="how to build it")
    assert message == "there is no project note called 'how to build it'. Similar titles: How to build."
    assert "no project note" in hands.refused("memory", action="delete", title="Style")
    assert hands.preview("memory", action="delete", title="Style") is None


def test_search_gives_the_lines_that_match_best_note_first(hands: Any) -> None:
    save(hands, "Deployment", "first\nsecond\nthe wheels go out\nlast")
    save(hands, "Tests", "the wheels are tested\nnothing else", "user")
    output = hands("memory", action="search", query="wheels deployment")
    assert output.summary == "2 notes"
    assert output.text == (
        "## project: Deployment (in part)\nthe wheels go out\n\n"
        "## user: Tests (in part)\nthe wheels are tested"
    )


def test_the_exact_title_gives_the_whole_note_first(hands: Any) -> None:
    save(hands, "wheels", "one\n\ntwo\nthree\nfour\nfive\nsix")
    save(hands, "All of the wheels, wheels", "wheels " * 20)
    text = hands("memory", action="search", query="wheels").text
    assert text.startswith("## project: wheels\none\n\ntwo\nthree\nfour\nfive\nsix\n\n## project: All")


def test_a_note_that_only_its_title_matches_shows_its_beginning(hands: Any) -> None:
    save(hands, "Release plan", "\n".join(f"line {number}" for number in range(20)))
    shown = hands("memory", action="search", query="release").text.split("\n")
    assert shown == ["## project: Release plan (in part)", *(f"line {number}" for number in range(5))]


def test_nothing_found_and_nothing_there_are_said(hands: Any) -> None:
    assert hands("memory", action="search", query="x").text == "No note has any of these words."
    assert hands("memory", action="list").text == "There are no notes."
    assert index(Notes(hands.root, hands.user)) == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action": "save", "title": "t"}, "save needs text"),
        ({"action": "save", "title": " ", "text": "\n"}, "save needs title and text"),
        ({"action": "search"}, "search needs query"),
        ({"action": "delete"}, "delete needs title"),
        ({"action": "list", "scope": "world"}, "Invalid enum value 'world'"),
    ],
)
def test_an_action_without_what_it_needs_is_refused(
    hands: Any, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(ArgumentsError, match=message):
        hands("memory", **arguments)


def test_a_note_that_is_too_large_is_refused_and_the_old_one_stays(hands: Any) -> None:
    save(hands, "a", "kept")
    assert "10,000 are the most" in hands.refused("memory", action="save", title="a", text="é" * 5_000)
    assert hands.preview("memory", action="save", title="a", text="x" * NOTE_BYTES) is None
    assert (folder(hands) / "a.md").read_text() == "# a\n\nkept\n"


def test_a_full_folder_takes_no_new_note_but_still_replaces_one(hands: Any) -> None:
    for number in range(NOTES):
        (folder(hands) / f"{number}.md").write_text(f"# {number}\n\nx\n")
    assert f"{NOTES} project notes already" in hands.refused("memory", action="save", title="new", text="x")
    assert save(hands, "7", "y").summary == "replaced project: 7"
    assert save(hands, "new", "x", "user").summary == "kept user: new"


def test_without_a_folder_of_the_user_there_are_only_the_projects_notes(hands: Any) -> None:
    hands.tools = {tool.name: tool for tool in builtin_tools(hands.workspace)}
    save(hands, "a", "x")
    assert hands("memory", action="list").text == "project: a"
    assert "use the scope project" in hands.refused(
        "memory", action="save", title="a", text="x", scope="user"
    )


# --- files that others made ---------------------------------------------------------------------------


def test_files_made_by_hand_are_notes_too(hands: Any) -> None:
    (folder(hands) / "Deploy Notes.md").write_bytes(b"\xef\xbb\xbfno heading\r\nhere \xff\n")
    (folder(hands) / "b.md").write_text("# Title of b\ntext")
    (folder(hands) / "ignored.txt").write_text("# Not a note\n")
    (folder(hands) / ".tmp.md").write_text("# Hidden\n")
    listed = hands("memory", action="list").text.split("\n")
    assert sorted(listed) == ["project: Deploy Notes", "project: Title of b"]
    assert hands("memory", action="search", query="Deploy Notes").text.endswith("no heading\nhere \ufffd")
    save(hands, "Deploy Notes", "new")
    assert (folder(hands) / "Deploy Notes.md").read_text() == "# Deploy Notes\n\nnew\n"


def test_a_large_file_is_read_only_in_part(hands: Any) -> None:
    (folder(hands) / "big.md").write_text("# big\n" + "x " * NOTE_BYTES + "\nthe end\n")
    assert hands("memory", action="search", query="end").summary == "0 notes"


def test_terminal_escapes_and_invisible_characters_are_made_visible(hands: Any) -> None:
    (folder(hands) / "evil.md").write_text("# ev\u202eil\x1b[2J\nrm\u200b \x1b]0;x\x07 text\n")
    for query in ("text", "ev\u202eil"):
        text = hands("memory", action="search", query=query).text
        assert "<U+202E>" in text
        assert not set(text) & set("\x1b\x07\u202e\u200b")
    assert hands("memory", action="list").text == "project: ev<U+202E>il"


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_no_link_is_followed_out_of_the_folder(hands: Any) -> None:
    (folder(hands) / "secret.md").symlink_to(hands.out / "secret.txt")
    os.mkfifo(folder(hands) / "pipe.md")
    (folder(hands) / "dir.md").mkdir()
    assert hands("memory", action="list").text == "There are no notes."
    assert save(hands, "secret", "x").summary == "kept project: secret"
    assert (hands.out / "secret.txt").read_text() == "CANARY\n"


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
@pytest.mark.parametrize("linked", [".akmon", ".akmon/memory"])
def test_a_folder_that_is_a_link_is_refused(hands: Any, linked: str) -> None:
    (hands.out / "memory").mkdir()
    (hands.out / "memory" / "a.md").write_text("# a\n\nCANARY\n")
    (hands.root / linked).parent.mkdir(exist_ok=True)
    (hands.root / linked).symlink_to(hands.out / "memory" if "/" in linked else hands.out)
    for arguments in (
        {"action": "list"},
        {"action": "save", "title": "a", "text": "x"},
        {"action": "delete", "title": "a"},
    ):
        assert "cannot read the project notes" in hands.refused("memory", **arguments)
    assert "cannot read the project notes" in index(Notes(hands.root))
    assert (hands.out / "memory" / "a.md").read_text() == "# a\n\nCANARY\n"


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_the_users_own_folder_may_be_a_link(hands: Any) -> None:
    (hands.root.parent / "dotfiles").mkdir()
    hands.user.parent.mkdir()
    hands.user.symlink_to(hands.root.parent / "dotfiles")
    save(hands, "a", "x", "user")
    assert (hands.root.parent / "dotfiles" / "a.md").exists()
    assert hands("memory", action="list").text == "user: a"


# --- what the model is told at the start ----------------------------------------------------------------


def test_the_index_names_the_last_changed_first_within_its_cap(tmp_path: Path) -> None:
    notes = Notes(tmp_path, tmp_path / "user")
    for number in range(60):
        note, _ = notes.draft("user" if number % 2 else "project", f"note number {number}", "x")
        notes.save(note)
        os.utime(tmp_path / notes.path(note), (number, number))
    rows = index(notes).split("\n")
    assert rows[:2] == ["user: note number 59", "project: note number 58"]
    assert rows[-1] == f"and {60 - len(rows) + 1} more"
    assert 900 < len("\n".join(rows)) < 1_020
    assert len(index(notes, 10_000).split("\n")) == 60


def test_the_project_is_the_folder_with_the_git_entry_or_else_the_working_folder(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    deep = root / "repo" / "src"
    deep.mkdir(parents=True)

    def place(roots: list[Path]) -> list[str]:
        note = Note("project", "a", "x", "a.md")
        notes_of(Workspace(roots, deep)).save(note)
        found = [path.relative_to(root).as_posix() for path in root.rglob("a.md")]
        for path in root.rglob("a.md"):
            path.unlink()
        return found

    assert place([root]) == ["repo/src/.akmon/memory/a.md"]
    (root / "repo" / ".git").mkdir()
    assert place([root]) == ["repo/.akmon/memory/a.md"]
    assert place([deep, root / "repo"]) == ["repo/.akmon/memory/a.md"]
    assert place([deep]) == ["repo/src/.akmon/memory/a.md"]


@example(title="a", text="b\r")
@example(title="a", text="\r\r\nb\r\r\n")
@example(title="# a", text="# b")
@given(
    title=st.text(min_size=1, max_size=TITLE_CHARS).filter(clean_title),
    text=st.text(min_size=1, max_size=500),
)
def test_what_is_saved_is_found_again_under_its_title(
    tmp_path_factory: pytest.TempPathFactory, title: str, text: str
) -> None:
    notes = Notes(tmp_path_factory.mktemp("project"))
    note, before = notes.draft("project", title, text)
    assert before is None
    notes.save(note)
    (found,) = notes.all()
    assert found.title == clean_title(title) == clean_title(clean_title(title))
    assert found.text == note.text
    assert notes.draft("project", title, "")[1] == found
    notes.delete("project", title)
    with pytest.raises(ToolError):
        notes.find("project", title)
