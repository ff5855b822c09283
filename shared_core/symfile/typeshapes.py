"""The shapes of the entries that describe types, as the linker has them (Go 1.27 cmd/internal/dwarf, Abbrevs)."""

from __future__ import annotations

from .abbrevs import SHAPES, At, Form, Tag


class GoAt:
    """Go's own attributes, which Delve reads: DW_AT_go_..."""

    kind, key, elem, embedded_field, runtime_type = 0x2900, 0x2901, 0x2902, 0x2903, 0x2904


_NAME, _TYPE, _SIZE = (At.name, Form.strp), (At.type, Form.ref4), (At.byte_size, Form.udata)
_GO = ((GoAt.kind, Form.data1), (GoAt.runtime_type, Form.addr))
_KEY, _ELEM = (GoAt.key, Form.ref4), (GoAt.elem, Form.ref4)
_PLACE = (At.data_member_location, Form.udata)

TYPES_UNIT = SHAPES.declare(
    Tag.compile_unit, (_NAME, (At.producer, Form.strp), (At.language, Form.data2)), children=True
)
BASE = SHAPES.declare(Tag.base_type, (_NAME, *_GO, (At.encoding, Form.data1), _SIZE))
POINTER = SHAPES.declare(Tag.pointer_type, (_NAME, *_GO, _TYPE))
BARE_POINTER = SHAPES.declare(Tag.pointer_type, (_NAME, *_GO))
TYPEDEF = SHAPES.declare(Tag.typedef, (_NAME, _TYPE))
GO_TYPEDEF = SHAPES.declare(Tag.typedef, (_NAME, *_GO, _TYPE))
CHAN = SHAPES.declare(Tag.typedef, (_NAME, *_GO, _TYPE, _ELEM))
MAP = SHAPES.declare(Tag.typedef, (_NAME, *_GO, _TYPE, _KEY, _ELEM))
STRUCT = {children: SHAPES.declare(Tag.structure_type, (_NAME, *_GO, _SIZE), children) for children in (False, True)}
SLICE = SHAPES.declare(Tag.structure_type, (_NAME, *_GO, _ELEM, _SIZE), children=True)
MEMBER = SHAPES.declare(Tag.member, (_NAME, _TYPE, _PLACE))
EMBEDDED = SHAPES.declare(Tag.member, (_NAME, _TYPE, _PLACE, (GoAt.embedded_field, Form.flag_present)))
ARRAY = SHAPES.declare(Tag.array_type, (_NAME, *_GO, _TYPE, _SIZE), children=True)
RANGE = SHAPES.declare(Tag.subrange_type, (_TYPE, (At.count, Form.udata)))
