"""Walks in a real terminal through what a person can do with the line that they type."""

from __future__ import annotations

import re

from akmon_core.messages import User
from tests.e2e.program import Place, sound, wait_for
from tests.e2e.test_screen_walks import finished, users
from tests.e2e.tmux import needs_tmux, pane, walk

pytestmark = needs_tmux

EVER = "repeat forever\nsay ok"
WAITS = """\
call shell {"command": "until [ -e go ]; do sleep 0.05; done"}
---
say First.
---
repeat forever
say Then."""


def test_ten_thousand_lines_are_pasted_folded_and_sent_whole(place: Place) -> None:
    text = "\n".join(f"line {number} of many" for number in range(10_000))
    with walk(place, EVER) as shown:
        shown.types("look: ")
        shown.paste(text)
        shown.sees(r"> look: \[.*10,000 lines.*\]")
        shown.types(" thanks")
        shown.sees("thanks")
        assert "line 5 of many" not in shown.screen
        shown.press("Enter")
        shown.sees("ok")
        journal = finished(place)
        assert shown.quits() == 0
        assert len(shown.everything.splitlines()) < 100
    assert users(journal) == [f"look: {text} thanks"]


def test_what_is_queued_is_taken_back_or_said_afterwards(place: Place) -> None:
    with walk(place, WAITS, "--permission-mode=full-auto") as shown:
        shown.enters("begin")
        shown.sees("Running shell")
        for text in ("second thing", "third thing"):
            shown.types(text)
            shown.press("Tab")
            shown.sees(f"waits: {text}")
        shown.press("Up")
        shown.sees("> third thing")
        shown.sees_no_more("waits: third")
        shown.press("C-c")
        shown.sees_no_more("third thing")
        (place.project / "go").touch()
        shown.sees("Then.")
        journal = finished(place, 2)
        assert shown.quits() == 0
    assert users(journal) == ["begin", "second thing"]


def test_what_is_entered_while_a_turn_runs_steers_it(place: Place) -> None:
    with walk(place, WAITS, "--permission-mode=full-auto") as shown:
        shown.enters("begin")
        shown.sees("Running shell")
        shown.enters("use a set")
        shown.sees("> use a set|use a set\n")
        shown.sees(r"(?m)^>$")
        (place.project / "go").touch()
        shown.sees("First.")
        journal = finished(place)
        assert shown.quits() == 0
        assert shown.screen.count("use a set") == 1
    assert users(journal) == ["begin", "use a set"]


def test_interrupted_with_something_queued_it_is_back_in_the_line(place: Place) -> None:
    with walk(place, WAITS, "--permission-mode=full-auto") as shown:
        shown.enters("begin")
        shown.sees("Running shell")
        shown.types("and then")
        shown.press("Tab")
        shown.sees("waits: and then")
        shown.press("Escape")
        shown.sees("Interrupted")
        shown.sees("> and then")
        journal = finished(place)
        shown.press("Enter")
        finished(place, 2)
        assert shown.quits() == 0
    assert users(journal) == ["begin", "and then"]


def test_modes_are_gone_through_by_a_key(place: Place) -> None:
    with walk(place, EVER) as shown:
        for mode in ("accept-edits", "plan", "default"):
            shown.press("BTab")
            shown.sees(rf" · +{mode} +· [^\n]*\Z")
        assert shown.quits() == 0


