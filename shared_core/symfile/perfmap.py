"""perf's map of a process: which function is at which address, for tools that take it in place of a symbol table.

Source: Linux tools/perf/Documentation/jit-interface.txt ("START SIZE symbolname", numbers in hex without 0x).
"""

from __future__ import annotations

import re
from typing import Iterator, Sequence

from ..binary.moduledata import Module
from ..binary.symbols import module_symbols
from ..layouts.model import Layout

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def default_path(pid: int) -> str:
    """Where perf and bpftrace look for the map of a process."""
    return f"/tmp/perf-{pid}.map"


def perf_map(modules: Sequence[Module], layout: Layout) -> Iterator[str]:
    """A line for each function of the modules, at the addresses that it has in memory."""
    for module in modules:
        for symbol in module_symbols(module, layout):
            name = _UNPRINTABLE.sub("?", symbol.name) or "?"
            yield f"{symbol.address:x} {symbol.size:x} {name}\n"
