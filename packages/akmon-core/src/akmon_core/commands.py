"""What a client may ask of a session."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from akmon_core.messages import Image
from akmon_core.permissions import Mode

Answered: TypeAlias = Literal["once", "session", "writes", "deny"]


class Prompt(msgspec.Struct, frozen=True, tag="prompt", omit_defaults=True):
    """Starts a turn, or waits for the running one to end."""

    text: str
    images: tuple[Image, ...] = ()


class Steer(msgspec.Struct, frozen=True, tag="steer"):
    """Says something to the running turn; without one it starts a turn."""

    text: str


class Answer(msgspec.Struct, frozen=True, tag="answer", omit_defaults=True):
    """Answers a ``PermissionAsked``: allow once, for the session, all writes of the session, or deny."""

    call_id: str
    answer: Answered
    message: str = ""
    """What to tell the model with a denial."""


class Interrupt(msgspec.Struct, frozen=True, tag="interrupt"):
    """Stops the running turn at once, and drops the prompts that wait behind it."""


class SetMode(msgspec.Struct, frozen=True, tag="set_mode"):
    """Changes what calls may do without asking, from the next one on."""

    mode: Mode


Command: TypeAlias = Prompt | Steer | Answer | Interrupt | SetMode
