"""Symbols of an ELF symbol table from its bytes, and what the layout generator makes of them."""

from __future__ import annotations

import struct
from typing import Iterable, Iterator, List, Tuple

import pytest

from shared_core.binary.elf import ElfImage
from shared_core.binary.elfsymbols import STT_FUNC, STT_OBJECT, ElfSymbol, all_symbols, symbol_address
from shared_core.errors import FormatError
from shared_core.layouts.build import Place, symbol_table
from tests.support.elf import PAGE, R, X, elf

LOCAL, GLOBAL = 0, 1 << 4
Row = Tuple[str, int, int, int, int]  # name, st_info, st_shndx, st_value, st_size

ROWS: List[Row] = [
    ("", 0, 0, 0, 0),
    ("main.main", STT_FUNC | LOCAL, 1, 0x1000, 32),
    ("malloc", STT_FUNC | GLOBAL, 0, 0, 0),
    ("runtime.f.abi0", STT_FUNC | LOCAL, 1, 0x1040, 8),
    ("runtime.f", STT_FUNC | LOCAL, 1, 0x1080, 80),
    ("runtime.sched", STT_OBJECT | GLOBAL, 2, 0x2000, 600),
]


def tables(rows: Iterable[Row]) -> Tuple[bytes, bytes]:
    """(.symtab, .strtab)."""
    table, strings = b"", b"\0"
    for name, info, section, value, size in rows:
        table += struct.pack("<IBBHQQ", len(strings) if name else 0, info, 0, section, value, size)
        strings += name.encode() + b"\0" if name else b""
    return table, strings


class Image(ElfImage):
    """An image that has the symbols of ROWS."""

    def __init__(self) -> None:
        super().__init__(elf([(0, R | X, bytes(PAGE))]), None)

    def symbols(self) -> Iterator[ElfSymbol]:
        return all_symbols(*tables(ROWS))


def test_defined_symbols_in_order() -> None:
    assert list(all_symbols(*tables(ROWS))) == [
        ElfSymbol("main.main", STT_FUNC, 0x1000, 32),
        ElfSymbol("runtime.f.abi0", STT_FUNC, 0x1040, 8),
        ElfSymbol("runtime.f", STT_FUNC, 0x1080, 80),
        ElfSymbol("runtime.sched", STT_OBJECT, 0x2000, 600),
    ]


def test_one_symbol_by_its_whole_name() -> None:
    table, strings = tables(ROWS)
    assert symbol_address(table, strings, "runtime.f") == 0x1080
    for name in ("malloc", "runtime", "main.mai", ""):
        assert symbol_address(table, strings, name) is None


@pytest.mark.parametrize("cut", range(0, 100, 7))
def test_cut_tables_give_what_is_whole(cut: int) -> None:
    """A symbol is left out when its entry is cut, or its name does not end within the strings."""
    table, strings = tables(ROWS)
    whole = list(all_symbols(table, strings))
    entries = (len(table) - cut) // 24
    assert list(all_symbols(table[: len(table) - cut], strings)) == list(all_symbols(*tables(ROWS[:entries])))
    left = list(all_symbols(table, strings[: len(strings) - cut]))
    assert left == whole[: len(left)] and (cut == 0) == (left == whole)


def test_a_function_and_its_wrapper_are_one_name_and_the_longer() -> None:
    functions, variables, twice = symbol_table(Image())
    assert functions == {"main.main": Place(0x1000, 32), "runtime.f": Place(0x1080, 80)}
    assert variables == {"runtime.sched": Place(0x2000, 600)}
    assert twice == {"runtime.f"}


def test_no_section_headers_no_symbols_and_no_dwarf() -> None:
    image = ElfImage(elf([(0, R | X, bytes(PAGE))]), None)
    assert list(image.symbols()) == []
    assert image.symbol("main.main") is None
    assert image.dwarf_info() is None


def test_dwarf_behind_broken_section_headers_is_refused() -> None:
    data = bytearray(elf([(0, R | X, bytes(PAGE))], sections={".text": (0, 64)}))
    struct.pack_into("<H", data, 62, 0x7FFF)  # e_shstrndx
    with pytest.raises(FormatError, match="DWARF"):
        ElfImage(bytes(data), None).dwarf_info()
