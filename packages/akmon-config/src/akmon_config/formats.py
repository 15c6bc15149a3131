"""Instructions of other tools: their formats, merging them into an AGENTS.md, and writing them from one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

import msgspec

from akmon_config.banner import banner
from akmon_config.frontmatter import listed, sentence, split

TARGET = "AGENTS.md"


class Format(NamedTuple):
    """What a tool reads, as globs from the project root, and what is written for it."""

    reads: tuple[str, ...]
    writes: str = ""
    """Empty for a tool that reads AGENTS.md or another of these files."""
    matter: str = ""
    """Front matter of what is written."""


FORMATS: dict[str, Format] = {
    "claude-code": Format(("CLAUDE.md", ".claude/CLAUDE.md", ".claude/rules/**/*.md"), "CLAUDE.md"),
    "codex": Format((), TARGET),
    "cursor": Format(
        (".cursor/rules/**/*.mdc",),
        ".cursor/rules/akmon.mdc",
        "---\ndescription: Instructions of the project\nglobs:\nalwaysApply: true\n---\n\n",
    ),
    "cursor-legacy": Format((".cursorrules",), ".cursorrules"),
    "gemini": Format(("GEMINI.md",), "GEMINI.md"),
    "kiro": Format(
        (".kiro/steering/*.md", ".kiro/specs/**/requirements.md", ".kiro/specs/**/design.md"),
        ".kiro/steering/akmon.md",
        "---\ninclusion: always\n---\n\n",
    ),
    "windsurf": Format((".windsurfrules", ".windsurf/rules/**/*.md"), ".windsurfrules"),
    "aider": Format((".aider.conf.yml",), ".aider.conf.yml"),
    "copilot": Format(
        (".github/copilot-instructions.md", ".github/instructions/**/*.instructions.md"),
        ".github/copilot-instructions.md",
    ),
    "cline": Format((".clinerules", ".clinerules/*.md", ".clinerules/*.txt"), ".clinerules"),
    "roo": Format((".roorules", ".roo/rules/**/*.md", ".roo/rules/**/*.txt"), ".roo/rules/akmon.md"),
    "generic": Format(("llms.txt",), "llms.txt"),
}
"""By the name of the tool, in the order in which their texts are merged."""

OUTDATED = ("cursor-legacy",)
"""Tools that read a newer format as well, so that writing both would say everything twice."""

IN_A_FOLDER = {".clinerules": ".clinerules/akmon.md"}
"""What is written instead where the project has a folder of that name."""


class Source(msgspec.Struct, frozen=True):
    """A file of another tool as it is, with ``\\n`` at the end of its lines."""

    name: str
    """The path from the project root, with forward slashes."""
    text: str


class Merged(msgspec.Struct, frozen=True):
    """An AGENTS.md with what other tools had, and what became of each of their files."""

    text: str
    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    """Whose text is already there, or is empty."""
    differing: tuple[str, ...] = ()
    """Whose section there is another one and was left as it is."""


_SECTION = re.compile(
    r"^<!-- akmon import (\S.*?) -->\n(.*?)^<!-- /akmon import -->\n?", re.MULTILINE | re.DOTALL
)
_MARK = re.compile(r"^<!-- /?akmon import(?: \S.*?)? -->\n?", re.MULTILINE)
_INCLUDE_ONLY = re.compile(r"@(?:\./|\.\./)?AGENTS\.md\s*")


def merge(existing: str, sources: Iterable[Source], *, beside: str = "", force: bool = False) -> Merged:
    """``existing`` with a section for each source whose text is neither there nor ``beside`` it.

    Its own text stays as it is. A section of an earlier import is replaced only with ``force``.
    """
    text = existing
    done: dict[str, list[str]] = {"added": [], "replaced": [], "known": [], "differing": []}
    for source in sources:
        body = convert(source)
        section = _section_of(text, source.name)
        if section is None:
            how = "known" if not body or _has(text, body) or _has(beside, body) else "added"
        elif not body or section == body or (not section and not force):
            how = "known"
        else:
            how = "replaced" if force else "differing"
        match how:
            case "added":
                text = "\n\n".join(filter(None, [text.rstrip("\n"), _section(source.name, body)]))
            case "replaced":
                text = _replaced(text, source.name, body)
        done[how].append(source.name)
    return Merged(text, **{how: tuple(names) for how, names in done.items()})


def convert(source: Source) -> str:
    """The text of a file of another tool as Markdown: for what it holds comes first, in a sentence."""
    if source.name.startswith(".kiro/specs/"):
        return f"`{source.name}` holds a specification: read it before working on what it describes."
    fields, text = split(source.text)
    body = _MARK.sub("", text).strip()
    if not body or _INCLUDE_ONLY.fullmatch(body):
        return ""
    first = sentence(fields, PurePosixPath(source.name).name.split(".")[0])
    return f"{first}\n\n{body}" if first else body


def rewritten(text: str, sources: Iterable[Source]) -> str:
    """What a model wrote of the merged text, marked so that none of the sources is imported once more."""
    marks = (f"<!-- akmon import {_marked(source.name)} -->\n<!-- /akmon import -->" for source in sources)
    return "\n".join([text.strip(), "", *marks, ""])


def exported(tool: str, sources: dict[str, str]) -> str:
    """What is written for ``tool`` from the texts of AGENTS.md and AKMON.md, by their names."""
    said = banner(" and ".join(sources))
    if tool == "aider":
        return f"# {said}\nread: [{', '.join(sources)}]\n"
    text = "\n\n".join(_MARK.sub("", text).strip() for text in sources.values())
    return f"{FORMATS[tool].matter}<!-- {said} -->\n\n{text}\n"


def aider_reads(text: str) -> list[str]:
    """The files that an ``.aider.conf.yml`` names to be read."""
    fields, _ = split(f"---\n{text}\n---\n")
    return listed(fields.get("read", ""))


def _section(name: str, body: str) -> str:
    shown = _marked(name)
    return f"## From {shown}\n\n<!-- akmon import {shown} -->\n{body}\n<!-- /akmon import -->\n"


def _section_of(text: str, name: str) -> str | None:
    found = (match for match in _SECTION.finditer(text) if match[1] == _marked(name))
    return next((match[2].strip() for match in found), None)


def _replaced(text: str, name: str, body: str) -> str:
    def new(match: re.Match[str]) -> str:
        mark = f"<!-- akmon import {_marked(name)} -->"
        return f"{mark}\n{body}\n<!-- /akmon import -->\n" if match[1] == _marked(name) else match[0]

    return _SECTION.sub(new, text)


def _has(text: str, body: str) -> bool:
    """Whether ``body`` stands in ``text``, whole and between line ends, whatever blanks end the lines."""
    return f"\n{_plain(body)}\n" in f"\n{_plain(text)}\n"


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _marked(name: str) -> str:
    """A name that cannot end the comment that it stands in."""
    return re.sub(r"-->|[<>]|[^\S ]+", "-", name)
