"""Kills akmon at random instants under load, and looks whether its record lacks anything that it said or did.

``python -m tests.rigs.kills 500`` kills it 500 times and prints what came of it. Each process writes files,
runs commands and has sub-agents work; this process, which is not killed, reads what it prints. A printed
line is an acknowledgement: its record has to be in the journal afterwards. A file that was written, or a
command that ran, has to be announced there.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from akmon_cli.streamlines import stream_line
from akmon_core.events import EPHEMERAL, Envelope, FilesChanged, Prompted, Replied, ToolStarted
from akmon_query.integrity import describe_problem, verify_journal
from akmon_query.journal import read_records
from tests.e2e.program import PATIENCE, Place, sound

STEPS = 150
PER_SESSION = 10
"""Kills of one session, which is resumed after each."""
_FLEETING = ("system", "result", "notice", "retry", "compacting", "text_delta", "thinking_delta")
_FLAGS = ("--permission-mode=full-auto", "--allow=shell", "--check=none", "--max-turns=100000")


class Tally(msgspec.Struct):
    """What came of some kills."""

    kills: int = 0
    acknowledged: int = 0
    """Records that were printed before a kill."""
    effects: int = 0
    """Files and lines that tools and commands wrote before a kill."""
    torn: int = 0
    """Journals that ended with half a record."""
    sessions: int = 0
    faults: list[str] = []

    def __add__(self, other: Tally) -> Tally:
        sums = [getattr(self, name) + getattr(other, name) for name in self.__struct_fields__]
        return Tally(*sums)


def script() -> str:
    """A model that keeps all tools busy, with a large record now and then."""
    steps = "\n---\n".join(_step(number) for number in range(1, STEPS))
    agents = 'for agent\ncall read {"path": "start.txt"}\ncall list {}\n---\nsay found it\n'
    return f"window 10000000\n---\n{steps}\n---\n{agents}"


def _step(number: int) -> str:
    text = f"text {number}\\n" + "many words " * (10_000 if number % 7 == 3 else 20)
    calls = [
        f'call write {{"path": "f{number}.txt", "content": "{text}"}}',
        f'call shell {{"command": "echo {number} >> log.txt"}}',
        f'call edit {{"path": "f{number}.txt", "old": "text {number}", "new": "words {number}"}}',
        f'call read {{"path": "f{number}.txt"}}',
        'call list {"path": "."}',
    ]
    if number % 4 == 2:
        calls += [f'call task {{"title": "look {n}", "task": "where is {number}.{n}?"}}' for n in range(2)]
    return "\n".join([f"say step {number}", *calls])


class Victim:
    """A session that is killed and resumed, again and again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.tally = Tally(sessions=1, faults=[])
        self._random = random.Random(seed)
        self._seed = seed
        self._place = Place(folder)
        (self._place.project / "start.txt").write_text("start\n")
        self._model = self._place.script(script())
        self._runs = 0
        self._kept = b""
        """The journal's whole lines after the kill before."""

    def close(self) -> None:
        self._place.end()

    def kill(self) -> None:
        """Runs a turn, kills it somewhere, and checks what is left."""
        self._runs += 1
        prompt = f"go {self._runs}"
        resumed = ("-c",) if self._kept else ()
        running = self._place.start(
            "-m", self._model, "-p", prompt, "--output-format=stream-json", *_FLAGS, *resumed
        )
        said: list[bytes] = []
        began = threading.Event()
        reader = threading.Thread(target=_read, args=(running.out, said, began))
        reader.start()
        if self._random.random() < 0.9:
            began.wait(PATIENCE)
        time.sleep(self._random.random() ** 2 * 1.5)
        by_itself = running.process.poll()
        running.process.kill()
        reader.join(PATIENCE)
        if by_itself is not None:
            assert running.process.stderr
            self._fault(
                f"it ended by itself with {by_itself}: {running.process.stderr.read().decode()[-300:]}"
            )
        running.process.wait(PATIENCE)
        for stream in (running.process.stdout, running.process.stderr):
            if stream:
                stream.close()
        self.tally.kills += 1
        self._check(prompt, [json.loads(line) for line in said if line.endswith(b"\n")])

    def finish(self) -> None:
        """The session goes on to an end of its own, and its record is whole."""
        ran = self._place.play("repeat forever\nsay done", "the end", "-c")
        if (ran.code, ran.out) != (0, "done\n"):
            self._fault(f"it did not go on: {ran.code} {ran.out[-200:]} {ran.err[-300:]}")
            return
        journal = self._place.newest()
        for problem in verify_journal(journal).problems:
            self._fault(f"after it was resumed: {describe_problem(problem)}")
        self._append_only(journal.read_bytes())
        sound(journal)

    def _fault(self, text: str) -> None:
        self.tally.faults.append(f"session {self._seed}, run {self._runs}: {text}")

    def _check(self, prompt: str, lines: list[dict[str, Any]]) -> None:
        durable = [line for line in lines if line["type"] not in _FLEETING]
        self.tally.acknowledged += len(durable)
        if not self._place.journals():
            if durable:
                self._fault("it printed records and there is no journal")
            return
        journal = self._place.newest()  # one that was killed before it was asked anything is not resumed
        envelopes = [envelope for _, envelope, _ in read_records(journal)]
        kept = _printed_of(envelopes, prompt)[: len(durable)]
        if kept != durable:
            at = next(
                (n for n, (one, two) in enumerate(zip(kept, durable, strict=False)) if one != two), len(kept)
            )
            self._fault(f"printed and not kept: {len(durable) - at} records from {str(durable[at])[:200]}")
        self._append_only(journal.read_bytes())
        self._check_effects(envelopes)
        for problem in verify_journal(journal).problems:
            if problem.kind == "torn":
                self.tally.torn += 1
            else:
                self._fault(describe_problem(problem))

    def _append_only(self, data: bytes) -> None:
        if not data.startswith(self._kept):
            self._fault("records that were there after the kill before are gone or changed")
        self._kept = data[: data.rfind(b"\n") + 1] if any(map(_asked, data.splitlines())) else b""

    def _check_effects(self, envelopes: list[Envelope]) -> None:
        announced = {
            change.path
            for envelope in envelopes
            if isinstance(envelope.event, FilesChanged)
            for change in envelope.event.changes
        }
        written = [str(path) for path in self._place.project.glob("f*.txt")]
        self._missing("written", written, announced)
        log = self._place.project / "log.txt"
        ran = log.read_text().split() if log.exists() else []
        self._missing("run", ran, set(_started(envelopes)))
        for number, times in Counter(ran).items():
            if times > 1:
                self._fault(f"the command of step {number} ran {times} times")

    def _missing(self, what: str, done: list[str], announced: set[str]) -> None:
        self.tally.effects += len(done)
        for each in done:
            if each not in announced:
                self._fault(f"{what}, and not on record: {each}")


