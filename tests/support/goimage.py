"""A whole Go program made out of descriptions: an ELF image with text, pclntab, moduledata and build info."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from shared_core.layouts.model import Layout
from shared_core.target import CORE, Image
from tests.support.elf import PAGE, R, W, X, elf
from tests.support.fake import FakeTarget
from tests.support.gotables import Fn, Tables, small_layout

BASE, TABLES, DATA = 0x400000, 0x480000, 0x500000
TEXT = BASE + PAGE
FINDFUNC, MODULE, INFO, GOFUNC = DATA - 0x8000, DATA + 0x100, DATA + 0x800, DATA - 0x4000


@dataclass
class Made:
    """The parts of the image, which a test may change before it asks for `file` or `target`."""

    tables: Tables
    layout: Layout
    text: bytearray
    rodata: bytearray
    data: bytearray

    def parts(self) -> List[Tuple[int, int, bytes]]:
        return [(BASE, R | X, bytes(self.text)), (TABLES, R, bytes(self.rodata)), (DATA, R | W, bytes(self.data))]

    def file(self, sections: bool = False) -> bytes:
        named = {".gopclntab": (TABLES, len(self.tables.data)), ".go.buildinfo": (INFO, 32)}
        return elf(self.parts(), self.tables.arch, sections=named if sections else None)

    def target(self, path: Optional[str] = None, kind: str = CORE) -> FakeTarget:
        """The image in memory; named by `path` where its file is at hand."""
        whole = self.file()
        segments = {address: bytes(data) for address, _, data in self.parts()}
        segments[BASE] = whole[:PAGE] + segments[BASE][PAGE:]
        image = Image(path, 0 if path else BASE)
        return FakeTarget(segments, arch=self.tables.arch, kind=kind, images=[image])

    def put(self, address: int, data: bytes) -> None:
        """Write `data` where it is to be loaded."""
        for start, part in ((TABLES, self.rodata), (DATA, self.data), (BASE, self.text)):
            if start <= address and address + len(data) <= start + len(part):
                part[address - start : address - start + len(data)] = data
                return
        raise ValueError(hex(address))


def make(functions: Sequence[Fn], form: str = "1.20", arch: str = "amd64", funcdata: bytes = b"") -> Made:
    """A program of these functions; `funcdata` is what lies at gofunc."""
    tables = Tables(functions, form, arch, TABLES, TEXT)
    layout = small_layout(arch)
    rodata = bytearray(DATA - TABLES - PAGE)
    made = Made(tables, layout, bytearray(PAGE + tables.entries[-1] - TEXT), rodata, bytearray(PAGE))
    made.put(TABLES, tables.data)
    made.put(FINDFUNC, tables.buckets())
    made.put(GOFUNC, funcdata)
    made.put(MODULE, tables.moduledata(layout, FINDFUNC, gofunc=GOFUNC))
    made.put(INFO, build_info("go1.27.3", "path\texample.com/made\nmod\texample.com/made\tv1.2.3\t\n"))
    return made


def build_info(version: str, text: str) -> bytes:
    """.go.buildinfo as Go 1.18 and later write it: the strings follow the header, with their lengths as varints."""
    guarded = b"0123456789abcdef" + text.encode() + b"fedcba9876543210" if text else b""
    found = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
    for part in (version.encode(), guarded):
        found += _uvarint(len(part)) + part
    return found


def _uvarint(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + _uvarint(value >> 7)


def old_build_info(made: Made, version: bytes, text: bytes) -> None:
    """The form up to Go 1.17: a header with pointers to two Go strings."""
    strings = INFO + 0x100
    made.put(INFO, b"\xff Go buildinf:" + bytes([8, 0]) + struct.pack("<QQ", strings, strings + 16))
    at = strings + 32
    made.put(strings, struct.pack("<QQQQ", at, len(version), at + len(version), len(text)))
    made.put(at, version + text)
