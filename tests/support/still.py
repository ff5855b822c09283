"""Programs that do not run: the file alone, or laid out in memory as a loader would, with no file at hand."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Dict, List

from elftools.elf.elffile import ELFFile

from shared_core.errors import ReadError
from shared_core.target import CORE, FILE, Image, Mapping, Thread

_ARCHES = {"EM_X86_64": "amd64", "EM_AARCH64": "arm64"}
_RELATIVE = {"amd64": 8, "arm64": 1027}


class _Still:
    """What the two have in common: the PT_LOAD segments at a load bias, with nothing running."""

    pointer_size = 8
    byte_order = "little"

    def __init__(self, path: Path, bias: int, kind: str) -> None:
        self.kind = kind
        self.segments: Dict[int, bytearray] = {}
        with open(path, "rb") as stream:
            elf = ELFFile(stream)
            self.arch = _ARCHES[elf["e_machine"]]
            self.bias = bias if elf["e_type"] == "ET_DYN" else 0
            for segment in elf.iter_segments("PT_LOAD"):
                data = bytearray(segment.data().ljust(segment["p_memsz"], b"\0"))
                self.segments[segment["p_vaddr"] + self.bias] = data
            self._relocate(elf)

    def _relocate(self, elf: ELFFile) -> None:
        for segment in elf.iter_segments("PT_DYNAMIC"):
            table = segment.get_relocation_tables().get("RELA")  # type: ignore[attr-defined]
            for entry in table.iter_relocations() if table else ():
                if entry["r_info_type"] == _RELATIVE[self.arch]:
                    self._write(entry["r_offset"] + self.bias, entry["r_addend"] + self.bias)

    def _write(self, address: int, value: int) -> None:
        for start, data in self.segments.items():
            if start <= address < start + len(data):
                struct.pack_into("<Q", data, address - start, value)

    def read(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes at `address`, or ReadError."""
        for start, data in self.segments.items():
            if start <= address and address + size <= start + len(data):
                return bytes(data[address - start : address - start + size])
        raise ReadError(address, size)

    def mappings(self) -> List[Mapping]:
        return [Mapping(start, start + len(data), "rw-p") for start, data in sorted(self.segments.items())]

    def threads(self) -> List[Thread]:
        return []

    def monotonic_time(self) -> None:
        return None


class FileTarget(_Still):
    """An executable that a debugger has opened and not started."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, 0, FILE)
        self._path = str(path)

    def images(self) -> List[Image]:
        return [Image(self._path, 0)]


class MemoryTarget(_Still):
    """An executable in the memory of a process, at `bias` where it is position-independent; its file is missing."""

    def __init__(self, path: Path, bias: int = 0x5540_0000_0000) -> None:
        super().__init__(path, bias, CORE)

    def images(self) -> List[Image]:
        return [Image(None, min(self.segments) & -4096)]
