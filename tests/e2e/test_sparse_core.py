"""Cores that do not hold all, and executables that are missing or another build: gdb, lldb and goxray say the same.

What is there is what the dying process printed; what is not is named. Which file is needed is told by the toolchain's
and binutils' own word on build ids.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.e2e.answers import place, place_of, printed
from tests.support import matrix
from tests.support.adapters import ADAPTERS, ask
from tests.support.build import PLAIN, Built, Flags, build, program_files
from tests.support.corefile import (
    NT_AUXV,
    NT_FILE,
    NT_PRSTATUS,
    cut,
    elsewhere,
    with_garbled_notes,
    without_contents,
    without_notes,
)
from tests.support.cores import Core, crash_core
from tests.support.standalone import goxray
from tests.support.traceback import by_id, parse_traceback

# Bits of /proc/PID/coredump_filter: private memory that is in no file, that is in files, the first page of ELF files.
NO_VARIABLES, NO_FIRST_PAGE, DEFAULT, WITH_FILES = 0x3E, 0x23, 0x33, 0x7F
NEW, OLD = matrix.newest(), matrix.oldest()
COMMANDS = ["go-info", "go-goroutines --all -t 100", "go-args", "go-symbols ^main\\.main$"]
PIE, BOTH = Flags(pie=True), Flags(pie=True, cgo=True)
FLAGS = [PLAIN, PIE, Flags(cgo=True), BOTH] if matrix.is_full() else [PLAIN, BOTH]
IDS = [flags.label() for flags in FLAGS]
Documents = List[Dict[str, Any]]


def go_id(built: Built) -> str:
    return _said(str(built.toolchain.go), "tool", "buildid", str(built.exe))


def gnu_id(exe: Path) -> str:
    return re.findall(r"Build ID: ([0-9a-f]+)", _said("readelf", "-n", str(exe)))[0]


def _said(*line: str) -> str:
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout.strip()


def listed_right(core: Core, document: Dict[str, Any], all_of_them: bool = True) -> None:
    """The goroutines are those that the process printed, and their frames what it printed of each."""
    expected = by_id(parse_traceback(core.stderr))
    found = {each["id"]: each for each in document["goroutines"]}
    assert found.keys() == expected.keys() if all_of_them else found.keys() <= expected.keys()
    for goid, each in found.items():
        assert (each["wait_reason"] or each["status"]) == expected[goid].status
        frames = each["frames"]
        if expected[goid].status == "running" and frames:  # it has gone on since, to raise the signal
            names = [printed(frame["function"]) for frame in frames]
            frames = frames[names.index("panic") :] if "panic" in names else []
        theirs = [place_of(frame) for frame in expected[goid].frames]
        assert [place(frame) for frame in frames] == (theirs if all_of_them else theirs[: len(frames)])


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("flags", FLAGS, ids=IDS)
def test_memory_alone(adapter: str, flags: Flags) -> None:
    """A core that kept the pages of files needs no executable."""
    core = crash_core(NEW, flags=flags, dump_filter=WITH_FILES)
    with elsewhere(core) as (alone, gone):
        info, goroutines, args, symbols = ask(adapter, alone, COMMANDS)
        assert [each["warnings"] for each in (goroutines, args)] == [[], []] or goroutines["target"][
            "executable"
        ] is None
        listed_right(core, goroutines)
        assert args["args"] == [str(gone), *core.args[1:]]
        assert info["target"]["go_version"] == f"go{core.built.toolchain.version}"
        assert [symbol["name"] for symbol in symbols["symbols"]] == ["main.main"]


@pytest.mark.parametrize("version", matrix.versions())
def test_memory_alone_in_every_version(version: str) -> None:
    core = crash_core(version, dump_filter=WITH_FILES)
    with elsewhere(core) as (alone, _):
        listed_right(core, ask("goxray", alone, COMMANDS[1:2])[0])


def test_memory_alone_as_gdb_writes_it() -> None:
    """generate-core-file heeds the filter too; a GiB with all that the heap has reserved, and so not copied here."""
    core = crash_core(NEW, dump_filter=WITH_FILES, under_gdb=True)
    (goroutines,) = ask("goxray", core.core, COMMANDS[1:2], Path("/bin/true"))
    listed_right(core, goroutines)
    assert "no pclntab in it; what is shown is read from memory alone" in goroutines["warnings"][0]


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("dump_filter", [DEFAULT, NO_FIRST_PAGE], ids=hex)
@pytest.mark.parametrize("flags", FLAGS, ids=IDS)
def test_the_executable_is_missing(adapter: str, dump_filter: int, flags: Flags) -> None:
    """What is needed is told by path, and by the build ids that the core has: not by those of the kernel's vdso."""
    core = crash_core(NEW, flags=flags, dump_filter=dump_filter)
    with elsewhere(core) as (alone, gone):
        if dump_filter == DEFAULT and flags == BOTH:
            gone.write_bytes(gzip.compress(core.exe.read_bytes()))  # there, and of no use
        errors = [document["error"] for document in ask(adapter, alone, COMMANDS)]
    known = [f"Go build id {go_id(core.built)}", *([f"build id {gnu_id(core.exe)}"] if flags.cgo else [])]
    named = ", ".join(known) if dump_filter == DEFAULT else "its build ids are not there either"
    wanted = f"the core does not hold its code and tables: it takes {gone} ({named})"
    assert all(error.endswith(f"the executable is not at hand, and {wanted}") for error in errors)


