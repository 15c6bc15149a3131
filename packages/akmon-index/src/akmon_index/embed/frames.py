"""What akmon and the process of an embedder say to each other."""

from __future__ import annotations

from typing import IO, Any

import msgspec

from akmon_index.models import Choice
from akmon_index.values import ModelId

_LENGTH = 4


class Job(msgspec.Struct, frozen=True):
    """Which model is to be loaded: the first that the process is told. It answers ``Ready`` or ``Failed``."""

    choice: Choice
    download: bool


class Ask(msgspec.Struct, frozen=True):
    """Texts to embed. The process answers ``Vectors`` or ``Failed``."""

    texts: list[str]
    query: bool


class Ready(msgspec.Struct, frozen=True, tag=True):
    id: ModelId


class Vectors(msgspec.Struct, frozen=True, tag=True):
    data: bytes
    """Floats of 32 bits, row by row."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    text: str
    settings: bool = False
    """Whether the person has to set or install something."""


def write_frame(pipe: IO[bytes], value: object) -> None:
    """Raises ``OSError`` if nobody reads."""
    data = msgspec.msgpack.encode(value)
    pipe.write(len(data).to_bytes(_LENGTH, "little") + data)
    pipe.flush()


def read_frame(pipe: IO[bytes], type_: Any) -> Any:
    """The next value; None at the end, also within a frame."""
    head = pipe.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    data = pipe.read(int.from_bytes(head, "little"))
    if len(data) < int.from_bytes(head, "little"):
        return None
    return msgspec.msgpack.decode(data, type=type_)
