"""What single argument words point to, where the memory itself tells its type: channels, maps, objects of the heap.

A channel names the type of its elements. The allocator records the type of objects over 512 bytes that hold pointers
(since Go 1.22): of such are the groups or buckets of larger maps. Sources: Go 1.27 runtime/chan.go, runtime/mbitmap.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional

from ..binary.types import Type
from ..errors import Absent, GoxrayError
from .channels import Channels
from .heap import Heap, heap_of
from .maps import MapReader
from .record import Record
from .shapes import Shape
from .values import Values

if TYPE_CHECKING:
    from ..session import Session

_LOWEST = 4096


class Things:
    """Looks at what words point to; each word once."""

    def __init__(self, session: Session, values: Values) -> None:
        self._session = session
        self._memory = session.memory
        self._maps = MapReader(values)
        self._channels: Optional[Channels] = None
        self._heap: Optional[Heap] = None
        self._lost = False
        self._groups: Optional[Dict[int, Type]] = None
        self._known: Dict[int, Optional[Shape]] = {}

    def at(self, word: int) -> Optional[Shape]:
        """The shape "chan", "map" or "object" of the word; None for what shows none of them."""
        if word < _LOWEST or word % 8:
            return None
        if word not in self._known:
            try:
                self._known[word] = self._channel(word) or self._map(word) or self._object(word)
            except GoxrayError:
                self._known[word] = None
        return self._known[word]

    def _channel(self, word: int) -> Optional[Shape]:
        if self._channels is None:
            self._channels = Channels(self._session)
        found = self._channels.at(word)
        if isinstance(found, Absent) or isinstance(found.elem, Absent):
            return None
        name, state = f"chan {found.elem}", ", closed" if found.closed else ""
        text = f"{name}, {found.length} of {found.capacity}{state}"
        return Shape("chan", 1, text, length=found.length, capacity=found.capacity, type=name)

    def _recorded(self, address: int) -> Optional[Type]:
        """The type that the allocator has recorded of the object that begins at `address`."""
        if self._heap is None and not self._lost:
            self._lost = True
            self._heap = heap_of(self._session)
        if self._heap is None:
            return None
        found = self._heap.object_at(address)
        if found is None or found.start != address:
            return None
        recorded = self._heap.recorded_type(found)
        return None if isinstance(recorded, Absent) else recorded.type

    def _map(self, word: int) -> Optional[Shape]:
        """By the type of its groups, or of its buckets."""
        layout = self._session.layout
        swiss = "internal/runtime/maps.Map" in layout.structs
        record = Record(self._memory, layout.struct("internal/runtime/maps.Map" if swiss else "runtime.hmap"), word)
        place = record.unsigned("dirPtr" if swiss else "buckets")
        if swiss and 0 < record.unsigned("dirLen") < 1 << 32:
            table = Record(self._memory, layout.struct("internal/runtime/maps.table"), self._memory.u64(place))
            place = table.unsigned("groups.data")
        group = self._recorded(place)
        kind = self._map_of(group) if group is not None else None
        head = self._maps.head(kind, word) if kind is not None else None
        if kind is None or head is None or isinstance(head, Absent):
            return None
        return Shape("map", 1, f"{kind.name}, {head.total} entries", length=head.total, type=kind.name)

    def _map_of(self, group: Type) -> Optional[Type]:
        if self._groups is None:
            self._groups = {}
            for each in self._session.types.all():
                slots = each.map_layout if each.kind == "Map" and not each.named else None
                if slots is not None and not isinstance(slots, Absent) and isinstance(slots.group, Type):
                    self._groups[slots.group.address] = each
        return self._groups.get(group.address)

    def _object(self, word: int) -> Optional[Shape]:
        kind = self._recorded(word)
        return None if kind is None else Shape("object", 1, kind.name, type=kind.name)
