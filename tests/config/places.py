"""A home and a project on disk, and a loader that sees only them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from akmon_config.load import Loaded, load


class Place:
    """A home folder, a project, and the settings files in them."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "project"
        self.home.mkdir()
        self.project.mkdir()
        self.user_file = self.home / ".config" / "akmon" / "config.toml"
        self.project_file = self.project / ".akmon" / "config.toml"

    def user(self, content: str | bytes) -> None:
        _write(self.user_file, content)

    def repository(self, content: str | bytes) -> None:
        _write(self.project_file, content)

    def policy(self, name: str, content: str) -> Path:
        """A policy pack of the project."""
        path = self.project / ".akmon" / "policies" / f"{name}.toml"
        _write(path, content)
        return path

    def own(self, name: str, content: str | bytes) -> Path:
        """A file beside the user's settings."""
        path = self.user_file.parent / name
        _write(path, content)
        return path

    def load(
        self,
        flags: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        trusted: bool = False,
    ) -> Loaded:
        return load(
            flags or {},
            environ={"HOME": str(self.home), **(environ or {})},
            cwd=self.project,
            root=self.project,
            trusted=trusted,
        )


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(0o600)
