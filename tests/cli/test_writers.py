"""What the output formats print of each event."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from akmon_cli.progress import Progress
from akmon_cli.report import CallReport, Denial, Report
from akmon_cli.writers import writer
from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    CommandRan,
    Committed,
    Compacted,
    Compacting,
    Envelope,
    Event,
    FilesChanged,
    Instructed,
    ModelFailed,
    Noticed,
    PermissionDecided,
    Pinned,
    PlanSaved,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Renamed,
    Replied,
    Rewound,
    ServerChanged,
    SummaryFailed,
    ToolFinished,
    ToolStarted,
    TurnEnded,
)
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Assistant, Image, Pin, Text, Thinking, ToolCall, ToolResult, User, note
from akmon_core.stream import Retrying, TextDelta, ThinkingDelta
from akmon_core.tools import DiffView, Effect

hostile = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["\x1b[2J", "\x1b]0;t\x07", "\x9b31m", "a\rb", "\u202e", "\x00", "\u2028", "\ud800", "{}"]
    ),
)
calls = st.builds(ToolCall, st.sampled_from(["1", "2"]), hostile, hostile)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        lambda text, calls: Replied(Assistant((Thinking(text), Text(text), *calls))),
        hostile,
        st.lists(calls, max_size=2),
    ),
    st.builds(
        lambda id_, decision, text: PermissionDecided(
            call_id=id_,
            decision=decision,
            by="policy",
            reason=text,
            tool=text,
            effects=(Effect("run", text),),
        ),
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from(["allow", "deny"]),
        hostile,
    ),
    st.builds(ToolStarted, st.sampled_from(["1", "2", "3"]), hostile, st.booleans()),
    st.builds(
        lambda id_, text, error: ToolFinished(
            ToolResult(id_, text, error), text, text, DiffView(text, f"-{text}\n+{text}\n", 1, 1)
        ),
        st.sampled_from(["1", "2", "3"]),
        hostile,
        st.booleans(),
    ),
    st.builds(Retrying, st.just(2), st.just(6), st.just(1.5), hostile, st.sampled_from([0.0, 1.0]), hostile),
    st.builds(ModelFailed, st.just("server"), hostile, said=hostile),
    st.builds(CacheBroken, hostile, st.integers(0, 9)),
    st.builds(
        lambda text, id_: FilesChanged((FileChange(text, None, FileState("file", text)),), id_),
        hostile,
        st.sampled_from(["1", ""]),
    ),
    st.builds(
        lambda text: Rewound(
            record=5, to=1, conversation=True, changes=(FileChange(text, FileState("file")),), left=(text,)
        ),
        hostile,
    ),
    st.builds(lambda text: Committed(text, text, (text,)), hostile),
    st.builds(
        CommandRan, hostile, hostile, st.sampled_from([0, None]), st.one_of(st.none(), hostile.map(note))
    ),
    st.builds(Renamed, hostile),
    st.builds(lambda name, text: Attached(name, note(text), name), hostile, hostile),
    st.builds(ToolStarted, st.just("1"), hostile.map(lambda text: f"mcp__{text}__{text}"), server=hostile),
    st.builds(Noticed, hostile),
    st.builds(Instructed, hostile),
    st.builds(lambda text: Reminded("mode", note(text)), hostile),
    st.builds(lambda name, text: Pinned(Pin(name, text)), hostile, hostile),
    st.builds(PlanSaved, hostile, hostile),
    st.builds(QuestionAsked, st.just("1"), hostile, st.tuples(hostile, hostile)),
    st.builds(QuestionAnswered, st.just("1"), hostile),
    st.builds(Cleared, st.just((1, 2)), st.integers(0, 9)),
    st.builds(Compacting, st.integers(0, 9)),
    st.builds(lambda text: Compacted(summary=text, kept=1, said=0), hostile),
    st.builds(lambda text: SummaryFailed(message=text), hostile),
    st.builds(TextDelta, hostile),
    st.builds(ThinkingDelta, hostile),
)


def envelope(event: Event, agent: str = "") -> Envelope:
    return Envelope(seq=1, at=0.0, session="s", turn=1, cause="", event=event, agent=agent)


def report_of(text: str) -> Report:
    return Report(
        result=text,
        error=text,
        exit_reason="denied",
        tool_calls=[CallReport(text, True, text)],
        permission_denials=[Denial(text, "1", [text], text)],
    )


def test_rules_that_would_allow_what_was_denied_are_named_once_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    denials = [
        Denial("shell", str(number), [f"pytest {number}"], "it is asked", allow="shell(pytest *)")
        for number in range(2)
    ]
    report = Report(error="2 calls were denied.", exit_reason="denied", permission_denials=denials)
    writer("text", partial=False).end(report)
    assert capsys.readouterr().err.splitlines() == [
        "akmon: 2 calls were denied.",
        "akmon: denied: shell pytest 0: it is asked",
        "akmon: denied: shell pytest 1: it is asked",
        "akmon: to allow it: --allow 'shell(pytest *)'",
    ]


def steers(text: str) -> bool:
    """Whether a terminal could take anything in ``text`` for more than characters to show."""
    return any(
        unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in "\n\t\u200c\u200d" for char in text
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(events, st.sampled_from(["", "task-1"])), max_size=5), hostile)
def test_text_for_people_never_steers_their_terminal(
    capsys: pytest.CaptureFixture[str], happened: list[tuple[Event, str]], text: str
) -> None:
    out = writer("text", partial=False)
    for event, agent in happened:
        out.show(envelope(event, agent))
    out.end(report_of(text))
    printed = capsys.readouterr()
    assert not steers(printed.out)
    assert not steers(printed.err)


def shown(capsys: pytest.CaptureFixture[str], *happened: Event, agent: str = "") -> list[str]:
    """The lines of progress."""
    out = writer("text", partial=False)
    for event in happened:
        out.show(envelope(event, agent))
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


CALL = ToolCall("1", "shell", '{"command": "make all"}')
ALLOWED = PermissionDecided(call_id="1", decision="allow", by="policy", reason="a rule", tool="shell")


def test_a_call_is_shown_with_why_it_is_allowed_and_what_came_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(
        capsys,
        Replied(Assistant((Text("I build."), CALL))),
        ALLOWED,
        ToolStarted("1", "shell", mutating=True),
        ToolFinished(ToolResult("1", "boom", error=True), "shell", "exit 2, 1 line"),
    )
    assert lines == ["I build.", "> shell make all  (a rule)", "  failed: exit 2, 1 line"]


def test_a_denied_call_is_shown_once_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(
        capsys,
        Replied(Assistant((CALL,))),
        msgspec.structs.replace(ALLOWED, decision="deny", reason="nobody is there"),
        ToolFinished(ToolResult("1", "Denied.", error=True), "shell", "denied: nobody is there"),
    )
    assert lines == ["> shell make all", "  denied: nobody is there"]


def test_a_call_that_could_not_start_is_shown_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    finished = ToolFinished(ToolResult("1", "no such tool", error=True), "shell", "no such tool")
    assert shown(capsys, Replied(Assistant((CALL,))), finished) == [
        "> shell make all",
        "  failed: no such tool",
    ]


def test_results_of_parallel_calls_name_their_call(capsys: pytest.CaptureFixture[str]) -> None:
    other = ToolCall("2", "read", '{"path": "a.txt"}')
    lines = shown(
        capsys,
        Replied(Assistant((CALL, other))),
        ToolStarted("1", "shell"),
        ToolStarted("2", "read"),
        ToolFinished(ToolResult("1", "made"), "shell", "exit 0"),
        ToolFinished(ToolResult("2", "text"), "read", "9 lines"),
    )
    assert lines[-4:] == ["> shell make all", "  exit 0", "> read a.txt", "  9 lines"]


def test_a_retry_says_first_which_attempt_comes_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = shown(capsys, Retrying(2, 6, 1.5, "a long story " * 20))
    assert line.startswith("! attempt 2 of 6 in 2 s: a long story")


def test_a_wait_is_one_line_and_names_the_model_that_takes_over(capsys: pytest.CaptureFixture[str]) -> None:
    wait = [Retrying(2, 6, 2.0, "busy", passed=passed) for passed in (0.0, 1.0)]
    assert shown(capsys, *wait, Retrying(1, 6, 0.0, "busy", model="openai/gpt-x")) == [
        "! attempt 2 of 6 in 2 s: busy",
        "! openai/gpt-x takes over: busy",
    ]


def test_a_prompt_that_was_read_anew_is_told_with_its_cause(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, CacheBroken("the tools changed", 12_345)) == [
        "! the provider read up to 12,345 tokens of the prompt anew: the tools changed"
    ]


def test_a_change_is_shown_as_a_diff(capsys: pytest.CaptureFixture[str]) -> None:
    view = DiffView("a", "@@ -1 +1 @@\n-old\n+new\n", 1, 1)
    finished = ToolFinished(ToolResult("1", "ok"), "edit", "+1 -1 lines", view)
    assert shown(capsys, finished) == ["> 1", "  +1 -1 lines", "  @@ -1 +1 @@", "  -old", "  +new"]


def test_the_answer_itself_is_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, Replied(Assistant((Text("The answer."),))), TextDelta("The")) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(events, max_size=5), st.booleans())
def test_every_line_of_the_stream_is_one_object_with_a_type(
    capfdbinary: pytest.CaptureFixture[bytes], happened: list[Event], partial: bool
) -> None:
    out = writer("stream-json", partial=partial)
    encodable = [event for event in happened if "\\ud800" not in repr(event)]
    for event in encodable:
        out.show(envelope(event))
    out.end(Report())
    lines = [msgspec.json.decode(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert all(isinstance(line["type"], str) and line["agent"] == "" for line in lines)
    assert [line["type"] for line in lines].index("result") == len(lines) - 1
    deltas = sum(isinstance(event, TextDelta | ThinkingDelta) for event in encodable)
    assert sum(line["type"].endswith("_delta") for line in lines) == (deltas if partial else 0)


def test_what_is_attached_and_who_carries_a_call_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    message = User((Text("one\ntwo"), Image("image/png", "AAAA")), by="akmon")
    attached = Attached("docs:file:///x", message, "docs")
    assert streamed(capsys, attached) == {
        "type": "attached",
        "name": "docs:file:///x",
        "text": "one\ntwo",
        "images": 1,
        "untrusted": "docs",
    }
    called = ToolStarted("1", "mcp__docs__look", server="docs (https://d.example/mcp)")
    assert streamed(capsys, called)["server"] == "docs (https://d.example/mcp)"
    progress = Progress()
    reply = Replied(Assistant((ToolCall("1", "mcp__docs__look", '{"word": "x"}'),), "tools"))
    lines = [line for event in (attached, reply, called) for line in progress.lines(envelope(event))]
    assert lines == ["! attached docs:file:///x, 2 lines, 1 image", "> docs · look x"]
    assert shown(capsys, ServerChanged("docs")) == []


def streamed(capsys: pytest.CaptureFixture[str], event: Event) -> dict[str, Any]:
    """The line of the JSON stream for one event of the main agent, but for its name."""
    writer("stream-json", partial=True).show(envelope(event))
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert line.pop("agent") == ""
    return line


def test_the_stream_names_every_field_of_a_decision_a_retry_and_a_failure_also_the_usual_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0, "cache_read_tokens": 0, "cache_write_tokens": 0}
    assert streamed(
        capsys, PermissionDecided(call_id="1", decision="allow", by="policy", reason="a rule")
    ) == {
        "type": "permission",
        "tool": "",
        "call_id": "1",
        "decision": "allow",
        "by": "policy",
        "scope": "once",
        "reason": "a rule",
        "effects": [],
        "rule": "",
        "mode": "default",
        "proposed": "",
        "networked": False,
        "changing": False,
    }
    assert streamed(capsys, ToolStarted("1", "shell", sandbox="bubblewrap")) == {
        "type": "tool_started",
        "call_id": "1",
        "tool": "shell",
        "sandbox": "bubblewrap",
        "server": "",
    }
    assert streamed(capsys, ToolFinished(ToolResult("1", "ok"), "fetch", untrusted="web")) == {
        "type": "user",
        "tool": "fetch",
        "untrusted": "web",
        "message": {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "1", "content": "ok", "is_error": False}],
        },
    }
    assert streamed(capsys, Retrying(2, 6, 1.5, "busy")) == {
        "type": "retry",
        "attempt": 2,
        "attempts": 6,
        "wait": 1.5,
        "reason": "busy",
        "passed": 0.0,
        "model": "",
    }
    failure = {
        "type": "model_error",
        "kind": "server",
        "message": "down",
        "text": "",
        "usage": nothing,
        "attempts": 1,
        "model": "",
    }
    assert streamed(capsys, ModelFailed("server", "down")) == {**failure, "cost_usd": 0.0}
    assert streamed(capsys, ModelFailed("server", "down", cost=None)) == {**failure, "cost_usd": None}
    assert streamed(capsys, ModelFailed("server", "down", cost=0.5)) == {**failure, "cost_usd": 0.5}
    assert streamed(capsys, CacheBroken("the tools changed")) == {
        "type": "cache_broken",
        "cause": "the tools changed",
        "tokens": 0,
    }


def test_the_stream_has_one_line_for_each_wait_and_says_who_answered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = writer("stream-json", partial=True)
    out.show(envelope(Retrying(2, 6, 2.0, "busy", passed=1.0)))
    assert capsys.readouterr().out == ""
    line = streamed(
        capsys, Replied(Assistant((Text("x"),)), attempts=3, model="openai/gpt-x", response_id="r1")
    )
    assert (line["attempts"], line["model"], line["response_id"]) == (3, "openai/gpt-x", "r1")


def test_of_a_sub_agent_each_call_is_one_line_that_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    other = ToolCall("2", "read", '{"path": "a.txt"}')
    lines = shown(
        capsys,
        Replied(Assistant((Text("I look."), CALL, other))),
        msgspec.structs.replace(ALLOWED, decision="deny", reason="nobody is there"),
        ToolFinished(ToolResult("1", "Denied.", error=True), "shell", "denied: nobody is there"),
        ToolStarted("2", "read"),
        ToolFinished(ToolResult("2", "text"), "read", "9 lines"),
        QuestionAsked("3", "Which one?", ("a", "b")),
        Replied(Assistant((Text("All is well."),))),
        TurnEnded("completed"),
        agent="task-7",
    )
    assert lines == [
        "[task-7] shell make all: denied: nobody is there",
        "[task-7] read a.txt: 9 lines",
        "[task-7] ? Which one?",
        "[task-7]   - a",
        "[task-7]   - b",
    ]


def test_two_agents_with_the_same_call_ids_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    out = writer("text", partial=False)
    finished = ToolFinished(ToolResult("1", "text"), "read", "9 lines")
    for agent in ("", "task-1", "task-2"):
        call = ToolCall("1", "read", json.dumps({"path": f"{agent or 'main'}.txt"}))
        out.show(envelope(Replied(Assistant((call,))), agent))
    for agent in ("task-2", "", "task-1"):
        out.show(envelope(finished, agent))
    assert capsys.readouterr().err.splitlines() == [
        "[task-2] read task-2.txt: 9 lines",
        "> read main.txt",
        "  9 lines",
        "[task-1] read task-1.txt: 9 lines",
    ]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            Cleared((3, 4), 5_000),
            "! 2 old results left the prompt (about 5,000 tokens); the model can read them again",
        ),
        (
            Cleared((3,), 50),
            "! an old result left the prompt (about 50 tokens); the model can read them again",
        ),
        (Compacting(9_000), "! the conversation is being shortened (about 9,000 tokens)"),
        (
            Compacted(summary="s", kept=2, said=0, before=900, after=1),
            "! the conversation was shortened, a summary stands for its older part (about 900 tokens, now 1)",
        ),
        (
            Compacted(summary="s", kept=2, said=0, by="trim", before=9_000, after=1_000),
            "! the conversation was shortened, its oldest part is left out (about 9,000 tokens, now 1,000)",
        ),
        (SummaryFailed(message="no\nanswer"), "! there is no summary of the conversation: no answer"),
        (Reminded("unverified", note("Run the tests.")), "! the model is told: Run the tests."),
        (Instructed("12345"), "! instructions of the user and the project: 5 characters"),
        (Pinned(Pin("todos", "- a")), "! kept in mind: todos"),
        (Pinned(Pin("todos", "")), "! no longer kept in mind: todos"),
        (PlanSaved(".akmon/plans/x.md", "# X"), "! the plan is in .akmon/plans/x.md"),
        (QuestionAnswered("1", "the first"), "  answer: the first"),
        (QuestionAnswered("1", ""), "  left to the model"),
    ],
)
def test_what_becomes_of_the_conversation_is_one_line(
    capsys: pytest.CaptureFixture[str], event: Event, line: str
) -> None:
    assert shown(capsys, event) == [line]


def test_the_stream_names_every_field_of_what_becomes_of_the_conversation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0, "cache_read_tokens": 0, "cache_write_tokens": 0}
    took = {"usage": nothing, "cost_usd": 0.0, "attempts": 1, "model": ""}
    assert streamed(capsys, Cleared((3, 4), 50)) == {"type": "cleared", "results": [3, 4], "tokens": 50}
    assert streamed(capsys, Compacting(9)) == {"type": "compacting", "tokens": 9}
    compacted = Compacted(summary="s", kept=2, said=0, before=9, after=1)
    sizes = {"by": "model", "tokens_before": 9, "tokens_after": 1}
    assert streamed(capsys, compacted) == {"type": "compacted", "summary": "s", **sizes, **took}
    failed = {"type": "summary_failed", "message": "no", **took}
    assert streamed(capsys, SummaryFailed(message="no")) == failed
    reminder = {"type": "reminder", "kind": "mode", "text": "go"}
    assert streamed(capsys, Reminded("mode", note("go"))) == reminder
    assert streamed(capsys, Pinned(Pin("plan", "p"))) == {"type": "pin", "name": "plan", "text": "p"}
    assert streamed(capsys, PlanSaved("a.md", "p")) == {"type": "plan_saved", "path": "a.md", "text": "p"}
    question = {"type": "question", "call_id": "1", "question": "q", "options": ["a"], "server": "s"}
    assert streamed(capsys, QuestionAsked("1", "q", ("a",), "s")) == question
    assert streamed(capsys, QuestionAnswered("1", "a")) == {"type": "answer", "call_id": "1", "text": "a"}
    assert streamed(capsys, Instructed("be kind")) == {"type": "instructions", "text": "be kind"}


def test_every_line_of_the_stream_names_the_agent(capsys: pytest.CaptureFixture[str]) -> None:
    writer("stream-json", partial=True).show(envelope(TextDelta("x"), "task-3"))
    assert json.loads(capsys.readouterr().out) == {"type": "text_delta", "text": "x", "agent": "task-3"}


FILE = FileState("file", "0")
RUNS = msgspec.structs.replace(ALLOWED, effects=(Effect("run", "make all"),))
MADE = tuple(FileChange(f"/nowhere/{name}", None, FILE) for name in "abcde")
REWOUND = Rewound(
    record=9,
    to=3,
    conversation=True,
    changes=(FileChange("/p/a", FILE, None), FileChange("/p/b", None, FILE)),
    left=("/p/c",),
)


def test_what_a_command_changed_is_told_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(
        capsys,
        Replied(Assistant((CALL,))),
        RUNS,
        ToolStarted("1", "shell", mutating=True),
        FilesChanged(MADE, "1"),
        ToolFinished(ToolResult("1", "ok"), "shell", "exit 0"),
    )
    changed = "  changed: /nowhere/a, /nowhere/b, /nowhere/c (+2 more)"
    assert lines == ["> shell make all  (a rule)", changed, "  exit 0"]


def test_what_a_tool_writes_itself_is_not_told_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, ALLOWED, FilesChanged(MADE, "1")) == []


def test_what_a_sub_agents_command_changed_is_told_under_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, RUNS, FilesChanged(MADE[:1], "1"), agent="task-3")
    assert lines == ["[task-3] changed: /nowhere/a"]


def test_files_are_shown_from_the_working_folder(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("/nowhere")
    assert progress.lines(envelope(FilesChanged(MADE[:2]))) == ["! changed meanwhile: a, b"]


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (Committed("1a2b3c4d5e", "Fix\nit", ("a", "b")), ["! committed 1a2b3c4 Fix it (2 files)"]),
        (REWOUND, ["removed   /p/a", "restored  /p/b", "left      /p/c"]),
    ],
)
def test_commits_and_rewinds_are_told(
    capsys: pytest.CaptureFixture[str], event: Event, lines: list[str]
) -> None:
    assert shown(capsys, event) == lines


def test_the_stream_says_what_becomes_of_each_file(capsys: pytest.CaptureFixture[str]) -> None:
    unsure = FileChange("/p/c", FILE, FILE, sure=False)
    changes = [
        {"path": "/p/a", "change": "removed", "sure": True},
        {"path": "/p/b", "change": "created", "sure": True},
    ]
    changed = {"type": "files_changed", "call_id": "1", "changes": changes}
    assert streamed(capsys, FilesChanged(REWOUND.changes, "1")) == changed
    assert streamed(capsys, FilesChanged((unsure,))) == {
        "type": "files_changed",
        "call_id": "",
        "changes": [{"path": "/p/c", "change": "changed", "sure": False}],
    }
    assert streamed(capsys, REWOUND) == {
        "type": "rewound",
        "record": 9,
        "to": 3,
        "conversation": True,
        "changes": changes,
        "left": ["/p/c"],
    }
    committed = {"type": "committed", "commit": "1a", "subject": "s", "files": ["a"]}
    assert streamed(capsys, Committed("1a", "s", ("a",))) == committed
