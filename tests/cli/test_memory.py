"""``akmon memory``: what it lists, finds, shows and deletes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def keep(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def project(place: Place) -> Path:
    return place.project / ".akmon" / "memory"


def user(place: Place) -> Path:
    return place.home / ".local" / "share" / "akmon" / "memory"


def test_without_notes_there_is_nothing_to_list(place: Place) -> None:
    ran = place.akmon("memory")
    assert (ran.code, ran.out, ran.err) == (0, "", "no notes yet\n")
    ran = place.akmon("memory", "search", "x")
    assert (ran.code, ran.out, ran.err) == (0, "", "no note has any of these words\n")
    assert not project(place).exists()
    assert not user(place).exists()


def test_notes_of_both_places_are_listed_and_found(place: Place) -> None:
    keep(project(place), "build.md", "# Build\n\nRun make.\nThen the wheels.\n")
    keep(user(place), "style.md", "# Style\n\nNo tabs.\n")
    ran = place.akmon("memory", "list")
    assert (ran.code, sorted(ran.out.splitlines())) == (0, ["project: Build", "user: Style"])
    assert place.akmon("memory", "search", "wheels", "nothing").out == (
        "project: Build\n    Then the wheels.\n"
    )


def test_the_project_is_found_from_a_folder_below(place: Place) -> None:
    (place.project / ".git").mkdir()
    (place.project / "src").mkdir()
    keep(project(place), "a.md", "# a\n\nx\n")
    assert place.akmon("memory", "list", cwd=place.project / "src").out == "project: a\n"
    assert place.akmon("memory", "-C", str(place.project), "list", cwd=place.folder).out == "project: a\n"


def test_the_data_folder_of_the_desktop_standard_is_respected(place: Place) -> None:
    keep(place.folder / "data" / "akmon" / "memory", "a.md", "# a\n\nx\n")
    env = {"XDG_DATA_HOME": str(place.folder / "data")}
    assert place.akmon("memory", "list", env=env).out == "user: a\n"


def test_a_note_is_shown_with_nothing_that_steers_the_terminal(place: Place) -> None:
    keep(project(place), "a.md", "# How to\n\n\x1b]0;x\x07red\u202e\n")
    assert place.akmon("memory", "show", "How to").out == "# How to\n\nred<U+202E>\n"


def test_a_note_is_deleted_by_its_title(place: Place) -> None:
    file = keep(project(place), "a.md", "# How to\n\nx\n")
    ran = place.akmon("memory", "delete", "How to")
    assert (ran.code, ran.err) == (0, "deleted project: How to\n")
    assert not file.exists()


def test_a_title_in_both_places_needs_to_be_told_apart(place: Place) -> None:
    mine = keep(project(place), "a.md", "# a\n\nproject\n")
    theirs = keep(user(place), "a.md", "# a\n\nuser\n")
    ran = place.akmon("memory", "delete", "a")
    assert (ran.code, ran.err) == (
        2,
        "akmon: there are two notes called 'a'. Say which one: --project or --user.\n",
    )
    assert place.akmon("memory", "show", "a", "--user").out == "# a\n\nuser\n"
    assert place.akmon("memory", "delete", "a", "--user").code == 0
    assert mine.exists()
    assert not theirs.exists()


def test_a_title_that_there_is_not_is_an_error_with_similar_ones(place: Place) -> None:
    keep(user(place), "a.md", "# How to build\n\nx\n")
    ran = place.akmon("memory", "show", "How to biuld")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "akmon: there is no note called 'How to biuld'. Similar titles: How to build.\n"
    ran = place.akmon("memory", "show", "How to build", "--project")
    assert (ran.code, ran.err) == (1, "akmon: there is no project note called 'How to build'.\n")
