"""One entry of ``mcpServers``: what may stand in it, and its variables."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from akmon_core.secret import Secret
from akmon_core.servers import Server, Transport
from akmon_core.text import one_line

_TRANSPORTS: dict[str, Transport] = {
    "stdio": "stdio",
    "http": "http",
    "streamable-http": "http",
    "streamableHttp": "http",
    "sse": "sse",
}
_STDIO = ("command", "args", "env", "cwd")
_REMOTE = ("url", "headers", "oauth")
_FIELDS = (*_STDIO, *_REMOTE, "type", "timeout", "disabled")
_ELSEWHERE = {
    "arguments": "args",
    "environment": "env",
    "httpUrl": "url",
    "serverUrl": "url",
    "transport": "type",
    "transportType": "type",
}
"""What other programs call some of them."""
_NAME = re.compile(r"[A-Za-z0-9](?:(?:[A-Za-z0-9-]|_(?!_))*[A-Za-z0-9])?")
NAME_CHARS = 32
"""Of the name of a server: what of it stands in the names of its tools, and so in rules about them."""
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-[^{}]*)?\}")
WORKSPACE = "workspaceFolder"
"""The variable that is the project's root, as editors call it."""
_FOREIGN = re.compile(r"\$\{(?:env|input):([^}]*)\}")
"""How one other editor writes variables, and questions to the person."""
_LONGEST = 86_400_000
"""Milliseconds: a day."""
_HALF = re.compile("[\ud800-\udfff]")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class WrongEntry(Exception):
    """The entry cannot be used; the message names the field, and says what is expected."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it stands in a file; texts may hold ``${VAR}`` and ``${VAR:-default}``."""

    transport: Transport
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    cwd: str = ""
    url: str = ""
    headers: dict[str, str] = {}
    client_id: str = ""
    client_secret: str = ""
    timeout: int = 0
    """Milliseconds; 0 is the usual."""
    disabled: bool = False
    ignored: tuple[str, ...] = ()
    """Fields of other programs that have no meaning here."""


def name_problem(name: str) -> str:
    """Why no server can be called ``name``, and what it could be called; empty if it can."""
    if _NAME.fullmatch(name) and len(name) <= NAME_CHARS:
        return ""
    suggestion = usable_name(name)
    hint = f" Call it {suggestion}." if suggestion else ""
    return (
        f"the name of a server should have letters, digits, - and single _, begin and end with a letter or a "
        f"digit, and have at most {NAME_CHARS} characters.{hint}"
    )


def usable_name(text: str) -> str:
    """A name for a server that is much like ``text``; empty if nothing of it can be used."""
    words = re.sub(r"[^A-Za-z0-9_-]+|_{2,}", "-", text).strip("-_")
    return words[:NAME_CHARS].strip("-_")


def read_entry(value: object) -> Written:
    """Raises ``WrongEntry``."""
    if not isinstance(value, dict):
        raise WrongEntry('it should be an object, such as {"command": "npx", "args": ["-y", "some-server"]}')
    ignored = tuple(one_line(str(key), 60) for key in value if _is_ignored(str(key)))
    transport = _transport(value)
    fields = _REMOTE if transport == "stdio" else _STDIO
    if foreign := next((key for key in fields if key in value), ""):
        raise WrongEntry(f"{foreign}: this is not for a server of type {transport}")
    oauth = _object(value, "oauth")
    for key in oauth:
        if key not in ("clientId", "clientSecret"):
            raise WrongEntry(f"oauth: it may have clientId and clientSecret, and not {one_line(key, 60)}")
    written = Written(
        transport=transport,
        command=_text(value, "command", "the program alone, whose arguments stand in args"),
        args=_list(value, "args"),
        env=_texts(value, "env"),
        cwd=_text(value, "cwd", "a folder"),
        url=_text(value, "url", "an address"),
        headers=_texts(value, "headers"),
        client_id=_text(oauth, "clientId", "the id of a client"),
        client_secret=_text(oauth, "clientSecret", "the secret of a client"),
        timeout=_timeout(value),
        disabled=_switch(value),
        ignored=ignored,
    )
    _check_names(written)
    return written


