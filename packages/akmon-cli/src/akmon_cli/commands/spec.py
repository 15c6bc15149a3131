"""``akmon spec``: a feature from requirements over design to tasks, which are then done one at a time."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence

from akmon_cli import exitcodes
from akmon_cli.args import COMMON, MODEL, WORK, WORK_DEFAULTS, Parser
from akmon_cli.commands.specfiles import DocumentWriter, SpecFiles, features
from akmon_cli.compose import compose
from akmon_cli.folders import change_folder, session_folders
from akmon_core.commands import Prompt
from akmon_core.errors import SettingsError
from akmon_core.messages import Assistant
from akmon_core.specs import DOCUMENTS, Document, Task, tasks_of, ticked
from akmon_core.state import State
from akmon_core.text import neutralise, one_line
from akmon_query.workflows.spec import PHASES, Phase, check_name, next_phase, not_done, open_task
from akmon_query.workflows.specprompts import again_prompt, document_prompt, task_prompt


def parser() -> Parser:
    parser = Parser(
        prog="akmon spec",
        description="Work out a feature: requirements, design and tasks as files in .akmon/specs/FEATURE, "
        "which you review one after the other, then one task at a time.",
    )
    parser.add_argument("feature", nargs="?", default="", help="its name, such as csv-export; none: list all")
    phases = (*PHASES, "status")
    parser.add_argument("phase", nargs="?", choices=phases, help="what to do; by default what comes next")
    parser.add_argument(
        "-d", "--description", metavar="TEXT", default="", help="what it is, or what to change"
    )
    parser.add_argument("--redo", action="store_true", help="make a document anew; the old one stays as .bak")
    parser.set_defaults(**WORK_DEFAULTS)
    return parser.add((*WORK, *MODEL, *COMMON))


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_intermixed_args(arguments)
    if options.cwd:
        change_folder(options.cwd)
    cwd, root = session_folders()
    if not options.feature:
        _list([SpecFiles(root, cwd, feature) for feature in features(root)])
        return exitcodes.OK
    files = SpecFiles(root, cwd, check_name(options.feature))
    documents = files.documents()
    phase = options.phase or next_phase(documents)
    _check(options, files, documents, phase)
    match phase:
        case "requirements" | "design" | "tasks":
            return asyncio.run(_document(options, files, documents, phase))
        case "implement" if task := open_task(documents["tasks"]):
            return _implement(options, files, task)
        case _:
            _status(files, documents)
            return exitcodes.OK


def _list(specs: Sequence[SpecFiles]) -> None:
    if not specs:
        print("no specs of this project yet. Begin one: akmon spec FEATURE -d 'what it is'", file=sys.stderr)
    for files in specs:
        documents = files.documents()
        done = f", {_count(documents['tasks'])} done" if "tasks" in documents else ""
        print(f"{one_line(files.feature, 60)}  next: {next_phase(documents) or 'nothing'}{done}")


def _count(tasks: str) -> str:
    found = tasks_of(tasks)
    return f"{sum(task.done for task in found)} of {len(found)} tasks"


def _status(files: SpecFiles, documents: Mapping[Document, str]) -> None:
    for document in DOCUMENTS:
        there = files.shown(document) if document in documents else "not yet"
        print(neutralise(f"{document:<13} {there}"))
    for task in tasks_of(documents.get("tasks", "")):
        print(f"{'[x]' if task.done else '[ ]':<13} {task.id} {one_line(task.title, 80)}")
    print(f"{'next':<13} {_command(files.feature, documents)}")


def _command(feature: str, documents: Mapping[Document, str]) -> str:
    match next_phase(documents):
        case None:
            return "nothing: every task is done"
        case "requirements":
            return f"akmon spec {feature} -d 'what it is'"
        case phase:
            return f"akmon spec {feature} {phase}"


def _check(
    options: argparse.Namespace, files: SpecFiles, documents: Mapping[Document, str], phase: Phase | None
) -> None:
    """Raises ``SettingsError`` for what cannot be done now."""
    following = _command(files.feature, documents)
    if phase not in DOCUMENTS:
        if options.redo:
            raise SettingsError(
                "--redo makes a document anew: name it, as in: akmon spec FEATURE design --redo"
            )
        if phase == "implement" and "tasks" not in documents:
            raise SettingsError(f"there are no tasks yet. First: {following}")
        return
    if any(document not in documents for document in DOCUMENTS[: DOCUMENTS.index(phase)]):
        raise SettingsError(f"{phase} comes later. First: {following}")
    if phase in documents and not options.redo:
        raise SettingsError(
            f"{files.shown(phase)} is there already. Review it, then go on with: {following}. "
            "Or make it anew with --redo, and -d to say what to change."
        )
    if phase == "requirements" and phase not in documents and not options.description.strip():
        raise SettingsError(f"say what the feature is: {following}")
    if options.permission_mode:
        raise SettingsError(f"--permission-mode goes with implement: making the {phase} only reads.")


async def _document(
    options: argparse.Namespace, files: SpecFiles, documents: Mapping[Document, str], phase: Document
) -> int:
    """Has the model write a document in plan mode, and once more if its answer cannot be one."""
    from akmon_cli.headless import HeadlessRun, wait_for_servers
    from akmon_cli.writers import writer

    options.permission_mode, options.name = "plan", f"spec {files.feature} {phase}"
    written = DocumentWriter(files, phase)
    composed = compose(options, unattended=True, plans=written)
    path, wish = files.shown(phase), options.description.strip()
    for warning in composed.warnings:
        print(f"akmon: {neutralise(warning)}", file=sys.stderr)
    async with composed.session as session:
        await wait_for_servers(session)
        out = writer(options.output_format, partial=options.include_partial_messages)
        headless = HeadlessRun(session, out)
        report = await headless.turn(
            Prompt(document_prompt(phase, files.feature, path=path, wish=wish, documents=documents))
        )
        if report.exit_reason in ("completed", "denied") and written.problem:
            report = await headless.turn(Prompt(again_prompt(written.problem)))
        if report.exit_reason in ("completed", "denied"):
            headless.judge(f"{path} is not written: {written.problem}" if written.problem else "")
        if options.output_format != "text" or report.exit_reason != "completed":
            headless.end()
        else:
            print(path, flush=True)
    if not written.problem:
        following = _command(files.feature, files.documents())
        print(f"akmon: review {path}, change what you like, then: {following}", file=sys.stderr)
    return report.exit_code


def _implement(options: argparse.Namespace, files: SpecFiles, task: Task) -> int:
    """Has the model do ``task``, and ticks it if the turn ended by itself and the answer does not object."""
    from akmon_cli.conversation import converse
    from akmon_cli.program import is_headless, run_headlessly

    headless = is_headless(options)
    options.name, options.implement = f"spec {files.feature} {task.id}", ""
    composed = compose(options, unattended=headless)
    prompt = Prompt(task_prompt(files.feature, task, {each: files.shown(each) for each in DOCUMENTS}))
    print(f"akmon: {task.id} {one_line(task.title, 80)}", file=sys.stderr)
    if headless:
        code = asyncio.run(run_headlessly(composed, options, prompt))
    else:
        code = asyncio.run(converse(options, lambda _: prompt, composed))
    if code == exitcodes.OK and _is_done(composed.session.state, task):
        _tick(files, task)
    else:
        path = files.shown("tasks")
        print(f"akmon: {task.id} is not ticked in {path}: do it again, or tick it yourself", file=sys.stderr)
    return code


def _is_done(state: State, task: Task) -> bool:
    said = (each.text for each in reversed(state.history) if isinstance(each, Assistant))
    return state.outcome == "completed" and not not_done(next(said, ""), task.id)


def _tick(files: SpecFiles, task: Task) -> None:
    """Reads the file anew: it may have been changed meanwhile, and the task ticked."""
    documents = files.documents()
    before = documents.get("tasks", "")
    tasks = ticked(before, task.id)
    if tasks != before:
        files.write("tasks", tasks, keep=False)
        documents["tasks"] = tasks
    done = f"{task.id} is done, {_count(tasks)} in all"
    print(f"akmon: {done}. Next: {_command(files.feature, documents)}", file=sys.stderr)
