"""FUNCDATA from bytes: inline trees, argument descriptions, liveness, stack maps and stack objects."""

from __future__ import annotations

import random
import struct
from typing import Callable, Dict, List, Optional, Tuple

import pytest

from shared_core.binary.funcs import Func
from shared_core.binary.functabs import ArgSlot, FuncTabs, StackObject
from shared_core.binary.program import Program
from shared_core.errors import FormatError, GoxrayError
from shared_core.memory import Memory
from tests.support.goimage import make
from tests.support.gotables import FUNCDATA, PCDATA, Fn, Runs

NAMES = [Fn("main.inner", 16), Fn("main.middle", 16)]


def tabs_of(
    funcdata: bytes, which: Tuple[str, ...] = (), pcdata: Optional[Dict[str, Runs]] = None
) -> Tuple[FuncTabs, Func]:
    """The reader and a function main.f of 64 bytes, whose tables `which` begin at gofunc, 64 bytes apart."""
    offsets = [64 * which.index(name) if name in which else -1 for name in FUNCDATA]
    tables = [(pcdata or {}).get(name, ()) for name in PCDATA]
    made = make([*NAMES, Fn("main.f", 64, pcdata=tables, funcdata=offsets)], funcdata=funcdata)
    target = made.target()
    module = Program(target, Memory(target)).modules(made.layout).all[0]
    return FuncTabs(module, made.layout), module.table.func(2)


def inlined(name: int, parent_pc: int, func_id: int = 0, line: int = 9) -> bytes:
    return struct.pack("<Bxxxiii", func_id, name, parent_pc, line)


def test_inline_tree() -> None:
    """inner in middle in f at pcs 10 to 20; just middle at 20 to 30: a parent's pc leads to the call around it."""
    names = (0, len("main.inner") + 1)
    tree = inlined(names[0], 25, 3) + inlined(names[1], 40)
    tabs, func = tabs_of(tree, ("inl_tree",), {"inl_tree_index": ((10, -1), (10, 0), (10, 1), (34, -1))})

    def at(pc: int) -> List[Tuple[str, int]]:
        found = tabs.inlined_at(func, func.entry + pc)
        return [(call.name if call else func.name, place - func.entry) for call, place in found]

    assert at(5) == [("main.f", 5)]
    assert at(12) == [("main.inner", 12), ("main.middle", 25), ("main.f", 40)]
    assert at(20) == [("main.middle", 20), ("main.f", 40)]
    assert at(63) == [("main.f", 63)]
    assert tabs.inlined_at(func, func.entry + 12)[0][0] == ("main.inner", 3, 25, 9)


def test_an_inline_tree_that_loops_ends() -> None:
    tabs, func = tabs_of(inlined(0, 12), ("inl_tree",), {"inl_tree_index": ((64, 0),)})
    assert len(tabs.inlined_at(func, func.entry + 12)) <= 1025


def test_inline_tree_outside_the_image() -> None:
    tabs, func = tabs_of(inlined(0, 12), ("inl_tree",), {"inl_tree_index": ((64, 1 << 26),)})
    with pytest.raises(GoxrayError):
        tabs.inlined_at(func, func.entry)


def test_argument_description() -> None:
    """f(a int, s struct{x, y uint8}, big [9]int, ...)."""
    data = bytes([0, 8, 0xFE, 8, 1, 9, 1, 0xFD, 0xFB, 0xFC, 0xFF, 77, 77])
    tabs, func = tabs_of(data, ("arg_info",))
    words = [ArgSlot("word", 0, 8), ArgSlot("begin"), ArgSlot("word", 8, 1), ArgSlot("word", 9, 1), ArgSlot("end")]
    assert tabs.arg_slots(func) == [*words, ArgSlot("too large"), ArgSlot("dots")]
    assert tabs_of(b"")[0].arg_slots(tabs_of(b"")[1]) is None


def test_an_argument_description_without_an_end() -> None:
    tabs, func = tabs_of(bytes([0, 8] * 200), ("arg_info",))
    with pytest.raises(FormatError):
        tabs.arg_slots(func)


