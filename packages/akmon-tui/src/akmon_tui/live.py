"""What is at work now, in the lines above the composer: calls, sub-agents, waits, time. Pure."""

from __future__ import annotations

import msgspec

from akmon_core.text import describe_call, describe_retry, meant_call, neutralise, one_line, tool_label
from akmon_tui.amounts import elapsed, short
from akmon_tui.cards import named
from akmon_tui.lines import Line, Piece, columns, cut, line
from akmon_tui.view import AgentAtWork, Running, View

TICK_SECONDS = 0.25
"""How often a frame of the spinner may follow another: often enough to be seen, too seldom to disturb."""
TAIL_LINES = 5
"""Of the output of a call that runs."""

_SPINNER = "⠋⠙⠸⠴⠦⠇"
_CHARS_PER_TOKEN = 4
"""Of text that streams, until the provider has counted it."""
_MARKS = {"[x]": ("☑", "ok"), "[>]": ("◐", "accent"), "[ ]": ("☐", "dim")}


def needs_tick(view: View) -> bool:
    """Whether time alone changes the picture: something works, and not only the person is waited for."""
    if view.question is None or view.compacting or view.retrying:
        return is_busy(view)
    return bool(_at_work(view))


def live(view: View, now: float, width: int, height: int, *, frame: int) -> list[Line]:
    """What is at work at ``now`` (seconds since 1970-01-01 UTC), in at most ``height`` lines.

    The most important line is the last one; where there are too many, the first ones go. ``frame`` counts the
    steps of the spinner. Nothing is at work: no lines.
    """
    if not is_busy(view) or height <= 0:
        return []
    spinner = _SPINNER[frame % len(_SPINNER)]
    rest = [*_retry(view), _activity(view, now, spinner)]
    room = height - len(rest) - len(_calls(view, now, spinner, 0))
    rows = [*_calls(view, now, spinner, min(TAIL_LINES, room)), *rest]
    if len(rows) > height:
        hidden = len(rows) - height + 1
        rows = [line(f"  (+{hidden} more)", "dim"), *rows[hidden:]] if height > 1 else rows[-1:]
    return [cut(row, width) for row in rows]


def is_busy(view: View) -> bool:
    """Whether there is anything to show of what is at work."""
    return view.since is not None or bool(view.running or view.compacting or view.retrying)


def _at_work(view: View) -> list[Running]:
    """The calls that run and do not wait for an answer."""
    waiting = {(each.agent, each.call_id) for each in view.waiting}
    return [each for each in view.running.values() if (each.agent, each.call.id) not in waiting]


def _calls(view: View, now: float, spinner: str, most: int) -> list[Line]:
    """The main agent's calls, with ``most`` lines of output of the last one, and the agents below theirs."""
    mine = [each for each in _at_work(view) if not each.agent]
    spoke = next((each for each in reversed(mine) if each.tail.strip() and most > 0), None)
    agents = dict(view.agents)
    rows: list[Line] = []
    for each in mine:
        rows.append(_call(each, now, spinner))
        if each is spoke:
            rows += [line(f"  │ {row}", "dim") for row in tail_of(each.tail, most)]
        for name in _agents_of(each, agents):
            rows.append(_agent(name, agents.pop(name), now))
    return [*rows, *(_agent(name, each, now) for name, each in agents.items())]


def _call(running: Running, now: float, spinner: str) -> Line:
    tool, rest = named(describe_call(running.call, 400), running.call)
    seconds = now - running.at
    pieces = [Piece(f"{spinner} ", "accent"), Piece(tool, "bold")]
    if rest:
        pieces.append(Piece(rest))
    if seconds >= 1:
        pieces.append(Piece(f" · {elapsed(seconds)}", "dim"))
    return tuple(pieces)


