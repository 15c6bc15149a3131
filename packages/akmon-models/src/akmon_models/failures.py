"""Turns what servers say of a failure into a ``ProviderError`` that says what to do next."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from akmon_core.errors import ProviderError, ProviderErrorKind
from akmon_core.limits import ERROR_CHARS
from akmon_core.secret import Secret
from akmon_core.text import neutralise
from akmon_models.echo import without_key

EXCERPT_CHARS = 200
"""What is quoted of a body that is no error message."""

Advice: TypeAlias = "Callable[[ProviderErrorKind, str], tuple[ProviderErrorKind, str] | None]"
"""A provider's own word on a failure, from its kind and what was said of it: the kind that it really is,
and what to do next. None if the general words fit."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked, as messages name it. ``secret`` is taken out of whatever is quoted."""

    provider: str
    model: str
    url: str
    key_variable: str
    url_variable: str
    secret: Secret | str = ""
    advice: Advice | None = None

    def __repr__(self) -> str:
        return f"Server({self.provider!r}, {self.model!r}, {self.url!r})"


_OVERFLOW = re.compile(
    r"context_length_exceeded|maximum context length|context[ _]window|context size|prompt is too long"
    r"|input is too long|exceeds? (?:the )?context|reduce the length|request_too_large"
    r"|exceed_context_size|too many input tokens|longer than the context|token limit reached",
    re.IGNORECASE,
)

_TOKEN_RATE = re.compile(r"rate_limit_exceeded|tokens per (?:min|day)", re.IGNORECASE)
"""Groq calls a request that is more than an account may use in a minute too large (413)."""