def _read(out: Any, said: list[bytes], began: threading.Event) -> None:
    for line in out:
        said.append(line)
        began.set()
    began.set()


def _rest(process: subprocess.Popen[bytes]) -> str:
    """What a process that has ended said on stderr; all that belongs to it is let go."""
    process.wait(PATIENCE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    if process.stderr.closed:
        return ""
    with process.stderr as stream:
        return stream.read().decode()


def _asked(line: bytes) -> bool:
    return b'"type":"prompted"' in line


def _printed_of(envelopes: list[Envelope], prompt: str) -> list[dict[str, Any]]:
    """What is printed of the turn of ``prompt``, as far as it is on record."""
    asked = [
        at
        for at, each in enumerate(envelopes)
        if isinstance(each.event, Prompted) and not each.agent and each.event.message.text == prompt
    ]
    if not asked:
        return []
    lines = (
        {**line, "agent": each.agent}
        for each in envelopes[asked[0] :]
        if not isinstance(each.event, EPHEMERAL) and (line := stream_line(each.event))
    )
    return [json.loads(msgspec.json.encode(line)) for line in lines]


def _started(envelopes: list[Envelope]) -> Iterator[str]:
    """The numbers that commands were to write that are on record as begun."""
    commands: dict[str, str] = {}
    for envelope in envelopes:
        match envelope.event:
            case Replied(message) if not envelope.agent:
                found = {call.id: re.search(r"echo (\d+)", call.arguments) for call in message.calls}
                commands.update({id: echo[1] for id, echo in found.items() if echo})
            case ToolStarted(call_id) if call_id in commands and not envelope.agent:
                yield commands[call_id]
            case _:
                pass


def kill(times: int, seed: int = 0, workers: int = 0) -> Tally:
    """Kills ``times`` sessions in all, ``PER_SESSION`` times each."""

    def victim(number: int) -> Tally:
        count = min(PER_SESSION, times - number * PER_SESSION)
        with tempfile.TemporaryDirectory(prefix="kills-") as folder:
            session = Victim(Path(folder).resolve(), seed * 100_000 + number)
            try:
                for _ in range(count):
                    session.kill()
                session.finish()
            finally:
                session.close()
        return session.tally

    with ThreadPoolExecutor(workers or 2 * (os.cpu_count() or 1)) as pool:
        return sum(pool.map(victim, range(-(-times // PER_SESSION))), Tally(faults=[]))


def main() -> int:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10_000)
    tally = kill(times, seed)
    print(f"kills at random instants       {tally.kills:>7,}   (seed {seed}, {tally.sessions} sessions)")
    print(f"acknowledged records           {tally.acknowledged:>7,}")
    print(f"effects of tools and commands  {tally.effects:>7,}")
    print(f"torn ends, set aside           {tally.torn:>7,}")
    print(f"lost, unannounced, broken      {len(tally.faults):>7,}")
    for fault in tally.faults:
        print(f"  {fault}")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
