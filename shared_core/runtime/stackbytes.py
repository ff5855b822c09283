"""The words of one stack, read in a few pieces."""

from __future__ import annotations

import struct

from ..errors import ReadError
from ..memory import Memory

_WINDOW = 512  # bytes from sp that hold the frames of a parked goroutine down to the user's function
_MAX_PIECE = 1 << 16
_unpack_word = struct.Struct("<Q").unpack_from


class StackBytes:
    """A stack read in growing pieces from sp upwards; most walks need the first only.

    Not through the cache: a stack is visited once, and 100,000 of them would push everything else out.
    """

    __slots__ = ("_base", "_data", "_high", "_memory", "_step")

    def __init__(self, memory: Memory, sp: int, high: int) -> None:
        self._memory = memory
        self._high = high
        self._base = sp
        self._step = _WINDOW
        self._data = b""

    def word(self, address: int) -> int:
        """The 8 bytes at `address`; ReadError when they are not in the stack or not readable."""
        at = address - self._base
        if at < 0 or at + 8 > len(self._data):
            self._load(address)
            at = address - self._base
        return _unpack_word(self._data, at)[0]  # type: ignore[no-any-return]

    def _load(self, address: int) -> None:
        size = min(self._step, self._high - address)
        if size < 8:
            raise ReadError(address, 8)
        try:
            self._data = self._memory.read_direct(address, size)
        except ReadError:
            self._data = self._memory.read_direct(address, 8)
        self._base = address
        self._step = min(self._step * 4, _MAX_PIECE)
