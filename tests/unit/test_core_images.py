"""What a core holds, and where the executable was loaded when its notes do not tell."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

import pytest

from shared_core.binary.elf import ElfImage
from shared_core.binary.loadbias import AT_ENTRY, AT_PHDR
from shared_core.errors import ReadError
from shared_core.target import Image, Mapping, in_order
from shared_core.targets.corenotes import CoreNotes
from shared_core.targets.held import held_ranges, left_out, remarks_on
from shared_core.targets.images import AT_SYSINFO_EHDR, Read, main_images, opened, recorded_path
from tests.support.elf import PAGE, R, W, X, elf

TOP = 1 << 64
BASE, VDSO = 0x5555_0000_0000, 0x7FFF_0000_0000
PROGRAM = elf([(0, R | X, bytes(2 * PAGE)), (2 * PAGE, R | W, bytes(PAGE))], pie=True)
MAPPINGS = [Mapping(BASE, BASE + 2 * PAGE, "r-xp", "/bin/prog"), Mapping(VDSO, VDSO + PAGE, "r-xp")]


def test_what_a_core_holds() -> None:
    data = elf([(0x1000, R, b"a" * PAGE), (0x4000, R | W, b"b" * 2 * PAGE)])
    core = ElfImage(data, None)
    assert held_ranges(core) == [(0x1000, 0x2000), (0x4000, 0x6000)] and remarks_on(core) == []
    cut = ElfImage(data[: PAGE + 0x800], None)
    assert held_ranges(cut) == [(0x1000, 0x2000), (0x4000, 0x4800)]
    assert remarks_on(cut) == [f"the core file is cut off: {2 * PAGE - 0x800} of its bytes are missing at the end"]


def test_what_it_leaves_out() -> None:
    assert left_out([(0x4000, 0x6000), (0x1000, 0x2000)]) == [(0, 0x1000), (0x2000, 0x4000), (0x6000, TOP)]
    assert left_out([(0, 0x3000), (0x1000, 0x2000), (0x2000, 0x4000)]) == [(0x4000, TOP)]
    assert left_out([]) == [(0, TOP)] and left_out([(0, TOP)]) == []


def test_mappings_in_order() -> None:
    low, wide, over = Mapping(0, 8), Mapping(8, 32), Mapping(8, 16)
    assert in_order([over, wide, low, Mapping(5, 5)]) == [low, wide]


def test_files_beside_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of which the core has no segment; never one that would hide what was dumped."""
    notes = CoreNotes(ElfImage(PROGRAM, None))
    notes.files = [Mapping(0x1000, 0x5000, "", "/a"), Mapping(0x8000, 0x9000, "", "/b")]
    notes._starts = [0x1000, 0x8000]
    dumped = [Mapping(0x1000, 0x2000, "r--p"), Mapping(0x2000, 0x5000, "r-xp")]
    assert notes.with_files(dumped) == [
        Mapping(0x1000, 0x2000, "r--p", "/a"), Mapping(0x2000, 0x5000, "r-xp", "/a", 0x1000), notes.files[1]
    ]  # fmt: skip


def reader(held: Dict[int, bytes]) -> Read:
    def read(address: int, size: int) -> bytes:
        for start, data in held.items():
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise ReadError(address, size)

    return read


MEMORY = reader({BASE: PROGRAM[:PAGE], VDSO: elf([(0, R | X, bytes(PAGE))], pie=True)})
NOTHING = reader({})
AUXV = {AT_PHDR: BASE + 64, AT_ENTRY: BASE + 0x1000, AT_SYSINFO_EHDR: VDSO}


def test_the_auxiliary_vector_tells() -> None:
    image = ElfImage(PROGRAM, None)
    for read in (MEMORY, NOTHING):
        assert main_images("p", image, AUXV, MAPPINGS, read) == [Image("p", BASE, None, BASE)]
        assert main_images(None, None, AUXV, MAPPINGS, read) == [Image(None, BASE, None, BASE)]


def test_the_program_headers_in_memory_tell() -> None:
    image = ElfImage(PROGRAM, None)
    noise = {AT_PHDR: 0x1234_5678_9ABC, AT_ENTRY: 7}
    for auxv in ({}, noise):
        assert main_images("p", image, auxv, MAPPINGS, MEMORY) == [Image("p", BASE, None, BASE)]
    # Without a file either, it may be any ELF image; the vdso only where nobody tells that it is one.
    assert [each.start for each in main_images(None, None, {}, MAPPINGS, MEMORY)] == [BASE, VDSO]
    assert [each.start for each in main_images(None, None, {AT_SYSINFO_EHDR: VDSO}, MAPPINGS, MEMORY)] == [BASE]


def test_the_name_tells_or_the_debugger() -> None:
    image = ElfImage(PROGRAM, None)
    assert main_images("/bin/prog", image, {}, MAPPINGS, NOTHING)[0].load_bias == BASE
    assert main_images("/other", image, {}, MAPPINGS, NOTHING, lambda: 0x9000)[0].load_bias == 0x9000
    assert main_images("/other", image, {}, MAPPINGS, NOTHING)[0].load_bias == 0
    assert main_images(None, None, {}, [], NOTHING) == []


def test_where_it_was_run() -> None:
    library = Mapping(0x1000, 0x2000, "r-xp", "/lib/a.so")
    assert recorded_path(AUXV, [library, *MAPPINGS]) == "/bin/prog"
    assert recorded_path({}, [library, *MAPPINGS]) == "/lib/a.so"  # the first file; it is checked like any other
    assert recorded_path({AT_PHDR: 0x5000}, [library]) is None


def test_what_is_no_executable(tmp_path: Path) -> None:
    core = bytearray(PROGRAM)
    core[16:18] = (4).to_bytes(2, "little")
    for content in (b"", b"\x1f\x8b", PROGRAM[:32], bytes(core)):
        (tmp_path / "file").write_bytes(content)
        assert opened(str(tmp_path / "file")) is None
    assert opened(str(tmp_path)) is None and opened(None) is None and opened("target:/bin/prog") is None
