"""What every screen says and takes when it asks the person: where paths lead, how to answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from akmon_core.events import PermissionAsked, QuestionAsked
from akmon_core.text import exposed, meant_call, tool_label
from akmon_tui.standing import around_a_command, is_sandboxed
from akmon_tui.view import View


def may_allow_writes(asked: PermissionAsked) -> bool:
    """Allowing all writes answers only a question about writes."""
    kinds = {effect.kind for effect in asked.effects}
    return "write" in kinds and kinds <= {"read", "write"}


_SERVER = "No sandbox holds a server in: it does this with all the rights that it has."


def is_of_a_server(asked: PermissionAsked) -> bool:
    """Whether a server of others is to do something."""
    return any(effect.kind == "call" for effect in asked.effects)


def who_asks(asked: PermissionAsked) -> str:
    """The tool, on one line; one of a server behind its name."""
    return on_one_line(tool_label(meant_call(asked.call).name).replace(" · ", ": ", 1))


def arguments_of(asked: PermissionAsked) -> str:
    """The arguments of the call, where nothing else that is shown says what they are."""
    if asked.view is not None or (asked.effects and not is_of_a_server(asked)):
        return ""
    return meant_call(asked.call).arguments


def held_by(asked: PermissionAsked, view: View) -> str:
    """What would hold the command or server in that is asked about; empty if there is none, or that is not
    known."""
    if is_of_a_server(asked):
        return _SERVER
    runs = any(effect.kind == "run" for effect in asked.effects)
    return around_a_command(view.sandbox) if runs else ""


def is_held(asked: PermissionAsked, view: View) -> bool:
    """Whether something holds in what is asked about, or may do so."""
    return is_sandboxed(view.sandbox) and not is_of_a_server(asked)


def led_elsewhere(asked: PermissionAsked, folder: str) -> Iterable[str]:
    """One line for each path that the call names and that leads elsewhere than it says, as by a link."""
    for name, path in asked.paths.items():
        if path not in (name, f"{folder.rstrip('/')}/{name}"):
            yield f"{on_one_line(name)} is {on_one_line(path)}"


def on_one_line(text: str) -> str:
    """``text`` as a person must see it, without line ends and tabs."""
    return exposed(text).replace("\n", "<U+000A>").replace("\t", "<U+0009>")


def is_of_a_rewind(asked: QuestionAsked) -> bool:
    """Whether akmon asks what becomes of files, rather than the model something."""
    return asked.call_id.startswith("rewind-")


def answer_text(asked: QuestionAsked, line: str) -> str:
    """What a typed line answers: the option of that number, or what it says. Empty leaves it to the model."""
    line = line.strip()
    numbers = {str(number): option for number, option in enumerate(asked.options, start=1)}
    return numbers.get(line.rstrip("."), line)


def how_to_answer(asked: QuestionAsked) -> str:
    if is_of_a_rewind(asked):
        return "A number; Enter alone keeps them as they are."
    how = "A number, or an answer of your own" if asked.options else "Your answer"
    return f"{how}; Enter alone leaves it to the model."
