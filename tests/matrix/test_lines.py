"""Files and lines against `go tool addr2line` of the unstripped twin, which has its own reader of the tables."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Dict, List, Tuple

import pytest

from shared_core.binary.moduledata import Module
from shared_core.session import Session
from tests.support import matrix
from tests.support.build import Built, Flags, build
from tests.support.oracle import addr2line
from tests.support.still import FileTarget
from tests.support.toolchains import toolchain

BUILDS = matrix.builds()
BUILD_IDS = [f"{version}-{arch}-{flags.label()}" for version, arch, flags in BUILDS]
SAMPLE = 5000


def _addr2line(built: Built, addresses: List[int]) -> Dict[int, Tuple[str, str, int]]:
    """What the toolchain's own tool says; Go 1.19's knows nothing of PIE programs, so there it is the next one's."""
    if built.version == "1.19" and built.flags.pie:
        built = replace(built, toolchain=toolchain("1.21"))
    return addr2line(built, addresses)


def _places(module: Module, chosen: List[int]) -> List[Tuple[str, str, int]]:
    found = []
    for pc in chosen:
        func = module.find(pc)
        assert func is not None
        found.append((func.name, *func.line_at(pc)))
    return found


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_source_files_are_those_that_lines_name(version: str, arch: str) -> None:
    module = Session(FileTarget(build("crash", version, arch).exe)).modules.all[0]
    files = list(module.table.files())
    assert len(files) == len(set(files)) == module.header.files
    assert [path for path in files if not path.isprintable()] == []
    assert {func.entry_line()[0] for func in module.table} - set(files) <= {"?"}


def _random_pcs(module: Module, built: Built) -> List[int]:
    """Pcs anywhere in code, without the padding between functions, where addr2line goes on with the last line."""
    chooser = random.Random(built.exe.name + built.version + built.arch)
    functions = [func for func in module.table if func.size >= module.header.quantum]
    chosen = {
        func.entry + chooser.randrange(0, func.size, module.header.quantum)
        for func in chooser.choices(functions, weights=[func.size for func in functions], k=SAMPLE)
    }
    return sorted(chosen)


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=BUILD_IDS)
def test_entries_have_the_lines_of_addr2line(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    module = Session(FileTarget(built.exe)).modules.all[0]
    funcs = list(module.table)
    theirs = _addr2line(built, [func.entry for func in funcs])
    wrong = [
        (func, func.entry_line(), theirs[func.entry][1:])
        for func in funcs
        if func.entry_line() != theirs[func.entry][1:] or func.line_at(func.entry) != func.entry_line()
    ]
    assert wrong == []


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=BUILD_IDS)
def test_any_pc_has_the_line_of_addr2line(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    module = Session(FileTarget(built.exe)).modules.all[0]
    chosen = _random_pcs(module, built)
    theirs = _addr2line(built, chosen)
    ours = _places(module, chosen)
    assert len(chosen) > SAMPLE // 2
    wrong = [(hex(pc), place, theirs[pc]) for pc, place in zip(chosen, ours) if place[1:] != theirs[pc][1:]]
    assert wrong == []


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_trimmed_paths_are_the_modules_own(version: str, arch: str) -> None:
    """-trimpath leaves no path of the machine in the tables."""
    built = build("crash", version, arch, Flags(trimpath=True))
    module = Session(FileTarget(built.exe)).modules.all[0]
    files = set(module.table.files())
    assert "example.com/fixture/crash.go" in files
    assert [path for path in files if path.startswith("/")] == []
