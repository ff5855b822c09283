""".debug_info of a compilation unit: functions, the calls inlined into them, and parameters (DWARF 4, 3.3)."""

from __future__ import annotations

import struct
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from .abbrevs import ABSTRACT, BASE_TYPE, FUNCTION, INLINED, PARAMETER, SPAN, UNIT, UNTYPED_POINTER, Form
from .encode import SLEB, ULEB, Strings
from .inlining import Block, Ranges
from .params import Parameter

GO, C99 = 0x16, 0x0C  # DW_LANG_...
PRODUCER = "goxray"
_INLINED = 1  # DW_INL_inlined
_UNSIGNED = 7  # DW_ATE_unsigned
_CALL_FRAME_CFA, _FBREG = b"\x9c", b"\x91"
_REG, _REGX = 0x50, b"\x90"
_WORD = 8
_U32, _PAIR, _HEAD, _LOCATION = struct.Struct("<I"), struct.Struct("<QQ"), struct.Struct("<IHIB"), struct.Struct("<QQH")
HEAD_SIZE = _HEAD.size
_UNIT_FIELDS = struct.Struct("<IIHIQI")

Lookup = Callable[[int], Tuple[int, int]]  # pc offset -> (number of the file in the unit, line)


class Ranged:
    """.debug_ranges: lists of [start, end)."""

    def __init__(self) -> None:
        self._parts: List[bytes] = []
        self._size = 0

    def add(self, base: int, ranges: Ranges) -> int:
        """The offset of a new list; `base` is added to all of it."""
        at = self._size
        self._put(b"".join(_PAIR.pack(base + start, base + end) for start, end in ranges) + b"\0" * 16)
        return at

    def _put(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)

    def data(self) -> bytes:
        return b"".join(self._parts)


class Located(Ranged):
    """.debug_loc: where something is, range by range."""

    def add_places(self, base: int, entries: List[Tuple[int, int, bytes]]) -> int:
        """The offset of a new list of (start, end, place); `base` is added to all of it."""
        at, pack = self._size, _LOCATION.pack
        found = [pack(base + start, base + end, len(place)) + place for start, end, place in entries]
        self._put(b"".join(found) + b"\0" * 16)
        return at


class Tables(NamedTuple):
    """The sections that all units share."""

    strings: Strings
    ranges: Ranged
    places: Located


class Subprogram(NamedTuple):
    """A function: entry as linked, code size, where it is declared, and what is in it.

    receiver: where the type of the first parameter is in .debug_info, if that is known.
    """

    name: str
    entry: int
    size: int
    file: int
    line: int
    parameters: List[Parameter]
    blocks: List[Block]
    receiver: Optional[int] = None


class UnitInfo:
    """Collects the entries of one unit. argp: how far above the CFA the stack arguments begin."""

    def __init__(self, tables: Tables, argp: int) -> None:
        self._tables, self._argp = tables, argp
        self._parts: List[bytes] = []
        self._size = HEAD_SIZE + 1 + _UNIT_FIELDS.size
        self._abstract: Dict[str, int] = {}
        self._types: Dict[int, int] = {}

    def _put(self, data: bytes) -> int:
        at = self._size
        self._parts.append(data)
        self._size += len(data)
        return at

    def add(self, function: Subprogram, place_of: Lookup) -> None:
        """One function; `place_of` tells where calls in it are."""
        types = [self._type(parameter.size) for parameter in function.parameters]
        self._declare(function.blocks, place_of)
        inner = bool(types or function.blocks)
        head = (
            ULEB[FUNCTION[inner]],
            _U32.pack(self._tables.strings.add(function.name)),
            SPAN.pack(function.entry, function.size),
            ULEB[function.file],
            ULEB[function.line],
            b"\1" + _CALL_FRAME_CFA,
        )
        self._put(b"".join(head))
        for parameter, kind in zip(function.parameters, types):
            self._parameter(function, parameter, kind)
        for block in function.blocks:
            self._block(block, function.entry, place_of)
        if inner:
            self._put(b"\0")

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

    def _declare(self, blocks: List[Block], place_of: Lookup) -> None:
        """What inlined calls refer to must not be inside another function."""
        for block in blocks:
            if block.name not in self._abstract:
                name = self._tables.strings.add(block.name)
                declared = ULEB[place_of(block.at)[0]] + ULEB[block.start_line]
                self._abstract[block.name] = self._put(ULEB[ABSTRACT] + _U32.pack(name) + bytes((_INLINED,)) + declared)
            self._declare(block.inner, place_of)

    def _parameter(self, function: Subprogram, parameter: Parameter, kind: int) -> None:
        form = Form.ref4
        if function.receiver is not None and parameter is function.parameters[0]:
            kind, form = function.receiver, Form.ref_addr
        named = _U32.pack(self._tables.strings.add(parameter.name)) + _U32.pack(kind)
        place = _FBREG + SLEB[self._argp + parameter.offset]
        if parameter.register >= 0:
            live, register = parameter.live or [], _in_register(parameter.register)
            entries = [(0, parameter.until, register), *((a, b, place) for a, b in live)]
            where, data = "list", _U32.pack(self._tables.places.add_places(function.entry, entries))
        elif parameter.live is None:
            where, data = "place", bytes((len(place),)) + place
        elif parameter.live:
            entries = [(a, b, place) for a, b in parameter.live]
            where, data = "list", _U32.pack(self._tables.places.add_places(function.entry, entries))
        else:
            where, data = "none", b""
        self._put(ULEB[PARAMETER[where, form]] + named + data)

    def _block(self, block: Block, entry: int, place_of: Lookup) -> None:
        if not block.ranges:
            return
        one = len(block.ranges) == 1
        if one:
            start, end = block.ranges[0]
            span = SPAN.pack(entry + start, end - start)
        else:
            span = _U32.pack(self._tables.ranges.add(entry, block.ranges))
        file, line = place_of(block.call_at)
        head = ULEB[INLINED[one, bool(block.inner)]] + _U32.pack(self._abstract[block.name])
        self._put(head + span + ULEB[file] + ULEB[line])
        for inner in block.inner:
            self._block(inner, entry, place_of)
        if block.inner:
            self._put(b"\0")

    def data(self, name: str, language: int, lines: int, spans: Ranges) -> bytes:
        """The whole unit; `lines` is the offset of its line program, `spans` the addresses it covers."""
        strings = self._tables.strings
        fields = _UNIT_FIELDS.pack(
            strings.add(name), strings.add(PRODUCER), language, lines, 0, self._tables.ranges.add(0, spans)
        )
        head = _HEAD.pack(self._size + 1 - 4, 4, 0, 8)
        return b"".join([head, ULEB[UNIT], fields, *self._parts, b"\0"])


def _in_register(number: int) -> bytes:
    """The place of what is in a register."""
    return bytes((_REG + number,)) if number < 32 else _REGX + ULEB[number]
