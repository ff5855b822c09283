"""Types and data symbols of rebuilt debug files against the unstripped twin, and as gdb and lldb read them."""

from __future__ import annotations

import random
import re
import struct
import subprocess
from collections import Counter
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

from shared_core.binary.moduledata import Module
from shared_core.binary.types import Type, Types
from shared_core.binary.types.parts import slice_of
from shared_core.errors import Absent
from shared_core.session import Session
from shared_core.symfile.abbrevs import SHAPES
from shared_core.symfile.build import debug_file
from shared_core.symfile.data import as_entries, data_symbols
from shared_core.symfile.elfwriter import PROGBITS, Section, elf_file
from shared_core.symfile.encode import Strings
from shared_core.symfile.info import C99, GO
from shared_core.symfile.linknames import LinkNames
from shared_core.symfile.skeleton import program_sections
from shared_core.symfile.types import TypeUnit
from shared_core.targets.core import CoreTarget
from shared_core.targets.file import FileTarget
from tests.matrix.test_plugins import SOURCES, plugin_core
from tests.support import matrix, oracle
from tests.support.build import Flags, build
from tests.support.cores import Core, crash_core
from tests.support.dwarftypes import rebuilt_layouts, struct_layouts
from tests.support.gdb import run_gdb
from tests.support.lldb import run_lldb
from tests.support.symfiles import complaints

ENDS = [(v, "amd64") for v in (matrix.newest(), matrix.oldest())]
IN_LLDB = matrix.pairs() if matrix.is_full() else [*ENDS, (matrix.newest(), "arm64")]
# All kinds of types, which take long to read, and in the other versions those of a small program.
PROGRAMS = [("types" if matrix.is_full() or (v, a) in ENDS else "crash", v, a) for v, a in matrix.pairs()]
# Whose methods are looked at.
PACKAGES = {"main", "os", "sync", "reflect", "fmt", "time", "errors", "io/fs", "syscall", "internal/poll"}
BUILDS = [(v, a, Flags()) for v, a in matrix.pairs()] + matrix.variants()
# Marks of where something begins, which the linker lists with a size; and what it lists without one.
NO_SIZE = re.compile(r"runtime\.(gcdata|gcbss|findfunctab|pclntab)$|go[:.]func\.\*$")
# What is in no descriptor: the numbers of local types, and which types have no hash function.
NO_NAME = re.compile(r"·|noalg\.")
Symbol = Tuple[int, int]  # address, size


def session_of(program: Path) -> Session:
    return Session(FileTarget(str(program)))


def types_of(session: Session) -> Types:
    return Types(session.modules.all, session.memory, session.layout)


@cache
def rebuilt(program: Path, language: int = GO) -> bytes:
    """The debug file of an executable at rest."""
    session = session_of(program)
    return debug_file(session, session.modules.all[0], language)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "rebuilt.debug"
    path.write_bytes(data)
    return path


def types_file(unit: TypeUnit, strings: Strings) -> bytes:
    parts = {".debug_info": unit.data, ".debug_abbrev": SHAPES.data(), ".debug_str": strings.data()}
    return elf_file(1, 62, 0, b"", [Section(name, PROGBITS, data) for name, data in parts.items()])


def unit_of(types: Types, language: int = GO) -> Tuple[TypeUnit, bytes]:
    """The types of a program, and a file with them alone."""
    strings = Strings()
    unit = TypeUnit(strings, LinkNames(), types, types.sections[0].module, language)
    return unit, types_file(unit, strings)


@pytest.mark.parametrize(("program", "version", "arch"), PROGRAMS)
def test_names_sizes_and_offsets(program: str, version: str, arch: str) -> None:
    """Of every type that both know, by its descriptor."""
    twin = build(program, version, arch).twin
    types = types_of(session_of(twin))
    start = types.sections[0].start
    ours = {each.descriptor: each for each in rebuilt_layouts(unit_of(types)[1])}
    names = fields = 0
    for theirs in struct_layouts(twin):
        # Up to Go 1.20 the linker's own uintptr has an address.
        found = ours[theirs.descriptor - (start if theirs.descriptor >= start else 0)]
        assert found.fields == theirs.fields, theirs
        # A func is a pointer here, and has the size of one.
        assert found.size == theirs.size or (found.size is None and theirs.size == 8), theirs
        if not NO_NAME.search(theirs.name):
            assert found.name == theirs.name
            names += 1
        fields += bool(found.fields)
    assert len(ours) > 600 and names > 300 and fields > 150


