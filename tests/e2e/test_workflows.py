"""Plan mode, the architect, carrying out a plan, sub-agents and reminders, with the real process."""

from __future__ import annotations

import pytest

from tests.e2e.program import Place, kinds, sound
from tests.e2e.terminal import opened

PLAN = "say # Say hello\nsay\nsay 1. write hello.txt"
WORK = 'call write {"path": "hello.txt", "content": "hello\\n"}\n---\nsay It is written.'
EDITS = ("--permission-mode", "accept-edits")


def test_plan_mode_keeps_a_plan_which_another_run_carries_out(place: Place) -> None:
    ran = place.play(PLAN, "say hello", "--plan")
    assert (ran.code, ran.out) == (0, "# Say hello\n\n1. write hello.txt\n")
    (plan,) = (place.project / ".akmon" / "plans").iterdir()
    assert f"! the plan is in .akmon/plans/{plan.name}" in ran.err
    ran = place.akmon("-m", place.script(WORK), "--implement", "-p", *EDITS)
    assert (ran.code, ran.out) == (0, "It is written.\n")
    assert (place.project / "hello.txt").read_text() == "hello\n"
    state = sound(place.newest())
    assert "1. write hello.txt" in state.history[0].text
    assert state.mode == "accept-edits"


def test_a_plan_can_be_named_by_its_file(place: Place) -> None:
    (place.project / "mine.md").write_text("Write hello.\n")
    ran = place.akmon("-m", place.script(WORK), "-p", *EDITS, "--implement", "mine.md")
    assert (ran.code, (place.project / "hello.txt").exists()) == (0, True)


def test_a_session_that_made_a_plan_leaves_plan_mode_to_carry_it_out(place: Place) -> None:
    model = place.script(f"{PLAN}\n---\n{WORK}")
    assert place.akmon("-m", model, "-p", "say hello", "--plan").code == 0
    ran = place.akmon("-m", model, "-c", "--implement", "-p", "--allow", "write")
    assert (ran.code, ran.out) == (0, "It is written.\n")
    assert sound(place.journal()).mode == "default"


def test_without_a_plan_there_is_nothing_to_carry_out(place: Place) -> None:
    ran = place.akmon("-m", place.script(WORK), "--implement", "-p", "--output=json")
    assert ran.code == 1
    assert "there is no plan" in ran.json["error"]
    assert ran.err.count("there is no plan") == 1
    ran = place.akmon("-m", place.script(WORK), "-p", "--implement", "absent.md")
    assert (ran.code, ran.out) == (2, "")
    assert "absent.md" in ran.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--plan", "--permission-mode", "full-auto", "x"], "--plan means"),
        (["--plan", "--architect", "x"], "--architect makes a plan"),
        (["--plan", "--implement"], "--implement carries out"),
        (["--permission-mode=plan", "--implement"], "--implement carries out"),
        (["--architect", "--implement"], "--implement carries out"),
        (["-t", "x", "--implement"], "without a prompt"),
    ],
)
def test_workflows_that_exclude_each_other_are_refused(
    place: Place, arguments: list[str], problem: str
) -> None:
    ran = place.akmon("-m", place.script("say no"), "-p", "--output=json", *arguments)
    assert (ran.code, place.journals()) == (2, [])
    assert problem in ran.json["error"]


def test_a_plan_is_not_carried_out_in_plan_mode_that_the_settings_ask_for(place: Place) -> None:
    (place.project / "mine.md").write_text("Write hello.\n")
    (place.project / ".akmon").mkdir()
    (place.project / ".akmon" / "config.toml").write_text('permission_mode = "plan"\n')
    arguments = ("-m", place.script(WORK), "-p", "--implement", "mine.md")
    ran = place.akmon(*arguments)
    assert (ran.code, place.journals()) == (2, [])
    assert "permission_mode is plan (project file" in ran.err
    assert place.akmon(*arguments, *EDITS).code == 0


