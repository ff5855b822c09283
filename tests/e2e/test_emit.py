"""go-symbols --emit, by the tools that read what it writes: Go's own, binutils, elfutils, LLVM, gdb."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Dict, List, Sequence, Set, Tuple

import pytest
from elftools.elf.elffile import ELFFile

from tests.matrix.test_plugins import plugin_core
from tests.support import matrix, oracle
from tests.support.build import PLAIN, Built, Flags, build
from tests.support.cores import crash_core, run_command
from tests.support.gdb import Live, live, run_gdb
from tests.support.standalone import goxray
from tests.support.symfiles import Place, complaints, places

VARIANTS = [Flags(pie=True), Flags(cgo=True), Flags(pie=True, cgo=True)]
BUILDS = [(version, arch, PLAIN) for version, arch in matrix.few()]
BUILDS += [
    (version, arch, flags) for version, arch, flags in matrix.variants() if arch == "amd64" and flags in VARIANTS
]
BUILDS += [(matrix.newest(), "arm64", Flags(pie=True))]
NEWEST = matrix.newest()
_KEPT = TemporaryDirectory(prefix="goxray-emit-")

Text = Set[Tuple[int, int, str]]


@cache
def emitted(built: Built, kind: str) -> Path:
    path = Path(_KEPT.name) / f"{built.exe.parent.name}.{kind}"
    done = goxray("symbols", built.exe, "--emit", kind, "-o", path)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert re.fullmatch(rf"{re.escape(str(path))}: \d+ functions \({kind}\)\n", done.stdout)
    return path


def said(*words: object) -> str:
    """What a tool prints; it must have nothing to complain of."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-2000:]
    return done.stdout


def text_of(built: Built) -> Text:
    """By `go tool nm`; up to Go 1.20 the type arguments are lost."""
    return {(s.address, s.size, re.sub(r"\[.*\]", "[...]", s.name, flags=re.S)) for s in oracle.text_symbols(built)}


def crashed(built: Built) -> Tuple[int, List[str]]:
    """The status and the functions of the traceback that the program itself prints."""
    done = subprocess.run(run_command(built, ["panic"]), capture_output=True, text=True, timeout=60, env={})
    return done.returncode, re.findall(r"^(main\.\S+)\(", done.stderr, re.M)


