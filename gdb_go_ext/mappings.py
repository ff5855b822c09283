"""The address space of an inferior, out of /proc or out of what gdb prints about it."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Match, NamedTuple, Optional, Tuple

from shared_core.target import CORE, FILE, LIVE, Mapping
from shared_core.targets import procfs

from . import inferior as inferiors

_MAX_LINES = 1 << 20


class Section(NamedTuple):
    """A section as `maintenance info sections` shows it; `flags` are BFD's words ("ALLOC", "READONLY", ...)."""

    start: int
    end: int
    offset: int
    name: str
    flags: List[str]


class Space(NamedTuple):
    """mappings: by ascending address; empty when gdb cannot tell, as for qemu's gdbstub.

    faked: [start, end) ranges, ascending, which are in no file, and for which gdb answers with zeros all the same.
    """

    mappings: List[Mapping]
    faked: List[Tuple[int, int]]


def of_inferior(inferior: Any) -> Space:
    """The address space as far as gdb knows it."""
    kind = inferiors.kind(inferior)
    if kind == LIVE and inferiors.is_native(inferior):
        return Space(procfs.mappings(inferior.pid), [])
    named = parse_proc_mappings(inferiors.ask("info proc mappings")) if kind != FILE else []
    if kind == LIVE:
        return Space(_ordered(named), [])
    sections = inferiors.ask("maintenance info sections")
    files = parse_sections(sections)
    core, executable = files.get("Core", []), files.get("Exec", [])
    if kind == CORE:
        cut = cut_ranges(core, _size(_CORE_FILE.search(sections)))
        return Space(merge_core(core, named), sorted(faked_ranges(core, executable, named) + cut))
    return Space(_ordered(of_file(executable, inferiors.executable(inferior))), [])


# "0x400000 0x49b000 0x9b000 0x0 [r-xp] [/path]"; start, end, size, offset; the flags are not there for a core.
_PROC = re.compile(
    r"^\s*0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)(?:\s+([r-][w-][x-][ps-]))?(?:[ \t]+(\S.*?))?\s*$",
    re.M,
)


def parse_proc_mappings(text: str) -> List[Mapping]:
    """`info proc mappings`."""
    return [
        Mapping(int(start, 16), int(end, 16), flags, path or None, int(offset, 16))
        for start, end, offset, flags, path in _PROC.findall(text)
        if int(start, 16) < int(end, 16)
    ]


_FILE = re.compile(r"^(Exec|Core) file: ")
_CORE_FILE = re.compile(r"^Core file: `(.*)', file type", re.M)
_SECTION = re.compile(r"^\s*\[\d+\]\s+0x([0-9a-f]+)->0x([0-9a-f]+) at 0x([0-9a-f]+): (\S+)(.*)$")


def parse_sections(text: str) -> Dict[str, List[Section]]:
    """`maintenance info sections`: "Exec" and "Core" -> the sections of that file."""
    files: Dict[str, List[Section]] = {}
    current: List[Section] = []
    for line in text.splitlines()[:_MAX_LINES]:
        file = _FILE.match(line)
        if file:
            current = files.setdefault(file.group(1), [])
        found = _SECTION.match(line)
        if found:
            start, end, offset = (int(found.group(i), 16) for i in (1, 2, 3))
            current.append(Section(start, end, offset, found.group(4), found.group(5).split()))
    return files


def merge_core(sections: List[Section], named: List[Mapping]) -> List[Mapping]:
    """A core's segments ("load1", "load2a", ...), with path and offset from the files that the core names.

    Named ranges that the core has no segment for are kept: gdb reads them from the file itself.
    """
    segments = [s for s in sections if s.name.startswith("load") and s.start < s.end]
    names = {mapping.start: mapping for mapping in named}
    found, last = [], None  # type: List[Mapping], Optional[Mapping]
    for section in sorted(segments):
        last = names.get(section.start) or (last if last and last.start <= section.start < last.end else None)
        found.append(_of_section(section, last))
    covered = {mapping.start for mapping in found}
    return _ordered(found + [mapping for mapping in named if mapping.start not in covered])


def faked_ranges(core: List[Section], executable: List[Section], named: List[Mapping]) -> List[Tuple[int, int]]:
    """Segments that were mapped and not dumped, but for what gdb finds in the executable or in files the core names.

    gdb 13's core_target::xfer_partial ends with "attempt to access data in core file sections with no contents. These
    will typically read as all zeroes."
    """
    empty = [(s.start, s.end) for s in core if s.name.startswith("load") and not _filled(s)]
    held = [(s.start, s.end) for s in executable if _filled(s)] + [(m.start, m.end) for m in named]
    return _without(sorted(empty), sorted(held))


def cut_ranges(core: List[Section], size: Optional[int]) -> List[Tuple[int, int]]:
    """What segments should have beyond the end of a core file of `size` bytes, None for one that nobody finds.

    gdb gives the executable's own bytes there, variables as they were before the program began.
    """
    filled = (s for s in core if s.name.startswith("load") and _filled(s))
    held = ((s.start, s.end, max(0, size - s.offset) if size is not None else s.end - s.start) for s in filled)
    return [(start + there, end) for start, end, there in held if there < end - start]


def _size(found: Optional[Match[str]]) -> Optional[int]:
    """The size of the file that a match names."""
    try:
        return os.path.getsize(found.group(1)) if found else None
    except OSError:
        return None


def _without(ranges: List[Tuple[int, int]], taken: List[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """What of the sorted `ranges` none of the sorted `taken` covers."""
    left, first = [], 0
    for start, end in ranges:
        while first < len(taken) and taken[first][1] <= start:
            first += 1
        for low, high in taken[first:]:
            if low >= end:
                break
            if start < low:
                left.append((start, low))
            start = max(start, high)
        if start < end:
            left.append((start, end))
    return left


def of_file(sections: List[Section], path: Optional[str]) -> List[Mapping]:
    """The sections that a process would have; .tbss, a thread's template, takes no place in it."""
    wanted = [s for s in sections if "ALLOC" in s.flags and s.start < s.end and s.name != ".tbss"]
    return [_of_section(s, Mapping(s.start, s.end, "", path, s.offset) if _filled(s) else None) for s in wanted]


def _filled(section: Section) -> bool:
    return "HAS_CONTENTS" in section.flags


def _of_section(section: Section, named: Optional[Mapping] = None) -> Mapping:
    """READONLY is what is not writable, CODE what is executable; no contents, no code, no file: a bare reservation."""
    readable = _filled(section) or named is not None or "CODE" in section.flags
    flags = "r" if readable else "-"
    flags += "-" if "READONLY" in section.flags else "w"
    flags += "x" if "CODE" in section.flags else "-"
    if named is None:
        return Mapping(section.start, section.end, flags + "p")
    return Mapping(section.start, section.end, flags + "p", named.path, named.offset + section.start - named.start)


def _ordered(found: List[Mapping]) -> List[Mapping]:
    """By address, without overlaps: of two that overlap, the first one stands."""
    ordered: List[Mapping] = []
    for mapping in sorted(found, key=lambda each: (each.start, -each.end)):
        if not ordered or mapping.start >= ordered[-1].end:
            ordered.append(mapping)
    return ordered
