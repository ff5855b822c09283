"""The registers that arguments come in, of every function of a program.

Oracle: Go's own rules (Go 1.27 src/cmd/compile/abi-internal.md): integers and floats each take the next register in the
order below, and the places where they are stored are in the order of the arguments.
"""

from __future__ import annotations

from typing import Dict, List, Tuple

import pytest

from shared_core.arch import get_arch
from shared_core.binary.functabs import FuncTabs
from shared_core.session import Session
from shared_core.symfile.pctables import PcTables
from shared_core.symfile.stackcheck import NUMBERS, StackChecks
from tests.support import matrix
from tests.support.build import build
from tests.support.still import FileTarget

_AMD64 = ("rax", "rbx", "rcx", "rdi", "rsi", "r8", "r9", "r10", "r11")
ORDER: Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "amd64": (_AMD64, tuple(f"xmm{number}" for number in range(15))),
    "arm64": (tuple(f"x{number}" for number in range(16)), tuple(f"d{number}" for number in range(16))),
}


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_arguments_are_in_the_registers_of_the_abi(version: str, arch: str) -> None:
    session = Session(FileTarget(build("crash", version, arch).exe))
    module = session.modules.all[0]
    tabs, numbers = FuncTabs(module, session.layout), NUMBERS[arch]
    checks = StackChecks(tabs, PcTables(module.table.pctab), get_arch(arch))
    names = {number: name for name, number in numbers.items()}
    seen = 0
    for func in module.table:
        spills = checks.of(func).spills
        stored = [names[register] for _, (register, _) in sorted(spills.items())]
        integers, floats = ORDER[arch]
        assert _of(stored, integers) == list(integers[: len(_of(stored, integers))]), func.name
        assert _of(stored, floats) == list(floats[: len(_of(stored, floats))]), func.name
        assert len(stored) == len(_of(stored, integers)) + len(_of(stored, floats)), func.name
        seen += bool(stored)
    assert seen > 700


def _of(stored: List[str], kind: Tuple[str, ...]) -> List[str]:
    return [name for name in stored if name in kind]
