"""``akmon search``: where the project deals with something, for people; the same as ``semantic_search``."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace

from akmon_core.plugins import Workplace
from akmon_core.text import neutralise
from akmon_index.commands.parsing import Parser, print_json
from akmon_index.engine import Index
from akmon_index.show import Bar, as_data, as_text
from akmon_index.values import Filters

_MOST = 200


def parser() -> Parser:
    parser = Parser(prog="akmon search", description="Find where the project deals with something.")
    parser.add_argument("query", nargs="+", help="what to look for: a question, or a few words")
    parser.add_argument("--path", default="", help="stay in this folder, file, or glob such as 'src/**/*.py'")
    parser.add_argument("--language", default="", help="only files of this language, such as python")
    parser.add_argument(
        "--limit", metavar="N", type=_limit, default=10, help=f"how many places to give (10, at most {_MOST})"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def run(options: Namespace, workplace: Workplace) -> int:
    from akmon_index.tool import inside

    query = " ".join(options.query)
    filters = Filters(path=inside(options.path), language=options.language.strip(), limit=options.limit)
    index, bar = Index(workplace), Bar()
    try:
        found = index.search(query, filters, progress=bar, stopped=lambda: False)
    finally:
        bar.close()
        index.close()
    if options.json:
        print_json({"query": query, "note": found.note, "results": [as_data(hit) for hit in found.hits]})
        return 0
    if found.note:
        print(f"akmon: {neutralise(found.note)}", file=sys.stderr)
    if not found.hits:
        print("nothing was found", file=sys.stderr)
    else:
        print("\n\n".join(map(as_text, found.hits)))
    return 0


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST):
        raise ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST}")
    return int(text)
