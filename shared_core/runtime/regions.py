"""What the address space is used for: the heap's arenas, the program, C, threads, and the rest, and what is resident.

Source: Go 1.27 runtime/malloc.go (arenaBase, arenaIndex), mheap.go (heapArenas).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from ..errors import NOT_RECORDED, Absent, Maybe, ReadError
from ..target import CORE, Mapping
from .record import Record

if TYPE_CHECKING:
    from ..session import Session

HEAP, PROGRAM, FILES, THREADS, C_HEAP, SYSTEM, OTHER = (
    "heap arenas", "program", "files", "thread stacks", "C heap", "system", "other anonymous",
)  # fmt: skip
_ORDER = (HEAP, PROGRAM, FILES, THREADS, C_HEAP, SYSTEM, OTHER)
_SYSTEM = ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[vectors]", "[uprobes]")
_MAX_ARENAS = 1 << 16  # of 64 MiB: 4 TiB
Ranges = List[Tuple[int, int]]


@dataclass
class Region:
    """Mappings of one kind together, by how many bytes; reserved: bytes of them that nobody may touch yet; resident:
    bytes in RAM. How many there are is not told: debuggers cut them where a core or a file does."""

    kind: str
    size: int
    reserved: Maybe[int]
    resident: Maybe[int]


def read_regions(session: Session, heap: Record) -> List[Region]:
    """The kinds that there are, always in the same order; none where the debugger knows no mappings."""
    known = _known_ranges(session, heap)
    resident = _resident(session)
    unknown = Absent(NOT_RECORDED, "a core's mappings are all readable") if session.target.kind == CORE else None
    found: Dict[str, Region] = {}
    mappings = session.target.mappings()
    own = {mapping.path for mapping in mappings if mapping.path and PROGRAM in _overlaps(mapping, known)}
    for mapping in mappings:
        kind = PROGRAM if mapping.path in own else _kind(mapping, known)
        missing = resident if isinstance(resident, Absent) else 0
        region = found.setdefault(kind, Region(kind, 0, 0 if unknown is None else unknown, missing))
        size = mapping.end - mapping.start
        region.size += size
        if not isinstance(region.reserved, Absent):
            region.reserved += size if mapping.flags.startswith("---") else 0
        if not isinstance(resident, Absent) and not isinstance(region.resident, Absent):
            region.resident += resident.get(mapping.start, 0)
    return [found[kind] for kind in _ORDER if kind in found]


def _resident(session: Session) -> Maybe[Dict[int, int]]:
    """Start of a mapping -> bytes of it in RAM."""
    ask = getattr(session.target, "resident", None)  # target.ResidentTeller
    told: Optional[Dict[int, int]] = ask() if ask is not None else None
    if told is not None:
        return told
    what = "a core does not tell" if session.target.kind == CORE else "the system that it runs on is not at hand"
    return Absent(NOT_RECORDED, f"what was resident is not known: {what}")


def arenas(session: Session, heap: Record) -> Ranges:
    """[start, end) of the heap's arenas, ascending, neighbours joined."""
    constants = session.layout.constants
    size, offset = constants["heap_arena_bytes"], constants["arena_base_offset"]
    name = "heapArenas" if "heapArenas.ptr" in heap else "allArenas"  # Go 1.25 renamed it
    count = min(heap.unsigned(f"{name}.len"), _MAX_ARENAS)
    indexes = session.memory.pointers(heap.unsigned(f"{name}.ptr"), count) if count else ()
    found: Ranges = []
    for start in sorted({(index * size + offset) % (1 << 64) for index in indexes}):
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], start + size
        else:
            found.append((start, start + size))
    return found


def _known_ranges(session: Session, heap: Record) -> List[Tuple[str, int, int]]:
    found = [(PROGRAM, m.fields[low], m.fields[high]) for m in session.modules.all for low, high in _MODULE]
    pointers = [thread.registers.get(session.arch.sp) for thread in session.target.threads()]
    found += [(THREADS, sp, sp + 1) for sp in pointers if sp]
    try:
        return [(HEAP, start, end) for start, end in arenas(session, heap)] + found
    except ReadError:
        return found


_MODULE = (("text", "etext"), ("noptrdata", "edata"), ("bss", "ebss"), ("noptrbss", "enoptrbss"))


def _overlaps(mapping: Mapping, known: List[Tuple[str, int, int]]) -> List[str]:
    return [kind for kind, start, end in known if start < mapping.end and mapping.start < end]


def _kind(mapping: Mapping, known: List[Tuple[str, int, int]]) -> str:
    overlaps = _overlaps(mapping, known)
    path = mapping.path or ""
    if HEAP in overlaps or (PROGRAM in overlaps and THREADS not in overlaps):
        return HEAP if HEAP in overlaps else PROGRAM
    if path in _SYSTEM:
        return SYSTEM
    if path.startswith("[stack") or THREADS in overlaps:
        return THREADS
    if path == "[heap]":
        return C_HEAP
    return FILES if path and not path.startswith("[") else OTHER
