"""Parameters of functions by their types in DWARF, and where Go's ABI puts them: a second opinion on both.

The ABI as its specification has it (cmd/compile/abi-internal.md, "Function call argument and result passing").
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

GO_KIND: Any = 0x2900  # cmd/internal/dwarf: DW_AT_go_kind
_FLOAT, _COMPLEX = 4, 3  # DW_ATE_
# reflect.Kind: what consists of several words for the debugger too, but is one thing for a Go program.
_WHOLE = {20: "interface", 23: "slice", 24: "string"}
_TYPES = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type")


class Piece(NamedTuple):
    """A part of a value that a register can hold: offset and size in bytes, integer or float."""

    offset: int
    size: int
    is_float: bool


class Shape(NamedTuple):
    """A string, slice or interface in a value, at this offset."""

    offset: int
    kind: str


class Type(NamedTuple):
    """size and align in bytes; pieces None for a type that registers never hold (arrays of more than one element)."""

    size: int
    align: int
    pieces: Optional[List[Piece]]
    shapes: List[Shape]


class Place(NamedTuple):
    """An argument word: its register, "" on the stack, and its offset from argp."""

    register: str
    offset: int
    size: int


class Function(NamedTuple):
    """places: one for each piece of each parameter, in order; those on the stack as a whole.

    shapes: offset from argp -> "string", "slice" or "interface". width: bytes of arguments, results, spill slots.
    """

    name: str
    address: int
    width: int
    places: List[Place]
    shapes: Dict[int, str]


class Parameters:
    """The functions and types of some packages of an unstripped program."""

    def __init__(
        self, program: Path, packages: Iterable[str], registers: Tuple[Tuple[str, ...], Tuple[str, ...]]
    ) -> None:
        self._registers = registers
        self._types: Dict[int, Type] = {}
        self.functions: List[Function] = []
        wanted = set(packages)
        with open(program, "rb") as stream:
            dwarf = ELFFile(stream).get_dwarf_info()
            for unit in dwarf.iter_CUs():
                if _name(unit.get_top_DIE()) in wanted:
                    self.functions += self._functions(unit.get_top_DIE())

    def _functions(self, top: DIE) -> Iterator[Function]:
        for die in top.iter_children():
            if die.tag != "DW_TAG_subprogram" or "DW_AT_low_pc" not in die.attributes:
                continue
            # An instance of an inlined function: its declaration has all parameters in order.
            source = die.get_DIE_from_attribute("DW_AT_abstract_origin") if _has(die, "DW_AT_abstract_origin") else die
            given, results = [], []
            for child in source.iter_children():
                if child.tag == "DW_TAG_formal_parameter":
                    kind = self._type(child.get_DIE_from_attribute("DW_AT_type"))
                    is_result = child.attributes["DW_AT_variable_parameter"].value
                    (results if is_result else given).append(kind)
            low = die.attributes["DW_AT_low_pc"]
            yield self._place(_name(source), int(low.value), given, results)

    def _place(self, name: str, address: int, given: List[Type], results: List[Type]) -> Function:
        registers, stack = self._assign(given)
        end = _laid_out([given[i] for i in stack])[1]
        on_stack = [results[i] for i in self._assign(results)[1]]
        end = _up(_laid_out(on_stack, _up(end, 8))[1], 8)
        offsets, end = _laid_out([given[i] for i in registers], end)
        spilled = dict(zip(registers, offsets))
        stacked = dict(zip(stack, _laid_out([given[i] for i in stack])[0]))
        places, shapes = [], {}
        for number, kind in enumerate(given):
            start = spilled.get(number, stacked.get(number, 0))
            shapes.update((start + shape.offset, shape.kind) for shape in kind.shapes)
            if number in spilled:
                pieces = zip(registers[number], kind.pieces or [])
                places += [Place(register, start + piece.offset, piece.size) for register, piece in pieces]
            else:
                places.append(Place("", start, kind.size))
        return Function(name, address, _up(end, 8), places, shapes)

    def _assign(self, kinds: List[Type]) -> Tuple[Dict[int, List[str]], List[int]]:
        """(number -> registers of those that get some, numbers of the others)."""
        integers, floats = (list(names) for names in self._registers)
        registers: Dict[int, List[str]] = {}
        stack = []
        for number, kind in enumerate(kinds):
            pieces = kind.pieces
            needed = [sum(p.is_float == is_float for p in pieces or ()) for is_float in (False, True)]
            if pieces is None or kind.size == 0 or needed[0] > len(integers) or needed[1] > len(floats):
                stack.append(number)
                continue
            registers[number] = [(floats if piece.is_float else integers).pop(0) for piece in pieces]
        return registers, stack

    def _type(self, die: DIE) -> Type:
        found = self._types.get(die.offset)
        if found is None:
            found = self._types[die.offset] = self._read(die)
        return found

    def _read(self, die: DIE) -> Type:
        whole = _WHOLE.get(die.attributes[GO_KIND].value) if GO_KIND in die.attributes else None
        if die.tag in _TYPES:
            inner = self._type(die.get_DIE_from_attribute("DW_AT_type"))
            return inner._replace(shapes=[Shape(0, whole)]) if whole else inner
        if die.tag in ("DW_TAG_pointer_type", "DW_TAG_subroutine_type"):
            return Type(8, 8, [Piece(0, 8, False)], [])
        size = int(die.attributes["DW_AT_byte_size"].value)
        if die.tag == "DW_TAG_base_type":
            encoding = die.attributes["DW_AT_encoding"].value
            if encoding == _COMPLEX:
                half = size // 2
                return Type(size, half, [Piece(0, half, True), Piece(half, half, True)], [])
            return Type(size, size, [Piece(0, size, encoding == _FLOAT)], [])
        if die.tag == "DW_TAG_array_type":
            return self._array(die, size)
        found = self._struct(die, size)
        return found._replace(shapes=[Shape(0, whole)]) if whole else found

    def _array(self, die: DIE, size: int) -> Type:
        element = self._type(die.get_DIE_from_attribute("DW_AT_type"))
        counts = [child.attributes.get("DW_AT_count") for child in die.iter_children()]
        count = int(counts[0].value) if counts and counts[0] is not None else size // (element.size or 1)
        shapes = [Shape(i * element.size + s.offset, s.kind) for i in range(min(count, 64)) for s in element.shapes]
        pieces = element.pieces if count == 1 else None if count else []
        return Type(size, element.align, pieces, shapes)

    def _struct(self, die: DIE, size: int) -> Type:
        pieces: Optional[List[Piece]] = []
        shapes, align = [], 1
        for child in die.iter_children():
            if child.tag == "DW_TAG_member":
                kind = self._type(child.get_DIE_from_attribute("DW_AT_type"))
                start = int(child.attributes["DW_AT_data_member_location"].value)
                align = max(align, kind.align)
                shapes += [Shape(start + shape.offset, shape.kind) for shape in kind.shapes]
                if pieces is not None and kind.pieces is not None:
                    pieces += [piece._replace(offset=start + piece.offset) for piece in kind.pieces]
                else:
                    pieces = None
        return Type(size, align, pieces, shapes)


def _laid_out(kinds: List[Type], at: int = 0) -> Tuple[List[int], int]:
    """Offsets of values one after the other, and the end of the last."""
    offsets = []
    for kind in kinds:
        at = _up(at, kind.align)
        offsets.append(at)
        at += kind.size
    return offsets, at


def _up(value: int, align: int) -> int:
    return -(-value // (align or 1)) * (align or 1)


def _has(die: DIE, attribute: str) -> bool:
    return attribute in die.attributes


def _name(die: DIE) -> str:
    name = die.attributes.get("DW_AT_name")
    return name.value.decode() if name is not None else ""