def filled(written: Written, environ: Mapping[str, str]) -> Written:
    """With the values of the variables. Raises ``WrongEntry`` if one is not set and has no default."""

    def fill(field: str, text: str) -> str:
        if foreign := _FOREIGN.search(text):
            raise WrongEntry(f"{field}: {one_line(foreign[0], 60)} has no meaning here. Write ${{NAME}}")
        return VARIABLE.sub(lambda found: _value(field, found, environ), text)

    return _mapped(written, fill)


def digest(name: str, written: Written, root: Path) -> str:
    """SHA-256 of what would be started or reached, before variables are filled in.

    Whether it is switched off and how long it may take make no other server of it.
    """
    kept = msgspec.structs.replace(written, disabled=False, timeout=0, ignored=())
    here = is_relative(written.command) or (written.cwd and not Path(written.cwd).is_absolute())
    folder = str(root) if here else ""
    text = msgspec.json.encode([name, folder, kept], order="deterministic")
    return hashlib.sha256(text).hexdigest()


def server_of(name: str, written: Written, root: Path, environ: Mapping[str, str], origin: str) -> Server:
    """Raises ``WrongEntry``."""
    entry = filled(written, environ)
    _check_values(entry)
    return Server(
        name=name,
        transport=entry.transport,
        command=(located(entry.command, root), *entry.args) if entry.command else (),
        cwd=str(root / entry.cwd) if entry.cwd else "",
        env={key: Secret(value) for key, value in entry.env.items()},
        url=entry.url,
        shown=_shown(written, entry, root),
        headers={key: Secret(value) for key, value in entry.headers.items()},
        client_id=entry.client_id,
        client_secret=Secret(entry.client_secret),
        seconds=entry.timeout / 1000,
        origin=origin,
        digest=digest(name, written, root),
    )


def _shown(written: Written, entry: Written, root: Path) -> str:
    """Where it is, without the values of variables in arguments and behind a host, which may be secrets;
    empty if there are none."""
    if entry.transport == "stdio":
        here = [each.replace(f"${{{WORKSPACE}}}", str(root)) for each in written.args]
        return " ".join((located(entry.command, root), *here))
    if not VARIABLE.search(written.url):
        return ""
    parts = urlsplit(entry.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/…"


def located(command: str, root: Path) -> str:
    """A program that is named by a path from the project's root, by its whole path; else as it is."""
    return str(Path(root, command)) if is_relative(command) else command


def is_relative(command: str) -> bool:
    """Whether it names a file by a path from a folder; a bare word is looked for in ``PATH``."""
    return (
        bool(re.search(r"[/\\]", command)) and not command.startswith("$") and not Path(command).is_absolute()
    )


def _is_ignored(key: str) -> bool:
    """Raises ``WrongEntry`` for what is surely meant as one of the fields."""
    if key in _FIELDS:
        return False
    from akmon_config.values import near

    shown = one_line(key, 60)
    if key in _ELSEWHERE:
        raise WrongEntry(f"{shown}: call it {_ELSEWHERE[key]}")
    if hint := near(key, _FIELDS):
        raise WrongEntry(f"{shown}: there is no such field.{hint.rstrip()}")
    return True


def _transport(value: dict[str, Any]) -> Transport:
    kind = value.get("type")
    if "command" in value and "url" in value:
        raise WrongEntry("it should have a command or a url, and not both")
    if kind is None and not ("command" in value or "url" in value):
        raise WrongEntry("it should have a command (a program to start) or a url (a server to reach)")
    if kind is None:
        return "stdio" if "command" in value else "http"
    if not isinstance(kind, str) or kind not in _TRANSPORTS:
        from akmon_config.values import near

        hint = near(kind, tuple(_TRANSPORTS)) if isinstance(kind, str) else ""
        raise WrongEntry(f"type: it should be stdio, http or sse.{hint}".rstrip("."))
    transport = _TRANSPORTS[kind]
    needed = "command" if transport == "stdio" else "url"
    if not value.get(needed):
        raise WrongEntry(f"{needed}: it is missing, and a server of type {kind} needs one")
    return transport


def _text(value: dict[str, Any], key: str, what: str) -> str:
    text = value.get(key, "")
    if not isinstance(text, str) or (key in value and not text):
        raise WrongEntry(f"{key}: it should be a text: {what}")
    return text


def _list(value: dict[str, Any], key: str) -> tuple[str, ...]:
    found = value.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise WrongEntry(f'{key}: it should be a list of texts, such as ["-y", "some-server"]')
    return tuple(found)


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key, {})
    if not isinstance(found, dict):
        raise WrongEntry(f"{key}: it should be an object")
    return found


