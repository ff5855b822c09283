"""The pclntab from bytes: found by structure, read in each of its forms, refused in words, never crashed on."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Callable, List

import pytest

from shared_core.binary.funcs import Func, FuncTable
from shared_core.binary.image import LoadedImage
from shared_core.binary.pclntab import PcHeader, named_header, old_or_foreign, possible_headers, scanned_headers
from shared_core.binary.program import Program
from shared_core.errors import FormatError, GoxrayError, NotGoError
from shared_core.memory import Memory
from shared_core.target import FILE, Image
from tests.support.fake import FakeTarget
from tests.support.goimage import TABLES, TEXT, Made, make
from tests.support.gotables import MAGICS, Fn, Tables

FUNCTIONS = [
    Fn("internal/cpu.Initialize", 96, ((4, 0), (80, 24), (8, 0)), ((40, 120), (52, 131)), "/go/src/cpu.go", args=16),
    Fn("main.F[go.shape.int]", 64, ((60, 8),), ((60, 7),), pcdata=(((60, -1),), ((20, 0), (40, 3))), funcdata=(16, -1)),
    Fn("main.main", 4096, ((4096, 32),), ((4096, 70000),), deferreturn=77, func_id=3, flags=4),
    Fn("main.été", 32, ((32, 0),), ((32, 1),)),
]
FORMS = [(form, arch) for form in MAGICS for arch in ("amd64", "arm64")]


def table_of(tables: Tables) -> FuncTable:
    header = possible_headers(tables.data, tables.address, tables.arch)[0]
    base = 0 if tables.wide else tables.text
    return FuncTable(header, tables.data, lambda offset: base + offset)


def image_of(made: Made) -> LoadedImage:
    target = made.target()
    return LoadedImage(target, Memory(target), target.images()[0])


@pytest.mark.parametrize(("form", "arch"), FORMS)
def test_functions_of_each_form(form: str, arch: str) -> None:
    tables = Tables(FUNCTIONS, form, arch)
    table = table_of(tables)
    assert [func.name for func in table] == [fn.name for fn in FUNCTIONS]
    assert [func.entry for func in table] == tables.entries[:-1]
    assert [func.end for func in table] == tables.entries[1:]
    assert [func.size for func in table] == [sum(size for size, _ in fn.lines) for fn in FUNCTIONS]
    assert [func.entry_line() for func in table] == [(fn.file, fn.lines[0][1]) for fn in FUNCTIONS]
    first, generic, main, _ = table
    assert (first.arguments, main.deferreturn, main.func_id, main.flags) == (16, 77, 3, 4)
    assert [first.frame_size(first.entry + pc) for pc in (0, 4, 83, 84, 92)] == [0, 24, 24, 0, None]
    assert [first.line_at(first.entry + pc)[1] for pc in (0, 39, 40, 91)] == [120, 120, 131, 131]
    assert first.line_at(first.entry + 92) == ("?", 0)
    assert [generic.pcdata(1, generic.entry + pc) for pc in (0, 19, 20, 59)] == [0, 0, 3, 3]
    assert generic.pcdata(2, generic.entry) == -1
    assert generic.pcdata_runs(1)[1] == (generic.entry + 20, generic.entry + 60, 3)
    assert generic.funcdata(0, 0x1000) == (16 if form == "1.16" else 0x1010)
    assert (generic.funcdata(1, 0x1000), generic.funcdata(2, 0x1000)) == (None, None)
    assert main.start_line == (7 if form == "1.20" else 0)


def test_names_and_files() -> None:
    table = table_of(Tables([*FUNCTIONS, Fn("main.main", 16), Fn("in.main", 16)]))
    assert [func.index for func in table.by_name("main.main")] == [2, 4]
    assert [func.index for func in table.by_name("internal/cpu.Initialize")] == [0]
    assert [func.index for func in table.by_name("main.été")] == [3]
    assert table.by_name("main") == table.by_name("") == table.by_name("ain.main") == []
    assert list(table.files()) == ["/go/src/cpu.go", "/src/main.go"]
    assert [table.linear_search(offset) for offset in (0, 95, 96, 4096 + 191, 4096 + 192 + 31)] == [0, 0, 1, 3, 5]
    with pytest.raises(IndexError):
        table.func(6)


@pytest.mark.parametrize(("form", "arch"), FORMS)
def test_found_by_structure_whatever_the_magic(form: str, arch: str) -> None:
    """In an image without section headers, and again with the magic that an obfuscator put there."""
    made = make(FUNCTIONS, form, arch)
    found = list(scanned_headers(image_of(made)))
    assert [(header.address, header.layout) for header in found] == [(TABLES, form)]
    made.put(TABLES, b"\x12\x34\x56\x78")
    assert [(header.address, header.layout) for header in scanned_headers(image_of(made))] == [(TABLES, form)]


def test_found_by_its_section(tmp_path: Path) -> None:
    made = make(FUNCTIONS)
    path = tmp_path / "prog"
    path.write_bytes(made.file(sections=True))
    target = FakeTarget({}, kind=FILE)
    header = named_header(LoadedImage(target, Memory(target), Image(str(path), 0)))
    assert header is not None and header.address == TABLES


def test_an_embedded_pclntab_is_passed_over() -> None:
    """A program may carry another one as data: the moduledata tells which is its own."""
    made = make(FUNCTIONS)
    decoy = Tables([Fn("other.main")], address=TABLES + 0x10000).data
    data = bytes(made.rodata)
    made.rodata[: len(decoy)] = decoy
    own = TABLES + 0x10000
    tables = Tables(FUNCTIONS, address=own, text=TEXT)
    made.put(own, tables.data)
    made.put(0x500100, tables.moduledata(made.layout, 0x4F8000))
    assert data != bytes(made.rodata)
    target = made.target()
    assert Program(target, Memory(target)).header.address == own


def said_of(made: Made) -> str:
    target = made.target()
    with pytest.raises(NotGoError) as error:
        Program(target, Memory(target))
    return str(error.value)


def test_too_old_is_told() -> None:
    made = make(FUNCTIONS)
    made.put(TABLES, struct.pack("<I", 0xFFFFFFFB))
    assert "Go 1.2 to 1.15" in said_of(made)
    with pytest.raises(FormatError, match=r"Go 1\.2 to 1\.15"):
        possible_headers(bytes(made.rodata[:72]), TABLES, "amd64")


@pytest.mark.parametrize("magic", MAGICS.values())
def test_big_endian_is_told(magic: int) -> None:
    made = make(FUNCTIONS)
    made.put(TABLES, struct.pack(">IHBB", magic, 0, 4, 8))
    assert "big-endian" in said_of(made)
    assert old_or_foreign(image_of(made)) is not None


def test_no_go_program_at_all() -> None:
    made = make(FUNCTIONS)
    made.put(TABLES, bytes(72))
    assert "no pclntab in it" in said_of(made)
    assert old_or_foreign(image_of(made)) is None


@pytest.mark.parametrize("place", ["functions", "names", "cutab", "filetab", "pctab", "pclntable"])
@pytest.mark.parametrize("value", [0, 1, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1])
def test_header_fields_that_do_not_fit(place: str, value: int) -> None:
    made = make(FUNCTIONS)
    order = ["functions", "files", "text_start", "names", "cutab", "filetab", "pctab", "pclntable"]
    made.put(TABLES + 8 + 8 * order.index(place), struct.pack("<Q", value))
    if (place, value) != ("functions", 1):  # one function less than there are is still a table
        assert list(scanned_headers(image_of(made))) == []


def read_everything(table: FuncTable) -> int:
    """Asks all there is to ask; each refusal must be a GoxrayError. Gives how many were refused."""
    refused = 0
    for index in range(min(table.count, 64)):
        try:
            func = table.func(index)
        except GoxrayError:
            refused += 1
            continue
        asks: List[Callable[[Func], object]] = [
            lambda f: f.name,
            lambda f: f.size,
            lambda f: f.entry_line(),
            lambda f: [f.frame_size(pc) for pc in (f.entry, f.entry + 9)],
            lambda f: [f.line_at(pc) for pc in (f.entry, f.entry + 9, f.end)],
            lambda f: [f.pcdata(number, f.entry + 1) for number in range(6)],
            lambda f: [f.pcdata_runs(number) for number in range(6)],
            lambda f: [f.funcdata(number, 0) for number in range(9)],
            lambda f: table.by_name(f.name),
        ]
        for ask in asks:
            try:
                ask(func)
            except GoxrayError:
                refused += 1
    return refused


def _mutations(data: bytes, chooser: random.Random) -> List[bytes]:
    found = []
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(chooser.randrange(1, 8)):
            place = chooser.randrange(8, len(data))
            changed[place] = chooser.choice((0, 1, 0x7F, 0x80, 0xFF, chooser.randrange(256)))
        found.append(bytes(changed))
    return found


@pytest.mark.parametrize("form", MAGICS)
@pytest.mark.parametrize("seed", range(4))
def test_broken_tables_raise_nothing_but_goxray_errors(form: str, seed: int) -> None:
    tables = Tables(FUNCTIONS, form)
    header = possible_headers(tables.data, tables.address, "amd64")[0]
    refused = 0
    for data in _mutations(tables.data, random.Random(seed)):
        try:
            header = possible_headers(data, tables.address, "amd64")[0]
            refused += read_everything(FuncTable(header, data, lambda offset: offset))
        except GoxrayError:
            refused += 1
    assert refused


@pytest.mark.parametrize("form", MAGICS)
def test_every_cut_is_told(form: str) -> None:
    tables = Tables(FUNCTIONS, form)
    header: PcHeader = possible_headers(tables.data, tables.address, "amd64")[0]
    refused = 0
    for size in range(0, len(tables.data), 3):
        try:
            refused += read_everything(FuncTable(header, tables.data[:size], lambda offset: offset))
        except GoxrayError:
            refused += 1
    assert refused > len(tables.data) // 6
