"""What gdb's user gets for input that is wrong or cut: one clear line, what can still be had, a status."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.e2e.answers import ask, lines_of
from tests.e2e.one_line import COMMANDS, GDBS_OWN, SECONDS, clean
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.cores import Core, crash_core, healthy_core
from tests.support.gdb import run_gdb, run_under_gdb
from tests.support.standalone import goxray
from tests.support.toolchains import toolchain


@pytest.fixture(scope="module")
def core() -> Core:
    return crash_core(matrix.newest())


def c_program(place: Path, *flags: str) -> Path:
    (place / "main.c").write_text("int main(void) { volatile int *p = 0; return *p; }\n")
    subprocess.run(["gcc", *flags, "-o", str(place / "c"), str(place / "main.c")], check=True, capture_output=True)
    return place / "c"


def test_not_a_go_program(tmp_path: Path, core: Core) -> None:
    for exe in (Path("/bin/true"), c_program(tmp_path)):
        _, lines = clean(exe)
        assert lines[0].startswith("not a Go program that goxray can read: ") and "no pclntab in it" in lines[0]
        run = run_gdb([*COMMANDS, "print $_go_status"], exe=exe, before=["set startup-with-shell off", "starti"])
        assert len(run.stderr.splitlines()) >= len(COMMANDS) and "Traceback" not in run.stderr
        assert run.stderr.count("not a Go program that goxray can read") == len(COMMANDS)
    # Its core, taken by gdb.
    run_gdb([f"generate-core-file {tmp_path}/c.core"], exe=tmp_path / "c", before=["set startup-with-shell off", "run"])
    _, lines = clean(tmp_path / "c", tmp_path / "c.core")
    assert all("not a Go program" in line for line in lines)


def test_no_program_and_no_process(core: Core) -> None:
    _, lines = clean(None)
    assert set(lines) == {"no program: load one with `file`, `core-file`, `attach` or `run`"}
    run, lines = clean(core.exe)
    assert all("there is no process" in line for line in lines) and len(lines) == len(COMMANDS) - 2
    assert "main.main" in run.outputs[-2] and "there is no process" in run.outputs[0]


def test_a_core_of_another_program(core: Core) -> None:
    """Of a different program, and of the same one built by another Go: its symbols are shown, its memory is not."""
    for other in (healthy_core(matrix.newest()), crash_core(matrix.versions()[1])):
        run, lines = clean(other.exe, core.core)
        assert all(f"{other.exe} is not the program that left this memory" in line for line in lines)
        assert len(lines) == len(COMMANDS) - 2
        assert all(build_id(program) in lines[0] for program in (other.exe, core.exe))
        assert "read from the file alone" in run.outputs[0] and "main.main" in run.outputs[-2]


def build_id(program: Path) -> str:
    go = str(toolchain(matrix.newest()).go)
    return subprocess.run([go, "tool", "buildid", program], check=True, capture_output=True, text=True).stdout.strip()


def test_a_core_of_another_program_by_force(core: Core, tmp_path: Path) -> None:
    """The very program with another build id in it: refused, and believed when told to."""
    exe, ours = tmp_path / "other", build_id(core.exe)
    exe.write_bytes(core.exe.read_bytes().replace(ours.encode(), ours.swapcase().encode()))
    refused, forced = (goxray("args", *words, exe, core.core) for words in ([], ["--force"]))
    in_gdb = run_gdb(["go-args", "set go-force on", "go-args"], exe=exe, core=core.core)
    assert (refused.returncode, refused.stdout) == (2, "")
    ids = f"(Go build id {build_id(exe)}; in the memory: Go build id {ours})"
    for said in (refused.stderr, in_gdb.stderr):
        assert f"{exe} is not the program that left this memory {ids}" in said
    assert "taken for it all the same" in forced.stdout and forced.stdout == in_gdb.outputs[2]
    assert forced.stdout.startswith(goxray("args", core.exe, core.core).stdout)


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
@pytest.mark.parametrize("part", [0.9, 0.5, 0.1, 0.05, 0.03, 0.01])
def test_a_cut_core(version: str, part: float, tmp_path: Path) -> None:
    core = crash_core(version)
    cut = tmp_path / "core"
    cut.write_bytes(core.core.read_bytes()[: int(core.core.stat().st_size * part)])
    check_cut(core, cut, may_list=True)


@pytest.mark.parametrize("part", [0.9, 0.5, 0.1])
def test_a_cut_core_of_a_pie(part: float, tmp_path: Path) -> None:
    """Where the core ends, gdb shows variables as the file has them, before the loader has relocated them."""
    core = crash_core(matrix.newest(), flags=Flags(pie=True))
    data = core.core.read_bytes()
    (tmp_path / "core").write_bytes(data[: int(len(data) * part)])
    run = run_gdb(COMMANDS, exe=core.exe, core=tmp_path / "core", timeout=SECONDS)
    assert "Traceback" not in run.stderr and "internal error" not in run.stderr
    assert f"layout        table go{matrix.newest()} amd64" in run.outputs[0]
    assert all("warning: the core file is cut off: " in output for output in run.outputs if output.strip())
    symbols = [line for line in run.outputs[7].splitlines() if not line.startswith("warning: ")]
    assert symbols == run_gdb(COMMANDS, exe=core.exe, core=core.core).outputs[7].splitlines()


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
def test_a_core_with_nothing_but_notes(version: str, tmp_path: Path) -> None:
    core = crash_core(version)
    with open(core.core, "rb") as stream:
        notes = [s for s in ELFFile(stream).iter_segments() if s["p_type"] == "PT_NOTE"]
        end = max(int(s["p_offset"]) + int(s["p_filesz"]) for s in notes)
        stream.seek(0)
        (tmp_path / "core").write_bytes(stream.read(end))
    check_cut(core, tmp_path / "core", may_list=False)


def check_cut(core: Core, cut: Path, may_list: bool) -> None:
    """Functions and build are always there; goroutines, where they are, are the right ones."""
    run = run_gdb([*COMMANDS, "go-goroutines --json"], exe=core.exe, core=cut, timeout=SECONDS)
    assert "Traceback" not in run.stderr and "internal error" not in run.stderr
    assert f"Go version    go{core.built.toolchain.version}" in run.outputs[0] and "main.main" in run.outputs[-2]
    document = json.loads(run.outputs[-1])
    if "error" in document:
        # Where the core has nothing, gdb shows zeros for variables that start as zeros.
        assert "is the core cut off" in document["error"] or "(or the core is cut off)" in document["error"]
        assert len([line for line in run.stderr.splitlines() if not GDBS_OWN.match(line)]) >= 6
        return
    assert may_list
    whole = {each["id"]: each for each in ask(core, "go-goroutines")[0]["goroutines"]}
    for each in document["goroutines"]:
        assert each["created_by"] == whole[each["id"]]["created_by"]
        assert each["user_frame"] in (None, whole[each["id"]]["user_frame"])


def patched(source: Path, old: bytes, new: bytes, place: Path) -> Path:
    assert len(old) == len(new)
    place.write_bytes(source.read_bytes().replace(old, new))
    place.chmod(0o755)
    return place


@pytest.mark.parametrize(
    "version,called,table",
    [
        ("1.27", "go1.99.3", "1.27"), ("1.27", "go1.28rc", "1.27"), ("1.27", "devel +1", "1.27"),
        ("1.21", "go1.20.13", "1.21"), ("1.21", "go1.18.10", "1.21"),
        # What the version says is believed only as long as the goroutines agree.
        ("1.24", "go1.25.99", "1.24"), ("1.23", "go1.22.9", "1.23"), ("1.26", "go1.25.9", "1.26"),
    ],
)  # fmt: skip
def test_a_version_without_a_table(version: str, called: str, table: str, tmp_path: Path) -> None:
    core = crash_core(version)
    old = f"go{core.built.toolchain.version}".encode()
    exe, memory = (patched(p, old, called.encode(), tmp_path / p.name) for p in (core.exe, core.core))
    run, lines = clean(exe, memory)
    assert lines == [] and f"Go version    {called}" in run.outputs[0]
    known = any(called.startswith(f"go{minor}.") for minor in matrix.versions())
    why = f"the layout for {called} does not fit" if known else f"no layout for {called}"
    warning = f"warning: {why}: using the one for go{table}, whose structures fit; `goxray layout --go PATH`"
    assert all(warning in output for output in run.outputs[:-1])
    whole = run_gdb(COMMANDS, exe=core.exe, core=core.core)
    plain = [
        [line for line in output.splitlines() if "whose structures fit" not in line] for output in run.outputs[1:-1]
    ]
    assert plain == [output.splitlines() for output in whole.outputs[1:]]


def test_no_executable_at_hand(core: Core, tmp_path: Path) -> None:
    """The core names a file that is gone, and holds its first page at most: gdb has no code and no tables."""
    moved = bytes(core.exe).replace(b"fixtures", b"removed_")
    (tmp_path / "core").write_bytes(core.core.read_bytes().replace(bytes(core.exe) + b"\0", moved + b"\0"))
    _, lines = clean(None, tmp_path / "core")
    assert len(lines) == len(COMMANDS) and all(
        "the executable is not at hand" in line and build_id(core.exe) in line for line in lines
    )
    assert all(moved.decode() in line for line in lines)


def same_but_for_the_path(core: Core, exe: Path) -> bool:
    """Whether `exe` answers as the program that left the core, without a warning: its build id is the same."""
    whole, run = (run_gdb(COMMANDS, exe=program, core=core.core) for program in (core.exe, exe))
    return [output.replace(str(exe), str(core.exe)) for output in run.outputs] == whole.outputs


def test_stripped_afterwards(core: Core, tmp_path: Path) -> None:
    subprocess.run(["strip", "-o", tmp_path / "crash", core.exe], check=True)
    assert (tmp_path / "crash").read_bytes() != core.exe.read_bytes()
    assert same_but_for_the_path(core, tmp_path / "crash")


def test_no_section_headers(core: Core, tmp_path: Path) -> None:
    exe = tmp_path / "crash"
    data = bytearray(core.exe.read_bytes())
    data[0x28:0x30] = bytes(8)  # e_shoff
    data[0x3A:0x40] = bytes(6)  # e_shentsize, e_shnum, e_shstrndx
    exe.write_bytes(data)
    assert same_but_for_the_path(core, exe)
    assert "main.main" in run_gdb(["go-symbols ^main\\.main$"], exe=exe).outputs[0]


def test_other_architectures(tmp_path: Path) -> None:
    for arch in ("386", "ppc64le", "s390x"):
        built = build("hello", matrix.newest(), arch)
        run = run_gdb(["go-info", "go-symbols", "print $_go_status"], exe=built.exe, arch="arm64", timeout=SECONDS)
        lines = [line for line in run.stderr.splitlines() if not GDBS_OWN.match(line)]
        assert len(lines) == 2 and all("goxray reads amd64 and arm64 programs" in line for line in lines)
        assert lines_of(run, 2) == ["$1 = 2"]


def test_a_file_that_is_no_program(tmp_path: Path, core: Core) -> None:
    cut = tmp_path / "half"
    cut.write_bytes(core.exe.read_bytes()[: core.exe.stat().st_size // 2])
    run = run_gdb([*COMMANDS, "print $_go_status"], exe=cut, core=core.core, timeout=SECONDS)
    assert "Traceback" not in run.stderr and "internal error" not in run.stderr
    shutil.copy(core.exe, tmp_path / "gone")
    run = run_under_gdb(build("hello", matrix.newest()), "go-info", "go-goroutines", "print $_go_status")
    assert "there is no process" in run.stderr
