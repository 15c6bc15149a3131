"""Knows languages by the names of files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from akmon_core.tables import names

_SUFFIXES = {
    "bash": "sh bash zsh ksh bats ebuild",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp inl tpp cu cuh ino",
    "csharp": "cs csx",
    "css": "css",
    "dart": "dart",
    "go": "go",
    "groovy": "groovy gradle",
    "html": "html htm",
    "java": "java",
    "javascript": "js mjs cjs jsx",
    "json": "json jsonc",
    "julia": "jl",
    "kotlin": "kt kts",
    "lua": "lua",
    "markdown": "md markdown mdx mkd",
    "objc": "m mm",
    "perl": "pl pm",
    "php": "php phtml",
    "python": "py pyi pyw",
    "restructuredtext": "rst",
    "ruby": "rb rake gemspec",
    "rust": "rs",
    "scala": "scala sc sbt",
    "sql": "sql",
    "swift": "swift",
    "toml": "toml",
    "tsx": "tsx",
    "typescript": "ts mts cts",
    "xml": "xml",
    "yaml": "yaml yml",
    "zig": "zig",
}
_BY_SUFFIX = {suffix: name for name, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_NAME = {
    "bashrc": "bash",
    "gemfile": "ruby",
    "podfile": "ruby",
    "rakefile": "ruby",
    "sconstruct": "python",
    "vagrantfile": "ruby",
    "wscript": "python",
}
_PARSED = names(
    "bash c cpp csharp dart go groovy java javascript julia kotlin lua objc perl php python ruby rust scala "
    "swift tsx typescript zig"
)

_TEST = re.compile(
    r"^(?:test|spec)/|(?:^|/)(?:tests|__tests__|src/test)/|(?:^|/)(?:test_[^/]*|conftest)\.py\Z"
    r"|[._-](?:tests?|spec)\.[a-z]+\Z|[a-z](?:Tests?|Spec)\.[a-z]+\Z"
)


def language_of(path: str) -> str:
    """Such as ``python``, by the name of the file; empty is unknown.

    >>> language_of("src/app.tsx"), language_of("Rakefile"), language_of("LICENSE")
    ('tsx', 'ruby', '')
    """
    name = PurePosixPath(path).name.lower()
    suffix = name.rpartition(".")[2] if "." in name else ""
    return _BY_SUFFIX.get(suffix) or _BY_NAME.get(name.removeprefix("."), "")


def is_parsed(language: str) -> bool:
    """Whether what it defines is known, so that files are cut by it."""
    return language in _PARSED


def is_test(path: str) -> bool:
    """Whether the names in ``path`` are those that test runners look for."""
    return _TEST.search(path) is not None