def other_builds(built: Built) -> Dict[str, Path]:
    """Another program, another Go, other flags, and the same program with a statement more."""
    files = program_files("crash")
    files["crash.go"] = files["crash.go"].replace("func main() {", "func main() {\n\tprintln(len(os.Args))", 1)
    assert files != program_files("crash")
    builds = {
        "program": build("healthy", built.version, flags=built.flags),
        "go": build("crash", matrix.versions()[1], flags=built.flags),
        "flags": build("crash", built.version, flags=Flags(noopt=True, pie=not built.flags.pie)),
        "code": build("crash", built.version, flags=built.flags, files=files),
    }
    return {name: each.exe for name, each in builds.items()}


REPLACED = [
    (DEFAULT, PLAIN, "code"), (DEFAULT, PIE, "flags"), (NO_FIRST_PAGE, PIE, "code"), (NO_FIRST_PAGE, PLAIN, "program"),
    (NO_FIRST_PAGE, PLAIN, "go"),
]  # fmt: skip


@pytest.mark.parametrize("dump_filter,flags,other", REPLACED, ids=lambda each: getattr(each, "label", lambda: each)())
def test_another_build_at_its_path(dump_filter: int, flags: Flags, other: str) -> None:
    """Refused with both ids, by all alike; what the file itself tells is told under a warning."""
    core = crash_core(NEW, flags=flags, dump_filter=dump_filter)
    with elsewhere(core) as (alone, there):
        shutil.copy(other_builds(core.built)[other], there)
        theirs = _said(str(core.built.toolchain.go), "tool", "buildid", str(there))
        answers = {adapter: ask(adapter, alone, COMMANDS) for adapter in ADAPTERS}
        assert answers["gdb"] == answers["lldb"] == answers["goxray"]
        info, goroutines, args, symbols = answers["goxray"]
        memory = f"Go build id {go_id(core.built)}" if dump_filter == DEFAULT else "none that can be read"
        assert f"{there} is not the program that left this memory (Go build id {theirs}" in goroutines["error"]
        assert f"; in the memory: {memory}" in goroutines["error"] and "is not the program" in args["error"]
        for document in (info, symbols):
            assert any("what is shown is read from the file alone" in warning for warning in document["warnings"])


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("named", [False, True], ids=["found", "named"])
def test_another_build_is_not_needed(adapter: str, named: bool) -> None:
    """Memory that has all answers instead of the file, and says so."""
    core = crash_core(NEW, dump_filter=WITH_FILES)
    with elsewhere(core) as (alone, there):
        for other in (other_builds(core.built)["code"], Path("/bin/true")):
            shutil.copy(other, there)
            (goroutines,) = ask(adapter, alone, COMMANDS[1:2], there if named else None)
            listed_right(core, goroutines)
            assert any(f"{there}" in line and "read from memory alone" in line for line in goroutines["warnings"])


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_the_right_build_where_little_proves_it(adapter: str) -> None:
    """The core has no page of the file: the moduledata agrees, and the user is told that this is all."""
    core = crash_core(NEW, dump_filter=NO_FIRST_PAGE)
    (goroutines,) = ask(adapter, core.core, COMMANDS[1:2])
    listed_right(core, goroutines)
    assert goroutines["warnings"][0] == (
        f"{core.exe} fits the memory, which has neither build ids nor tables to prove it by"
    )


def test_variables_that_were_not_dumped() -> None:
    """They are not what the executable has for a beginning."""
    core = crash_core(NEW, dump_filter=NO_VARIABLES)
    for change in (lambda data: None, without_contents):
        with elsewhere(core, change) as (alone, there):
            shutil.copy(core.exe, there)
            answers = {adapter: ask(adapter, alone, COMMANDS) for adapter in ADAPTERS}
            assert answers["gdb"] == answers["lldb"] == answers["goxray"]
            info, goroutines, args, symbols = answers["goxray"]
            assert "was that memory not dumped (coredump_filter)?" in goroutines["error"]
            assert "os.Args cannot be read" in args["error"]
            assert info["target"]["go_version"] == f"go{core.built.toolchain.version}" and symbols["symbols"]