def _texts(value: dict[str, Any], key: str) -> dict[str, str]:
    found = _object(value, key)
    for name, each in found.items():
        if not isinstance(each, str):
            raise WrongEntry(f'{key}, {one_line(name, 60)}: it should be a text in quotes, such as "1"')
    return found


def _timeout(value: dict[str, Any]) -> int:
    found = value.get("timeout", 0)
    least = "timeout" in value
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= _LONGEST:
        raise WrongEntry(
            f"timeout: it should be a whole number of milliseconds, such as 60000, and at most {_LONGEST}"
        )
    return found


def _switch(value: dict[str, Any]) -> bool:
    found = value.get("disabled", False)
    if not isinstance(found, bool):
        raise WrongEntry("disabled: it should be true or false")
    return found


def _check_names(written: Written) -> None:
    if any(map(_HALF.search, _all_texts(written))):
        raise WrongEntry("it holds half of a character, such as \\ud800, which is no text")
    for name in written.env:
        if not name or "=" in name or not name.isprintable():
            raise WrongEntry(f"env: {one_line(name, 60)!r} cannot be the name of a variable")
    for name in written.headers:
        if not _HEADER.fullmatch(name):
            raise WrongEntry(f"headers: {one_line(name, 60)!r} cannot be sent: it should be one word")


def _all_texts(written: Written) -> Iterator[str]:
    yield from (written.command, *written.args, written.cwd, written.url)
    yield from (written.client_id, written.client_secret)
    for pairs in (written.env, written.headers):
        yield from (*pairs, *pairs.values())


def _check_values(entry: Written) -> None:
    """Of a filled entry; no message repeats a value."""
    for field, texts in (("args", entry.args), ("env", entry.env.values()), ("cwd", (entry.cwd,))):
        if any("\0" in text for text in texts):
            raise WrongEntry(f"{field}: there is a NUL character in it")
    if entry.command.strip() != entry.command or not (entry.command or entry.url):
        raise WrongEntry(f"{'url' if entry.url else 'command'}: it is empty or has blanks around it")
    if entry.command and not entry.command.isprintable():
        raise WrongEntry("command: it should be on one line, without control characters")
    if entry.command.startswith("~") or entry.cwd.startswith("~"):
        field = "command" if entry.command.startswith("~") else "cwd"
        raise WrongEntry(f"{field}: write ${{HOME}} in the place of ~")
    for name, value in entry.headers.items():
        if not (value.isascii() and value.isprintable()):
            raise WrongEntry(f"headers, {name}: its value should be one line of printable ASCII characters")
    if entry.transport != "stdio" and not is_address(entry.url):
        raise WrongEntry("url: it should be an address that starts with https:// or http://")


def is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(usable) and url.isascii() and url.isprintable() and " " not in url


def _value(field: str, found: re.Match[str], environ: Mapping[str, str]) -> str:
    """As in a shell, a default stands for an empty variable, too."""
    name, default = found[1], found[2]
    if default is not None:
        return environ.get(name) or default.removeprefix(":-")
    if name not in environ:
        raise WrongEntry(f"{field}: the variable {name} is not set. Set it, or write ${{{name}:-default}}")
    return environ[name]


def _mapped(written: Written, fill: Callable[[str, str], str]) -> Written:
    return msgspec.structs.replace(
        written,
        command=fill("command", written.command),
        args=tuple(fill("args", each) for each in written.args),
        env={key: fill(f"env, {key}", value) for key, value in written.env.items()},
        cwd=fill("cwd", written.cwd),
        url=fill("url", written.url),
        headers={key: fill(f"headers, {key}", value) for key, value in written.headers.items()},
        client_id=fill("oauth", written.client_id),
        client_secret=fill("oauth", written.client_secret),
    )
