"""The screens of docs/screens: what is played and pressed, and what is to be seen in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.e2e.tmux import Pane

FACTS = "window 200000\nprice input=3 output=15 cache_read=0.3 cache_write=3.75\n---\n"
FOREVER = "delay 3600\n"

LOOK = """\
say I read the function and where it is used first.
call read {"path": "leap.py"}
call search {"pattern": "is_leap"}
usage input=2100 output=85 cache_read=16000
---
"""
FIX = """\
say Years such as 1900 are no leap years, but 2000 is: the century rule is missing.
call edit <<END
{"path": "leap.py",
 "old": "    return year % 4 == 0",
 "new": "    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)"}
END
usage input=1400 output=120 cache_read=18000
---
"""
CHECK = """\
call shell {"command": "./check"}
usage input=300 output=40 cache_read=19400
---
"""
SAID = """\
say <<END
`is_leap` has the **century rule** now, and both checks pass:

| year | before | now |
| --- | --- | --- |
| 1900 | leap | not leap |
| 2000 | leap | leap |
END
usage input=200 output=60 cache_read=19700
"""
THEN = """\
---
say The README says so now.
usage input=150 output=20 cache_read=19900
"""
STREAM = """\
think The Gregorian rule has two exceptions; the code has none of them.
say <<END
## What is wrong

`is_leap` knows only the first of three rules:

1. every fourth year is a leap year,
2. but **not** every hundredth,
3. *yet* every four hundredth.

```python
def is_leap(year: int) -> bool:
    \"\"\"Whether a year has 366 days.\"\"\"
    return year % 4 == 0 and (year % 100 != 0
```
END
"""
TODOS = """\
call todo <<END
{"todos": [
 {"text": "Find where leap years are computed", "status": "completed"},
 {"text": "Say what the century rule changes", "status": "in_progress"},
 {"text": "Plan the change and its test", "status": "pending"}]}
END
---
"""
AGENTS = (
    """\
say Two sub-agents look at it side by side.
call task {"title": "Find the callers", "task": "Who calls is_leap, and with which years?"}
call task {"title": "Read the rules", "task": "What does the README promise about years?"}
usage input=2100 output=85 cache_read=16000
---
for agent
call search {"pattern": "is_leap"}
---
call read {"path": "README.md"}
---
"""
    + FOREVER
    + "say Nothing.\n"
)


class Take(NamedTuple):
    """One picture."""

    name: str
    about: str
    script: str
    act: Callable[[Pane], object]
    arguments: tuple[str, ...] = ()
    columns: int = 80
    rows: int = 24
    lists: tuple[str, ...] = ()
    """What a provider says that it has."""
    before: tuple[tuple[str, str], ...] = ()
    """Names and first prompts of sessions that there were before."""


def _asks(text: str) -> Callable[[Pane], None]:
    def act(pane: Pane) -> None:
        pane.types(text)
        pane.press("Enter")

    return act


def _then(*steps: Callable[[Pane], object]) -> Callable[[Pane], None]:
    def act(pane: Pane) -> None:
        for step in steps:
            step(pane)

    return act


def _sees(pattern: str) -> Callable[[Pane], object]:
    return lambda pane: pane.sees(pattern)


def _types(text: str) -> Callable[[Pane], object]:
    return lambda pane: pane.types(text)


def _presses(*keys: str) -> Callable[[Pane], object]:
    return lambda pane: pane.press(*keys)


_ASKED = "Why is 1900 a leap year here? Fix it."
_EDITS = ("--permission-mode", "accept-edits", "--allow", "shell(./check)")
_DONE = r"\[.* in.* out.*\]\n>"
_EARLIER = (("century", "Why is 1900 a leap year here?"), ("names", "Rename is_leap to leap everywhere."))

TAKES = (
    Take("start", "the start", FACTS + SAID, _sees("^>|\n>")),
    Take(
        "streaming",
        "a reply that is being written, with code",
        FACTS + STREAM + FOREVER,
        _sees(r"% 100 != 0[\s\S]*Writing"),
        ("What is wrong with leap.py?",),
    ),
    Take(
        "cards",
        "tool calls, a diff, and the end of a turn",
        FACTS + LOOK + FIX + CHECK + SAID,
        _then(_asks(_ASKED), _sees(_DONE)),
        _EDITS,
        rows=36,
    ),
    Take(
        "permission",
        "a question before a file is changed",
        FACTS + LOOK + FIX + SAID,
        _then(_asks(_ASKED), _sees("y once")),
        rows=26,
    ),
    Take(
        "slash",
        "the menu of slash commands",
        FACTS + SAID,
        _then(_sees("\n>"), _types("/re"), _sees("/rename")),
    ),
    Take(
        "files",
        "completing the name of a file",
        FACTS + SAID,
        _then(_sees("\n>"), _types("What does @le"), _sees("test_leap.py")),
    ),
    Take(
        "rewind",
        "going back to an earlier prompt",
        FACTS + FIX + SAID + THEN,
        _then(
            _asks(_ASKED),
            _sees(_DONE),
            _asks("Say it in the README, too."),
            _sees(rf"README says so now[\s\S]*{_DONE}"),
            _types("/rewind"),
            _presses("Enter"),
            _sees("esc back"),
            _presses("Down"),
            _sees("restore"),
        ),
        _EDITS,
        rows=32,
    ),
    Take(
        "sessions",
        "an earlier session, with what was said in it",
        FACTS + SAID,
        _then(_sees("\n>"), _types("/resume"), _presses("Enter"), _sees("century rule")),
        before=_EARLIER,
    ),
    Take(
        "models",
        "choosing a model",
        FACTS + SAID,
        _then(
            _sees("\n>"),
            _types("/model"),
            _presses("Enter"),
            _sees("tokens"),
            _types("claude"),
            _sees("1 of 4"),
        ),
        rows=16,
        lists=("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"),
    ),
    Take(
        "context",
        "what fills the window",
        FACTS + LOOK + SAID,
        _then(_asks(_ASKED), _sees(_DONE), _types("/context"), _presses("Enter"), _sees("free")),
        rows=30,
    ),
    Take(
        "plan",
        "plan mode, and the to-do list",
        FACTS + LOOK + TODOS + FOREVER + "say x\n",
        _then(
            _asks("Plan how to fix leap years."), _sees("Find where leap"), _presses("C-t"), _sees("To-dos")
        ),
        ("--permission-mode", "plan"),
    ),
    Take(
        "agents", "sub-agents at work", FACTS + AGENTS, _then(_asks(_ASKED), _sees(r"2 calls[\s\S]*2 calls"))
    ),
    Take(
        "plain",
        "the plain conversation",
        FACTS + LOOK + FIX + SAID,
        _then(_sees("\n>"), _asks(_ASKED), _sees("n no")),
        ("--plain",),
        rows=26,
    ),
    Take(
        "small",
        "the same question in 40 columns and 12 rows",
        FACTS + LOOK + FIX + SAID,
        _then(_asks(_ASKED), _sees("y s a")),
        columns=40,
        rows=12,
    ),
)
