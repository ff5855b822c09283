""".debug_info of a compilation unit: functions, the calls inlined into them, and parameters (DWARF 4, 3.3)."""

from __future__ import annotations

import struct
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from .abbrevs import ABSTRACT, BASE_TYPE, FUNCTION, INLINED, PARAMETER, UNIT, UNTYPED_POINTER, Form, Tag
from .encode import SLEB, ULEB, Strings
from .inlining import Block, Ranges
from .lists import Located, Places, Ranged, Template, places
from .params import Formals, Parameter

GO, C99 = 0x16, 0x0C  # DW_LANG_...
PRODUCER = "goxray"
_INLINED = 1  # DW_INL_inlined
_UNSIGNED = 7  # DW_ATE_unsigned
_CALL_FRAME_CFA, _FBREG = b"\x9c", b"\x91"
_REG, _REGX = 0x50, b"\x90"
_WORD = 8
_U32, _HEAD = struct.Struct("<I"), struct.Struct("<IHIB")
HEAD_SIZE = _HEAD.size
_UNIT_FIELDS = struct.Struct("<IIHIQI")
# Shape, name, start, size; shape, type of what is inlined, start, size or list of pcs; shape, name, type.
_FUNCTION_HEAD, _INLINED_HEAD, _RANGED_HEAD = struct.Struct("<BIQI"), struct.Struct("<BIQI"), struct.Struct("<BII")
_PARAMETER_HEAD = struct.Struct("<BII")

Lookup = Callable[[int], Tuple[int, int]]  # pc offset -> (number of the file in the unit, line)


class Tables(NamedTuple):
    """The sections that all units share."""

    strings: Strings
    ranges: Ranged
    places: Located
    known: Dict[Formals, Places]


class Subprogram(NamedTuple):
    """A function: entry as linked, code size, where it is declared, and what is in it.

    receiver: where the type of the first parameter is in .debug_info, if that is known.
    """

    name: str
    entry: int
    size: int
    file: int
    line: int
    formals: Formals
    blocks: List[Block]
    receiver: Optional[int] = None


class _Written(NamedTuple):
    """Parameters as a unit has them, for a function whose lists of places begin at 0 of .debug_loc.

    lists: the lists; None where none is needed, and `data` is always the same.
    """

    data: bytes
    lists: Optional[Places]
    template: Optional[Template]


