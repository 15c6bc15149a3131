"""Cells: where a stream breaks off. It never ends in silence, and what was said before is passed on."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import partial

from akmon_core.errors import ProviderError
from akmon_core.stream import StreamEvent
from tests.models.faults import Exchange
from tests.models.matrix.bench import Bench, check_calls, done, said
from tests.models.matrix.cells.names import cell
from tests.models.matrix.replies import FULL, TEXT

BROKEN = ("protocol", "connection", "server")


def check_cut(bench: Bench, events: Sequence[StreamEvent], error: ProviderError | None, cut: int) -> None:
    """Bytes up to ``cut`` give all the text in them, and the whole reply only if they hold its end."""
    start, texts, ended = 0, [""], False
    for event in bench.format.events(FULL):
        start += len(bench.format.frame(event))
        if start - 2 > cut:  # the end of an event's last line may come with the next
            break
        texts.append(texts[-1] + event.says)
        ended = ended or bench.format.ends(event)
    assert said(events) in texts[-2:], (cut, said(events), texts[-1])
    if error is None:
        assert ended, cut
        last = done(events)
        assert last.message.text == "".join(FULL.text)
        assert last.message.stop == FULL.stop
        check_calls(bench, last.message.calls, FULL)
    else:
        assert error.kind in BROKEN, error
        assert error.retryable


@cell("cut at every byte")
def cut_everywhere(bench: Bench) -> None:
    wire = b"".join(bench.format.stream(FULL))
    for cut, (events, error) in enumerate(bench.fold([wire[:cut]] for cut in range(len(wire) + 1))):
        check_cut(bench, events, error, cut)
    assert error is None


@cell("cut on a socket")
def cut_on_a_socket(bench: Bench) -> None:
    """By an end, a reset, a chunk that does not come, and a length that is not reached."""
    wire = b"".join(bench.format.stream(FULL))
    kind = bench.format.content_type

    def end(start: bytes, x: Exchange) -> None:
        x.send([start], kind)

    def chunked(start: bytes, x: Exchange) -> None:
        x.head(200, kind, transfer_encoding="chunked")
        x.socket.sendall(b"%x\r\n%s\r\n" % (len(start), start))

    def short(start: bytes, x: Exchange) -> None:
        x.head(200, kind, content_length=len(wire) + 100)
        x.socket.sendall(start)

    for way in (end, chunked, short):
        for cut in range(1, len(wire), len(wire) // 5):
            events, error = bench.outcome(partial(way, wire[:cut]))
            check_cut(bench, events, error, cut)


@cell("no end")
def no_end(bench: Bench) -> None:
    """All of the reply came, but nothing that says so."""
    events = bench.format.events(FULL)
    frames = [bench.format.frame(event) for event in events if not bench.format.ends(event)]
    told, error = bench.read(frames)
    assert error is not None
    assert error.kind == "protocol"
    assert error.retryable
    assert said(told) == "".join(FULL.text)


@cell("errors in mid-stream")
def errors(bench: Bench) -> None:
    frames = bench.format.stream(TEXT)
    says = [event.says for event in bench.format.events(TEXT)]
    at = says.index(TEXT.text[-1])
    for problem in bench.format.errors():
        events, error = bench.read([*frames[:at], problem.wire])
        assert error is not None, problem.name
        assert error.kind == problem.kind, (problem.name, error)
        assert said(events) == "".join(TEXT.text[:-1])
        events, error = bench.read([problem.wire])
        assert error is not None, problem.name
        assert error.kind == problem.kind, (problem.name, error)


@cell("damaged compression")
def compression(bench: Bench) -> None:
    packed = gzip.compress(b"".join(bench.format.stream(FULL)))

    def half(x: Exchange) -> None:
        x.head(200, bench.format.content_type, content_encoding="gzip")
        x.socket.sendall(packed[: len(packed) // 2])

    def none(x: Exchange) -> None:
        x.head(200, bench.format.content_type, content_encoding="gzip")
        x.socket.sendall(b"this is not compressed")

    for part in (half, none):
        _, error = bench.outcome(part)
        assert error is not None
        assert error.kind in BROKEN
