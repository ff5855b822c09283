"""Registers as C code and its unwind information see them.

Sources: the psABI of each architecture (System V AMD64 3.2.1 and figure 3.36, AAPCS64 6.1 and AADWARF64 4.1).
"""

from __future__ import annotations

from typing import Dict, NamedTuple, Tuple


class CAbi(NamedTuple):
    """dwarf: registers by their DWARF numbers; kept: those, besides sp, that a C function leaves as they were."""

    dwarf: Tuple[str, ...]
    kept: Tuple[str, ...]


C_ABIS: Dict[str, CAbi] = {
    "amd64": CAbi(
        ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", *(f"r{i}" for i in range(8, 16))),
        ("rbx", "rbp", "r12", "r13", "r14", "r15"),
    ),
    "arm64": CAbi((*(f"x{i}" for i in range(31)), "sp"), tuple(f"x{i}" for i in range(19, 30))),
}
