"""How a map type lays out its slots, the same words for hash tables (up to Go 1.23) and Swiss tables (since 1.24).

Sources: Go 1.23 internal/abi/type.go (MapType), runtime/map.go (bmap); Go 1.24 internal/abi/map_swiss.go; Go 1.27
internal/abi/map.go; cmd/compile/internal/reflectdata (MapBucketType, SwissMapGroupType).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...errors import NOT_IN_VERSION, UNPARSABLE, Absent, Maybe
from .records import WORD

if TYPE_CHECKING:
    from .descriptor import Type

_SLOTS = 8  # of a bucket or a group: abi.MapBucketCount, abi.MapGroupSlots
_CONTROL = 8  # bytes before the slots: the tophash bytes of a bucket, the control word of a group
# Hash tables' flags have no names in Go: these are the literals of the methods of MapType (Go 1.23).
_HASH_FLAGS = {"indirect_key": 1, "indirect_elem": 2, "reflexive_key": 4, "need_key_update": 8, "hash_might_panic": 16}


class MapLayout(NamedTuple):
    """A group (Swiss tables) or bucket (hash tables) holds 8 control bytes and 8 slots; offsets and sizes in bytes.

    Slot i has its key at keys_offset + i*key_stride of the group, its element at elems_offset + i*elem_stride; with
    indirect_key (indirect_elem) there is a pointer to it. A bucket ends in the pointer to the next.
    """

    swiss: bool
    group: Maybe[Type]
    group_size: int
    keys_offset: int
    key_stride: int
    elems_offset: int
    elem_stride: int
    indirect_key: bool
    indirect_elem: bool
    need_key_update: bool
    hash_might_panic: bool
    reflexive_key: Maybe[bool]


def map_layout(t: Type) -> Maybe[MapLayout]:
    """Absent(UNPARSABLE) where its parts contradict each other: another kind of map (GOEXPERIMENT), or none."""
    record = t.types.records.layout.struct("internal/abi.MapType")
    found = _swiss(t, "KeysOff" in record) if "Group" in record else _hash(t)
    wrong = _why_not(t, found)
    return Absent(UNPARSABLE, f"{t.address:#x} is no map of this Go version: {wrong}") if wrong else found


def _swiss(t: Type, split: bool) -> MapLayout:
    if split:  # Go 1.27: whether keys and elements are interleaved depends on GOEXPERIMENT=mapsplitgroup
        names = ("Group", "GroupSize", "KeysOff", "KeyStride", "ElemsOff", "ElemStride", "Flags")
        group, size, keys, key_stride, elems, elem_stride, flags = t.numbers("MapType", names)
    else:
        group, size, stride, elem, flags = t.numbers("MapType", ("Group", "GroupSize", "SlotSize", "ElemOff", "Flags"))
        keys, key_stride, elems, elem_stride = _CONTROL, stride, _CONTROL + elem, stride
    bits = t.types.records.layout.numbers("map_flags")
    on = {name: bool(flags & bit) for name, bit in bits.items()}
    return MapLayout(
        True, t.types.at(group), size, keys, key_stride, elems, elem_stride, on["indirect_key"], on["indirect_elem"],
        on["need_key_update"], on["hash_might_panic"], Absent(NOT_IN_VERSION, "Swiss tables do not tell"),
    )  # fmt: skip


def _hash(t: Type) -> MapLayout:
    names = ("Bucket", "KeySize", "ValueSize", "BucketSize", "Flags")
    bucket, key, elem, size, flags = t.numbers("MapType", names)
    on = {name: bool(flags & bit) for name, bit in _HASH_FLAGS.items()}
    return MapLayout(
        False, t.types.at(bucket), size, _CONTROL, key, _CONTROL + _SLOTS * key, elem, on["indirect_key"],
        on["indirect_elem"], on["need_key_update"], on["hash_might_panic"], on["reflexive_key"],
    )  # fmt: skip


def _why_not(t: Type, found: MapLayout) -> str:
    if isinstance(found.group, Absent):
        return f"its {'group' if found.swiss else 'bucket'} is none"
    if found.group.kind != "Struct" or found.group.size != found.group_size:
        return f"{found.group.name} is not of {found.group_size} bytes"
    ends = []
    places = (
        (t.key, found.indirect_key, found.keys_offset, found.key_stride),
        (t.elem, found.indirect_elem, found.elems_offset, found.elem_stride),
    )
    for kind, indirect, offset, stride in places:
        size = WORD if indirect else 0 if isinstance(kind, Absent) else kind.size
        if size > stride and not (size == stride == 0):
            return f"its slots of {stride} bytes are too small"
        ends.append(offset + (_SLOTS - 1) * stride + size)
    return "its slots are outside of their group" if max(ends) > found.group_size else ""
