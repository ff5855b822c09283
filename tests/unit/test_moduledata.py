"""moduledata from bytes: found by its pointer, believed only where its tables agree, pc -> function as the runtime."""

from __future__ import annotations

import random
import struct
from typing import List, Tuple

import pytest

from shared_core.binary.moduledata import Module
from shared_core.binary.program import Modules, Program
from shared_core.errors import FormatError, GoxrayError
from shared_core.memory import Memory
from tests.support.goimage import DATA, FINDFUNC, GOFUNC, MODULE, TABLES, TEXT, Made, make
from tests.support.gotables import MAGICS, Fn, Tables

SIZES = [16, 16, 32, 4096, 240, 8000, 16, 300, 52, 5000]


def functions(sizes: List[int]) -> List[Fn]:
    return [Fn(f"main.f{i}", size, ((size, 8),), ((size, i),)) for i, size in enumerate(sizes)]


def modules_of(made: Made) -> Modules:
    target = made.target()
    return Program(target, Memory(target)).modules(made.layout)


def field(made: Made, name: str) -> int:
    """The address of a field of the moduledata."""
    return MODULE + made.layout.struct("runtime.moduledata").offset(name)


@pytest.mark.parametrize("form", MAGICS)
def test_every_pc_leads_to_its_function(form: str) -> None:
    made = make(functions(SIZES), form)
    module = modules_of(made).all[0]
    assert (module.address, module.text, module.maxpc) == (MODULE, TEXT, TEXT + sum(SIZES))
    for index, (start, end) in enumerate(zip(made.tables.entries, made.tables.entries[1:])):
        found = {module.find(pc) for pc in range(start, end, max(1, (end - start) // 50))} | {module.find(end - 1)}
        assert {func and func.index for func in found} == {index}
    assert (module.find(TEXT - 1), module.find(TEXT + sum(SIZES))) == (None, None)


@pytest.mark.parametrize("seed", range(10))
def test_any_sizes_of_functions(seed: int) -> None:
    """Against a linear search, with functions as small as 16 bytes and larger than several buckets."""
    chooser = random.Random(seed)
    made = make(functions([chooser.choice((16, 17, 32, 64, 255, 256, 257, 4096, 9000)) for _ in range(80)]))
    module = modules_of(made).all[0]
    for _ in range(2000):
        pc = chooser.randrange(module.minpc, module.maxpc)
        func = module.find(pc)
        assert func is not None and func.index == module.table.linear_search(pc - module.text)


FIELDS = ["funcnametab.ptr", "cutab.ptr", "filetab.ptr", "pctab.ptr", "pclntable.ptr", "ftab.ptr", "ftab.len", "text"]


@pytest.mark.parametrize("name", [*FIELDS, "minpc", "maxpc", "etext"])
@pytest.mark.parametrize("value", [0, 8, TABLES, (1 << 64) - 1])
def test_a_moduledata_that_disagrees_is_refused(name: str, value: int) -> None:
    made = make(functions(SIZES))
    made.put(field(made, name), struct.pack("<Q", value))
    if name == "etext" and value > TEXT + sum(SIZES):  # text may go on behind the last function
        assert modules_of(made).all
        return
    with pytest.raises(FormatError):
        modules_of(made)


def test_a_findfunctab_that_leads_elsewhere_is_refused() -> None:
    made = make(functions(SIZES))
    made.put(FINDFUNC, struct.pack("<I16B", 5, *range(16)) * 3)
    with pytest.raises(FormatError, match="findfunctab"):
        modules_of(made)


@pytest.mark.parametrize("value", [0, (1 << 64) - 4, 0x10_0000_0000])
def test_a_findfunctab_that_is_nowhere_is_refused(value: int) -> None:
    made = make(functions(SIZES))
    made.put(field(made, "findfunctab"), struct.pack("<Q", value))
    with pytest.raises(GoxrayError):
        modules_of(made)


def test_other_pointers_to_the_pclntab_are_passed_over() -> None:
    made = make(functions(SIZES))
    made.put(DATA, struct.pack("<4Q", TABLES, TABLES, 0, TABLES))
    assert modules_of(made).all[0].address == MODULE


def test_the_last_pointer_of_the_data_is_no_moduledata() -> None:
    """What would be a moduledata hangs over the end of what can be read."""
    made = make(functions(SIZES))
    made.put(DATA + 0xFF8, struct.pack("<Q", TABLES))
    made.put(MODULE, bytes(8))
    with pytest.raises(FormatError, match="no moduledata fits"):
        modules_of(made)


def with_plugin(made: Made) -> int:
    """A second module behind the first; gives its address."""
    text, tables, place = TEXT + 0x8000, TABLES + 0x20000, MODULE + 0x300
    second = Tables(functions([64, 64]), address=tables, text=text)
    made.text.extend(bytes(0x8000))
    made.put(tables, second.data)
    made.put(tables + 0x8000, second.buckets())
    name = DATA + 0xF00
    made.put(name, b"plugin/path")
    others = {"modulename__str": name, "modulename__len": 11, "gofunc": GOFUNC}
    made.put(place, second.moduledata(made.layout, tables + 0x8000, **others))
    made.put(field(made, "next"), struct.pack("<Q", place))
    return place


def test_modules_form_a_list() -> None:
    made = make(functions(SIZES))
    place = with_plugin(made)
    modules = modules_of(made)
    assert [module.address for module in modules.all] == [MODULE, place]
    assert [module.name for module in modules.all] == ["", "plugin/path"]
    found = modules.find(TEXT + 0x8000 + 70)
    assert found is not None and found[0] is modules.all[1] and found[1].index == 1
    assert modules.find(TEXT + sum(SIZES) + 16) is None


@pytest.mark.parametrize("after", [0, MODULE, MODULE + 0x300, 0x10, 1 << 63])
def test_the_list_of_modules_always_ends(after: int) -> None:
    made = make(functions(SIZES))
    place = with_plugin(made)
    made.put(place + made.layout.struct("runtime.moduledata").offset("next"), struct.pack("<Q", after))
    assert [module.address for module in modules_of(made).all] == [MODULE, place]


def test_a_broken_second_module_is_told_and_the_first_is_kept() -> None:
    made = make(functions(SIZES))
    made.put(with_plugin(made) + 8, bytes(8))
    modules = modules_of(made)
    assert [module.address for module in modules.all] == [MODULE]
    assert len(modules.warnings) == 1


def test_text_in_several_sections() -> None:
    """A large program is linked as several text sections with gaps: offsets go on, addresses jump (textAddr)."""
    made = make(functions([0x1000, 0x1000, 0x1000, 0x1000]))
    sections = [(0, 0x2000, TEXT), (0x2000, 0x4000, TEXT + 0x5000)]
    made.put(DATA + 0xE00, b"".join(struct.pack("<QQQ", *section) for section in sections))
    made.put(field(made, "textsectmap.ptr"), struct.pack("<QQ", DATA + 0xE00, 2))
    end = TEXT + 0x5000 + 0x2000
    made.put(field(made, "maxpc"), struct.pack("<Q", end))
    made.put(field(made, "etext"), struct.pack("<Q", end))
    module: Module = modules_of(made).all[0]
    assert [func.entry for func in module.table] == [TEXT, TEXT + 0x1000, TEXT + 0x5000, TEXT + 0x6000]
    for func in module.table:
        assert module.find(func.entry) is module.find(func.entry + 0xFFF) is func
    for gap in (TEXT + 0x2000, TEXT + 0x4FFF, end):
        assert module.find(gap) is None


@pytest.mark.parametrize(
    "second", [(0, 0, 0), (0x2000, 0x2001, TEXT + 0x5000), (1 << 62, (1 << 62) + 0x2000, TEXT + 0x5000)]
)
def test_text_sections_that_make_no_sense(second: Tuple[int, int, int]) -> None:
    made = make(functions([0x1000, 0x1000, 0x1000, 0x1000]))
    made.put(DATA + 0xE00, struct.pack("<QQQ", 0, 0x2000, TEXT) + struct.pack("<QQQ", *second))
    made.put(field(made, "textsectmap.ptr"), struct.pack("<QQ", DATA + 0xE00, 2))
    for end in (TEXT + 0x4000, TEXT + 0x7000):
        made.put(field(made, "maxpc"), struct.pack("<Q", end))
        made.put(field(made, "etext"), struct.pack("<Q", end))
        with pytest.raises(FormatError):
            modules_of(made)


@pytest.mark.parametrize("seed", range(6))
def test_broken_data_raises_nothing_but_goxray_errors(seed: int) -> None:
    chooser = random.Random(seed)
    refused = 0
    for _ in range(80):
        made = make(functions(SIZES))
        for start, size in ((MODULE, 160), (TABLES, len(made.tables.data)), (FINDFUNC, 100)):
            if chooser.random() < 0.6:
                made.put(start + chooser.randrange(size), bytes([chooser.choice((0, 1, 0x7F, 0x80, 0xFF))]))
        try:
            modules = modules_of(made)
            for pc in range(TEXT - 8, TEXT + sum(SIZES), 977):
                modules.find(pc)
            modules.code("main.f3")
        except GoxrayError:
            refused += 1
    assert 0 < refused < 80
