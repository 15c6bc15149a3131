"""Carries out what slash commands ask for: on the screen, in the session, by the services."""

from __future__ import annotations

import re
from typing import assert_never

from akmon_core.commands import (
    ChooseModel,
    Implement,
    Prompt,
    Rewind,
    RunCommand,
    SetMode,
    Steer,
    UsePrompt,
)
from akmon_core.errors import AkmonError
from akmon_core.permissions import MODES
from akmon_core.text import neutralise
from akmon_tui import servers
from akmon_tui.composer.keys import KEYS
from akmon_tui.composer.prompt import Sent
from akmon_tui.dialogs.base import Press
from akmon_tui.dialogs.keyhelp import KeysHelp
from akmon_tui.dialogs.models import model_picker
from akmon_tui.dialogs.pager import Pager
from akmon_tui.dialogs.picker import Picker
from akmon_tui.dialogs.rewinding import rewind_picker
from akmon_tui.dialogs.servers import Managed, ServersDialog
from akmon_tui.dialogs.sessions import SessionPicker
from akmon_tui.dialogs.tables import mode_picker, settings_view, theme_picker
from akmon_tui.gauges import context_lines
from akmon_tui.lines import Line, line
from akmon_tui.screen import Screen
from akmon_tui.services import Leave
from akmon_tui.slash import run_slash
from akmon_tui.slash.fetching import fetched
from akmon_tui.slash.helping import help_text
from akmon_tui.slash.replies import Ask, Copy, Fetch, Reply, Say, Send, Set, Typed
from akmon_tui.slash.sessions import session_named
from akmon_tui.terminal import copy
from akmon_tui.theme import THEMES


async def enter(sent: Sent, app: Screen) -> bool:
    """Does what the person has entered: a slash command, a command line of their own, or something to say to
    the session. Gives whether a turn begins with it."""
    if reply := run_slash(sent.text, app.view, app.table):
        app.say(f"\n> {sent.text.strip()}")
        await carry_out(reply, app)
        if isinstance(reply, Say) and reply.stays and app.composer.is_empty:
            app.composer.stage(f"{sent.text.rstrip()} ", sent.images)
        return _begins_turn(reply)
    if sent.text.startswith("!"):
        await _run_own(sent.text, app)
        return False
    if not app.is_busy:
        await app.prompt(sent)
    elif sent.images:  # which nothing takes in the middle of a turn
        app.follow_ups.append(sent)
    else:
        await app.send(Steer(sent.text))
    return True


def _begins_turn(reply: Reply) -> bool:
    match reply:
        case Typed():
            return True
        case Send(commands):
            return any(isinstance(each, Prompt | Implement | UsePrompt) for each in commands)
        case _:
            return False


async def _run_own(text: str, app: Screen) -> None:
    hidden = text.startswith("!!")
    command = text[2 if hidden else 1 :].strip()
    app.own_commands.append(command)
    try:
        await app.send(RunCommand(command, hidden))
    except AkmonError:
        app.own_commands.remove(command)
        raise


async def carry_out(reply: Reply, app: Screen) -> None:
    """Does what ``reply`` says. May open a dialog and wait for it."""
    match reply:
        case Say(text):
            app.say(text, "")
        case Send(commands):
            for command in commands:
                await app.send(command)
        case Leave():
            app.leave(reply)
        case Typed(text):
            if app.is_busy:
                await app.send(Steer(text))
            else:
                await app.prompt(Sent(text))
        case Ask():
            await _ask(reply, app)
        case Fetch():
            await _fetch(reply, app)
        case Set(name, value):
            app.set(name, value)
        case Copy(what):
            _copy(what, app)
        case _:
            assert_never(reply)


async def _ask(ask: Ask, app: Screen) -> None:
    """Opens a dialog, and does what is chosen in it."""
    view = app.view
    match ask.kind:
        case "model":
            choices = await app.services.models()
            await _chosen(await app.focus.ask(model_picker(choices, view.model)), app)
        case "session":
            await _resume(ask.argument, app)
        case "rewind":
            await _chosen(await app.focus.ask(rewind_picker(view.places, view.changed, view.folder)), app)
        case "settings":
            await _settings(app)
        case "theme":
            await choose_theme(app)
        case "permission-mode":
            mode = await app.focus.ask(mode_picker(view.mode))
            for each in MODES:
                if each == mode:
                    await app.send(SetMode(each))
        case "servers" | "approval":
            await _servers(ask.argument, app)
        case "help":
            app.say(help_text(app.table, KEYS, ask.argument), "")
        case "keys":
            await app.focus.ask(KeysHelp(KEYS))
        case _:
            assert_never(ask.kind)


