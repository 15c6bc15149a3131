"""Limits that end a run, and models and tools that do not do what they should."""

from __future__ import annotations

import shlex

import pytest

from tests.e2e.program import Place, kinds, sound

PRICE = "price input=3 output=15 cache_read=0.3 cache_write=3.75\n"
NEVER_DONE = 'repeat forever\ncall list {"path": "."}\nusage input=1000 output=100'


def test_the_turn_limit_ends_a_run_that_does_not_end(place: Place) -> None:
    ran = place.play(NEVER_DONE, "go", "--max-turns", "3")
    assert (ran.code, ran.out) == (4, "")
    assert "3 model calls (--max-turns)" in ran.err
    state = sound(place.journal())
    assert (state.steps, state.outcome) == (3, "max_turns")
    command = ran.err.splitlines()[-1].removeprefix("akmon: go on with: akmon ")
    ran = place.play("repeat forever\nsay done", *shlex.split(command))
    assert (ran.code, ran.out) == (0, "done\n")


def test_without_a_flag_the_limit_is_25(place: Place) -> None:
    script = "\n---\n".join(f'call list {{"path": "{number}"}}\nsay {number}' for number in range(30))
    for number in range(30):
        (place.project / str(number)).mkdir()
        (place.project / str(number) / f"{number}.txt").touch()
    report = place.play(script, "go", "--output=json").json
    assert report["exit_reason"] == "max_turns"
    assert len(report["tool_calls"]) == 25


def test_time_that_is_up_ends_a_run(place: Place) -> None:
    script = 'repeat forever\ndelay 0.01\ncall shell {"command": "date +%N"}'
    ran = place.play(script, "go", "--max-seconds", "0.001", "--allow=shell", "--output=stream-json")
    assert (ran.code, ran.lines[-1]["subtype"]) == (7, "time_limit")
    assert "--max-seconds" in ran.lines[-1]["error"]
    assert "akmon: go on with: akmon -r" in ran.err


def test_a_model_that_goes_in_circles_is_told_and_then_stopped(place: Place) -> None:
    ran = place.play(NEVER_DONE, "go", "--output=stream-json")
    assert (ran.code, ran.lines[-1]["exit_reason"]) == (8, "stuck")
    (told,) = [line for line in ran.lines if line["type"] == "reminder"]
    assert told["kind"] == "repetition"


def test_the_budget_ends_a_run_on_a_priced_model(place: Place) -> None:
    ran = place.play(PRICE + NEVER_DONE, "go", "--max-budget-usd", "0.01", "--output=json")
    assert ran.code == 5
    assert ran.json["exit_reason"] == "budget_limit"
    assert ran.json["cost_usd"] == pytest.approx(0.0135)
    assert "--max-budget-usd" in ran.json["error"]


def test_a_turn_that_ends_within_its_limits_is_a_success(place: Place) -> None:
    script = PRICE + "call list {}\nusage input=10\n---\nsay done\nusage input=10"
    ran = place.play(script, "go", "--max-turns", "2", "--max-budget-usd", "5")
    assert (ran.code, ran.out) == (0, "done\n")


def test_a_budget_counts_what_a_resumed_session_spends_from_now_on(place: Place) -> None:
    script = PRICE + "repeat forever\nsay done\nusage input=1000"
    for arguments in ((), ("-c",)):
        assert place.play(script, "go", "--max-budget-usd", "0.002", *arguments).code == 0


def test_a_rate_limit_in_mid_reply_is_waited_out_and_the_reply_goes_on(place: Place) -> None:
    ran = place.play(
        "say some wo\nusage input=5\nerror 429 retry_after=0.1 slow down\nsay rds\nusage input=7", "go"
    )
    assert (ran.code, ran.out) == (0, "some words\n")
    assert ran.err == "! attempt 2 of 6 in 1 s: slow down\n"
    assert kinds(place.journal()).count("replied") == 1
    assert sound(place.journal()).usage.input_tokens == 12


def test_the_fallback_model_takes_over_in_mid_reply_and_is_counted_with_its_own_price(place: Place) -> None:
    other = place.script(
        "price input=5 output=5 cache_read=5 cache_write=5\nsay  and the other\nusage input=1000000"
    )
    script = (
        "price input=1 output=1 cache_read=1 cache_write=1\nsay one\nusage input=1000000\n"
        + "error 529 retry_after=0.1 busy\n" * 3
    )
    ran = place.play(script, "go", "--fallback-model", other, "--output=stream-json")
    assert ran.code == 0
    retries = [(line["attempt"], line["model"]) for line in ran.lines if line["type"] == "retry"]
    assert retries == [(2, ""), (3, ""), (1, f"scripted/{other.removeprefix('scripted:')}")]
    result = ran.lines[-1]
    assert (result["result"], result["cost_usd"]) == ("one and the other", 6.0)
    assert (result["usage"]["input_tokens"], sound(place.journal()).usage.input_tokens) == (
        2_000_000,
        2_000_000,
    )


def test_what_was_said_before_a_failure_for_good_is_kept_and_gone_on_from(place: Place) -> None:
    model = place.script("say half a\nerror 400 no\n---\nsay the rest")
    ran = place.akmon("-m", model, "-p", "go")
    assert (ran.code, ran.out) == (1, "half a\n")
    assert place.akmon("-m", model, "-c", "-p", "go on").out == "the rest\n"
    assert [type(message).__name__ for message in sound(place.journal()).history] == ["User", "Assistant"] * 2


def test_used_up_tokens_end_the_run_with_the_code_of_a_limit(place: Place) -> None:
    script = "repeat forever\ncall list {}\nusage input=600"
    ran = place.play(script, "go", "--max-tokens-total", "1000", "--output=json")
    assert (ran.code, ran.json["exit_reason"], ran.json["usage"]["input_tokens"]) == (6, "token_limit", 1_200)
    assert "--max-tokens-total" in ran.err


