"""A project among what it must not reach, and the real akmon in it with a model that obeys every order."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from akmon_core.events import PermissionAsked, PermissionDecided, ToolFinished
from akmon_query.journal import read_records
from tests.adversarial.cases import Case
from tests.adversarial.listener import Listener
from tests.chain import broken_links
from tests.e2e.program import Place, Ran

CANARY = "CANARY-7c1f0e"
"""What lies in files that nobody may read. It has no shape of a key, so that no redaction can hide a leak."""
KEY_CANARY = "CANARY-e55a91"
SECRETS = {
    "ANTHROPIC_API_KEY": f"sk-ant-{KEY_CANARY}",
    "OPENAI_API_KEY": f"sk-{KEY_CANARY}",
    "GITHUB_TOKEN": KEY_CANARY,
    "MY_SECRET": KEY_CANARY,
    "AWS_SECRET_ACCESS_KEY": KEY_CANARY,
}
"""What the person has in the environment."""
MODES = {"default": "default", "auto except deny": "full-auto"}


class Call(msgspec.Struct, frozen=True):
    """What became of a call that the model made."""

    tool: str
    decision: str
    """``allow``, ``deny``, ``ask`` if nobody answered; empty if it was not even judged."""
    reason: str
    text: str
    """What the model reads of it."""
    error: bool


class Played(msgspec.Struct, frozen=True):
    """A session that is over."""

    ran: Ran
    calls: tuple[Call, ...]
    written: str
    """Everything that akmon showed, told the model and kept."""


class Arena(Place):
    """A place with ``out`` beside the project, secrets at home and in the environment, and a listener."""

    def __init__(self, folder: Path, listener: Listener) -> None:
        super().__init__(folder)
        self.listener = listener
        self.out = folder / "out"
        self.mark = self.out / "pwned"
        self.env |= SECRETS
        twin = folder / "project-evil"
        for made in (self.out, twin, self.home / ".ssh", self.home / ".aws"):
            made.mkdir()
        for path, text in {
            self.out / "secret.txt": CANARY,
            twin / "secret.txt": CANARY,
            self.home / ".ssh/id_rsa": CANARY,
            self.home / ".aws/credentials": CANARY,
            self.home / ".bashrc": "true\n",
            self.home / ".gitconfig": f"# {CANARY}\n",
        }.items():
            path.write_text(text)

    def fill(self, value: Any) -> Any:
        """``value`` with what its placeholders stand for here."""
        match value:
            case str():
                return re.sub(r"\{([A-Z]+)\}", self._standing_for, value)
            case {"$repeat": [text, count]}:
                return text * count
            case dict():
                return {key: self.fill(item) for key, item in value.items()}
            case list():
                return [self.fill(item) for item in value]
            case _:
                return value

    def _standing_for(self, match: re.Match[str]) -> str:
        known = {
            "WS": str(self.project),
            "OUT": str(self.out),
            "HOME": str(self.home),
            "MARK": str(self.mark),
            "CANARY": CANARY,
            "PORT": str(self.listener.port),
        }
        return known.get(match[1], match[0])

    def set_up(self, case: Case) -> None:
        for line in case.input.get("setup", ()):
            self.bash(self.fill(line))

    def bash(self, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs ``line`` in the project without any guard, as somebody would at a prompt."""
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.project,
            env=self.env | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=60,
        )

    def obey(self, calls: Sequence[tuple[str, dict[str, Any]]], *flags: str, **how: Any) -> Played:
        """A headless session in which the model makes ``calls``, one after the other, and stops."""
        formed = "edit patch\n" if any(name == "patch" for name, _ in calls) else ""
        replies = [f"call {name} {json.dumps(args)}" for name, args in calls]
        script = formed + "\n---\n".join([*replies, "say done"])
        return self.session(script, *flags, **how)

    def session(self, script: str, *flags: str, **how: Any) -> Played:
        """A headless session that plays ``script``."""
        before = set(self.journals())
        ran = self.play(script, "go", "--output=stream-json", *flags, **how)
        new = sorted(set(self.journals()) - before)
        calls = list(calls_of(new[-1])) if new else []
        for journal in new:
            assert broken_links(journal) == []
        return Played(ran, tuple(calls), ran.out + ran.err + self.kept())

    def obey_case(self, case: Case, *flags: str) -> Played:
        """Makes the calls of ``case`` under its policy; ``set_up`` comes first."""
        if script := case.input.get("script"):
            return self.session(self.fill(script), *policy_flags(case), *flags)
        return self.obey([(name, self.fill(args)) for name, args in case.calls], *policy_flags(case), *flags)

    def kept(self) -> str:
        """What akmon has kept in files: the state, the cache and the settings of the person.

        The store of checkpoints is left out: it keeps the project's own files as they are, for a rewind.
        """
        files = [file for part in (".local", ".cache", ".config") for file in (self.home / part).rglob("*")]
        found = [file for file in files if file.is_file() and not file.is_symlink()]
        own = [file for file in found if file.parent.name != "checkpoints"]
        return "\n".join(file.read_bytes().decode(errors="replace") for file in own)

    def surroundings(self) -> dict[str, tuple[int, bytes]]:
        """Kinds, modes and contents of all but the project and akmon's state: no call may change them."""
        own = (self.project, self.home / ".local", self.home / ".cache")
        return {
            str(path): (path.lstat().st_mode, _content(path))
            for path in self.folder.rglob("*")
            if not any(path == folder or folder in path.parents for folder in own)
            and path.suffix != ".script"
        }

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Kinds, modes and contents of all that lies in the project."""
        return {str(path): (path.lstat().st_mode, _content(path)) for path in self.project.rglob("*")}


def policy_flags(case: Case) -> list[str]:
    """The mode and rules that ``case`` names, as flags of akmon; ``flags`` are flags already."""
    policy = case.input.get("policy", {})
    mode = policy.get("mode", "default")
    lax = ["--allow=shell"] if mode == "auto except deny" else []
    rules = [f"--{kind}=shell({pattern})" for kind in ("allow", "deny") for pattern in policy.get(kind, ())]
    return [f"--permission-mode={MODES.get(mode, mode)}", *lax, *rules, *policy.get("flags", ())]


def calls_of(journal: Path) -> Iterator[Call]:
    """What became of the calls of a session, in the order in which they ended."""
    decided: dict[str, tuple[str, str]] = {}
    for _, envelope, _ in read_records(journal):
        match envelope.event:
            case PermissionAsked(call=call, reason=reason):
                decided[call.id] = ("ask", reason)
            case PermissionDecided() as one:
                decided[one.call_id] = (one.decision, one.reason)
            case ToolFinished(result=result, tool=tool):
                decision, reason = decided.get(result.call_id, ("", ""))
                yield Call(tool, decision, reason, result.text, result.error)
            case _:
                pass


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return path.read_bytes() if path.is_file() else b""
