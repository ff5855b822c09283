"""GdbTarget: the Target protocol over a gdb inferior. It translates; what things mean is the core library's."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Callable, ContextManager, Dict, List, Optional, Sequence

import gdb

from shared_core.errors import ReadError
from shared_core.target import CORE, FILE, Image, Mapping, Thread

from . import images, mappings, symbols, threads
from . import inferior as inferiors
from . import watch as watches

_TOP = 1 << 64


class GdbTarget:
    """One inferior. Mappings, images and threads are kept until `forget`."""

    knows_go = True
    runs_on = False

    def __init__(self, inferior: Any) -> None:
        self._inferior = inferior
        self.arch = inferiors.architecture(inferior)
        self.pointer_size = inferiors.pointer_size()
        self.byte_order = inferiors.byte_order()
        self.kind = inferiors.kind(inferior)
        self._space: Optional[mappings.Space] = None
        self._faked_starts: List[int] = []
        self._faked_ends: List[int] = []
        self._images: Optional[List[Image]] = None
        self._threads: Optional[List[Thread]] = None
        self.selected = inferiors.selected()

    def forget(self) -> None:
        """The program may have moved."""
        self._space = self._images = self._threads = None
        self.selected = inferiors.selected()

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError. Called for every goroutine's stack: 1 us of Python each."""
        end = address + size
        if size <= 0 or address < 0 or end > _TOP:
            return _no_range(address, size)
        if self._space is None or self.kind == FILE:
            self._check_file(address, size)
        # The last made-up range that starts before the end of what is asked for.
        index = bisect_left(self._faked_starts, end) - 1
        if index >= 0 and self._faked_ends[index] > address:
            raise ReadError(address, size)
        try:
            data: bytes = self._inferior.read_memory(address, size).tobytes()
        except (gdb.error, MemoryError, ValueError, OverflowError):  # gdb.MemoryError is a gdb.error
            raise ReadError(address, size) from None
        if len(data) != size:
            raise ReadError(address, size)
        return data

    def _check_file(self, address: int, size: int) -> None:
        """In a file gdb takes .tbss, at address 0 of a PIE, for memory like any other."""
        space = self._address_space()
        if self.kind == FILE and not any(mapping.start <= address < mapping.end for mapping in space.mappings):
            raise ReadError(address, size)

    def _address_space(self) -> mappings.Space:
        if self._space is None:
            self._space = mappings.of_inferior(self._inferior)
            self._faked_starts = [start for start, _ in self._space.faked]
            self._faked_ends = [end for _, end in self._space.faked]
        return self._space

    def remarks(self) -> List[str]:
        """What the user should know about the core file."""
        return mappings.remarks(self._address_space()) if self.kind == CORE else []

    def mappings(self) -> List[Mapping]:
        """The mapped ranges by ascending address; empty when gdb cannot tell."""
        return self._address_space().mappings

    def images(self) -> List[Image]:
        """Loaded images, the main executable first."""
        if self._images is None:
            self._images = images.of_inferior(self._inferior, self.mappings(), self.read)
        return self._images

    def resident(self) -> Optional[Dict[int, int]]:
        """Start of a mapping -> bytes of it in RAM, of a process on this machine."""
        return inferiors.resident(self._inferior)

    def monotonic_time(self) -> Optional[int]:
        """The program's CLOCK_MONOTONIC in ns, where it runs under this very kernel and time namespace."""
        return inferiors.monotonic_time(self._inferior)

    def threads(self) -> List[Thread]:
        """All threads with their registers, by gdb's numbers; the user's selection stays as it is."""
        if self._threads is None:
            self._threads = threads.of_inferior(self._inferior, self.arch)
        return self._threads

    def load_symbols(self, path: str, image: Optional[str], load_bias: int) -> bool:
        """Load a debug file; False if gdb has it already."""
        return symbols.load(path, image, load_bias)

    def types_loaded(self, names: Callable[[], List[str]]) -> None:
        """gdb asks for every value that it prints: see printers.py."""

    def watch(self, addresses: Sequence[int]) -> ContextManager[watches.GoOn]:
        """Lets the program run from one of the addresses to the next."""
        return watches.watch(addresses, self.forget)

    def write(self, text: str) -> None:
        """Show text at once."""
        watches.write(text)

    def say(self, text: str) -> None:
        """Show a line while something takes long."""
        symbols.say(text)


def _no_range(address: int, size: int) -> bytes:
    """The answer for ranges that no memory can have, and for none at all."""
    if size:
        raise ReadError(address, size)
    return b""
