"""The type section of one module: moduledata's types to etypes, where descriptors and their names are.

Source: Go 1.27 internal/abi/type.go (Name), runtime/type.go (resolveNameOff, resolveTypeOff, pkgPath). Names have
varint lengths since Go 1.17.
"""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from ...errors import ReadError
from ...memory import PAGE
from ..elf import Buffer
from ..moduledata import Module

_MAX_SECTION = 1 << 28
_MAX_NAME = 1 << 16
_PIECE = 1 << 16
_EXPORTED, _TAG, _PKG_PATH, _EMBEDDED = 1, 2, 4, 8
_FLAGS = 0xF


class Name(NamedTuple):
    """internal/abi.Name. pkg_path: offset of the name that is the import path, 0 where there is none."""

    text: str
    exported: bool
    embedded: bool
    tag: str
    pkg_path: int


class Section:
    """Reads within [start, end) of one module; a module whose bounds make no sense has no types (start = end)."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._image = module.image
        start, end = module.fields.get("types", 0), module.fields.get("etypes", 0)
        self.start, self.end = (start, end) if 0 < start < end <= start + _MAX_SECTION else (0, 0)
        self._view: Optional[memoryview] = None
        # In a position-independent program the loader writes the pointers in descriptors.
        self._fixed = self._image.in_file and not self._image.elf.position_independent
        if self._fixed:
            self.load()

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end

    def read(self, address: int, size: int) -> Buffer:
        """`size` bytes at `address`; ReadError for what cannot be read, and for what is not all in here."""
        if not 0 <= size <= self.end - address or address < self.start:
            raise ReadError(address, size)
        if self._view is not None:
            return self._view[address - self.start : address - self.start + size]
        return self._get(address, size)

    def load(self) -> None:
        """Take the whole section at once, if it can be had: for those who look at all of it."""
        if self._view is None and self.end:
            try:
                self._view = memoryview(self._get(self.start, self.end - self.start))
            except ReadError:
                return

    def pieces(self) -> Iterator[Tuple[int, Buffer]]:
        """(address, bytes) of what can be read, as long as they come."""
        self.load()
        if self._view is not None:
            yield self.start, self._view
            return
        joined: List[Buffer] = []
        begin = end = self.start
        for at, data in self._readable(self.start, self.end, (_PIECE, PAGE)):
            if joined and at != end:
                yield begin, b"".join(joined)
                joined = []
            begin = begin if joined else at
            joined.append(data)
            end = at + len(data)
        if joined:
            yield begin, b"".join(joined)

    def _readable(self, start: int, end: int, steps: Sequence[int]) -> Iterator[Tuple[int, Buffer]]:
        at = start
        while at < end:
            stop = min(end, (at // steps[0] + 1) * steps[0])
            try:
                yield at, self._get(at, stop - at)
            except ReadError:
                if len(steps) > 1:
                    yield from self._readable(at, stop, steps[1:])
            at = stop

    def _get(self, address: int, size: int) -> Buffer:
        image = self._image
        return image.constant(address, size) if self._fixed else image.data(address, size)

    def text(self, address: int) -> Optional[str]:
        """The text of the name at `address`; None where there is none."""
        view, at = self._view, address - self.start
        if view is not None and 0 <= at < len(view) - 2 and view[at] <= _FLAGS and 0 < view[at + 1] < 0x80:
            # Short, as nearly all are.
            try:
                size = view[at + 1]
                found = str(view[at + 2 : at + 2 + size], "utf-8")
            except UnicodeDecodeError:
                return None
            return found if at + 2 + size <= len(view) else None
        piece = self._text(address)
        return piece[1] if piece is not None else None

    def name(self, address: int) -> Optional[Name]:
        """All of the name at `address`."""
        view, at = self._view, address - self.start
        if view is not None and 0 <= at < len(view) and not view[at] & ~(_EXPORTED | _EMBEDDED):
            plain = self.text(address)
            return None if plain is None else Name(plain, bool(view[at] & _EXPORTED), bool(view[at] & _EMBEDDED), "", 0)
        found = self._text(address)
        if found is None:
            return None
        flags, text, at = found
        tag = ""
        if flags & _TAG:
            piece = self._string(at)
            if piece is None:
                return None
            tag, at = piece
        path = 0
        if flags & _PKG_PATH:
            try:
                path = int.from_bytes(self.read(at, 4), "little")
            except ReadError:
                return None
        return Name(text, bool(flags & _EXPORTED), bool(flags & _EMBEDDED), tag, path)

    def _text(self, address: int) -> Optional[Tuple[int, str, int]]:
        """(flags, text, where it ends)."""
        try:
            flags = self.read(address, 1)[0]
        except ReadError:
            return None
        piece = self._string(address + 1) if flags <= _FLAGS else None
        return (flags, *piece) if piece is not None and piece[0] else None

    def _string(self, at: int) -> Optional[Tuple[str, int]]:
        """(text, where it ends) of a string with a varint length before it; None if it is none."""
        try:
            head: Union[Buffer, bytes] = self.read(at, max(0, min(5, self.end - at)))
            length = used = 0
            for byte in head:
                length |= (byte & 0x7F) << 7 * used
                used += 1
                if not byte & 0x80:
                    break
            else:
                return None
            if length > _MAX_NAME:
                return None
            return str(self.read(at + used, length), "utf-8"), at + used + length
        except (ReadError, UnicodeDecodeError):
            return None
