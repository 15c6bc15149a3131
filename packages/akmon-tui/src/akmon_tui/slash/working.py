"""Slash commands about the work: which model, in which mode, by which plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from akmon_core.commands import ChooseModel, Compact, Implement, Prompt, SetMode
from akmon_core.models import Effort
from akmon_core.permissions import MODES
from akmon_tui.slash.replies import Ask, Reply, Say, Send, Typed
from akmon_tui.slash.table import Slash, Value
from akmon_tui.slash.templates import INIT, REVIEW, with_wish
from akmon_tui.standing import MODE_MEANINGS, full_auto_refused
from akmon_tui.view import View

_EFFORTS: tuple[Effort, ...] = get_args(Effort)


def _model(_view: View, argument: str) -> Reply:
    return Send((ChooseModel(argument),)) if argument else Ask("model")


def _effort(_view: View, argument: str) -> Reply:
    for effort in _EFFORTS:
        if effort == argument:
            return Send((ChooseModel("", effort=effort),))
    wrong = f"There is no effort {argument!r}. " if argument else ""
    return Say(
        f"{wrong}/effort LEVEL says how much the model may think. There are: {', '.join(_EFFORTS)}; "
        "each model takes only some of these."
    )


def _efforts(_view: View) -> Sequence[Value]:
    return [Value(effort) for effort in _EFFORTS]


def _mode(view: View, argument: str) -> Reply:
    if not argument:
        return Ask("permission-mode")
    if argument == "full-auto" and (refused := full_auto_refused(view)):
        return Say(refused)
    for mode in MODES:
        if mode == argument:
            return Send((SetMode(mode),))
    return Say(f"There is no mode {argument!r}. There are: {', '.join(MODES)}.")


def _modes(_view: View) -> Sequence[Value]:
    return [Value(mode, MODE_MEANINGS[mode]) for mode in MODES]


def _plan(view: View, argument: str) -> Reply:
    mode = () if view.mode == "plan" else (SetMode("plan"),)
    if argument:
        return Send((*mode, Prompt(argument)))
    if mode:
        return Send(mode)
    return Say("The mode is plan already: say what to plan, or carry the plan out with /implement.")


def _implement(view: View, argument: str) -> Reply:
    return Send((Implement(argument, "default" if view.mode in (None, "plan") else view.mode),))


def _architect(_view: View, argument: str) -> Reply:
    if not argument:
        return Say("Say what to do: /architect WHAT. The planner model plans it, then it is carried out.")
    return Send((Prompt(argument, plan_first=True),))


def _compact(_view: View, argument: str) -> Reply:
    return Send((Compact(argument),))


def _init(_view: View, argument: str) -> Reply:
    return Typed(with_wish(INIT, argument))


def _review(_view: View, argument: str) -> Reply:
    return Typed(with_wish(REVIEW, argument))


WORKING = (
    Slash("model", "/model [MODEL]", "choose the model that answers from the next prompt on", _model),
    Slash("effort", "/effort LEVEL", "how much the model may think", _effort, complete=_efforts),
    Slash("mode", "/mode [MODE]", "show or change what is asked before it is done", _mode, complete=_modes),
    Slash("plan", "/plan [WHAT]", "plan mode: look and plan, change nothing", _plan),
    Slash("implement", "/implement [FILE]", "carry out the last plan, or the one in a file", _implement),
    Slash("architect", "/architect WHAT", "have the planner model plan it, then carry it out", _architect),
    Slash("compact", "/compact [HINT]", "shorten the conversation; HINT is what not to lose", _compact),
    Slash("init", "/init [WISH]", "have the model write or improve the project's AGENTS.md", _init),
    Slash("review", "/review [WHAT]", "have changes reviewed: those since the last commit, or WHAT", _review),
)
