"""The first instructions of functions, from machine code written by hand; capstone only reads it."""

from __future__ import annotations

from typing import List

import pytest

from shared_core.arch import AMD64, ARM64
from shared_core.arch.entry import EntryCode, read_entry
from shared_core.arch.slots import SlotAccess, effect

ENTRY, MORESTACK = 0x401000, 0x402000
CHECK = bytes.fromhex("493b6610")  # cmp rsp, [r14+0x10]
FRAME = bytes.fromhex("55 4889e5 4883ec10")  # push rbp; mov rbp, rsp; sub rsp, 0x10
SPILL = bytes.fromhex("4889442408 885c2410 f20f114c2418")  # [rsp+8] rax, [rsp+0x10] bl, [rsp+0x18] xmm1
UNSPILL = bytes.fromhex("488b442408 0fb65c2410 f20f104c2418")


def function(body: bytes, spill: bytes, unspill: bytes, back: int = ENTRY, pad: bytes = b"") -> EntryCode:
    """Check, jbe over the body, body, ret, then: spill, call morestack, unspill, jmp back."""
    code = CHECK + b"\x76" + bytes([len(body) + 1]) + body + b"\xc3" + spill
    at = ENTRY + len(code) + 5
    code += b"\xe8" + (MORESTACK - at).to_bytes(4, "little", signed=True) + unspill + pad
    at = ENTRY + len(code) + 5
    code += b"\xe9" + (back - at).to_bytes(4, "little", signed=True)
    return read_entry(AMD64, code, ENTRY, lambda target: target == MORESTACK)


def test_spills_prove_the_slots() -> None:
    expected = (SlotAccess("rax", 8, 8), SlotAccess("rbx", 16, 1), SlotAccess("xmm1", 24, 8))
    assert function(FRAME, SPILL, UNSPILL).spills == expected
    assert function(FRAME, SPILL, UNSPILL, pad=b"\x66\x90").spills == expected  # xchg ax, ax


@pytest.mark.parametrize(
    "spill,unspill,back",
    [
        (SPILL, UNSPILL[:-6], ENTRY),  # one is not loaded again
        (SPILL[:5], bytes.fromhex("488b5c2408"), ENTRY),  # loaded into another register
        (SPILL, UNSPILL, ENTRY + 4),  # does not start over
        (bytes.fromhex("4889542408"), bytes.fromhex("488b542408"), ENTRY),  # rdx holds no argument
    ],
)
def test_other_stores_prove_nothing(spill: bytes, unspill: bytes, back: int) -> None:
    assert function(FRAME, spill, unspill, back).spills == ()


def intact(code: EntryCode, *registers: str) -> List[List[str]]:
    """Which of `registers` are intact before each instruction."""
    return [[name for name in registers if name in step.intact] for step in code.run]


def test_a_register_is_intact_until_it_is_written() -> None:
    body = bytes.fromhex(
        "4889442420 488d4301 4889d8 4889442420"
    )  # [rsp+0x20] rax; lea rax, [rbx+1]; mov rax, rbx; again
    code = function(body, b"", b"")
    assert intact(code, "rax", "rbx") == [["rax", "rbx"]] * 4 + [["rbx"]] * 3
    assert [store.slot for store in code.run[-1].stores] == [SlotAccess("rax", 0x20, 8)]


def test_nothing_is_known_behind_a_call_a_label_or_a_jump_table() -> None:
    call = bytes.fromhex("e800000000 90")
    assert len(function(call, b"", b"").run) == 3
    loop = bytes.fromhex("90 90 ebfd")  # nop; nop; jmp to the second nop
    assert [step.pc - ENTRY for step in function(loop, b"", b"").run] == [0, 4, 6]
    table = bytes.fromhex("90 ffe2")  # nop; jmp rdx
    assert [step.pc for step in function(table, b"", b"").run] == [ENTRY]
    assert read_entry(AMD64, b"", ENTRY, bool).run == ()


def test_what_is_no_code_ends_it() -> None:
    assert len(read_entry(AMD64, b"\x06\x06\x90", ENTRY, bool).run) == 1
    assert len(read_entry(ARM64, b"\xff\xff\xff\xff" * 4, ENTRY, bool).run) == 1


def test_arm64_pairs_and_narrow_stores() -> None:
    assert effect(ARM64, "stp", "x0, x1, [sp, #8]").stores == (SlotAccess("x0", 8, 8), SlotAccess("x1", 16, 8))
    assert effect(ARM64, "ldp", "s0, s1, [sp, #8]").loads == (SlotAccess("d0", 8, 4), SlotAccess("d1", 12, 4))
    assert effect(ARM64, "strb", "w3, [sp, #9]").stores == (SlotAccess("x3", 9, 1),)
    assert effect(ARM64, "ldrsw", "x2, [sp]").loads == (SlotAccess("x2", 0, 4),)
    # These move sp.
    assert effect(ARM64, "str", "x30, [sp, #-0x20]!").stores == effect(ARM64, "ldr", "x3, [sp], #16").loads == ()
    assert effect(ARM64, "bl", "#0x1000").writes is None and effect(ARM64, "cbz", "x0, #0x1000").target == 0x1000
    assert effect(ARM64, "mov", "w3, w4").writes == {"x3"} and effect(ARM64, "cmp", "x3, x4").writes == set()
