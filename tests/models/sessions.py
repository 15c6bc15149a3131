"""A session that grows, to prove that what was sent once is sent the same again."""

from __future__ import annotations

import msgspec

from akmon_core.messages import Assistant, Image, Message, Text, Thinking, ToolCall, ToolResult, User

HI = User((Text("hi"),))
IMAGE = Image("image/png", "aGk=")


def _step(number: int, origin: str) -> list[Message]:
    """One step of a session: each tenth of it has something of its own."""
    thought = Thinking(f"thought {number}", f"c2ln{number}", origin=origin)
    call = ToolCall(f"tu_{number}", "shell", f'{{"cmd":  "echo {number}"}}')
    match number % 10:
        case 1:
            return [Assistant((thought, call)), ToolResult(call.id, f"out {number}")]
        case 2:
            other = msgspec.structs.replace(call, id=f"other_{number}")
            results = (ToolResult(call.id, "1", images=(IMAGE,)), ToolResult(other.id, "2", error=True))
            return [Assistant((thought, Text("Both."), call, other)), *results]
        case 3:
            return [Assistant((Text("Done."),)), User((Text(f"next {number}"), IMAGE))]
        case 4:  # a steering message behind a result
            return [Assistant((call,)), ToolResult(call.id, "out"), User((Text("rather this"),))]
        case 5:  # a reply that cannot go back: what the user said next joins what was said before
            return [Assistant((Thinking("cut", origin=origin),), "length"), User((Text("go on"),))]
        case 6:
            return [User((Text(f"and {number}"),))]
        case 7:  # an id that was there before
            again = msgspec.structs.replace(call, id="call:0")
            return [Assistant((thought, again)), ToolResult(again.id, "")]
        case 8:
            redacted = Thinking("", f"ZW5j{number}", redacted=True, origin=origin)
            broken = msgspec.structs.replace(call, arguments="{oops")
            return [Assistant((redacted, broken)), ToolResult(broken.id, "no JSON", error=True)]
        case 9:
            return [Assistant((Text(""),), "interrupted"), User((Text(" "),))]
    return [Assistant((thought, Text(f"answer {number}"))), User((Text(f"question {number}"),))]


def growing_session(origin: str) -> list[tuple[Message, ...]]:
    """The histories of 30 consecutive requests, with thoughts of the protocol ``origin``."""
    history: list[Message] = [HI]
    requests = [tuple(history)]
    for number in range(1, 30):
        history += _step(number, origin)
        requests.append(tuple(history))
    return requests
