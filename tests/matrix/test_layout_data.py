"""The shipped layouts against real toolchains: regenerated they are the same, and their anchors lead where nm says."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Tuple

import pytest

from shared_core.arch import get_arch
from shared_core.binary.elf import ElfImage
from shared_core.layouts import Globals, resolve
from shared_core.layouts.build import symbol_table
from shared_core.layouts.document import Document, file_name, read_document, same_but_provenance, shipped_directory
from shared_core.layouts.dwarf import document_from_elf
from shared_core.layouts.generate import generate, measure_tables
from shared_core.layouts.wanted import GLOBALS, REQUIRED_STRUCTS, SCARCE_GLOBALS
from tests.support import matrix
from tests.support.build import Built, Flags, build
from tests.support.oracle import nm
from tests.support.toolchains import toolchain

BUILDS = matrix.builds()
BUILD_IDS = [f"{version}-{arch}-{flags.label()}" for version, arch, flags in BUILDS]
# Measuring anchors anew takes nine builds of Go's own library: at both ends, or everywhere in full.
ENDS = matrix.pairs() if matrix.is_full() else [(matrix.newest(), "amd64"), (matrix.oldest(), "arm64")]
# A program cannot be shown without these: their first candidate must be right even without optimisation.
ESSENTIAL = (
    *("runtime.allgs", "runtime.allglen", "runtime.allgptr", "runtime.allm", "runtime.allp", "runtime.sched"),
    *("runtime.argslice", "runtime.envs", "runtime.mheap_", "runtime.firstmoduledata", "runtime.gomaxprocs"),
)


@pytest.fixture(autouse=True)
def no_user_layouts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "none"))


def _found(built: Built, program: Path) -> Tuple[Dict[str, List[int]], Dict[str, int]]:
    """(global -> candidates in `program` with no symbols to help, global -> what nm says of its twin)."""
    expected = {symbol.name: symbol.address for symbol in nm(built)}
    layout = resolve(f"go{built.version}", built.arch, None, lambda layout: None).layout
    text = ElfImage.open(str(program))
    functions = symbol_table(ElfImage.open(str(built.twin))).functions

    def function_code(name: str) -> Optional[Tuple[int, bytes]]:
        place = functions.get(name)
        return None if place is None else (place.address, bytes(text.bytes(*place)))

    found = Globals(layout, get_arch(built.arch), function_code, lambda name: None)
    candidates = {name: found.candidates(name) for name in layout.globals}
    return candidates, {name: expected[name] for name in layout.globals if name in expected}


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=BUILD_IDS)
def test_anchors_lead_to_every_global(version: str, arch: str, flags: Flags) -> None:
    built = build("healthy", version, arch, flags)
    # Where the twins' data addresses differ, the twin itself stands in for the stripped program, its symbols hidden.
    candidates, expected = _found(built, built.exe if built.same_data else built.twin)
    first = set(ESSENTIAL) if flags.noopt else set(expected) - set(SCARCE_GLOBALS)
    assert first <= set(expected)
    assert {name: candidates[name][:1] for name in first} == {name: [expected[name]] for name in first}
    lost = [name for name in (*GLOBALS, *SCARCE_GLOBALS) if expected[name] not in candidates[name]]
    assert lost == []


@pytest.mark.parametrize(("version", "arch"), matrix.few())
def test_structures_and_numbers_are_what_the_toolchain_says(
    version: str, arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use_test_caches(monkeypatch, version, arch)
    fresh = measure_tables(str(toolchain(version).go), arch, str(tmp_path))
    assert set(same_but_provenance(fresh, _shipped(version, arch))) <= {"globals"}


@pytest.mark.parametrize(("version", "arch"), ENDS)
def test_regenerated_layout_is_the_shipped_one(
    version: str, arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use_test_caches(monkeypatch, version, arch)
    fresh = generate(str(toolchain(version).go), arch, str(tmp_path))
    assert same_but_provenance(fresh, _shipped(version, arch)) == ()


@pytest.mark.parametrize(("version", "arch"), ENDS)
def test_the_programs_own_dwarf_gives_the_same_structures(version: str, arch: str) -> None:
    """A program with DWARF needs no table of its version: what its DWARF lacks comes from the nearest."""
    built = build("healthy", version, arch)
    own = document_from_elf(ElfImage.open(str(built.twin)), version, supplement=_shipped(version, arch))
    shipped = _shipped(version, arch)
    assert set(REQUIRED_STRUCTS) <= set(own["structs"])
    # A small program describes fewer types than the probe, and none differently.
    assert {name: shipped["structs"][name] for name in own["structs"]} == own["structs"]
    assert same_but_provenance({**own, "structs": {}}, {**shipped, "structs": {}}) == ()


def _shipped(version: str, arch: str) -> Document:
    return read_document(str(Path(shipped_directory()) / file_name(version, arch)))


def _use_test_caches(monkeypatch: pytest.MonkeyPatch, version: str, arch: str) -> None:
    environment = toolchain(version).environment(arch)
    for name in ("GOCACHE", "GOPATH"):
        monkeypatch.setenv(name, environment[name])
