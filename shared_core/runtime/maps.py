"""Maps: the entries of hash tables (up to Go 1.23) and of Swiss tables (since Go 1.24), also while they grow.

Sources: Go 1.23 runtime/map.go (hmap, bmap, evacuate), Go 1.27 internal/runtime/maps/{map,table,group}.go.
"""

from __future__ import annotations

import struct
from itertools import islice
from typing import Iterator, List, NamedTuple, Optional, Set, Tuple

from ..binary.types import MapLayout, Type
from ..errors import UNPARSABLE, UNREADABLE, Absent, GoxrayError, Maybe, ReadError
from ..layouts.model import Struct
from .record import Record
from .values import Value, Values

_SLOTS = 8  # of a group or bucket, as many bytes of control before them
_MIN_TOP_HASH = 5  # a filled cell: below are empty cells, and marks of those that moved to the new buckets
_EMPTY = 0x80  # this bit of a control byte is set in empty and deleted slots
_SORTED = 1 << 14  # so many entries are all looked at, to be sorted
_MAX_B = 40
_MAX_DEPTH = 40
_MAX_GROUPS = 1 << 13  # of a table; it splits when it has 128 of them (maxTableCapacity)
_MAX_LOOKED = 1 << 20
_MAX_NESTED = 16
_MAX_PARTS = 64  # of an array that keys are sorted by
_CHUNK = 1 << 18

Entry = Tuple[Maybe[Value], Maybe[Value]]


class MapHead(NamedTuple):
    """What a map's header says. total: of entries; growing: half of it is still in the buckets from before."""

    kind: Type
    address: int
    total: int
    growing: bool
    record: Record


