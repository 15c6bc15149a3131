"""``akmon spec`` from a wish to done tasks, each phase a real process."""

from __future__ import annotations

from typing import Any

import pytest

from akmon_core.messages import User
from tests.e2e.program import Place, Ran, sound
from tests.e2e.terminal import opened
from tests.e2e.test_conversation import ended

REQUIREMENTS = "# Hello\n\n- R-1 It greets.\n"
DESIGN = "# Design\n\nhello.txt greets (R-1).\n"
TASKS = "# Tasks\n\n## Files\n\n- [ ] T-1 Write hello.txt (R-1)\n      in one line\n- [ ] T-2 Write bye.txt\n"
TEXTS = {"requirements": REQUIREMENTS, "design": DESIGN, "tasks": TASKS}
EDITS = ("--permission-mode", "accept-edits")


def says(*texts: str) -> str:
    return "\n---\n".join(f"say <<END\n{text}\nEND" for text in texts)


def writes(name: str, answer: str = "It is there.") -> str:
    return f'call write {{"path": "{name}", "content": "x\\n"}}\n---\nsay {answer}'


def put(place: Place, *documents: str) -> None:
    folder = place.project / ".akmon" / "specs" / "hello"
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents:
        (folder / f"{document}.md").write_text(TEXTS[document])


def text(place: Place, document: str) -> str:
    return (place.project / ".akmon" / "specs" / "hello" / f"{document}.md").read_text()


def spec(place: Place, script: str, *arguments: str, **how: Any) -> Ran:
    return place.akmon("spec", "hello", *arguments, "-m", place.script(script), **how)


def asked(place: Place) -> str:
    """What a person, or akmon in a person's place, asked first in the last session."""
    history = sound(place.newest()).history
    return next(each.text for each in history if isinstance(each, User) and each.by == "person")


def test_a_feature_goes_from_a_wish_to_done_tasks_with_a_person_between_the_phases(place: Place) -> None:
    ran = spec(place, says(REQUIREMENTS), "-d", "say hello")
    assert (ran.code, ran.out) == (0, ".akmon/specs/hello/requirements.md\n")
    assert ran.err.endswith("change what you like, then: akmon spec hello design\n")
    assert text(place, "requirements") == REQUIREMENTS
    assert "say hello" in asked(place)

    ran = spec(place, says(DESIGN))
    assert (ran.code, text(place, "design")) == (0, DESIGN)
    assert "R-1 It greets." in asked(place)

    ran = spec(place, says(TASKS))
    assert (ran.code, text(place, "tasks")) == (0, TASKS)
    assert "hello.txt greets (R-1)." in asked(place)

    ran = spec(place, writes("hello.txt"), "-p", *EDITS)
    assert (ran.code, ran.out) == (0, "It is there.\n")
    assert text(place, "tasks") == TASKS.replace("[ ] T-1", "[x] T-1")
    assert "T-1 is done, 1 of 2 tasks in all. Next: akmon spec hello implement" in ran.err
    prompt = asked(place)
    assert "## Files" in prompt
    assert "in one line" in prompt
    assert ".akmon/specs/hello/requirements.md" in prompt
    assert "It greets" not in prompt
    assert "bye.txt" not in prompt

    ran = spec(place, writes("bye.txt"), "implement", "-p", *EDITS)
    assert (ran.code, text(place, "tasks").count("[x]")) == (0, 2)
    assert ran.err.endswith("2 of 2 tasks in all. Next: nothing: every task is done\n")
    assert place.akmon("spec", "hello").out.endswith("nothing: every task is done\n")
    assert place.akmon("spec").out == "hello  next: nothing, 2 of 2 tasks done\n"


def test_a_document_is_made_without_changing_anything_else(place: Place) -> None:
    sly = 'call write {"path": "sly.txt", "content": "x"}\ncall shell {"command": "touch sly"}'
    script = f"{sly}\n---\n{says(REQUIREMENTS)}"
    ran = spec(place, script, "-d", "x", "--allow", "write", "--allow", "shell")
    assert (ran.code, text(place, "requirements")) == (0, REQUIREMENTS)
    assert [path.name for path in place.project.iterdir()] == [".akmon"]
    assert [path.name for path in (place.project / ".akmon").iterdir()] == ["specs"]


def test_an_answer_that_is_no_list_of_tasks_is_asked_for_once_more(place: Place) -> None:
    put(place, "requirements", "design")
    ran = spec(place, says("I would write files.", TASKS))
    assert (ran.code, text(place, "tasks")) == (0, TASKS)
    ran = spec(place, says("I would.", "I really would."), "tasks", "--redo", "--output-format=json")
    assert (ran.code, ran.json["exit_reason"]) == (1, "error")
    assert "it has no task" in ran.json["error"]
    assert text(place, "tasks") == TASKS


