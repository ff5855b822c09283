"""What gdb prints about an address space, and what becomes of it. Runs without gdb: the parsers need none."""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any, Iterator

import pytest

from shared_core.target import Mapping
from shared_core.targets import procfs

CORE = """\
Exec file: `/x/prog', file type elf64-x86-64.
 [0]      0x00400f78->0x00400fdc at 0x00000f78: .note.go.buildid ALLOC LOAD READONLY DATA HAS_CONTENTS
 [1]      0x00401000->0x00402000 at 0x00001000: .text ALLOC LOAD READONLY CODE HAS_CONTENTS
 [2]      0x00500000->0x00501000 at 0x00000000: .bss ALLOC
Core file: `/x/core', file type elf64-x86-64.
 [0]      0x00000000->0x0000edb4 at 0x00000820: note0 READONLY HAS_CONTENTS
 [1]      0x00400000->0x00401000 at 0x00001000: load1a ALLOC LOAD READONLY CODE HAS_CONTENTS
 [2]      0x00401000->0x00403000 at 0x00002000: load1b ALLOC READONLY CODE
 [3]      0x00500000->0x00501000 at 0x00002000: load2 ALLOC LOAD HAS_CONTENTS
 [4]      0xc000000000->0xc000400000 at 0x00003000: load3 ALLOC READONLY
"""
NAMED = """\
Mapped address spaces:

          Start Addr           End Addr       Size     Offset objfile
            0x400000           0x402800     0x2800     0x1000 /x/some where/prog (deleted)
"""
LIVE = """\
process 11320
Mapped address spaces:

          Start Addr           End Addr       Size     Offset  Perms  objfile
      0x3770e0000000     0x3770e3400000  0x3400000        0x0  ---p
      0x56232e47b000     0x56232e516000    0x9b000        0x0  r-xp   /tmp/gx/pie
warning: unable to open /proc file '/proc/1/maps'
"""
MAPS = """\
00400000-00401000 r-xp 00001000 fe:01 1234                               /x/some where/prog
7ffd0000-7ffe0000 rw-p 00000000 00:00 0                          [stack]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0
"""


@pytest.fixture
def mappings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, over a gdb that has nothing."""
    stub = types.ModuleType("gdb")
    stub.error = RuntimeError  # type: ignore[attr-defined]
    for name in [name for name in sys.modules if name.split(".")[0] == "gdb_go_ext"]:
        monkeypatch.delitem(sys.modules, name)
    importlib.import_module("gdb_go_ext")
    monkeypatch.setitem(sys.modules, "gdb", stub)
    yield importlib.import_module("gdb_go_ext.mappings")
    for name in [name for name in sys.modules if name.startswith("gdb_go_ext")]:
        monkeypatch.delitem(sys.modules, name)


def test_proc_maps(mappings: Any) -> None:
    assert procfs.parse_maps(MAPS) == [
        Mapping(0x400000, 0x401000, "r-xp", "/x/some where/prog", 0x1000),
        Mapping(0x7FFD0000, 0x7FFE0000, "rw-p", "[stack]"),
        Mapping(0xFFFFFFFFFF600000, 0xFFFFFFFFFF601000, "--xp"),
    ]


def test_info_proc_mappings(mappings: Any) -> None:
    assert mappings.parse_proc_mappings(LIVE) == [
        Mapping(0x3770E0000000, 0x3770E3400000, "---p"),
        Mapping(0x56232E47B000, 0x56232E516000, "r-xp", "/tmp/gx/pie"),
    ]
    assert mappings.parse_proc_mappings("No current process: you must name one.") == []


def test_core(mappings: Any) -> None:
    core = mappings.parse_sections(CORE)["Core"]
    named = mappings.parse_proc_mappings(NAMED)
    path = "/x/some where/prog (deleted)"
    assert named == [Mapping(0x400000, 0x402800, "", path, 0x1000)]
    assert mappings.merge_core(core, named) == [
        Mapping(0x400000, 0x401000, "r-xp", path, 0x1000),
        Mapping(0x401000, 0x403000, "r-xp", path, 0x2000),
        Mapping(0x500000, 0x501000, "rw-p"),
        Mapping(0xC000000000, 0xC000400000, "---p"),
    ]


def test_ranges_that_gdb_makes_up(mappings: Any) -> None:
    """Whatever the core does not hold, be it in a file or not; and what is behind the end of one that was cut."""
    core, top = mappings.parse_sections(CORE)["Core"], 1 << 64
    assert mappings.faked_ranges(core, None) == [(0, 0x400000), (0x401000, 0x500000), (0x501000, top)]
    assert mappings.faked_ranges(core, 0x2800) == [(0, 0x400000), (0x401000, 0x500000), (0x500800, top)]
    assert mappings.faked_ranges(core, 0x1000) == [(0, top)]
    assert mappings.faked_ranges([], None) == []  # a gdb that does not tell


def test_file(mappings: Any) -> None:
    executable = mappings.parse_sections(CORE)["Exec"]
    assert mappings.of_file(executable, "/x/prog")[1:] == [
        Mapping(0x401000, 0x402000, "r-xp", "/x/prog", 0x1000),
        Mapping(0x500000, 0x501000, "-w-p"),
    ]
