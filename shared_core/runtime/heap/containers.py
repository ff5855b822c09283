"""What maps and channels lead to, which have no types of their own to say so; and the itabs that there are.

Sources: Go 1.27 internal/runtime/maps/{map,table}.go, runtime/chan.go (makechan), runtime/iface.go (itabTable);
Go 1.23 runtime/map.go (hmap: 2^B buckets, half as many old ones).
"""

from __future__ import annotations

from typing import Iterator, List, Tuple

from ...errors import Absent, GoxrayError, ReadError
from ..record import Record
from .kinds import ARRAY, DIRECTORY, MAP, PLAIN, TABLE, Kind, Kinds
from .table import SpanTable

CONTAINERS = (MAP, TABLE, DIRECTORY)
_SWISS, _TABLE = "internal/runtime/maps.Map", "internal/runtime/maps.table"
_MAX_TABLES = 1 << 20
_MAX_ITABS = 1 << 20


class Containers:
    """Reads maps and channels of one stopped program."""

    def __init__(self, table: SpanTable, kinds: Kinds) -> None:
        self._session = table.heap.session
        self._layout = table.heap.session.layout
        self._memory = table.heap.session.memory
        self._kinds = kinds
        self._swiss = _SWISS in self._layout.structs
        self._hchan = self._layout.struct("runtime.hchan")
        self.channel_size = self._hchan.size

    def contents(self, kind: Kind, start: int) -> List[Tuple[int, int]]:
        """(pointer, number of the kind that it points to) of an object that is a map's, a table's or a channel."""
        try:
            if kind.form == MAP:
                return list(self._swiss_map(kind, start) if self._swiss else self._hash_map(kind, start))
            if kind.form == TABLE:
                return list(self._table(kind, start))
            if kind.form == DIRECTORY:
                return []
            return list(self._channel(start))
        except ReadError:
            return []

    def _group(self, kind: Kind, form: str) -> int:
        layout = kind.type.map_layout if kind.type is not None else None
        if layout is None or isinstance(layout, Absent) or isinstance(layout.group, Absent):
            return 0
        return self._kinds.of(layout.group, form)

    def _swiss_map(self, kind: Kind, start: int) -> Iterator[Tuple[int, int]]:
        record = Record(self._memory, self._layout.struct(_SWISS), start)
        directory, count = record.unsigned("dirPtr"), record.unsigned("dirLen")
        if not count:
            yield directory, self._group(kind, PLAIN)
            return
        if kind.type is None or count > _MAX_TABLES or count & (count - 1):
            return
        yield directory, self._kinds.of(kind.type, DIRECTORY)
        for table in set(self._memory.pointers(directory, count)):
            yield table, self._kinds.of(kind.type, TABLE)

    def _table(self, kind: Kind, start: int) -> Iterator[Tuple[int, int]]:
        record = Record(self._memory, self._layout.struct(_TABLE), start)
        yield record.unsigned("groups.data"), self._group(kind, ARRAY)

    def _hash_map(self, kind: Kind, start: int) -> Iterator[Tuple[int, int]]:
        record = Record(self._memory, self._layout.struct("runtime.hmap"), start)
        buckets = self._group(kind, ARRAY)
        yield record.unsigned("buckets"), buckets
        yield record.unsigned("oldbuckets"), buckets

    def _channel(self, start: int) -> Iterator[Tuple[int, int]]:
        record = Record(self._memory, self._hchan, start)
        elem = self._kinds.types.at(record.unsigned("elemtype"))
        if not isinstance(elem, Absent) and elem.size == record.unsigned("elemsize"):
            yield record.unsigned("buf"), self._kinds.of(elem, ARRAY)

    def is_channel(self, start: int, end: int) -> bool:
        """Whether what begins here is a runtime.hchan: its element's type is there, and all numbers agree with it."""
        try:
            record = Record(self._memory, self._hchan, start)
        except ReadError:
            return False
        number = record.unsigned
        if number("qcount") > number("dataqsiz") or number("closed") > 1 or number("recvx") > number("dataqsiz"):
            return False
        elem = self._kinds.types.at(number("elemtype"))
        if isinstance(elem, Absent) or elem.size != number("elemsize") or number("sendx") > number("dataqsiz"):
            return False
        buffer = number("buf")
        if elem.ptrdata or not elem.size * number("dataqsiz"):
            return bool(buffer)
        return start + self._hchan.size <= buffer <= end

    def itabs(self) -> List[int]:
        """The itabs that the linker made, and those in the runtime's table."""
        found = [itab.address for itab in self._kinds.types.itabs()]
        try:
            return found + itab_table(self._session)
        except GoxrayError:
            return found


def itab_table(session) -> List[int]:  # type: ignore[no-untyped-def]
    """The addresses of the itabs in runtime.itabTable: a hash table of pointers, with empty places."""
    memory, kind = session.memory, session.layout.struct("runtime.itabTableType")

    def fits(place: int) -> bool:
        try:
            head = Record(memory, kind, memory.u64(place))
            size, count = head.unsigned("size"), head.unsigned("count")
        except ReadError:
            return False
        return 0 < count <= size <= _MAX_ITABS and size & (size - 1) == 0

    at = memory.u64(session.globals.find("runtime.itabTable", fits))
    size = Record(memory, kind, at).unsigned("size")
    return [each for each in memory.pointers(at + kind.offset("entries"), size) if each]
