"""Puts together ``reasoning_details``: the blocks of reasoning that OpenRouter streams in pieces. Pure.

See https://openrouter.ai/docs/use-cases/reasoning-tokens. A model only takes its reasoning back if each
block is whole and as it was: the signature of a text comes in a piece of its own, after the text.
"""

from __future__ import annotations

from typing import Any

import msgspec

_GROWING = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""Blocks that come in pieces, and the field that grows. Others, such as encrypted ones, come whole."""


class _Block:
    def __init__(self, piece: dict[str, Any], grows: str) -> None:
        self.fields = dict(piece)
        self.grows = grows
        self.pieces = [_text(piece, grows)]

    def continued_by(self, piece: dict[str, Any]) -> bool:
        """Pieces may leave out the index or the id of their block."""
        names = ("index", "id")
        return self.fields.get("type") == piece["type"] and all(
            None in (ours := self.fields.get(name), theirs := piece.get(name)) or ours == theirs
            for name in names
        )

    def add(self, piece: dict[str, Any]) -> None:
        self.pieces.append(_text(piece, self.grows))
        self.fields.update({name: value for name, value in piece.items() if value is not None})

    def whole(self) -> dict[str, Any]:
        return {**self.fields, self.grows: "".join(self.pieces)} if self.grows else self.fields


class Details:
    """The blocks of one reply, as far as they have come."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []

    def add(self, said: Any) -> str:
        """Takes one chunk's ``reasoning_details``, and gives the text that they show."""
        pieces = said if isinstance(said, list) else []
        return "".join(self._add(piece) for piece in pieces if isinstance(piece, dict))

    def encode(self) -> str:
        """All blocks as a JSON array; empty if there are none."""
        if not self._blocks:
            return ""
        return msgspec.json.encode([block.whole() for block in self._blocks]).decode()

    def _add(self, piece: dict[str, Any]) -> str:
        grows = _GROWING.get(str(piece.get("type")), "")
        if not grows:
            if all(block.fields != piece for block in self._blocks):
                self._blocks.append(_Block(piece, ""))
            return ""
        block = next((block for block in reversed(self._blocks) if block.continued_by(piece)), None)
        if block is None:
            self._blocks.append(_Block(piece, grows))
        else:
            block.add(piece)
        return _text(piece, grows)


def _text(piece: dict[str, Any], grows: str) -> str:
    text = piece.get(grows)
    return text if isinstance(text, str) else ""
