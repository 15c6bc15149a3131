"""The text format of scripted models; ``docs/scripted-models.md`` is its reference."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias, cast, get_args

import msgspec

from akmon_core.errors import ProviderError, ProviderErrorKind, SettingsError
from akmon_core.messages import StopReason
from akmon_core.models import EditFormat, ModelFacts, Prices
from akmon_core.stream import Usage
from akmon_models.failures import kind_of

WINDOW = 128_000
"""The context window if the script does not say."""
MAX_OUTPUT = 8_192


class Say(msgspec.Struct, frozen=True):
    text: str


class Think(msgspec.Struct, frozen=True):
    text: str


class Call(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class Tokens(msgspec.Struct, frozen=True):
    usage: Usage


class Delay(msgspec.Struct, frozen=True):
    seconds: float


class Pace(msgspec.Struct, frozen=True):
    seconds: float


Line: TypeAlias = Say | Think | Call | Tokens | Delay | Pace


class Failure(msgspec.Struct, frozen=True):
    """How an attempt fails."""

    kind: ProviderErrorKind
    message: str
    status: int | None = None
    retry_after: float | None = None

    def raised(self) -> ProviderError:
        return ProviderError(self.kind, self.message, status=self.status, retry_after=self.retry_after)


class Attempt(msgspec.Struct):
    """What comes of one attempt at a reply."""

    lines: list[Line] = []
    stop: StopReason | None = None
    error: Failure | None = None


class Reply(msgspec.Struct):
    attempts: list[Attempt]
    times: int = 1
    """How many replies it counts for; 0 is all that follow."""


class Script(msgspec.Struct, frozen=True):
    facts: ModelFacts
    replies: tuple[Reply, ...]
    """Of the main agent."""
    agent: tuple[Reply, ...] = ()
    """Of every sub-agent."""
    summary: tuple[Reply, ...] = ()
    """What requests for a summary are answered with."""


def parse_script(text: str, path: str) -> Script:
    """The script in ``text``. Raises ``SettingsError`` with ``path`` and the line of a mistake."""
    return _Parser(text, path).parse()


_CUT = Failure("protocol", "the reply ended in the middle: its script cuts it off here")
_ERROR_KINDS = get_args(ProviderErrorKind)
_STOPS = ("end", "tools", "length", "refused")
_HEREDOC = re.compile(r"<<([A-Za-z_]\w*)\Z")


class _Parser:
    def __init__(self, text: str, path: str) -> None:
        self._lines = text.split("\n")
        self._path = path
        self._at = 0
        self._header: dict[str, Any] = {}
        self._replies: list[Reply] = []
        """The block that is being read."""
        self._blocks: dict[str, list[Reply]] = {"": self._replies}
        self._reply: Reply | None = None

    def parse(self) -> Script:
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip("\r")
            self._at += 1
            if line.strip() == "---":
                self._end_reply()
            elif line.strip() and not line.lstrip().startswith("#"):
                self._directive(*line.strip().partition(" ")[::2])
        self._end_reply()
        if not any(self._blocks.values()):
            raise self._mistake("the script has no replies; `say TEXT` makes one")
        main, agent, summary = (tuple(self._blocks.get(name, ())) for name in ("", "agent", "summary"))
        return Script(self._facts(), main, agent, summary)

    def _end_reply(self) -> None:
        reply, self._reply = self._reply, None
        if reply is None:
            return
        if len(reply.attempts) > 1 and reply.attempts[-1] == Attempt():
            reply.attempts.pop()
        self._replies.append(reply)

    def _directive(self, word: str, rest: str) -> None:
        number = self._at
        try:
            if word in _HEADS:
                self._head(word, rest)
            elif word == "for":
                self._block(rest.strip())
            elif word == "repeat":
                self._repeat(rest.strip())
            else:
                self._body(word, rest)
        except ValueError:
            raise self._mistake(f"`{word}` is written {_USAGE[word]}", number) from None

    def _head(self, word: str, rest: str) -> None:
        if len(self._blocks) > 1 or self._replies or self._reply is not None:
            raise self._mistake(f"`{word}` stands before the first reply")
        self._header[word] = _HEADS[word](rest)

    def _block(self, name: str) -> None:
        if self._reply is not None:
            raise self._mistake("`for` stands before the first reply of its block")
        if name not in ("agent", "summary"):
            raise ValueError(name)
        self._replies = self._blocks.setdefault(name, [])

    def _repeat(self, rest: str) -> None:
        if self._reply is not None:
            raise self._mistake("`repeat` stands at the start of its reply")
        times = 0 if rest == "forever" else _count(rest)
        self._reply = Reply([Attempt()], times)

    def _body(self, word: str, rest: str) -> None:
        if word not in _USAGE:
            raise self._mistake(f"there is no directive `{word}`; there are {', '.join(_USAGE)}")
        if self._reply is None:
            self._reply = Reply([Attempt()])
        attempt = self._reply.attempts[-1]
        match word:
            case "say":
                attempt.lines.append(Say(self._text(rest)))
            case "think":
                attempt.lines.append(Think(self._text(rest)))
            case "call":
                name, _, arguments = rest.strip().partition(" ")
                if not name:
                    raise ValueError(word)
                attempt.lines.append(Call(name, self._text(arguments.strip())))
            case "usage":
                attempt.lines.append(Tokens(_usage(rest)))
            case "delay":
                attempt.lines.append(Delay(_seconds(rest)))
            case "pace":
                attempt.lines.append(Pace(_seconds(rest)))
            case "stop":
                attempt.stop = _stop(rest.strip())
            case "error":
                self._fail(_failure(rest.strip()))
            case "cut":
                self._fail(_CUT)

    def _fail(self, failure: Failure) -> None:
        """Ends this attempt; what follows is the next one."""
        assert self._reply is not None
        self._reply.attempts[-1].error = failure
        self._reply.attempts.append(Attempt())

    def _text(self, rest: str) -> str:
        """The rest of the line, or the lines up to the word after ``<<``."""
        heredoc = _HEREDOC.match(rest.strip())
        if not heredoc:
            return rest
        started = self._at
        lines: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip("\r")
            self._at += 1
            if line.strip() == heredoc[1]:
                return "\n".join(lines)
            lines.append(line)
        raise self._mistake(f"<<{heredoc[1]} has no line {heredoc[1]} that ends it", started)

    def _facts(self) -> ModelFacts:
        window = self._header.get("window", WINDOW)
        price = self._header.get("price")
        return ModelFacts(
            provider="scripted",
            id=self._path,
            context_window=window,
            max_output=self._header.get("max_output", min(MAX_OUTPUT, max(1, window // 4))),
            prices=msgspec.convert(price, Prices) if price else None,
            edit_format=self._header.get("edit", "replace"),
        )

    def _mistake(self, what: str, line: int | None = None) -> SettingsError:
        return SettingsError(f"{self._path}, line {line or self._at}: {what}.")


_USAGE = {
    "say": "`say TEXT`, or `say <<END` with the text on the next lines and END on its own line",
    "think": "`think TEXT`, or `think <<END` with the text on the next lines and END on its own line",
    "call": '`call NAME {"argument": "value"}`, or `call NAME <<END` with the arguments on the next lines',
    "usage": "`usage input=100 output=20 cache_read=5 cache_write=0`, in any part",
    "delay": "`delay SECONDS`",
    "pace": "`pace SECONDS`",
    "stop": "`stop end`, `stop tools`, `stop length` or `stop refused`",
    "error": f"`error KIND_OR_STATUS MESSAGE` or `error KIND_OR_STATUS retry_after=SECONDS MESSAGE`; "
    f"a kind is one of {', '.join(_ERROR_KINDS)}",
    "cut": "`cut`",
    "repeat": "`repeat NUMBER` or `repeat forever`",
    "for": "`for agent` or `for summary`",
    "window": "`window TOKENS`",
    "max_output": "`max_output TOKENS`",
    "price": "`price input=3 output=15 cache_read=0.3 cache_write=3.75`",
    "edit": "`edit replace` or `edit patch`",
}


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise ValueError(text)
    return count


def _positive(text: str) -> float:
    if not 0 <= (number := float(text)) < float("inf"):
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    if (seconds := _positive(text)) > 3_600:
        raise ValueError(text)
    return seconds


def _pairs(text: str) -> dict[str, float]:
    pairs = {key: _positive(value) for key, value in (pair.split("=") for pair in text.split())}
    if set(pairs) != {"input", "output", "cache_read", "cache_write"}:
        raise ValueError(text)
    return pairs


def _edit_format(text: str) -> EditFormat:
    return cast("EditFormat", msgspec.convert(text.strip(), EditFormat))


_HEADS: dict[str, Callable[[str], object]] = {
    "window": _count,
    "max_output": _count,
    "price": _pairs,
    "edit": _edit_format,
}
"""What stands before the first reply, and how its value is read. Raises ``ValueError`` for a wrong one."""


def _usage(text: str) -> Usage:
    counts = {f"{key}_tokens": int(value) for key, value in (pair.split("=") for pair in text.split())}
    if not counts or not set(counts) <= set(Usage.__struct_fields__) or min(counts.values()) < 0:
        raise ValueError(text)
    return Usage(**counts)


def _stop(text: str) -> StopReason:
    if text not in _STOPS:
        raise ValueError(text)
    return cast("StopReason", text)


def _failure(text: str) -> Failure:
    what, _, message = text.partition(" ")
    retry_after = None
    if message.startswith("retry_after="):
        wait, _, message = message.partition(" ")
        retry_after = _positive(wait.removeprefix("retry_after="))
    if what in _ERROR_KINDS:
        return Failure(cast("ProviderErrorKind", what), message or what, None, retry_after)
    status = int(what)
    if not 400 <= status <= 599:
        raise ValueError(text)
    return Failure(kind_of(status, "", message), message or f"status {status}", status, retry_after)
