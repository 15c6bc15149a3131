"""Plans, questions, shortening, sub-agents and steering, with the real program in a pseudo-terminal."""

from __future__ import annotations

from akmon_core.messages import User
from tests.e2e.program import Place, kinds, sound
from tests.e2e.terminal import opened
from tests.e2e.test_conversation import conversation, finished

PLAN = """\
say <<END
# Add a file

1. Write a.txt.
2. Read it.
END
---
call write {"path": "a.txt", "content": "some content\\n"}
---
say All done."""


def test_a_plan_is_saved_and_carried_out(place: Place) -> None:
    with conversation(place, PLAN) as terminal:
        terminal.sees("default mode")
        terminal.press("/plan a file\r")
        terminal.sees("mode: plan")
        terminal.sees("2. Read it.")
        terminal.sees("The plan is saved in .akmon/plans/")
        terminal.sees("/implement carries it out")
        finished(place)
        (plan,) = (place.project / ".akmon/plans").iterdir()
        assert "1. Write a.txt." in plan.read_text()
        terminal.press("/implement\r")
        terminal.sees("mode: default")
        terminal.sees("write asks for permission")
        terminal.answers("y")
        terminal.sees("All done.")
        journal = finished(place, 2)
        assert terminal.leaves() == 0
    assert (place.project / "a.txt").read_text() == "some content\n"
    state = sound(journal)
    assert state.mode == "default"
    assert "2. Read it." in state.pins["plan"]


def test_a_plan_that_is_not_there_is_said(place: Place) -> None:
    with conversation(place, "say ok") as terminal:
        terminal.sees("default mode")
        terminal.press("/implement\r")
        terminal.sees("no plan to carry out")
        terminal.press("hello\r")
        terminal.sees("ok")
        finished(place)
        assert terminal.leaves() == 0


ASK = 'call ask {"question": "Which one?", "options": ["SQLite", "Postgres"]}\n---\nsay So be it.'


def test_a_question_of_the_model_is_answered_by_a_number(place: Place) -> None:
    with conversation(place, ASK, "store it") as terminal:
        terminal.sees("Which one?")
        terminal.until(r"2 +Postgres[\s\S]*enter answers(?![\s\S]*\n>)")
        terminal.press("2\r")
        terminal.sees("So be it.")
        journal = finished(place)
        assert terminal.leaves() == 0
    assert '"type":"question_answered"' in journal.read_text()
    assert "Postgres" in str(sound(journal).history[-2])


def test_ctrl_c_at_a_question_of_the_model_stops_the_turn(place: Place) -> None:
    with conversation(place, ASK, "store it") as terminal:
        terminal.until(r"enter answers(?![\s\S]*\n>)")
        terminal.press("\x03")
        terminal.sees("nterrupted")
        journal = finished(place)
        assert terminal.leaves() == 0
    assert sound(journal).outcome == "interrupted"


PARTS = "\n---\n".join(f"say <<END\n{f'A long story, part {number}. ' * 400}\nEND" for number in range(4))
LONG = f"""\
window 21500
max_output 2000
{PARTS}
---
say Still here.
---
for summary
say The names are kept."""


def test_a_conversation_is_shortened_on_demand_and_goes_on(place: Place) -> None:
    with conversation(place, LONG) as terminal:
        terminal.sees("default mode")
        for number in range(4):
            terminal.press(f"part {number}\r")
            terminal.sees(f"A long story, part {number}.")
            finished(place, number + 1)
        terminal.press("/compact the names\r")
        terminal.sees("shortening the conversation")
        terminal.sees("Shortened from about")
        terminal.press("and now\r")
        terminal.sees("Still here.")
        journal = finished(place, 5)
        assert terminal.leaves() == 0
    assert "compacted" in kinds(journal)
    texts = [message.text for message in sound(journal).history if isinstance(message, User)]
    assert any("The names are kept." in text for text in texts)
    assert "part 0" in texts


def test_ctrl_c_stops_the_shortening_and_not_the_conversation(place: Place) -> None:
    with conversation(place, LONG.replace("for summary", "for summary\ndelay 600")) as terminal:
        terminal.sees("default mode")
        for number in range(4):
            terminal.press(f"part {number}\r")
            terminal.sees(f"A long story, part {number}.")
            finished(place, number + 1)
        terminal.press("/compact\r")
        terminal.sees("shortening the conversation")
        terminal.press("\x03")
        terminal.sees("the conversation stays as it was")
        terminal.press("and now\r")
        terminal.sees("Still here.")
        journal = finished(place, 5)
        assert terminal.leaves() == 0
    sound(journal)
    assert "compacted" not in kinds(journal)


def test_what_cannot_be_shortened_is_said(place: Place) -> None:
    with conversation(place, "say ok") as terminal:
        terminal.sees("default mode")
        terminal.press("/compact\r")
        terminal.sees("nothing in the conversation that could be left out")
        terminal.press("hello\r")
        terminal.sees("ok")
        finished(place)
        assert terminal.leaves() == 0


TASK = """\
call task {"title": "make it", "task": "Write new.txt."}
---
say The helper is done.
---
for agent
call write {"path": "new.txt", "content": "by a helper\\n"}
---
say It is written."""


def test_a_sub_agent_is_seen_at_work_and_its_question_is_answered(place: Place) -> None:
    with conversation(place, TASK, "have it made") as terminal:
        terminal.sees("· Write new.txt. · 0 calls")
        terminal.sees(": write asks for permission")
        terminal.answers("y")
        terminal.sees("The helper is done.")
        journal = finished(place, 2)  # the sub-agent's turn is one, too
        assert terminal.leaves() == 0
    assert (place.project / "new.txt").read_text() == "by a helper\n"
    sound(journal)


STEERED = """\
call shell {"command": "until [ -e go ]; do sleep 0.05; done"}
---
say A set it is."""


def test_a_line_that_is_entered_while_a_tool_runs_reaches_the_model(place: Place) -> None:
    with conversation(place, STEERED, "--permission-mode=full-auto", "go") as terminal:
        terminal.sees("Running shell")
        terminal.press("use a set\r")
        terminal.sees("▸ use a set")
        (place.project / "go").touch()
        terminal.sees("A set it is.")
        journal = finished(place)
        assert terminal.leaves() == 0
    texts = [message.text for message in sound(journal).history if isinstance(message, User)]
    assert "use a set" in texts


TODOS = """\
call todo {"todos": [{"text": "cook", "status": "in_progress"}, {"text": "eat", "status": "pending"}]}
---
say Listed.
usage input=1000"""


def test_a_resumed_conversation_knows_its_todos_and_how_full_the_window_is(place: Place) -> None:
    place.play(TODOS, "make a list")
    with opened(("-c",), place.project, place.env) as terminal:
        terminal.sees("goes on: make a list")
        terminal.press("/todos\r")
        terminal.sees("[>] cook")
        terminal.sees("[ ] eat")
        terminal.press("/context\r")
        terminal.sees("Context: about 1,0")
        assert terminal.leaves() == 0
