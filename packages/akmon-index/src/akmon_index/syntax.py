"""Finds what a file defines: functions, methods and classes, with their places and names."""

from __future__ import annotations

import re
import threading
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import msgspec

from akmon_core.tables import names
from akmon_index.limits import INDEX_BRACKETS, INDEX_NESTING, INDEX_SIGNATURE_CHARS, INDEX_SYMBOL_CHARS

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Tree

FUNCTIONS = names(
    "function_definition function_declaration generator_function_declaration method_definition "
    "method_declaration function_item constructor_declaration compact_constructor_declaration "
    "destructor_declaration operator_declaration indexer_declaration conversion_operator_declaration "
    "method singleton_method init_declaration deinit_declaration subscript_declaration "
    "secondary_constructor macro_definition subroutine_declaration_statement"
)
CLASSES = names(
    "class_definition class_declaration abstract_class_declaration interface_declaration enum_declaration "
    "struct_item enum_item union_item trait_item impl_item record_declaration annotation_type_declaration "
    "struct_declaration struct_specifier class_specifier union_specifier enum_specifier class "
    "trait_declaration object_declaration companion_object protocol_declaration object_definition "
    "trait_definition enum_definition package_object type_spec class_interface class_implementation "
    "mixin_declaration extension_declaration record_struct_declaration"
)
"""Together with modules of Ruby, and objects of JavaScript that have functions in them."""
_SIGNATURES = names(
    "function_signature method_signature abstract_method_signature function_signature_item method_elem "
    "protocol_function_declaration annotation_type_element_declaration type_alias_declaration type_item "
    "type_alias alias_declaration preproc_function_def delegate_declaration const_item static_item"
)
_WRAPPERS = names(
    "decorated_definition export_statement template_declaration ambient_declaration expression_statement "
    "call argument_list type_declaration type_definition friend_declaration declaration"
)
"""What a definition can stand in, as its only one: its lines belong to it."""
_BINDINGS = names(
    "lexical_declaration variable_declaration assignment_expression assignment_statement field_definition "
    "public_field_definition pair var_declaration field assignment"
)
"""What gives a function a name from outside."""
_BOUND = names(
    "arrow_function function_expression generator_function func_literal anonymous_function "
    "anonymous_function_creation_expression function_definition lambda_expression class"
)
_INSIDE = names(
    "namespace_definition namespace_declaration internal_module module mod_item linkage_specification "
    "declaration_list statement_block compound_statement block preproc_if preproc_ifdef preproc_else "
    "preproc_elif if_statement else_clause elif_clause try_statement except_clause finally_clause "
    "with_statement ERROR enum_body_declarations singleton_class body_statement foreign_mod_item "
    "package_clause template_body expression_statement ambient_declaration export_statement"
)
"""What definitions stand in without being members of it."""
_COMMENTS = names("comment line_comment block_comment multiline_comment doc_comment")
_ABOVE = _COMMENTS | {"attribute_item", "decorator", "annotation"}
_HAVE_BODY = frozenset(("method", "singleton_method", "macro_definition"))
_NEED_BODY = names("struct_specifier class_specifier union_specifier enum_specifier type_spec")
"""Without one they only name what is defined elsewhere."""
_KNOWN_NAMES = {
    "init_declaration": "init",
    "deinit_declaration": "deinit",
    "subscript_declaration": "subscript",
    "secondary_constructor": "constructor",
    "companion_object": "Companion",
    "indexer_declaration": "this",
    "conversion_operator_declaration": "operator",
}
_ARGUMENTS_OF_TYPES = re.compile(r"<.*|\[.*", re.DOTALL)
_OBJECTS = re.compile(r"^(?:module\.)?exports\.|^this\.|\bprototype\.|^\$")
_READ_BYTES = 4096
_STEP = {ord(one): step for brackets, step in (("([{", 1), (")]}", -1)) for one in brackets}
_NO_BRACKETS = bytes(set(range(256)) - _STEP.keys())


