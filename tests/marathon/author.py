"""What the marathon's model says next: a script of any number of turns, the same whenever it is played."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from akmon_core.prompt import SUMMARISE
from tests.marathon.project import FILES, LOG_BYTES, SOURCES, TEXTS, prose
from tests.marathon.prompts import Prompt
from tests.marathon.wires import Reply

FIRST = (
    "Turn 1. Split the shop into parts that can be tested alone. Keep `src/part0.py` as it is, call the new "
    "folder “Werkstätten”, and whatever happens: depend on nothing that is not in the standard library."
)
PLAN = """\
# Parts that can be tested alone

1. Read `src/part1.py` to `src/part7.py` and list what they share.
2. Move what is shared into `Werkstätten/shared.py`, one function at a time.
3. Give every part a test that needs no other part.
4. Check: `python -m unittest` passes, and `src/part0.py` has not changed.

Risk: the parts import each other in a circle. Open question: none."""
AGENT_TASK = "Sub-task"

_TURN = re.compile(r"^Turn (\d+)\.", re.MULTILINE)
_AGENT = re.compile(r"\ASub-task (\S+):")
_SUMMARY_HEAD = SUMMARISE.partition("\n")[0]


def prompt_of(turn: int) -> str:
    """What the person says in a turn."""
    if turn == 1:
        return FIRST
    random = Random(-turn)
    pasted = f"\n\nThis is what I see:\n\n{prose(random, 250)}" if turn % 17 == 0 else ""
    return f"Turn {turn}. {prose(random, 12)}{pasted}"


def asks_for_summary(prompt: Prompt) -> bool:
    return _SUMMARY_HEAD in prompt.said[-1]


def agent_of(prompt: Prompt) -> str:
    """The name of the sub-agent that asks; empty is the main agent."""
    found = _AGENT.match(prompt.said[0])
    return found[1] if found else ""


def todos_of(turn: int) -> list[dict[str, str]]:
    """The list that the model makes in a turn whose number ends in 2 or 7."""
    status = ("completed", "in_progress", "pending", "pending")
    return [
        {"text": f"Part {turn}-{at}: {prose(Random(turn + at), 5)}", "status": status[at]} for at in range(4)
    ]


class Author:
    """Which reply is next follows from who asks, in which turn, and how many of it were given."""

    def __init__(self, *, small: bool = False, valid: bool = False) -> None:
        self._small = small
        """Whether the model has few tools, and says less."""
        self._valid = valid
        """Whether the protocol allows no arguments that are not JSON."""
        self._given: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reply(self, prompt: Prompt) -> Reply:
        with self._lock:
            who = agent_of(prompt)
            if asks_for_summary(prompt):
                self._given["summary"] += 1
                return self._summary(self._given["summary"])
            key = f"agent {who}" if who else f"turn {self._turn(prompt)}"
            at = self._given[key]
            self._given[key] += 1
        script = _agent(who) if who else self._script(self._turn(prompt))
        return script[min(at, len(script) - 1)]

    def _turn(self, prompt: Prompt) -> int:
        """The newest turn that the prompt speaks of; 0 is the one that carries out the plan."""
        for text in reversed(prompt.said):
            if found := _TURN.findall(text):
                return int(found[-1])
            if text.startswith("Carry out this plan"):
                return 0
        raise AssertionError("a prompt without the person's words")

    def _summary(self, number: int) -> Reply:
        """Now and then none that could be used."""
        random = Random(number)
        match number % 7:
            case 3:
                return Reply("")
            case 5:
                return Reply("", [_call("read", path=SOURCES[0])])
            case 6:
                return Reply(prose(random, 400), cut=True)
            case _:
                return Reply(f"Summary {number}. {prose(random, 60 if self._small else 400)}")

    def _script(self, turn: int) -> list[Reply]:
        if turn == 1:
            return [_calls(_call("read", path="src/part1.py")), Reply(PLAN)]
        random = Random(turn)
        replies = [self._todos(turn)] if turn % 5 == 2 else []
        replies += [random.choice(self._acts())(random, turn) for _ in range(random.randint(1, 2))]
        if turn % 6 == 3:
            replies += self._change(turn)
        if turn % 13 == 5:
            replies.append(self._agents(turn))
        if turn % 50 == 40:
            replies.append(_calls(self._print(turn, 1_000_000)))
        words = 60 if self._small else 120
        return [*replies, Reply(f"Turn {turn} is done: {prose(random, words * (5 if turn % 9 == 0 else 1))}")]

    def _acts(self) -> Sequence[Callable[[Random, int], Reply]]:
        return (
            lambda random, _: _calls(_call("read", path=random.choice(FILES))),
            lambda random, _: _calls(*(_call("read", path=path) for path in random.sample(FILES, 3))),
            lambda random, turn: _calls(
                _call("search", pattern=f"_{turn % 40}\\b", path="src"), _call("list", path="docs")
            ),
            lambda random, turn: _calls(self._print(turn, 4_000)),
            lambda random, turn: _calls(self._print(turn, 4_000), text=prose(random, 20)),
            lambda random, turn: _calls(self._print(turn, 100_000)),
            lambda random, turn: self._mistake(turn),
            lambda random, _: _calls(
                _call("read", path=random.choice(TEXTS)), _call("search", pattern="payment", path="docs")
            ),
        )

    def _print(self, turn: int, size: int) -> tuple[str, str]:
        """A command whose output is ``size`` bytes of the log."""
        start = turn * 2_003 % (LOG_BYTES - size)
        return _call("shell", command=f"tail -c +{start + 1} data/big.log | head -c {size}")

    def _mistake(self, turn: int) -> Reply:
        match turn % 5:
            case 0:
                return _calls(_call("read", path=f"src/missing{turn}.py"))
            case 1:
                return _calls(_call("frobnicate", wheel=turn), _call("read", path=SOURCES[0]))
            case 2:
                return _calls(_call("read", path=SOURCES[1], frob=1))
            case 3:
                return _calls(_call("shell", command=f"echo problem {turn} >&2; exit 3"))
            case _:
                broken = '{"path": "src/part0.py' if not self._valid else "{}"
                return _calls(("read", broken))

    def _todos(self, turn: int) -> Reply:
        return _calls(_call("todo", todos=todos_of(turn)))

    def _change(self, turn: int) -> list[Reply]:
        path = f"notes/{turn}.md"
        text = f"# Notes of turn {turn}\n\n{prose(Random(turn), 80)}\n\nquercitron\n"
        return [
            _calls(_call("write", path=path, content=text), text="I note it down."),
            _calls(_call("edit", path=path, old="quercitron\n", new=f"Seen in turn {turn}.\n\nquercitron\n")),
        ]

    def _agents(self, turn: int) -> Reply:
        """Two sub-agents at the same time; a model with a small window has none."""
        if self._small:
            return _calls(_call("list", path="."))
        return _calls(
            *(
                _call("task", title="Look", task=f"{AGENT_TASK} {turn}-{at}: {prose(Random(at), 30)}")
                for at in (1, 2)
            )
        )


def _agent(who: str) -> list[Reply]:
    turn, _, number = who.partition("-")
    path = FILES[(int(turn) + int(number)) % len(FILES)]
    return [
        _calls(_call("read", path=path)),
        _calls(_call("search", pattern="limit", path="src"), _call("list", path=".")),
        Reply(f"Found by {who}: {prose(Random(who), 60)}"),
    ]


def _call(name: str, **arguments: Any) -> tuple[str, str]:
    return name, json.dumps(arguments, ensure_ascii=False)


def _calls(*calls: tuple[str, str], text: str = "") -> Reply:
    return Reply(text, calls)
