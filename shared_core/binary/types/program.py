"""Types: the descriptors and itabs of all modules of a program."""

from __future__ import annotations

import struct
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple, Union

from ...errors import NOT_APPLICABLE, NOT_RECORDED, UNPARSABLE, UNREADABLE, Absent, Maybe, ReadError
from ...layouts.model import Layout
from ...memory import Memory
from ..elf import Buffer
from ..moduledata import Module
from .descriptor import Type
from .itabs import Itab, itab_places, read_itab
from .records import WORD, Records, named_like, why_no_header
from .section import Name, Section
from .walk import descriptors

_MAX_KNOWN = 1 << 20
_MAX_NOT = 1 << 16
_UNREACHABLE = "runtime.unreachableMethod"


class Types:
    """Reads type descriptors by their addresses; what does not look like one in every respect is Absent.

    sections: one per module, in the modules' order. Raises LayoutError where the layout has no descriptors.
    """

    def __init__(self, modules: Sequence[Module], memory: Memory, layout: Layout) -> None:
        self._memory = memory
        self.records = Records(layout)
        self.sections = [Section(module) for module in modules]
        self._known: Dict[int, Type] = {}
        self._not: Dict[int, Absent] = {}
        self._all: Optional[List[Type]] = None
        self._unreachable: Optional[FrozenSet[int]] = None
        self._itabs: Optional[List[Itab]] = None
        self._names: Dict[str, List[Type]] = {}
        self._full_names: Dict[str, List[Type]] = {}

    def at(self, address: int) -> Maybe[Type]:
        """The type whose descriptor is at `address`; types that reflect made at run time are not found."""
        known = self._known.get(address)
        if known is not None:
            return known
        none = self._not.get(address)
        if none is not None:
            return none
        found = self._read(address)
        if isinstance(found, Absent):
            _bound(self._not, _MAX_NOT)
            self._not[address] = found
        else:
            _bound(self._known, _MAX_KNOWN)
            self._known[address] = found
        return found

    def at_offset(self, section: Section, offset: int) -> Maybe[Type]:
        """runtime's resolveTypeOff for a descriptor in `section`; offset as an unsigned number of 32 bits.

        Where modules share a type, this module's own copy.
        """
        if offset in (0, 0xFFFFFFFF):
            return Absent(NOT_RECORDED, "the linker left it out")
        if offset >> 31:
            return Absent(NOT_RECORDED, "reflect made it at run time: only the runtime's reflectOffs leads to it")
        return self.at(section.start + offset)

    def all(self) -> List[Type]:
        """Every descriptor of every module, by address within a module."""
        if self._all is None:
            self._all = [each for section in self.sections for each in descriptors(self, section)]
        return self._all

    def find(self, name: str) -> List[Type]:
        """The types of this name, as `%T` prints it or with whole import paths ("*example.com/shop/order.Line").

        Several where packages, functions or modules have each their own.
        """
        if not self._names:
            for each in self.all():
                self._names.setdefault(each.name, []).append(each)
        if name in self._names:
            return list(self._names[name])
        if not self._full_names:
            for each in self.all():
                full = each.full_name
                if not isinstance(full, Absent):
                    self._full_names.setdefault(full, []).append(each)
        return list(self._full_names.get(name, ()))

    def itab(self, address: int) -> Maybe[Itab]:
        """The itab at `address`, wherever it is: the linker makes some, getitab allocates the others."""
        return read_itab(self, address)

    def itabs(self) -> List[Itab]:
        """The itabs that the linker made for each module; the runtime has those that came later in its itabTable."""
        if self._itabs is None:
            found = (self.itab(at) for section in self.sections for at in itab_places(self, section))
            self._itabs = [each for each in found if isinstance(each, Itab)]
        return self._itabs

    @property
    def unreachable(self) -> FrozenSet[int]:
        """Where runtime.unreachableMethod is: the linker lets it stand for methods that nothing calls."""
        if self._unreachable is None:
            tables = [section.module.table for section in self.sections]
            found = (func for table in tables for func in table.by_name(_UNREACHABLE))
            self._unreachable = frozenset(func.entry for func in found)
        return self._unreachable

    def unreadable(self) -> Iterator[Tuple[int, int]]:
        """(start, end) of what all() could not look at: a core that was cut."""
        for section in self.sections:
            at = section.start
            for start, data in section.pieces():
                if start > at:
                    yield at, start
                at = start + len(data)
            if at < section.end:
                yield at, section.end

    def section(self, address: int) -> Optional[Section]:
        """The type section that holds `address`."""
        for each in self.sections:
            if each.start <= address < each.end:
                return each
        return None

    def name(self, address: int) -> Optional[Name]:
        """The abi.Name at `address`."""
        section = self.section(address)
        return section.name(address) if section is not None else None

    def read(self, address: int, size: int) -> Buffer:
        """Bytes of a module's tables or data, else of the program's memory; ReadError where there are none."""
        if not size:
            return b""
        for section in self.sections:
            if address in section:
                return section.read(address, size)
        for section in self.sections:
            if section.module.image.contains(address):
                return section.module.image.data(address, size)
        return self._memory.read(address, size)

    def _read(self, address: int) -> Maybe[Type]:
        section = self.section(address)
        if section is None or address % WORD:
            return Absent(NOT_APPLICABLE, f"{address:#x} is not where the types are")
        try:
            return self._parse(address, section)
        except (ReadError, struct.error) as error:
            return Absent(UNREADABLE, str(error))

    def _parse(self, address: int, section: Section) -> Maybe[Type]:
        records = self.records
        header = records.header(section.read(address, records.header_size))
        kind = records.kinds[header.kind_byte]
        wrong = why_no_header(kind, header)
        text = None if wrong or not header.name_off else section.text(section.start + header.name_off)
        if text is None or header.tflag >= records.flags_end:
            return Absent(UNPARSABLE, f"{address:#x} is no type: {wrong or 'it has no name'}")
        if header.tflag & records.extra_star:
            if text[0] != "*" or len(text) == 1:
                return Absent(UNPARSABLE, f"{address:#x} is no type: its name {text!r} lacks a star")
            text = text[1:]
        if not header.tflag & records.named and not named_like(kind, text):
            return Absent(UNPARSABLE, f"{address:#x} is no type: {text!r} is no name of a {kind}")
        return Type(self, section, address, header, kind, text)


def _bound(known: Union[Dict[int, Type], Dict[int, Absent]], limit: int) -> None:
    if len(known) >= limit:
        known.clear()