CUTS = [(NEW, PLAIN, 0.1), (NEW, PLAIN, 0.5), (NEW, PLAIN, 0.9), (NEW, PIE, 0.1), (OLD, PLAIN, 0.5), (OLD, PIE, 0.9)]


@pytest.mark.parametrize("version,flags,share", CUTS, ids=str)
def test_a_core_that_was_cut(version: str, flags: Flags, share: float) -> None:
    core = crash_core(version, flags=flags, dump_filter=DEFAULT)
    lost = core.core.stat().st_size - int(core.core.stat().st_size * share)
    with elsewhere(core, cut(share)) as (alone, there):
        shutil.copy(core.exe, there)
        answers = {adapter: ask(adapter, alone, COMMANDS, there) for adapter in ADAPTERS}
        assert answers["gdb"] == answers["lldb"] == answers["goxray"]
        info, goroutines, _, symbols = answers["goxray"]
        for document in (info, symbols):
            assert f"the core file is cut off: {lost} of its bytes are missing at the end" in document["warnings"]
        if "error" not in goroutines:
            listed_right(core, goroutines, all_of_them=False)
        else:
            assert "the core" in goroutines["error"]


NOTES = {
    "no auxv": without_notes(NT_AUXV), "no files": without_notes(NT_FILE), "neither": without_notes(NT_AUXV, NT_FILE),
    "no threads": without_notes(NT_PRSTATUS), "auxv of noise": with_garbled_notes(NT_AUXV),
    "files of noise": with_garbled_notes(NT_FILE), "threads of noise": with_garbled_notes(NT_PRSTATUS),
}  # fmt: skip


@pytest.mark.parametrize("notes", NOTES)
@pytest.mark.parametrize("flags", [PLAIN, PIE] if matrix.is_full() else [PIE], ids=Flags.label)
def test_notes_are_gone_or_noise(flags: Flags, notes: str) -> None:
    """Where the program was loaded shows in the memory itself; threads are wanted for what runs alone."""
    core = crash_core(NEW, flags=flags, dump_filter=DEFAULT)
    with elsewhere(core, NOTES[notes]) as (changed, there):
        shutil.copy(core.exe, there)
        for adapter in ADAPTERS:
            if adapter == "lldb" and notes not in ("no auxv", "neither"):
                continue  # it does not open a core with notes of noise, or without threads
            _, goroutines, args, symbols = ask(adapter, changed, COMMANDS, there)
            goroutines["goroutines"] = [each for each in goroutines["goroutines"] if each["status"] != "running"]
            expected = {goid for goid, each in by_id(parse_traceback(core.stderr)).items() if each.status != "running"}
            listed_right(core, goroutines, all_of_them=False)
            assert {each["id"] for each in goroutines["goroutines"]} == expected and symbols["symbols"]
            assert args["args"] == [str(there), *core.args[1:]]


@pytest.mark.parametrize("adapter", ["gdb", "lldb"])
def test_a_core_in_place_of_the_program(adapter: str) -> None:
    core = crash_core(NEW, dump_filter=DEFAULT)
    listed_right(core, ask(adapter, core.core, COMMANDS[1:2], core.core)[0])


def test_files_that_cannot_be_looked_at(tmp_path: Path) -> None:
    """goxray takes program and core in any order, and says of what it cannot take what it is."""
    core = crash_core(NEW, dump_filter=DEFAULT)
    assert goxray("args", core.core, core.exe).stdout == goxray("args", core.exe, core.core).stdout != ""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "packed").write_bytes(gzip.compress(b"core"))
    (tmp_path / "half").write_bytes(core.exe.read_bytes()[: core.exe.stat().st_size // 3])
    for words, error in [
        (["empty", core.core], "empty: is empty"),
        ([core.exe, "empty"], "empty: is empty"),
        ([core.exe, "packed"], "packed: is no ELF file"),
        ([core.exe, "."], ".: is a directory"),
        ([core.exe, core.core, core.core], "a program and a core is all that can be looked at"),
        (["half", core.core], " bytes of the file are missing at its end"),
    ]:
        places = [tmp_path / word if isinstance(word, str) else word for word in words]
        done = goxray("goroutines", *places)
        assert (done.returncode, done.stdout) == (2, "") and len(done.stderr.splitlines()) == 1
        assert error.replace(".:", f"{tmp_path}:") in done.stderr
