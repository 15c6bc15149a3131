"""The estimate of tokens against recorded sessions: see tools/record_tokens.py for who counted them."""

from __future__ import annotations

import base64
import random
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User
from akmon_core.tokens import CALL, IMAGE, MESSAGE, WHOLE, Gauge, weigh, weigh_text, weigh_tools
from akmon_core.tools import ToolSpec

RECORDED = Path(__file__).parent / "recorded"
SESSIONS = ("data", "international", "long_work", "operations", "refactoring", "web")
TOKENIZERS = ("o200k", "claude", "mistral")
TOLERANCE = 0.1


class Spoken(msgspec.Struct, frozen=True):
    kind: str
    tokens: int
    message: Message


class Request(msgspec.Struct, frozen=True):
    messages: tuple[int, ...]
    reported: dict[str, int]


class Session(msgspec.Struct, frozen=True):
    messages: tuple[Spoken, ...]
    requests: tuple[Request, ...]


class Prefix(msgspec.Struct, frozen=True):
    system: str
    tools: tuple[ToolSpec, ...]


@cache
def session(name: str) -> Session:
    return msgspec.json.decode((RECORDED / f"{name}.json").read_bytes(), type=Session)


@cache
def prefix_weight() -> int:
    prefix = msgspec.json.decode((RECORDED / "prefix.json").read_bytes(), type=Prefix)
    return weigh_text(prefix.system) + weigh_tools(prefix.tools)


def prompt_weights(recorded: Session) -> list[int]:
    weights = [weigh(spoken.message) for spoken in recorded.messages]
    return [prefix_weight() + sum(weights[at] for at in request.messages) for request in recorded.requests]


def text_of(message: Message) -> str:
    match message:
        case User():
            return message.text
        case Assistant():
            return message.text + "".join(call.arguments for call in message.calls)
        case ToolResult(text=text):
            return text


def off(estimate: float, counted: float) -> float:
    return estimate / counted - 1


# --- against tokenizers


def test_every_kind_of_text_is_within_a_tenth_of_what_o200k_counts() -> None:
    estimated, counted = Counter[str](), Counter[str]()
    for name in SESSIONS:
        for spoken in session(name).messages:
            estimated[spoken.kind] += weigh_text(text_of(spoken.message))
            counted[spoken.kind] += spoken.tokens
    figures = {kind: off(estimated[kind], counted[kind]) for kind in counted}
    for kind, figure in sorted(figures.items(), key=lambda item: item[1]):
        print(f"{kind:16} {counted[kind]:7,} tokens {figure:+.1%}")
    assert {kind: figure for kind, figure in figures.items() if abs(figure) > TOLERANCE} == {}


def test_every_long_text_is_within_a_fifth_of_what_o200k_counts() -> None:
    long = [spoken for name in SESSIONS for spoken in session(name).messages if spoken.tokens >= 300]
    figures = [(off(weigh_text(text_of(one.message)), one.tokens), one.kind) for one in long]
    print(f"{len(long)} texts, from {min(figures)} to {max(figures)}")
    assert [figure for figure in figures if abs(figure[0]) > 2 * TOLERANCE] == []


@pytest.mark.parametrize("name", SESSIONS)
def test_the_first_prompt_is_within_a_tenth_before_anything_was_reported(name: str) -> None:
    recorded = session(name)
    estimate = Gauge().tokens(prompt_weights(recorded)[0])
    assert abs(off(estimate, recorded.requests[0].reported["o200k"])) <= TOLERANCE


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize("name", SESSIONS)
def test_every_later_prompt_is_within_a_tenth_of_what_the_provider_reports(name: str, tokenizer: str) -> None:
    recorded = session(name)
    weights = prompt_weights(recorded)
    counts = [request.reported[tokenizer] for request in recorded.requests]
    figures = [
        off(Gauge(reported=counts[at - 1], weighed=weights[at - 1]).tokens(weights[at]), counts[at])
        for at in range(1, len(counts))
    ]
    print(f"{name:14} {tokenizer:8} {min(figures):+.1%} to {max(figures):+.1%}")
    assert max(map(abs, figures)) <= TOLERANCE


def test_base64_and_hashes_are_not_taken_for_words() -> None:
    """About 1.5 characters to a token (o200k); a count of bytes / 4 would be less than half of that."""
    blob = base64.b64encode(random.Random(5).randbytes(3_000)).decode()
    assert 1.3 < len(blob) / weigh_text(blob) < 1.7
    digest = random.Random(6).randbytes(2_000).hex()
    assert 1.5 < len(digest) / weigh_text(digest) < 2.0


def test_one_word_and_one_ideograph_are_a_token() -> None:
    assert [weigh_text(text) for text in ("", "word", " word", "漢", "42", "\n", "        ", "!=")] == [
        0, 1, 1, 1, 1, 1, 1, 1
    ]  # fmt: skip


