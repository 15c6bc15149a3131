"""Walks through conversations in a real terminal: what is asked and answered, and how it ends."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from akmon_core.messages import Assistant, User
from tests.e2e.program import PROGRAM, Place, kinds, sound, wait_for
from tests.e2e.tmux import needs_tmux, pane, walk

pytestmark = needs_tmux


def finished(place: Place, turns: int = 1) -> Path:
    """The journal once so many turns have ended."""
    return wait_for(
        lambda: next((j for j in place.journals() if kinds(j).count("turn_ended") == turns), None)
    )


def users(journal: Path) -> list[str]:
    """What the person has said."""
    return [each.text for each in sound(journal).history if isinstance(each, User) and each.by == "person"]


WRITES = """\
think I should look first.
say I will write a file.
call write {"path": "new.txt", "content": "some content\\n"}
usage input=1200 output=45
---
say All done.
"""


def test_a_prompt_is_answered_and_a_call_is_approved(place: Place) -> None:
    with walk(place, WRITES) as shown:
        shown.enters("write it")
        seen = shown.is_asked("y once")
        for text in ("> write it", "I should look first.", "I will write a file.", "1 + some content"):
            assert seen.count(text) == 1
        assert "Waiting for your answer" in seen
        assert not (place.project / "new.txt").exists()
        shown.types("y")
        shown.sees("All done.")
        journal = finished(place)
        shown.sees(r"\[1,200 in, 45 out, unpriced, .*\]")
        assert shown.quits() == 0
        seen = shown.screen
    assert (place.project / "new.txt").read_text() == "some content\n"
    assert seen.count("I will write a file.") == seen.count("All done.") == 1
    assert seen.endswith(
        f"akmon: 1 turn, 1,200 in, 45 out, unpriced\nakmon: go on with: akmon -r {journal.stem}"
    )


def test_a_call_is_denied_with_a_message(place: Place) -> None:
    with walk(place, WRITES) as shown:
        shown.enters("write it")
        shown.is_asked("m no, because")
        shown.types("m")
        shown.types("not there")
        shown.sees("not there")
        shown.press("Enter")
        shown.sees("All done.")
        journal = finished(place)
        assert "not there" in shown.screen
        assert shown.quits() == 0
    assert not (place.project / "new.txt").exists()
    assert "not there" in str(sound(journal).history)


TESTS = 'call shell {"command": "make test"}\n---\nsay All done.'


def test_a_call_is_approved_for_good_by_a_rule_that_was_edited(place: Place) -> None:
    (place.project / "Makefile").write_text("test:\n\techo tested\nmore:\n\techo more\n")
    script = f"{TESTS}\n---\n{TESTS.replace('make test', 'make more')}"
    with walk(place, script) as shown:
        shown.enters("test it")
        shown.is_asked(r"r always: shell\(make test\)")
        shown.types("r")
        shown.sees(r"> shell\(make test\)|: shell\(make test\)")
        shown.press(*["BSpace"] * len("test)"))
        shown.types("*)")
        shown.sees(r"shell\(make \*\)")
        shown.press("Enter")
        shown.sees("All done.")
        finished(place)
        shown.enters("and more")  # is not asked
        finished(place, 2)
        shown.sees(r"● shell make more")
        assert shown.quits() == 0
    assert "make *" in (place.home / ".config/akmon/permissions.toml").read_text()


def test_escape_stops_a_reply_and_what_was_said_stays(place: Place) -> None:
    script = "say Half of it, and\ndelay 600\nsay the rest.\n---\nsay Still here."
    with walk(place, script) as shown:
        shown.enters("talk")
        shown.sees("Half of it, and")
        shown.press("Escape")
        shown.sees("Interrupted")
        finished(place)
        shown.sees_no_more("esc stops")
        shown.enters("again")
        seen = shown.sees("Still here.")
        journal = finished(place, 2)
        assert seen.count("Half of it, and") == 1
        assert shown.quits() == 0
    reply = sound(journal).history[1]
    assert isinstance(reply, Assistant)
    assert (reply.text, reply.stop) == ("Half of it, and", "interrupted")
    assert users(journal) == ["talk", "again"]


ASK = 'call ask {"question": "Which one?", "options": ["SQLite", "Postgres"]}\n---\nsay So be it.'


def test_a_question_of_the_model_is_answered_by_choice_and_in_words(place: Place) -> None:
    with walk(place, f"{ASK}\n---\n{ASK}") as shown:
        shown.enters("store it")
        shown.is_asked("Which one\\?.*SQLite.*Postgres")
        shown.press("Down", "Down", "Enter")
        shown.sees("So be it.")
        journal = finished(place)
        assert "Postgres" in str(sound(journal).history[-2])
        shown.enters("again")
        shown.is_asked("So be it.*Which one\\?.*SQLite")
        shown.types("neither")
        shown.sees("neither")
        shown.press("Enter")
        finished(place, 2)
        assert "neither" in str(sound(journal).history[-2])
        assert shown.quits() == 0


AGENTS = """\
call task {"title": "make it", "task": "Make new.txt, please."}
---
say The helper is done.
---
for agent
say I begin.
call shell {"command": "until [ -e go ]; do sleep 0.05; done"}
---
say It is made."""


def test_a_sub_agent_is_seen_at_work_below_the_call_that_began_it(place: Place) -> None:
    with walk(place, AGENTS, "--permission-mode=full-auto", columns=120, rows=40) as shown:
        shown.enters("have it made")
        shown.sees(r"(?s)task.*└ \S+ · Make new.txt, please.*until \[ -e go \]")
        (place.project / "go").touch()
        seen = shown.sees("The helper is done.")
        finished(place, 2)
        assert "It is made." not in seen
        assert shown.quits() == 0


TODOS = """\
call todo {"todos": [{"text": "cook", "status": "in_progress"}, {"text": "eat", "status": "pending"}]}
---
say Listed."""


def test_the_list_of_things_to_do_is_shown_and_hidden(place: Place) -> None:
    with walk(place, TODOS) as shown:
        shown.enters("make a list")
        shown.sees("(?s)cook.*eat.*Listed")
        finished(place)
        shown.press("C-t")
        shown.sees("(?s)Listed.*To-dos.* cook\n.* eat")
        shown.press("C-t")
        shown.sees_no_more("(?s)Listed.*To-dos")
        assert shown.quits() == 0


OUTPUT = """\
call shell {"command": "seq 1 300; until [ -e go ]; do sleep 0.05; done; echo the end"}
---
say All done."""


def test_the_end_of_what_a_command_prints_is_seen_while_it_runs_and_all_of_it_afterwards(
    place: Place,
) -> None:
    with walk(place, OUTPUT, "--permission-mode=full-auto") as shown:
        shown.enters("count")
        seen = shown.sees("│ 300")
        assert "│ 290" not in seen
        (place.project / "go").touch()
        shown.sees("All done.")
        finished(place)
        shown.press("C-o")
        shown.sees("(?s)The last output.*\\b2\\b")
        shown.press("End")
        shown.sees("(?s)300.*the end")
        shown.types("q")
        shown.sees_no_more("The last output")
        assert shown.quits() == 0
        assert "The last output" not in shown.everything


def test_what_is_typed_while_a_reply_streams_stays_whole(place: Place) -> None:
    story = "\n".join(f"line {number} of it" for number in range(60))
    with walk(place, f"pace 0.02\nsay <<END\n{story}\nEND") as shown:
        shown.enters("tell")
        shown.sees("line 3 of it")
        for letter in "typed meanwhile":
            shown.types(letter)
        shown.sees("> typed meanwhile")
        assert "line 59" not in shown.screen
        shown.press("C-c")
        shown.sees_no_more("typed meanwhile")
        shown.sees("line 59 of it")
        finished(place)
        seen = shown.until(lambda seen: "esc stops" not in seen, "it goes on", everywhere=True)
        seen = " ".join(seen.split())
        assert [seen.count(f"line {number} of it") for number in range(60)] == [1] * 60
        assert shown.quits() == 0


HANGS = "say Hello there.\n---\nsay Half of it.\ndelay 600\nsay rest"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(place: Place, number: signal.Signals) -> None:
    model = place.script(HANGS)
    line = f'{PROGRAM} -m {model} & echo $! > pid; fg > /dev/null; echo "code $?"; stty -a; exec cat'
    with pane(place, ["-mc", line], program=["bash"]) as shown:
        shown.sees("/help")
        shown.enters("hi")
        finished(place)
        shown.enters("more")
        shown.sees("Half of it.")
        shown.types("a draft")
        shown.sees("> a draft")
        pid = (place.project / "pid").read_text().strip()
        os.kill(int(pid), number)
        seen = shown.sees(r"echoke")
        assert shown.asks("cursor_flag") == "1"
        shown.paste("pasted")  # without brackets
        shown.sees("(?m)^pasted$")
    journal = place.journal()
    assert f"akmon: go on with: akmon -r {journal.stem}\ncode {128 + number}" in seen
    assert " echo " in seen
    assert " icanon " in seen
    assert seen.count("Half of it.") == 1
    assert sound(journal).outcome == "interrupted"


def test_an_error_of_ours_gives_the_terminal_back_and_says_where_all_is(place: Place) -> None:
    (place.folder / "broken").mkdir()
    (place.folder / "broken" / "pygments.py").write_text("raise RuntimeError('a broken library')")
    model = place.script("say Hello.\n---\nsay <<END\n```python\npass\n```\nEND")
    line = f'PYTHONPATH={place.folder}/broken {PROGRAM} -m {model}; echo "code $?"; stty -a; exec cat'
    with pane(place, ["-c", line], program=["sh"]) as shown:
        shown.sees("/help")
        shown.enters("hi")
        shown.sees("Hello.")
        finished(place)
        shown.enters("more")
        shown.sees("echoke")
        assert shown.asks("cursor_flag") == "1"
        seen = shown.everything
    journal = place.journal()
    assert (
        "RuntimeError: a broken library\nakmon: an error in akmon itself has ended the conversation" in seen
    )
    assert f"kept in {journal}" in seen
    assert f"akmon: go on with: akmon -r {journal.stem}\ncode 1\n" in seen
    assert " icanon " in seen
