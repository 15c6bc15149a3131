"""``akmon index``: builds the index with an embedding model, says how it stands, checks and clears it."""

from __future__ import annotations

import sys
from argparse import Namespace

from akmon_core.errors import AkmonError, ToolError
from akmon_core.plugins import Workplace
from akmon_core.text import neutralise
from akmon_index.commands.parsing import Parser, print_json
from akmon_index.engine import Index, Status
from akmon_index.show import Bar

_INTERRUPTED = 130


def parser() -> Parser:
    parser = Parser(
        prog="akmon index", description="The index that akmon search and the tool semantic_search use."
    )
    actions = parser.add_subparsers(dest="action", metavar="build|status|clear|doctor", required=True)
    build = actions.add_parser("build", help="index the project, and embed it with the model that is set")
    build.add_argument("--download", action="store_true", help="fetch the model if it is not here")
    status = actions.add_parser("status", help="what is indexed, and with which model")
    status.add_argument("--json", action="store_true", help="as JSON")
    actions.add_parser("clear", help="forget the index of this project")
    doctor = actions.add_parser("doctor", help="check what is installed, the model, and the index")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(options: Namespace, workplace: Workplace) -> int:
    index = Index(workplace)
    try:
        match options.action:
            case "build":
                return _build(index, download=options.download)
            case "status":
                return _status(index, as_json=options.json)
            case "clear":
                said = "the index is cleared" if index.clear() else "there was no index"
                print(said, file=sys.stderr)
                return 0
            case _:
                from akmon_index.commands.doctor import examine

                return examine(index, workplace, as_json=options.json)
    finally:
        index.close()


def _build(index: Index, *, download: bool) -> int:
    bar = Bar()
    if download:
        print("looking for the model; fetching it may take minutes", file=sys.stderr)
    elif sys.stderr.isatty():
        print("loading the model", file=sys.stderr)
    try:
        model = index.build(progress=bar, stopped=lambda: False, download=download)
    except KeyboardInterrupt:
        bar.close()
        print(
            "akmon: stopped; what is done is kept, and akmon index build goes on from there", file=sys.stderr
        )
        return _INTERRUPTED
    except AkmonError:
        bar.close()
        raise
    bar.close()
    counts = index.status().counts
    if counts is None:
        raise ToolError("the index has gone while it was built. Run it again: akmon index build")
    print(
        f"{counts.chunks:,} pieces of {counts.files:,} files are indexed, "
        f"by words and with {neutralise(model.name)} ({_megabytes(counts.bytes)})"
    )
    return 0


def _status(index: Index, *, as_json: bool) -> int:
    status = index.status()
    if as_json:
        print_json(status)
    else:
        print("\n".join(map(neutralise, _lines(status))))
    return 0


def _lines(status: Status) -> list[str]:
    lines = [
        f"project  {status.root}",
        f"index    {status.file or 'in memory only: there is no cache folder'}",
    ]
    if status.counts is None:
        return [
            *lines,
            "         not built yet: the first search indexes words, akmon index build also meaning",
        ]
    counts = status.counts
    lines.append(f"words    {counts.chunks:,} pieces of {counts.files:,} files ({_megabytes(counts.bytes)})")
    if status.model is None:
        lines.append("meaning  no vectors: akmon index build makes them")
    else:
        model = status.model
        made = f"{counts.embedded:,} of {counts.texts:,} texts"
        lines.append(f"meaning  {made}, {model.name}, {model.dimension} dimensions")
        if status.chosen and status.chosen != model.name:
            lines.append(f"         {status.chosen} is set now: akmon index build changes over to it")
        elif counts.embedded < counts.texts:
            lines.append("         akmon index build embeds the rest")
    return lines


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