# --- any text

PIECES = (
    *("a word", "CamelCase", "snake_case", " ", "    ", "\n", "\r\n", "\t", "0", "1234", "\\n", "===", "}])"),
    *("漢字", "かな", "한글", "слово", "é", "ą", "🎉", "👩‍💻", "𠀀", "\U0010ffff", "\ud800", "\x00"),
    *("\x1b[32m", '":{"', "dGVzdA0", "0c", "A"),
)  # fmt: skip
pieces = st.sampled_from(PIECES)
texts = st.one_of(st.text(max_size=400), st.lists(pieces, max_size=60).map("".join))


@given(texts)
def test_any_text_has_a_weight_of_hardly_more_than_its_bytes(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    assert bool(text) <= weigh_text(text) <= 1.1 * size + 1
    assert weigh_text(text) == weigh_text(text)


@given(texts, texts)
def test_two_texts_weigh_together_what_they_weigh_apart_but_for_the_seam(one: str, other: str) -> None:
    apart = weigh_text(one) + weigh_text(other)
    assert abs(weigh_text(one + other) - apart) <= 3 + 0.15 * apart


@given(st.lists(pieces, min_size=1, max_size=40).map("".join), st.integers(1, 5))
def test_a_long_text_is_measured_by_samples_about_as_heavy_as_all_of_it(text: str, times: int) -> None:
    part = (text * (WHOLE // len(text) + 1))[:WHOLE]
    assert weigh_text(part * (times + 1)) == pytest.approx(weigh_text(part) * (times + 1), rel=0.1)


# --- messages


def test_a_message_weighs_what_is_sent_of_it() -> None:
    text, arguments = "Some words to say.", '{"path":"src/main.py"}'
    assert weigh(User((Text(text),))) == MESSAGE + weigh_text(text)
    assert weigh(User((Image("image/png", "A" * 100_000),))) == MESSAGE + IMAGE
    assert weigh(Assistant((Text(text), ToolCall("1", "read", arguments)))) == (
        MESSAGE + weigh_text(text) + CALL + weigh_text("read") + weigh_text(arguments)
    )
    result = ToolResult("1", text, images=(Image("image/png", "A" * 100_000),))
    assert weigh(result) == MESSAGE + CALL + weigh_text(text) + IMAGE


def test_reasoning_weighs_its_text_and_if_it_is_encrypted_about_a_quarter_of_its_bytes() -> None:
    shown, sealed = "First I look at the file, then at its callers.", "Q" * 8_000
    assert weigh(Assistant((Thinking(shown, "c2lnbmF0dXJl"),))) == MESSAGE + weigh_text(shown)
    assert weigh(Assistant((Thinking("", sealed, redacted=True),))) == pytest.approx(6_000 / 4, rel=0.15)
    assert weigh(Assistant((Thinking(shown, sealed),))) == weigh(Assistant((Thinking("", sealed),)))


def test_tools_weigh_their_descriptions_and_schemas() -> None:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    bare, told = ToolSpec("read", "", schema), ToolSpec("read", "Reads a file and gives its lines.", schema)
    assert weigh_tools(()) == 0
    assert weigh_tools([told]) - weigh_tools([bare]) == weigh_text(told.description)
    assert weigh_tools([bare, told]) == weigh_tools([bare]) + weigh_tools([told])


# --- the gauge

counts = st.integers(0, 2_000_000)


def test_without_a_report_a_prompt_is_what_it_weighs() -> None:
    assert Gauge().tokens(1_234) == 1_234
    assert Gauge().ratio == Gauge(reported=500).ratio == 1.0


def test_what_is_added_counts_at_the_rate_of_the_last_prompt() -> None:
    gauge = Gauge(reported=15_000, weighed=10_000)
    assert gauge.ratio == 1.5
    assert gauge.tokens(10_000) == 15_000
    assert gauge.tokens(12_000) == 18_000
    assert gauge.tokens(5_000) == 7_500


@given(counts, counts, counts, counts)
def test_a_gauge_never_gives_less_than_nothing_and_a_heavier_prompt_never_fewer_tokens(
    reported: int, weighed: int, now: int, more: int
) -> None:
    gauge = Gauge(reported, weighed)
    assert 0 <= gauge.tokens(now) <= gauge.tokens(now + more)
    assert 0.5 <= gauge.ratio <= 3
    assert bool(now) <= bool(gauge.tokens(now) or reported * now < weighed)


@given(st.integers(1, 2_000_000), st.integers(1, 2_000_000))
def test_the_same_prompt_is_what_was_reported(reported: int, weighed: int) -> None:
    assert Gauge(reported, weighed).tokens(weighed) == reported