def test_a_stream_that_breaks_is_tried_again_without_doubling_its_calls(place: Place) -> None:
    script = (
        'call shell {"command": "echo x >> made"}\ncut\ncall shell {"command": "echo x >> made"}\n---\nsay ok'
    )
    assert place.play(script, "go", "--allow=shell", "--permission-mode=full-auto").code == 0
    assert (place.project / "made").read_text() == "x\n"
    assert kinds(place.journal()).count("replied") == 2


@pytest.mark.parametrize("status", [401, 403, 400, 404])
def test_a_failure_that_will_not_pass_is_not_tried_again(place: Place, status: int) -> None:
    ran = place.play(f"error {status} the key is wrong\nsay never", "go", "--output=json")
    assert ran.code == 1
    assert (ran.json["status"], ran.json["exit_reason"]) == ("error", "error")
    assert "the key is wrong" in ran.json["error"]
    assert "! " not in ran.err
    assert ran.err.count("the key is wrong") == 1


def test_a_server_that_asks_for_too_long_a_wait_ends_the_run_with_advice(place: Place) -> None:
    ran = place.play("error 429 retry_after=3600 quota used up", "go")
    assert ran.code == 1
    assert "quota used up" in ran.err
    assert "akmon waits at most 60" in ran.err


def test_a_failure_after_work_keeps_the_work_and_says_what_was_said(place: Place) -> None:
    script = 'say I write.\ncall write {"path": "a", "content": "b"}\n---\nerror 400 no more\n'
    ran = place.play(script, "go", "--permission-mode=accept-edits", "--output=json")
    assert ran.code == 1
    assert ran.json["files_written"] == ["a"]
    assert ran.json["result"] == "I write."
    assert sound(place.journal()).outcome == "failed"


def test_a_refusal_is_an_error(place: Place) -> None:
    ran = place.play("say I will not.\nstop refused", "go")
    assert (ran.code, ran.out) == (1, "I will not.\n")
    assert ran.err == "akmon: the model refused to answer\n"


def test_a_script_that_is_too_short_says_so(place: Place) -> None:
    ran = place.play("call list {}", "go")
    assert ran.code == 1
    assert "has only 1 reply, and the session asks for reply 2" in ran.err


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("frobnicate {}", "there is no tool called 'frobnicate'. The tools are: read, write,"),
        ('read {"path": 3}', "read: Expected `str`, got `int`"),
        ("read {}", "read: Object missing required field `path`"),
        ('read {"path": "x", "frob": 1}', "read: Object contains unknown field `frob`"),
        ('write {"path": "x", "content": "half', "the arguments are not valid JSON"),
        ("read [1]", "read: Expected `object`, got `array`"),
        ('shell {"command": ""}', "shell: Expected `str` of length >= 1"),
    ],
)
def test_a_wrong_call_is_told_to_the_model_and_the_run_goes_on(place: Place, call: str, told: str) -> None:
    ran = place.play(f"call {call}\n---\nsay corrected", "go", "--permission-mode=full-auto")
    assert (ran.code, ran.out) == (0, "corrected\n")
    assert f"> {call.partition(' ')[0]}" in ran.err
    result = sound(place.journal()).history[-2]
    assert told in str(result)
    assert list(place.project.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "told"),
    [
        ("printf 'ELF\\000\\377' > file", "file is a binary file"),
        ("printf 'gr\\374n\\n' > file", "not UTF-8: shown as Latin-1"),
        ("printf '\\357\\273\\277bom\\r\\n' > file", "bom"),
        ("mkdir file", "the folder is empty"),
        ("mkfifo file", "pipe, socket or device"),
        ("ln -s file file", "leads in a circle"),
        ("ln -s /dev/zero file", "is outside the project"),
        ("touch file", "file is empty"),
        ("true", "file does not exist"),
    ],
)
def test_files_that_are_no_text_are_told_to_the_model(place: Place, make: str, told: str) -> None:
    ran = place.play('call read {"path": "file"}\n---\nsay ok', "go", shell=f'{make}; exec "$@"')
    assert ran.out == "ok\n"
    assert told in str(sound(place.journal()).history)


def test_a_file_name_that_is_not_utf8_is_listed(place: Place) -> None:
    ran = place.play("call list {}\n---\nsay ok", "go", shell="touch $(printf 'a\\377b'); exec \"$@\"")
    assert (ran.code, ran.out) == (0, "ok\n")
    assert sound(place.journal()).outcome == "completed"


def test_output_of_a_command_in_no_encoding_is_kept_readable(place: Place) -> None:
    script = 'call shell {"command": "printf \'a\\\\377b\\\\000c\'"}\n---\nsay ok'
    assert place.play(script, "go", "--permission-mode=full-auto").code == 0
    assert "a\ufffdb" in str(sound(place.journal()).history)


def test_a_command_with_endless_output_is_bounded(place: Place) -> None:
    script = 'call shell {"command": "yes | head -c 50000000", "timeout": 30}\n---\nsay ok'
    assert place.play(script, "go", "--permission-mode=full-auto").code == 0
    assert place.journal().stat().st_size < 200_000


def test_a_command_that_takes_too_long_is_killed_with_what_it_started(place: Place) -> None:
    script = 'call shell {"command": "(sleep 1000; touch late) & sleep 1000", "timeout": 0.5}\n---\nsay ok'
    ran = place.play(script, "go", "--permission-mode=full-auto")
    assert ran.code == 0
    assert "failed: killed after 0.5 s" in ran.err
