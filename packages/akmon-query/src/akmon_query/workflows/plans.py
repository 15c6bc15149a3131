"""Keeps plans as Markdown files in the project: ``.akmon/plans/<time>-<title>.md``."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from akmon_core.limits import PROMPT_FILE_BYTES

FOLDER = Path(".akmon", "plans")
_TITLE_CHARS = 60


class FilePlans:
    """The plans of the project in ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def save(self, text: str) -> str:
        """The path of the new file, from the project root. Raises ``OSError``; follows no link out of it."""
        folder = self._folder()
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{_slug(text)}"
        for number in range(1, 100):
            path = folder / (f"{name}.md" if number == 1 else f"{name}-{number}.md")
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                continue
            with os.fdopen(fd, "w", encoding="utf-8", errors="replace") as file:
                file.write(text.rstrip() + "\n")
            return (FOLDER / path.name).as_posix()
        raise FileExistsError(f"{folder} has a hundred plans of this second")

    def read(self, path: str) -> str:
        """The plan in a file; of an empty path, the newest one. Raises ``OSError`` or ``ValueError``."""
        found = self._root / path if path else self._newest()
        with found.open("rb") as file:
            data = file.read(PROMPT_FILE_BYTES + 1)
        if len(data) > PROMPT_FILE_BYTES:
            raise ValueError(f"{found} is larger than {PROMPT_FILE_BYTES // 1_000_000} MB")
        return data.decode("utf-8-sig", errors="replace")

    def _newest(self) -> Path:
        # A link may show any file of the machine, and nobody has named this one.
        plans = sorted(path for path in self._folder().glob("*.md") if not path.is_symlink())
        if not plans:
            raise FileNotFoundError(f"there is no plan in {FOLDER.as_posix()} yet; make one in plan mode")
        return plans[-1]

    def _folder(self) -> Path:
        folder = self._root / FOLDER
        if not folder.resolve().is_relative_to(self._root.resolve()):
            raise PermissionError(f"{FOLDER.as_posix()} leads out of the project")
        return folder


def _slug(text: str) -> str:
    """From the plan's first heading, or its first words."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = next((line for line in lines if line.startswith("#")), lines[0] if lines else "")
    slug = re.sub(r"[^a-z0-9]+", "-", line.lower()).strip("-")
    return slug[:_TITLE_CHARS].strip("-") or "plan"
