"""Slash commands about the screen itself: how it looks, its keys, its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from akmon_tui.slash.replies import Ask, Copy, Fetch, Reply, Say, Set
from akmon_tui.slash.table import Slash, Value
from akmon_tui.view import View

_THEMES = (
    Value("auto", "by the background of the terminal"),
    Value("dark", "for a dark background"),
    Value("light", "for a light background"),
    Value("ansi", "the terminal's own sixteen colours"),
)
_SWITCH = (Value("on"), Value("off"))
_NOTIFY = (
    Value("auto", "as the terminal can do it best"),
    Value("bell", "by the bell"),
    Value("off", "not at all"),
)


def _theme(_view: View, argument: str) -> Reply:
    return _set("theme", argument, _THEMES) if argument else Ask("theme")


def _vim(_view: View, argument: str) -> Reply:
    return _set("vim", argument, _SWITCH) if argument else Set("vim")


def _notify(_view: View, argument: str) -> Reply:
    if argument:
        return _set("notify", argument, _NOTIFY)
    return Say(f"Say how you want to be told that akmon waits or is done: {_names(_NOTIFY)}.")


def _set(name: Literal["theme", "vim", "notify"], value: str, values: Sequence[Value]) -> Reply:
    if any(value == each.text for each in values):
        return Set(name, value)
    return Say(f"{value!r} is nothing that /{name} knows. There are: {_names(values)}.")


def _names(values: Sequence[Value]) -> str:
    return ", ".join(value.text for value in values)


def _keys(_view: View, _argument: str) -> Reply:
    return Ask("keys")


def _config(_view: View, argument: str) -> Reply:
    if not argument:
        return Ask("settings")
    if len(argument.split(None, 1)) < 2:
        return Say(
            f"Say what {argument} is to be: /config {argument} VALUE. /config alone lists the settings."
        )
    return Fetch("save", argument)


def _copy(_view: View, argument: str) -> Reply:
    match argument:
        case "" | "reply":
            return Copy()
        case "code":
            return Copy("code")
        case _:
            return Say(f"{argument!r} cannot be copied: it is reply, or code for the last block of it.")


SCREEN = (
    Slash("config", "/config [NAME VALUE]", "the settings in force, or change one", _config),
    Slash("theme", "/theme [THEME]", "the colours", _theme, complete=lambda _: _THEMES),
    Slash("vim", "/vim [on|off]", "edit prompts with the keys of vi", _vim, complete=lambda _: _SWITCH),
    Slash("notify", "/notify HOW", "how you are told that akmon waits", _notify, complete=lambda _: _NOTIFY),
    Slash("keymap", "/keymap", "list the keys", _keys, ("keys",)),
    Slash(
        "copy",
        "/copy [code]",
        "copy the last reply, or the last block of code in it",
        _copy,
        complete=lambda _: (Value("code"),),
    ),
)