_BY_STATUS: dict[int, ProviderErrorKind] = {
    401: "authentication",
    402: "authentication",
    403: "authentication",
    404: "model_not_found",
    408: "timeout",
    409: "server",
    413: "context_overflow",
    424: "server",
    425: "server",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_BY_NAME: tuple[tuple[str, ProviderErrorKind], ...] = (
    ("insufficient_quota|billing|payment", "authentication"),
    ("authentication|invalid_api_key|permission|unauthorized|forbidden", "authentication"),
    ("rate_limit|too_many_requests|resource_exhausted", "rate_limit"),
    ("overloaded|unavailable|slow_down", "overloaded"),
    ("not_found", "model_not_found"),
    ("timeout", "timeout"),
    ("invalid_|badrequest|bad_request|unsupported|policy|image|mismatch", "bad_request"),
)

_AWS_ERRORS: dict[str, ProviderErrorKind] = {
    "AccessDeniedException": "authentication",
    "ExpiredTokenException": "authentication",
    "UnrecognizedClientException": "authentication",
    "ModelErrorException": "server",
    "ModelNotReadyException": "overloaded",
    "ModelTimeoutException": "timeout",
    "ResourceNotFoundException": "model_not_found",
    "ServiceQuotaExceededException": "rate_limit",
    "ThrottlingException": "rate_limit",
}
"""By what AWS names in a header, whatever the status; an error that is not listed is told by that."""

_NEXT: dict[ProviderErrorKind, str] = {
    "authentication": "Check {key_variable}, and that the account may use {model}.",
    "bad_request": "Choose another model, or start a new session if its history is refused.",
    "connection": "Check the network and the address ({url_variable}).",
    "context_overflow": "Start a new session, or choose a model with a larger context window.",
    "model_not_found": "Check the model id {model}, and the address {url} ({url_variable}).",
    "overloaded": "Try again later, or choose another model.",
    "protocol": "Check that the address {url} ({url_variable}) is that of a model server.",
    "rate_limit": "Try again later, or choose another model.",
    "server": "Try again later, or choose another model.",
    "timeout": "Try again, or choose another model.",
}

_WHAT: dict[ProviderErrorKind, str] = {
    "authentication": "refused access",
    "bad_request": "refused the request",
    "connection": "cannot be reached",
    "context_overflow": "says that the conversation is too long for {model}",
    "model_not_found": "does not know the model {model} at this address",
    "overloaded": "is overloaded",
    "protocol": "sent something that is not a reply",
    "rate_limit": "limits the rate of requests",
    "server": "failed",
    "timeout": "took too long",
}


def failure(
    server: Server,
    kind: ProviderErrorKind,
    said: str = "",
    *,
    status: int | None = None,
    retry_after: float | None = None,
) -> ProviderError:
    """What happened, where, the server's own words, and what to do next."""
    own = server.advice(kind, said) if server.advice else None
    kind = own[0] if own else kind
    what = _WHAT[kind].format(model=server.model)
    code = f" ({status})" if status else ""
    words = f": {quote(server, said)}" if said.strip() else ""
    advice = own[1] if own else _next_step(server, kind, said)
    stop = "" if words.endswith((".", "!", "?")) else "."
    return ProviderError(
        kind, f"{server.provider} {what}{code}{words}{stop} {advice}", status=status, retry_after=retry_after
    )


def _next_step(server: Server, kind: ProviderErrorKind, said: str) -> str:
    if kind == "bad_request" and "/v1/responses" in said:
        return (
            "This model must be asked by that protocol: give it a row with "
            f'match = "{server.model}" and api = "responses" in the setting models.'
        )
    return _NEXT[kind].format(
        model=server.model,
        url=server.url,
        key_variable=server.key_variable,
        url_variable=server.url_variable,
    )


def broken_off(server: Server, kind: ProviderErrorKind, how: str) -> ProviderError:
    """A reply that began and did not end as it must."""
    return ProviderError(
        kind,
        f"{server.provider} broke off its reply: {quote(server, how)}. Try again; if it happens again, "
        f"choose another model, or check the network and whatever stands between you and {server.url}.",
    )


def unreadable(server: Server, data: bytes, error: Exception) -> ProviderError:
    """An event that is not what its protocol allows: an error of a shape of its own, or damage."""
    if holds_error(data):
        return stream_failure(server, data)
    return broken_off(
        server, "protocol", f"an event cannot be read ({error}); it starts with “{excerpt(data)}”"
    )


def holds_error(body: bytes) -> bool:
    """Whether ``body`` is JSON by which a server reports an error, of whatever protocol."""
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    if not isinstance(said, dict):
        return False
    return bool(said.get("error")) or "error" in (said.get("type"), said.get("object"))


def is_something(raw: msgspec.Raw) -> bool:
    """Whether a field was there and not null."""
    return bytes(raw) not in (b"", b"null")


def status_failure(server: Server, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an HTTP response with a failing status stands for."""
    if 300 <= status < 400:
        return _redirected(server, status, headers.get("location", ""))
    names, said = read_error(body)
    named = headers.get("x-amzn-errortype", "").partition(":")[0]
    kind = _AWS_ERRORS.get(named) or kind_of(status, names, said)
    wait = _header_wait(headers)
    return failure(server, kind, said, status=status, retry_after=_body_wait(said) if wait is None else wait)


def stream_failure(server: Server, payload: bytes) -> ProviderError:
    """The error that an error object stands for, sent with status 200 or in mid-stream."""
    names, said = read_error(payload)
    codes = re.findall(r"\b[45]\d\d\b", names)
    status = int(codes[0]) if codes else None
    return failure(server, kind_of(status, names, said), said, status=status, retry_after=_body_wait(said))


def kind_of(status: int | None, names: str, said: str) -> ProviderErrorKind:
    """The kind of an error from its HTTP status, or else its type and code, and its message."""
    if "tool_use_failed" in names:
        # The model wrote a call that Groq cannot read: another attempt may go well.
        return "server"
    if status in (None, 400, 413) and _TOKEN_RATE.search(f"{names} {said}"):
        return "rate_limit"
    if status not in (401, 403, 429) and _OVERFLOW.search(f"{names} {said}"):
        return "context_overflow"
    if "insufficient_quota" in names:
        return "authentication"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status is not None:
        return "server" if status >= 500 else "bad_request"
    return next((kind for pattern, kind in _BY_NAME if re.search(pattern, names.lower())), "server")


def read_error(body: bytes) -> tuple[str, str]:
    """The type and code of an error body, and its message; of a body that is not JSON, its start."""
    try:
        data: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "", excerpt(body)
    if isinstance(data, list) and data:
        data = data[0]
    error = data.get("error") or data if isinstance(data, dict) else data
    if not isinstance(error, dict):
        return "", str(error)
    keys = ("type", "code", "status", "status_code")
    names = " ".join(str(error[key]) for key in keys if error.get(key) is not None)
    said = error.get("message") or error.get("Message") or error.get("detail") or error.get("msg") or ""
    return names, " ".join(filter(None, (_text(said), _provider_said(error), _failed_call(error))))


def _text(said: Any) -> str:
    return said if isinstance(said, str) else msgspec.json.encode(said).decode()


def _provider_said(error: dict[str, Any]) -> str:
    """OpenRouter only says that a provider failed; what that one said stands beside it."""
    metadata = error.get("metadata")
    if not isinstance(metadata, dict) or not (raw := metadata.get("raw")):
        return ""
    said = read_error(_text(raw).encode())[1]
    return f"({metadata.get('provider_name') or 'the provider'} said: {said})" if said else ""


def _failed_call(error: dict[str, Any]) -> str:
    """What the model wrote in place of a call, at Groq."""
    written = error.get("failed_generation")
    return f"(the model wrote: {_text(written)[:EXCERPT_CHARS]})" if written else ""


def excerpt(body: bytes) -> str:
    """The start of a body as text, without markup."""
    text = body[: EXCERPT_CHARS * 20].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        text = re.sub(r"<(script|style)\b.*?(</\1>|\Z)|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    text = " ".join(text.split())
    return text if len(text) <= EXCERPT_CHARS else text[:EXCERPT_CHARS] + "…"


def quote(server: Server, said: str) -> str:
    """A server's words, cut to ``ERROR_CHARS``, harmless for terminals, and without the key."""
    # A key that the cut went through would be recognised by its start alone.
    said = neutralise(without_key(said[: ERROR_CHARS * 4], server.secret)[: ERROR_CHARS * 2]).strip()
    return said if len(said) <= ERROR_CHARS else said[: ERROR_CHARS - 1] + "…"


def _redirected(server: Server, status: int, location: str) -> ProviderError:
    target = location.partition("?")[0] or "an unnamed address"
    return ProviderError(
        "bad_request",
        f"{server.provider} at {server.url} redirects to {quote(server, target)} ({status}). akmon does not "
        "follow, so that a prompt only goes to the server that was chosen. If that address is right, "
        f"set it ({server.url_variable}).",
        status=status,
    )


def _header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``retry-after-ms`` or ``retry-after`` (seconds or an HTTP date) ask for."""
    if milliseconds := _number(headers.get("retry-after-ms", "")):
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = _number(value)
    return _until(value) if seconds is None else seconds


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,9}(?:\.\d{0,9})?\s*", text) else None


def _until(date: str) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


_AGAIN_IN = re.compile(
    r"again in (?:(\d{1,4})h)?\s*(?:(\d{1,5})m(?!s))?\s*(?:(\d{1,9}(?:\.\d{0,9})?)\s*(ms|s))?", re.IGNORECASE
)


def _body_wait(said: str) -> float | None:
    """Seconds that a message such as ``Please try again in 1h1m2.5s`` asks for."""
    match = _AGAIN_IN.search(said)
    if not match or not (match[1] or match[2] or match[3]):
        return None
    amount = float(match[3] or 0) / (1000 if (match[4] or "").lower() == "ms" else 1)
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + amount
