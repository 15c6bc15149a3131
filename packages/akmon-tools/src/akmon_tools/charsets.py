"""Finds out in which encoding a page is, and reads it as text."""

from __future__ import annotations

import codecs
import re

from akmon_tools.textfile import mark_of

_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9_:.-]{1,40})""")
_HEADER = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_:.-]{1,40})""", re.IGNORECASE)
_LOOKED_AT = 4_096
"""Bytes at the start of a page in which it may say what encoding it is in."""
_TEXT = re.compile(
    r"utf-(?:8|16|32).*|ascii|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|gbk|gb2312|gb18030|big5\w*|hz|johab|tis-620"
    r"|euc_\w+|iso2022_\w+|shift_jis\w*"
)
"""Encodings of text; others that Python knows are something else, or slow."""
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252"}
"""Who says Latin-1 means Windows-1252, as browsers have it."""


def decode_page(data: bytes, content_type: str, *, html: bool = False) -> str:
    """The text of a page: by its byte-order mark, its header, what it says itself, else as UTF-8.

    Never fails: bytes that do not fit become replacement characters.
    """
    bom, encoding = mark_of(data)
    if bom:
        return data[len(bom) :].decode(encoding, "replace")
    stated = _HEADER.search(content_type)
    start = data[:_LOOKED_AT]
    within = (_DECLARED.search(start) if html else None) or _XML.match(start)
    if stated and (known := _known(stated[1])):
        return data.decode(known, "replace")
    if within and (known := _known(within[1].decode("ascii"))) and known[:6] not in ("utf-16", "utf-32"):
        return data.decode(known, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _known(label: str) -> str:
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return ""
    return _MEANT.get(name, name) if _TEXT.fullmatch(name) else ""
