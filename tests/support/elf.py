"""Makes ELF images out of bytes: an executable of a few PT_LOAD segments, with or without section headers."""

from __future__ import annotations

import struct
from typing import Mapping, Optional, Sequence, Tuple

R, W, X = 4, 2, 1
PT_LOAD, PT_DYNAMIC = 1, 2
MACHINES = {"amd64": 62, "arm64": 183, "386": 3}
PAGE = 4096

# (linked address, PF_ flags, bytes)
Part = Tuple[int, int, bytes]


def elf(
    parts: Sequence[Part],
    arch: str = "amd64",
    pie: bool = False,
    sections: Optional[Mapping[str, Tuple[int, int]]] = None,
    dynamic: Optional[Tuple[int, int]] = None,
) -> bytes:
    """An ELF file; each part starts on a page of the file. The first part holds the ELF header itself and so must
    begin with PAGE bytes that may be overwritten.

    sections: name -> (linked address, size), made into section headers. dynamic: the same for PT_DYNAMIC.
    """
    offsets, image = [], bytearray()
    for _, _, data in parts:
        offsets.append(len(image))
        image += data.ljust(-(-len(data) // PAGE) * PAGE, b"\0")
    headers = b"".join(_load(part, offset) for part, offset in zip(parts, offsets))
    if dynamic is not None:
        address, size = dynamic
        headers += struct.pack(
            "<IIQQQQQQ", PT_DYNAMIC, 6, _offset(parts, offsets, address), *[address] * 2, *[size] * 2, 8
        )
    count = len(headers) // 56
    table = _section_table(parts, offsets, sections or {})
    start = len(image) + len(table[0])
    many = table[1] // 64
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    kind = 3 if pie else 2
    places = (0x40, start if many else 0)
    fields = (
        kind,
        MACHINES[arch],
        1,
        parts[0][0] + 0x1000,
        *places,
        0,
        64,
        56,
        count,
        64,
        many,
        many - 1 if many else 0,
    )
    image[: 64 + len(headers)] = ident + struct.pack("<HHIQQQIHHHHHH", *fields) + headers
    return bytes(image) + table[0] + table[2]


def _load(part: Part, offset: int) -> bytes:
    address, flags, data = part
    return struct.pack("<IIQQQQQQ", PT_LOAD, flags, offset, address, address, len(data), len(data), PAGE)


def _offset(parts: Sequence[Part], offsets: Sequence[int], address: int) -> int:
    """The file offset of a linked address."""
    for (start, _, data), offset in zip(parts, offsets):
        if start <= address < start + len(data):
            return offset + address - start
    raise ValueError(hex(address))


def _section_table(
    parts: Sequence[Part], offsets: Sequence[int], sections: Mapping[str, Tuple[int, int]]
) -> Tuple[bytes, int, bytes]:
    """(section names, size of the header table, the table); names go to the end of the parts."""
    if not sections:
        return b"", 0, b""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in (*sections, ".shstrtab"))
    end = max(offset + -(-len(data) // PAGE) * PAGE for (_, _, data), offset in zip(parts, offsets))
    rows = [bytes(64)]
    for name, (address, size) in sections.items():
        at = names.index(b"\0" + name.encode() + b"\0") + 1
        rows.append(struct.pack("<IIQQQQIIQQ", at, 1, 2, address, _offset(parts, offsets, address), size, 0, 0, 1, 0))
    at = names.index(b"\0.shstrtab\0") + 1
    rows.append(struct.pack("<IIQQQQIIQQ", at, 3, 0, 0, end, len(names), 0, 0, 1, 0))
    table = b"".join(rows)
    return names, len(table), table
