"""A session as Markdown, HTML and JSON."""

from __future__ import annotations

import asyncio
import html
import re
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_cli.transcript import TRANSCRIPTS
from akmon_core.commands import Prompt
from akmon_core.events import (
    Attached,
    CacheBroken,
    Cleared,
    Committed,
    Compacted,
    DurableEvent,
    Envelope,
    FilesChanged,
    Instructed,
    ModelFailed,
    PlanSaved,
    Prompted,
    QuestionAnswered,
    QuestionAsked,
    Reminded,
    Replied,
    Rewound,
    SummaryFailed,
    TurnEnded,
)
from akmon_core.files import FileChange, FileState
from akmon_core.messages import Assistant, Text, ToolCall, User, note
from akmon_query.assembly import assemble
from akmon_query.journal import FileJournal
from akmon_query.store import SessionInfo
from akmon_query.testing import FakeModel, FakeTool, run_turn

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


def transcripts(path: Path, prompt: str, argument: str, answer: str) -> dict[str, str]:
    """All transcripts of a session in which ``argument`` went through a tool."""

    async def play() -> None:
        arguments = msgspec.json.encode({"text": argument}).decode()
        asked = Assistant((ToolCall("1", "echo", arguments),), "tools")
        model = FakeModel([asked, Assistant((Text(answer),))])
        async with assemble(model, {"echo": FakeTool()}, FileJournal(path), session="s") as session:
            await run_turn(session, Prompt(prompt))

    path.unlink(missing_ok=True)
    asyncio.run(play())
    info = SessionInfo(
        id="s", path=path, started=0, changed=0, name="n", provider="p", model="m", cwd="/", prompt=prompt
    )
    return {form: "".join(pieces(info)) for form, pieces in TRANSCRIPTS.items()}


def test_markdown_has_what_was_said_and_done_in_order(tmp_path: Path) -> None:
    document = transcripts(tmp_path / "s.jsonl", "the question", "the output", "the answer")["markdown"]
    found = re.findall(r"^#.*|^\*.*|the \w+$", document, re.MULTILINE)
    assert found == [
        "# Session s (n)",
        "## User",
        "the question",
        "**echo**",
        "*echo: allow by policy: it has no effect outside the session*",
        "**echo result**",
        "the output",
        "## akmon",
        "the answer",
    ]


@settings(max_examples=50, deadline=None)
@given(texts, st.lists(st.sampled_from(["`", "``", "\n", "x", "```\n", "~~~"]), max_size=12), texts)
def test_no_output_breaks_out_of_its_block_and_html_has_only_our_tags(
    prompt: str, pieces: list[str], answer: str
) -> None:
    output = "".join(pieces)
    with tempfile.TemporaryDirectory() as folder:
        found = transcripts(Path(folder, "s.jsonl"), prompt, output, answer)
    block = found["markdown"].split("**echo result**\n\n", 1)[1]
    fence = re.match(r"`{3,}", block)
    assert fence
    assert fence[0] not in output
    assert block.startswith(f"{fence[0]}\n{output}\n{fence[0]}\n")
    body = found["html"].split("<pre>\n", 1)[1].removesuffix("</pre>\n")
    assert "<" not in body
    assert html.unescape(body) == found["markdown"]


def test_json_holds_every_record_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    exported = msgspec.json.decode(transcripts(path, "q", "o", "a")["json"])
    assert exported["records"] == [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    assert (exported["session_id"], exported["name"], exported["cwd"]) == ("s", "n", "/")


def test_what_a_failed_call_had_said_is_in_the_document(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    journal = FileJournal(path)
    said = ModelFailed("server", "broke", said="half an answer")
    journal.append(Envelope(1, 0.0, "s", 1, "c", said), sync=False)
    journal.append(Envelope(2, 0.0, "s", 1, "c", CacheBroken("the tools changed", 9_000)), sync=False)
    journal.close()
    info = SessionInfo(
        id="s", path=path, started=0, changed=0, name="", provider="p", model="m", cwd="/", prompt="x"
    )
    document = "".join(TRANSCRIPTS["markdown"](info))
    assert "\n## akmon\n\nhalf an answer\n" in document
    assert "9,000 tokens of the prompt anew: the tools changed*" in document


def test_sub_agents_summaries_and_plans_are_told_of_by_name(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    journal = FileJournal(path)
    happened: list[tuple[str, DurableEvent]] = [
        ("", Instructed("be kind")),
        ("", Prompted(User((Text("the question"),)))),
        ("task-3", Prompted(User((Text("the task"),)))),
        ("task-3", Replied(Assistant((Text("its answer"),)))),
        ("task-3", TurnEnded("max_turns", "no more")),
        ("", Cleared((1, 2), 50)),
        ("", Compacted(summary="# a summary", kept=1, said=0, before=90, after=10)),
        ("", SummaryFailed(message="no answer")),
        ("", Reminded("unverified", note("run it"))),
        ("", PlanSaved("plans/x.md", "the plan")),
        ("", QuestionAsked("1", "which one?", ("a", "b"))),
        ("", QuestionAnswered("1", "")),
        ("task-3", FilesChanged((FileChange("/p/a", None, FileState("file")), FileChange("/p/b")), "1")),
        ("", Rewound(record=14, to=2, conversation=False, changes=(FileChange("/p/a"),), left=("/p/b",))),
        ("", Committed("1a2b", "Fix it", ("a",))),
        ("", Attached("docs:file:///x", note("what it says"), "docs")),
        ("", TurnEnded("completed")),
    ]
    for seq, (agent, event) in enumerate(happened, 1):
        journal.append(
            Envelope(seq=seq, at=0.0, session="s", turn=1, cause="", event=event, agent=agent), sync=False
        )
    journal.close()
    info = SessionInfo(
        id="s", path=path, started=0, changed=0, name="", provider="p", model="m", cwd="/", prompt=""
    )
    document = "".join(TRANSCRIPTS["markdown"](info))
    found = [line for line in document.splitlines() if line and not line.startswith("```")][2:]
    assert found == [
        "**instructions of the user and the project**",
        "be kind",
        "## User",
        "the question",
        "## Task of task-3",
        "the task",
        "## task-3",
        "its answer",
        "*task-3 ended: max_turns: no more*",
        "*Old results left the prompt: 2*",
        "**the conversation was shortened** (about 90 tokens, then 10)",
        "# a summary",
        "*No summary of the conversation: no answer*",
        "*akmon to the model: run it*",
        "*The plan is in plans/x.md*",
        "*Question: which one? / a / b*",
        "*Answer: left to the model*",
        "*Files: /p/a created, /p/b removed*",
        "*Taken back to before record 2: files*",
        "*Files: /p/a removed*",
        "*Left as they are: /p/b*",
        "*Committed 1a2b: Fix it (files: 1)*",
        "**attached docs:file:///x, 1 line**",
        "what it says",
    ]
