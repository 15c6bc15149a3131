"""The scripted model: its format, what it plays when, and what it says of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from akmon_core.errors import SettingsError
from akmon_core.messages import Text, Thinking, ToolCall, User
from akmon_core.models import ModelRequest, Prices
from akmon_core.stream import CallDelta, ReplyDone, StreamEvent, TextDelta, Usage, UsageSeen
from akmon_models.registry import open_model
from akmon_models.script import MAX_OUTPUT, WINDOW, Delay, Pace, parse_script
from akmon_models.scripted import ScriptedModel, read_script
from tests.models.asking import ask, reply, request

HI = User((Text("hi"),))


def model(script: str) -> ScriptedModel:
    return ScriptedModel(parse_script(script, "s.script"))


def after(replies: int, *, agent: str = "", purpose: Literal["reply", "summary"] = "reply") -> ModelRequest:
    """A request of an agent that has had so many replies."""
    return msgspec.structs.replace(request(HI), number=replies + 1, agent=agent, purpose=purpose)


def done(script: str, replies: int = 0) -> ReplyDone:
    events, error = ask(model(script), after(replies))
    assert error is None
    return reply(events)


def test_a_reply_is_what_its_lines_say_in_their_order() -> None:
    played = done(
        """
# The model thinks first.
think What is there?
think Let me look.
say I will look.
say
say Now.
call shell {"cmd": "ls"}
say Done?
call shell {oops
usage input=100 output=20 cache_read=5 cache_write=1
"""
    )
    assert played.message.parts == (
        Thinking("What is there?\nLet me look."),
        Text("I will look.\n\nNow."),
        ToolCall("call_1_1", "shell", '{"cmd": "ls"}'),
        Text("Done?"),
        ToolCall("call_1_2", "shell", "{oops"),
    )
    assert played.message.stop == "tools"
    assert played.usage == Usage(
        input_tokens=100, output_tokens=20, cache_read_tokens=5, cache_write_tokens=1
    )


def test_a_heredoc_holds_lines_as_they_are() -> None:
    played = done('say <<END\n# a heading\n\n---\n  indented\nEND\ncall write <<STOP\n{"a": 1}\nSTOP\n')
    assert played.message.parts == (
        Text("# a heading\n\n---\n  indented"),
        ToolCall("call_1_1", "write", '{"a": 1}'),
    )


def test_line_ends_of_windows_are_no_part_of_a_text() -> None:
    assert done("say <<END\r\na\r\nb\r\nEND\r\n").message.text == "a\nb"


def test_text_streams_word_by_word() -> None:
    events, _ = ask(model("say one two  three\ncall shell {}"))
    words = [event.text for event in events if isinstance(event, TextDelta)]
    assert words == ["one ", "two ", " ", "three"]
    assert CallDelta(0, "shell", "{}") in events


def test_without_usage_nothing_is_counted() -> None:
    events, _ = ask(model("say hi"))
    assert reply(events).usage == Usage()
    assert not any(isinstance(event, UsageSeen) for event in events)


@pytest.mark.parametrize(
    ("script", "stop"),
    [
        ("say x", "end"),
        ("call a {}", "tools"),
        ("say x\nstop length", "length"),
        ("stop refused", "refused"),
        ("call a {}\nstop end", "end"),
    ],
)
def test_the_reason_to_stop_follows_from_the_calls_unless_it_is_given(script: str, stop: str) -> None:
    assert done(script).message.stop == stop


def test_the_next_reply_follows_from_the_number_of_the_request() -> None:
    script = "say one\n---\nsay two\ncall a {}\n---\n"
    assert done(script, 0).message.text == "one"
    assert done(script, 1).message.text == "two"
    assert done(script, 1).message.calls[0].id == "call_2_1"


def test_a_repeated_reply_counts_so_many_times() -> None:
    script = "repeat 2\nsay again\ncall a {}\n---\nsay last"
    assert [done(script, at).message.text for at in range(3)] == ["again", "again", "last"]
    assert [done(script, at).message.calls[0].id for at in range(2)] == ["call_1_1", "call_2_1"]


def test_a_reply_repeated_forever_has_no_end() -> None:
    script = "say first\n---\nrepeat forever\nsay again"
    assert [done(script, at).message.text for at in (0, 1, 50)] == ["first", "again", "again"]


def test_a_script_without_a_further_reply_is_an_error_that_is_not_retried() -> None:
    _, error = ask(model("say one\n---\nrepeat 2\nsay two"), after(3))
    assert (error.kind, error.retryable) == ("bad_request", False)
    assert "3 replies" in str(error)
    assert "reply 4" in str(error)


def test_a_script_of_one_reply_is_said_to_have_one_reply() -> None:
    _, error = ask(model("say one"), after(1))
    assert "only 1 reply, and" in str(error)


BLOCKS = """
say main
---
for agent
say agent one
call a {}
---
say agent two
---
for summary
say first summary
---
error 529 busy
say second summary
"""


def said(playing: ScriptedModel, asked: ModelRequest) -> str:
    events, error = ask(playing, asked)
    return str(error) if error else reply(events).message.text


def test_every_sub_agent_plays_the_replies_for_agents_from_the_first() -> None:
    playing = model(BLOCKS)
    told = [said(playing, after(at, agent=agent)) for agent in ("task-5", "task-9") for at in (0, 1)]
    assert told == ["agent one", "agent two"] * 2
    assert said(playing, after(0)) == "main"


def test_a_sub_agent_that_the_script_does_not_foresee_is_an_error_that_says_what_to_add() -> None:
    assert "no replies for the sub-agent task-5" in said(model("say main"), after(0, agent="task-5"))
    assert "`for agent`" in said(model("say main"), after(0, agent="task-5"))
    short = said(model(BLOCKS), after(2, agent="task-5"))
    assert "only 2 replies for sub-agents, and task-5 asks for reply 3" in short


def test_summaries_are_played_one_after_the_other_then_a_fixed_one() -> None:
    playing = model(BLOCKS)
    assert said(playing, after(4, purpose="summary")) == "first summary"
    assert said(playing, after(9, purpose="summary")) == "busy"
    assert said(playing, after(9, purpose="summary")) == "second summary"
    assert "scripted model" in said(playing, after(12, purpose="summary"))
    assert said(playing, after(0)) == "main"


def test_without_a_block_for_summaries_one_is_given_all_the_same() -> None:
    assert said(model("say main"), after(0, agent="task-5", purpose="summary"))


def test_a_script_may_be_for_sub_agents_alone() -> None:
    assert said(model("window 9000\n---\nfor agent\nsay plan"), after(0, agent="task-2")) == "plan"


def attempts(script: str, count: int) -> list[tuple[str, str]]:
    """What was said, and how it failed, in so many attempts at the first reply."""
    playing = model(script)
    results: list[tuple[list[StreamEvent], Any]] = [ask(playing, after(0)) for _ in range(count)]
    return [
        ("".join(e.text for e in events if isinstance(e, TextDelta)), error.kind if error else "")
        for events, error in results
    ]


@pytest.mark.parametrize(
    ("script", "results"),
    [
        ("error 529 busy\nsay hi", [("", "overloaded"), ("hi", ""), ("hi", "")]),
        (
            "error rate_limit slow\nerror 500 x\nsay hi",
            [("", "rate_limit"), ("", "server"), ("hi", "")],
        ),
        ("say Hel\ncut\nsay Hello", [("Hel", "protocol"), ("Hello", ""), ("Hello", "")]),
        ("say Hel\nerror connection lost\nsay Hello", [("Hel", "connection"), ("Hello", "")]),
        ("error 401 who?", [("", "authentication"), ("", "authentication")]),
        ("error 500 x\nerror 503 y", [("", "server"), ("", "overloaded"), ("", "overloaded")]),
        ("say Hel\ncut", [("Hel", "protocol"), ("Hel", "protocol")]),
    ],
)
def test_each_attempt_goes_on_after_the_error_of_the_one_before(
    script: str, results: list[tuple[str, str]]
) -> None:
    assert attempts(script, len(results)) == results


def test_an_error_has_its_status_its_wait_and_its_message() -> None:
    _, error = ask(model("error 429 retry_after=2.5 slow down, please"))
    assert (error.kind, error.status, error.retry_after) == ("rate_limit", 429, 2.5)
    assert str(error) == "slow down, please"


def test_attempts_at_one_reply_do_not_count_for_another() -> None:
    playing = model("say one\n---\nerror 529 busy\nsay two")
    ask(playing, after(0))
    assert ask(playing, after(1))[1].kind == "overloaded"
    assert ask(playing, after(1))[1] is None


def test_waits_are_part_of_the_script() -> None:
    assert parse_script("delay 0.5\npace 0.01\nsay x", "s").replies[0].attempts[0].lines[:2] == [
        Delay(0.5),
        Pace(0.01),
    ]
    assert done("delay 0.001\npace 0.001\nsay a b").message.text == "a b"


def test_the_header_gives_the_facts() -> None:
    facts = model(
        "window 100000\nmax_output 8000\nprice input=3 output=15 cache_read=0.3 cache_write=3.75\n---\nsay x"
    ).facts
    assert (facts.provider, facts.id) == ("scripted", "s.script")
    assert (facts.context_window, facts.max_output) == (100_000, 8_000)
    assert facts.prices == Prices(input=3, output=15, cache_read=0.3, cache_write=3.75)


def test_without_a_header_the_model_is_unpriced() -> None:
    facts = model("say x").facts
    assert (facts.context_window, facts.max_output, facts.prices) == (WINDOW, MAX_OUTPUT, None)
    assert model("window 8000\nsay x").facts.max_output == 2_000
    assert facts.edit_format == "replace"


def test_the_header_says_how_the_model_changes_files() -> None:
    assert model("edit patch\n---\nsay x").facts.edit_format == "patch"


@pytest.mark.parametrize(
    ("script", "line", "words"),
    [
        ("say x\nsya y", 2, "no directive `sya`"),
        ("say x\n\ncall", 3, "`call NAME"),
        ("say <<END\nx\ny", 1, "no line END"),
        ("say x\nwindow 5", 2, "before the first reply"),
        ("say x\n---\nprice input=1", 3, "before the first reply"),
        ("window many", 1, "`window TOKENS`"),
        ("window 0", 1, "`window TOKENS`"),
        ("price input=3", 1, "`price input=3 output=15"),
        ("edit by hand", 1, "`edit replace` or `edit patch`"),
        ("say x\nedit patch", 2, "before the first reply"),
        ("usage", 1, "`usage input=100"),
        ("usage cached=5", 1, "`usage input=100"),
        ("usage input=-5", 1, "`usage input=100"),
        ("delay soon", 1, "`delay SECONDS`"),
        ("delay -1", 1, "`delay SECONDS`"),
        ("pace nan", 1, "`pace SECONDS`"),
        ("stop now", 1, "`stop end`"),
        ("error oops", 1, "`error KIND_OR_STATUS"),
        ("error 200 fine", 1, "`error KIND_OR_STATUS"),
        ("error 429 retry_after=x y", 1, "`error KIND_OR_STATUS"),
        ("error 429 retry_after=-1 y", 1, "`error KIND_OR_STATUS"),
        ("price input=nan output=1 cache_read=1 cache_write=1", 1, "`price input=3 output=15"),
        ("say x\nrepeat 2", 2, "start of its reply"),
        ("repeat never\nsay x", 1, "`repeat NUMBER`"),
        ("say x\nfor agent", 2, "before the first reply of its block"),
        ("for planner\nsay x", 1, "`for agent` or `for summary`"),
        ("for agent\nwindow 5\nsay x", 2, "before the first reply"),
        ("for agent\n", 2, "no replies"),
        ("# nothing\n", 2, "no replies"),
        ("", 1, "no replies"),
    ],
)
def test_a_mistake_is_told_with_its_line(script: str, line: int, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_script(script, "s.script")
    assert str(caught.value).startswith(f"s.script, line {line}: ")
    assert words in str(caught.value)


def test_a_file_that_is_missing_or_a_folder_is_a_settings_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.script", tmp_path):
        with pytest.raises(SettingsError, match="cannot be read"):
            read_script(str(path))


def test_no_file_at_all_is_a_settings_error_that_says_so() -> None:
    with pytest.raises(SettingsError, match="scripted: names no file"):
        open_model("scripted:", {})


def test_a_file_that_is_not_utf8_is_a_settings_error_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "s.script"
    path.write_bytes(b"say x\nsay \xff\n")
    with pytest.raises(SettingsError, match="line 2"):
        read_script(str(path))


def test_a_script_is_selected_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "s.script"
    path.write_text("\ufeffsay grüße", encoding="utf-8")
    events, _ = ask(open_model(f"scripted:{path}", {}))
    assert reply(events).message.text == "grüße"


def test_the_examples_of_the_reference_can_be_played() -> None:
    reference = Path(__file__).parents[2] / "docs" / "scripted-models.md"
    blocks = reference.read_text(encoding="utf-8").split("```script\n")[1:]
    assert len(blocks) >= 3
    for block in blocks:
        assert parse_script(block.partition("```")[0], "example").replies
