"""Walks in a real terminal from session to session: going back, going on, with other models."""

from __future__ import annotations

from tests.e2e.program import Place, kinds, sound, wait_for
from tests.e2e.test_screen_walks import finished, users
from tests.e2e.tmux import needs_tmux, pane, walk

pytestmark = needs_tmux

EVER = "repeat forever\nsay ok"
CHANGES = """\
call write {"path": "a.txt", "content": "first\\n"}
---
say One is done.
---
call write {"path": "a.txt", "content": "second\\n"}
---
say Two is done.
---
repeat forever
say Again."""


def test_escape_twice_goes_back_with_files_and_conversation(place: Place) -> None:
    with walk(place, CHANGES, "--permission-mode=accept-edits") as shown:
        shown.enters("make one")
        finished(place)
        shown.enters("make two")
        finished(place, 2)
        shown.sees("Two is done.")
        shown.sees_no_more("esc stops")
        shown.press("Escape")
        shown.press("Escape")
        shown.sees("(?s)▸ +make two.*make one.*enter goes on")
        shown.sees(r"a\.txt")
        shown.press("Enter")
        shown.sees("(?i)both|files and")
        shown.press("Enter")
        shown.sees(r"> make two\n[^\n]*\Z")
        wait_for(lambda: (place.project / "a.txt").read_text() == "first\n")
        shown.types(" again")
        shown.press("Enter")
        shown.sees("Again.")
        journal = finished(place, 3)
        assert shown.quits() == 0
    assert users(journal) == ["make one", "make two again"]


def test_going_back_can_be_left(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.enters("hello")
        finished(place)
        shown.sees_no_more("esc stops")
        shown.enters("/rewind")
        shown.sees("▸ +hello")
        shown.press("Escape")
        shown.sees_no_more("▸ +hello")
        assert shown.quits() == 0
    assert "rewound" not in kinds(place.journal())


def test_a_session_that_goes_on_shows_how_it_ended(place: Place) -> None:
    place.play("say The answer is *42*.", "what is it")
    with pane(place, ("-c", "-m", place.script(EVER))) as shown:
        seen = shown.sees("(?s)> what is it.*The answer is 42\\.")
        assert "goes on" in seen
        shown.enters("why")
        shown.sees("ok")
        journal = finished(place, 2)
        assert shown.quits() == 0
        assert shown.screen.endswith(f"akmon -r {journal.stem}")
    assert users(journal) == ["what is it", "why"]


def test_another_session_is_picked_by_what_was_said_in_it(place: Place) -> None:
    place.play("say Apples are red.", "tell me of apples")
    place.play("say Pears are green.", "tell me of pears")
    with walk(place, EVER) as shown:
        shown.enters("/resume")
        shown.sees("(?s)tell me of pears.*tell me of apples")
        shown.types("apples")
        shown.sees_no_more("of pears")
        shown.sees("Apples are red.")
        shown.press("Enter")
        shown.sees("(?s)goes on.*> tell me of apples.*Apples are red")
        shown.sees(r"(?m)^>$")
        shown.enters("more")
        shown.sees("ok")
        journal = wait_for(
            lambda: next((j for j in place.journals() if kinds(j).count("turn_ended") == 2), None)
        )
        assert shown.quits() == 0
    assert users(journal) == ["tell me of apples", "more"]


def test_a_new_session_leaves_the_old_one_to_be_resumed(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.enters("the old one")
        old = finished(place)
        shown.sees_no_more("esc stops")
        shown.enters("/clear")
        shown.until(lambda seen: seen.count("/help") == 2, "there is no other session", everywhere=True)
        shown.enters("the new one")
        wait_for(
            lambda: len(place.journals()) == 2 and all("turn_ended" in kinds(j) for j in place.journals())
        )
        shown.sees_no_more("esc stops")
        shown.enters(f"/resume {old.stem}")
        shown.sees("(?s)goes on.*> the old one")
        shown.sees(r"(?m)^>$")
        shown.enters("and on")
        finished(place, 2)
        assert shown.quits() == 0
    assert users(old) == ["the old one", "and on"]


def test_a_session_that_cannot_be_resumed_leaves_the_one_that_there_is(place: Place) -> None:
    with walk(place, EVER) as shown:
        shown.enters("here")
        here = finished(place)
        shown.sees_no_more("esc stops")
        place.start("-m", place.script("delay 600"), "-p", "another")
        other = wait_for(lambda: next((j for j in place.journals() if "another" in j.read_text()), None))
        shown.enters(f"/resume {other.stem}")
        shown.sees("(?s)in use.*goes on")
        shown.sees(r"(?m)^>$")
        shown.enters("still here")
        shown.sees("(?s)> still here.*ok")
        wait_for(lambda: kinds(here).count("turn_ended") == 2)
        assert shown.quits() == 0


def test_killed_in_the_middle_of_a_turn_it_goes_on(place: Place) -> None:
    script = 'call shell {"command": "echo $$ > pid; sleep 600"}\n---\nrepeat forever\nsay Going on.'
    with walk(place, script, "--permission-mode=full-auto") as shown:
        shown.enters("begin")
        shown.sees("Running shell")
        wait_for((place.project / "pid").exists)
        shown.kill()
        assert shown.ends() == 137
    with pane(place, ("-c",)) as shown:
        shown.sees("(?s)goes on.*> begin")
        shown.sees(r"(?m)^>$")
        shown.enters("go on")
        shown.sees("Going on.")
        journal = finished(place, 2)
        assert shown.quits() == 0
    assert users(journal) == ["begin", "go on"]
    sound(journal)


def test_another_model_is_taken_for_what_follows(place: Place) -> None:
    other = place.script("repeat forever\nsay The other one speaks.")
    with walk(place, EVER) as shown:
        shown.enters("hello")
        finished(place)
        shown.sees_no_more("esc stops")
        shown.enters(f"/model {other}")
        shown.sees("model-1")
        shown.enters("hello again")
        shown.sees("The other one speaks.")
        journal = finished(place, 2)
        shown.sees_no_more("esc stops")
        shown.enters("/model scripted:/no/such.script")
        shown.sees("no/such.script.*(not|no) ")
        shown.press("C-c")
        shown.enters("once more")
        finished(place, 3)
        assert shown.quits() == 0
    assert sound(journal).model in other
