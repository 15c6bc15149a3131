"""Slash commands about sessions: leaving for another one, names, and going back."""

from __future__ import annotations

from collections.abc import Sequence

from akmon_core.commands import Rename, Rewind
from akmon_core.text import one_line
from akmon_tui.places import Place
from akmon_tui.services import Leave, SessionChoice
from akmon_tui.slash.replies import Ask, Fetch, Reply, Say, Send
from akmon_tui.slash.table import Slash, Value
from akmon_tui.view import View

_NOTHING = "There is nothing to take back yet."


def session_named(choices: Sequence[SessionChoice], wanted: str) -> SessionChoice | None:
    """The one session whose name or id is ``wanted``, or whose id alone begins so."""
    exact = [each for each in choices if wanted in (each.id, each.name)]
    found = exact or [each for each in choices if wanted and each.id.startswith(wanted)]
    return found[0] if len(found) == 1 else None


def _clear(view: View, _argument: str) -> Reply:
    return _busy(view, "/clear") or Leave("new")


def _resume(view: View, argument: str) -> Reply:
    return _busy(view, "/resume") or Ask("session", argument)


def _fork(view: View, argument: str) -> Reply:
    if busy := _busy(view, "/fork"):
        return busy
    if not argument:
        return Leave("fork")
    place = _place(view, argument)
    return place if isinstance(place, Say) else Leave("fork", record=place.record - 1)


def _busy(view: View, command: str) -> Say | None:
    """Leaving would end a turn that runs, which nobody has asked for."""
    if view.since is None:
        return None
    return Say(f"A turn runs. Interrupt it or let it end, then enter {command} again.")


def _rename(_view: View, argument: str) -> Reply:
    if not argument:
        return Say("Say how: /rename NAME. The session can be resumed by that name.")
    return Send((Rename(argument),))


def _rewind(view: View, argument: str) -> Reply:
    if not view.places:
        return Say(_NOTHING)
    if not argument:
        return Ask("rewind")
    number, _, what = argument.partition(" ")
    place = _place(view, number)
    if isinstance(place, Say):
        return place
    match what.strip() or "both":
        case "both" | "files" | "conversation" as meant:
            return Send((Rewind(place.record, meant),))
        case other:
            return Say(f"{other!r} cannot be taken back: it is files, conversation or both.")


def _place(view: View, number: str) -> Place | Say:
    places = view.places
    if not places:
        return Say(_NOTHING)
    if number.isdecimal() and len(number) < 10 and 1 <= int(number) <= len(places):
        return places[-int(number)]
    return Say(f"There is no place {number!r}. There are 1 to {len(places)}; /rewind lists them.")


def _places(view: View) -> Sequence[Value]:
    """The last one first, as it has number 1."""
    return [
        Value(str(number), one_line(place.text, 70) or "undo the rewind that was made here")
        for number, place in enumerate(reversed(view.places), 1)
    ]


def _redo(view: View, _argument: str) -> Reply:
    if not view.places or view.places[-1].text.strip():
        return Say("Nothing was taken back since the last prompt. /rewind lists what can be gone back to.")
    return Send((Rewind(view.places[-1].record),))


def _export(_view: View, argument: str) -> Reply:
    return Fetch("export", argument)


def _exit(_view: View, _argument: str) -> Reply:
    return Leave()


SESSIONS = (
    Slash("clear", "/clear", "begin a new session; this one can be resumed", _clear, ("new",)),
    Slash("resume", "/resume [SESSION]", "go on with an earlier session", _resume, ("sessions",)),
    Slash("rename", "/rename NAME", "give the session a name", _rename),
    Slash(
        "fork",
        "/fork [N]",
        "go on in a copy of the session: all of it, or what came before place N of /rewind",
        _fork,
        ("branch",),
        _places,
    ),
    Slash(
        "rewind",
        "/rewind [N [WHAT]]",
        "take prompts back: files, conversation or both",
        _rewind,
        ("undo",),
        _places,
    ),
    Slash("redo", "/redo", "undo the last rewind", _redo),
    Slash("export", "/export [FILE]", "write the conversation to a Markdown file", _export, ("transcript",)),
    Slash("exit", "/exit", "end the conversation", _exit, ("quit", "q")),
)
