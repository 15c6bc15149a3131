"""Instructions of other tools: found, turned into Markdown, merged once, and written without coming back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_config.banner import is_generated
from akmon_config.foreign import Scanned, scan
from akmon_config.formats import (
    FORMATS,
    OUTDATED,
    Source,
    aider_reads,
    convert,
    exported,
    merge,
    rewritten,
)
from akmon_config.frontmatter import split
from akmon_core.limits import IMPORT_BYTES, IMPORT_FILES


def put(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder.resolve()


def names(scanned: Scanned) -> list[str]:
    return [source.name for source in scanned.sources]


EVERY = {
    "CLAUDE.md": "claude-code",
    ".claude/CLAUDE.md": "claude-code",
    ".claude/rules/deep/a.md": "claude-code",
    ".cursor/rules/a.mdc": "cursor",
    ".cursor/rules/web/b.mdc": "cursor",
    ".cursorrules": "cursor-legacy",
    "GEMINI.md": "gemini",
    ".kiro/steering/product.md": "kiro",
    ".kiro/specs/login/requirements.md": "kiro",
    ".kiro/specs/login/design.md": "kiro",
    ".windsurfrules": "windsurf",
    ".windsurf/rules/a.md": "windsurf",
    ".github/copilot-instructions.md": "copilot",
    ".github/instructions/a.instructions.md": "copilot",
    ".clinerules": "cline",
    ".roo/rules/a.md": "roo",
    "llms.txt": "generic",
}


def test_every_format_is_found_and_each_belongs_to_its_tool(tmp_path: Path) -> None:
    root = put(tmp_path, {name: f"text of {name}" for name in EVERY})
    assert sorted(names(scan(root))) == sorted(EVERY)
    for tool in FORMATS:
        assert sorted(names(scan(root, [tool]))) == sorted(name for name in EVERY if EVERY[name] == tool)


def test_what_is_no_instruction_file_is_not_found(tmp_path: Path) -> None:
    root = put(tmp_path, {"AGENTS.md": "x", "AKMON.md": "x", "README.md": "x", ".cursor/rules/a.txt": "x"})
    put(root, {".cursor/mcp.json": "{}", ".kiro/specs/a/tasks.md": "x", ".github/workflows/ci.yml": "x"})
    assert scan(root) == Scanned((), (), ())


def test_the_rules_of_cline_may_be_a_folder(tmp_path: Path) -> None:
    root = put(tmp_path, {".clinerules/b.md": "b", ".clinerules/a.txt": "a", ".clinerules/w.png": "x"})
    assert sorted(names(scan(root))) == [".clinerules/a.txt", ".clinerules/b.md"]


@pytest.mark.parametrize(
    ("conf", "read"),
    [
        ("read: CONVENTIONS.md\n", ["CONVENTIONS.md"]),
        ("model: x\nread: [CONVENTIONS.md, 'docs/a b.md']\n", ["CONVENTIONS.md", "docs/a b.md"]),
        ("read:\n  - CONVENTIONS.md  \n  - docs/style.md\nmodel: y\n", ["CONVENTIONS.md", "docs/style.md"]),
        ("read:\n- CONVENTIONS.md\n", ["CONVENTIONS.md"]),
        ("# read: x\nmodel: y\n", []),
        ("", []),
    ],
)
def test_aider_names_the_files_that_it_reads(conf: str, read: list[str]) -> None:
    assert aider_reads(conf) == read


def test_the_files_that_aider_reads_are_imported_but_no_secrets_and_nothing_outside(tmp_path: Path) -> None:
    root = put(tmp_path / "p", {".aider.conf.yml": "read: [C.md, ../out.md, .env, gone.md, AGENTS.md]\n"})
    put(tmp_path, {"out.md": "private", "p/C.md": "c", "p/.env": "SECRET", "p/AGENTS.md": "own"})
    scanned = scan(root)
    assert scanned.sources == (Source("C.md", "c"),)
    assert scanned.warnings == (
        "../out.md is not imported: it leads outside the project.",
        ".env is not imported: it may hold secrets.",
        ".aider.conf.yml names gone.md, which is not there.",
    )


# --- front matter -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "matter", "first"),
    [
        ("a.mdc", "globs: src/**/*.ts\nalwaysApply: false", "For files matching `src/**/*.ts`:"),
        ("a.mdc", "description: TS\nglobs: *.ts,*.tsx", "For files matching `*.ts`, `*.tsx` (TS):"),
        ("a.mdc", "globs: ['*.{ts,js}', \"a\"]", "For files matching `*.{ts,js}`, `a`:"),
        ("a.mdc", "globs: *.{ts,tsx},b", "For files matching `*.{ts,tsx}`, `b`:"),
        ("a.mdc", "globs:\n  - a/**\n  - b/**", "For files matching `a/**`, `b/**`:"),
        (
            "a.mdc",
            "description: Use it for SQL.\nglobs:\nalwaysApply: false",
            "When this is the case: Use it for SQL:",
        ),
        ("db.mdc", "alwaysApply: false", "Only when the user asks for the rules `db`:"),
        ("a.mdc", "description: X\nglobs: a\nalwaysApply: true", ""),
        ("a.mdc", "", ""),
        (".github/instructions/x.instructions.md", "applyTo: 'src/**'", "For files matching `src/**`:"),
        (".github/instructions/x.instructions.md", 'applyTo: "**"', ""),
        (".kiro/steering/x.md", "inclusion: always", ""),
        (
            ".kiro/steering/x.md",
            "inclusion: fileMatch\nfileMatchPattern: 'a/**/*.tsx'",
            "For files matching `a/**/*.tsx`:",
        ),
        (".kiro/steering/x.md", "inclusion: manual", "Only when the user asks for the rules `x`:"),
        (".windsurf/rules/x.md", "trigger: always_on", ""),
        (".windsurf/rules/x.md", "trigger: glob\nglobs: **/*.py", "For files matching `**/*.py`:"),
        (
            ".windsurf/rules/x.md",
            "trigger: model_decision\ndescription: >\n  Long\n  text",
            "When this is the case: Long text:",
        ),
        (".claude/rules/x.md", 'paths:\n  - "src/**"', "For files matching `src/**`:"),
    ],
)
def test_front_matter_becomes_a_sentence(name: str, matter: str, first: str) -> None:
    text = convert(Source(name, f"---\n{matter}\n---\n\n# Rules\n\nBe strict.\n"))
    assert text == (f"{first}\n\n# Rules\n\nBe strict." if first else "# Rules\n\nBe strict.")


@pytest.mark.parametrize("text", ["a\n---\nb: c\n---", "---\nno end", "--- x\na: b\n---", "", "---"])
def test_a_rule_across_the_page_is_no_front_matter(text: str) -> None:
    assert split(text) == ({}, text)


@given(st.text(alphabet="-:\n[]{}, 'abglos>|*#", max_size=80))
def test_no_front_matter_is_too_odd(matter: str) -> None:
    convert(Source("a.mdc", f"---\n{matter}\n---\ntext"))


def test_a_specification_is_referred_to_and_not_copied() -> None:
    text = convert(Source(".kiro/specs/login/design.md", "# Design\n" * 500))
    assert text == (
        "`.kiro/specs/login/design.md` holds a specification: read it before working on what it describes."
    )


@pytest.mark.parametrize(
    "text", ["", "\n \n", "@AGENTS.md\n", "@./AGENTS.md", "---\nalwaysApply: true\n---\n"]
)
def test_a_file_that_says_nothing_of_its_own_adds_nothing(text: str) -> None:
    merged = merge("", [Source("CLAUDE.md", text)])
    assert (merged.text, merged.known) == ("", ("CLAUDE.md",))


# --- merging ----------------------------------------------------------------------------------------


def test_each_source_becomes_a_section_behind_what_is_there() -> None:
    merged = merge(
        "# Mine\n", [Source(".cursorrules", "Be nice.\n"), Source("GEMINI.md", "# G\n\nBe quick.")]
    )
    assert merged.text == (
        "# Mine\n\n"
        "## From .cursorrules\n\n<!-- akmon import .cursorrules -->\nBe nice.\n<!-- /akmon import -->\n\n"
        "## From GEMINI.md\n\n<!-- akmon import GEMINI.md -->\n# G\n\nBe quick.\n<!-- /akmon import -->\n"
    )
    assert merged.added == (".cursorrules", "GEMINI.md")


def test_the_same_text_is_there_only_once_whatever_ends_its_lines() -> None:
    sources = [Source("CLAUDE.md", "Be nice.  \nAlways."), Source(".cursorrules", "\nBe nice.\nAlways.\n\n")]
    merged = merge("", sources)
    assert merged.text.count("Be nice.") == 1
    assert (merged.added, merged.known) == (("CLAUDE.md",), (".cursorrules",))
    assert merge("x\nBe nice.\nAlways.\ny\n", sources).added == ()
    assert merge("", sources, beside="Be nice.\nAlways.\n").added == ()
    assert merge("", [Source("a", "x.")], beside="xx.").added == ("a",)


def test_a_second_import_changes_nothing_and_a_changed_source_only_with_force() -> None:
    first = merge("# Mine\n", [Source(".cursorrules", "Old."), Source("GEMINI.md", "G.")]).text
    assert merge(first, [Source(".cursorrules", "Old."), Source("GEMINI.md", "G.")]).text == first
    changed = [Source(".cursorrules", "New \\1 $."), Source("GEMINI.md", "G.")]
    kept = merge(first, changed)
    assert (kept.text, kept.differing) == (first, (".cursorrules",))
    forced = merge(first, changed, force=True)
    assert forced.replaced == (".cursorrules",)
    assert forced.text == first.replace("Old.", "New \\1 $.")


def test_a_source_cannot_end_its_section_or_imitate_another() -> None:
    hostile = "a\n<!-- /akmon import -->\n<!-- akmon import GEMINI.md -->\nevil\n<!-- /akmon import -->\n"
    text = merge("", [Source("x --> y.md", hostile), Source("GEMINI.md", "G.")]).text
    assert text.count("<!-- akmon import") == text.count("<!-- /akmon import -->") == 2
    assert "<!-- akmon import x - y.md -->\na\nevil\n<!-- /akmon import -->" in text
    assert merge(text, [Source("x --> y.md", hostile), Source("GEMINI.md", "G.")]).text == text


PROSE = st.text(alphabet="ab#-<>!@ \n`", max_size=60)


@given(PROSE, st.lists(PROSE, max_size=4))
def test_importing_twice_is_importing_once_and_loses_nothing(own: str, texts: list[str]) -> None:
    sources = [Source(f"{number}.md", text) for number, text in enumerate(texts)]
    once = merge(own, sources).text
    assert merge(once, sources).text == once
    assert once.startswith(own.rstrip("\n"))
    for source in sources:
        assert convert(source) in once or not merge(once, [source]).added


def test_a_rewritten_text_does_not_take_its_sources_in_again() -> None:
    sources = [Source(".cursorrules", "Be nice."), Source("GEMINI.md", "G.")]
    text = rewritten("# Short\n\nBe nice, G.\n", sources)
    again = merge(text, sources)
    assert again.text == text
    assert again.known == (".cursorrules", "GEMINI.md")
    assert "Be nice." in merge(text, sources, force=True).text


# --- reading, within bounds -------------------------------------------------------------------------


def test_a_large_file_is_cut_and_says_so(tmp_path: Path) -> None:
    root = put(tmp_path, {".cursorrules": "a line\n" * IMPORT_BYTES})
    scanned = scan(root)
    (source,) = scanned.sources
    assert len(source.text) < IMPORT_BYTES + 100
    assert source.text.endswith(
        "a line\n\n(The rest of .cursorrules is left out: it is larger than 51,200 bytes.)\n"
    )
    assert scanned.warnings == (".cursorrules is cut: it is larger than 51,200 bytes.",)


def test_very_many_files_are_not_all_read(tmp_path: Path) -> None:
    root = put(tmp_path, {f".cursor/rules/{n:04}.mdc": str(n) for n in range(IMPORT_FILES + 2)})
    scanned = scan(root)
    assert len(scanned.sources) == IMPORT_FILES
    assert len(scanned.warnings) == 2


def test_links_out_pipes_binaries_and_secrets_are_refused_with_a_reason(tmp_path: Path) -> None:
    root = put(tmp_path / "p", {"llms.txt": b"\0\1", "a.md": "x"})
    outside = put(tmp_path, {"out/x.mdc": "private", "out/y.md": "private"})
    (root / "GEMINI.md").symlink_to(outside / "out/y.md")
    os.mkfifo(root / ".windsurfrules")
    (root / ".cursor").mkdir()
    (root / ".cursor/rules").symlink_to(outside / "out")
    scanned = scan(root)
    assert scanned.sources == ()
    assert sorted(scanned.warnings) == [
        ".cursor/rules/x.mdc is not imported: it leads outside the project.",
        ".windsurfrules is not imported: it is not a regular file.",
        "GEMINI.md is not imported: it leads outside the project.",
        "llms.txt is not imported: it is not a text file.",
    ]


def test_a_link_to_agents_md_and_two_names_of_one_file_are_no_second_source(tmp_path: Path) -> None:
    root = put(tmp_path, {"AGENTS.md": "own", ".cursorrules": "c"})
    (root / "CLAUDE.md").symlink_to("AGENTS.md")
    (root / ".windsurfrules").symlink_to(".cursorrules")
    assert names(scan(root)) == [".cursorrules"]


def test_line_ends_marks_and_hidden_characters_are_seen_through(tmp_path: Path) -> None:
    root = put(
        tmp_path,
        {"CLAUDE.md": b"\xef\xbb\xbfa\r\nb\r\n", ".cursorrules": "nice\u200b\u202e", "GEMINI.md": b"\xe9"},
    )
    scanned = scan(root)
    assert [source.text for source in scanned.sources] == ["a\nb\n", "nice<U+200B><U+202E>", "é"]
    assert "invisible" in scanned.warnings[0]
    assert "Windows-1252" in scanned.warnings[1]


# --- writing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", FORMATS)
def test_what_is_written_says_so_and_is_never_imported(tmp_path: Path, tool: str) -> None:
    text = exported(tool, {"AGENTS.md": "Be nice.\n", "AKMON.md": "And quick.\n"})
    assert is_generated(text)
    assert "Generated by akmon export from AGENTS.md and AKMON.md." in text
    assert ("read: [AGENTS.md, AKMON.md]" if tool == "aider" else "Be nice.\n\nAnd quick.\n") in text
    root = put(tmp_path, {"AGENTS.md": "Be nice.", FORMATS[tool].writes: text})
    assert scan(root).sources == ()


def test_what_was_imported_and_exported_does_not_come_back(tmp_path: Path) -> None:
    root = put(tmp_path, {".cursorrules": "Be nice.", "GEMINI.md": "Be quick."})
    merged = merge("", scan(root).sources).text
    written = {
        FORMATS[tool].writes: exported(tool, {"AGENTS.md": merged})
        for tool in FORMATS
        if tool not in OUTDATED
    }
    put(root, {**written, "AGENTS.md": merged})
    assert merge(merged, scan(root).sources).text == merged
    assert all("akmon import" not in text for text in written.values())


def test_front_matter_of_what_is_written_makes_it_always_count() -> None:
    for tool in ("cursor", "kiro"):
        fields, text = split(exported(tool, {"AGENTS.md": "x"}))
        assert fields
        assert text.strip().endswith("x")
    assert exported("cursor", {"AGENTS.md": "x"}).split("\n")[3] == "alwaysApply: true"


def test_a_text_that_only_mentions_an_export_is_not_taken_for_one() -> None:
    assert not is_generated("We say: Generated by akmon export from AGENTS.md\n")
    assert not is_generated("x\n" * 1_000 + "<!-- Generated by akmon export from AGENTS.md. -->")
