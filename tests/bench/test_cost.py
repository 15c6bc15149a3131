"""The benchmark's session is the same each time, and its other ways to send it do what they say."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from benchmarks.cache import Cache, Counted
from benchmarks.cache_server import Clock, Play, as_json, serving
from benchmarks.cost import Bill
from benchmarks.ways import CLEARED, KEPT_ROWS, append_only, cleared_each_time, counted
from benchmarks.webapp import Script

MODEL = "claude-sonnet-5-5"


def exchange(number: int, tool: str, output: str) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": f"t{number}", "name": tool, "input": {}}
    result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": output}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def test_a_script_is_the_same_whenever_it_is_made() -> None:
    one, other = Script(), Script()
    assert (one.turns, one.output) == (other.turns, other.output)
    assert len(one.turns) == 30
    assert all(turn.replies[-1].calls == () for turn in one.turns)


def test_clearing_each_time_replaces_old_results_by_tool_and_length() -> None:
    long, short = "x" * 501, "x" * 500
    kinds = [("read", short), ("shell", long), ("shell", short), ("write", long), ("edit", long)]
    history = [message for at, kind in enumerate(kinds) for message in exchange(at, *kind)]
    history += [message for at in range(10, 10 + KEPT_ROWS // 2) for message in exchange(at, "read", long)]
    sent = cleared_each_time(history)
    said = [message["content"][0]["content"] for message in sent if message["role"] == "user"]
    assert said[:5] == [CLEARED, CLEARED, short, long, long]
    assert set(said[5:]) == {long}
    assert append_only(history) == history


def test_a_server_plays_the_script_and_bills_what_the_cache_says() -> None:
    play = Play(Cache(MODEL), Clock())
    turn = Script().turns[0]
    play.begin(turn)
    system = [{"type": "text", "text": "Be brief. " * 400}]
    messages: list[dict[str, Any]] = [{"role": "user", "content": turn.prompt}]
    body = {"model": MODEL, "cache_control": {"type": "ephemeral"}, "system": system, "messages": messages}
    with serving(play) as url:
        first = _ask(url, body)
        call = play.history[-1]["content"][-1]
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": "web/"}
        messages += [play.history[-1], {"role": "user", "content": [result]}]
        second = _ask(url, body)
    began = [event["message"]["usage"] for event in (first[0], second[0])]
    assert began[0]["cache_creation_input_tokens"] == began[1]["cache_read_input_tokens"] > 0
    assert first[-2]["delta"]["stop_reason"] == "tool_use"
    assert [each.messages for each in play.asked] == [1, 3]
    assert play.asked[1].at > play.asked[0].at
    assert [each.read for each in counted(as_json(play), append_only, cached=True)] == [
        each.counted.read for each in play.asked
    ]
    assert sum(each.read for each in counted(as_json(play), append_only, cached=False)) == 0


def test_a_request_for_a_summary_takes_nothing_off_the_script() -> None:
    play = Play(Cache(MODEL), Clock())
    turn = Script().turns[0]
    play.begin(turn)
    ask = {"role": "user", "content": "Summarise what was said."}
    play.answer({"model": MODEL, "messages": [ask]})
    blocks, _ = play.answer({"model": MODEL, "messages": [{"role": "user", "content": turn.prompt}]})
    assert blocks[0]["text"] == turn.replies[0].text
    assert [each.messages for each in play.asked] == [0, 1]


def test_a_bill_says_what_share_came_from_the_cache() -> None:
    assert Bill(calls=1, counted=Counted(input=1, write=2, read=7), output=5, cost=0.1).share == 0.7


def _ask(url: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    request = urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        lines = response.read().decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
