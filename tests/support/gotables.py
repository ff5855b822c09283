"""Makes pclntabs, findfunctabs and moduledata out of descriptions, in the forms of Go 1.16, 1.18 and 1.20."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Dict, List, Sequence, Tuple

from shared_core.layouts.model import Field, Layout, Struct

MAGICS = {"1.16": 0xFFFFFFFA, "1.18": 0xFFFFFFF0, "1.20": 0xFFFFFFF1}
QUANTA = {"amd64": 1, "arm64": 4}
NO_FUNCDATA = 0xFFFFFFFF

# (bytes of code, value) in the order of the pcs
Runs = Sequence[Tuple[int, int]]


@dataclass
class Fn:
    """A function to be put into the tables; `size` counts its padding. funcdata: offsets from gofunc, -1 for none."""

    name: str
    size: int = 64
    sp: Runs = ((64, 0),)
    lines: Runs = ((64, 1),)
    file: str = "/src/main.go"
    pcdata: Sequence[Runs] = ()
    funcdata: Sequence[int] = ()
    func_id: int = 0
    flags: int = 0
    deferreturn: int = 0
    args: int = 0


def uvarint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def pcvalue(runs: Runs, quantum: int = 1) -> bytes:
    """A pc-value table (cmd/internal/obj/pcln.go, funcpctab): zigzag value steps and pc steps, ended by a zero."""
    found, last = b"", -1
    for size, value in runs:
        step, last = value - last, value
        found += uvarint(~(step << 1) & 0xFFFFFFFF if step < 0 else step << 1) + uvarint(size // quantum)
    return found + b"\0"


@dataclass
class Tables:
    """A pclntab at `address` for functions that begin at `text`; `data` is its bytes, `offsets` those of its parts."""

    functions: Sequence[Fn]
    form: str = "1.20"
    arch: str = "amd64"
    address: int = 0x480000
    text: int = 0x401000
    data: bytes = b""
    offsets: Dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.quantum, self.wide = QUANTA[self.arch], self.form == "1.16"
        self.entries = [self.text + sum(fn.size for fn in self.functions[:i]) for i in range(len(self.functions) + 1)]
        self._pctab = bytearray(b"\0")
        files = list(dict.fromkeys(fn.file for fn in self.functions))
        names, name_at = _strings([fn.name for fn in self.functions])
        filetab, file_at = _strings(files)
        cutab = struct.pack(f"<{len(files)}I", *file_at)
        pclntable = self._pclntable(files, name_at)
        parts = {
            "names": names,
            "cutab": cutab,
            "filetab": filetab,
            "pctab": bytes(self._pctab),
            "pclntable": pclntable,
        }
        at = 64 if self.wide else 72
        body = b""
        for name, part in parts.items():
            self.offsets[name] = at + len(body)
            body += part.ljust(-(-len(part) // 8) * 8, b"\0")
        start = () if self.wide else (self.text,)
        words = (len(self.functions), len(files), *start, *self.offsets.values())
        header = struct.pack("<IHBB", MAGICS[self.form], 0, self.quantum, 8) + struct.pack(f"<{len(words)}Q", *words)
        self.data = header + body

    def _table(self, runs: Runs) -> int:
        """The offset of a new pc-value table in pctab; 0 for none."""
        if not runs:
            return 0
        self._pctab += pcvalue(runs, self.quantum)
        return len(self._pctab) - len(pcvalue(runs, self.quantum))

    def _pclntable(self, files: List[str], name_at: List[int]) -> bytes:
        code, word = ("<QQ", 8) if self.wide else ("<II", 4)
        size = (2 * len(self.functions) + 1) * word
        size += -size % 8
        ftab, records = b"", b""
        base = 0 if self.wide else self.text
        for fn, entry, name in zip(self.functions, self.entries, name_at):
            ftab += struct.pack(code, entry - base, size + len(records))
            records += self._record(fn, entry - base, name, files.index(fn.file))
        ftab += struct.pack(code[:2], self.entries[-1] - base)
        return ftab.ljust(size, b"\0") + records

    def _record(self, fn: Fn, entry: int, name: int, file: int) -> bytes:
        total = sum(size for size, _ in fn.lines)
        tables = [self._table(fn.sp), self._table([(total, file)]), self._table(fn.lines)]
        head = struct.pack("<QiiI" if self.wide else "<IiiI", entry, name, fn.args, fn.deferreturn)
        head += struct.pack("<5I", *tables, len(fn.pcdata), 0)
        head += struct.pack("<i", 7) if self.form == "1.20" else b""
        head += struct.pack("<BBxB", fn.func_id, fn.flags, len(fn.funcdata))
        head += struct.pack(f"<{len(fn.pcdata)}I", *map(self._table, fn.pcdata))
        head += b"\0" * (-len(head) % 8) if self.wide else b""
        none = 0 if self.wide else NO_FUNCDATA
        offsets = [none if offset < 0 else offset for offset in fn.funcdata]
        head += struct.pack(f"<{len(offsets)}{'Q' if self.wide else 'I'}", *offsets)
        return head + b"\0" * (-len(head) % 8)

    def buckets(self) -> bytes:
        """findfunctab: for each 4096 bytes of text the function there, and for each 256 of them its distance."""
        found = b""
        for start in range(self.text, self.entries[-1], 4096):
            indexes = [self._index(min(start + 256 * i, self.entries[-1] - 1)) for i in range(16)]
            found += struct.pack("<I16B", indexes[0], *(index - indexes[0] for index in indexes))
        return found

    def _index(self, pc: int) -> int:
        return max(i for i, entry in enumerate(self.entries[:-1]) if entry <= pc)

    def moduledata(self, layout: Layout, findfunctab: int, **others: int) -> bytes:
        """A moduledata of that layout; `others` are more fields by name, "." written as "__"."""
        end, at = self.address + len(self.data), self.offsets
        fields = {"pcHeader": self.address, "findfunctab": findfunctab, "text": self.text, "minpc": self.text}
        fields.update(maxpc=self.entries[-1], etext=self.entries[-1])
        names = {
            "funcnametab": "names",
            "cutab": "cutab",
            "filetab": "filetab",
            "pctab": "pctab",
            "pclntable": "pclntable",
        }
        for name, part in {**names, "ftab": "pclntable"}.items():
            fields[f"{name}.ptr"] = self.address + at[part]
        fields.update({"pclntable.len": end - self.address - at["pclntable"], "ftab.len": len(self.functions) + 1})
        fields.update({name.replace("__", "."): value for name, value in others.items()})
        kind, found = layout.struct("runtime.moduledata"), bytearray(layout.struct("runtime.moduledata").size)
        for name, value in fields.items():
            struct.pack_into("<Q", found, kind.offset(name), value)
        return bytes(found)


def _strings(texts: Sequence[str]) -> Tuple[bytes, List[int]]:
    """(NUL-terminated texts one after the other, where each begins)."""
    parts = [text.encode() + b"\0" for text in texts]
    return b"".join(parts), [sum(map(len, parts[:i])) for i in range(len(parts))]


def small_layout(arch: str = "amd64", go: str = "1.27") -> Layout:
    """A layout of just what the binary layer and the unwinder ask for, its moduledata in an order of its own."""
    fields = {name: Field(8 * index, 8) for index, name in enumerate(_MODULEDATA)}
    inlined = {"funcID": Field(0, 1), "nameOff": Field(4, 4), "parentPc": Field(8, 4), "startLine": Field(12, 4)}
    stack_object = {"off": Field(0, 4), "size": Field(4, 4), "ptrBytes": Field(8, 4)}
    return Layout(
        go,
        arch,
        "made for a test",
        {
            "runtime.moduledata": Struct("runtime.moduledata", 8 * len(_MODULEDATA), fields),
            "runtime.inlinedCall": Struct("runtime.inlinedCall", 16, inlined),
            "runtime.stackObjectRecord": Struct("runtime.stackObjectRecord", 16, stack_object),
        },
        {
            "func_flags": {1: "top_frame", 2: "sp_write", 4: "asm"},
            "func_ids": {0: "normal", 1: "sigpanic", 2: "asyncPreempt", 3: "wrapper", 4: "cgocallback", 5: "gopanic"},
            "funcdata": dict(enumerate(FUNCDATA)),
            "pcdata": dict(enumerate(PCDATA)),
            "unsafe_points": {-1: "safe", -2: "unsafe"},
        },
        {},
    )


# The first two have always been the first; the others are shuffled, since only the layout says where they are.
_MODULEDATA = (
    *("pcHeader", "funcnametab.ptr", "ftab.ptr", "ftab.len", "text", "etext", "minpc", "maxpc", "cutab.ptr"),
    *("filetab.ptr", "pctab.ptr", "pclntable.ptr", "pclntable.len", "findfunctab", "gofunc", "textsectmap.ptr"),
    *("textsectmap.len", "next", "modulename.str", "modulename.len"),
)
FUNCDATA = ("args_pointer_maps", "locals_pointer_maps", "stack_objects", "inl_tree", "arg_info", "arg_live_info")
PCDATA = ("unsafe_point", "stack_map_index", "inl_tree_index", "arg_live_index")
