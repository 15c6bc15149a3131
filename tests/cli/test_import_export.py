"""``akmon import`` and ``akmon export`` as processes: nothing is lost, doubled, or overwritten unasked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from akmon_config.formats import FORMATS, OUTDATED
from tests.e2e.program import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path.resolve())
    yield place
    place.end()


def put(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def text_of(place: Place, name: str = "AGENTS.md") -> str:
    return (place.project / name).read_text(encoding="utf-8")


def snapshot(place: Place) -> dict[str, bytes]:
    files = (path for path in place.project.rglob("*") if path.is_file())
    return {str(path.relative_to(place.project)): path.read_bytes() for path in files}


# --- import -----------------------------------------------------------------------------------------


def test_files_of_other_tools_are_merged_behind_ones_own_text(place: Place) -> None:
    put(place.project, {"AGENTS.md": "# Mine\n", ".cursorrules": "Be nice.\n", "CLAUDE.md": "Be nice.\n"})
    put(place.project, {".cursor/rules/ts.mdc": "---\nglobs: *.ts\nalwaysApply: false\n---\nBe strict.\n"})
    ran = place.akmon("import")
    assert ran.code == 0, ran.err
    assert ran.out == f"wrote {place.project}/AGENTS.md (15 lines)\n"
    assert "CLAUDE.md: added" in ran.err
    assert ".cursorrules: nothing that is not in AGENTS.md already" in ran.err
    text = text_of(place)
    assert text.startswith("# Mine\n\n## From CLAUDE.md\n")
    assert "For files matching `*.ts`:\n\nBe strict.\n" in text
    assert text.count("Be nice.") == 1


def test_only_the_named_tools_are_imported(place: Place) -> None:
    put(place.project, {".cursorrules": "c", "GEMINI.md": "g", "llms.txt": "l"})
    assert place.akmon("import", "--from", "gemini", "--from", "generic").code == 0
    assert "From GEMINI.md" in text_of(place)
    assert "From llms.txt" in text_of(place)
    assert "From .cursorrules" not in text_of(place)


def test_a_dry_run_prints_the_result_and_writes_nothing(place: Place) -> None:
    put(place.project, {".cursorrules": "Be nice."})
    ran = place.akmon("import", "--dry-run")
    assert ran.code == 0
    assert "Be nice." in ran.out
    assert list(snapshot(place)) == [".cursorrules"]


def test_a_second_import_writes_nothing(place: Place) -> None:
    put(place.project, {".cursorrules": "Be nice."})
    place.akmon("import")
    before = snapshot(place)
    ran = place.akmon("import")
    assert (ran.code, ran.out) == (0, "")
    assert snapshot(place) == before


def test_a_section_that_differs_by_now_is_replaced_only_when_asked(place: Place) -> None:
    put(place.project, {".cursorrules": "Old."})
    place.akmon("import")
    put(place.project, {".cursorrules": "New."})
    ran = place.akmon("import")
    assert ran.code == 1
    assert ".cursorrules: left as it is" in ran.err
    assert "Old." in text_of(place)
    assert place.akmon("import", "--force").code == 0
    assert "New." in text_of(place)
    assert "Old." not in text_of(place)


def test_nothing_to_import_is_said_with_what_was_looked_for(place: Place) -> None:
    ran = place.akmon("import")
    assert ran.code == 0
    assert "nothing to import" in ran.err
    assert ".github/copilot-instructions.md" in ran.err
    assert "so does akmon" in place.akmon("import", "--from", "codex").err
    assert snapshot(place) == {}


def test_an_unknown_tool_is_refused_with_those_that_there_are(place: Place) -> None:
    ran = place.akmon("import", "--from", "emacs")
    assert ran.code == 2
    assert "windsurf" in ran.err


def test_line_ends_of_the_file_are_kept(place: Place) -> None:
    put(place.project, {"AGENTS.md": b"# Mine\r\n\r\nRule.\r\n", ".cursorrules": "a\nb\n"})
    assert place.akmon("import").code == 0
    data = (place.project / "AGENTS.md").read_bytes()
    assert data.startswith(b"# Mine\r\n\r\nRule.\r\n\r\n")
    assert data.count(b"\n") == data.count(b"\r\n")


@pytest.mark.parametrize("content", [b"caf\xe9\n", b"\0\0"])
def test_an_agents_md_that_is_no_utf_8_text_is_left_alone(place: Place, content: bytes) -> None:
    put(place.project, {"AGENTS.md": content, ".cursorrules": "x"})
    ran = place.akmon("import")
    assert ran.code == 2
    assert "left alone" in ran.err
    assert (place.project / "AGENTS.md").read_bytes() == content


def test_links_are_not_followed_out_and_not_written_through(place: Place) -> None:
    put(place.home, {"diary.md": "private"})
    (place.project / "CLAUDE.md").symlink_to(place.home / "diary.md")
    ran = place.akmon("import")
    assert "CLAUDE.md is not imported: it leads outside the project." in ran.err
    put(place.project, {".cursorrules": "x", "RULES.md": "rules"})
    (place.project / "AGENTS.md").symlink_to("RULES.md")
    ran = place.akmon("import")
    assert ran.code == 1
    assert "cannot write" in ran.err
    assert text_of(place, "RULES.md") == "rules"


def test_a_text_that_is_too_long_to_be_loaded_is_pointed_out(place: Place) -> None:
    put(place.project, {".cursorrules": "a\n" * 25_000})
    ran = place.akmon("import")
    assert ran.code == 0
    assert "the first 40,000" in ran.err


# --- rewriting --------------------------------------------------------------------------------------


def test_a_model_may_make_a_short_text_of_it(place: Place) -> None:
    put(place.project, {".cursorrules": "Be nice.", "GEMINI.md": "Be quick."})
    model = place.script("say <<END\n```markdown\n# Short\n\nBe nice and quick.\n```\nEND\n")
    ran = place.akmon("import", "--rewrite", "-m", model)
    assert ran.code == 0, ran.err
    assert text_of(place).startswith("# Short\n\nBe nice and quick.\n")
    assert "Be quick." in place.journal().read_text(encoding="utf-8")
    again = place.akmon("import")
    assert (again.code, again.out) == (0, "")


def test_a_rewriting_model_can_only_read(place: Place) -> None:
    put(place.project, {".cursorrules": "Be nice."})
    put(place.home, {".config/akmon/config.toml": 'allow = ["write", "shell(touch *)"]\n'})
    model = place.script(
        'call write {"path": "x.py", "content": "x"}\ncall shell {"command": "touch y.py"}\n---\n'
        "say # Short\n"
    )
    ran = place.akmon("import", "--rewrite", "-m", model)
    assert ran.code == 0, ran.err
    assert sorted(snapshot(place)) == [".cursorrules", "AGENTS.md"]


@pytest.mark.parametrize("script", ["say \n", "error 401 no\n", "say <<END\n" + "line\n" * 250 + "END\n"])
def test_without_a_usable_answer_the_merged_text_is_kept(place: Place, script: str) -> None:
    put(place.project, {".cursorrules": "Be nice."})
    ran = place.akmon("import", "--rewrite", "-m", place.script(script))
    assert ran.code == 1
    assert "not rewritten" in ran.err
    assert "## From .cursorrules" in text_of(place)


def test_without_a_model_the_merged_text_is_kept(place: Place) -> None:
    put(place.project, {".cursorrules": "Be nice."})
    ran = place.akmon("import", "--rewrite")
    assert ran.code == 1
    assert "no model is configured" in ran.err
    assert "Be nice." in text_of(place)


def test_an_old_text_is_rewritten_only_when_asked(place: Place) -> None:
    put(place.project, {".cursorrules": "Be nice.", "AGENTS.md": "Mine."})
    model = place.script("say # Short\n")
    assert place.akmon("import", "--rewrite", "-m", model).code == 2
    assert text_of(place) == "Mine."
    assert place.akmon("import", "--rewrite", "--force", "-m", model).code == 0
    assert text_of(place).startswith("# Short\n")


# --- export -----------------------------------------------------------------------------------------


def test_every_tool_gets_its_file_and_a_second_export_changes_nothing(place: Place) -> None:
    put(place.project, {"AGENTS.md": "Be nice.\n", "AKMON.md": "And quick.\n"})
    assert place.akmon("export", "--all").code == 0
    files = {form.writes for tool, form in FORMATS.items() if tool not in OUTDATED}
    assert set(snapshot(place)) == files | {"AKMON.md"}
    before = snapshot(place)
    ran = place.akmon("export", "--all")
    assert ran.code == 0
    assert all(line.endswith("is up to date") for line in ran.out.splitlines())
    assert snapshot(place) == before


def test_a_change_reaches_what_was_exported(place: Place) -> None:
    put(place.project, {"AGENTS.md": "Old.\n"})
    place.akmon("export", "--tool", "gemini", "cursor")
    put(place.project, {"AGENTS.md": "New.\n"})
    assert place.akmon("export", "--tool", "gemini", "--tool", "cursor").code == 0
    assert text_of(place, "GEMINI.md").endswith("\n\nNew.\n")
    assert text_of(place, ".cursor/rules/akmon.mdc").endswith("\n\nNew.\n")


def test_what_somebody_wrote_is_not_replaced_unless_asked(place: Place) -> None:
    put(place.project, {"AGENTS.md": "Be nice.", "GEMINI.md": "mine", ".aider.conf.yml": "model: x\n"})
    ran = place.akmon("export", "--all")
    assert ran.code == 1
    assert "GEMINI.md was not written by akmon export" in ran.err
    assert ".aider.conf.yml was not written by akmon export" in ran.err
    assert text_of(place, "GEMINI.md") == "mine"
    assert "Be nice." in text_of(place, ".windsurfrules")
    assert place.akmon("export", "--tool", "gemini", "--force").code == 0
    assert "Be nice." in text_of(place, "GEMINI.md")


def test_exporting_and_importing_does_not_double_anything(place: Place) -> None:
    put(place.project, {"AGENTS.md": "Be nice.\n"})
    place.akmon("export", "--all")
    before = snapshot(place)
    ran = place.akmon("import")
    assert ran.code == 0
    assert "came from akmon export" in ran.err
    assert snapshot(place) == before


def test_an_agents_md_that_was_exported_is_not_imported_into(place: Place) -> None:
    put(place.project, {"AKMON.md": "Be nice.\n", ".cursorrules": "x"})
    assert place.akmon("export", "--tool", "codex").code == 0
    before = text_of(place)
    assert "from AKMON.md" in before
    assert place.akmon("import").code == 2
    assert text_of(place) == before


def test_a_dry_run_of_an_export_prints_and_writes_nothing(place: Place) -> None:
    put(place.project, {"AGENTS.md": "Be nice.\n"})
    ran = place.akmon("export", "--tool", "kiro", "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith("--- .kiro/steering/akmon.md\n---\ninclusion: always\n")
    assert list(snapshot(place)) == ["AGENTS.md"]


def test_without_instructions_or_tools_there_is_a_clear_error(place: Place) -> None:
    ran = place.akmon("export", "--all")
    assert ran.code == 2
    assert "akmon init" in ran.err
    assert place.akmon("export").code == 2
    assert place.akmon("export", "--all", "--tool", "kiro").code == 2


def test_no_export_goes_through_a_link(place: Place) -> None:
    put(place.project, {"AGENTS.md": "Be nice.\n"})
    put(place.home, {"x.md": "private", "out/x": ""})
    (place.project / "GEMINI.md").symlink_to(place.home / "x.md")
    (place.project / ".roo").symlink_to(place.home / "out")
    assert place.akmon("export", "--tool", "gemini", "--force").code == 1
    assert place.akmon("export", "--tool", "roo", "--force").code == 1
    assert (place.home / "x.md").read_text() == "private"
    assert not (place.home / "out/rules").exists()


def test_where_the_rules_of_cline_are_a_folder_the_file_goes_into_it(place: Place) -> None:
    put(place.project, {"AGENTS.md": "Be nice.\n", ".clinerules/own.md": "own"})
    assert place.akmon("export", "--tool", "cline").code == 0
    assert text_of(place, ".clinerules/akmon.md").endswith("Be nice.\n")
    assert text_of(place, ".clinerules/own.md") == "own"


def test_the_subcommands_are_known_to_help_and_completion(place: Place) -> None:
    assert "init, import, export" in place.akmon("--help").out
    script = place.akmon("completion", "bash").out
    (subcommands,) = (line for line in script.splitlines() if line.startswith("_shtab_akmon_subparsers="))
    for name in ("init", "import", "export"):
        assert name in subcommands.strip("()").replace("(", " ").split(" ")
        assert place.akmon(name, "--help").code == 0
