"""The function table of one module: ftab entries, _func records, names, files and lines.

Sources: Go 1.27 runtime/runtime2.go (_func), runtime/symtab.go (funcname, funcline1, funcfile); Go 1.16 and 1.18 for
the older records.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import accumulate
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from ..errors import FormatError
from .elf import Buffer
from .pclntab import FUNC_RECORDS, MAGIC_116, PcHeader
from .pcvalue import end_of, first_value, runs, value_at

_MAX_TABLES = 256
_SCANS = 64  # an index of all names, some 50 MB of a large program, is for those who look up hundreds
_NONE = 0xFFFFFFFF
_U32 = struct.Struct("<I")


class Func:
    """One function as pclntab knows it: runtime._func, with its entry and end as addresses.

    `end` is the next function's entry, so it counts the padding between the two.
    `arguments` is the size of the stack arguments in bytes, negative when it varies.
    """

    __slots__ = (
        "_entry_line", "_name", "_size", "arguments", "cu_offset", "deferreturn", "end", "entry", "flags", "func_id",
        "funcdata_count", "index", "name_offset", "pcdata_count", "pcfile", "pcln", "pcsp", "start_line", "table",
        "tables_at",
    )  # fmt: skip

    def __init__(self, table: FuncTable, index: int, entry: int, end: int, at: int) -> None:
        record = FUNC_RECORDS[table.header.magic]
        values = record.unpack_from(table.pclntable, at)
        self.table = table
        self.index = index
        self.entry = entry
        self.end = end
        _, self.name_offset, self.arguments, self.deferreturn = values[:4]
        self.pcsp, self.pcfile, self.pcln, count, self.cu_offset = values[4:9]
        self.start_line = values[9] if len(values) == 13 else 0
        self.func_id, self.flags, self.funcdata_count = values[-3:]
        self.pcdata_count = count
        self.tables_at = at + record.size
        self._name: Optional[str] = None
        self._entry_line: Optional[Tuple[str, int]] = None
        self._size = 0
        if count > _MAX_TABLES or self._tables_end() > len(table.pclntable):
            raise FormatError(f"the function at {entry:#x} has {count} pcdata tables")

    def _tables_end(self) -> int:
        """Where what follows the record in pclntable ends: table offsets of PCDATA, then of FUNCDATA."""
        return self._funcdata_at() + (8 if self.table.header.magic == MAGIC_116 else 4) * int(self.funcdata_count)

    def _funcdata_at(self) -> int:
        end = self.tables_at + 4 * int(self.pcdata_count)
        return end + 7 & -8 if self.table.header.magic == MAGIC_116 else end

    @property
    def name(self) -> str:
        """The linker's name for it, generics as the linker wrote them ("main.F[go.shape.int]")."""
        if self._name is None:
            self._name = self.table.name(self.name_offset)
        return self._name

    @property
    def size(self) -> int:
        """Bytes of code without padding, as the symbol table of the unstripped program has it.

        Every pc-value table ends at the function's last byte; the file table is the shortest of them.
        """
        if not self._size:
            self._size = self._measured()
        return self._size

    def _measured(self) -> int:
        data, quantum = self.table.pctab, self.table.header.quantum
        for offset in (self.pcfile, self.pcsp, self.pcln):
            size = end_of(data, offset, quantum)
            if size:
                return size
        return self.end - self.entry

    def frame_size(self, pc: int) -> Optional[int]:
        """funcspdelta: by how many bytes sp is below its value at entry; None when pcsp does not cover `pc`."""
        return value_at(self.table.pctab, self.pcsp, self.table.header.quantum, pc - self.entry)

    def line_at(self, pc: int) -> Tuple[str, int]:
        """(file, line) at `pc`; ("?", 0) where the tables say nothing, as the runtime does."""
        data, quantum, offset = self.table.pctab, self.table.header.quantum, pc - self.entry
        number = value_at(data, self.pcfile, quantum, offset)
        return self._place(number, value_at(data, self.pcln, quantum, offset))

    def entry_line(self) -> Tuple[str, int]:
        """`line_at(entry)` without walking the tables."""
        if self._entry_line is None:
            data = self.table.pctab
            self._entry_line = self._place(first_value(data, self.pcfile), first_value(data, self.pcln))
        return self._entry_line

    def _place(self, number: Optional[int], line: Optional[int]) -> Tuple[str, int]:
        if number is None or line is None or number < 0 or line < 0:
            return "?", 0
        return self.table.file(self.cu_offset, number), line

    def pcdata(self, table: int, pc: int, absent: int = -1) -> int:
        """PCDATA table number `table` at `pc`; `absent` (the runtime's −1) without one."""
        if table >= self.pcdata_count:
            return absent
        offset = _U32.unpack_from(self.table.pclntable, self.tables_at + 4 * table)[0]
        value = value_at(self.table.pctab, offset, self.table.header.quantum, pc - self.entry)
        return absent if value is None else value

    def pcdata_runs(self, table: int) -> List[Tuple[int, int, int]]:
        """(start, end, value) of PCDATA table number `table`, as addresses; [] without one."""
        if table >= self.pcdata_count:
            return []
        offset = _U32.unpack_from(self.table.pclntable, self.tables_at + 4 * table)[0]
        found = runs(self.table.pctab, offset, self.table.header.quantum)
        return [(self.entry + start, self.entry + end, value) for start, end, value in found]

    def funcdata(self, number: int, gofunc: int) -> Optional[int]:
        """The address of FUNCDATA `number`; None without one. `gofunc` is the module's base for these offsets."""
        if number >= self.funcdata_count:
            return None
        at = self._funcdata_at()
        if self.table.header.magic == MAGIC_116:
            return int(struct.unpack_from("<Q", self.table.pclntable, at + 8 * number)[0]) or None
        offset = int(_U32.unpack_from(self.table.pclntable, at + 4 * number)[0])
        return None if offset == _NONE else gofunc + offset

    def __repr__(self) -> str:
        return f"<Func {self.name} {self.entry:#x}>"