def test_the_planner_model_plans_and_the_model_does_it(place: Place) -> None:
    price = "price input=1000 output=1 cache_read=1 cache_write=1\n"
    planner = place.script(
        f"{price}say unused\n---\nfor agent\ncall list {{}}\nusage input=1000\n---\n{PLAN}"
    )
    work = price + WORK.replace("\n---", "\nusage input=2000\n---")
    ran = place.play(
        work, "say hello", "--architect", "--planner-model", planner, *EDITS, "--output=stream-json"
    )
    assert ran.code == 0
    (saved,) = [line for line in ran.lines if line["type"] == "plan_saved"]
    assert (place.project / saved["path"]).read_text() == "# Say hello\n\n1. write hello.txt\n"
    result = ran.lines[-1]
    assert (result["result"], result["cost_usd"]) == ("It is written.", 3.0)
    (planning,) = {line["agent"] for line in ran.lines if line["agent"]}
    assert {call["name"]: call["agent"] for call in result["tool_calls"]} == {"list": planning, "write": ""}
    assert place.akmon("stats", "--json").json["total"]["cost_usd"] == 3.0


SUB_AGENT = """\
call task {"task": "Count the files.", "title": "Count"}
usage input=100 output=10
---
say Two files.
usage input=200 output=20
---
for agent
call list {}
usage input=1000 output=100
---
call write {"path": "not-yours.txt", "content": "x"}
usage input=2000 output=200
---
say There are two.
usage input=4000 output=400
"""


def test_a_sub_agent_counts_once_is_named_and_cannot_do_more_than_its_parent(place: Place) -> None:
    ran = place.play(SUB_AGENT, "how many files?", "--output=stream-json")
    result = ran.lines[-1]
    assert (result["result"], ran.code) == ("Two files.", 3)
    assert (result["usage"]["input_tokens"], result["usage"]["output_tokens"]) == (7300, 730)
    assert sum(line["usage"]["input_tokens"] for line in ran.lines[:-1] if "usage" in line) == 7300
    (denial,) = result["permission_denials"]
    assert (denial["tool"], bool(denial["agent"])) == ("write", True)
    assert not (place.project / "not-yours.txt").exists()
    stats = place.akmon("stats", "--json").json
    assert stats["total"]["input_tokens"] == 7300
    assert [turn["input_tokens"] for turn in stats["turns"]] == [7300]


def test_text_shows_one_line_for_each_call_of_a_sub_agent_and_the_run_ends_with_the_main_one(
    place: Place,
) -> None:
    ran = place.play(SUB_AGENT, "how many files?")
    assert ran.out == "Two files.\n"
    agent = [line for line in ran.err.splitlines() if line.startswith("[")]
    assert [line.split("] ", 1)[1].split(":")[0] for line in agent] == ["list", "write not-yours.txt"]
    for document in ("show", "export"):
        assert agent[0][1:].split("]")[0] in place.akmon("sessions", document).out


@pytest.mark.parametrize(
    ("setting", "told"),
    [((), True), (("--check", "none"), False), (("--check", "make lint"), True)],
)
def test_who_changed_files_and_checked_nothing_is_reminded_of_the_check(
    place: Place, setting: tuple[str, ...], told: bool
) -> None:
    (place.project / "Makefile").write_text("test:\n\ttrue\nlint:\n\ttrue\n")
    ran = place.play(f"{WORK}\n---\nsay It makes no sense here.", "go", *EDITS, *setting)
    assert ran.code == 0
    assert ("reminded" in kinds(place.journal())) == told
    assert (("make lint" if setting else "make test") in ran.err) == told


def test_the_window_is_kept_by_a_summary_or_by_nothing(place: Place) -> None:
    script = "window 20000\nmax_output 1000\n---\n" + "\n---\n".join(
        f'call shell {{"command": "seq {number}000 {number}999"}}\nsay {number}' for number in range(1, 30)
    )
    for arguments, shortened in (((), True), (("--no-auto-compact",), False)):
        script += "\n---\nsay done"
        ran = place.play(script, "go", "--allow=shell", "--max-turns=40", *arguments)
        assert ran.code in (0, 1)
        assert ("compacted" in kinds(place.newest())) == shortened
        assert ("the conversation was shortened" in ran.err) == shortened


@pytest.mark.parametrize("flags", [["--implement"], ["--architect", "say hello"]])
def test_a_conversation_may_begin_with_a_plan(place: Place, flags: list[str]) -> None:
    plans = place.project / ".akmon" / "plans"
    plans.mkdir(parents=True)
    (plans / "20260101-000000-hello.md").write_text("Write hello.\n")
    arguments = ["-m", place.script(f"{WORK}\n---\nfor agent\n{PLAN}"), *EDITS, *flags]
    with opened(arguments, place.project, place.env) as terminal:
        terminal.sees("It is written")
        terminal.press("\x04")
        terminal.sees("go on with: akmon -r")
        assert terminal.ends() == 0
    assert (place.project / "hello.txt").read_text() == "hello\n"
