"""Numbers and strings as DWARF stores them (DWARF 4, 7.6)."""

from __future__ import annotations

from typing import Dict


class Ulebs(Dict[int, bytes]):
    """number -> unsigned LEB128; made once each, since most are small and come again."""

    def __missing__(self, value: int) -> bytes:
        found, rest = bytearray(), value
        while rest > 0x7F:
            found.append(rest & 0x7F | 0x80)
            rest >>= 7
        found.append(rest)
        encoded = bytes(found)
        if value < 1 << 16:
            self[value] = encoded
        return encoded


class Slebs(Dict[int, bytes]):
    """number -> signed LEB128."""

    def __missing__(self, value: int) -> bytes:
        found, rest = bytearray(), value
        while not -0x40 <= rest < 0x40:
            found.append(rest & 0x7F | 0x80)
            rest >>= 7
        found.append(rest & 0x7F)
        encoded = bytes(found)
        if -(1 << 16) < value < 1 << 16:
            self[value] = encoded
        return encoded


ULEB = Ulebs()
SLEB = Slebs()


class Strings:
    """A string table (.strtab, .debug_str) that holds each string once."""

    def __init__(self) -> None:
        self._data = bytearray(1)
        self._known: Dict[str, int] = {"": 0}

    def add(self, text: str) -> int:
        """The offset of `text`; what no C string can hold is cut off."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = len(self._data)
            data = text.encode("utf-8", "surrogateescape")
            self._data += (data.partition(b"\0")[0] if b"\0" in data else data) + b"\0"
        return found

    def data(self) -> bytes:
        return bytes(self._data)
