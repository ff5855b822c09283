"""What the notes of a Linux core file say: threads, mapped files, the auxiliary vector.

Sources: Linux fs/binfmt_elf.c (notes), include/uapi/linux/elfcore.h (elf_prstatus).
"""

from __future__ import annotations

import signal
import struct
from bisect import bisect_right
from typing import Dict, Iterator, List, Optional, Tuple

from ..binary.elf import ElfImage
from ..binary.elfheaders import PT_NOTE
from ..target import Mapping, Thread, in_order
from .registers import NAMES

_NOTES = {1: "NT_PRSTATUS", 6: "NT_AUXV", 0x46494C45: "NT_FILE"}
_PRSTATUS_SIGNAL, _PRSTATUS_PID, _PRSTATUS_REGISTERS = 12, 32, 112


class CoreNotes:
    """threads: in the core's order, the one that died first.  files: by address.  auxv: type -> value."""

    def __init__(self, core: ElfImage) -> None:
        self.threads: List[Thread] = []
        self.files: List[Mapping] = []
        self.auxv: Dict[int, int] = {}
        for kind, data in _notes(core):
            if kind == "NT_PRSTATUS" and len(data) > _PRSTATUS_REGISTERS:
                self.threads.append(_thread(core.arch, data, not self.threads))
            elif kind == "NT_AUXV":
                self.auxv.update(struct.iter_unpack("<QQ", data[: len(data) // 16 * 16]))
            elif kind == "NT_FILE":
                self.files = sorted(_file_mappings(data), key=lambda mapping: mapping.start)
        self._starts = [mapping.start for mapping in self.files]

    def with_files(self, dumped: List[Mapping]) -> List[Mapping]:
        """The segments of the core under the names of their files, and the mapped files that it has no segment for."""
        found = in_order(self.named(mapping) for mapping in dumped)
        starts = [mapping.start for mapping in found]
        for file in self.files:
            index = bisect_right(starts, file.start) - 1
            if index < 0 or found[index].end <= file.start:
                found.append(file)
        return in_order(found)

    def named(self, mapping: Mapping) -> Mapping:
        """The same with path and offset of the file that was mapped there, if one was."""
        start = mapping.start
        index = bisect_right(self._starts, start) - 1
        if index < 0 or start >= self.files[index].end:
            return mapping
        known = self.files[index]
        return Mapping(start, mapping.end, mapping.flags, known.path, known.offset + start - known.start)


def _notes(core: ElfImage) -> Iterator[Tuple[str, bytes]]:
    """(type, descriptor) of every note that counts here; one that is cut is what is left of it."""
    for notes in core.pieces(PT_NOTE):
        at = 0
        while at + 12 <= len(notes):
            name_size, size, kind = struct.unpack_from("<III", notes, at)
            start = at + 12 + (name_size + 3 & -4)
            if kind in _NOTES:
                yield _NOTES[kind], bytes(notes[start : start + size])
            at = start + (size + 3 & -4)


def _thread(arch: str, data: bytes, first: bool) -> Thread:
    names = NAMES.get(arch, [])
    count = min(len(names), (len(data) - _PRSTATUS_REGISTERS) // 8)
    registers: Dict[str, Optional[int]] = dict(zip(names, struct.unpack_from(f"<{count}Q", data, _PRSTATUS_REGISTERS)))
    tid = struct.unpack_from("<i", data, _PRSTATUS_PID)[0]
    return Thread(tid, "", registers, _signal_name(struct.unpack_from("<h", data, _PRSTATUS_SIGNAL)[0]), first)


def _signal_name(number: int) -> Optional[str]:
    """ "SIGABRT" for 6; None for 0."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}" if number else None


def _file_mappings(data: bytes) -> List[Mapping]:
    if len(data) < 16:
        return []
    count, page = struct.unpack_from("<QQ", data)
    if count > len(data) // 24:
        return []
    paths = data[16 + 24 * count :].split(b"\0")
    ranges = struct.iter_unpack("<QQQ", data[16 : 16 + 24 * count])
    return [
        Mapping(start, end, "", path.decode("utf-8", "replace"), offset * page)
        for (start, end, offset), path in zip(ranges, paths)
    ]
