"""Code that is not Go's: C in the program, shared libraries, the kernel's vdso; names and unwind information of it."""

from __future__ import annotations

import os
from bisect import bisect_right
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..binary.buildid import ids_in_memory, ids_of_file
from ..binary.cfi import PT_GNU_EH_FRAME, CallFrames, frames_of
from ..binary.elf import PARSER_ERRORS, ElfImage
from ..binary.elfsymbols import STT_FUNC
from ..errors import FormatError, GoxrayError, ReadError
from ..memory import PAGE
from ..target import Mapping

if TYPE_CHECKING:
    from ..session import Session

_MAX_VDSO = 1 << 18


class NativeImage:
    """One ELF image with code that is not Go's; addresses here are as loaded.

    name: of its file without the directory, "[vdso]" for the kernel's.
    """

    def __init__(self, session: Session, name: str, elf: ElfImage, bias: int) -> None:
        self.name = name
        self._elf, self._bias, self._memory = elf, bias, session.memory
        self._frames: Optional[CallFrames] = None
        self._searched = False
        self._symbols: Optional[List[Tuple[int, int, str]]] = None

    def holds(self, pc: int) -> bool:
        linked = pc - self._bias
        return any(s.executable and s.address <= linked < s.address + s.memory_size for s in self._elf.segments)

    @property
    def frames(self) -> Optional[CallFrames]:
        """Its unwind information; None without any."""
        if not self._searched:
            header = next((a for a in self._elf.header_addresses(PT_GNU_EH_FRAME)), None)
            self._frames = frames_of(self._read, None if header is None else header + self._bias)
            self._searched = True
        return self._frames

    def _read(self, address: int, size: int) -> bytes:
        try:
            return bytes(self._elf.bytes(address - self._bias, size))
        except ReadError:
            return self._memory.read(address, size)

    def place(self, pc: int) -> Tuple[str, int]:
        """(function, pc's offset in it), by .symtab or .dynsym; ("", offset in the image) without a symbol."""
        if self._symbols is None:
            self._symbols = self._read_symbols()
        linked = pc - self._bias
        index = bisect_right(self._symbols, (linked, 1 << 64, "")) - 1
        if index >= 0:
            address, size, name = self._symbols[index]
            if linked < address + size:
                return name, linked - address
        return "", linked - self._elf.base()

    def _read_symbols(self) -> List[Tuple[int, int, str]]:
        try:
            symbols = [*self._elf.dynamic_symbols(), *self._elf.symbols()]
        except PARSER_ERRORS:
            return []
        return sorted((s.address, s.size, s.name) for s in symbols if s.kind == STT_FUNC and s.size)


class NativeCode:
    """Finds the image that a pc is in; images are opened once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._images: Dict[int, Optional[NativeImage]] = {}

    def image(self, pc: int) -> Optional[NativeImage]:
        """The image that holds the code at `pc`; None where no file or memory shows one that is the program's own."""
        mapping = next((m for m in self._session.target.mappings() if m.start <= pc < m.end), None)
        key = mapping.start if mapping else -1
        if key not in self._images:
            self._images[key] = self._find(pc, mapping)
        found = self._images[key]
        return found if found is not None and found.holds(pc) else None

    def _find(self, pc: int, mapping: Optional[Mapping]) -> Optional[NativeImage]:
        own = self._session.program.image
        if own.in_file:
            image = NativeImage(self._session, os.path.basename(own.path or "the program"), own.elf, own.bias)
            if image.holds(pc):
                return image
        for loaded in self._session.target.images()[1:]:
            found = self._of_file(loaded.path, loaded.load_bias) if loaded.path else None
            if found is not None and found.holds(pc):
                return found
        if mapping is None:
            return None
        if mapping.path and not mapping.path.startswith("["):
            start = min(m.start for m in self._session.target.mappings() if m.path == mapping.path)
            return self._of_file(mapping.path, None, start)
        return self._in_memory(mapping)

    def _of_file(self, path: str, bias: Optional[int], start: int = 0) -> Optional[NativeImage]:
        """The file at `path`, loaded with `bias` or from `start` on; None when it is not what the program has."""
        try:
            elf = ElfImage.open(path)
        except FormatError:
            return None
        bias = start - elf.base() if bias is None else bias
        return NativeImage(self._session, os.path.basename(path), elf, bias) if self._same(elf, bias) else None

    def _same(self, elf: ElfImage, bias: int) -> bool:
        """Whether memory has the file's build id, or else its first page: another file's tables would mislead."""
        base = elf.base()
        loaded, filed = ids_in_memory(self._session.memory, base + bias), ids_of_file(elf)
        if loaded is not None and loaded.gnu and filed.gnu:
            return loaded.gnu == filed.gnu
        try:
            size = min(PAGE, next(s.file_size for s in elf.segments if s.address & -PAGE == base))
            return self._session.memory.read(base + bias, size) == bytes(elf.bytes(base, size))
        except (ReadError, StopIteration):
            return False

    def _in_memory(self, mapping: Mapping) -> Optional[NativeImage]:
        """A mapping that is an ELF image by itself, as the vdso is."""
        size = mapping.end - mapping.start
        try:
            if size > _MAX_VDSO or self._session.memory.read(mapping.start, 4) != b"\x7fELF":
                return None
            elf = ElfImage(self._session.memory.read(mapping.start, size), None)
        except GoxrayError:
            return None
        return NativeImage(self._session, "[vdso]", elf, mapping.start - elf.base())
