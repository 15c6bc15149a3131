"""Paints in the terminal that it runs in, anew on each new size and key; q ends it."""

from __future__ import annotations

import os
import select
import signal
import tty

from akmon_tui.lines import Frame, Line, Piece, cut, line
from akmon_tui.painter import Painter
from akmon_tui.theme import pick_theme

FINISHED = 40


def finished(number: int) -> Line:
    return line(f"finished {number} {'lorem ipsum ' * (number % 5)}END")


def live(painted: int, columns: int, rows: int) -> Frame:
    lines = [
        line(f"tail {'日本 word ' * 20}"),
        line(f"⠋ 👩\u200d👩\u200d👧 ❤\ufe0f e\u0301 {painted % 7} at work {painted}"),
        line("─" * columns, "dim"),
        line("> what is typed"),
        line("─" * columns, "dim"),
        (Piece(f"painted {painted} at {columns}x{rows}", "dim"), Piece(" · status" * 20)),
    ]
    return Frame([cut(each, columns) for each in lines], (3, 15))


def main() -> None:
    tty.setraw(0)
    resized, resize = os.pipe()
    os.set_blocking(resize, False)
    signal.set_wakeup_fd(resize)
    signal.signal(signal.SIGWINCH, lambda *_: None)
    encode = pick_theme("dark", os.environ).encode
    painter = Painter(lambda text: os.write(1, text.encode()), lambda: os.get_terminal_size(1), encode)
    painted, pressed, keys, more = 0, 0, b"", [finished(number) for number in range(FINISHED)]
    while keys != b"q":
        painter.paint(more, live(painted, *os.get_terminal_size(1)))
        ready = select.select([0, resized], [], [])[0]
        if resized in ready:
            os.read(resized, 100)
        keys = os.read(0, 1) if 0 in ready else b""
        painted += 1
        more = [finished(FINISHED + pressed)] if keys else []
        pressed += len(keys)
    painter.leave()


if __name__ == "__main__":
    main()
