"""GdbTarget: the Target protocol over a gdb inferior. It translates; what things mean is the core library's."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, List, Optional

import gdb

from shared_core.errors import ReadError
from shared_core.target import FILE, LIVE, Image, Mapping, Thread

from . import images, mappings, threads
from . import inferior as inferiors


class GdbTarget:
    """One inferior. Mappings, images and threads are kept until `forget`."""

    def __init__(self, inferior: Any) -> None:
        self._inferior = inferior
        self.arch = inferiors.architecture(inferior)
        self.pointer_size = inferiors.pointer_size()
        self.byte_order = inferiors.byte_order()
        self.kind = inferiors.kind(inferior)
        self._space: Optional[mappings.Space] = None
        self._images: Optional[List[Image]] = None
        self._threads: Optional[List[Thread]] = None

    def forget(self) -> None:
        """The program may have moved."""
        self._space = self._images = self._threads = None

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError."""
        if size == 0:
            return b""
        if size < 0 or address < 0 or address + size > 1 << 64:
            raise ReadError(address, size)
        if self.kind != LIVE and not self._is_real(address, size):
            raise ReadError(address, size)
        try:
            data = self._inferior.read_memory(address, size).tobytes()
        except (gdb.error, MemoryError, ValueError, OverflowError):  # gdb.MemoryError is a gdb.error
            raise ReadError(address, size) from None
        if len(data) != size:
            raise ReadError(address, size)
        return bytes(data)

    def _is_real(self, address: int, size: int) -> bool:
        """Whether what gdb would answer is in a file: not so for what a core left out, nor for .tbss of a file."""
        space = self._address_space()
        if self.kind == FILE:
            return any(mapping.start <= address < mapping.end for mapping in space.mappings)
        # The last range that starts before the end of what is asked for.
        index = bisect_left(space.faked, (address + size,)) - 1
        return index < 0 or space.faked[index][1] <= address

    def _address_space(self) -> mappings.Space:
        if self._space is None:
            self._space = mappings.of_inferior(self._inferior)
        return self._space

    def mappings(self) -> List[Mapping]:
        """The mapped ranges by ascending address; empty when gdb cannot tell."""
        return self._address_space().mappings

    def images(self) -> List[Image]:
        """Loaded images, the main executable first."""
        if self._images is None:
            self._images = images.of_inferior(self._inferior, self.mappings(), self.read)
        return self._images

    def threads(self) -> List[Thread]:
        """All threads with their registers, by gdb's numbers; the user's selection stays as it is."""
        if self._threads is None:
            self._threads = threads.of_inferior(self._inferior, self.arch)
        return self._threads
