"""The address space of a process, out of /proc or out of lldb's memory regions."""

from __future__ import annotations

from typing import Any, List, Optional

import lldb

from shared_core.target import LIVE, Mapping, in_order
from shared_core.targets import procfs
from shared_core.targets.corenotes import CoreNotes

from . import process as processes

_MAX = 1 << 20


def of_process(process: Any, notes: Optional[CoreNotes]) -> List[Mapping]:
    """By ascending address; empty when lldb cannot tell, as for qemu's gdbstub.

    notes: those of the core, which name the files.
    """
    if processes.kind(process) == LIVE and processes.is_native(process):
        return procfs.mappings(process.GetProcessID())
    found = _regions(process)
    return in_order(found) if notes is None else notes.with_files(found)


def _regions(process: Any) -> List[Mapping]:
    regions, region = process.GetMemoryRegions(), lldb.SBMemoryRegionInfo()
    found = []
    for index in range(min(regions.GetSize(), _MAX)):
        if regions.GetMemoryRegionAtIndex(index, region) and region.IsMapped():
            rights = (region.IsReadable(), "r"), (region.IsWritable(), "w"), (region.IsExecutable(), "x")
            flags = "".join(letter if has else "-" for has, letter in rights)
            found.append(Mapping(region.GetRegionBase(), region.GetRegionEnd(), flags + "p", region.GetName() or None))
    return found