@pytest.mark.parametrize("version,arch,flags", BUILDS)
def test_unstripped_is_a_program_like_the_twin(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    full = emitted(built, "unstripped")
    ours, theirs = text_of(replace(built, twin=full)), text_of(built)
    assert ours <= theirs and len(ours) > 1500
    assert ours == theirs or flags.cgo  # the C code is not in the tables
    pcs = [at for at, _, name in sorted(theirs) if name.startswith("main.")]
    assert oracle.addr2line(replace(built, twin=full), pcs) == oracle.addr2line(built, pcs)
    assert crashed(replace(built, exe=full)) == crashed(built)
    assert crashed(built)[0] == 2 and "main.goDown" in crashed(built)[1]


@pytest.mark.parametrize("flags", [PLAIN, *VARIANTS], ids=Flags.label)
def test_unstripped_keeps_all_there_was(flags: Flags) -> None:
    built = build("crash", NEWEST, flags=flags)
    before, after = built.exe.read_bytes(), emitted(built, "unstripped").read_bytes()
    changed = {at for at in range(64) if before[at] != after[at]}
    assert after[64 : len(before)] == before[64:] and changed <= {*range(0x28, 0x30), *range(0x3A, 0x40)}
    assert sections(emitted(built, "unstripped"))[: len(sections(built.exe))] == sections(built.exe)
    assert os.stat(emitted(built, "unstripped")).st_mode == os.stat(built.exe).st_mode
    assert said("strip", "--strip-debug", "-o", f"{_KEPT.name}/again", emitted(built, "unstripped")) == ""


def sections(path: Path) -> List[Tuple[object, ...]]:
    """But for that of the sections' names, which is another one."""
    with open(path, "rb") as stream:
        found = [(s.name, *[v for k, v in s.header.items() if k != "sh_name"]) for s in ELFFile(stream).iter_sections()]
    return [(*each[:1],) if each[0] == ".shstrtab" else each for each in found]


@pytest.mark.parametrize("kind", ["elf", "unstripped"])
@pytest.mark.parametrize("version,arch,flags", BUILDS[:: len(BUILDS) // 5])
def test_as_readers_of_dwarf_see_it(version: str, arch: str, flags: Flags, kind: str) -> None:
    built = build("crash", version, arch, flags)
    path = emitted(built, kind)
    assert complaints(path) == ""
    assert said("readelf", "-wi", path).count("DW_TAG_subprogram") > 1500
    pcs = [at + size // 2 // 4 * 4 for at, size, name in sorted(text_of(built)) if name.startswith("main.")]
    # LLVM's reader for the twin: binutils' of Debian 12 does not know the DWARF 5 of Go 1.25.
    twin = "".join(f"{pc:#018x}\n{as_addr2line(at)}" for pc, at in zip(pcs, places(built.twin, pcs)))
    assert plain(said("addr2line", "-afi", "-e", path, *map(hex, pcs))) == plain(twin)


def as_addr2line(at: Sequence[Place]) -> str:
    """For Go it calls the innermost frame by the symbol there, also where that frame is an inlined call's."""
    names = [at[-1].function, *(each.function for each in at[1:])]
    return "".join(f"{name}\n{each.file}:{each.line}\n" for name, each in zip(names, at))


def plain(lines: str) -> str:
    """Without what one linker writes and another does not: discriminators, and type arguments in Go 1.19."""
    return re.sub(r"\[.*\]", "[...]", re.sub(r" \(discriminator.*", "", lines))


@pytest.mark.parametrize("flags", [Flags(cgo=True), Flags(pie=True, cgo=True)], ids=Flags.label)
def test_elfutils_puts_the_two_together(flags: Flags, tmp_path: Path) -> None:
    """Of programs that the system's linker made: Go's own has places in the file for .bss that eu-unstrip refuses."""
    built = build("crash", NEWEST, flags=flags)
    said("eu-unstrip", built.exe, emitted(built, "elf"), "-o", tmp_path / "whole")
    (tmp_path / "whole").chmod(0o755)
    assert text_of(replace(built, twin=tmp_path / "whole")) <= text_of(built)
    assert crashed(replace(built, exe=tmp_path / "whole"))[0] == 2


def test_elfutils_walks_the_stacks_of_a_process() -> None:
    built = build("healthy", NEWEST)
    with live(replace(built, exe=emitted(built, "unstripped"))) as program:
        done = subprocess.run(["eu-stack", "-s", "-p", str(program.pid)], capture_output=True, text=True, timeout=60)
        walks = {
            m.group(1): re.findall(r"^#\d+ +\S+ (\S+)\n +(\S+)$", m.group(2), re.M)
            for m in re.finditer(r"^TID (\d+):\n((?:[# ].*\n)*)", done.stdout, re.M)
        }
    ends = {functions[-1][0] for functions in walks.values() if functions}
    assert ends <= {"runtime.goexit.abi0", "runtime.mstart.abi0", "runtime.mcall", "runtime.systemstack.abi0"}
    assert any(f == "runtime.sysmon" and "/runtime/proc.go:" in at for walk in walks.values() for f, at in walk)


@pytest.mark.parametrize("flags", [PLAIN, Flags(pie=True), Flags(cgo=True)], ids=Flags.label)
def test_a_program_without_section_headers(flags: Flags, tmp_path: Path) -> None:
    built, bare = build("crash", NEWEST, flags=flags), tmp_path / "bare"
    data = bytearray(built.exe.read_bytes())
    struct.pack_into("<Q", data, 0x28, 0)
    struct.pack_into("<HHH", data, 0x3A, 0, 0, 0)
    bare.write_bytes(data)
    bare.chmod(0o755)
    full = emitted(replace(built, exe=bare), "unstripped")
    assert text_of(replace(built, twin=full)) <= text_of(built) and full.read_bytes()[64 : len(data)] == data[64:]
    assert crashed(replace(built, exe=full)) == crashed(built)
    names = [name for name, *_ in sections(full)]
    assert {".text", ".gopclntab", ".symtab", ".debug_info"} <= set(names) and len(names) == len(set(names))
    shown = run_gdb(["info line main.goDown"], exe=full, extension=False)
    assert f'crash.go" starts at address {start_of(built, "main.goDown"):#x} ' in shown.outputs[0]
    assert "goDown" in said(built.toolchain.go, "tool", "objdump", "-s", "^main.goDown$", full)


def start_of(built: Built, name: str) -> int:
    (found,) = [address for address, _, each in text_of(built) if each == name]
    return found


def test_perf_map_of_a_process(tmp_path: Path) -> None:
    """At the addresses in memory; its usual place is not written through a link that somebody has put there."""
    built = build("healthy", NEWEST, flags=Flags(pie=True))
    with live(built) as program:
        usual, bait = Path(f"/tmp/perf-{program.pid}.map"), tmp_path / "bait"
        usual.symlink_to(bait)
        try:
            done = goxray("symbols", "--pid", program.pid, "--emit", "perf-map", "--stop")
            assert (done.returncode, done.stdout.split(":")[0]) == (0, str(usual)), done.stderr
            assert not bait.exists() and not usual.is_symlink()
            assert mapped(usual) == {(at + bias(program), *more) for at, *more in text_of(built)}
        finally:
            usual.unlink()
        asked = f"go-symbols --emit perf-map -o {tmp_path}/map"
        assert "perf-map" in program.gdb(asked).outputs[0] and len(mapped(tmp_path / "map")) > 1500


def mapped(path: Path) -> Text:
    lines = (line.split(" ", 2) for line in path.read_text().splitlines())
    return {(int(start, 16), int(size, 16), re.sub(r"\[.*\]", "[...]", name)) for start, size, name in lines}


def bias(program: Live) -> int:
    with open(f"/proc/{program.pid}/maps") as maps, open(program.built.exe, "rb") as stream:
        first = next(int(line.split("-")[0], 16) for line in maps if line.endswith(f"{program.built.exe}\n"))
        return first - min(s["p_vaddr"] for s in ELFFile(stream).iter_segments() if s["p_type"] == "PT_LOAD")


def test_perf_map_with_a_plugin(tmp_path: Path) -> None:
    """The pcs of the traceback that the process itself printed lie in the functions of their names."""
    core = plugin_core(NEWEST)
    done = goxray("symbols", core.exe, core.core, "--emit", "perf-map", "-o", tmp_path / "map")
    assert done.returncode == 0, done.stderr
    listed = mapped(tmp_path / "map")
    places = re.findall(r"^(\S+)\(.*\)\n\t.* pc=0x([0-9a-f]+)$", core.stderr, re.M)
    for name, pc in (each for each in places if each[0] != "panic"):  # runtime.gopanic, so called
        assert any(
            start <= int(pc, 16) <= start + size for start, size, each in listed if each in (name, f"{name}.abi0")
        ), name
    assert any(name.endswith("/p.wait") for name, _ in places)


def test_json_has_functions_and_types() -> None:
    built = build("crash", NEWEST)
    done = goxray("symbols", built.exe, "--emit", "json")
    document = json.loads(done.stdout)
    listed = json.loads(goxray("symbols", built.exe, "--json").stdout)
    assert document["symbols"] == listed["symbols"] and document["schema"] == "goxray.go-symbols/1"
    types: Dict[str, Dict[str, object]] = {each["name"]: each for each in document["types"]}
    request = types["main.request"]
    fields = [(each["name"], each["type"]) for each in request["fields"]]  # type: ignore[attr-defined]
    assert ("Path", "string") in fields and ("next", "*main.request") in fields and request["kind"] == "struct"
    assert types["*main.request"]["elem"] == "main.request" and types["map[string]string"]["key"] == "string"


def test_of_a_core() -> None:
    core = crash_core(NEWEST, flags=Flags(pie=True))
    path = Path(_KEPT.name) / "of-a-core"
    done = goxray("symbols", core.exe, core.core, "--emit", "elf", "-o", path)
    assert done.returncode == 0 and text_of(replace(core.built, twin=path)) == text_of(core.built)


REFUSED: Sequence[Tuple[str, str]] = (
    ("{exe} --emit elf", "--emit elf wants a file to write to, -o FILE: it is binary"),
    ("{exe} --emit perf-map", "--emit perf-map wants a file to write to, -o FILE: there is no process"),
    ("{exe} --emit elf -o x ^main", "--emit tells of all functions"),
    ("{exe} --emit elf -o /no/such/x", "cannot write /no/such/x: No such file or directory"),
    ("{copy} --emit unstripped -o {copy}", "{copy} is the program itself: name another file"),
    ("{twin} --emit unstripped -o {tmp}/x", "{twin} has DWARF of its own"),
    ("{exe} --emit nonsense", "go-symbols: argument --emit: invalid choice"),
)


@pytest.mark.parametrize("words,error", REFUSED)
def test_what_cannot_be(words: str, error: str, tmp_path: Path) -> None:
    built, copy = build("crash", NEWEST), tmp_path / "copy"
    copy.write_bytes(built.exe.read_bytes())
    names = {"exe": built.exe, "twin": built.twin, "copy": copy, "tmp": tmp_path}
    done = goxray("symbols", *words.format(**names).split())
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"goxray: {error.format(**names)}")
    assert sorted(tmp_path.iterdir()) == [copy] and copy.read_bytes() == built.exe.read_bytes()


def test_what_is_written_over_is_not_what_is_looked_at(tmp_path: Path) -> None:
    built, path = build("crash", NEWEST), tmp_path / "out"
    path.write_bytes(build("healthy", NEWEST).exe.read_bytes())
    done = goxray("symbols", "-o", path, "--emit", "elf", built.exe)
    assert done.returncode == 0 and start_of(replace(built, twin=path), "main.goDown")