class MapReader:
    """Reads maps of one stopped program."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._memory = values.memory
        self._layout = values.types.records.layout

    def head(self, kind: Type, address: int) -> Maybe[MapHead]:
        """The header of a map of this type; Absent for what cannot be one."""
        slots = kind.map_layout
        if isinstance(slots, Absent):
            return slots
        try:
            record = Record(self._memory, self._header(slots), address)
            wrong = _why_no_swiss(record) if slots.swiss else _why_no_hash(record)
            if wrong:
                return Absent(UNPARSABLE, f"what {address:#x} holds is no map: {wrong}")
            count, growing = record.moved("used", "count"), not slots.swiss and bool(record.unsigned("oldbuckets"))
        except ReadError as error:
            return Absent(UNREADABLE, str(error))
        except GoxrayError as error:
            return Absent(UNPARSABLE, str(error))
        return MapHead(kind, address, count, growing, record)

    def _header(self, slots: MapLayout) -> Struct:
        return self._layout.struct("internal/runtime/maps.Map" if slots.swiss else "runtime.hmap")

    def entries(self, head: MapHead) -> Iterator[Entry]:
        """(key, element) of each entry, in the order of memory. Raises GoxrayError where the rest cannot be had."""
        slots = head.kind.map_layout
        key, elem = head.kind.key, head.kind.elem
        if isinstance(slots, Absent) or isinstance(key, Absent) or isinstance(elem, Absent):
            return
        for looked, (address, data) in enumerate(self._all(head.record, slots)):
            if looked >= _MAX_LOOKED:
                raise GoxrayError(f"it has more than {_MAX_LOOKED} groups to look through")
            control = bytes(data[:_SLOTS])
            if min(control) >= _EMPTY if slots.swiss else max(control) < _MIN_TOP_HASH:
                continue
            for number in range(_SLOTS):
                full = control[number] < _EMPTY if slots.swiss else control[number] >= _MIN_TOP_HASH
                if full:
                    at, step = slots.keys_offset + number * slots.key_stride, slots.elems_offset
                    first = self._slot(key, data, address, at, slots.indirect_key)
                    yield first, self._slot(elem, data, address, step + number * slots.elem_stride, slots.indirect_elem)

    def listed(self, head: MapHead, limit: int) -> Tuple[List[Entry], str]:
        """(up to `limit` entries, what is wrong with the map): the first in fmt's order, of a huge map in memory's."""
        whole, problem = head.total <= _SORTED, ""
        found: List[Entry] = []
        try:
            # Of one that is written to at this moment there may be more than it counts.
            for each in islice(self.entries(head), 2 * _SORTED if whole else limit):
                found.append(each)
        except GoxrayError as error:
            problem = str(error)
        if not whole:
            return found, problem
        keys = [sort_key(key, self._values) for key, _ in found]
        if None not in keys:
            found = [found[at] for at in sorted(range(len(found)), key=lambda at: keys[at] or ())]
        if not problem and len(found) != head.total:
            problem = f"{len(found)} entries where {head.total} are counted"
        return found[:limit], problem

    def _all(self, record: Record, slots: MapLayout) -> Iterator[Tuple[int, memoryview]]:
        return self._swiss(record, slots) if slots.swiss else self._hash(record, slots)

    def _slot(self, kind: Type, group: memoryview, address: int, offset: int, indirect: bool) -> Maybe[Value]:
        if indirect:
            return self._values.at(kind, struct.unpack_from("<Q", group, offset)[0])
        return Value(kind, bytes(group[offset : offset + kind.size]), address=address + offset)

    def _groups(self, start: int, count: int, size: int) -> Iterator[Tuple[int, memoryview]]:
        """(address, bytes) of `count` groups or buckets that lie one after the other."""
        at_once = max(_CHUNK // size, 1)
        for first in range(0, count, at_once):
            number, place = min(at_once, count - first), start + first * size
            data = memoryview(self._memory.read(place, number * size))
            for at in range(0, number * size, size):
                yield place + at, data[at : at + size]

    def _swiss(self, record: Record, slots: MapLayout) -> Iterator[Tuple[int, memoryview]]:
        """A map of up to 8 entries is one group; others have a directory of tables, one of them maybe several times."""
        pointer, length, size = record.unsigned("dirPtr"), record.unsigned("dirLen"), slots.group_size
        if not length:
            yield from self._groups(pointer, 1 if pointer else 0, size)
            return
        kind, seen = self._layout.struct("internal/runtime/maps.table"), set()
        for first in range(0, length, 1 << 10):
            for at in self._memory.pointers(pointer + 8 * first, min(1 << 10, length - first)):
                if at in seen:
                    continue
                seen.add(at)
                table = Record(self._memory, kind, at)
                groups = table.unsigned("groups.lengthMask") + 1
                if groups > _MAX_GROUPS or groups & (groups - 1) or table.unsigned("capacity") != groups * _SLOTS:
                    raise GoxrayError(f"the table at {at:#x} is none")
                yield from self._groups(table.unsigned("groups.data"), groups, size)

    def _hash(self, record: Record, slots: MapLayout) -> Iterator[Tuple[int, memoryview]]:
        """The buckets, and those from before it grew: cells that have been moved from there are marked as such."""
        number, size = 1 << record.unsigned("B"), slots.group_size
        old = record.unsigned("oldbuckets")
        same_size = record.unsigned("flags") & 8
        arrays = [(record.unsigned("buckets"), number), (old, number if same_size else number >> 1)]
        for start, count in arrays:
            for address, data in self._groups(start, count, size) if start else ():
                yield address, data
                yield from self._overflow(address, data, size)

    def _overflow(self, bucket: int, data: memoryview, size: int) -> Iterator[Tuple[int, memoryview]]:
        seen: Set[int] = set()
        while True:
            bucket = struct.unpack_from("<Q", data, size - 8)[0]
            # Of a bucket that was moved only the marks are kept.
            if not bucket or 1 < data[0] < _MIN_TOP_HASH:
                return
            if bucket in seen:
                raise GoxrayError(f"its overflow buckets loop at {bucket:#x}")
            seen.add(bucket)
            data = memoryview(self._memory.read(bucket, size))
            yield bucket, data


def _why_no_hash(record: Record) -> str:
    shift, buckets, moved = record.unsigned("B"), record.unsigned("buckets"), record.unsigned("nevacuate")
    if shift > _MAX_B or record.unsigned("flags") > 15 or moved > 1 << shift:
        return f"2 to the power of {shift} buckets, {moved} of them moved"
    # It grows when there are 6.5 entries for a bucket.
    room = (1 << shift) * 13 // 2 + _SLOTS
    return "" if _fits(record.unsigned("count"), room, buckets) else _counts(record.unsigned("count"))


def _why_no_swiss(record: Record) -> str:
    length, depth, pointer = record.unsigned("dirLen"), record.unsigned("globalDepth"), record.unsigned("dirPtr")
    if depth > _MAX_DEPTH or (length != 1 << depth if length else depth):
        return f"a directory of {length} tables at depth {depth}"
    room = length << 10 if length else _SLOTS
    return "" if _fits(record.unsigned("used"), room, pointer) else _counts(record.unsigned("used"))


def _fits(count: int, room: int, pointer: int) -> bool:
    return count <= room and bool(pointer or not count)


def _counts(count: int) -> str:
    return f"{count} entries are more than it has room for"


def sort_key(value: Maybe[Value], values: Values, depth: int = 0) -> Optional[Tuple[object, ...]]:
    """What fmt sorts a map's keys by (internal/fmtsort); None for what it cannot tell."""
    if isinstance(value, Absent) or depth > _MAX_NESTED:
        return None
    kind = value.type.kind
    number = value.number()
    if number is not None:
        return (number,)
    if kind == "String":
        start, length = struct.unpack_from("<QQ", value.data)
        try:
            return (values.memory.read(start, min(length, 1 << 12)) if length else b"",)
        except ReadError:
            return None
    if kind == "Bool":
        return (value.data[0],)
    if kind in ("Float32", "Float64", "Complex64", "Complex128"):
        code = {"Float32": "f", "Float64": "d", "Complex64": "ff", "Complex128": "dd"}[kind]
        return tuple((each == each, each if each == each else 0) for each in struct.unpack("<" + code, value.data))
    if kind in ("Pointer", "Chan", "UnsafePointer"):
        return (value.pointer(),)
    return _sort_parts(value, values, depth + 1)


def _sort_parts(value: Value, values: Values, depth: int) -> Optional[Tuple[object, ...]]:
    """Of structs and arrays by their parts, of interfaces by the type's address, nil first."""
    kind = value.type.kind
    parts: List[Maybe[Value]] = []
    if kind == "Struct":
        parts = [each for _, each in values.fields(value)]
    elif kind == "Array" and isinstance(value.type.elem, Type):
        elem, length = value.type.elem, value.type.length
        count = 0 if isinstance(length, Absent) else min(length, _MAX_PARTS)
        parts = [values.part(value, elem, number * elem.size) for number in range(count)]
    elif kind == "Interface":
        held = values.dynamic(value)
        if held is None:
            return (0,)
        inner = sort_key(held, values, depth)
        return None if inner is None or isinstance(held, Absent) else (1, held.type.address, inner)
    keys = [sort_key(each, values, depth) for each in parts]
    return None if any(key is None for key in keys) else tuple(keys)
