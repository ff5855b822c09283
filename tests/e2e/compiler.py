"""What the Go compiler says it wrote: FUNCDATA, PCDATA and their contents, from `go build -gcflags=-S`."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Dict, List, Optional, Tuple

from tests.support.build import Built
from tests.support.paths import FixtureError

# internal/abi/symtab.go
ARGS_MAP, LOCALS_MAP, STACK_OBJECTS = 0, 1, 2
UNSAFE_POINT, STACK_MAP_INDEX = 0, 1

# Names may hold blanks: "type:.eq.[2]interface {} STEXT dupok size=154 ...".
_SYMBOL = re.compile(r"^(\S.*?) (S[A-Z]+) .*?size=(\d+)")
_BYTES = re.compile(r"^\t0x[0-9a-f]+ ((?:[0-9a-f]{2} )+)")
# The arm64 assembler shows a 0 as its zero register.
_FUNCDATA = re.compile(r"\tFUNCDATA\t(?:\$(\d+)|ZR), (\S+)\(SB\)")
_PCDATA = re.compile(r"^\t0x([0-9a-f]+) .*\tPCDATA\t(?:\$(\d+)|ZR), (?:\$(-?\d+)|ZR)$")


@dataclass
class Function:
    """pcdata: table -> [(offset of the pc in the function, value from there on)]; funcdata: table -> symbol."""

    size: int
    pcdata: Dict[int, List[Tuple[int, int]]] = field(default_factory=dict)
    funcdata: Dict[int, str] = field(default_factory=dict)

    def at(self, table: int, offset: int) -> int:
        """The value that counts at an offset; -1 before the first."""
        return ([-1] + [value for start, value in self.pcdata.get(table, []) if start <= offset])[-1]


@dataclass
class Listing:
    """The functions of package main, and the bytes of data symbols."""

    functions: Dict[str, Function]
    data: Dict[str, bytes]

    def bitmaps(self, function: str, table: int) -> Optional[List[str]]:
        """The bitmaps of a stack map (runtime.stackmap: int32 n, int32 nbit, n bitmaps), lowest word first."""
        symbol = self.functions[function].funcdata.get(table)
        if symbol is None:
            return None
        data = self.data[symbol]
        count, bits = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4))
        size = (bits + 7) // 8
        numbers = [int.from_bytes(data[8 + i * size : 8 + (i + 1) * size], "little") for i in range(count)]
        return [f"{number:0{bits}b}"[::-1] if bits else "" for number in numbers]

    def objects(self, function: str) -> List[Tuple[int, int]]:
        """(offset, size) of the stack objects: a count, then {off, size, ptrBytes int32; gcdata offset uint32}."""
        data = self.data.get(self.functions[function].funcdata.get(STACK_OBJECTS, ""), b"\0" * 8)
        count = int.from_bytes(data[:8], "little")
        words = [int.from_bytes(data[at : at + 4], "little", signed=True) for at in range(8, 8 + 16 * count, 4)]
        return [(words[i], words[i + 1]) for i in range(0, len(words), 4)]


@lru_cache(maxsize=64)
def listing(built: Built) -> Listing:
    """The listing of `built`'s package main, made with the flags of a plain build."""
    found = Listing({}, {})
    function, symbol = Function(0), ""
    for line in _assembly(built).splitlines():
        header, content = _SYMBOL.match(line), _BYTES.match(line)
        funcdata, pcdata = _FUNCDATA.search(line), _PCDATA.match(line)
        if header and header[2] == "STEXT":
            function, symbol = found.functions.setdefault(header[1], Function(int(header[3]))), ""
        elif header:
            symbol = header[1]
            found.data[symbol] = b""
        elif content and symbol:
            found.data[symbol] += bytes.fromhex(content[1])
        elif funcdata:
            function.funcdata[int(funcdata[1] or 0)] = funcdata[2]
        elif pcdata:
            offset, table, value = int(pcdata[1], 16), int(pcdata[2] or 0), int(pcdata[3] or 0)
            function.pcdata.setdefault(table, []).append((offset, value))
    return found


def _assembly(built: Built) -> str:
    chain = built.toolchain
    command = [str(chain.go), "build", "-buildvcs=false", "-gcflags=-S", "-o", "/dev/null", "."]
    environment = {**chain.environment(built.arch), "PWD": str(built.source)}
    done = subprocess.run(command, cwd=built.source, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise FixtureError(f"go build -gcflags=-S failed: {done.stderr[-2000:]}")
    return done.stderr
