"""Three hundred turns in one session: what must hold in each of them, by the provider's own count."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from akmon_core.events import (
    Cleared,
    Compacted,
    Envelope,
    Event,
    ModelFailed,
    Noticed,
    Replied,
    SummaryFailed,
    ToolFinished,
    TurnEnded,
)
from akmon_core.state import State, fold
from akmon_core.stream import Usage
from akmon_query.journal import FileJournal
from akmon_query.testing import check_well_formed
from tests.marathon.author import FIRST, PLAN, todos_of
from tests.marathon.courses import CHAT, LARGE, MIDDLE, OLLAMA, PLAN_TURN, Course, cost_of, play
from tests.marathon.project import INSTRUCTIONS, lay_out
from tests.marathon.prompts import Called, Prompt, Said
from tests.marathon.server import Provider, serving

pytestmark = pytest.mark.timeout(600)  # half a minute of work, on a machine that may have much else to do


@dataclass
class Ran:
    course: Course
    turns: int
    provider: Provider
    state: State = field(default_factory=State)
    """The live one at the end."""
    replayed: State = field(default_factory=State)
    envelopes: list[Envelope] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    """What the last request of a turn lacked."""

    def of(self, *kinds: type[Event]) -> list[Event]:
        return [each.event for each in self.envelopes if isinstance(each.event, kinds)]


def run(course: Course, turns: int, folder: Path) -> Ran:
    (folder / "project").mkdir()
    lay_out(folder / "project")
    ran = Ran(course, turns, course.provider())
    with serving(ran.provider) as url:
        asyncio.run(_run(ran, url, folder))
    journal = FileJournal(next((folder / "sessions").glob("*.jsonl")))
    for envelope in journal.read():
        ran.replayed = fold(ran.replayed, envelope)
    journal.close()
    return ran


async def _run(ran: Ran, url: str, folder: Path) -> None:
    provider = ran.provider
    async with ran.course.open(url, folder, clock=lambda: provider.now, mode="plan") as session:
        for turn in range(1, ran.turns + 1):
            ran.envelopes += await play(session, provider, turn)
            assert provider.last
            ran.forgotten += [f"turn {turn}: {what}" for what in _forgotten(turn, provider.last)]
        ran.state = session.state


def _forgotten(turn: int, prompt: Prompt) -> list[str]:
    """What the model does not know any more in the last request of a turn."""
    seen = "\n".join(_texts(prompt))
    known = [FIRST]
    if turn >= PLAN_TURN:
        known.append(PLAN)
    if changed := [at for at in range(2, turn + 1) if at % 5 == 2 and at != PLAN_TURN]:
        known += [todo["text"] for todo in todos_of(changed[-1])]
    gone = [text for text in known if text not in seen]
    return gone if INSTRUCTIONS in prompt.system else [*gone, "the instructions"]


def _texts(prompt: Prompt) -> list[str]:
    texts = []
    for message in prompt.messages:
        for part in message.parts:
            match part:
                case Said(text):
                    texts.append(text)
                case Called(arguments=arguments):
                    texts += [each["text"] for each in arguments.get("todos", ())]
    return texts


def check_accounts(ran: Ran) -> None:
    used, state = ran.provider.used, ran.state
    assert state.usage == Usage(
        input_tokens=used.input,
        output_tokens=used.output,
        cache_read_tokens=used.read,
        cache_write_tokens=used.write,
    )
    assert state.cost == pytest.approx(cost_of(used))
    assert state.unpriced == 0


def check_shortenings(ran: Ran) -> None:
    """Each frees something, and there is at most one attempt at a summary before each reply."""
    attempts = 0
    for envelope in ran.envelopes:
        match envelope.event:
            case Replied():
                attempts = 0
            case Compacted(by="model") | SummaryFailed():
                attempts += 1
                assert attempts == 1
        if isinstance(envelope.event, Compacted):
            assert envelope.event.after < envelope.event.before
        if isinstance(envelope.event, Cleared):
            assert envelope.event.tokens > 0


def check_all(ran: Ran) -> None:
    assert ran.provider.violations == []
    ends = [event for event in ran.of(TurnEnded) if event != TurnEnded("completed")]
    assert ends == []
    assert len(ran.of(TurnEnded)) == ran.turns
    assert ran.of(ModelFailed, Noticed) == []
    assert ran.forgotten == []
    assert ran.provider.largest <= ran.course.window
    assert ran.replayed == ran.state
    check_well_formed(ran.state.history)
    check_accounts(ran)
    check_shortenings(ran)


def test_a_large_window_holds_for_three_hundred_turns(tmp_path: Path) -> None:
    ran = run(LARGE, 300, tmp_path)
    check_all(ran)
    written = ran.of(Compacted)
    failed = ran.of(SummaryFailed)
    assert written
    assert failed, "the model gave no useless summary, so the way out of one was not tried"
    assert ran.of(Cleared)
    assert len(written) + len(failed) < ran.turns / 10
    assert {asked.agent for asked in ran.provider.asked} > {"", "5-1", "5-2"}
    errors = {
        event.tool for event in ran.of(ToolFinished) if isinstance(event, ToolFinished) and event.result.error
    }
    assert errors >= {"read", "shell", "frobnicate"}


def test_a_window_that_fills_every_few_turns_holds_as_well(tmp_path: Path) -> None:
    ran = run(MIDDLE, 100, tmp_path)
    check_all(ran)
    written = ran.of(Compacted)
    assert {event.by for event in written if isinstance(event, Compacted)} == {"model", "trim"}
    assert len(written) + len(ran.of(SummaryFailed)) < ran.turns


@pytest.mark.parametrize(("course", "turns"), [(CHAT, 300), (OLLAMA, 60)], ids=["chat", "ollama"])
def test_a_small_window_holds_for_hundreds_of_turns(tmp_path: Path, course: Course, turns: int) -> None:
    ran = run(course, turns, tmp_path)
    check_all(ran)
    trimmed = [event for event in ran.of(Compacted) if isinstance(event, Compacted) and event.by == "trim"]
    assert trimmed
    assert len(trimmed) == len(ran.of(Compacted, SummaryFailed)), "a small window has no room for summaries"
    assert len(trimmed) < len(ran.of(Replied)) / 2