def test_argument_liveness() -> None:
    """One byte of the lowest spill offset, then bitmaps that PCDATA_ArgLiveIndex counts bytes to."""
    pcdata: Dict[str, Runs] = {"arg_live_index": ((10, -1), (10, 0), (10, 1), (34, 2))}
    tabs, func = tabs_of(bytes([8, 0b101, 0b010]), ("arg_live_info",), pcdata)
    assert tabs.spill_start(func) == 8

    def live(pc: int) -> List[bool]:
        is_live = tabs.live_slots(func, func.entry + pc)
        return [is_live(0, 0), *(is_live(8 + 8 * slot, slot) for slot in range(3))]

    assert live(0) == live(15) == [True, True, True, True]  # no index, and index 0: all count as live
    assert live(20) == [True, True, False, True]
    assert live(40) == [True, False, True, False]


def test_stack_maps() -> None:
    data = struct.pack("<ii", 3, 10) + bytes([0b1, 0b10, 0xFF, 0b11, 0, 0])
    tabs, func = tabs_of(data, ("locals_pointer_maps",))
    found = tabs.stack_map(func, "locals_pointer_maps")
    assert found is not None and found.bits == 10
    assert [[i for i, bit in enumerate(bitmap) if bit] for bitmap in found.bitmaps] == [[0, 9], list(range(10)), []]
    assert tabs.stack_map(func, "args_pointer_maps") is None


@pytest.mark.parametrize(("count", "bits"), [(-1, 8), (8, -1), (1 << 30, 8), (8, 1 << 30), (1 << 19, 1 << 19)])
def test_stack_maps_of_absurd_size(count: int, bits: int) -> None:
    tabs, func = tabs_of(struct.pack("<ii", count, bits), ("args_pointer_maps",))
    with pytest.raises(GoxrayError):
        tabs.stack_map(func, "args_pointer_maps")


def test_stack_objects() -> None:
    rows = [(-24, 16, 8), (8, 40, 40)]
    data = struct.pack("<Q", len(rows)) + b"".join(struct.pack("<iiii", *row, 99) for row in rows)
    tabs, func = tabs_of(data, ("stack_objects",))
    assert tabs.stack_objects(func) == [StackObject(*row) for row in rows]
    tabs, func = tabs_of(struct.pack("<Q", 1 << 40), ("stack_objects",))
    with pytest.raises(FormatError):
        tabs.stack_objects(func)


def test_unsafe_points_have_names() -> None:
    tabs, _ = tabs_of(b"")
    assert [tabs.unsafe_name(value) for value in (-1, -2, -77)] == ["", "unsafe", "value -77"]


@pytest.mark.parametrize("seed", range(8))
def test_noise_raises_nothing_but_goxray_errors(seed: int) -> None:
    chooser = random.Random(seed)
    for _ in range(40):
        funcdata = bytes(chooser.choices((0, 1, 2, 8, 0x7F, 0xFB, 0xFE, 0xFF), k=64 * len(FUNCDATA)))
        indexes: Runs = ((32, chooser.choice((0, 1, 1 << 20))), (32, chooser.choice((-1, 5, 1 << 30))))
        tabs, func = tabs_of(funcdata, FUNCDATA, dict.fromkeys(PCDATA, indexes))
        for ask in _asks(tabs, func):
            try:
                ask()
            except GoxrayError:
                continue


def _asks(tabs: FuncTabs, func: Func) -> List[Callable[[], object]]:
    return [
        lambda: tabs.inlined_at(func, func.entry + 40),
        lambda: tabs.arg_slots(func),
        lambda: tabs.live_slots(func, func.entry)(9, 3),
        lambda: tabs.live_slots(func, func.entry + 40)(255, 300),
        lambda: tabs.stack_map(func, "args_pointer_maps"),
        lambda: tabs.stack_map(func, "locals_pointer_maps"),
        lambda: tabs.stack_objects(func),
    ]
