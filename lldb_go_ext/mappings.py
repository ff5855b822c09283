"""The address space of a process, out of /proc or out of lldb's memory regions."""

from __future__ import annotations

from typing import Any, List, Optional

import lldb

from shared_core.target import LIVE, Mapping
from shared_core.targets import procfs
from shared_core.targets.corenotes import CoreNotes

from . import process as processes

_MAX = 1 << 20


def of_process(process: Any, notes: Optional[CoreNotes]) -> List[Mapping]:
    """By ascending address; empty when lldb cannot tell, as for qemu's gdbstub.

    notes: those of the core, which name the files; what it names and left out is lldb's to read from the file.
    """
    if processes.kind(process) == LIVE and processes.is_native(process):
        return procfs.mappings(process.GetProcessID())
    found = _regions(process)
    if notes is not None:
        starts = {mapping.start for mapping in found}
        found = [notes.named(mapping) for mapping in found] + [m for m in notes.files if m.start not in starts]
    return _ordered(found)


def _regions(process: Any) -> List[Mapping]:
    regions, region = process.GetMemoryRegions(), lldb.SBMemoryRegionInfo()
    found = []
    for index in range(min(regions.GetSize(), _MAX)):
        if regions.GetMemoryRegionAtIndex(index, region) and region.IsMapped():
            rights = (region.IsReadable(), "r"), (region.IsWritable(), "w"), (region.IsExecutable(), "x")
            flags = "".join(letter if has else "-" for has, letter in rights)
            found.append(Mapping(region.GetRegionBase(), region.GetRegionEnd(), flags + "p", region.GetName() or None))
    return found


def _ordered(found: List[Mapping]) -> List[Mapping]:
    """By address, without overlaps: of two that overlap, the first one stands."""
    ordered: List[Mapping] = []
    for mapping in sorted(found, key=lambda each: (each.start, -each.end)):
        if mapping.start < mapping.end and (not ordered or mapping.start >= ordered[-1].end):
            ordered.append(mapping)
    return ordered
