""".debug_abbrev: the shapes of the entries that are written (DWARF 4, 7.5)."""

from __future__ import annotations

import struct
from typing import List, Sequence, Tuple

from .encode import ULEB


class Tag:
    array_type, enumeration_type, formal_parameter, pointer_type = 0x01, 0x04, 0x05, 0x0F
    compile_unit, structure_type, typedef, inlined_subroutine = 0x11, 0x13, 0x16, 0x1D
    member, subroutine_type, unspecified_parameters, subrange_type = 0x0D, 0x15, 0x18, 0x21
    base_type, subprogram, variable = 0x24, 0x2E, 0x34


class At:
    location, name, byte_size, stmt_list, low_pc, high_pc = 0x02, 0x03, 0x0B, 0x10, 0x11, 0x12
    language, inline, producer, upper_bound, count = 0x13, 0x20, 0x25, 0x2F, 0x37
    abstract_origin, data_member_location, decl_file, decl_line = 0x31, 0x38, 0x3A, 0x3B
    encoding, external, frame_base, prototyped, type, ranges = 0x3E, 0x3F, 0x40, 0x27, 0x49, 0x55
    call_file, call_line = 0x58, 0x59


class Form:
    addr, data2, data4, data8, data1, udata = 0x01, 0x05, 0x06, 0x07, 0x0B, 0x0F
    strp, ref_addr, ref4, sec_offset, exprloc, flag_present = 0x0E, 0x10, 0x13, 0x17, 0x18, 0x19


Attributes = Sequence[Tuple[int, int]]  # of At, of Form


class Abbrevs:
    """Numbers the shapes as they are declared."""

    def __init__(self) -> None:
        self._parts: List[bytes] = []

    def declare(self, tag: int, attributes: Attributes, children: bool = False) -> int:
        """The number of a new shape."""
        number = len(self._parts) + 1
        pairs = b"".join(ULEB[at] + ULEB[form] for at, form in attributes)
        self._parts.append(ULEB[number] + ULEB[tag] + bytes((children,)) + pairs + b"\0\0")
        return number

    def data(self) -> bytes:
        return b"".join(self._parts) + b"\0"


SHAPES = Abbrevs()
_DECLARED = ((At.decl_file, Form.udata), (At.decl_line, Form.udata))
_CALLED = ((At.call_file, Form.udata), (At.call_line, Form.udata))
_SPAN = ((At.low_pc, Form.addr), (At.high_pc, Form.data4))
_FUNCTION = ((At.name, Form.strp), *_SPAN, *_DECLARED, (At.frame_base, Form.exprloc), (At.external, Form.flag_present))

UNIT = SHAPES.declare(
    Tag.compile_unit,
    (
        (At.name, Form.strp),
        (At.producer, Form.strp),
        (At.language, Form.data2),
        (At.stmt_list, Form.sec_offset),
        (At.low_pc, Form.addr),
        (At.ranges, Form.sec_offset),
    ),
    True,
)
BASE_TYPE = SHAPES.declare(Tag.base_type, ((At.name, Form.strp), (At.encoding, Form.data1), (At.byte_size, Form.data1)))
UNTYPED_POINTER = SHAPES.declare(Tag.pointer_type, ((At.byte_size, Form.data1),))
FUNCTION = {children: SHAPES.declare(Tag.subprogram, _FUNCTION, children) for children in (False, True)}
ABSTRACT = SHAPES.declare(
    Tag.subprogram, ((At.name, Form.strp), (At.inline, Form.data1), *_DECLARED, (At.external, Form.flag_present))
)
# Inlined calls: (in one range?, with children?)
_ORIGIN = (At.abstract_origin, Form.ref4)
INLINED = {
    (one, children): SHAPES.declare(
        Tag.inlined_subroutine, (_ORIGIN, *(_SPAN if one else ((At.ranges, Form.sec_offset),)), *_CALLED), children
    )
    for one in (False, True)
    for children in (False, True)
}
# Parameters (or variables instead), by where they are: in one place, in places that change with the pc, or nowhere; and
# by how the type is referred to: within the unit, or in another.
_PLACES = {"place": [(At.location, Form.exprloc)], "list": [(At.location, Form.sec_offset)], "none": []}
PARAMETER = {
    (tag, where, form): SHAPES.declare(tag, [(At.name, Form.strp), (At.type, form), *places])
    for tag in (Tag.formal_parameter, Tag.variable)
    for where, places in _PLACES.items()
    for form in (Form.ref4, Form.ref_addr)
}
SPAN = struct.Struct("<QI")
