"""A Target over an executable that does not run: what its segments hold, at the addresses that they are linked to."""

from __future__ import annotations

from typing import List, Optional

from ..binary.elf import ElfImage
from ..errors import ReadError
from ..target import FILE, Image, Mapping, Thread


class FileTarget:
    """The program at `path`; FormatError when it is no ELF file that goxray can read."""

    pointer_size = 8
    byte_order = "little"
    kind = FILE

    def __init__(self, path: str) -> None:
        self._path = path
        self._image = ElfImage.open(path)
        self.arch = self._image.arch

    @property
    def has_dwarf(self) -> bool:
        """Whether the program was built with debug information of its own."""
        return ".debug_info" in self._image.sections() or ".zdebug_info" in self._image.sections()

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes of one segment, or ReadError."""
        if size < 0 or address < 0:
            raise ReadError(address, size)
        return bytes(self._image.bytes(address, size)) if size else b""

    def mappings(self) -> List[Mapping]:
        """The segments, as they would be mapped."""
        return [
            Mapping(s.address, s.address + s.memory_size, s.flags(), self._path, s.offset)
            for s in sorted(self._image.segments, key=lambda segment: segment.address)
        ]

    def images(self) -> List[Image]:
        return [Image(self._path, 0)]

    def threads(self) -> List[Thread]:
        return []

    def monotonic_time(self) -> Optional[int]:
        return None
