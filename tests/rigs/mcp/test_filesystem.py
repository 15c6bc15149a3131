"""server-filesystem through the client: it works on the folders that it was given, and on no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.mcp import npm
from tests.tools.mcp.talks import Talk, talking, text_of

pytestmark = pytest.mark.skipif(bool(npm.missing()), reason=npm.missing())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    (folder / "notes.txt").write_text("one\ntwo\nthree\n")
    return folder


@pytest.fixture
def talk(project: Path) -> Iterator[Talk]:
    """It is given no folder on its command line, but learns of the workspace from the client."""
    with talking(npm.filesystem(), project) as talk:
        yield talk


def test_it_works_on_the_folders_that_the_client_names(talk: Talk, project: Path) -> None:
    assert text_of(talk.eventually("list_directory", {"path": str(project)})) == "[FILE] notes.txt"
    read = talk.call("read_text_file", {"path": str(project / "notes.txt"), "head": 2})
    assert text_of(read) == "one\ntwo"
    talk.call("write_file", {"path": str(project / "new.txt"), "content": "Grüße\n"})
    assert (project / "new.txt").read_text() == "Grüße\n"
    edits = [{"oldText": "two", "newText": "2"}]
    diff = text_of(talk.call("edit_file", {"path": str(project / "notes.txt"), "edits": edits}))
    assert "+2" in diff
    assert (project / "notes.txt").read_text() == "one\n2\nthree\n"


def test_what_lies_elsewhere_is_refused_by_it(talk: Talk, project: Path) -> None:
    (project.parent / "secret.txt").write_text("CANARY")
    result = talk.call("read_text_file", {"path": str(project.parent / "secret.txt")})
    assert result.is_error
    assert "CANARY" not in text_of(result)


def test_it_says_itself_which_of_its_tools_only_read(talk: Talk) -> None:
    reads_only = {tool.name: tool.reads_only for tool in talk.connection.listing.tools}
    assert reads_only["read_text_file"]
    assert reads_only["list_directory"]
    assert not reads_only["write_file"]
    assert not reads_only["edit_file"]


def test_a_folder_that_is_not_there_is_said_by_its_end(project: Path) -> None:
    talk = Talk(npm.filesystem(project / "missing"), project)
    try:
        talk.connect()
        assert talk.connection.state == "failed"
        assert talk.connection.detail
    finally:
        talk.close()
