"""Text that came from the target, made safe and visible for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Union

LIMIT = 4096
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def escape(text: Union[str, bytes], limit: int = LIMIT) -> str:
    """`text` on one line, with nothing in it that a terminal would obey, at most about `limit` characters.

    Control characters, escape sequences, bidirectional and invisible characters, lone surrogates and bytes that are
    not UTF-8 are spelled out (\\n, \\x1b, \\u202e); what is cut off the end is replaced by "...".
    """
    if isinstance(text, bytes):
        text = text[: 4 * limit + 4].decode("utf-8", "backslashreplace")
    if len(text) > limit:
        text = text[:limit] + "..."
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spell(char) for char in text)


def _spell(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def width(text: str) -> int:
    """The number of terminal columns that `text`, already escaped, takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
