"""The files of a spec, in ``.akmon/specs/FEATURE`` of the project; no link is followed out of it."""

from __future__ import annotations

import os
from pathlib import Path

from akmon_core.errors import ToolError
from akmon_core.specs import DOCUMENTS, FOLDER, Document, problem
from akmon_query.workflows.spec import unwrapped
from akmon_tools.textfile import NEW
from akmon_tools.workspace import Workspace


class SpecFiles:
    """The documents of ``feature`` in the project ``root``; paths are shown from ``cwd``."""

    def __init__(self, root: Path, cwd: Path, feature: str) -> None:
        self.feature = feature
        self._folder = root.joinpath(*FOLDER, feature)
        self._workspace = Workspace((root,), cwd=cwd)

    def shown(self, document: Document) -> str:
        """The path of a document, whether it is there or not."""
        return self._workspace.show(self._path(document))

    def documents(self) -> dict[Document, str]:
        """Those that there are. Raises ``ToolError`` for one that cannot be read."""
        return {each: self._read(each) for each in DOCUMENTS if os.path.isfile(self._path(each))}  # noqa: PTH113

    def write(self, document: Document, text: str, *, keep: bool = True) -> None:
        """Replaces or makes a document; what it said before stays next to it as ``.bak`` if asked.

        Raises ``ToolError``.
        """
        path = self._workspace.resolve(self._path(document))
        like = self._workspace.read_text(path) if path.exists() else NEW
        if keep and like.text:
            self._workspace.write_text(path.with_name(f"{path.name}.bak"), like.text, like)
        self._workspace.write_text(path, text, like)

    def _path(self, document: Document) -> Path:
        return self._folder / f"{document}.md"

    def _read(self, document: Document) -> str:
        return self._workspace.read_text(self._workspace.resolve(self._path(document))).text


class DocumentWriter:
    """Implements ``akmon_core.ports.Plans``: what a turn in plan mode answers becomes the ``document``."""

    def __init__(self, files: SpecFiles, document: Document) -> None:
        self._files = files
        self._document = document
        self.problem = "the model gave no answer"
        """Why nothing was written; empty once it was."""

    def save(self, text: str) -> str:
        text = unwrapped(text)
        self.problem = problem(self._document, text)
        if self.problem:
            raise OSError(self.problem)
        try:
            self._files.write(self._document, text + "\n")
        except ToolError as error:
            self.problem = str(error)
            raise OSError(self.problem) from None
        return self._files.shown(self._document)

    def read(self, path: str) -> str:
        raise FileNotFoundError(f"{path or 'a plan'}: no plan is carried out here")


def features(root: Path) -> list[str]:
    """The names of the features that have a spec in the project ``root``."""
    try:
        return sorted(folder.name for folder in root.joinpath(*FOLDER).iterdir() if folder.is_dir())
    except OSError:
        return []
