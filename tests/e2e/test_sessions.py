"""Sessions: going on with one, listing, showing, exporting and deleting them."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from akmon_core.messages import Assistant
from tests.e2e.program import Place, sound

COUNTS = "say first\n---\nsay second\n---\nsay third\n---\nrepeat forever\nsay more"


def ids(place: Place) -> list[str]:
    return [journal.stem for journal in place.journals()]


def test_continue_takes_the_last_used_session(place: Place) -> None:
    assert place.play(COUNTS, "one").out == "first\n"
    assert place.play(COUNTS, "other").out == "first\n"
    assert place.play(COUNTS, "two", "-c").out == "second\n"
    assert place.play(COUNTS, "three", "--continue").out == "third\n"
    assert sorted(sound(journal).turn for journal in place.journals()) == [1, 3]


def test_a_session_is_resumed_by_id_start_of_the_id_or_name(place: Place) -> None:
    place.play(COUNTS, "one", "--name", "my work")
    (own,) = ids(place)
    place.play(COUNTS, "elsewhere")
    assert place.play(COUNTS, "two", "-r", own).out == "second\n"
    assert place.play(COUNTS, "three", "--resume", own[:-1]).out == "third\n"
    assert place.play(COUNTS, "four", "-r", "my work").out == "more\n"
    assert len(ids(place)) == 2


def test_a_resumed_session_keeps_its_model_and_mode(place: Place) -> None:
    place.play(COUNTS, "one", "--permission-mode=accept-edits")
    ran = place.akmon("-p", "two", "-c", "--output=json")
    assert (ran.code, ran.json["result"]) == (0, "second")
    assert ran.json["model"].endswith("model-1.script")
    assert sound(place.journal()).mode == "accept-edits"
    assert place.akmon("-p", "three", "-c", "--permission-mode=plan").code == 0
    assert sound(place.journal()).mode == "plan"


def test_the_model_of_a_resumed_session_can_be_changed(place: Place) -> None:
    place.play(COUNTS, "one")
    assert place.play("repeat forever\nsay another model", "two", "-c").out == "another model\n"
    assert sound(place.journal()).model.endswith("model-2.script")


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("2", "'2' means more than one session: "),
        ("twin", "'twin' means more than one session: "),
        ("absent", "no session of this project is called 'absent'. See them with: akmon sessions list"),
        ("../../etc/passwd", "no session of this project is called '../../etc/passwd'"),
        ("*", "no session of this project is called '*'"),
    ],
)
def test_what_means_no_or_several_sessions_is_refused(place: Place, wanted: str, problem: str) -> None:
    for _ in range(2):
        place.play(COUNTS, "one", "--name", "twin")
    for arguments in (
        ("-p", "x", "-r", wanted),
        ("sessions", "show", wanted),
        ("sessions", "delete", wanted),
    ):
        ran = place.akmon(*arguments, env={"AKMON_MODEL": place.script(COUNTS)})
        assert (ran.code, ran.out) == (1, "")
        assert problem in ran.err
        if "more than one" in problem:
            assert all(session in ran.err for session in ids(place))


def test_without_any_session_there_is_nothing_to_continue(place: Place) -> None:
    ran = place.play(COUNTS, "x", "-c", "--output=json")
    assert ran.code == 1
    assert "there is no session of this project yet" in ran.json["error"]
    assert place.journals() == []
    listing = place.akmon("sessions")
    assert (listing.code, listing.out) == (0, "")
    assert listing.err == "no sessions of this project yet\n"


def test_sessions_belong_to_their_project(place: Place) -> None:
    other = place.folder / "other" / "project"
    other.mkdir(parents=True)
    place.play(COUNTS, "one")
    assert place.play(COUNTS, "x", "-c", cwd=other).code == 1
    assert place.akmon("sessions", cwd=other).out == ""
    assert len(place.akmon("sessions", "-C", str(place.project), cwd=other).out.splitlines()) == 1


def test_the_list_shows_last_used_first_with_names_and_prompts(place: Place) -> None:
    place.play(COUNTS, "the first\nprompt", "--name", "mine")
    place.play(COUNTS, "x" * 200)
    place.play(COUNTS, "again", "-r", "mine")
    first, second = place.akmon("sessions", "list").out.splitlines()
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]+  \d{4}-\d\d-\d\d \d\d:\d\d  \[mine\] the first prompt", first)
    assert second.endswith("x" * 59 + "…")
    rows = json.loads(place.akmon("sessions", "list", "--json").out)
    assert [row["name"] for row in rows] == ["mine", ""]
    assert {
        "id",
        "path",
        "started",
        "changed",
        "name",
        "provider",
        "model",
        "effort",
        "cwd",
        "prompt",
    } == set(rows[0])


def test_show_tells_what_happened_and_that_the_chain_holds(place: Place) -> None:
    place.play("call list {}\n---\nsay the answer", "a question", "--name", "mine")
    shown = place.akmon("sessions", "show").out
    (journal,) = place.journals()
    for line in (
        f"session   {journal.stem}  [mine]",
        f"folder    {place.project}",
        "prompt    a question",
        "turns     1",
        "replies   2",
        "calls     1",
        f"journal   {journal} (chain intact)",
        "\nthe answer",
    ):
        assert line in shown


def test_show_notices_a_journal_that_was_changed(place: Place) -> None:
    place.play("say the answer", "a question")
    journal = place.journal()
    journal.write_bytes(journal.read_bytes().replace(b"a question", b"another one"))
    assert "changed from outside at record" in place.akmon("sessions", "show").out


def test_export_gives_markdown_json_and_html(place: Place) -> None:
    script = 'call shell {"command": "echo ``` \\"<b>\\""}\n---\nsay # heading <script>'
    place.play(script, "ask <i>", "--permission-mode=full-auto")
    markdown = place.akmon("sessions", "export").out
    assert "## User\n\nask <i>\n" in markdown
    assert "## akmon\n\n# heading <script>\n" in markdown
    assert '````\n{"command": "echo ``` \\"<b>\\""}\n````' in markdown
    page = place.akmon("sessions", "export", "--format", "html").out
    assert "<script>" not in page
    assert html.escape(markdown) in page
    exported = json.loads(place.akmon("sessions", "export", "--format=json").out)
    lines = place.journal().read_text().splitlines()
    assert exported["session_id"] == place.journal().stem
    assert exported["records"] == [json.loads(line) for line in lines]


def test_deleting_needs_a_yes_and_an_id(place: Place) -> None:
    place.play(COUNTS, "one")
    (own,) = ids(place)
    unsure = place.akmon("sessions", "delete", own)
    assert (unsure.code, ids(place)) == (2, [own])
    assert f"deleting {own} is for good. Confirm it with --yes." in unsure.err
    for wanted in ([], [""]):
        assert place.akmon("sessions", "delete", "--yes", *wanted).code == 2
    assert ids(place) == [own]
    sure = place.akmon("sessions", "delete", own, "--yes")
    assert (sure.code, sure.out, sure.err) == (0, "", f"deleted {own}\n")
    assert ids(place) == []


def test_journals_are_private(place: Place) -> None:
    place.play(COUNTS, "one")
    journal = place.journal()
    assert journal.stat().st_mode & 0o777 == 0o600
    assert journal.parent.stat().st_mode & 0o777 == 0o700


def cuts(journal: Path) -> list[int]:
    """Sizes at which to cut a journal: through each record, behind each, and between."""
    ends, size = [], 0
    for line in journal.read_bytes().splitlines(keepends=True):
        ends += [size + len(line) // 2, size + len(line) - 1, size + len(line)]
        size += len(line)
    return ends


def test_a_journal_cut_anywhere_can_be_resumed(place: Place) -> None:
    script = 'say look\ncall list {}\ncall shell {"command": "true"}\n---\nrepeat forever\nsay done'
    place.play(script, "one", "--permission-mode=full-auto")
    journal = place.journal()
    whole = journal.read_bytes()
    records = len(whole.splitlines())
    prompted = len(b"".join(whole.splitlines(keepends=True)[: 4 if b"mode_changed" in whole else 3]))
    tried = [cut for cut in cuts(journal) if cut >= prompted]
    assert len(tried) > records
    for cut in tried[::2]:
        journal.write_bytes(whole[:cut])
        ran = place.akmon("-p", "go on", "-c")
        assert (ran.code, ran.out) == (0, "done\n")
        last = sound(journal).history[-1]
        assert isinstance(last, Assistant)
        assert last.text == "done"


def test_a_journal_of_a_later_version_keeps_its_unknown_records(place: Place) -> None:
    place.play(COUNTS, "one")
    journal = place.journal()
    last = json.loads(journal.read_text().splitlines()[-1])
    last["event"] = {"type": "from_the_future", "x": [1, {"y": None}]}
    last["seq"] += 1
    with journal.open("a") as file:
        file.write(json.dumps(last) + "\n")
    assert place.play(COUNTS, "two", "-c").out == "second\n"
    assert '"from_the_future"' in journal.read_text()
    assert place.akmon("sessions", "show").code == 0
