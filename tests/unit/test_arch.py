"""arch: what the registers are called, and which data addresses hand-assembled code names."""

from __future__ import annotations

import struct

import pytest

from shared_core.arch import get_arch
from shared_core.arch.model import ADDRESS, LOAD, STORE, Ref
from shared_core.arch.refs import data_refs, distinct_targets
from shared_core.errors import GoxrayError

AMD64 = get_arch("amd64")
ARM64 = get_arch("arm64")


def _code(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


def _adrp(register: int, pages: int) -> int:
    return 0x90000000 | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5 | register


def _add(to: int, base: int, value: int) -> int:
    return 0x91000000 | value << 10 | base << 5 | to


def _ldr(to: int, base: int, offset: int) -> int:
    return 0xF9400000 | offset // 8 << 10 | base << 5 | to


def _str(value: int, base: int, offset: int) -> int:
    return 0xF9000000 | offset // 8 << 10 | base << 5 | value


def test_unknown_architecture_is_named() -> None:
    with pytest.raises(GoxrayError, match="riscv64"):
        get_arch("riscv64")


def test_conventions() -> None:
    assert (AMD64.pc_quantum, AMD64.min_frame_size, AMD64.uses_lr, AMD64.g) == (1, 0, False, "r14")
    assert (ARM64.pc_quantum, ARM64.min_frame_size, ARM64.uses_lr, ARM64.g) == (4, 8, True, "x28")
    assert len(AMD64.int_args) == 9 and len(ARM64.int_args) == 16
    assert "lr" not in AMD64.roles() and ARM64.roles()["lr"] == "x30"


@pytest.mark.parametrize(
    ("code", "ref"),
    [
        ("488b0500010000", Ref(0x1000, 0x1107, LOAD, 8)),  # mov rax, [rip+0x100]
        ("48890500010000", Ref(0x1000, 0x1107, STORE, 8)),  # mov [rip+0x100], rax
        ("488d0500ffffff", Ref(0x1000, 0xF07, ADDRESS, 0)),  # lea rax, [rip-0x100]
        ("833d0001000001", Ref(0x1000, 0x1107, LOAD, 4)),  # cmp dword [rip+0x100], 1
        ("f0480fb10d00010000", Ref(0x1000, 0x1109, STORE, 8)),  # lock cmpxchg [rip+0x100], rcx
        ("f0ff0500010000", Ref(0x1000, 0x1107, STORE, 4)),  # lock inc dword [rip+0x100]
        ("870500010000", Ref(0x1000, 0x1106, STORE, 4)),  # xchg [rip+0x100], eax
        ("0fb60500010000", Ref(0x1000, 0x1107, LOAD, 1)),  # movzx eax, byte [rip+0x100]
        ("0f100500010000", Ref(0x1000, 0x1107, LOAD, 16)),  # movups xmm0, [rip+0x100]
        ("488b0425785634 12".replace(" ", ""), Ref(0x1000, 0x12345678, LOAD, 8)),  # mov rax, [0x12345678]
    ],
)
def test_amd64_reference(code: str, ref: Ref) -> None:
    assert data_refs(AMD64, bytes.fromhex(code), 0x1000) == [ref]


def test_amd64_leaves_thread_local_and_stack_accesses_out() -> None:
    thread_local = bytes.fromhex("64488b0425f8ffffff")  # mov rax, fs:[-8]
    stack = bytes.fromhex("488b442408")  # mov rax, [rsp+8]
    assert data_refs(AMD64, thread_local + stack, 0x1000) == []


def test_amd64_goes_on_after_bytes_that_are_no_instruction() -> None:
    refs = data_refs(AMD64, b"\x06\x06" + bytes.fromhex("488b0500010000"), 0x1000)
    assert [r.target for r in refs] == [0x1109]


def test_a_truncated_instruction_gives_nothing() -> None:
    assert data_refs(AMD64, bytes.fromhex("488b0500"), 0x1000) == []
    assert data_refs(ARM64, b"\x00\x00", 0x1000) == []


def test_references_into_the_code_itself_are_left_out() -> None:
    assert data_refs(AMD64, bytes.fromhex("488d0500000000") + b"\x90", 0x1000) == []  # lea rax, [rip]


def test_arm64_page_and_offset() -> None:
    code = _code(_adrp(27, 2), _ldr(0, 27, 0x18), _adrp(27, 3), _str(1, 27, 0x20), _adrp(1, 4), _add(1, 1, 0x40))
    assert data_refs(ARM64, code, 0x10000) == [
        Ref(0x10004, 0x12018, LOAD, 8),
        Ref(0x1000C, 0x13020, STORE, 8),
        Ref(0x10014, 0x14040, ADDRESS, 0),
    ]


def test_arm64_negative_page() -> None:
    assert [r.target for r in data_refs(ARM64, _code(_adrp(2, -1), _ldr(0, 2, 8)), 0x10000)] == [0xF008]


def test_arm64_address_register_used_with_further_offsets() -> None:
    stlr = 0xC89FFC20  # stlr x0, [x1]
    ldar = 0x88DFFC22  # ldar w2, [x1]
    ldp = 0xA9410C20  # ldp x0, x3, [x1, #16]
    refs = data_refs(ARM64, _code(_adrp(1, 1), _add(1, 1, 0x100), stlr, ldar, ldp), 0x10000)
    assert [(r.target, r.kind, r.size) for r in refs] == [
        (0x11100, ADDRESS, 0),
        (0x11100, STORE, 8),
        (0x11100, LOAD, 4),
        (0x11110, LOAD, 16),
    ]
    assert distinct_targets(refs) == [0x11100, 0x11110]


def test_arm64_copy_keeps_and_overwriting_ends_an_address() -> None:
    mov_x2_x1 = 0xAA0103E2
    mov_x1_x9 = 0xAA0903E1
    code = _code(_adrp(1, 1), mov_x2_x1, mov_x1_x9, _ldr(0, 1, 8), _ldr(0, 2, 16))
    assert [r.target for r in data_refs(ARM64, code, 0x10000)] == [0x11010]


def test_arm64_load_over_its_own_base_ends_it() -> None:
    code = _code(_adrp(1, 1), _ldr(1, 1, 8), _ldr(0, 1, 16))
    assert [r.target for r in data_refs(ARM64, code, 0x10000)] == [0x11008]


def test_arm64_32_bit_write_ends_the_64_bit_register() -> None:
    movz_w1 = 0x52800021
    assert data_refs(ARM64, _code(_adrp(1, 1), movz_w1, _ldr(0, 1, 8)), 0x10000) == []


def test_arm64_call_ends_all_registers() -> None:
    bl = 0x94000004
    assert data_refs(ARM64, _code(_adrp(1, 1), bl, _ldr(0, 1, 8)), 0x10000) == []


def test_arm64_conditional_branch_keeps_them() -> None:
    b_eq, cbz = 0x54000040, 0xB4000049
    code = _code(_adrp(1, 1), b_eq, cbz, _ldr(0, 1, 8))
    assert [r.target for r in data_refs(ARM64, code, 0x10000)] == [0x11008]


def test_arm64_exclusive_pair() -> None:
    ldxr, stxr = 0xC85F7C22, 0xC8037C22  # ldxr x2, [x1]; stxr w3, x2, [x1]
    refs = data_refs(ARM64, _code(_adrp(1, 1), _add(1, 1, 8), ldxr, stxr), 0x10000)
    assert [(r.target, r.kind) for r in refs] == [(0x11008, ADDRESS), (0x11008, LOAD), (0x11008, STORE)]


def test_arm64_write_back_moves_the_register() -> None:
    post = 0xF8408420  # ldr x0, [x1], #8
    refs = data_refs(ARM64, _code(_adrp(1, 1), post, _ldr(2, 1, 0)), 0x10000)
    assert [r.target for r in refs] == [0x11000, 0x11008]


def test_arm64_adr() -> None:
    refs = data_refs(ARM64, _code(0x10000801), 0x10000)  # adr x1, #0x100
    assert refs == [Ref(0x10000, 0x10100, ADDRESS, 0)]