class Definition(msgspec.Struct, frozen=True):
    """A function or class that has a body, or a class that needs none."""

    kind: Literal["function", "class"]
    name: str
    """Without what it stands in, but for methods written outside of their class: ``Server.Start``."""
    node: Node
    """Without decorators and the like."""
    body: Node | None
    first: int = 0
    """Row from 0, with the comments and decorators above it."""
    last: int = 0

    @property
    def row(self) -> int:
        """Where its signature begins."""
        return self.node.start_point.row

    @property
    def signature(self) -> str:
        """On one line, cut to ``INDEX_SIGNATURE_CHARS``."""
        start = self.node.start_byte
        end = self.body.start_byte if self.body and self.body.start_byte > start else self.node.end_byte
        for child in self.node.named_children[:8]:
            if child.type in _COMMENTS and child.start_byte > start:
                end = min(end, child.start_byte)
        text = (self.node.text or b"")[: min(end - start, 4 * INDEX_SIGNATURE_CHARS)]
        return " ".join(text.decode(errors="replace").split())[:INDEX_SIGNATURE_CHARS].rstrip(" {")


class Loose(msgspec.Struct, frozen=True):
    """A statement that defines nothing."""

    node: Node
    first: int
    last: int


@lru_cache(maxsize=4)
def parse(language: str, text: str) -> Tree | None:
    """The syntax tree; None if there is no parser, or if it does far more work than code makes.

    Some grammars take quadratic time on what is no code. Steps and reads are counted and not timed, so that
    the same text always gives the same answer. They are a few times what the worst real files take.
    """
    data = text.encode(errors="replace")
    if _depth(data) > INDEX_BRACKETS:
        return None
    most_reads = 20 * len(data) // _READ_BYTES + 100
    most_calls = len(data) // 60 + 1000
    reads = calls = 0

    def read(offset: int, _point: object) -> bytes:
        nonlocal reads
        reads += 1
        return data[offset : offset + _READ_BYTES] if reads <= most_reads else b""

    def stop(*_: object) -> bool:
        nonlocal calls
        calls += 1
        return calls > most_calls or reads > most_reads

    try:
        parser = _parser(language)
        tree = parser.parse(read, progress_callback=stop)
        # A tree gives the text of its nodes only if it was made of bytes. Made of the first it costs nothing.
        return parser.parse(data, tree) if reads <= most_reads else None
    except (ImportError, LookupError, ValueError, OSError):  # no parser, of this version; or it has given up
        return None


def _depth(data: bytes) -> int:
    """How many brackets are open at most. A parser that has many thousands of them open can crash."""
    steps = map(_STEP.__getitem__, data.translate(None, _NO_BRACKETS))
    return max(accumulate(steps, lambda depth, step: max(depth + step, 0), initial=0))


_parsers = threading.local()
"""A parser serves one thread at a time."""


def _parser(language: str) -> Parser:
    from tree_sitter import Parser

    known: dict[str, Parser] = _parsers.__dict__.setdefault("known", {})
    if language not in known:
        known[language] = Parser(grammar(language))
    parser = known[language]
    parser.reset()
    return parser


@cache
def grammar(language: str) -> Language:
    """Raises ``LookupError`` or ``ImportError`` if there is none."""
    from typing import cast

    from tree_sitter_language_pack import SupportedLanguage, get_language

    return get_language(cast(SupportedLanguage, language))


def parts(node: Node, depth: int = 0) -> list[Definition | Loose]:
    """What stands in a file or in the body of a class, in order; all of it, but for punctuation."""
    found: list[Definition | Loose] = []
    above: list[Node] = []
    used = -1
    for child in node.named_children:
        if child.type in _ABOVE:
            if child.start_point.row > used:
                above.append(child)
            continue
        if definition := define(child):
            first = _start_above(above, child)
            found.extend(_loose(one) for one in above if one.start_point.row < first)
            found.append(msgspec.structs.replace(definition, first=first, last=last_row(child)))
        else:
            found.extend(_loose(one) for one in above)
            found.extend(_within(child, depth))
        used = last_row(child)
        above = []
    return [*found, *(_loose(one) for one in above)]


