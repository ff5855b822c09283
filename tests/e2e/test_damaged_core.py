"""Cores with junk in them: what is whole is shown, what is lost is told, and nothing hangs."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Callable, Dict

import pytest
from elftools.elf.elffile import ELFFile

from tests.e2e.answers import ask
from tests.e2e.one_line import COMMANDS, clean
from tests.support import matrix
from tests.support.cores import Core, crash_core
from tests.support.gdb import run_gdb


@pytest.fixture(scope="module")
def core() -> Core:
    return crash_core(matrix.newest())


class Junk:
    """A core whose bytes can be overwritten by their addresses."""

    def __init__(self, core: Core) -> None:
        self.core, self.data = core, bytearray(core.core.read_bytes())
        with open(core.core, "rb") as stream:
            loads = [s for s in ELFFile(stream).iter_segments() if s["p_type"] == "PT_LOAD"]
            self.segments = [(s["p_vaddr"], s["p_vaddr"] + s["p_filesz"], s["p_offset"]) for s in loads]
        (answer,) = ask(core, "go-goroutines --all -t 100")
        self.goroutines: Dict[int, int] = {each["id"]: int(each["address"], 0) for each in answer["goroutines"]}
        self.stacks = {each["id"]: int(each["frames"][0]["sp"], 0) for each in answer["goroutines"]}

    def put(self, address: int, data: bytes) -> None:
        (offset,) = [o + address - start for start, end, o in self.segments if start <= address < end]
        self.data[offset : offset + len(data)] = data

    def variable(self, name: str) -> int:
        """The address of a runtime variable, as gdb reads it from the twin's symbols."""
        run = run_gdb([f"info address {name}"], exe=self.core.twin, extension=False)
        return int(run.outputs[0].split(" 0x")[1].split()[0].rstrip("."), 16)


RANDOM = random.Random(2)
NOISE: Dict[str, Callable[[int], bytes]] = {
    "random": RANDOM.randbytes, "ones": lambda size: b"\xff" * size, "zeros": lambda size: bytes(size),
}  # fmt: skip


@pytest.mark.parametrize("noise", NOISE)
def test_some_goroutines_of_junk(core: Core, noise: str, tmp_path: Path) -> None:
    """Every other goroutine is listed as before, and the loss is told."""
    junk = Junk(core)
    gone = sorted(junk.goroutines)[5:8]
    for goid in gone:
        junk.put(junk.goroutines[goid], NOISE[noise](400))
    (tmp_path / "core").write_bytes(junk.data)
    commands = ["go-goroutines --all --json", f"go-goroutine {gone[0]}", "go-goroutines", "go-traceback --all"]
    run, lines = clean(core.exe, tmp_path / "core", commands)
    found = json.loads(run.outputs[0])
    assert [each["id"] for each in found["goroutines"]] == sorted(set(junk.goroutines) - set(gone))
    if noise != "zeros":  # a g of zeros is one that is free
        assert any(re.match(r"3 goroutines cannot be read, the first at 0x", line) for line in found["warnings"])
        assert "warning: 3 goroutines cannot be read" in run.outputs[2]
        assert (
            f"there is no goroutine {gone[0]} (go-goroutines --all lists them, but for 3 that cannot be read)" in lines
        )
    assert len(lines) == 1


@pytest.mark.parametrize("noise", NOISE)
def test_all_goroutines_of_junk(core: Core, noise: str, tmp_path: Path) -> None:
    """What needs no goroutine is still answered, and it is said that the memory may be damaged."""
    junk = Junk(core)
    for address in junk.goroutines.values():
        junk.put(address, NOISE[noise](400))
    (tmp_path / "core").write_bytes(junk.data)
    run, _ = clean(core.exe, tmp_path / "core")
    text = run.outputs[0] + run.outputs[4]
    assert "is the memory damaged?" in text and "layout        table go" in text and 'os.Args[1] = "panic"' in text


@pytest.mark.parametrize("noise", NOISE)
def test_stacks_of_junk(core: Core, noise: str, tmp_path: Path) -> None:
    """The list stands, and each walk ends with a reason."""
    junk = Junk(core)
    for goid, sp in junk.stacks.items():
        junk.put(sp, NOISE[noise](64 if goid % 2 else 256))
    (tmp_path / "core").write_bytes(junk.data)
    commands = [*COMMANDS, "go-goroutines --all -t 1000 --json", "go-traceback --all --level system"]
    run, _ = clean(core.exe, tmp_path / "core", commands)
    found = json.loads(run.outputs[-3])["goroutines"]
    assert [each["id"] for each in found] == sorted(junk.goroutines)
    broken = [each for each in found if each.get("frames_problem")]
    assert len(broken) > len(found) // 2 and all(len(each["frames"]) < 50 for each in found)
    assert run.outputs[-2].count("(stopped: ") >= len(broken) // 2


@pytest.mark.parametrize("version", [matrix.newest(), matrix.oldest()])
@pytest.mark.parametrize("noise", NOISE)
def test_module_data_of_junk(version: str, noise: str, tmp_path: Path) -> None:
    core = crash_core(version)
    junk = Junk(core)
    junk.put(junk.variable("runtime.firstmoduledata"), NOISE[noise](500))
    (tmp_path / "core").write_bytes(junk.data)
    run, lines = clean(core.exe, tmp_path / "core")
    assert all("no layout of the runtime's structures fits" in line for line in lines)
    assert f"Go version    go{version}" in run.outputs[0]
    # Since Go 1.26 only the moduledata tells where the code starts.
    assert version == matrix.newest() or "main.main" in run.outputs[-2]


def test_the_list_of_goroutines_is_junk(core: Core, tmp_path: Path) -> None:
    whole = ask(core, "go-goroutines")[0]["goroutines"]
    for length in (0, 3, 1 << 62):
        junk = Junk(core)
        junk.put(junk.variable("runtime.allgs") + 8, length.to_bytes(8, "little"))
        (tmp_path / "core").write_bytes(junk.data)
        run, _ = clean(core.exe, tmp_path / "core", ["go-goroutines --json"])
        document = json.loads(run.outputs[0])
        if "error" not in document:
            assert {each["id"] for each in document["goroutines"]} <= {each["id"] for each in whole}
