"""A Target over a Linux core file and the executable that left it."""

from __future__ import annotations

from bisect import bisect_right
from typing import Iterator, List, Optional, Tuple

from ..arch import ARCH_NAMES
from ..binary.elf import ElfImage
from ..binary.loadbias import AT_PHDR, load_bias
from ..errors import FormatError, ReadError
from ..memory import PAGE
from ..target import CORE, Image, Mapping, Thread
from .corenotes import CoreNotes
from .images import shared_images


class CoreTarget:
    """The core file at `core_path`, with the program's constant pages from `exe_path`, else from where it was run.

    Raises FormatError when either file is not what it should be.
    """

    pointer_size = 8
    byte_order = "little"
    kind = CORE

    def __init__(self, exe_path: Optional[str], core_path: str) -> None:
        self.core_path = core_path
        self._core = ElfImage.open(core_path)
        self.arch = self._core.arch
        if self.arch not in ARCH_NAMES:
            raise FormatError(f"{core_path}: a core of {self.arch}; goxray reads amd64 and arm64")
        self._notes = CoreNotes(self._core)
        segments = sorted(self._core.segments, key=lambda s: s.address)
        self._mappings = [self._notes.named(Mapping(s.address, s.address + s.memory_size, s.flags())) for s in segments]
        self._exe_path = exe_path or self._recorded_exe()
        self._exe = ElfImage.open(self._exe_path) if self._exe_path else None
        self._bias = (load_bias(self._exe, self._notes.auxv) or 0) if self._exe else 0
        self._ranges = self._readable_ranges()
        self._starts = [start for start, _, _, _ in self._ranges]

    def _readable_ranges(self) -> List[Tuple[int, int, ElfImage, int]]:
        """(start, end, image, linked address of start); what the core holds comes before what the file holds."""
        ranges = [(s.address, s.address + s.file_size, self._core, s.address) for s in self._core.segments]
        for segment in self._exe.segments if self._exe else []:
            start = segment.address + self._bias
            assert self._exe is not None
            for low, high in _gaps(start, start + segment.file_size, ranges):
                ranges.append((low, high, self._exe, low - self._bias))
        return sorted((r for r in ranges if r[1] > r[0]), key=lambda r: r[0])

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError."""
        if size < 0:
            raise ReadError(address, size)
        pieces, at = [], address
        while at < address + size:
            index = bisect_right(self._starts, at) - 1
            if index < 0 or at >= self._ranges[index][1]:
                raise ReadError(address, size)
            start, end, image, linked = self._ranges[index]
            step = min(end, address + size) - at
            try:
                pieces.append(image.bytes(linked + at - start, step))
            except ReadError:
                raise ReadError(address, size) from None
            at += step
        return b"".join(pieces)

    def mappings(self) -> List[Mapping]:
        """What the core's program headers cover, with the file names that its NT_FILE note gives."""
        return self._mappings

    def images(self) -> List[Image]:
        """The executable, with the load bias that the auxiliary vector shows, then the shared objects."""
        if self._exe is not None:
            main = [Image(self._exe_path, self._bias)]
        else:
            main = [Image(None, self._notes.auxv[AT_PHDR] & -PAGE)] if AT_PHDR in self._notes.auxv else []
        return main + shared_images(self._notes.files, self._main_path(), lambda mapping: mapping.path)

    def _main_path(self) -> Optional[str]:
        """The executable's path in NT_FILE: the file whose mapping holds the program headers."""
        place = self._notes.auxv.get(AT_PHDR, -1)
        return next((f.path for f in self._notes.files if f.start <= place < f.end), None)

    def threads(self) -> List[Thread]:
        """The threads of the NT_PRSTATUS notes; the first is the one that died."""
        return self._notes.threads

    def monotonic_time(self) -> Optional[int]:
        """None: a core does not say when it was taken."""
        return None

    def _recorded_exe(self) -> Optional[str]:
        """The executable where the core says that it was, if one of this architecture is there."""
        path = self._main_path()
        try:
            return path if path and ElfImage.open(path).arch == self.arch else None
        except FormatError:
            return None


def _gaps(start: int, end: int, taken: List[Tuple[int, int, ElfImage, int]]) -> Iterator[Tuple[int, int]]:
    """The parts of [start, end) that no range of `taken` covers."""
    for low, high in sorted((r[0], r[1]) for r in taken if r[0] < end and r[1] > start):
        if start < low:
            yield start, low
        start = max(start, high)
    if start < end:
        yield start, end
