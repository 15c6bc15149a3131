"""What a client may ask of a session."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from akmon_core.messages import Image
from akmon_core.models import Effort
from akmon_core.permissions import Mode

Answered: TypeAlias = Literal["once", "session", "writes", "always", "deny"]


class Prompt(msgspec.Struct, frozen=True, tag="prompt", omit_defaults=True):
    """Starts a turn, or waits for the running one to end."""

    text: str
    images: tuple[Image, ...] = ()
    plan_first: bool = False
    """Has the planner model make a plan, which then is carried out."""


class Steer(msgspec.Struct, frozen=True, tag="steer"):
    """Says something to the running turn; without one it starts a turn."""

    text: str


class Answer(msgspec.Struct, frozen=True, tag="answer", omit_defaults=True):
    """Answers a ``PermissionAsked``: allow once, for the session, all its writes, always, or deny."""

    call_id: str
    answer: Answered
    message: str = ""
    """What to tell the model with a denial."""
    rule: str = ""
    """With ``always``: the rule to save, by default the one that was proposed."""
    agent: str = ""
    """Whose call it is: the ``agent`` of the question's envelope."""


class Respond(msgspec.Struct, frozen=True, tag="respond", omit_defaults=True):
    """Answers a ``QuestionAsked``. An empty text leaves it to the model."""

    call_id: str
    text: str
    agent: str = ""
    """Whose call it is: the ``agent`` of the question's envelope."""


class Interrupt(msgspec.Struct, frozen=True, tag="interrupt"):
    """Stops the running turn at once, and drops the prompts that wait behind it."""


class SetMode(msgspec.Struct, frozen=True, tag="set_mode"):
    """Changes what calls may do without asking, from the next one on."""

    mode: Mode


class Compact(msgspec.Struct, frozen=True, tag="compact", omit_defaults=True):
    """Shortens the conversation by a summary, as soon as no turn runs."""

    hint: str = ""
    """What the summary should not lose."""


class Implement(msgspec.Struct, frozen=True, tag="implement", omit_defaults=True):
    """Starts a turn that carries out a plan: the one in the file ``path``, or the last one of the session."""

    path: str = ""
    mode: Mode = "default"
    """The mode from then on, as plan mode only reads."""


class Rewind(msgspec.Struct, frozen=True, tag="rewind", omit_defaults=True):
    """Takes back what happened from a prompt, or from an earlier rewind, on, as soon as no turn runs."""

    to: int
    """The number of its record (``Mark.record`` in ``State.marks``)."""
    what: Literal["both", "files", "conversation"] = "both"
    conflicts: Literal["ask", "keep", "overwrite"] = "ask"
    """What becomes of files that someone else has changed meanwhile; kept where nobody can be asked."""


class ChooseModel(msgspec.Struct, frozen=True, tag="choose_model", omit_defaults=True):
    """Has another model answer from the next turn on."""

    model: str
    """An id such as ``anthropic/claude-sonnet-5-5``; empty keeps the one that there is."""
    provider: str = ""
    effort: Effort | None = None
    """How much it may think; None keeps what there is."""


class RunCommand(msgspec.Struct, frozen=True, tag="run_command", omit_defaults=True):
    """Runs a command line of the person's own, as soon as no turn runs."""

    command: str
    hidden: bool = False
    """Whether the model is not to know of it."""


class Rename(msgspec.Struct, frozen=True, tag="rename"):
    """Gives the session a name, by which it can be resumed."""

    name: str


class UsePrompt(msgspec.Struct, frozen=True, tag="use_prompt", omit_defaults=True):
    """Starts a turn with a prompt that a server offers."""

    server: str
    name: str
    arguments: str = ""
    """As typed: words in the order of the prompt's arguments, quoted as in a shell, or ``name=value``."""


class ManageServer(msgspec.Struct, frozen=True, tag="manage_server", omit_defaults=True):
    """Does something about a server; a ``Noticed`` says what came of it."""

    server: str
    what: Literal["connect", "stop", "approve"]
    """``connect`` connects anew, ``stop`` lets go of it for this session, ``approve`` accepts what its tools
    say now of themselves."""
    seen: str = ""
    """With ``approve``: the ``ServerStatus.unapproved`` that was looked at; nothing else is accepted then."""


REWOUND = "rewind: "
"""Begins the text of the ``Noticed`` that is the last event of each ``Rewind``, and says what came of it."""


Command: TypeAlias = (
    Prompt
    | Steer
    | Answer
    | Respond
    | Interrupt
    | SetMode
    | Compact
    | Implement
    | Rewind
    | ChooseModel
    | RunCommand
    | Rename
    | UsePrompt
    | ManageServer
)
