"""What following a function's code says of its frame, against the pcsp table that the compiler made of it."""

from __future__ import annotations

import random

import pytest

from shared_core.arch.refs import disassemble
from shared_core.arch.spflow import depth_at
from shared_core.session import Session
from shared_core.targets.core import CoreTarget
from tests.support import matrix
from tests.support.cores import crash_core

COUNT = 2000 if matrix.is_full() else 60


@pytest.mark.parametrize(("version", "arch"), matrix.pairs())
def test_code_and_table_agree(version: str, arch: str) -> None:
    """Of functions that move sp as tables can tell; jump tables and large frames may leave a place untold."""
    core = crash_core(version, arch)
    session = Session(CoreTarget(str(core.exe), str(core.core)))
    flags = session.layout.numbers("func_flags")
    odd = flags["sp_write"] | flags["top_frame"]
    chooser, told, asked = random.Random(3), 0, 0
    module = session.modules.all[0]
    functions = [f for f in module.table if f.pcsp and not f.flags & odd and 16 < f.end - f.entry < 2000]
    for func in chooser.sample(functions, COUNT):
        code = bytes(module.code(func))
        pcs = [line[0] for line in disassemble(session.arch, code, func.entry) if line[0] < func.entry + func.size]
        for pc in chooser.choices(pcs, k=3):
            depth = depth_at(session.arch, code, func.entry, pc)
            asked, told = asked + 1, told + (depth is not None)
            assert depth in (None, func.frame_size(pc)), (func.name, hex(pc))
    assert told >= asked * 0.75, (told, asked)
