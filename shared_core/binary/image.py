"""A loaded image: the executable where it sits in memory; its constants come from the file, the rest from memory."""

from __future__ import annotations

from typing import Iterator, Optional, Pattern, Sequence, Tuple

from ..errors import ReadError
from ..memory import PAGE, Memory
from ..target import FILE, Image, Target
from .buildid import BuildIds, ids_in_memory, ids_of_file
from .elf import Buffer, ElfImage, Segment, image_from_memory

_CHUNK = 1 << 22
_PIECE = 1 << 16
_OVERLAP = 256
_MAX_HOLE = 1 << 24  # a segment with so much unreadable in a row has a size that is not to be believed


class LoadedImage:
    """All addresses are as loaded. start: where in memory the program's ELF header is, which need not be the file's.

    Read-only segments come from the mapped file when it is at hand (no copy, no debugger); everything else, and
    everything of an image without a file, comes from the target's memory.
    """

    def __init__(self, target: Target, memory: Memory, image: Image) -> None:
        self.memory = memory
        self.bias = image.load_bias
        self.static = target.kind == FILE  # nothing in memory, or nothing of this program: read all from the file
        self.path = image.path
        self.elf = ElfImage.open(image.path) if image.path else image_from_memory(memory, image.load_bias)
        if image.path is None:
            # A memory-only image is named by where its first byte is, and may be linked at that very address.
            self.bias = image.load_bias - self.elf.base()
        self.in_file = image.path is not None
        self.start = self.elf.base() + self.bias if image.start is None else image.start

    def constant(self, address: int, size: int) -> Buffer:
        """Bytes that the program never changes (pclntab, rodata, text)."""
        if self.in_file:
            try:
                return self.elf.bytes(address - self.bias, size)
            except ReadError:
                pass
        return self.memory.read(address, size)

    def filed(self, address: int, size: int) -> bytes:
        """Bytes of a read-only segment from the file; ReadError for any other, and without a file."""
        linked = address - self.bias
        if self.in_file and not self.static:
            for segment in self.elf.segments:
                if not segment.writable and 0 <= linked - segment.address <= segment.file_size - size:
                    return bytes(self.elf.bytes(linked, size))
        raise ReadError(address, size)

    def data(self, address: int, size: int) -> Buffer:
        """Bytes that the loader may have written, and that the program leaves alone (moduledata, build info).

        What is not in memory, as in a core that was cut, is as the loader would have made it from the file.
        """
        if not self.static:
            try:
                return self.memory.read(address, size)
            except ReadError:
                if not self.in_file:
                    raise
        return self.elf.relocated(address - self.bias, size, self.bias)

    def chunks(self, writable: bool) -> Iterator[Tuple[int, Buffer]]:
        """(address, bytes) pieces of the segments of one kind, to be searched; a piece may overlap its neighbour.

        Read-only segments include data.rel.ro ones in a writable PT_LOAD only when `writable` is asked for.
        """
        for segment in self.elf.segments:
            if segment.writable == writable:
                yield from self._segment_chunks(segment)

    def _segment_chunks(self, segment: Segment) -> Iterator[Tuple[int, Buffer]]:
        start = segment.address + self.bias
        if self.in_file and (self.static or not segment.writable):
            yield start, self.elf.segment_bytes(segment)
            return
        hole = 0
        for at in range(0, segment.memory_size, _CHUNK):
            size = min(_CHUNK + _OVERLAP, segment.memory_size - at)
            pieces = list(self._readable(start + at, size))
            yield from pieces
            hole = 0 if pieces else hole + size
            if hole > _MAX_HOLE:
                return

    def _readable(self, start: int, size: int, steps: Sequence[int] = (_PIECE, PAGE)) -> Iterator[Tuple[int, Buffer]]:
        """What can be read of a range, in ever smaller pieces where it has holes."""
        try:
            yield start, self.memory.read(start, size)
        except ReadError:
            for at in range(start, start + size, steps[0]) if steps else ():
                yield from self._readable(at, min(steps[0], start + size - at), steps[1:])

    def search(self, pattern: Pattern[bytes], *kinds: bool, align: int = 1) -> Iterator[Tuple[int, bytes]]:
        """(address, bytes) of each match at a multiple of `align`, in the segments of the given kinds in turn.

        kinds: True for the writable segments, False for the others.
        """
        for writable in kinds:
            for start, data in self.chunks(writable):
                for match in pattern.finditer(data):
                    address = start + match.start()
                    if address % align == 0:
                        yield address, match.group()

    def search_file(self, pattern: Pattern[bytes], align: int = 1) -> Iterator[Tuple[int, bytes]]:
        """The same in what the file holds, before relocation, writable segments first; nothing without a file."""
        for segment in sorted(self.elf.segments, key=lambda each: not each.writable) if self.in_file else ():
            for match in pattern.finditer(self.elf.segment_bytes(segment)):
                address = segment.address + self.bias + match.start()
                if address % align == 0:
                    yield address, match.group()

    def contains(self, address: int) -> bool:
        """Whether `address` lies in one of this image's segments."""
        linked = address - self.bias
        return any(0 <= linked - s.address < s.memory_size for s in self.elf.segments)

    def ids(self) -> BuildIds:
        """The build ids of the file."""
        return ids_of_file(self.elf)

    def ids_in_memory(self) -> Optional[BuildIds]:
        """Those in memory where the file should be; None when they cannot be had."""
        return ids_in_memory(self.memory, self.start)
