"""What a headless run prints: the answer, one JSON object, or a line per event; nothing else on stdout."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.program import PROGRAM, Place

REPORT = {
    "schema",
    "session_id",
    "model",
    "provider",
    "status",
    "exit_reason",
    "result",
    "tool_calls",
    "permission_denials",
    "usage",
    "cost_usd",
    "files_written",
    "files_changed",
    "commits",
    "duration_ms",
    "error",
}
LOOKS_THEN_ANSWERS = """
price input=3 output=15 cache_read=0.3 cache_write=3.75
think Let me see.
say I look first.
call list {}
call read {"path": "absent.txt"}
usage input=100 output=20 cache_read=5 cache_write=1
---
say The answer.
usage input=50 output=10
"""


def test_the_answer_alone_is_on_stdout_and_the_rest_on_stderr(place: Place) -> None:
    ran = place.play(LOOKS_THEN_ANSWERS, "look")
    assert (ran.code, ran.out) == (0, "The answer.\n")
    assert "I look first." in ran.err
    assert "> list\n  0 entries" in ran.err
    assert "> read absent.txt\n  failed: absent.txt does not exist" in ran.err


@pytest.mark.parametrize("flag", ["--output-format=json", "--output=json"])
def test_the_json_report_has_exactly_the_documented_keys(place: Place, flag: str) -> None:
    ran = place.play(LOOKS_THEN_ANSWERS, "look", flag)
    report = ran.json
    assert ran.code == 0
    assert set(report) == REPORT
    assert report["session_id"] == place.journal().stem
    assert report["provider"] == "scripted"
    assert report["model"].endswith("model-1.script")
    assert (report["status"], report["exit_reason"], report["error"]) == ("success", "completed", None)
    assert report["result"] == "The answer."
    assert report["tool_calls"] == [
        {"name": "list", "success": True, "message": "0 entries", "agent": ""},
        {
            "name": "read",
            "success": False,
            "message": "absent.txt does not exist. Use list or search to find it.",
            "agent": "",
        },
    ]
    assert report["usage"] == {
        "input_tokens": 150,
        "output_tokens": 30,
        "cache_read_tokens": 5,
        "cache_write_tokens": 1,
    }
    assert report["cost_usd"] == pytest.approx((150 * 3 + 30 * 15 + 5 * 0.3 + 1 * 3.75) / 1e6)
    assert report["duration_ms"] >= 0
    assert report["permission_denials"] == report["files_written"] == []


@pytest.mark.parametrize("usage", ["usage input=100 output=20", "# no usage either"])
def test_an_unknown_price_is_not_zero(place: Place, usage: str) -> None:
    assert place.play(f"say hi\n{usage}", "hi", "--output=json").json["cost_usd"] is None


def test_written_files_are_named_from_the_working_folder_and_once(place: Place) -> None:
    script = """
        call write {"path": "a/b.txt", "content": "one"}
        call edit {"path": "a/b.txt", "old": "one", "new": "two"}
        ---
        say done
    """
    report = place.play(script, "write", "--output=json", "--permission-mode", "accept-edits").json
    assert report["files_written"] == ["a/b.txt"]
    assert (place.project / "a" / "b.txt").read_text() == "two"


def test_stream_json_begins_with_init_and_ends_with_the_result(place: Place) -> None:
    ran = place.play(LOOKS_THEN_ANSWERS, "look", "--output-format", "stream-json")
    first, *middle, last = ran.lines
    assert ran.err == ""
    assert (first["type"], first["subtype"]) == ("system", "init")
    assert first["mcp_servers"] == []
    assert (first["session_id"], first["cwd"]) == (place.journal().stem, str(place.project))
    assert last["type"] == "result"
    assert last["subtype"] == "completed"
    assert set(last) == REPORT | {"type", "subtype", "agent"}
    started = [line for line in middle if line["type"] == "tool_started"]
    assert [(line["tool"], line["sandbox"]) for line in started] == [("list", ""), ("read", "")]
    assert [line["type"] for line in middle if line not in started] == [
        "assistant",
        "permission",
        "permission",
        "user",
        "user",
        "assistant",
    ]
    calls = [block["id"] for block in middle[0]["message"]["content"] if block["type"] == "tool_use"]
    results = [line["message"]["content"][0]["tool_use_id"] for line in middle if line["type"] == "user"]
    assert calls == results


def test_partial_messages_are_streamed_only_when_asked_for(place: Place) -> None:
    script = "think hm hm\nsay one two three"
    asked = place.play(script, "hi", "--output=stream-json", "--include-partial-messages")
    pieces = {"text_delta": "", "thinking_delta": ""}
    for line in asked.lines:
        if line["type"] in pieces:
            pieces[line["type"]] += line["text"]
    assert pieces == {"text_delta": "one two three", "thinking_delta": "hm hm"}
    unasked = place.play(script, "hi", "--output=stream-json")
    assert not {line["type"] for line in unasked.lines} & set(pieces)


def test_a_reply_cut_by_the_output_limit_is_continued_and_joined(place: Place) -> None:
    script = "say <<END\nThe first half and\n\nEND\nstop length\n---\nsay the second."
    ran = place.play(script, "talk")
    assert (ran.code, ran.out) == (0, "The first half and\nthe second.\n")


def test_a_reply_that_is_always_cut_ends_with_an_error(place: Place) -> None:
    ran = place.play("repeat forever\nsay more\nstop length", "talk", "--output=json")
    assert ran.code == 1
    assert ran.json["result"] == "more" * 4
    assert "cut by the output limit 4 times" in ran.json["error"]


def test_unicode_survives_in_every_format(place: Place) -> None:
    text = "Grüße, 世界 🙂 e\u0301 \u202fok"
    assert place.play(f"say {text}", text).out == f"{text}\n"
    assert place.play(f"say {text}", text, "--output=json").json["result"] == text


def test_a_locale_without_the_characters_does_not_end_the_run(place: Place) -> None:
    ran = place.play("say Grüße", "hi", env={"PYTHONIOENCODING": "ascii"})
    assert (ran.code, ran.out) == (0, "Gr\\xfc\\xdfe\n")


def test_a_very_long_line_comes_out_whole(place: Place) -> None:
    text = "word" * 250_000
    assert place.play(f"say {text}", "talk").out == f"{text}\n"


ESCAPES = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07 \x9b2J \x08\x7f \u202e"


def test_terminal_escapes_in_the_answer_are_taken_out(place: Place) -> None:
    ran = place.play(f"say a {ESCAPES} b", "talk")
    assert not set(ran.out + ran.err) & set("\x1b\x07\x9b\x08\x7f\u202e")
    assert ran.out.startswith("a red")


def test_terminal_escapes_in_calls_paths_and_output_are_taken_out(place: Place) -> None:
    encoded = ESCAPES.encode("ascii", "backslashreplace").decode()
    for plain in ("\x1b", "\x07", "\x08", "\x7f"):
        encoded = encoded.replace(plain, f"\\u{ord(plain):04x}")
    encoded = encoded.replace("\\x9b", "\\u009b")
    script = rf"""
        say look {ESCAPES}
        call read {{"path": "{encoded}"}}
        call read {{"path": "../{encoded}"}}
        call {ESCAPES.replace(" ", "")} {{"x": "{encoded}"}}
        call write {{"path": "new.txt", "content": "{encoded}"}}
        call shell {{"command": "printf '\\033[31m \\033]0;t\\007'; echo '{encoded}'"}}
        ---
        say done
    """
    ran = place.play(script, "go", "--permission-mode=full-auto")
    assert ran.out == "done\n"
    assert not set(ran.err) & set("\x1b\x07\x9b\x08\x7f\u202e")
    assert place.play(script, "go").code == 3
    for action in (("show",), ("export",), ("export", "--format=html"), ("list",)):
        shown = place.akmon("sessions", *action)
        assert shown.code == 0
        assert not set(shown.out) & set("\x1b\x07\x9b\x08\x7f\u202e")


def test_a_reader_that_goes_away_is_no_crash(place: Place) -> None:
    script = "repeat 20\nsay working on it\ncall list {}\n---\nsay done"
    for output in ("text", "stream-json"):
        ran = place.play(script, "go", f"--output={output}", shell='"$@" | head -c 1')
        assert len(ran.out) <= 1
        assert "Traceback" not in ran.err
        assert "Exception ignored" not in ran.err


@pytest.mark.parametrize("arguments", [("--help",), ("sessions", "list"), ("-p", "hi")])
def test_output_that_cannot_be_written_is_an_error_in_plain_words(
    place: Place, arguments: tuple[str, ...]
) -> None:
    place.play("say hi", "hi")
    model = {"AKMON_MODEL": place.script("say hi")}
    ran = place.akmon(*arguments, env=model, shell='exec "$@" >/dev/full')
    assert ran.code == 1
    assert ran.err == "akmon: cannot write the output: No space left on device. Send it elsewhere.\n"


def test_closed_streams_are_no_crash(place: Place) -> None:
    ran = place.play("say hi", "hi", "--output=json", shell='exec "$@" <&- 2>&-')
    assert ran.json["result"] == "hi"
    ran = place.play('call write {"path": "x", "content": "y"}\n---\nsay hi', "hi", shell='exec "$@" <&- >&-')
    assert (ran.code, ran.out) == (3, "")
    assert len(place.journals()) == 2
    ran = place.akmon("hi", env={"AKMON_MODEL": place.script("say hi")}, shell='exec "$@" <&-')
    assert (ran.code, ran.out, ran.err) == (0, "hi\n", "")


def test_the_version_is_one_line(place: Place) -> None:
    for arguments in (("--version",), ("-V",), ("-p", "-V")):
        ran = place.akmon(*arguments)
        assert (ran.code, ran.out, ran.err) == (0, "akmon 0.1.0\n", "")


def test_help_names_the_subcommands_and_the_exit_codes(place: Place) -> None:
    ran = place.akmon("--help")
    assert ran.code == 0
    assert ran.err == ""
    for word in ("sessions", "doctor", "demo", "130 interrupted", "--max-budget-usd", "--permission-mode"):
        assert word in ran.out


def test_the_program_needs_no_environment_at_all(place: Place) -> None:
    ran = subprocess.run([PROGRAM, "--version"], env={}, check=False, capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, b"")
