"""The slash commands, as a table. Pure: each says what to print, send or do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from akmon_core.commands import Command, Compact, Implement, Prompt, Rewind, SetMode
from akmon_core.permissions import MODES
from akmon_tui.amounts import spent
from akmon_tui.places import listed
from akmon_tui.standing import is_sandboxed, permissions_text, sandbox_in_short, sandbox_text
from akmon_tui.view import View

Reply: TypeAlias = str | tuple[Command, ...] | Literal[False]
"""Text to print, commands to send, or False to end the conversation."""


class Slash(NamedTuple):
    usage: str
    about: str
    run: Callable[[View, str], Reply]


def run_slash(line: str, view: View) -> Reply | None:
    """What a line asks for as a slash command; None if it is a prompt, such as one about ``/etc/hosts``."""
    found = re.fullmatch(r"/([a-z-]+)(?:\s+(.*))?", line.strip(), re.DOTALL)
    if not found:
        return None
    if slash := SLASHES.get(found[1]):
        return slash.run(view, (found[2] or "").strip())
    return f"There is no command /{found[1]}. /help lists those there are."


def _help(_view: View, _argument: str) -> Reply:
    width = max(len(slash.usage) for slash in SLASHES.values())
    commands = [f"{slash.usage:<{width}}  {slash.about}" for slash in SLASHES.values()]
    return "\n".join([*commands, *_KEYS])


def _mode(view: View, argument: str) -> Reply:
    if not argument:
        now = f"The mode is {view.mode}." if view.mode else "The mode is the one that akmon started with."
        return f"{now} There are: {', '.join(MODES)}."
    if argument == "full-auto" and not is_sandboxed(view.sandbox):
        return (
            f"full-auto mode is refused: {sandbox_in_short(view.sandbox)}. Commands are asked as before; "
            "/mode accept-edits lets files be written without asking, and /sandbox says more."
        )
    for mode in MODES:
        if mode == argument:
            return (SetMode(mode),)
    return f"There is no mode {argument!r}. There are: {', '.join(MODES)}."


def _permissions(view: View, _argument: str) -> Reply:
    return permissions_text(view)


def _sandbox(view: View, _argument: str) -> Reply:
    return sandbox_text(view)


def _plan(view: View, argument: str) -> Reply:
    mode = () if view.mode == "plan" else (SetMode("plan"),)
    if argument:
        return (*mode, Prompt(argument))
    return mode or "The mode is plan already: say what to plan, or carry the plan out with /implement."


def _implement(view: View, argument: str) -> Reply:
    return (Implement(argument, "default" if view.mode in (None, "plan") else view.mode),)


def _architect(_view: View, argument: str) -> Reply:
    if not argument:
        return "Say what to do: /architect WHAT. The planner model plans it, then it is carried out."
    return (Prompt(argument, plan_first=True),)


def _compact(_view: View, argument: str) -> Reply:
    return (Compact(argument),)


def _context(view: View, _argument: str) -> Reply:
    window = f"{view.window:,}" if view.window else "an unknown number of"
    if not view.context:
        return f"There is room for {window} tokens; the next reply shows how many are taken."
    share = f" ({view.context / view.window:.0%})" if view.window else ""
    return f"The last prompt took {view.context:,} of {window} tokens{share}, as the provider counted."


def _todos(view: View, _argument: str) -> Reply:
    return view.pins.get("todos", "There is no to-do list.")


def _cost(view: View, _argument: str) -> Reply:
    return f"So far: {spent(view.total)}."


def _rewind(view: View, argument: str) -> Reply:
    places = view.places
    if not places:
        return "There is nothing to take back yet."
    if not argument:
        return listed(places)
    number, _, what = argument.partition(" ")
    if not (number.isdecimal() and 1 <= int(number) <= len(places)):
        return f"There is no place {number!r}. There are 1 to {len(places)}; /rewind lists them."
    match what.strip() or "both":
        case "both" | "files" | "conversation" as meant:
            return (Rewind(places[-int(number)].record, meant),)
        case other:
            return f"{other!r} cannot be taken back: it is files, conversation or both."


def _exit(_view: View, _argument: str) -> Reply:
    return False


SLASHES = {
    "help": Slash("/help", "list the commands and keys", _help),
    "mode": Slash("/mode [MODE]", "show or change what is asked before it is done", _mode),
    "permissions": Slash("/permissions", "the rules in force, and what was allowed", _permissions),
    "sandbox": Slash("/sandbox", "what holds commands in", _sandbox),
    "plan": Slash("/plan [WHAT]", "plan mode: look and plan, change nothing", _plan),
    "implement": Slash("/implement [FILE]", "carry out the last plan, or the one in a file", _implement),
    "architect": Slash("/architect WHAT", "have the planner model plan it, then carry it out", _architect),
    "todos": Slash("/todos", "the to-do list of the model", _todos),
    "context": Slash("/context", "how full the context window is", _context),
    "compact": Slash("/compact [HINT]", "shorten the conversation; HINT is what not to lose", _compact),
    "rewind": Slash("/rewind [N [WHAT]]", "take prompts back: files, conversation or both", _rewind),
    "cost": Slash("/cost", "tokens and cost so far", _cost),
    "exit": Slash("/exit", "end the conversation", _exit),
}

_KEYS = (
    "",
    "Enter sends, Alt+Enter or Ctrl+J begins a new line.",
    "A line that you enter while a turn runs is told to the model; a command waits.",
    "Ctrl+C stops a running turn or clears the line.",
    "Ctrl+D, or Ctrl+C twice on an empty line, ends the conversation.",
)