@pytest.mark.parametrize("version", [matrix.newest(), "1.23", matrix.oldest()])
@pytest.mark.parametrize("language", [GO, C99])
def test_the_verifier_has_no_complaints(version: str, language: int, tmp_path: Path) -> None:
    types = types_of(session_of(build("types", version).exe))
    assert complaints(written(tmp_path, unit_of(types, language)[1])) == ""


def first_parameters(data: bytes) -> Iterator[Tuple[int, DIE]]:
    """(entry of a function, its first parameter) in DWARF."""
    for unit in ELFFile(BytesIO(data)).get_dwarf_info().iter_CUs():
        top = unit.get_top_DIE()
        for die in top.iter_children() if name_of(top) in PACKAGES else ():
            if die.tag != "DW_TAG_subprogram" or "DW_AT_low_pc" not in die.attributes:
                continue
            source = die.attributes.get("DW_AT_abstract_origin")
            declared = die if source is None else die.get_DIE_from_attribute("DW_AT_abstract_origin")
            first = next((c for c in declared.iter_children() if c.tag == "DW_TAG_formal_parameter"), None)
            if first is not None:
                yield int(die.attributes["DW_AT_low_pc"].value), first


def name_of(die: DIE) -> str:
    return str(die.attributes["DW_AT_name"].value.decode())


def type_name(parameter: DIE) -> str:
    return name_of(parameter.get_DIE_from_attribute("DW_AT_type"))


@pytest.mark.parametrize(("version", "arch"), matrix.pairs() if matrix.is_full() else ENDS)
def test_receivers_have_the_type_of_the_twins(version: str, arch: str) -> None:
    built = build("crash", version, arch)
    module = session_of(built.exe).modules.all[0]
    ours = {at: type_name(die) for at, die in first_parameters(rebuilt(built.exe)) if is_typed(die)}
    compared: Counter[bool] = Counter()
    for at, die in first_parameters(built.twin.read_bytes()):
        func = module.find(at)
        # Go 1.19 describes a wrapper as what is inlined into it.
        if at in ours and func is not None and func.entry_line()[0] != "<autogenerated>":
            assert type_name(die) == ours[at], func.name
            compared[ours[at][0] == "*"] += 1
    assert compared[True] > 50 and compared[False] > 2


def is_typed(parameter: DIE) -> bool:
    return parameter.attributes["DW_AT_type"].form == "DW_FORM_ref_addr"


def symbols_of(session: Session, module: Module) -> Dict[str, List[Symbol]]:
    """As they are entered into a symbol table."""
    found: Dict[str, List[Symbol]] = {}
    symbols = data_symbols(session, module, types_of(session), LinkNames())
    sections = program_sections(module.image.elf)
    for name, at, size, _, number in as_entries(symbols, sections, module.image.bias):
        held = sections[number - 1]
        assert held.address <= at and at + size <= held.address + (held.size or len(held.data))
        found.setdefault(name, []).append((at, size))
    return found


