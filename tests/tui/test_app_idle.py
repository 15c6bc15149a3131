"""The screen does nothing where nothing happens, and little where little does."""

from __future__ import annotations

import pytest

from akmon_core.events import Noticed, Prompted, TurnEnded
from akmon_core.messages import Text, User
from akmon_core.stream import TextDelta
from tests.tui.fake import FakeClient, Step
from tests.tui.scenes import ENDLESS, HELLO, QUESTION, TOOL
from tests.tui.screenplay import Play, act, opened

DAY = 86_400.0
FRAMES = 15
"""A second, at most."""


@pytest.mark.parametrize("turn", [HELLO, TOOL, QUESTION, [*HELLO, TurnEnded("failed", "no")]])
@pytest.mark.parametrize("keys", [(), ("/co",), ("@app",), ("?",), ("/model", "enter"), ("c-r",)])
def test_where_nothing_runs_no_time_is_waited_for_and_nothing_is_written(
    turn: list[Step], keys: tuple[str, ...]
) -> None:
    async def person(play: Play) -> None:
        await play.enter("go")
        await play.pass_time(5)
        await play.press(*keys)
        await play.pass_time(5)
        assert play.loop.timers() == []
        before = play.screen.writes
        play.now += DAY
        await play.pass_time(DAY)
        assert play.screen.writes == before
        play.hang_up()

    act(person, opened(FakeClient(turn)))


def test_the_clock_of_a_turn_goes_on_while_it_runs_and_stops_with_it() -> None:
    client = FakeClient(ENDLESS)

    async def person(play: Play) -> None:
        await play.enter("go")
        play.now = 5
        await play.until("5 s")
        play.now = 70
        await play.until("1 min 10 s")
        client.publish(TurnEnded("completed"), cause="c1")
        await play.pass_time(5)
        assert play.loop.timers() == []
        play.hang_up()

    act(person, opened(client))


def test_a_reply_that_streams_fast_is_painted_a_few_times_a_second() -> None:
    client = FakeClient()

    async def person(play: Play) -> None:
        client.publish(Prompted(User((Text("go"),))))
        await play.pass_time(5)
        before = play.screen.writes
        for number in range(1_000):
            client.publish(TextDelta(f"word{number} "))
            await play.pass_time(0.001)
        await play.pass_time(1)
        assert play.screen.writes - before <= 2 * FRAMES + 4
        assert "word999" in play.text
        play.hang_up()

    act(person, opened(client))


def test_what_happens_all_at_once_is_painted_once() -> None:
    client = FakeClient()

    async def person(play: Play) -> None:
        await play.pass_time(5)
        before = play.screen.writes
        for number in range(500):
            client.publish(Noticed(f"notice {number}"))
        await play.pass_time(5)
        assert play.screen.writes - before == 1
        assert "notice 499" in play.text
        play.hang_up()

    act(person, opened(client))


def test_a_key_is_seen_at_once_also_while_a_reply_streams() -> None:
    client = FakeClient()

    async def person(play: Play) -> None:
        client.publish(Prompted(User((Text("go"),))))
        await play.pass_time(5)
        client.publish(TextDelta("Some words"))
        before = play.loop.time()
        play.send("x")
        await play.pass_time(0)
        await play.pass_time(0)
        assert "> x" in play.text
        assert play.loop.time() - before < 1 / FRAMES
        play.hang_up()

    act(person, opened(client))
