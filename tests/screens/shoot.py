"""Plays a take in the real program, in a terminal multiplexer, and gives what its screen shows."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.e2e.program import PATIENCE, Place
from tests.e2e.tmux import Pane, pane
from tests.screens.capture import Shot, read, replaced
from tests.screens.takes import Take

FILES = {
    "leap.py": '"""Years."""\n\n\ndef is_leap(year: int) -> bool:\n    """Whether a year has 366 days."""\n'
    "    return year % 4 == 0\n",
    "test_leap.py": "from leap import is_leap\n\nassert not is_leap(1900)\nassert is_leap(2000)\n",
    "calendar/weeks.py": "from leap import is_leap\n\n\ndef days(year: int) -> int:\n"
    "    return 366 if is_leap(year) else 365\n",
    "README.md": "# Leap\n\nDays of years.\n",
    "check": '#!/bin/sh\necho "1900: ok"\necho "2000: ok"\necho "2 checks passed"\n',
}
MODEL = "tern-2"
"""How the scripted model is called: a file in the project that git does not know of."""
VARYING = [
    ("[⠋⠙⠸⠴⠦⠇]", "⠋"),
    (r"akmon \d+\.\d+\.\S+", "akmon"),
    (r", \d+ s\]", ", 4 s]"),
    (r" · \d+ s(?= · )", ""),  # said only from the first full second on
    (r" \(\d+\.\d s\)", ""),
    (r"\d+ min ago|just now", "2 min ago"),
    (r"(\d),(\d)\d\d(?= of |\s+\d+%)", r"\1,\g<2>00"),  # estimates
    (r"\b\d{8}-\d{6}-[0-9a-f]{8}\b", "20261122-101500-5f2c81d0"),
]
"""What differs from one run to the next, and what stands in the pictures for it."""


def shoot(take: Take, folder: Path) -> Shot:
    """``folder`` is empty."""
    place = _place(folder)
    for name, prompt in take.before:
        (place.project / MODEL).write_text(take.script)
        place.akmon("-m", f"scripted:{MODEL}", "--name", name, "-p", prompt)
    (place.project / MODEL).write_text(take.script)
    arguments = ("-m", f"scripted:{MODEL}", *take.arguments)
    with _provider(take.lists) as keys:
        environ = {"COLORTERM": "truecolor", **keys}
        with pane(place, arguments, columns=take.columns, rows=take.rows, env=environ) as terminal:
            terminal.sees("/help")
            take.act(terminal)
            return _settled(terminal, take.columns)


@contextmanager
def _provider(models: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    """A server that lists ``models``, and what of the environment leads to it; nothing without any."""
    if not models:
        yield {}
        return
    listed = json.dumps({"data": [{"id": model} for model in models], "has_more": False}).encode()

    class Listing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(listed)))
            self.end_headers()
            self.wfile.write(listed)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listing) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield {
                "ANTHROPIC_API_KEY": "none",
                "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{server.server_port}",
            }
        finally:
            server.shutdown()


def _place(folder: Path) -> Place:
    place = Place(folder)
    place.project = place.project.rename(folder / "leap")
    for name, text in FILES.items():
        path = place.project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (place.project / "check").chmod(0o755)
    git = ("git", "-c", "user.name=leap", "-c", "user.email=leap@example.org")
    for arguments in (("init", "-qb", "main"), ("add", "."), ("commit", "-qm", "Days of years")):
        subprocess.run([*git, *arguments], cwd=place.project, env=place.env, check=True)
    with (place.project / ".git/info/exclude").open("a") as exclude:
        exclude.write(f"{MODEL}\n.akmon\n")
    return place


def _settled(terminal: Pane, columns: int) -> Shot:
    """The screen when it has stayed the same for a while but for what always moves."""
    end, last, same = time.monotonic() + PATIENCE, None, 0
    while same < 4:
        assert time.monotonic() < end, f"the screen does not come to rest:\n{terminal.screen}"
        time.sleep(0.15)
        shot = _shot(terminal, columns)
        same = same + 1 if shot == last else 0
        last = shot
    assert last is not None
    return last


def _shot(terminal: Pane, columns: int) -> Shot:
    shown = terminal.asks("cursor_flag") == "1"
    cursor = (int(terminal.asks("cursor_y")), int(terminal.asks("cursor_x"))) if shown else None
    return replaced(read(terminal.coloured, columns, cursor), VARYING)
