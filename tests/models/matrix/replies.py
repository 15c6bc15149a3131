"""What a model says, in no protocol: each wire format writes the same replies in its own way."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from akmon_core.messages import StopReason
from akmon_core.stream import Usage

Stop: TypeAlias = Literal["end", "tools", "length", "refused"]
Indexes: TypeAlias = Literal["right", "none", "same"]

SIGNATURE = "c2lnbmVkIGJ5IHRoZSBzZXJ2ZXI="
USAGE = Usage(input_tokens=10, output_tokens=25, cache_read_tokens=4, cache_write_tokens=3)
COST = 0.0123


class Call(msgspec.Struct, frozen=True):
    """``id`` empty: the server sends none."""

    id: str
    name: str
    pieces: tuple[str, ...]

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    thinking: tuple[str, ...] = ()
    signature: str = SIGNATURE
    """Of the thinking; empty if it was cut before its proof came."""
    text: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    stop: Stop = "end"
    usage: Usage = USAGE

    @property
    def stop_reason(self) -> StopReason:
        return self.stop


LS = Call("call_1", "shell", ('{"cmd":', ' "ls', ' ö"}'))
PWD = Call("call_2", "shell", ('{"cmd"', ': "pwd"}'))
TEXT = Reply(text=("Hel", "lo ", "wörld ✓ 😀"))
ONE_CALL = Reply(text=("I look.",), calls=(LS,), stop="tools")
PARALLEL = Reply(calls=(LS, PWD), stop="tools")
FULL = Reply(
    thinking=("First ", "I thïnk."), text=("Hel", "lo ", "wörld ✓ 😀"), calls=(LS, PWD), stop="tools"
)
"""Everything that a reply can hold."""
