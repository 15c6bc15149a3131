"""The kinds of values that settings have, each with its check. No message repeats what may be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, PlainValidator, SecretStr

from akmon_config.secrets import key_problem, key_source
from akmon_core.errors import SettingsError
from akmon_core.permissions import parse_rule
from akmon_core.text import neutralise, one_line

PROVIDERS = (
    "bedrock",
    "anthropic",
    "openrouter",
    "azure",
    "openai",
    "groq",
    "openai-compatible",
    "ollama",
    "scripted",
)
STATUS_PARTS = (
    *("model", "mode", "sandbox", "context", "cost", "cache", "branch"),
    *("session", "folder"),
)
"""Of the status line; the first seven are shown if nothing is said."""
_OLLAMA_PORT = 11434
_DURATION = re.compile(r"-?\d+|-?(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def near(word: str, known: Sequence[str]) -> str:
    """`` Did you mean …?``, or nothing if ``word`` resembles none of ``known``."""
    close = get_close_matches(word.lower(), known, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _rule(text: str) -> str:
    try:
        parse_rule(text)
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return text


def _printable(text: str) -> str:
    if neutralise(text) != text or "\n" in text or "\t" in text:
        raise ValueError("it should be text on one line, without control characters")
    return text


def _word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text):
        raise ValueError("it should be one word of letters, digits, dots and hyphens")
    return text


def _provider(text: str) -> str:
    if text and text not in PROVIDERS:
        name = one_line(text, 40)
        known = ", ".join(PROVIDERS)
        raise ValueError(f"there is no provider {name!r}.{near(name, PROVIDERS)} The providers are: {known}.")
    return text


def _url(text: str) -> str:
    """The message leaves the value out: an address may hold a password."""
    try:
        parts = urlsplit(_printable(text))
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isascii() or " " in text:
        raise ValueError(
            "it should be an address that starts with http:// or https://, such as https://host:8443/v1"
        )
    return text


def _host(text: str) -> str:
    """An address, or what Ollama takes besides: a host, a port with its colon, or both."""
    if re.match(r"\w+:/", text):
        return _url(text)
    try:
        parts = urlsplit(_url(f"http://{'127.0.0.1' if text.startswith(':') else ''}{text}"))
    except ValueError:
        raise ValueError("it should be HOST, HOST:PORT, or an address that starts with http://") from None
    port = "" if parts.port else f":{_OLLAMA_PORT}"
    return parts._replace(netloc=parts.netloc.rstrip(":") + port).geturl()


def _key(secret: SecretStr) -> SecretStr:
    """A line end or blank around a pasted key would make every request fail."""
    text = secret.get_secret_value().strip()
    try:
        if key_source(text) is None and (problem := key_problem(text)):
            raise ValueError(f"{problem}. Copy the key again, without blanks or line ends in it.")
    except SettingsError as error:
        raise ValueError(str(error)) from None
    return SecretStr(text)


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ValueError('it should be a time such as "30m" or "24h"; "0" is none, "-1" is for good')
    return text


def _headers(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for name, value in headers.items():
        text = value.get_secret_value()
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(
                f"the name {one_line(name, 40)!r} cannot be sent: it should be one word, such as X-Team"
            )
        if not (text.isascii() and text.isprintable()):
            raise ValueError(f"the value of {name} should be one line of printable ASCII characters")
    return headers


def _profile(text: str) -> str:
    return _word(text) if text else text


def _variable(text: str) -> str:
    """Only whole names, and none that looks like a secret: commands must not be able to send one away."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("it should be the whole name of a variable, without patterns or a value")
    if _SECRET_NAME.search(text.upper()):
        raise ValueError(
            f"{text} looks like the name of a secret, which commands never inherit. "
            "Let the program that needs it read it from its own settings."
        )
    return text


def _status_line(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):  # pydantic reports a ValueError only
        raise ValueError('it should be a list, such as ["model", "mode", "context"]')  # noqa: TRY004
    for each in value:
        if each not in STATUS_PARTS:
            name = one_line(str(each), 40)
            known = ", ".join(STATUS_PARTS)
            raise ValueError(
                f"the status line has no part {name!r}.{near(name, STATUS_PARTS)} The parts are: {known}."
            )
    return tuple(dict.fromkeys(value))


_SECRET_NAME = re.compile(
    r"KEY(?:\Z|_|ID)|API_?KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(?:\A|_)(?:PASS|PAT|PWD|DSN)\Z|\AAKMON_"
)


Line = Annotated[str, AfterValidator(_printable)]
Word = Annotated[str, AfterValidator(_word)]
Provider = Annotated[str, AfterValidator(_provider)]
Rules = list[Annotated[str, AfterValidator(_rule)]]
Key = Annotated[SecretStr, AfterValidator(_key)]
Url = Annotated[str, AfterValidator(_url)]
Host = Annotated[str, AfterValidator(_host)]
Duration = Annotated[str, AfterValidator(_duration)]
Profile = Annotated[str, AfterValidator(_profile)]
Variable = Annotated[str, AfterValidator(_variable)]
WebEngine = Literal["searxng", "brave", "tavily"]
Theme = Literal["auto", "dark", "light", "ansi"]
Notify = Literal["auto", "bell", "off"]
StatusLine = Annotated[tuple[str, ...], PlainValidator(_status_line)]
Headers = dict[Provider, Annotated[dict[str, SecretStr], AfterValidator(_headers)]]
