"""Which words of a value may be pointers, as the garbage collector sees them.

Sources: Go 1.27 runtime/type.go (getGCMask, buildGCMask); Go 1.23 runtime/mbitmap.go (runGCProg), for types of more
than 16 KiB up to then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, Tuple

from ...errors import NOT_APPLICABLE, UNPARSABLE, Absent, Maybe, ReadError
from .records import WORD

if TYPE_CHECKING:
    from .descriptor import Type

_MAX_WORDS = 1 << 23  # 64 MiB of one value
_MAX_DEPTH = 64  # what is built of parts is at least halved each time, but for one part
_MAX_STEPS = 1 << 14
_PROG_HEADER = 4  # a program's length, before it
_WINDOW = 64


def pointer_mask(t: Type, depth: int = 0) -> Maybe[int]:
    """Bit i is set when the word at 8*i bytes of a value may be a pointer; none is at or after ptrdata."""
    if "mask" not in t.cache:
        t.cache["mask"] = Absent(UNPARSABLE, f"{t.name} would hold itself")
        t.cache["mask"] = _mask(t, depth)
    found: Maybe[int] = t.cache["mask"]
    return found


def _mask(t: Type, depth: int) -> Maybe[int]:
    words = t.ptrdata // WORD
    if words > _MAX_WORDS or depth > _MAX_DEPTH:
        return Absent(NOT_APPLICABLE, f"{t.name} is too large to say which of its words are pointers")
    if not words:
        return 0
    is_program = bool(t.header.kind_byte & t.types.records.gc_prog)
    if is_program:
        found = _program(t)
    elif t.header.tflag & t.types.records.on_demand:
        found = _built(t, depth)
    else:
        data = t.types.read(t.header.gcdata, (words + 7) // 8)
        found = int.from_bytes(data, "little") & ((1 << words) - 1)
    # ptrdata ends with the last pointer; a program's may end later (cmd/compile's dgcprog).
    if not isinstance(found, Absent) and (found.bit_length() > words or found.bit_length() < words and not is_program):
        return Absent(UNPARSABLE, f"the mask of {t.name} does not end where its pointers do")
    return found


def _built(t: Type, depth: int) -> Maybe[int]:
    """buildGCMask, out of the elements or fields."""
    if t.kind == "Array":
        elem, length = t.elem, t.length
        if isinstance(elem, Absent) or isinstance(length, Absent):
            return elem if isinstance(elem, Absent) else Absent(UNPARSABLE, str(length))
        mask = pointer_mask(elem, depth + 1)
        return mask if isinstance(mask, Absent) else repeated(mask, elem.size // WORD, length)
    fields = t.fields
    if isinstance(fields, Absent):
        return fields
    found = 0
    for field in fields:
        if isinstance(field.type, Absent):
            return field.type
        mask = pointer_mask(field.type, depth + 1)
        if isinstance(mask, Absent):
            return mask
        found |= mask << field.offset // WORD
    return found


def repeated(mask: int, width: int, count: int) -> int:
    """`count` copies of the lowest `width` bits, one after the other."""
    found = done = 0
    piece, size = mask, width
    while count:
        if count & 1:
            found |= piece << done
            done += size
        count >>= 1
        if count:
            piece, size = piece | piece << size, 2 * size
    return found


def _program(t: Type) -> Maybe[int]:
    """runGCProg: a byte below 0x80 is followed by so many literal bits, another repeats what was written last."""
    found = done = 0
    code, limit = _bytes(t, t.header.gcdata + _PROG_HEADER), t.size // WORD
    for _ in range(_MAX_STEPS):
        inst = next(code)
        count = inst & 0x7F
        if inst < 0x80:
            if not count:
                return found
            literal = int.from_bytes(bytes(next(code) for _ in range((count + 7) // 8)), "little")
            found |= (literal & (1 << count) - 1) << done
            done += count
        else:
            width, times = count or _varint(code), _varint(code)
            if not 0 < width <= done or width * times > limit - done:
                break
            found |= repeated(found >> (done - width), width, times) << done
            done += width * times
        if done > limit:
            break
    return Absent(UNPARSABLE, f"the GC program of {t.name} does not describe its {t.size} bytes")


def _bytes(t: Type, address: int) -> Iterator[int]:
    while True:
        size = _WINDOW - address % _WINDOW
        yield from t.types.read(address, size)
        address += size


def _varint(code: Iterator[int]) -> int:
    value = 0
    for shift in range(0, 63, 7):
        byte = next(code)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise ReadError(0, 0)


def pointer_offsets(mask: int) -> Tuple[int, ...]:
    """Where the set bits' words are, in bytes."""
    return tuple(WORD * i for i, bit in enumerate(reversed(f"{mask:b}")) if bit == "1")
