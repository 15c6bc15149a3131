"""What is typed outlives a crash, and can be written in the person's own editor."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from akmon_core.errors import AkmonError
from akmon_tui.composer.drafts import Draft
from akmon_tui.composer.external import edit_externally
from akmon_tui.composer.keeping import Keeping
from akmon_tui.composer.prompt import Composer

KILLED = """
import os, signal, sys
from pathlib import Path
from akmon_tui.composer.drafts import Draft
Draft(Path(sys.argv[1]), "killed").save("half a thou\\nght é")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_draft_comes_back_in_its_session(tmp_path: Path) -> None:
    first = Draft(tmp_path / "drafts", "one")
    first.save("half")
    first.save("half a thought\udcff")
    first.close()
    assert Draft(tmp_path / "drafts", "one").load() == "half a thought\ufffd"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "drafts").iterdir()] == [0o600]


def test_what_is_sent_or_deleted_is_no_draft(tmp_path: Path) -> None:
    draft = Draft(tmp_path, "one")
    draft.save("half")
    draft.save(" \n")
    draft.forget()
    assert Draft(tmp_path, "one").load() == ""
    assert list(tmp_path.iterdir()) == []


def test_a_killed_session_leaves_its_draft_to_the_next_one(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode != 0
    following = Draft(tmp_path, "next")
    assert following.load() == "half a thou\nght é"
    assert Draft(tmp_path, "a third").load() == ""
    following.forget()
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_lives_keeps_its_draft(tmp_path: Path) -> None:
    living = Draft(tmp_path, "living")
    living.save("mine")
    assert Draft(tmp_path, "other").load() == ""
    living.save("still mine")
    assert Draft(tmp_path, "other").load() == ""
    living.close()
    assert Draft(tmp_path, "other").load() == "still mine"


def test_of_several_drafts_the_last_one_is_taken(tmp_path: Path) -> None:
    for at, name in enumerate(("older", "newer")):
        draft = Draft(tmp_path, name)
        draft.save(name)
        draft.close()
        os.utime(tmp_path / f"{name}.draft", (at, at))
    assert Draft(tmp_path, "next").load() == "newer"


def test_a_folder_that_takes_no_draft_is_harmless_and_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    draft = Draft(tmp_path / "file", "one")
    draft.save("half")
    assert draft.load() == ""
    assert "file" in draft.lost
    draft.forget()


def test_what_is_typed_is_kept_for_the_next_session_until_it_is_sent(tmp_path: Path) -> None:
    async def type_and_leave() -> None:
        composer = Composer()
        keeping = Keeping(composer, tmp_path)
        assert not keeping.begin("one")
        composer.paste("x\n" * 50)
        keeping.close()

    async def find_and_send() -> str:
        composer = Composer()
        keeping = Keeping(composer, tmp_path)
        assert keeping.begin("two")
        found = composer.take().text
        keeping.close()
        return found

    asyncio.run(type_and_leave())
    assert asyncio.run(find_and_send()) == "x\n" * 50
    assert list(tmp_path.iterdir()) == []


def test_a_draft_does_not_take_the_place_of_what_is_typed_already(tmp_path: Path) -> None:
    left = Draft(tmp_path, "one")
    left.save("old")
    left.close()
    composer = Composer()
    composer.stage("new")
    keeping = Keeping(composer, tmp_path)
    assert not keeping.begin("two")
    assert composer.text == "new"
    keeping.close()
    assert Draft(tmp_path, "two").load() == "new"


def _editor(folder: Path, code: str) -> dict[str, str]:
    script = folder / "my editor.py"
    script.write_text(f"import sys\nfrom pathlib import Path\nfile = Path(sys.argv[-1])\n{code}\n")
    return {"EDITOR": f"{sys.executable} '{script}' --wait"}


def test_the_editor_gets_the_text_in_a_private_file_and_gives_it_back(tmp_path: Path) -> None:
    note = tmp_path / "note"
    code = f"""
import stat
assert file.read_text() == "one é"
Path({str(note)!r}).write_text(f"{{file}} {{stat.S_IMODE(file.stat().st_mode):o}} {{sys.argv[1]}}")
file.write_text("two é\\n\\n")
"""
    assert edit_externally("one é", _editor(tmp_path, code)) == "two é\n"
    name, mode, argument = note.read_text().split()
    assert (name.endswith(".md"), mode, argument) == (True, "600", "--wait")
    assert not Path(name).exists()


def test_visual_goes_before_editor(tmp_path: Path) -> None:
    environment = _editor(tmp_path, "file.write_text('new')")
    assert edit_externally("old", {"VISUAL": environment["EDITOR"], "EDITOR": "false"}) == "new"


def test_an_editor_that_fails_changes_nothing(tmp_path: Path) -> None:
    assert edit_externally("old", _editor(tmp_path, "file.write_text('new'); sys.exit(1)")) is None


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"EDITOR": "no-such-editor-here"}, "no-such-editor-here could not be used"),
        ({"EDITOR": "vi 'x"}, "EDITOR cannot be read as a command"),
        ({"PATH": ""}, "Set VISUAL or EDITOR"),
    ],
)
def test_an_editor_that_is_not_there_is_said_in_words(environment: dict[str, str], said: str) -> None:
    with pytest.raises(AkmonError, match=said):
        edit_externally("old", environment)