async def _chosen(command: object, app: Screen) -> None:
    if isinstance(command, ChooseModel | Rewind):
        await app.send(command)


async def _servers(wanted: str, app: Screen) -> None:
    """Shows the servers, and does about them what the person chooses, until they leave."""
    app.servers = await app.services.servers()
    if not app.servers or (wanted and not servers.named(app.servers, wanted)):
        app.say(servers.unknown(app.servers, wanted), "")
        return
    dialog = ServersDialog(lambda: app.servers, wanted)
    while isinstance(chosen := await app.focus.ask(dialog), Managed):
        await app.send(chosen.command)


async def _resume(wanted: str, app: Screen) -> None:
    sessions = await app.services.sessions()
    if wanted and (named := session_named(sessions, wanted)):
        app.leave(Leave("resume", named.id))
        return
    picker = SessionPicker(sessions, app.clock())
    for key in wanted:
        picker.press(Press(key))
    looking = app.start(_previews(picker, app))
    try:
        chosen = await app.focus.ask(picker)
    finally:
        looking.cancel()
    if isinstance(chosen, str):
        app.leave(Leave("resume", chosen))


async def _previews(picker: SessionPicker, app: Screen) -> None:
    """Gets the preview of whatever session is selected."""
    while True:
        if wanted := picker.wants:
            picker.set_preview(wanted, await app.services.preview(wanted))
            app.changed()
        else:
            await app.key_pressed()


async def _settings(app: Screen) -> None:
    chosen = await app.focus.ask(settings_view(await app.services.settings()))
    match chosen:
        case ("setting", "theme"):
            await choose_theme(app)
        case ("setting", "model"):
            await _ask(Ask("model"), app)
        case ("setting", str() as name):
            app.composer.stage(f"/config {name} ")
        case _:
            pass


async def choose_theme(app: Screen) -> None:
    """Shows each theme as it is looked at, and keeps the one that is chosen in the settings."""
    before = app.look.theme
    picker = theme_picker(THEMES, before)
    showing = app.start(_as_selected(picker, app))
    try:
        chosen = await app.focus.ask(picker)
    finally:
        showing.cancel()
    app.set("theme", chosen if isinstance(chosen, str) else before)
    if isinstance(chosen, str) and chosen != before:
        app.say(await app.services.save_setting("theme", chosen))


async def _as_selected(picker: Picker, app: Screen) -> None:
    while True:
        await app.key_pressed()
        if picker.selected and isinstance(picker.selected.value, str):
            app.set("theme", picker.selected.value)


async def _fetch(fetch: Fetch, app: Screen) -> None:
    columns, _ = app.size()
    match fetch.kind:
        case "context":
            app.show([(), *context_lines(await app.services.context(), app.view.window, columns)])
        case "diff":
            text = await app.services.diff()
            if text:
                await app.focus.ask(Pager("What differs from the last commit", unified_lines(text)))
            else:
                app.say("Nothing differs from the last commit.")
        case _:
            said = await fetched(fetch, app.services, app.view)
            await carry_out(said, app)


def unified_lines(diff: str) -> list[Line]:
    """A unified diff of several files, coloured."""
    rows = neutralise(diff).expandtabs().split("\n")
    return [line(row, "bold" if row.startswith("diff ") else _STYLES.get(row[:1], "")) for row in rows]


_CODE = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_STYLES = {"+": "added", "-": "removed", "@": "dim"}


def _copy(what: str, app: Screen) -> None:
    text = app.transcript.last_reply
    if what == "code":
        text = next(reversed(_CODE.findall(text)), "")
    control = copy(app.terminal, text) if text else ""
    app.write(control)
    if not text:
        app.say("There is nothing to copy yet.")
    elif control:
        app.say(f"Copied {len(text):,} characters.")
    else:
        app.say("The terminal takes no copy of it. /export writes the conversation to a file.")
