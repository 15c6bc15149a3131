"""What a tool is: a name, a description, arguments, the effects of a call, and running it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

import msgspec

from akmon_core.errors import ArgumentsError, ToolError
from akmon_core.messages import Image, Pin, ToolCall

EffectKind: TypeAlias = Literal["read", "write", "run", "fetch", "remember", "ask", "call"]


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a call would do, judged before it happens.

    ``target`` is a path for ``read`` and ``write``, a command line for ``run``, a URL for ``fetch``, the name
    of a note for ``remember``, and for ``call`` what a server of others is asked to do, and where it is.
    """

    kind: EffectKind
    target: str
    folder: str = ""
    """Of a command that is allowed for longer: where it was to be run; elsewhere it means another thing."""
    claims_to_read: bool = False
    """Of a ``call``: the server says that it only reads, for which nobody vouches."""


class DiffView(msgspec.Struct, frozen=True, tag="diff"):
    """A change to a file, as the lines of a unified diff."""

    path: str
    diff: str
    added: int
    removed: int


class TextView(msgspec.Struct, frozen=True, tag="text"):
    """Text for people, where it should differ from what the model reads."""

    text: str


View: TypeAlias = DiffView | TextView


class FileSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """The content of a file as a call left or found it."""

    path: str
    """Canonical path."""
    sha256: str
    written: bool = False


class ToolOutput(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a call, for three audiences: the model, the person, the record."""

    text: str
    """What the model reads."""
    error: bool = False
    images: tuple[Image, ...] = ()
    view: View | None = None
    """What the person sees, as data; None shows ``summary``."""
    summary: str = ""
    """One line for the record, such as ``47 lines written``."""
    files: tuple[FileSeen, ...] = ()
    pins: tuple[Pin, ...] = ()
    """What stays in the conversation from now on, or no longer does."""
    untrusted: str = ""
    """Where the text came from, if anybody may have written it, such as ``web``: the model is told that it is
    data, and the session is tainted."""


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work for a sub-agent, which knows nothing else."""

    task: str
    title: str
    """A few words for people."""
    reads_only: bool = False


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool as a model is told of it. ``parameters`` is a JSON Schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]


def _no_records(_record: int) -> str | None:
    return None


def _unkept(_planned: Mapping[str, str | None]) -> None:
    """Where nothing is kept."""


async def _nobody(_question: str, _options: tuple[str, ...]) -> str:
    raise ToolError("nobody can be asked here")


Delegate: TypeAlias = Callable[["Delegation"], Awaitable["ToolOutput"]]


async def no_agents(_delegation: Delegation) -> ToolOutput:
    """For an agent that may not have others work for it."""
    raise ToolError("there are no sub-agents here")


class ToolContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a running call may know and do besides its arguments."""

    call_id: str
    files: Mapping[str, str]
    """SHA-256 by canonical path, of every file's content as this session last saw it."""
    progress: Callable[[str], None]
    """Shows output while the call still runs."""
    recall: Callable[[int], str | None] = _no_records
    """The text that a record of the session's journal holds for the model; None if there is none."""
    ask: Callable[[str, tuple[str, ...]], Awaitable[str]] = _nobody
    """Puts a question to the person, with answers to choose from; gives what the person said."""
    changing: Callable[[Mapping[str, str | None]], None] = _unkept
    """To be called right before files are changed by other means than a command, with the SHA-256 that each
    will have, by canonical path; None removes it. Keeps what they are now. Raises ``ToolError``."""
    agent: str = ""
    """The path of the sub-agent that calls; empty is the main agent."""
    delegate: Delegate = no_agents
    """Has a sub-agent do something and gives its answer. Raises ``ToolError``."""


ArgumentsT = TypeVar("ArgumentsT", bound=msgspec.Struct)


