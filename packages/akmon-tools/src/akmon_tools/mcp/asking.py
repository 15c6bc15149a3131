"""What a server wants to know of the person: asked in its name, field by field, and never made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from akmon_core.errors import ToolError
from akmon_core.limits import MCP_FIELDS, MCP_URI_CHARS, QUESTION_CHARS
from akmon_core.text import exposed
from akmon_tools.mcp.facts import Ask
from akmon_tools.mcp.fields import (
    Field,
    Value,
    Wrong,
    fields_of,
    is_yes,
    options_of,
    question_of,
    read_answer,
)

if TYPE_CHECKING:
    from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitRequestURLParams, ElicitResult

_ANSWER, _DECLINE, _ACCEPT, _DONE = "answer", "decline", "accept", "I have opened it"
_TRIES = 2


class _Declined(Exception):
    """The person leaves out what has to be there, or cannot be asked for it."""


class _Dismissed(Exception):
    """The answers do not fit, and it is not asked again."""


async def answer(params: ElicitRequestParams, server: str, ask: Ask | None) -> ElicitResult:
    """What the person says to ``params``, of which nothing is made up: without a person it is declined.

    An answer that does not fit is asked for once more, then the whole is cancelled.
    """
    import mcp_types as types

    if ask is None:
        return types.ElicitResult(action="decline")
    try:
        if isinstance(params, types.ElicitRequestURLParams):
            accepted = await _opened(params, server, ask)
            return types.ElicitResult(action="accept" if accepted else "decline")
        content = await _filled_in(params, server, ask)
    except (_Declined, ToolError):
        return types.ElicitResult(action="decline")
    except _Dismissed:
        return types.ElicitResult(action="cancel")
    return types.ElicitResult(action="accept", content={**content})


async def _opened(params: ElicitRequestURLParams, server: str, ask: Ask) -> bool:
    host = _host(params.url)
    question = (
        f"{server} asks: {_said(params.message)}\n\nIt wants you to open this address, which is at {host}. "
        f"It is not opened for you:\n{params.url}"
    )
    return is_yes(await ask(question, (_DONE, _DECLINE)), _DONE, "done")


def _host(url: str) -> str:
    """Of an address that a person may be shown as it is. Raises ``_Declined`` for any other."""
    try:
        parts = urlsplit(url)
        host = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        host = None
    if not host or len(url) > MCP_URI_CHARS or not all("!" <= char <= "~" for char in url):
        raise _Declined
    return host


async def _filled_in(params: ElicitRequestFormParams, server: str, ask: Ask) -> dict[str, Value]:
    try:
        fields = fields_of(params.requested_schema)
    except Wrong:
        raise _Declined from None
    if len(fields) > MCP_FIELDS:
        raise _Declined
    message = f"{server} asks: {_said(params.message)}\n\nWhat you answer is sent to {server}."
    if len(fields) == 1:
        value = await _value(fields[0], f"{message}\n", server, ask, only=True)
        return {} if value is None else {fields[0].name: value}
    if not await _agreed(fields, message, ask):
        raise _Declined
    values = {field.name: await _value(field, f"{server} asks: ", server, ask) for field in fields}
    return {name: value for name, value in values.items() if value is not None}


async def _agreed(fields: Sequence[Field], message: str, ask: Ask) -> bool:
    """Whether there is a person, who wants to answer at all: defaults hold only for one who does."""
    if not fields:
        return is_yes(await ask(message, (_ACCEPT, _DECLINE)), _ACCEPT)
    wanted = ", ".join(field.title for field in fields)
    said = await ask(f"{message} It wants to know: {wanted}.", (_ANSWER, _DECLINE))
    return is_yes(said, _ANSWER, _ACCEPT)


async def _value(field: Field, start: str, server: str, ask: Ask, *, only: bool = False) -> Value | None:
    """What the person says; the default, or None, if nothing. Raises ``_Declined`` and ``_Dismissed``.

    Of the ``only`` field of a form, nothing said is declined, also where there is a default: nobody may be
    there.
    """
    asked = question_of(field, if_empty="leave it empty to decline" if only else "")
    question, options = start + asked, options_of(field)
    if only:
        default = () if field.default is None or options else (str(field.default),)
        options = (*default, *options, _DECLINE)
    for _ in range(_TRIES):
        text = (await ask(question, options)).strip()
        if (only and text in ("", _DECLINE)) or (not text and field.required and field.default is None):
            raise _Declined
        if not text:
            return field.default
        try:
            return read_answer(field, text)
        except Wrong as wrong:
            question = f"{server} asks again, as {wrong}: {asked}"
    raise _Dismissed


def _said(message: str) -> str:
    return exposed(message[:QUESTION_CHARS]).strip() + ("…" if len(message) > QUESTION_CHARS else "")
