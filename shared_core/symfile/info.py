""".debug_info of a compilation unit: functions, the calls inlined into them, and parameters (DWARF 4, 3.3)."""

from __future__ import annotations

import struct
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from .abbrevs import ABSTRACT, BASE_TYPE, FUNCTION, INLINED, PARAMETER, SPAN, UNIT, UNTYPED_POINTER, Form, Tag
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

_FUNCTION = {inner: ULEB[number] for inner, number in FUNCTION.items()}
_INLINED_ONCE, _INLINED_OFTEN = ({inner: ULEB[INLINED[one, inner]] for inner in (False, True)} for one in (True, False))

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
        self._heads: Dict[Tuple[int, str, str, int, Optional[int]], bytes] = {}

    def _put(self, data: bytes) -> int:
        at = self._size
        self._parts.append(data)
        self._size += len(data)
        return at

    def add(self, function: Subprogram, place_of: Lookup) -> None:
        """One function; `place_of` tells where calls in it are."""
        parameters, blocks = function.parameters, function.blocks
        types = [self._types.get(each.size) or self._type(each.size) for each in parameters]
        self._declare(blocks, place_of)
        inner = bool(parameters or blocks)
        parts = [
            _FUNCTION[inner],
            _U32.pack(self._tables.strings.add(function.name)),
            SPAN.pack(function.entry, function.size),
            ULEB[function.file],
            ULEB[function.line],
            b"\1" + _CALL_FRAME_CFA,
        ]
        entry, receiver = function.entry, function.receiver
        tag = Tag.variable if self._language == C99 and "(" in function.name else Tag.formal_parameter
        for parameter, kind in zip(parameters, types):
            parts.append(self._parameter(tag, entry, parameter, kind, receiver))
            receiver = None
        for block in blocks:
            self._block(parts, block, entry, place_of)
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

    def _declare(self, blocks: List[Block], place_of: Lookup) -> None:
        """What inlined calls refer to must not be inside another function."""
        for block in blocks:
            if block.name not in self._abstract:
                name = self._tables.strings.add(block.name)
                declared = ULEB[place_of(block.at)[0]] + ULEB[block.start_line]
                self._abstract[block.name] = self._put(ULEB[ABSTRACT] + _U32.pack(name) + bytes((_INLINED,)) + declared)
            if block.inner:
                self._declare(block.inner, place_of)

    def _parameter(self, tag: int, entry: int, parameter: Parameter, kind: int, receiver: Optional[int]) -> bytes:
        name, offset, _, live, register, until = parameter
        place = _FBREG + SLEB[self._argp + offset]
        if register >= 0:
            entries = [(0, until, _in_register(register))]
            entries += [(a, b, place) for a, b in live or ()]
            where, data = "list", _U32.pack(self._tables.places.add_places(entry, entries))
        elif live is None:
            where, data = "place", bytes((len(place),)) + place
        elif live:
            where = "list"
            data = _U32.pack(self._tables.places.add_places(entry, [(a, b, place) for a, b in live]))
        else:
            where, data = "none", b""
        key = (tag, name, where, kind, receiver)
        head = self._heads.get(key)
        if head is None:
            form, at = (Form.ref4, kind) if receiver is None else (Form.ref_addr, receiver)
            head = ULEB[PARAMETER[tag, where, form]] + _U32.pack(self._tables.strings.add(name)) + _U32.pack(at)
            self._heads[key] = head
        return head + data

    def _block(self, parts: List[bytes], block: Block, entry: int, place_of: Lookup) -> None:
        name, call_at, ranges, inner, _, _ = block
        if not ranges:
            return
        if len(ranges) == 1:
            start, end = ranges[0]
            shape, span = _INLINED_ONCE[bool(inner)], SPAN.pack(entry + start, end - start)
        else:
            shape, span = _INLINED_OFTEN[bool(inner)], _U32.pack(self._tables.ranges.add(entry, ranges))
        file, line = place_of(call_at)
        parts += (shape, _U32.pack(self._abstract[name]), span, ULEB[file], ULEB[line])
        for each in inner:
            self._block(parts, each, entry, place_of)
        if inner:
            parts.append(b"\0")

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