def is_above(node: Node) -> bool:
    """Whether it belongs to what follows: a comment or decorator."""
    return node.type in _ABOVE


def _within(child: Node, depth: int) -> list[Definition | Loose]:
    if child.type in _INSIDE and depth < INDEX_NESTING:
        within = parts(child, depth + 1)
        if any(isinstance(part, Definition) for part in within):
            return within
    return [_loose(child)]


def _loose(node: Node) -> Loose:
    return Loose(node, node.start_point.row, last_row(node))


def _start_above(above: list[Node], node: Node) -> int:
    """Row where the comments begin that touch ``node`` or each other."""
    row = node.start_point.row
    for one in reversed(above):
        if last_row(one) < row - 1:
            break
        row = min(row, one.start_point.row)
    return row


def last_row(node: Node) -> int:
    """From 0. Some nodes take the end of their line with them."""
    end = node.end_point
    return max(end.row - 1, node.start_point.row) if end.column == 0 else end.row


def define(node: Node, depth: int = 0) -> Definition | None:
    """What ``node`` defines, whose rows are to be set still."""
    kind = node.type
    if kind in FUNCTIONS and (kind in _HAVE_BODY or body(node)):
        return _named("function", node, body(node))
    if kind in CLASSES or _is_ruby_module(node):
        inside = body(node)
        return _named("class", node, inside) if inside or kind not in _NEED_BODY else None
    if depth > 3:
        return None
    if kind in _BINDINGS and (bound := _bound(node)):
        return bound
    if kind not in _WRAPPERS and kind not in _BINDINGS:
        return None
    for child in node.named_children[:4]:
        if found := define(child, depth + 1):
            return found
    return _exported(node) or _nameless(node)


def body(node: Node) -> Node | None:
    """What holds the statements or members of a definition."""
    if node.type == "type_spec":  # of Go
        kind = node.child_by_field_name("type")
        if kind is None or kind.type not in {"struct_type", "interface_type"}:
            return None
        return kind.named_children[-1] if kind.type == "struct_type" and kind.named_children else kind
    if (found := node.child_by_field_name("body")) is not None:
        return found
    for child in reversed(node.named_children):
        if child.type.endswith(("_body", "declaration_list", "accessor_list", "_block")):
            return child
    return None


def name_of(node: Node) -> str:
    """Of what ``node`` defines, with dots between its parts; empty if it has none."""
    if node.type in _KNOWN_NAMES:
        return _KNOWN_NAMES[node.type]
    named = node.child_by_field_name("name") or _declared(node)
    if named is None and node.type in {"impl_item", "operator_declaration"}:
        named = node.child_by_field_name("type" if node.type == "impl_item" else "operator")
    if named is None:
        named = next((one for one in node.named_children if one.type.endswith("identifier")), None)
    if named is None:
        return ""
    name = clean_name(named)
    if node.type == "method_declaration" and (receiver := node.child_by_field_name("receiver")):
        return f"{_receiver(receiver)}.{name}"
    return name


def declared_name(node: Node) -> str:
    """Of what stands alone: a signature, a type, or a constant; empty if it names nothing."""
    kind = node.type
    if kind in _SIGNATURES or kind in FUNCTIONS or kind in CLASSES:
        return name_of(node)
    target, _ = binding(node) if kind in _BINDINGS else (None, None)
    if target is not None and target.type.endswith("identifier"):
        return clean_name(target)
    if kind in _WRAPPERS or kind == "const_declaration":
        return next((name for one in node.named_children[:4] if (name := _declared_within(one))), "")
    return ""


def _declared_within(node: Node) -> str:
    if node.type in _SIGNATURES or node.type in CLASSES or node.type == "const_spec":
        return name_of(node)
    target, _ = binding(node) if node.type in _BINDINGS else (None, None)
    return clean_name(target) if target is not None and target.type.endswith("identifier") else ""


