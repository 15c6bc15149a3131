"""Cells: how a stream is written on the wire."""

from __future__ import annotations

from functools import partial

from akmon_core.limits import EVENT_BYTES
from akmon_core.stream import TextDelta
from tests.models.faults import Exchange
from tests.models.matrix.bench import Bench, check, done, nothing_made_up, said
from tests.models.matrix.cells.names import cell
from tests.models.matrix.formats.base import Event, with_new_fields
from tests.models.matrix.replies import FULL, LS, TEXT, Reply

DELTAS = 20_000
BRIEF = Reply(thinking=("ï",), text=("wörld ✓😀",), calls=(LS,), stop="tools")
SHORT = Reply(text=("wörld ✓😀",))


@cell("framings")
def framings(bench: Bench) -> None:
    for name, wire in bench.format.framings(bench.format.events(FULL)).items():
        middle = len(wire) // 2
        for parts in ([wire], [wire[:middle], wire[middle:]]):
            events, error = bench.read(parts)
            assert error is None, (name, error)
            check(bench, events, FULL)


@cell("byte by byte")
def byte_by_byte(bench: Bench) -> None:
    wire = b"".join(bench.format.stream(FULL))
    check(bench, bench.whole([bytes([byte]) for byte in wire]), FULL)


@cell("split at every byte")
def split_everywhere(bench: Bench) -> None:
    """Within characters, line ends, lengths and checksums."""
    framings = bench.format.framings(bench.format.events(SHORT)).values()
    wires = [(BRIEF, b"".join(bench.format.stream(BRIEF))), *((SHORT, wire) for wire in framings)]
    for reply, wire in wires:
        splits = [(wire[:at], wire[at:]) for at in range(1, len(wire))]
        for events, error in bench.fold([*splits, [bytes([byte]) for byte in wire]]):
            assert error is None, error
            check(bench, events, reply)


@cell("unknown events")
def unknown_events(bench: Bench) -> None:
    new = bench.format.frame(bench.format.unknown())
    frames = [part for frame in bench.format.stream(FULL) for part in (new, frame)]
    check(bench, bench.whole(frames), FULL)


@cell("unknown fields")
def unknown_fields(bench: Bench) -> None:
    events = bench.format.events(FULL)
    frames = [bench.format.frame(Event(with_new_fields(event.data), event.name)) for event in events]
    check(bench, bench.whole(frames), FULL)


@cell("duplicated events")
def duplicated(bench: Bench) -> None:
    """No call becomes another one, and nothing is counted twice."""
    frames = [copy for frame in bench.format.stream(FULL) for copy in (frame, frame)]
    events, error = bench.read(frames)
    if error is None:
        last = done(events)
        nothing_made_up(bench, last.message, FULL)
        assert last.usage == bench.format.counted(FULL.usage)


@cell("line separators of unicode")
def line_separators(bench: Bench) -> None:
    reply = Reply(text=("a\u2028b\u0085c\u2029d\x0be\x0cf\x1cg", "\r\n\t\u200b\ufeff"))
    check(bench, bench.whole(bench.format.stream(reply)), reply)


@cell("invalid utf-8")
def invalid_utf8(bench: Bench) -> None:
    """Replaced, or an error; never an exception of another kind, never a silent end."""
    wire = b"".join(bench.format.stream(TEXT)).replace("ö".encode(), b"\xff\xfe")
    events, error = bench.read(wire)
    if error is None:
        text = "".join(TEXT.text).replace("ö", "\ufffd\ufffd")
        assert done(events).message.text == said(events) == text
    else:
        assert error.kind == "protocol"


@cell("huge event")
def huge_event(bench: Bench) -> None:
    reply = Reply(text=("x" * (EVENT_BYTES + 1_000_000),))
    events, error = bench.outcome(lambda x: x.send(bench.format.stream(reply), bench.format.content_type))
    assert error is not None
    assert error.kind == "protocol"
    assert "larger than 8 MB" in str(error)
    assert said(events) == ""


@cell("empty deltas")
def empty_deltas(bench: Bench) -> None:
    """They cost next to nothing downstream: no event goes out for them."""
    reply = Reply(text=("a", *[""] * DELTAS, "b"))
    ((events, error),) = bench.fold([[b"".join(bench.format.stream(reply))]])
    assert error is None
    check(bench, events, reply)
    assert len(events) < 20
    assert all(event.text for event in events if isinstance(event, TextDelta))


@cell("garbage")
def garbage(bench: Bench) -> None:
    frames = bench.format.stream(TEXT)
    at = [event.says for event in bench.format.events(TEXT)].index(TEXT.text[-1]) + 1
    events, error = bench.read([*frames[:at], bench.format.garbage(), *frames[at:]])
    assert error is not None
    assert error.kind == "protocol"
    assert "oops" in str(error)
    assert said(events) == "".join(TEXT.text)


@cell("wrong content type")
def content_type(bench: Bench) -> None:
    for kind in ("text/html", "application/json", "text/plain; charset=latin-1"):
        events, error = bench.outcome(partial(Exchange.send, parts=bench.format.stream(FULL), kind=kind))
        assert error is None, error
        check(bench, events, FULL)