class FuncTable:
    """ftab and what hangs off it. `data` holds the pclntab from its header to its end.

    `address_of` turns a text offset into an address (runtime's textAddr); before Go 1.18 entries are addresses.
    """

    def __init__(self, header: PcHeader, data: Buffer, address_of: Callable[[int], int]) -> None:
        view = memoryview(data)
        self.header = header
        self.count = header.functions
        self._address_of = address_of
        self._names = view[header.names : header.cutab]
        self._cutab = view[header.cutab : header.filetab]
        self._files = view[header.filetab : header.pctab]
        self.pctab = view[header.pctab : header.pclntable]
        self.pclntable = view[header.pclntable :]
        wide = header.magic == MAGIC_116
        words = self.pclntable[: (2 * self.count + 1) * (8 if wide else 4)]
        if len(words) < (2 * self.count + 1) * (8 if wide else 4):
            raise FormatError("the function table is cut")
        self._ftab = words.cast("Q" if wide else "I")
        self._funcs: Dict[int, Func] = {}
        self._by_name: Dict[int, Tuple[int, ...]] = {}
        self._name_offsets: Dict[bytes, List[int]] = {}
        self._looked_up = 0
        self._strings: Dict[int, str] = {}

    def entry_offset(self, index: int) -> int:
        """The `index`-th entry as ftab has it; `index` = count gives the end of the text."""
        return self._ftab[2 * index]

    def entry(self, index: int) -> int:
        return self._address_of(self._ftab[2 * index])

    def func(self, index: int) -> Func:
        """The `index`-th function by address; FormatError if its record is broken, IndexError past the end."""
        found = self._funcs.get(index)
        if found is None:
            if not 0 <= index < self.count:
                raise IndexError(index)
            at = self._ftab[2 * index + 1]
            try:
                found = Func(self, index, self.entry(index), self.entry(index + 1), at)
            except (struct.error, OverflowError):
                raise FormatError(f"the record of function {index} is outside the pclntab") from None
            self._funcs[index] = found
        return found

    def __iter__(self) -> Iterator[Func]:
        for index in range(self.count):
            yield self.func(index)

    def linear_search(self, offset: int) -> Optional[int]:
        """The index of the function that holds text offset `offset`, from ftab alone."""
        entries = self._ftab[::2].tolist()
        index = bisect_right(entries, offset) - 1
        return index if 0 <= index < self.count else None

    def name(self, offset: int) -> str:
        """The NUL-terminated name at `offset` of funcnametab; "" for 0 as in the runtime's funcnameFromNameOff."""
        return self._string(self._names, offset)

    def _string(self, table: memoryview, offset: int) -> str:
        if not 0 <= offset < len(table):
            return "?"
        size = 64
        while True:
            piece = bytes(table[offset : offset + size])
            end = piece.find(b"\0")
            if end >= 0:
                return piece[:end].decode("utf-8", "replace")
            if offset + size >= len(table) or size > 1 << 16:
                return piece.decode("utf-8", "replace")
            size *= 4

    def file(self, cu_offset: int, number: int) -> str:
        """The path of file `number` of a compilation unit; "?" when the tables have none."""
        at = 4 * (cu_offset + number)
        if at + 4 > len(self._cutab):
            return "?"
        offset = _U32.unpack_from(self._cutab, at)[0]
        if offset == _NONE:
            return "?"
        path = self._strings.get(offset)
        if path is None:
            path = self._strings[offset] = self._string(self._files, offset)
        return path

    def files(self) -> Iterator[str]:
        """Every source path of filetab."""
        # Padding follows the last of them.
        for path in bytes(self._files).split(b"\0", self.header.files)[: self.header.files]:
            if path:
                yield path.decode("utf-8", "replace")

    def by_name(self, name: str) -> List[Func]:
        """The functions with exactly this name: two where one is a wrapper for the other ABI, or a copy of it.

        The linker writes a name once per symbol (cmd/link/internal/ld/pcln.go, generateFuncnametab), so functions
        that share one mostly have it at different offsets.
        """
        offsets = self._offsets_of(name)
        if offsets and not self._by_name:
            self._index_names()
        return [self.func(index) for offset in offsets for index in self._by_name.get(offset, ())]

    def _offsets_of(self, name: str) -> List[int]:
        """Every place in funcnametab where `name` begins."""
        key = name.encode("utf-8", "surrogateescape")
        self._looked_up += 1
        if self._looked_up <= _SCANS:
            return list(self._scanned(key + b"\0"))
        if not self._name_offsets:
            names = bytes(self._names).split(b"\0")[:-1]
            for found, end in zip(names, accumulate(len(each) + 1 for each in names)):
                self._name_offsets.setdefault(found, []).append(end - len(found) - 1)
        return self._name_offsets.get(key, [])

    def _scanned(self, key: bytes) -> Iterator[int]:
        names = bytes(self._names)
        at = names.find(key)
        while at >= 0:
            if at == 0 or names[at - 1] == 0:
                yield at
            at = names.find(key, at + 1)

    def _index_names(self) -> None:
        """funcnametab offset -> indexes of the functions that have it."""
        at = 8 if self.header.magic == MAGIC_116 else 4
        unpack = _U32.unpack_from
        for index, place in enumerate(self._ftab[1 : 2 * self.count : 2].tolist()):
            try:
                name = unpack(self.pclntable, place + at)[0]
            except (struct.error, OverflowError):
                continue
            self._by_name[name] = (*self._by_name.get(name, ()), index)
