"""FakeTarget: a Target made of bytes at addresses, for tests that need no debugger and no program."""

from __future__ import annotations

import struct
from typing import Dict, List, Optional, Sequence
from typing import Mapping as MappingType

from shared_core.errors import ReadError
from shared_core.target import CORE, Image, Mapping, Thread

TEXT, STACK, SIZE = 0x400000, 0xC000000000, 0x2000


class FakeTarget:
    """Memory is `segments`: address -> bytes. `reads` counts what was asked for, to test caches."""

    def __init__(
        self,
        segments: MappingType[int, bytes],
        arch: str = "amd64",
        kind: str = CORE,
        images: Sequence[Image] = (),
        threads: Sequence[Thread] = (),
        mappings: Optional[Sequence[Mapping]] = None,
    ) -> None:
        self.arch = arch
        self.pointer_size = 8
        self.byte_order = "little"
        self.kind = kind
        self.segments: Dict[int, bytes] = dict(segments)
        self.reads = 0
        self._images, self._threads = list(images), list(threads)
        self._mappings = list(mappings) if mappings is not None else self._from_segments()

    def _from_segments(self) -> List[Mapping]:
        return [Mapping(start, start + len(data), "rw-p") for start, data in sorted(self.segments.items())]

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes from one segment, or ReadError."""
        self.reads += 1
        if size == 0:
            return b""
        for start, data in self.segments.items():
            if size > 0 and start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise ReadError(address, size)

    def mappings(self) -> List[Mapping]:
        return list(self._mappings)

    def images(self) -> List[Image]:
        return list(self._images)

    def threads(self) -> List[Thread]:
        return list(self._threads)

    def monotonic_time(self) -> Optional[int]:
        return None


def small_program() -> FakeTarget:
    """A FakeTarget of an ELF image at TEXT, a stack at STACK and two threads, the second one selected."""
    names = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", *(f"r{i}" for i in range(8, 16))]
    registers: Dict[str, Optional[int]] = dict.fromkeys(names, 0)
    at = {"rip": TEXT + 0x100, "pc": TEXT + 0x100, "rsp": STACK + 0x100, "sp": STACK + 0x100, "fs_base": 0}
    stack = Mapping(STACK, STACK + SIZE, "rw-p")
    text = Mapping(TEXT, TEXT + SIZE, "r-xp", "/usr/bin/prog")
    return FakeTarget(
        {TEXT: elf_header().ljust(SIZE, b"\xcc"), STACK: bytes(SIZE)},
        images=[Image(None, TEXT)],
        threads=[Thread(100, "main", {**registers, **at}), Thread(101, "", {**registers, **at}, "SIGABRT", True)],
        mappings=[text, stack],
    )


def elf_header() -> bytes:
    """The ELF header and one PT_LOAD of a fixed-address amd64 executable at TEXT."""
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, TEXT + 0x100, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    return ident + header + struct.pack("<IIQQQQQQ", 1, 5, 0, TEXT, TEXT, SIZE, SIZE, 0x1000)
