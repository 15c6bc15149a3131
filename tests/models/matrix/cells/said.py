"""Cells: what a model says."""

from __future__ import annotations

import json

import msgspec

from akmon_core.context import Room
from akmon_core.decide import Finish, Situation, decide
from akmon_core.events import Prompted, Replied
from akmon_core.limits import Limits
from akmon_core.messages import Assistant, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.models import ModelRequest
from akmon_core.state import replay
from akmon_core.stream import Usage, UsageSeen
from tests.models.asking import SHELL
from tests.models.matrix.bench import (
    Bench,
    ask,
    check,
    check_call_deltas,
    done,
    nothing_made_up,
    parsed,
    said,
    thought,
    thoughts,
)
from tests.models.matrix.cells.names import cell
from tests.models.matrix.replies import FULL, LS, ONE_CALL, PARALLEL, PWD, SIGNATURE, TEXT, Call, Reply

replace = msgspec.structs.replace
ASKED = User((Text("Go."),))


def body(bench: Bench, *messages: Message) -> str:
    """What is sent to go on after ``messages``."""
    asked = ModelRequest(system="s", messages=(ASKED, *messages, ASKED), tools=(SHELL,))
    stage = bench.stage(lambda x: x.send(bench.format.stream(TEXT), bench.format.content_type))
    _, error = ask(bench.row.open(stage.url), asked)
    assert error is None, error
    return stage.arrival().body.decode()


@cell("text")
def text(bench: Bench) -> None:
    last = check(bench, bench.whole(bench.format.stream(TEXT)), TEXT)
    assert last.message.parts == (Text("".join(TEXT.text)),)


@cell("thinking")
def thinking(bench: Bench) -> None:
    last = check(bench, bench.whole(bench.format.stream(FULL)), FULL)
    parts = thoughts(last.message)
    assert {part.origin for part in parts} == {bench.format.origin}
    if bench.format.signs:
        assert SIGNATURE in "".join(part.signature for part in parts)


@cell("thinking goes back")
def thinking_back(bench: Bench) -> None:
    """Where it is proven, with its proof; elsewhere a server may or may not want it."""
    message = done(bench.whole(bench.format.stream(ONE_CALL_AFTER_THINKING))).message
    sent = body(bench, message, *results(message))
    json.loads(sent)
    if bench.format.signs:
        assert SIGNATURE in sent


ONE_CALL_AFTER_THINKING = replace(ONE_CALL, thinking=("I th", "ink."))


def results(message: Assistant) -> list[Message]:
    return [ToolResult(call.id, "done") for call in message.calls]


@cell("thinking of another protocol does not go back")
def foreign_thinking(bench: Bench) -> None:
    """Nor does what it holds; only text and calls are common to all."""
    origins = {"messages", "chat", "responses", "converse", "ollama"} - {bench.format.origin}
    for origin in sorted(origins):
        thoughts = (
            Thinking("a foreign thought", "cHJvb2Y=", origin=origin),
            Thinking("a foreign field", "reasoning_content", origin=origin),
            Thinking("", "ZW5jcnlwdGVk", redacted=True, origin=origin),
        )
        message = Assistant((*thoughts, Text("Hi."), *calls(LS)), "tools")
        sent = body(bench, message, *results(message))
        assert "Hi." in sent
        for trace in ("a foreign", "cHJvb2Y=", "ZW5jcnlwdGVk"):
            assert trace not in sent, origin


def calls(*each: Call) -> list[ToolCall]:
    return [ToolCall(call.id, call.name, call.arguments) for call in each]


@cell("thinking cut before its proof does not go back")
def cut_thinking(bench: Bench) -> None:
    reply = Reply(thinking=("an unproven", " thought"), signature="", stop="length")
    events = bench.whole(bench.format.stream(reply))
    message = done(events).message
    assert thought(events) == "an unproven thought"
    assert message.stop == "length"
    if bench.format.signs:
        assert "unproven" not in body(bench, message)


@cell("one call")
def one_call(bench: Bench) -> None:
    check(bench, bench.whole(bench.format.stream(ONE_CALL)), ONE_CALL)


@cell("parallel calls")
def parallel(bench: Bench) -> None:
    check(bench, bench.whole(bench.format.stream(PARALLEL)), PARALLEL)


@cell("empty reply")
def empty(bench: Bench) -> None:
    """A reply without content that ended as it must is a reply."""
    last = check(bench, bench.whole(bench.format.stream(Reply())), Reply())
    assert last.message.parts == ()


@cell("refusal")
def refusal(bench: Bench) -> None:
    reply = Reply(text=("I will not.",), stop="refused")
    check(bench, bench.whole(bench.format.stream(reply)), reply)


