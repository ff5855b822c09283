"""Call frame information against pyelftools' reading of the same .eh_frame, and against made-up entries."""

from __future__ import annotations

import random
from typing import Dict, Tuple

import pytest
from elftools.dwarf.callframe import FDE
from elftools.elf.elffile import ELFFile

from shared_core.binary.cfi import PT_GNU_EH_FRAME, CallFrames
from shared_core.binary.cfirows import OFFSET, SAME, Row, Rules, run
from shared_core.binary.dwarfexpr import evaluate
from shared_core.binary.elf import ElfImage
from shared_core.errors import FormatError, ReadError
from tests.support.toolchains import ARM64_LIBC

LIBRARIES = ["/lib/x86_64-linux-gnu/libc.so.6", f"{ARM64_LIBC}/lib/libc.so.6"]
SAMPLE = 300


def frames_of(path: str) -> CallFrames:
    image = ElfImage.open(path)
    return CallFrames(
        lambda address, size: bytes(image.bytes(address, size)), next(image.header_addresses(PT_GNU_EH_FRAME))
    )


@pytest.mark.parametrize("path", LIBRARIES)
def test_rows_are_those_that_pyelftools_decodes(path: str) -> None:
    """At the first and the last pc of every row of a sample of functions."""
    frames, chooser, checked = frames_of(path), random.Random(1), 0
    with open(path, "rb") as stream:
        entries = [e for e in ELFFile(stream).get_dwarf_info().EH_CFI_entries() if isinstance(e, FDE)]
        for entry in chooser.sample(entries, SAMPLE):
            start = entry["initial_location"]
            table = entry.get_decoded().table
            ends = [row["pc"] for row in table[1:]] + [start + entry["address_range"]]
            for expected, end in zip(table, ends):
                if expected["pc"] < end:
                    for pc in (expected["pc"], end - 1):
                        assert plain(frames.row(pc)) == decoded(expected)
                        checked += 1
    assert checked > 2 * SAMPLE


def plain(row: Row) -> Tuple[object, Dict[int, int]]:
    offsets = {r: v for r, (kind, v) in row.rules.registers.items() if kind == OFFSET and isinstance(v, int)}
    return row.rules.cfa, offsets


def decoded(row: Dict[object, object]) -> Tuple[object, Dict[int, int]]:
    cfa = row["cfa"]
    rules = {key: rule for key, rule in row.items() if isinstance(key, int)}
    offsets = {key: rule.arg for key, rule in rules.items() if rule.type == "OFFSET"}  # type: ignore[attr-defined]
    if cfa.expr is not None:  # type: ignore[attr-defined]
        return bytes(cfa.expr), offsets  # type: ignore[attr-defined]
    return (cfa.reg, cfa.offset), offsets  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", LIBRARIES)
def test_pcs_outside_every_function_have_no_rules(path: str) -> None:
    frames = frames_of(path)
    for pc in (0, 1, 1 << 40, (1 << 64) - 1):
        with pytest.raises(FormatError):
            frames.row(pc)


@pytest.mark.parametrize("seed", range(50))
def test_damaged_tables_raise_nothing_else(seed: int) -> None:
    image = ElfImage.open(LIBRARIES[0])
    header = next(image.header_addresses(PT_GNU_EH_FRAME))
    chooser = random.Random(seed)

    def read(address: int, size: int) -> bytes:
        data = bytearray(image.bytes(address, size))
        for _ in range(chooser.randrange(3)):
            data[chooser.randrange(size)] = chooser.randrange(256)
        return bytes(data)

    for _ in range(100):
        try:
            CallFrames(read, header).row(image.entry + chooser.randrange(1 << 20))
        except (FormatError, ReadError):
            continue


NONSENSE = [
    bytes([0x0B]),
    bytes([0x0A] * 1000),
    bytes([0x3F]),
    bytes([0x0E]),
    bytes([0x05, *[0x80] * 20]),
    bytes(20000),
]


@pytest.mark.parametrize("program", NONSENSE)
def test_programs_that_make_no_sense(program: bytes) -> None:
    with pytest.raises(FormatError):
        run(program, 1, -8, None, 0, 100, Rules())


def test_state_is_remembered_and_restored() -> None:
    first = Rules()
    first.registers[3] = (SAME, 0)
    # def_cfa r7+16; offset r3 at cfa-16; remember; advance 4; offset r6; restore r3; advance 4; recall
    program = bytes([0x0C, 7, 16, 0x83, 2, 0x0A, 0x44, 0x86, 3, 0xC3, 0x44, 0x0B])
    rows = [run(program, 1, -8, first, 0, pc, Rules()).registers for pc in (0, 4, 8)]
    assert rows == [{3: (OFFSET, -16)}, {3: (SAME, 0), 6: (OFFSET, -24)}, {3: (OFFSET, -16)}]


EXPRESSIONS = [
    # DW_OP_breg7+8, breg16+0, lit15, and, lit11, ge, lit3, shl, plus: the CFA in every PLT of amd64
    (bytes([0x77, 8, 0x80, 0, 0x3F, 0x1A, 0x3B, 0x2A, 0x33, 0x24, 0x22]), 0x1000 + 8 + 8),
    (bytes([0x77, 0x08, 0x06]), 0x1009),  # what is at breg7+8
    (bytes([0x0A, 0x34, 0x12, 0x23, 0x01]), 0x1235),
    (bytes([0x09, 0xFF]), (1 << 64) - 1),
]


@pytest.mark.parametrize(("expression", "value"), EXPRESSIONS)
def test_expressions(expression: bytes, value: int) -> None:
    assert evaluate(expression, {7: 0x1000, 16: 0x40100B}, lambda address: address + 1) == value


@pytest.mark.parametrize("expression", [b"", b"\x22", b"\x75\x00", b"\xff", b"\x0a\x01", b"\x12" * 5, b"\x30" * 100])
def test_expressions_that_make_no_sense(expression: bytes) -> None:
    with pytest.raises(FormatError):
        evaluate(expression, {7: 0x1000}, lambda address: 0)
