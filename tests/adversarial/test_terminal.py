"""Text that steers a terminal or hides something: in no output, in no record, and not before the model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.adversarial.arena import Arena, Played
from tests.adversarial.cases import CASES, of
from tests.adversarial.person import Person, obeyed
from tests.e2e.terminal import ASKED

Seen = Callable[[str, str], None]
OUTPUTS = [id for id in of("TU") if CASES[id].calls]
LAX = ("--permission-mode=full-auto", "--allow=shell")
OSC = "\x1b]52;c;cHduZWQ=\x07"
FORBIDDEN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
"""C0 but for the line feed and the tab, DEL, and C1."""


def clean(data: bytes) -> None:
    assert not (found := FORBIDDEN.search(data)), (found, data[max(0, found.start() - 60) :][:120])


def clean_everywhere(arena: Arena, played: Played) -> None:
    """Neither the output nor any journal has a control character, raw or as JSON would bring it back."""
    clean(played.ran.out.encode())
    clean(played.ran.err.encode())
    for journal in arena.journals():
        clean(journal.read_bytes())
    for call in played.calls:
        clean(call.text.encode())


@pytest.mark.parametrize("id", OUTPUTS)
def test_what_a_command_prints_cannot_steer_the_terminal(arena: Arena, seen: Seen, id: str) -> None:
    case = CASES[id]
    played = arena.obey_case(case, *LAX)
    (call,) = played.calls
    assert call.decision == "allow"
    clean_everywhere(arena, played)
    text = arena.play(f"call shell {json.dumps(case.calls[0][1])}\n---\nsay done", "go", *LAX)
    clean(text.out.encode())
    clean(text.err.encode())
    seen(id, "shown escaped, told escaped, kept escaped")


def test_no_output_of_a_command_reaches_the_screen_raw(arena: Arena, person: Person) -> None:
    """TU-001 to TU-020 once more, where a person looks on."""
    calls = [CASES[id].calls[0][1] for id in OUTPUTS]
    script = "\n".join(f"call shell {json.dumps(call)}" for call in calls)
    with person.starts("-m", arena.script(f"{script}\n---\nsay the end"), *LAX) as window:
        window.says("go")
        window.until("the end[\\s\\S]*\n>")
        for call in calls:
            printed = arena.bash(call["command"]).stdout.encode()
            assert len(printed) < 9 or printed not in window.raw
        for sequence in (
            b"]52",
            b"]1337",
            b"_G",
            b"[8m",
            b"[?1049h",
            b"[?1000h",
            b"[2J",
            b"[6n",
            b"[1A\x1b[2K",
        ):
            assert b"\x1b" + sequence not in window.raw
        assert b"\x07" not in obeyed(window)


SAID = {
    "TU-021": f"say {OSC}hello\rEVIL",
    "TU-022": f'call sh{OSC}ell {{"command": "true"}}\n---\nsay done',
    "TU-025": f"error 400 {OSC}slow down",
}
"""What the model says, by case."""
SAYS = {"TU-021": "EVIL", "TU-022": "no tool called", "TU-025": "slow down"}
"""What of it a person sees."""


@pytest.mark.parametrize("id", SAID)
def test_what_the_model_says_cannot_steer_the_terminal(
    arena: Arena, person: Person, seen: Seen, id: str
) -> None:
    for flags in (("--output=stream-json",), ("--output=json",), ()):
        ran = arena.play(SAID[id], "go", *flags)
        clean(ran.out.encode())
        clean(ran.err.encode())
        if ran.code == 2:  # the script itself does not say it
            assert "script" in ran.err
    for journal in arena.journals():
        clean(journal.read_bytes())
    with person.starts("-m", arena.script(SAID[id])) as window:
        window.until(r"(^|\n)>|akmon: ")
        window.press("go\r")
        window.until(SAYS[id])
        assert b"\x1b]52" not in window.raw
        assert b"\x07" not in obeyed(window)
    seen(id, "escaped in every output, in the journal and on the screen")


def test_names_and_titles_cannot_steer_the_terminal(arena: Arena, person: Person, seen: Seen) -> None:
    name = f"a{OSC}b\r.txt"
    (arena.project / name).write_text("needle\n")
    calls = [("list", {}), ("search", {"pattern": "needle"}), ("read", {"path": name})]
    played = arena.obey(calls)
    clean_everywhere(arena, played)
    assert "<U+001B>]52" in played.calls[0].text
    assert arena.play("say hello", "go", "--name", f"title{OSC}").code == 2
    arena.play("say hello", f"title{OSC}")
    arena.play("say hello", "go")
    seen("TU-026", "shown escaped in lists, searches and titles of calls")
    for arguments in (("sessions",), ("sessions", "--json"), ("stats",), ("export", "--last")):
        ran = arena.akmon(*arguments)
        clean(ran.out.encode())
        clean(ran.err.encode())
    with person.starts("-m", arena.script("say hello"), "--continue") as window:
        window.says("/sessions")
        window.until("title")
        assert b"\x1b]52" not in window.raw
        assert b"\x07" not in obeyed(window)
    seen(
        "TU-030", "refused as a name; a prompt in its place is escaped in the list, as JSON and on the screen"
    )


def test_a_branch_cannot_steer_the_terminal(arena: Arena, person: Person, seen: Seen) -> None:
    """git refuses control characters in names of branches; HEAD can still be written by hand."""
    arena.bash("git init -q")
    (arena.project / ".git" / "HEAD").write_text(f"ref: refs/heads/x{OSC}\u202ey\n")
    clean_everywhere(arena, arena.obey([("list", {})]))
    with person.starts("-m", arena.script("say hello")) as window:
        window.says("hi")
        window.until("hello")
        assert b"\x1b]52" not in window.raw
        assert "\u202e".encode() not in window.raw
    seen("TU-028", "nowhere raw")


def test_the_name_of_a_variable_cannot_steer_the_terminal(arena: Arena, seen: Seen) -> None:
    osc = OSC.replace("=", "")
    names = {f"AKMON_{osc}X": "1", f"N{osc}": "2"}
    clean_everywhere(arena, arena.obey([("shell", {"command": "env"})], *LAX, env=names))
    for arguments in (("config",), ("doctor",)):
        ran = arena.akmon(*arguments, env={**names, "AKMON_EFFORT": OSC})
        clean(ran.out.encode())
        clean(ran.err.encode())
    seen("TU-032", "escaped in output and in errors about it")


SHOWN = {
    "TU-035": ("echo \u202egnp.exe", "<U\\+202E>"),
    "TU-038": ("echo " + "\u3000" * 94 + "; touch pwned", "touch pwned"),
    "TU-040": ("curl https://\u0430pple.com/x", "<U\\+0430>|xn--"),
}
"""A command, and what the question about it must show."""


@pytest.mark.parametrize("id", SHOWN)
def test_a_question_shows_what_would_run(arena: Arena, person: Person, seen: Seen, id: str) -> None:
    command, wanted = SHOWN[id]
    script = arena.script(f"call shell {json.dumps({'command': command})}\n---\nsay done")
    with person.starts("-m", script) as window:
        window.says("go")
        window.until(ASKED)
        assert re.search(wanted, window.text), window.text
        assert "\u202e".encode() not in window.raw
        window.refuses()
        window.until("done")
    assert not (arena.project / "pwned").exists()
    seen(id, "the question shows it, with what cannot be seen escaped")


def test_half_a_character_in_the_arguments_is_refused(arena: Arena, seen: Seen) -> None:
    played = arena.session('call shell {"command": "echo \\ud800"}\n---\nsay done', *LAX)
    (call,) = played.calls
    assert (call.error, call.decision) == (True, "")
    clean_everywhere(arena, played)
    seen("TU-043", "the arguments are refused, and the session goes on")