@cell("refusal with a call")
def refused_call(bench: Bench) -> None:
    """A call of a reply that was refused is not run, whether it is kept or not."""
    reply = replace(PARALLEL, stop="refused")
    message = done(bench.whole(bench.format.stream(reply))).message
    assert message.stop == "refused"
    not_run(message)


def not_run(message: Assistant) -> None:
    state = replay([Prompted(ASKED), Replied(message=message, usage=Usage(), cost=None)])
    move = decide(state, Limits(), Situation(room=Room(usable=100_000), spent=state.spent))
    assert isinstance(move, Finish), move


@cell("length")
def length(bench: Bench) -> None:
    reply = Reply(text=("It is lo",), stop="length")
    check(bench, bench.whole(bench.format.stream(reply)), reply)


@cell("length in mid-arguments")
def cut_arguments(bench: Bench) -> None:
    """The call that arrived whole stays; the other one never becomes a call that could run."""
    if not bench.format.streams_arguments:
        reply = Reply(text=("I look.",), calls=(LS,), stop="length")
        check(bench, bench.whole(bench.format.stream(reply)), reply)
        return
    cut = Call("call_2", "shell", ('{"cmd": "rm -rf /tmp/',))
    reply = Reply(text=("I look.",), calls=(LS, cut), stop="length")
    events = bench.whole(bench.format.stream(reply))
    message = done(events).message
    assert message.stop == "length"
    assert [call.arguments for call in message.calls][:1] == [LS.arguments]
    assert len(message.calls) <= 2
    nothing_made_up(bench, message, reply)


@cell("usage")
def usage(bench: Bench) -> None:
    events = bench.whole(bench.format.stream(FULL))
    last = done(events)
    assert last.usage == bench.format.counted(FULL.usage)
    seen = [event for event in events if isinstance(event, UsageSeen)]
    assert seen
    assert seen[-1].usage == last.usage
    assert last.id == bench.format.reply_id or not bench.format.reply_id
    assert last.cost == bench.row.cost


@cell("usage told again and again")
def repeated_usage(bench: Bench) -> None:
    """The maximum of what was reported, not its sum."""
    events = bench.format.repeated_usage(TEXT)
    told = bench.whole([bench.format.frame(event) for event in events])
    check(bench, told, TEXT)
    counts = [event.usage.output_tokens for event in told if isinstance(event, UsageSeen)]
    assert counts == sorted(counts)


@cell("invalid arguments")
def invalid_arguments(bench: Bench) -> None:
    """They stay as the model wrote them, for it to read its mistake."""
    for wrong in ('{"cmd": "ls"]]', '{"cmd": ', "[1, 2]", "ls -l", '{"cmd": "a"}{"cmd": "b"}', '"ls"'):
        reply = Reply(calls=(Call("call_1", "shell", (wrong[:4], wrong[4:])), PWD), stop="tools")
        events = bench.whole(bench.format.stream(reply))
        message = done(events).message
        first, second = message.calls
        assert json.loads(second.arguments) == {"cmd": "pwd"}
        if bench.format.streams_arguments:
            assert first.arguments == wrong
        else:
            assert first.arguments in (wrong, parsed(wrong)) or parsed(first.arguments) == parsed(wrong)
        check_call_deltas(events, message.calls)
        json.loads(body(bench, message, *results(message)))


@cell("missing ids")
def missing_ids(bench: Bench) -> None:
    reply = replace(PARALLEL, calls=tuple(replace(call, id="") for call in PARALLEL.calls))
    streams = [bench.format.stream(reply)] * 2
    first, second = (done(events).message for events, _ in bench.fold(streams))
    check(bench, bench.whole(streams[0]), reply)
    assert not {call.id for call in first.calls} & {call.id for call in second.calls}


@cell("duplicate ids")
def duplicate_ids(bench: Bench) -> None:
    reply = replace(PARALLEL, calls=tuple(replace(call, id="call_0") for call in PARALLEL.calls))
    message = done(bench.whole(bench.format.stream(reply))).message
    assert len({call.id for call in message.calls}) == len(message.calls) == 2
    assert [json.loads(call.arguments) for call in message.calls] == [
        json.loads(call.arguments) for call in reply.calls
    ]


@cell("missing indexes")
def missing_indexes(bench: Bench) -> None:
    frames = [bench.format.frame(event) for event in bench.format.events(FULL, "none")]
    check(bench, bench.whole(frames), FULL)


@cell("duplicate indexes")
def duplicate_indexes(bench: Bench) -> None:
    """A call is whole, or it is none: two never become a third."""
    frames = [bench.format.frame(event) for event in bench.format.events(PARALLEL, "same")]
    events, error = bench.read(frames)
    if error is None:
        message = done(events).message
        assert message.calls
        nothing_made_up(bench, message, PARALLEL)
    assert said(events) == ""
