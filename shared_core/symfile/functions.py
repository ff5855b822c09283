"""All functions of one module, made into sections: names, frames, lines, inlined calls and parameters."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections import Counter
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from ..arch import get_arch
from ..arch.spflow import depths
from ..binary.funcnames import package_of
from ..binary.funcs import Func
from ..binary.functabs import FuncTabs
from ..binary.moduledata import Module
from ..errors import GoxrayError
from ..layouts.model import Layout
from .encode import Strings
from .framepointer import saved_from
from .frames import FrameTable, Row
from .info import Lookup, Subprogram, Tables, UnitInfo
from .inlining import InlineTrees, Ranges, merged
from .lines import Sequences, unit
from .linkregister import LinkRegister
from .lists import Located, Ranged
from .params import Parameters
from .pctables import PcTable, PcTables
from .progress import Progress
from .stackcheck import StackChecks

# A method's name, what its first argument word is called, its bytes -> where the receiver's type is in .debug_info
Receivers = Callable[[str, str, int], Optional[int]]
_EVERY = 1024
_ARANGES = struct.Struct("<IHIBBI")  # with the padding that puts the pairs at a multiple of 16
# mov $SYS_rt_sigreturn, %rax; syscall. Source: Go 1.27 runtime/sys_linux_amd64.s, sigreturn__sigaction, up to Go 1.20
# sigreturn; on arm64 the kernel has its own, which debuggers know.
_SIGNAL_RETURN = b"\x48\xc7\xc0\x0f\0\0\0\x0f\x05"
# They end a walk of the runtime's, and were called by the return from signal handlers all the same.
SIGTRAMP = ("runtime.sigtramp", "runtime.cgoSigtramp", "runtime.sigprofNonGoWrapper")
INJECTED = ("sigpanic", "asyncPreempt", "debugCallV2")  # funcIDs; Go 1.27 runtime/traceback.go, next
STARTS = ("_rt0_amd64", "_rt0_arm64")  # what the first function jumps to


def returns_from_signal(module: Module, entry: int) -> bool:
    """Whether the code at `entry` is what a signal handler returns to."""
    image = module.image
    try:
        return image.elf.arch == "amd64" and image.constant(entry, len(_SIGNAL_RETURN)) == _SIGNAL_RETURN
    except GoxrayError:
        return False


class _Unit:
    """A compilation unit while it grows: the functions whose files are in one list."""

    def __init__(self, info: UnitInfo) -> None:
        self.info = info
        self.packages: List[str] = []  # of each function
        self.sequences: List[bytes] = []
        self.spans: Ranges = []
        self.numbers: Dict[int, int] = {}  # pcfile's number of a file -> that in this unit, from 1


class Functions:
    """Describes the functions of a module as linked: `bias` is taken off every address."""

    def __init__(self, module: Module, layout: Layout, arch_name: str, bias: int) -> None:
        self._module, self._arch, self._bias = module, get_arch(arch_name), bias
        self.strings = Strings()
        self._tables = PcTables(module.table.pctab)
        self._sequences = Sequences()
        self._tabs = FuncTabs(module, layout)
        self._quantum = module.header.quantum
        self._links = LinkRegister(module)
        self._checks = StackChecks(self._tabs, self._tables, self._arch)
        flags = layout.numbers("func_flags")
        self._top, self._writes_sp, self._assembly = flags["top_frame"], flags["sp_write"], flags.get("asm", -1)
        entry = module.image.elf.entry + module.image.bias
        self._start = entry if module.find(entry) is not None else 0  # in C, where that calls Go's
        ids = layout.numbers("func_ids")
        self._cgocallback = ids.get("cgocallback", -1)
        self._injected = {ids[name] for name in INJECTED if name in ids}

    def each(self) -> Iterator[Func]:
        """The functions by address, those with broken records left out."""
        for index in range(self._module.table.count):
            try:
                yield self._module.table.func(index)
            except GoxrayError:
                continue

    def frames(self) -> bytes:
        """.debug_frame."""
        found = FrameTable(self._arch.name, self._quantum)
        for func in self.each():
            entry, size = func.entry - self._bias, func.size
            table = self._tables.shared(func.pcsp)
            if func.flags & self._assembly and returns_from_signal(self._module, func.entry):
                found.add_signal_return(entry, size)
            elif table is None:
                continue
            elif self._arch.uses_lr and func.flags & self._top and func.name in SIGTRAMP:
                found.add_handler(entry, size, table)
            elif func.func_id in self._injected:
                found.add_injected(entry, size, table)
            elif self._is_outermost(func):
                found.add(entry, size, func.pcsp, table, True)
            elif func.flags & self._writes_sp and func.func_id != self._cgocallback:
                found.add_rows(entry, size, self._followed(func, table))
            else:
                saved = None if self._arch.uses_lr else saved_from(self._module, func, table)
                call = self._links.morestack_call(func, table) if self._arch.uses_lr else None
                found.add(entry, size, func.pcsp, table, False, saved, call)
        return found.data()

    def _is_outermost(self, func: Func) -> bool:
        """Whether nobody has called the function: goexit, mstart, and where the kernel starts the program."""
        if func.flags & self._top:
            return func.name not in SIGTRAMP
        return func.entry == self._start or self._start > 0 and func.name in STARTS

    def _followed(self, func: Func, table: PcTable) -> List[Row]:
        """The frame of a function that loads sp from elsewhere, by its code; lost from there on."""
        try:
            known = depths(self._arch, bytes(self._module.code(func)), func.entry)
        except GoxrayError:
            known = {}
        rows: List[Row] = [] if known else [(0, None)]
        for pc, depth in sorted(known.items()):
            start = (pc - func.entry) // self._quantum
            if start >= table.starts[-1]:
                break
            # On arm64 the return address is at 0(sp) with the frame as its prologue made it, or still in lr.
            usual = (0, table.values[bisect_right(table.starts, start) - 1])
            lost = self._arch.uses_lr and (depth not in usual or not depth and self._links.calls(func, start))
            rows.append((start, depth if depth is not None and depth >= 0 and not lost else None))
        return rows

    def describe(self, language: int, receivers: Receivers, base: int, progress: Progress) -> Dict[str, bytes]:
        """.debug_info, which begins at `base` of its section, and what it refers to, but for what the types need."""
        tables = Tables(self.strings, Ranged(), Located(), {})
        units: Dict[int, _Unit] = {}
        trees, parameters = InlineTrees(self._tabs, self._tables), Parameters(self._tabs, self._tables)
        argp = self._arch.min_frame_size
        for count, func in enumerate(self.each()):
            if count % _EVERY == 0:
                progress(count, self._module.table.count)
            found = units.get(func.cu_offset)
            if found is None:
                found = units[func.cu_offset] = _Unit(UnitInfo(tables, argp, language))
            self._add(found, func, trees, parameters, receivers)
        return _sections(tables, units, self._module, language, base)

    def _add(self, to: _Unit, func: Func, trees: InlineTrees, parameters: Parameters, receivers: Receivers) -> None:
        entry, size, name = func.entry - self._bias, func.size, func.name
        found, files = self._tables.lines(func.pcln), self._tables.shared(func.pcfile)
        lines = None if found is None else found.table
        places = None if lines is None or files is None else Places(lines, files, self._quantum)
        check = self._checks.of(func)
        if found is not None and files is not None:
            to.sequences.append(self._sequences.of(entry, check.body // self._quantum, found, files, to.numbers))
        place_of = _nowhere if places is None else places.within(to.numbers)
        file, line = place_of(0)
        start_line = func.start_line if func.start_line > 0 else line
        # gdb 13 must not find inlined calls in a signal's frame: get_frame_block fails where they end with the call.
        calls = trees.blocks(func) if places is not None and func.func_id not in self._injected else []
        formals = parameters.of(func, check, lines)
        words = formals.parameters
        receiver = receivers(name, words[0].name, words[0].size) if words else None
        described = Subprogram(name, entry, size, file, start_line, formals, calls, receiver)
        to.info.add(described, place_of)
        to.packages.append(package_of(name))
        to.spans.append((entry, func.end - self._bias))


class Places:
    """The file and line of each pc offset of a function."""

    def __init__(self, lines: PcTable, files: PcTable, quantum: int) -> None:
        self.lines, self.files, self._quantum = lines, files, quantum

    def within(self, numbers: Dict[int, int]) -> Lookup:
        """pc offset -> (the file by the unit's `numbers`, line); the tables' last row where they end before."""
        quantum, (line_starts, lines, _, _), (file_starts, files, _, _) = self._quantum, self.lines, self.files
        line_count, file_count = len(lines), len(files)

        def at(offset: int) -> Tuple[int, int]:
            start = offset // quantum
            line = lines[bisect_right(line_starts, start, 0, line_count) - 1]
            file = files[bisect_right(file_starts, start, 0, file_count) - 1]
            return numbers.get(file, 1), line if line > 0 else 0

        return at


def _nowhere(offset: int) -> Tuple[int, int]:
    return 1, 0


def _sections(tables: Tables, units: Dict[int, _Unit], module: Module, language: int, base: int) -> Dict[str, bytes]:
    info, lines, aranges = [], [], []
    at, line_at = base, 0
    for cu_offset, each in units.items():
        spans = merged(sorted(each.spans))
        name = Counter(each.packages).most_common(1)[0][0]
        files = [module.table.file(cu_offset, number) for number in each.numbers] or ["?"]
        lines.append(unit(files, each.sequences, module.header.quantum))
        info.append(each.info.data(name, language, line_at, spans))
        aranges.append(_covered(at, spans))
        at, line_at = at + len(info[-1]), line_at + len(lines[-1])
    return {
        ".debug_info": b"".join(info),
        ".debug_line": b"".join(lines),
        ".debug_aranges": b"".join(aranges),
        ".debug_ranges": tables.ranges.data(),
        ".debug_loc": tables.places.data(),
    }


def _covered(unit_at: int, spans: Ranges) -> bytes:
    """One unit's part of .debug_aranges."""
    pairs = b"".join(struct.pack("<QQ", start, end - start) for start, end in spans) + b"\0" * 16
    return _ARANGES.pack(_ARANGES.size - 4 + len(pairs), 2, unit_at, 8, 0, 0) + pairs