def symbols_at_rest(program: Path) -> Dict[str, List[Symbol]]:
    session = session_of(program)
    return symbols_of(session, session.modules.all[0])


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS)
def test_symbols_are_those_of_nm(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    ours = symbols_at_rest(built.twin)
    listed = [symbol for symbol in oracle.nm(built) if symbol.name in ours]
    theirs = {symbol.name: (symbol.address, symbol.size) for symbol in listed}
    assert len(theirs) > 40 and {"runtime.allgs", "runtime.sched", "runtime.firstmoduledata"} <= set(theirs)
    for name, (address, size) in theirs.items():
        assert [at for at, _ in ours[name]] == [address], name
        # The external linker gives some a size that marks none in Go's.
        assert NO_SIZE.search(name) or not size or ours[name][0][1] in (size, 0), name
    itabs = {symbol.name for symbol in oracle.nm(built) if re.match(r"go[:.]itab\.", symbol.name)}
    assert itabs <= set(ours) or any("·" in name for name in itabs - set(ours))
    assert len([name for name in ours if ".itab." in name or ":itab." in name]) > 20
    assert {"runtime.typelink"} & set(ours) or version == "1.27"
    unknown = {name for name in set(ours) - set(theirs) if not re.match(r"(type|go)[:.]", name)}
    # In programs that libc starts there are no such symbols, or they have other names.
    assert not unknown, unknown


@pytest.mark.parametrize("version", matrix.versions())
def test_symbols_of_descriptors(version: str) -> None:
    """Programs that load plugins keep them, those with long names under a hash."""
    built = build("plughost", version, "amd64", Flags(cgo=True), SOURCES)
    ours = symbols_at_rest(built.twin)
    compared = 0
    for symbol in oracle.nm(built):
        if symbol.name in ours and re.match(r"type[:.]", symbol.name):
            assert (symbol.address, symbol.size) in ours[symbol.name], symbol
            compared += 1
    assert compared > 150


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_a_plugins_file_has_its_own(version: str, tmp_path: Path) -> None:
    core = plugin_core(version)
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    host, plugin = session.modules.all
    data = debug_file(session, plugin)
    assert complaints(written(tmp_path, data)) == ""
    ours = symbols_of(session, plugin)
    assert "local.moduledata" in ours and "runtime.allgs" not in ours
    own = {(each.address - plugin.image.bias) for each in types_of(session).all() if each.section.module is plugin}
    named = {at for name, each in ours.items() if re.match(r"type[:.]", name) for at, _ in each}
    assert own == named and len(own) > 50


def planted(core: Core) -> int:
    """Where the program said that its request was."""
    return int(core.facts()["request"][0], 16)


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_in_gdb(version: str, arch: str, tmp_path: Path) -> None:
    core = crash_core(version, arch)
    file, at = written(tmp_path, rebuilt(core.exe)), planted(core)
    symbols = symbols_at_rest(core.exe)
    prefix = "go.itab" if version == "1.19" else "go:itab"
    place = symbols[f"{prefix}.*os.File,io.Writer"][0][0]
    commands = (
        f"python gdb.objfiles()[0].add_separate_debug_file('{file}')",
        # gdb's notion of Go has no casts to types of the program.
        "set language c",
        f"print *(struct 'main.request' *){at:#x}",
        f"print ('main.request' *){at:#x}",
        f"info symbol {place:#x}",
        f"info symbol {symbols['runtime.sched'][0][0] + 8:#x}",
        f"python print(*((f.name, f.bitpos // 8, str(f.type)) for f in {MAIN_REQUEST}.fields()), sep='; ')",
        "set language go",
        "ptype 'main.request'",
        "whatis 'map[string]string'",
    )
    run = run_gdb(commands, exe=core.exe, core=core.core, arch=arch, extension=False)
    _, _, value, pointer, itab, sched, fields, _, written_out, whatis = run.outputs
    text = r'\{str = 0x[0-9a-f]+ .*"panic".*, len = 5\}'
    assert re.search(rf"\{{ID = 7, Path = {text}, Headers = 0x\w+, next = 0x0\}}", value), run
    assert f"{at:#x}" in pointer
    # gdb takes names with a dot for some that it should demangle, those of the twin too.
    assert re.match(r"(go:itab\.\*os\.)?File,io\.Writer in section", itab)
    assert re.match(r"runtime[.\[]sched\]? \+ 8 in section", sched)
    assert fields.strip() == (
        "('ID', 0, 'int'); ('Path', 8, 'string'); ('Headers', 24, 'map[string]string'); ('next', 32, 'main.request *')"
    )
    assert re.sub(r"\s+", " ", written_out).strip() == (
        "type = struct main.request { int ID; string Path; map[string]string Headers; main.request *next; }"
    )
    assert whatis.strip() == "type = map[string]string"


MAIN_REQUEST = "gdb.lookup_type('main.request').strip_typedefs()"


@pytest.mark.parametrize(("version", "arch"), IN_LLDB)
def test_in_lldb(version: str, arch: str, tmp_path: Path) -> None:
    core = crash_core(version, arch)
    path, at = written(tmp_path, rebuilt(core.exe, C99)), planted(core)
    commands = (
        f'target symbols add -s "{core.exe}" "{path}"',
        f"memory read -t main.request {at:#x}",
        f"expression *(main_request *){at:#x}",
        f"expression ((main_request *){at:#x})->Headers->used + 0 * sizeof(main_request)",
        "type lookup main.request",
    )
    run = run_lldb(commands, exe=core.exe, core=core.core, arch=arch, extension=False)
    _, memory, expression, used, lookup = run.outputs
    for text in (memory, expression):
        assert re.search(r'ID = 7\n\s+Path = \(str = "panic".*len = 5\)\n\s+Headers = 0x\w+\n\s+next = ', text), run
    assert "= 1" in used or matrix.versions().index(version) > matrix.versions().index("1.24"), used
    assert "string Path;" in lookup and "main.request *next;" in lookup


CIRCLES = """package main

import (
	"fmt"
	. "unsafe"
)

type P *P
type A [2]*A
type F func(F) F
type S []S
type M map[string]M
type C chan C
type I interface{ Get() I }
type T struct {
	p P
	a A
	f F
	s S
	m M
	c C
	i I
	t [0]U
}
type U struct {
	t *T
	f [0]func()
}

func (u U) Get() I { return u }

func main() {
	x := &T{}
	x.i = U{t: x}
	fmt.Println(Sizeof(x.p), Sizeof(x.a), Sizeof(x.f), Sizeof(x.s), Sizeof(x.m), Sizeof(x.c), Sizeof(x.i), Sizeof(*x),
		Sizeof(U{}))
	fmt.Println(x, x.p, x.a, x.f == nil, x.s, x.m, x.c)
}
"""


@pytest.mark.parametrize(("version", "arch"), ENDS)
def test_types_that_lead_to_themselves(version: str, arch: str, tmp_path: Path) -> None:
    """A program may have types that C has not, and readers do not end at: pointers and arrays of nothing else."""
    built = build("circles", version, arch, files={"main.go": CIRCLES})
    file = written(tmp_path, rebuilt(built.exe, C99))
    said = subprocess.run([str(built.exe)], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    sizes = [f"expression (long)sizeof(main_{name})" for name in "PAFSMCITU"]
    add = f'target symbols add -s "{built.exe}" "{file}"'
    run = run_lldb([add, *sizes, "type lookup main.T"], exe=built.exe, arch=arch, extension=False)
    assert [int(line.split("=")[1]) for line in run.outputs[1:-1]] == [int(size) for size in said.split()], run
    assert "main.P p;" in run.outputs[-1]
    file.write_bytes(rebuilt(built.exe))
    looks = [f"ptype 'main.{name}'" for name in "PAFSMCITU"]
    add = f"python gdb.objfiles()[0].add_separate_debug_file('{file}')"
    shown = run_gdb([add, "set language c", *looks], exe=built.exe, arch=arch, extension=False)
    assert not shown.stderr.strip() and "main.I i;" in shown.outputs[-2], shown


def changed(version: str, edit: Any) -> Types:
    """The types of a program after `edit` of (types, the bytes of their section)."""
    types = types_of(session_of(build("types", version).exe))
    section: Any = types.sections[0]
    section.load()
    data = bytearray(section._view)
    edit(types_of(session_of(build("types", version).exe)), data)
    section._view = memoryview(data)
    return types


@pytest.mark.parametrize("version", [matrix.newest(), "1.23", matrix.oldest()])
def test_changed_bytes(version: str, tmp_path: Path) -> None:
    dice = random.Random(version)

    def damage(types: Types, data: bytearray) -> None:
        for _ in range(len(data) // 300):
            at = dice.randrange(len(data))
            data[at : at + 1] = dice.choice((b"\0", b"\xff", b"\x7f", bytes([dice.randrange(256)])))

    unit, file = unit_of(changed(version, damage), C99)
    assert len(unit.own) > 500
    assert complaints(written(tmp_path, file)) == ""


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_a_type_within_itself(version: str) -> None:
    """The damaged part is shown as bytes; readers would look into it for ever."""
    names: List[str] = []

    def tie(types: Types, data: bytearray) -> None:
        for each in types.all():
            fields = each.fields
            if isinstance(fields, Absent) or not each.named:
                continue
            inner = fields[0].type if fields else None
            if isinstance(inner, Type) and inner.kind == "Struct" and inner.size == each.size:
                at = slice_of(each, "StructType", "Fields")[0] - types.sections[0].start
                field = types.records.layout.struct("internal/abi.StructField").offset("Typ")
                struct.pack_into("<Q", data, at + field, each.address)
                names.append(each.name)

    types = changed(version, tie)
    _, file = unit_of(types)
    found = {each.name: each for each in rebuilt_layouts(file)}
    assert len(names) > 3
    for name in names:
        (t,) = types.find(name)[:1]
        assert found[LinkNames().of(t)].size == t.size
    members = member_types(file)
    assert not any(members[name] == name for name in members)


def member_types(file: bytes) -> Dict[str, str]:
    """The type of each structure's first member, by their names."""
    unit = next(ELFFile(BytesIO(file)).get_dwarf_info().iter_CUs())
    found = {}
    for die in unit.get_top_DIE().iter_children():
        first = next(die.iter_children(), None) if die.tag == "DW_TAG_structure_type" else None
        if first is not None:
            kind = first.get_DIE_from_attribute("DW_AT_type")
            found[die.attributes["DW_AT_name"].value.decode()] = kind.attributes["DW_AT_name"].value.decode()
    return found
