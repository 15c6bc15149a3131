"""What holds for the session, in words: its mode, its sandbox, and the rules and grants in force. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from akmon_core.permissions import Grant, Mode, Rule, Sandboxing
from akmon_core.text import exposed
from akmon_tui.view import View

REMOVE = "akmon permissions remove"
"""Takes a saved rule back."""

MODE_MEANINGS: dict[Mode, str] = {
    "default": "reading in the project is allowed; the rest is asked",
    "accept-edits": "reading and writing in the project are allowed; the rest is asked",
    "plan": "reading is allowed; nothing is changed or run",
    "full-auto": "everything is allowed but protected files and secrets, commands inside the sandbox only",
    "deny-all": "only what a rule allows; everything else is denied, reading too",
}

_IN_SHORT: dict[Sandboxing, str] = {
    "bubblewrap": "commands run in a sandbox (bubblewrap)",
    "landlock": "commands run in a sandbox (Landlock)",
    "seatbelt": "commands run in a sandbox (seatbelt)",
    "none": "no sandbox works here: every command is asked, and runs with all your rights",
    "off": "the sandbox is switched off: commands run with all your rights",
}

_OF_A_COMMAND: dict[Sandboxing, str] = {
    "bubblewrap": "It would run in the sandbox (bubblewrap).",
    "landlock": "It would run in the sandbox (Landlock).",
    "seatbelt": "It would run in the sandbox (seatbelt).",
    "none": "There is no sandbox: it runs with all your rights.",
    "off": "The sandbox is switched off: it runs with all your rights.",
}

_HOLDS = "Commands write the project only, cannot read secrets, and reach only the hosts that rules open."


def about_mode(mode: Mode) -> str:
    """What calls may do in ``mode``."""
    return MODE_MEANINGS[mode]


def sandbox_in_short(level: Sandboxing | None) -> str:
    """A few words on what holds commands in; empty if that is not known."""
    return _IN_SHORT[level] if level else ""


def around_a_command(level: Sandboxing | None) -> str:
    """What a question says of the command that it is about; empty if that is not known."""
    return _OF_A_COMMAND[level] if level else ""


def is_sandboxed(level: Sandboxing | None) -> bool:
    """Whether something holds commands in, or may do so."""
    return level not in ("none", "off")


def sandbox_text(view: View) -> str:
    """What holds commands in, and what follows."""
    if view.sandbox is None:
        return "What holds commands in is not known here. akmon sandbox status says it."
    head = _IN_SHORT[view.sandbox]
    rest = _HOLDS if is_sandboxed(view.sandbox) else "full-auto mode is not to be had without one."
    return f"{head[0].upper()}{head[1:]}.\n{rest} akmon sandbox status says more."


def full_auto_refused(view: View) -> str:
    """Why full-auto mode is not to be had; empty if it is."""
    if is_sandboxed(view.sandbox):
        return ""
    return (
        f"full-auto mode is refused: {sandbox_in_short(view.sandbox)}. Commands are asked as before; "
        "/mode accept-edits lets files be written without asking, and /sandbox says more."
    )


def context_text(view: View) -> str:
    """How full the window was at the last prompt."""
    window = f"{view.window:,}" if view.window else "an unknown number of"
    if not view.context:
        return f"There is room for {window} tokens; the next reply shows how many are taken."
    share = f" ({view.context / view.window:.0%})" if view.window else ""
    return f"The last prompt took {view.context:,} of {window} tokens{share}, as the provider counted."


def permissions_text(view: View) -> str:
    """The mode, the rules in force, and what was allowed for the session."""
    mode = view.mode or "default"
    lines = [f"{mode} mode: {MODE_MEANINGS[mode]}."]
    if short := sandbox_in_short(view.sandbox):
        lines.append(f"{short[0].upper()}{short[1:]}.")
    lines += _rules(view.rules)
    lines += _grants(view.grants)
    return "\n".join(lines)


def _rules(rules: tuple[Rule, ...]) -> Iterable[str]:
    if not rules:
        return ["There are no rules."]
    ordered = [rule for decision in ("deny", "ask", "allow") for rule in rules if rule.decision == decision]
    width = max(len(exposed(str(rule))) for rule in ordered)
    rows = (f"{rule.decision:<5}  {exposed(str(rule)):<{width}}  {exposed(rule.origin)}" for rule in ordered)
    return ["Rules (deny beats ask, ask beats allow):", *(f"  {row.rstrip()}" for row in rows)]


def _grants(grants: tuple[Grant, ...]) -> Iterable[str]:
    if not grants:
        return ["Nothing more is allowed for this session."]
    return ["Allowed for this session:", *dict.fromkeys(f"  {_grant(grant)}" for grant in grants)]


def _grant(grant: Grant) -> str:
    if grant.rule:
        return f"{exposed(grant.rule)} (saved for later ones, too; {REMOVE} takes it back)"
    if grant.writes:
        return "all writes in the project"
    targets = " ".join(effect.target for effect in grant.targets)
    return exposed(f"{grant.tool} {targets}".strip()).replace("\n", "<U+000A>")
