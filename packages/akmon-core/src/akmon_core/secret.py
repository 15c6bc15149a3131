"""A key that nothing prints, stores or logs by accident."""

from __future__ import annotations

from typing import NoReturn

_SHOWN = "[secret]"


class Secret:
    """Holds a key. Only ``reveal`` gives it; every other way to make text or data of it does not."""

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret = "") -> None:
        self._value: str = value._value if isinstance(value, Secret) else value

    def reveal(self) -> str:
        """The key itself, for the request that needs it."""
        return self._value

    def __repr__(self) -> str:
        return _SHOWN if self._value else "''"

    def __str__(self) -> str:
        return _SHOWN if self._value else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        """Also with plain text, in a time that does not tell how much of it agrees."""
        if isinstance(other, Secret):
            other = other._value
        if not isinstance(other, str):
            return NotImplemented
        from hmac import compare_digest

        return compare_digest(_bytes(self._value), _bytes(other))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored: hand over what fetches it instead")

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        self.__reduce__()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
