"""The desk: what the screen is told of models, sessions, settings, costs and the window."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from akmon_cli.desk.costs import cost_table
from akmon_cli.desk.desk import Desk
from akmon_cli.desk.models import model_choices
from akmon_core.errors import AkmonError, JournalError, ProviderError, SettingsError
from akmon_core.events import Compacted, Envelope, Event, ModelChosen, ModelFailed, Replied
from akmon_core.messages import Assistant
from akmon_core.models import Listed
from akmon_core.stream import Usage
from akmon_models.backend import ACCESS, Backend
from akmon_tui.services import Report, Services
from tests.cli.desks import Office, ask

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(tmp_path.resolve(), monkeypatch)


def test_it_is_what_the_screen_asks_for(office: Office) -> None:
    async def used(services: Services) -> str:
        return await services.branch()

    assert office.with_desk(used) == ""


def test_it_tells_the_servers_of_the_session(office: Office) -> None:
    async def told() -> None:
        async with office.open() as (desk, session):
            assert await desk.servers() == session.servers == ()

    asyncio.run(told())


# --- models ---------------------------------------------------------------------------------------


def test_models_that_can_be_asked_come_first_and_others_say_why_they_cannot() -> None:
    async def listed(provider: str, backend: Backend) -> list[Listed] | None:
        if provider == "openai":
            raise ProviderError("authentication", "openai refused access. Check OPENAI_API_KEY.")
        return [Listed(id="b", detail="new"), Listed(id="a", context_window=7)]

    known = {"openai": Backend("k"), "groq": Backend("k")}
    choices = asyncio.run(model_choices(known, ask=listed, local=NOWHERE))
    assert [(each.provider, each.id, each.window, each.detail) for each in choices[:2]] == [
        ("groq", "a", 7, ""),
        ("groq", "b", choices[1].window, "new"),
    ]
    openai = [each for each in choices if each.provider == "openai"]
    assert openai
    assert all("Check OPENAI_API_KEY." in each.detail for each in openai)
    claude = next(each for each in choices if each.provider == "anthropic" and "sonnet" in each.id)
    assert claude.missing == "ANTHROPIC_API_KEY is not set"
    assert claude.price.startswith("$")
    assert "thinking" in claude.abilities
    assert {each.provider for each in choices} <= set(ACCESS)


def test_a_server_that_is_configured_is_asked(office: Office) -> None:
    from tests.cli.test_models import OPENAI, serving

    with serving(OPENAI) as server:
        office.user(f'openai_compatible_url = "{server}/v1"\nollama_base_url = "{server}/none"\n')
        choices = office.with_desk(Desk.models)
    assert [each.id for each in choices if each.provider == "openai-compatible"] == [
        "openai/gpt-oss-20b",
        "zeta",
    ]


# --- sessions -------------------------------------------------------------------------------------


def test_earlier_sessions_can_be_chosen_and_looked_into_but_not_the_present_one(office: Office) -> None:
    async def session_of(desk: Desk) -> str:
        return desk._session.id

    first = office.with_desk(session_of, "--name", "mine", prompts=("look\x1b[2J at it", "again"))
    office.with_desk(session_of)
    (choice,) = office.with_desk(Desk.sessions, prompts=("now",))
    assert (choice.id, choice.name, choice.prompt) == (first, "mine", "look at it")
    preview = office.with_desk(lambda desk: desk.preview(first))
    assert preview == "**You:** look at it\n\nI will look.\n\n# All is **well**.\n\n**You:** again\n\nMore."
    with pytest.raises(JournalError):
        office.with_desk(lambda desk: desk.preview("nonsense"))


def test_of_a_long_session_the_beginning_and_the_end_are_shown(office: Office) -> None:
    async def own(desk: Desk) -> str:
        return await desk.preview(desk._session.id)

    preview = office.with_desk(own, prompts=("a", *(f"prompt {n}" for n in range(5)), "x" * 9_000))
    assert preview.startswith("**You:** a\n\nI will look.\n\n*(9 more messages)*\n\n**You:** prompt 4")
    assert len(preview) < 3_000


# --- settings -------------------------------------------------------------------------------------


def test_settings_are_shown_with_origins_and_without_keys(office: Office) -> None:
    office.user('theme = "light"\nopenai_api_key = "sk-canary"\n')
    rows = {row.name: row for row in office.with_desk(Desk.settings)}
    assert rows["theme"].value == "light"
    assert rows["theme"].origin.startswith("user file")
    assert rows["openai_api_key"].value == "set"
    assert rows["sandbox"].origin == "flag --sandbox"
    assert all(row.about for row in rows.values())


def test_a_setting_is_saved_and_what_still_overrides_it_is_told(office: Office) -> None:
    office.user("# mine\n")

    async def saved(desk: Desk) -> tuple[str, str]:
        theme = await desk.save_setting("theme", "dark")
        return theme, await desk.save_setting("model", "groq/x")

    theme, model = office.with_desk(saved)
    path = office.config / "config.toml"
    assert path.read_text() == '# mine\ntheme = "dark"\nmodel = "groq/x"\n'
    assert theme == f"theme is saved in {path}."
    assert "It has no effect here: scripted:" in model
    assert "flag --model" in model
    with pytest.raises(SettingsError, match="theme: it should be 'auto'"):
        office.with_desk(lambda desk: desk.save_setting("theme", "pink"))


# --- the window, costs, reports -------------------------------------------------------------------


def test_the_parts_of_the_window_add_up_to_what_is_expected_of_the_next_prompt(office: Office) -> None:
    (office.project / "AGENTS.md").write_text("Use tabs. " * 50)

    async def filled(desk: Desk) -> tuple[dict[str, int], int]:
        slices = {each.label: each.tokens for each in await desk.context()}
        return slices, desk._session.state.gauge.reported

    slices, reported = office.with_desk(filled, prompts=("look",))
    assert [*slices] == [
        *("system prompt", "tool descriptions", "instruction files"),
        *("your prompts", "replies and calls", "results of tools"),
    ]
    assert all(slices.values())
    assert reported <= sum(slices.values()) < reported + 100
    fresh, _ = office.with_desk(filled)
    assert "your prompts" not in fresh


def test_costs_are_listed_by_call_with_their_sum(office: Office) -> None:
    assert office.with_desk(Desk.costs) == "No model was called yet."
    rows = office.with_desk(Desk.costs, prompts=("look",)).splitlines()
    assert rows[0].split() == ["time", "model", "in", "cached", "out", "cost"]
    assert rows[1].split()[2:] == ["1,500", "20%", "45", "unpriced"]
    assert rows[-1].split() == ["total", "2", "calls", "3,200", "56%", "65", "unpriced"]
    assert len(rows) == 4


def test_what_failed_and_what_sub_agents_did_costs_as_well() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=5)
    events: list[tuple[str, Event]] = [
        ("", ModelChosen("groq", "a")),
        ("", Replied(Assistant(()), usage, 0.5, attempts=2)),
        ("task-3", ModelChosen("groq", "b")),
        ("task-3", ModelFailed("overloaded", "no", usage, None)),
        ("", Compacted(summary="s", kept=1, said=1, usage=usage, cost=0.25, model="groq/c")),
    ]
    table = cost_table(
        Envelope(seq=at, at=at, session="s", turn=1, cause="", agent=agent, event=event)
        for at, (agent, event) in enumerate(events, 1)
    )
    rows = [" ".join(row.split()[1:]) for row in table.splitlines()]
    assert rows[1:] == [
        "groq/a 1,000 0% 5 $0.5000 2 attempts",
        "groq/b 1,000 0% 5 unpriced task-3, failed",
        "groq/c 1,000 0% 5 $0.2500 summary",
        "3 calls 3,000 0% 15 unpriced",
        "is priced of it: $0.7500",
    ]


def test_of_many_calls_the_last_are_listed_and_all_are_counted(office: Office) -> None:
    rows = office.with_desk(Desk.costs, prompts=tuple(map(str, range(60)))).splitlines()
    assert len(rows) == 1 + 50 + 2
    assert rows[-2] == "(11 earlier ones are counted in the sum)"
    assert "61 calls" in rows[-1]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("doctor", ("python", "sandbox", "(a script was named)", "project")),
        ("stats", ("turn 1", "total")),
        ("status", ("model    scripted/", "mode     plan", "journal")),
        ("memory", ("no notes yet",)),
        ("audit", ("read", "allow")),
        ("policy", ("mode     plan  (flag --permission-mode)", "shell(make *)")),
        ("trust", ("nothing to trust",)),
    ],
)
def test_reports_say_what_the_subcommands_print(office: Office, what: Report, words: tuple[str, ...]) -> None:
    arguments = ("--permission-mode", "plan", "--allow", "shell(make *)")
    text = office.with_desk(lambda desk: desk.report(what), *arguments, prompts=("look",))
    assert all(word in text for word in words), text
    assert not text.endswith("\n")


def test_what_others_print_meanwhile_is_in_no_report(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    over = threading.Event()

    async def reported(desk: Desk) -> str:
        def chatter() -> None:
            while not over.wait(0.001):
                print("chatter")

        thread = threading.Thread(target=chatter)
        thread.start()
        try:
            return await desk.report("doctor")
        finally:
            over.set()
            thread.join()

    before = sys.stdout
    assert "chatter" not in office.with_desk(reported)
    assert sys.stdout is before
    assert "chatter" in capsys.readouterr().out


def test_a_session_without_a_word_has_nothing_to_show(office: Office) -> None:
    for what in (
        lambda desk: desk.report("stats"),
        lambda desk: desk.report("audit"),
        lambda desk: desk.export(""),
    ):
        with pytest.raises(SettingsError, match="nothing was said in this session yet"):
            office.with_desk(what)


# --- export ---------------------------------------------------------------------------------------


def test_the_conversation_is_written_as_markdown_and_never_over_something_else(office: Office) -> None:
    async def exported(desk: Desk) -> list[str]:
        paths = [await desk.export(""), await desk.export("out.md")]
        with pytest.raises(AkmonError, match=r"out\.md is there already"):
            await desk.export("out.md")
        with pytest.raises(AkmonError, match="cannot write none/out"):
            await desk.export("none/out.md")
        await ask(desk._session, "more")
        return paths

    chosen, named = office.with_desk(exported, prompts=("look",))
    assert Path(named) == office.project / "out.md"
    assert Path(chosen).parent == office.project
    text = Path(chosen).read_text()
    assert text == Path(named).read_text()
    assert "## User\n\nlook" in text
    assert "# All is **well**." in text