def _agents_of(running: Running, agents: dict[str, AgentAtWork]) -> list[str]:
    """The sub-agents that a call has begun: they were given what stands in it."""
    if running.call.name != "task" or not agents:
        return []
    try:
        arguments = msgspec.json.decode(running.call.arguments or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return []
    task = arguments.get("task") if isinstance(arguments, dict) else None
    return [name for name, each in agents.items() if each.task == task]


def _agent(name: str, agent: AgentAtWork, now: float) -> Line:
    calls = f"{agent.calls} call{'s' * (agent.calls != 1)}"
    parts = [one_line(agent.task, 40), calls, elapsed(now - agent.at)]
    if agent.doing:
        parts.append(one_line(agent.doing, 200))
    said = " · ".join(part for part in parts if part)
    return (Piece("  └ ", "dim"), Piece(one_line(name, 40), "accent"), Piece(f" · {said}", "dim"))


def tail_of(output: str, most: int) -> list[str]:
    """The last ``most`` lines of what a command printed, as a terminal would show them last."""
    shown = [row.rstrip().expandtabs(4) for row in neutralise(output).split("\n")]
    return [row for row in shown if row][-most:] if most > 0 else []


def _retry(view: View) -> list[Line]:
    return [line(f"  {describe_retry(view.retrying, 400)}", "warning")] if view.retrying else []


def _activity(view: View, now: float, spinner: str) -> Line:
    if view.question and not needs_tick(view):
        return (Piece("? ", "ask"), Piece(_doing(view), "ask"), Piece(" · esc stops", "dim"))
    parts = []
    if view.since is not None and now - view.since >= 1:
        parts.append(elapsed(now - view.since))
    if tokens := view.turn.usage.output_tokens + sum(map(len, view.pieces)) // _CHARS_PER_TOKEN:
        parts.append(f"{short(tokens)} token{'s' * (tokens != 1)}")
    parts.append("esc stops")
    rest = "".join(f" · {part}" for part in parts)
    return (Piece(f"{spinner} ", "accent"), Piece(_doing(view)), Piece(rest, "dim"))


def _doing(view: View) -> str:
    running = [each for each in _at_work(view) if not each.agent]
    if view.question:
        agent = one_line(view.question.agent, 40)
        return f"{agent} waits for your answer" if agent else "Waiting for your answer"
    if view.retrying:
        return "Waiting to try again"
    if view.compacting:
        return f"Shortening the conversation ({short(view.compacting)} tokens)"
    if len(running) > 1:
        return f"Running {len(running)} tools"
    if running:
        return f"Running {one_line(tool_label(meant_call(running[0].call).name), 40)}"
    match view.speaking:
        case "thinking":
            return "Thinking"
        case "text":
            return "Writing"
        case _:
            return "Working"


def todo_lines(view: View, width: int, most: int) -> list[Line]:
    """The to-do list in at most ``most`` lines, those around what is in progress; empty without one.

    The pin ``todos`` is ``Todos (1 of 3 done):`` and then a line for each, such as ``[>] the text``.
    """
    head, _, body = view.pins.get("todos", "").partition("\n")
    todos = [row for row in neutralise(body).split("\n") if row.strip()]
    if not todos or most <= 0:
        return []
    title = line(head.removesuffix(":").replace("Todos", "To-dos", 1), "bold")
    if most == 1:
        current = next((row for row in todos if row.startswith("[>]")), todos[-1])
        return [cut((*title, Piece(": "), *_todo(current)), width)]
    if len(todos) < most:
        return [cut(row, width) for row in (title, *map(_todo, todos))]
    open_at = next((at for at, row in enumerate(todos) if not row.startswith("[x]")), len(todos) - 1)
    room = most - 2
    first = max(0, min(open_at - (room > 1), len(todos) - room))
    rest = line(f"  (+{len(todos) - room} more)", "dim")
    return [cut(row, width) for row in (title, *map(_todo, todos[first : first + room]), rest)]


def _todo(row: str) -> Line:
    mark, style = _MARKS.get(row[:3], ("☐", "dim"))
    text = " ".join(row[3:].split()) if row[:3] in _MARKS else " ".join(row.split())
    words = {"ok": "dim", "accent": "bold"}.get(style, "")
    return (Piece(f"{mark} ", style), Piece(text, words)) if columns(text) else line(mark, style)
