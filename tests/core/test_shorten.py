"""What a shortened history still holds."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.events import (
    Cleared,
    Compacted,
    Continued,
    ModeChanged,
    ModelChosen,
    PermissionDecided,
    Pinned,
    PlanSaved,
    Reminded,
    Replied,
    Steered,
)
from akmon_core.limits import PIN_CHARS, RESULT_SHARE
from akmon_core.messages import Assistant, Pin, Text, ToolCall, ToolResult, User, note
from akmon_core.prompt import GO_ON
from akmon_core.shorten import calls_of, fitted, listing, placeholder, starts
from akmon_core.state import State
from akmon_core.tokens import weigh_text
from akmon_core.tools import Effect
from akmon_query.testing import check_well_formed
from tests.core.talks import PICTURE, Talk, reads

AMPLE = 1_000_000


def compacted(talk: Talk, kept: int, *, said: int = AMPLE, cap: int = 0, summary: str = "SUM") -> State:
    how = Compacted(summary=summary, kept=kept, said=said, cap=cap)
    return talk.add(how).state


def summary_of(state: State) -> str:
    (text,) = [each.text for each in state.history if isinstance(each, User) and each.by == "summary"]
    return text


def persons(state: State) -> list[str]:
    return [each.text for each in state.history if isinstance(each, User) and each.by == "person"]


# --- the user's own messages ------------------------------------------------------------------------


def test_all_that_the_user_said_stays_verbatim_before_the_summary() -> None:
    talk = Talk().asks("first rule:\n  never use tabs").calls("read", "x" * 500).says("read it").ends()
    talk.asks("second").calls("read", "y").says("and").add(Steered(User((Text("no, the other"),)))).says("ok")
    state = compacted(talk, kept=1)
    assert persons(state) == ["first rule:\n  never use tabs", "second", "no, the other"]
    assert [type(each) for each in state.history] == [User, User, User, User, Assistant]
    assert "\n\nSUM\n\n" in summary_of(state)
    check_well_formed(state.history)


def test_what_akmon_said_goes() -> None:
    talk = Talk().asks("go").says("hm").add(Reminded("unverified", note("check it"))).says("checked")
    state = compacted(talk, kept=1)
    assert persons(state) == ["go"]
    assert "check it" not in "".join(each.text for each in state.history)


def test_where_the_user_said_too_much_the_first_and_the_newest_stay_and_the_others_are_named() -> None:
    talk = Talk().asks("first")
    for at in range(9):
        talk.says("ok").ends().asks(f"{at}" * 100)
    records = {each.text[0]: each.record for each in talk.state.history[1:] if isinstance(each, User)}
    state = compacted(talk.says("done"), kept=1, said=350)
    assert persons(state) == ["first", "6" * 100, "7" * 100, "8" * 100]
    text = summary_of(state)
    assert "6 more messages of the user" in text
    for at in range(6):
        assert f"record:{records[str(at)]}" in text


def test_a_long_message_keeps_its_start_and_end_and_says_where_all_of_it_is() -> None:
    talk = Talk().asks("START " + "middle " * 10_000 + " END").says("ok")
    state = compacted(talk, kept=1, said=2_000)
    (text,) = persons(state)
    assert text.startswith("START")
    assert text.endswith("END")
    assert len(text) < 1_200
    assert 'path "record:1"' in text


def test_images_are_left_out_of_old_messages_and_stay_in_new_ones() -> None:
    talk = Talk().asks("look", PICTURE, PICTURE).says("seen").ends().asks("and this", PICTURE).says("ok")
    state = compacted(talk, kept=2)
    old, _, new, _ = state.history
    assert isinstance(old, User)
    assert old.parts == (Text("look\n[an image was here]\n[an image was here]"),)
    assert isinstance(new, User)
    assert PICTURE in new.parts


# --- what is pinned, and the permissions ------------------------------------------------------------


def test_pins_mode_and_grants_stand_beside_the_summary_verbatim() -> None:
    todos, plan = "1. [x] read\n2. [ ] write {}\n\n[not a heading]", "# Plan\n\n- do `this`\n"
    talk = Talk().asks().add(ModeChanged("accept-edits"), Pinned(Pin("todos", todos)))
    talk.add(PlanSaved(".akmon/plans/1.md", plan), Pinned(Pin("gone", "x")), Pinned(Pin("gone", "")))
    run = (Effect("run", "make test"),)
    talk.add(PermissionDecided("1", "allow", "person", "yes", "session", tool="shell", effects=run))
    talk.add(PermissionDecided("2", "allow", "person", "yes", "writes"))
    text = summary_of(compacted(talk.says("ok"), kept=1))
    assert f"\n\n[todos, as it stands now]\n{todos}\n\n" in text
    assert f"\n\n[plan, as it stands now]\n{plan}\n\n" in text
    assert "gone" not in text
    assert "The permission mode is accept-edits." in text
    assert "shell make test; writing in the project" in text


def test_pins_that_change_later_are_those_of_the_next_summary() -> None:
    talk = Talk().asks().add(Pinned(Pin("todos", "one"))).says("ok")
    assert "\none\n" in summary_of(compacted(talk, kept=1))
    talk.ends().asks("more").add(Pinned(Pin("todos", "two"))).says("ok")
    text = summary_of(compacted(talk, kept=1))
    assert "\ntwo\n" in text
    assert "\none\n" not in text


def test_a_pin_is_at_most_so_long() -> None:
    state = Talk().add(Pinned(Pin("big", "x" * (3 * PIN_CHARS)))).state
    assert len(state.pins["big"]) < PIN_CHARS + 200


# --- the end that stays -----------------------------------------------------------------------------


def test_the_end_stays_as_it_was_unless_even_that_is_too_much() -> None:
    talk = Talk().asks().calls("read", "a" * 5_000, "b" * 50).calls("read", "c" * 5_000)
    before = talk.state.history
    assert compacted(talk, kept=2).history[-2:] == before[-2:]
    talk = Talk().asks().calls("read", "a" * 5_000, "b" * 50)
    *_, long, short = compacted(talk, kept=3, cap=1_000).history
    assert isinstance(long, ToolResult)
    assert isinstance(short, ToolResult)
    assert len(long.text) < 1_200
    assert f'path "record:{long.record}"' in long.text
    assert short.text == "b" * 50


def test_a_history_is_never_cut_between_calls_and_results_or_before_a_summary() -> None:
    talk = Talk().asks().calls("read", "a", "b").says("ok").ends().asks("more").calls("read", "c")
    assert list(starts(talk.state.history)) == [6, 5, 4, 1]
    compacted(talk, kept=2)
    talk.says("ok")
    assert [type(each).__name__ for each in talk.state.history[2:]] == [
        "User",
        "Assistant",
        "ToolResult",
        "Assistant",
    ]
    assert list(starts(talk.state.history)) == [5, 3]


def test_a_reply_that_goes_on_stays_with_its_continuation() -> None:
    talk = Talk().asks().calls("read", "a").says("half a", "length").add(Continued(GO_ON))
    assert list(starts(talk.state.history)) == [3, 1]
    talk.says("sentence", "length").add(Continued(GO_ON))
    assert list(starts(talk.state.history)) == [5, 3, 1]


# --- results ----------------------------------------------------------------------------------------


def test_a_placeholder_names_the_call_the_size_and_the_record() -> None:
    call = ToolCall("1", "shell", '{"command": "make all"}')
    short = placeholder(call, ToolResult("1", "x" * 12_345, error=True, images=(PICTURE,), record=57))
    assert short == ToolResult("1", short.text, error=True, record=57)
    assert "shell make all" in short.text
    assert "12,345 characters" in short.text
    assert 'path "record:57"' in short.text


@given(st.text(max_size=400), st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_placeholder_is_short_whatever_was_called(argument: str, record: int, size: int) -> None:
    call = ToolCall(
        "1", "read", msgspec.json.encode({"path": argument.encode("utf-8", "replace").decode()}).decode()
    )
    assert len(placeholder(call, ToolResult("1", "x" * min(size, 10_000), record=record)).text) <= 200


def test_only_the_results_that_were_named_are_cleared_and_the_weight_is_kept() -> None:
    talk = reads(3, 1_000)
    first, second, third = [result.record for _, _, result in calls_of(talk.state.history)]
    weight = talk.state.weight
    state = talk.add(Cleared((first, third, 999), 0)).state
    texts = [result.text.startswith("[Old output") for _, _, result in calls_of(state.history)]
    assert texts == [True, False, True]
    assert state.weight < weight
    assert second


@pytest.mark.parametrize(("count", "share"), [(1, 0.25), (2, 0.25), (4, 0.125), (8, 0.0625)])
def test_results_that_enter_together_take_at_most_their_share_of_the_window(count: int, share: float) -> None:
    assert RESULT_SHARE == 0.25
    text = "".join(f"line {at}\n" for at in range(20_000))
    results = tuple(ToolResult(str(at), text, record=at + 1) for at in range(count))
    for result in fitted(results, 10_000):
        assert weigh_text(result.text) <= 10_000 * share * 1.2 + 50
        assert f'path "record:{result.record}"' in result.text
        assert result.text.startswith("line 0\n")
        assert result.text.endswith("line 19999\n")


def test_results_that_fit_and_those_for_an_unknown_window_are_left_alone() -> None:
    results = (ToolResult("1", "x " * 50_000, record=1, images=(PICTURE,)), ToolResult("2", "y"))
    assert fitted(results, 0) == results
    assert fitted(results, 1_000_000) == results
    assert fitted(results[1:], 100) == results[1:]


def test_a_result_is_cut_as_it_enters_a_conversation_whose_window_is_known() -> None:
    talk = Talk().add(ModelChosen("p", "m", 1_000)).asks().calls("read", "words and words " * 10_000)
    last = talk.state.history[-1]
    assert isinstance(last, ToolResult)
    assert weigh_text(last.text) < 400
    assert f'path "record:{last.record}"' in last.text


# --- a summary without a model ----------------------------------------------------------------------


def test_a_mechanical_summary_lists_calls_failures_and_the_last_words() -> None:
    talk = Talk().asks().calls("read", "x", arguments='{"path": "a.py"}').says("that is odd")
    talk.calls("shell", "no", arguments='{"command": "make"}', error=True)
    text = listing("", talk.state.history, 10_000)
    assert "- read a.py\n- shell make (failed)" in text
    assert "that is odd" in text
    assert listing("", (User((Text("go"),)),), 100) == "Nothing of note."


def test_a_mechanical_summary_begins_with_the_one_before_and_stays_within_its_size() -> None:
    history = reads(100, 10).state.history
    text = listing("What came before.\n\n[in brackets]", history, 100_000)
    assert text.startswith("What came before.\n\n[in brackets]\n\n")
    assert "file99.py" in text
    assert len(listing("x" * 10_000, history, 500)) <= 510


def test_a_summary_is_kept_for_the_next_one() -> None:
    talk = reads(3, 10)
    talk.add(Replied(Assistant((Text("done"),))))
    assert compacted(talk, kept=1, summary="A\n\n[B]\n\nC").summary == "A\n\n[B]\n\nC"