class UnitInfo:
    """Collects the entries of one unit. argp: how far above the CFA the stack arguments begin.

    Where the language is C99 the parameters of a function with "(" in its name are variables: lldb writes parameters
    in place of what is in a name's parentheses ("main.(a0=1).handle").
    """

    def __init__(self, tables: Tables, argp: int, language: int) -> None:
        self._tables, self._argp, self._language = tables, argp, language
        self._parts: List[bytes] = []
        self._size = HEAD_SIZE + 1 + _UNIT_FIELDS.size
        self._abstract: Dict[str, int] = {}
        self._types: Dict[int, int] = {}
        self._written: Dict[Tuple[Formals, int], _Written] = {}

    def _put(self, data: bytes) -> int:
        at = self._size
        self._parts.append(data)
        self._size += len(data)
        return at

    def add(self, function: Subprogram, place_of: Lookup) -> None:
        """One function; `place_of` tells where calls in it are."""
        name, entry, size, file, line, formals, blocks, receiver = function
        for parameter in formals.parameters:
            if parameter.size not in self._types:
                self._type(parameter.size)
        calls = self._calls(blocks, entry, place_of) if blocks else ()
        inner = bool(formals.parameters or blocks)
        head = _FUNCTION_HEAD.pack(FUNCTION[inner], self._tables.strings.add(name), entry, size)
        parts = [head, ULEB[file], ULEB[line], b"\1" + _CALL_FRAME_CFA]
        if formals.parameters:
            tag = Tag.variable if self._language == C99 and "(" in name else Tag.formal_parameter
            parts.append(self._parameters(formals, tag, entry, receiver))
        parts += calls
        if inner:
            parts.append(b"\0")
        self._put(b"".join(parts))

    def _type(self, size: int) -> int:
        """A type for words of `size` bytes: what may be a pointer is shown as one."""
        found = self._types.get(size)
        if found is None:
            if size == _WORD:
                data = ULEB[UNTYPED_POINTER] + bytes((_WORD,))
            else:
                name = self._tables.strings.add(f"uint{8 * size}")
                data = ULEB[BASE_TYPE] + _U32.pack(name) + bytes((_UNSIGNED, size))
            found = self._types[size] = self._put(data)
        return found

    def _calls(self, blocks: List[Block], entry: int, place_of: Lookup) -> List[bytes]:
        """The inlined calls; what they refer to is put before the function, since it must not be inside of one."""
        parts: List[bytes] = []
        abstract = self._abstract
        for name, start_line, (_, call_at, ranges, inner, closes, at) in blocks:
            origin = abstract.get(name)
            if origin is None:
                text = self._tables.strings.add(name)
                declared = ULEB[place_of(at)[0]] + ULEB[start_line]
                data = ULEB[ABSTRACT] + _U32.pack(text) + bytes((_INLINED,)) + declared
                origin = abstract[name] = self._put(data)
            if len(ranges) == 2:
                start, end = ranges
                head = _INLINED_HEAD.pack(INLINED[True, inner], origin, entry + start, end - start)
            else:
                head = _RANGED_HEAD.pack(INLINED[False, inner], origin, self._tables.ranges.add(entry, ranges))
            file, line = place_of(call_at)
            parts += (head, ULEB[file], ULEB[line])
            if closes:
                parts.append(b"\0" * closes)
        return parts

    def _parameters(self, formals: Formals, tag: int, entry: int, receiver: Optional[int]) -> bytes:
        """The entries of a function's parameters, the first with the type `receiver` if that is known."""
        key = (formals, tag)
        known = self._written.get(key)
        if known is None:
            known = self._written[key] = self._write(formals, tag)
        data, lists, template = known
        if lists is not None and template is not None:
            data = template.plus(self._tables.places.add(lists, entry))
        if receiver is None:
            return data
        first = formals.parameters[0]
        return self._head(tag, first, receiver, Form.ref_addr) + data[_PARAMETER_HEAD.size :]

    def _head(self, tag: int, parameter: Parameter, kind: int, form: int) -> bytes:
        where = "none" if parameter.live == [] else "place" if parameter.live is None else "list"
        where = "list" if parameter.register >= 0 else where
        return _PARAMETER_HEAD.pack(PARAMETER[tag, where, form], self._tables.strings.add(parameter.name), kind)

    def _write(self, formals: Formals, tag: int) -> _Written:
        lists = self._lists(formals)
        data, at = bytearray(), []
        for parameter, offset in zip(formals.parameters, lists.offsets):
            data += self._head(tag, parameter, self._types[parameter.size], Form.ref4)
            if offset is not None:
                at.append(len(data))
                data += _U32.pack(offset)
            elif parameter.live is None:
                place = self._on_stack(parameter)
                data += bytes((len(place),)) + place
        written = bytes(data)
        return _Written(written, lists, Template(written, at)) if at else _Written(written, None, None)

    def _lists(self, formals: Formals) -> Places:
        """Where the parameters are that are in different places; the same for all units."""
        known = self._tables.known
        found = known.get(formals)
        if found is None:
            found = known[formals] = places([self._places(each) for each in formals.parameters])
        return found

    def _places(self, parameter: Parameter) -> List[Tuple[int, int, bytes]]:
        """(start, end, place) by pc offsets; [] where it is nowhere, or in one place."""
        live, place = parameter.live or (), self._on_stack(parameter)
        entries = [(0, parameter.until, _in_register(parameter.register))] if parameter.register >= 0 else []
        return entries + [(start, end, place) for start, end in live]

    def _on_stack(self, parameter: Parameter) -> bytes:
        return _FBREG + SLEB[self._argp + parameter.offset]

    def data(self, name: str, language: int, lines: int, spans: Ranges) -> bytes:
        """The whole unit; `lines` is the offset of its line program, `spans` the addresses it covers."""
        strings = self._tables.strings
        pcs = [pc for span in spans for pc in span]
        fields = _UNIT_FIELDS.pack(
            strings.add(name), strings.add(PRODUCER), language, lines, 0, self._tables.ranges.add(0, pcs)
        )
        head = _HEAD.pack(self._size + 1 - 4, 4, 0, 8)
        return b"".join([head, ULEB[UNIT], fields, *self._parts, b"\0"])


def _in_register(number: int) -> bytes:
    """The place of what is in a register."""
    return bytes((_REG + number,)) if number < 32 else _REGX + ULEB[number]