def clean_name(node: Node) -> str:
    text = (node.text or b"")[: 4 * INDEX_SYMBOL_CHARS].decode(errors="replace")
    text = _ARGUMENTS_OF_TYPES.sub("", text) if not text.startswith("operator") else text
    text = _OBJECTS.sub("", "".join(text.split())).replace(".prototype.", ".")
    return text.replace("::", ".").replace(":", ".").strip("\"'$.")[:INDEX_SYMBOL_CHARS]


def _named(kind: Literal["function", "class"], node: Node, inside: Node | None) -> Definition | None:
    name = name_of(node)
    return Definition(kind, name, node, inside) if name else None


def _is_ruby_module(node: Node) -> bool:
    if node.type != "module":
        return False
    name = node.child_by_field_name("name")
    return name is not None and name.type in {"constant", "scope_resolution"}


def _declared(node: Node) -> Node | None:
    """What the declarators of C lead to: ``f`` in ``char *(*f(int a))(void)``."""
    found = node.child_by_field_name("declarator")
    for _ in range(INDEX_NESTING):
        if found is None:
            return None
        inner = found.child_by_field_name("declarator")
        if inner is None and found.type.endswith("declarator"):
            inner = next((one for one in found.named_children if one.type.endswith("declarator")), None)
        if inner is None:
            return found
        found = inner
    return None


def _receiver(node: Node) -> str:
    """``S`` of ``(s *S[T])``."""
    text = (node.text or b"")[: 4 * INDEX_SYMBOL_CHARS].decode(errors="replace")
    words = re.findall(r"\w+", text.partition("[")[0])
    return words[-1] if words else ""


def _bound(node: Node) -> Definition | None:
    """The function, class or object of functions that ``node`` gives a name."""
    target, value = binding(node)
    if target is None or value is None or not (name := clean_name(target)):
        return None
    if value.type == "class":
        return Definition("class", name, node, body(value))
    if value.type in {"object", "table_constructor"} and _has_functions(value):
        return Definition("class", name, node, value)
    function = _function_in(value)
    return Definition("function", name, node, body(function)) if function else None


def binding(node: Node) -> tuple[Node | None, Node | None]:
    """What is named, and what it is bound to: ``f`` and ``() => 1`` of ``const f = () => 1;``."""
    for _ in range(3):
        target = next((one for key in ("name", "left", "property", "key", "pattern")
                       if (one := node.child_by_field_name(key))), None)  # fmt: skip
        value = node.child_by_field_name("value") or node.child_by_field_name("right")
        within = node.named_children
        if node.type == "assignment_statement" and len(within) == 2:  # of Lua
            target, value = within
        if target is not None:
            return _first_of_list(target), _first_of_list(value)
        if len(within) != 1:
            return None, None
        node = within[0]
    return None, None


def _first_of_list(node: Node | None) -> Node | None:
    if node is None or not node.type.endswith("_list"):
        return node
    return node.named_children[0] if node.named_children else None


def _function_in(value: Node) -> Node | None:
    """``value`` or, as in ``memo(() => 1)``, an argument of it."""
    if value.type in _BOUND:
        return value
    arguments = value.child_by_field_name("arguments") if value.type == "call_expression" else None
    if arguments is None:
        return None
    return next((one for one in arguments.named_children[:4] if one.type in _BOUND), None)


def _has_functions(value: Node) -> bool:
    return any(
        one.type in FUNCTIONS or (one.type in _BINDINGS and _bound(one)) for one in value.named_children
    )


def _exported(node: Node) -> Definition | None:
    """``export default {...}`` and ``export default () => 1``."""
    if node.type != "export_statement" or (value := node.child_by_field_name("value")) is None:
        return None
    if value.type == "object" and _has_functions(value):
        return Definition("class", "default", node, value)
    function = _function_in(value)
    return Definition("function", "default", node, body(function)) if function else None


def _nameless(node: Node) -> Definition | None:
    """``typedef struct {...} Name``."""
    inner = node.child_by_field_name("type")
    if node.type != "type_definition" or inner is None or inner.type not in CLASSES:
        return None
    inside, name = body(inner), _declared(node)
    return Definition("class", clean_name(name), node, inside) if inside and name else None
