"""What every Target must do. Plain functions with asserts and no pytest, since they also run inside debuggers."""

from __future__ import annotations

import traceback
from typing import Callable, Iterator, List, Tuple

from shared_core.errors import ReadError
from shared_core.target import CORE, FILE, LIVE, Mapping, Target, Thread

REGISTERS = {
    "amd64": {"rip", "rsp", "rbp", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", *(f"r{i}" for i in range(8, 16))},
    "arm64": {"pc", "sp", *(f"x{i}" for i in range(31))},
}
_PC = {"amd64": "rip", "arm64": "pc"}
_SP = {"amd64": "rsp", "arm64": "sp"}


def says_what_it_is(target: Target) -> None:
    assert target.arch in REGISTERS
    assert target.pointer_size == 8
    assert target.byte_order == "little"
    assert target.kind in (CORE, LIVE, FILE)


def reads_what_is_asked_for(target: Target) -> None:
    for start in _readable(target):
        whole = target.read(start, 256)
        assert type(whole) is bytes and len(whole) == 256
        assert target.read(start + 8, 16) == whole[8:24]
        assert b"".join(target.read(start + i, 1) for i in range(32)) == whole[:32]


def reads_nothing_when_asked_for_nothing(target: Target) -> None:
    assert target.read(0, 0) == b""


def refuses_what_is_not_mapped(target: Target) -> None:
    if target.kind != FILE or all(mapping.start for mapping in target.mappings()):
        _refuses(target, 0, 8)  # a position-independent file is linked to 0
    for end in _ends(target):
        _refuses(target, end, 1)
        _refuses(target, end - 8, 16)


def refuses_what_the_core_left_out(target: Target) -> None:
    """Reserved address space, such as the rest of a Go arena: mapped without any right, and in no file."""
    for mapping in target.mappings():
        if target.kind == CORE and mapping.flags == "---p" and mapping.path is None:
            _refuses(target, mapping.start, 8)
            _refuses(target, mapping.end - 8, 8)


def refuses_ranges_that_do_not_exist(target: Target) -> None:
    for address, size in ((-8, 8), (-1, 1), (0x1000, -1), ((1 << 64) - 4, 8), (1 << 64, 8), (0x1000, 1 << 64)):
        _refuses(target, address, size)


def orders_its_mappings(target: Target) -> None:
    mappings = target.mappings()
    for mapping in mappings:
        assert 0 <= mapping.start < mapping.end <= 1 << 64
        assert mapping.offset >= 0
        assert len(mapping.flags) in (0, 4) and mapping.flags.strip("rwxps-") == ""
    for one, next_one in zip(mappings, mappings[1:]):
        assert one.end <= next_one.start


def knows_its_images(target: Target) -> None:
    images = target.images()
    assert images
    for image in images:
        assert image.build_id is None or int(image.build_id, 16) >= 0
        if image.path is None:
            assert target.read(image.load_bias, 4) == b"\x7fELF"
            continue
        with open(image.path, "rb") as stream:
            assert stream.read(4) == b"\x7fELF"
        if target.kind != FILE and _has_paths(target):
            assert any(m.start <= image.load_bias + _first_address(image.path) < m.end for m in target.mappings())


def names_its_threads(target: Target) -> None:
    threads = target.threads()
    assert bool(threads) == (target.kind != FILE)
    assert len({thread.tid for thread in threads}) == len(threads)
    assert all(thread.tid > 0 for thread in threads)
    assert sum(thread.selected for thread in threads) == bool(threads)
    for thread in threads:
        assert thread.signal is None or thread.signal.startswith("SIG")


def gives_registers(target: Target) -> None:
    for thread in target.threads():
        assert set(thread.registers) >= REGISTERS[target.arch]
        assert all(value is None or 0 <= value < 1 << 64 for value in thread.registers.values())
        assert len(target.read(_register(thread, _SP[target.arch]), 64)) == 64
        _is_code(target, _register(thread, _PC[target.arch]))


def answers_alike_when_nothing_moved(target: Target) -> None:
    assert target.mappings() == target.mappings()
    assert target.images() == target.images()
    assert target.threads() == target.threads()


CHECKS: List[Callable[[Target], None]] = [
    says_what_it_is,
    reads_what_is_asked_for,
    reads_nothing_when_asked_for_nothing,
    refuses_what_is_not_mapped,
    refuses_what_the_core_left_out,
    refuses_ranges_that_do_not_exist,
    orders_its_mappings,
    knows_its_images,
    names_its_threads,
    gives_registers,
    answers_alike_when_nothing_moved,
]


def run(target: Target) -> Iterator[Tuple[str, str]]:
    """(check, "" or why it failed) for all of them: for places without pytest."""
    for check in CHECKS:
        try:
            check(target)
            yield check.__name__, ""
        except Exception:
            yield check.__name__, traceback.format_exc()


def _refuses(target: Target, address: int, size: int) -> None:
    try:
        target.read(address, size)
    except ReadError as error:
        assert (error.address, error.size) == (address, size)
    else:
        raise AssertionError(f"read {size} bytes at {address:#x}")


def _readable(target: Target) -> List[int]:
    """Places with at least 256 bytes to be read: stacks, and the text of a file."""
    if target.kind != FILE:
        # qemu's gdb server lets the other threads run on while one is stopped: their stacks change between two reads.
        still = [thread for thread in target.threads() if target.kind == CORE or thread.selected]
        return [_register(thread, _SP[target.arch]) for thread in still]
    return [mapping.start for mapping in target.mappings() if "x" in mapping.flags and _size(mapping) >= 256]


def _ends(target: Target) -> List[int]:
    """Ends of readable mappings with nothing mapped, readable or not, in the page after them."""
    mappings = target.mappings()
    starts = [mapping.start for mapping in mappings]
    ends = [m.end for m in mappings if m.flags.startswith("rw") and _size(m) >= 16]
    return [end for end in ends if not any(end <= start < end + 4096 for start in starts)]


def _size(mapping: Mapping) -> int:
    return mapping.end - mapping.start


def _has_paths(target: Target) -> bool:
    return any(mapping.path for mapping in target.mappings())


def _first_address(path: str) -> int:
    """The linked address of the first PT_LOAD segment."""
    from elftools.elf.elffile import ELFFile

    with open(path, "rb") as stream:
        loads = [s for s in ELFFile(stream).iter_segments() if s["p_type"] == "PT_LOAD"]
        return min(int(segment["p_vaddr"]) for segment in loads)


def _register(thread: Thread, name: str) -> int:
    value = thread.registers[name]
    assert value is not None, f"thread {thread.tid} has no {name}"
    return value


def _is_code(target: Target, pc: int) -> None:
    holding = [m for m in target.mappings() if m.start <= pc < m.end]
    assert all("x" in m.flags for m in holding if m.flags)
    assert holding or not target.mappings()