def test_a_document_made_anew_keeps_the_old_one_and_tells_the_model_of_it(place: Place) -> None:
    put(place, "requirements", "design")
    ran = spec(place, says("# Better"), "design")
    assert (ran.code, text(place, "design")) == (2, DESIGN)
    assert "--redo" in ran.err
    ran = spec(place, says("# Better"), "design", "--redo", "-d", "no files")
    assert (ran.code, text(place, "design")) == (0, "# Better\n")
    assert (place.project / ".akmon/specs/hello/design.md.bak").read_text() == DESIGN
    assert "no files" in asked(place)
    assert "hello.txt greets" in asked(place)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["hello"], "say what the feature is"),
        (["hello", "design"], "design comes later. First: akmon spec hello -d"),
        (["hello", "implement"], "there are no tasks yet"),
        (["hello", "--redo", "implement"], "--redo makes a document anew"),
        (["hello", "-d", "x", *EDITS], "--permission-mode goes with implement"),
        (["../evil", "-d", "x"], "is no name for a feature"),
        (["Hello", "-d", "x"], "is no name for a feature"),
        (["tasks"], "name the feature first"),
        (["hello", "testing"], "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_begun(
    place: Place, arguments: list[str], problem: str
) -> None:
    ran = place.akmon("spec", *arguments, "-m", place.script("say no"))
    assert (ran.code, ran.out, place.journals()) == (2, "", [])
    assert problem in ran.err
    assert list(place.project.iterdir()) == []


def test_a_link_that_leads_out_of_the_project_is_not_followed(place: Place) -> None:
    put(place)
    mine = place.folder / "mine.md"
    mine.write_text("mine")
    (place.project / ".akmon/specs/hello/requirements.md").symlink_to(mine)
    ran = spec(place, says(DESIGN), "design")
    assert ran.code == 1
    assert "outside the project" in ran.err
    ran = spec(place, says(REQUIREMENTS), "requirements", "--redo", "-d", "x")
    assert (ran.code, mine.read_text()) == (1, "mine")


@pytest.mark.parametrize(
    ("script", "arguments", "code"),
    [
        (writes("hello.txt", "I had no time.\nsay T-1: not done"), EDITS, 0),
        (writes("hello.txt"), (), 3),
        ('repeat forever\ncall list {"path": "."}', ("--max-turns", "2"), 4),
        ("error 400 no", (), 1),
    ],
)
def test_a_task_that_is_not_done_is_not_ticked(
    place: Place, script: str, arguments: tuple[str, ...], code: int
) -> None:
    put(place, "requirements", "design", "tasks")
    ran = spec(place, script, "-p", *arguments)
    assert (ran.code, text(place, "tasks")) == (code, TASKS)
    assert "T-1 is not ticked in .akmon/specs/hello/tasks.md" in ran.err


def test_a_task_is_not_done_in_plan_mode(place: Place) -> None:
    put(place, "requirements", "design", "tasks")
    ran = spec(place, "say done", "-p", env={"AKMON_PERMISSION_MODE": "plan"})
    assert (ran.code, text(place, "tasks"), place.journals()) == (2, TASKS, [])
    assert "permission_mode is plan (environment AKMON_PERMISSION_MODE)" in ran.err


def test_a_box_that_the_person_ticks_meanwhile_stays_ticked_and_nothing_else_is(place: Place) -> None:
    put(place, "requirements", "design", "tasks")
    path = place.project / ".akmon/specs/hello/tasks.md"
    ticks = f'call shell {{"command": "sed -i \'s/. . T-1/[x] T-1/\' {path}"}}\n---\nsay done'
    ran = spec(place, ticks.replace(". . T-1", "\\\\[ \\\\] T-1"), "-p", "--allow", "shell")
    assert (ran.code, text(place, "tasks")) == (0, TASKS.replace("[ ] T-1", "[x] T-1"))


def test_in_a_terminal_the_person_allows_what_a_task_does(place: Place) -> None:
    put(place, "requirements", "design", "tasks")
    arguments = ("spec", "hello", "-m", place.script(writes("hello.txt")))
    with opened(arguments, place.project, place.env) as terminal:
        terminal.sees("hello.txt")
        terminal.answers("y")
        terminal.sees("It is there.")
        ended(place, 1)
        terminal.press("\x04")
        terminal.sees("T-1 is done")
        assert terminal.ends() == 0
    assert "[x] T-1" in text(place, "tasks")
