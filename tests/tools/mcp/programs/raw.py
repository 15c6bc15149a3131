"""A server of the handshake's time, without the SDK, that misbehaves as its arguments or its tools say."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

MODE = set(sys.argv[1:])
TOOLS = ["echo"]
CANCELLED: list[Any] = []
CALLS: list[Any] = []
WAITING: dict[Any, Any] = {}
"""By the id of a request of ours: the id of the call that its answer ends."""
OUT = sys.stdout.buffer
LOCK = threading.Lock()


def send(**message: Any) -> None:
    with LOCK:
        OUT.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        OUT.flush()


def text(number: Any, words: str) -> None:
    send(id=number, result={"content": [{"type": "text", "text": words}]})


def ask(number: Any, method: str, params: dict[str, Any] | None = None) -> None:
    own = f"own-{number}"
    WAITING[own] = number
    send(id=own, method=method, **({"params": params} if params else {}))


def handle(message: dict[str, Any]) -> None:
    number, method = message.get("id"), message.get("method")
    if method is None:
        if number in WAITING:
            text(WAITING.pop(number), json.dumps(message.get("result") or message.get("error")))
    elif method == "server/discover":
        if "ends-when-probed" in MODE:
            os._exit(4)
        if "nonsense-when-probed" in MODE:
            OUT.write(b"what is that?\n" * 200)
            OUT.flush()
        send(id=number, error={"code": -32601, "message": "Method not found"})
    elif method == "initialize":
        initialize(number)
    elif method == "tools/list":
        listed = [tool(name) for name in TOOLS]
        if "twice" in MODE:
            listed += [tool("echo"), tool("bad\x1b[2Jname"), tool("n" * 300)]
        if "endless-pages" in MODE:
            send(id=number, result={"tools": [tool(f"t{time.monotonic_ns()}")], "nextCursor": "more"})
        else:
            send(id=number, result={"tools": listed})
    elif method == "notifications/cancelled":
        CANCELLED.append(message["params"]["requestId"])
    elif method == "tools/call":
        call(number, message["params"]["name"], message["params"])
    elif number is not None:
        send(id=number, error={"code": -32601, "message": f"no {method}"})


def tool(name: str) -> dict[str, Any]:
    large = "large" in MODE
    return {
        "name": name,
        "description": "\x1b[31mred\x1b[0m " + ("long " * 1000 if large else "\u202ename"),
        "inputSchema": {
            "type": "object",
            "properties": {f"p{at}": {"type": "string"} for at in range(5000 if large else 1)},
        },
        "annotations": {"readOnlyHint": True, "title": "a\x07b"},
    }


def initialize(number: Any) -> None:
    if "hangs-at-start" in MODE:
        return
    version = "1999-01-01" if "lies" in MODE else "2025-06-18"
    result = {
        "protocolVersion": version,
        "capabilities": {"tools": {"listChanged": True}},
        "serverInfo": {"name": "raw\x1b[31m", "version": "0.1"},
    }
    send(id=number, result=result)
    if "dies-soon" in MODE:
        threading.Timer(0.3, os._exit, [5]).start()


def call(number: Any, name: str, params: dict[str, Any]) -> None:
    arguments = params.get("arguments") or {}
    match name:
        case "echo":
            text(number, arguments.get("text", ""))
        case "env":
            text(number, json.dumps(dict(os.environ)))
        case "cwd":
            text(number, os.getcwd())  # noqa: PTH109
        case "cancelled":
            text(number, json.dumps(CANCELLED))
        case "hang":
            pass
        case "die":
            print("goodbye", file=sys.stderr, flush=True)
            os._exit(3)
        case "terminated":
            CALLS.append(number)
            send(id=number, error={"code": -32600, "message": "Session terminated"})
        case "calls":
            text(number, str(len(CALLS)))
        case "refuse":
            send(id=number, error={"code": -32000, "message": "no \x1b[2Jway"})
        case "invalid":
            send(id=number, result={"content": 5})
        case "wrong-id":
            send(id=10_000, result={"content": []})
            send(id=None, error={"code": 1, "message": "nobody's"})
        case "slow":
            threading.Thread(
                target=slowly, args=(number, params["_meta"]["progressToken"]), daemon=True
            ).start()
        case "ask":
            schema = {"type": "object", "properties": {"name": {"type": "string"}}}
            ask(number, "elicitation/create", {"message": "Who?", "requestedSchema": schema})
        case "roots":
            ask(number, "roots/list")
        case "sample":
            ask(number, "sampling/createMessage", {"messages": [], "maxTokens": 5})
        case "some-garbage":
            OUT.write(b"hello\n\n\xff\xfe{\n[]\n" * 5)
            OUT.flush()
            text(number, "done")
        case "much-garbage":
            OUT.write(b"\xff\xfe garbage\n" * 500)
            OUT.flush()
        case "endless-line":
            while True:
                OUT.write(b"x" * 1_000_000)
        case "changes":
            for _ in range(2000):
                send(method="notifications/tools/list_changed")
            text(number, "done")
        case "requests":
            for at in range(20_000):
                send(id=f"r{at}", method="ping")
            time.sleep(1000)
        case "grow":
            TOOLS.append("added")
            send(method="notifications/tools/list_changed")
            text(number, "done")
        case "rename":
            TOOLS[-1] = f"{TOOLS[-1]}-again"
            send(method="notifications/tools/list_changed")
            text(number, "done")
        case "stderr":
            for _ in range(arguments["megabytes"]):
                sys.stderr.write(("key=sk-ant-" + "a" * 88 + "\n") * 10_000)
            sys.stderr.write("the \x1b[31mlast\n")
            sys.stderr.flush()
            text(number, "done")
        case "grandchild":
            code = "import time; time.sleep(1000)"
            child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
            text(number, str(child.pid))
        case "pid":
            text(number, str(os.getpid()))
        case _:
            send(id=number, error={"code": -32602, "message": f"Unknown tool: {name}"})


def slowly(number: Any, token: Any) -> None:
    for at in range(8):
        time.sleep(0.25)
        params = {"progressToken": token, "progress": at, "total": 8, "message": "\x1b[1mstep"}
        send(method="notifications/progress", params=params)
    text(number, "at last")


if "dies-at-once" in MODE:
    sys.exit("I cannot\x1b[2J")
if "stubborn" in MODE:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
for line in sys.stdin.buffer:
    handle(json.loads(line))
while "stubborn" in MODE:
    time.sleep(1)
