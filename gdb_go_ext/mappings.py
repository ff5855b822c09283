"""The address space of an inferior, out of /proc or out of what gdb prints about it."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from shared_core.binary.elf import ElfImage
from shared_core.errors import FormatError
from shared_core.target import CORE, FILE, LIVE, Mapping, in_order
from shared_core.targets import procfs
from shared_core.targets.held import left_out, remarks_on

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

    faked: [start, end) ranges, ascending, which a core does not hold, and for which gdb answers all the same.
    """

    mappings: List[Mapping]
    faked: List[Tuple[int, int]]
    core_file: Optional[str] = None


def of_inferior(inferior: Any) -> Space:
    """The address space as far as gdb knows it."""
    kind = inferiors.kind(inferior)
    if kind == LIVE and inferiors.is_native(inferior):
        return Space(procfs.mappings(inferior.pid), [])
    named = parse_proc_mappings(inferiors.ask("info proc mappings")) if kind != FILE else []
    if kind == LIVE:
        return Space(in_order(named), [])
    sections = inferiors.ask("maintenance info sections")
    files = parse_sections(sections)
    core = files.get("Core", [])
    if kind == CORE:
        name = _CORE_FILE.search(sections)
        path = name.group(1) if name else None
        return Space(merge_core(core, named), faked_ranges(core, _size(path)), path)
    return Space(in_order(of_file(files.get("Exec", []), inferiors.executable(inferior))), [])


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

    Named ranges that the core has no segment for are kept.
    """
    segments = [s for s in sections if s.name.startswith("load") and s.start < s.end]
    names = {mapping.start: mapping for mapping in named}
    found, last = [], None  # type: List[Mapping], Optional[Mapping]
    for section in sorted(segments):
        last = names.get(section.start) or (last if last and last.start <= section.start < last.end else None)
        found.append(_of_section(section, last))
    covered = {mapping.start for mapping in found}
    return in_order(found + [mapping for mapping in named if mapping.start not in covered])


def faked_ranges(core: List[Section], size: Optional[int]) -> List[Tuple[int, int]]:
    """What a core file of `size` bytes, None for one that nobody finds, does not hold. gdb answers all the same.

    Where a file is at hand that it was told of or that the core names, with that file's bytes: it may be another build,
    and has variables as they were before the program began. Else with zeros: gdb 13's core_target::xfer_partial ends
    with "attempt to access data in core file sections with no contents".
    """
    filled = [s for s in core if s.name.startswith("load") and _filled(s)]
    held = [(s.start, s.end if size is None else min(s.end, s.start + size - s.offset)) for s in filled]
    return left_out((start, end) for start, end in held if start < end) if core else []


def _size(path: Optional[str]) -> Optional[int]:
    try:
        return os.path.getsize(path) if path else None
    except OSError:
        return None


def remarks(space: Space) -> List[str]:
    """What the user should know about the core file."""
    try:
        return remarks_on(ElfImage.open(space.core_file)) if space.core_file else []
    except FormatError:
        return []


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
