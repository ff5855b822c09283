"""moduledata: found by its pointer to the pclntab, accepted when its tables agree with it.

Source: Go 1.27 runtime/symtab.go (moduledata, moduledataverify1, textAddr, textOff, findfunc). The field offsets come
from the layout, since Go moves them without a new magic.
"""

from __future__ import annotations

import re
import struct
from typing import Dict, Iterator, List, NamedTuple, Optional

from ..errors import FormatError, LayoutError, ReadError
from ..layouts.model import Layout
from .elf import Buffer
from .funcs import Func, FuncTable
from .image import LoadedImage
from .pclntab import MAGIC_116, PcHeader

_BUCKET = 4096  # bytes of text per findfuncbucket: abi.FuncTabBucketSize
_SUBBUCKET = 256
_BUCKET_RECORD = struct.Struct("<I16B")
_MAX_MODULES = 1024
_MAX_SECTIONS = 4096
_MAX_NAME = 4096
_LINKED_WORDS = 29  # from pcHeader to enoptrbss, in Go 1.16 to 1.27


class TextSection(NamedTuple):
    """runtime.textsect: offsets [start, end) of the text lie at `base`."""

    start: int
    end: int
    base: int


class Module:
    """One module (the program itself, or a plugin): its tables, and pc -> function as the runtime looks it up."""

    def __init__(self, image: LoadedImage, header: PcHeader, address: int, fields: Dict[str, int]) -> None:
        self.image = image
        self.header = header
        self.address = address
        self.fields = fields
        self.text, self.minpc, self.maxpc = fields["text"], fields["minpc"], fields["maxpc"]
        self.gofunc = fields.get("gofunc", 0)
        self._findfunctab = fields["findfunctab"]
        self.sections = self._text_sections()
        end = fields["pclntable.ptr"] + fields["pclntable.len"]
        self.table = FuncTable(header, image.constant(header.address, end - header.address), self.text_address)
        self._buckets = self._read_buckets()

    def _text_sections(self) -> List[TextSection]:
        count = self.fields.get("textsectmap.len", 0)
        if not 1 < count <= _MAX_SECTIONS:
            return []
        data = self.image.data(self.fields["textsectmap.ptr"], 24 * count)
        return [TextSection(*words) for words in struct.iter_unpack("<QQQ", data)]

    def _read_buckets(self) -> Buffer:
        count = (self.maxpc - self.minpc + _BUCKET - 1) // _BUCKET
        return self.image.constant(self._findfunctab, count * _BUCKET_RECORD.size)

    def text_address(self, offset: int) -> int:
        """runtime's textAddr: large programs are linked as several text sections with gaps between them.

        Up to Go 1.17 the tables held addresses.
        """
        if self.header.magic == MAGIC_116:
            return offset
        for section in self.sections:
            last = section is self.sections[-1]
            if section.start <= offset < section.end or (last and offset == section.end):
                return section.base + offset - section.start
        return self.text + offset

    def text_offset(self, pc: int) -> Optional[int]:
        """runtime's textOff, the inverse of text_address; None in a gap."""
        if self.header.magic == MAGIC_116:
            return pc
        if not self.sections:
            return pc - self.text
        for section in self.sections:
            end = section.base + section.end - section.start
            if section.base <= pc < end or (section is self.sections[-1] and pc == end):
                return pc - section.base + section.start
        return None

    def find(self, pc: int) -> Optional[Func]:
        """The function that holds `pc`, through its findfunctab bucket; None outside this module's text."""
        if not self.minpc <= pc < self.maxpc:
            return None
        offset = self.text_offset(pc)
        if offset is None:
            return None
        place = pc - self.minpc if self.header.magic == MAGIC_116 else offset + self.text - self.minpc
        try:
            bucket = _BUCKET_RECORD.unpack_from(self._buckets, place // _BUCKET * _BUCKET_RECORD.size)
        except struct.error:
            return None  # a broken textsectmap leads outside the buckets
        index = bucket[0] + bucket[1 + place % _BUCKET // _SUBBUCKET]
        table = self.table
        # A bucket leads to the last function that starts at or before the subbucket: at most a few steps are left.
        while index + 1 <= table.count and table.entry_offset(index + 1) <= offset:
            index += 1
        return table.func(index) if index < table.count else None

    def code(self, func: Func) -> Buffer:
        """The machine code of `func`, padding included."""
        return self.image.constant(func.entry, func.end - func.entry)

    def funcdata(self, func: Func, number: int) -> Optional[int]:
        return func.funcdata(number, self.gofunc)

    @property
    def name(self) -> str:
        """moduledata.modulename: "" for the program itself, the path of a plugin."""
        return self._string("modulename")

    @property
    def plugin_path(self) -> str:
        return self._string("pluginpath")

    def _string(self, field: str) -> str:
        at, size = self.fields.get(field + ".str", 0), self.fields.get(field + ".len", 0)
        if not size or size > _MAX_NAME:
            return ""
        try:
            return bytes(self.image.data(at, size)).decode("utf-8", "replace")
        except ReadError:
            return ""


def find_module(image: LoadedImage, header: PcHeader, layout: Layout) -> Module:
    """The moduledata that points to `header`; FormatError, with the reason, when none agrees with it."""
    reason = ""
    for address in pointers_to(image, header.address):
        try:
            return module_at(image, header, address, layout)
        except (FormatError, ReadError) as error:
            # The likeliest comes first: what is in writable memory.
            reason = reason or str(error)
    reason = reason or "nothing in the program's data points to it"
    raise FormatError(f"no moduledata fits the pclntab at {header.address:#x}: {reason}")


def leads_to(image: LoadedImage, header: PcHeader) -> bool:
    """Whether something in the image's data begins as a moduledata of this pclntab does, whatever its Go version."""
    names = struct.pack("<Q", header.address + header.names)
    for at in _pointers_in_file(image, header.address) if image.static else _pointers_as_loaded(image, header.address):
        try:
            if bytes(image.data(at + 8, 8)) == names:
                return True
        except ReadError:
            continue
    return False


def agrees(image: LoadedImage, header: PcHeader) -> Optional[bool]:
    """Whether memory has the moduledata of the file's pclntab where the file has it; None where it has nothing there.

    Compared is what the linker put in, the lengths of all tables and the ends of all sections among it.
    """
    for place in _pointers_in_file(image, header.address):
        try:
            ours = bytes(image.elf.relocated(place - image.bias, 8 * _LINKED_WORDS, image.bias))
        except ReadError:
            continue
        if ours[8:16] == struct.pack("<Q", header.address + header.names):
            try:
                return image.memory.read(place, len(ours)) == ours
            except ReadError:
                return None
    return None


def pointers_to(image: LoadedImage, address: int) -> Iterator[int]:
    """Places in the image's data that hold the pointer `address`: in memory, then as the file would be loaded."""
    if not image.static:
        yield from _pointers_as_loaded(image, address)
    if image.in_file:
        yield from _pointers_in_file(image, address)


def _pointers_as_loaded(image: LoadedImage, address: int) -> Iterator[int]:
    """In memory, first where the file has them: to search all of the data takes long where a wire is between."""
    for place in _pointers_in_file(image, address) if image.in_file else ():
        try:
            if image.memory.u64(place) == address:
                yield place
        except ReadError:
            continue
    yield from _pointers_in_memory(image, address)


def _pointers_in_memory(image: LoadedImage, address: int) -> Iterator[int]:
    pattern = re.compile(re.escape(struct.pack("<Q", address)))
    for place, _ in image.search(pattern, True, False, align=8):
        yield place


def _pointers_in_file(image: LoadedImage, address: int) -> Iterator[int]:
    if image.elf.position_independent:
        yield from (place + image.bias for place in image.elf.relocations_to(address - image.bias))
        return
    pattern = re.compile(re.escape(struct.pack("<Q", address)))
    for place, _ in image.search_file(pattern, align=8):
        yield place


def module_at(image: LoadedImage, header: PcHeader, address: int, layout: Layout) -> Module:
    """The moduledata at `address`, checked against `header` as the runtime's moduledataverify1 does."""
    fields = read_fields(image, address, layout)
    _check(fields, header)
    module = Module(image, header, address, fields)
    _check_ends(module)
    return module


def read_fields(image: LoadedImage, address: int, layout: Layout) -> Dict[str, int]:
    """Every integer field of the moduledata at `address`, by name."""
    kind = layout.struct("runtime.moduledata")
    data = image.data(address, kind.size)
    sizes = {1: "B", 2: "<H", 4: "<I", 8: "<Q"}
    return {
        name: int(struct.unpack_from(sizes[place.size], data, place.offset)[0])
        for name, place in kind.fields.items()
        if place.size in sizes and place.offset + place.size <= kind.size
    }


def _check(fields: Dict[str, int], header: PcHeader) -> None:
    try:
        expected = {
            "pcHeader": header.address,
            "funcnametab.ptr": header.address + header.names,
            "cutab.ptr": header.address + header.cutab,
            "filetab.ptr": header.address + header.filetab,
            "pctab.ptr": header.address + header.pctab,
            "pclntable.ptr": header.address + header.pclntable,
            "ftab.ptr": header.address + header.pclntable,
            "ftab.len": header.functions + 1,
        }
        wrong = [name for name, value in expected.items() if fields[name] != value]
        if wrong:
            raise FormatError(f"its {', '.join(wrong)} do not agree with the pclntab")
        if not fields["text"] <= fields["minpc"] < fields["maxpc"] <= fields["etext"]:
            raise FormatError("its minpc and maxpc are outside its text")
    except KeyError as error:
        raise LayoutError(f"the layout's moduledata has no field {error}") from None


def _check_ends(module: Module) -> None:
    """minpc and maxpc are the first entry and the end of the last, and the buckets lead to the same functions."""
    table = module.table
    if table.entry(0) != module.minpc or table.entry(table.count) != module.maxpc:
        raise FormatError("its minpc and maxpc are not the ends of the function table")
    for index in {0, table.count // 3, table.count // 2, table.count - 1}:
        found = module.find(table.entry(index))
        if found is None or found.entry != table.entry(index):
            raise FormatError("its findfunctab leads to other functions than the function table")


def other_modules(first: Module, layout: Layout) -> Iterator[int]:
    """Addresses of the moduledata after the first in the `next` list; stops at a loop or at a bound."""
    seen, address = {first.address}, first.fields.get("next", 0)
    next_field = layout.struct("runtime.moduledata").offset("next")
    while address and address not in seen and len(seen) < _MAX_MODULES:
        seen.add(address)
        yield address
        try:
            address = first.image.memory.u64(address + next_field)
        except ReadError:
            return
