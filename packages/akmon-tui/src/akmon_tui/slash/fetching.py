"""Asks the services for what a slash command is to show, as lines of plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from akmon_core.errors import AkmonError
from akmon_core.servers import ServerStatus
from akmon_core.text import one_line
from akmon_tui import servers
from akmon_tui.amounts import spent
from akmon_tui.services import (
    Leave,
    ModelChoice,
    Report,
    Services,
    SessionChoice,
    SettingRow,
    Slice,
)
from akmon_tui.slash.replies import Fetch, Say
from akmon_tui.slash.sessions import session_named
from akmon_tui.standing import context_text
from akmon_tui.view import View

_SESSIONS = 20
_WIDTH = 70


async def fetched(fetch: Fetch, services: Services | None, view: View) -> Say | Leave:
    """What to show; or where to go, if one of the ``sessions`` was named. Never raises an ``AkmonError``."""
    if services is None:
        return Say(_without(fetch, view))
    try:
        if fetch.kind == "sessions":
            return _sessions(await services.sessions(), fetch.argument)
        return Say(await _text(fetch, services, view))
    except AkmonError as error:
        return Say(str(error))


async def to_approve(server: str, services: Services | None) -> ServerStatus | Say:
    """The server, if something of it waits for approval. Never raises an ``AkmonError``."""
    try:
        statuses = await services.servers() if services else ()
    except AkmonError as error:
        return Say(str(error))
    found = servers.named(statuses, server)
    if found is None:
        return Say(servers.unknown(statuses, server))
    if not servers.waiting(found):
        return Say(f"Nothing of {one_line(found.name, 60)} waits for approval.")
    return found


def _without(fetch: Fetch, view: View) -> str:
    """What is known without services."""
    match fetch.kind:
        case "context":
            return context_text(view)
        case "costs":
            return f"So far: {spent(view.total)}."
        case _:
            return "That is not to be had in this conversation."


async def _text(fetch: Fetch, services: Services, view: View) -> str:
    match fetch.kind:
        case "context":
            return "\n".join([context_text(view), *_slices(await services.context())])
        case "costs":
            return "\n".join([await services.costs(), f"So far: {spent(view.total)}."]).lstrip("\n")
        case "diff":
            return await services.diff() or "Nothing differs from the last commit."
        case "export":
            return f"The conversation is in {await services.export(fetch.argument)}."
        case "settings":
            return "\n".join(_setting(row) for row in await services.settings())
        case "save":
            name, value = fetch.argument.split(None, 1)
            return await services.save_setting(name, value)
        case "models":
            models = [_model(each) for each in await services.models()]
            return "\n".join([*models, "/model MODEL chooses one."]) if models else "No server lists models."
        case "servers":
            return _servers(await services.servers(), fetch.argument)
        case _:
            return await _report(fetch.argument, services)


async def _report(argument: str, services: Services) -> str:
    for what in get_args(Report):
        if what == argument:
            return await services.report(what)
    raise ValueError(argument)  # the table names only those that there are


def _sessions(choices: Sequence[SessionChoice], wanted: str) -> Say | Leave:
    if wanted:
        found = session_named(choices, wanted)
        if found:
            return Leave("resume", found.id)
        return Say(f"No session, or more than one, is called {wanted!r}. /resume lists them.")
    if not choices:
        return Say("There is no earlier session of this project.")
    rows = [_session(each) for each in choices[:_SESSIONS]]
    more = [f"({len(choices) - _SESSIONS:,} more)"] if len(choices) > _SESSIONS else []
    how = "/resume SESSION goes on with one: its id, the start of it, or its name."
    return Say("\n".join([*rows, *more, how]))


def _servers(statuses: Sequence[ServerStatus], wanted: str) -> str:
    if not wanted:
        return servers.list_text(statuses)
    found = servers.named(statuses, wanted)
    return servers.server_text(found) if found else servers.unknown(statuses, wanted)


def _session(choice: SessionChoice) -> str:
    return f"{choice.id}  {one_line(' · '.join(filter(None, (choice.name, choice.prompt))), _WIDTH)}"


def _model(choice: ModelChoice) -> str:
    facts = [f"{choice.window:,} tokens" if choice.window else "", choice.price or "unpriced", choice.detail]
    return f"{choice.provider}/{choice.id}  {one_line(' · '.join(filter(None, facts)), _WIDTH)}"


def _setting(row: SettingRow) -> str:
    return f"{row.name} = {row.value}  ({row.origin})"


def _slices(slices: Sequence[Slice]) -> list[str]:
    width = max((len(each.label) for each in slices), default=0)
    return [f"  {each.label:<{width}}  about {each.tokens:,}" for each in slices]
