"""A server is connected, called, started again and let go of, however it behaves; none of it is left."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mcp_types as types
import pytest

from akmon_core.errors import ToolError
from akmon_core.limits import MCP_DESCRIPTION_CHARS, MCP_PAGES, MCP_RELIST_SHARE, MCP_SAID_CHARS
from akmon_core.servers import Server
from akmon_tools.mcp.connection import Connection, Times
from akmon_tools.mcp.listing import Taken
from tests.tools.mcp.connected import QUICK, lives, raw, run, surroundings, text_of, watched


def test_a_server_is_connected_and_called(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            connection = it.connection
            assert (connection.state, connection.detail, connection.protocol) == ("ready", "", "2025-06-18")
            assert connection.says == "raw 0.1"
            assert connection.identity.startswith("raw (")
            assert connection.identity.endswith("raw.py), raw 0.1")
            assert await it.text("echo", text="-rf $(x)") == "-rf $(x)"
        assert it.states == ["starting", "ready", "stopped"]
        assert it.said == []

    run(test)


def test_what_it_offers_is_bounded_harmless_and_what_is_left_out_is_named(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw("large", "twice")) as it:
            (tool,) = it.connection.listing.tools
            assert len(tool.description) == MCP_DESCRIPTION_CHARS
            assert "\x1b" not in tool.description
            assert tool.schema == {"type": "object"}
            assert tool.reads_only
            assert tool.title == "a<U+0007>b"
            left = "\n".join(it.connection.listing.left_out)
            for words in ("tool echo: its description", "tool echo: its schema", "another one", "badname"):
                assert words in left
            assert len(left) < 2000

    run(test)


def test_a_list_without_an_end_is_cut(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw("endless-pages")) as it:
            assert len(it.connection.listing.tools) == MCP_PAGES
            assert "tools that come after" in it.connection.listing.left_out[0]

    run(test)


@pytest.mark.parametrize("mode", ["ends-when-probed", "nonsense-when-probed"])
def test_a_server_that_cannot_bear_the_newer_question_is_asked_the_older_one(
    tmp_path: Path, mode: str
) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw(mode)) as it:
            assert it.connection.state == "ready"
            assert await it.text("echo", text="x") == "x"

    run(test)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (raw("dies-at-once"), "exit code 1; the last it printed was: I cannot"),
        (raw("lies"), "1999-01-01"),
        (raw("hangs-at-start"), "did not answer within 1.5 s"),
        (Server(name="raw", transport="stdio", command=("no-such-program",)), "Install it"),
        (Server(name="raw", transport="stdio", command=("./no-such",)), "no-such does not exist"),
        (Server(name="raw", transport="stdio", command=("true",), cwd="nowhere"), "nowhere to run it in"),
    ],
)
def test_a_server_that_does_not_start_says_why_and_is_not_started_again(
    tmp_path: Path, server: Server, words: str
) -> None:
    async def test() -> None:
        times = Times(connect=1.5) if "did not answer" in words else QUICK
        async with watched(tmp_path, server, times) as it:
            await it.until(lambda: it.connection.state == "failed")
            assert words in it.connection.detail
            assert it.said == [it.connection.detail]
            if it.connection.log:
                assert it.connection.log in it.connection.detail
            with pytest.raises(ToolError, match="the server raw is failed"):
                await it.text("echo")

    run(test)


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("refuse", r"raw: it refused: no way \(error -32000\)"),
        ("invalid", "raw: its answer is not what the protocol says"),
        ("nosuch", "Unknown tool: nosuch"),
    ],
)
def test_a_call_that_fails_is_an_error_and_the_server_goes_on(tmp_path: Path, tool: str, words: str) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            with pytest.raises(ToolError, match=words):
                await it.text(tool)
            assert await it.text("echo", text="x") == "x"
            assert it.said == []

    run(test)


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("die", "exit code 3; the last it printed was: goodbye"),
        ("much-garbage", "no messages of the protocol"),
        ("endless-line", "message of more than 16000000 bytes"),
        ("requests", "requests without reading the answers"),
    ],
)
def test_a_server_that_ends_or_babbles_fails_its_calls_and_is_started_again(
    tmp_path: Path, tool: str, words: str
) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            waiting = asyncio.create_task(it.text("hang"))
            first = await it.text("pid")
            with pytest.raises(ToolError, match=words):
                await it.text(tool)
            with pytest.raises(ToolError, match="raw ended before it gave a result"):
                await waiting
            assert await it.text("pid") != first
            assert not lives(int(first))
            assert words in it.said[0]
            assert it.said[1:] == ["it works again."]

    run(test)


def test_a_server_that_ends_again_and_again_is_given_up_and_can_be_begun_anew(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw("dies-soon")) as it:
            await it.until(lambda: it.connection.state == "failed")
            assert "started again 5 times in a row" in it.connection.detail
            assert it.connection.log in it.connection.detail
            assert it.states.count("ready") == 6
            it.connection.begin()
            await it.connection.settled()
            assert it.connection.state == "ready"

    run(test)


def test_a_server_that_worked_for_long_is_started_again_as_if_for_the_first_time(tmp_path: Path) -> None:
    async def test() -> None:
        times = Times(connect=20, restart=0.01, steady=0.1)
        async with watched(tmp_path, raw("dies-soon"), times) as it:
            await it.until(lambda: it.states.count("ready") == 7)
            assert all("again in 0.01 s" in said for said in it.said if said != "it works again.")

    run(test)


def test_some_lines_that_are_no_messages_are_logged_and_passed_over(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            assert await it.text("some-garbage") == "done"

    run(test)
    assert "[no message, on standard output] hello" in (tmp_path / "logs" / "raw.log").read_text()


@pytest.mark.parametrize("tool", ["hang", "wrong-id"])
def test_a_call_without_a_sign_of_life_ends_and_the_server_is_told(tmp_path: Path, tool: str) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw(seconds=0.5)) as it:
            with pytest.raises(ToolError, match="raw took too long"):
                await it.text(tool)
            assert len(json.loads(await it.text("cancelled"))) == 1

    run(test)


def test_progress_gives_a_call_more_time_but_not_for_ever(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw(seconds=1.5)) as it:
            steps: list[str] = []
            result = await it.connection.call("slow", {}, steps.append, None)
            assert text_of(result) == "at last"
            assert steps[0] == "0/8 step"
        async with watched(tmp_path, raw(), Times(connect=20, call=0.6, total=0.7)) as it:
            with pytest.raises(ToolError, match="took too long"):
                await it.text("slow")

    run(test)


def test_a_cancelled_call_ends_at_once_and_the_server_is_told(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            call = asyncio.create_task(it.text("hang"))
            await it.text("echo", text="so that the other is sent")
            call.cancel()
            await asyncio.wait({call})
            assert call.cancelled()
            assert len(json.loads(await it.text("cancelled"))) == 1

    run(test)


def test_calls_run_beside_each_other(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            slow = asyncio.create_task(it.text("slow"))
            texts = await asyncio.gather(*(it.text("echo", text=str(at)) for at in range(50)))
            assert texts == [str(at) for at in range(50)]
            assert not slow.done()
            assert await slow == "at last"

    run(test)


def test_a_server_learns_the_roots_and_gets_no_model(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            roots = json.loads(await it.text("roots"))
            assert [root["uri"] for root in roots["roots"]] == [tmp_path.as_uri()]
            assert "not supported" in await it.text("sample")

    run(test)


def test_a_question_is_put_to_the_person_only_for_a_call_that_can_ask(tmp_path: Path) -> None:
    async def test() -> None:
        questions: list[str] = []

        async def ask(question: str, options: tuple[str, ...]) -> str:
            questions.append(question)
            return ""

        async with watched(tmp_path, raw()) as it:
            assert json.loads(await it.text("ask"))["action"] == "decline"
            assert questions == []
            result = await it.connection.call("ask", {}, lambda _: None, ask)
            assert json.loads(text_of(result))["action"] in ("cancel", "decline", "accept")
            assert questions
            assert "raw" in questions[0]

    run(test)


def test_a_question_ends_with_its_call(tmp_path: Path) -> None:
    async def test() -> None:
        asked, ended = asyncio.Event(), asyncio.Event()

        async def ask(question: str, options: tuple[str, ...]) -> str:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return ""

        async with watched(tmp_path, raw(seconds=0.2)) as it:
            call = asyncio.create_task(it.connection.call("ask", {}, lambda _: None, ask))
            await asked.wait()
            await asyncio.sleep(0.5)  # longer than the call may be silent, but it is the person who thinks
            assert not call.done()
            call.cancel()
            await ended.wait()

    run(test)


def test_a_changed_list_is_fetched_again_and_a_flood_of_changes_does_no_harm(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            assert await it.text("changes") == "done"
            assert await it.text("grow") == "done"
            await it.until(lambda: len(it.connection.listing.tools) == 2)
            assert it.states == ["starting", "ready", "ready"]

    run(test)


def test_a_program_cannot_have_a_call_made_twice_by_saying_that_it_has_forgotten_the_session(
    tmp_path: Path,
) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            with pytest.raises(ToolError, match="it refused: Session terminated"):
                await it.text("terminated")
            assert await it.text("calls") == "1"
            assert it.states == ["starting", "ready"]

    run(test)


def test_a_list_that_takes_long_to_look_at_is_not_looked_at_all_the_time(tmp_path: Path) -> None:
    async def test() -> None:
        busy, times = 0.2, list[float]()

        def changed() -> None:
            times.append(time.monotonic())
            end = time.thread_time() + busy
            while time.thread_time() < end:
                pass

        connection = Connection(raw(), surroundings(tmp_path), changed, lambda _: None, QUICK)
        connection.begin()
        try:
            for tool in ("grow", "rename"):
                await connection.call(tool, {}, lambda _: None, None)
                before = len(times)
                while len(times) == before:
                    await asyncio.sleep(0.01)
            first, second = times[-2:]
            assert second - first >= busy / MCP_RELIST_SHARE
        finally:
            await connection.close()

    run(test)


def test_a_server_that_is_reached_has_no_log_though_one_of_its_name_had(tmp_path: Path) -> None:
    around = surroundings(tmp_path)
    assert around.logs
    around.logs.mkdir()
    (around.logs / "raw.log").touch()

    def log(server: Server) -> str:
        return Connection(server, around, lambda: None, lambda _: None).log

    assert log(raw()) == str(around.logs / "raw.log")
    assert log(Server(name="raw", transport="http", url="https://mcp.example")) == ""


def test_what_all_tools_say_together_has_a_bound() -> None:
    taken = Taken()
    schema = {"type": "object", "properties": {f"p{at}": {"type": "string"} for at in range(800)}}
    tools = (types.Tool(name=f"t{at}", input_schema=schema) for at in range(1_000))
    assert not all(map(taken.tool, tools))
    listing = taken.listing()
    assert 50 < len(listing.tools) < 200
    assert listing.left_out == (f"tools beyond {MCP_SAID_CHARS} characters of what they say",)


def test_closing_while_it_connects_or_a_call_runs_leaves_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw("hangs-at-start"), Times(connect=0.3)):
            pass
        async with watched(tmp_path, raw()) as it:
            pid = int(await it.text("pid"))
            call = asyncio.create_task(it.text("hang"))
            await it.text("echo", text="so that the other is sent")
            await it.connection.close()
            with pytest.raises(ToolError, match="gave no result"):
                await call
            assert not lives(pid)
            it.connection.begin()
            assert it.connection.state == "stopped"

    run(test)


def test_closing_at_the_moment_it_ends_does_not_start_it_again(tmp_path: Path) -> None:
    async def test() -> None:
        async with watched(tmp_path, raw()) as it:
            with pytest.raises(ToolError):
                await it.text("die")
        assert it.connection.state == "stopped"

    run(test)


class _Locked(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_wants_a_login_says_how_to_give_it_one(tmp_path: Path) -> None:
    async def test(port: int) -> None:
        server = Server(name="locked", transport="http", url=f"http://127.0.0.1:{port}/mcp")
        async with watched(tmp_path, server) as it:
            assert it.connection.state == "failed"
            assert it.connection.detail == "it wants you to log in: akmon mcp login locked."
            assert it.said == [it.connection.detail]

    with ThreadingHTTPServer(("127.0.0.1", 0), _Locked) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            run(lambda: test(http.server_port))
        finally:
            http.shutdown()
            thread.join()
