"""Inline trees against the DWARF of the unstripped twin: the same functions, called at the same lines."""

from __future__ import annotations

import re
from typing import List, Optional, Tuple

import pytest

from shared_core.session import Session
from tests.support import matrix
from tests.support.build import Flags, build
from tests.support.dwarfinline import functions_with_inlining
from tests.support.still import FileTarget

FUNCTIONS = 100
STEP = 13  # of the pcs: inlined ranges are mostly longer
CASES = [(v, a, Flags()) for v, a in matrix.few()] + [(matrix.newest(), a, Flags(pie=True)) for a in ("amd64", "arm64")]

Frames = List[Tuple[str, Optional[int]]]


def _as_recorded(frames: Frames) -> Frames:
    """With type arguments as Go 1.18 to 1.20 put them into pclntab."""
    return [(re.sub(r"\[.*\]", "[...]", name), line) for name, line in frames]


@pytest.mark.parametrize(("version", "arch", "flags"), CASES, ids=[f"{v}-{a}-{f.label()}" for v, a, f in CASES])
def test_logical_frames_are_those_of_dwarf(version: str, arch: str, flags: Flags) -> None:
    built = build("crash", version, arch, flags)
    session = Session(FileTarget(built.exe))
    module = session.modules.all[0]
    checked = deepest = 0
    for call in functions_with_inlining(built.twin, FUNCTIONS):
        func = module.find(call.ranges[0][0])
        assert func is not None
        for pc in range(func.entry, func.entry + func.size, STEP * module.header.quantum):
            facts = session.source_frames.facts(module, func, pc)
            # A frame's own line is that of the next inner call; the innermost one's is no business of the tree.
            lines: List[Optional[int]] = [line for _, _, line, _, _ in facts[1:]]
            ours = list(zip([name for name, _, _, _, _ in facts], [*lines, None]))
            theirs = call.at(pc)
            assert ours == (_as_recorded(theirs) if version == "1.19" else theirs), hex(pc)
            checked += 1
            deepest = max(deepest, len(ours))
    assert checked > 500
    assert deepest >= 3
