"""Sessions that run the marathon: which model over which protocol, and how a turn of it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from akmon_core.commands import Command, Implement, Prompt
from akmon_core.events import Envelope
from akmon_query import Backend, Mode, ModelRow, Session, SessionInfo, open_session
from akmon_query.testing import run_turn
from tests.marathon.author import Author, prompt_of
from tests.marathon.project import INSTRUCTIONS
from tests.marathon.server import Provider
from tests.marathon.wires import WIRES, Usage

PRICE = (3.0, 15.0, 0.3, 3.75)
"""US dollars per million tokens: input, output, cache read, cache write."""
PLAN_TURN = 2
"""The turn that carries out the plan of the first one."""


@dataclass(frozen=True)
class Course:
    wire: str
    model: str
    window: int
    output: int
    base: str = ""
    """What the address ends with."""

    @property
    def small(self) -> bool:
        return self.window < 10_000

    def provider(self) -> Provider:
        return Provider(WIRES[self.wire], Author(small=self.small, valid=self.wire == "ollama"), self.window)

    def open(
        self,
        url: str,
        folder: Path,
        *,
        clock: Callable[[], float],
        mode: Mode | None = None,
        resumed: SessionInfo | None = None,
    ) -> Session:
        """A session in ``folder / "project"`` with its journal in ``folder / "sessions"``."""
        name, _, model = self.model.partition("/")
        row = ModelRow(match=model, window=self.window, output=self.output, price=PRICE)
        return open_session(
            self.model,
            cwd=folder / "project",
            backends={name: Backend("key", url + self.base)},
            mode=mode,
            rows=[row],
            sessions=folder / "sessions",
            instructions=INSTRUCTIONS,
            resumed=resumed,
            clock=clock,
        )


def cost_of(used: Usage) -> float:
    """US dollars."""
    tokens = (used.input, used.output, used.read, used.write)
    return sum(count * price for count, price in zip(tokens, PRICE, strict=True)) / 1e6


LARGE = Course("messages", "anthropic/claude-sonnet-4-6", 200_000, 32_000)
MIDDLE = Course("messages", "anthropic/claude-sonnet-4-6", 40_000, 4_000)
CHAT = Course("chat", "openai-compatible/tiny", 8_192, 2_048, "/v1")
OLLAMA = Course("ollama", "ollama/tiny", 8_192, 2_048)


def command_of(turn: int) -> Command:
    """What starts a turn. The first one is to be in plan mode."""
    return Implement("", "full-auto") if turn == PLAN_TURN else Prompt(prompt_of(turn))


async def play(session: Session, provider: Provider, turn: int) -> list[Envelope]:
    """Everything that happened in a turn. Between some of them passes more time than a cache lasts."""
    provider.now += 400 if turn % 20 == 0 else 30
    return await run_turn(session, command_of(turn))
