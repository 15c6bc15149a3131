"""Finds the files of a model that runs here: in a folder, an installed package, or downloaded before."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from akmon_core.errors import SettingsError
from akmon_core.text import one_line
from akmon_index.models import Choice, packaged_weights

_PATTERNS = ["*.json", "*.txt", "*.model", "model.safetensors", "*/model.safetensors"]
"""What is fetched of a model: not its weights for other runtimes, and no pickles, which can run code."""
_SAMPLE = 65_536
"""Bytes of each end of a file that tell it from another of the same size."""


class Weights(msgspec.Struct, frozen=True):
    folder: Path
    """Absolute: a name alone would be looked for in the working folder first, which is the project's."""
    revision: str
    """The commit it was downloaded at, or a digest of its files."""


def find_weights(choice: Choice, *, download: bool) -> Weights:
    """Where the files of ``choice`` are. Raises ``SettingsError`` that says how to provide them."""
    name = choice.name
    if name.startswith(("/", "~", ".")) or Path(name).is_absolute():
        folder = Path(name).expanduser()
        if not folder.is_absolute():
            raise SettingsError(f"the model folder {name} must be given whole, such as /models/minilm.")
        if not folder.is_dir():
            raise SettingsError(f"the model folder {folder} does not exist ({choice.origin}).")
        return Weights(folder, _digest(folder))
    if packaged := packaged_weights(name):
        return Weights(packaged, _digest(packaged))
    return _from_hub(choice, download=download)


def _from_hub(choice: Choice, *, download: bool) -> Weights:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()  # they move the cursor, which our output does not let through
    full = choice.name if "/" in choice.name else f"sentence-transformers/{choice.name}"
    try:
        folder = Path(
            snapshot_download(full, local_files_only=not download, allow_patterns=_PATTERNS)
        ).absolute()
    except (OSError, ValueError, *HfHubHTTPError.__bases__) as error:  # and what its HTTP library raises
        if download:
            reason = one_line(str(error), 300).rstrip(".")
            raise SettingsError(
                f"the model {full} could not be downloaded: {reason}. Check its name, and the network."
            ) from None
        raise not_here(choice) from None
    if not (folder / "config.json").is_file():
        raise not_here(choice)
    return Weights(folder, folder.name)


def not_here(choice: Choice) -> SettingsError:
    """What is said when the files of a model are not on this machine."""
    return SettingsError(
        f"the model {choice.name} is not on this machine, and nothing is downloaded without being asked. "
        "Download it once (akmon index build --download), or name a folder or an installed package that has "
        f'it: model = "{choice.kind}:/path/to/the/model" in index.toml, or the same in AKMON_INDEX_MODEL.'
    )


def _digest(folder: Path) -> str:
    """Tells the files of ``folder`` from those of another model, without reading all of the weights."""
    digest = hashlib.sha256()
    for path in sorted(
        path for path in folder.rglob("*") if path.suffix in (".json", ".txt", ".safetensors")
    ):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE))
            file.seek(max(size - _SAMPLE, 0))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:16]
