"""Symbols of data: what the runtime and the linker keep beside the program's own variables.

Sources: Go 1.27 cmd/link/internal/ld/symtab.go, data.go, pcln.go. Named and sized as `go tool nm` has them where the
linker lists them; it leaves out the names of most descriptors, and Go 1.27 those of itabs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from ..binary.moduledata import Module
from ..binary.types import Itab, Types
from ..binary.types.walk import Extents
from ..errors import LayoutError
from ..layouts.dialect import symbol_prefix
from ..layouts.globals import Globals
from ..layouts.model import Layout
from .elfwriter import OBJECT, Section
from .linknames import LinkNames
from .skeleton import number_at

if TYPE_CHECKING:
    from ..session import Session

_WORD = 8
_MODULEDATA = "runtime.firstmoduledata"
_MAX_SIZE = 1 << 40
# Where a region begins (a symbol without a size), by the moduledata's field.
_REGIONS = ("rodata", "noptrdata", "data", "bss", "noptrbss", "types", "gcdata", "gcbss")
# The sizes of globals: in bytes, of a structure, of a word.
_SIZES = {
    **dict.fromkeys(("allgs", "allp", "argslice", "envs"), 24), "buildVersion": 16, "ticks": 32, "writeBarrier": 16,
    **dict.fromkeys(("iscgo", "mainStarted", "fingRunning", "secureMode"), 1),
    **dict.fromkeys(("argc", "gcphase", "gomaxprocs", "ncpu", "numCPUStartup", "panicking", "runningPanicDefers"), 4),
    **dict.fromkeys(("gcBlackenEnabled", "newprocs", "netpollInited", "crashing", "fingStatus", "worldsema"), 4),
}  # fmt: skip
_STRUCTS = {
    "sched": "runtime.schedt", "mheap_": "runtime.mheap", "m0": "runtime.m", "g0": "runtime.g",
    "memstats": "runtime.mstats", "gcController": "runtime.gcControllerState", "forcegc": "runtime.forcegcstate",
    "debug": "runtime.debug", "work": "runtime.work", "pollcache": "runtime.pollCache",
    "allglock": "runtime.mutex", "paniclk": "runtime.mutex",
}  # fmt: skip
_WORDS = frozenset(
    ("allglen", "allgptr", "allm", "modulesSlice", "faketime", "physPageSize", "runtimeInitTime", "itabTable", "fing",
     "allfin", "argv", "mbuckets", "bbuckets", "xbuckets", "deadlock", "extraM", "lastmoduledatap")
)  # fmt: skip


class DataSymbol(NamedTuple):
    """Address as loaded; size in bytes, 0 for what only marks a place."""

    name: str
    address: int
    size: int


def data_symbols(session: Session, module: Module, types: Types, names: LinkNames) -> Iterator[DataSymbol]:
    """Those of one module."""
    yield from _tables(session, module)
    yield from _descriptors(session.layout, module, types, names)
    if module is session.modules.all[0]:
        yield from _globals(session)


def as_entries(
    symbols: Iterator[DataSymbol], sections: Sequence[Section], bias: int
) -> List[Tuple[str, int, int, int, int]]:
    """Entries for a symbol table; what is outside of all sections is left out."""
    found: List[Tuple[str, int, int, int, int]] = []
    number, start, end = 0, 0, 0
    for name, address, size in symbols:
        at = address - bias
        if not start <= at < end:
            place = number_at(sections, at)
            if place > len(sections):
                continue
            number, held = place, sections[place - 1]
            start, end = held.address, held.address + (held.size or len(held.data))
        found.append((name, at, min(size, end - at), OBJECT, number))
    return found


def _tables(session: Session, module: Module) -> Iterator[DataSymbol]:
    fields, layout = module.fields, session.layout
    first = module is session.modules.all[0]
    name = _MODULEDATA if first else "local.moduledata"
    yield DataSymbol(name, module.address, layout.struct("runtime.moduledata").size)
    if "pclntable.ptr" in fields:
        end = fields["pclntable.ptr"] + fields["pclntable.len"]
        yield DataSymbol("runtime.pclntab", module.header.address, end - module.header.address)
    for symbol, field, each in (
        ("runtime.textsectionmap", "textsectmap", 3 * _WORD),
        ("runtime.typelink", "typelinks", 4),
        ("runtime.itablink", "itablinks", _WORD),
    ):
        start, count = fields.get(f"{field}.ptr", 0), fields.get(f"{field}.len", 0)
        if start and 0 < count < _MAX_SIZE:
            yield DataSymbol(symbol, start, each * count)
    for region in _REGIONS:
        if fields.get(region):
            yield DataSymbol(f"runtime.{region}", fields[region], 0)
    if fields.get("findfunctab"):
        yield DataSymbol("runtime.findfunctab", fields["findfunctab"], 0)
    if module.gofunc:
        yield DataSymbol(symbol_prefix(layout, "go") + "func.*", module.gofunc, 0)


def _descriptors(layout: Layout, module: Module, types: Types, names: LinkNames) -> Iterator[DataSymbol]:
    prefix, extents = symbol_prefix(layout, "type"), Extents(types.records)
    for t in types.all():
        if t.section.module is module:
            yield DataSymbol(prefix + names.of(t), t.address, extents.of(t))
    prefix, first = symbol_prefix(layout, "go") + "itab.", layout.struct("internal/abi.ITab").offset("Fun")
    for itab in types.itabs():
        if module.image.contains(itab.address):
            name = f"{prefix}{names.of(itab.type)},{names.of(itab.interface)}"
            yield DataSymbol(name, itab.address, _itab_size(itab, first))


def _itab_size(itab: Itab, first: int) -> int:
    return first + _WORD * len(itab.entries)


def _globals(session: Session) -> Iterator[DataSymbol]:
    """The runtime's variables that its code leads to, where one of their size can be, and not in each other."""
    module, layout = session.modules.all[0], session.layout
    lookup = Globals(layout, session.arch, session.modules.code, lambda name: None)
    found: List[DataSymbol] = []
    for name, size in sorted(_sizes(layout).items()):
        address = lookup.voted(name)
        if address is not None and name != _MODULEDATA and _may_lie(module, address, size):
            found.append(DataSymbol(name, address, size))
    found.sort(key=lambda symbol: symbol.address)
    for before, symbol, after in zip([None, *found], found, [*found[1:], None]):
        free = before is None or before.address + before.size <= symbol.address
        if free and (after is None or symbol.address + symbol.size <= after.address):
            yield symbol


def _may_lie(module: Module, address: int, size: int) -> bool:
    """Whether a variable of this size may be at `address`: aligned, and where the program can write."""
    linked = address - module.image.bias
    return address % min(size & -size, _WORD) == 0 and any(
        segment.writable and 0 <= linked - segment.address <= segment.memory_size - size
        for segment in module.image.elf.segments
    )


def _sizes(layout: Layout) -> Dict[str, int]:
    """Of globals, in bytes."""
    found = {f"runtime.{name}": size for name, size in _SIZES.items()}
    found.update({f"runtime.{name}": _WORD for name in _WORDS}, **{"time.startNano": _WORD})
    for name, record in _STRUCTS.items():
        try:
            found[f"runtime.{name}"] = layout.struct(record).size
        except LayoutError:
            continue
    return found