def test_commands_of_the_persons_own_run_and_the_model_sees_those_that_it_may(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.enters("!echo seen-$((40 + 2))")
        shown.sees("seen-42")
        shown.enters("!!echo hidden-$((40 + 3))")
        shown.sees("hidden-43")
        shown.enters("!exit 3")
        shown.sees("3")
        shown.enters("hello")
        shown.sees("ok")
        journal = finished(place)
        assert shown.quits() == 0
    said = "\n".join(each.text for each in sound(journal).history if isinstance(each, User))
    assert "seen-42" in said
    assert "hidden-43" not in said
    assert "hidden-43" in journal.read_text()


def test_a_command_of_the_persons_own_that_hangs_is_stopped(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.enters("!echo begun; sleep 600")
        shown.sees("(?m)^.*begun$")
        shown.press("Escape")
        shown.sees("(?m)^ *begun\n *stopped$")
        shown.enters("hello")
        shown.sees("ok")
        finished(place)
        assert shown.quits() == 0


def test_files_are_completed(place: Place) -> None:
    (place.project / "src").mkdir()
    for name in ("src/parser.py", "src/printer.py", "notes.md"):
        (place.project / name).write_text("text\n")
    with walk(place, EVER) as shown:
        shown.types("read @pars")
        shown.sees(r"(?m)^[^>\n]*src/parser\.py")
        shown.press("Tab")
        shown.sees(r"> read @src/parser\.py")
        shown.types("and @prin")
        shown.sees(r"(?m)^[^>\n]*src/printer\.py")
        shown.press("Escape")
        shown.sees_no_more("src/printer")
        shown.press("Enter")
        shown.sees("ok")
        journal = finished(place)
        assert shown.quits() == 0
    assert users(journal)[0].startswith("read @src/parser.py and @prin")


def test_commands_are_found_in_a_menu(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.types("?")
        shown.sees("Shift\\+Tab")
        shown.press("Escape")
        shown.sees_no_more("Shift\\+Tab")
        shown.types("/")
        shown.sees(r"(?m)^.*/\w+ +\S+ ")
        shown.types("hel")
        shown.sees(r"/help ")
        shown.press("Tab")
        shown.sees("> /help")
        shown.press("Enter")
        shown.sees("/compact", everywhere=True)
        shown.enters("/nonsense")
        shown.sees("(?i)no command|unknown|nonsense")
        assert shown.quits() == 0


def test_earlier_prompts_are_found_again(place: Place) -> None:
    with walk(place, EVER) as shown:
        for number, text in enumerate(("the first thing", "another", "a third"), start=1):
            shown.enters(text)
            finished(place, number)
        shown.types("\x12first\r")  # in one go
        shown.sees(r"> the first thing\n[^\n]*\Z")
        shown.press("Enter")
        journal = finished(place, 4)
        shown.sees_no_more("esc stops")
        shown.press("Up", "Up")
        shown.sees(r"> a third\n[^\n]*\Z")
        shown.press("C-c")
        assert shown.quits() == 0
    assert users(journal)[-1] == "the first thing"


def test_a_prompt_is_written_in_an_editor(place: Place) -> None:
    editor = place.folder / "editor"
    editor.write_text('#!/bin/sh\nprintf "in an editor: %s\\n" "$(cat "$1")" > "$1.new"\nmv "$1.new" "$1"\n')
    editor.chmod(0o755)
    with pane(place, ("-m", place.script(EVER)), env={"EDITOR": str(editor), "VISUAL": ""}) as shown:
        shown.sees("/help")
        shown.types("a draft")
        shown.sees("> a draft")
        shown.press("C-g")
        shown.sees("> in an editor: a draft")
        shown.press("Enter")
        shown.sees("ok")
        journal = finished(place)
        assert shown.quits() == 0
    assert users(journal) == ["in an editor: a draft"]


def test_several_lines_are_one_prompt_and_a_key_takes_back_what_was_typed(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.types("one")
        shown.press("C-j")
        shown.types("two\\")
        shown.press("Enter")
        shown.types("three")
        shown.sees("> one\n  two\n  three")
        shown.press("M-Enter")
        shown.types("four")
        shown.press("C-u", "BSpace")
        shown.sees_no_more("four")
        shown.press("Enter")
        shown.sees("ok")
        journal = finished(place)
        shown.press("C-c")
        shown.sees("Ctrl\\+C again")
        shown.press("C-c")
        assert shown.ends() == 0
    assert users(journal) == ["one\ntwo\nthree"]


def test_a_draft_outlives_the_program(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.types("a long thought")
        drafts = wait_for(lambda: list(place.home.glob("**/drafts/*")))
        wait_for(lambda: "a long thought" in drafts[0].read_text())
        shown.kill()
        assert shown.ends() == 137
    with walk(place, EVER) as shown:
        shown.sees("> a long thought")
        shown.press("Enter")
        shown.sees("ok")
        journal = wait_for(lambda: next((path for path in place.journals() if users(path)), None))
        assert shown.quits() == 0
    assert users(journal) == ["a long thought"]
    with walk(place, EVER) as shown:
        assert re.search(r"(?m)^>$", shown.screen)
        assert shown.quits() == 0
