"""A Target over a Linux core file and the executable that left it."""

from __future__ import annotations

from bisect import bisect_right
from typing import List, Optional, Tuple

from ..arch import ARCH_NAMES
from ..binary.elf import ElfImage
from ..errors import FormatError, ReadError
from ..target import CORE, Image, Mapping, Thread
from .corenotes import CoreNotes
from .held import remarks_on
from .images import main_images, recorded_path, shared_images


class CoreTarget:
    """The core file at `core_path`, of the program at `exe_path`, else of the one that is where it was run.

    remarks: what the user should know about the file. recorded: where the core says that the program was.
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
        self.remarks = remarks_on(self._core)
        self._notes = CoreNotes(self._core)
        segments = sorted(self._core.segments, key=lambda s: s.address)
        dumped = [Mapping(s.address, s.address + s.memory_size, s.flags()) for s in segments]
        self._mappings = self._notes.with_files(dumped)
        self._held = [(s.address, self._core.segment_bytes(s)) for s in segments if len(self._core.segment_bytes(s))]
        self._starts = [start for start, _ in self._held]
        self.recorded = recorded_path(self._notes.auxv, self._notes.files)
        self._exe_path = exe_path or self._recorded_exe()
        self._exe = ElfImage.open(self._exe_path) if self._exe_path else None

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError."""
        if size < 0:
            raise ReadError(address, size)
        pieces, at = [], address
        while at < address + size:
            index = bisect_right(self._starts, at) - 1
            start, held = self._held[index] if index >= 0 else (0, b"")
            piece = held[at - start : address + size - start]
            if not piece:
                raise ReadError(address, size)
            pieces.append(piece)
            at += len(piece)
        return bytes(pieces[0]) if len(pieces) == 1 else b"".join(pieces)

    def region(self, address: int) -> Optional[Tuple[int, memoryview]]:
        """(start, bytes) of the segment that holds `address`, as it is in the file; None where `read` must tell."""
        index = bisect_right(self._starts, address) - 1
        start, held = self._held[index] if index >= 0 else (0, memoryview(b""))
        return (start, held) if address - start < len(held) else None

    def mappings(self) -> List[Mapping]:
        """What the core's program headers and its NT_FILE note cover, with the file names that the note gives."""
        return self._mappings

    def images(self) -> List[Image]:
        """The executable, with the load bias that the auxiliary vector shows, then the shared objects."""
        main = main_images(self._exe_path, self._exe, self._notes.auxv, self._mappings, self.read)
        return main + shared_images(self._notes.files, self.recorded, lambda mapping: mapping.path)

    def threads(self) -> List[Thread]:
        """The threads of the NT_PRSTATUS notes; the first is the one that died."""
        return self._notes.threads

    def monotonic_time(self) -> Optional[int]:
        """None: a core does not say when it was taken."""
        return None

    def _recorded_exe(self) -> Optional[str]:
        """The executable where the core says that it was, if one of this architecture is there."""
        path = self.recorded
        try:
            return path if path and ElfImage.open(path).arch == self.arch else None
        except FormatError:
            return None