class Tool(Protocol[ArgumentsT]):
    """Something that a model can use.

    ``arguments`` is a msgspec Struct: its JSON schema is what the model is told, and it checks what
    the model sends. ``effects`` is pure. ``run`` raises ``ToolError`` for a failure that the model
    should read; it must leave nothing running when it is cancelled.
    """

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def arguments(self) -> type[ArgumentsT]: ...

    def effects(self, arguments: ArgumentsT) -> tuple[Effect, ...]: ...

    async def run(self, arguments: ArgumentsT, context: ToolContext) -> ToolOutput: ...


AnyTool: TypeAlias = Tool[Any]


@runtime_checkable
class Previewing(Protocol):
    """A tool that can show what a call would change, for the person who is asked to allow it."""

    def preview(self, arguments: Any, context: ToolContext) -> View | None:
        """Reads, changes nothing, and gives None where there is nothing to show."""
        ...


@runtime_checkable
class Lasting(Protocol):
    """A tool whose calls may leave something running, such as commands in the background."""

    @property
    def busy(self) -> bool:
        """Whether anything of that runs now."""
        ...


@runtime_checkable
class Standing(Protocol):
    """A tool whose calls start in a folder that earlier calls have left."""

    def folder(self, agent: str) -> str:
        """Where the next call of ``agent`` starts: an absolute path."""
        ...


@runtime_checkable
class Contained(Protocol):
    """A tool that runs commands."""

    @property
    def sandbox(self) -> str:
        """What holds them in (see ``akmon_core.permissions.Sandboxing``)."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A tool that holds something, such as commands that still run, until the session is closed."""

    async def close(self) -> None: ...


@runtime_checkable
class Attending(Protocol):
    """A tool that prepares itself beside the conversation, such as an index of the files."""

    def attend(self) -> None:
        """Told when a session begins and when a turn has ended; returns at once."""
        ...


@runtime_checkable
class Described(Protocol):
    """A tool whose arguments are described by a JSON schema of somebody else instead of a struct."""

    @property
    def spec(self) -> ToolSpec:
        """What a model is told of it; its schema is one that every provider takes."""
        ...

    def parse(self, arguments: str) -> Any:
        """What ``effects`` and ``run`` take, from the JSON text of a model. Raises ``ArgumentsError``."""
        ...


@runtime_checkable
class Served(Protocol):
    """A tool that a server of others carries out."""

    @property
    def server(self) -> str:
        """Which one, for the record: its name, where it is, and what it says of itself."""
        ...


@runtime_checkable
class Relaying(Protocol):
    """A tool whose calls mean calls of other tools, by which they are judged."""

    def relayed(self, arguments: Any) -> tuple[AnyTool, Any]:
        """The tool that is meant, and its arguments. Raises ``ArgumentsError``."""
        ...


def tool_spec(tool: AnyTool) -> ToolSpec:
    """What a model is told of ``tool``: its schema is that of its argument struct, without references."""
    if isinstance(tool, Described):
        return tool.spec
    (schema,), components = msgspec.json.schema_components((tool.arguments,))
    parameters = _inline(schema, components)
    parameters.pop("title", None)
    parameters.pop("description", None)
    return ToolSpec(name=tool.name, description=tool.description, parameters=parameters)


def _inline(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline(item, components) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        meant = _inline(components[schema["$ref"].rsplit("/", 1)[-1]], components)
        return {**meant, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {key: _inline(value, components) for key, value in schema.items()}


def parse_arguments(tool: AnyTool, call: ToolCall) -> Any:
    """The arguments of ``call`` as the tool's struct.

    Raises ``ArgumentsError`` with what is wrong and what the tool expects, for the model to correct.
    """
    if isinstance(tool, Described):
        return tool.parse(call.arguments)
    try:
        return msgspec.json.decode(call.arguments or "{}", type=tool.arguments)
    except msgspec.ValidationError as error:
        fields = ", ".join(tool.arguments.__struct_encode_fields__)
        wrong = str(error).removesuffix(".")
        raise ArgumentsError(f"{call.name}: {wrong}. Its arguments are: {fields}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ArgumentsError(
            f"{call.name}: the arguments are not valid JSON ({error}). "
            "Nothing was done; send the call again whole."
        ) from None
