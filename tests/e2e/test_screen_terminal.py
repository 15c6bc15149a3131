"""Walks through what a real terminal can do to the screen: sizes, jobs, colours, none at all; and trust."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.e2e.program import PROGRAM, Place
from tests.e2e.test_screen_walks import finished
from tests.e2e.tmux import needs_tmux, pane, walk

pytestmark = needs_tmux

STORY = "\n\n".join(f"Paragraph {number} has some words, and ends here." for number in range(80))


def test_no_size_loses_or_repeats_what_streams_meanwhile(place: Place) -> None:
    with walk(place, f"pace 0.005\nsay <<END\n{STORY}\nEND") as shown:
        shown.enters("tell me a story")
        sizes = [(40, 12), (120, 40), (60, 20), (80, 24)]
        for number, (columns, rows) in enumerate(sizes):
            shown.sees(f"Paragraph {number * 15 + 8} ", everywhere=True)
            shown.resize(columns, rows)
        shown.sees("Paragraph 79 has", everywhere=True)
        finished(place)
        shown.sees_no_more("esc stops")
        seen = " ".join(shown.everything.split())
        assert shown.quits() == 0
    wanted = [f"Paragraph {number} has some words, and ends here." for number in range(80)]
    assert [text for text in wanted if seen.count(text) != 1] == []
    assert seen.count("tell me a story") == 1


ASKS = 'call write {"path": "new.txt", "content": "some content\\n"}\n---\nsay All done.'


def test_a_question_follows_the_size_of_the_terminal(place: Place) -> None:
    with walk(place, ASKS, columns=120, rows=40) as shown:
        shown.enters("write it")
        shown.is_asked("y once")
        shown.resize(40, 12)
        shown.sees(r"(?m)^y s a r n m esc$")
        shown.resize(80, 24)
        seen = shown.is_asked("y once")
        assert seen.count("y once") == 1
        shown.types("y")
        shown.sees("All done.")
        finished(place)
        shown.sees_no_more("esc stops")
        assert shown.quits() == 0
        assert shown.everything.count("All done.") == 1
        assert "y once" not in shown.screen
    assert (place.project / "new.txt").exists()


def test_it_is_stopped_and_brought_back_by_the_shell(place: Place) -> None:
    script = place.script("say Half.\npace 0.05\nsay " + "word " * 20 + "\nsay The end.\n---\nsay Again.")
    line = "PS1='$ ' PROMPT_COMMAND= exec bash --norc --noprofile -i"
    with pane(place, ("-c", line), program=["sh"]) as shown:
        shown.sees(r"\$$")
        shown.enters(f"{PROGRAM} -m {script}")
        shown.sees("/help")
        shown.enters("hello")
        shown.sees("Half.")
        shown.types("a draft")
        shown.sees("> a draft")
        shown.press("C-z")
        shown.sees("(?s)Stopped.*\\$$")
        assert shown.asks("cursor_flag") == "1"
        shown.enters("stty -a | grep -c ' icanon'")
        shown.sees("(?m)^1$")
        shown.enters("fg")
        shown.sees("The end.")
        shown.sees("> a draft")
        finished(place)
        shown.sees_no_more("esc stops")
        shown.press("C-c")
        shown.enters("hello again")
        shown.sees("Again.")
        finished(place, 2)
        shown.press("C-d")
        shown.sees(r"(?s)akmon -r \S+\n\$$")
        seen = shown.everything
        assert seen.count("The end.") == 1
        shown.press("C-d")
        shown.ends()


def test_the_terminal_is_afterwards_as_it_was(place: Place) -> None:
    line = f"stty -a > before; {PROGRAM} -m {place.script('say Hello.')}; stty -a > after; cat"
    with pane(place, ("-c", line), program=["sh"]) as shown:
        shown.sees("/help")
        shown.enters("hi")
        finished(place)
        shown.sees_no_more("esc stops")
        shown.press("C-d")
        shown.sees(r"akmon -r \S+$")
        shown.paste("pasted")
        shown.sees("(?m)^pasted")
        shown.press("Enter")
        shown.sees("pasted\npasted")
        assert shown.asks("cursor_flag") == "1"
        assert shown.asks("alternate_on") == "0"
    assert (place.project / "before").read_text() == (place.project / "after").read_text()


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_left_out_where_they_are_not_wanted(
    place: Place, env: dict[str, str], coloured: bool
) -> None:
    with pane(place, ("-m", place.script(ASKS)), env=env) as shown:
        shown.sees("/help")
        shown.enters("write it")
        shown.is_asked("y once")
        codes = set(re.findall(r"\x1b\[([0-9;]*)m", shown.coloured))
        shown.press("Escape")
        finished(place)
        shown.sees_no_more("esc stops")
        assert shown.quits() == 0
    assert any(re.search(r"(^|;)[349][0-8]", code) for code in codes) == coloured, codes


@pytest.mark.parametrize("how", ["settings", "option", "dumb"])
def test_the_plain_conversation_is_for_those_who_want_it_and_terminals_that_can_do_no_more(
    place: Place, how: str
) -> None:
    settings = place.home / ".config/akmon/config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("plain = true\n" if how == "settings" else "")
    arguments = ["-m", place.script(ASKS), *(["--plain"] if how == "option" else [])]
    with pane(place, arguments, env={"TERM": "dumb"} if how == "dumb" else {}) as shown:
        shown.sees("(?s)/help.*> *$")
        shown.enters("write it")
        shown.sees("n no")
        shown.types("y")
        shown.sees("All done.")
        finished(place)
        shown.press("C-d")
        assert shown.ends() == 0
    assert (place.project / "new.txt").exists()


@pytest.mark.parametrize("trusted", [True, False])
def test_whether_a_folder_is_trusted_is_asked_first(place: Place, trusted: bool) -> None:
    subprocess.run(["git", "init", "-q", str(place.project)], check=True)
    folder = place.project / ".akmon"
    folder.mkdir()
    (folder / "config.toml").write_text('model = "scripted:theirs"\n')
    with pane(place, ("-m", place.script("repeat forever\nsay ok"))) as shown:
        shown.sees("(?i)trust")
        shown.types("y" if trusted else "n")
        seen = shown.sees("/help")
        assert ("a scripted model comes from the person" in " ".join(seen.split())) == trusted
        shown.enters("hello")
        shown.sees("ok")
        finished(place)
        shown.sees_no_more("esc stops")
        assert shown.quits() == 0
