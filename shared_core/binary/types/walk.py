"""Every descriptor of a module, found by going through its type section.

Sources: Go 1.27 runtime/type.go (moduleTypelinks), internal/abi/type.go (DescriptorSize), cmd/link/internal/ld/data.go
(dodataSect): descriptors fill the section up to the itabs. Up to Go 1.26 names lie between them, all sorted by size,
and literals behind; typelinks has only types without a name.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Iterator, List, Sequence, Tuple

from ...errors import Absent, ReadError
from ..elf import Buffer
from . import parts
from .records import WORD, Records
from .section import Section

if TYPE_CHECKING:
    from .descriptor import Type
    from .program import Types

# After the last known descriptor, so many bytes without any are behind all of them. Names are shorter.
_BARREN = 1 << 17
_MAX_LINKS = 1 << 22


def descriptors(types: Types, section: Section) -> Iterator[Type]:
    """The types of one module by address; what cannot be read is passed over."""
    end, exact = _end(types, section)
    for start, data in section.pieces():
        yield from _walk(types, start, data, end, exact)


def _end(types: Types, section: Section) -> Tuple[int, bool]:
    """(address, whether descriptors end there); else it is one that some descriptors lie before."""
    fields = section.module.fields
    if "itaboffset" in fields:
        return min(section.start + fields["itaboffset"], section.end), True
    return max(typelinks(types, section), default=section.start), False


def typelinks(types: Types, section: Section) -> List[int]:
    """moduledata.typelinks: addresses of descriptors of types without a name. Up to Go 1.26."""
    fields = section.module.fields
    count = min(fields.get("typelinks.len", 0), _MAX_LINKS)
    try:
        data = types.read(fields.get("typelinks.ptr", 0), 4 * count)
    except ReadError:
        return []
    found = (section.start + offset for (offset,) in struct.iter_unpack("<i", data))
    return [at for at in found if at in section]


def _walk(types: Types, start: int, data: Buffer, end: int, exact: bool) -> Iterator[Type]:
    """Descriptors in `data`; where one ends the next begins, or is looked for."""
    search, extent = _pattern(types).search, Extents(types.records).of
    stop = min(len(data), end - start) if exact else len(data)
    at, last = -start % WORD, max(0, end - start)
    while at < stop and (exact or at <= last + _BARREN):
        match = search(data, at, stop)
        if match is None:
            return
        at = match.start()
        found = None if (start + at) % WORD else types.at(start + at)
        size = 0 if found is None or isinstance(found, Absent) else extent(found)
        if found is None or isinstance(found, Absent) or not size:
            at += 1
            continue
        yield found
        if at > last:
            last = at
        at += -(-size // WORD) * WORD


def _pattern(types: Types) -> re.Pattern[bytes]:
    """What the first 24 bytes of a descriptor look like."""
    records = types.records
    kind = b"".join(re.escape(bytes([byte])) for byte, name in enumerate(records.kinds) if name)
    flags = b"".join(re.escape(bytes([byte])) for byte in range(records.flags_end))
    # No type is larger than 1 << 40 bytes; its two words and its hash come first.
    return re.compile(b"(?s).{5}\\0\\0\\0.{5}\\0\\0\\0.{4}[%s][\\1\\2\\4\\x08]{2}[%s]" % (flags, kind))


class Extents:
    """How long descriptors are. LayoutError where the layout does not tell."""

    def __init__(self, records: Records) -> None:
        self._uncommon_flag, self._uncommon_size = records.uncommon, records.uncommon_size
        self._bases = {kind: records.base(kind) for kind in records.kinds if kind}
        read = {name: records.reader(name, ("Elem",)) for name in ("ArrayType", "ChanType", "PtrType", "SliceType")}
        self._elements = {kind: read[f"{kind}Type"].unpack.unpack_from for kind in ("Array", "Chan", "Slice")}
        self._elements["Pointer"] = read["PtrType"].unpack.unpack_from
        self._elements["Map"] = records.reader("MapType", ("Key", "Elem")).unpack.unpack_from
        self._counts = records.reader("FuncType", ("InCount", "OutCount")).unpack.unpack_from
        self._methods = records.reader("UncommonType", ("Mcount",)).unpack.unpack_from
        self._method, self._asked = (records.reader(name, ("Name",)).size for name in ("Method", "Imethod"))
        self._field = records.reader("StructField", ("Typ",))

    def of(self, t: Type) -> int:
        """abi.Type.DescriptorSize: the bytes of a descriptor with its fields, parameters and methods.

        0 when what it leads to is not there: what looks like a descriptor by chance fails.
        """
        size = base = self._bases[t.kind]
        try:
            data = t.section.read(t.address, base)
            if t.header.tflag & self._uncommon_flag:
                size += self._uncommon_size
                extra = t.section.read(t.address + base, self._uncommon_size)
                size += self._method * int(self._methods(extra)[0])
            size += self._own(t, data)
        except ReadError:
            return 0
        return size if size <= t.section.end - t.address else 0

    def _own(self, t: Type, data: Buffer) -> int:
        """Bytes of its fields or parameters behind the rest; ReadError where a type among them is none."""
        kind, types = t.kind, t.types
        element = self._elements.get(kind)
        if element is not None:
            _demand(t, element(data))
            return 0
        if kind == "Struct":
            field = self._field
            start, count = parts.slice_of(t, "StructType", "Fields")
            rows = types.read(start, field.size * count)
            unpack = field.unpack.unpack_from
            _demand(t, [unpack(rows, at)[0] for at in range(0, field.size * count, field.size)])
            return field.size * count
        if kind == "Func":
            given, returned = self._counts(data)
            count = int(given) + (int(returned) & 0x7FFF)
            _demand(t, struct.unpack(f"<{count}Q", t.section.read(t.after_uncommon, WORD * count)))
            return WORD * count
        if kind == "Interface":
            return self._asked * parts.slice_of(t, "InterfaceType", "Methods")[1]
        if not t.named:
            raise ReadError(t.address, WORD)
        return 0


def _demand(t: Type, addresses: Sequence[int]) -> None:
    at = t.types.at
    for address in addresses:
        if isinstance(at(address), Absent):
            raise ReadError(address, WORD)
