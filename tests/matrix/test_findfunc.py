"""The findfunctab lookup against a linear search of ftab, for every function of real programs."""

from __future__ import annotations

from typing import Iterator, List, Tuple

import pytest

from shared_core.binary.moduledata import Module
from shared_core.session import Session
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.still import FileTarget
from tests.support.toolchains import Toolchain, toolchains

BUILDS = matrix.builds()
BUILD_IDS = [f"{version}-{arch}-{flags.label()}" for version, arch, flags in BUILDS]


def _ftab(module: Module) -> List[Tuple[int, int]]:
    """(entry, end) of every function, straight from ftab."""
    table = module.table
    entries = [table.entry(index) for index in range(table.count + 1)]
    assert entries == sorted(set(entries))
    return list(zip(entries, entries[1:]))


def _wrong(module: Module) -> Iterator[str]:
    """Each pc whose bucket leads elsewhere than ftab does; the last function may be one byte long."""
    for index, (entry, end) in enumerate(_ftab(module)):
        for pc in {entry, min(entry + 1, end - 1), (entry + end) // 2, end - 1}:
            func = module.find(pc)
            if func is None or func.index != index or not func.entry <= pc < func.end:
                yield f"{pc:#x}: {func} instead of function {index}"
            if module.table.linear_search(pc - module.text) != index:
                yield f"{pc:#x}: the linear search does not give function {index}"


@pytest.mark.parametrize(("version", "arch", "flags"), BUILDS, ids=BUILD_IDS)
def test_buckets_lead_to_the_function_that_a_search_finds(version: str, arch: str, flags: Flags) -> None:
    session = Session(FileTarget(build("crash", version, arch, flags).exe))
    assert list(_wrong(session.modules.all[0])) == []


@pytest.mark.parametrize("chain", toolchains(), ids=lambda chain: str(chain.minor))
def test_buckets_of_the_go_command(chain: Toolchain) -> None:
    """Large, and for Go 1.19 stripped by Debian, dynamically linked and with cgo."""
    session = Session(FileTarget(chain.root / "bin" / "go"))
    module = session.modules.all[0]
    assert module.table.count > 10_000
    functions = _ftab(module)
    step = 1 if matrix.is_full() else 7
    for index in range(0, len(functions), step):
        entry, end = functions[index]
        found = [module.find(pc) for pc in (entry, min(entry + 1, end - 1), end - 1)]
        assert [func and func.index for func in found] == [index] * 3


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_every_pc_of_a_stretch_of_text(version: str, arch: str) -> None:
    """All pcs of the first buckets, and the edges of the text."""
    session = Session(FileTarget(build("crash", version, arch).exe))
    module = session.modules.all[0]
    functions = _ftab(module)
    index = 0
    for pc in range(module.minpc, module.minpc + 5 * 4096 + 1):
        while functions[index][1] <= pc:
            index += 1
        func = module.find(pc)
        assert func is not None and func.index == index, hex(pc)
    assert module.find(module.minpc - 1) is None
    assert module.find(module.maxpc) is None
    last = module.find(module.maxpc - 1)
    assert last is not None and last.index == module.table.count - 1
