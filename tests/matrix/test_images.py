"""One program in every shape that its image can come in: each tells the same modules and symbols as the plain file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import pytest

from shared_core.binary.symbols import Symbol, module_symbols
from shared_core.session import Session
from shared_core.target import Image
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.fake import FakeTarget
from tests.support.still import FileTarget, MemoryTarget

FLAGS = (Flags(), Flags(pie=True), Flags(cgo=True), Flags(pie=True, cgo=True))
CASES = [
    (v, a, f) for v, a in matrix.pairs() for f in (FLAGS if matrix.is_full() or v in ("1.27", "1.19") else FLAGS[:2])
]
IDS = [f"{version}-{arch}-{flags.label()}" for version, arch, flags in CASES]
E_SHOFF, E_SHNUM = 40, 60


def _facts(session: Session, bias: int = 0) -> Tuple[List[Tuple[int, ...]], List[Symbol]]:
    """(what each module says of itself, every symbol), addresses as linked."""
    places = ("text", "etext", "minpc", "maxpc")
    modules = [
        (m.address - bias, m.header.address - bias, m.header.functions, *(m.fields[name] - bias for name in places))
        for m in session.modules.all
    ]
    symbols = [s for m in session.modules.all for s in module_symbols(m, session.layout)]
    return modules, [symbol._replace(address=symbol.address - bias) for symbol in symbols]


def _without_section_headers(path: Path, target: Path) -> Path:
    """What packers and some strip tools leave: e_shoff, e_shentsize, e_shnum and e_shstrndx are zero."""
    data = bytearray(path.read_bytes())
    table = struct.unpack_from("<Q", data, E_SHOFF)[0]
    struct.pack_into("<Q", data, E_SHOFF, 0)
    struct.pack_into("<HHH", data, E_SHNUM - 2, 0, 0, 0)
    target.write_bytes(data[:table] if table > len(data) // 2 else data)
    return target


def _with_bytes(path: Path, target: Path, change: Callable[[bytearray], None]) -> Path:
    data = bytearray(path.read_bytes())
    change(data)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize(("version", "arch", "flags"), CASES, ids=IDS)
def test_every_shape_of_an_image_tells_the_same(version: str, arch: str, flags: Flags, tmp_path: Path) -> None:
    built = build("crash", version, arch, flags)
    session = Session(FileTarget(built.exe))
    expected = _facts(session)
    assert len(expected[1]) > 1000
    bare = _without_section_headers(built.exe, tmp_path / "bare")
    memory = MemoryTarget(built.exe)
    shapes = {
        "no section headers": (Session(FileTarget(bare)), 0),
        "in memory, no file": (Session(memory), memory.bias),
        "in memory, no section headers": (Session(MemoryTarget(bare)), memory.bias),
    }
    found = {name: _facts(shape, bias) for name, (shape, bias) in shapes.items()}
    assert {name: facts == expected for name, facts in found.items()} == dict.fromkeys(shapes, True)
    versions = {shape.program.go_version for shape, _ in shapes.values()}
    assert versions == {session.program.go_version} == {f"go{built.toolchain.version}"}


@pytest.mark.parametrize(("version", "arch", "flags"), CASES, ids=IDS)
def test_the_file_tells_what_a_cut_core_does_not_hold(version: str, arch: str, flags: Flags) -> None:
    """Nothing of the program's memory is there, but where it was loaded is known."""
    built = build("crash", version, arch, flags)
    expected = _facts(Session(FileTarget(built.exe)))
    bias = 0x5540_0000_0000 if flags.pie else 0
    session = Session(FakeTarget({}, arch, images=[Image(str(built.exe), bias)]))
    assert session.program.go_version == f"go{built.toolchain.version}"
    assert _facts(session, bias) == expected


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_the_twin_tells_the_same_as_the_stripped_program(version: str, arch: str) -> None:
    built = build("crash", version, arch)
    stripped, twin = (_facts(Session(FileTarget(path)))[1] for path in (built.exe, built.twin))
    assert stripped == twin


@pytest.mark.parametrize(("version", "arch", "flags"), CASES, ids=IDS)
def test_build_settings_are_those_of_the_build(version: str, arch: str, flags: Flags) -> None:
    info = Session(FileTarget(build("crash", version, arch, flags).exe)).program.build_info
    assert info is not None and info.main is not None
    wanted = {"GOARCH": arch, "GOOS": "linux", "CGO_ENABLED": "1" if flags.cgo else "0", "-compiler": "gc"}
    if flags.pie and version != "1.19":  # recorded since Go 1.20
        wanted["-buildmode"] = "pie"
    assert {key: info.settings.get(key) for key in wanted} == wanted
    assert (info.path, info.main.path) == ("example.com/fixture", "example.com/fixture")


def _changes() -> Dict[str, Callable[[bytearray], None]]:
    def magic(data: bytearray) -> None:
        for known in (b"\xf1\xff\xff\xff\0\0", b"\xf0\xff\xff\xff\0\0"):
            at = data.find(known)
            while at >= 0:
                data[at : at + 4] = b"\x12\x34\x56\x78"
                at = data.find(known, at + 1)

    def build_info(data: bytearray) -> None:
        at = data.find(b"\xff Go buildinf:")
        while at >= 0:
            data[at : at + 16] = bytes(16)
            at = data.find(b"\xff Go buildinf:", at + 1)

    return {"another pclntab magic": magic, "no build info": build_info}


@pytest.mark.parametrize("change", _changes())
@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_what_obfuscators_wipe_is_not_needed(version: str, arch: str, change: str, tmp_path: Path) -> None:
    """A changed magic and a wiped build info: the tables are known by their structure, the version by the runtime's own
    string."""
    built = build("crash", version, arch)
    expected = _facts(Session(FileTarget(built.exe)))
    bare = _without_section_headers(built.exe, tmp_path / "bare")
    changed = _with_bytes(bare, tmp_path / "changed", _changes()[change])
    assert changed.read_bytes() != bare.read_bytes()
    for target in (FileTarget(changed), MemoryTarget(changed)):
        session = Session(target)
        assert session.program.go_version == f"go{built.toolchain.version}"
        assert _facts(session) == expected
